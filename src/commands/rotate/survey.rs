//! What an interrupted run may have left on the platform: found, shown, and ended on consent.

use super::Run;
use super::platform::asked_or_fail;
use super::trial::no_answer;
use crate::exit::Exit;
use crate::rotation::answer::Report;
use crate::rotation::journal::{self, Deed, Phase, open_intent};
use crate::rotation::protocol::{Request, Verb};
use crate::state::Set;
use crate::ui::Failure;

/// Whose an orphan is that the journal knows.
const OURS: &str = "an interrupted run of this kit made it";

/// A credential that no confirmed paper holds.
struct Orphan {
    id: String,
    /// What is known of it, in words.
    words: String,
}

impl Run<'_> {
    /// Asks what there is on the platform; what nobody has on paper is revoked on consent.
    pub(super) fn survey(&mut self) -> Result<(), Failure> {
        let ours = self.left_behind()?;
        // whose other credentials there are before the first one is no business of this kit
        let report = if self.facts.first { None } else { self.heard()? };
        let orphans = if let Some(report) = &report {
            self.orphans(report, &ours)?
        } else {
            let words = OURS.to_owned();
            ours.iter().map(|id| Orphan { id: id.clone(), words: words.clone() }).collect()
        };
        if orphans.is_empty() && report.is_some() {
            self.ui().say("  every credential there is on paper");
        }
        for Orphan { id, words } in orphans {
            self.ui().warn(&format!("{id} is on no confirmed paper: {words}"));
            if !self.may_revoke(&id)? {
                return Err(Failure::new(Exit::No, format!("{id} was left as it is")).hint(
                    "find out whose it is; if an interrupted run has left it, say `y`, or `breakglass rotate --orphan ID`",
                ));
            }
            if self.revoke(&id, self.old_credential.as_ref())?.is_none() {
                return Err(no_answer());
            }
            self.record_orphan(&id, &words)?;
        }
        if report.is_some_and(|report| report.complete) {
            self.close_intents()?;
        }
        self.facts.surveyed = true;
        Ok(())
    }

    /// Asks the platform, where the driver can.
    fn heard(&self) -> Result<Option<Report>, Failure> {
        if !self.described.can(Verb::Report) {
            self.ui().warn("the driver has no report: only what the journal knows can be seen");
            return Ok(None);
        }
        let request = Request { auth: self.old_credential.as_ref(), ..self.request() };
        let report = asked_or_fail(self, |tell| self.driver.report(&request, tell))?;
        if !report.complete {
            self.ui().warn("the platform does not list every credential: there may be more");
        }
        let old = self.old_id();
        if report.complete && report.status(&old) != Some("active") {
            return Err(Failure::invalid(format!(
                "the platform does not list {old} as active, which the records call the old credential"
            ))
            .hint("find out which credential the papers hold before anything is revoked"));
        }
        Ok(Some(report))
    }

    fn orphans(&self, report: &Report, ours: &[String]) -> Result<Vec<Orphan>, Failure> {
        let (state, old) = (self.state()?, self.old_id());
        let known = |id: &str| {
            let alive = |set: &&Set| state.stage(set).is_alive() && set.credential == id;
            id == old || state.sets.iter().any(|set| alive(&set))
        };
        // of a run that died in the middle nobody knows the id
        let lines = self.lines()?;
        let died = open_intent(&lines, &self.journal_set(), Deed::Create);
        let theirs = died.map_or("this kit did NOT make it".to_owned(), |line| {
            format!(
                "this kit may have made it: a run was ended in the middle of that at {}",
                line.at
            )
        });
        let orphan = |item: &crate::rotation::answer::Item| {
            let made = Some(&item.created_at).filter(|at| !at.is_empty());
            let made = made.map(|at| format!(", made {at}")).unwrap_or_default();
            let whose = if ours.contains(&item.id) { OURS } else { theirs.as_str() };
            Orphan { id: item.id.clone(), words: format!("{}{made}; {whose}", item.status) }
        };
        Ok(report.live().filter(|item| !known(&item.id)).map(orphan).collect())
    }

    /// Returns the credentials that interrupted runs have made, and that nobody has ended.
    pub(super) fn left_behind(&self) -> Result<Vec<String>, Failure> {
        let (lines, state) = (self.lines()?, self.state()?);
        let ended = |id: &str| {
            let revoked = |set: &Set| set.revoked.is_some() && set.credential == id;
            state.sets.iter().any(revoked)
                || lines.iter().any(|line| {
                    line.deed == Deed::Revoke && line.phase == Phase::Done && line.credential == id
                })
        };
        let kept = |id: &str| {
            let holds = |set: &Set| {
                set.is_confirmed() && state.stage(set).is_alive() && set.credential == id
            };
            state.sets.iter().any(holds)
        };
        let made = journal::made(&lines);
        Ok(made.filter(|id| !ended(id) && !kept(id)).map(str::to_owned).collect())
    }

    fn may_revoke(&self, id: &str) -> Result<bool, Failure> {
        if self.args.orphan.iter().any(|named| named == id) {
            return Ok(true);
        }
        if !self.ui().can_ask() {
            return Ok(false);
        }
        self.ui().confirm(&format!("Revoke {id}?"), "`--orphan ID`")
    }

    /// What an earlier run had begun is known now: the platform has listed everything.
    fn close_intents(&self) -> Result<(), Failure> {
        let lines = self.lines()?;
        if let Some(line) = open_intent(&lines, &self.journal_set(), Deed::Create) {
            let note = "the platform has listed what there is";
            self.write(Deed::Create, Phase::Failed, &line.request, "", note)?;
        }
        Ok(())
    }
}
