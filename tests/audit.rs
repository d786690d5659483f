//! `audit`: what evidence says is read right, and a year of one method is judged as a person would.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::semicolon_if_nothing_returned,
    missing_docs,
    unreachable_pub
)]

#[path = "audit/mutations.rs"]
mod mutations;
#[path = "support/papers.rs"]
mod papers;
#[path = "audit/recorded.rs"]
mod recorded;
#[path = "audit/traps.rs"]
mod traps;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use breakglass::clock::Instant;
use breakglass::logbook::hex;
use breakglass::session::recording::{Folder, Index};
use breakglass::set::sha256;
use mutations::{KEY1, KEY2, KEY4, MUTATIONS, Mutation, REPLACED};
use papers::Papers;
use recorded::RECORDED;
use serde_json::Value;
use traps::{HEAD, TRAPS, Trap};

fn at(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/audit").join(name)
}

fn audit(args: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_breakglass"));
    command.arg("audit").args(args).current_dir(folder).output().unwrap()
}

fn said(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&both).into_owned()
}

/// Every file below a folder, by name.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() { all.extend(files(&entry)) } else { all.push(entry) }
    }
    all.sort();
    all
}

/// What lies in a folder, by name.
fn inside(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.sort();
    all
}

/// Gives lines their place in a chain: `v`, `seq`, `prev`.
fn chained(lines: &[Value]) -> String {
    let (mut book, mut prev) = (String::new(), "0".repeat(64));
    for (line, seq) in lines.iter().zip(1..) {
        let mut text = line.to_string();
        // presence stands last
        if let Some(presence) = line.get("presence") {
            let mut rest = line.clone();
            rest.as_object_mut().unwrap().remove("presence");
            let rest = rest.to_string();
            text = format!("{},\"presence\":{presence}}}", &rest[..rest.len() - 1]);
        }
        let text = format!("{{\"v\":1,\"seq\":{seq},\"prev\":\"{prev}\",{}", &text[1..]);
        prev = hex(&sha256(&[text.as_bytes()]));
        book += &text;
        book.push('\n');
    }
    book
}

/// The worked case in a folder of its own, its book made whole.
struct Desk {
    dir: tempfile::TempDir,
    book: Vec<Value>,
    args: &'static [&'static str],
}

impl Desk {
    /// Access keys, which live side by side for a while.
    fn new() -> Self {
        let args = &[
            "--as-of",
            "2026-11-15T12:00Z",
            "--report-time",
            "list-access-keys.json=2026-11-14T09:00Z",
        ];
        Self::of("case", args)
    }

    /// The password of a role, where one follows the other.
    fn replace() -> Self {
        Self::of("replace", &["--as-of", "2026-10-15T12:00Z"])
    }

    fn of(case: &str, args: &'static [&'static str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for file in files(&at(case)) {
            let name = file.strip_prefix(at(case)).unwrap().to_str().unwrap();
            if !["book.jsonl", "expected.md"].contains(&name) {
                let copy = dir.path().join(name);
                fs::create_dir_all(copy.parent().unwrap()).unwrap();
                fs::copy(&file, copy).unwrap();
            }
        }
        let text = fs::read_to_string(at(case).join("book.jsonl")).unwrap();
        let book = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        Self { dir, book, args }
    }

    fn audit(&self, more: &[&str]) -> Output {
        fs::write(self.dir.path().join("book.jsonl"), chained(&self.book)).unwrap();
        let paths = inside(self.dir.path());
        let paths: Vec<&str> = paths.iter().map(|path| path.to_str().unwrap()).collect();
        audit(&[self.args, more, &paths[..]].concat(), self.dir.path())
    }

    fn report(&self) -> Value {
        let output = self.audit(&["--format", "json"]);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)))
    }
}

/// Cells of the rows of a table in Markdown, its head left out.
fn rows(text: &str, columns: usize) -> Vec<Vec<String>> {
    let cells = |line: &str| -> Vec<String> {
        line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let tables = text.lines().filter(|line| line.starts_with('|')).map(cells);
    let all: Vec<Vec<String>> = tables.filter(|row| row.len() == columns).collect();
    all.into_iter().skip(2).collect()
}

fn broken(report: &Value) -> BTreeSet<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    let failed = findings.filter(|finding| finding["outcome"] == "fail");
    failed.map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect()
}

/// The facts of every sample: formats that nobody here wrote. `BREAKGLASS_DRAW=1` writes them down anew.
#[test]
fn every_sample_says_what_it_says() {
    let mut text = String::new();
    for file in files(&at("samples")) {
        let name = file.strip_prefix(at("samples")).unwrap().to_str().unwrap().to_owned();
        if name == "SOURCES.md" {
            continue;
        }
        let output = audit(&["--facts", &name, "--tz", "UTC"], &at("samples"));
        assert!(output.status.success(), "{name}: {}", said(&output));
        text += &said(&output);
    }
    let path = at("facts.txt");
    if std::env::var_os("BREAKGLASS_DRAW").is_some() {
        fs::write(&path, &text).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

/// Holds what came out against what was written down before the engine ran.
fn is_as_expected(desk: &Desk, case: &str) {
    let report = desk.report();
    let expected = fs::read_to_string(at(case).join("expected.md")).unwrap();
    let releases = report["releases"].as_array().unwrap();
    let wanted = rows(&expected, 4);
    assert_eq!(releases.len(), wanted.len(), "{releases:#?}");
    for (row, release) in wanted.iter().zip(releases) {
        assert_eq!(release["record"].to_string(), row[0]);
        assert_eq!(release["generation"].to_string(), row[1]);
        let verdict = release["verdict"].as_str().unwrap();
        assert!(verdict.eq_ignore_ascii_case(&row[3]), "{row:?}: {release:#}");
    }
    let wanted: BTreeSet<String> =
        rows(&expected, 2).into_iter().map(|mut row| row.remove(0)).collect();
    assert_eq!(broken(&report), wanted, "{:#}", report["findings"]);
}

#[test]
fn a_year_is_judged_as_a_person_would() {
    is_as_expected(&Desk::new(), "case");
}

#[test]
fn one_secret_after_another_is_judged_as_a_person_would() {
    is_as_expected(&Desk::replace(), "replace");
}

impl Desk {
    /// The record of that number.
    fn record(&mut self, number: usize) -> &mut Value {
        &mut self.book[number - 1]
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.dir.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "no `{from}` in {file}");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    /// Keeps the lines of a file that a condition holds for.
    fn keep(&self, file: &str, holds: impl Fn(&str) -> bool) {
        let path = self.dir.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        let kept: Vec<&str> = text.lines().filter(|line| holds(line)).collect();
        assert!(kept.len() < text.lines().count(), "nothing to leave out of {file}");
        fs::write(path, kept.join("\n") + "\n").unwrap();
    }

    /// Puts an event into the trail.
    fn event(&self, at: &str, name: &str, key: &str, more: &Value) {
        let mut event = serde_json::json!({
            "eventVersion": "1.09", "eventTime": at, "eventName": name, "eventSource": "iam.amazonaws.com",
            "awsRegion": "us-east-1", "sourceIPAddress": "192.0.2.10", "userAgent": "aws-cli",
            "recipientAccountId": "123456789012",
            "userIdentity": { "type": "IAMUser", "userName": "breakglass-payments", "accessKeyId": key },
        });
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let path = self.dir.path().join("cloudtrail.jsonl");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, format!("{event}\n{text}")).unwrap();
    }

    /// Releases generation 4, as record 44.
    fn release4(&mut self, at: &str, (name, id): (&str, &str)) {
        let due = format!("2026-11-11{}", &at[10..]);
        self.append(&serde_json::json!({
            "event": "RELEASE", "at": at, "generation": 4, "set": "S GEN4-0000-0000-0000-4", "sheets": ["1a", "2a", "3a"],
            "operator": { "name": name, "id": id }, "reason": "IDP-DOWN", "ticket": "INC-9", "revoke_due": due,
            "witness": { "name": "W. Boss", "id": "E1500" },
        }));
    }

    /// Appends a record, and its line to the paper book.
    fn append(&mut self, record: &Value) {
        let number = self.book.len();
        let at = record["at"].as_str().unwrap().to_owned();
        let sheets = record["sheets"].as_array().into_iter().flatten();
        let sheets: Vec<&str> = sheets.map(|sheet| sheet.as_str().unwrap()).collect();
        let event = record["event"].as_str().unwrap();
        let line = format!(
            "B1,{},{},{},{},{event},{},\n",
            number / 12 + 1,
            number % 12 + 1,
            &at[..10],
            &at[11..16],
            sheets.join(" ")
        );
        let path = self.dir.path().join("paper.csv");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, text + &line).unwrap();
        let mut whole = serde_json::json!({
            "clock": "system", "tz": "+00:00", "method": "aws-payments-prod",
            "program": { "version": "0.1.0", "sha256": "unknown" },
        });
        whole.as_object_mut().unwrap().extend(record.as_object().unwrap().clone());
        self.book.push(whole);
    }
}

impl Desk {
    /// A recording in the folder `sessions`, as this program makes it. Returns the end of its chain.
    fn recorded(
        &self,
        name: &str,
        release: u64,
        (started, recipients): (&str, &[&str]),
        parts: &[&str],
    ) -> String {
        let index = Index {
            method: "aws-payments-prod".into(),
            release: Some(release.to_string()),
            started: Instant::parse_rfc3339(started).unwrap(),
            recipients: recipients.iter().map(|r| (*r).to_owned()).collect(),
        };
        let path = self.dir.path().join("sessions").join(name);
        let mut folder = Folder::create(&path, &index).unwrap();
        for part in parts {
            folder.add((folder.opening_line() + part).as_bytes(), true).unwrap();
        }
        folder.head().hex()
    }

    /// Generation 1 assumes a role under the first release.
    fn assumed(&self, until: &str) {
        let more = serde_json::json!({
            "eventSource": "sts.amazonaws.com",
            "requestParameters": { "roleArn": "arn:aws:iam::123456789012:role/incident", "roleSessionName": "E2040" },
            "responseElements": { "credentials": { "accessKeyId": "ASIASESSION0000000001", "expiration": until } },
        });
        self.event("2026-04-10T04:30:00Z", "AssumeRole", KEY1, &more);
    }

    /// An administrator denies everything to older sessions.
    fn ended(&self, name: &str, whose: &Value) {
        let mut request = whose.clone();
        request["policyName"] = "AWSRevokeOlderSessions".into();
        let more = serde_json::json!({
            "userIdentity": { "type": "IAMUser", "userName": "admin", "accessKeyId": "AKIAADMINADMINADMIN1" },
            "requestParameters": request,
        });
        self.event("2026-04-10T10:35:00Z", name, "", &more);
    }

    /// A line of the server's log.
    fn server(&self, at: &str, user: &str, (severity, state): (&str, &str), message: &str) {
        let (path, time) = (self.dir.path().join("server.jsonl"), at.replace(['T', 'Z'], " "));
        let line = serde_json::json!({
            "timestamp": format!("{}.500 UTC", time.trim_end()), "user": user, "dbname": "payments", "pid": 1,
            "remote_host": "192.0.2.10", "session_id": at, "error_severity": severity, "state_code": state,
            "message": message,
        });
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, format!("{text}{line}\n")).unwrap();
    }

    /// The first drill of the book finds something, to be mended by a day.
    fn finds(&mut self, due: &str) {
        let drill = self.book.iter_mut().find(|record| record["event"] == "DRILL").unwrap();
        let found =
            serde_json::json!({ "what": "a phone number is old", "owner": "Ana Ruiz", "due": due });
        drill["findings"] = serde_json::json!([found]);
    }

    fn login(&self, at: &str) {
        let message = "connection authorized: user=bg_payments database=payments";
        self.server(at, "bg_payments", ("LOG", "00000"), message);
    }

    fn altered(&self, at: &str, how: &str) {
        let message = format!("statement: ALTER ROLE bg_payments {how}");
        self.server(at, "postgres", ("LOG", "00000"), &message);
    }
}

/// A case, and what is changed in it.
type Changed = (fn() -> Desk, &'static [Mutation]);

/// The worked cases.
const CASES: [Changed; 3] =
    [(Desk::new, MUTATIONS), (Desk::new, RECORDED), (Desk::replace, REPLACED)];

/// One change, and only what it touches.
fn breaks_its_rule_and_no_other(new: fn() -> Desk, mutations: &[Mutation]) {
    let base = broken(&new().report());
    let mut wrong = Vec::new();
    for Mutation { what, change, breaks, mends } in mutations {
        let mut desk = new();
        change(&mut desk);
        let now = broken(&desk.report());
        let wanted: BTreeSet<String> = base
            .iter()
            .map(String::as_str)
            .chain(breaks.iter().copied())
            .filter(|rule| !mends.contains(rule))
            .map(str::to_owned)
            .collect();
        if now != wanted {
            let more: Vec<&String> = now.difference(&wanted).collect();
            let less: Vec<&String> = wanted.difference(&now).collect();
            wrong.push(format!("{what}: breaks {more:?} too, and not {less:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn one_change_breaks_its_rule_and_no_other() {
    breaks_its_rule_and_no_other(Desk::new, MUTATIONS);
}

#[test]
fn one_change_to_a_recording_breaks_its_rule_and_no_other() {
    breaks_its_rule_and_no_other(Desk::new, RECORDED);
}

#[test]
fn one_change_to_one_place_breaks_its_rule_and_no_other() {
    breaks_its_rule_and_no_other(Desk::replace, REPLACED);
}

/// What the worked cases and their changes never show, and why: outcome, rules, reason.
const HOLES: &[(&str, &[&str], &str)] = &[
    (
        "fail",
        &["BG-REV-003", "BG-REV-009", "BG-EVD-001", "BG-EVD-002"],
        "only ever \"cannot tell\"",
    ),
    (
        "fail",
        &["BG-LOG-001"],
        "the chain is made whole after each change; `a_broken_chain_is_found`",
    ),
    ("fail", &["BG-DRL-003"], "takes 13 months; `what_is_old_by_then`"),
    (
        "fail",
        &["BG-EVD-008"],
        "takes a case without evidence of others; `evidence_of_the_program_alone`",
    ),
    ("fail", &["BG-CUS-008", "BG-POL-008"], "takes dealt copies, which only a kit has"),
    ("pass", &["BG-CUS-008", "BG-POL-008"], "takes dealt copies, which only a kit has"),
    ("fail", &["BG-EVD-003"], "takes a kit with evidence; `what_a_kit_kept_is_audited`"),
    ("pass", &["BG-EVD-003"], "takes a kit with evidence; `what_a_kit_kept_is_audited`"),
    (
        "pass",
        &["BG-LOG-005", "BG-LOG-009"],
        "takes check codes, which only a real book has; `a_paper_book_with_its_codes_is_whole`",
    ),
    ("pass", &["BG-GEN-004"], "the case has an orphan from its beginning"),
    ("pass", &["BG-GEN-005"], "the case's method names no greatest age"),
    ("pass", &["BG-DRL-002"], "nobody in the case got a sheet from somebody else"),
    (
        "cannot tell",
        &[
            "BG-CUS-001",
            "BG-CUS-002",
            "BG-CUS-006",
            "BG-CUS-008",
            "BG-CUS-009",
            "BG-DRL-001",
            "BG-DRL-002",
            "BG-DRL-003",
            "BG-DRL-004",
            "BG-DRL-005",
            "BG-GEN-001",
            "BG-GEN-002",
            "BG-GEN-003",
            "BG-GEN-005",
            "BG-GEN-006",
            "BG-GEN-007",
            "BG-LOG-001",
            "BG-LOG-002",
            "BG-LOG-006",
            "BG-LOG-007",
            "BG-LOG-008",
            "BG-POL-002",
            "BG-REL-002",
            "BG-REL-003",
            "BG-REL-007",
            "BG-REL-008",
            "BG-REL-010",
            "BG-REL-011",
            "BG-REV-008",
            "BG-REV-010",
            "BG-SES-001",
        ],
        "book and method decide, and they are there",
    ),
    (
        "cannot tell",
        &["BG-REL-001", "BG-REL-005", "BG-REL-006"],
        "takes a book that names no holders",
    ),
    (
        "cannot tell",
        &[
            "BG-REV-002",
            "BG-REV-004",
            "BG-REV-005",
            "BG-REV-006",
            "BG-USE-004",
            "BG-USE-007",
            "BG-EVD-007",
        ],
        "about what evidence shows; that it shows nothing is another rule's business",
    ),
    ("cannot tell", &["BG-EVD-003"], "takes a kit with evidence"),
    (
        "cannot tell",
        &["BG-EVD-004"],
        "takes a list without its time; `a_report_without_ids_proves_nothing`",
    ),
    ("cannot tell", &["BG-EVD-005"], "takes evidence and no method"),
    ("cannot tell", &["BG-EVD-006"], "a file is whole, or it says that it is not"),
    ("cannot tell", &["BG-EVD-008"], "takes tables alone; `a_window_is_that_of_its_credential`"),
];

/// Every rule with how it ever came out; a hole has its reason.
#[test]
fn every_rule_comes_out_every_way() {
    use std::collections::BTreeMap;
    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut take = |report: &Value| {
        for finding in report["findings"].as_array().unwrap() {
            let text = |name: &str| finding[name].as_str().unwrap().to_owned();
            seen.entry(text("rule")).or_default().insert(text("outcome"));
        }
    };
    for (new, mutations) in CASES {
        take(&new().report());
        for mutation in mutations {
            let mut desk = new();
            (mutation.change)(&mut desk);
            take(&desk.report());
        }
        // the book alone, and with its method
        for kept in [&["book.jsonl"][..], &["book.jsonl", "method.toml"]] {
            let desk = new();
            for file in files(desk.dir.path()) {
                if !kept.contains(&file.file_name().unwrap().to_str().unwrap()) {
                    fs::remove_file(file).unwrap();
                }
            }
            take(&Desk { args: &["--as-of", "2026-11-15T12:00Z"], ..desk }.report());
        }
    }
    let mut desk = Desk::new();
    desk.release4("2026-11-10T10:00:00Z", ("B. Alvarez", "E2040"));
    let end = serde_json::json!({ "event": "END", "at": "2026-11-10T11:00:00Z", "record": 44,
        "generation": 4, "set": "S GEN4-0000-0000-0000-4" });
    desk.append(&end);
    desk.release4("2026-11-10T12:00:00Z", ("C. Diaz", "E2041"));
    take(&desk.report());
    let mut wrong = Vec::new();
    for rule in breakglass::audit::rules::all() {
        let ways = seen.remove(rule.id).unwrap_or_default();
        let has = |way: &'static str| if ways.contains(way) { way } else { "-" };
        println!("{}  {:<5} {:<5} {}", rule.id, has("fail"), has("pass"), has("cannot tell"));
        for way in ["fail", "pass", "cannot tell"] {
            let excused =
                HOLES.iter().any(|(hole, rules, _)| *hole == way && rules.contains(&rule.id));
            if ways.contains(way) == excused {
                wrong.push((rule.id, way));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn a_broken_chain_is_found() {
    let desk = Desk::new();
    desk.audit(&[]);
    desk.edit("book.jsonl", "\"ticket\":\"INC-4412\"", "\"ticket\":\"INC-4413\"");
    let paths = inside(desk.dir.path());
    let paths: Vec<&str> = paths.iter().map(|path| path.to_str().unwrap()).collect();
    let output = audit(&[&["--as-of", "2026-11-15T12:00Z"], &paths[..]].concat(), desk.dir.path());
    assert_eq!(output.status.code(), Some(1));
    let said = said(&output);
    assert!(said.contains("BG-LOG-001  FAIL         critical"), "{said}");
    assert!(said.contains("line 8: its prev is not the hash of the line before"), "{said}");
}

#[test]
fn what_is_old_by_then() {
    let desk = Desk::new();
    fs::write(desk.dir.path().join("book.jsonl"), chained(&desk.book)).unwrap();
    let output =
        audit(&["book.jsonl", "method.toml", "--as-of", "2027-12-31T12:00Z"], desk.dir.path());
    let said = said(&output);
    assert!(said.contains("BG-DRL-003  FAIL"), "{said}");
}

/// A file that nobody knows is named, never passed over.
#[test]
fn what_is_not_known_is_named() {
    let desk = Desk::new();
    for (name, content, why) in [
        ("notes.txt", "buy milk\n", "nobody knows what this is (text)"),
        ("list.json", "[]", "a list without anything in it"),
        ("other.json", "{\"a\": 1}", "JSON of a kind that is not known"),
        ("table.csv", "a,b\n1,2\n", "a table whose columns are not known"),
        ("nothing", "", "it is empty"),
        (
            "000001.cast",
            "{\"part\":1,\"prev\":\"00\"}\n",
            "a part of a recording: bring the folder that it lies in",
        ),
        (
            "events.csv",
            "credential_id,event,at\nK,vanished,2026-01-01T00:00:00Z\n",
            "record 1: event: `vanished` is none of created",
        ),
    ] {
        let path = desk.dir.path().join(name);
        fs::write(&path, content).unwrap();
        let output = desk.audit(&[]);
        assert_eq!(output.status.code(), Some(2), "{name}: {}", said(&output));
        assert!(said(&output).contains(why), "{name}: {}", said(&output));
        fs::remove_file(path).unwrap();
    }
    let output = audit(&["method.toml"], desk.dir.path());
    assert!(output.status.code() == Some(2) && said(&output).contains("there is no logbook"));
    let output = audit(&["--facts", "method.toml"], desk.dir.path());
    assert!(output.status.code() == Some(2) && said(&output).contains("there is no evidence"));
}

/// Whoever tidies a desk hears of everything that does not belong there, and before anything else is done.
#[test]
fn the_desk_says_everything_at_once() {
    let desk = Desk::new();
    for number in 0..25 {
        fs::write(desk.dir.path().join(format!("notes{number:02}.txt")), "buy milk\n").unwrap();
    }
    let output = desk.audit(&[]);
    let all = said(&output);
    assert_eq!(output.status.code(), Some(2), "{all}");
    assert!(all.contains("25 files cannot be taken:") && all.contains("and 5 more"), "{all}");
    assert!(all.contains("notes00.txt") && all.contains("notes19.txt"), "{all}");
    // a report goes over nothing, and nothing of it is left half written
    let desk = Desk::new();
    fs::write(desk.dir.path().join("report.md"), "mine\n").unwrap();
    fs::create_dir(desk.dir.path().join("out")).unwrap();
    fs::write(desk.dir.path().join("out/findings.csv"), "mine\n").unwrap();
    fs::write(desk.dir.path().join("book.jsonl"), chained(&desk.book)).unwrap();
    for (format, to) in [("markdown", "report.md"), ("csv", "out")] {
        let output = audit(&["book.jsonl", "--format", format, "-o", to], desk.dir.path());
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    }
    assert!(!desk.dir.path().join("out/releases.csv").exists());
    assert_eq!(fs::read_to_string(desk.dir.path().join("report.md")).unwrap(), "mine\n");
}

/// A release that no REVOKE and no evidence ends was not revoked: nobody even says so.
#[test]
fn what_nobody_says_was_revoked_was_not() {
    let mut desk = Desk::new();
    desk.release4("2026-11-10T10:00:00Z", ("B. Alvarez", "E2040"));
    fs::write(desk.dir.path().join("book.jsonl"), chained(&desk.book)).unwrap();
    let output =
        audit(&["book.jsonl", "method.toml", "--as-of", "2026-11-15T12:00Z"], desk.dir.path());
    let said = said(&output);
    assert!(said.contains("FAIL         gen 4, record 44"), "{said}");
    assert!(said.contains("no record and no evidence says that it was revoked"), "{said}");
}

/// A waiver is for one finding, for a time, by somebody; what it waives stays visible.
#[test]
fn what_is_waived_stays_visible() {
    let desk = Desk::new();
    let report = desk.report();
    let open = report["findings"].as_array().unwrap().iter().filter(|f| f["outcome"] != "pass");
    let mut waivers = String::new();
    for finding in open {
        writeln!(waivers, "[[waiver]]\nfingerprint = {}", finding["fingerprint"]).unwrap();
        waivers += "who = \"Gil Moss\"\nuntil = \"2026-12-31\"\nwhy = \"accepted for this year\"\n";
    }
    fs::write(desk.dir.path().join("waivers.toml"), &waivers).unwrap();
    let output = desk.audit(&[]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(
        said(&output).contains("BG-REV-002  waived")
            && said(&output).contains("by Gil Moss until 2026-12-31")
    );
    let over = waivers.replace("2026-12-31", "2026-11-14");
    fs::write(desk.dir.path().join("waivers.toml"), over).unwrap();
    let output = desk.audit(&[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("counts no more: its time is over"), "{}", said(&output));
}

/// The AWS credential report alone never proves that a key is gone; nor does one from before.
#[test]
fn a_report_without_ids_proves_nothing() {
    let desk = Desk::new();
    fs::write(desk.dir.path().join("book.jsonl"), chained(&desk.book)).unwrap();
    let output = audit(
        &[
            "book.jsonl",
            "method.toml",
            "credential-report.json",
            "--as-of",
            "2026-11-15T12:00Z",
            "--format",
            "json",
        ],
        desk.dir.path(),
    );
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    for release in report["releases"].as_array().unwrap() {
        assert_eq!(release["verdict"], "cannot tell", "{release:#}");
    }
    let text = said(&audit(
        &["book.jsonl", "method.toml", "--as-of", "2026-11-15T12:00Z"],
        desk.dir.path(),
    ));
    assert!(text.contains("no evidence of aws AKIAGEN1AAAAAAAAAAAA is here"), "{text}");
}

#[test]
fn evidence_of_the_program_alone() {
    let desk = Desk::new();
    let own = serde_json::json!({
        "breakglass_report": 1, "platform": "aws-iam-access-key", "account": "123456789012", "caller": "arn:x",
        "target": { "user": "breakglass-payments" }, "generated_at": "2026-11-14T09:00:00Z", "clock_source": "x",
        "taken_at": "2026-11-14T09:00:00Z", "complete": true,
        "items": [{ "id": KEY4, "status": "active", "created_at": "2026-10-06T10:55:00Z" }], "raw": [],
    });
    fs::write(desk.dir.path().join("own.json"), own.to_string()).unwrap();
    fs::write(desk.dir.path().join("book.jsonl"), chained(&desk.book)).unwrap();
    let output = audit(
        &["book.jsonl", "method.toml", "own.json", "--as-of", "2026-11-15T12:00Z"],
        desk.dir.path(),
    );
    let said = said(&output);
    assert!(said.contains("BG-EVD-008  FAIL"), "{said}");
    // what was never seen is missing everywhere: perhaps the record has another id than the platform
    assert!(
        said.contains("not listed by 2026-11-14T09:00:00Z, but no evidence ever showed"),
        "{said}"
    );
    assert!(said.contains("BG-REV-001  CANNOT TELL"), "{said}");
}

#[test]
fn reports_are_written_once_and_read_by_others() {
    let desk = Desk::new();
    let output = desk.audit(&["--format", "csv", "-o", "out"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let read = "import csv,sys\nfor name in ('releases','findings'):\n  rows=list(csv.DictReader(open('out/'+name+'.csv',newline='')))\n  assert rows and all(None not in r and None not in r.values() for r in rows)\n  print(name,len(rows))";
    let python =
        Command::new("python3").args(["-c", read]).current_dir(desk.dir.path()).output().unwrap();
    assert!(python.status.success(), "{}", said(&python));
    assert!(said(&python).contains("releases 3"), "{}", said(&python));
    fs::remove_dir_all(desk.dir.path().join("out")).unwrap();
    let output = desk.audit(&["--format", "markdown"]);
    assert!(
        said(&output).contains("| 2 | 18 | 2026-07-01 01:00 | C. Diaz (E2041) |"),
        "{}",
        said(&output)
    );
    let output = audit(&["--explain", "rev-001"], desk.dir.path());
    assert!(said(&output).contains("what to do"), "{}", said(&output));
    assert_eq!(audit(&["--explain", "XYZ"], desk.dir.path()).status.code(), Some(2));
}

/// What is written has exactly the members that the schema names, and all that it requires.
#[test]
fn the_schema_is_that_of_the_report() {
    let schema: Value =
        serde_json::from_str(include_str!("../src/audit/report.schema.json")).unwrap();
    let report = Desk::new().report();
    let members = |value: &Value| -> BTreeSet<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    let required = |schema: &Value| -> BTreeSet<String> {
        schema["required"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| name.as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(members(&report), members(&schema["properties"]));
    for list in ["logbooks", "evidence", "inputs", "releases", "findings"] {
        let items = &schema["properties"][list]["items"];
        assert_eq!(required(items), members(&items["properties"]), "{list}");
        for item in report[list].as_array().unwrap() {
            assert_eq!(members(item), members(&items["properties"]), "{list}");
            for (name, words) in items["properties"].as_object().unwrap() {
                let known = words["enum"].as_array();
                assert!(known.is_none_or(|known| known.contains(&item[name])), "{list}: {name}");
            }
        }
    }
}

#[test]
fn every_trap_of_a_platform_is_known() {
    let dir = tempfile::tempdir().unwrap();
    for Trap { name, file, args, says, not } in TRAPS {
        let path = dir.path().join("FILE");
        fs::write(&path, file.replacen("HEAD", HEAD, 1)).unwrap();
        let output = audit(&[&["--facts", "FILE"], *args].concat(), dir.path());
        let said = said(&output);
        assert!(output.status.success(), "{name}: {said}");
        for words in *says {
            assert!(said.contains(words), "{name}: no `{words}` in\n{said}");
        }
        for words in *not {
            assert!(!said.contains(words), "{name}: `{words}` in\n{said}");
        }
    }
    // a zone that only a person can know is asked for
    fs::write(dir.path().join("FILE"), "{\"timestamp\":\"2026-01-01 01:00:00.1 CET\",\"pid\":1,\"session_id\":\"a\",\"user\":\"bg\",\"error_severity\":\"LOG\",\"message\":\"x\"}\n").unwrap();
    let output = audit(&["--facts", "FILE"], dir.path());
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output)
            .contains("record 1: `2026-01-01 01:00:00.1 CET` is no time whose zone is known"),
        "{}",
        said(&output)
    );
}

impl Desk {
    /// Takes all evidence away, and makes it another platform: its word, and what the target says.
    fn on(platform: &str, target: &str) -> Self {
        let desk = Self::new();
        for name in ["cloudtrail.jsonl", "list-access-keys.json", "credential-report.json"] {
            fs::remove_file(desk.dir.path().join(name)).unwrap();
        }
        desk.edit(
            "method.toml",
            "platform = \"aws-iam-access-key\"",
            &format!("platform = \"{platform}\""),
        );
        desk.edit("method.toml", "driver = \"aws-iam-access-key\"", "driver = \"manual\"");
        desk.edit(
            "method.toml",
            "user = \"breakglass-payments\"\naccount = \"123456789012\"",
            target,
        );
        Self { args: &["--as-of", "2026-12-15T12:00Z"], ..desk }
    }

    fn lay(&self, name: &str, content: &str) {
        fs::write(self.dir.path().join(name), content).unwrap();
    }

    /// What is said of the release of a record.
    fn why(&self, record: u64, more: &[&str]) -> String {
        let output = self.audit(&[&["--format", "json"], more].concat());
        let report: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)));
        let mut rows = report["releases"].as_array().unwrap().iter();
        let row = rows.find(|row| row["record"] == record).unwrap();
        format!("{}: {}", row["verdict"].as_str().unwrap(), row["why"].as_str().unwrap())
    }
}

/// A key on a list is refused only by an sshd that reads it; `krl` in the target says so.
#[test]
fn a_list_of_revoked_keys_counts_where_it_is_read() {
    const PRINT: &str = "jSXiwUmAi7QCKD4f7oaXD0OQDFMtA0kC0q1hIwxzreU";
    for (target, why) in [
        ("user = \"bg\"", "no evidence here says so; authorized_keys as this program"),
        ("user = \"bg\"\nkrl = \"/etc/ssh/revoked\"", "revoked by 2026-11-23T06:18:51Z"),
    ] {
        let mut desk = Desk::on("ssh-key", target);
        for record in &mut desk.book {
            if record["credential"] == KEY1 {
                record["credential"] = PRINT.into();
            }
        }
        fs::copy(at("samples/ssh/sample.krl"), desk.dir.path().join("krl")).unwrap();
        let said = desk.why(7, &[]);
        assert!(said.contains(why), "{said}");
    }
}

/// An application and its service principal have a list each, and neither says whose it is.
#[test]
fn a_credential_is_missed_on_a_list_that_it_was_on() {
    let list = |ids: &[&str]| {
        let item = |id: &&str| {
            format!(
                "{{\"keyId\": \"{id}\", \"startDateTime\": \"2026-01-05T08:00:00Z\", \"endDateTime\": \"2028-01-01T00:00:00Z\"}}"
            )
        };
        format!("[{}]", ids.iter().map(item).collect::<Vec<_>>().join(","))
    };
    let times = [
        "--report-time",
        "one.json=2026-04-10T01:00Z",
        "--report-time",
        "two.json=2026-04-10T12:00Z",
    ];
    for (one, why) in [
        (list(&[KEY1]), "last seen in force 2026-04-10T01:00:00Z"),
        (
            list(&[KEY1, KEY2]),
            "pass: no longer listed 2026-04-10T01:00:00Z to 2026-04-10T12:00:00Z",
        ),
    ] {
        let desk = Desk::on("entra-app", "app = \"11111111-2222\"");
        desk.lay("one.json", &one);
        desk.lay("two.json", &list(&[KEY2]));
        let said = desk.why(7, &times);
        assert!(said.contains(why), "{said}");
    }
}

/// Users of two mounts may have one name.
#[test]
fn a_login_of_another_mount_is_another_login() {
    for (mount, why) in
        [("userpass", "pass: another secret in its place"), ("people", "no evidence here says so")]
    {
        let mut desk = Desk::on("vault-userpass", "user = \"bg\"");
        for record in &mut desk.book {
            if record.get("credential").is_some() {
                record["credential"] = "bg".into();
            }
        }
        desk.lay("vault.jsonl", &format!(
            "{{\"time\":\"2026-04-10T10:30:00Z\",\"type\":\"response\",\"request\":{{\"operation\":\"update\",\"path\":\"auth/{mount}/users/bg/password\"}}}}\n"
        ));
        let said = desk.why(7, &[]);
        assert!(said.contains(why), "{mount}: {said}");
    }
}

/// A table is asked about some credentials, for some time each: the window of one is not that of another.
#[test]
fn a_window_is_that_of_its_credential() {
    let desk = Desk::on("somewhere", "user = \"bg\"");
    let row =
        |id: &str, from: &str| format!("{id},window,,2026-{from}T00:00:00Z,2026-11-01T00:00:00Z\n");
    let head = "credential_id,event,at,window_from,window_to\n";
    desk.lay("table.csv", &format!("{head}{}{}", row(KEY1, "01-01"), row(KEY2, "10-01")));
    let said = said(&desk.audit(&[]));
    assert!(!said.contains("release 7: no log"), "{said}");
    assert!(said.contains("release 18: no log of uses and changes covers"), "{said}");
}

/// What this program has reported of one platform says nothing of another.
#[test]
fn an_own_report_is_of_its_platform() {
    let desk = Desk::on("postgresql", "user = \"breakglass-payments\"");
    for (platform, why) in
        [("aws-iam-access-key", "no evidence of postgresql"), ("postgresql", "not listed by")]
    {
        let own = serde_json::json!({
            "breakglass_report": 1, "platform": platform, "account": "x", "caller": "y", "complete": true,
            "target": { "user": "breakglass-payments" }, "generated_at": "2026-11-14T09:00:00Z",
            "items": [{ "id": KEY4, "status": "active", "created_at": "" }], "raw": [],
        });
        desk.lay("own.json", &own.to_string());
        let said = desk.why(7, &[]);
        assert!(said.contains(why), "{platform}: {said}");
    }
}

/// Signed strips are held against the book: each record byte for byte.
#[test]
fn a_signed_strip_is_held_against_the_book() {
    let papers = Papers::of(b"correct horse battery staple\n");
    papers.run(&["-C", "kit", "log", "stub", "1-2", "-o", "strips"]).expect(0, &[]);
    papers
        .run(&["audit", "kit", "strips"])
        .expect(1, &["strips/stub.pdf: scanned strips", "BG-LOG-003  CANNOT TELL"]);
    let all = papers.run(&["audit", "kit", "strips", "--all"]);
    all.expect(
        1,
        &["the strip of record 1 (BEGIN) has its record", "the strip of record 2 (ISSUE)"],
    );
    // the same method, another book
    let other = Papers::of(b"another\n");
    let strips = papers.path("strips").display().to_string();
    other.run(&["audit", "kit", &strips]).expect(
        1,
        &["BG-LOG-005  FAIL", "the strip of record 2 says something else than the record"],
    );
    // the book was cut off behind its first record
    let book = fs::read_to_string(papers.path("kit/logbook.jsonl")).unwrap();
    papers.file("cut.jsonl", book.lines().next().unwrap().to_owned() + "\n");
    papers
        .run(&["audit", "cut.jsonl", "strips"])
        .expect(1, &["BG-LOG-003  FAIL", "the strip of record 2 (ISSUE) has no record"]);
    // a page without a code is none of a strip
    papers.run(&["-C", "kit", "print", "slip", "-o", "slips"]).expect(0, &[]);
    papers
        .run(&["audit", "kit", "strips", "slips"])
        .expect(2, &["no record is on `slips/slip.pdf`"]);
}

/// Recordings are known by their first bytes, listed with their hash, and not looked into.
#[test]
fn recordings_are_listed() {
    let desk = Desk::new();
    desk.lay(
        "session.cast",
        "{\"version\": 2, \"width\": 80, \"height\": 24}\n[0.1, \"o\", \"$ \"]\n",
    );
    desk.lay("000001.age", "age-encryption.org/v1\n-> X25519 abc\n\u{fffd}");
    fs::write(desk.dir.path().join("screen.mp4"), b"\0\0\0\x18ftypmp42\xff\xff").unwrap();
    let said = said(&desk.audit(&[]));
    for words in [
        "session.cast: recording of a terminal",
        "000001.age: sealed recording",
        "screen.mp4: recording of a screen",
        "method.toml: method file",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

/// A folder of thousands of parts is one thing; what is wrong with it is said by name.
#[test]
fn a_recorded_session_is_one_thing() {
    let desk = Desk::new();
    let text = said(&desk.audit(&["--all"]));
    for words in [
        "sessions/r7: recorded session",
        "`sessions/r7` is as record 41 says",
        "is encrypted to 1 key; the credential was taken out 2 times",
        "nothing in it has the shape of a secret; the credential was taken out 1 time",
        "`sessions/screen-r30.mp4` is as record 43 says",
        "release 7: every use that is seen is in its recordings",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!text.contains("000001"), "{text}");
    // newer recorders write another head
    desk.lay("three.cast", "{\"version\": 3, \"term\": {\"cols\": 80, \"rows\": 24}}\n");
    assert!(said(&desk.audit(&[])).contains("three.cast: recording of a terminal"));
    let path = |name: &str| desk.dir.path().join("sessions/r7").join(name);
    let explain = |words: &str| {
        let text = said(&desk.audit(&[]));
        assert!(text.contains(words), "{words}: {text}");
    };
    fs::copy(path("000003.age"), path("000004.age")).unwrap();
    explain("goes on where it ends by record 41, behind part 3: it has 4 parts here");
    fs::remove_file(path("000004.age")).unwrap();
    fs::rename(path("000003.age"), path("../../aside")).unwrap();
    explain("is not what record 41 says: it was altered, or cut off; it has 2 parts here");
    fs::rename(path("../../aside"), path("000003.age")).unwrap();
    fs::rename(path("000002.age"), path("../../aside")).unwrap();
    explain("part 2 is missing, and part 3 is there");
    fs::remove_dir_all(path("")).unwrap();
    explain("`sessions/r7` of record 41 is not here: bring `sessions/r7`");
}

/// A kit has its recordings with it.
#[test]
fn recordings_of_a_kit_are_looked_at() {
    let papers = Papers::of(b"correct horse battery staple\n");
    let book = fs::read_to_string(papers.path("kit/logbook.jsonl")).unwrap();
    let first: Value = serde_json::from_str(book.lines().next().unwrap()).unwrap();
    let index = Index {
        method: first["method"].as_str().unwrap().into(),
        release: None,
        started: Instant::now().shifted(-3 * 86_400),
        recipients: Vec::new(),
    };
    let mut folder = Folder::create(&papers.path("kit/sessions/lost"), &index).unwrap();
    let body = "[1.0,\"o\",\"AGE-SECRET-KEY-1".to_owned() + &"Q".repeat(58) + "\"]\n";
    folder.add((folder.opening_line() + &body).as_bytes(), true).unwrap();
    papers.run(&["audit", "kit"]).expect(
        1,
        &[
            "BG-SES-002  FAIL",
            "sessions/lost` is a recording that no record names",
            "BG-SES-003  FAIL",
            "can be read without a key, and holds an age identity (part 1)",
        ],
    );
}

/// A token lives on when the password is changed, until it ends or is ended; whoever renews it moves its end.
#[test]
fn a_token_outlives_its_password() {
    let response = |at: &str, path: &str, rest: &str| {
        format!(
            "{{\"time\":\"2026-04-10T{at}Z\",\"type\":\"response\",\"request\":{{\"operation\":\"update\",\"path\":\"{path}\"{rest}\n"
        )
    };
    let token = |ttl: u32| {
        format!(
            "}},\"response\":{{\"auth\":{{\"accessor\":\"hmac-sha256:aa\",\"metadata\":{{\"username\":\"bg\"}},\"token_ttl\":{ttl}}}}}}}"
        )
    };
    let login = |ttl| response("03:00:00", "auth/userpass/login/bg", &token(ttl));
    let renewed = response(
        "03:50:00",
        "auth/token/renew-self",
        &(token(86_400).trim_end_matches('}').to_owned()
            + "}},\"auth\":{\"metadata\":{\"username\":\"bg\"}}}"),
    );
    let changed = response("10:30:00", "auth/userpass/users/bg/password", "}}");
    let leases = response("10:31:00", "sys/leases/revoke-prefix/auth/userpass/login/bg", "}}");
    let by_name = response(
        "10:31:00",
        "auth/token/revoke-accessor",
        ",\"data\":{\"accessor\":\"hmac-sha256:aa\"}}}",
    );
    for (log, fails) in [
        (login(86_400) + &changed, true),
        (login(3600) + &changed, false),
        (login(3600) + &renewed + &changed, true),
        (login(86_400) + &changed + &leases, false),
        (login(86_400) + &changed + &by_name, false),
    ] {
        let mut desk = Desk::on("vault-userpass", "user = \"bg\"");
        for record in &mut desk.book {
            if record.get("credential").is_some() {
                record["credential"] = "bg".into();
            }
        }
        desk.lay("vault.jsonl", &log);
        let report = desk.report();
        let findings = report["findings"].as_array().unwrap().iter();
        let found: Vec<&Value> =
            findings.filter(|f| f["rule"] == "BG-SES-005" && f["generation"] == 1).collect();
        let outcome = if fails { "fail" } else { "pass" };
        assert!(
            !found.is_empty() && found.iter().all(|f| f["outcome"] == outcome),
            "{log}: {found:#?}"
        );
    }
}

/// What `rotate` could not end, it says; and no log of logins shows sessions.
#[test]
fn sessions_that_a_record_leaves_open_are_named() {
    for (note, outcomes) in [
        ("it was tried, and the platform refused it, sessions live on: they are closed", 1),
        ("it was tried, and the platform refused it, 3 sessions ended", 0),
    ] {
        let mut desk = Desk::replace();
        desk.record(14)["note"] = note.into();
        let report = desk.report();
        let findings = report["findings"].as_array().unwrap().iter();
        let found: Vec<&Value> = findings.filter(|f| f["rule"] == "BG-SES-005").collect();
        assert_eq!(found.len(), outcomes, "{found:#?}");
        assert!(found.iter().all(|f| f["outcome"] == "cannot tell" && f["generation"] == 1));
    }
}

/// On paper: every release and finding, in an order that can be read out, whatever signs evidence has in it.
#[test]
#[cfg(feature = "peers")]
fn the_report_is_printed() {
    let desk = Desk::new();
    let odd = "List\u{1f9a6}\u{202e}Users";
    desk.event(
        "2026-08-03T10:00:00Z",
        odd,
        KEY2,
        &serde_json::json!({ "errorCode": "InvalidClientTokenId" }),
    );
    let output = desk.audit(&["--format", "pdf", "-o", "report.pdf"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let run = |program: &str, args: &[&str]| {
        let output = Command::new(program).args(args).current_dir(desk.dir.path()).output();
        let output = output.unwrap_or_else(|_| panic!("`{program}` is missing"));
        assert!(output.status.success(), "{}", said(&output));
        said(&output)
    };
    assert!(
        run("qpdf", &["--check", "report.pdf"]).contains("No syntax or stream encoding errors")
    );
    let text = run("pdftotext", &["-raw", "report.pdf", "-"]);
    let mut rest = text.as_str();
    for words in [
        "Audit of aws-payments-prod",
        "2026-11-15 12:00",
        "Releases",
        "FAIL 2 18",
        "Generation 1, AKIAGEN1AAAAAAAAAAAA",
        "Around release 7",
        "Findings",
        "BG-USE-002",
        "What was looked at",
        "leavers.csv people who left",
        "Signed",
    ] {
        let found = rest.split_once(words);
        rest = found.unwrap_or_else(|| panic!("no `{words}` where it belongs in:\n{text}")).1;
    }
}

/// Reports of before lie beside the evidence sooner or later.
#[test]
fn an_earlier_report_is_no_evidence() {
    let desk = Desk::new();
    for (format, name) in [("json", "a.json"), ("html", "b.html"), ("markdown", "c.md")] {
        assert_eq!(desk.audit(&["--format", format, "-o", name]).status.code(), Some(1));
    }
    let said = said(&desk.audit(&[]));
    for name in ["a.json", "b.html", "c.md"] {
        assert!(said.contains(&format!("{name}: report of an audit")), "{said}");
    }
}

/// What a platform knows of a release is to be exported before it forgets, by somebody else, until a record says that it was.
#[test]
fn what_a_platform_forgets_is_asked_for_in_time() {
    let method = papers::METHOD
        .replace("# driver = \"aws", "driver = \"aws")
        .replace("# [rotation]", "[rotation]")
        .replace("# [rotation.target]", "[rotation.target]")
        .replace("# user = ", "user = ")
        .replace("# account = ", "account = ")
        .replace("layout = \"raw\"", "layout = \"lines\"");
    let credential = b"id: AKIAIOSFODNN7EXAMPLE\nsecret: wJalrXUtnFEMI\n";
    let papers = Papers::dealt(&method, credential, &["--credential-id", "AKIAIOSFODNN7EXAMPLE"]);
    let sheets = papers.sheets();
    let combine = [
        "-C",
        "kit",
        "combine",
        &sheets[0],
        &sheets[1],
        &sheets[2],
        "--operator",
        "B. Alvarez",
        "--operator-id",
        "E2040",
        "--reason",
        "IDP-DOWN",
        "--ticket",
        "INC-1",
        "--no-book",
        "--exception",
        "trying it",
        "--output",
        "used",
    ];
    papers.run(&combine).expect(0, &[]);
    let book = fs::read_to_string(papers.path("kit/logbook.jsonl")).unwrap();
    let line = book.lines().find(|line| line.contains("\"event\":\"RELEASE\"")).unwrap();
    let record = serde_json::from_str::<Value>(line).unwrap()["seq"].to_string();
    // while it is in force there is nothing to show yet
    let status = || papers.run(&["-C", "kit", "status"]);
    assert!(!status().out.contains("EVIDENCE"));
    let exception = ["--exception", "by hand, as a test"];
    let revoke = [
        "-C",
        "kit",
        "log",
        "add",
        "REVOKE",
        "--generation",
        "1",
        "--credential",
        "AKIAIOSFODNN7EXAMPLE",
        "--record",
        &record,
    ];
    papers.run(&[&revoke[..], &exception].concat()).expect(0, &[]);
    let file = format!("keys-r{record}.json");
    status().expect(
        0,
        &[
            "EVIDENCE to be exported",
            "by somebody else than B. Alvarez (E2040)",
            "aws iam list-access-keys --user-name breakglass-payments --output json",
            &file,
            "export what the platform says of release",
        ],
    );
    let json = papers.run(&["-C", "kit", "status", "--json"]).out;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["kits"][0]["exports"][0]["files"].as_array().unwrap().len(), 3);
    papers.run(&["-C", "kit", "print", "evidence", "-o", "cover"]).expect(0, &["evidence.pdf"]);
    papers.file(&file, "{\"AccessKeyMetadata\": []}");
    papers.file("junk.bin", "not an export\n");
    let junk =
        ["-C", "kit", "log", "add", "EVIDENCE", "--generation", "1", "--evidence", "junk.bin"];
    papers.run(&junk).expect(0, &["`junk.bin` is nothing that an audit reads as an export"]);
    // a wrong one is taken back
    let void = ["-C", "kit", "log", "add", "VOID", "--note", "the wrong file", "--record"];
    let last =
        fs::read_to_string(papers.path("kit/logbook.jsonl")).unwrap().lines().count().to_string();
    assert!(!status().out.contains("EVIDENCE"));
    papers.run(&[&void[..], &[&last]].concat()).expect(0, &[]);
    status().expect(0, &["EVIDENCE to be exported"]);
    let keep = ["-C", "kit", "log", "add", "EVIDENCE", "--record", &record, "--evidence", &file];
    papers.run(&keep).expect(0, &[]);
    let done = status().out;
    assert!(!done.contains("EVIDENCE") && !done.contains("export what"), "{done}");
}

/// An audit of a day in the past knows what was known by then, on paper as in the file.
#[test]
fn an_audit_of_the_past_looks_at_the_past() {
    let mut desk = Desk::new();
    desk.args = &[
        "--as-of",
        "2026-08-15T00:00Z",
        "--report-time",
        "list-access-keys.json=2026-11-14T09:00Z",
    ];
    let report = desk.report();
    assert_eq!(report["releases"].as_array().unwrap().len(), 2);
    let broken = broken(&report);
    for rule in ["BG-LOG-003", "BG-LOG-009", "BG-USE-001", "BG-USE-002", "BG-GEN-004"] {
        assert!(!broken.contains(rule), "{rule}: {:#}", report["findings"]);
    }
    // the day of the audit itself is not over: more is written on it
    desk.args = &["--as-of", "2026-10-07T08:30Z"];
    let report = desk.report();
    for rule in ["BG-LOG-003", "BG-LOG-004", "BG-LOG-009"] {
        assert!(!self::broken(&report).contains(rule), "{rule}: {:#}", report["findings"]);
    }
    desk.args = &["--as-of", "2025-08-15T00:00Z"];
    let said = said(&desk.audit(&[]));
    assert!(said.contains("begins after 2025-08-15T00:00:00Z, the time of this audit"), "{said}");
}

/// A book that lies there twice is one book; a shorter copy is its beginning.
#[test]
fn copies_of_a_book_count_once() {
    let desk = Desk::new();
    let whole = chained(&desk.book);
    desk.lay("copy.jsonl", &whole);
    let beginning: String = whole.lines().take(20).flat_map(|line| [line, "\n"]).collect();
    desk.lay("backup.jsonl", &beginning);
    let output = desk.audit(&[]);
    let said = said(&output);
    assert!(said.contains("backup.jsonl: copy of the logbook, its end missing"), "{said}");
    assert_eq!(said.matches("record 18: 2026-07-01").count(), 1, "{said}");
}

/// What was released is looked at, whatever became of its papers since.
#[test]
fn an_abort_hides_no_release() {
    let mut desk = Desk::new();
    desk.release4("2026-11-10T10:00:00Z", ("B. Alvarez", "E2040"));
    desk.append(
        &serde_json::json!({ "event": "ABORT", "at": "2026-11-10T11:00:00Z", "generation": 4,
        "set": "S GEN4-0000-0000-0000-4", "note": "a mistake, or worse" }),
    );
    let report = desk.report();
    assert_eq!(report["releases"].as_array().unwrap().len(), 4);
    assert!(broken(&report).contains("BG-REV-001"));
}

/// Nor does a record that takes it back.
#[test]
fn a_void_hides_no_release() {
    let mut desk = Desk::new();
    desk.release4("2026-11-10T10:00:00Z", ("B. Alvarez", "E2040"));
    desk.append(&serde_json::json!({ "event": "VOID", "at": "2026-11-10T11:00:00Z", "record": 44,
        "note": "it was a mistake" }));
    desk.append(
        &serde_json::json!({ "event": "REVIEW", "at": "2026-11-10T12:00:00Z", "record": 99999,
        "reviewer": { "name": "B. Alvarez", "id": "E2040" } }),
    );
    let report = desk.report();
    assert_eq!(report["releases"].as_array().unwrap().len(), 4, "{}", said(&desk.audit(&[])));
    assert!(broken(&report).contains("BG-REV-001"));
}

/// Another hash in a list of roles does not say that a credential of another name is gone.
#[test]
fn a_list_of_places_proves_no_absence() {
    let mut desk = Desk::replace();
    fs::remove_file(desk.dir.path().join("server.jsonl")).unwrap();
    fs::remove_file(desk.dir.path().join("roles-august.csv")).unwrap();
    let mut generation = 0;
    for record in &mut desk.book {
        generation = record["generation"].as_u64().unwrap_or(generation);
        if record.get("credential").is_some() {
            record["credential"] = format!("pg-bg-{generation}").into();
        }
    }
    for record in [8, 19, 31] {
        let why = desk.why(record, &[]);
        assert!(why.starts_with("cannot tell"), "{why}");
    }
}

/// Whoever is audited brings no waivers.
#[test]
fn a_kit_waives_nothing_of_its_own() {
    let papers = Papers::of(b"correct horse battery staple\n");
    fs::create_dir_all(papers.path("kit/evidence")).unwrap();
    let waiver = "[[waiver]]\nfingerprint = \"00\"\nwho = \"Gil Moss\"\nuntil = 2027-01-01\nwhy = \"known\"\n";
    papers.file("kit/evidence/w.toml", waiver);
    papers.run(&["audit", "kit"]).expect(2, &["w.toml` lies in the kit that is audited"]);
    fs::rename(papers.path("kit/evidence/w.toml"), papers.path("w.toml")).unwrap();
    papers.run(&["audit", "kit", "w.toml"]).expect(1, &["there is no such finding any more"]);
}

/// Two findings that are not one have not one fingerprint: a waiver is for what somebody has looked at.
#[test]
fn every_finding_has_its_own_fingerprint() {
    for (new, mutations) in CASES {
        // two books of one method say everything twice
        let one = mutations.iter().filter(|mutation| !mutation.what.contains("another copy"));
        for Mutation { what, change, .. } in one {
            let mut desk = new();
            change(&mut desk);
            let report = desk.report();
            let mut seen = BTreeSet::new();
            for finding in report["findings"].as_array().unwrap() {
                if finding["outcome"] != "pass" {
                    let print = finding["fingerprint"].as_str().unwrap().to_owned();
                    assert!(seen.insert(print), "{what}: {finding:#}");
                }
            }
        }
    }
}

/// What a hostile or clumsy hand lays on the desk costs an error, and nothing else.
#[test]
fn odd_files_are_refused_or_read_as_far_as_they_go() {
    let desk = Desk::new();
    let path = |name: &str| desk.dir.path().join(name);
    // cut off while it was packed
    let trail = fs::read(path("cloudtrail.jsonl")).unwrap();
    let mut gzip = Command::new("gzip")
        .arg("-c")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut gzip.stdin.take().unwrap(), &trail).unwrap();
    let packed = gzip.wait_with_output().unwrap().stdout;
    fs::remove_file(path("cloudtrail.jsonl")).unwrap();
    fs::write(path("trail.gz"), &packed[..packed.len() * 2 / 3]).unwrap();
    let report = said(&desk.audit(&[]));
    assert!(
        report.contains("BG-EVD-006  FAIL") && report.contains("it is cut off in record"),
        "{report}"
    );
    fs::remove_file(path("trail.gz")).unwrap();
    // one object over very many lines
    let mut long = "{\"eventTime\":\"2026-01-01T00:00:00Z\",\"eventSource\":\"iam.amazonaws.com\",\"eventName\":\"X\",\"a\":[\n".to_owned();
    long.push_str(&"1,\n".repeat(1 << 20));
    desk.lay("long.json", &(long + "1]}\n"));
    let report = said(&desk.audit(&[]));
    assert!(report.contains("long.json: AWS CloudTrail"), "{report}");
    fs::remove_file(path("long.json")).unwrap();
    // links lead anywhere
    fs::create_dir(path("more")).unwrap();
    std::os::unix::fs::symlink("..", path("more/loop")).unwrap();
    let output = audit(&[desk.dir.path().to_str().unwrap()], Path::new("/"));
    assert!(
        said(&output).contains("more/loop` is a link: it is not followed"),
        "{}",
        said(&output)
    );
}

/// A paper book that was typed with its check codes is held against the file to the last record.
#[test]
fn a_paper_book_with_its_codes_is_whole() {
    let papers = Papers::of(b"correct horse battery staple\n");
    let mut paper = "book,page,line,date,time,event,sheets,check_code\n".to_owned();
    let book = fs::read_to_string(papers.path("kit/logbook.jsonl")).unwrap();
    for (number, line) in (1..).zip(book.lines()) {
        let record: Value = serde_json::from_str(line).unwrap();
        let at = record["at"].as_str().unwrap();
        let sheets = record["sheets"].as_array().into_iter().flatten();
        let sheets: Vec<&str> = sheets.map(|sheet| sheet.as_str().unwrap()).collect();
        let code = breakglass::logbook::check_code(line.as_bytes());
        let event = record["event"].as_str().unwrap();
        writeln!(
            paper,
            "B1,1,{number},{},{},{event},{},{code}",
            &at[..10],
            &at[11..16],
            sheets.join(" ")
        )
        .unwrap();
    }
    papers.file("paper.csv", &paper);
    let all = papers.run(&["audit", "kit", "paper.csv", "--all"]);
    all.expect(1, &["BG-LOG-005  ok", "BG-LOG-009  ok"]);
    // the file lost its last record
    let short: String = book.lines().take(1).flat_map(|line| [line, "\n"]).collect();
    papers.file("cut.jsonl", short);
    papers.run(&["audit", "cut.jsonl", "paper.csv"]).expect(1, &["BG-LOG-009  FAIL"]);
}
