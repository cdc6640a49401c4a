//! One field's rule: which cells, and what is done to their text before it is converted.
//!
//! Does not convert: [`super::convert`] does.

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::Time;
use serde::Deserialize;

use super::Row;
use super::fields::Holds;
use super::settings::{Sign, Sum};

/// The text of a cell.
pub type Cell = String;

/// How a mapping names a column: by its name, or by its place from 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(untagged)]
pub enum ColumnName {
    /// The place.
    Place(usize),
    /// The name.
    Name(String),
}

impl fmt::Display for ColumnName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Place(place) => write!(f, "column {place}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// What the cells of a row are called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    places: BTreeMap<String, usize>,
    names: Vec<String>,
    /// Whether a place beyond the last name may hold a cell.
    open: bool,
}

impl Columns {
    /// Columns by name, in order. Of a name that stands twice the first is meant.
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        let names: Vec<_> = names.into_iter().collect();
        let mut places = BTreeMap::new();
        for (place, name) in names.iter().enumerate() {
            places.entry(name.clone()).or_insert(place);
        }
        Self { places, names, open: false }
    }

    /// Columns without names, known by their places only.
    #[must_use]
    pub fn unnamed() -> Self {
        Self { open: true, ..Self::default() }
    }

    /// The names, in order.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The place of a column, from 0; none if there is no such column.
    #[must_use]
    pub fn index(&self, column: &ColumnName) -> Option<usize> {
        match column {
            ColumnName::Name(name) => self.places.get(name).copied(),
            ColumnName::Place(place) => {
                let index = place.checked_sub(1)?;
                (self.open || index < self.names.len()).then_some(index)
            }
        }
    }
}

/// How one field is filled.
#[derive(Debug)]
pub(super) struct Rule {
    /// The field, such as `item.sku`.
    pub(super) field: String,
    pub(super) holds: Holds,
    pub(super) value: ValueRule,
}

/// Where a value comes from.
#[derive(Debug)]
pub(super) enum ValueRule {
    /// The same in each event.
    Constant(String),
    /// From cells.
    Cells(Box<CellRule>),
    /// A direction by the sign of a column.
    SignOf(ColumnName),
    /// A sum of the transaction itself.
    Sum(Sum),
}

/// A value from cells.
#[derive(Debug, Default)]
pub(super) struct CellRule {
    pub(super) columns: Vec<ColumnName>,
    pub(super) join: String,
    /// Characters to pass over, and how many to take.
    pub(super) part: Option<(usize, usize)>,
    pub(super) strip_zeros: bool,
    pub(super) omit: Vec<String>,
    pub(super) map: Option<BTreeMap<String, String>>,
    pub(super) otherwise: Option<String>,
    pub(super) empty: Option<String>,
    pub(super) format: Option<String>,
    pub(super) day_begins: Option<Time>,
    pub(super) sign: Option<Sign>,
    pub(super) implied_places: Option<u32>,
}

/// A value that the map does not hold.
pub(super) struct Unmapped(pub(super) String);

impl Rule {
    /// The columns that it reads.
    pub(super) fn columns(&self) -> impl Iterator<Item = &ColumnName> {
        let (several, one) = match &self.value {
            ValueRule::Cells(rule) => (rule.columns.as_slice(), None),
            ValueRule::SignOf(column) => (&[][..], Some(column)),
            ValueRule::Constant(_) | ValueRule::Sum(_) => (&[][..], None),
        };
        several.iter().chain(one)
    }

    /// What is done to its cells; none for what the mapping itself says.
    pub(super) fn cells(&self) -> Option<&CellRule> {
        match &self.value {
            ValueRule::Cells(cells) => Some(cells),
            ValueRule::Constant(_) | ValueRule::SignOf(_) | ValueRule::Sum(_) => None,
        }
    }

    /// The columns in the words of an error.
    pub(super) fn columns_shown(&self) -> String {
        self.columns().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

impl CellRule {
    /// The text that a row gives; none if its cells say nothing.
    pub(super) fn text(&self, row: &Row) -> Result<Option<String>, Unmapped> {
        let cells: Vec<_> = self.columns.iter().filter_map(|column| row.cell(column)).collect();
        // A date without its time is no time: what is joined is complete or says nothing.
        let is_whole = !cells.is_empty() && cells.len() == self.columns.len();
        let text = if is_whole { self.taken(&cells.join(&self.join)) } else { String::new() };
        if text.is_empty() || self.omit.contains(&text) {
            return Ok(self.empty.clone());
        }
        match &self.map {
            None => Ok(Some(text)),
            Some(map) => match map.get(&text).or(self.otherwise.as_ref()) {
                Some(value) if value.is_empty() => Ok(None),
                Some(value) => Ok(Some(value.clone())),
                None => Err(Unmapped(text)),
            },
        }
    }

    fn taken(&self, text: &str) -> String {
        let part: String = match self.part {
            Some((skip, take)) => text.chars().skip(skip).take(take).collect(),
            None => text.to_owned(),
        };
        let part = part.trim();
        if !self.strip_zeros {
            return part.to_owned();
        }
        match part.trim_start_matches('0') {
            "" if !part.is_empty() => "0".to_owned(),
            stripped => stripped.to_owned(),
        }
    }
}
