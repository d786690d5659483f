//! `audit`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Paper;

/// `audit`
#[derive(Args)]
pub struct Audit {
    /// Kits, logbooks, evidence, typed paper books, lists of leavers, waivers, or folders of them: sorted by content
    #[arg(value_name = "PATH", required_unless_present_any = ["explain", "rules"])]
    pub paths: Vec<PathBuf>,
    /// The time of the audit [default: now]
    #[arg(long, value_name = "TIME")]
    pub as_of: Option<String>,
    /// The zone of times that are written without one: Europe/Paris, +01:00
    #[arg(long, value_name = "ZONE")]
    pub tz: Option<String>,
    /// How far clocks may be apart: 120s, 5m
    #[arg(long, value_name = "TIME", default_value = "120s")]
    pub skew: String,
    /// When a state was taken that does not say it; may be given several times
    #[arg(long, value_name = "FILE=TIME")]
    pub report_time: Vec<String>,
    /// How the report is written
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
    /// Write the report into FILE, which must be new; for csv a new or empty folder
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Templates of the auditor's own, for pdf (`templates/README.md`); those of the kit are not asked
    #[arg(long, value_name = "DIR")]
    pub templates: Option<PathBuf>,
    /// The paper of the pdf [default: that of the theme]
    #[arg(long, value_name = "PAPER")]
    pub paper: Option<Paper>,
    /// List what each evidence file says of anybody, and stop; no logbook is needed
    #[arg(long, conflicts_with_all = ["format", "output", "all"])]
    pub facts: bool,
    /// List what is as it should be, too
    #[arg(long)]
    pub all: bool,
    /// Say what a rule means, what it needs, and what to do; then stop
    #[arg(long, value_name = "RULE")]
    pub explain: Option<String>,
    /// List the rules, and stop
    #[arg(long)]
    pub rules: bool,
}

/// How the report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For the terminal: the release table, then the findings, a line each
    Text,
    /// One JSON object
    Json,
    /// Two tables, `releases.csv` and `findings.csv`, in a folder
    Csv,
    /// Markdown
    Markdown,
    /// One page that needs nothing else, with a timeline of each generation
    Html,
    /// The same on paper, to be signed
    Pdf,
}
