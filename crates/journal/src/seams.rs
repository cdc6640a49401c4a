//! Faults that a harness may hand to the journal, so that a test can show that it would notice.
//!
//! The default is production. No configuration key, feature or variable reaches them: only a caller
//! of the library does, and the agent hands in the default.

/// The values that only a harness changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seams {
    /// Fault: a commit is answered before it is synced (`synchronous=NORMAL`); only checkpoints
    /// sync.
    pub answer_before_sync: bool,
    /// Fault: the journal is taken for whole, whatever the head copy says.
    pub ignore_head_copy: bool,
}

impl Seams {
    /// SQLite's word for when a commit is synced.
    pub(crate) const fn synchronous(self) -> &'static str {
        if self.answer_before_sync { "NORMAL" } else { "FULL" }
    }
}
