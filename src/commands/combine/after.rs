//! What comes after the credential was in the operator's hands: the record of the session, END, and the next credential.

use crate::clock::{Instant, Source};
use crate::commands::Context;
use crate::commands::handover::Delivered;
use crate::commands::recorder::{Recorded, Recorder};
use crate::commands::rotate;
use crate::exit::Exit;
use crate::logbook::Draft;
use crate::logbook::record::When;
use crate::method::Method;
use crate::opening::{Case, Opened};
use crate::state::State;
use crate::ui::Failure;

use super::{subject, write_beside};

/// Records what was done at a recorded seat; says whether anything was.
pub(super) fn record_session(
    context: &Context,
    recorder: &mut Recorder<'_>,
    case: &Case,
    release: &Recorded,
    delivered: &Result<Delivered, Failure>,
) -> bool {
    let Ok(Delivered { session: Some(session), .. }) = delivered else { return false };
    let mut session = session.clone();
    session.release = release.seq;
    if release.seq.is_none() {
        // away from the logbook the release has no number; its check code is in ink
        let of = format!("of the release {}", release.code);
        session.note = Some(session.note.map_or(of.clone(), |note| format!("{of}; {note}")));
    }
    let when = When { at: Instant::now(), source: Source::System };
    let subject = subject(case);
    let draft =
        Draft::session(when, &context.signature(), (&subject.method, Some(&subject)), &session);
    write_beside(context, recorder, &[draft]);
    true
}

/// Whether the operator is done.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    /// Not, or nobody says so.
    No,
    /// A record says so already.
    Already,
    /// With the release of that record.
    Now(u64),
}

/// A program that has ended may be all that the operator needed.
pub(super) fn ask_for_the_end(context: &Context, release: &Recorded) -> Result<Done, Failure> {
    let Some(seq) = release.seq else { return Ok(Done::No) };
    // they may have said so meanwhile
    let book = context.kit().ok().map(|kit| kit.logbook());
    let state = book.and_then(|book| State::of_book(&book).ok()).map(|(state, _)| state);
    if state.is_some_and(|state| state.release(seq).is_some_and(|(_, r)| r.ended.is_some())) {
        return Ok(Done::Already);
    }
    let is_done = context.ui.can_ask()
        && context.ui.confirm("Is the operator done with the credential?", "`--no-input`")?;
    Ok(if is_done { Done::Now(seq) } else { Done::No })
}

/// Records that the operator is done, if that is new; says whether it is so. `traces`: places where the credential was left
/// behind, where no session says so.
pub(super) fn record_the_end(
    context: &Context,
    recorder: &mut Recorder<'_>,
    case: &Case,
    done: Done,
    traces: Option<u64>,
) -> bool {
    let Done::Now(seq) = done else { return done == Done::Already };
    let when = When { at: Instant::now(), source: Source::System };
    let end = Draft::end(when, &context.signature(), &subject(case), seq, traces);
    write_beside(context, recorder, &[end]);
    true
}

/// Asks whether the next credential is made right now, while everybody is there.
pub(super) fn offered(context: &Context, method: Option<&Method>) -> Result<bool, Failure> {
    if method.is_none_or(|method| method.rotation.is_none()) {
        return Ok(false);
    }
    context.ui.confirm("It is burnt now. Rotate it right away?", "`--rotate`")
}

/// `--rotate` needs a driver, and people who print and scan: that is known before anything is opened.
pub(super) fn check_rotation(context: &Context, method: Option<&Method>) -> Result<(), Failure> {
    if method.is_none_or(|method| method.rotation.is_none()) {
        return Err(Failure::new(
            Exit::No,
            "the method as it was dealt names no driver to rotate with",
        )
        .hint("release it with `breakglass combine`; revoke it and deal the next one by hand"));
    }
    if !context.ui.can_ask() {
        return Err(Failure::invalid(
            "to rotate, somebody has to be asked, and there is no terminal",
        )
        .hint("release it with `breakglass combine`, then `breakglass rotate --new FILE`"));
    }
    Ok(())
}

/// Rotates right away what was released. Where that is not done the old credential still works.
pub(super) fn go_on_to_rotate(
    context: &Context,
    case: &Case,
    opened: &Opened,
    exit: Exit,
) -> Result<Exit, Failure> {
    let id = case.manifest.credential_id.as_str();
    match rotate::after_release(context, case.code, &opened.credential, id) {
        Ok(Exit::Done) => Ok(exit),
        // it was released, and nobody has ended it
        Err(failure) if failure.exit != Exit::Interrupted => {
            Err(Failure { exit: Exit::StillValid, ..failure })
        }
        ended => ended,
    }
}
