//! `contacts.toml`: how to reach the custodians today. It is never dealt and may change any day.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Phones and deputies by custodian id.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Contacts(BTreeMap<String, Contact>);

/// One custodian's ways.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// Phone number as dialled.
    #[serde(default)]
    pub phone: String,
    /// Who else can open this holder's safe, with a phone number.
    #[serde(default)]
    pub deputies: Vec<String>,
    /// Where the safe is, in words.
    #[serde(default)]
    pub place: String,
}

impl Contacts {
    /// Reads the file; the error is toml's, with line and caret.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|e| e.to_string().trim_end().to_owned())
    }

    /// Says whether somebody else can open a holder's safe.
    pub fn has_deputy(&self, id: &str) -> bool {
        self.0.get(id).is_some_and(|contact| !contact.deputies.is_empty())
    }

    /// Returns who else can open a holder's safe, as it is written.
    pub fn deputies(&self, id: &str) -> &[String] {
        self.0.get(id).map_or(&[], |contact| &contact.deputies)
    }

    /// Returns how to reach a custodian, in one line; empty when nothing is known.
    pub fn line(&self, id: &str) -> String {
        let Some(contact) = self.0.get(id) else { return String::new() };
        let deputies = contact.deputies.join(", ");
        let deputies = if deputies.is_empty() { deputies } else { format!("deputy: {deputies}") };
        let parts = [contact.phone.clone(), contact.place.clone(), deputies];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        // the file is edited by hand: nothing of it may steer a terminal
        parts.join("; ").chars().filter(|c| !c.is_control()).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn one_line_a_person() {
        let contacts = Contacts::parse(include_str!("../../custodian-kit/contacts.toml")).unwrap();
        assert!(contacts.line("E1001").starts_with("+31"));
        assert_eq!(contacts.line("nobody"), "");
        assert!(Contacts::parse("[E1]\nfax = 1").is_err());
    }
}
