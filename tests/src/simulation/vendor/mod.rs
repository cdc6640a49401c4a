//! A connector of the relay to a vendor of the simulation.
//!
//! `shop` is the wire and its losses, `ledger` what stands behind it. This file turns events into
//! requests and answers into verdicts as a connector does: "may have been applied" whenever that
//! is not certain. Two kinds: one that posts at once and keeps stock, one that keeps drafts first
//! and no stock.

pub mod ledger;
pub mod shop;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cloud_relay::connectors::{
    Bridging, BundleBody, BundleVerdict, Call, Checked, Class, Connector, ExceptionClass, Found,
    Mode, Planned, Prepared, Profile, Reply, TargetRef, Unanswered, Verdict,
};
use jiff::Timestamp;
use protocol::envelope::Event;
use protocol::event::key::of_reference;
use protocol::event::line::Original;
use protocol::event::{Body, StockKind, TransactionKind};
use uuid::Uuid;

use self::ledger::{Level, Moved, Shown, StockAnswer, StockRequest};
use self::shop::{LAG_MAX, LATE_MAX, Shop, Trouble};

/// How long the relay waits for an answer.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a key protects from moving stock twice; days at real vendors, and short here so that
/// a run lasts longer.
const REPEAT_WINDOW: Duration = Duration::from_secs(12 * 60);

/// What the vendor remembers a key for: it works on a request [`LATE_MAX`] after it was sent.
const REMEMBERED: Duration = Duration::from_secs(15 * 60);

/// Nothing shows up later than this after an attempt's deadline, with a margin for relays whose
/// clocks differ.
const SETTLE_TIME: Duration = Duration::from_secs(LATE_MAX.as_secs() + LAG_MAX.as_secs() + 10);

/// Documents in one call about stock.
const BUNDLE_MAX: usize = 4;

/// The way to a vendor.
#[derive(Debug)]
pub struct Vendor {
    shop: Arc<Shop>,
    profile: Profile,
    keeps_drafts: bool,
}

impl Vendor {
    /// The way to a vendor, which keeps drafts and no stock, or stock and no drafts.
    #[must_use]
    pub fn new(shop: Arc<Shop>, keeps_drafts: bool) -> Self {
        let profile = Profile {
            kind: "simulated",
            verified: None,
            call_timeout: CALL_TIMEOUT,
            settle_time: SETTLE_TIME,
            bundle_max: BUNDLE_MAX,
            repeat_window: REPEAT_WINDOW,
            cost_estimate: 1,
        };
        Self { shop, profile, keeps_drafts }
    }

    fn reply<T>(&self, outcome: T) -> Reply<T> {
        Reply { outcome, budget: Some(self.shop.budget()) }
    }

    /// Why an event cannot stand here, if it cannot.
    fn refusal(&self, event: &Event) -> Option<Verdict> {
        let unknown = self.shop.unknown_item.as_deref()?;
        let Body::Transaction(transaction) = &event.body else { return None };
        let names = transaction.lines.iter().filter_map(|line| line.item.as_ref()?.stock_name());
        names.into_iter().any(|name| name == unknown).then(|| Verdict::Exception {
            class: ExceptionClass::UnknownItem,
            reason: format!("{unknown} is unknown here"),
        })
    }

    async fn write(&self, call: &Call, draft: Option<String>) -> Verdict {
        let (key, refusal) = (call.key, self.refusal(&call.event));
        let refers_to: Vec<_> =
            call.originals.iter().map(|original| original.reference.id.clone()).collect();
        let keeps_drafts = self.keeps_drafts;
        let answer = self.shop.serve(move |shop| {
            let shows_at = shop.shows_at();
            let (trace, who) = (&shop.trace, shop.name);
            if let (Some(refusal), None) = (refusal, &draft) {
                return refusal;
            }
            let mut ledger = shop.ledger();
            if let Some(draft) = draft {
                let posted = ledger.post_draft(&draft, &refers_to, shows_at, trace, who);
                trace.say(who, || format!("posts {draft} as {posted:?} for {key}"));
                return match posted {
                    Some(id) => Verdict::Done(reference(&id)),
                    None => Verdict::Retry { after: None, reason: "no such draft".to_owned() },
                };
            }
            if keeps_drafts {
                let id = ledger.draft(key, shows_at, who);
                trace.say(who, || format!("keeps {id} for {key}"));
                return Verdict::Resume(reference(&id));
            }
            let id = ledger.post(key, &refers_to, shows_at, trace, who);
            trace.say(who, || format!("posts {id} for {key}"));
            Verdict::Done(reference(&id))
        });
        answer.await.unwrap_or_else(unwritten)
    }
}

/// What trouble means for a call that may have applied something.
fn unwritten(trouble: Trouble) -> Verdict {
    match trouble {
        Trouble::Garbled => Verdict::Unknown { reason: "HTTP 500".to_owned() },
        Trouble::Throttled | Trouble::Busy | Trouble::Closed => unanswered(trouble).into(),
    }
}

/// What trouble means for a call that applies nothing.
fn unanswered(trouble: Trouble) -> Unanswered {
    match trouble {
        Trouble::Throttled => Unanswered::Throttled { after: Duration::from_secs(2) },
        Trouble::Closed => Unanswered::Paused {
            after: Duration::from_secs(45),
            reason: "closed for maintenance".to_owned(),
        },
        Trouble::Busy | Trouble::Garbled => {
            Unanswered::Retry { after: None, reason: "HTTP 503".to_owned() }
        }
    }
}

fn reference(id: &str) -> TargetRef {
    TargetRef { id: id.to_owned(), name: id.to_owned(), detail: serde_json::Value::Null }
}

#[async_trait]
impl Connector for Vendor {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn plan(&self, event: &Event) -> Vec<Planned> {
        plan(event, !self.keeps_drafts)
    }

    fn bridging(&self, _event: &Event) -> Vec<Bridging> {
        Vec::new()
    }

    async fn check(&self) -> Result<Checked, Unanswered> {
        Ok(Checked { findings: Vec::new() })
    }

    async fn find(&self, call: &Call) -> Reply<Result<Found, Unanswered>> {
        let key = call.key;
        let answer = self.shop.serve(move |shop| {
            let shown = shop.ledger().shown(key, shop.time().passed());
            shop.trace.say(shop.name, || format!("is asked for {key}: {shown:?}"));
            shown
        });
        let found = answer.await.map_err(unanswered).map(|shown| match shown {
            Shown::Nothing => Found::None,
            Shown::Draft(id) => Found::Draft(reference(&id)),
            Shown::Document(id) => Found::Posted(reference(&id)),
        });
        self.reply(found)
    }

    async fn create(&self, call: &Call) -> Reply<Verdict> {
        let verdict = self.write(call, None).await;
        self.reply(verdict)
    }

    async fn commit(&self, call: &Call, draft: &TargetRef) -> Reply<Verdict> {
        let verdict = self.write(call, Some(draft.id.clone())).await;
        self.reply(verdict)
    }

    async fn verify(&self, _call: &Call, found: &TargetRef) -> Reply<Verdict> {
        let verdict = match self.shop.serve(|_| ()).await {
            Ok(()) => Verdict::Done(found.clone()),
            Err(trouble) => unanswered(trouble).into(),
        };
        self.reply(verdict)
    }

    async fn prepare(&self, _key: Uuid, calls: &[Call]) -> Reply<Result<Prepared, Unanswered>> {
        let calls: Vec<Call> = calls.to_vec();
        let answer = self.shop.serve(move |shop| prepared(shop, &calls)).await;
        self.reply(answer.map_err(unanswered))
    }

    async fn send(&self, key: Uuid, body: &str, _deadline: Timestamp) -> Reply<BundleVerdict> {
        let body = body.to_owned();
        let answer = self.shop.serve(move |shop| {
            let (trace, who, now) = (&shop.trace, shop.name, shop.time().passed());
            let times = (now, now + REMEMBERED);
            let unknown = shop.unknown_item.as_deref();
            let answer = shop.ledger().move_once((key, &body), unknown, times, trace, who);
            trace.say(who, || format!("is told {key} about stock: {answer:?}"));
            answer
        });
        let verdict = match answer.await {
            Ok(StockAnswer::Done) => BundleVerdict::Done(reference(&key.to_string())),
            Ok(StockAnswer::Stale) => {
                let reason = "the level is another one".to_owned();
                BundleVerdict::Refused { culprits: Vec::new(), reason }
            }
            Ok(StockAnswer::UnknownItem(index)) => {
                let reason = "an item is unknown here".to_owned();
                let culprit = (index, ExceptionClass::UnknownItem, reason.clone());
                BundleVerdict::Refused { culprits: vec![culprit], reason }
            }
            Err(trouble) => BundleVerdict::Wait(unwritten(trouble)),
        };
        self.reply(verdict)
    }
}

/// The one request for calls about stock.
fn prepared(shop: &Shop, calls: &[Call]) -> Prepared {
    let ledger = shop.ledger();
    let set = calls.iter().find(|call| call.planned.mode == Mode::Count);
    let request = match set {
        Some(count) => StockRequest::Set(count.key, levels(&ledger, count)),
        None => StockRequest::Move(calls.iter().map(|call| (call.key, moves(call))).collect()),
    };
    let body = serde_json::to_string(&request).expect("a request is plain data");
    let bundle = Some(BundleBody { body, members: (0..calls.len()).collect() });
    Prepared { bundle, refused: Vec::new(), without_effect: Vec::new() }
}

fn moves(call: &Call) -> Vec<Moved> {
    let moves = call.event.stock_moves().into_iter().map(|moved| Moved {
        location: moved.location.to_string(),
        item: moved.item,
        by: moved.quantity.value(),
    });
    moves.collect()
}

fn levels(ledger: &ledger::Ledger, count: &Call) -> Vec<Level> {
    let Body::Stock(document) = &count.event.body else { return Vec::new() };
    let location = document.stock_location().to_string();
    let lines = document.lines.iter().zip(&count.moved_since);
    let levels = lines.filter_map(|(line, moved)| {
        let item = line.item.stock_name()?.to_owned();
        let compare = ledger.level(&location, &item);
        let to = line.counted?.value() + moved.value();
        Some(Level { location: location.clone(), item, compare, to })
    });
    levels.collect()
}

/// The documents of an event: one for goods sold, one for goods back, one for their stock.
fn plan(event: &Event, keeps_stock: bool) -> Vec<Planned> {
    let planned = |class, action: &str, mode, depends_on| Planned {
        class,
        action: action.to_owned(),
        part: 0,
        mode,
        depends_on,
        amount: None,
    };
    let mut plan = Vec::new();
    if let Body::Transaction(transaction) = &event.body {
        match transaction.kind {
            TransactionKind::Sale => {
                plan.push(planned(Class::Receipts, "sale", Mode::Document, Vec::new()));
            }
            TransactionKind::Return => {
                let mut sales: Vec<_> = transaction
                    .lines
                    .iter()
                    .filter_map(|line| match &line.original {
                        Some(Original::Receipt(sale)) => {
                            Some(of_reference(sale, TransactionKind::Sale))
                        }
                        _ => None,
                    })
                    .collect();
                sales.dedup();
                plan.push(planned(Class::Customer, "refund", Mode::Document, sales));
            }
            _ => {}
        }
    }
    let is_count =
        matches!(&event.body, Body::Stock(document) if document.kind == StockKind::Count);
    if keeps_stock && is_count {
        plan.push(planned(Class::Stock, "set", Mode::Count, Vec::new()));
    } else if keeps_stock && !event.stock_moves().is_empty() {
        plan.push(planned(Class::Stock, "move", Mode::Delta, Vec::new()));
    }
    plan
}
