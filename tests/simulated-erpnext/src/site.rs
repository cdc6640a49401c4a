//! The handle of a site: its clock, its faults, its books, and the request that it runs.
//!
//! One lock guards the whole state, so that a request is applied as one transaction; nothing is
//! awaited while it is held. Speaks no HTTP: `http` and `control` do.

use std::sync::{Arc, Mutex, MutexGuard};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::api::{Answer, Call};
use crate::books::{Books, Summary};
use crate::faults::{Disruption, Faults, Plan};
use crate::refusal::Refusal;
use crate::setup::{Periods, Setup};
use crate::state::State;
use crate::time;

/// Where the site's time comes from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A site. Clones are handles of the same one.
#[derive(Clone)]
pub struct Site(Arc<Inner>);

struct Inner {
    clock: Clock,
    locked: Mutex<Locked>,
}

struct Locked {
    state: State,
    /// How far the site's clock was moved forward.
    ahead: SignedDuration,
}

impl std::fmt::Debug for Site {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Site").field("now", &self.now()).finish_non_exhaustive()
    }
}

impl Site {
    /// Opens a site. A time zone that the database of time zones does not know is read as UTC.
    #[must_use]
    pub fn new(setup: Setup, clock: Clock) -> Self {
        let zone = TimeZone::get(&setup.time_zone).unwrap_or(TimeZone::UTC);
        let opened = time::local(clock(), &zone);
        let state = State::new(setup, zone, opened);
        let locked = Locked { state, ahead: SignedDuration::ZERO };
        Self(Arc::new(Inner { clock, locked: Mutex::new(locked) }))
    }

    /// Replaces the faults.
    pub fn set_faults(&self, faults: Faults) {
        self.with(|state, now| state.plan = Plan::new(faults, now));
    }

    /// Opens, closes and freezes periods, as the bookkeepers do.
    pub fn set_periods(&self, periods: Periods) {
        self.with(|state, _| state.periods = periods);
    }

    /// Moves the site's own clock forward.
    pub fn advance(&self, by: SignedDuration) {
        let mut locked = self.lock();
        locked.ahead = locked.ahead.saturating_add(by.max(SignedDuration::ZERO));
    }

    /// The time by the site's own clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.lock().now(&self.0.clock)
    }

    /// The vendor's own bookkeeping.
    #[must_use]
    pub fn books(&self) -> Books {
        Books::of(&self.lock().state)
    }

    /// Counts and sums of the books.
    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary::of(&self.lock().state)
    }

    fn lock(&self) -> MutexGuard<'_, Locked> {
        self.0.locked.lock().expect("no holder of this lock panics")
    }

    /// Looks at the state, with the time.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut State, Timestamp) -> T) -> T {
        let mut locked = self.lock();
        let now = locked.now(&self.0.clock);
        look(&mut locked.state, now)
    }

    /// What goes wrong with a request.
    pub(crate) fn strike(&self, call: &Call) -> Option<Disruption> {
        let (action, doctype) = call.label();
        self.with(|state, _| {
            let struck = state.plan.strike(action, doctype, &mut state.chance)?;
            state.counters.struck(struck.name());
            Some(struck)
        })
    }

    /// Runs a request.
    pub(crate) fn run(&self, call: &Call) -> Result<Answer, Refusal> {
        self.with(|state, now| {
            let now = time::local(now, &state.zone);
            let answer = call.run(state, now);
            if let Err(refusal) = &answer {
                state.counters.refused(refusal.kind);
            }
            answer
        })
    }
}

impl Locked {
    fn now(&self, clock: &Clock) -> Timestamp {
        clock().saturating_add(self.ahead).unwrap_or(Timestamp::MAX)
    }
}
