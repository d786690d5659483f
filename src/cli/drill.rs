//! `drill` and what it can do.

use clap::{Args, Subcommand};

use super::{Ink, Intake};

/// `drill`
#[derive(Subcommand)]
pub enum Drill {
    /// Every holder reads bag and generation off the label by phone
    Call(DrillCall),
    /// A quorum of sheets opens the set, and nothing of the credential is shown
    Dry(DrillDry),
    /// Record a drill that has used the credential: after `combine` for DRILL, END and `rotate`
    Wet(DrillWet),
    /// One sheet is read at its safe, and held against its manifest and the ink
    Solo(DrillSolo),
}

/// What every drill asks, and records.
#[derive(Args, Default)]
pub struct DrillAnswers {
    /// Who led it: `Cem Arslan (E2044)`
    #[arg(long, value_name = "NAME (ID)")]
    pub lead: Option<String>,
    /// The answer to a question of the checklist: `login=yes`; may be given several times
    #[arg(long, value_name = "WORD=YES|NO")]
    pub check: Vec<String>,
    /// What is to be mended, by whom, by when: `a phone number is old; Ana Ruiz; 2026-12-24`; may be given several times
    #[arg(long, value_name = "WHAT; WHO; DAY")]
    pub finding: Vec<String>,
    /// The time, when the machine's clock is wrong: 2026-11-24T04:02+01:00
    #[arg(long, value_name = "TIME")]
    pub time: Option<String>,
    /// Words for the record
    #[arg(long, value_name = "WORDS")]
    pub note: Option<String>,
}

/// `drill call`
#[derive(Args)]
pub struct DrillCall {
    /// What the holder of a sheet reads out: `1a=TE-004411`, or `1a=` for nobody reached; may be given several times
    #[arg(long, value_name = "SHEET=BAG")]
    pub bag: Vec<String>,
    /// What the holder says of the seal, where it is not intact: `1a=torn at a corner`; may be given several times
    #[arg(long, value_name = "SHEET=WORDS")]
    pub seal: Vec<String>,
    /// The generation on the labels
    #[arg(long, value_name = "N")]
    pub generation: Option<u32>,
    /// What is asked afterwards.
    #[command(flatten)]
    pub answers: DrillAnswers,
}

/// `drill solo`
#[derive(Args)]
pub struct DrillSolo {
    /// Where the sheets come from.
    #[command(flatten)]
    pub intake: Intake,
    /// What the paper book says.
    #[command(flatten)]
    pub ink: Ink,
    /// The time, when the machine's clock is wrong: 2026-11-24T04:02+01:00
    #[arg(long, value_name = "TIME")]
    pub time: Option<String>,
    /// Go on in spite of what speaks against it, and record WHY
    #[arg(long, value_name = "WHY")]
    pub exception: Option<String>,
    /// Words for the record
    #[arg(long, value_name = "WORDS")]
    pub note: Option<String>,
}

/// `drill dry`
#[derive(Args)]
pub struct DrillDry {
    /// Where the sheets come from.
    #[command(flatten)]
    pub intake: Intake,
    /// What the paper book says.
    #[command(flatten)]
    pub ink: Ink,
    /// When the first custodian was called: `04:02`, or 2026-11-24T04:02+01:00
    #[arg(long, value_name = "TIME")]
    pub called: Option<String>,
    /// What is asked afterwards.
    #[command(flatten)]
    pub answers: DrillAnswers,
    /// Go on in spite of what speaks against it, and record WHY
    #[arg(long, value_name = "WHY")]
    pub exception: Option<String>,
}

/// `drill wet`
#[derive(Args)]
pub struct DrillWet {
    /// Record of the release [default: the last one for DRILL]
    #[arg(long, value_name = "SEQ")]
    pub record: Option<u64>,
    /// When the first custodian was called: `04:02`, or 2026-11-24T04:02+01:00
    #[arg(long, value_name = "TIME")]
    pub called: Option<String>,
    /// What is asked.
    #[command(flatten)]
    pub answers: DrillAnswers,
}
