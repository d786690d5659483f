//! From what was read to an opened credential, in the order that `codes/format.md` §9 demands.
//!
//! [`Pile`] takes payloads from anywhere; [`examine`] gives a verdict per sheet under one set code and says what is
//! still missing; the caller writes its record; [`Case::open`] recovers, opens and checks the dealer's work.
//! Nothing here asks, prints or writes.

pub mod pile;

use std::collections::BTreeSet;

pub use pile::{Note, Origin, Pile};

use crate::codes::code::{Code, CodeKind};
use crate::kit::KnownSet;
use crate::sealing::{self, lock};
use crate::secret::Secret;
use crate::set::{CodeBytes, Manifest, SheetId, SheetShare, sha256};
use crate::sharing::{Quorum, Share};

/// Most subsets of shares that are tried when the first one does not open.
const MAX_SUBSETS: usize = 10_000;

/// Most different manifests that are considered; each costs a stretched code.
const MAX_MANIFESTS: usize = 16;

/// What a sheet turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It fits and counts.
    Good,
    /// It fits; another sheet with this number counts already.
    SameNumber,
    /// It fits, but the logbook never issued this sheet of paper. It counts where no issued one has its number.
    NotIssued {
        /// Whether its number is counted because of it.
        counts: bool,
    },
    /// It does not fit the manifest whose code it carries: forged or altered.
    Forged,
    /// It belongs to another set.
    OtherSet,
    /// It belongs to a set whose manifest nobody has shown.
    NoManifest,
    /// Its lock was not opened.
    Locked,
    /// What should be its lock is no age file: altered.
    BadLock,
}

impl Verdict {
    /// Says whether a share number is counted because of this sheet.
    pub fn counts(self) -> bool {
        matches!(self, Self::Good | Self::NotIssued { counts: true })
    }
}

/// One sheet, by what it says of itself and where it was read.
#[derive(Clone, Debug)]
pub struct SheetVerdict {
    /// What it says it is.
    pub sheet: SheetId,
    /// The set it says it belongs to.
    pub set: CodeBytes,
    /// Where it was read.
    pub origin: Origin,
    /// What it turned out to be.
    pub verdict: Verdict,
}

/// A set that sheets at hand say they belong to.
#[derive(Clone)]
pub struct Group {
    /// Set code.
    pub code: Code,
    /// Its manifest.
    pub manifest: Manifest,
    /// Whether the kit knows it too.
    pub in_kit: bool,
    /// Different share numbers that fit.
    pub numbers: BTreeSet<u8>,
    /// Further numbers whose sheets are here, but locked.
    pub locked: BTreeSet<u8>,
}

/// Turns manifests into codes once each; a code costs 0.1 s.
#[derive(Default)]
pub struct Codes(Vec<(Manifest, Code)>);

impl Codes {
    /// Returns the set code of a manifest; `None` beyond sixteen different ones.
    pub fn of(&mut self, manifest: &Manifest) -> Option<Code> {
        if let Some((_, code)) = self.0.iter().find(|(known, _)| known == manifest) {
            return Some(*code);
        }
        if self.0.len() >= MAX_MANIFESTS {
            return None;
        }
        let code = Code::stretch(CodeKind::Set, &manifest.hash());
        self.0.push((manifest.clone(), code));
        Some(code)
    }
}

/// Returns the sets of the sheets at hand, the one with most good numbers first.
pub fn groups(pile: &Pile, known: &[KnownSet], codes: &mut Codes) -> Vec<Group> {
    let mut groups: Vec<Group> =
        known.iter().map(|set| group(pile, set.code, &set.manifest, true)).collect();
    for (manifest, _) in pile.manifests() {
        let Some(code) = codes.of(manifest) else { break };
        if groups.iter().all(|g| g.code != code) {
            groups.push(group(pile, code, manifest, false));
        }
    }
    groups.retain(|g| pile.sets().any(|set| set == g.code.bytes()));
    // of two that are as full the one read first leads, so that what comes later is the stranger
    let first = |g: &Group| pile.sets().position(|set| set == g.code.bytes());
    let full = |g: &Group| g.numbers.len() + g.locked.len();
    groups.sort_by_key(|g| {
        (std::cmp::Reverse(full(g)), std::cmp::Reverse(g.numbers.len()), first(g))
    });
    groups
}

/// Returns where another manifest with the group's own set code was read: two texts with one code stop an opening.
pub fn contradiction<'a>(pile: &'a Pile, group: &Group, codes: &mut Codes) -> Option<&'a Origin> {
    let mut others = pile.manifests().filter(|(manifest, _)| **manifest != group.manifest);
    others.find(|(manifest, _)| codes.of(manifest) == Some(group.code)).map(|(_, origin)| origin)
}

fn group(pile: &Pile, code: Code, manifest: &Manifest, in_kit: bool) -> Group {
    let fitting = pile
        .shares()
        .filter(|(sheet, _)| sheet.set == code.bytes() && manifest.commits_to(&sheet.share));
    let numbers: BTreeSet<u8> = fitting.map(|(sheet, _)| sheet.share.x()).collect();
    let locked = pile.locked().filter(|(locked, _)| locked.set == code.bytes());
    let locked =
        locked.map(|(locked, _)| locked.sheet.x()).filter(|x| !numbers.contains(x)).collect();
    Group { code, manifest: manifest.clone(), in_kit, numbers, locked }
}

/// Everything about one set among the sheets at hand.
pub struct Case {
    /// Set code.
    pub code: Code,
    /// Manifest.
    pub manifest: Manifest,
    /// Every sheet, open ones in the order in which they were read or unlocked, then the locked ones.
    pub sheets: Vec<SheetVerdict>,
    /// Where sealed parts were read that do not fit their hash.
    pub bad_parts: Vec<Origin>,
    /// Sealed parts, counted from 1, that nobody has shown.
    pub missing_parts: Vec<usize>,
    sealed: Vec<u8>,
    /// Whether the parts together are the sealed credential that the manifest names.
    whole: bool,
    good: Vec<SheetShare>,
}

/// What an opened set gives.
pub struct Opened {
    /// The credential.
    pub credential: Secret,
    /// Share numbers whose commitment is not on the polynomial of the shares used: the set was dealt wrong.
    pub dealt_wrong: Vec<u8>,
}

/// Why k good shares and the whole sealed credential did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Called too early.
    #[error("{got} of {k} shares are in")]
    TooFew {
        /// Shares needed.
        k: u8,
        /// Different shares at hand.
        got: usize,
    },
    /// The parts fit their hashes, but together they are not what the manifest names.
    #[error(
        "the parts of the sealed credential do not make the whole that the manifest names: the set was dealt wrong"
    )]
    NotWhole,
    /// No subset of the shares opens it.
    #[error(
        "the shares fit the manifest, but no {k} of them open the sealed credential: the set was dealt wrong"
    )]
    DealtWrong {
        /// Shares needed.
        k: u8,
    },
}

/// Holds every sheet and every sealed part against the manifest of one set.
pub fn examine(pile: &Pile, group: &Group, known: &[KnownSet]) -> Case {
    let (code, manifest) = (group.code, &group.manifest);
    let kit = known.iter().find(|set| set.code == code);
    let has_manifest =
        |set: &CodeBytes| *set == code.bytes() || known.iter().any(|k| k.code.bytes() == *set);
    let issued = kit.and_then(|k| k.issued.as_ref());
    let is_issued = |sheet: &SheetShare| issued.is_none_or(|all| all.contains(&sheet.sheet_hash()));
    let fits = |sheet: &SheetShare| sheet.set == code.bytes() && manifest.commits_to(&sheet.share);
    // one sheet per number counts, an issued one before any other
    let mut good: Vec<SheetShare> = Vec::new();
    for issued_ones in [true, false] {
        for (sheet, _) in pile.shares().filter(|(s, _)| fits(s) && is_issued(s) == issued_ones) {
            if good.iter().all(|g| g.share.x() != sheet.share.x()) {
                good.push(sheet.clone());
            }
        }
    }
    let counted = |sheet: &SheetShare| good.iter().any(|g| g.sheet_hash() == sheet.sheet_hash());
    let foreign = |set: &CodeBytes| {
        if has_manifest(set) || pile.manifests().count() > 1 {
            Verdict::OtherSet
        } else {
            Verdict::NoManifest
        }
    };
    let mut sheets: Vec<SheetVerdict> = Vec::new();
    for (sheet, origin) in pile.shares() {
        let verdict = if sheet.set != code.bytes() {
            foreign(&sheet.set)
        } else if !manifest.commits_to(&sheet.share) {
            Verdict::Forged
        } else if !is_issued(sheet) {
            Verdict::NotIssued { counts: counted(sheet) }
        } else if counted(sheet) {
            Verdict::Good
        } else {
            Verdict::SameNumber
        };
        let (id, set, origin) = (sheet.id(), sheet.set, origin.clone());
        sheets.push(SheetVerdict { sheet: id, set, origin, verdict });
    }
    for (locked, origin) in pile.locked() {
        let (sheet, set) = (locked.sheet, locked.set);
        let verdict = if set != code.bytes() {
            foreign(&set)
        } else if lock::asks(&locked.locked).is_none() {
            Verdict::BadLock
        } else {
            Verdict::Locked
        };
        sheets.push(SheetVerdict { sheet, set, origin: origin.clone(), verdict });
    }

    let mut parts: Vec<Option<Vec<u8>>> = vec![None; manifest.parts()];
    let mut bad_parts = Vec::new();
    for (part, origin) in pile.sealed().filter(|(part, _)| part.set == code.bytes()) {
        if manifest.has_part(part.index, &part.bytes) {
            parts[usize::from(part.index)] = Some(part.bytes.clone());
        } else {
            bad_parts.push(origin.clone());
        }
    }
    if let Some(sealed) = kit.and_then(|k| k.sealed.as_ref()) {
        for ((index, part), slot) in (0..).zip(crate::set::parts(sealed)).zip(&mut parts) {
            if slot.is_none() && manifest.has_part(index, part) {
                *slot = Some(part.to_vec());
            }
        }
    }
    let missing_parts =
        parts.iter().enumerate().filter(|(_, p)| p.is_none()).map(|(i, _)| i + 1).collect();
    let sealed: Vec<u8> = parts.into_iter().flatten().flatten().collect();
    let whole = sha256(&[&sealed]) == manifest.sealed_hash;
    Case { code, manifest: manifest.clone(), sheets, bad_parts, missing_parts, sealed, whole, good }
}

impl Case {
    /// Returns the sheets that count, one per number.
    pub fn good(&self) -> &[SheetShare] {
        &self.good
    }

    /// Returns how many different shares are still missing.
    pub fn missing(&self) -> usize {
        usize::from(self.manifest.threshold.k()).saturating_sub(self.good.len())
    }

    /// Says whether k good shares and the whole sealed credential are at hand.
    pub fn is_complete(&self) -> bool {
        self.missing() == 0 && self.missing_parts.is_empty()
    }

    /// Returns the sealed credential, as far as its parts are at hand.
    pub fn sealed(&self) -> &[u8] {
        &self.sealed
    }

    /// Computes the share of a number anew from k others; none when it does not fit its commitment. The caller has its
    /// record on disk.
    pub fn share_anew(&self, x: u8) -> Option<Share> {
        let threshold = self.manifest.threshold;
        let shares = self.good.iter().take(threshold.k().into()).map(|sheet| sheet.share.clone());
        let quorum = Quorum::new(threshold, shares.collect()).ok()?;
        let share = Share::new(x, quorum.at(x)).ok()?;
        self.manifest.commits_to(&share).then_some(share)
    }

    /// Recovers and opens. The caller has its record on disk.
    ///
    /// When the first k shares do not open although they fit, other subsets are tried: a dealer may have dealt one
    /// share wrong.
    pub fn open(&self) -> Result<Opened, OpenError> {
        let k = self.manifest.threshold.k();
        let few = OpenError::TooFew { k, got: self.good.len() };
        if !self.is_complete() {
            return Err(few);
        }
        if !self.whole {
            return Err(OpenError::NotWhole);
        }
        let mut subset: Vec<usize> = (0..k.into()).collect();
        let mut best: Option<Opened> = None;
        for _ in 0..MAX_SUBSETS {
            let shares: Vec<Share> = subset.iter().map(|&i| self.good[i].share.clone()).collect();
            let quorum = Quorum::new(self.manifest.threshold, shares)
                .map_err(|_| OpenError::DealtWrong { k })?;
            if let Ok(credential) = sealing::open(&self.sealed, &quorum.recover()) {
                let dealt_wrong = self.dealt_wrong(&quorum);
                // X25519 ignores five bits of the identity: a share that is wrong only there opens the set
                // and puts the others in the wrong, so the subset that most shares agree with is kept
                let all_fit = dealt_wrong.is_empty();
                if best.as_ref().is_none_or(|b| dealt_wrong.len() < b.dealt_wrong.len()) {
                    best = Some(Opened { credential, dealt_wrong });
                }
                if all_fit {
                    break;
                }
            }
            if !next_subset(&mut subset, self.good.len()) {
                break;
            }
        }
        best.ok_or(OpenError::DealtWrong { k })
    }

    /// Recomputes every share on the quorum's polynomial and holds it against its commitment.
    fn dealt_wrong(&self, quorum: &Quorum) -> Vec<u8> {
        (1..=self.manifest.threshold.n())
            .filter(|&x| {
                let on_polynomial = Share::new(x, quorum.at(x));
                !on_polynomial.is_ok_and(|share| self.manifest.commits_to(&share))
            })
            .collect()
    }
}

/// Steps to the next k-subset of 0 … n−1 in order; false after the last.
fn next_subset(subset: &mut [usize], n: usize) -> bool {
    let k = subset.len();
    let Some(turn) = (0..k).rev().find(|&i| subset[i] < n - k + i) else { return false };
    subset[turn] += 1;
    for i in turn + 1..k {
        subset[i] = subset[i - 1] + 1;
    }
    true
}

#[cfg(test)]
mod tests;
