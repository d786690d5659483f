//! Charts in black: lengths and words, never shades.

use super::super::PaperError;
use super::super::font::{CAPITAL, DEPTH, Face};
use super::super::page::Mark;
use super::super::template::{Chart, Span};
use super::rows::RULE;
use super::text::count;
use super::{Boxed, Setting};
use crate::clock::Instant;

/// Between a label and its bar, and between a bar and what is written behind it, points.
const APART: f32 = 8.0;

/// Labels take at most this part of the width.
const LABELS: f32 = 0.4;

impl Setting<'_> {
    /// Sets a chart.
    pub(super) fn chart(&self, chart: &Chart, width: f32) -> Result<Boxed, PaperError> {
        match chart {
            Chart::Bars(rows) => self.bars(rows, width),
            Chart::Timeline(spans) => self.timeline(spans, width),
        }
    }

    /// Returns where the bars start, and the labels before them.
    fn labels<'a>(
        &self,
        labels: impl Iterator<Item = &'a str>,
        width: f32,
        step: f32,
    ) -> Result<(f32, Vec<Mark>), PaperError> {
        let size = self.theme.text.body;
        let (mut longest, mut marks) = (0.0_f32, Vec::new());
        for (row, label) in labels.enumerate() {
            longest = longest.max(self.fits(label, Face::Regular, size, width * LABELS)?);
            let base = CAPITAL * size + step * count(row);
            marks.push(Mark::text(0.0, base, Face::Regular, size, label));
        }
        Ok((longest + APART, marks))
    }

    fn step(&self) -> f32 {
        self.theme.text.body * self.theme.text.leading + 3.0
    }

    fn bars(&self, rows: &[(String, f32, String)], width: f32) -> Result<Boxed, PaperError> {
        let (size, step) = (self.theme.text.body, self.step());
        let (start, mut marks) = self.labels(rows.iter().map(|row| row.0.as_str()), width, step)?;
        let notes: Result<Vec<f32>, _> =
            rows.iter().map(|row| self.fonts.width(Face::Regular, size, &row.2)).collect();
        let note = notes?.into_iter().fold(0.0, f32::max);
        let room = width - start - APART - note;
        if room < width / 5.0 {
            let widest = rows.iter().map(|row| &row.2).max_by_key(|note| note.len());
            return Err(self.too_wide(widest.cloned().unwrap_or_default(), width / 5.0 - room));
        }
        let most = rows.iter().map(|row| row.1).fold(0.0, f32::max);
        for (i, (_, number, words)) in rows.iter().enumerate() {
            let top = step * count(i);
            let long = if most > 0.0 { room * number / most } else { 0.0 };
            // nothing is still a line, so that a row without a bar is not taken for one that was forgotten
            marks.push(Mark::Bar([start, top, long.max(RULE), CAPITAL * size]));
            let left = start + long + APART;
            marks.push(Mark::text(left, top + CAPITAL * size, Face::Regular, size, words));
        }
        Ok(Boxed { marks, height: step * count(rows.len()) })
    }

    /// Spans are bars, points in time are upright strokes; below stands the first day and the last.
    fn timeline(&self, spans: &[Span], width: f32) -> Result<Boxed, PaperError> {
        let (size, small, step) = (self.theme.text.body, self.theme.text.small, self.step());
        let (start, mut marks) =
            self.labels(spans.iter().map(|s| s.label.as_str()), width, step)?;
        let ends = spans.iter().flat_map(|span| [Some(span.from), span.to]).flatten();
        let (first, last) = ends.fold((None, None), |(first, last), at| {
            (
                Some(first.map_or(at, |f: Instant| f.min(at))),
                Some(last.map_or(at, |l: Instant| l.max(at))),
            )
        });
        let (Some(first), Some(last)) = (first, last) else { return Ok(Boxed::default()) };
        let days =
            |at: Instant| count(usize::try_from((at.unix() - first.unix()) / 86_400).unwrap_or(0));
        let (room, all) = (width - start, days(last).max(1.0));
        let height = CAPITAL * size;
        for (i, span) in spans.iter().enumerate() {
            let (left, top) = (start + room * days(span.from) / all, step * count(i));
            match span.to {
                Some(to) => {
                    let long = room * (days(to) - days(span.from)) / all;
                    marks.push(Mark::Bar([left, top + height / 4.0, long.max(RULE), height / 2.0]));
                }
                None => marks.push(Mark::Bar([left.min(width - 1.5), top, 1.5, height])),
            }
        }
        let axis = step * count(spans.len());
        marks.push(Mark::Bar([start, axis, room, RULE]));
        let base = axis + 3.0 + CAPITAL * small;
        marks.push(Mark::text(start, base, Face::Regular, small, &first.date()));
        if last > first {
            let own = self.fonts.width(Face::Regular, small, &last.date())?;
            marks.push(Mark::text(width - own, base, Face::Regular, small, &last.date()));
        }
        Ok(Boxed { marks, height: base + DEPTH * small })
    }
}
