//! The command line: types only. Help text lives here.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

const HELP: &str = "\
{about}

{usage-heading} {usage}

Before an incident:
  init      Start a kit: a method file, contacts, and the way without this program
  split     Seal a credential and print one paper share for each custodian

During an incident:
  combine   Bring k sheets together and release the credential to one operator

After an incident:
  log       Show or verify the logbook

Any time:
  inspect   Say what is on a page or in a file, without opening anything
  demo      See it all happen once, in a minute, with a throw-away credential

{options}{after-help}";

const EXIT_CODES: &str = "\
Exit codes: 0 done · 1 the answer is no · 2 could not be tried · 3 fewer than k good shares ·
130 Ctrl-C. After the record, `combine --exec` returns its program's own, 125 if that never started.";

/// Break-glass credentials on paper, under dual control
#[derive(Parser)]
#[command(name = "breakglass", version, help_template = HELP, after_help = EXIT_CODES)]
#[command(disable_help_subcommand = true, max_term_width = 100)]
pub struct Cli {
    /// Which settings.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of every command.
#[derive(Args)]
#[command(next_help_heading = "Options")]
pub struct Global {
    /// Work in the kit in DIR instead of the current folder
    #[arg(short = 'C', long = "kit", value_name = "DIR", global = true)]
    pub kit: Option<PathBuf>,
    /// Never ask; fail where an answer would be needed, and name the flag
    #[arg(long, global = true)]
    pub no_input: bool,
    /// Print warnings and errors only
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// When to use colour
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto")]
    pub color: ColorWhen,
}

/// When to use colour.
#[derive(Clone, Copy, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Start a kit: a method file, contacts, and the way without this program
    Init(Init),
    /// Seal a credential and print one paper share for each custodian
    Split(Split),
    /// Bring k sheets together and release the credential to one operator
    Combine(Combine),
    /// Show or verify the logbook
    #[command(subcommand)]
    Log(Log),
    /// Say what is on a page or in a file, without opening anything
    Inspect(Inspect),
    /// See it all happen once, in a minute, with a throw-away credential
    Demo(Demo),
    /// Read one page in a limited process (the program calls itself)
    #[command(hide = true)]
    ReadPage(ReadPage),
}

/// `init`
#[derive(Args)]
pub struct Init {
    /// Where the kit goes; the folder must not hold one yet
    #[arg(value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
}

/// `split`
#[derive(Args)]
pub struct Split {
    /// Read the credential from FILE, byte for byte; `-` is standard input [default: ask, typed twice]
    #[arg(long, value_name = "FILE", conflicts_with = "generate")]
    pub from: Option<PathBuf>,
    /// Make a random credential of N signs: `20`, `20:a-zA-Z0-9`
    #[arg(long, value_name = "N[:SIGNS]")]
    pub generate: Option<String>,
    /// The credential's public id on the platform, printed and recorded, for example AKIA…
    #[arg(long, value_name = "ID", default_value = "")]
    pub credential_id: String,
    /// When the platform lets the credential expire, if it does: 2027-03-31
    #[arg(long, value_name = "DATE")]
    pub expires: Option<String>,
    /// Put the sheets into DIR, which must be new or empty [default: a private folder in memory]
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// What the sheets are made of; the paper size is for paper only
    #[arg(long, value_name = "MEDIA", default_value = "paper")]
    pub media: Media,
    /// Paper size
    #[arg(long, value_name = "SIZE", default_value = "a4")]
    pub paper: Paper,
    /// Say what would be dealt and to whom, and stop
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

/// What sheets are made of.
#[derive(Clone, Copy, ValueEnum)]
pub enum Media {
    /// PDF, to be printed
    Paper,
    /// Text, to be copied onto a USB stick or a smart card
    File,
}

/// Paper size.
#[derive(Clone, Copy, ValueEnum)]
pub enum Paper {
    /// 210 × 297 mm
    A4,
    /// 8.5 × 11 inches
    Letter,
}

/// `combine`
#[derive(Args)]
pub struct Combine {
    /// Scans, photos, PDFs, text files, folders of them, or `-`; what is missing is asked for
    #[arg(value_name = "SHEET")]
    pub sheets: Vec<PathBuf>,
    /// Take pictures as a scanner or a camera drops them into DIR
    #[arg(long, value_name = "DIR")]
    pub watch: Option<PathBuf>,
    /// The set code in the paper book
    #[arg(long, value_name = "CODE", conflicts_with = "no_book")]
    pub set_code: Option<String>,
    /// The paper book is not at hand (an exception)
    #[arg(long)]
    pub no_book: bool,
    /// Who gets the credential
    #[arg(long, value_name = "NAME")]
    pub operator: Option<String>,
    /// Their company id
    #[arg(long, value_name = "ID")]
    pub operator_id: Option<String>,
    /// One of the permitted uses, or other words (an exception)
    #[arg(long, value_name = "USE")]
    pub reason: Option<String>,
    /// Incident ticket
    #[arg(long, value_name = "TICKET")]
    pub ticket: Option<String>,
    /// The time, when the machine's clock is wrong: 2026-11-24T04:02+01:00
    #[arg(long, value_name = "TIME")]
    pub time: Option<String>,
    /// Go on in spite of what speaks against it, and record WHY
    #[arg(long, value_name = "WHY")]
    pub exception: Option<String>,
    /// Write a loose record to FILE [default: ./record-CODE.json]
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Write the credential to FILE, new, mode 0600, instead of showing it
    #[arg(long, value_name = "FILE", conflicts_with = "exec")]
    pub output: Option<PathBuf>,
    /// Give the credential to CMD on its standard input; must come last
    #[arg(long, value_name = "CMD", num_args = 1.., allow_hyphen_values = true)]
    pub exec: Option<Vec<String>>,
}

/// `log`
#[derive(Subcommand)]
pub enum Log {
    /// Show the records
    Show(LogShow),
    /// Verify the chain, and its end against the last check code in ink
    Verify(LogVerify),
}

/// `log show`
#[derive(Args)]
pub struct LogShow {
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
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// `inspect`
#[derive(Args)]
pub struct Inspect {
    /// Scans, photos, PDFs, text files, folders of them, or `-`
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Print what was found as JSON; never a share itself
    #[arg(long)]
    pub json: bool,
}

/// `demo`
#[derive(Args)]
pub struct Demo {
    /// Where everything goes; must be new or empty [default: a new folder `breakglass-demo`]
    #[arg(value_name = "DIR", default_value = "breakglass-demo")]
    pub dir: PathBuf,
}

/// `read-page`
#[derive(Args)]
pub struct ReadPage {
    /// Page to read, from 1; without it only the pages are counted
    #[arg(long)]
    pub page: Option<u32>,
}

/// Returns the first command in backticks that this parser would not take: a hint must not mislead.
pub fn mistaken_hint(hint: &str) -> Option<String> {
    hint.split('`')
        .skip(1)
        .step_by(2)
        .filter(|quoted| quoted.starts_with("breakglass "))
        .find(|command| Cli::try_parse_from(command.split_whitespace()).is_err())
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn hints_are_held_against_the_parser() {
        assert_eq!(mistaken_hint("try `breakglass init DIR` or `--output FILE`"), None);
        assert_eq!(mistaken_hint("try `breakglass burn`").as_deref(), Some("breakglass burn"));
    }

    #[test]
    fn the_parser_is_sound_and_help_names_every_command() {
        let mut command = Cli::command();
        command.clone().debug_assert();
        let help = command.render_help().to_string();
        for verb in command.get_subcommands().filter(|c| !c.is_hide_set()) {
            let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
            assert!(
                help.contains(&format!("  {:<10}{about}\n", verb.get_name())),
                "{}",
                verb.get_name()
            );
        }
    }
}
