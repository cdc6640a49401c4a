//! Does what the conversation says: makes statements, sends batches, waits.
//!
//! One exchange at a time. A ticket is durable before the next exchange; an acknowledgement counts
//! once the journal has written it. Decides nothing itself.

use std::sync::Arc;
use std::time::Duration;

use protocol::chain::Position;
use protocol::handshake::Ticket;
use protocol::id::{DeviceId, Text};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::conversation::Conversation;
use super::machine::{Action, LinkNews, Moment, Outcome, Turn};
use super::uplink::{Failure, Uplink};
use super::{Displaced, Parts, down};
use crate::clock::Reckoning;
use crate::health::{Link, in_words};

/// The shell around the conversation.
#[derive(Debug)]
pub(super) struct Driver<U> {
    conversation: Conversation,
    uplink: Arc<U>,
    started: Instant,
    /// The ticket of the open session, for the downlink.
    tickets: watch::Sender<Option<Ticket>>,
    doubts: mpsc::Receiver<Failure>,
}

impl<U: Uplink> Driver<U> {
    pub(super) fn new(
        parts: Parts,
        uplink: Arc<U>,
        device: DeviceId,
        tickets: watch::Sender<Option<Ticket>>,
        doubts: mpsc::Receiver<Failure>,
    ) -> Self {
        let conversation = Conversation::new(parts, device);
        #[expect(clippy::disallowed_methods, reason = "this run loop times its own waiting")]
        let started = Instant::now();
        Self { conversation, uplink, started, tickets, doubts }
    }

    /// Runs until another copy of this host keeps its name.
    pub(super) async fn run(mut self) -> Displaced {
        let mut heads = self.conversation.parts().journal.head_changes();
        loop {
            heads.mark_unchanged();
            let outcome = match self.conversation.next(self.moment()) {
                Action::State { attempt } => self.state(attempt).await,
                Action::Send { after, entries_max } => self.send(after, entries_max).await,
                Action::Wait { until } => self.wait(until, &mut heads).await,
            };
            let outcome = match self.conversation.keep(&outcome).await {
                Ok(()) => outcome,
                Err(failure) => self.failed(&failure),
            };
            if let Some(Turn::Displaced { .. }) = outcome.turn {
                return Displaced;
            }
            self.show(outcome);
        }
    }

    fn moment(&self) -> Moment {
        self.started.elapsed()
    }

    fn failed(&mut self, failure: &Failure) -> Outcome {
        self.conversation.failed(failure, self.moment())
    }

    /// Waits for news: the time, a new entry, or a doubt of the downlink.
    async fn wait(
        &mut self,
        until: Option<Moment>,
        heads: &mut watch::Receiver<Position>,
    ) -> Outcome {
        let left = until.map(|until| until.saturating_sub(self.moment()));
        tokio::select! {
            biased;
            () = elapsed(left) => Outcome::default(),
            changed = heads.changed() => match changed {
                Ok(()) => Outcome::default(),
                // The journal is being closed: nothing changes any more.
                Err(_) => std::future::pending().await,
            },
            doubt = self.doubts.recv() => match doubt {
                Some(failure) => self.conversation.doubted(&failure, self.moment()),
                None => std::future::pending().await,
            },
        }
    }

    async fn state(&mut self, attempt: u64) -> Outcome {
        match self.try_state(attempt).await {
            Ok(outcome) => outcome,
            Err(failure) => self.failed(&failure),
        }
    }

    async fn try_state(&mut self, attempt: u64) -> Result<Outcome, Failure> {
        let statement = self.conversation.statement(attempt).await?;
        let asked = self.conversation.parts().seams.reading();
        let answer = self.uplink.open_session(&statement).await?;
        let answered = self.conversation.parts().seams.reading();
        let moment = self.moment();
        let outcome = self.conversation.session_answered(&statement, &answer, moment).await?;
        if outcome.ticket.is_some() {
            let reckoning = Reckoning::measured(answer.relay_time, asked, answered);
            self.conversation.parts().health.measured(reckoning, answered.host);
        }
        self.doubts_are_settled();
        Ok(outcome)
    }

    async fn send(&mut self, after: Position, entries_max: usize) -> Outcome {
        match self.try_send(after, entries_max).await {
            Ok(outcome) => outcome,
            Err(failure) => self.failed(&failure),
        }
    }

    async fn try_send(&mut self, after: Position, entries_max: usize) -> Result<Outcome, Failure> {
        self.gather(after, entries_max).await;
        let packed = self.conversation.batch(after, entries_max).await?;
        let end = packed.end;
        let answer = self.uplink.send(&packed).await;
        let answer = match self.conversation.parts().seams.relayed_when_sent {
            true => self.conversation.as_if_acknowledged(end),
            false => answer?,
        };
        let moment = self.moment();
        let outcome = self.conversation.batch_answered(&answer, moment).await?;
        if outcome.acknowledged.is_some() {
            let Parts { health, seams, .. } = self.conversation.parts();
            health.contact(seams.now());
        }
        self.doubts_are_settled();
        Ok(outcome)
    }

    /// Over a line whose budget is spent a batch waits for company, unless it is full.
    async fn gather(&self, after: Position, entries_max: usize) {
        let mut heads = self.conversation.parts().journal.head_changes();
        let is_full = |head: &Position| {
            let waiting = head.sequence.since(after.sequence);
            usize::try_from(waiting).is_ok_and(|waiting| waiting >= entries_max)
        };
        tokio::select! {
            biased;
            () = self.uplink.until_batch_may_go() => {}
            // A journal that is being closed grows no more.
            _ = heads.wait_for(is_full) => {}
        }
    }

    /// An exchange that worked answers every doubt that was raised before it.
    fn doubts_are_settled(&mut self) {
        while let Ok(failure) = self.doubts.try_recv() {
            tracing::debug!(%failure, "a failure of the downlink is settled by an answer");
        }
    }

    fn show(&self, outcome: Outcome) {
        let Some(news) = outcome.link else { return };
        let parts = self.conversation.parts();
        let now = parts.seams.now();
        let ticket = match &news {
            LinkNews::Online => outcome.ticket,
            LinkNews::Held(_) | LinkNews::Down(_) => None,
        };
        self.tickets.send_replace(ticket);
        match news {
            LinkNews::Online => {
                if parts.health.set_link(Link::Online { since: now }) {
                    tracing::info!(device = %self.conversation.device(), "a session with the relay is open");
                }
            }
            LinkNews::Held(reason) => {
                if parts.health.set_link(Link::Held { reason, since: now }) {
                    tracing::error!(
                        device = %self.conversation.device(),
                        reason = in_words(reason),
                        "the relay holds this device until a person releases it; selling goes on"
                    );
                }
            }
            LinkNews::Down(reason) => down(parts, reason),
        }
    }
}

/// The program's version as it is stated.
pub(super) fn agent_version() -> Text<64> {
    Text::new(env!("CARGO_PKG_VERSION")).expect("a package's version is a short text")
}

async fn elapsed(left: Option<Duration>) {
    match left {
        Some(left) => tokio::time::sleep(left).await,
        None => std::future::pending().await,
    }
}
