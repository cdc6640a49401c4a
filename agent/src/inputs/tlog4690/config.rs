//! What only the site knows about its log.
//!
//! Does not look at the disk and reads no log.

use std::collections::BTreeMap;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use protocol::decimal::{Number, PLACES_MAX};
use protocol::event::TenderKind;
use protocol::id::{Code, RegisterId, StoreId};
use protocol::money::Currency;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::inputs::folder::FolderConfig;
use crate::inputs::reading::time;
use crate::inputs::registry::SettingsError;

/// A folder with transaction logs of the Toshiba 4690 Supermarket Application (EAMTRAN).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Settings {
    /// The folder.
    #[serde(flatten)]
    pub folder: FolderConfig,

    /// The store whose log this is: the log itself does not name it.
    #[schemars(extend("example" = "0042"))]
    pub store: StoreId,

    /// The currency of every amount in the log.
    #[schemars(extend("example" = "USD"))]
    pub currency: Currency,

    /// The time zone of the controller's clock, such as `America/New_York`.
    #[schemars(extend("example" = "America/New_York"))]
    pub zone: String,

    /// When the trading day begins, by the controller's clock: the log names no business date, and
    /// what stands before this time belongs to the day before.
    #[serde(default = "midnight")]
    pub day_begins: String,

    /// What tells practice from sales: `"not_logged"` if the controller keeps practice out of the
    /// log, `{ bit = 5 }` for a bit of the header's first indicator (bit 0 is the highest of 32), or
    /// `{ operators = ["99"] }` for the operators who practise.
    #[schemars(extend("example" = "not_logged"))]
    pub training: Training,

    /// The bit of the header's first indicator that says that a transaction was voided.
    #[serde(default)]
    #[schemars(extend("example" = 7))]
    pub void_bit: Option<u8>,

    /// The tender types, by their two digits. A transaction with another one is refused.
    #[schemars(extend("example" = { "11": "cash", "21": "cheque", "31": "card" }))]
    pub tenders: BTreeMap<Code, TenderKind>,

    /// The types of transaction besides 00, by their two digits: `checkout`, `void`, `no_sale`,
    /// `sign_on`, `sign_off`, `open`, `close`, or `ignore`. One that is not listed is passed over if
    /// it moves no money, and refused if it does.
    #[serde(default)]
    #[schemars(extend("example" = { "16": "ignore", "17": "sign_off" }))]
    pub types: BTreeMap<Code, TypeMeaning>,

    /// The registers, by the four digits of their terminal. Empty means: the digits are the
    /// register.
    #[serde(default)]
    #[schemars(extend("example" = { "0001": "1" }))]
    pub registers: BTreeMap<Code, RegisterId>,

    /// The merchandise groups, by department number; a department that is not listed is a group
    /// under its number.
    #[serde(default)]
    #[schemars(extend("example" = { "50": "produce" }))]
    pub groups: BTreeMap<Code, Code>,

    /// What is known of the tax tables `A` to `D`.
    #[serde(default)]
    #[schemars(extend("example" = { "A": { "rate": "4", "authority": "US-NC" } }))]
    pub taxes: BTreeMap<Code, TaxTable>,

    /// Whether prices include tax.
    #[serde(default)]
    pub tax_included: bool,

    /// Whether the preferred customer's account number is taken as the loyalty account.
    #[serde(default)]
    pub loyalty: bool,

    /// The unit of weighed goods (UN/ECE Recommendation 20): `LBR` is the pound, `KGM` the kilogram.
    #[serde(default = "pound")]
    pub weight_unit: Code,

    /// Decimal places of a weight in the log.
    #[serde(default = "hundredths")]
    pub weight_places: u32,
}

fn midnight() -> String {
    "00:00".to_owned()
}

fn pound() -> Code {
    Code::new("LBR").expect("three letters are a code")
}

const fn hundredths() -> u32 {
    2
}

/// See [`Settings::training`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Training {
    /// The log holds none.
    NotLogged,
    /// A bit of the header's first indicator.
    Bit(u8),
    /// Operators who practise.
    Operators(Vec<Code>),
}

/// See [`Settings::types`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum TypeMeaning {
    /// Goods and money, as type 00.
    Checkout,
    /// A basket that was never finished.
    Void,
    /// The drawer opened without a sale.
    NoSale,
    /// An operator signs on.
    SignOn,
    /// An operator signs off.
    SignOff,
    /// The register opens.
    Open,
    /// The register closes.
    Close,
    /// Nothing that concerns anybody.
    Ignore,
}

/// See [`Settings::taxes`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct TaxTable {
    /// The rate in per cent.
    pub rate: Option<Number>,
    /// Who levies it.
    pub authority: Option<Code>,
}

/// The site, ready for use.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) settings: Settings,
    pub(super) zone: TimeZone,
    pub(super) day_begins: Time,
}

/// Bits of the header's first indicator.
const BITS: u8 = 32;

impl Site {
    pub(super) fn new(settings: Settings) -> Result<Self, SettingsError> {
        let refuse = |key: &str, reason: String, next: &str| SettingsError {
            key: Some(key.to_owned()),
            reason,
            next: next.to_owned(),
        };
        let zone = time::zone(&settings.zone).ok_or_else(|| {
            let reason = format!("`{}` is no time zone", settings.zone);
            refuse("zone", reason, "name one such as `America/New_York`, or `-05:00`")
        })?;
        let day_begins = Time::strptime("%H:%M", &settings.day_begins).map_err(|_| {
            let reason = format!("`{}` is no time of day", settings.day_begins);
            refuse("day_begins", reason, "write it as `04:00`")
        })?;
        let bits = [
            ("void_bit", settings.void_bit),
            ("training", if let Training::Bit(bit) = settings.training { Some(bit) } else { None }),
        ];
        for (key, bit) in bits {
            if bit.is_some_and(|bit| bit >= BITS) {
                let reason = "the indicator has the bits 0 to 31".to_owned();
                return Err(refuse(key, reason, "name one of them; bit 0 is the highest"));
            }
        }
        if settings.weight_places > PLACES_MAX {
            let reason = format!("a weight has at most {PLACES_MAX} decimal places");
            return Err(refuse("weight_places", reason, "2 for pounds, 3 for kilograms"));
        }
        Ok(Self { settings, zone, day_begins })
    }
}

/// Whether a bit of a header's first indicator is set.
pub(super) fn is_set(indicator: i64, bit: u8) -> bool {
    indicator >> (BITS - 1 - bit.min(BITS - 1)) & 1 == 1
}
