//! Variants, inventory items, levels and adjustments.

use serde_json::{Map, Value, json};

use super::{Node, Page, Resolved, View, id, leaf, moment};
use crate::ids::{Gid, Kind};
use crate::money;
use crate::operations::Refusal;
use crate::records::{AdjustmentGroup, Change, Level};
use crate::setup::SetupVariant;

pub(super) fn variant<'s>(
    view: &View<'s>,
    variant: &'s SetupVariant,
    name: &str,
) -> Option<Resolved<'s>> {
    Some(match name {
        "id" => id(variant.gid()),
        "legacyResourceId" => leaf(variant.number.to_string()),
        "sku" => leaf(variant.sku.clone()),
        "barcode" => leaf(variant.barcode.clone()),
        "title" => leaf("Default Title"),
        "displayName" => leaf(format!("{} - Default Title", variant.title)),
        // A `Money` scalar, with both decimal places (README, R68).
        "price" => {
            let price = variant.price.parse().unwrap_or_default();
            leaf(format!("{:.2}", money::rounded(price)))
        }
        "taxable" => leaf(true),
        "inventoryPolicy" => leaf(if variant.oversold { "CONTINUE" } else { "DENY" }),
        "inventoryQuantity" => {
            let levels = view.state.stock.of_item(variant.item_gid());
            leaf(levels.map(|level| level.available).sum::<i64>())
        }
        "createdAt" | "updatedAt" => moment(view.state.opened),
        "inventoryItem" => Resolved::Object(Node::Item(variant)),
        "product" => Resolved::Object(Node::Product(variant)),
        _ => return None,
    })
}

pub(super) fn item<'s>(
    view: &View<'s>,
    variant: &'s SetupVariant,
    name: &str,
    arguments: &Map<String, Value>,
) -> Result<Option<Resolved<'s>>, Refusal> {
    let stock = &view.state.stock;
    Ok(Some(match name {
        "id" => id(variant.item_gid()),
        "legacyResourceId" => leaf(variant.item_number.to_string()),
        "sku" => leaf(variant.sku.clone()),
        "tracked" => leaf(variant.tracked),
        "requiresShipping" => leaf(false),
        "createdAt" | "updatedAt" => moment(view.state.opened),
        "variant" => Resolved::Object(Node::Variant(variant)),
        "inventoryLevel" => {
            let location = arguments.get("locationId").and_then(Value::as_str).unwrap_or_default();
            let location = view.state.location(location);
            let level = location.and_then(|place| stock.level(variant.item_gid(), place.gid()));
            Resolved::optional(level.map(Node::Level))
        }
        "inventoryLevels" => {
            let levels = stock.of_item(variant.item_gid()).map(Node::Level).collect();
            Resolved::Page(Page::of(levels, arguments)?)
        }
        _ => return Ok(None),
    }))
}

pub(super) fn level<'s>(
    view: &View<'s>,
    level: &'s Level,
    name: &str,
    arguments: &Map<String, Value>,
) -> Result<Option<Resolved<'s>>, Refusal> {
    let gid = |kind: &str| {
        let (location, item) = (level.location.number, level.item.number);
        format!("gid://shopify/{kind}/{location}?inventory_item_id={item}")
    };
    Ok(Some(match name {
        // README, R63.
        "id" => leaf(gid("InventoryLevel")),
        "isActive" => leaf(true),
        "createdAt" => moment(view.state.opened),
        "updatedAt" => moment(level.updated_at),
        "item" => Resolved::optional(view.state.variant(level.item).map(Node::Item)),
        "location" => {
            let location = view.state.location(&level.location.to_string());
            Resolved::optional(location.map(Node::Location))
        }
        "quantities" => {
            let names = arguments.get("names").and_then(Value::as_array);
            let mut quantities = Vec::new();
            for name in names.into_iter().flatten().filter_map(Value::as_str) {
                let Some(quantity) = level.quantity(name) else {
                    return Err(Refusal {
                        message: format!(
                            "The specified quantity name is invalid. Valid values are: {}.",
                            Level::NAMES.join(", ")
                        ),
                        code: "INVALID_FIELD_ARGUMENTS",
                    });
                };
                // Only `available` has a moment (README, R63).
                let updated_at =
                    (name == "available").then(|| crate::time::write(level.updated_at));
                quantities.push(json!({
                    "id": format!("{}&name={name}", gid("InventoryQuantity")),
                    "name": name,
                    "quantity": quantity,
                    "updatedAt": updated_at,
                }));
            }
            Resolved::Json(Value::Array(quantities))
        }
        _ => return Ok(None),
    }))
}

pub(super) fn group<'s>(
    view: &View<'s>,
    group: &'s AdjustmentGroup,
    name: &str,
    arguments: &Map<String, Value>,
) -> Option<Resolved<'s>> {
    Some(match name {
        "id" => id(group.id),
        "createdAt" => moment(group.created_at),
        "reason" => leaf(group.reason.clone()),
        "referenceDocumentUri" => leaf(group.reference_document_uri.clone()),
        "changes" => {
            let wanted = |argument: &str, text: &str| {
                let filter = arguments.get(argument).and_then(Value::as_array);
                filter.is_none_or(|filter| filter.iter().any(|wanted| wanted == text))
            };
            let changes = group.changes.iter().filter(|change| {
                wanted("quantityNames", &change.name)
                    && wanted("inventoryItemIds", &change.item.to_string())
                    && wanted("locationIds", &change.location.to_string())
            });
            Resolved::Json(changes.map(|each| change(view, each)).collect())
        }
        _ => return None,
    })
}

fn change(view: &View<'_>, change: &Change) -> Value {
    let variant = view.state.variant(change.item);
    let location = view.state.location(&change.location.to_string());
    json!({
        "name": change.name,
        "delta": change.delta,
        // README, R58.
        "quantityAfterChange": null,
        "ledgerDocumentUri": change.ledger_document_uri,
        "item": {
            "id": change.item,
            "sku": variant.and_then(|variant| variant.sku.clone()),
            "tracked": variant.is_some_and(|variant| variant.tracked),
        },
        "location": {
            "id": change.location,
            "name": location.map(|location| location.name.clone()),
        },
    })
}

/// The inventory item of a level's identifier, and its location.
pub(super) fn read_level_id(text: &str) -> Option<(Gid, Gid)> {
    let rest = text.strip_prefix("gid://shopify/InventoryLevel/")?;
    let (location, item) = rest.split_once("?inventory_item_id=")?;
    Some((
        Gid::new(Kind::InventoryItem, item.parse().ok()?),
        Gid::new(Kind::Location, location.parse().ok()?),
    ))
}
