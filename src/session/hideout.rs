//! Where tools keep what they know during a session: a private folder in memory, gone at its end.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::files::Lock;
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
    /// While it is held, nobody takes it for one that a crash left.
    _lock: Option<Lock>,
}

impl Hideout {
    /// Makes one, mode 0700; in memory where the system has such a place.
    pub fn make() -> io::Result<Self> {
        let name: [u8; 4] = rng::bytes(&mut rng::os());
        let name = format!("{PREFIX}{}-{}", std::process::id(), crate::logbook::hex(&name));
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for place in places() {
            let path = place.join(&name);
            let private = || {
                let mut folder = fs::DirBuilder::new();
                folder.mode(0o700);
                folder
            };
            match private().create(&path).and_then(|()| private().create(path.join("tmp"))) {
                Ok(()) => {
                    let lock = Lock::take(&path).map_err(io::Error::other)?;
                    return Ok(Self { in_memory: is_memory(&place), path, _lock: lock });
                }
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

/// Returns where such folders may be, the best place first.
fn places() -> Vec<PathBuf> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let memory = [runtime, Some("/dev/shm".into())].into_iter().flatten();
    memory.filter(|place| is_memory(place)).chain([std::env::temp_dir()]).collect()
}

/// Wipes the folders of sessions that died, wherever they are; returns how many there were.
pub fn sweep() -> usize {
    places().iter().map(|place| sweep_place(place)).sum()
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

fn sweep_place(place: &Path) -> usize {
    let own = rustix::process::getuid().as_raw();
    let mut count = 0;
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let is_one = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        let is_ours = is_one && entry.metadata().is_ok_and(|m| m.uid() == own && m.is_dir());
        // whoever lives holds it, in whatever namespace
        if is_ours && Lock::take(&entry.path()).is_ok_and(|lock| lock.is_some()) {
            wipe(&entry.path());
            count += 1;
        }
    }
    count
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

/// Writes zeros over a file, where no other name has it and no link leads to it.
pub(super) fn overwrite(path: &Path) -> io::Result<()> {
    let mut file = open_itself(path)?;
    if file.metadata()?.nlink() > 1 {
        return Ok(());
    }
    zero(&mut file)
}

/// Opens a file for writing that is no link.
pub(super) fn open_itself(path: &Path) -> io::Result<File> {
    #[allow(clippy::cast_possible_wrap, reason = "a flag, not a number")]
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32;
    OpenOptions::new().write(true).custom_flags(flags).open(path)
}

/// Writes zeros over all of an open file.
pub(super) fn zero(file: &mut File) -> io::Result<()> {
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
    fn what_a_dead_session_left_is_wiped_and_no_more() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        let (left, alive) = (path(&format!("{PREFIX}1-00")), path(&format!("{PREFIX}2-00")));
        let other = path("breakglass-0011");
        for folder in [&left, &alive, &other] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join("x"), "y").unwrap();
        }
        let _held = Lock::take(&alive).unwrap().unwrap();
        assert_eq!(sweep_place(place.path()), 1);
        assert!(!left.exists() && alive.exists() && other.join("x").exists());
    }

    #[test]
    fn another_name_of_a_file_and_what_a_link_leads_to_are_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::create_dir(path("in")).unwrap();
        fs::write(path("kept"), "kept").unwrap();
        fs::hard_link(path("kept"), path("in/hard")).unwrap();
        std::os::unix::fs::symlink(path("kept"), path("in/soft")).unwrap();
        assert!(overwrite(&path("in/soft")).is_err());
        wipe(&path("in"));
        assert_eq!(fs::read_to_string(path("kept")).unwrap(), "kept");
        assert!(!path("in").exists());
    }
}
