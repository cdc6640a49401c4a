//! What a relay may say, or somebody who stole its key: the agent's sync is told three answers over
//! and over, and its journal only ever counts what its own chain confirms.

use std::time::Duration;

use agent::health::{Health, Link, Reason};
use agent::sync::batch::Packed;
use agent::sync::uplink::{Failure, Poll, Uplink};
use agent::sync::{self, Parts};
use protocol::batch::BatchAnswer;
use protocol::bytes::Bytes;
use protocol::chain::Sequence;
use protocol::downlink::DownlinkPage;
use protocol::handshake::{SessionAnswer, Statement};
use protocol::id::{DeviceId, StoreId};
use protocol::problem::Code;
use serde_json::Value;

use crate::fuzzing::fixtures::agent::{Bench, seams};
use crate::fuzzing::fixtures::{journal, runtime, wire};
use crate::fuzzing::{Form, Target};

/// The target.
pub const TARGET: Target = Target {
    name: "relay_answers",
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
        "acknowledgement",
        "head",
        "aside",
        "session",
        "batch",
        "page",
        "relayHead",
        "07070707070707070707070707070707",
    ],
    inputs_per_round: 150,
    seeds,
};

/// How long the agent talks, by a clock that only goes on when it waits.
const TALK: Duration = Duration::from_secs(120);

/// What has to hold for every input.
pub fn run(input: &[u8]) {
    let Ok(answers) = serde_json::from_slice::<Value>(input) else { return };
    let bench = Bench::new();
    let before = bench.file().state().clone();
    let written = journal::records();
    let parts = Parts {
        store: StoreId::new("0042").expect("a name"),
        journal: bench.journal(),
        health: Health::new(Link::NoRelay),
        seams: seams(),
        instance: Bytes([6; 16]),
    };
    let relay = std::sync::Arc::new(Liar { answers });
    let device = DeviceId::new("d-1").expect("a name");
    runtime().block_on(async {
        let talking = tokio::time::timeout(TALK, sync::sync(parts, relay, device));
        // It ends early only if it is told that another copy keeps its name.
        drop(talking.await);
    });
    let file = bench.file();
    let state = file.state();
    assert!(state.acknowledged.sequence <= state.head.sequence, "no more counts than there is");
    let own = file.chain_hash(state.acknowledged.sequence).expect("read a chain hash");
    assert_eq!(own, Some(state.acknowledged.chain_hash), "what counts is on the own chain");
    if state.identity.epoch == before.identity.epoch {
        assert_eq!(state.head, before.head, "no answer adds or removes an entry");
        let entries = file.read_after(Sequence::NONE, usize::MAX, usize::MAX);
        let entries = entries.expect("read the journal").into_iter().map(|entry| entry.record);
        assert!(entries.eq(written.into_iter().take(3).map(Some)), "no answer changes an entry");
    }
}

/// Answers whatever is asked as it was told to, in the place of question and statement alone.
struct Liar {
    answers: Value,
}

impl Liar {
    fn answer<T: serde::de::DeserializeOwned>(
        &self,
        kind: &str,
        mend: impl FnOnce(&mut Value),
    ) -> Result<T, Failure> {
        let mut answer = self.answers.get(kind).cloned().unwrap_or_default();
        mend(&mut answer);
        serde_json::from_value(answer).map_err(|error| {
            let reason = Reason::new(Code::UnsupportedVersion, error.to_string());
            Failure::unavailable(reason)
        })
    }
}

impl Uplink for Liar {
    async fn open_session(&self, statement: &Statement) -> Result<SessionAnswer, Failure> {
        self.answer("session", |answer| {
            // Without these nothing of the answer would be read: they are guarded elsewhere.
            if let Value::Object(fields) = answer {
                fields.insert("instance".to_owned(), statement.instance.to_string().into());
                fields.insert("attempt".to_owned(), statement.attempt.into());
            }
        })
    }

    async fn send(&self, _batch: &Packed) -> Result<BatchAnswer, Failure> {
        self.answer("batch", |_| ())
    }

    async fn poll(&self, poll: Poll) -> Result<DownlinkPage, Failure> {
        tokio::time::sleep(Duration::from_secs(poll.wait_seconds)).await;
        self.answer("page", |_| ())
    }
}

fn seeds() -> Vec<(String, Vec<u8>)> {
    let bench = Bench::new();
    let file = bench.file();
    let head = file.state().head;
    let session = |standing: &str, sequence: u64| {
        let hash = file.chain_hash(Sequence(sequence)).expect("read a chain hash");
        serde_json::json!({
            "device": "d-1", "epoch": journal::SALVAGED, "attempt": 1,
            "head": { "sequence": sequence, "chainHash": hash.expect("it is on the chain") },
            "standing": { "kind": standing }, "ticket": "88888888888888888888888888888888",
            "instance": "66666666666666666666666666666666", "relayTime": "2026-11-23T18:00:00Z",
        })
    };
    let stated = serde_json::json!({
        "device": "d-1", "epoch": journal::SALVAGED,
        "sequence": head.sequence, "chainHash": head.chain_hash,
    });
    let page: Value = serde_json::from_slice(&wire("downlink-page")).expect("a page");
    let seed = |name: &str, session: Value, word: &str| {
        let batch = serde_json::json!({ word: stated });
        let answers = serde_json::json!({ "session": session, "batch": batch, "page": page });
        (name.to_owned(), answers.to_string().into_bytes())
    };
    vec![
        seed("resume", session("resume", 0), "acknowledgement"),
        seed("resume-behind", session("resume", 2), "head"),
        seed("resend", session("resend", 1), "acknowledgement"),
        seed("restate", session("restate", 0), "acknowledgement"),
        seed("displaced", session("displaced", 1), "aside"),
        seed(
            "held",
            {
                let mut answer = session("held", 2);
                answer["standing"]["reason"] = "behind".into();
                answer["standing"]["relayHead"] = 9.into();
                answer
            },
            "aside",
        ),
    ]
}
