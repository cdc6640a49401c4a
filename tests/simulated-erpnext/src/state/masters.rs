//! The documents that a site has before its first request, from its setup.
//!
//! The company's accounts are those of the standard chart that a POS invoice needs
//! (erpnext/setup/doctype/company/company.py, `set_default_accounts`).

use jiff::civil::DateTime;
use serde_json::{Value, json};

use super::store::Store;
use crate::setup::Setup;
use crate::time;

/// Accounts that every company here has: name, root type, account type.
const CHART: [(&str, &str, &str); 6] = [
    ("Debtors", "Asset", "Receivable"),
    ("Sales", "Income", "Income Account"),
    ("Cash", "Asset", "Cash"),
    ("Round Off", "Expense", "Round Off"),
    ("Write Off", "Expense", ""),
    ("Stock Adjustment", "Expense", "Stock Adjustment"),
];

pub(super) fn fill(store: &mut Store, setup: &Setup, opened: DateTime) {
    let stamp = time::stamp(opened);
    let mut write = |doctype: &str, name: &str, mut fields: Value| {
        fields["doctype"] = json!(doctype);
        fields["name"] = json!(name);
        fields["owner"] = json!("Administrator");
        fields["modified_by"] = json!("Administrator");
        fields["creation"] = json!(stamp);
        fields["modified"] = json!(stamp);
        fields["docstatus"] = json!(0);
        if let Value::Object(document) = fields {
            store.write(doctype, document);
        }
    };
    let company = &setup.company.name;
    write("Company", company, company_fields(setup));
    let own = setup.accounts.iter().map(|account| {
        (account.name.as_str(), account.root_type.as_str(), account.account_type.as_str())
    });
    for (name, root_type, account_type) in CHART.into_iter().chain(own) {
        let balance = matches!(root_type, "Asset" | "Liability" | "Equity");
        let report = if balance { "Balance Sheet" } else { "Profit and Loss" };
        let fields = json!({ "account_name": name, "company": company, "root_type": root_type,
            "report_type": report, "account_type": account_type,
            "account_currency": setup.company.currency, "is_group": 0, "disabled": 0 });
        write("Account", &setup.full(name), fields);
    }
    for name in &setup.warehouses {
        let fields =
            json!({ "warehouse_name": name, "company": company, "is_group": 0, "disabled": 0 });
        write("Warehouse", &setup.full(name), fields);
    }
    for name in &setup.customers {
        write("Customer", name, json!({ "customer_name": name, "disabled": 0 }));
    }
    for item in &setup.items {
        let fields = json!({ "item_code": item.code, "item_name": item.code,
            "item_group": "Products", "stock_uom": item.unit,
            "is_stock_item": u8::from(item.stocked), "disabled": u8::from(item.disabled),
            "allow_negative_stock": u8::from(item.negative) });
        write("Item", &item.code, fields);
    }
    for mode in &setup.modes_of_payment {
        let accounts: Vec<Value> = mode
            .account
            .iter()
            .map(|account| json!({ "company": company, "default_account": setup.full(account) }))
            .collect();
        let fields = json!({ "mode_of_payment": mode.name, "type": mode.kind, "enabled": 1,
            "accounts": accounts });
        write("Mode of Payment", &mode.name, fields);
    }
    for profile in &setup.pos_profiles {
        let fields = json!({ "company": company, "warehouse": setup.full(&profile.warehouse),
            "write_off_account": setup.full("Write Off"), "disabled": 0 });
        write("POS Profile", &profile.name, fields);
    }
    for template in &setup.item_tax_templates {
        let rates: Vec<Value> = template
            .rates
            .iter()
            .map(|(account, rate)| json!({ "tax_type": setup.full(account), "tax_rate": crate::money::number(*rate) }))
            .collect();
        let fields = json!({ "title": template.title, "company": company, "taxes": rates });
        write("Item Tax Template", &setup.full(&template.title), fields);
    }
}

fn company_fields(setup: &Setup) -> Value {
    let mut fields = json!({
        "company_name": setup.company.name,
        "abbr": setup.company.abbreviation,
        "default_currency": setup.company.currency,
        "default_receivable_account": setup.full("Debtors"),
        "default_income_account": setup.full("Sales"),
        "default_cash_account": setup.full("Cash"),
        "round_off_account": setup.full("Round Off"),
        "enable_perpetual_inventory": 0,
    });
    if setup.company.write_off_account {
        fields["write_off_account"] = json!(setup.full("Write Off"));
    }
    fields
}
