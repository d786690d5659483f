//! A set: the manifest, the shares and the sealed credential of one dealing (`codes/format.md` §3, §4).

pub mod manifest;
pub mod share;
pub mod uses;

use sha2::{Digest, Sha256};

pub use manifest::{Manifest, ManifestError};
pub use share::{CodeBytes, SheetId, SheetShare, Token};
pub use uses::{STANDARD_USES, Uses};

/// SHA-256 of the parts, one after the other.
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// The first `N` bytes of [`sha256`].
pub fn short_hash<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&sha256(parts)[..N]);
    out
}

/// Bytes of every sealed part but the last; fits QR version 24 at level Q.
pub const PART_LEN: usize = 570;

/// Cuts a sealed credential into its parts.
pub fn parts(sealed: &[u8]) -> impl ExactSizeIterator<Item = &[u8]> {
    sealed.chunks(PART_LEN)
}

/// Returns how many parts a sealed credential of that many bytes has.
pub fn part_count(sealed_len: usize) -> usize {
    sealed_len.div_ceil(PART_LEN)
}
