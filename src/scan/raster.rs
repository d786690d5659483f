//! PDF pages to grey pictures: the only file that knows hayro.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hayro::hayro_interpret::{InterpreterSettings, InterpreterWarning};
use hayro::hayro_syntax::page::Page;
use hayro::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings, render};

use super::grey::{Grey, brightness, to_f32};
use super::{MAX_PIXELS, PageProblem};

/// Resolution at which a page is looked at first, dots per inch.
const FIRST: f32 = 200.0;

/// Resolution at which it is looked at again when codes are missing.
const FINE: f32 = 300.0;

/// A page is never looked at with fewer dots than a sheet has at this resolution.
const COARSE: f32 = 150.0;

/// Pixels that are enough for a first look at a scanned page: A4 at 350 dots per inch.
const ENOUGH: f32 = 12e6;

/// Pixels that are enough for any page: A4 at 500 dots per inch.
const PLENTY: f32 = 25e6;

/// Square inches of an A4 page.
const A4: f32 = 96.7;

/// Pixels from which a picture on a page makes it a scanned page.
const SCAN: f32 = 4e5;

/// A parsed PDF.
pub(super) struct Document {
    pdf: Pdf,
    /// Its end is there; what is missing before the end shows when it is drawn.
    whole: bool,
}

impl Document {
    /// Parses a file; PDFs that open without a password are decrypted.
    pub(super) fn open(file: Vec<u8>) -> Result<Self, PageProblem> {
        let tail = &file[file.len().saturating_sub(1024)..];
        let whole = tail.windows(5).any(|five| five == b"%%EOF");
        Pdf::new(file).map(|pdf| Self { pdf, whole }).map_err(|error| match error {
            LoadPdfError::Decryption(DecryptionError::PasswordProtected) => PageProblem::Password,
            LoadPdfError::Decryption(_) | LoadPdfError::Invalid => PageProblem::Damaged,
        })
    }

    /// Returns the number of pages.
    pub(super) fn pages(&self) -> usize {
        self.pdf.pages().len()
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
        let enough = (ENOUGH / area).sqrt().min(most);
        let first = if scan >= SCAN { own.max(coarse).min(enough) } else { FIRST.min(most) };
        let again = (first < most * 0.9).then_some(most);
        Ok([first].into_iter().chain(again).collect())
    }

    /// Draws page `number` at `dpi`; a picture on it that cannot be decoded is a problem, what else
    /// is there is drawn all the same.
    pub(super) fn draw(
        &self,
        number: u32,
        dpi: f32,
    ) -> Result<(Grey, Option<PageProblem>), PageProblem> {
        let page = self.page(number)?;
        let (width, height) = inches(page);
        let sides = [width * dpi, height * dpi];
        let fits = sides.iter().all(|side| (1.0..f32::from(u16::MAX)).contains(side));
        if !fits || sides[0] * sides[1] > to_f32(MAX_PIXELS) {
            return Err(PageProblem::TooLarge);
        }
        let scale = dpi / 72.0;
        let failed = Arc::new(AtomicBool::new(false));
        let sink = Arc::clone(&failed);
        let settings = InterpreterSettings {
            warning_sink: Arc::new(move |warning| {
                if matches!(warning, InterpreterWarning::ImageDecodeFailure) {
                    sink.store(true, Ordering::Relaxed);
                }
            }),
            ..InterpreterSettings::default()
        };
        let pixmap = render(
            page,
            &RenderCache::new(),
            &settings,
            &RenderSettings::default(),
            &PixmapSettings { x_scale: scale, y_scale: scale, bg_color: WHITE },
        );
        let (width, height) = (usize::from(pixmap.width()), usize::from(pixmap.height()));
        let pixels = pixmap.data().iter().map(|p| brightness(p.r, p.g, p.b)).collect();
        let grey = Grey::new(width, height, pixels).ok_or(PageProblem::Damaged)?;
        let problem = match (grey.is_blank(), failed.load(Ordering::Relaxed)) {
            (true, false) if self.whole => Some(PageProblem::Blank),
            (true, _) => return Err(PageProblem::Damaged),
            (false, true) => Some(PageProblem::Partial),
            (false, false) => None,
        };
        Ok((grey, problem))
    }

    fn page(&self, number: u32) -> Result<&Page<'_>, PageProblem> {
        let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        index.and_then(|index| self.pdf.pages().get(index)).ok_or(PageProblem::Missing)
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// One page of that size in points, with a picture of that size in pixels on it.
    fn document(points: (u32, u32), pixels: Option<(u32, u32)>) -> Document {
        let picture = pixels.map_or(String::new(), |(width, height)| {
            format!(
                "4 0 obj\n<< /Type /XObject /Subtype /Image /Width {width} /Height {height} \
                 /Length 0 >>\nstream\n\nendstream\nendobj\n"
            )
        });
        let file = format!(
            "%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n\
             2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n\
             3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {} {}] \
             /Resources << /XObject << /P 4 0 R >> >> >>\nendobj\n{picture}\
             trailer\n<< /Root 1 0 R >>\n%%EOF\n",
            points.0, points.1
        );
        Document::open(file.into_bytes()).map_err(|problem| problem.to_string()).unwrap()
    }

    fn resolutions(points: (u32, u32), pixels: Option<(u32, u32)>) -> Vec<i32> {
        let dpi = document(points, pixels).resolutions(1).unwrap();
        dpi.into_iter().map(|dpi| format!("{dpi:.0}").parse().unwrap()).collect()
    }

    #[test]
    fn a_page_is_read_at_the_resolution_it_has() {
        let a4 = (595, 842);
        assert_eq!(resolutions(a4, None), [200, 300]);
        assert_eq!(resolutions(a4, Some((200, 100))), [200, 300]); // a logo
        assert_eq!(resolutions(a4, Some((2480, 3508))), [300]);
        assert_eq!(resolutions(a4, Some((4960, 7016))), [300]);
        assert_eq!(resolutions(a4, Some((827, 1169))), [150, 300]);
        // one point a pixel, as some programs write scans
        assert_eq!(resolutions((2480, 3508), Some((2480, 3508))), [72, 122]);
        assert_eq!(resolutions((4960, 7016), Some((4960, 7016)))[0], 42);
    }

    #[test]
    fn pages_without_end_are_refused() {
        let poster = document((14_400, 14_400), None);
        assert_eq!(poster.resolutions(1), Err(PageProblem::TooLarge));
        assert!(matches!(poster.draw(1, 150.0), Err(PageProblem::TooLarge)));
        assert_eq!(poster.resolutions(2), Err(PageProblem::Missing));
        assert_eq!(poster.resolutions(0), Err(PageProblem::Missing));
    }

    #[test]
    fn an_empty_page_is_blank() {
        let (grey, problem) = document((72, 144), None).draw(1, 100.0).map_err(|_| ()).unwrap();
        assert_eq!((grey.width(), grey.height()), (100, 200));
        assert_eq!(problem, Some(PageProblem::Blank));
    }

    #[test]
    fn an_empty_page_of_a_cut_file_is_damaged() {
        let mut document = document((72, 144), None);
        document.whole = false;
        assert!(matches!(document.draw(1, 100.0), Err(PageProblem::Damaged)));
    }

    #[test]
    fn what_is_no_pdf_is_said_to_be_damaged() {
        assert!(matches!(Document::open(b"%PDF-1.4".to_vec()), Err(PageProblem::Damaged)));
    }
}
