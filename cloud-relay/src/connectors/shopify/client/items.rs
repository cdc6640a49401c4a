//! Which variant an item is: searched, compared exactly, and remembered for a while.
//!
//! A variant that was deleted is noticed by the call that names it, which forgets it here. Decides
//! nothing about items that are not found.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{PAGES_MAX, Talk, list, next_page, text};
use crate::connectors::Unanswered;
use crate::connectors::shopify::map::item::ItemName;
use crate::connectors::shopify::operations::VARIANTS;

/// Items remembered: a large assortment, at about 300 bytes each.
const ITEMS_MAX: usize = 50_000;

/// How long a variant is believed: a renumbered article is rare, and a deleted one is noticed.
const FOUND_AGE_MAX: SignedDuration = SignedDuration::from_mins(30);

/// How long an absence is believed: short, because somebody is probably adding the item.
const ABSENT_AGE_MAX: SignedDuration = SignedDuration::from_mins(1);

/// Items in one search; the terms stay below 2 KiB.
const ITEMS_PER_SEARCH: usize = 25;

/// What a shop knows of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::connectors::shopify) enum Resolved {
    /// One variant.
    Variant(Variant),
    /// So many variants bear the number.
    Ambiguous(usize),
    /// None.
    Absent,
}

/// A variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::connectors::shopify) struct Variant {
    /// Its global identifier.
    pub(in crate::connectors::shopify) id: String,
    /// The global identifier of its inventory item.
    pub(in crate::connectors::shopify) item: String,
    /// Whether Shopify counts its stock.
    pub(in crate::connectors::shopify) tracked: bool,
}

/// The items of one shop that were looked up.
#[derive(Default)]
pub(in crate::connectors::shopify) struct Items {
    known: Mutex<HashMap<ItemName, (Timestamp, Resolved)>>,
}

impl Items {
    /// What the shop knows of these items.
    pub(in crate::connectors::shopify) async fn resolve(
        &self,
        talk: &mut Talk<'_>,
        names: impl IntoIterator<Item = ItemName>,
    ) -> Result<BTreeMap<ItemName, Resolved>, Unanswered> {
        let names: BTreeSet<ItemName> = names.into_iter().collect();
        let mut resolved = BTreeMap::new();
        let mut wanted = Vec::new();
        for name in names {
            match self.remembered(&name, talk.now) {
                Some(known) => {
                    resolved.insert(name, known);
                }
                None => wanted.push(name),
            }
        }
        for names in wanted.chunks(ITEMS_PER_SEARCH) {
            for (name, found) in search(talk, names).await? {
                self.remember(&name, &found, talk.now);
                resolved.insert(name, found);
            }
        }
        Ok(resolved)
    }

    /// Forgets an inventory item or a variant that the shop no longer knows.
    pub(in crate::connectors::shopify) fn forget(&self, id: &str) {
        self.lock().retain(|_, (_, resolved)| match resolved {
            Resolved::Variant(variant) => variant.item != id && variant.id != id,
            Resolved::Ambiguous(_) | Resolved::Absent => true,
        });
    }

    fn remembered(&self, name: &ItemName, now: Option<Timestamp>) -> Option<Resolved> {
        let known = self.lock();
        let (at, resolved) = known.get(name)?;
        let age_max = match resolved {
            Resolved::Variant(_) => FOUND_AGE_MAX,
            Resolved::Ambiguous(_) | Resolved::Absent => ABSENT_AGE_MAX,
        };
        (now?.duration_since(*at) < age_max).then(|| resolved.clone())
    }

    fn remember(&self, name: &ItemName, resolved: &Resolved, now: Option<Timestamp>) {
        let Some(now) = now else { return };
        let mut known = self.lock();
        if known.len() >= ITEMS_MAX && !known.contains_key(name) {
            known.retain(|_, (at, _)| now.duration_since(*at) < FOUND_AGE_MAX);
            if known.len() >= ITEMS_MAX {
                known.clear();
            }
        }
        known.insert(name.clone(), (now, resolved.clone()));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ItemName, (Timestamp, Resolved)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Searches a few items at once.
async fn search(
    talk: &mut Talk<'_>,
    names: &[ItemName],
) -> Result<Vec<(ItemName, Resolved)>, Unanswered> {
    let terms: Vec<String> = names.iter().map(ItemName::search).collect();
    let query = terms.join(" OR ");
    let mut found: Vec<Vec<Variant>> = vec![Vec::new(); names.len()];
    let mut after = Value::Null;
    for _ in 0..PAGES_MAX {
        let data = talk.read(VARIANTS, &json!({ "query": query, "after": after })).await?;
        let connection = data.get("productVariants").unwrap_or(&Value::Null);
        for node in list(connection, "/nodes") {
            for (name, found) in names.iter().zip(&mut found) {
                let own = |field: &str| node.get(field).and_then(Value::as_str);
                if name.is(own("sku"), own("barcode")) {
                    found.push(variant(node));
                }
            }
        }
        match next_page(connection) {
            Some(cursor) => after = json!(cursor),
            None => break,
        }
    }
    let resolved = names.iter().cloned().zip(found).map(|(name, mut found)| {
        let resolved = match (found.len(), found.pop()) {
            (1, Some(variant)) => Resolved::Variant(variant),
            (0, _) | (_, None) => Resolved::Absent,
            (many, _) => Resolved::Ambiguous(many),
        };
        (name, resolved)
    });
    Ok(resolved.collect())
}

fn variant(node: &Value) -> Variant {
    Variant {
        id: text(node, "/id").to_owned(),
        item: text(node, "/inventoryItem/id").to_owned(),
        tracked: node.pointer("/inventoryItem/tracked").and_then(Value::as_bool).unwrap_or(true),
    }
}
