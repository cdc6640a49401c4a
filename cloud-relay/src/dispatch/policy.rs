//! The bounds of dispatch, each with the reason for the number.
//!
//! What an operator may change stands in [`Settings`]; the rest is fixed. Bounds that a target
//! sets (time-outs, settle time, bundle size) are its connector's profile.

use std::time::Duration;

use jiff::SignedDuration;

/// What an operator may change about dispatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Lanes worked on at the same time.
    pub workers: usize,
    /// How long a document waits for the sale that it names before it needs a person.
    pub original_wait: SignedDuration,
    /// How long a count waits for devices that hold unsent events before it needs a person.
    pub count_wait: SignedDuration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            // Targets answer in about 200 ms; eight lanes at once fill the largest budget seen
            // (about 100 orders a second needs more, and then it is raised) and still leave
            // SQLite's single writer idle most of the time.
            workers: 8,
            // A store that was dark over a weekend and a holiday comes back within four days.
            original_wait: SignedDuration::from_hours(4 * 24),
            // A device that is dark at closing time is usually back the next morning.
            count_wait: SignedDuration::from_hours(24),
        }
    }
}

/// First ceiling of the back-off: below it a retry meets the same failure.
pub(super) const BACKOFF_BASE: Duration = Duration::from_secs(1);

/// Last ceiling of the back-off: a target that is back gets its backlog within five minutes.
pub(super) const BACKOFF_CEILING: Duration = Duration::from_secs(5 * 60);

/// How soon a document that was not found is looked for again before "none" counts.
pub(super) const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(5);

/// How soon what waits looks again at first: the original of a return is often seconds behind.
pub(super) const WAITING_LOOK_MIN: SignedDuration = SignedDuration::from_secs(2);

/// How soon what waits looks again at most: a thousand stores then ask a target that is down
/// some twenty times a second, together.
pub(super) const WAITING_LOOK_MAX: SignedDuration = SignedDuration::from_secs(60);

/// How long after a stale compare a bundle is made anew: the other writer is probably still busy.
pub(super) const STALE_WAIT: SignedDuration = SignedDuration::from_secs(1);

/// How soon a count looks again whether every device is level.
pub(super) const LEVEL_LOOK: SignedDuration = SignedDuration::from_secs(15);

/// Documents of one lane in flight together: four calls of 200 ms keep one store's lane at twenty
/// documents a second, and one attempt's commit is shared by four.
pub(super) const IN_FLIGHT_MAX: usize = 4;

/// Originals asked of the store in one round; each is one indexed read.
pub(super) const LOOK_UPS_PER_ROUND_MAX: usize = 64;

/// Open deliveries that a round reads at first: a bundle of 250 and a margin.
pub(super) const WINDOW: usize = 512;

/// Open deliveries that a round reads when nothing among the first is due, so that what waits
/// at the front does not hide what is due behind it. About 1 KiB each.
pub(super) const WINDOW_MAX: usize = 16_384;

/// Rounds before a lane is given back, so that a more urgent one gets its turn.
pub(super) const ROUNDS_PER_VISIT_MAX: usize = 32;

/// Kept between an attempt's deadline and the end of the lease, for the commit that records it.
pub(super) const LEASE_MARGIN: SignedDuration = SignedDuration::from_secs(10);

/// How long an idle worker sleeps at most: another replica's work shows after this long.
pub(super) const IDLE_MAX: Duration = Duration::from_secs(1);

/// How long a worker rests after the store failed.
pub(super) const STORE_FAILED_REST: Duration = Duration::from_secs(1);

/// Characters of what a target said that are kept.
pub(super) const SAID_CHARS_MAX: usize = 500;

/// Cost estimates kept apart in one budget; a connector has fewer than ten actions.
pub(super) const ESTIMATES_MAX: usize = 64;

/// How long a worker in a budget's queue waits before it looks at its place again; what takes
/// longer to come back is not waited for, but the lane given back.
pub(super) const BUDGET_LOOK_MAX: Duration = Duration::from_millis(250);

/// How often a worker looks before it gives its lane back: two seconds at most, so that one
/// target's queue does not keep the workers from another target.
pub(super) const BUDGET_LOOKS_MAX: u32 = 8;

/// How long a lane rests whose target is not configured.
pub(super) const UNCONFIGURED_REST: Duration = Duration::from_secs(5 * 60);
