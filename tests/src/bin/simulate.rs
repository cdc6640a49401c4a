//! `cargo xtask simulate`: plays many seeds, or one with its trace.
//!
//! Exits with 1 if a promise was broken, and says how to replay it. Times nothing.

#![expect(clippy::print_stdout, reason = "a chore speaks to the person who started it")]

use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use anyhow::{Context, Result};
use clap::Parser;
use serde_json::json;
use tests::simulation::faults::Planted;
use tests::simulation::seeds::{self, Sum};
use tests::simulation::world::play;
use tests::simulation::{Game, Outcome};

/// Plays the deterministic simulation.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask simulate", max_term_width = 100)]
struct Arguments {
    /// How many seeds to play, from 1 on
    #[arg(long, default_value_t = 300)]
    seeds: u64,
    /// Plays this seed alone
    #[arg(long)]
    seed: Option<u64>,
    /// Prints who did what when; with `--seed`
    #[arg(long, requires = "seed")]
    trace: bool,
    /// Writes the figures to this file as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let sum = match arguments.seed {
        Some(seed) => one(seed, arguments.trace),
        None => many(arguments.seeds)?,
    };
    let Sum { seeds, failed, events, lasted } = &sum;
    for (seed, broken) in failed {
        println!("seed {seed}: {broken}\n  replay it: {}", seeds::replay(*seed));
    }
    let hours = lasted.as_secs() / 3_600;
    println!("{seeds} seeds, {} broken; {events} events in {hours} virtual hours", failed.len());
    if let Some(path) = &arguments.report {
        let figures = json!({
            "seeds": seeds, "broken": failed.len(), "acked": events,
            "virtual_s": lasted.as_secs(),
        });
        let file = File::create(path).with_context(|| format!("create {}", path.display()))?;
        serde_json::to_writer(file, &figures).context("write the report")?;
    }
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn one(seed: u64, keeps_lines: bool) -> Sum {
    let outcome = play(Game { seed, planted: Planted::Nothing, keeps_lines });
    let Outcome { broken, lines, events, lasted } = outcome;
    for line in lines {
        println!("{line}");
    }
    let failed = broken.map(|broken| (seed, broken)).into_iter().collect();
    Sum { seeds: 1, failed, events, lasted }
}

/// The seeds that once failed, then those that are asked for.
fn many(count: u64) -> Result<Sum> {
    let threads = thread::available_parallelism().context("count the processors")?.get();
    let mut seeds = seeds::kept();
    seeds.extend(1..=count);
    Ok(seeds::play_all(&seeds, threads, |seed, outcome| {
        if let Some(broken) = &outcome.broken {
            println!("seed {seed} is broken: {broken}");
        }
    }))
}
