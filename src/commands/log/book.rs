//! `log book`: the paper book, to be bound.

use crate::cli::LogBook;
use crate::commands::Context;
use crate::commands::print::write_document;
use crate::exit::Exit;
use crate::logbook::member::typed;
use crate::ui::Failure;

/// Most double pages of one book.
const MOST: u16 = 200;

pub(super) fn run(context: &Context, args: &LogBook) -> Result<Exit, Failure> {
    let name = typed(&args.book).map_err(Failure::invalid)?;
    if name.is_empty() || name.chars().count() > 12 {
        return Err(Failure::invalid("a book has a short name, like `B1`"));
    }
    if !(1..=MOST).contains(&args.pages) {
        return Err(Failure::invalid(format!("a book has 1 to {MOST} double pages")));
    }
    write_document(context, "book", &args.output, args.paper, |values| {
        values.set("book", name);
        values.list("spreads", 1..=args.pages);
    })?;
    context.hint(
        "print it on both sides, bind it, number nothing by hand; begin it with a line BEGIN",
    );
    Ok(Exit::Done)
}
