//! Takes the credential out of a stream before it is recorded, whatever the chunks and wherever a line was broken.

use std::collections::BTreeSet;

use super::escapes::Escapes;
use super::index::{Pieces, Place};
use super::values::SHORTEST;

/// Most bytes that are held back while they may still become a piece of the credential.
const MOST_HELD: usize = 4096;

/// What stands for one character of the credential.
const BLOCK: &str = "█";

/// Where every third three bytes are looked at, five bytes of a piece can go unnoticed: no form may be so short.
const _: () = assert!(SHORTEST > 5);

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

/// Returns from where on bytes have to be looked at one by one, and up to where at least; most of what is shown is passed over
/// like that. What ends it is three bytes that may be in a piece, and what moves the terminal where less than four bytes that
/// may not be are behind it.
///
/// No piece is lost by it: of one that ends at what moves the terminal at most two bytes are passed over, for three of it would
/// have been asked for, and at most two behind; before `at` two more may have been (`is_in_nothing`), but then there is no
/// text between. [`SHORTEST`] is more than that.
fn skip(pieces: &Pieces, held: &[u8], at: usize) -> (usize, usize) {
    let may_hold = |at: usize| pieces.may_hold([held[at], held[at + 1], held[at + 2]]);
    let mut start = at;
    loop {
        let (threes, _) = held[start..].as_chunks::<3>();
        let passed =
            threes.iter().take_while(|three| is_plain(**three) && !pieces.may_hold(**three));
        let end = start + 3 * passed.count();
        let rest = held[end..].iter().take(2).take_while(|byte| is_plain([**byte; 3]));
        let moves = end + rest.count();
        // a break may take a sign with it, and before that two may be of a piece that nothing tells of yet
        let mut from = moves.saturating_sub(3).min(end.saturating_sub(2)).max(start);
        let two = from;
        while from > start && may_hold(from - 1) {
            from -= 1;
        }
        // of three bytes the last may be the sign, and the others the middle of a piece
        let is_alone = from == two && (moves == at || moves > start + 3 && !may_hold(moves - 3));
        let next = behind(held, moves);
        // a fourth, so that the third is no sign of the next break
        let text = held.get(next..next + 4).filter(|_| is_alone && next > moves);
        let text = text.filter(|text| text.iter().all(|byte| is_plain([*byte; 3])));
        if text.is_none() || may_hold(next) {
            return (from, next);
        }
        start = next;
    }
}

/// Returns where text goes on behind what moves the terminal; the words of a title are no text here.
fn behind(held: &[u8], at: usize) -> usize {
    let mut escapes = Escapes::default();
    for (next, byte) in held.iter().enumerate().skip(at) {
        let rests = escapes.is_at_rest();
        if escapes.is_text(*byte) {
            // before a title nothing is passed over
            return if rests { next } else { at };
        }
    }
    held.len()
}

/// Says whether three bytes are text.
#[inline]
fn is_plain(three: [u8; 3]) -> bool {
    const HIGH: u32 = 0x80_8080;
    let all = u32::from_le_bytes([three[0], three[1], three[2], 0]);
    // Anderson, Bit Twiddling Hacks: is a byte less than 0x20, or 0x7f?
    let low = all.wrapping_sub(0x20_2020) & !all;
    let other = all ^ 0x7f_7f7f;
    (low | (other.wrapping_sub(0x01_0101) & !other)) & HIGH == 0
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;
    use crate::session::values::forms;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

    const BREAKS: [&str; 21] = [
        "",
        "",
        " \r",
        "\r\n",
        "\x1b[K",
        "Q\x1b[3;1H",
        "x",
        "of",
        ". ",
        "log: ",
        " ",
        "a line of a log without any of it\r\n",
        "\t",
        "\r",
        " \x1b[K\r",
        "ö",
        "\x1b]0;a title\x07",
        "\x1b[3\x18",
        "\x08 \x08",
        "b\x1b[2;1H",
        " \x1b[2;1H",
    ];

    fn pieces(values: &[&str]) -> Pieces {
        let all: Vec<_> = values.iter().flat_map(|value| forms(value.as_bytes())).collect();
        Pieces::of(&all)
    }

    fn redacted(pieces: &Pieces, text: &[u8], size: usize) -> (String, u64) {
        let (mut redactor, mut out) = (Redactor::default(), Vec::new());
        for chunk in text.chunks(size) {
            redactor.take(pieces, chunk, &mut out);
        }
        redactor.flush(&mut out);
        (String::from_utf8(out).unwrap(), redactor.places())
    }

    #[test]
    fn whole_wrapped_encoded_and_in_any_chunks() {
        let pieces = pieces(&[SECRET]);
        let wrap = |columns: usize, with: &str| {
            let signs: Vec<char> = SECRET.chars().collect();
            signs.chunks(columns).map(String::from_iter).collect::<Vec<_>>().join(with)
        };
        let base64 = "aGVsbG86d0phbHJYVXRuRkVNSS9LN01ERU5HL2JQeFJmaUNZRVhBTVBMRUtFWQ==";
        for shown in [
            SECRET.to_owned(),
            wrap(9, " \r"),
            wrap(13, "\r\n"),
            wrap(5, "\x1b[K\r\n\x1b[32m"),
            // vim at the end of a row
            format!("{}{}\x1b[3;1H{}", &SECRET[..19], &SECRET[18..19], &SECRET[19..]),
            base64.to_owned(),
            SECRET.replace('/', "%2F"),
            crate::logbook::hex(SECRET.as_bytes()),
        ] {
            let text = format!("$ export KEY={shown} \r\ndone $ ");
            for size in [1, 2, 7, 40, 1000] {
                let (out, places) = redacted(&pieces, text.as_bytes(), size);
                assert!(out.starts_with("$ export KEY=") && out.ends_with(" \r\ndone $ "), "{out}");
                assert!(out.contains(BLOCK) && places == 1, "{size} {places} {out}");
                let left = &out["$ export KEY=".len()..out.len() - " \r\ndone $ ".len()];
                let mut escapes = Escapes::default();
                let left = left.bytes().filter(|b| escapes.is_text(*b) && b.is_ascii_graphic());
                assert!(left.count() < 12, "{size} {out}");
                if size == 1000 && shown == SECRET {
                    assert_eq!(out.matches(BLOCK).count(), SECRET.len());
                }
            }
        }
    }

    /// A sign that programs repeat where they wrap, or that the credential has twice.
    #[test]
    fn what_may_be_a_break_or_of_the_credential_is_followed_as_both() {
        for (secret, shown) in [
            ("access-1", "acc\x1b[3;1Hcess-1"),
            ("access-1", "acc\x1b[3;1Hess-1"),
            ("ab cd ef", "ab  \x1b[2;1Hcd ef"),
            ("ab cd ef", "ab \x1b[2;1Hcd ef"),
            ("hunter", "hunt \x1b[K\rer"),
            ("hunt er2", "hunt \x1b[32mer2"),
        ] {
            let pieces = pieces(&[secret]);
            for size in 1..=shown.len() {
                let (out, places) = redacted(&pieces, shown.as_bytes(), size);
                assert_eq!(
                    (places, out.matches(BLOCK).count()),
                    (1, secret.len()),
                    "{size} {out:?}"
                );
            }
        }
    }

    #[test]
    fn a_part_is_enough_and_what_only_begins_alike_is_kept() {
        let pieces = pieces(&[SECRET]);
        let (out, _) = redacted(&pieces, format!("x {}", &SECRET[..20]).as_bytes(), 3);
        assert_eq!(out, format!("x {}", BLOCK.repeat(20)));
        let kept = format!("{} {} wJal rXUt", &SECRET[..8], &SECRET[20..31]);
        assert_eq!(redacted(&pieces, kept.as_bytes(), 2), (kept, 0));
    }

    /// At most eleven signs are seen of what comes in two halves with a pause between them.
    #[test]
    fn what_is_given_out_in_a_pause_still_counts() {
        let pieces = pieces(&[SECRET]);
        let (mut redactor, mut out) = (Redactor::default(), Vec::new());
        redactor.take(&pieces, &SECRET.as_bytes()[..10], &mut out);
        assert_eq!(out, b"");
        redactor.release(&pieces, &mut out);
        redactor.take(&pieces, &SECRET.as_bytes()[10..], &mut out);
        redactor.flush(&mut out);
        let rest = BLOCK.repeat(SECRET.len() - 10);
        assert_eq!(String::from_utf8(out).unwrap(), format!("{}{rest}", &SECRET[..10]));
    }

    #[test]
    fn text_is_told_from_what_moves() {
        for byte in 0..=u8::MAX {
            let expected = byte >= b' ' && byte != 0x7f;
            for three in [[byte, b'a', b'~'], [b' ', byte, 0xff], [0x80, b'Z', byte]] {
                assert_eq!(is_plain(three), expected, "{three:?}");
            }
        }
    }

    #[test]
    fn words_of_several_bytes_and_with_spaces() {
        let pieces = pieces(&["größe ist zwölf mal vier"]);
        let (out, _) = redacted(&pieces, "a größe ist zwölf mal vier b".as_bytes(), 1);
        assert_eq!(out, format!("a {} b", BLOCK.repeat(24)));
        let (out, _) = redacted(&pieces, "a größe ist \rzwölf mal vier b".as_bytes(), 4);
        assert!(!out.contains("größe") && !out.contains("vier"), "{out}");
    }

    proptest! {
        /// What is passed over makes no difference to looking at every byte.
        #[test]
        fn passing_over_changes_nothing(
            parts in proptest::collection::vec((0..21_usize, 0..40_usize, 0..20_usize), 1..60),
            size in 1_usize..200,
        ) {
            for secret in [SECRET, "hunter", "ab ab ab"] {
                let pieces = pieces(&[secret]);
                let mut text = String::new();
                for (between, from, length) in &parts {
                    let from = from % secret.len();
                    text.push_str(&secret[from..(from + length).min(secret.len())]);
                    text.push_str(BREAKS[*between]);
                }
                let fast = redacted(&pieces, text.as_bytes(), size);
                let slow = redacted(&pieces.without_shortcut(), text.as_bytes(), size);
                prop_assert_eq!(fast, slow, "{:?}", text);
            }
        }

        /// Nothing is lost, whatever comes: without a secret in it the text is what it was.
        #[test]
        fn what_is_no_secret_comes_through(text in proptest::collection::vec(any::<u8>(), 0..600), size in 1_usize..50) {
            let pieces = pieces(&["Q!Q!Q!Q!Q!Q!Q!Q!Q!Q!Q!Q!Q!Q!"]);
            let (mut redactor, mut out) = (Redactor::default(), Vec::new());
            for chunk in text.chunks(size) {
                redactor.take(&pieces, chunk, &mut out);
            }
            redactor.flush(&mut out);
            prop_assert_eq!(out, text);
        }

        /// No piece of twelve signs comes through, whatever breaks it, stands around it and however it is cut; and where no sign of
        /// the secret is, nothing is taken out.
        #[test]
        fn no_piece_comes_through(
            parts in proptest::collection::vec((0..6_usize, 0..40_usize, 1..41_usize), 1..40),
            size in 1_usize..60,
        ) {
            let pieces = pieces(&[SECRET]);
            let breaks = [" \r", "\r\n", "\x1b[K", "\x1b[3;1H", ". ", "log: "];
            let mut text = String::new();
            for (between, from, length) in parts {
                text.push_str(&SECRET[from..(from + length).min(SECRET.len())]);
                text.push_str(breaks[between]);
            }
            let (out, _) = redacted(&pieces, text.as_bytes(), size);
            let mut escapes = Escapes::default();
            let shown: Vec<u8> = out.replace(" \r", "").bytes().filter(|b| escapes.is_text(*b)).collect();
            let shown = String::from_utf8_lossy(&shown).into_owned();
            for from in 0..=SECRET.len() - 12 {
                prop_assert!(!shown.contains(&SECRET[from..from + 12]), "{} in {:?} of {:?}", &SECRET[from..from + 12], shown, text);
            }
            let others = |text: &str| text.matches("log: ").count();
            prop_assert_eq!(others(&out), others(&text));
        }

        /// The secret never comes through, whatever stands around it and however it is cut.
        #[test]
        fn a_secret_never_comes_through(before in ".{0,30}", after in ".{0,30}", cuts in proptest::collection::vec(1_usize..20, 1..40)) {
            let pieces = pieces(&[SECRET]);
            let text = format!("{before}{SECRET}{after}");
            let (mut redactor, mut out) = (Redactor::default(), Vec::new());
            let (mut rest, mut cuts) = (text.as_bytes(), cuts.iter().cycle());
            while !rest.is_empty() {
                let (chunk, more) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
                redactor.take(&pieces, chunk, &mut out);
                rest = more;
            }
            redactor.flush(&mut out);
            let shown = String::from_utf8(out).unwrap();
            prop_assert!(!shown.contains(&SECRET[..16]) && !shown.contains(&SECRET[24..]), "{}", shown);
        }
    }
}
