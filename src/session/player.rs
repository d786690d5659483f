//! What of a recording may be played on somebody's terminal: a recording is written by whoever sat there.

use super::screen::Screen;

/// Lets pass what shows text, colours and movements, and nothing else: no titles and clipboards, no questions that a terminal
/// answers, no modes but those of the screen. What is not known is left out.
#[derive(Default)]
pub struct Harmless {
    within: Within,
    /// A sequence that has begun and is not decided on.
    begun: String,
    screen: Screen,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Within {
    #[default]
    Text,
    /// Behind ESC.
    Escape,
    /// Behind ESC and a byte that takes one more.
    OneMore,
    /// In a control sequence.
    Control,
    /// In a text for the terminal itself.
    Words,
}

/// Longest control sequence that is taken for one.
const LONGEST: usize = 64;

/// Last bytes of control sequences that move, erase, scroll, insert or colour.
const FINALS: &str = "@ABCDEFGHIJKLMPSTXZ`abdefgmr";

/// Modes that may be set and reset: the screens, the cursor, wrapping.
const MODES: [&str; 7] = ["7", "12", "25", "47", "1047", "1048", "1049"];

/// Puts back what a recording may have set, but for the screen, and goes below what it has drawn.
const AFTER: &str = "\x1b[?7h\x1b[?25h\x1b[r\x1b(B\x1b[0m\x1b[999;1H";

impl Harmless {
    /// Takes a chunk and returns what may be played of it.
    pub fn take(&mut self, data: &str) -> Vec<u8> {
        let mut out = String::with_capacity(data.len());
        for sign in data.chars() {
            self.step(sign, &mut out);
        }
        self.screen.follow(out.as_bytes());
        out.into_bytes()
    }

    /// Returns what puts back what the recording has set.
    pub fn after(&self) -> String {
        // a terminal that is not on the other screen would put the cursor somewhere
        let screen = if self.screen.is_other() { "\x1b[?1049l" } else { "" };
        format!("{screen}{AFTER}")
    }

    #[allow(clippy::match_same_arms, reason = "each is a row of the table")]
    fn step(&mut self, sign: char, out: &mut String) {
        self.within = match (self.within, sign) {
            // ESC ends whatever was begun; CAN and SUB do, too
            (_, '\x1b') => {
                self.begun.clear();
                Within::Escape
            }
            (_, '\x18' | '\x1a') | (Within::Words, '\x07') => Within::Text,
            (Within::Words, _) => Within::Words,
            (_, '\x07' | '\x08' | '\t' | '\n' | '\r') => {
                out.push(sign);
                self.within
            }
            // other control characters, and those of eight bits
            (within, '\0'..='\x1f' | '\x7f'..='\u{9f}') => within,
            (Within::Text, _) => {
                out.push(sign);
                Within::Text
            }
            (Within::Escape, '[') => Within::Control,
            (Within::Escape, ']' | 'P' | 'X' | '^' | '_') => Within::Words,
            (Within::Escape, '(' | ')') => {
                self.begun.push(sign);
                Within::OneMore
            }
            (Within::Escape, ' '..='/') => {
                self.begun.push('?');
                Within::OneMore
            }
            (Within::Escape, '7' | '8' | 'D' | 'E' | 'M' | '=' | '>') => {
                out.extend(['\x1b', sign]);
                Within::Text
            }
            (Within::Escape, _) => Within::Text,
            (Within::OneMore, '0' | 'A' | 'B') if self.begun != "?" => {
                out.push('\x1b');
                out.push_str(&self.begun);
                out.push(sign);
                Within::Text
            }
            (Within::OneMore, _) => Within::Text,
            (Within::Control, '@'..='~') => {
                if is_harmless(&self.begun, sign) {
                    out.push_str("\x1b[");
                    out.push_str(&self.begun);
                    out.push(sign);
                }
                Within::Text
            }
            (Within::Control, _) if self.begun.len() < LONGEST => {
                self.begun.push(sign);
                Within::Control
            }
            (Within::Control, _) => Within::Text,
        };
    }
}

fn is_harmless(parameters: &str, last: char) -> bool {
    if let Some(mode) = parameters.strip_prefix('?') {
        return matches!(last, 'h' | 'l') && mode.split(';').all(|mode| MODES.contains(&mode));
    }
    FINALS.contains(last) && parameters.chars().all(|c| matches!(c, '0'..='9' | ';' | ':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_and_movements_pass_and_nothing_that_answers() {
        let played = |chunks: &[&str]| {
            let mut harmless = Harmless::default();
            let bytes: Vec<u8> = chunks.iter().flat_map(|chunk| harmless.take(chunk)).collect();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let fine = "a\x1b[1;31mé\x1b[2J\x1b(B\r\n\x1b[?1049h\x1b[3;1H\x1b[K\x1b7\x1b8\x07\t";
        assert_eq!(played(&[fine]), fine);
        assert_eq!(played(&["a\x1b[1;3", "1mb"]), "a\x1b[1;31mb");
        assert_eq!(played(&["a\x1b]52;c;aGk=\x07b\x1b]0;t\x1b\\c"]), "abc");
        assert_eq!(played(&["a\x1b[6nb\x1b[>cc\x1b[21td\x1bP+q\x1b\\e\x1b[?1$pf"]), "abcdef");
    }

    /// A sequence in the middle of another, broken off, in eight bits, or one that hides what follows.
    #[test]
    fn odd_sequences_are_left_out_and_hide_nothing() {
        let played =
            |data: &str| String::from_utf8_lossy(&Harmless::default().take(data)).into_owned();
        for (data, expected) in [
            ("\x1b[1\x1b]52;c;aGk=\x07x", "x"),
            ("\x1b(\x1b[6nx", "x"),
            ("\x1b(\x1b]52;c;aGk=\x07x", "x"),
            ("\u{9b}6nx\u{9d}52;c;aGk=", "6nx52;c;aGk="),
            ("a\x05b", "ab"),
            ("\x1b[?ux\x1b[?4my\x1b[5iz\x1b[?1003h\x1b[1$wq", "xyzq"),
            ("\x1b]0;x\x18rm -rf", "rm -rf"),
            ("\x1b]0;x\x1b[1mseen", "\x1b[1mseen"),
        ] {
            assert_eq!(played(data), expected, "{data:?}");
        }
    }
}
