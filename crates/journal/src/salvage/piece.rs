//! What was found of one entry, and what can be made of it.
//!
//! An entry stands in up to five places: its own row, its body, two indexes, and its extensions.
//! What one of them lost, another may still say. Writes nothing.

use jiff::Timestamp;
use protocol::bytes::Bytes;
use protocol::chain::{ChainHash, Epoch, Position, Sequence};
use protocol::envelope::Event;
use protocol::id::EventId;
use protocol::record::Record;
use rusqlite::types::ValueRef;
use rusqlite::{Result, Row};

use crate::codec::{self, Place};
use crate::pack;

/// Everything that was found, in the order of places.
pub(super) const SELECT: &str = "
    SELECT p.place, ifnull(e.event_id, i.event_id), ifnull(e.natural_key, k.natural_key),
           ifnull(e.content_hash, k.content_hash), e.chain_hash, e.journaled_at, e.conflict_of,
           b.packed, x.extensions
    FROM (SELECT place FROM entries UNION SELECT place FROM bodies UNION SELECT place FROM keys) p
    LEFT JOIN entries e ON e.place = p.place
    LEFT JOIN bodies b ON b.place = p.place
    LEFT JOIN keys k ON k.place = p.place
    LEFT JOIN ids i ON i.place = p.place
    LEFT JOIN extensions x ON x.place = p.place
    WHERE p.place > ?1 AND p.place <= ?2 ORDER BY p.place";

/// What was found of an entry.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) place: Place,
    event_id: Option<EventId>,
    natural_key: Option<String>,
    content_hash: Option<Bytes<32>>,
    chain_hash: Option<ChainHash>,
    journaled_at: Option<Timestamp>,
    conflict_of: Option<EventId>,
    body: Option<Body>,
    pub(super) local: Option<String>,
}

/// A record and its stored form.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) record: Vec<u8>,
    pub(super) packed: Vec<u8>,
}

/// What identifies an entry: enough to recognise its replay.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) event_id: EventId,
    pub(super) natural_key: String,
    pub(super) content_hash: Bytes<32>,
    pub(super) journaled_at: Timestamp,
    pub(super) conflict_of: Option<EventId>,
}

/// An entry as far as it could be put together.
#[derive(Debug)]
pub(super) struct Salvaged {
    pub(super) known: Option<Known>,
    /// Its record; none if it is gone, was pruned, or is not what the chain covers.
    pub(super) body: Option<Body>,
    /// The chain hash there, read or recomputed.
    pub(super) chain_hash: Option<ChainHash>,
}

impl Piece {
    /// Reads a row of [`SELECT`].
    pub(super) fn read(row: &Row<'_>) -> Result<Self> {
        let bytes = |index| match row.get_ref(index)? {
            ValueRef::Null => Ok(None),
            _ => codec::bytes::<32>(row, index).map(Some),
        };
        let packed: Option<Vec<u8>> = row.get(7)?;
        let body = packed.and_then(|packed| match pack::unpack(&packed) {
            Ok(record) => Some(Body { record, packed }),
            // Part of it stood on a page that cannot be read: it is as good as gone.
            Err(_) => None,
        });
        Ok(Self {
            place: codec::place(row, 0)?,
            event_id: codec::event_id_option(row, 1)?,
            natural_key: row.get(2)?,
            content_hash: bytes(3)?,
            chain_hash: bytes(4)?,
            journaled_at: row.get::<_, Option<i64>>(5)?.map(|_| codec::time(row, 5)).transpose()?,
            conflict_of: codec::event_id_option(row, 6)?,
            body,
            local: row.get(8)?,
        })
    }

    /// Puts it together. `before` is the chain hash of the entry before, if that is known.
    pub(super) fn salvage(self, epoch: Epoch, before: Option<ChainHash>) -> Salvaged {
        let sequence = Sequence(self.place.sequence().0.saturating_sub(1));
        let computed = before.zip(self.body.as_ref()).map(|(chain_hash, body)| {
            Position { sequence, chain_hash }.extended(epoch, &body.record).chain_hash
        });
        let is_covered = computed.is_none_or(|hash| self.chain_hash.is_none_or(|own| own == hash));
        let body = self.body.filter(|_| is_covered);
        let record = body.as_ref().and_then(|body| parsed(&body.record));
        let from = record.as_ref();
        let known = Self::known(
            self.event_id.or_else(|| from.map(|(_, event)| event.id)),
            self.natural_key.or_else(|| from.map(|(_, event)| event.natural_key())),
            self.content_hash.or_else(|| from.map(|(_, event)| event.content_hash())),
            self.journaled_at.or_else(|| from.map(|(record, _)| record.journaled_at)),
            self.conflict_of.or_else(|| from.and_then(|(record, _)| record.findings.conflict_of)),
        );
        Salvaged { known, body, chain_hash: self.chain_hash.or(computed.filter(|_| is_covered)) }
    }

    fn known(
        event_id: Option<EventId>,
        natural_key: Option<String>,
        content_hash: Option<Bytes<32>>,
        journaled_at: Option<Timestamp>,
        conflict_of: Option<EventId>,
    ) -> Option<Known> {
        Some(Known {
            event_id: event_id?,
            natural_key: natural_key?,
            content_hash: content_hash?,
            // Of an entry whose body is gone with its row, only the indexes are left.
            journaled_at: journaled_at.unwrap_or(Timestamp::UNIX_EPOCH),
            conflict_of,
        })
    }
}

/// What the record says of itself, where it is one that this version reads.
fn parsed(record: &[u8]) -> Option<(Record, Event)> {
    let record = Record::parse(record).ok()?;
    let event = Event::parse(record.event.get().as_bytes()).ok()?;
    Some((record, event))
}
