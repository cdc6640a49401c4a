//! Each verdict leads to its state, and "nobody knows" never to "not there".

use super::*;
use crate::connectors::{ExceptionClass, Mode};
use crate::dispatch::tests::make::{at, delivery, reference, rules};

/// A call that began at one moment, with the deadline of the attempt in question.
fn moments(began_at: i64, deadline: i64) -> Moments {
    Moments { began_at: at(began_at), deadline: at(deadline), now: at(began_at + 1), chance: 0 }
}

fn state(outcome: Outcome) -> DeliveryState {
    match outcome {
        Outcome::Settled { transition, .. } => transition.state,
        outcome @ Outcome::Verify(_) => panic!("{outcome:?}"),
    }
}

fn called(called: Called<'_>, verdict: Verdict) -> Outcome {
    after_call(&delivery(1, Mode::Document), called, verdict, moments(0, 30))
}

fn find(found: Result<Found, Unanswered>, began_at: i64) -> Outcome {
    after_find(&delivery(1, Mode::Document), found, &rules(), moments(began_at, 30))
}

#[test]
fn absence_counts_only_after_deadline_and_settle_time() {
    let unknown = state(find(Ok(Found::None), 149));
    assert_eq!(unknown, DeliveryState::Unknown { deadline: at(30), at: at(150) });
    assert!(matches!(state(find(Ok(Found::None), 150)), DeliveryState::Due { .. }));
}

#[test]
fn a_look_up_that_began_too_early_does_not_count_however_late_it_ends() {
    let late = Moments { now: at(1_000), ..moments(149, 30) };
    let outcome = after_find(&delivery(1, Mode::Document), Ok(Found::None), &rules(), late);
    assert!(matches!(state(outcome), DeliveryState::Unknown { .. }));
}

#[test]
fn what_is_found_standing_is_read_back_before_it_is_believed() {
    assert_eq!(find(Ok(Found::Posted(reference("#1"))), 0), Outcome::Verify(reference("#1")));
    let already = Verdict::AlreadyDone(reference("#1"));
    assert_eq!(called(Called::Create, already), Outcome::Verify(reference("#1")));
}

#[test]
fn a_look_up_without_answer_leaves_it_unknown() {
    let none = Unanswered::Retry { after: None, reason: "503".to_owned() };
    assert!(matches!(state(find(Err(none), 500)), DeliveryState::Unknown { .. }));
}

#[test]
fn what_was_not_applied_goes_back_to_where_it_stood() {
    let retry = || Verdict::Retry { after: Some(Duration::from_secs(5)), reason: "x".to_owned() };
    assert_eq!(state(called(Called::Create, retry())), DeliveryState::Due { at: at(6) });
    let draft = reference("D1");
    assert_eq!(
        state(called(Called::Commit(&draft), retry())),
        DeliveryState::Draft { reference: draft, at: at(6) }
    );
    assert_eq!(
        state(called(Called::Verify, retry())),
        DeliveryState::Unknown { deadline: at(30), at: at(6) }
    );
}

#[test]
fn an_unknown_outcome_keeps_the_deadline_of_its_attempt() {
    let unknown = Verdict::Unknown { reason: "reset".to_owned() };
    let state = state(called(Called::Create, unknown));
    assert!(matches!(state, DeliveryState::Unknown { deadline, .. } if deadline == at(30)));
}

#[test]
fn a_paused_target_holds_all_its_lanes_and_makes_no_exception() {
    let reason = "the token was revoked: enter a new one".to_owned();
    let verdict = Verdict::Paused { after: Duration::from_secs(60), reason: reason.clone() };
    let Outcome::Settled { transition, hold } = called(Called::Create, verdict) else { panic!() };
    assert_eq!(transition.state, DeliveryState::Due { at: at(61) });
    assert_eq!(hold, Some(Hold::Paused { until: at(61), reason }));
}

#[test]
fn a_throttled_call_waits_as_long_as_the_target_says() {
    let verdict = Verdict::Throttled { after: Duration::from_secs(7) };
    let Outcome::Settled { transition, hold } = called(Called::Create, verdict) else { panic!() };
    assert_eq!(transition.state, DeliveryState::Due { at: at(8) });
    assert_eq!(hold, Some(Hold::Throttled { until: at(8) }));
}

#[test]
fn an_exception_keeps_class_and_reason() {
    let class = ExceptionClass::ClosedPeriod;
    let verdict = Verdict::Exception { class, reason: "10/2026 is closed".to_owned() };
    let expected =
        DeliveryState::Exception { class, reason: "10/2026 is closed".to_owned(), since: at(1) };
    assert_eq!(state(called(Called::Create, verdict)), expected);
}

#[test]
fn what_a_target_says_is_cut_at_whole_characters() {
    assert_eq!(said("ü".repeat(600)).chars().count(), SAID_CHARS_MAX);
    assert_eq!(said("short".to_owned()), "short");
}
