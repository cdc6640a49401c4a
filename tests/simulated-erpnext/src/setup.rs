//! What a simulated site is made of: one company, its accounts, warehouses, masters and settings.
//!
//! Plain values with serde, so that a harness can write a site as JSON and hand it to another
//! process. Checks nothing: a harness that names an account that is not there gets what it asked
//! for. Each setting names the real one.

use std::collections::BTreeSet;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// A site before its first request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Setup {
    /// Decides every row name and every fault that happens by chance.
    pub seed: u64,
    /// The system's time zone, an IANA name (System Settings).
    pub time_zone: String,
    /// The user's API key and secret.
    pub credentials: Credentials,
    /// What the user may not do, as `create Sales Invoice` or `submit Sales Invoice`.
    pub forbidden: BTreeSet<String>,
    /// The one company.
    pub company: Company,
    /// Customers.
    pub customers: Vec<String>,
    /// Items.
    pub items: Vec<Item>,
    /// Warehouses, without the company's abbreviation.
    pub warehouses: Vec<String>,
    /// Accounts beside the company's defaults, without the abbreviation.
    pub accounts: Vec<Account>,
    /// Modes of payment.
    pub modes_of_payment: Vec<ModeOfPayment>,
    /// POS profiles.
    pub pos_profiles: Vec<PosProfile>,
    /// Item tax templates.
    pub item_tax_templates: Vec<ItemTaxTemplate>,
    /// Which dates may be posted to.
    pub periods: Periods,
    /// Settings.
    pub settings: Settings,
}

/// What the user proves itself with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Credentials {
    /// The user.
    pub user: String,
    /// `api_key`.
    pub key: String,
    /// `api_secret`.
    pub secret: String,
}

/// A company. Its inventory is not perpetual, so stock moves without general ledger entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Company {
    /// Its name.
    pub name: String,
    /// What ends the names of its accounts and warehouses.
    pub abbreviation: String,
    /// Its currency, ISO 4217.
    pub currency: String,
    /// Whether a default account stands for written off amounts.
    pub write_off_account: bool,
}

/// An item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Item {
    /// Its code, which is its name.
    pub code: String,
    /// Its unit.
    pub unit: String,
    /// Whether stock is kept of it.
    pub stocked: bool,
    /// Whether it may fall below zero whatever the settings say.
    pub negative: bool,
    /// Whether it is disabled.
    pub disabled: bool,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Account {
    /// Its name, without the abbreviation.
    pub name: String,
    /// `Asset`, `Liability`, `Income`, `Expense` or `Equity`.
    pub root_type: String,
    /// `Receivable`, `Cash`, `Bank`, `Tax` and so on.
    pub account_type: String,
}

/// A mode of payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ModeOfPayment {
    /// Its name.
    pub name: String,
    /// `Cash`, `Bank`, `General` or `Phone`. Only cash gives change.
    pub kind: String,
    /// The default account, without the abbreviation; `None` was forgotten.
    pub account: Option<String>,
}

/// A POS profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PosProfile {
    /// Its name.
    pub name: String,
    /// Its warehouse, without the abbreviation.
    pub warehouse: String,
}

/// Rates that replace those of the tax rows for single items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ItemTaxTemplate {
    /// Its title, without the abbreviation.
    pub title: String,
    /// Tax accounts, without the abbreviation, with their rates in per cent.
    pub rates: Vec<(String, Decimal)>,
}

/// Which dates may be posted to. Steerable while the site runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Periods {
    /// Fiscal years, first and last day.
    pub fiscal_years: Vec<(Date, Date)>,
    /// Closed accounting periods.
    pub closed: Vec<ClosedPeriod>,
    /// Accounts are frozen up to this day (Accounts Settings, `acc_frozen_upto`).
    pub frozen_until: Option<Date>,
    /// Stock is frozen up to this day (Stock Settings, `stock_frozen_upto`).
    pub stock_frozen_until: Option<Date>,
}

/// An accounting period with closed documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClosedPeriod {
    /// Its name.
    pub name: String,
    /// The first day.
    pub from: Date,
    /// The last day.
    pub to: Date,
    /// The doctypes that are closed.
    pub doctypes: Vec<String>,
}

/// Settings of the site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// Stock Settings, `allow_negative_stock`.
    pub allow_negative_stock: bool,
    /// Global Defaults, `disable_rounded_total`.
    pub disable_rounded_total: bool,
    /// The currency's `smallest_currency_fraction_value`; without one, totals are rounded to whole
    /// units.
    pub smallest_coin: Option<Decimal>,
    /// `rate_limit` of the site's configuration.
    pub rate_limit: Option<RateLimit>,
}

/// A budget of server time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RateLimit {
    /// Server time per window, in milliseconds (`limit`, there in seconds).
    pub limit_ms: u64,
    /// The window, in seconds.
    pub window_seconds: u32,
    /// What one request is taken to cost here, in milliseconds.
    pub request_ms: u64,
}

impl Setup {
    /// A company in euros, with cash, card and a rounding account, fiscal year 2026, a calm rate
    /// limit and neither items nor warehouses.
    #[must_use]
    pub fn new(company: &str, abbreviation: &str) -> Self {
        let year = (Date::constant(2026, 1, 1), Date::constant(2026, 12, 31));
        let mode = |name: &str, kind: &str, account: &str| ModeOfPayment {
            name: name.to_owned(),
            kind: kind.to_owned(),
            account: Some(account.to_owned()),
        };
        Self {
            seed: 0,
            time_zone: "Etc/UTC".to_owned(),
            credentials: Credentials {
                user: "till@example.com".to_owned(),
                key: "site-key".to_owned(),
                secret: "site-secret".to_owned(),
            },
            forbidden: BTreeSet::new(),
            company: Company {
                name: company.to_owned(),
                abbreviation: abbreviation.to_owned(),
                currency: "EUR".to_owned(),
                write_off_account: true,
            },
            customers: vec!["Walk-in".to_owned()],
            items: Vec::new(),
            warehouses: Vec::new(),
            accounts: Vec::new(),
            modes_of_payment: vec![
                mode("Cash", "Cash", "Cash"),
                mode("Card", "Bank", "Card Clearing"),
            ],
            pos_profiles: Vec::new(),
            item_tax_templates: Vec::new(),
            periods: Periods { fiscal_years: vec![year], ..Periods::default() },
            settings: Settings {
                allow_negative_stock: false,
                disable_rounded_total: false,
                smallest_coin: Some(Decimal::new(1, 2)),
                rate_limit: None,
            },
        }
        .with_account("Card Clearing", "Asset", "Bank")
        .with_account("VAT", "Liability", "Tax")
    }

    /// Adds a warehouse.
    #[must_use]
    pub fn with_warehouse(mut self, name: &str) -> Self {
        self.warehouses.push(name.to_owned());
        self
    }

    /// Adds a stocked item that is counted in whole numbers.
    #[must_use]
    pub fn with_item(mut self, code: &str) -> Self {
        self.items.push(Item {
            code: code.to_owned(),
            unit: "Nos".to_owned(),
            stocked: true,
            negative: false,
            disabled: false,
        });
        self
    }

    /// Adds an account.
    #[must_use]
    pub fn with_account(mut self, name: &str, root_type: &str, account_type: &str) -> Self {
        self.accounts.push(Account {
            name: name.to_owned(),
            root_type: root_type.to_owned(),
            account_type: account_type.to_owned(),
        });
        self
    }

    /// The full name of an account or a warehouse: with the company's abbreviation.
    #[must_use]
    pub fn full(&self, name: &str) -> String {
        format!("{name} - {}", self.company.abbreviation)
    }
}
