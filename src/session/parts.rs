//! Fills the parts of a recording with events, and keeps what a disk does not take until it does.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant as Tick};

use zeroize::Zeroizing;

use super::cast::{self, Code};
use super::recording::{Folder, Head};
use crate::sealing::plugin::Person;
use crate::sealing::recipients::Recipients;

/// A part is closed when it has so many bytes, or so long after its first event.
const FULL: usize = 32 * 1024;
pub(super) const SOON: Duration = Duration::from_secs(5);

/// Most parts that wait for a disk that does not take them.
const MOST_WAITING: usize = 64;

/// What came of the parts.
pub(super) struct Account {
    /// The end of the chain.
    pub(super) head: Head,
    /// How many there are.
    pub(super) parts: u32,
    /// Events in them.
    pub(super) events: u64,
    /// What is missing, if anything.
    pub(super) problem: Option<String>,
}

/// The parts of a recording that is being made.
pub(super) struct Parts {
    folder: Folder,
    /// Who can open them; none: they are not encrypted.
    recipients: Option<Recipients>,
    /// What is being filled.
    text: Zeroizing<Vec<u8>>,
    /// What is full and was not taken by the disk, oldest first.
    waiting: VecDeque<Zeroizing<Vec<u8>>>,
    /// The same memory for every part: with its first line, and sealed.
    part: Zeroizing<Vec<u8>>,
    sealed: Vec<u8>,
    /// When the first event of this part came, or a part was not taken last.
    since: Option<Tick>,
    /// When everything was on disk last.
    lasting: Tick,
    /// When the last event came, by its own clock.
    latest: Duration,
    events: u64,
    /// Events that are lost.
    lost: u64,
    /// Why the last part could not be written.
    trouble: Option<String>,
    /// The same for others to see.
    failed: Arc<AtomicBool>,
}

impl Parts {
    /// Begins with the header of the cast, in the first part, which is on disk when this returns.
    pub(super) fn begin(
        folder: Folder,
        recipients: &[String],
        header: String,
        failed: Arc<AtomicBool>,
    ) -> Result<Self, String> {
        let recipients = match recipients {
            [] => None,
            texts => Some(Recipients::parse(texts, &Person::nobody()).map_err(|e| e.to_string())?),
        };
        let mut parts = Self {
            folder,
            recipients,
            text: Zeroizing::new(header.into_bytes()),
            waiting: VecDeque::new(),
            part: Zeroizing::default(),
            sealed: Vec::new(),
            since: None,
            lasting: Tick::now(),
            latest: Duration::ZERO,
            events: 0,
            lost: 0,
            trouble: None,
            failed,
        };
        parts.close();
        match parts.trouble.take() {
            Some(trouble) => Err(trouble),
            None => Ok(parts),
        }
    }

    /// Adds an event; one without data is none. `at` is the time since the start; what was held back comes later than what
    /// came after it, and has the time of that.
    pub(super) fn event(&mut self, at: Duration, code: Code, data: &str) {
        if data.is_empty() {
            return;
        }
        self.latest = self.latest.max(at);
        if self.waiting.len() >= MOST_WAITING {
            self.lost += 1;
            return;
        }
        cast::event(&mut self.text, self.latest, code, data);
        self.events += 1;
        self.since.get_or_insert_with(Tick::now);
        if self.text.len() >= FULL {
            self.full();
        }
    }

    /// Returns the time of the last event.
    pub(super) fn latest(&self) -> Duration {
        self.latest
    }

    /// Notes that something came at a time, though nothing is written of it yet.
    pub(super) fn came(&mut self, at: Duration) {
        self.latest = self.latest.max(at);
    }

    /// Returns how long a part may still wait to be closed.
    pub(super) fn patience(&self) -> Duration {
        self.since.map_or(SOON, |since| SOON.saturating_sub(since.elapsed()))
    }

    /// Says whether a part has to be closed.
    pub(super) fn is_due(&self) -> bool {
        self.patience().is_zero()
    }

    /// Closes what is being filled: everything is on disk when this returns, unless there is trouble.
    pub(super) fn close(&mut self) {
        self.put_by();
        self.write(true);
    }

    /// Ends it.
    pub(super) fn end(mut self) -> Account {
        self.close();
        let lost = (self.lost > 0).then(|| format!("{} events are lost", self.lost));
        Account {
            head: self.folder.head(),
            parts: self.folder.parts(),
            events: self.events,
            problem: self.trouble.or(lost),
        }
    }

    /// Goes on to the next part. The system brings this one to disk in its own time, where the last that it surely did is not
    /// long ago.
    fn full(&mut self) {
        self.put_by();
        // what a disk did not take is not offered again at once
        if self.trouble.is_none() || self.is_due() {
            self.write(self.lasting.elapsed() >= SOON);
        }
    }

    fn put_by(&mut self) {
        if !self.text.is_empty() {
            self.waiting.push_back(std::mem::take(&mut self.text));
        }
    }

    /// Writes what waits, as far as the disk takes it.
    fn write(&mut self, lasting: bool) {
        while let Some(text) = self.waiting.pop_front() {
            let lasting = lasting && self.waiting.is_empty();
            match self.add(&text, lasting) {
                Ok(()) => {
                    self.text = text;
                    self.text.clear();
                    if lasting {
                        self.lasting = Tick::now();
                    }
                }
                Err(trouble) => {
                    self.waiting.push_front(text);
                    self.since = Some(Tick::now());
                    self.trouble = Some(trouble);
                    self.failed.store(true, Ordering::Relaxed);
                    return;
                }
            }
        }
        self.since = None;
        self.trouble = None;
        self.failed.store(false, Ordering::Relaxed);
    }

    fn add(&mut self, text: &[u8], lasting: bool) -> Result<(), String> {
        self.part.clear();
        self.part.extend_from_slice(self.folder.opening_line().as_bytes());
        self.part.extend_from_slice(text);
        let bytes = match &self.recipients {
            None => &*self.part,
            Some(recipients) => {
                self.sealed.clear();
                recipients.seal_into(&self.part, &mut self.sealed).map_err(|e| e.to_string())?;
                &self.sealed
            }
        };
        self.folder.add(bytes, lasting).map_err(|e| e.to_string())
    }
}
