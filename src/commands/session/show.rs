//! `session show`: verifies a recording, plays it, or writes it as text or as one cast.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::SessionShow;
use crate::commands::{Context, locks};
use crate::exit::Exit;
use crate::files::{self, FileError};
use crate::kit::Kit;
use crate::logbook::{Entry, Event};
use crate::sealing::lock::{Keys, LockError};
use crate::secret::Secret;
use crate::session::cast::{self, Code, Line};
use crate::session::player::Harmless;
use crate::session::recording::{Head, MAX_PART, Recording, RecordingError};
use crate::session::text::{Shown, Text};
use crate::ui::{Failure, Ui};

/// Longest pause that is played.
const PAUSE: f64 = 2.0;

pub(super) fn run(context: &Context, args: &SessionShow) -> Result<Exit, Failure> {
    let ui = &context.ui;
    if let Some(cast) = args.cast.as_ref().filter(|cast| cast.symlink_metadata().is_ok()) {
        return Err(FileError::Exists(cast.clone()).into());
    }
    let dir = found(context, &args.dir);
    let recording = opened(&dir)?;
    let heads = recording.heads().map_err(|e| not_whole(&e))?;
    let head = heads.last().copied().unwrap_or(recording.first());
    let known = record_of(context, &dir, &recording, &heads)?;
    let strangers = recording.strangers();
    for path in &strangers {
        ui.warn(&format!("`{}` lies in it and is no part of it", path.display()));
    }
    tell(ui, &recording, head, &known);
    let is_other = matches!(known, Known::Other { .. });
    let whole = !is_other && strangers.is_empty();
    if args.verify {
        return Ok(if whole { Exit::Done } else { Exit::No });
    }
    if is_other {
        ui.warn("what follows is NOT what was recorded");
    }
    let keys = if recording.index.recipients.is_empty() {
        Vec::new()
    } else {
        locks::read_keys(ui, &args.identity)?
    };
    if keys.is_empty() && !recording.index.recipients.is_empty() {
        let to = recording.index.recipients.iter().map(|r| crate::method::short(r));
        let message = format!("it is encrypted to {}", to.collect::<Vec<_>>().join(", "));
        return Err(Failure::invalid(message)
            .hint("open it with the key of an auditor: `-i FILE`; without one, `--verify` still checks the chain"));
    }
    let parts = Parts {
        ui,
        recording: &recording,
        heads: &heads,
        keys: &keys,
        is_other,
        has_record: matches!(known, Known::Whole(..)),
        is_cut: Cell::new(false),
    };
    match &args.cast {
        Some(path) => write_cast(ui, &parts, path)?,
        None if args.text => write_text(ui, &parts)?,
        None => play(ui, &parts)?,
    }
    Ok(if whole && !parts.is_cut.get() { Exit::Done } else { Exit::No })
}

/// Finds what was named: from here, or, as records call it, from the kit.
pub(super) fn found(context: &Context, path: &Path) -> PathBuf {
    let in_kit = context.dir.join(path);
    if !path.exists() && in_kit.exists() { in_kit } else { path.to_owned() }
}

/// Opens the folder of a recording.
pub(super) fn opened(dir: &Path) -> Result<Recording, Failure> {
    Recording::open(dir).map_err(|error| match &error {
        RecordingError::NoIndex(_) => Failure::invalid(error.to_string())
            .hint("name the folder of a recording, in a kit one of those in `sessions`"),
        RecordingError::Gap { .. } => not_whole(&error),
        _ => Failure::invalid(error.to_string()),
    })
}

fn not_whole(error: &RecordingError) -> Failure {
    Failure::new(Exit::No, error.to_string())
        .hint("it is not as it was recorded: keep it as it is, and ask who had it")
}

/// What the logbook says of a recording.
enum Known {
    /// No logbook is at hand.
    NoBook,
    /// There is a logbook, and no record.
    NoRecord,
    /// Its end is the recorded one, though it may be that of a recording that was cut off.
    Whole(u64, bool),
    /// Another end was recorded.
    Other { record: u64, longer: bool },
}

/// Finds the SESSION record of a recording in the logbook of its kit, or of the kit that one works in.
fn record_of(
    context: &Context,
    dir: &Path,
    recording: &Recording,
    heads: &[Head],
) -> Result<Known, Failure> {
    let around = dir.canonicalize().ok().and_then(|dir| Some(dir.parent()?.parent()?.to_owned()));
    let kit = around.and_then(|dir| Kit::open(&dir).ok()).or_else(|| context.kit().ok());
    let Some(book) = kit.map(|kit| kit.logbook()).filter(crate::logbook::chain::Logbook::exists)
    else {
        return Ok(Known::NoBook);
    };
    let name = dir.canonicalize().ok().and_then(|dir| Some(dir.file_name()?.to_owned()));
    let last = heads.last().copied().unwrap_or(recording.first()).hex();
    let mut known = Known::NoRecord;
    for entry in book.records()? {
        let entry = entry?;
        let imported = entry.imported();
        let inner = imported.as_ref().unwrap_or(&entry);
        for (file, hash) in evidence(inner) {
            if hash == last {
                return Ok(Known::Whole(entry.seq, inner.text("result") == "cut off"));
            }
            if Path::new(&file).file_name() == name.as_deref() {
                let longer = heads.iter().any(|head| head.hex() == hash);
                known = Known::Other { record: entry.seq, longer };
            }
        }
    }
    Ok(known)
}

/// Returns files and hashes that a SESSION record names.
pub(super) fn evidence(entry: &Entry) -> Vec<(String, String)> {
    let named = entry.members.get("evidence").filter(|_| entry.is(Event::Session));
    let pair = |file: &serde_json::Value| {
        Some((file["file"].as_str()?.to_owned(), file["sha256"].as_str()?.to_owned()))
    };
    named.and_then(|list| list.as_array()).into_iter().flatten().filter_map(pair).collect()
}

fn tell(ui: &Ui, recording: &Recording, head: Head, known: &Known) {
    let index = &recording.index;
    ui.must_say(&format!(
        "Recording of {}{}, begun {}: {} parts, each follows the one before it",
        if index.method.is_empty() { "no method" } else { &index.method },
        index.release.as_ref().map(|r| format!(", release of record {r}")).unwrap_or_default(),
        index.started.utc(),
        recording.parts()
    ));
    ui.must_say(&format!("End of the chain: {}", head.hex()));
    match known {
        Known::Whole(record, true) => ui.warn(&format!(
            "it ends as record {record} says, but it was CUT OFF: the session went on"
        )),
        Known::Whole(record, false) => ui.must_say(&format!("It is whole: record {record} says so.")),
        Known::NoBook => ui.warn("there is no logbook here that says where it ends: name its kit with `-C DIR`"),
        Known::NoRecord if recording.goes_on() => {
            ui.must_say("Somebody still sits there: no record says yet where it ends.");
        }
        Known::NoRecord => ui.warn(
            "no record names it: the session was cut off, or recorded elsewhere (`breakglass session import DIR`)",
        ),
        Known::Other { record, longer: true } => {
            ui.warn(&format!("parts were ADDED since record {record} was written"));
        }
        Known::Other { record, longer: false } => {
            ui.warn(&format!("it is NOT what record {record} says: altered, or parts are missing"));
        }
    }
}

/// The parts, and what opens them.
struct Parts<'a> {
    ui: &'a Ui,
    recording: &'a Recording,
    heads: &'a [Head],
    keys: &'a [Keys],
    /// Whether a record holds another end.
    is_other: bool,
    /// Whether a record holds its end.
    has_record: bool,
    /// Whether it was left before its last part.
    is_cut: Cell<bool>,
}

impl Parts<'_> {
    /// Goes through the lines of the cast, in order.
    fn each(&self, mut line: impl FnMut(&str) -> Result<bool, Failure>) -> Result<(), Failure> {
        for number in 1..=self.recording.parts() {
            let before = self.heads[number as usize - 1];
            let (sealed, _) = self.recording.part(number, before).map_err(|e| not_whole(&e))?;
            // what a machine wrote when its power went may be there in part
            let is_last = number == self.recording.parts();
            let may_be_torn = sealed.is_empty() || is_last || !self.has_record;
            let opened = self.open(number, sealed).and_then(|part| {
                let body = self.recording.body(number, before, part.expose());
                Ok(Secret::new(body.map_err(|e| not_whole(&e))?.to_vec()))
            });
            let body = match opened {
                Err(failure) if failure.exit == Exit::No && may_be_torn && !self.is_other => {
                    self.ui.warn(&format!(
                        "`{}` is not whole: the power went when it was written, or somebody has cut it; nothing is shown from there on",
                        self.recording.part_path(number).display()
                    ));
                    self.is_cut.set(true);
                    return Ok(());
                }
                opened => opened?,
            };
            for text in String::from_utf8_lossy(body.expose()).lines() {
                if !line(text)? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn open(&self, number: u32, sealed: Vec<u8>) -> Result<Secret, Failure> {
        if self.recording.index.recipients.is_empty() {
            return Ok(Secret::new(sealed));
        }
        let mut last = None;
        for keys in self.keys {
            match keys.decrypt(&sealed, MAX_PART) {
                Ok(part) => return Ok(part),
                Err(LockError::Damaged) => {
                    let path = self.recording.part_path(number);
                    let what = format!("`{}` was altered: it is no age file", path.display());
                    return Err(
                        Failure::new(Exit::No, what).hint("keep it as it is, and ask who had it")
                    );
                }
                Err(error) => last = Some(error),
            }
        }
        let path = self.recording.part_path(number);
        let why = last.map(|e| e.to_string()).unwrap_or_default();
        Err(Failure::invalid(format!("`{}`: {why}", path.display()))
            .hint("bring the key of one of those that it was encrypted to: `-i FILE`"))
    }
}

fn write_cast(ui: &Ui, parts: &Parts<'_>, path: &Path) -> Result<(), Failure> {
    files::write_new_with(path, |out| {
        parts.each(|line| {
            let written = out.write_all(line.as_bytes()).and_then(|()| out.write_all(b"\n"));
            let failed = |source| FileError::Io { deed: "write", path: path.to_owned(), source };
            written.map_err(failed)?;
            Ok(true)
        })
    })?;
    ui.say(&format!("Written: `{}`, not encrypted; delete it when you are done", path.display()));
    Ok(())
}

fn write_text(ui: &Ui, parts: &Parts<'_>) -> Result<(), Failure> {
    let started = parts.recording.index.started;
    let mut text: Option<Text> = None;
    let say = |lines: Vec<Shown>| {
        for line in lines {
            // whole seconds are enough
            #[allow(clippy::cast_possible_truncation)]
            let at = started.shifted(line.at as i64);
            ui.data(&format!("{}  {}", &at.rfc3339()[11..19], line.text));
        }
    };
    parts.each(|line| {
        let line = cast::line(line);
        match (&line, &mut text) {
            (Some(Line::Header(columns, rows)), _) => text = Text::new((*columns, *rows)),
            (Some(event @ Line::Event(..)), Some(text)) => say(text.take(event)),
            _ => {}
        }
        Ok(true)
    })?;
    if let Some(text) = text {
        say(text.finish());
    }
    Ok(())
}

fn play(ui: &Ui, parts: &Parts<'_>) -> Result<(), Failure> {
    let _guard = crate::interrupt::hold_back();
    ui.must_say("Playing; Ctrl-C stops. Pauses are cut to 2 s.");
    let mut harmless = Harmless::default();
    let mut last = 0.0;
    parts.each(|line| {
        let Some(Line::Event(at, code, data)) = cast::line(line) else { return Ok(true) };
        let pause = (at - last).clamp(0.0, PAUSE);
        last = at;
        std::thread::sleep(Duration::from_secs_f64(pause));
        match code {
            Code::Output => ui.play(&harmless.take(&data)),
            Code::Mark => ui.must_say(&format!("\n[{}]", crate::ui::plain(&data))),
            Code::Input | Code::Resize => {}
        }
        Ok(!crate::interrupt::came())
    })?;
    ui.play(harmless.after().as_bytes());
    // keys were meant for the player
    ui.forget_typed();
    ui.must_say("");
    Ok(())
}
