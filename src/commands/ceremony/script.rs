//! What is done in a ceremony, step by step: the printed script and the program say it from here.

use crate::method::Method;

/// A step that the program leads through, or that it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::commands) enum Place {
    /// Who is here.
    RollCall,
    /// The room, and the machine.
    Room,
    /// The program is the right one.
    Program,
    /// The clock.
    Clock,
    /// The old sheets are brought and opened.
    OldSheets,
    /// The platform makes the next credential, or is asked how things stand.
    Platform,
    /// The credential is sealed and the sheets are laid out.
    Deal,
    /// The codes go into the paper book.
    Book,
    /// One sheet is printed.
    Print,
    /// It is scanned back.
    Scan,
    /// It goes into its bag.
    Bag,
    /// The set is opened from the scans.
    Confirm,
    /// The old credential ends.
    Revoke,
    /// Nothing is left behind.
    CleanUp,
    /// Everybody signs.
    Sign,
}

/// One step.
#[derive(Clone, Debug)]
pub(in crate::commands) struct Step {
    /// Where it stands.
    pub(in crate::commands) place: Place,
    /// Who does it.
    pub(in crate::commands) who: &'static str,
    /// What is done; read aloud.
    pub(in crate::commands) words: String,
    /// What is to be seen then.
    pub(in crate::commands) see: String,
}

/// Which ceremony.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::commands) enum Kind {
    /// `split`: a set is dealt.
    Issue,
    /// `rotate`: the next one is dealt, then the last credential ends.
    Rotation,
}

/// A step as it is written down: in which ceremony, `None` in both; `{k}` and `{needed}` are numbers of sheets.
struct Line(Place, Option<Kind>, &'static str, &'static str, &'static str);

const ISSUE: Option<Kind> = Some(Kind::Issue);
const ROTATION: Option<Kind> = Some(Kind::Rotation);

/// Every step, in order.
const LINES: [Line; 19] = [
    Line(
        Place::RollCall,
        None,
        "lead",
        "Each one says name and company id. The witness holds no sheet. Who is not here gets a sheet later, made from the others: `reissue`.",
        "the names on the screen",
    ),
    Line(
        Place::Room,
        ISSUE,
        "operator",
        "Cameras and phones stay outside. The printer is on no network. Network cable out, Wi-Fi off, until the end.",
        "no network on the screen",
    ),
    Line(
        Place::Room,
        ROTATION,
        "operator",
        "Cameras and phones stay outside. The printer is on no network. Network cable out, Wi-Fi off, until the program asks for it.",
        "no network on the screen",
    ),
    Line(
        Place::Program,
        None,
        "operator, witness",
        "One reads the SHA-256 from the screen, the other compares it with the head of this script.",
        "the same signs",
    ),
    Line(
        Place::Clock,
        None,
        "lead",
        "Two watches, read aloud, with their zone.",
        "the screen agrees",
    ),
    Line(
        Place::OldSheets,
        ROTATION,
        "custodians",
        "{k} of the old bags: seal whole, number as in the book? Line in the book, then open and scan.",
        "\"{k} of {k}\", and the set code as in the book",
    ),
    Line(
        Place::Platform,
        ROTATION,
        "operator",
        "Network on and off as the program asks. It tries the old credential, looks for others, and makes the next one.",
        "what it says, read aloud",
    ),
    Line(
        Place::Deal,
        ISSUE,
        "operator",
        "The credential is typed, unseen by others, or made. It is sealed, and every page laid out and read back.",
        "\"every page reads back\"",
    ),
    Line(
        Place::Deal,
        ROTATION,
        "operator",
        "Network OFF. The credential is sealed, and every page laid out and read back.",
        "\"every page reads back\"",
    ),
    Line(
        Place::Book,
        None,
        "witness",
        "Writes set code and check code into the paper book, reads them back aloud.",
        "the operator nods at every group",
    ),
    Line(
        Place::Print,
        None,
        "holder, alone",
        "All others three steps back. Prints the own sheet at full size, one-sided, and takes all its leaves.",
        "every leaf with the own number, nothing else in the tray",
    ),
    Line(
        Place::Scan,
        None,
        "holder",
        "Scans every leaf. Nobody photographs them.",
        "the own number, \"reads\"",
    ),
    Line(
        Place::Bag,
        None,
        "holder, witness",
        "Folds them, codes inwards, into the bag, and seals it. Reads bag and seal aloud; both initial the table.",
        "both numbers on the screen",
    ),
    Line(
        Place::Confirm,
        None,
        "operator",
        "From {needed} sheets on: the set code is typed from the book, and the set opened once from the scans.",
        "\"Opens\", and the CONFIRM line for the book",
    ),
    Line(
        Place::Revoke,
        ROTATION,
        "operator",
        "Network on. The new credential is tried; then the old one is ended, tried once more, and the platform asked.",
        "the old one is refused",
    ),
    Line(
        Place::CleanUp,
        ISSUE,
        "operator, witness",
        "Files and scans of the sheets are deleted, the printer is switched off and on, misprints are shredded.",
        "an empty folder",
    ),
    Line(
        Place::CleanUp,
        ROTATION,
        "operator, witness",
        "Files and scans of the sheets are deleted, the printer is switched off and on, misprints are shredded. Old sheets are collected.",
        "an empty folder",
    ),
    Line(
        Place::Sign,
        ISSUE,
        "all",
        "What went otherwise is read aloud. Everybody signs. Each bag goes to its safe the same day; each holder reports it.",
        "no line is empty",
    ),
    Line(
        Place::Sign,
        ROTATION,
        "all",
        "What went otherwise is read aloud. Everybody signs, also for the old sheets. Each bag goes to its safe the same day.",
        "no line is empty",
    ),
];

/// Returns the steps of a ceremony; the first has the number 1.
pub(in crate::commands) fn steps(kind: Kind, method: &Method) -> Vec<Step> {
    let (k, needed) = (method.threshold.k(), method.threshold.to_confirm());
    let filled =
        |text: &str| text.replace("{k}", &k.to_string()).replace("{needed}", &needed.to_string());
    let lines = LINES.iter().filter(|line| line.1.is_none_or(|of| of == kind));
    let step = |Line(place, _, who, words, see): &Line| Step {
        place: *place,
        who,
        words: filled(words),
        see: filled(see),
    };
    lines.map(step).collect()
}

/// Returns the number that a step has in the printed script.
pub(in crate::commands) fn number(steps: &[Step], place: Place) -> usize {
    steps.iter().position(|step| step.place == place).map_or(0, |at| at + 1)
}
