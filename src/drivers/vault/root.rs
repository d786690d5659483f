//! `vault-root-token`: a root token of Vault or OpenBao. A token makes the next one and ends the last.
//!
//! Target: that of both drivers; may say `lockout = "accepted"`. The credential is the token, as it is or as the line
//! `token`; its public id is the accessor. The next token is an orphan: a child would die with its parent.
//!
//! The trap: OpenBao from 2.5.3 on makes no root token from unseal keys unless somebody is logged in already. Whoever
//! loses the papers of the only root token there is locked out for good. Such a server is refused until `lockout` says
//! that this is known, and there is another way in.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::{Answer, BuiltIn, LOST, Problem, Question, line_of};
use super::{asked, call, done, health, words};
use crate::clock;
use crate::rotation::protocol::Verb;

pub(in super::super) const DRIVER: BuiltIn = BuiltIn {
    name: "vault-root-token",
    needs: &["address"],
    may: &["cli", "ca_cert", "namespace", "lockout"],
    mint: &[],
    describe,
    answer,
};

/// How long tokens are looked at one by one; where that is not enough, nobody says that the list is complete.
const LONGEST: Duration = Duration::from_secs(35);
/// In the metadata of a token: which request has made it.
const REQUEST: &str = "breakglass_request";

fn describe(question: &Question) -> Value {
    json!({
        "protocol": [1],
        "name": DRIVER.name,
        "version": env!("CARGO_PKG_VERSION"),
        "mode": "overlap",
        "secret_fields": ["token"],
        "verbs": ["describe", "create", "verify", "revoke", "report"],
        "needs": [{ "tool": question.target.get("cli").map_or("bao", String::as_str) }],
    })
}

fn answer(verb: Verb, question: &Question) -> Answer {
    match verb {
        Verb::Create => create(question),
        Verb::Verify => verify(question),
        Verb::Revoke => revoke(question),
        Verb::Report => report(question),
        _ => Err(Problem::new("unsupported", "")),
    }
}

fn is_root(token: &Value) -> bool {
    let of = |name: &str| token[name].as_array().is_some_and(|all| all.iter().any(|p| p == "root"));
    of("policies") || of("token_policies")
}

/// What the server says of the token that asks; one that is no root token is refused.
fn own(question: &Question, token: &str) -> Result<Value, Problem> {
    let said = asked(question, token, &["token", "lookup"])?["data"].clone();
    if is_root(&said) {
        Ok(said)
    } else {
        Err(Problem::new("invalid_input", "the token is no root token"))
    }
}

/// Every root token that there is, without the tokens themselves; and whether that is all.
fn roots(question: &Question, token: &str) -> Result<(Vec<Value>, bool), Problem> {
    let accessors = asked(question, token, &["list", "auth/token/accessors"])?;
    let accessors: Vec<&str> =
        accessors.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let (mut roots, until) = (Vec::new(), Instant::now() + LONGEST);
    for accessor in accessors {
        if Instant::now() >= until {
            return Ok((roots, false));
        }
        // one that ended meanwhile is none
        if let Some(said) = looked_up(question, token, accessor)?.filter(is_root) {
            roots.push(said);
        }
    }
    Ok((roots, true))
}

fn looked_up(question: &Question, token: &str, accessor: &str) -> Result<Option<Value>, Problem> {
    match asked(question, token, &["token", "lookup", "-accessor", accessor]) {
        Ok(mut said) => {
            let mut data = said["data"].take();
            if let Some(data) = data.as_object_mut() {
                data.remove("id");
            }
            Ok(Some(data))
        }
        Err(problem) if matches!(problem.kind, "not_found" | "auth") => Ok(None),
        Err(problem) => Err(problem),
    }
}

fn create(question: &Question) -> Answer {
    let token = line_of(question.auth.as_ref(), "token")?;
    own(question, token)?;
    let request = question.request_id()?;
    let known = question.target.get("lockout").is_some_and(|word| word == "accepted");
    if !known
        && !call(question, None, &["operator", "generate-root", "-status"], b"")?.status.success()
    {
        let message = "this server makes no root token from unseal keys unless somebody is logged in already: whoever loses these papers is locked out for good. Have another way in (a second administrator's login on paper), then say lockout = \"accepted\" under [rotation.target]";
        return Err(Problem::new("invalid_input", message));
    }
    let (made, _) = roots(question, token)?;
    if let Some(made) = made.iter().find(|root| root["meta"][REQUEST] == request) {
        let accessor = made["accessor"].as_str().unwrap_or_default();
        return Err(Problem::new(
            "conflict",
            "this request has made a token, which is not shown again",
        )
        .about(accessor));
    }
    let metadata = format!("-metadata={REQUEST}={request}");
    let args =
        ["token", "create", "-orphan", "-policy=root", "-display-name=breakglass", &metadata];
    let made = done(question, Some(token), &args, b"")?;
    let bad = |_| Problem::new(LOST, "the CLI printed something that is no JSON");
    let made: Value = serde_json::from_slice(&made).map_err(bad)?;
    let auth = &made["auth"];
    Ok(json!({ "credential": {
        "id": auth["accessor"],
        "secret": { "token": auth["client_token"] },
    } }))
}

fn verify(question: &Question) -> Answer {
    let token = line_of(Some(question.credential()?), "token")?;
    let output = call(question, Some(token), &["token", "lookup"], b"")?;
    if output.status.success() {
        let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let status = if is_root(&said["data"]) { "valid" } else { "unknown" };
        return Ok(json!({ "status": status, "identity": said["data"]["accessor"], "detail": "" }));
    }
    // every token may look itself up (policy `default`), and a root token whatever the policies are
    let words = words(&output);
    let status = if words.contains("Code: 403") { "invalid" } else { "unknown" };
    Ok(json!({ "status": status, "detail": words }))
}

fn revoke(question: &Question) -> Answer {
    let (token, id) = (line_of(question.auth.as_ref(), "token")?, question.credential_id()?);
    if own(question, token)?["accessor"] == id {
        return Err(Problem::new(
            "invalid_input",
            "that is the token which asks: it would lock itself out",
        ));
    }
    let status = if looked_up(question, token, id)?.is_some() {
        done(question, Some(token), &["token", "revoke", "-accessor", id], b"")?;
        "revoked"
    } else {
        "already_revoked"
    };
    // tokens that it made end with it, but for orphans
    Ok(json!({ "status": status, "sessions": {} }))
}

fn report(question: &Question) -> Answer {
    let token = line_of(question.auth.as_ref(), "token")?;
    let own = own(question, token)?;
    let (roots, complete) = roots(question, token)?;
    let health = health(question, token)?;
    let at = |value: &Value| {
        value.as_u64().map(|s| clock::Instant::from_unix(s).rfc3339()).unwrap_or_default()
    };
    let items: Vec<Value> = roots
        .iter()
        .map(|root| {
            json!({
                "id": root["accessor"],
                "status": "active",
                "created_at": at(&root["creation_time"]),
            })
        })
        .collect();
    Ok(json!({
        "generated_at": at(&health["server_time_utc"]),
        "clock_source": "server_time_utc of the server",
        "account": question.target("address")?,
        "caller": own["accessor"],
        "complete": complete,
        "items": items,
        "raw": [{
            "name": "root-tokens.json",
            "media_type": "application/json",
            "base64": STANDARD.encode(Value::from(roots).to_string()),
        }],
    }))
}
