//! Sheet by sheet: printed by its holder, scanned back, bagged; then the set is confirmed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::Ceremony;
use super::script::Place;
use crate::cli::Ink;
use crate::codes::Code;
use crate::codes::grid::PaperSize;
use crate::commands::confirm::{self, Hands};
use crate::commands::gather::Gathering;
use crate::commands::people::names;
use crate::commands::rehearsal::{self, Wanted};
use crate::commands::watch::Watch;
use crate::commands::words::unquoted;
use crate::commands::{ask, spool};
use crate::exit::Exit;
use crate::files;
use crate::interrupt;
use crate::kit::Kit;
use crate::logbook::member::{BySheet, Person};
use crate::secret::Secret;
use crate::set::SheetId;
use crate::state::State;
use crate::ui::{Failure, Ui};

/// Largest file of a sheet that is sent to a printer, bytes.
const MAX_PDF: usize = 16 << 20;

/// A set that was dealt, and where its files are.
pub(in crate::commands) struct Dealing<'a> {
    pub(in crate::commands) kit: &'a Kit,
    pub(in crate::commands) code: Code,
    /// Where the files of the sheets lie.
    pub(in crate::commands) folder: &'a Path,
    pub(in crate::commands) sizes: BySheet<PaperSize>,
    /// Whether the set may be aborted: not when it is the only one whose credential still works.
    pub(in crate::commands) may_abort: bool,
}

/// What has become of the sheets.
#[derive(Default)]
pub(super) struct Outcome {
    /// May exist on paper.
    pub(super) printed: BTreeSet<SheetId>,
    /// Read back and in a bag, whether that is recorded or not.
    pub(super) bagged: BTreeSet<SheetId>,
    /// Whether it is recorded of some.
    pub(super) confirmed: bool,
    /// Files of the scans.
    pub(super) scans: BTreeSet<PathBuf>,
}

/// How far it has come with each sheet.
struct Course<'a> {
    outcome: Outcome,
    /// What was scanned and is not confirmed yet.
    gathering: Gathering<'a>,
    /// Where a scanner drops its pictures.
    watch: Option<Watch>,
    /// Read back and in its bag; not confirmed yet.
    hands: Hands,
    /// Every bag that has a sheet in it.
    bags: BTreeSet<String>,
    /// What the set gave when it was opened.
    secret: Option<Secret>,
}

impl<'a> Ceremony<'a> {
    /// Leads everybody through the sheets, and leaves no file of them behind; returns what the set gave when it was opened.
    pub(in crate::commands) fn sheets(
        &self,
        dealing: &Dealing<'_>,
    ) -> Result<Option<Secret>, Failure> {
        // from here on a signal ends nothing by itself: what becomes of the set is recorded first
        let _held = interrupt::hold_back_all();
        let mut course = Course {
            outcome: Outcome::default(),
            gathering: Gathering::new(self.context),
            watch: None,
            hands: Hands::default(),
            bags: BTreeSet::new(),
            secret: None,
        };
        let ended = self.each_sheet(dealing, &mut course);
        let ended = ended.and_then(|()| self.confirm(dealing, &mut course));
        // what is in its bag is recorded, whatever has stopped the rest
        if ended.is_err() && course.outcome.confirmed {
            self.context.ui.must_say("");
            if let Err(failure) = self.confirm(dealing, &mut course)
                && failure.exit != Exit::Interrupted
            {
                self.context.ui.fail(&failure);
            }
        }
        let Course { mut outcome, gathering, .. } = course;
        outcome.scans.extend(gathering.files.iter().cloned());
        drop(gathering);
        let mut unfinished = false;
        match ended {
            Ok(()) => {}
            Err(failure) if !outcome.confirmed => {
                return Err(self.stopped_early(dealing, &outcome, failure));
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
                unfinished = self.keeps_secret;
            }
        }
        self.leave_nothing(dealing, &outcome)?;
        if unfinished {
            // whoever stops does not want the old credential revoked in the next moment
            let message = "the new set is on paper, and the rotation is not finished";
            return Err(Failure { message: message.to_owned(), ..Failure::interrupted() });
        }
        Ok(course.secret)
    }

    fn each_sheet(&self, dealing: &Dealing<'_>, course: &mut Course<'a>) -> Result<(), Failure> {
        let ui = &self.context.ui;
        course.watch = self.watch.as_deref().map(Watch::new).transpose()?;
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
                    Place::Print => self.print(dealing, *sheet, course)?,
                    Place::Scan => self.scan(dealing, *sheet, course)?,
                    _ => self.bag(*sheet, holder, course)?,
                }
                unless_interrupted()?;
            }
            let numbers: BTreeSet<u8> = course.hands.holders.keys().map(|id| id.x()).collect();
            if !course.outcome.confirmed && numbers.len() >= self.to_confirm {
                self.confirm(dealing, course)?;
            }
        }
        Ok(())
    }

    fn print(
        &self,
        dealing: &Dealing<'_>,
        sheet: SheetId,
        course: &mut Course<'a>,
    ) -> Result<(), Failure> {
        let ui = &self.context.ui;
        let file = file_of(dealing.folder, sheet)?;
        // from here on paper may exist
        course.outcome.printed.insert(sheet);
        loop {
            match &self.queue {
                Some(queue) => {
                    ask::enter(ui, &format!("Enter sends it to {queue}: "))?;
                    let pdf = files::read(&file, MAX_PDF)?;
                    let size = dealing.sizes.get(&sheet).copied().unwrap_or(PaperSize::A4);
                    let sent = spool::send(queue, &format!("sheet {sheet}"), &pdf, size, false);
                    unless_interrupted()?;
                    if let Err(failure) = sent {
                        ui.fail(&failure);
                        continue;
                    }
                }
                None => ui.must_say(&format!("  {}", file.display())),
            }
            let question = "Are all its leaves in the hand, whole and clean? Enter, or `again`: ";
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
        dealing: &Dealing<'_>,
        sheet: SheetId,
        course: &mut Course<'a>,
    ) -> Result<(), Failure> {
        let ui = &self.context.ui;
        loop {
            unless_interrupted()?;
            // by itself: the scan of another sheet is not kept for its turn
            let mut own = Gathering::new(self.context);
            own.awaited = Some((dealing.code, sheet));
            if let Some(folder) = &mut course.watch {
                own.watch(folder)?;
            }
            if course.watch.is_none() || own.files.is_empty() {
                let question = format!("Scan of sheet {sheet}, file or folder: ");
                let text = ask::answer(ui, None, &question, "--watch")?;
                let path = PathBuf::from(unquoted(&text));
                if !path.exists() {
                    ui.must_say(&format!("There is no file `{}`.", path.display()));
                    continue;
                }
                own.bring(&[path])?;
            } else {
                // what was seen may be locked
                own.bring(&[])?;
            }
            let read = own.sheets();
            course.outcome.scans.extend(own.files.iter().cloned());
            if own.reads(dealing.code, sheet) {
                course.gathering.pile.adopt(own.pile, |other| other == sheet);
                ui.must_say(&format!("  {sheet} reads, and is of this set"));
                return Ok(());
            }
            let what = match read.len() {
                0 => "No sheet can be read there".to_owned(),
                _ if read.contains(&sheet) => {
                    format!("Sheet {sheet} is there, and is not of this set or not open")
                }
                _ => format!("That was {}", names(&read)),
            };
            ui.must_say(&format!("{what}; {sheet} is wanted. Scan it once more."));
        }
    }

    fn bag(&self, sheet: SheetId, holder: &Person, course: &mut Course<'a>) -> Result<(), Failure> {
        let ui = &self.context.ui;
        let (holder_name, witness) = (&holder.name, &self.witness.name);
        let (bag, seal) = loop {
            let question = format!("Number of the bag of sheet {sheet}: ");
            let bag = ask::answer(ui, None, &question, "--bag")?;
            if course.bags.contains(&bag) {
                ui.must_say(&format!("`{bag}` was read off another bag already."));
                continue;
            }
            if !is_number(&bag) {
                ui.must_say(&format!("`{bag}` is no number that stands on a bag."));
                continue;
            }
            let question = "Number of its seal (Enter: the bag has none of its own): ";
            let seal = ask::answer_or_empty(ui, question, "--seal")?;
            if !seal.is_empty() && (!is_number(&seal) || course.bags.contains(&seal)) {
                ui.must_say(&format!("`{seal}` is no number of a seal, or was read already."));
                continue;
            }
            let shown = if seal.is_empty() { String::new() } else { format!(", seal {seal}") };
            let question = format!(
                "  {sheet} in bag {bag}{shown}. Have {holder_name} and {witness} initialled? Enter goes on, `again`: "
            );
            match ui.ask(&question, "`--no-input`")?.to_ascii_lowercase().as_str() {
                "" | "y" | "yes" => break (bag, seal),
                "again" => {}
                _ => {
                    ui.must_say(
                        "Enter goes on, `again` asks for both numbers again, Ctrl-C stops.",
                    );
                }
            }
        };
        course.bags.extend(Some(seal.clone()).filter(|seal| !seal.is_empty()));
        course.bags.insert(bag.clone());
        course.hands.bags.insert(sheet, bag);
        if !seal.is_empty() {
            course.hands.seals.insert(sheet, seal);
        }
        course.hands.holders.insert(sheet, holder.clone());
        course.outcome.bagged.insert(sheet);
        Ok(())
    }

    /// Records what is in its bag and not confirmed yet; the first time the set is opened from the scans.
    fn confirm(&self, dealing: &Dealing<'_>, course: &mut Course<'a>) -> Result<(), Failure> {
        if course.hands.holders.is_empty() {
            return Ok(());
        }
        let first = !course.outcome.confirmed;
        let ink = if first {
            self.say(Place::Confirm);
            Ink::default()
        } else {
            // it was compared with the book a while ago
            Ink { set_code: Some(dealing.code.to_string()), no_book: false }
        };
        // what was scanned is not kept longer than it is needed
        let gathering = std::mem::replace(&mut course.gathering, Gathering::new(self.context));
        course.outcome.scans.extend(gathering.files.iter().cloned());
        let when = || Ok(self.now());
        let mut rehearsal = rehearsal::of(gathering, &ink, when, Wanted::Confirming)?;
        rehearsal.refuse_other_than(Some(&dealing.code.to_string()))?;
        let hands = std::mem::take(&mut course.hands);
        let hands =
            Hands { witness: Some(self.witness.clone()), lead: Some(self.lead.clone()), ..hands };
        let (_, secret) =
            confirm::record(self.context, &mut rehearsal, &hands, self.exception.as_deref())?;
        if self.keeps_secret {
            course.secret = course.secret.take().or(secret);
        }
        let (state, _) = State::of_book(&dealing.kit.logbook())?;
        let set = state.set(&dealing.code.to_string());
        if !set.is_some_and(crate::state::Set::is_confirmed) {
            return Err(Failure::new(Exit::No, "the set does not count as confirmed"));
        }
        course.outcome.confirmed = true;
        if first { self.done() } else { Ok(()) }
    }
}

/// Stops where a signal came that nobody was asked about.
fn unless_interrupted() -> Result<(), Failure> {
    if interrupt::came() { Err(Failure::interrupted()) } else { Ok(()) }
}

/// Says whether a text looks like a number on a bag or seal, and not like a file or a sentence.
fn is_number(text: &str) -> bool {
    text.len() <= 32 && text.chars().any(char::is_alphanumeric) && !text.contains(['/', '\\', '?'])
}

/// Finds the file of a sheet, `sheet-3b-….pdf`.
pub(super) fn file_of(folder: &Path, sheet: SheetId) -> Result<PathBuf, Failure> {
    let starts = [format!("sheet-{sheet}-"), format!("sheet-{sheet}.")];
    let found = files_in(folder).into_iter().find(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        starts.iter().any(|start| name.starts_with(start))
    });
    found.ok_or_else(|| {
        let folder = folder.display();
        Failure::invalid(format!("the file of sheet {sheet} is not in `{folder}` any more"))
    })
}

/// Returns the files of the papers' folder, which was new or empty when they were written.
pub(super) fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|e| e.path()).filter(|path| path.is_file()).collect();
    files.sort();
    files
}
