//! What the forms of owner and auditor are filled with: scripts, drills, releases, and what speaks against a method.

use super::values::Row;
use crate::commands::ceremony::script::{self, Kind};
use crate::commands::drill::checks::CHECKS;
use crate::commands::people::holder;
use crate::method::lint::lint;
use crate::method::{Contacts, Method};
use crate::paper::Values;
use crate::state::State;
use crate::state::due::{Rules, Task};

/// Adds what only some documents name.
pub(super) fn fill(values: &mut Values, state: &State, method: &Method, contacts: &Contacts) {
    values.set("next_generation", state.next_generation());
    values.records("steps", steps(Kind::Issue, method));
    values.records("rotation_steps", steps(Kind::Rotation, method));
    let objection = |o: crate::method::lint::Objection| {
        vec![("what", capital(&o.what)), ("fix", capital(o.fix))]
    };
    values.records("lint", lint(method, contacts).into_iter().map(objection).collect());
    let check = |check: &crate::commands::drill::checks::Check| {
        vec![
            ("key", check.key.to_owned()),
            ("question", check.question.to_owned()),
            ("kinds", check.kinds.join(", ")),
        ]
    };
    values.records("checks", CHECKS.iter().map(check).collect());
    values.records("turn", turn(state, method, contacts));
    values.record("drills", drills(state, method));
    values.records("releases", releases(state));
}

fn steps(kind: Kind, method: &Method) -> Vec<Row> {
    let steps = script::steps(kind, method).into_iter().enumerate();
    let row = |(i, step): (usize, script::Step)| {
        vec![
            ("number", (i + 1).to_string()),
            ("who", step.who.to_owned()),
            ("words", step.words),
            ("see", step.see),
        ]
    };
    steps.map(row).collect()
}

/// The sheets whose turn it is to be read; before anything was dealt, the first k.
fn turn(state: &State, method: &Method, contacts: &Contacts) -> Vec<Row> {
    let set = state.newest();
    let first = || {
        let mut numbers = std::collections::BTreeSet::new();
        let sheets = method.custodians.iter().map(|c| c.sheet);
        let different = sheets.filter(|id| numbers.insert(id.x()));
        different.take(method.threshold.k().into()).collect()
    };
    let sheets = set.map_or_else(first, crate::state::Set::turn);
    let row = |sheet| {
        let person = holder(set, Some(method), sheet);
        vec![
            ("sheet", sheet.to_string()),
            ("name", person.as_ref().map(|p| p.name.clone()).unwrap_or_default()),
            ("phone", person.map(|p| contacts.reach(&p.name, &p.id)).unwrap_or_default()),
        ]
    };
    sheets.into_iter().map(row).collect()
}

fn drills(state: &State, method: &Method) -> Row {
    let rules = Rules { drill_every: method.drill_every, ..Rules::default() };
    let due = state.due(&rules);
    let on = |key: &str| {
        let due = due.iter().find(|due| due.task == Task::Drill && due.key == key);
        due.map_or("once a set is confirmed".to_owned(), |due| due.at.date())
    };
    let last = state.drills.iter().max_by_key(|(_, at)| **at);
    vec![
        ("next", on("drill")),
        ("wet", on("drill-wet")),
        ("last", last.map(|(kind, at)| format!("{kind}, {}", at.date())).unwrap_or_default()),
    ]
}

fn releases(state: &State) -> Vec<Row> {
    let all = state.sets.iter().flat_map(|set| set.releases.iter().map(move |r| (set, r)));
    let row = |(set, release): (&crate::state::Set, &crate::state::Release)| {
        vec![
            ("record", release.record.to_string()),
            ("generation", set.generation.to_string()),
            ("at", release.at.date()),
            ("operator", release.operator.to_string()),
            ("reason", release.reason.clone()),
            ("ticket", release.ticket.clone().unwrap_or_default()),
        ]
    };
    all.map(row).collect()
}

/// Begins a sentence.
fn capital(text: &str) -> String {
    let mut signs = text.chars();
    signs.next().map(|first| first.to_uppercase().chain(signs).collect()).unwrap_or_default()
}
