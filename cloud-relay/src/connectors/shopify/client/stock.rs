//! Stock: deltas coalesced into stored bundles, counts set by compare.
//!
//! A bundle is two lines of text. The first says which members each change comes from, for telling
//! culprits apart; the second is the request, which goes out byte for byte under the key that it
//! holds. Items that Shopify does not know are refused one by one before anything is sent. Moves
//! nothing by itself: dispatch decides when a bundle is sent.

use std::collections::{BTreeMap, BTreeSet};

use protocol::event::{Body, StockDocument};
use serde_json::{Value, json};
use uuid::Uuid;

use super::items::{Resolved, Variant};
use super::{PAGES_MAX, Talk, UserError, list, next_page, request_body, said, text, user_errors};
use crate::connectors::shopify::Shopify;
use crate::connectors::shopify::config::{ItemKey, UnknownItems};
use crate::connectors::shopify::map::item::ItemName;
use crate::connectors::shopify::map::stock::{
    Changes, Counted, Movement, Place, Setting, adjust_input, counted, movements, reason,
    set_input, whole,
};
use crate::connectors::shopify::map::{CHANGES_MAX, Unfit};
use crate::connectors::shopify::operations::{INVENTORY_ADJUST, INVENTORY_SET, LEVELS, Operation};
use crate::connectors::{
    BundleBody, BundleVerdict, Call, ExceptionClass, Mode, Prepared, TargetRef, Unanswered, Verdict,
};

/// Items whose level is read in one search.
const LEVELS_PER_SEARCH: usize = 25;

/// Where the changes of one call go; nothing moves if it is empty.
type Moved = Vec<(Place, i64)>;

impl Shopify {
    /// Makes a bundle of deltas, or the one of a count.
    pub(in crate::connectors::shopify) async fn prepare_bundle(
        &self,
        talk: &mut Talk<'_>,
        key: Uuid,
        calls: &[Call],
    ) -> Result<Prepared, Unanswered> {
        match calls {
            [call] if call.planned.mode == Mode::Count => self.prepare_count(talk, key, call).await,
            _ => self.prepare_deltas(talk, key, calls).await,
        }
    }

    /// Takes calls in order while they have one reason and at most 250 changes together; what does
    /// not fit is due for the next bundle.
    async fn prepare_deltas(
        &self,
        talk: &mut Talk<'_>,
        key: Uuid,
        calls: &[Call],
    ) -> Result<Prepared, Unanswered> {
        let all: Vec<Vec<Movement>> =
            calls.iter().map(|call| movements(call, self.item_key, &self.base_units)).collect();
        let names = all.iter().flatten().map(|movement| movement.item.clone());
        let resolved = self.items.resolve(talk, names).await?;
        let mut prepared =
            Prepared { bundle: None, refused: Vec::new(), without_effect: Vec::new() };
        let mut changes = Changes::new();
        let mut members: Vec<usize> = Vec::new();
        let mut why: Option<&str> = None;
        for (index, (call, movements)) in calls.iter().zip(&all).enumerate() {
            let moved = match self.moved(talk, movements, &resolved).await? {
                Ok(moved) => moved,
                Err((class, reason)) => {
                    prepared.refused.push((index, class, reason));
                    continue;
                }
            };
            if moved.is_empty() {
                prepared.without_effect.push(index);
                continue;
            }
            let own = reason(&call.event.body);
            let new: BTreeSet<&Place> = moved
                .iter()
                .map(|(place, _)| place)
                .filter(|p| !changes.contains_key(*p))
                .collect();
            let fits = changes.len() + new.len() <= CHANGES_MAX;
            if why.is_some_and(|why| why != own) || !fits {
                continue;
            }
            why = Some(own);
            let member = members.len();
            members.push(index);
            for (place, delta) in moved {
                let change = changes.entry(place).or_default();
                change.0 += delta;
                if change.1.last() != Some(&member) {
                    change.1.push(member);
                }
            }
        }
        if let Some(why) = why {
            let input = adjust_input(&changes, why, key);
            let sources: Vec<&[usize]> =
                changes.values().map(|(_, members)| members.as_slice()).collect();
            let body = bundle_body(INVENTORY_ADJUST, &input, key, &json!(sources));
            prepared.bundle = Some(BundleBody { body, members });
        }
        Ok(prepared)
    }

    /// Where the movements of one call go.
    async fn moved(
        &self,
        talk: &mut Talk<'_>,
        movements: &[Movement],
        resolved: &BTreeMap<ItemName, Resolved>,
    ) -> Result<Result<Moved, Unfit>, Unanswered> {
        let mut moved = Moved::new();
        for Movement { line, item, location, quantity } in movements {
            let variant = match self.tracked(*line, item, resolved) {
                Ok(Some(variant)) => variant,
                Ok(None) => continue,
                Err(unfit) => return Ok(Err(unfit)),
            };
            let delta = match whole(*line, item, *quantity) {
                Ok(delta) => delta,
                Err(unfit) => return Ok(Err(unfit)),
            };
            match self.places.resolve(talk, location).await? {
                Ok(location) => moved.push(((variant.item.clone(), location), delta)),
                Err(unfit) => return Ok(Err(unfit)),
            }
        }
        Ok(Ok(moved))
    }

    /// The variant whose stock moves; nothing if Shopify counts none of it.
    fn tracked<'a>(
        &self,
        line: u32,
        item: &ItemName,
        resolved: &'a BTreeMap<ItemName, Resolved>,
    ) -> Result<Option<&'a Variant>, Unfit> {
        let reason = match resolved.get(item) {
            Some(Resolved::Variant(variant)) => return Ok(Some(variant).filter(|v| v.tracked)),
            Some(Resolved::Ambiguous(many)) => {
                format!("line {line}: {many} variants in Shopify bear {item}; let one of them do")
            }
            Some(Resolved::Absent) | None if self.unknown_items == UnknownItems::Skip => {
                return Ok(None);
            }
            Some(Resolved::Absent) | None => {
                format!("line {line}: Shopify has no variant with {item}; add it, then retry")
            }
        };
        Err((ExceptionClass::UnknownItem, reason))
    }

    async fn prepare_count(
        &self,
        talk: &mut Talk<'_>,
        key: Uuid,
        call: &Call,
    ) -> Result<Prepared, Unanswered> {
        let mut prepared =
            Prepared { bundle: None, refused: Vec::new(), without_effect: Vec::new() };
        let lines = counted(call, self.item_key, &self.base_units);
        match self.settings(talk, call, &lines).await? {
            Err((class, reason)) => prepared.refused.push((0, class, reason)),
            Ok(settings) if settings.is_empty() => prepared.without_effect.push(0),
            Ok(settings) => {
                let sources = vec![[0]; settings.len()];
                let input = set_input(&settings, key);
                let body = bundle_body(INVENTORY_SET, &input, key, &json!(sources));
                prepared.bundle = Some(BundleBody { body, members: vec![0] });
            }
        }
        Ok(prepared)
    }

    /// What a count sets, each with the level that Shopify has now.
    async fn settings(
        &self,
        talk: &mut Talk<'_>,
        call: &Call,
        lines: &[Counted],
    ) -> Result<Result<Vec<Setting>, Unfit>, Unanswered> {
        let Body::Stock(document) = &call.event.body else { return Ok(Ok(Vec::new())) };
        if let Some(unfit) = counted_twice(document, self.item_key) {
            return Ok(Err(unfit));
        }
        let names = lines.iter().map(|line| line.item.clone());
        let resolved = self.items.resolve(talk, names).await?;
        let place = document.stock_location();
        let location = match self.places.resolve(talk, place.as_str()).await? {
            Ok(location) => location,
            Err(unfit) => return Ok(Err(unfit)),
        };
        let mut wanted: Vec<(&ItemName, String, i64)> = Vec::new();
        for Counted { line, item, quantity } in lines {
            let set = self.tracked(*line, item, &resolved).and_then(|variant| match variant {
                Some(variant) => {
                    Ok(Some((item, variant.item.clone(), whole(*line, item, *quantity)?)))
                }
                None => Ok(None),
            });
            match set {
                Ok(set) => wanted.extend(set),
                Err(unfit) => return Ok(Err(unfit)),
            }
        }
        let mut settings = Vec::with_capacity(wanted.len());
        for chunk in wanted.chunks(LEVELS_PER_SEARCH) {
            let levels = levels(talk, chunk.iter().map(|(name, ..)| *name), &location).await?;
            for (_, item, quantity) in chunk {
                // An item without a level at the location has none there yet.
                let level = levels.get(item).copied().unwrap_or_default();
                let place = (item.clone(), location.clone());
                settings.push(Setting { place, quantity: *quantity, level });
            }
        }
        Ok(Ok(settings))
    }

    /// Sends a stored bundle.
    pub(in crate::connectors::shopify) async fn send_bundle(
        &self,
        talk: &mut Talk<'_>,
        key: Uuid,
        body: &str,
    ) -> BundleVerdict {
        let read = body.split_once('\n').and_then(|(sources, request)| {
            Some((serde_json::from_str::<Vec<Vec<usize>>>(sources).ok()?, request))
        });
        let Some((sources, request)) = read else {
            let reason = "the stored bundle cannot be read".to_owned();
            let class = ExceptionClass::UnknownOutcome;
            return BundleVerdict::Wait(Verdict::Exception { class, reason });
        };
        let is_count = request.contains(INVENTORY_SET.field);
        let operation = if is_count { INVENTORY_SET } else { INVENTORY_ADJUST };
        match talk.apply_body(operation, request).await {
            Err(Verdict::Exception { class, reason }) => {
                BundleVerdict::Refused { culprits: every(&sources, class, &reason), reason }
            }
            Err(verdict) => BundleVerdict::Wait(verdict),
            Ok(payload) => {
                let errors = user_errors(&payload);
                if errors.is_empty() {
                    return BundleVerdict::Done(adjustment(&payload, key));
                }
                self.refused(&errors, &sources, request)
            }
        }
    }

    /// What user errors mean for a bundle: it was not applied, and who is at fault.
    fn refused(&self, errors: &[UserError], sources: &[Vec<usize>], body: &str) -> BundleVerdict {
        let reason = format!("Shopify refuses the bundle: {}", said(errors));
        let has = |code: &str| errors.iter().any(|error| error.code == code);
        if has("IDEMPOTENCY_CONCURRENT_REQUEST") {
            return BundleVerdict::Wait(Verdict::Unknown { reason });
        }
        if has("IDEMPOTENCY_KEY_PARAMETER_MISMATCH") {
            // Something was sent under this key before, and nobody knows what came of it.
            let class = ExceptionClass::UnknownOutcome;
            return BundleVerdict::Wait(Verdict::Exception { class, reason });
        }
        let is_passing = |error: &UserError| {
            matches!(
                error.code.as_str(),
                "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"
                    | "CHANGE_FROM_QUANTITY_STALE"
                    | "SERVICE_UNAVAILABLE"
                    | "ADJUST_QUANTITIES_FAILED"
            )
        };
        let (_, faults): (Vec<&UserError>, Vec<&UserError>) =
            errors.iter().partition(|error| is_passing(error));
        let mut culprits: Vec<(usize, ExceptionClass, String)> = Vec::new();
        for error in faults {
            let class = match error.code.as_str() {
                "INVALID_INVENTORY_ITEM" => ExceptionClass::UnknownItem,
                "INVALID_LOCATION" => ExceptionClass::UnknownLocation,
                "INVALID_QUANTITY_NEGATIVE" | "INVALID_QUANTITY_TOO_LOW" => {
                    ExceptionClass::NegativeStock
                }
                _ => ExceptionClass::Rejected,
            };
            let index = error.field.get(2).and_then(|index| index.parse::<usize>().ok());
            match index.and_then(|index| Some((index, sources.get(index)?))) {
                Some((index, members)) => {
                    self.forget(class, body, index);
                    let words = said(std::slice::from_ref(error));
                    culprits.extend(members.iter().map(|member| (*member, class, words.clone())));
                }
                None => culprits.extend(every(sources, class, &reason)),
            }
        }
        culprits.sort_by_key(|(member, ..)| *member);
        culprits.dedup_by_key(|(member, ..)| *member);
        BundleVerdict::Refused { culprits, reason }
    }

    /// What Shopify no longer knows is looked up again.
    fn forget(&self, class: ExceptionClass, request: &str, index: usize) {
        match class {
            ExceptionClass::UnknownLocation => self.places.forget(),
            ExceptionClass::UnknownItem => {
                let request: Value = serde_json::from_str(request).unwrap_or_default();
                let item = format!("/variables/input/changes/{index}/inventoryItemId");
                self.items.forget(text(&request, &item));
            }
            _ => {}
        }
    }
}

/// The stored form of a bundle.
fn bundle_body(operation: Operation, input: &Value, key: Uuid, sources: &Value) -> String {
    let request = request_body(operation, &json!({ "input": input, "key": key.to_string() }));
    format!("{sources}\n{request}")
}

/// Every member of a bundle.
fn every(
    sources: &[Vec<usize>],
    class: ExceptionClass,
    reason: &str,
) -> Vec<(usize, ExceptionClass, String)> {
    let members: BTreeSet<usize> = sources.iter().flatten().copied().collect();
    members.into_iter().map(|member| (member, class, reason.to_owned())).collect()
}

/// What stands for an applied bundle; changes that add up to nothing leave no group.
fn adjustment(payload: &Value, key: Uuid) -> TargetRef {
    let id = text(payload, "/inventoryAdjustmentGroup/id");
    let id = if id.is_empty() { key.to_string() } else { id.to_owned() };
    let name = format!("stock adjustment {}", id.rsplit('/').next().unwrap_or_default());
    TargetRef { id, name, detail: Value::Null }
}

/// Two counts of one item in one document: which of them holds, or whether they add up, only a
/// person knows.
fn counted_twice(document: &StockDocument, key: ItemKey) -> Option<Unfit> {
    let mut seen: BTreeMap<ItemName, u32> = BTreeMap::new();
    document.lines.iter().find_map(|line| {
        let item = ItemName::of(&line.item, key)?;
        let before = seen.insert(item.clone(), line.line)?;
        let reason = format!(
            "lines {before} and {} count {item} twice: count it again in one line",
            line.line
        );
        Some((ExceptionClass::Rejected, reason))
    })
}

/// The levels of items at a location, by the inventory item.
async fn levels(
    talk: &mut Talk<'_>,
    names: impl Iterator<Item = &ItemName>,
    location: &str,
) -> Result<BTreeMap<String, i64>, Unanswered> {
    let terms: Vec<String> = names.map(ItemName::search).collect();
    let query = terms.join(" OR ");
    let mut levels = BTreeMap::new();
    let mut after = Value::Null;
    for _ in 0..PAGES_MAX {
        let variables = json!({ "query": query, "location": location, "after": after });
        let data = talk.read(LEVELS, &variables).await?;
        let connection = data.get("productVariants").unwrap_or(&Value::Null);
        for node in list(connection, "/nodes") {
            let quantity = node.pointer("/inventoryItem/inventoryLevel/quantities/0/quantity");
            if let Some(quantity) = quantity.and_then(Value::as_i64) {
                levels.insert(text(node, "/inventoryItem/id").to_owned(), quantity);
            }
        }
        match next_page(connection) {
            Some(cursor) => after = json!(cursor),
            None => break,
        }
    }
    Ok(levels)
}
