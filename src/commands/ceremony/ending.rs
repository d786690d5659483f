//! How a ceremony ends: stopped too early, stopped late, or at its last step. No file of a sheet is left behind.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::Ceremony;
use super::script::Place;
use super::sheets::{Dealing, Outcome, file_of, files_in};
use crate::commands::people::names;
use crate::commands::recorder::written;
use crate::exit::Exit;
use crate::logbook::record::Subject;
use crate::logbook::{Draft, Event, Member, record};
use crate::set::SheetId;
use crate::state::{Set, State};
use crate::ui::{Failure, Ui};

impl Ceremony<'_> {
    /// Aborts the set, or, where its credential is the only one that works, says where its files are.
    pub(super) fn stopped_early(
        &self,
        dealing: &Dealing<'_>,
        outcome: &Outcome,
        failure: Failure,
    ) -> Failure {
        let why = if failure.exit == Exit::Interrupted {
            "the ceremony was stopped before enough sheets were read back".to_owned()
        } else {
            failure.message.lines().next().unwrap_or_default().to_owned()
        };
        let (code, folder) = (dealing.code, dealing.folder.display());
        if !dealing.may_abort {
            let message = format!(
                "{why}: the old credential has been ended, so the papers of set {code} are the only ones that work; their files are in `{folder}`"
            );
            return Failure { message, ..failure }
                .hint("print each one, scan it back, and go on with `breakglass confirm SCANS`");
        }
        self.delete_files(dealing, outcome);
        let recorded = match self.record_abort(dealing, outcome, &why) {
            Ok(()) => String::new(),
            Err(error) => format!(" (NOT recorded: {})", error.message),
        };
        let printed = if outcome.printed.is_empty() {
            "nothing was printed".to_owned()
        } else {
            format!("destroy what was printed: {}", names(&outcome.printed))
        };
        let message = format!("{why}: set {code} is aborted{recorded}; {printed}");
        Failure { message, ..failure }
            .hint("begin again when everybody is there: a set that stopped is not gone on with")
    }

    fn record_abort(
        &self,
        dealing: &Dealing<'_>,
        outcome: &Outcome,
        why: &str,
    ) -> Result<(), Failure> {
        let (state, set) = dealt(dealing)?;
        let subject = subject(&state, &set)?;
        let book = dealing.kit.logbook();
        let abort = Draft::abort(self.now(), &self.context.signature(), &subject, why);
        // each has a line of its own in the paper book
        written(&self.context.ui, &book, &[abort], &[])?;
        let never = never_printed(dealing, outcome, set.sheets.keys().copied());
        match self.gone(&subject, &never)? {
            Some(gone) => written(&self.context.ui, &book, &[gone], &[]).map(drop),
            None => Ok(()),
        }
    }

    /// The witness has seen that there is no paper of these sheets.
    fn gone(&self, subject: &Subject, sheets: &[SheetId]) -> Result<Option<Draft>, Failure> {
        if sheets.is_empty() {
            return Ok(None);
        }
        let mut members: BTreeMap<Member, Value> = record::about(subject).into_iter().collect();
        members.insert(Member::Sheets, record::list(sheets));
        members.insert(Member::Kind, "never printed; its file was deleted".into());
        members.insert(Member::Witness, (&self.witness).into());
        let draft = Draft::new(Event::Destroy, self.now(), &self.context.signature(), members);
        draft.map(Some).map_err(|e| Failure::invalid(e.to_string()))
    }

    /// Deletes the files of a confirmed set, and says which of its sheets are still to be made.
    pub(super) fn leave_nothing(
        &self,
        dealing: &Dealing<'_>,
        outcome: &Outcome,
    ) -> Result<(), Failure> {
        let ui = &self.context.ui;
        self.delete_files(dealing, outcome);
        let (state, set) = dealt(dealing)?;
        let open: Vec<SheetId> = set.outstanding().collect();
        let never = never_printed(dealing, outcome, open.iter().copied());
        if let Some(draft) = self.gone(&subject(&state, &set)?, &never)? {
            written(ui, &dealing.kit.logbook(), &[draft], &[])?;
            ui.must_say(&format!(
                "Never printed: {}. Each is made when its holder is there: `breakglass reissue {} SCANS`",
                names(&never),
                never[0]
            ));
        }
        let bagged: Vec<SheetId> =
            open.iter().copied().filter(|id| outcome.bagged.contains(id)).collect();
        if !bagged.is_empty() {
            ui.warn(&format!(
                "{} is in its bag, and that is not recorded: `breakglass confirm SCAN`",
                names(&bagged)
            ));
        }
        let doubtful = |id: &SheetId| outcome.printed.contains(id) && !outcome.bagged.contains(id);
        let doubtful: Vec<SheetId> = open.into_iter().filter(doubtful).collect();
        if !doubtful.is_empty() {
            ui.warn(&format!(
                "{} may be printed, and is in no bag: destroy it before the witness, `breakglass log add DESTROY`, then `breakglass reissue {} SCANS`",
                names(&doubtful),
                doubtful[0]
            ));
        }
        Ok(())
    }

    /// Deletes files and, when people agree, scans of the sheets; what cannot be deleted is named.
    fn delete_files(&self, dealing: &Dealing<'_>, outcome: &Outcome) {
        let ui = &self.context.ui;
        delete(ui, files_in(dealing.folder));
        // only when it is empty
        let _ = fs::remove_dir(dealing.folder);
        if let Some(queue) = self.queue.as_ref().filter(|_| !outcome.printed.is_empty()) {
            ui.must_say(&format!("  the spooler may have kept the sheets: `cancel -a -x {queue}`"));
        }
        let scans: Vec<PathBuf> =
            outcome.scans.iter().filter(|path| path.exists()).cloned().collect();
        if scans.is_empty() {
            return;
        }
        let list: Vec<String> = scans.iter().map(|path| path.display().to_string()).collect();
        let list = list.join(", ");
        match ui.confirm(&format!("Delete the scans, too: {list}?"), "`--no-input`") {
            Ok(true) => delete(ui, scans),
            Ok(false) => {}
            Err(_) => ui.warn(&format!("the scans are still there, delete them: {list}")),
        }
    }

    /// The last steps of the script.
    pub(in crate::commands) fn close(&self) {
        self.say(Place::CleanUp);
        // the set is confirmed, whatever is pressed now
        let _ = self.done();
        self.say(Place::Sign);
        let _ = self.done();
    }
}

fn dealt(dealing: &Dealing<'_>) -> Result<(State, Set), Failure> {
    let (state, _) = State::of_book(&dealing.kit.logbook())?;
    let set = state.set(&dealing.code.to_string()).cloned();
    let set = set.ok_or_else(|| Failure::invalid("the set is not in the logbook"))?;
    Ok((state, set))
}

pub(super) fn subject(state: &State, set: &Set) -> Result<Subject, Failure> {
    let subject = set.subject(&state.method);
    subject.ok_or_else(|| Failure::invalid(format!("`{}` is no set code", set.code)))
}

fn delete(ui: &Ui, files: Vec<PathBuf>) {
    for path in files {
        match fs::remove_file(&path) {
            Ok(()) => ui.say(&format!("  deleted {}", path.display())),
            Err(error) => {
                ui.warn(&format!("`{}` is still there, delete it: {error}", path.display()));
            }
        }
    }
}

/// Returns the sheets of which there is neither paper nor file.
fn never_printed(
    dealing: &Dealing<'_>,
    outcome: &Outcome,
    sheets: impl Iterator<Item = SheetId>,
) -> Vec<SheetId> {
    let gone = |id: &SheetId| file_of(dealing.folder, *id).is_err();
    sheets.filter(|id| !outcome.printed.contains(id) && gone(id)).collect()
}
