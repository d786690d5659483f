//! Changes to the worked cases, and which rules each of them breaks.

use std::fs;

use super::{Desk, chained};

/// What one change does to the case: which rules it breaks, and which it mends.
pub struct Mutation {
    pub what: &'static str,
    pub change: fn(&mut Desk),
    pub breaks: &'static [&'static str],
    pub mends: &'static [&'static str],
}

pub const KEY1: &str = "AKIAGEN1AAAAAAAAAAAA";
pub const KEY2: &str = "AKIAGEN2BBBBBBBBBBBB";
pub const KEY3: &str = "AKIAGEN3CCCCCCCCCCCC";
pub const KEY4: &str = "AKIAGEN4DDDDDDDDDDDD";

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

/// Takes every end of a key out of the log, and lists it as active.
fn never_ended(desk: &Desk, key: &str, made: &str) {
    desk.keep("cloudtrail.jsonl", |line| !ends(line, key));
    desk.edit("list-access-keys.json", "\"AccessKeyMetadata\": [", &listed(key, "Active", made));
}

pub const MUTATIONS: &[Mutation] = &[
    Mutation {
        what: "generation 3 was never revoked",
        change: |desk| {
            never_ended(desk, KEY3, "2026-07-03T08:55:00Z");
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
        what: "a session that generation 1 had made went on after its end, and after its key was deleted",
        change: |desk| {
            let made = serde_json::json!({
                "eventSource": "sts.amazonaws.com",
                "responseElements": { "credentials": { "accessKeyId": "ASIASESSION0000000001", "expiration": "x" } },
            });
            desk.event("2026-04-10T04:30:00Z", "AssumeRole", KEY1, &made);
            // the newest first, as lookup-events has them
            let by_session = serde_json::json!({
                "eventSource": "s3.amazonaws.com",
                "userIdentity": { "type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/x/E2040", "accessKeyId": "ASIASESSION0000000001" },
            });
            desk.event("2026-04-10T14:00:00Z", "GetObject", "", &by_session);
        },
        breaks: &["BG-USE-001"],
        mends: &[],
    },
    Mutation {
        what: "the first release has no END, and its session went on after it was due",
        change: |desk| {
            let end = desk.record(9).as_object_mut().unwrap();
            for member in ["record", "set", "generation"] {
                end.remove(member);
            }
            end.insert("event".into(), "NOTIFY".into());
            end.insert("to".into(), "nobody".into());
            desk.edit("paper.csv", "05:00,END", "05:00,NOTIFY");
            let made = serde_json::json!({
                "eventSource": "sts.amazonaws.com",
                "responseElements": { "credentials": { "accessKeyId": "ASIASESSION0000000001", "expiration": "x" } },
            });
            desk.event("2026-04-10T04:30:00Z", "AssumeRole", KEY1, &made);
            let by_session = serde_json::json!({
                "userIdentity": { "type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/x/E2040", "accessKeyId": "ASIASESSION0000000001" },
            });
            desk.event("2026-04-12T14:00:00Z", "GetObject", "", &by_session);
        },
        breaks: &["BG-USE-001", "BG-REL-007"],
        mends: &[],
    },
    Mutation {
        what: "a harmless first call, and others right behind it",
        change: |desk| {
            for (at, name) in [
                ("2026-04-10T10:28:00Z", "GetCallerIdentity"),
                ("2026-04-10T10:28:20Z", "CreateUser"),
                ("2026-04-10T10:28:40Z", "TerminateInstances"),
            ] {
                desk.event(
                    at,
                    name,
                    KEY1,
                    &serde_json::json!({ "eventSource": "ec2.amazonaws.com" }),
                );
            }
        },
        breaks: &["BG-USE-001"],
        mends: &[],
    },
    Mutation {
        what: "a deletion does not say of which key",
        change: |desk| {
            never_ended(desk, KEY3, "2026-07-03T08:55:00Z");
            desk.event(
                "2026-10-06T12:30:00Z",
                "DeleteAccessKey",
                "",
                &serde_json::json!({ "requestParameters": "x" }),
            );
        },
        breaks: &["BG-REV-001", "BG-REV-007"],
        mends: &[],
    },
    Mutation {
        what: "the credential report says that it is older than what it lists",
        change: |desk| {
            desk.edit("credential-report.json", "2026-10-06T09:30:00Z", "2026-06-06T09:30:00Z");
        },
        breaks: &["BG-EVD-004"],
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
            fs::write(path, text + "B1,4,8,2026-11-12,03:00,RELEASE,1a 2a 3a,\n").unwrap();
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
        what: "what a drill found was to be mended in April",
        change: |desk| desk.finds("2026-04-20"),
        breaks: &["BG-DRL-004"],
        mends: &[],
    },
    Mutation {
        what: "what a drill found is to be mended in December",
        change: |desk| desk.finds("2026-12-20"),
        breaks: &[],
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
            desk.release4("2026-11-10T10:00:00Z", ("B. Alvarez", "E2040"));
            desk.release4("2026-11-10T10:30:00Z", ("C. Diaz", "E2041"));
            desk.record(45)["revoke_due"] = "2026-11-11T10:00:00Z".into();
        },
        breaks: &["BG-REL-003", "BG-REL-007", "BG-REL-010", "BG-REV-001", "BG-SES-001"],
        mends: &[],
    },
    Mutation {
        what: "generation 4 was released, nobody said that it was over, and it was used two days later",
        change: |desk| {
            desk.release4("2026-11-10T10:00:00Z", ("B. Alvarez", "E2040"));
            desk.event("2026-11-12T10:00:00Z", "ListUsers", KEY4, &serde_json::json!({}));
        },
        breaks: &["BG-USE-001", "BG-REL-007", "BG-REL-010", "BG-REV-001", "BG-SES-001"],
        mends: &[],
    },
    Mutation {
        what: "there is another copy of the book, with another end",
        change: |desk| {
            let mut other = desk.book.clone();
            other.last_mut().unwrap()["at"] = "2026-11-03T10:00:00Z".into();
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
            never_ended(desk, KEY3, "2026-07-03T08:55:00Z");
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

const VERIFIER: &str = "PASSWORD 'SCRAM-SHA-256$4096:bmV3$bmV3:bmV3'";

/// Changes to the case of one secret after another.
pub const REPLACED: &[Mutation] = &[
    Mutation {
        what: "the first secret was never changed, whatever the record says",
        change: |desk| {
            desk.keep("server.jsonl", |line| {
                !(line.contains("2026-03-10 10:30:00") && line.contains("ALTER ROLE"))
            })
        },
        breaks: &["BG-REV-007"],
        mends: &[],
    },
    Mutation {
        what: "the third secret is still there after its rotation",
        change: |desk| {
            desk.edit("roles-september.csv", &"d4".repeat(32), &"c3".repeat(32));
        },
        breaks: &["BG-REV-001", "BG-REV-007"],
        mends: &[],
    },
    Mutation {
        what: "the third secret was brought back a week after its rotation",
        change: |desk| {
            let text = fs::read_to_string(desk.dir.path().join("roles-september.csv")).unwrap();
            let later = text
                .replace("2026-09-05", "2026-09-12")
                .replace(&"d4".repeat(32), &"c3".repeat(32));
            fs::write(desk.dir.path().join("roles-later.csv"), later).unwrap();
        },
        // and so generation 4 is out of force
        breaks: &["BG-REV-001", "BG-REV-005", "BG-REV-007", "BG-GEN-001"],
        mends: &[],
    },
    Mutation {
        what: "it was used after the operator was done, and before it was changed",
        change: |desk| desk.login("2026-03-10T06:00:00Z"),
        breaks: &["BG-USE-001"],
        mends: &[],
    },
    Mutation {
        what: "logins every half minute go on over the end",
        change: |desk| {
            for minute in 40..80 {
                let (hour, minute) = (3 + minute / 60, minute % 60);
                desk.login(&format!("2026-03-10T{hour:02}:{minute:02}:00Z"));
                desk.login(&format!("2026-03-10T{hour:02}:{minute:02}:30Z"));
            }
        },
        breaks: &["BG-USE-001"],
        mends: &[],
    },
    Mutation {
        what: "the first secret was never changed; a setting of the role has the word in it",
        change: |desk| {
            desk.keep("server.jsonl", |line| {
                !(line.contains("2026-03-10 10:30:00") && line.contains("ALTER ROLE"))
            });
            desk.altered("2026-03-10T10:30:00Z", "SET application_name = 'new PASSWORD set'");
        },
        breaks: &["BG-REV-007"],
        mends: &[],
    },
    Mutation {
        what: "the third secret was changed in July and back within the hour",
        change: |desk| {
            desk.altered("2026-07-15T10:00:00Z", VERIFIER);
            desk.altered("2026-07-15T10:40:00Z", VERIFIER);
            desk.login("2026-07-20T10:00:00Z");
        },
        breaks: &["BG-REV-006", "BG-REV-008"],
        mends: &[],
    },
    Mutation {
        what: "somebody guessed in April",
        change: |desk| {
            desk.server(
                "2026-04-20T10:00:00Z",
                "bg_payments",
                ("FATAL", "28P01"),
                "password authentication failed for user \"bg_payments\"",
            )
        },
        breaks: &["BG-USE-006"],
        mends: &[],
    },
    Mutation {
        what: "somebody changed the third secret in July",
        change: |desk| desk.altered("2026-07-15T10:00:00Z", VERIFIER),
        breaks: &["BG-REV-006", "BG-REV-008"],
        mends: &[],
    },
    Mutation {
        what: "the role was locked for an hour, and nobody wrote it down",
        change: |desk| {
            desk.altered("2026-07-15T10:00:00Z", "NOLOGIN");
            desk.altered("2026-07-15T11:00:00Z", "LOGIN");
        },
        breaks: &["BG-REV-005", "BG-REV-006"],
        mends: &[],
    },
    Mutation {
        what: "the second secret was changed in time",
        change: |desk| desk.altered("2026-06-01T20:00:00Z", VERIFIER),
        breaks: &["BG-REV-006", "BG-REV-008"],
        mends: &["BG-REV-002"],
    },
];
