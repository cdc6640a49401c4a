//! `cargo xtask fuzz-smoke`: the fuzz targets on any compiler, over the corpus and changed inputs.
//!
//! Exits with 1 if something does not hold, and says how to replay it. Makes no input itself.

#![expect(clippy::print_stdout, reason = "a chore speaks to the person who started it")]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Parser;
use serde_json::{Value, json};
use tests::fuzzing::series::{self, Series, Sum};
use tests::fuzzing::{self, TARGETS, Target, runner};

/// Runs every fuzz target within bounds.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask fuzz-smoke", max_term_width = 100)]
struct Arguments {
    /// Runs this target alone
    #[arg(long)]
    target: Option<String>,
    /// Rounds of changed inputs at least, each by a seed of its own
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// The seed of the first round
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Goes on with rounds for so long
    #[arg(long, default_value_t = 0)]
    seconds: u64,
    /// Runs the input in this file, instead of a corpus; with `--target`
    #[arg(long, value_name = "FILE", requires = "target")]
    input: Option<PathBuf>,
    /// Writes what is missing of the corpus, and runs nothing
    #[arg(long)]
    corpus: bool,
    /// Writes the figures to this file as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    if arguments.corpus {
        let written = fuzzing::write_missing()?;
        println!("{written} inputs written");
        report(&arguments, &json!({ "written": written }))?;
        return Ok(ExitCode::SUCCESS);
    }
    #[expect(clippy::disallowed_methods, reason = "a run loop times itself; no input sees it")]
    let begun = Instant::now();
    let sums = match &arguments.input {
        Some(file) => vec![replay(arguments.target.as_deref().unwrap_or_default(), file)?],
        None => {
            let series = Series {
                first_seed: arguments.seed,
                rounds: arguments.seeds,
                lasts: Duration::from_secs(arguments.seconds),
            };
            series::play(&chosen(&arguments)?, series, &|| begun.elapsed())?
        }
    };
    let mut figures = json!({ "targets": sums.len() });
    let (mut inputs, mut broken) = (0, 0);
    for sum in &sums {
        println!("{}: {} inputs", sum.target, sum.inputs);
        figures[format!("{}_inputs", sum.target)] = sum.inputs.into();
        inputs += sum.inputs;
        if let Some(found) = &sum.broken {
            println!("{found}");
            broken += 1;
        }
    }
    println!("{inputs} inputs, {broken} of {} targets broken", sums.len());
    figures["inputs"] = inputs.into();
    figures["broken"] = broken.into();
    figures["elapsed_s"] = begun.elapsed().as_secs().into();
    report(&arguments, &figures)?;
    Ok(if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn chosen(arguments: &Arguments) -> Result<Vec<&'static Target>> {
    match &arguments.target {
        Some(name) => Ok(vec![named(name)?]),
        None => Ok(TARGETS.iter().collect()),
    }
}

fn named(name: &str) -> Result<&'static Target> {
    let names = || TARGETS.iter().map(|target| target.name).collect::<Vec<_>>().join(", ");
    fuzzing::target(name).with_context(|| format!("find the target `{name}`; known: {}", names()))
}

fn replay(target: &str, file: &Path) -> Result<Sum> {
    let target = named(target)?;
    let input = std::fs::read(file).with_context(|| format!("read `{}`", file.display()))?;
    let played = runner::replay(target, &input, &series::plan(target, 0))?;
    Ok(Sum { target: target.name, inputs: played.inputs, broken: played.broken })
}

fn report(arguments: &Arguments, figures: &Value) -> Result<()> {
    let Some(path) = &arguments.report else { return Ok(()) };
    let file = File::create(path).with_context(|| format!("create {}", path.display()))?;
    serde_json::to_writer(file, figures).context("write the report")
}
