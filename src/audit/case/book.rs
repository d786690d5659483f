//! One logbook, and what its method says of the platform.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::audit::evidence::SUBJECTS;
use crate::clock::Instant;
use crate::logbook::{Entry, Event};
use crate::method::Method;
use crate::state::{Set, State};

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
    /// The IMPORT records themselves, as they stand in the file.
    pub imports: Vec<String>,
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

    /// Returns the mount of a Vault login, its namespace in front; empty on other platforms.
    pub fn mount(&self, set: &Set) -> String {
        if self.platform(set) != "vault" {
            return String::new();
        }
        let space = self.target(set, &["namespace"]).trim_matches('/');
        let mount = match self.target(set, &["mount"]).trim_matches('/') {
            "" => "userpass",
            mount => mount,
        };
        if space.is_empty() { mount.to_owned() } else { format!("{space}/{mount}") }
    }

    /// Says whether somebody has said that sshd reads a list of revoked keys.
    pub fn has_krl(&self, set: &Set) -> bool {
        !self.target(set, &["krl"]).is_empty()
    }

    /// Returns the platform's short name.
    pub fn platform(&self, set: &Set) -> &str {
        self.method_of(set).map_or("", |method| short(platform_of(method)))
    }

    /// Returns the records of an event about a set.
    pub fn records<'a>(&'a self, set: &'a Set, event: Event) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |e| e.is(event) && e.text("set") == set.code)
    }

    /// Returns the set that took the place of another one, or is to.
    pub fn next(&self, set: &Set) -> Option<&Set> {
        let later = |s: &&Set| s.generation > set.generation && s.aborted.is_none();
        self.state.sets.iter().filter(later).min_by_key(|s| s.generation)
    }

    /// Says whether a set has come into use: by a ROTATE, or because none was before it.
    pub fn is_in_use(&self, set: &Set) -> bool {
        let first = self.state.sets.iter().find(|other| other.aborted.is_none());
        first.is_some_and(|first| first.code == set.code)
            || self.records(set, Event::Rotate).next().is_some()
    }

    /// Returns when a set came into use: its ROTATE; of the first one, its ISSUE.
    pub fn in_use_from(&self, set: &Set) -> Instant {
        let rotated = self.records(set, Event::Rotate).find_map(Entry::at);
        rotated.unwrap_or(set.issue.1)
    }
}

/// Returns what a method says of its platform: its driver, where that is of one; else the word in the file.
pub fn platform_of(method: &Method) -> &str {
    let driver = method.rotation.as_ref().map(|rotation| rotation.driver.as_str());
    driver.filter(|driver| known(driver).is_some()).unwrap_or(&method.platform)
}

/// What drivers and method files write for a platform begins with one of these.
const PLATFORMS: [(&str, &str); 12] = [
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

/// Returns the platform that a driver or the word of a method file means.
fn short(name: &str) -> &str {
    known(name).unwrap_or(name)
}

/// Returns the platform that a word means, if it is one that evidence is read of.
pub fn known(name: &str) -> Option<&'static str> {
    PLATFORMS.iter().find(|(start, _)| name.starts_with(start)).map(|(_, short)| *short)
}
