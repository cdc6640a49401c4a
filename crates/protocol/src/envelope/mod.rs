//! The envelope: CloudEvents 1.0 attributes around a body, structured JSON.
//!
//! Two stages. A [`Draft`] is what an input hands in: the POS may leave out whatever follows from
//! the body, even the `id`. An [`Event`] is what is journaled: complete, in one canonical
//! form. Both are read strictly; each error names its place. Does not know which store a host
//! serves nor what day it is: capture does.

mod error;
#[cfg(test)]
mod golden;
mod read;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use ring::digest::{SHA256, digest};
use serde::Serialize;

use crate::bytes::Bytes;
use crate::chain::ChainHash;
use crate::event::{Body, EventType, Move, key, moves, rules};
use crate::id::{EventId, StoreId};
use crate::personal::{Personal, SealingKey};
use crate::record::Equation;
use crate::time::OffsetTime;

pub use error::EventError;

/// The version of CloudEvents.
const SPEC_VERSION: &str = "1.0";

/// The media type of every body.
const DATA_CONTENT_TYPE: &str = "application/json";

/// A trace context (W3C Trace Context, `traceparent` version 00).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct TraceParent(Box<str>);

impl TraceParent {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An event as an input hands it in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The POS's own identity of the event, if it assigned one.
    pub id: Option<EventId>,
    /// When it happened: the attribute `time`, else what the body states.
    pub time: OffsetTime,
    /// The trace that it belongs to.
    pub traceparent: Option<TraceParent>,
    /// The body.
    pub body: Body,
    /// Equations that do not hold by a rule of the source's own; those of the canonical model are
    /// checked at capture.
    pub unbalanced: Vec<Equation>,
}

/// A complete event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its identity.
    pub id: EventId,
    /// When it happened.
    pub time: OffsetTime,
    /// The trace that it belongs to.
    pub traceparent: Option<TraceParent>,
    /// The body.
    pub body: Body,
}

impl Draft {
    /// The event of a body that an input has made; it happened when the body says.
    ///
    /// # Errors
    /// The body breaks a rule, or states no time.
    pub fn of(body: Body) -> Result<Self, EventError> {
        rules::check(&body)?;
        let time = body
            .stated_time()
            .ok_or_else(|| EventError::invalid("data.completedAt", "the source states no time"))?;
        Ok(Self { id: None, time, traceparent: None, body, unbalanced: Vec::new() })
    }

    /// Reads one event from JSON.
    ///
    /// # Errors
    /// Not JSON, an unknown or missing field, a value out of its range, a broken rule, or an
    /// attribute that contradicts the body.
    pub fn parse(json: &[u8]) -> Result<Self, EventError> {
        read::draft(json)
    }

    /// Seals personal fields that are open. `seed` is 32 random bytes used for nothing else.
    ///
    /// # Errors
    /// There are open fields and no key to seal them to.
    pub fn seal_personal(
        &mut self,
        key: Option<SealingKey>,
        seed: [u8; 32],
    ) -> Result<(), EventError> {
        let Body::Transaction(transaction) = &mut self.body else { return Ok(()) };
        let Some(Personal::Open(fields)) = &transaction.personal else { return Ok(()) };
        let key = key.ok_or_else(|| {
            let message = "personal fields need the relay's sealing key, which comes with \
                           enrolment; send the event without them or enrol this host first";
            EventError::invalid("data.personal", message)
        })?;
        let sealed = fields
            .seal(key, seed)
            .map_err(|error| EventError::invalid("data.personal", &error.to_string()))?;
        transaction.personal = Some(Personal::Sealed(sealed));
        Ok(())
    }

    /// The event under this identity.
    #[must_use]
    pub fn into_event(self, id: EventId) -> Event {
        let Self { time, traceparent, body, .. } = self;
        Event { id, time, traceparent, body }
    }
}

impl Event {
    /// Reads an event as it is journaled.
    ///
    /// # Errors
    /// As [`Draft::parse`]; besides, the `id` is missing or personal fields are open.
    pub fn parse(json: &[u8]) -> Result<Self, EventError> {
        let draft = read::draft(json)?;
        let id = draft.id.ok_or_else(|| EventError::invalid("id", "missing field `id`"))?;
        if let Body::Transaction(transaction) = &draft.body
            && matches!(transaction.personal, Some(Personal::Open(_)))
        {
            return Err(EventError::invalid("data.personal", "personal fields are not sealed"));
        }
        Ok(draft.into_event(id))
    }

    /// The canonical JSON, which is journaled, chained and sent byte for byte.
    ///
    /// # Panics
    /// Never: an event is plain data.
    #[must_use]
    pub fn to_json(&self) -> String {
        let event_type = self.body.event_type();
        let wire = Wire {
            specversion: SPEC_VERSION,
            id: self.id,
            source: source(&self.body),
            event_type: event_type.as_str(),
            subject: subject(&self.body),
            time: self.time,
            datacontenttype: DATA_CONTENT_TYPE,
            dataschema: event_type.data_schema(),
            traceparent: self.traceparent.as_ref(),
            data: &self.body,
        };
        serde_json::to_string(&wire).expect("an event is plain data")
    }

    /// What makes it the same event whoever sends it ([`crate::event::key`]).
    #[must_use]
    pub fn natural_key(&self) -> String {
        key::of(&self.body)
    }

    /// SHA-256 over the canonical serialisation (RFC 8785) of the body without `profile`,
    /// `extensions` and `personal`.
    ///
    /// # Panics
    /// Never: a body is plain data.
    #[must_use]
    pub fn content_hash(&self) -> ChainHash {
        let canonical = serde_json_canonicalizer::to_vec(&self.body.content());
        let canonical = canonical.expect("a body is plain data");
        let hash = digest(&SHA256, &canonical);
        Bytes::from_slice(hash.as_ref()).expect("SHA-256 has 32 bytes")
    }

    /// When it happened.
    #[must_use]
    pub const fn occurred_at(&self) -> Timestamp {
        self.time.instant()
    }

    /// The store.
    #[must_use]
    pub const fn store(&self) -> &StoreId {
        self.body.store()
    }

    /// What it means for stock.
    #[must_use]
    pub fn stock_moves(&self) -> Vec<Move> {
        moves::of(&self.body, self.occurred_at())
    }
}

/// An event as it is written, in the order of the fields.
#[derive(Serialize)]
struct Wire<'a> {
    specversion: &'static str,
    id: EventId,
    source: String,
    #[serde(rename = "type")]
    event_type: &'static str,
    subject: String,
    time: OffsetTime,
    datacontenttype: &'static str,
    dataschema: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a TraceParent>,
    data: &'a Body,
}

/// The attribute `source`: where it happened, as a path.
fn source(body: &Body) -> String {
    let store = body.store();
    match body {
        Body::Transaction(transaction) => {
            format!("/stores/{store}/registers/{}", transaction.register)
        }
        Body::Till(till) => format!("/stores/{store}/registers/{}", till.register),
        Body::Stock(document) => {
            format!("/stores/{store}/locations/{}", document.stock_location())
        }
        Body::Fiscal(_) => format!("/stores/{store}/fiscal"),
    }
}

/// The attribute `subject`: what people know it by.
fn subject(body: &Body) -> String {
    match body {
        Body::Transaction(t) => {
            format!("{}/{}/{}/{}", t.store, t.register, t.business_date, t.receipt)
        }
        Body::Till(t) => format!("{}/{}/{}/{}", t.store, t.register, t.business_date, t.receipt),
        Body::Stock(s) => format!("{}/{}/{}", s.store, s.stock_location(), s.document),
        Body::Fiscal(f) => format!("{}/{}/{}", f.store, f.device, f.counter),
    }
}

impl EventType {
    /// The type of event that this is, in the words of an error.
    fn known() -> String {
        let names: Vec<_> =
            Self::ALL.into_iter().map(|kind| format!("`{}`", kind.as_str())).collect();
        names.join(", ")
    }
}
