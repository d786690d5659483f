//! What a rule says of one thing: pass, fail, or that this evidence cannot tell.

use std::cmp::Reverse;
use std::fmt;

use super::case::Look;
use super::facts::Place;
use super::rules::Rule;
use crate::clock::Instant;
use crate::logbook::hex;
use crate::set::sha256;

/// How a rule came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It is broken.
    Fail,
    /// The evidence does not tell.
    Inconclusive,
    /// It is kept.
    Pass,
}

impl Outcome {
    /// Returns the word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Inconclusive => "cannot tell",
            Self::Pass => "pass",
        }
    }
}

/// How bad a broken rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// To be known.
    Info,
    /// To be put right some time.
    Low,
    /// To be put right.
    Medium,
    /// To be put right now.
    High,
    /// Somebody may have, or may lose, access.
    Critical,
}

impl Severity {
    /// Returns the word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// What one rule says of one thing.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Which rule.
    pub rule: &'static Rule,
    /// How it came out.
    pub outcome: Outcome,
    /// Method id.
    pub method: String,
    /// Generation.
    pub generation: Option<u32>,
    /// Record of the release.
    pub release: Option<u64>,
    /// Public id of the credential.
    pub credential: String,
    /// What is so, in one sentence.
    pub what: String,
    /// People whom it is about.
    pub people: Vec<String>,
    /// What is known of the time.
    pub observed: String,
    /// By when it had to be.
    pub deadline: Option<Instant>,
    /// Records of the logbook.
    pub records: Vec<u64>,
    /// Where evidence says so.
    pub places: Vec<Place>,
    /// Tells apart findings of one rule about one release.
    pub key: String,
    /// Who waived it, until when and why.
    pub waived: Option<String>,
}

impl Finding {
    /// Says something about nothing in particular yet.
    pub fn new(rule: &'static Rule, outcome: Outcome, what: impl Into<String>) -> Self {
        Self {
            rule,
            outcome,
            method: String::new(),
            generation: None,
            release: None,
            credential: String::new(),
            what: what.into(),
            people: Vec::new(),
            observed: String::new(),
            deadline: None,
            records: Vec::new(),
            places: Vec::new(),
            key: String::new(),
            waived: None,
        }
    }

    /// It is about a set.
    #[must_use]
    pub fn about(self, look: &Look<'_>) -> Self {
        Self {
            method: look.book.state.method.clone(),
            generation: Some(look.set.generation),
            credential: look.id.to_owned(),
            ..self
        }
    }

    /// It is about a method.
    #[must_use]
    pub fn of_method(self, method: &str) -> Self {
        Self { method: method.to_owned(), ..self }
    }

    /// It is about a release.
    #[must_use]
    pub fn release(self, record: u64) -> Self {
        Self { release: Some(record), ..self }
    }

    /// What is known of the time.
    #[must_use]
    pub fn observed(self, observed: impl fmt::Display) -> Self {
        Self { observed: observed.to_string(), ..self }
    }

    /// By when it had to be.
    #[must_use]
    pub fn due(self, deadline: Instant) -> Self {
        Self { deadline: Some(deadline), ..self }
    }

    /// Which records say so.
    #[must_use]
    pub fn records(mut self, records: impl IntoIterator<Item = u64>) -> Self {
        self.records.extend(records);
        self
    }

    /// Where evidence says so.
    #[must_use]
    pub fn places(mut self, places: impl IntoIterator<Item = Place>) -> Self {
        self.places.extend(places);
        self
    }

    /// Whom it is about.
    #[must_use]
    pub fn person(mut self, person: impl fmt::Display) -> Self {
        self.people.push(person.to_string());
        self
    }

    /// Tells it apart from others of the same rule.
    #[must_use]
    pub fn key(self, key: impl fmt::Display) -> Self {
        Self { key: key.to_string(), ..self }
    }

    /// Returns what it is known by when the same is found again: rule, method, generation, release and key, never times of
    /// this audit or names of files. Whoever accepts that something cannot be told has not accepted that it is broken.
    pub fn fingerprint(&self) -> String {
        let text = format!(
            "{}\n{:?}\n{}\n{:?}\n{:?}\n{}\n{}",
            self.rule.id,
            self.outcome,
            self.method,
            self.generation,
            self.release,
            self.credential,
            self.key
        );
        hex(&sha256(&[text.as_bytes()])[..8])
    }

    /// Returns what to do: mend it, or bring what would tell.
    pub fn remedy(&self) -> String {
        match self.outcome {
            Outcome::Inconclusive => format!("bring what tells: {}", self.rule.needs),
            Outcome::Pass => String::new(),
            Outcome::Fail => self.rule.remedy.to_owned(),
        }
    }

    /// Orders findings: what is worst first.
    pub fn order(&self) -> impl Ord + '_ {
        (
            self.waived.is_some(),
            self.outcome,
            Reverse(self.rule.severity),
            self.rule.id,
            &self.method,
            self.generation,
            self.release,
        )
    }
}
