//! The names that a profile may use: of fields, of documents, of lines.
//!
//! Each part of a profile has its own; an unknown one is refused with the list of those that there
//! are.

use protocol::event::line::LineKind;
use protocol::event::{Direction, TillKind, TransactionKind};
use protocol::record::Equation;
use serde::de::value::StrDeserializer;
use serde::de::{self, IntoDeserializer};
use serde::{Deserialize, Deserializer};

use super::super::select::{Selector, Selectors};

/// `[head]`: what a document says of itself; selectors begin at the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum HeadField {
    /// A flag: true or false.
    Training,
    /// A flag.
    Offline,
    /// A flag.
    Reentry,
    Store,
    Register,
    Till,
    Shift,
    Receipt,
    PosId,
    BusinessDate,
    StartedAt,
    CompletedAt,
    /// The offset of a time without one; begins at the time.
    Offset,
    Cashier,
    Seller,
    Currency,
    Customer,
    Loyalty,
    Order,
}

/// `[line]`: a line that sells something; selectors begin at the element of its rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum LineField {
    Number,
    /// A flag.
    Void,
    /// The number of the line that this one voids.
    Voids,
    /// Leads somewhere where the amounts are meant below zero.
    Negative,
    Sku,
    Gtin,
    Scanned,
    Description,
    Group,
    Quantity,
    Unit,
    Tare,
    UnitPrice,
    RegularUnitPrice,
    PriceBook,
    OverrideReason,
    Extended,
    EnteredAt,
    Seller,
    Serial,
    Lot,
    Parent,
    ReturnReason,
    /// Why goods came back without a receipt.
    BlindReason,
    GiftCard,
}

/// `[discount]` of a line, whose `each` begins at the line and the others at what it leads to; and
/// `[basket_discount]`, whose selectors begin at the element of its line rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum DiscountField {
    Each,
    Amount,
    /// Leads somewhere where the amount is added, not taken off.
    Adds,
    Kind,
    Id,
    Reason,
    Approver,
    /// Where `each` leads nowhere: the sum of the line's discounts; begins at the line.
    Sum,
}

/// `[tax]`: `each` begins at the line, the others at what it leads to, or at the element of a line
/// rule `tax`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum TaxField {
    Each,
    Code,
    Authority,
    Kind,
    Rate,
    Base,
    Amount,
    /// A flag.
    Included,
    ExemptReason,
    ExemptCertificate,
}

/// `[tender]`: selectors begin at the element of its line rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum TenderField {
    Number,
    /// A flag: the tender was taken back and counts nowhere.
    Void,
    /// Leads somewhere where the tender was refused and counts nowhere.
    Declined,
    /// The vendor's word, which `[tender_kinds]` translates.
    Kind,
    Name,
    Amount,
    /// Leads somewhere where the money goes out.
    Out,
    /// Change within the tender, which it is to be lessened by.
    Change,
    /// The vendor's word for what the change was given in; cash where it says nothing.
    ChangeKind,
    CashBack,
    ForeignCurrency,
    ForeignAmount,
    ForeignRate,
    Surcharge,
    /// The number of a gift card or voucher; all but its last four characters are masked.
    StoredValue,
    StoredBalance,
}

/// `[card]`: what is known of a card; selectors begin at the tender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum CardField {
    Scheme,
    /// The number, masked or not: at most six first and four last digits of it are taken.
    Number,
    Token,
    Authorisation,
    Reference,
    Entry,
}

/// `[link]`: the receipt that a document undoes or resumes, from the document; `[original]`: the
/// line that goods were sold on, from the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum LinkField {
    Store,
    Register,
    BusinessDate,
    Receipt,
    Line,
    Order,
}

/// `[total]`: figures of the whole; selectors begin at the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum TotalField {
    Total,
    /// Leads somewhere where the total is paid out.
    PaidOut,
    Gross,
    Net,
    /// Every place that it leads to is summed up.
    Rounding,
}

/// `[till]`: a till movement; selectors begin at the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum TillField {
    Amount,
    Tender,
    Reason,
    Approver,
}

/// `[z]`: closing totals; selectors begin at the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum ZField {
    Number,
    FirstReceipt,
    LastReceipt,
    Gross,
    Returns,
    Discounts,
    Rounding,
    Float,
    PaidIn,
    PaidOut,
    Pickups,
    Loans,
    Over,
    Short,
    GrandTotal,
    SaleCount,
    ReturnCount,
    VoidCount,
    NoSaleCount,
}

/// `[z_tender]`: the money of one tender at the close; `each` begins at the document, the others at
/// what it leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum ZTenderField {
    Each,
    Kind,
    In,
    Out,
    Expected,
    Counted,
}

/// `[fiscal]`: what a fiscal device said; selectors begin at the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum FiscalField {
    Device,
    Transaction,
    Counter,
    Signature,
    Previous,
    Code,
}

/// What a document becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum DocumentKind {
    /// A sale, a return or an exchange, by the direction of its lines.
    ByLines,
    /// A transaction of this kind.
    Transaction(TransactionKind),
    /// A till movement of this kind.
    Till(TillKind),
    /// Nothing.
    Skip,
    /// Nothing, and a person is told.
    Refuse,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum LineMeaning {
    /// It sells something of this kind.
    Sells(LineKind),
    Tender,
    /// Money handed back over the counter.
    Change,
    Tax,
    /// A discount on the basket.
    Discount,
    Rounding,
    /// Nothing that an event holds.
    Skip,
}

impl<'de> Deserialize<'de> for DocumentKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        let transaction = || named(&word).map(Self::Transaction);
        match word.as_str() {
            "by_lines" => Ok(Self::ByLines),
            "skip" => Ok(Self::Skip),
            "refuse" => Ok(Self::Refuse),
            _ => transaction().or_else(|| named(&word).map(Self::Till)).ok_or_else(|| {
                de::Error::custom(format!(
                    "`{word}` is no kind of document: `by_lines`, `skip`, `refuse`, or a kind of \
                     transaction or till movement such as `post_void` or `paid_in`"
                ))
            }),
        }
    }
}

impl<'de> Deserialize<'de> for LineMeaning {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        match word.as_str() {
            "tender" => Ok(Self::Tender),
            "change" => Ok(Self::Change),
            "tax" => Ok(Self::Tax),
            "discount" => Ok(Self::Discount),
            "rounding" => Ok(Self::Rounding),
            "skip" => Ok(Self::Skip),
            _ => named(&word).map(Self::Sells).ok_or_else(|| {
                de::Error::custom(format!(
                    "`{word}` is no kind of line: `tender`, `change`, `tax`, `discount`, \
                     `rounding`, `skip`, or what it sells, such as `item` or `gift_card`"
                ))
            }),
        }
    }
}

/// A word of the canonical model, as an event writes it.
fn named<'w, T: Deserialize<'w>>(word: &'w str) -> Option<T> {
    let reader: StrDeserializer<'_, de::value::Error> = word.into_deserializer();
    T::deserialize(reader).ok()
}

/// Which way goods go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum Way {
    /// To the customer.
    Out,
    /// Back to the store.
    In,
}

impl From<Way> for Direction {
    fn from(way: Way) -> Self {
        match way {
            Way::Out => Self::Out,
            Way::In => Self::In,
        }
    }
}

/// `[[balance]]`: an equation that holds at this vendor. It is left alone where one of its figures
/// is missing.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct BalanceRule {
    /// Every place that these lead to is summed up; they begin at the document.
    pub(in super::super) sum: Selectors,
    pub(in super::super) equals: Figure,
}

impl BalanceRule {
    pub(super) fn selectors(&mut self) -> impl Iterator<Item = &mut Selector> {
        self.sum.0.iter_mut()
    }
}

/// A figure of the event, signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum Figure {
    /// What is due.
    Total,
    /// What the lines come to.
    Lines,
    /// What was paid.
    Tenders,
}

impl Figure {
    /// The equation that does not hold where this figure is not met.
    pub(in super::super) const fn equation(self) -> Equation {
        match self {
            Self::Total => Equation::Transaction,
            Self::Lines => Equation::Line,
            Self::Tenders => Equation::Tender,
        }
    }
}
