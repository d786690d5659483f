//! The sheets come in: files, folders, typed lines, in any order; one line is said about each.

mod tell;
mod unlock;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::Context;
use super::intake;
use super::locks;
use super::objection::Objection;
use super::typing::{self, Kept};
use super::watch::Watch;
use super::words::unquoted;
use crate::cli::Intake;
use crate::codes::Code;
use crate::codes::desk::label_of;
use crate::codes::payload::{LockedShare, looks_like_a_code};
use crate::interrupt;
use crate::kit::{Kit, KnownSet};
use crate::logbook::Logbook;
use crate::method::{Contacts, Method};
use crate::opening::{self, Case, Codes, Group, Note, Origin, Pile, SheetVerdict, Verdict};
use crate::scan::{Overlay, Reading};
use crate::sealing::lock::Keys;
use crate::set::{CodeBytes, SheetId};
use crate::state::State;
use crate::ui::Failure;

const HELP: &str = "Name a file or folder, or type or paste a line of the paper (K1 …);\n\
                    `type` guides through the lines. Ctrl-D ends the list, Ctrl-C stops.";

const HELP_LOCKED: &str = "Type `unlock` to be asked for the locks once more.";

/// When how much was there.
#[derive(Clone, Copy, Default)]
pub(super) struct Progress {
    /// The first sheet that counts.
    pub(super) first: Option<Instant>,
    /// As many as it takes to open.
    pub(super) enough: Option<Instant>,
}

/// Everything that is at hand.
pub(super) struct Gathering<'a> {
    pub(super) context: &'a Context,
    kit: Option<Kit>,
    /// What the kit's logbook says.
    pub(super) state: State,
    /// Whether the logbook can be used.
    book_is_good: bool,
    pub(super) pile: Pile,
    overlay: Overlay,
    /// Typed lines that outlive this run.
    pub(super) kept: Kept,
    /// What opens locked sheets.
    keys: Vec<Keys>,
    /// Locks that the key files were tried on.
    tried: Vec<LockedShare>,
    /// Locks that nobody here can open.
    left_locked: Vec<LockedShare>,
    codes: Codes,
    known: BTreeMap<CodeBytes, Option<KnownSet>>,
    /// What is wrong with the kit, each an exception.
    pub(super) trouble: Vec<Objection>,
    /// What was said already about which sheet.
    told: Vec<SheetVerdict>,
    /// Which sealed parts were last said to be missing.
    missing_told: Vec<usize>,
    /// Whether to do without the screen for typing.
    plain: bool,
    /// Whether it was said what can be typed.
    helped: bool,
    /// How many different shares are wanted, when that is more than k.
    pub(super) wanted: usize,
    /// How many are enough although they open nothing, where nothing is to be opened.
    pub(super) enough: Option<usize>,
    /// How it went so far.
    pub(super) progress: Progress,
    /// The one sheet that is waited for, where it is one by one.
    pub(super) awaited: Option<(Code, SheetId)>,
    /// Files that had something of ours on them.
    pub(super) files: BTreeSet<PathBuf>,
}

impl<'a> Gathering<'a> {
    /// Looks at the kit. A broken one is named and left aside: the paper is enough.
    pub(super) fn new(context: &'a Context) -> Self {
        let mut gathering = Self {
            context,
            kit: context.kit().ok(),
            state: State::default(),
            book_is_good: false,
            pile: Pile::default(),
            overlay: Overlay::default(),
            kept: Kept::default(),
            keys: Vec::new(),
            tried: Vec::new(),
            left_locked: Vec::new(),
            codes: Codes::default(),
            known: BTreeMap::new(),
            trouble: Vec::new(),
            told: Vec::new(),
            missing_told: Vec::new(),
            plain: false,
            helped: false,
            wanted: 0,
            enough: None,
            progress: Progress::default(),
            awaited: None,
            files: BTreeSet::new(),
        };
        let Some(kit) = &gathering.kit else {
            context.ui.say("No kit here: working from the paper alone");
            return gathering;
        };
        let method = kit.method().err().map(|e| e.to_string());
        let book = kit.logbook();
        let folded = book.exists().then(|| State::of_book(&book));
        match folded {
            Some(Ok((state, _))) => {
                gathering.state = state;
                gathering.book_is_good = true;
            }
            Some(Err(error)) => gathering.trouble("broken logbook", &error.to_string()),
            None => gathering.trouble("no logbook", "the kit has no logbook"),
        }
        if let Some(error) = method {
            gathering.trouble("broken method file", &error);
        }
        gathering
    }

    fn trouble(&mut self, kind: &'static str, words: &str) {
        let first = words.lines().next().unwrap_or_default();
        if self.trouble.iter().any(|known| known.kind == kind && known.words == first) {
            return;
        }
        self.context.ui.warn(&format!("{words}\ngoing on from the paper"));
        let words = first.to_owned();
        self.trouble.push(Objection { kind, words });
    }

    /// Returns the logbook, when the kit knows the set and its chain is whole.
    pub(super) fn book_for(&self, code: &Code) -> Option<Logbook> {
        let known = self.known.get(&code.bytes()).is_some_and(Option::is_some);
        self.kit.as_ref().filter(|_| known && self.book_is_good).map(Kit::logbook)
    }

    /// Says whether there is a kit at all.
    pub(super) fn has_kit(&self) -> bool {
        self.kit.is_some()
    }

    /// Returns what the kit knows of the sets at hand.
    pub(super) fn known_sets(&self) -> Vec<KnownSet> {
        self.known.values().flatten().cloned().collect()
    }

    /// Returns how to reach the custodians, as far as the kit says.
    pub(super) fn contacts(&self) -> Contacts {
        self.kit.as_ref().and_then(|kit| kit.contacts().ok()).unwrap_or_default()
    }

    /// Looks up sets in the kit that were not looked up yet.
    pub(super) fn look_up(&mut self, set: CodeBytes) {
        let Some(kit) = &self.kit else { return };
        if self.known.contains_key(&set) {
            return;
        }
        let found = kit.known(set, &self.state);
        let found = match found {
            Ok(None) => None,
            Ok(Some((set, trouble))) => {
                if let Some(trouble) = trouble {
                    self.trouble("broken kit", &trouble.to_string());
                }
                Some(set)
            }
            Err(error) => {
                self.trouble("broken kit", &error.to_string());
                None
            }
        };
        self.known.insert(set, found);
    }

    /// Returns the sets that the sheets at hand say they belong to, the fullest first.
    pub(super) fn groups(&mut self) -> Vec<Group> {
        let sets: Vec<CodeBytes> = self.pile.sets().collect();
        for set in sets {
            self.look_up(set);
        }
        opening::groups(&self.pile, &self.known_sets(), &mut self.codes)
    }

    /// Returns where another manifest with the set code of this one was read.
    pub(super) fn contradiction(&mut self, group: &Group) -> Option<Origin> {
        opening::contradiction(&self.pile, group, &mut self.codes).cloned()
    }

    /// Holds everything against one set.
    pub(super) fn examine(&self, group: &Group) -> Case {
        opening::examine(&self.pile, group, &self.known_sets())
    }

    /// Returns the method as it was dealt, when the kit has it.
    pub(super) fn dealt_method(&mut self, case: &Case) -> Option<Method> {
        self.known.get(&case.code.bytes())?.as_ref()?;
        let kit = self.kit.as_ref()?;
        match kit.dealt_method(&case.code, &case.manifest) {
            Ok((mut method, unknown)) => {
                if let Some(set) = self.state.set(&case.code.to_string()) {
                    set.update(&mut method);
                }
                for field in unknown {
                    self.context.ui.warn(&format!(
                        "the dealt method has a field `{field}` that a newer program knows"
                    ));
                }
                Some(method)
            }
            Err(error) => {
                self.trouble("broken kit", &error.to_string());
                None
            }
        }
    }

    /// Returns the folder of the kit, where there is one.
    pub(super) fn folder(&self) -> Option<&Path> {
        self.kit.as_ref().map(Kit::dir)
    }

    /// Takes the files of the command line, then asks until k shares and the sealed credential are in.
    pub(super) fn gather(&mut self, args: &Intake) -> Result<(), Failure> {
        self.keys = locks::read_keys(&self.context.ui, &args.identity)?;
        let paths = intake::expand(&self.context.ui, &args.sheets)?;
        self.take_files(&paths)?;
        if let Some(folder) = &args.watch {
            self.watch(&mut Watch::new(folder)?)?;
        }
        self.ask_all(args)
    }

    /// What was typed and is no secret need not be typed again after a run that came to nothing.
    pub(super) fn save_typed(&mut self) {
        match self.kept.save() {
            Ok(None) => {}
            Ok(Some(path)) => self.context.ui.must_say(&format!(
                "The lines of manifest and sealed credential that were typed are in `{0}`: bring them again with \
                 `breakglass combine {0}`. Lines of shares are not kept.",
                path.display()
            )),
            Err(failure) => self.context.ui.warn(&failure.message),
        }
    }

    fn ask_all(&mut self, args: &Intake) -> Result<(), Failure> {
        if args.typed && self.context.ui.can_ask() {
            typing::type_sheets(self, args.plain)?;
        }
        self.plain = args.plain;
        while !self.is_complete() && self.context.ui.can_ask() {
            if !self.ask_to_unlock()? && !self.ask_for_more()? {
                break;
            }
        }
        Ok(())
    }

    /// Takes what appears in a folder until the sheets are complete or a person presses Enter.
    pub(super) fn watch(&mut self, folder: &mut Watch) -> Result<(), Failure> {
        let ui = &self.context.ui;
        let keys = if ui.can_ask() { " Enter ends the watch, Ctrl-C stops." } else { "" };
        ui.must_say(&format!(
            "Watching {}: put pictures of the sheets there.{keys}",
            folder.path().display()
        ));
        while !self.is_complete() {
            // a folder that is gone for a moment, like a phone's, ends nothing
            let new = folder.look().unwrap_or_default();
            let there: Vec<PathBuf> = new.into_iter().filter(|path| path.exists()).collect();
            self.take_files(&there)?;
            if interrupt::came() {
                return Err(Failure::interrupted());
            }
            let unlock = match self.awaited {
                Some(_) => self.wants_a_key(),
                None => self.wants_unlocking(),
            };
            if !self.is_complete() && (unlock || self.context.ui.pause()?) {
                break;
            }
        }
        Ok(())
    }

    /// Takes files and folders, and asks for the locks of sheets on them.
    pub(super) fn bring(&mut self, paths: &[PathBuf]) -> Result<(), Failure> {
        let paths = intake::expand(&self.context.ui, paths)?;
        self.take_files(&paths)?;
        while self.ask_to_unlock()? {}
        Ok(())
    }

    /// Returns the sheets of any set that were read.
    pub(super) fn sheets(&self) -> BTreeSet<SheetId> {
        let open = self.pile.shares().map(|(share, _)| share.id());
        open.chain(self.pile.locked().map(|(locked, _)| locked.sheet)).collect()
    }

    /// Says whether a sheet of a set was read and fits, whether its number counts already or not.
    pub(super) fn reads(&mut self, set: Code, sheet: SheetId) -> bool {
        let groups = self.groups();
        let group = groups.iter().find(|group| group.code == set);
        let case = group.map(|group| self.examine(group));
        let fits = |read: &SheetVerdict| {
            read.sheet == sheet && matches!(read.verdict, Verdict::Good | Verdict::SameNumber)
        };
        case.is_some_and(|case| case.sheets.iter().any(fits))
    }

    pub(super) fn is_complete(&mut self) -> bool {
        if let Some((set, sheet)) = self.awaited {
            return self.reads(set, sheet);
        }
        let groups = self.groups();
        groups.first().is_some_and(|group| {
            let case = self.examine(group);
            let count = case.good().len();
            self.enough.is_some_and(|enough| count >= enough)
                || case.is_complete() && count >= self.wanted
        })
    }

    fn take_files(&mut self, paths: &[PathBuf]) -> Result<(), Failure> {
        if let Some(path) = paths.iter().find(|path| path.as_os_str() != "-" && !path.exists()) {
            return Err(Failure::invalid(format!("there is no file `{}`", path.display())));
        }
        intake::each_read(self.context, paths, |path, reading| {
            match reading {
                Ok(reading) => self.take(path, reading),
                // one bad file does not stop the others
                Err(failure) => self.context.ui.warn(&failure.message),
            }
        });
        Ok(())
    }

    fn take(&mut self, path: &Path, reading: Reading) {
        let name = path.display().to_string();
        let looks = intake::put(&mut self.pile, &mut self.overlay, &name, reading);
        let ours = looks.iter().any(|look| !look.codes.is_empty());
        if ours {
            self.files.insert(path.to_owned());
        }
        let new = looks.iter().flat_map(|look| &look.notes).next().is_some();
        for look in looks {
            self.tell_look(&look, ours);
        }
        if ours && !new {
            self.context.ui.say(&format!("  {name}: nothing that is not here already"));
        }
        self.tell_sheets();
    }

    /// Asks for one more file or line; false when there is no more.
    fn ask_for_more(&mut self) -> Result<bool, Failure> {
        let ui = &self.context.ui;
        if !self.helped {
            self.helped = true;
            ui.must_say(HELP);
        }
        let Some(line) = ui.ask_line("sheet> ", "the files of the sheets")? else {
            return Ok(false);
        };
        let text = line.trim();
        if matches!(text, "" | "?" | "help") {
            ui.must_say(HELP);
            if !self.left_locked.is_empty() {
                ui.must_say(HELP_LOCKED);
            }
            return Ok(true);
        }
        if looks_like_a_code(text) || label_of(text).is_some() {
            self.take_typed(text)?;
            return Ok(true);
        }
        if text == "type" {
            typing::type_sheets(self, self.plain)?;
            return Ok(true);
        }
        if text == "unlock" {
            self.left_locked.clear();
            return Ok(true);
        }
        let path = PathBuf::from(unquoted(text));
        if path.exists() {
            let paths = intake::expand(&self.context.ui, &[path])?;
            self.take_files(&paths)?;
        } else {
            self.take_typed(text)?;
        }
        Ok(true)
    }

    fn take_typed(&mut self, text: &str) -> Result<(), Failure> {
        let origin = Origin { file: "typed".to_owned(), place: None };
        let notes = self.pile.add_line(text, &origin);
        let taken = notes.iter().all(|note| matches!(note, Note::New(..) | Note::Mended { .. }));
        if let Some((place, symbols)) = label_of(text).filter(|_| taken) {
            self.kept.keep(place, symbols);
        }
        for note in notes {
            match note {
                Note::New(..) => {}
                Note::Mended { .. } => {
                    self.context.ui.warn(&intake::in_words(&note).unwrap_or_default());
                }
                Note::Ask { place, ways } => self.ask_which(place, ways, &origin)?,
                Note::Problem(what) if label_of(text).is_some() || looks_like_a_code(text) => {
                    self.context.ui.warn(&what);
                }
                Note::Problem(what) => {
                    self.context.ui.warn(&format!("{what}; nor is there a file of that name"));
                }
            }
        }
        self.tell_open_lines();
        self.tell_sheets();
        Ok(())
    }

    /// A line that would fit in several ways: the person holds the paper and decides.
    fn ask_which(
        &mut self,
        place: crate::codes::lines::Place,
        ways: Vec<crate::codes::lines::Mended>,
        origin: &Origin,
    ) -> Result<(), Failure> {
        if ways.is_empty() || ways.len() > 6 {
            self.context.ui.warn(&format!(
                "line {place} does not fit its last four signs; please type it again"
            ));
            return Ok(());
        }
        if let Some(way) = self.which(place, ways)? {
            self.kept.keep(place, &way.symbols);
            self.pile.put(place, way.bytes, origin);
        }
        Ok(())
    }

    /// Lets the person who holds the paper decide between several readings of a line.
    pub(super) fn which(
        &self,
        place: crate::codes::lines::Place,
        ways: Vec<crate::codes::lines::Mended>,
    ) -> Result<Option<crate::codes::lines::Mended>, Failure> {
        let ui = &self.context.ui;
        ui.must_say(&format!("Line {place} does not fit as typed. Look at the paper: does it say"));
        for way in ways {
            if ui.confirm(&format!("  {} ?", &*way.symbols), "the files of the sheets")? {
                return Ok(Some(way));
            }
        }
        ui.must_say("Then please type the line again.");
        Ok(None)
    }
}
