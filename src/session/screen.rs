//! What a session's terminal shows now, as far as something of ours has to fit in.

use super::escapes::Escapes;

/// So much of what was shown last is kept: a prompt, an escape sequence.
const TAIL: usize = 512;

/// The longest beginning of a switch that two chunks can share.
const SWITCH: usize = "\x1b[?1049".len();

/// Follows what is shown.
#[derive(Default)]
pub(super) struct Screen {
    tail: Vec<u8>,
    /// Whether a full-screen program has the screen.
    is_other: bool,
}

impl Screen {
    /// Goes on by what was shown.
    pub(super) fn follow(&mut self, shown: &[u8]) {
        // a switch may have begun in what came before
        let border = self.tail.len().saturating_sub(SWITCH);
        let (first, rest) = shown.split_at(shown.len().min(SWITCH));
        self.tail.extend_from_slice(first);
        let switch = last_switch(shown).or_else(|| last_switch(&self.tail[border..]));
        self.is_other = switch.unwrap_or(self.is_other);
        self.tail.extend_from_slice(&rest[rest.len().saturating_sub(TAIL)..]);
        let old = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..old);
    }

    /// Says whether a full-screen program has the screen.
    pub(super) fn is_other(&self) -> bool {
        self.is_other
    }

    /// Returns the end of what was shown, up to some hundred bytes.
    pub(super) fn tail(&self) -> &[u8] {
        &self.tail
    }

    /// Says whether the last that was shown is the end of a line.
    pub(super) fn is_at_line_end(&self) -> bool {
        self.tail.ends_with(b"\n")
    }

    /// Says whether what was shown last has not left the terminal in the middle of a sequence.
    pub(super) fn is_at_rest(&self) -> bool {
        let Some(from) = memchr::memchr(0x1b, &self.tail) else { return true };
        let mut escapes = Escapes::default();
        for byte in &self.tail[from..] {
            escapes.is_text(*byte);
        }
        escapes.is_at_rest()
    }

    /// Returns words for the terminal: a line of its own, or the first row of a full-screen program.
    pub(super) fn says(&self, words: &str) -> Vec<u8> {
        let text = if self.is_other {
            format!("\x1b7\x1b[1;1H\x1b[7m {words} \x1b[0m\x1b8\x07")
        } else {
            format!("\r\n\x1b[7m {words} \x1b[0m\x07\r\n")
        };
        text.into_bytes()
    }

    /// Has the terminal keep the title that it has (XTWINOPS, where it knows that).
    pub(super) const KEEP_TITLE: &str = "\x1b[22;2t";

    /// Returns what makes the terminal usable again: full-screen programs leave much behind when they are killed. Our title
    /// goes, and the one before it comes back.
    pub(super) fn end(&self) -> Vec<u8> {
        let screen = if self.is_other { "\x1b[?1049l" } else { "" };
        let mouse = "\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l";
        // the region in which it scrolls; that moves the cursor
        let region = "\x1b7\x1b[r\x1b8";
        format!("{screen}{mouse}{region}\x1b[?25h\x1b[0m\x1b]2;\x07\x1b[23;2t").into_bytes()
    }
}

/// Returns to which screen bytes switch last: whether to the other one.
fn last_switch(bytes: &[u8]) -> Option<bool> {
    memchr::memrchr_iter(0x1b, bytes).find_map(|at| {
        ["[?1049", "[?1047", "[?47"].iter().find_map(|mode| {
            match bytes[at + 1..].strip_prefix(mode.as_bytes())? {
                [b'h', ..] => Some(true),
                [b'l', ..] => Some(false),
                _ => None,
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_are_seen_wherever_chunks_end() {
        let stream = b"a\x1b[?1049h vi \x1b[?1049l$ \x1b[31mless\x1b[?47h";
        for size in 1..stream.len() {
            let mut screen = Screen::default();
            let mut seen = Vec::new();
            for chunk in stream.chunks(size) {
                screen.follow(chunk);
                seen.push(screen.is_other);
            }
            assert_eq!(screen.tail(), stream);
            assert!(screen.is_other && screen.is_at_rest());
            seen.dedup();
            assert!(size > 8 || seen == [false, true, false, true], "{size} {seen:?}");
        }
    }

    #[test]
    fn the_tail_is_the_end_of_what_was_shown() {
        let stream: Vec<u8> = (0..4000_u32).map(|n| b'a' + (n % 23) as u8).collect();
        for size in [1, 7, 9, 511, 512, 513, 519, 520, 521, 3000] {
            let mut screen = Screen::default();
            stream.chunks(size).for_each(|chunk| screen.follow(chunk));
            assert_eq!(screen.tail(), &stream[stream.len() - TAIL..], "{size}");
        }
    }

    #[test]
    fn in_a_sequence_nothing_is_said() {
        let mut screen = Screen::default();
        for (shown, rests, ends) in
            [("$ ", true, false), ("\x1b[3", false, false), ("1mred\n", true, true)]
        {
            screen.follow(shown.as_bytes());
            assert_eq!((screen.is_at_rest(), screen.is_at_line_end()), (rests, ends));
        }
    }
}
