//! Which receipts are due, and from where to read on.
//!
//! A POS with several tills commits out of order: the receipt with the lower number may appear after
//! the higher one. So the last minutes are read again at each look (the window), and each receipt in
//! them is remembered by a hash of its cells: unchanged it is passed over, changed it is taken again
//! and shows as a conflict. A receipt is due once it has not changed for the settle time, or when
//! there are so many behind it that it must be old. Where to read on after a restart is the oldest
//! receipt that is not done with, so that a crash reads again and loses nothing; what is known then
//! is a replay. Sans-I/O: no database and no clock.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use protocol::bytes::Bytes;
use protocol::chain::Epoch;
use serde::{Deserialize, Serialize};

use super::page::Place;
use super::sql::Position;

/// Receipts that the window holds at most: what a store sells within it, many times over. Bounds
/// memory, and what is read again at each look after a long outage.
const RECEIPTS_MAX: usize = 2_000;

/// Receipts that may wait for a person. More mean that the pack does not fit.
const REFUSED_MAX: usize = 100;

/// Characters of a reason that is remembered.
const REASON_CHARS_MAX: usize = 300;

/// What is remembered of a receipt in the window.
#[derive(Debug)]
struct Seen {
    hash: Bytes<32>,
    /// Since when it has not changed.
    unchanged_since: Instant,
    /// When it was first seen.
    first_seen: Instant,
    /// Whether it was handed on as it is now.
    is_taken: bool,
}

/// The window.
#[derive(Debug)]
pub(super) struct Window {
    settle: Duration,
    span: Duration,
    from: Position,
    seen: BTreeMap<Place, Seen>,
    refused: BTreeMap<Place, String>,
}

/// What is kept in the journal.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    epoch: Epoch,
    from: Position,
    #[serde(default)]
    refused: Vec<(Position, String, String)>,
}

impl Window {
    /// A window that begins at a position.
    pub(super) fn new(first: Position, settle: Duration, span: Duration) -> Self {
        let (seen, refused) = (BTreeMap::new(), BTreeMap::new());
        Self { settle, span, from: first, seen, refused }
    }

    /// Takes up what the journal kept, if it is of the same epoch: after another one what was read
    /// may be gone with an older disk, and everything is read again.
    pub(super) fn restore(&mut self, kept: &[u8], epoch: Epoch) {
        let Ok(kept) = serde_json::from_slice::<Kept>(kept) else { return };
        if kept.epoch != epoch {
            return;
        }
        self.from = kept.from;
        let refused = kept.refused.into_iter();
        self.refused = refused.map(|(position, key, why)| ((position, key), why)).collect();
    }

    /// What the journal is to keep with the next entry: true whether or not that entry is written.
    pub(super) fn kept(&self, epoch: Epoch) -> Vec<u8> {
        let refused = self.refused.iter();
        let refused =
            refused.map(|((position, key), why)| (position.clone(), key.clone(), why.clone()));
        let kept = Kept { epoch, from: self.from.clone(), refused: refused.collect() };
        serde_json::to_vec(&kept).expect("plain data")
    }

    /// From where the next look reads, receipts of this position included.
    pub(super) const fn from(&self) -> &Position {
        &self.from
    }

    /// A receipt as it is at `now` (monotonic); returns whether it is due. `is_old` if so many are
    /// behind it that nobody writes it any more.
    pub(super) fn look(
        &mut self,
        place: &Place,
        hash: Bytes<32>,
        is_old: bool,
        now: Instant,
    ) -> bool {
        let seen = self.seen.entry(place.clone()).or_insert(Seen {
            hash,
            unchanged_since: now,
            first_seen: now,
            is_taken: false,
        });
        if seen.hash != hash {
            (seen.hash, seen.unchanged_since, seen.is_taken) = (hash, now, false);
        }
        let is_settled = now.saturating_duration_since(seen.unchanged_since) >= self.settle;
        !seen.is_taken && (is_old || is_settled)
    }

    /// A receipt was taken: it is in the journal, or known, or practice.
    pub(super) fn taken(&mut self, place: &Place) {
        if let Some(seen) = self.seen.get_mut(place) {
            seen.is_taken = true;
        }
        self.refused.remove(place);
    }

    /// A receipt was refused: it waits for a person, and the next start tries it again.
    pub(super) fn refused(&mut self, place: &Place, why: &str) {
        let why = why.chars().take(REASON_CHARS_MAX).collect();
        self.refused.insert(place.clone(), why);
        if let Some(seen) = self.seen.get_mut(place) {
            seen.is_taken = true;
        }
    }

    /// Receipts that wait for a person, with why.
    pub(super) const fn waiting(&self) -> &BTreeMap<Place, String> {
        &self.refused
    }

    /// Whether so many wait for a person that reading on would only add to them.
    pub(super) fn is_stuck(&self) -> bool {
        self.refused.len() >= REFUSED_MAX
    }

    /// Moves on over what is taken and old enough that nothing can appear before it.
    pub(super) fn move_on(&mut self, now: Instant) {
        let mut left = self.seen.len();
        for ((position, _), seen) in &self.seen {
            let is_old = now.saturating_duration_since(seen.first_seen) >= self.span;
            if !seen.is_taken || !(is_old || left > RECEIPTS_MAX) {
                break;
            }
            left -= 1;
            self.from = position.clone();
        }
        let from = &self.from;
        // Those of the position itself are read again, and so stay known.
        self.seen.retain(|(position, _), _| position >= from);
    }

    /// Receipts that were seen and are not settled yet.
    pub(super) fn unsettled(&self) -> usize {
        self.seen.values().filter(|seen| !seen.is_taken).count()
    }
}
