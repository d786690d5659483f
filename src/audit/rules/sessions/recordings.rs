//! Recordings held against the records that name them.

use std::collections::HashSet;
use std::path::Path;

use super::{last, named, of_session, recorded};
use crate::audit::case::{Book, Case, Recorded};
use crate::audit::finding::Finding;
use crate::audit::rules::{Rule, View};
use crate::logbook::{Entry, Event, hex};

/// How long a recording may be without its record, seconds: the session may not be over.
const SOON: i64 = 86_400;

/// What became of something that a record names.
pub(super) enum Found<'a> {
    /// It is here as it was, and can be looked at.
    Recording(&'a Recorded),
    /// It is here as it was: a film, or a file that is sealed.
    File,
    /// It goes on behind what the record knows: the parts that it knows.
    Longer(&'a Recorded, usize),
    /// Another one has its name.
    Other(&'a Recorded),
    /// Another file has its name.
    OtherFile(&'a Path),
    /// It is not here.
    Missing,
}

/// Everything on the desk that a record of a session may name.
pub(super) struct Shelf<'a> {
    case: &'a Case,
    /// Files and their hashes; a recording that is a folder is none.
    files: Vec<(&'a Path, String)>,
    hashes: HashSet<String>,
    /// Every hash that a record of a session names.
    named: HashSet<&'a str>,
}

impl<'a> Shelf<'a> {
    pub(super) fn of(case: &'a Case) -> Self {
        let folders = case.recordings.iter().filter(|recording| recording.folder);
        let folders: HashSet<&Path> = folders.map(|recording| &*recording.path).collect();
        let inputs = case.inputs.iter().map(|input| (&*input.path, &input.sha256));
        let evidence = case.evidence.iter().map(|file| (&*file.path, &file.sha256));
        let all = inputs.chain(evidence).filter(|(path, _)| !folders.contains(path));
        let files: Vec<_> = all.map(|(path, sha256)| (path, hex(sha256))).collect();
        let entries = case.books.iter().flat_map(|book| &book.entries);
        let sessions = entries.filter(|entry| entry.is(Event::Session));
        let named = sessions.flat_map(named).map(|(_, hash)| hash).collect();
        let hashes = files.iter().map(|(_, sha256)| sha256.clone()).collect();
        Self { case, files, hashes, named }
    }

    /// Finds what a record names: by its hash, and then by its name.
    pub(super) fn find(&self, book: &Book, file: &str, hash: &str) -> Found<'a> {
        let all = || self.case.recordings.iter();
        let mut same = all().filter(|recording| recording.ends_with(hash));
        let whole = same.clone().find(|recording| recording.broken.is_none());
        if let Some(same) = whole.or(same.next()) {
            return Found::Recording(same);
        }
        if self.hashes.contains(hash) {
            return Found::File;
        }
        let longer = all().find_map(|recording| Some((recording, recording.known_to(hash)?)));
        if let Some((recording, known)) = longer {
            return Found::Longer(recording, known);
        }
        // what is called so may be what another record names
        let name = last(file);
        let own = |recording: &&Recorded| {
            let of_other = |head: &String| self.named.contains(head.as_str());
            recording.folder
                && recording.name() == name
                && recording.may_be_of(&book.state.method)
                && !recording.heads.last().is_some_and(of_other)
        };
        if let Some(other) = all().find(own) {
            return Found::Other(other);
        }
        let called = |path: &Path| path.file_name().is_some_and(|own| own == name);
        let own = |(path, hash): &&(&Path, String)| called(path) && !self.named.contains(&**hash);
        self.files.iter().find(own).map_or(Found::Missing, |(path, _)| Found::OtherFile(path))
    }
}

pub(super) fn altered(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    let shelf = Shelf::of(view.case);
    for book in &view.case.books {
        for entry in recorded(book) {
            for (file, hash) in named(entry) {
                let finding = as_recorded(rule, &shelf, (book, entry), (file, hash));
                out.push(of_session(finding, view, book, entry).key(file));
            }
            if entry.text("result") == "cut off" {
                let what = format!(
                    "the recording of record {} was cut off: it ends before the session did",
                    entry.seq
                );
                let file = named(entry).map(|(file, _)| file).next().unwrap_or_default();
                let finding = of_session(rule.fail(what), view, book, entry);
                out.push(finding.key(format!("{file} cut off")));
            }
        }
    }
    unnamed(rule, view, out);
}

fn as_recorded(
    rule: &'static Rule,
    shelf: &Shelf<'_>,
    (book, entry): (&Book, &Entry),
    (file, hash): (&str, &str),
) -> Finding {
    let record = entry.seq;
    let parts = |recording: &Recorded| format!("it has {} parts here", recording.parts());
    match shelf.find(book, file, hash) {
        Found::Recording(Recorded { broken: Some(why), .. }) => {
            rule.fail(format!("`{file}` ends where record {record} says, and is not whole: {why}"))
        }
        Found::Recording(_) | Found::File => {
            rule.pass(format!("`{file}` is as record {record} says"))
        }
        Found::Longer(recording, known) => rule.fail(format!(
            "`{file}` goes on where it ends by record {record}, behind part {known}: {}",
            parts(recording)
        )),
        Found::Other(Recorded { broken: Some(why), .. }) => {
            rule.fail(format!("`{file}` of record {record} is not whole: {why}"))
        }
        Found::Other(recording) => rule.fail(format!(
            "`{file}` is not what record {record} says: it was altered, or cut off; {}",
            parts(recording)
        )),
        Found::OtherFile(path) => rule.fail(format!(
            "`{}` is not the file that record {record} names: it was changed since",
            path.display()
        )),
        Found::Missing => {
            rule.cannot_tell(format!("`{file}` of record {record} is not here: bring `{file}`"))
        }
    }
}

/// Recordings that no record names: of a session that broke off, or that was recorded elsewhere.
fn unnamed(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    let case = view.case;
    let books = || case.books.iter();
    let every: Vec<(&Book, &str, &str)> = books()
        .flat_map(|book| book.entries.iter().map(move |entry| (book, entry)))
        .filter(|(_, entry)| entry.is(Event::Session))
        .flat_map(|(book, entry)| named(entry).map(move |(file, hash)| (book, file, hash)))
        .collect();
    for recording in case.recordings.iter().filter(|recording| recording.folder) {
        let is_named = every.iter().any(|(book, file, hash)| {
            recording.known_to(hash).is_some()
                || last(file) == recording.name() && recording.may_be_of(&book.state.method)
        });
        if is_named {
            continue;
        }
        let path = recording.path.display();
        let Some(index) = &recording.index else {
            let why = recording.broken.as_deref().unwrap_or_default();
            let what = format!("a recording that no record names, and that is not whole: {why}");
            out.push(rule.fail(what).key(recording.name()));
            continue;
        };
        let known = books().any(|book| book.state.method == index.method);
        let began = index.started.rfc3339();
        let finding = if !known {
            let of = if index.method.is_empty() { "no method" } else { &index.method };
            rule.cannot_tell(format!(
                "`{path}` is a recording of {of}, and no book of that is here"
            ))
        } else if case.as_of.since(index.started) <= SOON {
            rule.pass(format!("`{path}` began {began}: it has a day for its record"))
        } else {
            rule.fail(format!(
                "`{path}` is a recording that no record names: it began {began} and has {} parts",
                recording.parts()
            ))
        };
        out.push(finding.of_method(&index.method).key(recording.heads.first().map_or("", |h| h)));
    }
}
