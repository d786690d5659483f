//! A kit of two of three with an auditor's key, a home folder of its own, and releases at a terminal.
#![allow(clippy::unwrap_used, dead_code, missing_docs, unreachable_pub)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use age::secrecy::ExposeSecret;
use breakglass::clock::Instant;
use serde_json::Value;

use crate::dialogue::Dialogue;
use crate::small::two_of_three;

pub struct Desk {
    dir: tempfile::TempDir,
}

/// How a shell gets it.
pub const MAP: &str =
    "[release]\nlayout = \"lines\"\n[release.env]\nBG_USER = \"user\"\nBG_PASS = \"password\"\n";

impl Desk {
    /// A kit whose method file has these tables, and the auditor's key in `auditor.key`.
    pub fn new(tables: &str) -> Self {
        let desk = Self { dir: tempfile::tempdir().unwrap() };
        desk.run(&["init", "kit"], 0);
        let key = age::x25519::Identity::generate();
        fs::write(desk.path("auditor.key"), key.to_string().expose_secret()).unwrap();
        let recipient = key.to_public().to_string();
        let tables = tables.replace("AUDITOR", &recipient);
        fs::write(desk.path("kit/method.toml"), two_of_three(&tables)).unwrap();
        fs::create_dir(desk.path("home")).unwrap();
        desk
    }

    /// The same, recorded for the auditor, with the credential dealt and confirmed.
    pub fn dealt(tables: &str, credential: &str) -> Self {
        let desk = Self::new(&format!("{tables}[audit]\nrecipients = [\"AUDITOR\"]\n"));
        desk.deal(credential);
        desk
    }

    pub fn deal(&self, credential: &str) {
        fs::write(self.path("secret"), credential).unwrap();
        let split = ["-C", "kit", "split", "--from", "secret", "--media", "file", "-o", "papers"];
        self.run(&split, 0);
        fs::remove_file(self.path("secret")).unwrap();
        let bags = ["--bag", "1a=T1", "--bag", "2a=T2", "--bag", "3a=T3", "--exception", "a test"];
        self.run(&[&["-C", "kit", "confirm", "papers", "--no-book"], &bags[..]].concat(), 0);
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Runs the program without a terminal; it has to end with that code. Returns what it said.
    #[track_caller]
    pub fn run(&self, args: &[&str], code: i32) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_breakglass"));
        command.args(args).arg("--no-input").current_dir(self.dir.path());
        let output = command.env("HOME", self.path("home")).output().unwrap();
        let said = [&output.stdout[..], &output.stderr[..]].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert_eq!(output.status.code(), Some(code), "{args:?}\n{said}");
        said
    }

    /// Everything that `combine` would ask, as flags.
    fn release<'a>(now: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        let args = ["-C", "kit", "combine", "papers", "--no-book", "--operator", "A. Berg"];
        let rest = ["--operator-id", "E9", "--reason", "DRILL", "--ticket", "INC-1"];
        let last = ["--time", now, "--exception", "a test"];
        [&args[..], &rest[..], &last[..], more].concat()
    }

    /// Releases at a terminal of 24 rows; everything is answered up to the session.
    pub fn sit(&self, columns: u16, more: &[&str], variables: &[(&str, &str)]) -> Dialogue {
        let now = Instant::now().rfc3339();
        let home = self.path("home").display().to_string();
        let own = [("HOME", home.as_str()), ("SHELL", "/bin/sh"), ("PS1", "$ "), ("ENV", "")];
        let variables = [&own[..], variables].concat();
        let args = Self::release(&now, more);
        let mut dialogue = Dialogue::start_with(self.dir(), &args, &variables, (24, columns));
        dialogue.wait_any(&["`exit` ends it"]);
        dialogue.wait_any(&["\n"]);
        dialogue
    }

    /// Releases without a terminal.
    #[track_caller]
    pub fn release_to(&self, more: &[&str], code: i32) -> String {
        let now = Instant::now().rfc3339();
        let args = Self::release(&now, &["--no-input"]);
        let args: Vec<&str> = args.into_iter().filter(|arg| *arg != "--no-input").collect();
        // what is run comes last
        let mut command = Command::new(env!("CARGO_BIN_EXE_breakglass"));
        command.arg("--no-input").args(args).args(more).current_dir(self.dir());
        command.env("HOME", self.path("home")).stdin(std::process::Stdio::null());
        let output = command.output().unwrap();
        let said = [&output.stdout[..], &output.stderr[..]].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert_eq!(output.status.code(), Some(code), "{more:?}\n{said}");
        said
    }

    /// Recordings of the kit, oldest first.
    pub fn recordings(&self) -> Vec<PathBuf> {
        let all = fs::read_dir(self.path("kit/sessions")).into_iter().flatten();
        let mut all: Vec<PathBuf> = all.map(|entry| entry.unwrap().path()).collect();
        all.sort();
        all
    }

    /// The one recording, as one cast.
    #[track_caller]
    pub fn cast(&self) -> String {
        let [recording] = &self.recordings()[..] else { panic!("{:?}", self.recordings()) };
        self.cast_of(recording)
    }

    #[track_caller]
    pub fn cast_of(&self, recording: &Path) -> String {
        let _ = fs::remove_file(self.path("cast"));
        let recording = recording.to_str().unwrap();
        self.run(
            &["-C", "kit", "session", "show", recording, "-i", "auditor.key", "--cast", "cast"],
            0,
        );
        fs::read_to_string(self.path("cast")).unwrap()
    }

    /// What the one recording showed, as text.
    #[track_caller]
    pub fn text(&self) -> String {
        let recording = self.recordings()[0].display().to_string();
        self.run(&["-C", "kit", "session", "show", &recording, "-i", "auditor.key", "--text"], 0)
    }

    /// Records of an event.
    pub fn records(&self, event: &str) -> Vec<Value> {
        let book = fs::read_to_string(self.path("kit/logbook.jsonl")).unwrap();
        let all = book.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        all.filter(|record| record["event"] == event).collect()
    }
}

/// What was typed or shown, by the code of its events, joined.
pub fn events(cast: &str, code: &str) -> String {
    let events = cast.lines().skip(1).map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.filter(|e| e[1] == code).map(|e| e[2].as_str().unwrap().to_owned()).collect()
}

/// Fails where a secret is in a cast: whole, in part, wrapped over lines, or encoded.
#[track_caller]
pub fn holds_none_of(cast: &str, secret: &str) {
    for code in ["o", "i"] {
        // what moves the terminal does not hide it
        let mut escapes = breakglass::session::escapes::Escapes::default();
        let stream = events(cast, code);
        let text: Vec<u8> = stream.bytes().filter(|byte| escapes.is_text(*byte)).collect();
        let text = String::from_utf8_lossy(&text).replace(' ', "");
        let secret = secret.replace(' ', "");
        for part in [&secret[..12], &secret[secret.len() - 12..]] {
            assert!(!text.contains(part), "`{part}` in {text}");
        }
    }
}
