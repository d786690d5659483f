//! `log show` and `log verify`.

use serde_json::json;

use super::Context;
use crate::cli::{Log, LogShow, LogVerify};
use crate::codes::Code;
use crate::codes::code::CodeKind;
use crate::exit::Exit;
use crate::logbook::chain::{Entry, LogError};
use crate::logbook::{Logbook, check_code};
use crate::ui::Failure;

pub(super) fn run(context: &Context, args: &Log) -> Result<Exit, Failure> {
    match args {
        Log::Show(args) => show(context, args),
        Log::Verify(args) => verify(context, args),
    }
}

fn book(context: &Context) -> Result<Logbook, Failure> {
    let book = context.kit()?.logbook();
    if book.exists() {
        Ok(book)
    } else {
        Err(Failure::invalid(format!("there is no logbook `{}` yet", book.path().display()))
            .hint("`breakglass split` begins one"))
    }
}

fn show(context: &Context, args: &LogShow) -> Result<Exit, Failure> {
    let verified = book(context)?.verify()?;
    if args.json {
        let records: Vec<_> = verified
            .entries
            .iter()
            .map(|entry| {
                let mut record = entry.members.clone();
                if args.codes {
                    record.insert(
                        "check_code".into(),
                        check_code(entry.line.as_bytes()).to_string().into(),
                    );
                }
                record
            })
            .collect();
        context.ui.data(&json!({ "version": 1, "records": records }).to_string());
        return Ok(Exit::Done);
    }
    for entry in &verified.entries {
        context.ui.data(&one_line(entry));
        if args.codes {
            context.ui.data(&format!("     {}", check_code(entry.line.as_bytes())));
        }
    }
    Ok(Exit::Done)
}

/// `3  2026-11-24T04:02:11Z  RELEASE    gen 1  1a 3a 4a  to B. Alvarez (E2040)  IDP-DOWN`
fn one_line(entry: &Entry) -> String {
    let list = |member: &str| -> String {
        let items = entry.members.get(member).and_then(|v| v.as_array());
        let items = items.into_iter().flatten().filter_map(|v| v.as_str());
        items.collect::<Vec<_>>().join(" ")
    };
    let mut parts =
        vec![format!("{:>3}  {}  {:<9}", entry.seq, entry.text("at"), entry.text("event"))];
    if let Some(generation) = entry.members.get("generation") {
        parts.push(format!("gen {generation}"));
    }
    parts.push(list("sheets"));
    if let Some(operator) = entry.members.get("operator") {
        let text = |member: &str| operator.get(member).and_then(|v| v.as_str()).unwrap_or_default();
        parts.push(format!("to {} ({})", text("name"), text("id")));
    }
    for member in ["kind", "reason", "reason_text", "ticket", "note"] {
        parts.push(entry.text(member).to_owned());
    }
    parts.retain(|part| !part.is_empty());
    parts.join("  ").trim_end().to_owned()
}

fn verify(context: &Context, args: &LogVerify) -> Result<Exit, Failure> {
    let ui = &context.ui;
    let book = book(context)?;
    let verified = match book.verify() {
        Ok(verified) => verified,
        Err(error @ LogError::Line { .. }) => {
            if args.json {
                ui.data(
                    &json!({ "version": 1, "chain": "broken", "error": error.to_string() })
                        .to_string(),
                );
            }
            return Err(Failure::new(Exit::No, error.to_string())
                .hint("the records before that line hold; compare with the paper book and another copy, change nothing"));
        }
        Err(error) => return Err(Failure::from(error)),
    };
    let count = verified.entries.len();
    let Some(last) = verified.entries.last() else {
        let message = format!("logbook `{}` is empty: every record is gone", book.path().display());
        return Err(Failure::new(Exit::No, message)
            .hint("compare with the paper book and another copy of the file"));
    };
    let head = check_code(last.line.as_bytes());
    let told = match &args.head {
        None => None,
        Some(text) => Some(against_ink(text, &head, &verified.entries)?),
    };
    if args.json {
        let result = json!({
            "version": 1,
            "chain": "whole",
            "records": count,
            "torn_bytes": verified.torn,
            "head": head.to_string(),
            "head_matches": told.as_ref().map(Result::is_ok),
        });
        ui.data(&result.to_string());
    } else {
        ui.data(&format!("{count} records, the chain is whole"));
        ui.data(&format!("head      {head}  (record {}, {})", last.seq, last.text("event")));
        if verified.torn > 0 {
            ui.warn(&format!(
                "the file ends in {} bytes of a torn record; the next record keeps them",
                verified.torn
            ));
        }
    }
    match told {
        Some(Ok(())) => {
            ui.say("The head is the one in ink.");
            Ok(Exit::Done)
        }
        Some(Err(message)) => Err(Failure::new(Exit::No, message)
            .hint("look for what the book should have after that line, or for a loose record with that code")),
        None => {
            ui.say("NOT checked: whether the last record was changed, or later ones are missing. Repeat with");
            ui.say("`--head CODE`, the last check code in the paper book.");
            Ok(if verified.torn > 0 { Exit::No } else { Exit::Done })
        }
    }
}

/// Compares with the last code in ink; tells where that code stands when it is not the last.
fn against_ink(text: &str, head: &Code, entries: &[Entry]) -> Result<Result<(), String>, Failure> {
    let ink = Code::parse(CodeKind::Record, text).map_err(|e| {
        Failure::invalid(format!("the check code is not one: {e}"))
            .hint("read the line in the book again")
    })?;
    if ink == *head {
        return Ok(Ok(()));
    }
    let found = entries.iter().rev().find(|entry| check_code(entry.line.as_bytes()) == ink);
    Ok(Err(match found {
        Some(entry) => format!(
            "the ink says {ink}, which is record {}: {} records after it are not in ink",
            entry.seq,
            entries.len() as u64 - entry.seq
        ),
        None => format!(
            "the ink says {ink}, and no record has this code: the end of the file is missing or was changed"
        ),
    }))
}
