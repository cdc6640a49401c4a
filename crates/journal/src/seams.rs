//! A fault that a harness may hand to the journal, so that a test can show that it would notice.
//!
//! The default is production. No configuration key, feature or variable reaches it: only a caller
//! of [`crate::Journal::open_with`] does, and the agent calls [`crate::Journal::open`].

/// The values that only a harness changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seams {
    /// Fault: a commit is answered before it is synced (`synchronous=NORMAL`); only checkpoints
    /// sync.
    pub answer_before_sync: bool,
}

impl Seams {
    /// SQLite's word for when a commit is synced.
    pub(crate) const fn synchronous(self) -> &'static str {
        if self.answer_before_sync { "NORMAL" } else { "FULL" }
    }
}
