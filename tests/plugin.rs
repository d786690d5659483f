//! Locks to what an age plugin knows, with the example plugin of the age-plugin crate, which nobody here wrote.
#![cfg(feature = "plugin")]
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

#[path = "support/papers.rs"]
mod papers;

use std::process::Command;

use papers::{KEYS, Papers, locked};

const CREDENTIAL: &[u8] = b"Tr0ub4dor&3-horse 20";
/// What the example plugin prints as its recipient and its identity; it hides nothing.
const RECIPIENT: &str = "age1unencrypted1k5fr0r";
const IDENTITY: &str = "AGE-PLUGIN-UNENCRYPTED-1CR7ZD5\n";

/// Sheet 3a locked to a plugin, and to a plain key beside it.
fn with_plugin() -> Papers {
    let found = Command::new("age-plugin-unencrypted").output();
    assert!(found.is_ok(), "missing: cargo install age-plugin --example age-plugin-unencrypted");
    let lock = format!("recipient = [\"{RECIPIENT}\", \"{}\"]", KEYS[1].1);
    let papers = Papers::dealt(&locked(&[("E1003", &lock)]), CREDENTIAL, &[]);
    papers.file("card.txt", IDENTITY);
    papers.file("key.txt", KEYS[1].0);
    papers
}

#[test]
fn a_sheet_opens_with_the_plugin_or_with_the_key_beside_it() {
    let papers = with_plugin();
    let [one, three, five] = ["1a", "3a", "5a"].map(|sheet| papers.sheet(sheet));
    for keys in ["card.txt", "key.txt"] {
        papers.opens(&[&one, &three, &five], &["-C", "kit", "-i", keys]);
        papers.run(&["inspect", "--unlock", "-i", keys, &three]).expect(0, &["its lock opens"]);
    }
}

#[test]
fn a_plugin_that_is_not_there_is_named() {
    let papers = Papers::kit_only();
    // `age1gone` with no data, as a plugin of that name would print it
    let gone =
        bech32::encode::<bech32::Bech32>(bech32::Hrp::parse("age1gone").unwrap(), &[]).unwrap();
    let lock = format!("recipient = [\"{gone}\", \"{}\"]", KEYS[1].1);
    papers.file("kit/method.toml", locked(&[("E1003", &lock)]));
    papers.file("credential", CREDENTIAL);
    let split = papers.run(&["-C", "kit", "split", "--from", "credential", "-o", "papers"]);
    split.expect(2, &["sheet 3a of Chen Li", "`age-plugin-gone`, which is not on the search path"]);
    assert!(!papers.path("kit/logbook.jsonl").exists());
}
