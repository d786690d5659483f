//! Takes the credential out of a stream before it is recorded, whatever the chunks and wherever a line was broken.

mod skip;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use self::skip::skip;
use super::escapes::Escapes;
use super::index::{Pieces, Place};

/// Most bytes that are held back while they may still become a piece of the credential.
const MOST_HELD: usize = 4096;

/// What stands for one character of the credential.
const BLOCK: &str = "█";

/// One reading of the stream: the longest piece that ends with the last text of it.
#[derive(Clone, Default)]
struct Reading {
    place: Place,
    /// Where in what is held the bytes of that piece are, oldest first.
    piece: Vec<usize>,
    /// How many bytes it took since it became one of two.
    since: usize,
}

impl Reading {
    /// Goes on by the byte at a place in what is held.
    fn step(&mut self, pieces: &Pieces, byte: u8, at: usize) {
        self.place = pieces.step(self.place, byte);
        self.since += 1;
        let length = self.place.length();
        if length < 2 {
            self.piece.clear();
        }
        self.piece.push(at);
        // what has been given out already is not in the list any more
        let gone = self.piece.len().saturating_sub(length);
        self.piece.drain(..gone);
    }
}

/// One direction of a terminal's stream.
#[derive(Default)]
pub struct Redactor {
    escapes: Escapes,
    reading: Reading,
    /// The same without a space that was the break of a line, or a sign of the credential.
    other: Option<Reading>,
    /// A byte that belongs to the break of a line when what moves the terminal follows it.
    doubtful: Option<usize>,
    /// The text before this.
    last: u8,
    /// What was not given out yet.
    held: Vec<u8>,
    /// Where in it the bytes are that are taken out.
    marks: BTreeSet<usize>,
    /// Whether the text before this is of a piece that is taken out.
    found: bool,
    places: u64,
}

impl Redactor {
    /// Takes a chunk and appends to `out` what can be given out of what came so far.
    pub fn take(&mut self, pieces: &Pieces, chunk: &[u8], out: &mut Vec<u8>) {
        if pieces.is_empty() {
            out.extend_from_slice(chunk);
            return;
        }
        let mut at = self.held.len();
        self.held.extend_from_slice(chunk);
        // up to here every byte is looked at
        let mut slow = at;
        while at < self.held.len() {
            if at >= slow && self.is_in_nothing() {
                let passed;
                (passed, slow) = skip(pieces, &self.held, at);
                if passed > at {
                    at = passed;
                    self.restart();
                }
            }
            if at < self.held.len() {
                self.look_at(pieces, at);
                at += 1;
            }
        }
        let undecided = |of: &Reading| of.piece.iter().copied().find(|at| !self.marks.contains(at));
        let readings = [undecided(&self.reading), self.other.as_ref().and_then(undecided)];
        let until = readings.into_iter().chain([self.doubtful]).flatten().min();
        match until {
            Some(until) if self.held.len() - until < MOST_HELD => self.give(until, out),
            Some(_) => self.release(pieces, out),
            None => self.give(self.held.len(), out),
        }
    }

    /// Appends what is still held back: nothing more comes.
    pub fn flush(&mut self, out: &mut Vec<u8>) {
        self.restart();
        self.doubtful = None;
        self.give(self.held.len(), out);
    }

    /// Appends what is held back, for nothing has come for a while; what comes later still counts as the rest of a piece.
    pub fn release(&mut self, pieces: &Pieces, out: &mut Vec<u8>) {
        if let Some(doubtful) = self.doubtful.take() {
            self.step(pieces, doubtful);
        }
        self.give(self.held.len(), out);
    }

    /// Returns how many places were taken out.
    pub fn places(&self) -> u64 {
        self.places
    }

    /// Says whether what came last cannot be of a piece, unless the next three bytes are.
    fn is_in_nothing(&self) -> bool {
        self.reading.place.length() < 3
            && self.other.is_none()
            && self.doubtful.is_none()
            && self.escapes.is_at_rest()
    }

    /// Forgets the present piece, which is none.
    fn restart(&mut self) {
        self.reading.place = Place::default();
        self.reading.piece.clear();
        self.other = None;
        self.found = false;
    }

    /// Goes on by one byte.
    fn look_at(&mut self, pieces: &Pieces, at: usize) {
        let byte = self.held[at];
        let is_text = self.escapes.is_text(byte);
        if let Some(doubtful) = self.doubtful.take() {
            self.decide(pieces, doubtful, byte, is_text);
        }
        if !is_text {
            return;
        }
        let is_again = self.reading.place.length() > 0 && self.last == byte;
        if byte == b' ' || is_again {
            self.doubtful = Some(at);
        } else {
            self.step(pieces, at);
        }
    }

    /// Takes a byte for text, or for how programs make a terminal wrap: readline writes a space and a carriage return, vim the
    /// last sign of a row once more, and then moves. Where it may be either, both are followed.
    fn decide(&mut self, pieces: &Pieces, doubtful: usize, next: u8, is_text: bool) {
        let place = self.reading.place;
        let byte = self.held[doubtful];
        let goes_on = pieces.goes_on(place, byte);
        // a space before a colour is one more often than not
        let is_break = !is_text && !goes_on && (byte != b' ' || next == b'\r' || self.last == b' ');
        if is_text || place.length() == 0 {
            self.step(pieces, doubtful);
        } else if !is_break {
            // of more than two readings the last are kept
            let other = Reading { since: 0, ..self.reading.clone() };
            self.other = None;
            self.step(pieces, doubtful);
            self.other = Some(other);
        }
    }

    fn step(&mut self, pieces: &Pieces, at: usize) {
        let byte = self.held[at];
        self.last = byte;
        self.reading.step(pieces, byte, at);
        let mut found = mark(&mut self.marks, pieces, &self.reading);
        if let Some(mut other) = self.other.take() {
            other.step(pieces, byte, at);
            found |= mark(&mut self.marks, pieces, &other);
            // where it has nothing of before it became one of two, it is the same again
            self.other = Some(other).filter(|other| other.place.length() > other.since);
        }
        self.places += u64::from(found && !self.found);
        self.found = found;
    }

    /// Gives out the first bytes of what is held: as they are, and a block for each character of the credential.
    fn give(&mut self, until: usize, out: &mut Vec<u8>) {
        let mut from = 0;
        for at in self.marks.range(..until).copied() {
            out.extend_from_slice(&self.held[from..at]);
            if self.held[at] & 0xc0 != 0x80 {
                out.extend_from_slice(BLOCK.as_bytes());
            }
            from = at + 1;
        }
        out.extend_from_slice(&self.held[from..until]);
        self.held.drain(..until);
        if !self.marks.is_empty() {
            self.marks = self.marks.range(until..).map(|at| at - until).collect();
        }
        for reading in [&mut self.reading].into_iter().chain(&mut self.other) {
            reading.piece.retain(|at| *at >= until);
            reading.piece.iter_mut().for_each(|at| *at -= until);
        }
        self.doubtful = self.doubtful.map(|at| at - until);
    }
}

/// Notes a piece that is taken out, if it is one.
fn mark(marks: &mut BTreeSet<usize>, pieces: &Pieces, reading: &Reading) -> bool {
    let found = pieces.is_piece(reading.place);
    if found {
        marks.extend(&reading.piece);
    }
    found
}

/// Looks for pieces of a secret in a whole text, and calls with the place of each byte at which one was noticed.
pub fn find(pieces: &Pieces, text: &[u8], mut found: impl FnMut(usize)) {
    let mut place = Place::default();
    for (at, byte) in text.iter().enumerate() {
        if matches!(byte, b'\r' | b'\n') {
            continue;
        }
        place = pieces.step(place, *byte);
        if pieces.is_piece(place) {
            found(at);
        }
    }
}
