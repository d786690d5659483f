//! The process of a driver: found and pinned, started without our environment, given up after a time.

mod pipe;
mod redact;

use std::fs;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use zeroize::Zeroizing;

use self::pipe::Pipe;
use self::redact::redact;
use super::answer::{self, Described, Made, Partial, Refused, Report, Revoked, Verified};
use super::protocol::{self, Request, Verb};
use crate::fault;
use crate::interrupt;
use crate::method::Rotation;
use crate::secret::Secret;
use crate::set::sha256;

/// How long a verb may take, unless the driver asks a person.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// The longest wait that a platform may ask for, seconds, and how often it is asked in all.
const MAX_WAIT: u64 = 60;
const TRIES: u32 = 3;

/// Most bytes of an answer; a report carries what the platform said.
const MAX_ANSWER: usize = 32 << 20;
/// Most bytes of what a driver says besides.
const MAX_WORDS: usize = 64 << 10;

/// Variables that a driver gets of ours, if they are set.
const PASSED: [&str; 6] = ["HOME", "LANG", "LC_ALL", "PATH", "TERM", "TZ"];

/// A driver that can be asked.
#[derive(Clone, Debug)]
pub struct Driver {
    program: PathBuf,
    /// SHA-256 that the file has to have at every start.
    pin: Option<[u8; 32]>,
    first: Vec<String>,
    patience: Option<Duration>,
}

/// Why a driver is not run.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// No such built-in driver.
    #[error("there is no driver `{0}` built in")]
    Unknown(String),
    /// The file cannot be read.
    #[error("driver `{}`: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's word.
        source: io::Error,
    },
    /// The file is not the one that was dealt with.
    #[error("driver `{}` is not the one that the dealt method pins: it is not run", .0.display())]
    Changed(PathBuf),
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// It never started: nothing happened.
    #[error("driver `{0}` did not start: {1}")]
    NotStarted(String, io::Error),
    /// It said no.
    #[error("the driver says {}: {}", .0.kind, .0.message)]
    Refused(Refused),
    /// What it did, nobody knows.
    #[error("nobody knows what the driver did: {0}")]
    Unknown(String),
}

impl CallError {
    /// Says whether something may have been changed.
    pub fn leaves_open(&self) -> bool {
        match self {
            Self::NotStarted(..) => false,
            Self::Refused(refused) => refused.kind == "partial",
            Self::Unknown(_) => true,
        }
    }
}

/// What is told while a driver runs: a line of its own words, secrets taken out.
pub type Tell<'a> = &'a dyn Fn(&str);

impl Driver {
    /// Finds the driver of a method: built into this program, or a file that is the pinned one.
    pub fn find(
        rotation: &Rotation,
        kit: &Path,
        own: &Path,
        built_in: &[&str],
    ) -> Result<Self, FindError> {
        if !rotation.is_external() {
            if !built_in.contains(&rotation.driver.as_str()) {
                return Err(FindError::Unknown(rotation.driver.clone()));
            }
            let first = vec!["driver".to_owned(), rotation.driver.clone()];
            return Ok(Self {
                program: own.to_owned(),
                pin: None,
                first,
                patience: Some(PATIENCE),
            });
        }
        let path = kit.join(&rotation.driver);
        let file = |source| FindError::File { path: path.clone(), source };
        let bytes = fs::read(&path).map_err(file)?;
        if Some(sha256(&[&bytes])) != rotation.pin {
            return Err(FindError::Changed(path));
        }
        let driver = Self::at(&path).map_err(|source| FindError::File { path, source })?;
        Ok(Self { pin: rotation.pin, ..driver })
    }

    /// Names a driver by its file, without a pin: for whoever tests one.
    pub fn at(path: &Path) -> io::Result<Self> {
        let program = path.canonicalize()?;
        Ok(Self { program, pin: None, first: Vec::new(), patience: Some(PATIENCE) })
    }

    /// Gives it another time; `None` where it asks a person.
    #[must_use]
    pub fn with_patience(self, patience: Option<Duration>) -> Self {
        Self { patience, ..self }
    }

    /// Asks what it is, and takes its word for whether it asks people.
    pub fn describe(
        &mut self,
        request: &Request<'_>,
        tell: Tell<'_>,
    ) -> Result<Described, CallError> {
        let described: Described = self.ask(Verb::Describe, request, tell, answer::read)?;
        if !described.protocol.contains(&protocol::VERSION) {
            let message = format!("it speaks versions {:?} of the protocol", described.protocol);
            return Err(CallError::Unknown(message));
        }
        if described.interactive {
            self.patience = None;
        }
        Ok(described)
    }

    /// `create`
    pub fn create(&self, request: &Request<'_>, tell: Tell<'_>) -> Result<Made, CallError> {
        self.ask(Verb::Create, request, tell, answer::made)
    }

    /// `set`
    pub fn set(&self, request: &Request<'_>, tell: Tell<'_>) -> Result<Made, CallError> {
        self.ask(Verb::Set, request, tell, answer::made)
    }

    /// `verify`
    pub fn verify(&self, request: &Request<'_>, tell: Tell<'_>) -> Result<Verified, CallError> {
        self.ask(Verb::Verify, request, tell, answer::read)
    }

    /// `disable`
    pub fn disable(&self, request: &Request<'_>, tell: Tell<'_>) -> Result<Revoked, CallError> {
        self.ask(Verb::Disable, request, tell, answer::read)
    }

    /// `revoke`
    pub fn revoke(&self, request: &Request<'_>, tell: Tell<'_>) -> Result<Revoked, CallError> {
        self.ask(Verb::Revoke, request, tell, answer::read)
    }

    /// `mint`
    pub fn mint(&self, request: &Request<'_>, tell: Tell<'_>) -> Result<Made, CallError> {
        self.ask(Verb::Mint, request, tell, answer::made)
    }

    /// `report`
    pub fn report(&self, request: &Request<'_>, tell: Tell<'_>) -> Result<Report, CallError> {
        self.ask(Verb::Report, request, tell, answer::read)
    }

    /// Asks and reads the answer.
    fn ask<T>(
        &self,
        verb: Verb,
        request: &Request<'_>,
        tell: Tell<'_>,
        read: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<T, CallError> {
        let (question, secrets) = (request.to_json(verb), request.secrets());
        let mut tries = 1;
        let answer = loop {
            match self.call(verb.word(), &question, &secrets, tell) {
                // nothing was changed, and the platform says itself when to ask again
                Err(CallError::Refused(Refused {
                    kind,
                    retry_after_s: Some(wait @ 0..=MAX_WAIT),
                    ..
                })) if kind == "retryable" && tries < TRIES => {
                    tell(&format!("asks to wait {wait} s"));
                    thread::sleep(Duration::from_secs(wait));
                    tries += 1;
                }
                answer => break answer?,
            }
        };
        // what these answer is shown and written down; the others answer with a secret, which is not
        let answer = match verb {
            Verb::Create | Verb::Mint => answer,
            _ => Zeroizing::new(redact(&answer, &secrets, b"").into_bytes()),
        };
        read(&answer).map_err(|what| {
            CallError::Unknown(format!("its answer to `{}` is none: {what}", verb.word()))
        })
    }

    /// Runs it once with these bytes and returns what it printed. Whatever it says besides is told, secrets taken out.
    pub fn call(
        &self,
        verb: &str,
        input: &[u8],
        secrets: &[&Secret],
        tell: Tell<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, CallError> {
        fault::point("before the driver");
        // what it does is finished and written down first
        let _held = interrupt::hold_back();
        self.run(verb, input, secrets, tell)
    }

    fn run(
        &self,
        verb: &str,
        input: &[u8],
        secrets: &[&Secret],
        tell: Tell<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, CallError> {
        let mut child = self
            .start(verb)
            .map_err(|e| CallError::NotStarted(self.program.display().to_string(), e))?;
        let until = self.patience.map(|patience| Instant::now() + patience);
        let output = Pipe::read(child.stdout.take(), MAX_ANSWER);
        let words = Pipe::read(child.stderr.take(), MAX_WORDS);
        let stdin = child.stdin.take();
        thread::scope(|scope| {
            scope.spawn(|| {
                // a driver need not read what it does not want
                let _ = stdin.map(|mut stdin| stdin.write_all(input));
            });
            let status = wait(&mut child, until);
            fault::point("the driver has ended, nobody has read its answer");
            let (output, words) = (output.rest(), words.rest());
            let clean = redact(&words, secrets, &output);
            for line in clean.lines().filter(|line| !line.trim().is_empty()) {
                tell(line);
            }
            outcome(verb, status, output, secrets)
        })
    }

    fn start(&self, verb: &str) -> io::Result<Child> {
        // a ceremony takes hours, and a file can change meanwhile
        if let Some(pin) = self.pin
            && sha256(&[&fs::read(&self.program)?]) != pin
        {
            return Err(io::Error::other("it is no longer the file that is pinned"));
        }
        let mut command = Command::new(&self.program);
        command.args(&self.first).arg(verb).env_clear().current_dir("/");
        for name in PASSED {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        if self.patience.is_some() {
            // so that nothing that it started outlives it; whoever asks a person needs the terminal
            command.process_group(0);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for _ in 0..50 {
            match command.spawn() {
                // just copied here, and somebody still holds it open
                Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
                    thread::sleep(Duration::from_millis(10));
                }
                started => return started,
            }
        }
        command.spawn()
    }
}

/// Waits for its end, and ends it when its time is over.
fn wait(child: &mut Child, until: Option<Instant>) -> Option<ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if until.is_none_or(|until| Instant::now() < until) => {
                thread::sleep(Duration::from_millis(3));
            }
            Ok(None) | Err(_) => {
                if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
                    let _ = kill_process_group(group, Signal::KILL);
                }
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
}

/// Reads how it ended: 0 with an answer, 1 with an error; everything else leaves open what happened.
fn outcome(
    verb: &str,
    status: Option<ExitStatus>,
    output: Zeroizing<Vec<u8>>,
    secrets: &[&Secret],
) -> Result<Zeroizing<Vec<u8>>, CallError> {
    let Some(status) = status else {
        return Err(CallError::Unknown(format!("`{verb}` took too long and was ended")));
    };
    match status.code() {
        Some(0) => Ok(output),
        Some(1) => match answer::refused(&output) {
            Ok(mut refused) => {
                refused.message = redact(refused.message.as_bytes(), secrets, b"");
                Err(CallError::Refused(refused))
            }
            Err(what) => Err(CallError::Unknown(format!(
                "it failed at `{verb}`, and its error is none: {what}"
            ))),
        },
        Some(2) => Err(CallError::Refused(Refused {
            kind: "unsupported".to_owned(),
            message: format!("it does not know `{verb}`"),
            retry_after_s: None,
            partial: Partial::default(),
        })),
        // Ctrl-C at a question of its own, where the terminal does not tell us
        Some(130) => {
            interrupt::note();
            Err(CallError::Unknown(format!("it was ended at a question of `{verb}`")))
        }
        Some(code) => Err(CallError::Unknown(format!("it ended `{verb}` with status {code}"))),
        None => Err(CallError::Unknown(format!("it was ended in the middle of `{verb}`"))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::cell::RefCell;
    use std::collections::BTreeMap;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::rotation::protocol::{Credential, Fields};

    fn script(text: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("driver");
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        (dir, path)
    }

    fn create(text: &str) -> (Result<Made, CallError>, Vec<String>) {
        let (_dir, path) = script(text);
        let driver = Driver::at(&path).unwrap().with_patience(Some(Duration::from_secs(2)));
        let secret = Secret::new(b"hunter2-hunter2".to_vec());
        let auth = Credential { id: "A".into(), secret: Fields::from([("secret".into(), secret)]) };
        let request = Request { auth: Some(&auth), request_id: Some("r1"), ..Request::default() };
        let told = RefCell::new(Vec::new());
        let made = driver.create(&request, &|line| told.borrow_mut().push(line.to_owned()));
        (made, told.into_inner())
    }

    #[test]
    fn an_answer_is_read_and_no_secret_is_told() {
        let (made, told) = create(
            r#"grep -q hunter2-hunter2 && echo "old hunter2-hunter2 new brand-new-1" >&2
               test "$1" = create && test -z "$USER" && echo '{"credential":{"id":"B","secret":{"secret":"brand-new-1"}}}'"#,
        );
        assert_eq!(made.unwrap().credential.id, "B");
        assert_eq!(told, ["old [redacted] new [redacted]"]);
    }

    #[test]
    fn what_is_no_answer_leaves_open_what_happened() {
        let unknown = |text: &str| match create(text).0 {
            Err(CallError::Unknown(what)) => what,
            Err(error) => error.to_string(),
            Ok(_) => panic!("an answer"),
        };
        assert!(unknown("echo junk").contains("is none"));
        assert!(unknown("exit 7").contains("status 7"));
        assert!(unknown("kill -9 $$").contains("in the middle"));
        assert!(unknown("echo oops; exit 1").contains("its error is none"));
        assert!(unknown("sleep 60").contains("too long"));
        assert!(unknown("exit 2").contains("does not know `create`"));
        let limit = r#"echo '{"error":{"kind":"limit","message":"hunter2-hunter2"}}'; exit 1"#;
        assert_eq!(unknown(limit), "the driver says limit: [redacted]");
    }

    #[test]
    fn only_the_pinned_file_is_run() {
        let (dir, path) = script("exit 0");
        let pin = |bytes: &[u8]| Some(sha256(&[bytes]));
        let rotation =
            |pin| Rotation { driver: path.display().to_string(), pin, target: BTreeMap::new() };
        let find =
            |rotation: &Rotation| Driver::find(rotation, dir.path(), Path::new("/x"), &["manual"]);
        let driver = find(&rotation(pin(&fs::read(&path).unwrap()))).unwrap();
        assert!(matches!(find(&rotation(pin(b"other"))), Err(FindError::Changed(_))));
        assert!(matches!(find(&rotation(None)), Err(FindError::Changed(_))));
        // and not when it is changed after it was found
        fs::write(&path, "#!/bin/sh\necho changed\n").unwrap();
        let started = driver.verify(&Request::default(), &|_| ());
        assert!(matches!(started, Err(CallError::NotStarted(..))));
        let named =
            |name: &str| Rotation { driver: name.into(), pin: None, target: BTreeMap::new() };
        assert!(find(&named("manual")).is_ok());
        assert!(matches!(find(&named("magic")), Err(FindError::Unknown(_))));
    }
}
