//! Exceptions as people meet them: their code, what is at risk, what to do next.
//!
//! Pure. Does not list or settle them (`store`), and does not decide what becomes one
//! ([`super::outcome`], [`super::lane`]).

use std::collections::BTreeMap;

use jiff::Timestamp;
use protocol::id::{StoreId, TargetId};
use protocol::money::{Currency, Money};
use protocol::problem::Code;
use serde::Serialize;

use crate::connectors::{ExceptionClass, Mode};
use crate::store::model::{DeliveryId, DeliveryState, DeliveryView};

/// An open exception as people read it, on the command line and over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Case {
    /// The delivery.
    pub id: DeliveryId,
    /// The code whose page explains the class.
    pub code: &'static str,
    /// The class.
    pub class: ExceptionClass,
    /// Why, in one sentence.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// How long.
    pub age_seconds: i64,
    /// The amount at risk.
    pub amount: Option<Money>,
    /// The store.
    pub store: StoreId,
    /// The target.
    pub target: TargetId,
    /// The event's natural key.
    pub natural_key: String,
    /// The command that comes next.
    pub next: String,
}

impl Case {
    /// The case of a delivery; none if it needs no person.
    #[must_use]
    pub fn of(view: &DeliveryView, now: Timestamp) -> Option<Self> {
        let DeliveryState::Exception { class, reason, since } = &view.state else { return None };
        Some(Self {
            id: view.id,
            code: code(*class).number(),
            class: *class,
            reason: reason.clone(),
            since: *since,
            age_seconds: now.duration_since(*since).as_secs().max(0),
            amount: view.amount,
            store: view.lane.store.clone(),
            target: view.lane.target.clone(),
            natural_key: view.natural_key.clone(),
            next: next_step(*class, view.mode).replace("ID", &view.id.to_string()),
        })
    }
}

/// The code whose page in `docs/errors` explains a class.
#[must_use]
pub const fn code(class: ExceptionClass) -> Code {
    match class {
        ExceptionClass::UnknownItem => Code::UnknownItem,
        ExceptionClass::UnknownLocation => Code::UnknownLocation,
        ExceptionClass::ClosedPeriod => Code::ClosedPeriod,
        ExceptionClass::NegativeStock => Code::NegativeStock,
        ExceptionClass::Unbalanced => Code::Unbalanced,
        ExceptionClass::OverReturn => Code::OverReturn,
        ExceptionClass::MovedDate => Code::MovedDate,
        ExceptionClass::MissingOriginal => Code::MissingOriginal,
        ExceptionClass::Conflict => Code::Conflict,
        ExceptionClass::UnknownOutcome => Code::UnknownOutcome,
        ExceptionClass::ZDifference => Code::ZDifference,
        ExceptionClass::Rejected => Code::Rejected,
    }
}

/// The command that comes next for an exception, with its identifier filled in by the caller.
#[must_use]
pub const fn next_step(class: ExceptionClass, mode: Mode) -> &'static str {
    match (class, mode) {
        (ExceptionClass::Conflict, _) => {
            "compare the two receipts, then `exceptions resolve ID --as duplicate` or \
             `--as second-sale`"
        }
        (ExceptionClass::ZDifference, _) => {
            "compare the closing with its receipts (`reconcile`), then `exceptions resolve ID --as \
             not-to-be-posted`"
        }
        (ExceptionClass::UnknownOutcome, Mode::Delta | Mode::Count) => {
            "count the items at the location, then `exceptions resolve ID --as posted-by-hand`"
        }
        (ExceptionClass::MovedDate, _) => {
            "correct the document in the target, then `exceptions resolve ID --as posted-by-hand`"
        }
        _ => {
            "remove the cause, then `exceptions retry ID`; or settle it with \
             `exceptions resolve ID --as posted-by-hand` or `--as not-to-be-posted`"
        }
    }
}

/// The amounts at risk in open exceptions, by currency. The sums are exact: an overflow, which
/// takes more money than there is, stays at the largest number.
#[must_use]
pub fn at_risk(deliveries: &[DeliveryView]) -> Vec<Money> {
    let mut sums: BTreeMap<Currency, i64> = BTreeMap::new();
    for delivery in deliveries {
        let is_open = matches!(delivery.state, DeliveryState::Exception { .. });
        if let Some(amount) = delivery.amount.filter(|_| is_open) {
            let sum = sums.entry(amount.currency).or_default();
            *sum = sum.saturating_add(amount.minor.saturating_abs());
        }
    }
    sums.into_iter().map(|(currency, minor)| Money::new(minor, currency)).collect()
}
