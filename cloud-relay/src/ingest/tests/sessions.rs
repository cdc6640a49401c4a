//! Statements over the wire: what is written down decides what comes next.

use protocol::batch::{Absent, AbsentReason, BatchAnswer};
use protocol::bytes::Bytes;
use protocol::chain::{Position, Sequence};
use protocol::handshake::{EpochReason, HoldReason, Predecessor, SessionAnswer, Standing};
use protocol::id::DeviceId;

use super::make::{Agent, Bench, at, signing_key};
use crate::ingest::policy::SILENCE;
use crate::seams::Seams;
use crate::store::model::DeviceState;

/// Because of a journal that is behind a relay that holds so many entries of it.
fn behind(relay_head: Option<u64>) -> Standing {
    Standing::Held { reason: HoldReason::Behind, relay_head: relay_head.map(Sequence) }
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
    let answer = agent.open(&bench).await;
    assert_eq!((answer.standing, answer.head), (behind(Some(3)), agent.head()));
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
    assert_eq!(answer.standing, behind(None));
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
    let mut copy = agent.copied(Bytes([2; 16]));
    copy.records.truncate(1);
    assert_eq!(copy.open(&bench).await.standing, behind(Some(3)));
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

#[tokio::test]
async fn a_copy_that_lost_the_identity_is_told_so_and_comes_back_under_a_name_of_its_own() {
    let bench = Bench::new(Seams::default());
    let mut one = bench.agent("one").await;
    one.sell(1..=3);
    one.acknowledged = one.relay(&bench).await;
    let mut two = one.copied(Bytes([2; 16]));
    one.sell(4..=4);
    two.sell(5..=6);
    assert_eq!(two.open(&bench).await.standing, Standing::Resume, "a restart looks like this");
    one.relay(&bench).await;
    assert_eq!(two.send(&bench, &two.batch(3, 2)).await.code(), "SK0024");
    let answer = two.open(&bench).await;
    assert_eq!(answer.standing, Standing::Held { reason: HoldReason::Fork, relay_head: None });
    assert_eq!(answer.head, two.position(3), "what both have");
    two.relay(&bench).await;
    one.acknowledged = one.head();
    let answer = one.open(&bench).await;
    assert_eq!(answer.standing, Standing::Held { reason: HoldReason::Fork, relay_head: None });

    let several = bench.store.release_device(&one.device, None, at(1)).await;
    assert!(several.is_err(), "a person names the one");
    bench.store.release_device(&one.device, Some(one.instance), at(1)).await.unwrap();
    assert_eq!(one.open(&bench).await.standing, Standing::Resume);
    // A restart does not make it forget who it is.
    (two.instance, two.attempt) = (Bytes([3; 16]), 0);
    let answer = two.open(&bench).await;
    assert_eq!((answer.standing, answer.head), (Standing::Displaced, two.position(3)));

    let former = two.device.clone();
    let mut anew = bench.agent("two").await;
    (anew.epoch, anew.records) = (two.epoch, two.records.clone());
    (anew.instance, anew.attempt) = (Bytes([4; 16]), 0);
    anew.acknowledged = two.position(3);
    let begun = anew.open(&bench).await;
    assert_eq!(begun.standing, Standing::Resend);
    let mut batch = anew.batch(3, 2);
    batch.absent =
        Some(Absent { after: Position::START, reason: AbsentReason::Inherited { device: former } });
    let BatchAnswer::Acknowledgement(kept) = anew.send(&bench, &batch).await.read() else {
        panic!("it begins where the two parted");
    };
    assert_eq!(kept.position(), anew.head());
    let deliveries = bench.deliveries().await;
    assert_eq!(deliveries.len(), 6, "each of the six sales once, and nothing for a person");
}
