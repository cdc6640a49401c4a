//! `device`: who may send.
//!
//! A held device is released by a person here, to one of its copies. Does not judge who is a clone.

use std::io::Write;

use anyhow::{Context, anyhow};
use clap::Subcommand;
use jiff::Timestamp;
use protocol::handshake::{EpochReason, InstanceId, Predecessor};
use protocol::id::DeviceId;

use crate::store::Store;
use crate::store::model::{CopyView, Device as Row, DeviceState, DeviceStory, EpochView};

/// Characters of an instance that are shown: a device has a handful of copies.
const INSTANCE_CHARS_SHOWN: usize = 8;

/// What is to be done with devices.
#[derive(Debug, Subcommand)]
pub(super) enum Device {
    /// List them with when each was last heard of.
    Ls {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Accept nothing more from one: its host was stolen, sold or replaced.
    Revoke {
        /// The device.
        device: DeviceId,
    },
    /// Show one with its journals and the hosts that speak under its name.
    Show {
        /// The device.
        device: DeviceId,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Let a held one go on; every other copy of it then has to enrol anew.
    Release {
        /// The device.
        device: DeviceId,
        /// The copy that keeps the identity, by the beginning of its instance: `device show` and
        /// the host's own `status` name it.
        #[arg(long)]
        keep: Option<String>,
    },
}

/// Runs the command.
pub(super) async fn run(
    command: &Device,
    store: &dyn Store,
    now: Timestamp,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<()> {
    match command {
        Device::Ls { json } => {
            let devices = store.devices().await.context("list the devices")?;
            if *json {
                writeln!(out, "{}", serde_json::to_string_pretty(&devices)?)?;
                return Ok(());
            }
            if devices.is_empty() {
                writeln!(out, "No device is enrolled. Next: `token create --label LABEL`")?;
            }
            for device in &devices {
                print(device, out)?;
            }
            Ok(())
        }
        Device::Revoke { device } => {
            store.revoke_device(device, now).await.with_context(|| refused("revoke", device))?;
            writeln!(out, "{device} is revoked; its store enrols again with a new token")?;
            Ok(())
        }
        Device::Show { device, json } => {
            let story = store.device_story(device).await.context("read the device")?;
            let story = story.ok_or_else(|| anyhow!("no device is named {device}"));
            let story = story.with_context(|| refused("show", device))?;
            if *json {
                writeln!(out, "{}", serde_json::to_string_pretty(&story)?)?;
                return Ok(());
            }
            show(&story, out)
        }
        Device::Release { device, keep } => {
            let keep = match keep {
                Some(beginning) => Some(named(store, device, beginning).await?),
                None => None,
            };
            let released = store.release_device(device, keep, now).await;
            released.with_context(|| refused("release", device))?;
            writeln!(out, "{device} is released; what continues its journal is on its way")?;
            for copy in displaced(store, device).await? {
                writeln!(
                    out,
                    "  copy {} has lost the name: on that host run `storekeep-agent enroll` with a \
                     token of its own; what it sold since the two parted comes under its new name",
                    short(copy.instance)
                )?;
            }
            Ok(())
        }
    }
}

/// The one copy whose instance begins like this.
async fn named(
    store: &dyn Store,
    device: &DeviceId,
    beginning: &str,
) -> anyhow::Result<InstanceId> {
    let story = store.device_story(device).await.context("read the device")?;
    let copies = story.map_or_else(Vec::new, |story| story.copies);
    let is_named = |copy: &&CopyView| {
        !copy.displaced && copy.instance.to_string().starts_with(&beginning.to_lowercase())
    };
    let mut found = copies.iter().filter(is_named);
    match (found.next(), found.next()) {
        (Some(copy), None) => Ok(copy.instance),
        (None, _) => Err(anyhow!("no held copy of {device} begins with `{beginning}`"))
            .with_context(|| format!("release device {device} (next: `device show {device}`)")),
        (Some(_), Some(_)) => Err(anyhow!("several copies begin with `{beginning}`"))
            .with_context(|| format!("release device {device} (next: name more of it)")),
    }
}

async fn displaced(store: &dyn Store, device: &DeviceId) -> anyhow::Result<Vec<CopyView>> {
    let story = store.device_story(device).await.context("read the device")?;
    let copies = story.map_or_else(Vec::new, |story| story.copies);
    Ok(copies.into_iter().filter(|copy| copy.displaced).collect())
}

/// Enough of an instance to tell a few copies apart.
fn short(instance: InstanceId) -> String {
    instance.to_string().chars().take(INSTANCE_CHARS_SHOWN).collect()
}

fn show(story: &DeviceStory, out: &mut (dyn Write + Send)) -> anyhow::Result<()> {
    print(&story.device, out)?;
    for epoch in &story.epochs {
        let EpochView { epoch, begun, head, predecessor, aside, begun_at } = epoch;
        let counts = if *begun { "counts" } else { "is only kept aside" };
        write!(out, "  journal {epoch} {counts}: {} entries since {begun_at}", head.sequence)?;
        if let Some(Predecessor { epoch, head, reason }) = predecessor {
            let why = match reason {
                EpochReason::Rewound => "its disk was put back to an older state",
                EpochReason::Salvaged => "its file was damaged",
            };
            write!(out, "; goes on after entry {} of {epoch}, because {why}", head.sequence)?;
        }
        if *aside > 0 {
            write!(out, "; {aside} entries are kept aside")?;
        }
        writeln!(out)?;
    }
    for copy in &story.copies {
        let CopyView { instance, epoch, head, seen_at, displaced, .. } = copy;
        let state = if *displaced { "has lost the name" } else { "speaks under this name" };
        writeln!(
            out,
            "  copy {} {state}: heard {seen_at}, at entry {} of journal {epoch}",
            short(*instance),
            head.sequence
        )?;
    }
    let held = story.copies.iter().filter(|copy| !copy.displaced);
    if held.clone().count() > 1 {
        writeln!(out, "  next: stop all but one, or let one keep the name:")?;
        for copy in held {
            let device = &story.device.device;
            writeln!(out, "    `device release {device} --keep {}`", short(copy.instance))?;
        }
    }
    Ok(())
}

fn refused(verb: &str, device: &DeviceId) -> String {
    format!("{verb} device {device} (next: `device ls` says how it stands)")
}

fn print(device: &Row, out: &mut (dyn Write + Send)) -> anyhow::Result<()> {
    let heard = match device.seen_at {
        Some(at) => format!("heard {at}"),
        None => "never heard".to_owned(),
    };
    let state = match device.state {
        DeviceState::Active => "active".to_owned(),
        DeviceState::Held { reason, since } => format!("held ({}) since {since}", reason.as_str()),
        DeviceState::Revoked { since } => format!("revoked since {since}"),
    };
    writeln!(
        out,
        "{:<28} store {:<12} {state}; {heard}; {} entries; {}",
        device.device.as_str(),
        device.store,
        device.entries,
        device.agent_version
    )?;
    if matches!(device.state, DeviceState::Held { .. }) {
        writeln!(
            out,
            "  next: `device show {}` names the hosts; `device release` lets one go on",
            device.device
        )?;
    }
    Ok(())
}
