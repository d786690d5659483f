//! The program at a real terminal: what is typed, what is shown.
#![allow(clippy::unwrap_used, dead_code, missing_docs, unreachable_pub)]

use std::io::{ErrorKind, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use breakglass::codes::lines;
use breakglass::codes::payload::{self, Kind, Payload};
use breakglass::scan::{Reader, Reading};
use pty_process::blocking::{Command, Pty, open};
use rustix::fs::{OFlags, fcntl_setfl};

use crate::papers::{self, Papers};

pub const OTHER_SCREEN: &str = "\u{1b}[?1049h";
pub const BACK: &str = "\u{1b}[?1049l";
pub const CTRL_C: &str = "\u{3}";
pub const CTRL_D: &str = "\u{4}";

/// Longest wait for a prompt; a busy machine rasterises slowly.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// The program at a terminal, and everything that the terminal showed.
pub struct Dialogue {
    terminal: Pty,
    child: Child,
    pub bytes: Vec<u8>,
    /// How much of it was waited for.
    pub seen: usize,
    /// Keys that had to be pressed; the spaces between groups of signs need not be.
    pub keys: usize,
}

impl Dialogue {
    /// Starts the program in the folder of the papers, at a terminal that shows what is typed.
    pub fn start(papers: &Papers, args: &[&str]) -> Self {
        Self::start_in(papers.dir(), args)
    }

    /// Starts the program in any folder.
    pub fn start_in(folder: &Path, args: &[&str]) -> Self {
        Self::start_to_die(folder, args, "")
    }

    /// Starts it so that it dies at a place, by its number.
    pub fn start_to_die(folder: &Path, args: &[&str], fault: &str) -> Self {
        Self::start_with(folder, args, &[("BREAKGLASS_FAULT", fault)], (24, 80))
    }

    /// Starts it with variables, at a terminal of so many rows and columns.
    pub fn start_with(
        folder: &Path,
        args: &[&str],
        variables: &[(&str, &str)],
        (rows, columns): (u16, u16),
    ) -> Self {
        let (terminal, end) = open().unwrap();
        terminal.resize(pty_process::Size::new(rows, columns)).unwrap();
        fcntl_setfl(&terminal, OFlags::NONBLOCK).unwrap();
        let command = Command::new(papers::PROGRAM).args(args).current_dir(folder);
        let command = command.env("TERM", "xterm").env_remove("NO_COLOR");
        let child = command.envs(variables.iter().copied()).spawn(end).unwrap();
        Self { terminal, child, bytes: Vec::new(), seen: 0, keys: 0 }
    }

    /// Gives the terminal another size.
    pub fn resize(&self, rows: u16, columns: u16) {
        self.terminal.resize(pty_process::Size::new(rows, columns)).unwrap();
    }

    /// Sends the program a signal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, signal).unwrap();
    }

    /// Closes the terminal, and waits until the program has ended.
    pub fn hang_up(self) -> std::process::ExitStatus {
        let Self { terminal, mut child, .. } = self;
        drop(terminal);
        child.wait().unwrap()
    }

    /// Takes what is shown by now; false at the end.
    pub fn look(&mut self) -> bool {
        let mut chunk = [0; 4096];
        loop {
            match self.terminal.read(&mut chunk) {
                Ok(0) => return false,
                Ok(count) => self.bytes.extend(&chunk[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                // so does Linux say that nobody has the terminal open any more
                Err(_) => return false,
            }
        }
    }

    /// Everything shown so far.
    pub fn shown(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Waits until one of the texts is shown, and says which comes first.
    #[track_caller]
    pub fn wait_any(&mut self, texts: &[&str]) -> usize {
        let started = Instant::now();
        loop {
            let more = self.look();
            let rest = &self.bytes[self.seen..];
            let place = |text: &str| rest.windows(text.len()).position(|w| w == text.as_bytes());
            let found = texts.iter().enumerate().filter_map(|(i, text)| Some((place(text)?, i)));
            if let Some((at, i)) = found.min() {
                self.seen += at + texts[i].len();
                return i;
            }
            let late = started.elapsed() > PATIENCE;
            assert!(more && !late, "no `{}` in:\n{}", texts.join("` or `"), self.shown());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn type_in(&mut self, keys: &str) {
        let label = usize::from(keys.starts_with(['K', 'M', 'S', 'k']) && keys.contains(' '));
        self.keys += keys.chars().filter(|key| *key != ' ').count() + label;
        self.terminal.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits for a prompt and answers it.
    #[track_caller]
    pub fn answer(&mut self, prompt: &str, text: &str) {
        self.wait_any(&[prompt]);
        self.type_in(&format!("{text}\r"));
    }

    /// Types lines of the paper, each at its own prompt.
    #[track_caller]
    pub fn bring(&mut self, lines: &[String]) {
        for line in lines {
            self.answer("sheet> ", line);
        }
    }

    /// Answers everything from the operator's name to the last Enter.
    #[track_caller]
    pub fn release(&mut self) {
        self.answer("Who gets the credential, name: ", "B. Alvarez");
        self.answer("company id: ", "E2040");
        self.answer("Number (or other words): ", "1");
        self.confirm();
    }

    /// Answers what comes after the reason, whatever speaks against it on this machine.
    #[track_caller]
    pub fn confirm(&mut self) {
        loop {
            let asked = [
                "Enter if the clock is right",
                "Ticket (",
                "Last check code",
                "Type why",
                "Enter to open it",
            ];
            match self.wait_any(&[&asked[..], &[OTHER_SCREEN]].concat()) {
                3 => self.answer(": ", "a test of the terminal"),
                5 => return,
                _ => self.answer(": ", ""),
            }
        }
    }

    /// Names the set and answers everything; that has to be on the other screen.
    #[track_caller]
    pub fn opens(mut self, code: &str, credential: &str) {
        self.answer("Set code in the paper book", code);
        self.release();
        let [_, on, _] = self.see_and_end();
        assert!(on.contains(credential), "{on}");
    }

    /// Sees the credential on the other screen, wipes it, and ends; returns what was shown before, on and after it.
    #[track_caller]
    pub fn see_and_end(mut self) -> [String; 3] {
        self.answer("Press Enter", "");
        let shown = self.end(0);
        let (before, rest) = shown.split_once(OTHER_SCREEN).unwrap();
        let (on, after) = rest.split_once(BACK).unwrap_or_else(|| panic!("never back:\n{shown}"));
        // cleared with what was scrolled away, before the old screen comes back
        assert!(on.ends_with("\u{1b}[2J\u{1b}[3J\u{1b}[H"), "{on:?}");
        assert!(!after.contains(OTHER_SCREEN));
        let last = after.trim_end().lines().last().unwrap_or_default();
        assert!(last.contains("Revoke before "), "{after:?}");
        [before, on, after].map(str::to_owned)
    }

    /// Answers whatever of the prompts is asked, in whatever order, until the program ends with that code; `answer` gets the
    /// prompt and everything shown so far.
    #[track_caller]
    pub fn play(
        mut self,
        code: i32,
        prompts: &[&str],
        answer: impl FnMut(&str, &str) -> String,
    ) -> String {
        self.answer_all(prompts, answer);
        self.end(code)
    }

    /// The same for a program that may be killed; says whether it was.
    #[track_caller]
    pub fn play_to_death(
        mut self,
        prompts: &[&str],
        answer: impl FnMut(&str, &str) -> String,
    ) -> (bool, String) {
        self.answer_all(prompts, answer);
        let status = self.child.wait().unwrap();
        let killed = status.signal() == Some(9);
        assert!(killed || status.success(), "{status:?}\n{}", self.shown());
        (killed, self.shown())
    }

    #[track_caller]
    fn answer_all(&mut self, prompts: &[&str], mut answer: impl FnMut(&str, &str) -> String) {
        let mut still = Instant::now();
        loop {
            let more = self.look();
            let rest = &self.bytes[self.seen..];
            let place = |text: &str| rest.windows(text.len()).position(|w| w == text.as_bytes());
            let found = prompts.iter().filter_map(|text| Some((place(text)?, *text))).min();
            if let Some((at, prompt)) = found {
                self.seen += at + prompt.len();
                let answer = answer(prompt, &self.shown());
                let enter = if answer == CTRL_C { "" } else { "\r" };
                self.type_in(&format!("{answer}{enter}"));
                still = Instant::now();
            } else if more {
                assert!(still.elapsed() < PATIENCE, "nobody answers:\n{}", self.shown());
                std::thread::sleep(Duration::from_millis(5));
            } else {
                return;
            }
        }
    }

    /// Waits for the end, which has to be with that code, and returns everything shown.
    #[track_caller]
    pub fn end(mut self, code: i32) -> String {
        let started = Instant::now();
        while self.look() {
            assert!(started.elapsed() < PATIENCE, "no end after:\n{}", self.shown());
            std::thread::sleep(Duration::from_millis(5));
        }
        let status = self.child.wait().unwrap();
        // Ctrl-C between two questions is SIGINT; a shell calls it 130 too
        let right = status.code() == Some(code) || (status.signal() == Some(2) && code == 130);
        assert!(right, "{status:?}\n{}", self.shown());
        self.shown()
    }
}

/// What stands on a sheet, as somebody reads it off the paper.
pub fn payloads(papers: &Papers, sheet: &str) -> Vec<Payload> {
    let sheet = papers.sheet(sheet);
    let reader = Reader::new(papers::PROGRAM.into());
    let Reading::Pages(pages) = reader.read(&sheet, &papers.read(&sheet)).unwrap() else {
        panic!("{sheet} is a text")
    };
    let codes = pages.iter().flat_map(|page| &page.codes);
    codes.flat_map(|code| payload::parse(&code.text).unwrap()).collect()
}

/// The typed lines of one kind as they are printed: a label, and symbols in groups of four.
pub fn printed(papers: &Papers, sheet: &str, kind: Kind) -> Vec<String> {
    let payloads = payloads(papers, sheet);
    let payload = payloads.iter().find(|payload| payload.kind() == kind).unwrap();
    let lines = lines::encode(kind, 0, &payload.to_bytes());
    let grouped = |line: &str| {
        let (label, symbols) = line.split_once(' ').unwrap();
        let groups: Vec<&str> =
            symbols.as_bytes().chunks(4).map(|g| std::str::from_utf8(g).unwrap()).collect();
        format!("{label} {}", groups.join(" "))
    };
    lines.lines().map(grouped).collect()
}
