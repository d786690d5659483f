//! A program on a terminal of its own, with everything that goes over it passed on and recorded.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use pty_process::Size;
use pty_process::blocking::{Pty, open};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, Signal, kill_process_group};
use rustix::termios::{OptionalActions, tcgetattr, tcgetpgrp, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGWINCH};
use zeroize::Zeroizing;

use super::escapes::Escapes;
use super::mask::{Echo, Mask};
use super::notices::Notices;
use super::outside::Outside;
use super::recorder::{Message, Recorder};
use super::signals::Signals;
use crate::clock;
use crate::secret::Secret;

/// Bytes that are passed on at once.
const CHUNK: usize = 32 * 1024;

/// What is shown is recorded in pieces of so many bytes, or what came before a pause of so long.
const PIECE: usize = 32 * 1024;
const TOGETHER: Duration = Duration::from_millis(10);

/// Most input that waits for a program which reads none.
const MOST_WAITING: usize = 64 * 1024;

/// So much of what was shown last is kept: a prompt, an escape sequence.
const TAIL: usize = 512;

/// A pause in the output in which something of ours can be shown.
const PAUSE: Duration = Duration::from_millis(300);

/// A stream without pauses is broken into after so long, where something has to be told.
const LATEST: Duration = Duration::from_secs(5);

/// How long a program has to end once its terminal is gone.
const PATIENCE: Duration = Duration::from_secs(3);

const CTRL_C: u8 = 3;
const CTRL_D: u8 = 4;

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
    let relay = Relay {
        master,
        _slave: kept,
        child,
        outside,
        size: (columns, rows),
        recorder,
        signals,
        notices,
        mask: Mask::default(),
        started: clock::uptime(),
        unrecorded: (Duration::ZERO, Zeroizing::new(Vec::with_capacity(PIECE + CHUNK))),
        waiting: Zeroizing::new(Vec::new()),
        tail: Vec::with_capacity(TAIL + CHUNK),
        line_open: false,
        other_screen: false,
        input_ended: false,
        shown_at: Duration::ZERO,
        told_at: Duration::ZERO,
        cut: None,
        nobody: None,
        has_warned: false,
    };
    Ok(relay.run())
}

#[allow(clippy::struct_excessive_bools, reason = "each says one thing that has happened")]
struct Relay<'a> {
    master: Pty,
    _slave: OwnedFd,
    child: Child,
    outside: Outside,
    /// Columns and rows.
    size: (u16, u16),
    recorder: &'a Recorder,
    signals: Signals,
    notices: Notices,
    mask: Mask,
    started: Duration,
    /// What was shown and is not recorded yet, and when it came.
    unrecorded: (Duration, Zeroizing<Vec<u8>>),
    /// Input on its way to the program.
    waiting: Zeroizing<Vec<u8>>,
    tail: Vec<u8>,
    /// Whether the last input of a pipe had no line end.
    line_open: bool,
    /// Whether a full-screen program has the screen.
    other_screen: bool,
    input_ended: bool,
    shown_at: Duration,
    /// When it was looked last whether something is to be told.
    told_at: Duration,
    cut: Option<&'static str>,
    /// Why nothing is shown any more.
    nobody: Option<&'static str>,
    has_warned: bool,
}

impl Relay<'_> {
    fn run(mut self) -> Ended {
        let mut buffer = Zeroizing::new(vec![0; CHUNK]);
        let mut is_open = true;
        let status = loop {
            self.tell();
            let ready = self.wait(is_open);
            if ready.nothing || self.elapsed().saturating_sub(self.unrecorded.0) >= TOGETHER {
                self.record_shown();
            }
            if ready.signal {
                self.signals.clear();
            }
            if let Some(why) = self.signalled() {
                break self.leave(why, &mut buffer);
            }
            if ready.output {
                is_open = self.pass_output(&mut buffer) != Passed::Closed;
                if let Some(why) = self.nobody {
                    break self.leave(why, &mut buffer);
                }
            }
            if ready.input && !self.pass_input(&mut buffer) {
                break self.leave("the terminal was closed", &mut buffer);
            }
            self.pass_waiting();
            if let Ok(Some(status)) = self.child.try_wait() {
                break Some(status);
            }
        };
        // what the program has shown last; what it left running may go on for ever
        let since = clock::uptime();
        while self.pass_output(&mut buffer) == Passed::Something
            && clock::uptime().saturating_sub(since) < PATIENCE
        {}
        self.record_shown();
        if self.outside.modes().is_some() {
            // what full-screen programs leave behind when they are killed, and our title
            let screen = if self.other_screen { "\x1b[?1049l" } else { "" };
            self.show_bytes(format!("{screen}\x1b[?25h\x1b[0m\x1b]2;\x07").as_bytes());
        }
        let took = self.elapsed();
        Ended { status: status.map_or(128 + 9, as_shells_say), took, cut: self.cut }
    }

    fn elapsed(&self) -> Duration {
        clock::uptime().saturating_sub(self.started)
    }

    /// Waits until there is something to do.
    fn wait(&self, is_open: bool) -> Ready {
        let mut wanted = PollFlags::empty();
        if is_open {
            wanted |= PollFlags::IN;
        }
        if !self.waiting.is_empty() && is_open {
            wanted |= PollFlags::OUT;
        }
        let reads = !self.input_ended && self.waiting.len() < MOST_WAITING;
        let mut polled =
            vec![PollFd::from_borrowed_fd(self.signals.stream().as_fd(), PollFlags::IN)];
        // a terminal that nobody has open any more is ready for ever, with nothing to say
        if is_open {
            polled.push(PollFd::from_borrowed_fd(self.master.as_fd(), wanted));
        }
        if reads {
            polled.push(PollFd::from_borrowed_fd(self.outside.input(), PollFlags::IN));
        }
        // a title or a word is due once a minute, and a program may end without its terminal
        let pause = match (is_open, self.unrecorded.1.is_empty()) {
            (_, false) => TOGETHER,
            (true, true) => Duration::from_millis(500),
            (false, true) => Duration::from_millis(50),
        };
        let pause = Timespec::try_from(pause).ok();
        let count = poll(&mut polled, pause.as_ref());
        let is_ready = |at: usize| polled.get(at).is_some_and(|fd| !fd.revents().is_empty());
        Ready {
            nothing: count == Ok(0),
            signal: is_ready(0),
            output: is_open && is_ready(1),
            input: reads && is_ready(if is_open { 2 } else { 1 }),
        }
    }

    /// Takes what signals say; returns why the session has to end, if it has to.
    fn signalled(&mut self) -> Option<&'static str> {
        if self.signals.came(SIGWINCH) && self.size != self.outside.size() {
            self.size = self.outside.size();
            let (columns, rows) = self.size;
            let _ = self.master.resize(Size::new(rows, columns));
            self.record(Message::Resize(self.elapsed(), (columns, rows)));
        }
        // from a terminal it comes as a key; a script's Ctrl-C is meant for the program
        if self.signals.came(SIGINT) {
            self.waiting.push(CTRL_C);
        }
        if self.signals.came(SIGHUP) {
            return Some("the terminal was closed");
        }
        self.signals.came(SIGTERM).then_some("it was told to end (SIGTERM)")
    }

    /// Passes on what the program shows.
    fn pass_output(&mut self, buffer: &mut [u8]) -> Passed {
        let mut passed = Passed::Something;
        let mut filled = 0;
        while filled < buffer.len() {
            match self.master.read(&mut buffer[filled..]) {
                Ok(0) => passed = Passed::Closed,
                Ok(read) => {
                    filled += read;
                    continue;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                // Linux says so of a terminal that nobody has open
                Err(_) => passed = Passed::Closed,
            }
            break;
        }
        let shown = &buffer[..filled];
        if shown.is_empty() {
            return if passed == Passed::Closed { passed } else { Passed::Nothing };
        }
        self.show_bytes(shown);
        self.shown_at = clock::uptime();
        if self.unrecorded.1.is_empty() {
            self.unrecorded.0 = self.shown_at.saturating_sub(self.started);
        }
        self.unrecorded.1.extend_from_slice(shown);
        if self.unrecorded.1.len() >= PIECE {
            self.record_shown();
        }
        self.tail.extend_from_slice(shown);
        self.follow_screens(shown.len());
        let old = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..old);
        passed
    }

    /// Shows bytes, as long as there is somebody who takes them.
    fn show_bytes(&mut self, bytes: &[u8]) {
        if self.nobody.is_none() {
            // whoever leaves waits for nobody
            let (signals, leaves) = (&self.signals, self.cut.is_some());
            if let Err(error) = self.outside.show(bytes, || leaves || signals.ends()) {
                // a signal says itself why
                let why = match error.kind() {
                    io::ErrorKind::Interrupted => "nobody took what it showed",
                    _ if self.outside.modes().is_some() => "the terminal was closed",
                    _ => "what it showed went nowhere",
                };
                self.nobody = Some(why);
            }
        }
    }

    /// Hands what was shown to the recorder.
    fn record_shown(&mut self) {
        let (at, shown) = &mut self.unrecorded;
        if !shown.is_empty() {
            let shown = std::mem::replace(shown, Zeroizing::new(Vec::with_capacity(PIECE + CHUNK)));
            self.recorder.record(Message::Output(*at, shown));
        }
    }

    /// Records something that comes after everything shown so far.
    fn record(&mut self, message: Message) {
        self.record_shown();
        self.recorder.record(message);
    }

    /// Notices when a full-screen program takes the screen or gives it back: what it said last, in what is new.
    fn follow_screens(&mut self, new: usize) {
        let from = self.tail.len().saturating_sub(new + 8);
        for at in (from..self.tail.len()).rev().filter(|at| self.tail[*at] == 0x1b) {
            for mode in ["[?1049", "[?1047", "[?47"] {
                if let Some([switch @ (b'h' | b'l'), ..]) =
                    self.tail[at + 1..].strip_prefix(mode.as_bytes())
                {
                    self.other_screen = *switch == b'h';
                    return;
                }
            }
        }
    }

    /// Passes on what was typed; says whether anybody is there to type.
    fn pass_input(&mut self, buffer: &mut [u8]) -> bool {
        match self.outside.read(buffer) {
            Ok(0) | Err(_) if self.outside.modes().is_some() => return false,
            Ok(0) | Err(_) => {
                // what ends the input of a program at a terminal, once more where a line is open
                self.waiting.extend(if self.line_open { &[CTRL_D; 2][..] } else { &[CTRL_D] });
                self.input_ended = true;
            }
            Ok(read) => {
                let typed = &buffer[..read];
                let at = self.elapsed();
                let modes = tcgetattr(&self.master).map(|modes| modes.local_modes);
                // a terminal that cannot be asked is taken for one that shows nothing
                let echo =
                    modes.map_or(Echo::Hidden, |modes| self.mask.echo(modes, typed, &self.tail));
                let message = Message::Input(at, Zeroizing::new(typed.to_vec()), echo);
                self.record(message);
                self.line_open = typed.last() != Some(&b'\n');
                self.waiting.extend_from_slice(typed);
            }
        }
        true
    }

    /// Gives the program what it takes of the input.
    fn pass_waiting(&mut self) {
        while !self.waiting.is_empty() {
            match self.master.write(&self.waiting) {
                Ok(0) | Err(_) => return,
                Ok(written) => {
                    self.waiting.drain(..written);
                }
            }
        }
    }

    /// Tells about the time where it does not fall into the middle of something.
    fn tell(&mut self) {
        if self.outside.modes().is_none() {
            return;
        }
        // in a pause, or behind a line; in a stream without either not later than some seconds after it is due
        let quiet = clock::uptime().saturating_sub(self.shown_at) >= PAUSE;
        let late = self.elapsed().saturating_sub(self.told_at) >= LATEST;
        if !(quiet || late || self.tail.ends_with(b"\n")) || !at_rest(&self.tail) {
            return;
        }
        self.told_at = self.elapsed();
        if self.recorder.has_failed() && !std::mem::replace(&mut self.has_warned, true) {
            self.say("breakglass: THE RECORDING CANNOT BE WRITTEN; it is tried again, and this stands in the logbook");
        }
        let Some(notice) = self.notices.due(self.elapsed()) else { return };
        self.show_bytes(format!("\x1b]2;{}\x07", notice.title).as_bytes());
        if let Some(words) = notice.words {
            self.record(Message::Mark(self.elapsed(), words.clone()));
            self.say(&words);
        }
    }

    /// Says something: as a line of its own, or on the first row of a full-screen program.
    fn say(&mut self, words: &str) {
        let text = if self.other_screen {
            format!("\x1b7\x1b[1;1H\x1b[7m {words} \x1b[0m\x1b8\x07")
        } else {
            format!("\r\n\x1b[7m {words} \x1b[0m\x07\r\n")
        };
        self.show_bytes(text.as_bytes());
    }

    /// Ends the program as a closed terminal does, and by force where that is not enough.
    fn leave(&mut self, why: &'static str, buffer: &mut [u8]) -> Option<ExitStatus> {
        self.cut = Some(why);
        self.record(Message::Mark(self.elapsed(), format!("breakglass: {why}")));
        let own = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let front = tcgetpgrp(&self.master).ok();
        for signal in [Signal::HUP, Signal::KILL] {
            for group in own.into_iter().chain(front) {
                let _ = kill_process_group(group, signal);
                // what was stopped hears of it, too
                let _ = kill_process_group(group, Signal::CONT);
            }
            let since = clock::uptime();
            while clock::uptime().saturating_sub(since) < PATIENCE {
                self.pass_output(buffer);
                if let Ok(Some(status)) = self.child.try_wait() {
                    return Some(status);
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        self.child.try_wait().ok().flatten()
    }
}

/// What came from the program.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Passed {
    Nothing,
    Something,
    /// Nobody has its terminal open any more.
    Closed,
}

/// What there is to do.
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
struct Ready {
    nothing: bool,
    signal: bool,
    output: bool,
    input: bool,
}

/// Says whether what was shown last has not left the terminal in the middle of a sequence.
fn at_rest(tail: &[u8]) -> bool {
    let Some(from) = tail.iter().position(|byte| *byte == 0x1b) else { return true };
    let mut escapes = Escapes::default();
    for byte in &tail[from..] {
        escapes.is_text(*byte);
    }
    escapes.is_at_rest()
}

fn as_shells_say(status: ExitStatus) -> u8 {
    let signalled = || status.signal().map(|signal| 128 + signal);
    status.code().or_else(signalled).and_then(|code| u8::try_from(code).ok()).unwrap_or(255)
}
