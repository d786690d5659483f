//! An evidence file: gzip by its magic, hashed on the way, in constant memory.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};

use crate::files::{self, FileError};

/// Bytes read at once.
const BLOCK: usize = 256 * 1024;

/// A file being read.
pub struct Source {
    path: PathBuf,
    reader: BufReader<Inner>,
    seen: Rc<RefCell<Seen>>,
}

/// Reads the file itself and hashes it.
struct Hashing {
    file: File,
    seen: Rc<RefCell<Seen>>,
}

struct Seen {
    hash: Sha256,
    bytes: u64,
}

enum Inner {
    Plain(Hashing),
    Gzip(Box<MultiGzDecoder<BufReader<Hashing>>>),
}

impl Read for Hashing {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buf)?;
        let mut seen = self.seen.borrow_mut();
        seen.hash.update(&buf[..read]);
        seen.bytes += read as u64;
        Ok(read)
    }
}

impl Read for Inner {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.read(buf),
            Self::Gzip(gzip) => gzip.read(buf),
        }
    }
}

impl Source {
    /// Opens a file; what is no regular file is refused.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        files::refuse_odd(path)?;
        let failed = |source| FileError::Io { deed: "read", path: path.to_owned(), source };
        let mut magic = [0; 2];
        let mut file = File::open(path).map_err(failed)?;
        let gzip = file.read_exact(&mut magic).is_ok() && magic == [0x1f, 0x8b];
        let file = File::open(path).map_err(failed)?;
        let seen = Rc::new(RefCell::new(Seen { hash: Sha256::new(), bytes: 0 }));
        let hashing = Hashing { file, seen: Rc::clone(&seen) };
        let inner = if gzip {
            Inner::Gzip(Box::new(MultiGzDecoder::new(BufReader::with_capacity(BLOCK, hashing))))
        } else {
            Inner::Plain(hashing)
        };
        Ok(Self { path: path.to_owned(), reader: BufReader::with_capacity(BLOCK, inner), seen })
    }

    /// Returns the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads what is left of it, and returns its SHA-256 and its size.
    pub fn finish(mut self) -> io::Result<([u8; 32], u64)> {
        let rest = match self.reader.get_mut() {
            Inner::Plain(file) => file,
            Inner::Gzip(gzip) => gzip.get_mut().get_mut(),
        };
        io::copy(rest, &mut io::sink())?;
        let seen = self.seen.borrow();
        Ok((seen.hash.clone().finalize().into(), seen.bytes))
    }
}

impl Read for Source {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buf)
    }
}

impl BufRead for Source {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.reader.consume(amount);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;

    use super::*;
    use crate::set::sha256;

    #[test]
    fn gzip_is_known_by_its_magic_and_the_hash_is_that_of_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.json");
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"first ").unwrap();
        let mut packed = gzip.finish().unwrap();
        // several members, as loggers append them
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"second").unwrap();
        packed.extend(gzip.finish().unwrap());
        for (bytes, text) in [(packed, "first second"), (b"plain".to_vec(), "plain")] {
            std::fs::write(&path, &bytes).unwrap();
            let mut source = Source::open(&path).unwrap();
            let mut out = String::new();
            source.read_to_string(&mut out).unwrap();
            assert_eq!(out, text);
            assert_eq!(source.finish().unwrap(), (sha256(&[&bytes]), bytes.len() as u64));
            // read in part, hashed as a whole
            let mut source = Source::open(&path).unwrap();
            source.read_exact(&mut [0; 3]).unwrap();
            assert_eq!(source.finish().unwrap().0, sha256(&[&bytes]));
        }
    }
}
