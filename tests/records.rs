//! The verbs around the logbook, run as people run them: every event, refusal and way back.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "support/lab.rs"]
#[allow(dead_code, unreachable_pub)]
mod lab;

use breakglass::clock::Instant;
use breakglass::codes::Code;
use breakglass::codes::code::CodeKind;
use breakglass::dealing::Dealt;
use lab::{Lab, Run, sheet_file};
use serde_json::Value;

/// A kit with one set, and the texts of its sheets as `1.txt` … `5.txt`.
struct Office {
    lab: Lab,
    dealt: Dealt,
}

impl Office {
    fn new() -> Self {
        let lab = Lab::new();
        let dealt = Lab::deal(1);
        lab.issue(&dealt);
        for number in 1..=5 {
            lab.file(&format!("{number}.txt"), &sheet_file(&dealt, number));
        }
        Self { lab, dealt }
    }

    /// One whose set is confirmed and locked away.
    fn in_use() -> Self {
        let office = Self::new();
        office.confirm(&["1", "2", "3", "4"]).expect(0, &["is CURRENT", "Outstanding: 5a"]);
        let bags = ["--bag", "1a=TE-1", "--bag", "2a=TE-2", "--bag", "3a=TE-3", "--bag", "4a=TE-4"];
        office.add("store", &bags).expect(0, &["STORE"]);
        office
    }

    fn run(&self, args: &[&str]) -> Run {
        self.lab.run(&[&["-C", "kit", "--no-input"], args].concat())
    }

    fn add(&self, event: &str, args: &[&str]) -> Run {
        self.run(&[&["log", "add", event], args].concat())
    }

    fn set_code(&self) -> String {
        self.dealt.code.to_string()
    }

    fn opened(&self, verb: &[&str], sheets: &[&str], more: &[&str]) -> Run {
        let code = self.set_code();
        let files: Vec<String> = sheets.iter().map(|n| format!("{n}.txt")).collect();
        let mut args = verb.to_vec();
        args.extend(files.iter().map(String::as_str));
        args.extend(["--set-code", &code, "--exception", "a test"]);
        args.extend(more);
        self.run(&args)
    }

    fn confirm(&self, sheets: &[&str]) -> Run {
        let bags: Vec<String> = sheets.iter().map(|n| format!("--bag={n}a=TE-{n}")).collect();
        let bags: Vec<&str> = bags.iter().map(String::as_str).collect();
        self.opened(&["confirm"], sheets, &bags)
    }

    fn release(&self, more: &[&str]) -> Run {
        let _ = std::fs::remove_file(self.lab.path("out"));
        let who = ["--operator", "B. Alvarez", "--operator-id", "E2040", "--reason", "DRILL"];
        let more = [&who[..], &["--output", "out"], more].concat();
        self.opened(&["combine"], &["1", "2", "3"], &more)
    }

    fn book(&self) -> String {
        std::fs::read_to_string(self.lab.path("kit/logbook.jsonl")).unwrap()
    }

    fn last(&self) -> Value {
        serde_json::from_str(self.book().lines().last().unwrap()).unwrap()
    }

    /// The number of the last record of an event; whether this machine has a network changes them.
    fn number(&self, event: &str) -> usize {
        let events = self.lab.events();
        events.iter().rposition(|e| e == event).unwrap() + 1
    }

    fn status(&self) -> Value {
        let run = self.run(&["status", "--json"]);
        serde_json::from_str::<Value>(&run.out).unwrap()["kits"][0].clone()
    }

    fn state(&self) -> String {
        self.status()["sets"][0]["state"].as_str().unwrap().to_owned()
    }

    fn due(&self, task: &str) -> Vec<String> {
        let status = self.status();
        let due = status["due"].as_array().unwrap().iter();
        let words = |due: &Value| due["words"].as_str().unwrap().to_owned();
        due.filter(|due| due["task"] == task).map(words).collect()
    }
}

#[test]
fn a_generation_goes_from_paper_to_ashes() {
    let office = Office::new();
    assert_eq!(office.state(), "DEALT");
    // three of five open it, but a fourth has to have been read back
    office.confirm(&["1", "2", "3"]).expect(3, &["a set is confirmed from 4 on"]);
    assert_eq!(office.lab.events(), ["BEGIN", "ISSUE"]);
    office.confirm(&["1", "2", "3", "4"]).expect(0, &["Opens: 14 bytes; nothing of them is shown"]);
    assert_eq!(office.state(), "CURRENT");
    assert_eq!(office.last()["bags"]["4a"], "TE-4");
    assert_eq!(office.last()["custodians"]["2a"]["name"], "Ben Hart");
    // one more needs no second opening
    office.confirm(&["5"]).expect(0, &["5 shares are confirmed"]);
    assert!(!office.lab.events().ends_with(&["OPENING".into(), "CONFIRM".into()]));
    assert_eq!(office.due("store").len(), 5);
    let bags: Vec<String> = (1..=5).map(|n| format!("--bag={n}a=TE-{n}")).collect();
    let bags: Vec<&str> = bags.iter().map(String::as_str).collect();
    office.add("store", &bags).expect(0, &["Write into the paper book:", "STORE  1a 2a 3a 4a 5a"]);
    assert!(office.due("store").is_empty());

    office.release(&[]).expect(0, &["Revoke before"]);
    assert_eq!(office.state(), "RELEASED");
    assert_eq!(office.last()["accountable"]["name"], "Ana Ruiz");
    assert!(office.due("complete")[0].starts_with("name the ticket and witness of the release"));
    office.add("correct", &["--ticket", "INC-7", "--witness", "Fay Adams (E2001)"]).expect(0, &[]);
    assert!(office.due("complete").is_empty());
    office.add("end", &[]).expect(0, &["the credential still works"]);
    assert!(office.due("end").is_empty());
    assert_eq!(office.due("revoke").len(), 1);
    // the last way in is not given up without a word
    let revoke = ["--credential", "AKIA1", "--evidence", "1.txt"];
    office.add("revoke", &revoke).expect(2, &["this was the last way in"]);
    let revoke = [&revoke[..], &["--exception", "end of the test"]].concat();
    office.add("revoke", &revoke).expect(0, &["the papers are void"]);
    assert_eq!(office.last()["evidence"][0]["file"], "1.txt");
    assert_eq!(office.state(), "RETIRED");
    for number in 1..=5 {
        let sheet = format!("{number}a");
        let scan = format!("{number}.txt");
        let how = ["--kind", "cross-cut", "--witness", "Fay Adams (E2001)", "--scan", &scan];
        office.add("destroy", &how).expect(0, &[&format!("DESTROY  {sheet}")]);
        assert!(office.last()["presence"][&sheet].is_string(), "the sheet itself was read");
    }
    assert_eq!(office.state(), "DESTROYED");
    assert_eq!(office.due("deal").len(), 1);
}

#[test]
fn drills_open_nothing_that_is_shown() {
    let office = Office::in_use();
    let dry = office.opened(&["drill", "dry"], &["1", "2", "3"], &[]);
    dry.expect(
        0,
        &["Opens: 14 bytes, the set code agrees.", "The drill has passed: the first sheet"],
    );
    assert!(!dry.out.contains("horse") && !dry.err.contains("horse"));
    assert_eq!(office.last()["result"], "passed");
    // whose bags were cut open
    assert_eq!(office.due("store").len(), 4, "1a 2a 3a and the outstanding 5a");
    office.opened(&["drill", "dry"], &["1", "2"], &[]).expect(3, &["quorum not reached"]);
    let solo = office.opened(&["drill", "solo"], &["4"], &[]);
    solo.expect(0, &["Sheet 4a fits its manifest and was issued"]);
    assert!(office.last()["presence"]["4a"].is_string());

    let call = |bags: &[&str]| {
        let bags: Vec<String> = bags.iter().map(|bag| format!("--bag={bag}")).collect();
        let bags: Vec<&str> = bags.iter().map(String::as_str).collect();
        office.run(&[&["drill", "call", "--generation", "1"], &bags[..]].concat())
    };
    let fresh = ["--bag=1a=N-1", "--bag=2a=N-2", "--bag=3a=N-3", "--bag=4a=N-4", "--bag=5a=N-5"];
    office.add("store", &fresh).expect(0, &[]);
    call(&["1a=n-1", "2a=N-2", "3a=N-3", "4a=N-4", "5a=N-5"])
        .expect(0, &["All 5 bags are where they should be"]);
    call(&["1a=N-1", "2a=N-9", "3a=", "4a=N-4", "5a=N-5"]).expect(
        1,
        &[
            "sheet 2a is in bag N-9, by the records in N-2",
            "nobody was reached about sheet 3a",
            "the drill has failed",
        ],
    );
    assert_eq!(office.last()["result"], "failed");
    assert!(office.due("drill").iter().any(|words| words.contains("failed")));
}

#[test]
fn what_does_not_fit_is_refused_or_asked_about() {
    let office = Office::in_use();
    let before = office.book();
    for (args, words) in [
        (&["log", "add", "burn"][..], "there is no event `burn`"),
        (&["log", "add", "release"], "recorded by `breakglass combine`"),
        (&["log", "add", "inspect", "--seal", "9a=intact"], "has no sheet 9a"),
        (&["log", "add", "inspect", "--sheet", "xx"], "`xx` is no sheet"),
        (&["log", "add", "inspect", "--sheet", "1a"], "give `--seal`"),
        (&["log", "add", "inspect", "--seal", "1a=a\u{1b}[2J"], "control characters"),
        (&["log", "add", "inspect", "--seal", "1a=a\nb"], "control characters"),
        (&["log", "add", "end"], "no release is open"),
        (&["log", "add", "end", "--record", "1"], "record 1 is no release"),
        (&["log", "add", "review", "--record", "99", "--reviewer", "X"], "there is no record 99"),
        (&["log", "add", "notify", "--to", "x", "--bag", "1a=T"], "NOTIFY does not take `--bag`"),
        (&["log", "add", "lost", "--generation", "4"], "there is no generation 4"),
        (&["log", "add", "notify", "--to", "x", "--paper", "B1"], "is no place in a book"),
        (&["log", "add", "notify", "--to", "x", "--time", "2026-11-24 05:00"], "with its zone"),
        (
            &["log", "add", "transfer", "--sheet", "1a", "--custodian", "Ben Hart (E1002)"],
            "two shares",
        ),
        (&["log", "add", "store", "--bag", "1a=TE-2"], "bag TE-2 would hold two sheets: 1a and 2a"),
        (
            &["log", "add", "destroy", "--sheet", "1a", "--kind", "burnt", "--witness", "Fay (E9)"],
            "its papers still open it",
        ),
        (
            &["log", "add", "destroy", "--sheet", "1a", "--kind", "burnt", "--witness", "Ben Hart"],
            "holds sheet 2a",
        ),
        (&["log", "show", "99"], "there is no record 99"),
        (&["log", "stub", "7-3", "-o", "x"], "neither a number of a record"),
        (&["log", "import", "kit/method.toml"], "there is no record in these files"),
        (&["status", "--as-of", "now"], "is not a time"),
    ] {
        let run = office.run(args);
        assert!(matches!(run.code, 1 | 2), "{args:?}: {} {}", run.code, run.err);
        run.expect(run.code, &[words]);
        assert_eq!(office.book(), before, "{args:?} wrote something");
    }
    // a reason makes it possible, and is recorded first
    let args = ["--bag", "1a=TE-2", "--exception", "a bag of two pockets"];
    office.add("store", &args).expect(0, &[]);
    let events = office.lab.events();
    assert_eq!(events[events.len() - 2..], ["EXCEPTION", "STORE"]);
}

#[test]
fn every_event_that_people_report_can_be_reported() {
    let office = Office::in_use();
    office.release(&[]).expect(0, &[]);
    let number = office.number("RELEASE").to_string();
    let release = format!("--record={number}");
    let release = release.as_str();
    for (event, args) in [
        ("method", &["--approver", "Fay Adams (E2001)", "--note", "two more uses"][..]),
        ("receive", &["--bag", "5a=TE-5", "--custodian", "5a=Gil Moss (E1009)"]),
        ("inspect", &["--seal", "5a=intact", "--how", "phone"]),
        ("transfer", &["--bag", "5a=TE-5", "--custodian", "Hal Reed (E1010)"]),
        ("end", &[release]),
        ("disable", &["--credential", "AKIA1"]),
        ("rotate", &["--note", "by hand"]),
        ("lost", &["--sheet", "5a", "--note", "left on a train"]),
        ("tamper", &["--sheet", "4a", "--kind", "bag or seal", "--note", "cut open"]),
        ("compromise", &["--note", "read aloud in a meeting"]),
        ("notify", &["--to", "auditors", "--how", "phone"]),
        ("evidence", &["--evidence", "1.txt"]),
        ("exception", &["--kind", "no witness", "--reason", "nobody was there"]),
        ("void", &[release, "--note", "nobody got it", "--exception", "the screen was lost"]),
        ("correct", &[release, "--ticket", "INC-1", "--paper", "B1/2/3"]),
        ("review", &["--reviewer", "Ines Bok (A1)"]),
        ("abort", &["--note", "printer jam", "--exception", "all of them wet"]),
        ("close", &["--note", "full; B2 follows"]),
    ] {
        office.add(event, args).expect(0, &["Write into the paper book"]);
        let record = office.last();
        assert_eq!(record["event"], event.to_uppercase(), "{record}");
    }
    let status = office.status();
    let sheet = |i: usize| status["sets"][0]["sheets"][i].clone();
    assert_eq!(
        (sheet(4)["fate"].as_str(), sheet(3)["fate"].as_str()),
        (Some("lost"), Some("in doubt"))
    );
    assert_eq!(sheet(4)["holder"]["name"], "Hal Reed");
    assert_eq!(status["sets"][0]["state"], "ABORTED");
    assert!(status["sets"][0]["releases"].as_array().unwrap().is_empty(), "it was voided");
    office.run(&["log", "verify"]).expect(0, &["the chain is whole"]);
    office.run(&["log", "show"]).expect(0, &["5a: Hal Reed (E1010) in bag TE-5"]);
}

#[test]
fn status_counts_the_hours_and_fills_a_calendar() {
    let office = Office::in_use();
    office.release(&[]).expect(0, &[]);
    office.run(&["status", "--check"]).expect(1, &["OPEN, revoke within 2"]);
    let late = office.run(&["status", "--as-of", "2036-01-01T00:00Z", "--check"]);
    late.expect(1, &["OVERDUE", "revocation OVERDUE by", "B. Alvarez (E2040)"]);
    office.run(&["status", "--ics", "due.ics"]).expect(0, &[]);
    let calendar = std::fs::read_to_string(office.lab.path("due.ics")).unwrap();
    assert!(
        calendar.starts_with("BEGIN:VCALENDAR\r\n") && calendar.contains("revoke generation 1")
    );
    let uids = |text: &str| -> Vec<String> {
        text.lines().filter(|l| l.starts_with("UID")).map(str::to_owned).collect()
    };
    let first = uids(&calendar);
    let distinct: std::collections::BTreeSet<_> = first.iter().collect();
    assert_eq!(distinct.len(), first.len());
    office.run(&["status", "--ics", "due.ics"]).expect(2, &["exists already"]);
    // another one later has the same identifiers
    office.run(&["status", "--ics", "again.ics"]).expect(0, &[]);
    assert_eq!(uids(&std::fs::read_to_string(office.lab.path("again.ics")).unwrap()), first);
    // two kits at once
    let other = Office::new();
    let both = [office.lab.path("kit"), other.lab.path("kit")].map(|p| p.display().to_string());
    let run = office.lab.run(&["status", &both[0], &both[1], "--json"]);
    let kits = serde_json::from_str::<Value>(&run.out).unwrap();
    assert_eq!(kits["kits"].as_array().unwrap().len(), 2);
}

#[test]
fn a_sheet_proves_where_it_was_read() {
    let office = Office::in_use();
    office.release(&[]).expect(0, &[]);
    let head = Code::parse(CodeKind::Record, &code_of(office.book().lines().last().unwrap()));
    let head = head.unwrap().to_string();
    let run =
        office.run(&["log", "verify", "--head", &head, "--sheet", "1.txt", "--sheet", "5.txt"]);
    run.expect(0, &[", RELEASE: it was read there", "sheet 5a  no record says that it was read"]);
    // a tag that somebody made up
    let forged = office
        .book()
        .replace(&office.last()["presence"]["1a"].as_str().unwrap().to_owned(), &"0".repeat(32));
    std::fs::write(office.lab.path("kit/logbook.jsonl"), forged).unwrap();
    office.run(&["log", "verify", "--sheet", "1.txt"]).expect(1, &["IT WAS NOT READ THERE"]);
}

fn code_of(line: &str) -> String {
    breakglass::logbook::check_code(line.as_bytes()).to_string()
}

#[test]
fn the_ink_of_the_head_may_slip_once() {
    let office = Office::new();
    let head = code_of(office.book().lines().last().unwrap());
    office
        .run(&["log", "verify", "--head", &head.to_lowercase()])
        .expect(0, &["The head is the one in ink"]);
    let sign = if head.as_bytes()[4] == b'2' { "3" } else { "2" };
    let slip = format!("{}{sign}{}", &head[..4], &head[5..]);
    office.run(&["log", "verify", "--head", &slip]).expect(2, &["one sign differs from"]);
    let first = code_of(office.book().lines().next().unwrap());
    office
        .run(&["log", "verify", "--head", &first])
        .expect(1, &["which is record 1: 1 after it not in ink"]);
}

#[test]
fn strips_rebuild_a_book_and_loose_records_join_it() {
    let office = Office::in_use();
    let all = office.lab.events().len();
    office.run(&["log", "stub", &format!("1-{all}"), "-o", "strips"]).expect(0, &["strips: cut"]);
    // another kit without a book takes it from paper alone
    let other = Lab::new();
    // as they come back from a scanner at 150 dpi
    let pdf = std::fs::read(office.lab.path("strips/stub.pdf")).unwrap();
    let scans = office.lab.path("scans");
    std::fs::create_dir(&scans).unwrap();
    for page in
        (1..).map_while(|page| breakglass::scan::picture(&pdf, page, 150.0).ok().map(|p| (page, p)))
    {
        std::fs::write(scans.join(format!("{}.png", page.0)), page.1).unwrap();
    }
    let strips = scans.display().to_string();
    let import = |lab: &Lab, files: &[&str]| {
        lab.run(&[&["-C", "kit", "--no-input", "log", "import"], files].concat())
    };
    import(&other, &[&strips]).expect(0, &[&format!("0 known, {all} follow")]);
    let rebuilt = std::fs::read_to_string(other.path("kit/logbook.jsonl")).unwrap();
    assert_eq!(rebuilt, office.book());
    import(&other, &[&strips]).expect(0, &[&format!("{all} known, 0 follow")]);
    // half a book is none
    office.run(&["log", "stub", "1-2", "4", "-o", "some"]).expect(0, &[]);
    let third = Lab::new();
    let some = office.lab.path("some/stub.pdf").display().to_string();
    import(&third, &[&some]).expect(1, &["nobody has shown record 3"]);
    assert!(!third.path("kit/logbook.jsonl").exists());

    // a release made without the kit is loose, and comes in as it was
    let home = office.lab.combine(&["1.txt", "2.txt", "3.txt"], &["--no-book"]);
    home.expect(0, &["loose record"]);
    let loose = office.lab.loose();
    assert_eq!(loose.last().unwrap()["event"], "RELEASE");
    let file = std::fs::read_dir(office.lab.dir()).unwrap().map(|e| e.unwrap().path());
    let file = file.filter(|p| p.file_name().unwrap().to_string_lossy().starts_with("record-"));
    let file = file.map(|p| p.display().to_string()).next().unwrap();
    let count = loose.len();
    import(&office.lab, &[&file, "-n"]).expect(0, &[&format!("{count} come in as originals")]);
    import(&office.lab, &[&file]).expect(0, &[&format!("{count} come in as originals")]);
    assert_eq!(office.state(), "RELEASED");
    assert_eq!(office.last()["event"], "IMPORT");
    import(&office.lab, &[&file]).expect(0, &[&format!("{count} known, 0 follow")]);
    office.run(&["log", "verify", "--sheet", "1.txt"]).expect(0, &["RELEASE: it was read there"]);

    // a copy of the kit that went its own way
    other
        .run(&["-C", "kit", "--no-input", "log", "add", "notify", "--to", "the other site"])
        .expect(0, &[]);
    let copy = other.path("kit").display().to_string();
    import(&office.lab, &[&copy]).expect(1, &["another record", "1 come in as originals"]);
    office.run(&["log", "verify"]).expect(0, &["the chain is whole"]);
    // and one that was ahead
    let back = office.lab.path("kit").display().to_string();
    let behind = Lab::new();
    import(&behind, &[&strips]).expect(0, &[]);
    import(&behind, &[&back]).expect(0, &[&format!("{all} known")]);
    let ahead = std::fs::read_to_string(behind.path("kit/logbook.jsonl")).unwrap();
    assert_eq!(ahead, office.book());
}

#[test]
fn the_paper_book_is_held_against_the_file() {
    let office = Office::in_use();
    office.run(&["log", "transcript", "-o", "paper.csv"]).expect(0, &["log compare"]);
    let head = std::fs::read_to_string(office.lab.path("paper.csv")).unwrap();
    let rows = |leave: usize, wrong: usize| -> String {
        let book = office.book();
        let row = |(i, line): (usize, &str)| {
            let entry: Value = serde_json::from_str(line).unwrap();
            let at = Instant::parse(entry["at"].as_str().unwrap()).unwrap();
            let local = at.at_offset(entry["tz"].as_str().unwrap());
            let (date, time) = local.split_once(' ').unwrap();
            let other = book.lines().next().unwrap();
            let code = code_of(if i == wrong { other } else { line });
            let event = entry["event"].as_str().unwrap();
            let sheets = entry["sheets"].as_array().map(|sheets| {
                sheets.iter().map(|s| s.as_str().unwrap()).collect::<Vec<_>>().join(" ")
            });
            let sheets = sheets.unwrap_or_default();
            let line = i + 1;
            (i != leave).then(|| format!("B1,1,{line},{date},{time},{event},{sheets},{code}\n"))
        };
        head.clone() + &book.lines().enumerate().filter_map(row).collect::<String>()
    };
    let none = usize::MAX;
    office.lab.file("good.csv", &rows(none, none));
    office.run(&["log", "compare", "good.csv"]).expect(0, &["records in the file, 0 differences"]);
    office.lab.file("short.csv", &rows(office.number("OPENING") - 1, none));
    office.run(&["log", "compare", "short.csv"]).expect(1, &["missing    record", "OPENING"]);
    office.lab.file("wrong.csv", &rows(none, office.number("STORE") - 1));
    office.run(&["log", "compare", "wrong.csv"]).expect(1, &["wrong code B1/1/"]);
    let late = rows(none, none).replacen(",STORE,1a 2a", ",STORE,1a 3a", 1);
    office.lab.file("late.csv", &late);
    office.run(&["log", "compare", "late.csv"]).expect(1, &["sheets is `1a 3a 3a 4a` on paper"]);
    office.lab.file("bad.csv", "book,page\n");
    office.run(&["log", "compare", "bad.csv"]).expect(2, &["no column `line`"]);
}

#[test]
fn the_papers_of_the_office_come_out() {
    let office = Office::in_use();
    office
        .run(&["log", "book", "-o", "b", "--pages", "2", "--book", "B7"])
        .expect(0, &["book.pdf"]);
    office.run(&["log", "book", "-o", "l", "--paper", "letter"]).expect(0, &[]);
    office.run(&["print", "custody-card", "-o", "c"]).expect(0, &["custody-card.pdf"]);
    office.run(&["print", "stub", "-o", "c"]).expect(2, &["breakglass log stub 12 -o DIR"]);
    office.run(&["log", "book", "-o", "x", "--pages", "0"]).expect(2, &["1 to 200"]);
}

#[test]
fn who_may_not_write_is_told() {
    let office = Office::in_use();
    let book = office.lab.path("kit/logbook.jsonl");
    // nobody, root neither, writes into a folder as if it were a file
    std::fs::rename(&book, office.lab.path("away")).unwrap();
    std::fs::create_dir(&book).unwrap();
    office.add("notify", &["--to", "x"]).expect(2, &["logbook.jsonl", "not a regular file"]);
    office.run(&["status"]).expect(2, &["not a regular file"]);
    // the credential is not held up by it
    office.release(&["--record", "loose.json"]).expect(0, &["loose record"]);
    assert!(std::fs::read_to_string(office.lab.path("loose.json")).unwrap().contains("RELEASE"));
}
