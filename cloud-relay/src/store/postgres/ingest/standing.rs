//! What the natural keys say of the entries of a batch: new, a replay, a conflict.
//!
//! The keys are read once for the whole batch; entries of one batch may also repeat each other.
//! Writes nothing.

use std::collections::HashMap;

use protocol::chain::ChainHash;

use super::Destination;
use crate::connectors::ExceptionClass;
use crate::store::model::{BatchEntry, Dedupe};
use crate::store::postgres::codec::{Fault, bytes, value};
use crate::store::postgres::transaction::Transaction;

/// What a natural key says of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Seen for the first time, as this variant of its key.
    New { variant: i64 },
    /// The same content came before.
    Replay { of: i64, variant: i64 },
    /// Other content has the key.
    Conflict { variant: i64 },
}

impl Standing {
    pub(super) const fn variant(self) -> i64 {
        match self {
            Self::New { variant } | Self::Replay { variant, .. } | Self::Conflict { variant } => {
                variant
            }
        }
    }

    pub(super) const fn replay_of(self) -> Option<i64> {
        match self {
            Self::Replay { of, .. } => Some(of),
            Self::New { .. } | Self::Conflict { .. } => None,
        }
    }
}

/// One content under a key.
struct Known {
    variant: i64,
    content_hash: ChainHash,
    inbox_row: i64,
}

/// How each entry stands, in order; `rows` are the numbers that the entries get.
pub(super) async fn standings(
    on: &Transaction<'_>,
    destination: &Destination<'_>,
    entries: &[BatchEntry],
    rows: &[i64],
) -> Result<Vec<Standing>, Fault> {
    if destination.dedupe == Dedupe::Off {
        return Ok(vec![Standing::New { variant: 0 }; entries.len()]);
    }
    let keys: Vec<&str> = entries.iter().map(|entry| entry.natural_key.as_str()).collect();
    let found = on
        .rows(
            "SELECT natural_key, variant, content_hash, inbox_row FROM natural_keys
             WHERE store_id = $1 AND natural_key = ANY($2)",
            &[&destination.store().as_str(), &keys],
        )
        .await?;
    let mut known: HashMap<&str, Vec<Known>> = HashMap::new();
    for row in &found {
        known.entry(value(row, 0)?).or_default().push(Known {
            variant: value(row, 1)?,
            content_hash: bytes(row, 2)?,
            inbox_row: value(row, 3)?,
        });
    }
    let mut standings = Vec::with_capacity(entries.len());
    for (entry, row) in entries.iter().zip(rows) {
        let of_key = known.entry(entry.natural_key.as_str()).or_default();
        let standing = standing_of(of_key, entry);
        if standing.replay_of().is_none() {
            of_key.push(Known {
                variant: standing.variant(),
                content_hash: entry.content_hash,
                inbox_row: *row,
            });
        }
        standings.push(standing);
    }
    Ok(standings)
}

fn standing_of(known: &[Known], entry: &BatchEntry) -> Standing {
    let same = known.iter().filter(|known| known.content_hash == entry.content_hash);
    if let Some(same) = same.min_by_key(|known| known.variant) {
        return Standing::Replay { of: same.inbox_row, variant: same.variant };
    }
    let is_taken = known.iter().any(|known| known.variant == 0);
    // Where the agent knows an earlier event with this key, that one is still to come: the key
    // is kept for it.
    let is_flagged = matches!(entry.exception, Some((ExceptionClass::Conflict, _)));
    match is_taken || is_flagged {
        true => {
            let last = known.iter().map(|known| known.variant).max().unwrap_or(0);
            Standing::Conflict { variant: last + 1 }
        }
        false => Standing::New { variant: 0 },
    }
}
