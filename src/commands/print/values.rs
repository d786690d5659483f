//! What documents are filled with.

use super::LONG_NAME;
use crate::audit::exports::Export;
use crate::clock::Instant;
use crate::commands::exports::Wanted;
use crate::commands::people::{holder, names};
use crate::dealing::minutes;
use crate::logbook::Person;
use crate::method::{ByPhone, Contacts, Lock, Method};
use crate::paper::Values;
use crate::state::{Fate, Release, Set, State};

/// Double pages of a method book.
pub(super) const SPREADS: u16 = 10;

/// Returns what every document may say: the method, and examples of what only some documents have.
pub(super) fn values(method: &Method, generation: u32, contacts: &Contacts) -> Values {
    let mut values = Values::default();
    for (name, text) in [
        ("method", &method.id),
        ("name", &method.name),
        ("owner_team", &method.owner_team),
        ("owner_contact", &method.owner_contact),
        ("platform", &method.platform),
        ("scope", &method.scope),
        ("login", &method.login),
        ("laptop", &method.laptop),
    ] {
        values.set(name, text.as_str());
    }
    values.set("generation", generation);
    // a release starts a recorded shell that has the credential in these variables, instead of showing it
    let variables: Vec<String> = method.env.keys().map(|name| format!("${name}")).collect();
    values.set("shell", variables.join(", "));
    values.set("k", method.threshold.k());
    values.set("n", method.threshold.n());
    values.set("max_session", minutes(method.max_session));
    values.set("revoke_within", format!("{} h", method.revoke_within));
    values.set("inspect_every", days(method.inspect_every));
    values.set("drill_every", days(method.drill_every));
    values.set("today", Instant::now().date());
    let by_phone = match method.by_phone {
        ByPhone::No => "sheets are brought, never read out",
        ByPhone::Exception => "as an exception, with a reason",
        ByPhone::Yes => "sheets may be read out",
    };
    values.set("by_phone", by_phone);
    let driver = method.rotation.as_ref().map(|rotation| rotation.driver.clone());
    values.set("rotation", driver.unwrap_or_default());
    let exemptions = method.audit.exemptions.iter();
    values.list("exemptions", exemptions.map(|e| format!("{} ({})", e.rule, e.evidence)));
    // what only `log stub` and `log book` know; an example, so that `print --check` has something to lay out
    values.set("book", "B1");
    values.list("spreads", 1..=SPREADS);
    values.records("stubs", vec![sample_stub()]);
    values.list("also_needed", method.also_needed.iter().map(String::as_str));
    values.pairs("uses", &method.uses_in_words());
    let custodians = method.custodians.iter().map(|custodian| {
        let lock = match custodian.lock {
            None => "",
            Some(Lock::Passphrase) => "passphrase",
            Some(Lock::Recipients(_)) => "keys",
        };
        vec![
            ("name", custodian.name.clone()),
            ("id", custodian.id.clone()),
            ("sheet", custodian.sheet.to_string()),
            ("site", custodian.site.clone()),
            ("phone", contacts.reach(&custodian.name, &custodian.id)),
            ("lock", lock.to_owned()),
            ("second_way", custodian.second_way.clone()),
        ]
    });
    values.records("custodians", custodians.collect());
    values
}

/// `90 days`, `36 hours`.
fn days(hours: u16) -> String {
    if hours.is_multiple_of(24) { format!("{} days", hours / 24) } else { format!("{hours} hours") }
}

/// What the slip says of the newest release.
pub(super) fn slip(state: &State) -> Vec<(&'static str, String)> {
    let released = state.sets.iter().flat_map(|set| &set.releases).max_by_key(|r| r.record);
    let text = |read: &dyn Fn(&Release) -> String| released.map(read).unwrap_or_default();
    let person = |person: &Option<Person>| person.as_ref().map(ToString::to_string);
    vec![
        ("record", text(&|r| r.record.to_string())),
        ("at", text(&|r| r.at.local())),
        ("operator", text(&|r| r.operator.to_string())),
        ("reason", text(&|r| r.reason.clone())),
        ("ticket", text(&|r| r.ticket.clone().unwrap_or_default())),
        ("sheets", text(&|r| names(&r.sheets))),
        ("revoke_before", text(&|r| format!("{} ({})", r.revoke_due.local(), r.revoke_due.utc()))),
        ("accountable", text(&|r| person(&r.accountable).unwrap_or_default())),
    ]
}

/// What documents say in a row.
pub(super) type Row = Vec<(&'static str, String)>;

/// What the certificate of destruction says of a generation and its sheets: the one that is wanted, else the newest that is
/// of no use and not yet destroyed, else the newest of all.
pub(super) fn void_sheets(
    state: &State,
    method: &Method,
    generation: Option<u32>,
) -> (Row, Vec<Row>) {
    let of_use = |set: &&Set| set.revoked.is_none() && set.aborted.is_none();
    let left = |set: &&Set| set.sheets.values().any(|s| !matches!(s.fate, Fate::Destroyed(_)));
    let void = state.sets.iter().rev().find(|set| !of_use(set) && left(set));
    let wanted = |n: u32| state.sets.iter().rev().find(|set| set.generation == n);
    let set = generation.map_or_else(|| void.or(state.sets.last()), wanted);
    let why = match set {
        Some(Set { revoked: Some((record, at)), .. }) => {
            format!("Its credential was revoked {} (record {record}).", at.utc())
        }
        Some(Set { aborted: Some(record), .. }) => {
            format!("Its dealing did not end well (record {record}).")
        }
        _ => "Its credential is STILL IN USE: nothing may be destroyed.".to_owned(),
    };
    let newer = state.sets.iter().rev().filter(of_use).find(|set| set.is_confirmed());
    let successor = newer.filter(|new| set.is_some_and(|set| set.generation < new.generation));
    let successor = successor.map(|new| format!("Generation {} is confirmed.", new.generation));
    let text = |of: &dyn Fn(&Set) -> String| set.map(of).unwrap_or_default();
    let of_set = vec![
        ("generation", text(&|set| set.generation.to_string())),
        ("set", text(&|set| set.code.clone())),
        ("why", why),
        ("successor", successor.unwrap_or_default()),
    ];
    let sheets = set.into_iter().flat_map(|set| &set.sheets).map(|(id, sheet)| {
        let fate = match sheet.fate {
            Fate::Kept => String::new(),
            Fate::Lost(record, _) => format!("LOST, record {record}"),
            Fate::Tampered(record, _) => format!("in doubt, record {record}"),
            Fate::Destroyed(record) => format!("destroyed, record {record}"),
        };
        let holder = holder(set, Some(method), *id).map(|person| person.to_string());
        vec![
            ("sheet", id.to_string()),
            ("holder", holder.unwrap_or_default()),
            ("bag", sheet.bag.clone().unwrap_or_default()),
            ("fate", fate),
        ]
    });
    (of_set, sheets.collect())
}

/// What the cover sheets of evidence say: one for each release whose evidence nobody has put aside.
pub(super) fn evidence(wanted: Vec<Wanted>, generation: Option<u32>) -> Vec<Values> {
    let of = |wanted: &Wanted| generation.is_none_or(|wished| wanted.generation == wished);
    let sheet = |wanted: Wanted| {
        let mut values = Values::default();
        for (name, text) in [
            ("record", wanted.release.record.to_string()),
            ("generation", wanted.generation.to_string()),
            ("operator", wanted.release.operator.to_string()),
            ("released", wanted.release.at.utc()),
            ("revoked", wanted.revoked.map(Instant::utc).unwrap_or_default()),
            ("from", wanted.window.0.utc()),
            ("to", wanted.window.1.utc()),
            ("before", wanted.forgets.0.date()),
            ("why", wanted.forgets.1.to_owned()),
        ] {
            values.set(name, text);
        }
        let file = |file: Export| {
            let timeless = if file.timeless { "yes" } else { "" };
            vec![
                ("file", file.file),
                ("what", file.what.to_owned()),
                ("command", file.command),
                ("timeless", timeless.to_owned()),
            ]
        };
        values.records("files", wanted.files.into_iter().map(file).collect());
        values
    };
    wanted.into_iter().filter(of).map(sheet).collect()
}

fn sample_stub() -> Vec<(&'static str, String)> {
    let people = format!("To {LONG_NAME} (E2040).");
    let words = "IDP-DOWN INC-4412 identity provider down in both regions.".to_owned();
    [
        ("seq", "123"),
        ("event", "COMPROMISE"),
        ("at", "2026-11-24 05:02 +01:00"),
        ("sheets", "1a 3b 4a"),
        ("code", "R 7QK4-M2XD-9FTB-C3HW-S"),
        ("codes", "EXAMPLE"),
    ]
    .into_iter()
    .map(|(name, text)| (name, text.to_owned()))
    .chain([("people", people), ("words", words)])
    .collect()
}
