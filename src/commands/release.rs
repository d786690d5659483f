//! What is asked at 4 am, and nothing more: who, why, and one screen that shows everything that speaks against it.

use super::Context;
use super::words::with_holder;
use crate::cli::Combine;
use crate::clock::{Instant, Source};
use crate::codes::Code;
use crate::logbook::Person;
use crate::logbook::chain::Entry;
use crate::logbook::record::{Event, Release, When};
use crate::method::Method;
use crate::opening::Case;
use crate::set::STANDARD_USES;
use crate::set::manifest::has_forbidden;
use crate::ui::{Failure, Ui};

/// Longest answer that goes into a record, characters.
const MAX_ANSWER: usize = 200;

/// Something that speaks against going on: its word for the record, and the words for people.
pub(super) struct Objection {
    /// The `kind` of the EXCEPTION record.
    pub(super) kind: &'static str,
    /// One line.
    pub(super) words: String,
}

/// What is known about the set when the questions are asked.
pub(super) struct Situation<'a> {
    /// The sheets and their manifest.
    pub(super) case: &'a Case,
    /// The method as it was dealt, when the kit has it.
    pub(super) method: Option<&'a Method>,
    /// Records of the kit's logbook.
    pub(super) entries: &'a [Entry],
    /// What spoke against it before the questions: no ink, a broken kit, …
    pub(super) objections: Vec<Objection>,
    /// Whether the record will be loose although the paper book is here, so that its last code is wanted.
    pub(super) wants_last_code: bool,
}

/// The answers, confirmed.
pub(super) struct Answers {
    /// What goes into the record.
    pub(super) release: Release,
    /// When.
    pub(super) when: When,
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
    let typed_time = args.time.as_deref().map(Instant::parse).transpose();
    let typed_time = typed_time.map_err(|e| Failure::invalid(e.to_string()))?;
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

    situation.objections.extend(objections(&situation, &operator, &reason));
    let network = network_route();
    if network == Some(true) {
        let words =
            "this machine has a network route; opening is meant to happen offline".to_owned();
        situation.objections.push(Objection { kind: "network on", words });
    }
    let Situation { case, method, .. } = &situation;
    show(ui, case, *method, &operator, &reason, reason_text.as_deref());
    let when = time(ui, typed_time)?;
    let due = when.at.plus_hours(case.manifest.revoke_within);
    let strange = strange_time(when.at, &situation);
    ui.must_say(&format!("  revoke    before {}", due.utc()));
    let ticket = match &args.ticket {
        Some(ticket) => Some(checked(ticket).map_err(Failure::invalid)?),
        None if ui.can_ask() => {
            let ticket =
                answer_or_empty(ui, "Ticket (Enter: none yet, due within 24 h): ", "--ticket")?;
            (!ticket.is_empty()).then_some(ticket)
        }
        None => None,
    };
    let last_code = if situation.wants_last_code && ui.can_ask() { last_code(ui)? } else { None };
    situation.objections.extend(strange);
    let why = confirm(ui, args, &situation.objections)?;
    let release = Release { operator, reason, reason_text, ticket, revoke_due: due, network };
    Ok(Answers { release, when, objections: situation.objections, why, last_code })
}

/// Checks an answer that goes into the record.
fn checked(text: &str) -> Result<String, String> {
    let text = text.trim();
    if has_forbidden(text) {
        return Err("control characters and direction marks may not stand in a record".to_owned());
    }
    if text.chars().count() > MAX_ANSWER {
        return Err(format!("at most {MAX_ANSWER} characters, please"));
    }
    Ok(text.to_owned())
}

fn answer_or_empty(ui: &Ui, prompt: &str, flag: &str) -> Result<String, Failure> {
    loop {
        match checked(&ui.ask(prompt, &format!("`{flag}`"))?) {
            Ok(text) => return Ok(text),
            Err(what) => ui.must_say(&what),
        }
    }
}

fn answer(ui: &Ui, given: Option<&str>, prompt: &str, flag: &str) -> Result<String, Failure> {
    if let Some(text) = given {
        let text = checked(text).map_err(Failure::invalid)?;
        return if text.is_empty() {
            Err(Failure::invalid(format!("`{flag}` is empty")))
        } else {
            Ok(text)
        };
    }
    loop {
        let text = answer_or_empty(ui, prompt, flag)?;
        if !text.is_empty() {
            return Ok(text);
        }
    }
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
        let text = checked(text).map_err(Failure::invalid)?;
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

/// What speaks against this release by the book.
fn objections(situation: &Situation<'_>, operator: &Person, reason: &str) -> Vec<Objection> {
    let mut list = Vec::new();
    let mut add = |kind, words: String| list.push(Objection { kind, words });
    let manifest = &situation.case.manifest;
    if !manifest.uses.contain(reason) {
        add("reason not permitted", format!("`{reason}` is not among the permitted uses"));
    }
    let written = situation.case.code.to_string();
    let of_set = |event, e: &&Entry| e.is(event) && e.text("set") == written;
    if let Some(entry) = situation.entries.iter().rev().find(|e| of_set(Event::Release, e)) {
        let name = entry.members.get("operator").and_then(|o| o.get("name"));
        let name = name.and_then(serde_json::Value::as_str).unwrap_or("somebody");
        let at = entry.text("at");
        add("second release", format!("released already to {name} at {at} (record {})", entry.seq));
    }
    if let Some(entry) = situation.entries.iter().find(|e| of_set(Event::Abort, e)) {
        add("aborted set", format!("dealing this set was aborted (record {})", entry.seq));
    }
    let newer = situation.entries.iter().rev().find(|e| {
        e.is(Event::Issue)
            && e.text("method") == manifest.method
            && e.generation() > manifest.generation.into()
    });
    if let Some(entry) = newer {
        let number = entry.generation();
        add(
            "older generation",
            format!(
                "generation {number} was made on {} (record {}); this one may be revoked already",
                &entry.text("at").get(..10).unwrap_or_default(),
                entry.seq
            ),
        );
    }
    let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
    let holds = situation.method.and_then(|method| {
        method
            .custodians
            .iter()
            .find(|c| same(&c.name, &operator.name) || same(&c.id, &operator.id))
    });
    if let Some(holder) = holds {
        add(
            "operator holds a sheet",
            format!("{} holds sheet {} of this set", holder.name, holder.sheet),
        );
    }
    list
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

/// A time that cannot be right, whether the clock is wrong or somebody typed it.
fn strange_time(at: Instant, situation: &Situation<'_>) -> Option<Objection> {
    let last = situation.entries.last().and_then(|e| Instant::parse(e.text("at")).ok());
    let made = Instant::from_unix(situation.case.manifest.created);
    let words = if at < made {
        format!("the time {} is before the set was made ({})", at.utc(), made.utc())
    } else if last.is_some_and(|last| at < last) {
        let last = last.map(Instant::utc).unwrap_or_default();
        format!("the time {} is before the last record in the logbook ({last})", at.utc())
    } else {
        return None;
    };
    Some(Objection { kind: "strange time", words })
}

/// The machine's clock is shown, and may be corrected.
fn time(ui: &Ui, typed: Option<Instant>) -> Result<When, Failure> {
    if let Some(at) = typed {
        return Ok(When { at, source: Source::Operator });
    }
    let now = Instant::now();
    let system = When { at: now, source: Source::System };
    ui.must_say(&format!("  clock     {} ({})", now.local(), now.utc()));
    if !ui.can_ask() {
        return Ok(system);
    }
    loop {
        let text =
            ui.ask("Enter if the clock is right, or type the time, like 04:10: ", "`--time`")?;
        if matches!(text.to_ascii_lowercase().as_str(), "" | "y" | "yes") {
            return Ok(system);
        }
        match Instant::parse_near(&text, now) {
            Ok(at) => {
                ui.must_say(&format!("  time      {} ({})", at.local(), at.utc()));
                return Ok(When { at, source: Source::Operator });
            }
            Err(error) => ui.must_say(&error.to_string()),
        }
    }
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

/// One screen, one reason for all objections.
fn confirm(ui: &Ui, args: &Combine, objections: &[Objection]) -> Result<Option<String>, Failure> {
    if !objections.is_empty() {
        ui.must_say("");
        ui.must_say("This speaks against it:");
        for objection in objections {
            ui.must_say(&format!("  - {}", objection.words));
        }
    }
    if let Some(why) = &args.exception {
        let why = answer(ui, Some(why), "", "--exception")?;
        return Ok((!objections.is_empty()).then_some(why));
    }
    if objections.is_empty() {
        if ui.can_ask() {
            ui.ask("Enter to open it and record the release, Ctrl-C to stop: ", "`--no-input`")?;
        }
        return Ok(None);
    }
    if !ui.can_ask() {
        let message = "something speaks against this release, and nobody can be asked";
        return Err(
            Failure::invalid(message).hint("say why to go on anyway with `--exception WHY`")
        );
    }
    let why = loop {
        let why = answer(ui, None, "Type why to go on anyway, or press Ctrl-C: ", "--exception")?;
        if is_a_reason(&why) {
            break why;
        }
        ui.must_say(
            "That is not a reason, and nothing was opened. Say it in a few words, or press Ctrl-C.",
        );
    };
    ui.ask("Enter to open it and record the release, Ctrl-C to stop: ", "`--no-input`")?;
    Ok(Some(why))
}

/// A tired `no` or `y` must not count as a reason to break a rule.
fn is_a_reason(text: &str) -> bool {
    text.chars().filter(|c| c.is_alphanumeric()).count() >= 4
}

/// Says whether the system has a route to other machines; reads its tables and sends nothing.
fn network_route() -> Option<bool> {
    let v4 = std::fs::read_to_string("/proc/net/route").ok()?;
    let v6 = std::fs::read_to_string("/proc/net/ipv6_route").unwrap_or_default();
    let v4_default = v4.lines().skip(1).any(|line| {
        let mut fields = line.split_whitespace();
        fields.next().is_some_and(|device| device != "lo") && fields.next() == Some("00000000")
    });
    let v6_default = v6.lines().any(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields.len() == 10 && fields[1] == "00" && fields[9] != "lo"
    });
    Some(v4_default || v6_default)
}
