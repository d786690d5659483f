//! `combine` on everything that may come back from a safe: each fault its own word, and nothing written unless said.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

#[path = "support/lab.rs"]
mod lab;

use breakglass::codes::payload::{Payload, SealedPart};
use breakglass::dealing::Dealt;
use breakglass::set::SheetShare;
use breakglass::sharing::Share;
use lab::{CREDENTIAL, Lab, key_code, sealed_codes, sheet_file};
use zeroize::Zeroizing;

fn lab_with_set() -> (Lab, Dealt) {
    let lab = Lab::new();
    let dealt = Lab::deal(1);
    lab.issue(&dealt);
    for number in 1..=5 {
        lab.file(&format!("{number}.txt"), &sheet_file(&dealt, number));
    }
    (lab, dealt)
}

fn ink(dealt: &Dealt) -> [String; 2] {
    ["--set-code".to_owned(), dealt.code.to_string()]
}

fn bent(sheet: &SheetShare) -> SheetShare {
    let share = Share::new(sheet.share.x(), Zeroizing::new([0x5a; 32])).unwrap();
    SheetShare { share, ..sheet.clone() }
}

#[test]
fn three_sheets_open_into_the_book_of_the_kit() {
    let (lab, dealt) = lab_with_set();
    let [flag, code] = ink(&dealt);
    let run =
        lab.combine(&["1.txt", "4.txt", "2.txt"], &["-C", "kit", &flag, &code.to_lowercase()]);
    run.expect(
        0,
        &["1 of 3: 1a, Ana Ruiz", "3 of 3: 2a, Ben Hart", "Recorded: record", "Revoke before"],
    );
    assert!(run.err.trim_end().lines().last().unwrap().starts_with("Revoke before"));
    assert_eq!(lab.opened().unwrap(), CREDENTIAL);
    assert_eq!(lab.events().last().unwrap(), "RELEASE");
    let entry = lab.kit().logbook().verify().unwrap().entries.pop().unwrap();
    let presence = entry.members["presence"].as_object().unwrap();
    assert_eq!(presence.keys().collect::<Vec<_>>(), ["1a", "2a", "4a"]);
    let tagged = entry.line.split(",\"presence\":").next().unwrap();
    let tag = dealt.sheets[3].presence_tag(tagged.as_bytes());
    assert_eq!(presence["4a"], breakglass::logbook::hex(&tag));

    let again = lab.combine(&["1.txt", "2.txt", "3.txt"], &["-C", "kit", &flag, &code]);
    again.expect(0, &["released already to B. Alvarez"]);
}

#[test]
fn without_a_kit_the_paper_is_enough_and_the_record_is_loose() {
    let (lab, dealt) = lab_with_set();
    let [flag, code] = ink(&dealt);
    lab.combine(&["1.txt", "3.txt", "5.txt"], &[&flag, &code]).expect(0, &["loose record"]);
    assert_eq!(lab.opened().unwrap(), CREDENTIAL);
    let records = lab.loose();
    let last = records.last().unwrap();
    assert_eq!(last["event"], "RELEASE");
    assert_eq!(last["operator"]["id"], "E2040");
    assert!(last.get("seq").is_none() && last.get("prev_code").is_some());
}

#[test]
fn too_few_and_copies() {
    let (lab, dealt) = lab_with_set();
    let [flag, code] = ink(&dealt);
    let copy = SheetShare { copy: 2, ..dealt.sheets[0].clone() };
    lab.file("1b.txt", &key_code(&dealt, &copy));
    let paper = lab.combine(&["1.txt", "1b.txt", "1.txt", "2.txt"], &[&flag, &code]);
    paper.expect(3, &["1b: same number again", "2 of 3 shares", "bring 1 more of the 5 sheets"]);
    let run = lab.combine(&["1.txt", "1.txt", "2.txt"], &["-C", "kit", &flag, &code]);
    run.expect(3, &["2 of 3 shares", "still to call:", "Chen Li", "+31 30 555 0103"]);
    assert!(lab.opened().is_none());
    assert_eq!(lab.events(), ["BEGIN", "ISSUE"]);
}

#[test]
fn a_forged_share_with_exactly_k_and_with_more() {
    let (lab, dealt) = lab_with_set();
    let [flag, code] = ink(&dealt);
    lab.file("forged.txt", &key_code(&dealt, &bent(&dealt.sheets[2])));
    let exactly = lab.combine(&["1.txt", "2.txt", "forged.txt"], &["-C", "kit", &flag, &code]);
    exactly.expect(
        3,
        &[
            "a sheet that says 3a (forged.txt line 1)",
            "forged or altered",
            "Write into the paper book",
        ],
    );
    assert_eq!(lab.events(), ["BEGIN", "ISSUE", "TAMPER"]);
    let more =
        lab.combine(&["1.txt", "forged.txt", "2.txt", "5.txt"], &["-C", "kit", &flag, &code]);
    more.expect(0, &["a sheet that says 3a (forged.txt line 1)"]);
    assert_eq!(lab.opened().unwrap(), CREDENTIAL);
    assert_eq!(lab.events().iter().filter(|e| *e == "TAMPER").count(), 2);
}

#[test]
fn a_sheet_that_was_never_issued_counts_and_is_recorded() {
    let (lab, dealt) = lab_with_set();
    let [flag, code] = ink(&dealt);
    let reprinted = SheetShare { token: Zeroizing::new([1; 12]), ..dealt.sheets[2].clone() };
    lab.file("new.txt", &key_code(&dealt, &reprinted));
    let run = lab.combine(&["1.txt", "2.txt", "new.txt"], &["-C", "kit", &flag, &code]);
    run.expect(0, &["never issued this sheet of paper"]);
    assert!(lab.events().contains(&"TAMPER".to_owned()));
}

#[test]
fn other_sets_and_older_generations_are_named() {
    let (lab, dealt) = lab_with_set();
    let older = Lab::deal(1);
    let newer = Lab::deal(2);
    lab.issue(&newer);
    lab.file("other.txt", &sheet_file(&older, 3));
    lab.file("newer.txt", &sheet_file(&newer, 3));
    let [flag, code] = ink(&dealt);
    let run =
        lab.combine(&["1.txt", "2.txt", "other.txt", "newer.txt"], &["-C", "kit", &flag, &code]);
    run.expect(
        3,
        &["(other.txt line 1) is of another set", "the newer generation 2", "2 of 3 shares"],
    );
}

/// k forged sheets that agree among themselves: ink and kit refuse them; without both it is an exception.
#[test]
fn a_set_that_agrees_with_itself_is_held_against_ink_and_kit() {
    let (lab, honest) = lab_with_set();
    let forged = Lab::deal_bytes(1, b"what the forger wants");
    for number in 1..=3 {
        lab.file(&format!("f{number}.txt"), &sheet_file(&forged, number));
    }
    let files = ["f1.txt", "f2.txt", "f3.txt"];
    let [flag, code] = ink(&honest);
    let by_ink = lab.combine(&files, &[&flag, &code]);
    by_ink.expect(2, &["the paper book says", "cannot be overridden", "--no-book"]);
    let without = lab.combine(&files, &["--no-book"]);
    without.expect(0, &["NO INK", &forged.code.to_string(), "no ink: nobody has compared"]);
    assert_eq!(lab.loose()[0]["kind"], "no ink");
    let mixed = lab.combine(
        &["f1.txt", "f2.txt", "f3.txt", "1.txt", "2.txt", "3.txt"],
        &["-C", "kit", "--no-book"],
    );
    mixed.expect(0, &["is of another set"]);
    assert_eq!(lab.opened().unwrap(), CREDENTIAL);
    let no_kit =
        lab.combine(&["f1.txt", "f2.txt", "f3.txt", "1.txt", "2.txt", "3.txt"], &["--no-book"]);
    no_kit.expect(2, &["belong to different sets", "neither ink nor kit"]);
}

#[test]
fn a_swapped_kit_is_set_aside_when_ink_and_sheets_agree() {
    let (lab, honest) = lab_with_set();
    std::fs::remove_dir_all(lab.path("kit")).unwrap();
    let swapped = Lab::new();
    swapped.issue(&Lab::deal(1));
    std::fs::rename(swapped.path("kit"), lab.path("kit")).unwrap();
    let [flag, code] = ink(&honest);
    let run = lab.combine(&["1.txt", "2.txt", "3.txt"], &["-C", "kit", &flag, &code]);
    run.expect(0, &["the kit does not know this set", "loose record"]);
    assert_eq!(lab.opened().unwrap(), CREDENTIAL);
    assert_eq!(lab.loose()[0]["kind"], "kit set aside");
    assert_eq!(lab.events(), ["BEGIN", "ISSUE"]);
}

#[test]
fn a_forged_manifest_is_at_fault_and_not_the_holders() {
    let (lab, dealt) = lab_with_set();
    let other = Lab::deal(1);
    let manifest = Payload::Manifest(Box::new(other.manifest.clone())).text().to_string();
    for number in 1..=3 {
        let share = Payload::Share(dealt.sheets[number - 1].clone()).text().to_string();
        lab.file(&format!("k{number}.txt"), &format!("{share}\n"));
    }
    lab.file("m.txt", &format!("{manifest}\n{}\n", sealed_codes(&dealt)[0]));
    let run = lab.combine(&["k1.txt", "k2.txt", "k3.txt", "m.txt"], &["--no-book"]);
    run.expect(3, &["the manifest (m.txt line 1) is not that of these sheets: it is at fault"]);
    assert!(!run.err.contains("forged"), "{}", run.err);
}

#[test]
fn a_forged_sealed_part_is_left_out_and_named() {
    let (lab, dealt) = lab_with_set();
    let part = SealedPart { set: dealt.code.bytes(), index: 0, bytes: vec![7; dealt.sealed.len()] };
    lab.file("bad.txt", &Payload::Sealed(part).text());
    let [flag, code] = ink(&dealt);
    let run = lab.combine(&["bad.txt", "1.txt", "2.txt", "3.txt"], &[&flag, &code]);
    run.expect(0, &["part of the sealed credential does not fit", "bad.txt line 1"]);
    assert_eq!(lab.opened().unwrap(), CREDENTIAL);
}

#[test]
fn only_sealed_codes_and_nothing_of_ours() {
    let (lab, dealt) = lab_with_set();
    lab.file("s.txt", &sealed_codes(&dealt)[0]);
    lab.combine(&["s.txt"], &["--no-book"]).expect(3, &["no share was read"]);
    lab.file("letter.txt", "Dear Sir or Madam,\n");
    lab.combine(&["letter.txt"], &["--no-book"])
        .expect(2, &["letter.txt line 1: neither a code nor a typed line"]);
    std::fs::write(lab.path("latin1.txt"), b"caf\xe9").unwrap();
    lab.combine(&["latin1.txt"], &["--no-book"]).expect(2, &["latin1.txt"]);
    lab.combine(&["no-such-file"], &["--no-book"]).expect(2, &["there is no file `no-such-file`"]);
    let typed = sheet_file(&dealt, 1).replacen("BG1K", "BG1K0", 1);
    lab.file("flip.txt", &typed);
    lab.combine(&["flip.txt"], &["--no-book"]).expect(3, &["flip.txt line 1"]);
}

#[test]
fn nothing_is_overwritten_and_wrong_places_are_found_before_anything_is_opened() {
    let (lab, dealt) = lab_with_set();
    let [flag, code] = ink(&dealt);
    lab.file("there", "x");
    let files = [
        "combine",
        "1.txt",
        "2.txt",
        "3.txt",
        "--operator",
        "B",
        "--operator-id",
        "E",
        "--reason",
        "DRILL",
    ];
    let with = |extra: &[&str]| lab.run(&[&files[..], &[&flag, &code], extra].concat());
    with(&["--output", "there"]).expect(2, &["`there` exists already"]);
    with(&["--record", "there", "--output", "o"]).expect(2, &["`there` exists already"]);
    with(&["--output", "no/such/folder"]).expect(2, &["there is no folder `no/such`"]);
    with(&[]).expect(2, &["there is no terminal to show the credential on", "--output FILE"]);
    assert!(
        std::fs::read_dir(lab.dir()).unwrap().all(|e| !e
            .unwrap()
            .file_name()
            .to_string_lossy()
            .starts_with("record-"))
    );
}

#[test]
fn a_broken_kit_warns_and_the_paper_goes_on() {
    for (file, text, kind) in [
        ("kit/method.toml", "k = ", "broken method file"),
        ("kit/logbook.jsonl", "{}\n", "broken logbook"),
    ] {
        let (lab, dealt) = lab_with_set();
        lab.file(file, text);
        let [flag, code] = ink(&dealt);
        let run = lab.combine(&["1.txt", "2.txt", "3.txt"], &["-C", "kit", &flag, &code]);
        run.expect(0, &["warning: ", "going on from the paper"]);
        assert_eq!(lab.opened().unwrap(), CREDENTIAL);
        let kinds = if file.contains("logbook") {
            lab.loose()
                .iter()
                .map(|r| r["kind"].as_str().unwrap_or_default().to_owned())
                .collect::<Vec<_>>()
        } else {
            let entries = lab.kit().logbook().verify().unwrap().entries;
            entries.iter().map(|e| e.text("kind").to_owned()).collect()
        };
        assert!(kinds.contains(&kind.to_owned()), "{kinds:?}");
    }
    let (lab, dealt) = lab_with_set();
    let set = std::fs::read_dir(lab.path("kit/sets")).unwrap().next().unwrap().unwrap().path();
    std::fs::write(set.join("sealed.age"), b"rubbish").unwrap();
    let [flag, code] = ink(&dealt);
    let run = lab.combine(&["1.txt", "2.txt", "3.txt"], &["-C", "kit", &flag, &code]);
    run.expect(0, &["sealed.age is not the set's sealed credential", "in `kit/logbook.jsonl`"]);
}

#[test]
fn the_program_gets_the_credential_and_its_status_comes_back() {
    let (lab, dealt) = lab_with_set();
    let [flag, code] = ink(&dealt);
    let base = [
        "combine",
        "1.txt",
        "2.txt",
        "3.txt",
        &flag,
        &code,
        "--operator",
        "B",
        "--operator-id",
        "E",
        "--reason",
        "DRILL",
        "--exception",
        "test",
        "--no-input",
        "--exec",
    ];
    let exec = |command: &[&str]| lab.run(&[&base[..], command].concat());
    exec(&["sh", "-c", "cat > got; exit 7"]).expect(7, &["given to `sh`", "Revoke before"]);
    assert_eq!(std::fs::read(lab.path("got")).unwrap(), CREDENTIAL);
    exec(&["no-such-program"]).expect(2, &["there is no program `no-such-program`"]);
    lab.file("bad", "#!/no/such/interpreter\n");
    std::fs::set_permissions(lab.path("bad"), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .unwrap();
    // a release in the same second would be the same record, and that is refused
    std::thread::sleep(std::time::Duration::from_millis(1100));
    exec(&["./bad"]).expect(125, &["did not start", "the release is recorded"]);
}

#[test]
fn what_speaks_against_it_needs_a_reason() {
    let (lab, dealt) = lab_with_set();
    let [flag, code] = ink(&dealt);
    let args = [
        "-C",
        "kit",
        "combine",
        "1.txt",
        "2.txt",
        "3.txt",
        &flag,
        &code,
        "--operator",
        "chen li",
        "--operator-id",
        "E9",
        "--reason",
        "curiosity",
        "--no-input",
        "--output",
        "out",
    ];
    let run = lab.run(&args);
    run.expect(2, &["not among the permitted uses", "Chen Li holds sheet 3a", "--exception WHY"]);
    assert_eq!(lab.events(), ["BEGIN", "ISSUE"]);
    assert!(lab.opened().is_none());
}
