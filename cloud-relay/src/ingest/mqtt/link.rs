//! One connection to the broker, from its subscription to its end.
//!
//! A task of its own reads and writes; each message is answered in another. Statements and batches
//! are confirmed to the broker once they are answered, so that it holds back what this replica
//! cannot take; polls at once, because they wait. Does not connect again.

use std::sync::Arc;

use broker::{SHARED_UP, SetupError, Wishes};
use protocol::limits::BATCH_COMPRESSED_BYTES_MAX;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, Publish, SubscribeReasonCode};
use rumqttc::v5::{AsyncClient, ConnectionError, Event, EventLoop};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tracing::Instrument;

use super::exchange::Question;
use super::{Shared, until_stopped};
use crate::ingest::policy::{
    DEVICE_NAME_BYTES, MQTT_CONNECT_TIMEOUT, MQTT_DRAIN_MAX, MQTT_ENVELOPE_BYTES_MAX,
    MQTT_KEEP_ALIVE, MQTT_MESSAGES_MAX, MQTT_RECEIVE_MAX, MQTT_UNCONFIRMED_MAX,
};

/// Why there is no connection any more.
#[derive(Debug, thiserror::Error)]
pub(super) enum LinkError {
    /// It cannot even be set up.
    #[error("prepare the connection")]
    Setup(#[source] SetupError),
    /// No random bytes for a name.
    #[error("the operating system gave no random bytes")]
    Random,
    /// It did not come about, or broke.
    #[error("speak with the broker")]
    Connection(#[source] Box<ConnectionError>),
    /// The broker does not answer.
    #[error("the broker does not answer in time")]
    Silent,
    /// The broker does not let the relay listen.
    #[error("the broker refuses the subscription to `{SHARED_UP}` ({0})")]
    NotSubscribed(String),
    /// The program itself failed.
    #[error("the task that speaks with the broker failed")]
    Task(#[source] tokio::task::JoinError),
}

impl LinkError {
    /// With its causes, for the log.
    pub(super) fn in_one_line(&self) -> String {
        let first: &dyn std::error::Error = self;
        let causes = std::iter::successors(Some(first), |error| error.source());
        causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
    }
}

/// A connection that is subscribed.
pub(super) struct Link {
    shared: Arc<Shared>,
    client: AsyncClient,
    reading: JoinHandle<ConnectionError>,
}

impl Link {
    /// Connects and subscribes.
    pub(super) async fn open(shared: &Arc<Shared>) -> Result<Self, LinkError> {
        let options =
            broker::options(&shared.account, wishes(shared)?).map_err(LinkError::Setup)?;
        let (client, mut events) = AsyncClient::new(options, usize::from(MQTT_UNCONFIRMED_MAX));
        let subscribed = timeout(MQTT_CONNECT_TIMEOUT, subscribe(&client, &mut events)).await;
        subscribed.unwrap_or(Err(LinkError::Silent))?;
        let reading = tokio::spawn(read(events, Arc::clone(shared), client.clone()));
        Ok(Self { shared: Arc::clone(shared), client, reading })
    }

    /// Answers until the connection breaks, or the relay stops and what is under way is answered.
    pub(super) async fn serve(mut self) -> Result<(), LinkError> {
        let mut stopping = self.shared.stopping.clone();
        tokio::select! {
            ended = &mut self.reading => {
                let error = ended.map_err(LinkError::Task)?;
                return Err(LinkError::Connection(Box::new(error)));
            }
            () = until_stopped(&mut stopping) => {}
        }
        let all = self.shared.messages.acquire_many(MQTT_MESSAGES_MAX);
        if timeout(MQTT_DRAIN_MAX, all).await.is_err() {
            tracing::warn!(
                "answers were under way when the relay left the broker; agents ask again"
            );
        }
        // Behind the last answer: the library sends in order.
        if self.client.disconnect().await.is_ok() {
            match timeout(MQTT_CONNECT_TIMEOUT, &mut self.reading).await {
                Ok(_) => tracing::debug!("the relay left the broker"),
                Err(_) => self.reading.abort(),
            }
        }
        Ok(())
    }
}

fn wishes(shared: &Shared) -> Result<Wishes, LinkError> {
    let mut name = [0; DEVICE_NAME_BYTES];
    shared.desk.ingest.parts.seams.random.fill(&mut name).map_err(|_| LinkError::Random)?;
    let packet_bytes_max = BATCH_COMPRESSED_BYTES_MAX.saturating_add(MQTT_ENVELOPE_BYTES_MAX);
    Ok(Wishes {
        // Each replica and each connection has a name of its own.
        client_id: format!("storekeep-relay-{}", hex::encode(name)),
        packet_bytes_max: u32::try_from(packet_bytes_max).unwrap_or(u32::MAX),
        receive_max: MQTT_RECEIVE_MAX,
        unconfirmed_max: MQTT_UNCONFIRMED_MAX,
        keep_alive: MQTT_KEEP_ALIVE,
        connect_timeout: MQTT_CONNECT_TIMEOUT,
        confirms_by_hand: true,
        last_will: None,
    })
}

async fn subscribe(client: &AsyncClient, events: &mut EventLoop) -> Result<(), LinkError> {
    let broken = |error| LinkError::Connection(Box::new(error));
    let asked = client.try_subscribe(SHARED_UP, QoS::AtLeastOnce);
    asked.map_err(|error| LinkError::NotSubscribed(error.to_string()))?;
    loop {
        let Event::Incoming(Packet::SubAck(answer)) = events.poll().await.map_err(broken)? else {
            continue;
        };
        let is_good = |code: &SubscribeReasonCode| matches!(code, SubscribeReasonCode::Success(_));
        return match answer.return_codes.iter().find(|code| !is_good(code)) {
            Some(code) => Err(LinkError::NotSubscribed(format!("{code:?}"))),
            None => Ok(()),
        };
    }
}

/// Reads and writes until the connection is over; what comes is answered in tasks of their own.
async fn read(mut events: EventLoop, shared: Arc<Shared>, client: AsyncClient) -> ConnectionError {
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::Publish(message))) => take(&shared, &client, message),
            Ok(_) => {}
            Err(error) => return error,
        }
    }
}

fn take(shared: &Arc<Shared>, client: &AsyncClient, message: Publish) {
    if *shared.stopping.borrow() {
        return;
    }
    let Ok(leave) = Arc::clone(&shared.messages).try_acquire_owned() else {
        tracing::warn!("more messages of the broker are under way than this relay takes");
        // Its sender asks again; unconfirmed it would hold up others for good.
        if client.try_ack(&message).is_err() {
            tracing::debug!("a message that was not taken could not be confirmed either");
        }
        return;
    };
    let (shared, client) = (Arc::clone(shared), client.clone());
    tokio::spawn(async move {
        answer(&shared, &client, message).await;
        drop(leave);
    });
}

async fn answer(shared: &Shared, client: &AsyncClient, message: Publish) {
    let Some(question) = Question::of(&message) else {
        tracing::debug!("a message that is none of ours came through the broker");
        confirm(client, &message).await;
        return;
    };
    if question.waits() {
        confirm(client, &message).await;
    }
    let trace = question.envelope.trace.as_deref().unwrap_or_default();
    let span = tracing::debug_span!("message", kind = question.envelope.kind.as_str(), trace);
    let answered = shared.desk.answer(&question, &message.payload).instrument(span);
    if let Some(answer) = answered.await {
        send(client, answer).await;
    }
    if !question.waits() {
        confirm(client, &message).await;
    }
}

async fn send(client: &AsyncClient, message: Publish) {
    let Publish { topic, qos, retain, payload, properties, .. } = message;
    let topic = String::from_utf8_lossy(&topic).into_owned();
    let properties = properties.unwrap_or_default();
    let sent = client.publish_with_properties(topic, qos, retain, payload, properties).await;
    if sent.is_err() {
        tracing::debug!("the connection ended before an answer; the agent asks again");
    }
}

async fn confirm(client: &AsyncClient, message: &Publish) {
    if client.ack(message).await.is_err() {
        tracing::debug!("the connection ended before a message was confirmed");
    }
}
