//! What speaks against going on. Nothing of it decides: it is shown, explained by a person, and recorded.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::logbook::record::When;
use crate::logbook::{Draft, Event, Member, Program};
use crate::set::SheetId;
use crate::state::{Fate, Set};
use crate::ui::Failure;

/// What the records say of the sheets that are at hand.
pub(super) fn of_sheets(set: &Set, sheets: impl Iterator<Item = SheetId>) -> Vec<Objection> {
    let of = |sheet: SheetId| {
        let (kind, words) = match set.sheets.get(&sheet)?.fate {
            Fate::Kept => return None,
            Fate::Lost(record, _) => {
                ("lost sheet", format!("sheet {sheet} was reported lost (record {record})"))
            }
            Fate::Tampered(record, _) => {
                let words = format!("bag or seal of sheet {sheet} was in doubt (record {record})");
                ("sheet in doubt", words)
            }
            Fate::Destroyed(record) => {
                let words = format!("sheet {sheet} was reported destroyed (record {record})");
                ("destroyed sheet", words)
            }
        };
        Some(Objection { kind, words })
    };
    sheets.filter_map(of).collect()
}

/// Something that speaks against going on: its word for the record, and the words for people.
pub(super) struct Objection {
    /// The `kind` of the EXCEPTION record.
    pub(super) kind: &'static str,
    /// One line.
    pub(super) words: String,
}

/// Drafts an EXCEPTION for each objection that a person went on in spite of; `about` says which method and set.
pub(super) fn exceptions(
    objections: &[Objection],
    why: &str,
    when: When,
    program: &Program,
    about: &[(Member, Value)],
) -> Result<Vec<Draft>, Failure> {
    let draft = |objection: &Objection| {
        let mut members: BTreeMap<Member, Value> = about.iter().cloned().collect();
        members.insert(Member::Kind, objection.kind.into());
        members.insert(Member::ReasonText, why.into());
        members.insert(Member::Note, objection.words.clone().into());
        let draft = Draft::new(Event::Exception, when, program, members);
        draft.map_err(|e| Failure::invalid(e.to_string()))
    };
    objections.iter().map(draft).collect()
}

/// Says whether the system has a route to other machines; reads its tables and sends nothing.
pub(super) fn network_route() -> Option<bool> {
    let v4 = std::fs::read_to_string("/proc/net/route").ok()?;
    let v6 = std::fs::read_to_string("/proc/net/ipv6_route").unwrap_or_default();
    let v4_default = v4.lines().skip(1).any(|line| {
        let mut fields = line.split_whitespace();
        fields.next().is_some_and(|device| device != "lo") && fields.next() == Some("00000000")
    });
    let v6_default = v6.lines().any(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields.len() == 10 && fields[1] == "00" && fields[9] != "lo"
    });
    Some(v4_default || v6_default)
}
