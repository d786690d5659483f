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

/// The same where a person has stopped it.
const STOPPED: &str = "stopped";

/// After how many seconds a question is put again that the platform was too busy for.
const RETRY_AFTER_S: u64 = 3;

/// Most bytes of a question.
const MAX_QUESTION: u64 = 1 << 20;

/// What a driver is.
struct BuiltIn {
    name: &'static str,
    /// What its target has to say.
    needs: &'static [&'static str],
    /// What it may say.
    may: &'static [&'static str],
    /// What of that `mint` cannot do without.
    mint: &'static [&'static str],
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

impl Login {
    /// Returns a part of the secret.
    fn part(&self, name: &str) -> Result<&str, Problem> {
        let missing = || Problem::new("invalid_input", format!("there is no `{name}`"));
        self.secret.get(name).map(String::as_str).ok_or_else(missing)
    }
}

/// Returns a part that is one line; the end of a line belongs to the file that it came in, not to it.
fn line_of<'a>(login: Option<&'a Login>, name: &str) -> Result<&'a str, Problem> {
    part_of(login, name).map(|part| part.trim_end_matches(['\r', '\n']))
}

/// Returns a part of the secret of a login that has to be there.
fn part_of<'a>(login: Option<&'a Login>, name: &str) -> Result<&'a str, Problem> {
    let missing = || Problem::new("invalid_input", format!("there is no `{name}`"));
    login.ok_or_else(missing)?.part(name)
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

    /// That nobody knows what came of it: something was changed before it failed, or may have been.
    fn lost(self) -> Self {
        Self { kind: LOST, ..self }
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
            described["target"] = json!({
                "needs": driver.needs, "may": driver.may, "mint": driver.mint,
            });
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
        Err(problem) if problem.kind == STOPPED => {
            writeln!(io::stderr(), "{}", problem.message)?;
            return Ok(130);
        }
        Err(Problem { kind, message, credential_id }) => {
            let partial = json!({ "credential_id": credential_id });
            let mut error = json!({ "kind": kind, "message": message, "partial": partial });
            if kind == "retryable" {
                error["retry_after_s"] = RETRY_AFTER_S.into();
            }
            (json!({ "error": error }), 1)
        }
    };
    let mut out = io::stdout().lock();
    out.write_all(value.to_string().as_bytes())?;
    out.flush()?;
    Ok(status)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_end_of_a_line_is_not_of_the_password() {
        let login: Login =
            serde_json::from_str(r#"{"id":"x","secret":{"password":"a b \r\n"}}"#).unwrap();
        assert_eq!(line_of(Some(&login), "password").ok(), Some("a b "));
        assert!(line_of(None, "password").is_err() && line_of(Some(&login), "token").is_err());
    }
}
