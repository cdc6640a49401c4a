//! The root fields of queries.
//!
//! Orders are searched, and found by their own identifier (`customId`), only once they are
//! searchable; by Shopify's identifier they are found at once.

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::inventory::read_level_id;
use super::{Node, Page, Resolved, View, count};
use crate::ids::{Gid, Kind};
use crate::operations::{Refusal, not_simulated};
use crate::records::Order;
use crate::search::{Facet, Query, is_grouped};
use crate::setup::SetupVariant;
use crate::state::namespace;

impl<'s> View<'s> {
    /// Resolves a root field of a query.
    pub(crate) fn root_field(
        &self,
        name: &str,
        arguments: &Map<String, Value>,
    ) -> Result<Resolved<'s>, Refusal> {
        let state = self.state;
        Ok(match name {
            "shop" => Resolved::Object(Node::Shop),
            "currentAppInstallation" => Resolved::Object(Node::Installation),
            "publicApiVersions" => Resolved::Json(json!([
                { "handle": "2026-10", "displayName": "2026-10 (Latest)", "supported": true },
            ])),
            "node" => Resolved::optional(self.node(given(arguments, "id"))),
            "nodes" => {
                let ids = arguments.get("ids").and_then(Value::as_array);
                let ids = ids.into_iter().flatten().filter_map(Value::as_str);
                let nodes: Option<Vec<_>> = ids.map(|id| self.node(id)).collect();
                match nodes {
                    Some(nodes) => Resolved::List(nodes),
                    None => return Err(not_simulated("A null among QueryRoot.nodes")),
                }
            }
            "order" => self.by_id(arguments, Kind::Order)?,
            "refund" => self.by_id(arguments, Kind::Refund)?,
            "location" if !arguments.contains_key("id") => {
                let first = state.setup.locations.iter().find(|location| location.active);
                Resolved::optional(first.map(Node::Location))
            }
            "location" => self.by_id(arguments, Kind::Location)?,
            "productVariant" => self.by_id(arguments, Kind::ProductVariant)?,
            "inventoryItem" => self.by_id(arguments, Kind::InventoryItem)?,
            "inventoryLevel" => Resolved::optional(self.level(given(arguments, "id"))),
            "orderByIdentifier" => Resolved::optional(self.order_by_identifier(arguments)?),
            "orders" => {
                let mut orders = self.find_orders("orders", arguments)?;
                sort_orders(&mut orders, given(arguments, "sortKey"));
                let nodes = orders.into_iter().map(Node::Order).collect();
                Resolved::Page(Page::of(nodes, arguments)?)
            }
            "ordersCount" => {
                let found = self.find_orders("ordersCount", arguments)?.len();
                Resolved::Json(count(found, arguments.get("limit").and_then(Value::as_u64)))
            }
            "productVariants" => {
                let nodes = self.find_variants(arguments)?.into_iter().map(Node::Variant).collect();
                Resolved::Page(Page::of(nodes, arguments)?)
            }
            "locations" => self.locations(arguments)?,
            "metafieldDefinitions" => {
                let namespace =
                    optional(arguments, "namespace").map(|given| namespace(Some(given)));
                let definitions = state.definitions.iter().filter(|definition| {
                    definition.owner_type == given(arguments, "ownerType")
                        && namespace.as_ref().is_none_or(|wanted| definition.namespace == *wanted)
                        && optional(arguments, "key").is_none_or(|key| definition.key == key)
                });
                let nodes = definitions.map(Node::MetafieldDefinition).collect();
                Resolved::Page(Page::of(nodes, arguments)?)
            }
            other => return Err(not_simulated(&format!("QueryRoot.{other}"))),
        })
    }

    /// An object by its identifier; an unknown one is null. Another kind of identifier is refused
    /// (README, R66).
    fn by_id(&self, arguments: &Map<String, Value>, kind: Kind) -> Result<Resolved<'s>, Refusal> {
        let id = given(arguments, "id");
        if id.parse().is_ok_and(|gid: Gid| gid.kind == kind) {
            return Ok(Resolved::optional(self.node(id)));
        }
        Err(Refusal { message: format!("Invalid id: {id}"), code: "RESOURCE_NOT_FOUND" })
    }

    fn node(&self, id: &str) -> Option<Node<'s>> {
        let state = self.state;
        let Ok(gid) = id.parse::<Gid>() else {
            return self.level(id);
        };
        match gid.kind {
            Kind::Order => {
                state.ledger.order(id).filter(|order| self.readable(order)).map(Node::Order)
            }
            Kind::Refund => {
                let order = state.ledger.order_of_refund(id)?;
                let refund = order.refunds.iter().find(|refund| refund.id == gid)?;
                self.readable(order).then_some(Node::Refund(order, refund))
            }
            Kind::Location => state.location(id).map(Node::Location),
            Kind::ProductVariant => state.variant(gid).map(Node::Variant),
            Kind::InventoryItem => state.variant(gid).map(Node::Item),
            Kind::InventoryAdjustmentGroup => {
                state.groups.iter().find(|group| group.id == gid).map(Node::Group)
            }
            Kind::MetafieldDefinition => {
                let known = state.definitions.iter().find(|definition| definition.id == gid);
                known.map(Node::MetafieldDefinition)
            }
            _ => None,
        }
    }

    fn level(&self, id: &str) -> Option<Node<'s>> {
        let (item, location) = read_level_id(id)?;
        self.state.stock.level(item, location).map(Node::Level)
    }

    /// Where several orders have the same `id` metafield (README, R39), the newest is found: the
    /// worse reading, because a client that stored the first one is then told of another (README,
    /// R74).
    fn order_by_identifier(
        &self,
        arguments: &Map<String, Value>,
    ) -> Result<Option<Node<'s>>, Refusal> {
        let identifier = arguments.get("identifier").unwrap_or(&Value::Null);
        if let Some(id) = identifier.get("id").and_then(Value::as_str) {
            return Ok(self.node(id).filter(|node| matches!(node, Node::Order(_))));
        }
        let custom = identifier.get("customId").unwrap_or(&Value::Null);
        let text = |name: &str| custom.get(name).and_then(Value::as_str);
        let (namespace, key) = (namespace(text("namespace")), text("key").unwrap_or_default());
        let defined = self.state.definition("ORDER", &namespace, key);
        if defined.is_none_or(|definition| definition.kind != "id") {
            return Err(Refusal {
                message: "Metafield definition of type 'id' is required when using custom ids."
                    .to_owned(),
                code: "NOT_FOUND",
            });
        }
        let value = text("value").unwrap_or_default();
        let mut found = self.state.ledger.with_metafield(&namespace, key, value);
        Ok(found.rfind(|order| self.searchable(order)).map(Node::Order))
    }

    /// The search that was asked for, if any.
    fn query(
        &self,
        path: &str,
        arguments: &Map<String, Value>,
        known: &[&str],
    ) -> Result<Option<Query>, Refusal> {
        let Some(text) = optional(arguments, "query") else {
            return Ok(None);
        };
        if is_grouped(text) {
            return Err(not_simulated("A search with parentheses"));
        }
        let query = Query::read(text);
        let warnings = query.warnings(path, |field| known.contains(&field));
        self.search_warnings.borrow_mut().extend(warnings);
        Ok(Some(query))
    }

    fn find_orders(
        &self,
        path: &str,
        arguments: &Map<String, Value>,
    ) -> Result<Vec<&'s Order>, Refusal> {
        let query = self.query(path, arguments, &ORDER_FILTERS)?;
        let candidates = self.state.ledger.candidates(query.as_ref());
        let found = candidates
            .into_iter()
            .filter(|order| self.searchable(order))
            .filter(|order| {
                query.as_ref().is_none_or(|query| query.matches(|field| order_facet(order, field)))
            })
            .collect();
        Ok(found)
    }

    fn find_variants(
        &self,
        arguments: &Map<String, Value>,
    ) -> Result<Vec<&'s SetupVariant>, Refusal> {
        let query = self.query("productVariants", arguments, &VARIANT_FILTERS)?;
        let variants = self.state.setup.variants.iter().filter(|variant| {
            query.as_ref().is_none_or(|query| query.matches(|field| variant_facet(variant, field)))
        });
        Ok(variants.collect())
    }

    /// The active locations, and the others if they are asked for (README, R65).
    fn locations(&self, arguments: &Map<String, Value>) -> Result<Resolved<'s>, Refusal> {
        let inactive = arguments.get("includeInactive").and_then(Value::as_bool) == Some(true);
        let query = self.query("locations", arguments, &["name", "active"])?;
        let mut locations: Vec<_> = self
            .state
            .setup
            .locations
            .iter()
            .filter(|location| location.active || inactive)
            .filter(|location| {
                query.as_ref().is_none_or(|query| {
                    query.matches(|field| match field {
                        None | Some("name") => Facet::Texts(vec![&location.name]),
                        Some("active") => {
                            Facet::Texts(vec![if location.active { "true" } else { "false" }])
                        }
                        Some(_) => Facet::Unknown,
                    })
                })
            })
            .collect();
        if given(arguments, "sortKey") == "NAME" {
            locations.sort_by(|left, right| left.name.cmp(&right.name));
        }
        let nodes = locations.into_iter().map(Node::Location).collect();
        Ok(Resolved::Page(Page::of(nodes, arguments)?))
    }
}

fn optional<'a>(arguments: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    arguments.get(name).and_then(Value::as_str)
}

fn given<'a>(arguments: &'a Map<String, Value>, name: &str) -> &'a str {
    optional(arguments, name).unwrap_or_default()
}

/// The filters that a search for orders knows (README, R69).
const ORDER_FILTERS: [&str; 9] = [
    "name",
    "source_identifier",
    "email",
    "tag",
    "id",
    "created_at",
    "processed_at",
    "updated_at",
    "test",
];

fn order_facet<'o>(order: &'o Order, field: Option<&str>) -> Facet<'o> {
    let optional = |text: &'o Option<String>| Facet::Texts(text.as_deref().into_iter().collect());
    match field {
        None => Facet::Texts(
            std::iter::once(order.name.as_str())
                .chain(order.source_identifier.as_deref())
                .chain(order.email.as_deref())
                .collect(),
        ),
        Some("name") => Facet::Texts(vec![&order.name]),
        Some("source_identifier") => optional(&order.source_identifier),
        Some("email") => optional(&order.email),
        Some("tag") => Facet::Texts(order.tags.iter().map(String::as_str).collect()),
        Some("test") => Facet::Texts(vec![if order.test { "true" } else { "false" }]),
        Some("id") => Facet::Number(Decimal::from(order.id.number)),
        Some("created_at") => Facet::Moment(order.created_at),
        Some("processed_at") => Facet::Moment(order.processed_at),
        Some("updated_at") => Facet::Moment(order.updated_at),
        Some(_) => Facet::Unknown,
    }
}

/// The filters that a search for variants knows (README, R69).
const VARIANT_FILTERS: [&str; 5] = ["sku", "barcode", "title", "id", "product_id"];

fn variant_facet<'v>(variant: &'v SetupVariant, field: Option<&str>) -> Facet<'v> {
    let optional = |text: &'v Option<String>| Facet::Texts(text.as_deref().into_iter().collect());
    match field {
        None => Facet::Texts(
            std::iter::once(variant.title.as_str())
                .chain(variant.sku.as_deref())
                .chain(variant.barcode.as_deref())
                .collect(),
        ),
        Some("sku") => optional(&variant.sku),
        Some("barcode") => optional(&variant.barcode),
        Some("title") => Facet::Texts(vec![&variant.title]),
        Some("id" | "product_id") => Facet::Number(Decimal::from(variant.number)),
        Some(_) => Facet::Unknown,
    }
}

fn sort_orders(orders: &mut [&Order], key: &str) {
    match key {
        "CREATED_AT" => orders.sort_by_key(|order| (order.created_at, order.id)),
        "UPDATED_AT" => orders.sort_by_key(|order| (order.updated_at, order.id)),
        "ID" | "ORDER_NUMBER" => orders.sort_by_key(|order| order.id),
        "TOTAL_PRICE" => orders.sort_by_key(|order| (order.totals.total.shop, order.id)),
        // The default is PROCESSED_AT; the other keys sort by what is not modelled here.
        _ => orders.sort_by_key(|order| (order.processed_at, order.id)),
    }
}
