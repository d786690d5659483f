//! The `breakglass` program: parse, run, exit.

use std::process::ExitCode;

use breakglass::cli::Cli;
use breakglass::{commands, harden};
use clap::Parser;

#[global_allocator]
static ALLOCATOR: harden::Allocator = harden::ALLOCATOR;

fn main() -> ExitCode {
    harden::process();
    let cli = Cli::parse();
    let program = std::env::current_exe().unwrap_or_else(|_| "breakglass".into());
    harden::with_burnt_stack(|| commands::run(cli, program)).into()
}
