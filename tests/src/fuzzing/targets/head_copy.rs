//! The head copy: how far the journal was, under a code of its own.

use super::salvaged;
use crate::fuzzing::fixtures::journal::{FILES, seeds};
use crate::fuzzing::{Form, Target};

/// The target.
pub const TARGET: Target = Target {
    name: "head_copy",
    run,
    form: Form::Bytes,
    words: &["SQLite format 3\u{0}", "SKJH\u{1}"],
    inputs_per_round: 120,
    seeds: || seeds(FILES[2]),
};

/// What has to hold for every input.
pub fn run(input: &[u8]) {
    salvaged::check(FILES[2], input);
}
