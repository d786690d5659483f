//! `log transcript` and `log compare`: the paper book, typed, held against the file.

use serde_json::json;

use super::existing;
use crate::cli::{LogCompare, LogTranscript};
use crate::commands::Context;
use crate::exit::Exit;
use crate::files;
use crate::logbook::Entry;
use crate::logbook::transcript::{self, Finding, HEAD, MOST_PAIRS};
use crate::ui::Failure;

const MAX_FILE: usize = 64 * 1024 * 1024;

pub(super) fn transcript(context: &Context, args: &LogTranscript) -> Result<Exit, Failure> {
    let text = format!("{HEAD}\n");
    match &args.output {
        Some(path) => {
            files::write_new(path, text.as_bytes())?;
            context.ui.say(&format!(
                "Type the paper book into `{0}`, one line for each of its lines, then `breakglass log compare {0}`",
                path.display()
            ));
        }
        None => context.ui.data(HEAD),
    }
    Ok(Exit::Done)
}

pub(super) fn run(context: &Context, args: &LogCompare) -> Result<Exit, Failure> {
    let ui = &context.ui;
    let book = existing(context)?;
    let text = files::read_text(&args.transcript, MAX_FILE)?;
    let typed = transcript::parse(&text)
        .map_err(|e| Failure::invalid(format!("`{}`, {e}", args.transcript.display())))?;
    let entries = book.records()?.collect::<Result<Vec<Entry>, _>>()?;
    if typed.len().saturating_mul(entries.len()) > MOST_PAIRS {
        return Err(Failure::invalid(format!(
            "{} lines and {} records are too many to compare at once",
            typed.len(),
            entries.len()
        ))
        .hint("a book has some thousand lines: compare book by book"));
    }
    let working = ui.working("comparing; each check code takes a tenth of a second");
    let findings = transcript::compare(&typed, &entries);
    drop(working);
    if args.json {
        let list: Vec<_> = findings.iter().map(Finding::json).collect();
        let result = json!({ "version": 1, "lines": typed.len(), "records": entries.len(), "findings": list });
        ui.data(&result.to_string());
    } else {
        for finding in &findings {
            ui.data(&finding.to_string());
        }
        ui.data(&format!(
            "{} lines on paper, {} records in the file, {} differences",
            typed.len(),
            entries.len(),
            findings.len()
        ));
    }
    if findings.is_empty() {
        return Ok(Exit::Done);
    }
    Ok(Exit::No)
}
