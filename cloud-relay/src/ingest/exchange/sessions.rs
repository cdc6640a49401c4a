//! An agent states what it holds.
//!
//! Authenticate, judge, write down, answer. What it means is `ingest::session`'s.

use protocol::bytes::Bytes;
use protocol::handshake::{HoldReason, SessionAnswer, Standing, Ticket};
use protocol::problem::Problem;

use crate::ingest::Ingest;
use crate::ingest::answer::{internal, store_failed};
use crate::ingest::auth::is_said_by;
use crate::ingest::gate::Leave;
use crate::ingest::session;
use crate::store::model::{Device, DeviceState};

impl Ingest {
    /// Takes a statement of a device whose turn it is: evidence and what follows from it belong
    /// together, with no batch of the device in between.
    pub(in crate::ingest) async fn take_statement(
        &self,
        device: &Device,
        signature: Option<&str>,
        body: &[u8],
        _turn: Leave,
    ) -> Result<SessionAnswer, Problem> {
        is_said_by(device, signature, body)?;
        let statement = session::read(body, device)?;
        let store = &self.parts.store;
        let evidence = store.evidence(&statement).await.map_err(|error| store_failed(&error))?;
        // Its state may have changed while the turn was waited for.
        let device = self.device(device.device.as_str()).await?;
        let now = self.now();
        let found = session::session(
            &statement,
            &device,
            &evidence,
            self.new_ticket()?,
            self.parts.seams.telling,
            now,
        );
        store.record_session(found.change).await.map_err(|error| store_failed(&error))?;
        if found.renews_hold {
            let renewed = store.hold_device(&device.device, HoldReason::Behind, now).await;
            renewed.map_err(|error| store_failed(&error))?;
        }
        log(&device, found.answer.standing.clone());
        Ok(found.answer)
    }

    fn new_ticket(&self) -> Result<Ticket, Problem> {
        let mut bytes = [0; 16];
        let drawn = self.parts.seams.random.fill(&mut bytes);
        drawn.map_err(|_| internal("the operating system gave no random bytes"))?;
        Ok(Bytes(bytes))
    }
}

fn log(device: &Device, standing: Standing) {
    let Device { device: name, store, state, .. } = device;
    match (standing, state) {
        (Standing::Held { reason, .. }, DeviceState::Active) => {
            let reason = reason.as_str();
            tracing::error!(
                device = %name,
                %store,
                reason,
                "a device is held; what it sends is kept aside until it is released"
            );
        }
        (Standing::Displaced, _) => tracing::warn!(
            device = %name, %store, "a copy that lost the identity spoke; it has to enrol anew"
        ),
        (standing, _) => tracing::info!(device = %name, %store, ?standing, "a session"),
    }
}
