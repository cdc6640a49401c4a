//! `bench`: the benchmarks B1 to B7, each beside a baseline of the same run.
//!
//! Starts the release programs as a store and a head office would, lets `bench-probe` do what has
//! to be fast, and prints what was measured beside what it is held to. Fails when a promise broke
//! (something lost or duplicated), never because a machine was slow.

#![expect(clippy::print_stdout, reason = "it speaks to the person who started it")]

mod agent_host;
mod figures;
mod measure;
mod options;
mod programs;
mod ratio;
mod relay_host;
mod resident;
mod timing;
mod workload;

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;

use self::figures::Figures;
use self::options::{Budget, Options};
use self::programs::Programs;

/// What every measurement needs.
struct Bench {
    programs: Programs,
    options: Options,
    /// A folder for files of this run alone.
    folder: std::path::PathBuf,
    /// The file with one sale a line.
    sales: std::path::PathBuf,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let options = Options::parse();
    let folder = tempfile::tempdir().context("make a folder for this run")?;
    let sales = folder.path().join("sales.json");
    workload::write(&sales, options.scale().sales)?;
    let programs = Programs::in_folder(&options.programs);
    let bench = Bench { programs, options, folder: folder.path().to_owned(), sales };
    let figures = run(&bench).await?;
    print!("{figures}");
    if let Some(file) = &bench.options.report {
        figures.write(file)?;
    }
    Ok(if figures.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn run(bench: &Bench) -> Result<Figures> {
    let mut figures = Figures::default();
    let wanted = |budget| bench.options.wants(budget);
    if wanted(Budget::B1) || wanted(Budget::B2) {
        measure::capture::run(bench, &mut figures).await.context("measure capture (B1, B2)")?;
    }
    if wanted(Budget::B7) || wanted(Budget::B4) {
        measure::ingest::run(bench, &mut figures).await.context("measure ingest (B7)")?;
    }
    if wanted(Budget::B4) || wanted(Budget::B5) {
        measure::drain::run(bench, &mut figures).await.context("measure the drain (B4, B5)")?;
    }
    if wanted(Budget::B6) {
        measure::idle::run(bench, &mut figures).await.context("measure the idle agent (B6)")?;
    }
    if wanted(Budget::B3) || wanted(Budget::B6) {
        measure::backlog::run(bench, &mut figures).await.context("measure a backlog (B3, B6)")?;
    }
    if bench.options.peers {
        measure::peers::run(bench, &mut figures).await.context("measure other brokers")?;
    }
    Ok(figures)
}
