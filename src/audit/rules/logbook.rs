//! LOG: does the book hold together, and does it say what the paper says?

use super::{Rule, View};
use crate::audit::finding::{Finding, Severity};
use crate::logbook::transcript::Finding as Differs;
use crate::logbook::{Entry, Event};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "BG-LOG-001",
        severity: Severity::Critical,
        title: "the chain is broken",
        why: "a record was changed, lost or put in afterwards",
        needs: "the logbook",
        clauses: &["NIST SP 800-53 AU-9", "NIST SP 800-53 AU-10"],
        remedy: "compare with the paper book and with other copies of the kit; find out who had the file",
        check: chain,
    },
    Rule {
        id: "BG-LOG-002",
        severity: Severity::High,
        title: "records are missing or doubled",
        why: "two books of one method, or a book with holes, are no book",
        needs: "the logbook; other copies of it",
        clauses: &["NIST SP 800-53 AU-9"],
        remedy: "bring the copies together with `breakglass log import`",
        check: numbers,
    },
    Rule {
        id: "BG-LOG-003",
        severity: Severity::High,
        title: "a line of the paper book has no record",
        why: "something happened that the file does not know",
        needs: "the logbook and the transcript of the paper book",
        clauses: &["ISO/IEC 27001:2022 A.8.15"],
        remedy: "bring the record in (`breakglass log import`, `log add`), with the reason why it was missing",
        check: only_on_paper,
    },
    Rule {
        id: "BG-LOG-004",
        severity: Severity::High,
        title: "a record is not in the paper book",
        why: "ink is what nobody can change afterwards",
        needs: "the logbook and the transcript of the paper book",
        clauses: &["ISO/IEC 27001:2022 A.8.15"],
        remedy: "paste in its strip (`breakglass log stub SEQ -o DIR`), with date and initials",
        check: only_in_file,
    },
    Rule {
        id: "BG-LOG-005",
        severity: Severity::High,
        title: "paper and file differ",
        why: "one of the two was changed",
        needs: "the logbook and the transcript of the paper book",
        clauses: &["NIST SP 800-53 AU-10"],
        remedy: "look at the line in ink; its check code tells which record was written down",
        check: differs,
    },
    Rule {
        id: "BG-LOG-006",
        severity: Severity::Medium,
        title: "rules were overridden, or records taken back",
        why: "each is for somebody independent to look at",
        needs: "the logbook",
        clauses: &["NIST SP 800-53 AU-6"],
        remedy: "go through them with the owner, and record REVIEW",
        check: exceptions,
    },
    Rule {
        id: "BG-LOG-007",
        severity: Severity::Medium,
        title: "records that nobody has reviewed",
        why: "a book that nobody reads protects nobody",
        needs: "the logbook",
        clauses: &["NIST SP 800-53 AU-6", "PCI DSS 10.4.1"],
        remedy: "have somebody independent read it, and record REVIEW",
        check: reviewed,
    },
    Rule {
        id: "BG-LOG-008",
        severity: Severity::Medium,
        title: "times run backwards",
        why: "a record from before the one before it was written afterwards, or a clock was wrong",
        needs: "the logbook",
        clauses: &["ISO/IEC 27001:2022 A.8.17"],
        remedy: "ask whoever wrote it; a typed time is marked `operator`",
        check: backwards,
    },
    Rule {
        id: "BG-LOG-009",
        severity: Severity::High,
        title: "the end of the file is missing",
        why: "a chain cannot show that its last lines were cut off; the last check code in ink can",
        needs: "the transcript of the paper book, with check codes",
        clauses: &["NIST SP 800-53 AU-9"],
        remedy: "find another copy of the kit, or rebuild the records from their strips",
        check: truncated,
    },
];

/// How long a record may wait for its review, seconds.
const REVIEW: i64 = 90 * 86_400;

fn chain(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for book in &view.case.books {
        let name = book.path.display();
        let finding = match &book.broken {
            Some((line, what)) => rule
                .fail(format!("`{name}`, line {line}: {what}; nothing after it was looked at"))
                .records([*line]),
            None => {
                rule.pass(format!("`{name}`: {} records, the chain is whole", book.state.records))
            }
        };
        out.push(
            finding.of_method(&book.state.method).key(book.broken.as_ref().map_or(0, |b| b.0)),
        );
    }
}

fn numbers(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    let books = &view.case.books;
    for (i, book) in books.iter().enumerate() {
        let method = &book.state.method;
        let mut fine = true;
        for other in books[..i].iter().filter(|other| &other.state.method == method) {
            let fork = book.entries.iter().zip(&other.entries).find(|(a, b)| a.line != b.line);
            if let Some((a, _)) = fork {
                fine = false;
                let what = format!(
                    "`{}` and `{}` are two books of {method}: they differ from record {} on",
                    other.path.display(),
                    book.path.display(),
                    a.seq
                );
                out.push(rule.fail(what).of_method(method).records([a.seq]).key(a.seq));
            }
        }
        if book.torn > 0 {
            fine = false;
            let what =
                format!("`{}` ends in {} bytes of a torn record", book.path.display(), book.torn);
            out.push(rule.fail(what).of_method(method).key("torn"));
        }
        if fine && book.broken.is_none() {
            out.push(rule.pass("records follow each other without a hole").of_method(method));
        }
    }
}

/// Gives every difference of a kind, for each transcript.
fn paper(
    rule: &'static Rule,
    view: &View<'_>,
    out: &mut Vec<Finding>,
    kind: impl Fn(&Differs) -> bool,
    fine: &str,
) {
    for (number, book) in view.case.books.iter().enumerate() {
        let method = &book.state.method;
        let papers: Vec<_> = view.case.paper.iter().filter(|paper| paper.book == number).collect();
        if papers.is_empty() {
            let what = "the paper book was not typed in, so nobody can tell";
            out.push(rule.cannot_tell(what).of_method(method));
            continue;
        }
        let mut kept = true;
        for difference in papers.iter().flat_map(|paper| &paper.findings).filter(|d| kind(d)) {
            kept = false;
            let finding = rule.fail(difference.what()).of_method(method);
            let finding = finding.records(difference.record());
            let record = difference.record();
            let sets = book.state.sets.iter().flat_map(|set| &set.releases);
            let release = sets.map(|release| release.record).find(|known| Some(*known) == record);
            let finding = release.map_or(finding.clone(), |release| finding.release(release));
            out.push(finding.key(difference));
        }
        // date, event and sheets are on paper; whether names and reasons are those of the record only its code tells
        let bare = papers.iter().any(|paper| paper.coded.0 < paper.lines);
        if kept && rule.id == "BG-LOG-005" && bare {
            let what = "lines of the paper were typed without their check codes: what else their records say cannot be compared";
            out.push(rule.cannot_tell(what).of_method(method));
        } else if kept {
            out.push(rule.pass(fine).of_method(method));
        }
    }
}

fn only_on_paper(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    paper(
        rule,
        view,
        out,
        |d| matches!(d, Differs::Extra { .. }),
        "every line of the paper book has its record",
    );
    for strip in &view.case.strips {
        let (entry, method) = (strip, strip.text("method"));
        let finding = match glued(view, strip) {
            Glued::Known => rule.pass(format!("the strip of {} has its record", name(entry))),
            Glued::Missing => rule.fail(format!("the strip of {} has no record", name(entry))),
            // under its number stands another one, which is the question of BG-LOG-005
            Glued::Other(_) => continue,
        };
        out.push(finding.of_method(method).key(entry.check_code()));
    }
}

fn name(entry: &Entry) -> String {
    let event = entry.text("event");
    if entry.is_loose() {
        format!("a loose {event} of {}", entry.text("at"))
    } else {
        format!("record {} ({event})", entry.seq)
    }
}

/// What became of a record on a strip.
enum Glued {
    /// It is in the book, byte for byte.
    Known,
    /// Under its number stands another record.
    Other(u64),
    /// No book of its method has it.
    Missing,
}

fn glued(view: &View<'_>, entry: &Entry) -> Glued {
    let mut other = None;
    let books = view.case.books.iter();
    for book in books.filter(|book| book.state.method == entry.text("method")) {
        let mut lines = book.entries.iter().map(|known| &known.line).chain(&book.imports);
        if lines.any(|line| *line == entry.line) {
            return Glued::Known;
        }
        let number = |known: &&Entry| !entry.is_loose() && known.seq == entry.seq;
        other = other.or(book.entries.iter().find(number).map(|known| known.seq));
    }
    other.map_or(Glued::Missing, Glued::Other)
}

fn only_in_file(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    paper(
        rule,
        view,
        out,
        |d| matches!(d, Differs::Missing { .. }),
        "every record has its line in the paper book",
    );
}

fn differs(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    let other = |d: &Differs| !matches!(d, Differs::Extra { .. } | Differs::Missing { .. });
    paper(rule, view, out, other, "lines and records say the same");
    for strip in &view.case.strips {
        if let Glued::Other(seq) = glued(view, strip) {
            let what = format!("the strip of record {seq} says something else than the record");
            let finding = rule.fail(what).of_method(strip.text("method"));
            out.push(finding.records([seq]).key(strip.check_code()));
        }
    }
}

fn exceptions(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for book in &view.case.books {
        let mut fine = true;
        let odd = |e: &&Entry| e.is(Event::Exception) || e.is(Event::Void);
        for entry in book.entries.iter().filter(odd).filter(|e| e.seq > book.state.reviewed) {
            fine = false;
            let what = match entry.event {
                Some(Event::Exception) => {
                    format!(
                        "record {}: {}; {}",
                        entry.seq,
                        entry.text("kind"),
                        entry.text("reason_text")
                    )
                }
                _ => format!("record {}: taken back: {}", entry.seq, entry.text("note")),
            };
            let finding = rule.fail(what).of_method(&book.state.method);
            out.push(finding.records([entry.seq]).key(entry.seq));
        }
        if fine {
            let what = "no exception or void record is without its review";
            out.push(rule.pass(what).of_method(&book.state.method));
        }
    }
}

fn reviewed(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for book in &view.case.books {
        let waiting =
            book.entries.iter().find(|e| e.seq > book.state.reviewed && !e.is(Event::Review));
        let old = waiting.and_then(Entry::at).filter(|at| view.case.as_of.since(*at) > REVIEW);
        let finding = match (waiting, old) {
            (Some(entry), Some(at)) => rule
                .fail(format!("records from {} on ({}) were never reviewed", entry.seq, at.date()))
                .records([entry.seq]),
            _ => rule.pass("nothing waits for its review longer than 90 days"),
        };
        out.push(finding.of_method(&book.state.method));
    }
}

fn backwards(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for book in &view.case.books {
        let mut fine = true;
        let mut last: Option<(u64, crate::clock::Instant)> = None;
        for entry in &book.entries {
            let Some(at) = entry.at() else { continue };
            if let Some((seq, before)) = last
                && before.since(at) > view.case.skew
            {
                fine = false;
                let clock = entry.text("clock");
                let what = format!(
                    "record {} is of {} ({clock}), record {seq} before it of {}",
                    entry.seq,
                    at.rfc3339(),
                    before.rfc3339()
                );
                let finding = rule.fail(what).of_method(&book.state.method);
                out.push(finding.records([seq, entry.seq]).observed(at.rfc3339()).key(entry.seq));
            }
            last = Some((entry.seq, last.map_or(at, |(_, before)| before.max(at))));
        }
        if fine {
            out.push(
                rule.pass("every record is later than the one before")
                    .of_method(&book.state.method),
            );
        }
    }
}

fn truncated(rule: &'static Rule, view: &View<'_>, out: &mut Vec<Finding>) {
    for (number, book) in view.case.books.iter().enumerate() {
        let method = &book.state.method;
        let papers: Vec<_> = view.case.paper.iter().filter(|paper| paper.book == number).collect();
        if papers.is_empty() {
            let what =
                "without the paper book nobody can tell whether the last records are missing";
            out.push(rule.cannot_tell(what).of_method(method));
            continue;
        }
        let coded = papers.iter().any(|paper| paper.coded.1);
        out.push(if papers.iter().any(|paper| paper.past_end) {
            rule.fail("lines of the paper book are later than the last record of the file")
        } else if coded {
            rule.pass("the last line in ink is in the file, and its check code fits")
        } else {
            rule.cannot_tell("the last line of the paper was typed without its check code: nobody can tell whether the last record is the one in ink")
        }.of_method(method));
    }
}
