//! `postgresql` with a server of its own for each test, which logs every statement.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::cycle::{Cycle, Watch, free_port, until};
use crate::matrix;

pub(crate) const OLD: &str = "first-password-of-a-role";

/// A server that ends with the test.
pub(crate) struct Postgres {
    bin: PathBuf,
    dir: tempfile::TempDir,
    pub(crate) port: String,
}

impl Postgres {
    /// Starts one, with the role `bg`; from this machine `bg` needs its password, or none where `trusting`.
    pub(crate) fn start(trusting: bool) -> Self {
        let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let bin = versions
            .map(|version| version.path().join("bin"))
            .find(|bin| bin.join("initdb").exists());
        let bin = bin.expect("PostgreSQL is needed: apt-get install postgresql");
        let dir = tempfile::tempdir().unwrap();
        let server = Self { bin, dir, port: free_port().to_string() };
        if is_root() {
            assert!(
                Command::new("chown")
                    .arg("postgres")
                    .arg(server.dir.path())
                    .status()
                    .unwrap()
                    .success()
            );
        }
        let data = server.data();
        server.as_owner(
            "initdb",
            &["-D", &data, "-A", "trust", "-U", "admin", "--locale=C.UTF-8", "--lc-messages=C"],
        );
        let how = if trusting { "trust" } else { "scram-sha-256" };
        let rules = format!("local all admin trust\nhost all all 127.0.0.1/32 {how}\n");
        std::fs::write(server.dir.path().join("data/pg_hba.conf"), rules).unwrap();
        let options = format!(
            "-p {} -h 127.0.0.1 -k {} -c log_statement=all -c log_connections=on",
            server.port,
            server.dir.path().display()
        );
        let log = server.dir.path().join("log").display().to_string();
        server.as_owner("pg_ctl", &["-D", &data, "-w", "-l", &log, "-o", &options, "start"]);
        server.role("bg");
        server
    }

    fn role(&self, name: &str) {
        // each a query of its own, or the log would hold the password
        let made = format!("CREATE ROLE {name} LOGIN PASSWORD '{OLD}';\n");
        self.admin(&format!("SET log_statement = 'none';\n{made}"));
    }

    fn data(&self) -> String {
        self.dir.path().join("data").display().to_string()
    }

    /// The server does not run as root.
    fn as_owner(&self, program: &str, args: &[&str]) {
        let program = self.bin.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        let status = command.args(args).current_dir("/").stdout(Stdio::null()).status().unwrap();
        assert!(status.success(), "{args:?}");
    }

    fn admin(&self, statements: &str) -> String {
        let socket = self.dir.path().display().to_string();
        let args = [
            "-X", "-q", "-A", "-t", "-h", &socket, "-p", &self.port, "-U", "admin", "-d",
            "postgres",
        ];
        let mut command = Command::new("psql");
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(statements.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// `psql` as `bg`; not through the driver.
    fn login(&self, password: &str, statement: &str) -> Command {
        self.login_as("bg", password, statement)
    }

    fn login_as(&self, role: &str, password: &str, statement: &str) -> Command {
        let mut command = Command::new("psql");
        command.args(["-X", "-A", "-t", "-w", "-h", "127.0.0.1", "-p", &self.port, "-U", role]);
        let file = self.dir.path().join("password-of-the-test");
        std::fs::write(&file, format!("*:*:*:*:{password}\n")).unwrap();
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&file, private).unwrap();
        command.args(["-d", "postgres", "-c", statement]).env("PGPASSFILE", file);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn lets_in(&self, password: &str) -> bool {
        self.login(password, "SELECT 1").status().unwrap().success()
    }

    fn tables(&self) -> String {
        format!(
            "[rotation]\ndriver = \"postgresql\"\n[rotation.target]\nhost = \"127.0.0.1\"\nport = \"{}\"\nuser = \"bg\"\n",
            self.port
        )
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.as_owner("pg_ctl", &["-D", &self.data(), "-m", "immediate", "stop"]);
    }
}

fn is_root() -> bool {
    std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()) == 0
}

fn log_of(dir: &Path) -> String {
    std::fs::read_to_string(dir.join("log")).unwrap()
}

#[test]
fn a_password_goes_from_paper_to_its_end() {
    let server = Postgres::start(false);
    let cycle = Cycle::new(&server.tables());
    let used = cycle.deal_and_release(OLD, "bg");
    assert!(server.lets_in(&used));
    // the operator's own session, open when the credential is rotated
    let mut session = server.login(&used, "SELECT pg_sleep(600)").spawn().unwrap();
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'bg'";
    until("a session", || server.admin(sessions) == "1");

    let watch = Watch::start();
    let said = cycle.rotate(0);
    assert!(said.contains("the platform refuses it"), "{said}");
    let new = cycle.release("papers-2");
    watch.saw_none("psql", &[OLD, &new], "");
    // the server is asked, not our records
    assert!(!server.lets_in(OLD) && server.lets_in(&new));
    until("no session", || server.admin(sessions) == "0");
    assert!(!session.wait().unwrap().success());
    let log = log_of(server.dir.path());
    assert!(
        log.contains("ALTER ROLE CURRENT_USER PASSWORD 'SCRAM-SHA-256$"),
        "statements are logged"
    );
    assert!(!log.contains(OLD) && !log.contains(&new) && !said.contains(&new));
    cycle.holds_no(&[OLD, &new, "SCRAM-SHA-256$"]);
    let evidence = cycle.evidence();
    assert_eq!(evidence["caller"], "bg");
    let book = std::fs::read_to_string(cycle.path("kit/logbook.jsonl")).unwrap();
    assert!(book.contains("1 sessions ended"), "{book}");
}

#[test]
fn a_server_that_asks_for_no_password_is_refused() {
    let server = Postgres::start(true);
    let cycle = Cycle::new(&server.tables());
    cycle.deal_and_release(OLD, "bg");
    let kept = || server.admin("SELECT rolpassword FROM pg_authid WHERE rolname = 'bg'");
    let before = kept();
    let said = cycle.rotate(4);
    assert!(said.contains("lets this role in with ANY password"), "{said}");
    assert_eq!(kept(), before);
}

/// A role of its own on one server.
struct Role {
    server: std::rc::Rc<Postgres>,
    name: String,
    cycle: Cycle,
}

impl matrix::Account for Role {
    fn cycle(&self) -> &Cycle {
        &self.cycle
    }

    fn lets_in(&self, credential: &str) -> bool {
        self.server.login_as(&self.name, credential, "SELECT 1").status().unwrap().success()
    }

    fn live(&self) -> usize {
        1 // a role has one password, always
    }

    fn orphans(&self) -> Vec<String> {
        Vec::new()
    }
}

#[test]
fn it_dies_anywhere() {
    let server = std::rc::Rc::new(Postgres::start(false));
    let count = std::cell::Cell::new(0);
    matrix::dies_anywhere("before setting", || {
        count.set(count.get() + 1);
        let name = format!("bg{}", count.get());
        server.role(&name);
        let tables = server.tables().replace("user = \"bg\"", &format!("user = \"{name}\""));
        let cycle = Cycle::new(&tables);
        cycle.deal_and_release(OLD, &name);
        Box::new(Role { server: server.clone(), name, cycle })
    });
}

#[test]
fn the_driver_keeps_the_rules() {
    let server = Postgres::start(false);
    let credential = serde_json::json!({ "id": "bg", "secret": { "password": OLD } });
    let port = format!("port={}", server.port);
    Cycle::new("").keeps_the_rules(
        "postgresql",
        &credential,
        &["host=127.0.0.1", "user=bg", &port],
    );
    assert!(server.lets_in(OLD));
}
