//! Locks: one custodian's share sealed once more, to a passphrase or to keys (`codes/format.md` §6, payload `P`).
//!
//! A lock to a published X25519 key is a second factor, not the protection: a photographed page may outlive X25519.

use age::secrecy::SecretString;

pub use super::error::LockError;
use super::plugin::{self, Person};
use super::read_at_most;
use super::recipients::Recipients;
use crate::secret::Secret;

/// Most bytes that a lock holds: y and token are 44.
const MOST_CONTENT: usize = 64;

/// Most bytes of a lock that is printed: what a code of version 24 holds at error correction M, with some to spare.
const MOST_PRINTED: usize = 800;

/// Work of a new passphrase lock: scrypt with N = 2¹⁷, about half a second and 128 MiB. age's own choice depends on
/// the machine, and another one may refuse it.
const WORK: u8 = 17;

/// Most work that is accepted: 1 GiB.
const MOST_WORK: u8 = 20;

/// Most bytes of an identity file.
pub const MAX_IDENTITY_FILE: usize = 64 * 1024;

/// How a share is to be locked.
#[derive(Clone, Copy)]
pub enum Lock<'a> {
    /// By a passphrase.
    Passphrase(&'a Secret),
    /// To recipients, any one of which opens it.
    Recipients(&'a [String]),
}

/// What a lock asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// A passphrase.
    Passphrase,
    /// A key.
    Key,
}

/// Checks a recipient as a method file names it.
pub fn check_recipient(text: &str) -> Result<(), LockError> {
    let good = text.parse::<age::x25519::Recipient>().is_ok() || plugin::is_recipient(text);
    if good { Ok(()) } else { Err(LockError::Recipient(text.to_owned())) }
}

/// Locks a share.
pub fn close(content: &[u8], lock: Lock<'_>, person: &Person) -> Result<Vec<u8>, LockError> {
    // age adds a random line to headers without a passphrase; the smallest is printed, but no plugin is asked twice
    let recipients = match lock {
        Lock::Passphrase(passphrase) => {
            let mut recipient = age::scrypt::Recipient::new(as_age(passphrase));
            recipient.set_work_factor(WORK);
            Recipients::one(recipient)
        }
        Lock::Recipients(texts) => Recipients::parse(texts, person)?,
    };
    let tries = if recipients.is_plain() { super::TRIES } else { 1 };
    let mut locked = recipients.seal(content)?;
    for _ in 1..tries {
        let other = recipients.seal(content)?;
        if other.len() < locked.len() {
            locked = other;
        }
    }
    match locked.len() {
        ..=MOST_PRINTED => Ok(locked),
        long => Err(LockError::TooLong(long)),
    }
}

/// Says what a lock asks for; `None` when it is no age file.
pub fn asks(locked: &[u8]) -> Option<Asks> {
    let decryptor = age::Decryptor::new_buffered(locked).ok()?;
    Some(if decryptor.is_scrypt() { Asks::Passphrase } else { Asks::Key })
}

/// Opens a lock with a passphrase; takes about half a second.
pub fn open_with_passphrase(locked: &[u8], passphrase: &Secret) -> Result<Secret, LockError> {
    decrypt(locked, std::iter::once(&by_passphrase(passphrase) as _), MOST_CONTENT)
}

fn by_passphrase(passphrase: &Secret) -> age::scrypt::Identity {
    let mut identity = age::scrypt::Identity::new(as_age(passphrase));
    identity.set_max_work_factor(MOST_WORK);
    identity
}

fn as_age(passphrase: &Secret) -> SecretString {
    SecretString::from(String::from_utf8_lossy(passphrase.expose()).into_owned())
}

/// The keys of one identity file.
pub struct Keys(Vec<Box<dyn age::Identity>>);

impl Keys {
    /// Says whether an identity file is itself sealed with a passphrase.
    pub fn is_sealed(file: &[u8]) -> bool {
        asks(file) == Some(Asks::Passphrase)
    }

    /// Opens an identity file that is sealed with a passphrase.
    pub fn unseal(file: &[u8], passphrase: &Secret) -> Result<Secret, LockError> {
        let identity = by_passphrase(passphrase);
        decrypt(file, std::iter::once(&identity as _), MAX_IDENTITY_FILE)
    }

    /// Reads an identity file: identities, one a line; empty lines and comments (`#`) say nothing.
    pub fn parse(file: &Secret, person: &Person) -> Result<Self, LockError> {
        let text = std::str::from_utf8(file.expose()).map_err(|_| LockError::NoIdentity)?;
        let text = text.trim_start_matches('\u{feff}');
        if text.starts_with("-----BEGIN AGE ENCRYPTED FILE-----") {
            return Err(LockError::Armored);
        }
        let (mut keys, mut others) = (Vec::<Box<dyn age::Identity>>::new(), Vec::new());
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match line.parse::<age::x25519::Identity>() {
                Ok(identity) => keys.push(Box::new(identity)),
                Err(_) if plugin::is_identity(line) => others.push(line),
                Err(_) => return Err(LockError::Identity(number)),
            }
        }
        match plugin::identities(&others, person) {
            Ok(more) => keys.extend(more),
            // the plain keys beside them are good all the same
            Err(LockError::NoPlugins) if !keys.is_empty() => {}
            Err(error) => return Err(error),
        }
        if keys.is_empty() { Err(LockError::NoIdentity) } else { Ok(Self(keys)) }
    }

    /// Opens a lock with whichever of the keys fits.
    pub fn open(&self, locked: &[u8]) -> Result<Secret, LockError> {
        self.decrypt(locked, MOST_CONTENT)
    }

    /// Opens any age file of at most `most` bytes with whichever of the keys fits.
    pub fn decrypt(&self, sealed: &[u8], most: usize) -> Result<Secret, LockError> {
        decrypt(sealed, self.0.iter().map(|key| &**key as &dyn age::Identity), most)
    }
}

/// Decrypts at most `most` bytes; nothing is returned before the end of the file was found right.
fn decrypt<'a>(
    locked: &[u8],
    keys: impl Iterator<Item = &'a dyn age::Identity>,
    most: usize,
) -> Result<Secret, LockError> {
    use age::DecryptError::{ExcessiveWork, InvalidHeader, InvalidMac, UnknownFormat};
    let decryptor = age::Decryptor::new_buffered(locked).map_err(|_| LockError::Damaged)?;
    let mut reader = decryptor.decrypt(keys).map_err(|error| match error {
        ExcessiveWork { required, .. } => LockError::Work(required),
        InvalidHeader | InvalidMac | UnknownFormat => LockError::Damaged,
        _ => LockError::Closed,
    })?;
    match read_at_most(&mut reader, most) {
        Ok(Some(opened)) => Ok(opened),
        Ok(None) => Err(LockError::Content),
        Err(_) => Err(LockError::Damaged),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const CONTENT: [u8; 44] = [7; 44];

    fn key() -> (Secret, String) {
        let identity = age::x25519::Identity::generate();
        let text = age::secrecy::ExposeSecret::expose_secret(&identity.to_string()).to_owned();
        (
            Secret::new(format!("# a comment\n\n{text}\n").into_bytes()),
            identity.to_public().to_string(),
        )
    }

    fn keys(file: &Secret) -> Keys {
        Keys::parse(file, &Person::nobody()).unwrap()
    }

    #[test]
    fn either_of_two_keys_opens_a_lock_and_a_third_does_not() {
        let ((one, first), (two, second), (three, _)) = (key(), key(), key());
        let locked =
            close(&CONTENT, Lock::Recipients(&[first, second]), &Person::nobody()).unwrap();
        // two recipients, and little of age's random line
        assert!(locked.len() < 420, "{}", locked.len());
        assert_eq!(asks(&locked), Some(Asks::Key));
        for file in [&one, &two] {
            assert_eq!(keys(file).open(&locked).unwrap().expose(), CONTENT);
        }
        assert!(matches!(keys(&three).open(&locked), Err(LockError::Closed)));
        let passphrase = Secret::new(b"whatever".to_vec());
        assert!(matches!(open_with_passphrase(&locked, &passphrase), Err(LockError::Closed)));
        assert!(matches!(keys(&one).open(&locked[1..]), Err(LockError::Damaged)));
        assert!(matches!(keys(&one).open(&locked[..locked.len() - 1]), Err(LockError::Damaged)));
    }

    #[test]
    fn a_passphrase_opens_its_lock_and_another_does_not() {
        let passphrase = Secret::new(b"correct horse battery staple".to_vec());
        let locked = close(&CONTENT, Lock::Passphrase(&passphrase), &Person::nobody()).unwrap();
        assert_eq!(asks(&locked), Some(Asks::Passphrase));
        assert_eq!(open_with_passphrase(&locked, &passphrase).unwrap().expose(), CONTENT);
        let other = Secret::new(b"correct horse battery stable".to_vec());
        assert!(matches!(open_with_passphrase(&locked, &other), Err(LockError::Closed)));
    }

    #[test]
    fn what_is_no_key_is_named_by_its_line() {
        let fault = |text: &str| {
            let file = Secret::new(text.as_bytes().to_vec());
            Keys::parse(&file, &Person::nobody()).err().unwrap().to_string()
        };
        assert!(fault("# only a comment\n").contains("no age identity"));
        assert!(fault("# x\nAGE-SECRET-KEY-1QQQ\n").contains("line 2"));
        assert!(fault("-----BEGIN AGE ENCRYPTED FILE-----\n").contains("armored"));
        assert!(check_recipient("age1qqq").is_err());
        let mut slip = key().1;
        slip.replace_range(20..21, "1");
        assert!(check_recipient(&slip).is_err(), "{slip} is no plugin's");
        assert!(check_recipient(&key().1).is_ok());
    }
}
