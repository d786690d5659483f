//! What comes next, from what is known: a pure function, so that a run that died anywhere goes on where it has to.
//!
//! What the logbook says is never enough to end a credential: anybody can append a line. Every run that changes
//! anything for good has itself opened the new secret from k sheets that were read back, and tried it; which credential
//! it ends, the old sheets say. The one exception is what somebody knows (`at_once`): it ends as soon as its successor
//! is written, with the successor from memory.

use super::answer::Mode;

/// The set that is to follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Successor {
    /// There is none.
    None,
    /// An earlier run dealt it, and too few sheets were ever read back.
    HalfMade,
    /// This run dealt it; its sheets are to be printed and read back.
    Fresh,
    /// Enough of its sheets were read back, some time.
    Confirmed,
}

/// What is known of a credential that should be dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// Nobody has asked.
    Unknown,
    /// The platform has refused it, or says that it is gone.
    Dead,
    /// It still works.
    Alive,
}

/// What this run knows.
#[derive(Clone, Copy, Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and the plan is a table of them"
)]
pub struct Facts {
    /// How the platform changes credentials.
    pub mode: Mode,
    /// Whether there is no old credential: the first of a kit.
    pub first: bool,
    /// Whether the old one is known to somebody: it ends as soon as the new one is written, before it is read back.
    pub at_once: bool,
    /// The set that is to follow.
    pub successor: Successor,
    /// Whether the old secret was opened in this run.
    pub old_in_hand: bool,
    /// Whether the platform has let the old one in, in this run.
    pub old_let_in: bool,
    /// Whether the platform was asked what there is.
    pub surveyed: bool,
    /// Whether a new secret is in memory that did not come from paper.
    pub made: bool,
    /// Whether the platform has let it in.
    pub made_valid: bool,
    /// Whether the new secret was opened, in this run, from sheets that were read back.
    pub opened: bool,
    /// Whether the platform lets in what was opened.
    pub opened_valid: Option<bool>,
    /// Whether this run has asked the platform to end the old one.
    pub end_asked: bool,
    /// Whether the old one was tried, and how that ended.
    pub old: Death,
    /// Whether the platform's own report is on disk.
    pub reported: bool,
    /// Whether REVOKE and ROTATE stand in the logbook.
    pub recorded: bool,
}

impl Facts {
    /// Returns what a run knows before its first step.
    pub fn new(mode: Mode, first: bool, successor: Successor) -> Self {
        Self {
            mode,
            first,
            at_once: false,
            successor,
            old_in_hand: false,
            old_let_in: false,
            surveyed: false,
            made: false,
            made_valid: false,
            opened: false,
            opened_valid: None,
            end_asked: false,
            old: Death::Unknown,
            reported: false,
            recorded: false,
        }
    }
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Open the old set.
    OpenOld,
    /// Try the old credential: what the papers hold has to be what the platform has, before anything is made or voided.
    ProveOld,
    /// Ask the platform which credentials there are, and find those that nobody has on paper.
    Survey,
    /// Make the new secret: on the platform, or here.
    Make,
    /// Try it before it goes onto paper.
    ProveMade,
    /// Seal it, and write the sheets.
    Deal,
    /// Void a set that an earlier run left half made.
    Void,
    /// Read the new sheets back and open the set from them.
    OpenNew,
    /// Try what they give.
    ProveNew,
    /// Put the new secret in the place of the old one.
    Set,
    /// End the old credential, with the new one.
    Revoke,
    /// Try the old one: it has to be refused.
    ProveDead,
    /// Take the platform's own report as evidence.
    Report,
    /// Write down that it is revoked, and what took its place.
    Record,
    /// Nothing: it is done.
    Done,
    /// Nothing: what the sheets give is not let in.
    NewRefused,
    /// Nothing: the old one still works.
    OldAlive,
}

/// Which papers a step needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Papers {
    /// None.
    None,
    /// k sheets of the old set.
    Old,
    /// The sheets of the new set: k, or as many as confirm it.
    New,
}

impl Step {
    /// Says whether the network has to be on, or had better be off.
    pub fn network(self, mode: Mode) -> Option<bool> {
        match self {
            Self::Make if mode == Mode::Overlap => Some(true),
            Self::OpenOld | Self::Deal | Self::OpenNew => Some(false),
            Self::ProveOld
            | Self::Survey
            | Self::ProveMade
            | Self::ProveNew
            | Self::Set
            | Self::Revoke
            | Self::ProveDead
            | Self::Report => Some(true),
            Self::Make
            | Self::Void
            | Self::Record
            | Self::Done
            | Self::NewRefused
            | Self::OldAlive => None,
        }
    }

    /// Returns which papers it needs.
    pub fn papers(self) -> Papers {
        match self {
            Self::OpenOld => Papers::Old,
            Self::OpenNew => Papers::New,
            _ => Papers::None,
        }
    }

    /// Says whether it is an end.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Done | Self::NewRefused | Self::OldAlive)
    }
}

/// Returns what comes next.
pub fn next(facts: &Facts) -> Step {
    match facts.successor {
        Successor::None | Successor::HalfMade => before_paper(facts),
        Successor::Fresh if facts.at_once && facts.made && facts.old != Death::Dead => {
            at_once(facts)
        }
        Successor::Fresh | Successor::Confirmed if !facts.opened => Step::OpenNew,
        Successor::Fresh | Successor::Confirmed => after_paper(facts),
    }
}

fn before_paper(facts: &Facts) -> Step {
    if !facts.old_in_hand && !facts.first {
        Step::OpenOld
    } else if !facts.old_let_in && !facts.first {
        Step::ProveOld
    } else if facts.successor == Successor::HalfMade {
        // what was left half made could have been the one that works: now it is known that it is not
        Step::Void
    } else if facts.mode == Mode::Overlap && !facts.surveyed {
        Step::Survey
    } else if !facts.made {
        Step::Make
    } else if facts.mode == Mode::Overlap && !facts.made_valid {
        Step::ProveMade
    } else {
        Step::Deal
    }
}

/// The one exception: what somebody knows ends while its successor is written but not read back.
fn at_once(facts: &Facts) -> Step {
    match (facts.end_asked, facts.mode, facts.old) {
        (false, Mode::Overlap, _) => Step::Revoke,
        (false, Mode::Replace, _) => Step::Set,
        (true, _, Death::Alive) => Step::OldAlive,
        (true, ..) => Step::ProveDead,
    }
}

/// From here on every step has the new secret in hand, opened from paper.
fn after_paper(facts: &Facts) -> Step {
    if facts.recorded {
        return Step::Done;
    }
    match (facts.mode, facts.opened_valid) {
        (_, None) => return Step::ProveNew,
        (Mode::Overlap, Some(false)) => return Step::NewRefused,
        // not yet in the place of the old one, whose secret changes it
        (Mode::Replace, Some(false)) if !facts.old_in_hand => return Step::OpenOld,
        (Mode::Replace, Some(false)) if facts.end_asked => return Step::NewRefused,
        (Mode::Replace, Some(false)) => return Step::Set,
        (_, Some(true)) if facts.first => return Step::Done,
        (_, Some(true)) => {}
    }
    if !facts.old_in_hand {
        // its own sheets say which credential that is, and whether it still works: no record does
        return Step::OpenOld;
    }
    if facts.mode == Mode::Overlap && !facts.end_asked {
        return Step::Revoke;
    }
    match facts.old {
        Death::Alive => Step::OldAlive,
        Death::Unknown => Step::ProveDead,
        Death::Dead if !facts.reported => Step::Report,
        Death::Dead => Step::Record,
    }
}

/// Returns every step that is still to come when all goes well, the end included.
pub fn ahead(mut facts: Facts) -> Vec<Step> {
    let mut steps = Vec::new();
    loop {
        let step = next(&facts);
        steps.push(step);
        // a plan that comes back to where it was would be a fault of this file
        if step.is_end() || steps.len() > 30 {
            return steps;
        }
        assume(&mut facts, step);
    }
}

/// Takes it that a step went well.
fn assume(facts: &mut Facts, step: Step) {
    match step {
        Step::OpenOld => facts.old_in_hand = true,
        Step::ProveOld => facts.old_let_in = true,
        Step::Survey => facts.surveyed = true,
        Step::Make => facts.made = true,
        Step::ProveMade => facts.made_valid = true,
        Step::Deal => {
            facts.successor = Successor::Fresh;
            facts.made = facts.at_once;
        }
        Step::Void => facts.successor = Successor::None,
        Step::OpenNew => {
            facts.opened = true;
            facts.made = false;
            facts.successor = Successor::Confirmed;
        }
        Step::ProveNew => {
            // where the new one replaces the old, it is let in only afterwards
            facts.opened_valid = Some(facts.mode == Mode::Overlap || facts.end_asked);
        }
        Step::Set => {
            facts.end_asked = true;
            facts.opened_valid = None;
        }
        // the new one is tried once more: a platform may have ended the wrong one
        Step::Revoke => (facts.end_asked, facts.opened_valid) = (true, None),
        Step::ProveDead => facts.old = Death::Dead,
        Step::Report => facts.reported = true,
        Step::Record => facts.recorded = true,
        Step::Done | Step::NewRefused | Step::OldAlive => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh(mode: Mode) -> Facts {
        Facts::new(mode, false, Successor::None)
    }

    #[test]
    fn a_run_that_is_not_interrupted() {
        use Step::{Deal, Done, Make, OpenNew, OpenOld, ProveDead, ProveMade, ProveNew, ProveOld};
        use Step::{Record, Report, Revoke, Set, Survey};
        let overlap = [
            OpenOld, ProveOld, Survey, Make, ProveMade, Deal, OpenNew, ProveNew, Revoke, ProveNew,
            ProveDead, Report, Record, Done,
        ];
        assert_eq!(ahead(fresh(Mode::Overlap)), overlap);
        let replace = [
            OpenOld, ProveOld, Make, Deal, OpenNew, ProveNew, Set, ProveNew, ProveDead, Report,
            Record, Done,
        ];
        assert_eq!(ahead(fresh(Mode::Replace)), replace);
    }

    /// Every combination of what can be known, believed or not.
    fn all_facts() -> impl Iterator<Item = Facts> {
        let modes = [Mode::Overlap, Mode::Replace];
        let successors =
            [Successor::None, Successor::HalfMade, Successor::Fresh, Successor::Confirmed];
        let deaths = [Death::Unknown, Death::Dead, Death::Alive];
        let known = modes.into_iter().flat_map(move |mode| {
            let each = successors.into_iter();
            each.flat_map(move |s| deaths.into_iter().map(move |old| (mode, s, old)))
        });
        known.flat_map(|(mode, successor, old)| {
            (0..1_u32 << 13).map(move |bits| {
                let bit = |n: u32| bits & (1 << n) != 0;
                Facts {
                    mode,
                    first: bit(0),
                    at_once: bit(1),
                    successor,
                    old_in_hand: bit(2),
                    old_let_in: bit(3),
                    surveyed: bit(4),
                    made: bit(5),
                    made_valid: bit(6),
                    opened: bit(7),
                    opened_valid: if bit(8) { Some(bit(9)) } else { None },
                    end_asked: bit(10),
                    old,
                    reported: bit(11),
                    recorded: bit(12),
                }
            })
        })
    }

    #[test]
    fn nothing_ends_before_the_new_secret_came_from_paper_in_this_run() {
        let mut seen = 0;
        for facts in all_facts() {
            // what somebody knows ends at once, and only while its successor is in memory and freshly written
            let early = facts.at_once && facts.made && facts.successor == Successor::Fresh;
            match next(&facts) {
                Step::Revoke | Step::Set if early => {}
                Step::Revoke => {
                    assert!(facts.opened && facts.opened_valid == Some(true), "{facts:?}");
                    // and which one it is, its own paper has said
                    assert!(facts.old_in_hand && !facts.first, "{facts:?}");
                }
                Step::Set => assert!(facts.opened && facts.old_in_hand, "{facts:?}"),
                Step::Record => {
                    assert!(facts.old == Death::Dead && facts.old_in_hand, "{facts:?}");
                    assert!(facts.opened && facts.opened_valid == Some(true), "{facts:?}");
                }
                Step::Void => assert!(facts.old_let_in || facts.first, "{facts:?}"),
                Step::Make => {
                    assert!(facts.first || facts.old_in_hand && facts.old_let_in, "{facts:?}");
                }
                _ => continue,
            }
            seen += 1;
        }
        assert!(seen > 1000, "the test no longer sees anything");
    }

    #[test]
    fn every_run_comes_to_an_end() {
        for facts in all_facts() {
            let steps = ahead(facts);
            assert!(steps.last().is_some_and(|step| step.is_end()), "{facts:?}: {steps:?}");
        }
    }

    #[test]
    fn a_run_that_died_goes_on_where_it_has_to() {
        use Step::{OpenNew, OpenOld, ProveDead, ProveNew, ProveOld, Revoke, Set, Survey, Void};
        let mut half = fresh(Mode::Overlap);
        half.successor = Successor::HalfMade;
        assert_eq!(ahead(half)[..4], [OpenOld, ProveOld, Void, Survey]);
        let mut confirmed = fresh(Mode::Overlap);
        confirmed.successor = Successor::Confirmed;
        let steps = ahead(confirmed);
        assert_eq!(steps[..6], [OpenNew, ProveNew, OpenOld, Revoke, ProveNew, ProveDead]);
        let mut confirmed = fresh(Mode::Replace);
        confirmed.successor = Successor::Confirmed;
        assert_eq!(ahead(confirmed)[..4], [OpenNew, ProveNew, OpenOld, Set]);
    }

    #[test]
    fn the_first_credential_has_nothing_to_retire() {
        use Step::{Deal, Done, Make, OpenNew, ProveMade, ProveNew, Survey};
        let first = ahead(Facts::new(Mode::Overlap, true, Successor::None));
        assert_eq!(first, [Survey, Make, ProveMade, Deal, OpenNew, ProveNew, Done]);
    }

    #[test]
    fn what_somebody_knows_ends_as_soon_as_the_new_one_is_written() {
        use Step::{Deal, Done, Make, OpenNew, OpenOld, ProveDead, ProveMade, ProveNew, ProveOld};
        use Step::{Record, Report, Revoke, Set, Survey};
        let at_once = |mode| ahead(Facts { at_once: true, ..fresh(mode) });
        let overlap = [
            OpenOld, ProveOld, Survey, Make, ProveMade, Deal, Revoke, ProveDead, OpenNew, ProveNew,
            Report, Record, Done,
        ];
        assert_eq!(at_once(Mode::Overlap), overlap);
        let replace = [
            OpenOld, ProveOld, Make, Deal, Set, ProveDead, OpenNew, ProveNew, Report, Record, Done,
        ];
        assert_eq!(at_once(Mode::Replace), replace);
        // a run that goes on with sheets of an earlier one does it in the common order
        let mut later = fresh(Mode::Overlap);
        (later.at_once, later.successor) = (true, Successor::Confirmed);
        assert_eq!(ahead(later)[..4], [OpenNew, ProveNew, OpenOld, Revoke]);
    }

    #[test]
    fn what_is_alive_or_refused_is_an_end() {
        let mut facts = fresh(Mode::Overlap);
        facts.successor = Successor::Confirmed;
        (facts.opened, facts.opened_valid) = (true, Some(false));
        assert_eq!(next(&facts), Step::NewRefused);
        facts.old_in_hand = true;
        (facts.opened_valid, facts.end_asked, facts.old) = (Some(true), true, Death::Alive);
        assert_eq!(next(&facts), Step::OldAlive);
    }
}
