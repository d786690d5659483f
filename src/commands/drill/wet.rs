//! `drill wet`: what a drill has shown that released the credential, used it, and had it rotated.

use super::answers;
use super::{FAILED, PASSED};
use crate::cli::DrillWet;
use crate::clock::Instant;
use crate::commands::log::existing;
use crate::commands::recorder::written;
use crate::commands::{Context, ask};
use crate::exit::Exit;
use crate::logbook::{Draft, Event, Member};
use crate::state::{Release, Set, State};
use crate::ui::{Failure, Ui};

/// The permitted use that such a release names.
const USE: &str = "DRILL";

/// Questions that decide whether it has passed.
const DECISIVE: [&str; 2] = ["login", "scope"];

pub(super) fn run(context: &Context, args: &DrillWet) -> Result<Exit, Failure> {
    let ui = &context.ui;
    let mut answers = answers::given(ui, "wet", &args.answers)?;
    let book = existing(context)?;
    let (state, _) = State::of_book(&book)?;
    let (set, release) = released(&state, args.record)?;
    let record = release.record;
    if set.revoked.is_none() {
        let message = format!(
            "generation {} was released for the drill (record {record}) and still works",
            set.generation
        );
        let hint = match release.ended {
            None => {
                "`breakglass log add END` says that the operator is done; then `breakglass rotate`"
            }
            Some(_) => {
                "a drill ends like an incident: `breakglass rotate`, or `breakglass log add REVOKE`"
            }
        };
        return Err(Failure::new(Exit::No, message).hint(hint));
    }
    if answers.to("login").is_none() && !ui.can_ask() {
        return Err(Failure::invalid("nobody can be asked: did the login work?")
            .hint("say so with `--check login=yes`"));
    }
    ui.must_say(&format!(
        "The wet drill of record {record}: generation {}, released {} to {}.",
        set.generation,
        release.at.local(),
        release.operator
    ));
    let called = called(ui, args, release)?;
    let when = ask::time(ui, args.answers.time.as_deref())?;
    answers.ask(ui, "wet", when.at);
    if answers.to("login").is_none() {
        return Err(Failure::invalid("whether the login worked is what a wet drill is about")
            .hint("nothing was recorded; say so with `--check login=yes` or `login=no`"));
    }
    let passed = DECISIVE.iter().all(|key| answers.to(key) != Some(false));
    let mut members = std::collections::BTreeMap::from([
        (Member::Method, state.method.clone().into()),
        (Member::Generation, set.generation.into()),
        (Member::Set, set.code.clone().into()),
        (Member::Record, record.into()),
        (Member::Kind, "wet".into()),
        (Member::Result, if passed { PASSED } else { FAILED }.into()),
    ]);
    if let Some(called) = called {
        members.insert(Member::Called, called.rfc3339().into());
        members.insert(Member::Seconds, release.at.since(called).unsigned_abs().into());
    }
    answers.put(&mut members, "");
    let draft = Draft::new(Event::Drill, when, &context.signature(), members);
    written(ui, &book, &[draft.map_err(|e| Failure::invalid(e.to_string()))?], &[])?;
    answers.tell(ui);
    if passed {
        ui.must_say("The wet drill has passed: the paper opened, the login worked, and the credential is revoked.");
        return Ok(Exit::Done);
    }
    Err(Failure::new(Exit::No, "the wet drill has failed")
        .hint("mend it, and drill again; `breakglass status` keeps the findings"))
}

/// Returns when the first custodian was called, which was before the release and on its day.
fn called(ui: &Ui, args: &DrillWet, release: &Release) -> Result<Option<Instant>, Failure> {
    let read = |text: &str| match Instant::parse_near(text, release.at) {
        Ok(at) if at <= release.at => Ok(at),
        Ok(at) => Err(format!("{} is after the release, {}", at.local(), release.at.local())),
        Err(_) => Err(format!("`{text}` is no time like 04:02")),
    };
    if let Some(text) = &args.called {
        return read(text).map(Some).map_err(|e| Failure::invalid(format!("`--called`: {e}")));
    }
    while ui.can_ask() {
        let question = "When was the first custodian called, like 04:02 (Enter: not known)? ";
        let text = ui.ask(question, "`--called`")?;
        if text.is_empty() {
            break;
        }
        match read(&text) {
            Ok(at) => return Ok(Some(at)),
            Err(what) => ui.must_say(&what),
        }
    }
    Ok(None)
}

/// Finds the release that a drill was about.
fn released(state: &State, record: Option<u64>) -> Result<(&Set, &Release), Failure> {
    let drills = || {
        let all = state.sets.iter().flat_map(|set| set.releases.iter().map(move |r| (set, r)));
        all.filter(|(_, release)| release.reason == USE)
    };
    let Some(record) = record else {
        return drills().max_by_key(|(_, release)| release.record).ok_or_else(|| {
            Failure::new(Exit::No, "no release for DRILL stands in the logbook").hint(
                "a wet drill is a release: `breakglass combine` with the reason DRILL, the login, `breakglass log add END`, `breakglass rotate`",
            )
        });
    };
    drills().find(|(_, release)| release.record == record).ok_or_else(|| {
        let known: Vec<String> = drills().map(|(_, r)| r.record.to_string()).collect();
        let failure = Failure::invalid(format!("record {record} is no release for DRILL"));
        if known.is_empty() {
            failure
        } else {
            failure.hint(format!("there are: {}", known.join(", ")))
        }
    })
}
