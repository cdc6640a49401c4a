//! The way up through an MQTT 5 broker: the same bodies as over HTTPS, between the same two.
//!
//! The broker is not trusted: what counts carries the relay's signature, a page is signed together
//! with the poll that it answers, and that the broker confirmed a message means nothing. A
//! connection is made when there is something to say and none stands, once: waiting is up to
//! whoever says it. Does not retry and does not enrol.

mod connection;
mod failure;
#[cfg(test)]
mod tests;
pub mod waiting;

use std::sync::Arc;
use std::time::Duration;

use broker::{
    Account, CORRELATION_BYTES, Credentials, Envelope, Kind, SetupError, Topics, page_signed,
};
use protocol::batch::BatchAnswer;
use protocol::downlink::DownlinkPage;
use protocol::handshake::{SessionAnswer, Statement};
use protocol::id::{DeviceId, StoreId};
use protocol::problem::Code;
use protocol::sign::{Signature, SigningKey, VerifyingKey};
use ring::rand::SecureRandom;
use tokio::sync::Mutex;

use self::connection::Connection;
use super::answer::{Answer, signed, signed_over};
use super::batch::Packed;
use super::policy::{BATCH_TIMEOUT, MESSAGE_TIMEOUT};
use super::uplink::{Failure, Poll, Uplink};
use crate::config::secret::SecretError;
use crate::config::{MqttConfig, Secret};
use crate::health::Reason;

/// Whose topics they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// The store.
    pub store: StoreId,
    /// The device.
    pub device: DeviceId,
}

/// Why the way up cannot even be set up.
#[derive(Debug, thiserror::Error)]
pub enum MqttError {
    /// The password cannot be read.
    #[error("read the broker's password")]
    Password(#[source] SecretError),
    /// Certificates or TLS.
    #[error("prepare the connection to the broker")]
    Setup(#[source] SetupError),
}

/// The way up of an enrolled device.
pub struct Mqtt {
    account: Account,
    names: Names,
    key: Arc<SigningKey>,
    relay_key: VerifyingKey,
    random: Arc<dyn SecureRandom + Send + Sync>,
    /// The last connection that was made; it may be over.
    connection: Mutex<Option<Arc<Connection>>>,
}

impl Mqtt {
    /// A way up for a device that holds `key`, to the relay that holds `relay_key`.
    ///
    /// # Errors
    /// The password or the certificates cannot be read, or TLS cannot be set up.
    pub fn new(
        config: &MqttConfig,
        names: Names,
        key: Arc<SigningKey>,
        relay_key: VerifyingKey,
        random: Arc<dyn SecureRandom + Send + Sync>,
    ) -> Result<Self, MqttError> {
        let password = config.password_file.as_deref().map(Secret::from_file).transpose();
        let password = password.map_err(MqttError::Password)?;
        let credentials = config.username.as_ref().map(|username| Credentials {
            username: username.as_str().to_owned(),
            password: password.map_or_else(String::new, |secret| secret.expose().to_owned()),
        });
        let account =
            Account { url: config.url.clone(), credentials, ca_file: config.ca_file.clone() };
        // What cannot work at all is said now; each connection reads the certificates anew.
        let wishes = connection::wishes(&names);
        broker::options(&account, wishes).map_err(MqttError::Setup)?;
        Ok(Self { account, names, key, relay_key, random, connection: Mutex::new(None) })
    }

    /// The connection that works, or a new one.
    async fn connected(&self) -> Result<Arc<Connection>, Failure> {
        let mut last = self.connection.lock().await;
        if let Some(connection) = last.as_ref().filter(|connection| connection.ended().is_none()) {
            return Ok(Arc::clone(connection));
        }
        // The former one goes first: the broker knows both by the same name.
        *last = None;
        let opened = Arc::new(Connection::open(&self.account, &self.names).await?);
        *last = Some(Arc::clone(&opened));
        Ok(opened)
    }

    async fn ask(
        &self,
        connection: &Connection,
        kind: Kind,
        signature: Signature,
        body: Vec<u8>,
        timeout: Duration,
    ) -> Result<Answer, Failure> {
        let mut correlation = [0; CORRELATION_BYTES];
        self.random.fill(&mut correlation).map_err(|_| {
            let text = "the operating system gave no random bytes";
            Failure::unavailable(Reason::new(Code::Internal, text))
        })?;
        let envelope = Envelope::question(kind, correlation, signature.to_string());
        let topic = Topics::of(&self.names.store, &self.names.device).up();
        connection.ask(correlation, kind, envelope.around(topic, body), timeout).await
    }
}

impl Uplink for Mqtt {
    async fn open_session(&self, statement: &Statement) -> Result<SessionAnswer, Failure> {
        let connection = self.connected().await?;
        let body = serde_json::to_vec(statement).expect("a statement is plain data");
        let signature = self.key.sign(&body);
        let asked = self.ask(&connection, Kind::Session, signature, body, MESSAGE_TIMEOUT);
        signed(&asked.await?, self.relay_key)
    }

    async fn send(&self, batch: &Packed) -> Result<BatchAnswer, Failure> {
        let connection = self.connected().await?;
        let signature = self.key.sign(&batch.json);
        let asked =
            self.ask(&connection, Kind::Batch, signature, batch.packed.clone(), BATCH_TIMEOUT);
        signed(&asked.await?, self.relay_key)
    }

    async fn poll(&self, poll: Poll) -> Result<DownlinkPage, Failure> {
        let connection = self.connected().await?;
        let asked_for = format!("/v1/devices/{}/{}", self.names.device, poll.query()).into_bytes();
        let signature = self.key.sign(&asked_for);
        let body = asked_for.clone();
        let asked = self.ask(&connection, Kind::Poll, signature, body, poll.timeout());
        let answer = asked.await?;
        signed_over(&answer, &page_signed(&asked_for, &answer.body), self.relay_key)
    }

    async fn hang_up(&self) {
        *self.connection.lock().await = None;
    }
}
