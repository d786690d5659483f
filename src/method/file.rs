//! `method.toml` → [`Method`]. Every error draws the line and a caret.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use unicode_normalization::UnicodeNormalization;

use super::caret::caret;
use crate::set::SheetId;
use crate::set::manifest::{MAX_ID, MAX_TEXT, has_forbidden};
use crate::set::{STANDARD_USES, Uses};
use crate::sharing::Threshold;

/// Most bytes of a method file.
pub const MAX_FILE: usize = 256 * 1024;

/// Most characters of a text that is printed.
const MAX_PRINTED: usize = 200;

/// A method file whose rules hold.
#[derive(Clone, Debug)]
pub struct Method {
    /// 1 to 32 bytes: lower-case letters, digits, hyphens.
    pub id: String,
    /// For people.
    pub name: String,
    /// Who answers for it.
    pub owner_team: String,
    /// How to reach them without the systems that may be down.
    pub owner_contact: String,
    /// What kind of platform, for example `aws-iam-access-key`.
    pub platform: String,
    /// What it reaches, up to 48 bytes.
    pub scope: String,
    /// k of n.
    pub threshold: Threshold,
    /// What it may be released for.
    pub uses: Uses,
    /// The method's own uses in words, by code `OWN-1` … `OWN-8`.
    pub own_uses: BTreeMap<String, String>,
    /// Minutes that a release lasts.
    pub max_session: u16,
    /// Hours from a release to its revocation.
    pub revoke_within: u16,
    /// How to log in, printed on the sheet.
    pub login: String,
    /// What else is needed, printed on the sheet.
    pub also_needed: Vec<String>,
    /// Where the break-glass laptop is, printed on the sheet.
    pub laptop: String,
    /// One per sheet, by sheet.
    pub custodians: Vec<Custodian>,
}

/// Who holds a sheet.
#[derive(Clone, Debug)]
pub struct Custodian {
    /// As printed on the sheet.
    pub name: String,
    /// Company id.
    pub id: String,
    /// The sheet they hold.
    pub sheet: SheetId,
    /// Where the safe is.
    pub site: String,
}

/// Why a method file is not valid.
#[derive(Debug, thiserror::Error)]
pub enum MethodError {
    /// Not TOML, or not these fields; the text is toml's own, with line and caret.
    #[error("{0}")]
    Toml(String),
    /// A rule is broken; the text draws line and caret.
    #[error("{0}")]
    Rule(String),
    /// A custodian wants a lock, which this version does not print.
    #[error(
        "{0}\nlocked sheets are not built yet, and the sheet is never silently printed unlocked"
    )]
    Locked(String),
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    id: Spanned<String>,
    name: Spanned<String>,
    owner_team: Spanned<String>,
    owner_contact: Spanned<String>,
    platform: Spanned<String>,
    scope: Spanned<String>,
    k: Spanned<u8>,
    n: Spanned<u8>,
    permitted_uses: Vec<Spanned<String>>,
    #[serde(default)]
    own_uses: BTreeMap<String, Spanned<String>>,
    max_session: Spanned<String>,
    revoke_within: Spanned<String>,
    login: Option<Spanned<String>>,
    #[serde(default)]
    also_needed: Vec<Spanned<String>>,
    laptop: Option<Spanned<String>>,
    custodians: Spanned<Vec<RawCustodian>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCustodian {
    name: Spanned<String>,
    id: Spanned<String>,
    share: Spanned<u8>,
    copy: Option<Spanned<String>>,
    site: Spanned<String>,
    recipient: Option<Spanned<String>>,
}

/// The fields this program knows, to find those of a newer one in a dealt copy.
const KNOWN: [&str; 16] = [
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
    "login",
    "also_needed",
    "laptop",
    "custodians",
];
const KNOWN_CUSTODIAN: [&str; 6] = ["name", "id", "share", "copy", "site", "recipient"];

impl Method {
    /// Reads a method file that is to be dealt: unknown fields are errors.
    pub fn parse(text: &str) -> Result<Self, MethodError> {
        let raw = toml::from_str(text).map_err(|e| MethodError::Toml(tidy(&e.to_string())))?;
        Checker { text }.method(&raw)
    }

    /// Reads a dealt copy: fields that a newer program knew are left out and named.
    pub fn parse_dealt(text: &str) -> Result<(Self, Vec<String>), MethodError> {
        if let Ok(method) = Self::parse(text) {
            return Ok((method, Vec::new()));
        }
        let toml_error = |e: toml::de::Error| MethodError::Toml(tidy(&e.to_string()));
        let mut table: toml::Table = toml::from_str(text).map_err(toml_error)?;
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
        if let Some(toml::Value::Array(custodians)) = table.get_mut("custodians") {
            for custodian in custodians.iter_mut().filter_map(toml::Value::as_table_mut) {
                strip(custodian, &KNOWN_CUSTODIAN, "custodians.");
            }
        }
        // written anew, so that the carets have lines to point at
        let text = table.to_string();
        unknown.dedup();
        Ok((Self::parse(&text)?, unknown))
    }

    /// Returns the custodian of a sheet.
    pub fn custodian(&self, sheet: SheetId) -> Option<&Custodian> {
        self.custodians.iter().find(|c| c.sheet == sheet)
    }

    /// Returns the permitted uses with their words.
    pub fn uses_in_words(&self) -> Vec<(String, String)> {
        self.uses
            .codes()
            .into_iter()
            .map(|code| (self.use_in_words(&code), code))
            .map(|(w, c)| (c, w))
            .collect()
    }

    fn use_in_words(&self, code: &str) -> String {
        let standard = STANDARD_USES.iter().find(|(c, _)| *c == code).map(|(_, w)| (*w).to_owned());
        standard.or_else(|| self.own_uses.get(code).cloned()).unwrap_or_default()
    }
}

/// toml's message ends with a line feed.
fn tidy(message: &str) -> String {
    message.trim_end().to_owned()
}

/// Checks the rules, with the file's text at hand for the caret.
struct Checker<'a> {
    text: &'a str,
}

impl Checker<'_> {
    fn method(&self, raw: &Raw) -> Result<Method, MethodError> {
        let id = self.id(&raw.id)?;
        let (k, n) = (*raw.k.get_ref(), *raw.n.get_ref());
        let threshold = Threshold::new(k, n).map_err(|e| {
            let at = if n > crate::sharing::MAX_SHARES { &raw.n } else { &raw.k };
            self.rule(at.span(), &e.to_string())
        })?;
        let uses = self.uses(&raw.permitted_uses, &raw.own_uses)?;
        let mut own_uses = BTreeMap::new();
        for (code, words) in &raw.own_uses {
            own_uses.insert(code.clone(), self.printed(words)?);
        }
        let optional = |text: &Option<Spanned<String>>| {
            text.as_ref().map_or(Ok(String::new()), |text| self.printed(text))
        };
        Ok(Method {
            id,
            name: self.printed(&raw.name)?,
            owner_team: self.printed(&raw.owner_team)?,
            owner_contact: self.printed(&raw.owner_contact)?,
            platform: self.printed(&raw.platform)?,
            scope: self.short(&raw.scope)?,
            threshold,
            uses,
            own_uses,
            max_session: self.time(&raw.max_session, 'h', 60)?,
            revoke_within: self.time(&raw.revoke_within, 'd', 24)?,
            login: optional(&raw.login)?,
            also_needed: raw
                .also_needed
                .iter()
                .map(|t| self.printed(t))
                .collect::<Result<_, _>>()?,
            laptop: optional(&raw.laptop)?,
            custodians: self.custodians(raw, threshold)?,
        })
    }

    fn id(&self, id: &Spanned<String>) -> Result<String, MethodError> {
        let text = id.get_ref();
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if text.is_empty() || text.len() > MAX_ID || !text.bytes().all(plain) {
            return Err(
                self.rule(id.span(), "an id has 1 to 32 lower-case letters, digits and hyphens")
            );
        }
        Ok(text.clone())
    }

    /// A text that is printed or shown: NFC, no controls, not endless.
    fn printed(&self, text: &Spanned<String>) -> Result<String, MethodError> {
        let nfc: String = text.get_ref().nfc().collect();
        if has_forbidden(&nfc) {
            return Err(
                self.rule(text.span(), "control characters and direction marks may not stand here")
            );
        }
        if nfc.chars().count() > MAX_PRINTED {
            return Err(self.rule(text.span(), "at most 200 characters fit on paper"));
        }
        Ok(nfc.trim().to_owned())
    }

    /// A text that goes into the manifest.
    fn short(&self, text: &Spanned<String>) -> Result<String, MethodError> {
        let nfc = self.printed(text)?;
        if nfc.len() > MAX_TEXT {
            return Err(self.rule(text.span(), "at most 48 bytes fit the manifest"));
        }
        Ok(nfc)
    }

    /// `4h`, `90m`, `2d`: a number of the larger unit (`large`, so many of the smaller), or of the smaller one.
    fn time(&self, text: &Spanned<String>, large: char, factor: u16) -> Result<u16, MethodError> {
        let small = if large == 'h' { 'm' } else { 'h' };
        let read = |text: &str| -> Option<u16> {
            let unit = text.chars().last()?;
            let number: u16 = text[..text.len() - unit.len_utf8()].parse().ok()?;
            let times = if unit == large { factor } else { 1 };
            let known = unit == large || unit == small;
            number.checked_mul(times).filter(|&t| t > 0 && known)
        };
        read(text.get_ref()).ok_or_else(|| {
            self.rule(text.span(), &format!("a time is written like 12{small} or 2{large}"))
        })
    }

    fn uses(
        &self,
        listed: &[Spanned<String>],
        own: &BTreeMap<String, Spanned<String>>,
    ) -> Result<Uses, MethodError> {
        let mut uses = Uses::default();
        for code in listed {
            uses = uses.with(code.get_ref()).ok_or_else(|| {
                let known: Vec<&str> = STANDARD_USES.iter().map(|(c, _)| *c).collect();
                let known = known.join(", ");
                self.rule(code.span(), &format!("no such use; there are {known}, OWN-1 to OWN-8"))
            })?;
            if code.get_ref().starts_with("OWN-") && !own.contains_key(code.get_ref()) {
                return Err(self.rule(code.span(), "say under [own_uses] what this use is"));
            }
        }
        for (code, words) in own {
            if !code.starts_with("OWN-") || !uses.contain(code) {
                return Err(self.rule(words.span(), "not among permitted_uses as OWN-1 to OWN-8"));
            }
        }
        Ok(uses)
    }

    fn custodians(&self, raw: &Raw, threshold: Threshold) -> Result<Vec<Custodian>, MethodError> {
        let mut custodians: Vec<Custodian> = Vec::new();
        for entry in raw.custodians.get_ref() {
            if let Some(recipient) = &entry.recipient {
                return Err(MethodError::Locked(caret(
                    self.text,
                    recipient.span(),
                    "a lock for this custodian",
                )));
            }
            let share = *entry.share.get_ref();
            if share == 0 || share > threshold.n() {
                let n = threshold.n();
                return Err(self.rule(entry.share.span(), &format!("shares are numbered 1 to {n}")));
            }
            let letter = entry.copy.as_ref().map_or("a", |copy| copy.get_ref());
            let copy_span = entry.copy.as_ref().map_or(entry.share.span(), Spanned::span);
            let sheet = SheetId::parse(&format!("{share}{letter}"))
                .ok_or_else(|| self.rule(copy_span.clone(), "a copy is one letter, a to z"))?;
            let person = Custodian {
                name: self.printed(&entry.name)?,
                id: self.printed(&entry.id)?,
                sheet,
                site: self.printed(&entry.site)?,
            };
            if person.name.is_empty() || person.id.is_empty() {
                return Err(self.rule(entry.name.span(), "a custodian has a name and an id"));
            }
            if let Some(other) = custodians.iter().find(|c| c.sheet == sheet) {
                return Err(self.rule(
                    copy_span,
                    &format!(
                        "sheet {sheet} is already {}'s; two people cannot hold one sheet",
                        other.name
                    ),
                ));
            }
            if let Some(other) = custodians.iter().find(|c| c.id == person.id) {
                return Err(self.rule(
                    entry.id.span(),
                    &format!(
                        "{} holds sheet {} already; one person holds one sheet",
                        other.name, other.sheet
                    ),
                ));
            }
            custodians.push(person);
        }
        for x in 1..=threshold.n() {
            let copies: Vec<u8> =
                custodians.iter().filter(|c| c.sheet.x() == x).map(|c| c.sheet.copy()).collect();
            if copies.is_empty() {
                return Err(self.rule(
                    raw.n.span(),
                    &format!("nobody holds share {x}; n is {}", threshold.n()),
                ));
            }
        }
        custodians.sort_by_key(|c| c.sheet);
        Ok(custodians)
    }

    fn rule(&self, span: Range<usize>, message: &str) -> MethodError {
        MethodError::Rule(caret(self.text, span, message))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const GOOD: &str = include_str!("../../custodian-kit/method.toml");

    fn broken(from: &str, to: &str) -> String {
        assert!(GOOD.contains(from), "{from}");
        Method::parse(&GOOD.replacen(from, to, 1)).unwrap_err().to_string()
    }

    #[test]
    fn the_example_is_valid() {
        let method = Method::parse(GOOD).unwrap();
        assert_eq!((method.threshold.k(), method.threshold.n()), (3, 5));
        assert_eq!(method.max_session, 240);
        assert_eq!(method.revoke_within, 24);
        assert_eq!(method.custodians[2].sheet.to_string(), "3a");
    }

    #[test]
    fn every_error_draws_its_line() {
        let error = broken("k = 3", "k = 6");
        assert!(
            error.contains("k = 6") && error.contains('^') && error.contains("6 of 5"),
            "{error}"
        );
        assert!(broken("k = 3", "k = 1").contains("the secret"));
        assert!(broken("n = 5", "n = 33").contains("at most 32"));
        assert!(broken("k = 3", "kk = 3").contains("unknown field"));
        assert!(broken("\"4h\"", "\"4 hours\"").contains("12m or 2h"));
        assert!(broken("\"IDP-DOWN\"", "\"BORED\"").contains("no such use"));
        assert!(broken("share = 2", "share = 1").contains("already"));
        assert!(broken("share = 2", "share = 9").contains("numbered 1 to 5"));
        assert!(broken("id = \"E1002\"", "id = \"E1001\"").contains("one person"));
        assert!(
            broken("id = \"E1002\"", "id = \"E1002\"\nrecipient = \"age1x\"").contains("unlocked")
        );
        assert!(broken("Ben Hart", "Ben\\nHart").contains("control characters"));
    }

    #[test]
    fn a_dealt_copy_of_a_newer_program_only_warns() {
        let newer = GOOD.replacen("k = 3", "k = 3\ncolour = \"red\"", 1);
        assert!(Method::parse(&newer).is_err());
        let (method, unknown) = Method::parse_dealt(&newer).unwrap();
        assert_eq!(method.threshold.k(), 3);
        assert_eq!(unknown, ["colour"]);
        assert!(Method::parse_dealt("k = ").is_err());
    }
}
