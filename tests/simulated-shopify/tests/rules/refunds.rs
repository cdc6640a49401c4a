//! `refundCreate`.

use serde_json::{Value, json};

use crate::support::{ORDER_CREATE, REFUND_CREATE, Served, open, setup};

/// A refund of so many of the order's only line and of so much money.
fn refund(order: &Value, quantity: i64, amount: &str) -> Value {
    json!({
        "orderId": order["id"],
        "refundLineItems": [{
            "lineItemId": order["lineItems"]["nodes"][0]["id"],
            "quantity": quantity,
            "restockType": "NO_RESTOCK",
        }],
        "transactions": [{
            "orderId": order["id"],
            "parentId": order["transactions"][0]["id"],
            "kind": "REFUND",
            "gateway": "elsewhere",
            "amount": amount,
        }],
    })
}

async fn post(served: &Served, input: &Value, key: &str) -> Value {
    let data = served.data(REFUND_CREATE, json!({ "input": input, "key": key })).await;
    data["refundCreate"].clone()
}

async fn refused(input: impl Fn(&Value) -> Value) -> (Value, Value) {
    let served = open(setup()).await;
    let order = served.sell("s-1", 2).await;
    let payload = post(&served, &input(&order), "k").await;
    assert_eq!(payload["refund"], json!(null));
    assert!(served.shop.books().orders[0].refunds.is_empty());
    (payload["userErrors"][0].clone(), payload["order"].clone())
}

#[tokio::test]
async fn a_refund_gives_back_money_and_takes_its_parents_gateway() {
    let served = open(setup()).await;
    let order = served.sell("s-1", 2).await;
    let payload = post(&served, &refund(&order, 1, "10.00"), "k-1").await;
    assert_eq!(payload["userErrors"], json!([]));
    assert_eq!(payload["refund"]["totalRefundedSet"]["shopMoney"]["amount"], "10.0");
    assert_eq!(payload["refund"]["transactions"]["nodes"][0]["gateway"], "cash");
    assert_eq!(payload["order"]["displayFinancialStatus"], "PARTIALLY_REFUNDED");
    let payload = post(&served, &refund(&order, 1, "10.00"), "k-2").await;
    assert_eq!(payload["order"]["displayFinancialStatus"], "REFUNDED");
    let books = served.shop.books();
    assert_eq!(books.orders[0].refunds.len(), 2);
    assert_eq!(books.orders[0].lines[0].refunded, 2);
    assert_eq!(books.orders[0].refunds[0].idempotency_key, "k-1");
}

#[tokio::test]
async fn an_unknown_order_cannot_be_refunded() {
    let (error, order) = refused(|order| {
        let mut input = refund(order, 1, "10.00");
        input["orderId"] = json!("gid://shopify/Order/1");
        input
    })
    .await;
    assert_eq!(error, json!({ "field": ["orderId"], "message": "Order does not exist" }));
    assert_eq!(order, json!(null));
}

#[tokio::test]
async fn no_more_items_are_refunded_than_were_purchased() {
    let (error, order) = refused(|order| {
        let mut input = refund(order, 3, "10.00");
        input["allowOverRefunding"] = json!(true);
        input
    })
    .await;
    assert_eq!(
        error,
        json!({
            "field": ["refundLineItems", "0", "quantity"],
            "message": "Quantity cannot refund more items than were purchased",
        })
    );
    assert!(order["id"].is_string(), "the order is answered beside the error");
}

#[tokio::test]
async fn earlier_refunds_count_against_the_quantity() {
    let served = open(setup()).await;
    let order = served.sell("s-1", 2).await;
    post(&served, &refund(&order, 2, "5.00"), "k-1").await;
    let payload = post(&served, &refund(&order, 1, "5.00"), "k-2").await;
    assert_eq!(
        payload["userErrors"][0]["message"],
        "Quantity cannot refund more items than were purchased"
    );
}

#[tokio::test]
async fn no_more_money_is_refunded_than_was_received_even_if_over_refunding_is_allowed() {
    let (error, _) = refused(|order| {
        let mut input = refund(order, 1, "999.00");
        input["allowOverRefunding"] = json!(true);
        input
    })
    .await;
    assert_eq!(
        error,
        json!({
            "field": null,
            "message": "Refund amount €999.00 is greater than net payment received €20.00",
        })
    );
}

#[tokio::test]
async fn a_refund_needs_a_payment_of_the_same_order_as_its_parent() {
    for parent in [json!("gid://shopify/OrderTransaction/1"), json!(null)] {
        let (error, _) = refused(|order| {
            let mut input = refund(order, 1, "10.00");
            input["transactions"][0]["parentId"] = parent.clone();
            input
        })
        .await;
        assert_eq!(
            error,
            json!({
                "field": ["transactions"],
                "message": "Transactions require a parent_id associated with the order",
            })
        );
    }
}

#[tokio::test]
async fn only_refunds_are_transactions_of_a_refund() {
    let (error, _) = refused(|order| {
        let mut input = refund(order, 1, "10.00");
        input["transactions"][0]["kind"] = json!("AUTHORIZATION");
        input
    })
    .await;
    assert_eq!(
        error,
        json!({ "field": null, "message": "Kind authorization is not a valid transaction" })
    );
}

#[tokio::test]
async fn an_unknown_line_cannot_be_refunded() {
    let (error, _) = refused(|order| {
        let mut input = refund(order, 1, "10.00");
        input["refundLineItems"][0]["lineItemId"] = json!("gid://shopify/LineItem/1");
        input
    })
    .await;
    assert_eq!(error["field"], json!(["refundLineItems", "0", "lineItemId"]));
}

#[tokio::test]
async fn goods_go_back_into_stock_only_where_the_refund_says_so() {
    let served = open(setup()).await;
    let order = served.sell("s-1", 3).await;
    post(&served, &refund(&order, 1, "10.00"), "k-1").await;
    assert_eq!(served.available(0), 10, "NO_RESTOCK");
    let mut back = refund(&order, 1, "10.00");
    back["refundLineItems"][0]["restockType"] = json!("RETURN");
    let payload = post(&served, &back, "k-2").await;
    assert_eq!(
        payload["userErrors"][0]["field"],
        json!(["refundLineItems", "0", "locationId"]),
        "somewhere it must go"
    );
    back["refundLineItems"][0]["locationId"] = json!(served.location(0));
    let payload = post(&served, &back, "k-3").await;
    assert_eq!(payload["refund"]["refundLineItems"]["nodes"][0]["restocked"], true);
    assert_eq!(served.available(0), 11);
}

#[tokio::test]
async fn a_cancelled_line_releases_what_was_committed() {
    let served = open(setup()).await;
    let options = json!({ "inventoryBehaviour": "DECREMENT_OBEYING_POLICY" });
    let variables = json!({ "order": served.sale("s-1", 2), "options": options });
    let data = served.data(ORDER_CREATE, variables).await;
    let mut cancel = refund(&data["orderCreate"]["order"], 2, "20.00");
    cancel["refundLineItems"][0]["restockType"] = json!("CANCEL");
    cancel["refundLineItems"][0]["locationId"] = json!(served.location(0));
    post(&served, &cancel, "k").await;
    let books = served.shop.books();
    let level = books.level(served.item(0), served.location(0)).unwrap();
    assert_eq!((level.available, level.committed), (10, 0));
}

#[tokio::test]
async fn change_that_was_given_is_no_payment() {
    let served = open(setup()).await;
    let mut order = served.sale("s-1", 1);
    order["transactions"] = json!([
        { "kind": "SALE", "gateway": "cash", "amountSet": crate::support::money("50.00") },
        { "kind": "CHANGE", "gateway": "cash", "amountSet": crate::support::money("40.00") },
    ]);
    let data = served.data(ORDER_CREATE, json!({ "order": order })).await;
    let input = refund(&data["orderCreate"]["order"], 1, "10.01");
    let payload = post(&served, &input, "k").await;
    assert_eq!(
        payload["userErrors"][0]["message"],
        "Refund amount €10.01 is greater than net payment received €10.00"
    );
}

#[tokio::test]
async fn goods_go_back_in_a_way_that_is_still_accepted_and_to_a_known_location() {
    for (name, value) in [
        ("restockType", json!("LEGACY_RESTOCK")),
        ("locationId", json!("gid://shopify/Location/1")),
    ] {
        let (error, _) = refused(|order| {
            let mut input = refund(order, 1, "10.00");
            input["refundLineItems"][0][name] = value.clone();
            input
        })
        .await;
        assert_eq!(error["field"], json!(["refundLineItems", "0", name]));
    }
}

#[tokio::test]
async fn a_refund_in_the_customers_currency_follows_the_rate_of_its_payment() {
    let served = open(setup()).await;
    let mut order = served.sale("s-1", 1);
    order["presentmentCurrency"] = json!("USD");
    order["transactions"][0]["amountSet"] = json!({
        "shopMoney": { "amount": "10.00", "currencyCode": "EUR" },
        "presentmentMoney": { "amount": "20.00", "currencyCode": "USD" },
    });
    let data = served.data(ORDER_CREATE, json!({ "order": order })).await;
    let input = refund(&data["orderCreate"]["order"], 1, "5.00");
    let payload = post(&served, &input, "k").await;
    assert_eq!(payload["refund"]["totalRefundedSet"]["shopMoney"]["amount"], "2.5");
}

#[tokio::test]
async fn a_full_refund_of_the_shipping_gives_back_what_is_left_of_it() {
    let served = open(setup()).await;
    let mut order = served.sale("s-1", 1);
    order["shippingLines"] =
        json!([{ "title": "Ground", "priceSet": crate::support::money("5.00") }]);
    let data = served.data(ORDER_CREATE, json!({ "order": order })).await;
    let order_id = &data["orderCreate"]["order"]["id"];
    for (shipping, key) in
        [(json!({ "amount": "2.00" }), "k-1"), (json!({ "fullRefund": true }), "k-2")]
    {
        post(&served, &json!({ "orderId": order_id, "shipping": shipping }), key).await;
    }
    let books = served.shop.books();
    let refunded = books.orders[0].refunds.iter().map(|refund| refund.shipping.shop.to_string());
    assert_eq!(refunded.collect::<Vec<_>>(), ["2.00", "3.00"]);
}
