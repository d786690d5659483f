//! The place at which an operator is recorded: everything about it that can fail is known before anything is opened.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::leave;
use crate::clock::Instant;
use crate::commands::Context;
use crate::commands::objection::Objection;
use crate::exit::Exit;
use crate::files;
use crate::kit::Kit;
use crate::logbook::record::{Counts, Session};
use crate::method::Method;
use crate::sealing::plugin::Person;
use crate::sealing::recipients::Recipients;
use crate::secret::Secret;
use crate::session::hideout::Hideout;
use crate::session::index::Pieces;
use crate::session::notices::Notices;
use crate::session::outside::Outside;
use crate::session::pty::{self, Plan};
use crate::session::recorder::{Recorder, Setup, Summary};
use crate::session::recording::{Folder, Index};
use crate::session::values::{Values, forms};
use crate::state::WITHOUT;
use crate::ui::Failure;

/// Tells a program that it is recorded, and by which recording.
pub(in crate::commands) const VARIABLE: &str = "BREAKGLASS_SESSION";

/// Where recordings lie in a kit.
pub(in crate::commands) const FOLDER: &str = "sessions";

/// The kind of the EXCEPTION for a recording that everybody can read.
pub(in crate::commands) const NOT_ENCRYPTED: &str = "recording not encrypted";

/// A place to record at.
pub(in crate::commands) struct Seat {
    /// Folder that recordings go to.
    place: PathBuf,
    /// What stands before their name in the record: `sessions/` in a kit.
    prefix: String,
    recipients: Vec<String>,
    method: String,
    /// Minutes that it may last.
    limit: Option<u16>,
}

/// What is done at it.
pub(in crate::commands) struct Work<'a> {
    /// What is run.
    pub(in crate::commands) command: Command,
    /// What stands on its standard input.
    pub(in crate::commands) input: Option<&'a Secret>,
    /// Where it has the credential, in words; none: it has none.
    pub(in crate::commands) holds: Option<String>,
    /// What must not be recorded.
    pub(in crate::commands) values: Values,
    /// Number of the release, or the check code of a loose one.
    pub(in crate::commands) release: Option<String>,
    /// Whether a person is at a terminal; else standard input and output are passed on.
    pub(in crate::commands) at_terminal: bool,
}

/// How it ended.
pub(in crate::commands) struct Sat {
    /// The program's own.
    pub(in crate::commands) exit: Exit,
    /// What goes into the logbook, but for the release.
    pub(in crate::commands) session: Session,
}

impl Seat {
    /// Finds one. What speaks against it comes back beside it.
    pub(in crate::commands) fn find(
        kit: Option<&Path>,
        method: Option<&Method>,
    ) -> Result<(Self, Vec<Objection>), Failure> {
        refuse_within()?;
        let recipients = method.map(|m| m.audit.recipients.clone()).unwrap_or_default();
        Recipients::parse(&recipients, &Person::nobody()).map_err(|e| {
            Failure::invalid(format!("the recording cannot be encrypted to the auditors: {e}"))
        })?;
        let mut objections = Vec::new();
        if recipients.is_empty() {
            let words = "the method names no auditors' recipients: everybody who finds the recording can read it";
            objections.push(Objection { kind: NOT_ENCRYPTED, words: words.to_owned() });
        }
        let (place, prefix) = place(kit)?;
        let seat = Self {
            place,
            prefix,
            recipients,
            method: method.map(|m| m.id.clone()).unwrap_or_default(),
            limit: method.map(|m| m.max_session),
        };
        Ok((seat, objections))
    }

    /// Says what is done at it, before anything is opened.
    pub(in crate::commands) fn in_words(&self, line: &[String]) -> String {
        let for_whom = match self.recipients.len() {
            0 => "NOT encrypted",
            1 => "for the auditors' key alone",
            _ => "for the auditors' keys alone",
        };
        let program = line.first().map_or("", String::as_str);
        format!("`{program}` has it; all that is typed and shown is recorded, {for_whom}")
    }

    /// Runs a program at it, and looks afterwards for what was left behind. The seat is never taken twice.
    ///
    /// `no_limit`: nothing runs out, for there is no credential.
    pub(in crate::commands) fn sit(
        self,
        context: &Context,
        work: Work<'_>,
        no_limit: bool,
    ) -> Result<Sat, Failure> {
        let _guard = crate::interrupt::hold_back_all();
        let ui = &context.ui;
        let failed = |what: String| Failure::new(Exit::NotStarted, what);
        let started = Instant::now();
        // the clocks of files run in steps
        let since = SystemTime::now() - Duration::from_secs(2);
        let index = Index {
            method: self.method.clone(),
            release: work.release.clone(),
            started,
            recipients: self.recipients.clone(),
        };
        let (folder, name) = self.folder(&index).map_err(|e| failed(e.to_string()))?;
        let path = folder.path().to_owned();
        let hideout = Hideout::make()
            .map_err(|e| failed(format!("there is no private folder for the session: {e}")))?;
        if !hideout.is_in_memory() {
            ui.warn("there is no folder in memory here: what tools keep during the session touches the disk");
        }
        let limit = self.limit.filter(|_| !no_limit);
        self.banner(context, limit, &work);
        let all: Vec<_> = work.values.all.iter().flat_map(|value| forms(value.expose())).collect();
        let pieces = Arc::new(Pieces::of(&all));
        drop(all);
        let outside = if work.at_terminal { Outside::terminal() } else { Outside::pipes() };
        let outside = outside.map_err(|e| failed(format!("the terminal was lost: {e}")))?;
        let recorder = Recorder::start(Setup {
            folder,
            recipients: self.recipients.clone(),
            pieces: Arc::clone(&pieces),
            size: outside.size(),
            title: format!("breakglass {}", self.method).trim_end().to_owned(),
            started,
        });
        let recorder = recorder.map_err(|e| failed(format!("the recording cannot start: {e}")))?;
        let mut command = work.command;
        let own = command.get_envs().filter_map(|(name, value)| Some((name.into(), value?.into())));
        let own: Vec<(OsString, OsString)> = own.collect();
        // the method decides where it says something
        command.envs(hideout.variables()).env(VARIABLE, &name).envs(own);
        let label = if self.method.is_empty() { "no method" } else { &self.method };
        let plan = Plan {
            command,
            input: work.input.map(|secret| Secret::new(secret.expose().to_vec())),
            outside,
            notices: Notices::new(label, limit),
        };
        let ended = pty::run(plan, &recorder);
        let summary = recorder.finish();
        crate::interrupt::forget();
        drop(hideout);
        let ended = ended.map_err(|e| {
            // nothing was done, so nothing was recorded
            let _ = std::fs::remove_dir_all(&path);
            failed(e.to_string())
        })?;
        let is_counted = summary.is_some();
        let summary = match summary {
            Some(summary) => summary,
            None => Summary::of_what_is_there(&path).map_err(|e| failed(e.to_string()))?,
        };
        tell(context, &name, &summary, ended.cut);
        let at_terminal = work.at_terminal && ended.cut.is_none();
        let traces = leave::look(
            context,
            &leave::Behind {
                pieces: &pieces,
                since,
                spared: std::slice::from_ref(&self.place),
                variable: Some(&format!("{VARIABLE}={name}")),
                was_shown: summary.redacted.0 > 0 || !is_counted,
                may_ask: at_terminal,
            },
        );
        let note = match (ended.cut, &summary.problem) {
            (Some(why), None) => Some(why.to_owned()),
            (None, Some(problem)) => Some(format!("not all of it could be written: {problem}")),
            (Some(why), Some(problem)) => {
                Some(format!("{why}; not all could be written: {problem}"))
            }
            (None, None) => None,
        };
        Ok(Sat {
            exit: if ended.status == 0 { Exit::Done } else { Exit::Child(ended.status) },
            session: Session {
                release: None,
                kind: work.holds.is_none().then_some(WITHOUT),
                evidence: (name, summary.head.hex()),
                result: if summary.problem.is_some() { "cut off" } else { "ended" },
                started: Some(started),
                counts: is_counted.then(|| Counts {
                    seconds: ended.took.as_secs(),
                    exit: ended.status,
                    bytes: summary.bytes,
                    events: summary.events,
                    masked: summary.masked,
                    redacted: summary.redacted.0 + summary.redacted.1,
                    too_short: work.values.too_short as u64,
                    traces,
                }),
                note,
            },
        })
    }

    /// Makes the folder, and returns how the record calls it.
    fn folder(
        &self,
        index: &Index,
    ) -> Result<(Folder, String), crate::session::recording::RecordingError> {
        let stamp = index.started.rfc3339().replace(['-', ':'], "");
        let mut number = 1;
        loop {
            let name = match number {
                1 => stamp.clone(),
                number => format!("{stamp}-{number}"),
            };
            let name = if self.prefix.is_empty() { format!("session-{name}") } else { name };
            let path = self.place.join(&name);
            // another terminal began in the same second
            if path.exists() && number < 100 {
                number += 1;
                continue;
            }
            return Ok((Folder::create(&path, index)?, format!("{}{name}", self.prefix)));
        }
    }

    fn banner(&self, context: &Context, limit: Option<u16>, work: &Work<'_>) {
        let ui = &context.ui;
        let who = match self.recipients.len() {
            0 => "NOT ENCRYPTED: everybody who finds it can read it".to_owned(),
            count => {
                format!("for the auditors alone ({count} keys)").replace("(1 keys)", "(1 key)")
            }
        };
        ui.must_say("");
        ui.must_say(&format!(
            "{} Everything that this terminal shows and that you type is kept, {who}.",
            crate::ui::Ui::strong("This session is recorded.")
        ));
        let nor = if work.holds.is_some() { ", nor is the credential" } else { "" };
        ui.must_say(&format!("What you type while nothing is shown (passwords) is not kept{nor}."));
        if let Some(minutes) = limit {
            let until = Instant::now().plus_minutes(minutes);
            ui.must_say(&format!(
                "Time: until {} ({}). The title says how much is left.",
                until.utc(),
                until.local()
            ));
        }
        if let Some(where_it_is) = &work.holds {
            ui.must_say(where_it_is);
        }
        ui.must_say("`exit` ends it. If the terminal looks odd afterwards: `reset`.");
        ui.must_say("");
    }
}

fn tell(context: &Context, name: &str, summary: &Summary, cut: Option<&str>) {
    let ui = &context.ui;
    ui.must_say("");
    if let Some(why) = cut {
        ui.warn(&format!("the session was ended: {why}"));
    }
    ui.must_say(&format!(
        "The session is over. Recorded in `{name}`: {} events, {} parts{}",
        summary.events,
        summary.parts,
        match summary.redacted.0 + summary.redacted.1 {
            0 => String::new(),
            count => format!("; the credential was taken out {count} times").replace(" 1 times", " once"),
        }
    ));
    if let Some(problem) = &summary.problem {
        ui.warn(&format!("not all of it could be written: {problem}"));
    }
}

/// Refuses what is not to be done at a recorded terminal.
pub(in crate::commands) fn refuse_within() -> Result<(), Failure> {
    if std::env::var_os(VARIABLE).is_some() {
        return Err(Failure::invalid("this terminal is recorded already")
            .hint("leave the session with `exit` first, or work on in it"));
    }
    Ok(())
}

/// Finds a folder that takes recordings: the kit's, this one, or one in memory.
fn place(kit: Option<&Path>) -> Result<(PathBuf, String), Failure> {
    let in_kit = kit.map(|kit| (kit.join(FOLDER), format!("{FOLDER}/")));
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let others = [Some(".".into()), runtime, Some("/dev/shm".into())];
    let others = others.into_iter().flatten().map(|place| (place, String::new()));
    let takes = |place: &Path| files::make_private_folder(place).is_ok() && tempfile_in(place);
    in_kit.into_iter().chain(others).find(|(place, _)| takes(place)).ok_or_else(|| {
        Failure::invalid("there is no folder that a recording could be written to")
            .hint("release it without one: `breakglass combine --show`")
    })
}

/// Says whether a file can be made in a folder.
fn tempfile_in(place: &Path) -> bool {
    let path = place.join(format!(".breakglass-{}.tmp", std::process::id()));
    let made = files::write_new(&path, b"").is_ok();
    let _ = std::fs::remove_file(path);
    made
}

/// Returns the command line of the person's shell.
pub(in crate::commands) fn shell() -> Vec<String> {
    let own = std::env::var("SHELL").ok().filter(|shell| crate::delivery::can_start(shell));
    vec![own.unwrap_or_else(|| "/bin/sh".to_owned())]
}

/// Makes a command of a command line.
pub(in crate::commands) fn command(line: &[String]) -> Command {
    let (program, arguments) = line.split_first().map_or(("", &[][..]), |(p, a)| (p.as_str(), a));
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

/// Returns the folder of a kit that is one.
pub(in crate::commands) fn folder_of(kit: Option<&Kit>) -> Option<&Path> {
    kit.map(Kit::dir)
}
