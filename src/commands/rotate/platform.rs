//! Steps on the platform: what a driver is asked, with a line in the journal before and after each change.

use super::Run;
use crate::clock;
use crate::commands::driver::asked;
use crate::commands::split;
use crate::exit::Exit;
use crate::interrupt;
use crate::logbook::hex;
use crate::rng;
use crate::rotation::answer::{Described, Made, Mode, Revoked, Sessions};
use crate::rotation::driver::{CallError, Tell};
use crate::rotation::journal::{Deed, Line, Phase, open_intent};
use crate::rotation::parts;
use crate::rotation::protocol::{Credential, Fields, Request};
use crate::ui::Failure;

/// Signs of a secret that is made here, where the driver does not say.
const GENERATE: &str = "32";

/// What a record says where nobody knows what became of sessions.
const SESSIONS_LEFT: &str =
    ", sessions may live on: nobody knows what came of the request that ends them";

/// How a change came out.
pub(super) enum Came<T> {
    /// It was done.
    Done(T),
    /// It was refused, and nothing was changed.
    Refused(CallError),
    /// Nobody knows.
    Unknown(CallError),
}

impl Run<'_> {
    pub(super) fn request(&self) -> Request<'_> {
        let target = self.method.rotation.as_ref().map(|rotation| &rotation.target);
        Request { target, ..Request::default() }
    }

    /// Asks for a change, with a line in the journal before it and one after.
    ///
    /// What an earlier run has begun is asked for again by the same request id, which does nothing twice; so is what
    /// nobody knows the outcome of. Where nobody knows it then, its line stays open for the next run.
    pub(super) fn change<T>(
        &self,
        (deed, id): (Deed, &str),
        request: &Request<'_>,
        ask: impl Fn(&Request<'_>, Tell<'_>) -> Result<T, CallError>,
        said: impl Fn(&T) -> (String, String),
    ) -> Result<Came<T>, Failure> {
        let begun = self.begun(deed, id)?;
        let request_id = begun.clone().unwrap_or_else(request_id);
        if begun.is_none() {
            self.write(deed, Phase::Intent, &request_id, id, "")?;
        }
        let request = Request { request_id: Some(&request_id), ..*request };
        let mut tries = 0;
        loop {
            tries += 1;
            match asked(self.ui(), |tell| ask(&request, tell)) {
                Ok(answer) => {
                    let (id, note) = said(&answer);
                    self.write(deed, Phase::Done, &request_id, &id, &note)?;
                    return Ok(Came::Done(answer));
                }
                Err(CallError::Refused(refused)) if refused.partial.credential_id.is_some() => {
                    let left = refused.partial.credential_id.clone().unwrap_or_default();
                    self.write(deed, Phase::Failed, &request_id, &left, &refused.kind)?;
                    return Ok(Came::Refused(CallError::Refused(refused)));
                }
                Err(error) if error.leaves_open() => {
                    self.ui().warn(&error.to_string());
                    if tries == 2 || interrupt::came() {
                        return Ok(Came::Unknown(error));
                    }
                    self.ui().say("  asking once more: the same request does nothing twice");
                }
                Err(error) => {
                    self.write(deed, Phase::Failed, &request_id, id, &error.to_string())?;
                    return Ok(Came::Refused(error));
                }
            }
        }
    }

    /// Returns the request id of a change that an earlier run has begun, for the same sets.
    fn begun(&self, deed: Deed, id: &str) -> Result<Option<String>, Failure> {
        let lines = self.lines()?;
        let same = |line: &&Line| {
            line.successor == self.successor_code() && (id.is_empty() || line.credential == id)
        };
        let open = open_intent(&lines, &self.journal_set(), deed).filter(same);
        Ok(open.map(|line| line.request.clone()))
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
        let request = Request { auth: self.old_credential.as_ref(), ..self.request() };
        let create = |request: &Request<'_>, tell: Tell<'_>| self.driver.create(request, tell);
        let said = |made: &Made| (made.credential.id.clone(), String::new());
        let Made { credential, expires_at, .. } =
            match self.change((Deed::Create, ""), &request, create, said)? {
                Came::Done(made) => made,
                Came::Refused(error) => return Err(not_made(&error, self.again())),
                Came::Unknown(error) => {
                    return Err(Failure::invalid(error.to_string()).hint(format!(
                    "run `{}` again: it asks for the same thing once more, and finds what there is",
                    self.again()
                )));
                }
            };
        let id = credential.id.clone();
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

    /// Returns the public id of the old credential.
    pub(super) fn old_id(&self) -> String {
        let old = self.old_credential.as_ref().map(|old| old.id.clone());
        old.unwrap_or_else(|| {
            self.old.as_ref().map(|old| old.credential.clone()).unwrap_or_default()
        })
    }

    /// Puts the new secret in the place of the old one.
    pub(super) fn set(&mut self) -> Result<(), Failure> {
        match self.ask_set()? {
            // trying both tells what happened
            Came::Done(()) | Came::Unknown(_) => {}
            Came::Refused(error) => {
                return Err(Failure::invalid(error.to_string()).hint(
                    "the old credential is untouched; mend it and run `breakglass rotate` again",
                ));
            }
        }
        self.ui().say(&format!("  {} has the new secret{}", self.old_id(), self.sessions));
        self.facts.end_asked = true;
        self.facts.opened_valid = None;
        self.changed = true;
        Ok(())
    }

    /// Where nobody knows what came of a `set`, sessions of the old secret may be open: the same question, put again, changes
    /// nothing and ends them.
    pub(super) fn finish_set(&mut self) -> Result<(), Failure> {
        if self.begun(Deed::Set, "")?.is_some() && !matches!(self.ask_set()?, Came::Done(())) {
            self.ui().warn(SESSIONS_LEFT.trim_start_matches(", "));
            self.sessions = SESSIONS_LEFT.into();
        }
        Ok(())
    }

    fn ask_set(&mut self) -> Result<Came<()>, Failure> {
        let Some(new) = self.successor() else { return Err(lost()) };
        let changed = parts::only(&new.secret, &self.described.secret_fields);
        let request =
            Request { auth: self.old_credential.as_ref(), new: Some(&changed), ..self.request() };
        let set = |request: &Request<'_>, tell: Tell<'_>| self.driver.set(request, tell);
        let said = |made: &Made| (made.credential.id.clone(), String::new());
        Ok(match self.change((Deed::Set, ""), &request, set, said)? {
            Came::Done(made) => {
                self.sessions = in_words(&made.sessions);
                Came::Done(())
            }
            Came::Refused(error) => Came::Refused(error),
            Came::Unknown(error) => Came::Unknown(error),
        })
    }

    /// Ends the old credential, with the new one.
    pub(super) fn revoke_old(&mut self) -> Result<(), Failure> {
        let id = self.old_id();
        if self.successor().is_none_or(|new| new.id == id || new.id.is_empty()) {
            return Err(Failure::invalid(format!(
                "old and new credential are both called {id}: nothing is revoked"
            ))
            .hint("look at the ISSUE records: `breakglass log show`"));
        }
        let sessions = self.revoke(&id, self.successor())?;
        self.sessions = sessions.unwrap_or_else(|| SESSIONS_LEFT.to_owned());
        self.facts.end_asked = true;
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
        let request = Request { auth, credential_id: Some(id), ..self.request() };
        let revoke = |request: &Request<'_>, tell: Tell<'_>| self.driver.revoke(request, tell);
        let said = |revoked: &Revoked| (id.to_owned(), revoked.status.clone());
        match self.change((Deed::Revoke, id), &request, revoke, said)? {
            Came::Done(revoked) => {
                let sessions = in_words(&revoked.sessions);
                let status = crate::ui::plain(&revoked.status).replace('_', " ");
                self.ui().say(&format!("  {id}: {status}{sessions}"));
                Ok(Some(sessions))
            }
            Came::Unknown(_) => Ok(None),
            Came::Refused(error) => Err(Failure::new(Exit::StillValid, error.to_string())
                .hint("both credentials are on paper; run `breakglass rotate` again")),
        }
    }

    /// Returns what the journal is about: the set that is to be retired.
    pub(super) fn journal_set(&self) -> String {
        self.old.as_ref().map_or("first".to_owned(), |old| old.subject.set.to_string())
    }

    /// Returns the code of the set that follows; nothing before it is dealt.
    fn successor_code(&self) -> String {
        self.new_code.clone().unwrap_or_default()
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
            successor: self.successor_code(),
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

/// Asks what changes nothing; no answer is an end.
pub(super) fn asked_or_fail<T>(
    run: &Run<'_>,
    ask: impl FnOnce(&dyn Fn(&str)) -> Result<T, CallError>,
) -> Result<T, Failure> {
    let begun =
        if run.changed { "keep the papers of both generations" } else { "nothing was changed" };
    asked(run.ui(), ask).map_err(|e| {
        Failure::invalid(e.to_string())
            .hint(format!("{begun}; mend it and run `breakglass rotate` again"))
    })
}

fn not_made(error: &CallError, again: &str) -> Failure {
    let kind = match error {
        CallError::Refused(refused) => refused.kind.as_str(),
        _ => "",
    };
    let hint = match kind {
        "limit" => {
            "the platform holds as many as it may: revoke one that nobody has on paper, then rotate again".to_owned()
        }
        "conflict" | "partial" => {
            format!("run `{again}` again: it shows what was left behind and revokes it on consent")
        }
        _ => format!("nothing was made; mend it and run `{again}` again"),
    };
    Failure::invalid(error.to_string()).hint(hint)
}

/// Says what became of the sessions that were open.
fn in_words(sessions: &Sessions) -> String {
    let ended = sessions.terminated.map(|count| format!(", {count} sessions ended"));
    let left = sessions.surviving_until.as_ref().map(|until| crate::ui::plain(until));
    let left = left.map(|until| format!(", sessions live on: {until}"));
    [ended, left].into_iter().flatten().collect()
}

fn request_id() -> String {
    hex(&rng::bytes::<16>(&mut rng::os()))
}

/// What a step needs was not there: a fault of the plan, never of the user.
pub(super) fn lost() -> Failure {
    Failure::invalid("a step came before what it needs; please report this")
}
