//! `replay`: plans again what held events call for, after a target or a rule was added.
//!
//! What exists already stays as it is: delivery keys are the same for ever, so a replay adds only
//! what was never planned. Does not send anything itself.

use std::io::Write;

use anyhow::Context;
use clap::Args;
use jiff::Timestamp;
use protocol::id::{StoreId, TargetId};
use serde::Serialize;

use crate::connectors::Targets;
use crate::dispatch::read;
use crate::store::Store;
use crate::store::model::{HeldEvent, ReplayCount, ReplayFilter};

/// Events planned in one transaction; other writers get their turn in between.
const PAGE: usize = 500;

/// Which events to replay.
#[derive(Debug, Args)]
pub struct Replay {
    /// Only count what would be added.
    #[arg(long)]
    dry_run: bool,
    /// Only of this store.
    #[arg(long)]
    store: Option<StoreId>,
    /// Only towards this target.
    #[arg(long)]
    target: Option<TargetId>,
    /// Only events that happened from here on, such as `2026-11-23T00:00:00Z`.
    #[arg(long)]
    from: Option<Timestamp>,
    /// Only events that happened before.
    #[arg(long)]
    until: Option<Timestamp>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What came of it, as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    dry_run: bool,
    #[serde(flatten)]
    count: ReplayCount,
    unreadable: u64,
}

/// Runs the command.
///
/// # Errors
/// The target is not configured, the store failed, or `out` cannot be written.
pub async fn run(
    command: &Replay,
    store: &dyn Store,
    targets: &Targets,
    now: Timestamp,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<()> {
    if let Some(target) = command.target.as_ref().filter(|target| !targets.contains_key(target)) {
        let known: Vec<_> = targets.keys().map(ToString::to_string).collect();
        anyhow::bail!(
            "replay towards {target}: no such target is configured (next: use one of {})",
            known.join(", ")
        );
    }
    let filter = ReplayFilter {
        store: command.store.clone(),
        target: command.target.clone(),
        from: command.from,
        until: command.until,
    };
    let mut outcome =
        Outcome { dry_run: command.dry_run, count: ReplayCount::default(), unreadable: 0 };
    let mut after = None;
    loop {
        let mut page =
            store.held_events(&filter, after, PAGE).await.context("read the held events")?;
        let Some(last) = page.last() else { break };
        after = Some((last.device.clone(), last.epoch, last.sequence));
        for event in &mut page {
            outcome.unreadable += u64::from(!plan(event, &filter, targets));
        }
        let count = store
            .replay(&filter, page, command.dry_run, now)
            .await
            .context("plan the held events again")?;
        outcome.count.events += count.events;
        outcome.count.existing += count.existing;
        outcome.count.added += count.added;
    }
    report(&outcome, command.json, out)
}

/// Fills in what an event calls for; false if it cannot be read.
fn plan(held: &mut HeldEvent, filter: &ReplayFilter, targets: &Targets) -> bool {
    let event = match read::event(&held.record) {
        Ok(event) => event,
        Err(error) => {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(natural_key = held.natural_key, error, "a held event is not replayed");
            return false;
        }
    };
    held.deliveries = targets
        .iter()
        .filter(|(target, _)| filter.target.as_ref().is_none_or(|only| only == *target))
        .flat_map(|(target, connector)| {
            connector.plan(&event).into_iter().map(|planned| (target.clone(), planned))
        })
        .collect();
    true
}

fn report(outcome: &Outcome, json: bool, out: &mut (dyn Write + Send)) -> anyhow::Result<()> {
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(outcome).context("write JSON")?)?;
        return Ok(());
    }
    let ReplayCount { events, existing, added } = outcome.count;
    let verb = if outcome.dry_run { "would be added" } else { "were added" };
    writeln!(out, "{events} events: {existing} deliveries exist, {added} {verb}")?;
    if outcome.unreadable > 0 {
        writeln!(out, "{} events cannot be read; the log names them", outcome.unreadable)?;
    }
    if outcome.dry_run && added > 0 {
        writeln!(out, "Next: the same command without `--dry-run`")?;
    }
    Ok(())
}
