//! Control over HTTP, for a harness in another process.

use reqwest::StatusCode;
use serde_json::{Value, json};

use simulated_shopify::{Books, Summary};

use crate::support::{ORDER_CREATE, Seen, Served, open, seen, setup};

async fn get(served: &Served, path: &str) -> Seen {
    seen(served.client.get(format!("{}{path}", served.url)).send().await.unwrap()).await
}

async fn post(served: &Served, path: &str, body: Value) -> Seen {
    seen(served.client.post(format!("{}{path}", served.url)).json(&body).send().await.unwrap())
        .await
}

#[tokio::test]
async fn the_books_read_over_http_are_the_books() {
    let served = open(setup()).await;
    let order = served.sell("s-1", 2).await;
    served.adjust(json!([served.change(0, -2, json!(null))]), "k").await;
    let seen = get(&served, "/control/books").await;
    assert_eq!(seen.body["orders"][0]["id"], order["id"]);
    assert_eq!(seen.body["orders"][0]["totals"]["total"]["shop"], "20.00");
    let books: Books = serde_json::from_value(seen.body).unwrap();
    assert_eq!(books, served.shop.books());
}

#[tokio::test]
async fn the_summary_counts_and_adds_up() {
    let served = open(setup()).await;
    served.sell("s-1", 2).await;
    served.sell("s-1", 2).await;
    served.sell("s-2", 1).await;
    served.adjust(json!([served.change(0, -3, json!(null))]), "k").await;
    let seen = get(&served, "/control/summary").await;
    let summary: Summary = serde_json::from_value(seen.body).unwrap();
    assert_eq!((summary.orders, summary.duplicate_orders, summary.lines), (3, 1, 3));
    assert_eq!(summary.order_total["EUR"].to_string(), "50.00");
    assert_eq!((summary.adjustments, summary.available_change), (1, -3));
    assert_eq!(summary.available, 2 * (10 + 5) - 3);
    assert_eq!(summary.counters.executed["orderCreate"], 3);
}

#[tokio::test]
async fn faults_and_the_clock_are_steered_over_http() {
    let served = open(setup()).await;
    let rule = json!({ "disruption": { "errorBefore": { "status": 503 } }, "next": 1, "on": ["orderCreate"] });
    let set = post(&served, "/control/faults", json!({ "rules": [rule] })).await;
    assert_eq!(set.status, StatusCode::OK);
    let refused = served.post(ORDER_CREATE, json!({ "order": served.sale("s-1", 1) })).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    let moved = post(&served, "/control/clock", json!({ "advanceSeconds": 90 })).await;
    assert_eq!(moved.body, json!({ "now": "2026-11-23T10:01:30Z" }));
    let unknown = post(&served, "/control/faults", json!({ "rule": [] })).await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_deleted_order_is_shown_by_nothing_and_stays_in_the_books() {
    let served = open(setup()).await;
    let order = served.sell("s-1", 1).await;
    let by_id = "query O($id: ID!) { order(id: $id) { name } }";
    let shown = served.data(by_id, json!({ "id": order["id"] })).await;
    assert_eq!(shown["order"]["name"], "#1001");
    let deleted = post(&served, "/control/delete", json!({ "order": "#1001" })).await;
    assert_eq!(deleted.body, json!({ "deleted": true }));
    let shown = served.data(by_id, json!({ "id": order["id"] })).await;
    assert_eq!(shown["order"], Value::Null);
    let found = served.data(crate::support::BY_SOURCE, json!({ "query": "name:#1001" })).await;
    assert_eq!(found["orders"]["nodes"], json!([]));
    assert_eq!(served.shop.books().orders.len(), 1);
    let again = post(&served, "/control/delete", json!({ "order": "#2" })).await;
    assert_eq!(again.body, json!({ "deleted": false }));
}
