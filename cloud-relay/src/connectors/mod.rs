//! The contract between the relay and the systems that it posts to.
//!
//! A connector turns one event into the documents that its system wants, and each answer of that
//! system into a verdict. It keeps no state of its own that matters: what was attempted, what is
//! due and what is done stand in the relay's store. A connector sees `protocol`, this contract
//! and the outgoing HTTP client; never another connector, never the store.
//!
//! The life of a document: *planned* from the event at ingest; *attempted* (committed in the store
//! before the call, with a deadline); then a verdict. An attempt without one is `Unknown`, and
//! [`Connector::find`] has to say what became of it before anything is sent again: "none" counts
//! only after the attempt's deadline plus [`Profile::settle_time`]. What cannot be found
//! afterwards (a stock delta) travels in a *bundle* that is stored before it is sent and repeated
//! byte for byte, under the same key, within [`Profile::repeat_window`], and never after.

pub mod bridging;
#[cfg(test)]
mod bridging_cases;
mod check;
#[cfg(test)]
pub(crate) mod conformance;
pub mod control;
pub mod erpnext;
pub mod registry;
mod shares;
pub mod shopify;
#[cfg(test)]
mod tests;
mod unanswered;

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use protocol::envelope::Event;
use protocol::id::TargetId;
use protocol::money::Money;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use bridging::{Bridging, BridgingItem, brought_in};
pub use check::{CheckFinding, Checked};
pub use control::{ControlAsk, ControlDocument, ControlPage, ControlQuery};

/// How urgent a workflow is. After an outage the classes draw on a target's budget in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Refunds and what a customer waits for.
    Customer,
    /// Stock, which decides what can be sold elsewhere.
    Stock,
    /// Receipts.
    Receipts,
    /// Ledgers.
    Books,
    /// What nobody waits for.
    History,
}

impl Class {
    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Stock => "stock",
            Self::Receipts => "receipts",
            Self::Books => "books",
            Self::History => "history",
        }
    }
}

/// What kind of effect a planned document has, which decides how it is retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// One document with a key, which can be found afterwards.
    Document,
    /// A change of a quantity, which cannot: coalesced into bundles.
    Delta,
    /// An absolute quantity: a barrier in its lane, sent alone with compare-and-set.
    Count,
}

/// One document that an event calls for at a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// Its lane.
    pub class: Class,
    /// The connector's own word for what is to be done, such as `order.create`; part of the key.
    pub action: String,
    /// Tells several documents of one action and event apart, from 0; part of the key.
    pub part: u32,
    /// How it is retried.
    pub mode: Mode,
    /// Natural keys of the events whose documents have to stand in the target first.
    pub depends_on: Vec<String>,
    /// The amount at risk while it does not stand there.
    pub amount: Option<Money>,
}

/// The target's own name for a document: enough to refer to it later without searching.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetRef {
    /// The system's identifier, such as a GraphQL global id.
    pub id: String,
    /// The name that people there know it by, such as an order number.
    pub name: String,
    /// What the connector needs to refer to parts of it, in its own shape (line identifiers).
    #[serde(default)]
    pub detail: serde_json::Value,
}

/// An earlier event that this one depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Original {
    /// Its natural key.
    pub natural_key: String,
    /// Its document at the target, once it stands there.
    pub reference: TargetRef,
}

/// Everything a connector is told about one document.
#[derive(Debug, Clone)]
pub struct Call {
    /// The event.
    pub event: Event,
    /// What was planned.
    pub planned: Planned,
    /// `uuid5(tenant, natural key, target, action, part)`: the same for ever, even after the agent
    /// was reinstalled and the relay rebuilt.
    pub key: Uuid,
    /// The earlier documents it depends on, all standing.
    pub originals: Vec<Original>,
    /// For [`Mode::Count`]: for each line of the event in order, the sum of the movements after
    /// `countedAt` that the relay holds and that already stand in the target.
    pub moved_since: Vec<protocol::decimal::Number>,
    /// When the answer has to be there; later it counts as unknown.
    pub deadline: Timestamp,
}

/// What a look-up found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nothing under this key, as far as the system can tell now.
    None,
    /// A draft that holds the key; [`Connector::commit`] finishes it.
    Draft(TargetRef),
    /// It stands, as read back.
    Posted(TargetRef),
}

/// Why a delivery needs a person. The words are the contract's (`docs/errors`, SK0060 and on).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExceptionClass {
    /// The target does not know an item.
    UnknownItem,
    /// The target does not know the location.
    UnknownLocation,
    /// The accounting period is closed.
    ClosedPeriod,
    /// The target refuses negative stock.
    NegativeStock,
    /// The figures do not add up for the target.
    Unbalanced,
    /// More comes back than was sold.
    OverReturn,
    /// Posted under another date, total or tender.
    MovedDate,
    /// The sale that a return names is not in the target.
    MissingOriginal,
    /// One natural key with two contents.
    Conflict,
    /// Whether it was applied cannot be found out.
    UnknownOutcome,
    /// A closing that its receipts do not bear out. They are posted all the same.
    ZDifference,
    /// The target refused it for another reason.
    Rejected,
}

impl ExceptionClass {
    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownItem => "unknown_item",
            Self::UnknownLocation => "unknown_location",
            Self::ClosedPeriod => "closed_period",
            Self::NegativeStock => "negative_stock",
            Self::Unbalanced => "unbalanced",
            Self::OverReturn => "over_return",
            Self::MovedDate => "moved_date",
            Self::MissingOriginal => "missing_original",
            Self::Conflict => "conflict",
            Self::UnknownOutcome => "unknown_outcome",
            Self::ZDifference => "z_difference",
            Self::Rejected => "rejected",
        }
    }
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It stands, with what the answer itself read back.
    Done(TargetRef),
    /// It stood already.
    AlreadyDone(TargetRef),
    /// A draft stands; commit it next.
    Resume(TargetRef),
    /// Definitely not applied; try again after this long (`None`: the relay's own back-off).
    Retry {
        /// The least wait.
        after: Option<Duration>,
        /// Why, without secrets or customer data.
        reason: String,
    },
    /// Definitely not applied, because the budget is spent.
    Throttled {
        /// The least wait.
        after: Duration,
    },
    /// It may or may not have been applied.
    Unknown {
        /// Why, without secrets or customer data.
        reason: String,
    },
    /// The whole target cannot take anything (credentials, maintenance): its lanes wait, and
    /// nothing becomes an exception.
    Paused {
        /// The least wait.
        after: Duration,
        /// Why, and what to do.
        reason: String,
    },
    /// A person has to look at it.
    Exception {
        /// The class.
        class: ExceptionClass,
        /// Why, in one sentence, naming the line or item.
        reason: String,
    },
}

/// A reading of a target's budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetReading {
    /// The most that can be saved up.
    pub maximum: u32,
    /// What was left after the call.
    pub available: u32,
    /// What comes back each second.
    pub restored_per_second: u32,
}

/// An answer with the reading of the budget that came with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply<T> {
    /// The answer.
    pub outcome: T,
    /// What the target said of its budget.
    pub budget: Option<BudgetReading>,
}

/// The exact bytes of a coalesced call, to be stored before they are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleBody {
    /// What [`Connector::send`] will send, byte for byte.
    pub body: String,
    /// The indices into the calls that the bundle covers.
    pub members: Vec<usize>,
}

/// What came of making a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The bundle, unless every call was refused or moves nothing.
    pub bundle: Option<BundleBody>,
    /// Calls that cannot be part of any bundle, with the reason.
    pub refused: Vec<(usize, ExceptionClass, String)>,
    /// Calls that turn out to move nothing at this target (items it does not track).
    pub without_effect: Vec<usize>,
}

/// What became of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BundleVerdict {
    /// Every member is applied.
    Done(TargetRef),
    /// Definitely not applied: the bundle is closed; these members are at fault, the others go
    /// into a new bundle under a new key.
    Refused {
        /// Indices into the bundle's members, with class and reason. Empty: nobody is at fault
        /// (a stale compare-and-set), make a new bundle.
        culprits: Vec<(usize, ExceptionClass, String)>,
        /// What the target said.
        reason: String,
    },
    /// Any of `Retry`, `Throttled`, `Unknown`, `Paused` as for a document.
    Wait(Verdict),
}

/// Why [`Connector::prepare`] or [`Connector::find`] gave no answer; nothing was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unanswered {
    /// As [`Verdict::Retry`].
    Retry {
        /// The least wait.
        after: Option<Duration>,
        /// Why.
        reason: String,
    },
    /// As [`Verdict::Throttled`].
    Throttled {
        /// The least wait.
        after: Duration,
    },
    /// As [`Verdict::Paused`].
    Paused {
        /// The least wait.
        after: Duration,
        /// Why, and what to do.
        reason: String,
    },
}

/// What a connector says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The kind, such as the folder's name.
    pub kind: &'static str,
    /// Whether it was ever run against the real system, with the version and date.
    pub verified: Option<&'static str>,
    /// How long the relay waits for an answer.
    pub call_timeout: Duration,
    /// How long after an attempt's deadline the system may still show its effect.
    pub settle_time: Duration,
    /// How many deltas go into one bundle.
    pub bundle_max: usize,
    /// How long the same key protects from applying a bundle twice.
    pub repeat_window: Duration,
    /// What one call of each kind is reckoned to cost before the target has said so.
    pub cost_estimate: u32,
}

/// The code for one kind of target, configured for one target.
#[async_trait]
pub trait Connector: Send + Sync + 'static {
    /// What it says about itself.
    fn profile(&self) -> &Profile;

    /// The documents that an event calls for. Pure: no I/O, the same answer for ever.
    fn plan(&self, event: &Event) -> Vec<Planned>;

    /// What the planned documents do not hold of what the event brought in ([`bridging`]). Pure.
    fn bridging(&self, event: &Event) -> Vec<Bridging>;

    /// Checks address, credentials, scopes and version at start.
    async fn check(&self) -> Result<Checked, Unanswered>;

    /// Looks for a document under its key.
    async fn find(&self, call: &Call) -> Reply<Result<Found, Unanswered>>;

    /// Creates a document.
    async fn create(&self, call: &Call) -> Reply<Verdict>;

    /// Finishes a draft.
    async fn commit(&self, call: &Call, draft: &TargetRef) -> Reply<Verdict>;

    /// Reads a found document back and compares date, totals and tenders.
    async fn verify(&self, call: &Call, reference: &TargetRef) -> Reply<Verdict>;

    /// Coalesces deltas, or makes the one bundle of a count. May look things up; applies nothing.
    /// `key` is the bundle's own and stays with it.
    async fn prepare(&self, key: Uuid, calls: &[Call]) -> Reply<Result<Prepared, Unanswered>>;

    /// Reads back, through the target's own interface, the documents of a store's business date
    /// ([`control`]): one page, or one document. Changes nothing. A kind that has no such interface
    /// says so.
    async fn control(&self, query: &ControlQuery) -> Reply<Result<ControlPage, Unanswered>> {
        Reply { outcome: Err(control::unsupported(self.profile().kind, query)), budget: None }
    }

    /// Sends a stored bundle under its key.
    async fn send(&self, key: Uuid, body: &str, deadline: Timestamp) -> Reply<BundleVerdict>;
}

/// The configured targets by name.
pub type Targets = std::collections::BTreeMap<TargetId, std::sync::Arc<dyn Connector>>;
