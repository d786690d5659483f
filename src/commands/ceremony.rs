//! A ceremony: the program follows the printed script, one step after the other, and nobody is alone with a sheet that is
//! not their own.
//!
//! Until as many sheets are scanned back as it takes to confirm the set, whoever stops it aborts the set; from then on it
//! lives, and the sheets that are missing are made by `reissue`.

pub(super) mod script;
mod sheets;

use std::path::PathBuf;

use self::script::{Kind, Place, Step};
pub(super) use self::sheets::{Outcome, Papers};
use super::objection::network_route;
use super::people::ask_person;
use super::{Context, ask, spool};
use crate::cli::{Media, Staging};
use crate::clock::{Instant, Source};
use crate::exit::Exit;
use crate::kit::Kit;
use crate::logbook::Draft;
use crate::logbook::member::{BySheet, Person};
use crate::logbook::record::{Subject, When};
use crate::method::Method;
use crate::set::SheetId;
use crate::state::{Set, Stage, State};
use crate::ui::{Failure, Ui};

/// Who is here, and how it goes.
pub(super) struct Ceremony<'a> {
    context: &'a Context,
    steps: Vec<Step>,
    lead: Person,
    witness: Person,
    /// Who takes which sheet. Whoever is not named here is not here.
    holders: BySheet<Person>,
    /// How far the people's clock is before the machine's, seconds; none where they agree.
    offset: Option<i64>,
    /// The queue that sheets are printed by.
    queue: Option<String>,
    /// Where a scanner drops its pictures.
    watch: Option<PathBuf>,
}

/// What a ceremony is told on the command line.
pub(super) struct Told<'a> {
    pub(super) staging: &'a Staging,
    pub(super) media: Media,
    pub(super) witness: Option<&'a str>,
    pub(super) watch: Option<PathBuf>,
    pub(super) time: Option<&'a str>,
}

impl<'a> Ceremony<'a> {
    /// Calls the roll, and looks at network, program and clock, before anything is made.
    pub(super) fn begin(
        context: &'a Context,
        kind: Kind,
        method: &Method,
        told: &Told<'_>,
    ) -> Result<Self, Failure> {
        let ui = &context.ui;
        if !ui.can_ask() {
            return Err(Failure::invalid("a ceremony is led by people at a terminal").hint(
                "without a terminal: `breakglass split -o DIR`, then `breakglass confirm SCANS`",
            ));
        }
        if matches!(told.media, Media::File) {
            return Err(Failure::invalid("a ceremony is about paper, and `--media file` makes none")
                .hint("without a ceremony: `breakglass split --media file`, then `breakglass confirm FILES`"));
        }
        let queue = told.staging.print.as_deref().map(spool::checked).transpose()?;
        let steps = script::steps(kind, method);
        let mut ceremony = Self {
            context,
            steps,
            lead: Person { name: String::new(), id: String::new() },
            witness: Person { name: String::new(), id: String::new() },
            holders: BySheet::new(),
            offset: None,
            queue: queue.map(str::to_owned),
            watch: told.watch.clone(),
        };
        ui.must_say("The steps have the numbers of the printed script. Ctrl-C stops, and says what becomes of the set.");
        ceremony.call_the_roll(method, told)?;
        ceremony.say(Place::Room);
        match network_route() {
            Some(true) => ui.warn("this machine still has a network route"),
            Some(false) => ui.must_say("  network   none"),
            None => {}
        }
        ceremony.done()?;
        ceremony.say(Place::Program);
        let program = context.signature();
        ui.must_say(&format!("  breakglass {}\n  {}", program.version, program.sha256));
        ceremony.done()?;
        ceremony.say(Place::Clock);
        let when = ask::time(ui, told.time)?;
        if when.source == Source::Operator {
            ceremony.offset = Some(when.at.since(Instant::now()));
        }
        Ok(ceremony)
    }

    fn call_the_roll(&mut self, method: &Method, told: &Told<'_>) -> Result<(), Failure> {
        let ui = &self.context.ui;
        self.say(Place::RollCall);
        let person = |given: Option<&str>, question: &str, flag: &str| match given {
            Some(text) => {
                Person::parse(text).map_err(|e| Failure::invalid(format!("`{flag}`: {e}")))
            }
            None => ask_person(ui, question, flag),
        };
        self.lead = person(told.staging.lead.as_deref(), "Who leads it", "--lead")?;
        self.witness = loop {
            let witness = person(told.witness, "Who is the witness", "--witness")?;
            let holds = method.custodians.iter().find(|c| witness.is(&c.name, &c.id));
            match holds {
                None => break witness,
                Some(c) if told.witness.is_none() => {
                    ui.must_say(&format!(
                        "{witness} holds sheet {}: somebody else has to be the witness.",
                        c.sheet
                    ));
                }
                Some(c) => {
                    return Err(Failure::invalid(format!("{witness} holds sheet {}", c.sheet))
                        .hint("a witness holds no sheet of this set"));
                }
            }
        };
        for custodian in &method.custodians {
            let (sheet, name) = (custodian.sheet, &custodian.name);
            let own = Person { name: name.clone(), id: custodian.id.clone() };
            let holder = loop {
                let question =
                    format!("  {sheet}  {own}: Enter if here, who takes it instead, or `no`: ");
                let text = ask::answer_or_empty(ui, &question, "--no-input")?;
                match text.as_str() {
                    "" | "y" | "yes" => break Some(own),
                    "n" | "no" => break None,
                    _ => match Person::parse(&text) {
                        Ok(person) if person.id.is_empty() => {
                            ui.must_say("With the company id, please, like Finn Maas (E1011).");
                        }
                        Ok(person) => break Some(person),
                        Err(what) => ui.must_say(&what),
                    },
                }
            };
            self.holders.extend(holder.map(|holder| (sheet, holder)));
        }
        let numbers: std::collections::BTreeSet<u8> =
            self.holders.keys().map(|id| id.x()).collect();
        let (k, n) = (usize::from(method.threshold.k()), usize::from(method.threshold.n()));
        let needed = n.min(k + 1);
        if numbers.len() < needed {
            let message = format!(
                "holders of {} different numbers are here, and it takes {needed} to confirm a set",
                numbers.len()
            );
            return Err(Failure::new(Exit::No, message).hint(
                "nothing was made; come together on another day, or let deputies take the bags",
            ));
        }
        Ok(())
    }

    /// Reads a step of the script out.
    pub(super) fn say(&self, place: Place) {
        let ui = &self.context.ui;
        let number = script::number(&self.steps, place);
        let Some(step) = self.steps.get(number.wrapping_sub(1)) else { return };
        ui.must_say("");
        ui.must_say(&Ui::strong(&format!("Step {number}, {}", step.who)));
        ui.must_say(&format!("  {}", step.words));
        ui.must_say(&format!("  To be seen: {}", step.see));
    }

    /// Names a step that was read out before.
    fn say_again(&self, place: Place) {
        let number = script::number(&self.steps, place);
        let Some(step) = self.steps.get(number.wrapping_sub(1)) else { return };
        self.context.ui.must_say(&Ui::strong(&format!("Step {number}, {}", step.who)));
    }

    /// Waits until it is done and initialled.
    pub(super) fn done(&self) -> Result<(), Failure> {
        ask::enter(&self.context.ui, "Done and initialled? Enter goes on: ")
    }

    /// Returns the time by the people's clock.
    fn now(&self) -> When {
        match self.offset {
            None => When { at: Instant::now(), source: Source::System },
            Some(offset) => When { at: Instant::now().shifted(offset), source: Source::Operator },
        }
    }

    /// Aborts a set that was never confirmed, when people agree.
    pub(super) fn clear_away(context: &Context, kit: &Kit, state: &State) -> Result<(), Failure> {
        let Some(set) = state.newest().filter(|set| state.stage(set) == Stage::Dealt) else {
            return Ok(());
        };
        let question = format!(
            "Generation {} was dealt on {} and never confirmed: a ceremony that stopped is not gone on with. Are its papers void?",
            set.generation,
            set.issue.1.date()
        );
        if !context.ui.confirm(&question, "--no-input")? {
            return Err(Failure::new(Exit::No, "nothing was made").hint(
                "scan its sheets back with `breakglass confirm SCANS`, if they are still there",
            ));
        }
        let subject = subject(state, set)?;
        let when = When { at: Instant::now(), source: Source::System };
        let why = "the ceremony was interrupted before enough sheets were read back";
        let abort = Draft::abort(when, &context.signature(), &subject, why);
        super::recorder::written(&context.ui, &kit.logbook(), &[abort], &[])?;
        let sheets: Vec<SheetId> = set.sheets.keys().copied().collect();
        context.ui.warn(&format!(
            "destroy what was printed of generation {} ({})",
            set.generation,
            super::people::names(&sheets)
        ));
        Ok(())
    }
}

fn subject(state: &State, set: &Set) -> Result<Subject, Failure> {
    let code = crate::codes::Code::parse(crate::codes::code::CodeKind::Set, &set.code)
        .map_err(|e| Failure::invalid(e.to_string()))?;
    Ok(Subject { method: state.method.clone(), generation: set.generation, set: code })
}
