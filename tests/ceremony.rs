//! A ceremony and drills, at a real terminal: from an empty folder to a set that is in use.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

#[path = "support/dialogue.rs"]
mod dialogue;
#[path = "support/papers.rs"]
mod papers;

use dialogue::{CTRL_C, Dialogue};
use papers::{METHOD, Papers};

const SPLIT: [&str; 7] = ["-C", "kit", "split", "--generate", "20", "-o", "papers"];

/// What is asked in a ceremony.
const ASKED: [&str; 16] = [
    "Are its papers void? [y/n] ",
    "Who leads it, name: ",
    "Who is the witness, name: ",
    "instead, or `no`: ",
    "Enter goes on: ",
    "Enter if the clock is right",
    "or `again`: ",
    "file or folder: ",
    "Number of the bag of sheet ",
    "none of its own): ",
    "Enter goes on, `again`: ",
    "Set code in the paper book (or `no book`): ",
    "Type why to go on anyway",
    "Enter to open it once",
    "Enter to record these",
    "Delete the scans, too: ",
];

/// The sheet that was named last behind some words.
fn named_last(shown: &str, words: &str) -> String {
    let at = shown.rfind(words).unwrap() + words.len();
    shown[at..at + 2].to_owned()
}

/// The set code that is on the screen, as the witness writes it into the book.
fn written(shown: &str) -> String {
    let at = shown.find("Made set ").unwrap();
    let code = shown[at..].find("S ").unwrap() + at;
    shown[code..code + 23].to_owned()
}

/// Somebody who goes through a ceremony. Each file is copied where the scanner would put it.
fn attends<'a>(
    papers: &'a Papers,
    mut otherwise: impl FnMut(&str, &str) -> Option<String> + 'a,
) -> impl FnMut(&str, &str) -> String + 'a {
    std::fs::create_dir_all(papers.path("scans")).unwrap();
    move |prompt, shown| {
        if let Some(answer) = otherwise(prompt, shown) {
            return answer;
        }
        match prompt {
            "Are its papers void? [y/n] " => "y".to_owned(),
            "Who leads it, name: " => "Gus Lee (E3001)".to_owned(),
            "Who is the witness, name: " => "Fay Adams (E2001)".to_owned(),
            "file or folder: " => {
                let sheet = named_last(shown, "Scan of sheet ");
                let scan = format!("scans/{sheet}.pdf");
                std::fs::copy(papers.path(&papers.sheet(&sheet)), papers.path(&scan)).unwrap();
                scan
            }
            "Number of the bag of sheet " => {
                format!("TE-{}", named_last(shown, "Number of the bag of sheet "))
            }
            "none of its own): " => {
                format!("88{}", named_last(shown, "Number of the bag of sheet "))
            }
            "Set code in the paper book (or `no book`): " => written(shown),
            "Type why to go on anyway" => "a test with a network".to_owned(),
            "Delete the scans, too: " => "n".to_owned(),
            _ => String::new(),
        }
    }
}

/// The method file, edited as its comments say.
fn edited() -> String {
    // what stands behind `#` and is a line of the file, taken in
    let edited: Vec<String> = METHOD
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest)
                if rest.starts_with(['[', 'd', 'u', 'a', 'r', 'e', 'l'])
                    && (rest.contains(" = ") || rest.starts_with('[')) =>
            {
                rest.to_owned()
            }
            _ => line.to_owned(),
        })
        .filter(|line| !line.starts_with("methods_per_team") && !line.starts_with("[release.env]"))
        .collect();
    // a key that somebody has, in the place of an example
    let auditor = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    edited
        .join("\n")
        .replace("E1001 = \"2026-01-05\"", "")
        .replace("\"age1...\"", &format!("\"{auditor}\""))
}

/// From an empty folder: `init`, the method file edited as its comments say, a ceremony at which one holder is not there, that
/// holder's sheet made later and confirmed, every bag locked away; then nothing is open.
#[test]
fn from_an_empty_folder_to_a_set_in_use() {
    let papers = Papers::kit_only();
    papers.file("kit/method.toml", edited());
    papers.run(&["-C", "kit", "status", "--lint"]).expect(0, &["nothing speaks against it"]);
    papers.file("credential", "id: AKIAIOSFODNN7EXAMPLE\nsecret: wJalrXUtnFEMI/K7MDENG\n");
    let split = ["-C", "kit", "split", "--from", "credential", "-o", "papers", "--ceremony"];
    let dialogue = Dialogue::start(&papers, &split);
    let shown = dialogue.play(
        0,
        &ASKED,
        attends(&papers, |prompt, shown| match prompt {
            // a witness who holds a sheet is none; a deputy comes for 2a, nobody for 5a
            "Who is the witness, name: "
                if !shown.contains("somebody else has to be the witness") =>
            {
                Some("Chen Li (E1003)".into())
            }
            "instead, or `no`: "
                if shown.ends_with(
                    "2a  Ben Hart (E1002): Enter if here, who takes it instead, or `no`: ",
                ) =>
            {
                Some("Finn Maas (E1011)".into())
            }
            "instead, or `no`: "
                if shown.ends_with(
                    "5a  Eli Novak (E1005): Enter if here, who takes it instead, or `no`: ",
                ) =>
            {
                Some("no".into())
            }
            _ => None,
        }),
    );
    for step in [
        "Step 1, lead",
        "Step 7, holder, alone",
        "Step 10, operator",
        "Step 12, all",
        "Generation 1 is CURRENT: 4 shares",
        "Never printed: 5a",
    ] {
        assert!(shown.contains(step), "no `{step}` in:\n{shown}");
    }
    assert!(!shown.contains("wJalrXUtnFEMI") && !papers.path("papers").exists());
    let confirm = papers.records().into_iter().find(|record| record["event"] == "CONFIRM").unwrap();
    assert_eq!(confirm["lead"]["name"], "Gus Lee");
    assert_eq!(confirm["witness"]["id"], "E2001");
    assert_eq!(confirm["custodians"]["2a"]["name"], "Finn Maas");
    assert_eq!(confirm["bags"]["4a"], "TE-4a");
    assert_eq!(confirm["seal_numbers"]["4a"], "884a");
    let code = papers.set_code();
    let about = ["--set-code", &code, "--exception", "a test"];
    let scans = ["scans/1a.pdf", "scans/2a.pdf", "scans/4a.pdf"];
    let reissue =
        [&["-C", "kit", "reissue", "5a", "--why", "Eli was ill", "-o", "late"], &scans[..], &about]
            .concat();
    papers.run(&reissue).expect(0, &["5b takes its place, for Eli Novak"]);
    let late = [&["-C", "kit", "confirm", "late", "--bag", "5b=TE-5b"], &about[..]].concat();
    papers.run(&late).expect(0, &["5 shares are confirmed"]);
    for (sheet, holder) in [
        ("1a", "Ana Ruiz (E1001)"),
        ("2a", "Finn Maas (E1011)"),
        ("3a", "Chen Li (E1003)"),
        ("4a", "Dana Okoye (E1004)"),
        ("5b", "Eli Novak (E1005)"),
    ] {
        let bag = format!("{sheet}=TE-{sheet}");
        papers
            .run(&[
                "-C",
                "kit",
                "log",
                "add",
                "STORE",
                "--sheet",
                sheet,
                "--bag",
                &bag,
                "--custodian",
                holder,
                "--exception",
                "a test",
            ])
            .expect(0, &[]);
    }
    papers
        .run(&["-C", "kit", "status", "--check"])
        .expect(0, &["CURRENT", "a dry one (the turn of "]);
    let status = papers.run(&["-C", "kit", "status"]);
    assert!(
        !status.out.contains("OVERDUE")
            && !status.out.contains("lock away")
            && !status.out.contains("scan back"),
        "{}",
        status.out
    );
}

/// Stopped before k + 1 numbers are confirmed: the set is void, nothing of it is left, and the next begins anew.
#[test]
fn a_ceremony_that_stops_early_aborts_the_set() {
    let papers = Papers::kit_only();
    let split = [&SPLIT[..], &["--ceremony"]].concat();
    let dialogue = Dialogue::start(&papers, &split);
    let shown = dialogue.play(
        130,
        &ASKED,
        attends(&papers, |prompt, shown| {
            (prompt == "Number of the bag of sheet " && shown.contains("Scan of sheet 3a"))
                .then(|| CTRL_C.to_owned())
        }),
    );
    assert!(shown.contains("is aborted; destroy what was printed: 1a, 2a, 3a"), "{shown}");
    assert!(!shown.contains("Nothing was opened, made or recorded"), "{shown}");
    assert!(!papers.path("papers").exists());
    let events = papers.events();
    assert_eq!(events[events.len() - 2..], ["ABORT", "DESTROY"], "{events:?}");
    assert_eq!(papers.records().last().unwrap()["sheets"], serde_json::json!(["4a", "5a"]));
    papers
        .run(&["-C", "kit", "status"])
        .expect(0, &["ABORTED", "destroy the void papers of generation 1: 1a 2a 3a"]);
    // killed in the middle: the next one asks what became of it
    let mut dialogue = Dialogue::start(&papers, &split);
    dialogue.answer("Who leads it, name: ", "Gus Lee (E3001)");
    drop(dialogue);
    papers.run(&SPLIT).expect(0, &[]);
    std::fs::remove_dir_all(papers.path("papers")).unwrap();
    let dialogue = Dialogue::start(&papers, &split);
    let shown = dialogue.play(
        130,
        &ASKED,
        attends(&papers, |prompt, _| (prompt == "or `again`: ").then(|| CTRL_C.to_owned())),
    );
    assert!(
        shown.contains("Generation 2 was dealt on")
            && shown.contains("destroy what was printed: 1a"),
        "{shown}"
    );
    let aborted = papers.events().iter().filter(|event| *event == "ABORT").count();
    assert_eq!(aborted, 3);
}

/// Stopped after k + 1 numbers are confirmed: the set lives.
#[test]
fn a_ceremony_that_stops_late_leaves_a_set_that_lives() {
    let papers = Papers::kit_only();
    let split = [
        &SPLIT[..],
        &["--ceremony", "--lead", "Gus Lee (E3001)", "--witness", "Fay Adams (E2001)"],
    ]
    .concat();
    let dialogue = Dialogue::start(&papers, &split);
    let shown = dialogue.play(
        0,
        &ASKED,
        attends(&papers, |prompt, shown| {
            (prompt == "or `again`: " && shown.contains("Sheet 5a,")).then(|| CTRL_C.to_owned())
        }),
    );
    assert!(shown.contains("The set is confirmed and lives"), "{shown}");
    assert!(shown.contains("5a may be printed, and is in no bag"), "{shown}");
    assert!(!papers.path("papers").exists());
    papers.run(&["-C", "kit", "status"]).expect(0, &["CURRENT", "OUTSTANDING"]);
}

/// A folder of a scanner that is not there is known before anything is dealt.
#[test]
fn a_scanner_that_is_not_there_deals_nothing() {
    let papers = Papers::kit_only();
    let split = [&SPLIT[..], &["--ceremony", "--watch", "nowhere"]].concat();
    let shown = Dialogue::start(&papers, &split).play(2, &ASKED, attends(&papers, |_, _| None));
    assert!(shown.contains("nowhere"), "{shown}");
    assert!(!papers.path("kit/logbook.jsonl").exists() && !papers.path("papers").exists());
}

/// Too few are here: nothing is made. And without a terminal there is no ceremony.
#[test]
fn a_ceremony_takes_people() {
    let papers = Papers::kit_only();
    let split = [&SPLIT[..], &["--ceremony"]].concat();
    let dialogue = Dialogue::start(&papers, &split);
    let shown = dialogue.play(
        1,
        &ASKED,
        attends(&papers, |prompt, shown| {
            let away = shown
                .ends_with("1a  Ana Ruiz (E1001): Enter if here, who takes it instead, or `no`: ")
                || shown.ends_with(
                    "2a  Ben Hart (E1002): Enter if here, who takes it instead, or `no`: ",
                );
            (prompt == "instead, or `no`: " && away).then(|| "no".to_owned())
        }),
    );
    assert!(shown.contains("holders of 3 different numbers are here, and it takes 4"), "{shown}");
    assert!(!papers.path("kit/logbook.jsonl").exists());
    papers.run(&split).expect(2, &["led by people at a terminal"]);
    let witness =
        [&split[..], &["--lead", "Gus Lee (E3001)", "--witness", "Ana Ruiz (E1001)"]].concat();
    Dialogue::start(&papers, &witness).play(2, &ASKED, attends(&papers, |_, _| None));
}

/// A method of 2 of 3 with two copies of the first share.
fn with_copies() -> String {
    let head = METHOD.split("[[custodians]]").next().unwrap();
    let head = head.replace("k = 3 ", "k = 2 ").replace("n = 5 ", "n = 3 ");
    let people =
        [("Ana Ruiz", 1, "a"), ("Ben Hart", 1, "b"), ("Chen Li", 2, "a"), ("Dana Okoye", 3, "a")];
    let person = |(at, (name, share, copy)): (usize, &(&str, u8, &str))| {
        format!(
            "[[custodians]]\nname = \"{name}\"\nid = \"E100{}\"\nshare = {share}\ncopy = \"{copy}\"\nsite = \"Town {at}, safe\"\n\n",
            at + 1
        )
    };
    format!("{head}{}", people.iter().enumerate().map(person).collect::<String>())
}

/// Copies of a number are read back one by one; a scanner drops pictures, a wrong one first; the set is opened once, and
/// what was scanned is deleted, and nothing else.
#[test]
fn a_scanner_drops_pictures_of_sheets_with_copies() {
    let papers = Papers::kit_only();
    papers.file("kit/method.toml", with_copies());
    std::fs::create_dir(papers.path("scans")).unwrap();
    papers.file("scans/thesis.txt", "not a sheet at all");
    let split = [&SPLIT[..], &["--ceremony", "--watch", "scans"]].concat();
    let drop_scan = |sheet: &str| {
        let (from, to) =
            (papers.path(&papers.sheet(sheet)), papers.path(&format!("scans/{sheet}.pdf")));
        std::fs::copy(from, to).unwrap();
    };
    let (mut wrong, late) = (false, std::cell::RefCell::new(Vec::new()));
    let dialogue = Dialogue::start(&papers, &split);
    let shown = dialogue.play(
        0,
        &ASKED,
        attends(&papers, |prompt, shown| match prompt {
            "or `again`: " => {
                let at = shown.rfind("Sheet ").unwrap() + "Sheet ".len();
                let sheet = shown[at..at + 2].to_owned();
                if sheet == "1a" && !wrong {
                    wrong = true;
                    drop_scan("2a");
                    let (from, to) =
                        (papers.path(&papers.sheet("1a")), papers.path("scans/1a.pdf"));
                    late.borrow_mut().push(std::thread::spawn(move || {
                        std::thread::sleep(std::time::Duration::from_secs(4));
                        std::fs::copy(from, to).unwrap();
                    }));
                } else {
                    // what was there before its turn does not count
                    let _ = std::fs::remove_file(papers.path(&format!("scans/{sheet}.pdf")));
                    std::thread::sleep(std::time::Duration::from_millis(1200));
                    drop_scan(&sheet);
                }
                Some(String::new())
            }
            "Delete the scans, too: " => Some("y".into()),
            _ => None,
        }),
    );
    late.into_inner().into_iter().for_each(|thread| thread.join().unwrap());
    assert!(shown.contains("that is 2a; 1a is wanted"), "{shown}");
    let events = papers.events();
    let count = |word: &str| events.iter().filter(|event| *event == word).count();
    assert_eq!((count("OPENING"), count("CONFIRM")), (1, 1), "{events:?}");
    let confirm = papers.records().into_iter().find(|record| record["event"] == "CONFIRM").unwrap();
    assert_eq!(confirm["sheets"], serde_json::json!(["1a", "1b", "2a", "3a"]));
    let left: Vec<String> = std::fs::read_dir(papers.path("scans"))
        .unwrap()
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(left, ["thesis.txt"]);
}

/// Killed at any place: the book is whole, nothing has leaked into the kit, and what was dealt is either in use or cleared away
/// by the next ceremony. Every third place, or with `BREAKGLASS_EVERY` each.
#[test]
fn a_ceremony_may_die_anywhere() {
    let step = if std::env::var_os("BREAKGLASS_EVERY").is_some() { 1 } else { 3 };
    let mut stages = std::collections::BTreeSet::new();
    for fault in (1..).step_by(step) {
        let papers = Papers::kit_only();
        let (head, people) = METHOD.split_once("[[custodians]]").unwrap();
        let people: Vec<&str> = people.split("[[custodians]]").take(2).collect();
        let head = head.replace("k = 3 ", "k = 2 ").replace("n = 5 ", "n = 2 ");
        papers.file(
            "kit/method.toml",
            format!("{head}[[custodians]]{}", people.join("[[custodians]]")),
        );
        papers.file("secret", "correct horse battery");
        let split = ["-C", "kit", "split", "--from", "secret", "-o", "papers", "--ceremony"];
        let dialogue = Dialogue::start_to_die(papers.dir(), &split, &fault.to_string());
        let (killed, shown) = dialogue.play_to_death(&ASKED, attends(&papers, |_, _| None));
        if papers.path("kit/logbook.jsonl").exists() {
            // a torn last line is cut by the next record
            papers.run(&["-C", "kit", "status"]).expect(0, &[]);
            let book = breakglass::logbook::Logbook::at(papers.path("kit/logbook.jsonl"));
            let (stands, _) = breakglass::state::State::of_book(&book).unwrap();
            let stage = stands.newest().map(|set| stands.stage(set).word());
            stages.insert(stage.unwrap_or("nothing"));
            let text = String::from_utf8(papers.read("kit/logbook.jsonl")).unwrap();
            assert!(!text.contains("horse"), "{shown}");
            if stage == Some("DEALT") {
                let _ = std::fs::remove_dir_all(papers.path("papers"));
                let again = Dialogue::start(&papers, &split);
                let shown = again.play(0, &ASKED, attends(&papers, |_, _| None));
                assert!(
                    shown.contains("never confirmed") && shown.contains("is CURRENT"),
                    "{shown}"
                );
            }
        }
        if !killed {
            break;
        }
    }
    assert!(stages.contains("DEALT") && stages.contains("CURRENT"), "{stages:?}");
}

/// Nobody has two jobs that watch each other, and no number is taken that stands on no bag.
#[test]
fn a_ceremony_takes_each_for_one_thing() {
    let papers = Papers::kit_only();
    let split = [&SPLIT[..], &["--ceremony"]].concat();
    let mut step = 0;
    let dialogue = Dialogue::start(&papers, &split);
    let shown = dialogue.play(
        130,
        &ASKED,
        attends(&papers, |prompt, shown| {
            let after = |words: &str| shown.contains(words);
            let answer = match prompt {
                "Who is the witness, name: " if !after("leads it: somebody else") => {
                    "Gus Lee (E3001)"
                }
                "instead, or `no`: "
                    if shown.ends_with(
                        "2a  Ben Hart (E1002): Enter if here, who takes it instead, or `no`: ",
                    ) =>
                {
                    step += 1;
                    ["Fay Adams (E2001)", "Ana Ruiz (E1001)", "Finn Maas", "Finn Maas (E1011)"]
                        [step - 1]
                }
                "file or folder: " if !after("There is no file `nowhere`") => "nowhere",
                "file or folder: " if !after("No sheet can be read there") => "kit/method.toml",
                "Number of the bag of sheet " if !after("is no number that stands on a bag") => {
                    "papers/x.pdf"
                }
                "Number of the bag of sheet "
                    if after("Sheet 2a,") && !after("was read off another bag already") =>
                {
                    "TE-1a"
                }
                "Enter goes on, `again`: " if after("Sheet 2a,") => CTRL_C,
                "Enter goes on, `again`: "
                    if shown.matches("Have Ana Ruiz and Fay Adams initialled?").count() < 2 =>
                {
                    "again"
                }
                "Enter goes on: " if !after("Enter alone goes on, when it is") => "no",
                _ => return None,
            };
            Some(answer.to_owned())
        }),
    );
    for words in [
        "Fay Adams (E2001) is the witness, and takes no sheet.",
        "Ana Ruiz (E1001) has sheet 1a: nobody holds two.",
        "With the company id, please",
    ] {
        assert!(shown.contains(words), "no `{words}` in:\n{shown}");
    }
    assert!(papers.events().contains(&"ABORT".to_owned()));
}

/// A set that is confirmed, and its code.
fn in_use() -> (Papers, String) {
    let papers = Papers::of(b"correct horse battery");
    let code = papers.set_code();
    let bags =
        ["--bag", "1a=T1", "--bag", "2a=T2", "--bag", "3a=T3", "--bag", "4a=T4", "--bag", "5a=T5"];
    papers
        .run(
            &[
                &["-C", "kit", "confirm", "papers", "--set-code", &code, "--exception", "a test"],
                &bags[..],
            ]
            .concat(),
        )
        .expect(0, &[]);
    (papers, code)
}

/// A drill with its checklist: times, answers, findings with owner and day; they stay until somebody has mended them.
#[test]
fn a_drill_asks_its_checklist_and_keeps_what_it_finds() {
    let (papers, code) = in_use();
    let sheets = [papers.sheet("1a"), papers.sheet("2a"), papers.sheet("4a")];
    let drill =
        ["-C", "kit", "drill", "dry", &sheets[0], &sheets[1], &sheets[2], "--set-code", &code];
    let asked = [
        "called, like 04:02 (Enter: now)? ",
        "Enter if the clock is right",
        "Type why to go on anyway",
        "Enter to open it",
        "Who led it, like",
        "[y/n] ",
        "What is to be mended: ",
        "Who mends it: ",
        "By which day",
        "to be mended (Enter: nothing): ",
    ];
    let answers = |prompt: &str, shown: &str| match prompt {
        "Type why to go on anyway" => "a test with a network".to_owned(),
        "Who led it, like" => "Cem Arslan (E2044)".to_owned(),
        "[y/n] " if shown.ends_with("deputies right? [y/n] ") => "n".to_owned(),
        "[y/n] " if shown.ends_with("operator card says? [y/n] ") => String::new(),
        "[y/n] " => "y".to_owned(),
        "What is to be mended: " => "the phone of 3a is old".to_owned(),
        "Who mends it: " => "Chen Li".to_owned(),
        _ => String::new(),
    };
    let shown = Dialogue::start(&papers, &drill).play(0, &asked, answers);
    assert!(shown.contains("finding 1: the phone of 3a is old; Chen Li mends it by"), "{shown}");
    assert!(shown.contains("The drill has passed: the first sheet"), "{shown}");
    let record = papers.records().pop().unwrap();
    assert_eq!((&record["event"], &record["lead"]["id"]), (&"DRILL".into(), &"E2044".into()));
    assert_eq!(
        record["checks"],
        serde_json::json!({ "phones": "no", "newcomer": "yes", "box": "yes", "bags": "yes", "rebagged": "yes" })
    );
    assert!(
        record["called"].is_string()
            && record["first_sheet"].as_u64() <= record["quorum"].as_u64()
            && record["quorum"].as_u64() <= record["seconds"].as_u64(),
        "{record}"
    );
    let number = record["seq"].to_string();
    papers.run(&["-C", "kit", "status"]).expect(
        0,
        &[&format!(
            "Chen Li mends finding 1 of the drill of record {number}: the phone of 3a is old"
        )],
    );
    papers.run(&["-C", "kit", "status", "--ics", "due.ics"]).expect(0, &[]);
    assert!(String::from_utf8(papers.read("due.ics")).unwrap().contains("CATEGORIES:MEND"));
    papers.run(&["audit", "kit", "--as-of", "2027-06-01T12:00Z"]).expect(1, &["BG-DRL-004"]);
    let correct = ["-C", "kit", "log", "add", "CORRECT", "--record", &number];
    papers.run(&[&correct[..], &["--finding", "2", "--note", "x"]].concat()).expect(
        2,
        &["no open finding 2", "record"].map(|w| {
            if w == "no open finding 2" { "no drill has an open finding 2 there" } else { w }
        }),
    );
    papers
        .run(
            &[&correct[..], &["--finding", "1", "--note", "contacts.toml has the new one"]]
                .concat(),
        )
        .expect(0, &[]);
    assert!(!papers.run(&["-C", "kit", "status"]).out.contains("mends"));
    // Ctrl-C in the checklist ends the questions, and not the drill
    let shown = Dialogue::start(&papers, &drill).play(0, &asked, |prompt, shown| match prompt {
        "Who led it, like" => CTRL_C.to_owned(),
        _ => answers(prompt, shown),
    });
    assert!(shown.contains("The drill has passed"), "{shown}");
    assert_eq!(papers.records().pop().unwrap()["event"], "DRILL");
}

/// A wet drill is recorded after the release, the login, END and the revocation, and not before.
#[test]
fn a_wet_drill_is_a_release_that_was_rotated() {
    let (papers, code) = in_use();
    let wet = [
        "-C",
        "kit",
        "drill",
        "wet",
        "--check",
        "login=yes",
        "--check",
        "alert=no",
        "--finding",
        "nobody saw the login; SOC; 2027-12-24",
        "--lead",
        "Cem Arslan (E2044)",
    ];
    papers.run(&wet).expect(1, &["no release for DRILL"]);
    let sheets = [papers.sheet("1a"), papers.sheet("2a"), papers.sheet("4a")];
    papers
        .run(&[
            "-C",
            "kit",
            "combine",
            &sheets[0],
            &sheets[1],
            &sheets[2],
            "--set-code",
            &code,
            "--operator",
            "B. Alvarez",
            "--operator-id",
            "E2040",
            "--reason",
            "DRILL",
            "--exception",
            "a test",
            "--output",
            "out",
        ])
        .expect(0, &[]);
    papers.run(&wet).expect(1, &["still works", "log add END"]);
    let number = papers.records().pop().unwrap()["seq"].to_string();
    papers.run(&["-C", "kit", "log", "add", "END", "--record", &number]).expect(0, &[]);
    papers
        .run(&[
            "-C",
            "kit",
            "log",
            "add",
            "REVOKE",
            "--credential",
            "AKIA1",
            "--exception",
            "a test",
        ])
        .expect(0, &[]);
    papers.run(&["-C", "kit", "drill", "wet", "--no-input"]).expect(2, &["did the login work"]);
    papers
        .run(&["-C", "kit", "drill", "wet", "--check", "logon=yes"])
        .expect(2, &["a wet drill does not ask `logon`; it asks phones"]);
    papers
        .run(&["-C", "kit", "drill", "wet", "--finding", "a; b; soon"])
        .expect(2, &["`soon` is no day to come"]);
    papers.run(&wet).expect(0, &["The wet drill has passed"]);
    let record = papers.records().pop().unwrap();
    assert_eq!(record["record"].to_string(), number);
    assert_eq!(record["findings"][0]["owner"], "SOC");
    papers
        .run(&[
            "-C",
            "kit",
            "drill",
            "wet",
            "--check",
            "login=no",
            "--finding",
            "no way in; SRE; 2027-12-24",
            "--record",
            &number,
        ])
        .expect(1, &["the wet drill has failed"]);
    papers
        .run(&["-C", "kit", "log", "add", "drill"])
        .expect(2, &["is recorded by `breakglass drill call`"]);
}
