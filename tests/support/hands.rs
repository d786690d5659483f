//! Somebody who has the papers of every run at hand, as text files, and rotates with them.
#![allow(dead_code, unreachable_pub)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use breakglass::kit::Kit;
use breakglass::opening::{self, Codes, Origin, Pile};
use breakglass::state::{Set, State};

/// Which papers belong to which set: set code, folder.
pub type Papers = Vec<(String, String)>;

/// How things stand by the records of `kit` in a folder.
pub fn state(folder: &Path) -> State {
    State::of_book(&Kit::open(&folder.join("kit")).unwrap().logbook()).unwrap().0
}

/// The papers of a set.
pub fn papers_of(papers: &Papers, code: &str) -> Option<String> {
    papers.iter().find(|(set, _)| set == code).map(|(_, papers)| papers.clone())
}

/// Rotates a kit of two of three with whatever papers a run may need; dies at a place.
pub fn rotate(folder: &Path, papers: &mut Papers, fault: &str, more: &[&str]) -> Output {
    let output = format!("papers-of-run-{}", papers.len());
    let before = state(folder);
    let alive: Vec<&Set> = before.sets.iter().filter(|set| before.stage(set).is_alive()).collect();
    let old = alive.first().and_then(|set| papers_of(papers, &set.code));
    let confirmed = alive.get(1).filter(|set| set.is_confirmed());
    let new = confirmed.and_then(|set| papers_of(papers, &set.code)).unwrap_or(output.clone());
    let mut command = Command::new(env!("CARGO_BIN_EXE_breakglass"));
    command.args(["-C", "kit", "rotate"]).args(old).args(["--no-book", "--new", &new]);
    command.args(["--new-no-book", "-o", &output, "--media", "file", "--exception", "a test"]);
    command.args(["--bag", "1a=N1", "--bag", "2a=N2", "--bag", "3a=N3", "--no-input", "--void"]);
    command.args(more).current_dir(folder).env("HOME", folder).env("BREAKGLASS_FAULT", fault);
    let ended = command.output().unwrap();
    let known: Vec<&String> = papers.iter().map(|(set, _)| set).collect();
    let fresh = state(folder).sets.iter().map(|set| set.code.clone()).find(|c| !known.contains(&c));
    papers.push((fresh.unwrap_or_default(), output));
    ended
}

/// What the papers in a folder give, opened without the program; nothing where too few are whole.
pub fn open(papers: &Path) -> Option<String> {
    let mut pile = Pile::default();
    for entry in fs::read_dir(papers).ok()?.map(|e| e.unwrap().path()) {
        let origin = Origin { file: entry.display().to_string(), place: None };
        for line in fs::read_to_string(&entry).unwrap().lines() {
            pile.add_line(line, &origin);
        }
    }
    let groups = opening::groups(&pile, &[], &mut Codes::default());
    let case = opening::examine(&pile, groups.first()?, &[]);
    let opened = case.open().ok()?;
    Some(String::from_utf8(opened.credential.expose().to_vec()).unwrap())
}

/// The places where a run can die, from one that was asked to list them: number and name.
pub fn places(listed: &str) -> Vec<(String, String)> {
    let place = |line: &str| {
        let (fault, name) = line.strip_prefix("fault ")?.split_once(": ")?;
        Some((fault.to_owned(), name.to_owned()))
    };
    listed.lines().filter_map(place).collect()
}
