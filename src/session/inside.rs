//! The terminal that the program of a session has.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{Child, Command, Stdio};

use pty_process::Size;
use pty_process::blocking::{Pty, open};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::Pid;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};

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

/// Our end of it.
pub(super) struct Inside {
    ours: Pty,
    /// Held open: a program may close its terminal and come back to it.
    _its: OwnedFd,
}

impl Inside {
    /// Starts a program on a terminal of a size (columns and rows), with modes; `piped`: its input is a pipe instead.
    pub(super) fn start(
        command: Command,
        (columns, rows): (u16, u16),
        modes: Option<&Termios>,
        piped: bool,
    ) -> Result<(Self, Child), SessionError> {
        let no_terminal = |e: pty_process::Error| SessionError::Terminal(plain(e));
        let system = |e: rustix::io::Errno| SessionError::Terminal(e.into());
        let (ours, its) = open().map_err(no_terminal)?;
        ours.resize(Size::new(rows, columns)).map_err(no_terminal)?;
        if let Some(modes) = modes {
            tcsetattr(&its, OptionalActions::Now, modes).map_err(system)?;
        }
        let kept = its.as_fd().try_clone_to_owned().map_err(SessionError::Terminal)?;
        let program = command.get_program().to_string_lossy().into_owned();
        let mut command = pty_process::blocking::Command::from(command);
        if piped {
            command = command.stdin(Stdio::piped());
        }
        let not_started = |e| SessionError::NotStarted { program, source: plain(e) };
        let child = command.spawn(its).map_err(not_started)?;
        let flags = fcntl_getfl(&ours).map_err(system)?;
        fcntl_setfl(&ours, flags | OFlags::NONBLOCK).map_err(system)?;
        Ok((Self { ours, _its: kept }, child))
    }

    /// Reads what the program shows, without waiting; Linux fails here where nobody has the terminal open any more.
    pub(super) fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.ours.read(into)
    }

    /// Types, as far as it is taken without waiting.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.ours.write(bytes)
    }

    /// Says how large the terminal is: columns and rows. The program hears of it.
    pub(super) fn resize(&self, (columns, rows): (u16, u16)) {
        let _ = self.ours.resize(Size::new(rows, columns));
    }

    /// Returns what the program has made of its terminal.
    pub(super) fn modes(&self) -> Option<LocalModes> {
        tcgetattr(&self.ours).ok().map(|modes| modes.local_modes)
    }

    /// Returns the processes in front.
    pub(super) fn front(&self) -> Option<Pid> {
        tcgetpgrp(&self.ours).ok()
    }
}

impl AsFd for Inside {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ours.as_fd()
    }
}

fn plain(error: pty_process::Error) -> io::Error {
    match error {
        pty_process::Error::Io(source) => source,
        other @ pty_process::Error::Rustix(_) => io::Error::other(other),
    }
}
