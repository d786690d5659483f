//! Files: read with a limit, written whole or not at all, private.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

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

/// Writes a new file, mode 0600: it appears whole, on disk, or not at all. Never overwrites.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let failed = || FileError::io("write", path);
    if path.symlink_metadata().is_ok() {
        return Err(FileError::Exists(path.to_owned()));
    }
    let folder = parent(path);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = folder.join(format!(".{name}.{}.tmp", std::process::id()));
    let written = write_draft(&draft, bytes)
        // a hard link fails where the name is taken meanwhile, a rename would overwrite
        .and_then(|()| match fs::hard_link(&draft, path) {
            // some media (FAT) have no hard links
            Err(e)
                if matches!(
                    e.kind(),
                    io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied
                ) =>
            {
                fs::rename(&draft, path)
            }
            other => other,
        });
    let _ = fs::remove_file(&draft);
    written.and_then(|()| sync_folder(folder)).map_err(failed())
}

fn write_draft(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
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

/// Opens a file for reading and appending under an exclusive lock, made with mode 0600 when missing.
///
/// The lock is advisory and goes with the file handle.
pub fn open_locked(path: &Path) -> Result<File, FileError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let file = options.open(path).map_err(FileError::io("write", path))?;
    file.lock().map_err(FileError::io("lock", path))?;
    Ok(file)
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
