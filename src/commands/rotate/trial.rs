//! Credentials are tried, and the platform is heard: what decides is what it lets in, never what a line says.

use std::thread;
use std::time::{Duration, Instant};

use super::Run;
use super::platform::{lost, tell};
use crate::clock;
use crate::commands::driver::told;
use crate::exit::Exit;
use crate::rotation::answer::{Mode, Validity};
use crate::rotation::evidence;
use crate::rotation::plan::Death;
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
    pub(super) fn prove_old(&self) -> Result<(), Failure> {
        let Some(old) = &self.old_credential else { return Err(lost()) };
        match self.tried(old, Validity::Valid, false)? {
            Validity::Valid => {
                self.ui().say("  it is let in");
                Ok(())
            }
            Validity::Unknown => Err(no_answer()),
            refused => Err(Failure::invalid(format!(
                "the platform does not let the old credential in: {}",
                word(refused)
            ))
            .hint("nothing was made; look at [rotation.target] of the dealt method, and at what the papers should hold: `breakglass log show`")),
        }
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
        self.ui().say(if valid { "  it is let in" } else { "  it is refused" });
        self.facts.opened_valid = Some(valid);
        Ok(())
    }

    /// Tries the old credential: it has to be refused.
    pub(super) fn prove_dead(&mut self) -> Result<(), Failure> {
        if self.facts.mode == Mode::Replace && !self.facts.revoked {
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
        }
        Ok(())
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
            let verified = tell(self, |tell| self.driver.verify(&request, tell))?;
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
                    self.ui().say(&format!("  {}", verified.detail));
                }
                return Ok(status);
            }
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
        let report = match told(self.ui(), |tell| self.driver.report(&request, tell)) {
            Ok(report) => report,
            Err(error) => {
                // the old one was seen refused: that is recorded, with evidence or without
                self.ui().warn(&format!("there is no evidence file: {error}"));
                return Ok(());
            }
        };
        let folder = self.kit.dir().join("evidence");
        let now = clock::Instant::now();
        let evidence = evidence::write(&folder, &self.described.name, &report, now)
            .map_err(|e| Failure::invalid(e.to_string()))?;
        self.ui().say(&format!("  {}", evidence.path.display()));
        self.evidence.push(evidence);
        if self.facts.mode == Mode::Overlap && report.status(&self.old_id()) == Some("active") {
            self.facts.old = Death::Alive;
        }
        Ok(())
    }
}

fn word(status: Validity) -> String {
    format!("{status:?}").to_lowercase()
}

pub(super) fn no_answer() -> Failure {
    Failure::new(Exit::StillValid, "the platform gave no answer, so nobody knows")
        .hint("look whether the network is on, and run `breakglass rotate` again")
}
