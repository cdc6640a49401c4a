//! Round trips, bounds, and frames of before.

use std::fs;
use std::path::PathBuf;

use ring::digest::{SHA256, digest};
use zstd::zstd_safe::get_dict_id_from_dict;

use super::*;
use crate::batch::Batch;

fn golden(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/v1");
    fs::read(folder.join(name)).unwrap()
}

/// The JSON of the golden batch, as it is sent.
fn batch() -> Vec<u8> {
    let batch: Batch = serde_json::from_slice(&golden("wire/batch.json")).unwrap();
    serde_json::to_vec(&batch).unwrap()
}

#[test]
fn what_is_packed_unpacks_to_the_same_bytes() {
    let bytes = b"{\"a\":1}".repeat(1_000);
    let mut packer = Packer::new();
    for _ in 0..2 {
        let packed = packer.pack(&bytes);
        assert!(packed.len() < bytes.len() / 10);
        assert_eq!(packed, pack(&bytes));
        assert_eq!(unpack(&packed, bytes.len()).unwrap(), bytes);
    }
}

#[test]
fn a_batch_is_smaller_with_the_dictionary_and_is_read_like_one_without() {
    let json = batch();
    let (with, without) = (pack_batch(&json), pack(&json));
    assert!(with.len() * 3 < without.len() * 2, "{} and {}", with.len(), without.len());
    for packed in [with, without] {
        assert_eq!(unpack(&packed, json.len()).unwrap(), json);
    }
}

#[test]
fn a_large_batch_needs_no_dictionary() {
    let json = batch().repeat(SMALL_BATCH_BYTES_MAX / 1_000);
    let packed = pack_batch(&json);
    assert_eq!(get_dict_id_from_frame(&packed), None);
    assert_eq!(unpack(&packed, json.len()).unwrap(), json);
}

#[test]
fn frames_of_before_are_read() {
    for name in ["packed/batch-plain.zst", "packed/batch-dictionary-1.zst"] {
        let packed = golden(name);
        assert_eq!(unpack(&packed, 1_000_000).unwrap(), batch(), "{name}");
    }
}

#[test]
fn the_dictionary_is_the_one_that_frames_name() {
    let number = get_dict_id_from_dict(DICTIONARY).unwrap();
    assert_eq!(number.get(), DICTIONARY_NUMBER);
    let hash = hex::encode(digest(&SHA256, DICTIONARY));
    assert_eq!(hash, "e18563da64a7727dc290a918f4834b5ebdf7f3f540904e8be0f413817ec1632d");
    assert_eq!(get_dict_id_from_frame(&pack_batch(&batch())), Some(number));
}

#[test]
fn a_later_dictionary_is_named_and_not_guessed() {
    let samples: Vec<_> = (0..2_000).map(|n| format!("{{\"number\":{n}}}").repeat(4)).collect();
    let later = zstd::dict::from_samples(&samples, 2_048).unwrap();
    let mut packer = Compressor::with_dictionary(3, &later).unwrap();
    let packed = packer.compress(samples[7].as_bytes()).unwrap();
    let number = get_dict_id_from_dict(&later).unwrap();
    let refused = unpack(&packed, 1_000);
    assert!(matches!(refused, Err(UnpackError::Dictionary(named)) if named == number));
}

#[test]
fn a_bomb_stops_at_the_bound() {
    let packed = pack(&vec![0; 10_000_000]);
    assert!(matches!(unpack(&packed, 1_000), Err(UnpackError::TooLarge(1_000))));
    let mut boastful = Compressor::new(LEVEL).unwrap();
    boastful.include_contentsize(false).unwrap();
    let packed = boastful.compress(&vec![0; 10_000_000]).unwrap();
    assert!(matches!(unpack(&packed, 1_000), Err(UnpackError::TooLarge(1_000))));
    assert!(matches!(unpack(b"not zstd", 1_000), Err(UnpackError::Damaged(_))));
}

#[test]
fn a_frame_that_asks_for_much_memory_is_refused_and_the_largest_batch_is_not() {
    let bytes = vec![7; crate::limits::BATCH_BYTES_MAX];
    for packed in [pack(&bytes), pack_batch(&bytes)] {
        assert_eq!(unpack(&packed, bytes.len()).unwrap(), bytes);
    }
    let mut streamed = pack(b"a few bytes");
    // The same frame as one of unknown length with a window of 128 MiB (RFC 8878, 3.1.1.1).
    streamed.splice(4..6, [0, (27 - 10) << 3]);
    assert!(matches!(unpack(&streamed, 1_000), Err(UnpackError::Damaged(_))));
    streamed[5] = (23 - 10) << 3;
    assert_eq!(unpack(&streamed, 1_000).unwrap(), b"a few bytes");
}
