//! A timeline as SVG.

use std::fmt::Write as _;

use super::clean;
use super::picture::Picture;
use crate::clock::Instant;

const WIDTH: f64 = 900.0;
const LEFT: f64 = 130.0;
const ROW: f64 = 24.0;
const TOP: f64 = 28.0;

/// Escapes a text for HTML and SVG.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for sign in clean(text).chars() {
        match sign {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            sign => out.push(sign),
        }
    }
    out
}

/// Draws it.
pub(super) fn svg(picture: &Picture) -> String {
    let Picture { from, to, lines, title } = picture;
    // a little air on both sides
    #[allow(clippy::cast_precision_loss, reason = "seconds of a picture")]
    let span = to.since(*from).max(1) as f64 * 1.04;
    #[allow(clippy::cast_precision_loss, reason = "seconds of a picture")]
    let x = |at: Instant| {
        let part = (at.since(*from) as f64 / span + 0.02).clamp(0.0, 1.0);
        LEFT + part * (WIDTH - LEFT)
    };
    #[allow(clippy::cast_precision_loss, reason = "seven rows")]
    let height = TOP + ROW * lines.len() as f64 + 6.0;
    let mut svg = String::new();
    // writing to a String cannot fail
    let _ = write!(
        svg,
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">\n<text x=\"{LEFT}\" y=\"16\">{}</text><text x=\"{WIDTH}\" y=\"16\" text-anchor=\"end\">{}</text>\n",
        escape(title),
        from.utc(),
        to.utc()
    );
    for (number, line) in lines.iter().enumerate() {
        #[allow(clippy::cast_precision_loss, reason = "seven rows")]
        let y = TOP + ROW * number as f64;
        let _ = writeln!(
            svg,
            "<text x=\"0\" y=\"{}\">{}</text><line x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{}\" y2=\"{}\" class=\"axis\"/>",
            y + 15.0,
            line.word,
            y + 11.0,
            y + 11.0
        );
        for mark in line.marks.iter().filter(|mark| picture.shows(mark)) {
            let left = x(mark.from);
            // what is short is seen, too
            let wide = (mark.to.map_or(left, x) - left).max(2.0);
            let _ = writeln!(
                svg,
                "<rect x=\"{left:.1}\" y=\"{}\" width=\"{wide:.1}\" height=\"16\" class=\"{}\"><title>{}</title></rect>",
                y + 3.0,
                mark.class,
                escape(&mark.title)
            );
        }
    }
    svg + "</svg>\n"
}
