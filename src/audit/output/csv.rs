//! For spreadsheets: two tables. A cell that a spreadsheet would take for a formula has an apostrophe in front.

use super::{Files, Output, clean, place};
use crate::audit::Report;
use crate::clock::Instant;

/// For spreadsheets.
pub struct Csv;

impl Output for Csv {
    fn files(&self, report: &Report) -> Files {
        Ok(vec![
            ("releases.csv".to_owned(), releases(report).into_bytes()),
            ("findings.csv".to_owned(), findings(report).into_bytes()),
        ])
    }
}

/// Writes rows; every cell is quoted where it has to be.
fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut csv = ::csv::Writer::from_writer(Vec::new());
    // writing into memory cannot fail, and every row has the cells of the head
    let _ = csv.write_record(head);
    for row in rows {
        let _ = csv.write_record(row.iter().map(|cell| safe(cell)));
    }
    let bytes = csv.into_inner().unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

/// A cell that begins like a formula is none (CWE-1236).
fn safe(cell: &str) -> String {
    let cell = clean(cell);
    if cell.starts_with(['=', '+', '-', '@']) { format!("'{cell}") } else { cell }
}

fn time(at: Option<Instant>) -> String {
    at.map(Instant::rfc3339).unwrap_or_default()
}

fn releases(report: &Report) -> String {
    let head = [
        "method",
        "generation",
        "record",
        "released",
        "operator",
        "operator_id",
        "reason",
        "ticket",
        "sheets",
        "ended",
        "uses",
        "first_use",
        "last_use",
        "revoke_due",
        "revoked_from",
        "revoked_to",
        "verdict",
        "why",
    ];
    let rows = report.table.iter().map(|row| {
        let uses = row.uses.map(|(span, times)| (span, times.to_string()));
        let sheets: Vec<String> = row.sheets.iter().map(ToString::to_string).collect();
        vec![
            row.method.clone(),
            row.generation.to_string(),
            row.record.to_string(),
            row.at.rfc3339(),
            row.operator.name.clone(),
            row.operator.id.clone(),
            row.reason.clone(),
            row.ticket.clone().unwrap_or_default(),
            sheets.join(" "),
            time(row.ended.map(|(_, at)| at)),
            uses.as_ref().map(|(_, times)| times.clone()).unwrap_or_default(),
            time(uses.as_ref().and_then(|(span, _)| span.from)),
            time(uses.as_ref().and_then(|(span, _)| span.to)),
            row.due.rfc3339(),
            time(row.revoked.and_then(|span| span.from)),
            time(row.revoked.and_then(|span| span.to)),
            row.verdict.word().to_lowercase(),
            row.why.clone(),
        ]
    });
    table(&head, rows)
}

fn findings(report: &Report) -> String {
    let head = [
        "rule",
        "severity",
        "outcome",
        "title",
        "what",
        "method",
        "generation",
        "release",
        "credential",
        "people",
        "observed",
        "deadline",
        "records",
        "evidence",
        "clauses",
        "remedy",
        "fingerprint",
        "waived",
    ];
    let rows = report.findings.iter().map(|finding| {
        let list = |items: Vec<String>| items.join("; ");
        vec![
            finding.rule.id.to_owned(),
            finding.rule.severity.word().to_owned(),
            finding.outcome.word().to_owned(),
            finding.rule.title.to_owned(),
            finding.what.clone(),
            finding.method.clone(),
            finding.generation.map(|n| n.to_string()).unwrap_or_default(),
            finding.release.map(|n| n.to_string()).unwrap_or_default(),
            finding.credential.clone(),
            list(finding.people.clone()),
            finding.observed.clone(),
            time(finding.deadline),
            list(finding.records.iter().map(ToString::to_string).collect()),
            list(finding.places.iter().map(|p| place(report, *p)).collect()),
            finding.rule.clauses.join("; "),
            finding.remedy(),
            finding.fingerprint(),
            finding.waived.clone().unwrap_or_default(),
        ]
    });
    table(&head, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_no_formula() {
        let rows = [vec!["=cmd|' /C calc'!A0".to_owned(), "a,\"b\"".to_owned()]];
        let text = table(&["x", "y"], rows.into_iter());
        assert_eq!(text, "x,y\n'=cmd|' /C calc'!A0,\"a,\"\"b\"\"\"\n");
    }
}
