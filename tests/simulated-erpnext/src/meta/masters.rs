//! Masters, Custom Field and GL Entry (erpnext/accounts, selling, stock, setup; frappe/custom).

use super::Kind::{Check, Currency, Data, Date, Float, Link, Table, Text};
use super::{Doctype, Use, field, required};

pub(super) static CUSTOMER: Doctype = Doctype {
    name: "Customer",
    usage: Use::Kept,
    series: &[],
    fields: &[
        required("customer_name", "Customer Name", Data),
        field("customer_type", "Customer Type", Data),
        field("customer_group", "Customer Group", Data),
        field("territory", "Territory", Data),
        field("disabled", "Disabled", Check),
    ],
    refused: &["accounts", "credit_limits", "loyalty_program", "naming_series"],
};

pub(super) static ITEM: Doctype = Doctype {
    name: "Item",
    usage: Use::Kept,
    series: &[],
    fields: &[
        required("item_code", "Item Code", Data),
        field("item_name", "Item Name", Data),
        required("item_group", "Item Group", Data),
        required("stock_uom", "Default Unit of Measure", Data),
        field("description", "Description", Text),
        field("is_stock_item", "Maintain Stock", Check),
        field("allow_negative_stock", "Allow Negative Stock", Check),
        field("valuation_rate", "Valuation Rate", Currency),
        field("disabled", "Disabled", Check),
    ],
    refused: &[
        "has_batch_no",
        "has_serial_no",
        "has_variants",
        "is_fixed_asset",
        "item_defaults",
        "opening_stock",
        "taxes",
        "uoms",
        "variant_of",
    ],
};

pub(super) static WAREHOUSE: Doctype = Doctype {
    name: "Warehouse",
    usage: Use::Read,
    series: &[],
    fields: &[
        field("warehouse_name", "Warehouse Name", Data),
        field("company", "Company", Link("Company")),
        field("is_group", "Is Group Warehouse", Check),
        field("disabled", "Disabled", Check),
    ],
    refused: &[],
};

pub(super) static COMPANY: Doctype = Doctype {
    name: "Company",
    usage: Use::Read,
    series: &[],
    fields: &[
        field("company_name", "Company", Data),
        field("abbr", "Abbr", Data),
        field("default_currency", "Default Currency", Data),
        field("default_receivable_account", "Default Receivable Account", Link("Account")),
        field("default_income_account", "Default Income Account", Link("Account")),
        field("default_cash_account", "Default Cash Account", Link("Account")),
        field("write_off_account", "Write Off Account", Link("Account")),
        field("round_off_account", "Round Off Account", Link("Account")),
        field("enable_perpetual_inventory", "Enable Perpetual Inventory", Check),
    ],
    refused: &[],
};

pub(super) static ACCOUNT: Doctype = Doctype {
    name: "Account",
    usage: Use::Read,
    series: &[],
    fields: &[
        field("account_name", "Account Name", Data),
        field("company", "Company", Link("Company")),
        field("root_type", "Root Type", Data),
        field("report_type", "Report Type", Data),
        field("account_type", "Account Type", Data),
        field("account_currency", "Currency", Data),
        field("is_group", "Is Group", Check),
        field("disabled", "Disable", Check),
    ],
    refused: &[],
};

pub(super) static MODE_OF_PAYMENT: Doctype = Doctype {
    name: "Mode of Payment",
    usage: Use::Read,
    series: &[],
    fields: &[
        field("mode_of_payment", "Mode of Payment", Data),
        field("type", "Type", Data),
        field("enabled", "Enabled", Check),
        field("accounts", "Accounts", Table("Mode of Payment Account")),
    ],
    refused: &[],
};

pub(super) static MODE_OF_PAYMENT_ACCOUNT: Doctype = Doctype {
    name: "Mode of Payment Account",
    usage: Use::Rows,
    series: &[],
    fields: &[
        field("company", "Company", Link("Company")),
        field("default_account", "Default Account", Link("Account")),
    ],
    refused: &[],
};

pub(super) static POS_PROFILE: Doctype = Doctype {
    name: "POS Profile",
    usage: Use::Read,
    series: &[],
    fields: &[
        field("company", "Company", Link("Company")),
        field("warehouse", "Warehouse", Link("Warehouse")),
        field("income_account", "Income Account", Link("Account")),
        field("write_off_account", "Write Off Account", Link("Account")),
        field("account_for_change_amount", "Account for Change Amount", Link("Account")),
        field("disabled", "Disabled", Check),
    ],
    refused: &[],
};

pub(super) static ITEM_TAX_TEMPLATE: Doctype = Doctype {
    name: "Item Tax Template",
    usage: Use::Read,
    series: &[],
    fields: &[
        field("title", "Title", Data),
        field("company", "Company", Link("Company")),
        field("taxes", "Tax Rates", Table("Item Tax Template Detail")),
    ],
    refused: &[],
};

pub(super) static ITEM_TAX_TEMPLATE_DETAIL: Doctype = Doctype {
    name: "Item Tax Template Detail",
    usage: Use::Rows,
    series: &[],
    fields: &[field("tax_type", "Tax", Link("Account")), field("tax_rate", "Tax Rate", Float)],
    refused: &[],
};

pub(super) static CUSTOM_FIELD: Doctype = Doctype {
    name: "Custom Field",
    usage: Use::Kept,
    series: &[],
    fields: &[
        required("dt", "DocType", Data),
        field("label", "Label", Data),
        field("fieldname", "Fieldname", Data),
        required("fieldtype", "Field Type", Data),
        field("unique", "Unique", Check),
        field("insert_after", "Insert After", Data),
        field("allow_on_submit", "Allow on Submit", Check),
        field("in_standard_filter", "In Standard Filter", Check),
        field("hidden", "Hidden", Check),
        field("no_copy", "No Copy", Check),
        field("print_hide", "Print Hide", Check),
        field("read_only", "Read Only", Check),
        field("search_index", "Index", Check),
        field("description", "Field Description", Text),
        field("module", "Module", Data),
    ],
    refused: &["default", "depends_on", "fetch_from", "is_virtual", "length", "options", "reqd"],
};

pub(super) static GL_ENTRY: Doctype = Doctype {
    name: "GL Entry",
    usage: Use::Read,
    series: &[],
    fields: &[
        field("posting_date", "Posting Date", Date),
        field("account", "Account", Link("Account")),
        field("debit", "Debit Amount", Currency),
        field("credit", "Credit Amount", Currency),
        field("party_type", "Party Type", Data),
        field("party", "Party", Data),
        field("against_voucher", "Against Voucher", Data),
        field("voucher_type", "Voucher Type", Data),
        field("voucher_no", "Voucher No", Data),
        field("company", "Company", Link("Company")),
        field("remarks", "Remarks", Text),
        field("is_cancelled", "Is Cancelled", Check),
    ],
    refused: &[],
};
