//! Between the journal's types and SQLite's columns.
//!
//! Times are microseconds since 1970 UTC, identifiers and hashes are blobs. What cannot be read
//! back is a damaged file, never a guess. Runs no statement.

use std::str::FromStr;

use jiff::Timestamp;
use protocol::bytes::Bytes;
use protocol::chain::Sequence;
use protocol::id::{EventId, Text};
use rusqlite::types::{ToSqlOutput, Type, ValueRef};
use rusqlite::{Error, Result, Row, ToSql};
use uuid::Uuid;

/// Bits of a place that hold the sequence. A trillion entries an epoch last a host that writes a
/// thousand a second for 34 years; 23 bits remain for the epochs of one file.
const SEQUENCE_BITS: u32 = 40;

/// The highest sequence that a place can hold.
const SEQUENCE_MAX: i64 = (1 << SEQUENCE_BITS) - 1;

/// The number of an epoch within one file, from 1 in the order in which they began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EpochNumber(pub(crate) i64);

/// The key of an entry: the epoch's number above, the sequence in the lower [`SEQUENCE_BITS`]. It
/// ascends in the order of writing, across epochs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(i64);

impl Place {
    /// The place of an entry; of sequence 0, the place before the epoch's first entry.
    pub(crate) fn new(number: EpochNumber, sequence: Sequence) -> Self {
        let sequence = i64::try_from(sequence.0).unwrap_or(i64::MAX);
        assert!(sequence <= SEQUENCE_MAX, "an epoch has fewer than 2^40 entries");
        Self((number.0 << SEQUENCE_BITS) | sequence)
    }

    /// The same, or the epoch's last possible place if the sequence is beyond it.
    pub(crate) fn at_most(number: EpochNumber, sequence: Sequence) -> Self {
        let last = Sequence(SEQUENCE_MAX.unsigned_abs());
        Self::new(number, sequence.min(last))
    }

    /// The last possible place of an epoch.
    pub(crate) fn last_of(number: EpochNumber) -> Self {
        Self((number.0 << SEQUENCE_BITS) | SEQUENCE_MAX)
    }

    /// Above every place.
    pub(crate) const LAST: Self = Self(i64::MAX);

    /// The epoch's number.
    pub(crate) const fn number(self) -> EpochNumber {
        EpochNumber(self.0 >> SEQUENCE_BITS)
    }

    /// The position within the epoch.
    pub(crate) const fn sequence(self) -> Sequence {
        Sequence((self.0 & SEQUENCE_MAX).unsigned_abs())
    }
}

impl ToSql for Place {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

/// A place from its column.
pub(crate) fn place(row: &Row<'_>, index: usize) -> Result<Place> {
    row.get(index).map(Place)
}

/// A place that may be absent.
pub(crate) fn place_option(row: &Row<'_>, index: usize) -> Result<Option<Place>> {
    row.get::<_, Option<i64>>(index).map(|place| place.map(Place))
}

/// A number as its column. SQLite has no numbers above 2^63, nor will a journal.
pub(crate) fn unsigned(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A count of things in memory.
pub(crate) fn count(count: usize) -> u64 {
    u64::try_from(count).expect("memory holds fewer than 2^64 things")
}

/// A number from its column.
pub(crate) fn number(row: &Row<'_>, index: usize) -> Result<u64> {
    let number: i64 = row.get(index)?;
    u64::try_from(number).map_err(|error| unreadable(index, Type::Integer, error))
}

/// A time as its column.
pub(crate) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// A time from its column.
pub(crate) fn time(row: &Row<'_>, index: usize) -> Result<Timestamp> {
    Timestamp::from_microsecond(row.get(index)?)
        .map_err(|error| unreadable(index, Type::Integer, error))
}

/// A hash or an epoch from its column.
pub(crate) fn bytes<const N: usize>(row: &Row<'_>, index: usize) -> Result<Bytes<N>> {
    let blob = row.get_ref(index)?.as_blob()?;
    Bytes::from_slice(blob).map_err(|error| unreadable(index, Type::Blob, error))
}

/// An event's identity from its column.
pub(crate) fn event_id(row: &Row<'_>, index: usize) -> Result<EventId> {
    let blob = row.get_ref(index)?.as_blob()?;
    Uuid::from_slice(blob).map(EventId).map_err(|error| unreadable(index, Type::Blob, error))
}

/// An event's identity that may be absent.
pub(crate) fn event_id_option(row: &Row<'_>, index: usize) -> Result<Option<EventId>> {
    match row.get_ref(index)? {
        ValueRef::Null => Ok(None),
        _ => event_id(row, index).map(Some),
    }
}

/// Text that parses.
pub(crate) fn parsed<T>(row: &Row<'_>, index: usize) -> Result<T>
where
    T: FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let text = row.get_ref(index)?.as_str()?;
    text.parse().map_err(|error: T::Err| unreadable(index, Type::Text, error))
}

/// Text of a bounded length that may be absent.
pub(crate) fn text_option<const CHARS_MAX: usize>(
    row: &Row<'_>,
    index: usize,
) -> Result<Option<Text<CHARS_MAX>>> {
    let text = row.get_ref(index)?.as_str_or_null()?;
    text.map(Text::new).transpose().map_err(|error| unreadable(index, Type::Text, error))
}

/// What stands in a column is not what the journal writes there.
pub(crate) fn unreadable(
    index: usize,
    kind: Type,
    source: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    Error::FromSqlConversionFailure(index, kind, Box::new(source))
}
