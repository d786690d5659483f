//! Fonts: coverage, widths and one subset per document.
//!
//! The shipped ones or those that a theme names, never a font of the machine: the same sheet gives the same bytes
//! everywhere.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use allsorts::binary::read::ReadScope;
use allsorts::font::read_cmap_subtable;
use allsorts::font_data::FontData;
use allsorts::subset::{CmapTarget, SubsetProfile, subset};
use allsorts::tables::cmap::Cmap;
use allsorts::tables::{FontTableProvider, HeadTable, HheaTable, HmtxTable, MaxpTable};
use allsorts::tag;

use super::PaperError;

/// Height of a capital as a share of the size; the same in all shipped faces, and near it in any that is let in.
pub(super) const CAPITAL: f32 = 0.714;

/// What a font may reach above and below the baseline, as a share of the size: what Noto Sans does, and a little.
const TALLEST: f32 = 1.12;
const DEEPEST: f32 = 0.32;

/// Depth below the baseline as a share of the size: what `g` and `p` need.
pub(super) const DEPTH: f32 = 0.24;

/// One of the shipped fonts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Face {
    /// Noto Sans Regular.
    Regular,
    /// Noto Sans Bold.
    Bold,
    /// Noto Sans Mono Regular.
    Mono,
}

impl Face {
    /// Every face.
    pub(super) const ALL: [Self; 3] = [Self::Regular, Self::Bold, Self::Mono];

    fn shipped(self) -> (&'static str, &'static [u8]) {
        match self {
            Self::Regular => {
                ("NotoSans-Regular", include_bytes!("../../assets/fonts/NotoSans-Regular.ttf"))
            }
            Self::Bold => ("NotoSans-Bold", include_bytes!("../../assets/fonts/NotoSans-Bold.ttf")),
            Self::Mono => (
                "NotoSansMono-Regular",
                include_bytes!("../../assets/fonts/NotoSansMono-Regular.ttf"),
            ),
        }
    }
}

/// Glyph number and advance, per character.
type Glyphs = BTreeMap<char, (u16, u16)>;

/// One face: its name, its file, and what the file can draw.
struct Font {
    name: String,
    file: Cow<'static, [u8]>,
    glyphs: Glyphs,
    /// Units of the advances to the size.
    units: f32,
}

/// A font for every face.
pub(super) struct Fonts([Font; 3]);

impl Fonts {
    /// Returns the shipped fonts; read once per process.
    pub(super) fn shipped() -> Result<&'static Self, PaperError> {
        static FONTS: OnceLock<Option<Fonts>> = OnceLock::new();
        let read = || {
            let font = |face: Face| {
                let (name, file) = face.shipped();
                Font::read(name, Cow::Borrowed(file))
            };
            let [regular, bold, mono] = Face::ALL.map(font);
            Some(Self([regular?, bold?, mono?]))
        };
        FONTS.get_or_init(read).as_ref().ok_or_else(|| PaperError::Font("set".into()))
    }

    /// Returns fonts of which some are an organisation's own: name and file, by face.
    pub(super) fn with(own: [Option<(String, Vec<u8>)>; 3]) -> Result<Self, PaperError> {
        let mut fonts = Vec::with_capacity(3);
        for (face, own) in Face::ALL.into_iter().zip(own) {
            let (name, file) = match own {
                Some((name, file)) => (name, Cow::Owned(file)),
                None => (face.shipped().0.to_owned(), Cow::Borrowed(face.shipped().1)),
            };
            let read = Font::read(&name, file);
            fonts.push(read.ok_or(PaperError::Font(name))?);
        }
        fonts.try_into().map(Self).map_err(|_| PaperError::Font("set".into()))
    }

    fn face(&self, face: Face) -> &Font {
        match face {
            Face::Regular => &self.0[0],
            Face::Bold => &self.0[1],
            Face::Mono => &self.0[2],
        }
    }

    /// Returns the name of a face's font, with letters and digits only.
    pub(super) fn name(&self, face: Face) -> String {
        let plain = |sign: &char| sign.is_ascii_alphanumeric() || *sign == '-';
        self.face(face).name.chars().filter(plain).collect()
    }

    /// Returns what to say of a font that cannot be read.
    pub(super) fn damaged(&self, face: Face) -> PaperError {
        PaperError::Font(self.face(face).name.clone())
    }

    /// Says whether a face can draw a character.
    pub(super) fn draws(&self, face: Face, sign: char) -> bool {
        self.face(face).glyphs.contains_key(&sign)
    }

    /// Returns the first character of `text` that some face cannot draw.
    pub(super) fn missing(&self, text: &str) -> Option<char> {
        text.chars().find(|sign| self.0.iter().any(|font| !font.glyphs.contains_key(sign)))
    }

    /// Returns the width of `text` in points; a character without a glyph is an error.
    pub(super) fn width(&self, face: Face, size: f32, text: &str) -> Result<f32, PaperError> {
        let font = self.face(face);
        let mut units = 0.0;
        for sign in text.chars() {
            let (_, advance) = font.glyphs.get(&sign).ok_or_else(|| PaperError::MissingGlyph {
                sign,
                place: "the text of the template".into(),
            })?;
            units += f32::from(*advance);
        }
        Ok(units * size / font.units)
    }

    /// Returns a font file with the glyphs of `signs` only.
    pub(super) fn subset(&self, face: Face, signs: &BTreeSet<char>) -> Result<Vec<u8>, PaperError> {
        let (damaged, font) = (|| self.damaged(face), self.face(face));
        // sorted and without duplicates, .notdef first: allsorts wants it so
        let mut ids = BTreeSet::from([0]);
        ids.extend(signs.iter().filter_map(|sign| font.glyphs.get(sign)).map(|(id, _)| *id));
        let ids: Vec<u16> = ids.into_iter().collect();
        let data = ReadScope::new(&font.file).read::<FontData<'_>>().map_err(|_| damaged())?;
        let provider = data.table_provider(0).map_err(|_| damaged())?;
        subset(&provider, &ids, &SubsetProfile::Pdf, CmapTarget::Unicode).map_err(|_| damaged())
    }
}

impl Font {
    fn read(name: &str, file: Cow<'static, [u8]>) -> Option<Self> {
        let (glyphs, units) = glyphs(&file)?;
        Some(Self { name: name.to_owned(), file, glyphs, units })
    }
}

/// Returns glyph and advance of every character, and how many units the size has.
fn glyphs(file: &[u8]) -> Option<(Glyphs, f32)> {
    let data = ReadScope::new(file).read::<FontData<'_>>().ok()?;
    let provider = data.table_provider(0).ok()?;
    let table = |tag| provider.read_table_data(tag).ok();
    // outlines of the PDF's own kind, and the others are not embedded
    table(tag::GLYF)?;
    let (head, maxp, hhea) = (table(tag::HEAD)?, table(tag::MAXP)?, table(tag::HHEA)?);
    let (hmtx, cmap) = (table(tag::HMTX)?, table(tag::CMAP)?);
    let units = ReadScope::new(&head).read::<HeadTable>().ok()?.units_per_em;
    let count = ReadScope::new(&maxp).read::<MaxpTable>().ok()?.num_glyphs;
    let hhea = ReadScope::new(&hhea).read::<HheaTable>().ok()?;
    let metrics = hhea.num_h_metrics;
    // lines are set as far apart as the shipped fonts need
    let (tall, deep) = (f32::from(hhea.ascender), f32::from(hhea.descender));
    if tall > TALLEST * f32::from(units) || deep < -DEEPEST * f32::from(units) {
        return None;
    }
    let advances = ReadScope::new(&hmtx)
        .read_dep::<HmtxTable<'_>>((usize::from(count), usize::from(metrics)))
        .ok()?;
    let (_, mapping) =
        read_cmap_subtable(&ReadScope::new(&cmap).read::<Cmap<'_>>().ok()?).ok()??;
    let mut glyphs = Glyphs::new();
    mapping
        .mappings_fn(|code, id| {
            if let (Some(sign), Ok(advance)) =
                (char::from_u32(code), advances.horizontal_advance(id))
                && id != 0
            {
                glyphs.insert(sign, (id, advance));
            }
        })
        .ok()?;
    (units > 0).then(|| (glyphs, f32::from(units)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn latin_greek_and_cyrillic_are_covered_and_nothing_is_drawn_as_a_box() {
        let fonts = Fonts::shipped().unwrap();
        assert_eq!(fonts.missing("Żółć Ünlü Ễ Ελένη ΰ Щербакова Їжак „a“ – €№…"), None);
        assert_eq!(fonts.missing("a☐b"), Some('☐'));
        assert_eq!(fonts.missing("田中"), Some('田'));
        assert_eq!(fonts.missing("e\u{301}"), Some('\u{301}'), "marks are for NFC, not for us");
        let error = fonts.width(Face::Bold, 10.0, "a→b").unwrap_err();
        assert!(matches!(error, PaperError::MissingGlyph { sign: '→', .. }));
        assert!(error.to_string().contains("U+2192"));
    }

    #[test]
    fn mono_is_mono() {
        let fonts = Fonts::shipped().unwrap();
        for text in ["0", "W", "Щ", "i"] {
            assert!((fonts.width(Face::Mono, 10.0, text).unwrap() - 6.0).abs() < 1e-4);
        }
    }

    #[test]
    fn a_subset_is_small_and_always_the_same() {
        let fonts = Fonts::shipped().unwrap();
        let signs: BTreeSet<char> = "BREAK GLASS ü Ж".chars().collect();
        let first = fonts.subset(Face::Bold, &signs).unwrap();
        assert!(first.len() < 5_000, "{}", first.len());
        assert_eq!(first, fonts.subset(Face::Bold, &signs).unwrap());
    }
}
