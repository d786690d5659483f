//! The terminal around a session, or the pipes of a script.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use zeroize::Zeroizing;

#[allow(clippy::cast_possible_wrap, reason = "a flag, not a number")]
const NONBLOCK: i32 = OFlags::NONBLOCK.bits() as i32;

/// Where input comes from and output goes to.
pub struct Outside {
    input: File,
    output: File,
    /// How the terminal was, where it is one.
    before: Option<Termios>,
    /// What was not taken yet.
    behind: Zeroizing<Vec<u8>>,
}

/// What a pipe that is ready takes without waiting.
const PIPE_BUF: usize = 4096;

/// Most bytes that wait to be shown.
const MOST_BEHIND: usize = 64 * 1024;

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
        Ok(Self { input: tty, output, before: Some(before), behind: Zeroizing::default() })
    }

    /// Takes standard input and output.
    pub fn pipes() -> io::Result<Self> {
        let input = rustix::stdio::stdin().try_clone_to_owned()?;
        let output = rustix::stdio::stdout().try_clone_to_owned()?;
        Ok(Self {
            input: input.into(),
            output: output.into(),
            before: None,
            behind: Zeroizing::default(),
        })
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

    /// Shows bytes, and what waits before them, as far as they are taken now; the rest waits.
    pub fn show(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.is_behind() {
            let mut waiting = std::mem::take(&mut self.behind);
            waiting.extend_from_slice(bytes);
            let written = self.write(&waiting)?;
            waiting.drain(..written);
            self.behind = waiting;
        } else {
            let written = self.write(bytes)?;
            self.behind.extend_from_slice(&bytes[written..]);
        }
        Ok(())
    }

    /// Writes what is taken now, and returns how much that is.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = 0;
        while written < bytes.len() {
            // a pipe has to be asked, and what is ready takes so much at once (PIPE_BUF); a terminal takes what it can
            let piece = match self.before {
                None if !self.wait(Duration::ZERO) => break,
                None => &bytes[written..bytes.len().min(written + PIPE_BUF)],
                Some(_) => &bytes[written..],
            };
            match self.output.write(piece) {
                Ok(some) => written += some,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(written)
    }

    /// Waits until something can be shown again, or so long; says whether it can.
    pub fn wait(&self, pause: Duration) -> bool {
        let mut polled = [PollFd::new(&self.output, PollFlags::OUT)];
        let pause = Timespec::try_from(pause).ok();
        poll(&mut polled, pause.as_ref()).is_ok_and(|ready| ready > 0)
    }

    /// Forgets what waits.
    pub fn forget(&mut self) {
        self.behind.clear();
    }

    /// Says whether something waits to be shown.
    pub fn is_behind(&self) -> bool {
        !self.behind.is_empty()
    }

    /// Says whether as much waits as may.
    pub fn is_full(&self) -> bool {
        self.behind.len() >= MOST_BEHIND
    }

    /// Returns what takes what is shown.
    pub fn output(&self) -> BorrowedFd<'_> {
        self.output.as_fd()
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
