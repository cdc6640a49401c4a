//! Which answers are waited for, and what the broker said about our messages.
//!
//! An answer belongs to a question if it repeats the question's random correlation and comes on
//! the topic for its kind. A confirmation of the broker never answers anything: it only ends a
//! question that the broker says it did not pass on. Does no I/O and verifies no signature.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use broker::{Correlation, Envelope, Kind, Topics};
use protocol::problem::{Code, Problem};
use rumqttc::v5::mqttbytes::v5::{PubAckReason, Publish};
use tokio::sync::oneshot;

use super::failure::not_passed_on;
use crate::health::Reason;
use crate::sync::answer::{Answer, said};
use crate::sync::uplink::Failure;

/// What comes of a question.
pub type Outcome = Result<Answer, Failure>;

/// Whether somebody waited for a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// One that is waited for is answered.
    Question,
    /// Nobody waited for it.
    Nobody,
}

#[derive(Debug)]
struct Question {
    /// What an answer to it is, besides a problem.
    expects: Kind,
    is_confirmed: bool,
    outcome: oneshot::Sender<Outcome>,
}

/// The questions of one connection, and the numbers of its messages.
#[derive(Debug)]
pub struct Waiting {
    topics: Topics,
    questions: HashMap<Correlation, Question>,
    /// Given to the client library and not numbered yet, in order; none for what is no question.
    given: VecDeque<Option<Correlation>>,
    /// Numbered and not confirmed yet.
    numbered: HashMap<u16, Correlation>,
    ended: Option<Failure>,
}

impl Waiting {
    /// Nothing is waited for yet; `topics` are the device's own.
    #[must_use]
    pub fn new(topics: Topics) -> Self {
        Self {
            topics,
            questions: HashMap::new(),
            given: VecDeque::new(),
            numbered: HashMap::new(),
            ended: None,
        }
    }

    /// Why the connection is over.
    #[must_use]
    pub fn ended(&self) -> Option<Failure> {
        self.ended.clone()
    }

    /// Begins to wait for the answer to a question.
    ///
    /// # Errors
    /// The connection is over.
    pub fn ask(
        &mut self,
        correlation: Correlation,
        kind: Kind,
    ) -> Result<oneshot::Receiver<Outcome>, Failure> {
        if let Some(failure) = &self.ended {
            return Err(failure.clone());
        }
        let expects = match kind {
            Kind::Poll => Kind::Page,
            other => other,
        };
        let (outcome, answer) = oneshot::channel();
        self.questions.insert(correlation, Question { expects, is_confirmed: false, outcome });
        Ok(answer)
    }

    /// Nobody waits any more.
    pub fn forget(&mut self, correlation: &Correlation) {
        self.questions.remove(correlation);
    }

    /// Whether the broker has at least taken the question.
    #[must_use]
    pub fn is_confirmed(&self, correlation: &Correlation) -> bool {
        self.questions.get(correlation).is_some_and(|question| question.is_confirmed)
    }

    /// A message was given to the client library.
    pub fn given(&mut self, correlation: Option<Correlation>) {
        self.given.push_back(correlation);
    }

    /// The client library numbered the next message that was given to it.
    pub fn numbered(&mut self, number: u16) {
        match self.given.pop_front().flatten() {
            Some(correlation) => self.numbered.insert(number, correlation),
            None => self.numbered.remove(&number),
        };
    }

    /// The broker confirmed a message.
    pub fn confirmed(&mut self, number: u16, reason: PubAckReason) {
        let Some(correlation) = self.numbered.remove(&number) else { return };
        match not_passed_on(reason) {
            Some(failure) => {
                if let Some(question) = self.questions.remove(&correlation) {
                    tell(question, Err(failure));
                }
            }
            None => {
                if let Some(question) = self.questions.get_mut(&correlation) {
                    question.is_confirmed = true;
                }
            }
        }
    }

    /// The broker brought a message.
    pub fn arrived(&mut self, message: &Publish) -> Answered {
        let Some(envelope) = Envelope::of(message) else { return Answered::Nobody };
        let Some(question) = self.questions.get(&envelope.correlation) else {
            return Answered::Nobody;
        };
        let topic = match question.expects {
            Kind::Page => self.topics.down(),
            _ => self.topics.ack(),
        };
        let is_answer = envelope.kind == question.expects || envelope.kind == Kind::Problem;
        if message.topic != topic.as_bytes() || !is_answer {
            return Answered::Nobody;
        }
        if let Some(question) = self.questions.remove(&envelope.correlation) {
            tell(question, outcome(&envelope, message.payload.to_vec()));
        }
        Answered::Question
    }

    /// The connection is over, and every question with it.
    pub fn end(&mut self, failure: &Failure) {
        self.ended.get_or_insert_with(|| failure.clone());
        for (_, question) in self.questions.drain() {
            tell(question, Err(failure.clone()));
        }
    }
}

fn tell(question: Question, outcome: Outcome) {
    if question.outcome.send(outcome).is_err() {
        tracing::debug!("an answer came when nobody waited for it any more");
    }
}

fn outcome(envelope: &Envelope, body: Vec<u8>) -> Outcome {
    if envelope.kind != Kind::Problem {
        let signature = envelope.signature.as_ref().and_then(|text| text.parse().ok());
        return Ok(Answer { body, signature });
    }
    let retry_after = envelope.retry_after.map(Duration::from_secs);
    match serde_json::from_slice::<Problem>(&body) {
        Ok(problem) => Err(said(problem.status, &problem, retry_after)),
        Err(_) => {
            let text = "the relay refuses in words of another version";
            Err(Failure::Refused(Reason::new(Code::UnsupportedVersion, text)))
        }
    }
}
