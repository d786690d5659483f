//! The rules of a method file; whoever breaks one is shown line and caret.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use unicode_normalization::UnicodeNormalization;

use super::raw::Raw;
use super::{ByPhone, Custodian, Method, MethodError};
use crate::method::caret::caret;
use crate::set::manifest::{MAX_ID, MAX_TEXT, has_forbidden};
use crate::set::{STANDARD_USES, SheetId, Uses};
use crate::sharing::Threshold;

/// Hours between drills, and between looks at a bag, where the file does not say.
const QUARTER: u16 = 90 * 24;

/// Most characters of a text that is printed.
const MAX_PRINTED: usize = 200;

/// Checks the rules, with the file's text at hand for the caret.
pub(super) struct Checker<'a> {
    pub(super) text: &'a str,
}

impl Checker<'_> {
    pub(super) fn method(&self, raw: &Raw) -> Result<Method, MethodError> {
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
        let (layout, env) = self.release(&raw.release)?;
        Ok(Method {
            layout,
            env,
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
            inspect_every: self.every(raw.inspect_every.as_ref())?,
            drill_every: self.every(raw.drill_every.as_ref())?,
            ticket_pattern: optional(&raw.ticket_pattern)?,
            login: optional(&raw.login)?,
            also_needed: raw
                .also_needed
                .iter()
                .map(|t| self.printed(t))
                .collect::<Result<_, _>>()?,
            laptop: optional(&raw.laptop)?,
            by_phone: self.by_phone(raw.by_phone.as_ref())?,
            rotation: self.rotation(raw.rotation.as_ref())?,
            audit: self.audit(&raw.audit)?,
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
    pub(super) fn printed(&self, text: &Spanned<String>) -> Result<String, MethodError> {
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
    pub(super) fn time(
        &self,
        text: &Spanned<String>,
        large: char,
        factor: u16,
    ) -> Result<u16, MethodError> {
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

    fn by_phone(&self, text: Option<&Spanned<String>>) -> Result<ByPhone, MethodError> {
        let Some(text) = text else { return Ok(ByPhone::Exception) };
        match text.get_ref().as_str() {
            "no" => Ok(ByPhone::No),
            "exception" => Ok(ByPhone::Exception),
            "yes" => Ok(ByPhone::Yes),
            _ => Err(self.rule(text.span(), "there are \"no\", \"exception\" and \"yes\"")),
        }
    }

    fn every(&self, text: Option<&Spanned<String>>) -> Result<u16, MethodError> {
        text.map_or(Ok(QUARTER), |text| self.time(text, 'd', 24))
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
                lang: entry.lang.as_ref().map(|tag| self.tag(tag)).transpose()?,
                large_print: entry.large_print,
                lock: self.lock(entry)?,
                second_way: entry
                    .second_way
                    .as_ref()
                    .map_or(Ok(String::new()), |text| self.printed(text))?,
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

    fn tag(&self, tag: &Spanned<String>) -> Result<String, MethodError> {
        let text = tag.get_ref();
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if (2..=12).contains(&text.len()) && text.chars().all(plain) {
            return Ok(text.clone());
        }
        Err(self.rule(tag.span(), "a language is a tag like \"de\" or \"pt-BR\""))
    }

    pub(super) fn rule(&self, span: Range<usize>, message: &str) -> MethodError {
        MethodError::Rule(caret(self.text, span, message))
    }
}
