//! `init`: start a kit.

use super::Context;
use crate::cli::Init;
use crate::exit::Exit;
use crate::kit::Kit;
use crate::ui::Failure;

pub(super) fn run(context: &Context, args: &Init) -> Result<Exit, Failure> {
    let ui = &context.ui;
    let written = Kit::init(&args.dir)?;
    ui.say(&format!("Started a kit in `{}`", args.dir.display()));
    for path in &written {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let what = match &*name {
            "method.toml" => "the access method: edit it, it is an example",
            "contacts.toml" => "how to reach the custodians: edit it",
            "recover.py" => "opens a set with nothing but python3, without this program",
            "verify.py" => "verifies the logbook with nothing but python3",
            ".gitignore" => "keeps papers and secrets out of git",
            _ => "makes git keep every byte as it is",
        };
        ui.say(&format!("  {name:<16}{what}"));
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
