//! What a driver answers (`protocol.md`). Members that are not known here are passed over.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::protocol::{Credential, Verb};
use crate::secret::Secret;

/// How a credential is changed on a platform.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Old and new are valid side by side for a while.
    Overlap,
    /// The new secret takes the place of the old one.
    Replace,
}

/// What a driver says of itself.
#[derive(Clone, Debug, Deserialize)]
pub struct Described {
    /// Versions of the protocol that it speaks.
    pub protocol: Vec<u64>,
    /// Its name.
    pub name: String,
    /// Its version.
    #[serde(default)]
    pub version: String,
    /// How it changes credentials.
    pub mode: Mode,
    /// What it can do.
    pub verbs: Vec<String>,
    /// The parts of a secret that it changes.
    pub secret_fields: Vec<String>,
    /// Whether it asks a person, and may take as long as a person does.
    #[serde(default)]
    pub interactive: bool,
    /// Programs that it calls.
    #[serde(default)]
    pub needs: Vec<Need>,
    /// Signs that a secret made for it may have, and how many: `32:a-zA-Z0-9`.
    #[serde(default)]
    pub generate: Option<String>,
    /// What its target must and may say; a driver that does not tell is not asked.
    #[serde(default)]
    pub target: Option<Names>,
}

/// Names under `[rotation.target]`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Names {
    /// Without these it cannot work.
    #[serde(default)]
    pub needs: Vec<String>,
    /// These may be there.
    #[serde(default)]
    pub may: Vec<String>,
    /// Without these it cannot `mint`.
    #[serde(default)]
    pub mint: Vec<String>,
}

/// A program that a driver calls.
#[derive(Clone, Debug, Deserialize)]
pub struct Need {
    /// Its name.
    pub tool: String,
}

impl Described {
    /// Says what is wrong with a target: a name that is missing, or one that nobody would ever look at.
    pub fn mistake(&self, target: &BTreeMap<String, String>) -> Option<String> {
        let names = self.target.as_ref()?;
        let missing = names.needs.iter().find(|name| !target.contains_key(*name));
        if let Some(name) = missing {
            return Some(format!("[rotation.target] has no `{name}`, which {} needs", self.name));
        }
        let known: Vec<&String> = names.needs.iter().chain(&names.may).collect();
        let unknown = target.keys().find(|name| !known.contains(name))?;
        let known: Vec<&str> = known.into_iter().map(String::as_str).collect();
        let known = known.join(", ");
        Some(format!("[rotation.target] has `{unknown}`; {} knows {known}", self.name))
    }

    /// Says what is missing for personal credentials: the verb, or what the target would have to say.
    pub fn cannot_mint(&self, target: &BTreeMap<String, String>) -> Option<String> {
        if !self.can(Verb::Mint) {
            return Some(format!("{} makes no personal credentials", self.name));
        }
        let names = self.target.as_ref().map_or(&[][..], |names| &names.mint);
        let missing = names.iter().find(|name| !target.contains_key(*name))?;
        Some(format!(
            "[rotation.target] has no `{missing}`, which {} needs for personal credentials",
            self.name
        ))
    }

    /// Says whether it knows a verb.
    pub fn can(&self, verb: Verb) -> bool {
        self.verbs.iter().any(|word| word == verb.word())
    }
}

/// The answer to `create`, `set` and `mint`.
#[derive(Deserialize)]
struct RawMade {
    credential: RawCredential,
    expires_at: Option<String>,
    #[serde(default)]
    sessions: Sessions,
}

#[derive(Deserialize)]
struct RawCredential {
    id: String,
    #[serde(default)]
    secret: BTreeMap<String, String>,
    expires_at: Option<String>,
}

/// A credential that was made. No `Debug`.
pub struct Made {
    /// It.
    pub credential: Credential,
    /// From when the platform refuses it.
    pub expires_at: Option<String>,
    /// What became of the sessions that were open, after `set`.
    pub sessions: Sessions,
}

impl From<RawMade> for Made {
    fn from(raw: RawMade) -> Self {
        let RawMade { credential, expires_at: outer, sessions } = raw;
        let RawCredential { id, secret, expires_at } = credential;
        let secret = secret.into_iter().map(|(n, v)| (n, Secret::new(v.into_bytes()))).collect();
        let credential = Credential { id, secret };
        Self { credential, expires_at: expires_at.or(outer), sessions }
    }
}

/// How a credential that was tried is.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Validity {
    /// The platform lets it in.
    Valid,
    /// The platform refuses it.
    Invalid,
    /// The platform refuses it because its time is over.
    Expired,
    /// It is switched off.
    Disabled,
    /// Nobody can say, for example because the platform did not answer. Never taken for a refusal.
    Unknown,
}

impl Validity {
    /// Says whether the platform itself has refused it.
    pub fn is_refused(self) -> bool {
        matches!(self, Self::Invalid | Self::Expired | Self::Disabled)
    }
}

/// The answer to `verify`.
#[derive(Clone, Debug, Deserialize)]
pub struct Verified {
    /// How it is.
    pub status: Validity,
    /// Who it logs in as.
    #[serde(default)]
    pub identity: String,
    /// The platform's word.
    #[serde(default)]
    pub detail: String,
}

/// The answer to `revoke` and `disable`.
#[derive(Clone, Debug, Deserialize)]
pub struct Revoked {
    /// `revoked`, `already_revoked`, `disabled`, `already`.
    pub status: String,
    /// What became of the sessions that were open.
    #[serde(default)]
    pub sessions: Sessions,
}

/// What became of sessions.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Sessions {
    /// How many were ended.
    pub terminated: Option<u64>,
    /// Until when some live on.
    pub surviving_until: Option<String>,
}

/// The answer to `report`.
#[derive(Clone, Debug, Deserialize)]
pub struct Report {
    /// The platform's own time.
    pub generated_at: String,
    /// Where that time comes from.
    #[serde(default)]
    pub clock_source: String,
    /// The account that it is about.
    #[serde(default)]
    pub account: String,
    /// Who asked.
    #[serde(default)]
    pub caller: String,
    /// Whether every credential is in it.
    pub complete: bool,
    /// The credentials.
    pub items: Vec<Item>,
    /// What the platform said, byte for byte.
    #[serde(default)]
    pub raw: Vec<Raw>,
}

/// One credential of a report.
#[derive(Clone, Debug, Deserialize)]
pub struct Item {
    /// Public id.
    pub id: String,
    /// `active`, `inactive` or `absent`.
    pub status: String,
    /// When it was made.
    #[serde(default)]
    pub created_at: String,
}

/// A file of a report.
#[derive(Clone, Debug, Deserialize)]
pub struct Raw {
    /// What it is called.
    pub name: String,
    /// What kind of file it is.
    #[serde(default)]
    pub media_type: String,
    /// Its bytes, base64 (RFC 4648).
    pub base64: String,
}

impl Report {
    /// Returns what it says of a credential; one that a complete report does not name is absent.
    pub fn status(&self, id: &str) -> Option<&str> {
        let named = self.items.iter().find(|item| item.id == id).map(|item| item.status.as_str());
        named.or(self.complete.then_some("absent"))
    }

    /// Returns the credentials that there are, switched off or not.
    pub fn live(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| item.status != "absent")
    }
}

/// Why a driver refused.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Refused {
    /// `auth`, `limit`, `not_found`, `conflict`, `retryable`, `unsupported`, `invalid_input`, `partial`, `internal`.
    pub kind: String,
    /// For people.
    #[serde(default)]
    pub message: String,
    /// After how many seconds it may work.
    #[serde(default)]
    pub retry_after_s: Option<u64>,
    /// What there is now although it failed.
    #[serde(default)]
    pub partial: Partial,
}

/// What there is although something failed.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
pub struct Partial {
    /// A credential that was made.
    #[serde(default)]
    pub credential_id: Option<String>,
}

#[derive(Deserialize)]
struct Error {
    error: Refused,
}

/// Reads an answer.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    // what serde says of a wrong type holds the value, which may be a secret
    serde_json::from_slice(bytes).map_err(|e| match e.classify() {
        serde_json::error::Category::Data => {
            format!("line {}, column {}: not of the form of the protocol", e.line(), e.column())
        }
        _ => "it is no JSON".to_owned(),
    })
}

/// Reads the answer to `create`, `set` and `mint`.
pub(super) fn made(bytes: &[u8]) -> Result<Made, String> {
    read::<RawMade>(bytes).map(Made::from)
}

/// Reads an error.
pub(super) fn refused(bytes: &[u8]) -> Result<Refused, String> {
    read::<Error>(bytes).map(|error| error.error)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_a_newer_driver_says_besides_is_passed_over() {
        let made =
            made(br#"{"credential":{"id":"A","secret":{"secret":"s"},"x":1},"y":2}"#).unwrap();
        assert_eq!(made.credential.id, "A");
        assert_eq!(made.credential.secret["secret"].expose(), b"s");
        let error = refused(br#"{"error":{"kind":"limit","message":"two keys"}}"#).unwrap();
        assert_eq!((error.kind.as_str(), error.partial.credential_id), ("limit", None));
        let verified: Verified = read(br#"{"status":"expired"}"#).unwrap();
        assert!(verified.status.is_refused());
        assert!(!Validity::Unknown.is_refused());
        let wrong = br#"{"credential":{"id":"B","secret":"hunter2"}}"#;
        let error = super::made(wrong).map(|_| ()).unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
        assert!(read::<Verified>(br#"{"status":"dead"}"#).is_err());
    }

    #[test]
    fn a_target_says_what_it_must_and_nothing_else() {
        let described = br#"{"protocol":[1],"name":"db","mode":"replace","verbs":[],"secret_fields":["p"],"target":{"needs":["host"],"may":["port"]}}"#;
        let described: Described = read(described).unwrap();
        let target = |names: &[&str]| {
            names.iter().map(|name| ((*name).to_owned(), String::new())).collect::<BTreeMap<_, _>>()
        };
        assert_eq!(described.mistake(&target(&["host", "port"])), None);
        assert!(described.mistake(&target(&["port"])).unwrap().contains("has no `host`"));
        let unknown = described.mistake(&target(&["host", "prot"])).unwrap();
        assert!(unknown.contains("has `prot`; db knows host, port"), "{unknown}");
    }

    #[test]
    fn a_complete_report_knows_what_is_not_there() {
        let report = |complete| Report {
            generated_at: String::new(),
            clock_source: String::new(),
            account: String::new(),
            caller: String::new(),
            complete,
            items: vec![Item {
                id: "A".into(),
                status: "active".into(),
                created_at: String::new(),
            }],
            raw: Vec::new(),
        };
        assert_eq!(report(true).status("B"), Some("absent"));
        assert_eq!(report(false).status("B"), None);
        assert_eq!(report(false).status("A"), Some("active"));
    }
}
