//! Rules: each is data and a function that says pass, fail or "cannot tell" of everything that it is about.

mod custody;
mod drills;
mod evidence;
mod generations;
mod logbook;
mod policy;
mod releases;
mod revocation;
mod sessions;
mod uses;

use super::case::{Case, Look};
use super::finding::{Finding, Outcome, Severity};
use super::releases::Row;

/// What a rule looks at.
pub struct View<'a> {
    /// Everything on the desk.
    pub case: &'a Case,
    /// Every set with what is known of it.
    pub looks: &'a [Look<'a>],
    /// The release table.
    pub table: &'a [Row],
}

/// A rule.
pub struct Rule {
    /// Its id, for ever the same.
    pub id: &'static str,
    /// How bad it is when it is broken.
    pub severity: Severity,
    /// What is wrong when it is broken, in a few words.
    pub title: &'static str,
    /// Why that matters.
    pub why: &'static str,
    /// What it takes to tell.
    pub needs: &'static str,
    /// Clauses of standards that ask for it.
    pub clauses: &'static [&'static str],
    /// What to do.
    pub remedy: &'static str,
    /// Looks.
    pub check: fn(&'static Rule, &View<'_>, &mut Vec<Finding>),
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id)
    }
}

impl Rule {
    fn fail(&'static self, what: impl Into<String>) -> Finding {
        Finding::new(self, Outcome::Fail, what)
    }

    fn cannot_tell(&'static self, what: impl Into<String>) -> Finding {
        Finding::new(self, Outcome::Inconclusive, what)
    }

    fn pass(&'static self, what: impl Into<String>) -> Finding {
        Finding::new(self, Outcome::Pass, what)
    }
}

/// Every family of rules.
const FAMILIES: &[&[Rule]] = &[
    revocation::RULES,
    uses::RULES,
    releases::RULES,
    logbook::RULES,
    custody::RULES,
    generations::RULES,
    drills::RULES,
    sessions::RULES,
    policy::RULES,
    evidence::RULES,
];

/// Returns every rule.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    FAMILIES.iter().flat_map(|family| family.iter())
}

/// Finds a rule by its id, written with or without `BG-`.
pub fn find(id: &str) -> Option<&'static Rule> {
    let id = id.trim().to_uppercase();
    all().find(|rule| rule.id == id || rule.id.strip_prefix("BG-") == Some(&id))
}

/// Runs every rule, worst findings first.
pub fn run(view: &View<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in all() {
        (rule.check)(rule, view, &mut findings);
    }
    findings.sort_by(|a, b| a.order().cmp(&b.order()));
    findings
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_rule_says_what_it_is() {
        let mut ids = BTreeSet::new();
        for rule in all() {
            assert!(ids.insert(rule.id), "{} twice", rule.id);
            let words = [rule.title, rule.why, rule.needs, rule.remedy];
            assert!(words.iter().all(|text| text.len() > 5), "{}", rule.id);
            assert!(!rule.title.ends_with('.') && !rule.clauses.is_empty(), "{}", rule.id);
            assert_eq!(find(rule.id).unwrap().id, rule.id);
            assert_eq!(find(&rule.id[3..].to_lowercase()).unwrap().id, rule.id);
        }
        assert!(find("BG-REV-999").is_none());
    }
}
