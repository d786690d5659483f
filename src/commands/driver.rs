//! The driver that a method names, for every command that asks one.

use super::Context;
use crate::drivers::NAMES;
use crate::kit::Kit;
use crate::method::{Method, Rotation};
use crate::rotation::answer::Described;
use crate::rotation::driver::{CallError, Driver, FindError};
use crate::rotation::protocol::Request;
use crate::ui::{Failure, Ui};

/// Says whether the driver that a method file names is there, before anything is dealt that needs it.
///
/// Returns what it says of itself.
pub(super) fn check(
    context: &Context,
    kit: &Kit,
    method: &Method,
) -> Result<Option<Described>, Failure> {
    let Some(rotation) = &method.rotation else { return Ok(None) };
    described(context, &mut find(context, kit, rotation)?, rotation).map(Some)
}

/// Asks a driver what it is, and holds the target against what it knows.
pub(super) fn described(
    context: &Context,
    driver: &mut Driver,
    rotation: &Rotation,
) -> Result<Described, Failure> {
    let request = Request { target: Some(&rotation.target), ..Request::default() };
    let described = asked(&context.ui, |tell| driver.describe(&request, tell))
        .map_err(|e| Failure::invalid(e.to_string()))?;
    match described.mistake(&rotation.target) {
        None => Ok(described),
        Some(mistake) => Err(Failure::invalid(mistake)
            .hint("mend it in method.toml, which a METHOD record then approves")),
    }
}

/// Finds the driver; an unpinned or changed one is not run.
pub(super) fn find(context: &Context, kit: &Kit, rotation: &Rotation) -> Result<Driver, Failure> {
    let found = Driver::find(rotation, kit.dir(), &context.program, &NAMES);
    found.map_err(|error| {
        let failure = Failure::invalid(error.to_string());
        match error {
            FindError::Unknown(_) => {
                let known = NAMES.join(", ");
                failure.hint(&*format!("there are {known}, or a file of this kit: drivers/NAME with its pin"))
            }
            FindError::Changed(_) => failure.hint("bring the file back that was dealt with; a new driver comes in with the next set, after a METHOD record"),
            FindError::File { .. } => failure,
        }
    })
}

/// Asks a driver and shows what it says besides.
pub(super) fn asked<T>(
    ui: &Ui,
    ask: impl FnOnce(&dyn Fn(&str)) -> Result<T, CallError>,
) -> Result<T, CallError> {
    ask(&|line| ui.say(&format!("  driver: {line}")))
}
