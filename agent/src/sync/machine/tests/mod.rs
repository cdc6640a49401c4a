//! The machine by tables: one case for each kind of answer, and what follows from it.
//! `model` tries it against a relay that loses, repeats and invents.

mod model;

use jiff::Timestamp;
use protocol::bytes::Bytes;
use protocol::handshake::{HoldReason, PROTOCOL_VERSION};
use protocol::id::{StoreId, Text};

use super::*;

const NOW: Moment = Moment::from_secs(100);
const LATEST: u32 = u32::MAX;

fn device() -> DeviceId {
    DeviceId::new("d-1").unwrap()
}

fn epoch() -> Epoch {
    Bytes([7; 16])
}

/// A chain hash that the tests know by its sequence.
fn hash(sequence: u64) -> ChainHash {
    Bytes([u8::try_from(sequence).unwrap(); 32])
}

fn position(sequence: u64) -> Position {
    Position { sequence: Sequence(sequence), chain_hash: hash(sequence) }
}

fn statement(attempt: u64) -> Statement {
    Statement {
        protocol_version: PROTOCOL_VERSION,
        device: device(),
        store: StoreId::new("0042").unwrap(),
        epoch: epoch(),
        predecessor: None,
        head: position(10),
        acknowledged: position(4),
        aside: None,
        inherited: None,
        instance: Bytes([3; 16]),
        attempt,
        ticket: None,
        agent_version: Text::new("1").unwrap(),
        host_time: Timestamp::UNIX_EPOCH,
    }
}

fn answer(standing: Standing, head: u64) -> SessionAnswer {
    SessionAnswer {
        device: device(),
        epoch: epoch(),
        head: position(head),
        standing,
        ticket: Bytes([5; 16]),
        instance: Bytes([3; 16]),
        attempt: 1,
        relay_time: Timestamp::UNIX_EPOCH,
    }
}

fn stated(sequence: u64) -> Acknowledgement {
    let Position { sequence, chain_hash } = position(sequence);
    Acknowledgement { device: device(), epoch: epoch(), sequence, chain_hash }
}

/// A machine over ten entries whose first statement is under way.
fn stating() -> Machine {
    let mut machine = Machine::new(device(), epoch(), Sequence(10));
    assert_eq!(machine.next(NOW), Action::State { attempt: 1 });
    machine
}

/// A machine whose batch after entry 4 is under way.
fn sending() -> Machine {
    let mut machine = stating();
    let resume = answer(Standing::Resume, 4);
    machine.session_answered(&statement(1), &resume, Some(hash(4)), NOW, LATEST);
    let send = Action::Send { after: position(4), entries_max: BATCH_ENTRIES_MAX };
    assert_eq!(machine.next(NOW), send);
    machine
}

fn waits_for(machine: &mut Machine) -> Option<Moment> {
    match machine.next(NOW) {
        Action::Wait { until } => until.map(|until| until.saturating_sub(NOW)),
        other => panic!("{other:?} instead of waiting"),
    }
}

fn refusal(code: Code) -> Failure {
    Failure::Refused(Reason::new(code, "no"))
}

#[test]
fn each_standing_leads_to_what_it_means() {
    let answered = |standing, head, own| {
        let mut machine = stating();
        let answer = answer(standing, head);
        let outcome = machine.session_answered(&statement(1), &answer, own, NOW, LATEST);
        (outcome.acknowledged, outcome.ticket.is_some(), outcome.link, machine.next(NOW))
    };
    let send = |after| Action::Send { after: position(after), entries_max: BATCH_ENTRIES_MAX };
    let soon = Action::Wait { until: Some(NOW + Duration::from_millis(999)) };

    let resumed = answered(Standing::Resume, 6, Some(hash(6)));
    assert_eq!(resumed, (Some(position(6)), true, Some(LinkNews::Online), send(6)));

    let restored = answered(Standing::Resend, 2, Some(hash(2)));
    assert_eq!(restored, (None, true, Some(LinkNews::Online), send(2)));

    let asked_again = answered(Standing::Restate, 6, Some(hash(6)));
    assert_eq!(asked_again, (None, true, None, Action::State { attempt: 2 }));

    for reason in
        [HoldReason::Behind, HoldReason::Fork, HoldReason::Clone, HoldReason::UnknownEpoch]
    {
        // What the relay lacks of our branch goes aside; of another's branch nothing is sent.
        let standing = Standing::Held { reason, relay_head: None };
        let held = answered(standing.clone(), 6, Some(hash(6)));
        assert_eq!(held, (None, true, Some(LinkNews::Held(reason)), send(6)));
        let held = answered(standing, 6, Some(hash(7)));
        assert_eq!(held, (None, true, Some(LinkNews::Held(reason)), soon));
    }
}

#[test]
fn an_answer_to_another_statement_changes_nothing() {
    let mut machine = stating();
    let resume = answer(Standing::Resume, 6);
    for other in [
        SessionAnswer { attempt: 2, ..resume.clone() },
        SessionAnswer { instance: Bytes([4; 16]), ..resume.clone() },
        SessionAnswer { epoch: Bytes([8; 16]), ..resume.clone() },
        SessionAnswer { device: DeviceId::new("d-2").unwrap(), ..resume },
    ] {
        let outcome = machine.session_answered(&statement(1), &other, Some(hash(6)), NOW, LATEST);
        assert_eq!((outcome.ticket, outcome.acknowledged), (None, None));
        assert!(matches!(outcome.link, Some(LinkNews::Down(_))));
        assert!(waits_for(&mut machine).is_some());
    }
}

#[test]
fn a_relay_with_another_history_is_sent_nothing() {
    for own in [Some(hash(7)), None] {
        let mut machine = stating();
        let resume = answer(Standing::Resume, 6);
        let outcome = machine.session_answered(&statement(1), &resume, own, NOW, LATEST);
        assert_eq!(outcome.acknowledged, None);
        assert!(matches!(outcome.link, Some(LinkNews::Down(r)) if r.code == Code::ChainBroken));
        assert!(waits_for(&mut machine).is_some());
    }
}

#[test]
fn only_an_acknowledgement_with_our_own_chain_hash_counts() {
    let mut machine = sending();
    let answer = BatchAnswer::Acknowledgement(stated(10));
    let outcome = machine.batch_answered(&answer, Some(hash(10)), NOW, LATEST);
    assert_eq!(outcome.acknowledged, Some(position(10)));
    assert_eq!(machine.next(NOW), Action::Wait { until: None });

    let foreign = Acknowledgement { device: DeviceId::new("d-2").unwrap(), ..stated(10) };
    let older = Acknowledgement { epoch: Bytes([8; 16]), ..stated(10) };
    for (stated, own) in [
        (stated(10), Some(hash(9))),
        (stated(11), None),
        (foreign, Some(hash(10))),
        (older, Some(hash(10))),
        (stated(4), Some(hash(4))),
    ] {
        let mut machine = sending();
        let answer = BatchAnswer::Acknowledgement(stated.clone());
        let outcome = machine.batch_answered(&answer, own, NOW, LATEST);
        assert_eq!(outcome.acknowledged, None, "{stated:?} with {own:?}");
        assert!(matches!(outcome.link, Some(LinkNews::Down(_))));
        assert!(waits_for(&mut machine).is_some());
    }
}

#[test]
fn an_acknowledgement_of_part_of_a_batch_counts_and_the_rest_is_sent() {
    let mut machine = sending();
    let answer = BatchAnswer::Acknowledgement(stated(7));
    machine.batch_answered(&answer, Some(hash(7)), NOW, LATEST);
    let next = machine.next(NOW + LINGER);
    assert_eq!(next, Action::Send { after: position(7), entries_max: BATCH_ENTRIES_MAX });
}

#[test]
fn a_relay_that_holds_less_sends_the_agent_back_once_and_is_then_waited_for() {
    let mut machine = sending();
    let back = BatchAnswer::Head(stated(2));
    let outcome = machine.batch_answered(&back, Some(hash(2)), NOW, LATEST);
    assert_eq!(outcome, Outcome::default());
    let again = machine.next(NOW + LINGER);
    assert_eq!(again, Action::Send { after: position(2), entries_max: BATCH_ENTRIES_MAX });
    let outcome = machine.batch_answered(&back, Some(hash(2)), NOW, LATEST);
    assert!(matches!(outcome.link, Some(LinkNews::Down(_))), "no loop");
}

#[test]
fn each_failure_waits_on_its_own_ladder() {
    let reason = || Reason::new(Code::RelayUnreachable, "gone");
    let longest = |failure: Failure| {
        let mut machine = sending();
        for _ in 0..20 {
            let outcome = machine.failed(&failure, NOW, LATEST);
            assert_eq!(outcome.link, Some(LinkNews::Down(failure.reason().clone())));
            assert_eq!(outcome.acknowledged, None);
        }
        waits_for(&mut machine).unwrap()
    };
    assert_eq!(longest(Failure::Unreachable(reason())).as_millis(), 999);
    assert_eq!(longest(Failure::unavailable(reason())).as_secs(), 14);
    for code in [Code::UnsupportedVersion, Code::BadSignature, Code::DeviceRevoked] {
        assert_eq!(longest(refusal(code)).as_secs(), 299, "{code}");
    }
}

#[test]
fn a_wish_for_later_is_followed_within_bounds() {
    let after = |seconds| {
        let mut machine = sending();
        let reason = Reason::new(Code::Busy, "busy");
        let retry_after = Some(Duration::from_secs(seconds));
        machine.failed(&Failure::Unavailable { reason, retry_after }, NOW, 0);
        waits_for(&mut machine).unwrap().as_secs()
    };
    assert_eq!([after(7), after(1_000_000)], [7, policy::RETRY_AFTER_MAX.as_secs()]);
}

#[test]
fn a_session_that_is_over_is_opened_anew_at_once_but_not_in_a_loop() {
    let over = Failure::StaleSession(Reason::new(Code::StaleSession, "over"));
    let mut machine = sending();
    assert_eq!(machine.failed(&over, NOW, LATEST), Outcome::default(), "no outage is shown");
    assert_eq!(machine.next(NOW), Action::State { attempt: 2 });
    let again = machine.failed(&over, NOW, LATEST);
    assert!(matches!(again.link, Some(LinkNews::Down(_))));
    assert!(waits_for(&mut machine).is_some());
}

#[test]
fn refused_batches_wait_longer_each_time_although_sessions_open() {
    let mut machine = sending();
    let mut now = NOW;
    let mut waited = Vec::new();
    for _ in 0..4 {
        machine.failed(&refusal(Code::InvalidBatch), now, LATEST);
        let Action::Wait { until: Some(until) } = machine.next(now) else { panic!("a wait") };
        waited.push((until - now).as_secs());
        let Action::State { attempt } = machine.next(until) else { panic!("a statement") };
        let answer = SessionAnswer { attempt, ..answer(Standing::Resume, 4) };
        machine.session_answered(&statement(attempt), &answer, Some(hash(4)), until, LATEST);
        now = until + LINGER;
        assert!(matches!(machine.next(now), Action::Send { .. }));
    }
    assert_eq!(waited, [0, 1, 3, 7]);
}

#[test]
fn a_batch_too_large_for_what_lies_between_is_halved() {
    let too_large = Failure::TooLarge(Reason::new(Code::TooLarge, "413"));
    let mut machine = sending();
    let mut now = NOW;
    for entries in [500, 250, 125, 62, 31, 15, 7, 3, 1] {
        assert_eq!(machine.failed(&too_large, now, LATEST), Outcome::default());
        now += LINGER;
        let send = Action::Send { after: position(4), entries_max: entries };
        assert_eq!(machine.next(now), send);
    }
    assert!(matches!(machine.failed(&too_large, NOW, LATEST).link, Some(LinkNews::Down(_))));
}

#[test]
fn a_single_sale_goes_at_once_and_what_follows_closely_is_gathered() {
    let mut machine = sending();
    let answer = BatchAnswer::Acknowledgement(stated(10));
    machine.batch_answered(&answer, Some(hash(10)), NOW, LATEST);
    machine.head_is(Sequence(11));
    assert_eq!(machine.next(NOW), Action::Wait { until: Some(NOW + LINGER) });
    machine.head_is(Sequence(1_010));
    assert!(matches!(machine.next(NOW), Action::Send { .. }), "a full batch does not wait");

    let answer = BatchAnswer::Acknowledgement(stated(200));
    let later = NOW + LINGER;
    machine.batch_answered(&answer, Some(hash(200)), later, LATEST);
    assert!(matches!(machine.next(later), Action::Send { .. }), "nor does one after a pause");
}

#[test]
fn a_doubt_from_the_downlink_opens_a_new_session_unless_a_batch_will_tell() {
    let gone = Failure::Unreachable(Reason::new(Code::RelayUnreachable, "gone"));
    let mut machine = sending();
    assert_eq!(machine.doubted(&gone, NOW, LATEST), Outcome::default());
    let answer = BatchAnswer::Acknowledgement(stated(10));
    machine.batch_answered(&answer, Some(hash(10)), NOW, LATEST);
    assert!(matches!(machine.doubted(&gone, NOW, 0).link, Some(LinkNews::Down(_))));
    assert_eq!(machine.next(NOW), Action::State { attempt: 2 });
}

/// A machine that is held and whose batch after entry 4 is under way.
fn sending_aside() -> Machine {
    let mut machine = stating();
    let standing = Standing::Held { reason: HoldReason::Fork, relay_head: None };
    let held = answer(standing, 4);
    machine.session_answered(&statement(1), &held, Some(hash(4)), NOW, LATEST);
    assert!(matches!(machine.next(NOW), Action::Send { .. }));
    machine
}

#[test]
fn what_is_kept_aside_does_not_count_as_relayed() {
    let mut machine = sending_aside();
    let aside = BatchAnswer::Aside(stated(10));
    let outcome = machine.batch_answered(&aside, Some(hash(10)), NOW, LATEST);
    assert_eq!((outcome.aside, outcome.acknowledged), (Some(position(10)), None));
    let Action::Wait { until: Some(until) } = machine.next(NOW) else { panic!("it waits") };
    assert!(until - NOW <= Duration::from_secs(30));
    assert_eq!(machine.next(until), Action::State { attempt: 2 });
}

#[test]
fn a_hold_that_begins_under_a_session_is_asked_about_at_once() {
    let mut machine = sending();
    let aside = BatchAnswer::Aside(stated(10));
    let outcome = machine.batch_answered(&aside, Some(hash(10)), NOW, LATEST);
    assert_eq!((outcome.aside, outcome.acknowledged), (Some(position(10)), None));
    assert_eq!(machine.next(NOW), Action::State { attempt: 2 });
}

#[test]
fn what_is_acknowledged_while_held_tells_of_the_release() {
    let mut machine = sending_aside();
    let taken = BatchAnswer::Acknowledgement(stated(10));
    let outcome = machine.batch_answered(&taken, Some(hash(10)), NOW, LATEST);
    assert_eq!(outcome.acknowledged, Some(position(10)));
    assert_eq!(machine.next(NOW), Action::State { attempt: 2 });
}

#[test]
fn a_journal_behind_goes_on_in_a_new_epoch_and_states_it_at_once() {
    let mut machine = stating();
    let relay_head = Some(Sequence(20));
    let behind = answer(Standing::Held { reason: HoldReason::Behind, relay_head }, 10);
    let outcome = machine.session_answered(&statement(1), &behind, Some(hash(10)), NOW, LATEST);
    let turn = Turn::Rewind { head: position(10), relay_head: Sequence(20) };
    assert_eq!((outcome.turn, outcome.link), (Some(turn), None));
    machine.epoch_began(Bytes([8; 16]), Sequence(0));
    assert_eq!(machine.next(NOW), Action::State { attempt: 2 });
}

#[test]
fn a_displaced_copy_believes_only_what_its_own_journal_bears_out() {
    let displaced = answer(Standing::Displaced, 6);
    let mut machine = stating();
    let outcome = machine.session_answered(&statement(1), &displaced, Some(hash(6)), NOW, LATEST);
    assert_eq!(outcome.turn, Some(Turn::Displaced { shared: position(6) }));
    let mut machine = stating();
    let outcome = machine.session_answered(&statement(1), &displaced, Some(hash(7)), NOW, LATEST);
    assert!(matches!(outcome.link, Some(LinkNews::Down(r)) if r.code == Code::ChainBroken));
}
