//! The `console` blocks of README and of `tests/cmd` run, one after the other in one folder, and say what README says.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "support/transcript.rs"]
mod transcript;

use transcript::{is_compared, play, steps};

const FENCE: &str = "```console";

#[test]
fn every_console_block_does_what_it_shows() {
    let steps = steps(include_str!("../README.md"), FENCE);
    assert!(steps.len() >= 6, "README has lost its transcripts");
    play(tempfile::tempdir().unwrap().path(), &steps, &[], "README", true);
}

/// `BREAKGLASS_DRAW=1` writes down anew what they print, but for the steps that leave something out (`...`).
#[test]
fn every_transcript_does_what_it_shows() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cmd");
    let draw = std::env::var_os("BREAKGLASS_DRAW").is_some();
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let steps = steps(&text, FENCE);
        let dir = tempfile::tempdir().unwrap();
        let printed = play(dir.path(), &steps, &[], &path.display().to_string(), !draw);
        count += steps.len();
        if !draw {
            continue;
        }
        let (mut text, mut done) = (text, 0);
        for ((command, expected), got) in steps.iter().zip(printed) {
            let shown = command.replace('\n', "\n> ");
            let old = format!("$ {shown}\n{expected}");
            let at = done + text[done..].find(&old).unwrap();
            let mut new = format!("$ {shown}\n");
            if expected.lines().any(|line| line == "...") {
                new.push_str(expected);
            } else {
                let lines = got.lines().filter(|line| is_compared(line));
                new.extend(lines.map(|line| format!("{}\n", line.trim_end())));
            }
            text.replace_range(at..at + old.len(), &new);
            done = at + new.len();
        }
        std::fs::write(&path, text).unwrap();
    }
    assert!(count >= 40, "only {count} steps are left");
}
