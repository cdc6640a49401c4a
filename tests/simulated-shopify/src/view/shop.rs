//! The shop, the app's installation, locations, products and metafield definitions.

use serde_json::{Map, Value, json};

use super::{Node, Resolved, View, id, leaf, moment};
use crate::ids::{Gid, Kind};
use crate::records::MetafieldDefinition;
use crate::setup::{SetupLocation, SetupVariant};

pub(super) fn shop<'s>(view: &View<'s>, name: &str) -> Option<Resolved<'s>> {
    let setup = &view.state.setup;
    Some(match name {
        "id" => id(Gid::new(Kind::Shop, 1)),
        "name" => leaf(setup.shop.split('.').next().unwrap_or_default()),
        "myshopifyDomain" => leaf(setup.shop.clone()),
        "currencyCode" => leaf(setup.currency.clone()),
        "ianaTimezone" => leaf("Etc/UTC"),
        "taxesIncluded" => leaf(setup.options.taxes_included),
        "plan" => Resolved::Json(json!({
            "partnerDevelopment": setup.options.orders_per_minute_max.is_some(),
            "publicDisplayName": "Basic",
            "shopifyPlus": false,
        })),
        _ => return None,
    })
}

pub(super) fn installation<'s>(view: &View<'s>, name: &str) -> Option<Resolved<'s>> {
    Some(match name {
        "id" => id(Gid::new(Kind::AppInstallation, 1)),
        "accessScopes" => {
            let scopes = view.state.setup.scopes.iter();
            Resolved::Json(scopes.map(|scope| json!({ "handle": scope })).collect())
        }
        _ => return None,
    })
}

pub(super) fn location<'s>(
    view: &View<'s>,
    location: &'s SetupLocation,
    name: &str,
    arguments: &Map<String, Value>,
) -> Option<Resolved<'s>> {
    Some(match name {
        "id" => id(location.gid()),
        "legacyResourceId" => leaf(location.number.to_string()),
        "name" => leaf(location.name.clone()),
        "isActive" | "fulfillsOnlineOrders" | "shipsInventory" => leaf(location.active),
        "isFulfillmentService" => leaf(false),
        "createdAt" | "updatedAt" => moment(view.state.opened),
        "inventoryLevel" => {
            let item: Option<Gid> =
                arguments.get("inventoryItemId").and_then(Value::as_str)?.parse().ok();
            let level = item.and_then(|item| view.state.stock.level(item, location.gid()));
            Resolved::optional(level.map(Node::Level))
        }
        _ => return None,
    })
}

pub(super) fn product<'s>(variant: &SetupVariant, name: &str) -> Option<Resolved<'s>> {
    Some(match name {
        "id" => id(Gid::new(Kind::Product, variant.number)),
        "title" => leaf(variant.title.clone()),
        "status" => leaf("ACTIVE"),
        "tracksInventory" => leaf(variant.tracked),
        _ => return None,
    })
}

pub(super) fn definition<'s>(
    definition: &'s MetafieldDefinition,
    name: &str,
) -> Option<Resolved<'s>> {
    Some(match name {
        "id" => id(definition.id),
        "name" => leaf(definition.name.clone()),
        "namespace" => leaf(definition.namespace.clone()),
        "key" => leaf(definition.key.clone()),
        "ownerType" => leaf(definition.owner_type.clone()),
        "description" => leaf(definition.description.clone()),
        "type" => Resolved::Json(json!({ "name": definition.kind })),
        _ => return None,
    })
}
