//! Control over HTTP, for a harness in another process.

use reqwest::StatusCode;
use serde_json::{Value, json};
use simulated_erpnext::{Books, Summary};

use crate::support::{INVOICE, Served, ready, sale, seen};

async fn control(served: &Served, path: &str, body: Value) -> crate::support::Seen {
    let request = served.client.post(format!("{}/control/{path}", served.url)).json(&body);
    seen(request.send().await.unwrap()).await
}

#[tokio::test]
async fn the_books_read_over_http_are_the_books() {
    let served = ready().await;
    served.sell(sale("k-1", 1)).await;
    let books: Books = serde_json::from_value(served.get("/control/books").await.body).unwrap();
    assert_eq!(books, served.site.books());
    assert_eq!(books.holding("Sales Invoice", "external_key", "k-1").len(), 1);
}

#[tokio::test]
async fn the_summary_counts_and_adds_up() {
    let served = ready().await;
    served.sell(sale("k-1", 1)).await;
    served.draft(sale("k-2", 1)).await;
    let body = served.get("/control/summary").await.body;
    let summary: Summary = serde_json::from_value(body).unwrap();
    assert_eq!(summary.documents["Sales Invoice 1"], 1);
    assert_eq!(summary.documents["Sales Invoice 0"], 1);
    assert_eq!(summary.grand_total.to_string(), "11.9");
    assert_eq!(summary.repeated["Sales Invoice external_key"], 0);
    assert_eq!(summary.counters.applied["create Sales Invoice"], 2);
    assert_eq!(summary.counters.applied["submit Sales Invoice"], 1);
}

#[tokio::test]
async fn faults_periods_and_the_clock_are_steered_over_http() {
    let served = ready().await;
    let rule =
        json!({ "disruption": { "errorBefore": { "status": 503 } }, "next": 1, "on": ["create"] });
    control(&served, "faults", json!({ "rules": [rule] })).await;
    let refused = served.post(INVOICE, sale("k", 1)).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    control(&served, "periods", json!({ "fiscalYears": [] })).await;
    let refused = served.post(INVOICE, sale("k", 1)).await;
    assert_eq!(refused.refusal(), (417, "FiscalYearError"));
    let moved = control(&served, "clock", json!({ "advanceSeconds": 90 })).await;
    assert_eq!(moved.body, json!({ "now": "2026-11-23T10:01:30Z" }));
    let unknown = control(&served, "faults", json!({ "rule": [] })).await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
}
