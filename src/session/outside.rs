//! The terminal around a session, or the pipes of a script.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

/// Where input comes from and output goes to.
pub struct Outside {
    input: File,
    output: File,
    /// How the terminal was, where it is one.
    before: Option<Termios>,
}

impl Outside {
    /// Takes the terminal that controls this process; every key goes to the session from now on, until this is dropped.
    pub fn terminal() -> io::Result<Self> {
        let tty = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
        let before = tcgetattr(&tty)?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(&tty, OptionalActions::Now, &raw)?;
        Ok(Self { input: tty.try_clone()?, output: tty, before: Some(before) })
    }

    /// Takes standard input and output.
    pub fn pipes() -> io::Result<Self> {
        let input = rustix::stdio::stdin().try_clone_to_owned()?;
        let output = rustix::stdio::stdout().try_clone_to_owned()?;
        Ok(Self { input: input.into(), output: output.into(), before: None })
    }

    /// Returns how the terminal was before; `None` for pipes.
    pub fn modes(&self) -> Option<&Termios> {
        self.before.as_ref()
    }

    /// Returns columns and rows: the terminal's, or what a terminal has.
    pub fn size(&self) -> (u16, u16) {
        let size = tcgetwinsize(&self.output).ok().filter(|s| s.ws_col > 0 && s.ws_row > 0);
        size.map_or((80, 24), |size| (size.ws_col, size.ws_row))
    }

    /// Reads what was typed; 0 at the end.
    pub fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.input.read(into)
    }

    /// Shows bytes.
    pub fn show(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.output.write_all(bytes)
    }

    /// Returns what becomes readable when something is typed.
    pub fn input(&self) -> BorrowedFd<'_> {
        self.input.as_fd()
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = tcsetattr(&self.output, OptionalActions::Drain, before);
        }
    }
}
