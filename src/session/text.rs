//! What the screen showed, as text: every line as it last was before it left the screen, full-screen programs included.

use std::collections::BTreeSet;

use avt::observer::Transcript;
use avt::{ScreenKind, Terminal};

use super::cast::{self, Code, Line};

/// Largest screen that is followed: a recording may claim any.
const WIDEST: u16 = 1000;
const HIGHEST: u16 = 500;

/// Turns the events of a cast into lines.
pub struct Text {
    terminal: Terminal,
    transcript: Transcript,
    /// Rows of the other screen, while a full-screen program has it.
    rows: Vec<String>,
    /// Lines of it that were given out.
    given: BTreeSet<String>,
}

impl Text {
    /// Starts with a screen of so many columns and rows.
    pub fn new((columns, rows): (u16, u16)) -> Option<Self> {
        let (columns, rows) = (columns.min(WIDEST), rows.min(HIGHEST));
        let terminal = Terminal::new(columns.into(), rows.into()).ok()?;
        Some(Self {
            terminal,
            transcript: Transcript::new(),
            rows: Vec::new(),
            given: BTreeSet::new(),
        })
    }

    /// Takes a line of the cast, and returns the lines that are finished.
    pub fn take(&mut self, line: &Line) -> Vec<String> {
        match line {
            Line::Event(_, Code::Output, data) => self.shown(data),
            Line::Event(_, Code::Resize, data) => match cast::size(data) {
                Some((columns, rows)) => {
                    let (columns, rows) = (columns.min(WIDEST), rows.min(HIGHEST));
                    self.terminal.resize_with(columns.into(), rows.into(), &mut self.transcript)
                }
                None => Vec::new(),
            },
            Line::Event(_, Code::Mark, words) => vec![format!("[{words}]")],
            _ => Vec::new(),
        }
    }

    fn shown(&mut self, data: &str) -> Vec<String> {
        let mut out = Vec::new();
        // a chunk may hold all of a full-screen program: its screen is looked at wherever it is drawn anew or left
        // some terminals clear the screen from its first place on; what was there is text, too
        let data = data.replace("\x1b[H\x1b[J", "\x1b[H\x1b[2J");
        for piece in split_before_switches(&data) {
            out.extend(self.terminal.feed_with(piece, &mut self.transcript));
            if self.terminal.active_screen_kind() == ScreenKind::Alternate {
                self.follow(&mut out);
            } else if !self.rows.is_empty() {
                self.leave(&mut out);
            }
        }
        out
    }

    /// Gives out rows of the other screen that something else has taken the place of.
    fn follow(&mut self, out: &mut Vec<String>) {
        let now: Vec<String> = self
            .terminal
            .screen()
            .visible_lines()
            .map(|l| l.text().trim_end().to_owned())
            .collect();
        for (was, is) in self.rows.iter().zip(&now) {
            // what is being typed is given out once, when it is done
            let grows = is.starts_with(was.as_str()) || was.starts_with(is.as_str());
            if !grows && !now.contains(was) && !was.is_empty() && self.given.insert(was.clone()) {
                out.push(was.clone());
            }
        }
        self.rows = now;
    }

    fn leave(&mut self, out: &mut Vec<String>) {
        let rows = std::mem::take(&mut self.rows);
        out.extend(rows.into_iter().filter(|row| !row.is_empty() && !self.given.contains(row)));
        self.given.clear();
    }

    /// Returns the lines that are still on the screen.
    pub fn finish(mut self) -> Vec<String> {
        let mut out = Vec::new();
        self.leave(&mut out);
        let mut last = self.transcript.finish(&self.terminal);
        last.append(&mut out);
        last
    }
}

/// Cuts before every switch to the other screen and back, before the screen is cleared, and before the cursor goes to a place:
/// what stood there may be written over.
fn split_before_switches(data: &str) -> impl Iterator<Item = &str> {
    let mut cuts: Vec<usize> = ["\x1b[?1049", "\x1b[?1047", "\x1b[?47", "\x1b[2J"]
        .iter()
        .flat_map(|switch| data.match_indices(switch).map(|(at, _)| at))
        .collect();
    let goes_to_a_place = |at: &usize| {
        let rest = data[at + 2..].trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        rest.starts_with('H')
    };
    cuts.extend(data.match_indices("\x1b[").map(|(at, _)| at).filter(goes_to_a_place));
    cuts.extend([0, data.len()]);
    cuts.sort_unstable();
    cuts.dedup();
    (1..cuts.len()).map(move |i| &data[cuts[i - 1]..cuts[i]]).collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn text(size: (u16, u16), shown: &[&str]) -> Vec<String> {
        let mut text = Text::new(size).unwrap();
        let mut lines = Vec::new();
        for data in shown {
            lines.extend(text.take(&Line::Event(0.0, Code::Output, (*data).to_owned())));
        }
        lines.extend(text.finish());
        lines
    }

    #[test]
    fn lines_are_whole_and_as_they_last_were() {
        let shown = ["$ lz\x08 \x08s -", "l\r\n\x1b[1mone\x1b[0m\r\n", "a line that wraps\r\n$ "];
        assert_eq!(text((10, 3), &shown), ["$ ls -l", "one", "a line that wraps", "$"]);
    }

    #[test]
    fn what_a_full_screen_program_showed_is_there_once() {
        let shown = [
            "$ less x\r\n\x1b[?1049h\x1b[H\x1b[2Jone\r\ntwo\r\n:",
            "\x1b[H\x1b[2Jthree\r\ntwo\r\n",
            ":q",
            "\x1b[?1049l$ exit\r\n",
        ];
        assert_eq!(text((20, 4), &shown), ["one", "three", "two", ":q", "$ less x", "$ exit"]);
        let cleared = ["one\r\n", "\x1b[H\x1b[J", "two\r\n\x1b[H\x1b[2J\x1b[3Jthree"];
        assert_eq!(text((20, 4), &cleared), ["one", "two", "three"]);
        let marks = Text::new((9, 2)).unwrap().take(&Line::Event(1.0, Code::Mark, "late".into()));
        assert_eq!(marks, ["[late]"]);
    }
}
