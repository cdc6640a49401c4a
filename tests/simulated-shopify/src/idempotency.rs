//! Idempotency keys: what each was used for, and what came of it.
//!
//! A key lives 24 h from its first request, after which it is new again; inputs are fingerprinted;
//! a request in progress, other parameters and an attempt that failed are told apart (README, R19
//! to R23). A replay names the first outcome, and the answer is rebuilt from the records as they
//! are now. Does not know what an outcome is.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::limits::IDEMPOTENCY_WINDOW;

/// The request that holds a key while it runs.
pub(crate) type Holder = u64;

#[derive(Debug, Clone)]
enum Stage<T> {
    Running(Holder),
    Done(T),
    Failed,
}

#[derive(Debug, Clone)]
struct Entry<T> {
    fingerprint: String,
    first: Timestamp,
    stage: Stage<T>,
}

/// What a request with a key may do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Begun<T> {
    /// Nobody used the key: go on, then [`Keys::finish`].
    Fresh,
    /// It was done before; this came of it.
    Replay(T),
    /// It is being done: `IDEMPOTENCY_CONCURRENT_REQUEST`.
    Concurrent,
    /// It was used for something else: `IDEMPOTENCY_KEY_PARAMETER_MISMATCH`.
    Mismatch,
    /// It was tried and failed: `IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED`.
    PreviousFailed,
}

/// The keys of the last 24 h.
#[derive(Debug)]
pub(crate) struct Keys<T> {
    entries: HashMap<String, Entry<T>>,
    swept: Timestamp,
}

impl<T: Clone> Keys<T> {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self { entries: HashMap::new(), swept: now }
    }

    /// Claims a key for a request, unless it was used before.
    pub(crate) fn begin(
        &mut self,
        key: &str,
        fingerprint: &str,
        holder: Holder,
        now: Timestamp,
    ) -> Begun<T> {
        self.sweep(now);
        let known = self.entries.get(key);
        let in_window = known.filter(|entry| now.duration_since(entry.first) < IDEMPOTENCY_WINDOW);
        if let Some(entry) = in_window {
            if entry.fingerprint != fingerprint {
                return Begun::Mismatch;
            }
            return match &entry.stage {
                Stage::Running(running) if *running == holder => Begun::Fresh,
                Stage::Running(_) => Begun::Concurrent,
                Stage::Done(outcome) => Begun::Replay(outcome.clone()),
                Stage::Failed => Begun::PreviousFailed,
            };
        }
        let (fingerprint, stage) = (fingerprint.to_owned(), Stage::Running(holder));
        self.entries.insert(key.to_owned(), Entry { fingerprint, first: now, stage });
        Begun::Fresh
    }

    /// Records what came of a key; `None` is failure.
    pub(crate) fn finish(&mut self, key: &str, outcome: Option<T>) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.stage = outcome.map_or(Stage::Failed, Stage::Done);
        }
    }

    /// Lets go of the keys that a request claimed and never used: it was held and then throttled,
    /// so nothing ran under them.
    pub(crate) fn release(&mut self, holder: Holder) {
        self.entries.retain(
            |_, entry| !matches!(entry.stage, Stage::Running(running) if running == holder),
        );
    }

    /// Forgets what is out of its window, once an hour: the memory stays that of one day.
    fn sweep(&mut self, now: Timestamp) {
        if now.duration_since(self.swept) >= SignedDuration::from_hours(1) {
            self.entries.retain(|_, entry| now.duration_since(entry.first) < IDEMPOTENCY_WINDOW);
            self.swept = now;
        }
    }
}
