//! Where codes lie on a sheet: part of the on-paper format (`codes/format.md`, "Grid").
//!
//! The writer draws here and the reader looks here, so both take it from this file.
//! Lengths are millimetres from the top left corner of the page.

/// Side of every printed code without its quiet zone, mm.
pub const SIDE: f32 = 80.0;

/// Text and lines keep this far away from a code, mm; wider than four modules of any version used.
pub const CLEAR: f32 = 6.0;

/// A paper size that the format defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum PaperSize {
    /// 210 × 297 mm.
    #[default]
    A4,
    /// 8.5 × 11 inches, 215.9 × 279.4 mm.
    Letter,
}

impl PaperSize {
    /// Returns width and height in mm.
    pub fn size(self) -> (f32, f32) {
        match self {
            Self::A4 => (210.0, 297.0),
            Self::Letter => (215.9, 279.4),
        }
    }

    /// Returns the left edges of the two columns and the top edges of the two rows, mm.
    ///
    /// No code touches a middle line of the page: there it is folded.
    fn edges(self) -> ([f32; 2], [f32; 2]) {
        match self {
            Self::A4 => ([15.0, 115.0], [56.0, 205.0]),
            Self::Letter => ([17.9, 118.0], [53.0, 190.0]),
        }
    }

    /// Returns the places of a leaf (counted from 1) in the order in which they are filled.
    ///
    /// Four on leaf 1 and on every leaf from 3 on (two rows of two), the lower two on leaf 2.
    pub fn places(self, leaf: usize) -> Vec<Place> {
        let ([left, right], [upper, lower]) = self.edges();
        let row = |top| [Place { left, top }, Place { left: right, top }];
        if leaf == 2 { row(lower).to_vec() } else { [row(upper), row(lower)].concat() }
    }
}

/// The top left corner of one code, mm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Distance from the left edge of the page, mm.
    pub left: f32,
    /// Distance from the top edge of the page, mm.
    pub top: f32,
}

/// What lies at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// The key code of an open sheet: share and manifest.
    Key,
    /// The locked share `P`.
    Locked,
    /// The manifest `M` alone (locked sheets).
    Manifest,
    /// The sealed part with this index, counted from 0.
    Sealed(usize),
}

/// Returns the slots of each leaf, in the order of [`PaperSize::places`].
///
/// Open sheet, one sealed part: `K K K S` / `K S`; more parts: `K K K S1` / `K S2` / `S3`…;
/// locked: `P P M S1` / `P M` / `S2`….
pub fn leaves(locked: bool, parts: usize) -> Vec<Vec<Slot>> {
    use Slot::{Key, Locked, Manifest, Sealed};
    let (first, second, next) = if locked {
        (vec![Locked, Locked, Manifest, Sealed(0)], vec![Locked, Manifest], 1)
    } else {
        let again = usize::from(parts > 1);
        (vec![Key, Key, Key, Sealed(0)], vec![Key, Sealed(again)], 1 + again)
    };
    let rest: Vec<Slot> = (next..parts).map(Sealed).collect();
    [first, second].into_iter().chain(rest.chunks(4).map(<[Slot]>::to_vec)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_touches_a_fold_an_edge_or_another_code() {
        for paper in [PaperSize::A4, PaperSize::Letter] {
            let (width, height) = paper.size();
            for leaf in 1..4 {
                let places = paper.places(leaf);
                for (i, p) in places.iter().enumerate() {
                    let (right, bottom) = (p.left + SIDE, p.top + SIDE);
                    assert!(p.left >= 9.0 && p.top >= 9.0);
                    assert!(right <= width - 9.0 && bottom <= height - 9.0);
                    assert!(right < width / 2.0 - CLEAR || p.left > width / 2.0 + CLEAR);
                    assert!(bottom < height / 2.0 - CLEAR || p.top > height / 2.0 + CLEAR);
                    for q in &places[..i] {
                        let apart = (p.left - q.left).abs() >= SIDE + 2.0 * CLEAR
                            || (p.top - q.top).abs() >= SIDE + 2.0 * CLEAR;
                        assert!(apart, "{p:?} {q:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_part_has_its_place() {
        use Slot::{Key, Locked, Manifest, Sealed};
        assert_eq!(leaves(false, 1), [vec![Key, Key, Key, Sealed(0)], vec![Key, Sealed(0)]]);
        assert_eq!(leaves(false, 3)[1..], [vec![Key, Sealed(1)], vec![Sealed(2)]]);
        assert_eq!(leaves(true, 2)[1..], [vec![Locked, Manifest], vec![Sealed(1)]]);
        for locked in [false, true] {
            for parts in 1..40 {
                let all = leaves(locked, parts).concat();
                for part in 0..parts {
                    assert!(all.contains(&Sealed(part)));
                }
            }
        }
    }
}
