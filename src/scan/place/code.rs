//! Where the modules of one code lie, and how dark they are.

use zeroize::Zeroizing;

use super::bend::Net;
use super::page::{PageAt, SEEN, corners, robust};
use super::plane::{Pair, Plane, Point};
use super::search::{Around, Hit, Pattern, find};
use crate::codes::grid::SIDE;
use crate::scan::grey::{Grey, to_f32};
use crate::scan::qr::{Symbol, VERSIONS, symbol};
use crate::scan::soft::Soft;
use crate::scan::until::Until;

/// An alignment pattern is seen when its correlation is above this; it is smaller than a finder,
/// so chance comes nearer.
const ALIGNED: f32 = 0.7;

/// A place holds a code when what is known of it is seen at least so well.
const LIKE: f32 = 0.35;

/// One code as it was measured.
pub(super) struct Code {
    pub(super) soft: Soft,
    pub(super) corners: [Point; 4],
}

/// A place whose code's version is known.
struct Sized {
    place: usize,
    symbol: &'static Symbol,
    like: f32,
}

/// Measures the codes at some places of a page.
pub(super) fn measure(even: &Grey, page: &PageAt, places: &[usize], until: Until) -> Vec<Code> {
    let mut sized: Vec<Sized> =
        places.iter().filter_map(|place| size(even, page, *place, VERSIONS)).collect();
    // a version that is seen well at one place is likely at the others
    let sure: Vec<u8> = sized.iter().filter(|s| s.like > 0.5).map(|s| s.symbol.version).collect();
    if !sure.is_empty() {
        let refined = refine(even, page, &sized);
        for place in places {
            let again = size(even, &refined, *place, sure.iter().copied());
            let known = sized.iter_mut().find(|s| s.place == *place);
            match (again, known) {
                (Some(again), Some(known)) if again.like > known.like => *known = again,
                (Some(again), None) => sized.push(again),
                _ => {}
            }
        }
    }
    sized.retain(|s| s.like > LIKE);
    let page = refine(even, page, &sized);
    let in_time = sized.iter().take_while(|_| !until.is_over());
    in_time.filter_map(|s| code(even, &page, s)).collect()
}

/// Finds the version of the code at a place: the one of which most is seen.
fn size(
    even: &Grey,
    page: &PageAt,
    place: usize,
    versions: impl IntoIterator<Item = u8>,
) -> Option<Sized> {
    let tried = versions.into_iter().filter_map(|version| {
        let symbol = symbol(version)?;
        let side = to_f32(symbol.side);
        let plane = page.code(place, side);
        let hits = corners(even, page, place, side, 2.0, 2);
        let plane = moved(&plane, &hits);
        Some(Sized { place, symbol, like: likeness(even, &plane, symbol) })
    });
    tried.max_by(|a, b| a.like.total_cmp(&b.like))
}

/// Moves a plane onto the finders that are seen.
fn moved(plane: &Plane, hits: &[(Point, Hit); 3]) -> Plane {
    let seen: Vec<&(Point, Hit)> = hits.iter().filter(|(_, hit)| hit.likeness > SEEN).collect();
    let pairs: Vec<Pair> = seen
        .iter()
        .map(|(from, hit)| Pair { from: plane.map(*from), to: hit.at, weight: 1.0 })
        .collect();
    let correction = match pairs.len() {
        0 => None,
        1 => {
            let shift =
                Point::new(pairs[0].to.x - pairs[0].from.x, pairs[0].to.y - pairs[0].from.y);
            Some(Plane::scale_shift(1.0, shift))
        }
        _ => Plane::fit(&pairs),
    };
    correction.map_or(*plane, |correction| correction.after(plane))
}

/// Returns how well what is known of a version is seen: 1 all of it, 0 as much as chance gives.
fn likeness(even: &Grey, plane: &Plane, symbol: &Symbol) -> f32 {
    let (mut fits, mut all) = (0.0, 1e-6);
    for (at, known) in symbol.known.iter().enumerate().filter(|(_, known)| **known != 0) {
        let module = Point::new(to_f32(at % symbol.side) + 0.5, to_f32(at / symbol.side) + 0.5);
        let dark = darkness(even.at(plane.map(module)));
        fits += f32::from(*known) * dark;
        all += dark.abs();
    }
    fits / all
}

/// Returns −1 for light to 1 for dark, of a picture with the same contrast everywhere.
pub(super) fn darkness(value: f32) -> f32 {
    ((128.0 - value) / 56.0).clamp(-1.0, 1.0)
}

/// Fits the page to every pattern of its codes that is seen.
fn refine(even: &Grey, page: &PageAt, sized: &[Sized]) -> PageAt {
    let mut page = *page;
    for reach in [2.0, 1.3, 0.8] {
        let mut pairs = Vec::new();
        let mut module = 1.0_f32;
        for Sized { place, symbol, .. } in sized {
            let side = to_f32(symbol.side);
            let corner = page.paper.places(1)[*place];
            let plane = page.code(*place, side);
            module = module.max(plane.scale_at(Point::new(side / 2.0, side / 2.0)));
            for (middle, hit) in seen(even, &|p| plane.map(p), symbol, reach) {
                let mm = SIDE / side;
                let from = Point::new(corner.left + middle.x * mm, corner.top + middle.y * mm);
                pairs.push(Pair { from, to: hit.at, weight: hit.likeness });
            }
        }
        if pairs.len() < 4 {
            break;
        }
        match robust(&pairs, 0.6 * module) {
            Some(plane) => page.plane = plane,
            None => break,
        }
    }
    page
}

/// Returns the patterns of a code that are seen near where `map` puts them.
fn seen(
    even: &Grey,
    map: &dyn Fn(Point) -> Point,
    symbol: &Symbol,
    reach: f32,
) -> Vec<(Point, Hit)> {
    let side = to_f32(symbol.side);
    let finders = [(3.5, 3.5), (side - 3.5, 3.5), (3.5, side - 3.5)];
    let finders = finders.iter().map(|at| (*at, Pattern::Finder, SEEN));
    let alignments = symbol.alignments.iter().map(|at| (*at, Pattern::Alignment, ALIGNED));
    finders
        .chain(alignments)
        .filter_map(|((u, v), pattern, least)| {
            let middle = Point::new(u, v);
            let hit = find(even, &Around::new(map, middle), pattern, reach, 3);
            (hit.likeness > least).then_some((middle, hit))
        })
        .collect()
}

/// Measures one code.
fn code(even: &Grey, page: &PageAt, sized: &Sized) -> Option<Code> {
    let symbol = sized.symbol;
    let side = to_f32(symbol.side);
    let mut plane = page.code(sized.place, side);
    for reach in [1.2, 0.8] {
        let hits = seen(even, &|p| plane.map(p), symbol, reach);
        let pairs: Vec<Pair> = hits
            .iter()
            .map(|(from, hit)| Pair { from: *from, to: hit.at, weight: hit.likeness })
            .collect();
        let module = plane.scale_at(Point::new(side / 2.0, side / 2.0));
        // with few patterns the page knows better
        if pairs.len() >= 8 {
            plane = robust(&pairs, 0.4 * module).unwrap_or(plane);
        }
    }
    let bend = Bend::new(even, &plane, symbol);
    let mut soft = sampled(even, symbol, |p| bend.map(&plane, p));
    if soft.text().is_none() {
        let whole = seen(even, &|p| plane.map(p), symbol, 2.5);
        let finders =
            whole.iter().filter(|(at, _)| at.x.max(at.y) > side - 7.0 || at.x.min(at.y) < 4.0);
        let known: Vec<(Point, Point)> =
            finders.map(|(at, hit)| (*at, off(&plane, *at, hit))).collect();
        if !known.is_empty() {
            let net = Net::grow(even, &plane, symbol, &known);
            let bent = sampled(even, symbol, |p| net.map(p));
            // what is known of every code says which of the two lies better
            if bent.likeness() > soft.likeness() {
                soft = bent;
            }
        }
    }
    let corners = [(0.0, 0.0), (side, 0.0), (side, side), (0.0, side)];
    let corners = corners.map(|(u, v)| plane.map(Point::new(u, v)));
    (soft.likeness() > LIKE).then_some(Code { soft, corners })
}

/// Measures every module where `map` puts it.
fn sampled(even: &Grey, symbol: &'static Symbol, map: impl Fn(Point) -> Point) -> Soft {
    let values = (0..symbol.side * symbol.side).map(|at| {
        let module = Point::new(to_f32(at % symbol.side) + 0.5, to_f32(at / symbol.side) + 0.5);
        let around = Around::new(&map, module);
        let near = [(0.0, 0.0), (-0.2, -0.2), (0.2, -0.2), (-0.2, 0.2), (0.2, 0.2)];
        let sum: f32 = near.iter().map(|(u, v)| even.at(around.step(*u, *v))).sum();
        darkness(sum / 5.0)
    });
    Soft::measured(symbol, Zeroizing::new(values.collect()))
}

/// Returns how far a pattern lies from where a plane puts it, in pixels.
fn off(plane: &Plane, middle: Point, hit: &Hit) -> Point {
    let flat = plane.map(middle);
    Point::new(hit.at.x - flat.x, hit.at.y - flat.y)
}

/// How the paper is bent: where patterns lie beside the place that a plane gives them.
struct Bend {
    /// Middle of the pattern in modules, shift in pixels, weight.
    knots: Vec<(Point, Point, f32)>,
}

impl Bend {
    fn new(even: &Grey, plane: &Plane, symbol: &Symbol) -> Self {
        let hits = seen(even, &|p| plane.map(p), symbol, 1.2);
        let knot = |(middle, hit): &(Point, Hit)| (*middle, off(plane, *middle, hit), hit.likeness);
        Self { knots: hits.iter().map(knot).collect() }
    }

    /// Returns where a module lies: on the plane, shifted as the patterns around it are.
    fn map(&self, plane: &Plane, module: Point) -> Point {
        let flat = plane.map(module);
        // the plane itself has a say, so that one wrong pattern does not pull far
        let (mut x, mut y, mut all) = (0.0, 0.0, 0.05);
        for (middle, shift, weight) in &self.knots {
            let distance = module.distance(*middle) / 12.0;
            let weight = weight * (-distance * distance).exp();
            x += weight * shift.x;
            y += weight * shift.y;
            all += weight;
        }
        Point::new(flat.x + x / all, flat.y + y / all)
    }
}
