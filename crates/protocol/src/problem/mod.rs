//! Errors as the outside sees them: RFC 9457 problem details with a stable code.
//!
//! Each code has a page `docs/errors/<code>.md` that says what it means and what to do. Codes are
//! never reused. Does not decide when an error occurs.

mod catalogue;
#[cfg(test)]
mod tests;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::catalogue::{CATALOGUE, Entry};

/// The media type of a problem document (RFC 9457, section 3).
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Characters of what a problem says of one occurrence. Readers repeat what they were sent, and a
/// field may be as long as a request; this is shown on a till and written to a log.
pub const TEXT_CHARS_MAX: usize = 1_000;

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
    /// The journal's key file is damaged or was changed.
    KeyFileChanged,
    /// What unwraps the journal's key is not there.
    KeyUnavailable,
    /// The journal's key is refused by what wrapped it.
    KeyRefused,
    /// The recovery key cannot be used.
    RecoveryKey,
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
    /// The journal has lost entries that were committed.
    JournalBehind,
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
    /// A closing differs from its receipts.
    ZDifference,
    /// A document of the POS cannot be read.
    UnreadableDocument,
    /// The source of an input cannot be read at present.
    SourceUnreachable,
    /// Another agent reads the source of an input.
    SourceTaken,
    /// A file of a POS is of another kind than its input reads.
    ForeignFormat,
    /// A file of a POS holds XML that no POS writes.
    UnsafeXml,
    /// Nobody can tell whether a document of a POS is practice.
    PracticeUnknown,
    /// Receipts of a database cannot be taken as they are.
    ReceiptsRefused,
    /// The database of an input refuses what its pack asks.
    SourceRefused,
    /// A printed receipt cannot be read.
    ReceiptUnreadable,
    /// The receipt printer cannot be reached.
    PrinterUnreachable,
    /// Receipts were printed and not captured.
    ReceiptsNotCaptured,
}

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
    /// A problem with its detail, at most [`TEXT_CHARS_MAX`] characters of it.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            type_uri: code.type_uri(),
            title: code.title().to_owned(),
            status: code.status(),
            code: code.number().to_owned(),
            detail: bounded(detail.into()),
            path: None,
            next: None,
        }
    }

    /// Names the place in the body.
    #[must_use]
    pub fn at(mut self, path: impl Into<String>) -> Self {
        self.path = Some(bounded(path.into()));
        self
    }

    /// Says what to do next.
    #[must_use]
    pub fn next(mut self, step: impl Into<String>) -> Self {
        self.next = Some(step.into());
        self
    }
}

/// A text, cut where it is too long to be read.
fn bounded(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(TEXT_CHARS_MAX) {
        text.truncate(end);
        text.push('…');
    }
    text
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
