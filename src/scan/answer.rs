//! What a worker says to its parent: lines of ASCII, written and read here.
//!
//! ```text
//! breakglass page 1
//! pages 3                          (page 0 was asked for)
//! size 1654 2339
//! code plain 1880 7056 … BG1K…     (pass, eight sixteenths of pixels, text)
//! soft 19 @`PP…                    (version, how dark each module is: from @ light to ` dark)
//! problem damaged
//! end
//! ```
//!
//! A worker that read a hostile file may say anything, so the reading end takes nothing that the
//! writing end would not have written.

use zeroize::Zeroizing;

use super::decode::printable;
use super::grey::to_u8;
use super::qr::symbol;
use super::soft::Soft;
use super::{Code, MAX_CODE_TEXT, MAX_CODES, MAX_UNREAD, Page, PageProblem, Pass};

const FIRST: &str = "breakglass page 1";
const LAST: &str = "end";

/// What a code's line has besides its text, at most.
const LINE: usize = 128;

/// The most bytes an answer may have.
pub(super) const MAX_ANSWER: usize =
    (MAX_CODES + 4) * (MAX_CODE_TEXT + LINE) + MAX_UNREAD * (113 * 113 + LINE);

/// Problems that a worker may report, as it words them.
const PROBLEMS: [(PageProblem, &str); 9] = [
    (PageProblem::Crashed, "crashed"),
    (PageProblem::Unlimited, "unlimited"),
    (PageProblem::TooLarge, "too-large"),
    (PageProblem::Password, "password"),
    (PageProblem::Partial, "partial"),
    (PageProblem::Damaged, "damaged"),
    (PageProblem::Unsupported, "unsupported"),
    (PageProblem::Blank, "blank"),
    (PageProblem::Missing, "missing"),
];

/// A worker's answer about one page, or about the number of pages.
#[derive(Default)]
pub(super) struct Answer {
    pub(super) pages: Option<u32>,
    pub(super) size: (u32, u32),
    pub(super) codes: Vec<Code>,
    pub(super) unread: Vec<Soft>,
    pub(super) problem: Option<PageProblem>,
}

impl Answer {
    pub(super) fn problem(problem: PageProblem) -> Self {
        Self { problem: Some(problem), ..Self::default() }
    }

    pub(super) fn into_page(self, number: u32) -> Page {
        let Self { size, codes, unread, problem, .. } = self;
        Page { number, size, codes, unread, problem }
    }

    /// Writes the answer; the bytes never move while they grow.
    pub(super) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let texts: usize = self.codes.iter().map(|code| code.text.len() + LINE).sum();
        let soft: usize = self.unread.iter().map(|soft| soft.values().len() + LINE).sum();
        let mut out = Zeroizing::new(Vec::with_capacity(texts + soft + 4 * LINE));
        let mut line = |words: &[&str]| {
            for (index, word) in words.iter().enumerate() {
                out.extend_from_slice(if index == 0 { b"" } else { b" " });
                out.extend_from_slice(word.as_bytes());
            }
            out.push(b'\n');
        };
        line(&[FIRST]);
        if let Some(pages) = self.pages {
            line(&["pages", &pages.to_string()]);
        }
        line(&["size", &self.size.0.to_string(), &self.size.1.to_string()]);
        for code in &self.codes {
            let corners = code.corners.map(|(x, y)| format!("{} {}", sixteenths(x), sixteenths(y)));
            line(&["code", &code.pass.to_string(), &corners.join(" "), &code.text]);
        }
        for soft in &self.unread {
            let levels: Zeroizing<String> =
                Zeroizing::new(soft.values().iter().map(|value| level(*value)).collect());
            line(&["soft", &soft.symbol().version.to_string(), &levels]);
        }
        for (problem, word) in &PROBLEMS {
            if self.problem == Some(*problem) {
                line(&["problem", word]);
            }
        }
        line(&[LAST]);
        out
    }

    /// Reads an answer; `None` when it is not one.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut lines = str::from_utf8(bytes).ok()?.strip_suffix('\n')?.split('\n').peekable();
        let mut answer = Self::default();
        if lines.next()? != FIRST {
            return None;
        }
        if let Some(rest) = lines.next_if(|line| line.starts_with("pages ")) {
            answer.pages = Some(number(rest.strip_prefix("pages ")?)?);
        }
        let (width, height) = lines.next()?.strip_prefix("size ")?.split_once(' ')?;
        answer.size = (number(width)?, number(height)?);
        while let Some(line) = lines.next_if(|line| line.starts_with("code ")) {
            answer.codes.push(code(line.strip_prefix("code ")?)?);
        }
        while let Some(line) = lines.next_if(|line| line.starts_with("soft ")) {
            answer.unread.push(soft(line.strip_prefix("soft ")?)?);
        }
        if answer.codes.len() > MAX_CODES || answer.unread.len() > MAX_UNREAD {
            return None;
        }
        if let Some(line) = lines.next_if(|line| line.starts_with("problem ")) {
            let word = line.strip_prefix("problem ")?;
            answer.problem = Some(PROBLEMS.iter().find(|(_, said)| *said == word)?.0);
        }
        (lines.next()? == LAST && lines.next().is_none()).then_some(answer)
    }

    /// Tells whether the bytes of an answer are all there.
    pub(super) fn ends(bytes: &[u8]) -> bool {
        bytes.ends_with(b"\nend\n")
    }
}

/// Reads what follows `code `.
fn code(rest: &str) -> Option<Code> {
    let (word, mut rest) = rest.split_once(' ')?;
    let pass =
        Pass::CASCADE.into_iter().chain([Pass::Placed]).find(|pass| pass.to_string() == word)?;
    let mut corners = [(0.0, 0.0); 4];
    for (x, y) in &mut corners {
        for value in [x, y] {
            let (word, tail) = rest.split_once(' ')?;
            *value = from_sixteenths(number(word)?);
            rest = tail;
        }
    }
    printable(rest).then(|| Code { text: Zeroizing::new(rest.to_owned()), corners, pass })
}

/// Reads what follows `soft `.
fn soft(rest: &str) -> Option<Soft> {
    let (version, levels) = rest.split_once(' ')?;
    let symbol = symbol(number(version)?)?;
    let values: Option<Vec<f32>> = levels.bytes().map(value).collect();
    Soft::weighed(symbol, Zeroizing::new(values?))
}

/// Writes how dark a module is, −1 to 1, in sixteenths.
fn level(value: f32) -> char {
    let sixteenth = (value.clamp(-1.0, 1.0) * 16.0).round() + 16.0;
    char::from(b'@' + to_u8(sixteenth))
}

fn value(level: u8) -> Option<f32> {
    let sixteenth = level.checked_sub(b'@').filter(|v| *v <= 32)?;
    Some(f32::from(sixteenth) / 16.0 - 1.0)
}

/// Reads a whole number written the one way it can be written.
fn number<T: std::str::FromStr + ToString>(word: &str) -> Option<T> {
    word.parse().ok().filter(|n: &T| n.to_string() == word)
}

#[allow(clippy::cast_possible_truncation, reason = "saturates; corners are pixels of a picture")]
fn sixteenths(pixels: f32) -> i32 {
    (pixels * 16.0).round() as i32
}

#[allow(clippy::cast_precision_loss, reason = "corners are pixels of a picture")]
fn from_sixteenths(value: i32) -> f32 {
    value as f32 / 16.0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn sample() -> Answer {
        let code = |text: &str, pass| Code {
            text: Zeroizing::new(text.to_owned()),
            corners: [(1.5, -0.25), (99.0, 0.0), (99.0625, 99.0), (0.0, 98.5)],
            pass,
        };
        Answer {
            pages: None,
            size: (1654, 2339),
            codes: vec![code("BG1K0123", Pass::Plain), code("two words ~", Pass::Rotated)],
            unread: vec![measured(5)],
            problem: Some(PageProblem::Partial),
        }
    }

    fn measured(version: u8) -> Soft {
        let symbol = symbol(version).unwrap();
        let level = |at: usize| f32::from(u8::try_from(at % 33).unwrap()) / 16.0 - 1.0;
        let values = (0..symbol.side * symbol.side).map(level).collect();
        Soft::weighed(symbol, Zeroizing::new(values)).unwrap()
    }

    fn said(text: &str) -> Option<Answer> {
        Answer::from_bytes(text.as_bytes())
    }

    #[test]
    fn what_is_written_is_read() {
        let answer = Answer::from_bytes(&sample().to_bytes()).unwrap();
        assert_eq!(answer.size, (1654, 2339));
        assert_eq!(answer.problem, Some(PageProblem::Partial));
        assert_eq!(answer.codes.len(), 2);
        assert_eq!(*answer.codes[1].text, "two words ~");
        assert_eq!(answer.codes[1].pass, Pass::Rotated);
        assert_eq!(answer.codes[0].corners, sample().codes[0].corners);
        assert_eq!(answer.unread[0].symbol().version, 5);
        assert_eq!(answer.unread[0].values(), measured(5).values());
        let count = Answer { pages: Some(7), ..Answer::default() };
        assert_eq!(Answer::from_bytes(&count.to_bytes()).unwrap().pages, Some(7));
        for (problem, _) in PROBLEMS {
            let bytes = Answer::problem(problem).to_bytes();
            assert_eq!(Answer::from_bytes(&bytes).unwrap().problem, Some(problem));
        }
    }

    #[test]
    fn the_bytes_do_not_move_while_they_grow() {
        let mut answer = sample();
        let longest = "A".repeat(MAX_CODE_TEXT);
        answer.codes = (0..MAX_CODES)
            .map(|_| Code {
                text: Zeroizing::new(longest.clone()),
                corners: [(f32::MIN, f32::MIN); 4],
                pass: Pass::Normalised,
            })
            .collect();
        answer.unread = (0..MAX_UNREAD).map(|_| measured(24)).collect();
        let bytes = answer.to_bytes();
        assert!(bytes.len() <= bytes.capacity() && bytes.len() <= MAX_ANSWER);
        assert!(bytes.capacity() <= MAX_ANSWER);
        assert_eq!(Answer::from_bytes(&bytes).unwrap().codes.len(), MAX_CODES);
    }

    #[test]
    fn anything_else_is_refused() {
        let start = "breakglass page 1\nsize 10 10\n";
        let corners = "0 0 0 0 0 0 0 0";
        assert!(said(&format!("{start}code plain {corners} A\nend\n")).is_some());
        for wrong in [
            String::new(),
            "end\n".into(),
            format!("{start}end"),
            format!("{start}end\n\n"),
            format!("{start}end\nend\n"),
            format!("{start}\nend\n"),
            "breakglass page 2\nsize 1 1\nend\n".into(),
            "breakglass page 1\nend\n".into(),
            "breakglass page 1\nsize 1\nend\n".into(),
            "breakglass page 1\nsize 01 1\nend\n".into(),
            "breakglass page 1\nsize +1 1\nend\n".into(),
            "breakglass page 1\nsize -1 1\nend\n".into(),
            "breakglass page 1\r\nsize 1 1\r\nend\r\n".into(),
            "breakglass page 1\npages 99999999999\nsize 1 1\nend\n".into(),
            format!("{start}code plain {corners} \nend\n"),
            format!("{start}code plain {corners} \u{e9}\nend\n"),
            format!("{start}code plain {corners} A\tB\nend\n"),
            format!("{start}code fancy {corners} A\nend\n"),
            format!("{start}code plain 0 0 0 0 0 0 0 1.5 A\nend\n"),
            format!("{start}code plain 0 0 0 0 0 0 0 A\nend\n"),
            format!("{start}code plain {corners} {}\nend\n", "A".repeat(MAX_CODE_TEXT + 1)),
            format!("{start}{}end\n", format!("code plain {corners} A\n").repeat(MAX_CODES + 1)),
            format!("{start}soft 5 @@@\nend\n"),
            format!("{start}soft 25 {}\nend\n", "@".repeat(117 * 117)),
            format!("{start}soft 5 {}\nend\n", "a".repeat(37 * 37)),
            format!("{start}problem \u{1b}[31m\nend\n"),
            format!("{start}problem damaged\nproblem damaged\nend\n"),
            format!("{start}problem damaged\ncode plain {corners} A\nend\n"),
        ] {
            assert!(said(&wrong).is_none(), "{wrong:?}");
        }
    }

    #[test]
    fn noise_never_panics_and_cut_answers_are_refused() {
        let whole = sample().to_bytes();
        for end in 0..whole.len() {
            assert!(Answer::from_bytes(&whole[..end]).is_none());
        }
        let mut noise = super::super::tests::Noise(2);
        for _ in 0..20_000 {
            let mut bytes = whole.to_vec();
            for _ in 0..=noise.below(4) {
                let at = noise.below(bytes.len());
                bytes[at] = noise.bytes(1)[0];
            }
            let _ = Answer::from_bytes(&bytes);
            let _ = Answer::from_bytes(&bytes[noise.below(bytes.len())..]);
            let length = noise.below(60);
            assert!(Answer::from_bytes(&noise.bytes(length)).is_none());
        }
    }
}
