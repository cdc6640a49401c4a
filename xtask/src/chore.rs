//! The chores there are, and which module does each.
//!
//! Does none of them.

use std::path::Path;

use anyhow::Result;
use clap::Subcommand;

use crate::outcome::Outcome;
use crate::{bench, deny, fuzz_smoke, powercut, schemas, simulate, tamper, test, tidy};

/// What can be asked for.
#[derive(Debug, Subcommand)]
pub(crate) enum Chore {
    /// Checks that the house stays as drawn: sizes, directions, goldens, pages, links
    Tidy(tidy::Options),
    /// Compiles once, runs every test, and names each that could not be run
    Test(test::Options),
    /// Cuts the power under the journal and the relay's store, and counts what is lost
    Powercut(powercut::Options),
    /// Plays the deterministic simulation: many seeds, or one with its trace
    Simulate(simulate::Options),
    /// Measures capture, drain and ingest in release, each beside a baseline of the same run
    Bench(bench::Options),
    /// Checks the dependencies: bans, licences, sources, and advisories where they can be reached
    Deny(deny::Options),
    /// Tampers with a journal's files, seed by seed: all of it has to be found
    Tamper(tamper::Options),
    /// Runs every fuzz target over its corpus and changed inputs, or replays one input
    FuzzSmoke(fuzz_smoke::Options),
    /// Writes the documents that are generated from the types, or checks that they are fresh
    Schemas(schemas::Options),
}

impl Chore {
    /// Does it.
    pub(crate) fn run(&self, root: &Path) -> Result<Outcome> {
        match self {
            Self::Tidy(options) => tidy::run(root, options),
            Self::Test(options) => test::run(root, options),
            Self::Powercut(options) => powercut::run(root, options),
            Self::Simulate(options) => simulate::run(root, options),
            Self::Bench(options) => bench::run(root, options),
            Self::Deny(options) => deny::run(root, options),
            Self::Tamper(options) => tamper::run(root, options),
            Self::FuzzSmoke(options) => fuzz_smoke::run(root, options),
            Self::Schemas(options) => schemas::run(root, options),
        }
    }
}
