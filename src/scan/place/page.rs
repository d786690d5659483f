//! Where the page lies in a picture: guesses from what was found, held against the picture.

use std::cmp::Reverse;

use super::plane::{Pair, Plane, Point};
use super::search::{Around, Hit, Pattern, find};
use crate::codes::grid::{PaperSize, SIDE};
use crate::scan::grey::{Grey, to_f32};
use crate::scan::qr::Finder;

/// Modules of a code's side when its version is not known yet: two usual ones, in the middle of
/// what there is.
const USUAL: [f32; 2] = [105.0, 85.0];

/// A finder is seen when its correlation is above this.
pub(super) const SEEN: f32 = 0.6;

/// The most guesses from pairs of finders that are looked at.
const MOST_GUESSES: usize = 40;

/// The most finders that take part in guesses.
const MOST_FINDERS: usize = 32;

/// A finder that lies this near to where a guess wants it, in mm, speaks for the guess.
const NEAR: f32 = 2.5;

/// The grid of a page as it lies in the picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct PageAt {
    pub(super) paper: PaperSize,
    /// Millimetres of the page to pixels.
    pub(super) plane: Plane,
}

impl PageAt {
    /// Returns the map from the modules of a code at place `place`, of `side` modules, to pixels.
    pub(super) fn code(&self, place: usize, side: f32) -> Plane {
        let corner = self.paper.places(1)[place];
        self.plane.after(&Plane::scale_shift(SIDE / side, Point::new(corner.left, corner.top)))
    }

    /// Tells whether two guesses put the page at about the same place.
    fn is_near(&self, other: &Self) -> bool {
        let (width, height) = self.paper.size();
        let off = NEAR / 2.0 * self.plane.scale_at(Point::new(width / 2.0, height / 2.0));
        let corners = [Point::new(0.0, 0.0), Point::new(width, height)];
        corners.into_iter().all(|p| self.plane.map(p).distance(other.plane.map(p)) < off)
    }

    /// Returns the middles of the twelve finders in mm, as if all codes had `side` modules.
    fn finders(paper: PaperSize, side: f32) -> Vec<Point> {
        let (near, far) = (3.5 * SIDE / side, SIDE - 3.5 * SIDE / side);
        let corners = [(near, near), (far, near), (near, far)];
        let places = paper.places(1);
        let of = |i: usize| {
            Point::new(places[i / 3].left + corners[i % 3].0, places[i / 3].top + corners[i % 3].1)
        };
        (0..places.len() * 3).map(of).collect()
    }
}

/// Finds the page that the picture shows best; `codes` are corners of codes that were read.
pub(super) fn locate(
    grey: &Grey,
    finders: &[Finder],
    codes: &[[Point; 4]],
    whole: bool,
) -> Option<PageAt> {
    let mut guesses = Vec::new();
    for paper in [PaperSize::A4, PaperSize::Letter] {
        guesses.extend(from_codes(paper, codes));
        if codes.is_empty() {
            guesses.extend(from_finders(paper, finders));
            if whole {
                guesses.extend(from_frame(paper, grey));
            }
        }
    }
    let mut scored: Vec<(f32, PageAt)> =
        guesses.into_iter().map(|page| (score(grey, &page), page)).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    // a guess that is a little off may be the right one
    scored.truncate(12);
    let settled = scored.into_iter().filter_map(|(_, page)| settle(grey, page));
    settled
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(score, _)| *score > 0.5)
        .map(|(_, page)| page)
}

fn from_codes(paper: PaperSize, codes: &[[Point; 4]]) -> Vec<PageAt> {
    let mut pages = Vec::new();
    for corners in codes.iter().take(6) {
        for place in paper.places(1) {
            let (left, top) = (place.left, place.top);
            let sides = [(0.0, 0.0), (SIDE, 0.0), (SIDE, SIDE), (0.0, SIDE)];
            let pairs: Vec<Pair> = sides
                .iter()
                .zip(corners)
                .map(|((x, y), to)| Pair {
                    from: Point::new(left + x, top + y),
                    to: *to,
                    weight: 1.0,
                })
                .collect();
            pages.extend(Plane::homography(&pairs).map(|plane| PageAt { paper, plane }));
        }
    }
    pages
}

/// A scan is often just the page, whichever way up.
fn from_frame(paper: PaperSize, grey: &Grey) -> Vec<PageAt> {
    let (width, height) = paper.size();
    let (w, h) = (to_f32(grey.width()), to_f32(grey.height()));
    let corners = [
        Point::new(0.0, 0.0),
        Point::new(width, 0.0),
        Point::new(width, height),
        Point::new(0.0, height),
    ];
    let frame = [Point::new(0.0, 0.0), Point::new(w, 0.0), Point::new(w, h), Point::new(0.0, h)];
    let fits = |turn: usize| {
        let pairs: Vec<Pair> = (0..4)
            .map(|i| Pair { from: corners[i], to: frame[(i + turn) % 4], weight: 1.0 })
            .collect();
        Plane::affine(&pairs).map(|plane| PageAt { paper, plane })
    };
    let upright = (w < h) == (width < height);
    (0..4).filter(|turn| (turn % 2 == 0) == upright).filter_map(fits).collect()
}

/// Any two finders may be any two of the twelve, if their distance and their widths agree.
fn from_finders(paper: PaperSize, finders: &[Finder]) -> Vec<PageAt> {
    let grid = PageAt::finders(paper, USUAL[0]);
    let mut finders = finders.to_vec();
    finders.sort_by(|a, b| b.width.total_cmp(&a.width));
    finders.truncate(MOST_FINDERS);
    let mut guesses: Vec<(usize, PageAt)> = Vec::new();
    for (i, p) in finders.iter().enumerate() {
        for q in &finders[..i] {
            if p.width > 1.6 * q.width || q.width > 1.6 * p.width {
                continue;
            }
            for (a, from) in grid.iter().enumerate() {
                for (_, to) in grid.iter().enumerate().filter(|(b, _)| *b != a) {
                    let scale = p.at.distance(q.at) / from.distance(*to);
                    // seven modules of 0.6 to 2 mm
                    let mm = p.width.midpoint(q.width) / scale;
                    if !(4.2..14.0).contains(&mm) {
                        continue;
                    }
                    let Some(plane) = Plane::similarity([*from, *to], [p.at, q.at]) else {
                        continue;
                    };
                    let near = grid.iter().filter(|g| {
                        let at = plane.map(**g);
                        finders.iter().any(|f| f.at.distance(at) < NEAR * scale)
                    });
                    guesses.push((near.count(), PageAt { paper, plane }));
                }
            }
        }
    }
    guesses.sort_by_key(|(near, _)| Reverse(*near));
    // the right page was guessed from every two of its finders
    let mut different: Vec<PageAt> = Vec::new();
    for (_, page) in guesses {
        if different.len() == MOST_GUESSES {
            break;
        }
        if different.iter().all(|other| !other.is_near(&page)) {
            different.push(page);
        }
    }
    different
}

/// Returns how well finders are seen where a guess wants them.
fn score(grey: &Grey, page: &PageAt) -> f32 {
    let best = (0..4).map(|place| {
        let seen = USUAL.map(|side| {
            corners(grey, page, place, side, 2.5, 2)
                .iter()
                .map(|hit| worth(hit.1.likeness))
                .sum::<f32>()
        });
        seen.into_iter().fold(0.0, f32::max)
    });
    best.sum()
}

fn worth(likeness: f32) -> f32 {
    (likeness - SEEN).max(0.0)
}

/// Looks for the three finders of a place; gives their middles in modules, and what was found.
pub(super) fn corners(
    grey: &Grey,
    page: &PageAt,
    place: usize,
    side: f32,
    reach: f32,
    fine: i16,
) -> [(Point, Hit); 3] {
    let plane = page.code(place, side);
    [(3.5, 3.5), (side - 3.5, 3.5), (3.5, side - 3.5)].map(|(u, v)| {
        let middle = Point::new(u, v);
        let around = Around::new(|point| plane.map(point), middle);
        (middle, find(grey, &around, Pattern::Finder, reach, fine))
    })
}

/// Moves a guess onto the finders that are seen; gives how well they are seen then.
fn settle(grey: &Grey, mut page: PageAt) -> Option<(f32, PageAt)> {
    let mut before = 0.0;
    for reach in [3.0, 2.5, 2.0] {
        let mut pairs = Vec::new();
        let mut total = 0.0;
        for place in 0..4 {
            let sides = USUAL.map(|side| (side, corners(grey, &page, place, side, reach, 2)));
            let sum = |hits: &[(Point, Hit); 3]| {
                hits.iter().map(|(_, hit)| worth(hit.likeness)).sum::<f32>()
            };
            let (side, hits) = sides.into_iter().max_by(|a, b| sum(&a.1).total_cmp(&sum(&b.1)))?;
            total += sum(&hits);
            let corner = page.paper.places(1)[place];
            for (middle, hit) in hits.iter().filter(|(_, hit)| hit.likeness > SEEN) {
                let mm = SIDE / side;
                let from = Point::new(corner.left + middle.x * mm, corner.top + middle.y * mm);
                pairs.push(Pair { from, to: hit.at, weight: worth(hit.likeness) });
            }
        }
        before = total;
        if pairs.len() < 2 {
            break;
        }
        let scale = page.plane.scale_at(Point::new(100.0, 140.0));
        page.plane = robust(&pairs, 1.5 * scale).unwrap_or(page.plane);
    }
    Some((before, page))
}

/// Fits a plane to pairs of which some are wrong: those further off than `off` and twice the median
/// leave.
pub(super) fn robust(pairs: &[Pair], off: f32) -> Option<Plane> {
    let mut kept = pairs.to_vec();
    let mut plane = Plane::fit(&kept)?;
    for _ in 0..3 {
        let mut errors: Vec<f32> = kept.iter().map(|p| plane.map(p.from).distance(p.to)).collect();
        errors.sort_by(f32::total_cmp);
        let most = (2.0 * errors[errors.len() / 2]).max(off);
        kept = pairs.iter().filter(|p| plane.map(p.from).distance(p.to) <= most).copied().collect();
        if kept.len() < 2 {
            break;
        }
        let Some(better) = Plane::fit(&kept) else { break };
        plane = better;
    }
    Some(plane)
}
