//! A store with a bit of everything, and the claims that hold of it wherever it stands: for
//! carrying it from one database to another.

use protocol::bytes::Bytes;
use protocol::handshake::HoldReason;
use protocol::progress::ProgressState;
use uuid::Uuid;

use super::super::SharedStore;
use super::super::model::{
    BatchOutcome, Bundle, DeliveryFilter, DeliveryView, Device, LaneView, Token,
};
use super::fixtures::{
    Journal, at, attempt, claim, claim_both, committed, done, enrolled, exception, holding,
    move_to, news, open, order, shop, token,
};
use crate::connectors::{Class, ExceptionClass};

/// What stood in the store.
pub(crate) struct Standing {
    journal: Journal,
    held: Journal,
    devices: Vec<Device>,
    tokens: Vec<Token>,
    lanes: Vec<LaneView>,
    deliveries: Vec<DeliveryView>,
    bundle: Bundle,
    told: usize,
}

async fn views(store: &SharedStore) -> Vec<DeliveryView> {
    let filter = DeliveryFilter { count_max: 1_000, ..DeliveryFilter::default() };
    let mut views = Vec::new();
    for view in store.deliveries(&filter).await.unwrap() {
        views.push(store.delivery(view.id).await.unwrap().unwrap());
    }
    views
}

/// Fills a store: what is done, under way, bundled, an exception, a conflict, repeated, held back.
pub(crate) async fn used(store: &SharedStore) -> Standing {
    store.add_token(token("unused", 3)).await.unwrap();
    let mut journal = enrolled(store, "d").await;
    for key in ["a", "b", "c"] {
        journal.sale(key);
    }
    journal.push("a", "other", vec![order()]);
    journal.push("b", "b", vec![order()]);
    store.commit_batch(journal.all()).await.unwrap();
    let (stock, receipts) = claim_both(store, 100).await;
    let documents = open(store, &receipts).await;
    move_to(store, &receipts, documents[0].id, done("#1001")).await;
    attempt(store, &receipts, documents[1].id).await;
    move_to(store, &receipts, documents[2].id, exception(ExceptionClass::UnknownItem)).await;
    let members = open(store, &stock).await.iter().take(2).map(|delivery| delivery.id).collect();
    let bundle = Bundle {
        key: Uuid::from_u128(7),
        body: "{\"changes\":[]}".to_owned(),
        members,
        first_sent_at: Some(at(111)),
        deadline: Some(at(120)),
        due_at: at(110),
        attempts: 1,
    };
    store.put_bundle(&stock, &bundle).await.unwrap();
    store.release_lane(&stock, Some(at(200))).await.unwrap();
    store.release_lane(&receipts, Some(at(200))).await.unwrap();
    store.pause_target(&shop(), at(150), "maintenance").await.unwrap();
    let mut held = enrolled(store, "e").await;
    held.sale("x");
    let hold = holding(&held.device, held.epoch, HoldReason::Clone, Bytes([2; 16]));
    store.record_session(hold).await.unwrap();
    store.commit_batch(held.all()).await.unwrap();
    Standing {
        devices: store.devices().await.unwrap(),
        tokens: store.tokens().await.unwrap(),
        lanes: store.lanes().await.unwrap(),
        deliveries: views(store).await,
        told: news(store, &journal.device, 0).await.len(),
        journal,
        held,
        bundle,
    }
}

/// The store holds the same and goes on.
pub(crate) async fn goes_on(store: &SharedStore, mut standing: Standing) {
    assert_eq!(store.devices().await.unwrap(), standing.devices);
    assert_eq!(store.tokens().await.unwrap(), standing.tokens);
    assert_eq!(store.lanes().await.unwrap(), standing.lanes);
    assert_eq!(views(store).await, standing.deliveries);
    let journal = &mut standing.journal;
    assert_eq!(news(store, &journal.device, 0).await.len(), standing.told);
    for (count, entry) in journal.entries.iter().enumerate() {
        let hash = store.chain_hash(&journal.device, journal.epoch, entry.position.sequence).await;
        assert_eq!(hash.unwrap(), Some(journal.hash(count + 1)));
    }
    // An overlap is recognised, a replay and a conflict are, and what is new comes after.
    journal.sale("c");
    journal.push("a", "a third content", vec![order()]);
    journal.sale("new");
    let mut batch = journal.batch(2, 8);
    batch.now = at(310);
    assert_eq!(store.commit_batch(batch).await.unwrap(), committed(journal, 8, 3));
    let (stock, receipts) = claim_both(store, 400).await;
    assert_eq!(store.open_bundle(&stock).await.unwrap(), Some(standing.bundle));
    let documents = open(store, &receipts).await;
    let keys: Vec<_> = documents.iter().map(|delivery| delivery.natural_key.as_str()).collect();
    assert_eq!(keys, ["b", "new"]);
    assert_eq!(documents[0].record, journal.entries[1].record);
    // News of a sale reaches the entry that repeats it, under the old numbers and the new.
    let before = news(store, &journal.device, 0).await.len();
    move_to(store, &receipts, documents[0].id, exception(ExceptionClass::Rejected)).await;
    let told = news(store, &journal.device, 0).await.split_off(before);
    let places: Vec<_> = told.iter().map(|told| (told.sequence.0, told.state)).collect();
    assert_eq!(places, [(2, ProgressState::Exception), (5, ProgressState::Exception)]);
    // What was held back goes out when a person releases it.
    store.release_device(&standing.held.device, None, at(320)).await.unwrap();
    let again = store.commit_batch(standing.held.all()).await.unwrap();
    let end = standing.held.head();
    assert_eq!(again, BatchOutcome::Committed { end, new: 0 });
    store.release_lane(&receipts, None).await.unwrap();
    claim(store, Class::Receipts, 400).await;
}
