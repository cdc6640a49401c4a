//! What a fiscal device says: about a transaction, and outside of one (`storekeep.fiscal.v1`).
//!
//! Carried byte for byte. Storekeep never signs, renumbers or reorders anything fiscal.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Extensions;
use crate::id::{Code, StoreId};
use crate::limits::FISCAL_PAYLOAD_CHARS_MAX;
use crate::time::OffsetTime;

/// The kinds of fiscal event.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum FiscalKind {
    /// The device closed its day.
    DailyClose,
    /// The device stopped answering.
    OutageStart,
    /// The device answers again.
    OutageEnd,
    /// The device exported its memory.
    Export,
}

impl FiscalKind {
    /// The word that stands in the event and its natural key.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DailyClose => "daily_close",
            Self::OutageStart => "outage_start",
            Self::OutageEnd => "outage_end",
            Self::Export => "export",
        }
    }
}

/// The body of a fiscal event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FiscalEvent {
    /// What kind it is.
    pub kind: FiscalKind,
    /// The shop.
    pub store: StoreId,
    /// The fiscal device.
    pub device: Code,
    /// The device's own counter.
    pub counter: Code,
    /// When.
    pub at: OffsetTime,
    /// What the device said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Payload>,
    /// Vendor fields.
    #[serde(default, skip_serializing_if = "Extensions::is_empty")]
    pub extensions: Extensions,
}

/// What a fiscal device said of one transaction or movement.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FiscalMark {
    /// The device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<Code>,
    /// The device's number of the transaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction: Option<Code>,
    /// The device's signature counter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counter: Option<Code>,
    /// When the device began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<OffsetTime>,
    /// When the device ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<OffsetTime>,
    /// The signature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<Payload>,
    /// The signature of the transaction before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<Payload>,
    /// What the code on the receipt says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Payload>,
    /// Whether the device did not answer and signs later.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub outage: bool,
}

/// A text that is carried byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(inline, extend("maxLength" = FISCAL_PAYLOAD_CHARS_MAX))]
pub struct Payload(#[schemars(with = "String")] Box<str>);

/// The text is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} characters, at most {FISCAL_PAYLOAD_CHARS_MAX} are allowed")]
pub struct PayloadError(usize);

impl Payload {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl TryFrom<String> for Payload {
    type Error = PayloadError;
    fn try_from(text: String) -> Result<Self, PayloadError> {
        let found = text.chars().count();
        if found > FISCAL_PAYLOAD_CHARS_MAX {
            Err(PayloadError(found))
        } else {
            Ok(Self(text.into()))
        }
    }
}
impl From<Payload> for String {
    fn from(payload: Payload) -> Self {
        payload.0.into()
    }
}
