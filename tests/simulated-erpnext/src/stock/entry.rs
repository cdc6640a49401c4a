//! Stock Entry: receipts, issues and transfers, as changes of the stock.
//!
//! Source: erpnext/stock/doctype/stock_entry/stock_entry.py (`validate_purpose`, `validate_item`,
//! `set_transfer_qty`, `validate_warehouse`). Other purposes are not simulated.

use rust_decimal::Decimal;
use serde_json::Value;

use super::{Effect, Move};
use crate::document::{
    Document, decimal, default_text, rows, rows_mut, set_decimal, set_text, text,
};
use crate::lifecycle::Saving;
use crate::lifecycle::items;
use crate::money;
use crate::refusal::Refusal;

/// Checks an entry and fills in what the site fills in.
pub(crate) fn validate(document: &mut Document, saving: &Saving<'_>) -> Result<(), Refusal> {
    let kind = text(document, "stock_entry_type").to_owned();
    let (source, target) = match kind.as_str() {
        "Material Receipt" => (false, true),
        "Material Issue" => (true, false),
        "Material Transfer" => (true, true),
        _ => return Err(Refusal::not_simulated(format!("Stock Entry Type {kind}"))),
    };
    set_text(document, "purpose", &kind);
    let from = text(document, "from_warehouse").to_owned();
    let to = text(document, "to_warehouse").to_owned();
    for (at, row) in rows_mut(document, "items").enumerate() {
        let number = at + 1;
        let item = items::stocked(saving.state, text(row, "item_code"))?;
        let code = text(item, "item_code").to_owned();
        let quantity = money::quantity(decimal(row, "qty"));
        if quantity < Decimal::ZERO {
            return Err(Refusal::validation(format!(
                "Row {number}: The item <strong>{code}</strong>, quantity must be positive number"
            )));
        }
        if quantity.is_zero() {
            return Err(Refusal::validation(format!("Row {number}: Qty is mandatory")));
        }
        items::fill(row, item, number)?;
        set_decimal(row, "transfer_qty", quantity);
        for (needed, field, default, side) in
            [(source, "s_warehouse", &from, "Source"), (target, "t_warehouse", &to, "Target")]
        {
            if !needed {
                row.insert(field.to_owned(), Value::Null);
                continue;
            }
            default_text(row, field, default);
            if text(row, field).is_empty() {
                return Err(Refusal::validation(format!(
                    "{side} warehouse is mandatory for row {number}"
                )));
            }
        }
        if source && target && text(row, "s_warehouse") == text(row, "t_warehouse") {
            return Err(Refusal::validation(format!(
                "Source and target warehouse cannot be same for row {number}"
            )));
        }
    }
    Ok(())
}

/// What a submitted entry moves: out of all sources first, then into all targets
/// (`update_stock_ledger`).
pub(crate) fn moves(document: &Document) -> Vec<Move> {
    let side = |field: &'static str, sign: Decimal| {
        rows(document, "items").filter_map(move |row| {
            let warehouse = text(row, field);
            (!warehouse.is_empty()).then(|| Move {
                item: text(row, "item_code").to_owned(),
                warehouse: warehouse.to_owned(),
                effect: Effect::Change(sign * decimal(row, "transfer_qty")),
            })
        })
    };
    side("s_warehouse", Decimal::NEGATIVE_ONE).chain(side("t_warehouse", Decimal::ONE)).collect()
}
