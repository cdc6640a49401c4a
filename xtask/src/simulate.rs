//! `cargo xtask simulate`: plays the deterministic simulation of `tests/simulation`.
//!
//! Starts the harness's own program, because this one depends on nothing of ours. Plays nothing
//! itself.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::cargo::{cargo, succeeds};
use crate::outcome::Outcome;

/// What the command line says.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How many seeds to play, from 1 on
    #[arg(long, default_value_t = 300, conflicts_with = "seed")]
    seeds: u64,
    /// Plays this seed alone
    #[arg(long)]
    seed: Option<u64>,
    /// Prints who did what when; with `--seed`
    #[arg(long, requires = "seed")]
    trace: bool,
}

/// Plays; good if no promise was broken.
pub(crate) fn run(root: &Path, options: &Options) -> Result<Outcome> {
    let folder = tempfile::tempdir().context("make a folder for the figures")?;
    let report = folder.path().join("simulate.json");
    let mut command = cargo(root);
    command.args(["run", "--quiet", "-p", "tests", "--bin", "simulate", "--", "--report"]);
    command.arg(&report);
    match options.seed {
        Some(seed) => command.args(["--seed", &seed.to_string()]),
        None => command.args(["--seeds", &options.seeds.to_string()]),
    };
    if options.trace {
        command.arg("--trace");
    }
    let good = succeeds(&mut command)?;
    let figures = std::fs::read(&report).context("read the simulation's figures")?;
    let figures: Value = serde_json::from_slice(&figures).context("read the figures as JSON")?;
    Ok(Outcome { good, figures })
}
