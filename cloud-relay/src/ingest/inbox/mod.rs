//! What a batch holds: from its bytes to what the store commits.
//!
//! Each event is read, and every target asked what documents it calls for. An event that cannot
//! be read is committed all the same, with an exception: refusing it would stop everything behind
//! it for ever. Pure: no store, no clock, no target is called.

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use protocol::batch::Batch as Message;
use protocol::bytes::Bytes;
use protocol::chain::{ChainHash, Position, Sequence};
use protocol::envelope::Event;
use protocol::id::{EventId, TargetId};
use protocol::problem::{Code, Problem};
use protocol::record::Record;
use ring::digest::{SHA256, digest};
use serde::Deserialize;

use crate::connectors::{ExceptionClass, Planned, Targets};
use crate::store::model::{Batch, BatchEntry, Dedupe, Device, StockMoveRow};

/// Reads the uncompressed JSON of a batch whose signature was checked.
pub(super) fn read(
    json: &[u8],
    device: &Device,
    targets: &Targets,
    dedupe: Dedupe,
    now: Timestamp,
) -> Result<Batch, Problem> {
    let message: Message =
        serde_json::from_slice(json).map_err(|error| invalid(format!("the batch: {error}")))?;
    if message.device != device.device {
        let detail =
            format!("the batch is of {}, the address names {}", message.device, device.device);
        return Err(invalid(detail).at("device"));
    }
    let positions =
        message.positions().map_err(|error| invalid(error.to_string()).at("entries"))?;
    let end = positions.last().map_or(Sequence::NONE, |position| position.sequence);
    if message.head_sequence < end {
        let detail =
            format!("the journal's head {} is below the batch's end {end}", message.head_sequence);
        return Err(invalid(detail).at("headSequence"));
    }
    let before = Position {
        // `positions` has refused a batch that begins at 0.
        sequence: Sequence(message.first_sequence.0.saturating_sub(1)),
        chain_hash: message.previous_chain_hash,
    };
    let entries = message.entries.into_iter().zip(positions).map(|(entry, position)| {
        self::entry(position, entry.record.into_bytes(), device, targets, now)
    });
    Ok(Batch {
        device: device.device.clone(),
        store: device.store.clone(),
        epoch: message.epoch,
        before,
        entries: entries.collect(),
        level: message.head_sequence == end,
        dedupe,
        now,
    })
}

fn invalid(detail: String) -> Problem {
    Problem::new(Code::InvalidBatch, detail)
        .next("compare the batch with the schema of this version; the journal keeps its entries")
}

/// What one record means.
fn entry(
    position: Position,
    record: Vec<u8>,
    device: &Device,
    targets: &Targets,
    now: Timestamp,
) -> BatchEntry {
    match understood(&record) {
        Ok((event, conflict_of)) => {
            let exception = exception_of(&event, conflict_of, device);
            BatchEntry {
                position,
                event_id: event.id,
                natural_key: event.natural_key(),
                content_hash: event.content_hash(),
                occurred_at: event.occurred_at(),
                moves: moves(&event),
                deliveries: deliveries(&event, targets),
                exception,
                record,
            }
        }
        Err(reason) => unreadable(position, record, &reason, device, now),
    }
}

fn understood(record: &[u8]) -> Result<(Event, Option<EventId>), String> {
    let record = Record::parse(record).map_err(|error| chain_of(&error))?;
    let event = Event::parse(record.event.get().as_bytes()).map_err(|error| chain_of(&error))?;
    Ok((event, record.findings.conflict_of))
}

/// An error with its causes, in one sentence.
fn chain_of(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn exception_of(
    event: &Event,
    conflict_of: Option<EventId>,
    device: &Device,
) -> Option<(ExceptionClass, String)> {
    if let Some(first) = conflict_of {
        let reason = format!("event {first} has the same natural key and other content");
        return Some((ExceptionClass::Conflict, reason));
    }
    (*event.store() != device.store).then(|| {
        let reason =
            format!("the event is of store {}, its device serves {}", event.store(), device.store);
        (ExceptionClass::Rejected, reason)
    })
}

fn deliveries(event: &Event, targets: &Targets) -> Vec<(TargetId, Planned)> {
    targets
        .iter()
        .flat_map(|(target, connector)| {
            connector.plan(event).into_iter().map(|planned| (target.clone(), planned))
        })
        .collect()
}

fn moves(event: &Event) -> Vec<StockMoveRow> {
    let rows = event.stock_moves().into_iter().map(|moved| StockMoveRow {
        location: moved.location.to_string(),
        item: moved.item,
        quantity: moved.quantity,
        occurred_at: moved.occurred_at,
    });
    rows.collect()
}

/// An entry that says nothing to this program: its place is its key, so that it is told apart
/// from every other and recognised when it comes again.
fn unreadable(
    position: Position,
    record: Vec<u8>,
    reason: &str,
    device: &Device,
    now: Timestamp,
) -> BatchEntry {
    let named = named_id(&record).unwrap_or_else(|| id_of(position.chain_hash));
    BatchEntry {
        event_id: named,
        natural_key: format!("unreadable/{}/{}", device.device, position.chain_hash),
        content_hash: sha256(&record),
        occurred_at: now,
        moves: Vec::new(),
        deliveries: Vec::new(),
        exception: Some((ExceptionClass::Rejected, format!("it cannot be read: {reason}"))),
        position,
        record,
    }
}

/// The event's own identifier, if at least that can be read.
fn named_id(record: &[u8]) -> Option<EventId> {
    #[derive(Deserialize)]
    struct Named {
        event: Identified,
    }
    #[derive(Deserialize)]
    struct Identified {
        id: EventId,
    }
    serde_json::from_slice(record).ok().map(|named: Named| named.event.id)
}

/// A stand-in that is the same whenever the entry comes again.
fn id_of(hash: ChainHash) -> EventId {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_bytes()[..16]);
    EventId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

fn sha256(bytes: &[u8]) -> Bytes<32> {
    let digest = digest(&SHA256, bytes);
    Bytes::from_slice(digest.as_ref()).expect("SHA-256 has 32 bytes")
}
