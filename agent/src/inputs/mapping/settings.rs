//! A mapping as it is written in TOML.
//!
//! Shapes only: what they mean and whether they fit together is decided in [`super::build`].

use std::collections::BTreeMap;

use serde::Deserialize;

use super::rule::ColumnName;
use crate::inputs::reading::number::DecimalMark;

/// A whole mapping.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The name and version of the mapping, such as `acme-csv@1`; it stands in each event.
    pub(super) profile: String,
    /// How numbers are written.
    #[serde(default)]
    pub(super) numbers: Numbers,
    /// How dates and times are written.
    #[serde(default)]
    pub(super) times: Times,
    /// What tells practice from sales.
    pub(super) training: Training,
    /// The fields of the transaction.
    pub(super) transaction: toml::Table,
    /// The kinds of row.
    pub(super) row: Vec<Row>,
}

/// See [`Settings::numbers`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Numbers {
    /// The sign before the fraction: `point` or `comma`.
    pub(super) decimal: DecimalMark,
    /// Whether the other sign, or a space, may stand between thousands.
    pub(super) grouped: bool,
    /// Places of amounts that are written without a point.
    pub(super) implied_places: u32,
    /// What happens to places beyond the currency's.
    pub(super) rounding: Rounding,
}

/// What happens to places beyond those of the currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Rounding {
    /// They are refused: the source means something else than its mapping.
    #[default]
    Exact,
    /// Half a unit goes away from zero. For sources that keep money as floating point.
    HalfUp,
}

/// See [`Settings::times`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Times {
    /// The zone of the store, such as `Europe/Berlin`; that of this host where nothing stands.
    pub(super) zone: Option<String>,
    /// The pattern of dates; ISO 8601 where nothing stands.
    pub(super) date: Option<String>,
    /// The pattern of times; ISO 8601 where nothing stands.
    pub(super) time: Option<String>,
}

/// See [`Settings::training`].
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Training {
    /// `"never"`.
    Word(String),
    /// A column.
    Column(TrainingColumn),
}

/// A column that tells practice from sales.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TrainingColumn {
    pub(super) column: ColumnName,
    /// What stands there for practice.
    pub(super) yes: Vec<String>,
    /// What stands there for sales; an empty text is an empty cell.
    pub(super) no: Vec<String>,
}

/// One kind of row.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Row {
    /// The query that finds it; for a database only.
    pub(super) query: Option<String>,
    pub(super) when: BTreeMap<String, Values>,
    pub(super) skip: Option<String>,
    pub(super) begins: bool,
    pub(super) ends: bool,
    pub(super) line: Option<toml::Table>,
    pub(super) tenders: Vec<toml::Table>,
    pub(super) discounts: Vec<toml::Table>,
    pub(super) taxes: Vec<toml::Table>,
}

/// One value or several.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Values {
    One(String),
    Several(Vec<String>),
}

impl Values {
    pub(super) fn into_list(self) -> Vec<String> {
        match self {
            Self::One(value) => vec![value],
            Self::Several(values) => values,
        }
    }
}

/// Where the value of a field comes from.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Source {
    /// The column.
    pub(super) column: Option<ColumnName>,
    /// Several columns, joined.
    pub(super) columns: Vec<ColumnName>,
    /// What stands between joined columns; a space where nothing is said.
    pub(super) join: Option<String>,
    /// The first character, from 1, of a part of the cell.
    pub(super) from: Option<usize>,
    /// The length of that part.
    pub(super) length: Option<usize>,
    /// Whether zeros in front are taken away.
    pub(super) strip_zeros: bool,
    /// Cells that say nothing.
    pub(super) omit: Vec<String>,
    /// What each value means.
    pub(super) map: Option<BTreeMap<String, String>>,
    /// What every other value means.
    pub(super) otherwise: Option<String>,
    /// What an empty cell means.
    pub(super) empty: Option<String>,
    /// The pattern of a date or time.
    pub(super) format: Option<String>,
    /// When the trading day begins, for a date that is taken from a time.
    pub(super) day_begins: Option<String>,
    /// What the sign of a number means.
    pub(super) sign: Option<Sign>,
    /// Places of a number that is written without a point.
    pub(super) implied_places: Option<u32>,
    /// For a direction: the column whose sign says it.
    pub(super) sign_of: Option<ColumnName>,
    /// For an amount: what it is the sum of.
    pub(super) sum: Option<Sum>,
}

/// What the sign of a number means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Sign {
    /// The opposite.
    Reversed,
    /// Nothing.
    Ignored,
}

/// What an amount is the sum of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Sum {
    /// A total: the lines with taxes and discounts.
    Lines,
    /// A total: what was paid, less change.
    Tenders,
    /// A tender: what the others leave to be paid.
    Rest,
}

/// The keys of [`Source`], by which it is told from a field with parts.
pub(super) const SOURCE_KEYS: &[&str] = &[
    "column",
    "columns",
    "join",
    "from",
    "length",
    "strip_zeros",
    "omit",
    "map",
    "otherwise",
    "empty",
    "format",
    "day_begins",
    "sign",
    "implied_places",
    "sign_of",
    "sum",
];
