//! What one device and the relay say to each other: the machine, and the journal that it speaks
//! of.
//!
//! Makes statements and batches of what the journal holds, and writes down what follows from the
//! answers. Neither sends, nor waits, nor reads a clock: how much time has passed is an argument,
//! so that a harness may lead many conversations without waiting. Decides nothing itself.

use jiff::Timestamp;
use protocol::batch::{Acknowledgement, BatchAnswer};
use protocol::bytes::Bytes;
use protocol::chain::{ChainHash, Position, Sequence};
use protocol::handshake::{PROTOCOL_VERSION, SessionAnswer, Statement};
use protocol::id::DeviceId;
use protocol::problem::Code;

use super::batch::{self, BuildError, Packed, Sender};
use super::driver::agent_version;
use super::machine::{Action, Machine, Moment, Outcome};
use super::policy::RECORD_BYTES_PER_BATCH_MAX;
use super::uplink::Failure;
use super::{Parts, TIME_NOTE, https, journal_failed, random};
use crate::health::Reason;

/// The note in the journal that keeps the last ticket.
const TICKET_NOTE: &str = "session-ticket";

/// The machine of one device with its journal.
#[derive(Debug)]
pub struct Conversation {
    parts: Parts,
    device: DeviceId,
    machine: Machine,
}

impl Conversation {
    /// Begins without a session.
    #[must_use]
    pub fn new(parts: Parts, device: DeviceId) -> Self {
        let state = parts.journal.state();
        let machine = Machine::new(device.clone(), state.identity.epoch, state.head.sequence);
        Self { parts, device, machine }
    }

    /// Who speaks.
    #[must_use]
    pub const fn device(&self) -> &DeviceId {
        &self.device
    }

    /// What it works with.
    #[must_use]
    pub const fn parts(&self) -> &Parts {
        &self.parts
    }

    /// What to do now; what it says counts as under way from then on.
    pub fn next(&mut self, now: Moment) -> Action {
        self.machine.head_is(self.parts.journal.head().sequence);
        self.machine.next(now)
    }

    /// What this host holds, as it is stated.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub async fn statement(&self, attempt: u64) -> Result<Statement, Failure> {
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

    /// The relay answered the statement.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub async fn session_answered(
        &mut self,
        statement: &Statement,
        answer: &SessionAnswer,
        now: Moment,
    ) -> Result<Outcome, Failure> {
        let own = self.own_hash(answer.head.sequence).await?;
        let random = random(&self.parts.seams);
        Ok(self.machine.session_answered(statement, answer, own, now, random))
    }

    /// The batch of the entries after a position, read and built off the threads that answer the
    /// POS.
    ///
    /// # Errors
    /// The journal cannot be read, or what it holds cannot be sent.
    pub async fn batch(&self, after: Position, entries_max: usize) -> Result<Packed, Failure> {
        let state = self.parts.journal.state();
        let sender = Sender {
            device: self.device.clone(),
            epoch: state.identity.epoch,
            head: state.head.sequence,
        };
        let bytes_max = RECORD_BYTES_PER_BATCH_MAX;
        let entries = self.parts.journal.read_after(after.sequence, entries_max, bytes_max).await;
        let entries = entries.map_err(|error| journal_failed(&error))?;
        // What the relay will hold, the journal's copy of its head shall know of.
        let copied = self.parts.journal.sync_head_copy().await;
        copied.map_err(|error| journal_failed(&error))?;
        let build = tokio::task::spawn_blocking(move || batch::build(&sender, after, entries));
        build.await.map_err(|error| journal_failed(&error))?.map_err(|error| unsendable(&error))
    }

    /// The relay answered the batch.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub async fn batch_answered(
        &mut self,
        answer: &BatchAnswer,
        now: Moment,
    ) -> Result<Outcome, Failure> {
        let (BatchAnswer::Acknowledgement(stated) | BatchAnswer::Head(stated)) = answer;
        let own = self.own_hash(stated.sequence).await?;
        let random = random(&self.parts.seams);
        Ok(self.machine.batch_answered(answer, own, now, random))
    }

    /// The fault: what the relay would say if it held what was sent.
    #[must_use]
    pub fn as_if_acknowledged(&self, end: Position) -> BatchAnswer {
        BatchAnswer::Acknowledgement(Acknowledgement {
            device: self.device.clone(),
            epoch: self.parts.journal.identity().epoch,
            sequence: end.sequence,
            chain_hash: end.chain_hash,
        })
    }

    /// What was under way failed, here or there.
    pub fn failed(&mut self, failure: &Failure, now: Moment) -> Outcome {
        self.machine.failed(failure, now, random(&self.parts.seams))
    }

    /// The downlink failed.
    pub fn doubted(&mut self, failure: &Failure, now: Moment) -> Outcome {
        self.machine.doubted(failure, now, random(&self.parts.seams))
    }

    /// Writes down what has to last.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub async fn keep(&self, outcome: &Outcome) -> Result<(), Failure> {
        let journal = &self.parts.journal;
        if let Some(ticket) = outcome.ticket {
            let kept = journal.put_note(TICKET_NOTE, ticket.as_bytes()).await;
            kept.map_err(|error| journal_failed(&error))?;
            let time = self.time().to_string();
            let kept = journal.put_note(TIME_NOTE, time.as_bytes()).await;
            kept.map_err(|error| journal_failed(&error))?;
        }
        if let Some(position) = outcome.acknowledged {
            let written = journal.acknowledge(position, self.time()).await;
            written.map_err(|error| journal_failed(&error))?;
        }
        Ok(())
    }

    /// The time by which what is written down ages.
    fn time(&self) -> Timestamp {
        self.parts.health.time(self.parts.seams.reading())
    }

    async fn own_hash(&self, sequence: Sequence) -> Result<Option<ChainHash>, Failure> {
        let own = self.parts.journal.chain_hash(sequence).await;
        own.map_err(|error| journal_failed(&error))
    }
}

fn unsendable(error: &BuildError) -> Failure {
    let code = match error {
        BuildError::Pruned(_) => Code::ChainBroken,
        BuildError::Changed(_) | BuildError::Shape(_) => Code::JournalDamaged,
        BuildError::TooLarge(_) => Code::TooLarge,
    };
    Failure::Refused(Reason::new(code, https::in_one_line(error)))
}
