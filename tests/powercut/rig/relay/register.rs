//! A register's journal, made up: each entry follows from its number, in every life the same.
//!
//! Does not send anything.

use anyhow::{Context, Result};
use cloud_relay::connectors::{Class, Mode, Planned};
use cloud_relay::store::model::{Batch, BatchEntry, Dedupe, StockMoveRow};
use jiff::{SignedDuration, Timestamp};
use protocol::bytes::Bytes;
use protocol::chain::{Epoch, Position, Sequence};
use protocol::id::{DeviceId, EventId, StoreId, TargetId};
use protocol::money::{Currency, Money};
use ring::digest::{SHA256, digest};

/// Registers that send at the same time.
pub(super) const REGISTERS: u64 = 4;

/// Deliveries that each entry calls for.
pub(super) const DELIVERIES: usize = 2;

/// The largest batch: then they begin again with one entry.
const BATCH_ENTRIES_MAX: u64 = 24;

/// One register.
#[derive(Debug, Clone, Copy)]
pub(super) struct Register(pub(super) u64);

impl Register {
    pub(super) fn device(self) -> Result<DeviceId> {
        DeviceId::new(format!("register-{}", self.0)).context("name a register")
    }

    /// SHA-256 of its name: its key and its token, which nobody looks at here.
    pub(super) fn secret(self) -> Bytes<32> {
        sha256(&format!("register {}", self.0))
    }

    pub(super) fn epoch(self) -> Epoch {
        let hash = digest(&SHA256, &self.0.to_be_bytes());
        Bytes::from_slice(&hash.as_ref()[..16]).expect("SHA-256 has more than 16 bytes")
    }

    pub(super) fn natural_key(self, sequence: Sequence) -> String {
        format!("{}/{:012}", self.0, sequence.0)
    }

    /// The bytes of an entry's record.
    pub(super) fn record(self, sequence: Sequence) -> Vec<u8> {
        let key = self.natural_key(sequence);
        let repeated = usize::try_from(sequence.0 % 40).expect("below 40");
        let content = format!("{:?}", sha256(&key)).repeat(repeated);
        format!(r#"{{"key":"{key}","content":"{content}"}}"#).into_bytes()
    }

    /// The batch that follows a position.
    pub(super) fn batch_after(self, before: Position, now: Timestamp) -> Result<Batch> {
        let mut entries = Vec::new();
        let mut position = before;
        for _ in 0..=(before.sequence.0 % BATCH_ENTRIES_MAX) {
            let entry = self.entry_after(position)?;
            position = entry.position;
            entries.push(entry);
        }
        Ok(Batch {
            device: self.device()?,
            store: store()?,
            epoch: self.epoch(),
            before,
            entries,
            level: false,
            dedupe: Dedupe::On,
            now,
        })
    }

    fn entry_after(self, before: Position) -> Result<BatchEntry> {
        let sequence = before.sequence.next();
        let record = self.record(sequence);
        let natural_key = self.natural_key(sequence);
        let occurred_at = second(sequence.0)?;
        let id = u128::from(self.0) << 64 | u128::from(sequence.0) | 1 << 127;
        let movement = StockMoveRow {
            location: "0042".to_owned(),
            item: "4711".to_owned(),
            quantity: "-1".parse().context("write a quantity")?,
            occurred_at,
        };
        Ok(BatchEntry {
            position: before.extended(self.epoch(), &record),
            record,
            event_id: EventId(uuid::Builder::from_u128(id).into_uuid()),
            content_hash: sha256(&natural_key),
            natural_key,
            occurred_at,
            moves: vec![movement],
            figures: None,
            deliveries: vec![
                planned(Class::Receipts, "order.create", Mode::Document)?,
                planned(Class::Stock, "stock.change", Mode::Delta)?,
            ],
            exception: None,
            relayed_before: None,
        })
    }
}

pub(super) fn store() -> Result<StoreId> {
    StoreId::new("0042").context("name a store")
}

/// An hour passes between two lives, so that every lease has ended.
pub(super) fn now(life: u32) -> Result<Timestamp> {
    second(u64::from(life) * 3_600)
}

fn second(number: u64) -> Result<Timestamp> {
    let since = SignedDuration::from_secs(i64::try_from(number).context("count seconds")?);
    Timestamp::UNIX_EPOCH.checked_add(since).context("tell the time")
}

fn planned(class: Class, action: &str, mode: Mode) -> Result<(TargetId, Planned)> {
    let planned = Planned {
        class,
        action: action.to_owned(),
        part: 0,
        mode,
        depends_on: Vec::new(),
        amount: Some(Money::new(545, Currency::new("EUR").context("name a currency")?)),
    };
    Ok((TargetId::new("shop").context("name a target")?, planned))
}

fn sha256(text: &str) -> Bytes<32> {
    let hash = digest(&SHA256, text.as_bytes());
    Bytes::from_slice(hash.as_ref()).expect("SHA-256 has 32 bytes")
}
