//! Charts: a code block with the word `bars` or `timeline` behind its fence, one row a line.

use super::blocks::{Chart, Span};
use crate::clock::Instant;

/// Most rows of one chart.
const MOST_ROWS: usize = 60;

/// Reads a chart; the error holds the row and what is wrong with it.
pub(super) fn read(kind: &str, text: &str) -> Result<Chart, (String, String)> {
    let rows: Vec<&str> = text.lines().filter(|row| !row.trim().is_empty()).collect();
    let first = || rows.first().copied().unwrap_or_default().to_owned();
    if rows.is_empty() || rows.len() > MOST_ROWS {
        return Err((first(), format!("a chart has 1 to {MOST_ROWS} rows")));
    }
    if kind == "bars" {
        let form = "a row of bars is `label | number | note`; the note may be left out";
        let row = |row: &&str| bar(row).ok_or_else(|| ((*row).to_owned(), form.to_owned()));
        return Ok(Chart::Bars(rows.iter().map(row).collect::<Result<_, _>>()?));
    }
    let form =
        "a row of a timeline is `label | 2026-11-24 | 2026-12-01`; the second date may be left out";
    let row = |row: &&str| span(row).ok_or_else(|| ((*row).to_owned(), form.to_owned()));
    Ok(Chart::Timeline(rows.iter().map(row).collect::<Result<_, _>>()?))
}

fn cells(row: &str) -> [&str; 3] {
    let mut cells = row.splitn(3, '|').map(str::trim);
    std::array::from_fn(|_| cells.next().unwrap_or_default())
}

fn bar(row: &str) -> Option<(String, f32, String)> {
    let [label, number, note] = cells(row);
    let number: f32 = number.parse().ok()?;
    let fine = number.is_finite() && number >= 0.0 && !label.is_empty();
    fine.then(|| (label.to_owned(), number, note.to_owned()))
}

fn span(row: &str) -> Option<Span> {
    let [label, from, to] = cells(row);
    let day = |text: &str| Instant::parse(&format!("{text}T00:00:00Z")).ok();
    let from = day(from)?;
    let to = if to.is_empty() { None } else { Some(day(to)?) };
    let fine = !label.is_empty() && to.is_none_or(|to| to >= from);
    fine.then(|| Span { label: label.to_owned(), from, to })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn rows_are_read_and_strange_ones_named() {
        let Chart::Bars(bars) = read("bars", "Q1 | 12 | 12 min\n\nQ2|0.5\n").unwrap() else {
            panic!()
        };
        assert_eq!(bars, [("Q1".into(), 12.0, "12 min".into()), ("Q2".into(), 0.5, String::new())]);
        let Chart::Timeline(spans) =
            read("timeline", "a | 2026-01-02 | 2026-02-03\nb | 2026-01-05").unwrap()
        else {
            panic!()
        };
        assert!(spans[0].to.is_some() && spans[1].to.is_none());
        for (kind, text) in [
            ("bars", ""),
            ("bars", "a"),
            ("bars", "a | -1"),
            ("bars", "a | NaN"),
            ("timeline", "a | soon"),
            ("timeline", "a | 2026-02-02 | 2026-01-01"),
        ] {
            assert!(read(kind, text).is_err(), "{text}");
        }
    }
}
