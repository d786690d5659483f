//! GEN: one credential follows the other, on paper and on the platform.

use std::collections::BTreeSet;

use super::{Rule, View};
use crate::audit::case::Look;
use crate::audit::facts::What;
use crate::audit::finding::{Finding, Severity};
use crate::logbook::{Entry, Event};
use crate::state::{Fate, Stage};

/// Void papers are destroyed after this, seconds.
const MONTH: i64 = 30 * 86_400;
/// Most openings of one generation, but for those that confirm it.
const MOST_OPENINGS: usize = 4;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "BG-GEN-001",
        severity: Severity::Critical,
        title: "nothing on paper works",
        why: "when everything else is down there is no way in",
        needs: "the logbook",
        clauses: &["NIST SP 800-53 CP-2"],
        remedy: "`breakglass split` or `rotate --first`, then `confirm`",
        check: current,
    },
    Rule {
        id: "BG-GEN-002",
        severity: Severity::Medium,
        title: "void papers were not destroyed",
        why: "old paper is taken for new in the night, and shows how things are kept",
        needs: "the logbook",
        clauses: &["NIST SP 800-53 MP-6", "NIST SP 800-88"],
        remedy: "destroy them before witnesses, `breakglass log add DESTROY`",
        check: not_destroyed,
    },
    Rule {
        id: "BG-GEN-003",
        severity: Severity::Critical,
        title: "destroyed before the successor was confirmed",
        why: "for that time nothing on paper could have opened it",
        needs: "the logbook",
        clauses: &["NIST SP 800-53 SC-12(1)"],
        remedy: "destroy papers only when their credential is revoked",
        check: destroyed_early,
    },
    Rule {
        id: "BG-GEN-004",
        severity: Severity::High,
        title: "a credential that no generation has",
        why: "a way in that is on no paper is somebody's own",
        needs: "a listing of the subject's credentials",
        clauses: &["NIST SP 800-53 AC-2", "CIS AWS Foundations 1.13"],
        remedy: "find out whose it is; `breakglass rotate` shows it and revokes it when you say so",
        check: orphan,
    },
    Rule {
        id: "BG-GEN-005",
        severity: Severity::Low,
        title: "the credential is older than the method allows",
        why: "what is old was seen by people who have left",
        needs: "`[audit] max_age` in the method file",
        clauses: &["PCI DSS 8.3.9"],
        remedy: "make the next one: `breakglass rotate`",
        check: old,
    },
    Rule {
        id: "BG-GEN-006",
        severity: Severity::High,
        title: "a rotation was left in the middle",
        why: "two credentials live, or nobody knows which one does",
        needs: "the logbook",
        clauses: &["NIST SP 800-53 SC-12"],
        remedy: "`breakglass rotate` says where it stands and goes on",
        check: interrupted,
    },
    Rule {
        id: "BG-GEN-007",
        severity: Severity::Medium,
        title: "one generation was opened very often",
        why: "each opening puts the whole credential into one memory",
        needs: "the logbook",
        clauses: &["NIST SP 800-57 Part 1"],
        remedy: "practise with drills that show nothing, and rotate",
        check: often,
    },
];

fn current(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for book in &view.case.books {
        let state = &book.state;
        if state.closed {
            continue;
        }
        let works = |set: &&crate::state::Set| {
            matches!(state.stage(set), Stage::Current | Stage::Confirmed | Stage::Released)
                && set.is_confirmed()
        };
        let set = state.sets.iter().rev().find(works);
        let look = set.and_then(|set| {
            view.looks.iter().find(|look| std::ptr::eq(look.set, set) && set.releases.is_empty())
        });
        let gone = look.and_then(|look| look.timeline.out_of_force());
        let finding = match set {
            Some(set) if let Some(end) = gone => rule
                .fail(format!(
                    "generation {} is {} on paper, and out of force {}",
                    set.generation,
                    state.stage(set).word(),
                    end.when
                ))
                .places([end.place]),
            Some(set) => {
                rule.pass(format!("generation {} is {}", set.generation, state.stage(set).word()))
            }
            None => {
                rule.fail(format!("{}: no generation is confirmed and not revoked", state.method))
            }
        };
        out.push(finding.of_method(&state.method));
    }
}

fn not_destroyed(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for book in &view.case.books {
        let state = &book.state;
        for set in &state.sets {
            let void = match (set.revoked, set.aborted) {
                (Some((_, at)), _) => at,
                (None, Some(record)) => book
                    .entries
                    .iter()
                    .find(|e| e.seq == record)
                    .and_then(Entry::at)
                    .unwrap_or(set.issue.1),
                (None, None) => continue,
            };
            let left: Vec<String> = set
                .sheets
                .iter()
                .filter(|(_, sheet)| matches!(sheet.fate, Fate::Kept | Fate::Tampered(..)))
                .map(|(id, _)| id.to_string())
                .collect();
            let finding = if left.is_empty() {
                rule.pass(format!("generation {}: every sheet is accounted for", set.generation))
            } else if view.case.as_of.since(void) > MONTH {
                rule.fail(format!(
                    "generation {}: {} not destroyed since {}",
                    set.generation,
                    left.join(" "),
                    void.date()
                ))
            } else {
                continue;
            };
            let mut finding = finding.of_method(&state.method).key(&set.code);
            finding.generation = Some(set.generation);
            out.push(finding);
        }
    }
}

fn destroyed_early(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for look in view.looks {
        let revoked = look.set.revoked.map(|(_, at)| at);
        let destroyed: Vec<&Entry> = look.book.records(look.set, Event::Destroy).collect();
        if destroyed.is_empty() {
            continue;
        }
        let early: BTreeSet<u8> = destroyed
            .iter()
            .filter(|e| {
                e.at().is_some_and(|at| {
                    revoked.is_none_or(|revoked| at < revoked.shifted(-view.case.skew))
                })
            })
            .flat_map(|e| e.sheets())
            .map(crate::set::SheetId::x)
            .collect();
        // a sheet that was made anew is a common thing; too few left is not
        let n = look.set.n();
        let left = n.saturating_sub(early.len());
        let reissued: BTreeSet<u8> = look
            .set
            .sheets
            .iter()
            .filter(|(_, s)| s.reissued.is_some())
            .map(|(id, _)| id.x())
            .collect();
        let left = left + early.intersection(&reissued).count();
        let generation = look.set.generation;
        let finding = if left < usize::from(look.set.k.max(2)) {
            rule.fail(format!(
                "generation {generation}: {} shares were destroyed before it was revoked",
                early.len()
            ))
        } else {
            rule.pass(format!(
                "generation {generation}: enough shares were left until it was revoked"
            ))
        };
        out.push(finding.about(look).records(destroyed.iter().map(|e| e.seq)));
    }
}

fn orphan(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    let mut done = BTreeSet::new();
    for book in &view.case.books {
        let nobody = |look: &Look<'_>| {
            std::ptr::eq(look.book, book) && !look.shared && look.subject.is_empty()
        };
        if view.looks.iter().any(nobody) {
            let what = "no method file says whose credentials these are, so others of the same user are not looked for";
            out.push(rule.cannot_tell(what).of_method(&book.state.method));
        }
    }
    for look in view.looks.iter().filter(|look| !look.shared && !look.subject.is_empty()) {
        if !done.insert((look.book.path.clone(), look.subject)) {
            continue;
        }
        let known: BTreeSet<&str> =
            look.book.state.sets.iter().map(|set| set.credential.as_str()).collect();
        let listed = view
            .case
            .facts
            .iter()
            .filter(|f| &*f.subject == look.subject && !f.credential.is_empty());
        let strange: BTreeSet<&str> = listed
            .filter(|f| !known.contains(&*f.credential))
            // that a user may have a password is no news; that somebody gave one is
            .filter(|f| !f.credential.ends_with(" password") || f.what == What::Created)
            // a session's key ends by itself
            .filter(|f| !f.credential.starts_with("ASIA"))
            .map(|f| &*f.credential)
            .collect();
        let mut fine = true;
        for id in strange {
            let facts: Vec<_> = view.case.facts.iter().filter(|f| &*f.credential == id).collect();
            let timeline = crate::audit::timeline::Timeline::of(
                facts.iter().copied(),
                view.case.as_of,
                view.case.skew,
            );
            let gone = timeline.end.is_some_and(|end| !end.is_reversible());
            if gone {
                continue;
            }
            fine = false;
            let what = format!("{id} of {} is in no generation, and not deleted", look.subject);
            let places: Vec<_> = facts.iter().take(5).map(|f| f.place).collect();
            let mut finding =
                rule.fail(what).of_method(&look.book.state.method).places(places).key(id);
            id.clone_into(&mut finding.credential);
            out.push(finding);
        }
        let complete = view.case.evidence.iter().any(|file| {
            file.found.listing.is_some()
                && file.found.partial.is_none()
                && view.case.fits(file, look.book, look.set)
        });
        if fine {
            let what = format!("{} has no other credential", look.subject);
            let finding = if complete {
                rule.pass(what)
            } else {
                rule.cannot_tell(format!(
                    "no listing here shows whether {} has others",
                    look.subject
                ))
            };
            out.push(finding.of_method(&look.book.state.method));
        }
    }
}

fn old(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for look in view.looks.iter().filter(|l| l.book.state.stage(l.set).is_alive()) {
        let Some(hours) = look.book.method_of(look.set).and_then(|method| method.audit.max_age)
        else {
            continue;
        };
        let made = look.timeline.made.map_or(look.set.issue.1, |(at, _)| at);
        let due = made.shifted(i64::from(hours) * 3600);
        let what = format!("generation {} was made {}", look.set.generation, made.date());
        let finding = if view.case.as_of > due { rule.fail(what) } else { rule.pass(what) };
        out.push(finding.about(look).due(due));
    }
}

fn interrupted(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for book in &view.case.books {
        let state = &book.state;
        let alive: Vec<_> = state.sets.iter().filter(|set| state.stage(set).is_alive()).collect();
        let finding = match alive[..] {
            [_, .., newest] if view.case.as_of.since(newest.issue.1) > 86_400 => {
                let list: Vec<String> =
                    alive.iter().map(|set| set.generation.to_string()).collect();
                rule.fail(format!(
                    "generations {} are alive at once since {}",
                    list.join(" and "),
                    newest.issue.1.date()
                ))
            }
            _ => rule.pass("no rotation was left in the middle"),
        };
        out.push(finding.of_method(&state.method));
    }
}

fn often(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for look in view.looks {
        let openings = look.set.openings.iter().filter(|o| o.2 != "confirm").count();
        let count = openings + look.set.releases.len();
        let what = format!("generation {} was opened {count} times", look.set.generation);
        let finding = if count > MOST_OPENINGS { rule.fail(what) } else { rule.pass(what) };
        out.push(finding.about(look));
    }
}
