//! Writes a recording while it happens, beside the terminal, which waits for it only when it is far behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant as Tick};

use zeroize::Zeroizing;

use super::cast::{self, Code};
use super::doubt::{Doubt, Keys};
use super::index::Pieces;
use super::mask::Echo;
use super::recording::{Folder, Head, MAX_PART};
use super::redact::Redactor;
use crate::clock::Instant;
use crate::sealing::plugin::Person;
use crate::sealing::recipients::Recipients;

/// A part is closed when it has so many bytes, or so long after its first event.
const FULL: usize = 32 * 1024;
const SOON: Duration = Duration::from_secs(5);

/// What may become a piece of the credential is held back until nothing has come for so long.
const PAUSE: Duration = Duration::from_secs(1);

/// How often it is looked whether keys were echoed.
const BRIEFLY: Duration = Duration::from_millis(100);

/// Most bytes of one event, before they are written as JSON.
const MOST_DATA: usize = 16 * 1024;

/// Most bytes that wait for a disk that does not take them.
const MOST_WAITING: usize = MAX_PART / 2;

/// Most chunks between the terminal and the writer: what comes faster has to wait.
const CHUNKS: usize = 64;

/// What stands for an input that the terminal does not show.
const MASK: &str = "•••";

/// What is recorded.
pub enum Message {
    /// The terminal shows bytes.
    Output(Duration, Zeroizing<Vec<u8>>),
    /// Bytes were typed, and shown or not.
    Input(Duration, Zeroizing<Vec<u8>>, Echo),
    /// The terminal has so many columns and rows.
    Resize(Duration, (u16, u16)),
    /// Something that the recorder has to say.
    Mark(Duration, String),
}

/// What a recording is made of.
pub struct Setup {
    /// Where its parts go.
    pub folder: Folder,
    /// Who can open them; none: they are not encrypted.
    pub recipients: Vec<String>,
    /// What is taken out.
    pub pieces: Arc<Pieces>,
    /// Columns and rows.
    pub size: (u16, u16),
    /// What it is called.
    pub title: String,
    /// When it begins.
    pub started: Instant,
}

/// What became of a recording.
#[derive(Debug)]
pub struct Summary {
    /// The end of its chain.
    pub head: Head,
    /// Parts.
    pub parts: u32,
    /// Bytes that the terminal showed.
    pub bytes: u64,
    /// Events.
    pub events: u64,
    /// Inputs that were masked.
    pub masked: u64,
    /// Places where a piece of the credential was taken out of what was shown, and of what was typed.
    pub redacted: (u64, u64),
    /// What is missing, if anything.
    pub problem: Option<String>,
}

/// A recording that is going on.
pub struct Recorder {
    sender: SyncSender<Message>,
    thread: JoinHandle<Summary>,
    failed: Arc<AtomicBool>,
}

impl Recorder {
    /// Starts to record; the first part, with the header, is on disk when this returns.
    pub fn start(setup: Setup) -> Result<Self, String> {
        let failed = Arc::new(AtomicBool::new(false));
        let (sender, receiver) = sync_channel(CHUNKS);
        let (ready, started) = sync_channel(1);
        let flag = Arc::clone(&failed);
        let thread = std::thread::Builder::new().name("recorder".into()).spawn(move || {
            let mut scribe = Scribe::new(setup, flag);
            let first = scribe.cut(true);
            let _ = ready.send(first.map_err(|error| error.clone()));
            scribe.listen(&receiver)
        });
        let thread = thread.map_err(|e| e.to_string())?;
        match started.recv() {
            Ok(Ok(())) => Ok(Self { sender, thread, failed }),
            Ok(Err(error)) => Err(error),
            Err(_) => Err("the recorder ended".to_owned()),
        }
    }

    /// Records something. Waits where the writer is far behind.
    pub fn record(&self, message: Message) {
        // a writer that is gone has said so through `has_failed`
        let _ = self.sender.send(message);
    }

    /// Says whether something of it could not be written.
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed) || self.thread.is_finished()
    }

    /// Ends it: everything is on disk when this returns.
    pub fn finish(self) -> Option<Summary> {
        drop(self.sender);
        self.thread.join().ok()
    }
}

/// The writer.
struct Scribe {
    setup: Setup,
    recipients: Result<Recipients, String>,
    output: Direction,
    input: Direction,
    in_mask: bool,
    doubt: Doubt,
    /// When something came last.
    came: Tick,
    latest: Duration,
    text: Zeroizing<Vec<u8>>,
    /// When the first event of this part came.
    since: Option<Tick>,
    /// When everything was on disk last.
    lasting: Tick,
    bytes: u64,
    events: u64,
    masked: u64,
    /// Events that are lost.
    lost: u64,
    /// Why the last part could not be written.
    trouble: Option<String>,
    failed: Arc<AtomicBool>,
}

/// One direction of the stream, on its way to an event.
#[derive(Default)]
struct Direction {
    redactor: Redactor,
    clean: Vec<u8>,
}

impl Direction {
    /// Takes the text out that is whole; the beginning of a character of several bytes stays.
    fn text(&mut self, last: bool) -> String {
        let tail = if last { 0 } else { unfinished(&self.clean) };
        let whole = self.clean.len() - tail;
        let text = String::from_utf8_lossy(&self.clean[..whole]).into_owned();
        self.clean.drain(..whole);
        text
    }
}

/// Returns how many bytes at the end are the beginning of a character.
fn unfinished(bytes: &[u8]) -> usize {
    let from = bytes.len().saturating_sub(3);
    for (at, byte) in bytes.iter().enumerate().skip(from).rev() {
        if byte & 0xc0 == 0x80 {
            continue;
        }
        let wanted = match byte {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => 1,
        };
        let have = bytes.len() - at;
        return if have < wanted { have } else { 0 };
    }
    0
}

impl Scribe {
    fn new(setup: Setup, failed: Arc<AtomicBool>) -> Self {
        let recipients = Recipients::parse(&setup.recipients, &Person::nobody());
        let term = std::env::var("TERM").unwrap_or_default();
        let header = cast::header(setup.size, setup.started, &setup.title, &term);
        Self {
            recipients: recipients.map_err(|e| e.to_string()),
            output: Direction::default(),
            input: Direction::default(),
            in_mask: false,
            doubt: Doubt::default(),
            came: Tick::now(),
            latest: Duration::ZERO,
            text: Zeroizing::new(header.into_bytes()),
            since: None,
            lasting: Tick::now(),
            bytes: 0,
            events: 0,
            masked: 0,
            lost: 0,
            trouble: None,
            failed,
            setup,
        }
    }

    fn listen(mut self, receiver: &Receiver<Message>) -> Summary {
        loop {
            let left = self.since.map_or(SOON, |since| SOON.saturating_sub(since.elapsed()));
            let left = left.min(if self.doubt.is_open() { BRIEFLY } else { PAUSE });
            match receiver.recv_timeout(left) {
                Ok(message) => {
                    self.came = Tick::now();
                    self.take(message);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.decide(false);
            let is_due = self.since.is_some_and(|since| since.elapsed() >= SOON);
            if is_due || self.came.elapsed() >= PAUSE {
                self.release();
            }
            if self.since.is_some_and(|since| since.elapsed() >= SOON) {
                let _ = self.cut(true);
            }
        }
        self.end()
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Output(at, bytes) => {
                self.bytes += bytes.len() as u64;
                self.doubt.shown(&bytes);
                for bytes in bytes.chunks(MOST_DATA) {
                    let output = &mut self.output;
                    output.redactor.take(&self.setup.pieces, bytes, &mut output.clean);
                    let text = output.text(false);
                    self.event(at, Code::Output, &text);
                }
            }
            Message::Input(at, bytes, echo) => {
                self.latest = self.latest.max(at);
                if echo == Echo::Unknown {
                    self.in_mask = false;
                    self.doubt.typed(&bytes);
                    return;
                }
                // what came before it has its answer by now, or never
                self.decide(true);
                if echo == Echo::Hidden {
                    self.mask(at, &bytes);
                } else {
                    self.in_mask = false;
                    self.typed(at, &bytes);
                }
            }
            Message::Resize(at, (columns, rows)) => {
                self.event(at, Code::Resize, &format!("{columns}x{rows}"));
            }
            Message::Mark(at, words) => self.event(at, Code::Mark, &words),
        }
    }

    /// Records what was typed and shown.
    fn typed(&mut self, at: Duration, bytes: &[u8]) {
        let input = &mut self.input;
        input.redactor.take(&self.setup.pieces, bytes, &mut input.clean);
        if bytes.iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
            input.redactor.release(&self.setup.pieces, &mut input.clean);
        }
        let text = input.text(false);
        self.event(at, Code::Input, &text);
    }

    /// Records keys of which it is known by now whether they were shown; with `last` all of them.
    fn decide(&mut self, last: bool) {
        for keys in self.doubt.decided(last) {
            match keys {
                Keys::Shown(bytes) => self.typed(self.latest, &bytes),
                Keys::Hidden => {
                    self.masked += 1;
                    self.event(self.latest, Code::Input, MASK);
                }
            }
        }
    }

    /// Gives out what was held back.
    fn release(&mut self) {
        for code in [Code::Output, Code::Input] {
            let direction = if code == Code::Output { &mut self.output } else { &mut self.input };
            direction.redactor.release(&self.setup.pieces, &mut direction.clean);
            let text = direction.text(false);
            self.event(self.latest, code, &text);
        }
    }

    /// Records that something was typed, not what and not how long it was.
    fn mask(&mut self, at: Duration, bytes: &[u8]) {
        let mut text = String::new();
        for byte in bytes {
            // Enter, Ctrl-C and Ctrl-D end it
            if matches!(byte, b'\r' | b'\n' | 3 | 4) {
                text.push(char::from(*byte));
                self.in_mask = false;
            } else if !std::mem::replace(&mut self.in_mask, true) {
                text.push_str(MASK);
                self.masked += 1;
            }
        }
        self.event(at, Code::Input, &text);
    }

    fn event(&mut self, at: Duration, code: Code, data: &str) {
        if data.is_empty() {
            return;
        }
        // what was held back comes later than what came after it
        self.latest = self.latest.max(at);
        if self.text.len() > MOST_WAITING {
            self.lost += 1;
            return;
        }
        cast::event(&mut self.text, self.latest, code, data);
        self.events += 1;
        self.since.get_or_insert_with(Tick::now);
        if self.text.len() >= FULL {
            let _ = self.cut(self.lasting.elapsed() >= SOON);
        }
    }

    /// Closes a part. What cannot be written waits for the next try.
    fn cut(&mut self, lasting: bool) -> Result<(), String> {
        if self.text.is_empty() {
            return Ok(());
        }
        let mut part = Zeroizing::new(self.setup.folder.opening_line().into_bytes());
        part.extend_from_slice(&self.text);
        self.since = Some(Tick::now());
        let written = match (&self.recipients, self.setup.recipients.is_empty()) {
            (_, true) => self.setup.folder.add(&part, lasting).map_err(|e| e.to_string()),
            (Ok(recipients), false) => {
                recipients.seal(&part).map_err(|e| e.to_string()).and_then(|sealed| {
                    self.setup.folder.add(&sealed, lasting).map_err(|e| e.to_string())
                })
            }
            (Err(error), false) => Err(error.clone()),
        };
        match written {
            Ok(()) => {
                self.text.clear();
                self.since = None;
                self.trouble = None;
                self.failed.store(false, Ordering::Relaxed);
                if lasting {
                    self.lasting = Tick::now();
                }
                Ok(())
            }
            Err(error) => {
                self.trouble = Some(error.clone());
                self.failed.store(true, Ordering::Relaxed);
                Err(error)
            }
        }
    }

    fn end(mut self) -> Summary {
        self.decide(true);
        for code in [Code::Output, Code::Input] {
            let direction = if code == Code::Output { &mut self.output } else { &mut self.input };
            direction.redactor.flush(&mut direction.clean);
            let text = direction.text(true);
            self.event(self.latest, code, &text);
        }
        let _ = self.cut(true);
        let folder = &self.setup.folder;
        Summary {
            head: folder.head(),
            parts: folder.parts(),
            bytes: self.bytes,
            events: self.events,
            masked: self.masked,
            redacted: (self.output.redactor.places(), self.input.redactor.places()),
            problem: self
                .trouble
                .or((self.lost > 0).then(|| format!("{} events are lost", self.lost))),
        }
    }
}
