//! Papers of every format version open for ever, in every form in which they may come back.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::{Path, PathBuf};
use std::process::Command;

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
