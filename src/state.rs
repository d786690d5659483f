//! One fold of the logbook: sets, sheets, releases, drills. Whoever wants to know how things stand asks it.
//!
//! Nothing of this is ever stored: the records are the only truth, and the fold can be made anew at any time.

pub mod due;
mod fold;

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Instant;
use crate::codes::Code;
use crate::codes::code::CodeKind;
use crate::logbook::record::Subject;
use crate::logbook::{LogError, Logbook, Person};
use crate::method::Method;
use crate::set::SheetId;

/// How things stand after the records folded so far.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Method id, as the book began with it.
    pub method: String,
    /// Number of records.
    pub records: u64,
    /// Latest time of a record.
    pub latest: Option<Instant>,
    /// Sets in the order in which they were dealt.
    pub sets: Vec<Set>,
    /// Last drill that passed, by kind: `call`, `dry`, `wet`, `solo`.
    pub drills: BTreeMap<String, Instant>,
    /// Last drill that failed, by kind, where none of that kind has passed since.
    pub failed_drills: BTreeMap<String, (u64, Instant)>,
    /// What drills have found, in the order in which it was found.
    pub findings: Vec<Finding>,
    /// What SESSION records name (folders of recordings, films), each with the number of its record.
    pub recorded: BTreeMap<String, u64>,
    /// Up to which record somebody independent has looked.
    pub reviewed: u64,
    /// SHA-256 of the method file that somebody has approved last, in lower-case hex.
    pub approved_method: String,
    /// Whether the book was closed.
    pub closed: bool,
    /// Set, and record of the EXCEPTION that says why the release right behind it is not recorded.
    announced: Option<(String, u64)>,
    /// Records of another kit that came in with their numbers there.
    aliases: BTreeMap<u64, u64>,
}

/// One set: one generation, dealt once.
#[derive(Clone, Debug)]
pub struct Set {
    /// Set code as written.
    pub code: String,
    /// Generation.
    pub generation: u32,
    /// Record of its ISSUE, and when.
    pub issue: (u64, Instant),
    /// Shares that open it; 0 where the record is older than this member.
    pub k: u8,
    /// The credential's public id, when known.
    pub credential: String,
    /// Its sheets.
    pub sheets: BTreeMap<SheetId, Sheet>,
    /// Record of its ABORT.
    pub aborted: Option<u64>,
    /// Record of its COMPROMISE.
    pub compromised: Option<(u64, Instant)>,
    /// Record of its REVOKE.
    pub revoked: Option<(u64, Instant)>,
    /// Record of its DISABLE.
    pub disabled: Option<(u64, Instant)>,
    /// Its releases, void ones left out.
    pub releases: Vec<Release>,
    /// Other openings, void ones left out: record, time, kind.
    pub openings: Vec<(u64, Instant, String)>,
}

/// One sheet of a set.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    /// What ISSUE or REISSUE says of it.
    pub hash: Option<[u8; 16]>,
    /// The REISSUE that it came with, when it took the place of a destroyed one.
    pub reissued: Option<u64>,
    /// Who holds it, by the records.
    pub holder: Option<Person>,
    /// Who has held it, from which record on.
    pub held: Vec<(u64, Person)>,
    /// Bag it is in.
    pub bag: Option<String>,
    /// When it was scanned back and confirmed.
    pub confirmed: Option<Instant>,
    /// When it was stored or received.
    pub in_custody: Option<Instant>,
    /// When bag and seal were last looked at, or the sheet was locked away.
    pub inspected: Option<Instant>,
    /// When it was last read at an opening.
    pub read: Option<Instant>,
    /// What became of it.
    pub fate: Fate,
    /// When it was destroyed.
    pub gone: Option<Instant>,
}

/// What became of a sheet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    /// As far as the records say it is where it belongs.
    #[default]
    Kept,
    /// Lost, by that record.
    Lost(u64, Instant),
    /// Not what it should be, by that record.
    Tampered(u64, Instant),
    /// Destroyed, by that record.
    Destroyed(u64),
}

/// One release.
#[derive(Clone, Debug)]
pub struct Release {
    /// Its record.
    pub record: u64,
    /// When.
    pub at: Instant,
    /// To whom.
    pub operator: Person,
    /// What for.
    pub reason: String,
    /// Sheets that opened it.
    pub sheets: Vec<SheetId>,
    /// Incident ticket.
    pub ticket: Option<String>,
    /// Who watched.
    pub witness: Option<Person>,
    /// By when the credential has to be revoked.
    pub revoke_due: Instant,
    /// Who sees to it.
    pub accountable: Option<Person>,
    /// Record of its END.
    pub ended: Option<(u64, Instant)>,
    /// Record of the EVIDENCE that was put aside about it.
    pub kept: Option<(u64, Instant)>,
    /// Records of the SESSIONs under it.
    pub sessions: Vec<u64>,
    /// Record of the EXCEPTION that says why there is no recording.
    pub unrecorded: Option<u64>,
}

/// Something that a drill has found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Record of the drill.
    pub record: u64,
    /// Its number there, from 1.
    pub number: u64,
    /// What is to be mended.
    pub what: String,
    /// Who mends it.
    pub owner: String,
    /// End of the day, in UTC, by which it is to be mended.
    pub due: Instant,
    /// Record that says it is mended.
    pub closed: Option<(u64, Instant)>,
}

/// Where a generation stands. Derived, never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// On paper, not scanned back.
    Dealt,
    /// Enough sheets were scanned back; an older generation is still valid.
    Confirmed,
    /// The one to use.
    Current,
    /// Released, and not yet revoked.
    Released,
    /// Revoked.
    Retired,
    /// Revoked, and every sheet destroyed.
    Destroyed,
    /// The dealing did not end well.
    Aborted,
    /// Known to somebody who should not know it, and not yet revoked.
    Compromised,
}

impl Stage {
    /// Returns the word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Dealt => "DEALT",
            Self::Confirmed => "CONFIRMED",
            Self::Current => "CURRENT",
            Self::Released => "RELEASED",
            Self::Retired => "RETIRED",
            Self::Destroyed => "DESTROYED",
            Self::Aborted => "ABORTED",
            Self::Compromised => "COMPROMISED",
        }
    }

    /// Says whether its credential may still work.
    pub fn is_alive(self) -> bool {
        !matches!(self, Self::Retired | Self::Destroyed | Self::Aborted)
    }
}

impl Set {
    /// Returns n: how many different share numbers there are.
    pub fn n(&self) -> usize {
        self.numbers(|_| true).len()
    }

    /// Returns the share numbers of the sheets that a condition holds for.
    pub fn numbers(&self, holds: impl Fn(&Sheet) -> bool) -> BTreeSet<u8> {
        self.sheets.iter().filter(|(_, sheet)| holds(sheet)).map(|(id, _)| id.x()).collect()
    }

    /// Returns how many different numbers have to be confirmed: min(n, k + 1).
    pub fn needed(&self) -> usize {
        self.n().min(usize::from(self.k.max(2)) + 1)
    }

    /// Returns the confirmed share numbers that are held by different people.
    pub fn confirmed_numbers(&self) -> usize {
        self.in_different_hands(|sheet| sheet.confirmed.is_some())
    }

    /// Returns the confirmed share numbers that are still where they belong, in different hands.
    pub fn usable_numbers(&self) -> usize {
        self.in_different_hands(|sheet| sheet.confirmed.is_some() && sheet.fate == Fate::Kept)
    }

    fn in_different_hands(&self, counts: impl Fn(&Sheet) -> bool) -> usize {
        let mut holders: Vec<&Person> = Vec::new();
        let mut numbers = BTreeSet::new();
        for (id, sheet) in self.sheets.iter().filter(|(_, sheet)| counts(sheet)) {
            let holder = sheet.holder.as_ref();
            let known = holder.is_some_and(|h| holders.iter().any(|p| p.is(&h.name, &h.id)));
            if !known && numbers.insert(id.x()) {
                holders.extend(holder);
            }
        }
        numbers.len()
    }

    /// Says whether enough sheets were scanned back and handed out.
    pub fn is_confirmed(&self) -> bool {
        self.confirmed_numbers() >= self.needed()
    }

    /// Returns each destroyed sheet, the one that was made in its place, and the record of its end.
    pub fn replaced(&self) -> Vec<(SheetId, Option<SheetId>, u64)> {
        let mut all = Vec::new();
        for x in self.numbers(|_| true) {
            let of_number = || self.sheets.iter().filter(move |(id, _)| id.x() == x);
            let made = of_number().filter(|(_, sheet)| sheet.reissued.is_some()).map(|(id, _)| *id);
            let mut made = made.collect::<Vec<_>>().into_iter();
            for (id, sheet) in of_number() {
                if let Fate::Destroyed(record) = sheet.fate {
                    all.push((*id, made.next(), record));
                }
            }
        }
        all
    }

    /// Puts the sheets and holders of today into a method as it was dealt.
    pub fn update(&self, method: &mut Method) {
        for (old, new, _) in self.replaced() {
            if let Some(new) = new {
                method.replace(old, new);
            }
        }
        for (id, sheet) in &self.sheets {
            if let Some(holder) = &sheet.holder {
                method.hand_over(*id, &holder.name, &holder.id);
            }
        }
    }

    /// Returns the sheets that were never confirmed and are still there.
    pub fn outstanding(&self) -> impl Iterator<Item = SheetId> {
        let open = |sheet: &&Sheet| sheet.confirmed.is_none() && sheet.fate == Fate::Kept;
        self.sheets.iter().filter(move |(_, sheet)| open(sheet)).map(|(id, _)| *id)
    }

    /// Returns the release that nobody has ended, and whose credential is not revoked.
    pub fn open_release(&self) -> Option<&Release> {
        self.releases.iter().rev().find(|r| r.ended.is_none()).filter(|_| self.revoked.is_none())
    }

    /// Returns by when the credential has to be revoked: the first release decides.
    pub fn revoke_due(&self) -> Option<Instant> {
        self.releases.first().map(|r| r.revoke_due).filter(|_| self.revoked.is_none())
    }

    /// Returns the k sheets of different numbers that nobody has read for longest: whose turn it is in a drill.
    pub fn turn(&self) -> Vec<SheetId> {
        let mut kept: Vec<_> = self.sheets.iter().filter(|(_, s)| s.fate == Fate::Kept).collect();
        // one that nobody has ever read back comes last
        let last = |sheet: &Sheet| (sheet.confirmed.is_none(), sheet.read.max(sheet.confirmed));
        kept.sort_by_key(|(id, sheet)| (last(sheet), **id));
        let mut numbers = BTreeSet::new();
        let kept = kept.into_iter().map(|(id, _)| *id);
        kept.filter(|id| numbers.insert(id.x())).take(self.k.max(2).into()).collect()
    }

    /// Returns what a record about it says; `None` where its code is not written as codes are.
    pub fn subject(&self, method: &str) -> Option<Subject> {
        let set = Code::parse(CodeKind::Set, &self.code).ok()?;
        Some(Subject { method: method.to_owned(), generation: self.generation, set })
    }

    fn every_sheet_is_destroyed(&self) -> bool {
        let gone = |sheet: &Sheet| matches!(sheet.fate, Fate::Destroyed(_));
        !self.sheets.is_empty() && self.sheets.values().all(gone)
    }
}

impl State {
    /// Folds a whole logbook, verifying it on the way. Returns the bytes of a torn last line, too.
    pub fn of_book(book: &Logbook) -> Result<(Self, usize), LogError> {
        let mut state = Self::default();
        if !book.exists() {
            return Ok((state, 0));
        }
        let mut records = book.records()?;
        for entry in records.by_ref() {
            state.fold(&entry?);
        }
        Ok((state, records.torn))
    }

    /// Returns the set with that code.
    pub fn set(&self, code: &str) -> Option<&Set> {
        self.sets.iter().find(|set| set.code == code)
    }

    /// Returns the newest set that was not aborted.
    pub fn newest(&self) -> Option<&Set> {
        self.sets.iter().rev().find(|set| set.aborted.is_none())
    }

    /// Returns the number of the next generation: one more than was ever dealt.
    pub fn next_generation(&self) -> u32 {
        self.sets.iter().map(|set| set.generation).max().map_or(1, |g| g.saturating_add(1))
    }

    /// Returns the release with that record number, and its set.
    pub fn release(&self, record: u64) -> Option<(&Set, &Release)> {
        let mut all = self.sets.iter().flat_map(|set| set.releases.iter().map(move |r| (set, r)));
        all.find(|(_, release)| release.record == record)
    }

    /// Returns every release that nobody has ended, of sets that are not revoked.
    pub fn unended(&self) -> impl Iterator<Item = &Release> {
        let sets = self.sets.iter().filter(|set| set.revoked.is_none());
        sets.flat_map(|set| &set.releases).filter(|release| release.ended.is_none())
    }

    /// Returns the one that nobody has ended yet, of any set.
    pub fn open_releases(&self) -> impl Iterator<Item = (&Set, &Release)> {
        self.sets.iter().filter_map(|set| Some((set, set.open_release()?)))
    }

    /// Says where a set stands.
    pub fn stage(&self, set: &Set) -> Stage {
        if set.aborted.is_some() {
            Stage::Aborted
        } else if set.revoked.is_some() {
            if set.every_sheet_is_destroyed() { Stage::Destroyed } else { Stage::Retired }
        } else if set.compromised.is_some() {
            Stage::Compromised
        } else if !set.releases.is_empty() {
            Stage::Released
        } else if !set.is_confirmed() {
            Stage::Dealt
        } else {
            let older = self.sets.iter().take_while(|other| other.code != set.code);
            let valid = |other: &Set| other.aborted.is_none() && other.revoked.is_none();
            if older.into_iter().any(valid) { Stage::Confirmed } else { Stage::Current }
        }
    }
}

/// The kinds of TAMPER records that the program writes about papers that it read.
pub const FORGED: [&str; 3] =
    ["does not fit its commitment", "its lock is no age file", "never issued"];

/// The kind of the EXCEPTION record under a release that nobody recorded.
pub const NO_RECORDING: &str = "no recording";

/// The kind of a SESSION that had no credential: it shows nothing of what was done with one.
pub const WITHOUT: &str = "without the credential";

/// The word for a seal that is as it should be.
pub const INTACT: &str = "intact";

#[cfg(test)]
mod tests;
