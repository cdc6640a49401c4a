//! `POST /v1/devices/{device}/sessions`: an agent states what it holds.
//!
//! Finds the device, reads the bounded body, takes the device's turn; the rest is
//! `ingest::exchange`'s.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response, StatusCode};
use protocol::handshake::SessionAnswer;
use protocol::problem::Problem;

use crate::ingest::Ingest;
use crate::ingest::answer::Answer;
use crate::ingest::policy::MESSAGE_BYTES_MAX;

pub(super) async fn state(
    State(ingest): State<Arc<Ingest>>,
    Path(device): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response<Body> {
    let outcome = ingest.open_session(&device, &headers, body).await;
    ingest.respond(outcome.map(|answer| Answer::new(StatusCode::OK, &answer)))
}

impl Ingest {
    async fn open_session(
        &self,
        device: &str,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<SessionAnswer, Problem> {
        let device = self.device(device).await?;
        let (body, turn) = self.body_in_turn(&device.device, body, MESSAGE_BYTES_MAX).await?;
        self.take_statement(&device, super::signature(headers), &body, turn).await
    }
}
