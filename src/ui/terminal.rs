//! The terminal itself, `/dev/tty`: questions reach a person even when standard input is data.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};

use std::time::{Duration, Instant};

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetwinsize, tcsetattr,
};
use zeroize::{Zeroize, Zeroizing};

use crate::secret::Secret;
use crate::set::manifest::has_forbidden;

/// Longest line that is taken, bytes; a code's text has some 1 500.
const MAX_LINE: usize = 64 * 1024;

/// How long a pause is; what stands still for so long in a folder has been written.
pub(super) const PAUSE: Duration = Duration::from_millis(500);

const CTRL_C: u8 = 3;
const CTRL_D: u8 = 4;
const BACKSPACE: [u8; 2] = [8, 127];
const CTRL_U: u8 = 21;
const ESCAPE: u8 = 27;

/// Switches to the other screen, clears it, and goes home.
pub(super) const OTHER_SCREEN: &str = "\x1b[?1049h\x1b[2J\x1b[H";
/// Clears the other screen and what it scrolled away, and goes back.
pub(super) const BACK: &str = "\x1b[2J\x1b[3J\x1b[H\x1b[?1049l";

/// A key, as far as anything here listens to it.
pub(super) enum Key {
    /// A character.
    Sign(char),
    Enter,
    Tab,
    /// Takes one character back.
    Back,
    /// Ctrl-U.
    Clear,
    /// Ctrl-C.
    Stop,
    /// Ctrl-D.
    End,
}

/// An open terminal.
pub struct Terminal {
    tty: File,
}

impl Terminal {
    /// Opens the terminal that controls this process.
    pub fn open() -> io::Result<Self> {
        let tty = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
        Ok(Self { tty })
    }

    /// Shows a prompt and reads one line; `None` at the end of input. Ctrl-C is `ErrorKind::Interrupted`.
    ///
    /// The line is read without the terminal's own editor, which takes 4095 bytes on Linux and 1024 on macOS.
    pub fn ask(&mut self, prompt: &str) -> io::Result<Option<String>> {
        // raw before the prompt appears: whatever is typed at it is read here, Ctrl-C too
        let mode = Mode::raw(&self.tty)?;
        self.write(prompt)?;
        let line = self.edit(true);
        drop(mode);
        self.write("\r\n")?;
        Ok(line?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Shows a prompt and reads one line without showing it.
    pub fn ask_hidden(&mut self, prompt: &str) -> io::Result<Option<Secret>> {
        let mode = Mode::raw(&self.tty)?;
        // echo is off before the prompt appears: nothing typed ahead is shown
        self.write(prompt)?;
        let line = self.edit(false);
        drop(mode);
        self.write("\r\n")?;
        Ok(line?.map(Secret::from))
    }

    /// Shows a line.
    pub fn say(&mut self, line: &str) -> io::Result<()> {
        self.write(&format!("{line}\r\n"))
    }

    /// Clears the screen, and what scrolled away above it.
    pub fn clear(&mut self) -> io::Result<()> {
        self.write("\x1b[H\x1b[2J\x1b[3J")
    }

    /// Waits for half a second; says whether Enter was pressed. Ctrl-C is `ErrorKind::Interrupted`.
    pub fn pause(&mut self) -> io::Result<bool> {
        let mode = Mode::raw(&self.tty)?;
        mode.wait_at_most(1)?;
        let until = Instant::now() + PAUSE;
        while Instant::now() < until {
            match self.byte()? {
                Some(CTRL_C) => return Err(io::ErrorKind::Interrupted.into()),
                Some(b'\r' | b'\n' | CTRL_D) => return Ok(true),
                _ => {}
            }
        }
        Ok(false)
    }

    /// Shows a heading and a secret on the other screen, waits for a key, and wipes it.
    pub fn show(&mut self, heading: &str, secret: &Secret) -> io::Result<()> {
        let mode = Mode::raw(&self.tty)?;
        let shown = self.show_and_wait(heading, secret);
        let back = self.write(BACK);
        drop(mode);
        shown.and(back)
    }

    /// Returns how many rows and columns it has.
    pub fn size(&self) -> Option<(usize, usize)> {
        let size = tcgetwinsize(&self.tty).ok()?;
        (size.ws_row > 0 && size.ws_col > 0).then(|| (size.ws_row.into(), size.ws_col.into()))
    }

    /// Shows a line of words and rows of a picture on the other screen, and waits for Enter.
    pub fn show_rows(&mut self, heading: &str, rows: &[String]) -> io::Result<()> {
        let mode = Mode::raw(&self.tty)?;
        // no line feed behind the last row: it may be the last of the screen
        let shown = self
            .write(&format!("{OTHER_SCREEN}{heading}\r\n{}", rows.join("\r\n")))
            .and_then(|()| self.wait_for_enter());
        let back = self.write(BACK);
        drop(mode);
        shown.and(back)
    }

    fn show_and_wait(&mut self, heading: &str, secret: &Secret) -> io::Result<()> {
        self.write(OTHER_SCREEN)?;
        self.write(&heading.replace('\n', "\r\n"))?;
        self.write("\r\n\r\n")?;
        self.tty.write_all(&visible(secret))?;
        self.write("\r\n\r\nPress Enter when you are done; the screen is wiped then.\r\n")?;
        self.wait_for_enter()
    }

    fn wait_for_enter(&mut self) -> io::Result<()> {
        loop {
            if matches!(self.byte()?, None | Some(b'\r' | b'\n' | CTRL_C | CTRL_D)) {
                return Ok(());
            }
        }
    }

    /// Turns the terminal's own line editor off until the mode is dropped.
    pub(super) fn raw(&self) -> io::Result<impl Drop + use<>> {
        Mode::raw(&self.tty)
    }

    /// Reads one key; `None` at the end of input. Keys that mean nothing here are passed over.
    pub(super) fn key(&mut self) -> io::Result<Option<Key>> {
        loop {
            let Some(byte) = self.byte()? else { return Ok(None) };
            return Ok(Some(match byte {
                b'\r' | b'\n' => Key::Enter,
                b'\t' => Key::Tab,
                CTRL_C => Key::Stop,
                CTRL_D => Key::End,
                CTRL_U => Key::Clear,
                byte if BACKSPACE.contains(&byte) => Key::Back,
                ESCAPE => {
                    self.skip_sequence()?;
                    continue;
                }
                byte if byte < b' ' => continue,
                byte if byte.is_ascii() => Key::Sign(char::from(byte)),
                // the rest of a character of several bytes comes with its first one
                first => {
                    let more = (first.leading_ones().clamp(2, 4) - 1) as usize;
                    let mut bytes = vec![first];
                    for _ in 0..more {
                        bytes.extend(self.byte()?);
                    }
                    Key::Sign(String::from_utf8_lossy(&bytes).chars().next().unwrap_or('\u{fffd}'))
                }
            }));
        }
    }

    /// Passes over what an arrow or a function key sends behind its escape.
    fn skip_sequence(&mut self) -> io::Result<()> {
        let mode = Mode::raw(&self.tty)?;
        mode.wait_at_most(1)?;
        if matches!(self.byte()?, Some(b'[' | b'O')) {
            while let Some(byte) = self.byte()? {
                if (0x40..=0x7e).contains(&byte) {
                    break;
                }
            }
        }
        Ok(())
    }

    pub(super) fn write(&mut self, text: &str) -> io::Result<()> {
        self.tty.write_all(text.as_bytes())?;
        self.tty.flush()
    }

    /// Reads one byte, unbuffered: nothing typed stays behind in a buffer.
    fn byte(&mut self) -> io::Result<Option<u8>> {
        let mut byte = [0];
        Ok((self.tty.read(&mut byte)? == 1).then_some(byte[0]))
    }

    /// A line editor with backspace, Ctrl-U, Ctrl-C and Ctrl-D.
    fn edit(&mut self, echo: bool) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
        let mut line = Zeroizing::new(Vec::with_capacity(256));
        loop {
            match self.byte()? {
                None => return Ok(None),
                Some(b'\r' | b'\n') => return Ok(Some(line)),
                Some(CTRL_C) => return Err(io::ErrorKind::Interrupted.into()),
                Some(CTRL_D) if line.is_empty() => return Ok(None),
                Some(CTRL_D) => {}
                Some(CTRL_U) => while self.rub_out(&mut line, echo)? {},
                Some(byte) if BACKSPACE.contains(&byte) => {
                    self.rub_out(&mut line, echo)?;
                }
                // other control characters mean nothing; a tab separates like a space
                Some(byte) if byte < b' ' && byte != b'\t' => {}
                Some(byte) if line.len() < MAX_LINE => {
                    line.push(if byte == b'\t' { b' ' } else { byte });
                    if echo {
                        self.tty.write_all(&line[line.len() - 1..])?;
                    }
                }
                Some(_) => {}
            }
        }
    }

    /// Takes the last character away; says whether there was one.
    fn rub_out(&mut self, line: &mut Vec<u8>, echo: bool) -> io::Result<bool> {
        let Some(mut last) = line.pop() else { return Ok(false) };
        // the bytes after the first of a UTF-8 character
        while last & 0xc0 == 0x80 {
            match line.pop() {
                Some(byte) => last = byte,
                None => break,
            }
        }
        if echo {
            self.write("\x08 \x08")?;
        }
        Ok(true)
    }
}

/// The bytes of a secret as they may be shown: text as it is, anything that could steer the terminal with escapes.
fn visible(secret: &Secret) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(secret.len() * 6));
    let Ok(text) = std::str::from_utf8(secret.expose()) else {
        out.extend(secret.expose().iter().flat_map(|byte| byte.escape_ascii()));
        return out;
    };
    let mut bytes = [0; 4];
    for c in text.chars() {
        let encoded = c.encode_utf8(&mut bytes);
        match c {
            '\n' => out.extend(b"\r\n"),
            '\t' => out.push(b'\t'),
            _ if has_forbidden(encoded) => {
                out.extend(encoded.bytes().flat_map(std::ascii::escape_default));
            }
            _ => out.extend(encoded.bytes()),
        }
    }
    bytes.zeroize();
    out
}

/// A terminal mode that is put back when dropped.
struct Mode {
    tty: File,
    before: Termios,
}

impl Mode {
    /// Turns the terminal's line editor, echo and signals off.
    fn raw(tty: &File) -> io::Result<Self> {
        let tty = tty.try_clone()?;
        let off = LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG;
        let before = tcgetattr(&tty)?;
        let mut during = before.clone();
        during.local_modes.remove(off);
        during.special_codes[SpecialCodeIndex::VMIN] = 1;
        during.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(&tty, OptionalActions::Now, &during)?;
        Ok(Self { tty, before })
    }
}

impl Mode {
    /// Lets reads end with nothing after so many tenths of a second.
    fn wait_at_most(&self, tenths: u8) -> io::Result<()> {
        let mut during = tcgetattr(&self.tty)?;
        during.special_codes[SpecialCodeIndex::VMIN] = 0;
        during.special_codes[SpecialCodeIndex::VTIME] = tenths;
        Ok(tcsetattr(&self.tty, OptionalActions::Now, &during)?)
    }
}

impl Drop for Mode {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.tty, OptionalActions::Now, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_shown_as_it_may_be() {
        let shown = |bytes: &[u8]| {
            String::from_utf8_lossy(&visible(&Secret::new(bytes.to_vec()))).into_owned()
        };
        assert_eq!(shown("pass wörd\n".as_bytes()), "pass wörd\r\n");
        assert_eq!(shown(b"a\x1b[2J"), "a\\x1b[2J");
        assert_eq!(shown(b"\xff\x00x"), "\\xff\\x00x");
        assert_eq!(shown("\u{9b}2J\u{202e}".as_bytes()), "\\xc2\\x9b2J\\xe2\\x80\\xae");
    }
}
