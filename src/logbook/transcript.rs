//! The paper book as it was typed (CSV, RFC 4180), and what differs from the file.
//!
//! Columns `book,page,line,date,time,event,sheets,check_code`; more columns are let be, an empty cell is not compared.

use std::fmt;

use serde_json::{Value, json};

use crate::codes::Code;
use crate::codes::code::CodeKind;
use crate::logbook::{Entry, Event};

/// Most lines times records that are held against each other: 5000 of each.
pub const MOST_PAIRS: usize = 25_000_000;

/// The head of a transcript.
pub const HEAD: &str = "book,page,line,date,time,event,sheets,check_code";

/// One line of the paper book.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Where it stands: `B1/3/7`.
    pub place: String,
    /// `2026-11-24`, local.
    pub date: String,
    /// `05:02`, local.
    pub time: String,
    /// A word for the event.
    pub event: String,
    /// Sheets, with spaces between them.
    pub sheets: String,
    /// The check code as written.
    pub code: String,
}

impl Line {
    /// Returns date and minute as they are written, `2026-11-24 05:02`; they sort as text.
    pub fn moment(&self) -> String {
        format!("{} {}", self.date, minute(&self.time))
    }
}

/// Why a transcript cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TranscriptError {
    /// A column is missing.
    #[error("line 1: there is no column `{0}`; the head is `{HEAD}`")]
    Column(&'static str),
    /// A quote is not closed.
    #[error("line {0}: a quoted cell does not end")]
    Quote(usize),
    /// A row has more or fewer cells than the head.
    #[error("line {line}: {have} cells, the head has {head}")]
    Cells {
        /// Line of the file.
        line: usize,
        /// Its cells.
        have: usize,
        /// The head's.
        head: usize,
    },
}

/// What differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A record that no line of the paper has.
    Missing {
        /// The record.
        record: u64,
        /// Its event.
        event: String,
    },
    /// A line on paper that no record has.
    Extra {
        /// Where it stands.
        place: String,
        /// What it says.
        event: String,
    },
    /// A line and its record differ.
    Different {
        /// Where it stands.
        place: String,
        /// The record.
        record: u64,
        /// Which column.
        column: &'static str,
        /// What the paper says.
        paper: String,
        /// What the file says.
        file: String,
    },
    /// A check code that is no code, or of no record near it.
    Code {
        /// Where it stands.
        place: String,
        /// The record that the line is about, where that is known.
        record: Option<u64>,
        /// What is wrong.
        what: String,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Missing { .. } => "missing",
            Self::Extra { .. } => "extra",
            Self::Different { .. } => "different",
            Self::Code { .. } => "wrong code",
        };
        write!(f, "{kind:<10} {}", self.what())
    }
}

impl Finding {
    /// Says what differs, in one sentence.
    pub fn what(&self) -> String {
        match self {
            Self::Missing { record, event } => {
                format!("record {record}, {event}: the paper has no line for it")
            }
            Self::Extra { place, event } => {
                format!("{place}, {event}: the file has no record for it")
            }
            Self::Different { place, record, column, paper, file } => format!(
                "{place}, record {record}: {column} is `{paper}` on paper and `{file}` in the file"
            ),
            Self::Code { place, record, what } => {
                let record = record.map(|r| format!(", record {r}")).unwrap_or_default();
                format!("{place}{record}: {what}")
            }
        }
    }

    /// Returns the record that it is about, if there is one.
    pub fn record(&self) -> Option<u64> {
        match self {
            Self::Missing { record, .. } | Self::Different { record, .. } => Some(*record),
            Self::Code { record, .. } => *record,
            Self::Extra { .. } => None,
        }
    }

    /// Returns it for programs.
    pub fn json(&self) -> Value {
        match self {
            Self::Missing { record, event } => {
                json!({ "kind": "missing", "record": record, "event": event })
            }
            Self::Extra { place, event } => {
                json!({ "kind": "extra", "place": place, "event": event })
            }
            Self::Different { place, record, column, paper, file } => json!({
                "kind": "different", "place": place, "record": record,
                "column": column, "paper": paper, "file": file,
            }),
            Self::Code { place, record, what } => {
                json!({ "kind": "wrong code", "place": place, "record": record, "what": what })
            }
        }
    }
}

/// Reads a typed paper book. Lines whose cells are all empty say nothing.
pub fn parse(text: &str) -> Result<Vec<Line>, TranscriptError> {
    let mut rows = rows(text.trim_start_matches('\u{feff}'))?.into_iter();
    let head = rows.next().map(|(_, cells)| cells).unwrap_or_default();
    let column = |name: &'static str| {
        let place = head.iter().position(|cell| cell.trim().eq_ignore_ascii_case(name));
        place.ok_or(TranscriptError::Column(name))
    };
    let names: Vec<&'static str> = HEAD.split(',').collect();
    let at = names.into_iter().map(column).collect::<Result<Vec<usize>, _>>()?;
    let mut lines = Vec::new();
    for (number, cells) in rows {
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        if cells.len() != head.len() {
            return Err(TranscriptError::Cells {
                line: number,
                have: cells.len(),
                head: head.len(),
            });
        }
        let cell = |i: usize| cells[at[i]].trim().to_owned();
        lines.push(Line {
            place: format!("{}/{}/{}", cell(0), cell(1), cell(2)),
            date: cell(3),
            time: cell(4),
            event: cell(5).to_ascii_uppercase(),
            sheets: cell(6).to_ascii_lowercase(),
            code: cell(7),
        });
    }
    Ok(lines)
}

/// Cuts a CSV into rows of cells, each with the line it starts on. A comma or a semicolon separates: whichever the
/// head has.
fn rows(text: &str) -> Result<Vec<(usize, Vec<String>)>, TranscriptError> {
    let first = text.lines().next().unwrap_or_default();
    let separator = if first.contains(',') { ',' } else { ';' };
    let mut rows = Vec::new();
    let (mut cells, mut cell) = (Vec::new(), String::new());
    let (mut line, mut start, mut quoted) = (1, 1, false);
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '"' if quoted && signs.peek() == Some(&'"') => {
                cell.push('"');
                signs.next();
            }
            '"' if quoted => quoted = false,
            '"' if cell.is_empty() => quoted = true,
            '\n' if !quoted => {
                cells.push(std::mem::take(&mut cell));
                rows.push((start, std::mem::take(&mut cells)));
                line += 1;
                start = line;
            }
            '\r' if !quoted => {}
            _ if sign == separator && !quoted => cells.push(std::mem::take(&mut cell)),
            _ => {
                line += usize::from(sign == '\n');
                cell.push(sign);
            }
        }
    }
    if quoted {
        return Err(TranscriptError::Quote(start));
    }
    if !cell.is_empty() || !cells.is_empty() {
        cells.push(cell);
        rows.push((start, cells));
    }
    Ok(rows)
}

/// Holds the lines against the records. Both have the same order; a line is about the next record that it fits best.
pub fn compare(lines: &[Line], entries: &[Entry]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let (set_lines, lines): (Vec<&Line>, Vec<&Line>) =
        lines.iter().partition(|line| Code::parse(CodeKind::Set, &line.code).is_ok());
    let lines: Vec<Line> = lines.into_iter().cloned().collect();
    let lines = &lines[..];
    for line in set_lines {
        let written = Code::parse(CodeKind::Set, &line.code).map(|code| code.to_string());
        if written.is_ok_and(|code| entries.iter().all(|entry| entry.text("set") != code)) {
            let what = "no record is about a set with this code".to_owned();
            findings.push(Finding::Code { place: line.place.clone(), record: None, what });
        }
    }
    // an IMPORT is in ink as the record that it brings in
    let records: Vec<(u64, Entry)> = entries
        .iter()
        .map(|entry| (entry.seq, entry.imported().unwrap_or(entry.clone())))
        .collect();
    let mut pairs = alignment(lines, &records).into_iter().peekable();
    let (mut i, mut j) = (0, 0);
    loop {
        let (to_i, to_j) = pairs.next().unwrap_or((lines.len(), records.len()));
        findings.extend(
            lines[i..to_i].iter().map(|line| Finding::Extra {
                place: line.place.clone(),
                event: line.event.clone(),
            }),
        );
        // what is written in one go is pinned by the code of its last record: people copy that one line
        let pinned = |entry: &Entry| {
            matches!(entry.event, Some(Event::Exception | Event::Tamper | Event::Begin))
        };
        let missing = records[j..to_j].iter().filter(|(_, entry)| !pinned(entry));
        findings.extend(missing.map(|(record, entry)| Finding::Missing {
            record: *record,
            event: entry.text("event").to_owned(),
        }));
        let (Some(line), Some((record, entry))) = (lines.get(to_i), records.get(to_j)) else {
            return findings;
        };
        held(line, *record, entry, &mut findings);
        (i, j) = (to_i + 1, to_j + 1);
    }
}

/// Pairs lines with records: the most that agree, in order (a longest common subsequence by weight).
fn alignment(lines: &[Line], records: &[(u64, Entry)]) -> Vec<(usize, usize)> {
    let (n, m) = (lines.len(), records.len());
    let width = m + 1;
    let mut best = vec![0_u32; (n + 1) * width];
    for i in (0..n).rev() {
        for j in (0..m).rev() {
            let skip = best[(i + 1) * width + j].max(best[i * width + j + 1]);
            let weight = likeness(&lines[i], &records[j].1);
            let take = if weight > 0 { weight + best[(i + 1) * width + j + 1] } else { 0 };
            best[i * width + j] = skip.max(take);
        }
    }
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while i < n && j < m {
        let here = best[i * width + j];
        let weight = likeness(&lines[i], &records[j].1);
        if weight > 0 && here == weight + best[(i + 1) * width + j + 1] {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if here == best[(i + 1) * width + j] {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

/// Says how well a line fits a record without looking at the code, which costs 0.1 s: event, day, minute, sheets.
fn likeness(line: &Line, entry: &Entry) -> u32 {
    let same = |a: &str, b: &str| u32::from(!a.is_empty() && a == b);
    let (date, time) = local(entry);
    let event = same(&line.event, entry.text("event"));
    event * 4
        + same(&line.date, &date) * 2
        + same(&minute(&line.time), &time) * 3 * event
        + same(&words(&line.sheets), &sheets(entry)) * event
}

fn held(line: &Line, record: u64, entry: &Entry, findings: &mut Vec<Finding>) {
    let (date, time) = local(entry);
    let mut differ = |column, paper: &str, file: &str| {
        if !paper.is_empty() && paper != file {
            let (place, paper, file) = (line.place.clone(), paper.to_owned(), file.to_owned());
            findings.push(Finding::Different { place, record, column, paper, file });
        }
    };
    differ("event", &line.event, entry.text("event"));
    differ("date", &line.date, &date);
    differ("time", &minute(&line.time), &time);
    differ("sheets", &words(&line.sheets), &sheets(entry));
    if line.code.is_empty() {
        return;
    }
    let code = entry.check_code();
    let what = match Code::parse(CodeKind::Record, &line.code) {
        Ok(written) if written == code => return,
        _ if code.slips(&line.code) == Some(1) => {
            format!("one sign differs from {code}: read the paper once more")
        }
        Ok(_) => format!("the record has {code}: the record or the paper was changed"),
        Err(error) => format!("{error}; the record has {code}"),
    };
    findings.push(Finding::Code { place: line.place.clone(), record: Some(record), what });
}

/// Returns local date and minute, at the offset that the record itself names.
fn local(entry: &Entry) -> (String, String) {
    let local = entry.at().map(|at| at.at_offset(entry.text("tz"))).unwrap_or_default();
    let (date, time) = local.split_once(' ').unwrap_or_default();
    (date.to_owned(), time.to_owned())
}

/// `5:02` and `05:02 +01:00` are both `05:02`.
fn minute(text: &str) -> String {
    let text = text.split_whitespace().next().unwrap_or_default();
    if text.find(':') == Some(1) {
        format!("0{text}")
    } else {
        text.get(..5).unwrap_or(text).to_owned()
    }
}

fn words(text: &str) -> String {
    text.replace([',', ';'], " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn sheets(entry: &Entry) -> String {
    entry.sheets().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn entry(seq: u64, event: &str, at: &str) -> Entry {
        let line = format!(
            "{{\"v\":1,\"seq\":{seq},\"prev\":\"{}\",\"event\":\"{event}\",\"at\":\"{at}\",\
             \"clock\":\"system\",\"tz\":\"+01:00\",\"method\":\"m\",\"to\":\"x\",\
             \"program\":{{\"version\":\"0\",\"sha256\":\"unknown\"}},\"note\":\"y\"}}",
            "0".repeat(64)
        );
        Entry::read(line.as_bytes()).unwrap()
    }

    fn book() -> Vec<Entry> {
        vec![
            entry(1, "BEGIN", "2026-11-24T04:02:11Z"),
            entry(2, "NOTIFY", "2026-11-24T04:10:11Z"),
            entry(3, "CLOSE", "2026-11-24T23:30:00Z"),
        ]
    }

    fn row(line: u8, date: &str, time: &str, event: &str, code: &str) -> String {
        format!("B1,1,{line},{date},{time},{event},,{code}\n")
    }

    #[test]
    fn what_is_missing_extra_different_or_coded_wrong_is_found() {
        let entries = book();
        let codes: Vec<String> = entries.iter().map(|e| e.check_code().to_string()).collect();
        let rows = [
            row(1, "2026-11-24", "05:02", "BEGIN", &codes[0]),
            row(2, "2026-11-24", "5:10", "notify", &codes[1].to_lowercase()),
            row(3, "2026-11-25", "00:30", "CLOSE", ""),
        ];
        let found = |rows: &[String]| {
            let text = format!("{HEAD}\r\n{}", rows.concat());
            compare(&parse(&text).unwrap(), &entries)
        };
        assert_eq!(found(&rows), []);
        // a set code on a line of its own is no record
        let sets = [rows.concat(), row(4, "", "", "", "S 7QK4-M2XD-9FTB-C3HW-S")];
        assert!(found(&sets)[0].to_string().contains("about a set with this code"));
        let without = [rows[0].clone(), rows[2].clone()];
        assert_eq!(found(&without), [Finding::Missing { record: 2, event: "NOTIFY".into() }]);
        let extra = [
            rows[0].clone(),
            row(9, "2026-11-24", "06:00", "LOST", ""),
            rows[1].clone(),
            rows[2].clone(),
        ];
        assert_eq!(
            found(&extra),
            [Finding::Extra { place: "B1/1/9".into(), event: "LOST".into() }]
        );
        let late =
            [rows[0].clone(), row(2, "2026-11-24", "05:11", "NOTIFY", &codes[1]), rows[2].clone()];
        assert!(matches!(
            &found(&late)[..],
            [Finding::Different { column: "time", record: 2, .. }]
        ));
        let swapped =
            [row(1, "2026-11-24", "05:02", "BEGIN", &codes[1]), rows[1].clone(), rows[2].clone()];
        let text = found(&swapped)[0].to_string();
        assert!(
            text.contains("wrong code B1/1/1, record 1") && text.contains("was changed"),
            "{text}"
        );
    }

    #[test]
    fn tables_as_spreadsheets_write_them() {
        let text = "\u{feff}line;page;book;date;time;event;sheets;check_code;who\r\n\
                    7;3;B1;2026-11-24;05:02;RELEASE;\"1a; 3b\";\"R 1\n2\";\"A \"\"b\"\"\"\r\n;;;;;;;;\r\n";
        let lines = parse(text).unwrap();
        assert_eq!(lines.len(), 1);
        assert_eq!(
            (lines[0].place.as_str(), words(&lines[0].sheets).as_str()),
            ("B1/3/7", "1a 3b")
        );
        assert_eq!(parse("a,b\n").unwrap_err(), TranscriptError::Column("book"));
        assert_eq!(parse(&format!("{HEAD}\nB1,\"1")).unwrap_err(), TranscriptError::Quote(2));
        let cells = parse(&format!("{HEAD}\nB1,1\n")).unwrap_err();
        assert_eq!(cells, TranscriptError::Cells { line: 2, have: 2, head: 8 });
    }
}
