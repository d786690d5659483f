//! Blocks to places: one leaf of a template becomes one page.
//!
//! Text fills the frames that the codes leave free. What does not fit is an error; what leaves room
//! is spread, by a little space between the blocks.

mod blocks;
mod frames;
mod rows;
mod text;

use zeroize::Zeroizing;

use super::PaperError;
use super::font::{CAPITAL, DEPTH, Face, Fonts};
use super::page::{MM, Mark, Page, Text};
use super::template::{Block, Leaf, Typed};
use super::theme::Theme;
use crate::codes::grid::{self, PaperSize};
use frames::{Frame, frames};

/// The typed lines of a sheet: label and grouped symbols.
pub(super) struct TypedLines {
    pub(super) share: Vec<TypedLine>,
    pub(super) manifest: Vec<TypedLine>,
    pub(super) sealed: Vec<TypedLine>,
}

/// One typed line.
pub(super) struct TypedLine {
    label: String,
    symbols: Zeroizing<String>,
}

impl TypedLine {
    /// Reads lines of a label, a blank and symbols; sets the symbols in groups of four.
    ///
    /// `what` names the lines in the error [`PaperError::Lines`].
    pub(super) fn read(lines: &str, what: &'static str) -> Result<Vec<Self>, PaperError> {
        let line = |line: &str| {
            let (label, symbols) = line.split_once(' ')?;
            let mut grouped = Zeroizing::new(String::with_capacity(symbols.len() * 5 / 4 + 1));
            for (i, sign) in symbols.chars().filter(|sign| *sign != ' ').enumerate() {
                if !sign.is_ascii_uppercase() && !sign.is_ascii_digit() {
                    return None;
                }
                if i > 0 && i % 4 == 0 {
                    grouped.push(' ');
                }
                grouped.push(sign);
            }
            let fine = !label.is_empty() && label.is_ascii() && !grouped.is_empty();
            fine.then(|| Self { label: label.to_owned(), symbols: grouped })
        };
        lines.lines().map(|text| line(text).ok_or(PaperError::Lines(what))).collect()
    }
}

/// A code that lies on a leaf.
pub(super) struct Placed {
    /// Its number in the document.
    pub(super) code: usize,
    pub(super) caption: String,
}

/// What all blocks of a leaf need.
pub(super) struct Setting<'a> {
    pub(super) fonts: &'a Fonts,
    pub(super) theme: &'a Theme,
    pub(super) typed: &'a TypedLines,
    pub(super) paper: PaperSize,
    /// Counted from 1.
    pub(super) leaf: usize,
}

/// Marks with their height; the origin is the upper left corner.
#[derive(Default)]
struct Boxed {
    marks: Vec<Mark>,
    height: f32,
}

impl Setting<'_> {
    /// Sets a leaf: `codes` take their places in the grid's order.
    pub(super) fn page(&self, content: &Leaf, codes: Vec<Placed>) -> Result<Page, PaperError> {
        let (width, height) = self.paper.size();
        let frames = frames(self.paper, self.leaf, codes.len(), self.theme);
        let mut page = Page { width: width * MM, height: height * MM, marks: Vec::new() };
        self.flow(&content.blocks, &frames, &mut page.marks)?;
        let places = self.paper.places(self.leaf);
        for (place, placed) in places.into_iter().zip(codes) {
            let (left, top, side) = (place.left * MM, place.top * MM, grid::SIDE * MM);
            self.caption(&placed.caption, left, top, &mut page)?;
            page.marks.push(Mark::Code { code: placed.code, left, top, side });
        }
        if let Some(words) = &content.fold {
            self.fold(words, &mut page)?;
        }
        Ok(page)
    }

    fn flow(
        &self,
        blocks: &[Block],
        frames: &[Frame],
        marks: &mut Vec<Mark>,
    ) -> Result<(), PaperError> {
        let parts: Vec<&[Block]> = blocks.split(|block| *block == Block::NextFrame).collect();
        if parts.len() > frames.len() {
            return Err(PaperError::Frames { leaf: self.leaf, frames: frames.len() });
        }
        for (i, (part, frame)) in parts.into_iter().zip(frames).enumerate() {
            let (mut set, mut filled) = (Vec::new(), 0.0);
            for (j, block) in part.iter().enumerate() {
                let gap = j.checked_sub(1).map_or(0.0, |before| self.gap(&part[before], block));
                let boxed = self.block(block, frame)?;
                filled += gap + boxed.height;
                set.push((gap, boxed));
            }
            let room = frame.height - filled;
            // a hundredth of a point is rounding
            if room < -0.01 {
                let excess = -room / MM;
                return Err(PaperError::Overflow { leaf: self.leaf, frame: i + 1, excess });
            }
            let gaps = set.iter().filter(|(gap, _)| *gap > 0.0).count();
            let extra = (room / text::count(gaps.max(1))).min(self.theme.text.stretch);
            let mut top = frame.top;
            for (gap, boxed) in set {
                top += if gap > 0.0 { gap + extra } else { 0.0 };
                marks.extend(boxed.marks.into_iter().map(|mark| mark.shifted(frame.left, top)));
                top += boxed.height;
            }
        }
        Ok(())
    }

    /// Writes a code's caption upwards, in the strip between the two columns of codes.
    fn caption(&self, words: &str, left: f32, top: f32, page: &mut Page) -> Result<(), PaperError> {
        let (size, length, clear) = (self.theme.text.caption, grid::SIDE * MM, grid::CLEAR * MM);
        self.fits(words, Face::Regular, size, length)?;
        let left = if left < page.width / 3.0 {
            left + length + clear + CAPITAL * size
        } else {
            left - clear - DEPTH * size
        };
        page.marks.push(turned(left, top + length, size, words));
        Ok(())
    }

    /// Draws ticks at the middle of both long edges, and the words beside one of them.
    fn fold(&self, words: &str, page: &mut Page) -> Result<(), PaperError> {
        const TICK: f32 = 5.0 * MM;
        let (size, middle) = (self.theme.text.caption, page.height / 2.0);
        for left in [TICK, page.width - 2.0 * TICK] {
            page.marks.push(Mark::Bar([left, middle - 0.25, TICK, 0.5]));
        }
        self.fits(words, Face::Regular, size, middle - 2.0 * TICK)?;
        let (left, base) = (TICK + f32::midpoint(TICK, size * 0.7), middle - 4.0);
        page.marks.push(turned(left, base, size, words));
        Ok(())
    }

    fn typed_lines(&self, typed: Typed) -> (&[TypedLine], f32) {
        let sizes = &self.theme.typed;
        match typed {
            Typed::Share => (&self.typed.share, sizes.share),
            Typed::Manifest => (&self.typed.manifest, sizes.other),
            Typed::Sealed => (&self.typed.sealed, sizes.other),
        }
    }

    /// Fails when `text` is wider than `width`; returns its own width.
    fn fits(&self, text: &str, face: Face, size: f32, width: f32) -> Result<f32, PaperError> {
        let own = self.fonts.width(face, size, text)?;
        if own > width + 0.01 {
            let (text, excess) = (text.chars().take(40).collect(), (own - width) / MM);
            return Err(PaperError::TooWide { leaf: self.leaf, text, excess });
        }
        Ok(own)
    }
}

/// Returns text that runs upwards from the bottom of its baseline.
fn turned(left: f32, base: f32, size: f32, words: &str) -> Mark {
    let words = words.to_owned().into();
    Mark::Text(Text { left, base, face: Face::Regular, size, turned: true, words })
}

#[cfg(test)]
mod tests;
