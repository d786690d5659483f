//! `combine --rotate` with the driver `manual`, at a terminal: one release from the sheets to the next generation.
#![allow(clippy::unwrap_used, dead_code, missing_docs)]

#[path = "support/dialogue.rs"]
mod dialogue;
#[path = "support/papers.rs"]
mod papers;
#[path = "support/small.rs"]
mod small;

use std::fs;
use std::path::Path;
use std::process::Command;

use breakglass::kit::Kit;
use breakglass::state::{Stage, State};
use dialogue::Dialogue;
use papers::PROGRAM;
use small::two_of_three;

const FIRST: &str = "first-secret-of-all";
const SECOND: &str = "second-secret-of-all";

fn run(folder: &Path, args: &[&str]) {
    let output =
        Command::new(PROGRAM).args(args).arg("--no-input").current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{args:?}\n{}", String::from_utf8_lossy(&output.stderr));
}

/// A kit of two of three whose credential is confirmed.
fn kit(target: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    run(at, &["init", "kit"]);
    let tables = format!(
        "[rotation]\ndriver = \"manual\"\n[rotation.target]\nwhere = \"the payroll console\"\n{target}"
    );
    fs::write(at.join("kit/method.toml"), two_of_three(&tables)).unwrap();
    fs::write(at.join("secret"), FIRST).unwrap();
    run(at, &["-C", "kit", "split", "--from", "secret", "--credential-id", "K1", "-o", "papers-1"]);
    let bags = ["--bag", "1a=T1", "--bag", "2a=T2", "--bag", "3a=T3", "--exception", "a test"];
    run(at, &[&["-C", "kit", "confirm", "papers-1", "--no-book"], &bags[..]].concat());
    dir
}

/// Somebody who does what is asked; `decide` answers what is about the platform.
fn works_through(
    dialogue: &mut Dialogue,
    mut decide: impl FnMut(&str, &str) -> Option<String>,
    until: &str,
) {
    let asked = [
        "Enter if the clock is right, or type the time",
        "Ticket (",
        "Press Enter",
        "done with the credential? [y/n] ",
        "then Enter: ",
        "sheet> ",
        "Set code in the paper book (or `no book`): ",
        "goes into: ",
        "Type why",
        "Enter to open it",
        "a blank between (Enter: ",
        "Enter: none): ",
        "it was not made): ",
        "New password (not shown as you type): ",
        "Again: ",
        "[?] no answer: ",
        "[n] it was not done: ",
        "ended? [y/n/?] ",
        "by hand, out of this program's sight",
        "Who leads it, name: ",
        "Who is the witness, name: ",
        "instead, or `no`: ",
        "Enter goes on: ",
        "or `again`: ",
        "file or folder: ",
        "Number of the bag of sheet ",
        "none of its own): ",
        "Enter goes on, `again`: ",
        "Delete the scans, too: ",
    ];
    let mut bag = 0;
    for _ in 0..120 {
        let which = dialogue.wait_any(&[&asked[..], &[until]].concat());
        let Some(prompt) = asked.get(which) else { return };
        let before = dialogue.shown()[..dialogue.seen].to_owned();
        let answer = decide(prompt, &before).unwrap_or_else(|| match *prompt {
            "done with the credential? [y/n] " | "ended? [y/n/?] " | "Delete the scans, too: " => {
                "y".to_owned()
            }
            "sheet> " => {
                let at = before.rfind("/sheet-1a").unwrap();
                before[before[..at].rfind(char::is_whitespace).unwrap()..at].trim().to_owned()
            }
            "Who leads it, name: " => "Gus Lee (E3001)".to_owned(),
            "Who is the witness, name: " => "Fay Adams (E2001)".to_owned(),
            // the last file that was named is the one that was printed
            "file or folder: " => {
                let at = before.rfind("/sheet-").unwrap();
                let start = before[..at].rfind(char::is_whitespace).unwrap() + 1;
                let end = before[at..].find(char::is_whitespace).unwrap() + at;
                before[start..end].to_owned()
            }
            "Set code in the paper book (or `no book`): " => "no book".to_owned(),
            "goes into: " | "Number of the bag of sheet " => {
                bag += 1;
                format!("N{bag}")
            }
            "Type why" => "a test of the terminal".to_owned(),
            _ => String::new(),
        });
        // what is asked with more words behind it is answered at the end of its line
        dialogue.type_in(&format!("{answer}\r"));
    }
    panic!("no end:\n{}", dialogue.shown());
}

/// Which credential the last question was about.
fn about(before: &str) -> &str {
    let at = before.rfind("the payroll console as ").unwrap() + "the payroll console as ".len();
    &before[at..at + 2]
}

#[test]
fn a_release_ends_with_the_next_generation() {
    let dir = kit("");
    let args = ["-C", "kit", "combine", "papers-1", "--no-book", "--rotate"];
    let who =
        ["--operator", "A", "--operator-id", "E9", "--reason", "DRILL", "--exception", "a test"];
    let mut dialogue = Dialogue::start_in(dir.path(), &[&args[..], &who[..]].concat());
    let mut revoked = false;
    let decide = |prompt: &str, before: &str| {
        let answer = match prompt {
            "it was not made): " => "K2",
            "New password (not shown as you type): " | "Again: " => SECOND,
            "[?] no answer: " => {
                if revoked && about(before) == "K1" {
                    "n"
                } else {
                    "y"
                }
            }
            "[n] it was not done: " => {
                revoked = true;
                "y"
            }
            _ => return None,
        };
        Some(answer.to_owned())
    };
    works_through(&mut dialogue, decide, "is revoked: the platform refuses it");
    let shown = dialogue.end(0);
    // the old sheets were not asked for again: one release, one opening of the new set
    let (state, _) =
        State::of_book(&Kit::open(&dir.path().join("kit")).unwrap().logbook()).unwrap();
    let stages: Vec<Stage> = state.sets.iter().map(|set| state.stage(set)).collect();
    assert_eq!(stages, [Stage::Retired, Stage::Current], "{shown}");
    let book = fs::read_to_string(dir.path().join("kit/logbook.jsonl")).unwrap();
    let count = |event: &str| book.matches(&format!("\"event\":\"{event}\"")).count();
    // two confirmations open a set each
    assert_eq!((count("RELEASE"), count("END"), count("OPENING")), (1, 1, 2), "{book}");
    // the released secret was on the other screen, once; the new one never
    assert_eq!(shown.matches(FIRST).count(), 1);
    assert!(!shown.contains(SECOND) && !book.contains(SECOND));
    let certificate = fs::read_dir(dir.path().join("kit/sets")).unwrap().flatten();
    let certificates = certificate.filter(|set| set.path().join("destruction.pdf").exists());
    assert_eq!(certificates.count(), 1);
}

/// The same as a ceremony: the steps of the other script, each new sheet by itself, nothing left behind.
#[test]
fn a_rotation_may_be_a_ceremony() {
    let dir = kit("");
    let args = [
        "-C",
        "kit",
        "rotate",
        "papers-1",
        "--no-book",
        "--exception",
        "a test",
        "--ceremony",
        "-o",
        "papers-2",
    ];
    let mut dialogue = Dialogue::start_in(dir.path(), &args);
    let mut revoked = false;
    let decide = |prompt: &str, before: &str| {
        let answer = match prompt {
            "it was not made): " => "K2",
            "New password (not shown as you type): " | "Again: " => SECOND,
            "[?] no answer: " if revoked && about(before) == "K1" => "n",
            "[?] no answer: " => "y",
            "[n] it was not done: " => {
                revoked = true;
                "y"
            }
            _ => return None,
        };
        Some(answer.to_owned())
    };
    works_through(&mut dialogue, decide, "Step 15, all");
    dialogue.answer("Enter goes on: ", "");
    let shown = dialogue.end(0);
    let steps = [
        "Step 5, custodians",
        "Step 6, operator",
        "Step 7, operator",
        "Step 8, witness",
        "Step 9, holder, alone",
        "Step 12, operator",
        "Step 13, operator",
        "Step 14, operator, witness",
    ];
    let places: Vec<usize> = steps
        .iter()
        .map(|step| shown.find(step).unwrap_or_else(|| panic!("no `{step}` in:\n{shown}")))
        .collect();
    assert!(places.is_sorted(), "{places:?}");
    assert!(!dir.path().join("papers-2").exists());
    let (state, _) =
        State::of_book(&Kit::open(&dir.path().join("kit")).unwrap().logbook()).unwrap();
    let stages: Vec<Stage> = state.sets.iter().map(|set| state.stage(set)).collect();
    assert_eq!(stages, [Stage::Retired, Stage::Current], "{shown}");
    let book = fs::read_to_string(dir.path().join("kit/logbook.jsonl")).unwrap();
    assert!(book.contains("\"lead\":{\"id\":\"E3001\""), "{book}");
}

/// Stopped at the first new sheet: the new set is void and its files are gone; the old credential works on.
#[test]
fn a_rotation_that_stops_early_voids_the_new_set() {
    let dir = kit("");
    let args = [&ROTATE[..], &["--ceremony", "-o", "papers-2"]].concat();
    let mut dialogue = Dialogue::start_in(dir.path(), &args);
    let decide = |prompt: &str, _: &str| stops_at_the_first_sheet(prompt);
    works_through(&mut dialogue, decide, "is aborted; destroy what was printed: 1a");
    dialogue.end(130);
    assert!(!dir.path().join("papers-2").exists());
    let state = state(dir.path());
    let stages: Vec<Stage> = state.sets.iter().map(|set| state.stage(set)).collect();
    assert_eq!(stages, [Stage::Current, Stage::Aborted]);
}

/// Stopped when the new set is confirmed: nothing more is done, and the next run goes on from the new sheets.
#[test]
fn a_rotation_that_stops_late_goes_on_later() {
    let dir = kit("");
    let args = [&ROTATE[..], &["--ceremony", "-o", "papers-2"]].concat();
    let mut dialogue = Dialogue::start_in(dir.path(), &args);
    let decide = |prompt: &str, before: &str| match prompt {
        "Enter goes on: " if before.contains("Generation 2 is CONFIRMED") => {
            Some(dialogue::CTRL_C.to_owned())
        }
        "or `again`: " => None,
        _ => stops_at_the_first_sheet(prompt),
    };
    works_through(
        &mut dialogue,
        decide,
        "the new set is on paper, and the rotation is not finished",
    );
    dialogue.end(130);
    assert!(!dir.path().join("papers-2").exists());
    let state = state(dir.path());
    let stages: Vec<Stage> = state.sets.iter().map(|set| state.stage(set)).collect();
    assert_eq!(stages, [Stage::Current, Stage::Confirmed]);
}

/// Where the old credential was ended at once, the new papers are the only ones that work: nothing of them is voided.
#[test]
fn the_only_papers_that_work_are_never_voided() {
    let dir = kit("");
    let args =
        [&ROTATE[..], &["--ceremony", "-o", "papers-2", "--compromised", "seen on a screen"]];
    let mut dialogue = Dialogue::start_in(dir.path(), &args.concat());
    let mut revoked = false;
    let decide = |prompt: &str, before: &str| {
        if prompt == "[n] it was not done: " {
            revoked = true;
            return Some("y".to_owned());
        }
        if prompt == "[?] no answer: " && revoked && about(before) == "K1" {
            return Some("n".to_owned());
        }
        stops_at_the_first_sheet(prompt)
    };
    works_through(&mut dialogue, decide, "are the only ones that work; their files are in");
    dialogue.end(130);
    let files = fs::read_dir(dir.path().join("papers-2")).unwrap().count();
    assert_eq!(files, 3);
    let state = state(dir.path());
    assert_eq!(state.stage(state.newest().unwrap()), Stage::Dealt);
    // and they are gone on with
    let bags = ["--bag", "1a=N1", "--bag", "2a=N2", "--bag", "3a=N3", "--exception", "a test"];
    run(dir.path(), &[&["-C", "kit", "confirm", "papers-2", "--no-book"], &bags[..]].concat());
}

const ROTATE: [&str; 7] = ["-C", "kit", "rotate", "papers-1", "--no-book", "--exception", "a test"];

fn stops_at_the_first_sheet(prompt: &str) -> Option<String> {
    let answer = match prompt {
        "it was not made): " => "K2",
        "New password (not shown as you type): " | "Again: " => SECOND,
        "[?] no answer: " => "y",
        "or `again`: " => dialogue::CTRL_C,
        _ => return None,
    };
    Some(answer.to_owned())
}

fn state(folder: &Path) -> State {
    State::of_book(&Kit::open(&folder.join("kit")).unwrap().logbook()).unwrap().0
}

#[test]
fn whoever_stops_at_the_platform_goes_on_later() {
    let dir = kit("");
    let args = ["-C", "kit", "rotate", "papers-1", "--no-book", "--exception", "a test"];
    let mut dialogue = Dialogue::start_in(dir.path(), &args);
    let decide = |prompt: &str, _: &str| (prompt == "[?] no answer: ").then(|| "y".to_owned());
    works_through(&mut dialogue, decide, "no credential was made");
    // nothing was made, and the old one still works
    dialogue.end(4);
}
