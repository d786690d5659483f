//! `confirm`: the sheets are scanned back, the set is opened from them once, and bags and holders are written down.

use super::objection::Objection;
use super::people::{ask_person, by_sheet, doubtful_hands, holder, names};
use super::recorder::written;
use super::rehearsal::{self, Rehearsal, Wanted};
use super::{Context, ask};
use crate::cli::Confirm;
use crate::codes::Code;
use crate::exit::Exit;
use crate::logbook::member::{BySheet, Person, by_sheet_value, typed};
use crate::logbook::{Draft, Event, Member, record};
use crate::secret::Secret;
use crate::set::{SheetId, SheetShare};
use crate::state::{Fate, Set, Sheet, State};
use crate::ui::{Failure, Ui};

pub(super) fn run(context: &Context, args: &Confirm) -> Result<Exit, Failure> {
    confirm(context, args, None).map(|_| Exit::Done)
}

/// Confirms sheets, of one set alone where one is `wanted`; returns the set code, and what the set gave where it was
/// opened.
pub(super) fn confirm(
    context: &Context,
    args: &Confirm,
    wanted: Option<&str>,
) -> Result<(Code, Option<Secret>), Failure> {
    let ui = &context.ui;
    let time = args.custody.time.as_deref();
    let mut rehearsal =
        rehearsal::gather(context, &args.intake, &args.ink, time, Wanted::Confirming)?;
    rehearsal.refuse_other_than(wanted)?;
    let sheets = rehearsal.sheets();
    let ids: Vec<SheetId> = sheets.iter().map(SheetShare::id).collect();
    if ids.is_empty() {
        return Err(Failure::invalid("none of these sheets was issued with this set")
            .hint("`breakglass inspect FILE` says what is on a page"));
    }
    let holders = holders(ui, args, &rehearsal, &ids)?;
    let bags = bags(ui, args, &ids)?;
    let witness = args.custody.witness.as_deref().map(Person::parse).transpose();
    let witness = witness.map_err(|e| Failure::invalid(format!("`--witness`: {e}")))?;
    let hands = Hands { holders, bags, witness, ..Hands::default() };
    let (code, secret) =
        record(context, &mut rehearsal, &hands, args.custody.exception.as_deref())?;
    let (state, _) = State::of_book(&context.kit()?.logbook())?;
    let open = |s: &Sheet| s.in_custody.is_none() && s.fate == Fate::Kept;
    if state.set(&code.to_string()).is_some_and(|set| set.sheets.values().any(open)) {
        context.hint("each custodian locks the bag away, signs the card, and reports: `breakglass log add STORE`");
    }
    Ok((code, secret))
}

/// Who takes what, in which bag, before whom.
#[derive(Default)]
pub(super) struct Hands {
    pub(super) holders: BySheet<Person>,
    pub(super) bags: BySheet<String>,
    /// Numbers of seals, where bags have seals of their own.
    pub(super) seals: BySheet<String>,
    pub(super) witness: Option<Person>,
    pub(super) lead: Option<Person>,
}

/// Opens the set where it was not opened yet, and records the sheets as confirmed.
pub(super) fn record(
    context: &Context,
    rehearsal: &mut Rehearsal,
    hands: &Hands,
    exception: Option<&str>,
) -> Result<(Code, Option<Secret>), Failure> {
    let ui = &context.ui;
    let doubts = doubts(rehearsal, &hands.holders, &hands.bags);
    rehearsal.objections.extend(doubts);
    // a set that opened from its papers once need not be opened again for one more of them
    let opens = rehearsal.case.is_complete() && !rehearsal.set().is_some_and(Set::is_confirmed);
    let go_on = if opens {
        "Enter to open it once and record the sheets as confirmed, Ctrl-C to stop: "
    } else {
        "Enter to record these sheets as confirmed, Ctrl-C to stop: "
    };
    let exceptions = rehearsal.exceptions(context, exception, go_on)?;
    let mut members = rehearsal.members();
    let mut drafts = Vec::new();
    let mut credential = None;
    if opens {
        let (number, opened) = rehearsal.open(context, exceptions, "confirm")?;
        if !opened.dealt_wrong.is_empty() {
            return Err(Failure::new(Exit::No, "the set was dealt wrong")
                .hint("record it with `breakglass log add ABORT`, and deal anew"));
        }
        ui.say(&format!("Opens: {} bytes; nothing of them is shown", opened.credential.len()));
        members.insert(Member::Record, number.into());
        credential = Some(opened.credential);
    } else {
        drafts = exceptions;
    }
    let ids: Vec<SheetId> = hands.holders.keys().copied().collect();
    members.insert(Member::Sheets, record::list(&ids));
    members.insert(Member::Bags, by_sheet_value(&hands.bags, |bag| bag.clone().into()));
    members.insert(Member::Custodians, by_sheet_value(&hands.holders, |person| person.into()));
    if !hands.seals.is_empty() {
        let seals = by_sheet_value(&hands.seals, |seal| seal.clone().into());
        members.insert(Member::SealNumbers, seals);
    }
    for (member, person) in [(Member::Witness, &hands.witness), (Member::Lead, &hands.lead)] {
        if let Some(person) = person {
            members.insert(member, person.into());
        }
    }
    let confirm = Draft::new(Event::Confirm, rehearsal.when, &context.signature(), members);
    drafts.push(confirm.map_err(|e| Failure::invalid(e.to_string()))?);
    written(ui, &rehearsal.book, &drafts, &[])?;
    tell(context, rehearsal)?;
    Ok((rehearsal.case.code, credential))
}

/// Who takes each sheet: the custodian of the method file, if nobody says otherwise.
fn holders(
    ui: &Ui,
    args: &Confirm,
    rehearsal: &Rehearsal,
    ids: &[SheetId],
) -> Result<BySheet<Person>, Failure> {
    let ask = |id: &SheetId| {
        let known = holder(rehearsal.set(), rehearsal.method.as_ref(), *id);
        known.map_or_else(|| ask_person(ui, &format!("Who takes sheet {id}"), "--custodian"), Ok)
    };
    let map = by_sheet(&args.custody.custodian, "--custodian", true, ids, Person::parse, ask)?;
    Ok(map.unwrap_or_default())
}

fn bags(ui: &Ui, args: &Confirm, ids: &[SheetId]) -> Result<BySheet<String>, Failure> {
    let ask = |id: &SheetId| {
        ask::answer(ui, None, &format!("Number of the bag that sheet {id} goes into: "), "--bag")
    };
    Ok(by_sheet(&args.custody.bag, "--bag", true, ids, typed, ask)?.unwrap_or_default())
}

fn doubts(
    rehearsal: &Rehearsal,
    holders: &BySheet<Person>,
    bags: &BySheet<String>,
) -> Vec<Objection> {
    let set = rehearsal.set();
    let hands = |set| doubtful_hands(set, rehearsal.method.as_ref(), holders, bags);
    let mut list = set.map(hands).unwrap_or_default();
    if let Some(record) = set.and_then(|set| set.aborted) {
        let words = format!("dealing this set was aborted (record {record})");
        list.push(Objection { kind: "aborted set", words });
    }
    list
}

/// Says how many sheets are confirmed now, and which are still outstanding.
fn tell(context: &Context, rehearsal: &Rehearsal) -> Result<(), Failure> {
    let (state, _) = State::of_book(&rehearsal.book)?;
    let Some(set) = state.set(&rehearsal.case.code.to_string()) else { return Ok(()) };
    let ui = &context.ui;
    let (have, needed) = (set.confirmed_numbers(), set.needed());
    if have >= needed {
        let standing = state.stage(set).word();
        ui.must_say(&format!(
            "Generation {} is {standing}: {have} shares are confirmed.",
            set.generation
        ));
    } else {
        ui.must_say(&format!(
            "{have} of at least {needed} shares are confirmed: generation {} is not in use yet.",
            set.generation
        ));
    }
    let outstanding: Vec<SheetId> = set.outstanding().collect();
    if !outstanding.is_empty() {
        let due = set.issue.1.plus_hours(7 * 24).date();
        ui.must_say(&format!("Outstanding: {}, due {due}.", names(&outstanding)));
    }
    Ok(())
}
