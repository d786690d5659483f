//! What a record says. One constructor per event gives what that event needs.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::clock::{Instant, Source};
use crate::codes::Code;
use crate::logbook::hex;
use crate::set::{SheetId, SheetShare};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "&'static str")]
pub enum Event {
    /// A new book.
    Begin,
    /// A set is dealt: the intent, before the first paper.
    Issue,
    /// Dealing did not end well; the papers of that set are void.
    Abort,
    /// The credential goes to one operator.
    Release,
    /// A sheet is not what it says.
    Tamper,
    /// A rule was overridden, with the reason typed.
    Exception,
    /// The record before did not come true.
    Void,
}

impl Event {
    /// Returns the word in the record.
    pub fn word(self) -> &'static str {
        match self {
            Self::Begin => "BEGIN",
            Self::Issue => "ISSUE",
            Self::Abort => "ABORT",
            Self::Release => "RELEASE",
            Self::Tamper => "TAMPER",
            Self::Exception => "EXCEPTION",
            Self::Void => "VOID",
        }
    }
}

impl From<Event> for &'static str {
    fn from(event: Event) -> Self {
        event.word()
    }
}

/// What the sheets of a set are made of.
#[derive(Clone, Copy, Debug)]
pub enum Media {
    /// Paper, by the theme and sheet template with this hash.
    Paper {
        /// SHA-256 of both.
        template: [u8; 32],
    },
    /// Files.
    File,
}

/// A named person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Person {
    /// Name.
    pub name: String,
    /// Company id.
    pub id: String,
}

/// Which program wrote the record.
#[derive(Clone, Debug, Serialize)]
pub struct Program {
    /// Its version.
    pub version: String,
    /// SHA-256 of its own file, or `unknown`.
    pub sha256: String,
}

/// A record before it has its place in the chain. Members in the order in which they are written.
#[derive(Clone, Debug, Serialize)]
pub struct Draft {
    event: Event,
    at: String,
    clock: &'static str,
    tz: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    generation: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    set: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sheets: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    sheet_hashes: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    media: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operator: Option<Person>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason_text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoke_due: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<bool>,
    program: Program,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// When a record's event happened and how that is known.
#[derive(Clone, Copy, Debug)]
pub struct When {
    /// The time.
    pub at: Instant,
    /// Whether a person typed it.
    pub source: Source,
}

/// Which set a record is about.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Method id.
    pub method: String,
    /// Generation.
    pub generation: u32,
    /// Set code.
    pub set: Code,
}

/// What a RELEASE says.
#[derive(Clone, Debug)]
pub struct Release {
    /// The one named person.
    pub operator: Person,
    /// A standard code, or the method's own, or `OTHER`.
    pub reason: String,
    /// The words typed when the code is not enough.
    pub reason_text: Option<String>,
    /// Incident ticket, when there is one yet.
    pub ticket: Option<String>,
    /// By when the credential has to be revoked.
    pub revoke_due: Instant,
    /// Whether this machine had a network route.
    pub network: Option<bool>,
}

impl Draft {
    fn new(event: Event, when: When, program: &Program) -> Self {
        Self {
            event,
            at: when.at.rfc3339(),
            clock: when.source.word(),
            tz: when.at.offset(),
            method: None,
            generation: None,
            set: None,
            sheets: Vec::new(),
            sheet_hashes: BTreeMap::new(),
            template: None,
            media: None,
            operator: None,
            kind: None,
            reason: None,
            reason_text: None,
            ticket: None,
            revoke_due: None,
            network: None,
            program: program.clone(),
            note: None,
        }
    }

    fn about(mut self, subject: &Subject) -> Self {
        self.method = Some(subject.method.clone());
        self.generation = Some(subject.generation);
        self.set = Some(subject.set.to_string());
        self
    }

    /// A new book begins for a method.
    pub fn begin(when: When, program: &Program, method: &str) -> Self {
        Self { method: Some(method.to_owned()), ..Self::new(Event::Begin, when, program) }
    }

    /// A set is about to be written; every sheet's hash, and what the sheets are made of.
    pub fn issue(
        when: When,
        program: &Program,
        subject: &Subject,
        sheets: &[SheetShare],
        media: &Media,
    ) -> Self {
        let names = sheets.iter().map(|sheet| sheet.id().to_string());
        let hashes = sheets.iter().map(|sheet| (sheet.id().to_string(), hex(&sheet.sheet_hash())));
        Self {
            sheets: names.collect(),
            sheet_hashes: hashes.collect(),
            template: match media {
                Media::Paper { template } => Some(hex(template)),
                Media::File => None,
            },
            media: matches!(media, Media::File).then_some("file"),
            ..Self::new(Event::Issue, when, program).about(subject)
        }
    }

    /// The papers of a set are void.
    pub fn abort(when: When, program: &Program, subject: &Subject, why: &str) -> Self {
        Self { note: Some(why.to_owned()), ..Self::new(Event::Abort, when, program).about(subject) }
    }

    /// The credential goes to one operator; the presence tags are added when it is written.
    pub fn release(
        when: When,
        program: &Program,
        subject: &Subject,
        sheets: &[SheetId],
        release: Release,
    ) -> Self {
        Self {
            sheets: sheets.iter().map(ToString::to_string).collect(),
            operator: Some(release.operator),
            reason: Some(release.reason),
            reason_text: release.reason_text,
            ticket: release.ticket,
            revoke_due: Some(release.revoke_due.rfc3339()),
            network: release.network,
            ..Self::new(Event::Release, when, program).about(subject)
        }
    }

    /// A sheet is not what it says: which, by its own words, and where it was read.
    pub fn tamper(
        when: When,
        program: &Program,
        subject: &Subject,
        sheet: SheetId,
        kind: &str,
        note: &str,
    ) -> Self {
        Self {
            sheets: vec![sheet.to_string()],
            kind: Some(kind.to_owned()),
            note: Some(note.to_owned()),
            ..Self::new(Event::Tamper, when, program).about(subject)
        }
    }

    /// A rule was overridden.
    pub fn exception(
        when: When,
        program: &Program,
        subject: &Subject,
        kind: &str,
        why: &str,
        note: Option<String>,
    ) -> Self {
        Self {
            kind: Some(kind.to_owned()),
            reason_text: Some(why.to_owned()),
            note,
            ..Self::new(Event::Exception, when, program).about(subject)
        }
    }

    /// What the record before announced did not happen.
    pub fn void(when: When, program: &Program, subject: &Subject, why: &str) -> Self {
        Self { note: Some(why.to_owned()), ..Self::new(Event::Void, when, program).about(subject) }
    }

    /// Writes the line with its place in front and the presence tags behind.
    pub(crate) fn line(&self, place: &str, sheets: &[SheetShare]) -> String {
        // a struct of texts and numbers always serialises
        let members = serde_json::to_string(self).unwrap_or_default();
        let core = format!("{{\"v\":1,{place},{}", &members[1..members.len() - 1]);
        if sheets.is_empty() {
            return core + "}";
        }
        let tags: BTreeMap<String, String> = sheets
            .iter()
            .map(|sheet| (sheet.id().to_string(), hex(&sheet.presence_tag(core.as_bytes()))))
            .collect();
        let tags = serde_json::to_string(&tags).unwrap_or_default();
        format!("{core},\"presence\":{tags}}}")
    }

    /// Writes a loose record: one that is not in a chain yet. `prev_code` is the last check code in ink.
    pub fn loose_line(&self, prev_code: Option<Code>, sheets: &[SheetShare]) -> String {
        let prev = prev_code.map_or("book not here".to_owned(), |code| code.to_string());
        self.line(&format!("\"prev_code\":\"{prev}\""), sheets)
    }
}
