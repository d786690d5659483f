//! `status --lint`: what speaks against a method file.

use std::path::PathBuf;

use crate::commands::{Context, driver};
use crate::exit::Exit;
use crate::kit::Kit;
use crate::method::lint::{Objection, lint};
use crate::ui::Failure;

pub(super) fn run(context: &Context, dirs: &[PathBuf]) -> Result<Exit, Failure> {
    let ui = &context.ui;
    let mut kits = Vec::new();
    if dirs.is_empty() {
        kits.push(context.kit()?);
    }
    for dir in dirs {
        kits.push(Kit::open(dir)?);
    }
    let mut clean = true;
    for kit in kits {
        // the file as it is: what was dealt cannot be mended any more
        let (method, _) = kit.method()?;
        let mut objections = lint(&method, &kit.contacts()?);
        // what `split` would refuse
        if let Err(failure) = driver::check(context, &kit, &method) {
            let fix = "what each driver is told stands in drivers/README.md";
            objections.push(Objection { what: failure.message, fix });
        }
        clean &= objections.is_empty();
        match objections.len() {
            0 => ui.data(&format!("{}: nothing speaks against it", method.id)),
            number => ui.data(&format!("{}: {number} things speak against it", method.id)),
        }
        for Objection { what, fix } in objections {
            ui.data(&format!("  - {what}"));
            ui.data(&format!("    {fix}"));
        }
    }
    Ok(if clean { Exit::Done } else { Exit::No })
}
