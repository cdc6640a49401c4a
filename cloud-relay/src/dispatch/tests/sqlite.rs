//! Dispatch and the SQLite store fit together: what is committed there is brought to the target.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use jiff::Timestamp;
use protocol::bytes::Bytes;
use protocol::chain::Position;
use protocol::handshake::judge::SessionRow;
use protocol::id::{Code, DeviceId, EventId, TenantId};

use super::make::{at, delivery, record};
use super::memory::lane;
use super::vendor::{Mood, Vendor};
use crate::connectors::{Class, Connector, Mode, Planned, Targets};
use crate::dispatch::{Settings, WorkParts, work};
use crate::seams::Seams;
use crate::store::SharedStore;
use crate::store::model::{Batch, BatchEntry, Dedupe, NewDevice, NewToken, SessionChange};
use crate::store::sqlite::SqliteStore;

const SALES: i64 = 10;

fn planned(class: Class, mode: Mode, action: &str) -> Planned {
    Planned { class, mode, action: action.to_owned(), ..delivery(1, mode).planned }
}

fn entries() -> Vec<BatchEntry> {
    let mut position = Position::START;
    (1..=SALES)
        .map(|number| {
            let record = record(number);
            position = position.extended(Bytes([1; 16]), &record);
            let target = lane().target;
            BatchEntry {
                position,
                record,
                event_id: EventId(uuid::Uuid::from_u128(u128::try_from(number).unwrap())),
                natural_key: format!("key-{number}"),
                content_hash: Bytes([1; 32]),
                occurred_at: at(number),
                moves: Vec::new(),
                figures: None,
                deliveries: vec![
                    (target.clone(), planned(Class::Receipts, Mode::Document, "order.create")),
                    (target, planned(Class::Stock, Mode::Delta, "stock.change")),
                ],
                exception: None,
                relayed_before: None,
            }
        })
        .collect()
}

/// Enrols a device and takes its sales in.
async fn take_in(store: &SharedStore, now: Timestamp) {
    let (device, hash) = (DeviceId::new("d1").unwrap(), Bytes([3; 32]));
    let expires_at = now + Duration::from_secs(60);
    let label = Code::new("token").unwrap();
    let token = NewToken { label, hash, store: None, uses: 1, created_at: now, expires_at };
    store.add_token(token).await.unwrap();
    let new = NewDevice {
        device: device.clone(),
        store: lane().store,
        public_key: Bytes([7; 32]),
        token_hash: hash,
        agent_version: "1".to_owned(),
        now,
    };
    store.enrol(new).await.unwrap().unwrap();
    let epoch = Bytes([1; 16]);
    let row = SessionRow { ticket: Bytes([1; 16]), instance: Bytes([1; 16]), attempt: 1 };
    let change = SessionChange {
        device: device.clone(),
        epoch,
        begin: Some(None),
        current: Some(row),
        challenge: None,
        instance: row.instance,
        hold: None,
        copy: None,
        agent_version: "1".to_owned(),
        now,
    };
    store.record_session(change).await.unwrap();
    let batch = Batch {
        device,
        store: lane().store,
        epoch,
        before: Position::START,
        entries: entries(),
        level: true,
        dedupe: Dedupe::On,
        now,
    };
    store.commit_batch(batch).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_store_holds_is_applied_once_each() {
    let folder = tempfile::tempdir().unwrap();
    let store: SharedStore = Arc::new(SqliteStore::open(&folder.path().join("relay.db")).unwrap());
    let seams = Seams::default();
    take_in(&store, (seams.clock)()).await;
    let vendor = Vendor::new(Arc::new(AtomicI64::new(0)));
    vendor.books().moods.extend([Mood::Draft, Mood::Stale]);
    let connector: Arc<dyn Connector> = vendor.clone();
    let parts = WorkParts {
        store: store.clone(),
        targets: Targets::from([(lane().target, connector)]),
        tenant: TenantId::new("acme").unwrap(),
        seams,
        settings: Settings::default(),
    };
    let all_done = async {
        let mut changes = store.wakes().work();
        let done = |lanes: Vec<crate::store::model::LaneView>| {
            lanes.iter().map(|lane| lane.done).sum::<u64>() == 20
        };
        while !done(store.lanes().await.unwrap()) {
            changes.changed().await.unwrap();
        }
    };
    // The deadline stands in for a hang.
    let deadline = Duration::from_secs(20);
    tokio::time::timeout(deadline, work(parts, all_done)).await.expect("everything is applied");
    let books = vendor.books();
    assert_eq!(books.applied.len(), 20);
    assert!(books.applied.values().all(|times| times.len() == 1));
}
