//! A logbook of 200 records: whatever is changed in it is found, and its line named.
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs;
use std::sync::OnceLock;

use breakglass::clock::{Instant, Source};
use breakglass::codes::Code;
use breakglass::codes::code::CodeKind;
use breakglass::logbook::record::{Program, Subject, When};
use breakglass::logbook::{Draft, LogError, Logbook, check_code};
use proptest::prelude::*;
use proptest::sample::Index;

const RECORDS: usize = 200;

fn book() -> &'static Vec<String> {
    static LINES: OnceLock<Vec<String>> = OnceLock::new();
    LINES.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let book = Logbook::at(dir.path().join("logbook.jsonl"));
        let program = Program { version: "test".into(), sha256: "unknown".into() };
        let set = Code::from_bytes(CodeKind::Set, [7; 10]);
        let subject = Subject { method: "m".into(), generation: 1, set };
        for i in 0..RECORDS as u64 {
            let at = Instant::from_unix(1_795_521_600 + i * 60);
            let when = When { at, source: Source::System };
            let why = format!("reason {i}");
            let draft = match i {
                0 => Draft::begin(when, &program, "m"),
                _ => Draft::exception(when, &program, &subject, "no ink", &why, None),
            };
            book.append(&draft, &[]).unwrap();
        }
        fs::read_to_string(book.path()).unwrap().lines().map(str::to_owned).collect()
    })
}

/// The line that is named, and the last line where none is.
fn verified(bytes: &[u8]) -> Result<(usize, String), u64> {
    let dir = tempfile::tempdir().unwrap();
    let book = Logbook::at(dir.path().join("logbook.jsonl"));
    fs::write(book.path(), bytes).unwrap();
    match book.verify() {
        Ok(verified) => {
            let last = verified.entries.last().map(|e| e.line.clone()).unwrap_or_default();
            Ok((verified.torn, last))
        }
        Err(LogError::Line { line, .. }) => Err(line),
        Err(error) => panic!("{error}"),
    }
}

fn text(lines: &[String]) -> Vec<u8> {
    (lines.join("\n") + "\n").into_bytes()
}

/// The line, from 1, that a byte is in.
fn line_of(bytes: &[u8], at: usize) -> usize {
    bytes[..at].split(|b| *b == b'\n').count()
}

/// A change at a line is named there or at the next one, or the end is not the one in ink.
fn found(bytes: &[u8], line: usize) -> Result<(), TestCaseError> {
    let head = book().last().unwrap();
    match verified(bytes) {
        Err(named) => {
            let near = [line as u64, line as u64 + 1].contains(&named);
            prop_assert!(near, "line {line} named as {named}");
        }
        Ok((torn, last)) => prop_assert!(torn > 0 || last != *head, "nothing was found at {line}"),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_changed_byte(at in any::<Index>(), xor in 1_u8..) {
        let mut bytes = text(book());
        let at = at.index(bytes.len());
        let line = line_of(&bytes, at);
        bytes[at] ^= xor;
        found(&bytes, line)?;
    }

    #[test]
    fn a_byte_too_few(at in any::<Index>()) {
        let mut bytes = text(book());
        let at = at.index(bytes.len());
        let line = line_of(&bytes, at);
        bytes.remove(at);
        found(&bytes, line)?;
    }

    #[test]
    fn a_byte_too_many(at in any::<Index>(), byte: u8) {
        let mut bytes = text(book());
        let at = at.index(bytes.len());
        let line = line_of(&bytes, at);
        bytes.insert(at, byte);
        found(&bytes, line)?;
    }

    #[test]
    fn lines_that_changed_places(a in any::<Index>(), b in any::<Index>()) {
        let mut lines = book().clone();
        let (a, b) = (a.index(lines.len()), b.index(lines.len()));
        prop_assume!(a != b);
        lines.swap(a, b);
        found(&text(&lines), a.min(b) + 1)?;
    }

    #[test]
    fn a_line_that_is_gone(at in any::<Index>()) {
        let mut lines = book().clone();
        let at = at.index(lines.len());
        lines.remove(at);
        found(&text(&lines), at + 1)?;
    }

    #[test]
    fn a_line_twice(at in any::<Index>()) {
        let mut lines = book().clone();
        let at = at.index(lines.len());
        lines.insert(at, lines[at].clone());
        found(&text(&lines), at + 2)?;
    }
}

/// What the chain cannot show, the ink can.
#[test]
fn a_cut_end_is_found_by_its_code_alone() {
    let lines = book();
    let Ok((0, last)) = verified(&text(&lines[..RECORDS - 3])) else { panic!("a whole chain") };
    assert_ne!(check_code(last.as_bytes()), check_code(lines[RECORDS - 1].as_bytes()));
}
