//! What was printed and not captured, for everyone who shows it.
//!
//! Counts; cannot bring anything back.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use protocol::problem::{Code, Problem};

/// The losses since the agent started.
#[derive(Debug, Default)]
pub(super) struct Losses(Mutex<Option<Lost>>);

/// Receipts that were printed and not captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lost {
    pub(super) count: u64,
    first: Timestamp,
    last: Timestamp,
}

impl Losses {
    /// One more.
    pub(super) fn add(&self, now: Timestamp) {
        let mut lost = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *lost = Some(match *lost {
            None => Lost { count: 1, first: now, last: now },
            Some(lost) => Lost { count: lost.count.saturating_add(1), last: now, ..lost },
        });
    }

    pub(super) fn so_far(&self) -> Option<Lost> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.so_far().is_none()
    }
}

impl Lost {
    pub(super) fn problem(&self) -> Problem {
        let Self { count, first, last } = self;
        let detail = format!(
            "{count} receipts were printed and not captured, the first at {first}, the last at {last}"
        );
        Problem::new(Code::ReceiptsNotCaptured, detail).next(
            "enter them from the till's own journal; their numbers are the gap in the sequence",
        )
    }
}
