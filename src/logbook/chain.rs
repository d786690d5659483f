//! The file: append under a lock, on disk before anything goes on; verify from the first line to the last.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::codes::Code;
use crate::files::{self, FileError};
use crate::logbook::record::{Draft, Event};
use crate::logbook::{MAX_LINE, check_code, hex, json};
use crate::set::{SheetShare, sha256};

const FIRST_PREV: [u8; 32] = [0; 32];

/// The logbook file of a kit.
pub struct Logbook {
    path: PathBuf,
}

/// A record as it now stands in the file.
#[derive(Debug)]
pub struct Appended {
    /// Its number.
    pub seq: u64,
    /// The line without its line feed.
    pub line: String,
}

impl Appended {
    /// Returns the check code for the paper book; stretched, so about 0.1 s.
    pub fn check_code(&self) -> Code {
        check_code(self.line.as_bytes())
    }
}

/// A line that was read and fits the chain.
pub struct Entry {
    /// Its number, from 1.
    pub seq: u64,
    /// Its bytes without the line feed.
    pub line: String,
    /// Its members.
    pub members: Map<String, Value>,
}

impl Entry {
    /// Says whether it records that event.
    pub fn is(&self, event: Event) -> bool {
        self.text("event") == event.word()
    }

    /// Returns the generation it is about, 0 when it says none.
    pub fn generation(&self) -> u64 {
        self.members.get("generation").and_then(Value::as_u64).unwrap_or_default()
    }

    /// Returns a text member, or nothing.
    pub fn text(&self, member: &str) -> &str {
        self.members.get(member).and_then(Value::as_str).unwrap_or_default()
    }
}

/// What a whole logbook is.
pub struct Verified {
    /// Every record.
    pub entries: Vec<Entry>,
    /// Bytes of a torn last line, which the next append cuts off and keeps in its record.
    pub torn: usize,
}

/// Why a logbook cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A line breaks a rule.
    #[error("logbook `{}`, line {line}: {what}", path.display())]
    Line {
        /// Which file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// What is wrong.
        what: String,
    },
}

impl Logbook {
    /// Names the file; nothing is read yet.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Returns the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Says whether the file is there.
    pub fn exists(&self) -> bool {
        self.path.exists()
    }

    /// Appends a record and brings it to disk. The presence tags of `sheets` are computed over it.
    ///
    /// Reads only the last line. A last line torn by a crash is cut off, and its bytes are kept in the new record.
    pub fn append(&self, draft: &Draft, sheets: &[SheetShare]) -> Result<Appended, LogError> {
        let fresh = !self.exists();
        let mut file = files::open_locked(&self.path)?;
        let io = |source| FileError::Io { deed: "write", path: self.path.clone(), source };
        let (last, torn) = tail(&mut file).map_err(io)?;
        let (seq, prev) = match &last {
            None => (1, FIRST_PREV),
            Some(line) => {
                let entry =
                    members(line).map_err(|what| self.line(0, &format!("last line: {what}")))?;
                let seq = entry.get("seq").and_then(Value::as_u64);
                (seq.ok_or_else(|| self.line(0, "last line: it has no seq"))? + 1, sha256(&[line]))
            }
        };
        let dropped = if torn.is_empty() {
            String::new()
        } else {
            format!(",\"dropped\":\"{}\"", hex(&torn[..torn.len().min(1024)]))
        };
        let place = format!("\"seq\":{seq},\"prev\":\"{}\"{dropped}", hex(&prev));
        let line = draft.line(&place, sheets);
        if line.len() > MAX_LINE {
            return Err(self.line(seq, "the record is longer than 262144 bytes"));
        }
        let end = file.seek(SeekFrom::End(0)).map_err(io)? - torn.len() as u64;
        let written = file
            .set_len(end)
            .and_then(|()| file.seek(SeekFrom::Start(end)))
            .and_then(|_| file.write_all(format!("{line}\n").as_bytes()))
            .and_then(|()| file.sync_all());
        if let Err(error) = written {
            // a full disk leaves no half a line behind
            let _ = file.set_len(end);
            return Err(io(error).into());
        }
        if fresh {
            files::sync_folder(files::parent(&self.path)).map_err(io)?;
        }
        Ok(Appended { seq, line })
    }

    /// Reads and verifies the whole chain.
    pub fn verify(&self) -> Result<Verified, LogError> {
        let failed = |source| FileError::Io { deed: "read", path: self.path.clone(), source };
        let file = File::open(&self.path).map_err(failed)?;
        let mut reader = BufReader::new(file);
        let mut entries: Vec<Entry> = Vec::new();
        let mut prev = FIRST_PREV;
        loop {
            let seq = entries.len() as u64 + 1;
            let mut bytes = Vec::new();
            let limit = MAX_LINE as u64 + 1;
            reader.by_ref().take(limit).read_until(b'\n', &mut bytes).map_err(failed)?;
            match bytes.pop() {
                None => return Ok(Verified { entries, torn: 0 }),
                Some(b'\n') => {}
                Some(_) if bytes.len() >= MAX_LINE => {
                    return Err(self.line(seq, "it is longer than 262144 bytes"));
                }
                Some(_) => return Ok(Verified { entries, torn: bytes.len() + 1 }),
            }
            let members = members(&bytes).map_err(|what| self.line(seq, &what))?;
            if members.get("seq").and_then(Value::as_u64) != Some(seq) {
                return Err(self.line(
                    seq,
                    &format!("its seq is not {seq}: a line is missing, doubled or moved"),
                ));
            }
            if members.get("prev").and_then(Value::as_str) != Some(&hex(&prev)) {
                return Err(self.line(
                    seq,
                    "its prev is not the hash of the line before: one of the two was changed",
                ));
            }
            prev = sha256(&[&bytes]);
            let line = String::from_utf8(bytes).map_err(|_| self.line(seq, "it is not UTF-8"))?;
            entries.push(Entry { seq, line, members });
        }
    }

    fn line(&self, line: u64, what: &str) -> LogError {
        LogError::Line { path: self.path.clone(), line, what: what.to_owned() }
    }
}

/// Checks the form of one line.
fn members(line: &[u8]) -> Result<Map<String, Value>, String> {
    let text = std::str::from_utf8(line)
        .map_err(|e| format!("byte {} is not UTF-8", e.valid_up_to() + 1))?;
    if text.starts_with('\u{feff}') {
        return Err("it starts with a byte order mark".to_owned());
    }
    if text.contains('\r') {
        return Err("it holds a carriage return; lines end with a line feed alone".to_owned());
    }
    let object = json::parse(text).map_err(|what| format!("it is not a record: {what}"))?;
    if object.get("v").and_then(Value::as_u64) != Some(1) {
        return Err("its v is not 1: another version of the logbook".to_owned());
    }
    Ok(object)
}

/// Returns the last whole line and the bytes of a torn one after it, reading only the end of the file.
fn tail(file: &mut File) -> io::Result<(Option<Vec<u8>>, Vec<u8>)> {
    let len = file.seek(SeekFrom::End(0))?;
    // a whole line, its line feed, the line feed before, and a torn line
    let window = len.min(2 * MAX_LINE as u64 + 2);
    file.seek(SeekFrom::Start(len - window))?;
    let mut bytes = Vec::new();
    file.take(window).read_to_end(&mut bytes)?;
    let torn = match bytes.iter().rposition(|&b| b == b'\n') {
        Some(end) => bytes.split_off(end + 1),
        None => std::mem::take(&mut bytes),
    };
    bytes.pop();
    let start = bytes.iter().rposition(|&b| b == b'\n').map_or(0, |i| i + 1);
    let last = bytes.split_off(start);
    Ok(((!last.is_empty()).then_some(last), torn))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;

    use super::*;
    use crate::clock::{Instant, Source};
    use crate::logbook::record::{Program, When};

    fn draft(method: &str) -> Draft {
        let when = When { at: Instant::from_unix(1_795_521_600), source: Source::System };
        let program = Program { version: "0".into(), sha256: "unknown".into() };
        Draft::begin(when, &program, method)
    }

    fn book(lines: usize) -> (tempfile::TempDir, Logbook) {
        let dir = tempfile::tempdir().unwrap();
        let book = Logbook::at(dir.path().join("logbook.jsonl"));
        for i in 0..lines {
            book.append(&draft(&format!("m{i}")), &[]).unwrap();
        }
        (dir, book)
    }

    #[test]
    fn a_chain_of_appends_verifies() {
        let (_dir, book) = book(20);
        let verified = book.verify().unwrap();
        assert_eq!((verified.entries.len(), verified.torn), (20, 0));
        assert_eq!(verified.entries[19].text("method"), "m19");
    }

    #[test]
    fn every_change_is_found_and_its_line_named() {
        let (_dir, book) = book(6);
        let text = fs::read_to_string(&book.path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let found_at = |changed: &[&str]| {
            fs::write(&book.path, changed.join("\n") + "\n").unwrap();
            match book.verify() {
                Err(LogError::Line { line, .. }) => line,
                _ => 0,
            }
        };
        let altered = lines[2].replace("m2", "m7");
        let mut changed = lines.clone();
        changed[2] = &altered;
        assert_eq!(found_at(&changed), 4);
        let mut swapped = lines.clone();
        swapped.swap(1, 2);
        assert_eq!(found_at(&swapped), 2);
        assert_eq!(found_at(&[&lines[..3], &lines[4..]].concat()), 4);
        assert_eq!(found_at(&[&lines[..3], &lines[2..]].concat()), 4);
        // the chain alone cannot show a missing end
        assert_eq!(found_at(&lines[..5]), 0);
    }

    #[test]
    fn a_torn_line_is_cut_and_kept() {
        let (_dir, book) = book(2);
        let mut text = fs::read_to_string(&book.path).unwrap();
        text.push_str("{\"v\":1,\"se");
        fs::write(&book.path, &text).unwrap();
        assert_eq!(book.verify().unwrap().torn, 10);
        let appended = book.append(&draft("next"), &[]).unwrap();
        assert_eq!(appended.seq, 3);
        assert!(appended.line.contains(&hex(b"{\"v\":1,\"se")));
        assert_eq!(book.verify().unwrap().entries.len(), 3);
    }

    #[test]
    fn forms_that_could_hide_something_are_refused() {
        let (_dir, book) = book(1);
        let line = fs::read_to_string(&book.path).unwrap();
        for (bad, word) in [
            (format!("\u{feff}{line}"), "byte order mark"),
            (line.replace('\n', "\r\n"), "carriage return"),
            (line.replace("\"v\":1", "\"v\":2"), "version"),
            (line.replace("\"seq\":1", "\"seq\":1,\"seq\":1"), "twice"),
            (line.replace("\"seq\":1", "\"seq\":1.0"), "fraction"),
            (format!("{}\n", "x".repeat(MAX_LINE + 1)), "longer"),
        ] {
            fs::write(&book.path, bad).unwrap();
            let error = book.verify().err().unwrap().to_string();
            assert!(error.contains(word) && error.contains("line 1"), "{error}");
        }
    }

    #[test]
    fn two_writers_lose_nothing() {
        let (_dir, book) = book(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for i in 0..10 {
                        book.append(&draft(&format!("m{i}")), &[]).unwrap();
                    }
                });
            }
        });
        assert_eq!(book.verify().unwrap().entries.len(), 40);
    }
}
