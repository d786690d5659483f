//! Locked sheets: dealt, printed, tried by their holder alone, and opened with the right key of the right person.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

#[path = "support/dialogue.rs"]
mod dialogue;
#[path = "support/papers.rs"]
mod papers;

use std::io::Write;

use age::secrecy::SecretString;
use breakglass::codes::payload::Kind;
use dialogue::{CTRL_C, Dialogue, printed};
use papers::{BY_PASSPHRASE, KEYS, Papers, locked, to_keys};

const PASSPHRASE: &str = "correct horse battery";
const CREDENTIAL: &str = "Tr0ub4dor&3-horse 20";
/// Another key than those that the sheets are locked to.
const STRANGER: &str =
    "AGE-SECRET-KEY-1H2JZMGFFX6W2SVCNC3LM0QSGPAEDMFH9K6VKLAQAU433NAKKCXHSQ0HED7\n";

/// Sheet 3a locked to two keys.
fn with_keys() -> Papers {
    let papers = Papers::dealt(&locked(&[("E1003", &to_keys())]), CREDENTIAL.as_bytes(), &[]);
    papers.file("one.txt", KEYS[0].0);
    papers.file("two.txt", KEYS[1].0);
    papers.file("stranger.txt", STRANGER);
    papers
}

/// Sheets 3a and 5a locked with passphrases, typed at a terminal.
fn with_passphrases() -> Papers {
    let papers = Papers::kit_only();
    papers.file("kit/method.toml", locked(&[("E1003", BY_PASSPHRASE), ("E1005", BY_PASSPHRASE)]));
    papers.file("credential", CREDENTIAL);
    let split = ["-C", "kit", "split", "--from", "credential", "-o", "papers"];
    let mut dialogue = Dialogue::start(&papers, &split);
    dialogue.wait_any(&["3a", "Chen Li"]);
    dialogue.answer("New passphrase of Chen Li (not shown): ", "too short");
    dialogue.answer("New passphrase of Chen Li (not shown): ", "grüße aus der Ferne");
    dialogue.answer("New passphrase of Chen Li (not shown): ", PASSPHRASE);
    dialogue.answer("Again: ", "correct horse bakery");
    dialogue.answer("New passphrase of Chen Li (not shown): ", PASSPHRASE);
    dialogue.answer("Again: ", PASSPHRASE);
    dialogue.answer("New passphrase of Eli Novak (not shown): ", "another four words");
    dialogue.answer("Again: ", "another four words");
    let shown = dialogue.end(0);
    assert!(!shown.contains("horse") && !shown.contains("four words\r"), "{shown}");
    papers
}

#[test]
fn either_key_opens_a_locked_sheet_and_a_strangers_does_not() {
    let papers = with_keys();
    let [one, three, five] = ["1a", "3a", "5a"].map(|sheet| papers.sheet(sheet));
    for key in ["one.txt", "two.txt"] {
        papers.opens(&[&one, &three, &five], &["-C", "kit", "-i", key]);
    }
    let record = papers.records().pop().unwrap();
    assert_eq!(record["sheets"], serde_json::json!(["1a", "3a", "5a"]));
    assert_eq!(record["presence"].as_object().map(serde_json::Map::len), Some(3), "{record}");
    let flags = ["-C", "kit", "-i", "stranger.txt"];
    papers.combine(&[&one, &three, &five], &flags).expect(
        3,
        &["2 of 3 shares", "3a, Chen Li: is locked", "unlock 3a, Chen Li", "--identity FILE"],
    );
    papers.combine(&[&one, &three, &five], &["-i", "gone.txt"]).expect(2, &["gone.txt"]);
    papers
        .combine(&[&one, &three, &five], &["-i", "credential"])
        .expect(2, &["key file `credential`: line 1 is not an age identity"]);
    // with k open sheets a locked one is no obstacle
    let four = papers.sheet("4a");
    papers.opens(&[&one, &three, &five, &four], &["-C", "kit"]);
}

#[test]
fn a_locked_sheet_is_typed_like_any_other() {
    let papers = with_keys();
    let mut lines = printed(&papers, "3a", Kind::Locked);
    assert!(lines.len() > 20 && lines[0].starts_with("P01 "), "{lines:?}");
    lines.rotate_left(5);
    papers.file("typed.txt", lines.join("\n"));
    let [one, five] = ["1a", "5a"].map(|sheet| papers.sheet(sheet));
    papers.opens(&[&one, "typed.txt", &five], &["-C", "kit", "-i", "two.txt"]);
}

#[test]
fn locked_sheets_are_files_too() {
    let method = locked(&[("E1003", &to_keys())]);
    let papers = Papers::dealt(&method, CREDENTIAL.as_bytes(), &["--media", "file"]);
    papers.file("two.txt", KEYS[1].0);
    let [one, three, five] = ["1a", "3a", "5a"].map(|sheet| papers.sheet(sheet));
    assert!(
        String::from_utf8(papers.read(&three)).unwrap().contains("# Locked: needs one of its keys")
    );
    papers.opens(&[&one, &three, &five], &["-i", "two.txt"]);
}

#[test]
fn the_holder_alone_can_try_the_lock() {
    let papers = with_keys();
    let three = papers.sheet("3a");
    let try_it =
        |args: &[&str]| papers.run(&[&["-C", "kit", "inspect", "--unlock"], args].concat());
    try_it(&["-i", "one.txt", &three])
        .expect(0, &["Locked share 3a, set S ", ": its lock opens", "fits the manifest"]);
    try_it(&["-i", "stranger.txt", &three]).expect(1, &["was not opened"]);
    let json = try_it(&["-i", "two.txt", "--json", &three]);
    json.expect(0, &[r#""locks":[{"fits":true,"opens":true,"set":"S "#, r#""sheet":"3a"}]"#]);
    try_it(&["-i", "two.txt", &papers.sheet("1a")]).expect(2, &["no locked share was read"]);
    // one sheet opens nothing else, and leaves no trace
    assert_eq!(papers.events(), ["BEGIN", "ISSUE"]);
}

#[test]
fn fewer_than_k_unlocked_shares_need_a_reason() {
    let papers = Papers::kit_only();
    let keys = to_keys();
    papers.file("kit/method.toml", locked(&[("E1001", &keys), ("E1002", &keys), ("E1003", &keys)]));
    papers.file("credential", CREDENTIAL);
    let split = ["-C", "kit", "split", "--from", "credential", "-o", "papers"];
    papers.run(&split).expect(2, &["only 2 shares are unlocked", "--exception WHY"]);
    let no_reason = papers.run(&[&split[..], &["--exception", "no"]].concat());
    no_reason.expect(2, &["a reason has four letters or more"]);
    assert!(!papers.path("kit/logbook.jsonl").exists() && !papers.path("papers").exists());
    papers.run(&[&split[..], &["--exception", "all hold smart cards"]].concat()).expect(0, &[]);
    assert_eq!(papers.events(), ["BEGIN", "EXCEPTION", "ISSUE"]);
    let exception = &papers.records()[1];
    assert_eq!(exception["reason_text"], "all hold smart cards");
}

#[test]
fn passphrases_are_asked_of_their_holders_until_they_fit() {
    let papers = with_passphrases();
    let sheets = ["1a", "5a", "3a"].map(|sheet| papers.sheet(sheet));
    let args = ["-C", "kit", "combine", &sheets[0], &sheets[1], &sheets[2]];
    let mut dialogue = Dialogue::start(&papers, &args);
    dialogue.wait_any(&["1 of 3: 1a, Ana Ruiz"]);
    dialogue.answer("Passphrase of Eli Novak (Enter leaves it locked): ", PASSPHRASE);
    dialogue.wait_any(&["does not open sheet 5a"]);
    dialogue.answer("Passphrase of Eli Novak (Enter leaves it locked): ", "");
    dialogue.answer("Passphrase of Chen Li (Enter leaves it locked): ", PASSPHRASE);
    dialogue.wait_any(&["2 of 3: 3a, Chen Li"]);
    // Eli remembers
    dialogue.answer("sheet> ", "unlock");
    dialogue.answer("Passphrase of Eli Novak (Enter leaves it locked): ", "another four words");
    dialogue.wait_any(&["3 of 3: 5a, Eli Novak"]);
    let code = papers.set_code();
    dialogue.opens(&code, CREDENTIAL);
}

#[test]
fn a_key_file_is_asked_for_and_may_have_a_passphrase_of_its_own() {
    let papers = with_keys();
    let mut recipient =
        age::scrypt::Recipient::new(SecretString::from("of the key file".to_owned()));
    recipient.set_work_factor(10);
    let recipients = std::iter::once(&recipient as &dyn age::Recipient);
    let mut sealed = Vec::new();
    let mut writer =
        age::Encryptor::with_recipients(recipients).unwrap().wrap_output(&mut sealed).unwrap();
    writer.write_all(KEYS[0].0.as_bytes()).unwrap();
    writer.finish().unwrap();
    papers.file("sealed key.age", sealed);

    let sheets = ["1a", "3a", "5a"].map(|sheet| papers.sheet(sheet));
    let args = ["-C", "kit", "combine", &sheets[0], &sheets[1], &sheets[2]];
    let mut dialogue = Dialogue::start(&papers, &args);
    dialogue.answer("Key file of Chen Li (Enter leaves it locked): ", "nowhere.txt");
    dialogue.wait_any(&["nowhere.txt"]);
    dialogue.answer("Key file of Chen Li (Enter leaves it locked): ", "stranger.txt");
    dialogue.wait_any(&["does not open sheet 3a"]);
    dialogue.answer("Key file of Chen Li (Enter leaves it locked): ", "'sealed key.age'");
    dialogue.answer("Passphrase of the key file", "not that");
    dialogue.wait_any(&["does not open it"]);
    dialogue.answer("Passphrase of the key file", "of the key file");
    dialogue.wait_any(&["3 of 3: 3a, Chen Li"]);
    let code = papers.set_code();
    dialogue.opens(&code, CREDENTIAL);

    // the holder at the safe
    let mut alone = Dialogue::start(&papers, &["inspect", "--unlock", &sheets[1]]);
    alone.answer("Key file of the holder of 3a (Enter leaves it locked): ", "two.txt");
    alone.wait_any(&["its lock opens"]);
    alone.end(0);
    let mut stopped = Dialogue::start(&papers, &["inspect", "--unlock", &sheets[1]]);
    stopped.wait_any(&["Key file of the holder"]);
    stopped.type_in(CTRL_C);
    stopped.end(130);
}

/// The program, too, opens what `tests/vectors/locked` holds, for ever.
#[test]
fn locked_vectors_open() {
    let papers = Papers::kit_only();
    let vectors = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/locked");
    let file = |name: &str| format!("{vectors}/{name}");
    let sheets =
        ["sheet-1a-ana-ruiz.txt", "sheet-3a-chen-li.txt", "sheet-5a-eli-novak.txt"].map(file);
    for key in ["k1.txt", "k2.txt"] {
        let args = ["inspect", "--unlock", "--json", "-i", &file(key), &sheets[1]];
        papers.run(&args).expect(0, &[r#""opens":true"#]);
    }
    let args = ["inspect", "--unlock", "-i", &file("k3.txt"), &sheets[1]];
    papers.run(&args).expect(1, &["was not opened"]);
    let mut dialogue = Dialogue::start(
        &papers,
        &["combine", "-i", &file("k1.txt"), &sheets[0], &sheets[1], &sheets[2]],
    );
    dialogue.answer("Passphrase of the holder of 5a", PASSPHRASE);
    dialogue.wait_any(&["3 of 3: 5a"]);
    dialogue.answer("Set code in the paper book", "no book");
    dialogue.release();
    let [_, on, _] = dialogue.see_and_end();
    assert!(on.contains("hello-secret-123"), "{on}");
}

/// Sheets of an older set lie on the table too: the ink decides whose locks are asked for.
#[test]
fn locks_of_the_set_that_the_ink_names_are_asked_for() {
    let papers = Papers::of(b"the older credential");
    let old = ["1a", "2a", "4a"].map(|sheet| {
        std::fs::copy(papers.path(&papers.sheet(sheet)), papers.path(&format!("old-{sheet}.pdf")))
            .unwrap();
        format!("old-{sheet}.pdf")
    });
    papers.file("kit/method.toml", locked(&[("E1003", &to_keys()), ("E1005", &to_keys())]));
    papers.file("two.txt", KEYS[1].0);
    papers.file("credential", CREDENTIAL);
    std::fs::remove_dir_all(papers.path("papers")).unwrap();
    let split = ["-C", "kit", "split", "--from", "credential", "-o", "papers"];
    papers.run(&split).expect(1, &["recipients or locks changed, and nobody has approved it"]);
    let approved = ["log", "add", "method", "--approver", "Gil Moss (E1009)"];
    papers.run(&[&["-C", "kit"], &approved[..]].concat()).expect(0, &[]);
    papers.run(&split).expect(0, &["generation 1", "is still out"]);
    let issue = papers.records().into_iter().rfind(|record| record["event"] == "ISSUE").unwrap();
    let code = issue["set"].as_str().unwrap();
    let new = ["1a", "3a", "5a"].map(|sheet| papers.sheet(sheet));
    let sheets = old.iter().chain(&new).map(String::as_str);
    let args: Vec<&str> = ["-C", "kit", "combine"].into_iter().chain(sheets).collect();
    let mut dialogue = Dialogue::start(&papers, &args);
    dialogue.answer("Set code in the paper book", code);
    for _ in 0..2 {
        dialogue.answer("(Enter leaves it locked): ", "two.txt");
    }
    dialogue.release();
    let [_, on, _] = dialogue.see_and_end();
    assert!(on.contains(CREDENTIAL), "{on}");
    // without a terminal it is said which are locked, and those of the other set are not
    let args = [
        "-C",
        "kit",
        "combine",
        "--no-input",
        "--no-book",
        "--output",
        "out",
        &old[0],
        &old[1],
        &new[1],
    ];
    let few = papers.run(&args);
    few.expect(3, &["a sheet that says 3a", "is of another set"]);
    assert!(!few.err.contains("unlock"), "{}", few.err);
}

/// A method that names a plugin is a good method everywhere; only locking to it needs the plugin.
#[cfg(not(feature = "plugin"))]
#[test]
fn without_plugins_a_plugin_is_refused_at_the_lock_and_nowhere_else() {
    let papers = Papers::kit_only();
    let lock = format!("recipient = [\"age1unencrypted1k5fr0r\", \"{}\"]", KEYS[0].1);
    papers.file("kit/method.toml", locked(&[("E1003", &lock)]));
    papers.file("credential", CREDENTIAL);
    let split = papers.run(&["-C", "kit", "split", "--from", "credential", "-o", "papers"]);
    split.expect(2, &["sheet 3a of Chen Li", "built without plugins"]);
    papers.run(&["-C", "kit", "print", "label", "-o", "out"]).expect(0, &[]);
    // a key file with a plugin's identity and a plain key beside it is good for the plain one
    let papers = with_keys();
    papers.file("both.txt", format!("AGE-PLUGIN-UNENCRYPTED-1CR7ZD5\n{}", KEYS[0].0));
    let sheets = ["1a", "3a", "5a"].map(|sheet| papers.sheet(sheet));
    papers.opens(&sheets.each_ref().map(String::as_str), &["-i", "both.txt"]);
}

/// Whoever has typed a locked share is asked for its key at once, where nothing is shown.
#[test]
fn a_locked_share_that_was_typed_asks_for_its_key_at_once() {
    let papers = with_keys();
    let [one, five] = ["1a", "5a"].map(|sheet| papers.sheet(sheet));
    let args = ["-C", "kit", "combine", "--type", "--plain", &one, &five];
    let mut dialogue = Dialogue::start(&papers, &args);
    for prompt in ["K1> ", "M01> ", "S1-01> "] {
        dialogue.answer(prompt, "other");
    }
    for line in printed(&papers, "3a", Kind::Locked) {
        let (label, symbols) = line.split_once(' ').unwrap();
        dialogue.answer(&format!("{label}> "), symbols);
    }
    dialogue.wait_any(&["locked to a key, one of age147gsf…"]);
    dialogue.answer("Key file of Chen Li (Enter leaves it locked): ", "one.txt");
    dialogue.opens(&papers.set_code(), CREDENTIAL);
}
