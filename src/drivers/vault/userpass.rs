//! `vault-userpass`: the password of one `userpass` login of Vault or OpenBao. The login changes its own password.
//!
//! Target besides those of both drivers: `user`; may say `mount` (`userpass`). The credential is the password, as it is or
//! as the line `password`. Its policy needs `update` on `auth/MOUNT/users/USER/password`, and `update` and `sudo` on
//! `sys/leases/revoke-prefix/auth/MOUNT/login/USER` to end the tokens of older logins.
//!
//! The server locks a login after some refusals (five in 15 minutes, as it comes); a rotation makes two. While it is
//! locked the answer is `unknown`, never `invalid`.

use serde_json::{Value, json};

use super::super::{Answer, BuiltIn, LOST, Problem, Question, line_of};
use super::{asked, call, done, health, problem, words};
use crate::clock::Instant;
use crate::rotation::protocol::Verb;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

pub(in super::super) const DRIVER: BuiltIn = BuiltIn {
    name: "vault-userpass",
    needs: &["address", "user"],
    may: &["mount", "cli", "ca_cert", "namespace"],
    mint: &[],
    describe,
    answer,
};

fn describe(question: &Question) -> Value {
    json!({
        "protocol": [1],
        "name": DRIVER.name,
        "version": env!("CARGO_PKG_VERSION"),
        "mode": "replace",
        "secret_fields": ["password"],
        "generate": "32:a-zA-Z0-9",
        "verbs": ["describe", "set", "verify", "report"],
        "needs": [{ "tool": question.target.get("cli").map_or("bao", String::as_str) }],
    })
}

fn answer(verb: Verb, question: &Question) -> Answer {
    match verb {
        Verb::Set => set(question),
        Verb::Verify => verify(question),
        Verb::Report => report(question),
        _ => Err(Problem::new("unsupported", "")),
    }
}

fn mount(question: &Question) -> &str {
    question.target.get("mount").map_or("userpass", String::as_str)
}

/// A token, and whose it is.
struct Token {
    text: String,
    entity: String,
}

/// Logs in; the password goes to standard input. Says in the server's words why it was refused.
fn login(question: &Question, password: &str) -> Result<Result<Token, String>, Problem> {
    let path = format!("auth/{}/login/{}", mount(question), question.target("user")?);
    let output = call(question, None, &["write", &path, "password=-"], password.as_bytes())?;
    if !output.status.success() {
        return Ok(Err(words(&output)));
    }
    let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    match said["auth"]["client_token"].as_str() {
        Some(token) => Ok(Ok(Token {
            text: token.to_owned(),
            entity: said["auth"]["entity_id"].as_str().unwrap_or_default().to_owned(),
        })),
        // as with a second factor, which no paper has
        None => Ok(Err("the login gives no token: does it ask for a second factor?".to_owned())),
    }
}

/// Lets go of a token of ours.
fn let_go(question: &Question, token: &Token) {
    let _ = call(question, Some(&token.text), &["token", "revoke", "-self"], b"");
}

fn is_refusal(words: &str) -> bool {
    words.contains("invalid username or password")
}

fn verify(question: &Question) -> Answer {
    let password = line_of(Some(question.credential()?), "password")?;
    Ok(match login(question, password)? {
        Ok(token) => {
            let_go(question, &token);
            json!({ "status": "valid", "identity": token.entity, "detail": "" })
        }
        Err(words) if is_refusal(&words) => json!({ "status": "invalid", "detail": words }),
        Err(words) if words.contains("Code: 403") => {
            let detail =
                format!("{words} (perhaps locked after too many refusals: wait 15 minutes)");
            json!({ "status": "unknown", "detail": detail })
        }
        Err(words) => json!({ "status": "unknown", "detail": words }),
    })
}

/// Changes the password, and lets go of the login that changed it only when the new one was let in.
fn set(question: &Question) -> Answer {
    let (old, new) =
        (line_of(question.auth.as_ref(), "password")?, question.new_secret("password")?);
    let first = match login(question, old)? {
        Ok(token) => token,
        // asked again for what is done already
        Err(words) if is_refusal(&words) => match login(question, new)? {
            Ok(token) => return end_sessions(question, &token, &token),
            Err(_) => return Err(problem(&words)),
        },
        Err(words) => return Err(problem(&words)),
    };
    let changed = write(question, &first, new);
    match login(question, new)? {
        Ok(second) => end_sessions(question, &first, &second),
        Err(words) => {
            // the old one again, whether the change was refused or made what nobody can use
            let back = write(question, &first, old);
            match (login(question, old)?, changed) {
                (Ok(token), Err(refused)) => {
                    let_go(question, &token);
                    let_go(question, &first);
                    Err(if refused.kind == LOST {
                        Problem::new("internal", refused.message)
                    } else {
                        refused
                    })
                }
                (Ok(token), Ok(())) => {
                    let_go(question, &token);
                    let_go(question, &first);
                    Err(Problem::new(
                        "internal",
                        format!("the new password was refused, and the old one set back: {words}"),
                    ))
                }
                (Err(_), _) => {
                    let why = back.err().map(|problem| problem.message).unwrap_or_default();
                    Err(Problem::new(
                        LOST,
                        format!("neither the new nor the old password is let in: {words} {why}"),
                    ))
                }
            }
        }
    }
}

fn write(question: &Question, token: &Token, password: &str) -> Result<(), Problem> {
    let path = format!("auth/{}/users/{}/password", mount(question), question.target("user")?);
    let args = ["write", &path, "password=-"];
    done(question, Some(&token.text), &args, password.as_bytes()).map(|_| ())
}

/// A token outlives the password that it was made with: every one of this login is ended, ours with it.
fn end_sessions(question: &Question, first: &Token, second: &Token) -> Answer {
    let user = question.target("user")?;
    let prefix = format!("auth/{}/login/{user}", mount(question));
    let args = ["lease", "revoke", "-sync", "-prefix", &prefix];
    let ended = done(question, Some(&second.text), &args, b"");
    let lives = call(question, Some(&first.text), &["token", "lookup"], b"")?.status.success();
    let mut sessions = json!({});
    if lives || ended.is_err() {
        let_go(question, first);
        let_go(question, second);
        sessions["surviving_until"] =
            "their tokens end (the policy of this login does not let it revoke them)".into();
    }
    Ok(json!({ "credential": { "id": user }, "sessions": sessions }))
}

fn report(question: &Question) -> Answer {
    let user = question.target("user")?;
    let token = login(question, line_of(question.auth.as_ref(), "password")?)?
        .map_err(|words| problem(&words))?;
    let looked = asked(question, &token.text, &["token", "lookup"]);
    let health = health(question, &token.text);
    let_go(question, &token);
    let mut looked = looked?["data"].clone();
    if let Some(data) = looked.as_object_mut() {
        data.remove("id"); // the token itself
    }
    // not every policy lets one see the server's health
    let (time, clock) = match health.ok().and_then(|health| health["server_time_utc"].as_u64()) {
        Some(seconds) => (Instant::from_unix(seconds), "server_time_utc of the server"),
        None => {
            (Instant::now(), "this machine; the policy does not let this login read sys/health")
        }
    };
    Ok(json!({
        "generated_at": time.rfc3339(),
        "clock_source": clock,
        "account": question.target("address")?,
        "caller": looked["display_name"],
        "complete": true,
        "items": [{ "id": user, "status": "active" }],
        "raw": [{
            "name": "token-lookup.json",
            "media_type": "application/json",
            "base64": STANDARD.encode(looked.to_string()),
        }],
    }))
}
