//! Whether a driver keeps the rules of `protocol.md`: it is run against a real account, makes one credential there (or
//! sets one and sets it back) and ends it again.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use super::answer::{Described, Mode, Refused, Report, Validity};
use super::driver::{CallError, Driver};
use super::parts;
use super::protocol::{Credential, Fields, Request, Verb};
use crate::clock::Instant;
use crate::secret::Secret;

/// Between two tries of a change that a platform takes its time for.
const PAUSE: Duration = Duration::from_secs(3);

/// Most lines of a driver's own words that are kept with a rule.
const MOST_SAID: usize = 3;

/// One rule, and how the driver keeps it.
#[derive(Clone, Debug)]
pub struct Check {
    /// The rule.
    pub rule: &'static str,
    /// Why it is not kept; none when it is.
    pub broken: Option<String>,
    /// What the driver said meanwhile, its last lines.
    pub said: Vec<String>,
}

/// A driver under test. No `Debug`: it holds a secret.
pub struct Test<'a> {
    driver: Driver,
    target: &'a BTreeMap<String, String>,
    auth: &'a Credential,
    /// Makes the parts of a new secret.
    generate: &'a dyn Fn(&Described) -> Found<Fields>,
    /// How often a change is tried.
    tries: u32,
    checks: Vec<Check>,
    leaks: RefCell<Vec<String>>,
    said: RefCell<Vec<String>>,
}

/// What a step found: nothing, or why the rule is broken.
type Found<T> = Result<T, String>;

/// Runs every check; a change on the platform is waited for as long as `patience`.
pub fn run(
    driver: Driver,
    target: &BTreeMap<String, String>,
    auth: &Credential,
    generate: &dyn Fn(&Described) -> Result<Fields, String>,
    request_id: &str,
    patience: Duration,
) -> Vec<Check> {
    let (leaks, said) = (RefCell::default(), RefCell::default());
    let tries = u32::try_from(patience.as_secs() / PAUSE.as_secs()).unwrap_or(0).max(1);
    let mut test = Test { driver, target, auth, generate, tries, checks: Vec::new(), leaks, said };
    test.all(request_id);
    let leaks = test.leaks.take();
    let broken = leaks.first().map(|line| format!("it said `{line}`, where the secret stood"));
    test.checks.push(Check { rule: "no secret in its words", broken, said: Vec::new() });
    test.checks
}

impl Test<'_> {
    fn all(&mut self, request_id: &str) {
        let Some(described) = self.describe() else { return };
        self.words_that_are_none();
        let valid = self.expect("verify lets a right credential in", |test| {
            test.verify(test.auth, Validity::Valid, 1)
        });
        if valid.is_none() {
            return; // everything else would only say the same
        }
        self.expect("verify of a wrong secret is a refusal, not an error", |test| {
            let wrong = wrong(test.auth);
            test.verify(&wrong, Validity::Invalid, 1)
        });
        let report = described.can(Verb::Report).then(|| self.reported()).flatten();
        match described.mode {
            Mode::Overlap => self.overlap(request_id, report.as_ref()),
            Mode::Replace => self.replace(&described, request_id),
        }
    }

    fn expect<T>(&mut self, rule: &'static str, find: impl FnOnce(&Self) -> Found<T>) -> Option<T> {
        let found = find(self);
        let (value, broken) = match found {
            Ok(value) => (Some(value), None),
            Err(why) => (None, Some(why)),
        };
        let said = self.said.take();
        let said = said[said.len().saturating_sub(MOST_SAID)..].to_vec();
        self.checks.push(Check { rule, broken, said });
        value
    }

    fn request(&self) -> Request<'_> {
        Request { target: Some(self.target), ..Request::default() }
    }

    /// Hears what the driver says; what was redacted in it should not have been said.
    fn hear(&self, line: &str) {
        if line.contains("[redacted]") {
            self.leaks.borrow_mut().push(line.to_owned());
        }
    }

    fn ask<T>(
        &self,
        ask: impl FnOnce(&dyn Fn(&str)) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        let answer = ask(&|line| {
            self.hear(line);
            self.said.borrow_mut().push(line.to_owned());
        });
        if let Err(error) = &answer {
            self.hear(&error.to_string());
        }
        answer
    }

    fn describe(&mut self) -> Option<Described> {
        let mut driver = self.driver.clone();
        let described = self.expect("describe says what it is", |test| {
            let request = test.request();
            test.ask(|tell| driver.describe(&request, tell)).map_err(|e| e.to_string())
        })?;
        self.driver = driver;
        self.expect("describe names its parts and verbs", |_| {
            let makes = match described.mode {
                Mode::Overlap => [Verb::Create, Verb::Verify, Verb::Revoke],
                Mode::Replace => [Verb::Set, Verb::Verify, Verb::Verify],
            };
            match makes.iter().find(|verb| !described.can(**verb)) {
                Some(verb) => Err(format!("`{}` is not among its verbs", verb.word())),
                None if described.secret_fields.is_empty() => {
                    Err("it names no secret_fields".into())
                }
                None => Ok(()),
            }
        })?;
        Some(described)
    }

    /// Verbs that are none, and questions that are none.
    fn words_that_are_none(&mut self) {
        let unsupported = |error: &CallError| matches!(error, CallError::Refused(Refused { kind, .. }) if kind == "unsupported");
        self.expect("a verb that is none ends with status 2", |test| {
            match test.ask(|tell| test.driver.call("make-coffee", b"{}", &[], tell)) {
                Err(error) if unsupported(&error) => Ok(()),
                Err(error) => Err(error.to_string()),
                Ok(_) => Err("it answered".to_owned()),
            }
        });
        self.expect("a question that is no JSON is refused with an error", |test| {
            match test.ask(|tell| test.driver.call("verify", b"{\"verb\":", &[], tell)) {
                Err(CallError::Refused(_)) => Ok(()),
                Err(error) => Err(error.to_string()),
                Ok(_) => Err("it answered".to_owned()),
            }
        });
    }

    /// Tries a credential until it is as wanted, so many times.
    fn verify(&self, credential: &Credential, wanted: Validity, tries: u32) -> Found<()> {
        let mut last = String::new();
        for i in 0..tries {
            if i > 0 {
                thread::sleep(PAUSE);
            }
            let request = Request { credential: Some(credential), ..self.request() };
            let verified =
                self.ask(|tell| self.driver.verify(&request, tell)).map_err(|e| e.to_string())?;
            self.hear(&verified.detail);
            self.hear(&verified.identity);
            let fine = match wanted {
                Validity::Valid => verified.status == Validity::Valid,
                _ => verified.status.is_refused(),
            };
            if fine {
                return Ok(());
            }
            last = format!("it says {:?} {}", verified.status, verified.detail).to_lowercase();
        }
        Err(last)
    }

    fn report(&self) -> Found<Report> {
        let request = Request { auth: Some(self.auth), ..self.request() };
        self.ask(|tell| self.driver.report(&request, tell)).map_err(|e| e.to_string())
    }

    fn reported(&mut self) -> Option<Report> {
        self.expect("report names the credential, and the time", |test| {
            let report = test.report()?;
            if Instant::parse_rfc3339(&report.generated_at).is_none() {
                return Err(format!("its generated_at is `{}`", report.generated_at));
            }
            match report.status(&test.auth.id) {
                Some("active") => Ok(report),
                other => Err(format!("it says {} of {}", other.unwrap_or("nothing"), test.auth.id)),
            }
        })
    }

    fn overlap(&mut self, request_id: &str, before: Option<&Report>) {
        let made = self.expect("create makes a credential", |test| {
            let request =
                Request { auth: Some(test.auth), request_id: Some(request_id), ..test.request() };
            let made =
                test.ask(|tell| test.driver.create(&request, tell)).map_err(|e| e.to_string())?;
            let known = made.credential.id == test.auth.id;
            if known { Err("it has the id of the old one".to_owned()) } else { Ok(made.credential) }
        });
        let Some(made) = made else { return };
        self.expect("what was made is let in", |test| {
            test.verify(&made, Validity::Valid, test.tries)
        });
        self.expect("the same request makes nothing twice", |test| {
            test.again(request_id, &made, before)
        });
        self.expect("revoke ends it", |test| {
            let status = test.revoke(&made.id)?;
            if status == "revoked" { Ok(()) } else { Err(format!("it says `{status}`")) }
        });
        self.expect("what was revoked is refused", |test| {
            test.verify(&made, Validity::Invalid, test.tries)
        });
        self.expect("revoke of what is gone is no error", |test| {
            let status = test.revoke(&made.id)?;
            if status == "already_revoked" { Ok(()) } else { Err(format!("it says `{status}`")) }
        });
        if before.is_some() {
            self.expect("report no longer has what was revoked", |test| {
                match test.report()?.status(&made.id) {
                    Some("absent") => Ok(()),
                    other => Err(format!("it says {}", other.unwrap_or("nothing"))),
                }
            });
        }
        self.expect("the old credential was not touched", |test| {
            test.verify(test.auth, Validity::Valid, 1)
        });
    }

    /// Asks for the same again: the same id, or a conflict that names it, and no further credential.
    fn again(&self, request_id: &str, made: &Credential, before: Option<&Report>) -> Found<()> {
        let request =
            Request { auth: Some(self.auth), request_id: Some(request_id), ..self.request() };
        let id = match self.ask(|tell| self.driver.create(&request, tell)) {
            Ok(again) => again.credential.id,
            Err(CallError::Refused(refused)) if refused.kind == "conflict" => {
                refused.partial.credential_id.unwrap_or_default()
            }
            Err(error) => return Err(error.to_string()),
        };
        if id != made.id {
            // what this test has made is not left behind; what was there before is not touched
            let there = before.is_none_or(|report| report.items.iter().any(|item| item.id == id));
            if !there && id != self.auth.id {
                let _ = self.revoke(&id);
            }
            return Err(format!("it gave {id} after {}", made.id));
        }
        if let Some(live) = before.map(|report| report.live().count()) {
            let now = self.report()?.live().count();
            if now != live + 1 {
                return Err(format!("there were {live} credentials, and there are {now} now"));
            }
        }
        Ok(())
    }

    fn revoke(&self, id: &str) -> Found<String> {
        let request = Request { auth: Some(self.auth), credential_id: Some(id), ..self.request() };
        let revoked =
            self.ask(|tell| self.driver.revoke(&request, tell)).map_err(|e| e.to_string())?;
        Ok(revoked.status)
    }

    /// Sets another secret and sets the first one back.
    fn replace(&mut self, described: &Described, request_id: &str) {
        let names: Vec<String> = self.auth.secret.keys().cloned().collect();
        let mut secret = parts::only(&self.auth.secret, &names);
        let made = self
            .expect("generate says of what secrets are made", |test| (test.generate)(described));
        let Some(made) = made else { return };
        secret.extend(made);
        let new = Credential { id: self.auth.id.clone(), secret };
        let set = self.expect("set puts a new secret in the place of the old one", |test| {
            test.set(test.auth, &new, described, request_id)
        });
        // after an answer that is none the new secret may be in force all the same
        if set.is_none() && self.verify(&new, Validity::Valid, 1).is_err() {
            return;
        }
        self.expect("the new secret is let in", |test| {
            test.verify(&new, Validity::Valid, test.tries)
        });
        self.expect("the old secret is refused", |test| {
            test.verify(test.auth, Validity::Invalid, test.tries)
        });
        let back = format!("{request_id}-back");
        self.expect("set puts the old one back", |test| {
            test.set(&new, test.auth, described, &back)
        });
        self.expect("and that is let in again", |test| {
            test.verify(test.auth, Validity::Valid, test.tries)
        });
    }

    fn set(
        &self,
        auth: &Credential,
        new: &Credential,
        described: &Described,
        request_id: &str,
    ) -> Found<()> {
        let parts = parts::only(&new.secret, &described.secret_fields);
        let request = Request {
            auth: Some(auth),
            request_id: Some(request_id),
            new: Some(&parts),
            ..self.request()
        };
        self.ask(|tell| self.driver.set(&request, tell)).map(|_| ()).map_err(|e| e.to_string())
    }
}

/// The same credential with a secret that is not its own.
fn wrong(credential: &Credential) -> Credential {
    let turned = |value: &Secret| {
        let mut bytes = value.expose().to_vec();
        bytes.reverse();
        let by = bytes.len().min(1);
        bytes.rotate_left(by);
        // some are the same, turned
        if bytes == value.expose() {
            bytes.push(b'x');
        }
        Secret::new(bytes)
    };
    let secret = credential.secret.iter().map(|(name, value)| (name.clone(), turned(value)));
    Credential { id: credential.id.clone(), secret: secret.collect() }
}
