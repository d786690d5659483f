//! Passes on what goes over a session's terminal, both ways, and hands it to the recorder.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGWINCH};
use zeroize::Zeroizing;

use super::inside::Inside;
use super::mask::{Echo, Mask};
use super::notices::Notices;
use super::outside::Outside;
use super::recorder::{Message, Recorder};
use super::screen::Screen;
use super::signals::Signals;
use crate::clock;

/// Bytes that are passed on at once: a terminal gives no more.
const CHUNK: usize = 4096;

/// So many chunks are passed on before it is looked what else there is to do.
const IN_A_ROW: usize = 16;

/// What is shown is recorded in pieces of so many bytes, or what came before a pause of so long.
const PIECE: usize = 32 * 1024;
const TOGETHER: Duration = Duration::from_millis(10);

/// Most input that waits for a program which reads none.
const MOST_WAITING: usize = 64 * 1024;

/// A pause in the output in which something of ours can be shown.
const PAUSE: Duration = Duration::from_millis(300);

/// A stream without pauses is broken into after so long, where something has to be told.
const LATEST: Duration = Duration::from_secs(5);

/// How long a program has to end once its terminal is gone.
const PATIENCE: Duration = Duration::from_secs(3);

const CTRL_C: u8 = 3;
const CTRL_D: u8 = 4;

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

/// What stands between the operator's terminal and the program's.
pub(super) struct Relay<'a> {
    inside: Inside,
    child: Child,
    outside: Outside,
    /// Columns and rows.
    size: (u16, u16),
    recorder: &'a Recorder,
    signals: Signals,
    notices: Notices,
    mask: Mask,
    screen: Screen,
    started: Duration,
    /// What was shown and is not recorded yet, and when it came.
    unrecorded: (Duration, Zeroizing<Vec<u8>>),
    /// Input on its way to the program.
    waiting: Zeroizing<Vec<u8>>,
    /// Whether the last input of a pipe had no line end.
    line_open: bool,
    input_ended: bool,
    shown_at: Duration,
    /// When it was looked last whether something is to be told.
    told_at: Duration,
    cut: Option<&'static str>,
    /// Why nothing is shown any more.
    nobody: Option<&'static str>,
    has_warned: bool,
}

impl<'a> Relay<'a> {
    pub(super) fn new(
        inside: Inside,
        child: Child,
        outside: Outside,
        signals: Signals,
        notices: Notices,
        recorder: &'a Recorder,
    ) -> Self {
        Self {
            inside,
            child,
            size: outside.size(),
            outside,
            recorder,
            signals,
            notices,
            mask: Mask::default(),
            screen: Screen::default(),
            started: clock::uptime(),
            unrecorded: (Duration::ZERO, Zeroizing::default()),
            waiting: Zeroizing::default(),
            line_open: false,
            input_ended: false,
            shown_at: Duration::ZERO,
            told_at: Duration::ZERO,
            cut: None,
            nobody: None,
            has_warned: false,
        }
    }

    /// Goes on until the program has ended, or has to.
    pub(super) fn run(mut self) -> Ended {
        let mut buffer = Zeroizing::new(vec![0; CHUNK]);
        if self.outside.modes().is_some() {
            self.show(Screen::KEEP_TITLE.as_bytes());
        }
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
            if ready.screen {
                self.show(&[]);
            }
            if ready.output {
                is_open = self.pass_output(&mut buffer) != Passed::Closed;
            }
            if let Some(why) = self.nobody {
                break self.leave(why, &mut buffer);
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
        let mut spent = Duration::ZERO;
        while spent < PATIENCE {
            self.catch_up();
            let since = clock::uptime();
            if self.pass_output(&mut buffer) != Passed::Something {
                break;
            }
            spent += clock::uptime().saturating_sub(since);
        }
        self.record_shown();
        self.catch_up();
        if self.outside.modes().is_some() {
            self.show(&self.screen.end());
            self.catch_up();
        }
        let took = self.elapsed();
        Ended { status: status.map_or(128 + 9, as_shells_say), took, cut: self.cut }
    }

    fn elapsed(&self) -> Duration {
        clock::uptime().saturating_sub(self.started)
    }

    /// Waits until there is something to do.
    fn wait(&self, is_open: bool) -> Ready {
        let is_behind = self.outside.is_behind();
        let mut wanted = PollFlags::empty();
        // what nobody takes is left with the program
        wanted.set(PollFlags::IN, !self.outside.is_full());
        wanted.set(PollFlags::OUT, !self.waiting.is_empty());
        // a terminal that nobody has open any more is ready for ever, with nothing to say
        let inside = is_open.then(|| PollFd::from_borrowed_fd(self.inside.as_fd(), wanted));
        let reads = !self.input_ended && self.waiting.len() < MOST_WAITING;
        let input = reads.then(|| PollFd::from_borrowed_fd(self.outside.input(), PollFlags::IN));
        let screen =
            is_behind.then(|| PollFd::from_borrowed_fd(self.outside.output(), PollFlags::OUT));
        let signal = PollFd::from_borrowed_fd(self.signals.stream().as_fd(), PollFlags::IN);
        let asked = [Some(signal), inside, input, screen];
        let mut polled: Vec<_> = asked.iter().flatten().cloned().collect();
        // a title or a word is due once a minute, and a program may end without its terminal
        let pause = match (is_open, self.unrecorded.1.is_empty()) {
            (_, false) => TOGETHER,
            (true, true) => Duration::from_millis(500),
            (false, true) => Duration::from_millis(50),
        };
        let count = poll(&mut polled, Timespec::try_from(pause).ok().as_ref());
        let mut answers = polled.iter().map(|fd| !fd.revents().is_empty());
        let [signal, output, input, screen] =
            asked.map(|fd| fd.is_some() && answers.next() == Some(true));
        Ready { nothing: count == Ok(0), signal, output, input, screen }
    }

    /// Takes what signals say; returns why the session has to end, if it has to.
    fn signalled(&mut self) -> Option<&'static str> {
        if self.signals.came(SIGWINCH) && self.size != self.outside.size() {
            self.size = self.outside.size();
            let (columns, rows) = self.size;
            self.inside.resize(self.size);
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

    /// Passes on what the program shows, up to some chunks of it.
    fn pass_output(&mut self, buffer: &mut [u8]) -> Passed {
        for already in 0..IN_A_ROW {
            if self.outside.is_full() {
                return Passed::Something;
            }
            match self.inside.read(buffer) {
                Ok(read @ 1..) => self.shown(&buffer[..read]),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    return if already == 0 { Passed::Nothing } else { Passed::Something };
                }
                // Linux says so of a terminal that nobody has open
                Ok(0) | Err(_) => return Passed::Closed,
            }
        }
        Passed::Something
    }

    /// Shows what the program has shown, and puts it by for the recorder.
    fn shown(&mut self, bytes: &[u8]) {
        self.show(bytes);
        self.shown_at = clock::uptime();
        if self.unrecorded.1.is_empty() {
            self.unrecorded.0 = self.shown_at.saturating_sub(self.started);
        }
        self.unrecorded.1.extend_from_slice(bytes);
        if self.unrecorded.1.len() >= PIECE {
            self.record_shown();
        }
        self.screen.follow(bytes);
    }

    /// Shows bytes behind what is still on its way; whoever leaves waits for nobody.
    fn show(&mut self, bytes: &[u8]) {
        if self.nobody.is_some() || (self.cut.is_some() && self.outside.is_behind()) {
            return;
        }
        if self.outside.show(bytes).is_err() {
            self.nobody = Some(match self.outside.modes() {
                Some(_) => "the terminal was closed",
                None => "what it showed went nowhere",
            });
        }
    }

    /// Waits until everything is shown, unless a signal says that there is no time for it.
    fn catch_up(&mut self) {
        while self.outside.is_behind() && self.nobody.is_none() && self.cut.is_none() {
            if let Some(why) = self.signalled() {
                self.record(Message::Mark(self.elapsed(), format!("breakglass: {why}")));
                self.cut = Some(why);
            } else {
                self.outside.wait(Duration::from_millis(100));
                self.show(&[]);
            }
        }
        if self.outside.is_behind() {
            self.outside.forget();
        }
    }

    /// Hands what was shown to the recorder.
    fn record_shown(&mut self) {
        let (at, shown) = &mut self.unrecorded;
        if !shown.is_empty() {
            let shown = std::mem::replace(shown, self.recorder.buffer());
            self.recorder.record(Message::Output(*at, shown));
        }
    }

    /// Records something that comes after everything shown so far.
    fn record(&mut self, message: Message) {
        self.record_shown();
        self.recorder.record(message);
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
                let modes = self.inside.modes();
                // a terminal that cannot be asked is taken for one that shows nothing
                let echo = modes
                    .map_or(Echo::Hidden, |modes| self.mask.echo(modes, typed, self.screen.tail()));
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
            match self.inside.write(&self.waiting) {
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
        if !(quiet || late || self.screen.is_at_line_end()) || !self.screen.is_at_rest() {
            return;
        }
        self.told_at = self.elapsed();
        if self.recorder.has_failed() && !std::mem::replace(&mut self.has_warned, true) {
            self.show(&self.screen.says("breakglass: THE RECORDING CANNOT BE WRITTEN; it is tried again, and this stands in the logbook"));
        }
        let Some(notice) = self.notices.due(self.elapsed()) else { return };
        self.show(format!("\x1b]2;{}\x07", notice.title).as_bytes());
        if let Some(words) = notice.words {
            self.show(&self.screen.says(&words));
            self.record(Message::Mark(self.elapsed(), words));
        }
    }

    /// Ends the program as a closed terminal does, and by force where that is not enough.
    fn leave(&mut self, why: &'static str, buffer: &mut [u8]) -> Option<ExitStatus> {
        self.show(&[]);
        self.outside.forget();
        self.cut = Some(why);
        self.record(Message::Mark(self.elapsed(), format!("breakglass: {why}")));
        let own = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let front = self.inside.front();
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
    /// The screen takes something again.
    screen: bool,
}

fn as_shells_say(status: ExitStatus) -> u8 {
    let signalled = || status.signal().map(|signal| 128 + signal);
    status.code().or_else(signalled).and_then(|code| u8::try_from(code).ok()).unwrap_or(255)
}
