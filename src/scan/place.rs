//! Reading by place: codes that no reader finds are measured where the grid says they are.
//!
//! ```text
//! plane    maps between page and picture, and fitting them
//! search   one known pattern near the point where it should be
//! page     where the page lies in the picture
//! code     where the modules of one code lie, and how dark they are
//! bend     where they lie on crumpled paper
//! ```
//!
//! The page is found by finder patterns, or by a code that was read. Then every place of the grid
//! is measured module by module; blots count as erasures; codes that agree are laid over each
//! other. Nothing is read that does not fit its payload's checksum.

#![allow(clippy::similar_names, reason = "a place lies on a plane")]

mod bend;
mod code;
mod page;
pub(super) mod plane;
mod search;

use std::f32::consts::SQRT_2;

use zeroize::Zeroizing;

use self::page::PageAt;
use self::plane::Point;
use super::grey::Grey;
use super::qr::{self, Finder};
use super::soft::Soft;
use super::until::Until;
use super::{filter, overlay};
use crate::codes::grid::SIDE;

/// The most pages that are looked for in one picture.
const MOST_PAGES: usize = 4;

/// Finders that are needed to look for one more page.
const FEWEST: usize = 2;

/// The most finders that are looked at.
const MOST_FINDERS: usize = 400;

/// What a picture gave by place.
#[derive(Default)]
pub(super) struct Measured {
    /// Codes that could be read, with their corners in pixels.
    pub(super) read: Vec<(Zeroizing<String>, [Point; 4])>,
    /// Codes that are there and could not, for laying over their copies elsewhere.
    pub(super) unread: Vec<Soft>,
}

/// Measures the codes of a picture that are not among those that were read, given their corners.
///
/// No further page or code is begun after `until`.
pub(super) fn measure(grey: &Grey, even: &Grey, codes: &[[Point; 4]], until: Until) -> Measured {
    let mut finders = qr::finders(grey);
    finders.truncate(MOST_FINDERS);
    for more in qr::finders(even).into_iter().chain(halved(even)).take(2 * MOST_FINDERS) {
        if finders.iter().all(|f| f.at.distance(more.at) > f.width.min(more.width) / 2.0) {
            finders.push(more);
        }
    }
    let mut left: Vec<[Point; 4]> = codes.to_vec();
    let mut all = Measured::default();
    for turn in 0..MOST_PAGES {
        let nothing_left = left.is_empty() && finders.len() < FEWEST && turn > 0;
        if nothing_left || until.is_over() {
            break;
        }
        let Some(page) = page::locate(even, &finders, &left, turn == 0) else { break };
        let found = codes_of(even, &page, codes, until);
        if found.read.is_empty() && found.unread.is_empty() && !left.iter().any(|c| holds(&page, c))
        {
            break;
        }
        left.retain(|corners| !holds(&page, corners));
        finders.retain(|finder| !covers(&page, finder.at));
        all.read.extend(found.read);
        all.unread.extend(found.unread);
    }
    all
}

/// Finders of the picture at half its size: grain and fine cracks are gone there.
fn halved(grey: &Grey) -> Vec<Finder> {
    let double =
        |f: Finder| Finder { at: Point::new(f.at.x * 2.0, f.at.y * 2.0), width: f.width * 2.0 };
    qr::finders(&filter::half(grey)).into_iter().map(double).collect()
}

/// Measures and reads the places of one page that no code of `codes` covers.
fn codes_of(even: &Grey, page: &PageAt, codes: &[[Point; 4]], until: Until) -> Measured {
    let open =
        |place: &usize| !codes.iter().any(|corners| covers_place(page, *place, middle(corners)));
    let places: Vec<usize> = (0..4).filter(open).collect();
    let mut measured = code::measure(even, page, &places, until);
    let mut result = Measured::default();
    let (mut read, mut unread) = (Vec::new(), Vec::new());
    for code in measured.drain(..) {
        match code.soft.text() {
            Some(text) => {
                read.push(code.soft);
                if result.read.iter().all(|(known, _)| **known != *text) {
                    result.read.push((text, code.corners));
                }
            }
            None => unread.push(code),
        }
    }
    // copies on one leaf help each other
    let mut overlay = overlay::Overlay::default();
    for code in &unread {
        let text = overlay.lay(&code.soft);
        let new = text.filter(|text| result.read.iter().all(|(known, _)| **known != **text));
        result.read.extend(new.map(|text| (text, code.corners)));
    }
    // further copies of what was read here help nobody
    unread.retain(|code| {
        !overlay.has_read(&code.soft) && !read.iter().any(|r| r.is_copy(&code.soft))
    });
    result.unread = unread.into_iter().map(|code| code.soft).collect();
    result
}

fn middle(corners: &[Point; 4]) -> Point {
    let sum = |f: fn(&Point) -> f32| corners.iter().map(f).sum::<f32>() / 4.0;
    Point::new(sum(|p| p.x), sum(|p| p.y))
}

fn holds(page: &PageAt, corners: &[Point; 4]) -> bool {
    (0..4).any(|place| covers_place(page, place, middle(corners)))
}

fn covers(page: &PageAt, point: Point) -> bool {
    (0..4).any(|place| covers_place(page, place, point))
}

/// Tells whether a point of the picture lies within a place of the page: in the circle around it.
fn covers_place(page: &PageAt, place: usize, point: Point) -> bool {
    let plane = page.code(place, 1.0);
    let centre = plane.map(Point::new(0.5, 0.5));
    let reach = SIDE / 2.0 * page.plane.scale_at(Point::new(100.0, 140.0));
    point.distance(centre) < SQRT_2 * reach
}
