//! `[rotation]`: which driver makes the next credential and revokes the last, and where.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::MethodError;
use super::check::Checker;

/// Texts of a target that are no place on a platform but a way around this file.
const MAX_TARGET: usize = 32;

/// Who changes the credential on its platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// A driver that is built in, or `drivers/NAME` in the kit, or an absolute path.
    pub driver: String,
    /// SHA-256 of an external driver.
    pub pin: Option<[u8; 32]>,
    /// What it is told about the platform; no secrets.
    pub target: BTreeMap<String, String>,
}

impl Rotation {
    /// Says whether the driver is a file of its own.
    pub fn is_external(&self) -> bool {
        self.driver.contains('/')
    }
}

/// The table as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRotation {
    driver: Spanned<String>,
    pin: Option<Spanned<String>>,
    #[serde(default)]
    target: BTreeMap<String, Spanned<Text>>,
}

/// A text, or a number that stands for one: a port.
#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Text(String),
    Number(i64),
}

impl Checker<'_> {
    pub(super) fn rotation(
        &self,
        raw: Option<&RawRotation>,
    ) -> Result<Option<Rotation>, MethodError> {
        let Some(raw) = raw else { return Ok(None) };
        let driver = self.printed(&raw.driver)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let external = driver.contains('/');
        let inside = driver.strip_prefix("drivers/").is_some_and(|name| name.chars().all(plain));
        if driver.is_empty()
            || external && !inside && !driver.starts_with('/')
            || driver.contains("..")
        {
            let what = "a driver is a built-in name, or a file `drivers/NAME` of this kit, or an absolute path";
            return Err(self.rule(raw.driver.span(), what));
        }
        let pin = match &raw.pin {
            None if external => {
                let what = "a driver that is not built in needs a pin: pin = \"sha256:…\" (sha256sum FILE)";
                return Err(self.rule(raw.driver.span(), what));
            }
            None => None,
            Some(pin) if !external => {
                return Err(self.rule(pin.span(), "a driver that is built in has no pin"));
            }
            Some(pin) => Some(sha256(pin.get_ref()).ok_or_else(|| {
                self.rule(pin.span(), "a pin is `sha256:` and 64 hexadecimal digits")
            })?),
        };
        if raw.target.len() > MAX_TARGET {
            return Err(self.rule(raw.driver.span(), "a target has at most 32 texts"));
        }
        let mut target = BTreeMap::new();
        for (name, value) in &raw.target {
            let text = match value.get_ref() {
                Text::Text(text) => text.clone(),
                Text::Number(number) => number.to_string(),
            };
            let value = Spanned::new(value.span(), text);
            target.insert(name.clone(), self.printed(&value)?);
        }
        Ok(Some(Rotation { driver, pin, target }))
    }
}

fn sha256(text: &str) -> Option<[u8; 32]> {
    let digits = text.strip_prefix("sha256:").filter(|digits| digits.len() == 64)?;
    let mut out = [0; 32];
    for (i, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    Some(out)
}
