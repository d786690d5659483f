//! The terminal around a session, or the pipes of a script.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

#[allow(clippy::cast_possible_wrap, reason = "a flag, not a number")]
const NONBLOCK: i32 = OFlags::NONBLOCK.bits() as i32;

/// Where input comes from and output goes to.
pub struct Outside {
    input: File,
    output: File,
    /// How the terminal was, where it is one.
    before: Option<Termios>,
    /// Bytes that are written at once.
    at_once: usize,
}

/// What a pipe that is ready takes without waiting.
const PIPE_BUF: usize = 4096;

impl Outside {
    /// Takes the terminal that controls this process; every key goes to the session from now on, until this is dropped.
    pub fn terminal() -> io::Result<Self> {
        let tty = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
        let before = tcgetattr(&tty)?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(&tty, OptionalActions::Now, &raw)?;
        // opened here, so that nobody else's writing is changed
        let output = OpenOptions::new().write(true).custom_flags(NONBLOCK).open("/dev/tty")?;
        Ok(Self { input: tty, output, before: Some(before), at_once: usize::MAX })
    }

    /// Takes standard input and output.
    pub fn pipes() -> io::Result<Self> {
        let input = rustix::stdio::stdin().try_clone_to_owned()?;
        let output = rustix::stdio::stdout().try_clone_to_owned()?;
        Ok(Self { input: input.into(), output: output.into(), before: None, at_once: PIPE_BUF })
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

    /// Shows bytes. Waits for whoever takes them, but not longer than `stop` allows: `ErrorKind::Interrupted`.
    pub fn show(&mut self, mut bytes: &[u8], stop: impl Fn() -> bool) -> io::Result<()> {
        let pause = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
        while !bytes.is_empty() {
            let mut polled = [PollFd::new(&self.output, PollFlags::OUT)];
            if poll(&mut polled, Some(&pause)) == Ok(0) {
                if stop() {
                    return Err(io::ErrorKind::Interrupted.into());
                }
                continue;
            }
            // what is ready takes so much at once (PIPE_BUF); a terminal takes what it can
            let piece = &bytes[..bytes.len().min(self.at_once)];
            match self.output.write(piece) {
                Ok(written) => bytes = &bytes[written..],
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
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
