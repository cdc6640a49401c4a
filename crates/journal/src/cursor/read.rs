//! Reading entries: forward for sync, by identity and newest first for people.
//!
//! Every read is bounded by a count, and sync's by bytes as well, so that no snapshot lives long.
//! Does not look into records.

use jiff::Timestamp;
use protocol::bytes::Bytes;
use protocol::chain::{ChainHash, Epoch, Position, Sequence};
use protocol::id::EventId;
use rusqlite::types::{Type, Value, ValueRef};
use rusqlite::{Connection, OptionalExtension, Params, Result, Row};

use crate::codec::{self, EpochNumber, Place};
use crate::{epoch, pack};

/// An entry as sync sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// Its position in the current epoch.
    pub sequence: Sequence,
    /// The chain hash there.
    pub chain_hash: ChainHash,
    /// The exact bytes of the record; none if they were pruned.
    pub record: Option<Vec<u8>>,
}

/// An entry as it is shown and looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournaledEvent {
    /// The event's identity.
    pub event_id: EventId,
    /// Its natural key.
    pub natural_key: String,
    /// The hash of its content.
    pub content_hash: Bytes<32>,
    /// The epoch that it stands in.
    pub epoch: Epoch,
    /// Its position there.
    pub sequence: Sequence,
    /// When it was journaled, by the host's clock; to the microsecond.
    pub journaled_at: Timestamp,
    /// The first event with this natural key, if this one has other content.
    pub conflict_of: Option<EventId>,
    /// Whether the relay has acknowledged it.
    pub acknowledged: bool,
    /// The exact bytes of the record; none if they were pruned.
    pub record: Option<Vec<u8>>,
    /// Extensions that stay on this host; none if there were none or they were pruned.
    pub local: Option<String>,
}

/// Which entries `latest` shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Filter {
    /// Every entry of every epoch.
    #[default]
    All,
    /// Those of the current epoch that the relay has not acknowledged.
    Unsent,
    /// Those whose natural key had other content before.
    Conflicts,
}

/// Where a page of `latest` ended; the next one begins before it.
pub type PageEnd = (Epoch, Sequence);

/// Reads forward from a position of an epoch, up to `count_max` entries and, after the first,
/// `bytes_max` bytes of records.
pub(crate) fn after(
    connection: &Connection,
    number: EpochNumber,
    after: Sequence,
    count_max: usize,
    bytes_max: usize,
) -> Result<Vec<StoredEntry>> {
    let mut select = connection.prepare_cached(
        "SELECT place, chain_hash, packed FROM entries LEFT JOIN bodies USING (place)
         WHERE place > ?1 AND place <= ?2 ORDER BY place LIMIT ?3",
    )?;
    let (after, last) = (Place::at_most(number, after), Place::last_of(number));
    let mut rows = select.query((after, last, limit(count_max)))?;
    let mut entries = Vec::new();
    let mut bytes: usize = 0;
    while let Some(row) = rows.next()? {
        let record = record(row, 2)?;
        bytes = bytes.saturating_add(record.as_ref().map_or(0, Vec::len));
        if bytes > bytes_max && !entries.is_empty() {
            break;
        }
        let sequence = codec::place(row, 0)?.sequence();
        entries.push(StoredEntry { sequence, chain_hash: codec::bytes(row, 1)?, record });
    }
    Ok(entries)
}

/// The last of the entries of an epoch that directly follow a sequence and whose bodies are gone.
/// Bodies go oldest first, so it is the one before the first body.
pub(crate) fn pruned_after(
    connection: &Connection,
    number: EpochNumber,
    after: Sequence,
) -> Result<Option<Position>> {
    let (first, last) = (Place::at_most(number, after), Place::last_of(number));
    let kept: Option<Place> = connection
        .prepare_cached("SELECT min(place) FROM bodies WHERE place > ?1 AND place <= ?2")?
        .query_row((first, last), |row| codec::place_option(row, 0))?;
    let pruned = match kept {
        Some(kept) => Sequence(kept.sequence().0.saturating_sub(1)),
        None => epoch::last_entry(connection, number)?.sequence,
    };
    if pruned <= after {
        return Ok(None);
    }
    let chain_hash = epoch::chain_hash(connection, number, pruned)?;
    Ok(chain_hash.map(|chain_hash| Position { sequence: pruned, chain_hash }))
}

/// The columns of a [`JournaledEvent`]. A place is acknowledged if a mark of its epoch stands at
/// or above it.
const EVENT: &str = "
    SELECT e.place, event_id, natural_key, content_hash, epoch, journaled_at, conflict_of,
           EXISTS (SELECT 1 FROM acknowledgements a
                   WHERE a.place BETWEEN e.place AND e.place | 1099511627775),
           packed, extensions
    FROM entries e
    JOIN epochs ON number = e.place >> 40
    LEFT JOIN bodies b ON b.place = e.place
    LEFT JOIN local_extensions l ON l.place = e.place";

/// The entries of an event, oldest first: one, or several if its content came in conflict with
/// itself.
pub(crate) fn by_event(connection: &Connection, id: EventId) -> Result<Vec<JournaledEvent>> {
    let id = id.0.into_bytes();
    events(connection, "WHERE event_id = ?1 ORDER BY e.place", (id,))
}

/// The entries whose natural key begins with a prefix, in the order of the keys.
pub(crate) fn by_natural_key_prefix(
    connection: &Connection,
    prefix: &str,
    count_max: usize,
) -> Result<Vec<JournaledEvent>> {
    let condition = "WHERE natural_key >= ?1 AND natural_key < ?2
                     ORDER BY natural_key, e.place LIMIT ?3";
    events(connection, condition, (prefix, above(prefix), limit(count_max)))
}

/// The least value above every text with this prefix.
fn above(prefix: &str) -> Value {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        if let Some(next) = (last..=char::MAX).nth(1) {
            text.push(next);
            return Value::Text(text);
        }
    }
    // Every text sorts before a blob.
    Value::Blob(Vec::new())
}

/// The newest entries, newest first, before the end of the page before.
pub(crate) fn latest(
    connection: &Connection,
    filter: Filter,
    before: Option<PageEnd>,
    count_max: usize,
) -> Result<Vec<JournaledEvent>> {
    let before = match before {
        None => Place::LAST,
        Some((epoch, sequence)) => match number_of(connection, epoch)? {
            Some(number) => Place::at_most(number, sequence),
            None => return Ok(Vec::new()),
        },
    };
    let condition = match filter {
        Filter::All => "WHERE e.place < ?1 ORDER BY e.place DESC LIMIT ?2",
        Filter::Unsent => {
            "WHERE e.place < ?1
               AND e.place >> 40 = (SELECT max(number) FROM epochs)
               AND e.place > (SELECT ifnull(max(place), 0) FROM acknowledgements)
             ORDER BY e.place DESC LIMIT ?2"
        }
        Filter::Conflicts => {
            "WHERE e.place < ?1 AND conflict_of IS NOT NULL ORDER BY e.place DESC LIMIT ?2"
        }
    };
    events(connection, condition, (before, limit(count_max)))
}

/// Entries oldest first, after the end of an earlier page; at most `count_max` and, beyond the first,
/// `bytes_max` bytes of records.
pub(crate) fn forward(
    connection: &Connection,
    after: Option<PageEnd>,
    count_max: usize,
    bytes_max: usize,
) -> Result<Vec<JournaledEvent>> {
    let after = match after {
        None => Place::new(EpochNumber(0), Sequence::NONE),
        Some((epoch, sequence)) => match number_of(connection, epoch)? {
            Some(number) => Place::at_most(number, sequence),
            None => return Ok(Vec::new()),
        },
    };
    let condition = "WHERE e.place > ?1 ORDER BY e.place LIMIT ?2";
    let mut select = connection.prepare_cached(&format!("{EVENT} {condition}"))?;
    let mut rows = select.query((after, limit(count_max)))?;
    let (mut events, mut bytes) = (Vec::new(), 0_usize);
    while let Some(row) = rows.next()? {
        let event = event(row)?;
        bytes = bytes.saturating_add(event.record.as_ref().map_or(0, Vec::len));
        if bytes > bytes_max && !events.is_empty() {
            break;
        }
        events.push(event);
    }
    Ok(events)
}

/// The number of an epoch in this file.
pub(crate) fn number_of(connection: &Connection, epoch: Epoch) -> Result<Option<EpochNumber>> {
    connection
        .prepare_cached("SELECT number FROM epochs WHERE epoch = ?1")?
        .query_row((epoch.as_bytes(),), |row| row.get(0).map(EpochNumber))
        .optional()
}

fn events(
    connection: &Connection,
    condition: &str,
    params: impl Params,
) -> Result<Vec<JournaledEvent>> {
    connection.prepare_cached(&format!("{EVENT} {condition}"))?.query_map(params, event)?.collect()
}

fn event(row: &Row<'_>) -> Result<JournaledEvent> {
    Ok(JournaledEvent {
        sequence: codec::place(row, 0)?.sequence(),
        event_id: codec::event_id(row, 1)?,
        natural_key: row.get(2)?,
        content_hash: codec::bytes(row, 3)?,
        epoch: codec::bytes(row, 4)?,
        journaled_at: codec::time(row, 5)?,
        conflict_of: codec::event_id_option(row, 6)?,
        acknowledged: row.get(7)?,
        record: record(row, 8)?,
        local: row.get(9)?,
    })
}

/// Unpacks a record.
fn record(row: &Row<'_>, index: usize) -> Result<Option<Vec<u8>>> {
    match row.get_ref(index)? {
        ValueRef::Null => Ok(None),
        packed => pack::unpack(packed.as_blob()?)
            .map(Some)
            .map_err(|error| codec::unreadable(index, Type::Blob, error)),
    }
}

fn limit(count_max: usize) -> i64 {
    i64::try_from(count_max).unwrap_or(i64::MAX)
}
