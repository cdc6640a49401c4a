//! Asks the relay for news and keeps it: one long poll at a time, beside the batches.
//!
//! A page is durable together with the position after it, so that nothing is missed and a
//! repeated page says the same again. A poll that fails raises a doubt; whether the session is
//! over is the machine's to decide.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use protocol::downlink::{DownlinkBody, DownlinkCursor, DownlinkPage};
use protocol::handshake::Ticket;
use protocol::limits::{DOWNLINK_ITEMS_MAX, DOWNLINK_WAIT_SECONDS_MAX};
use protocol::problem::Code;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::policy::{POLL_PAUSE, delay};
use super::uplink::{Failure, Poll, Uplink};
use super::{Parts, journal_failed, pause, random};
use crate::clock::Reckoning;
use crate::health::Reason;

/// The task that polls.
#[derive(Debug)]
pub(super) struct Downlink<U> {
    parts: Parts,
    uplink: Arc<U>,
    /// The ticket of the open session; none while there is none.
    tickets: watch::Receiver<Option<Ticket>>,
    doubts: mpsc::Sender<Failure>,
}

impl<U: Uplink> Downlink<U> {
    pub(super) const fn new(
        parts: Parts,
        uplink: Arc<U>,
        tickets: watch::Receiver<Option<Ticket>>,
        doubts: mpsc::Sender<Failure>,
    ) -> Self {
        Self { parts, uplink, tickets, doubts }
    }

    pub(super) async fn run(mut self) -> Infallible {
        let mut failures: u32 = 0;
        loop {
            let ticket = self.ticket().await;
            #[expect(clippy::disallowed_methods, reason = "this run loop times its own polls")]
            let began = Instant::now();
            let mut replaced = self.tickets.clone();
            let polled = tokio::select! {
                biased;
                polled = self.poll(ticket) => polled,
                // The session was replaced, and with it the ticket of this poll.
                _ = replaced.changed() => continue,
            };
            match polled {
                Ok(has_news) => {
                    failures = 0;
                    if !has_news {
                        pause(POLL_PAUSE.saturating_sub(began.elapsed())).await;
                    }
                }
                Err(failure) => {
                    failures = failures.saturating_add(1);
                    let wait = self.waits(&failure, failures);
                    self.doubt(failure);
                    pause(wait).await;
                }
            }
        }
    }

    async fn ticket(&mut self) -> Ticket {
        match self.tickets.wait_for(Option::is_some).await.map(|ticket| *ticket) {
            Ok(Some(ticket)) => ticket,
            // The driver is gone, and with it this task.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }

    fn waits(&self, failure: &Failure, failures: u32) -> Duration {
        delay(failure.ladder(), failures, random(&self.parts.seams))
    }

    fn doubt(&self, failure: Failure) {
        if let Err(error) = self.doubts.try_send(failure) {
            tracing::debug!(%error, "an earlier doubt is still to be settled");
        }
    }

    /// Polls once and keeps what came. Returns whether anything did.
    async fn poll(&self, ticket: Ticket) -> Result<bool, Failure> {
        let journal = &self.parts.journal;
        let after = journal.downlink_cursor().await.map_err(|error| journal_failed(&error))?;
        let head = journal.head().sequence;
        let wait_seconds = DOWNLINK_WAIT_SECONDS_MAX;
        let asked = self.parts.seams.reading();
        let page = self.uplink.poll(Poll { after, head, ticket, wait_seconds }).await?;
        let answered = self.parts.seams.reading();
        let told = Reckoning::measured(page.relay_time, asked, answered);
        self.parts.health.sharpened(told, answered.host);
        let Some(cursor) = end_of(&page, after)? else { return Ok(false) };
        let items = page.items.into_iter().filter_map(|item| match item.body {
            DownlinkBody::Progress(progress) => Some(progress),
            DownlinkBody::Unknown => None,
        });
        let kept = journal.record_progress(items.collect(), cursor).await;
        kept.map_err(|error| journal_failed(&error))?;
        Ok(true)
    }
}

/// The position after a page; none after an empty one.
fn end_of(page: &DownlinkPage, after: DownlinkCursor) -> Result<Option<DownlinkCursor>, Failure> {
    let mut end = after;
    for item in &page.items {
        if item.cursor <= end {
            return Err(out_of_order("is not in order or does not follow the last one"));
        }
        end = item.cursor;
    }
    match page.items.len() {
        0 => Ok(None),
        1..=DOWNLINK_ITEMS_MAX => Ok(Some(end)),
        _ => Err(out_of_order("is longer than a page may be")),
    }
}

fn out_of_order(what: &str) -> Failure {
    let text = format!("the relay's page of news {what}");
    Failure::Refused(Reason::new(Code::RelayUnreachable, text))
}

#[cfg(test)]
mod tests {
    //! Which pages are believed.

    use jiff::Timestamp;
    use protocol::downlink::DownlinkItem;

    use super::*;

    fn page(cursors: &[DownlinkCursor]) -> DownlinkPage {
        let item =
            |cursor: &DownlinkCursor| DownlinkItem { cursor: *cursor, body: DownlinkBody::Unknown };
        let items = cursors.iter().map(item).collect();
        DownlinkPage { items, relay_time: Timestamp::UNIX_EPOCH }
    }

    #[test]
    fn a_page_moves_the_cursor_forward_only() {
        assert_eq!(end_of(&page(&[]), 4), Ok(None));
        assert_eq!(end_of(&page(&[5, 9]), 4), Ok(Some(9)));
        for wrong in [&[4][..], &[3, 5], &[9, 5], &[5, 5]] {
            assert!(end_of(&page(wrong), 4).is_err(), "{wrong:?}");
        }
        let too_long: Vec<_> = (1..).take(DOWNLINK_ITEMS_MAX + 1).collect();
        assert!(end_of(&page(&too_long), 0).is_err());
    }
}
