//! `storekeep-setup`: reads the command line, runs the command, and says how it ended.

use std::process::ExitCode;

use clap::Parser;
use installer::cli::{Cli, Terminal, execute};

fn main() -> ExitCode {
    let cli = Cli::parse();
    execute(&cli, &mut Terminal).into()
}
