//! Tax as the POS computed it.
//!
//! Carried, never computed again. Does not know any rate.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Direction;
use crate::decimal::Number;
use crate::id::{Code, Text};
use crate::money::Amount;

/// One tax on a line, or on the whole transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tax {
    /// The POS's code, such as the letter on the receipt.
    pub code: Code,
    /// Who levies it: a country or jurisdiction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<Code>,
    /// The kind, such as `VAT`, `GST` or `sales`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Code>,
    /// The rate in per cent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Number>,
    /// What it is levied on, without the tax.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Amount>,
    /// The tax.
    pub amount: Amount,
    /// The tax before rounding, in major units, where the POS tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unrounded: Option<Number>,
    /// Whether prices include it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub included: bool,
    /// Which way it goes; on a line it follows the line.
    #[serde(
        default = "Direction::goods_default",
        skip_serializing_if = "Direction::is_goods_default"
    )]
    pub direction: Direction,
    /// Why it is not levied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exemption: Option<Exemption>,
}

/// Why a tax is not levied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Exemption {
    /// The reason.
    pub reason: Text<256>,
    /// The number of the certificate that proves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Code>,
}
