//! The way through a broker: name, connection, and whether the relay answers through it.
//!
//! A running agent has the device's name at the broker, and a second connection under it would end
//! the agent's: so its own word counts. When none runs, the doctor asks under that name for news
//! that nobody has: an answer shows that the broker is trusted, knows the device, lets it write and
//! hear, and has a relay behind it. Sends no entry.

use std::sync::Arc;

use protocol::bytes::Bytes;
use protocol::chain::Sequence;
use protocol::enrolment::EnrolmentAnswer;
use protocol::id::StoreId;

use super::Check;
use super::relay::{connect, resolve};
use crate::cli::Place;
use crate::config::MqttConfig;
use crate::health::UplinkStanding;
use crate::identity::DeviceKey;
use crate::local_api::Status;
use crate::sync::mqtt::{Mqtt, Names};
use crate::sync::uplink::{Failure, Poll, Uplink};
use crate::sync::uplinks::is_of_the_line;

const ANSWER: &str = "broker: answer";

/// What the doctor asks with when no agent runs.
pub(super) struct Asking<'a> {
    pub(super) place: &'a Place,
    pub(super) store: &'a StoreId,
    pub(super) key: &'a DeviceKey,
    pub(super) enrolment: &'a EnrolmentAnswer,
}

/// Tries each step.
pub(super) async fn check(
    mqtt: &MqttConfig,
    status: Option<&Status>,
    asking: Option<&Asking<'_>>,
) -> Vec<Check> {
    let fix = "correct the broker's address, or the name servers of this host";
    let (named, address) = resolve("broker: name", (mqtt.url.host(), mqtt.url.port()), fix).await;
    let mut checks = vec![named];
    let Some(address) = address else { return checks };
    let fix = "let this host connect there (firewall, router, line), or look at the broker";
    let connected = connect("broker: connection", address, fix).await;
    let is_good = connected.fix.is_none();
    checks.push(connected);
    if is_good {
        checks.push(match (status, asking) {
            (Some(status), _) => by_the_agent(mqtt, status),
            (None, Some(asking)) => asked(mqtt, asking).await,
            (None, None) => {
                let fix = "enrol this device first: the broker knows it by its name";
                Check::notice(ANSWER, "not asked yet", fix)
            }
        });
    }
    checks
}

/// What the running agent found.
fn by_the_agent(mqtt: &MqttConfig, status: &Status) -> Check {
    let url = mqtt.url.to_string();
    let known = status.relay.uplinks.iter().find(|uplink| uplink.uplink == url);
    match known.map(|uplink| &uplink.standing) {
        Some(UplinkStanding::InUse) => {
            Check::good(ANSWER, "the relay answers through it; the agent uses it")
        }
        Some(UplinkStanding::StandsBy) => {
            Check::good(ANSWER, "the relay answered through it; it stands by")
        }
        Some(UplinkStanding::Failed { reason }) => bad(&reason.to_string()),
        Some(UplinkStanding::NotTried) | None => {
            let fix =
                "stop the agent and run `storekeep-agent doctor` again, which then asks itself";
            Check::notice(ANSWER, "the running agent has not tried it yet", fix)
        }
    }
}

async fn asked(mqtt: &MqttConfig, asking: &Asking<'_>) -> Check {
    let Asking { place, store, key, enrolment } = asking;
    let names = Names { store: (*store).clone(), device: enrolment.device.clone() };
    let random = Arc::clone(&place.seams.random);
    let way = match Mqtt::new(mqtt, names, key.signing(), enrolment.relay_key, random) {
        Ok(way) => way,
        Err(error) => return bad(&in_full(&error)),
    };
    let ticket = Bytes([0; 16]);
    let answered = way.poll(Poll { after: 0, head: Sequence(0), ticket, wait_seconds: 0 }).await;
    way.hang_up().await;
    answer(answered.err().as_ref())
}

/// A relay that refuses has answered: the ticket is nobody's.
fn answer(failure: Option<&Failure>) -> Check {
    match failure.filter(|failure| is_of_the_line(failure)) {
        Some(failure) => bad(&failure.reason().to_string()),
        None => Check::good(ANSWER, "the broker lets this device through, and the relay answers"),
    }
}

fn bad(found: &str) -> Check {
    let fix = "compare name, password and rules at the broker with docs/handbook/mqtt.md, and look \
               whether the relay uses the broker";
    Check::bad(ANSWER, found, fix)
}

fn in_full(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    //! What an answer through a broker shows.

    use protocol::problem::Code;

    use super::super::Verdict;
    use super::*;
    use crate::health::Reason;

    #[test]
    fn a_refusal_of_the_relay_shows_that_the_broker_lets_the_device_through() {
        let said = |code| Reason::new(code, "because");
        let stale = Failure::StaleSession(said(Code::StaleSession));
        assert_eq!(answer(Some(&stale)).verdict, Verdict::Good);
        assert_eq!(answer(None).verdict, Verdict::Good);
        let refused = Failure::Refused(said(Code::Configuration));
        assert_eq!(answer(Some(&refused)).verdict, Verdict::Bad);
        let nobody = Failure::Unreachable(said(Code::RelayUnreachable));
        assert_eq!(answer(Some(&nobody)).verdict, Verdict::Bad);
    }
}
