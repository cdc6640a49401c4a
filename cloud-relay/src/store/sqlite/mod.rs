//! The store in one SQLite file: for the single program, up to some fifty stores a second and
//! ten million events.
//!
//! A plain file in WAL mode with `synchronous=FULL`. One thread writes, whatever waits shares a
//! commit (`writer`); a few connections read (`readers`). Several processes may have the file
//! open: the command line changes it while the relay runs. A simulation has all of it done in
//! line, without threads. Natural keys stand in a table of
//! their own that is never archived; records stand compressed in pages. Does not decide
//! anything that `ingest` or `dispatch` decide.

mod books;
mod bundles;
mod codec;
mod copies;
mod deliveries;
mod devices;
mod holding;
mod ingest;
mod lanes;
mod open;
mod pages;
mod people;
mod progress;
mod readers;
mod sessions;
#[cfg(test)]
mod tests;
mod views;
mod writer;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use protocol::chain::{ChainHash, Epoch, Position, Sequence};
use protocol::downlink::{DownlinkCursor, DownlinkItem};
use protocol::handshake::judge::Evidence;
use protocol::handshake::{HoldReason, InstanceId, Statement};
use protocol::id::{DeviceId, StoreId, TargetId};

use self::readers::Readers;
use self::writer::Writer;
use super::model::{
    Batch, BatchOutcome, Bundle, Claim, Dedupe, Delivery, DeliveryFilter, DeliveryId, DeliveryView,
    Device, DeviceStory, HeldEvent, LaneView, NewDevice, NewToken, OriginalState, ReplayCount,
    ReplayFilter, Resolution, SessionChange, Step, StockMoveRow, Token, Transition,
};
use super::pack::Packed;
use super::wake::Wakes;
use super::{Store, StoreError};
use crate::seams::Heavy;

pub use self::writer::Disk;
pub(super) use open::open_alone;

/// The store in one file.
#[derive(Debug)]
pub struct SqliteStore {
    writer: Writer,
    readers: Readers,
    wakes: Arc<Wakes>,
    packing: Heavy,
}

impl SqliteStore {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// The file cannot be opened, belongs to another program or to a later version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = open::open_writer(path)?;
        let wakes = Arc::new(Wakes::default());
        let writer = Writer::start(connection, Arc::clone(&wakes))?;
        let readers = Readers::new(path.to_owned());
        Ok(Self { writer, readers, wakes, packing: Heavy::OnThreads })
    }

    /// The same without threads, for a simulation: whoever asks waits for the disk that is handed
    /// in and does the work itself.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub fn open_in_line(path: &Path, disk: &Disk) -> Result<Self, StoreError> {
        let connection = open::open_writer(path)?;
        let wakes = Arc::new(Wakes::default());
        let writer = Writer::in_line(connection, Arc::clone(&wakes), Arc::clone(disk));
        let readers = Readers::in_line(path.to_owned(), Arc::clone(disk));
        Ok(Self { writer, readers, wakes, packing: Heavy::InLine })
    }

    /// How many entries of a batch are held already, as far as can be seen before the lock: they
    /// need no packing.
    async fn held_of(&self, batch: &Batch) -> Result<usize, StoreError> {
        if batch.dedupe == Dedupe::Off {
            return Ok(0);
        }
        let head = match self.head(&batch.device, batch.epoch).await? {
            Some(head) => head.sequence,
            None => Sequence::NONE,
        };
        Ok(batch.entries.partition_point(|entry| entry.position.sequence <= head))
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn wakes(&self) -> &Wakes {
        &self.wakes
    }

    async fn add_token(&self, token: NewToken) -> Result<(), StoreError> {
        self.writer.run("add a token", move |c| devices::add_token(c, &token)).await
    }

    async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        self.readers.run("read the tokens", devices::tokens).await
    }

    async fn revoke_token(&self, label: &str, now: Timestamp) -> Result<(), StoreError> {
        let label = label.to_owned();
        self.writer.run("revoke a token", move |c| devices::revoke_token(c, &label, now)).await
    }

    async fn enrol(&self, device: NewDevice) -> Result<Option<Device>, StoreError> {
        self.writer.run("enrol a device", move |c| devices::enrol(c, &device)).await
    }

    async fn device(&self, device: &DeviceId) -> Result<Option<Device>, StoreError> {
        let device = device.clone();
        self.readers.run("read a device", move |c| devices::device(c, &device)).await
    }

    async fn devices(&self) -> Result<Vec<Device>, StoreError> {
        self.readers.run("read the devices", devices::devices).await
    }

    async fn revoke_device(&self, device: &DeviceId, now: Timestamp) -> Result<(), StoreError> {
        let device = device.clone();
        self.writer.run("revoke a device", move |c| devices::revoke(c, &device, now)).await
    }

    async fn release_device(
        &self,
        device: &DeviceId,
        keep: Option<InstanceId>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let device = device.clone();
        self.writer.run("release a device", move |c| copies::release(c, &device, keep, now)).await
    }

    async fn device_story(&self, device: &DeviceId) -> Result<Option<DeviceStory>, StoreError> {
        let device = device.clone();
        self.readers.run("read a device's story", move |c| copies::story(c, &device)).await
    }

    async fn evidence(&self, statement: &Statement) -> Result<Evidence, StoreError> {
        let statement = statement.clone();
        let attempt = "read what is known of a device's journal";
        self.readers.run(attempt, move |c| sessions::evidence(c, &statement)).await
    }

    async fn record_session(&self, change: SessionChange) -> Result<(), StoreError> {
        self.writer.run("record a session", move |c| sessions::record(c, &change)).await
    }

    async fn commit_batch(&self, batch: Batch) -> Result<BatchOutcome, StoreError> {
        let held = self.held_of(&batch).await?;
        let attempt = "commit a batch";
        let packing = move || {
            let packed = Packed::of(&batch.entries[held..]);
            (batch, packed)
        };
        let (batch, packed) = self
            .packing
            .run(packing)
            .await
            .map_err(|error| StoreError::Database { attempt, source: Box::new(error) })?;
        self.writer.run(attempt, move |c| ingest::commit(c, &batch, held, &packed)).await
    }

    async fn hold_device(
        &self,
        device: &DeviceId,
        reason: HoldReason,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let device = device.clone();
        self.writer.run("hold a device", move |c| devices::hold(c, &device, reason, now)).await
    }

    async fn head(&self, device: &DeviceId, epoch: Epoch) -> Result<Option<Position>, StoreError> {
        let device = device.clone();
        self.readers.run("read a head", move |c| sessions::head(c, &device, epoch)).await
    }

    async fn chain_hash(
        &self,
        device: &DeviceId,
        epoch: Epoch,
        sequence: Sequence,
    ) -> Result<Option<ChainHash>, StoreError> {
        let device = device.clone();
        let read =
            move |c: &rusqlite::Connection| sessions::chain_hash(c, &device, epoch, sequence);
        self.readers.run("read a chain hash", read).await
    }

    async fn device_is_level(&self, device: &DeviceId, now: Timestamp) -> Result<(), StoreError> {
        let device = device.clone();
        let attempt = "note that a device is level";
        self.writer.run(attempt, move |c| devices::is_level(c, &device, now)).await
    }

    async fn downlink(
        &self,
        device: &DeviceId,
        after: DownlinkCursor,
        count_max: usize,
    ) -> Result<Vec<DownlinkItem>, StoreError> {
        let device = device.clone();
        let read = move |c: &rusqlite::Connection| {
            progress::items(c, devices::device_row(c, &device)?, after, count_max)
        };
        self.readers.run("read a device's news", read).await
    }

    async fn claim_lane(
        &self,
        worker: &str,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<Option<Claim>, StoreError> {
        let worker = worker.to_owned();
        self.writer.run("claim a lane", move |c| lanes::claim(c, &worker, now, lease)).await
    }

    async fn renew(
        &self,
        claim: &Claim,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<(), StoreError> {
        let claim = claim.clone();
        self.writer.run("prolong a claim", move |c| lanes::renew(c, &claim, now, lease)).await
    }

    async fn release_lane(
        &self,
        claim: &Claim,
        wake_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let claim = claim.clone();
        self.writer.run("give a lane back", move |c| lanes::release(c, &claim, wake_at)).await
    }

    async fn open_deliveries(
        &self,
        claim: &Claim,
        count_max: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        let claim = claim.clone();
        let attempt = "read a lane's deliveries";
        self.readers.run(attempt, move |c| deliveries::open(c, &claim, count_max)).await
    }

    async fn begin(&self, claim: &Claim, steps: &[Step]) -> Result<(), StoreError> {
        let (claim, steps) = (claim.clone(), steps.to_vec());
        self.writer.run("begin attempts", move |c| deliveries::begin(c, &claim, &steps)).await
    }

    async fn finish(&self, claim: &Claim, transitions: &[Transition]) -> Result<(), StoreError> {
        let (claim, transitions) = (claim.clone(), transitions.to_vec());
        let attempt = "record what came of attempts";
        self.writer.run(attempt, move |c| deliveries::finish(c, &claim, &transitions)).await
    }

    async fn put_bundle(&self, claim: &Claim, bundle: &Bundle) -> Result<(), StoreError> {
        let (claim, bundle) = (claim.clone(), bundle.clone());
        self.writer.run("store a bundle", move |c| bundles::put(c, &claim, &bundle)).await
    }

    async fn open_bundle(&self, claim: &Claim) -> Result<Option<Bundle>, StoreError> {
        let claim = claim.clone();
        self.readers.run("read a lane's bundle", move |c| bundles::open(c, &claim)).await
    }

    async fn original(
        &self,
        target: &TargetId,
        natural_key: &str,
    ) -> Result<OriginalState, StoreError> {
        let (target, natural_key) = (target.clone(), natural_key.to_owned());
        let read = move |c: &rusqlite::Connection| deliveries::original(c, &target, &natural_key);
        self.readers.run("look for an earlier event", read).await
    }

    async fn moves_since(
        &self,
        claim: &Claim,
        before: DeliveryId,
        since: Timestamp,
    ) -> Result<Vec<StockMoveRow>, StoreError> {
        let claim = claim.clone();
        let read =
            move |c: &rusqlite::Connection| deliveries::moves_since(c, &claim, before, since);
        self.readers.run("read later movements of stock", read).await
    }

    async fn pause_target(
        &self,
        target: &TargetId,
        until: Timestamp,
        reason: &str,
    ) -> Result<(), StoreError> {
        let (target, reason) = (target.clone(), reason.to_owned());
        self.writer.run("pause a target", move |c| lanes::pause(c, &target, until, &reason)).await
    }

    async fn lanes(&self) -> Result<Vec<LaneView>, StoreError> {
        self.readers.run("read the lanes", lanes::views).await
    }

    async fn deliveries(&self, filter: &DeliveryFilter) -> Result<Vec<DeliveryView>, StoreError> {
        let filter = filter.clone();
        self.readers.run("list deliveries", move |c| views::deliveries(c, &filter)).await
    }

    async fn delivery(&self, id: DeliveryId) -> Result<Option<DeliveryView>, StoreError> {
        self.readers.run("read a delivery", move |c| views::delivery(c, id)).await
    }

    async fn retry(&self, id: DeliveryId, by: &str, now: Timestamp) -> Result<(), StoreError> {
        let by = by.to_owned();
        self.writer.run("put an exception back", move |c| people::retry(c, id, &by, now)).await
    }

    async fn resolve(&self, id: DeliveryId, resolution: Resolution) -> Result<(), StoreError> {
        self.writer.run("settle an exception", move |c| people::resolve(c, id, &resolution)).await
    }

    async fn replay(
        &self,
        filter: &ReplayFilter,
        events: Vec<HeldEvent>,
        dry_run: bool,
        now: Timestamp,
    ) -> Result<ReplayCount, StoreError> {
        let filter = filter.clone();
        let plan = move |c: &writer::Change<'_>| people::replay(c, &filter, &events, dry_run, now);
        self.writer.run("plan deliveries again", plan).await
    }

    async fn held_events(
        &self,
        filter: &ReplayFilter,
        after: Option<(DeviceId, Epoch, Sequence)>,
        count_max: usize,
    ) -> Result<Vec<HeldEvent>, StoreError> {
        let filter = filter.clone();
        let read = move |c: &rusqlite::Connection| {
            people::held_events(c, &filter, after.as_ref(), count_max)
        };
        self.readers.run("read held events", read).await
    }

    async fn stores(&self) -> Result<Vec<StoreId>, StoreError> {
        self.readers.run("read the stores", devices::stores).await
    }
}
