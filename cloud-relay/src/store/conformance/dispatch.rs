//! Claims about lanes, fences, attempts, bundles, counts and news.

use protocol::id::TargetId;
use protocol::progress::ProgressState;
use uuid::Uuid;

use super::super::model::{
    Bundle, Claim, DeliveryState, OriginalState, Resolution, ResolutionKind, Step,
};
use super::super::{SharedStore, StoreError};
use super::Make;
use super::fixtures::{
    Journal, LEASE, at, attempt, claim, claim_both, delta, done, enrolled, exception, move_to,
    news, open, order, planned, reference, shop, transition,
};
use crate::connectors::{Class, ExceptionClass, Mode};

pub(super) async fn run(make: Make<'_>) {
    the_most_urgent_class_goes_first_and_a_lane_has_one_holder(make).await;
    a_lease_that_ended_lets_another_in_and_fences_the_first_out(make).await;
    a_lane_wakes_when_work_arrives_while_it_is_held(make).await;
    a_paused_target_is_skipped_until_its_pause_ends(make).await;
    an_attempt_without_an_outcome_is_unknown_after_a_crash(make).await;
    progress_follows_all_deliveries_of_an_event(make).await;
    a_delivery_keeps_its_last_attempts(make).await;
    a_bundle_is_stored_before_it_is_sent_and_gone_when_settled(make).await;
    an_original_is_told_by_its_receipt(make).await;
    a_receipt_means_the_transaction_that_handed_goods_out(make).await;
    movements_count_when_they_stand_or_come_first(make).await;
    lanes_count_what_they_hold(make).await;
}

async fn with_sales(make: Make<'_>, name: &'static str, keys: &[&str]) -> (SharedStore, Journal) {
    let store = make(name).await;
    let mut journal = enrolled(&store, "d").await;
    keys.iter().for_each(|key| journal.sale(key));
    store.commit_batch(journal.all()).await.unwrap();
    (store, journal)
}

async fn the_most_urgent_class_goes_first_and_a_lane_has_one_holder(make: Make<'_>) {
    let (store, mut journal) = with_sales(make, "urgency", &["a"]).await;
    let refund = (shop(), planned(Class::Customer, "refund.create", Mode::Document));
    journal.push("return", "return", vec![refund]);
    store.commit_batch(journal.batch(1, 2)).await.unwrap();
    for class in [Class::Customer, Class::Stock, Class::Receipts] {
        claim(&store, class, 100).await;
    }
    assert_eq!(store.claim_lane("other", at(100), LEASE).await.unwrap(), None);
    assert_eq!(store.claim_lane("other", at(99), LEASE).await.unwrap(), None, "nothing is due");
}

async fn a_lease_that_ended_lets_another_in_and_fences_the_first_out(make: Make<'_>) {
    let (store, _) = with_sales(make, "fence", &["a"]).await;
    let (first, _) = claim_both(&store, 100).await;
    let id = open(&store, &first).await[0].id;
    store.renew(&first, at(120), LEASE).await.unwrap();
    let receipts = claim(&store, Class::Receipts, 140).await;
    assert!(receipts.fence > 1, "the stock lane's lease was prolonged, this one's ended");
    let second = claim(&store, Class::Stock, 150).await;
    assert!(second.fence > first.fence);
    let step = Step { id, deadline: at(160), now: at(150) };
    let lost = [
        store.begin(&first, std::slice::from_ref(&step)).await,
        store.finish(&first, &[transition(id, done("late"))]).await,
        store.renew(&first, at(150), LEASE).await,
        store.release_lane(&first, None).await,
        store.put_bundle(&first, &bundle(&[id])).await,
    ];
    for outcome in lost {
        assert!(matches!(outcome, Err(StoreError::FenceLost)), "{outcome:?}");
    }
    assert_eq!(open(&store, &second).await[0].attempts, 0, "nothing of it was written");
    store.begin(&second, std::slice::from_ref(&step)).await.unwrap();
    store.release_lane(&second, None).await.unwrap();
    let after = store.begin(&second, &[step]).await;
    assert!(matches!(after, Err(StoreError::FenceLost)), "{after:?}");
}

async fn a_lane_wakes_when_work_arrives_while_it_is_held(make: Make<'_>) {
    let (store, mut journal) = with_sales(make, "wake", &["a"]).await;
    let mut work = store.wakes().work();
    let (stock, receipts) = claim_both(&store, 100).await;
    store.release_lane(&receipts, Some(at(500))).await.unwrap();
    work.mark_unchanged();
    journal.sale("b");
    store.commit_batch(journal.batch(1, 2)).await.unwrap();
    assert!(work.has_changed().unwrap());
    // Nobody held the lane of receipts: it is due at once. The other is when it is given back.
    claim(&store, Class::Receipts, 100).await;
    assert_eq!(store.claim_lane("other", at(100), LEASE).await.unwrap(), None);
    store.release_lane(&stock, Some(at(500))).await.unwrap();
    let stock = claim(&store, Class::Stock, 100).await;
    store.release_lane(&stock, Some(at(500))).await.unwrap();
    assert_eq!(store.claim_lane("w", at(129), LEASE).await.unwrap(), None);
    claim(&store, Class::Stock, 500).await;
}

async fn a_paused_target_is_skipped_until_its_pause_ends(make: Make<'_>) {
    let (store, mut journal) = with_sales(make, "pause", &["a"]).await;
    let (stock, receipts) = claim_both(&store, 100).await;
    store.release_lane(&receipts, Some(at(100))).await.unwrap();
    store.pause_target(&shop(), at(200), "maintenance").await.unwrap();
    store.release_lane(&stock, Some(at(100))).await.unwrap();
    let elsewhere =
        (TargetId::new("books").unwrap(), planned(Class::Books, "entry", Mode::Document));
    journal.push("b", "b", vec![delta(), elsewhere]);
    store.commit_batch(journal.batch(1, 2)).await.unwrap();
    let books = claim(&store, Class::Books, 150).await;
    store.release_lane(&books, None).await.unwrap();
    assert_eq!(store.claim_lane("w", at(199), LEASE).await.unwrap(), None);
    let paused = store.lanes().await.unwrap();
    let reasons: Vec<_> = paused.iter().map(|lane| lane.paused.clone()).collect();
    let maintenance = Some((at(200), "maintenance".to_owned()));
    assert_eq!(reasons, [None, maintenance.clone(), maintenance]);
    // Shortened by a person, the lanes are due at once.
    store.pause_target(&shop(), at(160), "").await.unwrap();
    claim_both(&store, 160).await;
}

async fn an_attempt_without_an_outcome_is_unknown_after_a_crash(make: Make<'_>) {
    let (store, _) = with_sales(make, "crash", &["a"]).await;
    let (_, receipts) = claim_both(&store, 100).await;
    attempt(&store, &receipts, open(&store, &receipts).await[0].id).await;
    drop(store);
    let store = make("crash").await;
    let (_, receipts) = claim_both(&store, 200).await;
    let delivery = open(&store, &receipts).await.remove(0);
    assert_eq!(delivery.state, DeliveryState::Unknown { deadline: at(130), at: at(130) });
    assert_eq!(delivery.attempts, 1);
}

async fn progress_follows_all_deliveries_of_an_event(make: Make<'_>) {
    let (store, journal) = with_sales(make, "progress", &["a"]).await;
    let mut hint = store.wakes().device(&journal.device);
    let (stock, receipts) = claim_both(&store, 100).await;
    let (first, second) = (open(&store, &receipts).await[0].id, open(&store, &stock).await[0].id);
    attempt(&store, &receipts, first).await;
    assert_eq!(news(&store, &journal.device, 0).await, [], "an attempt is no news");
    let waiting = DeliveryState::Waiting { for_key: "sale/1".to_owned(), at: at(140) };
    move_to(&store, &receipts, first, waiting).await;
    assert!(hint.has_changed().unwrap());
    hint.mark_unchanged();
    move_to(&store, &receipts, first, done("#1001")).await;
    move_to(&store, &stock, second, exception(ExceptionClass::UnknownItem)).await;
    move_to(&store, &stock, second, DeliveryState::Due { at: at(130) }).await;
    move_to(&store, &stock, second, done("")).await;
    let told = news(&store, &journal.device, 0).await;
    let said: Vec<_> =
        told.iter().map(|p| (p.state, p.detail.as_ref().map(|d| d.as_str().to_owned()))).collect();
    assert_eq!(
        said,
        [
            (ProgressState::Waiting, Some("waits for sale/1".to_owned())),
            (ProgressState::Waiting, None),
            (ProgressState::Exception, Some("unknown_item: it says no".to_owned())),
            (ProgressState::Waiting, None),
            (ProgressState::Applied, None),
        ]
    );
    let last = told.last().unwrap();
    assert_eq!(last.reference.as_ref().unwrap().as_str(), "#1001");
    assert_eq!((last.epoch, last.sequence.0), (journal.epoch, 1));
    let items = store.downlink(&journal.device, 3, 1).await.unwrap();
    assert_eq!(items.iter().map(|item| item.cursor).collect::<Vec<_>>(), [4]);
}

async fn a_delivery_keeps_its_last_attempts(make: Make<'_>) {
    let (store, _) = with_sales(make, "attempts", &["a"]).await;
    let (_, receipts) = claim_both(&store, 100).await;
    let id = open(&store, &receipts).await[0].id;
    for number in 0..25 {
        let step = Step { id, deadline: at(200 + number), now: at(110 + number) };
        store.begin(&receipts, &[step]).await.unwrap();
        let mut outcome = transition(id, DeliveryState::Due { at: at(111 + number) });
        outcome.said = format!("answer {number}");
        store.finish(&receipts, &[outcome]).await.unwrap();
    }
    let view = store.delivery(id).await.unwrap().unwrap();
    assert_eq!((view.attempts, view.history.len()), (25, 20));
    assert_eq!(view.history.last().unwrap().said.as_deref(), Some("answer 24"));
    assert_eq!(view.history[0].deadline, Some(at(205)));
}

fn bundle(members: &[super::super::model::DeliveryId]) -> Bundle {
    Bundle {
        key: Uuid::from_u128(7),
        body: "{\"changes\":[]}".to_owned(),
        members: members.to_vec(),
        first_sent_at: None,
        deadline: None,
        due_at: at(110),
        attempts: 0,
    }
}

async fn a_bundle_is_stored_before_it_is_sent_and_gone_when_settled(make: Make<'_>) {
    let (store, _) = with_sales(make, "bundle", &["a", "b", "c"]).await;
    let (stock, _) = claim_both(&store, 100).await;
    let ids: Vec<_> = open(&store, &stock).await.iter().map(|delivery| delivery.id).collect();
    let mut stored = bundle(&ids[..2]);
    store.put_bundle(&stock, &stored).await.unwrap();
    stored.first_sent_at = Some(at(111));
    stored.deadline = Some(at(120));
    stored.attempts = 1;
    store.put_bundle(&stock, &stored).await.unwrap();
    drop(store);
    let store = make("bundle").await;
    let (stock, _) = claim_both(&store, 200).await;
    assert_eq!(store.open_bundle(&stock).await.unwrap(), Some(stored.clone()));
    let states: Vec<_> = open(&store, &stock).await.into_iter().map(|d| d.state).collect();
    let tied = DeliveryState::Bundled { key: stored.key };
    assert_eq!(states, [tied.clone(), tied.clone(), DeliveryState::Due { at: at(100) }]);
    let second = Bundle { key: Uuid::from_u128(8), ..bundle(&ids[2..]) };
    let refused = store.put_bundle(&stock, &second).await;
    assert!(matches!(refused, Err(StoreError::State { .. })), "one at a time: {refused:?}");
    attempt(&store, &stock, ids[0]).await;
    assert_eq!(open(&store, &stock).await[0].state, tied, "an attempt leaves it tied");
    move_to(&store, &stock, ids[0], done("")).await;
    assert!(store.open_bundle(&stock).await.unwrap().is_some());
    move_to(&store, &stock, ids[1], exception(ExceptionClass::UnknownItem)).await;
    assert_eq!(store.open_bundle(&stock).await.unwrap(), None);
    store.put_bundle(&stock, &second).await.unwrap();
    let settled = Bundle { key: Uuid::from_u128(9), ..bundle(&ids[..1]) };
    move_to(&store, &stock, ids[2], done("")).await;
    let refused = store.put_bundle(&stock, &settled).await;
    assert!(matches!(refused, Err(StoreError::State { .. })), "it is done: {refused:?}");
    assert_eq!(store.open_bundle(&stock).await.unwrap(), None, "a refusal leaves nothing");
}

async fn an_original_is_told_by_its_receipt(make: Make<'_>) {
    let (store, mut journal) = with_sales(make, "original", &["a", "b"]).await;
    journal.push("nothing", "nothing", Vec::new());
    store.commit_batch(journal.batch(2, 3)).await.unwrap();
    let original = async |key: &'static str| store.original(&shop(), key).await.unwrap();
    assert_eq!(original("never").await, OriginalState::NeverSeen);
    assert_eq!(original("nothing").await, OriginalState::WithoutDocument);
    assert_eq!(original("a").await, OriginalState::OnItsWay);
    let (stock, receipts) = claim_both(&store, 100).await;
    let ids: Vec<_> = open(&store, &receipts).await.iter().map(|delivery| delivery.id).collect();
    let moved = open(&store, &stock).await[0].id;
    move_to(&store, &stock, moved, exception(ExceptionClass::UnknownItem)).await;
    move_to(&store, &receipts, ids[0], done("#1001")).await;
    move_to(&store, &receipts, ids[1], exception(ExceptionClass::Rejected)).await;
    assert_eq!(original("a").await, OriginalState::Standing(reference("#1001")));
    assert_eq!(original("b").await, OriginalState::Exception);
    let resolution = Resolution {
        kind: ResolutionKind::NotToBePosted,
        by: "ann".to_owned(),
        note: "test sale".to_owned(),
        reference: None,
        at: at(130),
    };
    store.resolve(ids[1], resolution).await.unwrap();
    assert_eq!(original("b").await, OriginalState::WithoutDocument);
}

async fn a_receipt_means_the_transaction_that_handed_goods_out(make: Make<'_>) {
    let store = make("receipts").await;
    let mut journal = enrolled(&store, "d").await;
    let refund = || (shop(), planned(Class::Customer, "refund.create", Mode::Document));
    let receipt =
        |number: &str, rest: &str| format!("transaction/0042/2/2026-11-22/{number}/{rest}");
    // Neighbours in the order of keys, on both sides of each receipt that is asked for.
    journal.sale(&receipt("1", "exchange/0"));
    journal.push(&receipt("10", "exchange/0"), "goods for goods", vec![refund(), order()]);
    journal.push(&receipt("10", "suspend/0"), "put aside", Vec::new());
    journal.sale(&receipt("100", "sale/0"));
    journal.push(&receipt("20", "post_void/0"), "a sale undone", vec![refund()]);
    journal.push(&receipt("20", "void/0"), "never finished", Vec::new());
    journal.push(&receipt("30", "post_void/0"), "a return undone", vec![order()]);
    journal.push(&receipt("40", "order_pickup/0"), "sold online", Vec::new());
    journal.sale(&receipt("50", "layaway/3"));
    store.commit_batch(journal.all()).await.unwrap();
    let (_, receipts) = claim_both_after_refunds(&store).await;
    let deliveries = open(&store, &receipts).await;
    for delivery in &deliveries {
        move_to(&store, &receipts, delivery.id, done(&delivery.natural_key)).await;
    }
    let original = async |number: &str, rest: &str| {
        store.original(&shop(), &receipt(number, rest)).await.unwrap()
    };
    let standing =
        |number: &str, rest: &str| OriginalState::Standing(reference(&receipt(number, rest)));
    assert_eq!(original("10", "sale/0").await, standing("10", "exchange/0"));
    assert_eq!(original("100", "sale/0").await, standing("100", "sale/0"));
    assert_eq!(original("20", "sale/0").await, OriginalState::NeverSeen, "it may still come");
    assert_eq!(original("30", "sale/0").await, standing("30", "post_void/0"));
    assert_eq!(original("40", "sale/0").await, OriginalState::WithoutDocument);
    assert_eq!(original("50", "sale/0").await, standing("50", "layaway/3"), "no cycle was named");
    assert_eq!(original("50", "sale/3").await, standing("50", "layaway/3"));
    assert_eq!(original("50", "sale/2").await, OriginalState::NeverSeen);
    assert_eq!(original("2", "sale/0").await, OriginalState::NeverSeen);
    let other =
        store.original(&TargetId::new("other").unwrap(), &receipt("10", "sale/0")).await.unwrap();
    assert_eq!(other, OriginalState::WithoutDocument, "each target for itself");
}

/// Claims the lane of refunds, which goes first, then those of stock and receipts.
async fn claim_both_after_refunds(store: &SharedStore) -> (Claim, Claim) {
    claim(store, Class::Customer, 100).await;
    claim_both(store, 100).await
}

async fn movements_count_when_they_stand_or_come_first(make: Make<'_>) {
    let (store, mut journal) = with_sales(make, "moves", &["a", "b", "c"]).await;
    journal.push("count", "count", vec![(shop(), planned(Class::Stock, "count", Mode::Count))]);
    journal.entries[3].moves.clear();
    journal.sale("later");
    journal.push("untracked", "untracked", vec![order()]);
    store.commit_batch(journal.batch(3, 6)).await.unwrap();
    let (stock, _) = claim_both(&store, 100).await;
    let ids: Vec<_> = open(&store, &stock).await.iter().map(|delivery| delivery.id).collect();
    let times = async |since| {
        let moves = store.moves_since(&stock, ids[3], at(since)).await.unwrap();
        moves.into_iter().map(|movement| movement.occurred_at).collect::<Vec<_>>()
    };
    assert_eq!(times(0).await, [at(1), at(2), at(3)]);
    assert_eq!(times(1).await, [at(2), at(3)], "not at the moment itself");
    move_to(&store, &stock, ids[1], exception(ExceptionClass::UnknownItem)).await;
    move_to(&store, &stock, ids[4], done("")).await;
    assert_eq!(times(0).await, [at(1), at(3), at(5)], "what stands counts wherever it came");
}

async fn lanes_count_what_they_hold(make: Make<'_>) {
    let (store, _) = with_sales(make, "counters", &["a", "b", "c"]).await;
    let (stock, _) = claim_both(&store, 100).await;
    let ids: Vec<_> = open(&store, &stock).await.iter().map(|delivery| delivery.id).collect();
    move_to(&store, &stock, ids[0], done("")).await;
    move_to(&store, &stock, ids[1], exception(ExceptionClass::UnknownItem)).await;
    let lanes = store.lanes().await.unwrap();
    assert_eq!(lanes[0].lane, stock.lane);
    let counts = (lanes[0].waiting, lanes[0].exceptions, lanes[0].done);
    assert_eq!((counts, lanes[0].oldest_at), ((1, 1, 1), Some(at(100))));
    move_to(&store, &stock, ids[2], done("")).await;
    let lane = store.lanes().await.unwrap().remove(0);
    assert_eq!((lane.waiting, lane.oldest_at), (0, None));
}
