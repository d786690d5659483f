//! Where records go: the kit's logbook, or a loose file when there is none that can be used.

use std::path::{Path, PathBuf};

use super::Context;
use super::screen::show_strips;
use crate::clock::Instant;
use crate::codes::Code;
use crate::files;
use crate::logbook::{Appended, Draft, Entry, Logbook, check_code};
use crate::set::SheetShare;
use crate::ui::{Failure, Ui};

/// Writes the records of one opening.
pub(super) struct Recorder<'a> {
    context: &'a Context,
    book: Option<Logbook>,
    file: Option<PathBuf>,
    prev_code: Option<Code>,
}

/// A record on disk (or in ink), and its check code.
pub(super) struct Recorded {
    /// What is written by hand beside it.
    pub(super) code: Code,
    /// Its number, where it stands in a logbook.
    pub(super) seq: Option<u64>,
    /// The line itself.
    pub(super) line: String,
    /// Where it stands, in words.
    pub(super) place: String,
}

impl<'a> Recorder<'a> {
    /// `file` is where a loose record goes when the user named a place.
    pub(super) fn new(context: &'a Context, book: Option<Logbook>, file: Option<&Path>) -> Self {
        Self { context, book, file: file.map(Path::to_owned), prev_code: None }
    }

    /// Says whether records will be loose.
    pub(super) fn is_loose(&self) -> bool {
        self.book.is_none()
    }

    /// Takes the last check code in the paper book, which a loose record carries.
    pub(super) fn follow(&mut self, code: Code) {
        self.prev_code = Some(code);
    }

    /// Tries whether the logbook can be appended to; if not, records become loose and the reason comes back.
    pub(super) fn probe(&mut self) -> Option<String> {
        let book = self.book.as_ref()?;
        match files::open_locked(book.path()) {
            Ok(_) => None,
            Err(error) => {
                self.book = None;
                Some(error.to_string())
            }
        }
    }

    /// Writes records in their order, on disk before this returns. The tags of `sheets` go into the last one.
    pub(super) fn write(
        &mut self,
        drafts: &[Draft],
        sheets: &[SheetShare],
    ) -> Result<Recorded, Failure> {
        let Some(book) = &self.book else { return self.write_loose(drafts, sheets) };
        let mut last: Option<Appended> = None;
        for (i, draft) in drafts.iter().enumerate() {
            let tags = if i + 1 == drafts.len() { sheets } else { &[] };
            match book.append(draft, tags) {
                Ok(appended) => last = Some(appended),
                Err(error) => {
                    self.context.ui.warn(&format!("{error}; the record will be a loose one"));
                    // what was appended before it is what the loose rest follows
                    self.prev_code = last.as_ref().map(Appended::check_code).or(self.prev_code);
                    self.book = None;
                    return self.write_loose(&drafts[i..], sheets);
                }
            }
        }
        let last = last.ok_or_else(|| Failure::invalid("there is nothing to record"))?;
        let place = format!("record {} in `{}`", last.seq, book.path().display());
        Ok(Recorded { code: last.check_code(), seq: Some(last.seq), line: last.line, place })
    }

    /// Loose records follow each other by their check codes, so the last one in ink pins them all.
    fn write_loose(
        &mut self,
        drafts: &[Draft],
        sheets: &[SheetShare],
    ) -> Result<Recorded, Failure> {
        let mut lines = String::new();
        let mut code = None;
        let mut last = String::new();
        for (i, draft) in drafts.iter().enumerate() {
            let tags = if i + 1 == drafts.len() { sheets } else { &[] };
            let line = draft.loose_line(self.prev_code, tags);
            self.prev_code = Some(check_code(line.as_bytes()));
            code = self.prev_code;
            lines.push_str(&line);
            lines.push('\n');
            last = line;
        }
        let code = code.ok_or_else(|| Failure::invalid("there is nothing to record"))?;
        // a second record of one opening goes beside the first
        let name = format!("record-{}.json", code.short());
        let file = match &self.file {
            Some(file) if file.exists() => files::parent(file).join(name),
            Some(file) => file.clone(),
            None => name.into(),
        };
        match files::write_new(&file, lines.as_bytes()) {
            Ok(()) => {
                let place = format!("loose record `{}`", file.display());
                Ok(Recorded { code, seq: None, line: last, place })
            }
            Err(error) => self.write_in_ink(&lines, last, code, &error.to_string()),
        }
    }

    /// No file can be written anywhere: the paper book is the only record, and the code typed back proves it.
    fn write_in_ink(
        &self,
        lines: &str,
        line: String,
        code: Code,
        why: &str,
    ) -> Result<Recorded, Failure> {
        let ui = &self.context.ui;
        if !ui.can_ask() {
            let message = format!("the record cannot be written: {why}");
            return Err(Failure::invalid(message).hint("name a place for it with `--record FILE`"));
        }
        ui.warn(&format!("the record cannot be written ({why}): the paper book has to hold it"));
        let flag = "`--record FILE`";
        let shown = show_strips(ui, lines, flag)?;
        let text = if shown > 0 {
            format!(
                "Write this line into the paper book now:\n\n  {}",
                in_the_book(&line, &code.to_string())
            )
        } else {
            // no code fits the screen, so the record itself has to be photographed
            format!(
                "Write the check code into the paper book now, and photograph this screen:\n\n  {code}\n\n{lines}"
            )
        };
        ui.show_text(&text, flag)?;
        loop {
            let typed = ui.ask("Check code, as it now stands in the book: ", flag)?;
            if code.slips(&typed) == Some(0) {
                return Ok(Recorded {
                    code,
                    seq: None,
                    line,
                    place: "the paper book alone".to_owned(),
                });
            }
            ui.must_say("That is not the code.");
            if ui.confirm("See it again?", flag)? {
                ui.show_text(&text, flag)?;
            }
        }
    }
}

/// Shows the check code that is written by hand.
pub(super) fn show_code(ui: &Ui, recorded: &Recorded) {
    ui.must_say(&format!("Recorded: {}", recorded.place));
    paper_line(ui, &recorded.line, &recorded.code);
}

/// Shows a record as its line of the paper book: date, local time, event, sheets, check code.
pub(super) fn paper_line(ui: &Ui, line: &str, code: &Code) {
    let words = in_the_book(line, &Ui::strong(&code.to_string()));
    ui.must_say(&format!("Write into the paper book:  {words}"));
}

/// Returns a record as its line of the paper book.
pub(super) fn in_the_book(line: &str, code: &str) -> String {
    let Ok(entry) = Entry::read(line.as_bytes()) else { return code.to_owned() };
    let local = entry.at().map(Instant::local).unwrap_or_default();
    let sheets = entry.sheets().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let row = [&local, entry.text("event"), &sheets, code];
    row.into_iter().filter(|cell| !cell.is_empty()).collect::<Vec<_>>().join("  ")
}

/// Appends records and shows what is written by hand; presence tags go into the last one.
pub(super) fn written(
    ui: &Ui,
    book: &Logbook,
    drafts: &[Draft],
    sheets: &[SheetShare],
) -> Result<Vec<u64>, Failure> {
    let mut numbers = Vec::new();
    for (i, draft) in drafts.iter().enumerate() {
        let tags = if i + 1 == drafts.len() { sheets } else { &[] };
        let appended = book.append(draft, tags)?;
        ui.must_say(&format!("Recorded: record {} in `{}`", appended.seq, book.path().display()));
        numbers.push(appended.seq);
        if i + 1 == drafts.len() {
            paper_line(ui, &appended.line, &appended.check_code());
        }
    }
    Ok(numbers)
}
