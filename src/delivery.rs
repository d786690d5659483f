//! Where a released secret goes: a new private file, or a program's standard input. (The screen is `ui`'s.)

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use crate::clock::Instant;
use crate::credential;
use crate::files::{self, FileError};
use crate::interrupt;
use crate::method::Source;
use crate::secret::Secret;

/// Writes the credential to a new file, mode 0600, byte for byte.
pub fn to_file(path: &Path, credential: &Secret) -> Result<(), FileError> {
    files::write_new(path, credential.expose())
}

/// Why a program did not get the credential.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// It never started; the credential went nowhere.
    #[error("`{program}` did not start: {source}")]
    NotStarted {
        /// The program.
        program: String,
        /// The system's word.
        source: std::io::Error,
    },
    /// The credential is not laid out as the method says.
    #[error(transparent)]
    Layout(#[from] credential::CredentialError),
    /// The credential has no such field.
    #[error("the credential has no line `{field}` for the variable {name}")]
    Field {
        /// The variable.
        name: String,
        /// The field.
        field: String,
    },
    /// A zero byte does not go into an environment.
    #[error("what is meant for the variable {name} holds a zero byte; use `--output FILE`")]
    Zero {
        /// The variable.
        name: String,
    },
    /// It started, but cannot be waited for.
    #[error("`{program}` was started and cannot be waited for: {source}")]
    Lost {
        /// The program.
        program: String,
        /// The system's word.
        source: std::io::Error,
    },
}

/// Says whether there is such a program to start, so that this is known before anything is opened.
pub fn can_start(program: &str) -> bool {
    let executable = |path: &Path| {
        path.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        return executable(Path::new(program));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| executable(&folder.join(program)))
}

/// Runs a program with the credential in its environment where the method has a map, else on its standard input.
///
/// The program may end without reading it all; that is its business.
pub fn to_program(
    command: &[String],
    credential: &Secret,
    env: &BTreeMap<String, Source>,
    now: Instant,
) -> Result<ExitStatus, ExecError> {
    let (program, arguments) =
        command.split_first().map_or(("", &[][..]), |(p, a)| (p.as_str(), a));
    let not_started = |source| ExecError::NotStarted { program: program.to_owned(), source };
    let mut run = Command::new(program);
    run.args(arguments);
    if env.is_empty() {
        run.stdin(Stdio::piped());
    } else {
        variables(&mut run, credential, env, now)?;
    }
    // Ctrl-C is meant for the program: ours still has a last line to say
    let guard = interrupt::hold_back();
    let mut child = run.spawn().map_err(not_started)?;
    if let Some(mut stdin) = child.stdin.take() {
        let _ = stdin.write_all(credential.expose());
    }
    let status = child.wait();
    drop(guard);
    interrupt::forget();
    status.map_err(|source| ExecError::Lost { program: program.to_owned(), source })
}

/// Puts the parts of the credential into the environment of the program, never into our own. Returns one-time codes that were
/// made for it.
pub fn variables(
    run: &mut Command,
    credential: &Secret,
    env: &BTreeMap<String, Source>,
    now: Instant,
) -> Result<Vec<Secret>, ExecError> {
    let mut codes = Vec::new();
    let needs_lines =
        env.values().any(|source| matches!(source, Source::Field(_) | Source::Maybe(_)));
    let lines = if needs_lines { credential::fields(credential)? } else { Vec::new() };
    for (name, source) in env {
        let value: &[u8] = match source {
            Source::Text(text) => text.as_bytes(),
            Source::All => credential.expose().trim_ascii_end(),
            Source::Field(field) | Source::Maybe(field) => {
                let line = lines.iter().find(|line| line.name == *field);
                let Some(line) = line else {
                    if matches!(source, Source::Maybe(_)) {
                        // not what our own environment has
                        run.env_remove(name);
                        continue;
                    }
                    let (name, field) = (name.clone(), field.clone());
                    return Err(ExecError::Field { name, field });
                };
                if field == credential::TOTP {
                    // a program gets a code, never what makes codes
                    codes.push(credential::Totp::parse(&line.value)?.at(now).0);
                    codes.last().map_or(&[], Secret::expose)
                } else {
                    line.value.expose()
                }
            }
        };
        if value.contains(&0) {
            return Err(ExecError::Zero { name: name.clone() });
        }
        run.env(name, OsStr::from_bytes(value));
    }
    Ok(codes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn now() -> Instant {
        Instant::from_unix(59)
    }

    #[test]
    fn a_program_gets_every_byte_and_its_status_comes_back() {
        let secret = Secret::new(b"a\0b\n".to_vec());
        let command = |script: &str| vec!["sh".to_owned(), "-c".to_owned(), script.to_owned()];
        let no = BTreeMap::new();
        let status = to_program(
            &command("test \"$(od -An -tx1 | tr -d ' \\n')\" = 6100620a"),
            &secret,
            &no,
            now(),
        );
        assert!(status.unwrap().success());
        assert_eq!(to_program(&command("exit 7"), &secret, &no, now()).unwrap().code(), Some(7));
        let missing = to_program(&["no-such-program-here".to_owned()], &secret, &no, now());
        assert!(matches!(missing, Err(ExecError::NotStarted { .. })));
    }

    #[test]
    fn variables_hold_fields_and_nothing_stands_on_the_input() {
        // the key of RFC 6238, appendix B
        let lines = "user: root\npassword: a b\n\
                     totp: otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&digits=8\n";
        let secret = Secret::new(lines.as_bytes().to_vec());
        let map = |pairs: &[(&str, Source)]| -> BTreeMap<String, Source> {
            pairs.iter().map(|(name, source)| ((*name).to_owned(), source.clone())).collect()
        };
        let env = map(&[
            ("BG_USER", Source::Field("user".into())),
            ("BG_PASS", Source::Field("password".into())),
            ("BG_ZONE", Source::Text("eu".into())),
            ("BG_CODE", Source::Field("totp".into())),
            ("HOME", Source::Maybe("token".into())),
        ]);
        let script = "test \"$BG_USER/$BG_PASS/$BG_ZONE/$BG_CODE$HOME\" = 'root/a b/eu/94287082'";
        let command = ["sh", "-c", script].map(str::to_owned);
        assert!(to_program(&command, &secret, &env, now()).unwrap().success());
        let env = map(&[("BG_OTP", Source::Field("pin".into()))]);
        let missing = to_program(&command, &secret, &env, now());
        assert!(matches!(missing, Err(ExecError::Field { .. })));
    }
}
