//! `status`: the one sentence, and the figures behind it.
//!
//! Asks the running agent. Judges nothing: what is wrong and what to do about it, `doctor` says.

use std::io::Write;
use std::time::Duration;

use super::Place;
use super::error::{CommandError, Exit};
use super::local::{LocalApi, LocalError};
use crate::health::Link;
use crate::local_api::Status;

/// Between two looks of `--watch`.
const WATCH_INTERVAL: Duration = Duration::from_secs(2);

/// What to show.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Look again every two seconds until interrupted.
    #[arg(long)]
    watch: bool,
    /// Print JSON, one document a line.
    #[arg(long)]
    json: bool,
}

/// Shows the status once, or until interrupted.
pub(super) async fn run(
    place: &Place,
    args: &Args,
    out: &mut (dyn Write + Send),
) -> Result<Exit, CommandError> {
    let config = place.config()?;
    let agent = LocalApi::new(place, &config).map_err(LocalError::for_command)?;
    loop {
        let status: Status = agent.get("/v1/status").await.map_err(LocalError::for_command)?;
        show(&status, args.json, out)?;
        if !args.watch {
            return Ok(Exit::Done);
        }
        tokio::time::sleep(WATCH_INTERVAL).await;
        if !args.json {
            writeln!(out)?;
        }
    }
}

fn show(status: &Status, json: bool, out: &mut dyn Write) -> std::io::Result<()> {
    if json {
        let status = serde_json::to_string(status).expect("a status is plain data");
        return writeln!(out, "{status}");
    }
    writeln!(out, "{}", status.sentence)?;
    let device = status.device.as_ref().map_or("not enrolled", |device| device.as_str());
    writeln!(out, "  store     {} (device {device}, version {})", status.store, status.version)?;
    let journal = &status.journal;
    writeln!(
        out,
        "  journal   {} entries, {} not relayed, head {}, relayed up to {}",
        journal.entries, journal.unsent, journal.head, journal.acknowledged
    )?;
    if let Some(oldest) = journal.oldest_unsent_at {
        writeln!(out, "  oldest    not relayed since {oldest}")?;
    }
    let (mib, days) = (journal.room_bytes / (1024 * 1024), journal.room_days);
    let days = days.map_or_else(String::new, |days| format!(": sales of {days} days"));
    writeln!(out, "  room      {mib} MiB{days}")?;
    for incident in &journal.incidents {
        writeln!(out, "  incident  {incident}")?;
    }
    writeln!(out, "  key       {}", status.journal_key)?;
    for (name, input) in &status.inputs {
        writeln!(
            out,
            "  input     {name}: {} new, {} known, {} refused, {} waiting, {} files rejected",
            input.journaled, input.replayed, input.refused, input.waiting, input.rejected_files
        )?;
        if input.unreadable + input.lost > 0 {
            writeln!(
                out,
                "            {} printed receipts unreadable (`storekeep-agent input kept {name}`), {} not \
                 captured",
                input.unreadable, input.lost
            )?;
        }
        if let Some(problem) = &input.problem {
            writeln!(out, "            {} {}", problem.code, problem.detail)?;
        }
    }
    if let Link::Offline { reason, .. } | Link::NotEnrolled { reason } = &status.relay.link {
        writeln!(out, "  relay     {reason}")?;
    }
    for uplink in &status.relay.uplinks {
        writeln!(out, "  way up    {uplink}")?;
    }
    if let (Link::Held { .. }, Some(instance)) = (&status.relay.link, status.relay.instance) {
        writeln!(out, "  instance  {instance}: `storekeep-relay device show` lists it")?;
    }
    if let Some(rewound) = &status.relay.rewound {
        writeln!(
            out,
            "  gap       noticed {}: {} entries after {} of journal {} are at the relay only; what \
             came over HTTP and was not relayed by then is missing",
            rewound.at, rewound.lost, rewound.after, rewound.former
        )?;
    }
    if let Some(contact) = status.relay.last_contact {
        writeln!(out, "  contact   {contact}")?;
    }
    if let Some(skew) = status.relay.skew {
        writeln!(out, "  clock     {skew}")?;
    }
    Ok(())
}
