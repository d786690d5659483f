//! What a credential may be released for (`codes/format.md` §4).

/// The standard permitted uses, bit 0 first: code and what it means.
pub const STANDARD_USES: [(&str, &str); 7] = [
    ("IDP-DOWN", "the identity provider is down"),
    ("MFA-DOWN", "the second factor is down"),
    ("ACL-BROKEN", "access rights are broken or lost"),
    ("FACILITY-DOWN", "VPN or jump host is down"),
    ("DATA-URGENT", "restricted data is needed urgently, once"),
    ("DRILL", "a drill"),
    ("ROTATION", "a planned rotation"),
];

/// Bit of a method's first own use, `OWN-1`; there are eight.
const OWN_FIRST: u32 = 8;

/// Permitted uses, a bit each; bit 7 is never set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uses(u16);

impl Uses {
    /// Takes the bits; bit 7 means nothing and is refused.
    pub fn from_bits(bits: u16) -> Option<Self> {
        (bits & 0x80 == 0).then_some(Self(bits))
    }

    /// Returns the bits.
    pub fn bits(self) -> u16 {
        self.0
    }

    /// Returns the uses with one more, by its code; `None` for a code that does not exist.
    #[must_use]
    pub fn with(self, code: &str) -> Option<Self> {
        let bit = match code.strip_prefix("OWN-").and_then(|n| n.parse::<u32>().ok()) {
            Some(own @ 1..=8) => OWN_FIRST + own - 1,
            Some(_) => return None,
            None => u32::try_from(STANDARD_USES.iter().position(|(c, _)| *c == code)?).ok()?,
        };
        Some(Self(self.0 | 1 << bit))
    }

    /// Says whether a code is among them.
    pub fn contain(self, code: &str) -> bool {
        self.with(code) == Some(self)
    }

    /// Returns the codes, lowest bit first.
    pub fn codes(self) -> Vec<String> {
        let standard = STANDARD_USES.iter().map(|(code, _)| (*code).to_owned());
        let own = (1..=8).map(|n| format!("OWN-{n}"));
        standard.chain(own).filter(|code| self.contain(code)).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn uses_have_their_bits() {
        let uses = Uses::from_bits(0b1_0001_1111).unwrap();
        assert_eq!(
            uses.codes(),
            ["IDP-DOWN", "MFA-DOWN", "ACL-BROKEN", "FACILITY-DOWN", "DATA-URGENT", "OWN-1"]
        );
        assert!(Uses::from_bits(0x80).is_none());
        assert!(Uses::default().with("OWN-9").is_none() && Uses::default().with("").is_none());
    }
}
