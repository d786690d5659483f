//! `rotate`, `reissue`, `driver-test`.

use std::path::PathBuf;

use clap::Args;

use super::{Custody, Ink, Intake, Media, Paper, Staging};

/// `rotate`
#[derive(Args, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Rotate {
    /// Where the old sheets come from.
    #[command(flatten)]
    pub intake: Intake,
    /// What the paper book says of the old set.
    #[command(flatten)]
    pub ink: Ink,
    /// Scans of the new sheets; may be given several times
    #[arg(long, value_name = "FILE", conflicts_with = "ceremony")]
    pub new: Vec<PathBuf>,
    /// Take the scans of the new sheets as they appear in DIR
    #[arg(long, value_name = "DIR")]
    pub new_watch: Option<PathBuf>,
    /// The set code of the new set in the paper book
    #[arg(long, value_name = "CODE", conflicts_with_all = ["new_no_book", "ceremony"])]
    pub new_set_code: Option<String>,
    /// The paper book is not at hand for the new set (an exception)
    #[arg(long, conflicts_with = "ceremony")]
    pub new_no_book: bool,
    /// Put the new sheets into DIR, which must be new or empty [default: a private folder in memory]
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// What the new sheets are made of
    #[arg(long, value_name = "MEDIA", default_value = "paper")]
    pub media: Media,
    /// Paper size [default: what theme.toml says, else a4]
    #[arg(long, value_name = "SIZE")]
    pub paper: Option<Paper>,
    /// A ceremony.
    #[command(flatten)]
    pub staging: Staging,
    /// Who gets which new sheet in which bag.
    #[command(flatten)]
    pub custody: Custody,
    /// Revoke the credential ID, which works and is on no paper; may be given several times
    #[arg(long, value_name = "ID")]
    pub orphan: Vec<String>,
    /// There is no credential yet: make the first one, with the platform's own login
    #[arg(long)]
    pub first: bool,
    /// Somebody knows the credential: end it as soon as the new sheets are written, before they are read back
    #[arg(long, value_name = "WHY", conflicts_with_all = ["first", "disable"])]
    pub compromised: Option<String>,
    /// Only switch the credential off for now, and print nothing; needs `--undo-with`
    #[arg(long, conflicts_with_all = ["first", "ceremony"])]
    pub disable: bool,
    /// The second method that can switch it on again
    #[arg(long, value_name = "METHOD", requires = "disable")]
    pub undo_with: Option<String>,
    /// Void a set that an interrupted run has left half made, without asking; only where the old credential works
    #[arg(long)]
    pub void: bool,
    /// The place moved since the old set was dealt: use `[rotation]` of today's method.toml for it, too, and record WHY
    #[arg(long, value_name = "WHY", conflicts_with = "first")]
    pub as_approved: Option<String>,
    /// Say where it stands and what would come next, and stop
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

/// `reissue`
#[derive(Args)]
pub struct Reissue {
    /// The destroyed sheet that is made anew: 2a
    #[arg(value_name = "DESTROYED")]
    pub destroyed: String,
    /// Where the k other sheets come from.
    #[command(flatten)]
    pub intake: Intake,
    /// What the paper book says.
    #[command(flatten)]
    pub ink: Ink,
    /// Why it is made anew
    #[arg(long, value_name = "WHY")]
    pub why: Option<String>,
    /// Who gets it [default: whoever held the destroyed one]
    #[arg(long, value_name = "NAME (ID)")]
    pub custodian: Option<String>,
    /// Put the sheet into DIR, which must be new or empty [default: a private folder in memory]
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// What the sheet is made of
    #[arg(long, value_name = "MEDIA", default_value = "paper")]
    pub media: Media,
    /// Paper size [default: what theme.toml says, else a4]
    #[arg(long, value_name = "SIZE")]
    pub paper: Option<Paper>,
    /// The time, when the machine's clock is wrong: 2026-11-24T04:02+01:00
    #[arg(long, value_name = "TIME")]
    pub time: Option<String>,
    /// Go on in spite of what speaks against it, and record WHY
    #[arg(long, value_name = "WHY")]
    pub exception: Option<String>,
}

/// `driver-test`
#[derive(Args)]
pub struct DriverTest {
    /// The driver: its file, or the name of one that is built in
    #[arg(value_name = "DRIVER", required_unless_present = "rules", default_value = "")]
    pub driver: String,
    /// What it is told about the platform: `user=breakglass`; may be given several times
    #[arg(long, value_name = "NAME=TEXT")]
    pub target: Vec<String>,
    /// A credential that is there to be tried on: `{"id": …, "secret": {…}}`; `-` is standard input
    #[arg(long, value_name = "FILE", required_unless_present = "rules")]
    pub credential: Option<PathBuf>,
    /// Print the rules that a driver has to keep, and stop
    #[arg(long)]
    pub rules: bool,
    /// Seconds that an answer may take
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    pub patience: u64,
}

/// `driver`
#[derive(Args)]
pub struct Driver {
    /// Which one.
    pub name: String,
    /// What it is asked; the question comes on standard input.
    pub verb: String,
}
