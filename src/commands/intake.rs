//! Files, folders and standard input become payloads in a pile; shared by `combine` and `inspect`.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::Context;
use crate::files::{self, FileError};
use crate::opening::{Note, Origin, Pile};
use crate::scan::{self, Code, Overlay, PageProblem, Reading, Refusal};
use crate::ui::{Failure, Ui};

/// Most files taken from one folder.
const MAX_FILES: usize = 1000;

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
    /// Why the page could not be read, or only in part.
    pub(super) problem: Option<PageProblem>,
}

/// Returns the files that the arguments name: a folder gives its files by name, hidden ones left out.
pub(super) fn expand(ui: &Ui, paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
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

/// Reads one file into the pile; what cannot be read is laid over what could not be read before.
pub(super) fn take(
    context: &Context,
    pile: &mut Pile,
    overlay: &mut Overlay,
    path: &Path,
) -> Result<Vec<Look>, Failure> {
    let limit = scan::MAX_FILE;
    let bytes = if path.as_os_str() == "-" {
        files::read_from(files::stdin()?, path, limit)?
    } else {
        files::read(path, limit)?
    };
    let name = path.display().to_string();
    let reading = context.reader().read(&name, &bytes).map_err(|error| {
        let way_out = match error.why {
            Refusal::NotYet(_) => "; save it as JPEG or PNG, or type the lines of leaf 2",
            _ => "",
        };
        Failure::invalid(format!("{error}{way_out}"))
    })?;
    Ok(match reading {
        Reading::Text(text) => vec![text_look(pile, &name, &text)],
        Reading::Pages(pages) => {
            let single = pages.len() == 1;
            pages
                .into_iter()
                .map(|mut page| {
                    page.codes.extend(overlay.take(&page));
                    let place = (!single).then(|| format!("page {}", page.number));
                    let origin = Origin { file: name.clone(), place };
                    let notes =
                        page.codes.iter().flat_map(|code| pile.add_code(&code.text, &origin));
                    let notes = notes.map(|note| (origin.clone(), note)).collect();
                    Look {
                        notes,
                        origin,
                        page: page.number,
                        codes: page.codes,
                        problem: page.problem,
                    }
                })
                .collect()
        }
    })
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
    Look { origin, page: 0, codes: Vec::new(), notes, problem: None }
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
