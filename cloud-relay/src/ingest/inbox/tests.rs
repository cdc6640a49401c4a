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
        absent: None,
        resent: None,
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
    read(&json, &device(), &targets, Dedupe::On, at(9)).unwrap().batch
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

#[test]
fn what_is_declared_absent_stands_in_its_place_as_an_exception() {
    let mut message = message(vec![sale(1)]);
    message.first_sequence = Sequence(9);
    message.head_sequence = Sequence(9);
    message.previous_chain_hash = Bytes([8; 32]);
    message.entries[0].sequence = Sequence(9);
    let after = Position { sequence: Sequence(4), chain_hash: Bytes([4; 32]) };
    message.absent = Some(Absent { after, reason: AbsentReason::Pruned });
    let found = batch(&message);
    assert_eq!(found.before, after);
    let [declared, sold] = found.entries.as_slice() else { panic!("{found:?}") };
    assert_eq!(declared.position.sequence, Sequence(8));
    assert_eq!(declared.position.chain_hash, Bytes([8; 32]));
    assert_eq!(sold.position.sequence, Sequence(9));
    let (class, reason) = declared.exception.as_ref().unwrap();
    assert_eq!(*class, ExceptionClass::UnknownOutcome);
    assert!(reason.contains("entries 5 to 8"), "{reason}");
}

#[test]
fn what_was_acknowledged_before_knows_where_it_stood() {
    let mut message = message(vec![sale(1), sale(2), sale(3)]);
    let applied = Applied { sequence: Sequence(1), target: shop(), reference: None };
    message.resent = Some(Resent { acknowledged: Sequence(2), applied: vec![applied] });
    let found = batch(&message);
    let before: Vec<_> = found.entries.iter().map(|entry| &entry.relayed_before).collect();
    assert_eq!(before[0].as_ref().unwrap().get(&shop()).map(String::as_str), Some(""));
    assert_eq!(before[1].as_ref().map(BTreeMap::len), Some(0));
    assert_eq!(*before[2], None);
}
