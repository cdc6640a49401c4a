//! The routes for agents, and what they share: reading a bounded body, finding the device.
//!
//! Each route does the I/O in the order that its file states and leaves every decision to the
//! functions of `ingest`. Does not know TLS or the address it is served on.

mod batches;
mod downlink;
pub(crate) mod enrol;
mod sessions;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Response};
use axum::routing::{get, post};
use futures_util::StreamExt;
use protocol::id::DeviceId;
use protocol::problem::{Code, Problem};
use protocol::sign::SIGNATURE_HEADER;

use super::Ingest;
use super::answer::{Answer, busy, too_large};
use super::gate::Leave;

/// The routes.
pub fn router(ingest: Arc<Ingest>) -> Router {
    Router::new()
        .route("/v1/devices", post(enrol::enrol))
        .route("/v1/devices/{device}/sessions", post(sessions::state))
        .route("/v1/devices/{device}/batches", post(batches::take))
        .route("/v1/devices/{device}/downlink", get(downlink::poll))
        .with_state(ingest)
}

impl Ingest {
    /// Signs an answer or a refusal.
    fn respond(&self, outcome: Result<Answer, Problem>) -> Response<Body> {
        let answer = outcome.unwrap_or_else(|problem| {
            tracing::debug!(%problem, "an agent's message was refused");
            Answer::refusal(&problem)
        });
        answer.signed(&self.parts.keys.signing)
    }
}

impl Ingest {
    /// Reads a body of a device, and only then takes the device's turn.
    async fn body_in_turn(
        &self,
        device: &DeviceId,
        body: Body,
        bytes_max: usize,
    ) -> Result<(Vec<u8>, Leave), Problem> {
        let waits = self.parts.waits;
        let reading = self.gate.body(device);
        let reading = reading.ok_or_else(|| busy("too many requests of this device hang"))?;
        let body = self::body(body, bytes_max, waits.body).await?;
        drop(reading);
        Ok((body, self.turn(device).await?))
    }
}

fn signature(headers: &HeaderMap) -> Option<&str> {
    headers.get(SIGNATURE_HEADER).and_then(|value| value.to_str().ok())
}

/// Reads a body of at most `bytes_max`, within a time in which an honest sender is through.
async fn body(body: Body, bytes_max: usize, within: Duration) -> Result<Vec<u8>, Problem> {
    let read = async {
        let mut bytes = Vec::new();
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| {
                Problem::new(Code::InvalidRequest, format!("the body broke off: {error}"))
                    .next("send the same again")
            })?;
            if bytes.len() + chunk.len() > bytes_max {
                return Err(too_large(bytes_max));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    };
    tokio::time::timeout(within, read).await.unwrap_or_else(|_| {
        let detail = format!("the body did not arrive within {} s", within.as_secs());
        Err(Problem::new(Code::InvalidRequest, detail).next("send less at once over a slow line"))
    })
}
