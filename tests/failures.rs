//! One failure a file (`tests/vectors/failures`): each has the outcome that its head says.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;

use breakglass::codes::desk::label_of;
use breakglass::codes::lines::{self, Reading};
use breakglass::codes::payload::{self, PayloadError};
use breakglass::opening::{self, Codes, Note, Origin, Pile, Verdict};

fn refused(error: &PayloadError) -> &'static str {
    match error {
        PayloadError::Foreign | PayloadError::TooLong(_) => "foreign",
        PayloadError::Version(_) => "version",
        PayloadError::Kind(_) => "kind",
        PayloadError::Base32 { .. } => "base32",
        PayloadError::Checksum(_) => "checksum",
        PayloadError::Content { .. } => "content",
        PayloadError::Manifest(_) => "manifest",
    }
}

/// The first thing that is not as it should be, or `opens`.
fn outcome(text: &str) -> &'static str {
    let origin = Origin { file: "vector".into(), place: None };
    let mut pile = Pile::default();
    let mut mended = false;
    for line in text.lines() {
        if let Some((place, symbols)) = label_of(line) {
            match lines::read(place, symbols) {
                Ok(Reading::Exact(_)) => {}
                Ok(Reading::Mended(_)) => mended = true,
                Ok(Reading::Ask(_)) => return "ask",
                Err(_) => return "unfit",
            }
        } else if payload::looks_like_a_code(line) {
            match payload::parse_each(line) {
                Err(error) => return refused(&error),
                Ok(payloads) => {
                    if let Some(error) = payloads.iter().find_map(|p| p.as_ref().err()) {
                        return refused(error);
                    }
                }
            }
        }
        match &pile.add_line(line, &origin)[..] {
            [Note::Problem(what)] if what.contains("places") => return "places",
            [Note::Problem(_)] => return "foreign",
            _ => {}
        }
    }
    let groups = opening::groups(&pile, &[], &mut Codes::default());
    let Some(group) = groups.first() else { return "too few" };
    let case = opening::examine(&pile, group, &[]);
    let bad = case.sheets.iter().find_map(|sheet| match sheet.verdict {
        Verdict::Good => None,
        Verdict::NotIssued { .. } => Some("not issued"),
        Verdict::SameNumber => Some("same number"),
        Verdict::Forged => Some("forged"),
        Verdict::OtherSet => Some("other set"),
        Verdict::NoManifest => Some("no manifest"),
        Verdict::Locked | Verdict::BadLock => Some("locked"),
    });
    match bad {
        Some(word) => word,
        None if !case.bad_parts.is_empty() => "bad part",
        None if case.missing() > 0 => "too few",
        None if !case.missing_parts.is_empty() => "missing part",
        None => match case.open() {
            Ok(_) if mended => "mended",
            Ok(_) => "opens",
            Err(_) => "closed",
        },
    }
}

#[test]
fn every_failure_has_its_outcome() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/failures");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 40);
    let mut wrong = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let (head, body) = text.split_once("\n\n").unwrap();
        let expect = head.lines().find_map(|line| line.strip_prefix("expect: ")).unwrap();
        let got = outcome(body);
        if got != expect {
            wrong.push(format!("{}: {got}, not {expect}", file.file_name().unwrap().display()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
