//! `cargo xtask`: the project's own chores, each one command.
//!
//! Depends on nothing of ours, so that it can judge the rest. Does not hold a rule of its own: a
//! chore that fails says what was found and where, and exits with 1.

#![expect(clippy::print_stdout, reason = "a chore speaks to the person who started it")]

mod cargo;
mod deny;
mod disk;
mod outcome;
mod schemas;
mod stopwatch;
mod test;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

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

#[derive(Debug, Subcommand)]
enum Chore {
    /// Checks that the house stays as drawn: sizes, directions, goldens, pages, links
    Tidy(tidy::Options),
    /// Compiles once, runs every test, and names each that could not be run
    Test(test::Options),
    /// Checks the dependencies: bans, licences, sources, and advisories where they can be reached
    Deny(deny::Options),
    /// Writes the documents that are generated from the types, or checks that they are fresh
    Schemas(schemas::Options),
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let root = cargo::workspace()?;
    let outcome = match arguments.chore {
        Chore::Tidy(options) => tidy::run(&root, &options)?,
        Chore::Test(options) => test::run(&root, &options)?,
        Chore::Deny(options) => deny::run(&root, &options)?,
        Chore::Schemas(options) => schemas::run(&root, &options)?,
    };
    if let Some(file) = &arguments.report {
        outcome.write(file)?;
    }
    Ok(if outcome.good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
