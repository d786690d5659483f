//! One line is said about each sheet that came in, and what is wrong with a page.

use std::time::Instant;

use super::Gathering;
use crate::commands::intake::{self, Look};
use crate::commands::words::{other_set, verdict_in_words, with_holder};
use crate::method::Method;
use crate::opening::{Case, Group, SheetVerdict, Verdict};
use crate::scan::PageProblem;

impl Gathering<'_> {
    /// Says what is wrong with one page; `ours` when another page of its file had codes.
    pub(super) fn tell_look(&mut self, look: &Look, ours: bool) {
        let ui = &self.context.ui;
        if look.problem == Some(PageProblem::Blank) {
            ui.say(&format!("  {} is blank", look.origin));
        } else if let Some(problem) = look.problem {
            ui.warn(&format!("{} {problem}", look.origin));
        } else if look.unread && look.codes.is_empty() {
            ui.warn(&format!(
                "{}: its codes are too damaged to be read alone; the other leaf, or other sheets, may help",
                look.origin
            ));
        } else if look.page > 0 && look.codes.is_empty() && ours {
            // leaves of typed lines have none
            ui.say(&format!("  {}: no code on it", look.origin));
        } else if look.page > 0 && look.codes.is_empty() {
            ui.warn(&format!(
                "{}: no code found; try a sharper picture, or type the lines of leaf 2",
                look.origin
            ));
        }
        for (origin, note) in &look.notes {
            if let Some(words) = intake::in_words(note) {
                ui.warn(&format!("{origin}: {words}"));
            }
        }
        if look.page == 0 {
            self.tell_open_lines();
        }
    }

    pub(super) fn tell_open_lines(&self) {
        let open: Vec<String> = self.pile.open_lines().iter().map(ToString::to_string).collect();
        if !open.is_empty() {
            let shown = open.iter().take(12).cloned().collect::<Vec<_>>().join(" ");
            self.context.ui.say(&format!("  lines waiting for their others: {shown}"));
        }
    }

    /// Says one line about each sheet that is new, or that turned out to be something else.
    pub(in crate::commands) fn tell_sheets(&mut self) {
        self.try_keys();
        let groups = self.groups();
        let Some(group) = groups.first() else {
            let without: Vec<SheetVerdict> = self
                .pile
                .shares()
                .map(|(share, origin)| (share.id(), share.set, origin))
                .chain(
                    self.pile.locked().map(|(locked, origin)| (locked.sheet, locked.set, origin)),
                )
                .map(|(sheet, set, origin)| SheetVerdict {
                    sheet,
                    set,
                    origin: origin.clone(),
                    verdict: Verdict::NoManifest,
                })
                .collect();
            for sheet in without {
                if self.is_news(&sheet) {
                    let words = verdict_in_words(sheet.verdict);
                    self.context.ui.say(&format!("  {} ({}): {words}", sheet.sheet, sheet.origin));
                }
            }
            return;
        };
        let case = self.examine(group);
        let now = Instant::now();
        let have = case.good().len();
        if have > 0 {
            self.progress.first.get_or_insert(now);
        }
        if have >= usize::from(case.manifest.threshold.k()) {
            self.progress.enough.get_or_insert(now);
        }
        let method = self.dealt_method(&case);
        if let Some((_, wanted)) = self.awaited {
            for sheet in &case.sheets {
                if self.is_news(sheet) && sheet.sheet != wanted {
                    self.context.ui.say(&format!("  that is {}; {wanted} is wanted", sheet.sheet));
                }
            }
            return;
        }
        let mut count = 0;
        for sheet in &case.sheets {
            count += usize::from(sheet.verdict.counts());
            if self.is_news(sheet) {
                self.tell_sheet(sheet, &case, count, method.as_ref(), &groups);
            }
        }
        let missing = if case.missing() == 0 { case.missing_parts.clone() } else { Vec::new() };
        if missing != self.missing_told && !missing.is_empty() {
            let parts: Vec<String> = missing.iter().map(ToString::to_string).collect();
            let (parts, of) = (parts.join(", "), case.manifest.parts());
            let words = format!("  the sealed credential is still missing: part {parts} of {of}");
            self.context.ui.say(&words);
        }
        self.missing_told = missing;
    }

    /// Remembers what is said about a sheet; false when just that was said already.
    fn is_news(&mut self, sheet: &SheetVerdict) -> bool {
        let known = self.told.iter_mut().find(|told| {
            (told.sheet, told.set, &told.origin) == (sheet.sheet, sheet.set, &sheet.origin)
        });
        match known {
            Some(told) if told.verdict == sheet.verdict => false,
            Some(told) => {
                told.verdict = sheet.verdict;
                true
            }
            None => {
                self.told.push(sheet.clone());
                true
            }
        }
    }

    fn tell_sheet(
        &self,
        sheet: &SheetVerdict,
        case: &Case,
        count: usize,
        method: Option<&Method>,
        groups: &[Group],
    ) {
        let ui = &self.context.ui;
        let k = case.manifest.threshold.k();
        let who = with_holder(method, sheet.sheet);
        let words = verdict_in_words(sheet.verdict);
        match sheet.verdict {
            Verdict::Good if count > k.into() => ui.say(&format!("  extra: {who}")),
            Verdict::Good => ui.say(&format!("  {count} of {k}: {who}")),
            Verdict::SameNumber | Verdict::Locked => ui.say(&format!("  {who}: {words}")),
            Verdict::OtherSet => ui.warn(&other_set(sheet, groups)),
            verdict => {
                if verdict.counts() {
                    ui.say(&format!("  {count} of {k}: {who}"));
                }
                ui.warn(&format!("a sheet that says {} ({}) {words}", sheet.sheet, sheet.origin));
            }
        }
    }
}
