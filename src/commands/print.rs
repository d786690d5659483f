//! `print`: documents beside the sheets, filled from the method file, and the check of an organisation's own templates.

mod check;
mod forms;
mod values;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use self::values::values;
use super::papers::{size, slug};
use super::{Context, exports, spool};
use crate::cli::Print;
use crate::codes::grid::PaperSize;
use crate::exit::Exit;
use crate::files;
use crate::kit::Kit;
use crate::logbook::hex;
use crate::method::{Custodian, Method};
use crate::paper::{self, AUDIT, PACKS, Pack, PaperError, Templates, Values};
use crate::set::sha256;
use crate::state::State;
use crate::ui::{Failure, Ui};

/// The operator's card: in large print, on both sides of one sheet.
const CARD: &str = "operator-card";

/// Strips of records.
const STRIPS: &str = "stub";

/// The pack whose papers are made for each custodian.
const CUSTODIAN: &str = "custodian";

const ENGLISH: &str = "en";

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
    let order = Order { context, args, kit, method, text, foreign: RefCell::default() };
    let nothing = args.documents.is_empty() && !args.all && args.person.is_none();
    if nothing && (args.output.is_some() || args.print.is_some()) {
        return Err(Failure::invalid("what is to be printed?")
            .hint("name a pack or a document, or `--all`; `breakglass print` lists them"));
    }
    if args.documents.is_empty() && !args.all && args.person.is_none() {
        return order.list();
    }
    if let Some(generation) = args.generation {
        let (state, _) = State::of_book(&order.kit.logbook())?;
        if state.sets.iter().all(|set| set.generation != generation) {
            return Err(Failure::invalid(format!("there is no generation {generation}"))
                .hint("`breakglass status` lists them"));
        }
    }
    if args.output.is_none() && args.print.is_none() {
        let hint = "name a folder with `-o DIR`, or a printer with `--print QUEUE`";
        return Err(Failure::invalid("where do the documents go?").hint(hint));
    }
    let mut prints = Vec::new();
    for name in order.names()? {
        prints.extend(order.prints(&name)?);
    }
    order.tell_foreign();
    // nothing is written before everything is laid out
    if let Some(queue) = &args.print {
        for Printed { file, pdf, paper, two_sided } in &prints {
            spool::send(queue, file, pdf, *paper, *two_sided)?;
            context.ui.say(&format!("  {file} is with the printer {queue}"));
        }
        return Ok(Exit::Done);
    }
    let folder = args.output.as_deref().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)
        .map_err(|e| Failure::invalid(format!("cannot make `{}`: {e}", folder.display())))?;
    for Printed { file, pdf, .. } in prints {
        let path = folder.join(file);
        files::write_new(&path, &pdf)?;
        context.ui.data(&path.display().to_string());
    }
    Ok(Exit::Done)
}

/// What is to be printed, and of what.
struct Order<'a> {
    context: &'a Context,
    args: &'a Print,
    kit: Kit,
    method: Method,
    text: String,
    /// What is not there in a language, by language.
    foreign: RefCell<BTreeMap<String, BTreeSet<String>>>,
}

/// A document, laid out.
struct Printed {
    file: String,
    pdf: Vec<u8>,
    paper: PaperSize,
    two_sided: bool,
}

impl Order<'_> {
    fn templates(&self, language: &str, large: bool) -> Result<Templates, Failure> {
        Templates::of_kit(self.kit.dir(), language, large)
            .map_err(|e| Failure::invalid(e.to_string()))
    }

    /// Lists what there is.
    fn list(&self) -> Result<Exit, Failure> {
        let templates = self.templates(ENGLISH, false)?;
        let failed = |e: PaperError| Failure::invalid(e.to_string());
        let mut all = templates.documents().map_err(failed)?;
        for pack in &PACKS {
            for name in templates.pack(pack).map_err(failed)? {
                all.retain(|other| *other != name);
                self.show(&templates, &name, pack.name)?;
            }
        }
        for name in all {
            self.show(&templates, &name, "")?;
        }
        self.context.hint(
            "print a pack, or one of its papers: `breakglass print custodian -o DIR`, `breakglass print label -o DIR`",
        );
        Ok(Exit::Done)
    }

    fn show(&self, templates: &Templates, name: &str, pack: &str) -> Result<(), Failure> {
        let edition = templates.edition(name).map_err(|e| Failure::invalid(e.to_string()))?;
        let edition = edition.map(|e| format!("{}, version {}", e.id, e.version));
        let title = templates.title(name).map_err(|e| Failure::invalid(e.to_string()))?;
        let edition = edition.unwrap_or_default();
        let line = format!("{name:<18}{pack:<11}{edition:<16}{title}");
        self.context.ui.data(line.trim_end());
        Ok(())
    }

    /// Returns the documents that were asked for, each once.
    fn names(&self) -> Result<Vec<String>, Failure> {
        let templates = self.templates(ENGLISH, false)?;
        let failed = |e: PaperError| Failure::invalid(e.to_string());
        let mut names: Vec<String> = Vec::new();
        if self.args.all {
            names.extend(templates.documents().map_err(failed)?);
            names.retain(|name| name != STRIPS);
        }
        let mut asked = self.args.documents.clone();
        if asked.is_empty() && self.args.person.is_some() {
            asked.push(CUSTODIAN.to_owned());
        }
        for name in asked {
            match Pack::named(&name) {
                Some(pack) => names.extend(templates.pack(pack).map_err(failed)?),
                None => names.push(name),
            }
        }
        let mut once = BTreeSet::new();
        names.retain(|name| once.insert(name.clone()));
        Ok(names)
    }

    /// Lays a document out; what is for each custodian, in the language of each.
    fn prints(&self, name: &str) -> Result<Vec<Printed>, Failure> {
        if name == STRIPS {
            return Err(Failure::invalid("strips are of records")
                .hint("print them with `breakglass log stub 12 -o DIR`"));
        }
        if name == AUDIT {
            return Err(Failure::invalid("the report of an audit is made by an audit")
                .hint("`breakglass audit PATH… --format pdf -o FILE`; `--templates DIR` takes an auditor's own"));
        }
        let each = self.is_for_each(name)?;
        let person = self.args.person.as_deref();
        let people = self.people(person)?;
        if !each {
            if let Some(person) = person {
                return Err(Failure::invalid(format!("`{name}` is not made for {person} alone"))
                    .hint("`--for` takes papers of the pack `custodian`"));
            }
            let language = self.args.lang.as_deref().unwrap_or(ENGLISH);
            let (templates, _) = self.speaking(name, language, self.args.large)?;
            return Ok(vec![self.lay_out(name, &templates, &self.method, name)?]);
        }
        // one file for all whose papers look the same
        let mut looks: Vec<(String, bool, Templates, Vec<Custodian>)> = Vec::new();
        for custodian in people {
            let own = self.args.lang.clone().or_else(|| custodian.lang.clone());
            let own = own.unwrap_or_else(|| ENGLISH.to_owned());
            let large = self.args.large || custodian.large_print;
            let (templates, language) = self.speaking(name, &own, large)?;
            match looks.iter_mut().find(|(l, size, ..)| (l, *size) == (&language, large)) {
                Some((.., all)) => all.push(custodian),
                None => looks.push((language, large, templates, vec![custodian])),
            }
        }
        let mut prints: Vec<Printed> = Vec::new();
        for (language, large, templates, custodians) in looks {
            let mut file = match person.and(custodians.first()) {
                Some(c) => {
                    format!("{name}-{}", slug(&c.name).unwrap_or_else(|| c.sheet.to_string()))
                }
                None => name.to_owned(),
            };
            if person.is_none() && language != ENGLISH {
                file = format!("{file}-{language}");
            }
            if person.is_none() && large && !self.args.large {
                file += "-large";
            }
            let method = Method { custodians, ..self.method.clone() };
            prints.push(self.lay_out(name, &templates, &method, &file)?);
        }
        Ok(prints)
    }

    /// Says once what is printed in English because it is there in no other language.
    fn tell_foreign(&self) {
        for (language, names) in &*self.foreign.borrow() {
            let names = names.iter().cloned().collect::<Vec<_>>().join(", ");
            self.context
                .ui
                .warn(&format!("not there in `{language}`, and printed in English: {names}"));
        }
    }

    /// Says whether a document is one for each custodian.
    fn is_for_each(&self, name: &str) -> Result<bool, Failure> {
        let templates = self.templates(ENGLISH, false)?;
        let pack = Pack::named(CUSTODIAN).map(|pack| templates.pack(pack)).transpose();
        let pack = pack.map_err(|e| Failure::invalid(e.to_string()))?;
        Ok(pack.is_some_and(|names| names.iter().any(|known| known == name)))
    }

    /// Returns everybody, or the one who was named by name or id, with every sheet that they hold.
    fn people(&self, person: Option<&str>) -> Result<Vec<Custodian>, Failure> {
        let mut method = self.method.clone();
        let (state, _) = State::of_book(&self.kit.logbook())?;
        if let Some(set) = state.newest() {
            set.update(&mut method);
        }
        let Some(person) = person else { return Ok(method.custodians) };
        let same = |text: &str| text.to_lowercase() == person.trim().to_lowercase();
        let known: Vec<String> =
            method.custodians.iter().map(|c| format!("{} ({})", c.name, c.id)).collect();
        let whole = |c: &&Custodian| {
            same(&c.name) || same(&c.id) || same(&format!("{} ({})", c.name, c.id))
        };
        let part = |c: &&Custodian| c.name.to_lowercase().contains(&person.trim().to_lowercase());
        let mut found: Vec<Custodian> = method.custodians.iter().filter(whole).cloned().collect();
        if found.is_empty() {
            // a part of a name, where it is one person's
            found = method.custodians.iter().filter(part).cloned().collect();
            let other = |c: &Custodian| found.first().is_some_and(|first| first.id != c.id);
            if found.iter().any(other) {
                found.clear();
            }
        }
        if found.is_empty() {
            return Err(Failure::invalid(format!("there is no custodian `{person}`"))
                .hint(format!("there are: {}", known.join(", "))));
        }
        Ok(found)
    }

    /// Returns the templates of a language, and the language that the document is there in.
    fn speaking(
        &self,
        name: &str,
        language: &str,
        large: bool,
    ) -> Result<(Templates, String), Failure> {
        // whoever reads the card at 4 am has no time to look for glasses
        let templates = self.templates(language, large || name == CARD)?;
        if templates.has(name) {
            return Ok((templates, language.to_owned()));
        }
        if language != ENGLISH {
            let mut foreign = self.foreign.borrow_mut();
            foreign.entry(language.to_owned()).or_default().insert(name.to_owned());
        }
        Ok((templates, ENGLISH.to_owned()))
    }

    fn lay_out(
        &self,
        name: &str,
        templates: &Templates,
        method: &Method,
        file: &str,
    ) -> Result<Printed, Failure> {
        let paper = self.args.paper.map_or_else(|| templates.paper(), size);
        let program = |values: &mut Values| {
            let program = self.context.signature();
            values
                .record("program", vec![("version", program.version), ("sha256", program.sha256)]);
        };
        let of = (method, &*self.text);
        let pdf = fill(name, &self.kit, of, (paper, templates), self.args.generation, program);
        let pdf = pdf.map_err(|error| {
            let failure = Failure::invalid(error.to_string());
            match (error, templates.documents()) {
                (PaperError::Unknown(_), Ok(known)) => {
                    let packs = PACKS.iter().map(|pack| pack.name).collect::<Vec<_>>().join(", ");
                    failure.hint(format!("there are the packs {packs}, and: {}", known.join(", ")))
                }
                _ => failure
                    .hint("see what is wrong with all templates with `breakglass print --check`"),
            }
        })?;
        Ok(Printed { file: format!("{file}.pdf"), pdf, paper, two_sided: name == CARD })
    }
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
    let templates = Templates::of_kit(kit.dir(), ENGLISH, false)
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
    let mut method = method.clone();
    if let Some(set) = state.newest() {
        set.update(&mut method);
    }
    let newest = state.next_generation().saturating_sub(1);
    let contacts = kit.contacts().unwrap_or_default();
    let mut filled = values(&method, newest, &contacts);
    forms::fill(&mut filled, &state, &method, &contacts);
    filled.record("release", values::slip(&state));
    filled.record("program", vec![("version", "0".to_owned()), ("sha256", "0".repeat(64))]);
    let (of_set, sheets) = values::void_sheets(&state, &method, generation);
    filled.record("void", of_set);
    filled.records("void_sheets", sheets);
    let now = crate::clock::Instant::now();
    filled.groups("evidence", values::evidence(exports::open(kit, &state, now), generation));
    more(&mut filled);
    let edition = templates.edition(name)?;
    let of = generation.unwrap_or(newest);
    let generation = match &edition {
        Some(edition) if edition.any_generation => String::new(),
        _ if of == 0 => " · not dealt yet".to_owned(),
        _ => format!(" · generation {of}"),
    };
    let document = match edition {
        Some(edition) => format!("{} {name}, version {}", edition.id, edition.version),
        None => name.to_owned(),
    };
    let foot = format!("{} (method {}){generation} · {document}", method.id, sha256_short(text));
    paper::document(name, filled, &foot, paper, templates)
}

fn sha256_short(text: &str) -> String {
    hex(&sha256(&[text.as_bytes()]))[..8].to_owned()
}
