//! Typed lines: 15 bytes and four Reed-Solomon symbols that find and mend slips (`codes/format.md` §7).

use std::fmt;

use zeroize::Zeroizing;

use crate::codes::crockford::{self, inverse, multiply, power};
use crate::codes::payload::Kind;

/// Bytes of every line but the last.
pub const LINE_BYTES: usize = 15;

/// Most lines that a manifest, a sealed part or a locked share has, and some to spare.
pub const MAX_LINES: u8 = 72;

/// Most sealed parts.
pub const MAX_PARTS: u8 = 31;

const CHECKS: usize = 4;
const SALTS: usize = 3;
const LONGEST: usize = 24 + CHECKS;

/// The generator below its leading 1, highest power first.
const GENERATOR: [u8; CHECKS] = [30, 6, 9, 17];

/// Where a line belongs. Part and line count from 0; the printed label counts from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Of which payload.
    pub kind: Kind,
    /// Sealed part; 0 for the other kinds.
    pub part: u8,
    /// Line of the payload.
    pub line: u8,
}

impl Place {
    /// Reads a printed label: `K1`, `M01`, `P01`, `S2-11`.
    pub fn parse(label: &str) -> Option<Self> {
        let mut signs = label.chars();
        let kind = Kind::from_letter(signs.next()?)?;
        // the numbers of a label are digits; people type O and I for them all the same
        let digits: String = signs
            .map(|c| match c.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            })
            .collect();
        let number = |text: &str, max: u8| -> Option<u8> {
            let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            text.parse::<u8>().ok().filter(|n| plain && (1..=max).contains(n)).map(|n| n - 1)
        };
        let (part, line) = match kind {
            Kind::Share => (0, number(&digits, 4)?),
            Kind::Manifest | Kind::Locked => (0, number(&digits, MAX_LINES)?),
            Kind::Record => return None,
            Kind::Sealed => {
                let (part, line) = digits.split_once('-')?;
                (number(part, MAX_PARTS)?, number(line, MAX_LINES)?)
            }
        };
        Some(Self { kind, part, line })
    }

    fn salts(self) -> [u8; SALTS] {
        [self.kind.value(), self.part % 32, self.line % 32]
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (letter, line) = (self.kind.letter(), self.line + 1);
        match self.kind {
            Kind::Share => write!(f, "{letter}{line}"),
            Kind::Manifest | Kind::Locked | Kind::Record => write!(f, "{letter}{line:02}"),
            Kind::Sealed => write!(f, "{letter}{}-{line:02}", self.part + 1),
        }
    }
}

/// Writes the labelled lines of a payload's bytes, one below the other: `K1 13WMBD7B…`.
pub fn encode(kind: Kind, part: u8, bytes: &[u8]) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(bytes.len() * 3));
    for (line, chunk) in (0..).zip(bytes.chunks(LINE_BYTES)) {
        if line > 0 {
            out.push('\n');
        }
        let place = Place { kind, part, line };
        out.push_str(&place.to_string());
        out.push(' ');
        let symbols = crockford::encode(chunk);
        out.push_str(&symbols);
        // symbols of our own making are symbols
        if let Ok(values) = crockford::values(&symbols) {
            out.extend(checks(place, &values).map(crockford::symbol));
        }
    }
    out
}

fn checks(place: Place, values: &[u8]) -> [u8; CHECKS] {
    let mut rest = [0; CHECKS];
    for &value in place.salts().iter().chain(values) {
        let lead = value ^ rest[0];
        rest.rotate_left(1);
        rest[CHECKS - 1] = 0;
        for (r, g) in rest.iter_mut().zip(GENERATOR) {
            *r ^= multiply(lead, g);
        }
    }
    rest
}

/// What became of a typed line. No `Debug`: it may be a share's.
pub enum Reading {
    /// It fits as typed.
    Exact(Zeroizing<Vec<u8>>),
    /// One wrong symbol, or unreadable ones, could be mended.
    Mended(Mended),
    /// It can be made to fit in these ways; a person decides.
    Ask(Vec<Mended>),
}

/// A line that fits after a change.
pub struct Mended {
    /// The bytes of the line.
    pub bytes: Zeroizing<Vec<u8>>,
    /// The symbols as they ought to be, in groups of four.
    pub symbols: Zeroizing<String>,
    /// First symbol that was changed, counted from 1.
    pub position: usize,
}

/// Why a typed line cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// A character that is no symbol.
    #[error("`{symbol}` in group {group} is not one of the symbols used")]
    Symbol {
        /// The character.
        symbol: char,
        /// In which group of four, from 1.
        group: usize,
    },
    /// Too many or too few symbols to mend.
    #[error("{0} symbols; a full line has 28")]
    Length(usize),
    /// Nothing near it fits.
    #[error("the line does not fit its last four signs")]
    Unfit,
}

/// Symbol values, `None` where the typist wrote `?`.
type Typed = Vec<Option<u8>>;

fn typed(text: &str) -> Result<Typed, LineError> {
    let mut out = Vec::with_capacity(LONGEST);
    for c in text.chars().filter(|&c| !crockford::is_filler(c)) {
        let group = out.len() / 4 + 1;
        match c {
            '?' => out.push(None),
            c => out.push(Some(crockford::value(c).ok_or(LineError::Symbol { symbol: c, group })?)),
        }
    }
    let fits = (2 + CHECKS - 1..=LONGEST + 1).contains(&out.len());
    if fits { Ok(out) } else { Err(LineError::Length(out.len())) }
}

/// Reads the symbols of a line at its place.
pub fn read(place: Place, text: &str) -> Result<Reading, LineError> {
    let typed = typed(text)?;
    let unread: Vec<usize> = (0..typed.len()).filter(|&i| typed[i].is_none()).collect();
    if unread.len() > CHECKS {
        return Err(LineError::Unfit);
    }
    if let Some(values) = solve(place, &typed, &unread) {
        let mended = finish(&typed, &values)?;
        return Ok(if unread.is_empty() {
            Reading::Exact(mended.bytes)
        } else {
            Reading::Mended(mended)
        });
    }
    // one wrong symbol beside one unread one is as far as four checks reach with a margin
    if unread.len() <= 1 {
        let mut ways = changed(place, &typed, &unread, 1);
        if unread.is_empty() && ways.len() == 1 {
            return Ok(ways.pop().map_or(Reading::Ask(Vec::new()), Reading::Mended));
        }
        if ways.is_empty() {
            ways = changed(place, &typed, &unread, 2);
            ways.extend(shifted(place, &typed));
        }
        if !ways.is_empty() {
            return Ok(Reading::Ask(ways));
        }
    }
    Err(LineError::Unfit)
}

/// Says whether a line fits at a place exactly as typed, and returns its bytes.
pub fn fits(place: Place, text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let typed = typed(text).ok()?;
    let all = typed.iter().all(Option::is_some);
    solve(place, &typed, &[]).filter(|_| all).and_then(|v| finish(&typed, &v).ok()).map(|m| m.bytes)
}

/// All ways to make a line fit by changing so many further symbols. Salts are never changed.
fn changed(place: Place, typed: &Typed, unread: &[usize], more: usize) -> Vec<Mended> {
    let mut ways = Vec::new();
    let places: Vec<usize> = (0..typed.len()).filter(|i| !unread.contains(i)).collect();
    let mut attempt = |extra: &[usize]| {
        let open = [unread, extra].concat();
        if open.len() > CHECKS {
            return;
        }
        // a way that leaves one of the extra places as typed is another way with fewer changes
        if let Some(values) = solve(place, typed, &open)
            && extra.iter().all(|&i| typed[i] != Some(values[i]))
            && let Ok(mended) = finish(typed, &values)
        {
            ways.push(mended);
        }
    };
    for (n, &i) in places.iter().enumerate() {
        if more == 1 {
            attempt(&[i]);
        } else {
            places[n + 1..].iter().for_each(|&j| attempt(&[i, j]));
        }
    }
    ways
}

/// All ways to make a line fit by putting one symbol in or taking one out.
fn shifted(place: Place, typed: &Typed) -> Vec<Mended> {
    let mut ways: Vec<Mended> = Vec::new();
    let mut add = |word: &Typed, open: &[usize]| {
        if let Some(mended) = solve(place, word, open).and_then(|values| finish(word, &values).ok())
            && ways.iter().all(|way| way.symbols != mended.symbols)
        {
            ways.push(mended);
        }
    };
    for i in 0..=typed.len() {
        if typed.len() < LONGEST {
            let mut longer = typed.clone();
            longer.insert(i, None);
            add(&longer, &[i]);
        }
        if i < typed.len() {
            let mut shorter = typed.clone();
            shorter.remove(i);
            add(&shorter, &[]);
        }
    }
    ways
}

/// Finds values for the open positions so that all four checks hold; `None` when there are none.
///
/// Positions count over the typed symbols; at most four are open.
fn solve(place: Place, typed: &Typed, open: &[usize]) -> Option<Vec<u8>> {
    if !(2 + CHECKS..=LONGEST).contains(&typed.len()) {
        return None;
    }
    let mut word: Vec<u8> = place.salts().to_vec();
    word.extend(
        typed.iter().enumerate().map(|(i, v)| if open.contains(&i) { 0 } else { v.unwrap_or(0) }),
    );
    let top = word.len() - 1;
    // syndrome j is the word at α^(j+1); each open position adds one unknown to each
    let mut rows: Vec<Vec<u8>> = (1..=CHECKS)
        .map(|j| {
            let syndrome = word
                .iter()
                .enumerate()
                .fold(0, |sum, (i, &v)| sum ^ multiply(v, power(j * (top - i))));
            open.iter().map(|&i| power(j * (top - i - SALTS))).chain([syndrome]).collect()
        })
        .collect();
    for column in 0..open.len() {
        let pivot = (column..CHECKS).find(|&r| rows[r][column] != 0)?;
        rows.swap(column, pivot);
        let scale = inverse(rows[column][column]);
        rows[column].iter_mut().for_each(|v| *v = multiply(*v, scale));
        let lead = rows[column].clone();
        for (r, row) in rows.iter_mut().enumerate() {
            let factor = row[column];
            if r != column && factor != 0 {
                row.iter_mut().zip(&lead).for_each(|(v, &l)| *v ^= multiply(factor, l));
            }
        }
    }
    if rows[open.len()..].iter().any(|row| row[open.len()] != 0) {
        return None;
    }
    let mut values = word.split_off(SALTS);
    for (n, &i) in open.iter().enumerate() {
        values[i] = rows[n][open.len()];
    }
    Some(values)
}

/// Takes the bytes out of a line that fits.
fn finish(typed: &Typed, values: &[u8]) -> Result<Mended, LineError> {
    let data = &values[..values.len() - CHECKS];
    let bytes = crockford::bytes(data).map_err(|_| LineError::Unfit)?;
    let mut symbols = Zeroizing::new(String::with_capacity(2 * LONGEST));
    for (i, &value) in values.iter().enumerate() {
        if i > 0 && i % 4 == 0 {
            symbols.push(' ');
        }
        symbols.push(crockford::symbol(value));
    }
    let position = values.iter().zip(typed).position(|(&v, t)| *t != Some(v)).map_or(0, |i| i + 1);
    Ok(Mended { bytes, symbols, position })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const PLACE: Place = Place { kind: Kind::Share, part: 0, line: 0 };
    const LINE: &str = "0123456789ABCDEFGHJKMNPQAATA";

    fn signs() -> Vec<char> {
        LINE.chars().collect()
    }

    fn text(signs: &[char]) -> String {
        signs.iter().collect()
    }

    #[test]
    fn the_example_of_the_specification() {
        let bytes = crockford::bytes(&(0..24).collect::<Vec<u8>>()).unwrap();
        assert_eq!(encode(Kind::Share, 0, &bytes).as_str(), format!("K1 {LINE}"));
        assert!(matches!(read(PLACE, LINE), Ok(Reading::Exact(b)) if b == bytes));
        for kind in [Kind::Share, Kind::Manifest] {
            for line in 0..40 {
                let place = Place { kind, part: 0, line };
                assert_eq!(fits(place, LINE).is_some(), kind == Kind::Share && line % 32 == 0);
            }
        }
    }

    #[test]
    fn every_single_wrong_symbol_is_mended() {
        for i in 0..28 {
            for v in 0..32 {
                let mut typed = signs();
                typed[i] = crockford::symbol(v);
                match read(PLACE, &text(&typed)).unwrap() {
                    Reading::Exact(_) => assert_eq!(typed, signs()),
                    Reading::Mended(mended) => {
                        assert_eq!(mended.symbols.replace(' ', ""), LINE);
                        assert_eq!(mended.position, i + 1);
                    }
                    Reading::Ask(_) => panic!("asked at {i} {v}"),
                }
            }
        }
    }

    #[test]
    fn a_swap_and_two_wrong_symbols_are_a_question_that_holds_the_answer() {
        let right = |ways: &[Mended]| ways.iter().any(|way| way.symbols.replace(' ', "") == LINE);
        for i in 0..27 {
            let mut typed = signs();
            typed.swap(i, i + 1);
            if typed != signs() {
                assert!(
                    matches!(read(PLACE, &text(&typed)), Ok(Reading::Ask(w)) if right(&w)),
                    "{i}"
                );
            }
            let mut typed = signs();
            typed.remove(i);
            assert!(matches!(read(PLACE, &text(&typed)), Ok(Reading::Ask(w)) if right(&w)), "{i}");
            let mut typed = signs();
            typed.insert(i, 'Z');
            assert!(matches!(read(PLACE, &text(&typed)), Ok(Reading::Ask(w)) if right(&w)), "{i}");
        }
    }

    #[test]
    fn unreadable_symbols_are_found() {
        let mut typed = signs();
        for i in [0, 9, 20, 27] {
            typed[i] = '?';
        }
        assert!(
            matches!(read(PLACE, &text(&typed)), Ok(Reading::Mended(m)) if m.symbols.replace(' ', "") == LINE)
        );
        typed[5] = '?';
        assert!(matches!(read(PLACE, &text(&typed)), Err(LineError::Unfit)));
    }

    #[test]
    fn nothing_is_mended_where_nothing_fits() {
        assert!(matches!(read(PLACE, "U"), Err(LineError::Symbol { symbol: 'U', group: 1 })));
        assert!(matches!(read(PLACE, "123"), Err(LineError::Length(3))));
        assert!(read(PLACE, &"0".repeat(31)).is_err());
    }

    #[test]
    fn labels() {
        for label in ["K1", "K4", "M01", "M52", "P27", "S1-01", "S31-39"] {
            assert_eq!(Place::parse(label).unwrap().to_string(), label);
        }
        assert_eq!(Place::parse("mo1"), Place::parse("M01"));
        for label in ["", "K", "K0", "K5", "M00", "S1", "S-1", "S1-0", "X1", "K+1", "M100"] {
            assert!(Place::parse(label).is_none(), "{label}");
        }
    }
}
