//! Pruning: bodies go once they are acknowledged and old enough; what identifies an entry stays.
//!
//! Oldest first, so that what is left of an epoch's bodies is always its end. The tables' own
//! triggers refuse to let an unacknowledged body go. Does not choose the retention.

use jiff::Timestamp;
use protocol::chain::Sequence;
use rusqlite::{Connection, OptionalExtension, Result};

use crate::codec::{self, EpochNumber, Place};
use crate::epoch::Tail;
use crate::policy;

/// Removes bodies that were acknowledged before a time, at most `count_max` and no more than
/// [`policy::PRUNE_ENTRIES_MAX`]; returns how many.
pub(crate) fn prune(
    connection: &Connection,
    tail: &Tail,
    acknowledged_before: Timestamp,
    count_max: usize,
) -> Result<u64> {
    let count_max = codec::count(count_max.min(policy::PRUNE_ENTRIES_MAX));
    let mut pruned = 0;
    for number in (1..=tail.number.0).map(EpochNumber) {
        if pruned == count_max {
            break;
        }
        if let Some(mark) = mark_before(connection, number, acknowledged_before)? {
            pruned += prune_up_to(connection, number, mark, count_max - pruned)?;
        }
    }
    Ok(pruned)
}

/// The last mark of an epoch that was set before a time.
fn mark_before(
    connection: &Connection,
    number: EpochNumber,
    acknowledged_before: Timestamp,
) -> Result<Option<Place>> {
    connection
        .prepare_cached(
            "SELECT place FROM acknowledgements
             WHERE place BETWEEN ?1 AND ?2 AND acknowledged_at < ?3 ORDER BY place DESC LIMIT 1",
        )?
        .query_row(
            (
                Place::new(number, Sequence::NONE),
                Place::last_of(number),
                codec::micros(acknowledged_before),
            ),
            |row| codec::place(row, 0),
        )
        .optional()
}

fn prune_up_to(
    connection: &Connection,
    number: EpochNumber,
    mark: Place,
    count_max: u64,
) -> Result<u64> {
    let first = Place::new(number, Sequence::NONE);
    let last: Option<Place> = connection
        .prepare_cached(
            "SELECT max(place) FROM
             (SELECT place FROM bodies WHERE place BETWEEN ?1 AND ?2 ORDER BY place LIMIT ?3)",
        )?
        .query_row((first, mark, codec::unsigned(count_max)), |row| codec::place_option(row, 0))?;
    let Some(last) = last else { return Ok(0) };
    let delete_up_to = |sql| connection.prepare_cached(sql)?.execute((first, last));
    let pruned = delete_up_to("DELETE FROM bodies WHERE place BETWEEN ?1 AND ?2")?;
    delete_up_to("DELETE FROM local_extensions WHERE place BETWEEN ?1 AND ?2")?;
    // Nothing is left for the earlier marks to allow; the last one stays as the mark.
    connection
        .prepare_cached(
            "DELETE FROM acknowledgements WHERE place BETWEEN ?1 AND ?2 AND place < ?3",
        )?
        .execute((first, last, mark))?;
    Ok(codec::count(pruned))
}
