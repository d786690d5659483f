//! Keys: those that log in, and those in a line of `authorized_keys`.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest, Sha256};
use ssh_key::{HashAlg, PrivateKey};

use super::super::{Login, Problem};

pub(super) fn key_of(login: &Login) -> Result<&str, Problem> {
    login.part("key")
}

/// Returns a fingerprint as a public id: a manifest has room for 48 signs.
pub(super) fn id_of(fingerprint: &str) -> &str {
    fingerprint.strip_prefix("SHA256:").unwrap_or(fingerprint)
}

/// Returns the public half of a private key, base64, and its public id.
pub(super) fn public_of(key: &str) -> Result<(String, String), Problem> {
    let bad = |_| {
        Problem::new(
            "invalid_input",
            "that is no private key in OpenSSH's form without a passphrase",
        )
    };
    let key = PrivateKey::from_openssh(key).map_err(bad)?;
    let blob = key.public_key().to_bytes().map_err(bad)?;
    Ok((STANDARD.encode(blob), id_of(&key.fingerprint(HashAlg::Sha256).to_string()).to_owned()))
}

/// One key of the file.
pub(super) struct Entry<'a> {
    pub(super) line: &'a str,
    pub(super) blob: &'a str,
    pub(super) id: String,
    pub(super) comment: &'a str,
}

pub(super) fn entry(line: &str) -> Option<Entry<'_>> {
    let line = line.trim();
    if line.starts_with('#') {
        return None;
    }
    // options may stand before it, and hold blanks and anything else
    let (blob, bytes) = line
        .split_whitespace()
        .filter(|word| word.starts_with("AAAA"))
        .find_map(|word| Some((word, STANDARD.decode(word).ok().filter(|b| is_key(b))?)))?;
    let id = STANDARD_NO_PAD.encode(Sha256::digest(bytes));
    let comment = line.split_once(blob).map(|(_, rest)| rest.trim()).unwrap_or_default();
    Some(Entry { line, blob, id, comment })
}

/// A public key begins with the length and the name of its kind (RFC 4253, section 6.6).
fn is_key(bytes: &[u8]) -> bool {
    let name = bytes
        .split_first_chunk()
        .and_then(|(len, rest)| rest.get(..usize::try_from(u32::from_be_bytes(*len)).ok()?));
    name.is_some_and(|name| name.len() > 5 && name.iter().all(u8::is_ascii_graphic))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use ssh_key::LineEnding;
    use ssh_key::private::{Ed25519Keypair, KeypairData};

    use super::*;

    const BLOB: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIIrWv4Hc9oQdA5xdbGCPQlqFLxZkPRU5eMzs3oFDtQ2q";

    #[test]
    fn keys_are_found_behind_their_options() {
        let line =
            format!("from=\"10.0.0.0/8\",command=\"echo AAAA b\" ssh-ed25519 {BLOB} a comment");
        let entry = entry(&line).unwrap();
        assert_eq!((entry.blob, entry.comment), (BLOB, "a comment"));
        assert_eq!(entry.id.len(), 43);
        assert!(super::entry(&format!("# ssh-ed25519 {BLOB}")).is_none());
        assert!(super::entry("").is_none());
    }

    #[test]
    fn a_key_that_is_made_is_read_again() {
        let pair = KeypairData::Ed25519(Ed25519Keypair::from_seed(&[7; 32]));
        let key = PrivateKey::new(pair, "breakglass-1").unwrap();
        let text = key.to_openssh(LineEnding::LF).unwrap();
        let (blob, id) = public_of(&text).ok().unwrap();
        let line = key.public_key().to_openssh().unwrap();
        let entry = entry(&line).unwrap();
        assert_eq!((entry.blob, &entry.id), (&*blob, &id));
        assert!(public_of("-----BEGIN").is_err());
    }
}
