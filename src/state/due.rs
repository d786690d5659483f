//! What is to be done, by whom, and by when.

use std::collections::BTreeMap;

use super::{Fate, Set, Stage, State};
use crate::clock::Instant;
use crate::logbook::Person;
use crate::set::SheetId;

const DAY: u32 = 24;
/// Hours within which paper follows the event: tickets, witnesses.
const SOON: u32 = DAY;
/// Hours within which a dealt sheet is scanned back and locked away, and a doubt is cleared up.
const WEEK: u32 = 7 * DAY;
/// Hours within which void papers are destroyed.
const MONTH: u32 = 30 * DAY;
/// Every sheet is read once a year, and every 13 months a credential is really used in a drill.
const YEAR: u32 = 365 * DAY;
const WET: u32 = 396 * DAY;

/// How often things are done, from the method file.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Hours from one look at bag and seal to the next.
    pub inspect_every: u16,
    /// Hours from one drill to the next.
    pub drill_every: u16,
    /// Minutes that a release lasts.
    pub max_session: u16,
    /// Days that the platform keeps what it knows.
    pub platform_keeps: u16,
    /// Who holds a sheet where no record says it.
    pub holders: BTreeMap<SheetId, Person>,
}

impl Default for Rules {
    /// A quarter, a quarter, four hours: what `method.toml` starts with.
    fn default() -> Self {
        Self {
            inspect_every: 90 * 24,
            drill_every: 90 * 24,
            max_session: 240,
            platform_keeps: 30,
            holders: BTreeMap::new(),
        }
    }
}

/// Days after a release within which what a platform keeps for so many days is exported.
pub fn export_within(keeps: u16) -> u16 {
    keeps - keeps / 4
}

/// What has to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Task {
    /// Revoke the credential.
    Revoke,
    /// The operator should be done.
    End,
    /// Deal a new generation.
    Deal,
    /// Export what the platform knows, before it forgets.
    Export,
    /// Name the ticket or the witness of a release.
    Complete,
    /// Find out about a lost or opened bag.
    ClearUp,
    /// Scan a sheet back.
    Confirm,
    /// Lock a sheet away.
    Store,
    /// Look at bag and seal.
    Inspect,
    /// Drill.
    Drill,
    /// Mend what a drill has found.
    Mend,
    /// Make a destroyed sheet anew.
    Reissue,
    /// Read a sheet that nobody has read for a year.
    Read,
    /// Destroy papers that are void.
    Destroy,
}

impl Task {
    /// Returns a word for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Revoke => "revoke",
            Self::End => "end",
            Self::Deal => "deal",
            Self::Export => "export",
            Self::Complete => "complete",
            Self::ClearUp => "clear up",
            Self::Confirm => "confirm",
            Self::Store => "store",
            Self::Inspect => "inspect",
            Self::Drill => "drill",
            Self::Mend => "mend",
            Self::Reissue => "reissue",
            Self::Read => "read",
            Self::Destroy => "destroy",
        }
    }
}

/// One thing to do.
#[derive(Clone, Debug)]
pub struct Due {
    /// What kind of thing.
    pub task: Task,
    /// By when.
    pub at: Instant,
    /// What to do, in words.
    pub words: String,
    /// The same thing has the same key as long as it is due.
    pub key: String,
}

impl Due {
    /// Orders by day, and within a day what is due to the minute first.
    fn urgency(&self) -> (u64, u64, Task, &str) {
        let at = self.at.unix();
        let to_the_minute = matches!(self.task, Task::Revoke | Task::End | Task::Complete);
        (at / 86_400, if to_the_minute { at } else { u64::MAX }, self.task, &self.key)
    }
}

impl State {
    /// Returns everything that is to be done, the most urgent first.
    pub fn due(&self, rules: &Rules) -> Vec<Due> {
        let mut list = List::default();
        for set in &self.sets {
            match self.stage(set) {
                // what was released works until it is revoked, whatever became of its papers
                Stage::Aborted if !set.releases.is_empty() && set.revoked.is_none() => {
                    list.alive(set, rules);
                }
                Stage::Aborted => list.destroy(set, set.issue.1),
                Stage::Retired => list.destroy(set, set.revoked.map_or(set.issue.1, |r| r.1)),
                Stage::Destroyed => {}
                _ => list.alive(set, rules),
            }
            for release in &set.releases {
                list.complete(set, release);
                list.export(set, release, rules);
            }
        }
        if let Some(set) = self.newest()
            && let Some((record, at)) = set.revoked
        {
            let words =
                format!("generation {} is revoked and no newer one was dealt", set.generation);
            list.add(Task::Deal, at, words, &format!("deal-{record}"));
        }
        if let Some(set) = self.newest()
            && set.is_confirmed()
            && set.revoked.is_none()
            && set.usable_numbers() < set.needed()
        {
            let (have, needed) = (set.usable_numbers(), set.needed());
            let words = format!(
                "only {have} of {needed} shares of generation {} are where they belong: deal a new set",
                set.generation
            );
            // counted from the day on which it became so
            let since = set.sheets.values().filter_map(|sheet| match sheet.fate {
                Fate::Lost(_, at) | Fate::Tampered(_, at) => Some(at),
                _ => None,
            });
            let at = later(since.max().unwrap_or(set.issue.1), WEEK);
            list.add(Task::Deal, at, words, &format!("deal-few-{}", set.issue.0));
        }
        self.rotations(&mut list);
        self.drills(rules, &mut list);
        let mut list = list.0;
        list.sort_by(|a, b| a.urgency().cmp(&b.urgency()));
        list
    }

    /// What is followed by a set on paper has no use any more; a release has its own deadline.
    fn rotations(&self, list: &mut List) {
        let Some(new) = self.newest().filter(|set| set.is_confirmed()) else { return };
        let older = self.sets.iter().take_while(|set| set.code != new.code);
        for old in older.filter(|set| self.stage(set).is_alive() && set.releases.is_empty()) {
            let confirmed = new.sheets.values().filter_map(|sheet| sheet.confirmed).max();
            let words = format!(
                "generation {} is on paper: finish the rotation, revoke generation {}",
                new.generation, old.generation
            );
            let at = later(confirmed.unwrap_or(new.issue.1), SOON);
            list.add(Task::Revoke, at, words, &format!("followed-{}", old.issue.0));
        }
    }

    fn findings(&self, list: &mut List) {
        for finding in self.findings.iter().filter(|finding| finding.closed.is_none()) {
            let (record, number) = (finding.record, finding.number);
            let words = format!(
                "{} mends finding {number} of the drill of record {record}: {}",
                finding.owner, finding.what
            );
            list.add(Task::Mend, finding.due, words, &format!("finding-{record}-{number}"));
        }
    }

    fn drills(&self, rules: &Rules, list: &mut List) {
        self.findings(list);
        let alive = |set: &&Set| self.stage(set).is_alive() && set.is_confirmed();
        let Some(set) = self.sets.iter().rev().find(alive) else { return };
        let begun = self.sets.first().map_or(set.issue.1, |first| first.issue.1);
        let others = self.drills.iter().filter(|(kind, _)| *kind != "solo");
        let before = others.max_by_key(|(_, at)| **at);
        let at = before.map_or(begun, |(_, at)| *at).plus_hours(rules.drill_every);
        // bags by phone and sheets that are brought take turns
        let kind = if before.is_some_and(|(kind, _)| kind == "call") { "dry" } else { "call" };
        let kind = if self.drills.contains_key("dry") { kind } else { "dry" };
        let words = match before {
            Some((_, before)) => format!("a {kind} drill; the last one was on {}", before.date()),
            None => format!("the first drill, a {kind} one"),
        };
        let turn = set.turn().into_iter().map(|id| {
            let holder = set.sheets.get(&id).and_then(|sheet| sheet.holder.as_ref());
            let holder = holder.or_else(|| rules.holders.get(&id));
            holder.map_or(id.to_string(), |holder| format!("{id} {}", holder.name))
        });
        let turn = turn.collect::<Vec<_>>().join(", ");
        let whose = if kind == "dry" { format!(" (the turn of {turn})") } else { String::new() };
        list.add(Task::Drill, at, words + &whose, "drill");
        let wet = self.drills.get("wet").copied();
        let at = later(wet.unwrap_or(begun), WET);
        list.add(Task::Drill, at, "a wet drill: used once, then rotated".into(), "drill-wet");
        for (kind, (record, at)) in &self.failed_drills {
            let at = later(*at, WEEK);
            let words =
                format!("the {kind} drill of record {record} failed: mend it and drill again");
            list.add(Task::Drill, at, words, &format!("drill-failed-{record}"));
        }
    }
}

#[derive(Default)]
struct List(Vec<Due>);

impl List {
    fn add(&mut self, task: Task, at: Instant, words: String, key: &str) {
        self.0.push(Due { task, at, words, key: key.to_owned() });
    }

    fn alive(&mut self, set: &Set, rules: &Rules) {
        let generation = set.generation;
        self.reissue(set);
        if let Some(due) = set.revoke_due() {
            let words = match &set.releases[0].accountable {
                Some(person) => format!("revoke generation {generation} ({person} sees to it)"),
                None => format!("revoke generation {generation}"),
            };
            self.add(Task::Revoke, due, words, &format!("revoke-{}", set.releases[0].record));
        }
        if let Some((record, at)) = set.compromised {
            let words = format!("generation {generation} is compromised: revoke it now");
            self.add(Task::Revoke, at, words, &format!("compromised-{record}"));
        }
        if let Some(release) = set.open_release() {
            let at = release.at.plus_minutes(rules.max_session);
            let (record, operator) = (release.record, &release.operator);
            let words = format!("the release of record {record} to {operator} ends");
            self.add(Task::End, at, words, &format!("end-{record}"));
        }
        for (id, sheet) in &set.sheets {
            let key = |task: &str| format!("{task}-{generation}-{id}");
            let holder = sheet.holder.as_ref().or_else(|| rules.holders.get(id));
            let holder = holder.map(|holder| format!(", {holder}")).unwrap_or_default();
            let whose =
                |what: &str| format!("{what} sheet {id} of generation {generation}{holder}");
            let dealt = set.issue.1;
            match sheet.fate {
                Fate::Kept => {}
                Fate::Destroyed(_) => continue,
                Fate::Lost(record, at) | Fate::Tampered(record, at) => {
                    let how = match sheet.fate {
                        Fate::Tampered(..) => ": read it (`drill solo`), new bag (`log add STORE`)",
                        _ => "",
                    };
                    let words =
                        format!("{} (record {record}){how}", whose("clear up what became of"));
                    self.add(Task::ClearUp, later(at, WEEK), words, &key("clear-up"));
                    continue;
                }
            }
            // what was released is revoked soon, and its papers are void then
            if !set.releases.is_empty() {
                continue;
            }
            let read = sheet.read.max(sheet.confirmed).unwrap_or(dealt);
            if sheet.confirmed.is_none() {
                self.add(Task::Confirm, later(dealt, WEEK), whose("scan back"), &key("confirm"));
            }
            if sheet.in_custody.is_none() {
                self.add(Task::Store, later(read, WEEK), whose("lock away"), &key("store"));
            } else {
                let at = sheet.inspected.unwrap_or(dealt).plus_hours(rules.inspect_every);
                self.add(Task::Inspect, at, whose("look at bag and seal of"), &key("inspect"));
            }
            let words = format!("{} in a drill", whose("read"));
            self.add(Task::Read, later(read, YEAR), words, &key("read"));
        }
    }

    /// A number whose paper is gone is made anew while the others can still be brought.
    fn reissue(&mut self, set: &Set) {
        if !set.is_confirmed() || !set.releases.is_empty() {
            return;
        }
        for (id, record) in set
            .replaced()
            .into_iter()
            .filter_map(|(id, by, record)| by.is_none().then_some((id, record)))
        {
            let words = format!(
                "make sheet {id} of generation {} anew, it is destroyed (record {record}): `reissue {id}`",
                set.generation
            );
            let key = format!("reissue-{}-{id}", set.generation);
            let gone = set.sheets.get(&id).and_then(|sheet| sheet.gone).unwrap_or(set.issue.1);
            self.add(Task::Reissue, later(gone, WEEK), words, &key);
        }
    }

    fn complete(&mut self, set: &Set, release: &super::Release) {
        let record = release.record;
        let at = later(release.at, SOON);
        let mut missing = Vec::new();
        if release.ticket.is_none() {
            missing.push("ticket");
        }
        if release.witness.is_none() {
            missing.push("witness");
        }
        if !missing.is_empty() {
            let words = format!(
                "name the {} of the release of generation {} (record {record})",
                missing.join(" and "),
                set.generation
            );
            self.add(Task::Complete, at, words, &format!("complete-{record}"));
        }
    }

    fn export(&mut self, set: &Set, release: &super::Release, rules: &Rules) {
        // what was put aside before the revocation does not show it
        let Some((_, revoked)) = set.revoked else { return };
        if release.kept.is_some_and(|(_, at)| at >= revoked) {
            return;
        }
        // while it can still be done twice
        let at = later(release.at, u32::from(export_within(rules.platform_keeps)) * DAY);
        let (record, operator) = (release.record, &release.operator);
        let words = format!(
            "export what the platform says of release {record} of generation {} (somebody else than {operator})",
            set.generation
        );
        self.add(Task::Export, at, words, &format!("export-{record}"));
    }

    fn destroy(&mut self, set: &Set, since: Instant) {
        let left: Vec<String> = set
            .sheets
            .iter()
            .filter(|(_, sheet)| !matches!(sheet.fate, Fate::Destroyed(_)))
            .map(|(id, _): (&SheetId, _)| id.to_string())
            .collect();
        if !left.is_empty() {
            let words = format!(
                "destroy the void papers of generation {}: {}",
                set.generation,
                left.join(" ")
            );
            self.add(
                Task::Destroy,
                later(since, MONTH),
                words,
                &format!("destroy-{}", set.issue.0),
            );
        }
    }
}

fn later(at: Instant, hours: u32) -> Instant {
    Instant::from_unix(at.unix() + u64::from(hours) * 3600)
}
