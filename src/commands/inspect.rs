//! `inspect`: what is on a page or in a file, without opening anything and without showing a share.

use serde_json::{Value, json};

use super::Context;
use super::intake::{self, Look};
use super::locks;
use crate::cli::Inspect;
use crate::codes::code::{Code, CodeKind};
use crate::codes::payload::{self, Payload};
use crate::exit::Exit;
use crate::logbook::hex;
use crate::opening::{Codes, Note, Pile};
use crate::scan::{Overlay, PageProblem, Pass};
use crate::set::{Manifest, SheetId, sha256};
use crate::ui::{Failure, Ui};

/// A sheet that ordinary readers cannot read any more will not get better.
const WORN: &str = "\nCodes that are mended or merged can no longer be read by ordinary means. If the picture is good, \
                    the paper is worn: tell the owner of the method.";

pub(super) fn run(context: &Context, args: &Inspect) -> Result<Exit, Failure> {
    let ui = &context.ui;
    let mut pile = Pile::default();
    let mut overlay = Overlay::default();
    let mut documents = Vec::new();
    let (mut bad, mut worn) = (0, false);
    let paths = intake::expand(ui, &args.files)?;
    intake::each_read(context, &paths, |path, reading| {
        let before = pile.all().count();
        let name = path.display().to_string();
        let looks = match reading {
            Ok(reading) => intake::put(&mut pile, &mut overlay, &name, reading),
            Err(failure) => {
                bad += 1;
                ui.warn(&failure.message);
                documents.push(json!({ "file": name, "error": failure.message }));
                return;
            }
        };
        for look in &looks {
            // a text's payloads may have come together over several lines
            let typed: Vec<&Payload> = if look.page == 0 {
                pile.all().skip(before).map(|(payload, _)| payload).collect()
            } else {
                Vec::new()
            };
            worn |= look.codes.iter().any(|code| matches!(code.pass, Pass::Placed | Pass::Merged));
            bad += usize::from(look.problem.is_some_and(|problem| problem != PageProblem::Blank));
            let (page, lines) = describe(look, &typed);
            if !args.json {
                let found = match (lines.is_empty(), look.unread) {
                    (true, true) => ": codes that are too damaged to be read alone",
                    (true, false) => ": nothing of ours could be read",
                    _ => "",
                };
                ui.data(&format!("{}{found}", look.origin));
                for line in &lines {
                    ui.data(&format!("  {line}"));
                }
                if let Some(problem) = look.problem {
                    ui.warn(&format!("{} {problem}", look.origin));
                }
                for (origin, note) in &look.notes {
                    if let Some(words) = intake::in_words(note) {
                        ui.warn(&format!("{origin}: {words}"));
                    }
                }
            }
            documents.push(page);
        }
    });
    let locks = if args.unlock { try_locks(ui, args, &pile)? } else { Vec::new() };
    let closed = locks.iter().any(|lock| !lock.holds());
    if args.json {
        let mut document = json!({ "version": 1, "pages": documents });
        if args.unlock {
            document["locks"] = locks.iter().map(Tried::json).collect();
        }
        ui.data(&document.to_string());
    } else {
        describe_sets(context, &pile);
        for lock in &locks {
            ui.data(&format!(
                "\nLocked share {}, set {}: {}",
                lock.sheet,
                lock.set,
                lock.in_words()
            ));
        }
        if worn {
            ui.say(WORN);
        }
        if locks.iter().any(|lock| lock.opens) {
            ui.say("\nNothing but locks was opened, and nothing of the secret was shown.");
        } else if !pile.is_empty() {
            ui.say("\nNothing was opened, and nothing of the secret was shown.");
        }
    }
    let nothing_to_try = args.unlock && locks.is_empty();
    Ok(match (pile.is_empty() || bad > 0 || nothing_to_try, closed) {
        (true, _) => Exit::Invalid,
        (false, true) => Exit::No,
        (false, false) => Exit::Done,
    })
}

/// A lock that was tried, by its holder alone.
struct Tried {
    sheet: SheetId,
    set: Code,
    opens: bool,
    /// Whether what is in it fits the manifest; unknown where that was not read.
    fits: Option<bool>,
}

impl Tried {
    fn holds(&self) -> bool {
        self.opens && self.fits != Some(false)
    }

    fn in_words(&self) -> &'static str {
        match (self.opens, self.fits) {
            (false, _) => "its lock was not opened by what was tried",
            (true, Some(true)) => "its lock opens, and the share in it fits the manifest",
            (true, Some(false)) => {
                "its lock opens, but the share in it does not fit the manifest: forged or altered"
            }
            (true, None) => "its lock opens; scan leaf 1 too to hold it against the manifest",
        }
    }

    fn json(&self) -> Value {
        json!({
            "sheet": self.sheet.to_string(),
            "set": self.set.to_string(),
            "opens": self.opens,
            "fits": self.fits,
        })
    }
}

/// Tries every locked sheet with the keys given, or asks its holder. One sheet opens nothing but its own lock.
fn try_locks(ui: &Ui, args: &Inspect, pile: &Pile) -> Result<Vec<Tried>, Failure> {
    let keys = locks::read_keys(ui, &args.identity)?;
    let mut codes = Codes::default();
    let mut all = Vec::new();
    for (locked, _) in pile.locked() {
        let share = match locks::try_keys(locked, &keys) {
            Ok(None) if ui.can_ask() && args.identity.is_empty() => locks::ask(ui, locked, None)?,
            Ok(share) => share,
            Err(error) => {
                ui.warn(&format!("sheet {}: {error}", locked.sheet));
                None
            }
        };
        let mut manifests = pile.manifests().map(|(manifest, _)| manifest);
        let manifest =
            manifests.find(|m| codes.of(m).is_some_and(|code| code.bytes() == locked.set));
        let fits = share.as_ref().and_then(|share| Some(manifest?.commits_to(&share.share)));
        let set = Code::from_bytes(CodeKind::Set, locked.set);
        all.push(Tried { sheet: locked.sheet, set, opens: share.is_some(), fits });
    }
    if all.is_empty() {
        ui.warn("no locked share was read");
    }
    Ok(all)
}

/// Returns a page as JSON and as lines.
fn describe(look: &Look, typed: &[&Payload]) -> (Value, Vec<String>) {
    let mut found = Vec::new();
    let mut lines = Vec::new();
    let mut add = |payload: &Payload, how: &str| {
        let text = payload.text();
        let digest = hex(&sha256(&[text.as_bytes()]));
        let (set, sheet, part) = belongs(payload);
        let what = match (&sheet, part) {
            (Some(sheet), _) => format!("{} {sheet}", payload.kind().word()),
            (_, Some(part)) => format!("{} part {part}", payload.kind().word()),
            _ => payload.kind().word().to_owned(),
        };
        let of = set.as_ref().map(|set| format!(", set {set}")).unwrap_or_default();
        let ease = match how {
            "plain" => "reads at once".to_owned(),
            "text" => "from text".to_owned(),
            "placed" => "reads with effort: mended by place".to_owned(),
            "merged" => "reads with effort: merged over sheets".to_owned(),
            effort => format!("reads with effort: {effort}"),
        };
        lines.push(format!("{what}{of}  ({ease})"));
        found.push(json!({
            "kind": payload.kind().letter().to_string(),
            "set": set,
            "sheet": sheet,
            "part": part,
            "read": how,
            "sha256": digest,
        }));
    };
    // where a code lies decides which is read first, and says nothing to anybody
    let read = look.codes.iter().flat_map(|code| {
        let payloads = payload::parse_each(&code.text).unwrap_or_default();
        payloads.into_iter().flatten().map(|payload| (payload, code.pass.to_string()))
    });
    let mut read: Vec<(Payload, String)> = read.collect();
    read.sort_by_key(|(payload, _)| (payload.kind().place(), belongs(payload)));
    for (payload, how) in &read {
        add(payload, how);
    }
    for payload in typed {
        add(payload, "text");
    }
    let problems: Vec<String> = look
        .notes
        .iter()
        .filter_map(|(origin, note)| match note {
            Note::Problem(_) | Note::Ask { .. } => {
                Some(format!("{origin}: {}", intake::in_words(note)?))
            }
            Note::New(..) | Note::Mended { .. } => None,
        })
        .chain(look.problem.map(|problem| problem.to_string()))
        .collect();
    let page = (look.page > 0).then_some(look.page);
    let json =
        json!({ "file": look.origin.file, "page": page, "found": found, "problems": problems });
    (json, lines)
}

/// Returns set code, sheet and part (from 1) as far as the payload says them.
fn belongs(payload: &Payload) -> (Option<String>, Option<String>, Option<u32>) {
    let set = |bytes| Some(Code::from_bytes(CodeKind::Set, bytes).to_string());
    match payload {
        Payload::Share(share) => (set(share.set), Some(share.id().to_string()), None),
        Payload::Locked(locked) => (set(locked.set), Some(locked.sheet.to_string()), None),
        Payload::Sealed(part) => (set(part.set), None, Some(u32::from(part.index) + 1)),
        Payload::Record(part) => (None, None, Some(u32::from(part.part) + 1)),
        Payload::Manifest(manifest) => {
            (Some(Code::stretch(CodeKind::Set, &manifest.hash()).to_string()), None, None)
        }
    }
}

fn describe_sets(context: &Context, pile: &Pile) {
    for (manifest, _) in pile.manifests() {
        let code = Code::stretch(CodeKind::Set, &manifest.hash());
        context.ui.data("");
        context.ui.data(&format!("Set {code}"));
        for (label, value) in about(manifest) {
            context.ui.data(&format!("  {label:<12}{value}"));
        }
    }
}

fn about(manifest: &Manifest) -> Vec<(&'static str, String)> {
    let utc = |seconds| crate::clock::Instant::from_unix(seconds).utc();
    let threshold = manifest.threshold;
    let expires = manifest.expires.map_or("never, as far as the platform goes".to_owned(), utc);
    let all = vec![
        ("method", manifest.method.clone()),
        ("scope", manifest.scope.clone()),
        ("key id", manifest.credential_id.clone()),
        ("generation", manifest.generation.to_string()),
        ("opened by", format!("any {} of {} different shares", threshold.k(), threshold.n())),
        ("made", utc(manifest.created)),
        ("expires", expires),
        ("uses", manifest.uses.codes().join(", ")),
        ("session", format!("at most {}", crate::dealing::minutes(manifest.max_session))),
        ("revoke", format!("within {} h", manifest.revoke_within)),
        ("sealed", format!("{} bytes in {} part(s)", manifest.sealed_len, manifest.parts())),
    ];
    all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}
