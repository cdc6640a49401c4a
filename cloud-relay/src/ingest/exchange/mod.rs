//! What agent and relay say to each other, whichever way it came: over HTTP or through a broker.
//!
//! Each file does the I/O of one kind of message in the order that it states and leaves every
//! decision to the functions of `ingest`. Knows no transport.

mod batches;
mod downlink;
mod sessions;

use protocol::id::DeviceId;
use protocol::problem::Problem;

use super::Ingest;
use super::answer::{busy, store_failed, unknown_device};
use super::gate::Leave;
use crate::store::model::Device;

impl Ingest {
    /// The device that an address names.
    pub(super) async fn device(&self, name: &str) -> Result<Device, Problem> {
        let device = DeviceId::new(name).map_err(|_| unknown_device())?;
        let found = self.parts.store.device(&device).await.map_err(|error| store_failed(&error))?;
        found.ok_or_else(unknown_device)
    }

    /// A device's turn: one statement or batch at a time.
    pub(super) async fn turn(&self, device: &DeviceId) -> Result<Leave, Problem> {
        let turn = self.gate.turn(device, self.parts.waits.turn).await;
        turn.ok_or_else(|| busy("an earlier request of this device is under way"))
    }
}
