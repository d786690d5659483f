//! Where typed lines are put together until they are payloads (`codes/format.md` §7).
//!
//! Lines come in any order, with or without labels, of several sheets. `K1` seen again starts a new sheet. Where
//! two lines claim one place, combinations are tried; the payload's checksum decides.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::codes::lines::{self, LineError, Mended, Place, Reading};
use crate::codes::payload::{Kind, Payload};

/// Most combinations tried for one payload.
const MAX_TRIES: usize = 4096;

/// Most lines that a manifest, a sealed part or a locked share has, and some to spare.
const MAX_LINES: u8 = 72;

/// Most sealed parts.
const MAX_PARTS: u8 = 31;

type Line = Zeroizing<Vec<u8>>;

/// The lines typed so far that belong to no payload yet.
#[derive(Default)]
pub struct Desk {
    lines: BTreeMap<Place, Vec<Line>>,
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

    /// Puts the bytes of a line in its place and looks whether a payload is whole.
    pub fn put(&mut self, place: Place, bytes: Line) -> Taken {
        let variants = self.lines.entry(place).or_default();
        if !variants.contains(&bytes) {
            // the newest first: `K1` seen again starts a new sheet
            variants.insert(0, bytes);
        }
        match self.assemble(place.kind, place.part) {
            Some(payload) => {
                self.lines.retain(|p, _| {
                    (p.kind, p.part) != (place.kind, place.part) || place.kind == Kind::Share
                });
                Taken::Whole(place, Box::new(payload))
            }
            None => Taken::Kept(place),
        }
    }

    /// Says what is still open, `K: 1, 2` in words: kind and the labels that are there.
    pub fn open(&self) -> Vec<Place> {
        self.lines.iter().filter(|(_, variants)| !variants.is_empty()).map(|(p, _)| *p).collect()
    }

    /// Tries the lines at hand, from the first without a gap.
    fn assemble(&mut self, kind: Kind, part: u8) -> Option<Payload> {
        let columns: Vec<&Vec<Line>> = (0..MAX_LINES)
            .map_while(|line| self.lines.get(&Place { kind, part, line }))
            .take_while(|variants| !variants.is_empty())
            .collect();
        let mut chosen = vec![0; columns.len()];
        for _ in 0..MAX_TRIES {
            let mut whole = Zeroizing::new(Vec::with_capacity(columns.len() * lines::LINE_BYTES));
            for (variants, &i) in columns.iter().zip(&chosen) {
                whole.extend_from_slice(&variants[i]);
            }
            if let Ok(payload) = Payload::from_bytes(kind, &whole) {
                self.forget(kind, part, &chosen);
                return Some(payload);
            }
            // count up, the last column fastest
            let Some(turn) = (0..columns.len()).rev().find(|&c| chosen[c] + 1 < columns[c].len())
            else {
                break;
            };
            chosen[turn] += 1;
            chosen[turn + 1..].fill(0);
        }
        None
    }

    /// Takes the used lines of a share away; lines of other sheets stay.
    fn forget(&mut self, kind: Kind, part: u8, chosen: &[usize]) {
        for (line, &i) in (0..).zip(chosen) {
            if let Some(variants) = self.lines.get_mut(&Place { kind, part, line }) {
                variants.remove(i);
            }
        }
    }
}
