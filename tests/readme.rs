//! The `console` blocks of README run, one after the other in one folder, and say what README says.
//!
//! Codes, dates, hashes and times differ from run to run; they are compared by their form. `...` on a line of its own
//! stands for any lines.
#![allow(clippy::unwrap_used, missing_docs)]

use std::process::Command;

/// Replaces what differs from run to run: every run of signs inside a code, a date or a long number.
fn masked(text: &str) -> String {
    text.lines()
        .map(|line| line.split(' ').map(mask).collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join("\n")
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
    let time = bare.len() == 5 && bare.as_bytes()[2] == b':';
    let file = bare.starts_with("record-") && bare.contains(".json");
    if code {
        word.replace(bare, "CODE")
    } else if date {
        word.replace(bare, "DATE")
    } else if time {
        word.replace(bare, "TIME")
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
fn steps(readme: &str) -> Vec<(String, String)> {
    let mut steps: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in readme.lines() {
        match line {
            "```console" => inside = true,
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

#[test]
fn every_console_block_does_what_it_shows() {
    let dir = tempfile::tempdir().unwrap();
    let steps = steps(include_str!("../README.md"));
    assert!(steps.len() >= 6, "README has lost its transcripts");
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_breakglass"));
    let path =
        format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    for (command, expected) in steps {
        let script = format!("exec 2>&1\n{command}");
        let output = Command::new("setsid")
            .args(["-w", "bash", "-c", &script])
            .env("PATH", &path)
            .env("SET_CODE", set_code(dir.path()))
            .env("NO_COLOR", "1")
            .current_dir(dir.path())
            .output()
            .unwrap();
        let got = masked(&String::from_utf8_lossy(&output.stdout));
        let want = masked(&expected);
        let lines = |text: &'_ str| -> Vec<String> {
            text.lines().map(|l| l.trim_end().to_owned()).collect()
        };
        let (want_lines, got_lines) = (lines(&want), lines(&got));
        let want_lines: Vec<&str> = want_lines.iter().map(String::as_str).collect();
        let got_lines: Vec<&str> = got_lines.iter().map(String::as_str).collect();
        assert!(fits(&want_lines, &got_lines), "$ {command}\n--- README\n{want}\n--- now\n{got}\n");
    }
}

/// What the reader would take from the paper book.
fn set_code(dir: &std::path::Path) -> String {
    let book = std::fs::read_to_string(dir.join("kit/logbook.jsonl")).unwrap_or_default();
    let code = book.split("\"set\":\"").nth(1).and_then(|rest| rest.split('"').next());
    code.unwrap_or_default().to_owned()
}
