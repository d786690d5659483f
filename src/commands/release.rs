//! What is asked at 4 am, and nothing more: who, why, and one screen that shows everything that speaks against it.

pub(super) mod against;

use self::against::Told;
use super::Context;
use super::ask::{self, answer, answer_or_empty};
use super::objection::{Objection, network_route};
use super::people::holder;
use super::words::with_holder;
use crate::cli::Combine;
use crate::clock::{Instant, Source};
use crate::codes::Code;
use crate::logbook::Person;
use crate::logbook::member::typed;
use crate::logbook::record::{Release, When};
use crate::method::Method;
use crate::opening::Case;
use crate::set::{STANDARD_USES, SheetId};
use crate::state::State;
use crate::ui::{Failure, Ui};

/// What is known about the set when the questions are asked.
pub(super) struct Situation<'a> {
    /// The sheets and their manifest.
    pub(super) case: &'a Case,
    /// The method as it was dealt, when the kit has it.
    pub(super) method: Option<&'a Method>,
    /// What the kit's logbook says.
    pub(super) state: &'a State,
    /// What spoke against it before the questions: no ink, a broken kit, …
    pub(super) objections: Vec<Objection>,
    /// What comes then: a recorded shell, and for whom it is recorded.
    pub(super) then: Option<String>,
    /// Whether the record will be loose although the paper book is here, so that its last code is wanted.
    pub(super) wants_last_code: bool,
}

impl Situation<'_> {
    /// Returns who holds a sheet: by the records, or else as it was dealt.
    pub(super) fn holder(&self, sheet: SheetId) -> Option<Person> {
        holder(self.state.set(&self.case.code.to_string()), self.method, sheet)
    }
}

/// The answers, confirmed.
pub(super) struct Answers {
    /// What goes into the record.
    pub(super) release: Release,
    /// When.
    pub(super) when: When,
    /// How far the operator's clock is before the machine's, seconds.
    pub(super) offset: i64,
    /// Everything that spoke against it.
    pub(super) objections: Vec<Objection>,
    /// Why to go on all the same; there is one whenever there are objections.
    pub(super) why: Option<String>,
    /// The last check code in the paper book.
    pub(super) last_code: Option<Code>,
}

/// Asks, shows the confirming screen, and returns only when somebody said yes.
pub(super) fn ask(
    context: &Context,
    args: &Combine,
    mut situation: Situation<'_>,
) -> Result<Answers, Failure> {
    let ui = &context.ui;
    let operator = Person {
        name: answer(
            ui,
            args.operator.as_deref(),
            "Who gets the credential, name: ",
            "--operator",
        )?,
        id: answer(ui, args.operator_id.as_deref(), "and company id: ", "--operator-id")?,
    };
    let (reason, reason_text) = reason(ui, args, &situation)?;

    let network = network_route();
    let (case, method) = (situation.case, situation.method);
    show(ui, case, method, &operator, &reason, reason_text.as_deref());
    if let Some(then) = &situation.then {
        ui.must_say(&format!("  then      {then}"));
    }
    let when = ask::time(ui, args.time.as_deref())?;
    let offset = match when.source {
        Source::System => 0,
        Source::Operator => when.at.since(Instant::now()),
    };
    let due = when.at.plus_hours(case.manifest.revoke_within);
    ui.must_say(&format!("  revoke    before {}", due.utc()));
    // whoever gave the first sheet sees to the revocation, unless `log add CORRECT` says otherwise
    let accountable = situation.case.good().first().and_then(|sheet| situation.holder(sheet.id()));
    if let Some(person) = &accountable {
        ui.must_say(&format!("            {person} sees to it"));
    }
    let ticket = match &args.ticket {
        Some(ticket) => Some(typed(ticket).map_err(Failure::invalid)?),
        None if ui.can_ask() => {
            let pattern = method.map(|m| m.ticket_pattern.as_str()).filter(|p| !p.is_empty());
            let like =
                pattern.map(|p| format!("like {}; ", p.replace('#', "4711"))).unwrap_or_default();
            let ticket = answer_or_empty(
                ui,
                &format!("Ticket ({like}Enter: none yet, due within 24 h): "),
                "--ticket",
            )?;
            (!ticket.is_empty()).then_some(ticket)
        }
        None => None,
    };
    let last_code = if situation.wants_last_code && ui.can_ask() { last_code(ui)? } else { None };
    let told = Told {
        operator: &operator,
        reason: &reason,
        ticket: ticket.as_deref(),
        network,
        by_phone: args.by_phone,
        at: when.at,
    };
    situation.objections.extend(against::objections(&situation, &told));
    let go_on = "Enter to open it and record the release, Ctrl-C to stop: ";
    let why = ask::in_spite_of(ui, args.exception.as_deref(), &situation.objections, go_on)?;
    let credential = &situation.case.manifest.credential_id;
    let release = Release {
        operator,
        reason,
        reason_text,
        ticket,
        revoke_due: due,
        network,
        accountable,
        credential: Some(credential.clone()).filter(|id| !id.is_empty()),
        by_phone: args.by_phone,
    };
    Ok(Answers { release, when, offset, objections: situation.objections, why, last_code })
}

/// Asks for one of the permitted uses by its number; other words are taken, and are an exception.
fn reason(
    ui: &Ui,
    args: &Combine,
    situation: &Situation<'_>,
) -> Result<(String, Option<String>), Failure> {
    let permitted: Vec<(String, String)> = match situation.method {
        Some(method) => method.uses_in_words(),
        None => situation
            .case
            .manifest
            .uses
            .codes()
            .into_iter()
            .map(|code| (code.clone(), use_words(&code)))
            .collect(),
    };
    let known = |text: &str| {
        let code = text.to_ascii_uppercase();
        let standard = STANDARD_USES.iter().any(|(c, _)| *c == code);
        (standard || permitted.iter().any(|(c, _)| *c == code)).then_some(code)
    };
    if let Some(text) = &args.reason {
        let text = typed(text).map_err(Failure::invalid)?;
        return Ok(known(&text).map_or(("OTHER".to_owned(), Some(text)), |code| (code, None)));
    }
    ui.must_say("Why? This credential may be used for:");
    for (number, (code, words)) in (1..).zip(&permitted) {
        ui.must_say(&format!("  {number}  {code}: {words}"));
    }
    loop {
        let text = answer(ui, None, "Number (or other words): ", "--reason")?;
        if let Ok(number) = text.parse::<usize>() {
            match permitted.get(number.wrapping_sub(1)) {
                Some((code, _)) => return Ok((code.clone(), None)),
                None => ui.must_say(&format!("There are 1 to {}.", permitted.len())),
            }
        } else {
            return Ok(known(&text).map_or(("OTHER".to_owned(), Some(text)), |code| (code, None)));
        }
    }
}

fn use_words(code: &str) -> String {
    let words =
        STANDARD_USES.iter().find(|(c, _)| *c == code).map(|(_, words)| (*words).to_owned());
    words.unwrap_or_else(|| "in words on leaf 1 of a sheet".to_owned())
}

fn show(
    ui: &Ui,
    case: &Case,
    method: Option<&Method>,
    operator: &Person,
    reason: &str,
    reason_text: Option<&str>,
) {
    let manifest = &case.manifest;
    ui.must_say("");
    ui.must_say(&Ui::strong(&format!(
        "Release of {}, generation {}",
        manifest.method, manifest.generation
    )));
    if let Some(method) = method {
        ui.must_say(&format!("  method    {} (owner: {})", method.name, method.owner_team));
    }
    if !manifest.scope.is_empty() {
        ui.must_say(&format!("  scope     {}", manifest.scope));
    }
    if !manifest.credential_id.is_empty() {
        ui.must_say(&format!("  key id    {}", manifest.credential_id));
    }
    if let Some(expires) = manifest.expires {
        ui.must_say(&format!("  expires   {}", Instant::from_unix(expires).utc()));
    }
    ui.must_say(&format!("  set code  {}", case.code));
    let sheets: Vec<String> = case
        .sheets
        .iter()
        .filter(|s| s.verdict.counts())
        .map(|s| with_holder(method, s.sheet))
        .collect();
    ui.must_say(&format!("  sheets    {}", sheets.join("; ")));
    ui.must_say(&format!("  operator  {} ({})", operator.name, operator.id));
    let of_method =
        method.into_iter().flat_map(Method::uses_in_words).find(|(code, _)| code == reason);
    let words = of_method.map_or_else(|| use_words(reason), |(_, words)| words);
    let words = reason_text.map_or(words, str::to_owned);
    ui.must_say(&format!(
        "  reason    {reason}{}",
        Some(words).filter(|w| !w.is_empty()).map(|w| format!(": {w}")).unwrap_or_default()
    ));
    ui.must_say(&format!("  session   at most {}", crate::dealing::minutes(manifest.max_session)));
}

fn last_code(ui: &Ui) -> Result<Option<Code>, Failure> {
    loop {
        let text =
            ui.ask("Last check code in the paper book (Enter: leave it out): ", "`--no-input`")?;
        if text.is_empty() {
            return Ok(None);
        }
        match Code::parse(crate::codes::code::CodeKind::Record, &text) {
            Ok(code) => return Ok(Some(code)),
            Err(error) => ui.must_say(&error.to_string()),
        }
    }
}
