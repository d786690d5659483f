//! Everything that was read so far: payloads with their origins, and what could not be used.

use std::fmt;

use zeroize::Zeroizing;

use crate::codes::desk::{Desk, DeskError, Taken, label_of};
use crate::codes::keyboard;
use crate::codes::lines::{Mended, Place};
use crate::codes::payload::{self, LockedShare, Payload, RecordPart, SealedPart};
use crate::set::{CodeBytes, Manifest, SheetId, SheetShare};

/// Where something was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// File name as given, `-`, or `typed`.
    pub file: String,
    /// `page 2`, `line 14`; nothing for a single picture.
    pub place: Option<String>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{} {place}", self.file),
            None => f.write_str(&self.file),
        }
    }
}

/// What there is to say about one thing that was read.
pub enum Note {
    /// A payload that is new in the pile: what it is, and of which sheet.
    New(payload::Kind, Option<SheetId>),
    /// A typed line was mended; a person should see it.
    Mended {
        /// The printed label.
        label: String,
        /// First changed symbol, from 1.
        position: usize,
    },
    /// A typed line does not fit, but would in these ways; a person decides.
    Ask {
        /// Where the line belongs.
        place: Place,
        /// The ways.
        ways: Vec<Mended>,
    },
    /// It cannot be used.
    Problem(String),
}

/// What was read so far.
#[derive(Default)]
pub struct Pile {
    found: Vec<(Payload, Origin)>,
    /// Locks that were opened: their shares stand in `found`.
    opened: Vec<LockedShare>,
    desk: Desk,
}

impl Pile {
    /// Adds a payload; the same one again from the same kind of place is not kept twice.
    ///
    /// Says whether it is new. Sheets of one number but different paper are all kept.
    pub fn add(&mut self, payload: Payload, origin: Origin) -> bool {
        let bytes = payload.to_bytes();
        let kind = payload.kind();
        let opened = |lock: &LockedShare| matches!(&payload, Payload::Locked(new) if new == lock);
        let known = self.opened.iter().any(opened)
            || self.found.iter().any(|(p, _)| p.kind() == kind && p.to_bytes() == bytes);
        if !known {
            self.found.push((payload, origin));
        }
        !known
    }

    /// Takes the text of one code.
    pub fn add_code(&mut self, text: &str, origin: &Origin) -> Vec<Note> {
        let payloads = match payload::parse_each(text) {
            Ok(payloads) => payloads,
            Err(error) => return vec![Note::Problem(error.to_string())],
        };
        payloads
            .into_iter()
            .filter_map(|payload| match payload {
                Ok(payload) => self.add_noted(payload, origin),
                Err(error) => Some(Note::Problem(error.to_string())),
            })
            .collect()
    }

    fn add_noted(&mut self, payload: Payload, origin: &Origin) -> Option<Note> {
        let kind = payload.kind();
        let sheet = match &payload {
            Payload::Share(share) => Some(share.id()),
            Payload::Locked(locked) => Some(locked.sheet),
            Payload::Manifest(_) | Payload::Sealed(_) | Payload::Record(_) => None,
        };
        self.add(payload, origin.clone()).then_some(Note::New(kind, sheet))
    }

    /// Takes one line of text: a code's text or a typed line. Empty lines and comments say nothing.
    pub fn add_line(&mut self, text: &str, origin: &Origin) -> Vec<Note> {
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            return Vec::new();
        }
        if payload::looks_like_a_code(text) && payload::parse(text).is_ok() {
            return self.add_code(text, origin);
        }
        // a scanner that types, on a machine set to another keyboard
        if let Some(meant) = keyboard::readings(text).find(|text| payload::parse(text).is_ok()) {
            return self.add_code(&meant, origin);
        }
        if payload::looks_like_a_code(text) {
            return self.add_code(text, origin);
        }
        match self.desk.take(text) {
            Ok(Taken::Mended(place, mended)) => {
                let Mended { bytes, position, .. } = mended;
                let mut notes = vec![Note::Mended { label: place.to_string(), position }];
                notes.extend(self.put(place, bytes, origin));
                notes
            }
            Ok(Taken::Ask(place, ways)) => vec![Note::Ask { place, ways }],
            Ok(Taken::Whole(_, payload)) => self.add_noted(*payload, origin).into_iter().collect(),
            Ok(Taken::Kept(_)) => Vec::new(),
            Err(DeskError::Foreign) if label_of(text).is_none() => {
                vec![Note::Problem("neither a code nor a typed line of a sheet".to_owned())]
            }
            Err(error) => vec![Note::Problem(error.to_string())],
        }
    }

    /// Puts a line that a person has confirmed in its place.
    pub fn put(&mut self, place: Place, bytes: Zeroizing<Vec<u8>>, origin: &Origin) -> Vec<Note> {
        match self.desk.put(place, bytes) {
            Taken::Whole(_, payload) => self.add_noted(*payload, origin).into_iter().collect(),
            _ => Vec::new(),
        }
    }

    /// Returns the labels of typed lines that do not make a payload yet.
    pub fn open_lines(&self) -> Vec<Place> {
        self.desk.open()
    }

    /// Says whether nothing usable was read.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Returns every payload with its origin, in the order in which it was read.
    pub fn all(&self) -> impl Iterator<Item = &(Payload, Origin)> {
        self.found.iter()
    }

    /// Returns the open shares.
    pub fn shares(&self) -> impl Iterator<Item = (&SheetShare, &Origin)> {
        self.found.iter().filter_map(|(payload, origin)| match payload {
            Payload::Share(share) => Some((share, origin)),
            _ => None,
        })
    }

    /// Returns the locked shares.
    pub fn locked(&self) -> impl Iterator<Item = (&LockedShare, &Origin)> {
        self.found.iter().filter_map(|(payload, origin)| match payload {
            Payload::Locked(locked) => Some((locked, origin)),
            _ => None,
        })
    }

    /// Takes everything of another pile but the shares of sheets that are not wanted.
    pub fn adopt(&mut self, other: Self, wanted: impl Fn(SheetId) -> bool) {
        for (payload, origin) in other.found {
            let of_sheet = match &payload {
                Payload::Share(share) => Some(share.id()),
                Payload::Locked(locked) => Some(locked.sheet),
                Payload::Manifest(_) | Payload::Sealed(_) | Payload::Record(_) => None,
            };
            if of_sheet.is_none_or(&wanted) {
                self.add(payload, origin);
            }
        }
        self.opened.extend(other.opened.into_iter().filter(|lock| wanted(lock.sheet)));
    }

    /// Takes the share of an opened lock instead of the locked one; it counts from now on.
    pub fn unlock(&mut self, lock: &LockedShare, share: SheetShare) {
        let locked =
            |(payload, _): &(Payload, Origin)| matches!(payload, Payload::Locked(p) if p == lock);
        let Some(at) = self.found.iter().position(locked) else { return };
        let (_, origin) = self.found.remove(at);
        self.opened.push(lock.clone());
        // the same share read open, from a file perhaps, is there already
        self.add(Payload::Share(share), origin);
    }

    /// Returns the set of every sheet, open or locked, in the order in which they were read.
    pub fn sets(&self) -> impl Iterator<Item = CodeBytes> {
        self.found.iter().filter_map(|(payload, _)| match payload {
            Payload::Share(share) => Some(share.set),
            Payload::Locked(locked) => Some(locked.set),
            Payload::Manifest(_) | Payload::Sealed(_) | Payload::Record(_) => None,
        })
    }

    /// Returns the different manifests.
    pub fn manifests(&self) -> impl Iterator<Item = (&Manifest, &Origin)> {
        self.found.iter().filter_map(|(payload, origin)| match payload {
            Payload::Manifest(manifest) => Some((&**manifest, origin)),
            _ => None,
        })
    }

    /// Returns the parts of records.
    pub fn records(&self) -> impl Iterator<Item = (&RecordPart, &Origin)> {
        self.found.iter().filter_map(|(payload, origin)| match payload {
            Payload::Record(part) => Some((part, origin)),
            _ => None,
        })
    }

    /// Returns the sealed parts.
    pub fn sealed(&self) -> impl Iterator<Item = (&SealedPart, &Origin)> {
        self.found.iter().filter_map(|(payload, origin)| match payload {
            Payload::Sealed(part) => Some((part, origin)),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn vectors() -> serde_json::Value {
        serde_json::from_str(include_str!("../../tests/vectors/format1.json")).unwrap()
    }

    fn typed() -> Origin {
        Origin { file: "typed".into(), place: None }
    }

    fn lines(value: &serde_json::Value) -> Vec<String> {
        value.as_array().unwrap().iter().map(|l| l.as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn typed_lines_of_a_whole_set_in_any_order_become_payloads() {
        let vectors = vectors();
        let set = &vectors["one_part"];
        let mut all: Vec<String> = Vec::new();
        for sheet in [0, 1, 4] {
            all.extend(lines(&set["sheets"][sheet]["lines"]));
        }
        all.extend(lines(&set["M"]["lines"]).into_iter().rev());
        all.extend(lines(&set["S"][0]["lines"]).into_iter().rev());
        let mut pile = Pile::default();
        for line in &all {
            assert!(
                pile.add_line(&line.to_lowercase(), &typed())
                    .iter()
                    .all(|n| matches!(n, Note::New(..)))
            );
        }
        assert_eq!(pile.shares().count(), 3);
        assert_eq!((pile.manifests().count(), pile.sealed().count()), (1, 1));
        assert!(pile.open_lines().is_empty());
    }

    #[test]
    fn lines_without_labels_and_shares_out_of_order_are_put_together() {
        let vectors = vectors();
        let sheets = &vectors["one_part"]["sheets"];
        let (a, b) = (lines(&sheets[0]["lines"]), lines(&sheets[4]["lines"]));
        let mut pile = Pile::default();
        for i in [3, 1, 0, 2] {
            for sheet in [&a, &b] {
                let unlabelled = &sheet[i][3..];
                assert!(
                    pile.add_line(unlabelled, &typed()).iter().all(|n| matches!(n, Note::New(..)))
                );
            }
        }
        assert_eq!(pile.shares().count(), 2);
    }

    #[test]
    fn a_scanner_that_types_on_another_keyboard_is_understood() {
        let set = &vectors()["one_part"];
        let text = set["sheets"][0]["text"]
            .as_str()
            .unwrap_or_else(|| set["S"][0]["text"].as_str().unwrap());
        for (from, to) in [("YZ", "ZY"), ("0123456789AQZWM", "à&é\"'(-è_çQAWZ?")] {
            let heard = |sign: char| {
                let at = from.chars().position(|f| f == sign);
                at.map_or(sign, |at| to.chars().nth(at).unwrap())
            };
            let heard: String = text.chars().map(heard).collect();
            assert_ne!(heard, text);
            let mut pile = Pile::default();
            let notes = pile.add_line(&heard, &typed());
            assert!(
                !notes.is_empty() && notes.iter().all(|n| matches!(n, Note::New(..))),
                "{heard}"
            );
        }
    }

    #[test]
    fn what_is_no_line_is_said() {
        let mut pile = Pile::default();
        assert!(pile.add_line("  # a comment", &typed()).is_empty());
        for bad in
            ["hello world", "K1 hello", "K9 0123", "BG1K000", "K1 0123456789ABCDEFGHJKMNPQAAXX"]
        {
            let notes = pile.add_line(bad, &typed());
            assert!(matches!(notes[..], [Note::Problem(_) | Note::Ask { .. }]), "{bad}");
        }
    }
}
