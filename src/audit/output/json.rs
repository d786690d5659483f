//! For programs: one object, whose schema is `report.schema.json`.

use serde_json::{Value, json};

use super::{Files, Output, clean, covers, place};
use crate::audit::Report;
use crate::audit::facts::Span;
use crate::clock::Instant;
use crate::logbook::hex;

/// The version of the form.
pub const VERSION: u64 = 1;

/// For programs.
pub struct Json;

impl Output for Json {
    fn files(&self, report: &Report) -> Files {
        Ok(vec![("audit.json".to_owned(), format!("{:#}\n", object(report)).into_bytes())])
    }
}

fn span(span: Span) -> Value {
    json!({ "from": span.from.map(Instant::rfc3339), "to": span.to.map(Instant::rfc3339) })
}

/// Returns the report as one object.
pub fn object(report: &Report) -> Value {
    let case = &report.case;
    let books: Vec<Value> = case
        .books
        .iter()
        .map(|book| {
            json!({
                "file": book.path.display().to_string(),
                "sha256": hex(&book.sha256),
                "method": book.state.method,
                "records": book.state.records,
                "chain": if book.broken.is_none() { "whole" } else { "broken" },
            })
        })
        .collect();
    let evidence: Vec<Value> = case
        .evidence
        .iter()
        .map(|file| {
            json!({
                "file": file.path.display().to_string(),
                "sha256": hex(&file.sha256),
                "bytes": file.bytes,
                "format": file.format,
                "records": file.found.records,
                "covers": covers(file),
                "accounts": file.found.accounts,
                "partial": file.found.partial,
                "notes": file.found.notes.iter().map(|note| clean(note)).collect::<Vec<_>>(),
            })
        })
        .collect();
    let inputs: Vec<Value> = case
        .inputs
        .iter()
        .map(|input| {
            json!({
                "file": input.path.display().to_string(),
                "sha256": hex(&input.sha256),
                "what": input.what,
            })
        })
        .collect();
    let releases: Vec<Value> = report
        .table
        .iter()
        .map(|row| {
            json!({
                "method": row.method,
                "generation": row.generation,
                "record": row.record,
                "at": row.at.rfc3339(),
                "operator": { "name": clean(&row.operator.name), "id": clean(&row.operator.id) },
                "reason": clean(&row.reason),
                "ticket": row.ticket.as_deref().map(clean),
                "sheets": row.sheets.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "ended": row.ended.map(|(_, at)| at.rfc3339()),
                "revoke_due": row.due.rfc3339(),
                "used": row.uses.map(|(stretch, times)| json!({ "times": times, "when": span(stretch) })),
                "revoked": row.revoked.map(span),
                "verdict": row.verdict.word().to_lowercase(),
                "why": clean(&row.why),
            })
        })
        .collect();
    json!({
        "version": VERSION,
        "as_of": case.as_of.rfc3339(),
        "skew_seconds": case.skew,
        "outcome": report.outcome().word(),
        "logbooks": books,
        "evidence": evidence,
        "inputs": inputs,
        "releases": releases,
        "findings": findings(report),
        "notes": report.notes,
    })
}

fn findings(report: &Report) -> Vec<Value> {
    report
        .findings
        .iter()
        .map(|finding| {
            json!({
                "rule": finding.rule.id,
                "title": finding.rule.title,
                "severity": finding.rule.severity.word(),
                "outcome": finding.outcome.word(),
                "fingerprint": finding.fingerprint(),
                "waived": finding.waived.as_deref().map(clean),
                "method": clean(&finding.method),
                "generation": finding.generation,
                "release": finding.release,
                "credential": clean(&finding.credential),
                "what": clean(&finding.what),
                "people": finding.people.iter().map(|p| clean(p)).collect::<Vec<_>>(),
                "observed": clean(&finding.observed),
                "deadline": finding.deadline.map(Instant::rfc3339),
                "records": finding.records,
                "evidence": finding.places.iter().map(|p| place(report, *p)).collect::<Vec<_>>(),
                "clauses": finding.rule.clauses,
                "remedy": finding.remedy(),
            })
        })
        .collect()
}
