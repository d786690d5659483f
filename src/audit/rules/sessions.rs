//! SES: was it recorded what the operator did, and did every session end with the credential?

mod outliving;
mod recordings;
mod secrets;
mod times;

use std::collections::BTreeSet;

use super::releases::{each, finish};
use super::{Rule, View};
use crate::audit::case::{Book, Look};
use crate::audit::finding::{Finding, Severity};
use crate::audit::releases::due;
use crate::logbook::{Entry, Event};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "BG-SES-001",
        severity: Severity::High,
        title: "no recording for a release",
        why: "what was done with it is known from the operator alone",
        needs: "the logbook",
        clauses: &["NIST SP 800-53 AU-14", "ISO/IEC 27001:2022 A.8.15", "PCI DSS 10.2"],
        remedy: "`breakglass session import FILE --record 12`",
        check: unrecorded,
    },
    Rule {
        id: "BG-SES-002",
        severity: Severity::High,
        title: "a recording was altered, or is not whole",
        why: "what is missing in it may be what it was made for",
        needs: "the recordings: `sessions/NAME` of the kit, or the files that were imported",
        clauses: &["NIST SP 800-53 AU-9", "ISO/IEC 27001:2022 A.8.15", "PCI DSS 10.3"],
        remedy: "find out who had it since; where no record names it, `breakglass session import DIR`",
        check: recordings::altered,
    },
    Rule {
        id: "BG-SES-003",
        severity: Severity::Medium,
        title: "a recording may hold the credential, or it was left behind",
        why: "whoever looks at the recording then has the way in, for as long as it is open",
        needs: "the recordings: `sessions/NAME` of the kit, or the files that were imported",
        clauses: &["NIST SP 800-53 IA-5(7)", "ISO/IEC 27001:2022 A.5.17"],
        remedy: "keep it as the credential itself is kept until that is revoked; name the keys of the auditors in `recipients` under [audit] of the method file",
        check: secrets::left,
    },
    Rule {
        id: "BG-SES-004",
        severity: Severity::Medium,
        title: "used outside of the recording",
        why: "what somebody does not want to be seen is done before or after",
        needs: "a log that shows uses, and when each recording began and ended",
        clauses: &["NIST SP 800-53 AU-14", "PCI DSS 10.2"],
        remedy: "ask the operator what was done then, and compare it with the log",
        check: times::outside,
    },
    Rule {
        id: "BG-SES-005",
        severity: Severity::High,
        title: "a session made with the credential outlives its revocation",
        why: "revoking the credential does not revoke the access that was made with it",
        needs: "a log that shows sessions with their ends, and what ended them",
        clauses: &["NIST SP 800-53 AC-12", "ISO/IEC 27001:2022 A.5.18"],
        remedy: "end it on the platform (AWS: the policy AWSRevokeOlderSessions; Vault: revoke the leases of the login), and find out what was done with it",
        check: outliving::outlives,
    },
];

/// Returns the records of sessions; what was taken back is none.
fn recorded(book: &Book) -> impl Iterator<Item = &Entry> {
    let void = book.entries.iter().filter(|e| e.is(Event::Void)).filter_map(Entry::record);
    let void: BTreeSet<u64> = void.collect();
    book.entries.iter().filter(move |e| e.is(Event::Session) && !void.contains(&e.seq))
}

/// Returns the files that a record of a session names, each with its hash.
fn named(entry: &Entry) -> impl Iterator<Item = (&str, &str)> {
    let files = entry.members.get("evidence").and_then(serde_json::Value::as_array);
    files
        .into_iter()
        .flatten()
        .filter_map(|file| Some((file.get("file")?.as_str()?, file.get("sha256")?.as_str()?)))
}

/// Returns the last part of a name.
fn last(file: &str) -> &str {
    file.trim_end_matches('/').rsplit(['/', '\\']).next().unwrap_or(file)
}

/// Says which release a record of a session is of, if it is of one.
fn of_session(finding: Finding, view: &View<'_>, book: &Book, entry: &Entry) -> Finding {
    let same = |look: &Look<'_>| std::ptr::eq(look.book, book);
    let mut of = each(view).filter(|(look, _)| same(look));
    match of.find(|(_, release)| release.sessions.contains(&entry.seq)) {
        Some((look, release)) => finish(finding, look, release).records([entry.seq]),
        None => finding.of_method(&book.state.method).records([entry.seq]),
    }
}

fn unrecorded(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for (look, release) in each(view) {
        let due = due(look).unwrap_or(release.revoke_due);
        let record = release.record;
        let finding = if let Some(session) = release.sessions.first() {
            rule.pass(format!("release {record}: recorded, by record {session}"))
                .records(release.sessions.iter().copied())
        } else if let Some(exception) = release.unrecorded {
            rule.pass(format!("release {record}: not recorded, by exception (record {exception})"))
                .records([exception])
        } else if view.case.as_of <= due {
            rule.pass(format!("release {record}: a recording is not due yet"))
        } else {
            rule.fail(format!(
                "release {record}: no record says that what {} did was recorded",
                release.operator
            ))
        };
        out.push(finish(finding, look, release).due(due).person(&release.operator));
    }
}
