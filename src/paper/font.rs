//! The shipped fonts: coverage, widths and one subset per document.
//!
//! Never a font of the machine: the same sheet gives the same bytes everywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use allsorts::binary::read::ReadScope;
use allsorts::font::read_cmap_subtable;
use allsorts::font_data::FontData;
use allsorts::subset::{CmapTarget, SubsetProfile, subset};
use allsorts::tables::cmap::Cmap;
use allsorts::tables::{FontTableProvider, HheaTable, HmtxTable, MaxpTable};
use allsorts::tag;

use super::PaperError;

/// Height of a capital as a share of the size; the same in all faces.
pub(super) const CAPITAL: f32 = 0.714;

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

    /// Returns the `PostScript` name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Regular => "NotoSans-Regular",
            Self::Bold => "NotoSans-Bold",
            Self::Mono => "NotoSansMono-Regular",
        }
    }

    fn bytes(self) -> &'static [u8] {
        match self {
            Self::Regular => include_bytes!("../../assets/fonts/NotoSans-Regular.ttf"),
            Self::Bold => include_bytes!("../../assets/fonts/NotoSans-Bold.ttf"),
            Self::Mono => include_bytes!("../../assets/fonts/NotoSansMono-Regular.ttf"),
        }
    }
}

/// Glyph number and advance, per character.
type Glyphs = BTreeMap<char, (u16, u16)>;

/// What is known of every face; read once per process.
pub(super) struct Fonts([Glyphs; 3]);

impl Fonts {
    /// Returns the shipped fonts.
    pub(super) fn shipped() -> Result<&'static Self, PaperError> {
        static FONTS: OnceLock<Option<Fonts>> = OnceLock::new();
        let read =
            || Some(Self([glyphs(Face::ALL[0])?, glyphs(Face::ALL[1])?, glyphs(Face::ALL[2])?]));
        FONTS.get_or_init(read).as_ref().ok_or(PaperError::Font("set"))
    }

    fn face(&self, face: Face) -> &Glyphs {
        match face {
            Face::Regular => &self.0[0],
            Face::Bold => &self.0[1],
            Face::Mono => &self.0[2],
        }
    }

    /// Returns the first character of `text` that some face cannot draw.
    pub(super) fn missing(&self, text: &str) -> Option<char> {
        text.chars().find(|sign| self.0.iter().any(|glyphs| !glyphs.contains_key(sign)))
    }

    /// Returns the width of `text` in points; a character without a glyph is an error.
    pub(super) fn width(&self, face: Face, size: f32, text: &str) -> Result<f32, PaperError> {
        let glyphs = self.face(face);
        let mut units = 0.0;
        for sign in text.chars() {
            let (_, advance) = glyphs.get(&sign).ok_or_else(|| PaperError::MissingGlyph {
                sign,
                place: "the text of the template".into(),
            })?;
            units += f32::from(*advance);
        }
        Ok(units * size / 1000.0)
    }

    /// Returns a font file with the glyphs of `signs` only.
    pub(super) fn subset(&self, face: Face, signs: &BTreeSet<char>) -> Result<Vec<u8>, PaperError> {
        let damaged = || PaperError::Font(face.name());
        // sorted and without duplicates, .notdef first: allsorts wants it so
        let mut ids = BTreeSet::from([0]);
        ids.extend(signs.iter().filter_map(|sign| self.face(face).get(sign)).map(|(id, _)| *id));
        let ids: Vec<u16> = ids.into_iter().collect();
        let data = ReadScope::new(face.bytes()).read::<FontData<'_>>().map_err(|_| damaged())?;
        let provider = data.table_provider(0).map_err(|_| damaged())?;
        subset(&provider, &ids, &SubsetProfile::Pdf, CmapTarget::Unicode).map_err(|_| damaged())
    }
}

fn glyphs(face: Face) -> Option<Glyphs> {
    let data = ReadScope::new(face.bytes()).read::<FontData<'_>>().ok()?;
    let provider = data.table_provider(0).ok()?;
    let table = |tag| provider.read_table_data(tag).ok();
    let (maxp, hhea, hmtx, cmap) =
        (table(tag::MAXP)?, table(tag::HHEA)?, table(tag::HMTX)?, table(tag::CMAP)?);
    let count = ReadScope::new(&maxp).read::<MaxpTable>().ok()?.num_glyphs;
    let metrics = ReadScope::new(&hhea).read::<HheaTable>().ok()?.num_h_metrics;
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
    Some(glyphs)
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
