//! Makes the new journal from what was found.
//!
//! What the relay had acknowledged stays in its old epoch, with its natural keys, so that replays are
//! recognised. What it had not goes up again: into the new epoch, record for record, byte for byte.
//! What cannot be read is named; its natural key is not kept, so that a source that is read again
//! heals the loss. Does not touch the files.

use jiff::Timestamp;
use protocol::bytes::Bytes;
use protocol::chain::{ChainHash, Epoch, Position, Sequence};
use protocol::handshake::{EpochReason, Predecessor};
use ring::digest::{SHA256, digest};
use rusqlite::{Connection, OptionalExtension, Params, Result};

use super::piece::{Body, Known, Piece, SELECT, Salvaged};
use crate::codec::{self, EpochNumber, Place};
use crate::epoch;
use crate::head::Copied;
use crate::incident::{self, Incident, IncidentKind, Missing};

/// What is being salvaged.
pub(super) struct Order<'a> {
    pub(super) copied: Option<&'a Copied>,
    pub(super) new_epoch: Epoch,
    pub(super) kind: IncidentKind,
    pub(super) at: Timestamp,
    pub(super) set_aside: Option<String>,
}

/// An epoch of the old journal.
struct Old {
    number: EpochNumber,
    epoch: Epoch,
    mark: Sequence,
    marked_at: i64,
    end: Sequence,
}

/// What an epoch names as its predecessor, column by column.
type Before = (Option<Vec<u8>>, Option<i64>, Option<Vec<u8>>, Option<String>);

struct Builder<'a> {
    found: &'a Connection,
    journal: &'a Connection,
    number: EpochNumber,
    epoch: Epoch,
    head: Position,
    /// The last position that is known of the last old epoch.
    last: Position,
    missing: Vec<Missing>,
    /// The epoch whose history was exchanged for another.
    replaced: Option<Epoch>,
}

/// Fills an empty journal from what was found.
pub(super) fn build(found: &Connection, journal: &Connection, order: Order<'_>) -> Result<()> {
    let old = old_epochs(found, order.copied)?;
    let is_replaced = order.kind == IncidentKind::Replaced;
    let number = EpochNumber(old.last().map_or(1, |old| old.number.0 + 1));
    let mut builder = Builder {
        found,
        journal,
        number,
        epoch: order.new_epoch,
        head: Position::START,
        last: Position::START,
        missing: Vec::new(),
        replaced: order.copied.map(|copied| copied.epoch).filter(|_| is_replaced),
    };
    for old in &old {
        builder.carry_epoch(old)?;
    }
    let predecessor = old.last().map(|old| Predecessor {
        epoch: old.epoch,
        head: farther(builder.last, order.copied.filter(|copied| copied.epoch == old.epoch)),
        reason: EpochReason::Salvaged,
    });
    epoch::begin(journal, order.new_epoch, predecessor.as_ref())?;
    builder.carry_rest()?;
    let Order { kind, at, set_aside, .. } = order;
    let epoch = old.last().map_or(order.new_epoch, |old| old.epoch);
    let missing = builder.missing;
    incident::record(journal, &Incident { at, kind, epoch, set_aside, missing })
}

fn farther(last: Position, copied: Option<&Copied>) -> Position {
    match copied {
        Some(copied) if copied.head.sequence >= last.sequence => copied.head,
        _ => last,
    }
}

/// Every epoch that was in the file, or that the head copy names.
fn old_epochs(found: &Connection, copied: Option<&Copied>) -> Result<Vec<Old>> {
    let highest: Option<i64> = found.query_row(
        "SELECT max(number) FROM (
             SELECT max(number) AS number FROM epochs UNION SELECT max(place) >> 40 FROM entries
             UNION SELECT max(place) >> 40 FROM bodies UNION SELECT max(place) >> 40 FROM keys
             UNION SELECT max(place) >> 40 FROM marks)",
        [],
        |row| row.get(0),
    )?;
    let mut epochs = Vec::new();
    for number in 1..=highest.unwrap_or(0) {
        let named = found
            .prepare_cached("SELECT epoch FROM epochs WHERE number = ?1")?
            .query_row((number,), |row| codec::bytes::<16>(row, 0))
            .optional()?;
        epochs.push(named);
    }
    if let Some(copied) = copied
        && !epochs.contains(&Some(copied.epoch))
    {
        match epochs.iter_mut().rev().find(|named| named.is_none()) {
            Some(unnamed) => *unnamed = Some(copied.epoch),
            None => epochs.push(Some(copied.epoch)),
        }
    }
    (1_i64..)
        .map(EpochNumber)
        .zip(epochs)
        .map(|(number, named)| old(found, number, named, copied))
        .collect()
}

fn old(
    found: &Connection,
    number: EpochNumber,
    named: Option<Epoch>,
    copied: Option<&Copied>,
) -> Result<Old> {
    let epoch = named.unwrap_or_else(|| nameless(number));
    let range = (Place::new(number, Sequence::NONE), Place::last_of(number));
    let marked: Option<(Place, i64)> = found
        .query_row(
            "SELECT place, acknowledged_at FROM marks WHERE place BETWEEN ?1 AND ?2
             ORDER BY place DESC LIMIT 1",
            range,
            |row| Ok((codec::place(row, 0)?, row.get(1)?)),
        )
        .optional()?;
    let last: Option<Place> = found.query_row(
        "SELECT max(place) FROM (
             SELECT place FROM entries WHERE place BETWEEN ?1 AND ?2
             UNION SELECT place FROM bodies WHERE place BETWEEN ?1 AND ?2
             UNION SELECT place FROM keys WHERE place BETWEEN ?1 AND ?2)",
        range,
        |row| codec::place_option(row, 0),
    )?;
    let copied = copied.filter(|copied| copied.epoch == epoch);
    let mark = marked.map_or(Sequence::NONE, |(place, _)| place.sequence());
    let mark = mark.max(copied.map_or(Sequence::NONE, |copied| copied.acknowledged));
    let end = last.map_or(Sequence::NONE, Place::sequence).max(mark);
    let end = end.max(copied.map_or(Sequence::NONE, |copied| copied.head.sequence));
    Ok(Old { number, epoch, mark, marked_at: marked.map_or(0, |(_, at)| at), end })
}

/// A stand-in for an epoch whose own name cannot be read any more.
fn nameless(number: EpochNumber) -> Epoch {
    let hash = digest(&SHA256, format!("an epoch without a name, {}", number.0).as_bytes());
    Bytes::from_slice(&hash.as_ref()[..16]).expect("a SHA-256 has more than 16 bytes")
}

impl Builder<'_> {
    fn carry_epoch(&mut self, old: &Old) -> Result<()> {
        self.carry_name(old)?;
        self.last = Position::START;
        let mut before = Some(Position::START.chain_hash);
        let mut due = Sequence::NONE.next();
        let mut select = self.found.prepare(SELECT)?;
        let first = Place::new(old.number, Sequence::NONE);
        let mut rows = select.query((first, Place::last_of(old.number)))?;
        while let Some(row) = rows.next()? {
            let piece = Piece::read(row)?;
            let sequence = piece.place.sequence();
            if due < sequence {
                self.lost(old, due, Sequence(sequence.0 - 1));
                before = None;
            }
            before = self.carry_piece(old, piece, before)?;
            if let Some(chain_hash) = before {
                self.last = Position { sequence, chain_hash };
            }
            due = sequence.next();
        }
        if due <= old.end {
            self.lost(old, due, old.end);
        }
        if self.replaced == Some(old.epoch) {
            // What is there is another history: of the one that was committed, nothing is left.
            self.missing.retain(|gap| gap.epoch != old.epoch);
            self.lost(old, Sequence::NONE.next(), old.end);
        }
        if old.mark > Sequence::NONE {
            let mark = Place::new(old.number, old.mark);
            self.put("INSERT INTO acknowledgements VALUES (?1, ?2)", (mark, old.marked_at))?;
        }
        Ok(())
    }

    fn carry_name(&self, old: &Old) -> Result<()> {
        let named = self.found.query_row(
            "SELECT predecessor_epoch, predecessor_sequence, predecessor_hash, reason FROM epochs
             WHERE number = ?1 AND epoch = ?2",
            (old.number.0, old.epoch.as_bytes()),
            |row| {
                let before: Before = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
                Ok(before)
            },
        );
        let (epoch, sequence, hash, reason) = named.optional()?.unwrap_or_default();
        self.put(
            "INSERT INTO epochs VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            (old.number.0, old.epoch.as_bytes(), epoch, sequence, hash, reason),
        )
    }

    /// Carries one entry over, or names it as lost; returns the chain hash there, if it is known.
    fn carry_piece(
        &mut self,
        old: &Old,
        piece: Piece,
        before: Option<ChainHash>,
    ) -> Result<Option<ChainHash>> {
        let (place, local) = (piece.place, piece.local.clone());
        let sequence = place.sequence();
        let Salvaged { known, body, chain_hash } = piece.salvage(old.epoch, before);
        match (known, body) {
            (Some(known), body) if sequence <= old.mark => {
                let kept = chain_hash.unwrap_or(Bytes([0; 32]));
                self.add(place, &known, kept, body.as_ref(), local.as_deref())?;
                if chain_hash.is_none() {
                    self.lost(old, sequence, sequence);
                }
            }
            (Some(known), Some(body)) => {
                let next = self.head.extended(self.epoch, &body.record);
                let place = Place::new(self.number, next.sequence);
                if self.add(place, &known, next.chain_hash, Some(&body), local.as_deref())? {
                    self.head = next;
                }
            }
            _ => self.lost(old, sequence, sequence),
        }
        Ok(chain_hash)
    }

    /// Adds an entry; false if the very same content stands there already.
    fn add(
        &self,
        place: Place,
        known: &Known,
        chain_hash: ChainHash,
        body: Option<&Body>,
        local: Option<&str>,
    ) -> Result<bool> {
        let added = self
            .journal
            .prepare_cached("INSERT OR IGNORE INTO entries VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
            .execute((
                place,
                known.event_id.0.as_bytes(),
                &known.natural_key,
                known.content_hash.as_bytes(),
                chain_hash.as_bytes(),
                codec::micros(known.journaled_at),
                known.conflict_of.map(|of| of.0.into_bytes()),
            ))?;
        if added == 0 {
            return Ok(false);
        }
        if let Some(body) = body {
            self.put("INSERT INTO bodies VALUES (?1, ?2)", (place, &body.packed))?;
        }
        if let Some(local) = local {
            self.put("INSERT INTO local_extensions VALUES (?1, ?2)", (place, local))?;
        }
        Ok(true)
    }

    /// Names entries as lost, those that the relay has apart from those that it has not.
    fn lost(&mut self, old: &Old, first: Sequence, last: Sequence) {
        let parts = [(first, last.min(old.mark), true), (first.max(old.mark.next()), last, false)];
        for (first, last, relayed) in parts {
            if first > last {
                continue;
            }
            match self.missing.last_mut() {
                Some(gap)
                    if (gap.epoch, gap.relayed) == (old.epoch, relayed)
                        && gap.last.next() == first =>
                {
                    gap.last = last;
                }
                _ => self.missing.push(Missing { epoch: old.epoch, first, last, relayed }),
            }
        }
    }

    /// What sync and the inputs remember, and what happened before. After a loss the inputs begin
    /// anew: what they read again is a replay, or exactly what is missing.
    fn carry_rest(&self) -> Result<()> {
        let is_lost = self.missing.iter().any(|missing| !missing.relayed);
        if !is_lost {
            self.copy("cursors", "input_cursors")?;
        }
        for table in ["notes", "progress", "incidents", "missing"] {
            self.copy(table, table)?;
        }
        let cursor = self.found.query_row("SELECT cursor FROM downlink", [], |row| row.get(0));
        let cursor: i64 = cursor.optional()?.unwrap_or(0);
        self.put("UPDATE downlink SET cursor = ?1", (cursor,))
    }

    fn copy(&self, from: &str, to: &str) -> Result<()> {
        let mut select = self.found.prepare(&format!("SELECT * FROM {from}"))?;
        let count = select.column_count();
        let places: Vec<String> = (1..=count).map(|column| format!("?{column}")).collect();
        let insert = format!("INSERT OR IGNORE INTO {to} VALUES ({})", places.join(", "));
        let mut insert = self.journal.prepare(&insert)?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let values: Result<Vec<rusqlite::types::Value>> =
                (0..count).map(|column| row.get(column)).collect();
            insert.execute(rusqlite::params_from_iter(values?))?;
        }
        Ok(())
    }

    fn put(&self, sql: &str, params: impl Params) -> Result<()> {
        self.journal.prepare_cached(sql)?.execute(params).map(drop)
    }
}
