//! What a sheet carries of its own: number, copy letter, share and token (`codes/format.md` §6).

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::rng::{self, CryptoRng};
use crate::set::short_hash;
use crate::sharing::{IDENTITY_LEN, Share};

/// The ten bytes of a set code.
pub type CodeBytes = [u8; 10];

/// Bytes of a sheet token.
pub const TOKEN_LEN: usize = 12;

/// The random bytes of one sheet of paper, independent of its share.
pub type Token = Zeroizing<[u8; TOKEN_LEN]>;

/// Draws a token.
pub fn new_token(rng: &mut impl CryptoRng) -> Token {
    Zeroizing::new(rng::bytes(rng))
}

/// Share number and copy letter, written `3b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SheetId {
    x: u8,
    copy: u8,
}

impl SheetId {
    /// Takes a share number 1 … 32 and a copy 1 (a) … 26 (z).
    pub fn new(x: u8, copy: u8) -> Option<Self> {
        let good = (1..=crate::sharing::MAX_SHARES).contains(&x) && (1..=26).contains(&copy);
        good.then_some(Self { x, copy })
    }

    /// Reads `3b`.
    pub fn parse(text: &str) -> Option<Self> {
        let copy = text.bytes().last().filter(u8::is_ascii_lowercase)?;
        let digits = &text[..text.len() - 1];
        let plain = !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
        Self::new(digits.parse().ok().filter(|_| plain)?, copy - b'a' + 1)
    }

    /// Returns the share number.
    pub fn x(self) -> u8 {
        self.x
    }

    /// Returns the copy, 1 = a.
    pub fn copy(self) -> u8 {
        self.copy
    }
}

impl fmt::Display for SheetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}{}", self.x, char::from(b'a' + self.copy - 1)))
    }
}

/// The content of an open sheet's share code. No `Debug`: it holds a share.
#[derive(Clone)]
pub struct SheetShare {
    /// The set it says it belongs to.
    pub set: CodeBytes,
    /// The sheet it says it is.
    pub copy: u8,
    /// The share.
    pub share: Share,
    /// The sheet's own token.
    pub token: Token,
}

impl SheetShare {
    /// Returns what a lock holds, y ‖ token.
    pub fn content(&self) -> Zeroizing<[u8; IDENTITY_LEN + TOKEN_LEN]> {
        let mut content = Zeroizing::new([0; IDENTITY_LEN + TOKEN_LEN]);
        content[..IDENTITY_LEN].copy_from_slice(self.share.y());
        content[IDENTITY_LEN..].copy_from_slice(&*self.token);
        content
    }

    /// Takes what came out of the lock of that sheet; `None` when that is no share.
    pub fn from_content(set: CodeBytes, sheet: SheetId, content: &[u8]) -> Option<Self> {
        let (y, token) = content.split_first_chunk::<IDENTITY_LEN>()?;
        let share = Share::new(sheet.x(), Zeroizing::new(*y)).ok()?;
        let token = Zeroizing::new(<[u8; TOKEN_LEN]>::try_from(token).ok()?);
        Some(Self { set, copy: sheet.copy(), share, token })
    }

    /// Returns number and copy letter. Payloads with a copy outside a … z are refused when they are read.
    pub fn id(&self) -> SheetId {
        SheetId { x: self.share.x(), copy: self.copy }
    }

    /// Returns the hash by which the logbook knows this sheet of paper.
    pub fn sheet_hash(&self) -> [u8; 16] {
        let head = [self.copy, self.share.x()];
        short_hash(&[b"breakglass/1 sheet", &self.set, &head, &*self.token])
    }

    /// Returns the tag that proves this sheet was read when the record with that core was made.
    pub fn presence_tag(&self, core: &[u8]) -> [u8; 16] {
        let mut out = [0; 16];
        // HMAC takes keys of any length
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&*self.token) {
            mac.update(b"breakglass/1 presence");
            mac.update(core);
            out.copy_from_slice(&mac.finalize().into_bytes()[..16]);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn sheets_are_written_with_number_and_letter() {
        for text in ["1a", "3b", "32z"] {
            assert_eq!(SheetId::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "a", "3", "0a", "33a", "3B", "03a", "3ab", "+3a", "3é"] {
            assert!(SheetId::parse(text).is_none(), "{text}");
        }
    }
}
