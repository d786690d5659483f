//! Well-known shapes of secrets in what went over a terminal. What is found is named by its kind, and never shown.

use std::collections::BTreeMap;

use crate::audit::case::Trace;

/// Bytes that are kept of what was looked at: more than the longest shape takes.
const TAIL: usize = 160;

/// Most bytes of separators between a name and its value.
const GAP: usize = 12;

/// What a secret looks like.
struct Shape {
    kind: &'static str,
    /// How it begins.
    starts: &'static [&'static str],
    /// Whether that may be in any case.
    any_case: bool,
    /// What may, and then must, be between its beginning and the rest.
    gap: fn(u8) -> bool,
    /// What the rest consists of.
    body: fn(u8) -> bool,
    /// How long the rest is at least.
    least: usize,
    /// Whether it is exactly that long.
    exact: bool,
}

const SHAPES: [Shape; 8] = [
    Shape {
        kind: "a secret key of AWS",
        starts: &["aws_secret_access_key", "secretaccesskey"],
        any_case: true,
        gap: |b| matches!(b, b' ' | b'\t' | b'\n' | b'=' | b':' | b'"' | b'\''),
        body: base64,
        least: 40,
        exact: true,
    },
    Shape {
        kind: "a private key",
        starts: &["PRIVATE KEY-----"],
        any_case: false,
        gap: |b| b.is_ascii_whitespace(),
        body: base64,
        least: 40,
        exact: false,
    },
    Shape { least: 24, ..token("a token of Vault", &["hvs.", "hvb.", "hvr."]) },
    Shape {
        exact: true,
        body: |b| b.is_ascii_alphanumeric(),
        ..token("a token of Vault", &["s."])
    },
    Shape {
        least: 36,
        body: |b| b.is_ascii_alphanumeric(),
        ..token("a token of GitHub", &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"])
    },
    Shape { least: 60, ..token("a token of GitHub", &["github_pat_"]) },
    Shape {
        body: |b| b.is_ascii_alphanumeric() || b == b'-',
        ..token("a token of Slack", &["xoxb-", "xoxp-", "xoxa-"])
    },
    Shape {
        least: 58,
        body: |b| b.is_ascii_digit() || b.is_ascii_uppercase(),
        ..token("an age identity", &["AGE-SECRET-KEY-1", "AGE-SECRET-KEY-PQ-1"])
    },
];

/// A word that says itself what it is.
const fn token(kind: &'static str, starts: &'static [&'static str]) -> Shape {
    Shape {
        kind,
        starts,
        any_case: false,
        gap: |_| false,
        body: |b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'),
        least: 24,
        exact: false,
    }
}

fn base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

impl Shape {
    /// Says whether a secret of this shape stands at the beginning of a text; `last`: nothing comes after it.
    fn fits(&self, text: &[u8], last: bool) -> bool {
        let begins = |start: &&&str| {
            let head = text.get(..start.len());
            head.is_some_and(|head| {
                head == start.as_bytes()
                    || self.any_case && head.eq_ignore_ascii_case(start.as_bytes())
            })
        };
        let Some(start) = self.starts.iter().find(begins) else { return false };
        let rest = &text[start.len()..];
        let gap = rest.iter().take_while(|b| (self.gap)(**b)).count();
        // a name alone is no value: what may lie between has to
        if gap > GAP || gap == 0 && ((self.gap)(b' ')) {
            return false;
        }
        let rest = &rest[gap..];
        let long = rest.iter().take_while(|b| (self.body)(**b)).count();
        if self.exact {
            let ended = last || long < rest.len();
            // words of a language are of one case and have no digits
            let body = &rest[..long];
            let has = |of: fn(&u8) -> bool| body.iter().any(of);
            let mixed = has(u8::is_ascii_digit)
                && has(u8::is_ascii_uppercase)
                && has(u8::is_ascii_lowercase);
            long == self.least && ended && mixed
        } else {
            long >= self.least
        }
    }
}

/// Where in the escape sequences of a terminal a stream is.
#[derive(Default, PartialEq)]
enum Escape {
    #[default]
    None,
    Begun,
    Control,
    Text,
    TextEnding,
}

/// One direction of a terminal: its text without what moves the cursor.
#[derive(Default)]
struct Stream {
    text: Vec<u8>,
    /// Bytes that were there before `text`.
    before: u64,
    /// Where the last secret of each shape began.
    last: [Option<u64>; SHAPES.len()],
    escape: Escape,
    /// A carriage return whose meaning the next character decides.
    returned: bool,
    /// A line that a shell has broken for the screen goes on behind ` \r`.
    wraps: bool,
}

impl Stream {
    fn take(&mut self, c: char) {
        self.escape = match (&self.escape, c) {
            (Escape::None, '\u{1b}') => Escape::Begun,
            (Escape::Begun, '[') | (Escape::Control, ' '..='?') => Escape::Control,
            (Escape::Text, '\u{1b}') => Escape::TextEnding,
            (Escape::Text, '\u{7}') => Escape::None,
            (Escape::Begun, ']' | 'P' | 'X' | '^' | '_') | (Escape::Text, _) => Escape::Text,
            (Escape::None, c) => return self.show(c),
            _ => Escape::None,
        };
    }

    fn show(&mut self, c: char) {
        if std::mem::take(&mut self.returned) && c != '\n' {
            let broken = self.wraps && self.text.last() == Some(&b' ');
            if broken {
                self.text.pop();
            } else {
                self.text.push(b'\n');
            }
        }
        match c {
            '\r' => self.returned = true,
            c if c.is_ascii() => self.text.push(u8::try_from(c).unwrap_or(0x7f)),
            _ => self.text.push(0x7f),
        }
    }

    /// Looks at what is new, and calls what is found by its kind.
    fn look(&mut self, last: bool, mut found: impl FnMut(&'static str)) {
        for at in 0..self.text.len() {
            let may = matches!(self.text[at] | 0x20, b'a' | b's' | b'p' | b'h' | b'g' | b'x');
            let inside = match at.checked_sub(1) {
                Some(before) => self.text[before].is_ascii_alphanumeric(),
                None => self.before > 0,
            };
            if !may || inside {
                continue;
            }
            let place = self.before + at as u64;
            for (shape, known) in SHAPES.iter().zip(&mut self.last) {
                if known.is_none_or(|known| place > known) && shape.fits(&self.text[at..], last) {
                    *known = Some(place);
                    found(shape.kind);
                }
            }
        }
        let gone = self.text.len().saturating_sub(TAIL);
        self.text.drain(..gone);
        self.before += gone as u64;
    }
}

/// A search through a recording, event by event.
pub(super) struct Search {
    shown: Stream,
    typed: Stream,
    /// What is no event: the head of a recording, and lines that nobody can read.
    other: Stream,
    found: BTreeMap<&'static str, (String, u64)>,
}

impl Search {
    pub(super) fn new() -> Self {
        Self {
            shown: Stream { wraps: true, ..Stream::default() },
            typed: Stream::default(),
            other: Stream::default(),
            found: BTreeMap::new(),
        }
    }

    /// Takes one line of an asciicast.
    pub(super) fn line(&mut self, line: &[u8], place: impl Fn() -> String) {
        let event: Option<(f64, String, String)> = serde_json::from_slice(line).ok();
        let lossy;
        let (stream, text) = match &event {
            Some((_, code, data)) if code == "o" => (&mut self.shown, data.as_str()),
            Some((_, code, data)) if code == "i" => (&mut self.typed, data.as_str()),
            _ => {
                lossy = String::from_utf8_lossy(line) + "\n";
                (&mut self.other, &*lossy)
            }
        };
        text.chars().for_each(|c| stream.take(c));
        let found = &mut self.found;
        stream.look(false, |kind| found.entry(kind).or_insert_with(|| (place(), 0)).1 += 1);
    }

    /// Returns what was found.
    pub(super) fn finish(mut self) -> Vec<Trace> {
        let found = &mut self.found;
        for stream in [&mut self.shown, &mut self.typed, &mut self.other] {
            let end = || "its end".to_owned();
            stream.look(true, |kind| found.entry(kind).or_insert_with(|| (end(), 0)).1 += 1);
        }
        let trace = |(kind, (place, times))| Trace { kind, place, times };
        self.found.into_iter().map(trace).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

    fn kinds(events: &[(&str, &str)]) -> Vec<&'static str> {
        let mut search = Search::new();
        for (number, (code, data)) in (1..).zip(events) {
            let line = serde_json::json!([1.5, code, data]).to_string();
            search.line(line.as_bytes(), || format!("line {number}"));
        }
        search.finish().into_iter().map(|trace| trace.kind).collect()
    }

    #[test]
    fn secrets_are_known_by_their_shape() {
        let long = "Ab1".repeat(40);
        for (text, kind) in [
            (format!("AWS_SECRET_ACCESS_KEY={KEY}\r\n"), "a secret key of AWS"),
            (format!("aws_secret_access_key = {KEY}\r\n"), "a secret key of AWS"),
            (format!("  \"SecretAccessKey\": \"{KEY}\",\r\n"), "a secret key of AWS"),
            (format!("-----BEGIN RSA PRIVATE KEY-----\r\n{long}"), "a private key"),
            (format!("token hvs.{}", &long[..24]), "a token of Vault"),
            (format!("token s.{} ", &long[..24]), "a token of Vault"),
            (format!("x-token: ghp_{}", &long[..36]), "a token of GitHub"),
            (format!("github_pat_{}", &long[..82]), "a token of GitHub"),
            (format!("xoxb-{}", &long[..30]), "a token of Slack"),
            (format!("AGE-SECRET-KEY-1{}", "Q".repeat(58)), "an age identity"),
        ] {
            assert_eq!(kinds(&[("o", &text)]), [kind], "{text}");
            // one character after the other, as it was typed
            let letters: Vec<String> = text.chars().map(String::from).collect();
            let events: Vec<(&str, &str)> = letters.iter().map(|l| ("i", l.as_str())).collect();
            assert_eq!(kinds(&events), [kind], "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_one_is_none() {
        for text in [
            "export AWS_SECRET_ACCESS_KEY=$SECRET\r\n",
            "AWS_SECRET_ACCESS_KEY=████████\r\n",
            &format!("AWS_SECRET_ACCESS_KEY={KEY}abc\r\n"),
            &format!("somewhere else {KEY}\r\n"),
            "grep 'BEGIN PRIVATE KEY-----' *.pem\r\n",
            "https.ABCdef123ABCdef123ABCdef1 \r\n",
            "s.abcdefghijklmnopqrstuvwx \r\n",
            "hvs.short ghp_short xoxb-1 AGE-SECRET-KEY-1 \r\n",
        ] {
            assert!(kinds(&[("o", text)]).is_empty(), "{text}");
        }
    }

    #[test]
    fn a_line_that_was_broken_for_the_screen_is_one_line() {
        let (head, tail) = KEY.split_at(9);
        let wrapped = format!("AWS_SECRET_ACCESS_KEY={head} \r{tail}\r\n");
        assert_eq!(kinds(&[("o", &wrapped)]), ["a secret key of AWS"]);
        let coloured =
            format!("AWS_SECRET_ACCESS_KEY=\u{1b}[1m{head} \r\u{1b}[K{tail}\u{1b}[0m\r\n");
        assert_eq!(kinds(&[("o", &coloured)]), ["a secret key of AWS"]);
        // what is typed and what is shown are not one text
        let half = format!("AWS_SECRET_ACCESS_KEY={head}");
        assert!(kinds(&[("o", &half), ("i", tail), ("o", "\r\n")]).is_empty());
    }

    #[test]
    fn it_counts_and_says_where_the_first_one_is() {
        let mut search = Search::new();
        for number in 1..=5 {
            let text = if number == 1 {
                "$ ".to_owned()
            } else {
                format!("AWS_SECRET_ACCESS_KEY={KEY}\r\n")
            };
            let line = serde_json::json!([1, "o", text]).to_string();
            search.line(line.as_bytes(), || format!("line {number}"));
        }
        // the last one ends with the line
        let expected = Trace { kind: "a secret key of AWS", place: "line 2".into(), times: 4 };
        assert_eq!(search.finish(), [expected]);
        // the head of a recording has an environment
        let mut search = Search::new();
        let head = format!("{{\"version\":2,\"env\":{{\"AWS_SECRET_ACCESS_KEY\":\"{KEY}\"}}}}");
        search.line(head.as_bytes(), || "line 1".to_owned());
        assert_eq!(search.finish().len(), 1);
    }
}
