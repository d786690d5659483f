//! A program on a terminal of its own, with everything that goes over it passed on and recorded.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::time::Duration;

use pty_process::Size;
use pty_process::blocking::open;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::termios::{OptionalActions, tcsetattr};

use super::notices::Notices;
use super::outside::Outside;
use super::recorder::Recorder;
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

/// How a session ended.
#[derive(Debug)]
pub struct Ended {
    /// The program's status, as shells say it: 128 and the signal where one ended it.
    pub status: u8,
    /// How long it took.
    pub took: Duration,
    /// Why it was ended from outside.
    pub cut: Option<&'static str>,
}

/// Why a session could not be.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// There is no terminal to be had for the program.
    #[error("there is no terminal for the program: {0}")]
    Terminal(io::Error),
    /// The program did not start.
    #[error("`{program}` did not start: {source}")]
    NotStarted {
        /// Its name.
        program: String,
        /// The system's word.
        source: io::Error,
    },
}

/// Runs a program to its end.
pub fn run(plan: Plan, recorder: &Recorder) -> Result<Ended, SessionError> {
    let Plan { command, input, outside, notices } = plan;
    let terminal = |e: pty_process::Error| SessionError::Terminal(io::Error::other(e));
    let system = SessionError::Terminal;
    let (master, slave) = open().map_err(terminal)?;
    let (columns, rows) = outside.size();
    master.resize(Size::new(rows, columns)).map_err(terminal)?;
    if let Some(modes) = outside.modes() {
        tcsetattr(&slave, OptionalActions::Now, modes).map_err(|e| system(e.into()))?;
    }
    let signals = Signals::watch().map_err(system)?;
    // while we have it open, too, a program may close its terminal and come back to it
    let kept = slave.as_fd().try_clone_to_owned().map_err(system)?;
    let program = command.get_program().to_string_lossy().into_owned();
    let mut command = pty_process::blocking::Command::from(command);
    if input.is_some() {
        command = command.stdin(Stdio::piped());
    }
    let not_started = |e: pty_process::Error| SessionError::NotStarted {
        program,
        source: match e {
            pty_process::Error::Io(source) => source,
            other @ pty_process::Error::Rustix(_) => io::Error::other(other),
        },
    };
    let mut child = command.spawn(slave).map_err(not_started)?;
    if let (Some(mut pipe), Some(secret)) = (child.stdin.take(), input) {
        // a pipe holds more than a credential has; a program that does not read it has its reasons
        let _ = pipe.write_all(secret.expose());
    }
    let flags = fcntl_getfl(&master).map_err(|e| system(e.into()))?;
    fcntl_setfl(&master, flags | OFlags::NONBLOCK).map_err(|e| system(e.into()))?;
    Ok(Relay::new((master, kept), child, outside, signals, notices, recorder).run())
}
