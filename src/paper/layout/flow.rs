//! A document: blocks over as many pages as they need.

use super::super::PaperError;
use super::super::font::{CAPITAL, Face};
use super::super::page::{MM, Mark, Page};
use super::super::template::{Block, Leaf, Run, Words};
use super::frames::Frame;
use super::rows::is_form;
use super::{Boxed, Setting};

/// Size of the words at the foot of every page, points: whoever needs them has time.
const SMALLEST: f32 = 7.0;

/// Height of the line at the foot of every page, points.
const FOOT: f32 = 8.0 * MM;

/// Pages under way.
struct Flow {
    pages: Vec<Vec<Mark>>,
    used: f32,
}

impl Setting<'_> {
    /// Sets a document. `foot` stands at the lower left of every page, page and pages at the right.
    pub(in super::super) fn document(
        &self,
        content: &Leaf,
        foot: &str,
    ) -> Result<Vec<Page>, PaperError> {
        let (mut width, mut height) = self.paper.size();
        let mut page = self.theme.page;
        if content.blocks.contains(&Block::Landscape) {
            // two of these make the double page of a book: the width is for writing
            (width, height) = (height, width);
            page.side = page.side.min(12.0);
        }
        let top = page.top.max(12.0) * MM;
        let frame = Frame {
            left: page.side * MM,
            top,
            width: (width - 2.0 * page.side) * MM,
            height: (height - page.bottom) * MM - FOOT - top,
            column: f32::midpoint(width - 2.0 * page.side, page.gutter) * MM,
        };
        let title =
            Block::Heading { level: 0, words: Words { runs: bold(&content.title), right: None } };
        let mut blocks: Vec<&Block> = vec![&title];
        blocks.extend(content.blocks.iter().filter(|block| **block != Block::Landscape));
        let mut flow = Flow { pages: vec![Vec::new()], used: 0.0 };
        for (i, block) in blocks.iter().enumerate() {
            let before = i.checked_sub(1).map(|before| self.gap(blocks[before], block));
            let gap = before.map_or(0.0, |gap| gap + self.airy());
            // a heading stays with what it is the heading of
            let next = match block {
                Block::Heading { .. } => self.after(&blocks[i..], &frame)?,
                _ => 0.0,
            };
            self.place(block, gap, next, &frame, &mut flow)?;
        }
        let all = flow.pages.len();
        let mut pages = Vec::with_capacity(all);
        for (i, marks) in flow.pages.into_iter().enumerate() {
            let mut page = Page { width: width * MM, height: height * MM, marks };
            self.foot(foot, i + 1, all, &frame, &mut page)?;
            pages.push(page);
        }
        Ok(pages)
    }

    /// Documents have room that sheets have not.
    fn airy(&self) -> f32 {
        self.theme.text.stretch / 3.0
    }

    /// Returns the height of what follows a heading, further headings included; not all of what is long.
    fn after(&self, blocks: &[&Block], frame: &Frame) -> Result<f32, PaperError> {
        let mut height = 0.0;
        for pair in blocks.windows(2) {
            let [above, below] = pair else { break };
            if **below == Block::NextPage {
                break;
            }
            height += self.gap(above, below) + self.airy() + self.block(below, frame)?.height;
            if !matches!(below, Block::Heading { .. }) {
                break;
            }
        }
        Ok(height.min(frame.height / 3.0))
    }

    fn place(
        &self,
        block: &Block,
        gap: f32,
        next: f32,
        frame: &Frame,
        flow: &mut Flow,
    ) -> Result<(), PaperError> {
        if *block == Block::NextPage {
            flow.turn();
            return Ok(());
        }
        let gap = if flow.used > 0.0 { gap } else { 0.0 };
        let boxed = self.block(block, frame)?;
        if flow.used + gap + boxed.height + next <= frame.height + 0.01 {
            flow.put(boxed, gap, frame);
            return Ok(());
        }
        if let Block::Table { rows, signs, small } = block {
            return self.table_over_pages((rows, signs), *small, gap, frame, flow);
        }
        if flow.used > 0.0 {
            flow.turn();
        }
        if boxed.height > frame.height + 0.01 {
            let (name, line) = self.at(0);
            let excess = (boxed.height - frame.height) / MM;
            return Err(PaperError::Overflow {
                name,
                line,
                leaf: flow.pages.len(),
                frame: 1,
                excess,
            });
        }
        flow.put(boxed, 0.0, frame);
        Ok(())
    }

    /// Sets a table row by row; its head stands on every page.
    fn table_over_pages(
        &self,
        (rows, signs): (&[Vec<Words>], &[u16]),
        small: bool,
        gap: f32,
        frame: &Frame,
        flow: &mut Flow,
    ) -> Result<(), PaperError> {
        let size = if small { self.theme.text.small } else { self.theme.text.body };
        let widths = self.columns(rows, signs, size, frame.width)?;
        let form = is_form(rows);
        let Some((head, mut rest)) = rows.split_first() else { return Ok(()) };
        if rest.is_empty() {
            // the head stands even where nothing is below it
            if flow.used > 0.0 {
                flow.turn();
            }
            let head = std::slice::from_ref(head);
            flow.put(self.table_rows(head, &widths, form, size, frame.width)?, 0.0, frame);
            return Ok(());
        }
        let mut gap = gap;
        while !rest.is_empty() {
            let set = |count: usize| {
                let part: Vec<Vec<Words>> =
                    std::iter::once(head).chain(&rest[..count]).cloned().collect();
                self.table_rows(&part, &widths, form, size, frame.width)
            };
            let (mut fitting, mut count) = (None, 0);
            while count < rest.len() {
                let boxed = set(count + 1)?;
                if flow.used + gap + boxed.height > frame.height + 0.01 {
                    break;
                }
                (fitting, count) = (Some(boxed), count + 1);
            }
            match fitting {
                Some(boxed) => flow.put(boxed, gap, frame),
                None if flow.used > 0.0 => {}
                None => {
                    let (name, line) = self.at(0);
                    let excess = (set(1)?.height - frame.height) / MM;
                    let leaf = flow.pages.len();
                    return Err(PaperError::Overflow { name, line, leaf, frame: 1, excess });
                }
            }
            rest = &rest[count..];
            gap = 0.0;
            if !rest.is_empty() {
                flow.turn();
            }
        }
        Ok(())
    }

    fn foot(
        &self,
        words: &str,
        number: usize,
        all: usize,
        frame: &Frame,
        page: &mut Page,
    ) -> Result<(), PaperError> {
        let size = SMALLEST;
        let base = frame.top + frame.height + FOOT / 2.0 + CAPITAL * size;
        let count = format!("{number}/{all}");
        let own = self.fonts.width(Face::Regular, size, &count)?;
        self.fits(words, Face::Regular, size, frame.width - own - 12.0)?;
        page.marks.push(Mark::text(frame.left, base, Face::Regular, size, words));
        let left = frame.left + frame.width - own;
        page.marks.push(Mark::text(left, base, Face::Regular, size, &count));
        Ok(())
    }
}

impl Flow {
    fn turn(&mut self) {
        self.pages.push(Vec::new());
        self.used = 0.0;
    }

    fn put(&mut self, boxed: Boxed, gap: f32, frame: &Frame) {
        let top = frame.top + self.used + gap;
        if let Some(page) = self.pages.last_mut() {
            page.extend(boxed.marks.into_iter().map(|mark| mark.shifted(frame.left, top)));
        }
        self.used += gap + boxed.height;
    }
}

fn bold(text: &str) -> Vec<Run> {
    vec![Run { face: Face::Bold, text: text.to_owned() }]
}
