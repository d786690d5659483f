//! Records that the program writes itself: one function for each thing that it sees happen.

use serde_json::{Map, Value, json};

use super::{Draft, Media, Program, Release, Session, Subject, When, list};
use crate::codes::Code;
use crate::logbook::event::Event;
use crate::logbook::hex;
use crate::logbook::member::{Member, Person, by_sheet_value};
use crate::set::{Manifest, SheetId, SheetShare};

impl Draft {
    /// A new book begins for a method.
    pub fn begin(when: When, program: &Program, method: &str) -> Self {
        Self::seen(Event::Begin, when, program, None).with(Member::Method, method)
    }

    /// A set is about to be written; every sheet's hash, and what the sheets are made of.
    pub fn issue(
        when: When,
        program: &Program,
        (manifest, code): (&Manifest, Code),
        sheets: &[SheetShare],
        media: &Media,
    ) -> Self {
        let credential = Some(&*manifest.credential_id).filter(|id| !id.is_empty());
        Self::seen(Event::Issue, when, program, Some(&Subject::of(manifest, code)))
            .with(Member::K, manifest.threshold.k())
            .with_some(Member::Credential, credential)
            .with_sheets(sheets, media)
    }

    /// A destroyed sheet is about to be written anew.
    pub fn reissue(
        when: When,
        program: &Program,
        (manifest, code): (&Manifest, Code),
        sheets: &[SheetShare],
        media: &Media,
        (holder, why): (&Person, &str),
    ) -> Self {
        let holders = sheets.iter().map(|sheet| (sheet.id(), holder.clone())).collect();
        Self::seen(Event::Reissue, when, program, Some(&Subject::of(manifest, code)))
            .with(Member::ReasonText, why)
            .with(Member::Custodians, by_sheet_value(&holders, |person| person.into()))
            .with_sheets(sheets, media)
    }

    /// Names sheets, their hashes, and what they are made of.
    fn with_sheets(self, sheets: &[SheetShare], media: &Media) -> Self {
        let names: Vec<SheetId> = sheets.iter().map(SheetShare::id).collect();
        let hashes: Map<String, Value> = sheets
            .iter()
            .map(|sheet| (sheet.id().to_string(), hex(&sheet.sheet_hash()).into()))
            .collect();
        let draft = self.with(Member::Sheets, list(&names)).with(Member::SheetHashes, hashes);
        match media {
            Media::File => draft.with(Member::Media, "file"),
            Media::Paper { templates } if templates.windows(2).all(|two| two[0] == two[1]) => {
                draft.with_some(Member::Template, templates.first().map(|hash| hex(hash)))
            }
            Media::Paper { templates } => {
                let each = names.iter().zip(templates);
                let each = each.map(|(sheet, hash)| (sheet.to_string(), Value::from(hex(hash))));
                draft.with(Member::Templates, each.collect::<Map<_, _>>())
            }
        }
    }

    /// The papers of a set are void.
    pub fn abort(when: When, program: &Program, subject: &Subject, why: &str) -> Self {
        Self::seen(Event::Abort, when, program, Some(subject)).with(Member::Note, why)
    }

    /// The credential goes to one operator; the presence tags are added when it is written.
    pub fn release(
        when: When,
        program: &Program,
        subject: &Subject,
        sheets: &[SheetId],
        release: Release,
    ) -> Self {
        Self::seen(Event::Release, when, program, Some(subject))
            .with(Member::Sheets, list(sheets))
            .with(Member::Operator, &release.operator)
            .with(Member::Reason, release.reason)
            .with_some(Member::ReasonText, release.reason_text)
            .with_some(Member::Ticket, release.ticket)
            .with(Member::RevokeDue, release.revoke_due.rfc3339())
            .with_some(Member::Network, release.network)
            .with_some(Member::Accountable, release.accountable.as_ref())
            .with_some(Member::How, release.by_phone.then_some("phone"))
            .with_some(Member::Credential, release.credential)
    }

    /// A set is about to be opened for another purpose; the presence tags are added when it is written.
    pub fn opening(
        when: When,
        program: &Program,
        subject: &Subject,
        sheets: &[SheetId],
        kind: &str,
        network: Option<bool>,
    ) -> Self {
        Self::seen(Event::Opening, when, program, Some(subject))
            .with(Member::Sheets, list(sheets))
            .with(Member::Kind, kind)
            .with_some(Member::Network, network)
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
        Self::seen(Event::Tamper, when, program, Some(subject))
            .with(Member::Sheets, list(&[sheet]))
            .with(Member::Kind, kind)
            .with(Member::Note, note)
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
        Self::seen(Event::Exception, when, program, Some(subject))
            .with(Member::Kind, kind)
            .with(Member::ReasonText, why)
            .with_some(Member::Note, note)
    }

    /// What the record before announced did not happen.
    pub fn void(
        when: When,
        program: &Program,
        subject: &Subject,
        record: Option<u64>,
        why: &str,
    ) -> Self {
        Self::seen(Event::Void, when, program, Some(subject))
            .with_some(Member::Record, record)
            .with(Member::Note, why)
    }

    /// The operator of a release is done. `traces`: places where the credential was left behind.
    pub fn end(
        when: When,
        program: &Program,
        subject: &Subject,
        release: u64,
        traces: Option<u64>,
    ) -> Self {
        Self::seen(Event::End, when, program, Some(subject))
            .with(Member::Record, release)
            .with_some(Member::Traces, traces)
    }

    /// What a record before did not know yet: the credential that was given.
    pub fn supplement(
        when: When,
        program: &Program,
        subject: &Subject,
        (record, credential): (u64, &str),
        note: &str,
    ) -> Self {
        Self::seen(Event::Correct, when, program, Some(subject))
            .with(Member::Record, record)
            .with(Member::Credential, credential)
            .with(Member::Note, note)
    }

    /// A record made elsewhere comes in, with its exact line.
    pub fn import(when: When, program: &Program, method: &str, line: &str, from: &str) -> Self {
        Self::seen(Event::Import, when, program, None)
            .with(Member::Method, method)
            .with(Member::Line, line)
            .with(Member::Note, from)
    }

    /// What was done at a terminal was recorded; the subject is missing where no release and no set has a part in it.
    pub fn session(
        when: When,
        program: &Program,
        (method, subject): (&str, Option<&Subject>),
        session: &Session,
    ) -> Self {
        let (file, hash) = &session.evidence;
        let draft = Self::seen(Event::Session, when, program, subject)
            .with(Member::Method, method)
            .with_some(Member::Record, session.release)
            .with(Member::Evidence, json!([{ "file": file, "sha256": hash }]))
            .with_some(Member::Kind, session.kind)
            .with(Member::Result, session.result)
            .with_some(Member::Started, session.started.map(crate::clock::Instant::rfc3339))
            .with_some(Member::Note, session.note.clone());
        let Some(counts) = &session.counts else { return draft };
        draft
            .with(Member::Seconds, counts.seconds)
            .with(Member::Exit, counts.exit)
            .with(Member::Bytes, counts.bytes)
            .with(Member::Events, counts.events)
            .with(Member::Masked, counts.masked)
            .with(Member::Redacted, counts.redacted)
            .with_some(Member::TooShort, Some(counts.too_short).filter(|count| *count > 0))
            .with_some(Member::Traces, Some(counts.traces).filter(|count| *count > 0))
    }
}
