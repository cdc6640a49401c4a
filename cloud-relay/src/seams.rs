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
use tokio::task::JoinError;

use crate::store::model::{Dedupe, Fencing};

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

/// Draws from all `u64`, for jitter.
pub type Chance = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Where work is done that would keep other connections waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Heavy {
    /// On threads of its own.
    #[default]
    OnThreads,
    /// Where it is asked for, so that a simulation takes the same steps again.
    InLine,
}

impl Heavy {
    /// Does the work.
    ///
    /// # Errors
    /// It panicked on its thread.
    pub(crate) async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        match self {
            Self::OnThreads => tokio::task::spawn_blocking(work).await,
            Self::InLine => Ok(work()),
        }
    }
}

/// The values that only a harness changes.
#[derive(Clone)]
pub struct Seams {
    /// The clock.
    pub clock: Clock,
    /// The source of randomness.
    pub random: Arc<dyn SecureRandom + Send + Sync>,
    /// The jitter of what is tried again.
    pub chance: Chance,
    /// Where batches are unpacked and read.
    pub heavy: Heavy,
    /// Fault: an overlap with what is held counts as new.
    pub dedupe: Dedupe,
    /// Fault: a worker whose lane another one took over goes on writing.
    pub fencing: Fencing,
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
            chance: Arc::new(|| drawn(&SystemRandom::new())),
            heavy: Heavy::OnThreads,
            dedupe: Dedupe::On,
            fencing: Fencing::On,
            find_before_retry: true,
            settle_time: None,
            acknowledge_before_commit: false,
            telling: Telling::Apart,
        }
    }
}

/// A failing generator makes waits long, not short.
fn drawn(random: &dyn SecureRandom) -> u64 {
    let mut bytes = [0; 8];
    match random.fill(&mut bytes) {
        Ok(()) => u64::from_le_bytes(bytes),
        Err(_unspecified) => u64::MAX,
    }
}

impl fmt::Debug for Seams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seams")
            .field("dedupe", &self.dedupe)
            .field("fencing", &self.fencing)
            .field("find_before_retry", &self.find_before_retry)
            .field("settle_time", &self.settle_time)
            .field("acknowledge_before_commit", &self.acknowledge_before_commit)
            .field("telling", &self.telling)
            .finish_non_exhaustive()
    }
}
