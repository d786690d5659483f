//! Credentials are tried, and the platform is heard: what decides is what it lets in, never what a line says.

use std::thread;
use std::time::{Duration, Instant};

use super::Run;
use super::platform::{asked_or_fail, lost};
use crate::clock;
use crate::commands::driver::asked;
use crate::exit::Exit;
use crate::interrupt;
use crate::rotation::answer::{Item, Mode, Report, Validity};
use crate::rotation::evidence;
use crate::rotation::journal::{Deed, Phase, open_intent};
use crate::rotation::plan::{Death, Successor};
use crate::rotation::protocol::{Credential, Request, Verb};
use crate::ui::Failure;

/// How long a platform may take until everybody there knows of a change; tests do not wait for theirs.
const PROPAGATION: Duration = Duration::from_secs(if cfg!(debug_assertions) { 5 } else { 90 });
/// Between two tries.
const PAUSE: Duration = Duration::from_secs(3);
/// Tries of a platform that does not answer.
const TRIES: u32 = 3;

impl Run<'_> {
    /// Tries the old credential before a new one is made: what the papers hold has to be what the platform has.
    pub(super) fn prove_old(&mut self) -> Result<(), Failure> {
        let Some(old) = &self.old_credential else { return Err(lost()) };
        match self.tried(old, Validity::Valid, false)? {
            Validity::Valid => {
                self.facts.old_let_in = true;
                self.ui().say("  it is let in");
                Ok(())
            }
            Validity::Unknown if self.may_have_moved() => Err(no_answer().hint(
                "look whether the network is on; if the place that the old set was dealt with is no more: `breakglass rotate --as-approved WHY` uses [rotation] of today's method.toml for it, too",
            )),
            Validity::Unknown => Err(no_answer()),
            refused if self.facts.successor == Successor::HalfMade => {
                let state = self.state()?;
                let code = self.new_code.as_deref().unwrap_or_default();
                let generation = state.set(code).map(|set| set.generation).unwrap_or_default();
                Err(Failure::new(
                    Exit::StillValid,
                    format!(
                        "the platform does not let the old credential in ({}): generation {generation} may be the one that works, and is not voided",
                        word(refused)
                    ),
                )
                .hint("scan its sheets back with `breakglass confirm SCANS`, then `breakglass rotate` goes on with them"))
            }
            refused => Err(Failure::invalid(format!(
                "the platform does not let the old credential in: {}",
                word(refused)
            ))
            .hint(if self.may_have_moved() {
                "nothing was made; the old set was dealt with another [rotation] than method.toml has today: `breakglass rotate --as-approved WHY` uses today's for it, too"
            } else {
                "nothing was made; look at [rotation.target] of the dealt method, and at what the papers should hold: `breakglass log show`"
            })),
        }
    }

    fn may_have_moved(&self) -> bool {
        self.moved && self.args.as_approved.is_none()
    }

    /// Tries the new secret before it goes onto paper.
    pub(super) fn prove_made(&mut self) -> Result<(), Failure> {
        let Some(made) = &self.made else { return Err(lost()) };
        match self.tried(made, Validity::Valid, true)? {
            Validity::Valid => {
                self.facts.made_valid = true;
                self.ui().say("  it is let in");
                Ok(())
            }
            other => Err(Failure::invalid(format!(
                "the platform does not let the new credential in: {}",
                word(other)
            ))
            .hint("nothing was dealt and the old one is untouched; run `breakglass rotate` again: it shows what was left behind")),
        }
    }

    /// Tries what the new sheets gave.
    pub(super) fn prove_new(&mut self) -> Result<(), Failure> {
        let Some(new) = &self.new_credential else { return Err(lost()) };
        let status = self.tried(new, Validity::Valid, self.changed)?;
        let valid = match status {
            Validity::Valid => true,
            status if status.is_refused() => false,
            _ => return Err(no_answer()),
        };
        // before the change this is how it has to be
        let early = self.facts.mode == Mode::Replace && !self.facts.end_asked;
        self.ui().say(match valid {
            true => "  it is let in",
            false if early => "  it is refused, as it should be: the platform does not know it yet",
            false => "  it is refused",
        });
        self.facts.opened_valid = Some(valid);
        Ok(())
    }

    /// Tries the old credential: it has to be refused.
    pub(super) fn prove_dead(&mut self) -> Result<(), Failure> {
        if self.facts.mode == Mode::Replace {
            self.finish_set()?;
        }
        let Some(old) = &self.old_credential else { return Err(lost()) };
        self.facts.old = match self.tried(old, Validity::Invalid, self.changed)? {
            Validity::Valid => Death::Alive,
            Validity::Unknown => return Err(no_answer()),
            _ => Death::Dead,
        };
        if self.facts.old == Death::Dead {
            self.ui().say("  it is refused");
            self.close_revocation()?;
        }
        Ok(())
    }

    /// What came of a `revoke` is known now.
    fn close_revocation(&self) -> Result<(), Failure> {
        let (lines, id) = (self.lines()?, self.old_id());
        match open_intent(&lines, &self.journal_set(), Deed::Revoke) {
            Some(line) if line.credential == id => {
                self.write(Deed::Revoke, Phase::Done, &line.request, &id, "it is refused")
            }
            _ => Ok(()),
        }
    }

    /// Tries a credential until it is as it should be, as long as a change may take.
    pub(super) fn tried(
        &self,
        credential: &Credential,
        wanted: Validity,
        changed: bool,
    ) -> Result<Validity, Failure> {
        let until = Instant::now() + PROPAGATION;
        let mut tries = 0;
        loop {
            let request = Request { credential: Some(credential), ..self.request() };
            let verified = asked_or_fail(self, |tell| self.driver.verify(&request, tell))?;
            tries += 1;
            let status = verified.status;
            let fine = match wanted {
                Validity::Valid => status == Validity::Valid,
                _ => status.is_refused(),
            };
            let waits = match status {
                Validity::Unknown => tries < TRIES,
                _ => changed && Instant::now() < until,
            };
            if fine || !waits {
                if status == Validity::Unknown && !verified.detail.is_empty() {
                    self.ui().say(&format!("  {}", crate::ui::plain(&verified.detail)));
                }
                return Ok(status);
            }
            if interrupt::came() {
                return Err(Failure::interrupted());
            }
            let how = match status {
                Validity::Unknown => "there was no answer",
                Validity::Valid => "it is still let in",
                _ => "it is still refused",
            };
            self.ui()
                .say(&format!("  {how}; some platforms take their time, so it is tried again"));
            thread::sleep(PAUSE);
        }
    }

    /// Takes the platform's own report as evidence.
    pub(super) fn report(&mut self) -> Result<(), Failure> {
        self.facts.reported = true;
        if !self.described.can(Verb::Report) {
            self.ui().warn("the driver has no report: there will be no evidence file");
            return Ok(());
        }
        let request = Request { auth: self.new_credential.as_ref(), ..self.request() };
        let mut report = match asked(self.ui(), |tell| self.driver.report(&request, tell)) {
            Ok(report) => report,
            Err(error) => {
                // the old one was seen refused: that is recorded, with evidence or without
                self.ui().warn(&format!("there is no evidence file: {error}"));
                return Ok(());
            }
        };
        let id = self.old_id();
        // the credential that this rotation has logged in with and ended is named: by itself a list names only what is there
        let named = report.items.iter().any(|item| item.id == id);
        if self.facts.mode == Mode::Overlap && report.complete && !named && !id.is_empty() {
            let (status, created_at) = ("absent".to_owned(), String::new());
            report.items.push(Item { id: id.clone(), status, created_at });
        }
        self.keep(&report);
        if self.facts.mode == Mode::Overlap {
            match report.status(&id) {
                Some("active") => self.facts.old = Death::Alive,
                // whoever may switch keys could switch it on again
                Some("inactive") => {
                    self.facts.old = Death::Unknown;
                    let message = format!("{id} is only switched off: the platform still has it");
                    return Err(Failure::new(Exit::StillValid, message)
                        .hint("run `breakglass rotate` again: it revokes it once more"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Keeps a report as a file. That the old one is refused was seen and is recorded, with evidence or without.
    fn keep(&mut self, report: &Report) {
        let folder = self.kit.dir().join("evidence");
        let none = std::collections::BTreeMap::new();
        let target = self.method.rotation.as_ref().map_or(&none, |rotation| &rotation.target);
        let about = (self.described.name.as_str(), target);
        match evidence::write(&folder, about, report, clock::Instant::now()) {
            Ok(evidence) => {
                self.ui().say(&format!("  {}", evidence.path.display()));
                self.evidence.push(evidence);
            }
            Err(error) => self.ui().warn(&format!("there is no evidence file: {error}")),
        }
    }
}

fn word(status: Validity) -> String {
    format!("{status:?}").to_lowercase()
}

pub(super) fn no_answer() -> Failure {
    Failure::new(Exit::StillValid, "the platform gave no answer, so nobody knows")
        .hint("look whether the network is on, and run `breakglass rotate` again")
}
