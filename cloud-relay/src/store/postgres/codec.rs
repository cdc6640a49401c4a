//! Between the store's types and PostgreSQL's columns.
//!
//! Times are microseconds since 1970 UTC, identifiers are text, hashes and epochs are `bytea`.
//! What cannot be read back is a damaged row, never a guess. Runs no statement.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use protocol::bytes::Bytes;
use protocol::id::EventId;
use protocol::money::{Currency, Money};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use crate::connectors::{Class, Mode, Planned};
use crate::store::StoreError;
use crate::store::columns::{self, StateColumns, class_of, mode_of};
use crate::store::model::DeliveryState;

/// What stops a transaction: the database, or a rule of the store.
#[derive(Debug)]
pub(super) enum Fault {
    Database(Box<dyn Error + Send + Sync>),
    Store(StoreError),
}

/// A column does not hold what this program writes there.
#[derive(Debug)]
struct Unreadable {
    column: String,
    source: Box<dyn Error + Send + Sync>,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "read the column `{}`", self.column)
    }
}

impl Error for Unreadable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.source.as_ref())
    }
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(Box::new(error))
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Self::Database(Box::new(error))
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
            Self::Database(source) => StoreError::Database { attempt, source },
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

pub(super) fn unreadable(
    row: &Row,
    index: usize,
    source: impl Into<Box<dyn Error + Send + Sync>>,
) -> Fault {
    let column = row.columns().get(index).map_or("?", |column| column.name()).to_owned();
    Fault::Database(Box::new(Unreadable { column, source: source.into() }))
}

/// A column as the database has it.
pub(super) fn value<'r, T: FromSql<'r>>(row: &'r Row, index: usize) -> Result<T, Fault> {
    Ok(row.try_get(index)?)
}

/// A time as its column.
pub(super) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// A time from its column.
pub(super) fn time(row: &Row, index: usize) -> Result<Timestamp, Fault> {
    Timestamp::from_microsecond(value(row, index)?).map_err(|error| unreadable(row, index, error))
}

/// A time that may be absent.
pub(super) fn time_option(row: &Row, index: usize) -> Result<Option<Timestamp>, Fault> {
    match value::<Option<i64>>(row, index)? {
        None => Ok(None),
        Some(_) => time(row, index).map(Some),
    }
}

/// An identifier, or anything else that parses from text.
pub(super) fn parsed<T>(row: &Row, index: usize) -> Result<T, Fault>
where
    T: FromStr,
    T::Err: Error + Send + Sync + 'static,
{
    value::<&str>(row, index)?.parse().map_err(|error: T::Err| unreadable(row, index, error))
}

/// Text that may be absent, parsed.
pub(super) fn parsed_option<T>(row: &Row, index: usize) -> Result<Option<T>, Fault>
where
    T: FromStr,
    T::Err: Error + Send + Sync + 'static,
{
    match value::<Option<&str>>(row, index)? {
        None => Ok(None),
        Some(_) => parsed(row, index).map(Some),
    }
}

/// A hash, key or epoch.
pub(super) fn bytes<const N: usize>(row: &Row, index: usize) -> Result<Bytes<N>, Fault> {
    Bytes::from_slice(value(row, index)?).map_err(|error| unreadable(row, index, error))
}

/// A hash, key or epoch that may be absent.
pub(super) fn bytes_option<const N: usize>(
    row: &Row,
    index: usize,
) -> Result<Option<Bytes<N>>, Fault> {
    match value::<Option<&[u8]>>(row, index)? {
        None => Ok(None),
        Some(_) => bytes(row, index).map(Some),
    }
}

/// An event's identifier.
pub(super) fn event_id(row: &Row, index: usize) -> Result<EventId, Fault> {
    value(row, index).map(EventId)
}

/// A number that is never negative.
pub(super) fn unsigned<T>(row: &Row, index: usize) -> Result<T, Fault>
where
    T: TryFrom<i64>,
    T::Error: Error + Send + Sync + 'static,
{
    T::try_from(value::<i64>(row, index)?).map_err(|error| unreadable(row, index, error))
}

/// An unsigned number as its column.
pub(super) fn signed(number: impl TryInto<i64>) -> Result<i64, Fault> {
    number
        .try_into()
        .map_err(|_| Fault::Database("a number above 2^63 - 1 does not fit into a column".into()))
}

/// A JSON column.
pub(super) fn json<T: DeserializeOwned>(row: &Row, index: usize) -> Result<T, Fault> {
    serde_json::from_str(value(row, index)?).map_err(|error| unreadable(row, index, error))
}

/// A value as JSON.
pub(super) fn to_json(value: &impl Serialize) -> Result<String, Fault> {
    Ok(serde_json::to_string(value)?)
}

/// A text from outside. PostgreSQL keeps no NUL in a text; SQLite does.
pub(super) fn text(said: &str) -> String {
    said.replace('\0', "\u{fffd}")
}

/// A class from its column.
pub(super) fn class(row: &Row, index: usize) -> Result<Class, Fault> {
    class_of(value(row, index)?).ok_or_else(|| unreadable(row, index, "no such class"))
}

/// A mode from its column.
pub(super) fn mode(row: &Row, index: usize) -> Result<Mode, Fault> {
    mode_of(value(row, index)?).ok_or_else(|| unreadable(row, index, "no such mode"))
}

/// The columns of a state.
pub(super) fn state_columns(state: &DeliveryState) -> Result<StateColumns, Fault> {
    Ok(columns::state_columns(state)?)
}

/// A state from the columns `due_at` and `state_detail` at `index` and the one after.
pub(super) fn state(row: &Row, index: usize) -> Result<DeliveryState, Fault> {
    match value::<Option<&str>>(row, index + 1)? {
        None => Ok(DeliveryState::Due { at: time(row, index)? }),
        Some(_) => json(row, index + 1),
    }
}

/// What was planned, from the lane's class and six columns that begin at `index`: action, part,
/// mode, `depends_on`, `amount_minor`, `amount_currency`.
pub(super) fn planned(row: &Row, class: Class, index: usize) -> Result<Planned, Fault> {
    let depends_on = match value::<Option<&str>>(row, index + 3)? {
        None => Vec::new(),
        Some(_) => json(row, index + 3)?,
    };
    Ok(Planned {
        class,
        action: value(row, index)?,
        part: unsigned(row, index + 1)?,
        mode: mode(row, index + 2)?,
        depends_on,
        amount: amount(row, index + 4)?,
    })
}

/// An amount from two columns.
pub(super) fn amount(row: &Row, index: usize) -> Result<Option<Money>, Fault> {
    let Some(minor) = value::<Option<i64>>(row, index)? else { return Ok(None) };
    let currency =
        Currency::new(value(row, index + 1)?).map_err(|error| unreadable(row, index + 1, error))?;
    Ok(Some(Money::new(minor, currency)))
}
