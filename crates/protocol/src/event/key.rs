//! The natural key: what makes two events the same event, whoever sends them and how often.
//!
//! A text that begins with the event's type; its parts are joined with `/`, and `%` and `/` within
//! a part are percent-encoded, so that no two events share a key by accident and all events of one
//! receipt share a prefix. Two identical baskets under two receipt numbers are two sales. Does not
//! cover the content: [`crate::envelope::Event::content_hash`] does.

use super::{Body, LineReference};
use crate::id::{RegisterId, StoreId};
use crate::time::BusinessDate;

/// The natural key of a body.
#[must_use]
pub fn of(body: &Body) -> String {
    match body {
        Body::Transaction(t) => join(&[
            &prefix("transaction", &t.store, &t.register, t.business_date, t.receipt.as_str()),
            t.kind.as_str(),
            &t.counter_cycle.to_string(),
        ]),
        Body::Till(t) => join(&[
            &prefix("till", &t.store, &t.register, t.business_date, t.receipt.as_str()),
            t.kind.as_str(),
            &t.counter_cycle.to_string(),
        ]),
        Body::Stock(s) => join(&[
            "stock",
            s.store.as_str(),
            s.stock_location().as_str(),
            &encoded(s.document.as_str()),
            s.kind.as_str(),
        ]),
        Body::Fiscal(f) => join(&[
            "fiscal",
            f.store.as_str(),
            &encoded(f.device.as_str()),
            f.kind.as_str(),
            &encoded(f.counter.as_str()),
        ]),
    }
}

/// What the natural keys of one receipt's transactions begin with, up to the kind.
#[must_use]
pub fn receipt_prefix(
    store: &StoreId,
    register: &RegisterId,
    business_date: BusinessDate,
    receipt: &str,
) -> String {
    format!("{}/", prefix("transaction", store, register, business_date, receipt))
}

/// The natural key of the transaction of a certain kind that a reference names.
#[must_use]
pub fn of_reference(reference: &LineReference, kind: super::TransactionKind) -> String {
    join(&[
        &prefix(
            "transaction",
            &reference.store,
            &reference.register,
            reference.business_date,
            reference.receipt.as_str(),
        ),
        kind.as_str(),
        &reference.counter_cycle.to_string(),
    ])
}

fn prefix(
    kind: &str,
    store: &StoreId,
    register: &RegisterId,
    business_date: BusinessDate,
    receipt: &str,
) -> String {
    join(&[kind, store.as_str(), register.as_str(), &business_date.to_string(), &encoded(receipt)])
}

fn join(parts: &[&str]) -> String {
    parts.join("/")
}

fn encoded(part: &str) -> String {
    part.replace('%', "%25").replace('/', "%2F")
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
pub(crate) const fn is_first_cycle(cycle: &u32) -> bool {
    *cycle == 0
}
