//! What an event means for stock: signed quantities by location and item.
//!
//! Sales and returns imply their movements, so no stock event repeats them; of a bundle the
//! components move, or the header, never both. A count is no movement: it is absolute. Does not
//! know what a target has in stock.

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::line::{Disposition, Line, LineKind};
use super::stock::{StockDocument, StockKind};
use super::transaction::Transaction;
use super::{Body, Direction};
use crate::decimal::Number;
use crate::id::LocationId;

/// One movement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The line that causes it.
    pub line: u32,
    /// Where.
    pub location: LocationId,
    /// The item as [`super::Item::stock_name`] names it.
    pub item: String,
    /// What is sellable afterwards less what was before.
    pub quantity: Number,
    /// When.
    pub occurred_at: Timestamp,
}

/// The movements of a body; `occurred_at` is the event's time.
#[must_use]
pub fn of(body: &Body, occurred_at: Timestamp) -> Vec<Move> {
    match body {
        Body::Transaction(transaction) => of_transaction(transaction, occurred_at),
        Body::Stock(document) => of_document(document, occurred_at),
        Body::Till(_) | Body::Fiscal(_) => Vec::new(),
    }
}

fn of_transaction(transaction: &Transaction, occurred_at: Timestamp) -> Vec<Move> {
    if !transaction.counts() {
        return Vec::new();
    }
    let location = transaction.stock_location();
    let moving = transaction.lines.iter().filter(|line| moves_stock(transaction, line));
    moving
        .filter_map(|line| {
            let item = line.item.as_ref()?.stock_name()?.to_owned();
            let quantity = match line.direction {
                Direction::Out => negative(line.quantity),
                Direction::In => line.quantity,
            };
            Some(Move { line: line.line, location: location.clone(), item, quantity, occurred_at })
        })
        .filter(|moved| moved.quantity != Number::ZERO)
        .collect()
}

/// Goods move stock unless the line says otherwise, or its components move instead.
fn moves_stock(transaction: &Transaction, line: &Line) -> bool {
    let comes_back_unsellable = line.direction == Direction::In
        && !matches!(line.disposition, None | Some(Disposition::Restock));
    if !line.counts() || comes_back_unsellable {
        return false;
    }
    line.stock.unwrap_or_else(|| {
        let is_goods = |other: &Line| other.kind == LineKind::Item;
        let has_components = transaction
            .lines
            .iter()
            .any(|other| other.parent == Some(line.line) && is_goods(other) && other.counts());
        is_goods(line) && !has_components
    })
}

fn of_document(document: &StockDocument, occurred_at: Timestamp) -> Vec<Move> {
    if document.kind == StockKind::Count {
        return Vec::new();
    }
    let lines = document.lines.iter().filter_map(|line| {
        let item = line.item.stock_name()?.to_owned();
        let location = document.stock_location();
        Some(Move { line: line.line, location, item, quantity: line.change?, occurred_at })
    });
    lines.filter(|moved| moved.quantity != Number::ZERO).collect()
}

fn negative(number: Number) -> Number {
    Number::try_from(Decimal::ZERO - number.value()).expect("the range of numbers is symmetric")
}
