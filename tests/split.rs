//! `init` and `split`: what is refused, and that nothing is written then.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub, dead_code)]

#[path = "support/lab.rs"]
mod lab;

use lab::Lab;

fn refused(lab: &Lab, args: &[&str], words: &[&str]) {
    let before = lab.kit().logbook().exists();
    lab.run(&[&["-C", "kit", "split"], args].concat()).expect(2, words);
    assert_eq!(lab.kit().logbook().exists(), before, "a record was written");
    assert!(
        !lab.path("papers").exists()
            || std::fs::read_dir(lab.path("papers")).unwrap().next().is_none()
    );
}

#[test]
fn credentials_that_cannot_be() {
    let lab = Lab::new();
    lab.file("empty", "");
    lab.file("long", &"x".repeat(16_385));
    let out = ["-o", "papers"];
    refused(&lab, &[&out[..], &["--from", "empty"]].concat(), &["the credential is empty"]);
    refused(
        &lab,
        &[&out[..], &["--from", "long"]].concat(),
        &["more than 16384 bytes", "a key of its own"],
    );
    refused(&lab, &[&out[..], &["--from", "missing"]].concat(), &["cannot read `missing`"]);
    refused(&lab, &out, &["there is no terminal", "--from FILE"]);
    refused(&lab, &["--no-input", "-o", "papers"], &["--from FILE"]);
    refused(&lab, &[&out[..], &["--generate", "0"]].concat(), &["`0` is not N"]);
    refused(
        &lab,
        &[&out[..], &["--generate", "9", "--expires", "2020-01-01"]].concat(),
        &["expired already"],
    );
}

#[test]
fn methods_that_cannot_be() {
    let lab = Lab::new();
    let good = std::fs::read_to_string(lab.path("kit/method.toml")).unwrap();
    for (from, to, word) in [
        ("k = 3 ", "k = 6 ", "more shares are needed than there are"),
        ("k = 3 ", "k = 1 ", "one share alone would be the secret"),
        ("n = 5 ", "n = 33", "at most 32"),
        ("share = 2", "share = 1", "two people cannot hold one sheet"),
        ("id = \"E1002\"", "id = \"E1002\"\nrecipient = \"age1x\"", "not an age recipient"),
        ("scope = ", "skope = ", "unknown field"),
        ("name = \"AWS", "name = \"\\u202eAWS", "direction marks"),
    ] {
        assert!(good.contains(from), "{from}");
        lab.file("kit/method.toml", &good.replacen(from, to, 1));
        refused(
            &lab,
            &["--generate", "20", "-o", "papers"],
            &["is not a valid access method", "^", word],
        );
    }
}

#[test]
fn places_that_may_not_be() {
    let lab = Lab::new();
    lab.file("taken", "x");
    std::fs::create_dir(lab.path("full")).unwrap();
    lab.file("full/x", "x");
    refused(&lab, &["--generate", "20", "-o", "kit/papers"], &["inside a kit"]);
    refused(&lab, &["--generate", "20", "-o", "full"], &["`full` is not empty"]);
    refused(&lab, &["--generate", "20", "-o", "taken"], &["taken"]);
    refused(&lab, &["--generate", "20", "-o", "/proc/papers"], &["/proc/papers"]);
    lab.run(&["-C", "nowhere", "split", "--generate", "20"])
        .expect(2, &["is not a kit", "breakglass init DIR"]);
    lab.run(&["init", "kit"]).expect(2, &["exists already"]);
}

#[test]
fn a_text_that_does_not_fit_on_paper_costs_nothing() {
    let lab = Lab::new();
    let good = std::fs::read_to_string(lab.path("kit/method.toml")).unwrap();
    let long = "x".repeat(190);
    lab.file(
        "kit/method.toml",
        &good.replace(
            "also_needed = [",
            &format!("also_needed = [\"{long}\", \"{long}\", \"{long}\", "),
        ),
    );
    refused(&lab, &["--generate", "20", "-o", "papers"], &["cannot be laid out"]);
}

/// The manifest names every share and every part; where it outgrows one code that is said, with a way out.
#[test]
fn too_many_shares_of_too_large_a_credential() {
    let lab = Lab::new();
    let good = std::fs::read_to_string(lab.path("kit/method.toml")).unwrap();
    let mut method = good.replacen("n = 5 ", "n = 32", 1);
    for i in 6..=32 {
        let person = format!("name = \"P {i}\"\nid = \"X{i}\"\nshare = {i}\n");
        method += "\n[[custodians]]\nsite = \"S\"\n";
        method += &person;
    }
    lab.file("kit/method.toml", &method);
    lab.file("large", &"x".repeat(16_384));
    refused(
        &lab,
        &["--from", "large", "-o", "papers"],
        &["too long for one code", "32 shares", "fewer custodians"],
    );
}

#[test]
fn a_dry_run_says_who_gets_what() {
    let lab = Lab::new();
    lab.run(&["-C", "kit", "split", "-n"])
        .expect(0, &["any 3 of 5", "3a  Chen Li, Utrecht", "dry run"]);
    assert!(!lab.kit().logbook().exists());
}

#[test]
fn a_broken_logbook_stops_a_split() {
    let lab = Lab::new();
    lab.file("kit/logbook.jsonl", "{\"v\":1}\n");
    lab.run(&["-C", "kit", "split", "--generate", "20", "-o", "papers"])
        .expect(2, &["line 1", "log verify"]);
    assert!(!lab.path("papers").exists());
}
