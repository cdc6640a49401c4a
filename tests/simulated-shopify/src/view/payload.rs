//! The payloads of the mutations.

use serde_json::Value;

use super::{Node, Resolved, View};
use crate::operations::{Payload, UserError};

pub(super) fn type_name(payload: &Payload) -> &'static str {
    match payload {
        Payload::OrderCreate { .. } => "OrderCreatePayload",
        Payload::RefundCreate { .. } => "RefundCreatePayload",
        Payload::InventoryAdjust { .. } => "InventoryAdjustQuantitiesPayload",
        Payload::InventorySet { .. } => "InventorySetQuantitiesPayload",
        Payload::DefinitionCreate { .. } => "MetafieldDefinitionCreatePayload",
    }
}

pub(super) fn field<'s>(view: &View<'s>, payload: &Payload, name: &str) -> Option<Resolved<'s>> {
    let state = view.state;
    let order = |at: &Option<usize>| at.map(|at| state.ledger.at(at));
    Some(Resolved::optional(match (payload, name) {
        (_, "userErrors") => {
            let errors = payload.errors().iter().map(UserError::to_json).collect();
            return Some(Resolved::Json(Value::Array(errors)));
        }
        (
            Payload::OrderCreate { order: at, .. } | Payload::RefundCreate { order: at, .. },
            "order",
        ) => order(at).map(Node::Order),
        (Payload::RefundCreate { order: at, refund, .. }, "refund") => {
            let refunded = order(at).zip(*refund);
            refunded.map(|(order, at)| Node::Refund(order, &order.refunds[at]))
        }
        (
            Payload::InventoryAdjust { group, .. } | Payload::InventorySet { group, .. },
            "inventoryAdjustmentGroup",
        ) => group.map(|at| Node::Group(&state.groups[at])),
        (Payload::DefinitionCreate { definition, .. }, "createdDefinition") => {
            definition.map(|at| Node::MetafieldDefinition(&state.definitions[at]))
        }
        _ => return None,
    }))
}
