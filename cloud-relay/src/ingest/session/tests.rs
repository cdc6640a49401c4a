//! Each row of the table "who holds what", with what is written down and what is answered.

use jiff::SignedDuration;
use protocol::bytes::Bytes;
use protocol::chain::Sequence;
use protocol::handshake::EpochReason;
use protocol::id::{DeviceId, StoreId, Text};

use super::*;
use crate::ingest::tests::make::{at, device};

const TICKET: Ticket = Bytes([42; 16]);

fn position(sequence: u64) -> Position {
    Position { sequence: Sequence(sequence), chain_hash: Bytes([7; 32]) }
}

fn statement(head: u64, acknowledged: u64) -> Statement {
    Statement {
        protocol_version: PROTOCOL_VERSION,
        device: device().device,
        store: device().store,
        epoch: Bytes([5; 16]),
        predecessor: None,
        head: position(head),
        acknowledged: position(acknowledged),
        aside: None,
        inherited: None,
        instance: Bytes([1; 16]),
        attempt: 1,
        ticket: None,
        agent_version: Text::new("1.2.3").unwrap(),
        host_time: at(0),
    }
}

fn knowing(head: u64) -> Evidence {
    Evidence { head: Some(position(head)), device_has_epochs: true, ..Evidence::default() }
}

fn held(reason: HoldReason, since: i64) -> Device {
    Device { state: DeviceState::Held { reason, since: at(since) }, ..device() }
}

/// Why a statement led to a hold.
fn reason(found: &Session) -> Option<HoldReason> {
    match found.answer.standing {
        Standing::Held { reason, .. } => Some(reason),
        _ => None,
    }
}

fn judged(statement: &Statement, device: &Device, evidence: &Evidence) -> Session {
    session(statement, device, evidence, TICKET, Telling::Apart, at(1_000))
}

#[test]
fn a_new_device_begins_its_first_epoch_under_the_fresh_ticket() {
    let found = judged(&statement(0, 0), &device(), &Evidence::default());
    assert_eq!(found.change.begin, Some(None));
    assert_eq!(found.change.current.unwrap().ticket, TICKET);
    assert_eq!(found.answer.standing, Standing::Resume);
    assert_eq!((found.answer.head, found.answer.ticket), (Position::START, TICKET));
    assert_eq!((found.answer.instance, found.answer.attempt), (Bytes([1; 16]), 1));
}

#[test]
fn a_level_agent_resumes_and_one_that_was_acknowledged_more_resends() {
    let found = judged(&statement(9, 7), &device(), &knowing(7));
    assert_eq!((found.answer.standing, found.answer.head), (Standing::Resume, position(7)));
    assert_eq!(found.change.begin, None);
    let found = judged(&statement(9, 9), &device(), &knowing(7));
    assert_eq!(found.answer.standing, Standing::Resend);
    assert!(found.change.current.is_some() && found.change.hold.is_none());
}

#[test]
fn a_journal_behind_or_forked_is_held_without_a_session() {
    let mut evidence = knowing(9);
    evidence.hash_at_stated_head = Some(Bytes([7; 32]));
    let found = judged(&statement(7, 7), &device(), &evidence);
    assert_eq!(reason(&found), Some(HoldReason::Behind));
    assert_eq!((found.change.hold, found.change.current), (Some(HoldReason::Behind), None));
    evidence.hash_at_stated_head = Some(Bytes([8; 32]));
    let found = judged(&statement(7, 7), &device(), &evidence);
    assert_eq!(reason(&found), Some(HoldReason::Fork));
}

#[test]
fn a_new_epoch_after_a_rewind_waits_for_the_former_instances_silence() {
    let mut statement = statement(3, 0);
    statement.predecessor = Some(Predecessor {
        epoch: Bytes([4; 16]),
        head: position(7),
        reason: EpochReason::Rewound,
    });
    let evidence =
        Evidence { predecessor_known: true, device_has_epochs: true, ..Evidence::default() };
    let silent_since = |since| judged(&statement, &held(HoldReason::Behind, since), &evidence);
    let early = silent_since(1_000 - SILENCE.as_secs() + 1);
    assert_eq!(reason(&early), Some(HoldReason::Behind));
    assert_eq!((early.change.begin, early.renews_hold), (None, false));
    let late = silent_since(1_000 - SILENCE.as_secs());
    assert_eq!(late.answer.standing, Standing::Resume);
    assert_eq!(late.change.begin, Some(statement.predecessor.clone()));
    assert_eq!(SILENCE, SignedDuration::from_mins(10));
}

#[test]
fn the_former_instance_speaking_up_begins_the_silence_anew() {
    let found = judged(&statement(9, 7), &held(HoldReason::Behind, 0), &knowing(7));
    assert_eq!(reason(&found), Some(HoldReason::Behind));
    assert!(found.renews_hold);
}

#[test]
fn only_a_person_ends_a_fork() {
    let found = judged(&statement(9, 7), &held(HoldReason::Fork, -100_000), &knowing(7));
    assert_eq!(reason(&found), Some(HoldReason::Fork));
    assert_eq!((found.change.current, found.renews_hold), (None, false));
}

#[test]
fn a_repeated_statement_is_asked_again_and_opens_nothing() {
    let row = SessionRow { ticket: Bytes([9; 16]), instance: Bytes([1; 16]), attempt: 1 };
    let evidence = Evidence { current: Some(row), ..knowing(7) };
    let found = judged(&statement(7, 7), &device(), &evidence);
    assert_eq!(found.answer.standing, Standing::Restate);
    assert_eq!((found.change.current, found.change.challenge), (None, None));
}

#[test]
fn a_superseded_instance_is_challenged_with_a_ticket() {
    let row = SessionRow { ticket: Bytes([9; 16]), instance: Bytes([2; 16]), attempt: 1 };
    let superseded = vec![Bytes([1; 16])];
    let evidence = Evidence { current: Some(row), superseded, ..knowing(7) };
    let found = judged(&statement(7, 7), &device(), &evidence);
    assert_eq!(found.answer.standing, Standing::Restate);
    assert_eq!(found.change.challenge.unwrap().ticket, TICKET);
}

#[test]
fn a_statement_that_cannot_be_is_refused_with_its_code_and_the_next_step() {
    let cases = [
        (serde_json::json!({}), "SK0030"),
        (serde_json::json!({ "protocolVersion": 2, "anything": "else" }), "SK0025"),
        (serde_json::json!({ "protocolVersion": 1 }), "SK0030"),
        (
            serde_json::to_value(Statement {
                device: DeviceId::new("other").unwrap(),
                ..statement(1, 1)
            })
            .unwrap(),
            "SK0030",
        ),
        (
            serde_json::to_value(Statement {
                store: StoreId::new("0043").unwrap(),
                ..statement(1, 1)
            })
            .unwrap(),
            "SK0011",
        ),
    ];
    for (body, code) in cases {
        let problem = read(&serde_json::to_vec(&body).unwrap(), &device()).unwrap_err();
        assert_eq!(problem.code, code, "{problem}");
        assert!(problem.next.is_some(), "{problem}");
    }
    let good = serde_json::to_vec(&statement(1, 1)).unwrap();
    assert_eq!(read(&good, &device()).unwrap(), statement(1, 1));
}
