//! `tamper`: tampers with a journal's files, seed by seed, and says what was found.

#![expect(clippy::print_stdout, reason = "it speaks to the person who started it")]

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use journal::Seams;
use tests::tamper;

/// Flips, cuts, deletes, puts back and exchanges a journal's files, and makes the next upload.
#[derive(Debug, Parser)]
struct Options {
    /// How many times.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Writes the figures to this file as JSON.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// The control: the head copy is not looked at, and something must be missed.
    #[arg(long)]
    ignore_head_copy: bool,
}

fn main() -> Result<ExitCode> {
    let options = Options::parse();
    let seams = Seams { ignore_head_copy: options.ignore_head_copy, ..Seams::default() };
    let tell = |seed: u64, what: &str| println!("seed {seed}: {what}");
    let figures = tamper::run(options.seed, options.seeds, seams, &tell)?;
    let text = serde_json::to_string_pretty(&figures).context("write the figures")?;
    println!("{text}");
    if let Some(file) = &options.report {
        agent::files::write_private(file, text.as_bytes())?;
    }
    let is_good = figures.is_good() != options.ignore_head_copy;
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
