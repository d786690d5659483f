//! `log verify`: the chain, its end against the ink, which sheets were read at which records, and the evidence.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::evidence::{self, File, Named};
use super::existing;
use crate::cli::LogVerify;
use crate::codes::Code;
use crate::codes::code::CodeKind;
use crate::commands::{Context, intake};
use crate::exit::Exit;
use crate::logbook::{Entry, LogError, check_code, hex};
use crate::opening::Pile;
use crate::set::SheetShare;
use crate::ui::{Failure, Ui};

/// Among how many of the last records the code in ink is looked for; each costs 0.1 s.
const LOOK_BACK: usize = 200;

pub(super) fn run(context: &Context, args: &LogVerify) -> Result<Exit, Failure> {
    let ui = &context.ui;
    let book = existing(context)?;
    let sheets = read_sheets(context, args)?;
    let mut last: VecDeque<Entry> = VecDeque::new();
    let (mut claims, mut named) = (Vec::new(), Named::default());
    let mut records = book.records()?;
    let mut count = 0_u64;
    for entry in records.by_ref() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error @ LogError::Line { .. }) => return Err(broken(ui, args, &error)),
            Err(error) => return Err(Failure::from(error)),
        };
        named.take(&entry);
        claims.extend(sheets.iter().filter_map(|sheet| claim(&entry, sheet)));
        count += 1;
        if last.len() == if args.head.is_some() { LOOK_BACK } else { 1 } {
            last.pop_front();
        }
        last.push_back(entry);
    }
    let torn = records.torn;
    let Some(end) = last.back() else {
        let message = format!("logbook `{}` is empty: every record is gone", book.path().display());
        return Err(Failure::new(Exit::No, message)
            .hint("compare with the paper book and another copy of the file"));
    };
    let end = (end.seq, end.text("event").to_owned());
    let told = match &args.head {
        None => None,
        Some(text) => Some(against_ink(ui, text, last.make_contiguous())?),
    };
    let files = named.compare(crate::files::parent(book.path()));
    if args.json {
        let read: Vec<Value> = claims
            .iter()
            .map(|claim| json!({ "sheet": claim.sheet, "record": claim.record, "proven": claim.proven }))
            .collect();
        let result = json!({
            "version": 1,
            "chain": "whole",
            "records": count,
            "torn_bytes": torn,
            "last": { "record": end.0, "event": end.1 },
            "head_matches": told.as_ref().map(Result::is_ok),
            "sheets": read,
            "evidence": files.iter().map(File::json).collect::<Vec<_>>(),
        });
        ui.data(&result.to_string());
    } else {
        ui.data(&format!("{count} records, the chain is whole"));
        ui.data(&format!("the last one is record {}, {}", end.0, end.1));
        if torn > 0 {
            ui.warn(&format!(
                "the file ends in {torn} bytes of a torn record; the next record keeps them"
            ));
        }
        tell_claims(ui, &sheets, &claims);
        evidence::tell(ui, &files);
    }
    let false_claim =
        claims.iter().any(|claim| !claim.proven) || files.iter().any(File::is_changed);
    match told {
        Some(Ok(())) if false_claim => Ok(Exit::No),
        Some(Ok(())) => {
            ui.say("The head is the one in ink.");
            Ok(Exit::Done)
        }
        Some(Err(message)) => Err(Failure::new(Exit::No, message)
            .hint("look for what the book should have after that line, or for a loose record with that code")),
        None => {
            ui.say("NOT checked: whether the last record was changed, or later ones are missing. Repeat with");
            ui.say("`--head CODE`, the last check code in the paper book.");
            Ok(if false_claim { Exit::No } else { Exit::Done })
        }
    }
}

fn broken(ui: &Ui, args: &LogVerify, error: &LogError) -> Failure {
    if args.json {
        let result = json!({ "version": 1, "chain": "broken", "error": error.to_string() });
        ui.data(&result.to_string());
    }
    Failure::new(Exit::No, error.to_string())
        .hint("the records before that line hold; compare with the paper book and another copy, change nothing")
}

/// Compares with the last code in ink; tells where that code stands when it is not the last.
fn against_ink(ui: &Ui, text: &str, last: &[Entry]) -> Result<Result<(), String>, Failure> {
    let Some(end) = last.last() else { return Ok(Ok(())) };
    let head = end.check_code();
    let ink = match Code::parse(CodeKind::Record, text) {
        Ok(ink) => ink,
        Err(_) if head.slips(text) == Some(1) && ui.can_ask() => {
            let question = format!("One sign differs. Does the book say {head} ?");
            if ui.confirm(&question, "`--head CODE`")? {
                return Ok(Ok(()));
            }
            return Err(Failure::invalid("then please read the line in the book again"));
        }
        Err(error) => {
            let message = format!("the check code is not one: {error}");
            let near = head.slips(text) == Some(1);
            let hint = if near {
                format!("one sign differs from {head}, the code of the last record: read it again")
            } else {
                "read the line in the book again".to_owned()
            };
            return Err(Failure::invalid(message).hint(hint));
        }
    };
    if ink == head {
        return Ok(Ok(()));
    }
    let found = last.iter().rev().find(|entry| check_code(entry.line.as_bytes()) == ink);
    Ok(Err(match found {
        Some(entry) => format!(
            "the ink says {ink}, which is record {}: {} after it not in ink",
            entry.seq,
            end.seq - entry.seq
        ),
        None => format!(
            "the ink says {ink}, and none of the last {LOOK_BACK} records has this code: the end of the file is missing or was changed"
        ),
    }))
}

/// That a record says a sheet was read, and whether the sheet at hand proves it.
struct Claim {
    sheet: String,
    record: u64,
    event: String,
    proven: bool,
}

fn read_sheets(context: &Context, args: &LogVerify) -> Result<Vec<SheetShare>, Failure> {
    if args.sheet.is_empty() {
        return Ok(Vec::new());
    }
    let sheets = sheets_in(context, &args.sheet)?;
    if sheets.is_empty() {
        return Err(Failure::invalid("no open sheet was read there").hint(
            "`breakglass inspect FILE` says what is on a page; a locked sheet cannot prove it was read",
        ));
    }
    Ok(sheets)
}

/// Reads the open sheets in files and folders.
pub(super) fn sheets_in(
    context: &Context,
    paths: &[std::path::PathBuf],
) -> Result<Vec<SheetShare>, Failure> {
    let mut pile = Pile::default();
    let mut overlay = crate::scan::Overlay::default();
    let paths = intake::expand(&context.ui, paths)?;
    let mut failed = None;
    intake::each_read(context, &paths, |path, reading| match reading {
        Ok(reading) => {
            intake::put(&mut pile, &mut overlay, &path.display().to_string(), reading);
        }
        Err(failure) => failed = Some(failure),
    });
    match failed {
        Some(failure) => Err(failure),
        None => Ok(pile.shares().map(|(sheet, _)| sheet.clone()).collect()),
    }
}

fn claim(entry: &Entry, sheet: &SheetShare) -> Option<Claim> {
    // what came in from elsewhere keeps its own core
    let imported = entry.imported();
    let inner = imported.as_ref().unwrap_or(entry);
    let set = Code::from_bytes(CodeKind::Set, sheet.set).to_string();
    let tag = inner.members.get("presence")?.get(sheet.id().to_string())?.as_str()?;
    if inner.text("set") != set {
        return None;
    }
    let (core, _) = inner.line.rsplit_once(",\"presence\":")?;
    Some(Claim {
        sheet: sheet.id().to_string(),
        record: entry.seq,
        event: inner.text("event").to_owned(),
        proven: hex(&sheet.presence_tag(core.as_bytes())) == tag,
    })
}

fn tell_claims(ui: &Ui, sheets: &[SheetShare], claims: &[Claim]) {
    for sheet in sheets {
        let id = sheet.id().to_string();
        let mine: Vec<&Claim> = claims.iter().filter(|claim| claim.sheet == id).collect();
        if mine.is_empty() {
            ui.data(&format!("sheet {id}  no record says that it was read"));
        }
        for Claim { record, event, proven, .. } in mine {
            let words = if *proven {
                "it was read there"
            } else {
                "IT WAS NOT READ THERE: the record's tag was not made with this sheet"
            };
            ui.data(&format!("sheet {id}  record {record}, {event}: {words}"));
        }
    }
}
