//! `cargo xtask powercut`: cuts the power under the journal and the relay's store, many times.
//!
//! The rig is a program of the tests (`tests/powercut`), so that nothing here knows what it cuts.
//! It needs root and loop devices; where they are missing it says so, and this chore fails.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::cargo::{cargo, shown, succeeds};
use crate::outcome::Outcome;

/// What the command line says.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How many times the power is cut, controls apart
    #[arg(long, default_value_t = 1_000)]
    cuts: u32,
    /// Where the moments of the cuts come from
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Cuts; good if nothing that was acknowledged is gone and the controls lost something.
pub(crate) fn run(root: &Path, options: &Options) -> Result<Outcome> {
    let folder = TempDir::new().context("create a folder for the figures")?;
    let report = folder.path().join("figures.json");
    let mut command = cargo(root);
    command.args(["run", "--quiet", "-p", "tests", "--bin", "powercut", "--", "run"]);
    command.args(["--cuts", &options.cuts.to_string(), "--seed", &options.seed.to_string()]);
    command.arg("--report").arg(&report);
    let good = succeeds(&mut command)?;
    ensure!(report.exists(), "run {}", shown(&command));
    let text = std::fs::read_to_string(&report).context("read the figures")?;
    let figures: Value = serde_json::from_str(&text).context("read the figures")?;
    Ok(Outcome { good, figures })
}
