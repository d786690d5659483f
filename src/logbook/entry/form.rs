//! What every line looks like, whatever it says: the order of its first members, and presence tags at its very end.

use serde_json::Value;

use super::Entry;
use crate::codes::Code;
use crate::codes::code::CodeKind;
use crate::set::SheetId;
use crate::set::manifest::has_forbidden;

/// What stands for the code of the paper book where it was not at hand.
const NO_BOOK: &str = "book not here";

/// Most hex digits of `dropped`.
const MAX_DROPPED: usize = 2048;

pub(super) fn check(entry: &Entry) -> Result<(), String> {
    start(entry)?;
    presence(entry)?;
    let text = |member: &str| entry.text(member);
    if !matches!(text("clock"), "system" | "operator") {
        return Err("its clock is neither `system` nor `operator`".to_owned());
    }
    if !is_offset(text("tz")) {
        return Err("its tz is not an offset like +01:00".to_owned());
    }
    let program = entry.members.get("program");
    let says = |member: &str| program.and_then(|p| p.get(member)).is_some_and(Value::is_string);
    if !says("version") || !says("sha256") {
        return Err("its program has no version and sha256".to_owned());
    }
    if let Some(dropped) = entry.members.get("dropped") {
        let hex = dropped.as_str().unwrap_or_default();
        let fine = is_hex(hex) && !hex.is_empty() && hex.len() % 2 == 0 && hex.len() <= MAX_DROPPED;
        if !fine {
            return Err("its dropped is not 1 to 1024 bytes in hex".to_owned());
        }
    }
    let mut all = entry.members.iter();
    match all.find(|(name, value)| has_forbidden(name) || !is_harmless(name, value)) {
        Some((name, _)) => {
            let name: String = name.chars().filter(char::is_ascii_graphic).collect();
            Err(format!(
                "its {name} holds control characters, direction marks or a presence of its own"
            ))
        }
        None => Ok(()),
    }
}

/// `{"v":1,"seq":3,"prev":"…"` or `{"v":1,"prev_code":"…","event":"…"`.
fn start(entry: &Entry) -> Result<(), String> {
    let (seq, code) = (entry.members.get("seq"), entry.members.get("prev_code"));
    match (seq, code) {
        (Some(_), Some(_)) => Err("it has both seq and prev_code".to_owned()),
        (Some(seq), None) => {
            let seq =
                seq.as_u64().filter(|seq| *seq > 0).ok_or("its seq is no number from 1 on")?;
            let prev = entry.text("prev");
            if prev.len() != 64 || !is_hex(prev) {
                return Err("its prev is not a SHA-256 in lower-case hex".to_owned());
            }
            let start = format!("{{\"v\":1,\"seq\":{seq},\"prev\":\"{prev}\"");
            begins(entry, &start, "v, seq, prev")
        }
        (None, Some(_)) => {
            let text = entry.text("prev_code");
            if text != NO_BOOK && Code::parse(CodeKind::Record, text).is_err() {
                return Err("its prev_code is neither a check code nor `book not here`".to_owned());
            }
            let start = format!("{{\"v\":1,\"prev_code\":\"{text}\",\"event\":");
            begins(entry, &start, "v, prev_code, event")
        }
        (None, None) => Err("it has neither seq nor prev_code".to_owned()),
    }
}

fn begins(entry: &Entry, start: &str, order: &str) -> Result<(), String> {
    if entry.line.starts_with(start) {
        Ok(())
    } else {
        Err(format!("it does not begin with {order}, in this order"))
    }
}

/// The tags are computed over everything before them: nothing may stand behind.
fn presence(entry: &Entry) -> Result<(), String> {
    let Some(tags) = entry.members.get("presence") else { return Ok(()) };
    let fine = tags.as_object().is_some_and(|tags| {
        !tags.is_empty()
            && tags.iter().all(|(sheet, tag)| {
                let tag = tag.as_str().unwrap_or_default();
                SheetId::parse(sheet).is_some() && tag.len() == 32 && is_hex(tag)
            })
    });
    if !fine {
        return Err("its presence is not a tag of 16 bytes in hex per sheet".to_owned());
    }
    let last = entry.line.rsplit_once(",\"presence\":").is_some_and(|(_, rest)| {
        rest.strip_suffix('}').is_some_and(|rest| {
            serde_json::from_str::<Value>(rest).is_ok_and(|value| value == *tags)
        })
    });
    if last { Ok(()) } else { Err("its presence is not its last member".to_owned()) }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_offset(text: &str) -> bool {
    let number = |from: usize, below: u8| {
        text.get(from..from + 2).and_then(|t| t.parse::<u8>().ok()).is_some_and(|n| n < below)
    };
    let digits = text.bytes().filter(u8::is_ascii_digit).count() == 4;
    let form = text.len() == 6 && text.starts_with(['+', '-']) && text.as_bytes()[3] == b':';
    form && digits && number(1, 24) && number(4, 60)
}

/// An imported line is checked by itself.
fn is_harmless(name: &str, value: &Value) -> bool {
    match value {
        Value::String(text) => name == "line" || !has_forbidden(text),
        Value::Array(list) => list.iter().all(|value| is_harmless("", value)),
        Value::Object(map) => map.iter().all(|(name, value)| {
            name != "presence" && !has_forbidden(name) && is_harmless("", value)
        }),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const GOOD: &str = concat!(
        "{\"v\":1,\"seq\":2,\"prev\":\"0000000000000000000000000000000000000000000000000000000000000000\",",
        "\"event\":\"NOTIFY\",\"at\":\"2026-11-24T04:02:11Z\",\"clock\":\"system\",\"tz\":\"+01:00\",",
        "\"method\":\"m\",\"to\":\"all\",\"program\":{\"version\":\"0\",\"sha256\":\"unknown\"},",
        "\"presence\":{\"1a\":\"00112233445566778899aabbccddeeff\"}}"
    );

    #[test]
    fn lines_that_would_not_prove_what_they_say_are_refused() {
        Entry::read(GOOD.as_bytes()).unwrap();
        for (from, to, word) in [
            ("\"v\":1,\"seq\":2", "\"seq\":2,\"v\":1", "in this order"),
            ("\"seq\":2", "\"seq\":0", "from 1 on"),
            ("\"seq\":2", "\"seq\":\"x\"", "from 1 on"),
            ("ddeeff\"}}", "ddeeff\"},\"ticket\":\"INC-1\"}", "last member"),
            ("ddeeff\"}}", "DDEEFF\"}}", "per sheet"),
            (",\"presence\":", ", \"presence\":", "last member"),
            ("\"to\":\"all\"", "\"to\":\"all\",\"x\":{\"presence\":1}", "holds control"),
            ("\"to\":\"all\"", "\"to\":\"all\",\"x\":\"\u{202e}\"", "direction marks"),
            ("\"system\"", "\"gps\"", "clock"),
            ("+01:00", "+25:00", "tz"),
            ("+01:00", "Z", "tz"),
            ("\"sha256\":\"unknown\"", "\"x\":1", "program"),
            ("\"prev\":\"0", "\"prev\":\"G", "SHA-256"),
        ] {
            assert!(GOOD.contains(from), "{from}");
            let error = Entry::read(GOOD.replacen(from, to, 1).as_bytes()).unwrap_err();
            assert!(error.contains(word), "{to}: {error}");
        }
        let loose = |code: &str| {
            let prev = "0".repeat(64);
            let start = format!("\"seq\":2,\"prev\":\"{prev}\"");
            GOOD.replacen(&start, &format!("\"prev_code\":\"{code}\""), 1)
        };
        Entry::read(loose("book not here").as_bytes()).unwrap();
        assert!(Entry::read(loose("none").as_bytes()).unwrap_err().contains("prev_code"));
    }
}
