//! The story of an outage, told unattended: the claims of the whole product in one run.
//!
//! Stores sell with the line up; the line goes down and they sell on, while an agent and the relay
//! are killed; the line comes back and repeats every request, to targets that drop answers after they
//! have committed, answer late and throttle, and agent and relay are killed again in the middle of
//! the catching up. The moment that the last store has been told that everything is relayed, its
//! host is destroyed and the relay killed. Then the targets' own books are held against the stores'.
//! Asserts nothing: whoever runs it judges the [`Outcome`].

mod outcome;
mod trouble;

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use jiff::civil::Date;

pub use self::outcome::{ErpFigures, Outcome};
use crate::network::Mode;
use crate::pos::client::Agent as Till;
use crate::pos::driver::{self, DELIVERY_WAIT, Driving};
use crate::pos::register::Register;
use crate::wait;
use crate::world::World;

/// How much happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    /// Activities of each register before the line goes down.
    pub before: u64,
    /// Activities of each register while it is down.
    pub during: u64,
    /// Activities of each register while it all catches up.
    pub after: u64,
    /// The line is down at least this long, however fast the registers are.
    pub outage: Duration,
    /// How long the catching up may take at most.
    pub drain: Duration,
    /// How many in a thousand writing calls are applied without an answer once the line is back.
    pub answers_lost_per_mille: u16,
}

impl Scale {
    /// The demo's: more than 2,000 sales and returns, a line that is down for most of the run.
    pub const DEMO: Self = Self {
        before: 60,
        during: 250,
        after: 80,
        outage: Duration::from_secs(90),
        drain: Duration::from_secs(600),
        answers_lost_per_mille: 60,
    };

    /// A scenario's for two targets: the same story with more than 200 sales and returns.
    pub const TWO_TARGETS: Self = Self {
        before: 6,
        during: 24,
        after: 12,
        outage: Duration::from_secs(4),
        drain: Duration::from_secs(240),
        answers_lost_per_mille: 150,
    };

    /// A scenario's: the same story with a few hundred sales.
    pub const SCENARIO: Self = Self {
        before: 10,
        during: 40,
        after: 15,
        outage: Duration::from_secs(8),
        drain: Duration::from_secs(240),
        answers_lost_per_mille: 150,
    };
}

/// Tells the story in a world that was just started. `say` is told what happens, as it happens.
///
/// # Errors
/// A program does not do what any program does, such as start or answer.
pub async fn tell(world: &mut World, scale: Scale, say: impl Fn(&str)) -> Result<Outcome> {
    let begun = now();
    say("the stores sell with the line up");
    let registers = sell(world, world.registers()?, scale.before).await?;

    say("the line goes down; the stores sell on");
    world.lines(Mode::Cut).await?;
    let down = now();
    let selling = drive(world, registers, scale.during, Closing::StaysOpen);
    passed(&selling, world, scale.during / 3).await?;
    say("an agent is killed and started again");
    world.kill_agent(1)?;
    world.start_agent(1).await?;
    passed(&selling, world, scale.during * 2 / 3).await?;
    say("the relay is killed and started again");
    world.kill_relay()?;
    world.start_relay().await?;
    let registers = world.rejoined(selling.finish().await?)?;
    say("everything is sold; the line stays down a while");
    let lasted = || std::future::ready((down.elapsed() >= scale.outage).then_some(()));
    wait::until("the outage to have lasted", scale.outage + DELIVERY_WAIT, lasted).await?;

    say(
        "the line is back and repeats every request, to targets that lose answers, answer late and throttle",
    );
    trouble::begin(world, scale).await?;
    world.lines(Mode::Duplicate).await?;
    let up = now();
    let selling = drive(world, registers, scale.after - LAST, Closing::StaysOpen);
    passed(&selling, world, scale.after / 2).await?;
    say("agent and relay are killed in the middle of the catching up");
    world.kill_relay()?;
    world.kill_agent(0)?;
    world.start_relay().await?;
    world.start_agent(0).await?;
    let registers = world.rejoined(selling.finish().await?)?;
    // The line repeats until everything has gone through it, however long an agent waited before
    // it tried again: a story in which no batch came twice would show nothing.
    for index in 0..world.stores.len() {
        world.relayed(index, scale.drain).await?;
    }
    world.lines(Mode::Open).await?;
    drive(world, registers, LAST, Closing::WithZ).finish().await?;
    say("the last sale is made; a host is destroyed as soon as it is told that all is relayed");
    let last = world.stores.len() - 1;
    let relayed = world.relayed(last, scale.drain).await?;
    world.kill_relay()?;
    world.destroy_host(last, relayed)?;
    world.start_relay().await?;
    say("the rest catches up");
    let undelivered = undelivered(world, scale, &say).await?;
    let through = now();
    say("held against the targets' own books");
    let seconds = |from: Instant, to: Instant| to.duration_since(from).as_secs();
    let run = Run {
        undelivered,
        killed: KILLED,
        run_seconds: seconds(begun, through),
        outage_seconds: seconds(down, up),
        drain_seconds: seconds(up, through),
    };
    outcome::read(world, &run).await
}

/// What has not got through by the deadline. It is a figure as well: a relay that breaks a promise
/// may have a refund wait for a sale that needs a person.
async fn undelivered(world: &World, scale: Scale, say: &impl Fn(&str)) -> Result<u64> {
    match world.drained(scale.drain).await {
        Ok(()) => Ok(0),
        Err(late) => {
            say(&format!("it does not all get through: {late:#}"));
            world.on_the_way().await
        }
    }
}

/// Every register sells so many activities; returns the registers, which may go on.
///
/// # Errors
/// An agent does not take an event in time.
pub async fn sell(
    world: &World,
    registers: Vec<(Register, Till)>,
    activities: u64,
) -> Result<Vec<(Register, Till)>> {
    let selling = drive(world, registers, activities, Closing::StaysOpen);
    world.rejoined(selling.finish().await?)
}

/// Activities of each register, of those while it all catches up, that come last of all.
const LAST: u64 = 3;

/// Programs that the story kills: an agent and the relay, three times.
const KILLED: u64 = 6;

/// Whether the tills are closed with their Z at the end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Closing {
    StaysOpen,
    WithZ,
}

struct Run {
    undelivered: u64,
    killed: u64,
    run_seconds: u64,
    outage_seconds: u64,
    drain_seconds: u64,
}

fn drive(
    world: &World,
    registers: Vec<(Register, Till)>,
    activities: u64,
    closing: Closing,
) -> Driving {
    let plan = driver::Plan {
        activities,
        events_per_second: None,
        business_date: today(),
        closes: closing == Closing::WithZ,
        delivery_wait: DELIVERY_WAIT,
    };
    driver::drive(registers, &world.books, plan)
}

/// Waits until every register has had so many events taken, on average.
async fn passed(selling: &Driving, world: &World, activities: u64) -> Result<()> {
    let registers: u64 = world.stores.iter().map(|_| u64::from(world.plan.registers)).sum();
    let mut progress = selling.progress();
    let enough = progress.wait_for(|progress| progress.acknowledged >= activities * registers);
    let waited = tokio::time::timeout(DELIVERY_WAIT, enough).await;
    waited.context("wait for the registers to get on")?.context("watch the registers")?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the run loop of a story")]
fn now() -> Instant {
    Instant::now()
}

/// The trading day of the story: the host's own, because the agent refuses days far ahead.
#[must_use]
pub fn today() -> Date {
    on_the_clock().date()
}

/// What the host's clock shows.
#[expect(clippy::disallowed_methods, reason = "the run loop of a story")]
#[must_use]
pub fn on_the_clock() -> jiff::Zoned {
    jiff::Zoned::now()
}
