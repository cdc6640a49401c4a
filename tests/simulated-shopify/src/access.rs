//! Who may come in: access tokens and access scopes.
//!
//! Several tokens are valid at once (README, R1, R2), and a write scope includes its read scope
//! (README, R4). Knows which scope each root field needs; does not know any field below
//! the roots, because this shop models none with a scope of its own.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use crate::chance::Chance;
use crate::limits::TOKENS_MAX;

/// The tokens that were issued.
#[derive(Debug, Default)]
pub(crate) struct Tokens(VecDeque<(String, Timestamp)>);

impl Tokens {
    /// Issues a token that is valid for so many seconds.
    pub(crate) fn issue(&mut self, chance: &mut Chance, now: Timestamp, seconds: u32) -> String {
        let token = format!("shpat_{:016x}{:016x}", chance.draw(), chance.draw());
        if self.0.len() >= TOKENS_MAX {
            self.0.pop_front();
        }
        let until = now.saturating_add(SignedDuration::from_secs(i64::from(seconds)));
        self.0.push_back((token.clone(), until.unwrap_or(Timestamp::MAX)));
        token
    }

    pub(crate) fn admits(&self, token: &str, now: Timestamp) -> bool {
        self.0.iter().any(|(known, until)| known == token && now < *until)
    }

    /// Makes every token that was issued so far invalid.
    pub(crate) fn expire(&mut self) {
        self.0.clear();
    }
}

/// The scope that a root field needs; `None` if it needs none.
pub(crate) fn scope_of(root_field: &str, owner_type: Option<&str>) -> Option<String> {
    let scope = match root_field {
        "orderCreate" | "refundCreate" => "write_orders",
        "order" | "orders" | "ordersCount" | "orderByIdentifier" | "refund" => "read_orders",
        "inventoryAdjustQuantities" | "inventorySetQuantities" => "write_inventory",
        "inventoryItem" | "inventoryLevel" => "read_inventory",
        "location" | "locations" => "read_locations",
        "productVariant" | "productVariants" => "read_products",
        // The scope of the definition's owner: an order's metafields belong to orders.
        "metafieldDefinitionCreate" => return owner_scope("write", owner_type),
        "metafieldDefinitions" => return owner_scope("read", owner_type),
        _ => return None,
    };
    Some(scope.to_owned())
}

fn owner_scope(verb: &str, owner_type: Option<&str>) -> Option<String> {
    let owner = match owner_type? {
        "ORDER" => "orders",
        "PRODUCT" | "PRODUCTVARIANT" => "products",
        "LOCATION" => "locations",
        _ => return None,
    };
    Some(format!("{verb}_{owner}"))
}

/// Whether the granted scopes include this one.
pub(crate) fn granted(scopes: &[String], wanted: &str) -> bool {
    scopes.iter().any(|scope| {
        scope == wanted
            || wanted
                .strip_prefix("read_")
                .is_some_and(|what| scope.strip_prefix("write_") == Some(what))
    })
}
