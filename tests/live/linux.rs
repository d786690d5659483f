//! `linux-password` with `chpasswd` on another root, as the root of a namespace where this is none.

use std::fs;
use std::process::Command;

use crate::cycle::{Cycle, Watch};

const OLD: &str = "first-password-of-an-account";

/// A system of three files.
fn system(cycle: &Cycle) -> String {
    let root = cycle.path("system");
    fs::create_dir_all(root.join("etc")).unwrap();
    let made =
        Command::new("openssl").args(["passwd", "-6", "-salt", "abcdefgh", OLD]).output().unwrap();
    let hash = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    assert!(hash.starts_with("$6$"), "openssl is needed");
    fs::write(root.join("etc/passwd"), "root:x:0:0::/root:/bin/sh\nbg:x:0:0::/root:/bin/sh\n")
        .unwrap();
    fs::write(root.join("etc/group"), "root:x:0:\n").unwrap();
    fs::write(
        root.join("etc/shadow"),
        format!("root:*:20000:0:99999:7:::\nbg:{hash}:20000:0:99999:7:::\n"),
    )
    .unwrap();
    root.display().to_string()
}

/// What the system itself keeps of the password.
fn hash(root: &str) -> String {
    let shadow = fs::read_to_string(format!("{root}/etc/shadow")).unwrap();
    let line = shadow.lines().find(|line| line.starts_with("bg:")).unwrap();
    line.split(':').nth(1).unwrap().to_owned()
}

/// Says whether a hash is that of a password, by `openssl` and not by the driver.
fn is_of(hash: &str, password: &str) -> bool {
    let salt = hash.split('$').rev().nth(1).unwrap();
    let made =
        Command::new("openssl").args(["passwd", "-6", "-salt", salt, password]).output().unwrap();
    let made = String::from_utf8(made.stdout).unwrap();
    made.trim().rsplit('$').next() == hash.rsplit('$').next()
}

#[test]
fn a_password_goes_from_paper_to_its_end() {
    let cycle = Cycle::new("");
    let root = system(&cycle);
    let tables = format!(
        "[rotation]\ndriver = \"linux-password\"\n[rotation.target]\nuser = \"bg\"\nroot = \"{root}\"\n"
    );
    cycle.method(&tables);
    cycle.deal_and_release(OLD, "bg");
    let watch = Watch::start();
    let said = cycle.rotate(0);
    assert!(said.contains("the platform refuses it"), "{said}");
    let new = cycle.release("papers-2");
    watch.saw_none("chpasswd", &[OLD, &new], "");
    let hash = hash(&root);
    assert!(is_of(&hash, &new) && !is_of(&hash, OLD), "{hash}");
    cycle.holds_no(&[OLD, &new, &hash]);
    assert_eq!(cycle.evidence()["caller"], "root");
}

#[test]
fn the_driver_keeps_the_rules() {
    let cycle = Cycle::new("");
    let root = format!("root={}", system(&cycle));
    let credential = serde_json::json!({ "id": "bg", "secret": { "password": OLD } });
    cycle.keeps_the_rules("linux-password", &credential, &["user=bg", &root]);
}
