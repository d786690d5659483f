//! The release table: what an auditor reads first. One row per release, with the one question: was it revoked in time?

use super::case::{Case, Look, Sees};
use super::facts::{Fact, Place, Span, What};
use super::timeline::End;
use crate::clock::Instant;
use crate::logbook::Person;
use crate::set::SheetId;
use crate::state::Release;

/// The answer to the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was not.
    Fail,
    /// The evidence does not tell.
    Inconclusive,
    /// It was.
    Pass,
    /// It is not due yet.
    Open,
}

/// One release.
#[derive(Clone, Debug)]
pub struct Row {
    /// Which of the looks it belongs to.
    pub look: usize,
    /// Method id.
    pub method: String,
    /// Generation.
    pub generation: u32,
    /// Its record.
    pub record: u64,
    /// When.
    pub at: Instant,
    /// To whom.
    pub operator: Person,
    /// What for.
    pub reason: String,
    /// Incident ticket.
    pub ticket: Option<String>,
    /// Sheets that opened it.
    pub sheets: Vec<SheetId>,
    /// Record and time of its END.
    pub ended: Option<(u64, Instant)>,
    /// By when the credential had to be revoked.
    pub due: Instant,
    /// First and last use that is seen, and how many.
    pub uses: Option<(Span, u64)>,
    /// Whether a log is here that would show every use of it.
    pub covered: bool,
    /// When it was revoked, as far as that is known.
    pub revoked: Option<Span>,
    /// Whether that was in time.
    pub verdict: Verdict,
    /// Why, in words.
    pub why: String,
    /// Where evidence says so.
    pub places: Vec<Place>,
    /// Who has accepted that it was not, until when and why.
    pub waived: Option<String>,
}

impl Row {
    /// Says how it was used, for a table.
    pub fn used(&self) -> String {
        match self.uses {
            None if !self.covered => "no log here shows whether it was used".to_owned(),
            None => "no use seen".to_owned(),
            Some((span, 1)) => format!("used once, {}", span.minutes()),
            Some((span, times)) => format!("used {times} times, {}", span.minutes()),
        }
    }

    /// Returns the word of the verdict, for a table.
    pub fn word(&self) -> String {
        let waived = if self.waived.is_some() { ", waived" } else { "" };
        format!("{}{waived}", self.verdict.word())
    }

    /// Says when it ended, for a table.
    pub fn end(&self) -> String {
        let ended = |at| format!("ended {}", Span::at(at).minutes());
        self.ended.map_or("no END".to_owned(), |(_, at)| ended(at))
    }
}

impl Verdict {
    /// Returns the word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Fail => "FAIL",
            Self::Inconclusive => "CANNOT TELL",
            Self::Pass => "pass",
            Self::Open => "not due yet",
        }
    }
}

/// Makes the table.
pub fn table(case: &Case, looks: &[Look<'_>]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (number, look) in looks.iter().enumerate() {
        for release in &look.set.releases {
            // one credential, one clock: it runs from the first release on
            let due = due(look).unwrap_or(release.revoke_due);
            let (verdict, why, places) = judge(case, look, due, release.at);
            let uses = uses(look, release, case);
            let end = release.ended.map_or(case.as_of, |(_, at)| at).min(case.as_of);
            let covered = case.covers(look.book, look.set, Sees::Uses, (release.at, end));
            rows.push(Row {
                look: number,
                method: look.book.state.method.clone(),
                generation: look.set.generation,
                record: release.record,
                at: release.at,
                operator: release.operator.clone(),
                reason: release.reason.clone(),
                ticket: release.ticket.clone(),
                sheets: release.sheets.clone(),
                ended: release.ended,
                due,
                uses,
                covered,
                revoked: look.timeline.out_of_force().map(|end| end.when),
                verdict,
                why,
                places,
                waived: None,
            });
        }
    }
    rows
}

/// Returns by when a credential had to be revoked: what the first release says, and not later than the dealt method allows.
pub fn due(look: &Look<'_>) -> Option<Instant> {
    // records may come in later than what they tell of
    let first = look.set.releases.iter().min_by_key(|release| release.at)?;
    let method = look.book.method_of(look.set);
    let allowed = method.map(|method| first.at.plus_hours(method.revoke_within));
    Some(allowed.map_or(first.revoke_due, |allowed| allowed.min(first.revoke_due)))
}

/// Says whether a credential was out of force in time, three ways, and why.
fn judge(
    case: &Case,
    look: &Look<'_>,
    due: Instant,
    released: Instant,
) -> (Verdict, String, Vec<Place>) {
    let late = due.shifted(case.skew);
    let timeline = &look.timeline;
    if let Some((line, _)) = &look.book.broken {
        let why = format!(
            "the chain of the logbook is broken at line {line}: nothing in it can be believed"
        );
        return (Verdict::Inconclusive, why, Vec::new());
    }
    if let Some((end, alive, place)) = timeline.revived.last()
        && timeline.end.is_none()
    {
        let why = format!("ended {}, and in force again {}", end.when, alive.rfc3339());
        return (Verdict::Fail, why, vec![end.place, *place]);
    }
    if let Some(end) = timeline.out_of_force() {
        if end.when.to.is_some_and(|to| to < released.shifted(-case.skew)) {
            let why = format!(
                "out of force {}, before it was released: one of the two is wrong",
                end.when
            );
            return (Verdict::Inconclusive, why, vec![end.place]);
        }
        return in_time(end, due, late);
    }
    match timeline.alive {
        Some((at, place)) if at > late => {
            (Verdict::Fail, format!("in force {}, after it was due", at.rfc3339()), vec![place])
        }
        _ if case.as_of <= late => {
            let record = look.set.revoked.map(|(record, _)| {
                format!("; record {record} says that it is revoked, no evidence does")
            });
            let why = format!("due {}{}", due.rfc3339(), record.unwrap_or_default());
            (Verdict::Open, why, Vec::new())
        }
        // nobody claims that it was revoked: there is nothing that evidence could confirm
        alive if look.set.revoked.is_none() => {
            let seen = alive.map(|(at, _)| format!("; last seen in force {}", at.rfc3339()));
            let why = "no record and no evidence says that it was revoked".to_owned();
            let places = alive.map(|(_, place)| place).into_iter().collect();
            (Verdict::Fail, why + &seen.unwrap_or_default(), places)
        }
        Some((at, place)) => {
            let why = format!("last seen in force {}; nothing says what came after", at.rfc3339());
            (Verdict::Inconclusive, why, vec![place])
        }
        None => match timeline.unseen {
            Some(end) => {
                let why = format!(
                    "not listed {}, but no evidence ever showed {}: an earlier list or a log of changes would",
                    end.when, look.id
                );
                (Verdict::Inconclusive, why, vec![end.place])
            }
            None => (Verdict::Inconclusive, nothing(case, look), Vec::new()),
        },
    }
}

fn in_time(end: End, due: Instant, late: Instant) -> (Verdict, String, Vec<Place>) {
    let what = match end.how {
        What::SecretChanged => "another secret in its place",
        What::Deactivated | What::SeenInactive => "switched off",
        What::Expires => "expired",
        What::SeenAbsent => "no longer listed",
        _ => "revoked",
    };
    let by = end.when.from.filter(|from| *from > late);
    let by = by.map(|from| format!(", {} late", lasting(from.since(due))));
    let why = format!("{what} {}{}", end.when, by.unwrap_or_default());
    let verdict = match end.when {
        Span { to: Some(to), .. } if to <= late => Verdict::Pass,
        Span { from: Some(from), .. } if from > late => Verdict::Fail,
        _ => Verdict::Inconclusive,
    };
    (verdict, why, vec![end.place])
}

/// `3 h 20 min`, `5 days`.
fn lasting(seconds: i64) -> String {
    let minutes = seconds / 60;
    match (minutes / 1440, minutes / 60) {
        (0..2, 0) => format!("{minutes} min"),
        (0..2, hours) => format!("{hours} h {} min", minutes % 60),
        (days, _) => format!("{days} days"),
    }
}

/// Says which evidence would tell.
fn nothing(case: &Case, look: &Look<'_>) -> String {
    if look.id.is_empty() {
        return "the records do not name the credential, so no evidence can be about it".to_owned();
    }
    if case.evidence.iter().all(|file| !case.fits(file, look.book, look.set)) {
        return format!("no evidence of {} is here", named(look));
    }
    let would = match look.book.platform(look.set) {
        "aws" => "`list-access-keys` with the time of the export, or CloudTrail of us-east-1",
        "postgresql" => "the server's log with its DDL, or two reports of pg_authid",
        "vault" => "the audit log of the server",
        "ssh" if look.book.has_krl(look.set) => {
            "the KRL, or authorized_keys as this program reported it,"
        }
        "ssh" => {
            "authorized_keys as this program reported it (a KRL counts where `krl` in [rotation.target] names it)"
        }
        "linux" => "the shadow file with the time of the export",
        "gcp" => "the keys list with the time of the export, or the activity log",
        "entra" => "the credential list with the time of the export, or the audit log",
        _ => "a log of its changes, or a list with the time of the export",
    };
    format!("no evidence here says so; {would} would")
}

fn named(look: &Look<'_>) -> String {
    match look.book.platform(look.set) {
        "" => look.id.to_owned(),
        platform => format!("{platform} {}", look.id),
    }
}

/// Returns first and last use from a release on, up to its end or the next one of the set: what comes after is of a rotation,
/// or the question of a rule.
fn uses(look: &Look<'_>, release: &Release, case: &Case) -> Option<(Span, u64)> {
    let from = release.at;
    let next = look.set.releases.iter().map(|r| r.at).filter(|at| *at > from).min();
    let ended = release.ended.map(|(_, at)| at.shifted(case.skew + 1));
    let next = next.into_iter().chain(ended).min();
    let within = |fact: &&&Fact| {
        let (start, end) = (fact.when.from, fact.stretch().to);
        end.is_some_and(|end| end >= from.shifted(-case.skew))
            && next.is_none_or(|next| start.is_some_and(|start| start < next))
    };
    let used = look.facts.iter().filter(|fact| fact.what.is_use()).filter(within);
    let used: Vec<_> = used.filter(|fact| look.owns(fact, case.skew)).collect();
    // what a list says of the last use is a use that a log has with its time, if there is a log
    let timed = used.iter().any(|fact| fact.when.exact().is_some());
    let mut found: Option<(Span, u64)> = None;
    for fact in used.into_iter().filter(|fact| !timed || fact.when.exact().is_some()) {
        let stretch = fact.stretch();
        let (span, count) = found.get_or_insert((stretch, 0));
        span.from = span.from.min(stretch.from);
        span.to = span.to.max(stretch.to);
        *count += fact.times;
    }
    found
}
