//! `audit`: the logbook held against what the platforms say.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::papers::size;
use super::{Context, strips};
use crate::audit::Report;
use crate::audit::desk::{self, DeskError, Options, ReadStrips};
use crate::audit::evidence::Evidence;
use crate::audit::finding::Outcome;
use crate::audit::output::csv::Csv;
use crate::audit::output::html::Html;
use crate::audit::output::json::Json;
use crate::audit::output::markdown::Markdown;
use crate::audit::output::pdf::Pdf;
use crate::audit::output::text::Text;
use crate::audit::output::{Output, clean, covers, summary};
use crate::audit::readers::time::Zone;
use crate::audit::rules::{self, Rule};
use crate::cli::{Audit, Format};
use crate::clock::Instant;
use crate::exit::Exit;
use crate::files;
use crate::paper::Templates;
use crate::ui::{Failure, Ui};

pub(super) fn run(context: &Context, args: &Audit) -> Result<Exit, Failure> {
    let ui = &context.ui;
    if args.rules {
        for rule in rules::all() {
            ui.data(&format!("{:<10}  {:<8}  {}", rule.id, rule.severity.word(), rule.title));
        }
        return Ok(Exit::Done);
    }
    if let Some(id) = &args.explain {
        let rule = rules::find(id).ok_or_else(|| {
            Failure::invalid(format!("there is no rule `{id}`"))
                .hint("`breakglass audit --rules` lists them")
        })?;
        explain(ui, rule);
        return Ok(Exit::Done);
    }
    let strips =
        |pages: &[PathBuf]| strips::read(context, pages).map_err(|failure| failure.message);
    let options = options(args, &strips)?;
    if args.facts {
        return facts(context, args, &options);
    }
    let output: Box<dyn Output> = match args.format {
        Format::Text => Box::new(Text { all: args.all }),
        Format::Json => Box::new(Json),
        Format::Csv if args.output.is_none() => {
            return Err(Failure::invalid("csv is two tables: where do they go?")
                .hint("name a folder with `-o DIR`"));
        }
        Format::Csv => Box::new(Csv),
        Format::Pdf if args.output.is_none() => {
            return Err(
                Failure::invalid("where does the PDF go?").hint("name a new file with `-o FILE`")
            );
        }
        Format::Pdf => Box::new(pdf(args)?),
        Format::Markdown => Box::new(Markdown { all: args.all }),
        Format::Html => Box::new(Html { all: args.all }),
    };
    if let Some(path) = &args.output {
        is_free(path, args.format)?;
    }
    let working = ui.working("reading what lies on the desk");
    let read = desk::read(&args.paths, &options);
    drop(working);
    let (case, waivers) = read.map_err(|error| failure(&error))?;
    let report = Report::of(case, &waivers);
    let mut files = output.files(&report).map_err(|error| {
        Failure::invalid(error.to_string())
            .hint("`breakglass print --check` says what is wrong with templates of your own")
    })?;
    match &args.output {
        None => {
            if let Some((_, text)) = files.pop() {
                ui.data(String::from_utf8_lossy(&text).trim_end());
            }
        }
        Some(folder) if args.format == Format::Csv => {
            std::fs::create_dir_all(folder).map_err(|e| {
                Failure::invalid(format!("cannot make `{}`: {e}", folder.display()))
            })?;
            for (name, text) in files {
                files::write_new(&folder.join(name), &text)?;
            }
            ui.say(&summary(&report));
        }
        Some(file) => {
            for (_, text) in files {
                files::write_new(file, &text)?;
            }
            ui.say(&summary(&report));
        }
    }
    Ok(match report.outcome() {
        Outcome::Fail => Exit::No,
        Outcome::Inconclusive => Exit::Inconclusive,
        Outcome::Pass => Exit::Done,
    })
}

/// Lists what evidence files say, one fact a line.
fn facts(context: &Context, args: &Audit, options: &Options<'_>) -> Result<Exit, Failure> {
    let ui = &context.ui;
    let show = |file: Evidence| {
        let name = clean(&file.path.display().to_string());
        ui.data(&format!("{name}: {}, {}", file.format, covers(&file)));
        if let Some(why) = &file.found.partial {
            ui.data(&format!("  not whole: {}", clean(why)));
        }
        for note in &file.found.notes {
            ui.data(&format!("  note: {}", clean(note)));
        }
        for fact in &file.found.facts {
            ui.data(&format!("  {}", clean(&fact.to_string())));
        }
    };
    desk::examine(&args.paths, options, show).map_err(|error| failure(&error))?;
    Ok(Exit::Done)
}

/// Says whether a report may be written where it is to go. Asked before anything is read: an audit may take a while.
fn is_free(path: &Path, format: Format) -> Result<(), Failure> {
    if !files::parent(path).is_dir() {
        return Err(Failure::invalid(format!(
            "there is no folder `{}` for the report",
            files::parent(path).display()
        ))
        .hint("make it first, or name another place"));
    }
    if format != Format::Csv {
        return match path.symlink_metadata() {
            Ok(_) => Err(Failure::invalid(format!("`{}` exists already", path.display()))
                .hint("name a file that is not there yet; no report is written over another")),
            Err(_) => Ok(()),
        };
    }
    match std::fs::read_dir(path) {
        Ok(mut inside) => match inside.next() {
            None => Ok(()),
            Some(_) => Err(Failure::invalid(format!("there are files in `{}`", path.display()))
                .hint("name an empty folder, or one that is not there yet")),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Failure::invalid(format!("cannot use `{}`: {error}", path.display()))),
    }
}

/// The report on paper. Templates are those of this program, or of the auditor: never those of the kit that is audited.
fn pdf(args: &Audit) -> Result<Pdf, Failure> {
    let templates = Templates::open(args.templates.as_deref(), "en", false)
        .map_err(|e| Failure::invalid(e.to_string()))?;
    let paper = args.paper.map_or_else(|| templates.paper(), size);
    Ok(Pdf { all: args.all, templates, paper })
}

/// Reads what was said besides the files.
fn options<'a>(args: &Audit, strips: ReadStrips<'a>) -> Result<Options<'a>, Failure> {
    let time = |text: &str| Instant::parse(text).map_err(|e| Failure::invalid(e.to_string()));
    let zone = args.tz.as_deref().map(|name| {
        Zone::parse(name).ok_or_else(|| {
            Failure::invalid(format!("`{name}` is no time zone that is known here"))
                .hint("write it like Europe/Paris, UTC or +01:00")
        })
    });
    let mut report_times = Vec::new();
    for pair in &args.report_time {
        let (file, at) = pair.rsplit_once('=').ok_or_else(|| {
            Failure::invalid(format!(
                "`--report-time {pair}` is not written like FILE=2026-11-24T04:02Z"
            ))
        })?;
        report_times.push((PathBuf::from(file), time(at)?));
    }
    Ok(Options {
        as_of: args.as_of.as_deref().map_or(Ok(Instant::now()), time)?,
        skew: skew(&args.skew)?,
        zone: zone.transpose()?,
        report_times,
        strips,
    })
}

/// Reads `120s`, `5m` or `1h`.
fn skew(text: &str) -> Result<i64, Failure> {
    let read = || {
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let number: u32 = number.parse().ok()?;
        match unit {
            "s" => Some(i64::from(number)),
            "m" => Some(i64::from(number) * 60),
            "h" => Some(i64::from(number) * 3600),
            _ => None,
        }
    };
    let least = read().filter(|seconds| *seconds <= 86_400);
    least.ok_or_else(|| {
        Failure::invalid(format!("`--skew {text}` is not written like 120s or 5m, and at most 24h"))
    })
}

fn failure(error: &DeskError) -> Failure {
    let failure = Failure::invalid(error.to_string());
    let hint = match error {
        DeskError::Strange { .. } | DeskError::Strays(_) => {
            "take it off the desk, or bring it as a table `credential_id,event,at`; nothing is passed over in silence"
        }
        DeskError::NoStrip(_) => {
            "a picture or PDF on the desk is of strips; keep others elsewhere, or scan once more, flat and sharp, at 300 dpi"
        }
        DeskError::NoBook => "name the kit, or its logbook.jsonl",
        DeskError::NoEvidence => {
            "name exports of the platform: the README lists what is read, under \"After: you are the auditor\""
        }
        DeskError::Log(_) => "bring the logbook as the kit has it: a copy of logbook.jsonl",
        DeskError::File(_) => "name files that are there and that you may read",
        DeskError::Broken { .. } => {
            "mend it if it is your own; export it once more if it is the platform's: what is not whole is not judged"
        }
        DeskError::Link(_) => "take it away, or name the file that it leads to",
        DeskError::FromKit(_) => "take it out of the kit; name it beside the kit if it is yours",
        DeskError::TooMuch(_) => "name the folders with the evidence, one by one",
        DeskError::TooEarly { .. } => "say the time of the audit with `--as-of`",
        DeskError::TwoFiles(_) => "name it with its folder",
        DeskError::TwoTimes(_) => "say when it was taken once",
        DeskError::NoSuchFile(_) => {
            "name a list or a state that is among the files; books, paper and logs have their own times"
        }
    };
    failure.hint(hint)
}

fn explain(ui: &Ui, rule: &Rule) {
    ui.data(&format!("{}  {}  ({})", rule.id, rule.title, rule.severity.word()));
    for (word, text) in [
        ("why", rule.why.to_owned()),
        ("needs", rule.needs.to_owned()),
        ("asked for by", rule.clauses.join("; ")),
        ("what to do", rule.remedy.to_owned()),
    ] {
        ui.data(&format!("  {word:<13} {text}"));
    }
}
