//! The picture turned by 45°: codes that lie askew are read once they lie straight.

use super::grey::{Grey, to_f32, to_u8, to_usize};
use super::place::plane::Point;

/// Turns the picture by 45° to the right, white around it.
pub(super) fn rotate(grey: &Grey) -> Grey {
    let (width, height) = (grey.width(), grey.height());
    let side = to_usize(to_f32(width + height) * Turn::COS);
    let turn = Turn::new(width, height, side);
    Grey::by_rows(side, side, |y, out| {
        for (x, o) in out.iter_mut().enumerate() {
            *o = to_u8(grey.at(turn.back(Point::new(to_f32(x) + 0.5, to_f32(y) + 0.5))));
        }
    })
}

/// Where points of a turned picture were before.
#[derive(Clone, Copy)]
pub(super) struct Turn {
    centre: (f32, f32),
    turned_centre: f32,
}

impl Turn {
    const COS: f32 = std::f32::consts::FRAC_1_SQRT_2;

    /// For a picture of this size, turned into a square of that side.
    pub(super) fn new(width: usize, height: usize, side: usize) -> Self {
        let centre = (to_f32(width) / 2.0, to_f32(height) / 2.0);
        Self { centre, turned_centre: to_f32(side) / 2.0 }
    }

    /// Returns the place in the picture of a point of the turned one.
    pub(super) fn back(self, point: Point) -> Point {
        let (x, y) = (point.x - self.turned_centre, point.y - self.turned_centre);
        Point::new((x + y) * Self::COS + self.centre.0, (y - x) * Self::COS + self.centre.1)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn turning_finds_the_way_back() {
        let mut pixels = vec![255; 60 * 40];
        pixels[10 * 60 + 45] = 0;
        let grey = Grey::new(60, 40, pixels).unwrap();
        let turned = rotate(&grey);
        let darkest = turned.pixels().iter().enumerate().min_by_key(|(_, v)| **v).unwrap().0;
        let (x, y) = (darkest % turned.width(), darkest / turned.width());
        let turn = Turn::new(60, 40, turned.width());
        let Point { x, y } = turn.back(Point::new(to_f32(x) + 0.5, to_f32(y) + 0.5));
        assert!((x - 45.5).abs() < 1.0 && (y - 10.5).abs() < 1.0, "{x} {y}");
    }
}
