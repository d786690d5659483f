//! A record as codes on a paper strip: the raw deflate of its exact line, in parts (`codes/format.md` §6, `R`).

use std::collections::BTreeMap;

use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;

use crate::codes::payload::RecordPart;
use crate::logbook::{Entry, MAX_LINE};
use crate::set::{PART_LEN, sha256};

/// Which logbook a strip belongs to: the first bytes of the hash of its first line, or of a loose record's own.
pub type LogId = [u8; 8];

/// Why strips do not make a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StubError {
    /// Longer than any strip can say.
    #[error("the record is too long for strips")]
    TooLong,
    /// Not all its codes were read.
    #[error("only {have} of its {parts} codes were read")]
    Parts {
        /// Codes at hand.
        have: usize,
        /// Codes of the record.
        parts: u8,
    },
    /// Two codes of one place differ.
    #[error("two different strips say that they are it")]
    Twice,
    /// What comes out is no record.
    #[error("its codes make no record: {0}")]
    Content(String),
}

/// Returns the id of the logbook that begins with that line.
pub fn log_id(first_line: &[u8]) -> LogId {
    let hash = sha256(&[first_line]);
    let mut id = [0; 8];
    id.copy_from_slice(&hash[..8]);
    id
}

/// Cuts a record of that logbook into the parts of its strip; a loose record belongs to none.
pub fn cut(entry: &Entry, log: LogId) -> Result<Vec<RecordPart>, StubError> {
    cut_small(entry, log, PART_LEN)
}

/// Cuts a record into parts of at most so many bytes each.
pub fn cut_small(entry: &Entry, log: LogId, most: usize) -> Result<Vec<RecordPart>, StubError> {
    let deflated = compress_to_vec(entry.line.as_bytes(), 9);
    let pieces: Vec<&[u8]> = deflated.chunks(most.clamp(1, PART_LEN)).collect();
    let count = u8::try_from(pieces.len()).map_err(|_| StubError::TooLong)?;
    let loose = entry.is_loose();
    let log = if loose { log_id(entry.line.as_bytes()) } else { log };
    let seq = if loose { None } else { u32::try_from(entry.seq).ok() };
    let part = |(i, bytes): (u8, &&[u8])| RecordPart {
        log,
        seq,
        part: i,
        parts: count,
        bytes: bytes.to_vec(),
    };
    Ok((0..).zip(&pieces).map(part).collect())
}

/// Puts the parts of strips together again.
#[derive(Default)]
pub struct Strips {
    records: BTreeMap<(LogId, Option<u32>, u8), Parts>,
}

/// By place, every different part that says it belongs there.
type Parts = BTreeMap<u8, Vec<Vec<u8>>>;

impl Strips {
    /// Takes one part.
    pub fn add(&mut self, part: &RecordPart) {
        let place = self.records.entry((part.log, part.seq, part.parts)).or_default();
        let variants = place.entry(part.part).or_default();
        if !variants.contains(&part.bytes) {
            variants.push(part.bytes.clone());
        }
    }

    /// Returns the records, or why they are none, with their numbers and the logbook that they say they belong to.
    pub fn records(&self) -> Vec<(LogId, Option<u32>, Result<Entry, StubError>)> {
        let mut out = Vec::new();
        for ((log, seq, parts), have) in &self.records {
            let record = joined(have, *parts).and_then(|entry| match seq {
                None if log_id(entry.line.as_bytes()) != *log => {
                    Err(StubError::Content("a loose record that is another one".to_owned()))
                }
                _ => Ok(entry),
            });
            out.push((*log, *seq, record));
        }
        out
    }
}

fn joined(have: &Parts, parts: u8) -> Result<Entry, StubError> {
    if have.len() < usize::from(parts) {
        return Err(StubError::Parts { have: have.len(), parts });
    }
    if have.values().any(|variants| variants.len() > 1) {
        return Err(StubError::Twice);
    }
    let bytes: Vec<u8> = have.values().flatten().flatten().copied().collect();
    inflate(&bytes)
}

fn inflate(bytes: &[u8]) -> Result<Entry, StubError> {
    let line = decompress_to_vec_with_limit(bytes, MAX_LINE)
        .map_err(|e| StubError::Content(e.to_string()))?;
    Entry::read(&line).map_err(StubError::Content)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn entry(seq: u64, note: &str) -> Entry {
        let line = format!(
            "{{\"v\":1,\"seq\":{seq},\"prev\":\"{}\",\"event\":\"NOTIFY\",\"at\":\"2026-11-24T04:02:11Z\",\
             \"clock\":\"system\",\"tz\":\"+01:00\",\"method\":\"m\",\"to\":\"all\",\
             \"program\":{{\"version\":\"0\",\"sha256\":\"unknown\"}},\"note\":\"{note}\"}}",
            "0".repeat(64)
        );
        Entry::read(line.as_bytes()).unwrap()
    }

    /// What deflate cannot shrink, so that it takes several codes.
    fn noise() -> String {
        (0..40_u8).map(|i| crate::logbook::hex(&sha256(&[&[i]]))).collect()
    }

    #[test]
    fn strips_make_the_same_bytes_again() {
        let entries = [entry(1, "short"), entry(2, &noise())];
        let mut strips = Strips::default();
        let parts: Vec<RecordPart> =
            entries.iter().flat_map(|entry| cut(entry, [7; 8]).unwrap()).collect();
        assert!(parts.len() > 2);
        for part in parts.iter().rev().chain(&parts) {
            strips.add(part);
        }
        let lines: Vec<String> =
            strips.records().into_iter().map(|(_, _, entry)| entry.unwrap().line).collect();
        assert_eq!(lines, entries.map(|entry| entry.line));
    }

    #[test]
    fn what_is_missing_or_doubled_is_said() {
        let parts = cut(&entry(2, &noise()), [7; 8]).unwrap();
        let mut strips = Strips::default();
        strips.add(&parts[0]);
        let error = strips.records()[0].2.clone().unwrap_err();
        assert!(matches!(error, StubError::Parts { have: 1, .. }));
        let other = RecordPart { bytes: vec![1, 2, 3], ..parts[0].clone() };
        parts.iter().chain([&other]).for_each(|part| strips.add(part));
        assert_eq!(strips.records()[0].2.clone().unwrap_err(), StubError::Twice);
        let mut strips = Strips::default();
        strips.add(&RecordPart { bytes: vec![0xff; 40], parts: 1, ..parts[0].clone() });
        assert!(matches!(strips.records()[0].2, Err(StubError::Content(_))));
    }
}
