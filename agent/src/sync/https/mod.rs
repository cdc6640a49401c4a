//! The way up over HTTPS: signed bodies out, signed bodies back.
//!
//! Whatever comes back without the relay's signature leads to a [`Failure`] with a plain reason:
//! a sign-in page, a proxy's error, another relay under the same address. A refusal is believed
//! without a signature, because it only ever makes the agent wait. Does not retry and follows no
//! redirect.

mod client;
mod probe;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::Arc;

use protocol::batch::BatchAnswer;
use protocol::downlink::DownlinkPage;
use protocol::enrolment::{EnrolmentAnswer, EnrolmentRequest};
use protocol::handshake::{SessionAnswer, Statement};
use protocol::id::DeviceId;
use protocol::problem::Code;
use protocol::sign::{SigningKey, VerifyingKey};

pub(crate) use self::client::builder;
pub use self::client::{ClientError, client};
pub use self::probe::{Probe, probe};
use self::wire::Wire;
pub(super) use self::wire::in_one_line;
use super::answer::{parsed, signed};
use super::batch::Packed;
use super::policy::{BATCH_TIMEOUT, MESSAGE_TIMEOUT};
use super::uplink::{Failure, Poll, Uplink};
use crate::config::HttpsConfig;
use crate::health::Reason;

/// The way up of an enrolled device.
#[derive(Debug)]
pub struct Https {
    wire: Wire,
    device: DeviceId,
    key: Arc<SigningKey>,
    relay_key: VerifyingKey,
}

impl Https {
    /// A way up for a device that holds `key`, to the relay that holds `relay_key`.
    ///
    /// # Errors
    /// The extra certificates cannot be read, or TLS cannot be set up.
    pub fn new(
        config: &HttpsConfig,
        device: DeviceId,
        key: Arc<SigningKey>,
        relay_key: VerifyingKey,
    ) -> Result<Self, ClientError> {
        let wire = Wire::new(client(config)?, config.url.clone());
        Ok(Self { wire, device, key, relay_key })
    }

    fn path(&self, rest: &str) -> String {
        format!("/v1/devices/{}/{rest}", self.device)
    }
}

impl Uplink for Https {
    async fn open_session(&self, statement: &Statement) -> Result<SessionAnswer, Failure> {
        let body = serde_json::to_vec(statement).expect("a statement is plain data");
        let signature = self.key.sign(&body);
        let request = self.wire.post(&self.path("sessions"), signature, body);
        signed(&self.wire.ask(request, MESSAGE_TIMEOUT).await?, self.relay_key)
    }

    async fn send(&self, batch: &Packed) -> Result<BatchAnswer, Failure> {
        let signature = self.key.sign(&batch.json);
        let request = self.wire.post_packed(&self.path("batches"), signature, batch.packed.clone());
        signed(&self.wire.ask(request, BATCH_TIMEOUT).await?, self.relay_key)
    }

    async fn poll(&self, poll: Poll) -> Result<DownlinkPage, Failure> {
        let address = self.path(&poll.query());
        let signature = self.key.sign(self.wire.signed_address(&address).as_bytes());
        let request = self.wire.get(&address, signature);
        signed(&self.wire.ask(request, poll.timeout()).await?, self.relay_key)
    }
}

/// Makes the device known. The answer carries the relay's key, which it has to be signed with; the
/// transport says whose it is, this once.
///
/// # Errors
/// There is no answer that counts, or TLS cannot be set up.
pub async fn enrol(
    config: &HttpsConfig,
    key: &SigningKey,
    request: &EnrolmentRequest,
) -> Result<EnrolmentAnswer, Failure> {
    let client = client(config)
        .map_err(|error| Failure::Refused(Reason::new(Code::Configuration, in_one_line(&error))))?;
    let wire = Wire::new(client, config.url.clone());
    let body = serde_json::to_vec(request).expect("an enrolment is plain data");
    let signature = key.sign(&body);
    let answer = wire.ask(wire.post("/v1/devices", signature, body), MESSAGE_TIMEOUT).await?;
    let stated: EnrolmentAnswer = parsed(&answer)?;
    signed(&answer, stated.relay_key)
}
