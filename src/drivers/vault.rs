//! What the two drivers of Vault and OpenBao have in common: the `bao` or `vault` CLI, and its words.
//!
//! Target of both: `address`; may say `cli` (`bao`, which is the default, or `vault`), `ca_cert`, `namespace`.

use std::process::Output;

use serde_json::Value;

pub(super) mod root;
pub(super) mod userpass;

use super::tool::{self, Folder, Private};
use super::{LOST, Problem, Question};

/// The file that holds a login, in the home of whoever runs the CLI.
const TOKEN: &str = ".vault-token";

/// Programs that can be named.
const CLIS: [&str; 2] = ["bao", "vault"];

/// Runs the CLI. A token lies in memory, where its home has the file of a login; what goes to standard input stays there.
pub(super) fn call(
    question: &Question,
    token: Option<&str>,
    args: &[&str],
    input: &[u8],
) -> Result<Output, Problem> {
    let target = |name: &str| question.target.get(name);
    let cli = target("cli").map_or("bao", String::as_str);
    if !CLIS.contains(&cli) {
        return Err(Problem::new("invalid_input", "`cli` is `bao` or `vault`"));
    }
    let home = Folder::new()?;
    let token = token.map(|token| Private::new(token.as_bytes())).transpose()?;
    if let Some(token) = &token {
        home.hold(TOKEN, token)?;
    }
    let mut command = tool::clean(cli);
    command
        .env("HOME", home.path())
        .env("VAULT_ADDR", question.target("address")?)
        .env("VAULT_FORMAT", "json")
        .env("VAULT_CLIENT_TIMEOUT", "20s")
        .env("VAULT_MAX_RETRIES", "1");
    for (variable, name) in [("VAULT_CACERT", "ca_cert"), ("VAULT_NAMESPACE", "namespace")] {
        command.envs(target(name).map(|value| (variable, value)));
    }
    tool::fed(command.args(args), input)
}

/// As [`call`], where the server refusing is a problem. Returns what it printed.
pub(super) fn done(
    question: &Question,
    token: Option<&str>,
    args: &[&str],
    input: &[u8],
) -> Result<Vec<u8>, Problem> {
    let output = call(question, token, args, input)?;
    if output.status.success() { Ok(output.stdout) } else { Err(problem(&words(&output))) }
}

/// As [`done`], for what is answered in JSON.
pub(super) fn asked(question: &Question, token: &str, args: &[&str]) -> Result<Value, Problem> {
    serde_json::from_slice(&done(question, Some(token), args, b"")?)
        .map_err(|_| Problem::new("internal", "the CLI printed something that is no JSON"))
}

/// What it says on standard error, in one line.
pub(super) fn words(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join(" ")
}

/// What the server says, in the words of the protocol.
pub(super) fn problem(words: &str) -> Problem {
    let said = |part: &str| words.contains(part);
    let kind = match () {
        () if said("invalid username or password") || said("Code: 403") => "auth",
        () if said("connection refused") || said("no such host") || said("Code: 503") => {
            "retryable"
        }
        () if said("Code: 404") || said("invalid accessor") => "not_found",
        // an answer of the server, or one that nobody gave: a change may have got through without it
        () if said("Code: 4") => "internal",
        () => LOST,
    };
    Problem::new(kind, words)
}

/// Returns the server's time and name, from its health.
pub(super) fn health(question: &Question, token: &str) -> Result<Value, Problem> {
    let said = asked(question, token, &["read", "sys/health"])?;
    Ok(said["data"].clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_says_is_taken_for_what_it_means() {
        let kind = |words: &str| problem(words).kind;
        assert_eq!(kind("Code: 400. Errors: * invalid username or password"), "auth");
        assert_eq!(kind("Code: 403. Errors: * permission denied"), "auth");
        assert_eq!(kind("Code: 400. Errors: * missing password"), "internal");
        assert_eq!(kind("dial tcp 127.0.0.1:8200: connect: connection refused"), "retryable");
        // nobody knows whether it was changed
        assert_eq!(kind("context deadline exceeded"), LOST);
        assert_eq!(kind("Code: 500. Errors: * 1 error occurred"), LOST);
    }
}
