//! The free parts of a page.

use super::super::page::MM;
use super::super::theme::Theme;
use crate::codes::grid::{CLEAR, PaperSize, SIDE};

/// Where text may stand, in points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Frame {
    pub(super) left: f32,
    pub(super) top: f32,
    pub(super) width: f32,
    pub(super) height: f32,
    /// Distance of the second column of codes from the first.
    pub(super) column: f32,
}

/// Returns the frames of a leaf with `codes` codes, in reading order.
///
/// Above the first row of codes and below the last a frame is as wide as the codes together; between
/// two rows there are two frames, one under each column of codes.
pub(super) fn frames(paper: PaperSize, leaf: usize, codes: usize, theme: &Theme) -> Vec<Frame> {
    let places = paper.places(leaf);
    let (_, height) = paper.size();
    let outer = paper.places(1);
    let left = outer.iter().map(|place| place.left).fold(f32::MAX, f32::min);
    let right = outer.iter().map(|place| place.left + SIDE).fold(0.0, f32::max);
    let mut rows: Vec<f32> = places.iter().take(codes).map(|place| place.top).collect();
    rows.dedup();
    let column = outer.iter().map(|place| place.left - left).fold(0.0, f32::max);
    let (mut frames, mut top) = (Vec::new(), theme.page.top);
    let wide = |top: f32, bottom: f32| Frame {
        left,
        top,
        width: right - left,
        height: bottom - top,
        column,
    };
    for (i, row) in rows.iter().enumerate() {
        let frame = wide(top, row - CLEAR);
        if i == 0 {
            frames.push(frame);
        } else {
            frames.push(Frame { width: column - theme.page.gutter, ..frame });
            frames.push(Frame { left: left + column, width: SIDE, ..frame });
        }
        top = row + SIDE + CLEAR;
    }
    frames.push(wide(top, height - theme.page.bottom));
    // too low for a line of text
    frames.retain(|frame| frame.height > 5.0);
    let points = |f: Frame| Frame {
        left: f.left * MM,
        top: f.top * MM,
        width: f.width * MM,
        height: f.height * MM,
        column: f.column * MM,
    };
    frames.into_iter().map(points).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn frames_keep_away_from_codes_and_from_each_other() {
        let theme =
            Theme::parse("theme.toml", include_str!("../../../templates/theme.toml")).unwrap();
        for paper in [PaperSize::A4, PaperSize::Letter] {
            let (width, height) = paper.size();
            for (leaf, codes, expected) in [(1, 4, 3), (2, 2, 1), (3, 4, 3), (3, 1, 2), (3, 0, 1)] {
                let frames = frames(paper, leaf, codes, &theme);
                assert_eq!(frames.len(), expected, "leaf {leaf}");
                for (i, f) in frames.iter().enumerate() {
                    assert!(f.left > 9.0 * MM && f.left + f.width < (width - 9.0) * MM);
                    assert!(f.top > 5.0 * MM && f.top + f.height < (height - 5.0) * MM);
                    for place in paper.places(leaf).into_iter().take(codes) {
                        let (top, bottom) = (place.top - CLEAR, place.top + SIDE + CLEAR);
                        assert!(f.top + f.height < top * MM + 0.01 || f.top > bottom * MM - 0.01);
                    }
                    for g in &frames[..i] {
                        assert!(g.top + g.height < f.top || g.left + g.width < f.left);
                    }
                }
            }
        }
    }
}
