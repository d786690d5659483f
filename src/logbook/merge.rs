//! Records that were made or kept elsewhere, held against a logbook: what is known, what follows, what comes in as an
//! original inside an IMPORT record.

use std::collections::{BTreeMap, BTreeSet};

use crate::logbook::chain::Logbook;
use crate::logbook::{Entry, Event, LogError, hex};
use crate::set::sha256;

/// Most missing numbers that are listed.
const MOST_GAPS: usize = 1000;

/// What a logbook holds, by hashes.
#[derive(Default)]
pub struct Ours {
    /// Hash of every line, in order.
    lines: Vec<[u8; 32]>,
    /// Hash of every line that came in with an IMPORT.
    imported: BTreeSet<[u8; 32]>,
    /// Method id, as the book began with it.
    method: String,
}

/// What becomes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is here already.
    Known,
    /// It follows the last line here, byte for byte.
    Follows,
    /// It comes in inside an IMPORT record.
    Original,
}

/// What is to be done.
#[derive(Default)]
pub struct Plan {
    /// Every record with what becomes of it, in the order in which they come in.
    pub steps: Vec<(Entry, Fate)>,
    /// Numbers between records at hand that nobody has shown.
    pub gaps: Vec<u64>,
    /// Numbers under which another record stands here: the two books went different ways.
    pub forks: Vec<u64>,
}

/// Why records cannot come in.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// Of another access method.
    #[error("record {record} is of the method `{theirs}`, this book is of `{ours}`")]
    Method {
        /// How the record is called.
        record: String,
        /// Its method.
        theirs: String,
        /// The book's.
        ours: String,
    },
    /// Two different records under one number came in together.
    #[error("two different records say that they are number {0}: they are of two books")]
    Twice(u64),
}

impl Ours {
    /// Reads a logbook, verifying it; without a file it is empty.
    pub fn of(book: &Logbook) -> Result<Self, LogError> {
        let mut ours = Self::default();
        if !book.exists() {
            return Ok(ours);
        }
        for entry in book.records()? {
            let entry = entry?;
            if entry.seq == 1 {
                entry.text("method").clone_into(&mut ours.method);
            }
            ours.lines.push(sha256(&[entry.line.as_bytes()]));
            if entry.is(Event::Import) {
                ours.imported.insert(sha256(&[entry.text("line").as_bytes()]));
            }
        }
        Ok(ours)
    }

    /// Says whether there is nothing here yet.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Decides about records from elsewhere: numbered ones by their numbers, then loose ones as they came.
    pub fn plan(&self, incoming: Vec<Entry>) -> Result<Plan, MergeError> {
        let mut numbered: BTreeMap<u64, Entry> = BTreeMap::new();
        let mut loose: Vec<Entry> = Vec::new();
        for entry in incoming {
            let theirs = entry.text("method");
            if !self.method.is_empty() && !theirs.is_empty() && theirs != self.method {
                let record = name(&entry);
                let (theirs, ours) = (theirs.to_owned(), self.method.clone());
                return Err(MergeError::Method { record, theirs, ours });
            }
            if entry.is_loose() {
                if loose.iter().all(|known| known.line != entry.line) {
                    loose.push(entry);
                }
            } else if let Some(known) = numbered.insert(entry.seq, entry) {
                let seq = known.seq;
                if numbered.get(&seq).is_some_and(|entry| entry.line != known.line) {
                    return Err(MergeError::Twice(seq));
                }
            }
        }
        let mut plan = Plan::default();
        let mut head = self.lines.last().copied().unwrap_or([0; 32]);
        let mut next = self.lines.len() as u64 + 1;
        let last = numbered.keys().max().copied().unwrap_or_default();
        let missing = (next..last).filter(|seq| !numbered.contains_key(seq));
        plan.gaps = missing.take(MOST_GAPS).collect();
        for (seq, entry) in numbered {
            let hash = sha256(&[entry.line.as_bytes()]);
            let here = usize::try_from(seq - 1).ok().and_then(|i| self.lines.get(i));
            let fate = if here == Some(&hash) || self.imported.contains(&hash) {
                Fate::Known
            } else if here.is_none() && seq == next && entry.text("prev") == hex(&head) {
                (head, next) = (hash, next + 1);
                Fate::Follows
            } else {
                if here.is_some() {
                    plan.forks.push(seq);
                }
                Fate::Original
            };
            plan.steps.push((entry, fate));
        }
        for entry in in_order(loose) {
            let known = self.imported.contains(&sha256(&[entry.line.as_bytes()]));
            plan.steps.push((entry, if known { Fate::Known } else { Fate::Original }));
        }
        Ok(plan)
    }
}

/// Puts loose records behind those whose check codes they name; beyond that they stay as they came.
fn in_order(loose: Vec<Entry>) -> Vec<Entry> {
    if loose.len() < 2 {
        return loose;
    }
    let codes: Vec<String> = loose.iter().map(|entry| entry.check_code().to_string()).collect();
    let mut done: Vec<bool> = vec![false; loose.len()];
    let mut order = Vec::new();
    while order.len() < loose.len() {
        let waits = |i: usize| {
            let before = codes.iter().position(|code| code == loose[i].text("prev_code"));
            before.is_some_and(|before| before != i && !done[before])
        };
        // a circle of records that name each other cannot be made, and would end here
        let next = (0..loose.len()).find(|i| !done[*i] && !waits(*i));
        let Some(next) = next.or_else(|| done.iter().position(|done| !done)) else { break };
        done[next] = true;
        order.push(next);
    }
    let mut slots: Vec<Option<Entry>> = loose.into_iter().map(Some).collect();
    order.into_iter().filter_map(|i| slots[i].take()).collect()
}

/// `3`, or what a loose record is called.
fn name(entry: &Entry) -> String {
    if entry.is_loose() {
        format!("{} (loose)", entry.text("event"))
    } else {
        entry.seq.to_string()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::clock::{Instant, Source};
    use crate::logbook::record::{Program, When};
    use crate::logbook::{Draft, check_code};

    fn draft(method: &str) -> Draft {
        let when = When { at: Instant::from_unix(1_795_521_600), source: Source::System };
        let program = Program { version: "0".into(), sha256: "unknown".into() };
        Draft::begin(when, &program, method)
    }

    #[test]
    fn loose_records_come_in_behind_those_they_name() {
        let first = draft("a").loose_line(None, &[]);
        let second = draft("b").loose_line(Some(check_code(first.as_bytes())), &[]);
        let third = draft("c").loose_line(Some(check_code(second.as_bytes())), &[]);
        let entry = |line: &String| Entry::read(line.as_bytes()).unwrap();
        let plan = Ours::default().plan([&third, &first, &second].map(entry).to_vec()).unwrap();
        let methods: Vec<&str> = plan.steps.iter().map(|(e, _)| e.text("method")).collect();
        assert_eq!(methods, ["a", "b", "c"]);
    }

    #[test]
    fn gaps_have_an_end() {
        let dir = tempfile::tempdir().unwrap();
        let book = Logbook::at(dir.path().join("logbook.jsonl"));
        let line = book.append(&draft("m"), &[]).unwrap().line;
        let far = line.replace("\"seq\":1", "\"seq\":18446744073709551615");
        let plan =
            Ours::of(&book).unwrap().plan(vec![Entry::read(far.as_bytes()).unwrap()]).unwrap();
        assert_eq!(plan.gaps.len(), MOST_GAPS);
        assert_eq!(plan.steps[0].1, Fate::Original);
    }
}
