//! A timeline of one generation as SVG: what the records say, what the evidence says, and what the evidence covers.

use std::fmt::Write as _;

use super::{clean, minute};
use crate::audit::case::{Case, Look, Sees};
use crate::audit::releases;
use crate::clock::Instant;

/// What a reader has to know of the pictures.
pub(super) const LEGEND: &str = "Released: from RELEASE to END; the black mark is when it had to be revoked. Revoked: as wide as the time of it is not known. The last two rows: what the logs that were given cover.";

const WIDTH: f64 = 900.0;
const LEFT: f64 = 130.0;
const ROW: f64 = 24.0;
const TOP: f64 = 28.0;

/// What stands in one row: a word, and bars or marks.
struct Line {
    word: &'static str,
    marks: Vec<Mark>,
}

/// From when to when, how it is filled, and what is said when somebody points at it.
struct Mark {
    from: Instant,
    to: Option<Instant>,
    class: &'static str,
    title: String,
}

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

fn mark(from: Instant, to: Option<Instant>, class: &'static str, title: String) -> Mark {
    Mark { from, to, class, title }
}

/// Returns the rows of a generation.
fn lines(case: &Case, look: &Look<'_>) -> Vec<Line> {
    let set = look.set;
    let ended = set.revoked.map(|(_, at)| at).or(set.aborted.and(set.issue.1.into()));
    let paper = vec![mark(
        set.issue.1,
        Some(ended.unwrap_or(case.as_of)),
        "paper",
        format!("on paper since {}", minute(set.issue.1)),
    )];
    let releases = set.releases.iter().map(|release| {
        let to = release.ended.map_or(case.as_of, |(_, at)| at);
        mark(
            release.at,
            Some(to),
            "release",
            format!("released to {} {}", release.operator.name, minute(release.at)),
        )
    });
    let due = releases::due(look)
        .map(|due| mark(due, None, "due", format!("revoke before {}", minute(due))));
    let uses = look.facts.iter().filter(|fact| fact.what.is_use()).take(500).filter_map(|fact| {
        let stretch = fact.stretch();
        Some(mark(stretch.from?, stretch.to, "use", format!("{} {stretch}", fact.word)))
    });
    let revoked = look.timeline.out_of_force().into_iter().filter_map(|end| {
        let to = end.when.to?;
        Some(mark(
            end.when.from.unwrap_or(to),
            Some(to),
            "revoked",
            format!("out of force {}", end.when),
        ))
    });
    let windows = |sees| {
        case.coverage(look.book, set, sees)
            .into_iter()
            .map(|(from, to)| {
                mark(from, Some(to), "covered", format!("{} to {}", minute(from), minute(to)))
            })
            .collect::<Vec<_>>()
    };
    vec![
        Line { word: "on paper", marks: paper },
        Line { word: "released", marks: releases.chain(due).collect() },
        Line { word: "used", marks: uses.collect() },
        Line { word: "revoked", marks: revoked.collect() },
        Line { word: "logs of uses", marks: windows(Sees::Uses) },
        Line { word: "logs of changes", marks: windows(Sees::Changes) },
    ]
}

/// Draws it; nothing where nothing ever happened.
pub(super) fn timeline(case: &Case, look: &Look<'_>) -> String {
    let lines = lines(case, look);
    let from = look.set.issue.1;
    let last = look.timeline.out_of_force().and_then(|end| end.when.to);
    let due = releases::due(look);
    let to = last
        .max(due)
        .max(look.set.revoked.map(|(_, at)| at))
        .unwrap_or(case.as_of)
        .max(from.shifted(86_400));
    // a little air on both sides
    #[allow(clippy::cast_precision_loss, reason = "seconds of a picture")]
    let span = to.since(from) as f64 * 1.04;
    #[allow(clippy::cast_precision_loss, reason = "seconds of a picture")]
    let x = |at: Instant| {
        let part = (at.since(from) as f64 / span + 0.02).clamp(0.0, 1.0);
        LEFT + part * (WIDTH - LEFT)
    };
    #[allow(clippy::cast_precision_loss, reason = "six rows")]
    let height = TOP + ROW * lines.len() as f64 + 6.0;
    let mut svg = String::new();
    // writing to a String cannot fail
    let _ = write!(
        svg,
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"timeline of generation {}\">\n<text x=\"{LEFT}\" y=\"16\">{}</text><text x=\"{WIDTH}\" y=\"16\" text-anchor=\"end\">{}</text>\n",
        look.set.generation,
        from.date(),
        to.date()
    );
    for (number, line) in lines.iter().enumerate() {
        #[allow(clippy::cast_precision_loss, reason = "six rows")]
        let y = TOP + ROW * number as f64;
        let _ = writeln!(
            svg,
            "<text x=\"0\" y=\"{}\">{}</text><line x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{}\" y2=\"{}\" class=\"axis\"/>",
            y + 15.0,
            line.word,
            y + 11.0,
            y + 11.0
        );
        for mark in &line.marks {
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
