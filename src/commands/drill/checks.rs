//! What is asked in a drill: the printed checklist and the program ask it from here.

/// A question that is answered with yes, no, or not at all.
pub(in crate::commands) struct Check {
    /// A word for the record.
    pub(in crate::commands) key: &'static str,
    /// The question. Yes is as it should be.
    pub(in crate::commands) question: &'static str,
    /// The kinds of drills that ask it.
    pub(in crate::commands) kinds: &'static [&'static str],
}

/// Everything that is asked, in the order in which it happens.
pub(in crate::commands) const CHECKS: [Check; 10] = [
    Check {
        key: "phones",
        question: "Were all phone numbers and deputies right?",
        kinds: &["call", "dry", "wet"],
    },
    Check {
        key: "newcomer",
        question: "Did somebody lead it who had never done it?",
        kinds: &["call", "dry", "wet"],
    },
    Check {
        key: "box",
        question: "Was everything in the box, and did it work?",
        kinds: &["dry", "wet"],
    },
    Check {
        key: "bags",
        question: "Was every bag whole, its number as in the book?",
        kinds: &["dry", "wet"],
    },
    Check { key: "card", question: "Did it go as the operator card says?", kinds: &["dry", "wet"] },
    Check { key: "login", question: "Did the login work?", kinds: &["wet"] },
    Check {
        key: "scope",
        question: "Could the operator do what the card promises?",
        kinds: &["wet"],
    },
    Check {
        key: "alert",
        question: "Did whoever watches the platform see it and call?",
        kinds: &["wet"],
    },
    Check { key: "cleaned", question: "Was everything cleaned up afterwards?", kinds: &["wet"] },
    Check {
        key: "rebagged",
        question: "Was there a new bag for every sheet, and the book at hand?",
        kinds: &["dry", "wet"],
    },
];

/// Returns what is asked in a drill of one kind.
pub(in crate::commands) fn of(kind: &str) -> impl Iterator<Item = &'static Check> {
    CHECKS.iter().filter(move |check| check.kinds.contains(&kind))
}
