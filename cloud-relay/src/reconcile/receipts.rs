//! The events of a store's day, and what each of them calls for at a target.
//!
//! Read by their natural keys, which lie side by side, so that a day costs what a day holds and
//! not what the store holds. Asks no target.

use std::collections::BTreeMap;

use protocol::chain::{Epoch, Sequence};
use protocol::envelope::Event;
use protocol::event::Body;
use protocol::id::{DeviceId, RegisterId, StoreId, TargetId, TenantId};
use protocol::money::Money;
use protocol::time::BusinessDate;
use uuid::Uuid;

use super::report::JournalRange;
use crate::connectors::{Bridging, Connector, Mode, Planned, brought_in};
use crate::dispatch::key::delivery_key;
use crate::dispatch::read;
use crate::store::books::Books;
use crate::store::{Store, StoreError};

/// An event that counts.
#[derive(Debug, Clone)]
pub(super) struct Receipt {
    /// The register.
    pub(super) register: RegisterId,
    /// Its number.
    pub(super) number: String,
    /// The natural key; of a conflict's second sale its own.
    pub(super) natural_key: String,
    /// Where it stands.
    pub(super) position: (DeviceId, Epoch, Sequence),
    /// The event.
    pub(super) event: Event,
    /// What it brought in; nothing where it brings in nothing.
    pub(super) brought_in: Option<Money>,
}

/// What an event calls for at one target.
#[derive(Debug, Clone)]
pub(super) struct Expected {
    /// What the target cannot hold of it.
    pub(super) bridging: Vec<Bridging>,
    /// The documents with their keys; quantities of stock are none.
    pub(super) documents: Vec<(Uuid, Planned)>,
}

/// Reads the events of some registers.
pub(super) async fn read_day(
    store: &dyn Store,
    of: &StoreId,
    registers: impl Iterator<Item = &RegisterId>,
    date: BusinessDate,
) -> Result<Vec<Receipt>, StoreError> {
    let mut receipts = Vec::new();
    for register in registers {
        for held in Books::events_of_day(store, of, register, date).await? {
            let event = match read::event(&held.record) {
                Ok(event) => event,
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    let natural_key = held.natural_key;
                    tracing::error!(natural_key, error, "an event of the books cannot be read");
                    continue;
                }
            };
            receipts.push(Receipt {
                register: register.clone(),
                number: number_of(&event),
                position: (held.device, held.epoch, held.sequence),
                natural_key: held.natural_key,
                brought_in: brought_in(&event),
                event,
            });
        }
    }
    Ok(receipts)
}

fn number_of(event: &Event) -> String {
    match &event.body {
        Body::Transaction(transaction) => transaction.receipt.to_string(),
        Body::Till(till) => till.receipt.to_string(),
        Body::Stock(_) | Body::Fiscal(_) => String::new(),
    }
}

/// Where a day stands in each journal.
pub(super) async fn journals(
    store: &dyn Store,
    receipts: &[Receipt],
) -> Result<Vec<JournalRange>, StoreError> {
    let mut ranges: BTreeMap<(&DeviceId, Epoch), (Sequence, Sequence)> = BTreeMap::new();
    for Receipt { position: (device, epoch, sequence), .. } in receipts {
        let range = ranges.entry((device, *epoch)).or_insert((*sequence, *sequence));
        *range = (range.0.min(*sequence), range.1.max(*sequence));
    }
    let mut journals = Vec::with_capacity(ranges.len());
    for ((device, epoch), (first, last)) in ranges {
        let chain_hash = store.chain_hash(device, epoch, last).await?;
        let device = device.clone();
        journals.push(JournalRange { device, epoch, first, last, chain_hash });
    }
    Ok(journals)
}

/// What each receipt calls for at a target.
pub(super) fn expected(
    receipts: &[Receipt],
    tenant: &TenantId,
    target: &TargetId,
    connector: &dyn Connector,
) -> Vec<Expected> {
    let of = |receipt: &Receipt| {
        let planned = connector.plan(&receipt.event).into_iter();
        let documents = planned.filter(|planned| planned.mode == Mode::Document).map(|planned| {
            let (key, action) = (&receipt.natural_key, &planned.action);
            (delivery_key(tenant, key, target, action, planned.part), planned)
        });
        Expected { bridging: connector.bridging(&receipt.event), documents: documents.collect() }
    };
    receipts.iter().map(of).collect()
}

/// Which receipt and which of its documents a key belongs to.
pub(super) fn by_key(expected: &[Expected]) -> BTreeMap<Uuid, (usize, usize)> {
    let documents = expected.iter().enumerate().flat_map(|(receipt, expected)| {
        let keys = expected.documents.iter().enumerate();
        keys.map(move |(document, (key, _))| (*key, (receipt, document)))
    });
    documents.collect()
}
