//! A grey picture, 8 bits a pixel: what every source becomes and every filter works on.

use super::place::plane::Point;

/// Rows of grey values, 0 black to 255 white, without padding.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Grey {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Grey {
    /// Makes a picture of `pixels`; `None` when they are not exactly `width` × `height`.
    pub(super) fn new(width: usize, height: usize, pixels: Vec<u8>) -> Option<Self> {
        (width.checked_mul(height)? == pixels.len()).then_some(Self { width, height, pixels })
    }

    /// Makes a picture row by row: `fill(y, row)` writes row `y`.
    pub(super) fn by_rows(
        width: usize,
        height: usize,
        mut fill: impl FnMut(usize, &mut [u8]),
    ) -> Self {
        let mut pixels = vec![0; width * height];
        if width > 0 {
            for (y, row) in pixels.chunks_exact_mut(width).enumerate() {
                fill(y, row);
            }
        }
        Self { width, height, pixels }
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    pub(super) fn height(&self) -> usize {
        self.height
    }

    pub(super) fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Tells whether all pixels are the same.
    pub(super) fn is_blank(&self) -> bool {
        self.pixels.windows(2).all(|two| two[0] == two[1])
    }

    /// Returns row `y`; rows above and below the picture repeat its edge.
    pub(super) fn row(&self, y: isize) -> &[u8] {
        let y = y.clamp(0, self.height.saturating_sub(1).cast_signed()).cast_unsigned();
        self.pixels.get(y * self.width..(y + 1) * self.width).unwrap_or_default()
    }

    /// Returns the value at a point between the pixels' middles; white outside the picture.
    pub(super) fn at(&self, point: Point) -> f32 {
        let (x, y) = (point.x - 0.5, point.y - 0.5);
        let inside = |v: f32, size: usize| v >= 0.0 && v < to_f32(size.saturating_sub(1));
        if !inside(x, self.width) || !inside(y, self.height) {
            return 255.0;
        }
        let (left, top) = (to_usize(x), to_usize(y));
        let (dx, dy) = (x - to_f32(left), y - to_f32(top));
        let at = top * self.width + left;
        let value = |at: usize| f32::from(self.pixels[at]);
        let between = |at: usize| value(at) + (value(at + 1) - value(at)) * dx;
        between(at) + (between(at + self.width) - between(at)) * dy
    }
}

/// Returns the brightness of a colour (the weights of ITU-R BT.601, in 256ths).
pub(super) fn brightness(red: u8, green: u8, blue: u8) -> u8 {
    let sum = 77 * u32::from(red) + 150 * u32::from(green) + 29 * u32::from(blue);
    (sum >> 8).to_le_bytes()[0] // the weights add up to 256: at most 255
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
pub(super) fn to_u8(v: f32) -> u8 {
    v as u8
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
pub(super) fn to_usize(v: f32) -> usize {
    v as usize
}

#[allow(clippy::cast_precision_loss, reason = "sizes of pictures stay far below 2²⁴")]
pub(super) fn to_f32(v: usize) -> f32 {
    v as f32
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn size_and_pixels_agree() {
        assert!(Grey::new(2, 2, vec![0; 4]).is_some());
        assert!(Grey::new(2, 2, vec![0; 5]).is_none());
        assert!(Grey::new(usize::MAX, 2, vec![0; 4]).is_none());
        let grey = Grey::by_rows(3, 2, |y, row| row.fill(if y == 0 { 1 } else { 2 }));
        assert_eq!(grey.pixels(), [1, 1, 1, 2, 2, 2]);
        assert_eq!(grey.row(-5), [1, 1, 1]);
        assert_eq!(grey.row(5), [2, 2, 2]);
        assert!(!grey.is_blank() && Grey::by_rows(4, 4, |_, row| row.fill(9)).is_blank());
    }

    #[test]
    fn white_is_white_and_black_black() {
        assert_eq!(brightness(255, 255, 255), 255);
        assert_eq!(brightness(0, 0, 0), 0);
        assert!(brightness(0, 255, 0) > brightness(255, 0, 0));
    }
}
