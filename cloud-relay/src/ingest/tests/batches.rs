//! A batch is committed before it is acknowledged, and never twice.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use protocol::batch::BatchAnswer;
use protocol::bytes::Bytes;
use protocol::chain::Sequence;
use protocol::compress;
use protocol::handshake::{HoldReason, Standing};
use protocol::id::DeviceId;
use protocol::limits::{BATCH_BYTES_MAX, BATCH_COMPRESSED_BYTES_MAX};

use super::make::{Agent, Bench, at, shop, signing_key};
use crate::connectors::ExceptionClass;
use crate::ingest::policy::{BODIES_PER_DEVICE_MAX, Waits};
use crate::seams::Seams;
use crate::store::model::{DeliveryState, DeviceState, RELAY_TARGET};

#[tokio::test]
async fn an_acknowledged_batch_is_committed_with_what_it_calls_for() {
    let bench = Bench::new(Seams::default());
    let mut agent = bench.agent("one").await;
    agent.sell(1..=3);
    assert_eq!(agent.relay(&bench).await, agent.head());
    let head = bench.store.head(&agent.device, agent.epoch).await.unwrap();
    assert_eq!(head, Some(agent.head()));
    let deliveries = bench.deliveries().await;
    assert_eq!(deliveries.len(), 3);
    assert!(deliveries.iter().all(|delivery| delivery.lane.target == shop()));
    let device = bench.store.device(&agent.device).await.unwrap().unwrap();
    assert_eq!((device.entries, device.level_at), (3, Some(at(0))));
}

#[tokio::test]
async fn a_repeated_and_an_overlapping_batch_are_acknowledged_without_duplicates() {
    let bench = Bench::new(Seams::default());
    let mut agent = bench.agent("one").await;
    agent.sell(1..=3);
    agent.relay(&bench).await;
    assert_eq!(agent.relay(&bench).await, agent.head());
    agent.sell(4..=5);
    let overlap = agent.batch(1, 4);
    let BatchAnswer::Acknowledgement(answer) = agent.send(&bench, &overlap).await.read() else {
        panic!("the overlap is verified");
    };
    assert_eq!(answer.position(), agent.head());
    assert_eq!(bench.deliveries().await.len(), 5);
}

#[tokio::test]
async fn a_batch_beyond_the_head_is_told_the_head() {
    let bench = Bench::new(Seams::default());
    let mut agent = bench.agent("one").await;
    agent.sell(1..=5);
    let beyond = agent.batch(3, 2);
    let BatchAnswer::Head(head) = agent.send(&bench, &beyond).await.read() else {
        panic!("nothing is committed");
    };
    assert_eq!(head.sequence, Sequence::NONE);
    assert!(bench.deliveries().await.is_empty());
}

#[tokio::test]
async fn a_batch_without_a_session_is_sent_back_for_one() {
    let bench = Bench::new(Seams::default());
    let mut agent = bench.agent("one").await;
    agent.epoch = Bytes([9; 16]);
    agent.sell(1..=1);
    assert_eq!(agent.send(&bench, &agent.batch(0, 1)).await.code(), "SK0027");
}

#[tokio::test]
async fn another_history_holds_the_device_and_what_it_sends_then_is_kept_aside() {
    let bench = Bench::new(Seams::default());
    let mut agent = bench.agent("one").await;
    agent.sell(1..=3);
    agent.relay(&bench).await;
    // A copy of the host sold something else as its third sale.
    agent.records.truncate(2);
    agent.sell(8..=9);
    let refused = agent.send(&bench, &agent.batch(0, 4)).await;
    assert_eq!(refused.code(), "SK0024");
    let device = bench.store.device(&agent.device).await.unwrap().unwrap();
    assert!(matches!(device.state, DeviceState::Held { reason: HoldReason::Fork, .. }));
    agent.acknowledged = agent.position(2);
    let standing = agent.open(&bench).await.standing;
    assert_eq!(standing, Standing::Held { reason: HoldReason::Fork, relay_head: None });
    let BatchAnswer::Aside(kept) = agent.send(&bench, &agent.batch(2, 2)).await.read() else {
        panic!("both branches are kept");
    };
    assert_eq!(kept.position(), agent.head());
    assert_eq!(bench.deliveries().await.len(), 3, "nothing of the branch is on its way");
}

#[tokio::test]
async fn only_the_devices_own_signature_over_the_uncompressed_bytes_counts() {
    let bench = Bench::new(Seams::default());
    let mut agent = bench.agent("one").await;
    agent.sell(1..=1);
    let json = serde_json::to_vec(&agent.batch(0, 1)).unwrap();
    let packed = compress::pack(&json);
    assert_eq!(agent.send_raw(&bench, &packed, packed.clone()).await.code(), "SK0021");
    let mut thief = Agent::new(signing_key());
    thief.device = agent.device.clone();
    assert_eq!(thief.send_json(&bench, &json).await.code(), "SK0021");
    bench.store.revoke_device(&agent.device, at(1)).await.unwrap();
    assert_eq!(agent.send_json(&bench, &json).await.code(), "SK0022");
    thief.device = DeviceId::new("nobody").unwrap();
    assert_eq!(thief.send_json(&bench, &json).await.code(), "SK0020");
    assert!(bench.deliveries().await.is_empty());
}

#[tokio::test]
async fn what_is_too_large_packed_or_unpacked_is_refused_unread() {
    let bench = Bench::new(Seams::default());
    let agent = bench.agent("one").await;
    let bomb = vec![b' '; BATCH_BYTES_MAX + 1];
    assert_eq!(agent.send_json(&bench, &bomb).await.code(), "SK0005");
    let large = vec![7; BATCH_COMPRESSED_BYTES_MAX + 1];
    assert_eq!(agent.send_raw(&bench, &large, large.clone()).await.code(), "SK0005");
    assert_eq!(agent.send_raw(&bench, b"", b"not zstd".to_vec()).await.code(), "SK0028");
    let plain = Request::post(format!("/v1/devices/{}/batches", agent.device));
    let plain = plain.body("{}".into()).unwrap();
    assert_eq!(bench.call(plain).await.code(), "SK0013");
}

#[tokio::test]
async fn a_batch_that_breaks_its_shape_is_refused_with_the_place() {
    let bench = Bench::new(Seams::default());
    let mut agent = bench.agent("one").await;
    agent.sell(1..=3);
    let whole = agent.batch(0, 3);
    let mut gap = whole.clone();
    gap.entries.remove(1);
    let mut foreign = whole.clone();
    foreign.device = DeviceId::new("other").unwrap();
    let mut short = whole.clone();
    short.head_sequence = Sequence(2);
    let mut empty = whole.clone();
    empty.entries.clear();
    let mut from_nothing = whole.clone();
    from_nothing.first_sequence = Sequence::NONE;
    for broken in [gap, foreign, short, empty, from_nothing] {
        assert_eq!(agent.send(&bench, &broken).await.code(), "SK0028");
    }
    assert_eq!(agent.send_json(&bench, b"{}").await.code(), "SK0028");
    assert!(bench.deliveries().await.is_empty());
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_an_exception_and_stops_nothing_behind_it() {
    let bench = Bench::new(Seams::default());
    let mut agent = bench.agent("one").await;
    agent.sell(1..=1);
    agent.records.push("neither JSON nor a record".to_owned());
    agent.sell(3..=3);
    assert_eq!(agent.relay(&bench).await, agent.head());
    assert_eq!(agent.relay(&bench).await, agent.head(), "it is recognised when it comes again");
    let deliveries = bench.deliveries().await;
    assert_eq!(deliveries.len(), 3);
    let review: Vec<_> =
        deliveries.iter().filter(|view| view.lane.target.as_str() == RELAY_TARGET).collect();
    let [review] = review.as_slice() else { panic!("{deliveries:?}") };
    let DeliveryState::Exception { class, reason, .. } = &review.state else {
        panic!("{:?}", review.state)
    };
    assert_eq!(*class, ExceptionClass::Rejected);
    assert!(reason.contains("cannot be read"), "{reason}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_devices_send_at_the_same_time() {
    let bench = Bench::new(Seams::default());
    let (mut one, mut two) = (bench.agent("one").await, bench.agent("two").await);
    one.sell(1..=50);
    two.sell(51..=100);
    let (first, second) = tokio::join!(one.relay(&bench), two.relay(&bench));
    assert_eq!((first, second), (one.head(), two.head()));
    assert_eq!(bench.deliveries().await.len(), 100);
}

/// A batch whose body never comes.
fn silent(agent: &Agent) -> Request<Body> {
    let never = futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>();
    let request = Request::post(format!("/v1/devices/{}/batches", agent.device));
    request.header("content-encoding", "zstd").body(Body::from_stream(never)).unwrap()
}

#[tokio::test]
async fn a_sender_who_is_too_slow_is_let_go() {
    let waits = Waits { body: Duration::from_millis(10), ..Waits::default() };
    let bench = Bench::with(Seams::default(), waits);
    let agent = bench.agent("one").await;
    assert_eq!(bench.call(silent(&agent)).await.code(), "SK0030");
}

#[tokio::test]
async fn connections_that_hang_do_not_keep_a_device_from_sending() {
    let bench = Bench::new(Seams::default());
    let mut agent = bench.agent("one").await;
    agent.sell(1..=1);
    let hanging = (1..BODIES_PER_DEVICE_MAX).map(|_| bench.call(silent(&agent)));
    let hanging: Vec<_> = hanging.collect();
    let message = agent.batch(0, 1);
    let all = futures_util::future::join_all(hanging);
    tokio::select! {
        biased;
        answers = all => panic!("their bodies never come: {answers:?}"),
        answer = agent.send(&bench, &message) => {
            assert!(matches!(answer.read(), BatchAnswer::Acknowledgement(_)));
        }
    }
}

#[tokio::test]
async fn a_second_request_of_a_device_waits_for_its_turn_and_then_is_told_to_come_again() {
    // The late commit of the control keeps the turn.
    let seams = Seams { acknowledge_before_commit: true, ..Seams::default() };
    let (turn, fault_commit) = (Duration::from_millis(10), Duration::MAX);
    let bench = Bench::with(seams, Waits { turn, fault_commit, ..Waits::default() });
    let mut agent = bench.agent("one").await;
    agent.sell(1..=1);
    agent.relay(&bench).await;
    let second = agent.send(&bench, &agent.batch(0, 1)).await;
    assert_eq!((second.code().as_str(), second.retry_after), ("SK0029", true));
}
