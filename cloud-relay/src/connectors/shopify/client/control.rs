//! What the shop's own books hold of a store's day: orders by when they happened, each with its
//! refunds, and single documents by their identifier.
//!
//! An order says of which store and business date it is; a refund is found with its order, or by
//! its identifier where that order is of another day. A search lags, and shows nothing older than
//! 60 days without `read_all_orders`. Compares nothing.

use jiff::SignedDuration;
use protocol::money::{Currency, Money};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Talk, list, next_page, text};
use crate::connectors::shopify::Shopify;
use crate::connectors::shopify::map::Action;
use crate::connectors::shopify::operations::{ORDER_BY_ID, ORDERS_OF_DAY, REFUND_BY_ID};
use crate::connectors::{
    ControlAsk, ControlDocument, ControlPage, ControlQuery, TargetRef, Unanswered,
};

/// Shopify keeps whole seconds, so the search reaches one beyond the first and the last event.
const MARGIN: SignedDuration = SignedDuration::from_secs(1);

/// How old an order may be without the scope `read_all_orders`.
const READABLE_FOR: SignedDuration = SignedDuration::from_hours(24 * 60);

impl Shopify {
    /// One page, or one document.
    pub(in crate::connectors::shopify) async fn control_page(
        &self,
        talk: &mut Talk<'_>,
        query: &ControlQuery,
    ) -> Result<ControlPage, Unanswered> {
        let mut page = match &query.ask {
            ControlAsk::Page(after) => orders(talk, query, after.as_deref()).await?,
            ControlAsk::One { action, reference } => one(talk, action, reference).await?,
        };
        if query.deadline.duration_since(query.from) > READABLE_FOR {
            let note = "orders older than 60 days are shown only with the scope read_all_orders";
            page.note = Some(note.to_owned());
        }
        Ok(page)
    }
}

async fn orders(
    talk: &mut Talk<'_>,
    query: &ControlQuery,
    after: Option<&str>,
) -> Result<ControlPage, Unanswered> {
    let second = |at: jiff::Timestamp| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let from = query.from.saturating_sub(MARGIN).unwrap_or(query.from);
    let until = query.until.saturating_add(MARGIN).unwrap_or(query.until);
    let search = format!("processed_at:>='{}' processed_at:<='{}'", second(from), second(until));
    let data = talk.read(ORDERS_OF_DAY, &json!({ "query": search, "after": after })).await?;
    let connection = data.get("orders").unwrap_or(&Value::Null);
    let mut documents = Vec::new();
    for shown in list(connection, "/nodes").iter().filter(|shown| is_of(shown, query)) {
        documents.push(order(shown)?);
        let name = text(shown, "/name");
        for shown in list(shown, "/refunds") {
            documents.push(refund(shown, &format!("refund of {name}"))?);
        }
    }
    let next = next_page(connection).map(str::to_owned);
    Ok(ControlPage { documents, next, note: None })
}

async fn one(
    talk: &mut Talk<'_>,
    action: &str,
    reference: &TargetRef,
) -> Result<ControlPage, Unanswered> {
    let id = json!({ "id": reference.id });
    let found = if Action::RefundCreate.is(action) {
        let data = talk.read(REFUND_BY_ID, &id).await?;
        let shown = data.get("refund").filter(|refund| !refund.is_null());
        shown.map(|shown| refund(shown, &reference.name)).transpose()?
    } else {
        let data = talk.read(ORDER_BY_ID, &id).await?;
        data.get("order").filter(|order| !order.is_null()).map(order).transpose()?
    };
    Ok(ControlPage { documents: found.into_iter().collect(), next: None, note: None })
}

/// Whether an order says that it is of that store and day.
fn is_of(shown: &Value, query: &ControlQuery) -> bool {
    let says = |key: &str, value: &str| {
        let attributes = list(shown, "/customAttributes").iter();
        let mut named = attributes.filter(|attribute| text(attribute, "/key") == key);
        named.any(|attribute| text(attribute, "/value") == value)
    };
    says("store", query.store.as_str()) && says("businessDate", &query.business_date.to_string())
}

fn order(shown: &Value) -> Result<ControlDocument, Unanswered> {
    let is_cancelled = !text(shown, "/cancelledAt").is_empty();
    Ok(ControlDocument {
        id: text(shown, "/id").to_owned(),
        name: text(shown, "/name").to_owned(),
        key: text(shown, "/sourceIdentifier").parse().ok(),
        amount: money(shown, "/totalPriceSet/shopMoney")?,
        void: is_cancelled.then_some("cancelled"),
    })
}

/// A refund takes off; its key stands in brackets at the end of its note.
fn refund(shown: &Value, name: &str) -> Result<ControlDocument, Unanswered> {
    let note = text(shown, "/note");
    let key = note.rsplit_once('[').and_then(|(_, key)| key.strip_suffix(']'));
    let refunded = money(shown, "/totalRefundedSet/shopMoney")?;
    Ok(ControlDocument {
        id: text(shown, "/id").to_owned(),
        name: name.to_owned(),
        key: key.and_then(|key| Uuid::parse_str(key).ok()),
        amount: Money::new(-refunded.minor, refunded.currency),
        void: None,
    })
}

fn money(shown: &Value, pointer: &str) -> Result<Money, Unanswered> {
    let unreadable = || {
        let name = text(shown, "/id");
        let reason = format!("Shopify states no amount of {name} that can be read");
        Unanswered::Retry { after: None, reason }
    };
    let currency = text(shown, &format!("{pointer}/currencyCode"));
    let currency = Currency::new(currency).map_err(|_| unreadable())?;
    let amount = text(shown, &format!("{pointer}/amount"));
    Money::from_decimal(amount, currency).map_err(|_| unreadable())
}
