//! The credential sealed with age to the set's one-time identity (`codes/format.md` §3).
//!
//! The identity's recipient (`age1…`) is made here, used here and shown nowhere: as long as nobody knows it, the
//! sealed credential stays closed even to a quantum computer.

mod error;
pub mod lock;
pub mod plugin;
pub mod recipients;

use std::io::{Read, Write};

use bech32::{Bech32, Hrp};
use zeroize::Zeroizing;

use crate::rng::{self, CryptoRng};
use crate::secret::Secret;
use crate::sharing::{Bytes32, IDENTITY_LEN};

/// Most bytes of a credential.
pub const MAX_CREDENTIAL: usize = 16 * 1024;

/// Most bytes of a sealed credential that readers accept.
pub const MAX_SEALED: usize = MAX_CREDENTIAL + 1024;

/// age adds a random line to every header; the smallest of so many tries is printed.
const TRIES: usize = 16;

/// Why a credential cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealingError {
    /// There is nothing to seal.
    #[error("the credential is empty")]
    Empty,
    /// More than [`MAX_CREDENTIAL`] bytes.
    #[error("the credential has {0} bytes, at most 16384 fit on paper")]
    TooLong(usize),
    /// age could not seal; its words hold nothing secret.
    #[error("age cannot seal the credential: {0}")]
    Seal(String),
    /// The sealed bytes do not open with this identity.
    #[error("the sealed credential does not open with these shares")]
    Closed,
}

/// Draws a new identity for one set.
pub fn new_identity(rng: &mut impl CryptoRng) -> Bytes32 {
    Zeroizing::new(rng::bytes(rng))
}

/// Writes an identity as age does, `AGE-SECRET-KEY-1…`, 74 characters.
pub fn identity_text(identity: &[u8; IDENTITY_LEN]) -> Zeroizing<String> {
    let hrp = Hrp::parse_unchecked("age-secret-key-");
    let mut lower = Zeroizing::new(String::with_capacity(80));
    // encoding 32 bytes under a fixed prefix cannot fail
    let _ = bech32::encode_lower_to_fmt::<Bech32, _>(&mut *lower, hrp, identity);
    lower.make_ascii_uppercase();
    lower
}

fn age_identity(identity: &[u8; IDENTITY_LEN]) -> Option<age::x25519::Identity> {
    identity_text(identity).parse().ok()
}

/// Seals a credential of 1 to 16 384 bytes, byte for byte, several times, and returns the smallest age file.
pub fn seal(credential: &Secret, identity: &[u8; IDENTITY_LEN]) -> Result<Vec<u8>, SealingError> {
    match credential.len() {
        0 => return Err(SealingError::Empty),
        1..=MAX_CREDENTIAL => {}
        more => return Err(SealingError::TooLong(more)),
    }
    let recipient =
        age_identity(identity).ok_or_else(|| SealingError::Seal("no identity".into()))?.to_public();
    let mut smallest: Option<Vec<u8>> = None;
    for _ in 0..TRIES {
        let sealed =
            seal_once(credential, &recipient).map_err(|e| SealingError::Seal(e.to_string()))?;
        if smallest.as_ref().is_none_or(|best| sealed.len() < best.len()) {
            smallest = Some(sealed);
        }
    }
    smallest.ok_or(SealingError::Empty)
}

fn seal_once(credential: &Secret, recipient: &age::x25519::Recipient) -> std::io::Result<Vec<u8>> {
    let recipients = std::iter::once(recipient as &dyn age::Recipient);
    let encryptor = age::Encryptor::with_recipients(recipients).map_err(std::io::Error::other)?;
    let mut sealed = Vec::with_capacity(credential.len() + 512);
    let mut writer = encryptor.wrap_output(&mut sealed)?;
    writer.write_all(credential.expose())?;
    writer.finish()?;
    Ok(sealed)
}

/// Opens a sealed credential. Nothing is returned before the end of the file was reached and found right.
pub fn open(sealed: &[u8], identity: &[u8; IDENTITY_LEN]) -> Result<Secret, SealingError> {
    let identity = age_identity(identity).ok_or(SealingError::Closed)?;
    let decryptor = age::Decryptor::new_buffered(sealed).map_err(|_| SealingError::Closed)?;
    let mut reader = decryptor
        .decrypt(std::iter::once(&identity as &dyn age::Identity))
        .map_err(|_| SealingError::Closed)?;
    match read_at_most(&mut reader, MAX_CREDENTIAL) {
        Ok(Some(credential)) if !credential.is_empty() => Ok(credential),
        _ => Err(SealingError::Closed),
    }
}

/// Reads to the end what has at most `most` bytes; `None` when there are more.
fn read_at_most(reader: &mut impl Read, most: usize) -> std::io::Result<Option<Secret>> {
    // sized once, so that no copy is left behind by growing
    let mut bytes = Zeroizing::new(vec![0; most + 1]);
    let mut filled = 0;
    while filled < bytes.len() {
        match reader.read(&mut bytes[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    Ok((filled <= most).then(|| Secret::new(bytes[..filled].to_vec())))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_was_sealed_opens_byte_for_byte() {
        let identity = new_identity(&mut rng::os());
        for bytes in [vec![0], b"secret\r\n\0\n".to_vec(), vec![0xa5; MAX_CREDENTIAL]] {
            let sealed = seal(&Secret::new(bytes.clone()), &identity).unwrap();
            assert!(sealed.len() <= bytes.len() + 400 && sealed.len() <= MAX_SEALED);
            assert_eq!(open(&sealed, &identity).unwrap().expose(), bytes);
            assert!(open(&sealed, &new_identity(&mut rng::os())).is_err());
            assert!(open(&sealed[..sealed.len() - 1], &identity).is_err());
        }
    }

    #[test]
    fn nothing_and_too_much_are_refused() {
        let identity = new_identity(&mut rng::os());
        assert!(matches!(seal(&Secret::new(vec![]), &identity), Err(SealingError::Empty)));
        let long = Secret::new(vec![1; MAX_CREDENTIAL + 1]);
        assert!(matches!(seal(&long, &identity), Err(SealingError::TooLong(16_385))));
    }
}
