//! Everything that an auditor has on the desk: books, evidence, lists of people; and what it says of each set.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::PathBuf;

use super::evidence::{Evidence, Interest, Kind, Told, Whose};
use super::facts::{Fact, Place, Span, What};
use super::timeline::Timeline;
use crate::clock::Instant;
use crate::logbook::{Entry, Event, Person};
use crate::method::Method;
use crate::state::{Set, State};

/// Windows of two files count as one where they are not further apart than this, in seconds: loggers write in slices.
const GAP: i64 = 3600;

/// Names under `[rotation.target]` that say whose credential it is.
const SUBJECTS: [&str; 5] = ["user", "role", "service_account", "app", "login"];
/// Names under `[rotation.target]` that say where.
const ACCOUNTS: [&str; 4] = ["account", "project", "tenant", "org"];

/// One logbook.
#[derive(Debug, Default)]
pub struct Book {
    /// Which file.
    pub path: PathBuf,
    /// Its SHA-256.
    pub sha256: [u8; 32],
    /// How things stand by its records.
    pub state: State,
    /// Its records; what was brought in stands as it was made, under the number of its IMPORT.
    pub entries: Vec<Entry>,
    /// The line that breaks the chain, and why. What comes after it is not read.
    pub broken: Option<(u64, String)>,
    /// Bytes of a torn last line.
    pub torn: usize,
    /// Methods as they were dealt, by set code.
    pub dealt: BTreeMap<String, Method>,
    /// The method file as it is, and its SHA-256 in hexadecimal.
    pub today: Option<(Method, String)>,
    /// What records name as evidence and what became of it: record, file, SHA-256, and whether the file has it.
    pub named: Vec<(u64, String, String, Option<bool>)>,
}

impl Book {
    /// Returns the method that a set was dealt with; today's where the copy is not at hand.
    pub fn method_of(&self, set: &Set) -> Option<&Method> {
        self.dealt.get(&set.code).or(self.today.as_ref().map(|(method, _)| method))
    }

    /// Returns what the target of a set says under the first of some names.
    fn target(&self, set: &Set, names: &[&str]) -> &str {
        let target = self.method_of(set).and_then(|method| method.rotation.as_ref());
        let target = target.map(|rotation| &rotation.target);
        let found = target.and_then(|target| names.iter().find_map(|name| target.get(*name)));
        found.map_or("", String::as_str)
    }

    /// Returns whose credential it is.
    pub fn subject(&self, set: &Set) -> &str {
        self.target(set, &SUBJECTS)
    }

    /// Returns the account that it is in.
    pub fn account(&self, set: &Set) -> &str {
        self.target(set, &ACCOUNTS)
    }

    /// Returns the platform's short name.
    pub fn platform(&self, set: &Set) -> &str {
        let method = self.method_of(set);
        let named = method.map_or("", |method| {
            let driver = method.rotation.as_ref().map(|rotation| rotation.driver.as_str());
            driver.filter(|driver| short(driver) != *driver).unwrap_or(&method.platform)
        });
        short(named)
    }

    /// Returns the records of an event about a set.
    pub fn records<'a>(&'a self, set: &'a Set, event: Event) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |e| e.is(event) && e.text("set") == set.code)
    }

    /// Returns when a set came into use: its ROTATE; of the first one, its ISSUE.
    pub fn in_use_from(&self, set: &Set) -> Instant {
        let rotated = self.records(set, Event::Rotate).find_map(Entry::at);
        rotated.unwrap_or(set.issue.1)
    }
}

/// Returns the platform that a driver or the word of a method file means.
fn short(name: &str) -> &str {
    let known = [
        ("aws", "aws"),
        ("gcp", "gcp"),
        ("google", "gcp"),
        ("entra", "entra"),
        ("azure", "entra"),
        ("vault", "vault"),
        ("openbao", "vault"),
        ("postgres", "postgresql"),
        ("ssh", "ssh"),
        ("linux", "linux"),
        ("okta", "okta"),
        ("github", "github"),
    ];
    known.iter().find(|(start, _)| name.starts_with(start)).map_or(name, |(_, short)| short)
}

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
                let subject = book.subject(set);
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
        (leavers, paper): (Vec<Leaver>, Vec<Paper>),
        (as_of, skew): (Instant, i64),
    ) -> Self {
        let mut facts = Vec::new();
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
                // a list does not hold what was made later: its time is wrong
                let seen = matches!(fact.what, What::SeenActive | What::SeenInactive);
                let later = |made| fact.when.to.is_some_and(|seen| made > seen.shifted(skew));
                if seen && fact.made.is_some_and(later) {
                    file.found.wrong_time = true;
                    continue;
                }
                facts.push(Fact { place, ..fact });
            }
        }
        resolve_slots(&mut facts);
        let mut case = Self { books, evidence, facts, leavers, paper, as_of, skew };
        let absent = case.absent();
        case.facts.extend(absent);
        case
    }

    /// What whole listings do not list.
    fn absent(&self) -> Vec<Fact> {
        let mut by_file: HashMap<usize, Vec<&Fact>> = HashMap::new();
        for fact in &self.facts {
            by_file.entry(fact.place.file).or_default().push(fact);
        }
        let none = Vec::new();
        let mut absent = Vec::new();
        for (number, file) in self.evidence.iter().enumerate() {
            let (Some(listing), Some(at)) = (&file.found.listing, file.found.report_time) else {
                continue;
            };
            if file.found.partial.is_some() {
                continue;
            }
            let facts = by_file.get(&number).unwrap_or(&none);
            if at > self.as_of.shifted(self.skew) {
                continue;
            }
            for book in &self.books {
                let ids: BTreeSet<&str> =
                    book.state.sets.iter().map(|set| set.credential.as_str()).collect();
                for set in &book.state.sets {
                    let (id, subject) = (set.credential.as_str(), book.subject(set));
                    if id.is_empty() || is_shared(book, set) || !self.fits(file, book, set) {
                        continue;
                    }
                    // what is not there before it was dealt may come later
                    if at < set.issue.1 {
                        continue;
                    }
                    let named = facts.iter().any(|fact| ids.contains(&*fact.credential));
                    let theirs = match &listing.of {
                        Whose::Everybody => !subject.is_empty(),
                        Whose::These(subjects) => subjects.contains(subject),
                        // one of this book's is on it, so it is the list that the others would be on
                        Whose::NotSaid => named,
                    };
                    let own: Vec<&&Fact> =
                        facts.iter().filter(|f| &*f.subject == subject).collect();
                    let there = match listing.by {
                        Told::Id | Told::Fingerprint => facts.iter().any(|f| &*f.credential == id),
                        Told::Made => {
                            let made = self.made_at(id);
                            made.is_none_or(|made| own.iter().any(|f| f.made == Some(made)))
                        }
                    };
                    if theirs && !there {
                        let fact = Fact::new(What::SeenAbsent, Span::until(at));
                        let place = Place { file: number, record: 0 };
                        let fact = fact.subject(subject).credential(id).word("not listed");
                        absent.push(Fact { place, ..fact });
                    }
                }
            }
        }
        absent
    }

    /// Returns when a credential was made, by evidence that knows its id.
    fn made_at(&self, id: &str) -> Option<Instant> {
        let known = |fact: &&Fact| &*fact.credential == id && fact.made.is_some();
        self.facts.iter().find(known).and_then(|fact| fact.made)
    }

    /// Says whether a file is about the platform and the account of a set, as far as both are known.
    pub fn fits(&self, file: &Evidence, book: &Book, set: &Set) -> bool {
        let (platform, account) = (book.platform(set), book.account(set));
        let same = file.platform.is_empty() || platform.is_empty() || file.platform == platform;
        let accounts = &file.found.accounts;
        same && (account.is_empty() || accounts.is_empty() || accounts.contains(account))
    }

    /// Returns every set with what is known of it.
    pub fn looks(&self) -> Vec<Look<'_>> {
        let mut by_id: HashMap<&str, Vec<&Fact>> = HashMap::new();
        for fact in &self.facts {
            for key in [&*fact.credential, &*fact.subject] {
                if !key.is_empty() {
                    by_id.entry(key).or_default().push(fact);
                }
            }
        }
        let each = self.books.iter().flat_map(|book| {
            let sets = book.state.sets.iter().filter(|set| set.aborted.is_none());
            sets.map(move |set| (book, set))
        });
        each.map(|(book, set)| self.look(book, set, &by_id)).collect()
    }

    fn look<'a>(
        &'a self,
        book: &'a Book,
        set: &'a Set,
        by_id: &HashMap<&str, Vec<&'a Fact>>,
    ) -> Look<'a> {
        let (id, subject) = (set.credential.as_str(), book.subject(set));
        let shared = is_shared(book, set);
        let of = |key: &str| by_id.get(key).into_iter().flatten().copied();
        let mut facts: Vec<&Fact> = if shared {
            // the user may have keys besides: they are others' business
            let password = format!("{subject} password");
            let own = |fact: &&Fact| {
                let of = &*fact.credential;
                [id, subject, password.as_str(), ""].contains(&of) || of.len() == 64
            };
            of(if subject.is_empty() { id } else { subject }).filter(own).collect()
        } else {
            // with a user everything of that user goes
            let gone = |fact: &&Fact| fact.credential.is_empty() && fact.what == What::Deleted;
            let own = of(id).filter(|fact| &*fact.credential == id);
            own.chain(of(subject).filter(gone)).collect()
        };
        // a log of a whole organisation has others' keys and users in it
        let account = book.account(set);
        facts.retain(|f| account.is_empty() || f.account.is_empty() || *f.account == *account);
        facts.retain(|f| self.file(f.place).is_none_or(|file| self.fits(file, book, set)));
        facts.sort_by_key(|fact| (fact.when.to.or(fact.when.from), fact.place));
        facts.dedup();
        let timeline = if shared {
            self.of_one_place(book, set, &facts)
        } else {
            Timeline::of(facts.iter().copied(), self.as_of, self.skew)
        };
        Look { book, set, id, subject, shared, facts, timeline }
    }

    /// Folds what is known of one secret where one follows the other in the same place: it begins when its generation came
    /// into use, and ends with the next change.
    fn of_one_place(&self, book: &Book, set: &Set, facts: &[&Fact]) -> Timeline {
        let begins = book.in_use_from(set);
        let after = |fact: &&Fact| fact.when.to.or(fact.when.from).is_some_and(|at| at > begins);
        let mut own: Vec<Fact> = facts
            .iter()
            .copied()
            .filter(after)
            // a listing of the place does not say which secret is in it
            .filter(|fact| {
                !matches!(fact.what, What::SeenActive | What::Used | What::Created | What::Expires)
            })
            .cloned()
            .collect();
        own.extend(changes(facts));
        // a change around its beginning may be the one that put it there
        own.retain(|fact| {
            let since = fact.when.from.or(fact.when.to);
            fact.what != What::SecretChanged
                || since.is_some_and(|at| at > begins.shifted(self.skew))
        });
        // a stretch that began before this secret was there cannot have ended it earlier
        for fact in &mut own {
            fact.when.from = fact.when.from.map(|from| from.max(begins));
        }
        let mut timeline = Timeline::of(&own, self.as_of, self.skew);
        let ended = timeline.end.and_then(|end| end.when.to);
        let uses = facts.iter().filter(|f| f.what == What::Used && after(f));
        for fact in uses {
            let Some(at) = fact.when.from else { continue };
            if ended.is_none_or(|end| at <= end) && timeline.alive.is_none_or(|(last, _)| at > last)
            {
                timeline.alive = Some((at, fact.place));
            }
        }
        timeline.facts = facts.len();
        timeline
    }

    /// Returns the files that would show uses (or changes) of a set's credential, and what of a window they cover.
    pub fn coverage(&self, book: &Book, set: &Set, sees: Sees) -> Vec<(Instant, Instant)> {
        let logs = self.evidence.iter().filter(|file| file.kind == Kind::Log);
        let asked = |file: &&Evidence| {
            let only = &file.found.only;
            only.is_empty() || only.contains(set.credential.as_str())
        };
        // what was not read may be what is asked for
        let whole = logs.filter(|file| file.found.partial.is_none());
        let fitting = whole.filter(|file| self.fits(file, book, set)).filter(asked);
        let seeing = fitting.filter(|file| match sees {
            Sees::Uses => file.found.sees_uses,
            Sees::Changes => file.found.sees_changes && home_region(file),
        });
        let mut windows: Vec<(Instant, Instant)> =
            seeing.filter_map(|file| file.found.window).collect();
        windows.sort_unstable();
        let mut joined: Vec<(Instant, Instant)> = Vec::new();
        for (from, to) in windows {
            match joined.last_mut() {
                Some((_, end)) if from.since(*end) <= GAP => *end = to.max(*end),
                _ => joined.push((from, to)),
            }
        }
        joined
    }

    /// Says whether a window is covered as a whole.
    pub fn covers(&self, book: &Book, set: &Set, sees: Sees, window: (Instant, Instant)) -> bool {
        let (from, to) = window;
        let slack = self.skew.max(GAP);
        let covered = |(a, b): &(Instant, Instant)| a.since(from) <= slack && to.since(*b) <= slack;
        self.coverage(book, set, sees).iter().any(covered)
    }

    /// Returns the file of a place.
    pub fn file(&self, place: Place) -> Option<&Evidence> {
        self.evidence.get(place.file)
    }
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

/// Says whether the credential is a place whose secret changes: generations have the same id.
fn is_shared(book: &Book, set: &Set) -> bool {
    let id = set.credential.as_str();
    if id.is_empty() || id == book.subject(set) {
        return true;
    }
    book.state
        .sets
        .iter()
        .any(|other| other.code != set.code && other.aborted.is_none() && other.credential == id)
}

/// Gives slots the id of the only key that was made in the same second for the same user.
fn resolve_slots(facts: &mut [Fact]) {
    let mut made: HashMap<(Box<str>, Instant), BTreeSet<Box<str>>> = HashMap::new();
    for fact in facts.iter().filter(|fact| !fact.credential.is_empty()) {
        let at = fact.made.or(if fact.what == What::Created { fact.when.from } else { None });
        if let Some(at) = at {
            made.entry((fact.subject.clone(), at)).or_default().insert(fact.credential.clone());
        }
    }
    for fact in facts.iter_mut().filter(|fact| fact.credential.is_empty()) {
        let Some(at) = fact.made else { continue };
        let ids = made.get(&(fact.subject.clone(), at));
        if let Some(id) = ids.filter(|ids| ids.len() == 1).and_then(BTreeSet::first) {
            fact.credential = id.clone();
        }
    }
}

/// Returns the changes that lie between listings with different fingerprints of the same subject.
fn changes(facts: &[&Fact]) -> Vec<Fact> {
    let mut changes = Vec::new();
    let mut last: Option<(&Fact, Instant)> = None;
    for fact in facts.iter().copied() {
        let seen = matches!(fact.what, What::SeenActive | What::SeenInactive);
        let print = fact.credential.len() == 64 && fact.credential != fact.subject;
        let Some(at) = fact.when.exact().filter(|_| seen && print) else { continue };
        if let Some((before, from)) = last
            && before.credential != fact.credential
        {
            let change = Fact::new(What::SecretChanged, Span::between(from, at));
            let change = change.subject(&fact.subject).credential(&fact.credential);
            changes.push(Fact { place: fact.place, ..change.word("another fingerprint") });
        }
        last = Some((fact, at));
    }
    changes
}
