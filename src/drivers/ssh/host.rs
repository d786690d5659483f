//! The way to the host: `ssh` with an agent of its own, and what its words mean.

use std::path::PathBuf;
use std::process::{Child, Output, Stdio};

use super::super::{LOST, Login, Problem, Question, tool};
use super::keys::key_of;
use crate::logbook::hex;
use crate::rng;

/// What a script on the host prints when a file is no longer as it was read.
pub(super) const MOVED: &str = "changed meanwhile";

/// An agent that holds one key, until it is dropped. Its socket stands in a folder of its own.
struct Agent {
    process: Child,
    folder: PathBuf,
}

impl Agent {
    fn with(key: &str) -> Result<Self, Problem> {
        let name = format!("breakglass-{}", hex(&rng::bytes::<8>(&mut rng::os())));
        let folder = std::env::temp_dir().join(name);
        crate::files::make_private_folder(&folder)
            .map_err(|e| Problem::new("internal", e.to_string()))?;
        let socket = folder.join("agent");
        let mut command = tool::clean("ssh-agent");
        command.args(["-D", "-a"]).arg(&socket).stdout(Stdio::null()).stderr(Stdio::null());
        let process = tool::start(&mut command)?;
        let agent = Self { process, folder };
        for _ in 0..500 {
            if socket.exists() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        if !socket.exists() {
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
        let _ = std::fs::remove_dir_all(&self.folder);
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
        Some(255)
            if said("Connection refused") || said("Could not resolve") || said("timed out") =>
        {
            "retryable"
        }
        Some(255) if said("Host key verification failed") => "invalid_input",
        // the line broke, before or after
        Some(255) | None => LOST,
        Some(_) if said(MOVED) => "retryable",
        Some(_) => "internal",
    };
    Problem::new(kind, words)
}
