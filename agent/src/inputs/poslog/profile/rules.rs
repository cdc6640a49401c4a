//! The rules that vendors differ in, each with its choices in words.
//!
//! What a rule does is beside each choice; that is all there is to know of it.

use protocol::money::Currency;
use serde::Deserialize;

/// The rules of a profile.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Rules {
    /// What a document is that carries no flag of practice.
    pub(in super::super) training_absent: NoTrainingFlag,
    /// What a time without an offset is.
    pub(in super::super) local_time: LocalTime,
    /// The currency where the document names none.
    #[serde(default)]
    pub(in super::super) currency: Option<Currency>,
    /// Which sign turns a line around.
    pub(in super::super) line_sign: LineSign,
    /// What an extended amount is.
    pub(in super::super) line_extended: ExtendedIs,
    /// What a line with a void flag voids.
    pub(in super::super) line_void: VoidLine,
    /// What a tender below zero is.
    pub(in super::super) tender_negative: NegativeTender,
    /// Whether prices include tax.
    pub(in super::super) tax_included: TaxIncluded,
    /// What a tax on a line of its own is.
    pub(in super::super) tax_lines: LoneTax,
    /// What the sign of a discount on the basket means.
    pub(in super::super) basket_discount: BasketDiscount,
    /// What a document without a total is.
    pub(in super::super) total_absent: NoTotal,
    /// Which way a total goes.
    pub(in super::super) total_way: TotalWay,
    /// What the sign of a rounding means.
    pub(in super::super) rounding_sign: RoundingSign,
    /// Which way the body of a post void goes.
    pub(in super::super) post_void_body: PostVoidBody,
    /// What becomes of an amount with more places than its currency.
    pub(in super::super) inexact: Inexact,
}

/// A document without a flag of practice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum NoTrainingFlag {
    /// Refused: nobody can tell.
    Refuse,
    /// A real one: this POS flags practice, and only that.
    Live,
}

/// A time without an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum LocalTime {
    /// The store's clock shows it, in the input's `time_zone`.
    Store,
    /// Universal time.
    Utc,
}

/// The sign that turns a line around.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum LineSign {
    /// None: the element says which way. A negative figure is refused.
    Element,
    /// A negative quantity.
    Quantity,
    /// A negative amount.
    Amount,
    /// Either of them.
    Either,
}

impl LineSign {
    /// Whether the signs of amounts say which way they go.
    pub(in super::super) const fn is_of_amounts(self) -> bool {
        matches!(self, Self::Amount | Self::Either)
    }

    /// Whether these signs turn a line around; none if the rule does not allow them.
    pub(in super::super) const fn turns(self, quantity: bool, amount: bool) -> Option<bool> {
        match self {
            Self::Element if quantity || amount => None,
            Self::Element => Some(false),
            Self::Quantity => Some(quantity),
            Self::Amount => Some(amount),
            Self::Either => Some(quantity || amount),
        }
    }
}

/// An extended amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum ExtendedIs {
    /// What is left after the line's discounts.
    Net,
    /// What stands before them.
    Gross,
}

/// A line with a void flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum VoidLine {
    /// It is the voided line itself.
    Itself,
    /// It voids the line that it names; both are void.
    Linked,
    /// It repeats an earlier line with the signs turned; both are void.
    Repeats,
}

/// A tender below zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum NegativeTender {
    /// Change where something is due, money back where something is paid out.
    Change,
    /// Refused.
    Refuse,
}

/// Whether prices include tax.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum TaxIncluded {
    /// They do.
    Yes,
    /// They do not.
    No,
    /// Each tax says it (`included`); without a word they do not.
    Stated,
}

/// A tax on a line of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum LoneTax {
    /// The tax of the basket, in place of the lines' taxes.
    Basket,
    /// The lines' taxes summed up once more.
    Summary,
}

/// A discount on the basket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum BasketDiscount {
    /// What it takes off is above zero.
    Positive,
    /// What it takes off is below zero.
    Negative,
}

/// A document without a total.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum NoTotal {
    /// Refused.
    Refuse,
    /// Its total is what its tenders come to: this POS states no other.
    Tenders,
}

/// Which way a total goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum TotalWay {
    /// Its sign says it: below zero is paid out.
    Signed,
    /// It has no sign; what leads somewhere under `total.paid_out` is paid out.
    Marked,
}

/// What the sign of a rounding means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum RoundingSign {
    /// What is added to the total.
    Added,
    /// What is taken off the total.
    Subtracted,
}

/// The body of a post void.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum PostVoidBody {
    /// That of the sale as it was made.
    AsSold,
    /// Already turned around.
    Reversed,
}

/// An amount with more places than its currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum Inexact {
    /// Refused, taxes apart, which are rounded and kept unrounded beside.
    Refuse,
    /// Rounded half away from zero.
    Round,
}
