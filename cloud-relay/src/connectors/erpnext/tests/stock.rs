//! Stock documents at a simulated site: changes, transfers, and counts in the order of their
//! moments.

use rust_decimal::Decimal;

use super::event;
use super::site::{Opened, class_of, setup};
use crate::connectors::{Connector, ExceptionClass, Verdict};

#[tokio::test]
async fn stock_documents_move_what_they_say_and_stand_once() {
    let opened = Opened::new(setup()).await;
    for name in ["stock_adjustment", "stock_receipt_at_the_back", "stock_transfer_out"] {
        for call in opened.calls(name) {
            opened.posted(&call).await;
            let again = opened.connector.create(&call).await.outcome;
            assert!(matches!(again, Verdict::AlreadyDone(_)), "{again:?}");
            assert_eq!(opened.standing(&call).len(), 1);
        }
        let moved: Decimal =
            event(name).stock_moves().iter().map(|moved| moved.quantity.value()).sum();
        assert_ne!(moved, Decimal::ZERO, "{name}");
    }
    let moved = |name: &str, item: &str| -> Decimal {
        let moves = event(name).stock_moves();
        let moves = moves.iter().filter(|moved| moved.item == item);
        moves.map(|moved| moved.quantity.value()).sum()
    };
    let floor = moved("stock_adjustment", "4711") + moved("stock_transfer_out", "4711");
    assert_eq!(opened.stock("4711", "Floor"), floor);
    let gtin = "04006381333931";
    assert_eq!(opened.stock(gtin, "Stockroom"), moved("stock_receipt_at_the_back", gtin));
}

#[tokio::test]
async fn a_transfer_goes_through_the_transit_warehouse_where_there_is_one() {
    let mut setup = setup();
    setup.warehouses.push("Transit".to_owned());
    let opened = Opened::unchecked(setup, "transit_warehouse = \"Transit - N\"").await;
    assert!(opened.connector.check().await.unwrap().is_well());
    opened.all("stock_transfer_out", None).await;
    assert_eq!(opened.stock("4711", "Floor"), Decimal::from(-4));
    assert_eq!(opened.stock("4711", "Transit"), Decimal::from(4));
}

#[tokio::test]
async fn a_count_holds_at_its_moment_whatever_arrives_after_it() {
    let opened = Opened::new(setup()).await;
    let counts = opened.calls("stock_count");
    for call in &counts {
        opened.posted(call).await;
    }
    let counted = opened.stock("4711", "Floor");
    // Sold before the counting, arrived after it: the count knew.
    let mut early = event("sale_with_discount");
    early.time = "2026-11-23T00:00:01+01:00".parse().unwrap();
    for call in super::calls(&early, &opened.connector.settings) {
        opened.posted(&call).await;
    }
    assert_eq!(opened.stock("4711", "Floor"), counted);
}

#[tokio::test]
async fn a_count_that_agrees_with_the_ledger_is_done_without_a_document() {
    let opened = Opened::new(setup()).await;
    let mut count = event("stock_count");
    let protocol::event::Body::Stock(document) = &mut count.body else { panic!() };
    for line in document.lines.iter_mut() {
        line.counted = Some("0".parse().unwrap());
    }
    let call = super::calls(&count, &opened.connector.settings).remove(0);
    let reference = opened.posted(&call).await;
    assert_eq!(reference.name, "no change");
    assert_eq!(opened.standing(&call).len(), 0);
}

#[tokio::test]
async fn an_item_counted_twice_and_an_unknown_item_need_a_person() {
    let opened = Opened::new(setup()).await;
    let mut count = event("stock_count");
    let protocol::event::Body::Stock(document) = &mut count.body else { panic!() };
    let item = document.lines.iter().next().unwrap().item.clone();
    let at = document.lines.iter().next().unwrap().counted_at;
    for line in document.lines.iter_mut() {
        (line.item, line.counted_at) = (item.clone(), at);
    }
    let call = super::calls(&count, &opened.connector.settings).remove(0);
    let (class, reason) = class_of(opened.post(&call).await);
    assert_eq!(class, ExceptionClass::Rejected);
    assert!(reason.contains("twice"), "{reason}");
    let mut receipt = event("stock_adjustment");
    let protocol::event::Body::Stock(document) = &mut receipt.body else { panic!() };
    for line in document.lines.iter_mut() {
        line.item = "nobody-knows".try_into().unwrap();
    }
    let call = super::calls(&receipt, &opened.connector.settings).remove(0);
    let (class, reason) = class_of(opened.post(&call).await);
    assert_eq!(class, ExceptionClass::UnknownItem, "{reason}");
}
