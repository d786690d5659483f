//! `print`.

use std::path::PathBuf;

use clap::Args;

use super::Paper;

/// `print`
#[derive(Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Print {
    /// Packs (custodian, operator, owner, auditor) or documents; without a name they are listed
    #[arg(value_name = "PACK|DOCUMENT", conflicts_with = "check")]
    pub documents: Vec<String>,
    /// Print every document of every pack
    #[arg(long, conflicts_with_all = ["check", "documents", "person"])]
    pub all: bool,
    /// Only the papers of this custodian, by name or company id, in their language
    #[arg(long = "for", value_name = "NAME", conflicts_with_all = ["check", "built_in"])]
    pub person: Option<String>,
    /// Check every template that is the kit's own, with line and column; `-o` keeps samples
    #[arg(long)]
    pub check: bool,
    /// Write the built-in templates and the description of their language into DIR (`-o`)
    #[arg(long, conflicts_with_all = ["check", "documents", "all"])]
    pub built_in: bool,
    /// The generation that a certificate of destruction, a cover sheet or the foot of a page is about [default: the newest]
    #[arg(long, value_name = "N", conflicts_with_all = ["check", "built_in"])]
    pub generation: Option<u32>,
    /// Put the PDFs into DIR
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Send them to a printer of this machine instead (`lp`)
    #[arg(long, value_name = "QUEUE", conflicts_with_all = ["output", "check", "built_in"])]
    pub print: Option<String>,
    /// Paper size [default: what theme.toml says, else a4]
    #[arg(long, value_name = "SIZE", conflicts_with = "check")]
    pub paper: Option<Paper>,
    /// Language, where a document is there in it [default: the custodian's own, else en]
    #[arg(long, value_name = "LANG", conflicts_with = "check")]
    pub lang: Option<String>,
    /// In large print, as the operator's card always is
    #[arg(long, conflicts_with_all = ["check", "built_in"])]
    pub large: bool,
}
