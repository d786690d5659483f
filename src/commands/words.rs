//! What sheets are called, and what they turned out to be: the words that several verbs share.

use crate::codes::Code;
use crate::codes::code::CodeKind;
use crate::method::Method;
use crate::opening::{Group, SheetVerdict, Verdict};
use crate::set::SheetId;
use crate::ui::Ui;

/// `3b, Chen Li`, or `3b` when nobody's name is known.
pub(super) fn with_holder(method: Option<&Method>, sheet: SheetId) -> String {
    match method.and_then(|m| m.custodian(sheet)) {
        Some(custodian) => format!("{sheet}, {}", custodian.name),
        None => sheet.to_string(),
    }
}

/// Says in words what a sheet turned out to be.
pub(super) fn verdict_in_words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Good => "ok",
        Verdict::SameNumber => "same number again; it counts once",
        Verdict::NotIssued { counts: true } => {
            "counts, but the logbook never issued this sheet of paper"
        }
        Verdict::NotIssued { counts: false } => {
            "was never issued: another sheet with its number counts"
        }
        Verdict::Forged => "does not fit the manifest: forged or altered",
        Verdict::OtherSet => "of another set",
        Verdict::NoManifest => "its manifest was not read yet",
        Verdict::Locked => "is locked",
        Verdict::BadLock => "has a lock that is no age file: altered",
    }
}

/// Names the set of a foreign sheet, and whether it is an older or a newer generation.
pub(super) fn other_set(sheet: &SheetVerdict, groups: &[Group]) -> String {
    let code = Code::from_bytes(CodeKind::Set, sheet.set);
    let first = groups.first().map(|g| (&g.manifest.method, g.manifest.generation));
    let its =
        groups.iter().find(|g| g.code == code).map(|g| (&g.manifest.method, g.manifest.generation));
    let age = match (first, its) {
        (Some((m, a)), Some((n, b))) if m == n && a != b => {
            let age = if b < a { "older" } else { "newer" };
            format!(": the {age} generation {b}")
        }
        (Some((m, _)), Some((n, _))) if m != n => format!(": of method {n}"),
        _ => String::new(),
    };
    format!(
        "a sheet that says {} ({}) is of another set, {}{age}",
        sheet.sheet,
        sheet.origin,
        code.short()
    )
}

/// Says in one line what each group of disagreeing sheets is.
pub(super) fn show_groups(ui: &Ui, groups: &[Group]) {
    ui.must_say("The sheets belong to different sets:");
    for group in groups {
        let numbers: Vec<String> = group.numbers.iter().map(ToString::to_string).collect();
        ui.must_say(&format!(
            "  {}  {} generation {}, {} of {} shares: {}",
            group.code,
            group.manifest.method,
            group.manifest.generation,
            group.numbers.len(),
            group.manifest.threshold.k(),
            numbers.join(", "),
        ));
    }
}

/// A path as a file manager drops it into a terminal: quoted, or with escaped spaces.
pub(super) fn unquoted(text: &str) -> String {
    let quotes = ['\'', '"'];
    for quote in quotes {
        if let Some(inner) = text.strip_prefix(quote).and_then(|t| t.strip_suffix(quote)) {
            return inner.to_owned();
        }
    }
    text.replace("\\ ", " ")
}
