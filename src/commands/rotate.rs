//! `rotate`: the next credential is on paper and was opened from it before the last one is revoked.
//!
//! Every turn asks the plan what comes next, says it, does it. Nothing that happened is believed because a line says
//! so: a run that revokes has itself opened the new secret from its sheets, but for what somebody knows already.

mod disable;
mod papers;
mod platform;
mod record;
mod staged;
mod start;
mod survey;
mod trial;
mod words;

use std::path::PathBuf;

pub(super) use self::platform::generated;
use super::Context;
use super::ceremony::Ceremony;
use super::ceremony::script::Place;
use super::objection::network_route;
use super::split;
use crate::cli::Rotate;
use crate::codes::Code;
use crate::delivery;
use crate::exit::Exit;
use crate::fault;
use crate::files::{self, Lock};
use crate::interrupt;
use crate::kit::Kit;
use crate::logbook::record::Subject;
use crate::method::Method;
use crate::rotation::answer::Described;
use crate::rotation::driver::Driver;
use crate::rotation::evidence::Evidence;
use crate::rotation::journal::Journal;
use crate::rotation::parts;
use crate::rotation::plan::{self, Death, Facts, Step};
use crate::rotation::protocol::{Credential, Fields};
use crate::secret::Secret;
use crate::state::State;
use crate::ui::{Failure, Ui};

/// One run, and what it knows. No `Debug`: it holds secrets.
struct Run<'a> {
    context: &'a Context,
    args: &'a Rotate,
    kit: Kit,
    /// The method that decides about the platform: as it was dealt with the old set.
    method: Method,
    driver: Driver,
    described: Described,
    journal: Journal,
    facts: Facts,
    /// The set that is to be retired; none for the first credential.
    old: Option<Retiring>,
    /// The old secret, while this run has it.
    old_credential: Option<Credential>,
    /// What the new sheets will be like, once that is known.
    order: Option<split::Order>,
    /// A new secret that is on no paper yet.
    made: Option<Credential>,
    made_expires: Option<String>,
    /// Set code of the set that is to follow.
    new_code: Option<String>,
    /// What its sheets gave.
    new_credential: Option<Credential>,
    /// Whether this run has opened a set.
    has_opened: bool,
    /// Whether this run itself has just changed the platform, which may take its time.
    changed: bool,
    /// What became of the sessions of the old credential.
    sessions: String,
    evidence: Vec<Evidence>,
    /// Where this run has written the new sheets.
    papers: Option<PathBuf>,
    /// The ceremony that this follows, and what it has to do at the end.
    staged: Option<Staged<'a>>,
    /// Whether method.toml has another driver or target today than the old set was dealt with.
    moved: bool,
    /// No other run works on this kit meanwhile.
    _alone: Option<Lock>,
}

/// A ceremony around a rotation.
struct Staged<'a> {
    ceremony: Ceremony<'a>,
    /// Which of its steps was read out last.
    place: Option<Place>,
    /// What the new set was dealt by.
    dealt: Option<(split::Order, Code)>,
}

/// The set that is to be retired.
struct Retiring {
    subject: Subject,
    /// Public id, when the records know it.
    credential: String,
    /// Record of its release.
    release: Option<u64>,
    /// Record of its ISSUE.
    issue: u64,
}

pub(super) fn run(context: &Context, args: &Rotate) -> Result<Exit, Failure> {
    go(start::begin(context, args)?)
}

/// As [`run`], for whoever has just been released the old secret: its sheets are not asked for again.
pub(super) fn after_release(
    context: &Context,
    set: Code,
    secret: &Secret,
    credential_id: &str,
) -> Result<Exit, Failure> {
    let args = Rotate::default();
    let mut run = start::begin(context, &args)?;
    // what the records take for the old one may be another generation; then its sheets are asked for
    if run.old.as_ref().is_some_and(|old| old.subject.set == set) {
        let id = Some(credential_id.to_owned()).filter(|id| !id.is_empty());
        run.take_in_hand(secret, id)?;
    }
    go(run)
}

fn go(mut run: Run<'_>) -> Result<Exit, Failure> {
    if run.args.disable {
        return run.disable();
    }
    run.tell_where_it_stands()?;
    if run.args.dry_run {
        return Ok(Exit::Done);
    }
    run.check_flags()?;
    run.check_tools()?;
    run.check_logbook()?;
    run.begin_ceremony()?;
    run.record_move()?;
    run.record_compromise()?;
    let ended = run.turn();
    let stopped = format!("Stopped. `{}` says where it stands and goes on.", run.again());
    match ended {
        Err(failure) if interrupt::came() && failure.exit != Exit::Interrupted => {
            run.ui().fail(&failure);
            run.ui().must_say(&stopped);
            Ok(Exit::Interrupted)
        }
        // what was begun stands in the logbook and the journal, so it is not true that nothing was done
        Err(failure) if failure.exit == Exit::Interrupted => {
            if !failure.message.is_empty() {
                run.ui().fail(&failure);
            }
            run.ui().must_say(&stopped);
            Ok(Exit::Interrupted)
        }
        // 4 is what is asked for when somebody has to go on
        Err(failure) if run.has_opened && run.facts.old != Death::Dead && !run.facts.first => {
            Err(Failure { exit: Exit::StillValid, ..failure })
        }
        ended => ended,
    }
}

impl Run<'_> {
    /// Goes from step to step to an end.
    fn turn(&mut self) -> Result<Exit, Failure> {
        loop {
            let step = plan::next(&self.facts);
            if step.is_end() {
                return self.end(step);
            }
            self.read_out(step);
            self.ui().must_say("");
            self.ui().must_say(&Ui::strong(&words::announced(step, self.facts.mode)));
            self.network(step)?;
            fault::point(words::place(step));
            match step {
                Step::OpenOld => self.open_old()?,
                Step::ProveOld => self.prove_old()?,
                Step::Survey => self.survey()?,
                Step::Make => self.make()?,
                Step::ProveMade => self.prove_made()?,
                Step::Deal => self.deal()?,
                Step::Void => self.void()?,
                Step::OpenNew => self.open_new()?,
                Step::ProveNew => self.prove_new()?,
                Step::Set => {
                    self.record_early_end()?;
                    self.set()?;
                }
                Step::Revoke => {
                    self.record_early_end()?;
                    self.revoke_old()?;
                }
                Step::ProveDead => self.prove_dead()?,
                Step::Report => self.report()?,
                Step::Record => self.record()?,
                Step::Done | Step::NewRefused | Step::OldAlive => {}
            }
            if interrupt::came() {
                return Err(Failure::interrupted());
            }
        }
    }

    /// Where nobody can be asked, what is missing is said before anything is made.
    fn check_flags(&self) -> Result<(), Failure> {
        if self.ui().can_ask() {
            return Ok(());
        }
        let flag = if self.args.new.is_empty() && self.args.new_watch.is_none() {
            "`--new FILE` or `--new-watch DIR`: where the new sheets are scanned to"
        } else if self.facts.successor != plan::Successor::Confirmed
            && self.args.custody.bag.is_empty()
        {
            "`--bag SHEET=BAG` for each new sheet"
        } else {
            return Ok(());
        };
        Err(Failure::invalid(format!("nobody can be asked: give {flag}")))
    }

    /// A program that the driver calls and that is not here is known before anything is opened.
    fn check_tools(&self) -> Result<(), Failure> {
        let missing = self.described.needs.iter().find(|need| !delivery::can_start(&need.tool));
        missing.map_or(Ok(()), |need| {
            let name = &self.described.name;
            Err(Failure::invalid(format!(
                "{name} needs the program `{}`, which is not here",
                need.tool
            ))
            .hint("nothing was done; install it, or rotate on a machine that has it"))
        })
    }

    /// A book that cannot be written is known before anybody opens a bag.
    fn check_logbook(&self) -> Result<(), Failure> {
        let open = files::open_locked(self.kit.logbook().path());
        open.map(drop).map_err(|e| {
            Failure::from(e)
                .hint("nothing was done; every step of a rotation stands in the logbook")
        })
    }

    /// Returns the command that goes on.
    fn again(&self) -> &'static str {
        if self.facts.first { "breakglass rotate --first" } else { "breakglass rotate" }
    }

    fn ui(&self) -> &Ui {
        &self.context.ui
    }

    /// Asks for the network to be switched on or off, where the step needs it.
    fn network(&self, step: Step) -> Result<(), Failure> {
        let ui = self.ui();
        let asked = match (step.network(self.facts.mode), network_route()) {
            (Some(true), Some(false)) => "Switch the network ON",
            (Some(false), Some(true)) => "Switch the network OFF",
            _ => return Ok(()),
        };
        if ui.can_ask() { super::ask::enter(ui, &format!("{asked}, then Enter: ")) } else { Ok(()) }
    }

    /// Says how it ended.
    fn end(&self, step: Step) -> Result<Exit, Failure> {
        match step {
            Step::Done => {
                self.tell_done()?;
                self.close();
                Ok(Exit::Done)
            }
            Step::OldAlive => Err(Failure::new(
                Exit::StillValid,
                "the old credential STILL WORKS although it was revoked",
            )
            .hint("run `breakglass rotate` again in a minute; if that does not help, revoke it by hand and record it with `breakglass log add REVOKE`")),
            _ if self.facts.end_asked => Err(Failure::new(
                Exit::StillValid,
                "the platform refuses what the new sheets give, although the old credential was revoked or replaced",
            )
            .hint("keep the papers of BOTH generations; run `breakglass rotate` again in a few minutes")),
            _ => Err(Failure::new(
                Exit::StillValid,
                "the platform refuses what the new sheets give; this run has not touched the old credential",
            )
            .hint("keep the papers of both generations and run `breakglass rotate` again in a few minutes; if the old one works and the new one does not, record `breakglass log add ABORT` for the new one")),
        }
    }

    /// Takes a credential apart, as the dealt method and the driver say.
    fn fields(&self, credential: &Secret) -> Result<Fields, Failure> {
        let wanted = &self.described.secret_fields;
        parts::fields(credential, self.method.layout, wanted)
            .map_err(|e| Failure::invalid(e.to_string()))
    }

    /// Returns how things stand now.
    fn state(&self) -> Result<State, Failure> {
        Ok(State::of_book(&self.kit.logbook())?.0)
    }

    /// Returns what a record about the set that follows says.
    fn new_subject(&self, state: &State) -> Result<Subject, Failure> {
        let code = self.new_code.as_deref().unwrap_or_default();
        let set =
            state.set(code).ok_or_else(|| Failure::invalid("the new set is not in the logbook"))?;
        let parsed = Code::parse(crate::codes::code::CodeKind::Set, code)
            .map_err(|e| Failure::invalid(e.to_string()))?;
        Ok(Subject { method: state.method.clone(), generation: set.generation, set: parsed })
    }
}
