//! The connector against its goldens, against Shopify's schema, and against a simulated shop that
//! keeps its own books.

mod bridging;
mod claims;
mod goldens;
mod properties;
mod reading;
mod refunds;
mod schema;
mod shop;
mod stock;

use jiff::Timestamp;
use protocol::envelope::{Draft, Event};
use protocol::event::{Body, Transaction};
use protocol::id::{EventId, TargetId, TenantId};
use uuid::Uuid;

use super::map::{self, Wording};
use crate::connectors::{Call, Planned};
use crate::dispatch::key::delivery_key;

/// An event of `testdata`.
fn event(name: &str) -> Event {
    let path = format!("{}/src/connectors/shopify/testdata/{name}.event.json", folder());
    let json = std::fs::read(&path).unwrap_or_else(|error| panic!("read {path}: {error}"));
    read(&json)
}

fn folder() -> &'static str {
    env!("CARGO_MANIFEST_DIR")
}

fn read(json: &[u8]) -> Event {
    let draft = Draft::parse(json).unwrap_or_else(|error| panic!("{error}"));
    draft.into_event(EventId(Uuid::from_u128(7)))
}

fn transaction(event: &Event) -> &Transaction {
    match &event.body {
        Body::Transaction(transaction) => transaction,
        _ => panic!("not a transaction"),
    }
}

fn wording() -> Wording {
    Wording {
        gateways: std::collections::BTreeMap::new(),
        tags: vec!["storekeep".to_owned()],
        namespace: "storekeep".to_owned(),
    }
}

fn transaction_mut(event: &mut Event) -> &mut Transaction {
    match &mut event.body {
        Body::Transaction(transaction) => transaction,
        _ => panic!("not a transaction"),
    }
}

/// The key of a planned document, as dispatch computes it.
fn key(event: &Event, planned: &Planned) -> Uuid {
    let tenant = TenantId::new("acme").unwrap();
    let target = TargetId::new("shop").unwrap();
    delivery_key(&tenant, &event.natural_key(), &target, &planned.action, planned.part)
}

fn call(event: &Event, planned: Planned, deadline: Timestamp) -> Call {
    Call {
        key: key(event, &planned),
        event: event.clone(),
        planned,
        originals: Vec::new(),
        moved_since: Vec::new(),
        deadline,
    }
}

/// The calls that an event leads to.
fn calls(event: &Event, deadline: Timestamp) -> Vec<Call> {
    map::plan(event).into_iter().map(|planned| call(event, planned, deadline)).collect()
}
