//! Sync: brings what the journal holds up to the relay, and news of it back.
//!
//! `machine` decides and does no I/O; `conversation` joins it to the journal and `driver` to a
//! way up; `downlink` asks for news beside it; `uplinks` takes both over `https` or `mqtt`,
//! whichever works; `enrol` makes the device known first. Sync reads from the journal what capture wrote and never meets it
//! otherwise: nothing here can make a sale wait.

pub mod answer;
pub mod batch;
pub mod conversation;
mod downlink;
mod driver;
pub mod enrol;
pub mod https;
mod kept;
pub mod machine;
pub mod mqtt;
pub mod policy;
#[cfg(test)]
mod tests;
pub mod uplink;
pub mod uplinks;

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
use self::uplinks::{Line, Uplinks, Way};
use crate::config::{Config, Secret, UplinkConfig};
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
    /// The file that it is kept in.
    pub key_file: PathBuf,
    /// The one-time token from the environment, which goes before the files.
    pub token: Option<Secret>,
    /// The file in the data folder in which `enroll` leaves a token for the running agent.
    pub token_file: PathBuf,
    /// Tells the rest of the agent who it is.
    pub enrolment: watch::Sender<Option<EnrolmentAnswer>>,
}

/// Another copy of this host keeps its name: this one needs a name of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Displaced;

/// Enrols if need be, and syncs for as long as the program runs. It may be dropped at any time:
/// whatever was under way is settled by the next session.
pub async fn run(parts: Parts, config: &Config, mut membership: Membership) {
    let Some(relay) = config.relay.first_contact() else {
        parts.health.set_link(Link::NoRelay);
        return;
    };
    loop {
        let answer = enrol::until_enrolled(&parts, config, &relay, &membership).await;
        let uplinks = Arc::new(uplinks(&parts, config, &membership.key, &answer).await);
        let Displaced = tokio::select! {
            displaced = sync(parts.clone(), Arc::clone(&uplinks), answer.device) => displaced,
            never = uplinks.keep_watch() => match never {},
        };
        enrol::renew(&parts, &mut membership).await;
    }
}

/// Every way up. Should the journal not say what metered lines have used, that is shown and asked
/// again: selling goes on meanwhile.
async fn uplinks(
    parts: &Parts,
    config: &Config,
    key: &DeviceKey,
    answer: &EnrolmentAnswer,
) -> Uplinks<Way> {
    let mut failures: u32 = 0;
    loop {
        match Uplinks::open(parts.clone(), lines(parts, config, key, answer)).await {
            Ok(uplinks) => return uplinks,
            Err(error) => {
                down(parts, journal_failed(&error).reason().clone());
                failures = failures.saturating_add(1);
                pause(delay(Ladder::Unavailable, failures, random(&parts.seams))).await;
            }
        }
    }
}

fn lines(
    parts: &Parts,
    config: &Config,
    key: &DeviceKey,
    answer: &EnrolmentAnswer,
) -> Vec<Line<Way>> {
    let EnrolmentAnswer { device, relay_key, .. } = answer.clone();
    let line = |way: UplinkConfig| match way.clone() {
        UplinkConfig::Https(https) => {
            let (device, key) = (device.clone(), key.signing());
            Line::new(&way, move || {
                Https::new(&https, device.clone(), Arc::clone(&key), relay_key).map(Way::Https)
            })
        }
        UplinkConfig::Mqtt(mqtt) => {
            let names = Names { store: parts.store.clone(), device: device.clone() };
            let (key, random) = (key.signing(), Arc::clone(&parts.seams.random));
            Line::new(&way, move || {
                let (key, random) = (Arc::clone(&key), Arc::clone(&random));
                Mqtt::new(&mqtt, names.clone(), key, relay_key, random).map(Way::Mqtt)
            })
        }
    };
    config.relay.ways_up().into_iter().map(line).collect()
}

/// Syncs over a way up, until another copy of this host keeps its name.
pub async fn sync<U: Uplink>(parts: Parts, uplink: Arc<U>, device: DeviceId) -> Displaced {
    let (tickets, followed) = watch::channel(None);
    let (doubts, doubted) = mpsc::channel(1);
    let downlink = Downlink::new(parts.clone(), Arc::clone(&uplink), followed, doubts);
    let driver = Driver::new(parts, uplink, device, tickets, doubted);
    tokio::select! {
        // In the order written, as everywhere in sync, so that a simulation can repeat it.
        biased;
        displaced = driver.run() => displaced,
        never = downlink.run() => match never {},
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

/// A number for jitter.
fn random(seams: &Seams) -> u32 {
    (seams.chance)()
}

async fn pause(duration: Duration) {
    tokio::time::sleep(duration).await;
}
