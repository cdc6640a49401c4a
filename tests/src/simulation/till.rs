//! The tills: simulated registers that sell through their store's agent, and repeat what was not
//! answered until it is.
//!
//! Now and then one sends an answered event once more, as after its own crash, and now and then
//! the same receipt with another content, as a mistaken till does. Does not look beyond the agent.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use protocol::chain::Sequence;
use serde_json::{Value, json};

use super::agent::Agent;
use super::chance::Chance;
use super::model::{Acknowledged, Model};
use super::trace::Trace;
use crate::pos::books::{Acknowledgement, EntryNumber, Outcome, SharedBooks, StoreBooks};
use crate::pos::client::{Answer, judge};
use crate::pos::register::{Made, Register};

/// How long a till waits for an answer.
const ANSWER_WAIT: Duration = Duration::from_secs(5);

/// A register with all that it needs.
pub struct Till {
    /// What it is called.
    pub name: String,
    /// What it does.
    pub register: Register,
    /// Where it sells.
    pub agent: Arc<Agent>,
    /// Its store's books.
    pub books: SharedBooks,
    /// What it may do besides.
    pub chance: Chance,
    /// Who is told what was answered.
    pub model: Arc<Model>,
    /// Where it is noted.
    pub trace: Arc<Trace>,
}

impl Till {
    /// Sells so much, with pauses of at most so many milliseconds.
    pub async fn run(mut self, activities: u64, pause_ms_max: u64) {
        let date = jiff::civil::date(2026, 11, 23);
        self.step(|register, now, books| register.open(date, now, books)).await;
        for _ in 0..activities {
            tokio::time::sleep(self.chance.millis(200, pause_ms_max)).await;
            self.step(Register::act).await;
        }
        self.step(Register::close).await;
    }

    async fn step(
        &mut self,
        act: impl FnOnce(&mut Register, jiff::Timestamp, &mut StoreBooks) -> Made,
    ) {
        let now = self.agent.host.now();
        let made = {
            let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
            let books = books.stores.get_mut(self.agent.store.as_str());
            act(&mut self.register, now, books.expect("the books of the store"))
        };
        let event: Value = serde_json::from_slice(&made.bytes).expect("an event is JSON");
        let answer = self.deliver(&made.bytes).await;
        self.settle(made.entry, &event, &answer);
        let Outcome::Acknowledged(first) = answer else { return };
        if self.chance.one_in(12) {
            self.repeat(&made.bytes, &first).await;
        }
        if self.chance.one_in(40) {
            self.contradict(event).await;
        }
    }

    fn settle(&self, entry: EntryNumber, event: &Value, outcome: &Outcome) {
        let what = in_short(event);
        self.trace.say(&self.name, || format!("{what}: {}", answered(outcome)));
        match outcome {
            Outcome::Acknowledged(answer) => self.note(Some(entry), event, answer),
            _ => self.trace.broken(&self.name, &format!("{what} was refused: {outcome:?}")),
        }
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        let books = books.stores.get_mut(self.agent.store.as_str());
        books.expect("the books of the store").settle(entry, outcome.clone());
    }

    fn note(&self, entry: Option<EntryNumber>, event: &Value, answer: &Acknowledgement) {
        self.model.acknowledged(Acknowledged {
            device: self.agent.device.clone(),
            register: self.name.clone(),
            event: serde_json::from_value(event["id"].clone()).expect("an event has an id"),
            sequence: Sequence(answer.sequence.unwrap_or_default()),
            entry,
        });
    }

    /// Sends the same once more: it is known, and answered as before.
    async fn repeat(&self, bytes: &[u8], first: &Acknowledgement) {
        let again = self.deliver(bytes).await;
        let same =
            |again: &Acknowledgement| (&again.id, again.sequence) == (&first.id, first.sequence);
        if !matches!(&again, Outcome::Acknowledged(again) if same(again)) {
            let promise = format!("a repeated event was answered {again:?} after {first:?}");
            self.trace.broken(&self.name, &promise);
        }
    }

    /// Sends another event under the same receipt: it is kept, and shown as a conflict.
    async fn contradict(&self, mut event: Value) {
        let id = uuid::Builder::from_random_bytes(self.chance.bytes()).into_uuid();
        event["id"] = json!(id);
        let is_document = event["data"].get("document").is_some();
        let (field, value) =
            if is_document { ("reason", "another reason") } else { ("cashier", "c-999") };
        event["data"][field] = json!(value);
        let bytes = serde_json::to_vec(&event).expect("JSON");
        match self.deliver(&bytes).await {
            Outcome::Acknowledged(answer) if answer.conflict_of.is_some() => {
                self.trace.say(&self.name, || format!("{} in conflict", in_short(&event)));
                self.note(None, &event, &answer);
            }
            other => {
                let promise = format!("a conflict was answered {other:?}");
                self.trace.broken(&self.name, &promise);
            }
        }
    }

    async fn deliver(&self, bytes: &[u8]) -> Outcome {
        loop {
            let asked = tokio::time::timeout(ANSWER_WAIT, self.agent.take(bytes.to_vec())).await;
            if let Ok(Some((status, body))) = asked
                && let Answer::Decided(outcome) = judge(status, &body)
            {
                return outcome;
            }
            tokio::time::sleep(self.chance.millis(300, 2_000)).await;
        }
    }
}

fn in_short(event: &Value) -> String {
    let data = &event["data"];
    let number = [&data["receipt"], &data["document"]].into_iter().find_map(Value::as_str);
    format!("{} {}", data["kind"].as_str().unwrap_or("?"), number.unwrap_or("?"))
}

fn answered(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Acknowledged(Acknowledgement { sequence: Some(sequence), .. }) => {
            format!("journaled as {sequence}")
        }
        other => format!("{other:?}"),
    }
}
