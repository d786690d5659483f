//! `aws-iam-access-key` with the real `aws` against a `moto_server` that checks signatures.

use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::cycle::{Cycle, Server, Watch, free_port};
use crate::matrix;

const ACCOUNT: &str = "123456789012";

pub(crate) struct Moto {
    pub(crate) url: String,
    /// A key of somebody who may look at everything.
    pub(crate) auditor: (String, String),
    _server: Server,
}

impl Moto {
    /// Starts one with two users and their keys; from then on nobody gets in without a right signature.
    pub(crate) fn start() -> (Self, String, String) {
        let port = free_port();
        let server = Command::new("moto_server")
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .env("INITIAL_NO_AUTH_ACTION_COUNT", "6")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("moto_server is needed: pip install 'moto[server]' awscli");
        let url = format!("http://127.0.0.1:{port}");
        let auditor = (String::new(), String::new());
        let mut moto = Self { url, auditor, _server: Server(server) };
        for _ in 0..300 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                break;
            }
            sleep(Duration::from_millis(100));
        }
        let (id, secret) = moto.user("breakglass");
        moto.auditor = moto.user("auditor");
        (moto, id, secret)
    }

    /// Makes the role that personal credentials are made for, and returns its name.
    pub(crate) fn role(&self) -> String {
        let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"*"}}]}"#;
        let role =
            ["iam", "create-role", "--role-name", "incident", "--assume-role-policy-document"];
        let key = Some((self.auditor.0.as_str(), self.auditor.1.as_str()));
        self.aws(key, &[&role[..], &[trust]].concat()).unwrap();
        format!("arn:aws:iam::{ACCOUNT}:role/incident")
    }

    fn user(&self, name: &str) -> (String, String) {
        self.user_as(None, name)
    }

    fn user_as(&self, key: Option<(&str, &str)>, name: &str) -> (String, String) {
        let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:*","sts:*"],"Resource":"*"}]}"#;
        self.aws(key, &["iam", "create-user", "--user-name", name]).unwrap();
        let put = ["iam", "put-user-policy", "--user-name", name, "--policy-name", "own"];
        self.aws(key, &[&put[..], &["--policy-document", policy]].concat()).unwrap();
        let made = self.aws(key, &["iam", "create-access-key", "--user-name", name]).unwrap();
        let text = |name: &str| made["AccessKey"][name].as_str().unwrap().to_owned();
        (text("AccessKeyId"), text("SecretAccessKey"))
    }

    /// Asks the server itself, with a key or with none.
    fn aws(&self, key: Option<(&str, &str)>, args: &[&str]) -> Result<Value, String> {
        let (id, secret) = key.unwrap_or(("nobody", "nothing"));
        let output = Command::new("aws")
            .args(args)
            .args(["--endpoint-url", &self.url, "--region", "us-east-1", "--output", "json"])
            .env("AWS_ACCESS_KEY_ID", id)
            .env("AWS_SECRET_ACCESS_KEY", secret)
            .output()
            .expect("aws is needed: pip install awscli");
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        Ok(serde_json::from_slice(&output.stdout).unwrap_or(Value::Null))
    }

    fn tables(&self) -> String {
        format!(
            "[release]\nlayout = \"lines\"\n[rotation]\ndriver = \"aws-iam-access-key\"\n[rotation.target]\nuser = \"breakglass\"\naccount = \"{ACCOUNT}\"\nendpoint_url = \"{}\"\nend_sessions = \"no\"\n",
            self.url
        )
    }
}

fn key_of(released: &str) -> (String, String) {
    let line = |name: &str| {
        let line = released.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_else(|| panic!("no `{name}`")).to_owned()
    };
    (line("id"), line("secret"))
}

#[test]
fn a_key_goes_from_paper_to_its_end() {
    let (moto, id, secret) = Moto::start();
    let cycle = Cycle::new(&moto.tables());
    let released = cycle.deal_and_release(&format!("id: {id}\nsecret: {secret}\n"), &id);
    let (used, with) = key_of(&released);
    assert!(moto.aws(Some((&used, &with)), &["sts", "get-caller-identity"]).is_ok());

    let watch = Watch::start();
    let said = cycle.rotate(0);
    assert!(said.contains("the platform refuses it"), "{said}");
    let (new_id, new_secret) = key_of(&cycle.release("papers-2"));
    watch.saw_none("aws", &[&secret, &new_secret], "");
    // the server is asked, not our records
    let refused = moto.aws(Some((&id, &secret)), &["sts", "get-caller-identity"]).unwrap_err();
    assert!(refused.contains("InvalidClientTokenId"), "{refused}");
    let new = Some((new_id.as_str(), new_secret.as_str()));
    let who = moto.aws(new, &["sts", "get-caller-identity"]).unwrap();
    assert_eq!(who["Account"], ACCOUNT);
    let keys = moto.aws(new, &["iam", "list-access-keys", "--user-name", "breakglass"]).unwrap();
    assert_eq!(keys["AccessKeyMetadata"].as_array().unwrap().len(), 1);
    cycle.holds_no(&[&secret, &new_secret]);
    assert!(!said.contains(&secret) && !said.contains(&new_secret));
    let evidence = std::fs::read_dir(cycle.path("kit/evidence")).unwrap().count();
    assert_eq!(evidence, 1);
    what_a_kit_kept_is_audited(&cycle, &moto, &keys);
}

/// The same kit on an auditor's desk, with a listing that somebody else has exported.
fn what_a_kit_kept_is_audited(cycle: &Cycle, moto: &Moto, keys: &Value) {
    std::fs::write(cycle.path("keys.json"), keys.to_string()).unwrap();
    let (id, secret) = &moto.auditor;
    let report = ["iam", "get-credential-report"];
    let _ = moto.aws(Some((id, secret)), &["iam", "generate-credential-report"]);
    let report = moto.aws(Some((id, secret)), &report).unwrap();
    std::fs::write(cycle.path("report.json"), report.to_string()).unwrap();
    let now = breakglass::clock::Instant::now().rfc3339();
    let taken = format!("keys.json={now}");
    let args = ["audit", "kit", "keys.json", "report.json", "--report-time", &taken];
    let said = cycle.run(&args, 1);
    assert!(said.contains("pass         gen 1"), "{said}");
    assert!(said.contains("no longer listed by"), "{said}");
    // its drill has no witness, which is another matter; the credential is really gone
    for rule in ["BG-REV-001", "BG-REV-007", "BG-GEN-004", "BG-EVD-003"] {
        assert!(!said.contains(&format!("{rule}  FAIL")), "{said}");
    }
    let kept =
        std::fs::read_dir(cycle.path("kit/evidence")).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(&kept).unwrap();
    std::fs::write(&kept, text.replace("\"complete\": true", "\"complete\": false")).unwrap();
    let said = cycle.run(&args, 1);
    assert!(said.contains("BG-EVD-003  FAIL"), "{said}");
}

/// The operator gets a personal credential whose session has their id; the key on paper is never shown.
#[test]
fn an_operator_gets_a_credential_that_ends_by_itself() {
    let (moto, id, secret) = Moto::start();
    let tables = moto.tables() + &format!("role = \"arn:aws:iam::{ACCOUNT}:role/incident\"\n");
    let cycle = Cycle::new(&tables);
    let key = Some((id.as_str(), secret.as_str()));
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}"#;
    let role = ["iam", "create-role", "--role-name", "incident", "--assume-role-policy-document"];
    moto.aws(key, &[&role[..], &[trust]].concat()).unwrap();
    cycle.deal_and_release(&format!("id: {id}\nsecret: {secret}\n"), &id);
    let who = ["--operator", "A", "--operator-id", "E 2040", "--reason", "DRILL", "--no-book"];
    let out = ["--exception", "a test", "--output", "personal", "--mint"];
    let said = cycle.run(&[&["-C", "kit", "combine", "papers-1"], &who[..], &out[..]].concat(), 0);
    assert!(said.contains("Personal credential ASIA") && said.contains(", ends 20"), "{said}");
    let personal = std::fs::read_to_string(cycle.path("personal")).unwrap();
    let (made, _) = key_of(&personal);
    assert!(made != id && personal.contains("token: ") && !personal.contains(&secret));
    let book = std::fs::read_to_string(cycle.path("kit/logbook.jsonl")).unwrap();
    let last = book.lines().last().unwrap();
    assert!(last.contains("\"event\":\"CORRECT\"") && last.contains(&made), "{last}");
    // without a role there is none, which is known before anything is opened
    let cycle = Cycle::new(&moto.tables());
    cycle.deal_and_release(&format!("id: {id}\nsecret: {secret}\n"), &id);
    let said = cycle.run(&[&["-C", "kit", "combine", "papers-1"], &who[..], &out[..]].concat(), 1);
    assert!(said.contains("has no `role`"), "{said}");
    assert!(!cycle.path("personal").exists());
}

#[test]
fn a_second_key_that_nobody_has_on_paper_is_shown() {
    let (moto, id, secret) = Moto::start();
    let cycle = Cycle::new(&moto.tables());
    cycle.deal_and_release(&format!("id: {id}\nsecret: {secret}\n"), &id);
    let made = moto
        .aws(Some((&id, &secret)), &["iam", "create-access-key", "--user-name", "breakglass"])
        .unwrap();
    let orphan = made["AccessKey"]["AccessKeyId"].as_str().unwrap();
    let said = cycle.rotate(4);
    assert!(said.contains(&format!("{orphan} is on no confirmed paper")), "{said}");
    let keys = moto
        .aws(Some((&id, &secret)), &["iam", "list-access-keys", "--user-name", "breakglass"])
        .unwrap();
    assert_eq!(keys["AccessKeyMetadata"].as_array().unwrap().len(), 2, "nothing was touched");
}

#[test]
fn the_driver_keeps_the_rules() {
    let (moto, id, secret) = Moto::start();
    let cycle = Cycle::new("");
    let credential =
        format!("{{\"id\":\"{id}\",\"secret\":{{\"id\":\"{id}\",\"secret\":\"{secret}\"}}}}");
    std::fs::write(cycle.path("key.json"), credential).unwrap();
    let url = format!("endpoint_url={}", moto.url);
    let account = format!("account={ACCOUNT}");
    let args = [
        "driver-test",
        "aws-iam-access-key",
        "--credential",
        "key.json",
        "--target",
        "user=breakglass",
        "--target",
        "end_sessions=no",
    ];
    let said = cycle.run(
        &[&args[..], &["--target", &account, "--target", &url, "--patience", "30"]].concat(),
        0,
    );
    assert!(!said.contains("FAIL"), "{said}");
    let other = ["--target", "account=999999999999", "--target", &url];
    let said = cycle.run(&[&args[..], &other[..]].concat(), 1);
    assert!(said.contains("the key is of account 123456789012"), "{said}");
}

/// A user of its own on one server.
struct User {
    moto: std::rc::Rc<Moto>,
    name: String,
    cycle: Cycle,
}

impl matrix::Account for User {
    fn cycle(&self) -> &Cycle {
        &self.cycle
    }

    fn lets_in(&self, credential: &str) -> bool {
        let (id, secret) = key_of(credential);
        self.moto.aws(Some((&id, &secret)), &["sts", "get-caller-identity"]).is_ok()
    }

    fn live(&self) -> usize {
        self.keys().len()
    }

    fn orphans(&self) -> Vec<String> {
        self.keys()
    }
}

impl User {
    fn keys(&self) -> Vec<String> {
        let auditor = Some((self.moto.auditor.0.as_str(), self.moto.auditor.1.as_str()));
        let args = ["iam", "list-access-keys", "--user-name", &self.name];
        let keys = self.moto.aws(auditor, &args).unwrap();
        let keys = keys["AccessKeyMetadata"].as_array().unwrap().clone();
        keys.iter().map(|key| key["AccessKeyId"].as_str().unwrap().to_owned()).collect()
    }
}

#[test]
fn it_dies_anywhere() {
    let moto = std::rc::Rc::new(Moto::start().0);
    let count = std::cell::Cell::new(0);
    matrix::dies_anywhere("before making the new secret", || {
        count.set(count.get() + 1);
        let name = format!("breakglass-{}", count.get());
        let auditor = Some((moto.auditor.0.as_str(), moto.auditor.1.as_str()));
        let (id, secret) = moto.user_as(auditor, &name);
        let tables = moto.tables().replace("user = \"breakglass\"", &format!("user = \"{name}\""));
        let cycle = Cycle::new(&tables);
        cycle.deal_and_release(&format!("id: {id}\nsecret: {secret}\n"), &id);
        Box::new(User { moto: moto.clone(), name, cycle })
    });
}

/// moto ignores the conditions of a policy, so what would end sessions is looked at instead.
#[test]
fn sessions_are_ended_by_a_policy_of_the_user() {
    use std::io::Write;
    let (moto, id, secret) = Moto::start();
    let question = serde_json::json!({
        "target": { "user": "breakglass", "account": ACCOUNT, "endpoint_url": moto.url },
        "auth": { "id": id, "secret": { "id": id, "secret": secret } },
        "credential_id": "AKIAGONEGONEGONEGONE",
    });
    let mut driver = Command::new(env!("CARGO_BIN_EXE_breakglass"))
        .args(["driver", "aws-iam-access-key", "revoke"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    driver.stdin.take().unwrap().write_all(question.to_string().as_bytes()).unwrap();
    let output = driver.wait_with_output().unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["status"], "already_revoked", "{answer}");
    let auditor = Some((moto.auditor.0.as_str(), moto.auditor.1.as_str()));
    let get = [
        "iam",
        "get-user-policy",
        "--user-name",
        "breakglass",
        "--policy-name",
        "AWSRevokeOlderSessions",
    ];
    let policy = moto.aws(auditor, &get).unwrap();
    let statement = &policy["PolicyDocument"]["Statement"][0];
    assert_eq!(
        (statement["Effect"].as_str(), statement["Action"][0].as_str()),
        (Some("Deny"), Some("*"))
    );
    assert!(statement["Condition"]["DateLessThan"]["aws:TokenIssueTime"].is_string(), "{policy}");
}
