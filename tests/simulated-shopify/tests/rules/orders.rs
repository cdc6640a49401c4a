//! `orderCreate`.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::support::{BY_KEY, DEFINE, ORDER_CREATE, Served, money, open, setup};

async fn refused(served: &Served, order: Value) -> Value {
    let data = served.data(ORDER_CREATE, json!({ "order": order })).await;
    assert_eq!(data["orderCreate"]["order"], json!(null));
    assert!(served.shop.books().orders.is_empty());
    data["orderCreate"]["userErrors"][0].clone()
}

fn with(mut order: Value, name: &str, value: Value) -> Value {
    order[name] = value;
    order
}

#[tokio::test]
async fn the_same_call_twice_makes_two_orders() {
    let served = open(setup()).await;
    let order = with(served.sale("0042-2-190", 1), "name", json!("R-190"));
    let variables = json!({ "order": order });
    let first = served.data(ORDER_CREATE, variables.clone()).await;
    let second = served.data(ORDER_CREATE, variables).await;
    assert_ne!(first["orderCreate"]["order"]["id"], second["orderCreate"]["order"]["id"]);
    let books = served.shop.books();
    assert_eq!(books.orders.len(), 2);
    assert!(books.orders.iter().all(|order| order.name == "R-190"));
    assert_eq!(served.shop.summary().duplicate_orders, 1);
}

#[tokio::test]
async fn an_order_takes_no_idempotency_key() {
    let served = open(setup()).await;
    let keyed = "mutation C($order: OrderCreateOrderInput!) { orderCreate(order: $order) @idempotent(key: \"k\") { order { id } } }";
    for _ in 0..2 {
        served.data(keyed, json!({ "order": served.sale("s-1", 1) })).await;
    }
    assert_eq!(served.shop.books().orders.len(), 2);
}

#[tokio::test]
async fn a_sale_is_added_up_and_paid_by_its_transactions() {
    let served = open(setup()).await;
    let taxed = |sku: &str, quantity: i64, price: &str, tax: &str| {
        json!({
            "title": sku, "sku": sku, "quantity": quantity, "priceSet": money(price),
            "taxLines": [{ "title": "VAT", "rate": "0.10", "priceSet": money(tax) }],
        })
    };
    let order = json!({
        "currency": "EUR",
        "lineItems": [taxed("X", 2, "12.00", "2.40")],
        "shippingLines": [{
            "title": "Ground", "priceSet": money("5.00"),
            "taxLines": [{ "title": "VAT", "rate": 0.1, "priceSet": money("0.50") }],
        }],
        "transactions": [
            { "kind": "SALE", "gateway": "cash", "amountSet": money("40.00") },
            { "kind": "CHANGE", "gateway": "cash", "amountSet": money("8.10") },
        ],
    });
    let data = served.data(ORDER_CREATE, json!({ "order": order.clone() })).await;
    let created = &data["orderCreate"]["order"];
    assert_eq!(
        created["totalPriceSet"]["shopMoney"],
        json!({ "amount": "31.9", "currencyCode": "EUR" })
    );
    assert_eq!(created["totalTaxSet"]["shopMoney"]["amount"], "2.9");
    assert_eq!(created["totalReceivedSet"]["shopMoney"]["amount"], "31.9");
    assert_eq!(created["displayFinancialStatus"], "PAID");
    assert_eq!(created["displayFulfillmentStatus"], "UNFULFILLED");

    let included = with(order, "taxesIncluded", json!(true));
    let data = served.data(ORDER_CREATE, json!({ "order": included })).await;
    assert_eq!(data["orderCreate"]["order"]["totalPriceSet"]["shopMoney"]["amount"], "29.0");
}

#[tokio::test]
async fn an_order_without_transactions_has_no_financial_status() {
    let served = open(setup()).await;
    let order = with(served.sale("s-1", 1), "transactions", json!([]));
    let data = served.data(ORDER_CREATE, json!({ "order": order })).await;
    assert_eq!(data["orderCreate"]["order"]["displayFinancialStatus"], json!(null));
}

#[tokio::test]
async fn one_discount_code_lowers_the_total_and_two_are_refused() {
    let served = open(setup()).await;
    let fixed = json!({ "code": "FIVE", "amountSet": money("5.00") });
    let two =
        json!({ "itemFixedDiscountCode": fixed, "freeShippingDiscountCode": { "code": "SHIP" } });
    let error = refused(&served, with(served.sale("s-1", 3), "discountCode", two)).await;
    assert_eq!(error["code"], "INVALID");
    let order =
        with(served.sale("s-1", 3), "discountCode", json!({ "itemFixedDiscountCode": fixed }));
    let data = served.data(ORDER_CREATE, json!({ "order": order })).await;
    assert_eq!(data["orderCreate"]["order"]["totalPriceSet"]["shopMoney"]["amount"], "25.0");
}

#[tokio::test]
async fn an_order_needs_a_line() {
    let served = open(setup()).await;
    let error = refused(&served, with(served.sale("s-1", 1), "lineItems", json!([]))).await;
    assert_eq!(
        error,
        json!({
            "code": "INVALID",
            "field": ["order", "lineItems"],
            "message": "Line items must have at least one line item",
        })
    );
}

#[tokio::test]
async fn taxes_stand_on_the_order_or_on_the_lines_but_not_on_both() {
    let served = open(setup()).await;
    let tax = json!([{ "title": "VAT", "rate": "0.19", "priceSet": money("1.90") }]);
    let mut order = with(served.sale("s-1", 1), "taxLines", tax.clone());
    let data = served.data(ORDER_CREATE, json!({ "order": order.clone() })).await;
    assert_eq!(data["orderCreate"]["order"]["totalTaxSet"]["shopMoney"]["amount"], "1.9");
    order["lineItems"][0]["taxLines"] = tax;
    let data = served.data(ORDER_CREATE, json!({ "order": order })).await;
    assert_eq!(data["orderCreate"]["userErrors"][0]["field"], json!(["order", "taxLines"]));
    assert_eq!(served.shop.books().orders.len(), 1);
}

#[tokio::test]
async fn taxes_on_the_order_are_split_across_its_taxable_lines() {
    let served = open(setup()).await;
    let mut order = served.sale("s-1", 1);
    let line = |price: &str, taxable: bool| json!({ "title": "X", "quantity": 1, "priceSet": money(price), "taxable": taxable });
    order["lineItems"] = json!([line("10.00", true), line("5.00", false), line("20.00", true)]);
    order["taxLines"] = json!([{ "title": "VAT", "rate": "0.19", "priceSet": money("5.00") }]);
    let data = served.data(ORDER_CREATE, json!({ "order": order })).await;
    assert_eq!(data["orderCreate"]["order"]["totalTaxSet"]["shopMoney"]["amount"], "5.0");
    let books = served.shop.books();
    let taxes = books.orders[0].lines.iter().map(|line| line.tax().shop.to_string());
    assert_eq!(taxes.collect::<Vec<_>>(), ["1.67", "0", "3.33"]);
}

#[tokio::test]
async fn a_tax_line_needs_its_rate() {
    let served = open(setup()).await;
    let mut order = served.sale("s-1", 1);
    order["lineItems"][0]["taxLines"] =
        json!([{ "title": "VAT", "rate": "", "priceSet": money("1.00") }]);
    let error = refused(&served, order).await;
    assert_eq!(error["code"], "TAX_LINE_RATE_MISSING");
    assert_eq!(error["field"], json!(["order", "lineItems", 0, "taxLines", 0, "rate"]));
}

#[tokio::test]
async fn a_tax_without_an_amount_follows_from_its_rate() {
    let served = open(setup()).await;
    let mut order = with(served.sale("s-1", 1), "taxesIncluded", json!(true));
    order["lineItems"][0]["taxLines"] = json!([{ "title": "VAT", "rate": "0.19" }]);
    let data = served.data(ORDER_CREATE, json!({ "order": order })).await;
    assert_eq!(data["orderCreate"]["order"]["totalTaxSet"]["shopMoney"]["amount"], "1.6");
}

#[tokio::test]
async fn a_sale_of_the_future_is_clamped_to_now_and_one_of_the_past_is_kept() {
    let served = open(setup()).await;
    for (stated, kept) in [
        ("2099-01-01T00:00:00Z", "2026-11-23T10:00:00Z"),
        ("2026-11-20T18:30:00+01:00", "2026-11-20T17:30:00Z"),
    ] {
        let order = with(served.sale("s-1", 1), "processedAt", json!(stated));
        let data = served.data(ORDER_CREATE, json!({ "order": order })).await;
        assert_eq!(data["orderCreate"]["order"]["processedAt"], kept);
    }
}

#[tokio::test]
async fn a_fulfilment_covers_all_lines_at_one_known_location() {
    let served = open(setup()).await;
    let nowhere = json!({ "locationId": "gid://shopify/Location/1" });
    let error = refused(&served, with(served.sale("s-1", 1), "fulfillment", nowhere)).await;
    assert_eq!(error["field"], json!(["order", "fulfillment", "locationId"]));
    let here = json!({ "locationId": served.location(1) });
    let order = with(served.sale("s-1", 1), "fulfillment", here);
    let data = served.data(ORDER_CREATE, json!({ "order": order })).await;
    assert_eq!(data["orderCreate"]["order"]["displayFulfillmentStatus"], "FULFILLED");
}

#[tokio::test]
async fn an_order_bypasses_inventory_unless_it_asks_to_decrement() {
    let served = open(setup()).await;
    let mut order = served.sale("s-1", 3);
    order["fulfillment"] = json!({ "locationId": served.location(0) });
    let create =
        |behaviour: &str| json!({ "order": order, "options": { "inventoryBehaviour": behaviour } });
    served.data(ORDER_CREATE, json!({ "order": order })).await;
    assert_eq!(served.available(0), 10);
    served.data(ORDER_CREATE, create("DECREMENT_OBEYING_POLICY")).await;
    assert_eq!(served.available(0), 7);
}

#[tokio::test]
async fn a_claim_beyond_the_stock_fails_only_where_the_policy_is_obeyed() {
    let served = open(setup()).await;
    let create = |behaviour: &str| {
        let order = served.sale("s-1", 11);
        json!({ "order": order, "options": { "inventoryBehaviour": behaviour } })
    };
    let data = served.data(ORDER_CREATE, create("DECREMENT_OBEYING_POLICY")).await;
    assert_eq!(data["orderCreate"]["userErrors"][0]["code"], "INVENTORY_CLAIM_FAILED");
    assert!(served.shop.books().orders.is_empty());
    served.data(ORDER_CREATE, create("DECREMENT_IGNORING_POLICY")).await;
    assert_eq!(served.available(0), -1);
    let books = served.shop.books();
    let level = books.level(served.item(0), served.location(0)).unwrap();
    assert_eq!((level.committed, level.on_hand()), (11, 10), "not fulfilled yet");
}

#[tokio::test]
async fn a_customer_is_named_in_one_way_only() {
    let served = open(setup()).await;
    let mut order = served.sale("s-1", 1);
    order["customerId"] = json!("gid://shopify/Customer/1");
    order["customer"] = json!({ "toUpsert": { "email": "someone@example.com" } });
    let error = refused(&served, order).await;
    assert_eq!(error["code"], "REDUNDANT_CUSTOMER_FIELDS");
    assert_eq!(error["field"], json!(["order"]));
}

#[tokio::test]
async fn an_unknown_variant_and_a_nameless_custom_line_are_refused() {
    let served = open(setup()).await;
    let mut order = served.sale("s-1", 1);
    order["lineItems"][0]["variantId"] = json!("gid://shopify/ProductVariant/1");
    let error = refused(&served, order).await;
    assert_eq!(error["field"], json!(["order", "lineItems", 0, "variantId"]));
    let mut order = served.sale("s-1", 1);
    order["lineItems"][0] = json!({ "quantity": 1, "priceSet": money("1.00") });
    let error = refused(&served, order).await;
    assert_eq!(error["field"], json!(["order", "lineItems", 0, "title"]));
}

#[tokio::test]
async fn a_line_is_one_piece_at_least_and_a_custom_line_has_a_price() {
    let served = open(setup()).await;
    let error = refused(&served, served.sale("s-1", 0)).await;
    assert_eq!(error["field"], json!(["order", "lineItems", 0, "quantity"]));
    let mut order = served.sale("s-1", 1);
    order["lineItems"][0] = json!({ "title": "Bag", "quantity": 1 });
    let error = refused(&served, order).await;
    assert_eq!(error["field"], json!(["order", "lineItems", 0, "priceSet"]));
}

#[tokio::test]
async fn a_discount_may_be_a_percentage_of_the_lines_or_all_of_the_shipping() {
    let served = open(setup()).await;
    let shipping = json!([{ "title": "Ground", "priceSet": money("5.00") }]);
    for (code, total) in [
        (json!({ "itemPercentageDiscountCode": { "code": "TEN", "percentage": 10.0 } }), "32.0"),
        (json!({ "freeShippingDiscountCode": { "code": "SHIP" } }), "30.0"),
    ] {
        let order = with(served.sale("s-1", 3), "shippingLines", shipping.clone());
        let order = with(order, "discountCode", code);
        let data = served.data(ORDER_CREATE, json!({ "order": order })).await;
        let created = &data["orderCreate"]["order"];
        assert_eq!(created["totalPriceSet"]["shopMoney"]["amount"], total);
    }
}

#[tokio::test]
async fn a_development_store_takes_five_orders_a_minute() {
    let mut setup = setup();
    setup.options.orders_per_minute_max = Some(5);
    let served = open(setup).await;
    for number in 0..5 {
        served.sell(&format!("s-{number}"), 1).await;
    }
    let variables = json!({ "order": served.sale("s-5", 1) });
    let data = served.data(ORDER_CREATE, variables.clone()).await;
    let error = &data["orderCreate"]["userErrors"][0];
    assert_eq!(error["message"], "Too many attempts. Please try again later.");
    assert_eq!(error["code"], json!(null));
    served.shop.advance(SignedDuration::from_mins(1));
    served.data(ORDER_CREATE, variables).await;
    assert_eq!(served.shop.books().orders.len(), 6);
}

async fn define_key(served: &Served) {
    let definition = json!({
        "name": "Sale", "namespace": "pos", "key": "sale", "ownerType": "ORDER", "type": "id",
    });
    let data = served.data(DEFINE, json!({ "definition": definition })).await;
    assert_eq!(data["metafieldDefinitionCreate"]["userErrors"], json!([]));
    let again = served.data(DEFINE, json!({ "definition": definition })).await;
    assert_eq!(again["metafieldDefinitionCreate"]["userErrors"][0]["code"], "TAKEN");
}

fn keyed_sale(served: &Served, value: &str) -> Value {
    let metafield = json!([{ "namespace": "pos", "key": "sale", "value": value }]);
    json!({ "order": with(served.sale(value, 1), "metafields", metafield) })
}

#[tokio::test]
async fn two_orders_with_the_same_id_metafield_exist_and_the_newest_is_found() {
    let served = open(setup()).await;
    define_key(&served).await;
    served.data(ORDER_CREATE, keyed_sale(&served, "s-1")).await;
    let second = served.data(ORDER_CREATE, keyed_sale(&served, "s-1")).await;
    let key = json!({ "namespace": "pos", "key": "sale", "value": "s-1" });
    let found = served.data(BY_KEY, key).await;
    assert_eq!(found["orderByIdentifier"]["id"], second["orderCreate"]["order"]["id"]);
    assert_eq!(found["orderByIdentifier"]["metafield"], json!({ "value": "s-1", "type": "id" }));
    let other = json!({ "namespace": "pos", "key": "sale", "value": "s-2" });
    assert_eq!(served.data(BY_KEY, other).await["orderByIdentifier"], json!(null));
}

#[tokio::test]
async fn a_shop_may_be_set_up_to_refuse_a_second_order_with_the_same_id_metafield() {
    let mut setup = setup();
    setup.options.refuse_duplicate_ids = true;
    let served = open(setup).await;
    define_key(&served).await;
    served.data(ORDER_CREATE, keyed_sale(&served, "s-1")).await;
    let second = served.data(ORDER_CREATE, keyed_sale(&served, "s-1")).await;
    let error = &second["orderCreate"]["userErrors"][0];
    assert_eq!(error["field"], json!(["order", "metafields", 0, "value"]));
    assert_eq!(served.shop.books().orders.len(), 1);
}

#[tokio::test]
async fn an_order_is_found_by_a_custom_id_only_if_it_is_defined() {
    let served = open(setup()).await;
    let key = json!({ "namespace": "pos", "key": "sale", "value": "s-1" });
    let refused = served.post(BY_KEY, key).await;
    assert_eq!(
        refused.body["errors"][0]["message"],
        "Metafield definition of type 'id' is required when using custom ids."
    );
}

#[tokio::test]
async fn a_metafield_has_a_value_and_the_type_of_its_definition() {
    let served = open(setup()).await;
    define_key(&served).await;
    for (metafield, field) in [
        (json!({ "namespace": "pos", "key": "note", "value": "x" }), "type"),
        (json!({ "namespace": "pos", "key": "sale", "value": "x", "type": "json" }), "type"),
        (json!({ "namespace": "pos", "key": "sale", "value": "" }), "value"),
    ] {
        let error =
            refused(&served, with(served.sale("s-1", 1), "metafields", json!([metafield]))).await;
        assert_eq!(error["field"], json!(["order", "metafields", 0, field]));
    }
}

#[tokio::test]
async fn a_definition_has_a_namespace_of_three_characters_and_a_key_of_two() {
    let served = open(setup()).await;
    for (namespace, key, field) in [("po", "sale", "namespace"), ("pos", "s", "key")] {
        let definition = json!({
            "name": "Sale", "namespace": namespace, "key": key, "ownerType": "ORDER", "type": "id",
        });
        let data = served.data(DEFINE, json!({ "definition": definition })).await;
        let error = &data["metafieldDefinitionCreate"]["userErrors"][0];
        assert_eq!(error["code"], "TOO_SHORT");
        assert_eq!(error["field"], json!(["definition", field]));
    }
}
