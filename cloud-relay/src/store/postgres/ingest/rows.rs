//! The rows of a batch, each table's in one statement.
//!
//! Does not decide what an entry is.

use std::collections::HashMap;

use uuid::Uuid;

use super::Destination;
use super::standing::Standing;
use crate::store::model::{BatchEntry, Dedupe};
use crate::store::pack::Packed;
use crate::store::postgres::codec::{Fault, micros, signed, to_json, value};
use crate::store::postgres::records;
use crate::store::postgres::transaction::Transaction;

/// The numbers of the entries' rows. Only the control that recognises no overlap finds some there.
pub(super) async fn rows_of(
    on: &Transaction<'_>,
    destination: &Destination<'_>,
    entries: &[BatchEntry],
) -> Result<Vec<i64>, Fault> {
    let mut rows = records::new_rows(on, destination.day(), entries.len()).await?;
    if destination.dedupe == Dedupe::Off {
        let held = held_rows(on, destination).await?;
        for (row, entry) in rows.iter_mut().zip(entries) {
            if let Some(there) = held.get(&signed(entry.position.sequence.0)?) {
                *row = *there;
            }
        }
    }
    Ok(rows)
}

async fn held_rows(
    on: &Transaction<'_>,
    destination: &Destination<'_>,
) -> Result<HashMap<i64, i64>, Fault> {
    let query = "SELECT sequence, inbox_row FROM inbox WHERE store_id = $1 AND epoch_row = $2";
    let key = (destination.store().as_str(), destination.epoch.epoch_row);
    let found = on.rows(query, &[&key.0, &key.1]).await?;
    found.iter().map(|row| Ok((value(row, 0)?, value(row, 1)?))).collect()
}

pub(super) async fn insert_inbox(
    on: &Transaction<'_>,
    destination: &Destination<'_>,
    entries: &[BatchEntry],
    rows: &[i64],
    standings: &[Standing],
    (packed, pages): (&Packed, &[i64]),
) -> Result<(), Fault> {
    let sequences = entries.iter().map(|entry| signed(entry.position.sequence.0));
    let sequences: Vec<i64> = sequences.collect::<Result<_, _>>()?;
    let hashes: Vec<&[u8]> =
        entries.iter().map(|entry| entry.position.chain_hash.as_bytes().as_slice()).collect();
    let page_rows: Vec<i64> = packed.places.iter().map(|place| pages[place.page]).collect();
    let offsets = packed.places.iter().map(|place| signed(place.offset));
    let lengths = packed.places.iter().map(|place| signed(place.length));
    let events: Vec<Uuid> = entries.iter().map(|entry| entry.event_id.0).collect();
    let keys: Vec<&str> = entries.iter().map(|entry| entry.natural_key.as_str()).collect();
    let variants: Vec<i64> = standings.iter().map(|standing| standing.variant()).collect();
    let replays: Vec<Option<i64>> = standings.iter().map(|standing| standing.replay_of()).collect();
    let times: Vec<i64> = entries.iter().map(|entry| micros(entry.occurred_at)).collect();
    let store = destination.store().as_str();
    on.run(
        "INSERT INTO inbox (store_id, epoch_row, inbox_row, sequence, chain_hash, page_row,
           page_offset, record_bytes, event_id, natural_key, variant, replay_of, occurred_at)
         SELECT $1, $2::bigint, * FROM unnest($3::bigint[], $4::bigint[], $5::bytea[], $6::bigint[],
           $7::bigint[], $8::bigint[], $9::uuid[], $10::text[], $11::bigint[], $12::bigint[],
           $13::bigint[])
         ON CONFLICT DO NOTHING",
        &[
            &store,
            &destination.epoch.epoch_row,
            &rows,
            &sequences,
            &hashes,
            &page_rows,
            &offsets.collect::<Result<Vec<_>, _>>()?,
            &lengths.collect::<Result<Vec<_>, _>>()?,
            &events,
            &keys,
            &variants,
            &replays,
            &times,
        ],
    )
    .await?;
    insert_stretch(on, destination, &sequences).await
}

/// Notes from which sequence on the epoch's entries stand in another day's partition.
async fn insert_stretch(
    on: &Transaction<'_>,
    destination: &Destination<'_>,
    sequences: &[i64],
) -> Result<(), Fault> {
    let head = signed(destination.epoch.head.sequence.0)?;
    let Some(first) = sequences.iter().find(|sequence| **sequence > head) else { return Ok(()) };
    on.run(
        "INSERT INTO stretches (store_id, epoch_row, first_sequence, day)
         SELECT $1, $2::bigint, $3::bigint, $4::bigint
         WHERE $4::bigint IS DISTINCT FROM (SELECT day FROM stretches
                                    WHERE store_id = $1 AND epoch_row = $2
                                    ORDER BY first_sequence DESC LIMIT 1)",
        &[&destination.store().as_str(), &destination.epoch.epoch_row, first, &destination.day().0],
    )
    .await?;
    Ok(())
}

/// Of those entries that are no replays: their keys.
pub(super) async fn insert_keys(
    on: &Transaction<'_>,
    destination: &Destination<'_>,
    entries: &[BatchEntry],
    rows: &[i64],
    standings: &[Standing],
) -> Result<(), Fault> {
    let (mut keys, mut variants, mut hashes, mut of_rows) = (vec![], vec![], vec![], vec![]);
    for ((entry, row), standing) in entries.iter().zip(rows).zip(standings) {
        if standing.replay_of().is_none() {
            keys.push(entry.natural_key.as_str());
            variants.push(standing.variant());
            hashes.push(entry.content_hash.as_bytes().as_slice());
            of_rows.push(*row);
        }
    }
    on.run(
        "INSERT INTO natural_keys (store_id, natural_key, variant, content_hash, inbox_row)
         SELECT $1, * FROM unnest($2::text[], $3::bigint[], $4::bytea[], $5::bigint[])
         ON CONFLICT DO NOTHING",
        &[&destination.store().as_str(), &keys, &variants, &hashes, &of_rows],
    )
    .await?;
    Ok(())
}

/// Of those entries that are no replays: the movements of stock.
pub(super) async fn insert_moves(
    on: &Transaction<'_>,
    destination: &Destination<'_>,
    entries: &[BatchEntry],
    rows: &[i64],
    standings: &[Standing],
) -> Result<(), Fault> {
    let (mut times, mut of_rows, mut movements) = (vec![], vec![], vec![]);
    for ((entry, row), standing) in entries.iter().zip(rows).zip(standings) {
        let last = entry.moves.iter().map(|movement| movement.occurred_at).max();
        if let (None, Some(last)) = (standing.replay_of(), last) {
            times.push(micros(last));
            of_rows.push(*row);
            movements.push(to_json(&entry.moves)?);
        }
    }
    if of_rows.is_empty() {
        return Ok(());
    }
    on.run(
        "INSERT INTO moves (store_id, occurred_at, inbox_row, movements)
         SELECT $1, * FROM unnest($2::bigint[], $3::bigint[], $4::text[]) ON CONFLICT DO NOTHING",
        &[&destination.store().as_str(), &times, &of_rows, &movements],
    )
    .await?;
    Ok(())
}

pub(super) async fn insert_replays(
    on: &Transaction<'_>,
    destination: &Destination<'_>,
    rows: &[i64],
    standings: &[Standing],
) -> Result<(), Fault> {
    let (mut first, mut repeats) = (vec![], vec![]);
    for (row, standing) in rows.iter().zip(standings) {
        if let Some(of) = standing.replay_of() {
            first.push(of);
            repeats.push(*row);
        }
    }
    if first.is_empty() {
        return Ok(());
    }
    on.run(
        "INSERT INTO replays (store_id, replay_of, inbox_row)
         SELECT $1, * FROM unnest($2::bigint[], $3::bigint[])",
        &[&destination.store().as_str(), &first, &repeats],
    )
    .await?;
    Ok(())
}
