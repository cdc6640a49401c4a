//! What is read from a batch is what the store commits.

use std::sync::Arc;

use protocol::batch::Entry;
use protocol::record::{Findings, seal};

use super::*;
use crate::connectors::Connector;
use crate::ingest::tests::make::{at, device, record, shop};
use crate::ingest::tests::sink::Sink;

fn message(records: Vec<String>) -> Message {
    let entries: Vec<_> = (1_u64..)
        .zip(records)
        .map(|(sequence, record)| Entry { sequence: Sequence(sequence), record })
        .collect();
    Message {
        device: device().device,
        epoch: Bytes([5; 16]),
        first_sequence: Sequence(1),
        previous_chain_hash: protocol::chain::GENESIS,
        head_sequence: Sequence(u64::try_from(entries.len()).unwrap()),
        entries,
    }
}

fn sale(number: i64) -> String {
    String::from_utf8(record(number)).unwrap()
}

fn batch(message: &Message) -> Batch {
    let json = serde_json::to_vec(message).unwrap();
    let connector: Arc<dyn Connector> = Arc::new(Sink::new(true));
    let targets = Targets::from([(shop(), connector)]);
    read(&json, &device(), &targets, Dedupe::On, at(9)).unwrap()
}

#[test]
fn a_sale_brings_its_key_its_movement_and_a_document_for_each_target() {
    let found = batch(&message(vec![sale(1)]));
    assert_eq!((found.before, found.level), (Position::START, true));
    let [entry] = found.entries.as_slice() else { panic!() };
    assert_eq!(entry.position, Position::START.extended(Bytes([5; 16]), sale(1).as_bytes()));
    assert!(entry.natural_key.contains("0042"), "{}", entry.natural_key);
    assert_eq!(entry.occurred_at, "2026-11-23T16:04:11Z".parse().unwrap());
    assert_eq!(entry.deliveries.len(), 1);
    let [moved] = entry.moves.as_slice() else { panic!("{:?}", entry.moves) };
    assert_eq!((moved.item.as_str(), moved.quantity), ("4711", "-1".parse().unwrap()));
    assert_eq!(entry.exception, None);
}

#[test]
fn more_to_come_means_that_the_device_is_not_level() {
    let mut message = message(vec![sale(1)]);
    message.head_sequence = Sequence(2);
    assert!(!batch(&message).level);
}

#[test]
fn a_conflict_that_the_agent_flagged_is_an_exception() {
    let first = EventId(uuid::Uuid::from_u128(77));
    let event = Record::parse(sale(1).as_bytes()).unwrap().event;
    let findings = Findings { conflict_of: Some(first), ..Findings::default() };
    let record = String::from_utf8(seal(event.get(), &findings, at(0))).unwrap();
    let found = batch(&message(vec![record]));
    let (class, reason) = found.entries[0].exception.as_ref().unwrap();
    assert_eq!(*class, ExceptionClass::Conflict);
    assert!(reason.contains(&first.to_string()), "{reason}");
}

#[test]
fn an_event_of_another_store_needs_a_person() {
    let found = batch(&message(vec![sale(1).replace("0042", "0043")]));
    let (class, reason) = found.entries[0].exception.as_ref().unwrap();
    assert_eq!(*class, ExceptionClass::Rejected);
    assert!(reason.contains("0043") && reason.contains("0042"), "{reason}");
}

#[test]
fn an_event_of_a_later_version_keeps_its_identifier_and_is_the_same_whenever_it_comes() {
    let id = EventId(uuid::Uuid::from_u128(7));
    let later = format!(
        r#"{{"version":1,"journaledAt":"2026-11-23T16:04:11Z","findings":{{}},"event":{{"id":"{id}","type":"storekeep.wonder.v9"}}}}"#
    );
    let message = message(vec![later, "{}".to_owned()]);
    let found = batch(&message);
    assert_eq!(found, batch(&message));
    assert_eq!(found.entries[0].event_id, id);
    let keys: Vec<_> = found.entries.iter().map(|entry| &entry.natural_key).collect();
    assert_ne!(keys[0], keys[1]);
    for entry in &found.entries {
        let (class, reason) = entry.exception.as_ref().unwrap();
        assert_eq!(*class, ExceptionClass::Rejected);
        assert!(reason.starts_with("it cannot be read: "), "{reason}");
    }
}
