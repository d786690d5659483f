//! `drill call`: every holder reads bag and generation off the label by phone.

use std::collections::BTreeMap;
use std::time;

use serde_json::Value;

use super::answers;
use super::{FAILED, PASSED};
use crate::cli::DrillCall;
use crate::commands::log::existing;
use crate::commands::people::{by_sheet, holder};
use crate::commands::recorder::written;
use crate::commands::{Context, ask};
use crate::exit::Exit;
use crate::interrupt;
use crate::logbook::member::{BySheet, by_sheet_value, typed};
use crate::logbook::{Draft, Event, Member, record};
use crate::set::SheetId;
use crate::state::{Fate, INTACT, Set, State};
use crate::ui::{Failure, Ui};

/// Every holder reads bag and generation off the label.
pub(super) fn run(context: &Context, args: &DrillCall) -> Result<Exit, Failure> {
    let ui = &context.ui;
    let started = time::Instant::now();
    let mut answers = answers::given(ui, "call", &args.answers)?;
    let kit = context.kit()?;
    let book = existing(context)?;
    let (state, _) = State::of_book(&book)?;
    let Some(set) = state.newest() else {
        return Err(Failure::invalid("no set was dealt yet").hint("`breakglass split` deals one"));
    };
    let method = kit.method_of(&set.code);
    let contacts = kit.contacts().unwrap_or_default();
    let generation = generation(ui, args)?;
    let ids: Vec<SheetId> =
        set.sheets.iter().filter(|(_, s)| s.fate == Fate::Kept).map(|(id, _)| *id).collect();
    let mut asked = BySheet::new();
    let ask_bag = |id: &SheetId| {
        let person = holder(Some(set), method.as_ref(), *id);
        let line = person.as_ref().map(|p| contacts.reach(&p.name, &p.id)).unwrap_or_default();
        let who = person.map_or("its holder".to_owned(), |p| p.to_string());
        let at = if line.is_empty() { String::new() } else { format!(", {line}") };
        ui.must_say(&format!("Call {who}{at}."));
        let question = format!("Bag that sheet {id} is in (Enter: nobody reached): ");
        let bag = ask::answer_or_empty(ui, &question, "--bag")?;
        if !bag.is_empty() {
            let seal = ask::answer_or_empty(ui, "and its seal (Enter: intact): ", "--seal")?;
            asked.insert(*id, seal);
        }
        Ok(bag)
    };
    if ids.len() < usize::from(set.k) {
        return Err(Failure::new(Exit::No, "fewer sheets are left than it takes to open this set")
            .hint("deal a new one with `breakglass split`, then revoke the old credential"));
    }
    let told = by_sheet(&args.bag, "--bag", true, &ids, typed, ask_bag)?.unwrap_or_default();
    let nothing = |_: &SheetId| Ok(String::new());
    let given = by_sheet(&args.seal, "--seal", false, &ids, typed, nothing)?.unwrap_or_default();
    asked.extend(given);
    let seal = |id: &SheetId| {
        asked.get(id).map(String::as_str).filter(|words| !words.is_empty()).unwrap_or(INTACT)
    };
    let when = ask::time(ui, args.answers.time.as_deref())?;
    let seconds = started.elapsed().as_secs();
    let mut faults = faults(set, generation, &told);
    let doubtful = told.keys().filter(|id| seal(id) != INTACT);
    faults.extend(doubtful.map(|id| format!("the seal of sheet {id}: {}", seal(id))));
    let passed = faults.is_empty();

    let mut members: BTreeMap<Member, Value> = BTreeMap::from([
        (Member::Method, state.method.clone().into()),
        (Member::Generation, set.generation.into()),
        (Member::Set, set.code.clone().into()),
        (Member::Kind, "call".into()),
        (Member::Result, if passed { PASSED } else { FAILED }.into()),
        (Member::Seconds, seconds.into()),
    ]);
    let good = |id: &SheetId| told.get(id).is_some_and(|bag| agrees(set, *id, bag));
    let seen: Vec<SheetId> = ids.iter().copied().filter(good).collect();
    if !seen.is_empty() {
        // who reads the number off the bag has looked at it
        members.insert(Member::Sheets, record::list(&seen));
        let seals: BySheet<&str> = seen.iter().map(|id| (*id, seal(id))).collect();
        members.insert(Member::Seals, by_sheet_value(&seals, |seal| (*seal).into()));
    }
    {
        // a closed terminal ends the questions, not the record
        let _held = interrupt::hold_back_all();
        answers.ask(ui, "call", when.at);
    }
    answers.put(&mut members, &faults.join("; "));
    let draft = Draft::new(Event::Drill, when, &context.signature(), members);
    written(ui, &book, &[draft.map_err(|e| Failure::invalid(e.to_string()))?], &[])?;
    answers.tell(ui);
    if passed {
        ui.must_say(&format!("All {} bags are where they should be.", ids.len()));
        return Ok(Exit::Done);
    }
    for fault in &faults {
        ui.must_say(&format!("  - {fault}"));
    }
    Err(Failure::new(Exit::No, "the drill has failed")
        .hint("clear it up and call again; a missing bag is `breakglass log add LOST`"))
}

fn generation(ui: &Ui, args: &DrillCall) -> Result<u32, Failure> {
    if let Some(generation) = args.generation {
        return Ok(generation);
    }
    loop {
        let text = ask::answer(ui, None, "Generation on the labels: ", "--generation")?;
        match text.parse() {
            Ok(generation) => return Ok(generation),
            Err(_) => ui.must_say(&format!("`{text}` is no generation; it is a number like 1.")),
        }
    }
}

fn agrees(set: &Set, id: SheetId, bag: &str) -> bool {
    let known = set.sheets.get(&id).and_then(|sheet| sheet.bag.as_deref());
    // a number over the phone has no hyphens
    let signs = |text: &str| -> String {
        text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
    };
    known.is_some_and(|known| signs(known) == signs(bag))
}

/// What was read out that is not as the records say.
fn faults(set: &Set, generation: u32, told: &BySheet<String>) -> Vec<String> {
    let mut faults = Vec::new();
    if generation != set.generation {
        faults.push(format!(
            "the labels say generation {generation}, the newest is {}",
            set.generation
        ));
    }
    for (id, bag) in told {
        let known = set.sheets.get(id).and_then(|sheet| sheet.bag.clone());
        match known {
            _ if bag.is_empty() => faults.push(format!("nobody was reached about sheet {id}")),
            None => faults
                .push(format!("no record says which bag sheet {id} is in; its holder says {bag}")),
            Some(known) if !agrees(set, *id, bag) => {
                faults.push(format!("sheet {id} is in bag {bag}, by the records in {known}"));
            }
            Some(_) => {}
        }
    }
    faults
}
