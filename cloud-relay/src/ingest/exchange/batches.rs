//! Entries come in, and are acknowledged once committed.
//!
//! Unpack, check the signature, understand, commit, answer. An overlap or a repeated batch is
//! answered like the first time; what the bytes mean is `ingest::inbox`'s, what is new the store's.

use std::sync::Arc;

use protocol::batch::{Acknowledgement, BatchAnswer};
use protocol::chain::{Epoch, Position};
use protocol::compress::{self, UnpackError};
use protocol::handshake::HoldReason;
use protocol::id::DeviceId;
use protocol::limits::BATCH_BYTES_MAX;
use protocol::problem::{Code, Problem};

use crate::ingest::Ingest;
use crate::ingest::answer::{busy, internal, store_failed};
use crate::ingest::auth::is_said_by;
use crate::ingest::gate::Leave;
use crate::ingest::inbox::{self, Received};
use crate::store::StoreError;
use crate::store::model::{Batch, BatchOutcome, Device, DeviceState};

impl Ingest {
    /// Takes a compressed batch of a device whose turn it is.
    pub(in crate::ingest) async fn take_batch(
        &self,
        device: Device,
        signature: Option<String>,
        packed: Vec<u8>,
        turn: Leave,
    ) -> Result<BatchAnswer, Problem> {
        let room = self.gate.room(self.parts.waits.room).await;
        let room = room.ok_or_else(|| busy("as many batches as this relay takes are under way"))?;
        let Received { mut batch, inherited } =
            self.understand(packed, signature, device.clone()).await?;
        if let Some(former) = inherited {
            self.check_inheritance(&mut batch, &former).await?;
        }
        if self.parts.seams.acknowledge_before_commit {
            return Ok(self.commit_later(batch, turn));
        }
        self.renew_hold(&device, &batch).await?;
        let answer = self.commit(batch).await;
        drop((room, turn));
        answer
    }

    /// Unpacking, hashing and reading up to 8 MiB would keep other connections waiting.
    async fn understand(
        &self,
        packed: Vec<u8>,
        signature: Option<String>,
        device: Device,
    ) -> Result<Received, Problem> {
        let targets = self.parts.targets.clone();
        let (dedupe, now) = (self.parts.seams.dedupe, self.now());
        let work = move || {
            let json = unpack(&packed)?;
            is_said_by(&device, signature.as_deref(), &json)?;
            inbox::read(&json, &device, &targets, dedupe, now)
        };
        self.parts
            .seams
            .heavy
            .run(work)
            .await
            .unwrap_or_else(|_| Err(internal("reading the batch failed unexpectedly")))
    }

    /// A host that was a copy of another device begins where the two parted. If that is what is
    /// held of the other one, nothing is missing and nobody has to look at it.
    async fn check_inheritance(&self, batch: &mut Batch, former: &DeviceId) -> Result<(), Problem> {
        let Some(declared) = batch.entries.first_mut() else { return Ok(()) };
        let Position { sequence, chain_hash } = declared.position;
        let held = self.parts.store.chain_hash(former, batch.epoch, sequence).await;
        match held {
            Ok(held) if held == Some(chain_hash) => declared.exception = None,
            Ok(_) | Err(StoreError::Unknown { .. }) => {}
            Err(error) => return Err(store_failed(&error)),
        }
        Ok(())
    }

    /// A device that is held because its journal was behind, and still sends from the former
    /// journal: the silence that would release the new one begins anew.
    async fn renew_hold(&self, device: &Device, batch: &Batch) -> Result<(), Problem> {
        let DeviceState::Held { reason: HoldReason::Behind, .. } = device.state else {
            return Ok(());
        };
        let store = &self.parts.store;
        let known = store.head(&device.device, batch.epoch).await;
        if known.map_err(|error| store_failed(&error))?.is_none() {
            return Ok(());
        }
        let renewed = store.hold_device(&device.device, HoldReason::Behind, batch.now).await;
        renewed.map_err(|error| store_failed(&error))
    }

    async fn commit(&self, batch: Batch) -> Result<BatchAnswer, Problem> {
        let (device, store, epoch, now) =
            (batch.device.clone(), batch.store.clone(), batch.epoch, batch.now);
        let outcome = self.parts.store.commit_batch(batch).await;
        match outcome.map_err(|error| store_failed(&error))? {
            BatchOutcome::Committed { end, new } => {
                tracing::debug!(%device, sequence = %end.sequence, new, "a batch is committed");
                Ok(BatchAnswer::Acknowledgement(at(device, epoch, end)))
            }
            BatchOutcome::Aside { end, new } => {
                tracing::debug!(%device, sequence = %end.sequence, new, "a batch is kept aside");
                Ok(BatchAnswer::Aside(at(device, epoch, end)))
            }
            BatchOutcome::Beyond { head } => Ok(BatchAnswer::Head(at(device, epoch, head))),
            BatchOutcome::NoSession => Err(stale_session()),
            BatchOutcome::Broken { head } => {
                tracing::error!(
                    %device, %store, %epoch, head = %head.sequence,
                    "a device is held: its signed batch tells another history than the relay holds"
                );
                let held = self.parts.store.hold_device(&device, HoldReason::Fork, now).await;
                held.map_err(|error| store_failed(&error))?;
                let detail = format!(
                    "the batch does not continue what the relay holds up to entry {}; the device \
                     is held",
                    head.sequence
                );
                Err(Problem::new(Code::ChainBroken, detail)
                    .next("open a session; what is sent then is kept aside until a person decides"))
            }
        }
    }

    /// The control that breaks the promise: the word is given first, and the commit follows
    /// later, so that a kill in between loses what was acknowledged.
    fn commit_later(&self, batch: Batch, turn: Leave) -> BatchAnswer {
        let end = batch.entries.last().map_or(batch.before, |entry| entry.position);
        let answer = BatchAnswer::Acknowledgement(at(batch.device.clone(), batch.epoch, end));
        let (store, delay) = (Arc::clone(&self.parts.store), self.parts.waits.fault_commit);
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            let outcome = store.commit_batch(batch).await;
            tracing::warn!(?outcome, "an acknowledged batch was committed late, on purpose");
            drop(turn);
        });
        answer
    }
}

fn unpack(packed: &[u8]) -> Result<Vec<u8>, Problem> {
    compress::unpack(packed, BATCH_BYTES_MAX).map_err(|error| match error {
        UnpackError::TooLarge(_) => {
            Problem::new(Code::TooLarge, error.to_string()).next("send fewer entries at once")
        }
        UnpackError::Damaged(_) => {
            Problem::new(Code::InvalidBatch, "the body is not whole zstd data")
                .next("send the batch again")
        }
        UnpackError::Dictionary(_) => Problem::new(Code::InvalidBatch, error.to_string())
            .next("update the relay: the sender is of a later version"),
    })
}

fn at(device: DeviceId, epoch: Epoch, position: Position) -> Acknowledgement {
    let Position { sequence, chain_hash } = position;
    Acknowledgement { device, epoch, sequence, chain_hash }
}

pub(in crate::ingest) fn stale_session() -> Problem {
    Problem::new(Code::StaleSession, "there is no session for this journal")
        .next("open a session: `POST /v1/devices/{device}/sessions`")
}
