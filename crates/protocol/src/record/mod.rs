//! The record: the exact bytes that the journal keeps, the chain covers and the wire carries.
//!
//! `{"version":1,"journaledAt":"…","findings":{…},"event":{…}}`, written once at capture and
//! never serialised again. Does not look into the event.

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::id::{EventId, Text};

/// The version of the record's own shape.
pub const RECORD_VERSION: u32 = 1;

/// An equation of a transaction that the POS's own figures do not satisfy.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Equation {
    /// `total = extended − Σ discounts` of some line.
    Line,
    /// `total = Σ lines − discounts + taxes not included + rounding`.
    Transaction,
    /// `total = Σ tenders in − Σ tenders out`.
    Tender,
}

/// What was known of the host's clock when the event was journaled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClockFinding {
    /// Relay time minus host time, in milliseconds: measured at the last session and carried
    /// forward by a clock that nobody can set.
    pub skew_ms: i64,
    /// Whether the host's clock has gone evenly since that session; false once it was set.
    pub trusted: bool,
}

/// A place where card data stood and was masked before anything was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scrubbed {
    /// Where it stood: a JSON pointer, or line and element of a file.
    pub at: Text<256>,
    /// What stands there now: at most the first six and last four digits.
    pub masked: Text<64>,
}

/// A line number that the POS used twice and the suffix that tells the second one apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RenumberedLine {
    /// The number that the POS gave.
    pub stated: u32,
    /// The number that the line has in the event.
    pub assigned: u32,
}

/// What capture noticed. It travels beside the event, never inside it: the POS's word stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Findings {
    /// Equations that do not hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub balance: Vec<Equation>,
    /// The first event with the same natural key, when this one has other content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflict_of: Option<EventId>,
    /// The host's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<ClockFinding>,
    /// Where card data was masked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scrubbed: Vec<Scrubbed>,
    /// Line numbers that stood twice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub line_numbers: Vec<RenumberedLine>,
}

/// A record as it is read back.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Record {
    /// The version of this shape, [`RECORD_VERSION`].
    pub version: u32,
    /// When the agent journaled it, by the host's clock.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub journaled_at: Timestamp,
    /// What capture noticed.
    pub findings: Findings,
    /// The event, unparsed.
    #[schemars(with = "serde_json::Value")]
    pub event: Box<RawValue>,
}

/// Why bytes are not a record that this program reads.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Not the shape of a record.
    #[error("read a record")]
    Shape(#[from] serde_json::Error),
    /// A version from the future.
    #[error("the record has version {0}; this program reads version {RECORD_VERSION}")]
    Version(u32),
}

/// Writes the record of an event whose canonical JSON is `event`.
///
/// # Panics
/// Never: findings are plain data.
#[must_use]
pub fn seal(event: &str, findings: &Findings, journaled_at: Timestamp) -> Vec<u8> {
    let findings = serde_json::to_string(findings).expect("findings are plain data");
    format!(
        r#"{{"version":{RECORD_VERSION},"journaledAt":"{journaled_at}","findings":{findings},"event":{event}}}"#
    )
    .into_bytes()
}

impl Record {
    /// Reads a record.
    ///
    /// # Errors
    /// The bytes are not JSON of this shape, or of a later version.
    pub fn parse(bytes: &[u8]) -> Result<Self, RecordError> {
        let record: Self = serde_json::from_slice(bytes)?;
        match record.version {
            RECORD_VERSION => Ok(record),
            later => Err(RecordError::Version(later)),
        }
    }
}
