//! A program on a terminal of its own, with everything that goes over it passed on and recorded.

use std::io::Write;
use std::process::Command;

use super::inside::Inside;
pub use super::inside::SessionError;
use super::notices::Notices;
use super::outside::Outside;
use super::recorder::Recorder;
pub use super::relay::Ended;
use super::relay::Relay;
use super::signals::Signals;
use crate::secret::Secret;

/// What is run, and how.
pub struct Plan {
    /// The program with its arguments and variables.
    pub command: Command,
    /// What stands on its standard input instead of the terminal.
    pub input: Option<Secret>,
    /// Where what it shows goes to.
    pub outside: Outside,
    /// What is told about the time.
    pub notices: Notices,
}

/// Runs a program to its end.
pub fn run(plan: Plan, recorder: &Recorder) -> Result<Ended, SessionError> {
    let Plan { command, input, outside, notices } = plan;
    let signals = Signals::watch().map_err(SessionError::Terminal)?;
    let (inside, mut child) =
        Inside::start(command, outside.size(), outside.modes(), input.is_some())?;
    if let (Some(mut pipe), Some(secret)) = (child.stdin.take(), input) {
        // a pipe holds more than a credential has; a program that does not read it has its reasons
        let _ = pipe.write_all(secret.expose());
    }
    Ok(Relay::new(inside, child, outside, signals, notices, recorder).run())
}
