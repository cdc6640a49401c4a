//! How both databases number and spell what an index sorts by: classes, modes, states.
//!
//! One place, so that a store can be carried from one database to the other column by column.
//! Knows no database's types and runs no statement.

use jiff::Timestamp;

use super::model::DeliveryState;
use crate::connectors::{Class, ExceptionClass, Mode};

/// The classes in the order of their urgency, which is the order of their numbers.
pub(in crate::store) const CLASSES: [Class; 5] =
    [Class::Customer, Class::Stock, Class::Receipts, Class::Books, Class::History];

/// A class as its column.
pub(in crate::store) const fn class_number(class: Class) -> i64 {
    match class {
        Class::Customer => 0,
        Class::Stock => 1,
        Class::Receipts => 2,
        Class::Books => 3,
        Class::History => 4,
    }
}

/// A class from its number.
pub(in crate::store) fn class_of(number: i64) -> Option<Class> {
    CLASSES.into_iter().find(|class| class_number(*class) == number)
}

/// A mode as its column.
pub(in crate::store) const fn mode_number(mode: Mode) -> i64 {
    match mode {
        Mode::Document => 0,
        Mode::Delta => 1,
        Mode::Count => 2,
    }
}

/// A mode from its number.
pub(in crate::store) const fn mode_of(number: i64) -> Option<Mode> {
    match number {
        0 => Some(Mode::Document),
        1 => Some(Mode::Delta),
        2 => Some(Mode::Count),
        _ => None,
    }
}

/// Attempts that are kept of a delivery.
pub(in crate::store) const ATTEMPTS_KEPT: i64 = 20;

/// The first number of the states that nothing more is done about by itself.
pub(in crate::store) const SETTLED: i64 = 10;
/// The number of [`DeliveryState::Done`].
pub(in crate::store) const DONE: i64 = 10;
/// The number of [`DeliveryState::Exception`].
pub(in crate::store) const EXCEPTION: i64 = 11;

/// A state as its columns.
pub(in crate::store) struct StateColumns {
    pub(in crate::store) state: i64,
    pub(in crate::store) due_at: Option<i64>,
    pub(in crate::store) detail: Option<String>,
    pub(in crate::store) exception: Option<&'static str>,
}

/// The columns of a state.
pub(in crate::store) fn state_columns(
    state: &DeliveryState,
) -> Result<StateColumns, serde_json::Error> {
    let (number, due_at) = match state {
        DeliveryState::Due { at } => (0, Some(*at)),
        DeliveryState::Unknown { at, .. } => (1, Some(*at)),
        DeliveryState::Draft { at, .. } => (2, Some(*at)),
        DeliveryState::Waiting { at, .. } => (3, Some(*at)),
        DeliveryState::Bundled { .. } => (4, None),
        DeliveryState::Done { .. } => (DONE, None),
        DeliveryState::Exception { .. } => (EXCEPTION, None),
        DeliveryState::Resolved { .. } => (12, None),
    };
    let detail = match state {
        DeliveryState::Due { .. } => None,
        _ => Some(serde_json::to_string(state)?),
    };
    let exception = match state {
        DeliveryState::Exception { class, .. } => Some(class.as_str()),
        _ => None,
    };
    Ok(StateColumns {
        state: number,
        due_at: due_at.map(Timestamp::as_microsecond),
        detail,
        exception,
    })
}

/// Whether an exception's class allows it to be sent again as it is.
pub(in crate::store) const fn may_be_sent_again(class: ExceptionClass, mode: Mode) -> bool {
    match class {
        ExceptionClass::Conflict => false,
        ExceptionClass::UnknownOutcome => matches!(mode, Mode::Document),
        _ => true,
    }
}
