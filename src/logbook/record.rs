//! A record before it has its place in the chain. One that misses what its event needs cannot be built.

mod drafts;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::clock::{Instant, Source};
use crate::codes::Code;
use crate::logbook::event::Event;
use crate::logbook::hex;
use crate::logbook::member::{Member, Person};
use crate::set::{Manifest, SheetId, SheetShare};

/// Which program wrote the record.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its version.
    pub version: String,
    /// SHA-256 of its own file, or `unknown`.
    pub sha256: String,
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

impl Subject {
    /// Takes what a manifest says.
    pub fn of(manifest: &Manifest, set: Code) -> Self {
        Self { method: manifest.method.clone(), generation: manifest.generation, set }
    }
}

/// What the sheets of a set are made of.
#[derive(Clone, Debug)]
pub enum Media {
    /// Paper, by the theme and sheet template with these hashes.
    Paper {
        /// SHA-256 of both, sheet by sheet.
        templates: Vec<[u8; 32]>,
    },
    /// Files.
    File,
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
    /// Who sees to the revocation.
    pub accountable: Option<Person>,
    /// The credential's public id.
    pub credential: Option<String>,
    /// Whether sheets were read out by phone.
    pub by_phone: bool,
}

/// What a SESSION says.
#[derive(Clone, Debug)]
pub struct Session {
    /// Record of the release that it was under.
    pub release: Option<u64>,
    /// What kind of session, where it is no plain one.
    pub kind: Option<&'static str>,
    /// The recording's folder and the end of its chain, or a file and its SHA-256; in hex.
    pub evidence: (String, String),
    /// `ended`, `cut off` or `imported`.
    pub result: &'static str,
    /// When it began.
    pub started: Option<Instant>,
    /// What was counted, by whoever recorded it.
    pub counts: Option<Counts>,
    /// More words.
    pub note: Option<String>,
}

/// What was counted in a session.
#[derive(Clone, Copy, Debug)]
pub struct Counts {
    /// How long it took.
    pub seconds: u64,
    /// Exit status of what was run.
    pub exit: u8,
    /// Bytes that the terminal showed.
    pub bytes: u64,
    /// Events of the recording.
    pub events: u64,
    /// Inputs that were masked.
    pub masked: u64,
    /// Places where the credential was taken out.
    pub redacted: u64,
    /// Values that are too short to be taken out.
    pub too_short: u64,
    /// Places where the credential was left behind.
    pub traces: u64,
}

/// Why a record cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Something is missing.
    #[error("a record {0} says {1}, and this one does not")]
    Missing(&'static str, &'static str),
    /// Something does not belong there.
    #[error("a record {0} does not say {1}")]
    Foreign(&'static str, &'static str),
    /// Something has another form.
    #[error("a record {0} cannot be like this: {1}")]
    Form(&'static str, String),
}

/// What a record will say; built with [`Draft::new`] or by one of the events that the program itself sees.
#[derive(Clone, Debug)]
pub struct Draft {
    event: Event,
    when: When,
    program: Program,
    members: BTreeMap<Member, Value>,
}

impl Draft {
    /// Builds a record from what people or commands say of it.
    pub fn new(
        event: Event,
        when: When,
        program: &Program,
        members: BTreeMap<Member, Value>,
    ) -> Result<Self, RecordError> {
        check(event, |member| members.contains_key(&member), members.iter().map(|(m, v)| (*m, v)))?;
        Ok(Self { event, when, program: program.clone(), members })
    }

    /// Builds one of the events below, whose arguments are what it needs.
    fn seen(event: Event, when: When, program: &Program, subject: Option<&Subject>) -> Self {
        let mut members = BTreeMap::new();
        if let Some(subject) = subject {
            members.extend(about(subject));
        }
        Self { event, when, program: program.clone(), members }
    }

    fn with(mut self, member: Member, value: impl Into<Value>) -> Self {
        debug_assert!(self.event.takes(member));
        self.members.insert(member, value.into());
        self
    }

    fn with_some(self, member: Member, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(member, value),
            None => self,
        }
    }

    /// Writes the line with its place in front and the presence tags behind.
    pub(crate) fn line(&self, place: &str, sheets: &[SheetShare]) -> String {
        let mut core = format!("{{\"v\":1,{place}");
        let mut say = |name: &str, value: Value| {
            // writing to a String cannot fail
            let _ = write!(core, ",\"{name}\":{value}");
        };
        say("event", self.event.word().into());
        say("at", self.when.at.rfc3339().into());
        say("clock", self.when.source.word().into());
        say("tz", self.when.at.offset().into());
        for (member, value) in self.members.iter().filter(|(m, _)| **m != Member::Note) {
            say(member.name(), value.clone());
        }
        let Program { version, sha256 } = &self.program;
        say("program", json!({ "version": version, "sha256": sha256 }));
        if let Some(note) = self.members.get(&Member::Note) {
            say("note", note.clone());
        }
        if sheets.is_empty() {
            return core + "}";
        }
        let tags: Map<String, Value> = sheets
            .iter()
            .map(|sheet| (sheet.id().to_string(), hex(&sheet.presence_tag(core.as_bytes())).into()))
            .collect();
        format!("{core},\"presence\":{}}}", Value::from(tags))
    }

    /// Writes a loose record: one that is not in a chain yet. `prev_code` is the last check code in ink.
    pub fn loose_line(&self, prev_code: Option<Code>, sheets: &[SheetShare]) -> String {
        let prev = prev_code.map_or("book not here".to_owned(), |code| code.to_string());
        self.line(&format!("\"prev_code\":\"{prev}\""), sheets)
    }
}

/// Returns the members that say which set a record is about.
pub fn about(subject: &Subject) -> [(Member, Value); 3] {
    [
        (Member::Method, subject.method.clone().into()),
        (Member::Generation, subject.generation.into()),
        (Member::Set, subject.set.to_string().into()),
    ]
}

/// Writes sheets as a record lists them.
pub fn list(sheets: &[SheetId]) -> Value {
    sheets.iter().map(ToString::to_string).collect::<Vec<_>>().into()
}

/// Holds members against what their event needs and takes.
pub(super) fn check<'a>(
    event: Event,
    has: impl Fn(Member) -> bool,
    members: impl Iterator<Item = (Member, &'a Value)>,
) -> Result<(), RecordError> {
    let word = event.word();
    if let Some(missing) = event.needs().iter().find(|member| !has(**member)) {
        return Err(RecordError::Missing(word, missing.name()));
    }
    for (member, value) in members {
        if !event.takes(member) {
            return Err(RecordError::Foreign(word, member.name()));
        }
        member.check(value).map_err(|what| RecordError::Form(word, what))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn draft(event: Event, members: &[(Member, Value)]) -> Result<Draft, RecordError> {
        let when = When { at: Instant::from_unix(1_795_521_600), source: Source::Operator };
        let program = Program { version: "0".into(), sha256: "unknown".into() };
        Draft::new(event, when, &program, members.iter().cloned().collect())
    }

    #[test]
    fn a_record_that_misses_what_its_event_needs_cannot_be_built() {
        for event in Event::ALL.iter().copied() {
            for missing in event.needs() {
                let members: Vec<_> = event
                    .needs()
                    .iter()
                    .filter(|member| *member != missing)
                    .map(|member| (*member, sample(*member)))
                    .collect();
                let expected = RecordError::Missing(event.word(), missing.name());
                assert_eq!(draft(event, &members).unwrap_err(), expected);
            }
            let all = event.needs().iter().chain(event.may());
            let members: Vec<_> = all.map(|member| (*member, sample(*member))).collect();
            assert!(draft(event, &members).is_ok(), "{}", event.word());
        }
    }

    fn sample(member: Member) -> Value {
        use crate::logbook::member::Form;
        match member.form() {
            Form::Words | Form::Line => "words".into(),
            Form::Number => 3.into(),
            Form::Flag => true.into(),
            Form::Time => "2026-11-24T04:02:11Z".into(),
            Form::Sheets => json!(["1a"]),
            Form::BySheet => json!({ "1a": "TE-1" }),
            Form::Person => json!({ "name": "Ana", "id": "E1" }),
            Form::PersonBySheet => json!({ "1a": { "name": "Ana", "id": "E1" } }),
            Form::Evidence => json!([{ "file": "a", "sha256": "0".repeat(64) }]),
            Form::Place => json!({ "book": "B1", "page": 1, "line": 2 }),
            Form::Answers => json!({ "login": "yes" }),
            Form::Findings => json!([{ "what": "a", "owner": "Ana", "due": "2026-12-24" }]),
        }
    }

    #[test]
    fn nothing_that_moves_a_terminal_gets_in() {
        for bad in ["a\nb", "\u{1b}[2J", "a\u{202e}b"] {
            let members = [
                (Member::Method, "m".into()),
                (Member::Kind, "k".into()),
                (Member::ReasonText, bad.into()),
            ];
            let error = draft(Event::Exception, &members).unwrap_err().to_string();
            assert!(error.contains("reason_text") && error.contains("control"), "{error}");
        }
        let members =
            [(Member::Method, "m".into()), (Member::To, "x".into()), (Member::Bags, json!({}))];
        let error = draft(Event::Notify, &members).unwrap_err();
        assert_eq!(error, RecordError::Foreign("NOTIFY", "bags"));
    }

    #[test]
    fn members_come_in_their_order() {
        let members = [
            (Member::Note, "last".into()),
            (Member::To, "auditors".into()),
            (Member::Method, "m".into()),
        ];
        let line = draft(Event::Notify, &members).unwrap().loose_line(None, &[]);
        assert_eq!(
            line,
            "{\"v\":1,\"prev_code\":\"book not here\",\"event\":\"NOTIFY\",\"at\":\"2026-11-24T12:00:00Z\",\
             \"clock\":\"operator\",\"tz\":\"+00:00\",\"method\":\"m\",\"to\":\"auditors\",\
             \"program\":{\"sha256\":\"unknown\",\"version\":\"0\"},\"note\":\"last\"}"
                .replace("+00:00", &Instant::from_unix(1_795_521_600).offset())
        );
    }
}
