//! `ssh-key` with an `sshd` of its own, which runs as an ordinary account and lets that account in.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::cycle::{Cycle, Server, Watch, free_port, until};

/// A server, and the files that it looks at.
pub(crate) struct Sshd {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) user: String,
    pub(crate) port: String,
    host_key: String,
    _server: Server,
}

impl Sshd {
    pub(crate) fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        for name in ["host", "first"] {
            keygen(&["-q", "-t", "ed25519", "-N", "", "-C", "by hand", "-f", &path(name)]);
        }
        let public = fs::read_to_string(path("first.pub")).unwrap();
        fs::write(path("keys"), format!("# kept\nno-port-forwarding {public}")).unwrap();
        fs::write(path("krl"), "").unwrap();
        let port = free_port().to_string();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {0}/host\nPidFile none\nAuthorizedKeysFile {0}/keys\nRevokedKeys {0}/krl\nUsePAM no\nStrictModes no\nPasswordAuthentication yes\nKbdInteractiveAuthentication no\nLogLevel DEBUG1\n",
            dir.path().display()
        );
        fs::write(path("config"), config).unwrap();
        let sshd = "/usr/sbin/sshd";
        assert!(PathBuf::from(sshd).exists(), "sshd is needed: apt-get install openssh-server");
        let args = ["-D", "-e", "-f", &path("config")];
        // an account that can log in and is not root: sessions of root are another matter
        let root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
        let (user, mut command) = if root {
            let owned = Command::new("chown").args(["-R", "postgres"]).arg(dir.path()).status();
            assert!(
                owned.unwrap().success(),
                "the account `postgres` is needed: apt-get install postgresql"
            );
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--", sshd]);
            ("postgres".to_owned(), command)
        } else {
            let name = Command::new("id").arg("-un").output().unwrap().stdout;
            (String::from_utf8(name).unwrap().trim().to_owned(), Command::new(sshd))
        };
        let log = fs::File::create(dir.path().join("log")).unwrap();
        let server = command.args(args).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let host_key = fs::read_to_string(path("host.pub")).unwrap();
        let host_key = host_key.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        let sshd = Self { dir, user, port, host_key, _server: Server(server) };
        let first = sshd.first();
        until("a server", || sshd.ssh(&first, "true").status().unwrap().success());
        sshd
    }

    fn first(&self) -> String {
        fs::read_to_string(self.dir.path().join("first")).unwrap()
    }

    fn keys(&self) -> String {
        fs::read_to_string(self.dir.path().join("keys")).unwrap()
    }

    /// `ssh` with a key; not through the driver.
    fn ssh(&self, key: &str, script: &str) -> Command {
        let file = self.dir.path().join("key-of-the-test");
        let _ = fs::remove_file(&file);
        fs::write(&file, key).unwrap();
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(&file, private).unwrap();
        let mut command = Command::new("ssh");
        command.args(["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no"]);
        command
            .args(["-o", "UserKnownHostsFile=/dev/null", "-o", "IdentitiesOnly=yes", "-i"])
            .arg(file);
        command.args(["-p", &self.port, "-l", &self.user, "127.0.0.1", script]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn lets_in(&self, key: &str) -> bool {
        self.ssh(key, "true").status().unwrap().success()
    }

    fn target(&self) -> [String; 6] {
        let dir = self.dir.path().display();
        [
            "host=127.0.0.1".to_owned(),
            format!("port={}", self.port),
            format!("user={}", self.user),
            format!("host_key={}", self.host_key),
            format!("authorized_keys={dir}/keys"),
            format!("krl={dir}/krl"),
        ]
    }

    fn tables(&self) -> String {
        let pairs = self.target().map(|pair| {
            let (name, text) = pair.split_once('=').unwrap();
            format!("{name} = \"{text}\"\n")
        });
        format!("[rotation]\ndriver = \"ssh-key\"\n[rotation.target]\n{}", pairs.concat())
    }
}

fn keygen(args: &[&str]) -> String {
    let output = Command::new("ssh-keygen").args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The fingerprint of a public key, without the name of its hash.
fn fingerprint(public: &str) -> String {
    let said = keygen(&["-l", "-f", public]);
    said.split_whitespace().nth(1).unwrap().strip_prefix("SHA256:").unwrap().to_owned()
}

/// The lines of a private key between its first and its last.
fn body(key: &str) -> Vec<&str> {
    key.lines().filter(|line| !line.starts_with("-----") && line.len() > 30).collect()
}

#[test]
fn a_key_goes_from_paper_to_its_end() {
    let sshd = Sshd::start();
    let first = sshd.first();
    let public = sshd.dir.path().join("first.pub").display().to_string();
    let id = fingerprint(&public);
    let cycle = Cycle::new(&sshd.tables());
    let used = cycle.deal_and_release(&first, &id);
    assert!(used == first && sshd.lets_in(&used));
    // the operator's own session, open when the key is rotated
    let mut session = sshd.ssh(&used, "sleep 600").spawn().unwrap();
    let live =
        || Command::new("pgrep").args(["-u", &sshd.user, "-f", "^sleep 600"]).output().unwrap();
    until("a session", || !live().stdout.is_empty());

    let watch = Watch::start();
    let said = cycle.rotate(0);
    assert!(said.contains("the platform refuses it"), "{said}");
    let new = cycle.release("papers-2");
    let secrets: Vec<&str> = body(&first).into_iter().chain(body(&new)).skip(1).collect();
    watch.saw_none("ssh", &secrets, "");
    assert!(!sshd.lets_in(&first) && sshd.lets_in(&new));
    assert!(!session.wait().unwrap().success(), "the session was ended");
    // the line of the new key has the options of the old one, and the rest of the file is as it was
    let keys = sshd.keys();
    let lines: Vec<&str> = keys.lines().collect();
    assert!(lines.len() == 2 && lines[0] == "# kept", "{keys}");
    assert!(
        lines[1].starts_with("no-port-forwarding ssh-ed25519 ")
            && lines[1].contains(" breakglass-"),
        "{keys}"
    );
    // OpenSSH itself says that the old one is revoked
    let krl = sshd.dir.path().join("krl").display().to_string();
    let asked = Command::new("ssh-keygen").args(["-Q", "-f", &krl, &public]).output().unwrap();
    assert!(String::from_utf8_lossy(&asked.stdout).contains("REVOKED"), "{asked:?}");
    cycle.holds_no(&secrets);
    assert!(secrets.iter().all(|secret| !said.contains(secret)));
    assert!(cycle.evidence()["account"].as_str().unwrap().contains("@127.0.0.1"));
    let book = fs::read_to_string(cycle.path("kit/logbook.jsonl")).unwrap();
    assert!(book.contains("sessions ended"), "{book}");
}

#[test]
fn another_host_than_that_of_the_target_is_no_host() {
    let sshd = Sshd::start();
    let cycle =
        Cycle::new(&sshd.tables().replace("host_key = \"ssh-ed25519 ", "host_key = \"ssh-rsa "));
    cycle.deal_and_release(&sshd.first(), "whatever");
    let said = cycle.rotate(4);
    assert!(said.contains("Host key verification failed"), "{said}");
}

#[test]
fn the_driver_keeps_the_rules() {
    let sshd = Sshd::start();
    let public = sshd.dir.path().join("first.pub").display().to_string();
    let id = fingerprint(&public);
    let credential = serde_json::json!({ "id": id, "secret": { "key": sshd.first() } });
    let target = sshd.target();
    let target: Vec<&str> = target.iter().map(String::as_str).collect();
    Cycle::new("").keeps_the_rules("ssh-key", &credential, &target);
    assert!(sshd.lets_in(&sshd.first()));
}
