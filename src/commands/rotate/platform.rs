//! Steps on the platform: what a driver is asked, with a line in the journal before and after each change.

use super::Run;
use crate::clock;
use crate::commands::driver::told;
use crate::commands::split;
use crate::exit::Exit;
use crate::logbook::hex;
use crate::rng;
use crate::rotation::answer::{Described, Made, Mode, Sessions};
use crate::rotation::driver::CallError;
use crate::rotation::journal::{Deed, Line, Phase, open_intent};
use crate::rotation::parts;
use crate::rotation::protocol::{Credential, Fields, Request};
use crate::ui::Failure;

/// Signs of a secret that is made here, where the driver does not say.
const GENERATE: &str = "32";

impl Run<'_> {
    pub(super) fn request(&self) -> Request<'_> {
        let target = self.method.rotation.as_ref().map(|rotation| &rotation.target);
        Request { target, ..Request::default() }
    }

    /// Makes the new secret: on the platform, or here.
    pub(super) fn make(&mut self) -> Result<(), Failure> {
        self.prepare()?;
        if self.facts.mode == Mode::Replace {
            let fields = generated(&self.described)?;
            let id = self.old_id();
            self.made = Some(Credential { id, secret: fields });
            self.facts.made = true;
            return Ok(());
        }
        let request_id = request_id();
        self.write(Deed::Create, Phase::Intent, &request_id, "", "")?;
        let request = Request {
            auth: self.old_credential.as_ref(),
            request_id: Some(&request_id),
            ..self.request()
        };
        match told(self.ui(), |tell| self.driver.create(&request, tell)) {
            Ok(Made { credential, expires_at, .. }) => {
                let id = credential.id.clone();
                self.write(Deed::Create, Phase::Done, &request_id, &id, "")?;
                let state = self.state()?;
                let known = |id: &str| state.sets.iter().any(|set| set.credential == id);
                if id.is_empty() || id == self.old_id() || known(&id) {
                    return Err(Failure::invalid("the driver made a credential without an id of its own")
                        .hint("nothing was dealt; try the driver with `breakglass driver-test DRIVER --credential FILE`"));
                }
                self.ui().say(&format!("  made {id}"));
                self.made = Some(credential);
                self.made_expires = expires_at;
                self.facts.made = true;
                self.changed = true;
                Ok(())
            }
            Err(CallError::Refused(refused)) => {
                let left = refused.partial.credential_id.clone().unwrap_or_default();
                self.write(Deed::Create, Phase::Failed, &request_id, &left, &refused.kind)?;
                let hint = match refused.kind.as_str() {
                    "limit" => {
                        "the platform holds as many as it may: revoke one that nobody has on paper, then rotate again"
                    }
                    "conflict" | "partial" => {
                        "run `breakglass rotate` again: it shows what was left behind and revokes it on consent"
                    }
                    _ => "nothing was made; mend it and run `breakglass rotate` again",
                };
                Err(Failure::invalid(CallError::Refused(refused).to_string()).hint(hint))
            }
            Err(error) => Err(Failure::invalid(error.to_string())
                .hint("run `breakglass rotate` again: it asks the platform what there is")),
        }
    }

    /// Returns the public id of the old credential.
    pub(super) fn old_id(&self) -> String {
        let old = self.old_credential.as_ref().map(|old| old.id.clone());
        old.unwrap_or_else(|| {
            self.old.as_ref().map(|old| old.credential.clone()).unwrap_or_default()
        })
    }

    /// Puts the new secret in the place of the old one.
    pub(super) fn set(&mut self) -> Result<(), Failure> {
        let request_id = request_id();
        self.write(Deed::Set, Phase::Intent, &request_id, "", "")?;
        let Some(new) = self.successor() else { return Err(lost()) };
        let changed = parts::only(&new.secret, &self.described.secret_fields);
        let request = Request {
            auth: self.old_credential.as_ref(),
            request_id: Some(&request_id),
            new: Some(&changed),
            ..self.request()
        };
        match told(self.ui(), |tell| self.driver.set(&request, tell)) {
            Ok(made) => {
                self.write(Deed::Set, Phase::Done, &request_id, &made.credential.id, "")?;
                self.sessions = in_words(&made.sessions);
            }
            // trying both tells what happened
            Err(error) if error.leaves_open() => self.ui().warn(&error.to_string()),
            Err(error) => {
                self.write(Deed::Set, Phase::Failed, &request_id, "", &error.to_string())?;
                return Err(Failure::invalid(error.to_string()).hint(
                    "the old credential is untouched; mend it and run `breakglass rotate` again",
                ));
            }
        }
        self.facts.revoked = true;
        self.facts.opened_valid = None;
        self.changed = true;
        Ok(())
    }

    /// A run that died in the middle of `set` may have left sessions of the old secret open: the same question, put again,
    /// changes nothing and ends them.
    pub(super) fn finish_set(&mut self) -> Result<(), Failure> {
        let lines = self.lines()?;
        let Some(line) = open_intent(&lines, &self.journal_set(), Deed::Set) else { return Ok(()) };
        let Some(new) = self.successor() else { return Err(lost()) };
        let changed = parts::only(&new.secret, &self.described.secret_fields);
        let request = Request {
            auth: self.old_credential.as_ref(),
            request_id: Some(&line.request),
            new: Some(&changed),
            ..self.request()
        };
        match told(self.ui(), |tell| self.driver.set(&request, tell)) {
            Ok(made) => {
                self.write(Deed::Set, Phase::Done, &line.request, &made.credential.id, "")?;
                self.sessions = in_words(&made.sessions);
            }
            Err(error) => {
                self.ui().warn(&format!("sessions of the old secret may live on: {error}"));
                self.sessions =
                    ", sessions may live on: the run that set it was interrupted".into();
            }
        }
        Ok(())
    }

    /// Ends the old credential, with the new one.
    pub(super) fn revoke_old(&mut self) -> Result<(), Failure> {
        let id = self.old_id();
        if id.is_empty() {
            return Err(Failure::invalid("the records do not know the public id of the old credential")
                .hint("record it: `breakglass log add CORRECT --credential ID`; or bring the old sheets first"));
        }
        if self.successor().is_none_or(|new| new.id == id || new.id.is_empty()) {
            return Err(Failure::invalid(format!(
                "old and new credential are both called {id}: nothing is revoked"
            ))
            .hint("look at the ISSUE records: `breakglass log show`"));
        }
        self.sessions = self.revoke(&id, self.successor())?.unwrap_or_default();
        self.facts.revoked = true;
        self.facts.opened_valid = None;
        self.changed = true;
        Ok(())
    }

    /// Returns what takes the place of the old one: from paper, or, where it cannot wait for that, from memory.
    fn successor(&self) -> Option<&Credential> {
        self.new_credential.as_ref().or(self.made.as_ref())
    }

    /// Asks for it. Returns what became of sessions; nothing where nobody knows what came of it.
    pub(super) fn revoke(
        &self,
        id: &str,
        auth: Option<&Credential>,
    ) -> Result<Option<String>, Failure> {
        let request_id = request_id();
        self.write(Deed::Revoke, Phase::Intent, &request_id, id, "")?;
        let request = Request {
            auth,
            request_id: Some(&request_id),
            credential_id: Some(id),
            ..self.request()
        };
        match told(self.ui(), |tell| self.driver.revoke(&request, tell)) {
            Ok(revoked) => {
                self.write(Deed::Revoke, Phase::Done, &request_id, id, &revoked.status)?;
                let sessions = in_words(&revoked.sessions);
                self.ui().say(&format!("  {id}: {}{sessions}", revoked.status.replace('_', " ")));
                Ok(Some(sessions))
            }
            Err(error) if error.leaves_open() => {
                self.ui().warn(&error.to_string());
                Ok(None)
            }
            Err(error) => {
                self.write(Deed::Revoke, Phase::Failed, &request_id, id, &error.to_string())?;
                Err(Failure::new(Exit::StillValid, error.to_string())
                    .hint("both credentials are on paper; run `breakglass rotate` again"))
            }
        }
    }

    /// Says whether the journal knows of anything that was ended or replaced in favour of a set that follows.
    pub(super) fn changed_for_it(&self) -> Result<bool, Failure> {
        let (set, old) = (self.journal_set(), self.old_id());
        let of_this = |line: &Line| {
            line.set == set
                && (line.deed == Deed::Set || line.deed == Deed::Revoke && line.credential == old)
        };
        Ok(self.lines()?.iter().any(of_this))
    }

    /// Returns what the journal is about: the set that is to be retired.
    pub(super) fn journal_set(&self) -> String {
        self.old.as_ref().map_or("first".to_owned(), |old| old.subject.set.to_string())
    }

    pub(super) fn lines(&self) -> Result<Vec<Line>, Failure> {
        self.journal.lines().map_err(|e| Failure::invalid(e.to_string()))
    }

    pub(super) fn write(
        &self,
        deed: Deed,
        phase: Phase,
        request: &str,
        credential: &str,
        note: &str,
    ) -> Result<(), Failure> {
        let line = Line {
            v: 1,
            at: clock::Instant::now().rfc3339(),
            set: self.journal_set(),
            deed,
            phase,
            request: request.to_owned(),
            credential: credential.to_owned(),
            note: crate::ui::plain(note),
        };
        self.journal.append(&line).map_err(|e| Failure::invalid(e.to_string()))
    }
}

/// Makes the parts of a secret that a driver does not make itself.
pub(in crate::commands) fn generated(described: &Described) -> Result<Fields, Failure> {
    let spec = described.generate.as_deref().unwrap_or(GENERATE);
    let make = |name: &String| Ok((name.clone(), split::generate(spec, &mut rng::os())?));
    described.secret_fields.iter().map(make).collect()
}

/// Asks what changes nothing.
pub(super) fn tell<T>(
    run: &Run<'_>,
    ask: impl FnOnce(&dyn Fn(&str)) -> Result<T, CallError>,
) -> Result<T, Failure> {
    let begun =
        if run.changed { "keep the papers of both generations" } else { "nothing was changed" };
    told(run.ui(), ask).map_err(|e| {
        Failure::invalid(e.to_string())
            .hint(format!("{begun}; mend it and run `breakglass rotate` again"))
    })
}

/// Says what became of the sessions that were open.
fn in_words(sessions: &Sessions) -> String {
    let ended = sessions.terminated.map(|count| format!(", {count} sessions ended"));
    let left =
        sessions.surviving_until.as_ref().map(|until| format!(", sessions live on: {until}"));
    [ended, left].into_iter().flatten().collect()
}

pub(super) fn request_id() -> String {
    hex(&rng::bytes::<16>(&mut rng::os()))
}

/// What a step needs was not there: a fault of the plan, never of the user.
pub(super) fn lost() -> Failure {
    Failure::invalid("a step came before what it needs; please report this")
}
