//! Where an event or a receipt stands: journaled, relayed, applied in each target.
//!
//! Read from the journal, which keeps the relay's last word. Asks nobody.

use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use journal::{Journal, JournaledEvent, ReadError};
use protocol::chain::{Epoch, Sequence};
use protocol::event::key;
use protocol::id::{EventId, Receipt, RegisterId, StoreId, TargetId, Text};
use protocol::problem::Problem;
use protocol::progress::{Progress, ProgressState};
use protocol::time::BusinessDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Parts, Shared, nothing, policy, respond};

/// How far an event has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Stage {
    /// On this host's disk.
    Journaled,
    /// Committed at the relay.
    Relayed,
}

/// Where an event stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

/// What a receipt says of itself, as `REGISTER/DATE/NUMBER`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptKey {
    /// The register.
    pub register: RegisterId,
    /// The trading day.
    pub date: BusinessDate,
    /// The number that the POS printed.
    pub number: Receipt,
}

/// A text names no receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a receipt is named as `2/2026-11-23/000187`: register, business date and number")]
pub struct ReceiptKeyError;

/// Everything that stands under a receipt number: the sale, its return, conflicts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
        Some(found) => {
            EventProgress::of(journal, found).await.map_err(|error| respond::unreadable(&error))
        }
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
    let receipt = ReceiptKey {
        register: register.parse().map_err(|_| unknown("register"))?,
        date: date.parse().map_err(|_| unknown("business date (2026-11-23)"))?,
        number: number.parse().map_err(|_| unknown("receipt number"))?,
    };
    let Parts { config, journal, .. } = &shared.parts;
    let found = receipt.find(journal, &config.store).await;
    let events = found.map_err(|error| respond::unreadable(&error))?;
    if events.is_empty() {
        let ReceiptKey { register, date, number } = receipt;
        let detail = format!("no receipt {number} of register {register} on {date}");
        return Err(nothing(detail));
    }
    Ok(ReceiptProgress { events })
}

impl ReceiptKey {
    /// Everything under the receipt number, in the order of the natural keys.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub async fn find(
        &self,
        journal: &Journal,
        store: &StoreId,
    ) -> Result<Vec<EventProgress>, ReadError> {
        let prefix = key::receipt_prefix(store, &self.register, self.date, self.number.as_str());
        let mut events = Vec::new();
        for found in journal.by_natural_key_prefix(&prefix, policy::RECEIPT_ENTRIES_MAX).await? {
            events.push(EventProgress::of(journal, found).await?);
        }
        Ok(events)
    }
}

impl ReceiptKey {
    /// The same as a part of an address, which percent-encodes what a number may hold.
    #[must_use]
    pub fn path(&self) -> String {
        let mut number = String::new();
        for byte in self.number.as_str().bytes() {
            match byte {
                b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'~' => {
                    number.push(char::from(byte));
                }
                other => number.push_str(&format!("%{other:02X}")),
            }
        }
        format!("{}/{}/{number}", self.register, self.date)
    }
}

impl FromStr for ReceiptKey {
    type Err = ReceiptKeyError;
    fn from_str(text: &str) -> Result<Self, ReceiptKeyError> {
        let mut parts = text.splitn(3, '/');
        let mut next = || parts.next().ok_or(ReceiptKeyError);
        Ok(Self {
            register: next()?.parse().map_err(|_| ReceiptKeyError)?,
            date: next()?.parse().map_err(|_| ReceiptKeyError)?,
            number: next()?.parse().map_err(|_| ReceiptKeyError)?,
        })
    }
}

impl EventProgress {
    /// Where an entry's event stands.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub async fn of(journal: &Journal, event: JournaledEvent) -> Result<Self, ReadError> {
        let progress = journal.progress_of(event.event_id).await?;
        let is_of_entry =
            |item: &Progress| item.epoch == event.epoch && item.sequence == event.sequence;
        Ok(Self {
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
}

impl From<Progress> for TargetProgress {
    fn from(progress: Progress) -> Self {
        let Progress { target, state, reference, detail, at, .. } = progress;
        Self { target, state, reference, detail, at }
    }
}
