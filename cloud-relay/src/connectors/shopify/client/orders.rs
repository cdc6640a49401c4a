//! Orders: created, looked for, and compared with the receipt.
//!
//! `orderCreate` has no idempotency, so the order carries its delivery key twice: as the value of
//! an `id` metafield and as `sourceIdentifier`; both may show late. More than one order under a key
//! is never settled by taking one of them: the look-up says so in what it found, and reading back
//! makes it an exception.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use protocol::event::Transaction;
use protocol::money::Money;
use serde_json::{Value, json};
use uuid::Uuid;

use super::items::Resolved;
use super::{Talk, exception, list, said, text, user_errors};
use crate::connectors::shopify::Shopify;
use crate::connectors::shopify::map::{KEY_FIELD, item, order};
use crate::connectors::shopify::operations::{
    ORDER_BY_ID, ORDER_BY_KEY, ORDER_BY_SOURCE, ORDER_CREATE,
};
use crate::connectors::{Call, ExceptionClass, Found, TargetRef, Unanswered, Verdict};

/// How far ahead of our clock a sale is held back, because Shopify would date it back to now;
/// what is further ahead was dated by a wrong clock, and waiting does not help.
const AHEAD_MAX: SignedDuration = SignedDuration::from_mins(15);

/// The wait after "Too many attempts": a shop on trial takes five orders a minute.
const PACE_WAIT: Duration = Duration::from_secs(60);

/// The field of [`TargetRef::detail`] with the names of all orders under one key.
const SAME_KEY: &str = "sameKey";

impl Shopify {
    /// Creates the order of a transaction.
    pub(in crate::connectors::shopify) async fn create_order(
        &self,
        talk: &mut Talk<'_>,
        call: &Call,
        transaction: &Transaction,
    ) -> Result<Verdict, Verdict> {
        not_ahead(talk.now, call)?;
        let expected = order::expected(transaction, &self.wording).map_err(exception)?;
        let known = self.known(talk, transaction).await?;
        let variables = order::variables(
            &call.event,
            transaction,
            call.key,
            &known,
            self.item_key,
            &self.wording,
        )
        .map_err(exception)?;
        let payload = talk.apply(ORDER_CREATE, &variables).await?;
        let errors = user_errors(&payload);
        if let Some(created) = payload.get("order").filter(|order| !order.is_null()) {
            return Ok(judge(created, call, &expected));
        }
        if errors.is_empty() {
            let reason = "Shopify answers neither an order nor an error".to_owned();
            return Err(Verdict::Unknown { reason });
        }
        let words = said(&errors);
        if errors.iter().any(|error| error.message.starts_with("Too many attempts")) {
            let reason = format!("{words} (a shop on trial takes five orders a minute)");
            return Err(Verdict::Retry { after: Some(PACE_WAIT), reason });
        }
        let has_code = |code: &str| errors.iter().any(|error| error.code == code);
        let concerns =
            |part: &str| errors.iter().any(|error| error.field.iter().any(|step| step == part));
        if has_code("SHOP_DORMANT") {
            let reason = format!("{words}: reopen the shop");
            return Err(Verdict::Paused { after: super::CREDENTIALS_PAUSE, reason });
        }
        if concerns("metafields") {
            // Perhaps an order with this key stands already.
            return self.already_there(talk, call, transaction, words).await;
        }
        if concerns("variantId") {
            for id in known.variants.values() {
                self.items.forget(id);
            }
            return Err(Verdict::Retry { after: None, reason: words });
        }
        let class = if has_code("PROCESSED_AT_INVALID") {
            ExceptionClass::MovedDate
        } else if has_code("INVENTORY_CLAIM_FAILED") {
            ExceptionClass::NegativeStock
        } else if concerns("locationId") {
            self.places.forget();
            ExceptionClass::UnknownLocation
        } else {
            ExceptionClass::Rejected
        };
        Err(Verdict::Exception { class, reason: format!("Shopify refuses the order: {words}") })
    }

    async fn already_there(
        &self,
        talk: &mut Talk<'_>,
        call: &Call,
        transaction: &Transaction,
        words: String,
    ) -> Result<Verdict, Verdict> {
        match self.find_order(talk, call).await? {
            Found::Posted(reference) => {
                match self.verify_order(talk, call, transaction, &reference).await? {
                    Verdict::Done(reference) => Ok(Verdict::AlreadyDone(reference)),
                    verdict => Ok(verdict),
                }
            }
            Found::None | Found::Draft(_) => {
                let reason = format!("Shopify refuses the order: {words}");
                Err(Verdict::Exception { class: ExceptionClass::Rejected, reason })
            }
        }
    }

    /// The location and the variants of an order. An item that Shopify does not know becomes a
    /// line without a variant: a sale is a sale.
    async fn known(
        &self,
        talk: &mut Talk<'_>,
        transaction: &Transaction,
    ) -> Result<order::Known, Verdict> {
        let place = transaction.stock_location();
        let location = self.places.resolve(talk, place.as_str()).await?.map_err(exception)?;
        let names = order::item_names(transaction, self.item_key);
        let resolved = self.items.resolve(talk, names).await?;
        let variants = resolved.into_iter().filter_map(|(name, resolved)| match resolved {
            Resolved::Variant(variant) => Some((name, variant.id)),
            Resolved::Ambiguous(_) | Resolved::Absent => None,
        });
        let variants: BTreeMap<item::ItemName, String> = variants.collect();
        Ok(order::Known { location, variants })
    }

    /// Looks for the order of a call.
    pub(in crate::connectors::shopify) async fn find_order(
        &self,
        talk: &mut Talk<'_>,
        call: &Call,
    ) -> Result<Found, Unanswered> {
        let value = call.key.to_string();
        let variables =
            json!({ "namespace": self.wording.namespace, "key": KEY_FIELD, "value": value });
        let by_key = talk.read(ORDER_BY_KEY, &variables).await?;
        let query = format!("source_identifier:{}", item::quoted(&value));
        let by_source = talk.read(ORDER_BY_SOURCE, &json!({ "query": query })).await?;
        let by_key = by_key.get("orderByIdentifier").filter(|order| !order.is_null());
        let same = |order: &&Value| text(order, "/sourceIdentifier") == value;
        let by_source = list(&by_source, "/orders/nodes").iter().filter(same);
        let mut orders: Vec<&Value> = by_key.into_iter().collect();
        for order in by_source {
            if orders.iter().all(|known| text(known, "/id") != text(order, "/id")) {
                orders.push(order);
            }
        }
        // Cancelling all but one is how a person settles a duplicate.
        let is_cancelled = |order: &&Value| !text(order, "/cancelledAt").is_empty();
        if orders.iter().any(|order| !is_cancelled(order)) {
            orders.retain(|order| !is_cancelled(order));
        }
        let names: Vec<&str> = orders.iter().map(|order| text(order, "/name")).collect();
        Ok(match orders.first() {
            None => Found::None,
            Some(order) if names.len() == 1 => Found::Posted(reference(order)),
            Some(order) => {
                let detail = json!({ SAME_KEY: names });
                Found::Posted(TargetRef { detail, ..reference(order) })
            }
        })
    }

    /// Reads an order back and compares it.
    pub(in crate::connectors::shopify) async fn verify_order(
        &self,
        talk: &mut Talk<'_>,
        call: &Call,
        transaction: &Transaction,
        found: &TargetRef,
    ) -> Result<Verdict, Verdict> {
        let names = list(&found.detail, &format!("/{SAME_KEY}"));
        if names.len() > 1 {
            let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
            let reason = format!(
                "{} orders stand for one receipt: {}; cancel all but one, then retry",
                names.len(),
                names.join(", ")
            );
            return Err(Verdict::Exception { class: ExceptionClass::Rejected, reason });
        }
        let expected = order::expected(transaction, &self.wording).map_err(exception)?;
        let data = talk.read(ORDER_BY_ID, &json!({ "id": found.id })).await?;
        match data.get("order").filter(|order| !order.is_null()) {
            Some(order) => Ok(judge(order, call, &expected)),
            None => Err(Verdict::Unknown {
                reason: format!("order {} was found and cannot be read", found.name),
            }),
        }
    }
}

/// Holds back what a clock that runs a little fast dated ahead of ours.
pub(super) fn not_ahead(now: Option<Timestamp>, call: &Call) -> Result<(), Verdict> {
    let Some(now) = now else { return Ok(()) };
    let ahead = call.event.occurred_at().duration_since(now);
    if !ahead.is_positive() || ahead > AHEAD_MAX {
        return Ok(());
    }
    // One second more, because Shopify keeps whole seconds.
    let wait = Duration::from_secs(ahead.as_secs().unsigned_abs() + 1);
    let reason = format!(
        "the receipt is dated {} s ahead of the clock; Shopify would date it back to now",
        wait.as_secs()
    );
    Err(Verdict::Retry { after: Some(wait), reason })
}

/// Whether Shopify dates a document as the receipt does, to the second.
pub(super) fn is_dated(stated: &str, call: &Call) -> bool {
    let dated: Option<Timestamp> = stated.parse().ok();
    dated.map(Timestamp::as_second) == Some(call.event.occurred_at().as_second())
}

fn reference(order: &Value) -> TargetRef {
    TargetRef {
        id: text(order, "/id").to_owned(),
        name: text(order, "/name").to_owned(),
        detail: Value::Null,
    }
}

/// Compares an order with what it has to be.
fn judge(order: &Value, call: &Call, expected: &order::Expected) -> Verdict {
    let reference = reference(order);
    let name = &reference.name;
    let moved = |class, reason| Verdict::Exception { class, reason };
    let total = text(order, "/totalPriceSet/shopMoney/amount");
    let currency = text(order, "/totalPriceSet/shopMoney/currencyCode");
    let wanted = expected.total;
    if Money::from_decimal(total, wanted.currency) != Ok(wanted)
        || currency != wanted.currency.code()
    {
        let reason =
            format!("order {name} stands with {total} {currency}, the receipt's is {wanted}");
        return moved(ExceptionClass::Unbalanced, reason);
    }
    match paid(order, wanted) {
        Some(paid) if paid == expected.paid => {}
        Some(paid) => {
            let reason = format!(
                "order {name} stands as paid with {paid}, the receipt with {}",
                expected.paid
            );
            return moved(ExceptionClass::Unbalanced, reason);
        }
        None => {
            let reason = format!("order {name} stands with payments that cannot be read");
            return moved(ExceptionClass::Unbalanced, reason);
        }
    }
    let stated = text(order, "/processedAt");
    if !is_dated(stated, call) {
        let sold_at = call.event.occurred_at();
        let reason = format!("order {name} is dated {stated}, the sale was at {sold_at}");
        return moved(ExceptionClass::MovedDate, reason);
    }
    Verdict::Done(reference)
}

/// What was paid for an order, before refunds.
fn paid(order: &Value, like: Money) -> Option<Money> {
    let mut paid = 0_i64;
    for transaction in list(order, "/transactions") {
        let amount = text(transaction, "/amountSet/shopMoney/amount");
        let amount = Money::from_decimal(amount, like.currency).ok()?.minor;
        match (text(transaction, "/status"), text(transaction, "/kind")) {
            ("SUCCESS", "SALE" | "CAPTURE") => paid = paid.checked_add(amount)?,
            ("SUCCESS", "CHANGE") => paid = paid.checked_sub(amount)?,
            _ => {}
        }
    }
    Some(Money::new(paid, like.currency))
}

/// The key under which a second attempt of an idempotent mutation goes after the first one failed.
pub(super) fn next_key(key: Uuid, deadline: Timestamp) -> Uuid {
    Uuid::new_v5(&key, deadline.to_string().as_bytes())
}
