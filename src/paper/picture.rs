//! A logo: PNG to grey.

use std::io::Cursor;

use image::{ImageFormat, ImageReader, Limits};

/// Most pixels of a side.
const MOST: u32 = 4000;

/// The pixels of a picture, 8-bit grey on white.
pub(super) struct Picture {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) grey: Vec<u8>,
}

impl Picture {
    /// Decodes a PNG; what is transparent becomes white. The error says what is wrong.
    pub(super) fn decode(png: &[u8]) -> Result<Self, String> {
        let mut reader = ImageReader::with_format(Cursor::new(png), ImageFormat::Png);
        let mut limits = Limits::default();
        (limits.max_image_width, limits.max_image_height) = (Some(MOST), Some(MOST));
        reader.limits(limits);
        let image = reader
            .decode()
            .map_err(|error| format!("it is not a PNG that can be printed: {error}"))?;
        let image = image.into_luma_alpha8();
        let over_white = |pixel: &image::LumaA<u8>| {
            let [grey, alpha] = pixel.0.map(u32::from);
            u8::try_from((grey * alpha + 255 * (255 - alpha)) / 255).unwrap_or(u8::MAX)
        };
        let (width, height) = image.dimensions();
        let grey = image.pixels().map(over_white).collect();
        Ok(Self { width: width as usize, height: height as usize, grey })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn transparent_is_white_and_what_is_no_png_is_said() {
        let mut png = Vec::new();
        let clear = image::RgbaImage::from_pixel(2, 1, image::Rgba([0, 0, 0, 0]));
        clear.write_to(&mut Cursor::new(&mut png), ImageFormat::Png).unwrap();
        let picture = Picture::decode(&png).unwrap();
        assert_eq!((picture.width, picture.height, picture.grey), (2, 1, vec![255, 255]));
        assert!(Picture::decode(b"GIF89a").is_err());
    }
}
