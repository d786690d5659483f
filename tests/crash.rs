//! The program dies at every place where it could: what is on disk then can be verified, and nothing was opened
//! without its record.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

#[path = "support/lab.rs"]
#[allow(dead_code, unreachable_pub)]
mod lab;

use std::fmt::Write as _;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;

use breakglass::logbook::Entry;
use lab::{Lab, sheet_file};

const SHEETS: [&str; 3] = ["1.txt", "2.txt", "3.txt"];

/// How a run ended that was to die at a place.
struct Death {
    /// Where it died; nothing when it lived.
    place: Option<String>,
    said: String,
}

fn run(lab: &Lab, fault: u32, more: &[&str]) -> Death {
    let _ = std::fs::remove_file(lab.path("out"));
    let mut args = vec!["combine"];
    args.extend(SHEETS.iter().chain(more));
    args.extend(["--operator", "A", "--operator-id", "E1", "--reason", "DRILL"]);
    args.extend(["--exception", "a test", "--no-input", "--output", "out"]);
    die(lab, fault, &args)
}

fn die(lab: &Lab, fault: u32, args: &[&str]) -> Death {
    let mut command = Command::new(env!("CARGO_BIN_EXE_breakglass"));
    let command = command.args(args).current_dir(lab.dir());
    let output = command.env("BREAKGLASS_FAULT", fault.to_string()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let place = said.lines().find_map(|line| line.strip_prefix(&format!("fault {fault}: ")));
    let place = place.map(str::to_owned);
    match &place {
        Some(_) => assert_eq!(output.status.signal(), Some(9), "{said}"),
        None => assert!(output.status.success(), "{said}"),
    }
    Death { place, said }
}

fn lab() -> (Lab, String) {
    let lab = Lab::new();
    let dealt = Lab::deal(1);
    lab.issue(&dealt);
    for number in 1..=4 {
        lab.file(&format!("{number}.txt"), &sheet_file(&dealt, number));
    }
    (lab, dealt.code.to_string())
}

/// Whether the credential lies anywhere but where it was to go.
fn leaked(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).any(|path| {
        let secret =
            || String::from_utf8_lossy(&std::fs::read(&path).unwrap()).contains("correct horse");
        path.is_dir() && leaked(&path) || path.is_file() && !path.ends_with("out") && secret()
    })
}

#[test]
fn with_a_kit() {
    let mut matrix = String::new();
    let mut places = Vec::new();
    for fault in 1.. {
        let (lab, code) = lab();
        let more = ["-C", "kit", "--set-code", &code];
        let death = run(&lab, fault, &more);
        let verified = lab.kit().logbook().verify().unwrap();
        let recorded = verified.entries.iter().any(|e| e.text("event") == "RELEASE");
        let out = lab.path("out").exists();
        let place = death.place.clone().unwrap_or("(lived)".into());
        let row = (recorded, verified.torn > 0, out);
        writeln!(
            matrix,
            "{fault:>2} {place:<28} recorded {recorded:<5} torn {:<5} out {out}",
            row.1
        )
        .unwrap();
        assert!(recorded || !out, "{matrix}{}", death.said);
        if ["before the opening", "before the handover"].contains(&place.as_str()) {
            assert!(recorded, "{matrix}");
        }
        // the next run mends the line and releases
        let again = run(&lab, 0, &more);
        assert!(again.place.is_none());
        let verified = lab.kit().logbook().verify().unwrap();
        assert_eq!(verified.torn, 0);
        let dropped = verified.entries.iter().any(|e| e.members.contains_key("dropped"));
        assert_eq!(dropped, row.1, "{matrix}");
        assert!(!leaked(lab.dir()), "{matrix}");
        if death.place.is_none() {
            break;
        }
        places.push(place);
    }
    println!("{matrix}");
    for place in ["in the middle of a record", "before the opening", "in the middle of a new file"]
    {
        assert!(places.iter().any(|p| p == place), "never came to `{place}`:\n{matrix}");
    }
}

#[test]
fn without_a_kit() {
    let mut matrix = String::new();
    for fault in 1.. {
        let (lab, code) = lab();
        let death = run(&lab, fault, &["--set-code", &code]);
        let record = std::fs::read_dir(lab.dir()).unwrap().map(|e| e.unwrap().path());
        let record: Vec<_> = record
            .filter(|p| p.file_name().unwrap().to_string_lossy().starts_with("record-"))
            .collect();
        let recorded = record.iter().any(|path| {
            let text = std::fs::read_to_string(path).unwrap();
            text.lines().all(|line| Entry::read(line.as_bytes()).is_ok())
                && text.contains("RELEASE")
        });
        let out = lab.path("out").exists();
        let place = death.place.clone().unwrap_or("(lived)".into());
        writeln!(matrix, "{fault:>2} {place:<28} recorded {recorded:<5} out {out}").unwrap();
        assert!(recorded || !out, "{matrix}{}", death.said);
        assert!(record.len() <= 1 && (record.is_empty() || recorded), "half a record:\n{matrix}");
        assert!(!leaked(lab.dir()), "{matrix}");
        if death.place.is_none() {
            break;
        }
    }
    println!("{matrix}");
}

/// Runs a verb in a fresh folder until it dies nowhere; after each death the book can be verified, nothing has leaked,
/// and `then` has to work.
fn dies_anywhere(args: &dyn Fn(&str) -> Vec<String>, then: &dyn Fn(&Lab, &str)) {
    let mut matrix = String::new();
    for fault in 1.. {
        let (lab, code) = lab();
        lab.file("out", "correct horse");
        let args = args(&code);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let death = die(&lab, fault, &args);
        let verified = lab.kit().logbook().verify().unwrap();
        let place = death.place.clone().unwrap_or("(lived)".into());
        let (records, torn) = (verified.entries.len(), verified.torn > 0);
        writeln!(matrix, "{fault:>2} {place:<28} records {records} torn {torn}").unwrap();
        assert!(!leaked(lab.dir()), "{matrix}");
        then(&lab, &code);
        assert_eq!(lab.kit().logbook().verify().unwrap().torn, 0, "{matrix}");
        if death.place.is_none() {
            assert!(fault > 3, "nothing to die at:\n{matrix}");
            break;
        }
    }
    println!("{args}\n{matrix}", args = args("").join(" "));
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

#[test]
fn at_a_confirmation() {
    let args = |code: &str| {
        let mut args = words(
            "-C kit --no-input confirm 1.txt 2.txt 3.txt 4.txt --bag 1a=T1 --bag 2a=T2 --bag 3a=T3 --bag 4a=T4 --exception test --set-code",
        );
        args.push(code.to_owned());
        args
    };
    dies_anywhere(&args, &|lab, code| {
        let again = args(code);
        let again: Vec<&str> = again.iter().map(String::as_str).collect();
        assert!(die(lab, 0, &again).place.is_none());
    });
}

#[test]
fn at_a_report() {
    let args = |_: &str| words("-C kit --no-input log add lost --sheet 2a --note train");
    dies_anywhere(&args, &|lab, code| {
        let again = args(code);
        let again: Vec<&str> = again.iter().map(String::as_str).collect();
        assert!(die(lab, 0, &again).place.is_none());
    });
}

#[test]
fn at_a_dealing() {
    let args = |_: &str| words("-C kit --no-input split --media file --from out -o papers");
    // what was half made is left behind as it is, named by `status`, and does not stand in the way of the next
    dies_anywhere(&args, &|lab, _| {
        lab.run(&["-C", "kit", "status"]).expect(0, &["generation 1"]);
        let again = words("-C kit --no-input split --media file --from out -o papers-2");
        let again: Vec<&str> = again.iter().map(String::as_str).collect();
        assert!(die(lab, 0, &again).place.is_none());
    });
}
