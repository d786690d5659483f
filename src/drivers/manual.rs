//! `manual`: a person does it, told step by step at the terminal. For whatever has no driver.
//!
//! Target: `where` (what and where, in words); may say `mode` (`overlap`, which is the default, or `replace`), `fields` (the
//! parts of a credential: `password`), `generate` (signs of a secret that is made here), `how` (a line of advice).
//! What a person says is all that is known: `valid` and `revoked` are words of that person.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::{Answer, BuiltIn, Login, Problem, Question, STOPPED};
use crate::clock::Instant;
use crate::rotation::protocol::Verb;
use crate::secret::Secret;
use crate::ui::terminal::Terminal;
use crate::ui::{self};

pub(super) const DRIVER: BuiltIn = BuiltIn {
    name: "manual",
    needs: &["where"],
    may: &["mode", "fields", "how", "generate"],
    mint: &[],
    describe,
    answer,
};

/// Most bytes of a file that a person names as evidence.
const MAX_EVIDENCE: usize = 8 << 20;

fn replaces(question: &Question) -> bool {
    question.target.get("mode").is_some_and(|mode| mode == "replace")
}

fn fields(question: &Question) -> Vec<&str> {
    let all = question.target.get("fields").map_or("password", String::as_str);
    all.split(',').map(str::trim).filter(|name| !name.is_empty()).collect()
}

fn describe(question: &Question) -> Value {
    let (mode, verbs) = if replaces(question) {
        ("replace", vec!["describe", "set", "verify", "report"])
    } else {
        ("overlap", vec!["describe", "create", "verify", "revoke", "report"])
    };
    json!({
        "protocol": [1],
        "name": DRIVER.name,
        "version": env!("CARGO_PKG_VERSION"),
        "mode": mode,
        "secret_fields": fields(question),
        "generate": question.target.get("generate").map_or("32:a-zA-Z0-9", String::as_str),
        "interactive": true,
        "verbs": verbs,
    })
}

fn answer(verb: Verb, question: &Question) -> Answer {
    let place = question.target("where")?;
    let mut person = Person::at_the_terminal()?;
    match verb {
        Verb::Create => create(question, &mut person, place),
        Verb::Set => set(question, &mut person, place),
        Verb::Verify => verify(question, &mut person, place),
        Verb::Revoke => revoke(question, &mut person, place),
        Verb::Report => report(question, &mut person, place),
        _ => Err(Problem::new("unsupported", "")),
    }
}

/// Whoever sits at the terminal.
struct Person(Terminal);

impl Person {
    fn at_the_terminal() -> Result<Self, Problem> {
        Terminal::open().map(Self).map_err(|_| {
            Problem::new("invalid_input", "this driver asks a person, and there is no terminal")
        })
    }

    /// Stopping in the middle leaves open what was done.
    fn line(&mut self, prompt: &str) -> Result<String, Problem> {
        let line = self.0.ask(&format!("  {prompt}")).ok().flatten();
        line.map(|line| line.trim().to_owned()).ok_or_else(stopped)
    }

    fn told(&mut self, text: &str) -> Result<(), Problem> {
        self.0.say(&format!("  {}", ui::plain(text))).map_err(|_| stopped())
    }

    /// Reads a secret twice, until it is the same both times.
    fn secret(&mut self, name: &str) -> Result<Secret, Problem> {
        loop {
            let mut ask =
                |prompt: String| self.0.ask_hidden(&prompt).ok().flatten().ok_or_else(stopped);
            let first = ask(format!("  New {name} (not shown as you type): "))?;
            let again = ask("  Again: ".to_owned())?;
            if first.is_empty() {
                self.told("It is empty.")?;
            } else if first.same_as(&again) {
                return Ok(first);
            } else {
                self.told("They differ.")?;
            }
        }
    }

    /// Shows what has to be typed elsewhere, on the other screen.
    fn shown(&mut self, heading: &str, login: &[(&str, &str)]) -> Result<(), Problem> {
        for (name, value) in login {
            let secret = Secret::new(value.as_bytes().to_vec());
            self.0
                .show(&ui::plain(&format!("{heading}: {name}")), &secret)
                .map_err(|_| stopped())?;
        }
        Ok(())
    }

    fn choice(&mut self, prompt: &str, letters: &str) -> Result<char, Problem> {
        loop {
            let answer = self.line(prompt)?.to_ascii_lowercase();
            let mut signs = answer.chars();
            if let (Some(letter), None) = (signs.next(), signs.next())
                && letters.contains(letter)
            {
                return Ok(letter);
            }
        }
    }
}

fn stopped() -> Problem {
    Problem::new(STOPPED, "it was stopped at the terminal")
}

fn advice(question: &Question, person: &mut Person) -> Result<(), Problem> {
    question.target.get("how").map_or(Ok(()), |how| person.told(how))
}

fn create(question: &Question, person: &mut Person, place: &str) -> Answer {
    person.told(&format!(
        "BY HAND, on {place}: make a further credential. Leave the one in use as it is."
    ))?;
    advice(question, person)?;
    let known = question.auth.as_ref().map(|auth| auth.id.as_str());
    let id = loop {
        let id = ui::plain(
            &person
                .line("Its public id there (a key id, a name; Enter alone: it was not made): ")?,
        );
        if id.is_empty() {
            return Err(Problem::new("internal", "no credential was made"));
        }
        if Some(id.as_str()) != known {
            break id;
        }
        person.told("That is the one in use. The further one needs an id of its own.")?;
    };
    let mut secret = Map::new();
    for name in fields(question) {
        let value = person.secret(name)?;
        let value = std::str::from_utf8(value.expose())
            .map_err(|_| Problem::new("invalid_input", "that is no text").about(&id))?;
        secret.insert(name.to_owned(), value.into());
    }
    Ok(json!({ "credential": { "id": id, "secret": secret } }))
}

fn set(question: &Question, person: &mut Person, place: &str) -> Answer {
    let id = question.auth.as_ref().map_or("", |auth| &auth.id).to_owned();
    person.told(&format!(
        "BY HAND, on {place}: put the new secret of {id} in the place of the old one."
    ))?;
    advice(question, person)?;
    loop {
        let prompt = "[s] shows the new secret  [o] shows the old one  [y] it is done  [n] it was not done: ";
        match person.choice(prompt, "soyn")? {
            's' => person.shown("The NEW secret", &question.new_parts())?,
            'o' => person.shown("The OLD secret", &parts(question, question.auth.as_ref()))?,
            'y' => return Ok(json!({ "credential": { "id": id }, "sessions": sessions(person)? })),
            _ => return Err(Problem::new("internal", "it was not done")),
        }
    }
}

/// The parts that this driver changes.
fn parts<'a>(question: &'a Question, login: Option<&'a Login>) -> Vec<(&'a str, &'a str)> {
    let wanted = fields(question);
    let all = login.into_iter().flat_map(|login| &login.secret);
    all.map(|(name, value)| (name.as_str(), value.as_str()))
        .filter(|(name, _)| wanted.contains(name))
        .collect()
}

fn sessions(person: &mut Person) -> Result<Value, Problem> {
    Ok(match person.choice("Were all sessions of the old one ended? [y/n/?] ", "yn?")? {
        'y' => json!({}),
        'n' => json!({ "surviving_until": "they are closed" }),
        _ => json!({ "surviving_until": "they are closed (nobody knows whether there are any)" }),
    })
}

fn verify(question: &Question, person: &mut Person, place: &str) -> Answer {
    let login = question.credential()?;
    person.told(&format!(
        "BY HAND: try to log in on {place} as {}, with exactly the secret that is shown here.",
        login.id
    ))?;
    loop {
        let prompt = "[s] shows it  [y] it was let in  [n] it was refused  [?] no answer: ";
        match person.choice(prompt, "syn?")? {
            's' => person.shown("Try this", &parts(question, Some(login)))?,
            'y' => {
                return Ok(
                    json!({ "status": "valid", "identity": login.id, "detail": "a person says so" }),
                );
            }
            'n' => return Ok(json!({ "status": "invalid", "detail": "a person says so" })),
            _ => return Ok(json!({ "status": "unknown", "detail": "a person could not say" })),
        }
    }
}

fn revoke(question: &Question, person: &mut Person, place: &str) -> Answer {
    let id = question.credential_id()?;
    person.told(&format!("BY HAND, on {place}: revoke {id}, and end its sessions."))?;
    match person
        .choice("[y] it is revoked  [g] it was gone already  [n] it was not done: ", "ygn")?
    {
        'y' => Ok(json!({ "status": "revoked", "sessions": sessions(person)? })),
        'g' => Ok(json!({ "status": "already_revoked", "sessions": sessions(person)? })),
        _ => Err(Problem::new("internal", "it was not done")),
    }
}

fn report(question: &Question, person: &mut Person, place: &str) -> Answer {
    let own = question.auth.as_ref().map_or("", |auth| &auth.id);
    person.told(&format!("BY HAND: which credentials does {place} list now, for this access?"))?;
    let ids = person.line(&format!(
        "The public ids of all of them, a blank between (Enter: {own}, and perhaps others): "
    ))?;
    // who only presses Enter has not looked whether there are others
    let complete = !ids.is_empty();
    let ids = if ids.is_empty() { own.to_owned() } else { ui::plain(&ids) };
    let items: Vec<Value> =
        ids.split_whitespace().map(|id| json!({ "id": id, "status": "active" })).collect();
    let mut raw = Vec::new();
    loop {
        let path = person
            .line("A file that shows it, its full path (an export, a picture of the screen; Enter: none): ")?;
        if path.is_empty() {
            break;
        }
        let path = std::path::PathBuf::from(path.trim_matches(['\'', '"']));
        match crate::files::read(&path, MAX_EVIDENCE) {
            Ok(bytes) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                raw.push(json!({ "name": name, "base64": STANDARD.encode(&*bytes) }));
                break;
            }
            Err(error) => person.told(&error.to_string())?,
        }
    }
    Ok(json!({
        "generated_at": Instant::now().rfc3339(),
        "clock_source": "this machine; a person looked",
        "account": place,
        "caller": own,
        "complete": complete,
        "items": items,
        "raw": raw,
    }))
}
