//! Who holds which sheet, and answers that are given sheet by sheet.

use super::ask::answer;
use super::objection::Objection;
use crate::logbook::member::{BySheet, Person};
use crate::method::Method;
use crate::set::SheetId;
use crate::state::Set;
use crate::ui::{Failure, Ui};

/// Returns who holds a sheet: by the records, or else as it was dealt.
pub(super) fn holder(set: Option<&Set>, method: Option<&Method>, sheet: SheetId) -> Option<Person> {
    let by_record = set.and_then(|set| set.sheets.get(&sheet)?.holder.clone());
    by_record.or_else(|| {
        let custodian = method?.custodian(sheet)?;
        Some(Person { name: custodian.name.clone(), id: custodian.id.clone() })
    })
}

/// Takes `3b=words` flags, or one without a sheet where only one is meant, and asks for the rest.
pub(super) fn by_sheet<T>(
    given: &[String],
    flag: &str,
    needed: bool,
    sheets: &[SheetId],
    read: impl Fn(&str) -> Result<T, String>,
    mut ask: impl FnMut(&SheetId) -> Result<T, Failure>,
) -> Result<Option<BySheet<T>>, Failure> {
    let mut map = BySheet::new();
    for text in given {
        let (sheet, words) = match (text.split_once('='), sheets) {
            (Some((sheet, words)), _) => {
                (SheetId::parse(&sheet.trim().to_ascii_lowercase()), words)
            }
            (None, [one]) => (Some(*one), text.as_str()),
            (None, _) => (None, text.as_str()),
        };
        let sheet = sheet.filter(|sheet| sheets.contains(sheet)).ok_or_else(|| {
            Failure::invalid(format!("`{flag} {text}` names no sheet of these: {}", names(sheets)))
                .hint(format!("it is written like `{flag} 3b={words}`"))
        })?;
        let value = read(words).map_err(|e| Failure::invalid(format!("`{flag} {text}`: {e}")))?;
        map.insert(sheet, value);
    }
    if needed {
        for sheet in sheets {
            if !map.contains_key(sheet) {
                map.insert(*sheet, ask(sheet)?);
            }
        }
    }
    Ok((!map.is_empty()).then_some(map))
}

/// Asks for a person: a name, then an id.
pub(super) fn ask_person(ui: &Ui, question: &str, flag: &str) -> Result<Person, Failure> {
    let text = answer(ui, None, &format!("{question}, name: "), flag)?;
    let person = Person::parse(&text).map_err(Failure::invalid)?;
    if !person.id.is_empty() {
        return Ok(person);
    }
    let id = answer(ui, None, "and company id: ", flag)?;
    Ok(Person { id, ..person })
}

/// `1a, 3b`.
pub(super) fn names<'a>(sheets: impl IntoIterator<Item = &'a SheetId>) -> String {
    sheets.into_iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Finds two shares in one hand and two sheets in one bag, with what is new put over what the records say.
pub(super) fn doubtful_hands(
    set: &Set,
    method: Option<&Method>,
    holders: &BySheet<Person>,
    bags: &BySheet<String>,
) -> Vec<Objection> {
    let mut list = Vec::new();
    let held = |id: &SheetId| holders.get(id).cloned().or_else(|| holder(Some(set), method, *id));
    let bag_of = |id: &SheetId| bags.get(id).or(set.sheets.get(id)?.bag.as_ref()).cloned();
    let others = |id: SheetId| set.sheets.keys().filter(move |other| **other != id);
    for (id, person) in holders {
        let other = others(*id).find(|other| {
            // of two new ones the pair is named once
            let twice = holders.contains_key(*other) && *other < id;
            other.x() != id.x()
                && !twice
                && held(other).is_some_and(|h| h.is(&person.name, &person.id))
        });
        if let Some(other) = other {
            let words =
                format!("{} would hold two shares of this set: {id} and {other}", person.name);
            list.push(Objection { kind: "two shares in one hand", words });
        }
    }
    for (id, bag) in bags {
        let other = others(*id).find(|other| {
            let twice = bags.contains_key(*other) && *other < id;
            !twice && bag_of(other).as_ref() == Some(bag)
        });
        if let Some(other) = other {
            let words = format!("bag {bag} would hold two sheets: {id} and {other}");
            list.push(Objection { kind: "one bag twice", words });
        }
    }
    list
}
