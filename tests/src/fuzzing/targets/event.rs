//! An event's JSON, as a POS sends it: what is taken has one canonical form that reads as the same
//! event, and what is refused says why.

use protocol::envelope::{Draft, Event};
use protocol::event::{Body, balance};
use protocol::id::EventId;
use protocol::limits::EVENT_BYTES_MAX;
use protocol::personal::Personal;
use uuid::Uuid;

use crate::fuzzing::fixtures::{events, problem};
use crate::fuzzing::{Form, Target};

/// The target.
pub const TARGET: Target = Target {
    name: "event",
    run,
    form: Form::Json,
    words: WORDS,
    inputs_per_round: 3_000,
    seeds: events,
};

/// Words of events.
pub(super) const WORDS: &[&str] = &[
    "sale",
    "return",
    "exchange",
    "post_void",
    "void",
    "suspend",
    "training",
    "in",
    "out",
    "item",
    "cash",
    "card",
    "voucher",
    "foreign_cash",
    "change",
    "EUR",
    "JPY",
    "KWD",
    "XXX",
    "storekeep.",
    "storekeep.transaction.v1",
    "storekeep.till.v1",
    "storekeep.stock.v1",
    "storekeep.fiscal.v1",
    "personal",
    "extensions",
    "original",
    "rounding",
    "direction",
    "counterCycle",
    "quantity",
];

/// What has to hold for every input.
pub fn run(input: &[u8]) {
    let draft = match Draft::parse(input) {
        Ok(draft) => draft,
        Err(error) => return problem::check(&error.problem()),
    };
    let id = draft.id.unwrap_or(EventId(Uuid::nil()));
    let event = draft.into_event(id);
    let canonical = event.to_json();
    if canonical.len() > EVENT_BYTES_MAX {
        // Capture refuses what grows beyond what can be sent.
        return;
    }
    let again = Draft::parse(canonical.as_bytes()).expect("the canonical form is an event");
    let again = again.into_event(id);
    assert_eq!(again, event, "the canonical form reads as the same event");
    assert_eq!(again.to_json(), canonical, "the canonical form is its own canonical form");
    assert_eq!(again.natural_key(), event.natural_key(), "the natural key stays");
    assert_eq!(again.content_hash(), event.content_hash(), "the content hash stays");
    let is_open = match &event.body {
        Body::Transaction(transaction) => matches!(transaction.personal, Some(Personal::Open(_))),
        Body::Till(_) | Body::Stock(_) | Body::Fiscal(_) => false,
    };
    let journaled = Event::parse(canonical.as_bytes());
    assert_eq!(journaled.is_ok(), !is_open, "what is journaled has its personal fields sealed");
    if let Body::Transaction(transaction) = &event.body {
        assert_eq!(balance::unbalanced(transaction), unbalanced(&again), "the findings stay");
    }
    assert_eq!(event.stock_moves(), again.stock_moves(), "stock moves the same");
}

fn unbalanced(event: &Event) -> Vec<protocol::record::Equation> {
    match &event.body {
        Body::Transaction(transaction) => balance::unbalanced(transaction),
        Body::Till(_) | Body::Stock(_) | Body::Fiscal(_) => Vec::new(),
    }
}
