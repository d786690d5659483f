//! `session`: a recorded terminal without a credential, and what there is to do with recordings.

mod import;
pub(super) mod leave;
pub(super) mod seat;
mod show;

use self::seat::{NOT_ENCRYPTED, Sat, Seat, Work};
use super::objection::exceptions;
use super::recorder::{Recorder, show_code};
use super::{Context, ask};
use crate::cli::{Session, SessionVerb};
use crate::clock::{Instant, Source};
use crate::delivery;
use crate::exit::Exit;
use crate::kit::{Kit, KitError};
use crate::logbook::Draft;
use crate::logbook::member::{Member, typed};
use crate::logbook::record::{Subject, When};
use crate::method::Method;
use crate::session::hideout;
use crate::session::values::Values;
use crate::state::State;
use crate::ui::Failure;

pub(super) fn run(context: &Context, args: &Session) -> Result<Exit, Failure> {
    sweep(context);
    match &args.verb {
        Some(SessionVerb::Show(show)) => show::run(context, show),
        Some(SessionVerb::Import(import)) => import::run(context, import),
        None => record(context, args),
    }
}

/// Wipes what a session that died has left in memory, and says so.
pub(super) fn sweep(context: &Context) {
    match hideout::sweep() {
        0 => {}
        _ => context
            .ui
            .warn("a session that died had left what its tools kept in memory: it is wiped now"),
    }
}

/// A kit with what its logbook says.
pub(super) struct Ground {
    kit: Kit,
    state: State,
    method: Option<Method>,
}

impl Ground {
    /// Opens the kit; `None` where there is none.
    fn open(context: &Context) -> Result<Option<Self>, Failure> {
        let kit = match context.kit() {
            Ok(kit) => kit,
            Err(KitError::NoKit(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let (state, _) = State::of_book(&kit.logbook())?;
        let dealt = state.newest().and_then(|set| kit.method_of(&set.code));
        let method = dealt.or_else(|| kit.method().ok().map(|(method, _)| method));
        Ok(Some(Self { kit, state, method }))
    }

    /// Returns the method's id.
    fn id(&self) -> String {
        let of_book = Some(self.state.method.clone()).filter(|id| !id.is_empty());
        of_book.or_else(|| self.method.as_ref().map(|m| m.id.clone())).unwrap_or_default()
    }

    /// Returns a release and its subject: the one with that record number, or one that `otherwise` names.
    fn release(
        &self,
        wanted: Option<u64>,
        otherwise: impl FnOnce(&State) -> Option<u64>,
    ) -> Result<Option<(u64, Subject)>, Failure> {
        let Some(number) = wanted.or_else(|| otherwise(&self.state)) else { return Ok(None) };
        let found = self.state.release(number);
        let subject = found.and_then(|(set, _)| set.subject(&self.id()));
        let subject = subject.ok_or_else(|| {
            Failure::invalid(format!("record {number} is no release"))
                .hint("see which there are: `breakglass log show`")
        })?;
        Ok(Some((number, subject)))
    }
}

fn record(context: &Context, args: &Session) -> Result<Exit, Failure> {
    let ui = &context.ui;
    let line = if args.command.is_empty() { seat::shell() } else { args.command.clone() };
    let program = line.first().map_or("", String::as_str);
    if !delivery::can_start(program) {
        return Err(Failure::invalid(format!("there is no program `{program}`")));
    }
    let ground = Ground::open(context)?;
    let method = ground.as_ref().and_then(|ground| ground.method.as_ref());
    let kit = ground.as_ref().map(|ground| &ground.kit);
    let (seat, mut objections) = Seat::find(seat::folder_of(kit), method)?;
    let why = args.unencrypted.as_deref().map(typed).transpose().map_err(Failure::invalid)?;
    if objections.iter().any(|o| o.kind == NOT_ENCRYPTED) && why.is_none() {
        return Err(Failure::invalid(
            "there are no auditors' recipients, so everybody who finds the recording could read it",
        )
        .hint("write them into method.toml, `[audit] recipients`; or say why not: `--unencrypted WHY`"));
    }
    if why.is_some() && objections.is_empty() {
        ui.warn("there are auditors' recipients, so it is encrypted to them: `--unencrypted` is not needed");
    }
    if why.as_deref().is_some_and(|why| !ask::is_a_reason(why)) {
        return Err(Failure::invalid("`--unencrypted` takes a reason, in a few words"));
    }
    let open = |state: &State| state.unended().last().map(|release| release.record);
    let release = match &ground {
        Some(ground) => ground.release(args.record, open)?,
        None => None,
    };
    let book = ground.as_ref().map(|ground| ground.kit.logbook());
    let id = ground.as_ref().map(Ground::id).unwrap_or_default();
    let mut recorder =
        Recorder::new(context, book.filter(super::super::logbook::chain::Logbook::exists), None);
    let when = || When { at: Instant::now(), source: Source::System };
    let signature = context.signature();
    if !objections.is_empty() && !id.is_empty() {
        let about = match &release {
            Some((_, subject)) => crate::logbook::record::about(subject).to_vec(),
            None => vec![(Member::Method, id.as_str().into())],
        };
        let drafts = exceptions(
            &objections,
            why.as_deref().unwrap_or_default(),
            when(),
            &signature,
            &about,
        )?;
        show_code(ui, &recorder.write(&drafts, &[])?);
    }
    objections.clear();
    let Sat { exit, mut session } = seat.sit(
        context,
        Work {
            command: seat::command(&line),
            input: None,
            holds: None,
            values: Values::default(),
            release: release.as_ref().map(|(number, _)| number.to_string()),
            at_terminal: ui.can_ask() && std::io::IsTerminal::is_terminal(&std::io::stdin()),
        },
        release.is_none(),
    )?;
    if id.is_empty() {
        // nothing to write it into: what proves it is said
        ui.must_say(&format!("End of its chain: {}", session.evidence.1));
        return Ok(exit);
    }
    session.release = release.as_ref().map(|(number, _)| *number);
    let subject = release.as_ref().map(|(_, subject)| subject);
    let draft = Draft::session(when(), &signature, (&id, subject), &session);
    show_code(ui, &recorder.write(&[draft], &[])?);
    Ok(exit)
}
