//! What the screen showed, as text: every line as it last was before it left the screen, and since when it was so, full-screen
//! programs included.

use std::collections::{BTreeSet, HashMap, VecDeque};

use avt::observer::Transcript;
use avt::{ScreenKind, Terminal};

use super::cast::{self, Code, Line};

/// Largest screen that is followed: a recording may claim any.
const WIDEST: u16 = 1000;
const HIGHEST: u16 = 500;

/// A line, and when it became as it is: seconds since the start.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// Seconds since the start.
    pub at: f64,
    /// Its text, without spaces at the end.
    pub text: String,
}

/// Turns the events of a cast into lines, in the order of their times.
pub struct Text {
    terminal: Terminal,
    transcript: Transcript,
    /// For every row that the screen shows now, since when; of rows that are alike, oldest first.
    since: HashMap<String, VecDeque<f64>>,
    /// Rows of the other screen, while a full-screen program has it.
    rows: Vec<Shown>,
    /// Lines of it that were given out.
    given: BTreeSet<String>,
    /// Lines that wait for older ones, which are still on the screen.
    waiting: Vec<Shown>,
    latest: f64,
}

impl Text {
    /// Starts with a screen of so many columns and rows.
    pub fn new((columns, rows): (u16, u16)) -> Option<Self> {
        let (columns, rows) = (columns.min(WIDEST), rows.min(HIGHEST));
        let terminal = Terminal::new(columns.into(), rows.into()).ok()?;
        Some(Self {
            terminal,
            transcript: Transcript::new(),
            since: HashMap::new(),
            rows: Vec::new(),
            given: BTreeSet::new(),
            waiting: Vec::new(),
            latest: 0.0,
        })
    }

    /// Takes a line of the cast, and returns the lines that are finished.
    pub fn take(&mut self, line: &Line) -> Vec<Shown> {
        let Line::Event(at, code, data) = line else { return Vec::new() };
        self.latest = *at;
        match code {
            Code::Output => self.shown(data),
            Code::Resize => match cast::size(data) {
                Some((columns, rows)) => {
                    let (columns, rows) = (columns.min(WIDEST), rows.min(HIGHEST));
                    let gone = self.terminal.resize_with(
                        columns.into(),
                        rows.into(),
                        &mut self.transcript,
                    );
                    self.left(gone)
                }
                None => Vec::new(),
            },
            Code::Mark => {
                self.waiting.push(Shown { at: *at, text: format!("[{data}]") });
                Vec::new()
            }
            Code::Input => Vec::new(),
        }
    }

    fn shown(&mut self, data: &str) -> Vec<Shown> {
        let mut out = Vec::new();
        // a chunk may hold all of a full-screen program: its screen is looked at wherever it is drawn anew or left
        // some terminals clear the screen from its first place on; what was there is text, too
        let data = data.replace("\x1b[H\x1b[J", "\x1b[H\x1b[2J");
        for piece in split_before_switches(&data) {
            let gone = self.terminal.feed_with(piece, &mut self.transcript);
            out.extend(self.left(gone));
            if self.terminal.active_screen_kind() == ScreenKind::Alternate {
                self.follow();
            } else {
                self.leave();
                self.date();
            }
        }
        out
    }

    fn visible(&self) -> Vec<String> {
        let lines = self.terminal.screen().visible_lines();
        lines.map(|line| line.text().trim_end().to_owned()).collect()
    }

    /// Notes since when the rows of the screen are as they are.
    fn date(&mut self) {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for row in self.visible().into_iter().filter(|row| !row.is_empty()) {
            *counts.entry(row).or_default() += 1;
        }
        self.since.retain(|row, _| counts.contains_key(row));
        for (row, count) in counts {
            self.since.entry(row).or_default().resize(count, self.latest);
        }
    }

    /// Dates lines that have left the screen. What is newer than they are waits for them no longer than that.
    fn left(&mut self, lines: Vec<String>) -> Vec<Shown> {
        let columns = self.terminal.size().0;
        let mut out = Vec::new();
        if !lines.is_empty() {
            self.waiting.sort_by(|a, b| a.at.total_cmp(&b.at));
        }
        for text in lines {
            // a long one begins with a row that was whole
            let row: String = text.chars().take(columns).collect();
            let at = self.since.get_mut(row.trim_end()).and_then(VecDeque::pop_front);
            let line = Shown { at: at.unwrap_or(self.latest), text };
            let older = self.waiting.partition_point(|other| other.at < line.at);
            out.extend(self.waiting.drain(..older));
            out.push(line);
        }
        out
    }

    /// Takes rows of the other screen that something else has taken the place of.
    fn follow(&mut self) {
        let now = self.visible();
        let mut rows = Vec::with_capacity(now.len());
        for (place, is) in now.iter().enumerate() {
            let was = self.rows.get(place);
            if let Some(was) = was.filter(|was| !was.text.is_empty()) {
                // what is being typed is given out once, when it is done
                let grows = is.starts_with(was.text.as_str()) || was.text.starts_with(is.as_str());
                if !grows && !now.contains(&was.text) && self.given.insert(was.text.clone()) {
                    self.waiting.push(was.clone());
                }
            }
            let at = was.filter(|was| was.text == *is).map_or(self.latest, |was| was.at);
            rows.push(Shown { at, text: is.clone() });
        }
        self.rows = rows;
    }

    fn leave(&mut self) {
        let rows = std::mem::take(&mut self.rows);
        let last = rows.into_iter().filter(|row| !row.text.is_empty());
        self.waiting.extend(last.filter(|row| !self.given.contains(&row.text)));
        self.given.clear();
    }

    /// Returns the lines that are still on the screen.
    pub fn finish(mut self) -> Vec<Shown> {
        self.leave();
        let transcript = std::mem::take(&mut self.transcript);
        let last = transcript.finish(&self.terminal);
        let mut out = self.left(last);
        out.append(&mut self.waiting);
        out.sort_by(|a, b| a.at.total_cmp(&b.at));
        out
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
        dated(size, shown).into_iter().map(|line| line.text).collect()
    }

    /// Every chunk comes a second after the one before it.
    fn dated(size: (u16, u16), shown: &[&str]) -> Vec<Shown> {
        let mut text = Text::new(size).unwrap();
        let mut lines = Vec::new();
        for (at, data) in (0..).zip(shown) {
            let code = if data.starts_with("breakglass:") { Code::Mark } else { Code::Output };
            lines.extend(text.take(&Line::Event(at.into(), code, (*data).to_owned())));
        }
        lines.extend(text.finish());
        assert!(lines.windows(2).all(|two| two[0].at <= two[1].at), "{lines:?}");
        lines
    }

    #[test]
    fn lines_are_whole_and_as_they_last_were() {
        let shown = ["$ lz\x08 \x08s -", "l\r\n\x1b[1mone\x1b[0m\r\n", "a line that wraps\r\n$ "];
        assert_eq!(text((10, 3), &shown), ["$ ls -l", "one", "a line that wraps", "$"]);
    }

    #[test]
    fn what_a_full_screen_program_showed_is_there_once_and_in_its_place() {
        let shown = [
            "$ less x\r\n",
            "\x1b[?1049h\x1b[H\x1b[2Jone\r\ntwo\r\n:",
            "\x1b[H\x1b[2Jthree\r\ntwo\r\n",
            ":q",
            "\x1b[?1049l",
            "$ exit\r\n",
        ];
        let expected = ["$ less x", "one", "two", "three", ":q", "$ exit"];
        assert_eq!(text((20, 4), &shown), expected);
        let cleared = ["one\r\n", "\x1b[H\x1b[J", "two\r\n\x1b[H\x1b[2J\x1b[3Jthree"];
        assert_eq!(text((20, 4), &cleared), ["one", "two", "three"]);
    }

    #[test]
    fn every_line_has_the_time_at_which_it_became_what_it_is() {
        let shown = [
            "$ date\r\nMonday\r\n$ ",
            "da",
            "te\r\nTuesday\r\n$ ",
            "breakglass: 15 min left",
            "exit\r\n",
        ];
        let expected = [
            (0.0, "$ date"),
            (0.0, "Monday"),
            (2.0, "$ date"),
            (2.0, "Tuesday"),
            (3.0, "[breakglass: 15 min left]"),
            (4.0, "$ exit"),
        ];
        for rows in [2, 3, 24] {
            let lines = dated((30, rows), &shown);
            let lines: Vec<_> = lines.iter().map(|line| (line.at, line.text.as_str())).collect();
            assert_eq!(lines, expected, "{rows}");
        }
    }
}
