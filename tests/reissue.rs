//! `reissue`: a destroyed sheet comes back under the next letter; a lost one never does.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "support/small.rs"]
mod small;

use std::fs;
use std::process::Command;

use small::two_of_three;

const SECRET: &str = "the-secret-of-all";

struct Office {
    dir: tempfile::TempDir,
}

impl Office {
    /// A kit of two of three whose set is confirmed.
    fn new() -> Self {
        let office = Self { dir: tempfile::tempdir().unwrap() };
        office.run(&["init", "kit"], 0);
        fs::write(office.dir.path().join("kit/method.toml"), two_of_three("")).unwrap();
        fs::write(office.dir.path().join("secret"), SECRET).unwrap();
        office.kit(&["split", "--from", "secret", "-o", "papers"], 0);
        let bags = ["--bag", "1a=T1", "--bag", "2a=T2", "--bag", "3a=T3", "--exception", "a test"];
        office.kit(&[&["confirm", "papers", "--no-book"], &bags[..]].concat(), 0);
        office
    }

    #[track_caller]
    fn run(&self, args: &[&str], code: i32) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_breakglass"))
            .args(args)
            .arg("--no-input")
            .current_dir(self.dir.path())
            .output()
            .unwrap();
        let said = [&output.stdout[..], &output.stderr[..]].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert_eq!(output.status.code(), Some(code), "{args:?}\n{said}");
        said
    }

    #[track_caller]
    fn kit(&self, args: &[&str], code: i32) -> String {
        self.run(&[&["-C", "kit"], args].concat(), code)
    }

    fn destroy(&self, sheet: &str) {
        let words =
            ["--kind", "torn by water", "--witness", "W. Boss (E9)", "--exception", "a test"];
        self.kit(&[&["log", "add", "DESTROY", "--sheet", sheet], &words[..]].concat(), 0);
    }

    #[track_caller]
    fn reissue(&self, sheet: &str, more: &[&str], code: i32) -> String {
        let papers = ["papers/sheet-1a-ana-ruiz.pdf", "papers/sheet-2a-ben-hart.pdf"];
        let words = ["--why", "water in the safe", "--no-book", "--exception", "a test"];
        self.kit(&[&["reissue", sheet], &papers[..], &words[..], more].concat(), code)
    }

    /// Opens the set from two papers; returns what was said.
    #[track_caller]
    fn opens(&self, papers: [&str; 2]) -> String {
        let who = ["--operator", "A", "--operator-id", "E9", "--reason", "DRILL", "--no-book"];
        let out = ["--exception", "a test", "--output", "released"];
        let said = self.kit(&[&["combine"], &papers[..], &who[..], &out[..]].concat(), 0);
        let released = self.dir.path().join("released");
        assert_eq!(fs::read_to_string(&released).unwrap(), SECRET);
        fs::remove_file(released).unwrap();
        said
    }
}

#[test]
fn a_sheet_that_is_there_was_not_destroyed() {
    let office = Office::new();
    office.destroy("2a");
    let said = office.reissue("2a", &["-o", "again"], 1);
    assert!(said.contains("sheet 2a is here: it was not destroyed"), "{said}");
    assert!(!office.dir.path().join("again").exists());
    // and one that is said to be lost counts as an exception, which is recorded
    let lost = ["log", "add", "LOST", "--sheet", "1a", "--note", "not in its safe"];
    office.kit(&lost, 0);
    office.destroy("3a");
    office.reissue("3a", &["-o", "again"], 0);
    let book = fs::read_to_string(office.dir.path().join("kit/logbook.jsonl")).unwrap();
    for kind in ["lost sheet", "destroyed sheet"] {
        assert_eq!(book.matches(&format!("\"kind\":\"{kind}\"")).count(), 1, "{kind}");
    }
}

#[test]
fn a_destroyed_sheet_comes_back_under_the_next_letter() {
    let office = Office::new();
    let said = office.reissue("3a", &["-o", "again"], 1);
    assert!(said.contains("sheet 3a was not destroyed, by the records"), "{said}");
    office.destroy("3a");
    let said = office.reissue("3a", &["-o", "again"], 0);
    assert!(said.contains("3b takes its place, for Chen Li"), "{said}");
    let new = "again/sheet-3b-chen-li.pdf";
    // it is as good as any, and only the one that is confirmed
    office.kit(&["confirm", new, "--no-book", "--bag", "3b=N3", "--exception", "a test"], 0);
    office.opens(["papers/sheet-1a-ana-ruiz.pdf", new]);
    let book = fs::read_to_string(office.dir.path().join("kit/logbook.jsonl")).unwrap();
    let record = book.lines().find(|line| line.contains("\"event\":\"REISSUE\"")).unwrap();
    let record: serde_json::Value = serde_json::from_str(record).unwrap();
    assert_eq!(record["sheets"], serde_json::json!(["3b"]));
    assert_eq!(record["reason_text"], "water in the safe");
    assert!(record["sheet_hashes"]["3b"].is_string() && record["template"].is_string());
    assert!(book.contains("\"kind\":\"reissue\""), "the opening has its record");
    let said = office.reissue("3a", &["-o", "once-more"], 1);
    assert!(said.contains("sheet 3b took the place of 3a already"), "{said}");
    let status = office.kit(&["status"], 0);
    assert!(status.contains("3b"), "{status}");
}

#[test]
fn what_somebody_may_have_is_never_made_anew() {
    let office = Office::new();
    office.kit(&["log", "add", "LOST", "--sheet", "3a", "--note", "the bag is gone"], 0);
    let said = office.reissue("3a", &["-o", "again"], 1);
    assert!(said.contains("whoever has it keeps a share that works"), "{said}");
    assert!(said.contains("`breakglass rotate`"), "{said}");
    assert!(office.reissue("9a", &[], 1).contains("has no sheet 9a"));
    assert!(office.reissue("x", &[], 2).contains("write it like 2a"));
    assert!(!office.dir.path().join("again").exists());
}

#[test]
fn fewer_than_k_sheets_make_none() {
    let office = Office::new();
    office.destroy("3a");
    let said = office.kit(
        &[
            "reissue",
            "3a",
            "papers/sheet-1a-ana-ruiz.pdf",
            "--why",
            "water in the safe",
            "--no-book",
            "-o",
            "again",
        ],
        3,
    );
    assert!(said.contains("1 of 2"), "{said}");
    let book = fs::read_to_string(office.dir.path().join("kit/logbook.jsonl")).unwrap();
    assert!(!book.contains("REISSUE"));
}

/// The destroyed sheet that turns up all the same, and a sheet for somebody else.
#[test]
fn a_destroyed_sheet_that_turns_up_is_named() {
    let office = Office::new();
    office.destroy("3a");
    office.reissue("3a", &["-o", "again", "--custodian", "D. New (E44)"], 0);
    let said = office.opens(["papers/sheet-1a-ana-ruiz.pdf", "papers/sheet-3a-chen-li.pdf"]);
    assert!(said.contains("3a was reported destroyed"), "{said}");
    let new = "again/sheet-3b-d-new.pdf";
    office.opens(["papers/sheet-1a-ana-ruiz.pdf", new]);
}
