//! What needs a person: it is visible with class, reason and amount, blocks only what depends on
//! it, and goes on once it is mended.

use std::time::Duration;

use serde_json::json;
use tests::pos::client::{Agent as Till, Answer};
use tests::wait;
use tests::world::World;

use crate::world;

const THROUGH: Duration = Duration::from_secs(60);

fn sale(store: &str, receipt: &str, sku: &str) -> Vec<u8> {
    event(store, receipt, sku, "sale", "out", "in", None)
}

/// A return of what a receipt sold.
fn back(store: &str, receipt: &str, sku: &str, sold: &str) -> Vec<u8> {
    event(store, receipt, sku, "return", "in", "out", Some(sold))
}

fn event(
    store: &str,
    receipt: &str,
    sku: &str,
    kind: &str,
    goods: &str,
    money: &str,
    sold: Option<&str>,
) -> Vec<u8> {
    let mut line = json!({
        "line": 1, "kind": "item", "item": { "sku": sku }, "quantity": "1", "unitPrice": "2.00",
        "extended": 200, "total": 200, "direction": goods
    });
    if let Some(sold) = sold {
        line["original"] = json!({
            "store": store, "register": "1", "businessDate": "2026-11-23", "receipt": sold, "line": 1
        });
    }
    let purpose = if kind == "sale" { "payment" } else { "refund" };
    json!({ "type": "storekeep.transaction.v1", "data": {
        "kind": kind, "store": store, "register": "1", "businessDate": "2026-11-23",
        "receipt": receipt, "completedAt": "2026-11-23T10:00:00+01:00", "currency": "EUR",
        "lines": [line], "total": { "amount": 200, "direction": money },
        "tenders": [{ "tender": 1, "kind": "cash", "purpose": purpose, "amount": 200, "direction": money }]
    }})
    .to_string()
    .into_bytes()
}

async fn hand_in(world: &World, bytes: &[u8]) {
    let till = Till::at(world.stores[0].address, &world.till_token(0).unwrap()).unwrap();
    let answer = till.send(bytes).await;
    assert!(matches!(answer, Answer::Decided(_)), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stock_of_an_unknown_item_needs_a_person_and_blocks_nothing_else() {
    let (world, _folder) = world(|plan| plan.stores.truncate(1)).await;
    let known = world.catalogue.items()[0].sku.clone();
    hand_in(&world, &sale("0042", "1", "NOT-IN-THE-SHOP")).await;
    hand_in(&world, &sale("0042", "2", &known)).await;
    hand_in(&world, &back("0042", "3", &known, "2")).await;
    world.drained(THROUGH).await.unwrap();

    let books = world.asking.shop_books().await.unwrap();
    assert_eq!(books.orders.len(), 2);
    assert_eq!(books.orders.iter().map(|order| order.refunds.len()).sum::<usize>(), 1);
    let listed = world.asking.exceptions().await.unwrap();
    let [exception] = listed.as_slice() else { panic!("one exception is due: {listed:?}") };
    assert_eq!(exception.natural_key, "transaction/0042/1/2026-11-23/1/sale/0");
    assert!(exception.reason.contains("NOT-IN-THE-SHOP"), "{exception:?}");
    assert_eq!(exception.amount, "2.00 EUR");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_waits_for_its_sale_however_late_that_comes() {
    let (world, _folder) = world(|plan| plan.stores.truncate(1)).await;
    let known = world.catalogue.items()[0].sku.clone();
    hand_in(&world, &back("0042", "2", &known, "1")).await;
    hand_in(&world, &sale("0042", "3", &known)).await;
    let one_order = || async {
        let shop = world.asking.shop_summary().await.unwrap();
        (shop.orders == 1).then_some(shop.refunds)
    };
    let refunds = wait::until("the other sale to stand in the shop", THROUGH, one_order).await;
    assert_eq!(refunds.unwrap(), 0);
    assert!(world.on_the_way().await.unwrap() >= 1);
    hand_in(&world, &sale("0042", "1", &known)).await;
    world.drained(THROUGH).await.unwrap();
    let shop = world.asking.shop_summary().await.unwrap();
    assert_eq!((shop.orders, shop.refunds), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_is_captured_while_there_is_no_relay_at_all() {
    let (mut world, _folder) = world(|plan| plan.stores.truncate(1)).await;
    world.kill_relay().unwrap();
    let known = world.catalogue.items()[0].sku.clone();
    for receipt in 1..=20 {
        hand_in(&world, &sale("0042", &receipt.to_string(), &known)).await;
    }
    let store = &world.stores[0];
    let view = world.asking.agent(store.address, &store.folder).await.unwrap();
    assert_eq!((view.entries, view.unsent), (20, 20));
    let offline = || async {
        let view = world.asking.agent(store.address, &store.folder).await.ok()?;
        (!view.online && view.sentence.contains("20")).then_some(())
    };
    wait::until("the agent to say that it works offline", THROUGH, offline).await.unwrap();
    world.start_relay().await.unwrap();
    world.drained(THROUGH).await.unwrap();
    assert_eq!(world.asking.shop_summary().await.unwrap().orders, 20);
}
