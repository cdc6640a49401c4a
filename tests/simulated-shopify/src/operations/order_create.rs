//! `orderCreate`: an order each time it is called. There is no idempotency here.
//!
//! README, R25 to R39. Not established about the real service, and therefore decided: an `id`
//! metafield is not unique unless the setup says so (R39); `DECREMENT_*` takes from the location of
//! the fulfilment, else from the first active one, and an order that bypasses inventory moves no
//! stock, fulfilled or not (R34).

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::order_input::{
    attributes, discount, flag, gid, lines, list, metafields, shipping_lines, split_over_lines,
    tax_lines, text, totals,
};
use super::{Call, Payload, UserError};
use crate::ids::{Gid, Kind};
use crate::money::{Amount, decimal};
use crate::records::{Fulfillment, Line, Order, Transaction};
use crate::state::{State, namespace};

pub(super) fn apply(state: &mut State, call: &Call<'_>) -> Payload {
    let order = call.input("order");
    let behaviour = text(&call.input("options"), "inventoryBehaviour");
    let refuse = |errors| Payload::OrderCreate { order: None, errors };
    if let Some(error) = refuse_pace(state, call.now) {
        return refuse(vec![error]);
    }
    let errors = check(state, &order);
    if !errors.is_empty() {
        return refuse(errors);
    }
    let order = build(state, &order, call);
    let stock_location = match order.fulfillment {
        Some(fulfillment) => Some(fulfillment.location),
        None => state.setup.locations.iter().find(|place| place.active).map(|place| place.gid()),
    };
    if let (Some("DECREMENT_OBEYING_POLICY" | "DECREMENT_IGNORING_POLICY"), Some(location)) =
        (behaviour.as_deref(), stock_location)
    {
        let obeying = behaviour.as_deref() == Some("DECREMENT_OBEYING_POLICY");
        if let Err(error) = claim_stock(state, &order, location, obeying, call.now) {
            return refuse(vec![error]);
        }
    }
    if state.setup.options.orders_per_minute_max.is_some() {
        state.recent_orders.push(call.now);
    }
    let order = state.ledger.add(order);
    Payload::OrderCreate { order: Some(order), errors: Vec::new() }
}

/// Trial and development stores take five new orders a minute; the sixth is a user error without a
/// code (README, R37).
fn refuse_pace(state: &mut State, now: Timestamp) -> Option<UserError> {
    let most = state.setup.options.orders_per_minute_max?;
    state.recent_orders.retain(|at| now.duration_since(*at) < SignedDuration::from_mins(1));
    let recent = u32::try_from(state.recent_orders.len()).unwrap_or(u32::MAX);
    (recent >= most).then(|| UserError::at(&[], "Too many attempts. Please try again later."))
}

fn invalid(field: Value, message: &str) -> UserError {
    UserError::at(&[], message).with_field(field).with_code("INVALID")
}

fn check(state: &State, order: &Value) -> Vec<UserError> {
    let present = |name: &str| order.get(name).is_some_and(|value| !value.is_null());
    let mut errors = Vec::new();
    if present("customerId") && present("customer") {
        // README, R31.
        errors.push(
            UserError::at(&["order"], "Only one of customerId and customer may be provided")
                .with_code("REDUNDANT_CUSTOMER_FIELDS"),
        );
    }
    let lines = list(order, "lineItems");
    if lines.is_empty() {
        // README, R26.
        errors.push(invalid(
            json!(["order", "lineItems"]),
            "Line items must have at least one line item",
        ));
    }
    for (index, line) in lines.iter().enumerate() {
        errors.extend(check_line(state, line, index));
    }
    for (list_name, parts) in
        [("lineItems", lines), ("shippingLines", list(order, "shippingLines"))]
    {
        errors.extend(refuse_missing_rates(list_name, parts));
    }
    let taxes_on_lines = lines.iter().any(|line| !list(line, "taxLines").is_empty());
    if taxes_on_lines && !list(order, "taxLines").is_empty() {
        // README, R27.
        errors.push(invalid(
            json!(["order", "taxLines"]),
            "Tax lines can be specified on the order or the line items but not both",
        ));
    }
    let codes = order.get("discountCode").and_then(Value::as_object);
    let codes = codes.map_or(0, |codes| codes.values().filter(|code| !code.is_null()).count());
    if codes > 1 {
        // README, R30.
        errors.push(invalid(
            json!(["order", "discountCode"]),
            "Only one discount code can be set for each order",
        ));
    }
    if let Some(fulfillment) = order.get("fulfillment").filter(|value| !value.is_null()) {
        let location = fulfillment.get("locationId").and_then(Value::as_str).unwrap_or_default();
        if !state.location(location).is_some_and(|location| location.active) {
            errors.push(invalid(
                json!(["order", "fulfillment", "locationId"]),
                "The specified location could not be found.",
            ));
        }
    }
    errors.extend(check_metafields(state, order));
    errors
}

fn check_line(state: &State, line: &Value, index: usize) -> Vec<UserError> {
    let at = |name: &str| json!(["order", "lineItems", index, name]);
    let mut errors = Vec::new();
    if line.get("quantity").and_then(Value::as_i64).unwrap_or(0) < 1 {
        errors.push(invalid(at("quantity"), "Quantity must be greater than 0"));
    }
    match line.get("variantId").and_then(Value::as_str) {
        Some(id) => {
            let variant = id.parse().ok().filter(|id: &Gid| id.kind == Kind::ProductVariant);
            if variant.and_then(|id| state.variant(id)).is_none() {
                errors.push(invalid(at("variantId"), "Variant could not be found"));
            }
        }
        None => {
            if text(line, "title").is_none_or(|title| title.trim().is_empty()) {
                errors.push(invalid(at("title"), "Title can't be blank"));
            }
            if line.get("priceSet").is_none_or(Value::is_null) {
                errors.push(invalid(at("priceSet"), "Price can't be blank"));
            }
        }
    }
    errors
}

/// The taxes of lines and of shipping need a rate; the order's own do not (README, R28).
fn refuse_missing_rates(list_name: &str, parts: &[Value]) -> Vec<UserError> {
    let mut errors = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        for (tax_index, tax) in list(part, "taxLines").iter().enumerate() {
            if tax.get("rate").and_then(decimal).is_none() {
                let field = json!(["order", list_name, index, "taxLines", tax_index, "rate"]);
                errors.push(
                    UserError::at(&[], "Tax line rate is missing")
                        .with_field(field)
                        .with_code("TAX_LINE_RATE_MISSING"),
                );
            }
        }
    }
    errors
}

fn check_metafields(state: &State, order: &Value) -> Vec<UserError> {
    let mut errors = Vec::new();
    for (index, metafield) in list(order, "metafields").iter().enumerate() {
        let at = |name: &str| json!(["order", "metafields", index, name]);
        let namespace = namespace(metafield.get("namespace").and_then(Value::as_str));
        let key = text(metafield, "key").unwrap_or_default();
        let stated = text(metafield, "type");
        let value = text(metafield, "value").unwrap_or_default();
        let defined = state.definition("ORDER", &namespace, &key);
        match (defined, stated) {
            (None, None) => errors.push(invalid(at("type"), "Type can't be blank")),
            (Some(defined), Some(stated)) if defined.kind != stated => {
                let message = format!("Type must match the definition's type '{}'", defined.kind);
                errors.push(invalid(at("type"), &message));
            }
            _ => {}
        }
        if value.is_empty() {
            errors.push(invalid(at("value"), "Value can't be blank"));
        }
        let is_id = defined.is_some_and(|defined| defined.kind == "id");
        let taken = is_id && state.ledger.with_metafield(&namespace, &key, &value).next().is_some();
        if taken && state.setup.options.refuse_duplicate_ids {
            errors.push(invalid(at("value"), "Value has already been taken"));
        }
    }
    errors
}

fn build(state: &mut State, input: &Value, call: &Call<'_>) -> Order {
    let now = call.now;
    let taxes_included = flag(input, "taxesIncluded");
    let currency = text(input, "currency").unwrap_or_else(|| state.setup.currency.clone());
    let mut lines = lines(state, input, taxes_included);
    let shipping_lines = shipping_lines(input, taxes_included);
    let original: Amount = lines.iter().map(Line::original_total).sum();
    let shipping: Amount = shipping_lines.iter().map(|line| line.price).sum();
    let stated_taxes = tax_lines(input, original, taxes_included);
    let tax_lines = split_over_lines(&mut lines, stated_taxes);
    let discount = discount(input, original, shipping);
    let free_shipping = input
        .get("discountCode")
        .and_then(|code| code.get("freeShippingDiscountCode"))
        .is_some_and(|code| !code.is_null());
    let totals = totals(
        &lines,
        &tax_lines,
        &shipping_lines,
        discount.as_ref(),
        free_shipping,
        taxes_included,
    );
    let fulfillment = input
        .get("fulfillment")
        .and_then(|fulfillment| gid(fulfillment, "locationId"))
        .map(|location| Fulfillment { id: state.numbers.next(Kind::Fulfillment), location });
    let fulfillment_status = fulfillment_status(input, fulfillment.is_some());
    // README, R32.
    let processed_at = moment(input, "processedAt").map_or(now, |stated| stated.min(now));
    let mut tags: Vec<String> =
        list(input, "tags").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    tags.sort();
    let number = state.ledger.next_number();
    Order {
        id: state.numbers.next(Kind::Order),
        number,
        name: text(input, "name").unwrap_or_else(|| format!("#{number}")),
        source_identifier: text(input, "sourceIdentifier"),
        source_name: text(input, "sourceName"),
        email: text(input, "email"),
        note: text(input, "note"),
        tags,
        test: flag(input, "test"),
        presentment_currency: text(input, "presentmentCurrency")
            .unwrap_or_else(|| currency.clone()),
        currency,
        created_at: now,
        processed_at,
        updated_at: now,
        searchable_from: searchable_from(state, call),
        taxes_included,
        custom_attributes: attributes(input, "customAttributes", "key"),
        metafields: metafields(state, input),
        transactions: transactions(state, input, processed_at, now),
        lines,
        tax_lines,
        shipping_lines,
        discount,
        fulfillment,
        fulfillment_status: fulfillment_status.to_owned(),
        stated_financial_status: text(input, "financialStatus"),
        refunds: Vec::new(),
        totals,
    }
}

fn fulfillment_status(input: &Value, is_created_fulfilled: bool) -> &'static str {
    match text(input, "fulfillmentStatus").as_deref() {
        Some("PARTIAL") => "PARTIALLY_FULFILLED",
        Some("RESTOCKED") => "RESTOCKED",
        Some("FULFILLED") => "FULFILLED",
        _ if is_created_fulfilled => "FULFILLED",
        _ => "UNFULFILLED",
    }
}

fn moment(input: &Value, name: &str) -> Option<Timestamp> {
    input.get(name).and_then(Value::as_str).and_then(crate::time::read)
}

/// How long the order stays out of searches: what a fault says, or drawn (README, R73).
fn searchable_from(state: &mut State, call: &Call<'_>) -> Timestamp {
    let lag = state.setup.search_lag;
    let drawn = state.chance.between(lag.least_ms, lag.most_ms);
    let lag = match call.hidden_for_seconds {
        Some(seconds) => SignedDuration::from_secs(i64::from(seconds)),
        None => SignedDuration::from_millis(i64::try_from(drawn).unwrap_or(i64::MAX)),
    };
    call.now.saturating_add(lag).unwrap_or(Timestamp::MAX)
}

fn transactions(
    state: &mut State,
    order: &Value,
    processed_at: Timestamp,
    now: Timestamp,
) -> Vec<Transaction> {
    list(order, "transactions")
        .iter()
        .map(|input| Transaction {
            id: state.numbers.next(Kind::OrderTransaction),
            kind: text(input, "kind").unwrap_or_else(|| "SALE".to_owned()),
            status: text(input, "status").unwrap_or_else(|| "SUCCESS".to_owned()),
            gateway: text(input, "gateway").unwrap_or_default(),
            amount: input.get("amountSet").map(Amount::from_input).unwrap_or_default(),
            parent: None,
            processed_at: moment(input, "processedAt")
                .map_or(processed_at, |stated| stated.min(now)),
            location: gid(input, "locationId"),
            test: flag(input, "test"),
        })
        .collect()
}

/// Takes the order's tracked variants out of stock: committed until fulfilled, gone after (README,
/// R34, R35).
fn claim_stock(
    state: &mut State,
    order: &Order,
    location: Gid,
    obeying_policy: bool,
    now: Timestamp,
) -> Result<(), UserError> {
    let mut claims: Vec<(Gid, i64)> = Vec::new();
    for (index, line) in order.lines.iter().enumerate() {
        let Some(variant) = line.variant.and_then(|id| state.variant(id)) else {
            continue;
        };
        if !variant.tracked {
            continue;
        }
        let item = variant.item_gid();
        let claimed: i64 =
            claims.iter().filter(|(other, _)| *other == item).map(|(_, quantity)| quantity).sum();
        let left = state.stock.quantity(item, location, "available") - claimed;
        if obeying_policy && !variant.oversold && left < line.quantity {
            return Err(UserError::at(&[], "Unable to claim inventory")
                .with_field(json!(["order", "lineItems", index]))
                .with_code("INVENTORY_CLAIM_FAILED"));
        }
        claims.push((item, line.quantity));
    }
    for (item, quantity) in claims {
        state.stock.change(item, location, "available", -quantity, now);
        if order.fulfillment.is_none() {
            state.stock.change(item, location, "committed", quantity, now);
        }
    }
    Ok(())
}
