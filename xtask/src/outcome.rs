//! What a chore came to: whether all is good, and its figures for machines.
//!
//! Does not print; a chore says itself what a person has to read.

use std::path::Path;

use anyhow::Result;
use serde_json::Value;

use crate::disk::write_whole;

/// The end of a chore.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Whether nothing was found that has to be mended.
    pub(crate) good: bool,
    /// A flat object with the units in the names.
    pub(crate) figures: Value,
}

impl Outcome {
    /// Writes the figures as JSON.
    pub(crate) fn write(&self, file: &Path) -> Result<()> {
        write_whole(file, format!("{:#}\n", self.figures).as_bytes())
    }
}
