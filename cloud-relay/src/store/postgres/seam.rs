//! The seam's methods, each one transaction of one of the rooms.
//!
//! Decides nothing.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use protocol::chain::{ChainHash, Epoch, Position, Sequence};
use protocol::downlink::{DownlinkCursor, DownlinkItem};
use protocol::handshake::judge::Evidence;
use protocol::handshake::{HoldReason, InstanceId, Statement};
use protocol::id::{DeviceId, StoreId, TargetId};

use super::{
    PostgresStore, bundles, copies, deliveries, devices, ingest, lanes, people, progress, sessions,
    views,
};
use crate::store::model::{
    Batch, BatchOutcome, Bundle, Claim, Delivery, DeliveryFilter, DeliveryId, DeliveryView, Device,
    DeviceStory, HeldEvent, LaneView, NewDevice, NewToken, OriginalState, ReplayCount,
    ReplayFilter, Resolution, SessionChange, Step, StockMoveRow, Token, Transition,
};
use crate::store::pack::Packed;
use crate::store::wake::Wakes;
use crate::store::{Store, StoreError};

#[async_trait]
impl Store for PostgresStore {
    fn wakes(&self) -> &Wakes {
        &self.wakes
    }

    async fn add_token(&self, token: NewToken) -> Result<(), StoreError> {
        self.write("add a token", move |c| {
            Box::pin(async move { devices::add_token(c, &token).await })
        })
        .await
    }

    async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        self.read("read the tokens", |c| Box::pin(devices::tokens(c))).await
    }

    async fn revoke_token(&self, label: &str, now: Timestamp) -> Result<(), StoreError> {
        let label = label.to_owned();
        self.write("revoke a token", move |c| {
            Box::pin(async move { devices::revoke_token(c, &label, now).await })
        })
        .await
    }

    async fn enrol(&self, device: NewDevice) -> Result<Option<Device>, StoreError> {
        self.write("enrol a device", move |c| {
            Box::pin(async move { devices::enrol(c, &device).await })
        })
        .await
    }

    async fn device(&self, device: &DeviceId) -> Result<Option<Device>, StoreError> {
        let device = device.clone();
        self.read("read a device", move |c| {
            Box::pin(async move { devices::device(c, &device).await })
        })
        .await
    }

    async fn devices(&self) -> Result<Vec<Device>, StoreError> {
        self.read("read the devices", |c| Box::pin(devices::devices(c))).await
    }

    async fn revoke_device(&self, device: &DeviceId, now: Timestamp) -> Result<(), StoreError> {
        let device = device.clone();
        self.write("revoke a device", move |c| {
            Box::pin(async move { devices::revoke(c, &device, now).await })
        })
        .await
    }

    async fn release_device(
        &self,
        device: &DeviceId,
        keep: Option<InstanceId>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let device = device.clone();
        self.ready_for("release a device", now).await?;
        self.write("release a device", move |c| {
            Box::pin(async move { copies::release(c, &device, keep, now).await })
        })
        .await
    }

    async fn device_story(&self, device: &DeviceId) -> Result<Option<DeviceStory>, StoreError> {
        let device = device.clone();
        self.read("read a device's story", move |c| {
            Box::pin(async move { copies::story(c, &device).await })
        })
        .await
    }

    async fn evidence(&self, statement: &Statement) -> Result<Evidence, StoreError> {
        let statement = statement.clone();
        let attempt = "read what is known of a device's journal";
        self.read(attempt, move |c| {
            Box::pin(async move { sessions::evidence(c, &statement).await })
        })
        .await
    }

    async fn record_session(&self, change: SessionChange) -> Result<(), StoreError> {
        // It may release what was held back.
        self.ready_for("record a session", change.now).await?;
        self.write("record a session", move |c| {
            Box::pin(async move { sessions::record(c, &change).await })
        })
        .await
    }

    async fn commit_batch(&self, batch: Batch) -> Result<BatchOutcome, StoreError> {
        let held = self.held_of(&batch).await?;
        let attempt = "commit a batch";
        let packing = tokio::task::spawn_blocking(move || {
            let packed = Packed::of(&batch.entries[held..]);
            (batch, packed)
        });
        let (batch, packed) = packing
            .await
            .map_err(|error| StoreError::Database { attempt, source: Box::new(error) })?;
        self.ready_for(attempt, batch.now).await?;
        self.write(attempt, move |c| {
            Box::pin(async move { ingest::commit(c, &batch, held, &packed).await })
        })
        .await
    }

    async fn hold_device(
        &self,
        device: &DeviceId,
        reason: HoldReason,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let device = device.clone();
        self.write("hold a device", move |c| {
            Box::pin(async move { devices::hold(c, &device, reason, now).await })
        })
        .await
    }

    async fn head(&self, device: &DeviceId, epoch: Epoch) -> Result<Option<Position>, StoreError> {
        let device = device.clone();
        self.read("read a head", move |c| {
            Box::pin(async move { sessions::head(c, &device, epoch).await })
        })
        .await
    }

    async fn chain_hash(
        &self,
        device: &DeviceId,
        epoch: Epoch,
        sequence: Sequence,
    ) -> Result<Option<ChainHash>, StoreError> {
        let device = device.clone();
        self.read("read a chain hash", move |c| {
            Box::pin(async move { sessions::chain_hash(c, &device, epoch, sequence).await })
        })
        .await
    }

    async fn device_is_level(&self, device: &DeviceId, now: Timestamp) -> Result<(), StoreError> {
        let device = device.clone();
        let attempt = "note that a device is level";
        self.write(attempt, move |c| {
            Box::pin(async move { devices::is_level(c, &device, now).await })
        })
        .await
    }

    async fn downlink(
        &self,
        device: &DeviceId,
        after: DownlinkCursor,
        count_max: usize,
    ) -> Result<Vec<DownlinkItem>, StoreError> {
        let device = device.clone();
        self.read("read a device's news", move |c| {
            Box::pin(async move { progress::items(c, &device, after, count_max).await })
        })
        .await
    }

    async fn claim_lane(
        &self,
        worker: &str,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<Option<Claim>, StoreError> {
        let worker = worker.to_owned();
        self.write("claim a lane", move |c| {
            Box::pin(async move { lanes::claim(c, &worker, now, lease).await })
        })
        .await
    }

    async fn renew(
        &self,
        claim: &Claim,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<(), StoreError> {
        let claim = claim.clone();
        self.write("prolong a claim", move |c| {
            Box::pin(async move { lanes::renew(c, &claim, now, lease).await })
        })
        .await
    }

    async fn release_lane(
        &self,
        claim: &Claim,
        wake_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let claim = claim.clone();
        self.write("give a lane back", move |c| {
            Box::pin(async move { lanes::release(c, &claim, wake_at).await })
        })
        .await
    }

    async fn open_deliveries(
        &self,
        claim: &Claim,
        count_max: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        let claim = claim.clone();
        let attempt = "read a lane's deliveries";
        self.read(attempt, move |c| {
            Box::pin(async move { deliveries::open(c, &claim, count_max).await })
        })
        .await
    }

    async fn begin(&self, claim: &Claim, steps: &[Step]) -> Result<(), StoreError> {
        let (claim, steps) = (claim.clone(), steps.to_vec());
        self.write("begin attempts", move |c| {
            Box::pin(async move { deliveries::begin(c, &claim, &steps).await })
        })
        .await
    }

    async fn finish(&self, claim: &Claim, transitions: &[Transition]) -> Result<(), StoreError> {
        let (claim, transitions) = (claim.clone(), transitions.to_vec());
        let attempt = "record what came of attempts";
        self.write(attempt, move |c| {
            Box::pin(async move { deliveries::finish(c, &claim, &transitions).await })
        })
        .await
    }

    async fn put_bundle(&self, claim: &Claim, bundle: &Bundle) -> Result<(), StoreError> {
        let (claim, bundle) = (claim.clone(), bundle.clone());
        self.write("store a bundle", move |c| {
            Box::pin(async move { bundles::put(c, &claim, &bundle).await })
        })
        .await
    }

    async fn open_bundle(&self, claim: &Claim) -> Result<Option<Bundle>, StoreError> {
        let claim = claim.clone();
        self.read("read a lane's bundle", move |c| {
            Box::pin(async move { bundles::open(c, &claim).await })
        })
        .await
    }

    async fn original(
        &self,
        target: &TargetId,
        natural_key: &str,
    ) -> Result<OriginalState, StoreError> {
        let (target, natural_key) = (target.clone(), natural_key.to_owned());
        self.read("look for an earlier event", move |c| {
            Box::pin(async move { deliveries::original(c, &target, &natural_key).await })
        })
        .await
    }

    async fn moves_since(
        &self,
        claim: &Claim,
        before: DeliveryId,
        since: Timestamp,
    ) -> Result<Vec<StockMoveRow>, StoreError> {
        let claim = claim.clone();
        self.read("read later movements of stock", move |c| {
            Box::pin(async move { deliveries::moves_since(c, &claim, before, since).await })
        })
        .await
    }

    async fn pause_target(
        &self,
        target: &TargetId,
        until: Timestamp,
        reason: &str,
    ) -> Result<(), StoreError> {
        let (target, reason) = (target.clone(), reason.to_owned());
        self.write("pause a target", move |c| {
            Box::pin(async move { lanes::pause(c, &target, until, &reason).await })
        })
        .await
    }

    async fn lanes(&self) -> Result<Vec<LaneView>, StoreError> {
        self.read("read the lanes", |c| Box::pin(lanes::views(c))).await
    }

    async fn deliveries(&self, filter: &DeliveryFilter) -> Result<Vec<DeliveryView>, StoreError> {
        let filter = filter.clone();
        self.read("list deliveries", move |c| {
            Box::pin(async move { views::deliveries(c, &filter).await })
        })
        .await
    }

    async fn delivery(&self, id: DeliveryId) -> Result<Option<DeliveryView>, StoreError> {
        self.read("read a delivery", move |c| Box::pin(async move { views::delivery(c, id).await }))
            .await
    }

    async fn retry(&self, id: DeliveryId, by: &str, now: Timestamp) -> Result<(), StoreError> {
        let by = by.to_owned();
        self.write("put an exception back", move |c| {
            Box::pin(async move { people::retry(c, id, &by, now).await })
        })
        .await
    }

    async fn resolve(&self, id: DeliveryId, resolution: Resolution) -> Result<(), StoreError> {
        self.write("settle an exception", move |c| {
            Box::pin(async move { people::resolve(c, id, &resolution).await })
        })
        .await
    }

    async fn replay(
        &self,
        filter: &ReplayFilter,
        events: Vec<HeldEvent>,
        dry_run: bool,
        now: Timestamp,
    ) -> Result<ReplayCount, StoreError> {
        let filter = filter.clone();
        self.write("plan deliveries again", move |c| {
            Box::pin(async move { people::replay(c, &filter, &events, dry_run, now).await })
        })
        .await
    }

    async fn held_events(
        &self,
        filter: &ReplayFilter,
        after: Option<(DeviceId, Epoch, Sequence)>,
        count_max: usize,
    ) -> Result<Vec<HeldEvent>, StoreError> {
        let filter = filter.clone();
        self.read("read held events", move |c| {
            Box::pin(
                async move { people::held_events(c, &filter, after.as_ref(), count_max).await },
            )
        })
        .await
    }

    async fn stores(&self) -> Result<Vec<StoreId>, StoreError> {
        self.read("read the stores", |c| Box::pin(devices::stores(c))).await
    }
}
