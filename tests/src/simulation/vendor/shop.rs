//! A vendor behind its wire: how long it takes, what it loses, when it is closed.
//!
//! It is as nasty as vendors are, never nicer to our code: it commits after the client's time-out,
//! shows in look-ups what it holds up to two minutes late, loses requests and answers, answers
//! with 5xx whether it did the work or not, throttles, and closes for maintenance. Two bounds hold,
//! because without them no client could ever be sure: [`LATE_MAX`] and [`LAG_MAX`].

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cloud_relay::connectors::BudgetReading;
use tokio::sync::oneshot;

use super::ledger::Ledger;
use crate::simulation::chance::Chance;
use crate::simulation::trace::{Time, Trace};

/// How long the vendor works at most on a request that it took: longer than its clients wait.
pub const LATE_MAX: Duration = Duration::from_secs(55);

/// How far look-ups lag behind at most.
pub const LAG_MAX: Duration = Duration::from_secs(120);

/// Requests that can be saved up, and that come back each second.
const BUDGET: (u32, u32) = (60, 6);

/// Why there was an answer other than the one asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Too many requests; nothing was done.
    Throttled,
    /// 503; nothing was done.
    Busy,
    /// Closed for maintenance; nothing was done.
    Closed,
    /// 500, or a page of HTML; it may have been done.
    Garbled,
}

/// A vendor.
#[derive(Debug)]
pub struct Shop {
    /// What it is called.
    pub name: &'static str,
    /// Where what it does is noted.
    pub trace: Arc<Trace>,
    /// The item that it does not know, if there is one.
    pub unknown_item: Option<String>,
    chance: Chance,
    ledger: Mutex<Ledger>,
    spent: Mutex<(Duration, u32)>,
    stormy_until_ms: AtomicU64,
    closed_until_ms: AtomicU64,
}

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Well,
    Late,
    AnswerLost,
    RequestLost,
    Refused(Trouble),
    Garbled,
}

impl Shop {
    /// A vendor that is open.
    #[must_use]
    pub fn new(
        name: &'static str,
        seed: u64,
        trace: Arc<Trace>,
        ledger: Ledger,
        unknown_item: Option<String>,
    ) -> Arc<Self> {
        Arc::new(Self {
            name,
            chance: Chance::of(seed, name),
            trace,
            unknown_item,
            ledger: Mutex::new(ledger),
            spent: Mutex::new((Duration::ZERO, 0)),
            stormy_until_ms: AtomicU64::new(0),
            closed_until_ms: AtomicU64::new(0),
        })
    }

    /// Virtual time.
    #[must_use]
    pub fn time(&self) -> Time {
        self.trace.time()
    }

    /// What stands here.
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Loses and delays much for a time.
    pub fn storm_for(&self, lasts: Duration) {
        self.stormy_until_ms.store(millis(self.time().passed() + lasts), Ordering::Relaxed);
    }

    /// Takes nothing for a time.
    pub fn close_for(&self, lasts: Duration) {
        self.closed_until_ms.store(millis(self.time().passed() + lasts), Ordering::Relaxed);
    }

    /// Everything is well from now on.
    pub fn heal(&self) {
        self.stormy_until_ms.store(0, Ordering::Relaxed);
        self.closed_until_ms.store(0, Ordering::Relaxed);
    }

    /// When look-ups will show what is committed now.
    #[must_use]
    pub fn shows_at(&self) -> Duration {
        let lag = match self.chance.within(0, 3) {
            0 => self.chance.millis(0, millis(LAG_MAX)),
            _ => self.chance.millis(0, 4_000),
        };
        self.time().passed() + lag
    }

    /// Serves one request. The work goes on without its client, and a lost answer never comes.
    ///
    /// # Errors
    /// Another answer than the one asked for came.
    pub async fn serve<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, Trouble> {
        let fate = self.fate();
        let takes = match fate {
            Fate::Late => self.chance.millis(20_000, millis(LATE_MAX)),
            _ => self.chance.millis(40, 900),
        };
        if let Fate::Refused(trouble) = fate {
            tokio::time::sleep(takes).await;
            return Err(trouble);
        }
        let (answer, answered) = oneshot::channel();
        let shop = Arc::clone(self);
        if fate != Fate::RequestLost {
            tokio::spawn(async move {
                tokio::time::sleep(takes).await;
                let done = work(&shop);
                if !matches!(fate, Fate::AnswerLost) && answer.send(done).is_err() {
                    shop.trace.say(shop.name, || "answers a client that is gone".to_owned());
                }
            });
        }
        match answered.await {
            Ok(_) if fate == Fate::Garbled => Err(Trouble::Garbled),
            Ok(answer) => Ok(answer),
            Err(_lost) => std::future::pending().await,
        }
    }

    /// What is left of the budget, as an answer says it.
    #[must_use]
    pub fn budget(&self) -> BudgetReading {
        let (maximum, restored_per_second) = BUDGET;
        let (_, spent) = *self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        BudgetReading { maximum, available: maximum.saturating_sub(spent), restored_per_second }
    }

    fn fate(&self) -> Fate {
        let passed = millis(self.time().passed());
        if self.closed_until_ms.load(Ordering::Relaxed) > passed {
            return Fate::Refused(Trouble::Closed);
        }
        if !self.spend() {
            return Fate::Refused(Trouble::Throttled);
        }
        let is_stormy = self.stormy_until_ms.load(Ordering::Relaxed) > passed;
        match self.chance.within(0, if is_stormy { 9 } else { 59 }) {
            0 => Fate::RequestLost,
            1 => Fate::AnswerLost,
            2 => Fate::Late,
            3 => Fate::Refused(Trouble::Busy),
            4 => Fate::Garbled,
            _ => Fate::Well,
        }
    }

    /// Takes one request out of the budget, if there is any left.
    fn spend(&self) -> bool {
        let (maximum, restored) = BUDGET;
        let now = self.time().passed();
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = now.as_secs().saturating_sub(spent.0.as_secs());
        let back = u32::try_from(seconds).unwrap_or(u32::MAX).saturating_mul(restored);
        *spent = (now, spent.1.saturating_sub(back));
        if spent.1 >= maximum {
            return false;
        }
        spent.1 += 1;
        true
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
