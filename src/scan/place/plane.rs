//! Planes seen from anywhere: homographies, and fitting them to what was found.
#![allow(
    clippy::many_single_char_names,
    reason = "the letters of the textbook: entries of matrices"
)]

/// A point of a picture (pixels), of a page (mm) or of a code (modules).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::scan) struct Point {
    pub(in crate::scan) x: f32,
    pub(in crate::scan) y: f32,
}

impl Point {
    pub(in crate::scan) fn new(x: f32, y: f32) -> Self {
        Self { x, y }
    }

    pub(in crate::scan) fn distance(self, other: Self) -> f32 {
        (self.x - other.x).hypot(self.y - other.y)
    }
}

/// Two points that are the same one, and how much that is worth.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    pub(super) from: Point,
    pub(super) to: Point,
    pub(super) weight: f32,
}

/// A map that keeps straight lines straight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plane([f64; 9]);

impl Plane {
    /// Returns where a point comes to lie.
    pub(super) fn map(&self, point: Point) -> Point {
        let [a, b, c, d, e, f, g, h, i] = self.0;
        let (x, y) = (f64::from(point.x), f64::from(point.y));
        let w = g * x + h * y + i;
        let w = if w.abs() < 1e-9 { 1e-9 } else { w };
        Point::new(to_f32((a * x + b * y + c) / w), to_f32((d * x + e * y + f) / w))
    }

    /// Returns the similarity (turn, scale, shift) that maps two points to two others.
    pub(super) fn similarity(from: [Point; 2], to: [Point; 2]) -> Option<Self> {
        let [p, q] = from.map(|p| (f64::from(p.x), f64::from(p.y)));
        let [r, s] = to.map(|p| (f64::from(p.x), f64::from(p.y)));
        let (dx, dy) = (q.0 - p.0, q.1 - p.1);
        let (ex, ey) = (s.0 - r.0, s.1 - r.1);
        let square = dx * dx + dy * dy;
        if square < 1e-9 {
            return None;
        }
        let a = (ex * dx + ey * dy) / square;
        let b = (ey * dx - ex * dy) / square;
        let (tx, ty) = (r.0 - a * p.0 + b * p.1, r.1 - b * p.0 - a * p.1);
        Some(Self([a, -b, tx, b, a, ty, 0.0, 0.0, 1.0]))
    }

    /// Fits the most general map that so many pairs can carry, by least squares.
    pub(super) fn fit(pairs: &[Pair]) -> Option<Self> {
        match pairs.len() {
            0 | 1 => None,
            2 => Self::similarity([pairs[0].from, pairs[1].from], [pairs[0].to, pairs[1].to]),
            3..6 => Self::affine(pairs).or_else(|| Self::between_ends(pairs)),
            _ => Self::homography(pairs)
                .or_else(|| Self::affine(pairs))
                .or_else(|| Self::between_ends(pairs)),
        }
    }

    /// Returns the similarity between two pairs far apart: what points on one line still determine.
    fn between_ends(pairs: &[Pair]) -> Option<Self> {
        let first = pairs.first()?;
        let distance = |pair: &&Pair| pair.from.distance(first.from);
        let last = pairs.iter().max_by(|a, b| distance(a).total_cmp(&distance(b)))?;
        Self::similarity([first.from, last.from], [first.to, last.to])
    }

    /// Fits a map that keeps parallels, by least squares.
    pub(super) fn affine(pairs: &[Pair]) -> Option<Self> {
        let mut x = System::<3>::default();
        let mut y = System::<3>::default();
        for Pair { from, to, weight } in pairs {
            let row = [f64::from(from.x), f64::from(from.y), 1.0];
            x.add(row, to.x.into(), (*weight).into());
            y.add(row, to.y.into(), (*weight).into());
        }
        let ([a, b, c], [d, e, f]) = (x.solve()?, y.solve()?);
        Some(Self([a, b, c, d, e, f, 0.0, 0.0, 1.0]))
    }

    /// Fits a homography by least squares, on points moved and scaled to about ±1.
    pub(super) fn homography(pairs: &[Pair]) -> Option<Self> {
        let from = Frame::of(pairs.iter().map(|pair| pair.from))?;
        let to = Frame::of(pairs.iter().map(|pair| pair.to))?;
        let mut system = System::<8>::default();
        for pair in pairs {
            let ((x, y), (u, v)) = (from.inside(pair.from), to.inside(pair.to));
            let weight = pair.weight.into();
            system.add([x, y, 1.0, 0.0, 0.0, 0.0, -u * x, -u * y], u, weight);
            system.add([0.0, 0.0, 0.0, x, y, 1.0, -v * x, -v * y], v, weight);
        }
        let [a, b, c, d, e, f, g, h] = system.solve()?;
        let inner = Self([a, b, c, d, e, f, g, h, 1.0]);
        let result = to.outward().after(&inner).after(&from.inward());
        result.0.iter().all(|v| v.is_finite()).then_some(result)
    }

    /// Returns the map that does `first` and then this one.
    pub(super) fn after(&self, first: &Self) -> Self {
        let mut product = [0.0; 9];
        for (at, value) in product.iter_mut().enumerate() {
            let (row, column) = (at / 3, at % 3);
            *value = (0..3).map(|i| self.0[row * 3 + i] * first.0[i * 3 + column]).sum();
        }
        Self(product)
    }

    /// Returns the map that scales and then shifts.
    pub(super) fn scale_shift(scale: f32, shift: Point) -> Self {
        let (s, x, y) = (f64::from(scale), f64::from(shift.x), f64::from(shift.y));
        Self([s, 0.0, x, 0.0, s, y, 0.0, 0.0, 1.0])
    }

    /// Returns how many units of the picture one unit is long around a point.
    pub(super) fn scale_at(&self, point: Point) -> f32 {
        let here = self.map(point);
        let right = self.map(Point::new(point.x + 1.0, point.y));
        let down = self.map(Point::new(point.x, point.y + 1.0));
        here.distance(right).midpoint(here.distance(down))
    }
}

/// Where points lie and how far they spread.
struct Frame {
    x: f64,
    y: f64,
    spread: f64,
}

impl Frame {
    fn of(points: impl Iterator<Item = Point> + Clone) -> Option<Self> {
        let count = points.clone().count();
        let count = f64::from(u32::try_from(count).ok().filter(|count| *count > 0)?);
        let mean =
            |f: fn(Point) -> f32| points.clone().map(|p| f64::from(f(p))).sum::<f64>() / count;
        let (x, y) = (mean(|p| p.x), mean(|p| p.y));
        let far = points.map(|p| (f64::from(p.x) - x).hypot(f64::from(p.y) - y));
        let spread = far.sum::<f64>() / count;
        (spread > 1e-9).then_some(Self { x, y, spread })
    }

    fn inside(&self, p: Point) -> (f64, f64) {
        ((f64::from(p.x) - self.x) / self.spread, (f64::from(p.y) - self.y) / self.spread)
    }

    fn inward(&self) -> Plane {
        let s = 1.0 / self.spread;
        Plane([s, 0.0, -self.x * s, 0.0, s, -self.y * s, 0.0, 0.0, 1.0])
    }

    fn outward(&self) -> Plane {
        Plane([self.spread, 0.0, self.x, 0.0, self.spread, self.y, 0.0, 0.0, 1.0])
    }
}

/// Normal equations of a least squares problem with N unknowns.
struct System<const N: usize> {
    left: [[f64; N]; N],
    right: [f64; N],
}

impl<const N: usize> Default for System<N> {
    fn default() -> Self {
        Self { left: [[0.0; N]; N], right: [0.0; N] }
    }
}

impl<const N: usize> System<N> {
    fn add(&mut self, row: [f64; N], value: f64, weight: f64) {
        for i in 0..N {
            for j in 0..N {
                self.left[i][j] += weight * row[i] * row[j];
            }
            self.right[i] += weight * row[i] * value;
        }
    }

    /// Solves by elimination with pivots; `None` when the points do not determine the map.
    fn solve(mut self) -> Option<[f64; N]> {
        for i in 0..N {
            let pivot =
                (i..N).max_by(|a, b| self.left[*a][i].abs().total_cmp(&self.left[*b][i].abs()))?;
            if self.left[pivot][i].abs() < 1e-9 {
                return None;
            }
            self.left.swap(i, pivot);
            self.right.swap(i, pivot);
            for row in i + 1..N {
                let factor = self.left[row][i] / self.left[i][i];
                for column in i..N {
                    self.left[row][column] -= factor * self.left[i][column];
                }
                self.right[row] -= factor * self.right[i];
            }
        }
        for i in (0..N).rev() {
            let rest: f64 = (i + 1..N).map(|j| self.left[i][j] * self.right[j]).sum();
            self.right[i] = (self.right[i] - rest) / self.left[i][i];
        }
        Some(self.right)
    }
}

#[allow(clippy::cast_possible_truncation, reason = "pixels")]
fn to_f32(v: f64) -> f32 {
    v as f32
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn pairs(map: impl Fn(f32, f32) -> Point) -> Vec<Pair> {
        let grid = (0_u8..4).flat_map(|x| (0_u8..4).map(move |y| (x, y)));
        grid.map(|(x, y)| {
            let from = Point::new(20.0 + 50.0 * f32::from(x), 40.0 + 70.0 * f32::from(y));
            Pair { from, to: map(from.x, from.y), weight: 1.0 }
        })
        .collect()
    }

    #[test]
    fn each_fit_finds_the_map_that_was_used() {
        let affine = |x: f32, y: f32| Point::new(3.0 * x - 0.5 * y + 7.0, 0.4 * x + 2.9 * y - 8.0);
        let tilted = |x: f32, y: f32| {
            let w = 1.0 + 0.0004 * x + 0.0007 * y;
            Point::new((3.0 * x + y + 7.0) / w, (2.9 * y - 8.0) / w)
        };
        let check = |plane: &Plane, pairs: &[Pair]| {
            for pair in pairs {
                assert!(plane.map(pair.from).distance(pair.to) < 0.01, "{pair:?}");
            }
        };
        check(&Plane::fit(&pairs(affine)[..5]).unwrap(), &pairs(affine));
        check(&Plane::fit(&pairs(tilted)).unwrap(), &pairs(tilted));
        let turned = |x: f32, y: f32| Point::new(2.0 * y + 5.0, 9.0 - 2.0 * x);
        check(&Plane::fit(&pairs(turned)[4..6]).unwrap(), &pairs(turned));
        assert!(
            (Plane::fit(&pairs(turned)).unwrap().scale_at(Point::new(9.0, 9.0)) - 2.0).abs() < 1e-3
        );
    }

    #[test]
    fn points_that_determine_nothing_give_nothing() {
        let line: Vec<Pair> = pairs(Point::new).into_iter().take(4).collect();
        assert!(Plane::affine(&line).is_none());
        assert!(Plane::homography(&line).is_none());
        let similar = Plane::fit(&line).unwrap();
        assert!(similar.map(line[1].from).distance(line[1].to) < 0.01);
        assert!(Plane::fit(&line[..1]).is_none());
        let same = [line[0], line[0]];
        assert!(Plane::fit(&same).is_none());
    }
}
