//! Whether the sheets that came in are enough for one set, and what of them is not what it says.

use super::{subject, write_beside};
use crate::cli::Combine;
use crate::clock::{Instant, Source};
use crate::commands::Context;
use crate::commands::gather::Gathering;
use crate::commands::ink;
use crate::commands::objection::Objection;
use crate::commands::recorder::Recorder;
use crate::commands::shortfall::too_few;
use crate::logbook::Draft;
use crate::logbook::record::When;
use crate::opening::{Case, Verdict};
use crate::state::FORGED;
use crate::ui::{Failure, Ui};

/// Finds the set that is meant, and that it is complete. Says what speaks against it, and whether its code is in ink.
pub(super) fn complete(
    gathering: &mut Gathering<'_>,
    args: &Combine,
) -> Result<(Case, Vec<Objection>, bool), Failure> {
    let context = gathering.context;
    let groups = gathering.groups();
    let ready = groups.iter().any(|group| gathering.examine(group).is_complete());
    if !ready {
        let case = groups.first().map(|group| gathering.examine(group));
        let failure = too_few(gathering, case.as_ref());
        if let Some(case) = case {
            record_tampering(gathering, args, &case);
        }
        return Err(failure);
    }

    let chosen = ink::choose(gathering, &args.ink, &groups)?;
    if let Some(origin) = gathering.contradiction(&chosen.group) {
        return Err(Failure::invalid(format!(
            "another manifest with the same set code was read ({origin})"
        ))
        .hint("bring sheets of one set only; somebody made a second text for this code"));
    }
    let case = gathering.examine(&chosen.group);
    if !case.is_complete() {
        let failure = too_few(gathering, Some(&case));
        record_tampering(gathering, args, &case);
        return Err(failure);
    }
    tell_bad(&context.ui, &case);
    Ok((case, chosen.objections, chosen.by_ink))
}

/// Names the sheets that do not fit, once more and all together.
fn tell_bad(ui: &Ui, case: &Case) {
    for origin in &case.bad_parts {
        ui.warn(&format!(
            "a part of the sealed credential does not fit and was left out ({origin})"
        ));
    }
}

/// Drafts a TAMPER record for every sheet that is not what it says. The holder is not accused: only what the sheet
/// says and where it was read is written.
pub(in crate::commands) fn tampering(context: &Context, case: &Case, when: When) -> Vec<Draft> {
    let program = context.signature();
    let sheets = case.sheets.iter().filter_map(|sheet| {
        let kind = match sheet.verdict {
            Verdict::Forged => FORGED[0],
            Verdict::BadLock => FORGED[1],
            Verdict::NotIssued { .. } => FORGED[2],
            _ => return None,
        };
        let note = format!("read at {}", crate::ui::plain(&sheet.origin.to_string()));
        Some(Draft::tamper(when, &program, &subject(case), sheet.sheet, kind, &note))
    });
    sheets.collect()
}

/// Records what was tampered with when nothing is opened. The answer to the people goes before a failing record.
fn record_tampering(gathering: &Gathering<'_>, args: &Combine, case: &Case) {
    let context = gathering.context;
    let when = When { at: Instant::now(), source: Source::System };
    let drafts = tampering(context, case, when);
    if drafts.is_empty() {
        return;
    }
    let mut recorder =
        Recorder::new(context, gathering.book_for(&case.code), args.record.as_deref());
    write_beside(context, &mut recorder, &drafts);
}
