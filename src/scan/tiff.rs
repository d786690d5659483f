//! Pages of a TIFF to grey pictures: the only file that knows the `tiff` crate.

use std::io::Cursor;

use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::{ColorType, TiffError};

use super::grey::{Grey, brightness};
use super::{MAX_PAGES, MAX_PIXELS, PageProblem};

/// The most bytes a page's pixels may take.
const MAX_BYTES: usize = 320 << 20;

/// Returns how many pages a file has; the one at which its chain breaks off counts, so that it is
/// named.
pub(super) fn pages(file: &[u8]) -> Result<u32, PageProblem> {
    let mut decoder = open(file)?;
    let mut pages = 1;
    while pages <= MAX_PAGES && decoder.more_images() {
        pages += 1;
        if decoder.next_image().is_err() && !decoder.more_images() {
            break;
        }
    }
    Ok(pages)
}

/// Decodes page `number`, from 1.
pub(super) fn decode(file: &[u8], number: u32) -> Result<Grey, PageProblem> {
    let mut decoder = open(file)?;
    let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
    decoder.seek_to_image(index.ok_or(PageProblem::Missing)?).map_err(|error| problem(&error))?;
    let (width, height) = decoder.dimensions().map_err(|error| problem(&error))?;
    let (width, height) = usize::try_from(width)
        .ok()
        .zip(usize::try_from(height).ok())
        .filter(|(width, height)| width.checked_mul(*height).is_some_and(|all| all <= MAX_PIXELS))
        .ok_or(PageProblem::TooLarge)?;
    let colour = decoder.colortype().map_err(|error| problem(&error))?;
    let pixels = decoder.read_image().map_err(|error| problem(&error))?;
    let (depth, bytes) = match pixels {
        DecodingResult::U8(bytes) => (colour.bit_depth(), bytes),
        // of 16 bits a sample only the upper ones matter
        DecodingResult::U16(words) => (8, words.iter().map(|word| word.to_be_bytes()[0]).collect()),
        _ => return Err(PageProblem::Unsupported),
    };
    let grey = to_grey(colour, depth, width, &bytes).ok_or(PageProblem::Unsupported)?;
    Grey::new(width, height, grey).ok_or(PageProblem::Damaged)
}

fn open(file: &[u8]) -> Result<Decoder<Cursor<&[u8]>>, PageProblem> {
    let mut limits = Limits::default();
    limits.decoding_buffer_size = MAX_BYTES;
    limits.intermediate_buffer_size = MAX_BYTES;
    let decoder = Decoder::new(Cursor::new(file)).map_err(|error| problem(&error))?;
    Ok(decoder.with_limits(limits))
}

fn to_grey(colour: ColorType, depth: u8, width: usize, bytes: &[u8]) -> Option<Vec<u8>> {
    let rgb = |r: u8, g: u8, b: u8| brightness(r, g, b);
    // ink on paper: what a colour lets through, black lets less through
    let ink = |c: u8, m: u8, y: u8, k: u8| {
        let through = u16::from(brightness(!c, !m, !y)) * u16::from(!k) / 255;
        through.to_le_bytes()[0]
    };
    Some(match (colour, depth) {
        (ColorType::Gray(_), 8) => bytes.to_vec(),
        (ColorType::Gray(_), bits @ (1 | 2 | 4)) => unpack(bits, width, bytes),
        (ColorType::GrayA(_), 8) => bytes.as_chunks::<2>().0.iter().map(|p| p[0]).collect(),
        (ColorType::RGB(_) | ColorType::YCbCr(_), 8) => {
            bytes.as_chunks().0.iter().map(|&[r, g, b]| rgb(r, g, b)).collect()
        }
        (ColorType::RGBA(_), 8) => {
            bytes.as_chunks().0.iter().map(|&[r, g, b, _]| rgb(r, g, b)).collect()
        }
        (ColorType::CMYK(_), 8) => {
            bytes.as_chunks().0.iter().map(|&[c, m, y, k]| ink(c, m, y, k)).collect()
        }
        _ => return None,
    })
}

/// Takes apart samples of less than a byte; each row starts with a new byte.
fn unpack(bits: u8, width: usize, bytes: &[u8]) -> Vec<u8> {
    let most = u8::MAX >> (8 - bits);
    let row = (width * usize::from(bits)).div_ceil(8);
    let mut out = Vec::with_capacity(bytes.len() * 8 / usize::from(bits));
    for packed in bytes.chunks(row.max(1)) {
        let samples = packed.iter().flat_map(|byte| {
            (1..=8 / bits).map(move |i| (byte >> (8 - i * bits) & most) * (u8::MAX / most))
        });
        out.extend(samples.take(width));
    }
    out
}

fn problem(error: &TiffError) -> PageProblem {
    match error {
        TiffError::LimitsExceeded => PageProblem::TooLarge,
        TiffError::UnsupportedError(_) => PageProblem::Unsupported,
        _ => PageProblem::Damaged,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tiff::encoder::{TiffEncoder, colortype};

    use super::*;

    fn three_pages() -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        let mut encoder = TiffEncoder::new(&mut file).unwrap();
        encoder.write_image::<colortype::Gray8>(2, 2, &[0, 50, 100, 255]).unwrap();
        encoder.write_image::<colortype::RGB16>(1, 1, &[0xff00, 0xff00, 0xff00]).unwrap();
        encoder.write_image::<colortype::CMYK8>(2, 1, &[0, 0, 0, 255, 0, 0, 0, 0]).unwrap();
        file.into_inner()
    }

    fn pixels(file: &[u8], page: u32) -> Vec<u8> {
        decode(file, page).map_err(|problem| problem.to_string()).unwrap().pixels().to_vec()
    }

    #[test]
    fn every_page_is_decoded() {
        let file = three_pages();
        assert_eq!(pages(&file), Ok(3));
        assert_eq!(pixels(&file, 1), [0, 50, 100, 255]);
        assert_eq!(pixels(&file, 2), [255]);
        assert_eq!(pixels(&file, 3), [0, 255]);
        assert!(decode(&file, 4).is_err() && decode(&file, 0).is_err());
    }

    #[test]
    fn samples_of_less_than_a_byte_are_taken_apart() {
        assert_eq!(unpack(1, 3, &[0b1010_0000, 0b0100_0000]), [255, 0, 255, 0, 255, 0]);
        assert_eq!(unpack(4, 2, &[0xf0, 0x0f]), [255, 0, 0, 255]);
        assert_eq!(unpack(2, 3, &[0b0001_1100]), [0, 85, 255]);
    }

    #[test]
    fn damaged_files_give_their_problem() {
        let file = three_pages();
        assert_eq!(pages(b"II*\0"), Err(PageProblem::Damaged));
        let mut noise = super::super::tests::Noise(21);
        for _ in 0..500 {
            let mut bytes = file.clone();
            for _ in 0..4 {
                let at = noise.below(bytes.len());
                bytes[at] = noise.bytes(1)[0];
            }
            for page in 1..=pages(&bytes).unwrap_or(0) {
                let _ = decode(&bytes, page);
            }
        }
    }
}
