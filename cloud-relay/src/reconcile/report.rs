//! A store's business date as finance reads it: plain data, in the order in which it is shown.
//!
//! Amounts are whole minor units with their currency. Sums nothing and asks nobody.

use std::collections::BTreeMap;

use jiff::Timestamp;
use protocol::chain::{ChainHash, Epoch, Sequence};
use protocol::id::{DeviceId, RegisterId, StoreId, TargetId, TenantId};
use protocol::money::{Currency, Money};
use protocol::time::BusinessDate;
use serde::{Deserialize, Serialize};

use super::figures::{Counter, Gap, Stated, Twice};
use crate::connectors::BridgingItem;

/// The day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DayReport {
    /// The retailer.
    pub tenant: TenantId,
    /// The store.
    pub store: StoreId,
    /// The business date.
    pub business_date: BusinessDate,
    /// When it was looked at.
    pub made_at: Timestamp,
    /// What the store's agents say of what they hold.
    pub agent: AgentColumn,
    /// Whether the day is over.
    pub closed: Closed,
    /// The journals that hold it.
    pub journals: Vec<JournalRange>,
    /// Its registers.
    pub registers: Vec<RegisterReport>,
    /// Its targets.
    pub targets: Vec<TargetReport>,
    /// What differs, and what a reader has to know, the gravest first.
    pub findings: Vec<Finding>,
}

/// Where a day stands in one journal: between its first and its last entry others may stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JournalRange {
    /// The device.
    pub device: DeviceId,
    /// The journal.
    pub epoch: Epoch,
    /// The sequence of the day's first entry.
    pub first: Sequence,
    /// That of its last.
    pub last: Sequence,
    /// The chain hash at the last: it covers everything before.
    pub chain_hash: Option<ChainHash>,
}

/// What the agents say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentColumn {
    /// Whether everything that they hold is here: only then are their figures known, and are those
    /// of the relay.
    pub is_level: bool,
    /// The same in words: since when nothing is known, if nothing is.
    pub words: String,
}

/// Whether a day is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closed {
    /// Every register was closed.
    ByZ,
    /// Some register sent no closing, and the business date's cut-off has passed.
    ByCutOff,
    /// Not yet.
    Open,
}

impl Closed {
    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::ByZ => "closed by every register's Z",
            Self::ByCutOff => "closed by the cut-off; not every register sent a Z",
            Self::Open => "still open",
        }
    }
}

/// A count with an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Column {
    /// Receipts that count, or documents.
    pub count: u64,
    /// What they brought in, or come to.
    pub amount: Money,
}

/// A register's day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisterReport {
    /// The register.
    pub register: RegisterId,
    /// Whether it was closed.
    pub is_closed: bool,
    /// Its closings that state figures.
    pub zs: Vec<ZReport>,
    /// As the POS declares it by its Zs; none where a Z states no sum. By currency.
    pub pos: Vec<Column>,
    /// As the relay holds it, by currency.
    pub relay: Vec<Column>,
    /// Every figure that the relay holds, under the word by which it is listed.
    pub figures: Vec<(String, Option<Currency>, i64)>,
    /// What each target holds of it and cannot hold, by currency.
    pub targets: BTreeMap<TargetId, Vec<TargetColumn>>,
    /// Receipts that no Z holds though the day was closed, by currency.
    pub supplement: Vec<Column>,
    /// Baskets put aside and not taken up again, by number.
    pub suspended: Vec<String>,
    /// Receipt numbers that are not there.
    pub gaps: Vec<Gap>,
    /// Receipt numbers that stand twice with different kinds, and how many there are.
    pub twice: (Vec<Twice>, u64),
    /// How the counter went on from the day before.
    pub counter: Counter,
}

/// A closing with figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ZReport {
    /// Its number.
    pub number: Option<u64>,
    /// When the till was closed.
    pub at: Timestamp,
    /// What the POS reports as counted more than expected, or less.
    pub over_short: Option<Money>,
    /// Every figure that it states beside what its receipts come to.
    pub figures: Vec<Stated>,
}

/// A target's share of a register's day, in one currency. It adds up: what was brought in is what
/// stands there, what it cannot hold, what people settled otherwise, and the difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetColumn {
    /// What stands there, as its own interface says.
    pub stands: Column,
    /// What it cannot hold, by item.
    pub bridging: BTreeMap<BridgingItem, i64>,
    /// What people settled without its document.
    pub settled: i64,
    /// What is missing there (positive) or stands there too much.
    pub difference: i64,
}

/// A target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetReport {
    /// Its name.
    pub target: TargetId,
    /// Whether it was asked.
    pub read: ReadBack,
    /// What the target may hide, so that what is missing need not be gone.
    pub note: Option<String>,
}

/// Whether a target was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadBack {
    /// Not asked for.
    NotAsked,
    /// It answered.
    At(Timestamp),
    /// It gave no answer.
    Failed(String),
}

/// What kind of thing was found; the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// A receipt's document is gone or void in a target, or its amount is another.
    Altered,
    /// A document stands in a target that no receipt explains.
    Unexplained,
    /// A closing that its receipts do not bear out.
    ZDifference,
    /// Receipt numbers that are not there though the day is closed and the store is level.
    MissingNumbers,
    /// A receipt waits for a person: an exception, a conflict.
    NeedsPerson,
    /// The relay's figures are not what its own receipts add up to.
    Inexact,
    /// A target gave no answer.
    Unread,
    /// A store's agent was not heard of: what it holds is unknown.
    Unknown,
    /// A document is on its way.
    OnItsWay,
    /// Receipt numbers that may still come.
    PendingNumbers,
    /// A number stands twice with different kinds: the counter went back, or counts kinds apart.
    NumberTwice,
    /// Late receipts that no Z holds.
    Supplement,
    /// Baskets put aside across the closing.
    Suspended,
    /// What a person settled or declared.
    Settled,
}

impl FindingKind {
    /// Whether it is a difference that stays until somebody acts; the others are for information.
    #[must_use]
    pub const fn is_difference(self) -> bool {
        match self {
            Self::Altered
            | Self::Unexplained
            | Self::ZDifference
            | Self::MissingNumbers
            | Self::NeedsPerson
            | Self::Inexact
            | Self::Unread
            | Self::Unknown => true,
            Self::OnItsWay
            | Self::PendingNumbers
            | Self::NumberTwice
            | Self::Supplement
            | Self::Suspended
            | Self::Settled => false,
        }
    }

    /// In words, as a heading.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Altered => "changed in the target",
            Self::Unexplained => "unexplained document",
            Self::ZDifference => "Z and receipts differ",
            Self::MissingNumbers => "missing receipt numbers",
            Self::NeedsPerson => "waits for a person",
            Self::Inexact => "figures and receipts differ",
            Self::Unread => "target not read",
            Self::Unknown => "store not heard of",
            Self::OnItsWay => "on its way",
            Self::PendingNumbers => "receipt numbers pending",
            Self::NumberTwice => "number stands twice",
            Self::Supplement => "late receipts",
            Self::Suspended => "put aside across the closing",
            Self::Settled => "settled by a person",
        }
    }
}

/// Something that differs or has to be known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What kind.
    pub kind: FindingKind,
    /// The register.
    pub register: Option<RegisterId>,
    /// The receipt's number, or the numbers.
    pub receipt: Option<String>,
    /// The target.
    pub target: Option<TargetId>,
    /// How much, signed as the difference is.
    pub amount: Option<Money>,
    /// In one sentence.
    pub text: String,
}

impl DayReport {
    /// The findings that stay until somebody acts.
    pub fn differences(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.kind.is_difference())
    }
}
