//! The screen for typing a sheet: one line of the paper after the other, in groups as they are printed.
//!
//! It needs 80 columns and 24 rows and draws on the other screen, which is wiped at the end: a share stands on it.

use std::fmt::Write as _;
use std::io;

use zeroize::Zeroizing;

use super::terminal::{BACK, Key, OTHER_SCREEN, Terminal};

/// Lines above the one being typed that stay in sight.
const SHOWN: usize = 12;

/// Signs of a whole line of the paper.
const WHOLE: usize = 28;

const INVERSE: &str = "\x1b[7m";
const PLAIN: &str = "\x1b[0m";
const CLEAR: &str = "\x1b[2J\x1b[H";
const REST_OF_ROW: &str = "\x1b[K";

/// A line that stands above the one being typed.
pub struct Done {
    /// Label as printed.
    pub label: String,
    /// Its symbols, grouped.
    pub symbols: Zeroizing<String>,
    /// `ok`, or what was mended.
    pub note: String,
}

/// What the screen shows around the line being typed.
pub struct View<'a> {
    /// What is being typed and how far it is.
    pub title: &'a str,
    /// The lines before.
    pub done: &'a [Done],
    /// Label of the line being typed.
    pub label: &'a str,
    /// What there is to say about it.
    pub note: &'a str,
    /// What it starts with when it was typed before and did not fit.
    pub start: &'a str,
    /// How it has to begin, as far as that is known.
    pub expected: Option<&'a str>,
    /// Says which symbol a sign stands for; none when it is no symbol.
    pub symbol: fn(char) -> Option<char>,
}

/// How the typing of a line ended.
pub enum Entry {
    /// The line, complete or ended with Enter.
    Line(Zeroizing<String>),
    /// The person wants to type something else: Tab.
    Other,
    /// The person is done with typing: Ctrl-D, or Enter on an empty line.
    Leave,
}

/// The screen while it is on; it is wiped when dropped.
pub struct Screen {
    terminal: Terminal,
}

impl Screen {
    /// Switches to the other screen.
    pub fn open(mut terminal: Terminal) -> io::Result<Self> {
        terminal.write(OTHER_SCREEN)?;
        Ok(Self { terminal })
    }

    /// Lets a person type one line. Ctrl-C is `ErrorKind::Interrupted`.
    pub fn type_line(&mut self, view: &View<'_>) -> io::Result<Entry> {
        let mode = self.terminal.raw()?;
        let ended = self.edit(view);
        drop(mode);
        ended
    }

    fn edit(&mut self, view: &View<'_>) -> io::Result<Entry> {
        let mut line = Zeroizing::new(String::with_capacity(64));
        line.extend(view.start.chars().filter_map(|sign| sign_of(view, sign)));
        self.frame(view)?;
        let mut note = view.note.to_owned();
        loop {
            self.row(view, &line, &note)?;
            match self.terminal.key()? {
                None | Some(Key::End) => return Ok(Entry::Leave),
                Some(Key::Stop) => return Err(io::ErrorKind::Interrupted.into()),
                Some(Key::Tab) if !line.is_empty() => {
                    "finish this line first, or take it back with Ctrl-U".clone_into(&mut note);
                    self.terminal.write("\x07")?;
                }
                Some(Key::Tab) => return Ok(Entry::Other),
                Some(Key::Enter) if line.is_empty() => return Ok(Entry::Leave),
                Some(Key::Enter) => return Ok(Entry::Line(line)),
                Some(Key::Back) => {
                    line.pop();
                    note.clear();
                }
                Some(Key::Clear) => {
                    line.clear();
                    note.clear();
                }
                // a label and a blank, as they are printed: the label is known
                Some(Key::Sign(' ')) if *line == view.label.replace('-', "") => {
                    line.clear();
                    "labels are not typed here".clone_into(&mut note);
                }
                Some(Key::Sign(' ' | '-')) => {}
                Some(Key::Sign(sign)) => match sign_of(view, sign) {
                    None => {
                        note = format!(
                            "`{sign}` is no sign of the paper (0 is O; 1 is I and L; ? cannot be read)"
                        );
                        self.terminal.write("\x07")?;
                    }
                    Some(_) if line.len() >= WHOLE => {
                        if note.is_empty() {
                            "a line has 28 signs".clone_into(&mut note);
                        }
                        self.terminal.write("\x07")?;
                    }
                    Some(symbol) => {
                        line.push(symbol);
                        note.clear();
                        if is_wrong(view, &line, line.len() - 1) {
                            note = format!(
                                "sign {} differs from the sheets that are here: look again",
                                line.len()
                            );
                            self.terminal.write("\x07")?;
                        }
                        if line.len() == WHOLE {
                            return Ok(Entry::Line(line));
                        }
                    }
                },
            }
        }
    }

    /// Draws everything but the row being typed.
    fn frame(&mut self, view: &View<'_>) -> io::Result<()> {
        let mut text = Zeroizing::new(String::with_capacity(4096));
        // writing to a String cannot fail
        let _ = write!(text, "{CLEAR} {}\r\n\r\n", view.title);
        let from = view.done.len().saturating_sub(SHOWN);
        for done in &view.done[from..] {
            let _ = write!(text, "   {:<6} ", done.label);
            text.push_str(&done.symbols);
            let _ = write!(text, "   {}\r\n", done.note);
        }
        self.terminal.write(&text)?;
        let below = "\r\n\r\n\r\n \
                     Type the line without its label and blanks; ? is a sign that cannot be read.\r\n \
                     Backspace takes one back, Ctrl-U all. A full line goes on by itself; the last\r\n \
                     one of a part may be shorter: Enter.\r\n \
                     Tab: type something else  Enter on an empty line: leave  Ctrl-C: stop";
        self.terminal.write("\x1b7")?;
        self.terminal.write(below)
    }

    /// Draws the row being typed and what there is to say about it.
    fn row(&mut self, view: &View<'_>, line: &str, note: &str) -> io::Result<()> {
        let mut text = Zeroizing::new(String::with_capacity(256));
        let _ = write!(text, "\x1b8{REST_OF_ROW} > {:<6} ", view.label);
        for (i, sign) in line.chars().enumerate() {
            if i > 0 && i % 4 == 0 {
                text.push(' ');
            }
            if is_wrong(view, line, i) {
                let _ = write!(text, "{INVERSE}{sign}{PLAIN}");
            } else {
                text.push(sign);
            }
        }
        let left = WHOLE - line.len().min(WHOLE);
        let _ = write!(text, "_   {left} left{REST_OF_ROW}\r\n{REST_OF_ROW}   {note}");
        // the cursor goes back to where the next sign will stand
        let (label, groups) = (view.label.chars().count().max(6), line.len().saturating_sub(1) / 4);
        let _ = write!(text, "\x1b8\x1b[{}C", 4 + label + line.len() + groups);
        self.terminal.write(&text)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.terminal.write(BACK);
    }
}

fn sign_of(view: &View<'_>, sign: char) -> Option<char> {
    if sign == '?' { Some(sign) } else { (view.symbol)(sign) }
}

/// Says whether a sign is not the one that is expected there.
fn is_wrong(view: &View<'_>, line: &str, at: usize) -> bool {
    let expected = view.expected.and_then(|expected| expected.chars().nth(at));
    let typed = line.chars().nth(at);
    expected.is_some_and(|expected| typed.is_some_and(|typed| typed != expected && typed != '?'))
}
