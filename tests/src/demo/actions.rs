//! What the buttons do.
//!
//! Each says what it does and what there is to see. Does not remember whether it is on: the world
//! is asked.

use anyhow::{Context, Result};
use serde::Serialize;
use simulated_erpnext as erpnext;
use simulated_shopify::{Disruption, Faults, Rule, Storm};

use crate::network::Mode;
use crate::pos::client::{Agent as Till, Answer};
use crate::world::World;

/// How long ERPNext is closed.
const MAINTENANCE_SECONDS: u32 = 15;

/// A button.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Cut,
    Restore,
    KillAgent,
    KillRelay,
    DropAnswers,
    Throttle,
    Maintain,
    Poison,
    Calm,
}

/// A button as the page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Button {
    name: &'static str,
    title: &'static str,
    explains: &'static str,
    on: bool,
}

impl Action {
    const ALL: [Self; 9] = [
        Self::Cut,
        Self::Restore,
        Self::KillAgent,
        Self::KillRelay,
        Self::DropAnswers,
        Self::Throttle,
        Self::Maintain,
        Self::Poison,
        Self::Calm,
    ];

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::Restore => "restore",
            Self::KillAgent => "kill-agent",
            Self::KillRelay => "kill-relay",
            Self::DropAnswers => "drop-answers",
            Self::Throttle => "throttle",
            Self::Maintain => "maintain",
            Self::Poison => "poison",
            Self::Calm => "calm",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Cut => "Cut the line",
            Self::Restore => "Restore the line",
            Self::KillAgent => "Kill an agent",
            Self::KillRelay => "Kill the relay",
            Self::DropAnswers => "Drop answers after commit",
            Self::Throttle => "Throttle Shopify",
            Self::Maintain => "Close ERPNext for a while",
            Self::Poison => "Post a poison order",
            Self::Calm => "Let both behave",
        }
    }

    const fn explains(self) -> &'static str {
        match self {
            Self::Cut => "No store reaches the relay. Selling goes on; the bars fill.",
            Self::Restore => "The stores catch up, refunds and stock before receipts.",
            Self::KillAgent => {
                "SIGKILL at the second store, and a fresh start. The till repeats its last sale."
            }
            Self::KillRelay => "SIGKILL in the middle of its work, and a fresh start.",
            Self::DropAnswers => {
                "Shopify and ERPNext commit, then hang up on every third call. Nothing may double."
            }
            Self::Throttle => {
                "Shopify's budget is emptied for half a minute. The relay waits its turn."
            }
            Self::Maintain => {
                "Maintenance for a quarter of a minute. Shopify goes on; ERPNext is asked again later."
            }
            Self::Poison => {
                "A sale of an item that neither knows: it needs a person, and all else flows."
            }
            Self::Calm => "Ends dropped answers, throttling and maintenance.",
        }
    }
}

/// The buttons, with those that are on.
pub(super) fn buttons(is_cut: bool, is_dropping: bool) -> Vec<Button> {
    let button = |action: Action| Button {
        name: action.name(),
        title: action.title(),
        explains: action.explains(),
        on: (action == Action::Cut && is_cut) || (action == Action::DropAnswers && is_dropping),
    };
    Action::ALL.into_iter().map(button).collect()
}

/// Does it, and says what there is to see.
pub(super) async fn carry_out(action: Action, world: &mut World) -> Result<String> {
    match action {
        Action::Cut => {
            world.lines(Mode::Cut).await?;
            Ok("The line is cut. Watch the stores sell on; press Restore when you have seen enough.".into())
        }
        Action::Restore => {
            world.lines(Mode::Open).await?;
            Ok("The line is back.".into())
        }
        Action::KillAgent => {
            world.kill_agent(1)?;
            world.start_agent(1).await?;
            Ok(format!("The agent of store {} was killed and is back.", world.stores[1].name))
        }
        Action::KillRelay => {
            world.kill_relay()?;
            world.start_relay().await?;
            Ok("The relay was killed and is back.".into())
        }
        Action::DropAnswers => {
            world.asking.shop_faults(&dropping()).await?;
            world.asking.erp_faults(&dropping_at_the_erp()).await?;
            world.is_dropping = true;
            Ok("Every third writing call is applied and gets no answer.".into())
        }
        Action::Throttle => {
            let storm = Some(Storm { restore_per_second: 5, seconds: 30 });
            let rules = if world.is_dropping { dropping().rules } else { Vec::new() };
            world.asking.shop_faults(&Faults { rules, storm, ..Faults::default() }).await?;
            Ok("The budget is empty and comes back slowly for 30 s.".into())
        }
        Action::Maintain => {
            let rules = if world.is_dropping { dropping_at_the_erp().rules } else { Vec::new() };
            let maintenance_seconds = Some(MAINTENANCE_SECONDS);
            let faults =
                erpnext::Faults { rules, maintenance_seconds, ..erpnext::Faults::default() };
            world.asking.erp_faults(&faults).await?;
            Ok("ERPNext is closed for maintenance; the relay pauses it for about a minute and \
                Shopify goes on."
                .into())
        }
        Action::Poison => poison(world).await,
        Action::Calm => {
            world.asking.shop_faults(&Faults::default()).await?;
            world.asking.erp_faults(&erpnext::Faults::default()).await?;
            world.is_dropping = false;
            Ok("Shopify and ERPNext behave again.".into())
        }
    }
}

fn dropping() -> Faults {
    let rule = Rule::per_mille(333, Disruption::CloseAfter);
    let rule = rule.on("orderCreate").on("refundCreate").on("inventoryAdjustQuantities");
    Faults { rules: vec![rule], ..Faults::default() }
}

fn dropping_at_the_erp() -> erpnext::Faults {
    let rule = erpnext::Rule::per_mille(333, erpnext::Disruption::CloseAfter);
    let rules = vec![rule.on("create").on("submit")];
    erpnext::Faults { rules, ..erpnext::Faults::default() }
}

/// A sale of an item that no target knows, as a till would send it.
async fn poison(world: &mut World) -> Result<String> {
    world.poisoned += 1;
    let store = &world.stores[0];
    let receipt = format!("9{:05}", world.poisoned);
    let now = crate::outage::on_the_clock();
    let event = serde_json::json!({
        "type": "storekeep.transaction.v1",
        "data": {
            "kind": "sale", "store": store.name, "register": "9", "businessDate": now.date().to_string(),
            "receipt": receipt, "completedAt": now.timestamp().to_string(), "currency": "EUR",
            "lines": [{
                "line": 1, "kind": "item",
                "item": { "sku": "NOT-IN-THE-SHOP", "description": "An article that nobody listed" },
                "quantity": "1", "unitPrice": "19.90", "extended": 1990, "total": 1990
            }],
            "total": { "amount": 1990, "direction": "in" },
            "tenders": [{ "tender": 1, "kind": "cash", "purpose": "payment", "amount": 1990 }]
        }
    });
    let token = world.till_token(0)?;
    let till = Till::at(store.address, &token)?;
    match till.send(event.to_string().as_bytes()).await {
        Answer::Decided(_) => Ok(format!(
            "Receipt {receipt} of store {} is safe at the till. Nobody knows its item: Shopify takes \
             the order, its stock and ERPNext's invoice turn up under “Needs a person”, and \
             everything else goes on.",
            store.name
        )),
        Answer::NotNow(reason) => Err(anyhow::anyhow!(reason)).context("hand in the sale"),
    }
}
