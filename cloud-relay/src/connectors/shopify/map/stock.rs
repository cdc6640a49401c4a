//! Movements and counts, as the `input` of `inventoryAdjustQuantities` and
//! `inventorySetQuantities`.
//!
//! Several movements of one item at one location become one change. Shopify counts whole pieces,
//! so what is weighed is counted in a base unit, and what is no whole number of it is refused,
//! never rounded. Does not look items up.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use protocol::decimal::Number;
use protocol::event::{Body, Item, StockKind};
use protocol::id::Code;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Unfit;
use super::item::ItemName;
use super::plan::CHANGES_MAX;
use crate::connectors::shopify::config::ItemKey;
use crate::connectors::{Call, ExceptionClass};

/// The quantity that is sold from; moving it moves `on_hand` too.
const QUANTITY_NAME: &str = "available";

/// One movement of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::connectors::shopify) struct Movement {
    /// The line, for messages.
    pub(in crate::connectors::shopify) line: u32,
    /// The item.
    pub(in crate::connectors::shopify) item: ItemName,
    /// The location's identifier in the event.
    pub(in crate::connectors::shopify) location: String,
    /// What is added, in the item's base unit.
    pub(in crate::connectors::shopify) quantity: Decimal,
}

/// The unit of a line that states none.
const PIECE: &str = "EA";

/// In what Shopify counts items.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::connectors::shopify) struct BaseUnits {
    /// How many of Shopify's make one of a unit of the POS.
    pub(in crate::connectors::shopify) by_unit: BTreeMap<String, NonZeroU32>,
    /// The same for single items, by SKU or barcode.
    pub(in crate::connectors::shopify) by_item: BTreeMap<String, NonZeroU32>,
}

impl BaseUnits {
    /// A quantity of an item in its base unit; nothing if it leaves the range of numbers.
    fn count(&self, item: &ItemName, unit: Option<&Code>, quantity: Decimal) -> Option<Decimal> {
        let of_unit = || self.by_unit.get(unit.map_or(PIECE, Code::as_str));
        let factor = self.by_item.get(item.number()).or_else(of_unit);
        quantity.checked_mul(Decimal::from(factor.map_or(1, |factor| factor.get())))
    }
}

/// What one call moves.
pub(in crate::connectors::shopify) fn movements(
    call: &Call,
    key: ItemKey,
    units: &BaseUnits,
) -> Vec<Movement> {
    let moves = call.event.stock_moves();
    let part = part(&moves, call.planned.part);
    let movement = |moved: &protocol::event::Move| {
        let (item, unit) = line_of(&call.event.body, moved.line)?;
        let item = ItemName::of(item, key)?;
        let location = moved.location.as_str().to_owned();
        let quantity = units.count(&item, unit, moved.quantity.value())?;
        Some(Movement { line: moved.line, item, location, quantity })
    };
    part.iter().filter_map(movement).collect()
}

/// One counted line of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::connectors::shopify) struct Counted {
    /// The line, for messages.
    pub(in crate::connectors::shopify) line: u32,
    /// The item.
    pub(in crate::connectors::shopify) item: ItemName,
    /// What is there now, in the item's base unit: what was counted, and what moved since.
    pub(in crate::connectors::shopify) quantity: Decimal,
}

/// What one call counted.
pub(in crate::connectors::shopify) fn counted(
    call: &Call,
    key: ItemKey,
    units: &BaseUnits,
) -> Vec<Counted> {
    let Body::Stock(document) = &call.event.body else { return Vec::new() };
    let moved = call.moved_since.iter().copied().chain(std::iter::repeat(Number::ZERO));
    let lines: Vec<_> = document.lines.iter().zip(moved).collect();
    let counted = |(line, moved): &(&protocol::event::stock::StockLine, Number)| {
        let item = ItemName::of(&line.item, key)?;
        let quantity = line.counted?.value().checked_add(moved.value())?;
        let quantity = units.count(&item, line.unit.as_ref(), quantity)?;
        Some(Counted { line: line.line, item, quantity })
    };
    part(&lines, call.planned.part).iter().filter_map(counted).collect()
}

/// The items of one planned part.
fn part<T>(all: &[T], part: u32) -> &[T] {
    let index = usize::try_from(part).unwrap_or(usize::MAX);
    all.chunks(CHANGES_MAX).nth(index).unwrap_or_default()
}

/// The item of a line, and the unit of its quantity where it states one.
fn line_of(body: &Body, number: u32) -> Option<(&Item, Option<&Code>)> {
    match body {
        Body::Transaction(transaction) => {
            let line = transaction.lines.iter().find(|line| line.line == number)?;
            Some((line.item.as_ref()?, line.unit.as_ref()))
        }
        Body::Stock(document) => {
            let line = document.lines.iter().find(|line| line.line == number)?;
            Some((&line.item, line.unit.as_ref()))
        }
        Body::Till(_) | Body::Fiscal(_) => None,
    }
}

/// Why stock moves, in Shopify's words (recorded: `inventory-reason-validation`). There is none
/// for a sale; `other` says nothing wrong of a sale and a return netted in one change.
pub(in crate::connectors::shopify) fn reason(body: &Body) -> &'static str {
    let Body::Stock(document) = body else { return "other" };
    match document.kind {
        StockKind::Adjustment => "correction",
        StockKind::Count => "cycle_count_available",
        StockKind::Receipt => "received",
        StockKind::TransferOut => "movement_created",
        StockKind::TransferIn => "movement_received",
        StockKind::Damage => "damaged",
        StockKind::Shrinkage => "shrinkage",
        StockKind::ReturnToVendor => "other",
    }
}

/// A whole number of pieces.
pub(in crate::connectors::shopify) fn whole(
    line: u32,
    item: &ItemName,
    quantity: Decimal,
) -> Result<i64, Unfit> {
    let number = if quantity.fract().is_zero() { quantity.to_i64() } else { None };
    number.ok_or_else(|| {
        let reason = format!(
            "line {line}: {} of {item}, and Shopify counts whole pieces: name a smaller unit under \
             `base_units`, let Shopify not track this item, or correct its stock there by hand",
            quantity.normalize()
        );
        (ExceptionClass::Rejected, reason)
    })
}

/// An inventory item at a location, by their global identifiers.
pub(in crate::connectors::shopify) type Place = (String, String);

/// The changes of a bundle, each with the members that it comes from.
pub(in crate::connectors::shopify) type Changes = BTreeMap<Place, (i64, Vec<usize>)>;

/// The `input` of `inventoryAdjustQuantities`.
pub(in crate::connectors::shopify) fn adjust_input(
    changes: &Changes,
    reason: &str,
    key: Uuid,
) -> Value {
    let change = |((item, location), (delta, _)): (&Place, &(i64, Vec<usize>))| {
        json!({
            "inventoryItemId": item, "locationId": location, "delta": delta,
            // Has to be present; null skips the comparison, because deltas commute.
            "changeFromQuantity": null,
        })
    };
    json!({
        "name": QUANTITY_NAME,
        "reason": reason,
        "referenceDocumentUri": document_uri("Bundle", key),
        "changes": changes.iter().map(change).collect::<Vec<_>>(),
    })
}

/// One quantity that is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::connectors::shopify) struct Setting {
    /// Where.
    pub(in crate::connectors::shopify) place: Place,
    /// What is there now.
    pub(in crate::connectors::shopify) quantity: i64,
    /// What Shopify says is there.
    pub(in crate::connectors::shopify) level: i64,
}

/// The `input` of `inventorySetQuantities`.
pub(in crate::connectors::shopify) fn set_input(settings: &[Setting], key: Uuid) -> Value {
    let quantity = |setting: &Setting| {
        let (item, location) = &setting.place;
        json!({
            "inventoryItemId": item, "locationId": location, "quantity": setting.quantity,
            "changeFromQuantity": setting.level,
        })
    };
    json!({
        "name": QUANTITY_NAME,
        "reason": "cycle_count_available",
        "referenceDocumentUri": document_uri("Count", key),
        "quantities": settings.iter().map(quantity).collect::<Vec<_>>(),
    })
}

fn document_uri(kind: &str, key: Uuid) -> String {
    format!("gid://storekeep/{kind}/{key}")
}
