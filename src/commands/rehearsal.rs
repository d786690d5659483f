//! A set is opened for another purpose than a release: recorded first, opened, and nothing of the credential shown.

use std::time;

use super::Context;
use super::ask;
use super::combine::tampering;
use super::drill::called::Called;
use super::gather::{Gathering, Progress};
use super::ink;
use super::objection::{Objection, exceptions, network_route, of_sheets};
use super::recorder::written;
use super::shortfall::too_few;
use crate::cli;
use crate::clock::{Instant, Source};
use crate::exit::Exit;
use crate::logbook::record::{self, Subject, When};
use crate::logbook::{Draft, Logbook, Member};
use crate::method::Method;
use crate::opening::{Case, Opened, Verdict};
use crate::set::{SheetId, SheetShare};
use crate::state::{Set, State};
use crate::ui::{Failure, Ui};

/// The sheets at hand, held against the set that ink or kit name.
pub(super) struct Rehearsal {
    pub(super) case: Case,
    pub(super) state: State,
    pub(super) method: Option<Method>,
    pub(super) book: Logbook,
    pub(super) when: When,
    /// What speaks against it so far.
    pub(super) objections: Vec<Objection>,
    started: time::Instant,
    /// When the first sheet was read, and when there were enough.
    progress: Progress,
    /// When the clock was looked at.
    looked: time::Instant,
}

/// How long things took, in seconds: from the call, or where nobody says when that was, from the start of the program.
pub(super) struct Times {
    /// When the first custodian was called.
    pub(super) called: Option<Instant>,
    /// Until the first sheet was read.
    pub(super) first_sheet: u64,
    /// Until as many were read as it takes.
    pub(super) quorum: u64,
    /// Until now.
    pub(super) opened: u64,
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let since = if self.called.is_some() { "after the call" } else { "after the start" };
        let [first, quorum, opened] = [self.first_sheet, self.quorum, self.opened].map(span);
        write!(f, "the first sheet {first} {since}, the last {quorum}, opened {opened}")
    }
}

/// `40 s`, `12 min`.
fn span(seconds: u64) -> String {
    if seconds < 120 { format!("{seconds} s") } else { format!("{} min", seconds / 60) }
}

/// Gathers sheets of one set. `wanted` is how many different shares there have to be at least; the kit is needed.
pub(super) fn gather(
    context: &Context,
    intake: &cli::Intake,
    ink: &cli::Ink,
    typed_time: Option<&str>,
    wanted: Wanted,
) -> Result<Rehearsal, Failure> {
    let started = time::Instant::now();
    let (_, state) = book_of(context)?;
    let Some(newest) = state.newest() else {
        return Err(Failure::invalid("no set was dealt yet").hint("`breakglass split` deals one"));
    };
    let mut gathering = Gathering::new(context);
    let (count, all) = needed(newest, wanted);
    gathering.wanted = count;
    gathering.enough = (!all).then_some(count);
    gathering.gather(intake)?;
    let ask_time = || ask::time(&context.ui, typed_time);
    Ok(Rehearsal { started, ..of(gathering, ink, ask_time, wanted)? })
}

/// Returns the logbook and how things stand by it. Without its logbook a kit cannot take the record; unlike `combine`,
/// nobody waits for this at night.
fn book_of(context: &Context) -> Result<(Logbook, State), Failure> {
    let book = context.kit()?.logbook();
    let (state, _) = State::of_book(&book)?;
    Ok((book, state))
}

/// Holds sheets that were gathered against the set that ink or kit name.
pub(super) fn of(
    mut gathering: Gathering<'_>,
    ink: &cli::Ink,
    ask_time: impl FnOnce() -> Result<When, Failure>,
    wanted: Wanted,
) -> Result<Rehearsal, Failure> {
    let context = gathering.context;
    let (book, state) = book_of(context)?;
    let groups = gathering.groups();
    if groups.is_empty() {
        return Err(too_few(&mut gathering, None));
    }
    let chosen = ink::choose(&mut gathering, ink, &groups)?;
    let case = gathering.examine(&chosen.group);
    // the ink says which set it is, and that one decides how many sheets it takes
    let known = state.set(&case.code.to_string());
    let (count, all) = known.or(state.newest()).map_or((1, false), |set| needed(set, wanted));
    if gathering.book_for(&case.code).is_none() {
        let message = format!("the kit does not know the set {}", case.code);
        return Err(Failure::invalid(message).hint("name the kit of this method with `--kit DIR`"));
    }
    // what is not what it says is recorded, whether there is enough of the rest or not
    let tampered = |when| -> Result<(), Failure> {
        let drafts = tampering(context, &case, when);
        if !drafts.is_empty() {
            written(&context.ui, &book, &drafts, &[])?;
        }
        Ok(())
    };
    let full = case.good().len() >= count && (!all || case.is_complete());
    if case.is_complete() && case.good().len() < count {
        let have = case.good().len();
        return Err(Failure::new(
            Exit::NoQuorum,
            format!("{have} shares were read back; a set is confirmed from {count} on"),
        )
        .hint("one more than it takes to open: bring a further sheet"));
    }
    tell_misfits(&context.ui, &case);
    if !full {
        let failure = too_few(&mut gathering, Some(&case));
        tampered(When { at: Instant::now(), source: Source::System })?;
        return Err(failure);
    }
    if let Some(origin) = gathering.contradiction(&chosen.group) {
        return Err(Failure::invalid(format!(
            "another manifest with the same set code was read ({origin})"
        ))
        .hint("bring sheets of one set only; somebody made a second text for this code"));
    }
    let before = time::Instant::now();
    let when = ask_time()?;
    // the machine's time was taken before the question, a typed one is that of the answer
    let looked = if when.source == Source::System { before } else { time::Instant::now() };
    tampered(when)?;
    let mut objections = chosen.objections;
    // one sheet alone is read to find out about it
    if let Some(set) = known.filter(|_| all) {
        let counted = case.sheets.iter().filter(|s| s.verdict.counts()).map(|s| s.sheet);
        objections.extend(of_sheets(set, counted));
    }
    objections.append(&mut gathering.trouble);
    if all && network_route() == Some(true) {
        let words = "this machine has a network route; opening is meant to happen offline";
        objections.push(Objection { kind: "network on", words: words.to_owned() });
    }
    let method = gathering.dealt_method(&case);
    let progress = gathering.progress;
    Ok(Rehearsal { case, state, method, book, when, objections, started: looked, progress, looked })
}

/// Returns how many sheets it takes, and whether they have to open the set.
fn needed(set: &Set, wanted: Wanted) -> (usize, bool) {
    match wanted {
        Wanted::One => (1, false),
        Wanted::Quorum => (usize::from(set.k), true),
        Wanted::Confirming if set.is_confirmed() => (1, false),
        Wanted::Confirming => (set.needed(), true),
    }
}

/// What the sheets are for.
#[derive(Clone, Copy)]
pub(super) enum Wanted {
    /// One sheet at its safe.
    One,
    /// k of them, to open.
    Quorum,
    /// min(n, k + 1), so that the set counts as confirmed; one, when it is confirmed already.
    Confirming,
}

/// A rehearsal is the time to find out about sheets that do not fit.
fn tell_misfits(ui: &Ui, case: &Case) {
    for sheet in &case.sheets {
        if matches!(sheet.verdict, Verdict::Forged | Verdict::BadLock | Verdict::NotIssued { .. }) {
            ui.warn(&format!(
                "the sheet that says {} ({}) {}",
                sheet.sheet,
                sheet.origin,
                super::words::verdict_in_words(sheet.verdict)
            ));
        }
    }
}

impl Rehearsal {
    /// Returns the set as the records know it.
    pub(super) fn set(&self) -> Option<&Set> {
        self.state.set(&self.case.code.to_string())
    }

    /// Refuses sheets of another set than the wanted one, before anything is recorded of them.
    pub(super) fn refuse_other_than(&self, wanted: Option<&str>) -> Result<(), Failure> {
        let code = self.case.code.to_string();
        let Some(wanted) = wanted.filter(|wanted| *wanted != code) else { return Ok(()) };
        let generation = self.case.manifest.generation;
        let known = self.state.set(wanted).map(|set| format!("generation {}, ", set.generation));
        let message = format!(
            "these sheets are of generation {generation} ({code}); {}{wanted}, is to be opened now",
            known.unwrap_or_default()
        );
        Err(Failure::invalid(message).hint("look at the generation on sheets and bags"))
    }

    /// Returns the sheets that count and were issued.
    pub(super) fn sheets(&self) -> Vec<SheetShare> {
        let good = |id: SheetId| {
            let mut all = self.case.sheets.iter();
            all.any(|s| s.sheet == id && s.verdict == Verdict::Good)
        };
        self.case.good().iter().filter(|sheet| good(sheet.id())).cloned().collect()
    }

    /// Returns what the record is about.
    pub(super) fn subject(&self) -> Subject {
        Subject::of(&self.case.manifest, self.case.code)
    }

    /// Returns how long it took so far, from the call on.
    pub(super) fn times(&self, called: &Called) -> Times {
        // the clock of the record is the one that people have corrected
        let called = called.at(self.when.at, self.looked);
        let before = called.map(|called| self.when.at.since(called).unsigned_abs());
        let until = |at: time::Instant| match before {
            Some(before) => {
                let early = self.looked.saturating_duration_since(at).as_secs();
                let late = at.saturating_duration_since(self.looked).as_secs();
                before.saturating_sub(early) + late
            }
            None => at.saturating_duration_since(self.started).as_secs(),
        };
        let now = time::Instant::now();
        Times {
            called,
            first_sheet: until(self.progress.first.unwrap_or(now)),
            quorum: until(self.progress.enough.unwrap_or(now)),
            opened: until(now),
        }
    }

    /// Shows what speaks against going on, and drafts an EXCEPTION for each.
    pub(super) fn exceptions(
        &self,
        context: &Context,
        exception: Option<&str>,
        go_on: &str,
    ) -> Result<Vec<Draft>, Failure> {
        let why = ask::in_spite_of(&context.ui, exception, &self.objections, go_on)?;
        let (about, program) = (record::about(&self.subject()), context.signature());
        exceptions(&self.objections, &why.unwrap_or_default(), self.when, &program, &about)
    }

    /// Records OPENING, then opens; returns its record and what opened. What fails is voided.
    pub(super) fn open(
        &self,
        context: &Context,
        mut drafts: Vec<Draft>,
        kind: &str,
    ) -> Result<(u64, Opened), Failure> {
        let (subject, program) = (self.subject(), context.signature());
        let mut ids: Vec<SheetId> = self.case.good().iter().map(SheetShare::id).collect();
        ids.sort();
        let network = network_route();
        drafts.push(Draft::opening(self.when, &program, &subject, &ids, kind, network));
        let numbers = written(&context.ui, &self.book, &drafts, self.case.good())?;
        let number = numbers.last().copied().unwrap_or_default();
        match self.case.open() {
            Ok(opened) => {
                for x in &opened.dealt_wrong {
                    context.ui.warn(&format!(
                        "share {x} does not lie on the polynomial of the shares used: the set was dealt wrong and has to be dealt anew"
                    ));
                }
                Ok((number, opened))
            }
            Err(error) => {
                let why = error.to_string();
                let void = Draft::void(self.when, &program, &subject, Some(number), &why);
                written(&context.ui, &self.book, &[void], &[])?;
                Err(Failure::invalid(error.to_string())
                    .hint("this set opens nothing: deal a new one with `breakglass split`"))
            }
        }
    }

    /// Starts the members of a record about this set.
    pub(super) fn members(&self) -> std::collections::BTreeMap<Member, serde_json::Value> {
        record::about(&self.subject()).into_iter().collect()
    }
}
