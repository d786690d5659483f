//! Blocks to places: one leaf of a template becomes one page.
//!
//! Text fills the frames that the codes leave free. What does not fit is an error; what leaves room
//! is spread, by a little space between the blocks.

mod blocks;
mod chart;
mod flow;
mod frames;
mod rows;
mod text;

use zeroize::Zeroizing;

use super::PaperError;
use super::font::{CAPITAL, DEPTH, Face, Fonts};
use super::page::{MM, Mark, Page, Text};
use super::picture::Picture;
use super::template::{Block, Leaf, Typed};
use super::theme::Theme;
use crate::codes::grid::{self, PaperSize};
use frames::{Frame, frames};

/// Typed lines of an open share; a locked one has more.
const MOST_OPEN: usize = 4;

/// The typed lines of a sheet: label and grouped symbols.
#[derive(Default)]
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
    /// Counted from 1; of documents the page.
    pub(super) leaf: usize,
    /// Name of the template, for errors.
    pub(super) name: &'a str,
    /// The lines of the template at which the frames' texts begin.
    pub(super) lines: &'a [usize],
    pub(super) shown: &'a Shown,
}

/// Codes and pictures that templates show by themselves.
#[derive(Default)]
pub(super) struct Shown {
    /// Texts of the codes of a document; their numbers are those of the document.
    pub(super) codes: Vec<String>,
    /// Modules of a side of each.
    pub(super) modules: Vec<usize>,
    /// Names of the pictures.
    pub(super) names: Vec<String>,
    pub(super) pictures: Vec<Picture>,
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
        self.fill(&content.blocks, &frames, &mut page.marks)?;
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

    /// Sets the blocks of a leaf into its frames.
    fn fill(
        &self,
        blocks: &[Block],
        frames: &[Frame],
        marks: &mut Vec<Mark>,
    ) -> Result<(), PaperError> {
        let parts: Vec<&[Block]> = blocks.split(|block| *block == Block::NextFrame).collect();
        if parts.len() > frames.len() {
            let (name, line) = self.at(0);
            return Err(PaperError::Frames { name, line, leaf: self.leaf, frames: frames.len() });
        }
        for (i, (part, frame)) in parts.into_iter().zip(frames).enumerate() {
            let set = self.set(part, frame).map_err(|error| self.in_frame(error, i))?;
            let filled: f32 = set.iter().map(|(gap, boxed)| gap + boxed.height).sum();
            let room = frame.height - filled;
            // a hundredth of a point is rounding
            if room < -0.01 {
                let excess = -room / MM;
                let (name, line) = self.at(i);
                return Err(PaperError::Overflow {
                    name,
                    line,
                    leaf: self.leaf,
                    frame: i + 1,
                    excess,
                });
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

    /// Sets blocks below each other, each with the gap above it.
    fn set(&self, blocks: &[Block], frame: &Frame) -> Result<Vec<(f32, Boxed)>, PaperError> {
        let mut set = Vec::new();
        for (i, block) in blocks.iter().enumerate() {
            let gap = i.checked_sub(1).map_or(0.0, |before| self.gap(&blocks[before], block));
            set.push((gap, self.block(block, frame)?));
        }
        Ok(set)
    }

    /// Returns the template's name and the line at which the text of a frame begins.
    fn at(&self, frame: usize) -> (String, usize) {
        (self.name.to_owned(), self.lines.get(frame).or(self.lines.first()).copied().unwrap_or(1))
    }

    /// Says of what is too wide in which frame it stands.
    fn in_frame(&self, mut error: PaperError, frame: usize) -> PaperError {
        if let PaperError::TooWide { line, .. } = &mut error {
            *line = self.at(frame).1;
        }
        error
    }

    /// Returns an error: something is wider than there is room.
    fn too_wide(&self, text: String, excess: f32) -> PaperError {
        let (name, line) = self.at(0);
        PaperError::TooWide { name, line, leaf: self.leaf, text, excess: excess / MM }
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
            Typed::Share if self.typed.share.len() > MOST_OPEN => (&self.typed.share, sizes.locked),
            Typed::Share => (&self.typed.share, sizes.share),
            Typed::Manifest => (&self.typed.manifest, sizes.other),
            Typed::Sealed => (&self.typed.sealed, sizes.other),
        }
    }

    /// Fails when `text` is wider than `width`; returns its own width.
    fn fits(&self, text: &str, face: Face, size: f32, width: f32) -> Result<f32, PaperError> {
        let own = self.fonts.width(face, size, text)?;
        if own > width + 0.01 {
            return Err(self.too_wide(text.chars().take(40).collect(), own - width));
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
