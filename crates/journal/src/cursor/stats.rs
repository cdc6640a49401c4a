//! The journal in figures.
//!
//! Nothing is counted: sequences have no gaps and pruning begins at the oldest, so every figure is
//! a difference of positions and costs a few look-ups, however long the journal is.

use jiff::Timestamp;
use protocol::chain::Sequence;
use rusqlite::{Connection, OptionalExtension, Result};

use crate::codec::{self, EpochNumber, Place};
use crate::epoch;
use crate::policy;

/// The journal in figures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// Entries of every epoch.
    pub entries: u64,
    /// Entries that no acknowledgement covers.
    pub unsent: u64,
    /// When the oldest of those was journaled, by the host's clock.
    pub oldest_unsent_at: Option<Timestamp>,
    /// When the last entry was journaled, by the host's clock.
    pub last_journaled_at: Option<Timestamp>,
    /// Entries whose bodies were pruned.
    pub pruned: u64,
    /// The last entries by which the pace of the store can be told: how many, and since when.
    pub recent: Option<(u64, Timestamp)>,
    /// Bytes that hold something, in file and log.
    pub used_bytes: u64,
    /// Bytes that are left of the quota; none without one.
    pub quota_left_bytes: Option<u64>,
    /// Bytes that are free on the disk.
    pub disk_free_bytes: u64,
    /// Bytes of the file.
    pub file_bytes: u64,
    /// Bytes of the log beside it.
    pub log_bytes: u64,
}

/// Every figure that stands in the tables.
pub(crate) fn stats(connection: &Connection) -> Result<Stats> {
    let mut stats = Stats::default();
    let epochs: i64 =
        connection.query_row("SELECT max(number) FROM epochs", [], |row| row.get(0))?;
    for number in (1..=epochs).map(EpochNumber) {
        let head = epoch::last_entry(connection, number)?.sequence;
        let acknowledged = epoch::last_acknowledged(connection, number)?;
        stats.entries += head.0;
        stats.unsent += head.since(acknowledged);
        stats.pruned += pruned(connection, number, head)?;
        if head > acknowledged && stats.oldest_unsent_at.is_none() {
            stats.oldest_unsent_at = journaled_at(connection, number, acknowledged.next())?;
        }
        if head > Sequence::NONE {
            stats.last_journaled_at = journaled_at(connection, number, head)?;
            let first = Sequence(head.0.saturating_sub(policy::PACE_ENTRIES_MAX).max(1));
            let since = journaled_at(connection, number, first)?;
            stats.recent = since.map(|since| (head.since(first), since));
        }
    }
    Ok(stats)
}

fn journaled_at(
    connection: &Connection,
    number: EpochNumber,
    sequence: Sequence,
) -> Result<Option<Timestamp>> {
    connection
        .prepare_cached("SELECT journaled_at FROM entries WHERE place = ?1")?
        .query_row((Place::new(number, sequence),), |row| codec::time(row, 0))
        .optional()
}

/// The entries before the first body that is left.
fn pruned(connection: &Connection, number: EpochNumber, head: Sequence) -> Result<u64> {
    let first = connection
        .prepare_cached("SELECT min(place) FROM bodies WHERE place BETWEEN ?1 AND ?2")?
        .query_row((Place::new(number, Sequence::NONE), Place::last_of(number)), |row| {
            codec::place_option(row, 0)
        })?;
    Ok(first.map_or(head.0, |place| place.sequence().0 - 1))
}
