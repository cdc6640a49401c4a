//! Claims about batches: order, overlap, replay, conflict, holding.

use protocol::bytes::Bytes;
use protocol::handshake::{EpochReason, HoldReason, Predecessor};
use protocol::progress::ProgressState;

use super::super::model::{
    BatchOutcome, Dedupe, DeliveryFilter, DeliveryState, RELAY_TARGET, REVIEW_ACTION,
};
use super::super::{SharedStore, StoreError};
use super::Make;
use super::fixtures::{
    Journal, LEASE, aside, at, claim, claim_both, committed, device_id, done, enrolled, exception,
    holding, move_to, news, open, order, session, store_id,
};
use crate::connectors::{Class, ExceptionClass};

pub(super) async fn run(make: Make<'_>) {
    a_batch_is_durable_with_its_head(make).await;
    an_overlap_is_verified_and_counted_once(make).await;
    a_batch_beyond_the_head_or_of_another_history_changes_nothing(make).await;
    batches_of_one_journal_that_race_are_each_held_once(make).await;
    the_same_event_in_another_epoch_is_a_replay_with_the_first_ones_progress(make).await;
    other_content_under_a_known_key_is_a_conflict_and_is_never_due(make).await;
    an_entry_that_states_its_exception_stands_where_people_see_it(make).await;
    without_dedupe_an_overlap_is_delivered_twice(make).await;
    a_held_device_loses_nothing_and_posts_nothing(make).await;
    both_branches_of_a_fork_are_kept_and_one_is_released(make).await;
    a_large_batch_of_large_records_reads_back_byte_for_byte(make).await;
}

fn filter() -> DeliveryFilter {
    DeliveryFilter { count_max: 100, ..DeliveryFilter::default() }
}

async fn due_count(store: &SharedStore) -> usize {
    let all = store.deliveries(&filter()).await.unwrap();
    all.iter().filter(|view| matches!(view.state, DeliveryState::Due { .. })).count()
}

async fn a_batch_is_durable_with_its_head(make: Make<'_>) {
    let store = make("durable").await;
    let mut journal = enrolled(&store, "d").await;
    journal.sale("a");
    journal.sale("b");
    assert_eq!(store.commit_batch(journal.all()).await.unwrap(), committed(&journal, 2, 2));
    drop(store);
    let store = make("durable").await;
    assert_eq!(store.head(&journal.device, journal.epoch).await.unwrap(), Some(journal.head()));
    let hash = store.chain_hash(&journal.device, journal.epoch, journal.position(1).sequence).await;
    assert_eq!(hash.unwrap(), Some(journal.hash(1)));
    let (stock, receipts) = claim_both(&store, 100).await;
    let deliveries = open(&store, &receipts).await;
    assert_eq!(deliveries.len(), 2);
    assert_eq!(deliveries[0].record, journal.entries[0].record);
    assert_eq!(deliveries[1].natural_key, "b");
    assert_eq!(deliveries[0].planned, journal.entries[0].deliveries[0].1);
    assert_eq!(deliveries[0].state, DeliveryState::Due { at: at(100) });
    assert_eq!(open(&store, &stock).await.len(), 2);
    let device = store.device(&journal.device).await.unwrap().unwrap();
    assert_eq!((device.level_at, device.seen_at), (Some(at(100)), Some(at(100))));
}

async fn an_overlap_is_verified_and_counted_once(make: Make<'_>) {
    let store = make("overlap").await;
    let mut journal = enrolled(&store, "d").await;
    for key in ["a", "b", "c"] {
        journal.sale(key);
    }
    store.commit_batch(journal.batch(0, 2)).await.unwrap();
    assert_eq!(store.commit_batch(journal.batch(0, 2)).await.unwrap(), committed(&journal, 2, 0));
    assert_eq!(store.commit_batch(journal.batch(0, 1)).await.unwrap(), committed(&journal, 1, 0));
    assert_eq!(store.commit_batch(journal.batch(1, 3)).await.unwrap(), committed(&journal, 3, 1));
    assert_eq!(due_count(&store).await, 6);
    let mut other = Journal::new("d", 1);
    other.sale("a");
    other.push("b", "changed", Vec::new());
    let broken = BatchOutcome::Broken { head: journal.head() };
    assert_eq!(store.commit_batch(other.batch(0, 2)).await.unwrap(), broken);
    assert_eq!(store.commit_batch(other.batch(1, 2)).await.unwrap(), broken);
    assert_eq!(due_count(&store).await, 6);
}

async fn a_batch_beyond_the_head_or_of_another_history_changes_nothing(make: Make<'_>) {
    let store = make("beyond").await;
    let mut journal = enrolled(&store, "d").await;
    for key in ["a", "b", "c"] {
        journal.sale(key);
    }
    store.commit_batch(journal.batch(0, 1)).await.unwrap();
    let beyond = BatchOutcome::Beyond { head: journal.position(1) };
    assert_eq!(store.commit_batch(journal.batch(2, 3)).await.unwrap(), beyond);
    let mut other = Journal::new("d", 1);
    other.push("x", "x", Vec::new());
    other.push("y", "y", Vec::new());
    let broken = BatchOutcome::Broken { head: journal.position(1) };
    assert_eq!(store.commit_batch(other.batch(1, 2)).await.unwrap(), broken);
    let mut unknown = Journal::new("d", 9);
    unknown.sale("z");
    assert_eq!(store.commit_batch(unknown.all()).await.unwrap(), BatchOutcome::NoSession);
    assert_eq!(
        store.head(&journal.device, journal.epoch).await.unwrap(),
        Some(journal.position(1))
    );
    let nobody = Journal { device: device_id("nobody"), ..journal.clone() };
    let refused = store.commit_batch(nobody.all()).await;
    assert!(matches!(refused, Err(StoreError::Unknown { .. })), "{refused:?}");
    store.revoke_device(&journal.device, at(101)).await.unwrap();
    let refused = store.commit_batch(journal.batch(1, 2)).await;
    assert!(matches!(refused, Err(StoreError::State { .. })), "{refused:?}");
}

async fn batches_of_one_journal_that_race_are_each_held_once(make: Make<'_>) {
    let store = make("race").await;
    let mut journal = enrolled(&store, "d").await;
    for number in 0..40 {
        journal.sale(&format!("receipt {number}"));
    }
    let sends = (0..40_usize).map(|number| {
        let (store, batch) = (store.clone(), journal.batch(0, number + 1));
        tokio::spawn(async move { store.commit_batch(batch).await.unwrap() })
    });
    for (number, sent) in sends.collect::<Vec<_>>().into_iter().enumerate() {
        let BatchOutcome::Committed { end, .. } = sent.await.unwrap() else {
            panic!("every batch begins at the start");
        };
        assert_eq!(end, journal.position(number + 1));
    }
    assert_eq!(store.head(&journal.device, journal.epoch).await.unwrap(), Some(journal.head()));
    assert_eq!(due_count(&store).await, 80);
}

async fn the_same_event_in_another_epoch_is_a_replay_with_the_first_ones_progress(make: Make<'_>) {
    let store = make("replay").await;
    let mut journal = enrolled(&store, "d").await;
    journal.sale("a");
    journal.sale("b");
    store.commit_batch(journal.all()).await.unwrap();
    let (_, receipts) = claim_both(&store, 100).await;
    let first = open(&store, &receipts).await[0].id;
    move_to(&store, &receipts, first, exception(ExceptionClass::UnknownItem)).await;

    let mut again = Journal::new("d", 2);
    again.sale("b");
    again.sale("a");
    again.sale("c");
    let predecessor =
        Predecessor { epoch: journal.epoch, head: journal.head(), reason: EpochReason::Salvaged };
    let begin = session(&again.device, again.epoch, Some(Some(predecessor)), 2);
    store.record_session(begin).await.unwrap();
    let before = news(&store, &journal.device, 0).await.len();
    assert_eq!(store.commit_batch(again.all()).await.unwrap(), committed(&again, 3, 3));
    assert_eq!(store.deliveries(&filter()).await.unwrap().len(), 6, "only `c` is new");
    let told = news(&store, &journal.device, 0).await;
    assert_eq!(told.len(), before + 1);
    let last = told.last().unwrap();
    assert_eq!((last.epoch, last.sequence.0), (again.epoch, 2));
    assert_eq!(last.state, ProgressState::Exception);

    // What happens to the first from now on is told to both.
    let second = open(&store, &receipts).await[0].id;
    move_to(&store, &receipts, second, done("#1001")).await;
    let stock = claim(&store, Class::Stock, 200).await;
    let stock_id = open(&store, &stock).await[1].id;
    let count = news(&store, &journal.device, 0).await.len();
    move_to(&store, &stock, stock_id, done("")).await;
    let told = news(&store, &journal.device, 0).await.split_off(count);
    let places: Vec<_> = told.iter().map(|p| (p.epoch, p.sequence.0, p.state)).collect();
    assert_eq!(
        places,
        [(journal.epoch, 2, ProgressState::Applied), (again.epoch, 1, ProgressState::Applied)]
    );
    assert_eq!(told[0].reference.as_ref().unwrap().as_str(), "#1001");
    let by_event = DeliveryFilter { event_id: Some(again.entries[1].event_id), ..filter() };
    assert_eq!(store.deliveries(&by_event).await.unwrap().len(), 2, "found by the replay's id");
}

async fn other_content_under_a_known_key_is_a_conflict_and_is_never_due(make: Make<'_>) {
    let store = make("conflict").await;
    let mut journal = enrolled(&store, "d").await;
    journal.sale("a");
    journal.push("a", "other", journal.entries[0].deliveries.clone());
    journal.push("a", "other", journal.entries[0].deliveries.clone());
    journal.push("b", "b", Vec::new());
    journal.push("b", "other", Vec::new());
    assert_eq!(store.commit_batch(journal.all()).await.unwrap(), committed(&journal, 5, 5));
    assert_eq!(due_count(&store).await, 2);
    let exceptions = DeliveryFilter { open_exceptions: true, ..filter() };
    let exceptions = store.deliveries(&exceptions).await.unwrap();
    assert_eq!(exceptions.len(), 3, "two of the second `a`, one visible of the second `b`");
    for view in &exceptions {
        let DeliveryState::Exception { class, .. } = &view.state else { panic!("{view:?}") };
        assert_eq!(*class, ExceptionClass::Conflict);
    }
    let review = exceptions.iter().find(|view| view.action == REVIEW_ACTION).unwrap();
    assert_eq!(review.lane.target.as_str(), RELAY_TARGET);
    let told = news(&store, &journal.device, 0).await;
    let places: Vec<_> = told.iter().map(|p| (p.sequence.0, p.state)).collect();
    let stuck = ProgressState::Exception;
    assert_eq!(places, [(2, stuck), (3, stuck), (5, stuck)]);
    let (_, receipts) = claim_both(&store, 100).await;
    assert_eq!(open(&store, &receipts).await.len(), 1);
    assert_eq!(store.claim_lane("w", at(100), LEASE).await.unwrap(), None);
}

async fn an_entry_that_states_its_exception_stands_where_people_see_it(make: Make<'_>) {
    let store = make("stated exception").await;
    let mut journal = enrolled(&store, "d").await;
    journal.push("unreadable", "1", Vec::new());
    journal.entries[0].exception = Some((ExceptionClass::Rejected, "no event".to_owned()));
    journal.sale("flagged");
    journal.entries[1].exception = Some((ExceptionClass::Conflict, "flagged".to_owned()));
    journal.push("flagged", "the first one", vec![order()]);
    store.commit_batch(journal.all()).await.unwrap();
    let open = DeliveryFilter { class: Some(ExceptionClass::Rejected), ..filter() };
    assert_eq!(store.deliveries(&open).await.unwrap().len(), 1);
    let open = DeliveryFilter { class: Some(ExceptionClass::Conflict), ..filter() };
    assert_eq!(store.deliveries(&open).await.unwrap().len(), 2);
    assert_eq!(due_count(&store).await, 1, "the first one has the key, though it came later");
    let lanes = store.lanes().await.unwrap();
    assert_eq!(lanes.iter().map(|lane| lane.exceptions).sum::<u64>(), 3);
    assert_eq!(lanes.iter().map(|lane| lane.waiting).sum::<u64>(), 1);
}

async fn without_dedupe_an_overlap_is_delivered_twice(make: Make<'_>) {
    let store = make("dedupe off").await;
    let mut journal = enrolled(&store, "d").await;
    journal.sale("a");
    store.commit_batch(journal.all()).await.unwrap();
    let mut again = journal.all();
    again.dedupe = Dedupe::Off;
    assert_eq!(store.commit_batch(again).await.unwrap(), committed(&journal, 1, 1));
    assert_eq!(due_count(&store).await, 4, "the control can be told from the real thing");
}

async fn a_held_device_loses_nothing_and_posts_nothing(make: Make<'_>) {
    let store = make("held").await;
    let mut journal = enrolled(&store, "d").await;
    journal.sale("a");
    store.commit_batch(journal.all()).await.unwrap();
    store.hold_device(&journal.device, HoldReason::Clone, at(101)).await.unwrap();
    for key in ["b", "c", "d"] {
        journal.sale(key);
    }
    assert_eq!(store.commit_batch(journal.batch(1, 3)).await.unwrap(), aside(&journal, 3, 2));
    assert_eq!(store.commit_batch(journal.batch(0, 4)).await.unwrap(), aside(&journal, 4, 1));
    assert_eq!(due_count(&store).await, 2, "only `a` is due");
    assert_eq!(
        store.head(&journal.device, journal.epoch).await.unwrap(),
        Some(journal.position(1))
    );
    drop(store);
    let store = make("held").await;
    store.release_device(&journal.device, None, at(102)).await.unwrap();
    assert_eq!(store.head(&journal.device, journal.epoch).await.unwrap(), Some(journal.head()));
    assert_eq!(due_count(&store).await, 8);
    let (_, receipts) = claim_both(&store, 102).await;
    let records: Vec<_> = open(&store, &receipts).await.into_iter().map(|d| d.record).collect();
    let sent: Vec<_> = journal.entries.iter().map(|entry| entry.record.clone()).collect();
    assert_eq!(records, sent);
}

async fn both_branches_of_a_fork_are_kept_and_one_is_released(make: Make<'_>) {
    let store = make("fork").await;
    let mut one = enrolled(&store, "d").await;
    one.sale("a");
    one.sale("b");
    let mut other = one.clone();
    other.entries.truncate(1);
    other.sale("x");
    other.sale("y");
    store.commit_batch(one.all()).await.unwrap();
    let fork = holding(&one.device, one.epoch, HoldReason::Fork, Bytes([2; 16]));
    store.record_session(fork).await.unwrap();
    one.sale("c");
    assert_eq!(store.commit_batch(other.batch(1, 3)).await.unwrap(), aside(&other, 3, 2));
    assert_eq!(store.commit_batch(one.batch(2, 3)).await.unwrap(), aside(&one, 3, 1));
    // A branch may go on from what is held of it, and from nothing else.
    other.sale("z");
    assert_eq!(store.commit_batch(other.batch(3, 4)).await.unwrap(), aside(&other, 4, 1));
    let mut stranger = Journal::new("d", 1);
    stranger.sale("p");
    stranger.sale("q");
    let beyond = BatchOutcome::Beyond { head: one.position(2) };
    assert_eq!(store.commit_batch(stranger.batch(1, 2)).await.unwrap(), beyond);

    store.release_device(&one.device, None, at(103)).await.unwrap();
    assert_eq!(store.head(&one.device, one.epoch).await.unwrap(), Some(one.head()));
    assert_eq!(due_count(&store).await, 6, "the branch that continues the head");
    // The other host enrols anew and journals again what came after the fork.
    let mut anew = enrolled(&store, "e").await;
    for key in ["x", "y", "z"] {
        anew.sale(key);
    }
    store.commit_batch(anew.all()).await.unwrap();
    assert_eq!(due_count(&store).await, 12);
    assert_eq!(store.stores().await.unwrap(), [store_id()]);
}

async fn a_large_batch_of_large_records_reads_back_byte_for_byte(make: Make<'_>) {
    let store = make("large").await;
    let mut journal = enrolled(&store, "d").await;
    for number in 0..60_usize {
        let content = format!("{number} ").repeat(number * 200);
        let deliveries = vec![order()];
        journal.push(&format!("receipt {number}"), &content, deliveries);
    }
    store.commit_batch(journal.all()).await.unwrap();
    let lane = claim(&store, Class::Receipts, 100).await;
    let held = open(&store, &lane).await;
    assert_eq!(held.len(), 60);
    for (delivery, entry) in held.iter().zip(&journal.entries) {
        assert_eq!(delivery.record, entry.record);
        assert_eq!(delivery.sequence, entry.position.sequence);
    }
}
