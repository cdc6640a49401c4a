//! The state of a target, as a look at it before anything is posted found it.
//!
//! Says what is well and what to do about what is not. Decides nothing: the relay does.

use serde::Serialize;

/// The state of a target as its check found it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// What was looked at, each with whether it is well and what to do if not.
    pub findings: Vec<CheckFinding>,
}

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckFinding {
    /// What was looked at.
    pub subject: String,
    /// Whether it is well.
    pub well: bool,
    /// What was found, and what to do if it is not well.
    pub detail: String,
}

impl Checked {
    /// Whether the target can be posted to.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.findings.iter().all(|finding| finding.well)
    }
}
