//! `combine`: k sheets come together, the release is recorded, the credential goes to one operator.

mod after;
mod quorum;

use self::after::{
    Done, ask_for_the_end, check_rotation, go_on_to_rotate, offered, record_session, record_the_end,
};
use self::quorum::complete;
pub(super) use self::quorum::tampering;
use super::Context;
use super::ask;
use super::gather::Gathering;
use super::handover::{Handover, Way};
use super::mint::Mint;
use super::objection::{Objection, exceptions, network_route};
use super::recorder::{Recorded, Recorder, in_the_book, show_code};
use super::release::{self, Answers, Situation};
use super::session;
use super::session::seat::{Seat, refuse_within};
use crate::cli::Combine;
use crate::delivery;
use crate::exit::Exit;
use crate::fault;
use crate::files::FileError;
use crate::logbook::Draft;
use crate::logbook::record::{self, Subject};
use crate::method::Method;
use crate::opening::{Case, Opened};
use crate::state::{NO_RECORDING, State};
use crate::ui::{Failure, Ui};

pub(super) fn run(context: &Context, args: &Combine) -> Result<Exit, Failure> {
    // the recording around it does not know what it must not hold
    refuse_within()?;
    check_targets(context, args)?;
    session::sweep(context);
    let mut gathering = Gathering::new(context);
    if network_route() == Some(true) {
        context.ui.warn(
            "this machine has a network route; open it offline: pull the cable, switch Wi-Fi off",
        );
    }
    let ended = gathering.gather(&args.intake).and_then(|()| go_on(&mut gathering, args));
    if ended.is_err() {
        gathering.save_typed();
    }
    ended
}

/// From the sheets that came in to the credential in the operator's hands.
fn go_on(gathering: &mut Gathering<'_>, args: &Combine) -> Result<Exit, Failure> {
    let context = gathering.context;
    let (case, mut objections, by_ink) = complete(gathering, args)?;
    let mut recorder =
        Recorder::new(context, gathering.book_for(&case.code), args.record.as_deref());
    let method = gathering.dealt_method(&case);
    if args.rotate {
        check_rotation(context, method.as_ref())?;
    }
    let seat = seat(gathering, args, method.as_ref(), &mut objections)?;
    let mint = mint(context, args, method.as_ref(), seat.is_some())?;
    objections.append(&mut gathering.trouble);
    if gathering.has_kit()
        && gathering.book_for(&case.code).is_none()
        && objections.iter().all(|o| !o.kind.contains("log"))
    {
        let words = "the kit does not know this set; it is set aside".to_owned();
        objections.push(Objection { kind: "kit set aside", words });
    }
    if let Some(error) = recorder.probe() {
        objections.push(Objection { kind: "logbook cannot be written", words: error });
    }
    let situation = Situation {
        case: &case,
        method: method.as_ref(),
        state: &gathering.state,
        objections,
        then: seat.as_ref().map(|(seat, line)| seat.in_words(line)),
        wants_last_code: recorder.is_loose() && by_ink,
    };
    let answers = release::ask(context, args, situation)?;
    if let Some(code) = answers.last_code {
        recorder.follow(code);
    }
    if let Some(exec) = args.exec.as_ref().filter(|_| method.is_none()) {
        let name = exec.first().map_or("", String::as_str);
        context.ui.warn(&format!(
            "the kit does not say which variables `{name}` expects: it gets the credential on its input"
        ));
    }
    let answers = objections_since(gathering, args, &case, answers)?;
    let release = write_all(context, &mut recorder, &case, &answers)?;
    show_code(&context.ui, &release);
    fault::point("before the opening");
    let opened = open(context, &mut recorder, &case, &answers, &release)?;
    for x in &opened.dealt_wrong {
        context.ui.warn(&format!(
            "share {x} does not lie on the polynomial of the shares used: the set was dealt wrong and has to be dealt anew"
        ));
    }
    let due = answers.release.revoke_due;
    let (offset, method) = (answers.offset, method.as_ref());
    let paper = in_the_book(&release.line, &release.code.to_string());
    let number = release.seq.map_or_else(|| release.code.to_string(), |seq| seq.to_string());
    let handover =
        Handover { context, args, case: &case, method, paper, due, offset, release: number };
    // the clocks of files run in steps
    let since = std::time::SystemTime::now() - std::time::Duration::from_secs(2);
    fault::point("before the handover");
    let id = case.manifest.credential_id.as_str();
    let delivered = match (&mint, method) {
        (Some(mint), Some(method)) => mint
            .instead_of(
                context,
                (&opened.credential, id),
                (method, &subject(&case)),
                (&answers.release, release.seq),
            )
            .and_then(|(given, record)| {
                // on disk before it is given
                record.map(|record| recorder.write(&[record], &[])).transpose()?;
                handover.deliver(seat, &given, &opened.credential)
            }),
        _ => handover.deliver(seat, &opened.credential, &opened.credential),
    };
    fault::point("after the handover");
    let was_recorded = record_session(context, &mut recorder, &case, &release, &delivered);
    let asks = args.exec.is_some() || args.rotate || args.clean || was_recorded;
    let done = match &delivered {
        Ok(_) if asks => ask_for_the_end(context, &release),
        _ => Ok(Done::No),
    };
    let looks = args.clean && !was_recorded && delivered.is_ok();
    let traces = looks.then(|| handover.clean(&opened.credential, since));
    let ended = done.map(|done| record_the_end(context, &mut recorder, &case, done, traces));
    // the last line comes last, whatever happens at the question before it
    context.ui.must_say(&Ui::strong(&format!("Revoke before {} ({})", due.utc(), due.local())));
    let done = ended.unwrap_or_else(|_| {
        context.ui.warn("the end of the release is not recorded: `breakglass log add END`");
        false
    });
    let exit = delivered?.exit;
    if !done && args.rotate {
        return Err(Failure::new(
            Exit::StillValid,
            "the operator is not done, so it was not rotated",
        )
        .hint("when they are: `breakglass rotate`"));
    }
    if !done || !args.rotate && !offered(context, method)? {
        return Ok(exit);
    }
    go_on_to_rotate(context, &case, &opened, exit)
}

/// Finds the seat of a recorded session, where it goes to one.
fn seat(
    gathering: &Gathering<'_>,
    args: &Combine,
    method: Option<&Method>,
    objections: &mut Vec<Objection>,
) -> Result<Option<(Seat, Vec<String>)>, Failure> {
    let line = match Way::of(gathering.context, args, method)? {
        Way::Session(line) => line,
        Way::Other if method.is_some_and(|method| !method.env.is_empty()) => {
            let words = "nothing that is done with it is recorded, for it goes past the session";
            objections.push(Objection { kind: NO_RECORDING, words: words.to_owned() });
            return Ok(None);
        }
        Way::Other => return Ok(None),
    };
    let (seat, mut against) = Seat::find(gathering.folder(), method)?;
    objections.append(&mut against);
    Ok(Some((seat, line)))
}

/// Finds who makes personal credentials: where that was asked for, and for a recorded session, which never gets more than it
/// needs.
fn mint(
    context: &Context,
    args: &Combine,
    method: Option<&Method>,
    is_session: bool,
) -> Result<Option<Mint>, Failure> {
    if args.mint {
        return Mint::find(context, method).map(Some);
    }
    Ok(if is_session { Mint::find_quietly(context, method) } else { None })
}

/// Opens the set; a release of what does not open is voided.
fn open(
    context: &Context,
    recorder: &mut Recorder<'_>,
    case: &Case,
    answers: &Answers,
    release: &Recorded,
) -> Result<Opened, Failure> {
    case.open().map_err(|error| {
        let why = error.to_string();
        let program = context.signature();
        let void = Draft::void(answers.when, &program, &subject(case), release.seq, &why);
        write_beside(context, recorder, &[void]);
        Failure::invalid(why).hint("bring further sheets with other numbers; the record was voided")
    })
}

/// Sheets take their time to come in: what was recorded meanwhile speaks against it, too.
fn objections_since(
    gathering: &Gathering<'_>,
    args: &Combine,
    case: &Case,
    mut answers: Answers,
) -> Result<Answers, Failure> {
    let Some(book) = gathering.book_for(&case.code) else { return Ok(answers) };
    let Ok((state, _)) = State::of_book(&book) else { return Ok(answers) };
    let code = case.code.to_string();
    let count = |state: &State| {
        state
            .set(&code)
            .map(|set| (set.releases.len(), set.revoked.is_some(), set.aborted.is_some()))
    };
    if count(&state) == count(&gathering.state) {
        return Ok(answers);
    }
    let ui = &gathering.context.ui;
    let before = gathering.state.set(&code).map_or(0, |set| set.releases.len());
    let released = state.set(&code).and_then(|set| set.releases.get(before..)?.last());
    let new = match (released, state.set(&code)) {
        (Some(release), _) => {
            let words = format!("meanwhile it was released to {}", release.operator);
            Objection { kind: "second release", words }
        }
        (None, Some(set)) if set.revoked.is_some() => {
            Objection { kind: "revoked", words: "meanwhile it was revoked".to_owned() }
        }
        _ => {
            let words = "meanwhile something was recorded about this set".to_owned();
            Objection { kind: "changed meanwhile", words }
        }
    };
    let new = [new];
    let go_on = "Enter to open it and record the release, Ctrl-C to stop: ";
    let why = ask::in_spite_of(ui, args.exception.as_deref(), &new, go_on)?;
    answers.why = answers.why.or(why);
    answers.objections.extend(new);
    Ok(answers)
}

/// What can be known to fail later fails now, before anybody opened a bag.
fn check_targets(context: &Context, args: &Combine) -> Result<(), Failure> {
    for path in [&args.output, &args.record].into_iter().flatten() {
        if path.symlink_metadata().is_ok() {
            return Err(FileError::Exists(path.clone()).into());
        }
        let folder = crate::files::parent(path);
        if !folder.is_dir() {
            return Err(Failure::invalid(format!("there is no folder `{}`", folder.display())));
        }
    }
    let program = args.exec.as_ref().and_then(|command| command.first());
    if let Some(program) = program.or(args.command.first())
        && !delivery::can_start(program)
    {
        return Err(Failure::invalid(format!("there is no program `{program}`")));
    }
    let goes_elsewhere =
        args.output.is_some() || args.exec.is_some() || args.session || !args.command.is_empty();
    if !goes_elsewhere && !context.ui.can_ask() {
        return Err(Failure::invalid("there is no terminal to show the credential on")
            .hint("say where it goes with `--output FILE` or `--exec CMD`"));
    }
    Ok(())
}

fn subject(case: &Case) -> Subject {
    Subject::of(&case.manifest, case.code)
}

/// Writes records that must not stand in the way of what is said next.
fn write_beside(context: &Context, recorder: &mut Recorder<'_>, drafts: &[Draft]) {
    match recorder.write(drafts, &[]) {
        Ok(written) => show_code(&context.ui, &written),
        Err(failure) => context.ui.warn(&failure.message),
    }
}

/// Writes TAMPER, EXCEPTION and RELEASE, in this order; the RELEASE is on disk when this returns.
fn write_all(
    context: &Context,
    recorder: &mut Recorder<'_>,
    case: &Case,
    answers: &Answers,
) -> Result<Recorded, Failure> {
    let program = context.signature();
    let subject = subject(case);
    let mut drafts = tampering(context, case, answers.when);
    let (why, about) = (answers.why.clone().unwrap_or_default(), record::about(&subject));
    drafts.extend(exceptions(&answers.objections, &why, answers.when, &program, &about)?);
    let sheets: Vec<_> = case.good().iter().map(crate::set::SheetShare::id).collect();
    drafts.push(Draft::release(answers.when, &program, &subject, &sheets, answers.release.clone()));
    recorder.write(&drafts, case.good())
}
