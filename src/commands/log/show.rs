//! `log show`: the records, one line each, or as JSON.

use serde_json::{Value, json};

use super::existing;
use crate::cli::LogShow;
use crate::commands::Context;
use crate::exit::Exit;
use crate::logbook::{Entry, Event, Member, Person};
use crate::ui::Failure;

pub(super) fn run(context: &Context, args: &LogShow) -> Result<Exit, Failure> {
    let ui = &context.ui;
    let book = existing(context)?;
    let wanted = |entry: &Entry| args.records.is_empty() || args.records.contains(&entry.seq);
    let mut seen = 0;
    let mut shown = Vec::new();
    for entry in book.records()? {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                // what stands before a broken line still holds
                let hint = "`breakglass log verify` says more; change nothing in the file";
                return Err(Failure::new(Exit::No, error.to_string()).hint(hint));
            }
        };
        seen = entry.seq;
        if !wanted(&entry) {
            continue;
        }
        if args.json {
            let mut record = entry.members.clone();
            if args.codes {
                record.insert("check_code".into(), entry.check_code().to_string().into());
            }
            shown.push(record);
            continue;
        }
        ui.data(&one_line(&entry));
        if let Some(inner) = entry.imported() {
            ui.data(&format!("     made elsewhere: {}", one_line(&inner).trim_start()));
        }
        if args.codes {
            ui.data(&format!("     {}", entry.check_code()));
        }
    }
    if args.json {
        ui.data(&json!({ "version": 1, "records": shown }).to_string());
    }
    match args.records.iter().find(|seq| **seq > seen || **seq == 0) {
        Some(missing) => Err(Failure::new(
            Exit::No,
            format!("there is no record {missing}; there are 1 to {seen}"),
        )),
        None => Ok(Exit::Done),
    }
}

/// `3  2026-11-24T04:02:11Z  RELEASE    gen 1  1a 3a 4a  to B. Alvarez (E2040)  IDP-DOWN`
pub(super) fn one_line(entry: &Entry) -> String {
    let number = if entry.seq == 0 { String::new() } else { format!("{:>3}", entry.seq) };
    let mut parts = vec![format!("{number}  {}  {:<9}", entry.text("at"), entry.text("event"))];
    if let Some(generation) = entry.members.get("generation") {
        parts.push(format!("gen {generation}"));
    }
    parts.push(entry.sheets().iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
    let (people, words) = people_and_words(entry);
    parts.extend([people, words]);
    parts.retain(|part| !part.is_empty());
    parts.join("  ").trim_end().to_owned()
}

/// Returns whom a record names, and what else it says in words.
pub(super) fn people_and_words(entry: &Entry) -> (String, String) {
    let mut parts = Vec::new();
    if let Some(operator) = entry.person(Member::Operator) {
        parts.push(format!("to {operator}"));
    }
    if let Some(record) = entry.record() {
        let finding = entry.number(Member::Finding.name());
        let finding = finding.map(|number| format!("finding {number} ")).unwrap_or_default();
        parts.push(format!("{finding}of record {record}"));
    }
    for (sheet, holder) in entry.by_sheet(Member::Custodians, Person::of) {
        let bag = entry.texts_by_sheet(Member::Bags).remove(&sheet);
        let bag = bag.map(|bag| format!(" in bag {bag}")).unwrap_or_default();
        parts.push(format!("{sheet}: {holder}{bag}"));
    }
    for (sheet, seal) in entry.texts_by_sheet(Member::Seals) {
        parts.push(format!("seal of {sheet} {seal}"));
    }
    for member in
        [Member::Lead, Member::Witness, Member::Approver, Member::Reviewer, Member::Accountable]
    {
        if let Some(person) = entry.person(member) {
            parts.push(format!("{} {person}", member.name()));
        }
    }
    let people = parts.join("  ");
    let mut parts = Vec::new();
    if !entry.is(Event::Release) {
        parts.push(entry.text("credential").to_owned());
    }
    let evidence = entry.members.get("evidence").and_then(Value::as_array).into_iter().flatten();
    parts.extend(evidence.filter_map(|file| file["file"].as_str()).map(str::to_owned));
    for member in ["kind", "reason", "reason_text", "ticket", "to", "place", "result", "note"] {
        parts.push(entry.text(member).to_owned());
    }
    let found = entry.members.get(Member::Findings.name()).and_then(Value::as_array);
    for (number, found) in (1..).zip(found.into_iter().flatten()) {
        let text = |name: &str| found[name].as_str().unwrap_or_default();
        let (what, owner, due) = (text("what"), text("owner"), text("due"));
        parts.push(format!("finding {number}: {what} ({owner}, by {due})"));
    }
    parts.retain(|part| !part.is_empty());
    (people, parts.join("  "))
}
