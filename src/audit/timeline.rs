//! What is known of one credential, folded from every fact about it.

use std::borrow::Cow;

use super::facts::{Fact, Place, Span, What};
use crate::clock::Instant;

/// How a credential ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// Which fact says so.
    pub how: What,
    /// When, as far as that is known: after it was last seen in force, and by when it was seen ended.
    pub when: Span,
    /// Where that stands.
    pub place: Place,
}

impl End {
    /// Says whether it can be undone by whoever may switch credentials.
    pub fn is_reversible(self) -> bool {
        matches!(self.how, What::Deactivated | What::SeenInactive)
    }
}

/// One credential over time.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// When it was last surely in force, and where that stands.
    pub alive: Option<(Instant, Place)>,
    /// How it ended, if it did and was not taken back.
    pub end: Option<End>,
    /// That it is not listed, where nothing ever showed it: what was never there is missing everywhere.
    pub unseen: Option<End>,
    /// The first time that it was only switched off, where it was deleted later.
    pub switched_off: Option<End>,
    /// Ends that were taken back: the end, and when it was seen in force again.
    pub revived: Vec<(End, Instant, Place)>,
    /// When it was made, where a platform says so.
    pub made: Option<(Instant, Place)>,
    /// How many facts there were.
    pub facts: usize,
    /// Facts whose time nobody knows.
    pub timeless: Vec<Place>,
}

impl Timeline {
    /// Folds facts about one credential, in any order; what is after `as_of` is left out.
    ///
    /// `skew`: seconds by which the clocks of two files may differ.
    pub fn of<'a>(facts: impl IntoIterator<Item = &'a Fact>, as_of: Instant, skew: i64) -> Self {
        let facts: Vec<&Fact> = facts.into_iter().collect();
        // the beginning and the end of a run of uses stand each at its time
        let runs = facts.iter().filter(|fact| fact.what.is_alive() && fact.times > 1);
        let ends: Vec<Fact> = runs
            .flat_map(|fact| [fact.first_of_run(), fact.last_of_run()])
            .map(Cow::into_owned)
            .collect();
        let single = facts.iter().filter(|fact| !(fact.what.is_alive() && fact.times > 1));
        let mut facts: Vec<&Fact> = single.copied().chain(&ends).collect();
        // by the time when it is known for sure; within one second records of one file keep their order
        facts.sort_by_key(|fact| (fact.when.to.or(fact.when.from), fact.place));
        let mut timeline = Self::default();
        // a list from before it was made does not have it
        let made =
            facts.iter().filter(|f| f.what == What::Created).filter_map(|f| f.when.from).min();
        let early =
            |fact: &&Fact| made.is_some_and(|made| fact.when.to.is_some_and(|to| to < made));
        facts.retain(|fact| !(fact.what == What::SeenAbsent && early(fact)));
        let known = |fact: &&Fact| fact.when.from.or(fact.when.to).is_none_or(|at| at <= as_of);
        for fact in facts.into_iter().filter(known) {
            timeline.take(fact, as_of, skew);
        }
        timeline
    }

    fn take(&mut self, fact: &Fact, as_of: Instant, skew: i64) {
        self.facts += 1;
        if fact.what == What::Created
            && let Some(at) = fact.when.from
        {
            self.made.get_or_insert((at, fact.place));
        }
        if fact.what.is_alive() {
            // it was in force at least once in this stretch: nobody knows that it was later than its beginning
            let Some(at) = fact.last.filter(|_| fact.when.exact().is_some()).or(fact.when.from)
            else {
                self.timeless.push(fact.place);
                return;
            };
            // a list goes on naming what has expired
            let listed = |end: End| end.how == What::Expires && fact.what == What::SeenActive;
            // what a platform tells of itself has one clock, in one file or in several
            let told = |end: End| matches!(end.how, What::Deactivated | What::Deleted);
            let again = fact.what == What::Reactivated;
            let apart = |end: End| {
                let one = end.place.file == fact.place.file || again && told(end);
                if one { 0 } else { skew }
            };
            // within one second the order of one file counts
            let behind = |end: End| again && end.when.to == Some(at) && fact.place > end.place;
            if let Some(end) = self.end
                && (end.when.to.is_some_and(|to| at > to.shifted(apart(end))) || behind(end))
                && !listed(end)
            {
                self.revived.push((end, at, fact.place));
                self.end = None;
                self.switched_off = None;
            }
            if self.alive.is_none_or(|(last, _)| at > last) {
                self.alive = Some((at, fact.place));
            }
        } else if fact.what.is_dead() {
            let Some(to) = fact.when.to else {
                self.timeless.push(fact.place);
                return;
            };
            if fact.what == What::Expires && to > as_of {
                return;
            }
            // who sees it ended knows by when, never since when
            let seen = matches!(fact.what, What::SeenInactive | What::SeenAbsent);
            let from = fact.when.from.filter(|_| !seen);
            let from = from.or(self.alive.map(|(at, _)| at).filter(|at| *at <= to));
            let end = End { how: fact.what, when: Span { from, to: Some(to) }, place: fact.place };
            match self.end {
                None => self.end = Some(end),
                Some(off) if off.is_reversible() && !end.is_reversible() => {
                    self.switched_off.get_or_insert(off);
                    self.end = Some(end);
                }
                // whatever a list said, it was there to be ended: the later end counts
                Some(gone)
                    if gone.how == What::SeenAbsent
                        && !seen
                        && fact.when.exact().is_some()
                        && gone.when.to.is_some_and(|gone| to > gone) =>
                {
                    self.end = Some(End { when: fact.when, ..end });
                }
                // it is still there, whatever was said before: what is switched off can be switched on
                Some(gone)
                    if fact.what == What::SeenInactive
                        && gone.when.to.is_some_and(|gone| to > gone) =>
                {
                    self.end = Some(End { how: fact.what, place: fact.place, ..gone });
                }
                Some(_) => {}
            }
        }
    }

    /// Returns since when nobody gets in with it, deleted or switched off.
    pub fn out_of_force(&self) -> Option<End> {
        self.switched_off.or(self.end)
    }

    /// Says whether it is surely in force at the end of what is known.
    pub fn is_alive(&self) -> bool {
        self.end.is_none() && self.alive.is_some()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(minute: i64) -> Instant {
        Instant::parse("2026-11-24T04:00:00Z").unwrap().shifted(60 * minute)
    }

    fn fact(what: What, when: Span) -> Fact {
        Fact::new(what, when).credential("K")
    }

    fn fold(facts: &[Fact]) -> Timeline {
        Timeline::of(facts, at(100_000), 0)
    }

    #[test]
    fn an_event_says_when_and_a_listing_only_by_when() {
        let log = fold(&[
            fact(What::Created, Span::at(at(0))),
            fact(What::Used, Span::at(at(10))),
            fact(What::Deleted, Span::at(at(20))),
            fact(What::SeenAbsent, Span::until(at(60))),
        ]);
        assert_eq!(log.end.unwrap().when, Span::at(at(20)));
        let listing = fold(&[
            fact(What::SeenActive, Span::at(at(10))),
            fact(What::SeenAbsent, Span::until(at(60))),
        ]);
        assert_eq!(listing.end.unwrap().when, Span::between(at(10), at(60)));
        let alone = fold(&[fact(What::SeenAbsent, Span::until(at(60)))]);
        assert_eq!(alone.end.unwrap().when, Span::until(at(60)));
    }

    #[test]
    fn what_is_seen_alive_later_was_not_ended() {
        let revived = fold(&[
            fact(What::Deleted, Span::at(at(20))),
            fact(What::SeenActive, Span::at(at(60))),
        ]);
        assert!(revived.is_alive() && revived.revived.len() == 1);
        let again = fold(&[
            fact(What::Deactivated, Span::at(at(20))),
            fact(What::Reactivated, Span::at(at(30))),
            fact(What::Deleted, Span::at(at(40))),
        ]);
        assert_eq!(again.end.unwrap().when, Span::at(at(40)));
        assert_eq!(again.revived.len(), 1);
        // within one second nobody knows the order
        let same =
            fold(&[fact(What::Deleted, Span::at(at(20))), fact(What::Used, Span::at(at(20)))]);
        assert!(same.end.is_some());
    }

    #[test]
    fn switched_off_first_and_deleted_later() {
        let both = fold(&[
            fact(What::Deactivated, Span::at(at(20))),
            fact(What::Deleted, Span::at(at(40))),
        ]);
        assert_eq!(both.out_of_force().unwrap().when, Span::at(at(20)));
        assert!(!both.end.unwrap().is_reversible());
        let still_there = fold(&[
            fact(What::SeenAbsent, Span::until(at(20))),
            fact(What::SeenInactive, Span::at(at(40))),
        ]);
        assert!(still_there.end.unwrap().is_reversible());
        assert_eq!(still_there.end.unwrap().when, Span::until(at(20)));
        let off = fold(&[fact(What::Deactivated, Span::at(at(20)))]);
        assert!(off.end.unwrap().is_reversible());
        // seen switched off at ten is switched off by ten
        let seen = fold(&[fact(What::SeenInactive, Span::at(at(40)))]);
        assert_eq!(seen.end.unwrap().when, Span::until(at(40)));
    }

    #[test]
    fn two_clocks_revive_nothing_and_no_list_revives_what_expired() {
        let mut used = fact(What::Used, Span::at(at(22)));
        used.place.file = 1;
        let facts = [fact(What::Deleted, Span::at(at(20))), used];
        assert!(Timeline::of(&facts, at(100), 300).end.is_some());
        assert!(Timeline::of(&facts, at(100), 0).end.is_none());
        let expired = fold(&[
            fact(What::Expires, Span::at(at(20))),
            fact(What::SeenActive, Span::at(at(60))),
        ]);
        assert!(expired.end.is_some() && expired.revived.is_empty());
    }

    #[test]
    fn a_time_that_nobody_knows_proves_nothing() {
        let none =
            fold(&[fact(What::SeenAbsent, Span::UNKNOWN), fact(What::SeenActive, Span::UNKNOWN)]);
        assert!(none.end.is_none() && none.alive.is_none());
        assert_eq!(none.timeless.len(), 2);
        // what is ended later was there, whatever a list said
        let both = fold(&[
            fact(What::SeenAbsent, Span::until(at(20))),
            fact(What::Deleted, Span::at(at(40))),
        ]);
        assert_eq!(both.end.unwrap().when, Span::at(at(40)));
        // nor does a list from before it was made
        let early = fold(&[
            fact(What::SeenAbsent, Span::until(at(1))),
            fact(What::Created, Span::at(at(5))),
        ]);
        assert!(early.end.is_none() && early.revived.is_empty() && early.is_alive());
        // an end in the future is none yet
        let later = Timeline::of(&[fact(What::Expires, Span::at(at(500)))], at(400), 0);
        assert!(later.end.is_none());
    }
}
