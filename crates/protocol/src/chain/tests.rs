//! The chain against vectors that were computed by another implementation.

use super::*;

#[derive(Deserialize)]
struct Vector {
    epoch: Epoch,
    records: Vec<String>,
    chain_hashes: Vec<ChainHash>,
}

#[test]
fn the_chain_equals_the_frozen_vectors() {
    let vectors: Vec<Vector> =
        serde_json::from_str(include_str!("../../testdata/v1/chain.json")).unwrap();
    assert!(!vectors.is_empty());
    for vector in vectors {
        let mut position = Position::START;
        for (record, expected) in vector.records.iter().zip(&vector.chain_hashes) {
            position = position.extended(vector.epoch, record.as_bytes());
            assert_eq!(position.chain_hash, *expected, "at sequence {}", position.sequence);
        }
        assert_eq!(vector.records.len(), vector.chain_hashes.len());
    }
}

#[test]
fn a_record_moved_to_another_place_changes_the_chain() {
    let epoch = Bytes([7; 16]);
    let there = chain_hash(GENESIS, epoch, Sequence(1), b"a");
    assert_ne!(there, chain_hash(GENESIS, epoch, Sequence(2), b"a"));
    assert_ne!(there, chain_hash(GENESIS, Bytes([8; 16]), Sequence(1), b"a"));
    assert_ne!(there, chain_hash(there, epoch, Sequence(1), b"a"));
}

#[test]
fn a_sequence_that_no_journal_reaches_is_not_read() {
    let read = |text: &str| serde_json::from_str::<Sequence>(text);
    assert_eq!(read("9223372036854775807").unwrap(), Sequence::MAX);
    assert!(read("9223372036854775808").is_err());
    assert!(read("18446744073709551615").is_err());
    assert!(read("-1").is_err());
    assert_eq!(Sequence::MAX.next().0, 1 << 63);
}
