//! Stock Reconciliation: counts, as absolute quantities at a moment.
//!
//! Source: erpnext/stock/doctype/stock_reconciliation/stock_reconciliation.py
//! (`remove_items_with_no_change`, `validate_data`, `update_stock_ledger`). Rows that change
//! nothing are removed; a count that changes nothing at all is refused. Valuation is not
//! simulated: a row that only changes the rate is refused as such.

use std::collections::BTreeSet;

use jiff::civil::DateTime;
use rust_decimal::Decimal;
use serde_json::Value;

use super::{Effect, Move};
use crate::document::{Document, decimal, rows, rows_mut, set_decimal, set_text, text};
use crate::lifecycle::Saving;
use crate::lifecycle::items;
use crate::money;
use crate::refusal::Refusal;

/// Checks a count and fills in what the site fills in.
pub(crate) fn validate(
    document: &mut Document,
    saving: &Saving<'_>,
    posting: DateTime,
) -> Result<(), Refusal> {
    if text(document, "purpose") == "Opening Stock" {
        return Err(Refusal::not_simulated("Stock Reconciliation with purpose Opening Stock"));
    }
    let balance = |row: &Document| {
        saving
            .state
            .stock
            .balance(text(row, "item_code"), text(row, "warehouse"), posting)
            .unwrap_or_default()
    };
    if let Some(table) = document.get_mut("items").and_then(Value::as_array_mut) {
        table.retain(|row| {
            row.as_object().is_some_and(|row| {
                row.get("qty").is_some_and(|quantity| !quantity.is_null())
                    && money::quantity(decimal(row, "qty")) != balance(row)
            })
        });
        if table.is_empty() {
            return Err(Refusal::thrown(
                417,
                "erpnext.stock.doctype.stock_reconciliation.stock_reconciliation",
                "EmptyStockReconciliationItemsError",
                "None of the items have any change in quantity or value.",
            ));
        }
    }
    let mut seen = BTreeSet::new();
    for (at, row) in rows_mut(document, "items").enumerate() {
        let number = at + 1;
        let item = items::stocked(saving.state, text(row, "item_code"))?;
        let key = (text(row, "item_code").to_owned(), text(row, "warehouse").to_owned());
        if !seen.insert(key) {
            return Err(Refusal::validation(format!("Row # {number}: Duplicate entry")));
        }
        let quantity = money::quantity(decimal(row, "qty"));
        if quantity < Decimal::ZERO {
            return Err(Refusal::validation(format!(
                "Row # {number}: Negative Quantity is not allowed"
            )));
        }
        items::fill(row, item, number)?;
        let current = balance(row);
        row.insert("idx".to_owned(), number.into());
        set_decimal(row, "qty", quantity);
        set_decimal(row, "current_qty", current);
        set_text(row, "quantity_difference", &(quantity - current).normalize().to_string());
    }
    Ok(())
}

/// What a submitted count sets.
pub(crate) fn moves(document: &Document) -> Vec<Move> {
    rows(document, "items")
        .map(|row| Move {
            item: text(row, "item_code").to_owned(),
            warehouse: text(row, "warehouse").to_owned(),
            effect: Effect::Count(decimal(row, "qty")),
        })
        .collect()
}
