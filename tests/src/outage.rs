//! The story of an outage, told unattended: the claims of the whole product in one run.
//!
//! Stores sell with the line up; the line goes down and they sell on, while an agent and the relay
//! are killed; the line comes back and repeats every request, to a shop that drops answers after it
//! has committed, answers late and throttles, and agent and relay are killed again in the middle of
//! the catching up. The moment that the last store has been told that everything is relayed, its
//! host is destroyed and the relay killed. Then the shop's own books are held against the stores'.
//! Asserts nothing: whoever runs it judges the [`Outcome`].

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use jiff::civil::Date;
use serde::Serialize;
use simulated_shopify::{Disruption, Faults, Rule, Storm};

use crate::network::Mode;
use crate::pos::books::{Kind, Outcome as Taken};
use crate::pos::client::Agent as Till;
use crate::pos::compare::Differences;
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

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// Events that the agents have taken, of every kind.
    pub captured: u64,
    /// Sales among them.
    pub sales: u64,
    /// Returns among them.
    pub returns: u64,
    /// Events that the relay has acknowledged to the agents.
    pub relayed: u64,
    /// Orders and refunds in the shop's own books.
    pub shopify: u64,
    /// Sales and returns that were taken and are not in the shop.
    pub lost: usize,
    /// Sales and returns that are in the shop more than once.
    pub duplicated: usize,
    /// Orders and refunds in the shop that no store has made.
    pub foreign: usize,
    /// Items whose stock at the shop is not what the store has, to the piece.
    pub stock_differences: usize,
    /// Deliveries that need a person.
    pub exceptions: u64,
    /// Answers that the shop lost after it had committed.
    pub answers_lost: u64,
    /// Calls that the shop throttled.
    pub throttled: u64,
    /// Programs that were killed.
    pub killed: u64,
    /// Seconds from the first sale to the last one standing in the shop.
    pub run_seconds: u64,
    /// Seconds of them with the line down.
    pub outage_seconds: u64,
    /// Seconds from the line's return until nothing was on its way.
    pub drain_seconds: u64,
    /// The culprits, where there are any.
    #[serde(skip_serializing_if = "Differences::is_empty")]
    pub differences: Differences,
}

impl Outcome {
    /// Whether every promise was kept.
    #[must_use]
    pub const fn is_kept(&self) -> bool {
        self.lost == 0
            && self.duplicated == 0
            && self.foreign == 0
            && self.stock_differences == 0
            && self.exceptions == 0
    }
}

/// Tells the story in a world that was just started. `say` is told what happens, as it happens.
///
/// # Errors
/// A program does not do what any program does, such as start or answer; or not everything was
/// through by the deadline.
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
        "the line is back and repeats every request, to a shop that loses answers, answers late and throttles",
    );
    world.asking.shop_faults(&trouble(world, scale)).await?;
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
    world.drained(scale.drain).await?;
    let through = now();
    say("held against the shop's own books");
    let seconds = |from: Instant, to: Instant| to.duration_since(from).as_secs();
    let run = Run {
        killed: KILLED,
        run_seconds: seconds(begun, through),
        outage_seconds: seconds(down, up),
        drain_seconds: seconds(up, through),
    };
    outcome(world, &run).await
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

/// What the shop does once the line is back: it commits and loses the answer, commits and answers
/// after the relay has given up, fails, throttles, and restores its budget slowly for a while.
fn trouble(world: &World, scale: Scale) -> Faults {
    let hold_ms = u64::from(world.plan.call_timeout_seconds) * 1_000 + 1_500;
    let lost = scale.answers_lost_per_mille;
    let writes = |rule: Rule| {
        let fields = ["orderCreate", "refundCreate", "inventoryAdjustQuantities"];
        fields.into_iter().fold(rule, Rule::on)
    };
    Faults {
        rules: vec![
            writes(Rule::next(5, Disruption::CloseAfter)),
            writes(Rule::per_mille(lost, Disruption::CloseAfter)),
            writes(Rule::per_mille(lost / 8, Disruption::ApplyLate { hold_ms })),
            Rule::per_mille(lost / 4, Disruption::ErrorBefore { status: 502 }),
            writes(Rule::per_mille(lost / 8, Disruption::HtmlAfter)),
            Rule::per_mille(lost / 4, Disruption::Throttled),
            Rule::per_mille(lost / 8, Disruption::Unavailable { retry_after_seconds: 1 }),
        ],
        maintenance: None,
        storm: Some(Storm { restore_per_second: world.plan.bucket.1 / 5, seconds: 10 }),
        expire_tokens: true,
    }
}

async fn outcome(world: &World, run: &Run) -> Result<Outcome> {
    let shop = world.asking.shop_books().await?;
    let differences = world.differences_from(&shop);
    let relay = world.asking.relay().await?;
    let mut relayed = 0;
    for store in &world.stores {
        relayed += match store.relayed_before_its_end {
            Some(relayed) => relayed,
            None => {
                let agent = world.asking.agent(store.address, &store.folder).await?;
                agent.entries - agent.unsent
            }
        };
    }
    let books = world.books.lock().expect("no register panics");
    let taken = |kind: Option<Kind>| {
        let entries = books.entries().filter(|entry| kind.is_none_or(|kind| entry.kind == kind));
        let taken = entries.filter(|entry| matches!(entry.outcome, Taken::Acknowledged(_)));
        taken.map(|_| 1).sum()
    };
    let struck = |name: &str| shop.counters.disruptions.get(name).copied().unwrap_or_default();
    let refunds: usize = shop.orders.iter().map(|order| order.refunds.len()).sum();
    Ok(Outcome {
        captured: taken(None),
        sales: taken(Some(Kind::Sale)),
        returns: taken(Some(Kind::Return)),
        relayed,
        shopify: u64::try_from(shop.orders.len() + refunds).context("count what the shop holds")?,
        lost: differences.lost.len(),
        duplicated: differences.duplicated.len(),
        foreign: differences.foreign.len(),
        stock_differences: differences.stock.len(),
        exceptions: relay.exceptions,
        answers_lost: struck("closeAfter") + struck("applyLate") + struck("htmlAfter"),
        throttled: shop.counters.throttled + struck("throttled"),
        killed: run.killed,
        run_seconds: run.run_seconds,
        outage_seconds: run.outage_seconds,
        drain_seconds: run.drain_seconds,
        differences,
    })
}

#[expect(clippy::disallowed_methods, reason = "the run loop of a story")]
fn now() -> Instant {
    Instant::now()
}

/// The trading day of the story: the host's own, because the agent refuses days far ahead.
#[expect(clippy::disallowed_methods, reason = "the run loop of a story")]
#[must_use]
pub fn today() -> Date {
    jiff::Zoned::now().date()
}
