//! A host: its disk, its clock, and whether the program on it lives.
//!
//! A crash ends the program's life. What it had asked of the disk is never answered, so that no
//! task it left behind goes on; what the disk had done stays done. Does not know which program
//! runs.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::chance::Chance;
use super::trace::Time;

/// The longest single answer of a slow disk.
const SLOW_ANSWER_MS_MAX: u64 = 4_000;

/// A host.
#[derive(Debug)]
pub struct Host {
    /// What it is called in the trace.
    pub name: String,
    time: Time,
    chance: Chance,
    /// The number of the program's life; even while none runs.
    life: AtomicU64,
    /// How far its clock is off.
    clock_off_ms: AtomicI64,
    /// Virtual milliseconds until which its disk is slow.
    slow_until_ms: AtomicU64,
    /// Virtual milliseconds until which the whole host stands still.
    frozen_until_ms: AtomicU64,
}

impl Host {
    /// A host on which nothing runs.
    #[must_use]
    pub fn new(name: &str, seed: u64, time: Time) -> Arc<Self> {
        Arc::new(Self {
            name: name.to_owned(),
            time,
            chance: Chance::of(seed, &format!("host {name}")),
            life: AtomicU64::new(0),
            clock_off_ms: AtomicI64::new(0),
            slow_until_ms: AtomicU64::new(0),
            frozen_until_ms: AtomicU64::new(0),
        })
    }

    /// A program starts.
    pub fn begin_life(&self) {
        self.life.fetch_add(1, Ordering::Relaxed);
    }

    /// It ends without a word.
    pub fn end_life(&self) {
        self.life.fetch_add(1, Ordering::Relaxed);
    }

    /// The clock as this host shows it.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let off = SignedDuration::from_millis(self.clock_off_ms.load(Ordering::Relaxed));
        self.time.now().saturating_add(off).unwrap_or(Timestamp::MAX)
    }

    /// Sets the clock wrong by so much.
    pub fn set_clock_off(&self, off_ms: i64) {
        self.clock_off_ms.store(off_ms, Ordering::Relaxed);
    }

    /// Makes the disk slow for a time.
    pub fn slow_for(&self, lasts: Duration) {
        self.slow_until_ms.store(millis(self.time.passed() + lasts), Ordering::Relaxed);
    }

    /// Makes the host stand still for a time.
    pub fn freeze_for(&self, lasts: Duration) {
        self.frozen_until_ms.store(millis(self.time.passed() + lasts), Ordering::Relaxed);
    }

    /// Ends what is wrong with disk and clock. A host that stands still goes on when its time
    /// comes: whatever it missed is what the others have to bear.
    pub fn heal(&self) {
        self.slow_until_ms.store(0, Ordering::Relaxed);
        self.set_clock_off(0);
    }

    /// The disk for the program that lives now.
    #[must_use]
    pub fn disk(self: &Arc<Self>) -> Disk {
        let (host, life) = (Arc::clone(self), self.life.load(Ordering::Relaxed));
        Arc::new(move || {
            let host = Arc::clone(&host);
            Box::pin(async move { host.answer(life).await })
        })
    }

    async fn answer(&self, life: u64) {
        let wait = self.wait();
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        let frozen = Duration::from_millis(self.frozen_until_ms.load(Ordering::Relaxed));
        let frozen = frozen.saturating_sub(self.time.passed());
        if !frozen.is_zero() {
            tokio::time::sleep(frozen).await;
        }
        if self.life.load(Ordering::Relaxed) != life {
            std::future::pending::<()>().await;
        }
    }

    /// Most answers are at once; some let others go first.
    fn wait(&self) -> Duration {
        let slow = Duration::from_millis(self.slow_until_ms.load(Ordering::Relaxed));
        if slow > self.time.passed() {
            return self.chance.millis(20, SLOW_ANSWER_MS_MAX);
        }
        match self.chance.within(0, 31) {
            0 => self.chance.millis(5, 60),
            1..8 => self.chance.millis(1, 4),
            _ => Duration::ZERO,
        }
    }
}

/// What both the journal and the relay's store await in line.
pub type Disk = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

fn millis(passed: Duration) -> u64 {
    u64::try_from(passed.as_millis()).unwrap_or(u64::MAX)
}
