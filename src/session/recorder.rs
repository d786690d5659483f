//! Writes a recording while it happens, beside the terminal, which waits for it only when it is far behind.

use std::path::Path;
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
use super::parts::{Account, Parts};
use super::recording::{Folder, Head, Recording, RecordingError};
use super::redact::Redactor;
use crate::clock::Instant;

/// What may become a piece of the credential is held back until nothing has come for so long.
const PAUSE: Duration = Duration::from_secs(1);

/// How often it is looked whether keys were echoed.
const BRIEFLY: Duration = Duration::from_millis(100);

/// Most bytes of one event, before they are written as JSON.
const MOST_DATA: usize = 16 * 1024;

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

impl Summary {
    /// Says what a recorder left that ended before its time: the parts that are there, and no counts.
    pub fn of_what_is_there(folder: &Path) -> Result<Self, RecordingError> {
        let recording = Recording::open(folder)?;
        let heads = recording.heads()?;
        Ok(Self {
            head: heads.last().copied().unwrap_or(recording.first()),
            parts: recording.parts(),
            bytes: 0,
            events: 0,
            masked: 0,
            redacted: (0, 0),
            problem: Some("the recorder ended before its time".to_owned()),
        })
    }
}

/// A recording that is going on.
pub struct Recorder {
    sender: SyncSender<Message>,
    /// Buffers that were written and can be filled again.
    spare: Receiver<Zeroizing<Vec<u8>>>,
    thread: JoinHandle<Option<Summary>>,
    failed: Arc<AtomicBool>,
}

impl Recorder {
    /// Starts to record; the first part, with the header, is on disk when this returns.
    pub fn start(setup: Setup) -> Result<Self, String> {
        let failed = Arc::new(AtomicBool::new(false));
        let (sender, receiver) = sync_channel(CHUNKS);
        let (ready, started) = sync_channel(1);
        let (back, spare) = sync_channel(CHUNKS);
        let flag = Arc::clone(&failed);
        let thread = std::thread::Builder::new().name("recorder".into()).spawn(move || {
            match Scribe::new(setup, back, flag) {
                Ok(scribe) => {
                    let _ = ready.send(Ok(()));
                    Some(scribe.listen(&receiver))
                }
                Err(error) => {
                    let _ = ready.send(Err(error));
                    None
                }
            }
        });
        let thread = thread.map_err(|e| e.to_string())?;
        match started.recv() {
            Ok(Ok(())) => Ok(Self { sender, spare, thread, failed }),
            Ok(Err(error)) => Err(error),
            Err(_) => Err("the recorder ended".to_owned()),
        }
    }

    /// Records something. Waits where the writer is far behind.
    pub fn record(&self, message: Message) {
        // a writer that is gone has said so through `has_failed`
        let _ = self.sender.send(message);
    }

    /// Returns an empty buffer for what is shown.
    pub fn buffer(&self) -> Zeroizing<Vec<u8>> {
        self.spare.try_recv().unwrap_or_default()
    }

    /// Says whether something of it could not be written.
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed) || self.thread.is_finished()
    }

    /// Ends it: everything is on disk when this returns.
    pub fn finish(self) -> Option<Summary> {
        drop(self.sender);
        self.thread.join().ok().flatten()
    }
}

/// The writer.
struct Scribe {
    pieces: Arc<Pieces>,
    parts: Parts,
    output: Direction,
    input: Direction,
    in_mask: bool,
    doubt: Doubt,
    /// When something came last.
    came: Tick,
    bytes: u64,
    masked: u64,
    /// Where buffers go back to.
    back: SyncSender<Zeroizing<Vec<u8>>>,
}

/// One direction of the stream, on its way to an event.
#[derive(Default)]
struct Direction {
    redactor: Redactor,
    clean: Vec<u8>,
}

impl Direction {
    /// Hands on the text that is whole, and forgets it; the beginning of a character of several bytes stays.
    fn text(&mut self, last: bool, take: impl FnOnce(&str)) {
        let tail = if last { 0 } else { unfinished(&self.clean) };
        let whole = self.clean.len() - tail;
        let text = &self.clean[..whole];
        match str::from_utf8(text) {
            Ok(text) => take(text),
            Err(_) => take(&String::from_utf8_lossy(text)),
        }
        self.clean.drain(..whole);
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
    fn new(
        setup: Setup,
        back: SyncSender<Zeroizing<Vec<u8>>>,
        failed: Arc<AtomicBool>,
    ) -> Result<Self, String> {
        let term = std::env::var("TERM").unwrap_or_default();
        let header = cast::header(setup.size, setup.started, &setup.title, &term);
        Ok(Self {
            pieces: setup.pieces,
            parts: Parts::begin(setup.folder, &setup.recipients, header, failed)?,
            output: Direction::default(),
            input: Direction::default(),
            in_mask: false,
            doubt: Doubt::default(),
            came: Tick::now(),
            bytes: 0,
            masked: 0,
            back,
        })
    }

    fn listen(mut self, receiver: &Receiver<Message>) -> Summary {
        loop {
            let left = if self.doubt.is_open() { BRIEFLY } else { PAUSE };
            match receiver.recv_timeout(left.min(self.parts.patience())) {
                Ok(message) => {
                    self.came = Tick::now();
                    self.take(message);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.decide(false);
            if self.parts.is_due() || self.came.elapsed() >= PAUSE {
                self.release();
            }
            if self.parts.is_due() {
                self.parts.close();
            }
        }
        self.end()
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Output(at, mut bytes) => {
                self.bytes += bytes.len() as u64;
                self.doubt.shown(&bytes);
                for bytes in bytes.chunks(MOST_DATA) {
                    let output = &mut self.output;
                    output.redactor.take(&self.pieces, bytes, &mut output.clean);
                    output.text(false, |text| self.parts.event(at, Code::Output, text));
                }
                bytes.clear();
                // with more of them than are needed, this one is freed
                let _ = self.back.try_send(bytes);
            }
            Message::Input(at, bytes, echo) => {
                self.parts.came(at);
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
                self.parts.event(at, Code::Resize, &format!("{columns}x{rows}"));
            }
            Message::Mark(at, words) => self.parts.event(at, Code::Mark, &words),
        }
    }

    /// Records what was typed and shown.
    fn typed(&mut self, at: Duration, bytes: &[u8]) {
        let input = &mut self.input;
        input.redactor.take(&self.pieces, bytes, &mut input.clean);
        if bytes.iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
            input.redactor.release(&self.pieces, &mut input.clean);
        }
        input.text(false, |text| self.parts.event(at, Code::Input, text));
    }

    /// Records keys of which it is known by now whether they were shown; with `last` all of them.
    fn decide(&mut self, last: bool) {
        for keys in self.doubt.decided(last) {
            match keys {
                Keys::Shown(bytes) => self.typed(self.parts.latest(), &bytes),
                Keys::Hidden => {
                    self.masked += 1;
                    self.parts.event(self.parts.latest(), Code::Input, MASK);
                }
            }
        }
    }

    /// Gives out what was held back.
    fn release(&mut self) {
        let latest = self.parts.latest();
        for (direction, code) in [(&mut self.output, Code::Output), (&mut self.input, Code::Input)]
        {
            direction.redactor.release(&self.pieces, &mut direction.clean);
            direction.text(false, |text| self.parts.event(latest, code, text));
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
        self.parts.event(at, Code::Input, &text);
    }

    fn end(mut self) -> Summary {
        self.decide(true);
        let latest = self.parts.latest();
        for (direction, code) in [(&mut self.output, Code::Output), (&mut self.input, Code::Input)]
        {
            direction.redactor.flush(&mut direction.clean);
            direction.text(true, |text| self.parts.event(latest, code, text));
        }
        let Account { head, parts, events, problem } = self.parts.end();
        let redacted = (self.output.redactor.places(), self.input.redactor.places());
        Summary { head, parts, bytes: self.bytes, events, masked: self.masked, redacted, problem }
    }
}
