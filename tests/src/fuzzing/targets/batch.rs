//! A batch as it arrives: unpacked within its bounds, read, and told apart from every other.

use protocol::batch::Batch;
use protocol::chain::Sequence;
use protocol::compress::{pack, unpack};
use protocol::envelope::Event;
use protocol::limits::{BATCH_BYTES_MAX, BATCH_ENTRIES_MAX};
use protocol::record::Record;
use protocol::sign::{SigningKey, verify};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;

use crate::fuzzing::fixtures::wire;
use crate::fuzzing::{Form, Target};

/// The target.
pub const TARGET: Target = Target {
    name: "batch",
    run,
    form: Form::Json,
    words: &["firstSequence", "absent", "resent", "pruned", "inherited", "record", "entries"],
    inputs_per_round: 1_500,
    seeds,
};

/// The first bytes of zstd data (RFC 8878, section 3.1.1).
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

thread_local! {
    /// A key, made once a thread: what it signs is compared with itself alone.
    static KEY: SigningKey = {
        let document = SigningKey::generate(&SystemRandom::new()).expect("random bytes");
        SigningKey::from_pkcs8(&document).expect("a key that was just made")
    };
}

/// What has to hold for every input: packed, or the JSON itself.
pub fn run(input: &[u8]) {
    let unpacked = unpack(input, BATCH_BYTES_MAX);
    if let Some(window) = window(input)
        && window > u64::try_from(BATCH_BYTES_MAX).expect("a bound fits")
    {
        assert!(unpacked.is_err(), "a window of {window} bytes is memory that no batch needs");
    }
    let json = match &unpacked {
        Ok(json) => {
            assert!(json.len() <= BATCH_BYTES_MAX, "what is unpacked is bounded");
            json.as_slice()
        }
        Err(_) => input,
    };
    assert_eq!(unpack(&pack(json), BATCH_BYTES_MAX).expect("own data unpacks"), json);
    signature(json);
    if let Ok(batch) = serde_json::from_slice::<Batch>(json) {
        read(&batch);
    }
}

fn read(batch: &Batch) {
    let written = serde_json::to_vec(batch).expect("a batch is plain data");
    let again: Batch = serde_json::from_slice(&written).expect("a batch reads what it writes");
    assert_eq!(again, *batch, "a batch that is written again is the same");
    let Ok(positions) = batch.positions() else { return };
    assert_eq!(positions.len(), batch.entries.len());
    assert!(positions.len() <= BATCH_ENTRIES_MAX, "entries are bounded");
    let mut due = batch.first_sequence;
    let mut before = batch.previous_chain_hash;
    for (entry, position) in batch.entries.iter().zip(&positions) {
        let record = entry.record.as_bytes();
        assert_eq!((entry.sequence, position.sequence), (due, due), "entries follow one another");
        let hash = protocol::chain::chain_hash(before, batch.epoch, due, record);
        assert_eq!(position.chain_hash, hash, "the chain covers every record");
        (due, before) = (Sequence(due.0.saturating_add(1)), hash);
        if let Ok(record) = Record::parse(record)
            && let Ok(event) = Event::parse(record.event.get().as_bytes())
        {
            assert!(!event.natural_key().is_empty(), "an event has its key");
        }
    }
}

/// The signature is of these bytes and of no others.
fn signature(json: &[u8]) {
    KEY.with(|key| {
        let signature = key.sign(json);
        assert!(verify(key.verifying_key(), json, signature).is_ok());
        let Some(last) = json.len().checked_sub(1) else { return };
        let chance = u64::from_be_bytes(
            digest(&SHA256, json).as_ref()[..8].try_into().expect("a hash is longer"),
        );
        let mut changed = json.to_vec();
        let at = usize::try_from(chance).unwrap_or_default() % (last + 1);
        changed[at] ^= 1 << (chance % 7);
        let verified = verify(key.verifying_key(), &changed, signature);
        assert!(verified.is_err(), "one bit at {at} is noticed");
    });
}

/// The window that the first frame asks for (RFC 8878, section 3.1.1.1.2), if it says so.
fn window(input: &[u8]) -> Option<u64> {
    let [descriptor, exponent, ..] = input.strip_prefix(&MAGIC)? else { return None };
    let is_single_segment = descriptor & 0x20 != 0;
    let base = 1_u64.checked_shl(10 + u32::from(exponent >> 3))?;
    (!is_single_segment).then(|| base + base / 8 * u64::from(exponent & 7))
}

fn seeds() -> Vec<(String, Vec<u8>)> {
    let json = wire("batch");
    let with = |name: &str, value: &str, replaced: &str| {
        let text = String::from_utf8(json.clone()).expect("JSON is text");
        assert!(text.contains(value), "the frozen batch says {value}");
        (name.to_owned(), text.replace(value, replaced).into_bytes())
    };
    let absent = format!(
        "\"headSequence\":2,\"absent\":{{\"after\":{{\"sequence\":18446744073709551615,\
         \"chainHash\":\"{}\"}},\"reason\":{{\"kind\":\"pruned\"}}}}",
        "0".repeat(64)
    );
    let mut wide = pack(&json);
    // The same frame, of no single segment and with a window of 128 MiB.
    wide.splice(4..6, [0x00, (27 - 10) << 3]);
    vec![
        ("golden".to_owned(), json.clone()),
        ("golden-packed".to_owned(), pack(&json)),
        ("bomb".to_owned(), pack(&vec![b' '; 64 * 1024 * 1024])),
        ("window-of-128-mib".to_owned(), wide),
        with("absent-after-the-last-sequence", "\"headSequence\":2", &absent),
        with("the-last-sequence", "\"firstSequence\":1", "\"firstSequence\":18446744073709551615"),
    ]
}
