//! Reading: pages, locations, definitions, refunds.

use serde_json::json;

use crate::support::{DEFINE, open, setup};

#[tokio::test]
async fn inactive_locations_are_listed_only_if_asked_for_and_by_pages() {
    let mut setup = setup().with_location("Altona");
    setup.locations[1].active = false;
    let served = open(setup).await;
    let active = "query { locations(first: 10) { nodes { name isActive } } }";
    let data = served.data(active, json!({})).await;
    assert_eq!(
        data["locations"]["nodes"],
        json!([{ "name": "Altona", "isActive": true }, { "name": "Hamburg", "isActive": true }])
    );
    let page = "query P($after: String) { locations(first: 2, after: $after, includeInactive: true) { nodes { name } pageInfo { hasNextPage hasPreviousPage endCursor } } }";
    let first = served.data(page, json!({})).await;
    assert_eq!(first["locations"]["nodes"], json!([{ "name": "Altona" }, { "name": "Bremen" }]));
    assert_eq!(first["locations"]["pageInfo"]["hasNextPage"], true);
    let after = first["locations"]["pageInfo"]["endCursor"].clone();
    let second = served.data(page, json!({ "after": after })).await;
    assert_eq!(second["locations"]["nodes"], json!([{ "name": "Hamburg" }]));
    assert_eq!(second["locations"]["pageInfo"]["hasNextPage"], false);
    assert_eq!(second["locations"]["pageInfo"]["hasPreviousPage"], true);
}

#[tokio::test]
async fn a_connection_needs_a_bound_and_a_cursor_of_its_own() {
    let served = open(setup()).await;
    let refused = served.post("query { locations { nodes { id } } }", json!({})).await;
    assert_eq!(refused.body["errors"][0]["message"], "you must provide one of first or last");
    for arguments in ["first: 251", "first: 0", "first: 1, after: \"nowhere\""] {
        let query = format!("query {{ locations({arguments}) {{ nodes {{ id }} }} }}");
        let refused = served.post(&query, json!({})).await;
        assert_eq!(refused.body["errors"][0]["extensions"]["code"], "BAD_REQUEST", "{arguments}");
    }
}

#[tokio::test]
async fn another_kind_of_identifier_is_not_found_and_an_unknown_one_is_null() {
    let served = open(setup()).await;
    let read = "query R($id: ID!) { order(id: $id) { id } }";
    let unknown = served.data(read, json!({ "id": "gid://shopify/Order/1" })).await;
    assert_eq!(unknown["order"], json!(null));
    let wrong = served.post(read, json!({ "id": "gid://shopify/Product/1" })).await;
    assert_eq!(wrong.body["errors"][0]["extensions"]["code"], "RESOURCE_NOT_FOUND");
    assert_eq!(wrong.body["errors"][0]["message"], "Invalid id: gid://shopify/Product/1");
}

#[tokio::test]
async fn definitions_are_found_by_owner_namespace_and_key() {
    let served = open(setup()).await;
    let definition = json!({
        "name": "Sale", "namespace": "$app:pos", "key": "sale", "ownerType": "ORDER", "type": "id",
    });
    served.data(DEFINE, json!({ "definition": definition })).await;
    let read = "query D($namespace: String!) { metafieldDefinitions(first: 1, ownerType: ORDER, namespace: $namespace, key: \"sale\") { nodes { namespace type { name } } } }";
    let data = served.data(read, json!({ "namespace": "$app:pos" })).await;
    assert_eq!(
        data["metafieldDefinitions"]["nodes"],
        json!([{ "namespace": "app--1--pos", "type": { "name": "id" } }])
    );
    let data = served.data(read, json!({ "namespace": "pos" })).await;
    assert_eq!(data["metafieldDefinitions"]["nodes"], json!([]));
}

#[tokio::test]
async fn orders_are_counted_up_to_a_limit() {
    let served = open(setup()).await;
    for number in 0..3 {
        served.sell(&format!("s-{number}"), 1).await;
    }
    let counts = "query { all: ordersCount { count precision } some: ordersCount(limit: 1) { count precision } }";
    let data = served.data(counts, json!({})).await;
    assert_eq!(data["all"], json!({ "count": 3, "precision": "EXACT" }));
    assert_eq!(data["some"], json!({ "count": 1, "precision": "AT_LEAST" }));
}

#[tokio::test]
async fn a_price_has_both_decimal_places() {
    let served = open(setup()).await;
    let read = "query V { productVariants(first: 1, query: \"sku:'B-2'\") { nodes { price } } }";
    let data = served.data(read, json!({})).await;
    assert_eq!(data["productVariants"]["nodes"], json!([{ "price": "1.99" }]));
    let read = "query V { productVariants(first: 1, query: \"sku:'A-1-XL'\") { nodes { price } } }";
    let data = served.data(read, json!({})).await;
    assert_eq!(data["productVariants"]["nodes"], json!([{ "price": "12.50" }]));
}
