//! Many registers at work at once, at a pace.
//!
//! The run loop of the simulated POS: it alone reads the clock. Each register sends one event at
//! a time, in order, as a till does. Does not judge the outcome; the books hold it.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use jiff::Timestamp;
use jiff::civil::Date;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::books::{Outcome, SharedBooks, StoreBooks};
use super::client::Agent;
use super::register::{Made, Register};

/// How long an event is tried before the run fails: longer than any outage between a till and
/// the agent on its own host, restarts and updates included.
pub const DELIVERY_WAIT: Duration = Duration::from_secs(120);

/// What the registers are to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Activities of each register, besides opening and closing.
    pub activities: u64,
    /// Events of all registers together in a second; as many as go if there is none.
    pub events_per_second: Option<u32>,
    /// The trading day of tills that are still closed.
    pub business_date: Date,
    /// Whether each till is closed with its Z at the end.
    pub closes: bool,
    /// How long an event is tried, commonly [`DELIVERY_WAIT`].
    pub delivery_wait: Duration,
}

/// How far all registers are together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Events that happened.
    pub made: u64,
    /// Events that the agent took.
    pub acknowledged: u64,
    /// Events that the agent refused.
    pub refused: u64,
}

/// Registers at work. Dropping it stops them in the middle of what they do.
#[derive(Debug)]
pub struct Driving {
    registers: JoinSet<Result<Register>>,
    progress: watch::Receiver<Progress>,
    stop: watch::Sender<bool>,
}

/// What a register needs to work.
#[derive(Clone)]
struct Work {
    plan: Plan,
    period: Option<Duration>,
    agent: Agent,
    books: SharedBooks,
    progress: watch::Sender<Progress>,
    stop: watch::Receiver<bool>,
}

/// Sets registers to work, each with the agent of its store.
#[must_use]
pub fn drive(registers: Vec<(Register, Agent)>, books: &SharedBooks, plan: Plan) -> Driving {
    let (progress, seen) = watch::channel(Progress::default());
    let (stop, stopped) = watch::channel(false);
    let period = period(registers.len(), plan.events_per_second);
    let mut working = JoinSet::new();
    for (register, agent) in registers {
        let work = Work {
            plan,
            period,
            agent,
            books: Arc::clone(books),
            progress: progress.clone(),
            stop: stopped.clone(),
        };
        working.spawn(work.run(register));
    }
    Driving { registers: working, progress: seen, stop }
}

impl Driving {
    /// How far they are; the receiver wakes at each change.
    #[must_use]
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }

    /// Tells them to stop. An event whose answer is still waited for stays open in the books.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Waits until all are through, and hands them back so that they can go on later.
    ///
    /// # Errors
    /// An agent did not decide on an event in time.
    pub async fn finish(mut self) -> Result<Vec<Register>> {
        let mut registers = Vec::new();
        while let Some(ended) = self.registers.join_next().await {
            registers.push(ended.context("wait for a register")??);
        }
        Ok(registers)
    }
}

/// The time between two events of one register.
fn period(registers: usize, events_per_second: Option<u32>) -> Option<Duration> {
    let registers = u32::try_from(registers).unwrap_or(u32::MAX);
    let per_second = events_per_second?.max(1);
    Some(Duration::from_secs(1).saturating_mul(registers) / per_second)
}

impl Work {
    async fn run(mut self, mut register: Register) -> Result<Register> {
        let mut pace = self.period.filter(|period| !period.is_zero()).map(paced);
        if !register.is_open() {
            let date = self.plan.business_date;
            let opened =
                |register: &mut Register, now, books: &mut _| register.open(date, now, books);
            self.step(&mut register, &mut pace, opened).await?;
        }
        for _ in 0..self.plan.activities {
            if *self.stop.borrow() {
                return Ok(register);
            }
            self.step(&mut register, &mut pace, Register::act).await?;
        }
        if self.plan.closes && register.is_open() && !*self.stop.borrow() {
            self.step(&mut register, &mut pace, Register::close).await?;
        }
        Ok(register)
    }

    /// Makes one event and delivers it, unless the work is stopped before.
    async fn step(
        &mut self,
        register: &mut Register,
        pace: &mut Option<Interval>,
        act: impl FnOnce(&mut Register, Timestamp, &mut StoreBooks) -> Made,
    ) -> Result<()> {
        if let Some(pace) = pace {
            tokio::select! {
                _ = pace.tick() => {}
                () = stopped(&mut self.stop) => return Ok(()),
            }
        }
        let store = register.place().store.name.clone();
        let made = self.in_books(&store, |books| act(register, clock(), books))?;
        self.progress.send_modify(|progress| progress.made += 1);
        let delivered = self.agent.deliver(&made.bytes, self.plan.delivery_wait);
        let outcome = tokio::select! {
            outcome = delivered => outcome?,
            () = stopped(&mut self.stop) => return Ok(()),
        };
        self.progress.send_modify(|progress| match outcome {
            Outcome::Acknowledged(_) => progress.acknowledged += 1,
            Outcome::Refused { .. } => progress.refused += 1,
            Outcome::Open => {}
        });
        self.in_books(&store, |books| books.settle(made.entry, outcome))
    }

    fn in_books<T>(&self, store: &str, act: impl FnOnce(&mut StoreBooks) -> T) -> Result<T> {
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        let books = books.stores.get_mut(store);
        Ok(act(books.with_context(|| format!("find the books of store {store}"))?))
    }
}

fn paced(period: Duration) -> Interval {
    let mut pace = interval(period);
    // What an outage held back is not made up for: customers do not queue for a simulation.
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pace
}

/// Resolves when the work is to stop; whoever dropped the other end has stopped it too.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        tracing::debug!("nobody drives the registers any more");
    }
}

#[expect(clippy::disallowed_methods, reason = "the run loop of the simulated POS")]
fn clock() -> Timestamp {
    Timestamp::now()
}
