//! The budget of one target: who may call next, so that the relay waits instead of being throttled.
//!
//! A leaky bucket like the target's own, reckoned forward from its last reading. Every call waits
//! in one queue, ordered by class and then by arrival: after an outage refunds and stock draw
//! before history, and inside a class nobody is overtaken for ever. Pure: `now` is an argument.
//! Does not know which calls there are; a target that never states a budget has none here.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::policy::ESTIMATES_MAX;
use super::retry::after;
use crate::connectors::{BudgetReading, Class};

/// A place in the queue: the more urgent class first, then the earlier arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    class: Class,
    number: u64,
}

/// Whether a call may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It may: this much was set aside, to be given back with [`Budget::settle`].
    Granted(Grant),
    /// Not before this moment, even if nobody else comes.
    NotBefore(Timestamp),
    /// Somebody more urgent is first; ask again when the queue moves.
    Behind,
}

/// What was set aside for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grant {
    cost: u32,
    /// The level before it, if it was the only call under way and the level was known: then the
    /// next reading tells what the call really cost.
    level_before: Option<(u64, Timestamp)>,
}

/// Thousandths of a point: what one point a second restores in a millisecond.
const MILLI: u64 = 1_000;

#[derive(Debug, Clone, Copy)]
struct Level {
    maximum: u64,
    available: u64,
    restored_per_second: u64,
    at: Timestamp,
}

/// The budget of one target.
#[derive(Debug)]
pub(super) struct Budget {
    level: Option<Level>,
    held_until: Option<Timestamp>,
    queue: BTreeSet<Place>,
    arrivals: u64,
    under_way: u32,
    set_aside: u64,
    estimate: u32,
    estimates: BTreeMap<String, u32>,
}

impl Budget {
    /// A budget of which nothing is known but what one call is reckoned to cost.
    pub(super) fn new(cost_estimate: u32) -> Self {
        Self {
            level: None,
            held_until: None,
            queue: BTreeSet::new(),
            arrivals: 0,
            under_way: 0,
            set_aside: 0,
            estimate: cost_estimate.max(1),
            estimates: BTreeMap::new(),
        }
    }

    /// Takes a place in the queue, to be left with [`Budget::leave`] if the call is not made.
    pub(super) fn enter(&mut self, class: Class) -> Place {
        self.arrivals += 1;
        let place = Place { class, number: self.arrivals };
        self.queue.insert(place);
        place
    }

    /// Leaves the queue.
    pub(super) fn leave(&mut self, place: Place) {
        self.queue.remove(&place);
    }

    /// Whether it is this place's turn to make a call of this action.
    pub(super) fn ask(&mut self, place: Place, action: &str, now: Timestamp) -> Turn {
        if let Some(until) = self.held_until.filter(|until| *until > now) {
            return Turn::NotBefore(until);
        }
        if self.queue.first().is_some_and(|first| *first != place) {
            return Turn::Behind;
        }
        self.restore(now);
        let cost = self.estimate_of(action);
        let level_before = match &mut self.level {
            None => None,
            Some(level) => {
                // An estimate above the whole bucket could never be met: then a full one has to do.
                let points = (u64::from(cost) * MILLI).min(level.maximum);
                if level.available < points {
                    return Turn::NotBefore(level.reaches(points));
                }
                let before = (self.under_way == 0).then_some((level.available, now));
                level.available -= points;
                before
            }
        };
        self.queue.remove(&place);
        self.under_way += 1;
        self.set_aside += u64::from(cost) * MILLI;
        Turn::Granted(Grant { cost, level_before })
    }

    /// A granted call is over; the target may have said what is left.
    pub(super) fn settle(
        &mut self,
        grant: Grant,
        action: &str,
        reading: Option<BudgetReading>,
        now: Timestamp,
    ) {
        self.under_way = self.under_way.saturating_sub(1);
        self.set_aside = self.set_aside.saturating_sub(u64::from(grant.cost) * MILLI);
        let Some(reading) = reading else { return };
        let maximum = u64::from(reading.maximum) * MILLI;
        let stated = u64::from(reading.available) * MILLI;
        let restored_per_second = u64::from(reading.restored_per_second);
        if let Some((before, at)) = grant.level_before.filter(|_| self.under_way == 0) {
            let expected = before
                .saturating_add(restored_per_second.saturating_mul(elapsed_ms(at, now)))
                .min(maximum);
            self.learn(action, expected.saturating_sub(stated) / MILLI);
        }
        // Calls still under way may or may not be in the reading: reckoned as if they were not.
        let available = stated.min(maximum).saturating_sub(self.set_aside);
        self.level = Some(Level { maximum, available, restored_per_second, at: now });
    }

    /// The target said that the budget was spent after all: nobody calls until then, and this
    /// action costs more than was thought.
    pub(super) fn throttled(&mut self, action: &str, until: Timestamp) {
        self.held_until = Some(self.held_until.map_or(until, |held| held.max(until)));
        let cost = self.estimate_of(action);
        self.remember(action, cost.saturating_add(cost.div_ceil(4)));
    }

    /// What one call of an action is reckoned to cost.
    pub(super) fn estimate_of(&self, action: &str) -> u32 {
        self.estimates.get(action).copied().unwrap_or(self.estimate)
    }

    /// Moves an estimate a quarter of the way towards what a call cost.
    fn learn(&mut self, action: &str, cost: u64) {
        let Ok(cost) = u32::try_from(cost) else { return };
        let old = self.estimate_of(action);
        let new = old.saturating_mul(3).saturating_add(cost).div_ceil(4);
        self.remember(action, new.max(1));
    }

    fn remember(&mut self, action: &str, cost: u32) {
        if self.estimates.len() < ESTIMATES_MAX || self.estimates.contains_key(action) {
            self.estimates.insert(action.to_owned(), cost);
        }
    }

    fn restore(&mut self, now: Timestamp) {
        if let Some(level) = &mut self.level {
            let restored = level.restored_per_second.saturating_mul(elapsed_ms(level.at, now));
            level.available = level.available.saturating_add(restored).min(level.maximum);
            level.at = level.at.max(now);
        }
    }
}

impl Level {
    /// When it will have reached so much.
    fn reaches(&self, points: u64) -> Timestamp {
        let missing = points.saturating_sub(self.available);
        match self.restored_per_second {
            // Nothing comes back: look again in a second, a reading may have changed it.
            0 => after(self.at, Duration::from_secs(1)),
            rate => after(self.at, Duration::from_millis(missing.div_ceil(rate))),
        }
    }
}

fn elapsed_ms(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_millis()).unwrap_or(0)
}
