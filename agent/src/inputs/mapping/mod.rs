//! The mapping language: how rows of a source become a transaction, said in TOML.
//!
//! A source hands over rows of named cells, receipt by receipt ([`Row`]); a [`Mapping`] says which
//! cells are which fields of the canonical transaction ([`fields`]) and turns the rows of one
//! receipt into an event. Files with columns and databases share it. What the source states is
//! carried as it stands; what follows from it and is not stated (a line's price, what remains to be
//! paid) is filled in only where the model needs it ([`derive`]).
//!
//! The event is put together as JSON and read by the canonical reader, so that no rule of the model
//! stands here a second time. Reads no file and no database, and does not know which rows belong
//! together. The whole language: `docs/handbook/table.md`.

mod build;
mod convert;
mod derive;
mod document;
mod fields;
mod part;
mod rule;
mod settings;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use jiff::tz::TimeZone;
use protocol::problem::Problem;

use self::fields::Part;
use self::rule::Rule;
use self::settings::Rounding;
use super::reading::number::DecimalMark;

pub use self::build::MappingError;
pub use self::rule::{Cell, ColumnName, Columns};
pub use self::settings::Settings;

/// Rows of one receipt: its lines, their discounts and taxes, and its tenders.
pub const ROWS_PER_RECEIPT_MAX: usize = 20_000;

/// One row of a source.
#[derive(Debug, Clone)]
pub struct Row {
    /// Where it stands: the line of the file, or the row of the answer, from 1.
    pub number: u64,
    /// What its cells are called.
    pub columns: Arc<Columns>,
    /// Its cells; an empty one says nothing.
    pub cells: Vec<Cell>,
    /// Which of the mapping's kinds of row it is.
    pub kind: usize,
}

impl Row {
    /// A cell that says something.
    fn cell(&self, column: &ColumnName) -> Option<&str> {
        let cell = self.cells.get(self.columns.index(column)?)?.trim();
        if cell.is_empty() { None } else { Some(cell) }
    }
}

/// Why the rows of a receipt are no event.
#[derive(Debug)]
pub struct Fault {
    /// The row.
    pub row: u64,
    /// The column, if it is one column's fault.
    pub column: String,
    /// Why, and what to do.
    pub problem: Problem,
}

/// A mapping, ready for use.
#[derive(Debug)]
pub struct Mapping {
    profile: String,
    decimal: DecimalMark,
    /// Whether a sign may stand between thousands.
    grouped: bool,
    implied_places: u32,
    rounding: Rounding,
    zone: TimeZone,
    date_format: Option<String>,
    time_format: Option<String>,
    training: Training,
    transaction: Vec<Rule>,
    /// The kinds of row, in the order in which they are tried.
    pub kinds: Vec<Kind>,
}

/// What tells practice from sales.
#[derive(Debug)]
enum Training {
    /// The source holds none.
    Never,
    /// A column says so.
    Column { column: ColumnName, yes: Vec<String>, no: Vec<String> },
}

/// One kind of row.
#[derive(Debug, Default)]
pub struct Kind {
    when: When,
    /// The query that finds such rows, where the source is a database.
    pub query: Option<String>,
    /// Why it is passed over.
    pub skip: Option<String>,
    /// Whether a receipt begins with it.
    pub begins: bool,
    /// Whether the source is complete only with such a row at its end.
    pub ends: bool,
    line: Option<LineRules>,
    tenders: Vec<Element>,
    discounts: Vec<Element>,
    taxes: Vec<Element>,
}

/// Cells and the values that they have to have.
#[derive(Debug, Clone, Default)]
struct When(Vec<(ColumnName, Vec<String>)>);

/// A part of a transaction that a row makes.
#[derive(Debug)]
struct Element {
    part: Part,
    when: When,
    /// Whether it belongs to the line before it rather than to the transaction.
    of_line: bool,
    rules: Vec<Rule>,
}

/// A line, with what stands in the same row about its discounts and taxes.
#[derive(Debug)]
struct LineRules {
    element: Element,
    discounts: Vec<Element>,
    taxes: Vec<Element>,
}

impl When {
    fn holds(&self, cell: impl Fn(&ColumnName) -> Option<String>) -> bool {
        self.0.iter().all(|(column, values)| {
            let cell = cell(column).unwrap_or_default();
            values.contains(&cell)
        })
    }
}

impl Mapping {
    /// The kind of a row by its cells, and by the query that found it: the first that fits.
    #[must_use]
    pub fn kind_of(&self, query: Option<&str>, columns: &Columns, cells: &[Cell]) -> Option<usize> {
        let fits = |kind: &Kind| kind.query.as_deref() == query && kind.fits(columns, cells);
        self.kinds.iter().position(fits)
    }

    /// The first column that a kind of row or every receipt needs and these columns lack.
    #[must_use]
    pub fn lacks(&self, columns: &[&Columns]) -> Option<&ColumnName> {
        let has = |column: &&ColumnName| !columns.iter().any(|c| c.index(column).is_some());
        self.columns_of_the_receipt().find(has)
    }

    fn columns_of_the_receipt(&self) -> impl Iterator<Item = &ColumnName> {
        let training = match &self.training {
            Training::Column { column, .. } => Some(column),
            Training::Never => None,
        };
        self.transaction.iter().flat_map(Rule::columns).chain(training)
    }
}

impl Kind {
    /// Whether these cells are a row of this kind.
    fn fits(&self, columns: &Columns, cells: &[Cell]) -> bool {
        self.when.holds(|column| {
            let cell = cells.get(columns.index(column)?)?;
            Some(cell.trim().to_owned())
        })
    }

    /// The first column that this kind of row needs and these columns lack.
    #[must_use]
    pub fn lacks(&self, columns: &Columns) -> Option<&ColumnName> {
        let whens = self.when.0.iter().map(|(column, _)| column);
        let elements = self.elements().flat_map(|element| {
            let whens = element.when.0.iter().map(|(column, _)| column);
            whens.chain(element.rules.iter().flat_map(Rule::columns))
        });
        whens.chain(elements).find(|column| columns.index(column).is_none())
    }

    fn elements(&self) -> impl Iterator<Item = &Element> {
        let line = self.line.iter().flat_map(|line| {
            std::iter::once(&line.element).chain(&line.discounts).chain(&line.taxes)
        });
        line.chain(&self.tenders).chain(&self.discounts).chain(&self.taxes)
    }
}
