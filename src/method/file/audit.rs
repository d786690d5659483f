//! `[audit]`: what an auditor is to know of a method, and nobody else needs.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::MethodError;
use super::check::Checker;
use crate::clock::Instant;
use crate::sealing::lock;

/// The fields that this program knows.
pub(super) const KNOWN: [&str; 6] =
    ["recipients", "addresses", "methods_per_team", "max_age", "exemptions", "acknowledged"];

/// What an auditor is to know.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    /// age recipients that recordings of sessions are encrypted to.
    pub recipients: Vec<String>,
    /// Beginnings of network addresses that it is used from; none: any.
    pub addresses: Vec<String>,
    /// How many methods the owner team may have.
    pub methods_per_team: Option<u16>,
    /// How old a credential may get, hours.
    pub max_age: Option<u16>,
    /// Rules of clean-ups that do not touch the credential.
    pub exemptions: Vec<Exemption>,
    /// When custodians have signed what they know, by id.
    pub acknowledged: BTreeMap<String, Instant>,
}

/// One rule of a clean-up that the credential is exempt from.
#[derive(Clone, Debug)]
pub struct Exemption {
    /// The rule.
    pub rule: String,
    /// Where it says so.
    pub evidence: String,
    /// By when somebody looks at it again.
    pub review_by: Instant,
}

/// The table as it is written.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAudit {
    #[serde(default)]
    recipients: Vec<Spanned<String>>,
    #[serde(default)]
    addresses: Vec<Spanned<String>>,
    methods_per_team: Option<Spanned<u16>>,
    max_age: Option<Spanned<String>>,
    #[serde(default)]
    exemptions: Vec<RawExemption>,
    #[serde(default)]
    acknowledged: BTreeMap<String, Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawExemption {
    rule: Spanned<String>,
    evidence: Spanned<String>,
    review_by: Spanned<String>,
}

impl Checker<'_> {
    pub(super) fn audit(&self, raw: &RawAudit) -> Result<Audit, MethodError> {
        let exemption = |raw: &RawExemption| {
            Ok(Exemption {
                rule: self.printed(&raw.rule)?,
                evidence: self.printed(&raw.evidence)?,
                review_by: self.day(&raw.review_by)?,
            })
        };
        let mut acknowledged = BTreeMap::new();
        for (id, day) in &raw.acknowledged {
            acknowledged.insert(id.clone(), self.day(day)?);
        }
        Ok(Audit {
            recipients: raw
                .recipients
                .iter()
                .map(|text| self.auditor(text))
                .collect::<Result<_, _>>()?,
            addresses: raw
                .addresses
                .iter()
                .map(|text| self.printed(text))
                .collect::<Result<_, _>>()?,
            methods_per_team: raw.methods_per_team.as_ref().map(|n| *n.get_ref()),
            max_age: raw.max_age.as_ref().map(|text| self.time(text, 'd', 24)).transpose()?,
            exemptions: raw.exemptions.iter().map(exemption).collect::<Result<_, _>>()?,
            acknowledged,
        })
    }

    fn auditor(&self, text: &Spanned<String>) -> Result<String, MethodError> {
        let recipient = text.get_ref().trim();
        if recipient.starts_with("AGE-SECRET-KEY-") {
            let what = "this is a secret key: treat it as leaked, make another, and write its recipient (age1…) here";
            return Err(self.rule(text.span(), what));
        }
        lock::check_recipient(recipient).map_err(|e| self.rule(text.span(), &e.to_string()))?;
        Ok(recipient.to_owned())
    }

    fn day(&self, text: &Spanned<String>) -> Result<Instant, MethodError> {
        let day = Instant::parse(&format!("{}T00:00:00Z", text.get_ref().trim()));
        day.map_err(|_| self.rule(text.span(), "a day is written like 2027-03-31"))
    }
}
