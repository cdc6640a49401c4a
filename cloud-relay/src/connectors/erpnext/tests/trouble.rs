//! What goes wrong at a simulated site, and what each refusal means.

use jiff::SignedDuration;
use simulated_erpnext::{ClosedPeriod, Disruption, Faults, Periods, Rule};

use super::site::{Opened, class_of, setup};
use super::{back, calls, event};
use crate::connectors::{Connector, ExceptionClass, Found, Unanswered, Verdict};

fn next(disruption: Disruption, on: &str) -> Faults {
    Faults { rules: vec![Rule::next(1, disruption).on(on)], ..Faults::default() }
}

#[tokio::test]
async fn a_submission_whose_answer_is_lost_is_found_as_posted() {
    let opened = Opened::new(setup()).await;
    let call = opened.calls("sale_with_discount").remove(0);
    opened.site.set_faults(next(Disruption::CloseAfter, "submit Sales Invoice"));
    let verdict = opened.post(&call).await;
    assert!(matches!(verdict, Verdict::Unknown { .. }), "{verdict:?}");
    let Ok(Found::Posted(found)) = opened.connector.find(&call).await.outcome else { panic!() };
    let Verdict::Done(done) = opened.connector.verify(&call, &found).await.outcome else {
        panic!()
    };
    assert_eq!(done.detail["rows"].as_array().unwrap().len(), 2);
    assert_eq!(opened.site.summary().sales, 1);
}

#[tokio::test]
async fn a_submission_that_never_arrives_is_found_as_a_draft_and_resumed() {
    let opened = Opened::new(setup()).await;
    let call = opened.calls("sale_with_discount").remove(0);
    for disruption in [Disruption::CloseBefore, Disruption::ErrorBefore { status: 502 }] {
        opened.site.set_faults(next(disruption, "submit Sales Invoice"));
        let verdict = opened.post(&call).await;
        assert!(matches!(verdict, Verdict::Unknown { .. }), "{verdict:?}");
    }
    let Ok(Found::Draft(draft)) = opened.connector.find(&call).await.outcome else { panic!() };
    let verdict = opened.connector.commit(&call, &draft).await.outcome;
    assert!(matches!(verdict, Verdict::Done(_)), "{verdict:?}");
    assert_eq!(opened.site.summary().sales, 1);
}

#[tokio::test]
async fn maintenance_pauses_the_target_and_a_spent_budget_throttles_it() {
    let opened = Opened::new(setup()).await;
    let call = opened.calls("sale_with_discount").remove(0);
    opened.site.set_faults(Faults { maintenance_seconds: Some(60), ..Faults::default() });
    let verdict = opened.post(&call).await;
    let Verdict::Paused { after: posting_waits, .. } = verdict else { panic!("{verdict:?}") };
    let checked = opened.connector.check().await;
    let Err(Unanswered::Paused { after, .. }) = checked else { panic!("{checked:?}") };
    assert_eq!(after, posting_waits, "a start during maintenance waits no longer than a posting");
    opened.site.advance(SignedDuration::from_secs(61));
    let busy = Disruption::TooManyRequests { retry_after_seconds: 31 };
    opened.site.set_faults(next(busy, "create Sales Invoice"));
    let after = std::time::Duration::from_secs(31);
    assert_eq!(opened.post(&call).await, Verdict::Throttled { after });
    opened.posted(&call).await;
}

#[tokio::test]
async fn a_closed_or_frozen_period_is_an_exception_and_posts_once_it_is_open_again() {
    let opened = Opened::new(setup()).await;
    let call = opened.calls("sale_with_discount").remove(0);
    let open = setup().periods;
    let day = |text: &str| text.parse().unwrap();
    let closed = ClosedPeriod {
        name: "November".to_owned(),
        from: day("2026-11-01"),
        to: day("2026-11-30"),
        doctypes: vec!["Sales Invoice".to_owned()],
    };
    for periods in [
        Periods { closed: vec![closed], ..open.clone() },
        Periods { frozen_until: Some(day("2026-11-30")), ..open.clone() },
        Periods { stock_frozen_until: Some(day("2026-11-30")), ..open.clone() },
        Periods::default(),
    ] {
        opened.site.set_periods(periods);
        let (class, reason) = class_of(opened.post(&call).await);
        assert_eq!(class, ExceptionClass::ClosedPeriod, "{reason}");
    }
    opened.site.set_periods(open);
    opened.posted(&call).await;
    assert_eq!(opened.site.summary().sales, 1);
}

#[tokio::test]
async fn stock_that_would_fall_below_zero_leaves_a_draft_that_posts_later() {
    let mut setup = setup();
    for item in &mut setup.items {
        item.negative = false;
    }
    let opened = Opened::new(setup).await;
    let call = opened.calls("sale_with_discount").remove(0);
    let (class, reason) = class_of(opened.post(&call).await);
    assert_eq!(class, ExceptionClass::NegativeStock, "{reason}");
    for (sku, quantity) in [("4711", "3"), ("2000", "1")] {
        let mut receipt = event("stock_receipt_at_the_back");
        let protocol::event::Body::Stock(document) = &mut receipt.body else { panic!() };
        document.location = None;
        document.document = protocol::id::DocumentId::new(sku).unwrap();
        receipt.time = "2026-11-23T00:00:01+01:00".parse().unwrap();
        for line in document.lines.iter_mut() {
            line.item = sku.try_into().unwrap();
            line.change = Some(quantity.parse().unwrap());
        }
        for call in calls(&receipt, &opened.connector.settings) {
            opened.posted(&call).await;
        }
    }
    opened.posted(&call).await;
}

#[tokio::test]
async fn an_unknown_item_or_original_is_named_and_nothing_stands() {
    let mut setup = setup();
    setup.items.retain(|item| item.code != "2000");
    let opened = Opened::new(setup).await;
    let call = opened.calls("sale_with_discount").remove(0);
    let (class, reason) = class_of(opened.post(&call).await);
    assert_eq!(class, ExceptionClass::UnknownItem);
    assert!(reason.contains("2000"), "{reason}");
    assert_eq!(opened.standing(&call).len(), 0);
    let sale = super::sold(&event("sale_with_split_line"), &opened.connector.settings);
    let call = opened.calls("return_of_two_of_three").remove(0);
    let (class, reason) = class_of(opened.post(&back(call, &sale)).await);
    assert_eq!(class, ExceptionClass::MissingOriginal, "{reason}");
}

#[tokio::test]
async fn an_invoice_that_was_cancelled_is_not_posted_again() {
    let opened = Opened::new(setup()).await;
    let call = opened.calls("sale_with_discount").remove(0);
    let reference = opened.posted(&call).await;
    let cancelled = serde_json::json!({ "docstatus": 2 });
    opened.connector.client.edit("Sales Invoice", &reference.id, &cancelled).await;
    let Ok(Found::Posted(found)) = opened.connector.find(&call).await.outcome else { panic!() };
    let (class, reason) = class_of(opened.connector.verify(&call, &found).await.outcome);
    assert_eq!(class, ExceptionClass::Rejected);
    assert!(reason.contains("cancelled"), "{reason}");
}
