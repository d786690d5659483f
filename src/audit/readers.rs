//! Readers: what platforms say of credentials, turned into facts. One file each, recognised by content.

mod aws_access_keys;
mod aws_cloudtrail;
mod aws_credential_report;
mod entra_audit;
mod entra_credentials;
mod gcp_audit;
mod gcp_keys;
mod generic;
mod github_audit;
mod linux_shadow;
mod okta_log;
mod own_report;
mod postgresql_log;
mod postgresql_roles;
mod ssh_krl;
pub mod time;
mod vault_audit;

use std::cell::Cell;
use std::io::Read;
use std::rc::Rc;

use super::elements::{self, Broken, Meter, Take};
use super::evidence::{Kind, Reading};
use super::probe::Probe;
use super::source::Source;
use crate::clock::Instant;

/// A kind of evidence file.
pub struct Format {
    /// What it is, in words.
    pub name: &'static str,
    /// The platform that it speaks of; empty where it may be any.
    pub platform: &'static str,
    /// A state or a log.
    pub kind: Kind,
    /// Says whether a file is of this kind.
    pub knows: fn(&Probe) -> bool,
    /// Reads it.
    pub read: fn(&mut Input<'_>, &mut Reading<'_>) -> Result<(), Broken>,
}

/// What a reader reads.
pub struct Input<'a> {
    /// The file.
    pub source: &'a mut dyn std::io::BufRead,
    /// What the first look found.
    pub probe: &'a Probe,
    /// When the state was taken, where somebody says it.
    pub report_time: Option<Instant>,
    /// The zone of times that have none.
    pub zone: Option<&'a time::Zone>,
}

/// Every format that is read, the most particular first. Adding one: its file, its `mod`, its line here.
pub const FORMATS: &[&[Format]] = &[
    own_report::FORMATS,
    aws_credential_report::FORMATS,
    aws_access_keys::FORMATS,
    aws_cloudtrail::FORMATS,
    vault_audit::FORMATS,
    postgresql_log::FORMATS,
    postgresql_roles::FORMATS,
    ssh_krl::FORMATS,
    linux_shadow::FORMATS,
    gcp_keys::FORMATS,
    gcp_audit::FORMATS,
    entra_credentials::FORMATS,
    entra_audit::FORMATS,
    okta_log::FORMATS,
    github_audit::FORMATS,
    generic::FORMATS,
];

/// Returns the format of a file.
pub fn format_of(probe: &Probe) -> Option<&'static Format> {
    FORMATS.iter().flat_map(|formats| formats.iter()).find(|format| (format.knows)(probe))
}

/// Gives the elements of a JSON file to a function; a file that was cut off is partial, not broken.
fn each_element<'a, 'b>(
    input: &mut Input<'_>,
    reading: &'a mut Reading<'b>,
    element: impl FnMut(&str, &mut Reading<'b>) -> Result<(), String>,
) -> Result<(), Broken> {
    let Probe::Json(shape) = input.probe else {
        return Err(Broken { record: 0, what: "it is not JSON".to_owned(), at_end: false });
    };
    let mut taker = Taker { reading, element };
    let read = elements::each(&mut *input.source, &shape.frame(), &mut taker);
    match read {
        Ok(_) => Ok(()),
        Err(broken) if broken.at_end && broken.record > 1 => {
            let what = format!("it is cut off in record {}", broken.record);
            reading.partial(what);
            Ok(())
        }
        Err(broken) => Err(broken),
    }
}

struct Taker<'a, 'b, F> {
    reading: &'a mut Reading<'b>,
    element: F,
}

impl<'b, F: FnMut(&str, &mut Reading<'b>) -> Result<(), String>> Take for Taker<'_, 'b, F> {
    fn element(&mut self, number: u64, json: &str) -> Result<(), String> {
        self.reading.at_record(number);
        (self.element)(json, self.reading)
    }

    fn beside(&mut self, name: &str, json: &str) {
        let token = matches!(
            name,
            "NextToken" | "nextToken" | "nextPageToken" | "@odata.nextLink" | "Marker"
        );
        if token && !json.is_empty() || name == "IsTruncated" && json == "true" {
            self.reading.partial(format!("it is one page of several (`{name}`)"));
        }
    }
}

/// Most bytes of a file that is read whole: a state, never a log.
const MAX_WHOLE: u64 = 64 << 20;

/// Reads a file whole.
fn whole(input: &mut Input<'_>) -> Result<Vec<u8>, Broken> {
    let mut bytes = Vec::new();
    let broken = |what: String| Broken { record: 0, what, at_end: false };
    let read = input.source.take(MAX_WHOLE + 1).read_to_end(&mut bytes);
    read.map_err(|e| broken(e.to_string()))?;
    if bytes.len() as u64 > MAX_WHOLE {
        return Err(broken(format!("it is longer than {MAX_WHOLE} bytes")));
    }
    Ok(bytes)
}

/// Reads a file whole, as text.
fn whole_text(input: &mut Input<'_>) -> Result<String, Broken> {
    String::from_utf8(whole(input)?).map_err(|_| Broken {
        record: 0,
        what: "it is not UTF-8".to_owned(),
        at_end: false,
    })
}

/// Reads a table row by row: cells by the names in its head.
fn each_row<'b>(
    input: &mut Input<'_>,
    reading: &mut Reading<'b>,
    row: impl FnMut(&Row<'_>, &mut Reading<'b>) -> Result<(), String>,
) -> Result<(), Broken> {
    rows_of(&mut *input.source, reading, row)
}

/// The same of any text.
fn rows_of<'b>(
    text: impl Read,
    reading: &mut Reading<'b>,
    mut row: impl FnMut(&Row<'_>, &mut Reading<'b>) -> Result<(), String>,
) -> Result<(), Broken> {
    let since = Rc::new(Cell::new(0));
    let text = Meter::new(text, Rc::clone(&since));
    let mut csv = csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(text);
    let broken = |record, what| Broken { record, what, at_end: false };
    let head = csv.headers().map_err(|e| broken(1, e.to_string()))?.clone();
    let head: Vec<String> =
        head.iter().map(|name| name.trim_start_matches('\u{feff}').to_lowercase()).collect();
    let mut record = csv::StringRecord::new();
    let mut number = 0;
    while csv.read_record(&mut record).map_err(|e| broken(number + 1, e.to_string()))? {
        number += 1;
        since.set(0);
        reading.at_record(number);
        if record.len() < head.len() {
            // the last row of a file that was cut off
            if csv.is_done() {
                reading.partial(format!(
                    "its last row has {} cells of {}",
                    record.len(),
                    head.len()
                ));
                return Ok(());
            }
            let what = format!("{} cells, and the head has {}", record.len(), head.len());
            return Err(broken(number, what));
        }
        let cells = Row { head: &head, cells: &record };
        row(&cells, reading).map_err(|what| broken(number, what))?;
    }
    Ok(())
}

/// One row of a table.
struct Row<'a> {
    head: &'a [String],
    cells: &'a csv::StringRecord,
}

impl Row<'_> {
    /// Returns a cell by its column's name; empty where there is no such column.
    fn get(&self, column: &str) -> &str {
        let at = self.head.iter().position(|name| name == column);
        at.and_then(|at| self.cells.get(at)).unwrap_or_default()
    }

    /// Says whether there is a column of that name.
    fn has(&self, column: &str) -> bool {
        self.head.iter().any(|name| name == column)
    }
}

/// Opens a file and reads it with the reader that knows it.
pub fn read(
    source: &mut Source,
    format: &Format,
    probe: &Probe,
    (report_time, zone): (Option<Instant>, Option<&time::Zone>),
    reading: &mut Reading<'_>,
) -> Result<(), Broken> {
    let mut input = Input { source, probe, report_time, zone };
    reading.found.report_time = report_time;
    (format.read)(&mut input, reading)
}
