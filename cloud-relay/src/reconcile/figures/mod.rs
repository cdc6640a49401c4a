//! Control totals: what one event adds to its register's business date.
//!
//! Pure. An event is counted once, in the commit that takes it in: what repeats another is not, and
//! what is in conflict only once a person called it a sale of its own. Amounts are whole minor
//! units, per currency. Nothing is computed that the POS has stated: taxes, rounding and totals are
//! its own.

mod day;
mod measure;
mod numbers;
#[cfg(test)]
mod tests;
mod totals;
mod z;

use jiff::Timestamp;
use protocol::envelope::Event;
use protocol::event::till::Till;
use protocol::event::transaction::Flag;
use protocol::event::{Body, TillKind, Transaction, TransactionKind, ZReport};
use protocol::id::RegisterId;
use protocol::money::Currency;
use protocol::time::BusinessDate;
use serde::{Deserialize, Serialize};

pub use day::{Covered, RegisterDay, Session, Suspended, Taken};
pub use measure::Measure;
pub use numbers::{Counter, Declared, Gap, GapState, Numbers, Twice};
pub use totals::Totals;
pub use z::{Stated, ZDifference};

/// One business date of one register.
pub type Place = (RegisterId, BusinessDate);

/// What an event adds to its register's day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Addition {
    /// The register.
    pub register: RegisterId,
    /// The trading day.
    pub business_date: BusinessDate,
    /// The number that the register gave it.
    pub receipt: String,
    /// Which round of the register's counter it is.
    pub counter_cycle: u32,
    /// The word of its kind.
    pub kind: String,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Whether the POS says that it is late: for a day that was closed already.
    pub late: bool,
    /// What it comes to.
    pub totals: Totals,
    /// What it means for the day besides.
    pub mark: Mark,
}

/// What an event means for its day besides its figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Nothing.
    None,
    /// The till is opened.
    Opens,
    /// The till is closed.
    Closes(Box<Close>),
    /// A basket is put aside.
    Suspends,
    /// A basket that was put aside is taken up again.
    Resumes {
        /// Where it was put aside.
        place: Place,
        /// Its number there.
        receipt: String,
    },
}

/// A till's closing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Close {
    /// The natural key of the event.
    pub natural_key: String,
    /// When the till was closed.
    pub at: Timestamp,
    /// The currency of the Z's amounts.
    pub currency: Option<Currency>,
    /// The Z, if the POS states one.
    pub z: Option<ZReport>,
}

/// What an event adds; nothing if it is none of a register's business, or practice.
#[must_use]
pub fn addition(event: &Event) -> Option<Addition> {
    match &event.body {
        Body::Transaction(transaction) if !transaction.is_training() => {
            Some(of_transaction(event, transaction))
        }
        Body::Till(till) if !till.flags.contains(&Flag::Training) => Some(of_till(event, till)),
        Body::Transaction(_) | Body::Till(_) | Body::Stock(_) | Body::Fiscal(_) => None,
    }
}

fn of_transaction(event: &Event, transaction: &Transaction) -> Addition {
    let mark = match (transaction.kind, &transaction.original) {
        (TransactionKind::Suspend, _) => Mark::Suspends,
        (TransactionKind::Resume, Some(original)) if original.store == transaction.store => {
            Mark::Resumes {
                place: (original.register.clone(), original.business_date),
                receipt: original.receipt.to_string(),
            }
        }
        _ => Mark::None,
    };
    Addition {
        register: transaction.register.clone(),
        business_date: transaction.business_date,
        receipt: transaction.receipt.to_string(),
        counter_cycle: transaction.counter_cycle,
        kind: transaction.kind.as_str().to_owned(),
        occurred_at: event.occurred_at(),
        late: transaction.flags.contains(&Flag::Late),
        totals: Totals::of_transaction(transaction),
        mark,
    }
}

fn of_till(event: &Event, till: &Till) -> Addition {
    let mark = match till.kind {
        TillKind::Open => Mark::Opens,
        TillKind::Close => Mark::Closes(Box::new(Close {
            natural_key: event.natural_key(),
            at: event.occurred_at(),
            currency: till.currency,
            z: till.z.clone(),
        })),
        _ => Mark::None,
    };
    Addition {
        register: till.register.clone(),
        business_date: till.business_date,
        receipt: till.receipt.to_string(),
        counter_cycle: till.counter_cycle,
        kind: till.kind.as_str().to_owned(),
        occurred_at: event.occurred_at(),
        late: till.flags.contains(&Flag::Late),
        totals: Totals::of_till(till),
        mark,
    }
}

impl Addition {
    /// The basket of which day it takes up again.
    #[must_use]
    pub fn resumed(&self) -> Option<(&Place, &str)> {
        match &self.mark {
            Mark::Resumes { place, receipt } => Some((place, receipt)),
            Mark::None | Mark::Opens | Mark::Closes(_) | Mark::Suspends => None,
        }
    }

    /// The days that it touches: its own, and that of a basket that it takes up again.
    pub fn places(&self) -> impl Iterator<Item = Place> {
        let resumed = self.resumed().map(|(place, _)| place.clone());
        std::iter::once((self.register.clone(), self.business_date)).chain(resumed)
    }
}
