//! The whole of sync over a simulated way up and a real journal.

use std::sync::Mutex;

use jiff::Timestamp;
use journal::{DataKey, NewEntry, Options};
use protocol::batch::{Acknowledgement, Batch, BatchAnswer};
use protocol::bytes::Bytes;
use protocol::chain::{Position, Sequence};
use protocol::downlink::{DownlinkBody, DownlinkItem, DownlinkPage};
use protocol::handshake::{HoldReason, SessionAnswer, Standing, Statement};
use protocol::id::{EventId, TargetId};
use protocol::progress::{Progress, ProgressState};
use protocol::record::Findings;
use tokio::time::timeout;

use super::batch::Packed;
use super::uplink::Poll;
use super::*;

/// Far beyond what any of this takes; reached only by a fault.
const DEADLINE: Duration = Duration::from_secs(20);

/// A relay in memory and the line to it.
#[derive(Debug)]
pub(super) struct Simulated {
    pub(super) relay: Mutex<Relay>,
    changed: watch::Sender<()>,
}

#[derive(Debug)]
pub(super) struct Relay {
    head: Position,
    /// Every entry that was committed, in order.
    pub(super) taken: Vec<Sequence>,
    online: bool,
    standing: Standing,
    pub(super) sessions: u32,
    /// Commits, but the answer is lost.
    answers_lost: u32,
    /// Loses batches on their way.
    batches_lost: bool,
    /// Acknowledges with another chain hash.
    forges: bool,
    news: Vec<DownlinkItem>,
    /// The last entry that was kept aside.
    aside: Sequence,
}

impl Simulated {
    pub(super) fn new() -> Arc<Self> {
        let relay = Relay {
            head: Position::START,
            taken: Vec::new(),
            online: true,
            standing: Standing::Resume,
            sessions: 0,
            answers_lost: 0,
            batches_lost: false,
            forges: false,
            news: Vec::new(),
            aside: Sequence::NONE,
        };
        Arc::new(Self { relay: Mutex::new(relay), changed: watch::Sender::new(()) })
    }

    fn change(&self, change: impl FnOnce(&mut Relay)) {
        change(&mut self.relay.lock().unwrap());
        self.changed.send_replace(());
    }

    /// Waits until the relay is as wanted.
    pub(super) async fn until(&self, wanted: impl Fn(&Relay) -> bool) {
        let mut changes = self.changed.subscribe();
        let wait = async {
            while !wanted(&self.relay.lock().unwrap()) {
                changes.changed().await.unwrap();
            }
        };
        timeout(DEADLINE, wait)
            .await
            .unwrap_or_else(|_| panic!("{:?}", self.relay.lock().unwrap()));
    }
}

pub(super) fn gone() -> Failure {
    Failure::Unreachable(Reason::new(Code::RelayUnreachable, "gone"))
}

impl Uplink for Simulated {
    async fn open_session(&self, statement: &Statement) -> Result<SessionAnswer, Failure> {
        let mut relay = self.relay.lock().unwrap();
        relay.sessions += 1;
        self.changed.send_replace(());
        if !relay.online {
            return Err(gone());
        }
        Ok(SessionAnswer {
            device: statement.device.clone(),
            epoch: statement.epoch,
            head: relay.head,
            standing: relay.standing.clone(),
            ticket: Bytes([5; 16]),
            instance: statement.instance,
            attempt: statement.attempt,
            relay_time: statement.host_time,
        })
    }

    async fn send(&self, batch: &Packed) -> Result<BatchAnswer, Failure> {
        let mut relay = self.relay.lock().unwrap();
        if !relay.online || relay.batches_lost {
            return Err(gone());
        }
        let batch: Batch = serde_json::from_slice(&batch.json).unwrap();
        let positions = batch.positions().unwrap();
        if let Standing::Held { .. } = relay.standing {
            let Position { sequence, chain_hash } = positions[positions.len() - 1];
            let (device, epoch) = (batch.device, batch.epoch);
            relay.aside = sequence;
            self.changed.send_replace(());
            return Ok(BatchAnswer::Aside(Acknowledgement { device, epoch, sequence, chain_hash }));
        }
        for position in positions {
            if position.sequence > relay.head.sequence {
                relay.head = position;
                relay.taken.push(position.sequence);
            }
        }
        self.changed.send_replace(());
        if relay.answers_lost > 0 {
            relay.answers_lost -= 1;
            return Err(gone());
        }
        let Position { sequence, mut chain_hash } = relay.head;
        if relay.forges {
            chain_hash = Bytes([0xEE; 32]);
        }
        let (device, epoch) = (batch.device, batch.epoch);
        Ok(BatchAnswer::Acknowledgement(Acknowledgement { device, epoch, sequence, chain_hash }))
    }

    async fn poll(&self, poll: Poll) -> Result<DownlinkPage, Failure> {
        let mut changes = self.changed.subscribe();
        loop {
            let items: Vec<_> = {
                let relay = self.relay.lock().unwrap();
                if !relay.online {
                    return Err(gone());
                }
                relay.news.iter().filter(|item| item.cursor > poll.after).cloned().collect()
            };
            if !items.is_empty() {
                return Ok(DownlinkPage { items, relay_time: Timestamp::UNIX_EPOCH });
            }
            changes.changed().await.unwrap();
        }
    }
}

pub(super) struct Store {
    _folder: tempfile::TempDir,
    pub(super) parts: Parts,
}

impl Store {
    pub(super) fn new(seams: Seams) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            file: folder.path().join("journal.db"),
            key: DataKey::new([1; 32]),
            new_epoch: Bytes([7; 16]),
        };
        let journal = Journal::open(&options).unwrap();
        let health = Health::new(Link::NoRelay);
        let store = StoreId::new("0042").unwrap();
        let parts = Parts { store, journal, health, seams, instance: Bytes([3; 16]) };
        Self { _folder: folder, parts }
    }

    pub(super) async fn sell(&self, number: u8) {
        let entry = NewEntry {
            event_id: event(number),
            natural_key: format!("sale/{number}"),
            content_hash: Bytes([number; 32]),
            event: format!("{{\"number\":{number}}}"),
            findings: Findings::default(),
            journaled_at: Timestamp::UNIX_EPOCH,
            cursor: None,
            local: None,
        };
        self.parts.journal.append(entry).await.unwrap();
    }

    /// Runs sync beside what a test does.
    pub(super) async fn while_syncing<U: Uplink>(
        &self,
        relay: &Arc<U>,
        test: impl Future<Output = ()>,
    ) {
        let sync = sync(self.parts.clone(), Arc::clone(relay), DeviceId::new("d-1").unwrap());
        tokio::select! {
            displaced = sync => panic!("{displaced:?}"),
            () = test => {}
        }
    }

    pub(super) async fn until_link(&self, wanted: impl Fn(&Link) -> bool) {
        let mut changes = self.parts.health.changes();
        let wait = changes.wait_for(|state| wanted(&state.link));
        timeout(DEADLINE, wait).await.unwrap().unwrap();
    }

    pub(super) async fn until_acknowledged(&self, sequence: u64) {
        // The journal publishes the mark with no watch of its own; what follows it does.
        let mut changes = self.parts.health.changes();
        let wait = async {
            while self.parts.journal.acknowledged().sequence < Sequence(sequence) {
                tokio::select! {
                    changed = changes.changed() => changed.unwrap(),
                    () = tokio::task::yield_now() => {}
                }
            }
        };
        timeout(DEADLINE, wait).await.unwrap();
    }
}

fn event(number: u8) -> EventId {
    EventId(uuid::Uuid::from_bytes([number; 16]))
}

pub(super) fn sequences(range: std::ops::RangeInclusive<u64>) -> Vec<Sequence> {
    range.map(Sequence).collect()
}

#[tokio::test]
async fn an_outage_ends_with_every_sale_relayed_once_and_in_order() {
    let (store, relay) = (Store::new(Seams::default()), Simulated::new());
    relay.change(|relay| relay.online = false);
    store
        .while_syncing(&relay, async {
            for number in 1..=5 {
                store.sell(number).await;
            }
            store.until_link(|link| matches!(link, Link::Offline { .. })).await;
            assert_eq!(store.parts.journal.acknowledged(), Position::START);
            relay.change(|relay| relay.online = true);
            store.until_acknowledged(5).await;
        })
        .await;
    assert_eq!(relay.relay.lock().unwrap().taken, sequences(1..=5));
    assert!(store.parts.health.state(store.parts.seams.reading()).link.is_online());
}

#[tokio::test]
async fn a_lost_acknowledgement_is_made_up_for_and_nothing_is_doubled() {
    let (store, relay) = (Store::new(Seams::default()), Simulated::new());
    relay.change(|relay| relay.answers_lost = 1);
    store.sell(1).await;
    store.while_syncing(&relay, store.until_acknowledged(1)).await;
    assert_eq!(relay.relay.lock().unwrap().taken, sequences(1..=1));
}

#[tokio::test]
async fn what_a_held_device_sends_does_not_count_and_it_sells_on() {
    let (store, relay) = (Store::new(Seams::default()), Simulated::new());
    relay.change(|relay| {
        relay.standing = Standing::Held { reason: HoldReason::Clone, relay_head: None }
    });
    store
        .while_syncing(&relay, async {
            store.sell(1).await;
            store.until_link(|link| matches!(link, Link::Held { .. })).await;
            store.sell(2).await;
            let aside = async || store.parts.journal.note("aside").await.unwrap().is_some();
            relay.until(|relay| relay.aside == Sequence(2)).await;
            assert!(relay.relay.lock().unwrap().taken.is_empty());
            assert_eq!(store.parts.journal.acknowledged(), Position::START);
            assert!(aside().await, "it is known for the next session what is kept aside");
            // A batch that is taken tells of the release.
            relay.change(|relay| relay.standing = Standing::Resume);
            store.sell(3).await;
            store.until_acknowledged(3).await;
        })
        .await;
}

#[tokio::test]
async fn an_acknowledgement_with_another_chain_hash_never_counts() {
    let (store, relay) = (Store::new(Seams::default()), Simulated::new());
    relay.change(|relay| relay.forges = true);
    store.sell(1).await;
    let is_refused = |link: &Link| matches!(link, Link::Offline { reason, .. } if reason.code == Code::ChainBroken);
    store.while_syncing(&relay, store.until_link(is_refused)).await;
    assert_eq!(store.parts.journal.acknowledged(), Position::START);
}

/// The control: with the fault, entries count that no relay ever saw.
#[tokio::test]
async fn the_fault_counts_as_relayed_what_never_arrived() {
    let seams = Seams { relayed_when_sent: true, ..Seams::default() };
    let (store, relay) = (Store::new(seams), Simulated::new());
    store
        .while_syncing(&relay, async {
            relay.change(|relay| relay.batches_lost = true);
            store.sell(1).await;
            store.until_acknowledged(1).await;
        })
        .await;
    assert!(relay.relay.lock().unwrap().taken.is_empty(), "lost, and the mark says relayed");
}

#[tokio::test]
async fn news_of_a_sale_is_kept_and_asked_for_once() {
    let (store, relay) = (Store::new(Seams::default()), Simulated::new());
    store.sell(1).await;
    let progress = Progress {
        epoch: Bytes([7; 16]),
        sequence: Sequence(1),
        event_id: event(1),
        target: TargetId::new("shop").unwrap(),
        state: ProgressState::Applied,
        reference: None,
        detail: None,
        at: Timestamp::UNIX_EPOCH,
    };
    store
        .while_syncing(&relay, async {
            store.until_acknowledged(1).await;
            let body = DownlinkBody::Progress(progress.clone());
            relay.change(|relay| {
                relay.news.push(DownlinkItem { cursor: 4, body });
                relay.news.push(DownlinkItem { cursor: 9, body: DownlinkBody::Unknown });
            });
            let kept = async {
                while store.parts.journal.downlink_cursor().await.unwrap() < 9 {
                    tokio::task::yield_now().await;
                }
            };
            timeout(DEADLINE, kept).await.unwrap();
        })
        .await;
    assert_eq!(store.parts.journal.progress_of(event(1)).await.unwrap(), [progress]);
}

#[tokio::test]
async fn a_journal_that_was_replaced_under_an_identity_is_sent_nowhere() {
    let (store, relay) = (Store::new(Seams::default()), Simulated::new());
    let other = Position { sequence: Sequence(1), chain_hash: Bytes([9; 32]) };
    relay.change(|relay| relay.head = other);
    for number in 1..=2 {
        store.sell(number).await;
    }
    store.while_syncing(&relay, relay.until(|relay| relay.sessions >= 3)).await;
    assert!(relay.relay.lock().unwrap().taken.is_empty());
    assert_eq!(store.parts.journal.acknowledged(), Position::START);
}
