//! One block to marks.

use super::super::PaperError;
use super::super::font::{CAPITAL, DEPTH, Face};
use super::super::page::Mark;
use super::super::template::{Block, Marker, Words};
use super::frames::Frame;
use super::text::count;
use super::{Boxed, Setting};

impl Setting<'_> {
    /// Sets one block into the width of `frame`.
    pub(super) fn block(&self, block: &Block, frame: &Frame) -> Result<Boxed, PaperError> {
        let (theme, width) = (&self.theme.text, frame.width);
        match block {
            Block::Heading { level, words } => {
                let size = theme.headings[*level];
                self.text(words, size, size * theme.leading, width)
            }
            Block::Text { words, small } => {
                let size = self.size(*small);
                self.text(words, size, size * theme.leading, width)
            }
            Block::Item { marker, depth, words, small } => {
                self.item(marker, *depth, words, self.size(*small), width)
            }
            Block::Table { rows, small } => self.table(rows, self.size(*small), width),
            Block::Lines { lines, small } => self.code(lines, self.size(*small), width),
            Block::Facts(facts) => self.facts(facts, frame),
            Block::Typed(typed) => self.typed(*typed, frame),
            Block::Field(label) => self.field(label, width),
            Block::Signatures(labels) => self.signatures(labels, width),
            Block::NextFrame => Ok(Boxed::default()),
        }
    }

    /// Returns the space between two blocks, points.
    pub(super) fn gap(&self, above: &Block, below: &Block) -> f32 {
        let theme = &self.theme.text;
        let lines = |size: f32| (theme.leading - CAPITAL - DEPTH) * size;
        match (above, below) {
            (_, Block::Heading { .. }) => lines(theme.body) + theme.gap * 2.0,
            (Block::Heading { .. }, _) => lines(self.theme.text.small) + theme.gap * 0.4,
            (Block::Item { small, .. }, Block::Item { .. }) => {
                lines(self.size(*small)) + theme.gap * 0.4
            }
            (
                Block::Lines { small, .. } | Block::Text { small, .. },
                Block::Lines { .. } | Block::Text { .. },
            ) => lines(self.size(*small)) + theme.gap * if *small { 0.5 } else { 1.0 },
            _ => lines(theme.body) + theme.gap,
        }
    }

    fn size(&self, small: bool) -> f32 {
        if small { self.theme.text.small } else { self.theme.text.body }
    }

    fn item(
        &self,
        marker: &Marker,
        depth: u8,
        words: &Words,
        size: f32,
        width: f32,
    ) -> Result<Boxed, PaperError> {
        let indent = size * 1.35;
        let start = indent * f32::from(depth);
        let mut boxed =
            self.text(words, size, size * self.theme.text.leading, width - start - indent)?;
        let hung = std::mem::take(&mut boxed.marks);
        let base = CAPITAL * size;
        let mark = |text: &str, face| Mark::text(start, base, face, size, text);
        match marker {
            Marker::Bullet => boxed.marks.push(mark("•", Face::Regular)),
            Marker::Number(number) => boxed.marks.push(mark(&format!("{number}."), Face::Bold)),
            Marker::Box(done) => {
                let (edge, line) = (size * 0.75, 0.7);
                let (right, low) = (start + edge - line, base - line);
                let top = base - edge;
                boxed.marks.push(Mark::Bar([start, top, edge, line]));
                boxed.marks.push(Mark::Bar([start, low, edge, line]));
                boxed.marks.push(Mark::Bar([start, top, line, edge]));
                boxed.marks.push(Mark::Bar([right, top, line, edge]));
                if *done {
                    let inner = edge * 0.5;
                    boxed.marks.push(Mark::Bar([
                        start + inner / 2.0,
                        top + inner / 2.0,
                        inner,
                        inner,
                    ]));
                }
            }
            Marker::None => {}
        }
        boxed.marks.extend(hung.into_iter().map(|mark| mark.shifted(start + indent, 0.0)));
        Ok(boxed)
    }

    fn code(&self, lines: &[String], size: f32, width: f32) -> Result<Boxed, PaperError> {
        let leading = size * self.theme.text.leading;
        let mut boxed = Boxed::default();
        for (i, line) in lines.iter().enumerate() {
            self.fits(line, Face::Mono, size, width)?;
            let base = CAPITAL * size + count(i) * leading;
            boxed.marks.push(Mark::text(0.0, base, Face::Mono, size, line));
        }
        boxed.height = (CAPITAL + DEPTH) * size + count(lines.len().saturating_sub(1)) * leading;
        Ok(boxed)
    }
}
