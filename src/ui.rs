//! Every word that people see goes through [`Ui`]: data on standard output, conversation on standard error,
//! questions on the terminal itself.

mod blocks;
pub mod entry;
pub mod report;
pub mod terminal;

use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use zeroize::Zeroizing;

pub use report::Failure;
pub use terminal::Terminal;

use crate::exit::Exit;
use crate::secret::Secret;

/// When colour is used. Nothing is ever said by colour alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Color {
    /// When standard error is a terminal and `NO_COLOR` is not set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

const CLEAR_LINE: &str = "\x1b[K";

/// A line that says what is being waited for; gone when dropped.
#[must_use]
pub struct Working {
    shown: bool,
}

impl Drop for Working {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r{CLEAR_LINE}");
            let _ = io::stderr().flush();
        }
    }
}

/// The way to the person.
#[derive(Clone)]
pub struct Ui {
    quiet: bool,
    no_input: bool,
}

impl Ui {
    /// Makes one. With `no_input` every question is an error that names the flag to use instead.
    pub fn new(color: Color, quiet: bool, no_input: bool) -> Self {
        match color {
            Color::Auto => {}
            Color::Always => anstream::ColorChoice::Always.write_global(),
            Color::Never => anstream::ColorChoice::Never.write_global(),
        }
        Self { quiet, no_input }
    }

    /// Writes data to standard output with a line feed.
    #[allow(
        clippy::unused_self,
        reason = "where words go is the person's `Ui`, whatever it needs for it"
    )]
    pub fn data(&self, text: &str) {
        // a reader that went away is not our error
        let _ = writeln!(anstream::stdout(), "{}", plain(text));
    }

    /// Plays bytes of a terminal on standard output; nothing in them makes it answer.
    #[allow(clippy::unused_self, reason = "as for `data`")]
    pub fn play(&self, bytes: &[u8]) {
        let mut out = io::stdout().lock();
        let _ = out.write_all(bytes).and_then(|()| out.flush());
    }

    /// Forgets what was typed and nobody has read.
    pub fn forget_typed(&self) {
        if io::stdin().is_terminal() {
            let _ = rustix::termios::tcflush(io::stdin(), rustix::termios::QueueSelector::IFlush);
        }
    }

    /// Clears the terminal, and what scrolled away above it.
    pub fn clear_scrollback(&self) {
        if let Ok(mut terminal) = Terminal::open() {
            let _ = terminal.clear();
        }
    }

    /// Says what happens.
    pub fn say(&self, text: &str) {
        if !self.quiet {
            self.line(text);
        }
    }

    /// Says something that must be seen even with `--quiet`.
    pub fn must_say(&self, text: &str) {
        self.line(text);
    }

    /// Warns and goes on.
    pub fn warn(&self, text: &str) {
        let style = AnsiColor::Yellow.on_default().bold();
        self.line(&format!("{style}warning: {style:#}{}", plain(text)));
    }

    /// Reports why a run ended, and one thing to do.
    pub fn fail(&self, failure: &Failure) {
        let style = AnsiColor::Red.on_default().bold();
        self.line(&format!("{style}error: {style:#}{}", plain(&failure.message)));
        if let Some(hint) = &failure.hint {
            self.hint(hint);
        }
    }

    /// Says one thing to do next, after something that went well.
    pub fn say_hint(&self, text: &str) {
        if !self.quiet {
            self.hint(text);
        }
    }

    fn hint(&self, text: &str) {
        let style = AnsiColor::Cyan.on_default().bold();
        self.line(&format!("\n{style}hint: {style:#}{}", plain(text)));
    }

    /// Makes a text bold where colours are shown.
    pub fn strong(text: &str) -> String {
        let style = Style::new().bold();
        format!("{style}{}{style:#}", plain(text))
    }

    #[allow(clippy::unused_self, reason = "as for `data`")]
    fn line(&self, text: &str) {
        let _ = writeln!(anstream::stderr(), "{}", keep_styles(text));
    }

    /// Shows what is being waited for, on a terminal, until the guard is dropped.
    pub fn working(&self, text: &str) -> Working {
        let shown = !self.quiet && io::stderr().is_terminal();
        if shown {
            // one row, so that it can be cleared
            let row: String = plain(text).replace('\n', " ").chars().take(70).collect();
            let _ = write!(io::stderr(), "\r{CLEAR_LINE}  {row} …");
            let _ = io::stderr().flush();
        }
        Working { shown }
    }

    /// Waits for half a second; says whether a person pressed Enter meanwhile.
    pub fn pause(&self) -> Result<bool, Failure> {
        if self.no_input {
            std::thread::sleep(terminal::PAUSE);
            return Ok(false);
        }
        if let Ok(mut terminal) = Terminal::open() {
            return terminal.pause().map_err(|e| terminal_failed(&e));
        }
        std::thread::sleep(terminal::PAUSE);
        Ok(false)
    }

    /// Says whether a question could be asked.
    pub fn can_ask(&self) -> bool {
        !self.no_input && Terminal::open().is_ok()
    }

    /// Opens the terminal for a question; `flag` is what to use where nobody can be asked.
    fn terminal(&self, flag: &str) -> Result<Terminal, Failure> {
        if self.no_input {
            let message = format!(
                "a question would be needed here, and `--no-input` forbids it: give {flag}"
            );
            return Err(Failure::invalid(message));
        }
        Terminal::open()
            .map_err(|_| Failure::invalid(format!("there is no terminal to ask on: give {flag}")))
    }

    /// Asks for one line. An end of input is taken as Ctrl-C.
    pub fn ask(&self, prompt: &str, flag: &str) -> Result<String, Failure> {
        let mut terminal = self.terminal(flag)?;
        let answer = terminal.ask(prompt).map_err(|e| terminal_failed(&e))?;
        Ok(answer.ok_or_else(Failure::interrupted)?.trim().to_owned())
    }

    /// Asks for one line that may hold a share; `None` at the end of input.
    pub fn ask_line(&self, prompt: &str, flag: &str) -> Result<Option<Zeroizing<String>>, Failure> {
        let mut terminal = self.terminal(flag)?;
        Ok(terminal.ask(prompt).map_err(|e| terminal_failed(&e))?.map(Zeroizing::new))
    }

    /// Opens the screen for typing; none where the terminal cannot draw one.
    pub fn typing_screen(&self) -> Option<entry::Screen> {
        let draws = std::env::var_os("TERM").is_some_and(|term| term != "dumb");
        let terminal = Terminal::open().ok().filter(|_| draws && !self.no_input)?;
        entry::Screen::open(terminal).ok()
    }

    /// Asks for a secret; nothing is shown while it is typed.
    pub fn ask_hidden(&self, prompt: &str, flag: &str) -> Result<Secret, Failure> {
        let mut terminal = self.terminal(flag)?;
        let answer = terminal.ask_hidden(prompt).map_err(|e| terminal_failed(&e))?;
        answer.ok_or_else(Failure::interrupted)
    }

    /// Asks yes or no.
    pub fn confirm(&self, prompt: &str, flag: &str) -> Result<bool, Failure> {
        loop {
            match self.ask(&format!("{prompt} [y/n] "), flag)?.to_ascii_lowercase().as_str() {
                "y" | "yes" => return Ok(true),
                "n" | "no" => return Ok(false),
                _ => {}
            }
        }
    }

    /// Shows a secret on the terminal's other screen until a key is pressed, then wipes it.
    pub fn show(&self, heading: &str, secret: &Secret, flag: &str) -> Result<(), Failure> {
        let mut terminal = self.terminal(flag)?;
        terminal.show(&plain(heading), secret).map_err(|e| terminal_failed(&e))
    }

    /// Returns how many squares a side [`Ui::show_squares`] has room for; 0 where there is no terminal.
    pub fn squares(&self) -> usize {
        let size = || Terminal::open().ok()?.size();
        if self.no_input { 0 } else { size().map_or(0, blocks::room) }
    }

    /// Shows a picture of dark and light squares under one line of words, until Enter is pressed.
    pub fn show_squares(
        &self,
        heading: &str,
        side: usize,
        dark: impl Fn(usize, usize) -> bool,
        flag: &str,
    ) -> Result<(), Failure> {
        let mut terminal = self.terminal(flag)?;
        let rows = blocks::rows(side, dark);
        terminal.show_rows(&plain(heading), &rows).map_err(|e| terminal_failed(&e))
    }

    /// Shows a text on the terminal's other screen until Enter is pressed.
    pub fn show_text(&self, text: &str, flag: &str) -> Result<(), Failure> {
        self.show(text, &Secret::new(Vec::new()), flag)
    }
}

pub(crate) fn terminal_failed(error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::Interrupted {
        return Failure::interrupted();
    }
    Failure::new(Exit::Invalid, format!("the terminal cannot be used: {error}"))
}

/// Takes away what could steer a terminal: names and file names come from strangers.
pub fn plain(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => c,
            c if crate::set::manifest::has_forbidden(c.encode_utf8(&mut [0; 4])) => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// Like [`plain`], but leaves the colours that this module writes itself.
fn keep_styles(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("\u{1b}[") {
        out.push_str(&plain(&rest[..start]));
        let tail = &rest[start + 2..];
        let digits = tail.bytes().take_while(|b| b.is_ascii_digit() || *b == b';').count();
        if tail[digits..].starts_with('m') {
            out.push_str(&rest[start..=start + 2 + digits]);
            rest = &tail[digits + 1..];
        } else {
            out.push('\u{fffd}');
            rest = &rest[start + 1..];
        }
    }
    out.push_str(&plain(rest));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_cannot_steer_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\rc\u{202e}"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}");
        assert_eq!(
            keep_styles("\u{1b}[1mx\u{1b}[0m\u{1b}]0;t\u{7}"),
            "\u{1b}[1mx\u{1b}[0m\u{fffd}]0;t\u{fffd}"
        );
    }
}
