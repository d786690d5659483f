//! Changes to the worked case that are about its recordings, and about sessions that were made with its credentials.

use std::fs;

use super::mutations::Mutation;

/// The example of AWS's own texts.
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

const AUDITORS: &str = "[audit]\nrecipients = [\"age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p\", \"age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg\"]\n";

pub const RECORDED: &[Mutation] = &[
    Mutation {
        what: "what was done under the first release was recorded, says nobody",
        change: |desk| {
            desk.record(41).as_object_mut().unwrap().remove("record");
        },
        breaks: &["BG-SES-001"],
        mends: &[],
    },
    Mutation {
        what: "the first release was not recorded, and a record says why",
        change: |desk| {
            desk.record(41).as_object_mut().unwrap().remove("record");
            desk.append(&serde_json::json!({ "event": "EXCEPTION", "at": "2026-11-10T10:00:00Z", "kind": "no recording", "record": 7, "reason_text": "the laptop was broken" }));
        },
        breaks: &["BG-LOG-006"],
        mends: &[],
    },
    Mutation {
        what: "the record of the first recording was taken back",
        change: |desk| {
            desk.append(&serde_json::json!({ "event": "VOID", "at": "2026-11-10T10:00:00Z", "record": 41, "note": "a mistake" }));
        },
        breaks: &["BG-SES-001", "BG-LOG-006"],
        mends: &[],
    },
    Mutation {
        what: "generation 4 was released yesterday: a film of it may still come",
        change: |desk| {
            desk.release4("2026-11-14T20:00:00Z", ("B. Alvarez", "E2040"));
            desk.record(44)["revoke_due"] = "2026-11-15T20:00:00Z".into();
            desk.append(&serde_json::json!({ "event": "END", "at": "2026-11-14T21:00:00Z", "record": 44, "generation": 4, "set": "S GEN4-0000-0000-0000-4" }));
        },
        breaks: &[],
        mends: &[],
    },
    Mutation {
        what: "a part of the first recording is another one",
        change: |desk| {
            desk.lay("sessions/r7/000002.age", "age-encryption.org/v1\nanother\n");
        },
        breaks: &["BG-SES-002"],
        mends: &[],
    },
    Mutation {
        what: "the last part of the first recording is gone",
        change: |desk| {
            fs::remove_file(desk.dir.path().join("sessions/r7/000003.age")).unwrap();
        },
        breaks: &["BG-SES-002"],
        mends: &[],
    },
    Mutation {
        what: "a part in the middle of the first recording is gone",
        change: |desk| {
            fs::remove_file(desk.dir.path().join("sessions/r7/000002.age")).unwrap();
        },
        breaks: &["BG-SES-002"],
        mends: &[],
    },
    Mutation {
        what: "the first recording goes on",
        change: |desk| {
            desk.lay("sessions/r7/000004.age", "age-encryption.org/v1\nmore\n");
        },
        breaks: &["BG-SES-002"],
        mends: &[],
    },
    Mutation {
        what: "the first recording says that it began later",
        change: |desk| {
            desk.edit("sessions/r7/recording.json", "02:02:00Z", "02:03:00Z");
        },
        breaks: &["BG-SES-002"],
        mends: &[],
    },
    Mutation {
        what: "a log lies where nobody would look for it",
        change: |desk| {
            fs::rename(
                desk.dir.path().join("leavers.csv"),
                desk.dir.path().join("sessions/r7/leavers.csv"),
            )
            .unwrap();
        },
        breaks: &["BG-SES-002"],
        mends: &[],
    },
    Mutation {
        what: "the film was cut",
        change: |desk| {
            desk.lay("screen-r30.mp4", "\0\0\0\u{18}ftypmp42\0");
        },
        breaks: &["BG-SES-002"],
        mends: &[],
    },
    Mutation {
        what: "the second recording broke off",
        change: |desk| {
            desk.record(42)["result"] = "cut off".into();
        },
        breaks: &["BG-SES-002"],
        mends: &[],
    },
    Mutation {
        what: "there is a recording that no record names",
        change: |desk| {
            desk.recorded("r99", 7, ("2026-04-10T03:00:00Z", &[]), &["[0.1,\"o\",\"$ \"]\n"]);
        },
        breaks: &["BG-SES-002"],
        mends: &[],
    },
    Mutation {
        what: "a session of today is still going on",
        change: |desk| {
            desk.recorded("r99", 44, ("2026-11-15T11:00:00Z", &[]), &["[0.1,\"o\",\"$ \"]\n"]);
        },
        breaks: &[],
        mends: &[],
    },
    Mutation {
        what: "a recording of another method is on the desk, too",
        change: |desk| {
            desk.recorded("r99", 7, ("2026-04-10T03:00:00Z", &[]), &["[0.1,\"o\",\"$ \"]\n"]);
            let index = desk.dir.path().join("sessions/r99/recording.json");
            let text = fs::read_to_string(&index).unwrap();
            fs::write(index, text.replace("aws-payments-prod", "another")).unwrap();
            fs::remove_file(desk.dir.path().join("sessions/r99/000001.cast")).unwrap();
        },
        breaks: &[],
        mends: &[],
    },
    Mutation {
        what: "the first recording has another name by now",
        change: |desk| {
            fs::rename(desk.dir.path().join("sessions/r7"), desk.dir.path().join("sessions/april"))
                .unwrap();
        },
        breaks: &[],
        mends: &[],
    },
    Mutation {
        what: "the first recording lies elsewhere, and the film of another release has its name",
        change: |desk| {
            fs::remove_dir_all(desk.dir.path().join("sessions/r7")).unwrap();
            desk.record(41)["evidence"][0]["file"] = "april/screen-r30.mp4".into();
        },
        breaks: &[],
        mends: &[],
    },
    Mutation {
        what: "a whole copy of the first recording is here beside one that was changed",
        change: |desk| {
            let copy = desk.dir.path().join("copy/r7");
            fs::create_dir_all(&copy).unwrap();
            for name in ["recording.json", "000001.age", "000002.age", "000003.age"] {
                fs::copy(desk.dir.path().join("sessions/r7").join(name), copy.join(name)).unwrap();
            }
            fs::remove_file(copy.join("000003.age")).unwrap();
        },
        breaks: &[],
        mends: &[],
    },
    Mutation {
        what: "a value of the credential was too short to be looked for",
        change: |desk| {
            desk.record(41)["too_short"] = 1.into();
        },
        breaks: &["BG-SES-003"],
        mends: &[],
    },
    Mutation {
        what: "the credential is still in a file, as the end of the release says",
        change: |desk| {
            desk.record(9)["traces"] = 1.into();
        },
        breaks: &["BG-SES-003"],
        mends: &[],
    },
    Mutation {
        what: "the credential is still in a file",
        change: |desk| {
            desk.record(41)["traces"] = 1.into();
        },
        breaks: &["BG-SES-003"],
        mends: &[],
    },
    Mutation {
        what: "the second recording holds a secret key, broken for the screen",
        change: |desk| {
            let (head, tail) = SECRET.split_at(9);
            let shown =
                serde_json::json!([1.5, "o", format!("AWS_SECRET_ACCESS_KEY={head} \r{tail}\r\n")]);
            fs::remove_dir_all(desk.dir.path().join("sessions/r18")).unwrap();
            let head =
                desk.recorded("r18", 18, ("2026-07-01T01:02:00Z", &[]), &[&format!("{shown}\n")]);
            desk.record(42)["evidence"][0]["sha256"] = head.into();
        },
        breaks: &["BG-SES-003"],
        mends: &[],
    },
    Mutation {
        what: "a recording that is a file holds a token, typed letter by letter",
        change: |desk| {
            let mut text = "{\"version\": 2, \"width\": 80, \"height\": 24}\n".to_owned();
            for letter in format!("ghp_{}", &SECRET.replace('/', "x")[..36]).chars() {
                text += &serde_json::json!([1.5, "i", letter]).to_string();
                text.push('\n');
            }
            desk.lay("mine.cast", &text);
        },
        breaks: &["BG-SES-003"],
        mends: &[],
    },
    Mutation {
        what: "the first recording ended after ten minutes, and the work did not",
        change: |desk| {
            desk.record(41)["seconds"] = 600.into();
        },
        breaks: &["BG-SES-004"],
        mends: &[],
    },
    Mutation {
        what: "the first recording began twenty minutes late",
        change: |desk| {
            desk.record(41)["started"] = "2026-04-10T02:20:00Z".into();
            desk.record(41)["seconds"] = 9600.into();
        },
        breaks: &["BG-SES-004"],
        mends: &[],
    },
    Mutation {
        what: "a second recording begins where the first one ended",
        change: |desk| {
            desk.record(41)["seconds"] = 600.into();
            let mut second = desk.record(43).clone();
            second.as_object_mut().unwrap().extend(serde_json::json!({
                "at": "2026-11-02T10:15:00Z", "generation": 1, "set": "S GEN1-0000-0000-0000-1", "record": 7,
                "started": "2026-04-10T02:12:00Z", "seconds": 10080,
            }).as_object().unwrap().clone());
            desk.append(&second);
        },
        breaks: &[],
        mends: &[],
    },
    Mutation {
        what: "the first recording was brought in later, and does not say how long it is",
        change: |desk| {
            desk.record(41).as_object_mut().unwrap().remove("seconds");
        },
        breaks: &[],
        mends: &[],
    },
    Mutation {
        what: "a session that generation 1 had made was to live for twelve hours",
        change: |desk| {
            desk.assumed("Apr 10, 2026, 4:30:00 PM");
        },
        breaks: &["BG-SES-005"],
        mends: &[],
    },
    Mutation {
        what: "a session that generation 1 had made ended by itself in time",
        change: |desk| {
            desk.assumed("Apr 10, 2026 5:30:00 AM");
        },
        breaks: &[],
        mends: &[],
    },
    Mutation {
        what: "a session of a role that generation 1 had made was ended",
        change: |desk| {
            desk.assumed("Apr 10, 2026 4:30:00 PM");
            desk.ended("PutRolePolicy", &serde_json::json!({ "roleName": "incident" }));
        },
        breaks: &[],
        mends: &[],
    },
    Mutation {
        what: "sessions of the user were ended, and that of the role was not",
        change: |desk| {
            desk.assumed("Apr 10, 2026 4:30:00 PM");
            desk.ended("PutUserPolicy", &serde_json::json!({ "userName": "breakglass-payments" }));
        },
        breaks: &["BG-SES-005"],
        mends: &[],
    },
    Mutation {
        what: "a part of a recording that is said to be encrypted is not, and holds a private key",
        change: |desk| {
            let text =
                format!("[1.0,\"o\",\"-----BEGIN PRIVATE KEY-----\\r\\n{}\"]\n", "Ab1/".repeat(16));
            let head = desk.recorded("open", 7, ("2026-04-10T02:02:00Z", &["age1x"]), &[&text]);
            desk.record(41)["evidence"][0] =
                serde_json::json!({ "file": "sessions/open", "sha256": head });
            fs::remove_dir_all(desk.dir.path().join("sessions/r7")).unwrap();
        },
        breaks: &["BG-SES-002", "BG-SES-003"],
        mends: &[],
    },
    Mutation {
        what: "the first recording is encrypted to a key that is none of the auditors'",
        change: |desk| desk.edit("method.toml", "[audit]\n", AUDITORS),
        breaks: &["BG-SES-003"],
        mends: &[],
    },
];
