//! What is due as a calendar file (RFC 5545): one event per thing, with an identifier that stays the same.

use crate::clock::Instant;
use crate::logbook::hex;
use crate::set::sha256;
use crate::state::due::{Due, Task};

/// Longest line, octets without the line end (RFC 5545 §3.1).
const MAX_LINE: usize = 75;

/// Writes the calendar of several kits.
pub(super) fn write(kits: &[(&str, &[Due])], now: Instant) -> String {
    let mut out = String::new();
    let mut line = |text: &str| out.push_str(&folded(text));
    line("BEGIN:VCALENDAR");
    line("VERSION:2.0");
    line("PRODID:-//breakglass//status//EN");
    for (method, due) in kits {
        for due in *due {
            // the same thing keeps its identifier, so that a calendar moves it instead of adding another
            let uid = hex(&sha256(&[method.as_bytes(), b"\0", due.key.as_bytes()])[..16]);
            line("BEGIN:VEVENT");
            line(&format!("UID:{uid}@breakglass"));
            line(&format!("DTSTAMP:{}", basic(now)));
            // a revocation has its minute, everything else its day
            if matches!(due.task, Task::Revoke | Task::End) {
                line(&format!("DTSTART:{}", basic(due.at)));
            } else {
                line(&format!("DTSTART;VALUE=DATE:{}", &basic(due.at)[..8]));
            }
            line(&format!("SUMMARY:{}", escaped(&format!("{method}: {}", due.words))));
            line(&format!("CATEGORIES:{}", due.task.word().to_uppercase()));
            line("TRANSP:TRANSPARENT");
            line("END:VEVENT");
        }
    }
    line("END:VCALENDAR");
    out
}

/// `20261124T040211Z`.
fn basic(at: Instant) -> String {
    at.rfc3339().replace(['-', ':'], "")
}

/// TEXT of RFC 5545 §3.3.11.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace(';', "\\;").replace(',', "\\,").replace('\n', "\\n")
}

/// Breaks a line after 75 octets, never inside a character; continuation lines start with a space.
fn folded(text: &str) -> String {
    let (mut out, mut length) = (String::new(), 0);
    for c in text.chars() {
        if length + c.len_utf8() > MAX_LINE {
            out.push_str("\r\n ");
            length = 1;
        }
        out.push(c);
        length += c.len_utf8();
    }
    out + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_folded_and_texts_escaped() {
        let due = Due {
            task: Task::Revoke,
            at: Instant::from_unix(1_795_521_600),
            words: format!("revoke; now, {}", "ü".repeat(60)),
            key: "revoke-3".to_owned(),
        };
        let calendar =
            write(&[("m", std::slice::from_ref(&due))], Instant::from_unix(1_795_521_600));
        assert!(calendar.lines().all(|line| line.len() <= MAX_LINE), "{calendar}");
        let unfolded = calendar.replace("\r\n ", "");
        assert!(unfolded.contains("SUMMARY:m: revoke\\; now\\, üüü"), "{unfolded}");
        assert!(unfolded.contains("DTSTART:20261124T120000Z"), "{unfolded}");
        // later, and in other words, it is still the same thing
        let later = Due { words: "else".into(), at: Instant::from_unix(1_795_600_000), ..due };
        let uid = |text: &str| text.lines().find(|l| l.starts_with("UID")).map(str::to_owned);
        assert_eq!(uid(&write(&[("m", &[later])], Instant::from_unix(0))), uid(&calendar));
    }
}
