//! CUS: are the sheets where they belong, with people who are still there?

use std::collections::{BTreeMap, BTreeSet};

use super::{Rule, View};
use crate::audit::case::Look;
use crate::audit::facts::Truth;
use crate::audit::finding::{Finding, Severity};
use crate::logbook::{Event, Person};
use crate::method::lint::town;
use crate::set::SheetId;
use crate::state::{Fate, Stage};

/// A dealt sheet is with its custodian after this, seconds.
const WEEK: i64 = 7 * 86_400;
/// Acknowledgements are renewed once a year.
const YEAR: i64 = 366 * 86_400;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "BG-CUS-001",
        severity: Severity::Critical,
        title: "too few usable shares",
        why: "when it is needed it will not open",
        needs: "the logbook",
        clauses: &["NIST SP 800-57 Part 2", "NIST SP 800-53 CP-9"],
        remedy: "confirm further sheets; where they are lost, rotate",
        check: usable,
    },
    Rule {
        id: "BG-CUS-002",
        severity: Severity::High,
        title: "a sheet is lost or in doubt, and the set is still in use",
        why: "a sheet in other hands is a share in other hands",
        needs: "the logbook",
        clauses: &["PCI DSS 3.7.4"],
        remedy: "rotate; record what became of the sheet",
        check: lost,
    },
    Rule {
        id: "BG-CUS-003",
        severity: Severity::Critical,
        title: "one person could open it alone",
        why: "whoever holds k shares needs nobody else",
        needs: "the records of who holds what, else the dealt method",
        clauses: &["PCI DSS 3.7.6", "PCI PIN 25-1"],
        remedy: "hand sheets over (`breakglass log add TRANSFER`), or deal a new set",
        check: alone,
    },
    Rule {
        id: "BG-CUS-004",
        severity: Severity::High,
        title: "a custodian has left",
        why: "the safe may be somebody else's by now, or nobody's",
        needs: "a list of leavers: `id,name,left`",
        clauses: &["NIST SP 800-53 PS-4", "PCI DSS 8.2.5"],
        remedy: "hand the sheet over; where they left in doubt, rotate",
        check: left,
    },
    Rule {
        id: "BG-CUS-005",
        severity: Severity::Medium,
        title: "a custodian has not acknowledged",
        why: "whoever holds a sheet has to know what it is, and say so once a year",
        needs: "`[audit.acknowledged]` in the method file",
        clauses: &["PCI DSS 3.7.8"],
        remedy: "have them sign the acknowledgement, and write its date into the method file",
        check: acknowledged,
    },
    Rule {
        id: "BG-CUS-006",
        severity: Severity::Medium,
        title: "bags and seals were not looked at",
        why: "a bag that nobody looks at may be empty",
        needs: "the logbook, and `inspect_every` of the dealt method",
        clauses: &["PCI PIN 9-2", "NIST SP 800-53 MP-4"],
        remedy: "look at bag and seal, `breakglass log add INSPECT`",
        check: inspected,
    },
    Rule {
        id: "BG-CUS-007",
        severity: Severity::High,
        title: "all shares at one site",
        why: "one fire, one closed building, and nothing opens",
        needs: "the dealt method with its sites",
        clauses: &["NIST SP 800-53 CP-6"],
        remedy: "keep shares at two sites or more, so that k are left when one is closed",
        check: one_site,
    },
    Rule {
        id: "BG-CUS-008",
        severity: Severity::High,
        title: "a lock's key changed without a record",
        why: "whoever changes the key of a sheet decides who opens it",
        needs: "two dealt methods, and the logbook",
        clauses: &["PCI DSS 3.7.7"],
        remedy: "find out who changed it; record METHOD with an approver",
        check: locks,
    },
    Rule {
        id: "BG-CUS-009",
        severity: Severity::Medium,
        title: "a sheet never reached its safe",
        why: "between printer and safe it is anybody's",
        needs: "the logbook",
        clauses: &["NIST SP 800-53 MP-5"],
        remedy: "ask its custodian; `breakglass log add STORE` or RECEIVE, or LOST",
        check: never_stored,
    },
];

/// Sets that are there to be used.
fn alive<'a>(view: &'a View<'_>) -> impl Iterator<Item = &'a Look<'a>> {
    view.looks.iter().filter(|look| {
        match look.book.state.stage(look.set) {
            Stage::Current | Stage::Confirmed | Stage::Released | Stage::Compromised => true,
            // while it is being scanned back nothing is late
            Stage::Dealt => view.case.as_of.since(look.set.issue.1) > WEEK,
            Stage::Retired | Stage::Destroyed | Stage::Aborted => false,
        }
    })
}

fn holders(look: &Look<'_>) -> Vec<(SheetId, Person)> {
    let kept = look.set.sheets.iter().filter(|(_, sheet)| sheet.fate == Fate::Kept);
    kept.filter_map(|(id, sheet)| {
        let recorded = sheet.holder.clone();
        let dealt = || {
            let custodian = look.book.method_of(look.set)?.custodian(*id)?;
            Some(Person { name: custodian.name.clone(), id: custodian.id.clone() })
        };
        Some((*id, recorded.or_else(dealt)?))
    })
    .collect()
}

fn usable(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for look in alive(view) {
        let (have, k) = (look.set.usable_numbers(), usize::from(look.set.k));
        let finding = if k == 0 {
            rule.cannot_tell("the records do not say how many shares it takes")
        } else if have < look.set.needed() {
            rule.fail(format!(
                "generation {}: {have} usable shares, and {} are wanted",
                look.set.generation,
                look.set.needed()
            ))
        } else {
            rule.pass(format!("generation {}: {have} usable shares", look.set.generation))
        };
        out.push(finding.about(look));
    }
}

fn lost(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for look in alive(view) {
        let mut fine = true;
        for (id, sheet) in &look.set.sheets {
            let (record, word) = match sheet.fate {
                Fate::Lost(record, _) => (record, "lost"),
                Fate::Tampered(record, _) => (record, "in doubt"),
                Fate::Kept | Fate::Destroyed(_) => continue,
            };
            fine = false;
            let what = format!(
                "sheet {id} of generation {} is {word} (record {record})",
                look.set.generation
            );
            out.push(rule.fail(what).about(look).records([record]).key(id));
        }
        if fine {
            out.push(
                rule.pass(format!(
                    "generation {}: no sheet is lost or in doubt",
                    look.set.generation
                ))
                .about(look),
            );
        }
    }
}

fn alone(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for look in alive(view) {
        let k = usize::from(look.set.k).max(2);
        let mut by_person: BTreeMap<String, (Person, BTreeSet<u8>)> = BTreeMap::new();
        let held = holders(look);
        for (sheet, person) in &held {
            let entry = by_person
                .entry(person.id.to_lowercase())
                .or_insert((person.clone(), BTreeSet::new()));
            entry.1.insert(sheet.x());
        }
        let most = by_person.values().max_by_key(|(_, numbers)| numbers.len());
        let generation = look.set.generation;
        let finding = match most {
            None => rule
                .cannot_tell(format!("generation {generation}: nobody knows who holds its sheets")),
            Some((person, numbers)) if numbers.len() >= k => rule
                .fail(format!(
                    "generation {generation}: {person} holds {} shares, and {k} open it",
                    numbers.len()
                ))
                .person(person)
                .key(&person.id),
            Some(_) => rule.pass(format!("generation {generation}: nobody holds {k} shares")),
        };
        out.push(finding.about(look));
    }
}

fn left(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for look in alive(view) {
        let generation = look.set.generation;
        if view.case.leavers.is_empty() {
            let what = format!("generation {generation}: there is no list of people who left");
            out.push(rule.cannot_tell(what).about(look));
            continue;
        }
        let mut fine = true;
        for (sheet, person) in holders(look) {
            for leaver in view.case.leavers.iter().filter(|l| l.person.is(&person.name, &person.id))
            {
                if leaver.left.before(view.case.as_of) == Truth::No {
                    continue;
                }
                fine = false;
                let what = format!(
                    "generation {generation}: {person}, who holds sheet {sheet}, left {}",
                    leaver.left
                );
                out.push(
                    rule.fail(what).about(look).person(&person).places([leaver.place]).key(sheet),
                );
            }
        }
        if fine {
            out.push(
                rule.pass(format!("generation {generation}: no custodian is on the list"))
                    .about(look),
            );
        }
    }
}

fn acknowledged(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for look in alive(view) {
        let Some(method) =
            look.book.today.as_ref().map(|(m, _)| m).or(look.book.method_of(look.set))
        else {
            out.push(rule.cannot_tell("no method file is here").about(look));
            continue;
        };
        for person in holders(look).into_iter().map(|(_, person)| person) {
            let signed = method
                .audit
                .acknowledged
                .iter()
                .find(|(id, _)| id.eq_ignore_ascii_case(&person.id));
            let finding = match signed {
                None => rule.fail(format!("{person} has acknowledged nothing")),
                Some((_, at)) if view.case.as_of.since(*at) > YEAR => rule
                    .fail(format!("{person} acknowledged on {}, more than a year ago", at.date())),
                Some((_, at)) => rule.pass(format!("{person} acknowledged on {}", at.date())),
            };
            out.push(finding.about(look).person(&person).key(&person.id));
        }
    }
}

fn inspected(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for look in alive(view) {
        let every = look.book.method_of(look.set).map_or(90 * 24, |method| method.inspect_every);
        let mut fine = true;
        for (id, sheet) in look.set.sheets.iter().filter(|(_, sheet)| sheet.fate == Fate::Kept) {
            let last = sheet.inspected.max(sheet.in_custody).unwrap_or(look.set.issue.1);
            let due = last.plus_hours(every);
            if view.case.as_of > due {
                fine = false;
                let what = format!(
                    "sheet {id} of generation {}: bag and seal were last looked at {}",
                    look.set.generation,
                    last.date()
                );
                out.push(rule.fail(what).about(look).due(due).key(id));
            }
        }
        if fine {
            out.push(
                rule.pass(format!(
                    "generation {}: every bag was looked at in time",
                    look.set.generation
                ))
                .about(look),
            );
        }
    }
}

fn one_site(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for look in alive(view) {
        let generation = look.set.generation;
        let Some(method) = look.book.method_of(look.set) else {
            out.push(
                rule.cannot_tell(format!("generation {generation}: no method file is here"))
                    .about(look),
            );
            continue;
        };
        let sites: BTreeSet<String> =
            method.custodians.iter().map(|c| town(&c.site)).filter(|s| !s.is_empty()).collect();
        let finding = match sites.len() {
            0 => rule.cannot_tell(format!("generation {generation}: the method names no sites")),
            1 => rule.fail(format!(
                "generation {generation}: every sheet is in {}",
                sites.first().map_or("", String::as_str)
            )),
            n => rule.pass(format!("generation {generation}: sheets at {n} sites")),
        };
        out.push(finding.about(look));
    }
}

fn locks(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for book in &view.case.books {
        let sets: Vec<_> =
            book.state.sets.iter().filter(|set| book.dealt.contains_key(&set.code)).collect();
        for pair in sets.windows(2) {
            let (before, after) = (&book.dealt[&pair[0].code], &book.dealt[&pair[1].code]);
            let changed: Vec<String> = after
                .custodians
                .iter()
                .filter(|c| {
                    before.custodian(c.sheet).is_some_and(|b| b.id == c.id && b.lock != c.lock)
                })
                .map(|c| c.sheet.to_string())
                .collect();
            let approved = book.entries.iter().any(|e| {
                e.is(Event::MethodChange) && e.seq > pair[0].issue.0 && e.seq < pair[1].issue.0
            });
            let finding = if !changed.is_empty() && !approved {
                rule.fail(format!(
                    "the lock of {} changed with generation {}, and no METHOD approves it",
                    changed.join(", "),
                    pair[1].generation
                ))
            } else {
                rule.pass(format!(
                    "locks of generation {} are those of the one before, or approved",
                    pair[1].generation
                ))
            };
            out.push(finding.of_method(&book.state.method).key(pair[1].generation));
        }
    }
}

fn never_stored(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for look in alive(view) {
        let mut fine = true;
        for (id, sheet) in look.set.sheets.iter().filter(|(_, sheet)| sheet.fate == Fate::Kept) {
            let since = sheet.confirmed.or(sheet.read).unwrap_or(look.set.issue.1);
            if sheet.in_custody.is_none() && view.case.as_of.since(since) > WEEK {
                fine = false;
                let what = format!(
                    "sheet {id} of generation {}: no STORE or RECEIVE within a week",
                    look.set.generation
                );
                out.push(rule.fail(what).about(look).key(id));
            }
        }
        if fine {
            out.push(
                rule.pass(format!(
                    "generation {}: every sheet reached its safe",
                    look.set.generation
                ))
                .about(look),
            );
        }
    }
}
