//! `log import`: scanned strips, loose records, another copy of the book. Nothing that is here is changed.

use std::path::{Path, PathBuf};

use super::show::one_line;
use crate::cli::LogImport;
use crate::clock::{Instant, Source};
use crate::commands::recorder::paper_line;
use crate::commands::{Context, intake, strips};
use crate::exit::Exit;
use crate::files;
use crate::kit::Kit;
use crate::logbook::merge::{Fate, Ours, Plan};
use crate::logbook::record::When;
use crate::logbook::{Draft, Entry, Logbook, MAX_LINE};
use crate::ui::{Failure, Ui};

/// Most bytes of a file of records; a logbook of 100 000 has fewer.
const MAX_FILE: usize = 256 * 1024 * 1024;

pub(super) fn run(context: &Context, args: &LogImport) -> Result<Exit, Failure> {
    let ui = &context.ui;
    let book = context.kit()?.logbook();
    let ours = Ours::of(&book)?;
    let incoming = collect(context, &args.files)?;
    if incoming.is_empty() {
        return Err(Failure::invalid("there is no record in these files")
            .hint("`breakglass inspect FILE` says what is on a page"));
    }
    let plan = ours.plan(incoming).map_err(|e| Failure::invalid(e.to_string()))?;
    let count = |fate| plan.steps.iter().filter(|(_, f)| *f == fate).count();
    let (known, follow, original) =
        (count(Fate::Known), count(Fate::Follows), count(Fate::Original));
    tell_gaps(ui, &plan);
    if ours.is_empty() && (original > 0 || !plan.gaps.is_empty()) {
        // half a book would be a false book
        return Err(Failure::new(Exit::No, "these records do not make a whole book")
            .hint("scan the strips of the missing records too; nothing was written"));
    }
    for (entry, fate) in plan.steps.iter().filter(|(_, fate)| *fate != Fate::Known) {
        let how = if *fate == Fate::Follows { "follows" } else { "as original" };
        ui.say(&format!("  {how}: {}", one_line(entry).trim_start()));
    }
    let words =
        format!("{known} known, {follow} follow the last record, {original} come in as originals");
    if args.dry_run {
        ui.data(&words);
        return Ok(Exit::Done);
    }
    let forks = !plan.forks.is_empty();
    write(context, &book, &plan)?;
    ui.data(&words);
    Ok(if forks { Exit::No } else { Exit::Done })
}

fn tell_gaps(ui: &Ui, plan: &Plan) {
    let list = |numbers: &[u64]| numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    if !plan.gaps.is_empty() {
        ui.warn(&format!("nobody has shown record {}", list(&plan.gaps)));
    }
    if !plan.forks.is_empty() {
        ui.warn(&format!(
            "this book has another record {}: the two went different ways from there",
            list(&plan.forks)
        ));
    }
}

fn write(context: &Context, book: &Logbook, plan: &Plan) -> Result<(), Failure> {
    let follows = plan.steps.iter().filter(|(_, fate)| *fate == Fate::Follows);
    let lines: Vec<&str> = follows.map(|(entry, _)| entry.line.as_str()).collect();
    let mut last = lines.last().map(|line| (*line).to_owned());
    if !lines.is_empty() {
        book.follow(&lines)?;
    }
    let when = When { at: Instant::now(), source: Source::System };
    let program = context.signature();
    for (entry, _) in plan.steps.iter().filter(|(_, fate)| *fate == Fate::Original) {
        let from = match (entry.is_loose(), entry.text("prev_code")) {
            (false, _) => format!("record {} of another copy of this book", entry.seq),
            (true, code) => format!("a loose record after {code}"),
        };
        let draft = Draft::import(when, &program, entry.text("method"), &entry.line, &from);
        last = Some(book.append(&draft, &[])?.line);
    }
    // what followed byte for byte is in ink already
    let originals = plan.steps.iter().any(|(_, fate)| *fate == Fate::Original);
    if let Some(line) = last.filter(|_| originals) {
        paper_line(&context.ui, &line, &crate::logbook::check_code(line.as_bytes()));
    }
    Ok(())
}

/// Reads whatever it is: a kit, lines of records, or pages with strips.
fn collect(context: &Context, paths: &[PathBuf]) -> Result<Vec<Entry>, Failure> {
    let (mut entries, mut pages) = (Vec::new(), Vec::new());
    for path in paths {
        if path.join("logbook.jsonl").is_file() {
            let book = Kit::open(path)?.logbook();
            entries.append(&mut book.verify()?.entries);
            continue;
        }
        for file in intake::expand(&context.ui, std::slice::from_ref(path))? {
            match lines(&file)? {
                Some(mut found) => entries.append(&mut found),
                None => pages.push(file),
            }
        }
    }
    entries.append(&mut strips::read(context, &pages)?.0);
    Ok(entries)
}

/// Returns the records of a text file; `None` when it is no text of records.
pub(super) fn lines(path: &Path) -> Result<Option<Vec<Entry>>, Failure> {
    let bytes = files::read(path, MAX_FILE)?;
    if !bytes.starts_with(b"{") {
        return Ok(None);
    }
    let mut entries = Vec::new();
    for (number, line) in (1..).zip(bytes.split(|b| *b == b'\n')) {
        if line.is_empty() {
            continue;
        }
        let wrong =
            |what: String| Failure::invalid(format!("`{}`, line {number}: {what}", path.display()));
        if line.len() > MAX_LINE {
            return Err(wrong("it is longer than 262144 bytes".to_owned()));
        }
        entries.push(Entry::read(line).map_err(wrong)?);
    }
    Ok(Some(entries))
}
