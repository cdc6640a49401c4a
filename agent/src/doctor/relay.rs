//! The ways to the relay, each step by step: name, connection, encryption, answer; then the clock
//! and the enrolment.
//!
//! Each step is tried by itself, so that the first that fails names what to mend. Sends nothing
//! of the device.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;
use protocol::enrolment::EnrolmentAnswer;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Check;
use super::broker::{self, Asking};
use crate::cli::{CommandError, Place, Source};
use crate::clock::{Reading, Reckoning, SKEW_MS_BAD, SKEW_MS_NOTICE, Skew};
use crate::config::{Config, HttpsConfig, UplinkConfig};
use crate::health::{Level, UplinkStanding, UplinkState};
use crate::identity::DeviceKey;
use crate::local_api::Status;
use crate::sync::enrol;
use crate::sync::https::{Probe, probe};

/// For each step.
const STEP_TIMEOUT: Duration = Duration::from_secs(5);

/// What was found on the way.
pub(super) struct Way {
    pub(super) checks: Vec<Check>,
    /// The relay's clock, to the second, if it answered.
    pub(super) relay_time: Option<Timestamp>,
}

/// Tries each step of each way.
pub(super) async fn check(
    config: &Config,
    status: Option<&Status>,
    asking: Option<&Asking<'_>>,
) -> Way {
    let Some(first) = config.relay.first_contact() else {
        let fix = "set relay.url to bring sales up to a relay; without it they stay on this host";
        let checks = vec![Check::notice("relay", "none is configured", fix)];
        return Way { checks, relay_time: None };
    };
    let mut way = Way { checks: Vec::new(), relay_time: None };
    straight(&first, &mut way).await;
    for uplink in config.relay.ways_up() {
        match uplink {
            UplinkConfig::Https(https) if https.url == first.url => {}
            UplinkConfig::Https(https) => straight(&https, &mut way).await,
            UplinkConfig::Mqtt(mqtt) => {
                way.checks.extend(broker::check(&mqtt, status, asking).await);
            }
        }
    }
    way.checks.extend(status.and_then(ways_up));
    way
}

/// The way straight to a relay.
async fn straight(https: &HttpsConfig, way: &mut Way) {
    let fix = "correct relay.url, or the name servers of this host";
    let (check, address) = resolve("relay: name", https.url.host_and_port(), fix).await;
    way.checks.push(check);
    let Some(address) = address else { return };
    let fix = "let this host connect there (firewall, router, line), or set HTTPS_PROXY if the \
               network has a proxy";
    let check = connect("relay: connection", address, fix).await;
    let is_good = check.fix.is_none();
    way.checks.push(check);
    if is_good {
        let relay_time = ask(https, &mut way.checks).await;
        way.relay_time = way.relay_time.or(relay_time);
    }
}

/// Which way is in use and why the others are not, as the running agent says; none before it has
/// tried any.
fn ways_up(status: &Status) -> Option<Check> {
    const NAME: &str = "ways up";
    let uplinks = &status.relay.uplinks;
    let found = uplinks.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ");
    let fails = |uplink: &UplinkState| matches!(uplink.standing, UplinkStanding::Failed { .. });
    let is_short =
        |uplink: &UplinkState| uplink.metered.is_some_and(|used| used.level != Level::Plenty);
    if uplinks.is_empty() {
        return None;
    }
    Some(if uplinks.iter().any(fails) {
        Check::notice(NAME, found, "mend the way that fails; until then the others carry on")
    } else if uplinks.iter().any(is_short) {
        let fix = "mend the unmetered line, or raise `metered.mb` in relay.uplinks";
        Check::notice(NAME, found, fix)
    } else {
        Check::good(NAME, found)
    })
}

/// Looks a host up.
pub(super) async fn resolve(
    name: &'static str,
    (host, port): (&str, u16),
    fix: &str,
) -> (Check, Option<SocketAddr>) {
    let found = timeout(STEP_TIMEOUT, tokio::net::lookup_host((host, port))).await;
    match found.map(|found| found.map(|mut found| found.next())) {
        Ok(Ok(Some(address))) => {
            (Check::good(name, format!("{host} is {}", address.ip())), Some(address))
        }
        Ok(Ok(None)) => (Check::bad(name, format!("{host} has no address"), fix), None),
        Ok(Err(error)) => (Check::bad(name, format!("{host} is not found: {error}"), fix), None),
        Err(_) => (Check::bad(name, format!("no answer about {host}"), fix), None),
    }
}

/// Connects, and says nothing.
pub(super) async fn connect(name: &'static str, address: SocketAddr, fix: &str) -> Check {
    match timeout(STEP_TIMEOUT, TcpStream::connect(address)).await {
        Ok(Ok(_)) => Check::good(name, format!("{address} answers")),
        Ok(Err(error)) => Check::bad(name, format!("{address}: {error}"), fix),
        Err(_) => Check::bad(name, format!("{address} does not answer"), fix),
    }
}

/// TLS and HTTP are one attempt; which of the two failed, the attempt knows.
async fn ask(https: &HttpsConfig, checks: &mut Vec<Check>) -> Option<Timestamp> {
    const TLS: &str = "relay: encryption";
    const HTTP: &str = "relay: answer";
    let encrypted = match https.url.is_encrypted() {
        true => Check::good(TLS, "the relay's certificate is trusted"),
        false => Check::good(TLS, "none is needed towards this very host"),
    };
    match probe(https).await {
        Probe::Answered { status, date } if (200..300).contains(&status) => {
            checks.push(encrypted);
            checks.push(Check::good(HTTP, format!("the relay answers (HTTP {status})")));
            date
        }
        Probe::Answered { status, date } => {
            checks.push(encrypted);
            let fix = "look at the relay, or at what stands before it: its /healthz is not well";
            checks.push(Check::bad(HTTP, format!("HTTP {status}"), fix));
            date
        }
        Probe::Untrusted(reason) => {
            let fix = "set this host's clock; where a company's own authority signs, name its \
                       certificate in relay.ca_file";
            checks.push(Check::bad(TLS, reason, fix));
            None
        }
        Probe::Silent(reason) => {
            checks.push(encrypted);
            let fix = "look at the relay: something accepts connections there and does not answer";
            checks.push(Check::bad(HTTP, reason, fix));
            None
        }
    }
}

/// The clock against the relay's: as sync measured it, or by the answer just now.
pub(super) fn clock(
    status: Option<&Status>,
    relay_time: Option<Timestamp>,
    now: Timestamp,
) -> Check {
    const NAME: &str = "clock";
    let measured = status.and_then(|status| status.relay.skew);
    let Some(skew) = measured.or_else(|| relay_time.map(|time| probed(time, now))) else {
        let fix = "check again once the relay answers";
        return Check::notice(NAME, "cannot be compared: the relay does not answer", fix);
    };
    let found = skew.to_string();
    let fix = "let this host set its clock by NTP; docs/errors/SK0047.md";
    match skew.ms.unsigned_abs() {
        ms if ms > SKEW_MS_BAD => Check::bad(NAME, found, fix),
        ms if ms > SKEW_MS_NOTICE || !skew.even => Check::notice(NAME, found, fix),
        _ => Check::good(NAME, found),
    }
}

/// The difference by an HTTP date, which has no parts of a second and no signature.
fn probed(relay_time: Timestamp, now: Timestamp) -> Skew {
    let second = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let reading = Reading { host: second, steady: Duration::ZERO };
    Reckoning::measured(relay_time, reading, reading).skew(reading)
}

/// Whether the relay knows this device.
pub(super) fn enrolment(
    config: &Config,
    status: Option<&Status>,
    kept: Option<&EnrolmentAnswer>,
) -> Check {
    const NAME: &str = "enrolment";
    let device = match status {
        Some(status) => status.device.as_ref(),
        None => kept.map(|answer| &answer.device),
    };
    match device {
        Some(device) => Check::good(NAME, format!("this device is {device}")),
        None if config.relay.first_contact().is_none() => {
            Check::good(NAME, "not needed: no relay is configured")
        }
        None => Check::bad(
            NAME,
            "this device is not enrolled; sales are kept on this host",
            "run `storekeep-agent enroll` with a token from `storekeep-relay token create`",
        ),
    }
}

/// The device's key and its enrolment, read from the files of an agent that does not run.
pub(super) async fn kept(
    place: &Place,
    source: &Result<Source, CommandError>,
) -> Option<(DeviceKey, EnrolmentAnswer)> {
    let Ok(Source::File { journal, .. }) = source else { return None };
    let file = place.host.data_dir.device_key();
    if !file.exists() {
        return None;
    }
    let key = DeviceKey::load_or_make(&file, &*place.seams.random).ok()?;
    let answer = enrol::kept(journal, &key).await.ok()??;
    Some((key, answer))
}

#[cfg(test)]
mod tests {
    //! When a clock is wrong.

    use super::super::Verdict;
    use super::*;

    #[test]
    fn a_clock_is_judged_by_its_distance_in_either_direction() {
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let verdict = |relay: &str| clock(None, Some(relay.parse().unwrap()), now).verdict;
        assert_eq!(verdict("2026-11-23T10:00:01Z"), Verdict::Good);
        assert_eq!(verdict("2026-11-23T09:59:50Z"), Verdict::Notice);
        assert_eq!(verdict("2016-11-23T10:00:00Z"), Verdict::Bad);
        assert_eq!(clock(None, None, now).verdict, Verdict::Notice);
    }
}
