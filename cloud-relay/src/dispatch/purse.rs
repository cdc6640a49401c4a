//! One target's budget, shared by all workers: the waiting around [`super::budget`].
//!
//! A worker waits in the queue for a moment only, then gives its lane back, so that a spent
//! budget of one target never keeps the workers from another. Does not decide whose turn it is.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;

use super::budget::{Budget, Grant, Place, Turn};
use super::policy::{BUDGET_LOOK_MAX, BUDGET_LOOKS_MAX};
use super::retry::after;
use crate::connectors::{BudgetReading, Class};
use crate::seams::Clock;

/// The budget of one target.
pub(super) struct Purse {
    budget: Mutex<Budget>,
    moved: Notify,
    clock: Clock,
}

/// Leave to make one call. Dropped without [`Leave::settle`], the call counts as made.
pub(super) struct Leave {
    purse: Arc<Purse>,
    action: String,
    grant: Option<Grant>,
}

/// A place that is left when it is dropped, whether the call was granted or not.
struct Waiting<'a> {
    purse: &'a Purse,
    place: Place,
}

impl Purse {
    /// A purse whose calls are reckoned to cost so much until the target says otherwise.
    pub(super) fn new(cost_estimate: u32, clock: Clock) -> Arc<Self> {
        let budget = Mutex::new(Budget::new(cost_estimate));
        Arc::new(Self { budget, moved: Notify::new(), clock })
    }

    /// Waits for leave to make a call, but only for a moment.
    ///
    /// # Errors
    /// When to ask again.
    pub(super) async fn ask(
        self: &Arc<Self>,
        class: Class,
        action: &str,
    ) -> Result<Leave, Timestamp> {
        let waiting = Waiting { purse: self, place: self.budget().enter(class) };
        let mut look_at = (self.clock)();
        for _ in 0..BUDGET_LOOKS_MAX {
            let moved = self.moved.notified();
            let now = (self.clock)();
            let turn = self.budget().ask(waiting.place, action, now);
            look_at = match turn {
                Turn::Granted(grant) => return Ok(self.leave(action, grant)),
                Turn::NotBefore(at) if until(now, at) > BUDGET_LOOK_MAX => return Err(at),
                Turn::NotBefore(at) => at,
                Turn::Behind => after(now, BUDGET_LOOK_MAX),
            };
            tokio::select! {
                () = moved => {}
                () = tokio::time::sleep(until(now, look_at)) => {}
            }
        }
        Err(look_at)
    }

    /// Leave to make a call at once, if it is its turn.
    pub(super) fn ask_now(self: &Arc<Self>, class: Class, action: &str) -> Option<Leave> {
        let waiting = Waiting { purse: self, place: self.budget().enter(class) };
        let turn = self.budget().ask(waiting.place, action, (self.clock)());
        match turn {
            Turn::Granted(grant) => Some(self.leave(action, grant)),
            Turn::NotBefore(_) | Turn::Behind => None,
        }
    }

    /// The target said that its budget was spent.
    pub(super) fn throttled(&self, action: &str, until: Timestamp) {
        self.budget().throttled(action, until);
    }

    fn leave(self: &Arc<Self>, action: &str, grant: Grant) -> Leave {
        Leave { purse: Arc::clone(self), action: action.to_owned(), grant: Some(grant) }
    }

    fn budget(&self) -> MutexGuard<'_, Budget> {
        // A budget is an estimate; after a panic it is still a better one than none.
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Leave {
    /// The call is over.
    pub(super) fn settle(mut self, reading: Option<BudgetReading>) {
        self.close(reading);
    }

    fn close(&mut self, reading: Option<BudgetReading>) {
        if let Some(grant) = self.grant.take() {
            let now = (self.purse.clock)();
            self.purse.budget().settle(grant, &self.action, reading, now);
            self.purse.moved.notify_waiters();
        }
    }
}

impl Drop for Leave {
    fn drop(&mut self) {
        self.close(None);
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.purse.budget().leave(self.place);
        self.purse.moved.notify_waiters();
    }
}

/// How long from one moment to another; nothing if it is past.
pub(super) fn until(now: Timestamp, at: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO)
}
