//! Which bytes of a terminal's stream are text, and which only move it.
//!
//! ECMA-48 control sequences, as far as one has to know them to pass over them.

/// Where in a control sequence a stream is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Escapes(Within);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Within {
    #[default]
    Text,
    /// Behind ESC.
    Escape,
    /// Behind ESC and a byte that takes one more.
    OneMore,
    /// In a control sequence, up to its last byte.
    Control,
    /// In a text for the terminal itself (a title), up to BEL or ST.
    Words,
    /// Behind an ESC in there.
    WordsEscape,
}

impl Escapes {
    /// Goes on by one byte and says whether it is text: shown, or in a title.
    #[inline]
    pub fn is_text(&mut self, byte: u8) -> bool {
        let printable = byte >= b' ';
        let (next, text) = match (self.0, byte) {
            (Within::Words, 0x1b) => (Within::WordsEscape, false),
            (Within::Words, 0x07) | (Within::WordsEscape, b'\\') => (Within::Text, false),
            (Within::Words | Within::WordsEscape, _) => (Within::Words, printable),
            (_, 0x1b) => (Within::Escape, false),
            (Within::Escape, b'[') => (Within::Control, false),
            (Within::Escape, b']' | b'P' | b'X' | b'^' | b'_') => (Within::Words, false),
            // a character set, or what an arrow key sends
            (Within::Escape, b' '..=b'/' | b'N' | b'O') => (Within::OneMore, false),
            // CAN and SUB break a sequence off
            (Within::Escape | Within::OneMore, _)
            | (Within::Control, 0x18 | 0x1a | 0x40..=0x7e) => (Within::Text, false),
            (Within::Control, _) => (Within::Control, false),
            (Within::Text, _) => (Within::Text, printable && byte != 0x7f),
        };
        self.0 = next;
        text
    }

    /// Says whether the stream is in no sequence.
    pub fn is_at_rest(self) -> bool {
        self.0 == Within::Text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(stream: &str) -> String {
        let mut escapes = Escapes::default();
        let bytes: Vec<u8> = stream.bytes().filter(|byte| escapes.is_text(*byte)).collect();
        assert!(escapes.is_at_rest(), "{stream:?}");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    #[test]
    fn what_moves_is_passed_over() {
        assert_eq!(text("a\x1b[1;31mb\x1b[Kc\r\n"), "abc");
        assert_eq!(text("\x1b(Ba\x1b=b\x1b7c\x08\x7f"), "abc");
        assert_eq!(text("\x1b]2;ti\x07a\x1b]0;tle\x1b\\b"), "2;tia0;tleb");
        assert_eq!(text("ä\x1b[?2004h€"), "ä€");
    }
}
