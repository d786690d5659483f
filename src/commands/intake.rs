//! Files, folders and standard input become payloads in a pile; shared by `combine` and `inspect`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use zeroize::Zeroizing;

use super::Context;
use crate::files::{self, FileError};
use crate::harden;
use crate::opening::{Note, Origin, Pile};
use crate::scan::{self, Code, Overlay, Page, PageProblem, Reader, Reading, Refusal};
use crate::ui::{Failure, Ui};

/// Most files taken from one folder.
const MAX_FILES: usize = 1000;

/// Most pages read at once, over all files.
const MAX_AT_ONCE: usize = 8;

/// Most lines taken from one text; a set has a hundred. Every line without a label is tried at every place.
const MAX_TEXT_LINES: usize = 5000;

/// One page, picture or text, and what it gave.
pub(super) struct Look {
    /// Where.
    pub(super) origin: Origin,
    /// Page of the file, from 1; 0 for a text.
    pub(super) page: u32,
    /// The codes as they were read; for a text none.
    pub(super) codes: Vec<Code>,
    /// What there is to say, each with the place it was read at.
    pub(super) notes: Vec<(Origin, Note)>,
    /// Whether there are codes on it that could not be read.
    pub(super) unread: bool,
    /// Why the page could not be read, or only in part.
    pub(super) problem: Option<PageProblem>,
}

/// Returns the files that the arguments name: a folder gives its files by name, hidden ones left out.
pub(super) fn expand(ui: &Ui, paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    if paths.iter().filter(|path| path.as_os_str() == "-").count() > 1 {
        return Err(Failure::invalid("standard input (`-`) can be read only once"));
    }
    let mut all = Vec::new();
    for path in paths {
        if !path.is_dir() {
            all.push(path.clone());
            continue;
        }
        let failed = |source| FileError::Io { deed: "read", path: path.clone(), source };
        let mut inside = Vec::new();
        for entry in std::fs::read_dir(path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            if !hidden && entry.path().is_file() {
                inside.push(entry.path());
            } else if !hidden && entry.path().is_dir() {
                ui.warn(&format!(
                    "`{}` is a folder in a folder and was not looked into",
                    entry.path().display()
                ));
            }
        }
        if inside.len() > MAX_FILES {
            return Err(Failure::invalid(format!(
                "`{}` holds more than {MAX_FILES} files",
                path.display()
            )));
        }
        if inside.is_empty() {
            ui.warn(&format!("there is no file in `{}`", path.display()));
        }
        inside.sort();
        all.append(&mut inside);
    }
    Ok(all)
}

/// Reads files, as many at once as there are processors up to eight, and gives each to `take` in the order of the
/// list.
pub(super) fn each_read(
    context: &Context,
    paths: &[PathBuf],
    mut take: impl FnMut(&Path, Result<Reading, Failure>),
) {
    // every worker may take a gibibyte, so their number is bounded over all files
    let processors = thread::available_parallelism().map_or(1, usize::from).min(MAX_AT_ONCE);
    let at_once = processors.min(paths.len());
    let reader = context.reader().with_workers(processors / at_once.max(1));
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let (send, receive) = mpsc::channel();
        for _ in 0..at_once {
            let (send, next, reader) = (send.clone(), &next, &reader);
            // what was read may be a share, and passes over this thread's stack
            let take_turns = move || loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(path) = paths.get(at) else { return };
                // the other end waits for every file
                let _ = send.send((at, read(reader, path)));
            };
            scope.spawn(|| harden::with_burnt_stack(take_turns));
        }
        drop(send);
        let mut early = BTreeMap::new();
        for (at, path) in paths.iter().enumerate() {
            let note = format!("reading {} ({} of {})", path.display(), at + 1, paths.len());
            let working = context.ui.working(&note);
            while !early.contains_key(&at) {
                let Ok((at, reading)) = receive.recv() else { break };
                early.insert(at, reading);
            }
            drop(working);
            if let Some(reading) = early.remove(&at) {
                take(path, reading);
            }
        }
    });
}

fn read(reader: &Reader, path: &Path) -> Result<Reading, Failure> {
    let limit = scan::MAX_FILE;
    let bytes = if path.as_os_str() == "-" {
        files::read_from(files::stdin()?, path, limit)?
    } else {
        files::read(path, limit)?
    };
    reader.read(&path.display().to_string(), &bytes).map_err(|error| {
        let way_out = match error.why {
            Refusal::NotYet(_) => "; save it as JPEG or PNG, or type the lines of leaf 2",
            _ => "",
        };
        Failure::invalid(format!("{error}{way_out}"))
    })
}

/// Puts what a file gave onto the pile; what could not be read is laid over what could not be read
/// before.
pub(super) fn put(
    pile: &mut Pile,
    overlay: &mut Overlay,
    name: &str,
    reading: Reading,
) -> Vec<Look> {
    let pages = match reading {
        Reading::Text(text) => return vec![text_look(pile, name, &text)],
        Reading::Pages(pages) => pages,
    };
    let single = pages.len() == 1;
    pages
        .into_iter()
        .map(|mut page| {
            let merged = overlay.take(&page);
            let new =
                merged.into_iter().filter(|code| page.codes.iter().all(|c| c.text != code.text));
            let new: Vec<Code> = new.collect();
            page.codes.extend(new);
            let place = (!single).then(|| format!("page {}", page.number));
            let origin = Origin { file: name.to_owned(), place };
            let notes = page.codes.iter().flat_map(|code| pile.add_code(&code.text, &origin));
            let notes = notes.map(|note| (origin.clone(), note)).collect();
            let unread = page.has_unread();
            let Page { number, codes, problem, .. } = page;
            Look { notes, origin, page: number, codes, unread, problem }
        })
        .collect()
}

fn text_look(pile: &mut Pile, name: &str, text: &Zeroizing<String>) -> Look {
    let mut notes = Vec::new();
    for (number, line) in (1..=MAX_TEXT_LINES).zip(text.lines()) {
        let origin = Origin { file: name.to_owned(), place: Some(format!("line {number}")) };
        notes.extend(pile.add_line(line, &origin).into_iter().map(|note| (origin.clone(), note)));
    }
    let origin = Origin { file: name.to_owned(), place: None };
    if text.lines().nth(MAX_TEXT_LINES).is_some() {
        let words = format!("only its first {MAX_TEXT_LINES} lines were read");
        notes.push((origin.clone(), Note::Problem(words)));
    }
    Look { origin, page: 0, codes: Vec::new(), notes, unread: false, problem: None }
}

/// Says a note in words, when there is something to say about it.
pub(super) fn in_words(note: &Note) -> Option<String> {
    match note {
        Note::New(..) => None,
        Note::Mended { label, position } => {
            let group = position.div_ceil(4);
            Some(format!("line {label}: one sign in group {group} was wrong and has been mended"))
        }
        Note::Ask { place, ways } => {
            let ways: Vec<&str> = ways.iter().map(|way| way.symbols.as_str()).collect();
            // a line of a share is not repeated in a message
            let shown = match (place.kind, ways.len()) {
                (crate::codes::Kind::Share, n) => format!("{n} other readings would fit"),
                (_, 0) => "nothing near it fits".to_owned(),
                (_, _) => format!("did you mean {}?", ways.join(" or ")),
            };
            Some(format!("line {place} does not fit its last four signs: {shown}"))
        }
        Note::Problem(what) => Some(what.clone()),
    }
}
