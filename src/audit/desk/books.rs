//! Logbooks, read as far as their chains hold; copies of one count once.

use std::path::Path;

use super::error::DeskError;
use crate::audit::case::{Book, Input};
use crate::audit::source::Source;
use crate::clock::Instant;
use crate::files::FileError;
use crate::logbook::{Entry, Event, LogError, Logbook};

/// Takes away books that are copies of another one, or its beginning; the one that knows its methods stays. Returns them as
/// files that were looked at.
pub(super) fn copies(books: &mut Vec<Book>) -> Vec<Input> {
    let mut copies = Vec::new();
    // the longest first, and of the same length the one from a kit
    books.sort_by_key(|book| std::cmp::Reverse((book.entries.len(), book.dealt.len())));
    let mut kept: Vec<Book> = Vec::new();
    for mut book in std::mem::take(books) {
        let begins = |longer: &Book| {
            book.broken.is_none()
                && book.torn == 0
                && longer.entries.iter().zip(&book.entries).all(|(a, b)| a.line == b.line)
                && longer.state.method == book.state.method
        };
        let Some(longer) = kept.iter_mut().find(|longer| begins(longer)) else {
            kept.push(book);
            continue;
        };
        // a kit knows what was dealt, even where its book is the shorter one
        if longer.dealt.is_empty() {
            longer.dealt = std::mem::take(&mut book.dealt);
            longer.today = longer.today.take().or(book.today.take());
        }
        let what = if longer.entries.len() == book.entries.len() {
            "copy of the logbook"
        } else {
            "copy of the logbook, its end missing"
        };
        copies.push(Input { path: book.path, what, sha256: book.sha256 });
    }
    kept.sort_by(|a, b| a.path.cmp(&b.path));
    *books = kept;
    copies
}

/// Returns the SHA-256 of a file.
pub(super) fn hash_of(path: &Path) -> Result<[u8; 32], DeskError> {
    let source = Source::open(path)?;
    let io = |source| FileError::Io { deed: "read", path: path.to_owned(), source };
    Ok(source.finish().map_err(io)?.0)
}

/// Reads a logbook as far as its chain holds.
pub(super) fn read_book(path: &Path, as_of: Instant) -> Result<Book, DeskError> {
    let bytes_hash = hash_of(path)?;
    let log = Logbook::at(path);
    let mut book = Book { path: path.to_owned(), sha256: bytes_hash, ..Book::default() };
    let mut records = log.records()?;
    for entry in records.by_ref() {
        match entry {
            // what came after the time of the audit is not judged
            Ok(entry) if entry.at().is_some_and(|at| at > as_of) => {}
            Ok(entry) => take(&mut book, entry),
            Err(LogError::Line { line, what, .. }) => book.broken = Some((line, what)),
            Err(error) => return Err(error.into()),
        }
    }
    book.torn = records.torn;
    Ok(book)
}

/// Says whether a record takes a release back: an auditor looks at it all the same, and at who has taken it back.
fn hides_a_release(book: &Book, entry: &Entry) -> bool {
    let mut releases = book.state.sets.iter().flat_map(|set| &set.releases);
    entry.is(Event::Void)
        && match entry.record() {
            Some(record) => releases.any(|release| release.record == record),
            None => book.state.set(entry.text("set")).is_some_and(|set| !set.releases.is_empty()),
        }
}

fn take(book: &mut Book, entry: Entry) {
    if !hides_a_release(book, &entry) {
        book.state.fold(&entry);
    }
    let inner = match entry.imported() {
        Some(inner) => {
            book.imports.push(entry.line);
            inner
        }
        None => entry,
    };
    let named = inner.members.get("evidence").and_then(serde_json::Value::as_array);
    // recordings have rules of their own
    let named = named.filter(|_| !inner.is(Event::Session));
    for file in named.into_iter().flatten() {
        if let (Some(name), Some(hash)) = (file["file"].as_str(), file["sha256"].as_str()) {
            book.named.push((inner.seq, name.to_owned(), hash.to_owned(), None));
        }
    }
    book.entries.push(inner);
}
