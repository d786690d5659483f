//! What speaks against a release: all of it is found, shown together and recorded, none of it decides.

use super::Situation;
use crate::clock::Instant;
use crate::commands::objection::{Objection, of_sheets};
use crate::logbook::Person;
use crate::method::ByPhone;
use crate::set::SheetId;
use crate::state::Stage;

/// What was told of the release so far.
pub(super) struct Told<'a> {
    pub(super) operator: &'a Person,
    pub(super) reason: &'a str,
    pub(super) ticket: Option<&'a str>,
    pub(super) network: Option<bool>,
    pub(super) by_phone: bool,
    pub(super) at: Instant,
}

/// What speaks against this release by the book.
pub(super) fn objections(situation: &Situation<'_>, told: &Told<'_>) -> Vec<Objection> {
    let &Told { operator, reason, ticket, network, by_phone, at } = told;
    let mut list = Vec::new();
    let mut add = |kind, words: String| list.push(Objection { kind, words });
    let manifest = &situation.case.manifest;
    if !manifest.uses.contain(reason) {
        add("reason not permitted", format!("`{reason}` is not among the permitted uses"));
    }
    of_the_set(situation, &mut add);
    let newer = situation
        .state
        .sets
        .iter()
        .rev()
        .find(|other| other.generation > manifest.generation && other.aborted.is_none());
    if let Some(newer) = newer {
        let (number, (record, at)) = (newer.generation, newer.issue);
        let at = at.date();
        add(
            "older generation",
            format!(
                "generation {number} was made on {at} (record {record}); this one may be revoked already"
            ),
        );
    }
    let mut people: Vec<(SheetId, Person)> = Vec::new();
    for sheet in situation.case.sheets.iter().filter(|s| s.verdict.counts()).map(|s| s.sheet) {
        people.extend(situation.holder(sheet).map(|holder| (sheet, holder)));
    }
    let of_method = situation.method.into_iter().flat_map(|method| &method.custodians);
    let holders = of_method.map(|c| (c.sheet, Person { name: c.name.clone(), id: c.id.clone() }));
    if let Some((sheet, holder)) = people
        .iter()
        .cloned()
        .chain(holders)
        .find(|(_, holder)| holder.is(&operator.name, &operator.id))
    {
        add("operator holds a sheet", format!("{} holds sheet {sheet} of this set", holder.name));
    }
    let first =
        |i: usize| !people[..i].iter().any(|(_, p)| p.is(&people[i].1.name, &people[i].1.id));
    let distinct = (0..people.len()).filter(|i| first(*i)).count();
    if distinct < people.len() {
        let k = manifest.threshold.k();
        add("too few people", format!("the {k} sheets are held by only {distinct} people"));
    }
    if let (Some(ticket), Some(method)) = (ticket, situation.method)
        && !method.ticket_fits(ticket)
    {
        let pattern = &method.ticket_pattern;
        add("strange ticket", format!("`{ticket}` does not look like a ticket ({pattern})"));
    }
    let rule = situation.method.map_or(ByPhone::Exception, |method| method.by_phone);
    if by_phone && rule != ByPhone::Yes {
        let words = match rule {
            ByPhone::No => "sheets were read out by phone, and this method does not permit that",
            _ => "sheets were read out by phone instead of being brought",
        };
        add("by phone", words.to_owned());
    }
    if network == Some(true) {
        let words = "this machine has a network route; opening is meant to happen offline";
        add("network on", words.to_owned());
    }
    list.extend(strange_time(at, situation));
    list
}

/// What the records say of this set and its sheets.
fn of_the_set(situation: &Situation<'_>, add: &mut impl FnMut(&'static str, String)) {
    let Some(set) = situation.state.set(&situation.case.code.to_string()) else { return };
    let doubts = [
        (set.aborted, "aborted set", "dealing this set was aborted"),
        (set.revoked.map(|r| r.0), "revoked", "the credential was revoked"),
        (set.compromised.map(|r| r.0), "compromised", "the credential is compromised"),
    ];
    for (record, kind, words) in doubts {
        if let Some(record) = record {
            add(kind, format!("{words} (record {record})"));
        }
    }
    if situation.state.stage(set) == Stage::Dealt {
        let (have, needed) = (set.confirmed_numbers(), set.needed());
        let words =
            format!("the set was never confirmed: {have} of {needed} shares were read back");
        add("not confirmed", words);
    }
    let counted = situation.case.sheets.iter().filter(|s| s.verdict.counts()).map(|s| s.sheet);
    for Objection { kind, words } in of_sheets(set, counted) {
        add(kind, words);
    }
    if let Some(release) = set.releases.last() {
        let (record, at) = (release.record, release.at.utc());
        let how = match release.ended {
            Some((end, _)) => format!("ended (record {end})"),
            None => "and nobody has ended that release".to_owned(),
        };
        let words = format!(
            "released already to {} at {at} (record {record}), {how}",
            release.operator.name
        );
        add("second release", words);
    }
}

/// A time that cannot be right, whether the clock is wrong or somebody typed it.
fn strange_time(at: Instant, situation: &Situation<'_>) -> Option<Objection> {
    // one record with a wrong clock must not make every later release look strange
    let soon = Instant::now().unix() + 3600;
    let last = situation.state.latest.filter(|last| last.unix() <= soon);
    let made = Instant::from_unix(situation.case.manifest.created);
    let words = if at < made {
        format!("the time {} is before the set was made ({})", at.utc(), made.utc())
    } else if last.is_some_and(|last| at < last) {
        let last = last.map(Instant::utc).unwrap_or_default();
        format!("the time {} is before the last record in the logbook ({last})", at.utc())
    } else if at.unix().abs_diff(Instant::now().unix()) > 3600 {
        let machine = Instant::now().utc();
        format!("the time was set to {}, while the machine's clock says {machine}", at.utc())
    } else {
        return None;
    };
    Some(Objection { kind: "strange time", words })
}
