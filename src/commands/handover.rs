//! The credential goes into the operator's hands, one way: a recorded shell, a file, a program, or the screen.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use super::Context;
use super::session::leave::{self, Behind};
use super::session::seat::{self, Sat, Seat, Work};
use crate::cli::Combine;
use crate::clock::Instant;
use crate::credential::{self, Field, Layout, TOTP, Totp};
use crate::delivery;
use crate::exit::Exit;
use crate::method::Method;
use crate::opening::Case;
use crate::secret::Secret;
use crate::session::index::Pieces;
use crate::session::values::{Values, forms};
use crate::ui::Failure;

/// What to do when the credential could not be handed over.
const RECORDED: &str =
    "the release is recorded; run `breakglass combine` again to release it once more";

const ELSEWHERE: &str = "`--output FILE` or `--exec CMD`";

/// Which way it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Into a recorded session that runs this.
    Session(Vec<String>),
    /// Into a file, to a program, or onto the screen, as the flags say.
    Other,
}

impl Way {
    /// Says which: what the flags say, else a recorded shell where the method says how a shell gets the credential.
    pub(super) fn of(
        context: &Context,
        args: &Combine,
        method: Option<&Method>,
    ) -> Result<Self, Failure> {
        if args.output.is_some() || args.exec.is_some() || args.show {
            return Ok(Self::Other);
        }
        let has_map = method.is_some_and(|method| !method.env.is_empty());
        if !args.command.is_empty() {
            return Ok(Self::Session(args.command.clone()));
        }
        if has_map && (args.session || context.ui.can_ask()) {
            return Ok(Self::Session(seat::shell()));
        }
        if args.session {
            let what = "the method as it was dealt has no `[release.env]`: a shell would not get the credential";
            return Err(Failure::invalid(what).hint(
                "name what takes it on its input, behind `--`; or see it: `breakglass combine --show`",
            ));
        }
        Ok(Self::Other)
    }
}

/// How it was handed over.
pub(super) struct Delivered {
    /// How that ended.
    pub(super) exit: Exit,
    /// What was recorded.
    pub(super) session: Option<crate::logbook::record::Session>,
}

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
    /// The release: number of its record, or check code of a loose one.
    pub(super) release: String,
}

impl Handover<'_> {
    /// Hands it over; `original` is what was opened, where that is not what is given.
    pub(super) fn deliver(
        &self,
        seat: Option<(Seat, Vec<String>)>,
        credential: &Secret,
        original: &Secret,
    ) -> Result<Delivered, Failure> {
        if let Some((seat, line)) = seat {
            let Sat { exit, session } = self.to_session(seat, &line, credential, original)?;
            return Ok(Delivered { exit, session: Some(session) });
        }
        Ok(Delivered { exit: self.deliver_unrecorded(credential)?, session: None })
    }

    /// Gives it to a shell or a program at a recorded seat.
    fn to_session(
        &self,
        seat: Seat,
        line: &[String],
        credential: &Secret,
        original: &Secret,
    ) -> Result<Sat, Failure> {
        let env = self.method.map(|method| method.env.clone()).unwrap_or_default();
        let mut values = self.values(original);
        let given = self.values(credential);
        values.too_short = values.too_short.max(given.too_short);
        values.all.extend(given.all);
        let mut command = seat::command(line);
        let codes = delivery::variables(&mut command, credential, &env, self.now())
            .map_err(|e| Failure::new(Exit::NotStarted, e.to_string()).hint(RECORDED))?;
        for code in &codes {
            values.add(code.expose());
        }
        if values.too_short > 0 {
            self.context.ui.warn(&format!(
                "{} values of the credential are too short to be taken out of the recording",
                values.too_short
            ));
        }
        let holds = if env.is_empty() {
            format!(
                "`{}` has the credential on its input.",
                line.first().map_or("", String::as_str)
            )
        } else {
            let names: Vec<String> = env.keys().map(|name| format!("${name}")).collect();
            format!("The credential is in {}.", names.join(", "))
        };
        let work = Work {
            command,
            holds: Some(holds),
            input: env.is_empty().then_some(credential),
            values,
            release: Some(self.release.clone()),
            at_terminal: self.context.ui.can_ask(),
        };
        seat.sit(self.context, work, false).map_err(|failure| {
            if failure.hint.is_none() { failure.hint(RECORDED) } else { failure }
        })
    }

    fn values(&self, credential: &Secret) -> Values {
        let layout = self.method.map_or(Layout::Raw, |method| method.layout);
        Values::of(credential, layout, &self.case.manifest.credential_id)
    }

    /// Looks for what was left behind of a credential that was given without a recorded session. Returns in how many places
    /// it is still.
    pub(super) fn clean(&self, credential: &Secret, since: std::time::SystemTime) -> u64 {
        let values = self.values(credential);
        let all: Vec<_> = values.all.iter().flat_map(|value| forms(value.expose())).collect();
        let behind = Behind {
            pieces: &Pieces::of(&all),
            since,
            // the file that was asked for was told of
            spared: self.args.output.as_slice(),
            variable: None,
            was_shown: self.args.output.is_none() && self.args.exec.is_none(),
            may_ask: true,
        };
        leave::look(self.context, &behind)
    }

    fn deliver_unrecorded(&self, credential: &Secret) -> Result<Exit, Failure> {
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
