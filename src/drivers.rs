//! The drivers that are built in: each answers the questions of `protocol.md` by calling its platform's own CLI.
//!
//! They run in a process of their own (`breakglass driver NAME VERB`), like any other driver, and are asked in no other
//! way. Adding one takes a file here and a line in `ALL`.

mod aws;
mod linux;
mod manual;
mod postgresql;
mod ssh;
mod tool;
mod vault;

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::rotation::protocol::Verb;

/// The kind of a problem after which nobody knows what happened: it is no error of the protocol, but its own status.
const LOST: &str = "lost";

/// Most bytes of a question.
const MAX_QUESTION: u64 = 1 << 20;

/// What a driver is.
struct BuiltIn {
    name: &'static str,
    /// What its target has to say.
    needs: &'static [&'static str],
    /// What it may say.
    may: &'static [&'static str],
    describe: fn(&Question) -> Value,
    answer: fn(Verb, &Question) -> Answer,
}

/// Every one.
const ALL: [BuiltIn; 7] = [
    aws::DRIVER,
    postgresql::DRIVER,
    vault::userpass::DRIVER,
    vault::root::DRIVER,
    ssh::DRIVER,
    linux::DRIVER,
    manual::DRIVER,
];

/// Their names.
pub const NAMES: [&str; ALL.len()] = {
    let mut names = [""; ALL.len()];
    let mut i = 0;
    while i < ALL.len() {
        names[i] = ALL[i].name;
        i += 1;
    }
    names
};

/// A question. No `Debug`: it holds secrets.
#[derive(Default, Deserialize)]
struct Question {
    #[serde(default)]
    target: BTreeMap<String, String>,
    auth: Option<Login>,
    credential: Option<Login>,
    credential_id: Option<String>,
    request_id: Option<String>,
    new: Option<Parts>,
    operator: Option<String>,
    ttl_s: Option<u64>,
}

/// The parts of a new secret. No `Debug`.
#[derive(Deserialize)]
struct Parts {
    #[serde(default)]
    secret: BTreeMap<String, String>,
}

/// A credential of a question. No `Debug`.
#[derive(Deserialize)]
struct Login {
    id: String,
    #[serde(default)]
    secret: BTreeMap<String, String>,
}

impl Question {
    /// Returns what the method file says of the platform; without it the driver cannot work.
    fn target(&self, name: &str) -> Result<&str, Problem> {
        let missing =
            || Problem::new("invalid_input", format!("[rotation.target] has no `{name}`"));
        self.target.get(name).map(String::as_str).ok_or_else(missing)
    }

    fn credential(&self) -> Result<&Login, Problem> {
        self.credential
            .as_ref()
            .ok_or_else(|| Problem::new("invalid_input", "there is no credential"))
    }

    fn request_id(&self) -> Result<&str, Problem> {
        let missing = || Problem::new("invalid_input", "there is no request_id");
        self.request_id.as_deref().ok_or_else(missing)
    }

    /// Returns a part of the secret that is to be set.
    fn new_secret(&self, name: &str) -> Result<&str, Problem> {
        let part = self.new.as_ref().and_then(|new| new.secret.get(name));
        let missing = || Problem::new("invalid_input", format!("there is no new `{name}`"));
        part.map(String::as_str).ok_or_else(missing)
    }

    /// Returns every part of the secret that is to be set.
    fn new_parts(&self) -> Vec<(&str, &str)> {
        let parts = self.new.iter().flat_map(|new| &new.secret);
        parts.map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    fn credential_id(&self) -> Result<&str, Problem> {
        let missing = || Problem::new("invalid_input", "there is no credential_id");
        self.credential_id.as_deref().ok_or_else(missing)
    }
}

/// An answer, or why there is none.
type Answer = Result<Value, Problem>;

/// Why a driver refuses.
struct Problem {
    kind: &'static str,
    message: String,
    credential_id: Option<String>,
}

impl Problem {
    fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), credential_id: None }
    }

    /// That there is a credential although it failed.
    fn about(self, id: &str) -> Self {
        Self { credential_id: Some(id.to_owned()), ..self }
    }
}

/// Answers one question on standard input; returns the status.
pub fn serve(name: &str, verb: &str) -> io::Result<u8> {
    let Some(driver) = ALL.iter().find(|driver| driver.name == name) else { return Ok(2) };
    let Some(verb) = Verb::parse(verb) else { return Ok(2) };
    let mut bytes = zeroize::Zeroizing::new(Vec::new());
    io::stdin().lock().take(MAX_QUESTION).read_to_end(&mut bytes)?;
    let answer = match serde_json::from_slice(&bytes) {
        Ok(question) if verb == Verb::Describe => {
            let mut described = (driver.describe)(&question);
            described["target"] = json!({ "needs": driver.needs, "may": driver.may });
            Ok(described)
        }
        Ok(question) => (driver.answer)(verb, &question),
        Err(_) => Err(Problem::new("invalid_input", "the question is no JSON")),
    };
    let (value, status) = match answer {
        Ok(value) => (value, 0),
        Err(problem) if problem.kind == "unsupported" => return Ok(2),
        Err(problem) if problem.kind == LOST => {
            writeln!(io::stderr(), "{}", problem.message)?;
            return Ok(3);
        }
        Err(Problem { kind, message, credential_id }) => {
            let partial = json!({ "credential_id": credential_id });
            (json!({ "error": { "kind": kind, "message": message, "partial": partial } }), 1)
        }
    };
    let mut out = io::stdout().lock();
    out.write_all(value.to_string().as_bytes())?;
    out.flush()?;
    Ok(status)
}
