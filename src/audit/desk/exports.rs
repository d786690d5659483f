//! Evidence files, each with its reader.

use std::path::{Path, PathBuf};

use super::Options;
use super::error::{DeskError, broken};
use crate::audit::case::known;
use crate::audit::evidence::{Evidence, Interest, Kind, Reading};
use crate::audit::probe::Probe;
use crate::audit::readers::{self, Format};
use crate::audit::source::Source;
use crate::files::FileError;

/// How deep sessions that made sessions are followed.
const DEPTH: usize = 16;

/// Reads logs once more where sessions were found that they may have used before it was known whose they are: what
/// `lookup-events` gives has the newest first, and a trail has many files.
pub(super) fn again(
    evidence: &[(PathBuf, &'static Format, Probe)],
    options: &Options<'_>,
    interest: &mut Interest,
    files: &mut [Evidence],
) -> Result<(), DeskError> {
    let mut known = 0;
    let mut depth = 0;
    while depth <= DEPTH {
        let follows = |file: &Evidence| file.kind == Kind::Log && file.platform == "aws";
        let sessions: usize =
            files.iter().filter(|f| follows(f)).map(|f| f.found.aliases.len()).sum();
        if sessions == known {
            break;
        }
        known = sessions;
        depth += 1;
        for ((path, format, probe), file) in evidence.iter().zip(files.iter_mut()) {
            if follows(file) {
                *file = read_evidence(path, format, probe, options, interest)?;
                interest.aliases.extend(file.found.aliases.clone());
            }
        }
        if depth > DEPTH {
            let why = format!("sessions made sessions more than {DEPTH} times");
            let logs = files.iter_mut().filter(|file| follows(file));
            logs.for_each(|file| file.found.partial = Some(why.clone()));
        }
    }
    Ok(())
}

pub(super) fn is_same(path: &Path, named: &Path) -> bool {
    path == named
        || match (path.canonicalize(), named.canonicalize()) {
            (Ok(a), Ok(b)) => a == b,
            _ => false,
        }
        || named.components().count() == 1 && path.file_name() == named.file_name()
}

/// Reads an evidence file.
pub(super) fn read_evidence(
    path: &Path,
    format: &'static Format,
    probe: &Probe,
    options: &Options<'_>,
    interest: &Interest,
) -> Result<Evidence, DeskError> {
    let mut source = Source::open(path)?;
    let exact = options.report_times.iter().find(|(named, _)| path == named);
    let alike = || options.report_times.iter().find(|(named, _)| is_same(path, named));
    let given = exact.or_else(alike).map(|(_, at)| *at);
    let mut reading = Reading::new(interest);
    readers::read(&mut source, format, probe, (given, options.zone.as_ref()), &mut reading)
        .map_err(|b| broken(path, b.record, b.what))?;
    let io = |source| FileError::Io { deed: "read", path: path.to_owned(), source };
    let mut found = reading.found;
    if given.is_some() && found.report_time != given {
        found
            .notes
            .insert("it says itself when it was taken: `--report-time` was not needed".to_owned());
    }
    let (sha256, bytes) = source.finish().map_err(io)?;
    // a driver of one's own may be called anything: what it reports may be of any platform
    let platform = match known(&found.platform) {
        Some(platform) => platform.to_owned(),
        None => format.platform.to_owned(),
    };
    let kind = format.kind;
    Ok(Evidence {
        path: path.to_owned(),
        sha256,
        bytes,
        format: format.name,
        platform,
        kind,
        found,
    })
}
