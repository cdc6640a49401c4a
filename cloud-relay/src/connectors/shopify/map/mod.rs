//! What an event means in Shopify: which documents, and the exact variables of each.
//!
//! Pure: the same event gives the same variables for ever, whoever asks. What Shopify has to be
//! asked for first (variants, locations, an order's state) comes in as arguments. Does no I/O and
//! judges no answer.

mod basket;
mod bridging;
pub(super) mod item;
pub(super) mod order;
mod payments;
pub(super) mod pieces;
mod plan;
pub(super) mod refund;
pub(super) mod stock;

use std::collections::BTreeMap;

use protocol::event::TenderKind;
use protocol::money::{Currency, Money};
use serde_json::{Value, json};

use crate::connectors::ExceptionClass;

pub(super) use bridging::bridging;
pub(super) use plan::{Action, CHANGES_MAX, plan};
pub(super) use stock::BaseUnits;

/// Why an event cannot be brought to Shopify as it is: the class, and a sentence with the figures.
pub(super) type Unfit = (ExceptionClass, String);

/// What the settings say about how documents look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wording {
    /// The gateway of each kind of tender, where it is not the kind's own word.
    pub(super) gateways: BTreeMap<TenderKind, String>,
    /// The tags of every order.
    pub(super) tags: Vec<String>,
    /// The namespace of the metafields.
    pub(super) namespace: String,
}

/// The key of the metafield that holds the delivery key; its type is `id`.
pub(super) const KEY_FIELD: &str = "key";

/// The key of the metafield with what an order cannot hold; its type is `json`.
pub(super) const DETAILS_FIELD: &str = "details";

impl Wording {
    fn gateway(&self, kind: TenderKind) -> String {
        self.gateways.get(&kind).cloned().unwrap_or_else(|| kind.as_str().to_owned())
    }
}

/// An amount as Shopify's `MoneyBagInput`.
fn bag(minor: i64, currency: Currency) -> Value {
    let money = Money::new(minor, currency);
    json!({ "shopMoney": { "amount": money.decimal(), "currencyCode": currency.code() } })
}
