//! Real papers: a kit and a set that the program itself dealt, in a folder that goes away.
#![allow(clippy::unwrap_used, dead_code, missing_docs, unreachable_pub)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_breakglass");

/// The example method, as `init` lays it down.
pub const METHOD: &str = include_str!("../../custodian-kit/method.toml");

/// A folder with a kit in `kit/`, and with the papers of one set in `papers/`.
pub struct Papers {
    dir: tempfile::TempDir,
}

/// How a run ended.
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code().unwrap_or(-1),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }
}

impl Run {
    /// Fails unless the run ended with that code and said all of that.
    #[track_caller]
    pub fn expect(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        for word in words {
            let said = self.err.contains(word) || self.out.contains(word);
            assert!(said, "no `{word}` in:\n{}\n{}", self.out, self.err);
        }
    }
}

impl Papers {
    /// A kit of the example method, with nothing dealt.
    pub fn kit_only() -> Self {
        let papers = Self { dir: tempfile::tempdir().unwrap() };
        papers.run(&["init", "kit"]).expect(0, &[]);
        papers
    }

    /// The credential dealt by the example method, 3 of 5.
    pub fn of(credential: &[u8]) -> Self {
        Self::dealt(METHOD, credential, &[])
    }

    /// The credential dealt by a method, with further flags of `split`.
    pub fn dealt(method: &str, credential: &[u8], flags: &[&str]) -> Self {
        let papers = Self::kit_only();
        std::fs::write(papers.path("kit/method.toml"), method).unwrap();
        std::fs::write(papers.path("credential"), credential).unwrap();
        let split = ["-C", "kit", "split", "--from", "credential", "-o", "papers"];
        papers.run(&[&split[..], flags].concat()).expect(0, &["reads back"]);
        papers
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        std::fs::write(self.path(name), content).unwrap();
        name.to_owned()
    }

    /// Runs the program in the folder, without a terminal.
    pub fn run(&self, args: &[&str]) -> Run {
        let mut command = Command::new("setsid");
        command.arg("-w").arg(PROGRAM).args(args).current_dir(self.dir());
        command.output().unwrap().into()
    }

    /// The names of the sheets' files in the folder, `papers/sheet-1a-ana-ruiz.pdf` first.
    pub fn sheets(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.path("papers")).unwrap();
        let mut names: Vec<String> = names
            .map(|entry| format!("papers/{}", entry.unwrap().file_name().to_string_lossy()))
            .collect();
        names.sort();
        names
    }

    /// The file of one sheet, `3b`.
    pub fn sheet(&self, sheet: &str) -> String {
        let start = format!("papers/sheet-{sheet}-");
        self.sheets().into_iter().find(|name| name.starts_with(&start)).unwrap()
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// The records of the kit's logbook.
    pub fn records(&self) -> Vec<serde_json::Value> {
        let text = String::from_utf8(self.read("kit/logbook.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub fn events(&self) -> Vec<String> {
        self.records().iter().map(|r| r["event"].as_str().unwrap().to_owned()).collect()
    }

    /// The set code, as the ISSUE record has it.
    pub fn set_code(&self) -> String {
        let records = self.records();
        let issue = records.iter().find(|record| record["event"] == "ISSUE").unwrap();
        issue["set"].as_str().unwrap().to_owned()
    }

    /// The folder of the set in the kit.
    pub fn set_folder(&self) -> PathBuf {
        let code = self.set_code();
        self.path(&format!("kit/sets/{}", &code[2..21]))
    }

    /// `combine` with every question answered.
    pub fn combine(&self, sheets: &[&str], flags: &[&str]) -> Run {
        let code = self.set_code();
        let mut args = vec!["combine", "--set-code", &code, "--operator", "B. Alvarez"];
        args.extend(["--operator-id", "E2040", "--reason", "DRILL", "--exception", "test"]);
        args.extend(["--no-input", "--output", "out"]);
        args.extend(flags);
        args.extend(sheets);
        let _ = std::fs::remove_file(self.path("out"));
        self.run(&args)
    }

    /// Fails unless these sheets give the credential byte for byte.
    #[track_caller]
    pub fn opens(&self, sheets: &[&str], flags: &[&str]) {
        self.combine(sheets, flags).expect(0, &["Revoke before"]);
        assert!(self.read("out") == self.read("credential"), "other bytes came out");
    }
}

/// Two throw-away keys as an identity file has them, and their recipients.
pub const KEYS: [(&str, &str); 2] = [
    (
        "# a key\nAGE-SECRET-KEY-1R4SGEDLLDVPPJUVMP7WQUXE5PAMLRUUAVSZ6KENXM747EAQQUKZSDQVWT2\n",
        "age147gsfg7xhj4elh82yn77l8ry7hknj4l68ma54km2yt60r9vlsvrqpsw2xy",
    ),
    (
        "AGE-SECRET-KEY-1A4HNWZAN6A28LVQNLZ00LYV54JWD07D5SQHU9NDYAFHV48J9KVKQW0JQXL\n",
        "age12uq7lv84cg6vkge4x2w47arydw3ahvrl6vjxwhslyz0s4jw3uywqfduhkr",
    ),
];

/// The example method with locks, each under the custodian of that id.
pub fn locked(locks: &[(&str, &str)]) -> String {
    locks.iter().fold(METHOD.to_owned(), |method, (id, lock)| {
        let line = format!("id = \"{id}\"");
        assert!(method.contains(&line), "{id}");
        method.replace(&line, &format!("{line}\n{lock}"))
    })
}

/// A lock to both keys.
pub fn to_keys() -> String {
    format!(
        "recipient = [\"{}\", \"{}\"]\nsecond_way = \"the key in safe 9\"",
        KEYS[0].1, KEYS[1].1
    )
}

/// A lock with a passphrase.
pub const BY_PASSPHRASE: &str = "lock = \"passphrase\"\nsecond_way = \"sealed envelope, safe 1\"";

/// The example method with two copies of every share: ten custodians, five numbers.
pub fn two_copies() -> String {
    let names = ["Fay Ito", "Gil Roth", "Hana Weiss", "Ivo Lang", "Jo Petit"];
    let others = (1..).zip(names).map(|(share, name)| {
        format!(
            "\n[[custodians]]\nname = \"{name}\"\nid = \"E200{share}\"\nshare = {share}\ncopy = \"b\"\n\
             site = \"Ghent, safe {share}\"\n"
        )
    });
    let first = METHOD.replace("share = ", "copy = \"a\"\nshare = ");
    std::iter::once(first).chain(others).collect()
}
