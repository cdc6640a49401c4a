//! `GET /v1/devices/{device}/downlink`: an agent asks for news and waits a little for it.
//!
//! Finds the device; the rest is `ingest::exchange`'s.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{OriginalUri, Path, State};
use axum::http::{HeaderMap, Response, StatusCode, Uri};
use protocol::downlink::DownlinkPage;
use protocol::problem::Problem;

use crate::ingest::Ingest;
use crate::ingest::answer::Answer;

pub(super) async fn poll(
    State(ingest): State<Arc<Ingest>>,
    Path(device): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response<Body> {
    let outcome = ingest.answer_poll(&device, &uri, &headers).await;
    ingest.respond(outcome.map(|page| Answer::new(StatusCode::OK, &page)))
}

impl Ingest {
    async fn answer_poll(
        &self,
        device: &str,
        address: &Uri,
        headers: &HeaderMap,
    ) -> Result<DownlinkPage, Problem> {
        let device = self.device(device).await?;
        let admitted = self.admit_poll(&device, super::signature(headers), address).await?;
        self.page(&device, &admitted).await
    }
}
