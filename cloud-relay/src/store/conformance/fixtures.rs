//! Devices, journals and batches for the claims.

use jiff::{SignedDuration, Timestamp};
use protocol::bytes::Bytes;
use protocol::chain::{ChainHash, Epoch, Position};
use protocol::downlink::{DownlinkBody, DownlinkCursor};
use protocol::handshake::judge::SessionRow;
use protocol::handshake::{InstanceId, Predecessor};
use protocol::id::{Code, DeviceId, EventId, StoreId, TargetId};
use protocol::money::{Currency, Money};
use protocol::progress::Progress;
use ring::digest::{SHA256, digest};

use super::super::SharedStore;
use super::super::model::{
    Batch, BatchEntry, BatchOutcome, Claim, Dedupe, Delivery, DeliveryId, DeliveryState, NewDevice,
    NewToken, SessionChange, Step, StockMoveRow, Transition,
};
use crate::connectors::{Class, ExceptionClass, Mode, Planned, TargetRef};

pub(super) const LEASE: SignedDuration = SignedDuration::from_secs(30);

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

pub(super) fn sha256(text: &str) -> Bytes<32> {
    Bytes::from_slice(digest(&SHA256, text.as_bytes()).as_ref()).unwrap()
}

pub(super) fn device_id(name: &str) -> DeviceId {
    DeviceId::new(name).unwrap()
}

pub(super) fn store_id() -> StoreId {
    StoreId::new("0042").unwrap()
}

pub(super) fn shop() -> TargetId {
    TargetId::new("shop").unwrap()
}

pub(super) fn epoch(number: u8) -> Epoch {
    Bytes([number; 16])
}

pub(super) fn token(label: &str, uses: u32) -> NewToken {
    NewToken {
        label: Code::new(label).unwrap(),
        hash: sha256(label),
        store: None,
        uses,
        created_at: at(0),
        expires_at: at(1_000),
    }
}

pub(super) fn new_device(name: &str, token: &str) -> NewDevice {
    NewDevice {
        device: device_id(name),
        store: store_id(),
        public_key: sha256(name),
        token_hash: sha256(token),
        agent_version: "1.0.0".to_owned(),
        now: at(1),
    }
}

/// A session of instance `number` in an epoch, begun if `begin` is set.
pub(super) fn session(
    device: &DeviceId,
    epoch: Epoch,
    begin: Option<Option<Predecessor>>,
    number: u8,
) -> SessionChange {
    let row = SessionRow { ticket: Bytes([number; 16]), instance: Bytes([number; 16]), attempt: 1 };
    SessionChange {
        device: device.clone(),
        epoch,
        begin,
        current: Some(row),
        challenge: None,
        instance: row.instance,
        hold: None,
        copy: None,
        agent_version: "1.0.0".to_owned(),
        now: at(2),
    }
}

/// The change that puts a device on hold when `instance` states `epoch`.
pub(super) fn holding(
    device: &DeviceId,
    epoch: Epoch,
    reason: protocol::handshake::HoldReason,
    instance: InstanceId,
) -> SessionChange {
    SessionChange { current: None, hold: Some(reason), instance, ..session(device, epoch, None, 1) }
}

/// Enrols a device with one epoch begun and a session open.
pub(super) async fn enrolled(store: &SharedStore, name: &str) -> Journal {
    let label = format!("token of {name}");
    store.add_token(token(&label, 1)).await.unwrap();
    store.enrol(new_device(name, &label)).await.unwrap().unwrap();
    let journal = Journal::new(name, 1);
    store.record_session(session(&journal.device, journal.epoch, Some(None), 1)).await.unwrap();
    journal
}

/// What an agent's journal holds.
#[derive(Clone)]
pub(super) struct Journal {
    pub(super) device: DeviceId,
    pub(super) epoch: Epoch,
    pub(super) entries: Vec<BatchEntry>,
}

impl Journal {
    pub(super) fn new(device: &str, number: u8) -> Self {
        Self { device: device_id(device), epoch: epoch(number), entries: Vec::new() }
    }

    pub(super) fn head(&self) -> Position {
        self.position(self.entries.len())
    }

    /// The position after `count` entries.
    pub(super) fn position(&self, count: usize) -> Position {
        count.checked_sub(1).map_or(Position::START, |last| self.entries[last].position)
    }

    /// Appends an event under a key with some content.
    pub(super) fn push(&mut self, key: &str, content: &str, deliveries: Vec<(TargetId, Planned)>) {
        let record = format!("{{\"key\":\"{key}\",\"content\":\"{content}\"}}").into_bytes();
        let number = self.entries.len() + 1;
        let event = digest(&SHA256, format!("{}/{}/{number}", self.device, self.epoch).as_bytes());
        let id: [u8; 16] = event.as_ref()[..16].try_into().unwrap();
        self.entries.push(BatchEntry {
            position: self.head().extended(self.epoch, &record),
            record,
            event_id: EventId(uuid::Builder::from_random_bytes(id).into_uuid()),
            natural_key: key.to_owned(),
            content_hash: sha256(content),
            occurred_at: at(i64::try_from(number).unwrap()),
            moves: vec![StockMoveRow {
                location: "0042".to_owned(),
                item: "4711".to_owned(),
                quantity: "-1".parse().unwrap(),
                occurred_at: at(i64::try_from(number).unwrap()),
            }],
            figures: None,
            deliveries,
            exception: None,
            relayed_before: None,
        });
    }

    /// Appends a sale with an order and a change of stock.
    pub(super) fn sale(&mut self, key: &str) {
        self.push(key, key, vec![order(), delta()]);
    }

    /// The batch of the entries after `before` up to `end`.
    pub(super) fn batch(&self, before: usize, end: usize) -> Batch {
        Batch {
            device: self.device.clone(),
            store: store_id(),
            epoch: self.epoch,
            before: self.position(before),
            entries: self.entries[before..end].to_vec(),
            level: end == self.entries.len(),
            dedupe: Dedupe::On,
            now: at(100),
        }
    }

    pub(super) fn all(&self) -> Batch {
        self.batch(0, self.entries.len())
    }

    pub(super) fn hash(&self, count: usize) -> ChainHash {
        self.position(count).chain_hash
    }
}

pub(super) fn planned(class: Class, action: &str, mode: Mode) -> Planned {
    Planned {
        class,
        action: action.to_owned(),
        part: 0,
        mode,
        depends_on: Vec::new(),
        amount: Some(Money::new(545, Currency::new("EUR").unwrap())),
    }
}

pub(super) fn order() -> (TargetId, Planned) {
    (shop(), planned(Class::Receipts, "order.create", Mode::Document))
}

pub(super) fn delta() -> (TargetId, Planned) {
    (shop(), planned(Class::Stock, "stock.change", Mode::Delta))
}

pub(super) fn reference(name: &str) -> TargetRef {
    TargetRef { id: format!("id/{name}"), name: name.to_owned(), detail: serde_json::Value::Null }
}

pub(super) fn committed(journal: &Journal, end: usize, new: usize) -> BatchOutcome {
    BatchOutcome::Committed { end: journal.position(end), new }
}

/// What comes of a batch while the device is held.
pub(super) fn aside(journal: &Journal, end: usize, new: usize) -> BatchOutcome {
    BatchOutcome::Aside { end: journal.position(end), new }
}

pub(super) async fn claim(store: &SharedStore, class: Class, second: i64) -> Claim {
    let claim = store.claim_lane("w", at(second), LEASE).await.unwrap().expect("a lane is due");
    assert_eq!(claim.lane.class, class);
    claim
}

/// Claims the lane of stock and then that of receipts, which is less urgent.
pub(super) async fn claim_both(store: &SharedStore, second: i64) -> (Claim, Claim) {
    (claim(store, Class::Stock, second).await, claim(store, Class::Receipts, second).await)
}

pub(super) async fn open(store: &SharedStore, claim: &Claim) -> Vec<Delivery> {
    store.open_deliveries(claim, 1_000).await.unwrap()
}

pub(super) async fn attempt(store: &SharedStore, claim: &Claim, id: DeliveryId) {
    let step = Step { id, deadline: at(130), now: at(110) };
    store.begin(claim, &[step]).await.unwrap();
}

pub(super) fn transition(id: DeliveryId, state: DeliveryState) -> Transition {
    Transition { id, state, said: "said".to_owned(), now: at(120) }
}

pub(super) async fn move_to(
    store: &SharedStore,
    claim: &Claim,
    id: DeliveryId,
    state: DeliveryState,
) {
    store.finish(claim, &[transition(id, state)]).await.unwrap();
}

pub(super) fn done(name: &str) -> DeliveryState {
    DeliveryState::Done { reference: reference(name) }
}

pub(super) fn exception(class: ExceptionClass) -> DeliveryState {
    DeliveryState::Exception { class, reason: "it says no".to_owned(), since: at(120) }
}

/// The news for a device after a cursor.
pub(super) async fn news(
    store: &SharedStore,
    device: &DeviceId,
    after: DownlinkCursor,
) -> Vec<Progress> {
    let items = store.downlink(device, after, 100).await.unwrap();
    let progress = |body| match body {
        DownlinkBody::Progress(progress) => progress,
        DownlinkBody::Unknown => panic!("only progress is written"),
    };
    items.into_iter().map(|item| progress(item.body)).collect()
}
