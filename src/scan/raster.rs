//! PDF pages to grey pictures: the only file that knows hayro.

use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_syntax::page::Page;
use hayro::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings, render};

use super::grey::{Grey, brightness};
use super::{MAX_PIXELS, PageProblem};

/// Resolution at which a page is looked at first, dots per inch.
const FIRST: f32 = 200.0;

/// Resolution at which it is looked at again when codes are missing.
const FINE: f32 = 300.0;

/// A page is never looked at with fewer dots than a sheet has at this resolution.
const COARSE: f32 = 150.0;

/// Pixels that are enough for any page: A4 at 500 dots per inch.
const PLENTY: f32 = 25e6;

/// Square inches of an A4 page.
const A4: f32 = 96.7;

/// Pixels from which a picture on a page makes it a scanned page.
const SCAN: f32 = 4e5;

/// A parsed PDF.
pub(super) struct Document(Pdf);

impl Document {
    /// Parses a file; PDFs that open without a password are decrypted.
    pub(super) fn open(file: Vec<u8>) -> Result<Self, PageProblem> {
        Pdf::new(file).map(Self).map_err(|error| match error {
            LoadPdfError::Decryption(DecryptionError::PasswordProtected) => PageProblem::Password,
            LoadPdfError::Decryption(_) | LoadPdfError::Invalid => PageProblem::Damaged,
        })
    }

    /// Returns the number of pages.
    pub(super) fn pages(&self) -> usize {
        self.0.pages().len()
    }

    /// Returns the resolutions at which page `number` (from 1) is to be looked at, in their order.
    pub(super) fn resolutions(&self, number: u32) -> Result<Vec<f32>, PageProblem> {
        let page = self.page(number)?;
        let (width, height) = inches(page);
        let area = width * height;
        let scan = largest_picture(page);
        if area * COARSE * COARSE > to_f32(MAX_PIXELS) && scan < SCAN {
            return Err(PageProblem::TooLarge);
        }
        // a page that claims a square metre because its scanner did not know better is an A4 page
        let coarse = COARSE * (A4 / area).sqrt().min(1.0);
        let own = (scan / area).sqrt();
        let most = (PLENTY / area).sqrt().min(FINE);
        let first = if scan >= SCAN { own.clamp(coarse.min(most), most) } else { FIRST.min(most) };
        let again = (first < most * 0.9).then_some(most);
        Ok([first].into_iter().chain(again).collect())
    }

    /// Draws page `number` at `dpi`.
    pub(super) fn draw(&self, number: u32, dpi: f32) -> Result<Grey, PageProblem> {
        let page = self.page(number)?;
        let (width, height) = inches(page);
        let sides = [width * dpi, height * dpi];
        let fits = sides.iter().all(|side| (1.0..f32::from(u16::MAX)).contains(side));
        if !fits || sides[0] * sides[1] > to_f32(MAX_PIXELS) {
            return Err(PageProblem::TooLarge);
        }
        let scale = dpi / 72.0;
        let pixmap = render(
            page,
            &RenderCache::new(),
            &InterpreterSettings::default(),
            &RenderSettings::default(),
            &PixmapSettings { x_scale: scale, y_scale: scale, bg_color: WHITE },
        );
        let (width, height) = (usize::from(pixmap.width()), usize::from(pixmap.height()));
        let pixels = pixmap.data().iter().map(|p| brightness(p.r, p.g, p.b)).collect();
        Grey::new(width, height, pixels).ok_or(PageProblem::Damaged)
    }

    fn page(&self, number: u32) -> Result<&Page<'_>, PageProblem> {
        let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        index.and_then(|index| self.0.pages().get(index)).ok_or(PageProblem::Missing)
    }
}

/// Returns a page's width and height in inches, as it is shown.
fn inches(page: &Page<'_>) -> (f32, f32) {
    let (width, height) = page.render_dimensions();
    (width / 72.0, height / 72.0)
}

/// Returns the pixels of the largest picture on a page: a scanned page is one picture.
fn largest_picture(page: &Page<'_>) -> f32 {
    let pictures = &page.resources().x_objects;
    let sizes = pictures.keys().filter_map(|name| {
        let stream = page.resources().get_x_object(&name)?;
        let side = |key: &str| stream.dict().get::<f32>(key);
        Some(side("Width")? * side("Height")?)
    });
    sizes.filter(|pixels| pixels.is_finite()).fold(0.0, f32::max)
}

#[allow(clippy::cast_precision_loss, reason = "a limit")]
fn to_f32(v: usize) -> f32 {
    v as f32
}
