//! `cargo xtask fuzz-smoke`: runs the fuzz targets of `tests/fuzz` on any compiler, within bounds.
//!
//! Starts the harness's own program, because this one depends on nothing of ours. Knows no target;
//! coverage-guided fuzzing is `cargo fuzz`'s, as `tests/fuzz/README.md` says.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::cargo::{cargo, succeeds};
use crate::outcome::Outcome;

/// What the command line says.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Runs this target alone
    #[arg(long)]
    target: Option<String>,
    /// Rounds of changed inputs at least, each by a seed of its own
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// The seed of the first round; what a round found is found again with `--seeds 1 --seed N`
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
}

/// Runs; good if everything holds for every input.
pub(crate) fn run(root: &Path, options: &Options) -> Result<Outcome> {
    let folder = tempfile::tempdir().context("make a folder for the figures")?;
    let report = folder.path().join("fuzz-smoke.json");
    let mut command = cargo(root);
    command.args(["run", "--quiet", "-p", "tests", "--bin", "fuzz-smoke", "--", "--report"]);
    command.arg(&report);
    command.args(["--seeds", &options.seeds.to_string(), "--seed", &options.seed.to_string()]);
    command.args(["--seconds", &options.seconds.to_string()]);
    if let Some(target) = &options.target {
        command.args(["--target", target]);
    }
    if let Some(input) = &options.input {
        command.arg("--input").arg(input);
    }
    if options.corpus {
        command.arg("--corpus");
    }
    let good = succeeds(&mut command)?;
    let figures = match std::fs::read(&report) {
        Ok(text) => serde_json::from_slice(&text).context("read the figures as JSON")?,
        // An input that ends the whole process leaves no figures, and stands in a file of its own.
        Err(_) if !good => json!({ "broken": Value::Null }),
        Err(error) => return Err(error).context("read the figures"),
    };
    Ok(Outcome { good, figures })
}
