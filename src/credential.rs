//! What is inside a credential: bytes as they are, or lines `name: value`, one of which may be a TOTP secret.

use hmac::{Hmac, Mac};
use sha1::Sha1;
use zeroize::Zeroizing;

use crate::clock::Instant;
use crate::secret::Secret;

/// The field whose value is an `otpauth://totp/…` URI.
pub const TOTP: &str = "totp";

/// How a credential is laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// Bytes as they are.
    #[default]
    Raw,
    /// Lines `user: …`, `password: …`, `totp: otpauth://…`, `url: …`; other names are taken too.
    Lines,
}

/// One line of a credential. No `Debug`: it holds a secret.
pub struct Field {
    /// Its name, lower-case.
    pub name: String,
    /// Its value.
    pub value: Secret,
}

/// Why a credential does not have the layout that the method file says. No value is ever in the message.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// Not text.
    #[error("the credential is not text, and the method file says layout = \"lines\"")]
    NotText,
    /// A line has no name.
    #[error("line {0} of the credential is not `name: value`")]
    Line(usize),
    /// A name stands there twice.
    #[error("the credential has two lines `{0}`")]
    Twice(String),
    /// The TOTP line cannot be used.
    #[error("the line `totp` is not an otpauth://totp/ URI of SHA-1 with a secret: {0}")]
    Totp(&'static str),
}

/// Cuts a credential into its lines.
pub fn fields(credential: &Secret) -> Result<Vec<Field>, CredentialError> {
    let text = std::str::from_utf8(credential.expose()).map_err(|_| CredentialError::NotText)?;
    let mut fields: Vec<Field> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let (name, value) = line.split_once(':').ok_or(CredentialError::Line(number))?;
        let name = name.trim().to_ascii_lowercase();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if name.is_empty() || !name.chars().all(plain) || value.trim().is_empty() {
            return Err(CredentialError::Line(number));
        }
        if fields.iter().any(|field| field.name == name) {
            return Err(CredentialError::Twice(name));
        }
        let value = Secret::new(value.trim().as_bytes().to_vec());
        if name == TOTP {
            Totp::parse(&value)?;
        }
        fields.push(Field { name, value });
    }
    if fields.is_empty() { Err(CredentialError::Line(1)) } else { Ok(fields) }
}

/// A time-based one-time password (RFC 6238). No `Debug`: it holds the key.
pub struct Totp {
    key: Zeroizing<Vec<u8>>,
    digits: u32,
    period: u64,
}

impl Totp {
    /// Reads an `otpauth://totp/…` URI: `secret`, and `digits` and `period` where they differ from 6 and 30.
    pub fn parse(uri: &Secret) -> Result<Self, CredentialError> {
        let text = std::str::from_utf8(uri.expose()).map_err(|_| CredentialError::NotText)?;
        let wrong = CredentialError::Totp;
        let rest = text.strip_prefix("otpauth://totp/").ok_or(wrong("it begins otherwise"))?;
        let (_, query) = rest.split_once('?').ok_or(wrong("there is no secret"))?;
        let mut totp = Self { key: Zeroizing::new(Vec::new()), digits: 6, period: 30 };
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "secret" => totp.key = base32(value).ok_or(wrong("the secret is not base32"))?,
                "algorithm" if !value.eq_ignore_ascii_case("SHA1") => {
                    return Err(wrong("another algorithm"));
                }
                "digits" => {
                    let digits = value.parse().ok().filter(|digits| (6..=8).contains(digits));
                    totp.digits = digits.ok_or(wrong("digits are 6 to 8"))?;
                }
                "period" => {
                    let period = value.parse().ok().filter(|period| (1..=3600).contains(period));
                    totp.period = period.ok_or(wrong("the period is 1 to 3600 seconds"))?;
                }
                _ => {}
            }
        }
        if totp.key.is_empty() { Err(wrong("there is no secret")) } else { Ok(totp) }
    }

    /// Returns the code at a time, and for how many seconds it still holds.
    pub fn at(&self, at: Instant) -> (Secret, u64) {
        let step = at.unix() / self.period;
        let left = self.period - at.unix() % self.period;
        let mut code = self.code(step);
        let mut digits = vec![b'0'; self.digits as usize];
        for digit in digits.iter_mut().rev() {
            *digit += u8::try_from(code % 10).unwrap_or(0);
            code /= 10;
        }
        (Secret::new(digits), left)
    }

    /// RFC 4226 §5.3.
    fn code(&self, step: u64) -> u32 {
        // HMAC takes keys of any length
        let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(&self.key) else { return 0 };
        mac.update(&step.to_be_bytes());
        let hash = mac.finalize().into_bytes();
        let offset = usize::from(hash[19] & 15);
        let word = [hash[offset] & 0x7f, hash[offset + 1], hash[offset + 2], hash[offset + 3]];
        u32::from_be_bytes(word)
    }
}

/// RFC 4648 base32 as authenticator apps write it: any case, with or without padding.
fn base32(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut out = Zeroizing::new(Vec::with_capacity(text.len()));
    let (mut bits, mut have) = (0_u32, 0);
    for sign in text.bytes().filter(|sign| *sign != b'=') {
        let value = match sign.to_ascii_uppercase() {
            letter @ b'A'..=b'Z' => letter - b'A',
            digit @ b'2'..=b'7' => digit - b'2' + 26,
            _ => return None,
        };
        bits = (bits << 5 | u32::from(value)) & 0xfff;
        have += 5;
        if have >= 8 {
            have -= 8;
            out.push((bits >> have & 0xff) as u8);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.as_bytes().to_vec())
    }

    /// RFC 6238, appendix B, SHA-1: the key is `12345678901234567890`.
    #[test]
    fn the_vectors_of_the_rfc() {
        let uri = "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&digits=8";
        let totp = Totp::parse(&secret(uri)).unwrap();
        for (at, code, left) in [
            (59, "94287082", 1),
            (1_111_111_109, "07081804", 1),
            (1_111_111_111, "14050471", 29),
            (1_234_567_890, "89005924", 30),
            (2_000_000_000, "69279037", 10),
        ] {
            let (shown, seconds) = totp.at(Instant::from_unix(at));
            assert_eq!((shown.expose(), seconds), (code.as_bytes(), left), "{at}");
        }
    }

    #[test]
    fn lines_and_what_is_wrong_with_them() {
        let good = "User: root\n\npassword:  a: b \nurl: https://x/\n";
        let fields = fields(&secret(good)).unwrap();
        let pairs: Vec<(&str, &[u8])> =
            fields.iter().map(|f| (f.name.as_str(), f.value.expose())).collect();
        let expected: [(&str, &[u8]); 3] =
            [("user", b"root"), ("password", b"a: b"), ("url", b"https://x/")];
        assert_eq!(pairs, expected);
        let error = |text: &str| super::fields(&secret(text)).err().unwrap();
        assert_eq!(error("user: a\nhunter2\n"), CredentialError::Line(2));
        assert_eq!(error("user: a\nUSER: b"), CredentialError::Twice("user".into()));
        assert_eq!(error(""), CredentialError::Line(1));
        assert!(matches!(error("totp: JBSWY3DP"), CredentialError::Totp(_)));
        for bad in ["", "secret=0", "secret=A&algorithm=SHA256", "secret=MFRGG&digits=99"] {
            let uri = format!("totp: otpauth://totp/x?{bad}");
            assert!(matches!(error(&uri), CredentialError::Totp(_)), "{bad}");
        }
    }
}
