//! Whether the evidence that records name is still there, byte for byte.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use crate::files;
use crate::logbook::{Entry, hex};
use crate::session::recording::{Recording, RecordingError};
use crate::ui::Ui;

/// What became of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    Whole,
    Changed,
    /// Not there, or not readable.
    Missing,
}

/// One file that a record names.
pub(super) struct File {
    record: u64,
    name: String,
    kept: Kept,
}

impl File {
    pub(super) fn is_changed(&self) -> bool {
        self.kept == Kept::Changed
    }

    pub(super) fn json(&self) -> Value {
        json!({ "record": self.record, "file": self.name, "state": self.word() })
    }

    fn word(&self) -> &'static str {
        match self.kept {
            Kept::Whole => "whole",
            Kept::Changed => "changed",
            Kept::Missing => "missing",
        }
    }
}

/// What records name, by file and SHA-256 in hexadecimal: the first record that does.
#[derive(Default)]
pub(super) struct Named(BTreeMap<(String, String), u64>);

impl Named {
    /// Takes what a record names, or the record that it brings in from elsewhere.
    pub(super) fn take(&mut self, entry: &Entry) {
        let imported = entry.imported();
        let inner = imported.as_ref().unwrap_or(entry);
        let files = inner.members.get("evidence").and_then(Value::as_array).into_iter().flatten();
        for file in files {
            if let (Some(name), Some(hash)) = (file["file"].as_str(), file["sha256"].as_str()) {
                self.0.entry((name.to_owned(), hash.to_owned())).or_insert(entry.seq);
            }
        }
    }

    /// Looks at each, below a kit.
    pub(super) fn compare(self, kit: &Path) -> Vec<File> {
        let look = |((name, hash), record): ((String, String), u64)| {
            let path = kit.join(&name);
            if path.is_dir() {
                let kept = of_recording(&path, &hash);
                return File { record, name, kept };
            }
            let kept = match files::sha256(&path) {
                Ok((now, _)) if hex(&now) == hash => Kept::Whole,
                Ok(_) => Kept::Changed,
                Err(_) => Kept::Missing,
            };
            File { record, name, kept }
        };
        self.0.into_iter().map(look).collect()
    }
}

/// A recording is as it was when its chain ends where the record says.
fn of_recording(path: &Path, hash: &str) -> Kept {
    let heads = Recording::open(path).and_then(|recording| recording.heads());
    match heads {
        Ok(heads) if heads.last().is_some_and(|head| head.hex() == hash) => Kept::Whole,
        Err(RecordingError::NoIndex(_)) => Kept::Missing,
        Ok(_) | Err(_) => Kept::Changed,
    }
}

/// Names what is not as it was.
pub(super) fn tell(ui: &Ui, files: &[File]) {
    let whole = files.iter().filter(|file| file.kept == Kept::Whole).count();
    if !files.is_empty() {
        ui.data(&format!("evidence: {whole} of {} files are as they were recorded", files.len()));
    }
    for file in files.iter().filter(|file| file.kept != Kept::Whole) {
        let name = crate::ui::plain(&file.name);
        let words = if file.is_changed() { "WAS CHANGED since" } else { "is not here" };
        ui.data(&format!("evidence: {name}, of record {}, {words}", file.record));
    }
}
