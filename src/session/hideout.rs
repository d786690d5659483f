//! Where tools keep what they know during a session: a private folder in memory, gone at its end.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::rng;

/// How such folders are called: this, the process, a random part.
const PREFIX: &str = "breakglass-session-";

/// Variables of tools, and the file or folder that each names.
const VARIABLES: [(&str, &str); 18] = [
    ("AWS_SHARED_CREDENTIALS_FILE", "aws-credentials"),
    ("AZURE_CONFIG_DIR", "azure"),
    ("CLOUDSDK_CONFIG", "gcloud"),
    ("DOCKER_CONFIG", "docker"),
    ("GH_CONFIG_DIR", "gh"),
    ("HISTFILE", "history"),
    ("KUBECONFIG", "kubeconfig"),
    ("LESSHISTFILE", "lesshst"),
    ("MYSQL_HISTFILE", "mysql_history"),
    ("NODE_REPL_HISTORY", "node_history"),
    ("NPM_CONFIG_USERCONFIG", "npmrc"),
    ("PGPASSFILE", "pgpass"),
    ("PSQL_HISTORY", "psql_history"),
    ("PYTHON_HISTORY", "python_history"),
    ("REDISCLI_HISTFILE", "rediscli_history"),
    ("SQLITE_HISTORY", "sqlite_history"),
    ("TF_CLI_CONFIG_FILE", "terraformrc"),
    ("TMPDIR", "tmp"),
];

/// The folder; wiped and removed when dropped.
#[derive(Debug)]
pub struct Hideout {
    path: PathBuf,
    in_memory: bool,
}

impl Hideout {
    /// Makes one, mode 0700; in memory where the system has such a place. Wipes those of processes that died.
    pub fn make() -> io::Result<Self> {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let places = [runtime, Some("/dev/shm".into())].into_iter().flatten();
        let memory = places.filter(|place| is_memory(place));
        let disk = std::iter::once((std::env::temp_dir(), false));
        let name: [u8; 4] = rng::bytes(&mut rng::os());
        let name = format!("{PREFIX}{}-{}", std::process::id(), crate::logbook::hex(&name));
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for (place, in_memory) in memory.map(|place| (place, true)).chain(disk) {
            wipe_those_left_in(&place);
            let path = place.join(&name);
            let made = fs::DirBuilder::new().mode(0o700).create(&path);
            match made.and_then(|()| fs::DirBuilder::new().mode(0o700).create(path.join("tmp"))) {
                Ok(()) => return Ok(Self { path, in_memory }),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Says whether it is in memory only, so that no disk ever holds what is in it.
    pub fn is_in_memory(&self) -> bool {
        self.in_memory
    }

    /// Returns the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns what tells tools to keep things here. What a tool has to read from its usual place stays readable.
    pub fn variables(&self) -> Vec<(&'static str, OsString)> {
        let variable = |(name, file): (&'static str, &str)| {
            let mut value = self.path.join(file).into_os_string();
            // the clusters stay known; what is new goes into the first file
            if name == "KUBECONFIG"
                && let Some(usual) = usual_kubeconfig()
            {
                value.push(":");
                value.push(usual);
            }
            (name, value)
        };
        VARIABLES.into_iter().map(variable).collect()
    }
}

impl Drop for Hideout {
    fn drop(&mut self) {
        wipe(&self.path);
    }
}

fn usual_kubeconfig() -> Option<OsString> {
    if let Some(set) = std::env::var_os("KUBECONFIG").filter(|set| !set.is_empty()) {
        return Some(set);
    }
    let home = std::env::var_os("HOME")?;
    let file = Path::new(&home).join(".kube/config");
    file.is_file().then(|| file.into_os_string())
}

#[cfg(target_os = "linux")]
fn is_memory(path: &Path) -> bool {
    /// `TMPFS_MAGIC` of statfs(2).
    const TMPFS: u64 = 0x0102_1994;
    let found = rustix::fs::statfs(path);
    found.is_ok_and(|found| u64::try_from(found.f_type).is_ok_and(|kind| kind == TMPFS))
}

#[cfg(not(target_os = "linux"))]
fn is_memory(_: &Path) -> bool {
    false
}

/// Wipes the folders of sessions whose process is no more: a crash, a kill.
fn wipe_those_left_in(place: &Path) {
    let own = rustix::process::getuid().as_raw();
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split('-').next());
        let Some(process) = process.and_then(|text| text.parse().ok()) else { continue };
        let is_ours = entry.metadata().is_ok_and(|m| m.uid() == own && m.is_dir());
        let is_dead = rustix::process::Pid::from_raw(process)
            .is_some_and(|pid| rustix::process::test_kill_process(pid).is_err());
        if is_ours && is_dead {
            wipe(&entry.path());
        }
    }
}

/// Overwrites and removes everything below a folder, and the folder; links are removed, not followed.
fn wipe(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => wipe(&path),
            Ok(kind) if kind.is_file() => {
                let _ = overwrite(&path);
                let _ = fs::remove_file(&path);
            }
            _ => {
                let _ = fs::remove_file(&path);
            }
        }
    }
    let _ = fs::remove_dir(folder);
}

/// Writes zeros over a file.
pub(super) fn overwrite(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    let mut left = file.metadata()?.len();
    let zeros = [0; 4096];
    while left > 0 {
        let now = left.min(zeros.len() as u64);
        file.write_all(&zeros[..usize::try_from(now).unwrap_or(zeros.len())])?;
        left -= now;
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn it_is_private_and_goes_with_everything_in_it() {
        let hideout = Hideout::make().unwrap();
        let path = hideout.path().to_owned();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        let named = |name: &str| {
            let all = hideout.variables();
            PathBuf::from(&all.iter().find(|(known, _)| *known == name).unwrap().1)
        };
        fs::write(named("AWS_SHARED_CREDENTIALS_FILE"), "secret").unwrap();
        fs::create_dir_all(named("TMPDIR").join("a/b")).unwrap();
        fs::write(named("TMPDIR").join("a/b/c"), vec![1; 10_000]).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", named("TMPDIR").join("link")).unwrap();
        drop(hideout);
        assert!(!path.exists() && Path::new("/etc").exists());
    }

    #[test]
    fn what_a_dead_process_left_is_wiped_and_no_more() {
        let place = tempfile::tempdir().unwrap();
        // no process has this number: they end at 2²²
        let left = place.path().join(format!("{PREFIX}{}-00", i32::MAX));
        let alive = place.path().join(format!("{PREFIX}{}-00", std::process::id()));
        let other = place.path().join("breakglass-0011");
        for folder in [&left, &alive, &other] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join("x"), "y").unwrap();
        }
        wipe_those_left_in(place.path());
        assert!(!left.exists() && alive.exists() && other.join("x").exists());
    }
}
