//! Findings that somebody has accepted, for a time and with a reason. They stay visible.

use serde::Deserialize;

use super::finding::{Finding, Outcome};
use crate::clock::Instant;

/// One waiver: `waivers.toml` is a list of `[[waiver]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// Which finding.
    pub fingerprint: String,
    /// Who accepts it.
    pub who: String,
    /// Until which day, that day included: `2027-03-31`, in quotes or without.
    #[serde(deserialize_with = "day")]
    pub until: String,
    /// Why.
    pub why: String,
}

/// Takes a text, or a date of TOML.
fn day<'de, D: serde::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let value = toml::Value::deserialize(from)?;
    Ok(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    waiver: Vec<Waiver>,
}

/// Reads the file; the error draws line and caret.
pub fn parse(text: &str) -> Result<Vec<Waiver>, String> {
    let file: File = toml::from_str(text).map_err(|e| e.to_string())?;
    for waiver in &file.waiver {
        if end(waiver).is_none() {
            return Err(format!("`{}` is no day like 2027-03-31", waiver.until));
        }
        if waiver.who.trim().is_empty() || waiver.why.trim().len() < 4 {
            return Err(format!("the waiver of {} does not say who and why", waiver.fingerprint));
        }
    }
    Ok(file.waiver)
}

/// The end of its last day.
fn end(waiver: &Waiver) -> Option<Instant> {
    let day = Instant::parse(&format!("{}T00:00:00Z", waiver.until.trim())).ok()?;
    Some(day.plus_hours(24))
}

/// Says who has waived a finding, until when and why; one whose time is over does not count.
pub fn of(waivers: &[Waiver], finding: &Finding, as_of: Instant) -> Option<String> {
    if finding.outcome == Outcome::Pass {
        return None;
    }
    let print = finding.fingerprint();
    let waiver =
        waivers.iter().find(|w| w.fingerprint == print && end(w).is_some_and(|end| as_of < end))?;
    Some(format!("{} until {}: {}", waiver.who, waiver.until, waiver.why))
}

/// Says which waivers waive nothing, and why.
pub fn idle(waivers: &[Waiver], findings: &[Finding], as_of: Instant) -> Vec<String> {
    let why = |waiver: &Waiver| {
        let found = findings.iter().find(|f| f.fingerprint() == waiver.fingerprint);
        match found {
            None => Some("there is no such finding any more"),
            Some(_) if end(waiver).is_none_or(|end| as_of >= end) => Some("its time is over"),
            Some(_) => None,
        }
    };
    let idle = waivers.iter().filter_map(|waiver| {
        let Waiver { fingerprint, who, until, .. } = waiver;
        why(waiver)
            .map(|why| format!("waiver {fingerprint} ({who} until {until}) counts no more: {why}"))
    });
    idle.collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_waiver_says_who_and_why_and_until_when() {
        let text = |until: &str, why: &str| {
            format!(
                "[[waiver]]\nfingerprint = \"00\"\nwho = \"Gil Moss\"\nuntil = \"{until}\"\nwhy = \"{why}\"\n"
            )
        };
        assert_eq!(parse(&text("2027-03-31", "known, fixed next quarter")).unwrap().len(), 1);
        for (until, why) in [("soon", "known well"), ("2027-03-31", "x")] {
            assert!(parse(&text(until, why)).is_err());
        }
        assert!(parse("[[waiver]]\nfingerprint = \"00\"\n").unwrap_err().contains("who"));
    }
}
