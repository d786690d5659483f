//! Recordings of sessions on the desk: folders of parts and single files, and what was found when they were read.

use std::path::PathBuf;

use crate::session::recording::Index;

/// A recording of a terminal.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Its folder or its file.
    pub path: PathBuf,
    /// Whether it is a folder of parts.
    pub folder: bool,
    /// What the index of a folder says; none where there is none that can be read.
    pub index: Option<Index>,
    /// The heads of the chain, before the first part and behind each, in hex; of a file its SHA-256 alone.
    pub heads: Vec<String>,
    /// Why it is no whole recording, in words.
    pub broken: Option<String>,
    /// What in it looks like secrets, where it can be read.
    pub traces: Vec<Trace>,
}

/// Something that looks like a secret: never the text of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// What it looks like.
    pub kind: &'static str,
    /// Where it is for the first time: `part 3`, `line 12`.
    pub place: String,
    /// How often it is there.
    pub times: u64,
}

impl Recorded {
    /// Returns the name of its folder or file.
    pub fn name(&self) -> &str {
        self.path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
    }

    /// Returns how many parts it has.
    pub fn parts(&self) -> usize {
        self.heads.len().saturating_sub(1)
    }

    /// Says whether it ends where a record says.
    pub fn ends_with(&self, hash: &str) -> bool {
        self.heads.last().is_some_and(|head| head == hash)
    }

    /// Returns how many parts a record knows, where it has a beginning of it.
    pub fn known_to(&self, hash: &str) -> Option<usize> {
        self.heads.iter().position(|head| head == hash)
    }

    /// Says whether it is encrypted.
    pub fn is_sealed(&self) -> bool {
        self.index.as_ref().is_some_and(|index| !index.recipients.is_empty())
    }

    /// Says whether it may be of a method: it says so, or it says nothing.
    pub fn may_be_of(&self, method: &str) -> bool {
        self.index.as_ref().is_none_or(|i| i.method.is_empty() || i.method == method)
    }
}
