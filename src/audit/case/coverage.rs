//! Coverage: "nothing was found" means something only where it would have been found.

use std::collections::BTreeMap;

use super::{Book, Case};
use crate::audit::evidence::{Evidence, Kind};
use crate::clock::Instant;
use crate::state::Set;

/// Logs come in slices: those of one format count as one where they are not further apart than this, in seconds. Nobody
/// hears from a quiet platform for a while, and no slice says whether another one is missing before it.
const GAP: i64 = 3600;

impl Case {
    /// Returns the files that would show uses (or changes) of a set's credential, and what of a window they cover.
    pub fn coverage(&self, book: &Book, set: &Set, sees: Sees) -> Vec<(Instant, Instant)> {
        let logs = self.evidence.iter().filter(|file| file.kind == Kind::Log);
        // what was not read may be what is asked for
        let whole = logs.filter(|file| file.found.partial.is_none());
        let fitting = whole.filter(|file| self.fits(file, book, set));
        let fitting = fitting.filter(|file| self.knows(file, book, set, sees));
        let seeing = fitting.filter(|file| match sees {
            Sees::Uses => file.found.sees_uses,
            Sees::Changes => file.found.sees_changes && home_region(file),
        });
        let mut slices: BTreeMap<&str, Vec<(Instant, Instant)>> = BTreeMap::new();
        for file in seeing {
            let found = &file.found;
            let slices = slices.entry(file.format).or_default();
            if found.asked.is_empty() {
                slices.extend(found.window);
            } else {
                slices.extend(found.asked.get(set.credential.as_str()).into_iter().flatten());
            }
        }
        let whole = slices.into_values().flat_map(|slices| joined(slices, GAP)).collect();
        joined(whole, self.skew)
    }

    /// Says whether a log would know a credential at all.
    fn knows(&self, file: &Evidence, book: &Book, set: &Set, sees: Sees) -> bool {
        let id = set.credential.as_str();
        match file.platform.as_str() {
            // a token has the hash of its accessor there, and no log says whose that is
            "vault" if book.subject(set).is_empty() => self
                .evidence
                .iter()
                .any(|file| file.found.aliases.values().any(|known| known == id)),
            // calls with an API token are not written down
            "okta" => sees == Sees::Changes || !id.starts_with("00T"),
            _ => true,
        }
    }

    /// Says whether a window is covered as a whole.
    pub fn covers(&self, book: &Book, set: &Set, sees: Sees, window: (Instant, Instant)) -> bool {
        let (from, to) = window;
        let slack = self.skew;
        let covered = |(a, b): &(Instant, Instant)| a.since(from) <= slack && to.since(*b) <= slack;
        self.coverage(book, set, sees).iter().any(covered)
    }
}

/// Puts windows together that are not further apart than a gap.
fn joined(mut windows: Vec<(Instant, Instant)>, gap: i64) -> Vec<(Instant, Instant)> {
    windows.sort_unstable();
    let mut joined: Vec<(Instant, Instant)> = Vec::new();
    for (from, to) in windows {
        match joined.last_mut() {
            Some((_, end)) if from.since(*end) <= gap => *end = to.max(*end),
            _ => joined.push((from, to)),
        }
    }
    joined
}

/// What a log would show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sees {
    /// That a credential is used.
    Uses,
    /// That it is made, changed, ended.
    Changes,
}

/// IAM's events are in one region only: a log of others shows none.
fn home_region(file: &Evidence) -> bool {
    let regions = &file.found.regions;
    file.platform != "aws" || regions.is_empty() || regions.contains("us-east-1")
}
