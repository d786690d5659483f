//! `combine`: k sheets come together, the release is recorded, the credential goes to one operator.

use super::Context;
use super::ask;
use super::gather::Gathering;
use super::handover::{Delivered, Handover, Way};
use super::ink;
use super::mint::Mint;
use super::objection::{Objection, exceptions, network_route};
use super::recorder::{Recorded, Recorder, in_the_book, show_code};
use super::release::{self, Answers, Situation};
use super::rotate;
use super::session::seat::Seat;
use super::shortfall::too_few;
use crate::cli::Combine;
use crate::clock::{Instant, Source};
use crate::delivery;
use crate::exit::Exit;
use crate::fault;
use crate::files::FileError;
use crate::logbook::Draft;
use crate::logbook::record::{self, Subject, When};
use crate::method::Method;
use crate::opening::{Case, Opened, Verdict};
use crate::state::{FORGED, State};
use crate::ui::{Failure, Ui};

pub(super) fn run(context: &Context, args: &Combine) -> Result<Exit, Failure> {
    check_targets(context, args)?;
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
    let since = std::time::SystemTime::now();
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
    let ended = match &delivered {
        Ok(_) if asks => ask_for_the_end(context, &mut recorder, &case, &release),
        _ => Ok(false),
    };
    if args.clean && !was_recorded && delivered.is_ok() {
        handover.clean(&opened.credential, since);
    }
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

/// Rotates right away what was released. Where that is not done the old credential still works.
fn go_on_to_rotate(
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

/// Finds the seat of a recorded session, where it goes to one.
fn seat(
    gathering: &Gathering<'_>,
    args: &Combine,
    method: Option<&Method>,
    objections: &mut Vec<Objection>,
) -> Result<Option<(Seat, Vec<String>)>, Failure> {
    let Way::Session(line) = Way::of(gathering.context, args, method)? else { return Ok(None) };
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

/// Records what was done at a recorded seat; says whether anything was.
fn record_session(
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

/// Asks whether the next credential is made right now, while everybody is there.
fn offered(context: &Context, method: Option<&Method>) -> Result<bool, Failure> {
    if method.is_none_or(|method| method.rotation.is_none()) {
        return Ok(false);
    }
    context.ui.confirm("It is burnt now. Rotate it right away?", "`--rotate`")
}

/// `--rotate` needs a driver, and people who print and scan: that is known before anything is opened.
fn check_rotation(context: &Context, method: Option<&Method>) -> Result<(), Failure> {
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

/// Finds the set that is meant, and that it is complete. Says what speaks against it, and whether its code is in ink.
fn complete(
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

/// A program that has ended may be all that the operator needed.
fn ask_for_the_end(
    context: &Context,
    recorder: &mut Recorder<'_>,
    case: &Case,
    release: &Recorded,
) -> Result<bool, Failure> {
    let Some(seq) = release.seq.filter(|_| context.ui.can_ask()) else { return Ok(false) };
    if !context.ui.confirm("Is the operator done with the credential?", "`--no-input`")? {
        return Ok(false);
    }
    let when = When { at: Instant::now(), source: Source::System };
    let end = Draft::end(when, &context.signature(), &subject(case), seq);
    write_beside(context, recorder, &[end]);
    Ok(true)
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
pub(super) fn tampering(context: &Context, case: &Case, when: When) -> Vec<Draft> {
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
