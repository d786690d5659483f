//! `ssh-key`: the key of one account, in its `authorized_keys`, by `ssh`. The account holds no other keys.
//!
//! Target: `host`, `user`, `host_key` (type and key, as `ssh-keyscan` prints them behind the name); may say `port`,
//! `authorized_keys` (`.ssh/authorized_keys`), `krl` (a list of revoked keys that the account may write, which sshd has to
//! be able to read: without it nobody is let in), `end_sessions = "no"`. The credential is the private key in OpenSSH's
//! own form, `layout = "raw"`; its public id is the fingerprint without `SHA256:`.
//!
//! The key is given to an agent of its own through standard input. What is done on the host is done by `sh` there.

use std::path::PathBuf;
use std::process::{Child, Output, Stdio};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{HashAlg, LineEnding, PrivateKey};
use zeroize::Zeroizing;

use super::tool;
use super::{Answer, BuiltIn, LOST, Login, Problem, Question};
use crate::rng;
use crate::rotation::protocol::Verb;

pub(super) const DRIVER: BuiltIn = BuiltIn { name: "ssh-key", describe, answer };

/// Begins the comment of a key that this driver has put there; its request id follows.
const MARK: &str = "breakglass-";
/// What the script on the host prints when the file is no longer as it was read.
const MOVED: &str = "changed meanwhile";

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
fn ssh(question: &Question, login: Option<&Login>, script: &str) -> Result<Output, Problem> {
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
fn done(question: &Question, login: Option<&Login>, script: &str) -> Result<Vec<u8>, Problem> {
    let output = ssh(question, login, script)?;
    if output.status.success() { Ok(output.stdout) } else { Err(problem(&output)) }
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).trim().to_owned()
}

fn is_refusal(words: &str) -> bool {
    words.contains("Permission denied (")
}

fn problem(output: &Output) -> Problem {
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

fn key_of(login: &Login) -> Result<&str, Problem> {
    let key = login.secret.get("key");
    key.map(String::as_str).ok_or_else(|| Problem::new("invalid_input", "there is no `key`"))
}

/// Returns a fingerprint as a public id: a manifest has room for 48 signs.
fn id_of(fingerprint: &str) -> &str {
    fingerprint.strip_prefix("SHA256:").unwrap_or(fingerprint)
}

/// Returns the public half of a private key, base64, and its public id.
fn public_of(key: &str) -> Result<(String, String), Problem> {
    let bad = |_| {
        Problem::new(
            "invalid_input",
            "that is no private key in OpenSSH's form without a passphrase",
        )
    };
    let key = PrivateKey::from_openssh(key).map_err(bad)?;
    let blob = key.public_key().to_bytes().map_err(bad)?;
    Ok((STANDARD.encode(blob), id_of(&key.fingerprint(HashAlg::Sha256).to_string()).to_owned()))
}

/// The file of an account's keys, as it was read.
struct Keys {
    text: String,
    sha256: String,
}

/// One key of it.
struct Entry<'a> {
    line: &'a str,
    blob: &'a str,
    id: String,
    comment: &'a str,
}

impl Keys {
    fn read(question: &Question, login: Option<&Login>) -> Result<Self, Problem> {
        let file = file(question);
        let bytes =
            done(question, login, &format!("f={file}\nif [ -e \"$f\" ]; then cat \"$f\"; fi\n"))?;
        let sha256 = hex(&Sha256::digest(&bytes));
        let text = String::from_utf8(bytes)
            .map_err(|_| Problem::new("internal", "the file of the keys is no UTF-8"))?;
        Ok(Self { text, sha256 })
    }

    fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.text.lines().filter_map(entry)
    }
}

fn entry(line: &str) -> Option<Entry<'_>> {
    let line = line.trim();
    if line.starts_with('#') {
        return None;
    }
    // options may stand before it, and hold blanks and anything else
    let (blob, bytes) = line
        .split_whitespace()
        .filter(|word| word.starts_with("AAAA"))
        .find_map(|word| Some((word, STANDARD.decode(word).ok().filter(|b| is_key(b))?)))?;
    let id = STANDARD_NO_PAD.encode(Sha256::digest(bytes));
    let comment = line.split_once(blob).map(|(_, rest)| rest.trim()).unwrap_or_default();
    Some(Entry { line, blob, id, comment })
}

/// A public key begins with the length and the name of its kind (RFC 4253, section 6.6).
fn is_key(bytes: &[u8]) -> bool {
    let name = bytes
        .split_first_chunk()
        .and_then(|(len, rest)| rest.get(..usize::try_from(u32::from_be_bytes(*len)).ok()?));
    name.is_some_and(|name| name.len() > 5 && name.iter().all(u8::is_ascii_graphic))
}

/// The path on the host, for `sh`: relative to the home of the account.
fn file(question: &Question) -> String {
    let path =
        question.target.get("authorized_keys").map_or(".ssh/authorized_keys", String::as_str);
    quoted(path)
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Puts other keys in the place of those that were read; refused when somebody else has changed them meanwhile.
fn replace(
    question: &Question,
    login: Option<&Login>,
    keys: &Keys,
    text: &str,
) -> Result<(), Problem> {
    // whatever stands in the file, none of it is read by the shell
    let (file, was, text) = (file(question), &keys.sha256, STANDARD.encode(text.trim_end()));
    let script = format!(
        r#"set -eu
umask 077
f={file}
mkdir -p "$(dirname "$f")"
[ -e "$f" ] || : > "$f"
f=$(readlink -f "$f")
new=$(mktemp "$f.XXXXXX")
trap 'rm -f "$new"' EXIT
cp -p "$f" "$new"
{{ echo {text} | base64 -d; echo; }} > "$new"
if [ "$(sha256sum < "$f" | cut -c 1-64)" != {was} ]; then echo "the keys were {MOVED}" >&2; exit 9; fi
sync "$new" 2>/dev/null || sync
mv "$new" "$f"
"#
    );
    done(question, login, &script).map(|_| ())
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
    // what is no key at all lets nobody in
    if let Err(problem) = public_of(key_of(login)?) {
        return Ok(json!({ "status": "invalid", "detail": problem.message }));
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
        done(question, login, &list_as_revoked(krl, id)?)?;
    }
    let mut answer = json!({ "status": if was_there { "revoked" } else { "already_revoked" } });
    answer["sessions"] = end_sessions(question, login)?;
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

fn report(question: &Question) -> Answer {
    let login = question.auth.as_ref();
    let keys = Keys::read(question, login)?;
    let time = done(question, login, "date -u +%Y-%m-%dT%H:%M:%SZ\n")?;
    let time = String::from_utf8_lossy(&time).trim().to_owned();
    let items: Vec<Value> =
        keys.entries().map(|entry| json!({ "id": entry.id, "status": "active" })).collect();
    let caller = caller(question)?;
    Ok(json!({
        "generated_at": time,
        "clock_source": "date on the host",
        "account": caller,
        "caller": caller,
        "complete": true,
        "items": items,
        "raw": [{
            "name": "authorized_keys",
            "media_type": "text/plain",
            "base64": STANDARD.encode(&keys.text),
        }],
    }))
}

fn hex(bytes: &[u8]) -> String {
    crate::logbook::hex(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const BLOB: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIIrWv4Hc9oQdA5xdbGCPQlqFLxZkPRU5eMzs3oFDtQ2q";

    #[test]
    fn keys_are_found_behind_their_options() {
        let line =
            format!("from=\"10.0.0.0/8\",command=\"echo AAAA b\" ssh-ed25519 {BLOB} a comment");
        let entry = entry(&line).unwrap();
        assert_eq!((entry.blob, entry.comment), (BLOB, "a comment"));
        assert_eq!(entry.id.len(), 43);
        assert!(super::entry(&format!("# ssh-ed25519 {BLOB}")).is_none());
        assert!(super::entry("").is_none());
    }

    #[test]
    fn a_key_that_is_made_is_read_again() {
        let pair = KeypairData::Ed25519(Ed25519Keypair::from_seed(&[7; 32]));
        let key = PrivateKey::new(pair, "breakglass-1").unwrap();
        let text = key.to_openssh(LineEnding::LF).unwrap();
        let (blob, id) = public_of(&text).ok().unwrap();
        let line = key.public_key().to_openssh().unwrap();
        let entry = entry(&line).unwrap();
        assert_eq!((entry.blob, &entry.id), (&*blob, &id));
        assert!(public_of("-----BEGIN").is_err());
    }

    #[test]
    fn an_id_is_no_command() {
        assert!(list_as_revoked("/etc/ssh/revoked", "abc+/").is_ok());
        assert!(list_as_revoked("/etc/ssh/revoked", "x'; rm -rf /").is_err());
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
