//! Where a released secret goes: a new private file, or a program's standard input. (The screen is `ui`'s.)

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use crate::files::{self, FileError};
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

/// Runs a program with the credential on its standard input and returns its status.
///
/// The program may end without reading it all; that is its business.
pub fn to_program(command: &[String], credential: &Secret) -> Result<ExitStatus, ExecError> {
    let (program, arguments) =
        command.split_first().map_or(("", &[][..]), |(p, a)| (p.as_str(), a));
    let not_started = |source| ExecError::NotStarted { program: program.to_owned(), source };
    let mut child =
        Command::new(program).args(arguments).stdin(Stdio::piped()).spawn().map_err(not_started)?;
    if let Some(mut stdin) = child.stdin.take() {
        let _ = stdin.write_all(credential.expose());
    }
    child.wait().map_err(|source| ExecError::Lost { program: program.to_owned(), source })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_program_gets_every_byte_and_its_status_comes_back() {
        let secret = Secret::new(b"a\0b\n".to_vec());
        let command = |script: &str| vec!["sh".to_owned(), "-c".to_owned(), script.to_owned()];
        let status =
            to_program(&command("test \"$(od -An -tx1 | tr -d ' \\n')\" = 6100620a"), &secret);
        assert!(status.unwrap().success());
        assert_eq!(to_program(&command("exit 7"), &secret).unwrap().code(), Some(7));
        let missing = to_program(&["no-such-program-here".to_owned()], &secret);
        assert!(matches!(missing, Err(ExecError::NotStarted { .. })));
    }
}
