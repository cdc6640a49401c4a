//! Points and the leaky bucket.

use jiff::SignedDuration;
use serde_json::json;

use simulated_shopify::BucketSize;

use crate::support::{ADJUST, BY_SOURCE, open, setup};

#[tokio::test]
async fn every_answer_states_its_cost_as_recorded() {
    let served = open(setup()).await;
    // Recorded: 6 for ten locations.
    let locations =
        "query L($first: Int!) { locations(first: $first) { nodes { id name isActive } } }";
    let seen = served.post(locations, json!({ "first": 10 })).await;
    let cost = &seen.body["extensions"]["cost"];
    assert_eq!(cost["requestedQueryCost"], 6);
    assert_eq!(
        cost["throttleStatus"],
        json!({
            "maximumAvailable": 2000,
            "currentlyAvailable": 2000 - cost["actualQueryCost"].as_u64().unwrap(),
            "restoreRate": 100,
        })
    );
    // Recorded: 13 for an adjustment with its changes, and 10 where it is refused.
    let change = served.change(0, 1, json!(null));
    let input =
        |reason: &str| json!({ "name": "available", "reason": reason, "changes": [change] });
    let seen = served.post(ADJUST, json!({ "input": input("correction"), "key": "a" })).await;
    assert_eq!(seen.body["extensions"]["cost"]["requestedQueryCost"], 13);
    assert_eq!(seen.body["extensions"]["cost"]["actualQueryCost"], 13);
    let seen = served.post(ADJUST, json!({ "input": input("sale"), "key": "b" })).await;
    assert_eq!(seen.body["extensions"]["cost"]["actualQueryCost"], 10);
}

#[tokio::test]
async fn an_empty_bucket_throttles_with_status_200_and_without_data() {
    let mut setup = setup();
    setup.bucket = BucketSize { maximum: 15, restore_per_second: 1 };
    let served = open(setup).await;
    let adjust = |key: &str| {
        let input = json!({
            "name": "available", "reason": "correction", "changes": [served.change(0, 1, json!(null))],
        });
        json!({ "input": input, "key": key })
    };
    served.data(ADJUST, adjust("a")).await;
    let throttled = served.post(ADJUST, adjust("b")).await;
    assert_eq!(throttled.status, 200);
    assert_eq!(throttled.body.get("data"), None);
    let error = &throttled.body["errors"][0];
    assert_eq!(error["message"], "Throttled");
    assert_eq!(error["extensions"]["code"], "THROTTLED");
    assert!(error["extensions"]["documentation"].is_string());
    let cost = &throttled.body["extensions"]["cost"];
    assert_eq!(cost["actualQueryCost"], json!(null));
    assert_eq!(cost["requestedQueryCost"], 13);
    assert_eq!(cost["throttleStatus"]["currentlyAvailable"], 2);
    assert_eq!(served.available(0), 11, "what was throttled was not applied");

    served.shop.advance(SignedDuration::from_secs(11));
    served.data(ADJUST, adjust("b")).await;
    assert_eq!(served.available(0), 12);
    assert_eq!(served.shop.books().counters.throttled, 1);
}

#[tokio::test]
async fn an_operation_beyond_1000_points_is_refused() {
    let served = open(setup()).await;
    let nested = "query { orders(first: 250) { nodes { lineItems(first: 250) { nodes { variant { inventoryItem { inventoryLevels(first: 250) { nodes { id } } } } } } } } }";
    let refused = served.post(nested, json!({})).await;
    assert_eq!(refused.body["errors"][0]["extensions"]["code"], "MAX_COST_EXCEEDED");
}

#[tokio::test]
async fn a_search_that_finds_nothing_costs_less_than_it_may() {
    let served = open(setup()).await;
    let seen = served.post(BY_SOURCE, json!({ "query": "source_identifier:none" })).await;
    let cost = &seen.body["extensions"]["cost"];
    assert_eq!(
        (cost["requestedQueryCost"].as_u64(), cost["actualQueryCost"].as_u64()),
        (Some(6), Some(2))
    );
}
