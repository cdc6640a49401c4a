//! Where an event or a receipt stands: journaled, relayed, applied in each target.
//!
//! Read from the journal, which keeps the relay's last word. Asks nobody.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use journal::{Journal, JournaledEvent};
use protocol::chain::{Epoch, Sequence};
use protocol::event::key;
use protocol::id::{EventId, Receipt, RegisterId, TargetId, Text};
use protocol::problem::Problem;
use protocol::progress::{Progress, ProgressState};
use protocol::time::BusinessDate;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Parts, Shared, nothing, policy, respond};

/// How far an event has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Stage {
    /// On this host's disk.
    Journaled,
    /// Committed at the relay.
    Relayed,
}

/// Where an event stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventProgress {
    /// The event.
    pub id: EventId,
    /// What makes it the same event whoever sends it.
    pub natural_key: String,
    /// The journal that it stands in.
    pub epoch: Epoch,
    /// Its position there.
    pub sequence: Sequence,
    /// When it was journaled, by the host's clock.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub journaled_at: Timestamp,
    /// How far it has come.
    pub state: Stage,
    /// The first event with the same receipt and other content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflict_of: Option<EventId>,
    /// Each target that the relay has told of.
    pub targets: Vec<TargetProgress>,
}

/// How far one target is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TargetProgress {
    /// The target.
    pub target: TargetId,
    /// How far it is.
    pub state: ProgressState,
    /// The target's own name for it, such as an order's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<Text<256>>,
    /// What it waits for, why a person is needed, or how it was settled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<Text<500>>,
    /// When the relay knew.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
}

/// Everything that stands under a receipt number: the sale, its return, conflicts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ReceiptProgress {
    /// The events, in the order of their natural keys.
    pub events: Vec<EventProgress>,
}

/// `GET /v1/events/{id}`. Of an event that was sent with several contents, the first; the receipt
/// shows all.
pub(super) async fn event(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Response {
    match find_event(&shared.parts.journal, &id).await {
        Ok(found) => respond::json(StatusCode::OK, &found),
        Err(problem) => respond::problem(&problem),
    }
}

/// `GET /v1/receipts/{register}/{businessDate}/{number}`.
pub(super) async fn receipt(
    State(shared): State<Arc<Shared>>,
    Path((register, date, number)): Path<(String, String, String)>,
) -> Response {
    match find_receipt(&shared, &register, &date, &number).await {
        Ok(found) => respond::json(StatusCode::OK, &found),
        Err(problem) => respond::problem(&problem),
    }
}

async fn find_event(journal: &Journal, id: &str) -> Result<EventProgress, Problem> {
    let id = id.parse().map(EventId).map_err(|_| nothing("an event's id is a UUID"))?;
    let found = journal.by_event(id).await.map_err(|error| respond::unreadable(&error))?;
    match found.into_iter().next() {
        Some(found) => of(journal, found).await,
        None => Err(nothing(format!("no event {id} in the journal of this host"))),
    }
}

async fn find_receipt(
    shared: &Shared,
    register: &str,
    date: &str,
    number: &str,
) -> Result<ReceiptProgress, Problem> {
    let unknown = |what: &str| nothing(format!("the address names no {what}"));
    let register: RegisterId = register.parse().map_err(|_| unknown("register"))?;
    let date: BusinessDate = date.parse().map_err(|_| unknown("business date (2026-11-23)"))?;
    let number: Receipt = number.parse().map_err(|_| unknown("receipt number"))?;
    let Parts { config, journal, .. } = &shared.parts;
    let prefix = key::receipt_prefix(&config.store, &register, date, number.as_str());
    let found = journal.by_natural_key_prefix(&prefix, policy::RECEIPT_ENTRIES_MAX).await;
    let mut events = Vec::new();
    for found in found.map_err(|error| respond::unreadable(&error))? {
        events.push(of(journal, found).await?);
    }
    if events.is_empty() {
        let detail = format!("no receipt {number} of register {register} on {date}");
        return Err(nothing(detail));
    }
    Ok(ReceiptProgress { events })
}

async fn of(journal: &Journal, event: JournaledEvent) -> Result<EventProgress, Problem> {
    let progress = journal.progress_of(event.event_id).await;
    let progress = progress.map_err(|error| respond::unreadable(&error))?;
    let is_of_entry =
        |item: &Progress| item.epoch == event.epoch && item.sequence == event.sequence;
    Ok(EventProgress {
        id: event.event_id,
        epoch: event.epoch,
        sequence: event.sequence,
        journaled_at: event.journaled_at,
        state: if event.acknowledged { Stage::Relayed } else { Stage::Journaled },
        conflict_of: event.conflict_of,
        targets: progress.into_iter().filter(is_of_entry).map(TargetProgress::from).collect(),
        natural_key: event.natural_key,
    })
}

impl From<Progress> for TargetProgress {
    fn from(progress: Progress) -> Self {
        let Progress { target, state, reference, detail, at, .. } = progress;
        Self { target, state, reference, detail, at }
    }
}
