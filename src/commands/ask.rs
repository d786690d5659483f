//! Questions that several verbs ask, and what their answers have to be like.

use super::objection::Objection;
use crate::clock::{Instant, Source};
use crate::logbook::member::typed;
use crate::logbook::record::When;
use crate::ui::{Failure, Ui};

pub(super) fn answer_or_empty(ui: &Ui, prompt: &str, flag: &str) -> Result<String, Failure> {
    loop {
        match typed(&ui.ask(prompt, &format!("`{flag}`"))?) {
            Ok(text) => return Ok(text),
            Err(what) => ui.must_say(&what),
        }
    }
}

pub(super) fn answer(
    ui: &Ui,
    given: Option<&str>,
    prompt: &str,
    flag: &str,
) -> Result<String, Failure> {
    if let Some(text) = given {
        let text = typed(text).map_err(Failure::invalid)?;
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

/// Waits for Enter alone: a tired `no` must not count as yes.
pub(super) fn enter(ui: &Ui, prompt: &str) -> Result<(), Failure> {
    loop {
        match ui.ask(prompt, "`--no-input`")?.to_ascii_lowercase().as_str() {
            "" => return Ok(()),
            "n" | "no" | "q" => return Err(Failure::interrupted()),
            _ => ui.must_say("Enter alone goes on; `no` or Ctrl-C stops."),
        }
    }
}

/// Checks a reason for breaking a rule, as it goes into the record.
pub(super) fn exception_reason(text: &str) -> Result<String, Failure> {
    let text = typed(text).map_err(Failure::invalid)?;
    if is_a_reason(&text) {
        return Ok(text);
    }
    Err(Failure::invalid("a reason has four letters or more: it goes into the record"))
}

/// A tired `no` or `y` must not count as a reason to break a rule.
pub(super) fn is_a_reason(text: &str) -> bool {
    text.chars().filter(|c| c.is_alphanumeric()).count() >= 4
}

/// The machine's clock is shown, and may be corrected.
pub(super) fn time(ui: &Ui, given: Option<&str>) -> Result<When, Failure> {
    if let Some(text) = given {
        let at = Instant::parse(text).map_err(|e| Failure::invalid(e.to_string()))?;
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
            Err(_) => ui.must_say(&format!(
                "`{text}` is no time: type it like 04:10, or with date and zone like 2026-11-24T04:10+01:00."
            )),
        }
    }
}

/// One screen, one reason for all objections.
pub(super) fn in_spite_of(
    ui: &Ui,
    exception: Option<&str>,
    objections: &[Objection],
    go_on: &str,
) -> Result<Option<String>, Failure> {
    if !objections.is_empty() {
        ui.must_say("");
        ui.must_say("This speaks against it:");
        for objection in objections {
            ui.must_say(&format!("  - {}", objection.words));
        }
    }
    if let Some(why) = exception {
        let why = exception_reason(why)?;
        return Ok((!objections.is_empty()).then_some(why));
    }
    if objections.is_empty() {
        if ui.can_ask() {
            enter(ui, go_on)?;
        }
        return Ok(None);
    }
    if !ui.can_ask() {
        let message = "something speaks against it, and nobody can be asked";
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
            "That is not a reason, and nothing was done. Say it in a few words, or press Ctrl-C.",
        );
    };
    enter(ui, go_on)?;
    Ok(Some(why))
}
