//! USE: was it used outside of what the book says?

mod odd;
pub(super) mod windows;

use self::windows::{Window, allowed, over, windows};
use super::{Rule, View};
use crate::audit::case::{Look, Sees};
use crate::audit::facts::{Fact, Truth, What};
use crate::audit::finding::{Finding, Severity};
use crate::clock::Instant;

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
        check: odd::places,
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
        check: odd::refused,
    },
    Rule {
        id: "BG-USE-007",
        severity: Severity::High,
        title: "the account's root login was used",
        why: "root cannot be limited, and a break-glass credential is there so that nobody needs it",
        needs: "a log or a report of the account",
        clauses: &["CIS AWS Foundations 1.7", "NIST SP 800-53 AC-6"],
        remedy: "find out who used it and why; lock its credentials away",
        check: odd::root,
    },
    Rule {
        id: "BG-USE-008",
        severity: Severity::High,
        title: "it made other credentials",
        why: "what was made with it outlives it",
        needs: "a log of changes",
        clauses: &["NIST SP 800-53 AC-2", "MITRE ATT&CK T1098"],
        remedy: "go through the list with the operator; end what is not explained",
        check: odd::made_others,
    },
];

/// Most uses that are findings of their own; what comes after them is counted.
const MOST: usize = 50;

/// Uses that break a rule. A log may have a million of them.
#[derive(Default)]
struct Many {
    listed: usize,
    more: u64,
    last: Option<Fact>,
    /// Whether one of those that are only counted is broken for sure.
    failed: bool,
}

impl Many {
    /// Says whether there is room for one more; else it is counted.
    fn has_room(&mut self, fact: &Fact, failed: bool) -> bool {
        if self.listed < MOST {
            self.listed += 1;
            return true;
        }
        self.failed |= failed;
        self.more += fact.times;
        self.last = Some(fact.clone());
        false
    }

    /// Says how many more there are.
    fn rest(&self, rule: &'static Rule) -> Option<Finding> {
        let last = self.last.as_ref()?;
        let what = format!("and {} more times, the last {}", self.more, told(last));
        let finding = if self.failed { rule.fail(what) } else { rule.cannot_tell(what) };
        Some(
            finding
                .observed(last.stretch())
                .places([last.place])
                .key(format!("more {}", self.more)),
        )
    }
}

pub(super) fn used<'a>(look: &'a Look<'_>) -> impl Iterator<Item = &'a Fact> {
    look.facts.iter().copied().filter(|fact| fact.what.is_use())
}

/// Tells uses apart: two of one second may come from two places.
fn key(fact: &Fact) -> String {
    format!("{} {}", fact.stretch(), fact.address)
}

pub(super) fn told(fact: &Fact) -> String {
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
            let (open, end) = (release.ended.is_none(), over(look, release));
            // a book may have them in another order than that of their times
            let next = look.set.releases.iter().map(|r| r.at).filter(|at| *at > release.at).min();
            let (mut fine, mut many) = (true, Many::default());
            let end = end.shifted(view.case.skew);
            for fact in used(look).filter(|fact| look.owns(fact, view.case.skew)) {
                // a run that goes on over the end is late from there on
                let whole = fact.when.from.is_some_and(|at| at > end);
                let last = fact.last_of_run();
                let fact = if whole { fact } else { &*last };
                let late = fact.when.after(end) == Truth::Yes
                    && next.is_none_or(|next| fact.when.before(next) == Truth::Yes);
                let elsewhere = windows.iter().any(|w| allowed(look, fact, w) != Truth::No);
                if late && !elsewhere {
                    fine = false;
                    if !many.has_room(fact, true) {
                        continue;
                    }
                    let of = if open { "time" } else { "end" };
                    let what = format!(
                        "used after the {of} of release {}: {}",
                        release.record,
                        told(fact)
                    );
                    let finding = rule.fail(what).about(look).release(release.record);
                    let finding = finding.observed(fact.stretch()).person(&release.operator);
                    out.push(finding.records([release.record]).places([fact.place]).key(key(fact)));
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
    let ended = look.timeline.out_of_force().and_then(|end| end.when.to);
    // but for the sessions that came from it
    let lives_on = look.facts.iter().any(|fact| fact.what == What::SessionMinted);
    let to = ended.filter(|_| !lives_on).map_or(to, |end| to.min(end));
    let generation = look.set.generation;
    if to <= from || view.case.covers(look.book, look.set, Sees::Uses, (from, to)) {
        return rule
            .pass(format!(
                "generation {generation}: no use is seen but those of releases and ceremonies"
            ))
            .about(look);
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
        "generation {generation}: no use is seen but those of releases and ceremonies; it takes a log of {} to {}, and {here}",
        from.rfc3339(),
        to.rfc3339()
    ))
    .about(look)
}

/// Says whether the records explain a use; `Unknown`: they may.
fn explained(look: &Look<'_>, fact: &Fact, windows: &[Window], skew: i64) -> Truth {
    // a log may have a million uses: nothing is allocated here
    let mut known = Truth::No;
    for window in windows {
        match allowed(look, fact, window) {
            Truth::Yes => return Truth::Yes,
            Truth::Unknown => known = Truth::Unknown,
            Truth::No => {}
        }
    }
    // what comes after an end, or right before a record, is the question of another rule
    let after = look.set.releases.iter().any(|r| {
        let end = over(look, r).shifted(skew);
        fact.when.from.is_some_and(|at| at > end)
    });
    let before = look.set.releases.iter().any(|r| {
        let early = r.at.since(fact.stretch().to.unwrap_or(r.at));
        early > 0 && early <= 86_400
    });
    if after || before { Truth::Yes } else { known }
}

fn unlogged(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    let skew = view.case.skew;
    for look in view.looks {
        let windows = windows(look, skew);
        let (mut fine, mut many) = (true, Many::default());
        for fact in used(look).filter(|fact| look.owns(fact, skew)) {
            // both ends of a run have to have their reason
            let last = fact.last_of_run();
            let (fact, why) = match explained(look, &fact.first_of_run(), &windows, skew) {
                Truth::Yes if fact.times == 1 => continue,
                Truth::Yes => (&*last, explained(look, &last, &windows, skew)),
                why => (fact, why),
            };
            if why == Truth::Yes {
                continue;
            }
            fine = false;
            if !many.has_room(fact, why == Truth::No) {
                continue;
            }
            let what = format!(
                "generation {} was used without a release: {}",
                look.set.generation,
                told(fact)
            );
            let finding =
                if why == Truth::Unknown { rule.cannot_tell(what) } else { rule.fail(what) };
            let finding = finding.about(look).observed(fact.stretch()).places([fact.place]);
            out.push(finding.key(key(fact)));
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
            let own = used(look).filter(|fact| look.owns(fact, view.case.skew));
            for fact in own.map(Fact::first_of_run) {
                let fact = &*fact;
                let Some(to) = fact.when.to else { continue };
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
                    out.push(finding.records([release.record]).places([fact.place]).key(key(fact)));
                }
            }
            if fine {
                let window = (release.at.shifted(-86_400), release.at);
                out.push(silence(rule, view, look, window).release(release.record));
            }
        }
    }
}

fn unused(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for row in view.table {
        let Some(look) = view.looks.get(row.look) else { continue };
        let finding = match (&row.uses, row.covered) {
            (Some(_), _) => rule.pass(format!("release {}: {}", row.record, row.used())),
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
