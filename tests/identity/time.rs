//! Time that passes when the test says so, for relay and hosts alike.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

/// Milliseconds at which the tests begin.
const BEGINNING: i64 = 1_800_000_000_000;

/// The clock of one small world.
#[derive(Debug, Clone)]
pub(crate) struct Time(Arc<AtomicI64>);

impl Time {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(BEGINNING)))
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::SeqCst)).unwrap()
    }

    /// What has passed since the beginning.
    pub(crate) fn moment(&self) -> Duration {
        let passed = self.0.load(Ordering::SeqCst) - BEGINNING;
        Duration::from_millis(u64::try_from(passed).unwrap())
    }

    pub(crate) fn pass(&self, duration: Duration) {
        let millis = i64::try_from(duration.as_millis()).unwrap();
        self.0.fetch_add(millis, Ordering::SeqCst);
    }

    /// What reads how much has passed.
    pub(crate) fn steady(&self) -> Arc<dyn Fn() -> Duration + Send + Sync> {
        let time = self.clone();
        Arc::new(move || time.moment())
    }

    /// What reads this clock.
    pub(crate) fn reader(&self) -> Arc<dyn Fn() -> Timestamp + Send + Sync> {
        let time = self.clone();
        Arc::new(move || time.now())
    }
}
