//! `session import`: what was done was recorded in another way, or a recording was cut off before it had its record.

use std::collections::BTreeMap;
use std::path::Path;

use super::Ground;
use super::show::{evidence, found, opened};
use crate::cli::SessionImport;
use crate::commands::recorder::written;
use crate::commands::{Context, ask};
use crate::exit::Exit;
use crate::files;
use crate::logbook::member::typed;
use crate::logbook::record::Session;
use crate::logbook::{Draft, hex};
use crate::session::recording::Recording;
use crate::ui::Failure;

pub(super) fn run(context: &Context, args: &SessionImport) -> Result<Exit, Failure> {
    let mut args = args.clone();
    args.file = found(context, &args.file);
    let args = &args;
    let note = args.note.as_deref().map(typed).transpose().map_err(Failure::invalid)?;
    let Some(ground) = Ground::open(context)? else {
        return Err(context.kit().err().map_or_else(Failure::interrupted, Failure::from));
    };
    let book = ground.kit.logbook();
    let name = named(ground.kit.dir(), &args.file);
    let (mut session, of_recording) = if args.file.is_dir() {
        let recording = opened(&args.file)?;
        if recording.goes_on() {
            return Err(Failure::new(
                Exit::No,
                "somebody still sits there: it is recorded when they leave",
            ));
        }
        (of_folder(&recording, name)?, recording.index.release)
    } else {
        (of_file(&args.file, name)?, None)
    };
    session.note = note;
    let mut known = BTreeMap::new();
    for entry in book.records()? {
        let entry = entry?;
        let imported = entry.imported();
        for (_, hash) in evidence(imported.as_ref().unwrap_or(&entry)) {
            known.entry(hash).or_insert(entry.seq);
        }
    }
    if let Some(record) = known.get(&session.evidence.1) {
        return Err(Failure::invalid(format!("record {record} names it already")));
    }
    let said = of_recording.and_then(|release| release.parse().ok());
    let last = |state: &crate::state::State| {
        let all = state.sets.iter().flat_map(|set| &set.releases);
        said.filter(|number| state.release(*number).is_some())
            .or_else(|| all.map(|release| release.record).max())
    };
    let Some((release, subject)) = ground.release(args.record, last)? else {
        return Err(Failure::invalid("there is no release that it could belong to")
            .hint("name it with `--record N`; `breakglass log show` lists them"));
    };
    session.release = Some(release);
    let when = ask::time(&context.ui, args.time.as_deref())?;
    let draft =
        Draft::session(when, &context.signature(), (&ground.id(), Some(&subject)), &session);
    context.ui.must_say(&format!(
        "To be recorded: `{}`, of the release of record {release}",
        args.file.display()
    ));
    written(&context.ui, &book, &[draft], &[])?;
    if !ground.kit.dir().join(&session.evidence.0).exists() {
        context.ui.say(
            "Keep the file where the auditors get it from; the logbook has its hash, not the file.",
        );
    }
    Ok(Exit::Done)
}

/// A recording without a record: it was cut off, and is whole as far as it goes.
fn of_folder(recording: &Recording, name: String) -> Result<Session, Failure> {
    let heads = recording.heads().map_err(|e| Failure::new(Exit::No, e.to_string()))?;
    let head = heads.last().copied().unwrap_or(recording.first());
    Ok(Session {
        release: None,
        kind: None,
        evidence: (name, head.hex()),
        result: "cut off",
        started: Some(recording.index.started),
        counts: None,
        note: None,
    })
}

fn of_file(path: &Path, name: String) -> Result<Session, Failure> {
    let (hash, size) = files::sha256(path)?;
    if size == 0 {
        return Err(Failure::invalid(format!("`{}` is empty", path.display())));
    }
    Ok(Session {
        release: None,
        kind: None,
        evidence: (name, hex(&hash)),
        result: "imported",
        started: None,
        counts: None,
        note: None,
    })
}

/// Returns how a record calls a file: from the kit on, where it lies in it.
fn named(kit: &Path, path: &Path) -> String {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let (kit, real) = (real(kit), real(path));
    let name = real.strip_prefix(&kit).map(Path::to_owned);
    let name = name.unwrap_or_else(|_| real.file_name().unwrap_or_default().into());
    name.display().to_string()
}
