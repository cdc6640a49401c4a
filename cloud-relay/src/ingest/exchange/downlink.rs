//! An agent asks for news and waits a little for it.
//!
//! Signed over path and query as they are sent. `head` tells whether the journal holds anything
//! unsent, which counts of stock wait for. The store's hint wakes the poll; what another process
//! commits is seen by looking again. Changes nothing but when the device was last heard of.

use std::time::Duration;

use axum::extract::Query;
use axum::http::Uri;
use jiff::Timestamp;
use protocol::chain::Sequence;
use protocol::downlink::{DownlinkCursor, DownlinkItem, DownlinkPage};
use protocol::handshake::{HoldReason, Ticket};
use protocol::limits::{DOWNLINK_ITEMS_MAX, DOWNLINK_WAIT_SECONDS_MAX};
use protocol::problem::{Code, Problem};
use serde::Deserialize;

use super::batches::stale_session;
use crate::ingest::Ingest;
use crate::ingest::answer::{busy, store_failed};
use crate::ingest::auth::is_said_by;
use crate::ingest::gate::Leave;
use crate::ingest::policy::LOOK_AGAIN;
use crate::store::model::{Device, DeviceState};

/// What a poll asks for: the query of its address.
#[derive(Debug, Deserialize)]
pub(in crate::ingest) struct Poll {
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

/// A poll that may wait.
pub(in crate::ingest) struct Admitted {
    poll: Poll,
    _leave: Leave,
}

impl Ingest {
    /// Checks whose poll it is and that its session stands. `address` is path and query.
    pub(in crate::ingest) async fn admit_poll(
        &self,
        device: &Device,
        signature: Option<&str>,
        address: &Uri,
    ) -> Result<Admitted, Problem> {
        let signed = address.path_and_query().map_or(address.path(), |signed| signed.as_str());
        is_said_by(device, signature, signed.as_bytes())?;
        let Query(poll): Query<Poll> = Query::try_from_uri(address).map_err(|error| {
            Problem::new(Code::InvalidRequest, error.to_string())
                .next("ask with `after`, `wait`, `head` and `ticket`")
        })?;
        if let DeviceState::Held { reason, .. } = device.state {
            return Err(held(reason));
        }
        if device.ticket != Some(poll.ticket) {
            return Err(stale_session());
        }
        let leave = self.gate.poll();
        let leave = leave.ok_or_else(|| busy("as many polls as this relay takes are waiting"))?;
        self.note_level(device, &poll, self.now()).await?;
        Ok(Admitted { poll, _leave: leave })
    }

    /// What there is for an admitted poll, or comes while it waits.
    pub(in crate::ingest) async fn page(
        &self,
        device: &Device,
        admitted: &Admitted,
    ) -> Result<DownlinkPage, Problem> {
        let Poll { after, wait, .. } = admitted.poll;
        let wait = Duration::from_secs(wait.min(DOWNLINK_WAIT_SECONDS_MAX));
        let items = self.news(device, after, wait).await?;
        Ok(DownlinkPage { items, relay_time: self.now() })
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

/// A device that is held is told why by a session, also one that has sent nothing since.
fn held(reason: HoldReason) -> Problem {
    let detail = format!("the device is held: {}", reason.as_str());
    Problem::new(Code::DeviceHeld, detail)
        .next("open a session: what is sent then is kept aside until a person decides")
}
