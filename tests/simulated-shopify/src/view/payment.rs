//! Transactions and refunds of an order.

use serde_json::{Map, Value};

use super::order::bag;
use super::{Node, Page, Resolved, View, id, leaf, moment};
use crate::operations::Refusal;
use crate::records::{Order, Refund, RefundLine, Transaction};

pub(super) fn transaction<'s>(
    view: &View<'s>,
    order: &'s Order,
    transaction: &'s Transaction,
    name: &str,
) -> Option<Resolved<'s>> {
    Some(match name {
        "id" => id(transaction.id),
        "kind" => leaf(transaction.kind.clone()),
        "status" => leaf(transaction.status.clone()),
        "gateway" | "formattedGateway" => leaf(transaction.gateway.clone()),
        "test" => leaf(transaction.test),
        "createdAt" | "processedAt" => moment(transaction.processed_at),
        "amountSet" => bag(order, transaction.amount),
        "order" => Resolved::Object(Node::Order(order)),
        "parentTransaction" => {
            let parent = order.transactions.iter().find(|each| Some(each.id) == transaction.parent);
            Resolved::optional(parent.map(|parent| Node::Transaction(order, parent)))
        }
        "location" => {
            let location = transaction.location.and_then(|at| view.state.location(&at.to_string()));
            Resolved::optional(location.map(Node::Location))
        }
        _ => return None,
    })
}

pub(super) fn refund<'s>(
    order: &'s Order,
    refund: &'s Refund,
    name: &str,
    arguments: &Map<String, Value>,
) -> Result<Option<Resolved<'s>>, Refusal> {
    Ok(Some(match name {
        "id" => id(refund.id),
        "legacyResourceId" => leaf(refund.id.number.to_string()),
        "note" => leaf(refund.note.clone()),
        "createdAt" | "updatedAt" => moment(refund.created_at),
        "processedAt" => moment(refund.processed_at),
        "totalRefundedSet" => bag(order, refund.total),
        "order" => Resolved::Object(Node::Order(order)),
        "return" => leaf(Value::Null),
        "refundLineItems" => {
            let lines = refund.lines.iter().map(|line| Node::RefundLine(order, line)).collect();
            Resolved::Page(Page::of(lines, arguments)?)
        }
        "transactions" => {
            let transactions = order
                .transactions
                .iter()
                .filter(|transaction| refund.transactions.contains(&transaction.id))
                .map(|transaction| Node::Transaction(order, transaction))
                .collect();
            Resolved::Page(Page::of(transactions, arguments)?)
        }
        _ => return Ok(None),
    }))
}

pub(super) fn refund_line<'s>(
    view: &View<'s>,
    order: &'s Order,
    line: &'s RefundLine,
    name: &str,
) -> Option<Resolved<'s>> {
    let original = order.lines.iter().find(|original| original.id == line.line);
    Some(match name {
        "id" => id(line.id),
        "quantity" => leaf(line.quantity),
        "restockType" => leaf(line.restock_type.clone()),
        // True for both kinds of restock (README, R47).
        "restocked" => leaf(line.restock_type != "NO_RESTOCK"),
        "priceSet" => bag(order, original.map(|original| original.price).unwrap_or_default()),
        "subtotalSet" => bag(order, line.subtotal),
        "totalTaxSet" => bag(order, line.tax),
        "lineItem" => Resolved::optional(original.map(|line| Node::Line(order, line))),
        "location" => {
            let location = line.location.and_then(|at| view.state.location(&at.to_string()));
            Resolved::optional(location.map(Node::Location))
        }
        _ => return None,
    })
}
