//! What a batch holds: from its bytes to what the store commits.
//!
//! Each event is read, and every target asked what documents it calls for. An event that cannot
//! be read is committed all the same, with an exception: refusing it would stop everything behind
//! it for ever. Pure: no store, no clock, no target is called.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;
use protocol::batch::{Absent, AbsentReason, Applied, Batch as Message, Resent};
use protocol::bytes::Bytes;
use protocol::chain::{ChainHash, Position, Sequence};
use protocol::envelope::Event;
use protocol::id::{DeviceId, EventId, TargetId};
use protocol::problem::{Code, Problem};
use protocol::record::Record;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use crate::connectors::{ExceptionClass, Planned, Targets};
use crate::reconcile::figures;
use crate::store::model::{Batch, BatchEntry, Dedupe, Device, StockMoveRow};

/// A batch as it was read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Received {
    /// What the store commits.
    pub(super) batch: Batch,
    /// The device whose the entries before the batch's own are said to be.
    pub(super) inherited: Option<DeviceId>,
}

/// Reads the uncompressed JSON of a batch whose signature was checked.
pub(super) fn read(
    json: &[u8],
    device: &Device,
    targets: &Targets,
    dedupe: Dedupe,
    now: Timestamp,
) -> Result<Received, Problem> {
    let message: Message =
        serde_json::from_slice(json).map_err(|error| invalid(format!("the batch: {error}")))?;
    if message.device != device.device {
        let detail =
            format!("the batch is of {}, the address names {}", message.device, device.device);
        return Err(invalid(detail).at("device"));
    }
    let positions =
        message.positions().map_err(|error| invalid(error.to_string()).at("entries"))?;
    let own = Position {
        // `positions` has refused a batch that begins at 0.
        sequence: Sequence(message.first_sequence.0.saturating_sub(1)),
        chain_hash: message.previous_chain_hash,
    };
    let end = positions.last().map_or(own.sequence, |position| position.sequence);
    if message.head_sequence < end {
        let detail =
            format!("the journal's head {} is below the batch's end {end}", message.head_sequence);
        return Err(invalid(detail).at("headSequence"));
    }
    let before = message.absent.as_ref().map_or(own, |absent| absent.after);
    let inherited = match &message.absent {
        Some(Absent { reason: AbsentReason::Inherited { device }, .. }) => Some(device.clone()),
        _ => None,
    };
    let declared = message.absent.as_ref().map(|absent| self::absent(absent, own, device, now));
    let before_all = BTreeMap::new();
    let relayed = message.resent.as_ref().map(relayed_before);
    let entries = message.entries.into_iter().zip(positions).map(|(entry, position)| {
        let mut read = self::entry(position, entry.record.into_bytes(), device, targets, now);
        if let (Some(resent), Some(relayed)) = (&message.resent, &relayed)
            && position.sequence <= resent.acknowledged
        {
            let applied = relayed.get(&position.sequence).unwrap_or(&before_all);
            read.relayed_before = Some(applied.clone());
        }
        read
    });
    let batch = Batch {
        device: device.device.clone(),
        store: device.store.clone(),
        epoch: message.epoch,
        before,
        entries: declared.into_iter().chain(entries).collect(),
        level: message.head_sequence == end,
        dedupe,
        now,
    };
    Ok(Received { batch, inherited })
}

/// The targets in which each entry stood, with what they called it.
fn relayed_before(resent: &Resent) -> BTreeMap<Sequence, BTreeMap<TargetId, String>> {
    let mut entries: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for Applied { sequence, target, reference } in &resent.applied {
        let name = reference.as_ref().map_or_else(String::new, ToString::to_string);
        entries.entry(*sequence).or_default().insert(target.clone(), name);
    }
    entries
}

/// What stands for entries that the sender declares not to have: at the place of the last of them,
/// so that the chain goes on from there.
fn absent(absent: &Absent, last: Position, device: &Device, now: Timestamp) -> BatchEntry {
    let (first, end) = (absent.after.sequence.next(), last.sequence);
    let reason = match &absent.reason {
        AbsentReason::Pruned => format!(
            "entries {first} to {end} were relayed before this relay was restored, and their \
             content is no longer on the store's host: nobody knows here what they were"
        ),
        AbsentReason::Inherited { device } => format!(
            "entries {first} to {end} are said to be those of device {device}, which is not known \
             to hold them"
        ),
    };
    let record = serde_json::to_vec(&AbsentRecord { absent, last }).expect("plain data");
    BatchEntry {
        event_id: id_of(last.chain_hash),
        natural_key: format!("absent/{}/{}", device.device, last.chain_hash),
        content_hash: sha256(&record),
        occurred_at: now,
        moves: Vec::new(),
        figures: None,
        deliveries: Vec::new(),
        exception: Some((ExceptionClass::UnknownOutcome, reason)),
        relayed_before: None,
        position: last,
        record,
    }
}

/// What is kept in place of the records.
#[derive(Serialize)]
struct AbsentRecord<'a> {
    absent: &'a Absent,
    last: Position,
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
                figures: figures::addition(&event),
                deliveries: deliveries(&event, targets),
                exception,
                relayed_before: None,
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
        figures: None,
        deliveries: Vec::new(),
        exception: Some((ExceptionClass::Rejected, format!("it cannot be read: {reason}"))),
        relayed_before: None,
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
