//! Everything that an auditor has on the desk: books, evidence, lists of people; and what it says of each set.

mod absence;
mod attribution;
mod book;
mod coverage;
mod recorded;

use std::collections::HashSet;
use std::path::PathBuf;

pub use self::absence::NOT_LISTED;
pub use self::book::{Book, known, platform_of};
pub use self::coverage::Sees;
pub use self::recorded::{Recorded, Trace};
use super::evidence::{Evidence, Interest, Kind};
use super::facts::{Fact, Place, Span, What};
use super::timeline::Timeline;
use crate::clock::Instant;
use crate::logbook::{Entry, Person};
use crate::state::Set;

/// Somebody who left.
#[derive(Clone, Debug)]
pub struct Leaver {
    /// Who.
    pub person: Person,
    /// The last day, as the whole day.
    pub left: Span,
    /// Where that stands.
    pub place: Place,
}

/// Everything on the desk.
#[derive(Debug)]
pub struct Case {
    /// Logbooks.
    pub books: Vec<Book>,
    /// Evidence files; their facts are taken out.
    pub evidence: Vec<Evidence>,
    /// Every fact, with slots resolved and what listings do not list.
    pub facts: Vec<Fact>,
    /// People who left.
    pub leavers: Vec<Leaver>,
    /// The paper book, typed: file, lines, and what differs from the book of that number.
    pub paper: Vec<Paper>,
    /// Records on signed strips.
    pub strips: Vec<Entry>,
    /// Recordings of sessions.
    pub recordings: Vec<Recorded>,
    /// Files that are no evidence of a platform.
    pub inputs: Vec<Input>,
    /// The time of this audit.
    pub as_of: Instant,
    /// How far clocks may be apart, seconds.
    pub skew: i64,
}

/// A transcript of the paper book.
#[derive(Debug)]
pub struct Paper {
    /// Which file.
    pub path: PathBuf,
    /// Which book, from 0.
    pub book: usize,
    /// Its lines.
    pub lines: usize,
    /// What differs.
    pub findings: Vec<crate::logbook::transcript::Finding>,
    /// Whether its last line is of no record of the file.
    pub past_end: bool,
    /// Lines with a check code, and whether the last one has one.
    pub coded: (usize, bool),
}

/// A file that is no evidence of a platform, and was looked at.
#[derive(Clone, Debug)]
pub struct Input {
    /// Which file.
    pub path: PathBuf,
    /// What it is, in words.
    pub what: &'static str,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
}

/// What lay on the desk besides books and evidence.
#[derive(Debug, Default)]
pub struct Beside {
    /// People who left.
    pub leavers: Vec<Leaver>,
    /// The paper book, typed.
    pub paper: Vec<Paper>,
    /// Records on strips.
    pub strips: Vec<Entry>,
    /// Recordings of sessions.
    pub recordings: Vec<Recorded>,
    /// Every file of these, and those that nobody has to look into.
    pub inputs: Vec<Input>,
}

/// One set, and what evidence says of its credential.
#[derive(Debug)]
pub struct Look<'a> {
    /// Its book.
    pub book: &'a Book,
    /// It.
    pub set: &'a Set,
    /// Public id of its credential; empty: not known.
    pub id: &'a str,
    /// Whose it is; empty: not known.
    pub subject: &'a str,
    /// Whether other generations have the same id: one place, whose secret changes.
    pub shared: bool,
    /// Facts about it, by time.
    pub facts: Vec<&'a Fact>,
    /// Facts folded.
    pub timeline: Timeline,
}

impl Interest {
    /// Wants what the books are about.
    pub fn of(books: &[Book]) -> Self {
        let mut interest = Self::default();
        // whoever is root needs no break-glass credential, and should not be seen
        interest.subjects.insert("<root_account>".to_owned());
        for book in books {
            for set in &book.state.sets {
                for id in [set.credential.as_str(), book.subject(set)] {
                    if !id.is_empty() {
                        interest.credentials.insert(id.to_owned());
                    }
                }
                let (subject, account) = (book.subject(set), book.account(set));
                if !account.is_empty() {
                    interest.accounts.insert(account.to_owned());
                }
                if !subject.is_empty() {
                    interest.subjects.insert(subject.to_owned());
                    // a console password has no id but its user
                    interest.credentials.insert(format!("{subject} password"));
                }
            }
        }
        interest
    }
}

impl Case {
    /// Puts a case together: facts come out of their files, slots get their ids, listings say who is absent.
    pub fn new(
        books: Vec<Book>,
        mut evidence: Vec<Evidence>,
        beside: Beside,
        (as_of, skew): (Instant, i64),
    ) -> Self {
        let mut facts = Vec::new();
        let now = as_of.shifted(skew);
        // exports overlap, and people bring the same one twice
        let mut known: HashSet<Fact> = HashSet::new();
        let several = evidence.iter().filter(|file| file.kind == Kind::Log).count() > 1;
        for (number, file) in evidence.iter_mut().enumerate() {
            for fact in std::mem::take(&mut file.found.facts) {
                let place = Place { file: number, record: fact.place.record };
                let anywhere = || Fact { place: Place::default(), ..fact.clone() };
                if several && file.kind == Kind::Log && !known.insert(anywhere()) {
                    continue;
                }
                // a state does not hold what came later: its time is wrong
                let (taken, state) = (file.found.report_time, file.kind == Kind::State);
                let later = |at: Instant| taken.is_some_and(|taken| at > taken.shifted(skew));
                let begun = fact.when.from.filter(|_| fact.what != What::Expires);
                if state && (fact.made.is_some_and(later) || begun.is_some_and(later)) {
                    file.found.wrong_time = true;
                    continue;
                }
                // an audit of the past knows what was known by then
                if fact.what != What::Expires && begun.is_some_and(|at| at > now) {
                    continue;
                }
                facts.push(Fact { place, ..fact });
            }
        }
        attribution::resolve_slots(&mut facts);
        let Beside { leavers, paper, strips, mut recordings, inputs } = beside;
        // nor does it know what was recorded later
        recordings.retain(|r| r.index.as_ref().is_none_or(|index| index.started <= now));
        let mut case = Self {
            books,
            evidence,
            facts,
            leavers,
            paper,
            strips,
            recordings,
            inputs,
            as_of,
            skew,
        };
        let absent = case.absent();
        case.facts.extend(absent);
        case
    }

    /// Says whether a file is about the platform and the account of a set, as far as both are known.
    pub fn fits(&self, file: &Evidence, book: &Book, set: &Set) -> bool {
        let (platform, account) = (book.platform(set), book.account(set));
        let same = file.platform.is_empty() || platform.is_empty() || file.platform == platform;
        let accounts = &file.found.accounts;
        same && (account.is_empty() || accounts.is_empty() || accounts.contains(account))
    }

    /// Returns the file of a place.
    pub fn file(&self, place: Place) -> Option<&Evidence> {
        self.evidence.get(place.file)
    }
}
