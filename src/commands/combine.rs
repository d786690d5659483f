//! `combine`: k sheets come together, the release is recorded, the credential goes to one operator.

use std::os::unix::process::ExitStatusExt;

use super::Context;
use super::gather::Gathering;
use super::recorder::{Recorded, Recorder, show_code};
use super::release::{self, Answers, Objection, Situation};
use super::shortfall::too_few;
use super::words::show_groups;
use crate::cli::Combine;
use crate::clock::{Instant, Source};
use crate::codes::Code;
use crate::codes::code::CodeKind;
use crate::delivery::{self, ExecError};
use crate::exit::Exit;
use crate::files::FileError;
use crate::logbook::Draft;
use crate::logbook::record::{Subject, When};
use crate::opening::{Case, Group, Verdict};
use crate::secret::Secret;
use crate::ui::{Failure, Ui};

/// What to do when the credential could not be handed over.
const RECORDED: &str =
    "the release is recorded; run `breakglass combine` again to release it once more";

/// What the trust order decided on.
struct Chosen {
    group: Group,
    /// Whether the code in the paper book says so.
    by_ink: bool,
    /// What speaks against it.
    objections: Vec<Objection>,
}

pub(super) fn run(context: &Context, args: &Combine) -> Result<Exit, Failure> {
    check_targets(context, args)?;
    let mut gathering = Gathering::new(context);
    gathering.gather(args)?;

    let groups = gathering.groups();
    let ready = groups.iter().any(|group| gathering.examine(group).is_complete());
    if !ready {
        let case = groups.first().map(|group| gathering.examine(group));
        let failure = too_few(&mut gathering, case.as_ref());
        if let Some(case) = case {
            record_tampering(&gathering, args, &case);
        }
        return Err(failure);
    }

    let chosen = choose(&mut gathering, args, &groups)?;
    if let Some(origin) = gathering.contradiction(&chosen.group) {
        return Err(Failure::invalid(format!(
            "another manifest with the same set code was read ({origin})"
        ))
        .hint("bring sheets of one set only; somebody made a second text for this code"));
    }
    let case = gathering.examine(&chosen.group);
    if !case.is_complete() {
        let failure = too_few(&mut gathering, Some(&case));
        record_tampering(&gathering, args, &case);
        return Err(failure);
    }
    tell_bad(&context.ui, &case);

    let mut recorder =
        Recorder::new(context, gathering.book_for(&case.code), args.record.as_deref());
    let method = gathering.dealt_method(&case);
    let mut objections = chosen.objections;
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
        entries: &gathering.entries,
        objections,
        wants_last_code: recorder.is_loose() && chosen.by_ink,
    };
    let answers = release::ask(context, args, situation)?;
    if let Some(code) = answers.last_code {
        recorder.follow(code);
    }
    let release = record(context, &mut recorder, &case, &answers)?;
    show_code(&context.ui, &release);
    let opened = match case.open() {
        Ok(opened) => opened,
        Err(error) => {
            let void = Draft::void(
                answers.when,
                &context.signature(),
                &subject(&case),
                &error.to_string(),
            );
            write_beside(context, &mut recorder, &[void]);
            return Err(Failure::invalid(error.to_string())
                .hint("bring further sheets with other numbers; the record was voided"));
        }
    };
    for x in &opened.dealt_wrong {
        context.ui.warn(&format!(
            "share {x} does not lie on the polynomial of the shares used: the set was dealt wrong and has to be dealt anew"
        ));
    }
    let due = answers.release.revoke_due;
    let login = method.as_ref().map(|m| m.login.clone()).unwrap_or_default();
    let delivered = deliver(context, args, &case, &opened.credential, due, &login);
    context.ui.must_say(&Ui::strong(&format!("Revoke before {} ({})", due.utc(), due.local())));
    delivered
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
    if let Some(program) = args.exec.as_ref().and_then(|command| command.first())
        && !delivery::can_start(program)
    {
        return Err(Failure::invalid(format!("there is no program `{program}`")));
    }
    if args.output.is_none() && args.exec.is_none() && !context.ui.can_ask() {
        return Err(Failure::invalid("there is no terminal to show the credential on")
            .hint("say where it goes with `--output FILE` or `--exec CMD`"));
    }
    Ok(())
}

/// Ink, kit, agreement: decides which set the sheets are to be judged by.
fn choose(
    gathering: &mut Gathering<'_>,
    args: &Combine,
    groups: &[Group],
) -> Result<Chosen, Failure> {
    let context = gathering.context;
    let ui = &context.ui;
    let mut disagreed: Option<Code> = None;
    let mut typed = args.set_code.clone();
    if !args.no_book {
        loop {
            let text = match typed.take() {
                Some(text) => text,
                None => ui.ask(
                    "Set code in the paper book (or `no book`): ",
                    "`--set-code CODE` or `--no-book`",
                )?,
            };
            if text.eq_ignore_ascii_case("no book") {
                break;
            }
            if let Some(group) = by_ink(ui, &text, groups)? {
                let (have, k) = (group.numbers.len(), group.manifest.threshold.k());
                if ui.can_ask() && !gathering.examine(&group).is_complete() {
                    let generation = group.manifest.generation;
                    ui.must_say(&format!(
                        "That code is of generation {generation}, of which {have} of {k} shares are here.\n\
                         Read the newest line of the book again, or press Ctrl-C and bring more sheets."
                    ));
                    continue;
                }
                let objections = Vec::new();
                return Ok(Chosen { group, by_ink: true, objections });
            }
            disagreed = Code::parse(CodeKind::Set, &text).ok();
            // not in full: whoever reads it here could copy it instead of reading the book
            let codes: Vec<String> =
                groups.iter().map(|g| format!("{}-…", g.code.short())).collect();
            let message = match Code::parse(CodeKind::Set, &text) {
                Err(error) => format!("the set code is not one: {error}"),
                Ok(code) => {
                    format!("the paper book says {code}, the sheets say {}", codes.join(" or "))
                }
            };
            if args.set_code.is_some() && !ui.can_ask() {
                return Err(Failure::invalid(message)
                    .hint("the ink cannot be overridden; without the book the way is `--no-book`, and it is recorded"));
            }
            ui.must_say(&format!(
                "{message}\nRead the line again, or type `no book` (it is recorded)."
            ));
        }
    }
    let in_kit = groups.iter().filter(|g| g.in_kit).max_by_key(|g| g.manifest.generation);
    let group = match (in_kit, groups) {
        (Some(group), _) | (None, [group]) => group.clone(),
        (None, _) => {
            show_groups(ui, groups);
            return Err(Failure::invalid(
                "the sheets disagree, and neither ink nor kit can tell which are right",
            )
            .hint("find the set code in the paper book and give it with `--set-code CODE`"));
        }
    };
    let ink =
        disagreed.map(|code| format!(" although the book was read as {code}")).unwrap_or_default();
    let words = format!("no ink: nobody has compared {} with the paper book{ink}", group.code);
    ui.must_say("");
    ui.must_say(&Ui::strong(&format!("NO INK. The sheets say {}", group.code)));
    let objections = vec![Objection { kind: "no ink", words }];
    Ok(Chosen { group, by_ink: false, objections })
}

/// Finds the set that the ink names; a slip of one sign is asked about.
fn by_ink(ui: &Ui, text: &str, groups: &[Group]) -> Result<Option<Group>, Failure> {
    for group in groups {
        match group.code.slips(text) {
            Some(0) => return Ok(Some(group.clone())),
            Some(1) if ui.can_ask() => {
                let question = format!("One sign differs. Does the book say {}?", group.code);
                if ui.confirm(&question, "`--set-code CODE`")? {
                    return Ok(Some(group.clone()));
                }
            }
            _ => {}
        }
    }
    Ok(None)
}

fn subject(case: &Case) -> Subject {
    Subject {
        method: case.manifest.method.clone(),
        generation: case.manifest.generation,
        set: case.code,
    }
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
fn tampering(context: &Context, case: &Case, when: When) -> Vec<Draft> {
    let program = context.signature();
    let sheets = case.sheets.iter().filter_map(|sheet| {
        let kind = match sheet.verdict {
            Verdict::Forged => "does not fit its commitment",
            Verdict::NotIssued { .. } => "never issued",
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
fn record(
    context: &Context,
    recorder: &mut Recorder<'_>,
    case: &Case,
    answers: &Answers,
) -> Result<Recorded, Failure> {
    let program = context.signature();
    let subject = subject(case);
    let mut drafts = tampering(context, case, answers.when);
    let why = answers.why.clone().unwrap_or_default();
    for objection in &answers.objections {
        let note = Some(objection.words.clone());
        drafts.push(Draft::exception(answers.when, &program, &subject, objection.kind, &why, note));
    }
    let sheets: Vec<_> = case.good().iter().map(crate::set::SheetShare::id).collect();
    drafts.push(Draft::release(answers.when, &program, &subject, &sheets, answers.release.clone()));
    recorder.write(&drafts, case.good())
}

/// Hands the credential over, one way.
fn deliver(
    context: &Context,
    args: &Combine,
    case: &Case,
    credential: &Secret,
    due: Instant,
    login: &str,
) -> Result<Exit, Failure> {
    let ui = &context.ui;
    if let Some(path) = &args.output {
        delivery::to_file(path, credential).map_err(|e| Failure::from(e).hint(RECORDED))?;
        ui.say(&format!(
            "Opened: {} bytes in `{}`; delete it when you are done",
            credential.len(),
            path.display()
        ));
        return Ok(Exit::Done);
    }
    if let Some(command) = &args.exec {
        return match delivery::to_program(command, credential) {
            Ok(status) => {
                ui.say(&format!(
                    "Opened: given to `{}`",
                    command.first().map_or("", String::as_str)
                ));
                Ok(match status.code().and_then(|code| u8::try_from(code).ok()) {
                    Some(0) => Exit::Done,
                    Some(code) => Exit::Child(code),
                    // ended by a signal, as a shell says it
                    None => Exit::Child(
                        status.signal().and_then(|s| u8::try_from(128 + s).ok()).unwrap_or(128),
                    ),
                })
            }
            Err(error @ (ExecError::NotStarted { .. } | ExecError::Lost { .. })) => {
                Err(Failure::new(Exit::NotStarted, error.to_string()).hint(RECORDED))
            }
        };
    }
    let heading = format!(
        "{}, generation {}   {} bytes   revoke before {}",
        case.manifest.method,
        case.manifest.generation,
        credential.len(),
        due.utc()
    );
    let heading = if login.is_empty() { heading } else { format!("{heading}\nLog in: {login}") };
    ui.show(&heading, credential, "`--output FILE` or `--exec CMD`").map_err(|e| Failure {
        exit: Exit::Invalid,
        message: if e.message.is_empty() { "the screen was lost".to_owned() } else { e.message },
        hint: Some(RECORDED.to_owned()),
    })?;
    Ok(Exit::Done)
}
