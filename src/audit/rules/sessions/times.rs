//! Uses held against the times of recordings.

use std::borrow::Cow;

use crate::audit::case::{Look, Sees};
use crate::audit::facts::{Fact, Truth};
use crate::audit::finding::Finding;
use crate::audit::rules::releases::{each, entry, finish};
use crate::audit::rules::uses::windows::{Window, allowed, over, windows, within};
use crate::audit::rules::uses::{told, used};
use crate::audit::rules::{Rule, View};
use crate::clock::Instant;
use crate::state::Release;

/// Most places that are named.
const MOST: usize = 10;

/// When it was recorded, and whether that is known of every recording of a release.
fn recordings(look: &Look<'_>, release: &Release, skew: i64) -> (Vec<Window>, bool) {
    let mut all = Vec::new();
    let mut known = true;
    for record in release.sessions.iter().filter_map(|seq| entry(look, *seq)) {
        let started = Instant::parse_rfc3339(record.text("started"));
        let lasted = record.number("seconds").and_then(|seconds| i64::try_from(seconds).ok());
        // what was brought in later has its record at another time than its end
        let late = over(look, release).shifted(skew);
        let end = match (started, lasted) {
            (Some(started), Some(lasted)) => Some(started.shifted(lasted)),
            _ => record.at().filter(|at| *at <= late),
        };
        match (started, end) {
            (Some(from), Some(to)) => {
                let (from, to) = (from.shifted(-skew), Some(to.shifted(skew)));
                all.push(Window { from, to, release: Some(release.record) });
            }
            _ => known = false,
        }
    }
    (all, known)
}

/// Uses that no recording shows.
#[derive(Default)]
struct Outside<'a> {
    times: u64,
    first: Option<Cow<'a, Fact>>,
    places: Vec<crate::audit::facts::Place>,
    /// Whether of one of them the time is well enough known to say so.
    sure: bool,
}

impl<'a> Outside<'a> {
    fn take(&mut self, fact: Cow<'a, Fact>, sure: bool) {
        self.times += fact.times;
        self.sure |= sure;
        if self.places.len() < MOST {
            self.places.push(fact.place);
        }
        self.first.get_or_insert(fact);
    }
}

/// After the END of a release, and after its due time, another rule has the word.
pub(super) fn outside(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    let skew = view.case.skew;
    for (look, release) in each(view).filter(|(_, release)| !release.sessions.is_empty()) {
        let (shown, known) = recordings(look, release, skew);
        let next = look.set.releases.iter().map(|r| r.at).filter(|at| *at > release.at).min();
        let end = over(look, release).shifted(skew);
        let to = next.map_or(end, |next| next.min(end));
        let from = release.at.shifted(-skew);
        let own = Window { from, to: Some(to), release: Some(release.record) };
        let mut others = windows(look, skew);
        others.retain(|window| window.release != Some(release.record));
        let inside: Vec<&Fact> = used(look)
            .filter(|fact| look.owns(fact, skew) && within(fact, &own) != Truth::No)
            .collect();
        // what a list says of the last use is a use that a log has with its time, if there is a log
        let timed = inside.iter().any(|fact| fact.when.exact().is_some());
        let mut unseen = Outside::default();
        let mut uses = 0_u64;
        for fact in inside.into_iter().filter(|f| !timed || f.when.exact().is_some()) {
            uses += fact.times;
            let mut ends = vec![fact.first_of_run()];
            ends.extend((fact.times > 1).then(|| fact.last_of_run()));
            for fact in ends {
                let here = within(&fact, &own);
                let elsewhere = shown.iter().map(|w| within(&fact, w));
                let elsewhere = elsewhere.chain(others.iter().map(|w| allowed(look, &fact, w)));
                let best = elsewhere.fold(Truth::No, |best, truth| match (best, truth) {
                    (Truth::Yes, _) | (_, Truth::Yes) => Truth::Yes,
                    (Truth::Unknown, _) | (_, Truth::Unknown) => Truth::Unknown,
                    _ => Truth::No,
                });
                if here != Truth::No && best != Truth::Yes {
                    unseen.take(fact, here == Truth::Yes && best == Truth::No);
                }
            }
        }
        let record = release.record;
        let finding = if let Some(first) = &unseen.first {
            let often = if unseen.times == 1 { "once" } else { "more than once" };
            let what = format!(
                "release {record}: used {often} outside of its recordings, the first time {}",
                told(first)
            );
            let finding = match (known, unseen.sure) {
                (true, true) => rule.fail(what),
                (true, false) => rule.cannot_tell(format!("{what}, and that is not exact")),
                (false, _) => rule.cannot_tell(format!(
                    "{what}, and a record does not say when its recording began and ended"
                )),
            };
            finding.observed(first.stretch()).places(unseen.places.clone()).key(first.stretch())
        } else if uses > 0 {
            rule.pass(format!("release {record}: every use that is seen is in its recordings"))
        } else if view.case.covers(look.book, look.set, Sees::Uses, (release.at, to)) {
            rule.pass(format!("release {record}: no use is seen outside of its recordings"))
        } else {
            continue;
        };
        let finding = finish(finding, look, release).records(release.sessions.iter().copied());
        out.push(finding.person(&release.operator));
    }
}
