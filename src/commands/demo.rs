//! placeholder
use super::Context;
use crate::cli::Demo;
use crate::exit::Exit;
use crate::ui::Failure;
pub(super) fn run(_context: &Context, _args: &Demo) -> Result<Exit, Failure> {
    Ok(Exit::Done)
}
