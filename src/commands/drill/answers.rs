//! What is asked after a drill: who led it, what went well, what has to be mended, by whom and by when.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::checks::{self, Check};
use crate::cli::DrillAnswers;
use crate::clock::Instant;
use crate::commands::ask;
use crate::exit::Exit;
use crate::logbook::Member;
use crate::logbook::member::{Person, is_day, typed};
use crate::ui::{Failure, Ui};

/// Days within which a finding is mended, where nobody names a day.
const MONTH: u16 = 30;

/// What was answered.
#[derive(Default)]
pub(super) struct Answers {
    lead: Option<Person>,
    checks: BTreeMap<&'static str, bool>,
    findings: Vec<Found>,
    note: String,
}

/// What has to be mended.
struct Found {
    what: String,
    owner: String,
    due: String,
}

/// Takes the flags, and refuses what is wrong with them before anything else is done.
pub(super) fn given(ui: &Ui, kind: &str, args: &DrillAnswers) -> Result<Answers, Failure> {
    let answers = of_flags(kind, args)?;
    if !ui.can_ask() {
        answers.are_whole()?;
    }
    Ok(answers)
}

fn of_flags(kind: &str, args: &DrillAnswers) -> Result<Answers, Failure> {
    let mut answers = Answers::default();
    let wrong = |flag: &str, what: String| Failure::invalid(format!("`{flag}`: {what}"));
    if let Some(text) = &args.lead {
        answers.lead = Some(Person::parse(text).map_err(|e| wrong("--lead", e))?);
    }
    for text in &args.check {
        let words: Vec<&str> = checks::of(kind).map(|check| check.key).collect();
        let (word, answer) = text.split_once('=').unwrap_or((text, ""));
        let check = checks::of(kind).find(|check| check.key == word.trim()).ok_or_else(|| {
            wrong(
                "--check",
                format!("a {kind} drill does not ask `{word}`; it asks {}", words.join(", ")),
            )
        })?;
        let yes = match answer.trim().to_ascii_lowercase().as_str() {
            "yes" | "y" => true,
            "no" | "n" => false,
            _ => return Err(wrong("--check", format!("`{text}` is not like `{word}=yes`"))),
        };
        answers.checks.insert(check.key, yes);
    }
    for text in &args.finding {
        let parts: Vec<&str> = text.split(';').map(str::trim).collect();
        let [what, owner, due] = parts[..] else {
            return Err(wrong(
                "--finding",
                format!("`{text}` is not like `WHAT; WHO; 2026-12-24`"),
            ));
        };
        if !is_day(due) || *due < *Instant::now().date() {
            return Err(wrong("--finding", format!("`{due}` is no day to come, like 2026-12-24")));
        }
        let word = |text: &str| typed(text).map_err(|e| wrong("--finding", e));
        answers.findings.push(Found {
            what: word(what)?,
            owner: word(owner)?,
            due: due.to_owned(),
        });
    }
    if let Some(note) = &args.note {
        answers.note = typed(note).map_err(|e| wrong("--note", e))?;
    }
    if let Some(finding) = answers.findings.iter().find(|f| f.what.is_empty() || f.owner.is_empty())
    {
        return Err(wrong(
            "--finding",
            format!("who mends what? `{}; {}`", finding.what, finding.owner),
        ));
    }
    Ok(answers)
}

impl Answers {
    /// Refuses a "no" that nobody has said anything about, where nobody can be asked.
    fn are_whole(&self) -> Result<(), Failure> {
        let noes: Vec<&str> =
            self.checks.iter().filter(|(_, yes)| !**yes).map(|(key, _)| *key).collect();
        if noes.len() <= self.findings.len() {
            return Ok(());
        }
        Err(Failure::invalid(format!("every \"no\" is a finding: {}", noes.join(", ")))
            .hint("say who mends what, and by when, with `--finding \"WHAT; WHO; 2026-12-24\"`"))
    }

    /// Asks for what no flag has said. Whatever ends the questions does not end the drill, which took place.
    pub(super) fn ask(&mut self, ui: &Ui, kind: &str, today: Instant) {
        if ui.can_ask()
            && let Err(failure) = self.ask_all(ui, kind, today)
            && failure.exit != Exit::Interrupted
        {
            ui.fail(&failure);
        }
    }

    fn ask_all(&mut self, ui: &Ui, kind: &str, today: Instant) -> Result<(), Failure> {
        ui.must_say("");
        ui.must_say("The checklist. Enter passes over a question; every \"no\" is a finding.");
        while self.lead.is_none() {
            let question = "Who led it, like Cem Arslan (E2044): ";
            let text = ask::answer_or_empty(ui, question, "--lead")?;
            if text.is_empty() {
                break;
            }
            match Person::parse(&text) {
                Ok(person) => self.lead = Some(person),
                Err(what) => ui.must_say(&what),
            }
        }
        let explained = self.findings.len();
        let noes = self.checks.values().filter(|yes| !**yes).count();
        for Check { key, question, .. } in checks::of(kind) {
            let yes = match self.checks.get(key) {
                Some(yes) => Some(*yes),
                None => loop {
                    match &*ui
                        .ask(&format!("  {question} [y/n] "), "`--check`")?
                        .to_ascii_lowercase()
                    {
                        "" => break None,
                        "y" | "yes" => break Some(true),
                        "n" | "no" => break Some(false),
                        _ => {}
                    }
                },
            };
            let told = self.checks.contains_key(key);
            if yes == Some(false) && (!told || explained < noes) {
                if told {
                    ui.must_say(&format!("  {question} no"));
                }
                let what = ask::answer(ui, None, "    What is to be mended: ", "--finding")?;
                self.found(ui, what, today)?;
            }
            self.checks.extend(yes.map(|yes| (*key, yes)));
        }
        loop {
            let question = "  Something else that is to be mended (Enter: nothing): ";
            let what = ask::answer_or_empty(ui, question, "--finding")?;
            if what.is_empty() {
                return Ok(());
            }
            self.found(ui, what, today)?;
        }
    }

    fn found(&mut self, ui: &Ui, what: String, today: Instant) -> Result<(), Failure> {
        let owner = ask::answer(ui, None, "    Who mends it: ", "--finding")?;
        let month = today.plus_hours(MONTH * 24).date();
        let due = loop {
            let text = ask::answer_or_empty(
                ui,
                &format!("    By which day (Enter: {month}): "),
                "--finding",
            )?;
            match text.as_str() {
                "" => break month,
                day if is_day(day) && *day >= *today.date() => break text,
                other => {
                    ui.must_say(&format!("`{other}` is no day to come: type it like {month}."));
                }
            }
        };
        self.findings.push(Found { what, owner, due });
        Ok(())
    }

    /// Returns the answer to a question, when there is one.
    pub(super) fn to(&self, key: &str) -> Option<bool> {
        self.checks.get(key).copied()
    }

    /// Puts everything into the record. `note` is what the program itself has to say.
    pub(super) fn put(&self, members: &mut BTreeMap<Member, Value>, note: &str) {
        if let Some(lead) = &self.lead {
            members.insert(Member::Lead, lead.into());
        }
        if !self.checks.is_empty() {
            let word = |yes: &bool| if *yes { "yes" } else { "no" };
            let checks = self.checks.iter().map(|(key, yes)| ((*key).to_owned(), word(yes).into()));
            members.insert(Member::Checks, checks.collect::<Map<_, _>>().into());
        }
        if !self.findings.is_empty() {
            let finding = |f: &Found| json!({ "what": f.what, "owner": f.owner, "due": f.due });
            members.insert(Member::Findings, self.findings.iter().map(finding).collect());
        }
        let notes: Vec<&str> =
            [note, &self.note].into_iter().filter(|note| !note.is_empty()).collect();
        if !notes.is_empty() {
            members.insert(Member::Note, notes.join("; ").into());
        }
    }

    /// Says what is to be mended now.
    pub(super) fn tell(&self, ui: &Ui) {
        for (number, found) in (1..).zip(&self.findings) {
            let Found { what, owner, due } = found;
            ui.must_say(&format!("  finding {number}: {what}; {owner} mends it by {due}"));
        }
    }
}
