//! What is left behind after the credential was used: looked for, shown by file and line, taken away if the operator says so.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::commands::Context;
use crate::session::index::Pieces;
use crate::session::traces::{self, Cure, Places, TEMPORARY, Trace};

/// What to look for, and where not.
pub(in crate::commands) struct Behind<'a> {
    pub(in crate::commands) pieces: &'a Pieces,
    /// When it was given out.
    pub(in crate::commands) since: SystemTime,
    /// Folders of our own.
    pub(in crate::commands) spared: &'a [PathBuf],
    /// The variable, with its value, that programs of the session have.
    pub(in crate::commands) variable: Option<&'a str>,
    /// Whether the credential was on the screen.
    pub(in crate::commands) was_shown: bool,
    /// Whether somebody can be asked.
    pub(in crate::commands) may_ask: bool,
}

/// Looks, tells and offers to take it away. Returns how many places are left.
pub(in crate::commands) fn look(context: &Context, behind: &Behind<'_>) -> u64 {
    let ui = &context.ui;
    for left in behind.variable.map(traces::still_running).unwrap_or_default() {
        ui.warn(&format!(
            "`{}` of this session still runs, and has what it was given: `kill {}`",
            left.name, left.process
        ));
    }
    if behind.pieces.is_empty() {
        return 0;
    }
    let found = {
        let _working = ui.working("looking for what was left behind");
        let home = std::env::var_os("HOME").map(PathBuf::from);
        let temporary = TEMPORARY.map(Path::new);
        let folder = std::env::current_dir().unwrap_or_else(|_| ".".into());
        let spared: Vec<PathBuf> = behind
            .spared
            .iter()
            .map(|path| path.canonicalize().unwrap_or_else(|_| path.clone()))
            .collect();
        let places = Places {
            home: home.as_deref(),
            temporary: &temporary,
            folder: &folder,
            since: behind.since,
            spared: &spared,
        };
        traces::search(behind.pieces, &places)
    };
    for path in &found.unread {
        ui.warn(&format!("`{}` could not be looked into", path.display()));
    }
    if found.traces.is_empty() {
        ui.must_say(&format!(
            "Nothing of the credential was left in histories, tools' folders and temporary files ({} changed since).",
            found.files
        ));
    } else {
        ui.warn("the credential was left behind:");
        for trace in &found.traces {
            ui.must_say(&format!("  {}", words(trace)));
        }
    }
    let left = take_away(context, behind, &found.traces);
    if behind.was_shown {
        ui.must_say(
            "It was on this screen: clear what scrolled away, and the clipboard if you copied it.",
        );
        if behind.may_ask
            && ui.can_ask()
            && ui.confirm("Clear the scrollback of this terminal?", "`--no-input`").unwrap_or(false)
        {
            ui.clear_scrollback();
        }
    }
    left
}

fn take_away(context: &Context, behind: &Behind<'_>, all: &[Trace]) -> u64 {
    let ui = &context.ui;
    let places = |traces: &mut dyn Iterator<Item = &Trace>| -> u64 {
        traces.map(|trace| trace.lines.len() as u64).sum()
    };
    let curable = all.iter().any(|trace| trace.cure != Cure::ByHand);
    // what is said to go is what goes
    let wanted = curable
        && behind.may_ask
        && ui.can_ask()
        && ui.confirm("Take them out?", "`--no-input`").unwrap_or(false);
    let mut left = Vec::new();
    for trace in all {
        let gone = wanted
            && traces::remove(behind.pieces, trace).unwrap_or_else(|error| {
                ui.warn(&format!("`{}`: {error}", trace.path.display()));
                false
            });
        if gone {
            let done = if trace.cure == Cure::File { "deleted" } else { "taken out of" };
            ui.must_say(&format!("  {done} `{}`", trace.path.display()));
        } else {
            left.push(trace);
        }
    }
    let count = places(&mut left.iter().copied());
    if count > 0 {
        ui.warn(&format!(
            "{count} {} left: take it out by hand, and rotate soon",
            if count == 1 { "place is" } else { "places are" }
        ));
    }
    count
}

fn words(trace: &Trace) -> String {
    let lines: Vec<String> = trace.lines.iter().take(5).map(ToString::to_string).collect();
    let more = if trace.lines.len() > 5 { ", …" } else { "" };
    let lines = format!("line {}{more}", lines.join(", "));
    let how = match trace.cure {
        Cure::Line => ": the line goes",
        Cure::File => ": the file goes, there is nothing else in it",
        Cure::ByHand => ": by hand, for there is more in it",
    };
    format!("`{}`, {lines}{how}", trace.path.display())
}
