//! Which pieces of text are pieces of a secret: a suffix automaton over every form of every value.
//!
//! Blumer et al., "The smallest automaton recognizing the subwords of a text" (1985), here over several texts. It knows, after
//! each byte, the longest piece that ends there and is a piece of some form, in constant time and memory; so a secret is
//! found that comes in small chunks, is shown in part, or begins in one line and goes on in the next.

use zeroize::Zeroizing;

/// So many bytes of a secret, one after the other, are taken for a piece of it.
pub const PIECE: usize = 12;

/// No text is a piece of a secret by accident of fewer bytes than this.
const NEVER: u8 = u8::MAX;

#[derive(Clone, Debug)]
struct State {
    /// Length of the longest text of this state.
    longest: u32,
    /// State of the longest suffix that is in another state.
    link: u32,
    /// How long a piece has to be.
    enough: u8,
    next: Vec<(u8, u32)>,
}

impl State {
    fn to(&self, byte: u8) -> Option<u32> {
        self.next.iter().find(|(known, _)| *known == byte).map(|(_, state)| *state)
    }

    fn set(&mut self, byte: u8, state: u32) {
        match self.next.iter_mut().find(|(known, _)| *known == byte) {
            Some((_, known)) => *known = state,
            None => self.next.push((byte, state)),
        }
    }
}

/// The automaton.
pub struct Pieces {
    states: Vec<State>,
    /// Where the first byte of a piece leads; 0: nowhere.
    first: Box<[u32; 256]>,
    /// A bit for each hash of three bytes that follow each other in a piece.
    threes: Box<[u64; 1024]>,
}

/// Returns the place of three bytes among the bits.
#[inline]
fn three(bytes: [u8; 3]) -> (usize, u64) {
    let packed = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]);
    // Knuth, The Art of Computer Programming 3, §6.4: multiplicative hashing
    let hash = packed.wrapping_mul(0x9e37_79b1) >> 16;
    ((hash >> 6) as usize, 1 << (hash & 63))
}

/// Where a reader is: the longest piece that ends here.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place {
    state: u32,
    length: u32,
}

impl Place {
    /// Returns the length of that piece, bytes.
    pub fn length(self) -> usize {
        self.length as usize
    }
}

impl Pieces {
    /// Takes every text that is looked for.
    pub fn of(texts: &[Zeroizing<Vec<u8>>]) -> Self {
        let root = State { longest: 0, link: 0, enough: NEVER, next: Vec::new() };
        let mut pieces =
            Self { states: vec![root], first: Box::new([0; 256]), threes: Box::new([0; 1024]) };
        for text in texts {
            let mut last = 0;
            for byte in text.iter() {
                last = pieces.extend(last, *byte);
            }
        }
        for text in texts {
            pieces.mark(text);
        }
        for bytes in texts.iter().flat_map(|text| text.windows(3)) {
            let (word, bit) = three([bytes[0], bytes[1], bytes[2]]);
            pieces.threes[word] |= bit;
        }
        for (byte, state) in &pieces.states[0].next {
            pieces.first[usize::from(*byte)] = *state;
        }
        pieces
    }

    /// Says whether there is anything to look for.
    pub fn is_empty(&self) -> bool {
        self.states.len() == 1
    }

    fn push(&mut self, state: State) -> u32 {
        self.states.push(state);
        u32::try_from(self.states.len() - 1).unwrap_or(0)
    }

    /// Adds a byte behind the text of `last`, and returns the state of both.
    fn extend(&mut self, last: u32, byte: u8) -> u32 {
        if let Some(next) = self.states[last as usize].to(byte) {
            return self.split(last, byte, next);
        }
        let longest = self.states[last as usize].longest + 1;
        let new = self.push(State { longest, link: 0, enough: NEVER, next: Vec::new() });
        let mut at = last;
        loop {
            match self.states[at as usize].to(byte) {
                Some(next) => {
                    self.states[new as usize].link = self.split(at, byte, next);
                    return new;
                }
                None => self.states[at as usize].set(byte, new),
            }
            if at == 0 {
                return new;
            }
            at = self.states[at as usize].link;
        }
    }

    /// Returns a state whose longest text is that of `from` and the byte: `to`, or a copy of it for the shorter texts.
    fn split(&mut self, from: u32, byte: u8, to: u32) -> u32 {
        let longest = self.states[from as usize].longest + 1;
        if self.states[to as usize].longest == longest {
            return to;
        }
        let mut copy = self.states[to as usize].clone();
        copy.longest = longest;
        let copy = self.push(copy);
        self.states[to as usize].link = copy;
        let mut at = from;
        while self.states[at as usize].to(byte) == Some(to) {
            self.states[at as usize].set(byte, copy);
            if at == 0 {
                break;
            }
            at = self.states[at as usize].link;
        }
        copy
    }

    /// Notes for every piece of a text how long one has to be: all of a short text, [`PIECE`] bytes of a long one.
    fn mark(&mut self, text: &[u8]) {
        let enough = u8::try_from(text.len().min(PIECE)).unwrap_or(NEVER);
        let mut state = 0;
        for byte in text {
            state = self.states[state as usize].to(*byte).unwrap_or(0);
            let mut at = state;
            while at != 0 && self.states[at as usize].enough > enough {
                self.states[at as usize].enough = enough;
                at = self.states[at as usize].link;
            }
        }
    }

    /// Says whether three bytes may be in a piece; no piece is shorter.
    #[inline]
    pub fn may_hold(&self, bytes: [u8; 3]) -> bool {
        let (word, bit) = three(bytes);
        self.threes[word] & bit != 0
    }

    /// Goes on by one byte.
    #[inline]
    pub fn step(&self, place: Place, byte: u8) -> Place {
        let Place { mut state, mut length } = place;
        loop {
            if state == 0 {
                let state = self.first[usize::from(byte)];
                return Place { state, length: u32::from(state != 0) };
            }
            let here = &self.states[state as usize];
            if let Some(next) = here.to(byte) {
                return Place { state: next, length: length + 1 };
            }
            state = here.link;
            length = self.states[state as usize].longest;
        }
    }

    /// Takes every three bytes for some that may be in a piece.
    #[cfg(test)]
    #[must_use]
    pub fn without_shortcut(mut self) -> Self {
        self.threes.fill(u64::MAX);
        self
    }

    /// Says whether the piece that ends here goes on with a byte.
    pub fn goes_on(&self, place: Place, byte: u8) -> bool {
        self.states[place.state as usize].to(byte).is_some()
    }

    /// Says whether what ends here is long enough to be a piece of a secret, and no accident.
    #[inline]
    pub fn is_piece(&self, place: Place) -> bool {
        place.state != 0 && place.length >= u32::from(self.states[place.state as usize].enough)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(texts: &[&str]) -> Pieces {
        let texts: Vec<_> = texts.iter().map(|t| Zeroizing::new(t.as_bytes().to_vec())).collect();
        Pieces::of(&texts)
    }

    /// The length after each byte is what looking at every piece says.
    fn lengths_by_hand(texts: &[&str], read: &str) -> Vec<usize> {
        (1..=read.len())
            .map(|end| {
                let mut starts = 0..=end;
                let start = starts.find(|s| texts.iter().any(|t| t.contains(&read[*s..end])));
                end - start.unwrap_or(end)
            })
            .collect()
    }

    #[test]
    fn it_knows_the_longest_piece_after_each_byte() {
        for (texts, read) in [
            (&["abcbc"][..], "xabcbcabcbbc"),
            (&["aabab", "abba"], "abbaabababbabab"),
            (&["aaaa", "baab"], "baaabaabaaaab"),
            (&["wJalrXUtnFEMI", "XUtn", "nFE"], "FEMIwJalrXUtnXUtnFEnFEMI"),
        ] {
            let pieces = pieces(texts);
            let mut place = Place::default();
            let lengths: Vec<usize> = read
                .bytes()
                .map(|byte| {
                    place = pieces.step(place, byte);
                    place.length()
                })
                .collect();
            assert_eq!(lengths, lengths_by_hand(texts, read), "{texts:?} {read}");
        }
    }

    #[test]
    fn all_of_a_short_text_or_twelve_bytes_of_a_long_one() {
        let pieces = pieces(&["hunter2", "abcdefghijklmnopqrst"]);
        let found = |text: &str| {
            let mut place = Place::default();
            text.bytes().any(|byte| {
                place = pieces.step(place, byte);
                pieces.is_piece(place)
            })
        };
        assert!(found("xhunter2x") && !found("hunter") && !found("unter2"));
        assert!(found("efghijklmnop") && !found("efghijklmno-"));
    }
}
