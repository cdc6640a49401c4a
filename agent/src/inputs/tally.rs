//! What came in since the agent started, for status and metrics.
//!
//! Counts only. What has to survive a restart stands in the journal.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use journal::{AppendError, Appended};
use protocol::id::RegisterId;

/// Registers whose practice is counted apart: more than any store has.
const TRAINING_REGISTERS_MAX: usize = 1_000;

/// The counts.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) journaled: AtomicU64,
    pub(crate) replayed: AtomicU64,
    pub(crate) conflicts: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) not_committed: AtomicU64,
    disk_full: AtomicBool,
    training: Mutex<BTreeMap<RegisterId, u64>>,
}

impl Tally {
    pub(crate) fn appended(&self, appended: &Appended) {
        let count = match appended {
            Appended::New { .. } => &self.journaled,
            Appended::Replay { .. } => &self.replayed,
            Appended::Conflict { .. } => &self.conflicts,
        };
        count.fetch_add(1, Ordering::Relaxed);
        // A plain read first: every sale passes here.
        if self.disk_full.load(Ordering::Relaxed) && self.disk_full.swap(false, Ordering::Relaxed) {
            tracing::info!("the journal has room again; events are taken");
        }
    }

    pub(crate) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn failed(&self, error: &AppendError) {
        match error {
            AppendError::IdReused { .. } | AppendError::TooLarge { .. } => {
                self.refused();
                return;
            }
            AppendError::DiskFull(_) => {
                if !self.disk_full.swap(true, Ordering::Relaxed) {
                    tracing::error!("the disk is full: events are refused until there is room");
                }
            }
            AppendError::NotCommitted(cause) => {
                tracing::error!(%cause, "an event was not committed; the POS was told so");
            }
            AppendError::Closed => tracing::warn!("an event came while the journal was closed"),
        }
        self.not_committed.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn training(&self, register: RegisterId) {
        let mut training = self.training.lock().unwrap_or_else(PoisonError::into_inner);
        if training.len() < TRAINING_REGISTERS_MAX || training.contains_key(&register) {
            *training.entry(register).or_default() += 1;
        }
    }

    /// Whether the last event that was to be written found the disk full.
    pub(crate) fn is_disk_full(&self) -> bool {
        self.disk_full.load(Ordering::Relaxed)
    }

    /// Practice, by register.
    pub(crate) fn training_by_register(&self) -> BTreeMap<RegisterId, u64> {
        self.training.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
