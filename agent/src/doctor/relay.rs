//! The way to the relay, step by step: name, connection, encryption, answer; then the clock and
//! the enrolment.
//!
//! Each step is tried by itself, so that the first that fails names what to mend. Sends nothing
//! of the device.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Check;
use crate::cli::{CommandError, Place, Source};
use crate::clock::{Reading, Reckoning, SKEW_MS_BAD, SKEW_MS_NOTICE, Skew};
use crate::config::{Config, RelayUrl};
use crate::identity::DeviceKey;
use crate::local_api::Status;
use crate::sync::enrol;
use crate::sync::https::{self, Probe};

/// For each step.
const STEP_TIMEOUT: Duration = Duration::from_secs(5);

/// What was found on the way.
pub(super) struct Way {
    pub(super) checks: Vec<Check>,
    /// The relay's clock, to the second, if it answered.
    pub(super) relay_time: Option<Timestamp>,
}

/// Tries each step.
pub(super) async fn check(config: &Config) -> Way {
    let Some(url) = &config.relay.url else {
        let fix = "set relay.url to bring sales up to a relay; without it they stay on this host";
        let checks = vec![Check::notice("relay", "none is configured", fix)];
        return Way { checks, relay_time: None };
    };
    let mut checks = Vec::new();
    let Some(address) = resolve(url, &mut checks).await else {
        return Way { checks, relay_time: None };
    };
    if !connect(address, &mut checks).await {
        return Way { checks, relay_time: None };
    }
    let relay_time = ask(url, config, &mut checks).await;
    Way { checks, relay_time }
}

async fn resolve(url: &RelayUrl, checks: &mut Vec<Check>) -> Option<SocketAddr> {
    const NAME: &str = "relay: name";
    let fix = "correct relay.url, or the name servers of this host";
    let (host, port) = url.host_and_port();
    let found = timeout(STEP_TIMEOUT, tokio::net::lookup_host((host, port))).await;
    let (check, address) = match found.map(|found| found.map(|mut found| found.next())) {
        Ok(Ok(Some(address))) => {
            (Check::good(NAME, format!("{host} is {}", address.ip())), Some(address))
        }
        Ok(Ok(None)) => (Check::bad(NAME, format!("{host} has no address"), fix), None),
        Ok(Err(error)) => (Check::bad(NAME, format!("{host} is not found: {error}"), fix), None),
        Err(_) => (Check::bad(NAME, format!("no answer about {host}"), fix), None),
    };
    checks.push(check);
    address
}

async fn connect(address: SocketAddr, checks: &mut Vec<Check>) -> bool {
    const NAME: &str = "relay: connection";
    let fix = "let this host connect there (firewall, router, line), or set HTTPS_PROXY if the \
               network has a proxy";
    let found = timeout(STEP_TIMEOUT, TcpStream::connect(address)).await;
    let check = match found {
        Ok(Ok(_)) => Check::good(NAME, format!("{address} answers")),
        Ok(Err(error)) => Check::bad(NAME, format!("{address}: {error}"), fix),
        Err(_) => Check::bad(NAME, format!("{address} does not answer"), fix),
    };
    let is_good = check.fix.is_none();
    checks.push(check);
    is_good
}

/// TLS and HTTP are one attempt; which of the two failed, the attempt knows.
async fn ask(url: &RelayUrl, config: &Config, checks: &mut Vec<Check>) -> Option<Timestamp> {
    const TLS: &str = "relay: encryption";
    const HTTP: &str = "relay: answer";
    let encrypted = match url.is_encrypted() {
        true => Check::good(TLS, "the relay's certificate is trusted"),
        false => Check::good(TLS, "none is needed towards this very host"),
    };
    match https::probe(url, &config.relay).await {
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
pub(super) async fn enrolment(
    place: &Place,
    config: &Config,
    status: Option<&Status>,
    source: &Result<Source, CommandError>,
) -> Check {
    const NAME: &str = "enrolment";
    let device = match (status, source) {
        (Some(status), _) => status.device.as_ref().map(ToString::to_string),
        (None, Ok(Source::File { journal, .. })) => kept(place, journal).await,
        (None, _) => None,
    };
    match device {
        Some(device) => Check::good(NAME, format!("this device is {device}")),
        None if config.relay.url.is_none() => {
            Check::good(NAME, "not needed: no relay is configured")
        }
        None => Check::bad(
            NAME,
            "this device is not enrolled; sales are kept on this host",
            "run `storekeep-agent enroll` with a token from `storekeep-relay token create`",
        ),
    }
}

async fn kept(place: &Place, journal: &journal::Journal) -> Option<String> {
    let file = place.host.data_dir.device_key();
    if !file.exists() {
        return None;
    }
    let key = DeviceKey::load_or_make(&file, &*place.seams.random).ok()?;
    enrol::kept(journal, &key).await.ok()?.map(|answer| answer.device.to_string())
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
