//! Files: read with a limit, written whole or not at all, private.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::fault;

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system refuses.
    #[error("cannot {deed} `{}`: {source}", path.display())]
    Io {
        /// What was tried, "read", "write", …
        deed: &'static str,
        /// Which file.
        path: PathBuf,
        /// The system's word.
        source: io::Error,
    },
    /// More bytes than allowed.
    #[error("`{}` is larger than {limit} bytes", path.display())]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// The limit, bytes.
        limit: usize,
    },
    /// Something is there already; nothing is ever overwritten.
    #[error("`{}` exists already", .0.display())]
    Exists(PathBuf),
    /// Not UTF-8.
    #[error("`{}` is not UTF-8 text (byte {at})", path.display())]
    NotText {
        /// Which file.
        path: PathBuf,
        /// First byte that is not.
        at: usize,
    },
}

impl FileError {
    fn io(deed: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::AlreadyExists => Self::Exists(path),
            _ => Self::Io { deed, path, source },
        }
    }
}

/// Reads a file of at most `limit` bytes; the buffer is wiped when dropped and never grows past its first size.
pub fn read(path: &Path, limit: usize) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let file = File::open(path).map_err(FileError::io("read", path))?;
    read_from(file, path, limit)
}

/// Reads an open file, a pipe or standard input like [`read`]; `path` is for messages.
pub fn read_from(
    mut file: impl Read,
    path: &Path,
    limit: usize,
) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let mut bytes = Zeroizing::new(Vec::new());
    file.by_ref()
        .take(limit as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(FileError::io("read", path))?;
    if bytes.len() > limit {
        return Err(FileError::TooLarge { path: path.to_owned(), limit });
    }
    Ok(bytes)
}

/// Returns the SHA-256 of a file and how many bytes it has; it may be larger than memory.
pub fn sha256(path: &Path) -> Result<([u8; 32], u64), FileError> {
    refuse_odd(path)?;
    let mut file = File::open(path).map_err(FileError::io("read", path))?;
    let (mut hash, mut chunk, mut size) = (Sha256::new(), vec![0; 1 << 20], 0);
    loop {
        match file.read(&mut chunk).map_err(FileError::io("read", path))? {
            0 => return Ok((hash.finalize().into(), size)),
            read => {
                hash.update(&chunk[..read]);
                size += read as u64;
            }
        }
    }
}

/// Opens standard input without the buffer of the standard library, which would keep what it read.
pub fn stdin() -> Result<File, FileError> {
    rustix::stdio::stdin()
        .try_clone_to_owned()
        .map(File::from)
        .map_err(FileError::io("read", Path::new("-")))
}

/// Reads a UTF-8 file of at most `limit` bytes that holds nothing secret.
pub fn read_text(path: &Path, limit: usize) -> Result<String, FileError> {
    let bytes = read(path, limit)?;
    let text = std::str::from_utf8(&bytes);
    text.map(str::to_owned)
        .map_err(|e| FileError::NotText { path: path.to_owned(), at: e.valid_up_to() })
}

/// Writes a new file like [`write_new`], for one of many: the system brings it to disk in its own time.
pub fn write_new_soon(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = parent(path).join(format!(".{name}.tmp"));
    let written = options.open(&draft).and_then(|mut file| file.write_all(bytes));
    let written = written.and_then(|()| fs::rename(&draft, path));
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written.map_err(FileError::io("write", path))
}

/// Writes a new file, mode 0600: it appears whole, on disk, or not at all. Never overwrites.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let failed = || FileError::io("write", path);
    if path.symlink_metadata().is_ok() {
        return Err(FileError::Exists(path.to_owned()));
    }
    let folder = parent(path);
    if let Some(written) = write_nameless(folder, path, bytes) {
        fault::point("a new file has its name");
        return written.and_then(|()| sync_folder(folder)).map_err(failed());
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = folder.join(format!(".{name}.{}.tmp", std::process::id()));
    let written = write_draft(&draft, bytes).and_then(|()| publish(&draft, path));
    let _ = fs::remove_file(&draft);
    written.map_err(failed())
}

/// Writes a new file, mode 0600, piece by piece: it appears whole, on disk, or not at all. Never overwrites.
pub fn write_new_with<E: From<FileError>>(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<(), E>,
) -> Result<(), E> {
    if path.symlink_metadata().is_ok() {
        return Err(FileError::Exists(path.to_owned()).into());
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = parent(path).join(format!(".{name}.{}.tmp", std::process::id()));
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft);
    let file = made.map_err(FileError::io("write", &draft))?;
    let mut out = io::BufWriter::new(file);
    let written = write(&mut out).and_then(|()| {
        let file = out.into_inner().map_err(io::IntoInnerError::into_error);
        let synced = file.and_then(|file| file.sync_all()).and_then(|()| publish(&draft, path));
        synced.map_err(FileError::io("write", path)).map_err(E::from)
    });
    let _ = fs::remove_file(&draft);
    written
}

/// Gives a draft its name.
fn publish(draft: &Path, path: &Path) -> io::Result<()> {
    // a hard link fails where the name is taken meanwhile, a rename would overwrite
    match fs::hard_link(draft, path) {
        // some media (FAT) have no hard links
        Err(e)
            if matches!(e.kind(), io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied) =>
        {
            fs::rename(draft, path)
        }
        other => other,
    }
    .and_then(|()| sync_folder(parent(path)))
}

/// Writes a file that has no name until it is whole, so that a crash leaves nothing of it; `None` where the file system
/// has no such files.
#[cfg(target_os = "linux")]
fn write_nameless(folder: &Path, path: &Path, bytes: &[u8]) -> Option<io::Result<()>> {
    use std::os::fd::AsRawFd;

    use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, openat};

    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    let mut file = File::from(openat(CWD, folder, flags, Mode::RUSR | Mode::WUSR).ok()?);
    let own = format!("/proc/self/fd/{}", file.as_raw_fd());
    let written = write_all(&mut file, bytes);
    if written.is_err() {
        return Some(written);
    }
    match linkat(CWD, own, CWD, path, AtFlags::SYMLINK_FOLLOW) {
        Ok(()) => Some(Ok(())),
        Err(rustix::io::Errno::EXIST) => Some(Err(io::ErrorKind::AlreadyExists.into())),
        // no /proc, or no links
        Err(_) => None,
    }
}

#[cfg(not(target_os = "linux"))]
fn write_nameless(_: &Path, _: &Path, _: &[u8]) -> Option<io::Result<()>> {
    None
}

fn write_all(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    for piece in fault::pieces(bytes) {
        file.write_all(piece)?;
        fault::point("in the middle of a new file");
    }
    file.sync_all()
}

fn write_draft(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    write_all(&mut file, bytes)
}

/// Makes a folder that only its owner may enter, and its parents. An existing one is left as it is.
pub fn make_private_folder(path: &Path) -> Result<(), FileError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(FileError::io("make folder", path))
}

/// Returns the folder a file lies in.
pub fn parent(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Brings the names in a folder to disk.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Brings everything on the file system of a folder to disk, as far as the system does that.
pub fn sync_all_around(folder: &Path) {
    #[cfg(target_os = "linux")]
    if let Ok(handle) = File::open(folder) {
        let _ = rustix::fs::syncfs(handle);
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = sync_folder(folder);
    }
}

/// How long a locked file is waited for.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// Opens a file for reading and appending under an exclusive lock, made with mode 0600 when missing.
///
/// The lock is advisory and goes with the file handle.
pub fn open_locked(path: &Path) -> Result<File, FileError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    refuse_odd(path)?;
    let file = options.open(path).map_err(FileError::io("write", path))?;
    // whoever holds it writes one line; a suspended process must not hold up a release
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if started.elapsed() < LOCK_WAIT => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(TryLockError::WouldBlock) => {
                let source = io::Error::new(io::ErrorKind::WouldBlock, "another process holds it");
                return Err(FileError::Io { deed: "lock", path: path.to_owned(), source });
            }
            Err(TryLockError::Error(source)) => {
                return Err(FileError::Io { deed: "lock", path: path.to_owned(), source });
            }
        }
    }
}

/// A folder that only one run works on, until this is dropped.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "the lock goes with the handle")] File);

impl Lock {
    /// Takes it; `None` when somebody else has it.
    pub fn take(folder: &Path) -> Result<Option<Self>, FileError> {
        let handle = File::open(folder).map_err(FileError::io("open", folder))?;
        match handle.try_lock() {
            Err(TryLockError::WouldBlock) => Ok(None),
            // a file system without locks has none to lose
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Some(Self(handle))),
        }
    }
}

/// A pipe or a device in the place of a file would be waited for without end.
pub fn refuse_odd(path: &Path) -> Result<(), FileError> {
    match path.metadata() {
        Ok(found) if !found.is_file() => {
            let source = io::Error::other("it is not a regular file");
            Err(FileError::Io { deed: "open", path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn written_whole_private_and_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        write_new(&path, b"one").unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(write_new(&path, b"two"), Err(FileError::Exists(_))));
        assert_eq!(&**read(&path, 3).unwrap(), b"one");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        assert!(matches!(read(&path, 2), Err(FileError::TooLarge { limit: 2, .. })));
        let missing = dir.path().join("no/such");
        assert!(matches!(write_new(&missing, b""), Err(FileError::Io { deed: "write", .. })));
    }

    #[test]
    fn text_that_is_not_utf8_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        write_new(&path, b"ab\xff").unwrap();
        assert!(matches!(read_text(&path, 9), Err(FileError::NotText { at: 2, .. })));
    }
}
