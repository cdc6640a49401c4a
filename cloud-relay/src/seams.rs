//! What a harness may hand to the relay in place of the real thing: clock, randomness, and faults
//! that break a promise on purpose, so that a test can show that it would notice.
//!
//! The default is production. No configuration key, feature or variable reaches these values:
//! only a caller of [`crate::run::run`] does, and the shipped programs pass the default.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};

use crate::store::model::Dedupe;

/// Reads the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Whether the hosts that speak under one identity are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Telling {
    /// Always, but in the control that shows what happens otherwise.
    #[default]
    Apart,
    /// Fault: every start of a program is taken for the same host, and nobody's silence is waited
    /// for.
    Nobody,
}

/// The values that only a harness changes.
#[derive(Clone)]
pub struct Seams {
    /// The clock.
    pub clock: Clock,
    /// The source of randomness.
    pub random: Arc<dyn SecureRandom + Send + Sync>,
    /// Fault: an overlap with what is held counts as new.
    pub dedupe: Dedupe,
    /// Fault: an attempt with unknown outcome is repeated without looking first.
    pub find_before_retry: bool,
    /// Fault: "none" is believed this long after an attempt's deadline, whatever the connector's
    /// profile says.
    pub settle_time: Option<Duration>,
    /// Fault: the acknowledgement is sent before the commit.
    pub acknowledge_before_commit: bool,
    /// Fault: hosts are not told apart.
    pub telling: Telling,
}

impl Default for Seams {
    fn default() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the real clock")]
        let clock: Clock = Arc::new(Timestamp::now);
        Self {
            clock,
            random: Arc::new(SystemRandom::new()),
            dedupe: Dedupe::On,
            find_before_retry: true,
            settle_time: None,
            acknowledge_before_commit: false,
            telling: Telling::Apart,
        }
    }
}

impl fmt::Debug for Seams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seams")
            .field("dedupe", &self.dedupe)
            .field("find_before_retry", &self.find_before_retry)
            .field("settle_time", &self.settle_time)
            .field("acknowledge_before_commit", &self.acknowledge_before_commit)
            .field("telling", &self.telling)
            .finish_non_exhaustive()
    }
}
