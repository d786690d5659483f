//! `drill`: by phone, with a quorum, or with one sheet at its safe. Nothing of the credential is ever shown.

mod answers;
mod call;
pub(super) mod called;
pub(super) mod checks;
mod wet;

use self::called::Called;
use super::Context;
use super::people::{holder, names};
use super::recorder::written;
use super::rehearsal::{self, Wanted};
use crate::cli::{Drill, DrillDry, DrillSolo};
use crate::exit::Exit;
use crate::interrupt;
use crate::logbook::member::typed;
use crate::logbook::{Draft, Event, Member, record};
use crate::set::{SheetId, SheetShare};
use crate::state::State;
use crate::ui::{Failure, Ui};

const PASSED: &str = "passed";
const FAILED: &str = "failed";

pub(super) fn run(context: &Context, args: &Drill) -> Result<Exit, Failure> {
    match args {
        Drill::Call(args) => call::run(context, args),
        Drill::Dry(args) => dry(context, args),
        Drill::Wet(args) => wet::run(context, args),
        Drill::Solo(args) => solo(context, args),
    }
}

/// A quorum opens the set; the drill has passed when it opened.
fn dry(context: &Context, args: &DrillDry) -> Result<Exit, Failure> {
    let ui = &context.ui;
    let mut answers = answers::given(ui, "dry", &args.answers)?;
    suggest(context);
    let called = Called::ask(ui, args.called.as_deref())?;
    let time = args.answers.time.as_deref();
    let rehearsal = rehearsal::gather(context, &args.intake, &args.ink, time, Wanted::Quorum)?;
    let go_on = "Enter to open it and record the drill, Ctrl-C to stop: ";
    let exceptions = rehearsal.exceptions(context, args.exception.as_deref(), go_on)?;
    let mut members = rehearsal.members();
    let ids: Vec<SheetId> = rehearsal.case.good().iter().map(SheetShare::id).collect();
    members.insert(Member::Sheets, record::list(&ids));
    members.insert(Member::Kind, "dry".into());
    let opened = rehearsal.open(context, exceptions, "dry drill");
    // a sheet that nobody issued may open it, and is no sheet of ours
    let issued = rehearsal.sheets().len() == ids.len();
    let passed = issued && opened.as_ref().is_ok_and(|(_, o)| o.dealt_wrong.is_empty());
    members.insert(Member::Result, if passed { PASSED } else { FAILED }.into());
    let times = rehearsal.times(&called);
    if times.called.is_none() && matches!(called, Called::At(_)) {
        ui.warn("the call would have been later than the drill: times are counted from the start of the program");
    }
    if let Some(called) = times.called {
        members.insert(Member::Called, called.rfc3339().into());
    }
    for (member, seconds) in [
        (Member::FirstSheet, times.first_sheet),
        (Member::Quorum, times.quorum),
        (Member::Seconds, times.opened),
    ] {
        members.insert(member, seconds.into());
    }
    // nothing of the credential is kept while people talk about how it went
    let opened = opened.map(|(_, opened)| opened.credential.len());
    if let Ok(bytes) = &opened {
        let no_ink = rehearsal.objections.iter().any(|o| o.kind == "no ink");
        let ink = if no_ink { "was NOT compared with ink" } else { "agrees" };
        ui.must_say(&Ui::strong(&format!("Opens: {bytes} bytes, the set code {ink}.")));
        // a closed terminal ends the questions, not the record
        let _held = interrupt::hold_back_all();
        answers.ask(ui, "dry", rehearsal.when.at);
    }
    answers.put(&mut members, "");
    let draft = Draft::new(Event::Drill, rehearsal.when, &context.signature(), members);
    let draft = draft.map_err(|e| Failure::invalid(e.to_string()))?;
    written(ui, &rehearsal.book, &[draft], &[])?;
    opened?;
    answers.tell(ui);
    ui.must_say(&Ui::strong(&format!(
        "{}: {times}.",
        if passed { "The drill has passed" } else { "The drill has FAILED" },
    )));
    context
        .hint("each sheet goes into a new bag and back into its safe: `breakglass log add STORE`");
    Ok(if passed { Exit::Done } else { Exit::No })
}

/// One sheet, its manifest and the ink; nothing is opened.
fn solo(context: &Context, args: &DrillSolo) -> Result<Exit, Failure> {
    let ui = &context.ui;
    let time = args.time.as_deref();
    let rehearsal = rehearsal::gather(context, &args.intake, &args.ink, time, Wanted::One)?;
    let sheets = rehearsal.sheets();
    let ids: Vec<SheetId> = sheets.iter().map(SheetShare::id).collect();
    let passed = !ids.is_empty();
    let go_on = "Enter to record the drill, Ctrl-C to stop: ";
    let mut drafts = rehearsal.exceptions(context, args.exception.as_deref(), go_on)?;
    let mut members = rehearsal.members();
    members.insert(Member::Kind, "solo".into());
    members.insert(Member::Result, if passed { PASSED } else { FAILED }.into());
    members.insert(Member::Seconds, rehearsal.times(&Called::Unknown).opened.into());
    if passed {
        members.insert(Member::Sheets, record::list(&ids));
    }
    if let Some(note) = &args.note {
        members.insert(Member::Note, typed(note).map_err(Failure::invalid)?.into());
    }
    let draft = Draft::new(Event::Drill, rehearsal.when, &context.signature(), members);
    drafts.push(draft.map_err(|e| Failure::invalid(e.to_string()))?);
    written(ui, &rehearsal.book, &drafts, &sheets)?;
    if !passed {
        return Err(Failure::new(Exit::No, "no sheet here was issued with this set")
            .hint("`breakglass inspect FILE` says what is on a page"));
    }
    ui.must_say(&format!("Sheet {} fits its manifest and was issued.", names(&ids)));
    context
        .hint("the sheet goes into a new bag and back into its safe: `breakglass log add STORE`");
    Ok(Exit::Done)
}

/// Names the sheets whose turn it is, so that each is read once a year.
fn suggest(context: &Context) {
    let Ok(kit) = context.kit() else { return };
    let Ok((state, _)) = State::of_book(&kit.logbook()) else { return };
    let Some(set) = state.newest() else { return };
    let method = kit.method_of(&set.code);
    let who = |id: SheetId| match holder(Some(set), method.as_ref(), id) {
        Some(person) => format!("{id} ({})", person.name),
        None => id.to_string(),
    };
    let turn: Vec<String> = set.turn().into_iter().map(who).collect();
    context
        .ui
        .say(&format!("It is the turn of {}: nobody has read them for longest.", turn.join(", ")));
}
