//! Topics, and what a message carries beside its body.
//!
//! | topic | who writes | what |
//! |---|---|---|
//! | `storekeep/v1/{store}/{device}/up` | the device | `session`, `batch`, `poll` |
//! | `…/ack` | the relay | answers to `session` and `batch`, or a `problem` |
//! | `…/down` | the relay | the `page` that a `poll` asked for, or a `problem` |
//! | `…/state` | the device and its last will | `online` or `offline`, retained |
//!
//! All with QoS 1. A statement and its answer are JSON, a batch is compressed JSON, a problem is a
//! problem document, all as over HTTPS; a poll is the path and query that HTTPS would ask for. The
//! correlation data of a message are repeated in its answer. Judges nothing.

#[cfg(test)]
mod tests;

use protocol::id::{DeviceId, StoreId};
use protocol::sign::SIGNATURE_HEADER;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{LastWill, Publish, PublishProperties};

/// What every replica of the relay subscribes to: each message goes to one of them.
pub const SHARED_UP: &str = "$share/relay/storekeep/v1/+/+/up";

const ROOT: &str = "storekeep/v1";
const KIND: &str = "kind";
const RETRY_AFTER: &str = "retry-after";
const TRACE: &str = "traceparent";

/// Bytes that tie an answer to its question: too many to guess or to meet twice.
pub const CORRELATION_BYTES: usize = 16;

/// Ties an answer to its question.
pub type Correlation = [u8; CORRELATION_BYTES];

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A statement, or the answer to one.
    Session,
    /// A batch, or the answer to one.
    Batch,
    /// Asks for news.
    Poll,
    /// News.
    Page,
    /// A refusal.
    Problem,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Session, Self::Batch, Self::Poll, Self::Page, Self::Problem];

    /// The word that stands in the user property `kind`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Batch => "batch",
            Self::Poll => "poll",
            Self::Page => "page",
            Self::Problem => "problem",
        }
    }
}

/// The topics of one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics {
    prefix: String,
}

impl Topics {
    /// The topics of a device of a store; both are names that are safe as a topic's level.
    #[must_use]
    pub fn of(store: &StoreId, device: &DeviceId) -> Self {
        Self { prefix: format!("{ROOT}/{store}/{device}") }
    }

    /// From the device.
    #[must_use]
    pub fn up(&self) -> String {
        format!("{}/up", self.prefix)
    }

    /// Answers to statements and batches.
    #[must_use]
    pub fn ack(&self) -> String {
        format!("{}/ack", self.prefix)
    }

    /// News.
    #[must_use]
    pub fn down(&self) -> String {
        format!("{}/down", self.prefix)
    }

    /// Whether the device is connected.
    #[must_use]
    pub fn state(&self) -> String {
        format!("{}/state", self.prefix)
    }

    /// What the broker says when the device is gone.
    #[must_use]
    pub fn last_will(&self) -> LastWill {
        LastWill::new(self.state(), "offline", QoS::AtLeastOnce, true, None)
    }
}

/// What the device itself says on its state topic once it is connected, as a retained message.
#[must_use]
pub fn retained(topics: &Topics) -> Publish {
    let mut state = Publish::new(topics.state(), QoS::AtLeastOnce, "online", None);
    state.retain = true;
    state
}

/// The store and device that a topic names; none if it is no device's way up.
#[must_use]
pub fn device_of(topic: &[u8]) -> Option<(StoreId, DeviceId)> {
    let rest = std::str::from_utf8(topic).ok()?.strip_prefix(ROOT)?.strip_prefix('/')?;
    let (store, device) = rest.strip_suffix("/up")?.split_once('/')?;
    Some((StoreId::new(store).ok()?, DeviceId::new(device).ok()?))
}

/// What a page is signed over: no TLS ties it to its poll, so the signature does. It names device,
/// session and cursor, so that a page cannot be played to another device or another time.
#[must_use]
pub fn page_signed(poll: &[u8], page: &[u8]) -> Vec<u8> {
    [poll, b"\n", page].concat()
}

/// What a message carries beside its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// What it is.
    pub kind: Kind,
    /// Ties an answer to its question.
    pub correlation: Correlation,
    /// The sender's signature as text.
    pub signature: Option<String>,
    /// Seconds after which a refused sender may come again.
    pub retry_after: Option<u64>,
    /// The trace that it belongs to (W3C Trace Context).
    pub trace: Option<String>,
}

impl Envelope {
    /// A question with a trace of its own.
    #[must_use]
    pub fn question(kind: Kind, correlation: Correlation, signature: String) -> Self {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let trace = format!("00-{}-{}-00", hex(&correlation), hex(&correlation[..8]));
        let trace = Some(trace);
        Self { kind, correlation, signature: Some(signature), retry_after: None, trace }
    }

    /// Reads what stands beside a message's body; none if it is not one of ours.
    #[must_use]
    pub fn of(publish: &Publish) -> Option<Self> {
        let properties = publish.properties.as_ref()?;
        let said = |name: &str| {
            let found = properties.user_properties.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.clone())
        };
        let kind = said(KIND)?;
        Some(Self {
            kind: Kind::ALL.into_iter().find(|known| known.as_str() == kind)?,
            correlation: properties.correlation_data.as_deref()?.try_into().ok()?,
            signature: said(SIGNATURE_HEADER),
            retry_after: said(RETRY_AFTER).and_then(|text| text.parse().ok()),
            trace: said(TRACE),
        })
    }

    /// The message that carries a body.
    #[must_use]
    pub fn around(self, topic: String, body: Vec<u8>) -> Publish {
        let mut said = vec![(KIND.to_owned(), self.kind.as_str().to_owned())];
        let more = [
            (SIGNATURE_HEADER, self.signature),
            (RETRY_AFTER, self.retry_after.map(|seconds| seconds.to_string())),
            (TRACE, self.trace),
        ];
        said.extend(more.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
        let properties = PublishProperties {
            correlation_data: Some(self.correlation.to_vec().into()),
            user_properties: said,
            ..PublishProperties::default()
        };
        Publish::new(topic, QoS::AtLeastOnce, body, Some(properties))
    }
}
