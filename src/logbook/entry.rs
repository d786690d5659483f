//! A record as it was read.

mod form;

use serde_json::{Map, Value};

use crate::clock::Instant;
use crate::codes::Code;
use crate::logbook::event::Event;
use crate::logbook::member::{BySheet, Member, Person};
use crate::logbook::{check_code, json};
use crate::set::SheetId;

/// A line that has the form of a record.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its number, from 1; 0 where it is loose.
    pub seq: u64,
    /// Its bytes without the line feed.
    pub line: String,
    /// What happened; `None`: an event that a newer program knows.
    pub event: Option<Event>,
    /// Its members.
    pub members: Map<String, Value>,
}

impl Entry {
    /// Reads one line; the message says what is wrong with it.
    pub fn read(line: &[u8]) -> Result<Self, String> {
        let line = std::str::from_utf8(line)
            .map_err(|e| format!("byte {} is not UTF-8", e.valid_up_to() + 1))?;
        if line.starts_with('\u{feff}') {
            return Err("it starts with a byte order mark".to_owned());
        }
        if line.contains('\r') {
            return Err("it holds a carriage return; lines end with a line feed alone".to_owned());
        }
        let members = json::parse(line).map_err(|what| format!("it is not a record: {what}"))?;
        if members.get("v").and_then(Value::as_u64) != Some(1) {
            return Err("its v is not 1: another version of the logbook".to_owned());
        }
        let word = members.get("event").and_then(Value::as_str).ok_or("it has no event")?;
        let event = Event::parse(word).filter(|event| event.word() == word);
        let entry = Self { seq: 0, line: line.to_owned(), event, members };
        form::check(&entry)?;
        entry.check()?;
        Ok(Self { seq: entry.number("seq").unwrap_or(0), ..entry })
    }

    /// Checks that it says what its event needs, each in its form. Members that a newer program knows are let be.
    fn check(&self) -> Result<(), String> {
        self.at().ok_or("its at is not a time like 2026-11-24T04:02:11Z")?;
        let Some(event) = self.event else { return Ok(()) };
        if let Some(missing) = event.needs().iter().find(|m| !self.members.contains_key(m.name())) {
            return Err(format!(
                "a record {} says {}, and it does not",
                event.word(),
                missing.name()
            ));
        }
        let known =
            self.members.iter().filter_map(|(name, value)| Some((Member::of(name)?, value)));
        known.into_iter().try_for_each(|(member, value)| member.check(value))
    }

    /// Says whether it records that event.
    pub fn is(&self, event: Event) -> bool {
        self.event == Some(event)
    }

    /// Says whether it was made away from the logbook.
    pub fn is_loose(&self) -> bool {
        !self.members.contains_key("seq")
    }

    /// Returns when it happened.
    pub fn at(&self) -> Option<Instant> {
        Instant::parse_rfc3339(self.text("at"))
    }

    /// Returns the generation it is about, 0 when it says none.
    pub fn generation(&self) -> u64 {
        self.number("generation").unwrap_or_default()
    }

    /// Returns the number of the record that it is about.
    pub fn record(&self) -> Option<u64> {
        self.number("record")
    }

    /// Returns a text member, or nothing.
    pub fn text(&self, member: &str) -> &str {
        self.members.get(member).and_then(Value::as_str).unwrap_or_default()
    }

    /// Returns a whole number.
    pub fn number(&self, member: &str) -> Option<u64> {
        self.members.get(member).and_then(Value::as_u64)
    }

    /// Returns the sheets that it names.
    pub fn sheets(&self) -> Vec<SheetId> {
        let list = self.members.get("sheets").and_then(Value::as_array);
        list.into_iter().flatten().filter_map(|v| SheetId::parse(v.as_str()?)).collect()
    }

    /// Returns what it says of each sheet.
    pub fn by_sheet<T>(&self, member: Member, read: impl Fn(&Value) -> Option<T>) -> BySheet<T> {
        let map = self.members.get(member.name()).and_then(Value::as_object);
        let each = map.into_iter().flatten();
        each.filter_map(|(sheet, value)| Some((SheetId::parse(sheet)?, read(value)?))).collect()
    }

    /// Returns a text per sheet.
    pub fn texts_by_sheet(&self, member: Member) -> BySheet<String> {
        self.by_sheet(member, |value| value.as_str().map(str::to_owned))
    }

    /// Returns a person that it names.
    pub fn person(&self, member: Member) -> Option<Person> {
        Person::of(self.members.get(member.name())?)
    }

    /// Returns its check code; stretched, so about 0.1 s.
    pub fn check_code(&self) -> Code {
        check_code(self.line.as_bytes())
    }

    /// Returns the record that an IMPORT brings in, as it was made.
    pub fn imported(&self) -> Option<Self> {
        let line = self.is(Event::Import).then(|| self.text("line"))?;
        let inner = Self::read(line.as_bytes()).ok().filter(|inner| !inner.is(Event::Import))?;
        Some(Self { seq: self.seq, ..inner })
    }
}
