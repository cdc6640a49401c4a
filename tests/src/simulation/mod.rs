//! The deterministic simulation: the real agents and the real relay in one thread and virtual
//! time, with everything between them and around them simulated and failing.
//!
//! A seed decides everything, and the same seed leads to the same trace. `world` builds and runs,
//! `agent` and `relay` are our programs, `till`, `network`, `host` and `vendor` what is around
//! them, `faults` what goes wrong, `model` what has to hold all the same, `seeds` how many are
//! tried. What is simulated and what is not stands in `tests/simulation/README.md`.

pub mod agent;
pub mod chance;
pub mod faults;
pub mod host;
pub mod model;
pub mod network;
pub mod relay;
pub mod seeds;
pub mod till;
pub mod trace;
pub mod vendor;
pub mod world;

use std::time::Duration;

use self::faults::Planted;

/// What is to be played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Game {
    /// The seed, from which everything follows.
    pub seed: u64,
    /// The fault in our programs.
    pub planted: Planted,
    /// Whether the trace is kept.
    pub keeps_lines: bool,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The first promise that was broken, if one was.
    pub broken: Option<String>,
    /// The trace.
    pub lines: Vec<String>,
    /// How many events were acknowledged.
    pub events: usize,
    /// How much virtual time went by.
    pub lasted: Duration,
}
