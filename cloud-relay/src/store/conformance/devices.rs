//! Claims about tokens, devices, sessions and evidence.

use protocol::bytes::Bytes;
use protocol::chain::{GENESIS, Position};
use protocol::handshake::judge::SUPERSEDED_MAX;
use protocol::handshake::{EpochReason, HoldReason, Predecessor, Statement};
use protocol::id::{StoreId, Text};

use super::super::StoreError;
use super::super::model::{DeviceState, NewDevice, NewToken};
use super::Make;
use super::fixtures::{
    Journal, at, device_id, enrolled, epoch, holding, new_device, session, store_id, token,
};

pub(super) async fn run(make: Make<'_>) {
    a_token_admits_as_many_devices_as_it_says(make).await;
    a_token_is_refused_when_expired_revoked_or_of_another_store(make).await;
    a_device_survives_reopening_with_its_states(make).await;
    evidence_says_what_is_held_of_a_journal(make).await;
    superseded_instances_are_kept_up_to_the_bound(make).await;
}

pub(super) fn statement(journal: &Journal, predecessor: Option<Predecessor>) -> Statement {
    Statement {
        aside: None,
        inherited: None,
        protocol_version: 1,
        device: journal.device.clone(),
        store: store_id(),
        epoch: journal.epoch,
        predecessor,
        head: journal.head(),
        acknowledged: Position::START,
        instance: Bytes([1; 16]),
        attempt: 1,
        ticket: None,
        agent_version: Text::new("1.0.0").unwrap(),
        host_time: at(5),
    }
}

async fn a_token_admits_as_many_devices_as_it_says(make: Make<'_>) {
    let store = make("token uses").await;
    store.add_token(token("two", 2)).await.unwrap();
    let taken = store.add_token(token("two", 2)).await;
    assert!(matches!(taken, Err(StoreError::State { .. })), "a label stands once: {taken:?}");
    for name in ["one", "two"] {
        let device = store.enrol(new_device(name, "two")).await.unwrap().unwrap();
        assert_eq!(device.device, device_id(name));
        assert_eq!(device.state, DeviceState::Active);
    }
    assert_eq!(store.enrol(new_device("three", "two")).await.unwrap(), None);
    assert_eq!(store.enrol(new_device("four", "never made")).await.unwrap(), None);
    let again = NewDevice { device: device_id("again"), ..new_device("one", "two") };
    let known = store.enrol(again).await.unwrap().unwrap();
    assert_eq!(known.device, device_id("one"), "a lost answer is given again without a token");
    assert_eq!(store.tokens().await.unwrap()[0].uses_left, 0);
    assert_eq!(store.devices().await.unwrap().len(), 2);
    assert_eq!(store.stores().await.unwrap(), [store_id()]);
}

async fn a_token_is_refused_when_expired_revoked_or_of_another_store(make: Make<'_>) {
    let store = make("token refusals").await;
    let elsewhere = NewToken { store: Some(StoreId::new("0043").unwrap()), ..token("else", 1) };
    for token in [token("late", 1), token("revoked", 1), elsewhere] {
        store.add_token(token).await.unwrap();
    }
    store.revoke_token("revoked", at(1)).await.unwrap();
    let late = NewDevice { now: at(1_000), ..new_device("late", "late") };
    assert_eq!(store.enrol(late).await.unwrap(), None);
    assert_eq!(store.enrol(new_device("revoked", "revoked")).await.unwrap(), None);
    assert_eq!(store.enrol(new_device("else", "else")).await.unwrap(), None);
    let unknown = store.revoke_token("never made", at(1)).await;
    assert!(matches!(unknown, Err(StoreError::Unknown { .. })), "{unknown:?}");
}

async fn a_device_survives_reopening_with_its_states(make: Make<'_>) {
    let store = make("device states").await;
    let held = enrolled(&store, "held").await.device;
    let revoked = enrolled(&store, "revoked").await.device;
    store.hold_device(&held, HoldReason::Fork, at(9)).await.unwrap();
    store.revoke_device(&revoked, at(10)).await.unwrap();
    store.device_is_level(&held, at(11)).await.unwrap();
    drop(store);
    let store = make("device states").await;
    let device = store.device(&held).await.unwrap().unwrap();
    assert_eq!(device.state, DeviceState::Held { reason: HoldReason::Fork, since: at(9) });
    assert_eq!((device.level_at, device.seen_at), (Some(at(11)), Some(at(11))));
    assert_eq!(device.ticket, Some(Bytes([1; 16])));
    store.release_device(&held, None, at(12)).await.unwrap();
    let device = store.device(&held).await.unwrap().unwrap();
    assert_eq!((device.state, device.ticket), (DeviceState::Active, None));
    let state = store.device(&revoked).await.unwrap().unwrap().state;
    assert_eq!(state, DeviceState::Revoked { since: at(10) });
    for device in [&held, &revoked] {
        let refused = store.release_device(device, None, at(13)).await;
        assert!(matches!(refused, Err(StoreError::State { .. })), "{refused:?}");
    }
    assert_eq!(store.device(&device_id("nobody")).await.unwrap(), None);
}

async fn evidence_says_what_is_held_of_a_journal(make: Make<'_>) {
    let store = make("evidence").await;
    let mut journal = enrolled(&store, "d").await;
    for key in ["a", "b", "c"] {
        journal.sale(key);
    }
    store.commit_batch(journal.batch(0, 2)).await.unwrap();
    let mut ahead = statement(&journal, None);
    ahead.acknowledged = journal.position(1);
    let evidence = store.evidence(&ahead).await.unwrap();
    assert_eq!(evidence.head, Some(journal.position(2)));
    assert_eq!(evidence.hash_at_stated_head, None, "the relay does not hold the third entry");
    assert_eq!(evidence.hash_at_stated_mark, Some(journal.hash(1)));
    assert_eq!(evidence.current.unwrap().instance, Bytes([1; 16]));
    assert!(evidence.device_has_epochs);

    let next = Journal::new("d", 2);
    let predecessor = Predecessor {
        epoch: journal.epoch,
        head: journal.position(1),
        reason: EpochReason::Rewound,
    };
    let evidence = store.evidence(&statement(&next, Some(predecessor))).await.unwrap();
    assert_eq!(evidence.head, None, "the epoch is unknown");
    assert!(evidence.predecessor_known);

    // An epoch that only a held device stated is not known until a person releases it.
    let held = holding(&next.device, next.epoch, HoldReason::UnknownEpoch, Bytes([2; 16]));
    store.record_session(held).await.unwrap();
    assert_eq!(store.evidence(&statement(&next, None)).await.unwrap().head, None);
    store.release_device(&next.device, None, at(20)).await.unwrap();
    let evidence = store.evidence(&statement(&next, None)).await.unwrap();
    assert_eq!(evidence.head, Some(Position::START));
    assert_eq!(evidence.hash_at_stated_head, Some(GENESIS));
    assert_eq!((evidence.current, evidence.superseded.len()), (None, 0));
}

async fn superseded_instances_are_kept_up_to_the_bound(make: Make<'_>) {
    let store = make("superseded").await;
    let journal = enrolled(&store, "d").await;
    for number in 2..=u8::try_from(SUPERSEDED_MAX + 3).unwrap() {
        store.record_session(session(&journal.device, epoch(1), None, number)).await.unwrap();
        store.record_session(session(&journal.device, epoch(1), None, number)).await.unwrap();
    }
    let evidence = store.evidence(&statement(&journal, None)).await.unwrap();
    assert_eq!(evidence.superseded.len(), SUPERSEDED_MAX);
    assert_eq!(evidence.superseded.first(), Some(&Bytes([3; 16])), "the oldest went first");
    let mut challenge = session(&journal.device, epoch(1), None, 99);
    challenge.challenge = challenge.current.take();
    store.record_session(challenge).await.unwrap();
    let evidence = store.evidence(&statement(&journal, None)).await.unwrap();
    assert_eq!(evidence.challenge.unwrap().instance, Bytes([99; 16]));
    assert_ne!(evidence.current.unwrap().instance, Bytes([99; 16]));
}
