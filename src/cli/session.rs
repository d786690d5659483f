//! `session`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `session`
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Session {
    /// Look at a recording, or take one in.
    #[command(subcommand)]
    pub verb: Option<SessionVerb>,
    /// The release that it belongs to, by its record number [default: the one that nobody has ended]
    #[arg(long, value_name = "N")]
    pub record: Option<u64>,
    /// Record although there are no auditors' recipients, readable for everybody, and record WHY
    #[arg(long, value_name = "WHY")]
    pub unencrypted: Option<String>,
    /// What is run [default: your shell]
    #[arg(last = true, value_name = "CMD")]
    pub command: Vec<String>,
}

/// What else there is to do with recordings.
#[derive(Subcommand)]
pub enum SessionVerb {
    /// Play a recording, or write it as text; its chain is verified first
    Show(SessionShow),
    /// Record other evidence of what was done: a film of the screen, a recording that was cut off
    Import(SessionImport),
}

/// `session show`
#[derive(Args)]
pub struct SessionShow {
    /// The folder of a recording
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Open it with the age keys in FILE; may be given several times
    #[arg(short, long, value_name = "FILE")]
    pub identity: Vec<PathBuf>,
    /// Write what the screen showed as text, each line with its time
    #[arg(long)]
    pub text: bool,
    /// Write the recording to FILE, new, as one asciicast for any player
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    pub cast: Option<PathBuf>,
    /// Verify the chain and stop; needs no key
    #[arg(long, conflicts_with_all = ["text", "cast"])]
    pub verify: bool,
}

/// `session import`
#[derive(Args, Clone)]
pub struct SessionImport {
    /// A film of the screen, or the folder of a recording that has no record yet
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The release that it belongs to, by its record number [default: what the recording says, else the last release]
    #[arg(long, value_name = "N")]
    pub record: Option<u64>,
    /// The time, when the machine's clock is wrong: 2026-11-24T04:02+01:00
    #[arg(long, value_name = "TIME")]
    pub time: Option<String>,
    /// Words for the record
    #[arg(long, value_name = "WORDS")]
    pub note: Option<String>,
}
