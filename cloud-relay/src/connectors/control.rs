//! What a target's own books hold of a store's business date: read back through its interface,
//! never from rows of ours.
//!
//! A document belongs to a receipt by the delivery key that it carries. Pages are asked for one by
//! one, so that whoever asks can spread them over the target's budget. What a search does not show
//! (documents under another date, or not yet searchable) is asked for by its own name. Compares
//! nothing.

use std::time::Duration;

use jiff::Timestamp;
use protocol::id::StoreId;
use protocol::money::Money;
use protocol::time::BusinessDate;
use uuid::Uuid;

use super::{TargetRef, Unanswered};

/// What is asked.
#[derive(Debug, Clone)]
pub struct ControlQuery {
    /// The store.
    pub store: StoreId,
    /// The trading day.
    pub business_date: BusinessDate,
    /// The day's first event, as far as is known here.
    pub from: Timestamp,
    /// Its last.
    pub until: Timestamp,
    /// What of it.
    pub ask: ControlAsk,
    /// When the answer has to be there.
    pub deadline: Timestamp,
}

/// What of a day is asked for.
#[derive(Debug, Clone)]
pub enum ControlAsk {
    /// The documents that the target finds by itself, from a cursor of its own.
    Page(Option<String>),
    /// One document by the action that made it and the target's own name for it.
    One {
        /// The action, as it was planned.
        action: String,
        /// The name.
        reference: TargetRef,
    },
}

/// Some of what stands there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ControlPage {
    /// The documents.
    pub documents: Vec<ControlDocument>,
    /// Where the next page begins; none if this was the last.
    pub next: Option<String>,
    /// What the target may hide, so that what is missing need not be gone.
    pub note: Option<String>,
}

/// A document as it stands in the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlDocument {
    /// The target's own identifier: the same document may be found twice.
    pub id: String,
    /// The name that people there know it by.
    pub name: String,
    /// The delivery key that it carries; none if somebody else made it.
    pub key: Option<Uuid>,
    /// What it comes to: orders and invoices add, refunds and credit notes take off.
    pub amount: Money,
    /// Why it does not count there although it is there: cancelled, or only a draft.
    pub void: Option<&'static str>,
}

/// How long a kind without such an interface is left alone.
const NEVER: Duration = Duration::from_secs(86_400);

/// The answer of a kind that cannot be read back.
pub(super) fn unsupported(kind: &str, query: &ControlQuery) -> Unanswered {
    let reason = format!(
        "a target of kind `{kind}` cannot be read back; compare store {} on {} by hand",
        query.store, query.business_date
    );
    Unanswered::Paused { after: NEVER, reason }
}
