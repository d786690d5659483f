//! One evidence file: what it is, what it covers, and the facts in it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;

use super::facts::{Fact, Place};
use crate::clock::Instant;

/// Uses of one credential from one place are one fact while they are not further apart than this, in seconds.
const RUN: i64 = 60;

/// Names under `[rotation.target]` that say whose credential it is.
pub const SUBJECTS: [&str; 5] = ["user", "role", "service_account", "app", "login"];

/// Most runs that are open at once.
const MOST_RUNS: usize = 4096;

/// Most sessions of one log that are followed.
const MOST_SESSIONS: usize = 10_000;

/// What kind of evidence it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// How things stood at one time.
    State,
    /// What happened between two times.
    Log,
}

/// A file that was read.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// Which file; inside of a report, the name of the file in it.
    pub path: PathBuf,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// Its size in bytes.
    pub bytes: u64,
    /// What it is, in words.
    pub format: &'static str,
    /// The platform that it speaks of: `aws`, `gcp`, …; empty where it may be any.
    pub platform: String,
    /// A state or a log.
    pub kind: Kind,
    /// What was found in it.
    pub found: Found,
}

impl Evidence {
    /// Says whether it is a list of revoked SSH keys.
    pub fn is_krl(&self) -> bool {
        self.format.starts_with("SSH key revocation list")
    }
}

/// What was found in a file.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Elements, lines or rows.
    pub records: u64,
    /// When a state was taken, or a log exported.
    pub report_time: Option<Instant>,
    /// The platform that it names itself; empty: it does not say.
    pub platform: String,
    /// First and last event of a log, whoever they are about.
    pub window: Option<(Instant, Instant)>,
    /// Whether a log would show uses of a credential.
    pub sees_uses: bool,
    /// Whether a log would show that a credential is made, changed or deleted.
    pub sees_changes: bool,
    /// The credentials that it was asked about, where it was, and for which times; none: everybody, for the whole window.
    pub asked: BTreeMap<String, BTreeSet<(Instant, Instant)>>,
    /// Why it is not all that there is, if so.
    pub partial: Option<String>,
    /// Accounts, projects, tenants in it.
    pub accounts: BTreeSet<String>,
    /// Regions in it.
    pub regions: BTreeSet<String>,
    /// Who exported it.
    pub exporter: String,
    /// Which credentials a state lists; `None`: it is no listing.
    pub listing: Option<Listing>,
    /// What should be known of it.
    pub notes: BTreeSet<String>,
    /// Facts that matter here.
    pub facts: Vec<Fact>,
    /// Whether it lists what was made after it was taken.
    pub wrong_time: bool,
    /// What logs write in the place of ids, and the id: Vault's HMACs, and sessions with the credential that they came from.
    pub aliases: BTreeMap<String, String>,
}

/// Which credentials a state would show if they were there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Of whom.
    pub of: Whose,
    /// How it tells one credential from another.
    pub by: Told,
}

/// Whose credentials a listing lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Everybody's in the account.
    Everybody,
    /// These subjects'.
    These(BTreeSet<String>),
    /// It does not say.
    NotSaid,
}

/// How a listing tells credentials apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// By their ids.
    Id,
    /// By when they were made.
    Made,
    /// By a fingerprint of the secret, which changes with it.
    Fingerprint,
}

/// Whose facts matter. A log has millions of events, and a book a few credentials.
#[derive(Clone, Debug, Default)]
pub struct Interest {
    /// Everything, for looking at a file by itself.
    pub everything: bool,
    /// Credentials by id.
    pub credentials: BTreeSet<String>,
    /// Users, roles, accounts.
    pub subjects: BTreeSet<String>,
    /// Accounts, projects, tenants of the methods.
    pub accounts: BTreeSet<String>,
    /// What a log writes in the place of a credential's id: Vault's HMAC of an accessor, the id of a session.
    pub aliases: BTreeMap<String, String>,
}

impl Interest {
    /// Returns the id that a log's word stands for, which may be that word.
    pub fn named<'a>(&'a self, word: &'a str) -> &'a str {
        self.aliases.get(word).map_or(word, String::as_str)
    }

    /// Says whether somebody wants to know about a credential, its owner, or what was done with it.
    pub fn wants(&self, subject: &str, credential: &str) -> bool {
        self.everything
            || !credential.is_empty() && self.credentials.contains(credential)
            || !subject.is_empty() && self.subjects.contains(subject)
    }
}

/// What a reader fills while it goes through a file.
pub struct Reading<'a> {
    /// Whose facts matter.
    pub interest: &'a Interest,
    /// What was found so far.
    pub found: Found,
    /// The open run of uses by credential, subject, address, program and word: its place in `found.facts`.
    runs: HashMap<u64, usize>,
    /// Sessions that came from what matters, by the name that this log has for them.
    sessions: HashSet<String>,
    /// Ends of sessions so far.
    ends: usize,
    record: u64,
    /// The account of the record that is being read.
    current: Box<str>,
}

impl<'a> Reading<'a> {
    /// Starts with nothing.
    pub fn new(interest: &'a Interest) -> Self {
        Self {
            interest,
            found: Found::default(),
            runs: HashMap::new(),
            sessions: HashSet::new(),
            ends: 0,
            record: 0,
            current: "".into(),
        }
    }

    /// Says which record comes now, from 1.
    pub fn at_record(&mut self, record: u64) {
        self.record = record;
        self.found.records = self.found.records.max(record);
    }

    /// Returns the credential that a session came from, if this or an earlier file has told.
    pub fn parent(&self, session: &str) -> Option<&str> {
        let aliases = [&self.found.aliases, &self.interest.aliases];
        aliases.into_iter().find_map(|known| known.get(session)).map(String::as_str)
    }

    /// Keeps what a session came from.
    pub fn minted(&mut self, session: &str, parent: &str) {
        if session.is_empty() || !self.interest.wants("", parent) {
            return;
        }
        if self.found.aliases.len() < MOST_SESSIONS {
            self.found.aliases.insert(session.to_owned(), parent.to_owned());
        } else {
            self.partial(format!("more than {MOST_SESSIONS} sessions came from {parent}"));
        }
    }

    /// Takes a session that came from a credential: how it ends matters too.
    pub fn session(&mut self, fact: Fact) {
        if self.interest.wants(&fact.subject, &fact.credential)
            && self.sessions.len() < MOST_SESSIONS
        {
            self.sessions.insert(fact.session.to_string());
        }
        self.fact(fact);
    }

    /// Says whether a session came from what matters.
    pub fn knows_session(&self, session: &str) -> bool {
        self.sessions.contains(session)
    }

    /// Takes what ends sessions of whomever: it is rare, and who they are of may come later.
    pub fn ends(&mut self, fact: Fact) {
        if self.ends < MOST_SESSIONS {
            self.ends += 1;
            let place = Place { file: 0, record: self.record };
            let account = self.current.clone();
            self.found.facts.push(Fact { place, account, ..fact });
        }
    }

    /// Returns the place of the record that is being read.
    pub fn place(&self) -> Place {
        Place { file: 0, record: self.record }
    }

    /// Takes the time of an event, whoever it is about.
    pub fn saw(&mut self, at: Instant) {
        let (first, last) = self.found.window.get_or_insert((at, at));
        *first = at.min(*first);
        *last = at.max(*last);
    }

    /// Takes a fact, if it matters to anybody.
    pub fn fact(&mut self, fact: Fact) {
        let wanted = self.interest.wants(&fact.subject, &fact.credential)
            || self.interest.wants("", &fact.with)
            || self.interest.subjects.contains(&*fact.actor);
        if !wanted {
            return;
        }
        // a fact that had to wait knows where it stands
        let record = if fact.place.record == 0 { self.record } else { fact.place.record };
        let fact = Fact { place: Place { file: 0, record }, account: self.current.clone(), ..fact };
        if !fact.what.is_use() {
            self.found.facts.push(fact);
            return;
        }
        let Some(at) = fact.when.exact() else {
            self.found.facts.push(fact);
            return;
        };
        // what was done is told apart: a harmless call hides no other
        let who = |f: &'_ Fact| {
            let mut hash = DefaultHasher::new();
            (&f.credential, &f.subject, &f.address, &f.agent, &f.word).hash(&mut hash);
            hash.finish()
        };
        let same = |f: &Fact| {
            (&f.credential, &f.subject, &f.address, &f.agent, &f.word, f.what)
                == (
                    &fact.credential,
                    &fact.subject,
                    &fact.address,
                    &fact.agent,
                    &fact.word,
                    fact.what,
                )
        };
        let key = who(&fact);
        if let Some(run) = self.runs.get(&key).and_then(|place| self.found.facts.get_mut(*place))
            && same(run)
            && let (Some(from), Some(last)) = (run.when.from, run.last)
            && at >= from
            && at.since(last) <= RUN
            // a run is not longer than an hour, so that it never spans a whole window
            && at.since(from) <= 60 * RUN
        {
            run.times += 1;
            run.last = Some(at.max(last));
            return;
        }
        // whoever comes back after so many others begins a run of their own
        if self.runs.len() == MOST_RUNS {
            self.runs.clear();
        }
        self.runs.insert(key, self.found.facts.len());
        self.found.facts.push(fact);
    }

    /// Says that the export is not whole.
    pub fn partial(&mut self, why: impl Into<String>) {
        self.found.partial.get_or_insert(why.into());
    }

    /// Says something that should be known of the file.
    pub fn note(&mut self, note: impl Into<String>) {
        // a log of a million odd lines has not a million notes
        if self.found.notes.len() < 20 {
            self.found.notes.insert(note.into());
        }
    }

    /// Keeps the name of an account.
    pub fn account(&mut self, account: &str) {
        if *self.current != *account {
            self.current = account.into();
        }
        if !account.is_empty()
            && (self.found.accounts.len() < 100 || self.interest.accounts.contains(account))
            && !self.found.accounts.contains(account)
        {
            self.found.accounts.insert(account.to_owned());
        }
    }

    /// Keeps the name of a region.
    pub fn region(&mut self, region: &str) {
        if !region.is_empty()
            && self.found.regions.len() < 100
            && !self.found.regions.contains(region)
        {
            self.found.regions.insert(region.to_owned());
        }
    }

    /// Says that a subject's credentials are listed here.
    pub fn lists(&mut self, subject: &str, by: Told) {
        let listing = self
            .found
            .listing
            .get_or_insert_with(|| Listing { of: Whose::These(BTreeSet::new()), by });
        if let Whose::These(subjects) = &mut listing.of
            && self.interest.wants(subject, "")
        {
            subjects.insert(subject.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::facts::{Span, What};
    use super::*;

    #[test]
    fn a_run_of_uses_is_one_fact_and_strangers_are_left_out() {
        let interest = Interest { credentials: ["K".to_owned()].into(), ..Interest::default() };
        let mut reading = Reading::new(&interest);
        let start = Instant::from_unix(1_795_521_600);
        let used = |at| Fact::new(What::Used, Span::at(at)).credential("K");
        for second in [0, 30, 90, 91, 200] {
            reading.fact(used(start.shifted(second)));
        }
        reading.fact(used(start.shifted(200)).from("10.0.0.1", ""));
        reading.fact(used(start).credential("L"));
        reading.fact(Fact::new(What::Created, Span::at(start)).credential("L").by("x", "K"));
        let facts = &reading.found.facts;
        assert_eq!(facts.len(), 4);
        assert_eq!((facts[0].times, facts[0].last), (4, Some(start.shifted(91))));
        assert_eq!((facts[1].times, facts[1].when), (1, Span::at(start.shifted(200))));
    }
}
