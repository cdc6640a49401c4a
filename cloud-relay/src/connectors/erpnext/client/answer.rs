//! Reading a refusal: which exception Frappe names, and what it means for the event.
//!
//! `exc_type` decides and the status does not, because Frappe answers almost everything with 417;
//! where one type covers several causes, the words do. Types and words as recorded from ERPNext 15
//! and as they stand in its sources. Does no I/O.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;

use crate::connectors::ExceptionClass;

/// Characters of what ERPNext said that are passed on.
const SAID_CHARS_MAX: usize = 300;

/// A request that was refused and not applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::connectors::erpnext) struct Refusal {
    /// `exc_type`, such as `LinkValidationError`.
    kind: String,
    /// What it says, without markup.
    said: String,
}

impl Refusal {
    /// Reads the body of an error; nothing if it names no exception.
    pub(in crate::connectors::erpnext) fn read(body: &Value) -> Option<Self> {
        let exception = body.get("exception").and_then(Value::as_str).unwrap_or_default();
        let (path, detail) = exception.split_once(": ").unwrap_or((exception, ""));
        let stated = body.get("exc_type").and_then(Value::as_str);
        let kind = stated.or_else(|| path.rsplit('.').next()).filter(|kind| !kind.is_empty())?;
        let said = messages(body).unwrap_or_else(|| detail.to_owned());
        Some(Self { kind: kind.to_owned(), said: plain(&said) })
    }

    /// A refusal without a word.
    pub(super) fn bare(status: StatusCode) -> Self {
        Self { kind: format!("HTTP {status}"), said: String::new() }
    }

    /// Whether another document holds the key already.
    pub(super) fn is_taken(&self) -> bool {
        matches!(self.kind.as_str(), "UniqueValidationError" | "DuplicateEntryError")
    }

    /// Whether the document that was asked for is not there.
    pub(super) fn is_absence(&self) -> bool {
        self.kind == "DoesNotExistError"
    }

    /// Whether the document changed under the request's hands, or a lock was not had in time.
    pub(super) fn is_passing(&self) -> bool {
        matches!(
            self.kind.as_str(),
            "TimestampMismatchError"
                | "DocumentLockedError"
                | "QueryDeadlockError"
                | "QueryTimeoutError"
                | "TooManyWritesError"
                | "InReadOnlyMode"
        ) || (self.kind == "OperationalError"
            && ["1205", "1213"].iter().any(|code| self.said.contains(code)))
    }

    /// Whether the whole site takes nothing now.
    pub(super) fn is_maintenance(&self) -> bool {
        self.kind == "SessionStopped"
    }

    /// Whether a count says what the ledger says anyway, which ERPNext does not keep.
    pub(super) fn is_no_change(&self) -> bool {
        self.kind == "EmptyStockReconciliationItemsError"
    }

    /// What it means for the event.
    pub(in crate::connectors::erpnext) fn class(&self) -> ExceptionClass {
        let says = |words: &[&str]| words.iter().any(|words| self.said.contains(words));
        match self.kind.as_str() {
            "ClosedAccountingPeriod"
            | "FiscalYearError"
            | "StockFreezeError"
            | "PeriodClosedError"
            | "ClosedPeriodError" => ExceptionClass::ClosedPeriod,
            "NegativeStockError" => ExceptionClass::NegativeStock,
            "StockOverReturnError" => ExceptionClass::OverReturn,
            "DoesNotExistError" | "LinkValidationError" => self.missing(),
            "InvalidWarehouseCompany" => ExceptionClass::UnknownLocation,
            _ if says(&[
                "not authorized to add or update entries before",
                "Books have been closed",
            ]) =>
            {
                ExceptionClass::ClosedPeriod
            }
            _ if says(&["Rate cannot be greater than the rate used", "already been returned"]) => {
                ExceptionClass::OverReturn
            }
            _ if says(&["Invalid Return Against", "does not exist in Sales Invoice"]) => {
                ExceptionClass::MissingOriginal
            }
            _ if self.said.starts_with("Item ") && says(&["is disabled", "end of life"]) => {
                ExceptionClass::UnknownItem
            }
            _ if says(&["is not a stock Item"]) => ExceptionClass::UnknownItem,
            _ => ExceptionClass::Rejected,
        }
    }

    /// Which of an invoice's references is not there: `Could not find Row #1: Item: 4711`, or
    /// `Item 4711 not found`.
    fn missing(&self) -> ExceptionClass {
        let names = |what: &str| {
            self.said.contains(&format!("{what}: ")) || self.said.starts_with(&format!("{what} "))
        };
        if names("Return Against") || names("Sales Invoice") {
            ExceptionClass::MissingOriginal
        } else if ["Item", "Item Code"].into_iter().any(names) {
            ExceptionClass::UnknownItem
        } else if names("Warehouse") {
            ExceptionClass::UnknownLocation
        } else {
            ExceptionClass::Rejected
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.said.as_str() {
            "" => f.write_str(&self.kind),
            said => write!(f, "{}: {said}", self.kind),
        }
    }
}

/// What the user is shown: JSON in JSON in JSON.
fn messages(body: &Value) -> Option<String> {
    let listed = body.get("_server_messages")?.as_str()?;
    let listed: Vec<String> = serde_json::from_str(listed).ok()?;
    let texts = listed.iter().map(|message| {
        let read: Option<Value> = serde_json::from_str(message).ok();
        let text = read.as_ref().and_then(|read| read.get("message")).and_then(Value::as_str);
        text.unwrap_or(message).to_owned()
    });
    let texts: Vec<String> = texts.collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}

/// Without markup, and bounded.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut is_markup = false;
    for sign in text.chars() {
        match sign {
            '<' => is_markup = true,
            '>' if is_markup => is_markup = false,
            _ if is_markup => {}
            sign if sign.is_control() => plain.push(' '),
            sign => plain.push(sign),
        }
    }
    plain.chars().take(SAID_CHARS_MAX).collect()
}

/// The wait that a `Retry-After` header states in seconds.
pub(super) fn retry_after(value: &str) -> Option<Duration> {
    let whole: u64 = value.trim().split('.').next()?.parse().ok()?;
    Some(Duration::from_secs(whole.max(1)))
}
