//! The rig: which promises are tried on which file systems, how often, and what came of it.
//!
//! The program starts itself again as the one under whose feet the power is cut (`subject`). Both
//! live in a mount namespace of their own, and the disks in its memory, so that nothing is left on
//! the host, however the program ends. Does not know what is promised (`journal`, `relay`).

mod disk;
mod figures;
mod journal;
mod kernel;
mod life;
mod plan;
mod relay;
mod report;
mod series;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use tests::needs;

use self::figures::Figures;
use self::life::Birth;
use self::plan::{FileSystem, Subject};

/// Cuts the power under the journal and under the relay's store.
#[derive(Debug, Parser)]
#[command(name = "powercut")]
struct Command {
    #[command(subcommand)]
    part: Part,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Cuts, compares and counts
    Run(Options),
    /// What loses its power
    #[command(hide = true)]
    Subject(Birth),
}

/// What the command line says.
#[derive(Debug, clap::Args)]
struct Options {
    /// How many times the power is cut, controls apart
    #[arg(long, default_value_t = 200)]
    cuts: u32,
    /// Where the moments of the cuts come from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only on this file system
    #[arg(long)]
    file_system: Option<FileSystem>,
    /// Only this promise, or this control
    #[arg(long)]
    subject: Option<Subject>,
    /// Writes the figures to this file as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// Does what the command line says; 1 if a promise was broken, or a control lost nothing.
#[expect(clippy::print_stderr, reason = "it speaks to the person who started it")]
pub(crate) fn start() -> ExitCode {
    let ended = match Command::parse().part {
        Part::Run(options) => run(&options),
        Part::Subject(birth) => life::live(&birth).map(|()| ExitCode::SUCCESS),
    };
    ended.unwrap_or_else(|error| match error.downcast_ref::<disk::NotHere>() {
        Some(not_here) => {
            eprintln!("not run: this host lacks {not_here}");
            ExitCode::from(needs::NOT_HERE)
        }
        None => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    })
}

#[expect(clippy::print_stdout, reason = "it speaks to the person who started it")]
fn run(options: &Options) -> Result<ExitCode> {
    #[expect(clippy::disallowed_methods, reason = "how long it took is told, nothing hangs on it")]
    let begun = Instant::now();
    let place = disk::Place::new()?;
    let all = plan::series(options.cuts, options.file_system, options.subject, options.seed);
    for file_system in FileSystem::ALL {
        if all.iter().any(|series| series.file_system == file_system) {
            disk::rehearse(&place, file_system)?;
        }
    }
    let mut figures = Figures::new(options.seed);
    // One after another: a program that is being started holds, for a moment, what another series
    // has open, and then that one's disk cannot be unmounted.
    for series in all {
        let outcome = series::run(&place, &series)
            .with_context(|| format!("cut the power under {series}"))?;
        figures.add(series, outcome);
    }
    figures.elapsed_s = begun.elapsed().as_secs();
    println!("{figures}");
    if let Some(file) = &options.report {
        figures.write(file)?;
    }
    Ok(if figures.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
