//! `log` and what it can do.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Paper;

/// `log`
#[derive(Subcommand)]
pub enum Log {
    /// Show the records
    Show(LogShow),
    /// Verify the chain, and its end against the last check code in ink
    Verify(LogVerify),
    /// Record what happened: END, STORE, INSPECT, REVOKE, LOST, …; without an event they are listed
    Add(Box<LogAdd>),
    /// Print records as strips to sign and to glue into the paper book
    Stub(LogStub),
    /// Take in scanned strips, loose records, or another copy of the kit
    Import(LogImport),
    /// Print the paper book: its front, its pages, its rules
    Book(LogBook),
    /// Write the empty table into which somebody types the paper book
    Transcript(LogTranscript),
    /// Hold a typed paper book against the file
    Compare(LogCompare),
}

/// `log show`
#[derive(Args)]
pub struct LogShow {
    /// Show these records only
    #[arg(value_name = "SEQ")]
    pub records: Vec<u64>,
    /// Print the records as JSON
    #[arg(long)]
    pub json: bool,
    /// Print every record's check code too (0.1 s each)
    #[arg(long)]
    pub codes: bool,
}

/// `log verify`
#[derive(Args)]
pub struct LogVerify {
    /// The last check code in the paper book
    #[arg(long, value_name = "CODE")]
    pub head: Option<String>,
    /// Show at which records the sheets in FILE were read; may be given several times
    #[arg(long, value_name = "FILE")]
    pub sheet: Vec<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// `log add`
#[derive(Args, Default)]
pub struct LogAdd {
    /// What happened; without it the events are listed
    #[arg(value_name = "EVENT")]
    pub event: Option<String>,
    /// Of which generation [default: the one that the event can only be about, else the newest]
    #[arg(long, value_name = "N")]
    pub generation: Option<u32>,
    /// A sheet that it is about: `3b`; may be given several times
    #[arg(long, value_name = "SHEET")]
    pub sheet: Vec<String>,
    /// The bag that a sheet is in now: `3b=TE-004411`
    #[arg(long, value_name = "SHEET=BAG")]
    pub bag: Vec<String>,
    /// How the seal is: `3b=intact`, or what is wrong with it
    #[arg(long, value_name = "SHEET=WORDS")]
    pub seal: Vec<String>,
    /// Who holds the sheet: `3b=Chen Li (E1003)`
    #[arg(long, value_name = "SHEET=NAME (ID)")]
    pub custodian: Vec<String>,
    /// Who watched and holds no sheet: `Fay Adams (E2001)`
    #[arg(long, value_name = "NAME (ID)")]
    pub witness: Option<String>,
    /// Who has agreed
    #[arg(long, value_name = "NAME (ID)")]
    pub approver: Option<String>,
    /// Who has looked through the records
    #[arg(long, value_name = "NAME (ID)")]
    pub reviewer: Option<String>,
    /// Who sees to the revocation
    #[arg(long, value_name = "NAME (ID)")]
    pub accountable: Option<String>,
    /// The operator
    #[arg(long, value_name = "NAME (ID)")]
    pub operator: Option<String>,
    /// Number of the record that it is about
    #[arg(long, value_name = "SEQ")]
    pub record: Option<u64>,
    /// Number of the finding of that drill that is mended
    #[arg(long, value_name = "N", requires = "record")]
    pub finding: Option<u64>,
    /// What kind of it, in a word or two
    #[arg(long, value_name = "WORDS")]
    pub kind: Option<String>,
    /// How it ended, in words
    #[arg(long, value_name = "WORDS")]
    pub result: Option<String>,
    /// Why
    #[arg(long, value_name = "WORDS")]
    pub reason: Option<String>,
    /// Incident ticket
    #[arg(long, value_name = "TICKET")]
    pub ticket: Option<String>,
    /// `in person` or `phone`
    #[arg(long, value_name = "HOW")]
    pub how: Option<String>,
    /// Who was told
    #[arg(long, value_name = "WHO")]
    pub to: Option<String>,
    /// Where it lies now
    #[arg(long, value_name = "PLACE")]
    pub place: Option<String>,
    /// The credential's public id
    #[arg(long, value_name = "ID")]
    pub credential: Option<String>,
    /// A file that proves it; its SHA-256 is recorded; may be given several times
    #[arg(long, value_name = "FILE")]
    pub evidence: Vec<PathBuf>,
    /// Read the sheets themselves, so that the record proves that they were here; may be given several times
    #[arg(long, value_name = "FILE")]
    pub scan: Vec<PathBuf>,
    /// Where it stands in the paper book
    #[arg(long, value_name = "BOOK/PAGE/LINE")]
    pub paper: Option<String>,
    /// Words
    #[arg(long, value_name = "WORDS")]
    pub note: Option<String>,
    /// When it happened [default: now]: 2026-11-24T04:02+01:00
    #[arg(long, value_name = "TIME")]
    pub time: Option<String>,
    /// Record it in spite of what speaks against it, and WHY
    #[arg(long, value_name = "WHY")]
    pub exception: Option<String>,
}

/// `log stub`
#[derive(Args)]
pub struct LogStub {
    /// Numbers of the records, `3-7`, or files of loose records
    #[arg(value_name = "SEQ|FILE", required = true)]
    pub records: Vec<String>,
    /// Put the PDF into DIR
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// Paper size [default: what theme.toml says, else a4]
    #[arg(long, value_name = "SIZE")]
    pub paper: Option<Paper>,
}

/// `log import`
#[derive(Args)]
pub struct LogImport {
    /// Scans of strips, loose records, another logbook, another kit
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Say what would come in, and stop
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

/// `log book`
#[derive(Args)]
pub struct LogBook {
    /// The book's name, written on every page
    #[arg(long, value_name = "NAME", default_value = "B1")]
    pub book: String,
    /// How many double pages
    #[arg(long, value_name = "N", default_value = "10")]
    pub pages: u16,
    /// Put the PDF into DIR
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// Paper size [default: what theme.toml says, else a4]
    #[arg(long, value_name = "SIZE")]
    pub paper: Option<Paper>,
}

/// `log transcript`
#[derive(Args)]
pub struct LogTranscript {
    /// Write to FILE, new [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// `log compare`
#[derive(Args)]
pub struct LogCompare {
    /// The typed paper book
    #[arg(value_name = "CSV")]
    pub transcript: PathBuf,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}
