//! `aws-iam-access-key`: access keys of one IAM user, by the `aws` CLI. A user has at most two.
//!
//! Target: `user`, `account`; may say `region`, `endpoint_url`, `role` (for `mint`), `end_sessions = "no"`.
//! A credential is `layout = "lines"` with `id` and `secret`. The user changes its own keys, which takes
//! `iam:CreateAccessKey`, `DeleteAccessKey`, `ListAccessKeys`, `UpdateAccessKey`, and `PutUserPolicy` to end sessions.

use std::process::Output;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::tool::{self, Private};
use super::{Answer, BuiltIn, LOST, Login, Problem, Question};
use crate::clock::Instant;
use crate::rotation::protocol::Verb;

pub(super) const DRIVER: BuiltIn = BuiltIn {
    name: "aws-iam-access-key",
    needs: &["user", "account"],
    may: &["region", "endpoint_url", "end_sessions", "role"],
    mint: &["role"],
    describe,
    answer,
};

/// An inline policy that denies every session that began before now; long-lived keys are not sessions.
const REVOKE_SESSIONS: &str = "AWSRevokeOlderSessions";

/// What AWS says of a key that it does not know, or of a secret that is another.
const REFUSALS: [&str; 4] = [
    "(InvalidClientTokenId)",
    "(SignatureDoesNotMatch)",
    "(InvalidAccessKeyId)",
    "(UnrecognizedClientException)",
];

/// What AWS says when something went wrong on its side (HTTP 500 and above): a change may have got through.
const FAULTS: [&str; 6] = [
    "(ServiceFailure)",
    "(InternalFailure)",
    "(InternalError)",
    "(ServiceUnavailable)",
    "(500)",
    "(503)",
];

/// A signature is refused on a machine whose clock is wrong, too; that says nothing of the key.
const CLOCK: [&str; 2] = ["Signature expired", "Signature not yet current"];

/// Says whether the platform has refused the key itself.
fn is_refusal(words: &str) -> bool {
    let named = |list: &[&str]| list.iter().any(|words_of| words.contains(words_of));
    named(&REFUSALS) && !named(&CLOCK)
}

fn describe(_: &Question) -> Value {
    json!({
        "protocol": [1],
        "name": DRIVER.name,
        "version": env!("CARGO_PKG_VERSION"),
        "mode": "overlap",
        "secret_fields": ["id", "secret"],
        "verbs": ["describe", "create", "verify", "disable", "revoke", "report", "mint"],
        "needs": [{ "tool": "aws" }],
    })
}

fn answer(verb: Verb, question: &Question) -> Answer {
    match verb {
        Verb::Create => create(question),
        Verb::Verify => verify(question),
        Verb::Disable => disable(question),
        Verb::Revoke => revoke(question),
        Verb::Report => report(question),
        Verb::Mint => mint(question),
        Verb::Describe | Verb::Set => Err(Problem::new("unsupported", "")),
    }
}

/// Runs `aws`, logged in with a key that it reads from a file in memory; without one, with the caller's own login.
fn aws(question: &Question, login: Option<&Login>, args: &[&str]) -> Result<Output, Problem> {
    aws_tries(question, login, args, "3")
}

fn aws_tries(
    question: &Question,
    login: Option<&Login>,
    args: &[&str],
    tries: &str,
) -> Result<Output, Problem> {
    let mut command = tool::clean("aws");
    let file = match login {
        None => {
            command.envs(std::env::var_os("HOME").map(|home| ("HOME", home)));
            None
        }
        Some(login) => {
            let secret = login.secret.get("secret").map_or("", String::as_str);
            let id = login.secret.get("id").unwrap_or(&login.id);
            let text =
                format!("[default]\naws_access_key_id={id}\naws_secret_access_key={secret}\n");
            let file = Private::new(text.as_bytes())?;
            command.env("AWS_SHARED_CREDENTIALS_FILE", file.path());
            command.env("AWS_CONFIG_FILE", "/dev/null").env("HOME", "/nonexistent");
            Some(file)
        }
    };
    command
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_PAGER", "")
        .env("AWS_MAX_ATTEMPTS", tries);
    command.args(args).args([
        "--output",
        "json",
        "--cli-connect-timeout",
        "10",
        "--cli-read-timeout",
        "20",
    ]);
    command.args(["--region", question.target.get("region").map_or("us-east-1", String::as_str)]);
    if let Some(url) = question.target.get("endpoint_url") {
        command.args(["--endpoint-url", url]);
    }
    let output = tool::run(&mut command);
    drop(file);
    output
}

/// As [`aws`], where the platform refusing is a problem.
fn done(question: &Question, login: Option<&Login>, args: &[&str]) -> Result<Vec<u8>, Problem> {
    let output = aws(question, login, args)?;
    if output.status.success() { Ok(output.stdout) } else { Err(problem(&output)) }
}

/// As [`done`], for what changes something: asked for once only, and what the platform stumbled over may have been done.
fn changed(question: &Question, args: &[&str]) -> Result<Vec<u8>, Problem> {
    let output = aws_tries(question, question.auth.as_ref(), args, "1")?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let words = String::from_utf8_lossy(&output.stderr);
    let stumbled = FAULTS.iter().any(|fault| words.contains(fault));
    Err(if stumbled { problem(&output).lost() } else { problem(&output) })
}

/// What AWS says, in the words of the protocol.
fn problem(output: &Output) -> Problem {
    let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let kind = match () {
        () if is_refusal(&words) => "auth",
        () if words.contains("(AccessDenied") => "auth",
        () if words.contains("(LimitExceeded)") => "limit",
        () if words.contains("(NoSuchEntity)") => "not_found",
        () if words.contains("(Throttling") || words.contains("Could not connect") => "retryable",
        // an answer of the platform, or one that nobody gave: a change may have got through without it
        () if words.contains("An error occurred (") => "internal",
        () if words.contains("Parameter validation failed") => "invalid_input",
        () => LOST,
    };
    Problem::new(kind, words)
}

fn parse(bytes: &[u8]) -> Answer {
    serde_json::from_slice(bytes)
        .map_err(|_| Problem::new("internal", "`aws` printed something that is no JSON"))
}

/// Who a key logs in as; another account than the target's is refused.
fn identity(question: &Question, login: Option<&Login>) -> Result<Result<Value, Output>, Problem> {
    let output = aws(question, login, &["sts", "get-caller-identity"])?;
    if !output.status.success() {
        return Ok(Err(output));
    }
    let identity = parse(&output.stdout)?;
    let (found, wanted) =
        (identity["Account"].as_str().unwrap_or_default(), question.target("account")?);
    if found != wanted {
        let message = format!("the key is of account {found}, the target is {wanted}");
        return Err(Problem::new("invalid_input", message));
    }
    Ok(Ok(identity))
}

/// Says no when the login is not let in, or is of another account.
fn let_in(question: &Question) -> Result<Value, Problem> {
    identity(question, question.auth.as_ref())?.map_err(|output| problem(&output))
}

fn keys(question: &Question) -> Result<(Vec<Value>, Vec<u8>), Problem> {
    let user = question.target("user")?;
    let args = ["iam", "list-access-keys", "--user-name", user];
    let raw = done(question, question.auth.as_ref(), &args)?;
    let keys = parse(&raw)?["AccessKeyMetadata"].as_array().cloned().unwrap_or_default();
    Ok((keys, raw))
}

fn id_of(key: &Value) -> &str {
    key["AccessKeyId"].as_str().unwrap_or_default()
}

fn create(question: &Question) -> Answer {
    let_in(question)?;
    // a key cannot carry a request id, but a user has two keys at most: a second one is what an earlier try has made
    let (keys, _) = keys(question)?;
    let own = question.auth.as_ref().map_or("", |auth| &auth.id);
    if keys.len() >= 2 {
        let others: Vec<&str> = keys.iter().map(id_of).filter(|id| *id != own).collect();
        let named = others.join(" and ");
        let message =
            format!("the user has two keys, the most there can be: {named} beside its own");
        // whoever comes with another login has no key of this user, and both may be somebody's
        return Err(match others[..] {
            [other] => Problem::new("conflict", message).about(other),
            _ => Problem::new(
                "limit",
                format!("the user has two keys, the most there can be: {named}"),
            ),
        });
    }
    let args = ["iam", "create-access-key", "--user-name", question.target("user")?];
    let made = parse(&changed(question, &args)?).map_err(Problem::lost)?;
    let key = &made["AccessKey"];
    Ok(json!({ "credential": {
        "id": key["AccessKeyId"],
        "secret": { "id": key["AccessKeyId"], "secret": key["SecretAccessKey"] },
        "created_at": key["CreateDate"],
    } }))
}

fn verify(question: &Question) -> Answer {
    let output = match identity(question, Some(question.credential()?))? {
        Ok(identity) => {
            return Ok(json!({ "status": "valid", "identity": identity["Arn"], "detail": "" }));
        }
        Err(output) => output,
    };
    let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Ok(json!({ "status": if is_refusal(&words) { "invalid" } else { "unknown" }, "detail": words }))
}

/// Switches a key off; false when there is no such key.
fn switch_off(question: &Question) -> Result<bool, Problem> {
    let (user, id) = (question.target("user")?, question.credential_id()?);
    let args = [
        "iam",
        "update-access-key",
        "--user-name",
        user,
        "--access-key-id",
        id,
        "--status",
        "Inactive",
    ];
    match changed(question, &args) {
        Ok(_) => Ok(true),
        Err(problem) if problem.kind == "not_found" => Ok(false),
        Err(problem) => Err(problem),
    }
}

fn disable(question: &Question) -> Answer {
    let_in(question)?;
    if switch_off(question)? {
        Ok(json!({ "status": "disabled" }))
    } else {
        Err(Problem::new("not_found", "there is no such key"))
    }
}

fn revoke(question: &Question) -> Answer {
    let_in(question)?;
    let (user, id) = (question.target("user")?, question.credential_id()?);
    let mut status = "already_revoked";
    if switch_off(question)? {
        let args = ["iam", "delete-access-key", "--user-name", user, "--access-key-id", id];
        match changed(question, &args) {
            Ok(_) => status = "revoked",
            Err(problem) if problem.kind == "not_found" => {}
            // it is switched off by now
            Err(problem) => return Err(problem.lost()),
        }
    }
    let mut answer = json!({ "status": status });
    if question.target.get("end_sessions").is_none_or(|word| word != "no") {
        // the key is gone whatever becomes of this
        answer["sessions"] = match end_sessions(question, user) {
            Ok(()) => json!({}),
            Err(_) => {
                json!({ "surviving_until": "they end by themselves (iam:PutUserPolicy was refused)" })
            }
        };
    }
    Ok(answer)
}

/// Temporary credentials outlive the key that they were made with; this ends those that exist now.
fn end_sessions(question: &Question, user: &str) -> Result<(), Problem> {
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Deny",
            "Action": ["*"],
            "Resource": ["*"],
            "Condition": { "DateLessThan": { "aws:TokenIssueTime": Instant::now().rfc3339() } },
        }],
    });
    let policy = policy.to_string();
    let args = [
        "iam",
        "put-user-policy",
        "--user-name",
        user,
        "--policy-name",
        REVOKE_SESSIONS,
        "--policy-document",
        &policy,
    ];
    changed(question, &args).map(|_| ())
}

fn report(question: &Question) -> Answer {
    let identity = let_in(question)?;
    let (keys, raw) = keys(question)?;
    let items: Vec<Value> = keys
        .iter()
        .map(|key| {
            let active = key["Status"].as_str() == Some("Active");
            json!({
                "id": id_of(key),
                "status": if active { "active" } else { "inactive" },
                "created_at": key["CreateDate"],
            })
        })
        .collect();
    Ok(json!({
        "generated_at": Instant::now().rfc3339(),
        "clock_source": "this machine; the CLI does not show the platform's Date header",
        "account": identity["Account"],
        "caller": identity["Arn"],
        "complete": true,
        "items": items,
        "raw": [{
            "name": "list-access-keys.json",
            "media_type": "application/json",
            "base64": STANDARD.encode(raw),
        }],
    }))
}

fn mint(question: &Question) -> Answer {
    let_in(question)?;
    let role = question.target("role")?;
    // what a session may be called
    let plain = |c: char| if c.is_ascii_alphanumeric() || "_+=,.@-".contains(c) { c } else { '-' };
    let operator = question.operator.as_deref().unwrap_or_default();
    let operator: String = operator.chars().map(plain).take(64).collect();
    if operator.len() < 2 {
        return Err(Problem::new("invalid_input", "the operator's id has fewer than two signs"));
    }
    let seconds = question.ttl_s.unwrap_or(3600).clamp(900, 43_200).to_string();
    let args = [
        "sts",
        "assume-role",
        "--role-arn",
        role,
        "--role-session-name",
        &operator,
        "--duration-seconds",
        &seconds,
    ];
    let made = parse(&done(question, question.auth.as_ref(), &args)?)?;
    let key = &made["Credentials"];
    Ok(json!({
        "credential": {
            "id": key["AccessKeyId"],
            "secret": {
                "id": key["AccessKeyId"],
                "secret": key["SecretAccessKey"],
                "token": key["SessionToken"],
            },
        },
        "expires_at": key["Expiration"],
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::*;

    fn kind(words: &str) -> &'static str {
        let stderr = words.as_bytes().to_vec();
        problem(&Output { status: ExitStatus::from_raw(256), stdout: Vec::new(), stderr }).kind
    }

    #[test]
    fn what_aws_says_is_taken_for_what_it_means() {
        let said =
            |code: &str| format!("An error occurred ({code}) when calling the X operation: why");
        assert_eq!(kind(&said("InvalidClientTokenId")), "auth");
        assert_eq!(kind(&said("LimitExceeded")), "limit");
        assert_eq!(kind(&said("NoSuchEntity")), "not_found");
        assert_eq!(kind(&said("ServiceFailure")), "internal");
        assert_eq!(kind("Could not connect to the endpoint URL"), "retryable");
        // nobody knows whether the key was made
        assert_eq!(kind("Read timeout on endpoint URL"), LOST);
        let late = "An error occurred (SignatureDoesNotMatch) when calling the X operation: Signature expired: 2026";
        assert!(!is_refusal(late));
        assert!(is_refusal(&said("SignatureDoesNotMatch")));
    }
}
