//! What QR codes are made of, and the reader for those that lie there undamaged: the only file that
//! knows rxing.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use qrcode::canvas::{Canvas, MaskPattern, Module};
use qrcode::types::{EcLevel, Version};
use rxing::common::{BitMatrix, HybridBinarizer};
use rxing::multi::MultipleBarcodeReader;
use rxing::qrcode::common::{ErrorCorrectionLevel, Version as Layout};
use rxing::qrcode::cpp_port::QrReader;
use rxing::qrcode::cpp_port::decoder::DecodeBitStream;
use rxing::qrcode::cpp_port::detector::FindFinderPatterns;
use rxing::{BarcodeFormat, Binarizer, BinaryBitmap, DecodeHints, Luma8Source};
use zeroize::Zeroizing;

use super::grey::Grey;
use super::place::plane::Point;

/// Versions that a sheet may have; [`crate::paper`] makes none above 24.
pub(super) const VERSIONS: std::ops::RangeInclusive<u8> = 5..=24;

/// A code that was read, its corners clockwise from the top left, in pixels.
pub(super) struct Read {
    pub(super) text: Zeroizing<String>,
    pub(super) corners: [Point; 4],
}

/// Reads every QR code of a picture.
pub(super) fn read(grey: &Grey) -> Vec<Read> {
    let hints = DecodeHints {
        TryHarder: Some(true),
        PossibleFormats: Some(HashSet::from([BarcodeFormat::QR_CODE])),
        ..DecodeHints::default()
    };
    let Some(source) = source(grey) else { return Vec::new() };
    let mut bitmap = BinaryBitmap::new(HybridBinarizer::new(source));
    let found = QrReader.decode_multiple_with_hints(&mut bitmap, &hints).unwrap_or_default();
    found
        .iter()
        .filter_map(|result| {
            let [top_left, top_right, bottom_left, bottom_right] = *result.getPoints() else {
                return None;
            };
            // rxing adds half a pixel
            let corners = [top_left, top_right, bottom_right, bottom_left]
                .map(|p| Point { x: p.x - 0.5, y: p.y - 0.5 });
            Some(Read { text: Zeroizing::new(result.getText().to_owned()), corners })
        })
        .collect()
}

fn source(grey: &Grey) -> Option<Luma8Source<'_>> {
    let (width, height) = (u32::try_from(grey.width()).ok()?, u32::try_from(grey.height()).ok()?);
    Luma8Source::new_with_slice(grey.pixels(), width, height).ok()
}

/// A finder pattern: its middle and its width, in pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Finder {
    pub(super) at: Point,
    pub(super) width: f32,
}

/// Finds the finder patterns of a picture that nothing covers.
pub(super) fn finders(grey: &Grey) -> Vec<Finder> {
    let find = || {
        let binarizer = HybridBinarizer::new(source(grey)?);
        let black: &BitMatrix = binarizer.get_black_matrix().ok()?;
        Some(FindFinderPatterns(black, true, 1))
    };
    // this function of rxing is known to panic
    let found = catch_unwind(AssertUnwindSafe(find)).ok().flatten().unwrap_or_default();
    let sized = |size: i32| i16::try_from(size).map_or(0.0, f32::from);
    let finder = found.iter().map(|pattern| Finder {
        at: Point { x: pattern.p.x, y: pattern.p.y },
        width: sized(pattern.size),
    });
    finder.filter(|finder| finder.width > 0.0).collect()
}

/// A level that a sheet may have; L is never used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    M,
    Q,
    H,
}

impl Level {
    const ALL: [Self; 3] = [Self::H, Self::Q, Self::M];

    fn of_qrcode(self) -> EcLevel {
        match self {
            Self::M => EcLevel::M,
            Self::Q => EcLevel::Q,
            Self::H => EcLevel::H,
        }
    }

    fn of_rxing(self) -> ErrorCorrectionLevel {
        match self {
            Self::M => ErrorCorrectionLevel::M,
            Self::Q => ErrorCorrectionLevel::Q,
            Self::H => ErrorCorrectionLevel::H,
        }
    }
}

/// How the codes of one version are built (ISO/IEC 18004).
pub(super) struct Symbol {
    pub(super) version: u8,
    /// Modules of a side.
    pub(super) side: usize,
    /// What each module is in every code of this version, row by row: 1 dark, −1 light, 0 depends.
    pub(super) known: Vec<i8>,
    /// The data modules in the order of their bits.
    pub(super) order: Vec<usize>,
    /// The masks: which modules each turns, row by row; only those of data count.
    pub(super) masks: Vec<Vec<bool>>,
    /// Every level and mask, with the format modules that say so.
    pub(super) formats: Vec<Format>,
    /// Middles of the alignment patterns that do not touch a finder, in modules.
    pub(super) alignments: Vec<(f32, f32)>,
}

/// A level and a mask.
pub(super) struct Format {
    pub(super) level: Level,
    /// Number of its mask in [`Symbol::masks`].
    pub(super) mask: usize,
    /// Format modules: where, and 1 dark or −1 light.
    pub(super) modules: Vec<(usize, i8)>,
}

/// Reed-Solomon blocks of a version and level.
pub(super) struct Blocks {
    /// Codewords of each block: where they are in the row of all codewords.
    pub(super) codewords: Vec<Vec<usize>>,
    /// How many of each block are error correction.
    pub(super) correction: usize,
}

/// Returns how codes of a version from [`VERSIONS`] are built.
pub(super) fn symbol(version: u8) -> Option<&'static Symbol> {
    static BUILT: [OnceLock<Option<Symbol>>; 25] = [const { OnceLock::new() }; 25];
    let slot = BUILT.get(usize::from(version)).filter(|_| VERSIONS.contains(&version))?;
    slot.get_or_init(|| Symbol::build(version)).as_ref()
}

impl Symbol {
    fn build(version: u8) -> Option<Self> {
        let number = Version::Normal(version.into());
        let width = number.width();
        let side = usize::try_from(width).ok()?;
        let look = |canvas: &Canvas| -> Vec<Module> {
            let places = (0..width).flat_map(|y| (0..width).map(move |x| (x, y)));
            places.map(|(x, y)| canvas.get(x, y)).collect()
        };
        let canvas = |level: Level| {
            let mut canvas = Canvas::new(number, level.of_qrcode());
            canvas.draw_all_functional_patterns();
            canvas
        };
        let bare = look(&canvas(Level::M));
        let masked: Vec<(Level, usize, Vec<Module>)> = Level::ALL
            .into_iter()
            .flat_map(|level| (0..MASKS.len()).map(move |mask| (level, mask)))
            .map(|(level, mask)| {
                let mut canvas = canvas(level);
                canvas.apply_mask(MASKS[mask]);
                (level, mask, look(&canvas))
            })
            .collect();
        // an empty module that a mask turns becomes dark
        let turns = |(_, _, modules): &(_, _, Vec<Module>)| {
            modules.iter().map(|module| module.is_dark()).collect()
        };
        let masks = masked[..MASKS.len()].iter().map(turns).collect();
        let sign = |module: Module| if module.is_dark() { 1 } else { -1 };
        let is_data = |at: usize| bare[at] == Module::Empty;
        let is_format =
            |at: usize| !is_data(at) && masked.iter().any(|(_, _, m)| m[at] != masked[0].2[at]);
        let places: Vec<usize> = (0..side * side).filter(|at| is_format(*at)).collect();
        let known = (0..side * side)
            .map(|at| if is_data(at) || places.contains(&at) { 0 } else { sign(bare[at]) })
            .collect();
        let formats = masked
            .iter()
            .map(|(level, mask, modules)| Format {
                level: *level,
                mask: *mask,
                modules: places.iter().map(|at| (*at, sign(modules[*at]))).collect(),
            })
            .collect();
        let order = zigzag(side).filter(|at| is_data(*at)).collect();
        let layout = Layout::getVersionForNumber(version.into()).ok()?;
        let middles = layout.getAlignmentPatternCenters();
        let (first, last) = (*middles.first()?, *middles.last()?);
        let corner =
            |a: u32, b: u32| [(first, first), (first, last), (last, first)].contains(&(a, b));
        let float = |v: u32| u16::try_from(v).map_or(0.0, f32::from) + 0.5;
        let pairs = middles.iter().flat_map(|a| middles.iter().map(move |b| (*a, *b)));
        let alignments =
            pairs.filter(|(a, b)| !corner(*a, *b)).map(|(a, b)| (float(a), float(b))).collect();
        Some(Self { version, side, known, order, masks, formats, alignments })
    }

    /// Returns the blocks of a level.
    pub(super) fn blocks(&self, level: Level) -> Option<Blocks> {
        let layout = Layout::getVersionForNumber(self.version.into()).ok()?;
        let blocks = layout.getECBlocksForLevel(level.of_rxing());
        let correction = usize::try_from(blocks.getECCodewordsPerBlock()).ok()?;
        let mut data = Vec::new();
        for kind in blocks.getECBlocks() {
            let codewords = usize::try_from(kind.getDataCodewords()).ok()?;
            data.extend((0..kind.getCount()).map(|_| codewords));
        }
        let mut codewords: Vec<Vec<usize>> = vec![Vec::new(); data.len()];
        let mut next = 0;
        let longest = data.iter().copied().max()?;
        for turn in 0..longest + correction {
            for (block, data) in codewords.iter_mut().zip(&data) {
                // shorter blocks pause once, after their data
                if turn >= longest || turn < *data {
                    block.push(next);
                    next += 1;
                }
            }
        }
        (next <= self.order.len() / 8).then_some(Blocks { codewords, correction })
    }

    /// Returns the text that data codewords stand for.
    pub(super) fn text(&self, level: Level, data: &[u8]) -> Option<Zeroizing<String>> {
        let layout = Layout::getVersionForNumber(self.version.into()).ok()?;
        let read = || DecodeBitStream(data, layout, level.of_rxing()).ok();
        let read = catch_unwind(AssertUnwindSafe(read)).ok().flatten()?;
        read.isValid().then(|| Zeroizing::new(read.text()))
    }
}

const MASKS: [MaskPattern; 8] = [
    MaskPattern::Checkerboard,
    MaskPattern::HorizontalLines,
    MaskPattern::VerticalLines,
    MaskPattern::DiagonalLines,
    MaskPattern::LargeCheckerboard,
    MaskPattern::Fields,
    MaskPattern::Diamonds,
    MaskPattern::Meadow,
];

/// Returns all modules in the order in which data is laid: two columns at a time from the right, up
/// and down in turn, the column of the vertical timing pattern left out.
fn zigzag(side: usize) -> impl Iterator<Item = usize> {
    let pairs = (0..side / 2).map(move |pair| {
        let right = side - 1 - 2 * pair;
        (pair % 2 == 0, if right <= 6 { right - 1 } else { right })
    });
    pairs.flat_map(move |(up, right)| {
        (0..side).flat_map(move |turn| {
            let y = if up { side - 1 - turn } else { turn };
            [y * side + right, y * side + right - 1]
        })
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use ::qrcode::{Color, QrCode};

    use super::*;

    #[test]
    fn every_version_is_built_as_the_writer_builds_it() {
        for version in VERSIONS {
            let symbol = symbol(version).unwrap();
            for level in Level::ALL {
                let code = QrCode::with_version(
                    format!("BG1K{version}"),
                    Version::Normal(version.into()),
                    level.of_qrcode(),
                )
                .unwrap();
                let colors = code.to_colors();
                let sign = |at: usize| if colors[at] == Color::Dark { 1 } else { -1 };
                let fits = |(at, known): (usize, &i8)| *known == 0 || *known == sign(at);
                assert!(symbol.known.iter().enumerate().all(fits), "version {version}");
                let says = |f: &&Format| f.modules.iter().all(|(at, s)| *s == sign(*at));
                let said: Vec<&Format> = symbol.formats.iter().filter(says).collect();
                assert_eq!(said.len(), 1);
                assert_eq!((said[0].level, said[0].modules.len()), (level, 30));
                let blocks = symbol.blocks(level).unwrap();
                let count: usize = blocks.codewords.iter().map(Vec::len).sum();
                assert_eq!(count, symbol.order.len() / 8);
            }
        }
        assert!(symbol(4).is_none() && symbol(25).is_none());
    }

    #[test]
    fn finders_are_found_where_they_are() {
        let code = QrCode::new("BG1KABC").unwrap();
        let side = code.width() * 6 + 48;
        let grey = Grey::by_rows(side, side, |y, row| {
            for (x, v) in row.iter_mut().enumerate() {
                let (x, y) = (x.wrapping_sub(24) / 6, y.wrapping_sub(24) / 6);
                let inside = x < code.width() && y < code.width();
                *v = if inside && code[(x, y)] == Color::Dark { 0 } else { 255 };
            }
        });
        let found = finders(&grey);
        assert_eq!(found.len(), 3);
        assert!(found.iter().all(|f| (30.0..60.0).contains(&f.width)));
        let near = |f: &&Finder| (f.at.x - 45.0).abs() < 1.5 && (f.at.y - 45.0).abs() < 1.5;
        assert_eq!(found.iter().filter(near).count(), 1);
    }
}
