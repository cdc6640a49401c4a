//! What the page shows, looked at once a second.
//!
//! Counts come from the tills' books, the shop's and the ERP's; what agents and relay say of themselves is
//! shown as their word. Lost and duplicated are judged by the books alone: duplicated at every
//! look, lost only when nothing is on its way, because what is on its way is not lost.

use std::collections::VecDeque;

use serde::Serialize;
use simulated_erpnext::Summary as ErpSummary;
use simulated_shopify::Summary;

use super::actions::{self, Button};
use crate::network::Mode;
use crate::world::{ERP_TARGET, ExceptionView, RelayView, World};

/// Points of the chart: ten minutes.
const HISTORY_MAX: usize = 600;

/// Exceptions on the page.
const EXCEPTIONS_SHOWN_MAX: usize = 20;

/// What the page shows.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Seen {
    sentence: String,
    captured: u64,
    standing: u64,
    invoiced: u64,
    waiting: u64,
    lost: usize,
    duplicated: u64,
    stores: Vec<StoreSeen>,
    line: &'static str,
    api: &'static str,
    relay: BoxSeen,
    shopify: BoxSeen,
    erpnext: BoxSeen,
    history: VecDeque<Point>,
    exceptions: Vec<Row>,
    exceptions_command: String,
    console: String,
    actions: Vec<Button>,
    curl: Curl,
}

#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct StoreSeen {
    store: String,
    page: String,
    state: &'static str,
    sentence: String,
    unsent: u64,
}

#[derive(Debug, Clone, Default, Serialize)]
struct BoxSeen {
    state: &'static str,
    figures: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, Default, Serialize)]
struct Point {
    second: u64,
    captured: u64,
    relayed: u64,
    standing: u64,
    invoiced: u64,
}

#[derive(Debug, Clone, Default, Serialize)]
struct Row {
    target: String,
    store: String,
    receipt: String,
    reason: String,
    amount: String,
    age: String,
}

#[derive(Debug, Clone, Default, Serialize)]
struct Curl {
    store: String,
    post: String,
    follow: String,
}

/// Remembers between looks.
pub(super) struct Watching {
    second: u64,
    history: VecDeque<Point>,
    curl: Curl,
    exceptions_command: String,
    console: String,
    lost: usize,
    unsent: Vec<u64>,
}

impl Watching {
    pub(super) fn new(world: &World) -> Self {
        let store = &world.stores[0];
        let address = store.address;
        let token = store.folder.join("local-api.token");
        let post = format!(
            "TOKEN=$(cat {token})\ncurl -s http://{address}/v1/events \\\n  -H \"Authorization: \
             Bearer $TOKEN\" -H \"Content-Type: application/json\" \\\n  --data @docs/examples/sale.json",
            token = token.display()
        );
        let follow = format!(
            "curl -s http://{address}/v1/receipts/1/2026-11-23/900001 -H \"Authorization: Bearer $TOKEN\""
        );
        Self {
            second: 0,
            history: VecDeque::new(),
            curl: Curl { store: store.name.clone(), post, follow },
            exceptions_command: format!(
                "cargo run -p cloud-relay -- exceptions ls --config {relay}/relay.toml --data-dir {relay}",
                relay = world.plan.folder.join("relay").display()
            ),
            console: world.asking.console().unwrap_or_default(),
            lost: 0,
            unsent: vec![0; world.stores.len()],
        }
    }

    pub(super) async fn look(&mut self, world: &mut World) -> Seen {
        self.second += 1;
        let relay = world.asking.relay().await.ok();
        let shop = world.asking.shop_summary().await.ok();
        let mut stores = Vec::new();
        for index in 0..world.stores.len() {
            stores.push(self.look_at_store(world, index).await);
        }
        let erp = world.asking.erp_summary().await.ok();
        let standing = shop.as_ref().map_or(0, |shop| shop.orders + shop.refunds);
        let invoiced = erp.as_ref().map_or(0, |erp| erp.sales + erp.returns);
        // A sale that a person posts by hand stands in no till's books, only in the targets.
        let captured = (world.posted() + u64::from(world.poisoned)).max(standing).max(invoiced);
        let invoiced_twice = erp.as_ref().map_or(0, |erp| erp.repeated.values().sum());
        let duplicated = shop.as_ref().map_or(0, |shop| shop.duplicate_orders) + invoiced_twice;
        let exceptions = match &relay {
            Some(view) if view.exceptions > 0 => {
                world.asking.exceptions().await.unwrap_or_default()
            }
            _ => Vec::new(),
        };
        let unsent: u64 = self.unsent.iter().sum();
        let on_the_way = unsent + relay.as_ref().map_or(0, |relay| relay.waiting);
        self.judge_lost(world, relay.is_some() && on_the_way == 0).await;
        let relayed = relay.as_ref().map_or(0, |_| captured.saturating_sub(unsent));
        let last = self.history.back().map_or(0, |point| point.relayed);
        // What waits at the tills is not only sales, so this is too low rather than too high.
        let relayed = relayed.max(last).max(standing).max(invoiced);
        self.remember(Point { second: self.second, captured, relayed, standing, invoiced });
        let is_cut = world.stores.iter().any(|store| store.line.mode() == Mode::Cut);
        let waiting = captured.saturating_sub(standing.min(invoiced + held(&exceptions)));
        Seen {
            sentence: sentence(captured, waiting, is_cut, exceptions.len()),
            captured,
            standing,
            invoiced,
            waiting,
            lost: self.lost,
            duplicated,
            line: if is_cut { "cut" } else { "" },
            api: api(relay.as_ref()),
            relay: relay_box(relay.as_ref()),
            shopify: shop_box(shop.as_ref()),
            erpnext: erp_box(erp.as_ref()),
            stores,
            history: self.history.clone(),
            exceptions: exceptions.iter().take(EXCEPTIONS_SHOWN_MAX).map(row).collect(),
            exceptions_command: self.exceptions_command.clone(),
            console: self.console.clone(),
            actions: actions::buttons(is_cut, world.is_dropping),
            curl: self.curl.clone(),
        }
    }

    async fn look_at_store(&mut self, world: &mut World, index: usize) -> StoreSeen {
        let runs = world.agent_runs(index);
        let store = &world.stores[index];
        let view = world.asking.agent(store.address, &store.folder).await.ok();
        if let Some(view) = &view {
            self.unsent[index] = view.unsent;
        }
        let state = match &view {
            Some(view) if view.online => "online",
            Some(_) => "offline",
            None if runs => "starting",
            None => "down",
        };
        StoreSeen {
            store: store.name.clone(),
            page: format!("http://{}/", store.address),
            state,
            sentence: view
                .map_or_else(|| "The agent does not answer.".into(), |view| view.sentence),
            unsent: self.unsent[index],
        }
    }

    /// What was lost is known once nothing is on its way; until then the last judgement stands.
    async fn judge_lost(&mut self, world: &World, is_through: bool) {
        if !is_through {
            return;
        }
        match world.lost().await {
            Ok(Some(lost)) => self.lost = lost,
            Ok(None) => {}
            Err(error) => tracing::warn!("the targets' books cannot be read: {error:#}"),
        }
    }

    fn remember(&mut self, point: Point) {
        if self.history.len() == HISTORY_MAX {
            self.history.pop_front();
        }
        self.history.push_back(point);
    }
}

/// Receipts that are no invoice before a person has looked at them.
fn held(exceptions: &[ExceptionView]) -> u64 {
    let invoices = exceptions.iter().filter(|exception| {
        exception.target == ERP_TARGET && exception.natural_key.starts_with("transaction/")
    });
    invoices.map(|_| 1).sum()
}

fn sentence(captured: u64, waiting: u64, is_cut: bool, exceptions: usize) -> String {
    let line = match (is_cut, waiting) {
        (true, _) => format!("The line is down; {waiting} wait, safe on the stores' own disks."),
        (false, 0) => "All of them stand in Shopify and ERPNext.".to_owned(),
        (false, 1) => "One of them is on its way to Shopify or ERPNext.".to_owned(),
        (false, _) => format!("{waiting} of them are on their way to Shopify or ERPNext."),
    };
    let person = match exceptions {
        0 => String::new(),
        1 => " One needs a person.".to_owned(),
        count => format!(" {count} need a person."),
    };
    format!("Three stores have sold and taken back {captured} times. {line}{person}")
}

fn api(relay: Option<&RelayView>) -> &'static str {
    match relay {
        Some(view) if view.paused.is_some() => "slow",
        Some(_) => "",
        None => "cut",
    }
}

fn relay_box(view: Option<&RelayView>) -> BoxSeen {
    let Some(view) = view else { return BoxSeen { state: "down", figures: Vec::new() } };
    let mut figures = vec![("done".to_owned(), view.done.to_string())];
    for (class, waiting) in &view.waiting_by_class {
        figures.push((format!("waiting: {class}"), waiting.to_string()));
    }
    figures.push(("needs a person".to_owned(), view.exceptions.to_string()));
    BoxSeen { state: "running", figures }
}

fn shop_box(summary: Option<&Summary>) -> BoxSeen {
    let Some(summary) = summary else { return BoxSeen { state: "down", figures: Vec::new() } };
    let struck = |name: &str| summary.counters.disruptions.get(name).copied().unwrap_or_default();
    let total = summary.order_total.iter().map(|(currency, sum)| format!("{sum} {currency}"));
    let figures = [
        ("orders", summary.orders.to_string()),
        ("their total", total.collect::<Vec<_>>().join(", ")),
        ("refunds", summary.refunds.to_string()),
        ("stock changes", summary.adjustments.to_string()),
        ("answers dropped", struck("closeAfter").to_string()),
        ("throttled", (summary.counters.throttled + struck("throttled")).to_string()),
    ];
    let figures = figures.map(|(name, value)| (name.to_owned(), value)).to_vec();
    BoxSeen { state: "running", figures }
}

fn erp_box(summary: Option<&ErpSummary>) -> BoxSeen {
    let Some(summary) = summary else { return BoxSeen { state: "down", figures: Vec::new() } };
    let struck = |name: &str| summary.counters.disruptions.get(name).copied().unwrap_or_default();
    let ledger = if summary.debit == summary.credit { "balanced" } else { "not balanced" };
    let figures = [
        ("invoices", summary.sales.to_string()),
        ("credit notes", summary.returns.to_string()),
        ("their total", format!("{:.2} EUR", summary.grand_total)),
        ("ledger", ledger.to_owned()),
        ("answers dropped", struck("closeAfter").to_string()),
    ];
    let figures = figures.map(|(name, value)| (name.to_owned(), value)).to_vec();
    BoxSeen { state: "running", figures }
}

fn age(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3_600),
    }
}

fn row(exception: &ExceptionView) -> Row {
    // transaction/store/register/date/receipt/kind/cycle
    let receipt = exception.natural_key.split('/').nth(4).unwrap_or(&exception.natural_key);
    let target = match exception.target.as_str() {
        ERP_TARGET => "ERPNext",
        "shop" => "Shopify",
        other => other,
    };
    Row {
        target: target.to_owned(),
        store: exception.store.clone(),
        receipt: receipt.to_owned(),
        reason: exception.reason.clone(),
        amount: exception.amount.clone(),
        age: age(exception.age_seconds),
    }
}
