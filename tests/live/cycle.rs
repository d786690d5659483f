//! What every platform's cycle has in common: a kit of two of three, papers as text, and what a rotation says.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle, sleep};
use std::time::Duration;

use crate::small::two_of_three;

/// A folder with a kit.
pub(crate) struct Cycle {
    dir: tempfile::TempDir,
}

impl Cycle {
    /// A kit whose method file has these tables behind its rules.
    pub(crate) fn new(tables: &str) -> Self {
        let cycle = Self { dir: tempfile::tempdir().unwrap() };
        cycle.run(&["init", "kit"], 0);
        cycle.method(tables);
        cycle
    }

    /// Puts these tables behind the rules of the method file.
    pub(crate) fn method(&self, tables: &str) {
        fs::write(self.path("kit/method.toml"), two_of_three(tables)).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs the program; it has to end with that code. Returns what it said.
    #[track_caller]
    pub(crate) fn run(&self, args: &[&str], code: i32) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_breakglass"));
        let output = command.args(args).arg("--no-input").current_dir(self.dir.path()).output();
        let output: Output = output.unwrap();
        let said = [&output.stdout[..], &output.stderr[..]].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert_eq!(output.status.code(), Some(code), "{args:?}\n{said}");
        said
    }

    /// Deals, confirms and releases a credential, as on the day before and in the night.
    pub(crate) fn deal_and_release(&self, credential: &str, id: &str) -> String {
        fs::write(self.path("secret"), credential).unwrap();
        self.run(
            &[
                "-C",
                "kit",
                "split",
                "--from",
                "secret",
                "--credential-id",
                id,
                "--media",
                "file",
                "-o",
                "papers-1",
            ],
            0,
        );
        fs::remove_file(self.path("secret")).unwrap();
        let bags = ["--bag", "1a=T1", "--bag", "2a=T2", "--bag", "3a=T3", "--exception", "a test"];
        self.run(&[&["-C", "kit", "confirm", "papers-1", "--no-book"], &bags[..]].concat(), 0);
        self.release("papers-1")
    }

    /// Releases what papers hold.
    pub(crate) fn release(&self, papers: &str) -> String {
        let args =
            ["-C", "kit", "combine", papers, "--no-book", "--operator", "A", "--operator-id", "E9"];
        let more = ["--reason", "DRILL", "--exception", "a test", "--output", "released"];
        self.run(&[&args[..], &more[..]].concat(), 0);
        let released = fs::read_to_string(self.path("released")).unwrap();
        fs::remove_file(self.path("released")).unwrap();
        released
    }

    /// Rotates from the papers of the first generation to those of the second.
    #[track_caller]
    pub(crate) fn rotate(&self, code: i32) -> String {
        self.rotate_with(&[], code)
    }

    #[track_caller]
    pub(crate) fn rotate_with(&self, flags: &[&str], code: i32) -> String {
        let args =
            ["-C", "kit", "rotate", "papers-1", "--no-book", "--new", "papers-2", "--new-no-book"];
        let more = ["-o", "papers-2", "--media", "file", "--exception", "a test"];
        let bags = ["--bag", "1a=N1", "--bag", "2a=N2", "--bag", "3a=N3"];
        self.run(&[&args[..], &more[..], &bags[..], flags].concat(), code)
    }

    /// Tries a driver against the rules; the target is `name=text`.
    #[track_caller]
    pub(crate) fn keeps_the_rules(
        &self,
        driver: &str,
        credential: &serde_json::Value,
        target: &[&str],
    ) {
        fs::write(self.path("credential.json"), credential.to_string()).unwrap();
        let mut args =
            vec!["driver-test", driver, "--credential", "credential.json", "--patience", "30"];
        for pair in target {
            args.extend(["--target", pair]);
        }
        let said = self.run(&args, 0);
        assert!(!said.contains("FAIL"), "{said}");
    }

    /// What the one evidence file of the kit says.
    pub(crate) fn evidence(&self) -> serde_json::Value {
        let mut files = fs::read_dir(self.path("kit/evidence")).unwrap();
        let file = files.next().unwrap().unwrap();
        assert!(files.next().is_none(), "one rotation, one file");
        serde_json::from_slice(&fs::read(file.path()).unwrap()).unwrap()
    }

    /// No file of the kit may hold any of these.
    #[track_caller]
    pub(crate) fn holds_no(&self, secrets: &[&str]) {
        let output =
            Command::new("grep").args(["-r", "-c", ""]).arg(self.path("kit")).output().unwrap();
        assert!(output.status.success(), "a kit has files");
        for secret in secrets {
            let grep = Command::new("grep")
                .args(["-rlF", "--", secret])
                .arg(self.path("kit"))
                .output()
                .unwrap();
            assert!(grep.stdout.is_empty(), "{}", String::from_utf8_lossy(&grep.stdout));
        }
    }
}

/// Looks at the command line and the environment of every process of this machine as long as it lives.
pub(crate) struct Watch {
    ended: Arc<AtomicBool>,
    thread: JoinHandle<BTreeSet<(String, Vec<u8>)>>,
}

impl Watch {
    pub(crate) fn start() -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&ended);
        let thread = thread::spawn(move || {
            let mut seen = BTreeSet::new();
            while !until.load(Ordering::Relaxed) {
                let processes = fs::read_dir("/proc").unwrap().flatten();
                for process in
                    processes.filter(|p| p.file_name().as_encoded_bytes()[0].is_ascii_digit())
                {
                    let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
                    for what in ["cmdline", "environ"] {
                        if let Ok(bytes) = fs::read(process.path().join(what)) {
                            seen.insert((format!("{what} of {}", name.trim()), bytes));
                        }
                    }
                }
                sleep(Duration::from_millis(2));
            }
            seen
        });
        Self { ended, thread }
    }

    /// No process may have had any of these, but where a platform's own CLI takes it no other way.
    #[track_caller]
    pub(crate) fn saw_none(self, tool: &str, secrets: &[&str], but: &str) {
        self.ended.store(true, Ordering::Relaxed);
        let seen = self.thread.join().unwrap();
        let looked = seen.iter().any(|(what, _)| *what == format!("cmdline of {tool}"));
        assert!(looked, "`{tool}` was never seen: the watch is blind");
        for (what, bytes) in seen.iter().filter(|(what, _)| what != but) {
            for secret in secrets {
                let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
                assert!(!found, "{what} holds a secret");
            }
        }
    }
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn until(what: &str, is: impl Fn() -> bool) {
    for _ in 0..300 {
        if is() {
            return;
        }
        sleep(Duration::from_millis(100));
    }
    panic!("{what}: not within 30 seconds");
}

/// A server that ends with the test.
pub(crate) struct Server(pub(crate) Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port on loopback that nobody uses right now.
pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
