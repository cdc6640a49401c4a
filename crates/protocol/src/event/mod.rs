//! The canonical events, version 1: what happened at a store, in the words of retail.
//!
//! Every input translates into these types and every target out of them. The words are those of
//! ARTS/OMG POSLog 6 and Digital Receipt. Reading is strict: an unknown field, a negative amount or
//! a float is refused; what the figures say among themselves is checked ([`balance`]) and
//! never repaired, because the POS's word stands. Does not know how an event is journaled or sent.

pub mod balance;
mod extensions;
pub mod fiscal;
pub mod item;
pub mod key;
pub mod line;
pub mod moves;
pub mod place;
pub mod reverse;
pub(crate) mod rules;
pub mod stock;
pub mod tax;
pub mod tender;
pub mod till;
pub mod transaction;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::StoreId;
use crate::time::OffsetTime;

pub use extensions::Extensions;
pub use fiscal::{FiscalEvent, FiscalMark};
pub use item::Item;
pub use line::{Line, LineKind, LineReference, Original};
pub use moves::Move;
pub use rules::RuleError;
pub use stock::{StockDocument, StockKind};
pub use tax::Tax;
pub use tender::{Tender, TenderKind, TenderPurpose};
pub use till::{Till, TillKind, ZReport};
pub use transaction::{Transaction, TransactionKind};

/// Which way goods or money go.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Direction {
    /// Goods back to the store; money to the store.
    In,
    /// Goods to the customer; money to the customer.
    Out,
}

impl Direction {
    /// The other way.
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::In => Self::Out,
            Self::Out => Self::In,
        }
    }

    const fn goods_default() -> Self {
        Self::Out
    }

    const fn money_default() -> Self {
        Self::In
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    const fn is_goods_default(&self) -> bool {
        matches!(self, Self::Out)
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    const fn is_money_default(&self) -> bool {
        matches!(self, Self::In)
    }
}

/// The body of an event, by its type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Body {
    /// `storekeep.transaction.v1`.
    Transaction(Box<Transaction>),
    /// `storekeep.till.v1`.
    Till(Box<Till>),
    /// `storekeep.stock.v1`.
    Stock(Box<StockDocument>),
    /// `storekeep.fiscal.v1`.
    Fiscal(Box<FiscalEvent>),
}

/// The type of an event, as the attribute `type` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventType {
    /// A transaction of a register.
    Transaction,
    /// A till movement.
    Till,
    /// A stock change.
    Stock,
    /// A word of a fiscal device outside a transaction.
    Fiscal,
}

impl EventType {
    /// Every type, in the order of the documentation.
    pub const ALL: [Self; 4] = [Self::Transaction, Self::Till, Self::Stock, Self::Fiscal];

    /// The CloudEvents attribute `type`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transaction => "storekeep.transaction.v1",
            Self::Till => "storekeep.till.v1",
            Self::Stock => "storekeep.stock.v1",
            Self::Fiscal => "storekeep.fiscal.v1",
        }
    }

    /// The CloudEvents attribute `dataschema`.
    #[must_use]
    pub const fn data_schema(self) -> &'static str {
        match self {
            Self::Transaction => "storekeep:transaction:v1",
            Self::Till => "storekeep:till:v1",
            Self::Stock => "storekeep:stock:v1",
            Self::Fiscal => "storekeep:fiscal:v1",
        }
    }

    /// The type that `type` names.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl Body {
    /// The type of event.
    #[must_use]
    pub const fn event_type(&self) -> EventType {
        match self {
            Self::Transaction(_) => EventType::Transaction,
            Self::Till(_) => EventType::Till,
            Self::Stock(_) => EventType::Stock,
            Self::Fiscal(_) => EventType::Fiscal,
        }
    }

    /// The store.
    #[must_use]
    pub const fn store(&self) -> &StoreId {
        match self {
            Self::Transaction(transaction) => &transaction.store,
            Self::Till(till) => &till.store,
            Self::Stock(document) => &document.store,
            Self::Fiscal(fiscal) => &fiscal.store,
        }
    }

    /// The moment that the body itself states, if it states one.
    #[must_use]
    pub fn stated_time(&self) -> Option<OffsetTime> {
        match self {
            Self::Transaction(transaction) => transaction.completed_at.or(transaction.started_at),
            Self::Till(till) => till.occurred_at,
            Self::Stock(document) => Some(document.occurred_at),
            Self::Fiscal(fiscal) => Some(fiscal.at),
        }
    }

    /// The body without what does not make another event of it: how it was read (`profile`), what a
    /// vendor adds (`extensions`), and what can be forgotten (`personal`).
    pub(crate) fn content(&self) -> Self {
        let mut body = self.clone();
        match &mut body {
            Self::Transaction(transaction) => {
                transaction.profile = None;
                transaction.personal = None;
                transaction.extensions = Extensions::default();
            }
            Self::Till(till) => {
                till.profile = None;
                till.extensions = Extensions::default();
            }
            Self::Stock(document) => {
                document.profile = None;
                document.extensions = Extensions::default();
            }
            Self::Fiscal(fiscal) => fiscal.extensions = Extensions::default(),
        }
        body
    }
}
