//! What came of an outage, in figures from the books of the tills and of the targets.
//!
//! Only what the agents and the relay alone know, such as open exceptions, is their word. Asserts
//! nothing.

use anyhow::{Context, Result};
use serde::Serialize;

use super::Run;
use crate::pos::books::{Kind, Outcome as Taken};
use crate::pos::compare::Differences;
use crate::world::{World, price_cents};

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
    /// The ERP's figures, if it is a target.
    #[serde(flatten)]
    pub erp: Option<ErpFigures>,
    /// Sales and returns that were taken and are missing in a target, counted once for each.
    pub lost: usize,
    /// Sales and returns that are in a target more than once, counted once for each.
    pub duplicated: usize,
    /// Documents in the targets that no store has made.
    pub foreign: usize,
    /// Items whose stock at a target is not what the store has, to the piece.
    pub stock_differences: usize,
    /// Events and deliveries that were still on their way at the deadline.
    pub undelivered: u64,
    /// Deliveries that need a person.
    pub exceptions: u64,
    /// Answers that the shop lost after it had committed.
    pub answers_lost: u64,
    /// Calls that the shop throttled.
    pub throttled: u64,
    /// Programs that were killed.
    pub killed: u64,
    /// Seconds from the first sale to the last one standing in every target.
    pub run_seconds: u64,
    /// Seconds of them with the line down.
    pub outage_seconds: u64,
    /// Seconds from the line's return until nothing was on its way.
    pub drain_seconds: u64,
    /// The culprits at the shop, where there are any.
    #[serde(skip_serializing_if = "Differences::is_empty")]
    pub differences: Differences,
}

/// What the ERP's own books say.
#[derive(Debug, Clone, Serialize)]
pub struct ErpFigures {
    /// Submitted invoices and credit notes.
    pub erp: u64,
    /// Of what is lost: what is missing in the ERP.
    pub erp_lost: usize,
    /// Of what is duplicated: what is in the ERP more than once.
    pub erp_duplicated: usize,
    /// Accounts, by store, whose balance is not what the tills took and earned, to the cent.
    pub ledger_differences: usize,
    /// The cents by which quantity times price missed the receipts' lines, in minor units: booked
    /// as rounding there, as income by the stores.
    pub erp_price_cents: i64,
    /// Answers that the ERP lost after it had committed.
    pub erp_answers_lost: u64,
    /// Calls that the ERP turned away for a while.
    pub erp_throttled: u64,
    /// The culprits at the ERP, where there are any.
    #[serde(skip_serializing_if = "Differences::is_empty")]
    pub erp_differences: Differences,
}

impl Outcome {
    /// Whether every promise was kept.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.lost == 0
            && self.duplicated == 0
            && self.foreign == 0
            && self.stock_differences == 0
            && self.undelivered == 0
            && self.exceptions == 0
            && self.erp.as_ref().is_none_or(|erp| erp.ledger_differences == 0)
    }
}

/// Reads the outcome from the books of all sides.
pub(super) async fn read(world: &World, run: &Run) -> Result<Outcome> {
    let shop = world.asking.shop_books().await?;
    let differences = world.differences_from(&shop);
    let erp = if world.plan.has_erp() { Some(read_erp(world).await?) } else { None };
    let both = |count: fn(&Differences) -> usize| {
        count(&differences) + erp.as_ref().map_or(0, |erp| count(&erp.erp_differences))
    };
    let books = world.books.lock().expect("no register panics").clone();
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
        relayed: relayed(world).await?,
        shopify: u64::try_from(shop.orders.len() + refunds).context("count what the shop holds")?,
        lost: both(|differences| differences.lost.len()),
        duplicated: both(|differences| differences.duplicated.len()),
        foreign: both(|differences| differences.foreign.len()),
        stock_differences: both(|differences| differences.stock.len()),
        undelivered: run.undelivered,
        exceptions: world.asking.relay().await?.exceptions,
        answers_lost: struck("closeAfter") + struck("applyLate") + struck("htmlAfter"),
        throttled: shop.counters.throttled + struck("throttled"),
        killed: run.killed,
        run_seconds: run.run_seconds,
        outage_seconds: run.outage_seconds,
        drain_seconds: run.drain_seconds,
        erp,
        differences,
    })
}

async fn read_erp(world: &World) -> Result<ErpFigures> {
    let summary = world.asking.erp_summary().await?;
    let books = world.asking.erp_books().await?;
    let differences = world.differences_from_erp(&books)?;
    let counters = &books.counters;
    let struck = |name: &str| counters.disruptions.get(name).copied().unwrap_or_default();
    let lost = ["closeAfter", "applyLate", "errorAfter", "htmlAfter"];
    let turned_away = ["tooManyRequests", "unavailable"];
    Ok(ErpFigures {
        erp: summary.sales + summary.returns,
        erp_lost: differences.lost.len(),
        erp_duplicated: differences.duplicated.len(),
        ledger_differences: differences.ledger.len(),
        erp_price_cents: price_cents(&books)?,
        erp_answers_lost: lost.into_iter().map(struck).sum(),
        erp_throttled: counters.rate_limited + turned_away.into_iter().map(struck).sum::<u64>(),
        erp_differences: differences,
    })
}

/// What the relay has acknowledged to the agents, also to one whose host is gone.
async fn relayed(world: &World) -> Result<u64> {
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
    Ok(relayed)
}
