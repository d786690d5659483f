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

    /// Returns how to reach a person who holds a sheet: their own line, or what stands behind their name among the deputies.
    pub fn reach(&self, name: &str, id: &str) -> String {
        let own = self.line(id);
        let deputies = self.0.values().flat_map(|contact| &contact.deputies);
        // what follows the name is a number: `Ana Ruiz` is not `Ana Ruiz-Gil`
        let behind = |deputy: &String| {
            let rest = deputy.strip_prefix(name).filter(|_| !name.is_empty())?;
            let rest = rest.trim_start_matches([' ', ',', ':']);
            rest.starts_with(|c: char| c.is_ascii_digit() || "+(".contains(c)).then(|| plain(rest))
        };
        if own.is_empty() { deputies.into_iter().find_map(behind).unwrap_or_default() } else { own }
    }

    /// Returns the ids that this file names.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Returns how to reach a custodian, in one line; empty when nothing is known.
    pub fn line(&self, id: &str) -> String {
        let Some(contact) = self.0.get(id) else { return String::new() };
        let deputies = contact.deputies.join(", ");
        let deputies = if deputies.is_empty() { deputies } else { format!("deputy: {deputies}") };
        let parts = [contact.phone.clone(), contact.place.clone(), deputies];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        plain(&parts.join("; "))
    }
}

/// The file is edited by hand: nothing of it may steer a terminal.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
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
        assert_eq!(contacts.reach("Finn Maas", "E1011"), "+31 20 555 0111");
        for other in ["Finn", "Finn Ma"] {
            assert_eq!(contacts.reach(other, "E1012"), "");
        }
        assert!(contacts.reach("Ana Ruiz", "E1001").starts_with("+31 20 555 0101"));
        assert!(Contacts::parse("[E1]\nfax = 1").is_err());
    }
}
