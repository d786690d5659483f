//! One page that needs nothing else: no script, no style sheet, pictures inside.

use std::fmt::Write as _;

use super::picture::{LEGEND, pictures};
use super::svg::{escape, svg};
use super::{Files, Output, covers, listed, minute, of, places, summary};
use crate::audit::Report;
use crate::audit::finding::Outcome;
use crate::audit::releases::Verdict;
use crate::logbook::hex;

/// A page.
pub struct Html {
    /// Whether what is as it should be is listed, too.
    pub all: bool,
}

/// Nothing is said by colour alone: every bar has its row, every verdict its word.
const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:62rem;padding:0 1rem;color:#111;background:#fff}\
table{border-collapse:collapse;width:100%;margin:1rem 0}th,td{border-bottom:1px solid #bbb;padding:.35rem .5rem;text-align:left;vertical-align:top}\
th{border-bottom:2px solid #111}.fail{font-weight:700;color:#a00}td.code{white-space:nowrap}td.code,code{font-family:ui-monospace,monospace;font-size:.9em}td.hash{font-family:ui-monospace,monospace;font-size:.7em;word-break:break-all}\
svg{width:100%;height:auto;margin:.5rem 0 1.5rem;font-size:12px}.axis{stroke:#ccc}.paper{fill:#ddd;stroke:#777}.release{fill:#9bc4e2;stroke:#1b5e8c}.due{fill:#111}\
.use{fill:#444}.revoked{fill:#fff;stroke:#111;stroke-width:2}.covered{fill:#e8f0d8;stroke:#5b7a1f}\
@media print{body{margin:0;max-width:none;font-size:10pt}tr{break-inside:avoid}}";

impl Output for Html {
    fn files(&self, report: &Report) -> Files {
        let mut out = String::new();
        // writing to a String cannot fail
        let _ = self.write(report, &mut out);
        Ok(vec![("audit.html".to_owned(), out.into_bytes())])
    }
}

impl Html {
    fn write(&self, report: &Report, out: &mut String) -> std::fmt::Result {
        let case = &report.case;
        let methods: Vec<String> =
            case.books.iter().map(|book| escape(&book.state.method)).collect();
        let title = format!("Audit of {}", methods.join(", "));
        writeln!(
            out,
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
             <title>{title}</title><style>{STYLE}</style></head><body>\n<h1>{title}</h1>"
        )?;
        writeln!(
            out,
            "<p>As of {} UTC; clocks may be {} seconds apart. breakglass {}.</p>\n<p><strong>{}. {}.</strong></p>",
            minute(case.as_of),
            case.skew,
            env!("CARGO_PKG_VERSION"),
            super::outcome_of_releases(report),
            summary(report)
        )?;
        releases(report, out)?;
        writeln!(out, "<h2>Timelines</h2>\n<p>{LEGEND}</p>")?;
        for look in case.looks() {
            let id = if look.id.is_empty() {
                String::new()
            } else {
                format!(", <code>{}</code>", escape(look.id))
            };
            let of = match &case.books[..] {
                [_] => String::new(),
                _ => format!(" of {}", escape(&look.book.state.method)),
            };
            writeln!(out, "<h3>Generation {}{of}{id}</h3>", look.set.generation)?;
            for picture in pictures(case, &look) {
                writeln!(out, "<p><small>{}</small></p>\n{}", picture.title, svg(&picture))?;
            }
        }
        self.findings(report, out)?;
        for note in &report.notes {
            writeln!(out, "<p>{}</p>", escape(note))?;
        }
        evidence(report, out)?;
        writeln!(
            out,
            "<h2>Signed</h2>\n<p>{}.</p>\n<table><tr><th>Auditor, date</th><th>Owner of the method, date</th><th>Who exported the evidence, date</th></tr>\
             <tr><td>&nbsp;<br>&nbsp;</td><td></td><td></td></tr></table>\n</body></html>",
            super::outcome_of_releases(report)
        )
    }

    fn findings(&self, report: &Report, out: &mut String) -> std::fmt::Result {
        writeln!(
            out,
            "<h2>Findings</h2>\n<table><tr><th>Rule</th><th>Outcome</th><th>What</th><th>What to do</th></tr>"
        )?;
        for finding in listed(report, self.all) {
            let rule = finding.rule;
            let outcome = match (&finding.waived, finding.outcome) {
                (Some(waived), _) => format!("waived by {}", escape(waived)),
                (None, Outcome::Fail) => "<span class=\"fail\">FAIL</span>".to_owned(),
                (None, Outcome::Inconclusive) => "cannot tell".to_owned(),
                (None, Outcome::Pass) => "ok".to_owned(),
            };
            let places = if finding.places.is_empty() {
                String::new()
            } else {
                format!("<br>in <code>{}</code>", escape(&places(report, finding)))
            };
            writeln!(
                out,
                "<tr><td class=\"code\">{}<br>{}</td><td>{outcome}</td><td>{}{places}<br><small>{}; {}</small></td><td>{}<br><small>{}</small></td></tr>",
                rule.id,
                rule.severity.word(),
                escape(&finding.what),
                escape(rule.title),
                finding.fingerprint(),
                escape(&finding.remedy()),
                escape(&rule.clauses.join("; "))
            )?;
        }
        writeln!(out, "</table>")
    }
}

fn releases(report: &Report, out: &mut String) -> std::fmt::Result {
    writeln!(out, "<h2>Releases</h2>")?;
    if report.table.is_empty() {
        return writeln!(out, "<p>Nothing was ever released.</p>");
    }
    writeln!(
        out,
        "<table><tr><th>Gen</th><th>Record</th><th>Released (UTC)</th><th>To</th><th>For</th><th>Ended and used</th><th>Revoke before</th><th>Verdict</th></tr>"
    )?;
    for row in &report.table {
        let class = if row.verdict == Verdict::Fail { " class=\"fail\"" } else { "" };
        writeln!(
            out,
            "<tr><td>{}{}</td><td>{}</td><td>{}</td><td>{}</td><td>{} {}</td><td>{}; {}</td><td>{}</td><td><span{class}>{}</span><br>{}</td></tr>",
            escape(&of(report, &row.method)),
            row.generation,
            row.record,
            minute(row.at),
            escape(&row.operator.to_string()),
            escape(&row.reason),
            escape(row.ticket.as_deref().unwrap_or_default()),
            row.end(),
            escape(&row.used()),
            minute(row.due),
            row.word(),
            escape(&row.why)
        )?;
    }
    writeln!(out, "</table>")
}

fn evidence(report: &Report, out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        "<h2>What was looked at</h2>\n<table><tr><th>File</th><th>What</th><th>SHA-256</th></tr>"
    )?;
    for book in &report.case.books {
        writeln!(
            out,
            "<tr><td>{}</td><td>logbook, {} records</td><td class=\"hash\">{}</td></tr>",
            escape(&book.path.display().to_string()),
            book.state.records,
            hex(&book.sha256)
        )?;
    }
    for file in &report.case.evidence {
        let notes: Vec<String> = file.found.notes.iter().map(|note| escape(note)).collect();
        let notes = if notes.is_empty() {
            String::new()
        } else {
            format!("<br><small>{}</small>", notes.join("<br>"))
        };
        writeln!(
            out,
            "<tr><td>{}</td><td>{}, {}{notes}</td><td class=\"hash\">{}</td></tr>",
            escape(&file.path.display().to_string()),
            escape(file.format),
            covers(file),
            hex(&file.sha256)
        )?;
    }
    for input in &report.case.inputs {
        writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td class=\"hash\">{}</td></tr>",
            escape(&input.path.display().to_string()),
            input.what,
            hex(&input.sha256)
        )?;
    }
    writeln!(out, "</table>")
}
