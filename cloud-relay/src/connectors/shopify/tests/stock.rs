//! Deltas and counts at a simulated shop, and what goes wrong on the way.

use jiff::SignedDuration;
use protocol::decimal::Number;
use serde_json::json;
use simulated_shopify::Disruption;
use uuid::Uuid;

use super::shop::{Opened, setup};
use super::{calls, event, read};
use crate::connectors::{BundleVerdict, Call, Connector, ExceptionClass, Prepared, Verdict};

const KEY: Uuid = Uuid::from_u128(0x57_0c_4b);

async fn prepare(opened: &Opened, key: Uuid, calls: &[Call]) -> Prepared {
    opened.connector.prepare(key, calls).await.outcome.unwrap()
}

async fn send(opened: &Opened, key: Uuid, prepared: &Prepared) -> BundleVerdict {
    let body = &prepared.bundle.as_ref().expect("it moves something").body;
    opened.connector.send(key, body, opened.deadline()).await.outcome
}

/// The stock call of an event of `testdata`.
fn stock(opened: &Opened, name: &str) -> Call {
    opened.calls(name).into_iter().next_back().unwrap()
}

/// A receipt of goods of these items.
fn received(opened: &Opened, document: &str, lines: &[(String, &str)]) -> Call {
    let lines: Vec<_> = (1..)
        .zip(lines)
        .map(|(line, (sku, change))| json!({ "line": line, "item": { "sku": sku }, "change": change }))
        .collect();
    let body = json!({ "specversion": "1.0", "type": "storekeep.stock.v1", "data": {
        "kind": "receipt", "store": "0042", "document": document, "businessDate": "2026-11-23",
        "occurredAt": "2026-11-23T20:30:00+01:00", "lines": lines } });
    let event = read(body.to_string().as_bytes());
    calls(&event, opened.deadline())[0].clone()
}

#[tokio::test]
async fn sales_and_returns_are_coalesced_into_one_change_an_item() {
    let opened = Opened::new(setup()).await;
    let calls = [
        stock(&opened, "sale_with_discount"),
        stock(&opened, "sale_with_split_line"),
        stock(&opened, "post_void_of_a_sale"),
    ];
    let prepared = prepare(&opened, KEY, &calls).await;
    assert_eq!(prepared.bundle.as_ref().unwrap().members, [0, 1, 2]);
    let verdict = send(&opened, KEY, &prepared).await;
    assert!(matches!(verdict, BundleVerdict::Done(_)), "{verdict:?}");
    assert_eq!((opened.moved("4711"), opened.moved("2000")), (-3, -1));
    let adjustments = opened.shop.books().adjustments;
    assert_eq!((adjustments.len(), adjustments[0].reason.as_str()), (1, "other"));
}

#[tokio::test]
async fn a_bundle_is_repeated_byte_for_byte_within_a_day_and_moves_once() {
    let opened = Opened::new(setup()).await;
    let prepared = prepare(&opened, KEY, &[stock(&opened, "sale_with_discount")]).await;
    opened.next(Disruption::CloseAfter, "inventoryAdjustQuantities");
    let verdict = send(&opened, KEY, &prepared).await;
    assert!(matches!(verdict, BundleVerdict::Wait(Verdict::Unknown { .. })), "{verdict:?}");
    opened.shop.advance(SignedDuration::from_hours(23));
    let verdict = send(&opened, KEY, &prepared).await;
    assert!(matches!(verdict, BundleVerdict::Done(_)), "{verdict:?}");
    assert_eq!(opened.moved("4711"), -3);
    // Control: without the window the key protects nothing.
    opened.shop.advance(SignedDuration::from_hours(2));
    send(&opened, KEY, &prepared).await;
    assert_eq!(opened.moved("4711"), -6);
}

#[tokio::test]
async fn an_unknown_item_is_refused_alone_or_skipped_by_the_settings() {
    let calls = |opened: &Opened| {
        let lines = [("4711".to_owned(), "5"), ("NEW".to_owned(), "5")];
        [received(opened, "R-1", &lines), received(opened, "R-2", &[("2000".to_owned(), "1")])]
    };
    let opened = Opened::new(setup()).await;
    let prepared = prepare(&opened, KEY, &calls(&opened)).await;
    let (index, class, reason) = &prepared.refused[0];
    assert_eq!((*index, *class), (0, ExceptionClass::UnknownItem));
    assert!(reason.contains("line 2: Shopify has no variant with SKU NEW"), "{reason}");
    assert_eq!(prepared.bundle.unwrap().members, [1]);
    let skipping = Opened::with(setup(), "unknown_items = \"skip\"\n").await;
    let prepared = prepare(&skipping, KEY, &calls(&skipping)).await;
    assert_eq!(prepared.bundle.as_ref().unwrap().members, [0, 1]);
    send(&skipping, KEY, &prepared).await;
    assert_eq!(skipping.moved("4711"), 5);
}

#[tokio::test]
async fn an_item_that_two_variants_bear_and_a_part_of_a_piece_are_refused() {
    let mut twice = setup();
    twice.variants[1].sku = Some("4711".to_owned());
    let opened = Opened::new(twice).await;
    let calls = [
        received(&opened, "R-1", &[("4711".to_owned(), "1")]),
        received(&opened, "R-2", &[("5000".to_owned(), "0.5")]),
    ];
    let prepared = prepare(&opened, KEY, &calls).await;
    assert_eq!(prepared.bundle, None);
    let classes: Vec<_> = prepared.refused.iter().map(|(_, class, _)| *class).collect();
    assert_eq!(classes, [ExceptionClass::UnknownItem, ExceptionClass::Rejected]);
}

#[tokio::test]
async fn what_shopify_does_not_count_moves_nothing() {
    let mut untracked = setup();
    untracked.variants[0].tracked = false;
    let opened = Opened::new(untracked).await;
    let call = received(&opened, "R-1", &[("4711".to_owned(), "0.5")]);
    let prepared = prepare(&opened, KEY, &[call]).await;
    assert_eq!((prepared.bundle, prepared.without_effect), (None, vec![0]));
}

#[tokio::test]
async fn changes_beyond_250_wait_for_the_next_bundle() {
    let mut many = setup();
    for number in 0..251 {
        many = many.with_variant(&format!("S{number}"), None, "1.00", 0);
    }
    let opened = Opened::new(many).await;
    let of = |numbers: std::ops::Range<u32>| {
        numbers.map(|number| (format!("S{number}"), "1")).collect::<Vec<_>>()
    };
    let calls = [
        received(&opened, "R-1", &of(0..200)),
        received(&opened, "R-2", &of(200..251)),
        received(&opened, "R-3", &of(0..50)),
    ];
    let prepared = prepare(&opened, KEY, &calls).await;
    assert_eq!(prepared.bundle.as_ref().unwrap().members, [0, 2], "R-3 repeats items of R-1");
    assert!(matches!(send(&opened, KEY, &prepared).await, BundleVerdict::Done(_)));
    let next = Uuid::from_u128(2);
    let prepared = prepare(&opened, next, &calls[1..2]).await;
    assert!(matches!(send(&opened, next, &prepared).await, BundleVerdict::Done(_)));
    assert_eq!((opened.moved("S0"), opened.moved("S250")), (2, 1));
}

#[tokio::test]
async fn documents_of_another_reason_wait_for_the_next_bundle() {
    let opened = Opened::new(setup()).await;
    let calls = [
        stock(&opened, "stock_adjustment"),
        stock(&opened, "sale_with_discount"),
        stock(&opened, "stock_adjustment"),
    ];
    let prepared = prepare(&opened, KEY, &calls).await;
    assert_eq!(prepared.bundle.unwrap().members, [0, 2]);
}

#[tokio::test]
async fn a_bundle_item_is_the_culprit_and_the_others_are_not() {
    let mut setup = setup();
    setup.variants[1].bundle = true;
    let opened = Opened::new(setup).await;
    let calls = [
        received(&opened, "R-1", &[("5000".to_owned(), "1")]),
        received(&opened, "R-2", &[("2000".to_owned(), "1")]),
        received(&opened, "R-3", &[("4711".to_owned(), "1")]),
    ];
    let prepared = prepare(&opened, KEY, &calls).await;
    let verdict = send(&opened, KEY, &prepared).await;
    let BundleVerdict::Refused { culprits, .. } = &verdict else { panic!("{verdict:?}") };
    let found: Vec<_> = culprits.iter().map(|(index, class, _)| (*index, *class)).collect();
    assert_eq!(found, [(1, ExceptionClass::Rejected)]);
    assert!(opened.shop.books().adjustments.is_empty());
    let again = send(&opened, KEY, &prepared).await;
    assert!(
        matches!(&again, BundleVerdict::Refused { culprits, .. } if culprits.is_empty()),
        "a key that failed calls for a new bundle: {again:?}"
    );
}

/// The count of `testdata` when these movements followed it.
fn count(opened: &Opened, moved: [&str; 2]) -> Call {
    let mut call = stock(opened, "stock_count");
    call.moved_since = moved.map(|number| number.parse::<Number>().unwrap()).to_vec();
    call
}

#[tokio::test]
async fn a_count_sets_what_was_counted_and_what_moved_since() {
    let opened = Opened::new(setup()).await;
    let prepared = prepare(&opened, KEY, &[count(&opened, ["-3", "0"])]).await;
    let verdict = send(&opened, KEY, &prepared).await;
    assert!(matches!(verdict, BundleVerdict::Done(_)), "{verdict:?}");
    // 17 and 0 were counted where 100 and 50 stood.
    assert_eq!((opened.moved("4711"), opened.moved("2000")), (14 - 100, -50));
    let adjustments = opened.shop.books().adjustments;
    assert_eq!(adjustments[0].reason, "cycle_count_available");
}

#[tokio::test]
async fn a_stale_count_is_nobodys_fault_and_made_anew() {
    let opened = Opened::new(setup()).await;
    let prepared = prepare(&opened, KEY, &[count(&opened, ["0", "0"])]).await;
    let sale = Uuid::from_u128(2);
    let sold = prepare(&opened, sale, &[stock(&opened, "sale_with_discount")]).await;
    send(&opened, sale, &sold).await;
    let verdict = send(&opened, KEY, &prepared).await;
    let BundleVerdict::Refused { culprits, .. } = &verdict else { panic!("{verdict:?}") };
    assert!(culprits.is_empty(), "{culprits:?}");
    let again = Uuid::from_u128(3);
    let prepared = prepare(&opened, again, &[count(&opened, ["-3", "-1"])]).await;
    let verdict = send(&opened, again, &prepared).await;
    assert!(matches!(verdict, BundleVerdict::Done(_)), "{verdict:?}");
    // The notebook that was sold after none was counted is missing on the shelf.
    assert_eq!((opened.moved("4711"), opened.moved("2000")), (14 - 100, -51));
}

#[tokio::test]
async fn an_item_counted_twice_needs_a_person() {
    let opened = Opened::new(setup()).await;
    let mut event = event("stock_count");
    let protocol::event::Body::Stock(document) = &mut event.body else { panic!() };
    document.lines[1].item = document.lines[0].item.clone();
    let call = calls(&event, opened.deadline())[0].clone();
    let prepared = prepare(&opened, KEY, &[call]).await;
    assert_eq!(prepared.refused[0].1, ExceptionClass::Rejected);
    assert!(prepared.refused[0].2.contains("lines 1 and 2"), "{}", prepared.refused[0].2);
}

#[tokio::test]
async fn a_key_that_was_sent_with_another_body_is_an_unknown_outcome() {
    let opened = Opened::new(setup()).await;
    let first = prepare(&opened, KEY, &[stock(&opened, "sale_with_discount")]).await;
    assert!(matches!(send(&opened, KEY, &first).await, BundleVerdict::Done(_)));
    let second = prepare(&opened, KEY, &[stock(&opened, "stock_adjustment")]).await;
    let verdict = send(&opened, KEY, &second).await;
    let BundleVerdict::Wait(Verdict::Exception { class, .. }) = verdict else {
        panic!("{verdict:?}")
    };
    assert_eq!(class, ExceptionClass::UnknownOutcome);
    assert_eq!(opened.moved("4711"), -3);
}

#[tokio::test]
async fn items_are_looked_up_once_for_many_sales_and_again_after_a_while() {
    let opened = Opened::new(setup()).await;
    for number in 1..=5_u128 {
        let key = Uuid::from_u128(number);
        let prepared = prepare(&opened, key, &[stock(&opened, "sale_with_discount")]).await;
        send(&opened, key, &prepared).await;
    }
    let executed = opened.shop.books().counters.executed;
    assert_eq!(executed.get("productVariants"), Some(&1));
    assert_eq!(executed.get("locations"), Some(&1));
    opened.shop.advance(SignedDuration::from_mins(31));
    prepare(&opened, KEY, &[stock(&opened, "sale_with_discount")]).await;
    let executed = opened.shop.books().counters.executed;
    assert_eq!(executed.get("productVariants"), Some(&2));
}

#[tokio::test]
async fn a_thousand_five_line_sales_cost_a_twentieth_of_one_call_a_line() {
    let mut assortment = setup();
    for number in 0..200 {
        assortment = assortment.with_variant(&format!("S{number}"), None, "1.00", 10_000);
    }
    let opened = Opened::new(assortment).await;
    let before = opened.shop.books().counters.points;
    for bundle in 0..4_u32 {
        let sales: Vec<Call> = (0..250)
            .map(|sale| {
                let items = (0..5).map(|line| (sale * 7 + line * 41 + bundle) % 200);
                let lines: Vec<_> = items.map(|item| (format!("S{item}"), "-1")).collect();
                received(&opened, &format!("R-{bundle}-{sale}"), &lines)
            })
            .collect();
        let key = Uuid::from_u128(u128::from(bundle) + 1);
        let prepared = prepare(&opened, key, &sales).await;
        assert_eq!(prepared.bundle.as_ref().unwrap().members.len(), 250);
        assert!(matches!(send(&opened, key, &prepared).await, BundleVerdict::Done(_)));
    }
    let sold: i64 = (0..200).map(|item| opened.moved(&format!("S{item}"))).sum();
    assert_eq!(sold, -5_000);
    let points = opened.shop.books().counters.points - before;
    // One adjustment costs 10 points (recorded).
    assert!(points * 20 <= 5_000 * 10, "{points} points");
}
