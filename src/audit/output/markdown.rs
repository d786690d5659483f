//! Markdown: for tickets and wikis.

use std::fmt::Write as _;

use super::{Files, Output, clean, covers, listed, minute, of, places, summary};
use crate::audit::Report;
use crate::audit::finding::Outcome;
use crate::logbook::hex;

/// Markdown.
pub struct Markdown {
    /// Whether what is as it should be is listed, too.
    pub all: bool,
}

impl Output for Markdown {
    fn files(&self, report: &Report) -> Files {
        let mut out = String::new();
        // writing to a String cannot fail
        let _ = self.write(report, &mut out);
        Ok(vec![("audit.md".to_owned(), out.into_bytes())])
    }
}

/// A text inside of a cell, as it stands.
fn cell(text: &str) -> String {
    let text = clean(text);
    let mut out = String::with_capacity(text.len());
    for sign in text.chars() {
        if matches!(sign, '\\' | '|' | '`' | '*' | '_' | '<' | '>' | '[' | ']' | '#' | '~' | '!') {
            out.push('\\');
        }
        out.push(sign);
    }
    out
}

impl Markdown {
    fn write(&self, report: &Report, out: &mut String) -> std::fmt::Result {
        let case = &report.case;
        let methods: Vec<String> = case.books.iter().map(|book| cell(&book.state.method)).collect();
        writeln!(out, "# Audit of {}\n", methods.join(", "))?;
        writeln!(
            out,
            "As of {} UTC; clocks may be {} seconds apart.\n",
            minute(case.as_of),
            case.skew
        )?;
        writeln!(out, "{}.\n", summary(report))?;
        writeln!(out, "## Releases\n")?;
        if report.table.is_empty() {
            writeln!(out, "Nothing was ever released.\n")?;
        } else {
            writeln!(
                out,
                "| Gen | Record | Released (UTC) | To | For | Ended and used | Revoke before | Verdict | Why |"
            )?;
            writeln!(out, "|---|---|---|---|---|---|---|---|---|")?;
        }
        for row in &report.table {
            writeln!(
                out,
                "| {}{} | {} | {} | {} | {} {} | {}; {} | {} | **{}** | {} |",
                of(report, &row.method),
                row.generation,
                row.record,
                minute(row.at),
                cell(&row.operator.to_string()),
                cell(&row.reason),
                cell(row.ticket.as_deref().unwrap_or_default()),
                row.end(),
                cell(&row.used()),
                minute(row.due),
                row.word(),
                cell(&row.why)
            )?;
        }
        writeln!(
            out,
            "\n## Findings\n\n| Rule | Outcome | Severity | What | Evidence | What to do | Fingerprint |"
        )?;
        writeln!(out, "|---|---|---|---|---|---|---|")?;
        for finding in listed(report, self.all) {
            let places = cell(&places(report, finding));
            let outcome = match (&finding.waived, finding.outcome) {
                (Some(waived), _) => format!("waived by {}", cell(waived)),
                (None, Outcome::Fail) => "**FAIL**".to_owned(),
                (None, outcome) => outcome.word().to_owned(),
            };
            writeln!(
                out,
                "| {} | {outcome} | {} | {} | {} | {} | {} |",
                finding.rule.id,
                finding.rule.severity.word(),
                cell(&finding.what),
                places,
                cell(&finding.remedy()),
                finding.fingerprint()
            )?;
        }
        for note in &report.notes {
            writeln!(out, "\n{}", cell(note))?;
        }
        writeln!(
            out,
            "\n## What was looked at\n\n| File | What | Covers | SHA-256 |\n|---|---|---|---|"
        )?;
        for book in &case.books {
            let name = cell(&book.path.display().to_string());
            writeln!(
                out,
                "| {name} | logbook, {} records | | {} |",
                book.state.records,
                hex(&book.sha256)
            )?;
        }
        for file in &case.evidence {
            let name = cell(&file.path.display().to_string());
            writeln!(
                out,
                "| {name} | {} | {} | {} |",
                file.format,
                covers(file),
                hex(&file.sha256)
            )?;
        }
        for input in &case.inputs {
            let name = cell(&input.path.display().to_string());
            writeln!(out, "| {name} | {} | | {} |", input.what, hex(&input.sha256))?;
        }
        Ok(())
    }
}
