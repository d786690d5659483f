//! `driver-test`: whether a driver keeps the rules, against an account that is there to be tried on.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::Context;
use crate::cli::DriverTest;
use crate::drivers::NAMES;
use crate::exit::Exit;
use crate::files;
use crate::logbook::hex;
use crate::method::Rotation;
use crate::rng;
use crate::rotation::answer::Described;
use crate::rotation::conformance;
use crate::rotation::driver::Driver;
use crate::rotation::protocol::{Credential, Fields};
use crate::secret::Secret;
use crate::ui::Failure;

/// Fewest bytes of a part of the credential.
const SHORTEST: usize = 8;
/// Most bytes of a credential file.
const MAX_FILE: usize = 64 << 10;

pub(super) fn run(context: &Context, args: &DriverTest) -> Result<Exit, Failure> {
    let ui = &context.ui;
    if args.rules {
        ui.data(include_str!("../rotation/protocol.md").trim_end());
        return Ok(Exit::Done);
    }
    let patience = Duration::from_secs(args.patience);
    let driver = find(context, args)?.with_patience(Some(patience));
    let mut target = BTreeMap::new();
    for pair in &args.target {
        let (name, value) = pair.split_once('=').ok_or_else(|| {
            Failure::invalid(format!(
                "`--target {pair}` is not written like `--target user=breakglass`"
            ))
        })?;
        target.insert(name.to_owned(), value.to_owned());
    }
    let auth = credential(args)?;
    let short = auth.secret.iter().find(|(_, value)| value.expose().len() < SHORTEST);
    if let Some((name, _)) = short {
        let message = format!(
            "`{name}` has fewer than {SHORTEST} signs: whether it leaks, and whether a wrong one is refused, could not be told"
        );
        return Err(
            Failure::invalid(message).hint("try it with a credential like those that are dealt")
        );
    }
    ui.say(&format!(
        "Testing `{}`: it will make one credential beside {}, or change its secret and change it back",
        args.driver, auth.id
    ));
    let generate = |described: &Described| -> Result<Fields, String> {
        super::rotate::generated(described).map_err(|failure| failure.message)
    };
    let request_id = hex(&rng::bytes::<16>(&mut rng::os()));
    let checks = conformance::run(driver, &target, &auth, &generate, &request_id, patience);
    let mut broken = 0;
    for check in &checks {
        match &check.broken {
            None => ui.data(&format!("ok    {}", check.rule)),
            Some(why) => {
                broken += 1;
                ui.data(&format!("FAIL  {}: {}", check.rule, crate::ui::plain(why)));
                for line in &check.said {
                    ui.data(&format!("      it said: {}", crate::ui::plain(line)));
                }
            }
        }
    }
    if broken == 0 {
        return Ok(Exit::Done);
    }
    Err(Failure::new(Exit::No, format!("{broken} of {} rules are broken", checks.len())).hint(
        "`breakglass driver-test --rules` prints the rules; look whether a credential was left behind",
    ))
}

fn find(context: &Context, args: &DriverTest) -> Result<Driver, Failure> {
    if NAMES.contains(&args.driver.as_str()) {
        let rotation = Rotation { driver: args.driver.clone(), pin: None, target: BTreeMap::new() };
        return Driver::find(&rotation, &context.dir, &context.program, &NAMES)
            .map_err(|e| Failure::invalid(e.to_string()));
    }
    Driver::at(args.driver.as_ref()).map_err(|e| {
        Failure::invalid(format!("driver `{}`: {e}", args.driver))
            .hint("name a file, or a driver that is built in")
    })
}

/// Reads `{"id": …, "secret": {…}}`; never from the command line.
fn credential(args: &DriverTest) -> Result<Credential, Failure> {
    let path = args.credential.as_deref().unwrap_or(Path::new("-"));
    let bytes = if path.as_os_str() == "-" {
        files::read_from(files::stdin()?, path, MAX_FILE)?
    } else {
        files::read(path, MAX_FILE)?
    };
    let wrong = || {
        Failure::invalid(format!("`{}` is not a credential", path.display()))
            .hint(r#"it is written like {"id": "AKIA…", "secret": {"secret": "…"}}"#)
    };
    let value: Value = serde_json::from_slice(&bytes).map_err(|_| wrong())?;
    let id = value["id"].as_str().ok_or_else(wrong)?.to_owned();
    let parts = value["secret"].as_object().ok_or_else(wrong)?;
    let mut secret = Fields::new();
    for (name, part) in parts {
        let part = part.as_str().ok_or_else(wrong)?;
        secret.insert(name.clone(), Secret::new(part.as_bytes().to_vec()));
    }
    Ok(Credential { id, secret })
}
