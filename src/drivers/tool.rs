//! A platform's own CLI: started without our environment, its words read.

use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;

#[cfg(target_os = "linux")]
use rustix::fs::{MemfdFlags, Mode, fchmod, memfd_create};

use super::{LOST, Problem};
use crate::logbook::hex;
use crate::rng;

/// Starts a CLI with nothing but the search path and the language.
pub(super) fn clean(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_clear().stdin(Stdio::null());
    for name in ["PATH", "LANG", "LC_ALL", "TZ"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

/// Runs it; a program that is not there is named.
pub(super) fn run(command: &mut Command) -> Result<Output, Problem> {
    command.output().map_err(|e| not_started(command, &e))
}

/// Starts it and does not wait.
pub(super) fn start(command: &mut Command) -> Result<Child, Problem> {
    command.spawn().map_err(|e| not_started(command, &e))
}

/// Runs it with something on its standard input.
pub(super) fn fed(command: &mut Command, input: &[u8]) -> Result<Output, Problem> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = start(command)?;
    let stdin = child.stdin.take();
    thread::scope(|scope| {
        scope.spawn(|| {
            // it need not read what it does not want
            let _ = stdin.map(|mut stdin| stdin.write_all(input));
        });
        child.wait_with_output().map_err(|e| {
            let name = command.get_program().to_string_lossy();
            Problem::new(LOST, format!("`{name}` was started, and its end was not seen: {e}"))
        })
    })
}

fn not_started(command: &Command, error: &io::Error) -> Problem {
    let name = command.get_program().to_string_lossy();
    let message = match error.kind() {
        io::ErrorKind::NotFound => format!("the program `{name}` is not installed here"),
        _ => format!("`{name}` did not start: {error}"),
    };
    Problem::new("internal", message)
}

/// A file in memory that a child of this process can read by its path, and nobody else.
pub(super) struct Private(OwnedFd);

impl Private {
    /// Makes one.
    pub(super) fn new(content: &[u8]) -> Result<Self, Problem> {
        let make = || -> io::Result<OwnedFd> {
            // inherited on purpose: this process starts nothing but the CLI
            #[cfg(target_os = "linux")]
            let fd = {
                let fd = memfd_create("breakglass", MemfdFlags::empty())?;
                // programs refuse a secret that others could read
                fchmod(&fd, Mode::RUSR | Mode::WUSR)?;
                fd
            };
            #[cfg(not(target_os = "linux"))]
            let fd: OwnedFd = return Err(io::ErrorKind::Unsupported.into());
            let mut file = std::fs::File::from(fd);
            file.write_all(content)?;
            Ok(file.into())
        };
        make().map(Self).map_err(|e| Problem::new("internal", format!("no file in memory: {e}")))
    }

    /// Returns its path, for a child.
    pub(super) fn path(&self) -> String {
        format!("/proc/self/fd/{}", self.0.as_raw_fd())
    }
}

/// A folder of one's own for a program, private, until it is dropped. What is secret in it lies in memory.
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Makes one.
    pub(super) fn new() -> Result<Self, Problem> {
        let name = format!("breakglass-{}", hex(&rng::bytes::<8>(&mut rng::os())));
        let path = std::env::temp_dir().join(name);
        crate::files::make_private_folder(&path)
            .map_err(|e| Problem::new("internal", e.to_string()))?;
        Ok(Self(path))
    }

    /// Returns a path in it.
    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Returns itself.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Puts a file in memory into it under a name.
    pub(super) fn hold(&self, name: &str, file: &Private) -> Result<(), Problem> {
        std::os::unix::fs::symlink(file.path(), self.join(name)).map_err(|e| {
            Problem::new("internal", format!("no link in `{}`: {e}", self.0.display()))
        })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
