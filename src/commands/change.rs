//! A method file that is not the one the last set was dealt with: the difference is shown, and what decides about the
//! credential needs somebody who agreed.

use super::Context;
use crate::exit::Exit;
use crate::kit::Kit;
use crate::logbook::hex;
use crate::method::Method;
use crate::set::sha256;
use crate::state::{Set, State};
use crate::ui::{Failure, Ui};

/// Most lines of a difference that are shown.
const MOST: usize = 40;

/// Shows what changed since the last set was dealt. Refuses a change of threshold, holders, locks, driver or variables
/// that no METHOD record approves.
pub(super) fn approved(
    context: &Context,
    kit: &Kit,
    state: &State,
    method: &Method,
    text: &str,
) -> Result<(), Failure> {
    // one that was never on confirmed paper may have been interrupted before its copy was there
    let of_use = |set: &&Set| {
        set.aborted.is_none() && (set.is_confirmed() || kit.dealt_with(&set.code).is_some())
    };
    let Some(set) = state.sets.iter().rev().find(of_use) else { return Ok(()) };
    let hash = hex(&sha256(&[text.as_bytes()]));
    let approved = state.approved_method == hash;
    let Some((mut dealt, before)) = kit.dealt_with(&set.code) else {
        if approved {
            return Ok(());
        }
        let message = format!(
            "the kit has no method file as generation {} was dealt with, so nobody can see what changed",
            set.generation
        );
        return Err(Failure::new(Exit::No, message).hint(
            "bring the folder `sets` of this kit back; or have today's file approved and recorded: `breakglass log add METHOD --approver WHO`",
        ));
    };
    if before == text {
        return Ok(());
    }
    // who holds a sheet by the records is no change of ours
    set.update(&mut dealt);
    let changed = changed(&dealt, method);
    show(&context.ui, set.generation, &before, text);
    if changed.is_empty() || approved {
        return Ok(());
    }
    let message = format!("{} changed, and nobody has approved it", changed.join(", "));
    Err(Failure::new(Exit::No, message).hint(
        "have it approved and recorded: `breakglass log add METHOD --approver WHO`; or put the old lines back",
    ))
}

/// Returns what of that decides about the credential.
fn changed(dealt: &Method, now: &Method) -> Vec<&'static str> {
    let holders = |method: &Method| -> Vec<_> {
        let all = method.custodians.iter();
        all.map(|c| (c.sheet, c.name.clone(), c.id.clone())).collect()
    };
    let locks = |method: &Method| -> Vec<_> {
        method.custodians.iter().map(|c| (c.sheet, c.lock.clone())).collect()
    };
    let (was, is) = (dealt.threshold, now.threshold);
    let differs = [
        ("k or n", (was.k(), was.n()) != (is.k(), is.n())),
        ("holders", holders(dealt) != holders(now)),
        ("recipients or locks", locks(dealt) != locks(now)),
        ("driver, pin or target", dealt.rotation != now.rotation),
        ("layout", dealt.layout != now.layout),
        ("variables", dealt.env != now.env),
        ("auditors' recipients", dealt.audit.recipients != now.audit.recipients),
    ];
    differs.into_iter().filter(|(_, differs)| *differs).map(|(what, _)| what).collect()
}

fn show(ui: &Ui, generation: u32, before: &str, now: &str) {
    ui.must_say(&format!("method.toml has changed since generation {generation} was dealt:"));
    let gone = before.lines().filter(|line| !now.lines().any(|other| other == *line));
    let come = now.lines().filter(|line| !before.lines().any(|other| other == *line));
    let lines: Vec<String> = gone
        .map(|line| format!("  - {line}"))
        .chain(come.map(|line| format!("  + {line}")))
        .collect();
    for line in lines.iter().take(MOST) {
        ui.must_say(&crate::ui::plain(line));
    }
    if lines.len() > MOST {
        ui.must_say(&format!("  and {} lines more", lines.len() - MOST));
    }
}
