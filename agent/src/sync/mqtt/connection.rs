//! One connection to the broker: made, used by questions that wait for their answers, and over at
//! its first fault.
//!
//! A task of its own reads and writes; nothing else touches the client library's loop, which may
//! not be broken off in the middle of a packet. Does not connect again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use broker::{Account, Correlation, Kind, Topics, Wishes};
use protocol::problem::Code;
use rumqttc::Outgoing;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Filter, Packet, Publish, SubscribeReasonCode};
use rumqttc::v5::{AsyncClient, Event, EventLoop};
use tokio::task::JoinHandle;

use super::Names;
use super::failure::{failure, not_subscribed, too_large, unset};
use super::waiting::{Answered, Waiting};
use crate::health::Reason;
use crate::sync::answer::Answer;
use crate::sync::policy::{
    ANSWER_BYTES_MAX, CONNECT_TIMEOUT, KEEP_ALIVE, MESSAGE_TIMEOUT, MQTT_ENVELOPE_BYTES_MAX,
    MQTT_RECEIVE_MAX, MQTT_UNCONFIRMED_MAX,
};
use crate::sync::uplink::Failure;

/// Bytes of a packet number, which the client library gives a message only when it sends it.
const PACKET_NUMBER_BYTES: usize = 2;

/// A connection that was made. Dropping it ends it, and the broker says so with the last will.
pub(super) struct Connection {
    client: AsyncClient,
    waiting: Shared,
    /// What the broker takes; none if it did not say.
    packet_bytes_max: Option<usize>,
    running: JoinHandle<()>,
}

#[derive(Clone)]
struct Shared(Arc<Mutex<Waiting>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A question that is waited for; dropping it forgets it.
struct Question<'a> {
    waiting: &'a Shared,
    correlation: Correlation,
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        self.waiting.lock().forget(&self.correlation);
    }
}

/// What a device wants of its connection.
pub(super) fn wishes(names: &Names) -> Wishes {
    let packet_bytes_max = ANSWER_BYTES_MAX.saturating_add(MQTT_ENVELOPE_BYTES_MAX);
    Wishes {
        client_id: names.device.to_string(),
        packet_bytes_max: u32::try_from(packet_bytes_max).unwrap_or(u32::MAX),
        receive_max: MQTT_RECEIVE_MAX,
        unconfirmed_max: MQTT_UNCONFIRMED_MAX,
        keep_alive: KEEP_ALIVE,
        connect_timeout: CONNECT_TIMEOUT,
        confirms_by_hand: false,
        last_will: Some(Topics::of(&names.store, &names.device).last_will()),
    }
}

impl Connection {
    /// Connects, subscribes and says that the device is there.
    pub(super) async fn open(account: &Account, names: &Names) -> Result<Self, Failure> {
        let options = broker::options(account, wishes(names)).map_err(|error| unset(&error))?;
        let (client, mut events) = AsyncClient::new(options, usize::from(MQTT_UNCONFIRMED_MAX));
        let topics = Topics::of(&names.store, &names.device);
        let welcome = welcome(&client, &mut events, &topics);
        let packet_bytes_max =
            tokio::time::timeout(MESSAGE_TIMEOUT, welcome).await.unwrap_or_else(|_| {
                let text = "the broker does not answer a subscription";
                Err(Failure::unavailable(Reason::new(Code::RelayUnreachable, text)))
            })?;
        let waiting = Shared(Arc::new(Mutex::new(Waiting::new(topics.clone()))));
        let running = tokio::spawn(run(events, waiting.clone()));
        let opened = Self { client, waiting, packet_bytes_max, running };
        opened.give(broker::retained(&topics), None)?;
        Ok(opened)
    }

    /// Why the connection is over; none while it works.
    pub(super) fn ended(&self) -> Option<Failure> {
        self.waiting.lock().ended()
    }

    /// Asks and waits for the answer.
    pub(super) async fn ask(
        &self,
        correlation: Correlation,
        kind: Kind,
        message: Publish,
        timeout: Duration,
    ) -> Result<Answer, Failure> {
        let size = message.size().saturating_add(PACKET_NUMBER_BYTES);
        if let Some(max) = self.packet_bytes_max.filter(|max| size > *max) {
            return Err(too_large(size, max));
        }
        let answer = self.waiting.lock().ask(correlation, kind)?;
        let question = Question { waiting: &self.waiting, correlation };
        self.give(message, Some(correlation))?;
        match tokio::time::timeout(timeout, answer).await {
            Ok(Ok(answered)) => answered,
            Ok(Err(_)) => Err(self.silent("the connection to the broker ended")),
            Err(_) if self.waiting.lock().is_confirmed(&question.correlation) => {
                let text = "the broker took the message, and no relay answered in time";
                Err(Failure::unavailable(Reason::new(Code::RelayUnreachable, text)))
            }
            Err(_) => Err(self.silent("the broker says nothing any more")),
        }
    }

    /// The line is dead although nobody said so: the next statement takes a new one.
    fn silent(&self, text: &str) -> Failure {
        let failure = Failure::Unreachable(Reason::new(Code::RelayUnreachable, text));
        self.waiting.lock().end(&failure);
        self.running.abort();
        failure
    }

    /// Hands a message to the client library, in the order in which it will number them.
    fn give(&self, message: Publish, correlation: Option<Correlation>) -> Result<(), Failure> {
        let Publish { topic, qos, retain, payload, properties, .. } = message;
        let topic = String::from_utf8_lossy(&topic).into_owned();
        let mut waiting = self.waiting.lock();
        let given = self.client.try_publish_with_properties(
            topic,
            qos,
            retain,
            payload,
            properties.unwrap_or_default(),
        );
        given.map_err(|_| {
            let text = "the connection to the broker is over, or takes nothing more";
            Failure::unavailable(Reason::new(Code::RelayUnreachable, text))
        })?;
        waiting.given(correlation);
        Ok(())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// Waits for the broker's welcome and for both subscriptions. Returns the largest packet that the
/// broker takes.
async fn welcome(
    client: &AsyncClient,
    events: &mut EventLoop,
    topics: &Topics,
) -> Result<Option<usize>, Failure> {
    let mut packet_bytes_max = None;
    let filters = [topics.ack(), topics.down()].map(|topic| Filter::new(topic, QoS::AtLeastOnce));
    client.try_subscribe_many(filters).map_err(|_| {
        let text = "a new connection takes no subscription";
        Failure::unavailable(Reason::new(Code::Internal, text))
    })?;
    loop {
        match events.poll().await.map_err(|error| failure(&error))? {
            Event::Incoming(Packet::ConnAck(welcome)) => {
                let stated = welcome.properties.and_then(|stated| stated.max_packet_size);
                packet_bytes_max = stated.and_then(|bytes| usize::try_from(bytes).ok());
            }
            Event::Incoming(Packet::SubAck(answer)) => {
                let is_good =
                    |code: &SubscribeReasonCode| matches!(code, SubscribeReasonCode::Success(_));
                let refused = answer.return_codes.iter().find(|code| !is_good(code));
                return refused.map_or(Ok(packet_bytes_max), |code| Err(not_subscribed(code)));
            }
            event => tracing::trace!(?event, "before the subscription"),
        }
    }
}

/// Reads and writes until the connection is over.
async fn run(mut events: EventLoop, waiting: Shared) {
    loop {
        match events.poll().await {
            Ok(Event::Outgoing(Outgoing::Publish(number))) => waiting.lock().numbered(number),
            Ok(Event::Incoming(Packet::PubAck(confirmed))) => {
                waiting.lock().confirmed(confirmed.pkid, confirmed.reason);
            }
            Ok(Event::Incoming(Packet::Publish(message))) => {
                if waiting.lock().arrived(&message) == Answered::Nobody {
                    tracing::debug!("the broker brought a message that nobody waits for");
                }
            }
            Ok(_) => {}
            Err(error) => {
                waiting.lock().end(&failure(&error));
                return;
            }
        }
    }
}
