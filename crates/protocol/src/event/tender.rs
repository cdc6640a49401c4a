//! How a transaction was paid.
//!
//! Change is a tender `out`; there is no other rule for it. Nothing about a card can be expressed
//! beyond what PCI DSS 3.4 lets a receipt show. Does not add anything up.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Direction, Extensions};
use crate::decimal::Number;
use crate::id::Code;
use crate::money::{Amount, Currency, SignedAmount};

/// What was paid with.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum TenderKind {
    /// Cash in the transaction's currency.
    Cash,
    /// A payment card.
    Card,
    /// A gift card.
    GiftCard,
    /// Credit that the store owes the customer.
    StoreCredit,
    /// A voucher.
    Voucher,
    /// A cheque.
    Cheque,
    /// The customer's account.
    Account,
    /// A telephone.
    Mobile,
    /// Cash in another currency.
    ForeignCash,
    /// Anything else.
    Other,
}

impl TenderKind {
    /// The word that stands in the event.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cash => "cash",
            Self::Card => "card",
            Self::GiftCard => "gift_card",
            Self::StoreCredit => "store_credit",
            Self::Voucher => "voucher",
            Self::Cheque => "cheque",
            Self::Account => "account",
            Self::Mobile => "mobile",
            Self::ForeignCash => "foreign_cash",
            Self::Other => "other",
        }
    }
}

/// What a tender is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum TenderPurpose {
    /// The customer pays.
    Payment,
    /// The store gives change.
    Change,
    /// The store pays back.
    Refund,
    /// The store hands out cash on a card.
    CashBack,
    /// Refused; counts nowhere.
    Declined,
}

/// One tender.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tender {
    /// The POS's number of the tender.
    pub tender: u32,
    /// What was paid with.
    pub kind: TenderKind,
    /// What it is for.
    pub purpose: TenderPurpose,
    /// `in` is money to the store, `out` is money to the customer.
    #[serde(
        default = "Direction::money_default",
        skip_serializing_if = "Direction::is_money_default"
    )]
    pub direction: Direction,
    /// The amount in the transaction's currency.
    pub amount: Amount,
    /// What the POS calls this kind of tender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Code>,
    /// What was handed over in another currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreign: Option<Foreign>,
    /// What is known of a card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<Card>,
    /// What is known of a gift card, voucher or store credit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored_value: Option<StoredValue>,
    /// The tender of the earlier sale that is paid back, by its number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<u32>,
    /// What the customer paid for using this tender, part of `amount`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surcharge: Option<Amount>,
    /// Vendor fields.
    #[serde(default, skip_serializing_if = "Extensions::is_empty")]
    pub extensions: Extensions,
}

impl Tender {
    /// Whether it takes part in the equation.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.purpose != TenderPurpose::Declined
    }
}

/// Cash in another currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Foreign {
    /// The currency.
    pub currency: Currency,
    /// The amount, in that currency's minor units.
    pub amount: Amount,
    /// How much of the transaction's currency one unit of it is worth.
    pub rate: Number,
}

/// What may be known of a card.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Card {
    /// The scheme, such as `visa` or `girocard`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<Code>,
    /// At most the first six digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bin: Option<Digits<1, 6>>,
    /// The last four digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last4: Option<Digits<4, 4>>,
    /// The payment provider's token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<Code>,
    /// The authorisation code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorisation: Option<Code>,
    /// The payment provider's reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<Code>,
    /// How it was read: `chip`, `contactless`, `swipe`, `keyed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<Code>,
    /// Whether it was authorised without the issuer.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub offline: bool,
}

/// Between `MIN` and `MAX` digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digits<const MIN: usize, const MAX: usize>(Box<str>);

/// A text is not that many digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {0} to {1} digits")]
pub struct DigitsError(usize, usize);

impl<const MIN: usize, const MAX: usize> Digits<MIN, MAX> {
    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl<const MIN: usize, const MAX: usize> TryFrom<String> for Digits<MIN, MAX> {
    type Error = DigitsError;
    fn try_from(text: String) -> Result<Self, DigitsError> {
        let fits = (MIN..=MAX).contains(&text.len());
        if fits && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(text.into()))
        } else {
            Err(DigitsError(MIN, MAX))
        }
    }
}
impl<const MIN: usize, const MAX: usize> From<Digits<MIN, MAX>> for String {
    fn from(digits: Digits<MIN, MAX>) -> Self {
        digits.0.into()
    }
}
impl<const MIN: usize, const MAX: usize> JsonSchema for Digits<MIN, MAX> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Digits{MIN}To{MAX}").into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": format!("^[0-9]{{{MIN},{MAX}}}$") })
    }
}

/// What is known of a gift card, voucher or store credit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StoredValue {
    /// A token or masked number, never the number itself.
    pub token: Code,
    /// What was done with it.
    pub action: StoredValueAction,
    /// What is left on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balance: Option<SignedAmount>,
    /// Whether its issuer was asked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub online: bool,
    /// Whether a voucher is for one purpose (taxed when sold) or several (taxed when redeemed).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voucher: Option<VoucherPurpose>,
}

/// What was done with stored value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum StoredValueAction {
    /// Paid with.
    Redeem,
    /// Made.
    Issue,
    /// Topped up.
    Reload,
    /// Paid back onto.
    Refund,
    /// Emptied in cash.
    CashOut,
}

/// The VAT treatment of a voucher (Council Directive 2006/112/EC, article 30a).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum VoucherPurpose {
    /// Taxed when it is sold.
    Single,
    /// Taxed when it is redeemed.
    Multi,
}
