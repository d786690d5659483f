//! The table for everything else: `credential_id,event,at`, and more if it is known.
//!
//! | column | |
//! |---|---|
//! | `credential_id` | the public id, as in the logbook |
//! | `event` | `created`, `seen_active`, `seen_inactive`, `seen_absent`, `deactivated`, `reactivated`, `deleted`, `secret_changed`, `expires`, `used`, `use_failed`, `session_used`, `session_minted`, `sessions_ended`, `revoke_failed`; or `window`, which only says what was asked for |
//! | `at` | RFC 3339 with its zone; empty: not known |
//! | `until` | where the time is known only as a stretch: its end |
//! | `subject`, `actor`, `with`, `address`, `agent`, `account`, `region`, `word` | may be missing |
//! | `session`, `session_until` | of `session_minted`: its id, and when it ends by itself |
//! | `window_from`, `window_to` | what the query asked for: without them the table proves no absence |
//! | `sees` | what the source would show: `uses`, `changes`; without the column both |
//!
//! The queries in `custodian-kit/queries/` give it.

use super::time::zoned;
use super::{Format, Input, each_row};
use crate::audit::elements::Broken;
use crate::audit::evidence::{Kind, Reading};
use crate::audit::facts::{Fact, Span, What};

pub(super) const FORMATS: &[Format] = &[Format {
    name: "table of events",
    platform: "",
    kind: Kind::Log,
    knows: |probe| probe.table(&["credential_id", "event", "at"]),
    read,
}];

/// Says what was asked for, where nothing was found.
const WINDOW: &str = "window";

fn read(input: &mut Input<'_>, reading: &mut Reading<'_>) -> Result<(), Broken> {
    each_row(input, reading, |row, reading| {
        let time = |column: &str| match row.get(column) {
            "" => Ok(None),
            text => zoned(text).map(Some).ok_or_else(|| {
                format!("{column}: `{text}` is no time with its zone, like 2026-11-24T04:02:11Z")
            }),
        };
        let event = row.get("event");
        let id = row.get("credential_id");
        // events show what is there; only the window that was asked for shows what is not, and only of this credential
        if row.has("window_from") && row.has("window_to") {
            if let (Some(from), Some(to)) = (time("window_from")?, time("window_to")?) {
                reading.saw(from);
                reading.saw(to);
                reading.found.asked.entry(id.to_owned()).or_default().insert((from, to));
            }
            let sees = |what: &str| !row.has("sees") || row.get("sees").contains(what);
            reading.found.sees_uses |= sees("uses");
            reading.found.sees_changes |= sees("changes");
        }
        if event == WINDOW {
            return Ok(());
        }
        let what = What::parse(event).ok_or_else(|| {
            let words: Vec<&str> = What::ALL.iter().map(|what| what.word()).collect();
            format!("event: `{event}` is none of {}", words.join(", "))
        })?;
        let (at, until) = (time("at")?, time("until")?);
        let when = Span { from: at, to: until.or(at) };
        if when.from > when.to {
            return Err("until: it is before `at`".to_owned());
        }
        reading.account(row.get("account"));
        reading.region(row.get("region"));
        let fact = Fact::new(what, when).subject(row.get("subject")).credential(id);
        let fact = fact.by(row.get("actor"), row.get("with"));
        let fact = fact.session(row.get("session"), time("session_until")?);
        reading.fact(fact.from(row.get("address"), row.get("agent")).word(row.get("word")));
        Ok(())
    })
}
