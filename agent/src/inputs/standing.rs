//! How the inputs stand, for everyone who shows it.
//!
//! Inputs write it; status, the local page and the metrics read it. Decides nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use protocol::problem::Problem;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::folder::Counts;

/// How one input stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InputState {
    /// Its kind, such as `poslog`.
    pub kind: String,
    /// New events since the agent started.
    pub journaled: u64,
    /// Events since then that were known.
    pub replayed: u64,
    /// Events since then with other content under a known receipt; kept.
    pub conflicts: u64,
    /// Practice since then.
    pub training: u64,
    /// Documents since then that were refused.
    pub refused: u64,
    /// Files or rows that wait.
    pub waiting: u64,
    /// Files that were rejected and wait for a person.
    pub rejected_files: u64,
    /// Printed receipts since then that could not be read; the newest of them are kept.
    #[serde(default)]
    pub unreadable: u64,
    /// Printed receipts since then, at least, that were not captured.
    #[serde(default)]
    pub lost: u64,
    /// Whether its source can be read again, such as after a disk was restored.
    #[serde(default)]
    pub can_rewind: bool,
    /// When something was last read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub last_read_at: Option<Timestamp>,
    /// Why nothing can be read at present.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// The states of all inputs, by name. A clone shows and changes the same.
#[derive(Debug, Clone, Default)]
pub struct Board(Arc<Mutex<BTreeMap<String, InputState>>>);

impl Board {
    /// As it is now.
    #[must_use]
    pub fn states(&self) -> BTreeMap<String, InputState> {
        self.lock().clone()
    }

    /// An input begins.
    pub fn add(&self, name: &str, kind: &str, can_rewind: bool) {
        let state = InputState { kind: kind.to_owned(), can_rewind, ..InputState::default() };
        self.lock().insert(name.to_owned(), state);
    }

    /// Its source answers.
    pub fn well(&self, name: &str) {
        self.change(name, |state| state.problem = None);
    }

    /// Its source does not; returns whether that is news.
    pub fn trouble(&self, name: &str, problem: &Problem) -> bool {
        let mut is_news = false;
        self.change(name, |state| {
            is_news = state.problem.as_ref() != Some(problem);
            state.problem = Some(problem.clone());
        });
        is_news
    }

    /// So much waits.
    pub fn waiting(&self, name: &str, waiting: usize, rejected_files: u64) {
        self.change(name, |state| {
            state.waiting = u64::try_from(waiting).unwrap_or(u64::MAX);
            state.rejected_files = rejected_files;
        });
    }

    /// Something was read.
    pub fn took(&self, name: &str, counts: &Counts, now: Timestamp) {
        self.change(name, |state| {
            state.journaled += counts.journaled;
            state.replayed += counts.replayed;
            state.conflicts += counts.conflicts;
            state.training += counts.training;
            state.refused += counts.refused;
            state.last_read_at = Some(now);
        });
    }

    /// A receipt could not be read.
    pub fn unreadable(&self, name: &str) {
        self.change(name, |state| state.unreadable += 1);
    }

    /// So many receipts in all were not captured.
    pub fn lost(&self, name: &str, count: u64) {
        self.change(name, |state| state.lost = count);
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut InputState)) {
        change(self.lock().entry(name.to_owned()).or_default());
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, InputState>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
