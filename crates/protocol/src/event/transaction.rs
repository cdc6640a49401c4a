//! `storekeep.transaction.v1`: one basket or money matter of a register.
//!
//! Amounts are whole minor units of the one currency. Does not check the figures against each
//! other ([`super::balance`]) and does not say what moves stock ([`super::moves`]).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fiscal::FiscalMark;
use super::line::{Discount, Line, LineReference};
use super::tax::Tax;
use super::tender::Tender;
use super::{Direction, Extensions};
use crate::id::{Code, LocationId, Receipt, RegisterId, StoreId};
use crate::limits::{ENTRIES_PER_LIST_MAX, LINES_MAX};
use crate::list::List;
use crate::money::{Amount, Currency, Money, SignedAmount};
use crate::personal::Personal;
use crate::time::{BusinessDate, OffsetTime};

/// The kinds of transaction.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum TransactionKind {
    /// Goods or services sold.
    Sale,
    /// Goods back, money back.
    Return,
    /// Goods back and goods out in one transaction; the net is paid either way.
    Exchange,
    /// An earlier transaction undone: its body with every direction reversed.
    PostVoid,
    /// A basket that was never finished.
    Void,
    /// A basket put aside.
    Suspend,
    /// A basket taken up again.
    Resume,
    /// Goods put by against part of the price.
    Layaway,
    /// An online order handed over.
    OrderPickup,
    /// One tender changed for another.
    TenderExchange,
    /// A gift card issued, topped up or paid out.
    GiftCard,
    /// A payment to a customer's account.
    AccountPayment,
}

impl TransactionKind {
    /// The word that stands in the event and its natural key.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sale => "sale",
            Self::Return => "return",
            Self::Exchange => "exchange",
            Self::PostVoid => "post_void",
            Self::Void => "void",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::Layaway => "layaway",
            Self::OrderPickup => "order_pickup",
            Self::TenderExchange => "tender_exchange",
            Self::GiftCard => "gift_card",
            Self::AccountPayment => "account_payment",
        }
    }
}

/// What is special about a transaction.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Flag {
    /// The POS had no connection to its server.
    Offline,
    /// Practice: counted, never sent.
    Training,
    /// Entered afterwards from paper.
    Reentry,
    /// Late: for a day that was closed already.
    Late,
}

/// A total with its direction: due is `in`, paid out is `out`; zero is `in`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Total {
    /// Minor units.
    pub amount: Amount,
    /// `in` is due to the store, `out` is paid out.
    pub direction: Direction,
}

/// Figures that the POS states besides, such as those it printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Stated {
    /// The gross total.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gross: Option<Amount>,
    /// The net total.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub net: Option<Amount>,
    /// Tax by code.
    #[serde(default, skip_serializing_if = "List::is_empty")]
    pub tax: List<StatedTax, ENTRIES_PER_LIST_MAX>,
}

/// Tax as the receipt sums it up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StatedTax {
    /// The POS's code.
    pub code: Code,
    /// The tax.
    pub amount: Amount,
    /// What it is levied on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Amount>,
}

/// A reference to a customer: identifiers, never a name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Customer {
    /// The retailer's customer number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Code>,
    /// The loyalty account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loyalty: Option<Code>,
}

/// The body of a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Transaction {
    /// What kind it is.
    pub kind: TransactionKind,
    /// The shop.
    pub store: StoreId,
    /// The register.
    pub register: RegisterId,
    /// The cash drawer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub till: Option<Code>,
    /// The shift.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shift: Option<Code>,
    /// The place whose stock moves; the store's sales floor where nothing stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<LocationId>,
    /// The trading day, as the POS assigned it.
    pub business_date: BusinessDate,
    /// The number that the POS printed.
    pub receipt: Receipt,
    /// Rises when the register's counter legally begins again.
    #[serde(default, skip_serializing_if = "super::key::is_first_cycle")]
    pub counter_cycle: u32,
    /// The POS's own identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pos_id: Option<Code>,
    /// The profile and version by which it was read from the POS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Code>,
    /// When the basket was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<OffsetTime>,
    /// When it was finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<OffsetTime>,
    /// Who was at the register, by number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cashier: Option<Code>,
    /// Who sold, by number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seller: Option<Code>,
    /// What is special about it.
    #[serde(default, skip_serializing_if = "List::is_empty")]
    pub flags: List<Flag, 8>,
    /// The one currency of every amount.
    pub currency: Currency,
    /// The customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<Customer>,
    /// Personal fields, sealed to the relay's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub personal: Option<Personal>,
    /// The receipt that this transaction undoes, resumes or completes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<LineReference>,
    /// The online order that is handed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Code>,
    /// The lines.
    #[serde(default, skip_serializing_if = "List::is_empty")]
    pub lines: List<Line, LINES_MAX>,
    /// Discounts that the POS did not allocate to lines.
    #[serde(default, skip_serializing_if = "List::is_empty")]
    pub discounts: List<Discount, ENTRIES_PER_LIST_MAX>,
    /// Taxes that the POS computed on the basket; where they stand they replace the lines' taxes.
    #[serde(default, skip_serializing_if = "List::is_empty")]
    pub taxes: List<Tax, ENTRIES_PER_LIST_MAX>,
    /// Cash rounding, signed: 4.82 paid as 4.80 is -2.
    #[serde(default, skip_serializing_if = "SignedAmount::is_zero")]
    pub rounding: SignedAmount,
    /// What is due or paid out. Only a post void that names its original may leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Total>,
    /// How it was paid.
    #[serde(default, skip_serializing_if = "List::is_empty")]
    pub tenders: List<Tender, ENTRIES_PER_LIST_MAX>,
    /// Figures that the POS states besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stated: Option<Stated>,
    /// What a fiscal device said of it, byte for byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fiscal: Option<FiscalMark>,
    /// Vendor fields.
    #[serde(default, skip_serializing_if = "Extensions::is_empty")]
    pub extensions: Extensions,
}

impl Transaction {
    /// Whether it is practice, which never leaves the host.
    #[must_use]
    pub fn is_training(&self) -> bool {
        self.flags.contains(&Flag::Training)
    }

    /// Whether it takes part in equations, stock and ledgers.
    #[must_use]
    pub fn counts(&self) -> bool {
        let unfinished = matches!(
            self.kind,
            TransactionKind::Void | TransactionKind::Suspend | TransactionKind::Resume
        );
        !unfinished && !self.is_training()
    }

    /// The total, signed: positive is due to the store.
    #[must_use]
    pub fn signed_total(&self) -> Money {
        let minor = self.total.map_or(0, |total| match total.direction {
            Direction::In => total.amount.minor(),
            Direction::Out => -total.amount.minor(),
        });
        Money::new(minor, self.currency)
    }

    /// The place whose stock moves.
    #[must_use]
    pub fn stock_location(&self) -> LocationId {
        self.location.clone().unwrap_or_else(|| super::place::sales_floor(&self.store))
    }
}
