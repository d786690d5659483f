//! Ink, kit, agreement: which set the sheets are judged by.

use super::gather::Gathering;
use super::objection::Objection;
use super::words::show_groups;
use crate::cli::Ink;
use crate::codes::Code;
use crate::codes::code::CodeKind;
use crate::opening::Group;
use crate::ui::{Failure, Ui};

/// What the trust order decided on.
pub(super) struct Chosen {
    pub(super) group: Group,
    /// Whether the code in the paper book says so.
    pub(super) by_ink: bool,
    /// What speaks against it.
    pub(super) objections: Vec<Objection>,
}

/// Ink, kit, agreement: decides which set the sheets are to be judged by.
pub(super) fn choose(
    gathering: &mut Gathering<'_>,
    args: &Ink,
    groups: &[Group],
) -> Result<Chosen, Failure> {
    let context = gathering.context;
    let ui = &context.ui;
    let mut disagreed: Option<Code> = None;
    let mut typed = args.set_code.clone();
    if !args.no_book {
        loop {
            let text = match typed.take() {
                Some(text) => text,
                None => ui.ask(
                    "Set code in the paper book (or `no book`): ",
                    "`--set-code CODE` or `--no-book`",
                )?,
            };
            if text.eq_ignore_ascii_case("no book") {
                break;
            }
            if let Some(mut group) = by_ink(ui, &text, groups)? {
                // the ink decides whose locks are asked for
                while gathering.enough.is_none()
                    && !gathering.examine(&group).is_complete()
                    && gathering.ask_to_unlock_of(&group)?
                {
                    let code = group.code;
                    group =
                        gathering.groups().into_iter().find(|g| g.code == code).unwrap_or(group);
                }
                let (have, k) = (group.numbers.len(), group.manifest.threshold.k());
                let opens = gathering.enough.is_none();
                if opens && ui.can_ask() && !gathering.examine(&group).is_complete() {
                    let generation = group.manifest.generation;
                    ui.must_say(&format!(
                        "That code is of generation {generation}, of which {have} of {k} shares are here.\n\
                         Read the newest line of the book again, or press Ctrl-C and bring more sheets."
                    ));
                    continue;
                }
                let objections = Vec::new();
                return Ok(Chosen { group, by_ink: true, objections });
            }
            disagreed = Code::parse(CodeKind::Set, &text).ok();
            // not in full: whoever reads it here could copy it instead of reading the book
            let codes: Vec<String> =
                groups.iter().map(|g| format!("{}-…", g.code.short())).collect();
            let message = match Code::parse(CodeKind::Set, &text) {
                Err(error) => format!("the set code is not one: {error}"),
                Ok(code) => {
                    format!("the paper book says {code}, the sheets say {}", codes.join(" or "))
                }
            };
            if args.set_code.is_some() && !ui.can_ask() {
                return Err(Failure::invalid(message)
                    .hint("the ink cannot be overridden; without the book the way is `--no-book`, and it is recorded"));
            }
            ui.must_say(&format!(
                "{message}\nRead the line again, or type `no book` (it is recorded)."
            ));
        }
    }
    let in_kit = groups.iter().filter(|g| g.in_kit).max_by_key(|g| g.manifest.generation);
    let group = match (in_kit, groups) {
        (Some(group), _) | (None, [group]) => group.clone(),
        (None, _) => {
            show_groups(ui, groups);
            return Err(Failure::invalid(
                "the sheets disagree, and neither ink nor kit can tell which are right",
            )
            .hint("find the set code in the paper book and give it with `--set-code CODE`"));
        }
    };
    let ink =
        disagreed.map(|code| format!(" although the book was read as {code}")).unwrap_or_default();
    let words = format!("no ink: nobody has compared {} with the paper book{ink}", group.code);
    ui.must_say("");
    ui.must_say(&Ui::strong(&format!("NO INK. The sheets say {}", group.code)));
    let objections = vec![Objection { kind: "no ink", words }];
    Ok(Chosen { group, by_ink: false, objections })
}

/// Finds the set that the ink names; a slip of one sign is asked about.
fn by_ink(ui: &Ui, text: &str, groups: &[Group]) -> Result<Option<Group>, Failure> {
    for group in groups {
        match group.code.slips(text) {
            Some(0) => return Ok(Some(group.clone())),
            Some(1) if ui.can_ask() => {
                ui.must_say(&format!(
                    "One sign differs from the sheets. Does the book say {}?",
                    group.code
                ));
                let again =
                    ui.ask("y, or the whole code as the book has it: ", "`--set-code CODE`")?;
                if matches!(again.to_ascii_lowercase().as_str(), "y" | "yes")
                    || group.code.slips(&again) == Some(0)
                {
                    return Ok(Some(group.clone()));
                }
            }
            _ => {}
        }
    }
    Ok(None)
}
