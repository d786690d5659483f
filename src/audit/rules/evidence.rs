//! EVD: is the evidence good for what it is to prove?

use std::collections::BTreeSet;

use super::{Rule, View};
use crate::audit::case::Sees;
use crate::audit::evidence::{Evidence, Kind};
use crate::audit::facts::{Place, What};
use crate::audit::finding::{Finding, Severity};
use crate::logbook::hex;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "BG-EVD-001",
        severity: Severity::Medium,
        title: "a report from before what it is to prove",
        why: "what is older than the revocation cannot show it; AWS hands out reports that are four hours old",
        needs: "the time of the report",
        clauses: &["ISO/IEC 27001:2022 A.5.28"],
        remedy: "export it again, and check its time",
        check: stale,
    },
    Rule {
        id: "BG-EVD-002",
        severity: Severity::Medium,
        title: "no log covers a release",
        why: "\"no event found\" means something only where the log would have shown one",
        needs: "a log whose first event is before the release, and its last one after",
        clauses: &["NIST SP 800-53 AU-12"],
        remedy: "export the log for the whole time from release to revocation, before the platform forgets it",
        check: gap,
    },
    Rule {
        id: "BG-EVD-003",
        severity: Severity::Medium,
        title: "evidence that a record names was changed, or is missing",
        why: "its hash is in the chain so that nobody can change it",
        needs: "the logbook and the folder `evidence`",
        clauses: &["ISO/IEC 27001:2022 A.5.28"],
        remedy: "find the file of that hash; what was changed proves nothing",
        check: integrity,
    },
    Rule {
        id: "BG-EVD-004",
        severity: Severity::Medium,
        title: "a time that nobody knows",
        why: "without its time a state proves nothing",
        needs: "the time of the export, or the zone of the times in it",
        clauses: &["ISO/IEC 27001:2022 A.8.17"],
        remedy: "`--report-time FILE=TIME` as the cover sheet says, `--tz ZONE` for times without one",
        check: timeless,
    },
    Rule {
        id: "BG-EVD-005",
        severity: Severity::High,
        title: "evidence of another account or region",
        why: "it is about something else",
        needs: "the account in the dealt method and in the evidence",
        clauses: &["ISO/IEC 27001:2022 A.5.28"],
        remedy: "export it from the account of the method; IAM events of AWS from us-east-1",
        check: elsewhere,
    },
    Rule {
        id: "BG-EVD-006",
        severity: Severity::Medium,
        title: "the export is not whole",
        why: "what is not on this page may be on the next",
        needs: "the export",
        clauses: &["ISO/IEC 27001:2022 A.5.28"],
        remedy: "export every page, and the file to its end",
        check: partial,
    },
    Rule {
        id: "BG-EVD-007",
        severity: Severity::Info,
        title: "revoking was tried, and refused",
        why: "somebody meant to revoke it, and it did not work",
        needs: "a log of changes with its errors",
        clauses: &["NIST SP 800-53 AU-6"],
        remedy: "look whether it was revoked later",
        check: refused,
    },
    Rule {
        id: "BG-EVD-008",
        severity: Severity::Low,
        title: "evidence by this program alone",
        why: "whoever is audited does not write the evidence",
        needs: "an export of the platform, with its cover sheet",
        clauses: &["ISO/IEC 27001:2022 A.5.3"],
        remedy: "have somebody else export it once more",
        check: independent,
    },
];

fn of_file(
    rule: &'static Rule,
    file: &Evidence,
    number: usize,
    what: String,
    fail: bool,
) -> Finding {
    let finding = if fail { rule.fail(what) } else { rule.cannot_tell(what) };
    finding.places([Place { file: number, record: 0 }]).key(hex(&file.sha256))
}

fn stale(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for row in view.table {
        let Some(look) = view.looks.get(row.look) else { continue };
        let revoked = look.set.revoked.map_or(row.due, |(_, at)| at).shifted(-view.case.skew);
        let states = view.case.evidence.iter().enumerate().filter(|(_, file)| {
            file.kind == Kind::State
                && file.found.report_time.is_some()
                && view.case.fits(file, look.book, look.set)
        });
        let states: Vec<_> = states.filter(|(_, file)| file.found.listing.is_some()).collect();
        if states.is_empty() {
            continue;
        }
        let fresh =
            states.iter().any(|(_, file)| file.found.report_time.is_some_and(|at| at >= revoked));
        if fresh {
            out.push(
                rule.pass(format!(
                    "release {}: a report is younger than its revocation",
                    row.record
                ))
                .about(look)
                .release(row.record),
            );
            continue;
        }
        let Some((number, file)) = states.last() else { continue };
        let at = file.found.report_time.map(crate::clock::Instant::rfc3339).unwrap_or_default();
        let what = format!(
            "release {}: `{}` is of {at}, before the revocation {}",
            row.record,
            file.path.display(),
            revoked.rfc3339()
        );
        out.push(of_file(rule, file, *number, what, false).about(look).release(row.record));
    }
}

fn gap(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for row in view.table {
        let Some(look) = view.looks.get(row.look) else { continue };
        let ended = look.timeline.out_of_force().and_then(|end| end.when.to);
        let to = ended.unwrap_or(row.due).min(view.case.as_of);
        let window = (row.at, to);
        let missing: Vec<&str> = [(Sees::Uses, "uses"), (Sees::Changes, "changes")]
            .into_iter()
            .filter(|(sees, _)| !view.case.covers(look.book, look.set, *sees, window))
            .map(|(_, word)| word)
            .collect();
        let finding = if missing.is_empty() {
            rule.pass(format!("release {}: logs cover it", row.record))
        } else {
            rule.cannot_tell(format!(
                "release {}: no log of {} covers {} to {}",
                row.record,
                missing.join(" and "),
                row.at.rfc3339(),
                to.rfc3339()
            ))
        };
        out.push(finding.about(look).release(row.record));
    }
}

fn integrity(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for book in &view.case.books {
        let given: BTreeSet<String> = view
            .case
            .evidence
            .iter()
            .map(|file| &file.sha256)
            .chain(view.case.inputs.iter().map(|file| &file.sha256))
            .map(|hash| hex(hash))
            .collect();
        for (record, name, hash, kept) in &book.named {
            let finding = match kept {
                Some(true) => {
                    rule.pass(format!("`{name}` of record {record} is as it was recorded"))
                }
                Some(false) => rule.fail(format!("`{name}` of record {record} was changed since")),
                None if given.contains(hash) => {
                    rule.pass(format!("`{name}` of record {record} was given"))
                }
                None => rule.cannot_tell(format!("`{name}` of record {record} is not here")),
            };
            out.push(finding.of_method(&book.state.method).records([*record]).key(name));
        }
    }
}

fn timeless(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for (number, file) in view.case.evidence.iter().enumerate() {
        let state = file.kind == Kind::State && file.found.listing.is_some();
        let late =
            file.found.report_time.filter(|at| *at > view.case.as_of.shifted(view.case.skew));
        if let Some(at) = late {
            let what = format!(
                "`{}` is of {}, which is after this audit",
                file.path.display(),
                at.rfc3339()
            );
            out.push(of_file(rule, file, number, what, true));
        } else if file.found.wrong_time {
            let what = format!(
                "`{}` lists what was made after it was taken: its time is wrong",
                file.path.display()
            );
            out.push(of_file(rule, file, number, what, true));
        } else if state && file.found.report_time.is_none() {
            let what = format!("`{}` does not say when it was taken", file.path.display());
            out.push(of_file(rule, file, number, what, false));
        } else {
            let place = Place { file: number, record: 0 };
            out.push(
                rule.pass(format!("`{}` has its time", file.path.display()))
                    .places([place])
                    .key(hex(&file.sha256)),
            );
        }
    }
}

fn elsewhere(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    let at_home = |file: &&Evidence| {
        file.platform == "aws" && file.kind == Kind::Log && file.found.regions.contains("us-east-1")
    };
    let home = view.case.evidence.iter().any(|file| at_home(&file));
    for (number, file) in view.case.evidence.iter().enumerate() {
        let same = view.looks.iter().filter(|look| {
            let platform = look.book.platform(look.set);
            file.platform.is_empty() || platform.is_empty() || platform == file.platform
        });
        let accounts: BTreeSet<&str> =
            same.map(|look| look.book.account(look.set)).filter(|a| !a.is_empty()).collect();
        let regions = &file.found.regions;
        // a trail of every region has files of each: one of them has IAM's events
        let away = file.platform == "aws" && file.kind == Kind::Log && !regions.is_empty() && !home;
        let other = !accounts.is_empty()
            && !file.found.accounts.is_empty()
            && accounts.iter().all(|account| !file.found.accounts.contains(*account));
        let list =
            |names: &BTreeSet<String>| names.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
        if other {
            let wanted: Vec<&str> = accounts.into_iter().collect();
            let what = format!(
                "`{}` is of {}, the method is of {}",
                file.path.display(),
                list(&file.found.accounts),
                wanted.join(", ")
            );
            out.push(of_file(rule, file, number, what, true));
        } else if away {
            let what = format!(
                "`{}` is of {}; IAM's events are in us-east-1 alone",
                file.path.display(),
                list(regions)
            );
            out.push(of_file(rule, file, number, what, true));
        } else if !accounts.is_empty() && !file.found.accounts.is_empty() {
            let place = Place { file: number, record: 0 };
            out.push(
                rule.pass(format!("`{}` is of the right account", file.path.display()))
                    .places([place])
                    .key(hex(&file.sha256)),
            );
        } else if accounts.is_empty()
            && !file.found.accounts.is_empty()
            // a server of one's own has no account that a method file would name
            && ["aws", "gcp", "entra", "okta", "github"].contains(&&*file.platform)
        {
            let what = format!(
                "`{}` is of {}; no method file here says which account is the right one",
                file.path.display(),
                list(&file.found.accounts)
            );
            out.push(of_file(rule, file, number, what, false));
        }
    }
}

fn partial(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for (number, file) in view.case.evidence.iter().enumerate() {
        if let Some(why) = &file.found.partial {
            let what = format!("`{}`: {why}", file.path.display());
            out.push(of_file(rule, file, number, what, true));
        } else {
            let what = format!("`{}` is whole", file.path.display());
            let place = Place { file: number, record: 0 };
            out.push(rule.pass(what).places([place]).key(hex(&file.sha256)));
        }
    }
}

fn refused(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for look in view.looks {
        let tried = look.facts.iter().filter(|fact| fact.what == What::RevokeFailed);
        let mut fine = true;
        for fact in tried {
            fine = false;
            let what = format!("revoking {} was refused {}: {}", look.id, fact.when, fact.word);
            out.push(
                rule.fail(what).about(look).observed(fact.when).places([fact.place]).key(fact.when),
            );
        }
        if fine && !look.facts.is_empty() {
            out.push(
                rule.pass(format!("no attempt to revoke {} was refused", look.id)).about(look),
            );
        }
    }
}

fn independent(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for look in view.looks.iter().filter(|look| !look.set.releases.is_empty()) {
        let fitting: Vec<&Evidence> = view
            .case
            .evidence
            .iter()
            .filter(|file| view.case.fits(file, look.book, look.set))
            .collect();
        if fitting.is_empty() {
            continue;
        }
        let own = |file: &&&Evidence| file.format == "breakglass report";
        let generation = look.set.generation;
        // anybody can type a table: it is as good as whoever asked the platform for it
        let table = |file: &&Evidence| file.format == "table of events";
        let rest: Vec<&&Evidence> = fitting.iter().filter(|file| !own(file)).collect();
        let finding = if !rest.is_empty() && rest.iter().all(|file| table(file)) {
            rule.cannot_tell(format!(
                "generation {generation}: besides what this program made there are only tables; who made them?"
            ))
        } else if rest.is_empty() {
            rule.fail(format!("generation {generation}: all evidence is by this program"))
        } else {
            rule.pass(format!("generation {generation}: there is an export of the platform; its cover sheet says whose"))
        };
        out.push(finding.about(look));
    }
}
