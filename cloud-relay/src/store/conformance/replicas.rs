//! Claims about two relays that share one store.

use std::collections::BTreeSet;

use protocol::id::{StoreId, TargetId};

use super::super::model::{BatchOutcome, DeliveryFilter, DeliveryState, NewDevice, Step};
use super::super::{SharedStore, StoreError};
use super::Make;
use super::fixtures::{
    LEASE, at, claim, committed, device_id, done, enrolled, epoch, move_to, new_device, news, open,
    order, planned, session, store_id, token, transition,
};
use crate::connectors::{Class, Mode};

pub(super) async fn run(make: Make<'_>) {
    what_one_replica_commits_the_other_works_on(make).await;
    a_batch_that_reaches_both_replicas_is_held_once(make).await;
    one_sale_from_two_devices_at_two_replicas_is_one_sale(make).await;
    two_contents_under_one_key_at_two_replicas_are_one_sale_and_one_conflict(make).await;
    workers_of_two_replicas_never_hold_the_same_lane(make).await;
    a_worker_whose_lane_another_replica_took_writes_nothing(make).await;
    a_token_for_one_device_admits_one_at_two_replicas(make).await;
}

/// Opens a store twice: two relays on one file or one database.
async fn both(make: Make<'_>, name: &'static str) -> (SharedStore, SharedStore) {
    (make(name).await, make(name).await)
}

async fn all(store: &SharedStore) -> Vec<DeliveryState> {
    let filter = DeliveryFilter { count_max: 1_000, ..DeliveryFilter::default() };
    store.deliveries(&filter).await.unwrap().into_iter().map(|view| view.state).collect()
}

async fn what_one_replica_commits_the_other_works_on(make: Make<'_>) {
    let (one, other) = both(make, "replicas share").await;
    let mut journal = enrolled(&one, "d").await;
    journal.push("a", "a", vec![order()]);
    one.commit_batch(journal.all()).await.unwrap();
    let receipts = claim(&other, Class::Receipts, 100).await;
    let id = open(&other, &receipts).await[0].id;
    move_to(&other, &receipts, id, done("#1001")).await;
    let told = news(&one, &journal.device, 0).await;
    assert_eq!(told.last().unwrap().reference.as_ref().unwrap().as_str(), "#1001");
    assert_eq!(one.claim_lane("w", at(100), LEASE).await.unwrap(), None);
}

async fn a_batch_that_reaches_both_replicas_is_held_once(make: Make<'_>) {
    let (one, other) = both(make, "replicas race").await;
    let mut journal = enrolled(&one, "d").await;
    (0..12).for_each(|number| journal.sale(&format!("receipt {number}")));
    let sends = (0..12_usize).map(|number| {
        let store = if number % 2 == 0 { one.clone() } else { other.clone() };
        let batch = journal.batch(0, number + 1);
        tokio::spawn(async move { store.commit_batch(batch).await.unwrap() })
    });
    let mut new_count = 0;
    for sent in sends.collect::<Vec<_>>() {
        let BatchOutcome::Committed { new, .. } = sent.await.unwrap() else {
            panic!("every batch begins at the start");
        };
        new_count += new;
    }
    assert_eq!(new_count, 12);
    assert_eq!(other.head(&journal.device, journal.epoch).await.unwrap(), Some(journal.head()));
    assert_eq!(all(&one).await.len(), 24);
}

async fn one_sale_from_two_devices_at_two_replicas_is_one_sale(make: Make<'_>) {
    let (one, other) = both(make, "replicas replay").await;
    let (mut first, mut second) = (enrolled(&one, "d").await, enrolled(&one, "e").await);
    for number in 0..10 {
        first.sale(&format!("receipt {number}"));
        second.sale(&format!("receipt {}", 9 - number));
    }
    let (sent, again) =
        tokio::join!(one.commit_batch(first.all()), other.commit_batch(second.all()));
    assert_eq!(sent.unwrap(), committed(&first, 10, 10));
    assert_eq!(again.unwrap(), committed(&second, 10, 10));
    assert_eq!(all(&one).await.len(), 20, "ten sales with two deliveries each");
}

async fn two_contents_under_one_key_at_two_replicas_are_one_sale_and_one_conflict(make: Make<'_>) {
    let (one, other) = both(make, "replicas conflict").await;
    let (mut first, mut second) = (enrolled(&one, "d").await, enrolled(&one, "e").await);
    first.sale("a");
    second.push("a", "other", first.entries[0].deliveries.clone());
    let (sent, again) =
        tokio::join!(one.commit_batch(first.all()), other.commit_batch(second.all()));
    assert_eq!(sent.unwrap(), committed(&first, 1, 1));
    assert_eq!(again.unwrap(), committed(&second, 1, 1));
    let states = all(&one).await;
    let count = |wanted: fn(&DeliveryState) -> bool| states.iter().filter(|s| wanted(s)).count();
    assert_eq!(count(|state| matches!(state, DeliveryState::Due { .. })), 2);
    assert_eq!(count(|state| matches!(state, DeliveryState::Exception { .. })), 2);
}

async fn workers_of_two_replicas_never_hold_the_same_lane(make: Make<'_>) {
    const TARGETS: usize = 20;
    let (one, other) = both(make, "replicas claim").await;
    let mut journal = enrolled(&one, "d").await;
    let targets = (0..TARGETS).map(|number| {
        let target = TargetId::new(format!("target-{number}")).unwrap();
        (target, planned(Class::Receipts, "order.create", Mode::Document))
    });
    journal.push("a", "a", targets.collect());
    one.commit_batch(journal.all()).await.unwrap();
    let workers = [&one, &other, &one, &other].into_iter().map(|store| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut lanes = Vec::new();
            while let Some(claim) = store.claim_lane("w", at(100), LEASE).await.unwrap() {
                assert_eq!(claim.fence, 1, "nobody had it before");
                lanes.push(claim.lane_id);
            }
            lanes
        })
    });
    let mut lanes = Vec::new();
    for worker in workers.collect::<Vec<_>>() {
        lanes.extend(worker.await.unwrap());
    }
    assert_eq!(lanes.len(), TARGETS);
    assert_eq!(lanes.into_iter().collect::<BTreeSet<_>>().len(), TARGETS);
}

async fn a_worker_whose_lane_another_replica_took_writes_nothing(make: Make<'_>) {
    let (one, other) = both(make, "replicas fence").await;
    let mut journal = enrolled(&one, "d").await;
    journal.push("a", "a", vec![order()]);
    one.commit_batch(journal.all()).await.unwrap();
    let first = claim(&one, Class::Receipts, 100).await;
    let id = open(&one, &first).await[0].id;
    let second = claim(&other, Class::Receipts, 200).await;
    assert!(second.fence > first.fence);
    let step = Step { id, deadline: at(210), now: at(200) };
    other.begin(&second, std::slice::from_ref(&step)).await.unwrap();
    for outcome in [
        one.begin(&first, &[step]).await,
        one.finish(&first, &[transition(id, done("late"))]).await,
    ] {
        assert!(matches!(outcome, Err(StoreError::FenceLost)), "{outcome:?}");
    }
    assert_eq!(open(&one, &second).await[0].attempts, 1, "only the other's attempt stands");
}

async fn a_token_for_one_device_admits_one_at_two_replicas(make: Make<'_>) {
    let (one, other) = both(make, "replicas enrol").await;
    one.add_token(token("single", 1)).await.unwrap();
    let (device, rival) = (new_device("d", "single"), new_device("e", "single"));
    let (first, second) = tokio::join!(one.enrol(device.clone()), other.enrol(rival));
    let admitted = [first.unwrap(), second.unwrap()];
    assert_eq!(admitted.iter().flatten().count(), 1);
    // The same request at both: one device, and one use of the token.
    one.add_token(token("twice", 2)).await.unwrap();
    let elsewhere = StoreId::new("0043").unwrap();
    assert_ne!(elsewhere, store_id());
    let twin = NewDevice { store: elsewhere, ..new_device("f", "twice") };
    let repeated = NewDevice { device: device_id("g"), ..twin.clone() };
    let (first, second) = tokio::join!(one.enrol(twin), other.enrol(repeated));
    assert_eq!(first.unwrap().unwrap().device, second.unwrap().unwrap().device);
    let left = one.tokens().await.unwrap().into_iter().find(|t| t.label.as_str() == "twice");
    assert_eq!(left.unwrap().uses_left, 1);
    // Sessions of one device at both replicas stand one after the other.
    let known = one.devices().await.unwrap().remove(0).device;
    let sessions = (2..6_u8).map(|number| {
        let store = if number % 2 == 0 { one.clone() } else { other.clone() };
        let change = session(&known, epoch(1), Some(None), number);
        tokio::spawn(async move { store.record_session(change).await.unwrap() })
    });
    for recorded in sessions.collect::<Vec<_>>() {
        recorded.await.unwrap();
    }
}
