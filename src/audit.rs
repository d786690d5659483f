//! The logbook held against what platforms say: was every release recorded, for a reason, and really revoked in time?
//!
//! [`desk`] sorts what an auditor brings, by content. [`readers`] turn evidence into [`facts`] with intervals of time;
//! [`case`] brings them together with the books; [`timeline`] folds them by credential. [`releases`] is the table that is read
//! first, [`rules`] say pass, fail or "cannot tell" of everything else, and [`output`] writes it down. [`exports`] says what to bring. Nothing here asks a
//! platform: evidence is files that somebody else has exported.

pub mod case;
pub mod desk;
pub mod elements;
pub mod evidence;
pub mod exports;
pub mod facts;
pub mod finding;
pub mod output;
pub mod probe;
pub mod readers;
pub mod releases;
pub mod rules;
pub mod source;
pub mod timeline;
pub mod waivers;

use self::case::Case;
use self::finding::{Finding, Outcome};
use self::releases::{Row, Verdict};
use self::waivers::Waiver;
use crate::clock::Instant;

/// What came out.
#[derive(Debug)]
pub struct Report {
    /// Everything that was on the desk.
    pub case: Case,
    /// The release table.
    pub table: Vec<Row>,
    /// What every rule says, worst first.
    pub findings: Vec<Finding>,
    /// What is to be said besides: waivers that waive nothing.
    pub notes: Vec<String>,
}

impl Report {
    /// Judges a case.
    pub fn of(case: Case, waivers: &[Waiver]) -> Self {
        let looks = case.looks();
        let table = releases::table(&case, &looks);
        let view = rules::View { case: &case, looks: &looks, table: &table };
        let mut findings = rules::run(&view);
        drop(looks);
        for finding in &mut findings {
            finding.waived = waivers::of(waivers, finding, case.as_of);
        }
        findings.sort_by(|a, b| a.order().cmp(&b.order()));
        let mut table = table;
        for row in &mut table {
            let own = |f: &&Finding| f.method == row.method && f.release == Some(row.record);
            let of = findings.iter().filter(own).filter(|f| f.rule.id.starts_with("BG-REV-00"));
            row.waived = of.filter(|f| f.outcome != Outcome::Pass).find_map(|f| f.waived.clone());
        }
        let notes = waivers::idle(waivers, &findings, case.as_of);
        Self { case, table, findings, notes }
    }

    /// Returns what is broken and not waived.
    pub fn failed(&self) -> impl Iterator<Item = &Finding> {
        let fails = |f: &&Finding| f.outcome == Outcome::Fail && f.waived.is_none();
        self.findings.iter().filter(fails)
    }

    /// Returns what the evidence does not tell.
    pub fn unknown(&self) -> impl Iterator<Item = &Finding> {
        let open = |f: &&Finding| f.outcome == Outcome::Inconclusive && f.waived.is_none();
        self.findings.iter().filter(open)
    }

    /// Says whether nothing is broken, and nothing is open.
    pub fn outcome(&self) -> Outcome {
        let bad = self.table.iter().any(|row| row.verdict == Verdict::Fail);
        if self.failed().next().is_some() || bad && self.findings.iter().all(|f| f.waived.is_none())
        {
            Outcome::Fail
        } else if self.unknown().next().is_some() {
            Outcome::Inconclusive
        } else {
            Outcome::Pass
        }
    }

    /// Returns the time of the audit.
    pub fn as_of(&self) -> Instant {
        self.case.as_of
    }
}
