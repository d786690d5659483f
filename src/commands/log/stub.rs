//! `log stub`: records as strips of paper that can be scanned back.

use std::collections::BTreeSet;
use std::path::Path;

use super::existing;
use super::show::people_and_words;
use crate::cli::LogStub;
use crate::codes::payload::Payload;
use crate::commands::Context;
use crate::commands::print::write_document;
use crate::exit::Exit;
use crate::logbook::Entry;
use crate::logbook::stub::{self, LogId};
use crate::ui::Failure;

pub(super) fn run(context: &Context, args: &LogStub) -> Result<Exit, Failure> {
    let (files, words): (Vec<&String>, Vec<&String>) =
        args.records.iter().partition(|word| Path::new(word).is_file());
    let mut stubs = Vec::new();
    if !words.is_empty() {
        of_the_book(context, &words, &mut stubs)?;
    }
    for file in files {
        loose(Path::new(file), &mut stubs)?;
    }
    let count = stubs.len();
    write_document(context, "stub", &args.output, args.paper, |values| {
        values.records("stubs", stubs);
    })?;
    let words = match count {
        1 => "1 strip: cut it out, sign it, glue it into the paper book".to_owned(),
        _ => format!("{count} strips: cut them out, sign them, glue them into the paper book"),
    };
    context.ui.say(&words);
    Ok(Exit::Done)
}

/// Takes records of the kit's logbook.
fn of_the_book(
    context: &Context,
    words: &[&String],
    stubs: &mut Vec<Fields>,
) -> Result<(), Failure> {
    let book = existing(context)?;
    let wanted = numbers(words)?;
    let mut log: Option<LogId> = None;
    let mut seen = 0;
    for entry in book.records()? {
        let entry = entry?;
        let log = *log.get_or_insert_with(|| stub::log_id(entry.line.as_bytes()));
        seen = entry.seq;
        if wanted.contains(&entry.seq) {
            stubs.push(fields(&entry, log)?);
        }
    }
    match wanted.iter().find(|seq| **seq == 0 || **seq > seen) {
        Some(missing) => {
            let message = format!("there is no record {missing}; there are 1 to {seen}");
            Err(Failure::new(Exit::No, message))
        }
        None => Ok(()),
    }
}

/// Takes the loose records of a file.
fn loose(path: &Path, stubs: &mut Vec<Fields>) -> Result<(), Failure> {
    let name = path.display();
    let Some(entries) = super::import::lines(path)? else {
        return Err(Failure::invalid(format!("`{name}` holds no records")));
    };
    if let Some(entry) = entries.iter().find(|entry| !entry.is_loose()) {
        let message = format!("`{name}` holds record {} of a logbook, no loose one", entry.seq);
        return Err(Failure::invalid(message)
            .hint("`breakglass -C DIR log stub SEQ -o strips` prints those of a kit"));
    }
    for entry in entries {
        stubs.push(fields(&entry, LogId::default())?);
    }
    Ok(())
}

/// What a strip says.
type Fields = Vec<(&'static str, String)>;

fn fields(entry: &Entry, log: LogId) -> Result<Fields, Failure> {
    let parts = stub::cut(entry, log)
        .map_err(|e| Failure::invalid(format!("record {}: {e}", entry.seq)))?;
    let codes: Vec<String> =
        parts.into_iter().map(|part| Payload::Record(part).text().to_string()).collect();
    let (people, words) = people_and_words(entry);
    let sheets: Vec<String> = entry.sheets().iter().map(ToString::to_string).collect();
    Ok(vec![
        ("seq", if entry.is_loose() { "loose".to_owned() } else { entry.seq.to_string() }),
        ("event", entry.text("event").to_owned()),
        ("at", entry.at().map(crate::clock::Instant::local).unwrap_or_default()),
        ("sheets", sheets.join(" ")),
        ("people", people.replace("  ", "; ")),
        ("words", words.replace("  ", "; ")),
        ("code", entry.check_code().to_string()),
        ("codes", codes.join(" ")),
    ])
}

/// Reads `12` and `3-7`.
fn numbers(words: &[&String]) -> Result<BTreeSet<u64>, Failure> {
    let mut all = BTreeSet::new();
    for word in words {
        let (first, last) = word.split_once('-').unwrap_or((word.as_str(), word.as_str()));
        match (first.parse::<u64>(), last.parse::<u64>()) {
            (Ok(first), Ok(last)) if first <= last && last - first < 1000 => {
                all.extend(first..=last);
            }
            _ => {
                return Err(Failure::invalid(format!(
                    "`{word}` is neither a number of a record, nor a range like 3-7 of at most 1000, nor a file"
                )));
            }
        }
    }
    Ok(all)
}
