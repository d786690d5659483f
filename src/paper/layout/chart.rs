//! Charts in black: lengths and words, never shades.

use super::super::PaperError;
use super::super::font::{CAPITAL, DEPTH, Face};
use super::super::page::Mark;
use super::super::template::{Chart, Row};
use super::rows::RULE;
use super::text::count;
use super::{Boxed, Setting};
use crate::clock::Instant;

/// Between a label and its bar, and between a bar and what is written behind it, points.
const APART: f32 = 8.0;

/// Thickness of the line that a row of a timeline lies on, points.
const HAIR: f32 = 0.25;

/// Labels take at most this part of the width.
const LABELS: f32 = 0.4;

impl Setting<'_> {
    /// Sets a chart.
    pub(super) fn chart(&self, chart: &Chart, width: f32) -> Result<Boxed, PaperError> {
        match chart {
            Chart::Bars(rows) => self.bars(rows, width),
            Chart::Timeline { rows, ends } => self.timeline(rows, *ends, width),
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

    /// Spans are bars, points in time are upright strokes; below stands the first time and the last.
    fn timeline(
        &self,
        rows: &[Row],
        (first, last): (Instant, Instant),
        width: f32,
    ) -> Result<Boxed, PaperError> {
        let (size, small, step) = (self.theme.text.body, self.theme.text.small, self.step());
        let (start, mut marks) =
            self.labels(rows.iter().map(|row| row.label.as_str()), width, step)?;
        let room = width - start;
        #[allow(clippy::cast_precision_loss, reason = "a place on paper")]
        let seconds = |at: Instant| at.since(first) as f32;
        let all = seconds(last).max(1.0);
        let place = |at: Instant| start + room * (seconds(at) / all).clamp(0.0, 1.0);
        let height = CAPITAL * size;
        for (i, row) in rows.iter().enumerate() {
            let top = step * count(i);
            // a line to follow with the eye, from the label to what is far to the right
            marks.push(Mark::Bar([start, top + height / 2.0 - HAIR / 2.0, room, HAIR]));
            for (from, to) in &row.spans {
                let outside = *from > last || to.unwrap_or(*from) < first;
                let left = place(*from);
                match to {
                    _ if outside => {}
                    Some(to) => {
                        let long = (place(*to) - left).max(RULE);
                        let bar = [left.min(width - RULE), top + height / 4.0, long, height / 2.0];
                        marks.push(Mark::Bar(bar));
                    }
                    None => marks.push(Mark::Bar([left.min(width - 1.5), top, 1.5, height])),
                }
            }
        }
        let axis = step * count(rows.len());
        marks.push(Mark::Bar([start, axis, room, RULE]));
        let base = axis + 3.0 + CAPITAL * small;
        // of what lasts days only, the minutes matter
        let short = last.since(first) < 14 * 86_400;
        let days = |at: Instant| at.unix().is_multiple_of(86_400);
        let name = |at: Instant| {
            if short && !(days(first) && days(last)) { at.utc() } else { at.date() }
        };
        marks.push(Mark::text(start, base, Face::Regular, small, &name(first)));
        if last > first {
            let own = self.fonts.width(Face::Regular, small, &name(last))?;
            marks.push(Mark::text(width - own, base, Face::Regular, small, &name(last)));
        }
        Ok(Boxed { marks, height: base + DEPTH * small })
    }
}
