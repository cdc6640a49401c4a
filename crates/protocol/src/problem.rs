//! Errors as the outside sees them: RFC 9457 problem details with a stable code.
//!
//! Each code has a page `docs/errors/<code>.md` that says what it means and what to do. Codes are
//! never reused. Does not decide when an error occurs.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The media type of a problem document (RFC 9457, section 3).
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Every error that an integrator or operator can meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// The body is not JSON in UTF-8.
    MalformedJson,
    /// The event breaks a rule of its schema.
    InvalidEvent,
    /// The body holds card data, which is never stored.
    CardData,
    /// The id already belongs to another event.
    IdReused,
    /// The body is larger than allowed.
    TooLarge,
    /// Nothing was written; send the same again.
    NotCommitted,
    /// The disk is full; nothing was written.
    DiskReserve,
    /// The bearer token is missing or wrong.
    Unauthorised,
    /// The Host or Origin header names another site.
    ForeignOrigin,
    /// There is nothing under this address.
    NotFound,
    /// This device does not serve that store.
    UnknownStore,
    /// The business date lies too far ahead.
    FutureBusinessDate,
    /// The content type is not accepted here.
    UnsupportedMediaType,
    /// The relay does not know this device.
    UnknownDevice,
    /// The signature does not match body and key.
    BadSignature,
    /// The device was revoked.
    DeviceRevoked,
    /// The device is held until a person releases it.
    DeviceHeld,
    /// The batch does not continue the relay's history.
    ChainBroken,
    /// The other side speaks another version.
    UnsupportedVersion,
    /// The enrolment token is unknown, used or expired.
    BadToken,
    /// The session is over; open a new one.
    StaleSession,
    /// The batch breaks a rule of its shape.
    InvalidBatch,
    /// Too much is under way; try again a little later.
    Busy,
    /// The request breaks a rule of its shape.
    InvalidRequest,
    /// The program failed; nothing was half written.
    Internal,
    /// The relay cannot be reached; selling goes on.
    RelayUnreachable,
    /// The configuration cannot be used.
    Configuration,
    /// The journal's key is missing or does not fit.
    JournalKey,
    /// The journal is damaged.
    JournalDamaged,
    /// The journal was written by a later version.
    JournalNewer,
    /// Another process has the journal open.
    JournalInUse,
    /// The device is not enrolled; selling goes on.
    NotEnrolled,
    /// The host's clock differs from the relay's.
    ClockWrong,
    /// The target refuses the credentials or lacks a scope.
    TargetRefused,
    /// The target cannot be reached.
    TargetUnreachable,
    /// The relay's store was written by a later version.
    StoreNewer,
    /// The target does not know an item.
    UnknownItem,
    /// The target does not know the location.
    UnknownLocation,
    /// The target's accounting period is closed.
    ClosedPeriod,
    /// The target refuses negative stock.
    NegativeStock,
    /// The transaction's figures do not add up for the target.
    Unbalanced,
    /// More comes back than was sold.
    OverReturn,
    /// The target posted it under another date or total.
    MovedDate,
    /// The sale that a return names is not in the target.
    MissingOriginal,
    /// A receipt number stands twice with different content.
    Conflict,
    /// Whether the target applied it cannot be found out.
    UnknownOutcome,
    /// The target refused it.
    Rejected,
}

struct Entry {
    code: Code,
    number: &'static str,
    slug: &'static str,
    status: u16,
    title: &'static str,
}

const fn entry(
    code: Code,
    number: &'static str,
    slug: &'static str,
    status: u16,
    title: &'static str,
) -> Entry {
    Entry { code, number, slug, status, title }
}

const CATALOGUE: &[Entry] = &[
    entry(Code::MalformedJson, "SK0001", "malformed-json", 400, "The body is not JSON in UTF-8"),
    entry(
        Code::InvalidEvent,
        "SK0002",
        "invalid-event",
        422,
        "The event breaks a rule of its schema",
    ),
    entry(
        Code::CardData,
        "SK0003",
        "card-data",
        422,
        "The body holds card data, which is never stored",
    ),
    entry(Code::IdReused, "SK0004", "id-reused", 409, "The id already belongs to another event"),
    entry(Code::TooLarge, "SK0005", "too-large", 413, "The body is larger than allowed"),
    entry(
        Code::NotCommitted,
        "SK0006",
        "not-committed",
        503,
        "Nothing was written; send the same again",
    ),
    entry(
        Code::DiskReserve,
        "SK0007",
        "disk-reserve",
        507,
        "The disk is full; nothing was written",
    ),
    entry(
        Code::Unauthorised,
        "SK0008",
        "unauthorised",
        401,
        "The bearer token is missing or wrong",
    ),
    entry(
        Code::ForeignOrigin,
        "SK0009",
        "foreign-origin",
        403,
        "The Host or Origin header names another site",
    ),
    entry(Code::NotFound, "SK0010", "not-found", 404, "There is nothing under this address"),
    entry(
        Code::UnknownStore,
        "SK0011",
        "unknown-store",
        422,
        "This device does not serve that store",
    ),
    entry(
        Code::FutureBusinessDate,
        "SK0012",
        "future-business-date",
        422,
        "The business date lies too far ahead",
    ),
    entry(
        Code::UnsupportedMediaType,
        "SK0013",
        "unsupported-media-type",
        415,
        "The content type is not accepted here",
    ),
    entry(
        Code::UnknownDevice,
        "SK0020",
        "unknown-device",
        401,
        "The relay does not know this device",
    ),
    entry(
        Code::BadSignature,
        "SK0021",
        "bad-signature",
        401,
        "The signature does not match body and key",
    ),
    entry(Code::DeviceRevoked, "SK0022", "device-revoked", 403, "The device was revoked"),
    entry(
        Code::DeviceHeld,
        "SK0023",
        "device-held",
        409,
        "The device is held until a person releases it",
    ),
    entry(
        Code::ChainBroken,
        "SK0024",
        "chain-broken",
        409,
        "The batch does not continue the relay's history",
    ),
    entry(
        Code::UnsupportedVersion,
        "SK0025",
        "unsupported-version",
        400,
        "The other side speaks another version",
    ),
    entry(
        Code::BadToken,
        "SK0026",
        "bad-token",
        401,
        "The enrolment token is unknown, used or expired",
    ),
    entry(
        Code::StaleSession,
        "SK0027",
        "stale-session",
        409,
        "The session is over; open a new one",
    ),
    entry(
        Code::InvalidBatch,
        "SK0028",
        "invalid-batch",
        422,
        "The batch breaks a rule of its shape",
    ),
    entry(Code::Busy, "SK0029", "busy", 503, "Too much is under way; try again a little later"),
    entry(
        Code::InvalidRequest,
        "SK0030",
        "invalid-request",
        400,
        "The request breaks a rule of its shape",
    ),
    entry(
        Code::Internal,
        "SK0031",
        "internal",
        500,
        "The program failed; nothing was half written",
    ),
    entry(
        Code::RelayUnreachable,
        "SK0040",
        "relay-unreachable",
        503,
        "The relay cannot be reached; selling goes on",
    ),
    entry(Code::Configuration, "SK0041", "configuration", 500, "The configuration cannot be used"),
    entry(
        Code::JournalKey,
        "SK0042",
        "journal-key",
        500,
        "The journal's key is missing or does not fit",
    ),
    entry(Code::JournalDamaged, "SK0043", "journal-damaged", 500, "The journal is damaged"),
    entry(
        Code::JournalNewer,
        "SK0044",
        "journal-newer",
        500,
        "The journal was written by a later version",
    ),
    entry(
        Code::JournalInUse,
        "SK0045",
        "journal-in-use",
        500,
        "Another process has the journal open",
    ),
    entry(
        Code::NotEnrolled,
        "SK0046",
        "not-enrolled",
        503,
        "The device is not enrolled; selling goes on",
    ),
    entry(
        Code::ClockWrong,
        "SK0047",
        "clock-wrong",
        500,
        "The host's clock differs from the relay's",
    ),
    entry(
        Code::TargetRefused,
        "SK0050",
        "target-refused",
        500,
        "The target refuses the credentials or lacks a scope",
    ),
    entry(
        Code::TargetUnreachable,
        "SK0051",
        "target-unreachable",
        503,
        "The target cannot be reached",
    ),
    entry(
        Code::StoreNewer,
        "SK0052",
        "store-newer",
        500,
        "The relay's store was written by a later version",
    ),
    entry(Code::UnknownItem, "SK0060", "unknown-item", 422, "The target does not know an item"),
    entry(
        Code::UnknownLocation,
        "SK0061",
        "unknown-location",
        422,
        "The target does not know the location",
    ),
    entry(
        Code::ClosedPeriod,
        "SK0062",
        "closed-period",
        422,
        "The target's accounting period is closed",
    ),
    entry(
        Code::NegativeStock,
        "SK0063",
        "negative-stock",
        422,
        "The target refuses negative stock",
    ),
    entry(
        Code::Unbalanced,
        "SK0064",
        "unbalanced",
        422,
        "The transaction's figures do not add up for the target",
    ),
    entry(Code::OverReturn, "SK0065", "over-return", 422, "More comes back than was sold"),
    entry(
        Code::MovedDate,
        "SK0066",
        "moved-date",
        422,
        "The target posted it under another date or total",
    ),
    entry(
        Code::MissingOriginal,
        "SK0067",
        "missing-original",
        422,
        "The sale that a return names is not in the target",
    ),
    entry(
        Code::Conflict,
        "SK0068",
        "conflict",
        409,
        "A receipt number stands twice with different content",
    ),
    entry(
        Code::UnknownOutcome,
        "SK0069",
        "unknown-outcome",
        500,
        "Whether the target applied it cannot be found out",
    ),
    entry(Code::Rejected, "SK0070", "rejected", 422, "The target refused it"),
];

impl Code {
    /// Every code, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        CATALOGUE.iter().map(|entry| entry.code)
    }

    fn entry(self) -> &'static Entry {
        CATALOGUE
            .iter()
            .find(|entry| entry.code == self)
            .expect("the catalogue has an entry for each code, which a test checks")
    }

    /// The stable number, such as `SK0002`.
    #[must_use]
    pub fn number(self) -> &'static str {
        self.entry().number
    }

    /// The HTTP status that it is answered with.
    #[must_use]
    pub fn status(self) -> u16 {
        self.entry().status
    }

    /// One line, the same for each occurrence.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.entry().title
    }

    /// The code with this number.
    #[must_use]
    pub fn from_number(number: &str) -> Option<Self> {
        CATALOGUE.iter().find(|entry| entry.number == number).map(|entry| entry.code)
    }

    /// The address that `type` carries: a name, not a promise that something answers there.
    #[must_use]
    pub fn type_uri(self) -> String {
        format!("urn:storekeep:problem:{}", self.entry().slug)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.number())
    }
}

/// A problem document (RFC 9457) with Storekeep's own members `code`, `path` and `next`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// `urn:storekeep:problem:<slug>`.
    #[serde(rename = "type")]
    pub type_uri: String,
    /// One line, the same for each occurrence.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The stable number, such as `SK0002`; `docs/errors/SK0002.md` explains it.
    pub code: String,
    /// What is wrong here, never with card data or a secret in it.
    pub detail: String,
    /// Where in the body, as `data.lines[2].quantity`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl Problem {
    /// A problem with its detail.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            type_uri: code.type_uri(),
            title: code.title().to_owned(),
            status: code.status(),
            code: code.number().to_owned(),
            detail: detail.into(),
            path: None,
            next: None,
        }
    }

    /// Names the place in the body.
    #[must_use]
    pub fn at(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Says what to do next.
    #[must_use]
    pub fn next(mut self, step: impl Into<String>) -> Self {
        self.next = Some(step.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.code, self.title, self.detail)?;
        if let Some(path) = &self.path {
            write!(f, " (at {path})")?;
        }
        if let Some(next) = &self.next {
            write!(f, ". Next: {next}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    //! The catalogue is complete and its numbers are unique.

    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_has_one_number_one_slug_and_a_way_back() {
        let numbers: BTreeSet<_> = CATALOGUE.iter().map(|e| e.number).collect();
        let slugs: BTreeSet<_> = CATALOGUE.iter().map(|e| e.slug).collect();
        let codes: BTreeSet<_> = Code::all().collect();
        assert_eq!(numbers.len(), CATALOGUE.len());
        assert_eq!(slugs.len(), CATALOGUE.len());
        assert_eq!(codes.len(), CATALOGUE.len());
        for code in Code::all() {
            assert_eq!(Code::from_number(code.number()), Some(code));
        }
    }
}
