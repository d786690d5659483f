//! PNG and JPEG to grey pictures: the only file that knows the `image` crate.

use std::io::Cursor;

use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::PngDecoder;
use image::{ColorType, ImageDecoder, ImageError, Limits};

use super::grey::{Grey, brightness};
use super::kind::Picture;
use super::{MAX_PIXELS, PageProblem};

/// The most memory a decoder may take for its own buffers and the pixels.
const MAX_MEMORY: u64 = 512 << 20;

/// Decodes a picture; one that is cut short or damaged gives what was decoded before that, and the
/// problem.
pub(super) fn decode(
    format: Picture,
    file: &[u8],
) -> Result<(Grey, Option<PageProblem>), PageProblem> {
    let file = Cursor::new(file);
    match format {
        Picture::Png => pixels(PngDecoder::with_limits(file, limits()).map_err(problem)?),
        Picture::Jpeg => pixels(JpegDecoder::new(file).map_err(problem)?),
    }
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_MEMORY);
    limits
}

fn pixels(mut decoder: impl ImageDecoder) -> Result<(Grey, Option<PageProblem>), PageProblem> {
    let (width, height) = decoder.dimensions();
    let fits = u64::from(width) * u64::from(height) <= MAX_PIXELS as u64;
    let colour = decoder.color_type();
    let Some(total) = usize::try_from(decoder.total_bytes()).ok().filter(|_| fits) else {
        return Err(PageProblem::TooLarge);
    };
    decoder.set_limits(limits()).map_err(problem)?;
    // what a damaged file does not fill stays white
    let mut bytes = vec![u8::MAX; total];
    let partial = match decoder.read_image(&mut bytes) {
        Ok(()) => None,
        Err(error) => match problem(error) {
            PageProblem::Damaged if bytes.iter().any(|v| *v != u8::MAX) => {
                Some(PageProblem::Partial)
            }
            other => return Err(other),
        },
    };
    let pixels = to_grey(bytes, colour).ok_or(PageProblem::Unsupported)?;
    let (width, height) = (usize::try_from(width), usize::try_from(height));
    let grey = width.ok().zip(height.ok()).and_then(|(w, h)| Grey::new(w, h, pixels));
    grey.map(|grey| (grey, partial)).ok_or(PageProblem::Damaged)
}

/// Returns the grey values of decoded pixels; what is transparent shows white paper.
fn to_grey(bytes: Vec<u8>, colour: ColorType) -> Option<Vec<u8>> {
    let over_white = |grey: u8, alpha: u8| {
        let sum = u16::from(grey) * u16::from(alpha) + 255 * u16::from(255 - alpha);
        (sum / 255).to_le_bytes()[0]
    };
    // of 16 bits a channel only the upper ones matter
    let high = |channel: [u8; 2]| u16::from_ne_bytes(channel).to_be_bytes()[0];
    let high_of = |bytes: &[u8]| bytes.as_chunks::<2>().0.iter().map(|c| high(*c)).collect();
    Some(match colour {
        ColorType::L8 => bytes,
        ColorType::La8 => {
            bytes.as_chunks().0.iter().map(|&[grey, alpha]| over_white(grey, alpha)).collect()
        }
        ColorType::Rgb8 => {
            bytes.as_chunks().0.iter().map(|&[r, g, b]| brightness(r, g, b)).collect()
        }
        ColorType::Rgba8 => {
            let pixels = bytes.as_chunks().0.iter();
            pixels.map(|&[r, g, b, alpha]| over_white(brightness(r, g, b), alpha)).collect()
        }
        ColorType::L16 => high_of(&bytes),
        ColorType::La16 => return to_grey(high_of(&bytes), ColorType::La8),
        ColorType::Rgb16 => return to_grey(high_of(&bytes), ColorType::Rgb8),
        ColorType::Rgba16 => return to_grey(high_of(&bytes), ColorType::Rgba8),
        _ => return None,
    })
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn problem(error: ImageError) -> PageProblem {
    match error {
        ImageError::Limits(_) => PageProblem::TooLarge,
        ImageError::Unsupported(_) => PageProblem::Unsupported,
        _ => PageProblem::Damaged,
    }
}
