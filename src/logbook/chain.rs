//! The file: append under a lock, on disk before anything goes on; verify from the first line to the last.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::codes::Code;
use crate::fault;
use crate::files::{self, FileError};
use crate::logbook::entry::Entry;
use crate::logbook::record::Draft;
use crate::logbook::{MAX_LINE, check_code, hex};
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
        let (last, torn) = whole_tail(&mut file).map_err(io)?;
        let (seq, prev) = match &last {
            None => (1, FIRST_PREV),
            Some(line) => {
                let entry = Entry::read(line)
                    .map_err(|what| self.line(0, &format!("last line: {what}")))?;
                let seq = entry.number("seq");
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
        self.write_end(&mut file, torn.len(), &format!("{line}\n"))?;
        if fresh {
            files::sync_folder(files::parent(&self.path)).map_err(io)?;
        }
        Ok(Appended { seq, line })
    }

    /// Appends lines that follow the last one byte for byte, as another copy of this book has them.
    pub fn follow(&self, lines: &[&str]) -> Result<(), LogError> {
        let fresh = !self.exists();
        let mut file = files::open_locked(&self.path)?;
        let io = |source| FileError::Io { deed: "write", path: self.path.clone(), source };
        let (last, torn) = whole_tail(&mut file).map_err(io)?;
        let mut prev = last.as_ref().map_or(FIRST_PREV, |line| sha256(&[line]));
        let mut text = String::new();
        for line in lines {
            let entry = Entry::read(line.as_bytes()).map_err(|what| self.line(0, &what))?;
            if entry.text("prev") != hex(&prev) {
                return Err(self.line(entry.seq, "it does not follow the last line of the file"));
            }
            prev = sha256(&[line.as_bytes()]);
            text.push_str(line);
            text.push('\n');
        }
        self.write_end(&mut file, torn.len(), &text)?;
        if fresh {
            files::sync_folder(files::parent(&self.path)).map_err(io)?;
        }
        Ok(())
    }

    /// Cuts a torn line off and writes what comes instead; a failed write leaves no half a line behind.
    fn write_end(&self, file: &mut File, torn: usize, text: &str) -> Result<(), LogError> {
        let io = |source| FileError::Io { deed: "write", path: self.path.clone(), source };
        let end = file.seek(SeekFrom::End(0)).map_err(io)? - torn as u64;
        fault::point("before a record");
        let written =
            file.set_len(end).and_then(|()| file.seek(SeekFrom::Start(end))).and_then(|_| {
                for piece in fault::pieces(text.as_bytes()) {
                    file.write_all(piece)?;
                    fault::point("in the middle of a record");
                }
                file.sync_all()
            });
        fault::point("a record is on disk");
        written.map_err(|error| {
            let _ = file.set_len(end);
            io(error).into()
        })
    }

    /// Reads and verifies the whole chain, and keeps it; for a book of any length there is [`Logbook::records`].
    pub fn verify(&self) -> Result<Verified, LogError> {
        let mut records = self.records()?;
        let entries = records.by_ref().collect::<Result<_, _>>()?;
        Ok(Verified { entries, torn: records.torn })
    }

    /// Reads and verifies record by record, in constant memory. It ends after the first line that does not fit.
    pub fn records(&self) -> Result<Records<'_>, LogError> {
        let failed = |source| FileError::Io { deed: "read", path: self.path.clone(), source };
        files::refuse_odd(&self.path)?;
        let reader = BufReader::new(File::open(&self.path).map_err(failed)?);
        Ok(Records { book: self, reader, seq: 0, prev: FIRST_PREV, torn: 0, ended: false })
    }

    fn line(&self, line: u64, what: &str) -> LogError {
        LogError::Line { path: self.path.clone(), line, what: what.to_owned() }
    }
}

/// The records of a logbook, each held against the one before.
pub struct Records<'a> {
    book: &'a Logbook,
    reader: BufReader<File>,
    seq: u64,
    prev: [u8; 32],
    /// Bytes of a torn last line; known at the end.
    pub torn: usize,
    ended: bool,
}

impl Records<'_> {
    /// Reads the next line; nothing at the end of the file.
    fn next_line(&mut self) -> Result<Option<Vec<u8>>, LogError> {
        let seq = self.seq + 1;
        let mut bytes = Vec::new();
        let limit = MAX_LINE as u64 + 1;
        let read = self.reader.by_ref().take(limit).read_until(b'\n', &mut bytes);
        read.map_err(|source| FileError::Io {
            deed: "read",
            path: self.book.path.clone(),
            source,
        })?;
        match bytes.pop() {
            None => Ok(None),
            Some(b'\n') => Ok(Some(bytes)),
            Some(_) if bytes.len() >= MAX_LINE => {
                Err(self.book.line(seq, "it is longer than 262144 bytes"))
            }
            Some(_) => {
                self.torn = bytes.len() + 1;
                Ok(None)
            }
        }
    }

    fn next_entry(&mut self) -> Result<Option<Entry>, LogError> {
        let Some(bytes) = self.next_line()? else { return Ok(None) };
        let (seq, book) = (self.seq + 1, self.book);
        let entry = Entry::read(&bytes).map_err(|what| book.line(seq, &what))?;
        if entry.number("seq") != Some(seq) {
            let what = format!("its seq is not {seq}: a line is missing, doubled or moved");
            return Err(book.line(seq, &what));
        }
        if entry.text("prev") != hex(&self.prev) {
            let what = "its prev is not the hash of the line before: one of the two was changed";
            return Err(book.line(seq, what));
        }
        self.prev = sha256(&[&bytes]);
        self.seq = seq;
        Ok(Some(entry))
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Entry, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.next_entry().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

/// Returns the last line and what is torn after it. A record that lacks only its line feed gets it: it may be in ink.
fn whole_tail(file: &mut File) -> io::Result<(Option<Vec<u8>>, Vec<u8>)> {
    let (last, torn) = tail(file)?;
    let follows = Entry::read(&torn).is_ok_and(|entry| {
        let prev = last.as_ref().map_or(FIRST_PREV, |line| sha256(&[line]));
        entry.text("prev") == hex(&prev)
    });
    if !follows {
        return Ok((last, torn));
    }
    file.seek(SeekFrom::End(0))?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    tail(file)
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
