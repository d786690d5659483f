//! What of a recording may be played on somebody's terminal: a recording is written by whoever sat there.

use super::escapes::Escapes;

/// Takes out of what was shown whatever makes a terminal answer, act or keep something: titles and clipboards, questions about
/// the terminal, commands for its window.
#[derive(Default)]
pub struct Harmless {
    /// A sequence that has begun and is not decided on.
    begun: Vec<u8>,
    escapes: Escapes,
}

/// Last bytes of control sequences that ask the terminal something or move its window.
const REFUSED: &[u8] = b"cnptqxyz";

impl Harmless {
    /// Takes a chunk and returns what may be played of it.
    pub fn take(&mut self, data: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(data.len());
        for byte in data.bytes() {
            let was_at_rest = self.escapes.is_at_rest();
            self.escapes.is_text(byte);
            if was_at_rest && self.escapes.is_at_rest() {
                out.push(byte);
                continue;
            }
            self.begun.push(byte);
            if self.escapes.is_at_rest() {
                if is_harmless(&self.begun) {
                    out.extend_from_slice(&self.begun);
                }
                self.begun.clear();
            }
        }
        out
    }
}

fn is_harmless(sequence: &[u8]) -> bool {
    match sequence {
        [0x1b, b'[', .., last] => !REFUSED.contains(last),
        // texts for the terminal itself, and the old question who it is
        [0x1b, b']' | b'P' | b'X' | b'^' | b'_' | b'Z' | b'c', ..] => false,
        _ => true,
    }
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
        assert_eq!(played(&["a\x1b[1;3", "1mé\x1b[2J\x1b(B\r\n"]), "a\x1b[1;31mé\x1b[2J\x1b(B\r\n");
        assert_eq!(played(&["a\x1b]52;c;aGk=\x07b\x1b]0;t\x1b\\c"]), "abc");
        assert_eq!(played(&["a\x1b[6nb\x1b[>cc\x1b[21td\x1bP+q\x1b\\e\x1b[?1$pf"]), "abcdef");
    }
}
