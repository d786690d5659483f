//! One block to marks.

use super::super::PaperError;
use super::super::font::{CAPITAL, DEPTH, Face};
use super::super::page::{MM, Mark};
use super::super::template::{Block, Marker, Words};
use super::frames::Frame;
use super::rows::RULE;
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
            Block::Table { rows, signs, small } => {
                self.table(rows, signs, self.size(*small), width)
            }
            Block::Lines { lines, small } => self.code(lines, self.size(*small), width),
            Block::Facts(facts) => self.facts(facts, frame),
            Block::Typed(typed) => self.typed(*typed, frame),
            Block::Fields(labels) => self.fields(labels, width),
            Block::Signatures(labels) => self.signatures(labels, width),
            Block::Rule => {
                Ok(Boxed { marks: vec![Mark::Bar([0.0, 2.0, width, RULE])], height: 4.0 })
            }
            Block::Cut => Ok(Boxed { marks: dashes(width), height: 4.0 }),
            Block::Row(columns) => self.row(columns, frame),
            Block::Image(image) => {
                let (picture, own) = self.picture(image, width)?;
                let place = [0.0, 0.0, own, image.height];
                Ok(Boxed { marks: vec![Mark::Picture { picture, place }], height: image.height })
            }
            Block::Qr { text, label } => self.qr(text, label, width),
            Block::Chart(chart) => self.chart(chart, width),
            Block::Space(height) => Ok(Boxed { marks: Vec::new(), height: *height }),
            Block::NextFrame | Block::NextPage | Block::Landscape => Ok(Boxed::default()),
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

    /// Sets two columns side by side.
    fn row(&self, columns: &[Vec<Block>; 2], frame: &Frame) -> Result<Boxed, PaperError> {
        let gutter = self.theme.page.gutter * MM;
        let width = (frame.width - gutter) / 2.0;
        let mut row = Boxed::default();
        for (i, blocks) in columns.iter().enumerate() {
            let left = (width + gutter) * count(i);
            let column = Frame { width, column: width / 2.0, ..*frame };
            let mut top = 0.0;
            for (gap, boxed) in self.set(blocks, &column)? {
                top += gap;
                row.marks.extend(boxed.marks.into_iter().map(|mark| mark.shifted(left, top)));
                top += boxed.height;
            }
            row.height = row.height.max(top);
        }
        Ok(row)
    }

    /// Sets a code with a public text, and its label beside it.
    fn qr(&self, text: &str, label: &str, width: f32) -> Result<Boxed, PaperError> {
        const LEAST: f32 = 28.0 * MM;
        // a module as small as this is still read from a 150-dpi scan
        const MODULE: f32 = 0.45 * MM;
        // four light modules around it, whatever its version
        const QUIET: f32 = 5.0 * MM;
        let code = self.shown.codes.iter().position(|known| known == text);
        let code = code.ok_or(PaperError::CodeTooLong("code of a document"))?;
        let modules = self.shown.modules.get(code).copied().unwrap_or_default();
        let side = LEAST.max(MODULE * count(modules));
        let body = self.theme.text.body;
        let words = Words::of(label);
        let left = side + 2.0 * QUIET;
        let beside = self.text(&words, body, body * self.theme.text.leading, width - left)?;
        let mut marks = vec![Mark::Code { code, left: QUIET, top: QUIET, side }];
        marks.extend(beside.marks.into_iter().map(|mark| mark.shifted(left, QUIET)));
        Ok(Boxed { marks, height: (side + 2.0 * QUIET).max(QUIET + beside.height) })
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

/// Returns a dashed line.
fn dashes(width: f32) -> Vec<Mark> {
    const DASH: f32 = 6.0;
    let mut marks = Vec::new();
    let mut left = 0.0;
    while left < width {
        marks.push(Mark::Bar([left, 2.0, DASH.min(width - left), RULE]));
        left += 2.0 * DASH;
    }
    marks
}
