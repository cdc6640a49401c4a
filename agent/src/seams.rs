//! What a harness may hand to the agent in place of the real thing: clock, randomness, and faults
//! that break a promise on purpose, so that a test can show that it would notice.
//!
//! The default is production. No configuration key, feature or variable reaches these values:
//! only a caller of the library does, and the shipped program passes the default.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::task::JoinError;

use crate::clock::Reading;

/// Reads the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Tells how much time has passed since the program's start. Nobody can set it.
pub type Steady = Arc<dyn Fn() -> Duration + Send + Sync>;

/// Draws evenly from all of `u32`, for jitter.
pub type Chance = Arc<dyn Fn() -> u32 + Send + Sync>;

/// Where work is done that would keep the POS waiting.
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
    /// The clock that only goes forward, evenly.
    pub steady: Steady,
    /// The source of randomness.
    pub random: Arc<dyn SecureRandom + Send + Sync>,
    /// The jitter of what is tried again.
    pub chance: Chance,
    /// Where batches are built.
    pub heavy: Heavy,
    /// Fault: the POS is answered before the commit.
    pub answer_before_commit: bool,
    /// Fault: what was sent counts as relayed, whatever the relay says.
    pub relayed_when_sent: bool,
    /// Fault: an acknowledgement counts whatever chain hash it names.
    pub believes_any_hash: bool,
    /// Fault: what is old enough is pruned, whether it is relayed or not.
    pub prune_by_age_only: bool,
}

impl Seams {
    /// The time, by the clock that was handed in.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Both clocks, read together.
    #[must_use]
    pub fn reading(&self) -> Reading {
        Reading { host: self.now(), steady: (self.steady)() }
    }
}

impl Default for Seams {
    fn default() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the real clock")]
        let clock: Clock = Arc::new(Timestamp::now);
        #[expect(clippy::disallowed_methods, reason = "the one place that begins the steady clock")]
        let started = Instant::now();
        Self {
            clock,
            steady: Arc::new(move || started.elapsed()),
            random: Arc::new(SystemRandom::new()),
            chance: Arc::new(|| drawn(&SystemRandom::new())),
            heavy: Heavy::OnThreads,
            answer_before_commit: false,
            relayed_when_sent: false,
            believes_any_hash: false,
            prune_by_age_only: false,
        }
    }
}

/// Without randomness the longest wait is the safe one.
fn drawn(random: &dyn SecureRandom) -> u32 {
    let mut bytes = [0; 4];
    match random.fill(&mut bytes) {
        Ok(()) => u32::from_ne_bytes(bytes),
        Err(_unspecified) => u32::MAX,
    }
}

impl fmt::Debug for Seams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seams")
            .field("answer_before_commit", &self.answer_before_commit)
            .field("relayed_when_sent", &self.relayed_when_sent)
            .field("believes_any_hash", &self.believes_any_hash)
            .field("prune_by_age_only", &self.prune_by_age_only)
            .finish_non_exhaustive()
    }
}
