//! Points at a place in a text file, in the manner of the TOML parser's own errors.

use std::fmt::Write as _;
use std::ops::Range;

/// Draws the line of a span with carets below it, in toml's own manner.
pub(super) fn caret(text: &str, span: Range<usize>, message: &str) -> String {
    let start = text.floor_char_boundary(span.start);
    let line_start = text[..start].rfind('\n').map_or(0, |i| i + 1);
    let number = text[..line_start].matches('\n').count() + 1;
    let line = text[line_start..].lines().next().unwrap_or_default();
    let before = text[line_start..start].chars().count();
    let end = text.floor_char_boundary(span.end.min(line_start + line.len())).max(start);
    let width = text[start..end].chars().count().max(1);
    let mut out = format!("line {number}, column {}\n", before + 1);
    let gutter = " ".repeat(number.to_string().len());
    let carets = "^".repeat(width);
    // writing to a String cannot fail
    let _ = write!(
        out,
        "{gutter} |\n{number} | {line}\n{gutter} | {}{carets}\n{message}",
        " ".repeat(before)
    );
    out
}
