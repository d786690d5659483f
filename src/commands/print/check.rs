//! `print --check`: everything that an organisation's own templates would ever have to hold is laid out once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{CARD, LONG_NAME, fill};
use crate::clock::Instant;
use crate::codes::grid::PaperSize;
use crate::dealing;
use crate::exit::Exit;
use crate::files;
use crate::kit::Kit;
use crate::method::{Custodian, Lock, Method};
use crate::paper::{self, AUDIT, Pack, PaperError, Templates};
use crate::rng;
use crate::sealing::lock;
use crate::sealing::plugin::Person;
use crate::secret::Secret;
use crate::set::SheetId;
use crate::set::manifest::Terms;
use crate::ui::{Failure, Ui};

/// What is wrong with a template, and in which kinds of sheets or on which papers.
type Faults = BTreeMap<String, Vec<String>>;

/// Recipients that nobody has the keys of: sheets are laid out with them, and thrown away.
const NOBODY: [&str; 4] = [
    "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
    "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg",
    "age1wzehx77f2mfw4l2a7l97t4qwp5ajft2h5smj9e8vwktl866zt3gqe8qtk4",
    "age10aum84283grzz44g7g43lk9m7ymxk354ufgfdz3lhvp3jzdds5qqycs49u",
];

/// Lays out what this kit's own templates would have to hold, on both papers.
pub(super) fn run(
    ui: &Ui,
    kit: &Kit,
    method: &Method,
    samples: Option<&Path>,
) -> Result<Exit, Failure> {
    let open = |language: &str, large| Templates::of_kit(kit.dir(), language, large);
    let mut rows: BTreeMap<String, Faults> = BTreeMap::new();
    let own = Templates::own(kit.dir()).map_err(|e| Failure::invalid(e.to_string()))?;
    let mut all: BTreeSet<(String, String)> = own.into_iter().collect();
    for (name, large) in [("theme.toml", false), ("theme-large.toml", true)] {
        if !kit.templates().join(name).exists() {
            continue;
        }
        let mut faults = Faults::new();
        match open("en", large) {
            // a theme changes what is built in, too
            Ok(templates) => {
                let names = templates.documents().map_err(|e| Failure::invalid(e.to_string()))?;
                let names = names.into_iter().chain(["sheet".to_owned()]);
                all.extend(names.map(|name| ("en".to_owned(), name)));
            }
            Err(error) => {
                faults.insert(error.to_string(), Vec::new());
            }
        }
        rows.insert(name.to_owned(), faults);
    }
    for custodian in &method.custodians {
        if let Some(language) = &custodian.lang {
            all.insert((language.clone(), "sheet".to_owned()));
        }
    }
    if all.iter().any(|(_, name)| name == AUDIT) {
        ui.warn("an `audit.md` in the kit is not used: auditors bring their own, `audit --templates DIR`");
        all.retain(|(_, name)| name != AUDIT);
    }
    for (language, name) in &all {
        let row = format!("{language}/{name}.md");
        // documents of packs are in English
        let language = if Pack::named(language).is_some() { "en" } else { language };
        let open = |large| open(language, large);
        let closed = |error: PaperError| Faults::from([(error.to_string(), Vec::new())]);
        let faults = match (open(name == CARD), name == "sheet") {
            (Err(error), _) => closed(error),
            (Ok(templates), false) => {
                let mut faults = document(kit, method, language, name, &templates, samples)?;
                // a custodian may want it in large print
                if let Ok(large) = open(true) {
                    faults.extend(document(kit, method, language, name, &large, None)?);
                }
                faults
            }
            (Ok(normal), true) => {
                if !normal.has_sheet() {
                    ui.warn(&format!("there is no {row}: its custodians get the English sheet"));
                }
                match open(true) {
                    Ok(large) => sheets(method, language, &normal, &large, samples)?,
                    Err(error) => closed(error),
                }
            }
        };
        rows.insert(row, faults);
    }
    for (file, why) in Templates::unused(kit.dir()).map_err(|e| Failure::invalid(e.to_string()))? {
        rows.insert(file, Faults::from([(format!("it is not used: {why}"), Vec::new())]));
    }
    if rows.is_empty() {
        ui.say(&format!(
            "There are no templates in `{}`, and the papers of the packs are as they were: everything is printed by the built-in ones.",
            kit.templates().display()
        ));
    }
    let mut bad = 0;
    for (row, faults) in rows {
        bad += faults.len();
        ui.data(&format!("{row}  {}", if faults.is_empty() { "ok" } else { "not ok" }));
        for (fault, kinds) in faults {
            // one and the same fault in all kinds of sheets is one fault
            let kinds = match &kinds[..] {
                [] => String::new(),
                [one] => format!("  ({one})"),
                [one, more @ ..] => format!("  ({one}; and {} more kinds)", more.len()),
            };
            ui.data(&format!("  {}{kinds}", fault.replace('\n', "\n  ")));
        }
    }
    if bad == 0 {
        return Ok(Exit::Done);
    }
    ui.say_hint("the built-in templates and their language: `breakglass print --built-in -o DIR`");
    Ok(Exit::No)
}

/// Returns what is wrong with a document.
fn document(
    kit: &Kit,
    method: &Method,
    language: &str,
    name: &str,
    templates: &Templates,
    samples: Option<&Path>,
) -> Result<Faults, Failure> {
    let mut faults = Faults::new();
    for paper in [PaperSize::A4, PaperSize::Letter] {
        match fill(name, kit, (method, ""), (paper, templates), None, |_| {}) {
            Ok(pdf) if paper == templates.paper() => {
                save(samples, &format!("sample-{name}-{language}.pdf"), &pdf)?;
            }
            Ok(_) => {}
            Err(error) => {
                faults.entry(error.to_string()).or_default().push(word(paper).to_owned());
            }
        }
    }
    Ok(faults)
}

fn word(paper: PaperSize) -> &'static str {
    match paper {
        PaperSize::A4 => "a4",
        PaperSize::Letter => "letter",
    }
}

/// One kind of sheet that a template has to be able to hold.
struct Sample {
    what: &'static str,
    /// Bytes of the credential.
    bytes: usize,
    expires: bool,
    /// How many keys open its lock, none for a passphrase; nothing when it is not locked.
    lock: Option<usize>,
    long_names: bool,
}

const SAMPLES: [Sample; 7] = [
    Sample::of("a short credential", 40),
    Sample { expires: true, ..Sample::of("one that expires", 400) },
    Sample::of("one of several parts", 3000),
    Sample { lock: Some(2), ..Sample::of("a locked sheet", 40) },
    Sample { lock: Some(0), ..Sample::of("a sheet with a passphrase", 40) },
    Sample { expires: true, long_names: true, ..Sample::of("names of 60 letters", 200) },
    Sample { lock: Some(4), long_names: true, ..Sample::of("four keys and long names", 40) },
];

/// Returns what is wrong with the sheet of a language.
fn sheets(
    method: &Method,
    language: &str,
    normal: &Templates,
    large: &Templates,
    samples: Option<&Path>,
) -> Result<Faults, Failure> {
    let is_large = |c: &Custodian| c.large_print && c.lang.as_deref().unwrap_or("en") == language;
    let large_too = method.custodians.iter().any(is_large);
    let prints = [(normal, ""), (large, "large-")].into_iter().take(if large_too { 2 } else { 1 });
    let mut faults = Faults::new();
    for value in normal.lacking().unwrap_or_default() {
        faults.insert(format!("leaf 1 does not print `{{{{ {value} }}}}`"), Vec::new());
    }
    for (templates, print) in prints {
        for sample in &SAMPLES {
            let text = sample.text(method)?;
            for paper in [PaperSize::A4, PaperSize::Letter] {
                match paper::render(&text, paper, templates) {
                    Ok(pdf) if paper == templates.paper() => {
                        let name = sample.what.replace(' ', "-");
                        save(samples, &format!("sample-sheet-{language}-{print}{name}.pdf"), &pdf)?;
                    }
                    Ok(_) => {}
                    Err(error) => {
                        let print = if print.is_empty() { "" } else { ", large print" };
                        let kind = format!("{}, {}{print}", sample.what, word(paper));
                        faults.entry(error.to_string()).or_default().push(kind);
                    }
                }
            }
        }
    }
    Ok(faults)
}

impl Sample {
    const fn of(what: &'static str, bytes: usize) -> Self {
        Self { what, bytes, expires: false, lock: None, long_names: false }
    }

    /// Deals a set that nobody keeps and returns the texts of its first sheet.
    fn text(&self, method: &Method) -> Result<paper::SheetText, Failure> {
        let mut method = method.clone();
        "SAMPLE, opens nothing".clone_into(&mut method.name);
        if let Some(first) = method.custodians.first_mut() {
            if self.long_names {
                LONG_NAME.chars().take(60).collect::<String>().clone_into(&mut first.name);
            }
            first.lock = None;
            if let Some(keys) = self.lock {
                first.lock = Some(match keys {
                    0 => Lock::Passphrase,
                    keys => {
                        Lock::Recipients(NOBODY[..keys].iter().map(|&r| r.to_owned()).collect())
                    }
                });
                "sealed envelope, second safe of the site".clone_into(&mut first.second_way);
            }
        }
        let expires = self.expires.then(|| Instant::now().plus_hours(24 * 365).unix());
        let terms = Terms {
            threshold: method.threshold,
            generation: 12,
            created: Instant::now().unix(),
            expires,
            revoke_within: method.revoke_within,
            max_session: method.max_session,
            uses: method.uses,
            method_hash: [0; 32],
            method: method.id.clone(),
            scope: method.scope.clone(),
            credential_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        };
        let failed = |error: String| Failure::invalid(error);
        let mut rng = rng::os();
        let secret: Vec<u8> = (0..self.bytes).map(|_| rng::bytes::<1>(&mut rng)[0]).collect();
        let sheets: Vec<SheetId> = method.custodians.iter().take(1).map(|c| c.sheet).collect();
        let mut dealt = dealing::deal(&Secret::new(secret), terms, &sheets, &mut rng)
            .map_err(|e| failed(e.to_string()))?;
        if let Some(keys) = self.lock {
            // a passphrase's lock is about as long as one to a key
            let keys: Vec<String> = NOBODY[..keys.max(1)].iter().map(|&r| r.to_owned()).collect();
            let lock = lock::Lock::Recipients(&keys);
            dealt.lock(sheets[0], lock, &Person::nobody()).map_err(|e| failed(e.to_string()))?;
        }
        dealt
            .sheets
            .first()
            .map(|sheet| dealt.sheet_text(sheet, &method))
            .ok_or_else(|| failed("nobody holds a sheet".to_owned()))
    }
}

fn save(folder: Option<&Path>, name: &str, pdf: &[u8]) -> Result<(), Failure> {
    let Some(folder) = folder else { return Ok(()) };
    std::fs::create_dir_all(folder)
        .map_err(|e| Failure::invalid(format!("cannot make `{}`: {e}", folder.display())))?;
    files::write_new(&folder.join(name), pdf)?;
    Ok(())
}
