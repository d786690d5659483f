//! `postgresql`: the password of one role, by `psql`. The role changes its own password; nothing else may.
//!
//! Target: `host`, `user`; may say `port`, `database`, `sslmode`, `sslrootcert`. The credential is the password, as it is
//! or as the line `password`. The server never sees a password in a statement: a SCRAM verifier is computed here
//! (RFC 5802, RFC 7677). `pg_hba.conf` has to ask for `scram-sha-256`, and `lc_messages` has to be English: what a
//! refused login means is known by its words only.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::tool::{self, Private};
use super::{Answer, BuiltIn, LOST, Problem, Question, line_of};
use crate::rng;
use crate::rotation::protocol::Verb;

pub(super) const DRIVER: BuiltIn = BuiltIn {
    name: "postgresql",
    needs: &["host", "user"],
    may: &["port", "database", "sslmode", "sslrootcert"],
    mint: &[],
    describe,
    answer,
};

/// Rounds of the verifier; the server's own default, and what every client accepts.
const ROUNDS: u32 = 4096;
/// Printed after a statement, so that one knows it is done.
const DONE: &str = "breakglass-done";
/// Who one is there.
const WHO: &str = "SELECT current_user;";
/// What sessions of this driver call themselves; one of them may still be closing when the others are counted.
const OWN: &str = "breakglass-driver";
/// Ends every other session of the role and counts those that were not this driver's, then those that are still there after
/// two seconds.
const END_SESSIONS: &str = "SELECT coalesce(sum(CASE WHEN pg_terminate_backend(pid) AND application_name <> 'breakglass-driver' THEN 1 ELSE 0 END), 0) FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid();
SELECT pg_sleep(2) WHERE EXISTS (SELECT FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid());
SELECT count(*) FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid();";
/// What there is to say of the role.
const REPORT: &str = "SELECT json_build_object(
 'time', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), 'server', current_setting('server_version'),
 'database', current_database(), 'address', inet_server_addr(), 'port', inet_server_port(), 'user', current_user,
 'role', (SELECT row_to_json(r) FROM (SELECT rolname, rolcanlogin, rolsuper, rolvaliduntil FROM pg_roles WHERE rolname = current_user) r),
 'sessions', (SELECT json_agg(s) FROM (SELECT pid, client_addr, backend_start FROM pg_stat_activity WHERE usename = current_user) s));";

fn describe(_: &Question) -> Value {
    json!({
        "protocol": [1],
        "name": DRIVER.name,
        "version": env!("CARGO_PKG_VERSION"),
        "mode": "replace",
        "secret_fields": ["password"],
        "generate": "32:a-zA-Z0-9",
        "verbs": ["describe", "set", "verify", "report"],
        "needs": [{ "tool": "psql" }],
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

/// Returns `psql`, logged in with a password that it reads from a file in memory.
fn psql(question: &Question, password: &[u8]) -> Result<(Command, Private), Problem> {
    let target = |name: &str| question.target.get(name).map(String::as_str);
    let host = question.target("host")?;
    let here = host.starts_with('/') || matches!(host, "localhost" | "127.0.0.1" | "::1");
    // whoever stands between could ask for the password itself
    let mode = target("sslmode").unwrap_or(if here { "prefer" } else { "verify-full" });
    let mut options = vec![
        ("host", host),
        ("port", target("port").unwrap_or("5432")),
        ("user", question.target("user")?),
        ("dbname", target("database").unwrap_or("postgres")),
        ("sslmode", mode),
        ("connect_timeout", "10"),
        ("application_name", "breakglass"),
    ];
    options.extend(target("sslrootcert").map(|file| ("sslrootcert", file)));
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('\'', "\\'");
    let options: Vec<String> =
        options.iter().map(|(name, value)| format!("{name}='{}'", quoted(value))).collect();
    let mut line = Zeroizing::new(b"*:*:*:*:".to_vec());
    for byte in password {
        match byte {
            b'\\' | b':' => line.extend([b'\\', *byte]),
            b'\n' | b'\r' | 0 => {
                return Err(Problem::new("invalid_input", "a password is one line"));
            }
            _ => line.push(*byte),
        }
    }
    line.push(b'\n');
    let file = Private::new(&line)?;
    let mut command = tool::clean("psql");
    command.env("PGPASSFILE", file.path()).env("HOME", "/nonexistent").env("PGAPPNAME", OWN);
    command.args([
        "-X",
        "-w",
        "-q",
        "-A",
        "-t",
        "-v",
        "ON_ERROR_STOP=1",
        "-v",
        "VERBOSITY=terse",
        "-d",
        &options.join(" "),
    ]);
    Ok((command, file))
}

/// Runs statements in a session of their own. Returns what they print, or what was said instead.
fn ask(
    question: &Question,
    password: &[u8],
    statements: &str,
) -> Result<Result<String, String>, Problem> {
    let (mut command, _file) = psql(question, password)?;
    let output = tool::fed(&mut command, statements.as_bytes())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    Ok(if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) })
}

/// How a password is taken, by the server's words.
fn status(words: &str) -> &'static str {
    let said = |part: &str| words.contains(part);
    match () {
        () if said("password authentication failed") => "invalid",
        () if said("is not permitted to log in") => "disabled",
        () if said("FATAL:") && said("role \"") && said("does not exist") => "invalid",
        () => "unknown",
    }
}

fn problem(words: String) -> Problem {
    let kind = match status(&words) {
        "unknown" if words.contains("connection to server") => "retryable",
        "unknown" => "internal",
        _ => "auth",
    };
    Problem::new(kind, words)
}

fn verify(question: &Question) -> Answer {
    let password = line_of(Some(question.credential()?), "password")?.as_bytes();
    Ok(match ask(question, password, WHO)? {
        Ok(who) => {
            refuse_a_server_that_asks_for_nothing(question)?;
            json!({ "status": "valid", "identity": who, "detail": "" })
        }
        Err(words) => json!({ "status": status(&words), "detail": words }),
    })
}

/// Where any password is let in, a right one says nothing and a new one changes nothing.
fn refuse_a_server_that_asks_for_nothing(question: &Question) -> Result<(), Problem> {
    let none = rng::bytes::<16>(&mut rng::os()).map(|b| b'a' + b % 26);
    if ask(question, &none, WHO)?.is_err() {
        return Ok(());
    }
    let message = "the server lets this role in with ANY password from here (`trust`, `peer` or `ident` in pg_hba.conf)";
    Err(Problem::new("invalid_input", message))
}

/// A session that stays open until it is dropped.
struct Session {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    _file: Private,
}

impl Session {
    fn open(question: &Question, password: &[u8]) -> Result<Self, Problem> {
        let (mut command, file) = psql(question, password)?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = tool::start(&mut command)?;
        let (Some(to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Problem::new("internal", "`psql` has no standard input"));
        };
        Ok(Self { child, to, from: BufReader::new(from), _file: file })
    }

    /// Runs statements; none when the session has ended before they were done.
    fn run(&mut self, statements: &str) -> Option<Vec<String>> {
        let text = format!("{statements}\n\\echo {DONE}\n");
        self.to.write_all(text.as_bytes()).ok()?;
        self.to.flush().ok()?;
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if self.from.read_line(&mut line).ok()? == 0 {
                return None;
            }
            match line.trim() {
                DONE => return Some(lines),
                "" => {}
                line => lines.push(line.to_owned()),
            }
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.to.write_all(b"\\q\n");
        let _ = self.to.flush();
        let _ = self.child.wait();
    }
}

/// Changes the password, and lets go of the session that changed it only when the new one was let in.
fn set(question: &Question) -> Answer {
    let old = line_of(question.auth.as_ref(), "password")?.as_bytes();
    let new = question.new_secret("password")?.as_bytes();
    if !new.is_ascii() || new.is_empty() {
        return Err(Problem::new("invalid_input", "the new password is not plain ASCII"));
    }
    let user = question.target("user")?;
    match ask(question, old, WHO)? {
        Ok(name) if name == user => {}
        Ok(name) => {
            let message = format!("the login is the role {name}, the target is {user}");
            return Err(Problem::new("invalid_input", message));
        }
        // asked again for what is done already
        Err(words) if status(&words) == "invalid" && ask(question, new, WHO)?.is_ok() => {
            let counts = Session::open(question, new)?.run(END_SESSIONS);
            return Ok(answered(user, counts.as_deref()));
        }
        Err(words) => return Err(problem(words)),
    }
    if !old.is_ascii() {
        let message = "the old password is not plain ASCII, so it could not be set back if anything went wrong";
        return Err(Problem::new("invalid_input", message));
    }
    refuse_a_server_that_asks_for_nothing(question)?;
    let mut session = Session::open(question, old)?;
    if session.run(WHO).is_none() {
        return Err(Problem::new("retryable", "the session ended before anything was changed"));
    }
    let changed = session.run(&alter(&verifier(new)));
    if ask(question, new, WHO)?.is_ok() {
        return Ok(answered(user, session.run(END_SESSIONS).as_deref()));
    }
    // the old one again, whether the change was refused or made what nobody can use
    if changed.is_some() && session.run(&alter(&verifier(old))).is_none() {
        return Err(Problem::new(
            LOST,
            "the new password is refused, and the old one could not be set back",
        ));
    }
    if ask(question, old, WHO)?.is_ok() {
        let message = "the role may not take this password (its rules say no, or it is refused at once); the old one is in force";
        return Err(Problem::new("internal", message));
    }
    Err(Problem::new(LOST, "neither the new nor the old password is let in"))
}

fn alter(verifier: &str) -> String {
    format!("ALTER ROLE CURRENT_USER PASSWORD '{verifier}';")
}

/// What `set` answers, with the two counts of [`END_SESSIONS`].
fn answered(user: &str, counts: Option<&[String]>) -> Value {
    let count = |n: usize| counts?.get(n)?.parse::<u64>().ok();
    let mut sessions = json!({ "terminated": count(0).unwrap_or(0) });
    match count(1) {
        Some(0) => {}
        Some(left) => {
            sessions["surviving_until"] =
                format!("they close ({left} sessions did not end)").into();
        }
        _ => {
            sessions["surviving_until"] =
                "they close (the server did not say that they ended)".into();
        }
    }
    json!({ "credential": { "id": user }, "sessions": sessions })
}

/// Returns what the server keeps of a password (RFC 5803, as PostgreSQL writes it), with a salt of its own.
fn verifier(password: &[u8]) -> String {
    verifier_with(password, &rng::bytes::<16>(&mut rng::os()))
}

fn verifier_with(password: &[u8], salt: &[u8]) -> String {
    let mut salted = Zeroizing::new([0; 32]);
    pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, ROUNDS, &mut *salted);
    let keyed = |text: &[u8]| {
        // a key of any length is one
        let mut mac =
            <Hmac<Sha256> as Mac>::new_from_slice(&*salted).unwrap_or_else(|_| unreachable!());
        mac.update(text);
        Zeroizing::new(<[u8; 32]>::from(mac.finalize().into_bytes()))
    };
    let stored = Sha256::digest(*keyed(b"Client Key"));
    let server = keyed(b"Server Key");
    let (salt, stored, server) =
        (STANDARD.encode(salt), STANDARD.encode(stored), STANDARD.encode(*server));
    format!("SCRAM-SHA-256${ROUNDS}:{salt}${stored}:{server}")
}

fn report(question: &Question) -> Answer {
    let raw = ask(question, line_of(question.auth.as_ref(), "password")?.as_bytes(), REPORT)?
        .map_err(problem)?;
    let said: Value = serde_json::from_str(&raw)
        .map_err(|_| Problem::new("internal", "`psql` printed something that is no JSON"))?;
    let active = said["role"]["rolcanlogin"].as_bool().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let host = question.target("host")?;
    Ok(json!({
        "generated_at": said["time"],
        "clock_source": "now() of the server",
        "account": format!("{host}:{}/{}", said["port"], text(&said["database"])),
        "caller": said["user"],
        "complete": true,
        "items": [{ "id": said["user"], "status": if active { "active" } else { "inactive" } }],
        "raw": [{
            "name": "role.json",
            "media_type": "application/json",
            "base64": STANDARD.encode(&raw),
        }],
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// RFC 7677, section 3: the keys follow from its password, salt and rounds.
    #[test]
    fn a_verifier_is_that_of_the_standard() {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let is = verifier_with(b"pencil", &salt);
        let should = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
        assert_eq!(is, should);
    }

    #[test]
    fn what_the_server_says_is_taken_for_what_it_means() {
        let refused = "psql: error: connection to server at \"db\" failed: FATAL:  password authentication failed for user \"bg\"";
        assert_eq!(status(refused), "invalid");
        assert_eq!(status("FATAL:  role \"bg\" is not permitted to log in"), "disabled");
        assert_eq!(status("FATAL:  database \"x\" does not exist"), "unknown");
        assert_eq!(status("connection to server at \"db\" failed: Connection refused"), "unknown");
        assert_eq!(problem("connection to server failed: timeout".into()).kind, "retryable");
    }
}
