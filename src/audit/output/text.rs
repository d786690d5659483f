//! For the terminal: the release table first, then the findings, a line each, code first.

use std::fmt::Write as _;

use super::{Files, Output, clean, count, covers, listed, minute, of, places, summary};
use crate::audit::Report;
use crate::audit::finding::Outcome;

/// For the terminal.
pub struct Text {
    /// Whether what is as it should be is listed, too.
    pub all: bool,
}

impl Output for Text {
    fn files(&self, report: &Report) -> Files {
        let mut out = String::new();
        // writing to a String cannot fail
        let _ = self.write(report, &mut out);
        Ok(vec![("audit.txt".to_owned(), out.into_bytes())])
    }
}

impl Text {
    fn write(&self, report: &Report, out: &mut String) -> std::fmt::Result {
        let case = &report.case;
        writeln!(
            out,
            "As of {} UTC; clocks may be {} seconds apart.",
            minute(case.as_of),
            case.skew
        )?;
        for book in &case.books {
            let name = clean(&book.path.display().to_string());
            writeln!(
                out,
                "  logbook   {name}: {} records of {}",
                book.state.records,
                clean(&book.state.method)
            )?;
        }
        for file in &case.evidence {
            let name = clean(&file.path.display().to_string());
            writeln!(out, "  evidence  {name}: {}, {}", file.format, covers(file))?;
            for note in &file.found.notes {
                writeln!(out, "            {}", clean(note))?;
            }
        }
        for input in &case.inputs {
            let name = clean(&input.path.display().to_string());
            writeln!(out, "  beside    {name}: {}", input.what)?;
        }
        writeln!(out)?;
        table(report, out)?;
        let mut any = false;
        for finding in listed(report, self.all) {
            if !any {
                writeln!(out, "\nFindings")?;
                any = true;
            }
            let word = match (finding.outcome, &finding.waived) {
                (_, Some(_)) => "waived",
                (Outcome::Fail, None) => "FAIL",
                (Outcome::Inconclusive, None) => "CANNOT TELL",
                (Outcome::Pass, None) => "ok",
            };
            let rule = finding.rule;
            writeln!(
                out,
                "  {:<10}  {word:<11}  {:<8}  {} [{}]",
                rule.id,
                rule.severity.word(),
                clean(&finding.what),
                finding.fingerprint()
            )?;
            if let Some(waived) = &finding.waived {
                writeln!(out, "              by {}", clean(waived))?;
            }
            if !finding.places.is_empty() {
                writeln!(out, "              in {}", places(report, finding))?;
            }
        }
        for note in &report.notes {
            writeln!(out, "\n  {}", clean(note))?;
        }
        if count(report).failed + count(report).unknown > 0 {
            writeln!(out, "\n  What a rule means and what to do: breakglass audit --explain RULE")?;
        }
        writeln!(out, "\n{}", summary(report))
    }
}

fn table(report: &Report, out: &mut String) -> std::fmt::Result {
    if report.table.is_empty() {
        let broken = report.case.books.iter().any(|book| book.broken.is_some());
        let what = if broken {
            "No release is known, and the chain is broken."
        } else {
            "Nothing was ever released."
        };
        return writeln!(out, "{what}");
    }
    writeln!(out, "Releases (times are UTC)")?;
    for row in &report.table {
        writeln!(
            out,
            "  {:<11}  {}gen {}, record {}: {} to {} for {}{}",
            row.word(),
            of(report, &row.method),
            row.generation,
            row.record,
            minute(row.at),
            clean(&row.operator.to_string()),
            clean(&row.reason),
            row.ticket.as_ref().map(|t| format!(" {}", clean(t))).unwrap_or_default(),
        )?;
        writeln!(out, "               {}; {}", row.end(), row.used())?;
        writeln!(out, "               revoke before {}: {}", minute(row.due), clean(&row.why))?;
    }
    Ok(())
}
