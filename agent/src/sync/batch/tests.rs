//! What a batch holds, what makes it smaller, and what keeps it from being sent.

use protocol::batch::AbsentReason;
use protocol::bytes::Bytes;

use super::*;

fn sender() -> Sender {
    Sender { device: DeviceId::new("d-1").unwrap(), epoch: Bytes([7; 16]), head: Sequence(1_000) }
}

fn stored(after: Position, records: &[String]) -> Vec<StoredEntry> {
    let mut position = after;
    let next = |record: &String| {
        position = position.extended(sender().epoch, record.as_bytes());
        StoredEntry {
            sequence: position.sequence,
            chain_hash: position.chain_hash,
            record: Some(record.clone().into_bytes()),
        }
    };
    records.iter().map(next).collect()
}

/// Text of so many bytes, another one for each seed, that compresses to no less than half.
fn noise(seed: u64, bytes: usize) -> String {
    let mut state = seed;
    let digits = std::iter::from_fn(|| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Some(format!("{:08x}", state >> 32))
    });
    digits.take(bytes / 8).collect()
}

#[test]
fn a_batch_begins_after_the_relays_head_and_carries_the_records_byte_for_byte() {
    let after = Position { sequence: Sequence(41), chain_hash: Bytes([9; 32]) };
    let records = ["{\"a\":\"é\"}".to_owned(), "{}".to_owned()];
    let packed = build(&sender(), after, stored(after, &records)).unwrap();
    let json = compress::unpack(&packed.packed, BATCH_BYTES_MAX).unwrap();
    assert_eq!(json, packed.json);
    let batch: Batch = serde_json::from_slice(&json).unwrap();
    assert_eq!(batch.first_sequence, Sequence(42));
    assert_eq!(batch.entries.iter().map(|entry| entry.record.clone()).collect::<Vec<_>>(), records);
    assert_eq!(batch.positions().unwrap().last(), Some(&packed.end));
    assert_eq!((packed.entries, packed.end.sequence), (2, Sequence(43)));
}

#[test]
fn a_sale_committed_while_the_batch_is_read_never_stands_beyond_the_stated_head() {
    let records = ["{}".to_owned(), "{}".to_owned()];
    let early = Sender { head: Sequence(1), ..sender() };
    for (sender, head) in [(early, 2), (sender(), 1_000)] {
        let entries = stored(Position::START, &records);
        let packed = build(&sender, Position::START, entries).unwrap();
        let batch: Batch = serde_json::from_slice(&packed.json).unwrap();
        assert_eq!(batch.head_sequence, Sequence(head));
    }
}

#[test]
fn entries_that_do_not_compress_are_sent_in_smaller_batches() {
    let records: Vec<_> = (1..=4).map(|seed| noise(seed, 800_000)).collect();
    let packed = build(&sender(), Position::START, stored(Position::START, &records)).unwrap();
    assert!(packed.entries < 4, "{} entries", packed.entries);
    assert!(packed.packed.len() <= BATCH_COMPRESSED_BYTES_MAX);
    assert_eq!(packed.end.sequence, Sequence(u64::try_from(packed.entries).unwrap()));
}

#[test]
fn one_entry_beyond_the_limit_is_named() {
    let record = noise(1, 3 * BATCH_COMPRESSED_BYTES_MAX);
    let entries = stored(Position::START, &[record]);
    let refused = build(&sender(), Position::START, entries);
    assert_eq!(refused, Err(BuildError::TooLarge(Sequence(1))));
}

#[test]
fn a_journal_that_was_changed_on_disk_is_noticed_before_it_is_sent() {
    let mut entries = stored(Position::START, &["{\"a\":1}".to_owned(), "{}".to_owned()]);
    entries[0].record = Some(b"{\"a\":2}".to_vec());
    let refused = build(&sender(), Position::START, entries);
    assert_eq!(refused, Err(BuildError::Changed(Sequence(1))));
}

#[test]
fn a_pruned_or_missing_entry_is_not_skipped() {
    let mut entries = stored(Position::START, &["{}".to_owned(), "{}".to_owned()]);
    entries[1].record = None;
    let pruned = build(&sender(), Position::START, entries.clone());
    assert_eq!(pruned, Err(BuildError::Pruned(Sequence(2))));
    let gap = build(&sender(), Position::START, entries.split_off(1));
    assert_eq!(gap, Err(BuildError::Pruned(Sequence(2))));
    let none = build(&sender(), Position::START, Vec::new());
    assert_eq!(none, Err(BuildError::Shape(BatchError::Empty)));
}

#[test]
fn a_host_that_lost_what_the_relay_asks_for_declares_it_with_its_last_chain_hash() {
    let after = Position { sequence: Sequence(4), chain_hash: Bytes([4; 32]) };
    let last = Position { sequence: Sequence(9), chain_hash: Bytes([9; 32]) };
    let absent = Some(Absent { after, reason: AbsentReason::Pruned });
    for records in [vec!["{}".to_owned()], Vec::new()] {
        let beginning = Beginning { after: last, absent: absent.clone(), resent: None };
        let packed = build(&sender(), beginning, stored(last, &records)).unwrap();
        let batch: Batch = serde_json::from_slice(&packed.json).unwrap();
        assert_eq!(batch.first_sequence, Sequence(10));
        assert_eq!(batch.previous_chain_hash, last.chain_hash);
        assert_eq!(batch.absent, absent);
        assert_eq!(packed.end.sequence.0, 9 + u64::try_from(records.len()).unwrap());
    }
}
