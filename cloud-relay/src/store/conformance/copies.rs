//! Claims about hosts that share an identity: which of them keeps it, and what the others share.

use protocol::bytes::Bytes;
use protocol::chain::Position;
use protocol::handshake::judge::{CopyRow, CopyState};
use protocol::handshake::{EpochReason, HoldReason, InstanceId, Predecessor};

use super::super::model::{COPIES_MAX, HeldCopy, SessionChange};
use super::super::{SharedStore, StoreError};
use super::Make;
use super::devices::statement;
use super::fixtures::{Journal, aside, at, committed, enrolled, holding, session};

pub(super) async fn run(make: Make<'_>) {
    a_person_names_the_copy_and_only_one_that_continues_the_head_can_keep_it(make).await;
    of_two_branches_at_the_head_the_named_one_counts(make).await;
    a_rewound_epoch_may_keep_the_identity(make).await;
    copies_are_known_after_a_restart_and_bounded(make).await;
    the_only_copy_that_left_the_history_gets_a_name_of_its_own(make).await;
}

async fn the_only_copy_that_left_the_history_gets_a_name_of_its_own(make: Make<'_>) {
    let store = make("only copy").await;
    let mut one = enrolled(&store, "d").await;
    one.sale("a");
    let mut two = one.clone();
    one.sale("b");
    two.sale("x");
    store.commit_batch(one.all()).await.unwrap();
    store.record_session(stated(&two, 2, None)).await.unwrap();
    let early = store.release_device(&one.device, None, at(20)).await;
    assert!(is_refused(&early), "it has not sent what it stated");
    store.commit_batch(two.batch(1, 2)).await.unwrap();
    store.release_device(&one.device, None, at(20)).await.unwrap();
    let shared = Some(one.position(1));
    assert_eq!(state_of(&store, &one, 2).await, Some(CopyState::Displaced { shared }));
    assert_eq!(store.head(&one.device, one.epoch).await.unwrap(), Some(one.head()));
}

fn instance(number: u8) -> InstanceId {
    Bytes([number; 16])
}

/// A host states its journal while the device is held.
fn stated(journal: &Journal, number: u8, replaces: Option<InstanceId>) -> SessionChange {
    let row = CopyRow {
        instance: instance(number),
        ticket: Bytes([number; 16]),
        attempt: 1,
        first_at: at(10),
        answered_at: None,
        seen_at: at(10 + i64::from(number)),
        state: CopyState::Held,
    };
    let copy = HeldCopy { row, replaces, epoch: journal.epoch, head: journal.head() };
    let reason = HoldReason::Clone;
    let change = holding(&journal.device, journal.epoch, reason, instance(number));
    SessionChange { copy: Some(copy), ..change }
}

async fn state_of(store: &SharedStore, journal: &Journal, number: u8) -> Option<CopyState> {
    let copies = store.evidence(&statement(journal, None)).await.unwrap().copies;
    copies.iter().find(|copy| copy.instance == instance(number)).map(|copy| copy.state)
}

fn is_refused(outcome: &Result<(), StoreError>) -> bool {
    matches!(outcome, Err(StoreError::State { .. } | StoreError::Unknown { .. }))
}

async fn a_person_names_the_copy_and_only_one_that_continues_the_head_can_keep_it(make: Make<'_>) {
    let store = make("named copy").await;
    let mut one = enrolled(&store, "d").await;
    one.sale("a");
    let mut two = one.clone();
    one.sale("b");
    two.sale("x");
    store.commit_batch(one.all()).await.unwrap();
    store.record_session(stated(&one, 1, None)).await.unwrap();
    store.record_session(stated(&two, 2, None)).await.unwrap();
    assert_eq!(store.commit_batch(two.batch(1, 2)).await.unwrap(), aside(&two, 2, 1));
    let evidence = store.evidence(&statement(&two, None)).await.unwrap();
    assert_eq!(evidence.aside, Some(two.head()));
    for keep in [None, Some(instance(2)), Some(instance(9))] {
        let refused = store.release_device(&one.device, keep, at(20)).await;
        assert!(is_refused(&refused), "{refused:?}");
    }
    store.release_device(&one.device, Some(instance(1)), at(20)).await.unwrap();
    assert_eq!(state_of(&store, &one, 1).await, None);
    let shared = Some(one.position(1));
    assert_eq!(state_of(&store, &one, 2).await, Some(CopyState::Displaced { shared }));
    let story = store.device_story(&one.device).await.unwrap().unwrap();
    assert_eq!(story.epochs[0].aside, 1, "the other branch stays");
    assert!(story.copies[0].displaced);
    one.sale("c");
    assert_eq!(store.commit_batch(one.batch(2, 3)).await.unwrap(), committed(&one, 3, 1));
    // Until it hears of it, the displaced one goes on with its own branch, and that is no new fork.
    two.sale("y");
    assert_eq!(store.commit_batch(two.batch(1, 3)).await.unwrap(), aside(&two, 3, 1));
    two.sale("z");
    assert_eq!(store.commit_batch(two.batch(3, 4)).await.unwrap(), aside(&two, 4, 1));
    store.record_session(session(&one.device, one.epoch, None, 7)).await.unwrap();
    let shared = Some(CopyState::Displaced { shared });
    assert_eq!(state_of(&store, &one, 2).await, shared, "a session does not make it forgotten");
}

async fn of_two_branches_at_the_head_the_named_one_counts(make: Make<'_>) {
    let store = make("two branches").await;
    let mut one = enrolled(&store, "d").await;
    one.sale("a");
    store.commit_batch(one.all()).await.unwrap();
    let mut two = one.clone();
    one.sale("b");
    two.sale("x");
    two.sale("y");
    store.record_session(stated(&one, 1, None)).await.unwrap();
    store.record_session(stated(&two, 2, None)).await.unwrap();
    let early = store.release_device(&one.device, Some(instance(2)), at(20)).await;
    assert!(is_refused(&early), "it has not sent what it stated");
    store.commit_batch(one.batch(1, 2)).await.unwrap();
    store.commit_batch(two.batch(1, 3)).await.unwrap();
    two.sale("z");
    store.commit_batch(two.batch(3, 4)).await.unwrap();
    store.release_device(&one.device, Some(instance(2)), at(20)).await.unwrap();
    let head = store.head(&two.device, two.epoch).await.unwrap();
    assert_eq!(head, Some(two.head()), "and what came after its statement");
    let shared = Some(one.position(1));
    assert_eq!(state_of(&store, &one, 1).await, Some(CopyState::Displaced { shared }));
}

async fn a_rewound_epoch_may_keep_the_identity(make: Make<'_>) {
    let store = make("rewound keeps").await;
    let mut one = enrolled(&store, "d").await;
    one.sale("a");
    one.sale("b");
    store.commit_batch(one.all()).await.unwrap();
    let mut two = Journal::new("d", 2);
    two.sale("x");
    store.record_session(stated(&one, 1, None)).await.unwrap();
    let predecessor =
        Predecessor { epoch: one.epoch, head: one.position(1), reason: EpochReason::Rewound };
    let evidence = store.evidence(&statement(&two, Some(predecessor))).await.unwrap();
    assert_eq!(evidence.hash_at_predecessor, Some(one.hash(1)));
    store.record_session(stated(&two, 2, None)).await.unwrap();
    store.commit_batch(two.all()).await.unwrap();
    store.release_device(&two.device, Some(instance(2)), at(20)).await.unwrap();
    assert_eq!(store.head(&two.device, two.epoch).await.unwrap(), Some(two.head()));
    let shared = Some(one.head());
    assert_eq!(state_of(&store, &one, 1).await, Some(CopyState::Displaced { shared }));
    // The former epoch is succeeded once one has begun that names it.
    let mut three = session(&one.device, Bytes([3; 16]), Some(None), 8);
    let reason = EpochReason::Rewound;
    let names = Predecessor { epoch: one.epoch, head: Position::START, reason };
    three.begin = Some(Some(names));
    assert!(!store.evidence(&statement(&one, None)).await.unwrap().succeeded);
    store.record_session(three).await.unwrap();
    assert!(store.evidence(&statement(&one, None)).await.unwrap().succeeded);
}

async fn copies_are_known_after_a_restart_and_bounded(make: Make<'_>) {
    let store = make("copies bounded").await;
    let mut one = enrolled(&store, "d").await;
    one.sale("a");
    store.commit_batch(one.all()).await.unwrap();
    store.record_session(stated(&one, 1, None)).await.unwrap();
    store.record_session(stated(&one, 2, Some(instance(1)))).await.unwrap();
    assert_eq!(state_of(&store, &one, 1).await, None, "the same host, started anew");
    store.release_device(&one.device, None, at(20)).await.unwrap();
    for number in 1..=u8::try_from(COPIES_MAX + 3).unwrap() {
        store.record_session(stated(&one, number, None)).await.unwrap();
    }
    let story = store.device_story(&one.device).await.unwrap().unwrap();
    assert_eq!(story.copies.len(), COPIES_MAX);
    assert_eq!(state_of(&store, &one, 1).await, None, "the one that was silent for longest");
}
