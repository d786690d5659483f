//! The map of the code: arrows point down. A room may use those below it, never those above.
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};

/// Rooms from the ground up; rooms of one line may not use each other unless named in order.
const FLOORS: [&[&str]; 16] = [
    &["fault", "interrupt"],
    &["exit", "secret", "harden", "files", "clock", "rng", "cli"],
    &["sharing", "credential"],
    &["sealing"],
    &["set"],
    &["codes", "method"],
    &["logbook", "paper", "scan"],
    &["state"],
    &["kit"],
    &["opening"],
    &["session"],
    &["audit", "dealing", "delivery", "rotation"],
    &["ui"],
    &["drivers"],
    &["commands"],
    &["main", "lib"],
];

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

fn sources(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

/// Rooms named after `crate::` anywhere in a file, its tests left out.
fn used(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or(text);
    code.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.split("crate::").skip(1))
        .map(|rest| {
            rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()
        })
        .filter(|room| !room.is_empty())
        .collect()
}

#[test]
fn arrows_point_down() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let mut wrong = Vec::new();
    let mut arrows = 0;
    for file in files {
        let inside = file.strip_prefix(&src).unwrap();
        let room =
            inside.components().next().unwrap().as_os_str().to_string_lossy().replace(".rs", "");
        let own = floor(&room).unwrap_or_else(|| panic!("room `{room}` is not on the map"));
        for other in used(&fs::read_to_string(&file).unwrap()) {
            arrows += 1;
            match floor(&other) {
                _ if other == room => {}
                Some(below) if below < own => {}
                _ => wrong.push(format!("{} uses {other}", inside.display())),
            }
        }
    }
    assert!(arrows > 100, "the test no longer sees the code");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Libraries that one room alone knows.
#[test]
fn one_room_knows_each_library() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    for (library, home) in [
        ("printpdf::", "paper/pdf.rs"),
        ("hayro::", "scan/raster.rs"),
        ("rxing::", "scan/qr.rs"),
        ("fec::", "scan/soft.rs"),
        ("heic_decoder::", "scan/heic.rs"),
        ("age::", "sealing"),
        ("sharks::", "sharing.rs"),
        ("ssh_key::", "drivers"),
        ("sha_crypt::", "drivers/linux.rs"),
        ("csv::", "audit"),
        ("avt::", "session/text.rs"),
        ("pty_process::", "session/inside.rs"),
        ("flate2::", "audit/source.rs"),
    ] {
        let mut homes: Vec<String> = Vec::new();
        for file in &files {
            let text = fs::read_to_string(file).unwrap();
            let named = text.lines().any(|line| {
                let line = line.trim_start();
                !line.starts_with("//")
                    && (line.contains(&format!(" {library}"))
                        || line.contains(&format!("({library}"))
                        || line.starts_with(library))
            });
            if named {
                homes.push(file.strip_prefix(&src).unwrap().display().to_string());
            }
        }
        let at_home = |file: &String| file == home || file.split(['/', '.']).next() == Some(home);
        assert!(!homes.is_empty() && homes.iter().all(at_home), "{library}: {homes:?}");
    }
}
