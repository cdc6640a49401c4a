//! `device`: who may send.
//!
//! A held device is released by a person here. Does not judge who is a clone.

use std::io::Write;

use anyhow::Context;
use clap::Subcommand;
use jiff::Timestamp;
use protocol::id::DeviceId;

use crate::store::Store;
use crate::store::model::{Device as Row, DeviceState};

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
    /// Let a held one go on: whoever speaks up next under its key is the device.
    Release {
        /// The device.
        device: DeviceId,
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
        Device::Release { device } => {
            store.release_device(device, now).await.with_context(|| refused("release", device))?;
            writeln!(out, "{device} is released; what continues its journal is on its way")?;
            Ok(())
        }
    }
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
            "  next: `device release {}` or `device revoke {}`",
            device.device, device.device
        )?;
    }
    Ok(())
}
