//! Flags of `split` and `rotate` for a ceremony.

use clap::Args;

/// A ceremony follows the printed script step by step.
#[derive(Args, Default)]
pub struct Staging {
    /// Follow the printed script step by step: each holder prints, scans and bags a sheet, and the set is confirmed; k + 1
    /// holders have to be there, and the files of the sheets are deleted at the end
    #[arg(long, conflicts_with = "dry_run")]
    pub ceremony: bool,
    /// Who leads the ceremony: `Gus Lee (E3001)`
    #[arg(long, value_name = "NAME (ID)", requires = "ceremony")]
    pub lead: Option<String>,
    /// Send each sheet to a printer of this machine when it is its turn; the spooler may keep it
    #[arg(long, value_name = "QUEUE", requires = "ceremony")]
    pub print: Option<String>,
}
