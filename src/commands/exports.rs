//! What is still to be exported of releases: for `status`, and for the cover sheet.

use serde_json::{Value, json};

use crate::audit::case::platform_of;
use crate::audit::exports::{self, Asked, Export};
use crate::clock::Instant;
use crate::kit::Kit;
use crate::method::Method;
use crate::state::due::export_within;
use crate::state::{Release, Set, State};

/// Seconds before a release that a log has to cover, too: whoever uses it first and writes it down later.
const BEFORE: i64 = 86_400;
/// Seconds after a revocation: platforms write their logs with a delay.
const AFTER: i64 = 3600;

/// The files to be made for one release.
pub(super) struct Wanted {
    pub(super) generation: u32,
    pub(super) release: Release,
    /// When the credential was revoked, if it was.
    pub(super) revoked: Option<Instant>,
    pub(super) window: (Instant, Instant),
    /// When the platform forgets, and why then.
    pub(super) forgets: (Instant, &'static str),
    pub(super) files: Vec<Export>,
}

/// Returns what is to be exported for a release.
fn wanted(method: &Method, set: &Set, release: &Release, now: Instant) -> Wanted {
    let none = std::collections::BTreeMap::new();
    let platform = platform_of(method);
    let (days, why) = exports::keeps(platform);
    let revoked = set.revoked.map(|(_, at)| at);
    let window = (release.at.shifted(-BEFORE), revoked.unwrap_or(now).shifted(AFTER));
    let asked = Asked {
        platform,
        target: method.rotation.as_ref().map_or(&none, |rotation| &rotation.target),
        credential: &set.credential,
        record: release.record,
        window,
    };
    Wanted {
        generation: set.generation,
        release: release.clone(),
        revoked,
        window,
        forgets: (release.at.shifted(i64::from(days) * 86_400), why),
        files: exports::of(&asked),
    }
}

/// Returns the releases whose evidence nobody has put aside yet, the oldest first: those that were revoked, and those that the
/// platform is about to forget.
pub(super) fn open(kit: &Kit, state: &State, now: Instant) -> Vec<Wanted> {
    let today = || kit.method().ok().map(|(method, _)| method);
    let mut open = Vec::new();
    for set in &state.sets {
        let since = set.revoked.map(|(_, at)| at);
        let waits =
            |r: &&Release| r.kept.is_none_or(|(_, at)| since.is_some_and(|since| at < since));
        let mut left = set.releases.iter().filter(waits).peekable();
        if left.peek().is_none() {
            continue;
        }
        if let Some(method) = kit.method_of(&set.code).or_else(today) {
            let all = left.map(|release| wanted(&method, set, release, now));
            let days = i64::from(export_within(exports::keeps(platform_of(&method)).0));
            let soon = |w: &Wanted| now > w.release.at.shifted(days * 86_400);
            open.extend(all.filter(|wanted| wanted.revoked.is_some() || soon(wanted)));
        }
    }
    open
}

impl Wanted {
    /// Says it in lines for the terminal.
    pub(super) fn lines(&self) -> Vec<String> {
        let Self { generation, release, .. } = self;
        let mut lines = vec![format!(
            "release {} of generation {generation}, before {} ({}), by somebody else than {}",
            release.record,
            self.forgets.0.date(),
            self.forgets.1,
            release.operator
        )];
        lines.push(format!("  not before {}", self.window.1.utc()));
        if self.revoked.is_none() {
            lines.push("  it is not revoked yet: export once more when it is".to_owned());
        }
        for file in &self.files {
            let time = if file.timeless { "; note the time, it is not in the file" } else { "" };
            lines.push(format!("  {} ({}{time})", file.file, file.what));
            lines.push(format!("    {}", file.command));
        }
        lines.push(format!(
            "  then: breakglass log add EVIDENCE --record {} --evidence FILE…",
            release.record
        ));
        lines
    }

    pub(super) fn json(&self) -> Value {
        let file = |file: &Export| json!({ "file": file.file, "what": file.what, "command": file.command, "timeless": file.timeless });
        json!({
            "release": self.release.record,
            "generation": self.generation,
            "before": self.forgets.0.rfc3339(),
            "why": self.forgets.1,
            "not_by": Value::from(&self.release.operator),
            "from": self.window.0.rfc3339(),
            "to": self.window.1.rfc3339(),
            "files": self.files.iter().map(file).collect::<Vec<_>>(),
        })
    }
}
