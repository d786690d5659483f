//! What a step is called, and what is said of where things stand.

use super::Run;
use crate::commands::print;
use crate::rotation::answer::Mode;
use crate::rotation::journal::{Deed, open_intent};
use crate::rotation::plan::{self, Papers, Step, Successor};
use crate::state::{Fate, Set};
use crate::ui::Failure;

/// Returns what a step does, for people.
fn label(step: Step, mode: Mode) -> &'static str {
    match step {
        Step::OpenOld => "open the old set from k of its sheets",
        Step::ProveOld => "try the old credential: it has to be let in",
        Step::Survey => "ask the platform which credentials there are",
        Step::Make if mode == Mode::Overlap => "make the new credential on the platform",
        Step::Make => "make the new secret here; the platform does not know it yet",
        Step::ProveMade => "try the new credential",
        Step::Deal => "seal the new credential and write its sheets",
        Step::Void => "void the set that was left half made",
        Step::OpenNew => "print, scan the new sheets back, and open the new set from them",
        Step::ProveNew => "try what the new sheets give",
        Step::Set => "put the new secret in the place of the old one",
        Step::Revoke => "revoke the old credential, with the new one",
        Step::ProveDead => "try the old credential: it has to be refused",
        Step::Report => "take the platform's own report as evidence",
        Step::Record => "record the revocation and the rotation",
        Step::Done => "done",
        Step::NewRefused => "stop: the platform refuses what the new sheets give",
        Step::OldAlive => "stop: the old credential still works",
    }
}

/// Returns the line before a step.
pub(super) fn announced(step: Step, mode: Mode) -> String {
    let network = match step.network(mode) {
        Some(true) => "  [network on]",
        Some(false) => "  [network off]",
        None => "",
    };
    format!("> {}{network}", label(step, mode))
}

/// Returns the name of the place in a test that lets the program die.
pub(super) fn place(step: Step) -> &'static str {
    match step {
        Step::OpenOld => "before opening the old set",
        Step::ProveOld => "before trying whether the old one works",
        Step::Survey => "before the survey",
        Step::Make => "before making the new secret",
        Step::ProveMade => "before trying the new secret",
        Step::Deal => "before dealing",
        Step::Void => "before voiding",
        Step::OpenNew => "before opening the new set",
        Step::ProveNew => "before trying what the sheets give",
        Step::Set => "before setting",
        Step::Revoke => "before revoking",
        Step::ProveDead => "before trying the old one",
        Step::Report => "before the report",
        Step::Record => "before recording",
        Step::Done | Step::NewRefused | Step::OldAlive => "at the end",
    }
}

impl Run<'_> {
    /// Says where it stands, what is safe now, and what comes.
    pub(super) fn tell_where_it_stands(&self) -> Result<(), Failure> {
        let ui = self.ui();
        let mode = self.facts.mode;
        let how = match mode {
            Mode::Overlap => {
                "old and new credential live side by side until the new one is on paper"
            }
            Mode::Replace => "the new secret takes the place of the old one when it is on paper",
        };
        let name = &self.described.name;
        ui.must_say(&format!("{}: driver {name}, {how}", self.method.id));
        match &self.old {
            Some(old) => {
                let id = Some(&old.credential).filter(|id| !id.is_empty());
                let id = id.map(|id| format!(" ({id})")).unwrap_or_default();
                ui.must_say(&format!(
                    "  old   generation {}{id}, {}",
                    old.subject.generation, old.subject.set
                ));
            }
            None => ui.must_say("  old   none: this makes the first credential"),
        }
        let new = self.new_code.as_deref().unwrap_or_default();
        ui.must_say(&match self.facts.successor {
            Successor::None | Successor::Fresh => "  new   not made yet".to_owned(),
            Successor::HalfMade => format!("  new   {new}, dealt, and too few sheets were read back: this voids it, the old one stays in use;\n        `breakglass confirm SCANS` first, and it goes on with them instead"),
            Successor::Confirmed => format!("  new   {new}, on paper; both are kept until this run has opened the new one itself"),
        });
        let unnamed = self.old.as_ref().is_some_and(|old| old.credential.is_empty());
        let names_itself = self.described.secret_fields.iter().any(|field| field == "id");
        if unnamed && mode == Mode::Overlap && !names_itself {
            ui.warn(&format!(
                "the records do not know the public id of the old credential: {}",
                self.how_to_name_it()
            ));
        }
        if self.moved && self.args.as_approved.is_none() {
            ui.warn("[rotation] is not the one that the old set was dealt with, which is used for it; if that place is no more: `breakglass rotate --as-approved WHY`");
        }
        for id in self.left_behind()? {
            ui.warn(&format!("{id} was made by a run that was interrupted; it may work, and is on no confirmed paper"));
        }
        for deed in [Deed::Create, Deed::Set, Deed::Disable, Deed::Revoke] {
            if let Some(line) = open_intent(&self.lines()?, &self.journal_set(), deed) {
                ui.warn(&format!(
                    "an earlier run was ended in the middle of a `{}` at {}: nobody knows yet what came of it",
                    format!("{deed:?}").to_lowercase(),
                    line.at
                ));
            }
        }
        ui.must_say("next");
        for step in plan::ahead(self.facts) {
            let papers = match step.papers() {
                Papers::None => "",
                Papers::Old => "; needs k sheets of the old set",
                Papers::New => "; needs sheets of the new set",
            };
            let line = announced(step, mode);
            ui.must_say(&format!("  {}{papers}", line.trim_start_matches("> ")));
        }
        Ok(())
    }

    /// Says what is left to do for people.
    pub(super) fn tell_done(&self) -> Result<(), Failure> {
        let ui = self.ui();
        let state = self.state()?;
        ui.must_say("");
        let new = state.set(self.new_code.as_deref().unwrap_or_default());
        if let Some(new) = new {
            let word = state.stage(new).word();
            ui.must_say(&format!("Generation {} is {word}: {}", new.generation, new.code));
        }
        let Some(old) = &self.old else { return Ok(()) };
        let generation = old.subject.generation;
        ui.must_say(&format!("Generation {generation} is revoked: the platform refuses it."));
        let Some(set) = state.set(&old.subject.set.to_string()) else { return Ok(()) };
        ui.must_say("Collect its sheets and destroy them before witnesses:");
        for (id, sheet) in &set.sheets {
            let method = Some(&self.method);
            let holder = crate::commands::people::holder(Some(set), method, *id);
            let holder = holder.map(|person| format!("  {person}")).unwrap_or_default();
            let bag = sheet.bag.as_ref().map(|bag| format!("  bag {bag}")).unwrap_or_default();
            let fate = match sheet.fate {
                Fate::Kept => String::new(),
                Fate::Lost(record, _) => format!("  LOST, record {record}"),
                Fate::Tampered(record, _) => format!("  in doubt, record {record}"),
                Fate::Destroyed(record) => format!("  destroyed already, record {record}"),
            };
            ui.must_say(&format!("  {id}{holder}{bag}{fate}"));
        }
        let left = |set: &&Set| {
            !state.stage(set).is_alive()
                && set.generation < generation
                && set.sheets.values().any(|sheet| !matches!(sheet.fate, Fate::Destroyed(_)))
        };
        let older: Vec<String> =
            state.sets.iter().filter(left).map(|set| set.generation.to_string()).collect();
        if !older.is_empty() {
            ui.must_say(&format!(
                "Void papers of generation {} are not recorded as destroyed either.",
                older.join(", ")
            ));
        }
        let folder = self.kit.set_folder(&old.subject.set);
        let certificate = folder.join("destruction.pdf");
        if !certificate.exists() {
            ui.must_say("The certificate that they sign:");
            // a missing certificate stops nothing that is done
            if let Err(failure) =
                print::write_document(self.context, "destruction", &folder, None, |_| {})
            {
                ui.warn(&format!("there is no certificate: {}", failure.message));
            }
        }
        if let Some(folder) = self.papers.as_ref().filter(|folder| folder.exists()) {
            ui.must_say(&format!(
                "Delete the files of the new sheets, and their scans: `{}`",
                folder.display()
            ));
        }
        let bare = |set: &Set| set.sheets.values().any(|s| s.bag.is_none() && s.fate == Fate::Kept);
        if new.is_some_and(bare) {
            ui.must_say("New sheets that are out of their bags go into new ones: `breakglass log add STORE`");
        }
        self.context.hint("record each one that is destroyed: `breakglass log add DESTROY`");
        Ok(())
    }
}
