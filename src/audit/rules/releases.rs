//! REL: was it released as the rules say: to one named person, for a permitted use, by enough people?

use std::collections::BTreeSet;

use super::{Rule, View};
use crate::audit::case::Look;
use crate::audit::facts::Truth;
use crate::audit::finding::{Finding, Severity};
use crate::logbook::{Entry, Event, Member, Person};
use crate::set::{STANDARD_USES, SheetId};
use crate::state::{INTACT, Release};

/// Hours within which a ticket, a witness or a notice follows a release.
const SOON: i64 = 24 * 3600;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "BG-REL-001",
        severity: Severity::Critical,
        title: "fewer shares or people than the threshold",
        why: "dual control is what the shares are for",
        needs: "the logbook; the records of who holds what",
        clauses: &["PCI DSS 3.7.6", "NIST SP 800-57 dual control"],
        remedy: "find out how the set was opened; deal a new one and rotate",
        check: threshold,
    },
    Rule {
        id: "BG-REL-002",
        severity: Severity::High,
        title: "the operator is not one named person",
        why: "what was done with it has to be somebody's",
        needs: "the logbook",
        clauses: &["PCI DSS 8.2.1", "ISO/IEC 27001:2022 A.5.16"],
        remedy: "record with CORRECT who it was, with an id",
        check: operator,
    },
    Rule {
        id: "BG-REL-003",
        severity: Severity::Critical,
        title: "released to two operators at once",
        why: "nobody can tell afterwards who did what",
        needs: "the logbook",
        clauses: &["PCI DSS 8.2.2"],
        remedy: "hand over with `breakglass log add END` and a new release; look at what both did",
        check: overlapping,
    },
    Rule {
        id: "BG-REL-004",
        severity: Severity::High,
        title: "the reason is not a permitted use, or has no ticket",
        why: "need to know: only the uses that were agreed on",
        needs: "the logbook and the dealt method",
        clauses: &["ISO/IEC 27001:2022 A.8.2"],
        remedy: "have the owner agree to the use afterwards, or to a change of the method",
        check: reason,
    },
    Rule {
        id: "BG-REL-005",
        severity: Severity::High,
        title: "the operator is one of its custodians",
        why: "nobody releases to themselves",
        needs: "the logbook; the records of who holds what",
        clauses: &["NIST SP 800-53 AC-5"],
        remedy: "name operators who hold no sheet; have the release reviewed",
        check: custodian_operates,
    },
    Rule {
        id: "BG-REL-006",
        severity: Severity::Medium,
        title: "no witness, or one who holds a sheet",
        why: "a witness has nothing of the set",
        needs: "the logbook",
        clauses: &["PCI PIN 26-1"],
        remedy: "record the witness with CORRECT; next time ask somebody who holds no sheet",
        check: witness,
    },
    Rule {
        id: "BG-REL-007",
        severity: Severity::High,
        title: "the release was never ended",
        why: "access is for a limited time, and nobody says that it was over",
        needs: "the logbook and the dealt method",
        clauses: &["ISO/IEC 27001:2022 A.8.2"],
        remedy: "ask the operator; `breakglass log add END`",
        check: never_ended,
    },
    Rule {
        id: "BG-REL-008",
        severity: Severity::Critical,
        title: "copies of one share counted as several",
        why: "two copies of one share are one share",
        needs: "the logbook",
        clauses: &["PCI DSS 3.7.6"],
        remedy: "find out how the set was opened with fewer shares than it takes",
        check: same_share,
    },
    Rule {
        id: "BG-REL-009",
        severity: Severity::High,
        title: "another bag than the one that was locked away, or a broken seal",
        why: "a bag that changed was opened by somebody",
        needs: "the logbook with bags and seals",
        clauses: &["PCI PIN 9-2", "PCI PIN 9-4"],
        remedy: "record TAMPER; find out who had the safe open; rotate",
        check: bags,
    },
    Rule {
        id: "BG-REL-010",
        severity: Severity::Low,
        title: "nobody was told within a day",
        why: "the owner has to know that the glass was broken",
        needs: "the logbook",
        clauses: &["ISO/IEC 27001:2022 A.5.26"],
        remedy: "tell owner and management, and record NOTIFY",
        check: told,
    },
    Rule {
        id: "BG-REL-011",
        severity: Severity::High,
        title: "the record gives more time than the method allows",
        why: "whoever writes the due time decides what is late",
        needs: "the logbook and the dealt method",
        clauses: &["ISO/IEC 27001:2022 A.5.18"],
        remedy: "find out who wrote the record; the method's own time counts here",
        check: due_time,
    },
];

fn due_time(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for (look, release) in each(view) {
        let Some(method) = look.book.method_of(look.set) else { continue };
        // a hand-over keeps the time of the first release
        let first = look.set.releases.iter().map(|r| r.at).min().unwrap_or(release.at);
        let allowed = first.plus_hours(method.revoke_within);
        let (says, may) = (release.revoke_due.rfc3339(), allowed.rfc3339());
        let finding = if release.revoke_due > allowed.shifted(view.case.skew) {
            rule.fail(format!(
                "release {}: due {says} by the record, {may} by the method",
                release.record
            ))
        } else {
            rule.pass(format!("release {}: due {says}", release.record))
        };
        out.push(finish(finding, look, release).due(allowed));
    }
}

pub(super) fn each<'a>(view: &'a View<'_>) -> impl Iterator<Item = (&'a Look<'a>, &'a Release)> {
    view.looks.iter().flat_map(|look| look.set.releases.iter().map(move |release| (look, release)))
}

pub(super) fn entry<'a>(look: &Look<'a>, record: u64) -> Option<&'a Entry> {
    look.book.entries.iter().find(|entry| entry.seq == record)
}

/// Returns who held a sheet when it was read: by the records up to then, else by the dealt method.
fn holder(look: &Look<'_>, sheet: SheetId, release: &Release) -> Option<Person> {
    let held = look.set.sheets.get(&sheet).map(|kept| kept.held.as_slice()).unwrap_or_default();
    let recorded = held.iter().rev().find(|(seq, _)| *seq <= release.record);
    recorded.map(|(_, person)| person.clone()).or_else(|| {
        let custodian = look.book.method_of(look.set)?.custodian(sheet)?;
        Some(Person { name: custodian.name.clone(), id: custodian.id.clone() })
    })
}

/// Says whether it is known of every sheet who held it.
fn holders_known(look: &Look<'_>, release: &Release) -> bool {
    look.set.sheets.keys().all(|sheet| holder(look, *sheet, release).is_some())
}

pub(super) fn finish(finding: Finding, look: &Look<'_>, release: &Release) -> Finding {
    finding.about(look).release(release.record).records([release.record])
}

fn threshold(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for (look, release) in each(view) {
        let k = usize::from(look.set.k);
        if k == 0 {
            let what = format!(
                "release {}: the records do not say how many shares it takes",
                release.record
            );
            out.push(finish(rule.cannot_tell(what), look, release));
            continue;
        }
        let numbers: BTreeSet<u8> = release.sheets.iter().map(|sheet| sheet.x()).collect();
        let holders: Vec<Person> =
            release.sheets.iter().filter_map(|sheet| holder(look, *sheet, release)).collect();
        let people: BTreeSet<String> = holders.iter().map(|p| p.id.to_lowercase()).collect();
        let finding = if numbers.len() < k {
            rule.fail(format!(
                "release {} names {} different shares, and it takes {k}",
                release.record,
                numbers.len()
            ))
        } else if holders.len() < release.sheets.len() {
            rule.cannot_tell(format!(
                "release {}: nobody knows who held every sheet",
                release.record
            ))
        } else if people.len() < k {
            rule.fail(format!(
                "release {}: {} people held the sheets, and it takes {k}",
                release.record,
                people.len()
            ))
        } else {
            rule.pass(format!(
                "release {}: {} shares of {} people",
                release.record,
                numbers.len(),
                people.len()
            ))
        };
        out.push(finish(finding, look, release));
    }
}

fn operator(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for (look, release) in each(view) {
        let Person { name, id } = &release.operator;
        let several = [" and ", " & ", " / ", ";", "+", ","].iter().any(|mark| name.contains(mark));
        let group = ["team", "oncall", "on-call", "sre", "ops", "admin", "somebody", "root"];
        let group = group.contains(&name.trim().to_lowercase().as_str());
        let left = view.case.leavers.iter().find(|leaver| {
            leaver.person.is(name, id) && leaver.left.after(release.at) == Truth::No
        });
        let finding = if let Some(leaver) = left {
            rule.fail(format!("release {}: {name} had left {}", release.record, leaver.left))
                .places([leaver.place])
        } else if id.trim().is_empty() {
            rule.fail(format!("release {}: `{name}` has no id", release.record))
        } else if several || group {
            rule.fail(format!("release {}: `{name}` is not one person", release.record))
        } else {
            rule.pass(format!("release {}: to {name}", release.record))
        };
        out.push(finish(finding, look, release).person(&release.operator));
    }
}

fn overlapping(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for look in view.looks {
        let mut releases: Vec<&Release> = look.set.releases.iter().collect();
        releases.sort_by_key(|release| release.at);
        for (number, second) in releases.iter().enumerate().skip(1) {
            let others = releases[..number]
                .iter()
                .filter(|first| !first.operator.is(&second.operator.name, &second.operator.id));
            let open =
                others.clone().find(|first| first.ended.is_none_or(|(_, end)| end > second.at));
            let finding = match open {
                Some(first) => rule
                    .fail(format!(
                        "release {} to {} had not ended when it was released to {}",
                        first.record, first.operator, second.operator
                    ))
                    .records([first.record])
                    .person(&first.operator)
                    .key(first.record),
                None => {
                    rule.pass(format!("release {}: nobody else had it at the time", second.record))
                }
            };
            out.push(finish(finding, look, second).person(&second.operator));
        }
    }
}

fn reason(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for (look, release) in each(view) {
        let Some(method) = look.book.method_of(look.set) else {
            let what = format!("release {}: the method that was dealt is not here", release.record);
            out.push(finish(rule.cannot_tell(what), look, release));
            continue;
        };
        let urgent = |r: &&Release| r.reason == "DATA-URGENT";
        let before = look.book.state.sets.iter().flat_map(|set| &set.releases).filter(urgent);
        let again = release.reason == "DATA-URGENT"
            && before.filter(|r| r.record < release.record).count() > 0;
        // a drill has its own number
        let ticketless =
            release.ticket.is_none() && !matches!(&*release.reason, "DRILL" | "ROTATION");
        let due = view.case.as_of.since(release.at) > SOON;
        let finding = if !method.uses.contain(&release.reason) {
            let known = STANDARD_USES.iter().any(|(code, _)| *code == release.reason)
                || release.reason.starts_with("OWN-");
            let how = if known { "is not permitted for it" } else { "is no use that it knows" };
            rule.fail(format!("release {}: `{}` {how}", release.record, release.reason))
        } else if again {
            rule.fail(format!(
                "release {}: DATA-URGENT for a second time; by now there is a process",
                release.record
            ))
        } else if ticketless && due {
            rule.fail(format!("release {}: no ticket a day later", release.record))
        } else {
            rule.pass(format!("release {}: {}", release.record, release.reason))
        };
        out.push(finish(finding, look, release).person(&release.operator));
    }
}

fn custodian_operates(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for (look, release) in each(view) {
        let own = look.set.sheets.keys().find(|sheet| {
            holder(look, **sheet, release)
                .is_some_and(|h| h.is(&release.operator.name, &release.operator.id))
        });
        let finding = match own {
            Some(sheet) => {
                rule.fail(format!("release {}: the operator holds sheet {sheet}", release.record))
            }
            None if !holders_known(look, release) => rule.cannot_tell(format!(
                "release {}: nobody knows who held every sheet",
                release.record
            )),
            None => rule.pass(format!("release {}: the operator holds no sheet", release.record)),
        };
        out.push(finish(finding, look, release).person(&release.operator));
    }
}

fn witness(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for (look, release) in each(view) {
        let finding = match &release.witness {
            None if view.case.as_of.since(release.at) <= SOON => continue,
            None => rule.fail(format!("release {}: no witness is named", release.record)),
            Some(witness) => {
                let own = look.set.sheets.keys().find(|sheet| {
                    holder(look, **sheet, release).is_some_and(|h| h.is(&witness.name, &witness.id))
                });
                let operates = witness.is(&release.operator.name, &release.operator.id);
                match own {
                    None if operates => rule
                        .fail(format!("release {}: the operator is the witness", release.record)),
                    Some(sheet) => rule.fail(format!(
                        "release {}: the witness holds sheet {sheet}",
                        release.record
                    )),
                    None if !holders_known(look, release) => rule.cannot_tell(format!(
                        "release {}: nobody knows who held every sheet",
                        release.record
                    )),
                    None => rule.pass(format!("release {}: {witness} watched", release.record)),
                }
            }
        };
        out.push(finish(finding, look, release));
    }
}

fn never_ended(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for (look, release) in each(view) {
        let session = look.book.method_of(look.set).map_or(240, |method| method.max_session);
        let due = release.at.plus_minutes(session);
        let finding = match release.ended.map(|(_, at)| at).or(look.set.revoked.map(|(_, at)| at)) {
            Some(end) if end <= due.shifted(view.case.skew) => {
                rule.pass(format!("release {}: ended {}", release.record, end.rfc3339()))
            }
            Some(end) => rule.fail(format!(
                "release {}: ended {}, and was to end {}",
                release.record,
                end.rfc3339(),
                due.rfc3339()
            )),
            None if view.case.as_of <= due => continue,
            None => rule.fail(format!("release {}: nobody has ended it", release.record)),
        };
        out.push(finish(finding, look, release).due(due).person(&release.operator));
    }
}

fn same_share(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for (look, release) in each(view) {
        let numbers: BTreeSet<u8> = release.sheets.iter().map(|sheet| sheet.x()).collect();
        let k = usize::from(look.set.k);
        let finding = if numbers.len() < k && release.sheets.len() >= k && k > 0 {
            rule.fail(format!(
                "release {}: {} sheets, and only {} different shares",
                release.record,
                release.sheets.len(),
                numbers.len()
            ))
        } else {
            rule.pass(format!("release {}: every share counted once", release.record))
        };
        out.push(finish(finding, look, release));
    }
}

fn bags(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for (look, release) in each(view) {
        let Some(entry) = entry(look, release.record) else { continue };
        // bags and seals follow by CORRECT
        let later = look
            .book
            .entries
            .iter()
            .filter(|e| e.is(Event::Correct) && e.record() == Some(release.record));
        let said: Vec<&Entry> = std::iter::once(entry).chain(later).collect();
        let mut bags: Vec<(SheetId, String)> = Vec::new();
        let mut torn: Vec<SheetId> = Vec::new();
        for record in &said {
            bags.extend(record.texts_by_sheet(Member::Bags));
            torn.extend(
                record
                    .texts_by_sheet(Member::Seals)
                    .into_iter()
                    .filter(|(_, seal)| seal != INTACT)
                    .map(|(sheet, _)| sheet),
            );
        }
        let tampered = |sheet: &SheetId| {
            look.book.records(look.set, Event::Tamper).any(|t| t.sheets().contains(sheet))
        };
        let before = |sheet: &SheetId| {
            let earlier = look.book.entries.iter().take_while(|e| e.seq < release.record);
            let of_set = earlier.filter(|e| e.text("set") == look.set.code);
            of_set.filter_map(|e| e.texts_by_sheet(Member::Bags).get(sheet).cloned()).last()
        };
        let changed = bags.iter().find(|(sheet, bag)| {
            before(sheet).is_some_and(|last| last != *bag) && !tampered(sheet)
        });
        let finding = if let Some(sheet) = torn.iter().find(|sheet| !tampered(sheet)) {
            rule.fail(format!(
                "release {}: the seal of {sheet} was not whole, and no TAMPER says so",
                release.record
            ))
        } else if let Some((sheet, bag)) = changed {
            let was = before(sheet).unwrap_or_default();
            rule.fail(format!(
                "release {}: {sheet} came in bag {bag}, and was locked away in {was}",
                release.record
            ))
        } else if bags.is_empty() {
            rule.cannot_tell(format!(
                "release {}: no record names the bags that were opened",
                release.record
            ))
        } else {
            rule.pass(format!(
                "release {}: bags and seals as they were locked away",
                release.record
            ))
        };
        out.push(finish(finding, look, release));
    }
}

fn told(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for (look, release) in each(view) {
        if view.case.as_of.since(release.at) <= SOON {
            continue;
        }
        let notices = look.book.entries.iter().filter(|e| e.is(Event::Notify));
        let soon =
            notices.filter_map(Entry::at).any(|at| (0..=SOON).contains(&at.since(release.at)));
        let finding = if soon {
            rule.pass(format!("release {}: somebody was told within a day", release.record))
        } else {
            rule.fail(format!("release {}: no NOTIFY within a day", release.record))
        };
        out.push(finish(finding, look, release));
    }
}
