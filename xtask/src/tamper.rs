//! `cargo xtask tamper`: tampers with a journal's files, many times.
//!
//! The harness is a program of the tests, so that nothing here knows what is tampered with. A control
//! that does not look at the head copy has to miss something, or the count would prove nothing.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cargo::{cargo, shown, succeeds};
use crate::outcome::Outcome;

/// Seeds of the control: enough for a log that lost its tail.
const CONTROL_SEEDS: u64 = 500;

/// What the command line says.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How many times the files are tampered with, the control apart
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first seed; one of them replays alone with `--seeds 1 --seed N`
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// Tampers; good if all of it is found and the control misses something.
pub(crate) fn run(root: &Path, options: &Options) -> Result<Outcome> {
    let (is_good, mut figures) = tamper(root, options.seed, options.seeds, &[])?;
    let (control_noticed, control) = tamper(root, 0, CONTROL_SEEDS, &["--ignore-head-copy"])?;
    figures["control_seeds"] = json!(CONTROL_SEEDS);
    figures["control_missed"] = control["missed"].clone();
    Ok(Outcome { good: is_good && control_noticed, figures })
}

fn tamper(root: &Path, seed: u64, seeds: u64, more: &[&str]) -> Result<(bool, Value)> {
    let folder = TempDir::new().context("create a folder for the figures")?;
    let report = folder.path().join("figures.json");
    let mut command = cargo(root);
    command.args(["run", "--quiet", "-p", "tests", "--bin", "tamper", "--"]);
    command.args(["--seeds", &seeds.to_string(), "--seed", &seed.to_string()]).args(more);
    command.arg("--report").arg(&report);
    let is_good = succeeds(&mut command)?;
    ensure!(report.exists(), "run {}", shown(&command));
    let text = std::fs::read_to_string(&report).context("read the figures")?;
    Ok((is_good, serde_json::from_str(&text).context("read the figures")?))
}
