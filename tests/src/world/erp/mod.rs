//! The ERPNext site of a world: its company and masters, the relay's settings for it, and the stock
//! that it opens with.
//!
//! Opened as bookkeepers open one: everything but the masters goes in through the vendor's own
//! interface. Does not look at what the relay posts.

mod books;

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};
use jiff::civil::Date;
use reqwest::{Client, Method};
use serde_json::{Map, Value, json};
use simulated_erpnext::{Account, Item, ModeOfPayment, Setup};

use super::plan::Plan;
use crate::pos::catalogue::Catalogue;
use crate::pos::figures::Milli;

pub(super) use books::holdings;
pub use books::price_cents;

/// The target's name at the relay.
pub const TARGET: &str = "books";

/// The day on which the stores' first stock is entered: before any sale.
const OPENED_ON: &str = "2026-01-01";

/// The last year that the site has opened.
const LAST_YEAR: i16 = 2099;

/// Rows of one stock entry: ERPNext hands longer ones to a background job.
const ROWS_MAX: usize = 100;

/// Beyond quantity times price, a receipt's cents go here, and cash rounding.
const ROUNDING: &str = "Round Off";

/// What is earned goes here.
const INCOME: &str = "Sales";

/// The account of each tax code.
const TAXES: [(&str, &str); 4] =
    [("A", "VAT A"), ("B", "VAT B"), ("S", "State Tax"), ("C", "City Tax")];

/// Each kind of tender: its mode of payment, that mode's kind, and its account.
const MODES: [(&str, &str, &str, &str); 10] = [
    ("cash", "Cash", "Cash", "Cash"),
    ("card", "Card", "Bank", "Card Clearing"),
    ("mobile", "Mobile Payment", "Bank", "Mobile Clearing"),
    ("gift_card", "Gift Card", "General", "Gift Cards"),
    ("store_credit", "Store Credit", "General", "Store Credit"),
    ("voucher", "Voucher", "General", "Vouchers"),
    ("cheque", "Cheque", "Bank", "Cheques"),
    ("account", "On Account", "General", "Customer Accounts"),
    ("foreign_cash", "Foreign Cash", "General", "Foreign Cash"),
    ("other", "Other Tender", "General", "Other Tenders"),
];

/// What carries the value of goods that pay for others: mode of payment and account.
const GOODS_BACK: &str = "Goods Back";

/// Goods between two stores.
const TRANSIT: &str = "Goods In Transit";

/// Items without stock for what is no goods of its own, by the relay's word for it.
const BRIDGING_ITEMS: [(&str, &str); 8] = [
    ("gift_card", "GIFT-CARD"),
    ("prepayment", "PREPAYMENT"),
    ("container_deposit", "DEPOSIT"),
    ("fee", "FEE"),
    ("tip", "TIP"),
    ("donation", "DONATION"),
    ("service", "SERVICE"),
    ("unmoved", "UNMOVED"),
];

/// Where a store sells from, without the company's abbreviation.
fn warehouse(store: &str) -> String {
    format!("Store {store}")
}

/// Where a store keeps what came back and is not for sale.
fn unsellable_warehouse(store: &str) -> String {
    format!("Returns {store}")
}

/// The site before its first request. Items may fall below zero, as they do at the stores, where a
/// till never refuses to sell what lies on the counter.
#[must_use]
pub(super) fn site(plan: &Plan, catalogue: &Catalogue) -> Setup {
    let mut setup = Setup::new("Storekeep Demo", "SD");
    setup.seed = plan.seed;
    let year = |year| (Date::constant(year, 1, 1), Date::constant(year, 12, 31));
    setup.periods.fiscal_years = (2026..=LAST_YEAR).map(year).collect();
    for store in &plan.stores {
        setup.warehouses.extend([warehouse(store), unsellable_warehouse(store)]);
    }
    setup.warehouses.push(TRANSIT.to_owned());
    let mode = |name: &str, kind: &str, account: &str| ModeOfPayment {
        name: name.to_owned(),
        kind: kind.to_owned(),
        account: Some(account.to_owned()),
    };
    let tenders = MODES.iter().map(|(_, name, kind, account)| mode(name, kind, account));
    setup.modes_of_payment = tenders.chain([mode(GOODS_BACK, "General", GOODS_BACK)]).collect();
    let account = |name: &str, root_type: &str, account_type: &str| Account {
        name: name.to_owned(),
        root_type: root_type.to_owned(),
        account_type: account_type.to_owned(),
    };
    // The chart that every company has brings the account of cash.
    let of_modes = MODES.iter().map(|(_, _, _, name)| *name).filter(|name| *name != "Cash");
    let clearing = of_modes.chain([GOODS_BACK]).map(|name| account(name, "Asset", "Bank"));
    let taxes = TAXES.iter().map(|(_, name)| account(name, "Liability", "Tax"));
    setup.accounts = clearing.chain(taxes).collect();
    let item = |code: &str, unit: &str, stocked: bool| Item {
        code: code.to_owned(),
        unit: unit.to_owned(),
        stocked,
        negative: true,
        disabled: false,
    };
    let unit = |weighed: bool| if weighed { "Kg" } else { "Nos" };
    let goods = catalogue.items().iter().map(|it| item(&it.sku, unit(it.weighed), true));
    let bridging = BRIDGING_ITEMS.iter().map(|(_, code)| item(code, "Nos", false));
    setup.items = goods.chain(bridging).collect();
    setup
}

/// The section of the relay's configuration that names the site as a target.
pub(super) fn target(
    plan: &Plan,
    setup: &Setup,
    address: SocketAddr,
    secret: &Path,
) -> Result<String> {
    let full = |name: &str| Value::from(setup.full(name));
    let store = |name: &String| {
        let places = json!({
            "warehouse": full(&warehouse(name)),
            "unsellable_warehouse": full(&unsellable_warehouse(name)),
            "cost_center": full(&warehouse(name)),
        });
        (name.clone(), places)
    };
    let stores: Map<_, _> = plan.stores.iter().map(store).collect();
    let taxes: Map<_, _> =
        TAXES.iter().map(|(code, name)| ((*code).to_owned(), full(name))).collect();
    let modes: Map<_, _> =
        MODES.iter().map(|(word, name, _, _)| ((*word).to_owned(), (*name).into())).collect();
    let bridging: Map<_, _> =
        BRIDGING_ITEMS.iter().map(|(word, code)| ((*word).to_owned(), (*code).into())).collect();
    let settings = json!({
        "kind": "erpnext",
        "site": format!("http://{address}"),
        "api_key": setup.credentials.key,
        "api_secret_file": secret,
        "company": setup.company.name,
        "customer": setup.customers.first(),
        "rounding_account": full(ROUNDING),
        "goods_back": GOODS_BACK,
        "transit_warehouse": full(TRANSIT),
        "settle_seconds": plan.erp_settle_seconds(),
        "call_timeout_seconds": plan.call_timeout_seconds,
        "stores": stores,
        "tax_accounts": taxes,
        "modes_of_payment": modes,
        "bridging_items": bridging,
    });
    toml::to_string(&json!({ "targets": { TARGET: settings } })).context("write the ERP's settings")
}

/// Enters what the stores have at first, as a bookkeeper does: received on a day before any sale.
///
/// # Errors
/// The site refuses, or does not answer.
pub(super) async fn stock_up(
    http: &Client,
    address: SocketAddr,
    setup: &Setup,
    plan: &Plan,
    catalogue: &Catalogue,
) -> Result<()> {
    let entries = format!("http://{address}/api/resource/Stock Entry");
    for store in &plan.stores {
        let place = setup.full(&warehouse(store));
        let stock = catalogue.first_stock(store);
        let row = |(sku, level): (&String, &Milli)| json!({ "item_code": sku, "qty": level.0 / 1_000, "t_warehouse": place });
        let rows: Vec<Value> = stock.iter().map(row).collect();
        for rows in rows.chunks(ROWS_MAX) {
            let entry = json!({
                "stock_entry_type": "Material Receipt", "company": setup.company.name,
                "set_posting_time": 1, "posting_date": OPENED_ON, "posting_time": "00:00:00",
                "items": rows,
            });
            let draft = send(http, setup, Method::POST, &entries, &entry).await?;
            let name = draft.pointer("/data/name").and_then(Value::as_str);
            let draft = format!("{entries}/{}", name.context("read a stock entry's name")?);
            send(http, setup, Method::PUT, &draft, &json!({ "docstatus": 1 })).await?;
        }
    }
    Ok(())
}

/// Cancels an invoice, as a bookkeeper does.
///
/// # Errors
/// The site refuses, or does not answer.
pub(super) async fn cancel_invoice(
    http: &Client,
    address: SocketAddr,
    setup: &Setup,
    name: &str,
) -> Result<()> {
    let invoice = format!("http://{address}/api/resource/Sales Invoice/{name}");
    send(http, setup, Method::PUT, &invoice, &json!({ "docstatus": 2 })).await?;
    Ok(())
}

async fn send(
    http: &Client,
    setup: &Setup,
    verb: Method,
    url: &str,
    body: &Value,
) -> Result<Value> {
    let token = format!("token {}:{}", setup.credentials.key, setup.credentials.secret);
    let request = http.request(verb, url).header("authorization", token).json(body);
    let answer = request.send().await.with_context(|| format!("ask {url}"))?;
    let status = answer.status();
    let text = answer.text().await.with_context(|| format!("read the answer of {url}"))?;
    anyhow::ensure!(status.is_success(), "ask {url}: {status} {text}");
    serde_json::from_str(&text).with_context(|| format!("read the JSON of {url}"))
}
