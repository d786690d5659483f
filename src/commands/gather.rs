//! The sheets come in: files, folders, typed lines, in any order; one line is said about each.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Context;
use super::intake::{self, Look};
use super::release::Objection;
use super::watch::Watch;
use super::words::{other_set, verdict_in_words, with_holder};
use crate::cli::Combine;
use crate::codes::Code;
use crate::codes::desk::label_of;
use crate::codes::payload::looks_like_a_code;
use crate::kit::{Kit, KnownSet};
use crate::logbook::Logbook;
use crate::logbook::chain::Entry;
use crate::method::{Contacts, Method};
use crate::opening::{self, Case, Codes, Group, Note, Origin, Pile, SheetVerdict, Verdict};
use crate::scan::{Overlay, PageProblem, Reading};
use crate::set::CodeBytes;
use crate::ui::Failure;

const HELP: &str = "Name a file or folder, or type or paste a line of the paper (K1 …). Ctrl-D ends the list, \
                    Ctrl-C stops.";

/// Everything that is at hand.
pub(super) struct Gathering<'a> {
    pub(super) context: &'a Context,
    kit: Option<Kit>,
    /// Records of the kit's logbook.
    pub(super) entries: Vec<Entry>,
    /// Whether the logbook can be used.
    book_is_good: bool,
    pub(super) pile: Pile,
    overlay: Overlay,
    codes: Codes,
    known: BTreeMap<CodeBytes, Option<KnownSet>>,
    /// What is wrong with the kit, each an exception.
    pub(super) trouble: Vec<Objection>,
    /// What was said already about which sheet.
    told: Vec<SheetVerdict>,
    /// Which sealed parts were last said to be missing.
    missing_told: Vec<usize>,
    /// Whether it was said what can be typed.
    helped: bool,
}

impl<'a> Gathering<'a> {
    /// Looks at the kit. A broken one is named and left aside: the paper is enough.
    pub(super) fn new(context: &'a Context) -> Self {
        let mut gathering = Self {
            context,
            kit: context.kit().ok(),
            entries: Vec::new(),
            book_is_good: false,
            pile: Pile::default(),
            overlay: Overlay::default(),
            codes: Codes::default(),
            known: BTreeMap::new(),
            trouble: Vec::new(),
            told: Vec::new(),
            missing_told: Vec::new(),
            helped: false,
        };
        let Some(kit) = &gathering.kit else {
            context.ui.say("No kit here: working from the paper alone");
            return gathering;
        };
        let method = kit.method().err().map(|e| e.to_string());
        let book = kit.logbook();
        let verified = if book.exists() { Some(book.verify()) } else { None };
        match verified {
            Some(Ok(verified)) => {
                gathering.entries = verified.entries;
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
        self.context.ui.warn(&format!("{words}\ngoing on from the paper"));
        let words = words.lines().next().unwrap_or_default().to_owned();
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
        let found = kit.known(set, &self.entries);
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
        let sets: Vec<CodeBytes> = self.pile.shares().map(|(share, _)| share.set).collect();
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
            Ok((method, unknown)) => {
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

    /// Takes the files of the command line, then asks until k shares and the sealed credential are in.
    pub(super) fn gather(&mut self, args: &Combine) -> Result<(), Failure> {
        let paths = intake::expand(&self.context.ui, &args.sheets)?;
        self.take_files(&paths)?;
        if let Some(folder) = &args.watch {
            self.watch(folder)?;
        }
        while !self.is_complete() && self.context.ui.can_ask() {
            if !self.ask_for_more()? {
                break;
            }
        }
        Ok(())
    }

    /// Takes what appears in a folder until the sheets are complete or a person presses Enter.
    fn watch(&mut self, folder: &Path) -> Result<(), Failure> {
        let mut folder = Watch::new(folder)?;
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
            if !self.is_complete() && self.context.ui.pause()? {
                break;
            }
        }
        Ok(())
    }

    fn is_complete(&mut self) -> bool {
        let groups = self.groups();
        groups.first().is_some_and(|group| self.examine(group).is_complete())
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
        let new = looks.iter().flat_map(|look| &look.notes).next().is_some();
        for look in looks {
            self.tell_look(&look);
        }
        if ours && !new {
            self.context.ui.say(&format!("  {name}: nothing that is not here already"));
        }
        self.tell_sheets();
    }

    fn tell_look(&mut self, look: &Look) {
        let ui = &self.context.ui;
        if look.problem == Some(PageProblem::Blank) {
            ui.say(&format!("  {} is blank", look.origin));
        } else if let Some(problem) = look.problem {
            ui.warn(&format!("{} {problem}", look.origin));
        } else if look.unread && look.codes.is_empty() {
            ui.warn(&format!(
                "{}: its codes are too damaged to be read alone; the other leaf, or other sheets, may help",
                look.origin
            ));
        } else if look.page > 0 && look.codes.is_empty() {
            ui.warn(&format!(
                "{}: no code found; try a sharper picture, or type the lines of leaf 2",
                look.origin
            ));
        }
        for (origin, note) in &look.notes {
            if let Some(words) = intake::in_words(note) {
                ui.warn(&format!("{origin}: {words}"));
            }
        }
        if look.page == 0 {
            self.tell_open_lines();
        }
    }

    fn tell_open_lines(&self) {
        let open: Vec<String> = self.pile.open_lines().iter().map(ToString::to_string).collect();
        if !open.is_empty() {
            let shown = open.iter().take(12).cloned().collect::<Vec<_>>().join(" ");
            self.context.ui.say(&format!("  lines waiting for their others: {shown}"));
        }
    }

    /// Says one line about each sheet that is new, or that turned out to be something else.
    fn tell_sheets(&mut self) {
        let groups = self.groups();
        let Some(group) = groups.first() else {
            let without: Vec<SheetVerdict> = self
                .pile
                .shares()
                .map(|(share, origin)| SheetVerdict {
                    sheet: share.id(),
                    set: share.set,
                    origin: origin.clone(),
                    verdict: Verdict::NoManifest,
                })
                .collect();
            for sheet in without {
                if self.is_news(&sheet) {
                    let words = verdict_in_words(sheet.verdict);
                    self.context.ui.say(&format!("  {} ({}): {words}", sheet.sheet, sheet.origin));
                }
            }
            return;
        };
        let case = self.examine(group);
        let method = self.dealt_method(&case);
        let mut count = 0;
        for sheet in &case.sheets {
            count += usize::from(sheet.verdict.counts());
            if self.is_news(sheet) {
                self.tell_sheet(sheet, &case, count, method.as_ref(), &groups);
            }
        }
        let missing = if case.missing() == 0 { case.missing_parts.clone() } else { Vec::new() };
        if missing != self.missing_told && !missing.is_empty() {
            let parts: Vec<String> = missing.iter().map(ToString::to_string).collect();
            let (parts, of) = (parts.join(", "), case.manifest.parts());
            let words = format!("  the sealed credential is still missing: part {parts} of {of}");
            self.context.ui.say(&words);
        }
        self.missing_told = missing;
    }

    /// Remembers what is said about a sheet; false when just that was said already.
    fn is_news(&mut self, sheet: &SheetVerdict) -> bool {
        let known = self.told.iter_mut().find(|told| {
            (told.sheet, told.set, &told.origin) == (sheet.sheet, sheet.set, &sheet.origin)
        });
        match known {
            Some(told) if told.verdict == sheet.verdict => false,
            Some(told) => {
                told.verdict = sheet.verdict;
                true
            }
            None => {
                self.told.push(sheet.clone());
                true
            }
        }
    }

    fn tell_sheet(
        &self,
        sheet: &SheetVerdict,
        case: &Case,
        count: usize,
        method: Option<&Method>,
        groups: &[Group],
    ) {
        let ui = &self.context.ui;
        let k = case.manifest.threshold.k();
        let who = with_holder(method, sheet.sheet);
        let words = verdict_in_words(sheet.verdict);
        match sheet.verdict {
            Verdict::Good if count > k.into() => ui.say(&format!("  extra: {who}")),
            Verdict::Good => ui.say(&format!("  {count} of {k}: {who}")),
            Verdict::SameNumber => ui.say(&format!("  {who}: {words}")),
            Verdict::OtherSet => ui.warn(&other_set(sheet, groups)),
            verdict => {
                if verdict.counts() {
                    ui.say(&format!("  {count} of {k}: {who}"));
                }
                ui.warn(&format!("a sheet that says {} ({}) {words}", sheet.sheet, sheet.origin));
            }
        }
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
            return Ok(true);
        }
        if looks_like_a_code(text) || label_of(text).is_some() {
            self.take_typed(text)?;
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
        for note in self.pile.add_line(text, &origin) {
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
        let ui = &self.context.ui;
        if ways.is_empty() || ways.len() > 6 {
            ui.warn(&format!(
                "line {place} does not fit its last four signs; please type it again"
            ));
            return Ok(());
        }
        ui.must_say(&format!("Line {place} does not fit as typed. Look at the paper: does it say"));
        for way in ways {
            if ui.confirm(&format!("  {} ?", &*way.symbols), "the files of the sheets")? {
                self.pile.put(place, way.bytes, origin);
                return Ok(());
            }
        }
        ui.must_say("Then please type the line again.");
        Ok(())
    }
}

/// A path as a file manager drops it into a terminal: quoted, or with escaped spaces.
fn unquoted(text: &str) -> String {
    let quotes = ['\'', '"'];
    for quote in quotes {
        if let Some(inner) = text.strip_prefix(quote).and_then(|t| t.strip_suffix(quote)) {
            return inner.to_owned();
        }
    }
    text.replace("\\ ", " ")
}
