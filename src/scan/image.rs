//! PNG, JPEG and WebP to grey pictures: the only file that knows the `image` crate.

use std::io::Cursor;

use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::{ColorType, ImageDecoder, ImageError, Limits};

use super::grey::{Grey, brightness};
use super::kind::Picture;
use super::{MAX_PIXELS, PageProblem, heic};

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
        Picture::WebP => pixels(WebPDecoder::new(file).map_err(problem)?),
        Picture::Heic => heic::decode(file.into_inner()).map(|grey| (grey, None)),
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use image::ExtendedColorType;
    use image::codecs::png::PngEncoder;
    use image::{ImageEncoder, codecs::jpeg::JpegEncoder};

    use super::*;

    fn png(width: u32, height: u32, colour: ExtendedColorType, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        PngEncoder::new(&mut out).write_image(bytes, width, height, colour).unwrap();
        out
    }

    fn grey(format: Picture, file: &[u8]) -> Vec<u8> {
        let (grey, problem) = decode(format, file).map_err(|problem| problem.to_string()).unwrap();
        assert_eq!(problem, None);
        grey.pixels().to_vec()
    }

    #[test]
    fn every_colour_becomes_grey_on_white_paper() {
        use ExtendedColorType::{L8, L16, La8, Rgb8, Rgb16, Rgba8, Rgba16};
        let wide = |bytes: &[u8]| bytes.iter().flat_map(|v| [*v, *v]).collect::<Vec<_>>();
        assert_eq!(grey(Picture::Png, &png(2, 1, L8, &[7, 200])), [7, 200]);
        assert_eq!(grey(Picture::Png, &png(2, 1, L16, &wide(&[7, 200]))), [7, 200]);
        assert_eq!(grey(Picture::Png, &png(2, 1, La8, &[0, 255, 0, 0])), [0, 255]);
        let colours = [0, 0, 0, 255, 255, 255];
        assert_eq!(grey(Picture::Png, &png(2, 1, Rgb8, &colours)), [0, 255]);
        assert_eq!(grey(Picture::Png, &png(2, 1, Rgb16, &wide(&colours))), [0, 255]);
        let clear = [0, 0, 0, 255, 0, 0, 0, 0];
        assert_eq!(grey(Picture::Png, &png(2, 1, Rgba8, &clear)), [0, 255]);
        assert_eq!(grey(Picture::Png, &png(2, 1, Rgba16, &wide(&clear))), [0, 255]);
        let mut jpeg = Vec::new();
        JpegEncoder::new(&mut jpeg).write_image(&[9; 64], 8, 8, L8).unwrap();
        assert!(grey(Picture::Jpeg, &jpeg).iter().all(|v| v.abs_diff(9) < 3));
    }

    #[test]
    fn a_cut_picture_keeps_the_rows_before_the_cut() {
        let mut noise = super::super::tests::Noise(4);
        let file = png(100, 100, ExtendedColorType::L8, &noise.bytes(10_000));
        let (grey, problem) = decode(Picture::Png, &file[..5000]).map_err(|_| ()).unwrap();
        assert_eq!(problem, Some(PageProblem::Partial));
        assert!(grey.row(10).iter().any(|v| *v != 255) && grey.row(99).iter().all(|v| *v == 255));
        assert!(matches!(decode(Picture::Png, &file[..30]), Err(PageProblem::Damaged)));
        assert!(matches!(decode(Picture::Jpeg, b"\xff\xd8\xff"), Err(PageProblem::Damaged)));
    }

    #[test]
    fn noise_in_a_picture_never_panics() {
        let mut noise = super::super::tests::Noise(5);
        let mut jpeg = Vec::new();
        let pixels = noise.bytes(32 * 32);
        JpegEncoder::new(&mut jpeg).write_image(&pixels, 32, 32, ExtendedColorType::L8).unwrap();
        let png = png(32, 32, ExtendedColorType::L8, &pixels);
        for round in 0..2000 {
            let (format, whole) =
                if round % 2 == 0 { (Picture::Png, &png) } else { (Picture::Jpeg, &jpeg) };
            let mut file = whole.clone();
            for _ in 0..=noise.below(3) {
                let at = noise.below(file.len());
                file[at] = noise.bytes(1)[0];
            }
            file.truncate(file.len() - noise.below(20));
            let _ = decode(format, &file);
        }
    }
}
