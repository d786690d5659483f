//! A rotation as a ceremony: the steps of the printed script around those of the plan.

use super::{Run, Staged};
use crate::commands::ceremony::script::{Kind, Place};
use crate::commands::ceremony::{Ceremony, Told};
use crate::rotation::plan::Step;
use crate::ui::Failure;

/// Returns the step of the script that a step of the plan belongs to.
fn place(step: Step) -> Option<Place> {
    Some(match step {
        Step::OpenOld => Place::OldSheets,
        Step::ProveOld | Step::Survey | Step::Make | Step::ProveMade => Place::Platform,
        Step::Deal => Place::Deal,
        Step::ProveNew
        | Step::Set
        | Step::Revoke
        | Step::ProveDead
        | Step::Report
        | Step::Record => Place::Revoke,
        // the sheets have steps of their own
        Step::Void | Step::OpenNew | Step::Done | Step::NewRefused | Step::OldAlive => return None,
    })
}

impl Run<'_> {
    /// Calls the roll, where a ceremony is asked for. The new set is dealt by the method file of today.
    pub(super) fn begin_ceremony(&mut self) -> Result<(), Failure> {
        if !self.args.staging.ceremony {
            return Ok(());
        }
        let (method, _) = self.kit.method()?;
        let told = Told {
            staging: &self.args.staging,
            media: self.args.media,
            witness: self.args.custody.witness.as_deref(),
            watch: self.args.new_watch.clone(),
            time: self.args.custody.time.as_deref(),
            exception: self.args.custody.exception.as_deref(),
        };
        let ceremony = Ceremony::begin(self.context, Kind::Rotation, &method, &told)?;
        self.staged = Some(Staged { ceremony, place: None, dealt: None });
        Ok(())
    }

    /// Reads the script's step out before the plan's first step that belongs to it.
    pub(super) fn read_out(&mut self, step: Step) {
        let Some(staged) = &mut self.staged else { return };
        let Some(place) = place(step).filter(|place| staged.place != Some(*place)) else { return };
        staged.ceremony.say(place);
        staged.place = Some(place);
    }

    /// Reads out the last steps of the script.
    pub(super) fn close(&self) {
        if let Some(staged) = &self.staged {
            staged.ceremony.close();
        }
    }
}
