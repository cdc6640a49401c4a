//! Each row of the table "who holds what", and the ways a message can come late.

use super::*;
use crate::bytes::Bytes;
use crate::chain::Sequence;
use crate::handshake::{EpochReason, PROTOCOL_VERSION, Predecessor};
use crate::id::{DeviceId, StoreId, Text};

const ONE: InstanceId = Bytes([1; 16]);
const TWO: InstanceId = Bytes([2; 16]);
const TICKET: Ticket = Bytes([9; 16]);

fn at(sequence: u64, hash: u8) -> Position {
    Position { sequence: Sequence(sequence), chain_hash: Bytes([hash; 32]) }
}

fn statement(head: Position, acknowledged: Position) -> Statement {
    Statement {
        protocol_version: PROTOCOL_VERSION,
        device: DeviceId::new("pos-1").unwrap(),
        store: StoreId::new("0042").unwrap(),
        epoch: Bytes([5; 16]),
        predecessor: None,
        head,
        acknowledged,
        aside: None,
        inherited: None,
        instance: ONE,
        attempt: 1,
        ticket: None,
        agent_version: Text::new("0.1.0").unwrap(),
        host_time: "2026-11-23T16:04:11Z".parse().unwrap(),
    }
}

fn knowing(head: Position) -> Evidence {
    Evidence { head: Some(head), device_has_epochs: true, ..Evidence::default() }
}

fn session(instance: InstanceId, attempt: u64) -> Option<SessionRow> {
    Some(SessionRow { ticket: TICKET, instance, attempt })
}

#[test]
fn the_first_epoch_of_a_new_device_begins() {
    let statement = statement(Position::START, Position::START);
    assert_eq!(judge(&statement, &Evidence::default()), Verdict::Begin);
}

#[test]
fn an_agent_level_with_or_ahead_of_the_relay_resumes() {
    for head in [at(7, 7), at(9, 9)] {
        let mut evidence = knowing(at(7, 7));
        evidence.hash_at_stated_mark = Some(Bytes([7; 32]));
        assert_eq!(judge(&statement(head, at(7, 7)), &evidence), Verdict::Resume);
    }
}

#[test]
fn an_agent_behind_the_relay_is_held_until_the_former_instance_is_silent() {
    let mut evidence = knowing(at(9, 9));
    evidence.hash_at_stated_head = Some(Bytes([7; 32]));
    evidence.hash_at_stated_mark = Some(Bytes([7; 32]));
    let verdict = judge(&statement(at(7, 7), at(7, 7)), &evidence);
    assert_eq!(verdict, Verdict::Hold(HoldReason::Behind));
}

#[test]
fn another_hash_at_the_stated_head_or_mark_is_a_fork() {
    let mut evidence = knowing(at(9, 9));
    evidence.hash_at_stated_head = Some(Bytes([8; 32]));
    let verdict = judge(&statement(at(7, 7), Position::START), &evidence);
    assert_eq!(verdict, Verdict::Hold(HoldReason::Fork));

    let mut evidence = knowing(at(7, 7));
    evidence.hash_at_stated_mark = Some(Bytes([3; 32]));
    let verdict = judge(&statement(at(9, 9), at(6, 6)), &evidence);
    assert_eq!(verdict, Verdict::Hold(HoldReason::Fork));
}

#[test]
fn a_restored_relay_asks_for_what_it_lost() {
    let verdict = judge(&statement(at(9, 9), at(8, 8)), &knowing(at(5, 5)));
    assert_eq!(verdict, Verdict::Resend);
}

#[test]
fn an_unknown_epoch_begins_only_with_a_known_predecessor() {
    let evidence = Evidence { device_has_epochs: true, ..Evidence::default() };
    let mut statement = statement(Position::START, Position::START);
    assert_eq!(judge(&statement, &evidence), Verdict::Hold(HoldReason::UnknownEpoch));
    statement.predecessor =
        Some(Predecessor { epoch: Bytes([4; 16]), head: at(3, 3), reason: EpochReason::Rewound });
    assert_eq!(judge(&statement, &evidence), Verdict::Hold(HoldReason::UnknownEpoch));
    let evidence = Evidence { predecessor_known: true, ..evidence };
    assert_eq!(judge(&statement, &evidence), Verdict::Begin);
}

#[test]
fn a_rewound_epoch_waits_for_the_former_instance_and_a_salvaged_one_does_not() {
    let known =
        Evidence { device_has_epochs: true, predecessor_known: true, ..Evidence::default() };
    let with_session = Evidence { current: session(ONE, 40), ..known.clone() };
    let mut statement = statement(Position::START, Position::START);
    (statement.instance, statement.ticket) = (TWO, Some(TICKET));
    let names = |reason| Predecessor { epoch: Bytes([4; 16]), head: at(3, 3), reason };
    statement.predecessor = Some(names(EpochReason::Rewound));
    assert_eq!(judge(&statement, &with_session), Verdict::Rewind);
    assert_eq!(judge(&statement, &known), Verdict::Begin, "a person released the device");
    let another = Evidence { hash_at_predecessor: Some(Bytes([8; 32])), ..with_session.clone() };
    assert_eq!(judge(&statement, &another), Verdict::Hold(HoldReason::Fork));
    statement.acknowledged = at(2, 2);
    assert_eq!(judge(&statement, &with_session), Verdict::Begin, "the relay was restored");
    statement.acknowledged = Position::START;
    statement.predecessor = Some(names(EpochReason::Salvaged));
    assert_eq!(judge(&statement, &with_session), Verdict::Begin);
}

#[test]
fn an_epoch_that_has_a_successor_is_gone_on_with_by_nobody() {
    let mut evidence = Evidence { succeeded: true, ..knowing(at(7, 7)) };
    evidence.hash_at_stated_head = Some(Bytes([7; 32]));
    let level = statement(at(7, 7), at(7, 7));
    assert_eq!(judge(&level, &evidence), Verdict::Hold(HoldReason::Behind));
    evidence.hash_at_stated_head = None;
    let ahead = statement(at(9, 9), at(7, 7));
    assert_eq!(judge(&ahead, &evidence), Verdict::Hold(HoldReason::Fork));
}

#[test]
fn hosts_that_spoke_one_after_the_other_are_no_clones() {
    let second = |second| Timestamp::from_second(second).unwrap();
    let copy = |first: i64, answered: Option<i64>| CopyRow {
        instance: ONE,
        ticket: TICKET,
        attempt: 1,
        first_at: second(first),
        answered_at: answered.map(second),
        seen_at: second(first),
        state: CopyState::Held,
    };
    assert!(copy(1, Some(9)).lives_beside(&copy(5, Some(7))));
    assert!(!copy(1, Some(4)).lives_beside(&copy(5, Some(7))));
    assert!(!copy(5, Some(7)).lives_beside(&copy(1, Some(4))));
    assert!(!copy(1, Some(9)).lives_beside(&copy(5, None)), "it may be a late message");
}

#[test]
fn a_restart_takes_over_without_an_alarm() {
    let mut evidence = knowing(at(7, 7));
    evidence.current = session(ONE, 40);
    let mut statement = statement(at(7, 7), at(7, 7));
    statement.instance = TWO;
    statement.ticket = Some(TICKET);
    assert_eq!(judge(&statement, &evidence), Verdict::Resume);
}

#[test]
fn a_start_without_the_last_ticket_shows_first_that_it_lives() {
    let mut evidence = knowing(at(7, 7));
    evidence.current = session(ONE, 40);
    let mut statement = statement(at(5, 7), at(5, 7));
    statement.instance = TWO;
    for ticket in [None, Some(Bytes([3; 16]))] {
        statement.ticket = ticket;
        assert_eq!(
            judge(&statement, &evidence),
            Verdict::Restate,
            "it may have been kept and said again"
        );
    }
    evidence.challenge = Some(SessionRow { ticket: Bytes([8; 16]), instance: TWO, attempt: 1 });
    statement.ticket = Some(Bytes([8; 16]));
    assert_eq!(judge(&statement, &evidence), Verdict::Hold(HoldReason::Behind));
}

#[test]
fn a_repeated_statement_opens_no_session_and_raises_no_alarm() {
    let mut evidence = knowing(at(7, 7));
    evidence.current = session(ONE, 3);
    let mut statement = statement(at(7, 7), at(7, 7));
    statement.attempt = 3;
    assert_eq!(judge(&statement, &evidence), Verdict::Restate);
    statement.attempt = 4;
    assert_eq!(judge(&statement, &evidence), Verdict::Resume);
}

#[test]
fn a_straggler_of_a_dead_instance_is_not_taken_for_a_clone() {
    let mut evidence = knowing(at(7, 7));
    evidence.current = session(TWO, 1);
    evidence.superseded = vec![ONE];
    assert_eq!(judge(&statement(at(7, 7), at(7, 7)), &evidence), Verdict::Restate);
}

#[test]
fn a_living_copy_that_answers_the_challenge_is_a_clone() {
    let mut evidence = knowing(at(7, 7));
    evidence.current = session(TWO, 1);
    evidence.superseded = vec![ONE];
    evidence.challenge = Some(SessionRow { ticket: Bytes([8; 16]), instance: ONE, attempt: 1 });
    let mut statement = statement(at(7, 7), at(7, 7));
    statement.attempt = 2;
    assert_eq!(judge(&statement, &evidence), Verdict::Restate);
    statement.ticket = Some(Bytes([8; 16]));
    assert_eq!(judge(&statement, &evidence), Verdict::Hold(HoldReason::Clone));
}

#[test]
fn an_agent_refuses_an_answer_with_another_history_or_to_another_statement() {
    let stated = statement(at(9, 9), at(7, 7));
    let answer = SessionAnswer {
        device: stated.device.clone(),
        epoch: stated.epoch,
        head: at(7, 7),
        standing: Standing::Resume,
        ticket: TICKET,
        instance: ONE,
        attempt: 1,
        relay_time: stated.host_time,
    };
    assert_eq!(answer_fits(&answer, &stated, Some(Bytes([7; 32]))), Ok(()));
    assert_eq!(answer_fits(&answer, &stated, Some(Bytes([6; 32]))), Err(AnswerError::Fork));
    assert_eq!(answer_fits(&answer, &stated, None), Err(AnswerError::Fork));
    let old = SessionAnswer { attempt: 0, ..answer };
    assert_eq!(answer_fits(&old, &stated, Some(Bytes([7; 32]))), Err(AnswerError::Other));
}
