//! What may be left of the credential: in recordings, and where a session was.

use std::collections::BTreeSet;

use super::recordings::{Found, Shelf};
use super::{each, finish, named, of_session, recorded};
use crate::audit::case::{Book, Recorded};
use crate::audit::finding::Finding;
use crate::audit::rules::{Rule, View};

fn left_behind(record: u64, places: u64) -> String {
    format!(
        "record {record}: the credential was found in {} afterwards, and is still there",
        counted(places, "place")
    )
}

pub(super) fn left(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    let shelf = Shelf::of(view.case);
    let mut known: Vec<*const Recorded> = Vec::new();
    for book in &view.case.books {
        for entry in recorded(book) {
            let record = entry.seq;
            let number = |member: &str| entry.number(member).unwrap_or_default();
            let (short, still) = (number("too_short"), number("traces"));
            if short > 0 {
                let what = format!(
                    "record {record}: {} of the credential {} too short to be looked for",
                    counted(short, "value"),
                    if short == 1 { "was" } else { "were" }
                );
                out.push(of_session(rule.fail(what), view, book, entry).key("too short"));
            }
            if still > 0 {
                let what = left_behind(record, still);
                out.push(of_session(rule.fail(what), view, book, entry).key("traces"));
            }
            for (file, hash) in named(entry) {
                let finding = match shelf.find(book, file, hash) {
                    Found::Recording(recording)
                    | Found::Longer(recording, _)
                    | Found::Other(recording) => {
                        known.push(std::ptr::from_ref(recording));
                        searched(rule, recording, &auditors(book), entry.number("redacted"))
                    }
                    // people look at films, and nobody into what is sealed
                    Found::File | Found::OtherFile(_) => continue,
                    Found::Missing => {
                        rule.cannot_tell(format!("`{file}` of record {record} is not here"))
                    }
                };
                let finding = of_session(finding, view, book, entry);
                let key = format!("{file}{}", finding.key);
                out.push(finding.key(key));
            }
        }
    }
    for (look, release) in each(view) {
        let end = release.ended.map(|(end, _)| end);
        let entry = look.book.entries.iter().find(|entry| Some(entry.seq) == end);
        let still = entry.and_then(|entry| entry.number("traces")).unwrap_or_default();
        if let Some(end) = end.filter(|_| still > 0) {
            let finding = finish(rule.fail(left_behind(end, still)), look, release);
            out.push(finding.records([end]).key("traces"));
        }
    }
    for recording in &view.case.recordings {
        if !known.contains(&std::ptr::from_ref(recording)) {
            let finding = searched(rule, recording, &BTreeSet::new(), None);
            let method = recording.index.as_ref().map_or("", |index| &index.method);
            let key = format!("{}{}", recording.name(), finding.key);
            out.push(finding.of_method(method).key(key));
        }
    }
}

/// Returns the keys of the auditors, as the method was dealt and as it is.
fn auditors(book: &Book) -> BTreeSet<&str> {
    let methods = book.dealt.values().chain(book.today.as_ref().map(|(method, _)| method));
    methods.flat_map(|method| method.audit.recipients.iter().map(String::as_str)).collect()
}

/// Says what a recording holds; what it looks like and where, never what it is.
fn searched(
    rule: &'static Rule,
    recording: &Recorded,
    auditors: &BTreeSet<&str>,
    redacted: Option<u64>,
) -> Finding {
    let path = recording.path.display();
    let out = redacted.map(|number| counted(number, "time"));
    let out =
        out.map(|times| format!("; the credential was taken out {times}")).unwrap_or_default();
    if let Some(index) =
        recording.index.as_ref().filter(|_| recording.is_sealed() && recording.traces.is_empty())
    {
        let strange = |key: &&String| !auditors.is_empty() && !auditors.contains(&***key);
        if let Some(key) = index.recipients.iter().find(strange) {
            let what = format!("`{path}` is encrypted to {key}, which no method file here names");
            return rule.fail(what).key(key);
        }
        let keys = counted(index.recipients.len() as u64, "key");
        return rule.pass(format!("`{path}` is encrypted to {keys}{out}"));
    }
    if recording.heads.is_empty() {
        return rule.cannot_tell(format!("`{path}` cannot be read"));
    }
    if let Some(why) = recording.broken.as_ref().filter(|_| recording.traces.is_empty()) {
        return rule.cannot_tell(format!(
            "nothing in what is here of `{path}` has the shape of a secret, and it is not whole: {why}"
        ));
    }
    if recording.traces.is_empty() {
        return rule.pass(format!(
            "`{path}` is not encrypted, and nothing in it has the shape of a secret{out}"
        ));
    }
    let traces = recording.traces.iter().map(|trace| {
        let times =
            if trace.times > 1 { format!(", {} times", trace.times) } else { String::new() };
        format!("{} ({}{times})", trace.kind, trace.place)
    });
    let traces: Vec<String> = traces.collect();
    let kinds: Vec<&str> = recording.traces.iter().map(|trace| trace.kind).collect();
    rule.fail(format!("`{path}` can be read without a key, and holds {}", traces.join(", ")))
        .key(kinds.join(" "))
}

fn counted(number: u64, word: &str) -> String {
    let many = if number == 1 { "" } else { "s" };
    format!("{number} {word}{many}")
}
