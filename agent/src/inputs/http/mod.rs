//! Input: events over local HTTP, answered when they are on disk.
//!
//! Reads the request, drives capture over each event, appends what came out in one group and
//! answers item by item. Holds no lock across the commit and waits for no network. Does not check
//! who calls: the local API has done that.

mod answer;
mod request;
mod tally;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use journal::{AppendError, Appended, Journal, NewEntry};
use protocol::enrolment::EnrolmentAnswer;
use protocol::id::EventId;
use protocol::problem::{Code, Problem};
use tokio::sync::watch;

use crate::capture::{Capture, Captured, Moment, Original, Pending};
use crate::config::Config;
use crate::health::Health;
use crate::local_api::respond;
use crate::seams::Seams;

pub use self::answer::{Accepted, AcceptedState};
pub(crate) use self::tally::Tally;

/// Transactions that are read under one receipt number: a sale, its return, and conflicts.
const ORIGINALS_MAX: usize = 16;

/// The way from a request into the journal.
#[derive(Debug)]
pub struct Intake {
    capture: Capture,
    journal: Journal,
    health: Health,
    seams: Seams,
    enrolment: watch::Receiver<Option<EnrolmentAnswer>>,
    tally: Tally,
}

/// What became of one event.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// New in the journal.
    Journaled(Accepted),
    /// Known since before; the first answer again.
    Replayed(Accepted),
    /// Practice.
    Training,
    /// Not in the journal.
    Refused(Problem),
}

/// An event of a request: settled, or among the entries that are appended, in order.
enum Slot {
    Settled(Outcome),
    Appends(EventId),
}

/// `POST /v1/events`.
pub(crate) async fn post_events(State(intake): State<Arc<Intake>>, request: Request) -> Response {
    let body = match request::read(request).await {
        Ok(body) => body,
        Err(problem) => return respond::problem(&problem),
    };
    match request::split(&body) {
        Ok(request::Events::One(text)) => {
            let outcome = intake.take(&[text]).await.pop();
            answer::one(outcome.expect("one text has one outcome"))
        }
        Ok(request::Events::Many(texts)) => answer::many(intake.take(&texts).await),
        Err(problem) => respond::problem(&problem),
    }
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

    /// Takes events in order. Each is settled alone; those that are fit are appended together.
    pub(crate) async fn take(&self, texts: &[&str]) -> Vec<Outcome> {
        let moment = self.moment();
        let mut entries: Vec<NewEntry> = Vec::with_capacity(texts.len());
        let mut slots = Vec::with_capacity(texts.len());
        for text in texts {
            let slot = match self.prepare(text, &entries, &moment).await {
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
            };
            slots.push(slot);
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

    /// Brings a text to an entry; none for practice, which is counted.
    async fn prepare(
        &self,
        text: &str,
        before: &[NewEntry],
        moment: &Moment,
    ) -> Result<Option<NewEntry>, Problem> {
        let mut pending = match self.capture.read(text, moment.latest)? {
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
        let accepted = |id, epoch, sequence, conflict_of| Accepted {
            status: None,
            id: Some(id),
            epoch: Some(epoch),
            sequence: Some(sequence),
            state: AcceptedState::Journaled,
            conflict_of,
        };
        let error = match appended {
            Ok(appended) => {
                self.tally.appended(&appended);
                let epoch = || self.journal.identity().epoch;
                return match appended {
                    Appended::New { position } => {
                        Outcome::Journaled(accepted(id, epoch(), position.sequence, None))
                    }
                    Appended::Conflict { position, conflict_of } => {
                        let of = Some(conflict_of);
                        Outcome::Journaled(accepted(id, epoch(), position.sequence, of))
                    }
                    Appended::Replay { event_id, epoch, sequence, conflict_of } => {
                        Outcome::Replayed(accepted(event_id, epoch, sequence, conflict_of))
                    }
                };
            }
            Err(error) => error,
        };
        self.tally.failed(&error);
        Outcome::Refused(append_problem(id, &error))
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
