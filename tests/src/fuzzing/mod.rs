//! Fuzzing: what comes from outside, made wrong in every way that chance finds, and what has to
//! hold all the same.
//!
//! A target is one function over bytes that panics when something does not hold. Two runners drive
//! the same functions over the same committed corpus in `tests/fuzz`: libFuzzer through the small
//! programs there, and [`runner`] on any compiler, bounded and by a seed. Nothing here opens a
//! socket or waits for a real clock.

mod corpus;
mod fixtures;
mod mutate;
pub mod runner;
pub mod series;
pub mod targets;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::{fs, io};

pub use self::corpus::{folder, write_missing};
pub use self::mutate::Form;

/// What is fuzzed, and how its inputs are made.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, and that of its folder in the corpus.
    pub name: &'static str,
    /// Panics when something does not hold for an input.
    pub run: fn(&[u8]),
    /// What its inputs look like, so that changed ones are read further than their first byte.
    pub form: Form,
    /// Words that mean something to it.
    pub words: &'static [&'static str],
    /// How many changed inputs one round makes: by what one of them costs.
    pub inputs_per_round: u64,
    /// The inputs that the project writes itself, by name.
    pub seeds: fn() -> Vec<(String, Vec<u8>)>,
}

/// Every target.
pub const TARGETS: &[Target] = &[
    targets::event::TARGET,
    targets::card_data::TARGET,
    targets::events_input::TARGET,
    targets::batch::TARGET,
    targets::documents::TARGET,
    targets::relay_answers::TARGET,
    targets::journal_file::TARGET,
    targets::journal_log::TARGET,
    targets::head_copy::TARGET,
    targets::key_file::TARGET,
    targets::lease::TARGET,
    targets::local_api::TARGET,
    targets::ingest::TARGET,
    targets::agent_mqtt::TARGET,
    targets::relay_mqtt::TARGET,
];

/// Writes a file for one run, or one of the corpus. Nothing has to survive a power cut: whoever
/// needs it again makes it again.
#[expect(clippy::disallowed_methods, reason = "each of tens of thousands of inputs is written")]
fn put(file: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    fs::write(file, bytes)
}

/// The target of a name.
#[must_use]
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
