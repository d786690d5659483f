//! Locks to what an age plugin knows: a `YubiKey`, a smart card. Only with the cargo feature `plugin`.
//!
//! A plugin is a program `age-plugin-NAME` on the search path, named by the recipient or the identity. It may ask for
//! a PIN or a touch: it does so through [`Person`].

use super::error::LockError;
use crate::secret::Secret;

/// What a plugin may ask of a person.
pub trait Ask: Send + Sync {
    /// Shows a message: "touch the key".
    fn tell(&self, words: &str);
    /// Asks for a PIN, not shown as it is typed.
    fn ask_hidden(&self, words: &str) -> Option<Secret>;
    /// Asks for a text.
    fn ask(&self, words: &str) -> Option<String>;
    /// Asks yes or no.
    fn confirm(&self, words: &str) -> Option<bool>;
}

/// Who is asked, or nobody.
#[derive(Clone, Default)]
pub struct Person(
    #[cfg_attr(not(feature = "plugin"), allow(dead_code))] Option<std::sync::Arc<dyn Ask>>,
);

impl Person {
    /// Lets plugins ask.
    pub fn new(ask: std::sync::Arc<dyn Ask>) -> Self {
        Self(Some(ask))
    }

    /// Lets plugins ask nobody.
    pub fn nobody() -> Self {
        Self(None)
    }
}

/// Says whether a line of an identity file is one of a plugin.
pub(super) fn is_identity(line: &str) -> bool {
    line.starts_with("AGE-PLUGIN-")
}

/// Says whether a text has the form of a plugin's recipient: Bech32 under `age1name`.
///
/// Whether the plugin is there is asked when something is locked to it: a method file that names one is good anywhere.
pub(super) fn is_recipient(text: &str) -> bool {
    let name = bech32::decode(text).ok().map(|(hrp, _)| hrp.to_lowercase());
    name.is_some_and(|name| name.strip_prefix("age1").is_some_and(|name| !name.is_empty()))
}

#[cfg(not(feature = "plugin"))]
mod with {
    use super::{LockError, Person};

    pub(in crate::sealing) fn recipients(
        texts: &[&str],
        _: &Person,
    ) -> Result<Vec<Box<dyn age::Recipient>>, LockError> {
        if texts.is_empty() { Ok(Vec::new()) } else { Err(LockError::NoPlugins) }
    }

    pub(in crate::sealing) fn identities(
        lines: &[&str],
        _: &Person,
    ) -> Result<Vec<Box<dyn age::Identity>>, LockError> {
        if lines.is_empty() { Ok(Vec::new()) } else { Err(LockError::NoPlugins) }
    }
}

#[cfg(feature = "plugin")]
mod with {
    use std::collections::BTreeSet;

    use age::plugin::{Identity, IdentityPluginV1, Recipient, RecipientPluginV1};
    use age::secrecy::SecretString;

    use super::{LockError, Person};

    impl age::Callbacks for Person {
        fn display_message(&self, message: &str) {
            if let Some(ask) = &self.0 {
                ask.tell(message);
            }
        }

        fn confirm(&self, message: &str, yes: &str, no: Option<&str>) -> Option<bool> {
            let no = no.map(|no| format!(" (or: {no})")).unwrap_or_default();
            self.0.as_ref()?.confirm(&format!("{message}\n{yes}?{no}"))
        }

        fn request_public_string(&self, description: &str) -> Option<String> {
            self.0.as_ref()?.ask(description)
        }

        fn request_passphrase(&self, description: &str) -> Option<SecretString> {
            let secret = self.0.as_ref()?.ask_hidden(description)?;
            Some(SecretString::from(String::from_utf8_lossy(secret.expose()).into_owned()))
        }
    }

    pub(in crate::sealing) fn recipients(
        texts: &[&str],
        person: &Person,
    ) -> Result<Vec<Box<dyn age::Recipient>>, LockError> {
        let parse = |text: &&str| {
            text.parse::<Recipient>().map_err(|_| LockError::Recipient((*text).to_owned()))
        };
        let all: Vec<Recipient> = texts.iter().map(parse).collect::<Result<_, _>>()?;
        let names: BTreeSet<&str> = all.iter().map(Recipient::plugin).collect();
        names
            .into_iter()
            .map(|name| {
                let plugin = RecipientPluginV1::new(name, &all, &[], person.clone());
                Ok(Box::new(plugin.map_err(|_| missing(name))?) as Box<dyn age::Recipient>)
            })
            .collect()
    }

    pub(in crate::sealing) fn identities(
        lines: &[&str],
        person: &Person,
    ) -> Result<Vec<Box<dyn age::Identity>>, LockError> {
        let parse = |line: &&str| line.parse::<Identity>().map_err(|_| LockError::NoIdentity);
        let all: Vec<Identity> = lines.iter().map(parse).collect::<Result<_, _>>()?;
        let names: BTreeSet<&str> = all.iter().map(Identity::plugin).collect();
        names
            .into_iter()
            .map(|name| {
                let plugin = IdentityPluginV1::new(name, &all, person.clone());
                Ok(Box::new(plugin.map_err(|_| missing(name))?) as Box<dyn age::Identity>)
            })
            .collect()
    }

    fn missing(name: &str) -> LockError {
        LockError::Plugin(format!("age-plugin-{name}"))
    }
}

pub(in crate::sealing) use with::{identities, recipients};
