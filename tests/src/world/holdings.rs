//! Reads the simulated Shopify's own books as the plain figures that the stores' books are held
//! against.
//!
//! An order says which receipt it is in its attributes, a refund in its note. Does not judge.

use std::collections::{BTreeMap, BTreeSet};

use simulated_shopify::records::Order;
use simulated_shopify::{Books as ShopBooks, Gid, Setup};

use crate::pos::books::{Kind as EntryKind, Outcome, StoreBooks};
use crate::pos::compare::Holdings;
use crate::pos::figures::Milli;

/// What a shop's identifiers mean at the stores.
pub(super) struct Names {
    items: BTreeMap<Gid, String>,
    locations: BTreeMap<Gid, String>,
    untracked: BTreeSet<String>,
}

impl Names {
    /// The names of a shop.
    #[must_use]
    pub(super) fn of(setup: &Setup) -> Self {
        let items = setup
            .variants
            .iter()
            .filter_map(|variant| Some((variant.item_gid(), variant.sku.clone()?)));
        let locations =
            setup.locations.iter().map(|location| (location.gid(), location.name.clone()));
        let untracked = setup.variants.iter().filter(|variant| !variant.tracked);
        let untracked = untracked.filter_map(|variant| variant.sku.clone()).collect();
        Self { items: items.collect(), locations: locations.collect(), untracked }
    }
}

/// What the shop holds, by the keys of the stores' own books.
#[must_use]
pub(super) fn holdings(shop: &ShopBooks, names: &Names) -> Holdings {
    let mut holdings = Holdings::default();
    for order in &shop.orders {
        *holdings.orders.entry(order_key(order)).or_default() += 1;
        for refund in &order.refunds {
            let key = receipt_key(refund.note.as_deref().unwrap_or_default());
            *holdings.refunds.entry(key).or_default() += 1;
        }
    }
    let stock = shop.levels.iter().filter_map(|level| {
        let place = names.locations.get(&level.location)?.clone();
        let sku = names.items.get(&level.item)?.clone();
        Some(((place, sku), Milli(level.available * 1_000)))
    });
    holdings.stock = Some(stock.collect());
    holdings.untracked.clone_from(&names.untracked);
    holdings
}

/// `store/register/business date/receipt`, as the stores' books name it.
fn order_key(order: &Order) -> String {
    let attribute = |name: &str| {
        let found = order.custom_attributes.iter().find(|attribute| attribute.key == name);
        found.map_or("?", |attribute| attribute.value.as_str())
    };
    ["store", "register", "businessDate", "receipt"].map(attribute).join("/")
}

/// From a note such as `Receipt 000188, register 2, store 0042, 2026-11-23 [key]`.
#[must_use]
pub(super) fn receipt_key(note: &str) -> String {
    let words: Vec<&str> = note.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    match words.as_slice() {
        ["Receipt", receipt, "register", register, "store", store, date, ..] => {
            [store, register, date, receipt].map(|word| *word).join("/")
        }
        _ => format!("?{note}"),
    }
}

/// Sales and returns that the agent has taken and that belong into the shop.
#[must_use]
pub(super) fn posted(store: &StoreBooks) -> u64 {
    let taken = store.entries.iter().filter(|entry| {
        let belongs = matches!(entry.kind, EntryKind::Sale | EntryKind::Return);
        belongs && matches!(entry.outcome, Outcome::Acknowledged(_))
    });
    taken.map(|_| 1).sum()
}
