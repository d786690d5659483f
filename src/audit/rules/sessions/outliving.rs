//! Sessions that were made with a credential, and live on when it is revoked.

use std::collections::BTreeMap;

use crate::audit::case::{Look, Sees};
use crate::audit::evidence::{Evidence, Kind};
use crate::audit::facts::{Fact, Place, Span, What};
use crate::audit::finding::Finding;
use crate::audit::rules::{Rule, View};
use crate::clock::Instant;
use crate::logbook::{Entry, Event};

/// Most sessions that are named.
const MOST: usize = 3;

/// One session: renewals make it longer.
struct Session<'a> {
    id: &'a str,
    /// The role that it is of, as `role/NAME`; empty: of the user itself.
    role: &'a str,
    /// The account that it was made in.
    account: &'a str,
    made: Option<Instant>,
    /// When it ends by itself, if every source says so.
    until: Option<Instant>,
    place: Place,
}

impl Session<'_> {
    fn told(&self) -> String {
        let made = self.made.map(|at| format!(" of {}", at.rfc3339())).unwrap_or_default();
        let until = self.until.map(|at| format!(", until {}", at.rfc3339())).unwrap_or_default();
        let id = if self.id.is_empty() { "one" } else { self.id };
        format!("{id}{made}{until}")
    }

    /// Says whether a fact ends it.
    fn is_ended_by(&self, fact: &Fact, look: &Look<'_>) -> bool {
        let later = self.made.is_none_or(|made| fact.when.to.is_some_and(|to| to >= made));
        let own = match fact.what {
            What::Deleted => !self.id.is_empty() && *fact.credential == *self.id,
            // a policy of the user does not bind sessions of a role
            What::SessionsEnded if fact.credential.is_empty() => {
                let whose = if self.role.is_empty() { look.subject } else { self.role };
                // users of two accounts may have one name; a role may be of another account
                let here = !self.role.is_empty() || *fact.account == *self.account;
                here && !whose.is_empty() && *fact.subject == *whose
            }
            What::SessionsEnded => *fact.credential == *look.id,
            _ => false,
        };
        own && later
    }
}

fn sessions<'a>(look: &Look<'a>, skew: i64) -> Vec<Session<'a>> {
    let mut all: BTreeMap<(&str, Option<Instant>), Session<'a>> = BTreeMap::new();
    let minted = look.facts.iter().copied().filter(|fact| fact.what == What::SessionMinted);
    for fact in minted.filter(|fact| look.owns(fact, skew)) {
        let (id, role) = fact.session.split_once(" of ").unwrap_or((&fact.session, ""));
        // of two without a name nobody knows that they are one
        let alone = fact.when.from.filter(|_| id.is_empty());
        let (made, place) = (fact.when.from, fact.place);
        let (account, until) = (&*fact.account, fact.until);
        let new = Session { id, role, account, made, until, place };
        let known = all.entry((id, alone)).or_insert(new);
        known.made = known.made.min(made);
        known.until = known.until.zip(fact.until).map(|(one, other)| one.max(other));
    }
    all.into_values().collect()
}

/// Returns the record of a revocation whose note has some words in it: `rotate` writes there what became of sessions.
fn noted<'a>(look: &Look<'a>, words: &str) -> Option<&'a Entry> {
    look.book.records(look.set, Event::Revoke).find(|entry| says(entry, words))
}

fn says(entry: &Entry, words: &str) -> bool {
    entry.text("note").contains(words)
}

/// Says whether the logs that are here would show sessions: those of other platforms do not tell them from logins, and a table
/// may have been asked for other events.
fn shows(view: &View<'_>, look: &Look<'_>) -> bool {
    let fits =
        |file: &&Evidence| file.kind == Kind::Log && view.case.fits(file, look.book, look.set);
    let mut logs = view.case.evidence.iter().filter(fits);
    ["aws", "vault"].contains(&look.book.platform(look.set))
        && logs.all(|file| file.format != "table of events")
}

pub(super) fn outlives(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    let skew = view.case.skew;
    for look in view.looks {
        let ended = look.timeline.out_of_force().map(|end| end.when);
        let Some(revoked) = ended.or(look.set.revoked.map(|(_, at)| Span::at(at))) else {
            continue;
        };
        let sessions = sessions(look, skew);
        let generation = look.set.generation;
        let ends = |what| matches!(what, What::SessionsEnded | What::Deleted);
        let ends: Vec<&Fact> = view.case.facts.iter().filter(|fact| ends(fact.what)).collect();
        let by_record = noted(look, "sessions ended").filter(|entry| !says(entry, "live on"));
        let (mut long, mut open) = (Vec::new(), Vec::new());
        for session in &sessions {
            let gone = ends.iter().any(|fact| session.is_ended_by(fact, look));
            if gone || by_record.is_some() {
                continue;
            }
            match session.until {
                Some(until) if revoked.to.is_some_and(|to| until > to.shifted(skew)) => {
                    long.push(session);
                }
                Some(until) if revoked.from.is_some_and(|from| until <= from.shifted(skew)) => {}
                _ => open.push(session),
            }
        }
        if !long.is_empty() {
            let what = format!(
                "generation {generation} was revoked {revoked}, and sessions that were made with it live longer: {}",
                list(&long)
            );
            out.push(about(rule.fail(what).observed(revoked), look, &long));
        }
        if !open.is_empty() {
            let what = format!(
                "generation {generation}: nothing here says whether sessions that were made with it had ended {revoked}: {}",
                list(&open)
            );
            out.push(about(rule.cannot_tell(what).observed(revoked), look, &open));
        }
        if !long.is_empty() || !open.is_empty() {
            continue;
        }
        let window = (look.set.issue.1, revoked.to.unwrap_or(view.case.as_of));
        let covered =
            shows(view, look) && view.case.covers(look.book, look.set, Sees::Uses, window);
        let finding = match (sessions.is_empty(), by_record, noted(look, "live on")) {
            (false, Some(entry), _) => rule
                .pass(format!("generation {generation}: record {} says that its sessions were ended", entry.seq))
                .records([entry.seq]),
            (false, None, _) => {
                rule.pass(format!("generation {generation}: its sessions had ended, or were ended"))
            }
            (true, _, _) if covered => {
                rule.pass(format!("generation {generation}: no session is seen that was made with it"))
            }
            (true, _, Some(entry)) => rule
                .cannot_tell(format!(
                    "generation {generation}: record {} says that sessions may live on, and no log here shows any",
                    entry.seq
                ))
                .records([entry.seq]),
            (true, _, None) => continue,
        };
        out.push(finding.about(look));
    }
}

fn about(finding: Finding, look: &Look<'_>, sessions: &[&Session<'_>]) -> Finding {
    let key: Vec<&str> = sessions.iter().take(MOST).map(|session| session.id).collect();
    let key = format!("{} {}", sessions.len(), key.join(" "));
    finding.about(look).places(sessions.iter().take(10).map(|session| session.place)).key(key)
}

fn list(sessions: &[&Session<'_>]) -> String {
    let names: Vec<String> = sessions.iter().take(MOST).map(|session| session.told()).collect();
    let more = sessions.len().saturating_sub(MOST);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    names.join("; ") + &more
}
