//! `storekeep.till.v1`: what happens to a drawer besides sales, and the closing totals (Z).
//!
//! A POS states what it states: each figure of the Z is optional. Does not compare the Z with the
//! receipts.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Extensions;
use super::fiscal::FiscalMark;
use super::tender::TenderKind;
use super::transaction::Flag;
use crate::decimal::Number;
use crate::id::{Code, Receipt, RegisterId, StoreId, Text};
use crate::limits::ENTRIES_PER_LIST_MAX;
use crate::list::List;
use crate::money::{Amount, Currency, SignedAmount};
use crate::time::{BusinessDate, OffsetTime};

/// The kinds of till movement.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum TillKind {
    /// The drawer is opened for the day or shift.
    Open,
    /// The day or shift is closed; carries the Z.
    Close,
    /// Money paid in.
    PaidIn,
    /// Money paid out.
    PaidOut,
    /// Money taken to the safe.
    Pickup,
    /// Change brought from the safe.
    Loan,
    /// The drawer opened without a sale.
    NoSale,
    /// The drawer counted.
    Count,
    /// A cashier signs on.
    SignOn,
    /// A cashier signs off.
    SignOff,
}

impl TillKind {
    /// The word that stands in the event and its natural key.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Close => "close",
            Self::PaidIn => "paid_in",
            Self::PaidOut => "paid_out",
            Self::Pickup => "pickup",
            Self::Loan => "loan",
            Self::NoSale => "no_sale",
            Self::Count => "count",
            Self::SignOn => "sign_on",
            Self::SignOff => "sign_off",
        }
    }

    /// Whether it moves money, and so has to state an amount.
    #[must_use]
    pub const fn moves_money(self) -> bool {
        matches!(self, Self::PaidIn | Self::PaidOut | Self::Pickup | Self::Loan)
    }
}

/// The body of a till movement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Till {
    /// What kind it is.
    pub kind: TillKind,
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
    /// The trading day.
    pub business_date: BusinessDate,
    /// The register's number of it, in the same sequence as receipts.
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
    /// When; the envelope's `time` where nothing stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<OffsetTime>,
    /// Who was at the register, by number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cashier: Option<Code>,
    /// Who allowed it, by number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approver: Option<Code>,
    /// What is special about it.
    #[serde(default, skip_serializing_if = "List::is_empty")]
    pub flags: List<Flag, 8>,
    /// The currency of every amount; required where one stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// The money that moves; required for paid_in, paid_out, pickup and loan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
    /// The kind of money; cash where nothing stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tender: Option<TenderKind>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text<256>>,
    /// What was counted, by tender.
    #[serde(default, skip_serializing_if = "List::is_empty")]
    pub counted: List<Counted, ENTRIES_PER_LIST_MAX>,
    /// The closing totals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub z: Option<ZReport>,
    /// What a fiscal device said of it, byte for byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fiscal: Option<FiscalMark>,
    /// Vendor fields.
    #[serde(default, skip_serializing_if = "Extensions::is_empty")]
    pub extensions: Extensions,
}

/// What was counted of one tender.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Counted {
    /// The tender.
    pub kind: TenderKind,
    /// The sum.
    pub amount: Amount,
    /// How many of each coin and note, by its value in minor units.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub denominations: BTreeMap<Code, u32>,
}

/// A register's closing totals of a business date, as the POS reports them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ZReport {
    /// The Z's own number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// The first receipt that it covers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_receipt: Option<Receipt>,
    /// The last receipt that it covers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_receipt: Option<Receipt>,
    /// How many transactions and movements, by kind.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<Code, u64>,
    /// The sum of sale totals with direction `in`, before returns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gross: Option<Amount>,
    /// The sum of what was paid back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub returns: Option<Amount>,
    /// The sum of discounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discounts: Option<Amount>,
    /// The sum of cash rounding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounding: Option<SignedAmount>,
    /// Tax by code and rate.
    #[serde(skip_serializing_if = "List::is_empty")]
    pub tax: List<ZTax, ENTRIES_PER_LIST_MAX>,
    /// Money by tender.
    #[serde(skip_serializing_if = "List::is_empty")]
    pub tenders: List<ZTender, ENTRIES_PER_LIST_MAX>,
    /// What the drawer began with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub float: Option<Amount>,
    /// Money paid in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paid_in: Option<Amount>,
    /// Money paid out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paid_out: Option<Amount>,
    /// Money taken to the safe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pickups: Option<Amount>,
    /// Change brought from the safe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loans: Option<Amount>,
    /// What was counted less what was expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub over_short: Option<SignedAmount>,
    /// Gift cards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gift_cards: Option<ZGiftCards>,
    /// Cash in other currencies.
    #[serde(skip_serializing_if = "List::is_empty")]
    pub foreign_cash: List<ZForeignCash, ENTRIES_PER_LIST_MAX>,
    /// The total that is never reset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grand_total: Option<Amount>,
}

/// A Z's tax of one code and rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ZTax {
    /// The POS's code.
    pub code: Code,
    /// The rate in per cent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Number>,
    /// What it is levied on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<SignedAmount>,
    /// The tax.
    pub amount: SignedAmount,
}

/// A Z's money of one tender.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ZTender {
    /// The tender.
    pub kind: TenderKind,
    /// Money in.
    #[serde(default, rename = "in", skip_serializing_if = "Option::is_none")]
    pub money_in: Option<Amount>,
    /// Money out.
    #[serde(default, rename = "out", skip_serializing_if = "Option::is_none")]
    pub money_out: Option<Amount>,
    /// What should be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<SignedAmount>,
    /// What is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<SignedAmount>,
}

/// A Z's gift cards.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ZGiftCards {
    /// Issued and topped up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issued: Option<Amount>,
    /// Paid with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redeemed: Option<Amount>,
}

/// A Z's cash in one other currency, in that currency's minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ZForeignCash {
    /// The currency.
    pub currency: Currency,
    /// Taken in.
    #[serde(default, rename = "in", skip_serializing_if = "Option::is_none")]
    pub money_in: Option<Amount>,
    /// What is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<Amount>,
}
