//! `print`: documents beside the sheets, filled from the method file, and the check of an organisation's own templates.

mod check;
mod values;

use std::path::Path;

use self::values::values;
use super::papers::size;
use super::{Context, exports};
use crate::cli::Print;
use crate::codes::grid::PaperSize;
use crate::exit::Exit;
use crate::files;
use crate::kit::Kit;
use crate::logbook::hex;
use crate::method::Method;
use crate::paper::{self, AUDIT, PaperError, Templates, Values};
use crate::set::sha256;
use crate::state::State;
use crate::ui::{Failure, Ui};

/// The operator's card.
const CARD: &str = "operator";

/// The longest name that a sheet is checked with.
const LONG_NAME: &str = "Wilhelmina-Alexandra Featherstonehaugh-Cholmondeley van Oranje";

pub(super) fn run(context: &Context, args: &Print) -> Result<Exit, Failure> {
    // needs no kit: who wants to see the templates may not have one yet
    if args.built_in {
        return built_in(&context.ui, args.output.as_deref());
    }
    let kit = context.kit()?;
    let (method, text) = kit.method()?;
    if args.check {
        return check::run(&context.ui, &kit, &method, args.output.as_deref());
    }
    let language = args.lang.as_deref().unwrap_or("en");
    let open = |large| {
        Templates::open(Some(&kit.templates()), language, large)
            .map_err(|e| Failure::invalid(e.to_string()))
    };
    let (normal, large) = (open(args.large)?, open(true)?);
    let templates = &normal;
    if args.documents.is_empty() {
        for name in templates.documents().map_err(|e| Failure::invalid(e.to_string()))? {
            context.ui.data(&name);
        }
        context.ui.say_hint("print one with `breakglass print label -o DIR`");
        return Ok(Exit::Done);
    }
    if let Some(generation) = args.generation {
        let (state, _) = State::of_book(&kit.logbook())?;
        if state.sets.iter().all(|set| set.generation != generation) {
            return Err(Failure::invalid(format!("there is no generation {generation}"))
                .hint("`breakglass status` lists them"));
        }
    }
    let Some(folder) = &args.output else {
        return Err(
            Failure::invalid("where do the documents go?").hint("name a folder with `-o DIR`")
        );
    };
    let paper = args.paper.map_or_else(|| templates.paper(), size);
    let mut documents = Vec::new();
    for name in &args.documents {
        if name == "stub" {
            return Err(Failure::invalid("strips are of records")
                .hint("print them with `breakglass log stub 12 -o DIR`"));
        }
        if name == AUDIT {
            return Err(Failure::invalid("the report of an audit is made by an audit")
                .hint("`breakglass audit PATH… --format pdf -o FILE`; `--templates DIR` takes an auditor's own"));
        }
        if !templates.has(name) {
            context
                .ui
                .warn(&format!("there is no `{name}` in `{language}`: it is printed in English"));
        }
        let known = templates.documents().map_err(|e| Failure::invalid(e.to_string()))?;
        // whoever reads it at 4 am has no time to look for glasses
        let templates = if name == CARD { &large } else { templates };
        let card = |values: &mut Values| {
            let program = context.signature();
            values
                .record("program", vec![("version", program.version), ("sha256", program.sha256)]);
        };
        let pdf = fill(name, &kit, (&method, &text), (paper, templates), args.generation, card)
            .map_err(|error| {
                let failure = Failure::invalid(error.to_string());
                match error {
                    PaperError::Unknown(_) => {
                        failure.hint(format!("there are: {}", known.join(", ")))
                    }
                    _ => failure.hint(
                        "see what is wrong with all templates with `breakglass print --check`",
                    ),
                }
            })?;
        documents.push((format!("{name}.pdf"), pdf));
    }
    // nothing is written before everything is laid out
    std::fs::create_dir_all(folder)
        .map_err(|e| Failure::invalid(format!("cannot make `{}`: {e}", folder.display())))?;
    for (name, pdf) in documents {
        let path = folder.join(name);
        files::write_new(&path, &pdf)?;
        context.ui.data(&path.display().to_string());
    }
    Ok(Exit::Done)
}

/// Writes the built-in templates and the description of their language, to start one's own from.
fn built_in(ui: &Ui, folder: Option<&Path>) -> Result<Exit, Failure> {
    let Some(folder) = folder else {
        return Err(
            Failure::invalid("where do the templates go?").hint("name a folder with `-o DIR`")
        );
    };
    for (name, text) in Templates::built_in_files() {
        let path = folder.join(name);
        std::fs::create_dir_all(files::parent(&path))
            .map_err(|e| Failure::invalid(format!("cannot make `{}`: {e}", path.display())))?;
        files::write_new(&path, text.as_bytes())?;
        ui.data(&path.display().to_string());
    }
    Ok(Exit::Done)
}

/// Prints one document with more values than the method's, into a folder.
pub(super) fn write_document(
    context: &Context,
    name: &str,
    folder: &Path,
    paper: Option<crate::cli::Paper>,
    more: impl FnOnce(&mut Values),
) -> Result<(), Failure> {
    let kit = context.kit()?;
    let (method, text) = kit.method()?;
    let templates = Templates::open(Some(&kit.templates()), "en", false)
        .map_err(|e| Failure::invalid(e.to_string()))?;
    let paper = paper.map_or_else(|| templates.paper(), size);
    let pdf = fill(name, &kit, (&method, &text), (paper, &templates), None, more)
        .map_err(|e| Failure::invalid(e.to_string()))?;
    std::fs::create_dir_all(folder)
        .map_err(|e| Failure::invalid(format!("cannot make `{}`: {e}", folder.display())))?;
    let path = folder.join(format!("{name}.pdf"));
    files::write_new(&path, &pdf)?;
    context.ui.data(&path.display().to_string());
    Ok(())
}

/// Makes one document. What it may name stands in `templates/README.md`.
fn fill(
    name: &str,
    kit: &Kit,
    (method, text): (&Method, &str),
    (paper, templates): (PaperSize, &Templates),
    generation: Option<u32>,
    more: impl FnOnce(&mut Values),
) -> Result<Vec<u8>, PaperError> {
    if name == "sheet" {
        // a sheet is made by dealing, and by nothing else
        return Err(PaperError::Unknown(name.to_owned()));
    }
    let state = State::of_book(&kit.logbook()).map(|(state, _)| state).unwrap_or_default();
    let foot = format!("{} · method {}", method.id, &sha256_short(text));
    let mut method = method.clone();
    if let Some(set) = state.newest() {
        set.update(&mut method);
    }
    let mut filled = values(&method, state.next_generation().saturating_sub(1));
    filled.record("release", values::slip(&state));
    filled.records("phones", values::phones(&method, &kit.contacts().unwrap_or_default()));
    filled.record("program", vec![("version", "0".to_owned()), ("sha256", "0".repeat(64))]);
    let (of_set, sheets) = values::void_sheets(&state, &method, generation);
    filled.record("void", of_set);
    filled.records("void_sheets", sheets);
    let now = crate::clock::Instant::now();
    filled.groups("evidence", values::evidence(exports::open(kit, &state, now), generation));
    more(&mut filled);
    paper::document(name, filled, &foot, paper, templates)
}

fn sha256_short(text: &str) -> String {
    hex(&sha256(&[text.as_bytes()]))[..8].to_owned()
}
