//! What one device and the relay say to each other: the machine, and the journal that it speaks
//! of.
//!
//! Makes statements and batches of what the journal holds, and writes down what follows from the
//! answers. Neither sends, nor waits, nor reads a clock: how much time has passed is an argument,
//! so that a harness may lead many conversations without waiting. Decides nothing itself.

use jiff::Timestamp;
use journal::StoredEntry;
use protocol::batch::{Absent, AbsentReason, Acknowledgement, Applied, BatchAnswer, Resent};
use protocol::chain::{ChainHash, Epoch, Position, Sequence};
use protocol::handshake::{EpochReason, Inherited, PROTOCOL_VERSION, SessionAnswer, Statement};
use protocol::id::DeviceId;
use protocol::problem::Code;
use protocol::progress::ProgressState;

use super::batch::{self, Beginning, BuildError, Packed, Sender};
use super::driver::agent_version;
use super::kept::{self, OfEpoch};
use super::machine::{Action, Machine, Moment, Outcome, Turn};
use super::policy::RECORD_BYTES_PER_BATCH_MAX;
use super::uplink::Failure;
use super::{Parts, TIME_NOTE, https, journal_failed, random};
use crate::health::{Reason, Rewound};
use crate::identity;

/// The machine of one device with its journal.
#[derive(Debug)]
pub struct Conversation {
    parts: Parts,
    device: DeviceId,
    machine: Machine,
    /// What this host has of another device's entries, once the first statement has read it.
    inherited: Option<Inherited>,
}

impl Conversation {
    /// Begins without a session.
    #[must_use]
    pub fn new(parts: Parts, device: DeviceId) -> Self {
        let state = parts.journal.state();
        let machine = Machine::new(device.clone(), state.identity.epoch, state.head.sequence);
        Self { parts, device, machine, inherited: None }
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
    pub async fn statement(&mut self, attempt: u64) -> Result<Statement, Failure> {
        let journal = &self.parts.journal;
        let state = journal.state();
        let epoch = state.identity.epoch;
        let inherited: Option<Inherited> = kept::of_epoch(journal, kept::INHERITED, epoch).await?;
        let device = &self.device;
        self.inherited = inherited.filter(|inherited| inherited.device != *device);
        if let Some(rewound) = kept::of_epoch(journal, kept::REWOUND, epoch).await? {
            self.parts.health.rewound(rewound);
        }
        self.parts.health.speaks_as(self.parts.instance);
        Ok(Statement {
            protocol_version: PROTOCOL_VERSION,
            device: self.device.clone(),
            store: self.parts.store.clone(),
            epoch,
            predecessor: state.identity.predecessor,
            head: state.head,
            acknowledged: state.acknowledged,
            aside: kept::of_epoch(journal, kept::ASIDE, epoch).await?,
            inherited: self.inherited.clone(),
            instance: self.parts.instance,
            attempt,
            ticket: kept::ticket(journal).await?,
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
        let (beginning, entries) = self.entries(after, entries_max).await?;
        let build = move || batch::build(&sender, beginning, entries);
        let built = self.parts.seams.heavy.run(build).await;
        built.map_err(|error| journal_failed(&error))?.map_err(|error| unsendable(&error))
    }

    /// The entries after what the relay holds, and what is to be said of those that are not there
    /// or were acknowledged before.
    async fn entries(
        &self,
        after: Position,
        entries_max: usize,
    ) -> Result<(Beginning, Vec<StoredEntry>), Failure> {
        let mut beginning = Beginning::from(after);
        if let Some(Inherited { device, position }) = &self.inherited
            && after.sequence < position.sequence
        {
            let reason = AbsentReason::Inherited { device: device.clone() };
            beginning.absent = Some(Absent { after, reason });
            beginning.after = *position;
        }
        let mut entries = self.read_after(beginning.after, entries_max).await?;
        if entries.first().is_some_and(|entry| entry.record.is_none())
            && let Some(pruned) = self.pruned_after(beginning.after).await?
        {
            let reason = AbsentReason::Pruned;
            beginning.absent = Some(Absent { after, reason });
            beginning.after = pruned;
            entries = self.read_after(pruned, entries_max).await?;
        }
        let acknowledged = self.parts.journal.acknowledged().sequence;
        if beginning.after.sequence < acknowledged {
            let last = entries.last().map_or(beginning.after.sequence, |entry| entry.sequence);
            let applied = self.applied(beginning.after.sequence, last.min(acknowledged)).await?;
            beginning.resent = Some(Resent { acknowledged, applied });
        }
        Ok((beginning, entries))
    }

    async fn read_after(
        &self,
        after: Position,
        entries_max: usize,
    ) -> Result<Vec<StoredEntry>, Failure> {
        let bytes_max = RECORD_BYTES_PER_BATCH_MAX;
        let entries = self.parts.journal.read_after(after.sequence, entries_max, bytes_max).await;
        let entries = entries.map_err(|error| journal_failed(&error))?;
        // What the relay will hold, the journal's copy of its head shall know of.
        let copied = self.parts.journal.sync_head_copy().await;
        copied.map_err(|error| journal_failed(&error))?;
        Ok(entries)
    }

    async fn pruned_after(&self, after: Position) -> Result<Option<Position>, Failure> {
        let pruned = self.parts.journal.pruned_after(after.sequence).await;
        pruned.map_err(|error| journal_failed(&error))
    }

    /// What the relay told of these entries before it was restored.
    async fn applied(&self, after: Sequence, up_to: Sequence) -> Result<Vec<Applied>, Failure> {
        let told = self.parts.journal.progress_between(after, up_to).await;
        let told = told.map_err(|error| journal_failed(&error))?;
        let applied = told
            .into_iter()
            .filter(|progress| progress.state == ProgressState::Applied)
            .map(|progress| Applied {
                sequence: progress.sequence,
                target: progress.target,
                reference: progress.reference,
            });
        Ok(applied.collect())
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
        let stated = answer.stated();
        let own = self.own_hash(stated.sequence).await?;
        let random = random(&self.parts.seams);
        if self.parts.seams.believes_any_hash {
            let answer = as_if_ours(answer, own);
            let own = Some(answer.stated().chain_hash);
            return Ok(self.machine.batch_answered(&answer, own, now, random));
        }
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
    pub async fn keep(&mut self, outcome: &Outcome) -> Result<(), Failure> {
        let journal = &self.parts.journal;
        if let Some(ticket) = outcome.ticket {
            kept::keep_ticket(journal, ticket).await?;
            let time = self.time().to_string();
            let kept = journal.put_note(TIME_NOTE, time.as_bytes()).await;
            kept.map_err(|error| journal_failed(&error))?;
        }
        if let Some(position) = outcome.acknowledged {
            self.acknowledge(position).await?;
        }
        if let Some(aside) = outcome.aside {
            let epoch = journal.identity().epoch;
            kept::keep(journal, kept::ASIDE, &OfEpoch { epoch, what: aside }).await?;
        }
        match outcome.turn {
            Some(Turn::Rewind { head, relay_head }) => self.rewind(head, relay_head).await,
            Some(Turn::Displaced { shared }) => self.displaced(shared).await,
            None => Ok(()),
        }
    }

    async fn acknowledge(&self, position: Position) -> Result<(), Failure> {
        let written = self.parts.journal.acknowledge(position, self.time()).await;
        written.map_err(|error| journal_failed(&error))
    }

    /// The journal ends within what the relay holds of it. Its end is acknowledged by that, and it
    /// goes on under a new epoch, unless a sale came meanwhile: that one is stated first.
    async fn rewind(&mut self, head: Position, relay_head: Sequence) -> Result<(), Failure> {
        let Parts { journal, seams, health, .. } = &self.parts;
        self.acknowledge(head).await?;
        let epoch = identity::epoch(&*seams.random).map_err(|error| journal_failed(&error))?;
        // The end of the journal may be where the relay's is, if another epoch followed it there.
        let lost = relay_head.since(head.sequence);
        let rewound = Rewound {
            epoch,
            former: journal.identity().epoch,
            after: head.sequence,
            lost,
            at: seams.now(),
        };
        kept::keep(journal, kept::REWOUND, &OfEpoch { epoch, what: rewound.clone() }).await?;
        let reason = EpochReason::Rewound;
        let begun = journal.begin_epoch_after(head, epoch, reason).await;
        if begun.map_err(|error| journal_failed(&error))?.is_none() {
            return Ok(());
        }
        tracing::error!(
            device = %self.device,
            lost,
            "this host was put back to an older state: it goes on under a new epoch once the \
             former one has been silent; what a POS sent over HTTP and was not relayed is missing"
        );
        health.rewound(rewound);
        self.machine.epoch_began(epoch, journal.head().sequence);
        Ok(())
    }

    /// The time by which what is written down ages.
    fn time(&self) -> Timestamp {
        self.parts.health.time(self.parts.seams.reading())
    }

    /// Another copy keeps the name. What came after the last entry that both have is this host's
    /// own and goes up once it has a name of its own.
    async fn displaced(&mut self, shared: Position) -> Result<(), Failure> {
        let journal = &self.parts.journal;
        let epoch: Epoch = journal.identity().epoch;
        let inherited = Inherited { device: self.device.clone(), position: shared };
        kept::keep(journal, kept::INHERITED, &OfEpoch { epoch, what: inherited }).await
    }

    async fn own_hash(&self, sequence: Sequence) -> Result<Option<ChainHash>, Failure> {
        let own = self.parts.journal.chain_hash(sequence).await;
        own.map_err(|error| journal_failed(&error))
    }
}

/// The fault: an answer is taken to speak of our own history.
fn as_if_ours(answer: &BatchAnswer, own: Option<ChainHash>) -> BatchAnswer {
    let mut answer = answer.clone();
    let (BatchAnswer::Acknowledgement(stated)
    | BatchAnswer::Head(stated)
    | BatchAnswer::Aside(stated)) = &mut answer;
    stated.chain_hash = own.unwrap_or(stated.chain_hash);
    answer
}

fn unsendable(error: &BuildError) -> Failure {
    let code = match error {
        BuildError::Pruned(_) | BuildError::Changed(_) | BuildError::Shape(_) => {
            Code::JournalDamaged
        }
        BuildError::TooLarge(_) => Code::TooLarge,
    };
    Failure::Refused(Reason::new(code, https::in_one_line(error)))
}
