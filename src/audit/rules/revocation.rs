//! REV: was what was released really revoked, and in time?

use super::{Rule, View};
use crate::audit::case::{Look, Sees};
use crate::audit::facts::{Fact, What};
use crate::audit::finding::{Finding, Severity};
use crate::audit::releases::Verdict;
use crate::clock::Instant;
use crate::logbook::{Entry, Event};

/// How long a credential may stay switched off before it is deleted, seconds.
const GRACE: i64 = 7 * 86_400;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "BG-REV-001",
        severity: Severity::Critical,
        title: "released, and not revoked",
        why: "a released credential is known to people and machines; it stays a way in for all of them until it is revoked",
        needs: "a state of the platform that is younger than the due time, or a log of changes",
        clauses: &["ISO/IEC 27001:2022 A.5.18", "PCI DSS 8.2.5", "NIST SP 800-53 AC-2"],
        remedy: "revoke it now (`breakglass rotate`), then export the evidence again",
        check: not_revoked,
    },
    Rule {
        id: "BG-REV-002",
        severity: Severity::High,
        title: "revoked late",
        why: "the time between release and revocation is the time in which it can be misused",
        needs: "a log of changes, or listings before and after the due time",
        clauses: &["ISO/IEC 27001:2022 A.5.18", "PCI DSS 8.2.5"],
        remedy: "find out why it took so long, and write that beside the release",
        check: late,
    },
    Rule {
        id: "BG-REV-003",
        severity: Severity::Medium,
        title: "the time of the revocation cannot be told",
        why: "it is revoked, and nobody can say that it was in time",
        needs: "a log of changes that covers the due time, or a listing before it",
        clauses: &["ISO/IEC 27001:2022 A.5.28"],
        remedy: "export the log of changes for the days around the release, before the platform forgets them",
        check: time_unknown,
    },
    Rule {
        id: "BG-REV-004",
        severity: Severity::Medium,
        title: "switched off, and not deleted",
        why: "whoever may switch credentials can switch it on again",
        needs: "a listing or a log that has it as switched off",
        clauses: &["NIST SP 800-53 AC-2"],
        remedy: "delete it on its platform and record REVOKE",
        check: only_off,
    },
    Rule {
        id: "BG-REV-005",
        severity: Severity::Critical,
        title: "in force again after it was revoked",
        why: "somebody has brought a known credential back",
        needs: "a log of changes, or a listing after the revocation",
        clauses: &["NIST SP 800-53 AC-2"],
        remedy: "revoke it, and find out who switched it on and what was done with it",
        check: revived,
    },
    Rule {
        id: "BG-REV-006",
        severity: Severity::High,
        title: "revoked without a record",
        why: "somebody has changed the way in, and the book does not know",
        needs: "a log of changes",
        clauses: &["NIST SP 800-53 AU-2"],
        remedy: "find out who did it; record REVOKE with the evidence, or COMPROMISE",
        check: unrecorded,
    },
    Rule {
        id: "BG-REV-007",
        severity: Severity::Critical,
        title: "recorded as revoked, and the evidence disagrees",
        why: "the book says that the way is closed, and it is open",
        needs: "a state younger than the record, or a log that covers its time",
        clauses: &["NIST SP 800-53 AU-10"],
        remedy: "try the old credential before witnesses, revoke it, and correct the record",
        check: disagrees,
    },
    Rule {
        id: "BG-REV-008",
        severity: Severity::High,
        title: "revoked before its successor was confirmed",
        why: "for that time nobody could have come in",
        needs: "the logbook",
        clauses: &["NIST SP 800-53 SC-12(1)", "NIST SP 800-53 CP-4"],
        remedy: "confirm the next generation first; where the credential was known to somebody, record COMPROMISE",
        check: too_early,
    },
    Rule {
        id: "BG-REV-009",
        severity: Severity::Medium,
        title: "the platform does not know the credential",
        why: "evidence about another credential proves nothing about this one",
        needs: "evidence of the platform, and the public id in the records",
        clauses: &["ISO/IEC 27001:2022 A.5.28"],
        remedy: "compare the id in the book with the platform's; record the right one with CORRECT",
        check: unknown,
    },
    Rule {
        id: "BG-REV-010",
        severity: Severity::High,
        title: "cannot be revoked",
        why: "what cannot be revoked stays a way in for everybody who ever saw it",
        needs: "the method file",
        clauses: &["NIST SP 800-53 AC-2"],
        remedy: "use a credential that can be revoked, or change the authority that issued it after every release",
        check: irrevocable,
    },
];

fn released<'a>(view: &'a View<'_>) -> impl Iterator<Item = &'a Look<'a>> {
    view.looks.iter().filter(|look| !look.set.releases.is_empty())
}

fn not_revoked(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for row in view.table {
        let Some(look) = view.looks.get(row.look) else { continue };
        let end = look.timeline.out_of_force();
        let finding = match row.verdict {
            Verdict::Pass => rule.pass(format!("release {}: {}", row.record, row.why)),
            Verdict::Open => continue,
            // it is revoked: when is the question of the next rules
            _ if end.is_some() => rule.pass(format!("release {}: {}", row.record, row.why)),
            Verdict::Fail => rule.fail(format!(
                "generation {} was released to {} and is not revoked: {}",
                row.generation, row.operator, row.why
            )),
            Verdict::Inconclusive => rule.cannot_tell(format!(
                "generation {} was released to {}; {}",
                row.generation, row.operator, row.why
            )),
        };
        let finding = finding.about(look).release(row.record).due(row.due).person(&row.operator);
        out.push(finding.observed(&row.why).records([row.record]).places(row.places.clone()));
    }
}

fn late(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for row in view.table {
        let Some(look) = view.looks.get(row.look) else { continue };
        let Some(end) = look.timeline.out_of_force() else { continue };
        let finding = match row.verdict {
            Verdict::Fail => rule.fail(format!(
                "generation {} was revoked {}, and was due {}",
                row.generation,
                end.when,
                row.due.rfc3339()
            )),
            Verdict::Pass => rule.pass(format!("release {}: {}", row.record, row.why)),
            _ => continue,
        };
        let finding = finding.about(look).release(row.record).due(row.due).person(&row.operator);
        out.push(finding.observed(end.when).records([row.record]).places([end.place]));
    }
}

fn time_unknown(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for row in view.table {
        let Some(look) = view.looks.get(row.look) else { continue };
        let Some(end) = look.timeline.out_of_force() else { continue };
        let finding = match row.verdict {
            Verdict::Inconclusive => rule.cannot_tell(format!(
                "generation {} was revoked {}; it was due {}",
                row.generation,
                end.when,
                row.due.rfc3339()
            )),
            _ => rule.pass(format!("release {}: {}", row.record, row.why)),
        };
        let finding = finding.about(look).release(row.record).due(row.due);
        out.push(finding.observed(end.when).records([row.record]).places([end.place]));
    }
}

fn only_off(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for look in released(view) {
        let Some(end) = look.timeline.end else { continue };
        if !end.is_reversible() {
            out.push(
                rule.pass(format!("generation {} was ended {}", look.set.generation, end.when))
                    .about(look),
            );
            continue;
        }
        let old = end.when.to.is_some_and(|to| view.case.as_of.since(to) > GRACE);
        let what = format!("generation {} is only switched off, {}", look.set.generation, end.when);
        let finding =
            if old { rule.fail(what) } else { rule.pass(what + ", less than a week ago") };
        out.push(finding.about(look).observed(end.when).places([end.place]));
    }
}

fn revived(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for look in view.looks.iter().filter(|look| look.timeline.facts > 0) {
        let mut fine = true;
        for (end, alive, place) in &look.timeline.revived {
            fine = false;
            let what = format!(
                "generation {} was ended {}, and in force again {}",
                look.set.generation,
                end.when,
                alive.rfc3339()
            );
            let finding = rule.fail(what).about(look).observed(alive.rfc3339());
            out.push(finding.places([end.place, *place]).key(end.when));
        }
        if fine && look.timeline.end.is_some() {
            out.push(
                rule.pass(format!("generation {} stayed ended", look.set.generation)).about(look),
            );
        }
    }
}

fn unrecorded(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for look in view.looks {
        let ended: Vec<&&Fact> = look
            .facts
            .iter()
            .filter(|f| matches!(f.what, What::Deleted | What::Deactivated | What::SecretChanged))
            .filter(|f| f.when.exact().is_some())
            .filter(|f| look.owns(f, view.case.skew))
            .collect();
        if ended.is_empty() {
            continue;
        }
        let of = |event| look.book.entries.iter().filter(move |e: &&Entry| e.is(event));
        let ends = of(Event::Revoke).chain(of(Event::Rotate)).chain(of(Event::Disable));
        let ends: Vec<_> = ends.chain(of(Event::Issue)).filter_map(Entry::at).collect();
        let mut fine = true;
        for fact in ended {
            let Some(at) = fact.when.exact() else { continue };
            // a ceremony takes a day from the first record to the last
            let known = ends.iter().any(|record| record.since(at).abs() <= 86_400 + view.case.skew);
            if !known {
                fine = false;
                let what = format!(
                    "{} was ended {} by {}, and no record of that day says so",
                    look.id,
                    at.rfc3339(),
                    if fact.actor.is_empty() { "somebody" } else { &fact.actor }
                );
                out.push(
                    rule.fail(what)
                        .about(look)
                        .observed(at.rfc3339())
                        .places([fact.place])
                        .key(at.rfc3339()),
                );
            }
        }
        if fine {
            let what = format!("every end of {} has its record", look.id);
            out.push(rule.pass(what).about(look));
        }
    }
}

fn disagrees(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for look in view.looks {
        let Some((record, at)) = look.set.revoked else { continue };
        let after = at.shifted(view.case.skew);
        let alive =
            look.timeline.alive.filter(|(seen, _)| *seen > after && look.timeline.end.is_none());
        let finding = match (alive, look.timeline.out_of_force()) {
            (Some((seen, place)), _) => rule
                .fail(format!(
                    "record {record} says that generation {} was revoked {}; it was in force {}",
                    look.set.generation,
                    at.rfc3339(),
                    seen.rfc3339()
                ))
                .observed(seen.rfc3339())
                .places([place]),
            (None, Some(end)) if end.when.from.is_some_and(|from| from > after) => rule
                .fail(format!(
                    "record {record} says that generation {} was revoked {}; it was in force until {}",
                    look.set.generation,
                    at.rfc3339(),
                    end.when
                ))
                .observed(end.when)
                .places([end.place]),
            (None, Some(end)) => rule
                .pass(format!("record {record} and the evidence agree: {}", end.when))
                .places([end.place]),
            (None, None) => {
                // the log of that time is here, and no end is in it
                let window = (at.shifted(-86_400), after);
                if view.case.covers(look.book, look.set, Sees::Changes, window) && !look.id.is_empty() {
                    rule.fail(format!(
                        "record {record} says that generation {} was revoked {}; the log of that time has no such event",
                        look.set.generation,
                        at.rfc3339()
                    ))
                } else {
                    rule.cannot_tell(format!(
                        "record {record} says that generation {} was revoked {}; no evidence says so or otherwise",
                        look.set.generation,
                        at.rfc3339()
                    ))
                }
            }
        };
        out.push(finding.about(look).records([record]));
    }
}

fn too_early(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for look in view.looks {
        let Some((record, at)) = look.set.revoked else { continue };
        let state = &look.book.state;
        let next = look.book.next(look.set);
        if look.set.compromised.is_some() || state.closed && next.is_none() {
            continue;
        }
        let confirmed = next.filter(|next| next.is_confirmed());
        let when = confirmed.and_then(|next| {
            // copies of one share are one share
            let mut first = std::collections::BTreeMap::new();
            for (id, sheet) in &next.sheets {
                let Some(at) = sheet.confirmed else { continue };
                first.entry(id.x()).and_modify(|t: &mut Instant| *t = at.min(*t)).or_insert(at);
            }
            let mut times: Vec<Instant> = first.into_values().collect();
            times.sort_unstable();
            // the sheet that made it enough
            times.get(next.needed().saturating_sub(1)).or(times.last()).copied()
        });
        // switched off with a record is not revoked yet: that can be undone
        let end = match look.set.disabled {
            Some(_) => look.timeline.end,
            None => look.timeline.out_of_force(),
        };
        let seen = end.and_then(|end| end.when.exact()).unwrap_or(at);
        let finding = match when {
            Some(when) if when <= seen.shifted(view.case.skew) => rule.pass(format!(
                "generation {} was revoked after its successor was confirmed",
                look.set.generation
            )),
            Some(when) => rule.fail(format!(
                "generation {} was revoked {}, its successor confirmed {}",
                look.set.generation,
                seen.rfc3339(),
                when.rfc3339()
            )),
            None => rule.fail(format!(
                "generation {} was revoked {}, and no successor was ever confirmed",
                look.set.generation,
                seen.rfc3339()
            )),
        };
        out.push(finding.about(look).records([record]).observed(seen.rfc3339()));
    }
}

fn unknown(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for look in view.looks {
        let any = view.case.evidence.iter().any(|file| view.case.fits(file, look.book, look.set));
        if !any || look.id.is_empty() || look.shared {
            continue;
        }
        // a listing that does not have it says nothing of whether it ever was there
        let known = look.facts.iter().any(|fact| fact.what != What::SeenAbsent);
        out.push(if known {
            rule.pass(format!("{} is in the evidence", look.id)).about(look)
        } else {
            let what = format!("{} is nowhere in the evidence of its platform", look.id);
            rule.cannot_tell(what).about(look)
        });
    }
}

fn irrevocable(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for look in released(view) {
        let Some(method) = look.book.method_of(look.set) else { continue };
        let platform = method.platform.to_lowercase();
        let certificate = platform.contains("client-cert") || platform.contains("x509");
        let generation = look.set.generation;
        out.push(if certificate {
            rule.fail(format!(
                "generation {generation} is a client certificate, which {platform} cannot revoke"
            ))
            .about(look)
        } else {
            rule.pass(format!("generation {generation} can be revoked")).about(look)
        });
    }
}
