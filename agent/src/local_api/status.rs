//! The agent's state: for people as one sentence, for programs in figures.
//!
//! Does not judge: what is a fault and what to do about it, `doctor` says.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use journal::Stats;
use protocol::chain::{Epoch, Sequence};
use protocol::id::{DeviceId, RegisterId, StoreId};
use protocol::problem::Problem;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Incident, Parts, Shared, respond};
use crate::health;
use crate::inputs::http::Tally;

/// `GET /v1/status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The state in one sentence, as the local page shows it.
    pub sentence: String,
    /// The store that this host serves.
    pub store: StoreId,
    /// The name that the relay gave to this device; none before enrolment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// The program's version.
    pub version: String,
    /// The journal.
    pub journal: JournalStatus,
    /// The way up to the relay.
    pub relay: health::State,
    /// What came in since the agent started.
    pub since_start: Intake,
}

/// The journal in figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JournalStatus {
    /// The identity of the continuous journal.
    pub epoch: Epoch,
    /// The last entry.
    pub head: Sequence,
    /// The last entry that the relay has.
    pub acknowledged: Sequence,
    /// Entries of all epochs.
    pub entries: u64,
    /// Entries that the relay does not have yet.
    pub unsent: u64,
    /// When the oldest of those was journaled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub oldest_unsent_at: Option<Timestamp>,
    /// When the last entry was journaled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub last_journaled_at: Option<Timestamp>,
    /// Bytes on disk, with the log.
    pub bytes: u64,
    /// Whether the disk is full, so that events are refused.
    pub disk_full: bool,
    /// What happened to its files, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incidents: Vec<Incident>,
}

/// What came in over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Intake {
    /// New events.
    pub journaled: u64,
    /// Events that were known.
    pub replayed: u64,
    /// Events with other content under a known receipt; kept.
    pub conflicts: u64,
    /// Events that break a rule; the sender was told.
    pub refused: u64,
    /// Events that could not be written; the sender was told to send them again.
    pub not_committed: u64,
    /// Practice, by register.
    pub training: BTreeMap<RegisterId, u64>,
}

/// `GET /v1/status`.
pub(super) async fn status(State(shared): State<Arc<Shared>>) -> Response {
    match read(&shared).await {
        Ok(status) => respond::json(StatusCode::OK, &status),
        Err(problem) => respond::problem(&problem),
    }
}

/// `GET /healthz`: whether sales can be taken, which is all that a watchdog may act on. An outage
/// of the relay is no reason to restart anything.
pub(super) async fn healthz(State(shared): State<Arc<Shared>>) -> Response {
    match shared.parts.journal.stats().await {
        Ok(_) => respond::json(StatusCode::OK, &serde_json::json!({ "status": "ok" })),
        Err(error) => respond::problem(&respond::unreadable(&error)),
    }
}

/// Reads the state.
pub(super) async fn read(shared: &Shared) -> Result<Status, Problem> {
    let Parts { config, journal, health, seams, enrolment, .. } = &shared.parts;
    let stats = journal.stats().await.map_err(|error| respond::unreadable(&error))?;
    let incidents = Incident::latest(journal).await;
    let incidents = incidents.map_err(|error| respond::unreadable(&error))?;
    let now = seams.reading();
    let relay = health.state(now);
    let is_disk_full = shared.intake.tally().is_disk_full();
    let lost = incidents.iter().find_map(|incident| incident.sentence(now.host));
    let sentence = sentence(&relay, is_disk_full, lost, stats.unsent, now.host);
    let device = enrolment.borrow().as_ref().map(|answer| answer.device.clone());
    Ok(Status {
        sentence,
        store: config.store.clone(),
        device,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        journal: JournalStatus {
            incidents,
            ..journal_status(&journal.state(), &stats, is_disk_full)
        },
        relay,
        since_start: since_start(shared.intake.tally()),
    })
}

/// The one sentence. A full disk goes before everything: it is the one state in which a store
/// cannot go on; then what was lost.
fn sentence(
    relay: &health::State,
    is_disk_full: bool,
    lost: Option<String>,
    unsent: u64,
    now: Timestamp,
) -> String {
    if is_disk_full {
        return "The disk is full: new sales are refused until there is room; free space on this \
                machine now. What was sold before is safe."
            .to_owned();
    }
    match lost {
        Some(lost) => format!("{} {lost}.", relay.sentence(unsent, now)),
        None => relay.sentence(unsent, now),
    }
}

fn journal_status(state: &journal::State, stats: &Stats, disk_full: bool) -> JournalStatus {
    JournalStatus {
        epoch: state.identity.epoch,
        head: state.head.sequence,
        acknowledged: state.acknowledged.sequence,
        entries: stats.entries,
        unsent: stats.unsent,
        oldest_unsent_at: stats.oldest_unsent_at,
        last_journaled_at: stats.last_journaled_at,
        bytes: stats.file_bytes.saturating_add(stats.log_bytes),
        disk_full,
        incidents: Vec::new(),
    }
}

fn since_start(tally: &Tally) -> Intake {
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    Intake {
        journaled: count(&tally.journaled),
        replayed: count(&tally.replayed),
        conflicts: count(&tally.conflicts),
        refused: count(&tally.refused),
        not_committed: count(&tally.not_committed),
        training: tally.training_by_register(),
    }
}
