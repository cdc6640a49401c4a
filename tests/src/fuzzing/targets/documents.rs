//! Every document that travels between agent and relay, and what both conclude from it: what is
//! read is written again the same, and no statement or answer makes either side fail.

use agent::sync::answer::{Answer, signed};
use jiff::Timestamp;
use protocol::batch::BatchAnswer;
use protocol::bytes::Bytes;
use protocol::chain::{ChainHash, Position, Sequence};
use protocol::downlink::DownlinkPage;
use protocol::enrolment::{EnrolmentAnswer, EnrolmentRequest};
use protocol::handshake::judge::{Evidence, SessionRow, Verdict, answer_fits, judge};
use protocol::handshake::{SessionAnswer, Standing, Statement};
use protocol::problem::Problem;
use protocol::sign::SigningKey;
use ring::rand::SystemRandom;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::fuzzing::fixtures::wire;
use crate::fuzzing::{Form, Target};

/// The target.
pub const TARGET: Target = Target {
    name: "documents",
    run,
    form: Form::Json,
    words: &[
        "resume",
        "resend",
        "restate",
        "held",
        "displaced",
        "behind",
        "fork",
        "clone",
        "rewound",
        "salvaged",
        "unknown_epoch",
        "relayHead",
        "predecessor",
        "inherited",
        "aside",
        "ticket",
        "acknowledgement",
        "head",
        "progress",
        "applied",
        "kind",
    ],
    inputs_per_round: 3_000,
    seeds,
};

/// The frozen documents.
const DOCUMENTS: [&str; 8] = [
    "statement",
    "session-answer",
    "batch-answer",
    "downlink-page",
    "enrolment-request",
    "enrolment-answer",
    "problem",
    "batch",
];

thread_local! {
    static KEY: SigningKey = {
        let document = SigningKey::generate(&SystemRandom::new()).expect("random bytes");
        SigningKey::from_pkcs8(&document).expect("a key that was just made")
    };
}

/// What has to hold for every input.
pub fn run(input: &[u8]) {
    stays::<EnrolmentRequest>(input);
    stays::<EnrolmentAnswer>(input);
    stays::<Problem>(input);
    stays::<DownlinkPage>(input);
    stays::<BatchAnswer>(input);
    if let Some(answer) = stays::<SessionAnswer>(input) {
        believed(&answer);
    }
    if let Some(statement) = stays::<Statement>(input) {
        judged(&statement);
    }
}

/// Reads a document, writes it and reads it again; and as an agent does, only with its signature.
fn stays<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(input: &[u8]) -> Option<T> {
    let read: Option<T> = serde_json::from_slice(input).ok();
    let (own, key) = KEY.with(|key| (key.sign(input), key.verifying_key()));
    let with = |signature| signed::<T>(&Answer { body: input.to_vec(), signature }, key);
    assert_eq!(with(Some(own)).ok(), read, "an answer that is signed is read");
    assert!(with(None).is_err(), "an answer without a signature is none");
    assert!(with(Some(Bytes([7; 64]))).is_err(), "an answer of somebody else is none");
    let document = read?;
    let written = serde_json::to_vec(&document).expect("documents are plain data");
    let again: T = serde_json::from_slice(&written).expect("a document reads what it writes");
    assert_eq!(again, document, "a document that is written again is the same");
    Some(document)
}

/// An agent believes an answer only if it is to its own statement and tells its own history.
fn believed(answer: &SessionAnswer) {
    let statement: Statement =
        serde_json::from_slice(&wire("statement")).expect("the frozen statement");
    let own: ChainHash = Bytes([5; 32]);
    if answer_fits(answer, &statement, Some(own)).is_ok() {
        assert_eq!(answer.instance, statement.instance);
        assert_eq!(answer.attempt, statement.attempt);
        assert_eq!(answer.epoch, statement.epoch);
        if matches!(answer.standing, Standing::Resume | Standing::Resend) {
            assert_eq!(answer.head.chain_hash, own, "another history is not resumed");
        }
    }
}

/// Whatever is stated, the judgement follows from the hashes.
fn judged(statement: &Statement) {
    let hash: ChainHash = Bytes([5; 32]);
    let head = Position { sequence: Sequence(2), chain_hash: hash };
    let current = SessionRow { ticket: Bytes([7; 16]), instance: Bytes([6; 16]), attempt: 2 };
    let known = Evidence {
        head: Some(head),
        hash_at_stated_head: (statement.head.sequence == head.sequence).then_some(hash),
        device_has_epochs: true,
        current: Some(current),
        ..Evidence::default()
    };
    let beginning = Evidence { head: None, predecessor_known: true, ..known.clone() };
    let new = Evidence::default();
    let verdict = judge(statement, &known);
    if verdict == Verdict::Resume && statement.head.sequence == head.sequence {
        assert_eq!(statement.head.chain_hash, hash, "another history is not resumed");
    }
    if statement.instance == current.instance && statement.attempt <= current.attempt {
        assert_eq!(verdict, Verdict::Restate, "a repeated statement opens nothing");
    }
    assert_eq!(judge(statement, &new), Verdict::Begin, "a new device begins");
    let begun = judge(statement, &beginning);
    let goes_on = matches!(begun, Verdict::Begin | Verdict::Rewind);
    assert!(!goes_on || statement.predecessor.is_some(), "an empty journal is not taken for it");
    assert!(statement.host_time <= Timestamp::MAX);
}

fn seeds() -> Vec<(String, Vec<u8>)> {
    DOCUMENTS.iter().map(|name| ((*name).to_owned(), wire(name))).collect()
}
