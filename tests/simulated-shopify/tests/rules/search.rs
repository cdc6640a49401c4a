//! Search: words instead of exact values, and a lag.

use jiff::SignedDuration;
use serde_json::json;

use simulated_shopify::{Disruption, Faults, Rule, SearchLag};

use crate::support::{BY_KEY, BY_SOURCE, DEFINE, ORDER_CREATE, Served, open, setup};

const VARIANTS: &str = "query V($query: String!, $after: String) { productVariants(first: 2, query: $query, after: $after) { nodes { sku } pageInfo { hasNextPage endCursor } } }";

async fn skus(served: &Served, query: &str) -> Vec<String> {
    let data = served.data(VARIANTS, json!({ "query": query })).await;
    let nodes = data["productVariants"]["nodes"].as_array().unwrap();
    nodes.iter().map(|node| node["sku"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_search_for_a_sku_finds_longer_skus_with_the_same_words() {
    let served = open(setup()).await;
    assert_eq!(skus(&served, "sku:\"A-1\"").await, ["A-1", "A-1-XL"]);
    assert_eq!(skus(&served, "sku:\"1-A\"").await, [""; 0]);
    assert_eq!(skus(&served, "sku:1-A").await, ["A-1", "A-1-XL"], "unquoted words stand anywhere");
    assert_eq!(skus(&served, "barcode:\"4006381333948\"").await, ["B-2"]);
}

#[tokio::test]
async fn skus_are_not_unique() {
    let served = open(setup().with_variant("B-2", None, "3.00", 1)).await;
    assert_eq!(skus(&served, "sku:\"B-2\"").await, ["B-2", "B-2"]);
}

#[tokio::test]
async fn an_unknown_filter_is_ignored_with_a_warning() {
    let served = open(setup()).await;
    let seen = served.post(VARIANTS, json!({ "query": "skew:B" })).await;
    assert_eq!(seen.body["data"]["productVariants"]["nodes"].as_array().unwrap().len(), 2);
    assert_eq!(seen.body["extensions"]["search"][0]["warnings"][0]["field"], "skew");
}

#[tokio::test]
async fn a_search_with_parentheses_is_refused() {
    let served = open(setup()).await;
    let refused = served.post(VARIANTS, json!({ "query": "(sku:A OR sku:B)" })).await;
    assert_eq!(refused.body["errors"][0]["extensions"]["code"], "NOT_SIMULATED");
}

#[tokio::test]
async fn an_order_is_found_by_source_identifier_and_by_name() {
    let served = open(setup()).await;
    for number in 190..195 {
        served.sell(&format!("0042-2-{number}"), 1).await;
    }
    let found =
        served.data(BY_SOURCE, json!({ "query": "source_identifier:\"0042-2-192\"" })).await;
    let nodes = found["orders"]["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 1);
    assert_eq!(nodes[0]["sourceIdentifier"], "0042-2-192");
    let by_name = served.data(BY_SOURCE, json!({ "query": "name:#1003" })).await;
    assert_eq!(by_name["orders"]["nodes"][0]["id"], nodes[0]["id"]);
    let all = served.data(BY_SOURCE, json!({ "query": "source_identifier:0042" })).await;
    assert_eq!(all["orders"]["nodes"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn an_order_is_out_of_every_search_until_its_lag_is_over() {
    let mut setup = setup();
    setup.search_lag = SearchLag { least_ms: 90_000, most_ms: 90_000 };
    let served = open(setup).await;
    let definition = json!({
        "name": "Sale", "namespace": "pos", "key": "sale", "ownerType": "ORDER", "type": "id",
    });
    served.data(DEFINE, json!({ "definition": definition })).await;
    let mut order = served.sale("s-1", 1);
    order["metafields"] = json!([{ "namespace": "pos", "key": "sale", "value": "s-1" }]);
    let created = served.data(ORDER_CREATE, json!({ "order": order })).await;
    let id = &created["orderCreate"]["order"]["id"];

    let source = json!({ "query": "source_identifier:s-1" });
    let key = json!({ "namespace": "pos", "key": "sale", "value": "s-1" });
    served.shop.advance(SignedDuration::from_millis(89_999));
    let found = served.data(BY_SOURCE, source.clone()).await;
    assert_eq!(found["orders"]["nodes"], json!([]));
    assert_eq!(served.data(BY_KEY, key.clone()).await["orderByIdentifier"], json!(null));
    let read = "query R($id: ID!) { order(id: $id) { id } }";
    assert_eq!(served.data(read, json!({ "id": id })).await["order"]["id"], *id);

    served.shop.advance(SignedDuration::from_millis(1));
    let found = served.data(BY_SOURCE, source).await;
    assert_eq!(found["orders"]["nodes"][0]["id"], *id);
    assert_eq!(served.data(BY_KEY, key).await["orderByIdentifier"]["id"], *id);
}

#[tokio::test]
async fn lags_are_drawn_from_the_range_by_the_seed() {
    let mut setup = setup();
    setup.search_lag = SearchLag { least_ms: 0, most_ms: 120_000 };
    let mut lags = Vec::new();
    for _ in 0..2 {
        let served = open(setup.clone()).await;
        for number in 0..20 {
            served.sell(&format!("s-{number}"), 1).await;
        }
        let lag = |order: &simulated_shopify::records::Order| {
            order.searchable_from.duration_since(order.created_at).as_millis()
        };
        lags.push(served.shop.books().orders.iter().map(lag).collect::<Vec<_>>());
    }
    assert_eq!(lags[0], lags[1]);
    assert!(lags[0].iter().all(|lag| (0..=120_000).contains(lag)));
    assert!(lags[0].iter().any(|lag| *lag > 60_000) && lags[0].iter().any(|lag| *lag < 60_000));
}

#[tokio::test]
async fn the_next_order_can_be_hidden_for_a_while() {
    let served = open(setup()).await;
    let rules = vec![Rule::next(1, Disruption::HiddenFor { seconds: 300 }).on("orderCreate")];
    served.shop.set_faults(Faults { rules, ..Faults::default() });
    served.sell("s-1", 1).await;
    served.sell("s-2", 1).await;
    let hidden = served.data(BY_SOURCE, json!({ "query": "source_identifier:s" })).await;
    assert_eq!(hidden["orders"]["nodes"][0]["sourceIdentifier"], "s-2");
    served.shop.advance(SignedDuration::from_secs(300));
    let both = served.data(BY_SOURCE, json!({ "query": "source_identifier:s" })).await;
    assert_eq!(both["orders"]["nodes"].as_array().unwrap().len(), 2);
}
