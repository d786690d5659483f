//! `log add`: what people did with paper, bags and platforms, asked event by event.

use std::collections::BTreeMap;

use serde_json::Value;

use super::questions::{Desk, persons, texts};
use super::show::one_line;
use super::{existing, verify};
use crate::cli::LogAdd;
use crate::clock::Instant;
use crate::commands::Context;
use crate::commands::ask::{self, in_spite_of, time};
use crate::commands::objection::{Objection, exceptions};
use crate::commands::people::{doubtful_hands, holder};
use crate::commands::recorder::written;
use crate::exit::Exit;
use crate::logbook::record::When;
use crate::logbook::{Draft, Entry, Event, Member, Person};
use crate::method::Method;
use crate::set::{SheetId, SheetShare};
use crate::state::{Fate, INTACT, Set, Stage, State};
use crate::ui::{Failure, Ui};

pub(super) fn run(context: &Context, args: &LogAdd) -> Result<Exit, Failure> {
    let ui = &context.ui;
    let Some(word) = &args.event else {
        list_events(ui);
        return Ok(Exit::Done);
    };
    let event = reported(word)?;
    let kit = context.kit()?;
    let book = existing(context)?;
    let (state, _) = State::of_book(&book)?;
    let set = subject(ui, &state, event, args)?;
    let method =
        set.and_then(|set| kit.method_of(&set.code)).or_else(|| Some(kit.method().ok()?.0));
    let read = verify::sheets_in(context, &args.scan)?;
    let stranger = |set: &Set| read.iter().find(|sheet| !is_of(set, sheet));
    if let Some((set, stranger)) = set.and_then(|set| Some((set, stranger(set)?))) {
        let generation = set.generation;
        return Err(Failure::invalid(format!(
            "the sheet that says {} was not issued with generation {generation}",
            stranger.id()
        ))
        .hint("`breakglass inspect FILE` says what is on a page"));
    }
    if read.is_empty() && !args.scan.is_empty() {
        return Err(Failure::invalid("no open sheet was read there")
            .hint("`breakglass inspect FILE` says what is on a page; leave `--scan` out where nothing can be read"));
    }
    let path = kit.method_path();
    let desk = Desk {
        ui,
        args,
        event,
        state: &state,
        set,
        method: method.as_ref(),
        read: &read,
        method_path: &path,
    };
    let members = desk.members(&state.method)?;
    let when = time(ui, args.time.as_deref())?;
    let program = context.signature();
    let wrong = |e: crate::logbook::record::RecordError| Failure::invalid(e.to_string());
    let doubts = doubts(&state, set, event, &members, when, method.as_ref());
    let torn = texts(&members, Member::Seals).values().any(|seal| seal != INTACT);
    let frame = [Member::Method, Member::Generation, Member::Set];
    let about = frame.into_iter().filter_map(|m| Some((m, members.get(&m)?.clone())));
    let about: Vec<(Member, Value)> = about.collect();
    let draft = Draft::new(event, when, &program, members).map_err(wrong)?;
    if let Ok(entry) = Entry::read(draft.loose_line(None, &[]).as_bytes()) {
        ui.must_say(&format!("To be recorded: {}", one_line(&entry).trim_start()));
    }
    let go_on = "Enter to record it, Ctrl-C to stop: ";
    let why = in_spite_of(ui, args.exception.as_deref(), &doubts, go_on)?.unwrap_or_default();
    let mut drafts = exceptions(&doubts, &why, when, &program, &about)?;
    drafts.push(draft);
    written(ui, &book, &drafts, &read)?;
    if torn || event != Event::Inspect {
        next_step(context, event, set, method.as_ref());
    }
    Ok(Exit::Done)
}

fn list_events(ui: &Ui) {
    for event in Event::ALL.iter().filter(|event| event.is_reported()) {
        let needs: Vec<&str> = event
            .needs()
            .iter()
            .filter(|m| !matches!(m, Member::Method | Member::Generation | Member::Set))
            .map(|member| member.name())
            .collect();
        let needs =
            if needs.is_empty() { String::new() } else { format!("; needs {}", needs.join(", ")) };
        ui.data(&format!("{:<11}{}{needs}", event.word(), event.meaning()));
    }
}

fn reported(word: &str) -> Result<Event, Failure> {
    let event = Event::parse(word).ok_or_else(|| {
        Failure::invalid(format!("there is no event `{word}`"))
            .hint("`breakglass log add` lists the events")
    })?;
    if event.is_reported() {
        return Ok(event);
    }
    let by = match event {
        Event::Issue | Event::Begin => "`breakglass split`",
        Event::Confirm => "`breakglass confirm`",
        Event::Release => "`breakglass combine`",
        Event::Drill => "`breakglass drill call`, `dry`, `wet` or `solo`",
        Event::Import => "`breakglass log import FILE`",
        _ => "the command that does it",
    };
    Err(Failure::invalid(format!("{} is recorded by {by}", event.word())))
}

/// Returns the set that an event is about: the newest one, or the one of the generation named.
fn subject<'a>(
    ui: &Ui,
    state: &'a State,
    event: Event,
    args: &LogAdd,
) -> Result<Option<&'a Set>, Failure> {
    if !event.takes(Member::Set) {
        return Ok(None);
    }
    // a record that is named decides which set it is about
    let named = args.record.and_then(|record| state.release(record)).map(|(set, _)| set);
    let found = match args.generation {
        None if named.is_some() => named,
        Some(number) => {
            let set = state.sets.iter().rev().find(|set| set.generation == number);
            let set = set.ok_or_else(|| {
                let known: Vec<String> =
                    state.sets.iter().map(|s| s.generation.to_string()).collect();
                Failure::invalid(format!(
                    "there is no generation {number}; there are {}",
                    known.join(", ")
                ))
            })?;
            Some(set)
        }
        // what ends or is taken back is most likely the one that was released
        None if matches!(event, Event::End | Event::Revoke | Event::Correct) => {
            state.open_releases().map(|(set, _)| set).next().or_else(|| {
                let released = |set: &&Set| state.stage(set) == Stage::Released;
                let older = |set: &&Set| state.stage(set).is_alive();
                let any = || state.sets.iter().find(older).or(state.newest());
                state.sets.iter().find(released).or_else(any)
            })
        }
        None if event == Event::Destroy => Some(destroyed_of(ui, state, args)?),
        None => state.newest(),
    };
    if found.is_none() && event.needs().contains(&Member::Set) {
        return Err(Failure::invalid("no set was dealt yet").hint("`breakglass split` deals one"));
    }
    Ok(found)
}

/// Returns the set whose sheet is gone. Which one that is has to be said wherever more than one could be meant.
fn destroyed_of<'a>(ui: &Ui, state: &'a State, args: &LogAdd) -> Result<&'a Set, Failure> {
    let there = |set: &&Set| {
        let left = |sheet: &crate::state::Sheet| !matches!(sheet.fate, Fate::Destroyed(_));
        let named = |id| set.sheets.get(&id).is_some_and(left);
        let ids: Vec<SheetId> = args.sheet.iter().filter_map(|text| SheetId::parse(text)).collect();
        if ids.is_empty() { set.sheets.values().any(left) } else { ids.into_iter().any(named) }
    };
    let sets: Vec<&Set> = state.sets.iter().filter(there).collect();
    match sets[..] {
        [set] => Ok(set),
        [] => Err(Failure::invalid("by the records no such sheet is left that could be destroyed")
            .hint(
                "`breakglass status` lists every sheet; name its generation with `--generation N`",
            )),
        _ => {
            let list: Vec<String> = sets.iter().map(|set| set.generation.to_string()).collect();
            while ui.can_ask() {
                let question = format!(
                    "Which generation, {}? It stands large on the sheet: ",
                    list.join(" or ")
                );
                let text = ask::answer(ui, None, &question, "--generation")?;
                if let Some(set) = sets.iter().find(|set| set.generation.to_string() == text) {
                    return Ok(set);
                }
            }
            let message = format!("generations {} have such a sheet", list.join(" and "));
            Err(Failure::invalid(message).hint("it stands large on the sheet: `--generation N`"))
        }
    }
}

fn is_of(set: &Set, sheet: &SheetShare) -> bool {
    let known = set.sheets.get(&sheet.id()).and_then(|s| s.hash);
    known.is_some_and(|hash| hash == sheet.sheet_hash())
}

/// What speaks against a record. It can be overridden with a reason, for life is stranger than rules.
fn doubts(
    state: &State,
    set: Option<&Set>,
    event: Event,
    members: &BTreeMap<Member, Value>,
    when: When,
    method: Option<&Method>,
) -> Vec<Objection> {
    let mut list = Vec::new();
    let mut doubt = |kind, words: String| list.push(Objection { kind, words });
    if let Some(latest) = state.latest
        && when.at < latest
    {
        let words = format!(
            "the time {} is before that of the last record ({})",
            when.at.utc(),
            latest.utc()
        );
        // people write down in the morning what happened at night
        if latest.unix() - when.at.unix() > 7 * 24 * 3600 {
            doubt("strange time", words);
        }
    } else if when.at.unix() > Instant::now().unix() + 3600 {
        doubt("strange time", format!("the time {} is in the future", when.at.utc()));
    }
    let Some(set) = set else { return list };
    let person = |member: Member| members.get(&member).and_then(Person::of);
    if let Some(witness) = person(Member::Witness) {
        let sheet = set.sheets.keys().find(|id| {
            holder(Some(set), method, **id).is_some_and(|h| h.is(&witness.name, &witness.id))
        });
        if let Some(sheet) = sheet {
            let words = format!("{} is to be the witness and holds sheet {sheet}", witness.name);
            doubt("witness holds a sheet", words);
        }
    }
    let bags = texts(members, Member::Bags);
    for (sheet, bag) in &bags {
        let own = set.sheets.get(sheet).and_then(|kept| kept.bag.clone());
        if let Some(own) = own.filter(|own| own != bag) {
            let words =
                format!("sheet {sheet} was in bag {own}, and nothing says that it was opened");
            doubt("another bag", words);
        }
    }
    list.extend(doubtful_hands(set, method, &persons(members, Member::Custodians), &bags));
    let mut doubt = |kind, words: String| list.push(Objection { kind, words });
    let alive = state.stage(set).is_alive();
    let newer = || {
        let newer = |other: &&Set| {
            other.generation > set.generation && other.usable_numbers() >= other.needed()
        };
        state.sets.iter().any(|other| newer(&other) && state.stage(other).is_alive())
    };
    match event {
        Event::Destroy if !gone_already(set, members).is_empty() => {
            let list = gone_already(set, members).join(", ");
            doubt("destroyed twice", format!("by the records these are destroyed already: {list}"));
        }
        Event::Destroy if alive => {
            let words =
                format!("generation {} is not revoked: its papers still open it", set.generation);
            doubt("destroyed before revoked", words);
        }
        Event::Revoke if alive && !newer() => {
            doubt(
                "no newer generation",
                format!(
                    "no newer generation than {} is confirmed: this was the last way in",
                    set.generation
                ),
            );
        }
        Event::Abort if !set.releases.is_empty() || set.is_confirmed() => {
            let words =
                format!("generation {} is in use: its papers would be void", set.generation);
            doubt("set in use", words);
        }
        Event::Void => {
            let record = members.get(&Member::Record).and_then(Value::as_u64);
            if let Some(release) = set.releases.iter().find(|r| Some(r.record) == record) {
                let words = format!(
                    "record {} is the release to {}: void, nobody would be asked to revoke it",
                    release.record, release.operator
                );
                doubt("release voided", words);
            }
        }
        _ => {}
    }
    list
}

/// Returns the sheets of a record that are destroyed by an earlier one.
fn gone_already(set: &Set, members: &BTreeMap<Member, Value>) -> Vec<String> {
    let named = members.get(&Member::Sheets).and_then(Value::as_array).into_iter().flatten();
    let ids = named.filter_map(|sheet| SheetId::parse(sheet.as_str()?));
    let gone = |id: &SheetId| match set.sheets.get(id)?.fate {
        Fate::Destroyed(record) => Some(format!("{id} (record {record})")),
        _ => None,
    };
    ids.filter_map(|id| gone(&id)).collect()
}

/// Says what usually follows.
fn next_step(context: &Context, event: Event, set: Option<&Set>, method: Option<&Method>) {
    let hint = match event {
        Event::Lost | Event::Tamper if method.is_some_and(|method| method.rotation.is_some()) => {
            "a sheet that may be in other hands is as good as open: `breakglass rotate` puts a new credential in the place of this one"
        }
        Event::Lost | Event::Tamper => {
            "a sheet that may be in other hands is as good as open: deal a new set with `breakglass split`, then revoke the old credential"
        }
        Event::Inspect => {
            "a seal that is not whole: call the owner now, then read the sheet with `breakglass drill solo`"
        }
        Event::End if set.is_some_and(|set| set.revoked.is_none()) => {
            "the credential still works: `breakglass rotate` makes the next one and revokes it; by hand, deal the next one, revoke this one on its platform, then `breakglass log add REVOKE`"
        }
        Event::Revoke => {
            "the papers are void: `breakglass print destruction -o DIR` for the witnesses, then `breakglass log add DESTROY` for each sheet"
        }
        Event::Compromise => "revoke it now, whatever it costs: then `breakglass log add REVOKE`",
        _ => return,
    };
    context.hint(hint);
}
