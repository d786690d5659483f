//! `demo`: the newcomer's first minute. Every step is the real command, run as it is printed.

use std::path::{Path, PathBuf};

use clap::Parser;

use super::Context;
use crate::cli::{Cli, Demo};
use crate::exit::Exit;
use crate::files;
use crate::rng;
use crate::scan;
use crate::state::State;
use crate::ui::{Failure, Ui};

/// Pages are rasterised like this, dots per inch: an office scanner's default.
const DPI: f32 = 200.0;

/// Sheets that come together: any three of five.
const BROUGHT: [usize; 3] = [0, 2, 4];

pub(super) fn run(context: &Context, args: &Demo) -> Result<Exit, Failure> {
    let ui = &context.ui;
    let dir = &args.dir;
    if std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Failure::invalid(format!("`{}` is not empty", dir.display()))
            .hint("name a new folder: `breakglass demo DIR`"));
    }
    files::make_private_folder(dir)?;
    let at = |name: &str| dir.join(name).display().to_string();
    let (kit, credential, papers) = (at("kit"), at("credential.json"), at("papers"));
    let (scans, opened) = (at("scans"), at("opened.json"));

    chapter(ui, "1. A kit: one folder for one access method");
    step(context, &["init", &kit])?;

    chapter(ui, "2. A credential becomes five sheets of paper; any three open it");
    files::write_new(Path::new(&credential), throw_away().as_bytes())?;
    ui.say(&format!("(a throw-away credential was made up in `{credential}`)"));
    step(
        context,
        &[
            "-C",
            &kit,
            "split",
            "--from",
            &credential,
            "--credential-id",
            "AKIADEMODEMODEMO",
            "-o",
            &papers,
        ],
    )?;

    chapter(ui, "3. Three custodians bring their sheets, and somebody scans leaf 1 of each");
    let set_code = rasterise(context, Path::new(&kit), Path::new(&papers), Path::new(&scans))?;

    chapter(ui, "4. The credential is released to one named operator, on the record");
    ui.say("(the paper book would say the set code; at a terminal all of this is asked, one thing at a time)");
    let combine = [
        "-C",
        &kit,
        "combine",
        &scans,
        "--set-code",
        &set_code,
        "--operator",
        "Robin Vega",
        "--operator-id",
        "E2040",
        "--reason",
        "IDP-DOWN",
        "--ticket",
        "INC-4711",
        "--exception",
        "a demo beside a network",
        "--no-input",
        "--output",
        &opened,
    ];
    step(context, &combine)?;
    let before = files::read(Path::new(&credential), scan::MAX_TEXT)?;
    let after = files::read(Path::new(&opened), scan::MAX_TEXT)?;
    if before != after {
        return Err(Failure::new(Exit::No, "what was opened is not what was split"));
    }
    ui.say(&format!("`{opened}` is `{credential}`, byte for byte"));

    chapter(ui, "5. The logbook proves itself, with the paper book beside it");
    step(context, &["-C", &kit, "log", "show"])?;
    step(context, &["-C", &kit, "log", "verify"])?;

    chapter(ui, "Look at");
    for (path, what) in [
        (&papers, "the sheets: print one, and try your phone on anything but its codes"),
        (&scans, "what the scanner saw"),
        (&at("kit/logbook.jsonl"), "the record of the release"),
        (&at("kit/recover.py"), "the way without this program"),
    ] {
        ui.say(&format!("  {path:<34} {what}"));
    }
    context.hint(&format!(
        "start for real with `breakglass init DIR`; delete `{}` when you have seen enough",
        dir.display()
    ));
    Ok(Exit::Done)
}

fn chapter(ui: &Ui, title: &str) {
    ui.say("");
    ui.say(&Ui::strong(title));
}

/// Prints a command as it would be typed and runs it.
fn step(context: &Context, arguments: &[&str]) -> Result<(), Failure> {
    let typed: Vec<String> = arguments.iter().map(|a| quoted(a)).collect();
    context.ui.say(&format!("\n$ breakglass {}", typed.join(" ")));
    let cli = Cli::try_parse_from(["breakglass"].iter().chain(arguments))
        .map_err(|e| Failure::invalid(e.to_string()))?;
    match super::run(cli, context.program.clone()) {
        Exit::Done => Ok(()),
        other => Err(Failure::new(
            other,
            format!("`breakglass {}` ended with {}", typed.join(" "), other.code()),
        )),
    }
}

fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:".contains(c);
    if argument.chars().all(plain) { argument.to_owned() } else { format!("'{argument}'") }
}

/// A credential as AWS prints it, with random keys that open nothing.
fn throw_away() -> String {
    let key = crate::codes::crockford::encode(&rng::bytes::<25>(&mut rng::os()));
    format!(
        "{{\"AccessKey\":{{\"UserName\":\"breakglass-payments\",\"AccessKeyId\":\"AKIADEMODEMODEMO\",\
         \"Status\":\"Active\",\"SecretAccessKey\":\"{}\",\"CreateDate\":\"2026-11-24T12:00:00Z\"}}}}\n",
        &*key
    )
}

/// Turns leaf 1 of three sheets into pictures, and returns the set code that the logbook has.
fn rasterise(
    context: &Context,
    kit: &Path,
    papers: &Path,
    scans: &Path,
) -> Result<String, Failure> {
    files::make_private_folder(scans)?;
    let mut sheets: Vec<PathBuf> = std::fs::read_dir(papers)
        .map_err(|e| Failure::invalid(e.to_string()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    sheets.sort();
    for sheet in BROUGHT.iter().filter_map(|&i| sheets.get(i)) {
        let pdf = files::read(sheet, scan::MAX_FILE)?;
        let failed = |problem| Failure::invalid(format!("`{}` {problem}", sheet.display()));
        let picture = scan::picture(&pdf, 1, DPI).map_err(failed)?;
        let name = sheet.with_extension("png").file_name().map(PathBuf::from).unwrap_or_default();
        files::write_new(&scans.join(&name), &picture)?;
        context.ui.say(&format!("  {}", scans.join(&name).display()));
    }
    let (state, _) = State::of_book(&crate::kit::Kit::open(kit)?.logbook())?;
    Ok(state.newest().map(|set| set.code.clone()).unwrap_or_default())
}
