//! `ssh-key`: the key of one account, in its `authorized_keys`, by `ssh`. The account holds no other keys.
//!
//! Target: `host`, `user`, `host_key` (type and key, as `ssh-keyscan` prints them behind the name); may say `port`,
//! `authorized_keys` (`.ssh/authorized_keys`), `krl` (a list of revoked keys that the account may write, which sshd has to
//! be able to read: without it nobody is let in), `end_sessions = "no"`. The credential is the private key in OpenSSH's
//! own form, `layout = "raw"`; its public id is the fingerprint without `SHA256:`.
//!
//! The key is given to an agent of its own through standard input. What is done on the host is done by `sh` there.

mod authorized;
mod host;
mod keys;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{HashAlg, LineEnding, PrivateKey};
use zeroize::Zeroizing;

use self::authorized::{Keys, file, quoted, replace};
use self::host::{Agent, done, is_refusal, ssh, words};
use self::keys::{entry, id_of, key_of, public_of};
use super::{Answer, BuiltIn, Login, Problem, Question};
use crate::rng;
use crate::rotation::protocol::Verb;

pub(super) const DRIVER: BuiltIn = BuiltIn {
    name: "ssh-key",
    needs: &["host", "user", "host_key"],
    may: &["port", "authorized_keys", "krl", "end_sessions"],
    mint: &[],
    describe,
    answer,
};

/// Begins the comment of a key that this driver has put there; its request id follows.
const MARK: &str = "breakglass-";

fn describe(_: &Question) -> Value {
    json!({
        "protocol": [1],
        "name": DRIVER.name,
        "version": env!("CARGO_PKG_VERSION"),
        "mode": "overlap",
        "secret_fields": ["key"],
        "verbs": ["describe", "create", "verify", "revoke", "report"],
        "needs": [{ "tool": "ssh" }, { "tool": "ssh-agent" }, { "tool": "ssh-add" }],
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

/// The same account, and no other one.
fn caller(question: &Question) -> Result<String, Problem> {
    Ok(format!("{}@{}", question.target("user")?, question.target("host")?))
}

fn create(question: &Question) -> Answer {
    let keys = Keys::read(question, question.auth.as_ref())?;
    let comment = format!("{MARK}{}", question.request_id()?);
    if let Some(made) = keys.entries().find(|entry| entry.comment == comment) {
        return Err(Problem::new(
            "conflict",
            "this request has made a key, which is not shown again",
        )
        .about(&made.id));
    }
    // what the old key may do, the new one may: its options stand before its type
    let options = match &question.auth {
        None => String::new(),
        Some(login) => {
            let (own, _) = public_of(key_of(login)?)?;
            let Some(entry) = keys.entries().find(|entry| entry.blob == own) else {
                let message = format!("the key that logs in does not stand in {}", file(question));
                return Err(Problem::new("invalid_input", message));
            };
            let before = entry.line.split_once(entry.blob).map(|(before, _)| before.trim_end());
            let before = before.unwrap_or_default();
            before
                .rsplit_once(char::is_whitespace)
                .map(|(options, _)| format!("{options} "))
                .unwrap_or_default()
        }
    };
    let seed = Zeroizing::new(rng::bytes::<32>(&mut rng::os()));
    let pair = KeypairData::Ed25519(Ed25519Keypair::from_seed(&seed));
    let bad = |_| Problem::new("internal", "no key was made");
    let key = PrivateKey::new(pair, &*comment).map_err(bad)?;
    let secret = key.to_openssh(LineEnding::LF).map_err(bad)?;
    let line = key.public_key().to_openssh().map_err(bad)?;
    let text = format!("{}\n{options}{line}\n", keys.text.trim_end());
    replace(question, question.auth.as_ref(), &keys, text.trim_start())?;
    let id = key.fingerprint(HashAlg::Sha256).to_string();
    Ok(json!({ "credential": { "id": id_of(&id), "secret": { "key": &*secret } } }))
}

fn verify(question: &Question) -> Answer {
    let login = question.credential()?;
    // what is no key at all lets nobody in; of one that only `ssh-add` refuses, nobody can tell
    let key = key_of(login)?;
    if public_of(key).is_err()
        && let Err(problem) = Agent::with(key)
    {
        let status = if key.contains("PRIVATE KEY") { "unknown" } else { "invalid" };
        return Ok(json!({ "status": status, "detail": problem.message }));
    }
    let output = ssh(question, Some(login), "true\n")?;
    if output.status.success() {
        return Ok(json!({ "status": "valid", "identity": caller(question)?, "detail": "" }));
    }
    let words = words(&output);
    let refused = output.status.code() == Some(255) && is_refusal(&words);
    Ok(json!({ "status": if refused { "invalid" } else { "unknown" }, "detail": words }))
}

fn revoke(question: &Question) -> Answer {
    let (login, id) = (question.auth.as_ref(), id_of(question.credential_id()?));
    if let Some(login) = login
        && public_of(key_of(login)?)?.1 == id
    {
        return Err(Problem::new(
            "invalid_input",
            "that is the key which asks: it would lock itself out",
        ));
    }
    let keys = Keys::read(question, login)?;
    let was_there = keys.entries().any(|entry| entry.id == id);
    if was_there {
        let kept = keys.text.lines().filter(|line| entry(line).is_none_or(|entry| entry.id != id));
        let text: Vec<&str> = kept.collect();
        replace(question, login, &keys, &text.join("\n"))?;
    }
    if let Some(krl) = question.target.get("krl") {
        // the line is gone by now
        done(question, login, &list_as_revoked(krl, id)?).map_err(Problem::lost)?;
    }
    let mut answer = json!({ "status": if was_there { "revoked" } else { "already_revoked" } });
    answer["sessions"] = end_sessions(question, login).map_err(Problem::lost)?;
    Ok(answer)
}

/// A script that puts a fingerprint onto the list of revoked keys; twice does no harm.
fn list_as_revoked(krl: &str, id: &str) -> Result<String, Problem> {
    if !id.chars().all(|c| c.is_ascii_alphanumeric() || "+/".contains(c)) {
        return Err(Problem::new("invalid_input", "the credential_id is no fingerprint"));
    }
    Ok(format!(
        r#"set -eu
f=$(readlink -f {krl})
new=$(mktemp "$f.XXXXXX")
spec=$(mktemp "$f.XXXXXX")
trap 'rm -f "$new" "$spec"' EXIT
echo 'hash: SHA256:{id}' > "$spec"
if [ -s "$f" ]; then cp -p "$f" "$new"; ssh-keygen -q -k -u -f "$new" "$spec"; else ssh-keygen -q -k -f "$new" "$spec"; chmod 644 "$new"; fi
sync "$new" 2>/dev/null || sync
mv "$new" "$f"
"#,
        krl = quoted(krl)
    ))
}

/// A session outlives the key that opened it: every other one of the account is ended.
fn end_sessions(question: &Question, login: Option<&Login>) -> Result<Value, Problem> {
    if question.target.get("end_sessions").is_some_and(|word| word == "no") {
        return Ok(json!({ "surviving_until": "they are closed" }));
    }
    let script = r#"own=" "
a=$$
while [ "$a" -gt 1 ]; do own="$own$a "; a=$(ps -o ppid= -p "$a" | tr -d ' '); done
n=0
for p in $(pgrep -u "$(id -u)" -f "^sshd[a-z-]*: $(id -un)@"); do
    case $own in *" $p "*) continue ;; esac
    if kill -KILL "$p" 2>/dev/null; then n=$((n + 1)); fi
done
echo "$n"
"#;
    // the key is gone whatever becomes of this
    let said = ssh(question, login, script)?;
    let said = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    Ok(match said.parse::<u64>() {
        Ok(count) => json!({ "terminated": count }),
        Err(_) => json!({ "surviving_until": "they are closed (nobody could end them)" }),
    })
}

/// The host's time, and whether there is a second file of keys.
const REPORT: &str = r#"date -u +%Y-%m-%dT%H:%M:%SZ
if [ -s "$HOME/.ssh/authorized_keys2" ]; then echo two; else echo one; fi
"#;

fn report(question: &Question) -> Answer {
    let login = question.auth.as_ref();
    let keys = Keys::read(question, login)?;
    let said = done(question, login, REPORT)?;
    let said = String::from_utf8_lossy(&said);
    // whatever the account's own start files print comes before
    let mut last = said.lines().rev().map(str::trim);
    let (files, time) = (last.next().unwrap_or_default(), last.next().unwrap_or_default());
    // sshd reads a second file, unless it was told otherwise
    let complete = question.target.contains_key("authorized_keys") || files == "one";
    let items: Vec<Value> =
        keys.entries().map(|entry| json!({ "id": entry.id, "status": "active" })).collect();
    let caller = caller(question)?;
    Ok(json!({
        "generated_at": time,
        "clock_source": "date on the host",
        "account": caller,
        "caller": caller,
        "complete": complete,
        "items": items,
        "raw": [{
            "name": "authorized_keys",
            "media_type": "text/plain",
            "base64": STANDARD.encode(&keys.text),
        }],
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_id_is_no_command() {
        assert!(list_as_revoked("/etc/ssh/revoked", "abc+/").is_ok());
        assert!(list_as_revoked("/etc/ssh/revoked", "x'; rm -rf /").is_err());
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
