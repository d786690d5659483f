//! Blocks that stand in rows and columns: facts, typed lines, tables, lines to write on.

use super::super::PaperError;
use super::super::font::{CAPITAL, DEPTH, Face};
use super::super::page::{MM, Mark};
use super::super::template::{Fact, FactStyle, Field, Typed, Words};
use super::frames::Frame;
use super::text::count;
use super::{Boxed, Setting};

/// Least and largest distance of two columns, points.
const APART: (f32, f32) = (12.0, 30.0);

/// Thickness of a line to write on and of the rule under a table's head, points.
pub(super) const RULE: f32 = 0.6;

/// Width of a handwritten sign, points.
const HANDWRITTEN: f32 = 2.5 * MM;

/// Height of a row that is written into, points.
const WRITTEN: f32 = 9.0 * MM;

/// A fact's value, in one line or two.
struct Value {
    lines: Vec<String>,
    face: Face,
    size: f32,
    width: f32,
}

/// Where the line between two rows of a table stands: nearer to the row above it, for accents reach higher than capitals.
const ABOVE: f32 = 0.35;

impl Setting<'_> {
    /// Sets facts side by side: small labels, values on one baseline.
    ///
    /// Facts behind a [`FactStyle::Column`] start at the second column of codes.
    pub(super) fn facts(&self, facts: &[Fact], frame: &Frame) -> Result<Boxed, PaperError> {
        let label = self.theme.facts.label;
        let mut groups = Vec::new();
        // two lines need the height of a huge one beside them
        let room_for_two = facts.iter().any(|fact| fact.style == FactStyle::Huge);
        for group in facts.split(|fact| fact.style == FactStyle::Column) {
            let values = group.iter().map(|fact| self.value(fact, room_for_two));
            let values: Result<Vec<_>, _> = values.collect();
            groups.push((group, values?));
        }
        let tallest = groups.iter().flat_map(|(_, values)| values).map(|value| value.size);
        let tallest = tallest.fold(0.0, f32::max);
        let base = CAPITAL * label + 3.5 + CAPITAL * tallest;
        let ends = [frame.column - APART.0, frame.width];
        let starts = [0.0, frame.column];
        let ends = if groups.len() == 1 { &ends[1..] } else { &ends[..] };
        let mut marks = Vec::new();
        for ((start, end), (group, values)) in starts.into_iter().zip(ends).zip(groups) {
            let gap = self.apart(group, &values, end - start)?;
            let mut left = start;
            for (fact, value) in group.iter().zip(values) {
                marks.push(Mark::text(left, CAPITAL * label, Face::Bold, label, &fact.label));
                let rise = CAPITAL * (tallest - value.size);
                for (i, line) in value.lines.iter().enumerate() {
                    let up = if i + 1 < value.lines.len() { rise } else { 0.0 };
                    marks.push(Mark::text(left, base - up, value.face, value.size, line));
                }
                left += value.width + gap;
            }
        }
        // figures and codes have no descenders
        let plain =
            facts.iter().any(|fact| matches!(fact.style, FactStyle::Plain | FactStyle::Large));
        let depth = if plain { DEPTH * self.theme.facts.plain } else { 0.0 };
        Ok(Boxed { marks, height: base + depth })
    }

    /// Returns the distance between facts that share `width`.
    fn apart(&self, facts: &[Fact], values: &[Value], width: f32) -> Result<f32, PaperError> {
        let taken: f32 = values.iter().map(|value| value.width).sum();
        let gaps = count(facts.len().saturating_sub(1));
        let least = APART.0 * gaps;
        if taken + least > width {
            let text = facts.iter().map(|fact| fact.value.as_str()).collect::<Vec<_>>().join(" ");
            return Err(self.too_wide(text, taken + least - width));
        }
        Ok(((width - taken) / gaps.max(1.0)).min(APART.1))
    }

    fn value(&self, fact: &Fact, room_for_two: bool) -> Result<Value, PaperError> {
        let theme = &self.theme.facts;
        let (style, size) = match fact.style {
            FactStyle::Huge => (Face::Bold, theme.huge),
            FactStyle::Large => (Face::Bold, theme.large),
            FactStyle::Plain | FactStyle::Column => (Face::Bold, theme.plain),
            FactStyle::Code => (Face::Mono, theme.large),
        };
        let whole = self.fonts.width(style, size, &fact.value)?;
        let mut value = Value { lines: vec![fact.value.clone()], face: style, size, width: whole };
        if room_for_two && fact.style == FactStyle::Plain && whole > 6.0 * size {
            for (at, _) in fact.value.match_indices(' ') {
                let (first, second) = (&fact.value[..at], &fact.value[at + 1..]);
                let width = self
                    .fonts
                    .width(style, size, first)?
                    .max(self.fonts.width(style, size, second)?);
                if width < value.width {
                    value.lines = vec![first.to_owned(), second.to_owned()];
                    value.width = width;
                }
            }
        }
        value.width = value.width.max(self.fonts.width(Face::Bold, theme.label, &fact.label)?);
        Ok(value)
    }

    /// Sets typed lines in two columns where they fit; down the first, then down the second.
    pub(super) fn typed(&self, typed: Typed, frame: &Frame) -> Result<Boxed, PaperError> {
        let (lines, size) = self.typed_lines(typed);
        let (mut labels, mut symbols) = (0.0_f32, 0.0_f32);
        for line in lines {
            labels = labels.max(self.fonts.width(Face::Bold, size, &line.label)?);
            symbols = symbols.max(self.fonts.width(Face::Mono, size, &line.symbols)?);
        }
        let indent = labels + size * 0.6;
        let (width, second) = (frame.width, frame.column);
        let narrow = indent + symbols <= (second - APART.0).min(width - second);
        let columns = if narrow { 2 } else { 1 };
        if indent + symbols > width + 0.01 {
            let text = lines.first().map(|line| line.label.clone()).unwrap_or_default();
            return Err(self.too_wide(text, indent + symbols - width));
        }
        let rows = lines.len().div_ceil(columns).max(1);
        let leading = size * self.theme.typed.leading;
        let mut marks = Vec::new();
        for (column, lines) in lines.chunks(rows).enumerate() {
            for (row, line) in lines.iter().enumerate() {
                let (left, base) = (second * count(column), CAPITAL * size + leading * count(row));
                marks.push(Mark::text(left, base, Face::Bold, size, &line.label));
                marks.push(Mark::text(left + indent, base, Face::Mono, size, &line.symbols));
            }
        }
        // the symbols have no descenders
        Ok(Boxed { marks, height: CAPITAL * size + leading * count(rows - 1) })
    }

    /// Sets a table; columns get what they need, the widest ones share what is left.
    ///
    /// A table with an empty cell is a form: its rows are high enough to write in, and every cell has lines around it.
    pub(super) fn table(
        &self,
        rows: &[Vec<Words>],
        signs: &[u16],
        size: f32,
        width: f32,
    ) -> Result<Boxed, PaperError> {
        self.table_rows(rows, &self.columns(rows, signs, size, width)?, is_form(rows), size, width)
    }

    /// Returns the widths of the columns of a table.
    pub(super) fn columns(
        &self,
        rows: &[Vec<Words>],
        signs: &[u16],
        size: f32,
        width: f32,
    ) -> Result<Vec<f32>, PaperError> {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let mut needs = vec![0.0_f32; columns];
        for row in rows {
            for (need, cell) in needs.iter_mut().zip(row) {
                let mut own = 0.0;
                for run in &cell.runs {
                    own += self.fonts.width(run.face, size, &run.text.replace('\n', " "))?;
                }
                *need = need.max(own);
            }
        }
        let room = width - APART.0 * count(columns.saturating_sub(1));
        if signs.iter().any(|signs| *signs > 0) {
            return self.handwritten(signs, &needs, room);
        }
        let mut widths = shared(&needs, room);
        if is_form(rows) {
            // there is something to write in every column
            let spare = (room - widths.iter().sum::<f32>()) / count(columns.max(1));
            for width in &mut widths {
                *width += spare;
            }
        }
        Ok(widths)
    }

    /// Returns the widths of columns that have room for so many handwritten signs, or for the text in them; what is left
    /// is shared.
    fn handwritten(&self, signs: &[u16], texts: &[f32], room: f32) -> Result<Vec<f32>, PaperError> {
        let by_hand = |signs: &u16| f32::from(*signs) * HANDWRITTEN;
        let mut room = room - signs.iter().map(by_hand).sum::<f32>();
        if room < -0.01 {
            return Err(self.too_wide("the columns of a table".into(), -room));
        }
        let printed: Vec<f32> =
            texts.iter().zip(signs).filter(|(_, s)| **s == 0).map(|(need, _)| *need).collect();
        let printed = shared(&printed, room);
        room -= printed.iter().sum::<f32>();
        // a column of one or two signs is wide enough; the others share
        let wide = |signs: &u16| *signs > 3;
        let spare = room / count(signs.iter().filter(|s| wide(s)).count().max(1));
        let mut printed = printed.into_iter();
        let width = |signs: &u16| match signs {
            0 => printed.next().unwrap_or_default(),
            signs => by_hand(signs) + if wide(signs) { spare } else { 0.0 },
        };
        Ok(signs.iter().map(width).collect())
    }

    /// Sets rows of a table, the first of which is its head.
    pub(super) fn table_rows(
        &self,
        rows: &[Vec<Words>],
        widths: &[f32],
        form: bool,
        size: f32,
        width: f32,
    ) -> Result<Boxed, PaperError> {
        let leading = size * self.theme.text.leading;
        let apart = leading - (CAPITAL + DEPTH) * size + self.theme.text.gap;
        let mut boxed = Boxed::default();
        for (i, row) in rows.iter().enumerate() {
            let (mut left, mut tallest) = (0.0, 0.0_f32);
            for (cell, own) in row.iter().zip(widths) {
                let cell = self.text(cell, size, leading, *own)?;
                tallest = tallest.max(cell.height);
                let top = boxed.height;
                boxed.marks.extend(cell.marks.into_iter().map(|mark| mark.shifted(left, top)));
                left += own + APART.0;
            }
            boxed.height += if form && i > 0 { tallest.max(WRITTEN - apart) } else { tallest };
            if i == 0 || form {
                boxed.marks.push(Mark::Bar([
                    0.0,
                    boxed.height + apart * ABOVE - RULE,
                    width,
                    RULE,
                ]));
            }
            boxed.height += if form || i + 1 < rows.len() { apart } else { 0.0 };
        }
        if form {
            let mut left = 0.0;
            for own in widths.iter().take(widths.len().saturating_sub(1)) {
                left += own + APART.0;
                let line = [left - APART.0 / 2.0, 0.0, RULE, boxed.height - apart * (1.0 - ABOVE)];
                boxed.marks.push(Mark::Bar(line));
            }
        }
        Ok(boxed)
    }

    /// Sets labels with lines to write on, each long enough for its signs: side by side, or below each other where there is
    /// no room for that.
    pub(super) fn fields(&self, fields: &[Field], width: f32) -> Result<Boxed, PaperError> {
        match self.fields_in_a_row(fields, width) {
            Err(PaperError::TooWide { .. }) if fields.len() > 1 => {
                let (above, below) = fields.split_at(fields.len().div_ceil(2));
                let (mut above, below) = (self.fields(above, width)?, self.fields(below, width)?);
                let down = above.height + self.theme.text.gap;
                above.marks.extend(below.marks.into_iter().map(|mark| mark.shifted(0.0, down)));
                Ok(Boxed { height: down + below.height, ..above })
            }
            set => set,
        }
    }

    fn fields_in_a_row(&self, fields: &[Field], width: f32) -> Result<Boxed, PaperError> {
        let (size, all) = (self.theme.text.body, count(fields.len().max(1)));
        let own = (width - APART.1 * (all - 1.0)) / all;
        let base = CAPITAL * size + 6.0;
        let mut marks = Vec::new();
        for (i, Field { label, signs }) in fields.iter().enumerate() {
            let start = (own + APART.1) * count(i);
            let least = if *signs > 0 { f32::from(*signs) * HANDWRITTEN } else { 20.0 * MM };
            let gap = if label.is_empty() { 0.0 } else { 6.0 };
            let left = self.fits(label, Face::Regular, size, own - least - gap)? + gap;
            let long = match (fields.len(), label.is_empty()) {
                (1, false) => least.max(70.0 * MM),
                _ => own,
            };
            marks.push(Mark::text(start, base, Face::Regular, size, label));
            marks.push(Mark::Bar([start + left, base + 1.5, (own - left).min(long), RULE]));
        }
        Ok(Boxed { marks, height: base + DEPTH * size })
    }

    /// Sets lines to sign on side by side, each over its label.
    pub(super) fn signatures(&self, labels: &[String], width: f32) -> Result<Boxed, PaperError> {
        let (size, room) = (self.theme.text.small, 9.0 * MM);
        let own =
            (width - APART.1 * count(labels.len().saturating_sub(1))) / count(labels.len().max(1));
        let mut marks = Vec::new();
        for (i, label) in labels.iter().enumerate() {
            let left = (own + APART.1) * count(i);
            self.fits(label, Face::Regular, size, own)?;
            marks.push(Mark::Bar([left, room, own, RULE]));
            marks.push(Mark::text(left, room + 3.0 + CAPITAL * size, Face::Regular, size, label));
        }
        Ok(Boxed { marks, height: room + 3.0 + (CAPITAL + DEPTH) * size })
    }
}

/// Says whether something is to be written into a table.
pub(super) fn is_form(rows: &[Vec<Words>]) -> bool {
    // a value that happens to be empty is nothing to write in
    let empty = |cell: &Words| cell.runs.is_empty();
    rows.iter().skip(1).flatten().any(empty)
}

/// Returns column widths that sum up to at most `room`: what fits an equal share has what it needs, and of the others the
/// one with more text is wider.
fn shared(needs: &[f32], room: f32) -> Vec<f32> {
    let (mut rest, mut open) = (room, needs.len());
    let mut order: Vec<usize> = (0..needs.len()).collect();
    order.sort_by(|a, b| needs[*a].total_cmp(&needs[*b]));
    let mut widths = vec![0.0; needs.len()];
    for (done, i) in order.iter().enumerate() {
        // a little more than measured, so that rounding breaks no line
        let need = needs[*i] + 0.1;
        if need > rest / count(open) {
            let weight = |i: &usize| needs[*i].sqrt();
            let all: f32 = order[done..].iter().map(weight).sum();
            for i in &order[done..] {
                widths[*i] = rest * weight(i) / all;
            }
            break;
        }
        widths[*i] = need;
        rest -= need;
        open -= 1;
    }
    widths
}
