//! `GET /metrics`: the state in the Prometheus text format (0.0.4).
//!
//! Names carry their unit; nothing of a customer or a receipt is a label. Keeps no figures of its
//! own: they are those of the status.

use std::fmt::{self, Write};
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;

use super::status::{self, Status};
use super::{Shared, respond};
use crate::health::{MeteredState, UplinkState};

const CONTENT_TYPE: &str = "text/plain; version=0.0.4";

/// `GET /metrics`.
pub(super) async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    match status::read(&shared).await {
        Ok(status) => respond::text(CONTENT_TYPE, text(&status, shared.parts.seams.now())),
        Err(problem) => respond::problem(&problem),
    }
}

fn text(status: &Status, now: Timestamp) -> String {
    let mut text = String::new();
    write_all(&mut text, status, now).expect("writing to a text does not fail");
    text
}

fn write_all(text: &mut String, status: &Status, now: Timestamp) -> fmt::Result {
    let (journal, since) = (&status.journal, &status.since_start);
    let training: u64 = since.training.values().sum();
    let name = "storekeep_agent_events_total";
    writeln!(text, "# HELP {name} Events that came in since the start, by outcome.")?;
    writeln!(text, "# TYPE {name} counter")?;
    let outcomes = [
        ("journaled", since.journaled),
        ("replayed", since.replayed),
        ("conflict", since.conflicts),
        ("refused", since.refused),
        ("not_committed", since.not_committed),
        ("training", training),
    ];
    for (outcome, count) in outcomes {
        writeln!(text, "{name}{{outcome=\"{outcome}\"}} {count}")?;
    }
    let mut gauge = |name: &str, help: &str, value: i128| {
        writeln!(text, "# HELP storekeep_agent_{name} {help}")?;
        writeln!(text, "# TYPE storekeep_agent_{name} gauge")?;
        writeln!(text, "storekeep_agent_{name} {value}")
    };
    let age = |at: Timestamp| i128::from(now.as_second().saturating_sub(at.as_second()).max(0));
    gauge("journal_entries", "Entries in the journal.", journal.entries.into())?;
    gauge("unsent_entries", "Entries that the relay does not have yet.", journal.unsent.into())?;
    let oldest = journal.oldest_unsent_at.map_or(0, age);
    gauge("oldest_unsent_seconds", "Age of the oldest of them; 0 if there is none.", oldest)?;
    gauge("journal_bytes", "Bytes of the journal on disk.", journal.bytes.into())?;
    gauge("disk_full", "1 while events are refused for lack of room.", journal.disk_full.into())?;
    let online = status.relay.link.is_online().into();
    gauge("relay_online", "1 while a session with the relay is open.", online)?;
    if let Some(skew) = status.relay.skew {
        let help = "Relay time minus host time.";
        gauge("clock_skew_milliseconds", help, skew.ms.into())?;
        let help = "1 while the host's clock goes evenly; 0 once it was set.";
        gauge("clock_even", help, skew.even.into())?;
    }
    write_uplinks(text, &status.relay.uplinks)
}

/// An address holds neither quotation marks nor backslashes, so that it can be a label as it is.
fn write_uplinks(text: &mut String, uplinks: &[UplinkState]) -> fmt::Result {
    let bytes = |count: fn(&MeteredState) -> u64| {
        move |uplink: &UplinkState| uplink.metered.as_ref().map(count)
    };
    let mut gauges = |name: &str, help: &str, value: &dyn Fn(&UplinkState) -> Option<u64>| {
        let name = format!("storekeep_agent_uplink_{name}");
        let values = uplinks.iter().filter_map(|uplink| Some((&uplink.uplink, value(uplink)?)));
        let values: Vec<_> = values.collect();
        if values.is_empty() {
            return Ok(());
        }
        writeln!(text, "# HELP {name} {help}")?;
        writeln!(text, "# TYPE {name} gauge")?;
        for (uplink, value) in values {
            writeln!(text, "{name}{{uplink=\"{uplink}\"}} {value}")?;
        }
        Ok(())
    };
    gauges("in_use", "1 for the way up that is in use.", &|uplink| {
        Some(uplink.is_in_use().into())
    })?;
    let help = "Bytes that a metered way has used in its day or month.";
    gauges("metered_used_bytes", help, &bytes(|metered| metered.used_bytes))?;
    let help = "Bytes that a metered way may use in its day or month.";
    gauges("metered_budget_bytes", help, &bytes(|metered| metered.budget_bytes))
}
