//! `init`: start a kit.

use super::Context;
use crate::cli::Init;
use crate::exit::Exit;
use crate::kit::Kit;
use crate::paper::PACKS;
use crate::ui::Failure;

pub(super) fn run(context: &Context, args: &Init) -> Result<Exit, Failure> {
    let ui = &context.ui;
    let written = Kit::init(&args.dir)?;
    ui.say(&format!("Started a kit in `{}`", args.dir.display()));
    let packs =
        PACKS.iter().map(|pack| (format!("{}/", pack.name), format!("papers {}", pack.whose)));
    let files = [
        ("README.md", "what is here, and which paper is for whom"),
        ("method.toml", "the access method: edit it, it is an example"),
        ("contacts.toml", "how to reach the custodians: edit it"),
        ("recover.py", "opens a set with nothing but python3, without this program"),
        ("verify.py", "verifies the logbook with nothing but python3"),
        ("drivers/", "what changes the credential on its platform"),
        ("queries/", "what to ask large stores of logs for an audit"),
        (".gitignore", "keeps papers and secrets out of git"),
        (".gitattributes", "makes git keep every byte as it is"),
    ];
    let files = files.map(|(name, what)| (name.to_owned(), what.to_owned()));
    for (name, what) in files.into_iter().chain(packs) {
        if written.iter().any(|path| path.starts_with(args.dir.join(&name))) {
            ui.say(&format!("  {name:<16}{what}"));
        }
    }
    let dir = if args.dir.as_os_str() == "." {
        String::new()
    } else {
        format!(" -C {}", args.dir.display())
    };
    context.hint(&format!(
        "edit `{}`, then see what speaks against it with `breakglass{dir} status --lint`, and what would be dealt with `breakglass{dir} split --dry-run`",
        args.dir.join("method.toml").display()
    ));
    Ok(Exit::Done)
}
