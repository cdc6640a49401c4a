//! Refunds at a simulated shop: what is left once, and never twice.

use serde_json::json;
use simulated_shopify::Disruption;

use super::shop::{Opened, class_of, setup};
use super::{calls, event};
use crate::connectors::shopify::operations::REFUND_CREATE;
use crate::connectors::{Call, Connector, ExceptionClass, Found, Original, TargetRef, Verdict};

/// A call that gives back what a sale sold.
fn back(mut call: Call, reference: &TargetRef) -> Call {
    let natural_key = call.planned.depends_on[0].clone();
    call.originals = vec![Original { natural_key, reference: reference.clone() }];
    call
}

#[tokio::test]
async fn a_return_a_second_return_and_a_post_void_refund_what_is_left_once() {
    let opened = Opened::new(setup()).await;
    let (_, reference) = opened.sell("sale_with_split_line").await;
    let call = back(opened.calls("return_of_two_of_three")[0].clone(), &reference);
    let verdict = opened.connector.create(&call).await.outcome;
    let Verdict::Done(refund) = verdict else { panic!("{verdict:?}") };
    let order = opened.shop.books().orders[0].clone();
    assert_eq!(order.refunds[0].total.shop.to_string(), "6.03");
    assert_eq!(order.refunds[0].idempotency_key, call.key.to_string());
    let pieces: i64 = order.refunds[0].lines.iter().map(|line| line.quantity).sum();
    assert_eq!(pieces, 2);
    assert!(order.refunds[0].lines.iter().all(|line| line.restock_type == "NO_RESTOCK"));
    let found = opened.connector.find(&call).await.outcome.unwrap();
    assert_eq!(found, Found::Posted(refund.clone()));
    assert_eq!(opened.connector.verify(&call, &refund).await.outcome, Verdict::Done(refund));

    let mut event = event("return_of_two_of_three");
    let protocol::event::Body::Transaction(transaction) = &mut event.body else { panic!() };
    transaction.receipt = protocol::id::Receipt::new("000999").unwrap();
    let second = back(calls(&event, opened.deadline())[0].clone(), &reference);
    assert_eq!(opened.connector.find(&second).await.outcome.unwrap(), Found::None);
    let (class, reason) = class_of(opened.connector.create(&second).await.outcome);
    assert_eq!(class, ExceptionClass::OverReturn);
    assert!(reason.contains("1 left to refund"), "{reason}");
    assert_eq!(opened.shop.books().orders[0].refunds.len(), 1);
}

#[tokio::test]
async fn goods_of_an_exchange_are_refunded_on_the_order_of_the_exchange() {
    let opened = Opened::new(setup()).await;
    for (sold, comes_back, total) in [
        ("exchange_for_more", "return_of_exchanged_goods", "9.99"),
        ("prepayment_taken", "prepayment_applied_to_its_layaway", "5.00"),
    ] {
        let (_, reference) = opened.sell(sold).await;
        let mut refunds = opened.calls(comes_back);
        refunds.retain(|call| !call.planned.depends_on.is_empty());
        let call = back(refunds.remove(0), &reference);
        let verdict = opened.connector.create(&call).await.outcome;
        assert!(matches!(verdict, Verdict::Done(_)), "{verdict:?}");
        let books = opened.shop.books();
        let order = books.orders.last().unwrap();
        assert_eq!(order.refunds[0].total.shop.to_string(), total, "{sold}");
    }
}

#[tokio::test]
async fn a_post_void_pays_the_whole_sale_back() {
    let opened = Opened::new(setup()).await;
    let (_, reference) = opened.sell("sale_with_discount").await;
    let call = back(opened.calls("post_void_of_a_sale")[0].clone(), &reference);
    let verdict = opened.connector.create(&call).await.outcome;
    assert!(matches!(verdict, Verdict::Done(_)), "{verdict:?}");
    let summary = opened.shop.summary();
    assert_eq!(summary.refund_total["EUR"], summary.order_total["EUR"]);
}

#[tokio::test]
async fn a_refund_whose_answer_was_lost_is_never_made_twice() {
    let opened = Opened::new(setup()).await;
    let (_, reference) = opened.sell("sale_with_discount").await;
    let mut call = back(opened.calls("post_void_of_a_sale")[0].clone(), &reference);
    let mut wrong = call.clone();
    wrong.originals[0].reference.id = "gid://shopify/Order/1".to_owned();
    let (class, _) = class_of(opened.connector.create(&wrong).await.outcome);
    assert_eq!(class, ExceptionClass::MissingOriginal);
    opened.next(Disruption::CloseAfter, "refundCreate");
    let verdict = opened.connector.create(&call).await.outcome;
    assert!(matches!(verdict, Verdict::Unknown { .. }), "{verdict:?}");
    call.deadline = opened.deadline();
    let again = opened.connector.create(&call).await.outcome;
    assert!(matches!(again, Verdict::AlreadyDone(_)), "{again:?}");
    assert_eq!(opened.shop.summary().refunds, 1);
}

#[tokio::test]
async fn a_key_that_is_spent_on_a_failed_refund_gives_way_to_a_new_one() {
    let opened = Opened::new(setup()).await;
    let (_, reference) = opened.sell("sale_with_discount").await;
    let call = back(opened.calls("post_void_of_a_sale")[0].clone(), &reference);
    let wrong = json!({ "orderId": "gid://shopify/Order/1" });
    let variables = json!({ "input": wrong, "key": call.key.to_string() });
    let mut talk = opened.connector.client.talk(call.deadline);
    let payload = talk.apply(REFUND_CREATE, &variables).await.unwrap();
    assert_eq!(payload["userErrors"][0]["message"], "Order does not exist");
    let verdict = opened.connector.create(&call).await.outcome;
    assert!(matches!(verdict, Verdict::Done(_)), "{verdict:?}");
    assert_eq!(opened.shop.summary().refunds, 1);
}

#[tokio::test]
async fn an_order_that_shopify_does_not_show_is_a_missing_original() {
    let opened = Opened::new(setup()).await;
    let call = opened.calls("return_of_an_online_order")[0].clone();
    let (class, reason) = class_of(opened.connector.create(&call).await.outcome);
    assert_eq!(class, ExceptionClass::MissingOriginal);
    assert!(reason.contains("#1042"), "{reason}");
}
