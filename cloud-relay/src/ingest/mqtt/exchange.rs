//! Answers one message: whose it is, how large it may be, what it is, and the signed answer.
//!
//! What the body means is `ingest::exchange`'s, as for HTTP. Knows no connection.

use std::sync::Arc;

use axum::http::Uri;
use broker::{Envelope, Kind, Topics, device_of, page_signed};
use protocol::id::{DeviceId, StoreId};
use protocol::limits::BATCH_COMPRESSED_BYTES_MAX;
use protocol::problem::{Code, Problem};
use rumqttc::v5::mqttbytes::v5::Publish;
use serde::Serialize;

use super::polls::Polls;
use crate::ingest::Ingest;
use crate::ingest::answer::too_large;
use crate::ingest::policy::{MESSAGE_BYTES_MAX, POLL_BYTES_MAX, RETRY_AFTER_SECONDS};

/// From this status on a refusal is about the relay's own state, and says when to come again.
const UNAVAILABLE: u16 = 503;

/// A message of a device, without its body.
#[derive(Debug, Clone)]
pub struct Question {
    store: StoreId,
    device: DeviceId,
    pub(super) envelope: Envelope,
}

impl Question {
    /// Reads what a message is; none if it is none of ours.
    #[must_use]
    pub fn of(message: &Publish) -> Option<Self> {
        let (store, device) = device_of(&message.topic)?;
        Some(Self { store, device, envelope: Envelope::of(message)? })
    }

    /// Whether its answer waits for news.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.envelope.kind == Kind::Poll
    }
}

/// Answers what devices say, whatever connection it came over.
pub struct Desk {
    pub(super) ingest: Arc<Ingest>,
    polls: Polls,
}

impl Desk {
    /// A desk before ingest.
    #[must_use]
    pub fn new(ingest: Arc<Ingest>) -> Self {
        Self { ingest, polls: Polls::default() }
    }

    /// The answer to a message of a device; none if nobody waits for one any more.
    pub async fn answer(&self, question: &Question, payload: &[u8]) -> Option<Publish> {
        let Question { store, device, envelope } = question;
        let (said, body) = self.said_to(device.as_str(), envelope, payload).await?;
        let topics = Topics::of(store, device);
        let topic = if question.waits() { topics.down() } else { topics.ack() };
        Some(said.around(topic, body))
    }

    async fn said_to(
        &self,
        device: &str,
        question: &Envelope,
        payload: &[u8],
    ) -> Option<(Envelope, Vec<u8>)> {
        let answered = match is_bounded(question.kind, payload) {
            Ok(()) => self.dispatch(device, question, payload).await,
            Err(problem) => {
                let (bytes, kind) = (payload.len(), question.kind.as_str());
                tracing::warn!(device, bytes, kind, "a message that is too large was refused");
                Err(problem)
            }
        };
        match answered {
            Ok(Some((kind, body, signed))) => Some(self.said(question, kind, body, &signed, None)),
            Ok(None) => None,
            Err(problem) => {
                tracing::debug!(device, %problem, "an agent's message was refused");
                let retry_after = (problem.status == UNAVAILABLE).then_some(RETRY_AFTER_SECONDS);
                let body = json(&problem);
                let signed = body.clone();
                Some(self.said(question, Kind::Problem, body, &signed, retry_after))
            }
        }
    }

    fn said(
        &self,
        question: &Envelope,
        kind: Kind,
        body: Vec<u8>,
        signed: &[u8],
        retry_after: Option<u64>,
    ) -> (Envelope, Vec<u8>) {
        let signature = Some(self.ingest.parts.keys.signing.sign(signed).to_string());
        let Envelope { correlation, trace, .. } = question.clone();
        (Envelope { kind, correlation, signature, retry_after, trace }, body)
    }

    /// The kind of the answer, its body, and what is signed.
    async fn dispatch(
        &self,
        device: &str,
        question: &Envelope,
        payload: &[u8],
    ) -> Result<Option<(Kind, Vec<u8>, Vec<u8>)>, Problem> {
        let ingest = &self.ingest;
        let signature = question.signature.as_deref();
        let body = match question.kind {
            Kind::Session => {
                let device = ingest.device(device).await?;
                let turn = ingest.turn(&device.device).await?;
                json(&ingest.take_statement(&device, signature, payload, turn).await?)
            }
            Kind::Batch => {
                let device = ingest.device(device).await?;
                let turn = ingest.turn(&device.device).await?;
                let signature = signature.map(str::to_owned);
                json(&ingest.take_batch(device, signature, payload.to_vec(), turn).await?)
            }
            Kind::Poll => {
                let Some(page) = self.poll(device, signature, payload).await? else {
                    return Ok(None);
                };
                let signed = page_signed(payload, &page);
                return Ok(Some((Kind::Page, page, signed)));
            }
            kind @ (Kind::Page | Kind::Problem) => {
                let detail =
                    format!("a device does not send messages of the kind `{}`", kind.as_str());
                return Err(Problem::new(Code::InvalidRequest, detail)
                    .next("send `session`, `batch` or `poll`"));
            }
        };
        Ok(Some((question.kind, body.clone(), body)))
    }

    /// The page for a poll; none once a newer poll of the device came.
    async fn poll(
        &self,
        device: &str,
        signature: Option<&str>,
        payload: &[u8],
    ) -> Result<Option<Vec<u8>>, Problem> {
        let path = format!("/v1/devices/{device}/downlink");
        let address = Uri::try_from(payload).ok().filter(|address| address.path() == path);
        let address = address.ok_or_else(|| {
            let detail = format!("a poll on this topic begins with `{path}?`");
            Problem::new(Code::InvalidRequest, detail)
                .next("ask with `after`, `wait`, `head` and `ticket`")
        })?;
        let device = self.ingest.device(device).await?;
        let admitted = self.ingest.admit_poll(&device, signature, &address).await?;
        let replaced = self.polls.begin(&device.device);
        tokio::select! {
            page = self.ingest.page(&device, &admitted) => Ok(Some(json(&page?))),
            _ = replaced => Ok(None),
        }
    }
}

fn is_bounded(kind: Kind, payload: &[u8]) -> Result<(), Problem> {
    let bytes_max = match kind {
        Kind::Batch => BATCH_COMPRESSED_BYTES_MAX,
        Kind::Poll => POLL_BYTES_MAX,
        Kind::Session | Kind::Page | Kind::Problem => MESSAGE_BYTES_MAX,
    };
    if payload.len() > bytes_max {
        return Err(too_large(bytes_max));
    }
    Ok(())
}

fn json(answer: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(answer).expect("answers are plain data")
}
