//! The file as it is written, before its rules are checked.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::MethodError;
use super::audit::RawAudit;
use super::release::RawRelease;
use super::rotation::RawRotation;

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    pub(super) id: Spanned<String>,
    pub(super) name: Spanned<String>,
    pub(super) owner_team: Spanned<String>,
    pub(super) owner_contact: Spanned<String>,
    pub(super) platform: Spanned<String>,
    pub(super) scope: Spanned<String>,
    pub(super) k: Spanned<u8>,
    pub(super) n: Spanned<u8>,
    pub(super) permitted_uses: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) own_uses: BTreeMap<String, Spanned<String>>,
    pub(super) max_session: Spanned<String>,
    pub(super) revoke_within: Spanned<String>,
    pub(super) inspect_every: Option<Spanned<String>>,
    pub(super) drill_every: Option<Spanned<String>>,
    pub(super) ticket_pattern: Option<Spanned<String>>,
    pub(super) login: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) also_needed: Vec<Spanned<String>>,
    pub(super) laptop: Option<Spanned<String>>,
    pub(super) by_phone: Option<Spanned<String>>,
    pub(super) custodians: Spanned<Vec<RawCustodian>>,
    #[serde(default)]
    pub(super) release: RawRelease,
    pub(super) rotation: Option<RawRotation>,
    #[serde(default)]
    pub(super) audit: RawAudit,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCustodian {
    pub(super) name: Spanned<String>,
    pub(super) id: Spanned<String>,
    pub(super) share: Spanned<u8>,
    pub(super) copy: Option<Spanned<String>>,
    pub(super) site: Spanned<String>,
    pub(super) recipient: Option<Spanned<toml::Value>>,
    pub(super) lang: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) large_print: bool,
    pub(super) lock: Option<Spanned<String>>,
    pub(super) second_way: Option<Spanned<String>>,
}

/// The fields this program knows, to find those of a newer one in a dealt copy.
const KNOWN: [&str; 23] = [
    "id",
    "name",
    "owner_team",
    "owner_contact",
    "platform",
    "scope",
    "k",
    "n",
    "permitted_uses",
    "own_uses",
    "max_session",
    "revoke_within",
    "inspect_every",
    "drill_every",
    "ticket_pattern",
    "login",
    "also_needed",
    "laptop",
    "by_phone",
    "custodians",
    "release",
    "rotation",
    "audit",
];
const KNOWN_CUSTODIAN: [&str; 10] = [
    "name",
    "id",
    "share",
    "copy",
    "site",
    "lang",
    "large_print",
    "recipient",
    "lock",
    "second_way",
];

/// Returns a dealt copy without the fields that a newer program knew, and their names.
pub(super) fn without_unknown(text: &str) -> Result<(String, Vec<String>), MethodError> {
    let mut table: toml::Table = toml::from_str(text).map_err(|e| error(&e))?;
    let mut unknown = Vec::new();
    let mut strip = |table: &mut toml::Table, known: &[&str], prefix: &str| {
        let strange: Vec<String> =
            table.keys().filter(|key| !known.contains(&key.as_str())).cloned().collect();
        for key in strange {
            table.remove(&key);
            unknown.push(format!("{prefix}{key}"));
        }
    };
    strip(&mut table, &KNOWN, "");
    if let Some(toml::Value::Table(release)) = table.get_mut("release") {
        strip(release, &["layout", "env"], "release.");
    }
    if let Some(toml::Value::Table(rotation)) = table.get_mut("rotation") {
        strip(rotation, &["driver", "pin", "target"], "rotation.");
    }
    if let Some(toml::Value::Table(audit)) = table.get_mut("audit") {
        strip(audit, &super::audit::KNOWN, "audit.");
    }
    if let Some(toml::Value::Array(custodians)) = table.get_mut("custodians") {
        for custodian in custodians.iter_mut().filter_map(toml::Value::as_table_mut) {
            strip(custodian, &KNOWN_CUSTODIAN, "custodians.");
        }
    }
    // written anew, so that the carets have lines to point at
    let text = table.to_string();
    unknown.dedup();
    Ok((text, unknown))
}

/// Returns toml's own message, which draws line and caret and ends with a line feed.
pub(super) fn error(error: &toml::de::Error) -> MethodError {
    MethodError::Toml(error.to_string().trim_end().to_owned())
}
