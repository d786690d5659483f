//! Templates: placeholders are filled in, then the Markdown becomes blocks.
//!
//! Values are texts, not Markdown: whatever stands in a name is printed as it stands. Placeholders
//! are strict, and HTML, links and pictures other than the widgets are refused, so that nothing
//! vanishes silently. Secrets are no values: a widget only marks their place.

mod blocks;
mod reader;
mod widgets;

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Object, Value};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};
use sha2::{Digest, Sha256};

pub(super) use blocks::{Block, Fact, FactStyle, Leaf, Marker, Right, Typed, Words};

#[cfg(test)]
pub(super) use blocks::Run;

use super::PaperError;
use super::theme::Theme;

/// Name of the sheet template in messages.
pub(super) const SHEET: &str = "sheet.md";

/// The first of 128 private characters that stand for ASCII in values until Markdown is read.
const PRIVATE: u32 = 0xE000;

/// Stands for an empty value, so that `**{{ name }}**` stays bold nothing.
const EMPTY: char = '\u{E07F}';

/// Theme and sheet template of one language.
pub struct Templates {
    pub(super) theme: Theme,
    pub(super) language: String,
    sheet: String,
    hash: [u8; 32],
}

impl Templates {
    /// Returns the built-in templates, in English.
    pub fn built_in() -> Result<Self, PaperError> {
        let theme = include_str!("../../templates/theme.toml");
        Self::new("en", theme, include_str!("../../templates/en/sheet.md"))
    }

    /// Takes the texts of `theme.toml` and `sheet.md`; `language` is a tag as in HTML, `en` or `pt-BR`.
    ///
    /// Fails with [`PaperError::Theme`] or, where placeholders are not well formed,
    /// [`PaperError::Template`].
    pub fn new(language: &str, theme: &str, sheet: &str) -> Result<Self, PaperError> {
        let mut hash = Sha256::new();
        // NUL is in neither, so two pairs of files cannot run into each other
        hash.update(theme);
        hash.update([0]);
        hash.update(sheet);
        let (language, sheet) = (language.to_owned(), sheet.to_owned());
        environment(&sheet)?;
        Ok(Self { theme: Theme::parse(theme)?, language, sheet, hash: hash.finalize().into() })
    }

    /// Returns the SHA-256 over the bytes of the theme, a zero byte and the bytes of the sheet template.
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// Renders the section `name` of the sheet template.
    pub(super) fn leaf(&self, name: &str, values: Values) -> Result<Leaf, PaperError> {
        let environment = environment(&self.sheet)?;
        let text = environment
            .get_template(SHEET)
            .and_then(|template| template.render(Value::from_object(values)))
            .map_err(|error| refused(&error))?;
        reader::read(&text, &self.sheet, name)
    }
}

/// What placeholders may name; never a secret.
#[derive(Debug, Default)]
pub(super) struct Values(BTreeMap<&'static str, Value>);

impl Values {
    /// Adds a text, a number or `()` for nothing.
    pub(super) fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        self.0.insert(name, value.into());
    }

    /// Adds a list.
    pub(super) fn list<V: Into<Value>>(
        &mut self,
        name: &'static str,
        values: impl IntoIterator<Item = V>,
    ) {
        self.0.insert(name, values.into_iter().collect());
    }

    /// Adds a list of pairs.
    pub(super) fn pairs(&mut self, name: &'static str, pairs: &[(String, String)]) {
        let pair =
            |(a, b): &(String, String)| [a.as_str(), b.as_str()].into_iter().collect::<Value>();
        self.list(name, pairs.iter().map(pair));
    }
}

impl Object for Values {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.0.get(key.as_str()?).cloned()
    }
}

fn environment(sheet: &str) -> Result<Environment<'_>, PaperError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.map_err(|error| refused(&error))?);
    environment.set_formatter(|out, _, value| {
        if value.is_none() || value.is_undefined() {
            return Err(Error::new(ErrorKind::UndefinedError, "a value that is not there"));
        }
        out.write_str(&literal(&value.to_string())?).map_err(Error::from)
    });
    environment.add_template(SHEET, sheet).map_err(|error| refused(&error))?;
    Ok(environment)
}

fn refused(error: &Error) -> PaperError {
    let line = error.line().unwrap_or(1);
    PaperError::Template { name: SHEET, line, what: what(error) }
}

fn what(error: &Error) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    }
}

/// Replaces ASCII punctuation and blanks by private characters, so that Markdown sees plain letters.
fn literal(value: &str) -> Result<String, Error> {
    if value.is_empty() {
        return Ok(EMPTY.to_string());
    }
    let mut text = String::with_capacity(value.len());
    for sign in value.chars() {
        let code = u32::from(sign);
        if sign.is_control() || (PRIVATE..PRIVATE + 128).contains(&code) {
            let detail = "a value with a control or private character";
            return Err(Error::new(ErrorKind::InvalidOperation, detail));
        }
        let plain = !sign.is_ascii() || sign.is_ascii_alphanumeric();
        text.push(if plain { sign } else { char::from_u32(PRIVATE + code).unwrap_or(sign) });
    }
    Ok(text)
}

/// Undoes [`literal`].
fn restored(text: &str) -> String {
    let ascii = |sign: char| match u32::from(sign).checked_sub(PRIVATE) {
        Some(code @ 0..127) => char::from_u32(code).unwrap_or(sign),
        _ => sign,
    };
    text.chars().filter(|sign| *sign != EMPTY).map(ascii).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn leaf(sheet: &str, name: &str) -> Result<Leaf, PaperError> {
        let theme = include_str!("../../templates/theme.toml");
        let mut values = Values::default();
        values.set("name", name.to_owned());
        values.set("none", ());
        Templates::new("en", theme, sheet)?.leaf("leaf 1", values)
    }

    fn fault(sheet: &str) -> String {
        leaf(sheet, "x").err().map(|e| e.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_value_is_printed_as_it_stands() {
        for name in [
            "A*b*_c_ <x> [y](z) | # `q` \\ &amp; ~~s~~",
            "# a",
            "- a",
            "1. a",
            "    a",
            "---",
            "a  b",
        ] {
            let sheet = "# leaf 1\n\n{{ name }}\n\n**{{ name }}**\n\n`{{ name }}`\n\n![l](huge:{{ name }})\n\n\
                         | a | b |\n|---|---|\n| {{ name }} | c |\n";
            let leaf = leaf(sheet, name).unwrap();
            let [
                Block::Text { words: plain, .. },
                Block::Text { words: bold, .. },
                Block::Text { words: code, .. },
                Block::Facts(facts),
                Block::Table { rows, .. },
            ] = &leaf.blocks[..]
            else {
                panic!("{name}: blocks")
            };
            assert_eq!(plain.plain(), name);
            assert_eq!(bold.plain(), name);
            assert_eq!(code.plain(), name);
            assert_eq!(facts[0].value, name);
            assert_eq!(rows[1][0].plain(), name);
        }
    }

    #[test]
    fn every_fault_names_template_and_line() {
        let faults = [
            ("# leaf 1\n\n{{ nam }}\n", "line 3: undefined value"),
            ("# leaf 1\n\n{{ none }}\n", "line 3: undefined value"),
            ("# leaf 1\n{% if name %}\n", "line 2: syntax error"),
            ("# leaf 1\n\n![a](typo:b)\n", "line 3: unknown widget `typo`"),
            ("# leaf 1\n\n![a](qr:other)\n", "line 3: unknown widget `qr:other`"),
            ("# leaf 1\n\ntext ![a](huge:b)\n", "line 3: widget `huge` stands among text"),
            ("# leaf 1\n\n[a](http://b)\n", "line 3: links are not printed"),
            ("# leaf 1\n\na <b>b</b>\n", "line 3: HTML is not printed"),
            ("# leaf 1\n\n<table>\n", "line 3: HTML is not printed"),
            ("# leaf 2\n", "line 1: there is no section `leaf 1`"),
        ];
        for (sheet, expected) in faults {
            let fault = fault(sheet);
            assert!(fault.starts_with("template sheet.md, "), "{sheet}: {fault}");
            assert!(fault.contains(expected), "{sheet}: {fault}");
        }
    }

    #[test]
    fn comments_are_dropped_and_addresses_may_hold_blanks() {
        let sheet = "# leaf 1\n\n<!-- a\n\nb -->\n\nc <!-- d --> e\n\n![](field:Bag number)\n\n\
                     ![](sign:Custodian|Witness)\n\n- [x] done\n- [ ] open\n\n---\n";
        let blocks = leaf(sheet, "x").unwrap().blocks;
        let [
            Block::Text { words, .. },
            Block::Field(field),
            Block::Signatures(names),
            Block::Item { marker: Marker::Box(true), .. },
            Block::Item { marker: Marker::Box(false), .. },
            Block::NextFrame,
        ] = &blocks[..]
        else {
            panic!("{blocks:?}")
        };
        assert_eq!((words.plain().as_str(), field.as_str()), ("c  e", "Bag number"));
        assert_eq!(names, &["Custodian", "Witness"]);
    }

    #[test]
    fn control_characters_are_refused() {
        for name in ["a\nb", "a\tb", "\u{7f}", "\u{e02a}"] {
            assert!(leaf("# leaf 1\n\n{{ name }}\n", name).is_err());
        }
    }

    #[test]
    fn the_hash_tells_theme_and_template_apart() {
        let theme = include_str!("../../templates/theme.toml");
        let hash = |theme: &str, sheet: &str| Templates::new("en", theme, sheet).unwrap().hash();
        assert_ne!(hash(theme, "#a\n"), hash(&format!("{theme}#a\n"), ""));
        assert_eq!(hash(theme, "a"), hash(theme, "a"));
    }
}
