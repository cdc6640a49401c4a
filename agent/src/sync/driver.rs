//! Does what the machine says: makes statements, sends batches, writes down what follows.
//!
//! One exchange at a time. A ticket is durable before the next exchange; an acknowledgement counts
//! once the journal has written it. Decides nothing itself.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use protocol::batch::{Acknowledgement, BatchAnswer};
use protocol::bytes::Bytes;
use protocol::chain::Position;
use protocol::handshake::{PROTOCOL_VERSION, Statement, Ticket};
use protocol::id::{DeviceId, Text};
use protocol::problem::Code;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::batch::{self, BuildError, Packed, Sender};
use super::machine::{Action, LinkNews, Machine, Moment, Outcome};
use super::policy::RECORD_BYTES_PER_BATCH_MAX;
use super::uplink::{Failure, Uplink};
use super::{Parts, down, https, journal_failed, random};
use crate::health::{Link, Reason, in_words};

/// The note in the journal that keeps the last ticket.
const TICKET_NOTE: &str = "session-ticket";

/// The shell around the machine.
#[derive(Debug)]
pub(super) struct Driver<U> {
    parts: Parts,
    uplink: Arc<U>,
    device: DeviceId,
    machine: Machine,
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
        let state = parts.journal.state();
        let machine = Machine::new(device.clone(), state.identity.epoch, state.head.sequence);
        #[expect(clippy::disallowed_methods, reason = "this run loop times its own waiting")]
        let started = Instant::now();
        Self { parts, uplink, device, machine, started, tickets, doubts }
    }

    pub(super) async fn run(mut self) -> Infallible {
        let mut heads = self.parts.journal.head_changes();
        loop {
            let head = heads.borrow_and_update().sequence;
            self.machine.head_is(head);
            let outcome = match self.machine.next(self.moment()) {
                Action::State { attempt } => self.state(attempt).await,
                Action::Send { after, entries_max } => self.send(after, entries_max).await,
                Action::Wait { until } => self.wait(until, &mut heads).await,
            };
            let outcome = match self.keep(&outcome).await {
                Ok(()) => outcome,
                Err(failure) => self.failed(&failure),
            };
            self.show(outcome);
        }
    }

    fn moment(&self) -> Moment {
        self.started.elapsed()
    }

    fn failed(&mut self, failure: &Failure) -> Outcome {
        self.machine.failed(failure, self.moment(), random(&self.parts.seams))
    }

    /// Waits for news: the time, a new entry, or a doubt of the downlink.
    async fn wait(
        &mut self,
        until: Option<Moment>,
        heads: &mut watch::Receiver<Position>,
    ) -> Outcome {
        let left = until.map(|until| until.saturating_sub(self.moment()));
        tokio::select! {
            () = elapsed(left) => Outcome::default(),
            changed = heads.changed() => match changed {
                Ok(()) => Outcome::default(),
                // The journal is being closed: nothing changes any more.
                Err(_) => std::future::pending().await,
            },
            doubt = self.doubts.recv() => match doubt {
                Some(failure) => {
                    self.machine.doubted(&failure, self.moment(), random(&self.parts.seams))
                }
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
        let statement = self.statement(attempt).await?;
        let answer = self.uplink.open_session(&statement).await?;
        let own = self.parts.journal.chain_hash(answer.head.sequence).await;
        let own = own.map_err(|error| journal_failed(&error))?;
        let (moment, random) = (self.moment(), random(&self.parts.seams));
        let outcome = self.machine.session_answered(&statement, &answer, own, moment, random);
        if outcome.ticket.is_some() {
            self.parts.health.heard(answer.relay_time, self.parts.seams.now());
        }
        self.doubts_are_settled();
        Ok(outcome)
    }

    async fn statement(&self, attempt: u64) -> Result<Statement, Failure> {
        let note = self.parts.journal.note(TICKET_NOTE).await;
        let note = note.map_err(|error| journal_failed(&error))?;
        // A note that is no ticket is like none: the relay then asks to state again.
        let ticket = note.and_then(|bytes| Bytes::from_slice(&bytes).ok());
        let state = self.parts.journal.state();
        Ok(Statement {
            protocol_version: PROTOCOL_VERSION,
            device: self.device.clone(),
            store: self.parts.store.clone(),
            epoch: state.identity.epoch,
            predecessor: state.identity.predecessor,
            head: state.head,
            acknowledged: state.acknowledged,
            instance: self.parts.instance,
            attempt,
            ticket,
            agent_version: agent_version(),
            host_time: self.parts.seams.now(),
        })
    }

    async fn send(&mut self, after: Position, entries_max: usize) -> Outcome {
        match self.try_send(after, entries_max).await {
            Ok(outcome) => outcome,
            Err(failure) => self.failed(&failure),
        }
    }

    async fn try_send(&mut self, after: Position, entries_max: usize) -> Result<Outcome, Failure> {
        let packed = self.build(after, entries_max).await?;
        let end = packed.end;
        let answer = self.uplink.send(packed).await;
        let answer = match self.parts.seams.relayed_when_sent {
            true => self.as_if_acknowledged(end),
            false => answer?,
        };
        let (BatchAnswer::Acknowledgement(stated) | BatchAnswer::Head(stated)) = &answer;
        let own = self.parts.journal.chain_hash(stated.sequence).await;
        let own = own.map_err(|error| journal_failed(&error))?;
        let (moment, random) = (self.moment(), random(&self.parts.seams));
        let outcome = self.machine.batch_answered(&answer, own, moment, random);
        if outcome.acknowledged.is_some() {
            self.parts.health.contact(self.parts.seams.now());
        }
        self.doubts_are_settled();
        Ok(outcome)
    }

    /// Reads and builds off the threads that answer the POS.
    async fn build(&self, after: Position, entries_max: usize) -> Result<Packed, Failure> {
        let state = self.parts.journal.state();
        let sender = Sender {
            device: self.device.clone(),
            epoch: state.identity.epoch,
            head: state.head.sequence,
        };
        let bytes_max = RECORD_BYTES_PER_BATCH_MAX;
        let entries = self.parts.journal.read_after(after.sequence, entries_max, bytes_max).await;
        let entries = entries.map_err(|error| journal_failed(&error))?;
        let build = tokio::task::spawn_blocking(move || batch::build(&sender, after, entries));
        build.await.map_err(|error| journal_failed(&error))?.map_err(|error| unsendable(&error))
    }

    /// The fault: what the relay would say if it held what was sent.
    fn as_if_acknowledged(&self, end: Position) -> BatchAnswer {
        BatchAnswer::Acknowledgement(Acknowledgement {
            device: self.device.clone(),
            epoch: self.parts.journal.identity().epoch,
            sequence: end.sequence,
            chain_hash: end.chain_hash,
        })
    }

    /// An exchange that worked answers every doubt that was raised before it.
    fn doubts_are_settled(&mut self) {
        while let Ok(failure) = self.doubts.try_recv() {
            tracing::debug!(%failure, "a failure of the downlink is settled by an answer");
        }
    }

    /// Writes down what has to last.
    async fn keep(&self, outcome: &Outcome) -> Result<(), Failure> {
        let journal = &self.parts.journal;
        if let Some(ticket) = outcome.ticket {
            let kept = journal.put_note(TICKET_NOTE, ticket.as_bytes()).await;
            kept.map_err(|error| journal_failed(&error))?;
        }
        if let Some(position) = outcome.acknowledged {
            let written = journal.acknowledge(position, self.parts.seams.now()).await;
            written.map_err(|error| journal_failed(&error))?;
        }
        Ok(())
    }

    fn show(&self, outcome: Outcome) {
        let Some(news) = outcome.link else { return };
        let now = self.parts.seams.now();
        let ticket = match &news {
            LinkNews::Online => outcome.ticket,
            LinkNews::Held(_) | LinkNews::Down(_) => None,
        };
        self.tickets.send_replace(ticket);
        match news {
            LinkNews::Online => {
                if self.parts.health.set_link(Link::Online { since: now }) {
                    tracing::info!(device = %self.device, "a session with the relay is open");
                }
            }
            LinkNews::Held(reason) => {
                if self.parts.health.set_link(Link::Held { reason, since: now }) {
                    tracing::error!(
                        device = %self.device,
                        reason = in_words(reason),
                        "the relay holds this device until a person releases it; selling goes on"
                    );
                }
            }
            LinkNews::Down(reason) => down(&self.parts, reason),
        }
    }
}

/// The program's version as it is stated.
pub(super) fn agent_version() -> Text<64> {
    Text::new(env!("CARGO_PKG_VERSION")).expect("a package's version is a short text")
}

fn unsendable(error: &BuildError) -> Failure {
    let code = match error {
        BuildError::Pruned(_) => Code::ChainBroken,
        BuildError::Changed(_) | BuildError::Shape(_) => Code::JournalDamaged,
        BuildError::TooLarge(_) => Code::TooLarge,
    };
    Failure::Refused(Reason::new(code, https::in_one_line(error)))
}

async fn elapsed(left: Option<Duration>) {
    match left {
        Some(left) => tokio::time::sleep(left).await,
        None => std::future::pending().await,
    }
}
