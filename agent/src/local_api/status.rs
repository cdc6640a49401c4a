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
use journal::{Journal, ReadError, Room, Stats};
use protocol::chain::{Epoch, Sequence};
use protocol::id::{DeviceId, RegisterId, StoreId};
use protocol::problem::{Code, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Incident, Parts, Shared, respond};
use crate::health;
use crate::inputs::standing::InputState;
use crate::inputs::tally::Tally;
use crate::run::KeyStatus;

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
    /// How the key is kept that the journal is encrypted with.
    pub journal_key: KeyStatus,
    /// The way up to the relay.
    pub relay: health::State,
    /// What came in since the agent started.
    pub since_start: Intake,
    /// The inputs besides local HTTP, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, InputState>,
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
    /// Whether the disk is full or the quota is reached, so that events are refused.
    pub disk_full: bool,
    /// Bytes that the journal may still take: of its quota, or of the disk.
    pub room_bytes: u64,
    /// For how many days of sales that lasts, by the pace of the last ones; none if they are too
    /// few to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_days: Option<u64>,
    /// What happened to its files, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incidents: Vec<Incident>,
}

/// What came in, by whatever input.
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

/// `GET /healthz`: whether sales can be taken, which is all that a watchdog may act on: the journal
/// is read, and the thread that writes it answers. An outage of the relay is no reason to restart
/// anything.
pub(super) async fn healthz(State(shared): State<Arc<Shared>>) -> Response {
    let journal = &shared.parts.journal;
    if let Err(error) = journal.reach_writer().await {
        let problem = Problem::new(Code::NotCommitted, error.to_string());
        return respond::problem(
            &problem.next("restart the agent; nothing that was answered is lost"),
        );
    }
    match journal.stats().await {
        Ok(_) => respond::json(StatusCode::OK, &serde_json::json!({ "status": "ok" })),
        Err(error) => respond::problem(&respond::unreadable(&error)),
    }
}

/// Reads the state.
pub(super) async fn read(shared: &Shared) -> Result<Status, Problem> {
    let Parts { config, journal, journal_key, health, seams, enrolment, .. } = &shared.parts;
    let found = JournalStatus::of(journal).await.map_err(|error| respond::unreadable(&error))?;
    let now = seams.reading();
    let relay = health.state(now);
    let is_disk_full = found.disk_full || shared.parts.intake.tally().is_disk_full();
    let lost = found.incidents.iter().find_map(|incident| incident.sentence(now.host));
    let sentence = sentence(&relay, is_disk_full, lost, found.unsent, now.host);
    let device = enrolment.borrow().as_ref().map(|answer| answer.device.clone());
    Ok(Status {
        sentence,
        store: config.store.clone(),
        device,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        journal: JournalStatus { disk_full: is_disk_full, ..found },
        journal_key: journal_key.clone(),
        relay,
        since_start: since_start(shared.parts.intake.tally()),
        inputs: shared.parts.inputs.states(),
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

impl JournalStatus {
    /// The figures of a journal.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn of(journal: &Journal) -> Result<Self, ReadError> {
        let stats = journal.stats().await?;
        let state = journal.state();
        Ok(Self {
            epoch: state.identity.epoch,
            head: state.head.sequence,
            acknowledged: state.acknowledged.sequence,
            entries: stats.entries,
            unsent: stats.unsent,
            oldest_unsent_at: stats.oldest_unsent_at,
            last_journaled_at: stats.last_journaled_at,
            bytes: stats.file_bytes.saturating_add(stats.log_bytes),
            disk_full: journal.room() != Room::Enough,
            room_bytes: room_bytes(&stats),
            room_days: room_days(&stats),
            incidents: Incident::latest(journal).await?,
        })
    }
}

/// Bytes that the journal may still take.
fn room_bytes(stats: &Stats) -> u64 {
    stats.quota_left_bytes.map_or(stats.disk_free_bytes, |left| left.min(stats.disk_free_bytes))
}

/// Sales of less time say nothing about a day.
const SPAN_SECONDS_MIN: i64 = 60 * 60;

const SECONDS_A_DAY: u64 = 24 * 60 * 60;

/// For how many days that lasts, if sales go on as the last ones did.
fn room_days(stats: &Stats) -> Option<u64> {
    let (count, since) = stats.recent?;
    let span = stats.last_journaled_at?.as_second().checked_sub(since.as_second())?;
    let span = u64::try_from(span.max(0)).ok().filter(|_| span >= SPAN_SECONDS_MIN)?;
    let entries_a_day = count.checked_mul(SECONDS_A_DAY)?.checked_div(span)?;
    let bytes_an_entry = stats.used_bytes.checked_div(stats.entries)?;
    room_bytes(stats).checked_div(bytes_an_entry.checked_mul(entries_a_day)?)
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

#[cfg(test)]
mod tests {
    //! How long the room lasts.

    use super::*;

    #[test]
    fn room_is_told_in_days_of_sales_once_an_hour_of_them_is_there() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let stats = Stats {
            entries: 1_000,
            used_bytes: 1_000_000,
            disk_free_bytes: 10_000_000,
            recent: Some((100, at(0))),
            last_journaled_at: Some(at(24 * 60 * 60)),
            ..Stats::default()
        };
        assert_eq!(room_days(&stats), Some(100), "100 entries of 1,000 bytes a day");
        let limited = Stats { quota_left_bytes: Some(1_000_000), ..stats };
        assert_eq!((room_bytes(&limited), room_days(&limited)), (1_000_000, Some(10)));
        assert_eq!(room_days(&Stats { last_journaled_at: Some(at(60)), ..stats }), None);
    }
}
