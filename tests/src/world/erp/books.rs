//! Reads the simulated ERPNext's own books as the plain figures that the stores' books are held
//! against.
//!
//! An invoice says which receipt it is in its remarks; its lines in the general ledger are those of
//! that receipt's store. What quantity times price misses of a receipt's lines is booked as income
//! by the stores and as rounding here: it is read from the invoices and carried over, and its
//! amount is told. Does not judge.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::Value;
use simulated_erpnext::{Books as ErpBooks, Setup};

use super::{INCOME, MODES, ROUNDING, TAXES, warehouse};
use crate::pos::books::TenderKind;
use crate::pos::catalogue::TaxCode;
use crate::pos::compare::Holdings;
use crate::pos::figures::Milli;
use crate::pos::ledger::{Account, Ledger};
use crate::world::holdings::receipt_key;
use crate::world::plan::Plan;

/// What the row is called that brings a receipt's cents into the total.
const CENTS: &str = "Cents of prices";

/// The store of what no receipt explains.
const NOBODY: &str = "?";

/// What the site holds, by the keys of the stores' own books.
///
/// # Errors
/// An amount has more places than the currency.
pub(in crate::world) fn holdings(books: &ErpBooks, setup: &Setup, plan: &Plan) -> Result<Holdings> {
    let mut holdings = Holdings { keeps_unplaced: true, ..Holdings::default() };
    let mut stores: BTreeMap<&str, String> = BTreeMap::new();
    for invoice in invoices(books) {
        let name = invoice["name"].as_str().unwrap_or_default();
        let key = receipt_key(invoice["remarks"].as_str().unwrap_or_default());
        let store = key.split('/').next().unwrap_or(NOBODY).to_owned();
        stores.insert(name, store);
        let count = match invoice["docstatus"].as_u64() {
            Some(1) if is_return(invoice) => holdings.refunds.entry(key),
            Some(1) => holdings.orders.entry(key),
            // A draft that was left behind is nobody's receipt; a cancelled invoice is history.
            Some(0) => holdings.orders.entry(format!("draft {name} of {key}")),
            _ => continue,
        };
        *count.or_default() += 1;
    }
    holdings.stock = Some(stock(books, setup, plan)?);
    holdings.ledger = Some(ledger(books, setup, &stores)?);
    Ok(holdings)
}

/// The cents by which quantity times price missed the receipts' lines in the ERP, in minor units:
/// what its income and its rounding are off by, in opposite directions.
///
/// # Errors
/// An amount has more places than the currency.
pub fn price_cents(books: &ErpBooks) -> Result<i64> {
    let submitted = invoices(books).filter(|invoice| invoice["docstatus"] == 1);
    submitted.map(cents).sum()
}

fn invoices(books: &ErpBooks) -> impl Iterator<Item = &Value> {
    books.documents.get("Sales Invoice").into_iter().flatten()
}

fn is_return(invoice: &Value) -> bool {
    invoice["is_return"].as_u64() == Some(1)
}

fn cents(invoice: &Value) -> Result<i64> {
    let rows = invoice["taxes"].as_array().into_iter().flatten();
    let rows = rows.filter(|row| row["description"] == CENTS);
    rows.map(|row| minor(row["tax_amount"].to_string().parse().context("read an amount")?)).sum()
}

/// Where sellable stock stands, by store and item.
fn stock(
    books: &ErpBooks,
    setup: &Setup,
    plan: &Plan,
) -> Result<BTreeMap<(String, String), Milli>> {
    let places: BTreeMap<_, _> =
        plan.stores.iter().map(|store| (setup.full(&warehouse(store)), store)).collect();
    let mut stock = BTreeMap::new();
    // In the order of posting, so that the last one is what stands there now.
    for entry in books.stock_ledger.iter().filter(|entry| !entry.is_cancelled) {
        let Some(store) = places.get(&entry.warehouse) else { continue };
        let level = (entry.qty_after_transaction * Decimal::ONE_THOUSAND).to_i64();
        let level = Milli(level.context("read a level of stock")?);
        stock.insert(((*store).clone(), entry.item_code.clone()), level);
    }
    Ok(stock)
}

fn ledger(books: &ErpBooks, setup: &Setup, stores: &BTreeMap<&str, String>) -> Result<Ledger> {
    let accounts = accounts(setup);
    let mut ledger = Ledger::new();
    let store_of = |voucher: &str| stores.get(voucher).map_or(NOBODY, String::as_str).to_owned();
    for line in &books.general_ledger {
        let account = accounts.get(&line.account).cloned();
        let account = account.unwrap_or_else(|| Account::Other(line.account.clone()));
        let place = (store_of(&line.voucher_no), account);
        *ledger.entry(place).or_default() += minor(line.debit - line.credit)?;
    }
    for invoice in invoices(books).filter(|invoice| invoice["docstatus"] == 1) {
        let store = store_of(invoice["name"].as_str().unwrap_or_default());
        let cents = cents(invoice)?;
        *ledger.entry((store.clone(), Account::Income)).or_default() -= cents;
        *ledger.entry((store, Account::Rounding)).or_default() += cents;
    }
    Ok(ledger)
}

/// What each of the site's accounts is for.
fn accounts(setup: &Setup) -> BTreeMap<String, Account> {
    let tenders = TenderKind::ALL.into_iter().filter_map(|kind| {
        let (_, _, _, account) = MODES.iter().find(|(word, ..)| *word == kind.word())?;
        Some((setup.full(account), Account::Tender(kind)))
    });
    let taxes = TaxCode::ALL.into_iter().filter_map(|code| {
        let (_, account) = TAXES.iter().find(|(letter, _)| *letter == code.letter())?;
        Some((setup.full(account), Account::Tax(code)))
    });
    let others = [(INCOME, Account::Income), (ROUNDING, Account::Rounding)];
    let others = others.into_iter().map(|(name, account)| (setup.full(name), account));
    tenders.chain(taxes).chain(others).collect()
}

fn minor(amount: Decimal) -> Result<i64> {
    let minor = amount * Decimal::ONE_HUNDRED;
    anyhow::ensure!(minor.is_integer(), "read {amount}: it has more places than the currency");
    minor.to_i64().with_context(|| format!("read {amount}"))
}
