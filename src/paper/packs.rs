//! The papers of a kit, in four packs: who needs which.
//!
//! Their texts lie in `custodian-kit/PACK/NAME.md`, to be read as they are; `init` lays them into every kit.

/// The papers of one kind of people.
#[derive(Debug)]
pub struct Pack {
    /// Name, and the folder in the kit.
    pub name: &'static str,
    /// Whose papers they are.
    pub whose: &'static str,
    documents: &'static [(&'static str, &'static str)],
}

macro_rules! pack {
    ($name:literal, $whose:literal, [$($document:literal),*]) => {
        Pack {
            name: $name,
            whose: $whose,
            documents: &[$((
                $document,
                include_str!(concat!("../../custodian-kit/", $name, "/", $document, ".md")),
            )),*],
        }
    };
}

/// The packs, in the order of an incident.
pub const PACKS: [Pack; 4] = [
    pack!(
        "custodian",
        "of each custodian",
        ["custodian-start", "custody-card", "label", "receipt"]
    ),
    pack!("operator", "of whoever is on call", ["operator-start", "operator-card", "slip"]),
    pack!(
        "owner",
        "of the team that owns the method",
        [
            "method-sheet",
            "issue-script",
            "rotation-script",
            "drill-checklist",
            "destruction",
            "transfer",
            "loss-report",
            "inventory",
            "notification"
        ]
    ),
    pack!("auditor", "of the auditor", ["auditor-start", "audit-checklist", "evidence", "book"]),
];

impl Pack {
    /// Finds a pack by its name.
    pub fn named(name: &str) -> Option<&'static Self> {
        PACKS.iter().find(|pack| pack.name == name)
    }

    /// Returns the names of its built-in documents, in the order in which they are read.
    pub fn documents(&self) -> impl Iterator<Item = &'static str> {
        self.documents.iter().map(|(name, _)| *name)
    }

    /// Returns the built-in documents as files of a kit: path and text.
    pub fn files(&self) -> impl Iterator<Item = (String, &'static str)> {
        self.documents.iter().map(|(name, text)| (format!("{}/{name}.md", self.name), *text))
    }
}

/// Returns the pack and the text of a built-in document.
pub(super) fn built_in(name: &str) -> Option<(&'static Pack, &'static str)> {
    PACKS.iter().find_map(|pack| {
        let (_, text) = pack.documents.iter().find(|(known, _)| *known == name)?;
        Some((pack, *text))
    })
}

/// What the head of a document says of it: `C2, version 1, any generation.`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edition {
    /// Number in its pack, `C2`.
    pub id: String,
    /// Goes up whenever its words change.
    pub version: u32,
    /// Whether nothing on it changes at a rotation.
    pub any_generation: bool,
}

impl Edition {
    /// Reads the first line of the comment at the top; `None` where there is none of that form.
    pub fn of(text: &str) -> Option<Self> {
        let head = text.trim_start().strip_prefix("<!--")?.trim_start().split('.').next()?;
        let mut parts = head.split(", ");
        let id = parts.next()?;
        let version = parts.next()?.strip_prefix("version ")?.parse().ok()?;
        let (letter, number) = id.split_at_checked(1)?;
        let plain = letter.bytes().all(|b| b.is_ascii_uppercase()) && number.parse::<u8>().is_ok();
        let any_generation = parts.next() == Some("any generation");
        plain.then(|| Self { id: id.to_owned(), version, any_generation })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_document_has_its_number_in_its_pack_and_a_version() {
        for (pack, letter) in PACKS.iter().zip(["C", "O", "T", "A"]) {
            for (i, (name, text)) in pack.documents.iter().enumerate() {
                let edition = Edition::of(text).unwrap_or_else(|| panic!("{name}: no edition"));
                assert_eq!(edition.id, format!("{letter}{}", i + 1), "{name}");
                assert!(edition.version > 0, "{name}");
            }
        }
        assert_eq!(Edition::of("<!--\nour own form\n-->"), None);
        let card = Edition::of("<!--\nO2, version 3, any generation. The card\n-->").unwrap();
        assert_eq!((&*card.id, card.version, card.any_generation), ("O2", 3, true));
    }
}
