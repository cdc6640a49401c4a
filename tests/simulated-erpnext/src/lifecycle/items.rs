//! Items in rows: which may stand there, and what the site fills in from them.
//!
//! Sources: erpnext/stock/get_item_details.py and erpnext/utilities/transaction_base.py
//! (`validate_uom_is_integer`). Quantities in another unit than the item's own are not simulated.

use rust_decimal::Decimal;

use crate::document::{Document, checked, decimal, default_text, set_decimal, text};
use crate::refusal::Refusal;
use crate::state::State;

/// Units that are counted in whole numbers (erpnext/setup/setup_wizard/data/uom_data.json,
/// `must_be_whole_number`).
const WHOLE_UNITS: [&str; 5] = ["Box", "Nos", "Pair", "Set", "Unit"];

/// The item; an unknown one is 404 `DoesNotExistError` (observed).
pub(crate) fn find<'a>(state: &'a State, code: &str) -> Result<&'a Document, Refusal> {
    let item = state.store.find("Item", code).ok_or_else(|| Refusal::not_found("Item", code))?;
    if checked(item, "disabled") {
        return Err(Refusal::validation(format!("Item {code} is disabled")));
    }
    Ok(item)
}

/// The item, which must be one that stock is kept of.
pub(crate) fn stocked<'a>(state: &'a State, code: &str) -> Result<&'a Document, Refusal> {
    let item = find(state, code)?;
    if !checked(item, "is_stock_item") {
        return Err(Refusal::validation(format!("{code} is not a stock Item")));
    }
    Ok(item)
}

/// Fills in name and unit, and refuses a fraction of what is counted in whole numbers.
pub(crate) fn fill(row: &mut Document, item: &Document, number: usize) -> Result<(), Refusal> {
    let unit = text(item, "stock_uom");
    default_text(row, "item_name", text(item, "item_name"));
    default_text(row, "uom", unit);
    default_text(row, "stock_uom", unit);
    if text(row, "uom") != unit {
        return Err(Refusal::not_simulated(format!("a quantity in {}", text(row, "uom"))));
    }
    set_decimal(row, "conversion_factor", Decimal::ONE);
    let quantity = decimal(row, "qty");
    if WHOLE_UNITS.contains(&unit) && !quantity.fract().is_zero() {
        return Err(Refusal::thrown(
            417,
            "erpnext.utilities.transaction_base",
            "UOMMustBeIntegerError",
            format!(
                "Row {number}: Quantity ({quantity}) cannot be a fraction. To allow this, disable 'Must be Whole Number' in UOM {unit}."
            ),
        ));
    }
    Ok(())
}
