//! `GET /v1/devices/{device}/downlink`: an agent asks for news and waits a little for it.
//!
//! Signed over path and query as they are sent. `head` tells whether the journal holds anything
//! unsent, which counts of stock wait for. The store's hint wakes the poll; what another process
//! commits is seen by looking again. Changes nothing but when the device was last heard of.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{OriginalUri, Path, Query, State};
use axum::http::{HeaderMap, Response, StatusCode};
use jiff::Timestamp;
use protocol::chain::Sequence;
use protocol::downlink::{DownlinkCursor, DownlinkItem, DownlinkPage};
use protocol::handshake::Ticket;
use protocol::limits::{DOWNLINK_ITEMS_MAX, DOWNLINK_WAIT_SECONDS_MAX};
use protocol::problem::{Code, Problem};
use serde::Deserialize;

use super::batches::stale_session;
use crate::ingest::Ingest;
use crate::ingest::answer::{Answer, busy, store_failed};
use crate::ingest::auth::is_said_by;
use crate::ingest::policy::LOOK_AGAIN;
use crate::store::model::{Device, DeviceState};

/// The query.
#[derive(Debug, Deserialize)]
pub(super) struct Poll {
    /// The last item that the agent has.
    #[serde(default)]
    after: DownlinkCursor,
    /// Seconds to wait at most.
    #[serde(default)]
    wait: u64,
    /// The journal's head.
    head: Option<Sequence>,
    /// The session's.
    ticket: Ticket,
}

type Asked = Result<Query<Poll>, axum::extract::rejection::QueryRejection>;

pub(super) async fn poll(
    State(ingest): State<Arc<Ingest>>,
    Path(device): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    asked: Asked,
) -> Response<Body> {
    let address = uri.path_and_query().map_or(uri.path(), |address| address.as_str());
    let outcome = ingest.poll(&device, address, &headers, asked).await;
    ingest.respond(outcome)
}

impl Ingest {
    async fn poll(
        &self,
        device: &str,
        address: &str,
        headers: &HeaderMap,
        asked: Asked,
    ) -> Result<Answer, Problem> {
        let device = self.device(device).await?;
        is_said_by(&device, super::signature(headers), address.as_bytes())?;
        let Query(poll) = asked.map_err(|error| {
            Problem::new(Code::InvalidRequest, error.to_string())
                .next("ask with `after`, `wait`, `head` and `ticket`")
        })?;
        if device.ticket != Some(poll.ticket) {
            return Err(stale_session());
        }
        let leave = self.gate.poll();
        let _leave = leave.ok_or_else(|| busy("as many polls as this relay takes are waiting"))?;
        self.note_level(&device, &poll, self.now()).await?;
        let wait = Duration::from_secs(poll.wait.min(DOWNLINK_WAIT_SECONDS_MAX));
        let items = self.news(&device, poll.after, wait).await?;
        Ok(Answer::new(StatusCode::OK, &DownlinkPage { items, relay_time: self.now() }))
    }

    /// A journal whose head the relay holds has nothing unsent.
    async fn note_level(
        &self,
        device: &Device,
        poll: &Poll,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let (Some(stated), Some(epoch), DeviceState::Active) =
            (poll.head, device.epoch, device.state)
        else {
            return Ok(());
        };
        let store = &self.parts.store;
        let head = store.head(&device.device, epoch).await.map_err(|error| store_failed(&error))?;
        if head.is_none_or(|head| head.sequence != stated) {
            return Ok(());
        }
        let noted = store.device_is_level(&device.device, now).await;
        noted.map_err(|error| store_failed(&error))
    }

    /// What there is after the cursor; if nothing, what comes within the wait.
    async fn news(
        &self,
        device: &Device,
        after: DownlinkCursor,
        wait: Duration,
    ) -> Result<Vec<DownlinkItem>, Problem> {
        let store = &self.parts.store;
        let mut hint = store.wakes().device(&device.device);
        let mut stopping = self.parts.stopping.clone();
        let over = tokio::time::sleep(wait);
        tokio::pin!(over);
        loop {
            hint.mark_unchanged();
            let items = store.downlink(&device.device, after, DOWNLINK_ITEMS_MAX).await;
            let items = items.map_err(|error| store_failed(&error))?;
            if !items.is_empty() || over.is_elapsed() || *stopping.borrow() {
                return Ok(items);
            }
            tokio::select! {
                () = &mut over => {}
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                // A hint whose sender is gone says no more; the looks go on.
                changed = hint.changed() => if changed.is_err() {
                    hint = store.wakes().device(&device.device);
                },
                stopped = stopping.changed() => if stopped.is_err() { return Ok(items) },
            }
        }
    }
}
