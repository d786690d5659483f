//! Transcripts: commands and what they print, taken out of a text and played in one folder.
//!
//! Codes, dates, hashes and times differ from run to run; they are compared by their form. `...` on a line of its own
//! stands for any lines.
#![allow(clippy::unwrap_used, dead_code, missing_docs, unreachable_pub)]

use std::path::Path;
use std::process::Command;

/// Replaces what differs from run to run: every run of signs inside a code, a date or a long number.
fn masked(text: &str) -> String {
    let line = |line: &str| {
        let mut before = "";
        let words = line.split(' ').map(|word| {
            // how many records there are depends on whether there is a network
            let numbered = before.trim_start_matches('(').starts_with("record");
            before = word;
            let bare = word.trim_matches(|c: char| "(),:;".contains(c));
            if numbered && !bare.is_empty() && bare.bytes().all(|b| b.is_ascii_digit()) {
                return word.replace(bare, "N");
            }
            mask(word)
        });
        words.collect::<Vec<_>>().join(" ")
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn mask(word: &str) -> String {
    let bare = word.trim_matches(|c: char| "'`.,:;()".contains(c));
    let groups: Vec<&str> = bare.split('-').collect();
    let code =
        groups.len() == 5 && groups[..4].iter().all(|g| g.len() == 4) && groups[4].len() == 1;
    let date = bare.len() >= 10
        && bare.is_char_boundary(10)
        && groups.len() >= 3
        && bare[..4].bytes().all(|b| b.is_ascii_digit());
    let clock = bare.len() == 8 && bare.as_bytes()[2] == b':' && bare.as_bytes()[5] == b':';
    let recording = bare.find("sessions/").filter(|_| bare.ends_with('Z'));
    let time = clock
        || bare.len() == 5 && bare.as_bytes()[2] == b':'
        || bare.len() == 6 && bare.starts_with(['+', '-']) && bare.as_bytes()[3] == b':';
    let file = bare.starts_with("record-") && bare.contains(".json");
    if code {
        word.replace(bare, "CODE")
    } else if date {
        word.replace(bare, "DATE")
    } else if time {
        word.replace(bare, "TIME")
    } else if let Some(at) = recording {
        word.replace(&bare[at..], "sessions/NAME")
    } else if file {
        word.replace(bare, "record-CODE.json")
    } else {
        word.to_owned()
    }
}

/// A `...` line in the expected text stands for any lines.
fn fits(expected: &[&str], got: &[&str]) -> bool {
    match expected.split_first() {
        None => got.is_empty(),
        Some((&"...", rest)) => (0..=got.len()).any(|skip| fits(rest, &got[skip..])),
        Some((first, rest)) => got.first() == Some(first) && fits(rest, &got[1..]),
    }
}

/// Takes the blocks apart into commands and what they print.
pub fn steps(text: &str, fence: &str) -> Vec<(String, String)> {
    let mut steps: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        match line {
            _ if line == fence => inside = true,
            "```" => inside = false,
            _ if !inside => {}
            _ => match (line.strip_prefix("$ "), steps.last_mut()) {
                (Some(command), _) => steps.push((command.to_owned(), String::new())),
                (None, Some((command, output))) if line.starts_with("> ") && output.is_empty() => {
                    command.push('\n');
                    command.push_str(&line[2..]);
                }
                (None, Some((_, output))) => {
                    output.push_str(line);
                    output.push('\n');
                }
                (None, None) => panic!("output before any command: {line}"),
            },
        }
    }
    steps
}

/// What differs between machines: whether there is a network, and so how many records there are.
pub fn is_compared(line: &str) -> bool {
    let network = line.contains("this machine has a network route");
    !network && !line.starts_with("Recorded: record ") && line != "This speaks against it:"
}

fn compared(text: &str) -> Vec<String> {
    let lines = masked(text);
    let lines = lines.lines().map(str::trim_end).filter(|line| !line.is_empty());
    lines.filter(|line| is_compared(line)).map(str::to_owned).collect()
}

/// Runs the steps one after the other in one folder; returns what each printed.
pub fn play(
    dir: &Path,
    steps: &[(String, String)],
    variables: &[(&str, &str)],
    name: &str,
    strictly: bool,
) -> Vec<String> {
    let program = Path::new(env!("CARGO_BIN_EXE_breakglass"));
    let path =
        format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut printed = Vec::new();
    for (command, expected) in steps {
        let script = format!("exec 2>&1\n{command}");
        let output = Command::new("setsid")
            .args(["-w", "bash", "-c", &script])
            .env("PATH", &path)
            .env("SET_CODE", set_code(dir))
            .env("NO_COLOR", "1")
            .env("TZ", "UTC")
            .envs(variables.iter().copied())
            .current_dir(dir)
            .output()
            .unwrap();
        let got = String::from_utf8_lossy(&output.stdout).into_owned();
        let (want, now) = (compared(expected), compared(&got));
        let want: Vec<&str> = want.iter().map(String::as_str).collect();
        let now: Vec<&str> = now.iter().map(String::as_str).collect();
        let fits = fits(&want, &now);
        assert!(!strictly || fits, "$ {command}\n--- {name}\n{expected}\n--- now\n{got}\n");
        printed.push(got);
    }
    printed
}

/// What the reader would take from the paper book.
fn set_code(dir: &Path) -> String {
    let book = std::fs::read_to_string(dir.join("kit/logbook.jsonl")).unwrap_or_default();
    let code = book.split("\"set\":\"").nth(1).and_then(|rest| rest.split('"').next());
    code.unwrap_or_default().to_owned()
}
