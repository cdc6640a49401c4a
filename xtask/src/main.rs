//! `cargo xtask`: the project's own chores, each one command.
//!
//! Depends on nothing of ours, so that it can judge the rest. Does not hold a rule of its own: a
//! chore that fails says what was found and where, and exits with 1.

#![expect(clippy::print_stdout, reason = "a chore speaks to the person who started it")]

mod bench;
mod cargo;
mod chore;
mod deny;
mod disk;
mod fuzz_smoke;
mod outcome;
mod powercut;
mod schemas;
mod simulate;
mod stopwatch;
mod tamper;
mod test;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use self::chore::Chore;

/// The project's own chores.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
    /// Writes the chore's figures to this file as JSON
    #[arg(long, value_name = "FILE", global = true)]
    report: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let root = cargo::workspace()?;
    let outcome = arguments.chore.run(&root)?;
    if let Some(file) = &arguments.report {
        outcome.write(file)?;
    }
    Ok(if outcome.good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
