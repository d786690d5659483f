//! `linux-password`: the password of one account of this machine, or of a system under another root, by `chpasswd`.
//!
//! Target: `user`; may say `root`, the folder of the other system. Runs as root. The hash is computed here (SHA-512 crypt,
//! as glibc does) and goes to standard input; no program ever gets the password but PAM's own `unix_chkpwd`, on standard
//! input, where an older hash is of a kind that this program does not know.
//!
//! Sessions that are open outlive a password; they are named, not ended: one of them may be this one.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha_crypt::{PasswordHasher, PasswordVerifier, ShaCrypt};
use zeroize::Zeroizing;

use super::tool;
use super::{Answer, BuiltIn, LOST, Problem, Question, line_of};
use crate::clock::Instant;
use crate::rng;
use crate::rotation::protocol::Verb;

pub(super) const DRIVER: BuiltIn = BuiltIn {
    name: "linux-password",
    needs: &["user"],
    may: &["root"],
    mint: &[],
    describe,
    answer,
};

/// Most bytes of the file of the hashes.
const MAX_SHADOW: usize = 16 << 20;

fn describe(_: &Question) -> Value {
    json!({
        "protocol": [1],
        "name": DRIVER.name,
        "version": env!("CARGO_PKG_VERSION"),
        "mode": "replace",
        "secret_fields": ["password"],
        "generate": "32:a-zA-Z0-9",
        "verbs": ["describe", "set", "verify", "report"],
        "needs": [{ "tool": "chpasswd" }, { "tool": "passwd" }],
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

fn root(question: &Question) -> Option<&str> {
    question.target.get("root").map(String::as_str).filter(|root| *root != "/")
}

fn user(question: &Question) -> Result<&str, Problem> {
    let user = question.target("user")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if user.starts_with('-') || !user.chars().all(plain) {
        return Err(Problem::new("invalid_input", "`user` is no name of an account"));
    }
    Ok(user)
}

/// Returns the hash of the account.
fn hash(question: &Question) -> Result<Zeroizing<String>, Problem> {
    let path = PathBuf::from(root(question).unwrap_or("/")).join("etc/shadow");
    let text = crate::files::read(&path, MAX_SHADOW)
        .map_err(|e| Problem::new("auth", format!("{e}: this takes root")))?;
    let text = String::from_utf8_lossy(&text);
    let user = user(question)?;
    let mut fields = text.lines().map(|line| line.split(':'));
    let mut found = fields.find_map(|mut f| (f.next() == Some(user)).then_some(f));
    let hash = found.as_mut().and_then(Iterator::next);
    hash.map(|hash| Zeroizing::new(hash.to_owned())).ok_or_else(|| {
        Problem::new("invalid_input", format!("{} has no account {user}", path.display()))
    })
}

/// How a password is taken.
fn status(question: &Question, password: &str) -> Result<(&'static str, String), Problem> {
    let hash = hash(question)?;
    let of = |matches: bool| if matches { "valid" } else { "invalid" };
    if hash.starts_with(['!', '*']) {
        return Ok(("disabled", "the account is locked".to_owned()));
    }
    if hash.starts_with("$6$") || hash.starts_with("$5$") {
        let matches = ShaCrypt::SHA512.verify_password(password.as_bytes(), &**hash).is_ok();
        return Ok((of(matches), String::new()));
    }
    if root(question).is_some() {
        let kind = hash.split('$').nth(1).unwrap_or_default();
        return Ok((
            "unknown",
            format!("the hash is of a kind `{kind}` that this driver does not compute"),
        ));
    }
    let mut command = tool::clean("unix_chkpwd");
    command.args([user(question)?, "nonull"]);
    let input = Zeroizing::new([password.as_bytes(), &[0]].concat());
    let checked = tool::fed(&mut command, &input)?;
    Ok((of(checked.status.success()), "unix_chkpwd".to_owned()))
}

fn verify(question: &Question) -> Answer {
    let (status, detail) = status(question, line_of(Some(question.credential()?), "password")?)?;
    Ok(json!({ "status": status, "identity": user(question)?, "detail": detail }))
}

fn set(question: &Question) -> Answer {
    let (user, old) = (user(question)?, line_of(question.auth.as_ref(), "password")?);
    let new = question.new_secret("password")?;
    if status(question, new)?.0 != "valid" {
        if matches!(status(question, old)?.0, "invalid" | "disabled") {
            return Err(Problem::new(
                "auth",
                "the password on paper is not the one of this account",
            ));
        }
        let before = hash(question)?;
        let salt = rng::bytes::<12>(&mut rng::os());
        let hash = ShaCrypt::SHA512
            .hash_password_with_salt(new.as_bytes(), &salt)
            .map_err(|_| Problem::new("internal", "no hash was made"))?;
        write(question, user, hash.as_str())?;
        if status(question, new).map_err(Problem::lost)?.0 != "valid" {
            write(question, user, &before)
                .map_err(|problem| Problem::new(LOST, problem.message))?;
            return Err(Problem::new(
                "internal",
                "the new password is not let in; the old one was set back",
            ));
        }
    }
    Ok(json!({
        "credential": { "id": user },
        "sessions": { "surviving_until": "they are logged out (loginctl list-sessions)" },
    }))
}

fn write(question: &Question, user: &str, hash: &str) -> Result<(), Problem> {
    let mut command = tool::clean("chpasswd");
    command.arg("-e");
    if let Some(root) = root(question) {
        command.args(["-R", root]);
    }
    let output = tool::fed(&mut command, format!("{user}:{hash}\n").as_bytes())?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Problem::new("internal", words))
}

fn report(question: &Question) -> Answer {
    let user = user(question)?;
    let mut command = tool::clean("passwd");
    command.args(["-S", user]);
    if let Some(root) = root(question) {
        command.args(["-R", root]);
    }
    let output = tool::run(&mut command)?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let status = match said.split_whitespace().nth(1) {
        Some(word) if word.starts_with('P') => "active",
        Some(_) => "inactive",
        None => {
            let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(Problem::new("internal", words));
        }
    };
    let node = rustix::system::uname();
    Ok(json!({
        "generated_at": Instant::now().rfc3339(),
        "clock_source": "this machine",
        "account": format!("{}:{}", node.nodename().to_string_lossy(), root(question).unwrap_or("/")),
        "caller": "root",
        "complete": true,
        "items": [{ "id": user, "status": status }],
        "raw": [{ "name": "passwd-S.txt", "media_type": "text/plain", "base64": STANDARD.encode(&said) }],
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// `openssl passwd -6 -salt saltstring 'Hello world!'`, which is the first example of Drepper's specification.
    #[test]
    fn a_hash_is_that_of_the_standard() {
        let hash = "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1";
        assert!(ShaCrypt::SHA512.verify_password(b"Hello world!", hash).is_ok());
        assert!(ShaCrypt::SHA512.verify_password(b"hello world!", hash).is_err());
        let made = ShaCrypt::SHA512.hash_password_with_salt(b"x", &[9; 12]).unwrap();
        assert!(made.as_str().starts_with("$6$"));
        assert!(ShaCrypt::SHA512.verify_password(b"x", made.as_str()).is_ok());
    }
}
