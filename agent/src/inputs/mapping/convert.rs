//! From the text of a cell to the value of a field.
//!
//! Refuses what it does not understand, with what the mapping can say about it. Words, codes and
//! their lengths are checked by the canonical reader.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use protocol::decimal::PLACES_MAX;
use protocol::event::item::Gtin;
use protocol::money::Currency;
use protocol::time::{BusinessDate, OffsetTime};
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;

use super::Mapping;
use super::fields::Holds;
use super::rule::CellRule;
use super::settings::{Rounding, Sign};
use crate::inputs::reading::number::{self, DecimalMark};
use crate::inputs::reading::{shown, time};

/// Characters of a description or reason that an event holds; more are cut off.
const PROSE_CHARS_MAX: usize = 256;

/// The pattern of a time that is written as seconds since 1970.
const UNIX_TIME: &str = "unix";

/// A text that is not what its field holds.
#[derive(Debug)]
pub(super) struct Unfit {
    pub(super) detail: String,
    pub(super) next: String,
}

impl Unfit {
    pub(super) fn new(detail: impl Into<String>, next: impl Into<String>) -> Self {
        Self { detail: detail.into(), next: next.into() }
    }
}

/// How values of one receipt are converted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Converter<'a> {
    pub(super) mapping: &'a Mapping,
    /// The currency of its amounts.
    pub(super) currency: Currency,
    /// Whether a negative amount says what the direction says already.
    pub(super) signs_are_said: bool,
}

impl Converter<'_> {
    /// The value of a field; `cells` is none for a constant of the mapping.
    pub(super) fn value(
        &self,
        holds: Holds,
        cells: Option<&CellRule>,
        text: &str,
    ) -> Result<Value, Unfit> {
        match holds {
            Holds::Code | Holds::Text | Holds::Gtin | Holds::Direction => Ok(text.into()),
            Holds::CodeList => Ok(Value::from(vec![text])),
            Holds::Prose => Ok(prose(text).into()),
            Holds::Whole => whole(text).map(Value::from),
            Holds::YesNo => yes_or_no(text).map(Value::from),
            Holds::Number => self.number(cells, text),
            Holds::Amount | Holds::ForeignAmount => {
                let value = self.unsigned(self.decimal(cells, text, true)?, text)?;
                self.minor(value).map(Value::from)
            }
            Holds::SignedAmount => self.signed(cells, text).map(Value::from),
            Holds::Date => self.date(cells, text).map(Value::from),
            Holds::Time => self.moment(cells, text).map(Value::from),
        }
    }

    /// An amount in minor units, with its sign.
    pub(super) fn signed(&self, cells: Option<&CellRule>, text: &str) -> Result<i64, Unfit> {
        self.minor(self.decimal(cells, text, true)?)
    }

    /// A number with what the mapping says about its sign.
    pub(super) fn decimal(
        &self,
        cells: Option<&CellRule>,
        text: &str,
        is_amount: bool,
    ) -> Result<Decimal, Unfit> {
        let value = match cells {
            // What the mapping itself says is written as TOML writes it.
            None => number::decimal(text, DecimalMark::Point),
            Some(cells) => {
                let implied = if is_amount { self.mapping.implied_places } else { 0 };
                self.written(text, cells.implied_places.unwrap_or(implied))
            }
        };
        let value = value.ok_or_else(|| {
            Unfit::new(
                format!("`{}` is not a number as the mapping says they are written", shown(text)),
                "see whether the column is the right one; `[numbers]` in the mapping says \
                 `decimal = \"comma\"` and `grouped = true`",
            )
        })?;
        Ok(match cells.and_then(|cells| cells.sign) {
            Some(Sign::Reversed) => -value,
            Some(Sign::Ignored) => value.abs(),
            None => value,
        })
    }

    /// A number as the source writes it. A sign between thousands has to be expected: `1,50` read
    /// with the wrong mapping must not become 150.
    fn written(&self, text: &str, implied_places: u32) -> Option<Decimal> {
        let mark = match self.mapping.decimal {
            DecimalMark::Point => '.',
            DecimalMark::Comma => ',',
        };
        if implied_places > 0 && !text.contains(mark) {
            return number::implied(text, implied_places);
        }
        let is_grouping = |c: char| !c.is_ascii_digit() && !matches!(c, '+' | '-') && c != mark;
        if self.mapping.grouped || !text.trim().contains(is_grouping) {
            // A float may have more digits than any number that a person wrote.
            if let Some(value) = number::decimal(text, self.mapping.decimal) {
                return Some(value);
            }
        }
        match self.mapping.rounding {
            Rounding::Exact => None,
            Rounding::HalfUp => number::floating(text),
        }
    }

    fn number(&self, cells: Option<&CellRule>, text: &str) -> Result<Value, Unfit> {
        let value = self.unsigned(self.decimal(cells, text, false)?, text)?;
        if value.normalize().scale() > PLACES_MAX && self.mapping.rounding == Rounding::Exact {
            return Err(Unfit::new(
                format!("`{}` has more than {PLACES_MAX} places", shown(text)),
                "say in the mapping to round: `[numbers] rounding = \"half_up\"`",
            ));
        }
        Ok(in_places(value).normalize().to_string().into())
    }

    /// Amounts and quantities carry no sign: the direction says which way.
    fn unsigned(&self, value: Decimal, text: &str) -> Result<Decimal, Unfit> {
        // What is nothing once it is rounded has no sign either.
        let is_nothing = match self.mapping.rounding {
            Rounding::Exact => value.is_zero(),
            Rounding::HalfUp => in_places(value).is_zero(),
        };
        if value.is_sign_positive() || is_nothing || self.signs_are_said {
            return Ok(value.abs());
        }
        Err(Unfit::new(
            format!("`{}` is negative, and nothing says what that means", shown(text)),
            "say it in the mapping: `direction = { sign_of = \"…\" }` for goods or money that go \
             the other way, or `sign = \"reversed\"` or `\"ignored\"` on the column",
        ))
    }

    fn minor(&self, value: Decimal) -> Result<i64, Unfit> {
        let minor = number::minor(value, self.currency)
            .ok_or_else(|| Unfit::new("the amount is beyond what can be kept", "see the column"))?;
        if minor.is_exact || self.mapping.rounding == Rounding::HalfUp {
            return Ok(minor.units);
        }
        Err(Unfit::new(
            format!("`{}` has more places than {}", value.normalize(), self.currency),
            "see whether the column is the right one; `[numbers] rounding = \"half_up\"` rounds \
             where the source keeps more places than the currency has",
        ))
    }

    fn date(&self, cells: Option<&CellRule>, text: &str) -> Result<String, Unfit> {
        let Some(cells) = cells else { return Ok(text.to_owned()) };
        if let Some(begins) = cells.day_begins {
            let pattern = cells.format.as_deref().or(self.mapping.time_format.as_deref());
            let at = self.wall_clock(text, pattern).ok_or_else(|| unfit_time(text, pattern))?;
            return Ok(trading_day(at, begins)?.to_string());
        }
        let pattern = cells.format.as_deref().or(self.mapping.date_format.as_deref());
        let date = match pattern {
            None => time::date(text),
            Some(UNIX_TIME) => {
                self.wall_clock(text, Some(UNIX_TIME)).map(|at| BusinessDate(at.date()))
            }
            Some(pattern) => time::date_by(text, pattern).or_else(|| {
                let at = DateTime::strptime(pattern, text).ok()?;
                Some(BusinessDate(at.date()))
            }),
        };
        Ok(date.ok_or_else(|| unfit_time(text, pattern))?.to_string())
    }

    /// What the store's clock showed.
    fn wall_clock(&self, text: &str, pattern: Option<&str>) -> Option<DateTime> {
        match pattern {
            None => text.parse().ok(),
            Some(UNIX_TIME) => Some(unix_time(text, &self.mapping.zone)?.datetime()),
            Some(pattern) => DateTime::strptime(pattern, text).ok(),
        }
    }

    fn moment(&self, cells: Option<&CellRule>, text: &str) -> Result<String, Unfit> {
        let pattern = cells.and_then(|cells| cells.format.as_deref());
        let pattern = pattern.or(self.mapping.time_format.as_deref());
        let zone = &self.mapping.zone;
        let moment = match pattern {
            None => time::moment(text, zone),
            Some(UNIX_TIME) => unix_time(text, zone).map(|at| OffsetTime::from(&at)),
            Some(pattern) => time::moment_by(text, pattern, zone),
        };
        Ok(moment.ok_or_else(|| unfit_time(text, pattern))?.to_string())
    }
}

/// A number in the places that quantities and prices have.
fn in_places(value: Decimal) -> Decimal {
    value.round_dp_with_strategy(PLACES_MAX, RoundingStrategy::MidpointAwayFromZero)
}

/// The moment so many seconds after 1970 began, by UTC.
fn unix_time(text: &str, zone: &TimeZone) -> Option<Zoned> {
    let seconds: i64 = text.parse().ok()?;
    Some(Timestamp::from_second(seconds).ok()?.to_zoned(zone.clone()))
}

/// What was sold before the trading day begins belongs to the day before.
fn trading_day(at: DateTime, begins: Time) -> Result<Date, Unfit> {
    if at.time() >= begins {
        return Ok(at.date());
    }
    at.date().yesterday().map_err(|_| Unfit::new("there is no day before this one", "see the row"))
}

fn unfit_time(text: &str, pattern: Option<&str>) -> Unfit {
    let pattern = pattern.unwrap_or("2026-11-23 17:04:11");
    Unfit::new(
        format!("`{}` is not written as `{pattern}`", shown(text)),
        "say in the mapping how it is written: `[times] date` and `time`, or `format` on the \
         column, such as `%d.%m.%Y %H:%M:%S`",
    )
}

fn prose(text: &str) -> String {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(printable).take(PROSE_CHARS_MAX).collect()
}

fn whole(text: &str) -> Result<u32, Unfit> {
    text.parse().map_err(|_| {
        let detail = format!("`{}` is not a whole number", shown(text));
        Unfit::new(detail, "see whether the column is the right one")
    })
}

fn yes_or_no(text: &str) -> Result<bool, Unfit> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(Unfit::new(
            format!("`{}` is neither `true` nor `false`", shown(text)),
            "say in the mapping what it means: `map = { J = \"true\", N = \"false\" }`",
        )),
    }
}

/// Where a barcode belongs: what is no trade item number was scanned all the same.
pub(super) fn barcode_field(text: &str) -> &'static str {
    match Gtin::new(text) {
        Ok(_) => "item.gtin",
        Err(_) => "item.scanned",
    }
}
