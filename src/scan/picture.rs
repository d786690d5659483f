//! The way back: a page of a PDF of our own as a picture, for `demo`.

use std::io::Cursor;

use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};

use super::PageProblem;
use super::raster::Document;

/// Draws page `number` (from 1) at `dpi` and writes it as a grey PNG.
///
/// It runs in this process: only for pages that this program has just made.
pub fn picture(pdf: &[u8], number: u32, dpi: f32) -> Result<Vec<u8>, PageProblem> {
    let (grey, problem) = Document::open(pdf.to_vec())?.draw(number, dpi)?;
    if let Some(problem) = problem {
        return Err(problem);
    }
    let side = |pixels: usize| u32::try_from(pixels).map_err(|_| PageProblem::TooLarge);
    let mut png = Cursor::new(Vec::new());
    PngEncoder::new(&mut png)
        .write_image(
            grey.pixels(),
            side(grey.width())?,
            side(grey.height())?,
            ExtendedColorType::L8,
        )
        .map_err(|_| PageProblem::Damaged)?;
    Ok(png.into_inner())
}
