//! What a file is, by its content: never by its name.

use std::path::Path;

use super::error::DeskError;
use crate::audit::probe::Probe;
use crate::audit::readers::{self, Format};
use crate::audit::source::Source;
use crate::files::FileError;

/// A file by what it is.
pub(super) enum Sorted {
    Book,
    Method,
    Transcript,
    Leavers,
    Waivers,
    Evidence(&'static Format, Box<Probe>),
    /// Pictures and PDFs: strips were scanned.
    Page,
    /// It is kept, and says nothing to an auditor.
    Aside(&'static str),
}

/// Says what a file is.
pub(super) fn sort(path: &Path) -> Result<Sorted, DeskError> {
    let source = Source::open(path)?;
    let io = |source| FileError::Io { deed: "read", path: path.to_owned(), source };
    let probe = Probe::of(source).map_err(io)?;
    let strange = |what| Err(DeskError::Strange { path: path.to_owned(), what });
    if probe.json(|shape| shape.element_has(&["v", "seq", "prev", "event"])) {
        return Ok(Sorted::Book);
    }
    if probe.table(&["book", "page", "line", "check_code"]) {
        return Ok(Sorted::Transcript);
    }
    if probe.table(&["id", "name", "left"]) {
        return Ok(Sorted::Leavers);
    }
    if let Some(format) = readers::format_of(&probe) {
        return Ok(Sorted::Evidence(format, Box::new(probe)));
    }
    match &probe {
        Probe::Text(head) if head.contains("[[waiver") => Ok(Sorted::Waivers),
        Probe::Text(head) if head.contains("owner_team") && head.contains("permitted_uses") => {
            Ok(Sorted::Method)
        }
        Probe::Text(head)
            if head.starts_with("# Audit of ")
                || head.starts_with("<!doctype html>") && head.contains("<title>Audit of ") =>
        {
            Ok(Sorted::Aside(REPORT))
        }
        Probe::Json(shape) if shape.has(&["as_of", "findings"]) => Ok(Sorted::Aside(REPORT)),
        Probe::Text(head) if head.contains("[contacts") => Ok(Sorted::Aside("contacts")),
        Probe::Text(head) if head.starts_with("age-encryption.org/v1\n") => {
            Ok(Sorted::Aside(SEALED))
        }
        // asciicast versions 1 and 2, and 3
        Probe::Json(shape)
            if shape.element_has(&["version", "width", "height"])
                || shape.element_has(&["version", "term"]) =>
        {
            Ok(Sorted::Aside(TERMINAL))
        }
        Probe::Json(shape) if shape.has(&["part", "prev"]) => {
            strange("a part of a recording: bring the folder that it lies in")
        }
        Probe::Bytes(head) => {
            bytes(head).map_or_else(|| strange("no text, no picture, no PDF and no recording"), Ok)
        }
        Probe::Empty => strange("it is empty"),
        Probe::Json(shape) if shape.element.is_empty() => {
            strange("a list without anything in it does not say what it lists")
        }
        Probe::Json(_) => strange("JSON of a kind that is not known"),
        Probe::Table(_) => strange(
            "a table whose columns are not known; the table for everything else has credential_id,event,at",
        ),
        Probe::Text(_) => strange("text"),
    }
}

const REPORT: &str = "report of an audit";
const SEALED: &str = "sealed recording";
/// A recording of a terminal that is one file.
pub(super) const TERMINAL: &str = "recording of a terminal";

/// Sorts what is no text, by its first bytes.
fn bytes(head: &[u8]) -> Option<Sorted> {
    let at = |from: usize, magic: &[u8]| head.get(from..).is_some_and(|h| h.starts_with(magic));
    let heic = at(4, b"ftyp") && [&b"heic"[..], b"heix", b"mif1"].iter().any(|brand| at(8, brand));
    let page = [&b"%PDF-"[..], b"\x89PNG", b"\xff\xd8\xff", b"II*\0", b"MM\0*"];
    if page.iter().any(|magic| at(0, magic)) || at(0, b"RIFF") && at(8, b"WEBP") || heic {
        return Some(Sorted::Page);
    }
    if at(0, b"age-encryption.org/v1\n") {
        return Some(Sorted::Aside(SEALED));
    }
    // MP4 and Matroska
    (at(4, b"ftyp") || at(0, b"\x1a\x45\xdf\xa3")).then_some(Sorted::Aside("recording of a screen"))
}
