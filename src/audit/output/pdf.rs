//! On paper: from the template `audit`, with a timeline of each generation, to be signed.

use super::picture::{LEGEND, Picture, pictures};
use super::{
    Files, Output, clean, count, covers, listed, minute, of, outcome_of_releases, places, summary,
};
use crate::audit::Report;
use crate::audit::finding::Outcome;
use crate::clock::Instant;
use crate::codes::grid::PaperSize;
use crate::logbook::hex;
use crate::paper::{AUDIT, PaperError, Templates, Values, document};

/// Longest text of a cell, signs: evidence may say anything, and a row has to fit on a page.
const LONGEST: usize = 400;

/// Most marks of one row: on paper more are one.
const MOST_MARKS: usize = 500;

/// On paper.
pub struct Pdf {
    /// Whether what is as it should be is listed, too.
    pub all: bool,
    /// Words and fonts.
    pub templates: Templates,
    /// Its size.
    pub paper: PaperSize,
}

impl Output for Pdf {
    fn files(&self, report: &Report) -> Files {
        let foot = format!("audit as of {} UTC", minute(report.as_of()));
        let pdf = document(AUDIT, self.values(report)?, &foot, self.paper, &self.templates)?;
        Ok(vec![("audit.pdf".to_owned(), pdf)])
    }
}

/// Named texts of one row.
type Fields = Vec<(&'static str, String)>;

impl Pdf {
    fn cell(&self, text: &str) -> Result<String, PaperError> {
        let text = self.templates.printable(&clean(text))?;
        let short: String = text.chars().take(LONGEST).collect();
        Ok(if short.len() < text.len() { short + " …" } else { short })
    }

    fn values(&self, report: &Report) -> Result<Values, PaperError> {
        let case = &report.case;
        let methods: Vec<String> = case
            .books
            .iter()
            .map(|book| self.cell(&book.state.method))
            .collect::<Result<_, _>>()?;
        let counted = count(report);
        let mut values = Values::default();
        values.set("methods", methods.join(", "));
        values.set("as_of", minute(case.as_of));
        values.set("skew", case.skew.to_string());
        values.set("summary", summary(report));
        values.set("outcome", outcome_of_releases(report));
        values.set("version", env!("CARGO_PKG_VERSION"));
        values.set("legend", LEGEND);
        for (name, number) in [
            ("broken", counted.failed),
            ("unknown", counted.unknown),
            ("kept", counted.passed),
            ("waived", counted.waived),
        ] {
            values.set(name, number.to_string());
        }
        values.records("releases", self.releases(report)?);
        values.groups("generations", self.generations(report)?);
        values.records("findings", self.findings(report)?);
        values.records("files", self.files_of(report)?);
        let notes: Result<Vec<String>, _> = report.notes.iter().map(|n| self.cell(n)).collect();
        values.list("notes", notes?);
        Ok(values)
    }

    fn releases(&self, report: &Report) -> Result<Vec<Fields>, PaperError> {
        let row = |row: &crate::audit::releases::Row| {
            let ticket = row.ticket.as_deref().unwrap_or_default();
            Ok(vec![
                ("method", self.cell(&of(report, &row.method))?),
                ("generation", row.generation.to_string()),
                ("record", row.record.to_string()),
                ("at", minute(row.at)),
                ("operator", self.cell(&row.operator.to_string())?),
                ("reason", self.cell(&format!("{} {ticket}", row.reason))?),
                ("ended", row.end()),
                ("used", row.used()),
                ("due", minute(row.due)),
                ("verdict", row.word()),
                ("why", self.cell(&row.why)?),
            ])
        };
        report.table.iter().map(row).collect()
    }

    fn generations(&self, report: &Report) -> Result<Vec<Values>, PaperError> {
        let mut generations = Vec::new();
        for look in report.case.looks() {
            let mut values = Values::default();
            values.set("method", self.cell(&look.book.state.method)?);
            values.set("generation", look.set.generation.to_string());
            values.set("credential", self.cell(look.id)?);
            let pictures = pictures(&report.case, &look);
            values.groups("pictures", pictures.iter().map(chart).collect());
            generations.push(values);
        }
        Ok(generations)
    }

    fn findings(&self, report: &Report) -> Result<Vec<Fields>, PaperError> {
        let mut rows = Vec::new();
        for finding in listed(report, self.all) {
            let outcome = match (&finding.waived, finding.outcome) {
                (Some(waived), _) => self.cell(&format!("waived by {waived}"))?,
                (None, Outcome::Fail) => "FAIL".to_owned(),
                (None, Outcome::Inconclusive) => "cannot tell".to_owned(),
                (None, Outcome::Pass) => "ok".to_owned(),
            };
            rows.push(vec![
                ("rule", finding.rule.id.to_owned()),
                ("severity", finding.rule.severity.word().to_owned()),
                ("outcome", outcome),
                ("title", finding.rule.title.to_owned()),
                ("what", self.cell(&finding.what)?),
                ("places", self.cell(&places(report, finding))?),
                ("remedy", self.cell(&finding.remedy())?),
                ("clauses", finding.rule.clauses.join("; ")),
                ("fingerprint", finding.fingerprint()),
            ]);
        }
        Ok(rows)
    }

    /// Every file that was looked at, with its hash.
    fn files_of(&self, report: &Report) -> Result<Vec<Fields>, PaperError> {
        let case = &report.case;
        let row = |path: &std::path::Path, what: String, sha256: &[u8; 32]| {
            // in groups, to be compared by eye
            let hash = hex(sha256);
            let groups: Vec<&str> = (0..8).filter_map(|i| hash.get(8 * i..8 * i + 8)).collect();
            Ok(vec![
                ("file", self.cell(&path.display().to_string())?),
                ("what", self.cell(&what)?),
                ("sha256", groups.join(" ")),
            ])
        };
        let books = case.books.iter().map(|book| {
            row(&book.path, format!("logbook, {} records", book.state.records), &book.sha256)
        });
        let evidence = case.evidence.iter().map(|file| {
            let notes: Vec<&str> = file.found.notes.iter().map(String::as_str).collect();
            let notes =
                if notes.is_empty() { String::new() } else { format!("; {}", notes.join("; ")) };
            row(&file.path, format!("{}, {}{notes}", file.format, covers(file)), &file.sha256)
        });
        let inputs =
            case.inputs.iter().map(|input| row(&input.path, input.what.to_owned(), &input.sha256));
        books.chain(evidence).chain(inputs).collect()
    }
}

/// A timeline as the rows of a chart.
fn chart(picture: &Picture) -> Values {
    let mut rows: Vec<Fields> = Vec::new();
    let mut row = |label: &str, from: Instant, to: Option<Instant>| {
        let to = to.map(|to| to.max(from).rfc3339()).unwrap_or_default();
        rows.push(vec![("label", label.to_owned()), ("from", from.rfc3339()), ("to", to)]);
    };
    for line in &picture.lines {
        let shown = line.marks.iter().filter(|mark| picture.shows(mark)).take(MOST_MARKS);
        let mut any = false;
        for mark in shown {
            any = true;
            row(line.word, mark.from, mark.to);
        }
        if !any {
            // an empty row is a statement, too; what lies outside is not drawn
            row(line.word, picture.from.shifted(-1), Some(picture.from.shifted(-1)));
        }
    }
    let mut values = Values::default();
    values.set("title", picture.title.clone());
    values.set("from", picture.from.rfc3339());
    values.set("to", picture.to.rfc3339());
    values.records("rows", rows);
    values
}
