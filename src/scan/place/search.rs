//! Looking for one known pattern around the point where it should be.

use super::plane::Point;
use crate::scan::grey::Grey;

/// A pattern that every code has: square rings, dark and light in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    /// 7 × 7 modules and the light ring around them.
    Finder,
    /// 5 × 5 modules.
    Alignment,
}

impl Pattern {
    /// Returns how many modules it reaches from its middle.
    fn reach(self) -> i16 {
        match self {
            Self::Finder => 4,
            Self::Alignment => 2,
        }
    }

    /// Returns its squares from the outside: how far each reaches from the middle, and what its
    /// modules add to those of the squares around it, so that dark ones come to 1 and light ones
    /// to −1.
    fn squares(self) -> &'static [(i16, f32)] {
        match self {
            Self::Finder => &[(4, -1.0), (3, 2.0), (2, -2.0), (1, 2.0)],
            Self::Alignment => &[(2, 1.0), (1, -2.0), (0, 2.0)],
        }
    }
}

/// How modules lie around a point of the picture: where it is, and one module to the right and down.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around {
    pub(super) at: Point,
    pub(super) right: Point,
    pub(super) down: Point,
}

impl Around {
    /// Takes the surroundings of a point of `map`, which takes modules to pixels.
    pub(super) fn new(map: impl Fn(Point) -> Point, point: Point) -> Self {
        let at = map(point);
        let right = map(Point::new(point.x + 1.0, point.y));
        let down = map(Point::new(point.x, point.y + 1.0));
        let step = |to: Point| Point::new(to.x - at.x, to.y - at.y);
        Self { at, right: step(right), down: step(down) }
    }

    /// Returns the pixel at so many modules to the right and down.
    pub(super) fn step(&self, u: f32, v: f32) -> Point {
        Point::new(
            self.at.x + u * self.right.x + v * self.down.x,
            self.at.y + u * self.right.y + v * self.down.y,
        )
    }
}

/// A pattern that was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    /// Its middle, in pixels.
    pub(super) at: Point,
    /// Correlation with the pattern, at most 1.
    pub(super) likeness: f32,
}

/// Finds the place, at most `reach` modules from where it should be, that is most like the pattern;
/// `fine` steps a module are tried.
pub(super) fn find(grey: &Grey, around: &Around, pattern: Pattern, reach: f32, fine: i16) -> Hit {
    let steps = round(reach * f32::from(fine));
    let lattice = Lattice::new(grey, around, pattern.reach() * fine + steps, fine);
    let mut best = Hit { at: around.at, likeness: -1.0 };
    for v in -steps..=steps {
        for u in -steps..=steps {
            let likeness = lattice.correlation(pattern, u, v);
            if likeness > best.likeness {
                let at = around.step(lattice.modules(u), lattice.modules(v));
                best = Hit { at, likeness };
            }
        }
    }
    best
}

/// Sums of values around a point, `fine` to a module in both directions. Each sum is over all points
/// that lie whole modules to the left and above, so a square of modules costs four look-ups.
struct Lattice {
    plain: Vec<f32>,
    squares: Vec<f32>,
    width: usize,
    half: i16,
    fine: i16,
}

impl Lattice {
    fn new(grey: &Grey, around: &Around, half: i16, fine: i16) -> Self {
        // `fine` columns and rows of zeros go before the first
        let margin = usize::try_from(fine).unwrap_or(1);
        let width = usize::try_from(2 * half + 1).unwrap_or(1) + margin;
        let mut plain = vec![0.0; width * width];
        let mut squares = vec![0.0; width * width];
        let back = margin * width;
        for (row, v) in (margin..).zip(-half..=half) {
            for (column, u) in (margin..).zip(-half..=half) {
                let module = |i: i16| f32::from(i) / f32::from(fine);
                let dark = 255.0 - grey.at(around.step(module(u), module(v)));
                let at = row * width + column;
                plain[at] =
                    dark + plain[at - margin] + plain[at - back] - plain[at - back - margin];
                squares[at] = dark * dark + squares[at - margin] + squares[at - back]
                    - squares[at - back - margin];
            }
        }
        Self { plain, squares, width, half, fine }
    }

    fn modules(&self, steps: i16) -> f32 {
        f32::from(steps) / f32::from(self.fine)
    }

    /// Returns the sum over the square of modules that reaches `reach` from the middle moved by so
    /// many steps.
    fn sum(&self, sums: &[f32], reach: i16, u: i16, v: i16) -> f32 {
        // with the margin the first of all is `fine`
        let index = |i: i16| usize::try_from(self.half + i + self.fine).unwrap_or(0);
        let span = reach * self.fine;
        let (left, right) = (index(u - span - self.fine), index(u + span));
        let (above, below) = (index(v - span - self.fine), index(v + span));
        sums[below * self.width + right] + sums[above * self.width + left]
            - sums[below * self.width + left]
            - sums[above * self.width + right]
    }

    /// Returns the correlation of a pattern with what lies around the middle moved by so many steps.
    fn correlation(&self, pattern: Pattern, u: i16, v: i16) -> f32 {
        let (mut cross, mut balance) = (0.0, 0.0);
        for (reach, weight) in pattern.squares() {
            cross += weight * self.sum(&self.plain, *reach, u, v);
            balance += weight * f32::from((2 * reach + 1).pow(2));
        }
        let reach = pattern.reach();
        let n = f32::from((2 * reach + 1).pow(2));
        let mean = self.sum(&self.plain, reach, u, v) / n;
        let variance = self.sum(&self.squares, reach, u, v) / n - mean * mean;
        // grain on empty paper is no pattern
        if variance < 36.0 {
            return 0.0;
        }
        let balance = balance / n;
        let covariance = cross / n - mean * balance;
        covariance / (variance.sqrt() * (1.0 - balance * balance).sqrt())
    }
}

#[allow(clippy::cast_possible_truncation, reason = "saturates; a few modules")]
fn round(v: f32) -> i16 {
    v.round() as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A finder of five pixels a module whose middle is at 61, 57.
    fn finder() -> Grey {
        Grey::by_rows(120, 120, |y, row| {
            for (x, value) in row.iter_mut().enumerate() {
                let ring = |v: f32, middle: f32| ((v + 0.5 - middle).abs() / 5.0 + 0.5).floor();
                let x = ring(f32::from(u8::try_from(x).unwrap_or(0)), 61.0);
                let y = ring(f32::from(u8::try_from(y).unwrap_or(0)), 57.0);
                *value = if [0.0, 1.0, 3.0].contains(&x.max(y)) { 10 } else { 240 };
            }
        })
    }

    #[test]
    fn a_pattern_is_found_where_it_is() {
        let around = Around {
            at: Point::new(55.0, 62.0),
            right: Point::new(5.0, 0.0),
            down: Point::new(0.0, 5.0),
        };
        let hit = find(&finder(), &around, Pattern::Finder, 2.0, 5);
        assert!(hit.at.distance(Point::new(61.0, 57.0)) < 1.5, "{hit:?}");
        assert!(hit.likeness > 0.99);
        assert!(find(&finder(), &around, Pattern::Alignment, 1.0, 3).likeness < 0.7);
    }

    #[test]
    fn empty_paper_has_no_pattern() {
        let paper = Grey::by_rows(100, 100, |y, row| row.fill(if y % 2 == 0 { 250 } else { 246 }));
        let around = Around {
            at: Point::new(50.0, 50.0),
            right: Point::new(4.0, 0.0),
            down: Point::new(0.0, 4.0),
        };
        assert!(find(&paper, &around, Pattern::Finder, 2.0, 2).likeness < 0.1);
    }
}
