//! The command line: types only. Help text lives here.

pub mod audit;
pub mod ceremony;
pub mod drill;
pub mod log;
pub mod print;
pub mod rotate;
pub mod session;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use audit::{Audit, Format};
pub use ceremony::Staging;
pub use drill::{Drill, DrillAnswers, DrillCall, DrillDry, DrillSolo, DrillWet};
pub use log::{
    Log, LogAdd, LogBook, LogCompare, LogImport, LogShow, LogStub, LogTranscript, LogVerify,
};
pub use print::Print;
pub use rotate::{Driver, DriverTest, Reissue, Rotate};
pub use session::{Session, SessionImport, SessionShow, SessionVerb};

const HELP: &str = "\
{about}

{usage-heading} {usage}

Before an incident:
  init      Start a kit: a method file, contacts, and the way without this program
  split     Seal a credential and print one paper share for each custodian
  confirm   Scan the sheets back, open them once, and write down bags and holders
  drill     Practise: by phone, with a quorum, or with one sheet at its safe
  status    Say how things stand, who holds what, and what is due

During an incident:
  combine   Bring k sheets together and release the credential to one operator

After an incident:
  session   Record a terminal without a credential; look at recordings
  rotate    Make the next credential, put it on paper, then revoke the last one
  reissue   Make a destroyed sheet anew from k others
  log       Add to the logbook, verify it, put it on paper and take paper in
  audit     Hold the logbook against what the platforms say: was it really revoked?

Any time:
  inspect   Say what is on a page or in a file, without opening anything
  print     Print the papers that everybody needs, or check your own
  driver-test  Try whether a driver of your own keeps the rules
  demo      See it all happen once, in a minute, with a throw-away credential

{options}{after-help}";

const EXIT_CODES: &str = "\
Exit codes: 0 done · 1 the answer is no · 2 could not be tried · 3 fewer than k good shares ·
4 the old credential still works · 5 the evidence cannot tell · 130 Ctrl-C. After the record, `combine` and `session` return
the status of the shell or program that they ran, 125 if that never started.";

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
    /// Scan the sheets back, open them once, and write down bags and holders
    Confirm(Confirm),
    /// Practise: by phone, with a quorum, or with one sheet at its safe
    #[command(subcommand)]
    Drill(Drill),
    /// Say how things stand, who holds what, and what is due
    Status(Status),
    /// Bring k sheets together and release the credential to one operator
    Combine(Combine),
    /// Record a terminal without a credential; look at recordings
    Session(Session),
    /// Make the next credential, put it on paper, then revoke the last one
    Rotate(Box<Rotate>),
    /// Make a destroyed sheet anew from k others
    Reissue(Box<Reissue>),
    /// Add to the logbook, verify it, put it on paper and take paper in
    #[command(subcommand)]
    Log(Log),
    /// Hold the logbook against what the platforms say: was it really revoked?
    Audit(Box<Audit>),
    /// Say what is on a page or in a file, without opening anything
    Inspect(Inspect),
    /// Print the papers that everybody needs, or check your own
    Print(Print),
    /// See it all happen once, in a minute, with a throw-away credential
    Demo(Demo),
    /// Try whether a driver of your own keeps the rules
    DriverTest(DriverTest),
    /// Answer one question of a rotation (the program calls itself)
    #[command(hide = true)]
    Driver(Driver),
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
    /// Paper size [default: what theme.toml says, else a4]
    #[arg(long, value_name = "SIZE")]
    pub paper: Option<Paper>,
    /// Deal although fewer than k shares would be unlocked, and record WHY
    #[arg(long, value_name = "WHY")]
    pub exception: Option<String>,
    /// A ceremony.
    #[command(flatten)]
    pub staging: Staging,
    /// Who watches the ceremony and holds no sheet: `Fay Adams (E2001)`
    #[arg(long, value_name = "NAME (ID)", requires = "ceremony")]
    pub witness: Option<String>,
    /// Take the scans of the ceremony as a scanner drops them into DIR
    #[arg(long, value_name = "DIR", requires = "ceremony")]
    pub watch: Option<PathBuf>,
    /// Say what would be dealt and to whom, and stop
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

/// What sheets are made of.
#[derive(Clone, Copy, Default, ValueEnum)]
pub enum Media {
    /// PDF, to be printed
    #[default]
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

/// Where sheets come from.
#[derive(Args, Default)]
pub struct Intake {
    /// Scans, photos, PDFs, text files, folders of them, or `-`; what is missing is asked for
    #[arg(value_name = "SHEET")]
    pub sheets: Vec<PathBuf>,
    /// Take pictures as a scanner or a camera drops them into DIR
    #[arg(long, value_name = "DIR")]
    pub watch: Option<PathBuf>,
    /// Type the lines of the sheets, with a screen that guides; at the prompt it is `type`
    #[arg(long = "type")]
    pub typed: bool,
    /// Type line by line, without the screen
    #[arg(long)]
    pub plain: bool,
    /// Open locked sheets with the age keys in FILE; may be given several times
    #[arg(short, long, value_name = "FILE")]
    pub identity: Vec<PathBuf>,
}

/// What the paper book says.
#[derive(Args, Default)]
pub struct Ink {
    /// The set code in the paper book
    #[arg(long, value_name = "CODE", conflicts_with = "no_book")]
    pub set_code: Option<String>,
    /// The paper book is not at hand (an exception)
    #[arg(long)]
    pub no_book: bool,
}

/// `combine`
#[derive(Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Combine {
    /// Where the sheets come from.
    #[command(flatten)]
    pub intake: Intake,
    /// What the paper book says.
    #[command(flatten)]
    pub ink: Ink,
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
    /// Sheets are read out by phone; it is recorded, and the method says whether that is permitted
    #[arg(long)]
    pub by_phone: bool,
    /// Go on in spite of what speaks against it, and record WHY
    #[arg(long, value_name = "WHY")]
    pub exception: Option<String>,
    /// Write a loose record to FILE [default: ./record-CODE.json]
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Write the credential to FILE, new, mode 0600, instead of showing it; unrecorded, as is `--show`
    #[arg(long, value_name = "FILE", conflicts_with_all = ["exec", "show", "session", "command"])]
    pub output: Option<PathBuf>,
    /// Show it on the screen, instead of starting the recorded shell; where there is one, that takes a reason
    #[arg(long, conflicts_with_all = ["exec", "session", "command"])]
    pub show: bool,
    /// Start a recorded shell that has it, or CMD behind `--` [default where the method has `[release.env]`]
    #[arg(long, conflicts_with = "exec")]
    pub session: bool,
    /// When the operator is done, look where the credential was left behind (a recorded session always does)
    #[arg(long)]
    pub clean: bool,
    /// Give the operator a personal credential that ends by itself, where the driver makes one, instead of the secret
    #[arg(long)]
    pub mint: bool,
    /// Go straight on to `rotate` when the operator is done, with the secret that was just opened
    #[arg(long)]
    pub rotate: bool,
    /// What a recorded session runs instead of a shell
    #[arg(last = true, value_name = "CMD", conflicts_with = "exec")]
    pub command: Vec<String>,
    /// Give the credential to CMD, in the variables of `[release.env]` or on its input, unrecorded; must come last
    #[arg(long, value_name = "CMD", num_args = 1.., allow_hyphen_values = true)]
    pub exec: Option<Vec<String>>,
}

/// Who gets which sheet in which bag, and what is said of that.
#[derive(Args, Clone, Default)]
pub struct Custody {
    /// The bag that a sheet goes into: `1a=TE-004411`; may be given several times
    #[arg(long, value_name = "SHEET=BAG")]
    pub bag: Vec<String>,
    /// Who takes a sheet, if not the custodian of the method file: `1a=Ana Ruiz (E1001)`
    #[arg(long, value_name = "SHEET=NAME (ID)")]
    pub custodian: Vec<String>,
    /// Who watched and holds no sheet: `Fay Adams (E2001)`
    #[arg(long, value_name = "NAME (ID)")]
    pub witness: Option<String>,
    /// The time, when the machine's clock is wrong: 2026-11-24T04:02+01:00
    #[arg(long, value_name = "TIME")]
    pub time: Option<String>,
    /// Go on in spite of what speaks against it, and record WHY
    #[arg(long, value_name = "WHY")]
    pub exception: Option<String>,
}

/// `confirm`
#[derive(Args)]
pub struct Confirm {
    /// Where the sheets come from.
    #[command(flatten)]
    pub intake: Intake,
    /// What the paper book says.
    #[command(flatten)]
    pub ink: Ink,
    /// Who gets which sheet in which bag.
    #[command(flatten)]
    pub custody: Custody,
}

/// `status`
#[derive(Args)]
pub struct Status {
    /// Kits to look at [default: the one of `--kit`]
    #[arg(value_name = "KIT")]
    pub kits: Vec<PathBuf>,
    /// Exit with 1 when something is overdue or a release is open
    #[arg(long)]
    pub check: bool,
    /// Print it as JSON
    #[arg(long, conflicts_with = "ics")]
    pub json: bool,
    /// Write what is due to FILE, new, for a calendar (RFC 5545)
    #[arg(long, value_name = "FILE")]
    pub ics: Option<PathBuf>,
    /// As of that time instead of now: 2026-11-24T04:02+01:00
    #[arg(long, value_name = "TIME")]
    pub as_of: Option<String>,
    /// Say what speaks against the method file as it is, in plain sentences, and stop; exit with 1 when something does
    #[arg(long, conflicts_with_all = ["check", "json", "ics", "as_of"])]
    pub lint: bool,
}

/// `inspect`
#[derive(Args)]
pub struct Inspect {
    /// Scans, photos, PDFs, text files, folders of them, or `-`
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Try locked sheets with the holder's passphrase (asked for) or with `--identity`; shows no share
    #[arg(long)]
    pub unlock: bool,
    /// Try locked sheets with the age keys in FILE; may be given several times
    #[arg(short, long, value_name = "FILE", requires = "unlock")]
    pub identity: Vec<PathBuf>,
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
                help.contains(&format!("  {:<10}{about}\n", verb.get_name()))
                    || help.contains(&format!("  {}  {about}\n", verb.get_name())),
                "{}",
                verb.get_name()
            );
        }
    }

    /// Whoever holds paper types what it says: every command on it is one that there is.
    #[test]
    fn papers_name_commands_that_there_are() {
        let mut commands = 0;
        for (name, text) in crate::paper::Templates::built_in_files() {
            let mut filled = String::new();
            let mut rest = text;
            while let Some((before, value)) = rest.split_once("{{") {
                filled.push_str(before);
                filled.push('1');
                rest = value.split_once("}}").map_or("", |(_, after)| after);
            }
            filled.push_str(rest);
            // a block of code has other quotes, which are not ours
            let filled = filled.replace("```", "");
            commands += filled.matches("`breakglass ").count();
            assert_eq!(mistaken_hint(&filled), None, "{name}");
        }
        assert!(commands > 20, "{commands}");
    }
}
