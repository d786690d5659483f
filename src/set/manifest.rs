//! The manifest: what every sheet of a set says about the set (`codes/format.md` §4).

use crate::set::{PART_LEN, Uses, part_count, parts, sha256, short_hash};
use crate::sharing::{Share, SharingError, Threshold};

const VERSION: u8 = 1;
const COMMITMENT: usize = 16;
const PART_HASH: usize = 8;

/// Most bytes of a method id.
pub const MAX_ID: usize = 32;

/// Most bytes of a scope or a credential id.
pub const MAX_TEXT: usize = 48;

/// What every sheet of a set says, byte for byte the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// k of n.
    pub threshold: Threshold,
    /// Which credential value this is, from 1.
    pub generation: u32,
    /// When the set was dealt, Unix seconds.
    pub created: u64,
    /// When the platform lets the credential expire, Unix seconds; `None`: it does not.
    pub expires: Option<u64>,
    /// Hours from a release to its revocation.
    pub revoke_within: u16,
    /// Minutes that a release lasts.
    pub max_session: u16,
    /// What the credential may be released for.
    pub uses: Uses,
    /// Bytes of the sealed credential.
    pub sealed_len: u32,
    /// SHA-256 of the sealed credential.
    pub sealed_hash: [u8; 32],
    /// SHA-256 of the dealt method file.
    pub method_hash: [u8; 32],
    /// Method id, 1 to 32 bytes.
    pub method: String,
    /// Scope on the platform, up to 48 bytes.
    pub scope: String,
    /// The public id of the credential, up to 48 bytes.
    pub credential_id: String,
    /// One per share.
    commitments: Vec<[u8; COMMITMENT]>,
    /// One per sealed part, when there are two or more.
    part_hashes: Vec<[u8; PART_HASH]>,
}

/// Why bytes are no manifest.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Too few bytes.
    #[error("the manifest ends in the middle of its {0}")]
    Short(&'static str),
    /// Bytes after the end.
    #[error("the manifest has {0} bytes too many")]
    Long(usize),
    /// Another version of the format.
    #[error("the manifest has version {0}, this program knows version 1")]
    Version(u8),
    /// A field outside its range.
    #[error("the manifest's {0} is not valid")]
    Field(&'static str),
    /// k and n make no threshold.
    #[error("the manifest's threshold is not valid: {0}")]
    Threshold(#[from] SharingError),
    /// A text of wrong length, not UTF-8, or with a character that could deceive a reader.
    #[error("the manifest's {0} is not a text that may stand there")]
    Text(&'static str),
}

/// Says whether a text holds a character that the format forbids: controls and direction marks.
pub fn has_forbidden(text: &str) -> bool {
    text.chars().any(|c| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    })
}

fn commitment(sealed_hash: &[u8; 32], share: &Share) -> [u8; COMMITMENT] {
    short_hash(&[b"breakglass/1 share", sealed_hash, &[share.x()], share.y()])
}

fn part_hash(index: u8, part: &[u8]) -> [u8; PART_HASH] {
    short_hash(&[b"breakglass/1 part", &[index], part])
}

/// What a dealer knows about a set before it commits to shares and sealed bytes.
#[derive(Clone, Debug)]
pub struct Terms {
    /// k of n.
    pub threshold: Threshold,
    /// Which credential value this is, from 1.
    pub generation: u32,
    /// When the set is dealt, Unix seconds.
    pub created: u64,
    /// When the platform lets the credential expire, Unix seconds.
    pub expires: Option<u64>,
    /// Hours from a release to its revocation.
    pub revoke_within: u16,
    /// Minutes that a release lasts.
    pub max_session: u16,
    /// What the credential may be released for.
    pub uses: Uses,
    /// SHA-256 of the dealt method file.
    pub method_hash: [u8; 32],
    /// Method id.
    pub method: String,
    /// Scope on the platform.
    pub scope: String,
    /// The public id of the credential.
    pub credential_id: String,
}

impl Manifest {
    /// Makes the manifest of a new set from its terms, its sealed credential and all its shares.
    ///
    /// The texts are brought to NFC by whoever read them (`method`); here they are only checked.
    pub fn new(terms: Terms, sealed: &[u8], shares: &[Share]) -> Result<Self, ManifestError> {
        let sealed_hash = sha256(&[sealed]);
        let part_hashes = if part_count(sealed.len()) > 1 {
            (0..=u8::MAX).zip(parts(sealed)).map(|(i, part)| part_hash(i, part)).collect()
        } else {
            Vec::new()
        };
        let manifest = Self {
            threshold: terms.threshold,
            generation: terms.generation,
            created: terms.created,
            expires: terms.expires,
            revoke_within: terms.revoke_within,
            max_session: terms.max_session,
            uses: terms.uses,
            sealed_len: u32::try_from(sealed.len()).map_err(|_| ManifestError::Field("length"))?,
            sealed_hash,
            method_hash: terms.method_hash,
            method: terms.method,
            scope: terms.scope,
            credential_id: terms.credential_id,
            commitments: shares.iter().map(|share| commitment(&sealed_hash, share)).collect(),
            part_hashes,
        };
        // one set of rules: what a reader would refuse cannot be written
        Self::parse(&manifest.to_bytes())
    }

    /// Returns SHA-256 of the manifest's bytes; the set code is stretched from it.
    pub fn hash(&self) -> [u8; 32] {
        sha256(&[&self.to_bytes()])
    }

    /// Returns how many parts the sealed credential has.
    pub fn parts(&self) -> usize {
        part_count(self.sealed_len as usize)
    }

    /// Says whether a share is the one that was dealt under its number.
    pub fn commits_to(&self, share: &Share) -> bool {
        self.commitments.get(usize::from(share.x()) - 1)
            == Some(&commitment(&self.sealed_hash, share))
    }

    /// Says whether bytes are the sealed part with that index, counted from 0.
    pub fn has_part(&self, index: u8, part: &[u8]) -> bool {
        let last = self.parts() - 1;
        let expected = match usize::from(index) {
            i if i < last => PART_LEN,
            i if i == last => self.sealed_len as usize - last * PART_LEN,
            _ => return false,
        };
        let hashed = match self.part_hashes.get(usize::from(index)) {
            Some(hash) => *hash == part_hash(index, part),
            None => sha256(&[part]) == self.sealed_hash,
        };
        part.len() == expected && hashed
    }

    /// Writes the canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![VERSION, self.threshold.k(), self.threshold.n(), 0];
        out.extend(self.generation.to_be_bytes());
        out.extend(self.created.to_be_bytes());
        out.extend(self.expires.unwrap_or(0).to_be_bytes());
        out.extend(self.revoke_within.to_be_bytes());
        out.extend(self.max_session.to_be_bytes());
        out.extend(self.uses.bits().to_be_bytes());
        out.extend(self.sealed_len.to_be_bytes());
        out.extend(self.sealed_hash);
        out.extend(self.method_hash);
        for text in [&self.method, &self.scope, &self.credential_id] {
            // a longer text gives a length that no reader takes; `new` reads back what it wrote
            out.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
            out.extend(text.as_bytes());
        }
        out.extend(self.commitments.as_flattened());
        out.extend(self.part_hashes.as_flattened());
        out
    }

    /// Reads the canonical bytes and refuses anything else.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        let mut rest = Cursor(bytes);
        let [version, k, n, reserved] = rest.array("head")?;
        if version != VERSION {
            return Err(ManifestError::Version(version));
        }
        if reserved != 0 {
            return Err(ManifestError::Field("reserved byte"));
        }
        let threshold = Threshold::new(k, n)?;
        let generation = u32::from_be_bytes(rest.array("generation")?);
        let created = u64::from_be_bytes(rest.array("date")?);
        let expires = u64::from_be_bytes(rest.array("expiry")?);
        let revoke_within = u16::from_be_bytes(rest.array("time to revoke")?);
        let max_session = u16::from_be_bytes(rest.array("session time")?);
        let uses = u16::from_be_bytes(rest.array("permitted uses")?);
        let sealed_len = u32::from_be_bytes(rest.array("sealed length")?);
        for (field, value) in [
            ("generation", generation),
            ("time to revoke", revoke_within.into()),
            ("session time", max_session.into()),
            ("sealed length", sealed_len),
        ] {
            if value == 0 {
                return Err(ManifestError::Field(field));
            }
        }
        if sealed_len as usize > crate::sealing::MAX_SEALED {
            return Err(ManifestError::Field("sealed length"));
        }
        let uses = Uses::from_bits(uses).ok_or(ManifestError::Field("permitted uses"))?;
        let sealed_hash = rest.array("sealed hash")?;
        let method_hash = rest.array("method hash")?;
        let method = rest.text("method id", 1, MAX_ID)?;
        let scope = rest.text("scope", 0, MAX_TEXT)?;
        let credential_id = rest.text("credential id", 0, MAX_TEXT)?;
        let commitments =
            (0..n).map(|_| rest.array("commitments")).collect::<Result<Vec<_>, _>>()?;
        let parts = match part_count(sealed_len as usize) {
            1 => 0,
            more => more,
        };
        let part_hashes =
            (0..parts).map(|_| rest.array("part hashes")).collect::<Result<Vec<_>, _>>()?;
        if !rest.0.is_empty() {
            return Err(ManifestError::Long(rest.0.len()));
        }
        Ok(Self {
            threshold,
            generation,
            created,
            expires: (expires != 0).then_some(expires),
            revoke_within,
            max_session,
            uses,
            sealed_len,
            sealed_hash,
            method_hash,
            method,
            scope,
            credential_id,
            commitments,
            part_hashes,
        })
    }
}

/// What is left of the bytes.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, len: usize, field: &'static str) -> Result<&'a [u8], ManifestError> {
        let (head, rest) = self.0.split_at_checked(len).ok_or(ManifestError::Short(field))?;
        self.0 = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], ManifestError> {
        self.take(N, field)?.try_into().map_err(|_| ManifestError::Short(field))
    }

    fn text(
        &mut self,
        field: &'static str,
        min: usize,
        max: usize,
    ) -> Result<String, ManifestError> {
        let [len] = self.array(field)?;
        let len = usize::from(len);
        if len < min || len > max {
            return Err(ManifestError::Text(field));
        }
        let text = std::str::from_utf8(self.take(len, field)?);
        match text {
            Ok(text) if !has_forbidden(text) => Ok(text.to_owned()),
            _ => Err(ManifestError::Text(field)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{rng, sharing};

    pub(super) fn terms() -> Terms {
        Terms {
            threshold: Threshold::new(2, 3).unwrap(),
            generation: 1,
            created: 1_795_521_600,
            expires: None,
            revoke_within: 24,
            max_session: 240,
            uses: Uses::default().with("DRILL").unwrap(),
            method_hash: [1; 32],
            method: "test".into(),
            scope: String::new(),
            credential_id: "ключ".into(),
        }
    }

    fn manifest(sealed_len: usize) -> Manifest {
        let terms = terms();
        let shares = sharing::split(&[9; 32], terms.threshold, &mut rng::os());
        Manifest::new(terms, &vec![3; sealed_len], &shares).unwrap()
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        for len in [1, PART_LEN, PART_LEN + 1, 3 * PART_LEN] {
            let manifest = manifest(len);
            let bytes = manifest.to_bytes();
            assert_eq!(Manifest::parse(&bytes).unwrap(), manifest);
            for cut in 0..bytes.len() {
                assert!(matches!(Manifest::parse(&bytes[..cut]), Err(ManifestError::Short(_))));
            }
            let long = [&bytes[..], &[0]].concat();
            assert_eq!(Manifest::parse(&long), Err(ManifestError::Long(1)));
        }
    }

    #[test]
    fn shares_and_parts_are_held_against_their_hashes() {
        let terms = terms();
        let shares = sharing::split(&[9; 32], terms.threshold, &mut rng::os());
        let sealed: Vec<u8> = (0..=u8::MAX).cycle().take(1200).collect();
        let manifest = Manifest::new(terms, &sealed, &shares).unwrap();
        assert!(shares.iter().all(|share| manifest.commits_to(share)));
        let other = sharing::split(&[9; 32], manifest.threshold, &mut rng::os());
        assert!(!manifest.commits_to(&other[0]));
        let beyond = Share::new(4, zeroize::Zeroizing::new([0; 32])).unwrap();
        assert!(!manifest.commits_to(&beyond));
        for (i, part) in (0..).zip(parts(&sealed)) {
            assert!(manifest.has_part(i, part));
            assert!(!manifest.has_part(i + 1, part));
            assert!(!manifest.has_part(i, &part[1..]));
        }
    }

    #[test]
    fn texts_that_could_deceive_are_refused() {
        for bad in ["", "a\nb", "a\u{202e}b", "\u{2066}", &"x".repeat(33)] {
            let terms = Terms { method: bad.to_owned(), ..terms() };
            let shares = sharing::split(&[9; 32], terms.threshold, &mut rng::os());
            let made = Manifest::new(terms, b"sealed", &shares);
            assert!(matches!(made, Err(ManifestError::Text("method id"))), "{bad:?}");
        }
    }
}
