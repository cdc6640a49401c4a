//! `@idempotent`.

use jiff::SignedDuration;
use serde_json::{Value, json};

use simulated_shopify::{Disruption, Faults, Rule, Storm};

use crate::support::{ADJUST, REFUND_CREATE, Served, open, setup, until};

fn one_more(served: &Served) -> Value {
    json!([served.change(0, 1, json!(null))])
}

#[tokio::test]
async fn three_mutations_need_the_directive() {
    let served = open(setup()).await;
    let adjust = "mutation A($input: InventoryAdjustQuantitiesInput!) {\n  inventoryAdjustQuantities(input: $input) { userErrors { code } }\n}";
    let set = "mutation S($input: InventorySetQuantitiesInput!) {\n  inventorySetQuantities(input: $input) { userErrors { code } }\n}";
    let refund = "mutation R($input: RefundInput!) {\n  refundCreate(input: $input) { userErrors { message } }\n}";
    let stock = |list: &str| json!({ "name": "available", "reason": "correction", list: [] });
    for (query, field, input) in [
        (adjust, "inventoryAdjustQuantities", stock("changes")),
        (set, "inventorySetQuantities", stock("quantities")),
        (refund, "refundCreate", json!({ "orderId": "gid://shopify/Order/1" })),
    ] {
        let refused = served.post(query, json!({ "input": input })).await;
        assert_eq!(refused.status, 200);
        assert_eq!(
            refused.body["errors"],
            json!([{
                "message": "The @idempotent directive is required for this mutation but was not provided.",
                "locations": [{ "line": 2, "column": 3 }],
                "extensions": { "code": "BAD_REQUEST" },
                "path": [field],
            }])
        );
        assert_eq!(refused.body["data"], json!({ field: null }));
    }
}

#[tokio::test]
async fn a_blank_key_is_none() {
    let served = open(setup()).await;
    let input =
        json!({ "name": "available", "reason": "correction", "changes": one_more(&served) });
    let refused = served.post(ADJUST, json!({ "input": input, "key": "  " })).await;
    assert_eq!(refused.body["errors"][0]["extensions"]["code"], "BAD_REQUEST");
    assert_eq!(served.available(0), 10);
}

#[tokio::test]
async fn a_key_that_was_done_answers_its_first_outcome_and_applies_nothing() {
    let served = open(setup()).await;
    let first = served.adjust(one_more(&served), "k").await;
    let second = served.adjust(one_more(&served), "k").await;
    assert_eq!(first, second);
    assert_eq!(served.available(0), 11);
    served.adjust(one_more(&served), "another").await;
    assert_eq!(served.available(0), 12);
    let books = served.shop.books();
    assert_eq!((books.adjustments.len(), books.counters.replayed), (2, 1));
}

#[tokio::test]
async fn a_key_for_other_parameters_is_a_mismatch() {
    let served = open(setup()).await;
    served.adjust(one_more(&served), "k").await;
    let payload = served.adjust(json!([served.change(0, 2, json!(null))]), "k").await;
    assert_eq!(payload["userErrors"][0]["code"], "IDEMPOTENCY_KEY_PARAMETER_MISMATCH");
    assert_eq!(
        payload["userErrors"][0]["message"],
        "The same idempotency key cannot be used with different operation parameters."
    );
    assert_eq!(served.available(0), 11);
}

#[tokio::test]
async fn a_key_whose_attempt_failed_asks_for_a_new_key() {
    let served = open(setup()).await;
    let stale = json!([served.change(0, 1, json!(3))]);
    let first = served.adjust(stale.clone(), "k").await;
    assert_eq!(first["userErrors"][0]["code"], "CHANGE_FROM_QUANTITY_STALE");
    let second = served.adjust(stale, "k").await;
    assert_eq!(second["userErrors"][0]["code"], "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED");
}

#[tokio::test]
async fn a_key_is_new_again_24_hours_after_its_first_request() {
    let mut setup = setup();
    setup.token_life_seconds = 7 * 86_400;
    let served = open(setup).await;
    served.adjust(one_more(&served), "k").await;
    served.shop.advance(SignedDuration::from_hours(23));
    served.adjust(one_more(&served), "k").await;
    assert_eq!(served.available(0), 11, "a replay does not prolong the window");
    served.shop.advance(SignedDuration::from_hours(1));
    served.adjust(one_more(&served), "k").await;
    assert_eq!(served.available(0), 12);
}

#[tokio::test]
async fn a_key_in_use_is_a_concurrent_request() {
    let served = open(setup()).await;
    let held = Disruption::ApplyLate { hold_ms: 2_000 };
    served.shop.set_faults(Faults { rules: vec![Rule::next(1, held)], ..Faults::default() });
    let input =
        json!({ "name": "available", "reason": "correction", "changes": one_more(&served) });
    let variables = json!({ "input": input, "key": "k" });
    let (late, meanwhile) = tokio::join!(served.data(ADJUST, variables), async {
        until("the first request is held", || {
            served.shop.books().counters.disruptions.contains_key("applyLate")
        })
        .await;
        served.adjust(one_more(&served), "k").await
    });
    assert_eq!(meanwhile["userErrors"][0]["code"], "IDEMPOTENCY_CONCURRENT_REQUEST");
    assert_eq!(late["inventoryAdjustQuantities"]["userErrors"], json!([]));
    assert_eq!(served.available(0), 11);
}

#[tokio::test]
async fn a_key_is_let_go_when_its_request_was_held_and_then_throttled() {
    let served = open(setup()).await;
    let held = Disruption::ApplyLate { hold_ms: 300 };
    let storm = Some(Storm { restore_per_second: 0, seconds: 60 });
    let rules = vec![Rule::next(1, held)];
    served.shop.set_faults(Faults { rules, storm, ..Faults::default() });
    let input =
        json!({ "name": "available", "reason": "correction", "changes": one_more(&served) });
    let late = served.post(ADJUST, json!({ "input": input, "key": "k" })).await.body;
    assert_eq!(late["errors"][0]["extensions"]["code"], "THROTTLED", "{late}");
    served.shop.set_faults(Faults::default());
    served.shop.advance(SignedDuration::from_secs(60));
    let again = served.adjust(one_more(&served), "k").await;
    assert_eq!(again["userErrors"], json!([]));
    assert_eq!(served.available(0), 11);
}

#[tokio::test]
async fn a_refund_says_only_by_its_message_what_is_wrong_with_a_key() {
    let served = open(setup()).await;
    let order = served.sell("s-1", 2).await;
    let refund = |quantity: i64| {
        let line = json!({
            "lineItemId": order["lineItems"]["nodes"][0]["id"],
            "quantity": quantity,
            "restockType": "NO_RESTOCK",
        });
        let input = json!({ "orderId": order["id"], "refundLineItems": [line] });
        json!({ "input": input, "key": "k" })
    };
    let first = served.data(REFUND_CREATE, refund(1)).await;
    let again = served.data(REFUND_CREATE, refund(1)).await;
    assert_eq!(first, again);
    let other = served.data(REFUND_CREATE, refund(2)).await;
    assert_eq!(
        other["refundCreate"]["userErrors"],
        json!([{
            "field": null,
            "message": "The same idempotency key cannot be used with different operation parameters.",
        }])
    );
    assert_eq!(served.shop.books().orders[0].refunds.len(), 1);
}
