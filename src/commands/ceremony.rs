//! A ceremony: the program follows the printed script, one step after the other, and nobody is alone with a sheet that is
//! not their own.
//!
//! Until as many sheets are scanned back as it takes to confirm the set, whoever stops it aborts the set; from then on it
//! lives, and the sheets that are missing are made by `reissue`.

mod ending;
pub(super) mod script;
mod sheets;

use std::path::PathBuf;

use self::ending::subject;
use self::script::{Kind, Place, Step};
pub(super) use self::sheets::Dealing;
use super::objection::network_route;
use super::people::{ask_person, names};
use super::recorder::written;
use super::watch::Watch;
use super::{Context, ask, spool};
use crate::cli::{Media, Staging};
use crate::clock::{Instant, Source};
use crate::exit::Exit;
use crate::kit::Kit;
use crate::logbook::Draft;
use crate::logbook::member::{BySheet, Person};
use crate::logbook::record::When;
use crate::method::{Custodian, Method};
use crate::set::SheetId;
use crate::state::{Stage, State};
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
    /// Why to go on in spite of what speaks against the opening, where that was said before.
    exception: Option<String>,
    /// How many different numbers it takes to confirm the set.
    to_confirm: usize,
    /// Whether what the set gives is needed afterwards.
    keeps_secret: bool,
}

/// What a ceremony is told on the command line.
pub(super) struct Told<'a> {
    pub(super) staging: &'a Staging,
    pub(super) media: Media,
    pub(super) witness: Option<&'a str>,
    pub(super) watch: Option<PathBuf>,
    pub(super) time: Option<&'a str>,
    pub(super) exception: Option<&'a str>,
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
            let failure = Failure::invalid("a ceremony is led by people at a terminal");
            return Err(failure.hint(match kind {
                Kind::Issue => "without a terminal: `breakglass split -o DIR`, then `breakglass confirm SCANS`",
                Kind::Rotation => "without a terminal: `breakglass rotate` with `--new FILE` and `--bag SHEET=BAG`",
            }));
        }
        if matches!(told.media, Media::File) {
            return Err(Failure::invalid(
                "a ceremony is about paper, and `--media file` makes none",
            )
            .hint(
                "leave out `--ceremony`, and confirm the files with `breakglass confirm FILES`",
            ));
        }
        let queue = told.staging.print.as_deref().map(spool::checked).transpose()?;
        // a folder that is not there is known before there is a set
        told.watch.as_deref().map(Watch::new).transpose()?;
        let nobody = || Person { name: String::new(), id: String::new() };
        let mut ceremony = Self {
            context,
            steps: script::steps(kind, method),
            lead: nobody(),
            witness: nobody(),
            holders: BySheet::new(),
            offset: None,
            queue: queue.map(str::to_owned),
            watch: told.watch.clone(),
            exception: told.exception.map(str::to_owned),
            to_confirm: method.threshold.to_confirm().into(),
            keeps_secret: kind == Kind::Rotation,
        };
        ui.must_say("The steps have the numbers of the printed script. Ctrl-C stops, and says what becomes of the set.");
        ceremony.call_the_roll(method, told)?;
        ceremony.say(Place::Room);
        match network_route() {
            Some(true) => ui.warn("this machine still has a network route: take it away now, or the opening asks why it is there"),
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
            let why = match holds {
                Some(custodian) => format!("{witness} holds sheet {}", custodian.sheet),
                None if witness.is(&self.lead.name, &self.lead.id) => format!("{witness} leads it"),
                None => break witness,
            };
            if told.witness.is_some() {
                return Err(Failure::invalid(why)
                    .hint("a witness holds no sheet of this set, and does not lead the ceremony"));
            }
            ui.must_say(&format!("{why}: somebody else has to be the witness."));
        };
        for custodian in &method.custodians {
            let holder = self.holder(custodian)?;
            self.holders.extend(holder.map(|holder| (custodian.sheet, holder)));
        }
        // each has one sheet, so as many hands as sheets are here
        let numbers: std::collections::BTreeSet<u8> =
            self.holders.keys().map(|id| id.x()).collect();
        let (have, needed) = (numbers.len(), self.to_confirm);
        if have < needed {
            let message = format!(
                "holders of {have} different numbers are here, and it takes {needed} to confirm a set"
            );
            return Err(Failure::new(Exit::No, message).hint(
                "nothing was made; come together on another day, or let deputies take the bags",
            ));
        }
        Ok(())
    }

    /// Asks whether a holder is here, or who takes the sheet instead; nobody holds two, and the witness none.
    fn holder(&self, custodian: &Custodian) -> Result<Option<Person>, Failure> {
        let ui = &self.context.ui;
        let own = Person { name: custodian.name.clone(), id: custodian.id.clone() };
        let sheet = custodian.sheet;
        loop {
            let question =
                format!("  {sheet}  {own}: Enter if here, who takes it instead, or `no`: ");
            let text = ask::answer_or_empty(ui, &question, "--no-input")?;
            let person = match text.as_str() {
                "" | "y" | "yes" => own.clone(),
                "n" | "no" => return Ok(None),
                _ => match Person::parse(&text) {
                    Ok(person) if person.id.is_empty() => {
                        ui.must_say("With the company id, please, like Finn Maas (E1011).");
                        continue;
                    }
                    Ok(person) => person,
                    Err(what) => {
                        ui.must_say(&what);
                        continue;
                    }
                },
            };
            let same = |other: &Person| person.is(&other.name, &other.id);
            let taken = self.holders.iter().find(|(_, other)| same(other)).map(|(id, _)| *id);
            match taken {
                _ if same(&self.witness) => {
                    ui.must_say(&format!("{person} is the witness, and takes no sheet."));
                }
                Some(other) => {
                    ui.must_say(&format!("{person} has sheet {other}: nobody holds two."));
                }
                None => return Ok(Some(person)),
            }
        }
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
        self.wait("Done and initialled? Enter goes on: ")
    }

    /// Waits for Enter. What is not done yet is waited for; only Ctrl-C stops.
    fn wait(&self, prompt: &str) -> Result<(), Failure> {
        let ui = &self.context.ui;
        while !ui.ask(prompt, "`--no-input`")?.is_empty() {
            ui.must_say("Enter alone goes on, when it is; Ctrl-C stops the ceremony.");
        }
        Ok(())
    }

    /// Returns the time by the people's clock.
    pub(super) fn now(&self) -> When {
        match self.offset {
            None => When { at: Instant::now(), source: Source::System },
            Some(offset) => When { at: Instant::now().shifted(offset), source: Source::Operator },
        }
    }

    /// Aborts a set that an earlier ceremony has left unconfirmed, when people agree.
    pub(super) fn clear_away(&self, kit: &Kit, state: &State) -> Result<(), Failure> {
        let ui = &self.context.ui;
        let Some(set) = state.newest().filter(|set| state.stage(set) == Stage::Dealt) else {
            return Ok(());
        };
        let (generation, day) = (set.generation, set.issue.1.date());
        let question = format!(
            "Generation {generation} was dealt on {day} and never confirmed: a ceremony that stopped is not gone on with. Are its papers void?"
        );
        if !ui.confirm(&question, "--no-input")? {
            return Err(Failure::new(Exit::No, "nothing was made").hint(
                "scan its sheets back with `breakglass confirm SCANS`, if they are still there",
            ));
        }
        let why = "the ceremony was interrupted before enough sheets were read back";
        let abort = Draft::abort(self.now(), &self.context.signature(), &subject(state, set)?, why);
        written(ui, &kit.logbook(), &[abort], &[])?;
        let sheets: Vec<SheetId> = set.sheets.keys().copied().collect();
        ui.warn(&format!(
            "destroy what was printed of generation {generation} ({}), and delete its files: in the folder of `-o`, or in memory, where a restart deletes them",
            names(&sheets)
        ));
        Ok(())
    }
}
