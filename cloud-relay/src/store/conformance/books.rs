//! Claims about the books: each event counts once, in the commit that takes it in.

use std::collections::BTreeMap;

use jiff::Timestamp;
use protocol::bytes::Bytes;
use protocol::event::ZReport;
use protocol::handshake::{EpochReason, HoldReason, Predecessor};
use protocol::id::RegisterId;
use protocol::money::{Amount, Currency};
use protocol::time::BusinessDate;

use super::super::books::{Books, CertificateRow};
use super::super::model::{
    DeliveryFilter, DeliveryState, RELAY_TARGET, Resolution, ResolutionKind,
};
use super::super::{SharedStore, StoreError};
use super::Make;
use super::fixtures::{
    Journal, aside, at, committed, enrolled, epoch, holding, order, session, store_id,
};
use crate::connectors::ExceptionClass;
use crate::reconcile::figures::{
    Addition, Close, Declared, GapState, Mark, Measure, RegisterDay, Totals,
};

pub(super) async fn run(make: Make<'_>) {
    an_event_counts_once_however_often_it_comes(make).await;
    what_is_in_conflict_counts_once_a_person_calls_it_a_sale(make).await;
    what_is_held_back_counts_only_once_it_is_released(make).await;
    a_z_that_its_receipts_do_not_bear_out_is_an_exception_beside_them(make).await;
    days_are_found_by_date_and_before_it_and_their_events_by_key(make).await;
    numbers_are_declared_and_certificates_kept_once(make).await;
}

pub(super) fn date(day: i8) -> BusinessDate {
    format!("2026-11-{day:02}").parse().unwrap()
}

fn register() -> RegisterId {
    RegisterId::new("2").unwrap()
}

fn eur() -> Currency {
    Currency::new("EUR").unwrap()
}

fn addition(receipt: u32, minor: i64, mark: Mark) -> Addition {
    let sums = BTreeMap::from([(Measure::Gross, minor)]);
    Addition {
        register: register(),
        business_date: date(23),
        receipt: format!("{receipt:06}"),
        counter_cycle: 0,
        kind: "sale".to_owned(),
        occurred_at: at(i64::from(receipt)),
        late: false,
        totals: Totals {
            counts: BTreeMap::from([("sale".to_owned(), 1)]),
            receipts: 1,
            money: BTreeMap::from([(eur(), sums)]),
        },
        mark,
    }
}

fn key(receipt: u32) -> String {
    format!("transaction/0042/2/2026-11-23/{receipt:06}/sale/0")
}

/// Appends a sale of an amount.
pub(super) fn sold(journal: &mut Journal, receipt: u32, minor: i64) {
    journal.push(&key(receipt), &format!("{receipt} for {minor}"), vec![order()]);
    journal.entries.last_mut().unwrap().figures = Some(addition(receipt, minor, Mark::None));
}

fn closed(journal: &mut Journal, receipt: u32, gross: i64) {
    let natural_key = format!("till/0042/2/2026-11-23/{receipt:06}/close/0");
    journal.push(&natural_key, "close", Vec::new());
    let z = ZReport { gross: Some(Amount::new(gross).unwrap()), ..ZReport::default() };
    let close = Close { natural_key, at: at(50), currency: Some(eur()), z: Some(z) };
    let mut figures = addition(receipt, 0, Mark::Closes(Box::new(close)));
    figures.kind = "close".to_owned();
    figures.totals = Totals::default();
    journal.entries.last_mut().unwrap().figures = Some(figures);
}

pub(super) async fn day(store: &SharedStore) -> RegisterDay {
    let days = Books::register_days(store.as_ref(), &store_id(), date(23)).await.unwrap();
    days.get(&register()).cloned().unwrap_or_default()
}

async fn brought_in(store: &SharedStore) -> (u64, i64) {
    let totals = day(store).await.totals();
    (totals.receipts, totals.brought_in(eur()).minor)
}

async fn an_event_counts_once_however_often_it_comes(make: Make<'_>) {
    let store = make("counted once").await;
    let mut journal = enrolled(&store, "d").await;
    for receipt in 1..=3 {
        sold(&mut journal, receipt, 100);
    }
    store.commit_batch(journal.batch(0, 2)).await.unwrap();
    store.commit_batch(journal.batch(0, 2)).await.unwrap();
    store.commit_batch(journal.batch(1, 3)).await.unwrap();
    assert_eq!(brought_in(&store).await, (3, 300));
    // Another epoch sends the same again, and something new.
    let predecessor =
        Predecessor { epoch: journal.epoch, head: journal.head(), reason: EpochReason::Rewound };
    let mut second = Journal::new("d", 2);
    store
        .record_session(session(&second.device, epoch(2), Some(Some(predecessor)), 2))
        .await
        .unwrap();
    sold(&mut second, 2, 100);
    sold(&mut second, 4, 50);
    store.commit_batch(second.all()).await.unwrap();
    assert_eq!(brought_in(&store).await, (4, 350));
    drop(store);
    assert_eq!(brought_in(&make("counted once").await).await, (4, 350));
}

async fn conflict(store: &SharedStore) -> super::super::model::DeliveryView {
    let filter = DeliveryFilter {
        class: Some(ExceptionClass::Conflict),
        count_max: 10,
        ..DeliveryFilter::default()
    };
    store.deliveries(&filter).await.unwrap().into_iter().next().unwrap()
}

fn resolution(kind: ResolutionKind) -> Resolution {
    Resolution {
        kind,
        by: "anna".to_owned(),
        note: "looked".to_owned(),
        reference: None,
        at: at(200),
    }
}

async fn what_is_in_conflict_counts_once_a_person_calls_it_a_sale(make: Make<'_>) {
    let store = make("conflict counts").await;
    let mut journal = enrolled(&store, "d").await;
    sold(&mut journal, 1, 100);
    sold(&mut journal, 1, 77);
    closed(&mut journal, 2, 177);
    sold(&mut journal, 1, 55);
    store.commit_batch(journal.all()).await.unwrap();
    assert_eq!(brought_in(&store).await, (1, 100));
    let second = conflict(&store).await;
    store.resolve(second.id, resolution(ResolutionKind::SecondSale)).await.unwrap();
    assert_eq!(brought_in(&store).await, (2, 177));
    // It belongs to the session in which it came, so that the Z is right now.
    let day_now = day(&store).await;
    assert!(day_now.zs()[0].figures().iter().all(|figure| figure.holds()), "{day_now:?}");
    let third = conflict(&store).await;
    store.resolve(third.id, resolution(ResolutionKind::Duplicate)).await.unwrap();
    assert_eq!(brought_in(&store).await, (2, 177));
    let events = Books::events_of_day(store.as_ref(), &store_id(), &register(), date(23)).await;
    let keys: Vec<_> = events.unwrap().into_iter().map(|event| event.natural_key).collect();
    let close = "till/0042/2/2026-11-23/000002/close/0".to_owned();
    assert_eq!(keys, [key(1), format!("{}+1", key(1)), close]);
}

async fn what_is_held_back_counts_only_once_it_is_released(make: Make<'_>) {
    let store = make("held back").await;
    let mut journal = enrolled(&store, "d").await;
    sold(&mut journal, 1, 100);
    store.commit_batch(journal.batch(0, 1)).await.unwrap();
    let hold = holding(&journal.device, journal.epoch, HoldReason::Clone, Bytes([2; 16]));
    store.record_session(hold).await.unwrap();
    sold(&mut journal, 2, 50);
    let kept = store.commit_batch(journal.batch(1, 2)).await.unwrap();
    assert_eq!(kept, aside(&journal, 2, 1));
    assert_eq!(brought_in(&store).await, (1, 100));
    store.release_device(&journal.device, None, at(300)).await.unwrap();
    assert_eq!(brought_in(&store).await, (2, 150));
}

async fn a_z_that_its_receipts_do_not_bear_out_is_an_exception_beside_them(make: Make<'_>) {
    let store = make("z differs").await;
    let mut journal = enrolled(&store, "d").await;
    sold(&mut journal, 1, 100);
    closed(&mut journal, 2, 101);
    let outcome = store.commit_batch(journal.all()).await.unwrap();
    assert_eq!(outcome, committed(&journal, 2, 2));
    let filter = DeliveryFilter { count_max: 10, ..DeliveryFilter::default() };
    let all = store.deliveries(&filter).await.unwrap();
    let (mut due, mut exceptions) = (0, Vec::new());
    for view in all {
        match view.state {
            DeliveryState::Due { .. } => due += 1,
            DeliveryState::Exception { class, reason, .. } => {
                exceptions.push((view.lane.target.to_string(), class, reason, view.amount));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(due, 1, "the receipt posts all the same");
    let [(target, class, reason, amount)] = exceptions.as_slice() else { panic!("{exceptions:?}") };
    assert_eq!((target.as_str(), *class), (RELAY_TARGET, ExceptionClass::ZDifference));
    assert_eq!(amount.unwrap().minor, 1);
    assert!(reason.contains("the Z says 1.01 EUR, the receipts 1.00 EUR"), "{reason}");
}

async fn days_are_found_by_date_and_before_it_and_their_events_by_key(make: Make<'_>) {
    let store = make("days").await;
    let mut journal = enrolled(&store, "d").await;
    for day in [21, 23] {
        let receipt = u32::try_from(day).unwrap();
        sold(&mut journal, receipt, 100);
        let entry = journal.entries.last_mut().unwrap();
        entry.figures.as_mut().unwrap().business_date = date(day);
    }
    store.commit_batch(journal.all()).await.unwrap();
    let books: &dyn Books = store.as_ref();
    let found = books.business_dates(None, date(1), date(30)).await.unwrap();
    assert_eq!(found, [(store_id(), date(21)), (store_id(), date(23))]);
    let found = books.business_dates(Some(&store_id()), date(22), date(30)).await.unwrap();
    assert_eq!(found.len(), 1);
    let before = books.register_day_before(&store_id(), &register(), date(23)).await.unwrap();
    assert_eq!(before.unwrap().0, date(21));
    let before = books.register_day_before(&store_id(), &register(), date(21)).await.unwrap();
    assert_eq!(before, None);
    let events = books.events_of_day(&store_id(), &register(), date(23)).await.unwrap();
    assert_eq!(events.len(), 2, "both keys are of that day");
    assert_eq!(events[0].record, journal.entries[0].record);
}

async fn numbers_are_declared_and_certificates_kept_once(make: Make<'_>) {
    let store = make("declared").await;
    let mut journal = enrolled(&store, "d").await;
    sold(&mut journal, 1, 100);
    sold(&mut journal, 3, 100);
    store.commit_batch(journal.all()).await.unwrap();
    let books: &dyn Books = store.as_ref();
    let declared = Declared {
        first: "000002".to_owned(),
        last: "000002".to_owned(),
        reason: "paper jam".to_owned(),
        by: "anna".to_owned(),
        at: at(1),
    };
    let place = (register(), date(23));
    books.declare_numbers(&store_id(), &place, declared.clone()).await.unwrap();
    let gaps = day(&store).await.numbers.gaps(false);
    assert_eq!((gaps.len(), gaps[0].state), (1, GapState::Declared));
    let refused = books.declare_numbers(&store_id(), &(register(), date(1)), declared).await;
    assert!(matches!(refused, Err(StoreError::Unknown { .. })), "{refused:?}");
    let row = |day: i8, version: u32, issued_at: Timestamp| CertificateRow {
        store: store_id(),
        business_date: date(day),
        version,
        certificate: format!("{{\"day\":{day},\"version\":{version}}}"),
        issued_at,
    };
    for (day, version) in [(20, 1), (22, 1), (22, 2)] {
        books.add_certificate(row(day, version, at(9))).await.unwrap();
    }
    let twice = books.add_certificate(row(22, 2, at(10))).await;
    assert!(matches!(twice, Err(StoreError::State { .. })), "{twice:?}");
    let kept = books.certificates(&store_id(), date(22)).await.unwrap();
    assert_eq!(kept, [row(22, 1, at(9)), row(22, 2, at(9))]);
    let before = books.certificate_before(&store_id(), date(23)).await.unwrap();
    assert_eq!(before, Some(row(22, 2, at(9))));
    assert_eq!(books.certificate_before(&store_id(), date(20)).await.unwrap(), None);
}
