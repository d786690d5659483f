//! Charts: a code block with the word `bars` or `timeline` behind its fence, one row a line. Behind `timeline` may stand the
//! first and last time that are shown; lines of the same label share a row.

use super::blocks::{Chart, Row};
use crate::clock::Instant;

/// Most rows of one chart.
const MOST_ROWS: usize = 60;
/// Most lines of one chart: a row of a timeline may have several.
const MOST_LINES: usize = 4000;

/// Reads a chart; the error holds the row and what is wrong with it.
pub(super) fn read(kind: &str, text: &str) -> Result<Chart, (String, String)> {
    let rows: Vec<&str> = text.lines().filter(|row| !row.trim().is_empty()).collect();
    let first = || rows.first().copied().unwrap_or_default().to_owned();
    if rows.is_empty() || rows.len() > MOST_LINES {
        return Err((first(), format!("a chart has 1 to {MOST_LINES} lines")));
    }
    if kind == "bars" {
        if rows.len() > MOST_ROWS {
            return Err((first(), format!("a chart has 1 to {MOST_ROWS} rows")));
        }
        let form = "a row of bars is `label | number | note`; the note may be left out";
        let row = |row: &&str| bar(row).ok_or_else(|| ((*row).to_owned(), form.to_owned()));
        return Ok(Chart::Bars(rows.iter().map(row).collect::<Result<_, _>>()?));
    }
    let form = "a row of a timeline is `label | 2026-11-24 | 2026-12-01`, or with times like 2026-11-24T04:02Z; the second may be left out";
    let wrong = |row: &str, form: &str| (row.to_owned(), form.to_owned());
    let mut found: Vec<Row> = Vec::new();
    for line in &rows {
        let (label, span) = span(line).ok_or_else(|| wrong(line, form))?;
        match found.last_mut() {
            Some(last) if last.label == label => last.spans.push(span),
            _ => found.push(Row { label, spans: vec![span] }),
        }
    }
    if found.len() > MOST_ROWS {
        return Err((first(), format!("a chart has 1 to {MOST_ROWS} rows")));
    }
    let all = || found.iter().flat_map(|row| &row.spans);
    let least = all().map(|(from, _)| *from).min().unwrap_or(Instant::from_unix(0));
    let most = all().map(|(from, to)| to.unwrap_or(*from)).max().unwrap_or(least);
    let bounds: Vec<&str> = kind.split_whitespace().skip(1).collect();
    let ends = match bounds[..] {
        [] => (least, most),
        [from, to] => match (time(from), time(to)) {
            (Some(from), Some(to)) if from < to => (from, to),
            _ => return Err(wrong(kind, form)),
        },
        _ => return Err(wrong(kind, form)),
    };
    Ok(Chart::Timeline { rows: found, ends })
}

/// Reads a day, or a time with its zone.
fn time(text: &str) -> Option<Instant> {
    Instant::parse(&format!("{text}T00:00:00Z")).or_else(|_| Instant::parse(text)).ok()
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

fn span(row: &str) -> Option<(String, (Instant, Option<Instant>))> {
    let [label, from, to] = cells(row);
    let from = time(from)?;
    let to = if to.is_empty() { None } else { Some(time(to)?) };
    let fine = !label.is_empty() && to.is_none_or(|to| to >= from);
    fine.then(|| (label.to_owned(), (from, to)))
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
        let text = "a | 2026-01-02 | 2026-02-03\na|2026-03-01T04:02Z\nb | 2026-01-05";
        let Chart::Timeline { rows, ends } = read("timeline", text).unwrap() else { panic!() };
        assert!(rows[0].spans[0].1.is_some() && rows[0].spans[1].1.is_none());
        assert_eq!((rows.len(), ends.1.rfc3339().as_str()), (2, "2026-03-01T04:02:00Z"));
        let bounded = read("timeline 2026-01-01 2026-01-03T12:00Z", text).unwrap();
        assert!(matches!(bounded, Chart::Timeline { ends, .. } if ends.0.date() == "2026-01-01"));
        for (kind, text) in [
            ("bars", ""),
            ("bars", "a"),
            ("bars", "a | -1"),
            ("bars", "a | NaN"),
            ("timeline", "a | soon"),
            ("timeline 2026-01-01", "a | 2026-01-02"),
            ("timeline 2026-01-01 2025-01-01", "a | 2026-01-02"),
            ("timeline", "a | 2026-02-02 | 2026-01-01"),
        ] {
            assert!(read(kind, text).is_err(), "{text}");
        }
    }
}
