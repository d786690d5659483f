//! `method.toml` → [`Method`]. Every error draws the line and a caret.

pub mod audit;
mod check;
mod lock;
mod raw;
mod release;
mod rotation;

use std::collections::BTreeMap;

pub use self::audit::Audit;
use self::check::Checker;
pub use self::lock::{Lock, short};
pub use self::release::Source;
pub use self::rotation::Rotation;
use crate::credential::Layout;
use crate::set::{STANDARD_USES, SheetId, Uses};
use crate::sharing::Threshold;

/// Most bytes of a method file.
pub const MAX_FILE: usize = 256 * 1024;

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
    /// Hours from one look at bag and seal to the next.
    pub inspect_every: u16,
    /// Hours from one drill to the next.
    pub drill_every: u16,
    /// What an incident ticket looks like: `#` for digits, `*` for anything; empty where it does not matter.
    pub ticket_pattern: String,
    /// How the credential is laid out.
    pub layout: Layout,
    /// Variables of the program that `combine --exec` runs, and where they come from.
    pub env: BTreeMap<String, Source>,
    /// How to log in, printed on the sheet.
    pub login: String,
    /// What else is needed, printed on the sheet.
    pub also_needed: Vec<String>,
    /// Where the break-glass laptop is, printed on the sheet.
    pub laptop: String,
    /// Whether sheets may be read out by phone.
    pub by_phone: ByPhone,
    /// Who changes the credential on its platform, when a program can.
    pub rotation: Option<Rotation>,
    /// What an auditor is to know.
    pub audit: Audit,
    /// One per sheet, by sheet.
    pub custodians: Vec<Custodian>,
}

/// Whether sheets may be read out by phone instead of being brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByPhone {
    /// Never; done all the same, it is an exception.
    No,
    /// As an exception, with a reason.
    Exception,
    /// Like sheets that are brought.
    Yes,
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
    /// Language of the sheet, a tag like `de`; English where there is none.
    pub lang: Option<String>,
    /// Whether the sheet is set in large print.
    pub large_print: bool,
    /// What the sheet is locked with, if anything.
    pub lock: Option<Lock>,
    /// Where the second way to open the lock is, in words; printed on the sheet.
    pub second_way: String,
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
}

impl Method {
    /// Reads a method file that is to be dealt: unknown fields are errors.
    pub fn parse(text: &str) -> Result<Self, MethodError> {
        let raw = toml::from_str(text).map_err(|e| raw::error(&e))?;
        Checker { text }.method(&raw)
    }

    /// Reads a dealt copy: fields that a newer program knew are left out and named.
    pub fn parse_dealt(text: &str) -> Result<(Self, Vec<String>), MethodError> {
        if let Ok(method) = Self::parse(text) {
            return Ok((method, Vec::new()));
        }
        let (text, unknown) = raw::without_unknown(text)?;
        Ok((Self::parse(&text)?, unknown))
    }

    /// Returns the custodian of a sheet.
    pub fn custodian(&self, sheet: SheetId) -> Option<&Custodian> {
        self.custodians.iter().find(|c| c.sheet == sheet)
    }

    /// Puts somebody else in the place of a custodian, as the records say.
    pub fn hand_over(&mut self, sheet: SheetId, name: &str, id: &str) {
        if let Some(custodian) = self.custodians.iter_mut().find(|c| c.sheet == sheet)
            && (custodian.name != name || custodian.id != id)
        {
            name.clone_into(&mut custodian.name);
            id.clone_into(&mut custodian.id);
            // where the new holder keeps it is not in this file
            custodian.site.clear();
        }
    }

    /// Puts the sheet that was made anew in the place of a destroyed one.
    pub fn replace(&mut self, old: SheetId, new: SheetId) {
        if let Some(custodian) = self.custodians.iter_mut().find(|c| c.sheet == old) {
            custodian.sheet = new;
        }
    }

    /// Returns the custodians who lock their sheets with a passphrase.
    pub fn locked_by_passphrase(&self) -> impl Iterator<Item = &Custodian> {
        self.custodians.iter().filter(|c| c.lock == Some(Lock::Passphrase))
    }

    /// Says whether a ticket looks like the tickets of this organisation.
    pub fn ticket_fits(&self, ticket: &str) -> bool {
        self.ticket_pattern.is_empty() || fits(&self.ticket_pattern, ticket)
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

/// Holds a text against a pattern: `#` stands for one digit or more, `*` for anything.
fn fits(pattern: &str, text: &str) -> bool {
    let Some(first) = pattern.chars().next() else { return text.is_empty() };
    let rest = &pattern[first.len_utf8()..];
    let cuts = || text.char_indices().map(|(i, c)| i + c.len_utf8());
    match first {
        '*' => std::iter::once(0).chain(cuts()).any(|cut| fits(rest, &text[cut..])),
        '#' => {
            let digits = |cut: &usize| text[..*cut].bytes().all(|b| b.is_ascii_digit());
            cuts().take_while(digits).any(|cut| fits(rest, &text[cut..]))
        }
        _ => text.strip_prefix(first).is_some_and(|text| fits(rest, text)),
    }
}

#[cfg(test)]
mod tests;
