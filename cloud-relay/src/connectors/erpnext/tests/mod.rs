//! The connector against its goldens, and against a simulated site that keeps its own books.

mod bridging;
mod claims;
mod goldens;
mod properties;
mod reading;
mod site;
mod stock;
mod trouble;

use jiff::Timestamp;
use protocol::envelope::{Draft, Event};
use protocol::event::{Body, Transaction};
use protocol::id::{EventId, TargetId, TenantId};
use serde_json::Value;
use uuid::Uuid;

use super::config::Settings;
use super::map::{self, Document};
use crate::connectors::{Call, Original, Planned, TargetRef};
use crate::dispatch::key::delivery_key;

/// Everything that the events of `testdata` need, but site and credentials.
pub(super) const LEAST: &str = r#"
    company = "North"
    customer = "Walk-in"
    rounding_account = "Round Off - N"
    goods_back = "Goods Back"
    [tax_accounts]
    A = "VAT A - N"
    B = "VAT B - N"
    S1 = "VAT A - N"
    NY = "Sales Tax NY - N"
    NYC = "Sales Tax NYC - N"
    [modes_of_payment]
    card = "Card"
    gift_card = "Gift Card"
    foreign_cash = "Foreign Cash"
    account = "On Account"
    mobile = "Card"
    [bridging_items]
    gift_card = "GIFT-CARD"
    container_deposit = "D"
    prepayment = "PREPAYMENT"
    tip = "TIP"
    donation = "DONATION"
    unmoved = "UNMOVED"
    [stores.0042]
    warehouse = "Floor - N"
    unsellable_warehouse = "Scrap - N"
    [stores.0042-back]
    warehouse = "Stockroom - N"
"#;

/// Settings for a site, with further keys before the tables.
fn settings(site: &str, more: &str) -> Settings {
    let text = format!("site = \"{site}\"\napi_key = \"site-key\"\n{more}\n{LEAST}");
    toml::from_str(&text).unwrap_or_else(|error| panic!("{error}"))
}

fn plain() -> Settings {
    settings("https://erp.example.com", "")
}

/// An event of `testdata`.
fn event(name: &str) -> Event {
    let folder = env!("CARGO_MANIFEST_DIR");
    let path = format!("{folder}/src/connectors/erpnext/testdata/{name}.event.json");
    let json = std::fs::read(&path).unwrap_or_else(|error| panic!("read {path}: {error}"));
    read(&json)
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

fn transaction_mut(event: &mut Event) -> &mut Transaction {
    match &mut event.body {
        Body::Transaction(transaction) => transaction,
        _ => panic!("not a transaction"),
    }
}

/// The calls that an event leads to, with the keys that dispatch computes.
fn calls(event: &Event, settings: &Settings) -> Vec<Call> {
    let tenant = TenantId::new("acme").unwrap();
    let target = TargetId::new("books").unwrap();
    let call = |planned: Planned| Call {
        key: delivery_key(&tenant, &event.natural_key(), &target, &planned.action, planned.part),
        event: event.clone(),
        planned,
        originals: Vec::new(),
        moved_since: Vec::new(),
        deadline: Timestamp::MAX,
    };
    map::plan(event, settings).into_iter().map(call).collect()
}

/// A call that gives back what a sale sold.
fn back(mut call: Call, reference: &TargetRef) -> Call {
    let depends_on = call.planned.depends_on.clone();
    let original = |natural_key| Original { natural_key, reference: reference.clone() };
    call.originals = depends_on.into_iter().map(original).collect();
    call
}

/// The invoice of a sale as ERPNext shows it afterwards, as far as a return looks at it.
fn sold(sale: &Event, settings: &Settings) -> TargetRef {
    let document = document(&calls(sale, settings)[0], settings);
    let mut shown = document.body.clone();
    for (number, row) in (1..).zip(shown["items"].as_array_mut().unwrap()) {
        row["name"] = format!("row-{number}").into();
    }
    let name = "ACC-SINV-2026-00001".to_owned();
    TargetRef { id: name.clone(), name, detail: document.expected.detail(&shown) }
}

fn document(call: &Call, settings: &Settings) -> Document {
    map::document(call, settings).unwrap_or_else(|(class, reason)| panic!("{class:?}: {reason}"))
}

/// The minor units in a JSON number of euros.
fn cents(value: &Value) -> i64 {
    let amount = map::amounts::decimal(value).unwrap() * rust_decimal::Decimal::ONE_HUNDRED;
    i64::try_from(amount).unwrap_or_else(|error| panic!("{value}: {error}"))
}
