//! The relay's store: inbox, outbox, devices and progress, behind one seam.
//!
//! Ingest and dispatch meet here and nowhere else. SQLite stands behind it for the single
//! program, PostgreSQL for several replicas; both pass the same conformance suite
//! (`conformance`). Each method is one transaction. Times and random bytes are arguments. Does not decide what is sent when
//! (`dispatch`) nor what is a clone (`protocol::handshake`).

pub mod books;
mod columns;
mod copies;
pub mod model;
pub(crate) mod originals;
mod pack;
mod plan;
pub mod postgres;
pub mod sqlite;
mod told;
pub mod wake;

#[cfg(test)]
pub mod conformance;

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use protocol::chain::{ChainHash, Epoch, Position, Sequence};
use protocol::downlink::{DownlinkCursor, DownlinkItem};
use protocol::handshake::judge::Evidence;
use protocol::handshake::{HoldReason, InstanceId, Statement};
use protocol::id::{DeviceId, StoreId, TargetId};

use self::model::{
    Batch, BatchOutcome, Bundle, Claim, Delivery, DeliveryFilter, DeliveryId, DeliveryView, Device,
    DeviceStory, HeldEvent, LaneView, NewDevice, NewToken, OriginalState, ReplayCount,
    ReplayFilter, Resolution, SessionChange, Step, StockMoveRow, Token, Transition,
};
use self::wake::Wakes;

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The claim's fence is no longer the lane's: another worker took over.
    #[error("the lane was taken over by another worker")]
    FenceLost,
    /// There is no such row.
    #[error("{what} `{id}` does not exist")]
    Unknown {
        /// The kind of row.
        what: &'static str,
        /// What was asked for.
        id: String,
    },
    /// The row is not in a state that allows it.
    #[error("{what} `{id}` is {state}")]
    State {
        /// The kind of row.
        what: &'static str,
        /// What was asked for.
        id: String,
        /// The state it is in, in words.
        state: String,
    },
    /// A later version wrote the store.
    #[error("the store has schema {found}, this program reads up to {known}")]
    Newer {
        /// The schema found.
        found: u32,
        /// The schema known.
        known: u32,
    },
    /// The database failed; nothing was half written.
    #[error("{attempt}")]
    Database {
        /// What was tried.
        attempt: &'static str,
        /// What the database said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A store that every part of the relay shares.
pub type SharedStore = Arc<dyn Store>;

/// The seam. Every method is one transaction, durable when it returns.
#[async_trait]
pub trait Store: books::Books {
    /// Tells this process of new work and news. A hint: another process's commits are not seen.
    fn wakes(&self) -> &Wakes;

    // Devices and tokens.

    /// Adds an enrolment token (its hash only).
    async fn add_token(&self, token: NewToken) -> Result<(), StoreError>;
    /// The tokens, newest first.
    async fn tokens(&self) -> Result<Vec<Token>, StoreError>;
    /// Revokes a token by its label.
    async fn revoke_token(&self, label: &str, now: Timestamp) -> Result<(), StoreError>;
    /// Uses up a token and adds the device, both or neither; `None` if the token is unknown,
    /// used up, expired, revoked or for another store.
    async fn enrol(&self, device: NewDevice) -> Result<Option<Device>, StoreError>;
    /// One device.
    async fn device(&self, device: &DeviceId) -> Result<Option<Device>, StoreError>;
    /// All devices, by store.
    async fn devices(&self) -> Result<Vec<Device>, StoreError>;
    /// Revokes a device.
    async fn revoke_device(&self, device: &DeviceId, now: Timestamp) -> Result<(), StoreError>;
    /// Releases a held device. `keep` names the copy that keeps the identity, which may be left
    /// out if no more than one spoke. What it was held back with and continues the head goes into
    /// inbox and outbox, as planned when it arrived; another branch stays aside, and the other
    /// copies are displaced, as is the only one if its journal left the relay's history.
    async fn release_device(
        &self,
        device: &DeviceId,
        keep: Option<InstanceId>,
        now: Timestamp,
    ) -> Result<(), StoreError>;
    /// A device with its journals and copies.
    async fn device_story(&self, device: &DeviceId) -> Result<Option<DeviceStory>, StoreError>;

    // Sessions and ingest.

    /// What is known when a statement arrives.
    async fn evidence(&self, statement: &Statement) -> Result<Evidence, StoreError>;
    /// Writes down what a statement led to: session row, superseded instances, a new epoch, a hold.
    async fn record_session(&self, change: SessionChange) -> Result<(), StoreError>;
    /// Inbox, outbox and head in one commit.
    async fn commit_batch(&self, batch: Batch) -> Result<BatchOutcome, StoreError>;
    /// Puts a device on hold, or begins its time of silence anew.
    async fn hold_device(
        &self,
        device: &DeviceId,
        reason: HoldReason,
        now: Timestamp,
    ) -> Result<(), StoreError>;
    /// The head of a device's epoch.
    async fn head(&self, device: &DeviceId, epoch: Epoch) -> Result<Option<Position>, StoreError>;
    /// The chain hash of one entry.
    async fn chain_hash(
        &self,
        device: &DeviceId,
        epoch: Epoch,
        sequence: Sequence,
    ) -> Result<Option<ChainHash>, StoreError>;
    /// Notes that a device holds nothing unsent as of `now`.
    async fn device_is_level(&self, device: &DeviceId, now: Timestamp) -> Result<(), StoreError>;

    // The downlink.

    /// Items for a device after a cursor, in order.
    async fn downlink(
        &self,
        device: &DeviceId,
        after: DownlinkCursor,
        count_max: usize,
    ) -> Result<Vec<DownlinkItem>, StoreError>;

    // Lanes.

    /// Claims the most urgent lane with due work that nobody holds, under a new fence.
    async fn claim_lane(
        &self,
        worker: &str,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<Option<Claim>, StoreError>;
    /// Prolongs a claim.
    async fn renew(
        &self,
        claim: &Claim,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<(), StoreError>;
    /// Gives a lane back; it is due again at `wake_at` or when work arrives.
    async fn release_lane(
        &self,
        claim: &Claim,
        wake_at: Option<Timestamp>,
    ) -> Result<(), StoreError>;
    /// The lane's open deliveries in order (not only the due ones: order and barriers need all),
    /// with their events.
    async fn open_deliveries(
        &self,
        claim: &Claim,
        count_max: usize,
    ) -> Result<Vec<Delivery>, StoreError>;
    /// Commits attempts before their calls. Fails with [`StoreError::FenceLost`].
    async fn begin(&self, claim: &Claim, steps: &[Step]) -> Result<(), StoreError>;
    /// Records what came of them, and writes the progress that follows into the downlink.
    async fn finish(&self, claim: &Claim, transitions: &[Transition]) -> Result<(), StoreError>;
    /// Stores a bundle before it is sent and ties its members to it.
    async fn put_bundle(&self, claim: &Claim, bundle: &Bundle) -> Result<(), StoreError>;
    /// The lane's open bundle, if one is stored and not settled.
    async fn open_bundle(&self, claim: &Claim) -> Result<Option<Bundle>, StoreError>;
    /// What is known at a target of an earlier event. Of a sale that never came: of the transaction
    /// of the same receipt that handed goods out (`originals`).
    async fn original(
        &self,
        target: &TargetId,
        natural_key: &str,
    ) -> Result<OriginalState, StoreError>;
    /// The movements of a location after `since` that stand in the target already or are of
    /// earlier lane order than `before`; for counts.
    async fn moves_since(
        &self,
        claim: &Claim,
        before: DeliveryId,
        since: Timestamp,
    ) -> Result<Vec<StockMoveRow>, StoreError>;
    /// Pauses every lane of a target.
    async fn pause_target(
        &self,
        target: &TargetId,
        until: Timestamp,
        reason: &str,
    ) -> Result<(), StoreError>;

    // For people.

    /// Lanes with their backlog, age and amount.
    async fn lanes(&self) -> Result<Vec<LaneView>, StoreError>;
    /// Deliveries, filtered and paged (exceptions are deliveries in that state).
    async fn deliveries(&self, filter: &DeliveryFilter) -> Result<Vec<DeliveryView>, StoreError>;
    /// One delivery with its attempts.
    async fn delivery(&self, id: DeliveryId) -> Result<Option<DeliveryView>, StoreError>;
    /// Puts an exception back into its lane; looked for before it is sent again. Refused for a
    /// conflict, for what cannot be read, and for a quantity whose outcome is unknown.
    async fn retry(&self, id: DeliveryId, by: &str, now: Timestamp) -> Result<(), StoreError>;
    /// Settles an exception. That a conflict's event is a duplicate or a second sale settles all
    /// conflicts of that event; a second sale puts its documents into their lanes.
    async fn resolve(&self, id: DeliveryId, resolution: Resolution) -> Result<(), StoreError>;
    /// Plans deliveries again for events that are held; `dry_run` only counts.
    async fn replay(
        &self,
        filter: &ReplayFilter,
        events: Vec<HeldEvent>,
        dry_run: bool,
        now: Timestamp,
    ) -> Result<ReplayCount, StoreError>;
    /// Events that a replay would look at, in pages.
    async fn held_events(
        &self,
        filter: &ReplayFilter,
        after: Option<(DeviceId, Epoch, Sequence)>,
        count_max: usize,
    ) -> Result<Vec<HeldEvent>, StoreError>;
    /// The stores that are known, for reading commands.
    async fn stores(&self) -> Result<Vec<StoreId>, StoreError>;
}
