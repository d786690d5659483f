//! `log`: what is done with the logbook itself.

mod add;
mod book;
mod compare;
mod evidence;
mod flags;
mod import;
mod questions;
mod show;
mod stub;
mod verify;

use super::Context;
use crate::cli::Log;
use crate::exit::Exit;
use crate::logbook::Logbook;
use crate::ui::Failure;

pub(super) fn run(context: &Context, args: &Log) -> Result<Exit, Failure> {
    match args {
        Log::Show(args) => show::run(context, args),
        Log::Verify(args) => verify::run(context, args),
        Log::Add(args) => add::run(context, args),
        Log::Stub(args) => stub::run(context, args),
        Log::Import(args) => import::run(context, args),
        Log::Book(args) => book::run(context, args),
        Log::Transcript(args) => compare::transcript(context, args),
        Log::Compare(args) => compare::run(context, args),
    }
}

/// Returns the kit's logbook, which has to be there.
pub(super) fn existing(context: &Context) -> Result<Logbook, Failure> {
    let book = context.kit()?.logbook();
    if book.exists() {
        Ok(book)
    } else {
        Err(Failure::invalid(format!("there is no logbook `{}` yet", book.path().display()))
            .hint("`breakglass split` begins one"))
    }
}
