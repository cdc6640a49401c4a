//! Returns: what a credit note may refer to and give back.
//!
//! Source: erpnext/controllers/sales_and_purchase_return.py. More than was sold is accepted, unless
//! a row names the row that it gives back in `sales_invoice_item` (observed).

use rust_decimal::Decimal;

use crate::document::{Document, checked, decimal, docstatus, rows, text};
use crate::lifecycle::returned_rows;
use crate::periods;
use crate::refusal::Refusal;
use crate::state::State;
use crate::time;

pub(super) fn validate(document: &Document, state: &State) -> Result<(), Refusal> {
    let against = text(document, "return_against");
    if against.is_empty() {
        return Ok(());
    }
    if !checked(document, "is_pos") {
        return Err(Refusal::not_simulated("a credit note that is not paid out"));
    }
    let original = state
        .store
        .find("Sales Invoice", against)
        .filter(|original| {
            docstatus(original) == 1
                && text(original, "customer") == text(document, "customer")
                && text(original, "company") == text(document, "company")
        })
        .ok_or_else(|| Refusal::validation(format!("Invalid Return Against: {against}")))?;
    let sold_at = periods::moment(original)?;
    if periods::moment(document)? < sold_at {
        return Err(Refusal::validation(format!(
            "Posting timestamp must be after {} {}",
            time::in_words(sold_at.date()),
            sold_at.time()
        )));
    }
    if checked(document, "update_stock") && !checked(original, "update_stock") {
        return Err(Refusal::validation(format!(
            "'Update Stock' can not be checked because items are not delivered via {against}"
        )));
    }
    if checked(document, "update_stock") { rows_match(document, original, state) } else { Ok(()) }
}

/// `validate_returned_items`; without `update_stock` the rows are not looked at.
fn rows_match(document: &Document, original: &Document, state: &State) -> Result<(), Refusal> {
    let against = text(original, "name");
    let mut returned = false;
    for (at, row) in rows(document, "items").enumerate() {
        let number = at + 1;
        let quantity = decimal(row, "qty");
        if quantity > Decimal::ZERO {
            continue;
        }
        returned = true;
        let code = text(row, "item_code");
        let named = text(row, "sales_invoice_item");
        let sold = rows(original, "items").find(|sold| {
            text(sold, "item_code") == code && (named.is_empty() || text(sold, "name") == named)
        });
        let Some(sold) = sold else {
            return Err(Refusal::validation(format!(
                "Row # {number}: Returned Item {code} does not exist in Sales Invoice {against}"
            )));
        };
        if decimal(row, "rate") > decimal(sold, "rate") {
            return Err(Refusal::validation(format!(
                "Row # {number}: Rate cannot be greater than the rate used in Sales Invoice {against}"
            )));
        }
        if !named.is_empty() {
            quantities(code, number, quantity, sold, state, against)?;
        }
    }
    if !returned {
        return Err(Refusal::validation(
            "Atleast one item should be entered with negative quantity in return document",
        ));
    }
    Ok(())
}

/// `validate_quantity`: against what earlier returns gave back of the same row.
fn quantities(
    code: &str,
    number: usize,
    quantity: Decimal,
    sold: &Document,
    state: &State,
    against: &str,
) -> Result<(), Refusal> {
    let before: Decimal = returned_rows(state, against)
        .filter(|other| text(other, "sales_invoice_item") == text(sold, "name"))
        .map(|other| decimal(other, "qty").abs())
        .sum();
    let sold = decimal(sold, "qty");
    let message = if before >= sold {
        format!("Item {code} has already been returned")
    } else if quantity.abs() > sold - before {
        format!("Row # {number}: Cannot return more than {} for Item {code}", sold - before)
    } else {
        return Ok(());
    };
    Err(Refusal::thrown(
        417,
        "erpnext.controllers.sales_and_purchase_return",
        "StockOverReturnError",
        message,
    ))
}
