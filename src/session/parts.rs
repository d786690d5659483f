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

/// Most full parts that wait for a disk that does not take them.
const MOST_WAITING: usize = 64;

/// Lines of the cast, and how many events are in them.
#[derive(Default)]
struct Lines {
    text: Zeroizing<Vec<u8>>,
    events: u64,
}

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
    lines: Lines,
    /// What was closed and not taken by the disk, oldest first.
    waiting: VecDeque<Lines>,
    /// The same memory for every part: with its first line, and sealed.
    part: Zeroizing<Vec<u8>>,
    sealed: Vec<u8>,
    /// Since when something is not on disk, or is not tried again.
    since: Option<Tick>,
    /// When everything was on disk last.
    lasting: Tick,
    /// When the last event came, by its own clock.
    latest: Duration,
    events: u64,
    /// Events that are lost, and how many of them the recording does not tell of yet.
    lost: (u64, u64),
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
            lines: Lines { text: Zeroizing::new(header.into_bytes()), events: 0 },
            waiting: VecDeque::new(),
            part: Zeroizing::default(),
            sealed: Vec::new(),
            since: None,
            lasting: Tick::now(),
            latest: Duration::ZERO,
            events: 0,
            lost: (0, 0),
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
            self.lost = (self.lost.0 + 1, self.lost.1 + 1);
            return;
        }
        let untold = std::mem::take(&mut self.lost.1);
        if untold > 0 {
            self.add(
                Code::Mark,
                &format!("breakglass: {untold} events are lost, for the disk took nothing"),
            );
        }
        self.add(code, data);
        if self.lines.text.len() >= FULL {
            self.full();
        }
    }

    fn add(&mut self, code: Code, data: &str) {
        cast::event(&mut self.lines.text, self.latest, code, data);
        self.lines.events += 1;
        self.since.get_or_insert_with(Tick::now);
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
        // a disk that takes nothing is no reason for small parts
        if !self.waiting.is_empty() {
            self.write(true);
        }
        if self.waiting.is_empty() {
            self.put_by();
            self.write(true);
        }
    }

    /// Ends it.
    pub(super) fn end(mut self) -> Account {
        self.close();
        let kept = self.waiting.iter().map(|lines| lines.events).sum::<u64>() + self.lines.events;
        let lost = Some(self.lost.0 + kept).filter(|lost| *lost > 0);
        let lost = lost.map(|lost| format!("{lost} events are lost"));
        let problem = match (self.trouble, lost) {
            (Some(trouble), Some(lost)) => Some(format!("{lost}: {trouble}")),
            (trouble, lost) => trouble.or(lost),
        };
        let (head, parts) = (self.folder.head(), self.folder.parts());
        Account { head, parts, events: self.events, problem }
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
        if !self.lines.text.is_empty() {
            self.waiting.push_back(std::mem::take(&mut self.lines));
        }
    }

    /// Writes what waits, as far as the disk takes it; with `lasting` all of the recording is on disk then.
    fn write(&mut self, lasting: bool) {
        while let Some(lines) = self.waiting.pop_front() {
            let is_last = lasting && self.waiting.is_empty();
            if let Err(trouble) = self.put(&lines.text, is_last) {
                self.waiting.push_front(lines);
                self.since = Some(Tick::now());
                self.trouble = Some(trouble);
                self.failed.store(true, Ordering::Relaxed);
                return;
            }
            self.events += lines.events;
            if self.lines.text.is_empty() {
                // the same memory again
                self.lines = Lines { text: lines.text, events: 0 };
                self.lines.text.clear();
            }
        }
        self.trouble = None;
        self.failed.store(false, Ordering::Relaxed);
        if lasting {
            self.folder.settle();
            self.lasting = Tick::now();
        }
        // what the system brings to disk in its own time is waited for, too
        self.since = (!lasting || !self.lines.text.is_empty()).then(Tick::now);
    }

    fn put(&mut self, text: &[u8], lasting: bool) -> Result<(), String> {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::clock::Instant;
    use crate::session::recording::{Index, Recording};

    /// Half of a part, and a bit.
    const HALF: usize = 17 * 1024;

    fn begun(dir: &Path) -> (Parts, PathBuf) {
        let path = dir.join("recording");
        let index = Index {
            method: "m".into(),
            release: None,
            started: Instant::now(),
            recipients: vec![],
        };
        let folder = Folder::create(&path, &index).unwrap();
        (Parts::begin(folder, &[], "header\n".into(), Arc::default()).unwrap(), path)
    }

    fn event(parts: &mut Parts, number: u64) {
        let data = format!("{number:05}{}", "x".repeat(HALF));
        parts.event(Duration::from_secs(number), Code::Output, &data);
    }

    /// Numbers of the events that are there, 0 for a mark.
    fn numbers(path: &Path) -> Vec<u64> {
        let recording = Recording::open(path).unwrap();
        let heads = recording.heads().unwrap();
        let mut numbers = Vec::new();
        for (number, before) in (1..=recording.parts()).zip(heads) {
            let (part, _) = recording.part(number, before).unwrap();
            let body = recording.body(number, before, &part).unwrap();
            for line in String::from_utf8(body.to_vec()).unwrap().lines() {
                match cast::line(line) {
                    Some(cast::Line::Event(_, Code::Output, data)) => {
                        numbers.push(data[..5].parse().unwrap());
                    }
                    Some(_) => numbers.push(0),
                    None => assert_eq!(line, "header"),
                }
            }
        }
        numbers
    }

    #[test]
    fn what_a_disk_did_not_take_is_there_when_it_does_again() {
        let dir = tempfile::tempdir().unwrap();
        let (mut parts, path) = begun(dir.path());
        let away = dir.path().join("away");
        event(&mut parts, 1);
        std::fs::rename(&path, &away).unwrap();
        (2..9).for_each(|number| event(&mut parts, number));
        assert!(parts.failed.load(Ordering::Relaxed) && parts.waiting.len() == 4);
        // one after the other, and small ones are not made
        for number in 9..12 {
            parts.event(Duration::from_secs(number), Code::Output, &format!("{number:05}"));
            parts.close();
        }
        assert_eq!((parts.waiting.len(), parts.events), (4, 0));
        assert!(!parts.is_due() && parts.patience() > Duration::from_secs(3));
        std::fs::rename(&away, &path).unwrap();
        parts.close();
        assert!(!parts.failed.load(Ordering::Relaxed));
        event(&mut parts, 12);
        let account = parts.end();
        assert_eq!((account.events, account.problem), (12, None));
        assert_eq!(numbers(&path), (1..13).collect::<Vec<_>>());
        let heads = Recording::open(&path).unwrap().heads().unwrap();
        assert_eq!(heads.last(), Some(&account.head));
    }

    #[test]
    fn what_is_lost_is_counted_and_told_where_it_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let (mut parts, path) = begun(dir.path());
        let away = dir.path().join("away");
        std::fs::rename(&path, &away).unwrap();
        let kept = 2 * MOST_WAITING as u64;
        (1..=kept + 5).for_each(|number| event(&mut parts, number));
        std::fs::rename(&away, &path).unwrap();
        parts.close();
        event(&mut parts, kept + 6);
        let account = parts.end();
        assert_eq!(account.problem.as_deref(), Some("5 events are lost"));
        let expected: Vec<u64> = (1..=kept).chain([0, kept + 6]).collect();
        assert_eq!(numbers(&path), expected);
        assert_eq!(account.events, expected.len() as u64);
    }

    #[test]
    fn a_disk_that_never_takes_anything_again_is_told_of() {
        let dir = tempfile::tempdir().unwrap();
        let (mut parts, path) = begun(dir.path());
        std::fs::rename(&path, dir.path().join("away")).unwrap();
        (1..4).for_each(|number| event(&mut parts, number));
        let account = parts.end();
        let problem = account.problem.unwrap();
        assert!(problem.starts_with("3 events are lost: cannot write"), "{problem}");
        assert_eq!(account.events, 0);
    }

    /// The last part is on disk at the end, though nothing came behind it.
    #[test]
    fn what_the_system_writes_in_its_own_time_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let (mut parts, _) = begun(dir.path());
        event(&mut parts, 1);
        event(&mut parts, 2);
        assert!(parts.lines.text.is_empty() && parts.since.is_some() && parts.folder.is_waiting());
        parts.close();
        assert!(parts.since.is_none() && !parts.folder.is_waiting());
    }
}
