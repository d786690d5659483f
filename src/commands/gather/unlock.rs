//! Locked sheets among those that came in: which are wanted, what was tried, who is asked.

use super::Gathering;
use crate::codes::payload::LockedShare;
use crate::commands::locks;
use crate::opening::Group;
use crate::sealing::lock;
use crate::ui::Failure;

impl Gathering<'_> {
    /// Says whether the sheets that are here would be enough, were they unlocked, and somebody can be asked.
    pub(super) fn wants_unlocking(&mut self) -> bool {
        let enough =
            |g: &Group| g.numbers.len() + g.locked.len() >= g.manifest.threshold.k().into();
        self.context.ui.can_ask() && self.groups().iter().any(enough)
    }

    /// Opens what the key files open.
    pub(super) fn try_keys(&mut self) {
        let new = |locked: &&LockedShare| !self.tried.contains(locked);
        let locked: Vec<LockedShare> =
            self.pile.locked().map(|(locked, _)| locked).filter(new).cloned().collect();
        for locked in locked {
            match locks::try_keys(&locked, &self.keys) {
                Ok(Some(share)) => self.pile.unlock(&locked, share),
                Ok(None) => {}
                Err(error) => self.context.ui.warn(&format!("sheet {}: {error}", locked.sheet)),
            }
            // once is enough: a plugin would ask for its touch or PIN again
            self.tried.push(locked);
        }
    }

    /// Says whether a locked sheet is here whose key nobody was asked for yet.
    pub(in crate::commands) fn wants_a_key(&mut self) -> bool {
        let groups = self.groups();
        groups.iter().any(|group| self.next_lock(group).is_some())
    }

    /// Returns a locked sheet of a set whose number is still wanted, and that was not left locked.
    fn next_lock(&self, group: &Group) -> Option<LockedShare> {
        let case = self.examine(group);
        // whoever is asked for one sheet after the other has to show that each lock opens
        let awaited = |locked: &LockedShare| {
            self.awaited.is_some_and(|(set, sheet)| set == case.code && sheet == locked.sheet)
        };
        let wanted = |locked: &&LockedShare| {
            locked.set == case.code.bytes()
                && (awaited(locked) || !group.numbers.contains(&locked.sheet.x()))
                && !self.left_locked.contains(locked)
                && lock::asks(&locked.locked).is_some()
        };
        let mut all = self.pile.locked().map(|(locked, _)| locked).filter(wanted);
        all.find(|locked| awaited(locked) || case.missing() > 0).cloned()
    }

    /// Asks for what opens one locked sheet whose number is still wanted; false when there is none.
    pub(in crate::commands) fn ask_to_unlock(&mut self) -> Result<bool, Failure> {
        for group in self.groups() {
            if self.ask_to_unlock_of(&group)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The same for the sheets of one set.
    pub(in crate::commands) fn ask_to_unlock_of(&mut self, group: &Group) -> Result<bool, Failure> {
        let Some(locked) = self.next_lock(group) else { return Ok(false) };
        let case = self.examine(group);
        let method = self.dealt_method(&case);
        let custodian = method.as_ref().and_then(|m| m.custodian(locked.sheet));
        if let Some(share) = locks::ask(&self.context.ui, &locked, custodian)? {
            self.pile.unlock(&locked, share);
            self.tell_sheets();
        } else {
            self.left_locked.push(locked);
            self.context.ui.must_say("Left locked; `unlock` at the prompt asks again.");
        }
        Ok(true)
    }
}
