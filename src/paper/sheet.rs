//! The texts of one share, and which leaf holds what.

use zeroize::Zeroizing;

use super::PaperError;
use super::font::Fonts;
use super::layout::{Placed, Setting, Shown, TypedLine, TypedLines};
use super::page::Page;
use super::pdf::{self, About};
use super::qr::Code;
use super::shelf::Source;
use super::template::{
    Block, Leaf, Templates, Typed, Values, frame_lines, images, leaf as leaf_of,
};
use crate::codes::grid::{self, PaperSize, Slot};

/// Bytes of a sealed part before and after its share of the sealed credential: set code and index,
/// checksum.
const AROUND: usize = 11 + 4;

/// Bytes of the sealed credential in every part but the last.
const PART: usize = 570;

/// The largest number of sealed parts.
const MOST_PARTS: usize = 30;

/// Number of the share's code in the document; sealed part `i` is code `i + 1`, the manifest of a locked
/// sheet comes last.
const SHARE: usize = 0;

/// How a sheet is locked, for the words on it.
pub struct LockText {
    /// The recipients whose keys open it, shortened; none for a passphrase.
    pub recipients: Vec<String>,
    /// Where the second way is; may be empty.
    pub second_way: String,
    /// Bytes of the locked payload, checksum included.
    pub len: usize,
}

/// The texts of one printed share; no `Debug`, since two of them are secrets.
pub struct SheetText {
    /// Method id.
    pub method: String,
    /// Method name for people.
    pub name: String,
    /// Team that owns the method.
    pub owner_team: String,
    /// How to reach it.
    pub owner_contact: String,
    /// Platform that the credential opens.
    pub platform: String,
    /// Scope on that platform; may be empty.
    pub scope: String,
    /// Public id of the credential; may be empty.
    pub credential_id: String,
    /// Generation, from 1.
    pub generation: u32,
    /// Set code as written, `S 7QK4-M2XD-9FTB-C3HW-S`.
    pub set_code: String,
    /// Threshold.
    pub k: u8,
    /// Number of shares.
    pub n: u8,
    /// Share number and copy letter, `3b`.
    pub sheet: String,
    /// Who holds it.
    pub holder: String,
    /// How it is locked, if it is.
    pub lock: Option<LockText>,
    /// Date of dealing, `2026-11-24`.
    pub created: String,
    /// Date from which the platform refuses the credential.
    pub expires: Option<String>,
    /// Permitted uses: code and wording.
    pub uses: Vec<(String, String)>,
    /// Longest session, `4 h`.
    pub max_session: String,
    /// Time until revocation, `24 h`.
    pub revoke_within: String,
    /// Where to log in and as whom; may be empty.
    pub login: String,
    /// What else is needed.
    pub also_needed: Vec<String>,
    /// Where the break-glass laptop is; may be empty.
    pub laptop: String,
    /// Text of the key code, `BG1K…UM…`; on a locked sheet of the locked share, `BG1P…`.
    pub share_code: Zeroizing<String>,
    /// Text of the manifest, `BG1M…`, on a locked sheet.
    pub manifest_code: Option<String>,
    /// Texts of the sealed codes in order.
    pub sealed_codes: Vec<String>,
    /// Typed lines of the share, `K1 13WMBD7B…`, or of the locked share, `P01 …`.
    pub share_lines: Zeroizing<String>,
    /// Typed lines of the manifest.
    pub manifest_lines: String,
    /// Typed lines of the sealed credential; none when it has more than one part.
    pub sealed_lines: Option<String>,
    /// Bytes of the sealed credential.
    pub sealed_len: usize,
}

/// Makes the PDF of one sheet.
///
/// Two leaves for a set with one sealed part whose typed lines fit on leaf 2, three where they do
/// not; with more parts one leaf more for every four from the third on, and one for the manifest's
/// lines where many shares make them long.
pub fn render(
    sheet: &SheetText,
    paper: PaperSize,
    templates: &Templates,
) -> Result<Vec<u8>, PaperError> {
    let fonts = templates.fonts()?;
    let template = templates.sheet()?;
    sheet.check(fonts)?;
    let codes = sheet.codes()?;
    let typed = TypedLines {
        share: TypedLine::read(&sheet.share_lines, "share")?,
        manifest: TypedLine::read(&sheet.manifest_lines, "manifest")?,
        sealed: TypedLine::read(
            sheet.sealed_lines.as_deref().unwrap_or_default(),
            "sealed credential",
        )?,
    };
    let title = format!("{} {} {}", sheet.method, sheet.set_code, sheet.sheet);
    let about = About { title: &title, language: Templates::language_of(&template) };
    let names = images(&template.text);
    let shown =
        Shown { pictures: templates.pictures(&template, &names)?, names, ..Shown::default() };
    let press = Press { sheet, paper, templates, template: &template, fonts, typed, shown: &shown };
    // where leaf 2 is full, what every sheet has goes to a leaf of its own
    let mut pages = press.pages(Apart::Nothing);
    for apart in [Apart::Sealed, Apart::Manifest, Apart::ByHand] {
        if matches!(pages, Err(PaperError::Overflow { leaf: 2, .. })) {
            pages = press.pages(apart);
        }
    }
    let pages = pages?;
    pdf::write(&pages, &codes, &shown.pictures, fonts, &about)
}

impl SheetText {
    fn texts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let single = [
            ("method", &self.method),
            ("name", &self.name),
            ("owner_team", &self.owner_team),
            ("owner_contact", &self.owner_contact),
            ("platform", &self.platform),
            ("scope", &self.scope),
            ("credential_id", &self.credential_id),
            ("set_code", &self.set_code),
            ("sheet", &self.sheet),
            ("holder", &self.holder),
            ("created", &self.created),
            ("max_session", &self.max_session),
            ("revoke_within", &self.revoke_within),
            ("login", &self.login),
            ("laptop", &self.laptop),
        ];
        let uses = self.uses.iter().flat_map(|(code, wording)| [("uses", code), ("uses", wording)]);
        let needed = self.also_needed.iter().map(|text| ("also_needed", text));
        let expires = self.expires.iter().map(|text| ("expires", text));
        let second = self.lock.iter().map(|lock| ("second_way", &lock.second_way));
        let all = single.into_iter().chain(uses).chain(needed).chain(expires).chain(second);
        all.map(|(field, text)| (field, text.as_str()))
    }

    /// Fails when a field cannot be printed.
    fn check(&self, fonts: &Fonts) -> Result<(), PaperError> {
        for (field, text) in self.texts() {
            if let Some(sign) = text.chars().find(|sign| sign.is_control()) {
                return Err(PaperError::Control { field, sign });
            }
            if let Some(sign) = fonts.missing(text) {
                return Err(PaperError::MissingGlyph { sign, place: format!("{field} `{text}`") });
            }
        }
        Ok(())
    }

    fn codes(&self) -> Result<Vec<Code>, PaperError> {
        let parts = self.sealed_codes.len();
        if parts == 0 || parts > MOST_PARTS {
            return Err(PaperError::Parts(parts));
        }
        let what = if self.lock.is_some() { "locked share" } else { "key code" };
        let mut codes = vec![Code::on_sheet(&self.share_code, what)?];
        for text in &self.sealed_codes {
            codes.push(Code::on_sheet(text, "sealed code")?);
        }
        if let Some(text) = &self.manifest_code {
            codes.push(Code::on_sheet(text, "manifest")?);
        }
        Ok(codes)
    }

    /// Returns what templates may name.
    fn values(&self, leaf: usize, leaves: usize) -> Values {
        let mut values = Values::default();
        for (field, text) in self.texts() {
            if !["uses", "also_needed", "expires", "second_way"].contains(&field) {
                values.set(field, text);
            }
        }
        match &self.expires {
            Some(date) => values.set("expires", date.as_str()),
            None => values.set("expires", ()),
        }
        values.list("also_needed", self.also_needed.iter().map(String::as_str));
        values.pairs("uses", &self.uses);
        values.set("generation", self.generation);
        values.set("k", self.k);
        values.set("n", self.n);
        values.set("leaf", leaf);
        values.set("leaves", leaves);
        values.set("parts", self.sealed_codes.len());
        values.set("sealed_len", self.sealed_len);
        values.set("padding", "=".repeat(self.padding()));
        let lock = self.lock.as_ref();
        values.set("locked", lock.is_some());
        values.set("lock_keys", lock.map_or(0, |lock| lock.recipients.len()));
        values.list(
            "recipients",
            lock.map_or(&[][..], |lock| &lock.recipients).iter().map(String::as_str),
        );
        values.set("second_way", lock.map_or("", |lock| &lock.second_way));
        values.set("lock_padding", "=".repeat(lock.map_or(0, |lock| base32_padding(lock.len))));
        values
    }

    /// Returns how many `=` GNU `base32 -d` wants after the text of the last sealed part.
    fn padding(&self) -> usize {
        let last = self.sealed_len
            - PART.min(self.sealed_len) * (self.sealed_codes.len().saturating_sub(1));
        base32_padding(last + AROUND)
    }
}

fn base32_padding(bytes: usize) -> usize {
    let symbols = (bytes * 8).div_ceil(5);
    symbols.next_multiple_of(8) - symbols
}

/// What stands on the last leaf instead of leaf 2.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Apart {
    Nothing,
    Sealed,
    Manifest,
    /// And how to open the set by hand.
    ByHand,
}

struct Press<'a> {
    sheet: &'a SheetText,
    paper: PaperSize,
    templates: &'a Templates,
    template: &'a Source,
    shown: &'a Shown,
    fonts: &'a Fonts,
    typed: TypedLines,
}

impl Press<'_> {
    /// Sets all leaves; from `apart` on, typed lines stand on a leaf of their own.
    fn pages(&self, apart: Apart) -> Result<Vec<Page>, PaperError> {
        let parts = self.sheet.sealed_codes.len();
        let slots = grid::leaves(self.sheet.lock.is_some(), parts);
        let sealed = self.sheet.sealed_lines.is_some();
        let more = match apart {
            Apart::Nothing => false,
            Apart::Sealed => sealed,
            Apart::Manifest | Apart::ByHand => true,
        };
        let leaves = slots.len() + usize::from(more);
        let mut pages = Vec::new();
        let mut typed = Vec::new();
        for leaf in 1..=leaves {
            let section = match leaf {
                1 => "leaf 1",
                2 => "leaf 2",
                _ if leaf > slots.len() => "leaf of typed lines",
                _ => "further leaves",
            };
            let slots = slots.get(leaf - 1).map_or(&[][..], Vec::as_slice);
            let mut values = self.sheet.values(leaf, leaves);
            values.set("large", self.templates.large);
            values.set("typed_sealed_here", sealed && apart < Apart::Sealed);
            values.set("typed_manifest_here", apart < Apart::Manifest);
            let by_hand = leaf == if apart == Apart::ByHand { leaves } else { 2 };
            let mut content = leaf_of(self.template, section, values.clone())?;
            if by_hand {
                let by_hand = leaf_of(self.template, "by hand", values)?;
                content.blocks.extend(by_hand.blocks);
            }
            let lines = frame_lines(self.template, section);
            self.check_codes(&content, slots, leaf, lines[0])?;
            content.each(|block| {
                if let Block::Typed(which) = block {
                    typed.push((*which, leaf, lines[0]));
                }
            });
            let Self { fonts, typed, paper, shown, .. } = self;
            let (theme, name) = (&self.templates.theme, &self.template.name);
            let setting =
                Setting { fonts, theme, typed, paper: *paper, leaf, name, lines: &lines, shown };
            pages.push(setting.page(&content, placed(&content, slots, parts))?);
        }
        self.check_typed(&typed)?;
        Ok(pages)
    }

    fn check_typed(&self, found: &[(Typed, usize, usize)]) -> Result<(), PaperError> {
        let sealed = usize::from(self.sheet.sealed_lines.is_some());
        let expected = [
            (Typed::Share, "typed:share", 1),
            (Typed::Manifest, "typed:manifest", 1),
            (Typed::Sealed, "typed:sealed", sealed),
        ];
        for (typed, widget, count) in expected {
            let places: Vec<(usize, usize)> = found
                .iter()
                .filter(|(found, ..)| *found == typed)
                .map(|(_, leaf, line)| (*leaf, *line))
                .collect();
            let lines = frame_lines(self.template, "leaf 2");
            let place = places.last().copied().unwrap_or((2, lines[0]));
            self.check_count(places.len(), count, widget, place)?;
        }
        Ok(())
    }

    fn check_codes(
        &self,
        content: &Leaf,
        slots: &[Slot],
        leaf: usize,
        line: usize,
    ) -> Result<(), PaperError> {
        let share = slots.contains(&Slot::Key) || slots.contains(&Slot::Locked);
        let manifest = slots.contains(&Slot::Manifest);
        let sealed = slots.iter().any(|slot| matches!(slot, Slot::Sealed(_)));
        let place = (leaf, line);
        self.check_count(content.key.len(), usize::from(share), "qr:key", place)?;
        // the caption of a code that only locked sheets have may stand in a template for all sheets
        if manifest {
            self.check_count(content.manifest.len(), 1, "qr:manifest", place)?;
        }
        self.check_count(content.sealed.len(), usize::from(sealed), "qr:sealed", place)
    }

    fn check_count(
        &self,
        found: usize,
        expected: usize,
        widget: &'static str,
        (leaf, line): (usize, usize),
    ) -> Result<(), PaperError> {
        let what = match (found, expected) {
            (0, 1) => "is missing",
            (1.., 0) => "must not be here",
            (2.., _) => "is repeated",
            _ => return Ok(()),
        };
        Err(PaperError::Widget { name: self.template.name.clone(), line, leaf, widget, what })
    }
}

fn placed(content: &Leaf, slots: &[Slot], parts: usize) -> Vec<Placed> {
    let caption = |captions: &[String]| captions.first().cloned().unwrap_or_default();
    let place = |slot: &Slot| match slot {
        Slot::Sealed(part) if parts > 1 => {
            let caption = format!("{} {}/{parts}", caption(&content.sealed), part + 1);
            Placed { code: part + 1, caption }
        }
        Slot::Sealed(part) => Placed { code: part + 1, caption: caption(&content.sealed) },
        Slot::Manifest => Placed { code: parts + 1, caption: caption(&content.manifest) },
        Slot::Key | Slot::Locked => Placed { code: SHARE, caption: caption(&content.key) },
    };
    slots.iter().map(place).collect()
}

#[cfg(test)]
mod tests;
