//! Takes the credential out of a stream before it is recorded, whatever the chunks and wherever a line was broken.

use super::escapes::Escapes;
use super::index::{Pieces, Place};

/// Most bytes that are held back while they may still become a piece of the credential.
const MOST_HELD: usize = 4096;

/// What stands for one character of the credential.
const BLOCK: &str = "█";

/// One direction of a terminal's stream.
#[derive(Default)]
pub struct Redactor {
    escapes: Escapes,
    place: Place,
    /// A byte that belongs to the break of a line when what moves the terminal follows it.
    doubtful: Option<usize>,
    /// The text before this.
    last: u8,
    /// What was not given out yet.
    held: Vec<u8>,
    /// Which of that is to be taken out.
    marks: Vec<bool>,
    /// Where in it the bytes of the present piece are, oldest first.
    piece: Vec<usize>,
    /// Up to here in what is held every byte is looked at: three bytes that may be in a piece are not far.
    slow_until: usize,
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
        let start = self.held.len();
        self.slow_until += start;
        self.held.extend_from_slice(chunk);
        self.marks.resize(self.held.len(), false);
        let mut at = start;
        while at < self.held.len() {
            if self.can_skip(pieces, at) {
                self.place = Place::default();
                self.piece.clear();
                self.found = false;
            } else {
                self.look_at(pieces, at);
            }
            at += 1;
        }
        // of the next chunk
        self.slow_until = self.slow_until.saturating_sub(at);
        let undecided = self.piece.iter().copied().find(|at| !self.marks[*at]);
        let until = [undecided, self.doubtful].into_iter().flatten().min();
        match until {
            Some(until) if self.held.len() - until < MOST_HELD => self.give(until, out),
            Some(_) => self.release(pieces, out),
            None => self.give(self.held.len(), out),
        }
    }

    /// Appends what is still held back: nothing more comes.
    pub fn flush(&mut self, out: &mut Vec<u8>) {
        self.place = Place::default();
        self.piece.clear();
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

    /// Says whether no piece can hold the byte at `at`: none of the three bytes around it are in one. Most of what is shown is
    /// passed over like that.
    #[inline]
    fn can_skip(&mut self, pieces: &Pieces, at: usize) -> bool {
        let may_hold = match self.held.get(at..at + 4) {
            Some(&[a, b, c, d]) if [a, b, c].iter().all(|byte| *byte >= b' ' && *byte != 0x7f) => {
                // a space before a carriage return may be none
                c == b' ' && d == b'\r' || pieces.may_hold([a, b, c])
            }
            _ => true,
        };
        if may_hold {
            self.slow_until = at + 3;
        }
        at >= self.slow_until
            && self.place.length() < 3
            && self.doubtful.is_none()
            && self.escapes.is_at_rest()
    }

    /// Goes on by one byte.
    fn look_at(&mut self, pieces: &Pieces, at: usize) {
        let byte = self.held[at];
        let is_text = self.escapes.is_text(byte);
        if let Some(doubtful) = self.doubtful.take()
            && !self.breaks_a_line(pieces, doubtful, byte, is_text)
        {
            self.step(pieces, doubtful);
        }
        if !is_text {
            return;
        }
        let again =
            self.place.length() > 0 && self.last == byte && !pieces.goes_on(self.place, byte);
        if byte == b' ' || again {
            self.doubtful = Some(at);
        } else {
            self.step(pieces, at);
        }
    }

    /// Says whether a byte is how programs make a terminal wrap: readline writes a space and a carriage return, vim the last
    /// sign of a row once more, and then moves.
    fn breaks_a_line(&self, pieces: &Pieces, doubtful: usize, next: u8, is_text: bool) -> bool {
        match self.held[doubtful] {
            b' ' => next == b'\r' && !pieces.goes_on(self.place, b' '),
            _ => !is_text,
        }
    }

    fn step(&mut self, pieces: &Pieces, at: usize) {
        self.last = self.held[at];
        self.place = pieces.step(self.place, self.held[at]);
        let length = self.place.length();
        self.piece.push(at);
        // what has been given out already is not in the list any more
        let gone = self.piece.len().saturating_sub(length);
        self.piece.drain(..gone);
        let found = pieces.is_piece(self.place);
        if found {
            self.places += u64::from(!self.found);
            // what is marked already is at the front
            for at in self.piece.iter().rev() {
                if std::mem::replace(&mut self.marks[*at], true) {
                    break;
                }
            }
        }
        self.found = found;
    }

    /// Gives out the first bytes of what is held: as they are, and a block for each character of the credential.
    fn give(&mut self, until: usize, out: &mut Vec<u8>) {
        for (byte, marked) in self.held.drain(..until).zip(self.marks.drain(..until)) {
            match marked {
                false => out.push(byte),
                true if byte & 0xc0 == 0x80 => {}
                true => out.extend_from_slice(BLOCK.as_bytes()),
            }
        }
        self.piece.retain(|at| *at >= until);
        self.piece.iter_mut().for_each(|at| *at -= until);
        self.doubtful = self.doubtful.map(|at| at - until);
    }
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
    fn words_of_several_bytes_and_with_spaces() {
        let pieces = pieces(&["größe ist zwölf mal vier"]);
        let (out, _) = redacted(&pieces, "a größe ist zwölf mal vier b".as_bytes(), 1);
        assert_eq!(out, format!("a {} b", BLOCK.repeat(24)));
        let (out, _) = redacted(&pieces, "a größe ist \rzwölf mal vier b".as_bytes(), 4);
        assert!(!out.contains("größe") && !out.contains("vier"), "{out}");
    }

    proptest! {
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
