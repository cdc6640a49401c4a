//! Orders with their lines, transactions, refunds and metafields.
//!
//! Sums and statuses follow from lines and money (README, R36).

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::{Node, Page, Resolved, View, count, id, leaf, moment};
use crate::money::{self, Amount};
use crate::operations::{Refusal, net_payment, received, refunded};
use crate::records::{Attribute, Line, Metafield, Order, RefundLine, ShippingLine, TaxLine};
use crate::state::namespace;

pub(super) fn bag<'s>(order: &Order, amount: Amount) -> Resolved<'s> {
    Resolved::Json(money::bag(amount, &order.currency, &order.presentment_currency))
}

fn tax_lines<'s>(order: &Order, taxes: &[TaxLine], arguments: &Map<String, Value>) -> Resolved<'s> {
    let taxes = taxes.iter().take(most(arguments)).map(|tax| {
        let rate: Value = serde_json::from_str(&tax.rate.to_string()).unwrap_or_default();
        json!({
            "title": tax.title,
            "rate": rate,
            "priceSet": money::bag(tax.amount, &order.currency, &order.presentment_currency),
        })
    });
    Resolved::Json(taxes.collect())
}

fn attributes<'s>(attributes: &[Attribute]) -> Resolved<'s> {
    let attributes = attributes.iter().map(|each| json!({ "key": each.key, "value": each.value }));
    Resolved::Json(attributes.collect())
}

/// `first` of a plain list.
fn most(arguments: &Map<String, Value>) -> usize {
    let first = arguments.get("first").and_then(Value::as_u64);
    first.and_then(|first| usize::try_from(first).ok()).unwrap_or(usize::MAX)
}

fn text<'a>(arguments: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    arguments.get(name).and_then(Value::as_str)
}

pub(super) fn order<'s>(
    view: &View<'s>,
    order: &'s Order,
    name: &str,
    arguments: &Map<String, Value>,
) -> Result<Option<Resolved<'s>>, Refusal> {
    if let Some(amount) = amount(order, name) {
        return Ok(Some(bag(order, amount)));
    }
    Ok(Some(match name {
        "lineItems" => {
            let lines = order.lines.iter().map(|line| Node::Line(order, line)).collect();
            Resolved::Page(Page::of(lines, arguments)?)
        }
        "metafields" => {
            let wanted = text(arguments, "namespace").map(|given| namespace(Some(given)));
            let metafields = order.metafields.iter();
            let metafields = metafields
                .filter(|each| wanted.as_ref().is_none_or(|wanted| each.namespace == *wanted))
                .map(|metafield| Node::Metafield(order, metafield));
            Resolved::Page(Page::of(metafields.collect(), arguments)?)
        }
        "metafield" => {
            let namespace = namespace(text(arguments, "namespace"));
            let key = text(arguments, "key").unwrap_or_default();
            let found = order
                .metafields
                .iter()
                .find(|metafield| metafield.namespace == namespace && metafield.key == key);
            Resolved::optional(found.map(|metafield| Node::Metafield(order, metafield)))
        }
        "transactions" => Resolved::List(
            order
                .transactions
                .iter()
                .take(most(arguments))
                .map(|transaction| Node::Transaction(order, transaction))
                .collect(),
        ),
        "refunds" => Resolved::List(
            order
                .refunds
                .iter()
                .take(most(arguments))
                .map(|refund| Node::Refund(order, refund))
                .collect(),
        ),
        "fulfillments" => {
            let fulfilled = order.fulfillment.iter().map(|_| Node::Fulfillment(order));
            Resolved::List(fulfilled.take(most(arguments)).collect())
        }
        "shippingLines" => {
            let lines = order.shipping_lines.iter().map(|line| Node::ShippingLine(order, line));
            Resolved::Page(Page::of(lines.collect(), arguments)?)
        }
        "taxLines" => tax_lines(order, &all_taxes(order), arguments),
        _ => return Ok(plain(view, order, name)),
    }))
}

/// The sums of an order.
fn amount(order: &Order, name: &str) -> Option<Amount> {
    let totals = order.totals;
    let returned = |part: fn(&RefundLine) -> Amount| -> Amount {
        order.refunds.iter().flat_map(|refund| &refund.lines).map(part).sum()
    };
    let returned_shipping = || -> Amount { order.refunds.iter().map(|each| each.shipping).sum() };
    let returned_tax = returned(|line| line.tax);
    Some(match name {
        "totalPriceSet" | "originalTotalPriceSet" => totals.total,
        "subtotalPriceSet" => totals.subtotal,
        "totalTaxSet" => totals.tax,
        "totalShippingPriceSet" => totals.shipping,
        "totalDiscountsSet" | "currentTotalDiscountsSet" => totals.discounts,
        "currentSubtotalPriceSet" => (totals.subtotal - returned(|line| line.subtotal)).floored(),
        "currentTotalTaxSet" => (totals.tax - returned_tax).floored(),
        "currentTotalPriceSet" => {
            let net = totals.total - returned(|line| line.subtotal) - returned_shipping();
            let tax = if order.taxes_included { Amount::default() } else { returned_tax };
            (net - tax).floored()
        }
        "totalReceivedSet" => received(order),
        "totalRefundedSet" => refunded(order),
        "netPaymentSet" => net_payment(order),
        "totalCapturableSet" => authorised(order),
        "totalOutstandingSet" => (totals.total - received(order) - authorised(order)).floored(),
        _ => return None,
    })
}

fn authorised(order: &Order) -> Amount {
    let held = order.transactions.iter().filter(|held| held.succeeded_as(&["AUTHORIZATION"]));
    held.map(|transaction| transaction.amount).sum()
}

fn all_taxes(order: &Order) -> Vec<TaxLine> {
    let lines = order.lines.iter().flat_map(|line| &line.tax_lines);
    let shipping = order.shipping_lines.iter().flat_map(|line| &line.tax_lines);
    lines.chain(shipping).chain(&order.tax_lines).cloned().collect()
}

fn plain<'s>(view: &View<'s>, order: &'s Order, name: &str) -> Option<Resolved<'s>> {
    Some(match name {
        "id" => id(order.id),
        "legacyResourceId" => leaf(order.id.number.to_string()),
        "name" => leaf(order.name.clone()),
        "number" => leaf(order.number),
        "sourceIdentifier" => leaf(order.source_identifier.clone()),
        "sourceName" => leaf(order.source_name.clone()),
        "email" => leaf(order.email.clone()),
        "note" => leaf(order.note.clone()),
        "tags" => leaf(order.tags.clone()),
        "test" => leaf(order.test),
        "createdAt" => moment(order.created_at),
        "processedAt" => moment(order.processed_at),
        "updatedAt" => moment(order.updated_at),
        "cancelledAt" | "closedAt" => leaf(Value::Null),
        "currencyCode" => leaf(order.currency.clone()),
        "presentmentCurrencyCode" => leaf(order.presentment_currency.clone()),
        "taxesIncluded" => leaf(order.taxes_included),
        "customAttributes" => attributes(&order.custom_attributes),
        "displayFinancialStatus" => leaf(financial_status(order)),
        "displayFulfillmentStatus" => leaf(order.fulfillment_status.clone()),
        "fullyPaid" => leaf(received(order).shop >= order.totals.total.shop),
        "refundable" => leaf(net_payment(order).shop > Decimal::ZERO),
        "discountCode" => leaf(order.discount.as_ref().map(|discount| discount.code.clone())),
        "discountCodes" => {
            leaf(order.discount.iter().map(|discount| discount.code.clone()).collect::<Vec<_>>())
        }
        "paymentGatewayNames" => {
            let mut names: Vec<&str> =
                order.transactions.iter().map(|each| each.gateway.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            leaf(names)
        }
        "subtotalLineItemsQuantity" => {
            leaf(order.lines.iter().map(|line| line.quantity).sum::<i64>())
        }
        "currentSubtotalLineItemsQuantity" => {
            leaf(order.lines.iter().map(|line| line.quantity - line.refunded).sum::<i64>())
        }
        "transactionsCount" => Resolved::Json(count(order.transactions.len(), None)),
        "retailLocation" => {
            let location = order.transactions.iter().find_map(|each| each.location);
            let location = location.and_then(|at| view.state.location(&at.to_string()));
            Resolved::optional(location.map(Node::Location))
        }
        _ => return None,
    })
}

/// Without transactions it is what was stated, or null; afterwards it follows from the money
/// (README, R36).
fn financial_status(order: &Order) -> Option<String> {
    let (received, refunded) = (received(order).shop, refunded(order).shop);
    let status = if refunded > Decimal::ZERO && refunded >= received {
        "REFUNDED"
    } else if refunded > Decimal::ZERO {
        "PARTIALLY_REFUNDED"
    } else if let Some(stated) = &order.stated_financial_status {
        stated
    } else if received >= order.totals.total.shop && !order.transactions.is_empty() {
        "PAID"
    } else if received > Decimal::ZERO {
        "PARTIALLY_PAID"
    } else if authorised(order).shop > Decimal::ZERO {
        "AUTHORIZED"
    } else if order.transactions.is_empty() {
        return None;
    } else {
        "PENDING"
    };
    Some(status.to_owned())
}

pub(super) fn line<'s>(
    view: &View<'s>,
    order: &'s Order,
    line: &'s Line,
    name: &str,
    arguments: &Map<String, Value>,
) -> Option<Resolved<'s>> {
    let left = line.quantity - line.refunded;
    let variant = line.variant.and_then(|id| view.state.variant(id));
    Some(match name {
        "id" => id(line.id),
        "title" | "name" => leaf(line.title.clone()),
        "sku" => leaf(line.sku.clone()),
        "vendor" => leaf(line.vendor.clone()),
        "variantTitle" => leaf(Value::Null),
        "quantity" => leaf(line.quantity),
        "currentQuantity" | "refundableQuantity" => leaf(left),
        "unfulfilledQuantity" => leaf(if order.fulfillment.is_some() { 0 } else { left }),
        "taxable" => leaf(line.taxable),
        "requiresShipping" => leaf(line.requires_shipping),
        "restockable" => leaf(variant.is_some()),
        "customAttributes" => attributes(&line.properties),
        "discountAllocations" => Resolved::Json(json!([])),
        "originalUnitPriceSet" | "discountedUnitPriceSet" => bag(order, line.price),
        "originalTotalSet" | "discountedTotalSet" => bag(order, line.original_total()),
        "totalDiscountSet" => bag(order, Amount::default()),
        "taxLines" => tax_lines(order, &line.tax_lines, arguments),
        "variant" => Resolved::optional(variant.map(Node::Variant)),
        "product" => Resolved::optional(variant.map(Node::Product)),
        _ => return None,
    })
}

pub(super) fn shipping_line<'s>(
    order: &'s Order,
    line: &'s ShippingLine,
    name: &str,
    arguments: &Map<String, Value>,
) -> Option<Resolved<'s>> {
    Some(match name {
        "title" => leaf(line.title.clone()),
        "code" => leaf(line.code.clone()),
        "source" => leaf(line.source.clone()),
        "originalPriceSet" => bag(order, line.price),
        "taxLines" => tax_lines(order, &line.tax_lines, arguments),
        _ => return None,
    })
}

pub(super) fn fulfillment<'s>(
    view: &View<'s>,
    order: &'s Order,
    name: &str,
    arguments: &Map<String, Value>,
) -> Result<Option<Resolved<'s>>, Refusal> {
    let Some(fulfillment) = order.fulfillment else {
        return Ok(None);
    };
    Ok(Some(match name {
        "id" => id(fulfillment.id),
        "status" => leaf("SUCCESS"),
        "createdAt" | "updatedAt" => moment(order.created_at),
        "totalQuantity" => leaf(order.lines.iter().map(|line| line.quantity).sum::<i64>()),
        "location" => {
            let location = view.state.location(&fulfillment.location.to_string());
            Resolved::optional(location.map(Node::Location))
        }
        "fulfillmentLineItems" => {
            let lines =
                order.lines.iter().map(|line| Node::FulfillmentLineItem(order, line)).collect();
            Resolved::Page(Page::of(lines, arguments)?)
        }
        _ => return Ok(None),
    }))
}

pub(super) fn fulfillment_line<'s>(
    order: &'s Order,
    line: &'s Line,
    name: &str,
) -> Option<Resolved<'s>> {
    Some(match name {
        "id" => leaf(format!("gid://shopify/FulfillmentLineItem/{}", line.id.number)),
        "quantity" => leaf(line.quantity),
        "lineItem" => Resolved::Object(Node::Line(order, line)),
        _ => return None,
    })
}

pub(super) fn metafield<'s>(
    view: &View<'s>,
    order: &'s Order,
    metafield: &'s Metafield,
    name: &str,
) -> Option<Resolved<'s>> {
    Some(match name {
        "id" => id(metafield.id),
        "namespace" => leaf(metafield.namespace.clone()),
        "key" => leaf(metafield.key.clone()),
        "value" => leaf(metafield.value.clone()),
        "type" => leaf(metafield.kind.clone()),
        "ownerType" => leaf("ORDER"),
        "createdAt" | "updatedAt" => moment(order.created_at),
        "definition" => {
            let found = view.state.definition("ORDER", &metafield.namespace, &metafield.key);
            Resolved::optional(found.map(Node::MetafieldDefinition))
        }
        _ => return None,
    })
}
