//! A text becomes the modules of a QR code.

use qrcode::bits::encode_auto;
use qrcode::{Color, EcLevel, QrCode, Version};
use zeroize::Zeroizing;

use super::PaperError;

/// The highest version used: 113 modules on 80 mm are 0.71 mm each.
const HIGHEST: i16 = 24;

/// The lowest version on sheets: 81 modules on 80 mm are 0.99 mm each.
const LEAST: u8 = 16;

/// Error correction; L is for screens alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// About 7 % of the codewords can be restored.
    L,
    /// About 15 % of the codewords can be restored.
    M,
    /// About 25 %.
    Q,
    /// About 30 %.
    H,
}

/// The modules of one code.
#[derive(Clone)]
pub struct Code {
    version: u8,
    level: Level,
    width: usize,
    rows: Zeroizing<Vec<u8>>,
}

impl Code {
    /// Encodes `text` for a sheet: as [`Code::new`], but with no fewer than 81 modules a side.
    ///
    /// A short text in few large modules is torn apart by blots that leave small ones alone, and has fewer codewords to
    /// mend it with.
    pub fn on_sheet(text: &str, what: &'static str) -> Result<Self, PaperError> {
        let small = Self::new(text, what)?;
        if small.version >= LEAST {
            return Ok(small);
        }
        let version = Version::Normal(LEAST.into());
        let code = QrCode::with_version(text.as_bytes(), version, EcLevel::H)
            .map_err(|_| PaperError::CodeTooLong(what))?;
        Ok(Self::drawn(&code, LEAST, Level::H))
    }

    /// Encodes `text` for a screen, in at most so many modules a side; `None` when it does not fit.
    ///
    /// Nothing spills on a screen, and it has room for few modules.
    pub fn on_screen(text: &str, side: usize) -> Option<Self> {
        let code = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::L).ok()?;
        let Version::Normal(version) = code.version() else { return None };
        let version = u8::try_from(version).ok()?;
        (code.width() <= side).then(|| Self::drawn(&code, version, Level::L))
    }

    /// Encodes `text` at the highest of H, Q and M that needs no version above 24.
    ///
    /// `what` names the code in the error [`PaperError::CodeTooLong`].
    pub fn new(text: &str, what: &'static str) -> Result<Self, PaperError> {
        let levels = [(EcLevel::H, Level::H), (EcLevel::Q, Level::Q), (EcLevel::M, Level::M)];
        for (ec, level) in levels {
            let Ok(bits) = encode_auto(text.as_bytes(), ec) else { continue };
            let Version::Normal(version @ ..=HIGHEST) = bits.version() else { continue };
            let version = u8::try_from(version).map_err(|_| PaperError::CodeTooLong(what))?;
            let code = QrCode::with_bits(bits, ec).map_err(|_| PaperError::CodeTooLong(what))?;
            return Ok(Self::drawn(&code, version, level));
        }
        Err(PaperError::CodeTooLong(what))
    }

    fn drawn(code: &QrCode, version: u8, level: Level) -> Self {
        let width = code.width();
        let dark = |color: &Color| *color == Color::Dark;
        let modules: Zeroizing<Vec<bool>> =
            Zeroizing::new(code.to_colors().iter().map(dark).collect());
        Self { version, level, width, rows: pack(&modules, width) }
    }

    /// Returns the version, 1 to 24.
    pub fn version(&self) -> u8 {
        self.version
    }

    /// Returns the error correction level.
    pub fn level(&self) -> Level {
        self.level
    }

    /// Returns how many modules a side has.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Says whether a module is dark; whatever lies beyond the code is light.
    pub fn is_dark(&self, x: usize, y: usize) -> bool {
        let byte = self.rows.get(y * self.width.div_ceil(8) + x / 8);
        x < self.width && byte.is_some_and(|byte| byte & (0x80 >> (x % 8)) == 0)
    }

    /// Returns the rows from the top, each padded to whole bytes, first module in the highest bit,
    /// 0 = dark.
    pub(super) fn rows(&self) -> &[u8] {
        &self.rows
    }
}

fn pack(dark: &[bool], width: usize) -> Zeroizing<Vec<u8>> {
    let mut rows = Zeroizing::new(Vec::with_capacity(width.div_ceil(8) * width));
    for row in dark.chunks(width) {
        for eight in row.chunks(8) {
            let light = |byte: u8, (i, dark): (usize, &bool)| byte | (u8::from(!dark) << (7 - i));
            rows.push(eight.iter().enumerate().fold(0, light));
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_short_text_on_a_sheet_is_not_torn_apart_by_a_blot() {
        let code = Code::on_sheet("BG1S0123456789ABCDEFGHJKMNPQRST", "code").unwrap();
        assert_eq!((code.version(), code.level(), code.width()), (LEAST, Level::H, 81));
        let long: String = "K1M2S3".chars().cycle().take(900).collect();
        let (sheet, plain) =
            (Code::on_sheet(&long, "code").unwrap(), Code::new(&long, "code").unwrap());
        assert_eq!(sheet.version(), plain.version());
    }

    fn made(count: usize) -> Result<(Level, u8), PaperError> {
        // no run of digits, which would be packed closer
        let text: String = "K1M2S3".chars().cycle().take(count).collect();
        Code::new(&text, "code").map(|code| (code.level(), code.version()))
    }

    #[test]
    fn the_level_is_the_highest_that_stays_within_version_24() {
        // what version 24 holds: 744 at H, 963 at Q, 1326 at M
        assert_eq!(made(100).unwrap(), (Level::H, 8));
        assert_eq!(made(744).unwrap(), (Level::H, 24));
        assert_eq!(made(745).unwrap().0, Level::Q);
        assert_eq!(made(963).unwrap(), (Level::Q, 24));
        assert_eq!(made(964).unwrap().0, Level::M);
        assert_eq!(made(1_326).unwrap(), (Level::M, 24));
        assert!(matches!(made(1_327).unwrap_err(), PaperError::CodeTooLong("code")));
    }

    #[test]
    fn rows_are_padded_and_dark_is_zero() {
        let code = Code::new("A", "code").unwrap();
        assert_eq!((code.version(), code.width(), code.rows().len()), (1, 21, 63));
        assert_eq!(code.rows()[0] >> 1, 0, "the upper edge of a finder is seven dark modules");
        assert_eq!(code.rows()[0] & 1, 1, "and then a light one");
    }
}
