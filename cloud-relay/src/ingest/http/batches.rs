//! `POST /v1/devices/{device}/batches`: entries come in.
//!
//! Finds the device, reads the bounded body, takes the device's turn; the rest is
//! `ingest::exchange`'s.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_ENCODING;
use axum::http::{HeaderMap, Response, StatusCode};
use protocol::batch::BatchAnswer;
use protocol::compress;
use protocol::limits::BATCH_COMPRESSED_BYTES_MAX;
use protocol::problem::{Code, Problem};

use crate::ingest::Ingest;
use crate::ingest::answer::Answer;

pub(super) async fn take(
    State(ingest): State<Arc<Ingest>>,
    Path(device): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response<Body> {
    let outcome = ingest.receive_batch(&device, &headers, body).await;
    ingest.respond(outcome.map(|answer| Answer::new(StatusCode::OK, &answer)))
}

impl Ingest {
    async fn receive_batch(
        &self,
        device: &str,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<BatchAnswer, Problem> {
        is_packed(headers)?;
        let device = self.device(device).await?;
        let (packed, turn) =
            self.body_in_turn(&device.device, body, BATCH_COMPRESSED_BYTES_MAX).await?;
        let signature = super::signature(headers).map(str::to_owned);
        self.take_batch(device, signature, packed, turn).await
    }
}

fn is_packed(headers: &HeaderMap) -> Result<(), Problem> {
    let encoding = headers.get(CONTENT_ENCODING).and_then(|value| value.to_str().ok());
    if encoding.is_some_and(|encoding| encoding.eq_ignore_ascii_case(compress::CONTENT_ENCODING)) {
        return Ok(());
    }
    let stated = encoding.unwrap_or("none");
    let detail = format!("the content encoding is `{stated}`, a batch is sent as `zstd`");
    Err(Problem::new(Code::UnsupportedMediaType, detail).next("compress the JSON with zstd"))
}
