//! What a driver is asked: `bgd/1`, one JSON object each way (`protocol.md`).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::secret::Secret;

/// The version of the protocol that this program speaks.
pub const VERSION: u64 = 1;

/// What a driver is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Say what it is.
    Describe,
    /// Make a further credential.
    Create,
    /// Put a new secret in the place of the old one.
    Set,
    /// Try a credential.
    Verify,
    /// Switch a credential off for a while.
    Disable,
    /// End a credential for good.
    Revoke,
    /// Say which credentials there are.
    Report,
    /// Make a personal credential that ends by itself.
    Mint,
}

impl Verb {
    /// Every verb.
    pub const ALL: [Self; 8] = [
        Self::Describe,
        Self::Create,
        Self::Set,
        Self::Verify,
        Self::Disable,
        Self::Revoke,
        Self::Report,
        Self::Mint,
    ];

    /// Returns its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Describe => "describe",
            Self::Create => "create",
            Self::Set => "set",
            Self::Verify => "verify",
            Self::Disable => "disable",
            Self::Revoke => "revoke",
            Self::Report => "report",
            Self::Mint => "mint",
        }
    }

    /// Finds the verb of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.word() == word)
    }
}

/// The named parts of a secret. No `Debug`.
pub type Fields = BTreeMap<String, Secret>;

/// A credential as its platform knows it. No `Debug`: it holds the secret.
pub struct Credential {
    /// Public id.
    pub id: String,
    /// Secret parts, and what belongs to them.
    pub secret: Fields,
}

impl Credential {
    /// Returns the parts that are secret: a public id may be among them.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.secret.values().filter(|value| value.expose() != self.id.as_bytes())
    }
}

/// What a driver is asked. What a verb does not need stays empty.
#[derive(Clone, Copy, Default)]
pub struct Request<'a> {
    /// The platform, as the method file says.
    pub target: Option<&'a BTreeMap<String, String>>,
    /// With which credential the driver logs in; without one, with the platform CLI's own login.
    pub auth: Option<&'a Credential>,
    /// The same for every try of one change.
    pub request_id: Option<&'a str>,
    /// The credential to try.
    pub credential: Option<&'a Credential>,
    /// The credential to switch off or to revoke.
    pub credential_id: Option<&'a str>,
    /// The parts of the new secret.
    pub new: Option<&'a Fields>,
    /// Whom a personal credential is for: operator id, seconds, reason.
    pub operator: Option<(&'a str, u64, &'a str)>,
}

impl Request<'_> {
    /// Writes it.
    pub fn to_json(&self, verb: Verb) -> Zeroizing<Vec<u8>> {
        let mut object = Map::new();
        object.insert("protocol".into(), VERSION.into());
        object.insert("verb".into(), verb.word().into());
        if let Some(target) = self.target {
            object.insert("target".into(), json!(target));
        }
        if let Some(auth) = self.auth {
            object.insert("auth".into(), of_credential(auth));
        }
        if let Some(id) = self.request_id {
            object.insert("request_id".into(), id.into());
        }
        if let Some(credential) = self.credential {
            object.insert("credential".into(), of_credential(credential));
        }
        if let Some(id) = self.credential_id {
            object.insert("credential_id".into(), id.into());
        }
        if let Some(new) = self.new {
            object.insert("new".into(), json!({ "secret": of_fields(new) }));
        }
        if let Some((operator, seconds, reason)) = self.operator {
            object.insert("operator".into(), operator.into());
            object.insert("ttl_s".into(), seconds.into());
            object.insert("reason".into(), reason.into());
        }
        Zeroizing::new(Value::Object(object).to_string().into_bytes())
    }

    /// Returns every secret value in it, so that none is ever shown. A public id is none, wherever it stands.
    pub(super) fn secrets(&self) -> Vec<&Secret> {
        let credentials = [self.auth, self.credential].into_iter().flatten();
        let of_new = self.new.into_iter().flat_map(BTreeMap::values);
        credentials.flat_map(Credential::secrets).chain(of_new).collect()
    }
}

fn of_credential(credential: &Credential) -> Value {
    json!({ "id": credential.id, "secret": of_fields(&credential.secret) })
}

fn of_fields(fields: &Fields) -> Value {
    let text = |value: &Secret| String::from_utf8_lossy(value.expose()).into_owned();
    fields.iter().map(|(name, value)| (name.clone(), Value::from(text(value)))).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::rotation::answer::{Verified, read};

    #[test]
    fn the_schema_names_every_verb_and_word() {
        let text = include_str!("protocol.md");
        let (_, rest) = text.split_once("```json\n").unwrap();
        let schema: Value = serde_json::from_str(rest.split_once("\n```").unwrap().0).unwrap();
        for verb in Verb::ALL {
            assert!(schema["$defs"][verb.word()].is_object(), "{}", verb.word());
            assert!(text.contains(&format!("| `{}` |", verb.word())));
        }
        for word in schema["$defs"]["verify"]["properties"]["status"]["enum"].as_array().unwrap() {
            let answer = json!({ "status": word }).to_string();
            assert!(read::<Verified>(answer.as_bytes()).is_ok(), "{word}");
        }
    }
}
