//! `audit`: what evidence says is read right, and a year of one method is judged as a person would.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::semicolon_if_nothing_returned,
    missing_docs
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use breakglass::logbook::hex;
use breakglass::set::sha256;
use serde_json::Value;

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
}

impl Desk {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for file in files(&at("case")) {
            let name = file.file_name().unwrap().to_str().unwrap();
            if !["book.jsonl", "expected.md"].contains(&name) {
                fs::copy(&file, dir.path().join(name)).unwrap();
            }
        }
        let text = fs::read_to_string(at("case/book.jsonl")).unwrap();
        let book = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        Self { dir, book }
    }

    fn audit(&self, more: &[&str]) -> Output {
        fs::write(self.dir.path().join("book.jsonl"), chained(&self.book)).unwrap();
        let args = [
            "--as-of",
            "2026-11-15T12:00Z",
            "--report-time",
            "list-access-keys.json=2026-11-14T09:00Z",
        ];
        let paths = files(self.dir.path());
        let paths: Vec<&str> = paths.iter().map(|path| path.to_str().unwrap()).collect();
        audit(&[&args[..], more, &paths[..]].concat(), self.dir.path())
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

#[test]
fn a_year_is_judged_as_a_person_would() {
    let report = Desk::new().report();
    let expected = fs::read_to_string(at("case/expected.md")).unwrap();
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

/// What one change does to the case: which rules it breaks, and which it mends.
struct Mutation {
    what: &'static str,
    change: fn(&mut Desk),
    breaks: &'static [&'static str],
    mends: &'static [&'static str],
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

const KEY1: &str = "AKIAGEN1AAAAAAAAAAAA";
const KEY2: &str = "AKIAGEN2BBBBBBBBBBBB";
const KEY3: &str = "AKIAGEN3CCCCCCCCCCCC";
const KEY4: &str = "AKIAGEN4DDDDDDDDDDDD";

/// Every event that ends a key.
fn ends(line: &str, key: &str) -> bool {
    (line.contains("DeleteAccessKey") || line.contains("UpdateAccessKey"))
        && line.contains(&format!(
            "\"requestParameters\":{{\"userName\":\"breakglass-payments\",\"accessKeyId\":\"{key}\""
        ))
}

fn listed(key: &str, status: &str, made: &str) -> String {
    format!(
        "\"AccessKeyMetadata\": [ {{\"UserName\": \"breakglass-payments\", \"AccessKeyId\": \"{key}\", \"Status\": \"{status}\", \"CreateDate\": \"{made}\"}},"
    )
}

const MUTATIONS: &[Mutation] = &[
    Mutation {
        what: "generation 3 was never revoked",
        change: |desk| {
            desk.keep("cloudtrail.jsonl", |line| !ends(line, KEY3));
            desk.edit(
                "list-access-keys.json",
                "\"AccessKeyMetadata\": [",
                &listed(KEY3, "Active", "2026-07-03T08:55:00Z"),
            );
        },
        breaks: &["BG-REV-001", "BG-REV-007"],
        mends: &[],
    },
    Mutation {
        what: "the second release was due two days later",
        change: |desk| desk.record(18)["revoke_due"] = "2026-07-04T01:00:00Z".into(),
        breaks: &["BG-REL-011"],
        mends: &[],
    },
    Mutation {
        what: "generation 1 is only switched off",
        change: |desk| {
            desk.keep("cloudtrail.jsonl", |line| {
                !(ends(line, KEY1) && line.contains("DeleteAccessKey"))
            });
            desk.edit(
                "list-access-keys.json",
                "\"AccessKeyMetadata\": [",
                &listed(KEY1, "Inactive", "2026-01-05T08:50:00Z"),
            );
        },
        breaks: &["BG-REV-004"],
        mends: &[],
    },
    Mutation {
        what: "generation 1 was switched on again in August",
        change: |desk| {
            let request = serde_json::json!({ "requestParameters": { "userName": "breakglass-payments", "accessKeyId": KEY1, "status": "Active" } });
            desk.event("2026-08-03T10:00:00Z", "UpdateAccessKey", "AKIAADMINADMINADMIN1", &request);
        },
        breaks: &["BG-REV-005", "BG-REV-007", "BG-GEN-004", "BG-USE-002"],
        mends: &[],
    },
    Mutation {
        what: "generation 4 was switched off for an hour, and nobody wrote it down",
        change: |desk| {
            for (at, status) in
                [("2026-11-01T10:00:00Z", "Inactive"), ("2026-11-01T11:00:00Z", "Active")]
            {
                let more = serde_json::json!({
                    "userIdentity": { "type": "IAMUser", "userName": "admin", "accessKeyId": "AKIAADMINADMINADMIN1" },
                    "requestParameters": { "userName": "breakglass-payments", "accessKeyId": KEY4, "status": status },
                });
                desk.event(at, "UpdateAccessKey", "", &more);
            }
        },
        breaks: &["BG-REV-005", "BG-REV-006"],
        mends: &[],
    },
    Mutation {
        what: "generation 2 was confirmed after generation 1 was revoked",
        change: |desk| desk.record(11)["at"] = "2026-04-10T12:00:00Z".into(),
        breaks: &["BG-REV-008", "BG-LOG-008"],
        mends: &[],
    },
    Mutation {
        what: "generation 1 was used after the operator was done",
        change: |desk| {
            desk.event("2026-04-10T07:00:00Z", "ListUsers", KEY1, &serde_json::json!({}))
        },
        breaks: &["BG-USE-001"],
        mends: &[],
    },
    Mutation {
        what: "generation 1 was used before the record",
        change: |desk| {
            desk.event("2026-04-10T01:30:00Z", "ListUsers", KEY1, &serde_json::json!({}))
        },
        breaks: &["BG-USE-003"],
        mends: &[],
    },
    Mutation {
        what: "generation 1 was used from an address that the method does not name",
        change: |desk| {
            desk.event(
                "2026-04-10T02:20:00Z",
                "ListUsers",
                KEY1,
                &serde_json::json!({ "sourceIPAddress": "203.0.113.9" }),
            )
        },
        breaks: &["BG-USE-004"],
        mends: &[],
    },
    Mutation {
        what: "somebody tried generation 2 in August",
        change: |desk| {
            desk.event(
                "2026-08-03T10:00:00Z",
                "ListUsers",
                KEY2,
                &serde_json::json!({ "errorCode": "InvalidClientTokenId" }),
            )
        },
        breaks: &["BG-USE-006"],
        mends: &[],
    },
    Mutation {
        what: "the root login was used",
        change: |desk| {
            let root = serde_json::json!({
                "eventSource": "signin.amazonaws.com", "responseElements": { "ConsoleLogin": "Success" },
                "userIdentity": { "type": "Root", "arn": "arn:aws:iam::123456789012:root" },
            });
            desk.event("2026-08-03T10:00:00Z", "ConsoleLogin", "", &root);
        },
        breaks: &["BG-USE-007"],
        mends: &[],
    },
    Mutation {
        what: "two shares opened a set of three",
        change: |desk| desk.record(7)["sheets"] = serde_json::json!(["1a", "2a"]),
        breaks: &["BG-REL-001"],
        mends: &[],
    },
    Mutation {
        what: "the operator is a team",
        change: |desk| {
            desk.record(7)["operator"] = serde_json::json!({ "name": "oncall", "id": "E2040" })
        },
        breaks: &["BG-REL-002"],
        mends: &[],
    },
    Mutation {
        what: "the reason is not permitted",
        change: |desk| desk.record(7)["reason"] = "DATA-URGENT".into(),
        breaks: &["BG-REL-004"],
        mends: &[],
    },
    Mutation {
        what: "the operator holds a sheet",
        change: |desk| {
            desk.record(7)["operator"] = serde_json::json!({ "name": "Dana Okoye", "id": "E1004" })
        },
        breaks: &["BG-REL-005"],
        mends: &[],
    },
    Mutation {
        what: "nobody watched",
        change: |desk| {
            desk.record(7).as_object_mut().unwrap().remove("witness");
        },
        breaks: &["BG-REL-006"],
        mends: &[],
    },
    Mutation {
        what: "the release lasted seven hours",
        change: |desk| desk.record(9)["at"] = "2026-04-10T08:59:00Z".into(),
        breaks: &["BG-REL-007"],
        mends: &[],
    },
    Mutation {
        what: "two copies of share 1 were counted as two",
        change: |desk| desk.record(7)["sheets"] = serde_json::json!(["1a", "1b", "2a"]),
        breaks: &["BG-REL-001", "BG-REL-008"],
        mends: &[],
    },
    Mutation {
        what: "a sheet came in another bag",
        change: |desk| desk.record(7)["bags"]["1a"] = "TE-99".into(),
        breaks: &["BG-REL-009"],
        mends: &[],
    },
    Mutation {
        what: "nobody was told of the first incident",
        change: |desk| {
            let record = desk.record(8).as_object_mut().unwrap();
            record.remove("to");
            record.insert("event".into(), "REVIEW".into());
            record.insert("record".into(), 1.into());
            record.insert("reviewer".into(), serde_json::json!({ "name": "R", "id": "E3001" }));
        },
        breaks: &["BG-REL-010"],
        mends: &[],
    },
    Mutation {
        what: "a line of the paper was left out",
        change: |desk| desk.keep("paper.csv", |line| !line.starts_with("B1,1,8,")),
        breaks: &["BG-LOG-004"],
        mends: &[],
    },
    Mutation {
        what: "the paper goes on after the last record",
        change: |desk| {
            let path = desk.dir.path().join("paper.csv");
            let text = fs::read_to_string(&path).unwrap();
            fs::write(path, text + "B1,4,5,2026-11-12,03:00,RELEASE,1a 2a 3a,\n").unwrap();
        },
        breaks: &["BG-LOG-003", "BG-LOG-009"],
        mends: &[],
    },
    Mutation {
        what: "a rule was overridden",
        change: |desk| {
            desk.append(&serde_json::json!({ "event": "EXCEPTION", "at": "2026-11-10T10:00:00Z", "kind": "no ink", "reason_text": "the book was in the other building" }))
        },
        breaks: &["BG-LOG-006"],
        mends: &[],
    },
    Mutation {
        what: "two sheets are lost",
        change: |desk| {
            desk.append(&serde_json::json!({ "event": "LOST", "at": "2026-11-10T10:00:00Z", "generation": 4, "set": "S GEN4-0000-0000-0000-4", "sheets": ["1a", "2a"], "note": "the safe was empty" }))
        },
        breaks: &["BG-CUS-001", "BG-CUS-002"],
        mends: &[],
    },
    Mutation {
        what: "one custodian holds three sheets",
        change: |desk| {
            let ana = serde_json::json!({ "name": "Ana Ruiz", "id": "E1001" });
            let last =
                desk.book.iter_mut().rev().find(|record| record["event"] == "STORE").unwrap();
            for sheet in ["2a", "3a"] {
                last["custodians"][sheet] = ana.clone();
            }
        },
        breaks: &["BG-CUS-001", "BG-CUS-003", "BG-GEN-001", "BG-REV-008"],
        mends: &[],
    },
    Mutation {
        what: "a custodian has left",
        change: |desk| desk.edit("leavers.csv", "E9001,Former Colleague", "E1002,Ben Hart"),
        breaks: &["BG-CUS-004"],
        mends: &[],
    },
    Mutation {
        what: "a custodian has not acknowledged",
        change: |desk| desk.edit("method.toml", "E1003 = \"2026-01-05\"\n", ""),
        breaks: &["BG-CUS-005"],
        mends: &[],
    },
    Mutation {
        what: "bags are to be looked at every month",
        change: |desk| {
            desk.edit("method.toml", "inspect_every = \"90d\"", "inspect_every = \"30d\"")
        },
        breaks: &["BG-CUS-006"],
        mends: &[],
    },
    Mutation {
        what: "a sheet never reached its safe",
        change: |desk| {
            let last =
                desk.book.iter_mut().rev().find(|record| record["event"] == "STORE").unwrap();
            last["sheets"] = serde_json::json!(["1a", "2a", "3a", "4a"]);
        },
        breaks: &["BG-CUS-009"],
        mends: &[],
    },
    Mutation {
        what: "one void sheet is still there",
        change: |desk| {
            let first = desk.book.iter_mut().find(|record| record["event"] == "DESTROY").unwrap();
            first["sheets"] = serde_json::json!(["1a", "2a", "3a", "4a"]);
        },
        breaks: &["BG-GEN-002"],
        mends: &[],
    },
    Mutation {
        what: "credentials may be ten days old",
        change: |desk| desk.edit("method.toml", "[audit]\n", "[audit]\nmax_age = \"10d\"\n"),
        breaks: &["BG-GEN-005"],
        mends: &[],
    },
    Mutation {
        what: "drills are due every three weeks",
        change: |desk| desk.edit("method.toml", "drill_every = \"90d\"", "drill_every = \"20d\""),
        breaks: &["BG-DRL-001"],
        mends: &[],
    },
    Mutation {
        what: "the exemption was to be reviewed in January",
        change: |desk| desk.edit("method.toml", "2027-03-31", "2026-01-31"),
        breaks: &["BG-POL-003"],
        mends: &[],
    },
    Mutation {
        what: "it reaches the whole organisation",
        change: |desk| {
            desk.edit(
                "method.toml",
                "scope = \"account 123456789012\"",
                "scope = \"the whole organisation\"",
            )
        },
        breaks: &["BG-POL-005"],
        mends: &[],
    },
    Mutation {
        what: "it needs the VPN",
        change: |desk| {
            desk.edit(
                "method.toml",
                "login = \"aws configure",
                "login = \"over the VPN, aws configure",
            )
        },
        breaks: &["BG-POL-007"],
        mends: &[],
    },
    Mutation {
        what: "the listing is one page of two",
        change: |desk| desk.edit("list-access-keys.json", "{", "{ \"IsTruncated\": true,"),
        breaks: &["BG-EVD-006"],
        mends: &[],
    },
    Mutation {
        what: "revoking generation 1 was refused at first",
        change: |desk| {
            let more = serde_json::json!({ "errorCode": "AccessDenied", "requestParameters": { "userName": "breakglass-payments", "accessKeyId": KEY1 } });
            desk.event("2026-04-10T10:29:00Z", "DeleteAccessKey", KEY2, &more);
        },
        breaks: &["BG-EVD-007"],
        mends: &[],
    },
    Mutation {
        what: "it is a client certificate",
        change: |desk| {
            desk.edit(
                "method.toml",
                "platform = \"aws-iam-access-key\"",
                "platform = \"kubernetes-client-cert\"",
            )
        },
        breaks: &["BG-REV-010"],
        mends: &[],
    },
    Mutation {
        what: "the first release was never used",
        change: |desk| {
            desk.keep("cloudtrail.jsonl", |line| {
                !line.contains(&format!("\"accessKeyId\":\"{KEY1}\"}},\"eventTime\""))
            })
        },
        breaks: &["BG-USE-005"],
        mends: &[],
    },
    Mutation {
        what: "generation 4 was released to two people",
        change: |desk| {
            for (at, name, id) in [
                ("2026-11-10T10:00:00Z", "B. Alvarez", "E2040"),
                ("2026-11-10T10:30:00Z", "C. Diaz", "E2041"),
            ] {
                desk.append(&serde_json::json!({
                    "event": "RELEASE", "at": at, "generation": 4, "set": "S GEN4-0000-0000-0000-4", "sheets": ["1a", "2a", "3a"],
                    "operator": { "name": name, "id": id }, "reason": "IDP-DOWN", "ticket": "INC-9", "revoke_due": "2026-11-11T10:00:00Z",
                    "witness": { "name": "W. Boss", "id": "E1500" },
                }));
            }
        },
        breaks: &["BG-REL-003", "BG-REL-007", "BG-REL-010", "BG-REV-001"],
        mends: &[],
    },
    Mutation {
        what: "generation 4 was released, nobody said that it was over, and it was used two days later",
        change: |desk| {
            desk.append(&serde_json::json!({
                "event": "RELEASE", "at": "2026-11-10T10:00:00Z", "generation": 4, "set": "S GEN4-0000-0000-0000-4", "sheets": ["1a", "2a", "3a"],
                "operator": { "name": "B. Alvarez", "id": "E2040" }, "reason": "IDP-DOWN", "ticket": "INC-9", "revoke_due": "2026-11-11T10:00:00Z",
                "witness": { "name": "W. Boss", "id": "E1500" },
            }));
            desk.event("2026-11-12T10:00:00Z", "ListUsers", KEY4, &serde_json::json!({}));
        },
        breaks: &["BG-USE-001", "BG-REL-007", "BG-REL-010", "BG-REV-001"],
        mends: &[],
    },
    Mutation {
        what: "there is another copy of the book, with another end",
        change: |desk| {
            let mut other = desk.book.clone();
            other.last_mut().unwrap()["at"] = "2026-11-02T10:00:00Z".into();
            fs::write(desk.dir.path().join("other.jsonl"), chained(&other)).unwrap();
        },
        breaks: &["BG-LOG-002"],
        mends: &[],
    },
    Mutation {
        what: "nobody has reviewed anything since January",
        change: |desk| {
            for record in desk.book.iter_mut().filter(|record| record["event"] == "REVIEW") {
                record["record"] = 1.into();
            }
        },
        breaks: &["BG-LOG-007"],
        mends: &[],
    },
    Mutation {
        what: "every safe is in Amsterdam",
        change: |desk| {
            let path = desk.dir.path().join("method.toml");
            let text = fs::read_to_string(&path).unwrap();
            fs::write(path, text.replace("Utrecht", "Amsterdam").replace("Rotterdam", "Amsterdam"))
                .unwrap();
        },
        breaks: &["BG-CUS-007"],
        mends: &[],
    },
    Mutation {
        what: "generation 2 was destroyed before it was revoked",
        change: |desk| {
            let record =
                desk.book.iter_mut().filter(|record| record["event"] == "DESTROY").nth(1).unwrap();
            record["at"] = "2026-07-02T10:00:00Z".into();
        },
        breaks: &["BG-GEN-003", "BG-LOG-008"],
        mends: &[],
    },
    Mutation {
        what: "the credential of the drill was never revoked",
        change: |desk| {
            desk.keep("cloudtrail.jsonl", |line| !ends(line, KEY3));
            desk.edit(
                "list-access-keys.json",
                "\"AccessKeyMetadata\": [",
                &listed(KEY3, "Active", "2026-07-03T08:55:00Z"),
            );
            let record =
                desk.book.iter_mut().rev().find(|record| record["event"] == "REVOKE").unwrap();
            record["event"] = "NOTIFY".into();
            record["to"] = "nobody".into();
            for member in ["credential", "set"] {
                record.as_object_mut().unwrap().remove(member);
            }
        },
        breaks: &["BG-DRL-005", "BG-GEN-003", "BG-GEN-006", "BG-CUS-001", "BG-REV-001"],
        mends: &[],
    },
    Mutation {
        what: "generation 4 was opened five times",
        change: |desk| {
            for minute in 0..5 {
                desk.append(&serde_json::json!({
                    "event": "OPENING", "at": format!("2026-11-10T10:{minute:02}:00Z"), "generation": 4,
                    "set": "S GEN4-0000-0000-0000-4", "sheets": ["1a", "2a", "3a"], "kind": "drill",
                }));
            }
        },
        breaks: &["BG-GEN-007"],
        mends: &[],
    },
    Mutation {
        what: "sheets went to others, and nobody has drilled since",
        change: |desk| {
            let last =
                desk.book.iter_mut().rev().find(|record| record["event"] == "STORE").unwrap();
            last["event"] = "TRANSFER".into();
        },
        breaks: &["BG-DRL-002"],
        mends: &[],
    },
    Mutation {
        what: "nobody can be reached",
        change: |desk| {
            desk.edit("method.toml", "owner_contact = \"+31 20 555 0100\"", "owner_contact = \"\"")
        },
        breaks: &["BG-POL-001"],
        mends: &[],
    },
    Mutation {
        what: "the team may have none",
        change: |desk| desk.edit("method.toml", "[audit]\n", "[audit]\nmethods_per_team = 0\n"),
        breaks: &["BG-POL-002"],
        mends: &[],
    },
    Mutation {
        what: "all five are needed",
        change: |desk| desk.edit("method.toml", "k = 3 ", "k = 5 "),
        breaks: &["BG-POL-004"],
        mends: &[],
    },
    Mutation {
        what: "it is for drills only",
        change: |desk| {
            desk.edit("method.toml", "permitted_uses = [\"IDP-DOWN\", \"MFA-DOWN\", \"ACL-BROKEN\", \"FACILITY-DOWN\", \"OWN-1\", \"DRILL\"]", "permitted_uses = [\"DRILL\"]");
            desk.edit("method.toml", "OWN-1 = ", "# ");
        },
        breaks: &["BG-POL-006", "BG-REL-004"],
        mends: &[],
    },
    Mutation {
        what: "the evidence is of another account",
        change: |desk| {
            desk.edit("method.toml", "account = \"123456789012\"", "account = \"999999999999\"")
        },
        breaks: &["BG-EVD-005"],
        // what is of another account says nothing at all
        mends: &["BG-REV-002", "BG-USE-002"],
    },
];

/// One change, and only what it touches.
#[test]
fn one_change_breaks_its_rule_and_no_other() {
    let base = broken(&Desk::new().report());
    let mut wrong = Vec::new();
    for Mutation { what, change, breaks, mends } in MUTATIONS {
        let mut desk = Desk::new();
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

/// What no change to the case breaks, and why.
const NOT_BROKEN: &[(&str, &str)] = &[
    ("BG-REV-003", "only ever \"cannot tell\""),
    ("BG-REV-009", "only ever \"cannot tell\""),
    ("BG-LOG-001", "the chain is made whole after each change; `a_broken_chain_is_found`"),
    ("BG-CUS-008", "takes dealt copies, which only a kit has"),
    ("BG-POL-008", "takes dealt copies, which only a kit has"),
    ("BG-DRL-003", "takes 13 months; `what_is_old_by_then`"),
    ("BG-EVD-001", "only ever \"cannot tell\""),
    ("BG-EVD-002", "only ever \"cannot tell\""),
    ("BG-EVD-003", "takes a kit with evidence; `what_a_kit_kept_is_audited`"),
    ("BG-EVD-004", "only ever \"cannot tell\""),
    ("BG-EVD-008", "takes a case without evidence of others; `evidence_of_the_program_alone`"),
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
    take(&Desk::new().report());
    for mutation in MUTATIONS {
        let mut desk = Desk::new();
        (mutation.change)(&mut desk);
        take(&desk.report());
    }
    let mut wrong = Vec::new();
    for rule in breakglass::audit::rules::all() {
        let ways = seen.remove(rule.id).unwrap_or_default();
        let has = |way: &'static str| if ways.contains(way) { way } else { "-" };
        println!("{}  {:<5} {:<5} {}", rule.id, has("fail"), has("pass"), has("inconclusive"));
        let excused = NOT_BROKEN.iter().any(|(id, _)| *id == rule.id);
        if ways.contains("fail") == excused {
            wrong.push(rule.id);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn a_broken_chain_is_found() {
    let desk = Desk::new();
    desk.audit(&[]);
    desk.edit("book.jsonl", "\"ticket\":\"INC-4412\"", "\"ticket\":\"INC-4413\"");
    let paths = files(desk.dir.path());
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
    // what it does not list is gone by then, and nobody can say since when
    assert!(said.contains("no longer listed by 2026-11-14T09:00:00Z"), "{said}");
    assert!(said.contains("BG-REV-003  CANNOT TELL"), "{said}");
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
    for list in ["logbooks", "evidence", "releases", "findings"] {
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

/// One trap of a platform: a file, and what is and is not read from it.
struct Trap {
    name: &'static str,
    file: &'static str,
    args: &'static [&'static str],
    says: &'static [&'static str],
    not: &'static [&'static str],
}

const HEAD: &str = "user,arn,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,additional_credentials_info";

const TRAPS: &[Trap] = &[
    Trap {
        name: "the credential report writes false for what is only switched off, N/A for an empty slot, and has no ids",
        file: "HEAD\nbg,arn:aws:iam::1:user/bg,FALSE,2026-01-01T00:00:00+00:00,2026-02-01T00:00:00Z,false,N/A,N/A,\n",
        args: &["--report-time", "FILE=2026-03-01T00:00Z"],
        says: &[
            "seen_inactive  2026-03-01T00:00:00Z  subject=bg  word=access_key_1  made=2026-01-01T00:00:00Z",
            "used           2026-02-01T00:00:00Z to 2026-02-01T00:15:00Z",
        ],
        not: &["access_key_2", "credential="],
    },
    Trap {
        name: "a user may have more keys than the two slots show",
        file: "HEAD\nbg,arn:aws:iam::1:user/bg,true,2026-01-01T00:00:00Z,N/A,false,N/A,N/A,3 keys\n",
        args: &["--report-time", "FILE=2026-03-01T00:00Z"],
        says: &["not whole: bg has more keys than the two that are listed"],
        not: &[],
    },
    Trap {
        name: "a listing has no time of its own",
        file: r#"{"AccessKeyMetadata":[{"UserName":"bg","AccessKeyId":"K1","Status":"Active","CreateDate":"2026-01-01T00:00:00.123Z"}]}"#,
        args: &[],
        says: &[
            "seen_active    at a time that is not known",
            "created        2026-01-01T00:00:00Z",
            "--report-time FILE=TIME",
        ],
        not: &[],
    },
    Trap {
        name: "an error code means that it did not happen",
        file: r#"{"eventTime":"2026-01-01T00:00:00Z","eventSource":"iam.amazonaws.com","eventName":"DeleteAccessKey","errorCode":"AccessDenied","requestParameters":{"userName":"bg","accessKeyId":"K1"}}"#,
        args: &[],
        says: &["revoke_failed  2026-01-01T00:00:00Z  subject=bg  credential=K1"],
        not: &["deleted "],
    },
    Trap {
        name: "a key that is refused was not used",
        file: r#"{"eventTime":"2026-01-01T00:00:00Z","eventSource":"ec2.amazonaws.com","eventName":"DescribeInstances","errorCode":"InvalidClientTokenId","userIdentity":{"accessKeyId":"K1"}}"#,
        args: &[],
        says: &["use_failed     2026-01-01T00:00:00Z  credential=K1"],
        not: &["used "],
    },
    Trap {
        name: "without a user in the request it is the caller's own key",
        file: r#"{"eventTime":"2026-01-01T00:00:00Z","eventSource":"iam.amazonaws.com","eventName":"DeleteAccessKey","userIdentity":{"userName":"bg","accessKeyId":"K2"},"requestParameters":{"accessKeyId":"K1"}}"#,
        args: &[],
        says: &["deleted        2026-01-01T00:00:00Z  subject=bg  credential=K1  by=bg  with=K2"],
        not: &[],
    },
    Trap {
        name: "a password is changed without parameters",
        file: r#"{"eventTime":"2026-01-01T00:00:00Z","eventSource":"iam.amazonaws.com","eventName":"ChangePassword","userIdentity":{"userName":"bg"},"requestParameters":null}"#,
        args: &[],
        says: &["secret_changed 2026-01-01T00:00:00Z  subject=bg  credential=bg password"],
        not: &[],
    },
    Trap {
        name: "a failed console login may hide a password in the place of the name",
        file: r#"{"eventTime":"2026-01-01T00:00:00Z","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","userIdentity":{"userName":"HIDDEN_DUE_TO_SECURITY_REASONS"},"responseElements":{"ConsoleLogin":"Failure"}}"#,
        args: &[],
        says: &["use_failed     2026-01-01T00:00:00Z"],
        not: &["subject=HIDDEN", "used "],
    },
    Trap {
        name: "IAM's events come from one region",
        file: r#"{"eventTime":"2026-01-01T00:00:00Z","eventSource":"iam.amazonaws.com","eventName":"DeleteAccessKey","awsRegion":"eu-west-1","requestParameters":{"userName":"bg","accessKeyId":"K1"}}"#,
        args: &[],
        says: &["an IAM event from `eu-west-1`: they come from us-east-1"],
        not: &[],
    },
    Trap {
        name: "a session lives on when its key is gone",
        file: r#"{"eventTime":"2026-01-01T00:00:00Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"userName":"bg","accessKeyId":"K1"},"responseElements":{"credentials":{"accessKeyId":"ASIA1","expiration":"Jan 1, 2026 1:00:00 AM"}}}"#,
        args: &[],
        says: &[
            "session_minted 2026-01-01T00:00:00Z  subject=bg  credential=K1",
            "ASIA1 until Jan 1, 2026",
        ],
        not: &[],
    },
    Trap {
        name: "Google's own keys are no keys of ours, and the year 9999 is never",
        file: r#"[{"name":"projects/p/serviceAccounts/a@p.iam/keys/one","validAfterTime":"2026-01-01T00:00:00Z","validBeforeTime":"9999-12-31T23:59:59Z","keyType":"USER_MANAGED","disabled":true},{"name":"projects/p/serviceAccounts/a@p.iam/keys/two","validAfterTime":"2026-01-01T00:00:00Z","keyType":"SYSTEM_MANAGED"}]"#,
        args: &["--report-time", "FILE=2026-03-01T00:00Z"],
        says: &["seen_inactive  2026-03-01T00:00:00Z  subject=a@p.iam  credential=one"],
        not: &["credential=two", "expires"],
    },
    Trap {
        name: "a day of last use is a day of the Pacific coast",
        file: r#"[{"activity":{"lastAuthenticatedTime":"2026-04-27T07:00:00Z"},"activityType":"serviceAccountKeyLastAuthentication","fullResourceName":"//iam.googleapis.com/projects/p/serviceAccounts/a@p.iam/keys/one"}]"#,
        args: &[],
        says: &[
            "used           2026-04-27T07:00:00Z to 2026-04-28T07:00:00Z  subject=a@p.iam  credential=one",
        ],
        not: &[],
    },
    Trap {
        name: "what a key did says which key it was; a status is a failure",
        file: "{\"timestamp\":\"2026-01-01T00:00:00Z\",\"protoPayload\":{\"methodName\":\"storage.objects.get\",\"authenticationInfo\":{\"principalEmail\":\"a@p.iam\",\"serviceAccountKeyName\":\"//iam.googleapis.com/projects/p/serviceAccounts/a@p.iam/keys/one\"},\"status\":{}}}\n{\"timestamp\":\"2026-01-01T00:00:01Z\",\"protoPayload\":{\"methodName\":\"google.iam.admin.v1.DeleteServiceAccountKey\",\"status\":{\"code\":7},\"request\":{\"name\":\"projects/-/serviceAccounts/a@p.iam/keys/one\"}}}\n",
        args: &[],
        says: &[
            "used           2026-01-01T00:00:00Z  subject=a@p.iam  credential=one",
            "revoke_failed  2026-01-01T00:00:01Z  subject=a@p.iam  credential=one",
        ],
        not: &["deleted "],
    },
    Trap {
        name: "a dash that is none, a space behind it, and lists in texts in JSON",
        file: "[{\"activityDisplayName\":\"Update application \u{2013} Certificates and secrets management \",\"activityDateTime\":\"2026-01-01T00:00:00.1234567Z\",\"result\":\"success\",\"targetResources\":[{\"id\":\"app\",\"modifiedProperties\":[{\"displayName\":\"KeyDescription\",\"oldValue\":\"[\\\"[KeyIdentifier=one,KeyType=Password]\\\",\\\"[KeyIdentifier=two,KeyType=Password]\\\"]\",\"newValue\":\"[\\\"[KeyIdentifier=two,KeyType=Password]\\\"]\"}]}]}]",
        args: &[],
        says: &["deleted        2026-01-01T00:00:00Z  subject=app  credential=one"],
        not: &["credential=two"],
    },
    Trap {
        name: "the request is what was asked, the response what was done, and an error is neither",
        file: "pre {\"time\":\"2026-01-01T00:00:00Z\",\"type\":\"request\",\"request\":{\"operation\":\"update\",\"path\":\"auth/userpass/login/bg\"}}\npre {\"time\":\"2026-01-01T00:00:01Z\",\"type\":\"response\",\"error\":\"invalid username or password\",\"request\":{\"operation\":\"update\",\"path\":\"auth/userpass/login/bg\"}}\npre {\"time\":\"2026-01-01T00:00:02Z\",\"type\":\"response\",\"request\":{\"operation\":\"update\",\"path\":\"auth/userpass/users/bg/password\"}}\n",
        args: &[],
        says: &[
            "use_failed     2026-01-01T00:00:01Z  subject=bg",
            "secret_changed 2026-01-01T00:00:02Z  subject=bg",
        ],
        not: &["2026-01-01T00:00:00Z  subject"],
    },
    Trap {
        name: "a statement is logged before it fails",
        file: "{\"timestamp\":\"2026-01-01 00:00:00.1 UTC\",\"pid\":1,\"session_id\":\"a\",\"user\":\"bg\",\"error_severity\":\"LOG\",\"message\":\"statement: ALTER ROLE bg PASSWORD 'SCRAM-SHA-256$x'\"}\n{\"timestamp\":\"2026-01-01 00:00:00.2 UTC\",\"pid\":1,\"session_id\":\"a\",\"user\":\"bg\",\"error_severity\":\"ERROR\",\"message\":\"permission denied\"}\n",
        args: &[],
        says: &["revoke_failed  2026-01-01T00:00:00Z  subject=bg"],
        not: &["secret_changed", "in clear"],
    },
    Trap {
        name: "the name of a zone is no offset",
        file: "{\"timestamp\":\"2026-01-01 01:00:00.1 CET\",\"pid\":1,\"session_id\":\"a\",\"user\":\"bg\",\"error_severity\":\"LOG\",\"message\":\"connection authorized: user=bg database=x\"}\n",
        args: &["--tz", "Europe/Paris"],
        says: &["used           2026-01-01T00:00:00Z  subject=bg"],
        not: &[],
    },
    Trap {
        name: "a log that somebody has searched line by line lacks lines inside of rows",
        file: "2026-01-01 00:00:00.1 UTC,\"bg\",\"x\",1,\"127.0.0.1:5\",a,1,\"auth\",2026-01-01 00:00:00 UTC,,0,FATAL,28P01,\"password authentication failed for user \"\"bg\"\"\",\"the next line is not here\n2026-01-01 00:00:01.1 UTC,\"bg\",\"x\",1,\"127.0.0.1:5\",b,1,\"auth\",2026-01-01 00:00:01 UTC,,0,LOG,00000,\"connection authorized: user=bg database=x\",,,,,,,,,\"psql\",\"client backend\",,0\n",
        args: &[],
        says: &[
            "not whole: row 1 is cut off",
            "use_failed     2026-01-01T00:00:00Z  subject=bg",
            "used           2026-01-01T00:00:01Z  subject=bg",
        ],
        not: &[],
    },
    Trap {
        name: "a shadow file counts days, and a lock does not move them",
        file: "root:!$6$abc$def:20780:0:99999:7:::\n",
        args: &["--report-time", "FILE=2026-12-01T00:00Z"],
        says: &[
            "seen_inactive  2026-12-01T00:00:00Z  subject=root",
            "secret_changed 2026-11-22T10:00:00Z to 2026-11-24T11:59:59Z",
            "password hashes",
        ],
        not: &[],
    },
    Trap {
        name: "an Okta export may have dropped the zone",
        file: r#"[{"published":"2026-01-01 01:00:00","eventType":"user.session.start","outcome":{"result":"SUCCESS"},"actor":{"id":"u","type":"User","alternateId":"bg@x"}}]"#,
        args: &["--tz", "+01:00"],
        says: &["used           2026-01-01T00:00:00Z  subject=bg@x"],
        not: &[],
    },
    Trap {
        name: "GitHub counts milliseconds",
        file: r#"{"action":"personal_access_token.access_revoked","actor":"x","created_at":1767225600123,"hashed_token":"abc=","user":"bg"}"#,
        args: &[],
        says: &["deleted        2026-01-01T00:00:00Z  subject=bg  credential=abc="],
        not: &[],
    },
    Trap {
        name: "a log that was cut off is not whole, and what is there counts",
        file: "{\"eventTime\":\"2026-01-01T00:00:00Z\",\"eventSource\":\"iam.amazonaws.com\",\"eventName\":\"DeleteAccessKey\",\"requestParameters\":{\"userName\":\"bg\",\"accessKeyId\":\"K1\"}}\n{\"eventTime\":\"2026-01-01T00:00:0",
        args: &[],
        says: &[
            "not whole: it is cut off in record 2",
            "deleted        2026-01-01T00:00:00Z  subject=bg  credential=K1",
        ],
        not: &[],
    },
];

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
