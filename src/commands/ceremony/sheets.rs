//! Sheet by sheet: printed by its holder, scanned back, bagged; then the set is confirmed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::script::Place;
use super::{Ceremony, subject};
use crate::cli::{Ink, Intake};
use crate::codes::Code;
use crate::codes::grid::PaperSize;
use crate::commands::confirm::{self, Hands};
use crate::commands::gather::Gathering;
use crate::commands::people::names;
use crate::commands::recorder::written;
use crate::commands::rehearsal::{self, Wanted};
use crate::commands::words::unquoted;
use crate::commands::{ask, spool};
use crate::exit::Exit;
use crate::files;
use crate::kit::Kit;
use crate::logbook::member::Person;
use crate::logbook::record::Subject;
use crate::logbook::{Draft, Event, Member, record};
use crate::opening::Verdict;
use crate::secret::Secret;
use crate::set::SheetId;
use crate::state::State;
use crate::ui::{Failure, Ui};

/// Largest file of a sheet that is sent to a printer, bytes.
const MAX_PDF: usize = 16 << 20;

/// A set that was dealt, and where its papers are.
pub(in crate::commands) struct Papers<'a> {
    pub(in crate::commands) kit: &'a Kit,
    pub(in crate::commands) code: Code,
    pub(in crate::commands) folder: &'a Path,
    pub(in crate::commands) paper: PaperSize,
    /// How many different numbers it takes to confirm the set.
    pub(in crate::commands) needed: usize,
}

/// What has become of the sheets.
#[derive(Default)]
pub(in crate::commands) struct Outcome {
    /// May exist on paper.
    printed: BTreeSet<SheetId>,
    confirmed: BTreeSet<SheetId>,
    scans: Vec<PathBuf>,
}

/// How far it has come with each sheet.
struct Course<'a> {
    outcome: Outcome,
    /// What was scanned and is not confirmed yet.
    gathering: Gathering<'a>,
    /// Read back and in its bag; not confirmed yet.
    hands: Hands,
    /// What the set gave when it was opened.
    secret: Option<Secret>,
}

impl<'a> Ceremony<'a> {
    /// Leads everybody through the sheets; returns what became of them, and what the set gave when it was opened from them.
    pub(in crate::commands) fn sheets(
        &self,
        papers: &Papers<'_>,
    ) -> Result<(Outcome, Option<Secret>), Failure> {
        let mut course = Course {
            outcome: Outcome::default(),
            gathering: Gathering::new(self.context),
            hands: Hands::default(),
            secret: None,
        };
        let ended = self.each_sheet(papers, &mut course);
        match ended.and_then(|()| self.confirm(papers, &mut course)) {
            Ok(()) => {}
            Err(failure) if course.outcome.confirmed.is_empty() => {
                return Err(self.aborted(papers, &course.outcome, failure));
            }
            // enough of it is on paper: the set lives
            Err(failure) => {
                let ui = &self.context.ui;
                if failure.exit != Exit::Interrupted {
                    ui.fail(&failure);
                }
                ui.must_say("");
                ui.must_say(
                    "Stopped. The set is confirmed and lives; what is missing can be made anew.",
                );
                self.confirm(papers, &mut course)?;
            }
        }
        Ok((course.outcome, course.secret))
    }

    fn each_sheet(&self, papers: &Papers<'_>, course: &mut Course<'a>) -> Result<(), Failure> {
        let ui = &self.context.ui;
        self.say(Place::Book);
        self.done()?;
        let all = self.holders.len();
        for (at, (sheet, holder)) in self.holders.iter().enumerate() {
            ui.must_say("");
            ui.must_say(&Ui::strong(&format!("Sheet {sheet}, {} of {all}: {holder}", at + 1)));
            // the same three steps for each: read out in full once
            for place in [Place::Print, Place::Scan, Place::Bag] {
                if at == 0 {
                    self.say(place);
                } else {
                    self.say_again(place);
                }
                match place {
                    Place::Print => self.print(papers, *sheet, course)?,
                    Place::Scan => self.scan(papers, *sheet, course)?,
                    _ => self.bag(*sheet, holder, course)?,
                }
            }
            let numbers: BTreeSet<u8> = course.hands.holders.keys().map(|id| id.x()).collect();
            if course.outcome.confirmed.is_empty() && numbers.len() >= papers.needed {
                self.confirm(papers, course)?;
            }
        }
        Ok(())
    }

    fn print(
        &self,
        papers: &Papers<'_>,
        sheet: SheetId,
        course: &mut Course<'a>,
    ) -> Result<(), Failure> {
        let ui = &self.context.ui;
        let file = file_of(papers.folder, sheet)?;
        // from here on paper may exist
        course.outcome.printed.insert(sheet);
        loop {
            match &self.queue {
                Some(queue) => {
                    ask::enter(ui, &format!("Enter sends it to {queue}: "))?;
                    let pdf = files::read(&file, MAX_PDF)?;
                    let title = format!("sheet {sheet}");
                    if let Err(failure) = spool::send(queue, &title, &pdf, papers.paper, false) {
                        ui.fail(&failure);
                        continue;
                    }
                }
                None => ui.must_say(&format!("  {}", file.display())),
            }
            let question = "Are both leaves in the hand, whole and clean? Enter, or `again`: ";
            match ui.ask(question, "`--no-input`")?.to_ascii_lowercase().as_str() {
                "" | "y" | "yes" => return Ok(()),
                "again" => ui
                    .must_say("The spoilt leaves go through the shredder now, before the witness."),
                _ => ui.must_say(
                    "Enter goes on; `again` prints it once more; Ctrl-C stops the ceremony.",
                ),
            }
        }
    }

    /// Reads a sheet back; what is not this sheet, whole, of this set, does not count.
    fn scan(
        &self,
        papers: &Papers<'_>,
        sheet: SheetId,
        course: &mut Course<'a>,
    ) -> Result<(), Failure> {
        let ui = &self.context.ui;
        let gathering = &mut course.gathering;
        gathering.wanted = usize::MAX;
        let mut watch = self.watch.clone();
        while !read(gathering, papers.code).contains(&sheet) {
            let sheets = if watch.is_some() {
                Vec::new()
            } else {
                let question = format!("Scan of sheet {sheet}, file or folder: ");
                let text = ask::answer(ui, None, &question, "--watch")?;
                let path = PathBuf::from(unquoted(&text));
                if !path.exists() {
                    ui.must_say(&format!("There is no file `{}`.", path.display()));
                    continue;
                }
                course.outcome.scans.push(path.clone());
                vec![path]
            };
            gathering.enough = Some(read(gathering, papers.code).len() + 1);
            gathering.gather(&Intake { sheets, watch: watch.take(), ..Intake::default() })?;
            if !read(gathering, papers.code).contains(&sheet) {
                ui.must_say(&format!(
                    "That is not sheet {sheet} of this set, or it cannot be read. Scan it once more."
                ));
            }
        }
        ui.must_say(&format!("  {sheet} reads, and is of this set"));
        Ok(())
    }

    fn bag(&self, sheet: SheetId, holder: &Person, course: &mut Course<'a>) -> Result<(), Failure> {
        let ui = &self.context.ui;
        let question = format!("Number of the bag of sheet {sheet}: ");
        let bag = loop {
            let bag = ask::answer(ui, None, &question, "--bag")?;
            if !course.hands.bags.values().any(|known| *known == bag) {
                break bag;
            }
            ui.must_say(&format!("Bag {bag} has another sheet in it already."));
        };
        let question = "Number of its seal (Enter: the bag has none of its own): ";
        let seal = ask::answer_or_empty(ui, question, "--seal")?;
        let question =
            format!("Have {} and {} initialled? Enter goes on: ", holder.name, self.witness.name);
        ask::enter(ui, &question)?;
        course.hands.bags.insert(sheet, bag);
        if !seal.is_empty() {
            course.hands.seals.insert(sheet, seal);
        }
        course.hands.holders.insert(sheet, holder.clone());
        Ok(())
    }

    /// Records what is in its bag and not confirmed yet; the first time the set is opened from the scans.
    fn confirm(&self, papers: &Papers<'_>, course: &mut Course<'a>) -> Result<(), Failure> {
        if course.hands.holders.is_empty() {
            return Ok(());
        }
        let first = course.outcome.confirmed.is_empty();
        let ink = if first {
            self.say(Place::Confirm);
            Ink::default()
        } else {
            // it was compared with the book a while ago
            Ink { set_code: Some(papers.code.to_string()), no_book: false }
        };
        // what was scanned is not kept longer than it is needed
        let gathering = std::mem::replace(&mut course.gathering, Gathering::new(self.context));
        let when = || Ok(self.now());
        let rehearsal = rehearsal::of(gathering, &ink, when, Wanted::Confirming)?;
        rehearsal.refuse_other_than(Some(&papers.code.to_string()))?;
        let hands = std::mem::take(&mut course.hands);
        let hands =
            Hands { witness: Some(self.witness.clone()), lead: Some(self.lead.clone()), ..hands };
        let (_, secret) = confirm::record(self.context, rehearsal, &hands, None)?;
        course.secret = course.secret.take().or(secret);
        course.outcome.confirmed.extend(hands.holders.keys());
        if first { self.done() } else { Ok(()) }
    }

    /// Records that the set is void, and deletes its papers.
    fn aborted(&self, papers: &Papers<'_>, outcome: &Outcome, failure: Failure) -> Failure {
        let ui = &self.context.ui;
        let why = if failure.exit == Exit::Interrupted {
            "the ceremony was stopped before enough sheets were read back".to_owned()
        } else {
            failure.message.lines().next().unwrap_or_default().to_owned()
        };
        let recorded = self.record_abort(papers, outcome, &why);
        delete(ui, &files_in(papers.folder));
        // only when it is empty
        let _ = fs::remove_dir(papers.folder);
        let recorded = match recorded {
            Ok(()) => String::new(),
            Err(error) => format!(" (NOT recorded: {}; `breakglass log add ABORT`)", error.message),
        };
        let printed = if outcome.printed.is_empty() {
            "nothing was printed".to_owned()
        } else {
            format!("destroy what was printed: {}", names(&outcome.printed))
        };
        let message = format!("{why}: set {} is aborted{recorded}; {printed}", papers.code);
        Failure { message, ..failure }
            .hint("begin again when everybody is there: a set that stopped is not gone on with")
    }

    fn record_abort(
        &self,
        papers: &Papers<'_>,
        outcome: &Outcome,
        why: &str,
    ) -> Result<(), Failure> {
        let book = papers.kit.logbook();
        let (state, _) = State::of_book(&book)?;
        let set = state.set(&papers.code.to_string());
        let set = set.ok_or_else(|| Failure::invalid("the set is not in the logbook"))?;
        let subject = subject(&state, set)?;
        let mut drafts = vec![Draft::abort(self.now(), &self.context.signature(), &subject, why)];
        let never: Vec<SheetId> =
            set.sheets.keys().copied().filter(|id| !outcome.printed.contains(id)).collect();
        if !never.is_empty() {
            drafts.push(self.never_printed(&subject, &never)?);
        }
        written(&self.context.ui, &book, &drafts, &[]).map(drop)
    }

    /// The witness has seen that there is no paper of these sheets.
    fn never_printed(&self, subject: &Subject, sheets: &[SheetId]) -> Result<Draft, Failure> {
        let mut members: BTreeMap<Member, Value> = record::about(subject).into_iter().collect();
        members.insert(Member::Sheets, record::list(sheets));
        members.insert(Member::Kind, "never printed; its file was deleted".into());
        members.insert(Member::Witness, (&self.witness).into());
        let draft = Draft::new(Event::Destroy, self.now(), &self.context.signature(), members);
        draft.map_err(|e| Failure::invalid(e.to_string()))
    }

    /// Leaves nothing behind, and says which sheets are still to be made.
    pub(in crate::commands) fn clean_up(
        &self,
        papers: &Papers<'_>,
        outcome: &Outcome,
    ) -> Result<(), Failure> {
        let ui = &self.context.ui;
        self.say(Place::CleanUp);
        delete(ui, &files_in(papers.folder));
        // only when it is empty
        let _ = fs::remove_dir(papers.folder);
        if let Some(queue) = &self.queue {
            ui.must_say(&format!("  the spooler may have kept the sheets: `cancel -a -x {queue}`"));
        }
        let scans: Vec<&PathBuf> = outcome.scans.iter().filter(|path| path.exists()).collect();
        if !scans.is_empty() {
            let list: Vec<String> = scans.iter().map(|p| p.display().to_string()).collect();
            let question = format!("Delete the scans, too: {}?", list.join(", "));
            if ui.confirm(&question, "`--no-input`").unwrap_or(false) {
                let all = scans.into_iter().flat_map(|path| {
                    if path.is_dir() { files_in(path) } else { vec![path.clone()] }
                });
                delete(ui, &all.collect::<Vec<_>>());
            }
        }
        self.missing(papers, outcome)?;
        self.say(Place::Sign);
        // the set is confirmed, whatever is pressed now
        let _ = self.done();
        Ok(())
    }

    /// A sheet that was never printed is recorded as destroyed, so that it can be made anew.
    fn missing(&self, papers: &Papers<'_>, outcome: &Outcome) -> Result<(), Failure> {
        let ui = &self.context.ui;
        let book = papers.kit.logbook();
        let (state, _) = State::of_book(&book)?;
        let Some(set) = state.set(&papers.code.to_string()) else { return Ok(()) };
        let open: Vec<SheetId> = set.outstanding().collect();
        let (doubtful, never): (Vec<SheetId>, Vec<SheetId>) =
            open.into_iter().partition(|id| outcome.printed.contains(id));
        if !never.is_empty() {
            let draft = self.never_printed(&subject(&state, set)?, &never)?;
            written(ui, &book, &[draft], &[])?;
            ui.must_say(&format!(
                "Never printed: {}. Each is made when its holder is there: `breakglass reissue {} SCANS`",
                names(&never),
                never[0]
            ));
        }
        if !doubtful.is_empty() {
            ui.warn(&format!(
                "{} may be printed, and nobody has read it back: destroy it before the witness, `breakglass log add DESTROY`, then `breakglass reissue {} SCANS`",
                names(&doubtful),
                doubtful[0]
            ));
        }
        Ok(())
    }
}

/// Returns the sheets of a set that were read and count.
fn read(gathering: &mut Gathering<'_>, code: Code) -> Vec<SheetId> {
    let group = gathering.groups().into_iter().find(|group| group.code == code);
    let Some(group) = group else { return Vec::new() };
    let case = gathering.examine(&group);
    let good = case.sheets.iter().filter(|sheet| sheet.verdict == Verdict::Good);
    good.map(|sheet| sheet.sheet).collect()
}

/// Finds the file of a sheet, `sheet-3b-….pdf`.
fn file_of(folder: &Path, sheet: SheetId) -> Result<PathBuf, Failure> {
    let starts = [format!("sheet-{sheet}-"), format!("sheet-{sheet}.")];
    let found = files_in(folder).into_iter().find(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        starts.iter().any(|start| name.starts_with(start))
    });
    found.ok_or_else(|| {
        Failure::invalid(format!(
            "the file of sheet {sheet} is not in `{}` any more",
            folder.display()
        ))
    })
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|e| e.path()).filter(|path| path.is_file()).collect();
    files.sort();
    files
}

fn delete(ui: &Ui, files: &[PathBuf]) {
    for path in files {
        match fs::remove_file(path) {
            Ok(()) => ui.say(&format!("  deleted {}", path.display())),
            Err(error) => {
                ui.warn(&format!("`{}` is still there, delete it: {error}", path.display()));
            }
        }
    }
}
