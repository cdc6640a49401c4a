//! Batches that continue the chain, and batches that do not.

use super::*;
use crate::bytes::Bytes;
use crate::chain::GENESIS;

fn batch(sequences: &[u64]) -> Batch {
    Batch {
        device: DeviceId::new("pos-1").unwrap(),
        epoch: Bytes([1; 16]),
        first_sequence: Sequence(sequences.first().copied().unwrap_or(1)),
        previous_chain_hash: GENESIS,
        head_sequence: Sequence(sequences.last().copied().unwrap_or(1)),
        absent: None,
        resent: None,
        entries: sequences
            .iter()
            .map(|s| Entry { sequence: Sequence(*s), record: format!("{{\"n\":{s}}}") })
            .collect(),
    }
}

#[test]
fn the_positions_of_a_batch_are_those_of_the_journal() {
    let batch = batch(&[1, 2, 3]);
    let mut position = Position::START;
    for (entry, found) in batch.entries.iter().zip(batch.positions().unwrap()) {
        position = position.extended(batch.epoch, entry.record.as_bytes());
        assert_eq!(position, found);
    }
}

#[test]
fn a_gap_an_empty_and_an_oversized_batch_are_refused() {
    assert_eq!(
        batch(&[4, 6]).positions(),
        Err(BatchError::Gap { expected: Sequence(5), found: Sequence(6) })
    );
    assert_eq!(batch(&[]).positions(), Err(BatchError::Empty));
    assert!(matches!(batch(&[0]).positions(), Err(BatchError::Gap { .. })));
    let many: Vec<u64> = (1..=1_001).collect();
    assert_eq!(batch(&many).positions(), Err(BatchError::TooMany(1_001)));
}

#[test]
fn a_batch_keeps_the_bytes_of_its_records_through_json() {
    let mut batch = batch(&[1]);
    batch.entries[0].record = "{\"text\":\"ü \\\"quoted\\\" \u{2028}\"}".into();
    let json = serde_json::to_string(&batch).unwrap();
    assert_eq!(serde_json::from_str::<Batch>(&json).unwrap(), batch);
}

#[test]
fn a_batch_may_be_empty_only_if_it_declares_something_absent() {
    let mut batch = batch(&[]);
    assert_eq!(batch.positions(), Err(BatchError::Empty));
    batch.first_sequence = Sequence(9);
    let after = Position { sequence: Sequence(4), chain_hash: Bytes([4; 32]) };
    batch.absent = Some(Absent { after, reason: AbsentReason::Pruned });
    assert_eq!(batch.positions(), Ok(Vec::new()));
    batch.first_sequence = Sequence(5);
    let (after, first) = (Sequence(4), Sequence(5));
    assert_eq!(batch.positions(), Err(BatchError::NothingAbsent { after, first }));
}
