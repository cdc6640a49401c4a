//! `cargo xtask bench`: the benchmarks of budgets B1 to B7, each beside a baseline of the same run.
//!
//! Builds the programs as they ship (in release) and the harness as everything else here is, and
//! lets the harness (`tests/bench`) print the table. Fails when a promise broke, never because the
//! machine was slow. Measures nothing itself.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::cargo::{cargo, shown, succeeds};
use crate::outcome::Outcome;

/// The packages whose programs are measured, and the probe that measures in release.
const PACKAGES: &[&str] = &["agent", "cloud-relay", "bench-probe"];

/// What the command line says.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only these budgets, as in `B1,B2`
    #[arg(long, value_name = "BUDGETS")]
    only: Option<String>,
    /// A tenth of everything, to see that it runs
    #[arg(long)]
    quick: bool,
    /// Measures other brokers beside it (NATS from PyPI, mosquitto from Debian)
    #[arg(long)]
    peers: bool,
    /// Entries that wait in the long journal of B3 and B6
    #[arg(long, value_name = "ENTRIES")]
    backlog: Option<u64>,
    /// Keeps the long journal (some 6 GB) in this folder, and uses the one that is there
    #[arg(long, value_name = "FOLDER")]
    cache: Option<PathBuf>,
}

/// Builds, measures; good if no promise broke.
pub(crate) fn run(root: &Path, options: &Options) -> Result<Outcome> {
    let mut build = cargo(root);
    build.args(["build", "--release", "--quiet"]);
    build.args(PACKAGES.iter().flat_map(|package| ["-p", package]));
    ensure!(succeeds(&mut build)?, "run {}", shown(&build));
    let folder = tempfile::tempdir().context("make a folder for the figures")?;
    let report = folder.path().join("bench.json");
    let mut command = cargo(root);
    command.args(["run", "--quiet", "-p", "tests", "--bin", "bench", "--", "--report"]);
    command.arg(&report).arg("--programs").arg(programs(root)?);
    if let Some(only) = &options.only {
        command.args(["--only", only]);
    }
    for (flag, is_set) in [("--quick", options.quick), ("--peers", options.peers)] {
        if is_set {
            command.arg(flag);
        }
    }
    if let Some(entries) = options.backlog {
        command.args(["--backlog", &entries.to_string()]);
    }
    if let Some(cache) = &options.cache {
        command.arg("--cache").arg(cache);
    }
    let good = succeeds(&mut command)?;
    let figures = std::fs::read(&report).context("read the figures of the benchmarks")?;
    let figures: Value = serde_json::from_slice(&figures).context("read the figures as JSON")?;
    Ok(Outcome { good, figures })
}

/// Where cargo puts release programs.
fn programs(root: &Path) -> Result<PathBuf> {
    let mut command = cargo(root);
    command.args(["metadata", "--format-version", "1", "--no-deps"]);
    let said = command.output().with_context(|| format!("run {}", shown(&command)))?;
    let said: Value = serde_json::from_slice(&said.stdout).context("read cargo's metadata")?;
    let target = said["target_directory"].as_str().context("find the target folder")?;
    Ok(Path::new(target).join("release"))
}
