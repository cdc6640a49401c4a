//! Sync: brings what the journal holds up to the relay, and news of it back.
//!
//! `machine` decides and does no I/O; `conversation` joins it to the journal and `driver` to a
//! way up; `downlink` asks for news beside it; `https` or `mqtt` carries both; `enrol` makes the
//! device known first. Sync reads from the journal what capture wrote and never meets it
//! otherwise: nothing here can make a sale wait.

mod answer;
pub mod batch;
pub mod conversation;
mod downlink;
mod driver;
pub mod enrol;
pub mod https;
pub mod machine;
pub mod mqtt;
pub mod policy;
#[cfg(test)]
mod tests;
pub mod uplink;

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use journal::Journal;
use protocol::enrolment::EnrolmentAnswer;
use protocol::handshake::InstanceId;
use protocol::id::{DeviceId, StoreId};
use protocol::problem::Code;
use tokio::sync::{mpsc, watch};

use self::downlink::Downlink;
use self::driver::Driver;
use self::https::Https;
use self::mqtt::{Mqtt, Names};
use self::policy::{Ladder, delay};
use self::uplink::{Failure, Uplink};
use crate::config::{Config, Secret};
use crate::health::{Health, Link, Reason};
use crate::identity::DeviceKey;
use crate::seams::Seams;

/// The note in the journal that keeps the relay's time of the last session.
pub const TIME_NOTE: &str = "relay-time";

/// What sync works with.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The store that this host serves.
    pub store: StoreId,
    /// The journal.
    pub journal: Journal,
    /// Where the link's state is shown.
    pub health: Health,
    /// Clock, randomness and faults.
    pub seams: Seams,
    /// This start of the program.
    pub instance: InstanceId,
}

/// What makes a device known and keeps it so.
#[derive(Debug)]
pub struct Membership {
    /// The device's key.
    pub key: Arc<DeviceKey>,
    /// The one-time token from the environment, which goes before the files.
    pub token: Option<Secret>,
    /// The file in the data folder in which `enroll` leaves a token for the running agent.
    pub token_file: PathBuf,
    /// Tells the rest of the agent who it is.
    pub enrolment: watch::Sender<Option<EnrolmentAnswer>>,
}

/// Enrols if need be, and syncs for as long as the program runs. It may be dropped at any time:
/// whatever was under way is settled by the next session.
pub async fn run(parts: Parts, config: &Config, membership: Membership) {
    let Some(url) = config.relay.url.clone() else {
        parts.health.set_link(Link::NoRelay);
        return;
    };
    let answer = enrol::until_enrolled(&parts, config, &url, &membership).await;
    let device = &answer.device;
    let key = || membership.key.signing();
    let never = match &config.relay.mqtt {
        Some(mqtt) => {
            let random = Arc::clone(&parts.seams.random);
            let make = || {
                let names = Names { store: parts.store.clone(), device: device.clone() };
                Mqtt::new(mqtt, names, key(), answer.relay_key, Arc::clone(&random))
            };
            let uplink = uplink(&parts, make).await;
            sync(parts, Arc::new(uplink), device.clone()).await
        }
        None => {
            let make =
                || Https::new(url.clone(), &config.relay, device.clone(), key(), answer.relay_key);
            let uplink = uplink(&parts, make).await;
            sync(parts, Arc::new(uplink), device.clone()).await
        }
    };
    match never {}
}

/// The way up. What keeps it from being set up, such as a file with certificates that cannot be
/// read, is shown and tried again: selling goes on meanwhile.
async fn uplink<U, E: std::error::Error + 'static>(
    parts: &Parts,
    make: impl Fn() -> Result<U, E>,
) -> U {
    let mut failures: u32 = 0;
    loop {
        match make() {
            Ok(uplink) => return uplink,
            Err(error) => {
                let reason = Reason::new(Code::Configuration, https::in_one_line(&error));
                down(parts, reason);
                failures = failures.saturating_add(1);
                pause(delay(Ladder::Refused, failures, random(&parts.seams))).await;
            }
        }
    }
}

/// Syncs over a way up, for ever.
pub async fn sync<U: Uplink>(parts: Parts, uplink: Arc<U>, device: DeviceId) -> Infallible {
    let (tickets, followed) = watch::channel(None);
    let (doubts, doubted) = mpsc::channel(1);
    let downlink = Downlink::new(parts.clone(), Arc::clone(&uplink), followed, doubts);
    let driver = Driver::new(parts, uplink, device, tickets, doubted);
    tokio::select! {
        never = driver.run() => never,
        never = downlink.run() => never,
    }
}

/// Shows that the relay cannot be used, and logs it once.
fn down(parts: &Parts, reason: Reason) {
    let link = match reason.code {
        Code::UnknownDevice | Code::NotEnrolled | Code::BadToken => {
            Link::NotEnrolled { reason: reason.clone() }
        }
        _ => Link::Offline { since: parts.seams.now(), reason: reason.clone() },
    };
    if !parts.health.set_link(link) {
        return;
    }
    let (code, reason) = (reason.code, reason.text);
    match passes_by_itself(code) {
        true => tracing::warn!(%code, reason, "the relay cannot be reached; selling goes on"),
        false => tracing::error!(%code, reason, "the relay is not sent anything; selling goes on"),
    }
}

const fn passes_by_itself(code: Code) -> bool {
    matches!(
        code,
        Code::RelayUnreachable
            | Code::Busy
            | Code::Internal
            | Code::NotCommitted
            | Code::StaleSession
            | Code::DiskReserve
    )
}

/// What the journal cannot do at present is waited for like the relay.
fn journal_failed(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::unavailable(Reason::new(Code::NotCommitted, https::in_one_line(error)))
}

/// A number for jitter. Without randomness the longest wait is the safe one.
fn random(seams: &Seams) -> u32 {
    let mut bytes = [0; 4];
    match seams.random.fill(&mut bytes) {
        Ok(()) => u32::from_ne_bytes(bytes),
        Err(_) => u32::MAX,
    }
}

async fn pause(duration: Duration) {
    tokio::time::sleep(duration).await;
}
