//! Exceptions as people meet them: their code, what is at risk, what to do next.
//!
//! Pure. Does not list or settle them (`store`), and does not decide what becomes one
//! ([`super::outcome`], [`super::lane`]).

use std::collections::BTreeMap;

use protocol::money::{Currency, Money};
use protocol::problem::Code;

use crate::connectors::{ExceptionClass, Mode};
use crate::store::model::{DeliveryState, DeliveryView};

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
