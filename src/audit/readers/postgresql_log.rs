//! PostgreSQL's log as `csvlog` or `jsonlog`.
//!
//! A statement is logged before it is run: an error in the same session takes it back, and so does `ROLLBACK`, where
//! `log_statement` is `all` (`ddl` does not log it). Times carry the *name* of a zone.

mod statement;

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read};

use serde::Deserialize;

use self::statement::{role_change, split, statement_of};
use super::time::{self, named};
use super::{Format, Input, each_element};
use crate::audit::elements::Broken;
use crate::audit::evidence::{Kind, Reading};
use crate::audit::facts::{Fact, Span, What};
use crate::audit::probe::Probe;
use crate::clock::Instant;

pub(super) const FORMATS: &[Format] = &[
    Format {
        name: "PostgreSQL log",
        platform: "postgresql",
        kind: Kind::Log,
        knows: |probe| probe.json(|s| s.element_has(&["timestamp", "pid", "error_severity"])),
        read: json,
    },
    Format {
        name: "PostgreSQL log",
        platform: "postgresql",
        kind: Kind::Log,
        knows: is_csvlog,
        read: csvlog,
    },
];

/// Columns of a csvlog that are looked at; there is no head.
const TIME: usize = 0;
const USER: usize = 1;
const FROM: usize = 4;
const SESSION: usize = 5;
const SEVERITY: usize = 11;
const STATE: usize = 12;
const MESSAGE: usize = 13;
const CONTEXT: usize = 18;
/// PostgreSQL 9.6 has 23 columns, 15 has 26.
const COLUMNS: usize = 23;

fn is_csvlog(probe: &Probe) -> bool {
    let Probe::Text(head) = probe else { return false };
    let mut csv =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(head.as_bytes());
    let Some(Ok(row)) = csv.records().next() else { return false };
    let known = ["LOG", "FATAL", "ERROR", "WARNING", "NOTICE", "PANIC", "INFO"];
    row.len() >= COLUMNS
        && known.contains(&&row[SEVERITY])
        && row[TIME].rsplit_once(' ').is_some_and(|(time, _)| time.contains(':'))
}

/// One line of the log.
struct Line<'a> {
    at: Instant,
    user: &'a str,
    from: &'a str,
    session: &'a str,
    severity: &'a str,
    state: &'a str,
    message: &'a str,
    /// Whether it was said by a function or a block: anybody may have it say anything.
    inside: bool,
}

/// What a session has said that may still be taken back.
#[derive(Default)]
struct Session {
    /// Facts of its last statement, or of the whole transaction.
    facts: Vec<Fact>,
    /// Between `BEGIN` and `COMMIT`.
    open: bool,
    /// A statement of the transaction has failed: `COMMIT` will take it back.
    failed: bool,
}

impl Session {
    /// Nothing of it came to be.
    fn take_back(&mut self, reading: &mut Reading<'_>, refused: bool) {
        for fact in self.facts.drain(..).filter(|fact| refused && fact.what.is_dead()) {
            reading.fact(Fact { what: What::RevokeFailed, ..fact });
        }
    }

    /// All of it came to be.
    fn keep(&mut self, reading: &mut Reading<'_>) {
        self.facts.drain(..).for_each(|fact| reading.fact(fact));
    }
}

/// Sessions by their id.
type Pending = BTreeMap<String, Session>;

fn csvlog(input: &mut Input<'_>, reading: &mut Reading<'_>) -> Result<(), Broken> {
    let (mut number, mut pending, zone) = (0, Pending::new(), input.zone);
    let mut rows = Rows { source: &mut *input.source, next: Vec::new() };
    let broken = |record, what: String| Broken { record, what, at_end: false };
    while let Some((text, whole)) = rows.row().map_err(|e| broken(number + 1, e.to_string()))? {
        number += 1;
        reading.at_record(number);
        let mut csv = csv::ReaderBuilder::new().has_headers(false).from_reader(&*text);
        let mut row = csv::StringRecord::new();
        csv.read_record(&mut row).map_err(|e| broken(number, e.to_string()))?;
        if !whole || row.len() < COLUMNS {
            reading.partial(format!("row {number} is cut off: a line of it is missing"));
        }
        if row.len() <= MESSAGE {
            continue;
        }
        let line = Line {
            at: time_of(&row[TIME], zone).map_err(|what| broken(number, what))?,
            user: &row[USER],
            from: row[FROM].rsplit_once(':').map_or(&row[FROM], |(host, _)| host),
            session: &row[SESSION],
            severity: &row[SEVERITY],
            state: &row[STATE],
            message: &row[MESSAGE],
            inside: row.get(CONTEXT).is_some_and(|context| !context.is_empty()),
        };
        take(&line, &mut pending, reading);
    }
    settle(pending, reading);
    Ok(())
}

/// Most bytes of one row.
const MAX_ROW: usize = 16 << 20;
const TOO_LONG: &str = "a row is longer than 16 MiB";

/// Rows of a csvlog. A statement may have many lines; a line that begins like a row ends the one before, even where a quote
/// is open: somebody has searched the file line by line.
struct Rows<'a> {
    source: &'a mut dyn BufRead,
    next: Vec<u8>,
}

impl Rows<'_> {
    /// Reads one line, not without a limit.
    fn line(&mut self, line: &mut Vec<u8>) -> io::Result<usize> {
        let read = (&mut *self.source).take(MAX_ROW as u64 + 1).read_until(b'\n', line)?;
        if read > MAX_ROW { Err(io::Error::other(TOO_LONG)) } else { Ok(read) }
    }

    /// Returns the next row, and whether it is whole.
    fn row(&mut self) -> io::Result<Option<(Vec<u8>, bool)>> {
        let mut row = std::mem::take(&mut self.next);
        if row.is_empty() && self.line(&mut row)? == 0 {
            return Ok(None);
        }
        let odd = |bytes: &[u8]| bytes.iter().fold(false, |odd, byte| odd ^ (*byte == b'"'));
        let mut open = odd(&row);
        while open {
            let mut line = Vec::new();
            if self.line(&mut line)? == 0 || begins_a_row(&line) {
                self.next = line;
                row.truncate(row.trim_ascii_end().len());
                row.push(b'"');
                return Ok(Some((row, false)));
            }
            open ^= odd(&line);
            row.append(&mut line);
            if row.len() > MAX_ROW {
                return Err(io::Error::other(TOO_LONG));
            }
        }
        Ok(Some((row, true)))
    }
}

/// `2026-11-23 06:18:19.513 UTC,`
fn begins_a_row(line: &[u8]) -> bool {
    let form = b"0000-00-00 00:00:00";
    let fits = |(byte, form): (&u8, &u8)| match form {
        b'0' => byte.is_ascii_digit(),
        _ => byte == form,
    };
    line.len() > form.len() && line.iter().zip(form).all(fits) && line.contains(&b',')
}

#[derive(Deserialize)]
struct Json {
    timestamp: String,
    #[serde(default)]
    user: String,
    #[serde(default)]
    remote_host: String,
    #[serde(default)]
    session_id: String,
    error_severity: String,
    #[serde(default)]
    state_code: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    context: String,
}

fn json(input: &mut Input<'_>, reading: &mut Reading<'_>) -> Result<(), Broken> {
    let mut pending = Pending::new();
    let zone = input.zone;
    each_element(input, reading, |json, reading| {
        let said: Json = serde_json::from_str(json).map_err(|e| e.to_string())?;
        let line = Line {
            at: time_of(&said.timestamp, zone)?,
            user: &said.user,
            from: &said.remote_host,
            session: &said.session_id,
            severity: &said.error_severity,
            state: &said.state_code,
            message: &said.message,
            inside: !said.context.is_empty(),
        };
        take(&line, &mut pending, reading);
        Ok(())
    })?;
    settle(pending, reading);
    Ok(())
}

fn time_of(text: &str, zone: Option<&time::Zone>) -> Result<Instant, String> {
    named(text, zone).ok_or_else(|| {
        format!("`{text}` is no time whose zone is known: say it with `--tz`, for example `--tz Europe/Paris`")
    })
}

fn settle(pending: Pending, reading: &mut Reading<'_>) {
    for (id, mut session) in pending {
        if session.open && !session.facts.is_empty() {
            reading.partial(format!("the transaction of session {id} ends after this log"));
            continue;
        }
        session.keep(reading);
    }
}

fn take(line: &Line<'_>, pending: &mut Pending, reading: &mut Reading<'_>) {
    reading.saw(line.at);
    if let Some(session) = pending.get_mut(line.session) {
        if line.severity == "ERROR" {
            session.take_back(reading, true);
            session.failed = session.open;
            if !session.open {
                pending.remove(line.session);
            }
        } else if !session.open
            && (statement_of(line.message).is_some() || line.message.starts_with("disconnection"))
        {
            // anything else may stand between a statement and its error
            session.keep(reading);
            pending.remove(line.session);
        }
    }
    if line.inside {
        return;
    }
    let message = line.message;
    if message.starts_with("connection authorized: user=") {
        reading.found.sees_uses = true;
        reading.fact(fact(line, What::Used, line.user).word("connection authorized"));
    } else if line.state == "28P01"
        || message.starts_with("password authentication failed for user")
    {
        let failed = fact(line, What::UseFailed, line.user);
        reading.fact(failed.word("password authentication failed"));
    } else if message.starts_with("terminating connection due to administrator command") {
        let ended = fact(line, What::SessionsEnded, line.user);
        reading.fact(ended.word("connection terminated"));
    } else if let Some(text) = statement_of(message) {
        reading.found.sees_changes = true;
        for statement in split(text) {
            if !is_of_transaction(&statement, line, pending, reading) {
                changes(&statement, line, pending, reading);
            }
        }
    }
}

fn fact(line: &Line<'_>, what: What, user: &str) -> Fact {
    let fact = Fact::new(what, Span::at(line.at)).subject(user).credential(user);
    fact.by(line.user, "").from(line.from, "")
}

/// Takes a statement that begins or ends a transaction; says whether it was one.
fn is_of_transaction(
    statement: &str,
    line: &Line<'_>,
    pending: &mut Pending,
    reading: &mut Reading<'_>,
) -> bool {
    let says = |word: &str| statement.split_whitespace().any(|w| w.eq_ignore_ascii_case(word));
    let verb = statement.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
    match &*verb {
        "BEGIN" | "START" => pending.entry(line.session.to_owned()).or_default().open = true,
        // back to a savepoint is not the end of it, and how much it takes back is not said: all of it
        "ROLLBACK" if says("TO") => {
            if let Some(session) = pending.get_mut(line.session) {
                session.take_back(reading, false);
                session.failed = false;
            }
        }
        "COMMIT" | "END" | "ROLLBACK" | "ABORT" => {
            let back = verb.starts_with(['R', 'A']);
            if let Some(mut session) = pending.remove(line.session) {
                if back || session.failed {
                    session.take_back(reading, false);
                } else {
                    session.keep(reading);
                }
            }
            if says("CHAIN") && !says("NO") {
                pending.entry(line.session.to_owned()).or_default().open = true;
            }
        }
        "PREPARE" if says("TRANSACTION") => {
            // who ends it, and how, another session says
            let open = pending.remove(line.session);
            if open.is_some_and(|session| !session.facts.is_empty()) {
                reading.partial("a transaction was prepared: nobody can tell whether it was done");
            }
        }
        _ => return false,
    }
    true
}

/// Takes a statement that changes roles.
fn changes(statement: &str, line: &Line<'_>, pending: &mut Pending, reading: &mut Reading<'_>) {
    let Some(mut change) = role_change(statement) else { return };
    if matches!(&*change.role, "current_user" | "session_user" | "current_role") {
        line.user.clone_into(&mut change.role);
    }
    let role = &change.role;
    if change.renamed {
        if reading.interest.wants(role, role) {
            reading.partial(format!("role {role} was renamed: its secret lives on elsewhere"));
        }
        return;
    }
    if change.clear_password {
        reading.note(format!("a password of role `{role}` stands in this log in clear"));
    }
    let place = reading.place();
    let session = pending.entry(line.session.to_owned()).or_default();
    let roles = std::iter::once(role).chain(&change.others);
    for (role, what) in roles.flat_map(|role| change.what.iter().map(move |what| (role, what))) {
        let fact = fact(line, *what, role).word(change.word);
        let when = match what {
            What::Expires if change.ends_now => Span::at(line.at),
            What::Expires => change.expires.unwrap_or(Span::UNKNOWN),
            _ => fact.when,
        };
        session.facts.push(Fact { when, last: when.to, place, ..fact });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::audit::desk::{Options, examine};

    #[test]
    fn what_is_taken_back_was_not_done() {
        let read = |lines: &[(&str, &str)]| {
            let source = lines.iter().enumerate().map(|(second, (severity, message))| {
                let message = message.replace('"', "\"\"");
                format!(
                    "2026-11-24 04:00:{second:02}.000 UTC,\"admin\",\"db\",1,\"10.0.0.5:1\",s1,1,\"\",2026-11-24 04:00:00 UTC,1/1,0,{severity},00000,\"{message}\",,,,,,,,,\"psql\"\n"
                )
            });
            let text: String = source.collect();
            let options = Options {
                as_of: Instant::now(),
                skew: 0,
                zone: None,
                report_times: Vec::new(),
                strips: &|_| Ok((Vec::new(), Vec::new())),
            };
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("log.csv");
            std::fs::write(&path, text).unwrap();
            let mut found = None;
            examine(&[path], &options, |file| found = Some(file.found)).unwrap();
            let found = found.unwrap();
            let facts: Vec<What> = found.facts.iter().map(|fact| fact.what).collect();
            (facts, found.partial.is_some())
        };
        let done = "statement: ALTER ROLE bg NOLOGIN";
        for (lines, facts, partial) in [
            (vec![("LOG", done)], vec![What::Deactivated], false),
            (vec![("LOG", done), ("ERROR", "permission denied")], vec![What::RevokeFailed], false),
            (
                vec![("LOG", "statement: BEGIN"), ("LOG", done), ("LOG", "statement: ROLLBACK")],
                vec![],
                false,
            ),
            (
                vec![("LOG", "statement: begin;"), ("LOG", done), ("LOG", "statement: commit;")],
                vec![What::Deactivated],
                false,
            ),
            (
                vec![
                    ("LOG", "statement: BEGIN"),
                    ("LOG", done),
                    ("ERROR", "no such table"),
                    ("LOG", done),
                    ("LOG", "statement: COMMIT"),
                ],
                vec![What::RevokeFailed],
                false,
            ),
            (
                vec![(
                    "LOG",
                    "statement: BEGIN; ALTER ROLE bg PASSWORD 'a;b'; DROP ROLE bg; COMMIT",
                )],
                vec![What::SecretChanged, What::Deleted],
                false,
            ),
            (vec![("LOG", "statement: BEGIN"), ("LOG", done)], vec![], true),
            (
                vec![
                    ("LOG", "statement: BEGIN"),
                    ("LOG", "statement: SAVEPOINT a"),
                    ("LOG", "statement: ROLLBACK TO a"),
                    ("LOG", done),
                    ("LOG", "statement: ROLLBACK"),
                ],
                vec![],
                false,
            ),
            (
                vec![
                    ("LOG", "statement: BEGIN"),
                    ("LOG", "statement: DO $x$ BEGIN NULL; END $x$"),
                    ("LOG", done),
                    ("LOG", "statement: ROLLBACK"),
                ],
                vec![],
                false,
            ),
            (
                vec![("LOG", "statement: /* a; b */ ALTER ROLE bg NOLOGIN -- done; or not")],
                vec![What::Deactivated],
                false,
            ),
        ] {
            assert_eq!(read(&lines), (facts, partial), "{lines:?}");
        }
    }
}
