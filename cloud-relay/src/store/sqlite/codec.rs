//! Between the store's types and SQLite's columns.
//!
//! Times are microseconds since 1970 UTC, identifiers are text, hashes and UUIDs are blobs. What
//! cannot be read back is a damaged file, never a guess. Runs no statement.

use std::str::FromStr;

use jiff::Timestamp;
use protocol::bytes::Bytes;
use protocol::id::EventId;
use protocol::money::{Currency, Money};
use rusqlite::types::Type;
use rusqlite::{Error, Result, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::connectors::{Class, Mode, Planned};
use crate::store::StoreError;
use crate::store::columns::{self, class_of, mode_of};
use crate::store::model::DeliveryState;

pub(super) use crate::store::columns::{
    CLASSES, DONE, EXCEPTION, SETTLED, StateColumns, class_number, may_be_sent_again, mode_number,
};

/// What stops a transaction: SQLite, or a rule of the store.
#[derive(Debug)]
pub(super) enum Fault {
    Sql(Error),
    Store(StoreError),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Sql(error)
    }
}
impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Fault {
    /// The error as the seam shows it, with what was tried.
    pub(super) fn during(self, attempt: &'static str) -> StoreError {
        match self {
            Self::Sql(source) => StoreError::Database { attempt, source: Box::new(source) },
            Self::Store(error) => error,
        }
    }
}

/// A row that does not exist.
pub(super) fn unknown(what: &'static str, id: &(impl ToString + ?Sized)) -> Fault {
    Fault::Store(StoreError::Unknown { what, id: id.to_string() })
}

/// A row in a state that does not allow it.
pub(super) fn wrong_state(what: &'static str, id: &(impl ToString + ?Sized), state: &str) -> Fault {
    Fault::Store(StoreError::State { what, id: id.to_string(), state: state.to_owned() })
}

fn unreadable(
    index: usize,
    kind: Type,
    source: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    Error::FromSqlConversionFailure(index, kind, Box::new(source))
}

/// A time as its column.
pub(super) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// A time from its column.
pub(super) fn time(row: &Row<'_>, index: usize) -> Result<Timestamp> {
    let at = row.get(index)?;
    Timestamp::from_microsecond(at).map_err(|error| unreadable(index, Type::Integer, error))
}

/// A time that may be absent.
pub(super) fn time_option(row: &Row<'_>, index: usize) -> Result<Option<Timestamp>> {
    match row.get::<_, Option<i64>>(index)? {
        None => Ok(None),
        Some(_) => time(row, index).map(Some),
    }
}

/// An identifier, or anything else that parses from text.
pub(super) fn parsed<T>(row: &Row<'_>, index: usize) -> Result<T>
where
    T: FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    row.get_ref(index)?
        .as_str()
        .map_err(Error::from)?
        .parse()
        .map_err(|error: T::Err| unreadable(index, Type::Text, error))
}

/// Text that may be absent, parsed.
pub(super) fn parsed_option<T>(row: &Row<'_>, index: usize) -> Result<Option<T>>
where
    T: FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    match row.get_ref(index)? {
        rusqlite::types::ValueRef::Null => Ok(None),
        _ => parsed(row, index).map(Some),
    }
}

/// A hash, key or epoch.
pub(super) fn bytes<const N: usize>(row: &Row<'_>, index: usize) -> Result<Bytes<N>> {
    Bytes::from_slice(row.get_ref(index)?.as_blob().map_err(Error::from)?)
        .map_err(|error| unreadable(index, Type::Blob, error))
}

/// An event's identifier.
pub(super) fn event_id(row: &Row<'_>, index: usize) -> Result<EventId> {
    uuid(row, index).map(EventId)
}

/// A UUID.
pub(super) fn uuid(row: &Row<'_>, index: usize) -> Result<Uuid> {
    Uuid::from_slice(row.get_ref(index)?.as_blob().map_err(Error::from)?)
        .map_err(|error| unreadable(index, Type::Blob, error))
}

/// A number that is never negative.
pub(super) fn unsigned(row: &Row<'_>, index: usize) -> Result<u64> {
    let number: i64 = row.get(index)?;
    u64::try_from(number).map_err(|_| Error::IntegralValueOutOfRange(index, number))
}

/// An unsigned number as its column.
pub(super) fn signed(number: impl TryInto<i64>) -> Result<i64> {
    number.try_into().map_err(|_| {
        let text = "a number above 2^63 - 1 does not fit into a column";
        Error::ToSqlConversionFailure(text.into())
    })
}

/// A JSON column.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, index: usize) -> Result<T> {
    let text = row.get_ref(index)?.as_str().map_err(Error::from)?;
    serde_json::from_str(text).map_err(|error| unreadable(index, Type::Text, error))
}

/// A value as JSON.
pub(super) fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::ToSqlConversionFailure(Box::new(error)))
}

/// A class from its column.
pub(super) fn class(row: &Row<'_>, index: usize) -> Result<Class> {
    let number: i64 = row.get(index)?;
    class_of(number).ok_or(Error::IntegralValueOutOfRange(index, number))
}

/// A mode from its column.
pub(super) fn mode(row: &Row<'_>, index: usize) -> Result<Mode> {
    let number = row.get(index)?;
    mode_of(number).ok_or(Error::IntegralValueOutOfRange(index, number))
}

/// The columns of a state.
pub(super) fn state_columns(state: &DeliveryState) -> Result<StateColumns> {
    columns::state_columns(state).map_err(|error| Error::ToSqlConversionFailure(Box::new(error)))
}

/// A state from the columns `due_at` and `state_detail` at `index` and the one after.
pub(super) fn state(row: &Row<'_>, index: usize) -> Result<DeliveryState> {
    match row.get_ref(index + 1)? {
        rusqlite::types::ValueRef::Null => Ok(DeliveryState::Due { at: time(row, index)? }),
        _ => json(row, index + 1),
    }
}

/// What was planned, from the lane's class and seven columns that begin at `index`: action,
/// part, mode, `depends_on`, `amount_minor`, `amount_currency`.
pub(super) fn planned(row: &Row<'_>, class: Class, index: usize) -> Result<Planned> {
    let depends_on = match row.get_ref(index + 3)? {
        rusqlite::types::ValueRef::Null => Vec::new(),
        _ => json(row, index + 3)?,
    };
    let part = unsigned(row, index + 1)?;
    Ok(Planned {
        class,
        action: row.get(index)?,
        part: u32::try_from(part).map_err(|error| unreadable(index + 1, Type::Integer, error))?,
        mode: mode(row, index + 2)?,
        depends_on,
        amount: amount(row, index + 4)?,
    })
}

/// An amount from two columns.
pub(super) fn amount(row: &Row<'_>, index: usize) -> Result<Option<Money>> {
    let Some(minor) = row.get::<_, Option<i64>>(index)? else { return Ok(None) };
    let code: String = row.get(index + 1)?;
    let currency =
        Currency::new(&code).map_err(|error| unreadable(index + 1, Type::Text, error))?;
    Ok(Some(Money::new(minor, currency)))
}
