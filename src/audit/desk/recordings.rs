//! Recordings of sessions: their chains are followed, and what can be read is searched for secrets. Part by part, line by
//! line: a recording may be of any length.

use std::io::{BufRead, Read};
use std::path::Path;

use super::error::DeskError;
use super::secrets::Search;
use crate::audit::case::{Input, Recorded};
use crate::audit::source::Source;
use crate::files::FileError;
use crate::logbook::hex;
use crate::session::recording::{INDEX, MAX_PART, Recording};

/// Reads the folder of a recording. One that is not whole is no error: that is what an audit is to find.
pub(super) fn read_folder(path: &Path) -> Recorded {
    let mut recorded = Recorded {
        path: path.to_owned(),
        folder: true,
        index: None,
        heads: Vec::new(),
        broken: None,
        traces: Vec::new(),
    };
    match Recording::open(path) {
        Ok(recording) => follow(&recording, &mut recorded),
        Err(error) => recorded.broken = Some(error.to_string()),
    }
    recorded
}

fn follow(recording: &Recording, recorded: &mut Recorded) {
    let open = recording.index.recipients.is_empty();
    let mut search = Search::new();
    let mut head = recording.first();
    recorded.heads.push(head.hex());
    for number in 1..=recording.parts() {
        let (part, next) = match recording.part(number, head) {
            Ok(read) => read,
            Err(error) => {
                recorded.broken.get_or_insert(error.to_string());
                break;
            }
        };
        let sealed = part.starts_with(SEALED);
        if !open && !sealed {
            let file = recording.part_path(number);
            recorded.broken.get_or_insert(format!("`{}` is no age file", file.display()));
        }
        if open || !sealed {
            let place = || format!("part {number}");
            let lines = match recording.body(number, head, &part) {
                Ok(body) => body,
                Err(error) => {
                    recorded.broken.get_or_insert(error.to_string());
                    &part
                }
            };
            lines.split(|b| *b == b'\n').for_each(|line| search.line(line, place));
        }
        head = next;
        recorded.heads.push(head.hex());
    }
    recorded.traces = search.finish();
    if recorded.broken.is_none() {
        let stranger = recording.strangers().into_iter().next();
        recorded.broken =
            stranger.map(|path| format!("`{}` is no part of the recording", path.display()));
    }
    recorded.index = Some(recording.index.clone());
}

/// Says what was looked at: a recording stands for all its parts, by the end of its chain.
pub(super) fn as_input(recorded: &Recorded) -> Input {
    let end = recorded.heads.last().and_then(|head| unhex(head));
    let index = || super::hash_of(&recorded.path.join(INDEX)).ok();
    let what = if recorded.broken.is_none() { FOLDER } else { BROKEN };
    let sha256 = end.or_else(index).unwrap_or_default();
    Input { path: recorded.path.clone(), what, sha256 }
}

/// How a part begins that is encrypted.
const SEALED: &[u8] = b"age-encryption.org/v1\n";
const FOLDER: &str = "recorded session";
const BROKEN: &str = "recorded session, not whole";

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut out = [0; 32];
    for (i, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    Some(out)
}

/// Reads a recording that is one file, and is not encrypted.
pub(super) fn read_file(path: &Path) -> Result<Recorded, DeskError> {
    let mut source = Source::open(path)?;
    let io = |source| FileError::Io { deed: "read", path: path.to_owned(), source };
    let mut search = Search::new();
    let (mut line, mut broken) = (Vec::new(), None);
    for number in 1_u64.. {
        line.clear();
        // what has no lines is read in pieces
        let read = source.by_ref().take(MAX_PART as u64).read_until(b'\n', &mut line);
        match read {
            Ok(0) => break,
            Ok(_) => search.line(&line, || format!("line {number}")),
            // packed, and cut off
            Err(error) => {
                broken = Some(error.to_string());
                break;
            }
        }
    }
    let heads = vec![hex(&source.finish().map_err(io)?.0)];
    let path = path.to_owned();
    let traces = search.finish();
    Ok(Recorded { path, folder: false, index: None, heads, broken, traces })
}
