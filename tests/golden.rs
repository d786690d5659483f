//! Papers of every format version open for ever, in every form in which they may come back.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::{Path, PathBuf};
use std::process::Command;

use breakglass::logbook::Logbook;
use breakglass::set::SheetId;
use breakglass::state::{Fate, State};

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1")
}

#[track_caller]
fn opens(forms: &[&str], kit: Option<&Path>) {
    let dir = tempfile::tempdir().unwrap();
    let code = std::fs::read_to_string(golden().join("set-code")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_breakglass"));
    command
        .current_dir(dir.path())
        .arg("combine")
        .args(forms.iter().map(|form| golden().join(form)));
    command.args([
        "--set-code",
        code.trim(),
        "--operator",
        "A",
        "--operator-id",
        "B",
        "--reason",
        "DRILL",
    ]);
    command.args(["--exception", "the papers of version 1", "--no-input", "--output", "out"]);
    if let Some(kit) = kit {
        command.arg("-C").arg(kit);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let opened = std::fs::read(dir.path().join("out")).unwrap();
    assert_eq!(opened, std::fs::read(golden().join("credential")).unwrap());
}

#[test]
fn sheets_as_they_were_written() {
    opens(&["sheets"], None);
}

#[test]
fn scans_of_leaf_1() {
    opens(&["scans"], None);
}

#[test]
fn texts_of_codes() {
    opens(&["codes.txt"], None);
}

#[test]
fn typed_lines() {
    opens(&["typed.txt"], None);
}

/// With what the kit kept, four typed lines a sheet are enough.
#[test]
fn typed_shares_with_the_kit() {
    let dir = tempfile::tempdir().unwrap();
    let kit = dir.path().join("kit");
    breakglass::kit::Kit::init(&kit).unwrap();
    let set = std::fs::read_dir(golden().join("sets")).unwrap().next().unwrap().unwrap().path();
    let home = kit.join("sets").join(set.file_name().unwrap());
    std::fs::create_dir_all(&home).unwrap();
    for entry in std::fs::read_dir(&set).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, home.join(path.file_name().unwrap())).unwrap();
    }
    let typed = std::fs::read_to_string(golden().join("typed.txt")).unwrap();
    let shares: Vec<&str> = typed.lines().filter(|line| line.starts_with('K')).collect();
    assert_eq!(shares.len(), 12);
    let file = dir.path().join("k.txt");
    std::fs::write(&file, shares.join("\n")).unwrap();
    opens(&[file.to_str().unwrap()], Some(&kit));
}

/// The form of the logbook is frozen: an old book verifies, its ink holds, and it means what it meant.
#[test]
fn the_logbook() {
    let dir = tempfile::tempdir().unwrap();
    let book = Logbook::at(dir.path().join("logbook.jsonl"));
    std::fs::copy(golden().join("logbook.jsonl"), book.path()).unwrap();
    let verified = book.verify().unwrap();
    let head = std::fs::read_to_string(golden().join("head")).unwrap();
    assert_eq!(verified.entries.last().unwrap().check_code().to_string(), head.trim());
    assert!(verified.entries.iter().all(|entry| entry.event.is_some()));
    let (state, torn) = State::of_book(&book).unwrap();
    assert_eq!((state.records, torn, state.sets.len()), (32, 0, 1));
    let set = &state.sets[0];
    assert_eq!((state.stage(set).word(), set.k, set.n()), ("ABORTED", 3, 5));
    let operators: Vec<&str> = set.releases.iter().map(|r| r.operator.name.as_str()).collect();
    // the second one was made without the kit, and brought in
    assert_eq!(operators, ["B. Alvarez", "C. Diaz"]);
    assert_eq!(set.releases[0].ticket.as_deref(), Some("INC-7"));
    assert!(set.releases[0].ended.is_some() && set.revoked.is_some() && state.closed);
    let holder = |sheet: &str| set.sheets[&SheetId::parse(sheet).unwrap()].holder.clone();
    assert_eq!(holder("5a").unwrap().name, "Hal Reed");
    let fate = |sheet: &str| set.sheets[&SheetId::parse(sheet).unwrap()].fate;
    assert!(matches!(fate("4a"), Fate::Destroyed(_)));
    assert!(matches!(fate("3a"), Fate::Lost(..)));
    assert!(matches!(fate("2a"), Fate::Tampered(..)));
}
