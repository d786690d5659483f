//! The way to the host: `ssh` with an agent of its own, and what its words mean.

use std::os::unix::net::UnixStream;
use std::process::{Child, Output, Stdio};

use super::super::tool::{self, Folder};
use super::super::{LOST, Login, Problem, Question};
use super::keys::key_of;

/// What a script on the host prints when a file is no longer as it was read.
pub(super) const MOVED: &str = "changed meanwhile";

/// An agent that holds one key, until it is dropped. Its socket stands in a folder of its own.
pub(super) struct Agent {
    process: Child,
    folder: Folder,
}

impl Agent {
    /// Starts one; a text that is no key is `invalid_input`.
    pub(super) fn with(key: &str) -> Result<Self, Problem> {
        let folder = Folder::new()?;
        let socket = folder.join("agent");
        let mut command = tool::clean("ssh-agent");
        command.args(["-D", "-a"]).arg(&socket).stdout(Stdio::null()).stderr(Stdio::null());
        let process = tool::start(&mut command)?;
        let agent = Self { process, folder };
        // the socket stands there a moment before anybody listens on it
        let listens = || {
            std::thread::sleep(std::time::Duration::from_millis(10));
            UnixStream::connect(&socket).is_ok()
        };
        if !(0..500).any(|_| listens()) {
            return Err(Problem::new("internal", "`ssh-agent` did not start"));
        }
        let mut add = tool::clean("ssh-add");
        add.args(["-q", "-"]).env("SSH_AUTH_SOCK", &socket);
        let added = tool::fed(&mut add, key.as_bytes())?;
        if added.status.success() {
            return Ok(agent);
        }
        let words = String::from_utf8_lossy(&added.stderr).trim().to_owned();
        Err(Problem::new(
            "invalid_input",
            format!("that is no private key which `ssh-add` takes: {words}"),
        ))
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs a script on the host. Without a login it is the caller's own way in.
pub(super) fn ssh(
    question: &Question,
    login: Option<&Login>,
    script: &str,
) -> Result<Output, Problem> {
    let target = |name: &str| question.target.get(name).map(String::as_str);
    let (host, user) = (question.target("host")?, question.target("user")?);
    let host_key = question.target("host_key")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || " +/=-@.".contains(c);
    if !host_key.chars().all(plain) || host.starts_with('-') || user.starts_with('-') {
        return Err(Problem::new("invalid_input", "`host`, `user` or `host_key` is none"));
    }
    let mut command = tool::clean("ssh");
    let agent = login.map(|login| Agent::with(key_of(login)?)).transpose()?;
    match &agent {
        Some(agent) => {
            command.args(["-F", "none", "-o", "IdentityFile=none", "-o"]);
            command.arg(format!("IdentityAgent={}", agent.folder.join("agent").display()));
        }
        None => {
            command.envs(std::env::var_os("HOME").map(|home| ("HOME", home)));
        }
    }
    let known = format!("KnownHostsCommand=/bin/echo %H {host_key}");
    for option in [
        "BatchMode=yes",
        "PreferredAuthentications=publickey",
        "StrictHostKeyChecking=yes",
        "UserKnownHostsFile=none",
        "GlobalKnownHostsFile=none",
        "ConnectTimeout=10",
        "ServerAliveInterval=5",
        "ForwardAgent=no",
        "ControlPath=none",
        "LogLevel=ERROR",
        &known,
    ] {
        command.args(["-o", option]);
    }
    command.args(["-T", "-p", target("port").unwrap_or("22"), "-l", user, "--", host, "sh -s"]);
    let output = tool::fed(&mut command, script.as_bytes());
    drop(agent);
    output
}

/// As [`ssh`], where anything but success is a problem.
pub(super) fn done(
    question: &Question,
    login: Option<&Login>,
    script: &str,
) -> Result<Vec<u8>, Problem> {
    let output = ssh(question, login, script)?;
    if output.status.success() { Ok(output.stdout) } else { Err(problem(&output)) }
}

pub(super) fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).trim().to_owned()
}

pub(super) fn is_refusal(words: &str) -> bool {
    words.contains("Permission denied (")
}

pub(super) fn problem(output: &Output) -> Problem {
    let words = words(output);
    let said = |part: &str| words.contains(part);
    let kind = match output.status.code() {
        Some(255) if is_refusal(&words) => "auth",
        // it was never connected; one that breaks later says neither
        Some(255) if said("connect to host") || said("Could not resolve") => "retryable",
        Some(255) if said("Host key verification failed") => "invalid_input",
        // the line broke, before or after
        Some(255) | None => LOST,
        Some(_) if said(MOVED) => "retryable",
        Some(_) => "internal",
    };
    Problem::new(kind, words)
}
