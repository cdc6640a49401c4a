//! The budget of server time per window, as Frappe's rate limiter keeps it.
//!
//! Source: frappe/rate_limiter.py. Not requests are counted but the time that they took; a request
//! is refused once the window's counter is past the limit, and the rest of the window is what
//! `Retry-After` names. Here a request is taken to cost what the setup says.

use jiff::Timestamp;

use crate::setup::RateLimit;

/// What was used in the current window.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    window: i64,
    used_ms: u64,
}

/// What the headers tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) reset_seconds: i64,
    pub(crate) limit_us: u64,
    pub(crate) remaining_us: u64,
    pub(crate) rejected: bool,
}

impl Budget {
    /// Takes a request's time; a refused one takes none.
    pub(crate) fn take(&mut self, limit: RateLimit, now: Timestamp) -> Standing {
        let length = i64::from(limit.window_seconds.max(1));
        let (window, spent) =
            (now.as_second().div_euclid(length), now.as_second().rem_euclid(length));
        if window != self.window {
            *self = Self { window, used_ms: 0 };
        }
        let rejected = self.used_ms > limit.limit_ms;
        let remaining_ms = limit.limit_ms.saturating_sub(self.used_ms);
        if !rejected {
            self.used_ms += limit.request_ms;
        }
        Standing {
            reset_seconds: length - spent,
            limit_us: limit.limit_ms * 1_000,
            remaining_us: remaining_ms * 1_000,
            rejected,
        }
    }
}
