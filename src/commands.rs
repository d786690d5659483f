//! One file per verb: read, call the library, tell, record.

mod ask;
mod audit;
mod ceremony;
mod change;
mod combine;
mod confirm;
mod demo;
mod drill;
mod driver;
mod driver_test;
mod exports;
mod gather;
mod handover;
mod init;
mod ink;
mod inspect;
mod intake;
mod locks;
mod log;
mod mint;
mod objection;
mod papers;
mod people;
mod print;
mod recorder;
mod rehearsal;
mod reissue;
mod release;
mod rotate;
mod screen;
mod session;
mod shortfall;
mod split;
mod spool;
mod status;
mod strips;
mod typing;
mod watch;
mod words;

use std::path::PathBuf;
use std::sync::OnceLock;

use crate::cli::{Cli, ColorWhen, Command, mistaken_hint};
use crate::drivers;
use crate::exit::Exit;
use crate::kit::{Kit, KitError};
use crate::logbook::Program;
use crate::logbook::hex;
use crate::scan;
use crate::set::sha256;
use crate::ui::{Color, Failure, Ui};

/// What every command has at hand.
pub struct Context {
    ui: Ui,
    /// Folder of the kit.
    dir: PathBuf,
    /// This program's own file, which is started again to read pages.
    program: PathBuf,
    /// Its SHA-256, once it was asked for.
    own_hash: OnceLock<String>,
}

impl Context {
    /// Says one thing to do next; a command in it is one that the parser takes.
    fn hint(&self, text: &str) {
        debug_assert_eq!(mistaken_hint(text), None);
        self.ui.say_hint(text);
    }

    fn kit(&self) -> Result<Kit, KitError> {
        Kit::open(&self.dir)
    }

    fn reader(&self) -> scan::Reader {
        scan::Reader::new(self.program.clone())
    }

    /// Says which program writes a record.
    fn signature(&self) -> Program {
        let own = || std::fs::read(&self.program).map(|bytes| hex(&sha256(&[&bytes])));
        let hash = self.own_hash.get_or_init(|| own().unwrap_or_else(|_| "unknown".to_owned()));
        Program { version: env!("CARGO_PKG_VERSION").to_owned(), sha256: hash.clone() }
    }
}

/// Runs a command line. `program` is the file that this process runs, to start workers from.
pub fn run(cli: Cli, program: PathBuf) -> Exit {
    let color = match cli.global.color {
        ColorWhen::Auto => Color::Auto,
        ColorWhen::Always => Color::Always,
        ColorWhen::Never => Color::Never,
    };
    let ui = Ui::new(color, cli.global.quiet, cli.global.no_input);
    let context = Context {
        ui,
        dir: cli.global.kit.unwrap_or_else(|| ".".into()),
        program,
        own_hash: OnceLock::new(),
    };
    match dispatch(&context, &cli.command) {
        Ok(exit) => exit,
        Err(failure) => {
            // a command that has made something says itself what becomes of it
            if failure.exit == Exit::Interrupted && failure.message.is_empty() {
                context.ui.must_say("Stopped. Nothing was opened, made or recorded.");
            }
            if !failure.message.is_empty() {
                debug_assert_eq!(failure.hint.as_deref().and_then(mistaken_hint), None);
                context.ui.fail(&failure);
            }
            failure.exit
        }
    }
}

fn dispatch(context: &Context, command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::Init(args) => init::run(context, args),
        Command::Split(args) => split::run(context, args),
        Command::Confirm(args) => confirm::run(context, args),
        Command::Drill(args) => drill::run(context, args),
        Command::Status(args) => status::run(context, args),
        Command::Combine(args) => combine::run(context, args),
        Command::Session(args) => session::run(context, args),
        Command::Rotate(args) => rotate::run(context, args),
        Command::Reissue(args) => reissue::run(context, args),
        Command::Log(args) => log::run(context, args),
        Command::Audit(args) => audit::run(context, args),
        Command::Inspect(args) => inspect::run(context, args),
        Command::Print(args) => print::run(context, args),
        Command::Demo(args) => demo::run(context, args),
        Command::DriverTest(args) => driver_test::run(context, args),
        Command::Driver(args) => Ok(match drivers::serve(&args.name, &args.verb) {
            Ok(status) => Exit::Child(status),
            Err(_) => Exit::Child(3),
        }),
        Command::ReadPage(args) => match scan::serve(args.page.unwrap_or(0)) {
            Ok(()) => Ok(Exit::Done),
            Err(_) => Ok(Exit::Invalid),
        },
    }
}
