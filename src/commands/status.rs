//! `status`: how things stand in one kit or in many, and what is due.

mod calendar;
mod lint;

use serde_json::{Value, json};

use super::Context;
use super::exports::{self, Wanted};
use super::people::holder;
use super::session::seat::FOLDER;
use crate::audit::case::platform_of;
use crate::audit::exports::keeps;
use crate::cli;
use crate::clock::Instant;
use crate::exit::Exit;
use crate::files;
use crate::kit::Kit;
use crate::logbook::Person;
use crate::method::Method;
use crate::session::recording::Recording;
use crate::state::due::{Due, Rules, Task};
use crate::state::{Fate, Release, Set, Stage, State};
use crate::ui::{Failure, Ui};

/// One kit, and how it stands.
struct Standing {
    name: String,
    method: Option<Method>,
    state: State,
    due: Vec<Due>,
    exports: Vec<Wanted>,
    /// Recordings that no record names.
    unrecorded: Vec<String>,
}

pub(super) fn run(context: &Context, args: &cli::Status) -> Result<Exit, Failure> {
    let ui = &context.ui;
    super::session::sweep(context);
    if args.lint {
        return lint::run(context, &args.kits);
    }
    let now = match &args.as_of {
        Some(text) => Instant::parse(text).map_err(|e| Failure::invalid(e.to_string()))?,
        None => Instant::now(),
    };
    let mut standings = Vec::new();
    if args.kits.is_empty() {
        standings.push(standing(ui, &context.kit()?, now)?);
    }
    // one broken kit must not hide what is due in the others
    let mut broken = false;
    for dir in &args.kits {
        match Kit::open(dir).map_err(Failure::from).and_then(|kit| standing(ui, &kit, now)) {
            Ok(standing) => standings.push(standing),
            Err(failure) => {
                broken = true;
                ui.warn(&format!("`{}`: {}", dir.display(), failure.message));
            }
        }
    }
    if let Some(path) = &args.ics {
        let kits: Vec<(&str, &[Due])> =
            standings.iter().map(|s| (s.name.as_str(), s.due.as_slice())).collect();
        files::write_new(path, calendar::write(&kits, now).as_bytes())?;
        ui.say(&format!("Written: `{}`", path.display()));
    } else if args.json {
        let kits: Vec<Value> = standings.iter().map(|s| s.json(now)).collect();
        let at = now.rfc3339();
        ui.data(&json!({ "version": 1, "as_of": at, "kits": kits }).to_string());
    } else {
        for (i, standing) in standings.iter().enumerate() {
            if i > 0 {
                ui.data("");
            }
            standing.show(ui, now);
        }
    }
    if broken {
        return Err(Failure::invalid("not every kit could be read"));
    }
    let alarm = standings.iter().any(|s| s.is_alarming(now));
    Ok(if args.check && alarm { Exit::No } else { Exit::Done })
}

fn standing(ui: &Ui, kit: &Kit, now: Instant) -> Result<Standing, Failure> {
    let (state, torn) = State::of_book(&kit.logbook())?;
    if torn > 0 {
        ui.warn(&format!(
            "the logbook ends in {torn} bytes of a torn record; the next record keeps them"
        ));
    }
    // what was dealt decides; the file of today only where nothing was dealt yet
    let dealt = state.newest().and_then(|set| kit.method_of(&set.code));
    let method = match dealt {
        Some(method) => Some(method),
        None => Some(kit.method()?.0),
    };
    let rules = method.as_ref().map_or(Rules::default(), |method| Rules {
        inspect_every: method.inspect_every,
        drill_every: method.drill_every,
        max_session: method.max_session,
        platform_keeps: keeps(platform_of(method)).0,
        holders: method
            .custodians
            .iter()
            .map(|c| (c.sheet, Person { name: c.name.clone(), id: c.id.clone() }))
            .collect(),
    });
    let due = state.due(&rules);
    let name = method.as_ref().map_or(state.method.clone(), |method| method.id.clone());
    let exports = exports::open(kit, &state, now);
    let unrecorded = unrecorded(kit, &state);
    Ok(Standing { name, method, state, due, exports, unrecorded })
}

/// Returns the recordings in a kit that no record names.
fn unrecorded(kit: &Kit, state: &State) -> Vec<String> {
    let folders = std::fs::read_dir(kit.dir().join(FOLDER)).into_iter().flatten().flatten();
    let mut all: Vec<String> = folders
        .filter(|entry| Recording::is_at(&entry.path()))
        .map(|entry| format!("{FOLDER}/{}", entry.file_name().to_string_lossy()))
        .filter(|name| !state.recorded.contains_key(name))
        .collect();
    all.sort();
    all
}

impl Standing {
    fn is_alarming(&self, now: Instant) -> bool {
        self.due.iter().any(|due| due.at < now)
            || self.state.open_releases().next().is_some()
            || !self.unrecorded.is_empty()
    }

    /// Returns the sets that still matter: alive, or with papers that are not destroyed.
    fn sets(&self) -> impl Iterator<Item = (&Set, Stage)> {
        let with_stage = |set| (set, self.state.stage(set));
        self.state.sets.iter().rev().map(with_stage).filter(|(_, stage)| *stage != Stage::Destroyed)
    }

    fn show(&self, ui: &Ui, now: Instant) {
        let method = self.method.as_ref();
        let name = method.map(|m| format!("  {}, owner {}", m.name, m.owner_team));
        ui.data(&format!("{}{}", self.name, name.unwrap_or_default()));
        if self.state.sets.is_empty() {
            ui.data("  nothing was dealt yet: `breakglass split`");
        }
        for (set, stage) in self.sets() {
            ui.data(&format!(
                "generation {}  {}  {}  {} of {}, dealt {}",
                set.generation,
                stage.word(),
                set.code,
                set.k,
                set.n(),
                set.issue.1.date()
            ));
            if stage != Stage::Aborted {
                self.show_sheets(ui, set, stage);
            }
            for release in &set.releases {
                ui.data(&format!("  {}", release_in_words(set, release, now)));
            }
        }
        if !self.exports.is_empty() {
            ui.data("EVIDENCE to be exported (cover sheet: `breakglass print evidence -o DIR`)");
            for line in self.exports.iter().flat_map(Wanted::lines) {
                ui.data(&format!("  {line}"));
            }
        }
        if !self.unrecorded.is_empty() {
            ui.data("RECORDING that no record names: the session goes on, or was cut off");
            for name in &self.unrecorded {
                ui.data(&format!(
                    "  `breakglass session import {name}` once nobody sits there any more"
                ));
            }
        }
        let (late, ahead): (Vec<&Due>, Vec<&Due>) = self.due.iter().partition(|d| d.at < now);
        if !late.is_empty() {
            ui.data("OVERDUE");
            for due in late {
                ui.data(&format!("  {}  {}", due.at.date(), due.words));
            }
        }
        if !ahead.is_empty() {
            ui.data("next");
            for due in together(&ahead).iter().take(8) {
                ui.data(&format!("  {due}"));
            }
        }
    }

    fn show_sheets(&self, ui: &Ui, set: &Set, stage: Stage) {
        for (id, sheet) in &set.sheets {
            let person = holder(Some(set), self.method.as_ref(), *id);
            let site = self.method.as_ref().and_then(|m| m.custodian(*id)).map(|c| c.site.as_str());
            let mut parts = vec![format!("{id}")];
            parts.push(person.map_or("nobody".to_owned(), |p| p.to_string()));
            parts.extend(site.filter(|site| !site.is_empty()).map(str::to_owned));
            parts.push(match &sheet.bag {
                Some(bag) => format!("bag {bag}"),
                None => "no bag".to_owned(),
            });
            match sheet.fate {
                Fate::Kept if !stage.is_alive() => parts.push("void, to be destroyed".to_owned()),
                Fate::Kept if sheet.confirmed.is_none() => parts.push("OUTSTANDING".to_owned()),
                Fate::Kept => {
                    let seen = sheet.inspected.filter(|_| sheet.in_custody.is_some());
                    let seen = seen.map(|at| format!("looked at {}", at.date()));
                    parts.push(seen.unwrap_or_else(|| "not locked away".to_owned()));
                }
                Fate::Lost(record, _) => parts.push(format!("LOST (record {record})")),
                Fate::Tampered(record, _) => parts.push(format!("IN DOUBT (record {record})")),
                Fate::Destroyed(record) => parts.push(format!("destroyed (record {record})")),
            }
            ui.data(&format!("  {}", parts.join("  ")));
        }
    }

    fn json(&self, now: Instant) -> Value {
        let sets: Vec<Value> = self
            .state
            .sets
            .iter()
            .map(|set| {
                let sheets: Vec<Value> = set
                    .sheets
                    .iter()
                    .map(|(id, sheet)| {
                        let person = holder(Some(set), self.method.as_ref(), *id);
                        json!({
                            "sheet": id.to_string(),
                            "holder": person.as_ref().map(Value::from),
                            "bag": sheet.bag,
                            "confirmed": sheet.confirmed.map(Instant::rfc3339),
                            "in_custody": sheet.in_custody.map(Instant::rfc3339),
                            "inspected": sheet.inspected.map(Instant::rfc3339),
                            "read": sheet.read.map(Instant::rfc3339),
                            "fate": fate(sheet.fate),
                        })
                    })
                    .collect();
                let releases: Vec<Value> =
                    set.releases.iter().map(|r| release_json(set, r)).collect();
                json!({
                    "generation": set.generation,
                    "set": set.code,
                    "state": self.state.stage(set).word(),
                    "k": set.k,
                    "n": set.n(),
                    "dealt": set.issue.1.rfc3339(),
                    "credential": set.credential,
                    "sheets": sheets,
                    "releases": releases,
                    "openings": set.openings.len() + set.releases.len(),
                })
            })
            .collect();
        let due: Vec<Value> = self
            .due
            .iter()
            .map(|due| {
                json!({
                    "task": due.task.word(),
                    "at": due.at.rfc3339(),
                    "overdue": due.at < now,
                    "words": due.words,
                    "key": due.key,
                })
            })
            .collect();
        json!({
            "method": self.name,
            "owner_team": self.method.as_ref().map(|m| m.owner_team.clone()),
            "records": self.state.records,
            "reviewed": self.state.reviewed,
            "sets": sets,
            "exports": self.exports.iter().map(Wanted::json).collect::<Vec<_>>(),
            "due": due,
        })
    }
}

/// Things of one kind and day are one line: five sheets to lock away are not five worries.
fn together(due: &[&Due]) -> Vec<String> {
    let mut lines: Vec<(Task, String, Vec<&str>)> = Vec::new();
    for due in due {
        let day = due.at.date();
        match lines.last_mut() {
            Some((task, at, words)) if (*task, &*at) == (due.task, &day) => words.push(&due.words),
            _ => lines.push((due.task, day, vec![&due.words])),
        }
    }
    let line = |(_, day, words): (Task, String, Vec<&str>)| match words.as_slice() {
        [one] => format!("{day}  {one}"),
        [first, more @ ..] => format!("{day}  {first}, and {} more", more.len()),
        [] => day,
    };
    lines.into_iter().map(line).collect()
}

fn fate(fate: Fate) -> Value {
    match fate {
        Fate::Kept => json!("kept"),
        Fate::Lost(..) => json!("lost"),
        Fate::Tampered(..) => json!("in doubt"),
        Fate::Destroyed(_) => json!("destroyed"),
    }
}

fn release_json(set: &Set, release: &Release) -> Value {
    json!({
        "record": release.record,
        "at": release.at.rfc3339(),
        "operator": Value::from(&release.operator),
        "reason": release.reason,
        "ticket": release.ticket,
        "revoke_due": release.revoke_due.rfc3339(),
        "accountable": release.accountable.as_ref().map(Value::from),
        "ended": release.ended.map(|(_, at)| at.rfc3339()),
        "revoked": set.revoked.map(|(_, at)| at.rfc3339()),
    })
}

/// `record 12  B. Alvarez (E2040)  IDP-DOWN  OPEN, revoke within 2 h 10 min`.
fn release_in_words(set: &Set, release: &Release, now: Instant) -> String {
    let end = match (set.revoked, release.ended) {
        (Some((record, at)), _) => format!("revoked {} (record {record})", at.utc()),
        (None, ended) => {
            let state = if ended.is_some() { "ended, NOT REVOKED" } else { "OPEN" };
            let due = set.revoke_due().unwrap_or(release.revoke_due);
            if due < now {
                format!("{state}, revocation OVERDUE by {}", span(now.unix() - due.unix()))
            } else {
                format!("{state}, revoke within {}", span(due.unix() - now.unix()))
            }
        }
    };
    let Release { record, operator, reason, at, .. } = release;
    format!("released {} (record {record}) to {operator}, {reason}: {end}", at.utc())
}

/// `2 h 10 min`, `3 days`.
fn span(seconds: u64) -> String {
    let minutes = seconds / 60;
    match (minutes / 1440, minutes / 60, minutes % 60) {
        (0, 0, minutes) => format!("{minutes} min"),
        (0..2, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, ..) => format!("{days} days"),
    }
}
