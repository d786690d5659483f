//! DRL: was it practised?

use super::{Rule, View};
use crate::audit::finding::{Finding, Severity};
use crate::clock::Instant;
use crate::logbook::{Entry, Event};

/// A drill that uses the credential is due after this, seconds: 13 months.
const WET: i64 = 396 * 86_400;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "BG-DRL-001",
        severity: Severity::High,
        title: "a drill is overdue",
        why: "what was never practised does not work at 4 am",
        needs: "the logbook, and `drill_every` of the dealt method",
        clauses: &["NIST SP 800-53 CP-4", "ISO/IEC 27001:2022 A.5.30"],
        remedy: "`breakglass drill dry`, with people who never did it",
        check: overdue,
    },
    Rule {
        id: "BG-DRL-002",
        severity: Severity::Medium,
        title: "no drill since people changed",
        why: "whoever got a sheet has not yet brought it",
        needs: "the logbook",
        clauses: &["NIST SP 800-53 CP-3"],
        remedy: "drill with the new custodian",
        check: people_changed,
    },
    Rule {
        id: "BG-DRL-003",
        severity: Severity::Medium,
        title: "no drill has proved the login for 13 months",
        why: "paper that opens is not yet a login that works",
        needs: "the logbook",
        clauses: &["NIST SP 800-53 CP-4"],
        remedy: "a wet drill: release for DRILL, log in, rotate, record it",
        check: never_wet,
    },
    Rule {
        id: "BG-DRL-004",
        severity: Severity::Medium,
        title: "what a drill has found was not mended in time",
        why: "it was found so that it is not found again at 4 am",
        needs: "the logbook",
        clauses: &["NIST SP 800-53 CP-4", "ISO/IEC 27001:2022 A.5.27"],
        remedy: "mend it, and record that: `breakglass log add CORRECT --record 12 --finding 1 --note WORDS`",
        check: not_mended,
    },
    Rule {
        id: "BG-DRL-005",
        severity: Severity::High,
        title: "a drill used the credential, and it was not rotated",
        why: "a drill releases like an incident: what was shown is burnt",
        needs: "the logbook and evidence",
        clauses: &["ISO/IEC 27001:2022 A.5.18"],
        remedy: "`breakglass rotate`",
        check: not_rotated,
    },
];

fn passed<'a>(entries: &'a [Entry], kinds: &'a [&str]) -> impl Iterator<Item = Instant> {
    let drill = move |e: &&Entry| {
        e.is(Event::Drill) && e.text("result") == "passed" && kinds.contains(&e.text("kind"))
    };
    entries.iter().filter(drill).filter_map(Entry::at)
}

fn overdue(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for book in &view.case.books {
        let Some(set) = book.state.newest().filter(|_| !book.state.closed) else { continue };
        let every = book.method_of(set).map_or(90 * 24, |method| method.drill_every);
        let last = passed(&book.entries, &["dry", "wet", "call"]).max();
        let due = last.unwrap_or(set.issue.1).plus_hours(every);
        let finding = match last {
            _ if view.case.as_of <= due => {
                rule.pass(format!("the next drill is due {}", due.date()))
            }
            Some(last) => rule.fail(format!("the last drill that passed was on {}", last.date())),
            None => rule.fail("no drill has ever passed"),
        };
        out.push(finding.of_method(&book.state.method).due(due));
    }
}

fn people_changed(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for book in &view.case.books {
        let changed = book.entries.iter().filter(|e| e.is(Event::Transfer));
        let Some((seq, at)) =
            changed.filter_map(|e| Some((e.seq, e.at()?))).max_by_key(|(_, at)| *at)
        else {
            continue;
        };
        let later = passed(&book.entries, &["dry", "wet", "call", "solo"]).any(|drill| drill > at);
        let grace = view.case.as_of.since(at) <= 30 * 86_400;
        let finding = if later || grace {
            rule.pass("people who got sheets have drilled, or have a month for it")
        } else {
            rule.fail(format!("no drill since record {seq} of {}", at.date()))
        };
        out.push(finding.of_method(&book.state.method).records([seq]));
    }
}

fn never_wet(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for book in &view.case.books {
        let Some(first) = book.state.sets.first().filter(|_| !book.state.closed) else { continue };
        let releases = book.state.sets.iter().flat_map(|set| &set.releases).map(|r| r.at);
        let last = passed(&book.entries, &["wet"]).chain(releases).max();
        let due = last.unwrap_or(first.issue.1).shifted(WET);
        let what = last.map_or("no login was ever proved".to_owned(), |at| {
            format!("by the book it was last used on {}", at.date())
        });
        let finding = if view.case.as_of > due { rule.fail(what) } else { rule.pass(what) };
        out.push(finding.of_method(&book.state.method).due(due));
    }
}

fn not_mended(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for book in &view.case.books {
        for found in &book.state.findings {
            let by = found.closed.map(|(_, at)| at);
            let what = format!(
                "finding {} of the drill of record {}, {}: {}",
                found.number, found.record, found.owner, found.what
            );
            let finding = match by {
                Some(at) if at <= found.due => rule.pass(format!("mended in time: {what}")),
                Some(at) => rule.pass(format!(
                    "mended {}, and was due {}: {what}",
                    at.date(),
                    found.due.date()
                )),
                None if view.case.as_of > found.due => rule.fail(what),
                None => rule.pass(format!("not due yet: {what}")),
            };
            let records =
                std::iter::once(found.record).chain(found.closed.map(|(record, _)| record));
            out.push(finding.of_method(&book.state.method).due(found.due).records(records));
        }
    }
}

fn not_rotated(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for row in view.table.iter().filter(|row| row.reason == "DRILL") {
        let Some(look) = view.looks.get(row.look) else { continue };
        let ended = look.timeline.out_of_force().is_some() || look.set.revoked.is_some();
        let finding = if ended {
            rule.pass(format!("release {}: rotated after the drill", row.record))
        } else if view.case.as_of > row.due {
            rule.fail(format!(
                "release {}: the credential of the drill is still in use",
                row.record
            ))
        } else {
            continue;
        };
        out.push(finding.about(look).release(row.record).due(row.due).records([row.record]));
    }
}
