//! How paper is bent between the patterns of a code: a net of shifts, grown from patch to patch.
//!
//! Around each knot of the net a patch of modules is laid where its neighbours say it should lie,
//! and moved by less than half a module to where its modules are most clearly dark or light. So the
//! net follows crumpled or curled paper further than any plane would, and counts no module twice.

use super::code::darkness;
use super::plane::{Pair, Plane, Point};
use crate::scan::filter;
use crate::scan::grey::{Grey, to_f32, to_usize};
use crate::scan::qr::Symbol;

/// Modules from knot to knot.
const STEP: usize = 3;

/// Modules that a patch reaches from its knot.
const REACH: i8 = 3;

/// Steps to each side in which a patch is moved, at first and once its neighbours are known, and
/// their length in modules: less than a half in all, or it would slip by a module.
const STEPS: i8 = 3;
const STEPS_AGAIN: i8 = 2;
const STEP_LEN: f32 = 0.15;

/// A patch that moving makes less clearer than this says nothing: it is covered.
const CLEARER: f32 = 0.04;

/// Pixels of a module above which a coarser picture does: patches are compared by how much of
/// their modules' middles is dark or light, which needs soft edges.
const COARSE: f32 = 7.0;

/// A net over a code.
pub(super) struct Net {
    /// Modules to pixels of the picture that it was grown on.
    plane: Plane,
    /// Pixels of the whole picture for one of that.
    scale: f32,
    symbol: &'static Symbol,
    across: usize,
    knots: Vec<Option<Knot>>,
}

/// How far the paper lies from the plane, in pixels, and how sure that is.
#[derive(Clone, Copy)]
struct Knot {
    shift: Point,
    sure: f32,
}

impl Net {
    /// Grows a net from some points of a code (in modules) whose shifts (in pixels) are known.
    pub(super) fn grow(
        even: &Grey,
        plane: &Plane,
        symbol: &'static Symbol,
        known: &[(Point, Point)],
    ) -> Self {
        let middle = to_f32(symbol.side) / 2.0;
        let mut scale = 1.0;
        let mut soft = even.clone();
        while plane.scale_at(Point::new(middle, middle)) > COARSE * scale {
            soft = filter::half(&soft);
            scale *= 2.0;
        }
        for _ in 0..3 {
            soft = filter::soften(&soft);
        }
        let plane = Plane::scale_shift(1.0 / scale, Point::default()).after(plane);
        let across = symbol.side / STEP + 2;
        let mut net = Self { plane, scale, symbol, across, knots: vec![None; across * across] };
        for (at, shift) in known {
            for index in 0..net.knots.len() {
                if net.middle(index).distance(*at) < to_f32(STEP) {
                    let shift = Point::new(shift.x / scale, shift.y / scale);
                    net.knots[index] = Some(Knot { shift, sure: 1.0 });
                }
            }
        }
        while let Some(next) = net.next() {
            let shift = net.expected(next);
            net.knots[next] = Some(net.settle(&soft, next, shift, STEPS));
        }
        for _ in 0..2 {
            net = net.settled(&soft);
        }
        net
    }

    /// Returns where a knot lies, in modules.
    fn middle(&self, index: usize) -> Point {
        Point::new(to_f32(index % self.across * STEP), to_f32(index / self.across * STEP))
    }

    /// Returns the knots around one, up to that many away in both directions.
    fn around(&self, index: usize, reach: usize) -> impl Iterator<Item = (usize, Knot)> + '_ {
        let (x, y) = (index % self.across, index / self.across);
        let span = move |v: usize| v.saturating_sub(reach)..(v + reach + 1).min(self.across);
        let places = span(y).flat_map(move |y| span(x).map(move |x| y * self.across + x));
        places.filter(move |at| *at != index).filter_map(|at| Some((at, self.knots[at]?)))
    }

    /// Returns the unknown knot of whose neighbours most is known.
    fn next(&self) -> Option<usize> {
        let open = (0..self.knots.len()).filter(|at| self.knots[*at].is_none());
        let known = open.map(|at| (self.around(at, 1).map(|(_, k)| k.sure).sum::<f32>(), at));
        known.filter(|(sure, _)| *sure > 0.0).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, at)| at)
    }

    /// Returns the shifts that the knots around one let expect: as they go on, but not far from them.
    fn expected(&self, index: usize) -> Trend {
        let pairs: Vec<Pair> = self
            .around(index, 2)
            .map(|(at, knot)| Pair { from: self.middle(at), to: knot.shift, weight: knot.sure })
            .collect();
        let all: f32 = pairs.iter().map(|pair| pair.weight).sum::<f32>().max(1e-6);
        let mean =
            |f: fn(Point) -> f32| pairs.iter().map(|p| p.weight * f(p.to)).sum::<f32>() / all;
        let mean = Point::new(mean(|p| p.x), mean(|p| p.y));
        let middle = self.middle(index);
        let on =
            Plane::affine(&pairs).filter(|_| pairs.len() >= 6).map(|map| Trend::of(&map, middle));
        let flat = Trend { here: mean, right: Point::default(), down: Point::default() };
        on.filter(|on| on.here.distance(mean) < to_f32(STEP)).unwrap_or(flat)
    }

    /// Moves a patch to where it is clearest, starting from the shifts that are expected.
    fn settle(&self, soft: &Grey, index: usize, start: Trend, steps: i8) -> Knot {
        let middle = self.middle(index);
        let at = self.plane.map(middle);
        let right = self.plane.map(Point::new(middle.x + 1.0, middle.y));
        let down = self.plane.map(Point::new(middle.x, middle.y + 1.0));
        let moved = |u: f32, v: f32| {
            let x = u * (right.x - at.x) + v * (down.x - at.x);
            let y = u * (right.y - at.y) + v * (down.y - at.y);
            Point::new(start.here.x + x, start.here.y + y)
        };
        let (mut best, mut most, mut sum, mut count) = (start.here, f32::MIN, 0.0, 0.0);
        for v in -steps..=steps {
            for u in -steps..=steps {
                let here = moved(f32::from(u) * STEP_LEN, f32::from(v) * STEP_LEN);
                let clear = self.clearness(soft, middle, Trend { here, ..start });
                // of two that are as clear the nearer one
                let preferred = clear - 0.002 * f32::from(u * u + v * v);
                if preferred > most {
                    (best, most) = (here, preferred);
                }
                sum += clear;
                count += 1.0;
            }
        }
        let clearer = most - sum / count;
        if clearer < CLEARER {
            return Knot { shift: start.here, sure: 0.01 };
        }
        Knot { shift: best, sure: clearer }
    }

    /// Returns the modules of a patch: how far from its knot, and which of the code.
    fn modules(&self, middle: Point) -> impl Iterator<Item = (f32, f32, usize)> + '_ {
        let span = || (-REACH..=REACH).map(|i| f32::from(i) + 0.5);
        span().flat_map(move |v| span().map(move |u| (u, v))).filter_map(move |(u, v)| {
            let (x, y) = (middle.x + u, middle.y + v);
            let inside = 0.0..to_f32(self.symbol.side);
            let all = inside.contains(&x) && inside.contains(&y);
            all.then(|| (u, v, to_usize(y) * self.symbol.side + to_usize(x)))
        })
    }

    /// Returns how clearly dark or light the modules of a patch are, 0 to 1; those that are known
    /// have to be what they are known to be.
    fn clearness(&self, soft: &Grey, middle: Point, trend: Trend) -> f32 {
        let (mut sum, mut count) = (0.0, 1e-6);
        for (u, v, at) in self.modules(middle) {
            let flat = self.plane.map(Point::new(middle.x + u, middle.y + v));
            let shift = trend.at(u, v);
            let dark = darkness(soft.at(Point::new(flat.x + shift.x, flat.y + shift.y)));
            sum += match self.symbol.known[at] {
                0 => dark.abs(),
                known => f32::from(known) * dark,
            };
            count += 1.0;
        }
        sum / count
    }

    /// Settles every knot once more, from between where it is and where the others expect it.
    fn settled(&self, soft: &Grey) -> Self {
        let again = |index: usize| {
            let knot = self.knots[index]?;
            let expected = self.expected(index);
            let (old, new) = (knot.shift, expected.here);
            let here = Point::new(old.x.midpoint(new.x), old.y.midpoint(new.y));
            Some(self.settle(soft, index, Trend { here, ..expected }, STEPS_AGAIN))
        };
        Self { knots: (0..self.knots.len()).map(again).collect(), ..*self }
    }

    /// Returns where a module lies in the picture: on the plane, shifted as the knots around it are.
    pub(super) fn map(&self, module: Point) -> Point {
        let flat = self.plane.map(module);
        let (mut x, mut y, mut all) = (0.0, 0.0, 1e-6);
        let step = to_f32(STEP);
        let nearest = |v: f32| to_usize((v / step).round()).min(self.across - 1);
        let index = nearest(module.y) * self.across + nearest(module.x);
        let own = self.knots[index].map(|knot| (index, knot));
        for (index, knot) in self.around(index, 2).chain(own) {
            let distance = self.middle(index).distance(module) / step;
            let weight = (1.0 - distance / 2.0).max(0.0).powi(2) * (knot.sure + 0.02);
            x += weight * knot.shift.x;
            y += weight * knot.shift.y;
            all += weight;
        }
        Point::new(self.scale * (flat.x + x / all), self.scale * (flat.y + y / all))
    }
}

/// Shifts around a knot: its own, and how they change from module to module.
#[derive(Clone, Copy)]
struct Trend {
    here: Point,
    right: Point,
    down: Point,
}

impl Trend {
    fn of(map: &Plane, middle: Point) -> Self {
        let here = map.map(middle);
        let step = |x: f32, y: f32| {
            let there = map.map(Point::new(middle.x + x, middle.y + y));
            Point::new(there.x - here.x, there.y - here.y)
        };
        Self { here, right: step(1.0, 0.0), down: step(0.0, 1.0) }
    }

    /// Returns the shift so many modules to the right and down.
    fn at(self, u: f32, v: f32) -> Point {
        Point::new(
            self.here.x + u * self.right.x + v * self.down.x,
            self.here.y + u * self.right.y + v * self.down.y,
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use qrcode::types::{Color, EcLevel, Version};

    use super::*;
    use crate::scan::qr::symbol;

    /// Pixels of a module in the pictures below.
    const PIXELS: f32 = 6.0;

    /// How far the paper lies from the plane at a module, in pixels: up to two modules.
    fn bent(module: Point) -> Point {
        let wave = |v: f32| 9.0 * (v / 11.0).sin();
        Point::new(wave(module.y), wave(module.x))
    }

    #[test]
    fn a_net_follows_paper_that_no_plane_follows() {
        let symbol = symbol(18).unwrap();
        let version = Version::Normal(18);
        let code = qrcode::QrCode::with_version(b"BG1KBENT", version, EcLevel::H).unwrap();
        let colors = code.to_colors();
        let size = symbol.side * 6 + 60;
        let even = Grey::by_rows(size, size, |y, row| {
            for (x, value) in row.iter_mut().enumerate() {
                // where this pixel lies on the flat paper, by a few steps of iteration
                let pixel = Point::new(to_f32(x) + 0.5 - 30.0, to_f32(y) + 0.5 - 30.0);
                let mut module = Point::new(pixel.x / PIXELS, pixel.y / PIXELS);
                for _ in 0..8 {
                    let shift = bent(module);
                    module = Point::new((pixel.x - shift.x) / PIXELS, (pixel.y - shift.y) / PIXELS);
                }
                let inside = 0.0..to_f32(symbol.side);
                let on = inside.contains(&module.x) && inside.contains(&module.y);
                let at = to_usize(module.y) * symbol.side + to_usize(module.x);
                *value = if on && colors[at] == Color::Dark { 60 } else { 200 };
            }
        });
        let plane = Plane::scale_shift(PIXELS, Point::new(30.0, 30.0));
        let side = to_f32(symbol.side);
        let finders = [(3.5, 3.5), (side - 3.5, 3.5), (3.5, side - 3.5)];
        let known = finders.map(|(u, v)| (Point::new(u, v), bent(Point::new(u, v))));
        let net = Net::grow(&even, &plane, symbol, &known);
        let wrong = |map: &dyn Fn(Point) -> Point| {
            let is_wrong = |at: &usize| {
                let (x, y) = (to_f32(at % symbol.side), to_f32(at / symbol.side));
                let dark = even.at(map(Point::new(x + 0.5, y + 0.5))) < 128.0;
                dark != (colors[*at] == Color::Dark)
            };
            (0..colors.len()).filter(is_wrong).count() * 1000 / colors.len()
        };
        assert!(wrong(&|p| plane.map(p)) > 200, "the picture is not bent");
        let off = wrong(&|p| net.map(p));
        assert!(off < 20, "{off} of 1000 modules are wrong");
    }
}
