//! Claims about exceptions, their settling, and replays.

use protocol::progress::ProgressState;

use super::super::model::{
    DeliveryFilter, DeliveryId, DeliveryState, OriginalState, ReplayFilter, Resolution,
    ResolutionKind,
};
use super::super::{SharedStore, StoreError};
use super::Make;
use super::fixtures::{
    Journal, at, attempt, claim_both, done, enrolled, exception, move_to, news, open, order, shop,
};
use crate::connectors::ExceptionClass;

pub(super) async fn run(make: Make<'_>) {
    exceptions_are_listed_by_class_and_in_pages(make).await;
    a_retry_looks_before_it_sends_again(make).await;
    a_resolution_is_told_and_cannot_be_taken_twice(make).await;
    a_second_sale_goes_out_under_its_own_key(make).await;
    a_duplicate_settles_every_delivery_of_the_conflict(make).await;
    a_replay_adds_only_what_is_missing(make).await;
    held_events_come_in_pages_without_repetitions(make).await;
}

fn resolution(kind: ResolutionKind) -> Resolution {
    Resolution {
        kind,
        by: "ann".to_owned(),
        note: "looked at it".to_owned(),
        reference: Some("#77".to_owned()),
        at: at(150),
    }
}

fn filter() -> DeliveryFilter {
    DeliveryFilter { count_max: 100, ..DeliveryFilter::default() }
}

async fn state(store: &SharedStore, id: DeliveryId) -> DeliveryState {
    store.delivery(id).await.unwrap().unwrap().state
}

async fn exceptions_are_listed_by_class_and_in_pages(make: Make<'_>) {
    let store = make("listing").await;
    let mut journal = enrolled(&store, "d").await;
    (0..5).for_each(|number| journal.sale(&format!("receipt {number}")));
    store.commit_batch(journal.all()).await.unwrap();
    let (stock, receipts) = claim_both(&store, 100).await;
    for delivery in open(&store, &receipts).await {
        move_to(&store, &receipts, delivery.id, exception(ExceptionClass::Rejected)).await;
    }
    let first = open(&store, &stock).await[0].id;
    move_to(&store, &stock, first, exception(ExceptionClass::UnknownItem)).await;
    let mut page = DeliveryFilter { open_exceptions: true, count_max: 4, ..filter() };
    let mut seen = Vec::new();
    loop {
        let views = store.deliveries(&page).await.unwrap();
        page.after = views.last().map(|view| view.id);
        seen.extend(views.iter().map(|view| view.id));
        if views.len() < 4 {
            break;
        }
    }
    assert_eq!(seen.len(), 6);
    assert!(seen.is_sorted());
    let class = DeliveryFilter { class: Some(ExceptionClass::UnknownItem), ..filter() };
    let views = store.deliveries(&class).await.unwrap();
    assert_eq!(views.iter().map(|view| view.id).collect::<Vec<_>>(), [first]);
    assert_eq!(views[0].amount, order().1.amount);
    let key = DeliveryFilter { natural_key: Some("receipt 3".to_owned()), ..filter() };
    assert_eq!(store.deliveries(&key).await.unwrap().len(), 2);
    let elsewhere = protocol::id::StoreId::new("0043").unwrap();
    let other = DeliveryFilter { store: Some(elsewhere), target: Some(shop()), ..filter() };
    assert_eq!(store.deliveries(&other).await.unwrap(), []);
}

async fn a_retry_looks_before_it_sends_again(make: Make<'_>) {
    let store = make("retry").await;
    let mut journal = enrolled(&store, "d").await;
    journal.sale("a");
    journal.push("a", "other", vec![order()]);
    store.commit_batch(journal.all()).await.unwrap();
    let (stock, receipts) = claim_both(&store, 100).await;
    let (first, change) = (open(&store, &receipts).await[0].id, open(&store, &stock).await[0].id);
    attempt(&store, &receipts, first).await;
    move_to(&store, &receipts, first, exception(ExceptionClass::Rejected)).await;
    move_to(&store, &stock, change, exception(ExceptionClass::UnknownOutcome)).await;
    store.release_lane(&receipts, None).await.unwrap();
    store.release_lane(&stock, None).await.unwrap();
    store.retry(first, "ann", at(140)).await.unwrap();
    let looked = DeliveryState::Unknown { deadline: at(140), at: at(140) };
    assert_eq!(state(&store, first).await, looked, "it was attempted once");
    let history = store.delivery(first).await.unwrap().unwrap().history;
    assert_eq!(history.last().unwrap().said.as_deref(), Some("put back by ann"));
    let conflict = DeliveryFilter { open_exceptions: true, ..filter() };
    for view in store.deliveries(&conflict).await.unwrap() {
        let refused = store.retry(view.id, "ann", at(140)).await;
        assert!(matches!(refused, Err(StoreError::State { .. })), "{refused:?}");
    }
    let again = store.retry(first, "ann", at(141)).await;
    assert!(matches!(again, Err(StoreError::State { .. })), "it is no exception now: {again:?}");
    let nothing = store.retry(DeliveryId { lane_id: 99, number: 1 }, "ann", at(141)).await;
    assert!(matches!(nothing, Err(StoreError::Unknown { .. })), "{nothing:?}");
    super::fixtures::claim(&store, crate::connectors::Class::Receipts, 140).await;
}

async fn a_resolution_is_told_and_cannot_be_taken_twice(make: Make<'_>) {
    let store = make("resolve").await;
    let mut journal = enrolled(&store, "d").await;
    journal.push("a", "a", vec![order()]);
    store.commit_batch(journal.all()).await.unwrap();
    let lane = super::fixtures::claim(&store, crate::connectors::Class::Receipts, 100).await;
    let id = open(&store, &lane).await[0].id;
    let early = store.resolve(id, resolution(ResolutionKind::PostedByHand)).await;
    assert!(matches!(early, Err(StoreError::State { .. })), "it is no exception: {early:?}");
    move_to(&store, &lane, id, exception(ExceptionClass::Rejected)).await;
    let wrong = store.resolve(id, resolution(ResolutionKind::Duplicate)).await;
    assert!(matches!(wrong, Err(StoreError::State { .. })), "it is no conflict: {wrong:?}");
    let by_hand = resolution(ResolutionKind::PostedByHand);
    store.resolve(id, by_hand.clone()).await.unwrap();
    assert_eq!(state(&store, id).await, DeliveryState::Resolved { resolution: by_hand.clone() });
    let told = news(&store, &journal.device, 0).await.pop().unwrap();
    assert_eq!(told.state, ProgressState::Resolved);
    assert_eq!(told.reference.unwrap().as_str(), "#77");
    assert_eq!(told.detail.unwrap().as_str(), "posted by hand: looked at it");
    let twice = store.resolve(id, by_hand).await;
    assert!(matches!(twice, Err(StoreError::State { .. })), "{twice:?}");
    let lane = store.lanes().await.unwrap().remove(0);
    assert_eq!((lane.waiting, lane.exceptions, lane.done), (0, 0, 1));
}

/// A sale and another one under the same key.
async fn with_conflict(make: Make<'_>, name: &'static str) -> (SharedStore, Journal) {
    let store = make(name).await;
    let mut journal = enrolled(&store, "d").await;
    journal.sale("a");
    journal.push("a", "other", journal.entries[0].deliveries.clone());
    store.commit_batch(journal.all()).await.unwrap();
    (store, journal)
}

async fn conflicts(store: &SharedStore) -> Vec<DeliveryId> {
    let open = DeliveryFilter { open_exceptions: true, ..filter() };
    store.deliveries(&open).await.unwrap().iter().map(|view| view.id).collect()
}

async fn a_second_sale_goes_out_under_its_own_key(make: Make<'_>) {
    let (store, journal) = with_conflict(make, "second sale").await;
    let ids = conflicts(&store).await;
    store.resolve(ids[0], resolution(ResolutionKind::SecondSale)).await.unwrap();
    assert_eq!(conflicts(&store).await, []);
    let (stock, receipts) = claim_both(&store, 150).await;
    let deliveries = open(&store, &receipts).await;
    let keys: Vec<_> = deliveries.iter().map(|delivery| delivery.natural_key.as_str()).collect();
    assert_eq!(keys, ["a", "a+1"]);
    assert_eq!(deliveries[1].state, DeliveryState::Due { at: at(150) });
    assert_eq!(open(&store, &stock).await.len(), 2);
    move_to(&store, &receipts, deliveries[1].id, done("#1002")).await;
    let standing = OriginalState::Standing(super::fixtures::reference("#1002"));
    assert_eq!(store.original(&shop(), "a+1").await.unwrap(), standing);
    assert_eq!(store.original(&shop(), "a").await.unwrap(), OriginalState::OnItsWay);
    // The same content again, from another epoch, still is a replay.
    let mut again = Journal::new("d", 2);
    again.push("a", "other", journal.entries[0].deliveries.clone());
    let begin = super::fixtures::session(&again.device, again.epoch, Some(None), 2);
    store.record_session(begin).await.unwrap();
    store.commit_batch(again.all()).await.unwrap();
    assert_eq!(store.deliveries(&filter()).await.unwrap().len(), 4);
}

async fn a_duplicate_settles_every_delivery_of_the_conflict(make: Make<'_>) {
    let (store, journal) = with_conflict(make, "duplicate").await;
    let ids = conflicts(&store).await;
    assert_eq!(ids.len(), 2);
    let duplicate = resolution(ResolutionKind::Duplicate);
    store.resolve(ids[1], duplicate.clone()).await.unwrap();
    for id in ids {
        let settled = DeliveryState::Resolved { resolution: duplicate.clone() };
        assert_eq!(state(&store, id).await, settled);
    }
    let told = news(&store, &journal.device, 0).await.pop().unwrap();
    assert_eq!((told.sequence.0, told.state), (2, ProgressState::Resolved));
}

async fn a_replay_adds_only_what_is_missing(make: Make<'_>) {
    let store = make("planned again").await;
    let mut journal = enrolled(&store, "d").await;
    journal.sale("a");
    journal.push("b", "b", Vec::new());
    store.commit_batch(journal.all()).await.unwrap();
    let all = ReplayFilter::default();
    let mut events = store.held_events(&all, None, 10).await.unwrap();
    for event in &mut events {
        event.deliveries = journal.entries[0].deliveries.clone();
    }
    let count = store.replay(&all, events.clone(), true, at(160)).await.unwrap();
    assert_eq!((count.events, count.existing, count.added), (2, 2, 2));
    assert_eq!(store.deliveries(&filter()).await.unwrap().len(), 2, "a dry run only counts");
    store.replay(&all, events.clone(), false, at(160)).await.unwrap();
    let count = store.replay(&all, events.clone(), false, at(161)).await.unwrap();
    assert_eq!((count.existing, count.added), (4, 0));
    assert_eq!(store.deliveries(&filter()).await.unwrap().len(), 4);
    let (_, receipts) = claim_both(&store, 160).await;
    assert_eq!(open(&store, &receipts).await[1].natural_key, "b");
    let elsewhere = protocol::id::TargetId::new("books").unwrap();
    let other = ReplayFilter { target: Some(elsewhere), ..ReplayFilter::default() };
    let count = store.replay(&other, events, false, at(162)).await.unwrap();
    assert_eq!((count.existing, count.added), (0, 0));
}

async fn held_events_come_in_pages_without_repetitions(make: Make<'_>) {
    let store = make("held events").await;
    let mut journal = enrolled(&store, "d").await;
    for number in 0..7 {
        journal.sale(&format!("receipt {number}"));
    }
    journal.push("receipt 0", "a conflict", Vec::new());
    journal.push("receipt 1", "receipt 1", Vec::new());
    store.commit_batch(journal.all()).await.unwrap();
    let mut filter = ReplayFilter::default();
    let mut keys = Vec::new();
    let mut after = None;
    loop {
        let page = store.held_events(&filter, after.take(), 3).await.unwrap();
        after = page.last().map(|event| (event.device.clone(), event.epoch, event.sequence));
        keys.extend(page.iter().map(|event| event.natural_key.clone()));
        if page.len() < 3 {
            break;
        }
    }
    assert_eq!(keys, (0..7).map(|number| format!("receipt {number}")).collect::<Vec<_>>());
    filter.from = Some(at(2));
    filter.until = Some(at(4));
    let page = store.held_events(&filter, None, 10).await.unwrap();
    assert_eq!(page.iter().map(|event| event.sequence.0).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(page[0].record, journal.entries[1].record);
}
