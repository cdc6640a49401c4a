//! The GraphQL documents that the connector sends, one file each.
//!
//! A test validates each against Shopify's schema. Builds no variables.

/// A document with its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Operation {
    /// The operation's name, for errors.
    pub(super) name: &'static str,
    /// The field of the mutation whose payload counts; empty for a query.
    pub(super) field: &'static str,
    /// The text that is sent.
    pub(super) text: &'static str,
}

const fn query(name: &'static str, text: &'static str) -> Operation {
    Operation { name, field: "", text }
}

const fn mutation(name: &'static str, field: &'static str, text: &'static str) -> Operation {
    Operation { name, field, text }
}

pub(super) const ORDER_CREATE: Operation =
    mutation("OrderCreate", "orderCreate", include_str!("order_create.graphql"));
pub(super) const ORDER_BY_KEY: Operation =
    query("OrderByKey", include_str!("order_by_key.graphql"));
pub(super) const ORDER_BY_SOURCE: Operation =
    query("OrderBySource", include_str!("order_by_source.graphql"));
pub(super) const ORDER_BY_ID: Operation = query("OrderById", include_str!("order_by_id.graphql"));
pub(super) const ORDER_FOR_REFUND: Operation =
    query("OrderForRefund", include_str!("order_for_refund.graphql"));
pub(super) const ORDERS_BY_NAME: Operation =
    query("OrdersByName", include_str!("orders_by_name.graphql"));
pub(super) const ORDERS_OF_DAY: Operation =
    query("OrdersOfDay", include_str!("orders_of_day.graphql"));
pub(super) const REFUND_BY_ID: Operation =
    query("RefundById", include_str!("refund_by_id.graphql"));
pub(super) const REFUND_CREATE: Operation =
    mutation("RefundCreate", "refundCreate", include_str!("refund_create.graphql"));
pub(super) const INVENTORY_ADJUST: Operation = mutation(
    "InventoryAdjust",
    "inventoryAdjustQuantities",
    include_str!("inventory_adjust.graphql"),
);
pub(super) const INVENTORY_SET: Operation =
    mutation("InventorySet", "inventorySetQuantities", include_str!("inventory_set.graphql"));
pub(super) const VARIANTS: Operation = query("Variants", include_str!("variants.graphql"));
pub(super) const LEVELS: Operation = query("Levels", include_str!("levels.graphql"));
pub(super) const LOCATIONS: Operation = query("Locations", include_str!("locations.graphql"));
pub(super) const INSTALLATION: Operation =
    query("Installation", include_str!("installation.graphql"));
pub(super) const KEY_DEFINITION: Operation =
    query("KeyDefinition", include_str!("key_definition.graphql"));
pub(super) const KEY_DEFINITION_CREATE: Operation = mutation(
    "KeyDefinitionCreate",
    "metafieldDefinitionCreate",
    include_str!("key_definition_create.graphql"),
);

/// Every document.
#[cfg(test)]
pub(super) const ALL: &[Operation] = &[
    ORDER_CREATE,
    ORDER_BY_KEY,
    ORDER_BY_SOURCE,
    ORDER_BY_ID,
    ORDER_FOR_REFUND,
    ORDERS_BY_NAME,
    ORDERS_OF_DAY,
    REFUND_BY_ID,
    REFUND_CREATE,
    INVENTORY_ADJUST,
    INVENTORY_SET,
    VARIANTS,
    LEVELS,
    LOCATIONS,
    INSTALLATION,
    KEY_DEFINITION,
    KEY_DEFINITION_CREATE,
];
