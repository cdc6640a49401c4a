//! Tokens, versions, scopes and bodies.

use jiff::SignedDuration;
use reqwest::StatusCode;
use serde_json::json;

use crate::support::{ORDER_CREATE, open, seen, setup};

const SHOP: &str = "query { shop { currencyCode myshopifyDomain } currentAppInstallation { accessScopes { handle } } }";

#[tokio::test]
async fn a_client_with_its_secret_gets_a_token_of_24_hours() {
    let served = open(setup()).await;
    let granted = served.grant("storefront-client", "storefront-secret").await;
    assert_eq!(granted.status, StatusCode::OK);
    assert_eq!(granted.body["expires_in"], 86_400);
    let data = served.data(SHOP, json!({})).await;
    assert_eq!(data["shop"]["myshopifyDomain"], "north.myshopify.com");
    assert_eq!(data["currentAppInstallation"]["accessScopes"][4]["handle"], "write_orders");
}

#[tokio::test]
async fn a_wrong_secret_gets_no_token() {
    let served = open(setup()).await;
    let refused = served.grant("storefront-client", "guess").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert_eq!(refused.body["error"], "invalid_client");
}

#[tokio::test]
async fn a_grant_that_is_not_form_encoded_is_refused() {
    let served = open(setup()).await;
    let request = served
        .client
        .post(format!("{}/admin/oauth/access_token", served.url))
        .json(&json!({ "client_id": "storefront-client", "grant_type": "client_credentials" }));
    assert_eq!(seen(request.send().await.unwrap()).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_grant_of_another_type_is_refused() {
    let served = open(setup()).await;
    let form = "client_id=storefront-client&client_secret=storefront-secret&grant_type=password";
    let request = served
        .client
        .post(format!("{}/admin/oauth/access_token", served.url))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form);
    let refused = seen(request.send().await.unwrap()).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(refused.body["error"], "unsupported_grant_type");
}

#[tokio::test]
async fn an_unknown_token_and_an_expired_one_are_unauthorised() {
    let mut served = open(setup()).await;
    served.shop.advance(SignedDuration::from_hours(24));
    let expired = served.post(SHOP, json!({})).await;
    assert_eq!(expired.status, StatusCode::UNAUTHORIZED);
    served.token = "shpat_unknown".to_owned();
    assert_eq!(served.post(SHOP, json!({})).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(served.shop.books().counters.unauthorised, 2);
}

#[tokio::test]
async fn older_versions_fall_forward_and_unknown_ones_are_not_found() {
    let served = open(setup()).await;
    for (version, status) in [
        ("2025-07", StatusCode::OK),
        ("2026-10", StatusCode::OK),
        ("2027-01", StatusCode::NOT_FOUND),
        ("unstable", StatusCode::NOT_FOUND),
        ("2026-11", StatusCode::NOT_FOUND),
    ] {
        let request = served
            .client
            .post(format!("{}/admin/api/{version}/graphql.json", served.url))
            .header("x-shopify-access-token", &served.token)
            .json(&json!({ "query": SHOP }));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status, "version {version}");
        if status == StatusCode::OK {
            assert_eq!(response.headers()["x-shopify-api-version"], "2026-10");
        }
    }
}

#[tokio::test]
async fn a_body_that_is_no_graphql_request_is_refused_with_status_400() {
    let served = open(setup()).await;
    for body in ["not json", "{}"] {
        let request = served
            .client
            .post(format!("{}/admin/api/2026-10/graphql.json", served.url))
            .header("x-shopify-access-token", &served.token)
            .body(body);
        assert_eq!(request.send().await.unwrap().status(), StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn a_field_without_its_scope_is_denied_and_null() {
    let mut setup = setup();
    setup.scopes = vec!["read_orders".to_owned()];
    let served = open(setup).await;
    let variables = json!({ "order": served.sale("s-1", 1) });
    let denied = served.post(ORDER_CREATE, variables).await;
    assert_eq!(denied.status, StatusCode::OK);
    let error = &denied.body["errors"][0];
    assert_eq!(error["extensions"]["code"], "ACCESS_DENIED");
    assert_eq!(
        error["message"],
        "Access denied for orderCreate field. Required access: `write_orders` access scope."
    );
    assert_eq!(error["extensions"]["requiredAccess"], "`write_orders` access scope.");
    assert_eq!(error["path"], json!(["orderCreate"]));
    assert_eq!(denied.body["data"], json!({ "orderCreate": null }));
    assert!(served.shop.books().orders.is_empty());

    let locations = "query { locations(first: 5) { nodes { id } } }";
    let denied = served.post(locations, json!({})).await;
    assert_eq!(denied.body["data"], json!(null), "the connection cannot be null itself");
}

#[tokio::test]
async fn orders_of_more_than_60_days_need_a_scope_of_their_own() {
    let mut setup = setup();
    setup.scopes = vec!["write_orders".to_owned()];
    setup.token_life_seconds = 90 * 86_400;
    let served = open(setup).await;
    let order = served.sell("s-1", 1).await;
    let read = "query Read($id: ID!) { order(id: $id) { id } }";
    let young = served.data(read, json!({ "id": order["id"] })).await;
    assert_eq!(young["order"]["id"], order["id"]);
    served.shop.advance(SignedDuration::from_hours(24 * 60));
    let old = served.data(read, json!({ "id": order["id"] })).await;
    assert_eq!(old["order"], json!(null));
}
