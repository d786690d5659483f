//! What a rotation writes into the logbook.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Run;
use crate::clock::{Instant, Source};
use crate::commands::ask;
use crate::commands::recorder::written;
use crate::logbook::record::{When, about};
use crate::logbook::{Draft, Event, Member, hex};
use crate::ui::Failure;

impl Run<'_> {
    /// Records that the new generation is in use and the old one revoked; the last record is the one that closes it.
    pub(super) fn record(&mut self) -> Result<(), Failure> {
        let state = self.state()?;
        let new = self.new_subject(&state)?;
        let Some(old) = &self.old else { return Ok(()) };
        let evidence: Vec<Value> = self
            .evidence
            .iter()
            .map(|evidence| {
                let home = self.kit.dir();
                let path = evidence.path.strip_prefix(home).unwrap_or(&evidence.path);
                json!({ "file": path.display().to_string(), "sha256": hex(&evidence.sha256) })
            })
            .collect();
        let new_id = self.new_credential.as_ref().map(|new| new.id.clone()).unwrap_or_default();
        let old_id = match &self.old_credential {
            Some(credential) if old.credential.is_empty() => credential.id.clone(),
            _ => old.credential.clone(),
        };
        let mut drafts = Vec::new();
        for (event, subject, id) in
            [(Event::Rotate, &new, new_id), (Event::Revoke, &old.subject, old_id)]
        {
            let mut members: BTreeMap<Member, Value> = about(subject).into_iter().collect();
            if !id.is_empty() {
                members.insert(Member::Credential, id.into());
            }
            if let Some(release) = old.release {
                members.insert(Member::Record, release.into());
            }
            if event == Event::Revoke {
                members.insert(
                    Member::Note,
                    format!("it was tried, and the platform refused it{}", self.sessions).into(),
                );
            }
            if !evidence.is_empty() {
                members.insert(Member::Evidence, evidence.clone().into());
            }
            drafts.push(self.draft(event, members)?);
        }
        // each has its line in the paper book
        for draft in drafts {
            self.append(&[draft])?;
        }
        self.facts.recorded = true;
        Ok(())
    }

    /// Records that a credential which nobody had on paper was revoked.
    pub(super) fn record_orphan(&self, id: &str, words: &str) -> Result<(), Failure> {
        let note =
            format!("the credential {id} was on no confirmed paper and was revoked ({words})");
        let members = BTreeMap::from([
            (Member::Method, self.method.id.clone().into()),
            (Member::Note, note.into()),
        ]);
        self.append(&[self.draft(Event::Void, members)?])
    }

    /// Records that the old credential is asked for at another place than it was dealt with.
    pub(super) fn record_move(&self) -> Result<(), Failure> {
        let (Some(why), Some(old)) = (&self.args.as_approved, &self.old) else { return Ok(()) };
        let mut members: BTreeMap<Member, Value> = about(&old.subject).into_iter().collect();
        members.insert(Member::Kind, "another driver or target than it was dealt with".into());
        members.insert(Member::ReasonText, ask::exception_reason(why)?.into());
        self.append(&[self.draft(Event::Exception, members)?])
    }

    /// Records that somebody knows the credential.
    pub(super) fn record_compromise(&self) -> Result<(), Failure> {
        let (Some(why), Some(old)) = (&self.args.compromised, &self.old) else { return Ok(()) };
        let why = ask::exception_reason(why)?;
        let state = self.state()?;
        let set = state.set(&old.subject.set.to_string());
        if set.is_some_and(|set| set.compromised.is_some()) {
            return Ok(());
        }
        let mut members: BTreeMap<Member, Value> = about(&old.subject).into_iter().collect();
        members.insert(Member::Note, why.into());
        if let Some(release) = old.release {
            members.insert(Member::Record, release.into());
        }
        self.append(&[self.draft(Event::Compromise, members)?])
    }

    /// Records that the old credential is ended now, before its successor was read back.
    pub(super) fn record_early_end(&self) -> Result<(), Failure> {
        let (Some(why), Some(old)) = (&self.args.compromised, &self.old) else { return Ok(()) };
        if self.facts.opened {
            return Ok(());
        }
        let why = ask::exception_reason(why)?;
        let mut members: BTreeMap<Member, Value> = about(&old.subject).into_iter().collect();
        members.insert(Member::Kind, "ended before its successor was read back".into());
        members.insert(Member::ReasonText, why.into());
        self.append(&[self.draft(Event::Exception, members)?])
    }

    /// Records that the credential is switched off, and who can switch it on again.
    pub(super) fn record_disabled(
        &self,
        id: &str,
        second: &str,
        refused: bool,
    ) -> Result<(), Failure> {
        let Some(old) = &self.old else { return Ok(()) };
        let mut members: BTreeMap<Member, Value> = about(&old.subject).into_iter().collect();
        members.insert(Member::Credential, id.into());
        let seen = if refused { "it was tried, and refused" } else { "NOBODY HAS SEEN IT REFUSED" };
        members.insert(Member::Note, format!("{seen}; {second} can switch it on again").into());
        if let Some(release) = old.release {
            members.insert(Member::Record, release.into());
        }
        self.append(&[self.draft(Event::Disable, members)?])
    }

    fn draft(&self, event: Event, members: BTreeMap<Member, Value>) -> Result<Draft, Failure> {
        let when = When { at: Instant::now(), source: Source::System };
        Draft::new(event, when, &self.context.signature(), members)
            .map_err(|e| Failure::invalid(e.to_string()))
    }

    pub(super) fn append(&self, drafts: &[Draft]) -> Result<(), Failure> {
        written(self.ui(), &self.kit.logbook(), drafts, &[]).map(|_| ())
    }
}
