//! USE: was it used outside of what the book says?

use super::{Rule, View};
use crate::audit::case::{Look, Sees};
use crate::audit::facts::{Fact, Truth, What};
use crate::audit::finding::{Finding, Severity};
use crate::clock::Instant;
use crate::logbook::{Entry, Event};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "BG-USE-001",
        severity: Severity::Critical,
        title: "used after the release had ended",
        why: "the operator was done, or should have been: somebody else has it, or the operator kept it",
        needs: "a log that shows uses",
        clauses: &["ISO/IEC 27001:2022 A.8.2", "NIST SP 800-53 AC-2(12)"],
        remedy: "find out who used it and what for; revoke it now if it is still in force",
        check: after_end,
    },
    Rule {
        id: "BG-USE-002",
        severity: Severity::Critical,
        title: "used without a release",
        why: "somebody has the credential outside of the process",
        needs: "a log that shows uses",
        clauses: &["NIST SP 800-53 AU-6", "ISO/IEC 27001:2022 A.8.15"],
        remedy: "treat it as compromised: `breakglass rotate --compromised WHY`, and find out who it was",
        check: unlogged,
    },
    Rule {
        id: "BG-USE-003",
        severity: Severity::High,
        title: "used before the release was recorded",
        why: "the record comes first; what is written afterwards can say anything",
        needs: "a log that shows uses",
        clauses: &["NIST SP 800-53 AU-10"],
        remedy: "ask operator and custodians about the order of things; look at clocks",
        check: before_record,
    },
    Rule {
        id: "BG-USE-004",
        severity: Severity::Medium,
        title: "used from an unexpected place",
        why: "one operator works from one place at a time",
        needs: "a log with network addresses; `[audit] addresses` in the method file",
        clauses: &["NIST SP 800-53 AU-6(1)"],
        remedy: "ask the operator; what they do not know of was somebody else",
        check: places,
    },
    Rule {
        id: "BG-USE-005",
        severity: Severity::Info,
        title: "released, and no use is seen",
        why: "either it was not needed, or the log does not show everything",
        needs: "a log that shows uses and covers the release",
        clauses: &["ISO/IEC 27001:2022 A.8.15"],
        remedy: "ask why it was released; find out which log shows its use",
        check: unused,
    },
    Rule {
        id: "BG-USE-006",
        severity: Severity::Medium,
        title: "refused logins outside of a release",
        why: "somebody guesses, or has an old copy",
        needs: "a log that shows refused logins",
        clauses: &["NIST SP 800-53 AC-7"],
        remedy: "find out where they came from",
        check: refused,
    },
    Rule {
        id: "BG-USE-007",
        severity: Severity::High,
        title: "the account's root login was used",
        why: "root cannot be limited, and a break-glass credential is there so that nobody needs it",
        needs: "a log or a report of the account",
        clauses: &["CIS AWS Foundations 1.7", "NIST SP 800-53 AC-6"],
        remedy: "find out who used it and why; lock its credentials away",
        check: root,
    },
    Rule {
        id: "BG-USE-008",
        severity: Severity::High,
        title: "it made other credentials",
        why: "what was made with it outlives it",
        needs: "a log of changes",
        clauses: &["NIST SP 800-53 AC-2", "MITRE ATT&CK T1098"],
        remedy: "go through the list with the operator; end what is not explained",
        check: made_others,
    },
];

/// Most uses that are findings of their own; what comes after them is counted.
const MOST: usize = 50;

/// Uses that break a rule. A log may have a million of them.
#[derive(Default)]
struct Many<'a> {
    listed: usize,
    more: u64,
    last: Option<&'a Fact>,
}

impl<'a> Many<'a> {
    /// Says whether there is room for one more; else it is counted.
    fn has_room(&mut self, fact: &'a Fact) -> bool {
        if self.listed < MOST {
            self.listed += 1;
            return true;
        }
        self.more += fact.times;
        self.last = Some(fact);
        false
    }

    /// Says how many more there are.
    fn rest(&self, rule: &'static Rule) -> Option<Finding> {
        let last = self.last?;
        let what = format!("and {} more times, the last {}", self.more, told(last));
        Some(
            rule.fail(what)
                .observed(last.stretch())
                .places([last.place])
                .key(format!("more {}", self.more)),
        )
    }
}

/// A time in which somebody may use it: a release, or a ceremony. Both ends are moved apart by what clocks may differ.
struct Window {
    from: Instant,
    to: Option<Instant>,
    /// The release, if it is one.
    release: Option<u64>,
}

/// How long a login may come before the first record of a ceremony, and after the last, seconds.
const AROUND: i64 = 3600;

/// Returns when a set's credential may be used, by the records: releases until they end, and the ceremonies that make,
/// prove and end it.
fn windows(look: &Look<'_>, skew: i64) -> Vec<Window> {
    let set = look.set;
    let mut all = Vec::new();
    let revoked = set.revoked.map(|(_, at)| at);
    for release in &set.releases {
        let to = release.ended.map(|(_, at)| at).or(revoked).or(Some(release.revoke_due));
        all.push(Window { from: release.at, to, release: Some(release.record) });
    }
    let mut ceremony = |from: Instant, to: Instant| {
        let (from, to) = (from.shifted(-AROUND), Some(to.shifted(AROUND)));
        all.push(Window { from, to, release: None });
    };
    // it is made, tried, and ends the one before
    let rotated = look.book.records(set, Event::Rotate).find_map(Entry::at);
    ceremony(set.issue.1, rotated.unwrap_or(set.issue.1));
    // it makes the next one, and is tried when it is dead
    let next =
        look.book.state.sets.iter().find(|s| s.generation > set.generation && s.aborted.is_none());
    if let Some(next) = next {
        let rotated = look.book.records(next, Event::Rotate).find_map(Entry::at);
        ceremony(next.issue.1, revoked.max(rotated).unwrap_or(next.issue.1));
    }
    for (_, at, _) in set.openings.iter().filter(|opening| opening.2 == "rotate") {
        ceremony(*at, *at);
    }
    let switched = look.book.records(set, Event::Disable).filter_map(Entry::at);
    switched.for_each(|at| ceremony(at, at));
    for window in &mut all {
        window.from = window.from.shifted(-skew);
        window.to = window.to.map(|to| to.shifted(skew));
    }
    all
}

fn used<'a>(look: &'a Look<'_>) -> impl Iterator<Item = &'a Fact> {
    look.facts.iter().copied().filter(|fact| fact.what == What::Used)
}

/// What a rotation calls on AWS; on other platforms a login does not say what it is for.
const CEREMONY: [&str; 6] = [
    "GetCallerIdentity",
    "CreateAccessKey",
    "ListAccessKeys",
    "UpdateAccessKey",
    "DeleteAccessKey",
    "PutUserPolicy",
];

/// Says whether a use may be one of a ceremony: its own calls, from where the method is used.
fn is_of_ceremony(look: &Look<'_>, fact: &Fact) -> bool {
    let addresses = look.book.method_of(look.set).map(|method| &method.audit.addresses);
    let here = addresses.is_none_or(|addresses| {
        addresses.is_empty()
            || fact.address.is_empty()
            || addresses.iter().any(|a| fact.address.starts_with(a.as_str()))
    });
    let call = fact.word.split_whitespace().next().unwrap_or_default();
    here && (look.book.platform(look.set) != "aws" || CEREMONY.contains(&call) || call == "last")
}

/// Says whether a use lies in a window.
fn allowed(look: &Look<'_>, fact: &Fact, window: &Window) -> Truth {
    if window.release.is_none() && !is_of_ceremony(look, fact) {
        return Truth::No;
    }
    within(fact, window)
}

/// Says whether a fact lies in a window.
fn within(fact: &Fact, window: &Window) -> Truth {
    let stretch = fact.stretch();
    match window.to {
        Some(to) => stretch.within(window.from, to),
        None => match stretch.before(window.from) {
            Truth::Yes => Truth::No,
            Truth::No => Truth::Yes,
            Truth::Unknown => Truth::Unknown,
        },
    }
}

fn told(fact: &Fact) -> String {
    let from =
        if fact.address.is_empty() { String::new() } else { format!(" from {}", fact.address) };
    let times = if fact.times > 1 { format!(", {} times", fact.times) } else { String::new() };
    format!("{} {}{from}{times}", fact.word, fact.stretch())
}

fn after_end(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for look in view.looks.iter().filter(|look| !look.set.releases.is_empty()) {
        let windows = windows(look, view.case.skew);
        for release in &look.set.releases {
            // nobody said that it was over: by then it had to be
            let open = release.ended.is_none() && look.set.revoked.is_none();
            let over = open.then_some(release.revoke_due);
            let Some(end) = release.ended.map(|(_, at)| at).or(over) else { continue };
            let next = look.set.releases.iter().map(|r| r.at).find(|at| *at > release.at);
            let (mut fine, mut many) = (true, Many::default());
            for fact in used(look) {
                let late = fact.stretch().widened(-view.case.skew).after(end) == Truth::Yes
                    && fact.when.before(release.at) != Truth::Yes
                    && next.is_none_or(|next| fact.when.before(next) == Truth::Yes);
                let elsewhere = windows.iter().any(|w| allowed(look, fact, w) != Truth::No);
                if late
                    && !elsewhere
                    && fact.when.from.is_some_and(|at| at > end.shifted(view.case.skew))
                {
                    fine = false;
                    if !many.has_room(fact) {
                        continue;
                    }
                    let of = if open { "time" } else { "end" };
                    let what = format!(
                        "used after the {of} of release {}: {}",
                        release.record,
                        told(fact)
                    );
                    let finding = rule.fail(what).about(look).release(release.record);
                    let finding =
                        finding.observed(fact.stretch()).due(end).person(&release.operator);
                    out.push(
                        finding.records([release.record]).places([fact.place]).key(fact.stretch()),
                    );
                }
            }
            out.extend(many.rest(rule).map(|f| f.about(look).release(release.record)));
            if fine && (!open || end < view.case.as_of) {
                out.push(silence(rule, view, look, (end, view.case.as_of)).release(release.record));
            }
        }
    }
}

/// No use was seen: that means something only where a log would have shown it.
fn silence(
    rule: &'static Rule,
    view: &View<'_>,
    look: &Look<'_>,
    (from, to): (Instant, Instant),
) -> Finding {
    // after it was revoked there is nothing to see
    let to = look.timeline.out_of_force().and_then(|end| end.when.to).map_or(to, |end| to.min(end));
    let generation = look.set.generation;
    if to <= from || view.case.covers(look.book, look.set, Sees::Uses, (from, to)) {
        return rule.pass(format!("generation {generation}: no such use is seen")).about(look);
    }
    let windows = view.case.coverage(look.book, look.set, Sees::Uses);
    let here = windows.iter().filter(|(a, b)| *a < to && *b > from);
    let here: Vec<String> =
        here.map(|(a, b)| format!("{} to {}", a.rfc3339(), b.rfc3339())).collect();
    let here = if here.is_empty() {
        "none is here".to_owned()
    } else {
        format!("here is {}", here.join(", "))
    };
    rule.cannot_tell(format!(
        "generation {generation}: no such use is seen; it takes a log of {} to {}, and {here}",
        from.rfc3339(),
        to.rfc3339()
    ))
    .about(look)
}

fn unlogged(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for look in view.looks {
        // where one secret follows the other, a use is of the one that was there
        let begins = look.book.in_use_from(look.set).shifted(-view.case.skew);
        let ends = look.timeline.out_of_force().and_then(|end| end.when.to);
        let windows = windows(look, view.case.skew);
        let (mut fine, mut many) = (true, Many::default());
        for fact in used(look) {
            if look.shared
                && (fact.stretch().before(begins) == Truth::Yes
                    || ends.is_some_and(|end| fact.when.after(end) == Truth::Yes))
            {
                continue;
            }
            let known = windows.iter().map(|w| allowed(look, fact, w));
            let known: Vec<Truth> = known.collect();
            // what comes after an end is the question of the rule before
            let after = look.set.releases.iter().any(|r| {
                r.ended.is_some_and(|(_, end)| {
                    fact.when.from.is_some_and(|at| at > end.shifted(view.case.skew))
                })
            });
            let before = look.set.releases.iter().any(|r| {
                let early = r.at.since(fact.stretch().to.unwrap_or(r.at));
                early > 0 && early <= 86_400
            });
            if known.contains(&Truth::Yes) || after || before {
                continue;
            }
            fine = false;
            if !many.has_room(fact) {
                continue;
            }
            let what = format!(
                "generation {} was used without a release: {}",
                look.set.generation,
                told(fact)
            );
            let finding = if known.contains(&Truth::Unknown) {
                rule.cannot_tell(what)
            } else {
                rule.fail(what)
            };
            let finding = finding.about(look).observed(fact.stretch()).places([fact.place]);
            out.push(finding.key(fact.stretch()));
        }
        out.extend(many.rest(rule).map(|rest| rest.about(look)));
        if fine && !look.id.is_empty() {
            out.push(silence(rule, view, look, (look.set.issue.1, view.case.as_of)));
        }
    }
}

fn before_record(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for look in view.looks {
        let others = windows(look, view.case.skew);
        for release in &look.set.releases {
            let mut fine = true;
            for fact in used(look) {
                let Some(to) = fact.stretch().to else { continue };
                let early = release.at.since(to);
                let known = others
                    .iter()
                    .filter(|w| w.release != Some(release.record))
                    .any(|w| allowed(look, fact, w) != Truth::No);
                if early > view.case.skew && early <= 86_400 && !known {
                    fine = false;
                    let what = format!(
                        "used {} seconds before release {} was recorded: {}",
                        early,
                        release.record,
                        told(fact)
                    );
                    let finding = rule.fail(what).about(look).release(release.record);
                    let finding = finding.observed(fact.stretch()).person(&release.operator);
                    out.push(
                        finding.records([release.record]).places([fact.place]).key(fact.stretch()),
                    );
                }
            }
            if fine {
                let window = (release.at.shifted(-86_400), release.at);
                out.push(silence(rule, view, look, window).release(release.record));
            }
        }
    }
}

fn places(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for look in view.looks {
        let allowed = look.book.method_of(look.set).map(|method| method.audit.addresses.clone());
        let allowed = allowed.unwrap_or_default();
        for release in &look.set.releases {
            let window = Window {
                from: release.at.shifted(-view.case.skew),
                to: release.ended.map(|(_, at)| at.shifted(view.case.skew)),
                release: Some(release.record),
            };
            let inside: Vec<&Fact> = used(look)
                .filter(|f| within(f, &window) == Truth::Yes && !f.address.is_empty())
                .collect();
            if inside.is_empty() {
                continue;
            }
            let foreign = inside.iter().find(|fact| {
                !allowed.is_empty() && !allowed.iter().any(|a| fact.address.starts_with(a.as_str()))
            });
            // two places at once: runs that overlap; they are in the order of time
            let both = inside.iter().enumerate().find_map(|(i, a)| {
                let end = a.stretch().to;
                let at_once = inside[i + 1..].iter().take_while(|b| b.when.from <= end);
                at_once.clone().find(|b| b.address != a.address).map(|b| (*a, *b))
            });
            let finding = match (foreign, both) {
                (Some(fact), _) => rule
                    .fail(format!("used from {}, which the method does not allow", fact.address))
                    .places([fact.place]),
                (None, Some((a, b))) => rule
                    .fail(format!("used from {} and {} at the same time", a.address, b.address))
                    .places([a.place, b.place]),
                (None, None) => {
                    rule.pass(format!("release {}: used from one place at a time", release.record))
                }
            };
            let finding = finding.about(look).release(release.record).records([release.record]);
            out.push(finding.person(&release.operator));
        }
    }
}

fn unused(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for row in view.table {
        let Some(look) = view.looks.get(row.look) else { continue };
        let end = row.ended.map_or(view.case.as_of, |(_, at)| at);
        let covered = view.case.covers(look.book, look.set, Sees::Uses, (row.at, end));
        let finding = match (&row.uses, covered) {
            (Some((span, times)), _) => {
                rule.pass(format!("release {}: used {times} times, {span}", row.record))
            }
            (None, true) => {
                rule.fail(format!("release {}: the log covers it, and no use is in it", row.record))
            }
            (None, false) => rule.cannot_tell(format!(
                "release {}: no log here shows whether it was used",
                row.record
            )),
        };
        out.push(finding.about(look).release(row.record).records([row.record]));
    }
}

fn refused(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for look in view.looks {
        let windows = windows(look, view.case.skew);
        let mut fine = true;
        let tries = look.facts.iter().filter(|fact| fact.what == What::UseFailed);
        let outside: Vec<&&Fact> = tries
            .filter(|fact| windows.iter().all(|w| allowed(look, fact, w) == Truth::No))
            .collect();
        if let Some(first) = outside.first() {
            fine = false;
            let what = format!(
                "{} refused logins with {} outside of a release, the first {}",
                outside.len(),
                look.id,
                told(first)
            );
            let places: Vec<_> = outside.iter().take(10).map(|fact| fact.place).collect();
            out.push(rule.fail(what).about(look).observed(first.when).places(places));
        }
        if fine && !look.id.is_empty() {
            out.push(silence(rule, view, look, (look.set.issue.1, view.case.as_of)));
        }
    }
}

fn root(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    let root = |fact: &&Fact| {
        fact.what == What::Used
            && (&*fact.actor == "<root_account>" || &*fact.subject == "<root_account>")
    };
    let mut seen = std::collections::BTreeSet::new();
    for fact in view.case.facts.iter().filter(root) {
        if seen.insert((fact.place, fact.when.from)) {
            let what = format!("the root login was used: {}", told(fact));
            out.push(
                rule.fail(what).observed(fact.stretch()).places([fact.place]).key(fact.stretch()),
            );
        }
    }
    if seen.is_empty() && view.case.evidence.iter().any(|file| file.platform == "aws") {
        out.push(rule.pass("no use of a root login is in the evidence"));
    }
}

fn made_others(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for look in view.looks {
        let ids: Vec<&str> =
            look.book.state.sets.iter().map(|set| set.credential.as_str()).collect();
        let by_it = |fact: &&Fact| {
            let own = !look.shared && !look.id.is_empty() && &*fact.with == look.id
                || look.shared && !look.subject.is_empty() && &*fact.actor == look.subject;
            own && fact.what == What::Created && !ids.contains(&&*fact.credential)
        };
        let mut fine = true;
        for fact in view.case.facts.iter().filter(by_it) {
            fine = false;
            let what = format!(
                "generation {} made {} for {} {}",
                look.set.generation, fact.credential, fact.subject, fact.when
            );
            out.push(
                rule.fail(what)
                    .about(look)
                    .observed(fact.when)
                    .places([fact.place])
                    .key(&fact.credential),
            );
        }
        if fine && !look.set.releases.is_empty() {
            let from = look.set.releases[0].at;
            let covered =
                view.case.covers(look.book, look.set, Sees::Changes, (from, end_of(look, view)));
            let what =
                format!("generation {}: no credential that it made is seen", look.set.generation);
            let finding = if covered {
                rule.pass(what)
            } else {
                rule.cannot_tell(what + ", and no log covers it")
            };
            out.push(finding.about(look));
        }
    }
}

fn end_of(look: &Look<'_>, view: &View<'_>) -> Instant {
    look.timeline.out_of_force().and_then(|end| end.when.to).unwrap_or(view.case.as_of)
}
