//! Templates: placeholders are filled in, then the Markdown becomes blocks.
//!
//! Values are texts, not Markdown: whatever stands in a name is printed as it stands. Placeholders
//! are strict, and HTML, links and pictures other than the widgets are refused, so that nothing
//! vanishes silently. Secrets are no values: a widget only marks their place.

mod blocks;
mod chart;
mod reader;
mod widgets;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Object, Value};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};
use sha2::{Digest, Sha256};

pub(super) use blocks::{
    Block, Chart, Fact, FactStyle, Field, Image, Leaf, Marker, Right, Row, Run, Typed, Words,
};

use super::PaperError;
use super::font::{Face, Fonts};
use super::packs::{Edition, PACKS, Pack};
use super::picture::Picture;
use super::shelf::{FALLBACK, Shelf, Source};
use super::theme::{PaperName, Theme};
use crate::codes::grid::PaperSize;

/// The first of 128 private characters that stand for ASCII in values until Markdown is read.
const PRIVATE: u32 = 0xE000;

/// Stands for an empty value, so that `**{{ name }}**` stays bold nothing.
const EMPTY: char = '\u{E07F}';

/// Name of the sheet's template.
const SHEET: &str = "sheet";

/// Name of the template of an audit's report.
pub const AUDIT: &str = "audit";

/// Theme, fonts and templates of one language.
pub struct Templates {
    pub(super) theme: Theme,
    theme_text: String,
    fonts: Option<Fonts>,
    language: String,
    /// Whether it is for large print.
    pub(super) large: bool,
    shelf: Shelf,
}

impl Templates {
    /// Returns the built-in templates, in English.
    pub fn built_in() -> Result<Self, PaperError> {
        Self::open(None, FALLBACK, false)
    }

    /// Returns the templates of a folder, and where it has none the built-in ones.
    ///
    /// `language` is a tag as in HTML, `en` or `pt-BR`: a folder in the folder. What is not there in it is taken in
    /// English. With `large` the theme is `theme-large.toml`.
    ///
    /// Fails with [`PaperError::Theme`], [`PaperError::File`] or [`PaperError::Font`].
    pub fn open(folder: Option<&Path>, language: &str, large: bool) -> Result<Self, PaperError> {
        Self::on(Shelf::new(folder), language, large)
    }

    /// The same for a kit: its folder `templates`, then the documents of its packs. Fails as [`Templates::open`] does.
    pub fn of_kit(kit: &Path, language: &str, large: bool) -> Result<Self, PaperError> {
        Self::on(Shelf::of_kit(kit), language, large)
    }

    fn on(shelf: Shelf, language: &str, large: bool) -> Result<Self, PaperError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if language.is_empty() || !language.chars().all(plain) {
            let what = "a language is a tag like `en` or `pt-BR`".to_owned();
            return Err(PaperError::File { name: language.to_owned(), what });
        }
        let name = if large { "theme-large.toml" } else { "theme.toml" };
        let text = shelf.text(name)?.ok_or_else(|| PaperError::Unknown(name.to_owned()))?.text;
        let theme = Theme::parse(name, &text)?;
        let named = [&theme.fonts.regular, &theme.fonts.bold, &theme.fonts.mono];
        let fonts = if named.iter().any(|name| name.is_some()) {
            let mut own = [None, None, None];
            for (slot, name) in own.iter_mut().zip(named) {
                let font = |name: &String| Ok((name.clone(), shelf.bytes(name)?));
                *slot = name.as_ref().map(font).transpose()?;
            }
            Some(Fonts::with(own)?)
        } else {
            None
        };
        let (theme_text, language) = (text.into_owned(), language.to_owned());
        Ok(Self { theme, theme_text, fonts, language, large, shelf })
    }

    /// Returns the built-in files, to start one's own from: name and text.
    pub fn built_in_files() -> impl Iterator<Item = (String, &'static str)> {
        Shelf::built_in()
    }

    /// Returns the paper that the theme names.
    pub fn paper(&self) -> PaperSize {
        match self.theme.paper {
            PaperName::A4 => PaperSize::A4,
            PaperName::Letter => PaperSize::Letter,
        }
    }

    /// Returns the names of the documents: of the packs in their order, then the others, built in or the organisation's.
    pub fn documents(&self) -> Result<Vec<String>, PaperError> {
        let mut all: Vec<String> = Vec::new();
        for pack in &PACKS {
            all.extend(self.pack(pack)?);
        }
        let mut others: Vec<String> = Shelf::documents().map(str::to_owned).collect();
        others.extend(self.shelf.own_templates()?.into_iter().map(|(_, name)| name));
        // sheets are made by dealing, and the report of an audit by `audit`
        others.retain(|name| name != SHEET && name != AUDIT && !all.contains(name));
        others.sort_unstable();
        others.dedup();
        all.extend(others);
        Ok(all)
    }

    /// Returns the documents of a pack: the built-in ones, then what the kit has put beside them.
    pub fn pack(&self, pack: &Pack) -> Result<Vec<String>, PaperError> {
        let mut all: Vec<String> = pack.documents().map(str::to_owned).collect();
        for (own, name) in self.shelf.added_documents()? {
            if own.name == pack.name && !all.contains(&name) {
                all.push(name);
            }
        }
        Ok(all)
    }

    /// Returns a kit's own templates, each as the folder that it lies in and its name: `de`, `sheet`.
    pub fn own(kit: &Path) -> Result<Vec<(String, String)>, PaperError> {
        let shelf = Shelf::of_kit(kit);
        let mut own = shelf.own_templates()?;
        let changed = shelf.changed_documents()?.into_iter();
        own.extend(changed.map(|(pack, name)| (pack.name.to_owned(), name)));
        Ok(own)
    }

    /// Returns files of a kit that look like papers and are never printed, each with the reason.
    ///
    /// Fails with [`PaperError::File`] where a folder cannot be read.
    pub fn unused(kit: &Path) -> Result<Vec<(String, String)>, PaperError> {
        Shelf::of_kit(kit).unused()
    }

    /// Returns the title of a document, its values left out.
    pub fn title(&self, name: &str) -> Result<String, PaperError> {
        let text = self.template(name)?.text;
        let title = text.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or_default();
        let mut out = String::new();
        let mut rest = title;
        while let Some((before, value)) = rest.split_once("{{") {
            out.push_str(before);
            out.push('…');
            rest = value.split_once("}}").map_or("", |(_, after)| after);
        }
        Ok(out + rest)
    }

    /// Returns what the head of a document says of it.
    pub fn edition(&self, name: &str) -> Result<Option<Edition>, PaperError> {
        Ok(Edition::of(&self.template(name)?.text))
    }

    /// Says whether a template is there in this language, or whether it is the English one.
    pub fn has(&self, name: &str) -> bool {
        let text = self.shelf.text(&format!("{}/{name}.md", self.language));
        let in_a_pack = || {
            self.language == FALLBACK && self.shelf.document(name).is_ok_and(|text| text.is_some())
        };
        text.is_ok_and(|text| text.is_some()) || in_a_pack()
    }

    /// Returns what leaf 1 of the sheet has to say and does not name: by it sheets are told apart.
    pub fn lacking(&self) -> Result<Vec<&'static str>, PaperError> {
        let text: String = without_comments(&self.sheet()?.text).map(|(_, sign)| sign).collect();
        let leaf = text.split("# leaf 1").nth(1).unwrap_or_default();
        let leaf = leaf.split("\n# ").next().unwrap_or_default();
        let named = |value: &&str| leaf.contains(&format!("{{{{ {value}"));
        Ok(["set_code", "sheet", "generation", "k"].into_iter().filter(|v| !named(v)).collect())
    }

    /// The same for the sheet.
    pub fn has_sheet(&self) -> bool {
        self.has(SHEET)
    }

    /// Returns the SHA-256 over the bytes of the theme, a zero byte and the bytes of the sheet template; then, for
    /// each picture and font in it, a zero byte, its name, a zero byte and its bytes.
    pub fn hash(&self) -> Result<[u8; 32], PaperError> {
        self.hash_of(&self.template(SHEET)?)
    }

    pub(super) fn hash_of(&self, template: &Source) -> Result<[u8; 32], PaperError> {
        let mut hash = Sha256::new();
        // NUL is in neither, so two pairs of files cannot run into each other
        hash.update(&self.theme_text);
        hash.update([0]);
        hash.update(&*template.text);
        let fonts = &self.theme.fonts;
        let fonts = [&fonts.regular, &fonts.bold, &fonts.mono].into_iter().flatten().cloned();
        for name in fonts.chain(images(&template.text)) {
            hash.update([0]);
            hash.update(&name);
            hash.update([0]);
            hash.update(self.shelf.bytes(&name)?);
        }
        Ok(hash.finalize().into())
    }

    /// Returns a text of strangers so that it can be printed: signs that no font here has become `\u{fffd}` or `?`.
    pub fn printable(&self, text: &str) -> Result<String, PaperError> {
        let fonts = self.fonts()?;
        let draws = |sign: char| !sign.is_control() && fonts.draws(Face::Regular, sign);
        let instead = if draws('\u{fffd}') { '\u{fffd}' } else { '?' };
        Ok(text.chars().map(|sign| if draws(sign) { sign } else { instead }).collect())
    }

    /// Returns the fonts of the theme.
    pub(super) fn fonts(&self) -> Result<&Fonts, PaperError> {
        match &self.fonts {
            Some(fonts) => Ok(fonts),
            None => Fonts::shipped(),
        }
    }

    /// Returns the language of a template: that of the folder it lies in.
    pub(super) fn language_of(template: &Source) -> &str {
        let folder = template.name.split_once('/').map(|(folder, _)| folder);
        folder.filter(|folder| Pack::named(folder).is_none()).unwrap_or(FALLBACK)
    }

    pub(super) fn sheet(&self) -> Result<Source, PaperError> {
        self.template(SHEET)
    }

    /// Returns a template, whose signs all have a glyph.
    pub(super) fn template(&self, name: &str) -> Result<Source, PaperError> {
        let template = self.shelf.template(&self.language, name)?;
        let template = template.ok_or_else(|| PaperError::Unknown(name.to_owned()))?;
        if template.own {
            let fonts = self.fonts()?;
            for (at, sign) in without_comments(&template.text) {
                if !sign.is_control() && !fonts.draws(Face::Regular, sign) {
                    let what = format!("no glyph for `{sign}` (U+{:04X})", u32::from(sign));
                    return Err(fault_at(&template, at, what));
                }
            }
        }
        Ok(template)
    }

    /// Reads the pictures that a leaf or document shows.
    pub(super) fn pictures(
        &self,
        template: &Source,
        names: &[String],
    ) -> Result<Vec<Picture>, PaperError> {
        let read = |name: &String| {
            let at = template.text.find(&format!("image:{name}")).unwrap_or(0);
            let failed = |what: String| fault_at(template, at, format!("picture `{name}`: {what}"));
            let bytes = self.shelf.bytes(name).map_err(|error| match error {
                PaperError::File { what, .. } => failed(what),
                other => other,
            })?;
            Picture::decode(&bytes).map_err(failed)
        };
        names.iter().map(read).collect()
    }
}

/// Renders the section `name` of a sheet's template.
pub(super) fn leaf(sheet: &Source, name: &str, values: Values) -> Result<Leaf, PaperError> {
    reader::section(&rendered(sheet, values)?, sheet, name)
}

/// Renders a document.
pub(super) fn document(template: &Source, values: Values) -> Result<Leaf, PaperError> {
    reader::document(&rendered(template, values)?, template)
}

/// Returns the names of the pictures that a template names.
pub(super) fn images(text: &str) -> Vec<String> {
    let text: String = without_comments(text).map(|(_, sign)| sign).collect();
    let mut names: Vec<String> = text
        .split("image:")
        .skip(1)
        .filter_map(|rest| {
            let end = rest.find([')', ' ', '>', '\n']).unwrap_or(rest.len());
            Some(rest[..end].to_owned()).filter(|name| name.contains('.') && !name.contains('{'))
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Returns the signs of a template with their places, those in comments left out.
fn without_comments(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut until = 0;
    text.char_indices().filter(move |(at, _)| {
        if *at >= until && text[*at..].starts_with("<!--") {
            until = text[*at..].find("-->").map_or(text.len(), |length| at + length + 3);
        }
        *at >= until
    })
}

/// Returns an error at a byte of a template.
fn fault_at(template: &Source, at: usize, what: String) -> PaperError {
    let before = template.text.get(..at).unwrap_or_default();
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.matches('\n').count() + 1;
    let column = before[start..].chars().count() + 1;
    PaperError::Template { name: template.name.clone(), line, column, what }
}

/// Returns the lines at which the text of each frame of a section begins.
pub(super) fn frame_lines(template: &Source, section: &str) -> Vec<usize> {
    let heading = format!("# {section}");
    let mut lines =
        (1..).zip(template.text.lines()).skip_while(|(_, line)| line.trim_end() != heading);
    let first = lines.next().map_or(1, |(number, _)| number);
    let rest = lines.take_while(|(_, line)| !line.starts_with("# "));
    let rules = rest.filter(|(_, line)| line.trim_end() == "---").map(|(number, _)| number);
    std::iter::once(first).chain(rules).collect()
}

/// What placeholders may name; never a secret.
#[derive(Clone, Debug, Default)]
pub struct Values(BTreeMap<&'static str, Value>);

impl Values {
    /// Adds a text, a number or `()` for nothing.
    pub fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        self.0.insert(name, value.into());
    }

    /// Adds a list.
    pub fn list<V: Into<Value>>(
        &mut self,
        name: &'static str,
        values: impl IntoIterator<Item = V>,
    ) {
        self.0.insert(name, values.into_iter().collect());
    }

    /// Adds a list of pairs.
    pub fn pairs(&mut self, name: &'static str, pairs: &[(String, String)]) {
        let pair =
            |(a, b): &(String, String)| [a.as_str(), b.as_str()].into_iter().collect::<Value>();
        self.list(name, pairs.iter().map(pair));
    }

    /// Adds named texts under one name.
    pub fn record(&mut self, name: &'static str, fields: Vec<(&'static str, String)>) {
        let mut values = Self::default();
        for (field, text) in fields {
            values.set(field, text);
        }
        self.0.insert(name, Value::from_object(values));
    }

    /// Adds a list of groups, each of values of its own.
    pub fn groups(&mut self, name: &'static str, groups: Vec<Self>) {
        self.list(name, groups.into_iter().map(Value::from_object));
    }

    /// Adds a list of records, each of named texts.
    pub fn records(&mut self, name: &'static str, records: Vec<Vec<(&'static str, String)>>) {
        let record = |fields: Vec<(&'static str, String)>| {
            let mut values = Self::default();
            for (field, text) in fields {
                values.set(field, text);
            }
            Value::from_object(values)
        };
        self.list(name, records.into_iter().map(record));
    }
}

impl Object for Values {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.0.get(key.as_str()?).cloned()
    }
}

fn rendered(template: &Source, values: Values) -> Result<String, PaperError> {
    let refused = |error: &Error| refused(template, error);
    let mut environment = Environment::new();
    environment.set_debug(true);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.map_err(|error| refused(&error))?);
    environment.set_formatter(|out, _, value| {
        if value.is_none() || value.is_undefined() {
            return Err(Error::new(ErrorKind::UndefinedError, "a value that is not there"));
        }
        out.write_str(&literal(&value.to_string())?).map_err(Error::from)
    });
    environment.add_template(&template.name, &template.text).map_err(|error| refused(&error))?;
    let found = environment.get_template(&template.name).map_err(|error| refused(&error))?;
    found.render(Value::from_object(values)).map_err(|error| refused(&error))
}

fn refused(template: &Source, error: &Error) -> PaperError {
    match (error.range(), error.line()) {
        (Some(range), _) => fault_at(template, range.start, what(error)),
        (None, line) => {
            let (name, line) = (template.name.clone(), line.unwrap_or(1));
            PaperError::Template { name, line, column: 1, what: what(error) }
        }
    }
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

/// A folder with a theme and an English sheet, and its templates.
#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(super) fn own(theme: &str, sheet: &str) -> Result<(tempfile::TempDir, Templates), PaperError> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("en")).unwrap();
    std::fs::write(folder.path().join("theme.toml"), theme).unwrap();
    std::fs::write(folder.path().join("en/sheet.md"), sheet).unwrap();
    let templates = Templates::open(Some(folder.path()), "en", false)?;
    Ok((folder, templates))
}

#[cfg(test)]
mod tests;
