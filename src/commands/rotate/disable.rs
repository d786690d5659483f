//! `rotate --disable`: a credential is switched off for the night, when the people for a rotation are not there yet.
//!
//! Nothing is on paper that could switch it on again, so somebody else has to be able to: a second method, named.

use super::Run;
use super::platform::Came;
use crate::exit::Exit;
use crate::rotation::answer::{Revoked, Validity};
use crate::rotation::driver::Tell;
use crate::rotation::journal::Deed;
use crate::rotation::plan::{Step, Successor};
use crate::rotation::protocol::{Request, Verb};
use crate::ui::Failure;

impl Run<'_> {
    /// Opens the old set, switches its credential off, tries it, and records that.
    pub(super) fn disable(&mut self) -> Result<Exit, Failure> {
        let name = &self.described.name;
        if !self.described.can(Verb::Disable) {
            let message = format!("{name} cannot switch a credential off");
            return Err(Failure::new(Exit::No, message)
                .hint("`breakglass rotate` puts a new one in its place"));
        }
        let second = self.second_method()?;
        if self.facts.successor != Successor::None {
            return Err(Failure::new(Exit::No, "its successor is dealt already")
                .hint("`breakglass rotate` goes on with that"));
        }
        let ui = self.ui();
        ui.must_say(&format!("{}: driver {name}", self.method.id));
        ui.must_say(
            "  its credential is switched off, not revoked: nobody gets in with the sheets",
        );
        ui.must_say(&format!("  until {second} has switched it on again"));
        if self.args.dry_run {
            return Ok(Exit::Done);
        }
        self.check_tools()?;
        self.check_logbook()?;
        self.record_move()?;
        if self.ui().can_ask() && !self.ui().confirm("Switch it off?", "`--no-input`")? {
            return Err(Failure::new(Exit::No, "nothing was switched off"));
        }
        if !self.facts.old_in_hand {
            self.network(Step::OpenOld)?;
            self.open_old()?;
        }
        self.network(Step::Revoke)?;
        let id = self.old_id();
        self.switch_off(&id)?;
        // it may be off, whatever the try says: that is not to be forgotten
        let seen = self.seen_off();
        self.record_disabled(&id, &second, seen.is_ok())?;
        seen?;
        self.context.hint(&format!(
            "to rotate it, {second} switches it on again first; the time for the revocation runs on"
        ));
        Ok(Exit::Done)
    }

    /// Whoever could switch it on again, which cannot be this method itself.
    fn second_method(&self) -> Result<String, Failure> {
        let second = self.args.undo_with.as_deref().map(crate::ui::plain).unwrap_or_default();
        let second = second.trim().to_owned();
        let why = if second.is_empty() {
            "nobody could switch it on again: its own sheets cannot".to_owned()
        } else if second == self.method.id {
            format!("{second} is this method, whose sheets could not log in any more")
        } else {
            return Ok(second);
        };
        Err(Failure::new(Exit::No, why).hint(
            "name the second method that can: `breakglass rotate --disable --undo-with METHOD`",
        ))
    }

    fn switch_off(&mut self, id: &str) -> Result<(), Failure> {
        let request = Request {
            auth: self.old_credential.as_ref(),
            credential_id: Some(id),
            ..self.request()
        };
        let disable = |request: &Request<'_>, tell: Tell<'_>| self.driver.disable(request, tell);
        let said = |answer: &Revoked| (id.to_owned(), answer.status.clone());
        if let Came::Refused(error) = self.change((Deed::Disable, id), &request, disable, said)? {
            return Err(Failure::new(Exit::StillValid, error.to_string())
                .hint("it still works; mend it and try again, or `breakglass rotate`"));
        }
        self.changed = true;
        Ok(())
    }

    /// Tries it: it has to be refused.
    fn seen_off(&self) -> Result<(), Failure> {
        let Some(old) = &self.old_credential else { return Err(super::platform::lost()) };
        match self.tried(old, Validity::Disabled, true)? {
            status if status.is_refused() => {
                self.ui().say("  it is refused");
                Ok(())
            }
            Validity::Unknown => Err(super::trial::no_answer()),
            _ => Err(Failure::new(Exit::StillValid, "it was switched off, and STILL WORKS").hint(
                "some platforms take their time: try again in a minute, or `breakglass rotate`",
            )),
        }
    }
}
