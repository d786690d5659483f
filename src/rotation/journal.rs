//! What was begun on the platform and what came of it: one line before each change, one after. Never a secret.
//!
//! The logbook says how things stand among people; this says what may have happened on the platform when the program
//! died between a question and its answer.

use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::fault;
use crate::files::{self, FileError};

/// Most bytes of a journal; a rotation writes some ten lines.
const MAX_FILE: usize = 16 << 20;

/// What is changed on the platform.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Deed {
    /// A credential is made.
    Create,
    /// A secret takes the place of another.
    Set,
    /// A credential is switched off.
    Disable,
    /// A credential is ended.
    Revoke,
}

/// Before or after.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// It is about to be asked for.
    Intent,
    /// It was done.
    Done,
    /// It was refused: nothing was changed.
    Failed,
}

/// One line.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Version of the form: 1.
    pub v: u32,
    /// When, RFC 3339.
    pub at: String,
    /// Set code of the credential that is to be retired.
    pub set: String,
    /// Set code of the set that is to follow, once it is dealt.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub successor: String,
    /// What.
    pub deed: Deed,
    /// Before or after.
    pub phase: Phase,
    /// The request id that the driver gets.
    pub request: String,
    /// Public id of the credential that was made or ended, where it is known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub credential: String,
    /// The driver's word where it failed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// The file.
pub struct Journal {
    path: PathBuf,
}

impl Journal {
    /// Names the file; nothing is read yet.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Returns the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads every whole line; one that was torn by a crash was never followed by a deed.
    pub fn lines(&self) -> Result<Vec<Line>, JournalError> {
        if !self.path.exists() {
            return Ok(Vec::new());
        }
        let bytes = files::read(&self.path, MAX_FILE)?;
        let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        let lines = bytes[..whole].split(|b| *b == b'\n').filter(|line| !line.is_empty());
        lines.zip(1..).map(|(line, number)| self.line(line, number)).collect()
    }

    fn line(&self, bytes: &[u8], number: u64) -> Result<Line, JournalError> {
        serde_json::from_slice(bytes).map_err(|e| JournalError::Line {
            path: self.path.clone(),
            line: number,
            what: e.to_string(),
        })
    }

    /// Appends a line and brings it to disk, behind the last whole one.
    pub fn append(&self, line: &Line) -> Result<(), JournalError> {
        let fresh = !self.path.exists();
        let mut file = files::open_locked(&self.path)?;
        let io = |source| FileError::Io { deed: "write", path: self.path.clone(), source };
        let text = serde_json::to_string(line).unwrap_or_default() + "\n";
        fault::point("before a line of the journal");
        let mut write = || -> std::io::Result<()> {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
            file.set_len(whole as u64)?;
            file.seek(SeekFrom::End(0))?;
            for piece in fault::pieces(text.as_bytes()) {
                file.write_all(piece)?;
                fault::point("in the middle of a line of the journal");
            }
            file.sync_data()
        };
        write().map_err(io)?;
        if fresh {
            files::sync_folder(files::parent(&self.path)).map_err(io)?;
        }
        Ok(())
    }
}

/// Returns the last thing of that kind that was begun for a set, where nobody knows what came of it.
pub fn open_intent<'a>(lines: &'a [Line], set: &str, deed: Deed) -> Option<&'a Line> {
    let last = lines.iter().rev().find(|line| line.set == set && line.deed == deed)?;
    (last.phase == Phase::Intent).then_some(last)
}

/// Returns the ids of the credentials that were ever made.
pub fn made(lines: &[Line]) -> impl Iterator<Item = &str> {
    let of = |line: &&Line| line.deed == Deed::Create && !line.credential.is_empty();
    lines.iter().filter(of).map(|line| line.credential.as_str())
}

/// Why the journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A line is none.
    #[error("journal `{}`, line {line}: {what}", path.display())]
    Line {
        /// Which file.
        path: PathBuf,
        /// Which line.
        line: u64,
        /// What is wrong.
        what: String,
    },
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn line(deed: Deed, phase: Phase, request: &str) -> Line {
        Line {
            v: 1,
            at: "2026-11-24T04:02:11Z".into(),
            set: "S".into(),
            successor: String::new(),
            deed,
            phase,
            request: request.into(),
            credential: String::new(),
            note: String::new(),
        }
    }

    #[test]
    fn what_was_begun_is_known_until_its_end_is() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::at(dir.path().join("rotation.jsonl"));
        assert!(journal.lines().unwrap().is_empty());
        journal.append(&line(Deed::Create, Phase::Intent, "r1")).unwrap();
        let lines = journal.lines().unwrap();
        assert_eq!(open_intent(&lines, "S", Deed::Create).unwrap().request, "r1");
        assert!(open_intent(&lines, "T", Deed::Create).is_none());
        assert!(open_intent(&lines, "S", Deed::Revoke).is_none());
        let done = Line { credential: "K2".into(), ..line(Deed::Create, Phase::Done, "r1") };
        journal.append(&done).unwrap();
        let lines = journal.lines().unwrap();
        assert!(open_intent(&lines, "S", Deed::Create).is_none());
        assert_eq!(made(&lines).collect::<Vec<_>>(), ["K2"]);
    }

    #[test]
    fn a_torn_line_is_cut_by_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::at(dir.path().join("rotation.jsonl"));
        journal.append(&line(Deed::Create, Phase::Intent, "r1")).unwrap();
        let whole = std::fs::read(journal.path()).unwrap();
        std::fs::write(journal.path(), [&whole[..], &whole[..40]].concat()).unwrap();
        assert_eq!(journal.lines().unwrap().len(), 1);
        journal.append(&line(Deed::Create, Phase::Failed, "r1")).unwrap();
        assert_eq!(journal.lines().unwrap().len(), 2);
        std::fs::write(journal.path(), "{}\n").unwrap();
        assert!(journal.lines().unwrap_err().to_string().contains("line 1"));
    }
}
