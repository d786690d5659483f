//! Where typed lines are put together until they are payloads (`codes/format.md` §7).
//!
//! Lines come in any order, with or without labels, of several sheets. `K1` seen again starts a new sheet. Where
//! two lines claim one place, combinations are tried; the payload's checksum decides.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::codes::lines::{self, LineError, MAX_LINES, MAX_PARTS, Mended, Place, Reading};
use crate::codes::payload::{Kind, Payload};

/// Most combinations tried for one payload.
const MAX_TRIES: usize = 4096;

/// Most different lines that are kept for one place.
const MAX_VARIANTS: usize = 32;

type Line = Zeroizing<Vec<u8>>;

/// The lines typed so far.
///
/// Lines stay after they were used: copies of one share, and sets of one method, have lines in common.
#[derive(Default)]
pub struct Desk {
    lines: BTreeMap<Place, Vec<Typed>>,
}

struct Typed {
    bytes: Line,
    /// Whether it is part of a payload that is whole.
    used: bool,
}

/// What became of one more line.
pub enum Taken {
    /// It lies on the desk; more are needed.
    Kept(Place),
    /// It made a payload whole.
    Whole(Place, Box<Payload>),
    /// It was mended; take the mended symbols to [`Desk::put`] after showing them.
    Mended(Place, Mended),
    /// It does not fit as typed, but would in these ways.
    Ask(Place, Vec<Mended>),
}

/// Why a line was not taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeskError {
    /// Neither a label nor symbols that fit anywhere.
    #[error("not a line of a sheet")]
    Foreign,
    /// It has no label and fits several places.
    #[error("a line without its label that fits {0} places: type it with its label")]
    Ambiguous(usize),
    /// The line under that label is wrong.
    #[error("line {label}: {source}")]
    Line {
        /// The label as printed.
        label: String,
        /// What is wrong.
        source: LineError,
    },
}

/// Says whether a text starts with the label of a typed line.
pub fn label_of(text: &str) -> Option<(Place, &str)> {
    let text = text.trim();
    let (label, symbols) = text.split_once(char::is_whitespace)?;
    Some((Place::parse(label)?, symbols.trim()))
}

impl Desk {
    /// Takes one typed line.
    pub fn take(&mut self, text: &str) -> Result<Taken, DeskError> {
        let Some((place, symbols)) = label_of(text) else {
            return self.take_unlabelled(text);
        };
        match lines::read(place, symbols) {
            Ok(Reading::Exact(bytes)) => Ok(self.put(place, bytes)),
            Ok(Reading::Mended(mended)) => Ok(Taken::Mended(place, mended)),
            Ok(Reading::Ask(ways)) => Ok(Taken::Ask(place, ways)),
            Err(source) => Err(DeskError::Line { label: place.to_string(), source }),
        }
    }

    /// A line without a label is accepted where it fits one place exactly, and never mended.
    fn take_unlabelled(&mut self, text: &str) -> Result<Taken, DeskError> {
        let places =
            [(Kind::Share, 1, 4), (Kind::Manifest, 1, MAX_LINES), (Kind::Locked, 1, MAX_LINES)]
                .into_iter()
                .chain([(Kind::Sealed, MAX_PARTS, MAX_LINES)])
                .flat_map(|(kind, parts, lines)| {
                    (0..parts).flat_map(move |part| {
                        (0..lines).map(move |line| Place { kind, part, line })
                    })
                });
        let mut fitting = places.filter_map(|place| Some((place, lines::fits(place, text)?)));
        match (fitting.next(), fitting.count()) {
            (Some((place, bytes)), 0) => Ok(self.put(place, bytes)),
            (Some(_), more) => Err(DeskError::Ambiguous(more + 1)),
            (None, _) => Err(DeskError::Foreign),
        }
    }

    /// Puts the bytes of a line in its place and looks whether it makes a payload whole.
    pub fn put(&mut self, place: Place, bytes: Line) -> Taken {
        let variants = self.lines.entry(place).or_default();
        if variants.iter().any(|typed| typed.bytes == bytes) {
            return Taken::Kept(place);
        }
        // the newest first: `K1` seen again starts a new sheet
        variants.insert(0, Typed { bytes, used: false });
        variants.truncate(MAX_VARIANTS);
        match self.assemble(place) {
            Some(payload) => Taken::Whole(place, Box::new(payload)),
            None => Taken::Kept(place),
        }
    }

    /// Returns the places of lines that belong to no whole payload yet.
    pub fn open(&self) -> Vec<Place> {
        let unused = self.lines.iter().filter(|(_, variants)| variants.iter().any(|t| !t.used));
        unused.map(|(place, _)| *place).collect()
    }

    /// Tries the line that was just put with all others, from the first without a gap to it or further.
    fn assemble(&mut self, place: Place) -> Option<Payload> {
        let Place { kind, part, line } = place;
        let columns: Vec<&[Typed]> = (0..MAX_LINES)
            .map_while(|line| self.lines.get(&Place { kind, part, line }))
            .take_while(|variants| !variants.is_empty())
            .enumerate()
            // combinations without the new line were tried before
            .map(
                |(i, variants)| if i == usize::from(line) { &variants[..1] } else { &variants[..] },
            )
            .collect();
        // lines of a longer payload of the same kind may lie on the desk too, so the shortest run comes first
        let mut tries = MAX_TRIES;
        let (payload, chosen) = (usize::from(line) + 1..=columns.len())
            .find_map(|length| whole(kind, &columns[..length], &mut tries))?;
        for (line, i) in (0..).zip(chosen) {
            if let Some(variants) = self.lines.get_mut(&Place { kind, part, line }) {
                variants[i].used = true;
            }
        }
        Some(payload)
    }
}

/// Tries combinations of the columns' lines until the checksum fits; says which lines were used.
fn whole(kind: Kind, columns: &[&[Typed]], tries: &mut usize) -> Option<(Payload, Vec<usize>)> {
    let mut chosen = vec![0; columns.len()];
    while *tries > 0 {
        *tries -= 1;
        let mut bytes = Zeroizing::new(Vec::with_capacity(columns.len() * lines::LINE_BYTES));
        for (variants, &i) in columns.iter().zip(&chosen) {
            bytes.extend_from_slice(&variants[i].bytes);
        }
        if let Ok(payload) = Payload::from_bytes(kind, &bytes) {
            return Some((payload, chosen));
        }
        // count up, the last column fastest
        let turn = (0..columns.len()).rev().find(|&c| chosen[c] + 1 < columns[c].len())?;
        chosen[turn] += 1;
        chosen[turn + 1..].fill(0);
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn lines_of(set: &str, which: &str) -> Vec<String> {
        let all = include_str!("../../tests/vectors/format1.json");
        let vectors: serde_json::Value = serde_json::from_str(all).unwrap();
        let lines = vectors[set].pointer(which).unwrap().as_array().unwrap();
        lines.iter().map(|line| line.as_str().unwrap().to_owned()).collect()
    }

    /// Manifests of 17 and of 13 lines, the longer typed first but for its last line.
    #[test]
    fn lines_of_two_sets_do_not_stand_in_each_others_way() {
        let (long, short) = (lines_of("one_part", "/M/lines"), lines_of("two_parts", "/M/lines"));
        let mut desk = Desk::default();
        let mut whole = 0;
        for line in long[..16].iter().chain(&short).chain(&long[16..]) {
            whole += usize::from(matches!(desk.take(line), Ok(Taken::Whole(..))));
        }
        assert_eq!(whole, 2);
        assert!(desk.open().is_empty());
    }

    /// 1a and 1b have K2 in common, and are typed line by line in turn.
    #[test]
    fn copies_of_one_share_share_lines() {
        let (a, b) =
            (lines_of("one_part", "/sheets/0/lines"), lines_of("one_part", "/sheets/1/lines"));
        assert_eq!(a[1], b[1]);
        let mut desk = Desk::default();
        let mut whole = 0;
        for (a, b) in a.iter().zip(&b) {
            for line in [a, b] {
                whole += usize::from(matches!(desk.take(line), Ok(Taken::Whole(..))));
            }
        }
        assert_eq!(whole, 2);
    }
}
