//! Stock Entry, Stock Reconciliation and what the stock ledger shows (erpnext/stock/doctype).

use super::Kind::{Check, Currency, Data, Date, Float, Link, Select, Table, Text, Time};
use super::{Doctype, Use, after_submit, field, required};

pub(super) static ENTRY: Doctype = Doctype {
    name: "Stock Entry",
    usage: Use::Submitted,
    series: &["MAT-STE-.YYYY.-"],
    fields: &[
        field("naming_series", "Series", Data),
        required("stock_entry_type", "Stock Entry Type", Data),
        field("purpose", "Purpose", Data),
        required("company", "Company", Link("Company")),
        field("posting_date", "Posting Date", Date),
        field("posting_time", "Posting Time", Time),
        field("set_posting_time", "Edit Posting Date and Time", Check),
        field("from_warehouse", "Default Source Warehouse", Link("Warehouse")),
        field("to_warehouse", "Default Target Warehouse", Link("Warehouse")),
        required("items", "Items", Table("Stock Entry Detail")),
        field("amended_from", "Amended From", Link("Stock Entry")),
        after_submit("remarks", "Remarks", Text),
    ],
    refused: &[
        "add_to_transit",
        "additional_costs",
        "bom_no",
        "delivery_note_no",
        "from_bom",
        "is_opening",
        "job_card",
        "outgoing_stock_entry",
        "pick_list",
        "project",
        "purchase_order",
        "sales_invoice_no",
        "work_order",
    ],
};

pub(super) static ENTRY_DETAIL: Doctype = Doctype {
    name: "Stock Entry Detail",
    usage: Use::Rows,
    series: &[],
    fields: &[
        required("item_code", "Item Code", Link("Item")),
        field("item_name", "Item Name", Data),
        field("description", "Description", Text),
        field("s_warehouse", "Source Warehouse", Link("Warehouse")),
        field("t_warehouse", "Target Warehouse", Link("Warehouse")),
        required("qty", "Qty", Float),
        field("transfer_qty", "Qty as per Stock UOM", Float),
        field("uom", "UOM", Data),
        field("stock_uom", "Stock UOM", Data),
        field("conversion_factor", "Conversion Factor", Float),
        field("basic_rate", "Basic Rate (as per Stock UOM)", Currency),
        field("allow_zero_valuation_rate", "Allow Zero Valuation Rate", Check),
        field("expense_account", "Difference Account", Link("Account")),
        field("cost_center", "Cost Center", Data),
    ],
    refused: &[
        "batch_no",
        "bom_no",
        "material_request",
        "serial_and_batch_bundle",
        "serial_no",
        "set_basic_rate_manually",
    ],
};

pub(super) static RECONCILIATION: Doctype = Doctype {
    name: "Stock Reconciliation",
    usage: Use::Submitted,
    series: &["MAT-RECO-.YYYY.-"],
    fields: &[
        field("naming_series", "Series", Data),
        required("company", "Company", Link("Company")),
        required("purpose", "Purpose", Select(&["Opening Stock", "Stock Reconciliation"])),
        required("posting_date", "Posting Date", Date),
        required("posting_time", "Posting Time", Time),
        field("set_posting_time", "Edit Posting Date and Time", Check),
        field("set_warehouse", "Default Warehouse", Link("Warehouse")),
        required("items", "Items", Table("Stock Reconciliation Item")),
        field("expense_account", "Difference Account", Link("Account")),
        field("cost_center", "Cost Center", Data),
        field("amended_from", "Amended From", Link("Stock Reconciliation")),
    ],
    refused: &["scan_barcode"],
};

pub(super) static RECONCILIATION_ITEM: Doctype = Doctype {
    name: "Stock Reconciliation Item",
    usage: Use::Rows,
    series: &[],
    fields: &[
        required("item_code", "Item Code", Link("Item")),
        field("item_name", "Item Name", Data),
        required("warehouse", "Warehouse", Link("Warehouse")),
        field("qty", "Quantity", Float),
        field("valuation_rate", "Valuation Rate", Currency),
        field("current_qty", "Current Qty", Float),
        field("quantity_difference", "Quantity Difference", Data),
        field("allow_zero_valuation_rate", "Allow Zero Valuation Rate", Check),
    ],
    refused: &["batch_no", "serial_and_batch_bundle", "serial_no"],
};

pub(super) static LEDGER_ENTRY: Doctype = Doctype {
    name: "Stock Ledger Entry",
    usage: Use::Read,
    series: &[],
    fields: &[
        field("item_code", "Item Code", Link("Item")),
        field("warehouse", "Warehouse", Link("Warehouse")),
        field("posting_date", "Posting Date", Date),
        field("posting_time", "Posting Time", Time),
        field("actual_qty", "Qty Change", Float),
        field("qty_after_transaction", "Qty After Transaction", Float),
        field("voucher_type", "Voucher Type", Data),
        field("voucher_no", "Voucher No", Data),
        field("is_cancelled", "Is Cancelled", Check),
    ],
    refused: &[],
};

pub(super) static BIN: Doctype = Doctype {
    name: "Bin",
    usage: Use::Read,
    series: &[],
    fields: &[
        field("item_code", "Item Code", Link("Item")),
        field("warehouse", "Warehouse", Link("Warehouse")),
        field("actual_qty", "Actual Qty", Float),
    ],
    refused: &[],
};
