//! The folder of a recording, and the chain over its parts (`session/format.md`).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::clock::Instant;
use crate::files::{self, FileError};

/// The file that says what a folder is.
pub const INDEX: &str = "recording.json";

/// Most bytes of [`INDEX`].
const MAX_INDEX: usize = 64 * 1024;

/// Most bytes of a part: one event may be longer than the 32 KiB after which a part is closed.
pub const MAX_PART: usize = 4 * 1024 * 1024;

/// Why a folder is no recording, or not a whole one.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is no index.
    #[error("`{}` is no recording: it has no recording.json", .0.display())]
    NoIndex(PathBuf),
    /// The index is not as an index is.
    #[error("`{}` is not the index of a recording: {what}", path.display())]
    Index {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
    /// A part is missing between others.
    #[error("`{}`: part {number} is missing, and part {next} is there", path.display())]
    Gap {
        /// Which folder.
        path: PathBuf,
        /// The one that is missing.
        number: u32,
        /// The one after it.
        next: u32,
    },
    /// What is in a part does not follow what is before it.
    #[error("`{}` does not follow the part before it: {what}", path.display())]
    Broken {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
}

/// What a recording is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Method id; empty without a method.
    pub method: String,
    /// The release: number of its record, or the check code of a loose one.
    pub release: Option<String>,
    /// When it began.
    pub started: Instant,
    /// age recipients, in the order of the method file; none: it is not encrypted.
    pub recipients: Vec<String>,
}

impl Index {
    /// Returns the line, without LF.
    fn line(&self) -> String {
        let mut value = json!({
            "v": 1,
            "method": self.method,
            "started": self.started.rfc3339(),
            "recipients": self.recipients,
        });
        if let Some(release) = &self.release {
            value["release"] = release.as_str().into();
        }
        value.to_string()
    }

    fn read(path: &Path, bytes: &[u8]) -> Result<Self, RecordingError> {
        let wrong = |what| RecordingError::Index { path: path.to_owned(), what };
        let value: Value = serde_json::from_slice(bytes).map_err(|_| wrong("it is not JSON"))?;
        if value["v"] != 1 {
            return Err(wrong("it is of another version"));
        }
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        let started = text("started").and_then(|at| Instant::parse_rfc3339(&at));
        let recipients = value["recipients"].as_array().map(|list| {
            list.iter().map(|v| v.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
        });
        Ok(Self {
            method: text("method").ok_or(wrong("it names no method"))?,
            release: text("release"),
            started: started.ok_or(wrong("it does not say when it began"))?,
            recipients: recipients.flatten().ok_or(wrong("it has no list of recipients"))?,
        })
    }

    fn extension(&self) -> &'static str {
        if self.recipients.is_empty() { "cast" } else { "age" }
    }
}

/// One end of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head([u8; 32]);

impl Head {
    fn first(index: &[u8]) -> Self {
        Self(Sha256::digest(index).into())
    }

    fn then(self, part: &[u8]) -> Self {
        let part: [u8; 32] = Sha256::digest(part).into();
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(part);
        Self(hash.finalize().into())
    }

    /// Returns it in lower-case hex.
    pub fn hex(self) -> String {
        crate::logbook::hex(&self.0)
    }
}

/// A recording that is being made.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    extension: &'static str,
    parts: u32,
    head: Head,
    /// Whether there are parts that may not be on disk yet.
    waiting: bool,
    /// Tells others that it goes on.
    _lock: Option<files::Lock>,
}

impl Folder {
    /// Makes the folder, new and private, with its index.
    pub fn create(path: &Path, index: &Index) -> Result<Self, RecordingError> {
        if path.symlink_metadata().is_ok() {
            return Err(FileError::Exists(path.to_owned()).into());
        }
        files::make_private_folder(path)?;
        let line = index.line() + "\n";
        files::write_new(&path.join(INDEX), line.as_bytes())?;
        let _ = files::sync_folder(files::parent(path));
        let lock = files::Lock::take(path)?;
        let head = Head::first(line.as_bytes());
        Ok(Self {
            path: path.to_owned(),
            extension: index.extension(),
            parts: 0,
            head,
            waiting: false,
            _lock: lock,
        })
    }

    /// Returns the first line of the next part, with its LF.
    pub fn opening_line(&self) -> String {
        format!("{{\"part\":{},\"prev\":\"{}\"}}\n", self.parts + 1, self.head.hex())
    }

    /// Adds a part: it appears whole or not at all. With `lasting` it and those before it are on disk when this returns.
    pub fn add(&mut self, part: &[u8], lasting: bool) -> Result<(), RecordingError> {
        let path = self.path.join(name(self.parts + 1, self.extension));
        if lasting {
            self.settle();
            files::write_new(&path, part)?;
        } else {
            files::write_new_soon(&path, part)?;
            self.waiting = true;
        }
        self.parts += 1;
        self.head = self.head.then(part);
        Ok(())
    }

    /// Says whether there are parts that may not be on disk yet.
    #[cfg(test)]
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting
    }

    /// Brings to disk what was added and may not be there yet.
    pub fn settle(&mut self) {
        if std::mem::take(&mut self.waiting) {
            files::sync_all_around(&self.path);
        }
    }

    /// Returns where the folder is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns how many parts there are.
    pub fn parts(&self) -> u32 {
        self.parts
    }

    /// Returns the end of the chain.
    pub fn head(&self) -> Head {
        self.head
    }
}

fn name(number: u32, extension: &str) -> String {
    format!("{number:06}.{extension}")
}

/// A recording that lies there.
#[derive(Debug)]
pub struct Recording {
    path: PathBuf,
    /// What it is of.
    pub index: Index,
    first: Head,
    parts: u32,
}

impl Recording {
    /// Says whether a folder is one.
    pub fn is_at(path: &Path) -> bool {
        path.join(INDEX).is_file()
    }

    /// Opens one; parts are counted, not read.
    pub fn open(path: &Path) -> Result<Self, RecordingError> {
        let file = path.join(INDEX);
        if file.symlink_metadata().is_err_and(|e| e.kind() == io::ErrorKind::NotFound) {
            return Err(RecordingError::NoIndex(path.to_owned()));
        }
        files::refuse_odd(&file)?;
        let bytes = files::read(&file, MAX_INDEX)?;
        let index = Index::read(&file, &bytes)?;
        let numbers = numbers(path, index.extension())?;
        for (expected, number) in (1..).zip(&numbers) {
            if *number != expected {
                let path = path.to_owned();
                return Err(RecordingError::Gap { path, number: expected, next: *number });
            }
        }
        let parts = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        Ok(Self { path: path.to_owned(), index, first: Head::first(&bytes), parts })
    }

    /// Says whether somebody is still recording.
    pub fn goes_on(&self) -> bool {
        files::Lock::take(&self.path).is_ok_and(|lock| lock.is_none())
    }

    /// Returns what lies in its folder and is no part of it, sorted: nobody would look at it there. Hidden files are left out:
    /// drafts are. While somebody still records, new parts are no strangers.
    pub fn strangers(&self) -> Vec<PathBuf> {
        if self.goes_on() {
            return Vec::new();
        }
        let is_own = |path: &PathBuf| {
            let text = path.file_name().unwrap_or_default().to_string_lossy();
            let number = text.get(..6).and_then(|digits| digits.parse().ok());
            text == INDEX
                || text.starts_with('.')
                || number
                    .is_some_and(|n| (1..=self.parts).contains(&n) && self.part_path(n) == *path)
        };
        let inside = fs::read_dir(&self.path).into_iter().flatten().flatten();
        let mut strangers: Vec<PathBuf> =
            inside.map(|entry| entry.path()).filter(|path| !is_own(path)).collect();
        strangers.sort_unstable();
        strangers
    }

    /// Returns how many parts there are.
    pub fn parts(&self) -> u32 {
        self.parts
    }

    /// Returns where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the head before the first part.
    pub fn first(&self) -> Head {
        self.first
    }

    /// Reads one part as it lies there, from 1, and returns the head behind it.
    pub fn part(&self, number: u32, before: Head) -> Result<(Vec<u8>, Head), RecordingError> {
        let path = self.part_path(number);
        files::refuse_odd(&path)?;
        let bytes = files::read(&path, MAX_PART)?;
        let head = before.then(&bytes);
        Ok((bytes.to_vec(), head))
    }

    /// Returns the file of a part.
    pub fn part_path(&self, number: u32) -> PathBuf {
        self.path.join(name(number, self.index.extension()))
    }

    /// Reads every part and returns the heads of the chain: before the first part, behind the first, behind the second …
    pub fn heads(&self) -> Result<Vec<Head>, RecordingError> {
        let mut heads = vec![self.first];
        for number in 1..=self.parts {
            let before = heads.last().copied().unwrap_or(self.first);
            heads.push(self.part(number, before)?.1);
        }
        Ok(heads)
    }

    /// Takes the first line off an opened part, and checks that it names its place.
    pub fn body<'a>(
        &self,
        number: u32,
        before: Head,
        part: &'a [u8],
    ) -> Result<&'a [u8], RecordingError> {
        let broken = |what| RecordingError::Broken { path: self.part_path(number), what };
        let end = part.iter().position(|b| *b == b'\n').ok_or(broken("it is empty"))?;
        let (line, rest) = part.split_at(end + 1);
        let value: Value = serde_json::from_slice(line).map_err(|_| broken("no first line"))?;
        if value["part"] != number {
            return Err(broken("it says that it is another part"));
        }
        if value["prev"] != before.hex() {
            return Err(broken("it was made behind another part"));
        }
        if !rest.is_empty() && !rest.ends_with(b"\n") {
            return Err(broken("its last line is cut off"));
        }
        Ok(rest)
    }
}

/// Returns the numbers of the parts that are there, in their order.
fn numbers(path: &Path, extension: &str) -> Result<Vec<u32>, RecordingError> {
    let io = |source| FileError::Io { deed: "read", path: path.to_owned(), source };
    let mut numbers = Vec::new();
    for entry in fs::read_dir(path).map_err(io)? {
        let entry = entry.map_err(io)?.file_name();
        let text = entry.to_string_lossy();
        let number = text.strip_suffix(extension).and_then(|rest| rest.strip_suffix('.'));
        numbers.extend(number.and_then(|digits| digits.parse::<u32>().ok()));
    }
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn index(recipients: &[&str]) -> Index {
        Index {
            method: "m".into(),
            release: Some("9".into()),
            started: Instant::from_unix(1_795_521_600),
            recipients: recipients.iter().map(|r| (*r).to_owned()).collect(),
        }
    }

    fn made(dir: &Path, parts: &[&str]) -> (PathBuf, Head) {
        let path = dir.join("r9");
        let mut folder = Folder::create(&path, &index(&[])).unwrap();
        for part in parts {
            let text = folder.opening_line() + part;
            folder.add(text.as_bytes(), true).unwrap();
        }
        (path, folder.head())
    }

    #[test]
    fn what_was_written_is_read_and_its_chain_ends_where_it_did() {
        let dir = tempfile::tempdir().unwrap();
        let (path, head) = made(dir.path(), &["one\n", "two\n"]);
        let recording = Recording::open(&path).unwrap();
        assert_eq!((recording.index.clone(), recording.parts()), (index(&[]), 2));
        let heads = recording.heads().unwrap();
        assert_eq!(heads.last(), Some(&head));
        let (part, after) = recording.part(2, heads[1]).unwrap();
        assert_eq!(after, head);
        assert_eq!(recording.body(2, heads[1], &part).unwrap(), b"two\n");
        // a part in another place
        let (part, _) = recording.part(1, heads[0]).unwrap();
        assert!(recording.body(2, heads[1], &part).is_err());
        assert!(Folder::create(&path, &index(&[])).is_err());
    }

    /// The chain as `format.md` says it, by hand.
    #[test]
    fn the_chain_is_the_one_of_the_format_text() {
        let dir = tempfile::tempdir().unwrap();
        let (path, head) = made(dir.path(), &["x\n"]);
        let hash = |bytes: &[u8]| -> [u8; 32] { Sha256::digest(bytes).into() };
        let first = hash(&fs::read(path.join(INDEX)).unwrap());
        let part = hash(&fs::read(path.join("000001.cast")).unwrap());
        assert_eq!(head.0, hash(&[first, part].concat()));
    }

    #[test]
    fn a_part_that_is_gone_or_another_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let (path, head) = made(dir.path(), &["one\n", "two\n", "three\n"]);
        let last = path.join("000003.cast");
        let kept = fs::read(&last).unwrap();
        fs::remove_file(&last).unwrap();
        let heads = Recording::open(&path).unwrap().heads().unwrap();
        assert!(heads.len() == 3 && !heads.contains(&head));
        fs::write(&last, kept).unwrap();
        fs::remove_file(path.join("000002.cast")).unwrap();
        let gap = Recording::open(&path).unwrap_err().to_string();
        assert!(gap.contains("part 2 is missing"), "{gap}");
        assert!(matches!(Recording::open(dir.path()), Err(RecordingError::NoIndex(_))));
    }

    /// A recorder that ended before its time: the end of the chain is that of the parts that are there.
    #[test]
    fn what_is_there_is_summed_up_without_its_recorder() {
        let dir = tempfile::tempdir().unwrap();
        let (path, head) = made(dir.path(), &["one\n", "two\n"]);
        let summary = crate::session::recorder::Summary::of_what_is_there(&path).unwrap();
        assert_eq!((summary.head, summary.parts), (head, 2));
        assert!(summary.problem.is_some_and(|problem| problem.contains("before its time")));
    }
}
