//! The journal's file: encrypted pages, of which each may be another one than was written.

use super::salvaged;
use crate::fuzzing::fixtures::journal::{FILES, seeds};
use crate::fuzzing::{Form, Target};

/// The target.
pub const TARGET: Target = Target {
    name: "journal_file",
    run,
    form: Form::Bytes,
    words: &["SQLite format 3\u{0}", "SKJH\u{1}"],
    inputs_per_round: 120,
    seeds: || seeds(FILES[0]),
};

/// What has to hold for every input.
pub fn run(input: &[u8]) {
    salvaged::check(FILES[0], input);
}
