//! The operators' API over a real store.

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use protocol::problem::Problem;
use serde_json::Value;
use tower::ServiceExt;

use super::*;
use crate::connectors::ExceptionClass;
use crate::ingest::tests::make::{Bench, at};
use crate::seams::Seams;
use crate::store::model::{DeliveryState, Transition};

const TOKEN: &str = "operators-token";

struct Operator(Router);

impl Operator {
    fn new(bench: &Bench) -> Self {
        let token = Secret::new(TOKEN, "test").unwrap();
        let clock: Clock = Arc::new(|| at(100));
        let tenant = TenantId::new("acme").unwrap();
        let cut_off = SignedDuration::from_hours(36);
        let books = BooksParts { targets: Targets::new(), cut_off };
        Self(router(&Api::new(Arc::clone(&bench.store), tenant, token, clock, books)))
    }

    async fn call(&self, request: Request<Body>) -> (StatusCode, Vec<u8>) {
        let response = self.0.clone().oneshot(request).await.unwrap();
        let status = response.status();
        (status, to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec())
    }

    async fn get(&self, path: &str) -> (StatusCode, Vec<u8>) {
        let request = Request::get(path).header("authorization", format!("Bearer {TOKEN}"));
        self.call(request.body(Body::empty()).unwrap()).await
    }

    async fn read(&self, path: &str) -> Value {
        let (status, body) = self.get(path).await;
        assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap()
    }

    async fn post(&self, path: &str, body: &str) -> (StatusCode, Vec<u8>) {
        let request = Request::post(path).header("authorization", format!("bearer {TOKEN}"));
        self.call(request.body(body.to_owned().into()).unwrap()).await
    }
}

fn code((status, body): (StatusCode, Vec<u8>)) -> String {
    let problem: Problem = serde_json::from_slice(&body).unwrap();
    assert_eq!(problem.status, status.as_u16());
    assert!(problem.next.is_some(), "{problem}");
    problem.code
}

/// Two sales, the first of which needs a person.
async fn two_sales() -> (Bench, Operator, String) {
    let bench = Bench::new(Seams::default());
    let mut agent = bench.agent("one").await;
    agent.sell(1..=2);
    agent.relay(&bench).await;
    let lease = SignedDuration::from_secs(30);
    let claim = bench.store.claim_lane("test", at(0), lease).await.unwrap().unwrap();
    let first = bench.store.open_deliveries(&claim, 1).await.unwrap().remove(0);
    let (class, reason) = (ExceptionClass::UnknownItem, "4711 is unknown".to_owned());
    let state = DeliveryState::Exception { class, reason, since: at(40) };
    let step = Transition { id: first.id, state, said: "no".to_owned(), now: at(40) };
    bench.store.finish(&claim, &[step]).await.unwrap();
    bench.store.release_lane(&claim, Some(at(0))).await.unwrap();
    let operator = Operator::new(&bench);
    (bench, operator, first.id.to_string())
}

#[tokio::test]
async fn without_the_token_nothing_but_health_is_told() {
    let (_bench, operator, id) = two_sales().await;
    for path in [
        "/api/v1/status",
        "/api/v1/lanes",
        "/api/v1/exceptions",
        "/api/v1/receipts?key=x",
        "/api/v1/books?store=0042&date=2026-11-23",
        "/metrics",
        &format!("/api/v1/exceptions/{id}"),
    ] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        assert_eq!(code(operator.call(request).await), "SK0008", "{path}");
        let request = Request::get(path).header("authorization", "Bearer wrong");
        let request = request.body(Body::empty()).unwrap();
        assert_eq!(code(operator.call(request).await), "SK0008", "{path}");
    }
    for path in ["/healthz", "/readyz"] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        assert_eq!(operator.call(request).await.0, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn the_status_tells_stores_targets_and_exceptions() {
    let (_bench, operator, _) = two_sales().await;
    let status = operator.read("/api/v1/status").await;
    assert_eq!(status["entries"], 2);
    assert_eq!(status["stores"][0]["store"], "0042");
    assert_eq!(status["stores"][0]["devices"][0]["state"]["state"], "active");
    assert!(status["stores"][0]["devices"][0].get("ticket").is_none(), "a ticket is a secret");
    assert_eq!(status["targets"][0]["waiting"], 1);
    assert_eq!(status["exceptions"][0]["code"], "SK0060");
    let lanes = operator.read("/api/v1/lanes?store=0042&target=shop").await;
    assert_eq!(lanes["lanes"][0]["exceptions"], 1);
    assert_eq!(operator.read("/api/v1/lanes?store=0043").await["lanes"], Value::Array(vec![]));
}

#[tokio::test]
async fn exceptions_are_listed_in_pages_and_shown_with_the_next_step() {
    let (_bench, operator, id) = two_sales().await;
    let page = operator.read("/api/v1/exceptions?limit=1&class=unknown_item").await;
    assert_eq!(page["exceptions"][0]["id"], id.as_str());
    assert_eq!(page["exceptions"][0]["ageSeconds"], 60);
    assert_eq!(page["next"], id.as_str());
    let last = operator.read(&format!("/api/v1/exceptions?after={id}")).await;
    assert_eq!((&last["exceptions"], &last["next"]), (&Value::Array(vec![]), &Value::Null));
    let shown = operator.read(&format!("/api/v1/exceptions/{id}")).await;
    assert!(shown["exception"]["next"].as_str().unwrap().contains("retry"));
    assert_eq!(shown["delivery"]["history"][0]["said"], "no");
    assert_eq!(code(operator.get("/api/v1/exceptions?class=nonsense").await), "SK0030");
    assert_eq!(code(operator.get("/api/v1/exceptions/nonsense").await), "SK0030");
    assert_eq!(code(operator.get("/api/v1/exceptions/9-9").await), "SK0010");
}

#[tokio::test]
async fn an_exception_is_retried_or_settled_by_someone_with_a_reason() {
    let (_bench, operator, id) = two_sales().await;
    let retry = format!("/api/v1/exceptions/{id}/retry");
    assert_eq!(code(operator.post(&retry, "{}").await), "SK0030");
    assert_eq!(code(operator.post(&retry, r#"{"by":" "}"#).await), "SK0030");
    let (status, body) = operator.post(&retry, r#"{"by":"ops"}"#).await;
    assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
    let shown: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(shown["exception"], Value::Null);
    assert_eq!(code(operator.post(&retry, r#"{"by":"ops"}"#).await), "SK0030", "it is none now");
}

#[tokio::test]
async fn a_settled_exception_says_who_and_why() {
    let (_bench, operator, id) = two_sales().await;
    let resolve = format!("/api/v1/exceptions/{id}/resolve");
    assert_eq!(code(operator.post(&resolve, r#"{"as":"luck"}"#).await), "SK0030");
    let body = r#"{"as":"posted_by_hand","note":"entered","by":"finance","reference":"order 7"}"#;
    assert_eq!(operator.post(&resolve, body).await.0, StatusCode::OK);
    let shown = operator.read(&format!("/api/v1/exceptions/{id}")).await;
    assert_eq!(shown["delivery"]["state"]["resolution"]["by"], "finance");
    let page = operator.read("/api/v1/exceptions").await;
    assert_eq!(page["exceptions"], Value::Array(vec![]));
}

#[tokio::test]
async fn how_far_an_event_is_can_be_asked_by_its_identifier_and_by_its_receipt() {
    let (bench, operator, _) = two_sales().await;
    let view = bench.deliveries().await.remove(1);
    let event = operator.read(&format!("/api/v1/events/{}", view.event_id)).await;
    assert_eq!(event["deliveries"][0]["naturalKey"], view.natural_key.as_str());
    let unknown = "/api/v1/events/00000000-0000-0000-0000-000000000000";
    assert_eq!(code(operator.get(unknown).await), "SK0010");
    assert_eq!(code(operator.get("/api/v1/events/nonsense").await), "SK0030");
    let key = view.natural_key.replace('/', "%2F").replace('|', "%7C");
    let receipt = operator.read(&format!("/api/v1/receipts?key={key}")).await;
    assert_eq!(
        (&receipt["received"], receipt["deliveries"].as_array().unwrap().len()),
        (&Value::Bool(true), 1)
    );
    assert_eq!(operator.read("/api/v1/receipts?key=never").await["received"], false);
    assert_eq!(code(operator.get("/api/v1/receipts").await), "SK0030");
}

#[tokio::test]
async fn metrics_name_targets_and_classes_but_no_store() {
    let (_bench, operator, _) = two_sales().await;
    let (status, body) = operator.get("/metrics").await;
    let text = String::from_utf8(body).unwrap();
    assert_eq!(status, StatusCode::OK);
    for line in [
        "storekeep_relay_deliveries_waiting{target=\"shop\",class=\"receipts\"} 1",
        "storekeep_relay_deliveries_exceptions{target=\"shop\",class=\"receipts\"} 1",
        "storekeep_relay_oldest_waiting_seconds{target=\"shop\",class=\"receipts\"} 100",
        "storekeep_relay_devices{state=\"active\"} 1",
        "storekeep_relay_entries_total 2",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }
    assert!(!text.contains("0042"));
}

#[tokio::test]
async fn the_books_are_told_as_json_as_a_table_and_as_a_page() {
    let (_bench, operator, _) = two_sales().await;
    let days = operator.read("/api/v1/books/days?from=2026-01-01&until=2026-12-31").await;
    let date = days["days"][0]["businessDate"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/books?store=0042&date={date}");
    let day = operator.read(&path).await;
    let register = &day["registers"][0];
    assert_eq!(register["relay"][0]["count"], 2);
    assert_eq!(register["pos"], Value::Array(vec![]), "no Z came");
    assert_eq!(day["closed"], "by_cut_off");
    for (format, begins) in [("csv", "store,business_date"), ("html", "<!doctype html>")] {
        let (status, body) = operator.get(&format!("{path}&format={format}")).await;
        assert_eq!(status, StatusCode::OK);
        assert!(String::from_utf8(body).unwrap().starts_with(begins), "{format}");
    }
    let none = operator.get("/api/v1/books?store=0042&date=2001-01-01").await;
    assert_eq!(code(none), "SK0010");
    assert_eq!(code(operator.get("/api/v1/books?store=0042").await), "SK0030");
}
