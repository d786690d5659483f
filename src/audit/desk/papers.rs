//! What people typed: who left, and the paper book.

use std::path::Path;

use super::MAX_TABLE;
use super::error::{DeskError, broken};
use crate::audit::case::{Book, Leaver, Paper};
use crate::audit::facts::{Place, Span};
use crate::audit::readers::time;
use crate::clock::Instant;
use crate::files;
use crate::logbook::Person;
use crate::logbook::transcript::{self, MOST_PAIRS};

/// Reads a table of people who left.
pub(super) fn read_leavers(path: &Path) -> Result<Vec<Leaver>, DeskError> {
    let text = files::read_text(path, MAX_TABLE)?;
    let mut csv = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let head = csv.headers().map_err(|e| broken(path, 1, e.to_string()))?.clone();
    let at = |name: &str| head.iter().position(|column| column.eq_ignore_ascii_case(name));
    let (Some(id), Some(name), Some(left)) = (at("id"), at("name"), at("left")) else {
        return Err(broken(path, 1, "the head is `id,name,left`".to_owned()));
    };
    let mut people = Vec::new();
    for (number, row) in (1..).zip(csv.records()) {
        let row = row.map_err(|e| broken(path, number, e.to_string()))?;
        let cell = |at: usize| row.get(at).unwrap_or_default().to_owned();
        let day = time::date(&cell(left)).ok_or_else(|| {
            broken(path, number, format!("left: `{}` is no day like 2026-11-24", cell(left)))
        })?;
        let person = Person { name: cell(name), id: cell(id) };
        let left = Span { from: day.from, to: day.to };
        people.push(Leaver { person, left, place: Place { file: usize::MAX, record: number } });
    }
    Ok(people)
}

/// Reads a typed paper book and holds it against the book that it fits best.
pub(super) fn read_transcript(
    path: &Path,
    books: &[Book],
    as_of: Instant,
) -> Result<Paper, DeskError> {
    let text = files::read_text(path, MAX_TABLE)?;
    let typed = transcript::parse(&text).map_err(|e| broken(path, 0, e.to_string()))?;
    let mut best: Option<Paper> = None;
    for (book, entries) in books.iter().map(|book| &book.entries).enumerate() {
        if typed.len().saturating_mul(entries.len()) > MOST_PAIRS {
            let what = format!(
                "{} lines and {} records are too many to compare at once",
                typed.len(),
                entries.len()
            );
            return Err(broken(path, 0, what));
        }
        // lines of a later time than the audit are not judged; paper has the time of the place
        let zone = entries.last().map_or("", |entry| entry.text("tz"));
        let now = as_of.at_offset(zone);
        let of_then = |line: &&transcript::Line| line.moment() <= now;
        let typed: Vec<_> = typed.iter().filter(of_then).cloned().collect();
        let findings = transcript::compare(&typed, entries);
        let past_end = typed.last().is_some_and(|last| {
            findings.iter().any(
                |f| matches!(f, transcript::Finding::Extra { place, .. } if *place == last.place),
            )
        });
        let code = |line: &transcript::Line| !line.code.trim().is_empty();
        let coded =
            (typed.iter().filter(|line| code(line)).count(), typed.last().is_some_and(code));
        let lines = typed.len();
        let paper = Paper { path: path.to_owned(), book, lines, findings, past_end, coded };
        if best.as_ref().is_none_or(|best| paper.findings.len() < best.findings.len()) {
            best = Some(paper);
        }
    }
    best.ok_or(DeskError::NoBook)
}
