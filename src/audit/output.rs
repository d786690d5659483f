//! Ways to write a report down. Each is a few functions of the same report; adding one is a file and a line.

pub mod csv;
pub mod html;
pub mod json;
pub mod markdown;
pub mod pdf;
mod picture;
mod svg;
pub mod text;

use super::Report;
use super::evidence::Kind;
use super::facts::Place;
use super::finding::{Finding, Outcome};
use super::releases::Verdict;
use crate::clock::Instant;
use crate::paper::PaperError;

/// Files by name, or why they cannot be made.
pub type Files = Result<Vec<(String, Vec<u8>)>, PaperError>;

/// A way to write a report down: files by name, the first of which goes to standard output where no place is named.
pub trait Output {
    /// Returns the files. Fails where a report is laid out on paper, and something does not fit.
    fn files(&self, report: &Report) -> Files;
}

/// Takes out what would move a terminal or a reader's eye: evidence may say anything.
pub fn clean(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().map(|c| if hidden(c) { '\u{fffd}' } else { c }).collect()
}

/// Returns where evidence says so: the file's name and the record in it.
pub fn place(report: &Report, place: Place) -> String {
    let Some(file) = report.case.file(place) else {
        return format!("leavers, row {}", place.record);
    };
    let name = file.path.file_name().unwrap_or(file.path.as_os_str()).to_string_lossy();
    if place.record == 0 { clean(&name) } else { format!("{}:{}", clean(&name), place.record) }
}

/// Most places that are named for one finding.
const MOST_PLACES: usize = 4;

/// Returns where evidence says so, each place once, not all of very many.
pub fn places(report: &Report, finding: &Finding) -> String {
    let mut names: Vec<String> = Vec::new();
    for at in &finding.places {
        let name = place(report, *at);
        if !names.contains(&name) {
            names.push(name);
        }
        if names.len() > MOST_PLACES {
            break;
        }
    }
    let more = finding.places.len().saturating_sub(MOST_PLACES);
    names.truncate(MOST_PLACES);
    let list = names.join(", ");
    if more > 0 { format!("{list} and {more} more") } else { list }
}

/// Returns the method that a row is of, where several are on the desk.
fn of(report: &Report, method: &str) -> String {
    let one = report.case.books.iter().all(|book| book.state.method == method);
    if one { String::new() } else { format!("{} ", clean(method)) }
}

/// Says in one sentence what became of what was released.
pub fn outcome_of_releases(report: &Report) -> String {
    let count = |verdict| report.table.iter().filter(|row| row.verdict == verdict).count();
    let parts = [
        (Verdict::Pass, "revoked in time"),
        (Verdict::Fail, "NOT revoked in time"),
        (Verdict::Inconclusive, "cannot be told"),
        (Verdict::Open, "not due yet"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .map(|(verdict, words)| (count(verdict), words))
        .filter(|(number, _)| *number > 0)
        .map(|(number, words)| format!("{number} {words}"))
        .collect();
    match report.table.len() {
        0 => "Nothing was released".to_owned(),
        1 => format!("1 release: {}", parts.join(", ")),
        all => format!("{all} releases: {}", parts.join(", ")),
    }
}

/// How many came out how.
pub struct Count {
    /// Broken and not waived.
    pub failed: usize,
    /// Not told, and not waived.
    pub unknown: usize,
    /// Kept.
    pub passed: usize,
    /// Waived.
    pub waived: usize,
}

/// Counts findings.
pub fn count(report: &Report) -> Count {
    let of = |outcome: Outcome| {
        report.findings.iter().filter(|f| f.outcome == outcome && f.waived.is_none()).count()
    };
    Count {
        failed: of(Outcome::Fail),
        unknown: of(Outcome::Inconclusive),
        passed: of(Outcome::Pass),
        waived: report.findings.iter().filter(|f| f.waived.is_some()).count(),
    }
}

/// Says how it came out, in one sentence.
pub fn summary(report: &Report) -> String {
    let Count { failed, unknown, passed, waived } = count(report);
    let waived = if waived == 0 { String::new() } else { format!(", {waived} waived") };
    format!(
        "{failed} broken, {unknown} cannot be told from this evidence, {passed} as they should be{waived}"
    )
}

/// Returns a time for a table.
fn minute(at: Instant) -> String {
    at.utc().replace(" UTC", "")
}

/// Says what an evidence file covers.
pub fn covers(file: &super::evidence::Evidence) -> String {
    let found = &file.found;
    match (file.kind, found.report_time, found.window) {
        (Kind::State, Some(at), _) => format!("as of {}", at.rfc3339()),
        (Kind::State, None, _) => "of an unknown time".to_owned(),
        (Kind::Log, _, Some((from, to))) => format!("{} to {}", from.rfc3339(), to.rfc3339()),
        (Kind::Log, _, None) => "no events".to_owned(),
    }
}

/// Says which findings are listed: all but those that are as they should be, unless those are wanted.
fn listed(report: &Report, all: bool) -> impl Iterator<Item = &Finding> {
    report.findings.iter().filter(move |f| all || f.outcome != Outcome::Pass)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_moves_no_terminal() {
        assert_eq!(clean("a\u{1b}[2Jb\u{202e}c\nd"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d");
    }
}
