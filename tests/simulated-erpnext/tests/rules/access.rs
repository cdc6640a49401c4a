//! Who is let in, and how fast.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use simulated_erpnext::{Faults, RateLimit};

use crate::support::{INVOICE, open, ready, sale, seen, setup};

#[tokio::test]
async fn a_right_token_is_the_user() {
    let served = open(setup()).await;
    let seen = served.get("/api/method/frappe.auth.get_logged_user").await;
    assert_eq!(seen.body, json!({ "message": "till@example.com" }));
}

#[tokio::test]
async fn a_wrong_token_is_401_and_none_is_403() {
    let mut served = open(setup()).await;
    served.token = "token site-key:wrong".into();
    assert_eq!(served.get(INVOICE).await.refusal(), (401, "AuthenticationError"));
    let bare = served.client.get(format!("{}{INVOICE}", served.url)).send().await.unwrap();
    assert_eq!(seen(bare).await.refusal(), (403, "PermissionError"));
    let ping = served.client.get(format!("{}/api/method/ping", served.url)).send().await.unwrap();
    assert_eq!(seen(ping).await.body, json!({ "message": "pong" }));
}

#[tokio::test]
async fn revoked_keys_admit_nobody() {
    let served = open(setup()).await;
    served.site.set_faults(Faults { keys_revoked: true, ..Faults::default() });
    assert_eq!(served.get(INVOICE).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_the_user_may_not_do_is_403() {
    let mut setup = setup();
    setup.forbidden.insert("submit Sales Invoice".into());
    let served = open(setup).await;
    let mut invoice = sale("k", 1);
    invoice["update_stock"] = json!(0);
    let draft = served.draft(invoice).await;
    assert_eq!(served.submit(&draft).await.refusal(), (403, "PermissionError"));
}

#[tokio::test]
async fn the_rate_limit_counts_server_time_and_names_when_the_window_ends() {
    let mut setup = setup();
    let limit = RateLimit { limit_ms: 250, window_seconds: 60, request_ms: 200 };
    setup.settings.rate_limit = Some(limit);
    let served = open(setup).await;
    for _ in 0..2 {
        assert_eq!(served.get(INVOICE).await.status, StatusCode::OK);
    }
    let response = served.request(Method::GET, INVOICE).send().await.unwrap();
    assert_eq!(response.headers()["retry-after"], "60");
    assert_eq!(response.headers()["x-ratelimit-remaining"], "0");
    assert_eq!(seen(response).await.refusal(), (429, "TooManyRequestsError"));
    served.site.advance(jiff::SignedDuration::from_secs(60));
    assert_eq!(served.get(INVOICE).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_error_is_json_unless_the_client_asks_for_text() {
    let served = ready().await;
    let path = format!("{INVOICE}/NONE");
    assert_eq!(served.get(&path).await.refusal(), (404, "DoesNotExistError"));
    let request = served.request(Method::GET, &path).header("accept", "text/html");
    let page = seen(request.send().await.unwrap()).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(matches!(page.body, Value::String(html) if html.starts_with("<!DOCTYPE html>")));
}
