//! The rules of order, causality and retry.

use uuid::Uuid;

use super::*;
use crate::dispatch::tests::make::{at, bundle, due, id, open, reference, rules};

fn step(open: &[Open], bundle: Option<&Bundle>, now: Timestamp) -> Next {
    step_with(open, bundle, &[], now)
}

fn step_with(
    open: &[Open],
    bundle: Option<&Bundle>,
    originals: &[(&str, OriginalState)],
    now: Timestamp,
) -> Next {
    let originals =
        originals.iter().map(|(key, state)| ((*key).to_owned(), state.clone())).collect();
    next(&LaneState { open, bundle, originals: &originals, rules: rules() }, now)
}

fn depending(number: i64, on: &str) -> Open {
    let mut open = open(number, Mode::Document, due(0));
    open.delivery.planned.depends_on = vec![on.to_owned()];
    open
}

fn only_state(next: Next) -> DeliveryState {
    match next {
        Next::Settle(transitions) if transitions.len() == 1 => transitions[0].state.clone(),
        next => panic!("{next:?}"),
    }
}

#[test]
fn an_empty_lane_is_idle() {
    assert_eq!(step(&[], None, at(0)), Next::Idle);
}

#[test]
fn what_was_never_attempted_is_created() {
    let open = [open(1, Mode::Document, due(0))];
    assert_eq!(step(&open, None, at(0)), Next::Documents(vec![DocumentStep::Create(id(1))]));
}

#[test]
fn an_attempt_without_outcome_is_looked_for_before_anything_is_sent() {
    let unknown = DeliveryState::Unknown { deadline: at(30), at: at(5) };
    let open = [open(1, Mode::Document, unknown)];
    assert_eq!(step(&open, None, at(4)), Next::Wait(at(5)));
    assert_eq!(step(&open, None, at(5)), Next::Documents(vec![DocumentStep::Find(id(1))]));
}

#[test]
fn a_draft_is_finished() {
    let draft = DeliveryState::Draft { reference: reference("D1"), at: at(0) };
    let expected = DocumentStep::Commit(id(1), reference("D1"));
    let open = [open(1, Mode::Document, draft)];
    assert_eq!(step(&open, None, at(0)), Next::Documents(vec![expected]));
}

#[test]
fn a_document_that_waits_does_not_stop_the_next() {
    let open = [open(1, Mode::Document, due(300)), open(2, Mode::Document, due(0))];
    assert_eq!(step(&open, None, at(1)), Next::Documents(vec![DocumentStep::Create(id(2))]));
}

#[test]
fn no_more_documents_are_in_flight_than_allowed() {
    let open: Vec<_> = (1..=20).map(|number| open(number, Mode::Document, due(0))).collect();
    let Next::Documents(steps) = step(&open, None, at(0)) else { panic!() };
    assert_eq!(steps.len(), IN_FLIGHT_MAX);
}

#[test]
fn a_return_waits_for_its_sale_and_follows_once_it_stands() {
    let open = [depending(1, "sale")];
    for state in [OriginalState::OnItsWay, OriginalState::NeverSeen, OriginalState::Exception] {
        let waiting = only_state(step_with(&open, None, &[("sale", state)], at(60)));
        assert_eq!(waiting, DeliveryState::Waiting { for_key: "sale".to_owned(), at: at(66) });
    }
    let standing = OriginalState::Standing(reference("#1001"));
    let next = step_with(&open, None, &[("sale", standing)], at(60));
    assert_eq!(next, Next::Documents(vec![DocumentStep::Create(id(1))]));
}

#[test]
fn a_return_whose_sale_never_comes_needs_a_person_after_the_limit() {
    let open = [depending(1, "sale")];
    let late = at(96 * 3_600);
    let never = [("sale", OriginalState::NeverSeen)];
    let DeliveryState::Exception { class, .. } = only_state(step_with(&open, None, &never, late))
    else {
        panic!()
    };
    assert_eq!(class, ExceptionClass::MissingOriginal);
    let stuck = [("sale", OriginalState::Exception)];
    let waiting = only_state(step_with(&open, None, &stuck, late));
    assert!(matches!(waiting, DeliveryState::Waiting { .. }), "it waits for the person");
}

#[test]
fn a_return_of_a_sale_settled_without_a_document_needs_a_person_at_once() {
    let open = [depending(1, "sale")];
    let originals = [("sale", OriginalState::WithoutDocument)];
    let state = only_state(step_with(&open, None, &originals, at(0)));
    let DeliveryState::Exception { class, .. } = state else { panic!("{state:?}") };
    assert_eq!(class, ExceptionClass::MissingOriginal);
}

#[test]
fn originals_are_asked_for_whole_deliveries_and_only_where_due() {
    let mut many = depending(1, "a");
    many.delivery.planned.depends_on = (0..100).map(|n| format!("k{n}")).collect();
    let mut later = depending(3, "later");
    later.delivery.state = due(99);
    let wanted = wanted_originals(&[many, depending(2, "b"), later], at(0));
    assert_eq!(wanted.len(), 100, "all of the first, none of the second, nothing not due");
}

#[test]
fn deltas_are_coalesced_up_to_the_bundle_and_pass_over_those_that_wait() {
    let mut lane: Vec<_> = (1..=5).map(|number| open(number, Mode::Delta, due(0))).collect();
    lane[0].delivery.state = due(50);
    assert_eq!(step(&lane, None, at(0)), Next::Prepare(vec![id(2), id(3), id(4)]));
}

#[test]
fn a_stored_bundle_is_settled_before_another_is_made() {
    let mut stored = bundle(&[1], 7);
    let bundled = DeliveryState::Bundled { key: Uuid::from_u128(7) };
    let open = [open(1, Mode::Delta, bundled), open(2, Mode::Delta, due(0))];
    assert_eq!(step(&open, Some(&stored), at(0)), Next::Send);
    stored.due_at = at(9);
    assert_eq!(step(&open, Some(&stored), at(0)), Next::Wait(at(9)));
}

#[test]
fn a_delta_whose_bundle_is_lost_is_never_sent_again() {
    let bundled = DeliveryState::Bundled { key: Uuid::from_u128(7) };
    let unknown = DeliveryState::Unknown { deadline: at(0), at: at(0) };
    for state in [bundled, unknown] {
        let state = only_state(step(&[open(1, Mode::Delta, state)], None, at(0)));
        let DeliveryState::Exception { class, .. } = state else { panic!("{state:?}") };
        assert_eq!(class, ExceptionClass::UnknownOutcome);
    }
}

#[test]
fn a_bundle_without_outcome_is_repeated_within_the_window_and_never_after() {
    let mut stored = bundle(&[1], 7);
    stored.first_sent_at = Some(at(0));
    let open = [open(1, Mode::Delta, DeliveryState::Bundled { key: Uuid::from_u128(7) })];
    let end = 24 * 3_600;
    assert_eq!(step(&open, Some(&stored), at(end - 30)), Next::Send);
    let state = only_state(step(&open, Some(&stored), at(end - 29)));
    let DeliveryState::Exception { class, .. } = state else { panic!("{state:?}") };
    assert_eq!(class, ExceptionClass::UnknownOutcome);
}

#[test]
fn a_bundle_that_was_definitely_not_applied_outlives_any_outage() {
    let stored = bundle(&[1], 7);
    let open = [open(1, Mode::Delta, DeliveryState::Bundled { key: Uuid::from_u128(7) })];
    assert_eq!(step(&open, Some(&stored), at(30 * 24 * 3_600)), Next::Send);
}

fn counted(number: i64, counted_at: i64) -> Open {
    let mut open = open(number, Mode::Count, due(0));
    open.counted_at = Some(at(counted_at));
    open
}

#[test]
fn a_count_waits_for_earlier_deltas_and_holds_back_later_ones() {
    let mut lane = [open(1, Mode::Delta, due(0)), counted(2, 2), open(3, Mode::Delta, due(0))];
    assert_eq!(step(&lane, None, at(5)), Next::Prepare(vec![id(1)]));
    lane[0].delivery.state = due(60);
    assert_eq!(step(&lane, None, at(5)), Next::Wait(at(60)));
    assert_eq!(step(&lane[1..], None, at(5)), Next::Count(id(2)));
    assert_eq!(step(&lane[2..], None, at(5)), Next::Prepare(vec![id(3)]));
}

#[test]
fn what_happened_before_the_counting_goes_first_however_late_it_came() {
    let mut late = open(3, Mode::Delta, due(0));
    late.occurred_at = at(1);
    let lane = [counted(2, 2), late, open(4, Mode::Delta, due(0))];
    assert_eq!(step(&lane, None, at(5)), Next::Prepare(vec![id(3)]));
}

#[test]
fn counts_follow_each_other_in_order() {
    let lane = [counted(1, 1), counted(2, 2)];
    assert_eq!(step(&lane, None, at(5)), Next::Count(id(1)));
}

#[test]
fn a_waiting_count_says_when_it_is_due() {
    let mut count = counted(1, 1);
    count.delivery.state = due(15);
    let lane = [count, open(2, Mode::Delta, due(0))];
    assert_eq!(step(&lane, None, at(5)), Next::Wait(at(15)));
}
