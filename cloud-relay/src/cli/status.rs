//! `status`: the whole in one look.
//!
//! The same as the console shows. Changes nothing.

use std::io::Write;

use anyhow::Context;
use jiff::Timestamp;
use protocol::id::TenantId;

use crate::api::status::{Hearing, Status, StoreStatus, gather};
use crate::store::Store;

/// Runs the command.
pub(super) async fn run(
    json: bool,
    store: &dyn Store,
    tenant: &TenantId,
    now: Timestamp,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<()> {
    let status = gather(store, tenant, now).await.context("read how the relay stands")?;
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(&status)?)?;
        return Ok(());
    }
    print(&status, out)
}

fn print(status: &Status, out: &mut (dyn Write + Send)) -> anyhow::Result<()> {
    writeln!(out, "{}: {}", status.tenant, status.sentence)?;
    for store in &status.stores {
        writeln!(
            out,
            "store {:<12} {}; {} entries, {} documents on their way, {} for a person",
            store.store.as_str(),
            known(store),
            store.entries,
            store.waiting,
            store.exceptions
        )?;
    }
    for target in &status.targets {
        write!(
            out,
            "target {:<11} {} stand there, {} on their way, {} for a person",
            target.target.as_str(),
            target.done,
            target.waiting,
            target.exceptions
        )?;
        match (&target.paused_until, &target.paused_because) {
            (Some(until), Some(reason)) => {
                writeln!(out, "; takes nothing until {until}: {reason}")?;
            }
            _ => writeln!(out)?,
        }
    }
    if !status.exceptions.is_empty() {
        writeln!(out, "Next: `exceptions ls`")?;
    }
    Ok(())
}

fn known(store: &StoreStatus) -> String {
    match (store.hearing, store.heard_at) {
        (Hearing::Level, _) => "everything is here".to_owned(),
        (Hearing::Sending, _) => "still sending".to_owned(),
        (Hearing::Held, _) => "a device has to be released (`device ls`)".to_owned(),
        (Hearing::Never, _) => "enrolled, never heard of".to_owned(),
        (Hearing::Unknown, Some(at)) => format!("unknown since {at}"),
        (Hearing::Unknown, None) => "unknown: a device was never heard of".to_owned(),
    }
}
