//! Everything that can go wrong between a client and the shop.

use std::time::Duration;

use jiff::SignedDuration;
use reqwest::StatusCode;
use serde_json::{Value, json};

use simulated_shopify::{Disruption, Faults, Maintenance, Rule, Storm};

use crate::support::{BY_SOURCE, ORDER_CREATE, Served, open, seen, setup, until};

const SHOP: &str = "query { shop { id } }";

fn rules(rules: Vec<Rule>) -> Faults {
    Faults { rules, ..Faults::default() }
}

fn next(disruption: Disruption) -> Faults {
    rules(vec![Rule::next(1, disruption).on("orderCreate")])
}

fn sale(served: &Served) -> Value {
    json!({ "order": served.sale("s-1", 1) })
}

fn orders(served: &Served) -> usize {
    served.shop.books().orders.len()
}

#[tokio::test]
async fn a_lost_answer_was_applied() {
    let served = open(setup()).await;
    served.shop.set_faults(next(Disruption::CloseAfter));
    let lost = served.attempt(ORDER_CREATE, sale(&served)).await;
    assert!(lost.is_err(), "not one byte of an answer");
    assert_eq!(orders(&served), 1);
    let found = served.data(BY_SOURCE, json!({ "query": "source_identifier:s-1" })).await;
    assert_eq!(found["orders"]["nodes"].as_array().unwrap().len(), 1);
    assert_eq!(served.shop.books().counters.disruptions["closeAfter"], 1);
}

#[tokio::test]
async fn a_connection_that_is_closed_before_applied_nothing() {
    let served = open(setup()).await;
    served.shop.set_faults(next(Disruption::CloseBefore));
    assert!(served.attempt(ORDER_CREATE, sale(&served)).await.is_err());
    assert_eq!(orders(&served), 0);
    served.data(ORDER_CREATE, sale(&served)).await;
    assert_eq!(orders(&served), 1, "it struck once only");
}

#[tokio::test]
async fn a_late_commit_is_applied_after_its_client_has_gone() {
    let served = open(setup()).await;
    served.shop.set_faults(next(Disruption::ApplyLate { hold_ms: 2_000 }));
    let impatient = served
        .client
        .post(format!("{}/admin/api/2026-10/graphql.json", served.url))
        .header("x-shopify-access-token", &served.token)
        .timeout(Duration::from_millis(100))
        .json(&json!({ "query": ORDER_CREATE, "variables": sale(&served) }));
    assert!(impatient.send().await.unwrap_err().is_timeout());
    assert_eq!(orders(&served), 0, "none yet when the client looks");
    until("the late commit", || orders(&served) == 1).await;
}

#[tokio::test]
async fn a_server_error_may_or_may_not_have_applied() {
    let served = open(setup()).await;
    for (disruption, status, applied) in [
        (Disruption::ErrorBefore { status: 502 }, StatusCode::BAD_GATEWAY, 0),
        (Disruption::ErrorAfter { status: 500 }, StatusCode::INTERNAL_SERVER_ERROR, 1),
    ] {
        served.shop.set_faults(next(disruption));
        assert_eq!(served.post(ORDER_CREATE, sale(&served)).await.status, status);
        assert_eq!(orders(&served), applied);
    }
}

#[tokio::test]
async fn a_page_of_html_with_status_200_may_or_may_not_have_applied() {
    let served = open(setup()).await;
    for (disruption, applied) in [(Disruption::HtmlBefore, 0), (Disruption::HtmlAfter, 1)] {
        served.shop.set_faults(next(disruption));
        let response = served.attempt(ORDER_CREATE, sale(&served)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
        assert_eq!(orders(&served), applied);
    }
}

#[tokio::test]
async fn too_many_requests_and_unavailable_say_when_to_come_again() {
    let served = open(setup()).await;
    for (disruption, status) in [
        (Disruption::TooManyRequests { retry_after_seconds: 2 }, StatusCode::TOO_MANY_REQUESTS),
        (Disruption::Unavailable { retry_after_seconds: 2 }, StatusCode::SERVICE_UNAVAILABLE),
    ] {
        served.shop.set_faults(next(disruption));
        let response = served.attempt(ORDER_CREATE, sale(&served)).await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["retry-after"], "2");
    }
    assert_eq!(orders(&served), 0);
}

#[tokio::test]
async fn a_request_can_be_throttled_whatever_the_bucket_holds() {
    let served = open(setup()).await;
    served.shop.set_faults(next(Disruption::Throttled));
    let throttled = served.post(ORDER_CREATE, sale(&served)).await;
    assert_eq!(throttled.body["errors"][0]["extensions"]["code"], "THROTTLED");
    assert_eq!(orders(&served), 0);
}

#[tokio::test]
async fn a_storm_empties_the_bucket_and_restores_slowly_until_it_is_over() {
    let served = open(setup()).await;
    let storm = Some(Storm { restore_per_second: 1, seconds: 60 });
    served.shop.set_faults(Faults { storm, ..Faults::default() });
    let throttled = served.post(ORDER_CREATE, sale(&served)).await;
    let status = &throttled.body["extensions"]["cost"]["throttleStatus"];
    assert_eq!(
        (status["currentlyAvailable"].as_u64(), status["restoreRate"].as_u64()),
        (Some(0), Some(1))
    );
    served.shop.advance(SignedDuration::from_secs(2));
    served.data(SHOP, json!({})).await;
    served.shop.advance(SignedDuration::from_secs(60));
    served.data(ORDER_CREATE, sale(&served)).await;
}

#[tokio::test]
async fn tokens_can_expire_at_once() {
    let mut served = open(setup()).await;
    served.shop.set_faults(Faults { expire_tokens: true, ..Faults::default() });
    assert_eq!(served.post(SHOP, json!({})).await.status, StatusCode::UNAUTHORIZED);
    served.token = served.sign_in().await;
    served.data(SHOP, json!({})).await;
}

#[tokio::test]
async fn a_maintenance_answers_everything_with_its_status_until_it_is_over() {
    let served = open(setup()).await;
    for status in [423_u16, 503] {
        let maintenance = Some(Maintenance { status, seconds: 60 });
        served.shop.set_faults(Faults { maintenance, ..Faults::default() });
        assert_eq!(served.post(SHOP, json!({})).await.status, status);
        assert_eq!(served.grant("storefront-client", "storefront-secret").await.status, status);
        served.shop.advance(SignedDuration::from_secs(60));
        served.data(SHOP, json!({})).await;
    }
}

#[tokio::test]
async fn faults_by_chance_strike_the_same_requests_for_the_same_seed() {
    let mut struck = Vec::new();
    for _ in 0..2 {
        let served = open(setup()).await;
        served
            .shop
            .set_faults(rules(vec![Rule::per_mille(300, Disruption::ErrorBefore { status: 500 })]));
        let mut statuses = Vec::new();
        for _ in 0..40 {
            statuses.push(served.post(SHOP, json!({})).await.status == StatusCode::OK);
        }
        struck.push(statuses);
    }
    assert_eq!(struck[0], struck[1]);
    assert!(struck[0].contains(&true) && struck[0].contains(&false));
}

#[tokio::test]
async fn a_rule_applies_only_to_the_root_fields_that_it_names() {
    let served = open(setup()).await;
    served.shop.set_faults(next(Disruption::ErrorBefore { status: 500 }));
    served.data(SHOP, json!({})).await;
    assert_eq!(served.post(ORDER_CREATE, sale(&served)).await.status, 500);
}

#[tokio::test]
async fn a_connection_survives_for_other_clients_when_one_is_cut() {
    let served = open(setup()).await;
    served.shop.set_faults(next(Disruption::CloseAfter));
    let request = served.client.get(format!("{}/control/summary", served.url));
    let (lost, summary) = tokio::join!(served.attempt(ORDER_CREATE, sale(&served)), request.send());
    assert!(lost.is_err());
    assert_eq!(seen(summary.unwrap()).await.status, StatusCode::OK);
}
