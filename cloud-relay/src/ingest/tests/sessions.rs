//! Statements over the wire: what is written down decides what comes next.

use protocol::bytes::Bytes;
use protocol::handshake::{EpochReason, HoldReason, Predecessor, SessionAnswer, Standing};
use protocol::id::DeviceId;

use super::make::{Agent, Bench, at, signing_key};
use crate::ingest::policy::SILENCE;
use crate::seams::Seams;
use crate::store::model::DeviceState;

fn held(reason: HoldReason) -> Standing {
    Standing::Held { reason }
}

#[tokio::test]
async fn an_agent_resumes_from_what_the_relay_holds() {
    let bench = Bench::new(Seams::default());
    let mut agent = bench.agent("one").await;
    agent.sell(1..=3);
    agent.acknowledged = agent.relay(&bench).await;
    agent.sell(4..=4);
    let answer = agent.open(&bench).await;
    assert_eq!((answer.standing, answer.head), (Standing::Resume, agent.position(3)));
    assert_eq!(answer.relay_time, at(0));
}

#[tokio::test]
async fn a_restored_backup_is_held_then_goes_on_under_a_new_epoch_after_the_silence() {
    let bench = Bench::new(Seams::default());
    let mut agent = bench.agent("one").await;
    agent.sell(1..=3);
    agent.relay(&bench).await;
    // The backup holds one sale; the program was started anew.
    agent.records.truncate(1);
    (agent.instance, agent.attempt) = (Bytes([2; 16]), 0);
    assert_eq!(agent.open(&bench).await.standing, held(HoldReason::Behind));
    let predecessor =
        Predecessor { epoch: agent.epoch, head: agent.head(), reason: EpochReason::Rewound };
    (agent.epoch, agent.records) = (Bytes([6; 16]), Vec::new());
    agent.sell(7..=7);
    let again = |attempt, agent: &Agent| protocol::handshake::Statement {
        predecessor: Some(predecessor.clone()),
        attempt,
        ..agent.statement()
    };
    bench.set_time(SILENCE.as_secs() - 1);
    let answer: SessionAnswer = agent.state(&bench, &again(2, &agent)).await.read();
    assert_eq!(answer.standing, held(HoldReason::Behind));
    agent.relay(&bench).await;
    assert_eq!(bench.deliveries().await.len(), 3, "what a held device sends is kept aside");
    bench.set_time(SILENCE.as_secs());
    let answer: SessionAnswer = agent.state(&bench, &again(3, &agent)).await.read();
    assert_eq!(answer.standing, Standing::Resume);
    assert_eq!(bench.deliveries().await.len(), 4, "what was kept aside is on its way");
}

#[tokio::test]
async fn the_former_instance_that_still_sends_keeps_the_restored_copy_held() {
    let bench = Bench::new(Seams::default());
    let mut agent = bench.agent("one").await;
    agent.sell(1..=3);
    agent.relay(&bench).await;
    let mut copy = Agent::new(signing_key());
    (copy.key, copy.device) = (agent.key, agent.device.clone());
    (copy.instance, copy.records) = (Bytes([2; 16]), agent.records[..1].to_vec());
    assert_eq!(copy.open(&bench).await.standing, held(HoldReason::Behind));
    // The former instance goes on: its batch goes aside and the silence begins anew.
    bench.set_time(500);
    copy.records = agent.records.clone();
    copy.sell(4..=4);
    copy.relay(&bench).await;
    let device = bench.store.device(&copy.device).await.unwrap().unwrap();
    assert_eq!(device.state, DeviceState::Held { reason: HoldReason::Behind, since: at(500) });
}

#[tokio::test]
async fn strangers_revoked_devices_and_wrong_signatures_open_no_session() {
    let bench = Bench::new(Seams::default());
    let mut agent = bench.agent("one").await;
    agent.attempt += 1;
    let statement = agent.statement();
    let mut stranger = Agent::new(signing_key());
    assert_eq!(stranger.state(&bench, &statement).await.code(), "SK0020");
    stranger.device = agent.device.clone();
    assert_eq!(stranger.state(&bench, &statement).await.code(), "SK0021");
    bench.store.revoke_device(&agent.device, at(1)).await.unwrap();
    assert_eq!(agent.state(&bench, &statement).await.code(), "SK0022");
    agent.device = DeviceId::new("gone").unwrap();
    assert_eq!(agent.state(&bench, &statement).await.code(), "SK0020");
}

#[tokio::test]
async fn a_repeated_statement_opens_nothing_and_is_asked_again() {
    let bench = Bench::new(Seams::default());
    let agent = bench.agent("one").await;
    let answer: SessionAnswer = agent.state(&bench, &agent.statement()).await.read();
    assert_eq!(answer.standing, Standing::Restate);
}
