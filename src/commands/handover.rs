//! The credential goes into the operator's hands, one way: a file, a program, or the screen.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use super::Context;
use crate::cli::Combine;
use crate::clock::Instant;
use crate::credential::{self, Field, Layout, TOTP, Totp};
use crate::delivery;
use crate::exit::Exit;
use crate::method::Method;
use crate::opening::Case;
use crate::secret::Secret;
use crate::ui::Failure;

/// What to do when the credential could not be handed over.
const RECORDED: &str =
    "the release is recorded; run `breakglass combine` again to release it once more";

const ELSEWHERE: &str = "`--output FILE` or `--exec CMD`";

/// Everything about one release that decides where the credential goes.
pub(super) struct Handover<'a> {
    pub(super) context: &'a Context,
    pub(super) args: &'a Combine,
    pub(super) case: &'a Case,
    /// The method as it was dealt, when the kit has it.
    pub(super) method: Option<&'a Method>,
    /// The line for the paper book, which has to be written while the credential is on the screen.
    pub(super) paper: String,
    /// By when it has to be revoked.
    pub(super) due: Instant,
    /// How far the operator's clock is before the machine's, seconds.
    pub(super) offset: i64,
}

impl Handover<'_> {
    /// Hands it over and returns how that ended.
    pub(super) fn deliver(&self, credential: &Secret) -> Result<Exit, Failure> {
        if let Some(path) = &self.args.output {
            return self.to_file(path, credential);
        }
        if let Some(command) = &self.args.exec {
            return self.to_program(command, credential);
        }
        let shown = match self.method.map(|method| method.layout) {
            Some(Layout::Lines) => match credential::fields(credential) {
                Ok(fields) => self.show_fields(&fields),
                Err(error) => {
                    // what is there is shown all the same
                    self.context.ui.warn(&error.to_string());
                    self.show("", credential)
                }
            },
            _ => self.show("", credential),
        };
        shown.map_err(|e| Failure {
            exit: Exit::Invalid,
            message: if e.message.is_empty() {
                "the screen was lost".to_owned()
            } else {
                e.message
            },
            hint: Some(RECORDED.to_owned()),
        })?;
        Ok(Exit::Done)
    }

    fn to_file(&self, path: &Path, credential: &Secret) -> Result<Exit, Failure> {
        delivery::to_file(path, credential).map_err(|e| Failure::from(e).hint(RECORDED))?;
        self.context.ui.say(&format!(
            "Opened: {} bytes in `{}`; delete it when you are done",
            credential.len(),
            path.display()
        ));
        Ok(Exit::Done)
    }

    fn to_program(&self, command: &[String], credential: &Secret) -> Result<Exit, Failure> {
        let ui = &self.context.ui;
        let env = self.method.map(|method| method.env.clone()).unwrap_or_default();
        let name = command.first().map_or("", String::as_str);
        let status = match delivery::to_program(command, credential, &env, self.now()) {
            Ok(status) => status,
            Err(error) => {
                return Err(Failure::new(Exit::NotStarted, error.to_string()).hint(RECORDED));
            }
        };
        let how = if env.is_empty() { "on its input" } else { "in its environment" };
        ui.say(&format!("Opened: given to `{name}` {how}"));
        Ok(match status.code().and_then(|code| u8::try_from(code).ok()) {
            Some(0) => Exit::Done,
            Some(code) => Exit::Child(code),
            // ended by a signal, as a shell says it
            None => {
                Exit::Child(status.signal().and_then(|s| u8::try_from(128 + s).ok()).unwrap_or(128))
            }
        })
    }

    fn show(&self, what: &str, secret: &Secret) -> Result<(), Failure> {
        let manifest = &self.case.manifest;
        let size =
            if what.is_empty() { format!("   {} bytes", secret.len()) } else { String::new() };
        let mut heading = format!(
            "{}, generation {}{size}   revoke before {}",
            manifest.method,
            manifest.generation,
            self.due.utc()
        );
        if let Some(login) = self.method.map(|m| &m.login).filter(|login| !login.is_empty()) {
            heading = format!("{heading}\nLog in: {login}");
        }
        heading = format!("{heading}\nPaper book: {}", self.paper);
        if !what.is_empty() {
            heading = format!("{heading}\n\n{what}");
        }
        self.context.ui.show(&heading, secret, ELSEWHERE)
    }

    /// One field after the other; a one-time code as often as it is wanted.
    fn show_fields(&self, fields: &[Field]) -> Result<(), Failure> {
        let count = fields.len();
        for (number, field) in (1..).zip(fields) {
            if field.name == TOTP {
                self.show_code(field, number, count)?;
            } else {
                self.show(&format!("{} ({number} of {count})", field.name), &field.value)?;
            }
        }
        let Some(totp) = fields.iter().find(|field| field.name == TOTP) else { return Ok(()) };
        let question = "`t` for a new one-time code, Enter when you are done: ";
        while self.context.ui.ask(question, ELSEWHERE)?.eq_ignore_ascii_case("t") {
            self.show_code(totp, count, count)?;
        }
        Ok(())
    }

    fn show_code(&self, field: &Field, number: usize, count: usize) -> Result<(), Failure> {
        let totp = Totp::parse(&field.value).map_err(|e| Failure::invalid(e.to_string()))?;
        let now = self.now();
        let (code, left) = totp.at(now);
        if self.offset == 0 {
            let what = format!("one-time code, good for {left} s ({number} of {count})");
            return self.show(&what, &code);
        }
        // a typed time is right to the minute, a code to half of one
        let later = [30, 60].map(|s| totp.at(Instant::from_unix(now.unix() + s)).0);
        let mut codes = code.expose().to_vec();
        for code in &later {
            codes.push(b'\n');
            codes.extend_from_slice(code.expose());
        }
        let what =
            format!("one-time code: one of these, for the clock was typed ({number} of {count})");
        self.show(&what, &Secret::new(codes))
    }

    /// Where the operator said that the machine's clock is wrong, one-time codes follow the operator.
    fn now(&self) -> Instant {
        let machine = Instant::now().unix();
        Instant::from_unix(machine.saturating_add_signed(self.offset))
    }
}
