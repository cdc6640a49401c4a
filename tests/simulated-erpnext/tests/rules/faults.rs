//! Everything that can go wrong between a client and the site.

use std::time::Duration;

use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use simulated_erpnext::{Disruption, Faults, Rule};

use crate::support::{INVOICE, Served, ready, sale, seen, until};

fn next(disruption: Disruption) -> Faults {
    let rule = Rule::next(1, disruption).on("create Sales Invoice");
    Faults { rules: vec![rule], ..Faults::default() }
}

async fn attempt(served: &Served) -> Result<reqwest::Response, reqwest::Error> {
    served.request(Method::POST, INVOICE).json(&sale("k", 1)).send().await
}

#[tokio::test]
async fn a_lost_answer_was_applied_and_the_retry_meets_its_key() {
    let served = ready().await;
    served.site.set_faults(next(Disruption::CloseAfter));
    assert!(attempt(&served).await.is_err(), "not one byte of an answer");
    assert_eq!(served.invoices(), 1);
    let again = seen(attempt(&served).await.unwrap()).await;
    assert_eq!(again.refusal(), (417, "UniqueValidationError"));
    assert_eq!(served.site.books().counters.disruptions["closeAfter"], 1);
}

#[tokio::test]
async fn a_connection_that_is_closed_before_applied_nothing() {
    let served = ready().await;
    served.site.set_faults(next(Disruption::CloseBefore));
    assert!(attempt(&served).await.is_err());
    assert_eq!(served.invoices(), 0);
    attempt(&served).await.unwrap();
    assert_eq!(served.invoices(), 1, "it struck once only");
}

#[tokio::test]
async fn a_late_commit_is_applied_after_its_client_has_gone() {
    let served = ready().await;
    served.site.set_faults(next(Disruption::ApplyLate { hold_ms: 2_000 }));
    let impatient = served
        .request(Method::POST, INVOICE)
        .timeout(Duration::from_millis(100))
        .json(&sale("k", 1));
    assert!(impatient.send().await.unwrap_err().is_timeout());
    assert_eq!(served.invoices(), 0, "none yet when the client looks");
    until("the late commit", || served.invoices() == 1).await;
}

#[tokio::test]
async fn an_error_or_a_page_may_or_may_not_have_applied() {
    for (disruption, status, applied) in [
        (Disruption::ErrorBefore { status: 502 }, StatusCode::BAD_GATEWAY, 0),
        (Disruption::ErrorAfter { status: 504 }, StatusCode::GATEWAY_TIMEOUT, 1),
        (Disruption::HtmlBefore, StatusCode::OK, 0),
        (Disruption::HtmlAfter, StatusCode::OK, 1),
    ] {
        let served = ready().await;
        served.site.set_faults(next(disruption));
        let response = attempt(&served).await.unwrap();
        assert_eq!(response.status(), status);
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
        assert_eq!(served.invoices(), applied);
    }
}

#[tokio::test]
async fn too_many_requests_and_unavailable_say_when_to_come_again() {
    let served = ready().await;
    for (disruption, status) in [
        (Disruption::TooManyRequests { retry_after_seconds: 31 }, StatusCode::TOO_MANY_REQUESTS),
        (Disruption::Unavailable { retry_after_seconds: 31 }, StatusCode::SERVICE_UNAVAILABLE),
    ] {
        served.site.set_faults(next(disruption));
        let response = attempt(&served).await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["retry-after"], "31");
    }
    assert_eq!(served.invoices(), 0);
}

#[tokio::test]
async fn a_maintenance_stops_everything_until_it_is_over() {
    let served = ready().await;
    let faults = Faults { maintenance_seconds: Some(60), ..Faults::default() };
    served.site.set_faults(faults);
    let stopped = seen(attempt(&served).await.unwrap()).await;
    assert_eq!(stopped.refusal(), (503, "SessionStopped"));
    served.site.advance(SignedDuration::from_secs(60));
    assert_eq!(attempt(&served).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_rule_strikes_what_it_names_and_nothing_else() {
    let served = ready().await;
    let rule = Rule::per_mille(1_000, Disruption::ErrorBefore { status: 502 }).on("submit");
    served.site.set_faults(Faults { rules: vec![rule], ..Faults::default() });
    let draft = served.draft(sale("k", 1)).await;
    for _ in 0..3 {
        assert_eq!(served.submit(&draft).await.status, StatusCode::BAD_GATEWAY);
    }
}
