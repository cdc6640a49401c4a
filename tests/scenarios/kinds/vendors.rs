//! The vendors' own books, as the goldens show them and the equations sum them.
//!
//! What differs with every run is left out or named: identifiers become receipts, items and
//! places. Judges nothing.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Value, json};
use simulated_erpnext::{GlEntry, StockLedgerEntry};
use simulated_shopify::Gid;
use simulated_shopify::records::{Line, Order, Refund, RefundLine, TaxLine, Transaction};
use tests::pos::figures::{Milli, major};
use tests::world::World;

/// The simulated Shopify.
pub(super) struct Shop {
    books: simulated_shopify::Books,
    /// By variant's item: its SKU, and what it had at first by location.
    items: BTreeMap<Gid, (String, BTreeMap<Gid, i64>)>,
}

impl Shop {
    pub(super) async fn read(world: &World) -> Self {
        let setup = world.shop();
        let location = |number: u64| {
            setup.locations.iter().find(|place| place.number == number).unwrap().gid()
        };
        let tracked = setup.variants.iter().filter(|variant| variant.tracked);
        let items = tracked.map(|variant| {
            let first = variant.available.iter().map(|(place, level)| (location(*place), *level));
            (variant.item_gid(), (variant.sku.clone().unwrap(), first.collect()))
        });
        let items = items.collect();
        Self { books: world.asking.shop_books().await.unwrap(), items }
    }

    fn orders_of<'a>(&'a self, keys: &BTreeSet<String>) -> impl Iterator<Item = &'a Order> {
        let keys = keys.clone();
        self.books.orders.iter().filter(move |order| keys.contains(&order_key(order)))
    }

    /// Orders less refunds, in minor units.
    pub(super) fn total(&self, keys: &BTreeSet<String>) -> i64 {
        let of = |order: &Order| {
            let back: Decimal = order.refunds.iter().map(|refund| refund.total.shop).sum();
            minor(order.totals.total.shop - back)
        };
        self.orders_of(keys).map(of).sum()
    }

    /// The taxes of orders, in minor units.
    pub(super) fn taxes(&self, keys: &BTreeSet<String>) -> i64 {
        self.orders_of(keys).map(|order| minor(order.totals.tax.shop)).sum()
    }

    /// By how many pieces the stock of items changed, over all locations; those that moved.
    pub(super) fn moved(&self, skus: &BTreeSet<String>) -> BTreeMap<String, i64> {
        let mut moved: BTreeMap<String, i64> = BTreeMap::new();
        for level in &self.books.levels {
            let Some((sku, first)) = self.items.get(&level.item) else { continue };
            if skus.contains(sku) {
                let first = first.get(&level.location).copied().unwrap_or_default();
                *moved.entry(sku.clone()).or_default() += level.available - first;
            }
        }
        moved
    }

    /// The orders of receipts, with what came back of them.
    pub(super) fn orders(&self, keys: &BTreeSet<String>) -> Vec<Value> {
        let mut orders: Vec<_> =
            self.orders_of(keys).map(|order| (order_key(order), self.order(order))).collect();
        orders.sort_by(|one, two| one.0.cmp(&two.0));
        orders.into_iter().map(|(_, order)| order).collect()
    }

    fn order(&self, order: &Order) -> Value {
        let metafield = |key: &str| {
            let found = order.metafields.iter().find(|metafield| metafield.key == key);
            found.map(|metafield| metafield.value.clone()).unwrap()
        };
        // The key is a hash over the receipt's natural key; what counts is that both places agree.
        assert_eq!(order.source_identifier.as_deref(), Some(metafield("key").as_str()));
        let details: Value = serde_json::from_str(&metafield("details")).unwrap();
        let mut refunds: Vec<_> = order.refunds.iter().collect();
        refunds.sort_by_key(|refund| note_key(refund.note.as_deref().unwrap()));
        let refunds = refunds.into_iter().map(|refund| refunded(order, refund));
        json!({
            "receipt": order_key(order),
            "attributes": order.custom_attributes.iter()
                .map(|attribute| (attribute.key.clone(), attribute.value.clone()))
                .collect::<BTreeMap<_, _>>(),
            "processedAt": order.processed_at, "taxesIncluded": order.taxes_included,
            "tags": order.tags, "fulfilled": order.fulfillment_status,
            "total": order.totals.total.shop, "tax": order.totals.tax.shop,
            "lines": order.lines.iter().map(line).collect::<Vec<_>>(),
            "transactions": order.transactions.iter().filter(|money| money.kind != "REFUND")
                .map(paid).collect::<Vec<_>>(),
            "details": details,
            "refunds": refunds.collect::<Vec<_>>(),
        })
    }
}

fn refunded(order: &Order, refund: &Refund) -> Value {
    let sold = |gid: &Gid| order.lines.iter().find(|line| line.id == *gid).unwrap();
    let back = |back: &RefundLine| {
        format!("{} {} {}", back.restock_type, back.quantity, sold(&back.line).title)
    };
    let money = order.transactions.iter().filter(|money| refund.transactions.contains(&money.id));
    json!({
        "receipt": note_key(refund.note.as_deref().unwrap()),
        "processedAt": refund.processed_at, "total": refund.total.shop,
        "lines": refund.lines.iter().map(back).collect::<Vec<_>>(),
        "transactions": money.map(paid).collect::<Vec<_>>(),
    })
}

fn paid(money: &Transaction) -> String {
    format!("{} {} {}", money.kind, money.gateway, money.amount.shop)
}

fn line(line: &Line) -> Value {
    let tax = |tax: &TaxLine| format!("{} {} {}", tax.title, tax.rate, tax.amount.shop);
    json!({
        "title": line.title, "sku": line.sku, "isVariant": line.variant.is_some(),
        "quantity": line.quantity, "price": line.price.shop, "taxable": line.taxable,
        "taxes": line.tax_lines.iter().map(tax).collect::<Vec<_>>(),
        "properties": line.properties.iter()
            .map(|property| (property.key.clone(), property.value.clone()))
            .collect::<BTreeMap<_, _>>(),
    })
}

fn order_key(order: &Order) -> String {
    let attribute = |name: &str| {
        let found = order.custom_attributes.iter().find(|attribute| attribute.key == name);
        found.map_or("?", |attribute| attribute.value.as_str())
    };
    ["store", "register", "businessDate", "receipt"].map(attribute).join("/")
}

/// From a note such as `Receipt 000188, register 2, store 0042, 2026-11-23 [key]`.
fn note_key(note: &str) -> String {
    let words: Vec<&str> = note.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    match words.as_slice() {
        ["Receipt", receipt, "register", register, "store", store, date, ..] => {
            [store, register, date, receipt].map(|word| *word).join("/")
        }
        _ => format!("?{note}"),
    }
}

/// The simulated ERPNext.
pub(super) struct Erp {
    books: simulated_erpnext::Books,
}

/// The accounts that taxes and money are booked on, by the words of the events.
const TAXES: [(&str, &str); 4] =
    [("A", "VAT A - SD"), ("B", "VAT B - SD"), ("S", "State Tax - SD"), ("C", "City Tax - SD")];
const MONEY: [(&str, &str); 6] = [
    ("cash", "Cash - SD"),
    ("card", "Card Clearing - SD"),
    ("gift_card", "Gift Cards - SD"),
    ("voucher", "Vouchers - SD"),
    ("cheque", "Cheques - SD"),
    ("foreign_cash", "Foreign Cash - SD"),
];

impl Erp {
    pub(super) async fn read(world: &World) -> Self {
        Self { books: world.asking.erp_books().await.unwrap() }
    }

    fn invoices(&self) -> &[Value] {
        &self.books.documents["Sales Invoice"]
    }

    fn of<'a>(&'a self, keys: &BTreeSet<String>) -> Vec<&'a Value> {
        let is_of = |invoice: &&Value| keys.contains(&remarks_key(invoice));
        let mut invoices: Vec<_> = self.invoices().iter().filter(is_of).collect();
        invoices.sort_by_key(|invoice| {
            let against = text(invoice, "return_against").to_owned();
            (remarks_key(invoice), invoice["is_return"].as_u64(), against)
        });
        invoices
    }

    /// Invoices that belong to none of the receipts.
    pub(super) fn documents_of_nobody(&self, keys: &BTreeSet<String>) -> Vec<String> {
        let all = self.invoices().iter().map(remarks_key);
        all.filter(|key| !keys.contains(key)).collect()
    }

    /// What invoices and credit notes come to, in minor units.
    pub(super) fn total(&self, keys: &BTreeSet<String>) -> i64 {
        self.of(keys).iter().map(|invoice| minor(number(&invoice["grand_total"]))).sum()
    }

    /// Credits less debits of the accounts of taxes, by code. None is nothing.
    pub(super) fn taxes(&self, keys: &BTreeSet<String>) -> BTreeMap<String, i64> {
        let owed = TAXES.map(|(code, account)| (code.to_owned(), -self.balance(keys, account)));
        owed.into_iter().filter(|(_, minor)| *minor != 0).collect()
    }

    /// Debits less credits of the accounts of money, by kind. None is nothing.
    pub(super) fn money(&self, keys: &BTreeSet<String>) -> BTreeMap<String, i64> {
        let held = MONEY.map(|(kind, account)| (kind.to_owned(), self.balance(keys, account)));
        held.into_iter().filter(|(_, minor)| *minor != 0).collect()
    }

    fn balance(&self, keys: &BTreeSet<String>, account: &str) -> i64 {
        let names = self.names(keys);
        let lines = self.books.general_ledger.iter().filter(|line| line.account == account);
        let lines = lines.filter(|line| names.contains(line.voucher_no.as_str()));
        lines.map(|line| minor(line.debit - line.credit)).sum()
    }

    fn names(&self, keys: &BTreeSet<String>) -> BTreeSet<&str> {
        self.of(keys).into_iter().map(|invoice| invoice["name"].as_str().unwrap()).collect()
    }

    /// Documents whose debits are not their credits, or on which something is outstanding.
    pub(super) fn unbalanced(&self, keys: &BTreeSet<String>) -> Vec<&str> {
        let differs = |name: &&str| {
            let lines = self.books.general_ledger.iter().filter(|line| line.voucher_no == **name);
            let open = self.invoices().iter().find(|invoice| invoice["name"] == **name).unwrap();
            lines.map(|line| line.debit - line.credit).sum::<Decimal>() != Decimal::ZERO
                || number(&open["outstanding_amount"]) != Decimal::ZERO
                || open["docstatus"] != 1
        };
        self.names(keys).into_iter().filter(differs).collect()
    }

    /// What is for sale afterwards less what was before, by item. None is nothing.
    pub(super) fn moved(&self, keys: &BTreeSet<String>) -> BTreeMap<String, Milli> {
        let names = self.names(keys);
        let mut moved: BTreeMap<String, Milli> = BTreeMap::new();
        for entry in &self.books.stock_ledger {
            let is_sold_from = entry.warehouse.starts_with("Store ");
            if names.contains(entry.voucher_no.as_str()) && is_sold_from && !entry.is_cancelled {
                let thousandths = (entry.actual_qty * Decimal::ONE_THOUSAND).to_i64().unwrap();
                moved.entry(entry.item_code.clone()).or_default().0 += thousandths;
            }
        }
        moved.retain(|_, change| *change != Milli::ZERO);
        moved
    }

    /// The invoices of receipts, each with its lines of both ledgers.
    pub(super) fn documents(&self, keys: &BTreeSet<String>) -> Vec<Value> {
        self.of(keys).into_iter().map(|invoice| self.document(invoice)).collect()
    }

    fn document(&self, invoice: &Value) -> Value {
        let name = invoice["name"].as_str().unwrap();
        let rows = |table: &str| invoice[table].as_array().cloned().unwrap_or_default();
        let against = invoice["return_against"].as_str().map(|sold| {
            let sold = self.invoices().iter().find(|invoice| invoice["name"] == sold);
            remarks_key(sold.unwrap())
        });
        let general = self.books.general_ledger.iter().filter(|line| line.voucher_no == name);
        let mut general: Vec<_> = general.map(booked).collect();
        general.sort_unstable();
        let stock = self.books.stock_ledger.iter().filter(|entry| entry.voucher_no == name);
        let mut stock: Vec<_> = stock.map(moved).collect();
        stock.sort_unstable();
        json!({
            "receipt": remarks_key(invoice), "isReturn": invoice["is_return"],
            "against": against, "customer": invoice["customer"],
            "posted": format!("{} {}", text(invoice, "posting_date"), text(invoice, "posting_time")),
            "grandTotal": amount(invoice, "grand_total"), "change": amount(invoice, "change_amount"),
            "outstanding": amount(invoice, "outstanding_amount"), "status": invoice["status"],
            "items": rows("items").iter().map(row).collect::<Vec<_>>(),
            "taxes": rows("taxes").iter().map(tax).collect::<Vec<_>>(),
            "payments": rows("payments").iter()
                .map(|row| format!("{} {}", text(row, "mode_of_payment"), amount(row, "amount")))
                .collect::<Vec<_>>(),
            "ledger": general, "stockLedger": stock,
        })
    }
}

fn row(row: &Value) -> String {
    let [item, place] = ["item_code", "warehouse"].map(|field| text(row, field));
    let [one, all] = ["rate", "amount"].map(|field| amount(row, field));
    format!("{} {item} at {one}: {all} ({place})", number(&row["qty"]).normalize())
}

fn tax(row: &Value) -> String {
    let [account, what] = ["account_head", "description"].map(|field| text(row, field));
    format!("{} {what} ({account})", amount(row, "tax_amount"))
}

fn booked(line: &GlEntry) -> String {
    let (debit, credit) = (major(minor(line.debit)), major(minor(line.credit)));
    match (line.debit.is_zero(), line.credit.is_zero()) {
        (false, true) => format!("{}: debit {debit}", line.account),
        (true, false) => format!("{}: credit {credit}", line.account),
        _ => format!("{}: debit {debit}, credit {credit}", line.account),
    }
}

fn moved(entry: &StockLedgerEntry) -> String {
    format!("{} {} ({})", entry.actual_qty.normalize(), entry.item_code, entry.warehouse)
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

fn amount(value: &Value, field: &str) -> String {
    major(minor(number(&value[field])))
}

fn remarks_key(invoice: &Value) -> String {
    note_key(invoice["remarks"].as_str().unwrap_or_default())
}

fn number(value: &Value) -> Decimal {
    value.to_string().trim_matches('"').parse().unwrap()
}

fn minor(amount: Decimal) -> i64 {
    let minor = amount * Decimal::ONE_HUNDRED;
    assert!(minor.is_integer(), "{amount} has more places than the currency");
    minor.to_i64().unwrap()
}
