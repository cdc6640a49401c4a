//! What can be read: the fields of every type that this shop models.
//!
//! A field is resolved from the records when it is asked for. A field that is not modelled is
//! refused with `NOT_SIMULATED`, never made up. Changes nothing.

mod inventory;
mod order;
mod page;
mod payload;
mod payment;
mod root;
mod shop;

use std::cell::RefCell;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::access;
use crate::ids::Gid;
use crate::operations::{Payload, Refusal, not_simulated};
use crate::records::{
    AdjustmentGroup, Level, Line, Metafield, MetafieldDefinition, Order, Refund, RefundLine,
    ShippingLine, Transaction,
};
use crate::setup::{SetupLocation, SetupVariant};
use crate::state::{State, readable};

pub(crate) use self::page::Page;

/// The state as one request sees it.
#[derive(Debug)]
pub(crate) struct View<'s> {
    state: &'s State,
    now: Timestamp,
    search_warnings: RefCell<Vec<Value>>,
}

impl<'s> View<'s> {
    pub(crate) fn new(state: &'s State, now: Timestamp) -> Self {
        Self { state, now, search_warnings: RefCell::new(Vec::new()) }
    }

    /// `extensions.search`, once everything was resolved.
    pub(crate) fn into_search_warnings(self) -> Vec<Value> {
        self.search_warnings.into_inner()
    }

    fn readable(&self, order: &Order) -> bool {
        let reads_all = access::granted(&self.state.setup.scopes, "read_all_orders");
        !self.state.deleted.contains(&order.id) && readable(order, reads_all, self.now)
    }

    fn searchable(&self, order: &Order) -> bool {
        self.readable(order) && order.searchable_from <= self.now
    }
}

/// What a field resolves to.
#[derive(Debug)]
pub(crate) enum Resolved<'s> {
    /// A scalar, an enum value, a list of them, or null.
    Leaf(Value),
    /// Objects without arguments, as they are.
    Json(Value),
    Object(Node<'s>),
    List(Vec<Node<'s>>),
    Page(Page<'s>),
}

impl<'s> Resolved<'s> {
    fn optional(node: Option<Node<'s>>) -> Self {
        node.map_or(Self::Leaf(Value::Null), Self::Object)
    }
}

fn leaf<'s>(value: impl Into<Value>) -> Resolved<'s> {
    Resolved::Leaf(value.into())
}

fn id<'s>(id: Gid) -> Resolved<'s> {
    leaf(id.to_string())
}

fn moment<'s>(moment: Timestamp) -> Resolved<'s> {
    leaf(crate::time::write(moment))
}

/// An object with a type and fields of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Node<'s> {
    Fulfillment(&'s Order),
    FulfillmentLineItem(&'s Order, &'s Line),
    Group(&'s AdjustmentGroup),
    Installation,
    Item(&'s SetupVariant),
    Level(&'s Level),
    Line(&'s Order, &'s Line),
    Location(&'s SetupLocation),
    Metafield(&'s Order, &'s Metafield),
    MetafieldDefinition(&'s MetafieldDefinition),
    Order(&'s Order),
    Payload(&'s Payload),
    Product(&'s SetupVariant),
    Refund(&'s Order, &'s Refund),
    RefundLine(&'s Order, &'s RefundLine),
    ShippingLine(&'s Order, &'s ShippingLine),
    Shop,
    Transaction(&'s Order, &'s Transaction),
    Variant(&'s SetupVariant),
}

impl<'s> Node<'s> {
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Fulfillment(_) => "Fulfillment",
            Self::FulfillmentLineItem(..) => "FulfillmentLineItem",
            Self::Group(_) => "InventoryAdjustmentGroup",
            Self::Installation => "AppInstallation",
            Self::Item(_) => "InventoryItem",
            Self::Level(_) => "InventoryLevel",
            Self::Line(..) => "LineItem",
            Self::Location(_) => "Location",
            Self::Metafield(..) => "Metafield",
            Self::MetafieldDefinition(_) => "MetafieldDefinition",
            Self::Order(_) => "Order",
            Self::Payload(payload) => payload::type_name(payload),
            Self::Product(_) => "Product",
            Self::Refund(..) => "Refund",
            Self::RefundLine(..) => "RefundLineItem",
            Self::ShippingLine(..) => "ShippingLine",
            Self::Shop => "Shop",
            Self::Transaction(..) => "OrderTransaction",
            Self::Variant(_) => "ProductVariant",
        }
    }

    /// An opaque position in a connection: which object it is.
    pub(crate) fn cursor(&self) -> String {
        let number = match self {
            Self::Fulfillment(order) | Self::Order(order) => order.id.number,
            Self::FulfillmentLineItem(_, line) | Self::Line(_, line) => line.id.number,
            Self::Group(group) => group.id.number,
            Self::Item(variant) => variant.item_number,
            Self::Level(level) => level.location.number,
            Self::Location(location) => location.number,
            Self::Metafield(_, metafield) => metafield.id.number,
            Self::MetafieldDefinition(definition) => definition.id.number,
            Self::Product(variant) | Self::Variant(variant) => variant.number,
            Self::Refund(_, refund) => refund.id.number,
            Self::RefundLine(_, line) => line.id.number,
            Self::ShippingLine(_, line) => line.number,
            Self::Transaction(_, transaction) => transaction.id.number,
            Self::Installation | Self::Payload(_) | Self::Shop => 0,
        };
        format!("c{number:x}")
    }

    /// Resolves a field.
    pub(crate) fn field(
        &self,
        view: &View<'s>,
        name: &str,
        arguments: &Map<String, Value>,
    ) -> Result<Resolved<'s>, Refusal> {
        let resolved = match *self {
            Self::Fulfillment(order) => order::fulfillment(view, order, name, arguments)?,
            Self::FulfillmentLineItem(order, line) => order::fulfillment_line(order, line, name),
            Self::Group(group) => inventory::group(view, group, name, arguments),
            Self::Installation => shop::installation(view, name),
            Self::Item(variant) => inventory::item(view, variant, name, arguments)?,
            Self::Level(level) => inventory::level(view, level, name, arguments)?,
            Self::Line(order, line) => order::line(view, order, line, name, arguments),
            Self::Location(location) => shop::location(view, location, name, arguments),
            Self::Metafield(order, metafield) => order::metafield(view, order, metafield, name),
            Self::MetafieldDefinition(definition) => shop::definition(definition, name),
            Self::Order(order) => order::order(view, order, name, arguments)?,
            Self::Payload(payload) => payload::field(view, payload, name),
            Self::Product(variant) => shop::product(variant, name),
            Self::Refund(order, refund) => payment::refund(order, refund, name, arguments)?,
            Self::RefundLine(order, line) => payment::refund_line(view, order, line, name),
            Self::ShippingLine(order, line) => order::shipping_line(order, line, name, arguments),
            Self::Shop => shop::shop(view, name),
            Self::Transaction(order, transaction) => {
                payment::transaction(view, order, transaction, name)
            }
            Self::Variant(variant) => inventory::variant(view, variant, name),
        };
        resolved.ok_or_else(|| not_simulated(&format!("{}.{name}", self.type_name())))
    }
}

/// `Count` (README, R67).
fn count(number: usize, limit: Option<u64>) -> Value {
    let number = u64::try_from(number).unwrap_or(u64::MAX);
    match limit {
        Some(limit) if number > limit => json!({ "count": limit, "precision": "AT_LEAST" }),
        _ => json!({ "count": number, "precision": "EXACT" }),
    }
}
