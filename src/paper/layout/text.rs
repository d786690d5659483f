//! Running text to lines.

use super::super::PaperError;
use super::super::font::{CAPITAL, DEPTH, Face};
use super::super::page::Mark;
use super::super::template::{Image, Right, Words};
use super::{Boxed, Setting};

/// At least this lies between a text and what stands at the right end of its line, points.
const APART: f32 = 14.0;

/// Returns a small number as a length.
pub(super) fn count(n: usize) -> f32 {
    f32::from(u16::try_from(n).unwrap_or(u16::MAX))
}

/// A piece of a line in one face, with its distance from the start of the line.
struct Piece {
    left: f32,
    face: Face,
    text: String,
}

#[derive(Default)]
struct Line {
    pieces: Vec<Piece>,
    width: f32,
}

impl Line {
    fn push(&mut self, face: Face, text: &str, width: f32) {
        match self.pieces.last_mut() {
            Some(last) if last.face == face => last.text.push_str(text),
            _ => self.pieces.push(Piece { left: self.width, face, text: text.into() }),
        }
        self.width += width;
    }
}

/// A word: what stands between two blanks, perhaps in several faces.
#[derive(Default)]
struct Word {
    parts: Vec<(Face, String, f32)>,
    /// Face of the blank before it.
    blank: Option<Face>,
    /// Whether it starts a new line.
    forced: bool,
}

impl Word {
    fn width(&self) -> f32 {
        self.parts.iter().map(|(_, _, width)| width).sum()
    }
}

impl Setting<'_> {
    /// Sets text of `size` with lines `leading` points apart.
    pub(super) fn text(
        &self,
        words: &Words,
        size: f32,
        leading: f32,
        width: f32,
    ) -> Result<Boxed, PaperError> {
        let face = words.runs.first().map_or(Face::Regular, |run| run.face);
        let mut marks = Vec::new();
        let mut reserved = 0.0;
        let mut least = 0.0;
        match &words.right {
            Some(Right::Image(image)) => {
                let (picture, own) = self.picture(image, width / 2.0)?;
                marks.push(Mark::Picture { picture, place: [width - own, 0.0, own, image.height] });
                (reserved, least) = (own + APART, image.height);
            }
            Some(right @ (Right::Text(text) | Right::Code(text))) => {
                let (large, code) = (self.theme.facts.large, matches!(right, Right::Code(_)));
                let own_size = if code && size > large { large } else { size };
                let face = if code { Face::Mono } else { face };
                let own = self.fits(text, face, own_size, width)?;
                marks.push(Mark::text(width - own, CAPITAL * size, face, own_size, text));
                reserved = own + APART;
            }
            None => {}
        }
        let lines = self.lines(words, size, width, reserved)?;
        for (i, line) in lines.iter().enumerate() {
            let base = CAPITAL * size + count(i) * leading;
            let piece = |p: &Piece| Mark::text(p.left, base, p.face, size, &p.text);
            marks.extend(line.pieces.iter().map(piece));
        }
        // what stands at the right is read after the first line
        if words.right.is_some() && !lines.is_empty() {
            let right = marks.remove(0);
            marks.insert(lines[0].pieces.len(), right);
        }
        let height = (CAPITAL + DEPTH) * size + count(lines.len().saturating_sub(1)) * leading;
        Ok(Boxed { marks, height: height.max(least) })
    }

    /// Returns the number of a picture and how wide it is printed.
    pub(super) fn picture(&self, image: &Image, most: f32) -> Result<(usize, f32), PaperError> {
        let missing =
            || PaperError::File { name: image.name.clone(), what: "it was not read".into() };
        let number =
            self.shown.names.iter().position(|name| *name == image.name).ok_or_else(missing)?;
        let picture = self.shown.pictures.get(number).ok_or_else(missing)?;
        let own = image.height * count(picture.width) / count(picture.height).max(1.0);
        if own > most + 0.01 {
            return Err(self.too_wide(image.name.clone(), own - most));
        }
        Ok((number, own))
    }

    fn lines(
        &self,
        words: &Words,
        size: f32,
        width: f32,
        reserved: f32,
    ) -> Result<Vec<Line>, PaperError> {
        let mut lines = vec![Line::default()];
        // where a text has lines of its own, what does not fit on one of them is indented
        let own_lines = words.runs.iter().any(|run| run.text.contains('\n'));
        let tall = matches!(words.right, Some(Right::Image(_)));
        let indent = if own_lines { size } else { 0.0 };
        let wrapped = || Line { width: indent, ..Line::default() };
        for word in self.words(words, size)? {
            // beside a picture, which is taller than a line, all lines are shorter
            let room =
                |lines: &[Line]| if lines.len() == 1 || tall { width - reserved } else { width };
            let blank = match word.blank {
                Some(face) => self.fonts.width(face, size, " ")?,
                None => 0.0,
            };
            let limit = room(&lines);
            let Some(line) = lines.last_mut() else { break };
            let started = !line.pieces.is_empty();
            if word.forced {
                lines.push(Line::default());
            } else if started && line.width + blank + word.width() > limit + 0.01 {
                lines.push(wrapped());
            } else if let Some(face) = word.blank
                && started
            {
                line.push(face, " ", blank);
            }
            for (face, text, own) in &word.parts {
                let limit = room(&lines);
                let Some(line) = lines.last_mut() else { break };
                if line.width + own <= limit + 0.01 {
                    line.push(*face, text, *own);
                    continue;
                }
                // longer than a line, such as an address: broken anywhere
                for sign in text.chars() {
                    let text = sign.to_string();
                    let own = self.fonts.width(*face, size, &text)?;
                    if lines.last().is_some_and(|line| line.width + own > room(&lines) + 0.01) {
                        lines.push(wrapped());
                    }
                    if let Some(line) = lines.last_mut() {
                        line.push(*face, &text, own);
                    }
                }
            }
        }
        lines.retain(|line| !line.pieces.is_empty());
        Ok(lines)
    }

    fn words(&self, words: &Words, size: f32) -> Result<Vec<Word>, PaperError> {
        let mut found = vec![Word::default()];
        for run in &words.runs {
            let mut rest = run.text.as_str();
            while !rest.is_empty() {
                let end = rest.find([' ', '\n']).unwrap_or(rest.len());
                let (part, after) = rest.split_at(end);
                if !part.is_empty() {
                    let width = self.fonts.width(run.face, size, part)?;
                    if let Some(word) = found.last_mut() {
                        word.parts.push((run.face, part.to_owned(), width));
                    }
                }
                if let Some(sign) = after.chars().next() {
                    let forced = sign == '\n';
                    found.push(Word { blank: Some(run.face), forced, ..Word::default() });
                }
                rest = after.get(1..).unwrap_or_default();
            }
        }
        found.retain(|word| word.forced || !word.parts.is_empty());
        Ok(found)
    }
}
