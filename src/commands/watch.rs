//! A folder into which a scanner or a phone drops pictures.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::files::FileError;

/// Size and time of a file: what tells that it is still being written, or was written again.
type State = (u64, Option<SystemTime>);

/// A folder that is looked at again and again.
pub(super) struct Watch {
    folder: PathBuf,
    seen: BTreeMap<PathBuf, (State, bool)>,
}

impl Watch {
    /// Begins to watch a folder; what lies in it already is new too.
    pub(super) fn new(folder: &Path) -> Result<Self, FileError> {
        let mut watch = Self { folder: folder.to_owned(), seen: BTreeMap::new() };
        watch.look()?;
        Ok(watch)
    }

    pub(super) fn path(&self) -> &Path {
        &self.folder
    }

    /// Returns the files that are there in the state in which they were at the last look, and were
    /// not returned in that state before. Hidden ones are those that somebody still writes.
    pub(super) fn look(&mut self) -> Result<Vec<PathBuf>, FileError> {
        let failed = |source| FileError::Io { deed: "read", path: self.folder.clone(), source };
        let mut now = BTreeMap::new();
        let mut ready = Vec::new();
        for entry in std::fs::read_dir(&self.folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            // it may be gone again
            let Ok(about) = std::fs::metadata(entry.path()) else { continue };
            if hidden || !about.is_file() || about.len() == 0 {
                continue;
            }
            let state = (about.len(), about.modified().ok());
            let path = entry.path();
            let before = self.seen.get(&path);
            let settled = before.is_some_and(|(old, _)| *old == state);
            let taken = settled && before.is_some_and(|(_, taken)| *taken);
            if settled && !taken {
                ready.push(path.clone());
            }
            now.insert(path, (state, settled));
        }
        self.seen = now;
        ready.sort();
        Ok(ready)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_file_is_taken_once_it_stands_still_and_again_when_it_is_new() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &str| {
            std::fs::write(dir.path().join(name), content).unwrap();
            dir.path().join(name)
        };
        file("old.png", "1");
        let mut watch = Watch::new(dir.path()).unwrap();
        assert_eq!(watch.look().unwrap(), [dir.path().join("old.png")]);
        assert!(watch.look().unwrap().is_empty());
        let new = file("new.png", "half");
        file(".hidden", "x");
        file("empty.png", "");
        assert!(watch.look().unwrap().is_empty(), "it has just appeared");
        file("new.png", "the whole");
        assert!(watch.look().unwrap().is_empty(), "it has just grown");
        assert_eq!(watch.look().unwrap(), std::slice::from_ref(&new));
        assert!(watch.look().unwrap().is_empty());
        file("new.png", "a better one");
        watch.look().unwrap();
        assert_eq!(watch.look().unwrap(), [new]);
        assert!(Watch::new(&dir.path().join("nowhere")).is_err());
    }
}
