//! The one way from what an input has read to the journal.
//!
//! Drives capture over each event, appends what came out in one group and says what became of
//! each. Holds no lock across the commit and waits for no network. Does not know what its input
//! reads nor how that is answered.

use std::sync::Arc;

use journal::{AppendError, Appended, InputCursor, Journal, NewEntry};
use protocol::chain::{Epoch, Position, Sequence};
use protocol::enrolment::EnrolmentAnswer;
use protocol::envelope::Draft;
use protocol::id::EventId;
use protocol::problem::{Code, Problem};
use tokio::sync::watch;

use super::tally::Tally;
use crate::capture::{Capture, Captured, Moment, Original, Pending};
use crate::config::Config;
use crate::health::Health;
use crate::local_api::respond;
use crate::seams::Seams;

/// Transactions that are read under one receipt number: a sale, its return, and conflicts.
const ORIGINALS_MAX: usize = 16;

/// The way from a document into the journal, shared by all inputs of a host.
#[derive(Debug)]
pub struct Intake {
    capture: Capture,
    journal: Journal,
    health: Health,
    seams: Seams,
    enrolment: watch::Receiver<Option<EnrolmentAnswer>>,
    tally: Tally,
}

/// Where an event stands in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The event.
    pub id: EventId,
    /// The journal that it stands in.
    pub epoch: Epoch,
    /// Its position there.
    pub sequence: Sequence,
    /// The first event with the same receipt and other content.
    pub conflict_of: Option<EventId>,
}

/// What became of one event.
#[derive(Debug)]
pub enum Outcome {
    /// New in the journal.
    Journaled(Standing),
    /// Known since before; where it stands since then.
    Replayed(Standing),
    /// Practice.
    Training,
    /// It breaks a rule: the same again would be refused again.
    Refused(Problem),
    /// It could not be written: the same again may be taken later.
    NotCommitted(Problem),
}

/// An event of a group: settled, or among the entries that are appended, in order.
enum Slot {
    Settled(Outcome),
    Appends(EventId),
}

impl Intake {
    /// An intake for a configuration.
    #[must_use]
    pub fn new(
        config: Arc<Config>,
        journal: Journal,
        health: Health,
        seams: Seams,
        enrolment: watch::Receiver<Option<EnrolmentAnswer>>,
    ) -> Self {
        let (capture, tally) = (Capture::new(config), Tally::default());
        Self { capture, journal, health, seams, enrolment, tally }
    }

    pub(crate) const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Takes events in order, as their POS wrote them. Each is settled alone; those that are fit
    /// are appended together.
    pub(crate) async fn take(&self, texts: &[&str]) -> Vec<Outcome> {
        let moment = self.moment();
        let read = |text: &&str| self.capture.read(text, moment.latest);
        self.take_all(texts.iter().map(read), &moment).await
    }

    /// Takes what an input has read from a source that cannot be asked to send it again, in order.
    /// Card data is masked and shown in the findings, so that a sale is not lost to a vendor's
    /// fault. Each is settled alone; those that are fit are appended together.
    pub async fn offer(&self, drafts: Vec<Draft>) -> Vec<Outcome> {
        let moment = self.moment();
        let admit = |draft| self.capture.admit(draft, moment.latest);
        self.take_all(drafts.into_iter().map(admit), &moment).await
    }

    /// As [`Intake::offer`], and keeps where the input stands in the transaction of the last entry.
    /// What it keeps has to be true whether or not these events are taken.
    pub async fn offer_at(&self, drafts: Vec<Draft>, cursor: InputCursor) -> Vec<Outcome> {
        let moment = self.moment();
        let admit = |draft| self.capture.admit(draft, moment.latest);
        self.take_with(drafts.into_iter().map(admit), &moment, Some(cursor)).await
    }

    async fn take_all(
        &self,
        events: impl ExactSizeIterator<Item = Result<Captured, Problem>>,
        moment: &Moment,
    ) -> Vec<Outcome> {
        self.take_with(events, moment, None).await
    }

    async fn take_with(
        &self,
        events: impl ExactSizeIterator<Item = Result<Captured, Problem>>,
        moment: &Moment,
        cursor: Option<InputCursor>,
    ) -> Vec<Outcome> {
        let mut entries: Vec<NewEntry> = Vec::with_capacity(events.len());
        let mut slots = Vec::with_capacity(events.len());
        for event in events {
            let prepared = match event {
                Ok(captured) => self.prepare(captured, &entries, moment).await,
                Err(problem) => Err(problem),
            };
            slots.push(match prepared {
                Ok(Some(entry)) => {
                    let slot = Slot::Appends(entry.event_id);
                    entries.push(entry);
                    slot
                }
                Ok(None) => Slot::Settled(Outcome::Training),
                Err(problem) => {
                    self.tally.refused();
                    Slot::Settled(Outcome::Refused(problem))
                }
            });
        }
        if let Some(last) = entries.last_mut() {
            last.cursor = cursor;
        }
        let mut appended = self.append(entries).await.into_iter();
        let outcome = |slot| match slot {
            Slot::Settled(outcome) => outcome,
            Slot::Appends(id) => {
                self.settle(id, appended.next().unwrap_or(Err(AppendError::Closed)))
            }
        };
        slots.into_iter().map(outcome).collect()
    }

    fn moment(&self) -> Moment {
        let sealing_key = self.enrolment.borrow().as_ref().map(|answer| answer.sealing_key);
        let reading = self.seams.reading();
        let (latest, skew) = (self.health.latest(reading), self.health.state(reading).skew);
        Moment { now: reading.host, latest, skew, sealing_key }
    }

    /// Brings an event to an entry; none for practice, which is counted.
    async fn prepare(
        &self,
        captured: Captured,
        before: &[NewEntry],
        moment: &Moment,
    ) -> Result<Option<NewEntry>, Problem> {
        let mut pending = match captured {
            Captured::Training(register) => {
                self.tally.training(register);
                return Ok(None);
            }
            Captured::Event(pending) => pending,
        };
        if let Some(prefix) = pending.wanted_original() {
            self.fill(&mut pending, &prefix, before).await?;
        }
        self.capture.finish(pending, moment, &*self.seams.random).map(Some)
    }

    /// Looks for the original of a bare post void: in this request, then in the journal.
    async fn fill(
        &self,
        pending: &mut Pending,
        prefix: &str,
        before: &[NewEntry],
    ) -> Result<(), Problem> {
        let same_receipt = before.iter().filter(|entry| entry.natural_key.starts_with(prefix));
        let mut originals: Vec<_> = same_receipt.map(Original::on_its_way).collect();
        let journaled = self.journal.by_natural_key_prefix(prefix, ORIGINALS_MAX).await;
        for found in journaled.map_err(|error| respond::unreadable(&error))? {
            originals.push(Original::journaled(&found)?);
        }
        pending.fill(&originals)
    }

    async fn append(&self, mut entries: Vec<NewEntry>) -> Vec<Result<Appended, AppendError>> {
        if self.seams.answer_before_commit {
            return self.append_later(entries);
        }
        match entries.len() {
            0 => Vec::new(),
            1 => match entries.pop() {
                Some(entry) => vec![self.journal.append(entry).await],
                None => Vec::new(),
            },
            _ => self.journal.append_all(entries).await,
        }
    }

    /// The fault that a harness may ask for: answers as if everything were new and committed.
    fn append_later(&self, entries: Vec<NewEntry>) -> Vec<Result<Appended, AppendError>> {
        let mut position = self.journal.head();
        let answers = entries.iter().map(|_| {
            position.sequence = position.sequence.next();
            Ok(Appended::New { position })
        });
        let answers = answers.collect();
        let journal = self.journal.clone();
        tokio::spawn(async move { journal.append_all(entries).await });
        answers
    }

    fn settle(&self, id: EventId, appended: Result<Appended, AppendError>) -> Outcome {
        let appended = match appended {
            Ok(appended) => appended,
            Err(error) => {
                self.tally.failed(&error);
                let problem = append_problem(id, &error);
                return match error {
                    AppendError::IdReused { .. } | AppendError::TooLarge { .. } => {
                        Outcome::Refused(problem)
                    }
                    AppendError::DiskFull(_)
                    | AppendError::NotCommitted(_)
                    | AppendError::Closed => Outcome::NotCommitted(problem),
                };
            }
        };
        self.tally.appended(&appended);
        let standing = |position: Position, conflict_of| {
            let epoch = self.journal.identity().epoch;
            Standing { id, epoch, sequence: position.sequence, conflict_of }
        };
        match appended {
            Appended::New { position } => Outcome::Journaled(standing(position, None)),
            Appended::Conflict { position, conflict_of } => {
                Outcome::Journaled(standing(position, Some(conflict_of)))
            }
            Appended::Replay { event_id, epoch, sequence, conflict_of } => {
                Outcome::Replayed(Standing { id: event_id, epoch, sequence, conflict_of })
            }
        }
    }
}

pub(crate) fn append_problem(id: EventId, error: &AppendError) -> Problem {
    match error {
        AppendError::IdReused { natural_key } => {
            let detail = format!("the id {id} belongs to `{natural_key}`");
            Problem::new(Code::IdReused, detail)
                .at("id")
                .next("give each event an id of its own, or leave `id` out")
        }
        AppendError::TooLarge { bytes, bytes_max } => {
            let detail = format!("a record of {bytes} bytes; at most {bytes_max} can be sent");
            Problem::new(Code::TooLarge, detail).next("split the document in two")
        }
        AppendError::DiskFull(_) => {
            Problem::new(Code::DiskReserve, "the journal's disk has no room left").next(
                "free space on this machine; the agent takes events again by itself. Keep the \
                 event and send it again",
            )
        }
        AppendError::NotCommitted(_) => {
            Problem::new(Code::NotCommitted, "the journal could not commit the event")
                .next("send the same again; if it was written after all, that is a replay")
        }
        AppendError::Closed => Problem::new(Code::NotCommitted, "the agent is stopping")
            .next("send the same again when it has started"),
    }
}
