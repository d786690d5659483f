//! Who can open an age file.

use std::io::Write;

use super::error::LockError;
use super::plugin::{self, Person};

/// Recipients of age files.
pub struct Recipients {
    all: Vec<Box<dyn age::Recipient>>,
    plain: bool,
}

impl Recipients {
    /// Reads `age1…`, any of which will open what is sealed.
    pub fn parse(texts: &[String], person: &Person) -> Result<Self, LockError> {
        let (mut all, mut others) = (Vec::<Box<dyn age::Recipient>>::new(), Vec::new());
        for text in texts {
            match text.parse::<age::x25519::Recipient>() {
                Ok(recipient) => all.push(Box::new(recipient)),
                Err(_) => others.push(text.as_str()),
            }
        }
        all.extend(plugin::recipients(&others, person)?);
        Ok(Self { all, plain: others.is_empty() })
    }

    /// Takes one recipient.
    pub(super) fn one(recipient: impl age::Recipient + 'static) -> Self {
        Self { all: vec![Box::new(recipient)], plain: false }
    }

    /// Says whether no plugin and no passphrase has a part in it, so that sealing again costs nothing.
    pub(super) fn is_plain(&self) -> bool {
        self.plain
    }

    /// Seals to all of them, a binary age file.
    pub fn seal(&self, content: &[u8]) -> Result<Vec<u8>, LockError> {
        let mut sealed = Vec::with_capacity(content.len() + 512);
        self.seal_into(content, &mut sealed)?;
        Ok(sealed)
    }

    /// Seals to all of them and appends the binary age file to `sealed`.
    pub fn seal_into(&self, content: &[u8], sealed: &mut Vec<u8>) -> Result<(), LockError> {
        let seal = |e: String| LockError::Seal(e);
        let recipients = self.all.iter().map(|r| &**r as &dyn age::Recipient);
        let encryptor =
            age::Encryptor::with_recipients(recipients).map_err(|e| seal(e.to_string()))?;
        let written = encryptor.wrap_output(sealed).and_then(|mut writer| {
            writer.write_all(content)?;
            writer.finish().map(|_| ())
        });
        written.map_err(|e| seal(e.to_string()))
    }
}
