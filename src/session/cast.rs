//! asciicast version 2, which Debian's asciinema and the web player read: one header, then one event a line.
//!
//! <https://docs.asciinema.org/manual/asciicast/v2/>

use std::io::Write;
use std::time::Duration;

use serde_json::{Value, json};

use crate::clock::Instant;

/// What an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The terminal showed something.
    Output,
    /// Something was typed.
    Input,
    /// The terminal has another size now, `COLSxROWS`.
    Resize,
    /// A mark of the recorder.
    Mark,
}

impl Code {
    const ALL: [(Self, &'static str); 4] =
        [(Self::Output, "o"), (Self::Input, "i"), (Self::Resize, "r"), (Self::Mark, "m")];

    fn letter(self) -> &'static str {
        Self::ALL.iter().find(|(code, _)| *code == self).map_or("o", |(_, letter)| letter)
    }
}

/// Returns the header line, with its LF. `size` is columns and rows.
pub fn header(size: (u16, u16), started: Instant, title: &str, term: &str) -> String {
    let header = json!({
        "version": 2,
        "width": size.0,
        "height": size.1,
        "timestamp": started.unix(),
        "title": title,
        "env": { "TERM": term },
    });
    header.to_string() + "\n"
}

/// Appends an event line, with its LF.
pub fn event(out: &mut Vec<u8>, at: Duration, code: Code, data: &str) {
    // writing to memory cannot fail
    let _ = write!(out, "[{}.{:06}, \"{}\", ", at.as_secs(), at.subsec_micros(), code.letter());
    let _ = serde_json::to_writer(&mut *out, data);
    out.extend(b"]\n");
}

/// A line of a cast.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// Columns and rows.
    Header(u16, u16),
    /// Seconds since the start, what it is, and the text.
    Event(f64, Code, String),
}

/// Reads a line; `None` where it is none, or has an event that nobody knows.
pub fn line(text: &str) -> Option<Line> {
    let value: Value = serde_json::from_str(text).ok()?;
    if let Some(header) = value.as_object() {
        let side = |name: &str| u16::try_from(header.get(name)?.as_u64()?).ok();
        return Some(Line::Header(side("width")?, side("height")?));
    }
    let [at, code, data] = value.as_array()?.as_slice() else { return None };
    let letter = code.as_str()?;
    let (code, _) = Code::ALL.iter().find(|(_, known)| *known == letter)?;
    Some(Line::Event(at.as_f64()?, *code, data.as_str()?.to_owned()))
}

/// Reads the data of a resize.
pub fn size(data: &str) -> Option<(u16, u16)> {
    let (columns, rows) = data.split_once('x')?;
    Some((columns.parse().ok()?, rows.parse().ok()?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn lines_are_read_as_they_were_written() {
        let mut out = Vec::new();
        event(&mut out, Duration::from_micros(1_250_007), Code::Output, "\u{1b}[1mé\"\r\n");
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "[1.250007, \"o\", \"\\u001b[1mé\\\"\\r\\n\"]\n");
        let expected = Line::Event(1.250_007, Code::Output, "\u{1b}[1mé\"\r\n".into());
        assert_eq!(line(&text), Some(expected));
        let header = header((80, 24), Instant::from_unix(7), "m", "xterm");
        assert_eq!(line(&header), Some(Line::Header(80, 24)));
        assert_eq!(size("132x43"), Some((132, 43)));
        assert!(line("[1, \"q\", \"\"]").is_none() && line("{").is_none());
    }
}
