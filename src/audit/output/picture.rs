//! A timeline of one generation: what the records say, what the evidence says, and what the evidence covers.

use super::minute;
use crate::audit::case::{Case, Look, Sees};
use crate::audit::facts::Fact;
use crate::audit::releases;
use crate::clock::Instant;

/// What a reader has to know of the pictures.
pub(super) const LEGEND: &str = "Released: from RELEASE to END; the upright stroke is when it had to be revoked. Revoked: as wide as the time of it is not known. The last two rows: what the logs that were given cover.";

/// Most uses that are drawn.
const MOST_USES: usize = 500;

/// Before and after a release, seconds.
const AROUND: i64 = 6 * 3600;
/// The longest time around a release that is drawn large, seconds.
const MOST_AROUND: i64 = 30 * 86_400;

/// What stands in one row: a word, and bars or marks.
pub(super) struct Line {
    pub(super) word: &'static str,
    pub(super) marks: Vec<Mark>,
}

/// From when to when, how it is filled, and what is said when somebody points at it.
pub(super) struct Mark {
    pub(super) from: Instant,
    /// `None`: a point in time.
    pub(super) to: Option<Instant>,
    pub(super) class: &'static str,
    pub(super) title: String,
}

/// A timeline, and the time that it shows.
pub(super) struct Picture {
    /// What it is of, in words.
    pub(super) title: String,
    pub(super) from: Instant,
    pub(super) to: Instant,
    pub(super) lines: Vec<Line>,
}

impl Picture {
    /// Says whether a mark lies in the time that is shown.
    pub(super) fn shows(&self, mark: &Mark) -> bool {
        mark.from <= self.to && mark.to.unwrap_or(mark.from) >= self.from
    }
}

/// Returns the timeline of a generation as a whole, then one around each time that it was released.
pub(super) fn pictures(case: &Case, look: &Look<'_>) -> Vec<Picture> {
    let from = look.set.issue.1;
    let last = look.timeline.out_of_force().and_then(|end| end.when.to);
    let (due, revoked) = (releases::due(look), look.set.revoked.map(|(_, at)| at));
    let to = last.max(due).max(revoked).unwrap_or(case.as_of).max(from.shifted(86_400));
    let whole = Picture {
        title: "From its issue on".to_owned(),
        from,
        to,
        lines: lines(case, look, (from, to)),
    };
    let mut pictures = vec![whole];
    let mut shown: Option<Instant> = None;
    for release in &look.set.releases {
        // what follows closely is in the picture already
        if shown.is_some_and(|to| release.at < to) {
            continue;
        }
        let from = release.at.shifted(-AROUND);
        let ended = release.ended.map(|(_, at)| at);
        let after = last.filter(|at| *at > release.at).max(due).max(revoked).max(ended);
        let to = after.unwrap_or(release.at).shifted(AROUND).min(from.shifted(MOST_AROUND));
        shown = Some(to);
        let title = format!("Around release {}", release.record);
        pictures.push(Picture { title, from, to, lines: lines(case, look, (from, to)) });
    }
    pictures
}

fn mark(from: Instant, to: Option<Instant>, class: &'static str, title: String) -> Mark {
    Mark { from, to, class, title }
}

/// Returns the rows of a generation.
fn lines(case: &Case, look: &Look<'_>, shown: (Instant, Instant)) -> Vec<Line> {
    let set = look.set;
    let ended = set.revoked.map(|(_, at)| at).or(set.aborted.and(set.issue.1.into()));
    let paper = vec![mark(
        set.issue.1,
        Some(ended.unwrap_or(case.as_of)),
        "paper",
        format!("on paper since {}", minute(set.issue.1)),
    )];
    let confirmed = set.sheets.iter().filter_map(|(sheet, kept)| {
        let at = kept.confirmed?;
        Some(mark(at, None, "due", format!("{sheet} confirmed {}", minute(at))))
    });
    let released = set.releases.iter().map(|release| {
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
    // of a year's uses those are drawn that are in the picture
    let inside = |fact: &&&Fact| {
        let stretch = fact.stretch();
        stretch.from.is_some_and(|at| at <= shown.1) && stretch.to.is_some_and(|at| at >= shown.0)
    };
    let uses = look
        .facts
        .iter()
        .filter(|fact| fact.what.is_use())
        .filter(inside)
        .take(MOST_USES)
        .filter_map(|fact| {
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
        Line { word: "confirmed", marks: confirmed.collect() },
        Line { word: "released", marks: released.chain(due).collect() },
        Line { word: "used", marks: uses.collect() },
        Line { word: "revoked", marks: revoked.collect() },
        Line { word: "logs of uses", marks: windows(Sees::Uses) },
        Line { word: "logs of changes", marks: windows(Sees::Changes) },
    ]
}
