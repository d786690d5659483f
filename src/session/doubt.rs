//! Keys whose echo nobody promises: programs that read keys do their own, and so does the other end of an ssh.
//!
//! What is typed there is kept until it is seen whether it was shown. A line of four signs and more that nothing has echoed is
//! taken for a password.

use std::collections::VecDeque;
use std::time::{Duration, Instant as Tick};

use super::escapes::Escapes;

/// So many signs have to be echoed; a shorter line of keys is no password.
const ENOUGH: usize = 4;

/// The same of an echo that is seen only after Enter.
const ENOUGH_LATE: usize = 12;

/// How long an echo may take after Enter.
const PATIENCE: Duration = Duration::from_millis(500);

/// So much of what was typed is looked for in the output.
const MOST_TYPED: usize = 128;

/// Most bytes of output in which an echo is looked for.
const MOST_SEEN: usize = 4096;

/// What became of keys.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Keys {
    /// They were shown, or are no text.
    Shown(Vec<u8>),
    /// They were not.
    Hidden,
}

/// Keys whose echo is still to be seen.
#[derive(Default)]
pub(super) struct Doubt {
    items: VecDeque<Item>,
}

enum Item {
    Run(Run),
    /// A key that is no text: Enter, an arrow.
    Other(u8),
}

/// Text that was typed in one go.
struct Run {
    typed: Vec<u8>,
    seen: Vec<u8>,
    escapes: Escapes,
    echoed: bool,
    /// When another key came behind it.
    closed: Option<Tick>,
}

impl Run {
    fn new() -> Self {
        let escapes = Escapes::default();
        Self { typed: Vec::new(), seen: Vec::new(), escapes, echoed: false, closed: None }
    }

    fn see(&mut self, shown: &[u8]) {
        for byte in shown.iter().take(MOST_SEEN.saturating_sub(self.seen.len())) {
            // the end of the line is kept: what comes behind it is an answer, no echo
            if self.escapes.is_text(*byte) || *byte == b'\n' {
                self.seen.push(*byte);
            }
        }
        // behind Enter a prompt for a password may come again, and begin as a password does
        let enough = if self.closed.is_some() { self.typed.len().min(ENOUGH_LATE) } else { ENOUGH };
        // keys that a program took before the line began are not echoed
        let typed = &self.typed[..self.typed.len().min(MOST_TYPED)];
        let shown = |keys: &[u8]| memchr::memmem::find(&self.seen, keys).is_some();
        self.echoed = self.echoed || typed.windows(enough.max(ENOUGH)).any(shown);
    }
}

impl Doubt {
    /// Says whether something is waited for.
    pub(super) fn is_open(&self) -> bool {
        !self.items.is_empty()
    }

    /// Takes keys.
    pub(super) fn typed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let is_text = *byte >= b' ' && *byte != 0x7f;
            match self.items.back_mut() {
                Some(Item::Run(run)) if is_text && run.closed.is_none() => run.typed.push(*byte),
                last => {
                    if let Some(Item::Run(run)) = last {
                        run.closed.get_or_insert_with(Tick::now);
                    }
                    if is_text {
                        let mut run = Run::new();
                        run.typed.push(*byte);
                        self.items.push_back(Item::Run(run));
                    } else {
                        self.items.push_back(Item::Other(*byte));
                    }
                }
            }
        }
    }

    /// Takes what is shown.
    pub(super) fn shown(&mut self, bytes: &[u8]) {
        for item in &mut self.items {
            if let Item::Run(run) = item
                && !run.echoed
            {
                run.see(bytes);
            }
        }
    }

    /// Returns what is decided, in the order in which it was typed; with `last` all of it.
    pub(super) fn decided(&mut self, last: bool) -> Vec<Keys> {
        let mut out: Vec<Keys> = Vec::new();
        let show = |bytes: &[u8], out: &mut Vec<Keys>| match out.last_mut() {
            Some(Keys::Shown(keys)) => keys.extend_from_slice(bytes),
            _ => out.push(Keys::Shown(bytes.to_vec())),
        };
        while let Some(item) = self.items.pop_front() {
            match item {
                Item::Other(byte) => show(&[byte], &mut out),
                Item::Run(mut run) if run.echoed => {
                    show(&run.typed, &mut out);
                    // the rest of the line comes as it is typed
                    if run.closed.is_none() && !last {
                        run.typed.clear();
                        self.items.push_front(Item::Run(run));
                        break;
                    }
                }
                Item::Run(run) => {
                    let is_late = run.closed.is_some_and(|closed| closed.elapsed() >= PATIENCE);
                    let is_short = run.typed.len() < ENOUGH && (run.closed.is_some() || last);
                    if is_short {
                        show(&run.typed, &mut out);
                    } else if is_late || last {
                        out.push(Keys::Hidden);
                    } else {
                        self.items.push_front(Item::Run(run));
                        break;
                    }
                }
            }
        }
        out.retain(|keys| !matches!(keys, Keys::Shown(bytes) if bytes.is_empty()));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Keys {
        Keys::Shown(text.as_bytes().to_vec())
    }

    #[test]
    fn a_line_that_is_echoed_is_kept() {
        let mut doubt = Doubt::default();
        for sign in ["l", "s", " ", "-", "l", "a"] {
            doubt.typed(sign.as_bytes());
            doubt.shown(sign.as_bytes());
        }
        assert_eq!(doubt.decided(false), [shown("ls -la")]);
        doubt.typed(b"x\r");
        assert_eq!(doubt.decided(false), [shown("x\r")]);
        // all at once, and the echo comes behind it
        doubt.typed(b"echo hi\rpwd\r");
        assert_eq!(doubt.decided(false), []);
        doubt.shown(b"\x1b[?2004lecho hi\r\nhi\r\n$ ");
        assert_eq!(doubt.decided(false), [shown("echo hi\rpwd\r")]);
        assert!(!doubt.is_open());
    }

    #[test]
    fn a_line_that_is_not_echoed_is_hidden_however_it_is_typed() {
        for typed in [&["password1\r"][..], &["p", "a", "ss", "word1", "\r"]] {
            let mut doubt = Doubt::default();
            for keys in typed {
                doubt.typed(keys.as_bytes());
            }
            // it was wrong, and is asked for again
            doubt.shown(b"\r\npassword: ");
            assert_eq!(doubt.decided(false), []);
            std::thread::sleep(PATIENCE);
            assert_eq!(doubt.decided(false), [Keys::Hidden, shown("\r")]);
        }
        let mut stars = Doubt::default();
        for sign in ["s", "e", "c", "r", "e", "t"] {
            stars.typed(sign.as_bytes());
            stars.shown(b"*");
        }
        assert_eq!(stars.decided(true), [Keys::Hidden]);
    }

    /// A pager takes its key without an echo; the shell behind it echoes again.
    #[test]
    fn a_key_that_was_taken_hides_no_line_behind_it() {
        let mut doubt = Doubt::default();
        doubt.typed(b"q");
        doubt.shown(b"\x1b[?1049l$ ");
        for sign in b"echo hi" {
            doubt.typed(&[*sign]);
            doubt.shown(&[*sign]);
        }
        doubt.typed(b"\r");
        assert_eq!(doubt.decided(false), [shown("qecho hi\r")]);
        // all at once; of a shorter line nobody could say whether it is a prompt that begins as a password does
        doubt.typed(b"q");
        doubt.typed(b"echo hi, you there\r");
        doubt.shown(b"echo hi, you there\r\n");
        assert_eq!(doubt.decided(false), [shown("qecho hi, you there\r")]);
    }

    #[test]
    fn single_keys_are_kept() {
        let mut doubt = Doubt::default();
        doubt.typed(b"jj\x1bG:q\r");
        doubt.shown(b"\x1b[24;1Hline 79");
        assert_eq!(doubt.decided(false), [shown("jj\x1bG:q\r")]);
    }
}
