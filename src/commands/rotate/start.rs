//! What a run begins with: the method as it was dealt, its driver, and where the records say that things stand.

use super::{Retiring, Run};
use crate::cli::Rotate;
use crate::codes::Code;
use crate::codes::code::CodeKind;
use crate::commands::{Context, change, driver};
use crate::exit::Exit;
use crate::files::Lock;
use crate::kit::Kit;
use crate::logbook::record::Subject;
use crate::method::Method;
use crate::rotation::answer::Mode;
use crate::rotation::journal::Journal;
use crate::rotation::plan::{Facts, Successor};
use crate::state::{Set, Stage, State};
use crate::ui::Failure;

/// Looks at everything and changes nothing.
pub(super) fn begin<'a>(context: &'a Context, args: &'a Rotate) -> Result<Run<'a>, Failure> {
    let kit = context.kit()?;
    let alone = if args.dry_run { None } else { Some(alone(&kit)?) };
    let (state, _) = State::of_book(&kit.logbook())?;
    let (old, new) = if args.first { first(&state)? } else { pair(&state)? };
    let method = match old {
        Some(set) => dealt(context, &kit, set)?,
        None => kit.method()?.0,
    };
    // the next set is dealt with what is in method.toml now
    let (today, text) = kit.method()?;
    change::approved(context, &kit, &state, &today, &text)?;
    let moved = today.rotation != method.rotation;
    let mut method = method;
    if args.as_approved.is_some() {
        if !moved {
            return Err(Failure::invalid("[rotation] is as it was dealt")
                .hint("`breakglass rotate` without `--as-approved`"));
        }
        method.rotation.clone_from(&today.rotation);
    }
    let rotation = method.rotation.clone().ok_or_else(|| no_driver(args.first))?;
    let mut driver = driver::find(context, &kit, &rotation)?;
    let described = driver::described(context, &mut driver, &rotation)?;
    let successor = match new {
        None => Successor::None,
        Some(set) if set.is_confirmed() => Successor::Confirmed,
        Some(_) => Successor::HalfMade,
    };
    if args.first && described.mode == Mode::Replace {
        return Err(Failure::new(Exit::No, "this driver changes a credential that is there; it makes none")
            .hint("make the first one by hand and deal it with `breakglass split --from FILE --credential-id ID`"));
    }
    let at_once = args.compromised.is_some();
    let facts = Facts { at_once, ..Facts::new(described.mode, args.first, successor) };
    let retiring = old.map(|set| retiring(&state, set)).transpose()?;
    Ok(Run {
        context,
        args,
        journal: Journal::at(kit.dir().join("rotation.jsonl")),
        kit,
        method,
        driver,
        described,
        facts,
        old: retiring,
        old_credential: None,
        order: None,
        made: None,
        made_expires: None,
        new_code: new.map(|set| set.code.clone()),
        new_credential: None,
        has_opened: false,
        changed: false,
        sessions: String::new(),
        evidence: Vec::new(),
        papers: None,
        staged: None,
        moved,
        _alone: alone,
    })
}

/// Two runs at once would take each other's work for that of a run that died.
fn alone(kit: &Kit) -> Result<Lock, Failure> {
    Lock::take(kit.dir())?.ok_or_else(|| {
        Failure::new(Exit::Invalid, "another rotation of this kit is at work")
            .hint("wait for it, or end it; `breakglass rotate -n` says where things stand")
    })
}

/// Returns the set that is to be retired and the one that was dealt to follow it.
fn pair(state: &State) -> Result<(Option<&Set>, Option<&Set>), Failure> {
    let alive: Vec<&Set> = state.sets.iter().filter(|set| state.stage(set).is_alive()).collect();
    match alive[..] {
        [] => Err(Failure::new(Exit::No, "there is no credential to rotate: none was dealt, or all are revoked")
            .hint("`breakglass split` deals one that was made by hand, a driver that makes them makes the first with `breakglass rotate --first`")),
        [old] if state.stage(old) == Stage::Dealt => Err(Failure::new(
            Exit::No,
            format!("generation {} was never confirmed: there is nothing on paper to rotate with", old.generation),
        )
        .hint("scan its sheets back with `breakglass confirm SCANS`, then rotate")),
        [old] => Ok((Some(old), None)),
        [old, new] => Ok((Some(old), Some(new))),
        _ => {
            let list: Vec<String> = alive.iter().map(|set| set.generation.to_string()).collect();
            Err(Failure::new(
                Exit::No,
                format!("more than two generations are alive by the records: {}", list.join(", ")),
            )
            .hint("record what became of the others: `breakglass log add REVOKE`, `breakglass log add ABORT`"))
        }
    }
}

/// For the first credential there may be one set that an earlier run left half made.
fn first(state: &State) -> Result<(Option<&Set>, Option<&Set>), Failure> {
    let alive: Vec<&Set> = state.sets.iter().filter(|set| state.stage(set).is_alive()).collect();
    match alive[..] {
        [] => Ok((None, None)),
        [set] if state.stage(set) == Stage::Dealt => Ok((None, Some(set))),
        _ => Err(Failure::new(Exit::No, "there is a credential already")
            .hint("`breakglass rotate` makes the next one")),
    }
}

fn retiring(state: &State, set: &Set) -> Result<Retiring, Failure> {
    let code =
        Code::parse(CodeKind::Set, &set.code).map_err(|e| Failure::invalid(e.to_string()))?;
    let subject = Subject { method: state.method.clone(), generation: set.generation, set: code };
    Ok(Retiring {
        subject,
        credential: set.credential.clone(),
        release: set.releases.last().map(|release| release.record),
        issue: set.issue.0,
    })
}

fn dealt(context: &Context, kit: &Kit, set: &Set) -> Result<Method, Failure> {
    kit.method_of(&set.code).ok_or_else(|| {
        let message = format!(
            "the kit has no method file as it was dealt with generation {}; what is in method.toml today decides nothing",
            set.generation
        );
        Failure::invalid(message).hint(&*format!(
            "bring the folder `sets` of this kit back into `{}`",
            context.dir.display()
        ))
    })
}

fn no_driver(first: bool) -> Failure {
    let failure = Failure::new(Exit::No, "the method as it was dealt names no driver");
    if first {
        return failure.hint("name one under [rotation] in method.toml");
    }
    failure.hint(
        "make the next credential by hand, deal it with `breakglass split`, confirm it, revoke the old one, and record `breakglass log add REVOKE`; with [rotation] in method.toml the set after that can be rotated",
    )
}
