//! Why a desk cannot be read: which file, where in it, and what is wrong.

use std::path::{Path, PathBuf};

use super::{DEEPEST, MOST_FILES};
use crate::clock::Instant;
use crate::files::FileError;
use crate::logbook::LogError;

/// Why a desk cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A logbook cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Nobody knows what it is.
    #[error("`{}`: nobody knows what this is ({what})", path.display())]
    Strange {
        /// Which file.
        path: PathBuf,
        /// What it looks like.
        what: &'static str,
    },
    /// It is not as such a file is.
    #[error("`{}`{}: {what}", path.display(), at_record(*record))]
    Broken {
        /// Which file.
        path: PathBuf,
        /// Record, from 1; 0: the file as a whole.
        record: u64,
        /// What is wrong.
        what: String,
    },
    /// There is no logbook among the files.
    #[error("there is no logbook among these: nothing to hold the evidence against")]
    NoBook,
    /// Several files cannot be taken.
    #[error("{} files cannot be taken:{}", .0.len(), named(.0))]
    Strays(Vec<DeskError>),
    /// Waivers or leavers out of the kit that is audited.
    #[error("`{}` lies in the kit that is audited: waivers and people who left come from elsewhere", .0.display())]
    FromKit(PathBuf),
    /// A link in a folder.
    #[error("`{}` is a link: it is not followed", .0.display())]
    Link(PathBuf),
    /// Too many files or folders.
    #[error("`{}`: more than {MOST_FILES} files, or folders in folders deeper than {DEEPEST}", .0.display())]
    TooMuch(PathBuf),
    /// A book begins after the time of the audit.
    #[error("`{}` begins after {}, the time of this audit", path.display(), as_of.rfc3339())]
    TooEarly {
        /// Which logbook.
        path: PathBuf,
        /// The time.
        as_of: Instant,
    },
    /// Two files of that name.
    #[error("`--report-time` names `{}`, and several files are called so", .0.display())]
    TwoFiles(PathBuf),
    /// Two times for one file.
    #[error("`--report-time` gives `{}` two times", .0.display())]
    TwoTimes(PathBuf),
    /// No strip was found on what was scanned.
    #[error("no record is on {}", list(.0))]
    NoStrip(Vec<PathBuf>),
    /// Facts were asked for where there is no evidence.
    #[error("there is no evidence of a platform among these")]
    NoEvidence,
    /// A time was given for a file that is not there.
    #[error("`--report-time` names `{}`, which is not among the files", .0.display())]
    NoSuchFile(PathBuf),
}

/// Most files that are named when they cannot be taken.
const MOST_NAMED: usize = 20;

fn named(strays: &[DeskError]) -> String {
    let more = strays.len().saturating_sub(MOST_NAMED);
    let more = (more > 0).then(|| format!("and {more} more"));
    let names = strays.iter().take(MOST_NAMED).map(ToString::to_string);
    names.chain(more).flat_map(|name| ["\n  ".to_owned(), name]).collect()
}

fn list(paths: &[PathBuf]) -> String {
    let names: Vec<String> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
    names.join(", ")
}

fn at_record(record: u64) -> String {
    if record == 0 { String::new() } else { format!(", record {record}") }
}

/// A file that is not as such a file is; record 0: the file as a whole.
pub(super) fn broken(path: &Path, record: u64, what: String) -> DeskError {
    DeskError::Broken { path: path.to_owned(), record, what }
}
