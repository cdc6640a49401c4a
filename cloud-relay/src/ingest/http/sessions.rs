//! `POST /v1/devices/{device}/sessions`: an agent states what it holds.
//!
//! Read, authenticate, judge, write down, answer. What it means is `ingest::session`'s.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response, StatusCode};
use protocol::bytes::Bytes;
use protocol::handshake::{HoldReason, Standing, Ticket};
use protocol::problem::Problem;

use crate::ingest::Ingest;
use crate::ingest::answer::{Answer, internal, store_failed};
use crate::ingest::auth::is_said_by;
use crate::ingest::policy::MESSAGE_BYTES_MAX;
use crate::ingest::session;
use crate::store::model::{Device, DeviceState};

pub(super) async fn state(
    State(ingest): State<Arc<Ingest>>,
    Path(device): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response<Body> {
    let outcome = ingest.open_session(&device, &headers, body).await;
    ingest.respond(outcome)
}

impl Ingest {
    async fn open_session(
        &self,
        device: &str,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Answer, Problem> {
        let device = self.device(device).await?;
        // Evidence and what follows from it belong together: no batch of the device in between.
        let (body, _turn) = self.body_in_turn(&device.device, body, MESSAGE_BYTES_MAX).await?;
        is_said_by(&device, super::signature(headers), &body)?;
        let statement = session::read(&body, &device)?;
        let store = &self.parts.store;
        let evidence = store.evidence(&statement).await.map_err(|error| store_failed(&error))?;
        // Its state may have changed while the turn was waited for.
        let device = self.device(device.device.as_str()).await?;
        let now = self.now();
        let found = session::session(&statement, &device, &evidence, self.new_ticket()?, now);
        store.record_session(found.change).await.map_err(|error| store_failed(&error))?;
        if found.renews_hold {
            let renewed = store.hold_device(&device.device, HoldReason::Behind, now).await;
            renewed.map_err(|error| store_failed(&error))?;
        }
        log(&device, found.answer.standing.clone());
        Ok(Answer::new(StatusCode::OK, &found.answer))
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
        (Standing::Held { reason }, DeviceState::Active) => {
            let reason = reason.as_str();
            tracing::error!(
                device = %name,
                %store,
                reason,
                "a device is held; what it sends is kept aside until it is released"
            );
        }
        (standing, _) => tracing::info!(device = %name, %store, ?standing, "a session"),
    }
}
