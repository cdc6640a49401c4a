//! A store in memory that can crash before or after each commit.
//!
//! Keeps what dispatch needs, by the same rules as the real one: fences, attempts written down as
//! unknown, bundles that are settled when nobody is tied to them. Everything else is refused.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use protocol::chain::{ChainHash, Epoch, Position, Sequence};
use protocol::downlink::{DownlinkCursor, DownlinkItem};
use protocol::handshake::judge::Evidence;
use protocol::handshake::{HoldReason, InstanceId, Statement};
use protocol::id::{DeviceId, StoreId, TargetId};

use crate::connectors::Class;
use crate::store::model::{
    Batch, BatchOutcome, Bundle, Claim, Delivery, DeliveryFilter, DeliveryId, DeliveryState,
    DeliveryView, Device, DeviceStory, Fencing, HeldEvent, Lane, LaneView, NewDevice, NewToken,
    OriginalState, ReplayCount, ReplayFilter, Resolution, SessionChange, Step, StockMoveRow, Token,
    Transition,
};
use crate::store::originals::{NamedReceipt, as_original};
use crate::store::wake::Wakes;
use crate::store::{Store, StoreError};

/// What happens at a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dispatch) enum Fault {
    /// It is made.
    None,
    /// The worker dies before it.
    CrashBefore,
    /// The worker dies after it.
    CrashAfter,
    /// Another worker had taken the lane over.
    FenceLost,
}

#[derive(Debug, Default)]
struct LaneRow {
    fence: u64,
    held_until: Option<Timestamp>,
    due_at: Option<Timestamp>,
}

#[derive(Debug, Default)]
pub(in crate::dispatch) struct Rows {
    lane: LaneRow,
    pub(in crate::dispatch) deliveries: BTreeMap<DeliveryId, Delivery>,
    pub(in crate::dispatch) bundle: Option<Bundle>,
    pub(in crate::dispatch) devices: Vec<Device>,
    pub(in crate::dispatch) moves: Vec<StockMoveRow>,
    pub(in crate::dispatch) paused: Option<(Timestamp, String)>,
    pub(in crate::dispatch) faults: VecDeque<Fault>,
    pub(in crate::dispatch) attempts: Vec<Step>,
    pub(in crate::dispatch) transitions: Vec<Transition>,
}

/// One lane in memory.
#[derive(Default)]
pub(in crate::dispatch) struct Memory {
    rows: Mutex<Rows>,
    wakes: Wakes,
    changes: tokio::sync::watch::Sender<u64>,
}

pub(in crate::dispatch) fn lane() -> Lane {
    Lane {
        store: StoreId::new("0042").unwrap(),
        target: TargetId::new("shop").unwrap(),
        class: Class::Receipts,
    }
}

impl Memory {
    pub(in crate::dispatch) fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap()
    }

    /// Changes with every commit.
    pub(in crate::dispatch) fn changes(&self) -> tokio::sync::watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(in crate::dispatch) fn add(&self, delivery: Delivery) {
        let mut rows = self.rows();
        rows.lane.due_at = Some(Timestamp::MIN);
        rows.deliveries.insert(delivery.id, delivery);
        drop(rows);
        self.wakes.work_arrived();
    }

    pub(in crate::dispatch) fn state(&self, id: DeliveryId) -> DeliveryState {
        self.rows().deliveries[&id].state.clone()
    }

    pub(in crate::dispatch) fn is_settled(&self) -> bool {
        self.rows().deliveries.values().all(|delivery| is_over(&delivery.state))
    }

    /// Makes a change under a fence, with the next fault of the script.
    fn commit(&self, claim: &Claim, change: impl FnOnce(&mut Rows)) -> Result<(), StoreError> {
        let mut rows = self.rows();
        let fault = rows.faults.pop_front().unwrap_or(Fault::None);
        if fault == Fault::FenceLost {
            rows.lane.fence += 1;
            rows.lane.held_until = None;
            rows.lane.due_at = Some(Timestamp::MIN);
        }
        if rows.lane.fence != claim.fence {
            return Err(StoreError::FenceLost);
        }
        if fault == Fault::CrashBefore {
            return Err(crash());
        }
        change(&mut rows);
        self.changes.send_modify(|count| *count += 1);
        if fault == Fault::CrashAfter { Err(crash()) } else { Ok(()) }
    }
}

fn crash() -> StoreError {
    StoreError::Database { attempt: "commit", source: "the program died".into() }
}

pub(super) fn refused<T>() -> Result<T, StoreError> {
    Err(StoreError::Unknown { what: "method", id: "of this store".to_owned() })
}

fn is_over(state: &DeliveryState) -> bool {
    matches!(
        state,
        DeliveryState::Done { .. }
            | DeliveryState::Exception { .. }
            | DeliveryState::Resolved { .. }
    )
}

#[async_trait]
impl Store for Memory {
    fn wakes(&self) -> &Wakes {
        &self.wakes
    }
    async fn claim_lane(
        &self,
        _worker: &str,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<Option<Claim>, StoreError> {
        let mut rows = self.rows();
        let is_held = rows.lane.held_until.is_some_and(|until| until > now);
        let is_paused = rows.paused.as_ref().is_some_and(|(until, _)| *until > now);
        let is_due = rows.lane.held_until.is_some() || rows.lane.due_at.is_some_and(|at| at <= now);
        if is_held || is_paused || !is_due {
            return Ok(None);
        }
        let lease_until = now.saturating_add(lease).unwrap();
        rows.lane.fence += 1;
        rows.lane.held_until = Some(lease_until);
        let (fence, fencing) = (rows.lane.fence, Fencing::On);
        Ok(Some(Claim { lane: lane(), lane_id: 1, fence, lease_until, fencing }))
    }
    async fn renew(
        &self,
        claim: &Claim,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<(), StoreError> {
        self.commit(claim, |rows| rows.lane.held_until = now.saturating_add(lease).ok())
    }
    async fn release_lane(
        &self,
        claim: &Claim,
        wake_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        self.commit(claim, |rows| {
            rows.lane.held_until = None;
            rows.lane.due_at = wake_at;
        })
    }
    async fn open_deliveries(
        &self,
        _claim: &Claim,
        count_max: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        let rows = self.rows();
        let open = rows.deliveries.values().filter(|delivery| !is_over(&delivery.state));
        Ok(open.take(count_max).cloned().collect())
    }
    async fn begin(&self, claim: &Claim, steps: &[Step]) -> Result<(), StoreError> {
        self.commit(claim, |rows| {
            for step in steps {
                let deadline = step.deadline;
                let delivery = rows.deliveries.get_mut(&step.id).unwrap();
                delivery.attempts += 1;
                delivery.state = DeliveryState::Unknown { deadline, at: deadline };
                rows.attempts.push(step.clone());
            }
        })
    }
    async fn finish(&self, claim: &Claim, transitions: &[Transition]) -> Result<(), StoreError> {
        self.commit(claim, |rows| {
            for transition in transitions {
                let delivery = rows.deliveries.get_mut(&transition.id).unwrap();
                assert!(!is_over(&delivery.state), "{transition:?} after {:?}", delivery.state);
                delivery.state = transition.state.clone();
                rows.transitions.push(transition.clone());
            }
            let tied = |bundle: &Bundle| {
                let state = DeliveryState::Bundled { key: bundle.key };
                rows.deliveries.values().any(|delivery| delivery.state == state)
            };
            if rows.bundle.as_ref().is_some_and(|bundle| !tied(bundle)) {
                rows.bundle = None;
            }
        })
    }
    async fn put_bundle(&self, claim: &Claim, bundle: &Bundle) -> Result<(), StoreError> {
        self.commit(claim, |rows| {
            if let Some(stored) = &rows.bundle {
                let same = (stored.key, &stored.body, &stored.members);
                assert_eq!(same, (bundle.key, &bundle.body, &bundle.members), "byte for byte");
            }
            for member in &bundle.members {
                let state = DeliveryState::Bundled { key: bundle.key };
                rows.deliveries.get_mut(member).unwrap().state = state;
            }
            rows.bundle = Some(bundle.clone());
        })
    }
    async fn open_bundle(&self, _claim: &Claim) -> Result<Option<Bundle>, StoreError> {
        Ok(self.rows().bundle.clone())
    }
    async fn original(
        &self,
        _target: &TargetId,
        natural_key: &str,
    ) -> Result<OriginalState, StoreError> {
        let rows = self.rows();
        let all = || rows.deliveries.values();
        let exact = all().find(|delivery| delivery.natural_key == natural_key);
        let of_receipt = || {
            let receipt = NamedReceipt::of(natural_key)?;
            let rank = |delivery: &&Delivery| receipt.rank(&delivery.natural_key);
            let in_range = |delivery: &&Delivery| {
                let key = delivery.natural_key.as_str();
                receipt.from.as_str() <= key && key < receipt.below.as_str()
            };
            let fitting = all().filter(in_range).filter(|delivery| rank(delivery).is_some());
            fitting.min_by_key(rank)
        };
        let found = exact.or_else(of_receipt).map(|delivery| delivery.state.clone());
        Ok(found.map_or(OriginalState::NeverSeen, as_original))
    }
    async fn moves_since(
        &self,
        _claim: &Claim,
        _before: DeliveryId,
        since: Timestamp,
    ) -> Result<Vec<StockMoveRow>, StoreError> {
        let rows = self.rows();
        Ok(rows.moves.iter().filter(|moved| moved.occurred_at > since).cloned().collect())
    }
    async fn pause_target(
        &self,
        _target: &TargetId,
        until: Timestamp,
        reason: &str,
    ) -> Result<(), StoreError> {
        self.rows().paused = Some((until, reason.to_owned()));
        Ok(())
    }
    async fn devices(&self) -> Result<Vec<Device>, StoreError> {
        Ok(self.rows().devices.clone())
    }

    async fn add_token(&self, _: NewToken) -> Result<(), StoreError> {
        refused()
    }
    async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        refused()
    }
    async fn revoke_token(&self, _: &str, _: Timestamp) -> Result<(), StoreError> {
        refused()
    }
    async fn enrol(&self, _: NewDevice) -> Result<Option<Device>, StoreError> {
        refused()
    }
    async fn device(&self, _: &DeviceId) -> Result<Option<Device>, StoreError> {
        refused()
    }
    async fn revoke_device(&self, _: &DeviceId, _: Timestamp) -> Result<(), StoreError> {
        refused()
    }
    async fn release_device(
        &self,
        _: &DeviceId,
        _: Option<InstanceId>,
        _: Timestamp,
    ) -> Result<(), StoreError> {
        refused()
    }
    async fn device_story(&self, _: &DeviceId) -> Result<Option<DeviceStory>, StoreError> {
        refused()
    }
    async fn evidence(&self, _: &Statement) -> Result<Evidence, StoreError> {
        refused()
    }
    async fn record_session(&self, _: SessionChange) -> Result<(), StoreError> {
        refused()
    }
    async fn commit_batch(&self, _: Batch) -> Result<BatchOutcome, StoreError> {
        refused()
    }
    async fn hold_device(
        &self,
        _: &DeviceId,
        _: HoldReason,
        _: Timestamp,
    ) -> Result<(), StoreError> {
        refused()
    }
    async fn head(&self, _: &DeviceId, _: Epoch) -> Result<Option<Position>, StoreError> {
        refused()
    }
    async fn chain_hash(
        &self,
        _: &DeviceId,
        _: Epoch,
        _: Sequence,
    ) -> Result<Option<ChainHash>, StoreError> {
        refused()
    }
    async fn device_is_level(&self, _: &DeviceId, _: Timestamp) -> Result<(), StoreError> {
        refused()
    }
    async fn downlink(
        &self,
        _: &DeviceId,
        _: DownlinkCursor,
        _: usize,
    ) -> Result<Vec<DownlinkItem>, StoreError> {
        refused()
    }
    async fn lanes(&self) -> Result<Vec<LaneView>, StoreError> {
        refused()
    }
    async fn deliveries(&self, _: &DeliveryFilter) -> Result<Vec<DeliveryView>, StoreError> {
        refused()
    }
    async fn delivery(&self, _: DeliveryId) -> Result<Option<DeliveryView>, StoreError> {
        refused()
    }
    async fn retry(&self, _: DeliveryId, _: &str, _: Timestamp) -> Result<(), StoreError> {
        refused()
    }
    async fn resolve(&self, _: DeliveryId, _: Resolution) -> Result<(), StoreError> {
        refused()
    }
    async fn replay(
        &self,
        _: &ReplayFilter,
        _: Vec<HeldEvent>,
        _: bool,
        _: Timestamp,
    ) -> Result<ReplayCount, StoreError> {
        refused()
    }
    async fn held_events(
        &self,
        _: &ReplayFilter,
        _: Option<(DeviceId, Epoch, Sequence)>,
        _: usize,
    ) -> Result<Vec<HeldEvent>, StoreError> {
        refused()
    }
    async fn stores(&self) -> Result<Vec<StoreId>, StoreError> {
        refused()
    }
}
