//! When the first custodian was called: what times are counted from.

use std::time;

use crate::clock::Instant;
use crate::ui::{Failure, Ui};

/// When the first custodian was called.
pub(in crate::commands) enum Called {
    /// Nobody says so.
    Unknown,
    /// When the program asked: now, whatever the machine's clock says.
    Now(time::Instant),
    /// A time as it was typed; which day it is of, the people's clock says later.
    At(String),
}

impl Called {
    /// Takes the flag, or asks at the beginning of a drill.
    pub(super) fn ask(ui: &Ui, flag: Option<&str>) -> Result<Self, Failure> {
        let is_time = |text: &str| Instant::parse_near(text, Instant::now()).is_ok();
        if let Some(text) = flag {
            if is_time(text) {
                return Ok(Self::At(text.to_owned()));
            }
            return Err(Failure::invalid(format!("`--called`: `{text}` is no time like 04:02")));
        }
        if !ui.can_ask() {
            return Ok(Self::Unknown);
        }
        loop {
            let question = "When was the first custodian called, like 04:02 (Enter: now)? ";
            let text = ui.ask(question, "`--called`")?;
            match &*text {
                "" => return Ok(Self::Now(time::Instant::now())),
                text if is_time(text) => return Ok(Self::At(text.to_owned())),
                text => ui.must_say(&format!("`{text}` is no time: type it like 04:02.")),
            }
        }
    }

    /// Returns the time of the call. At `looked` the people's clock said `at`; `None` where it is not known, or was later.
    pub(in crate::commands) fn at(&self, at: Instant, looked: time::Instant) -> Option<Instant> {
        let called = match self {
            Self::Unknown => return None,
            Self::Now(when) => {
                let before = looked.saturating_duration_since(*when).as_secs();
                at.shifted(-i64::try_from(before).unwrap_or(0))
            }
            Self::At(text) => Instant::parse_near(text, at).ok()?,
        };
        Some(called).filter(|called| *called <= at)
    }
}
