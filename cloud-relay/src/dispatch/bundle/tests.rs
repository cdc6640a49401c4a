//! A bundle is repeated only while nobody knows, and settled by a definite answer.

use std::time::Duration;

use super::*;
use crate::dispatch::tests::make::{at, bundle, id, reference, rules};

/// Sends a bundle for the first time and answers it.
fn answer(before: &Bundle, verdict: BundleVerdict) -> (BundleOutcome, Option<Hold>) {
    let sent = &begin(before, &rules(), at(10));
    after_send(Sending { before, sent, oldest_at: at(0), now: at(11), chance: 0 }, verdict)
}

fn kept(before: &Bundle, verdict: Verdict) -> Bundle {
    match answer(before, BundleVerdict::Wait(verdict)).0 {
        BundleOutcome::Keep(bundle) => bundle,
        outcome @ BundleOutcome::Close(_) => panic!("{outcome:?}"),
    }
}

fn states(outcome: BundleOutcome) -> Vec<(DeliveryId, DeliveryState)> {
    match outcome {
        BundleOutcome::Close(transitions) => {
            transitions.into_iter().map(|transition| (transition.id, transition.state)).collect()
        }
        outcome @ BundleOutcome::Keep(_) => panic!("{outcome:?}"),
    }
}

#[test]
fn an_attempt_is_written_down_with_its_deadline_before_it_is_made() {
    let sent = begin(&bundle(&[1], 7), &rules(), at(10));
    assert_eq!((sent.first_sent_at, sent.deadline), (Some(at(10)), Some(at(40))));
    assert_eq!((sent.due_at, sent.attempts), (at(40), 1));
}

#[test]
fn an_unknown_outcome_keeps_key_body_and_the_time_of_the_first_sending() {
    let first = kept(&bundle(&[1], 7), Verdict::Unknown { reason: "reset".to_owned() });
    assert_eq!((first.key, first.body.as_str()), (bundle(&[1], 7).key, "body"));
    assert_eq!(first.first_sent_at, Some(at(10)));
    let again = begin(&first, &rules(), at(500));
    assert_eq!(again.first_sent_at, Some(at(10)));
}

fn retry() -> Verdict {
    Verdict::Retry { after: None, reason: "503".to_owned() }
}

#[test]
fn what_was_definitely_not_applied_is_free_again() {
    let states = states(answer(&bundle(&[1], 7), BundleVerdict::Wait(retry())).0);
    assert_eq!(states, [(id(1), DeliveryState::Due { at: at(13) })]);
}

#[test]
fn what_may_have_been_applied_once_keeps_its_bundle_whatever_comes_later() {
    let mut uncertain = bundle(&[1], 7);
    uncertain.first_sent_at = Some(at(1));
    assert_eq!(kept(&uncertain, retry()).first_sent_at, Some(at(1)));
}

#[test]
fn a_refused_bundle_makes_its_culprit_an_exception_and_frees_the_others() {
    let culprits = vec![(1, ExceptionClass::UnknownItem, "4711 is unknown".to_owned())];
    let verdict = BundleVerdict::Refused { culprits, reason: "user error".to_owned() };
    let states = states(answer(&bundle(&[4, 5, 6], 7), verdict).0);
    assert_eq!(states[0], (id(4), DeliveryState::Due { at: at(11) }));
    assert!(matches!(states[1].1, DeliveryState::Exception { .. }));
    assert_eq!(states[2], (id(6), DeliveryState::Due { at: at(11) }));
}

#[test]
fn a_stale_compare_frees_all_members_a_little_later() {
    let verdict = BundleVerdict::Refused { culprits: Vec::new(), reason: "stale".to_owned() };
    let states = states(answer(&bundle(&[4], 7), verdict).0);
    assert_eq!(states, [(id(4), DeliveryState::Due { at: at(12) })]);
}

#[test]
fn an_applied_bundle_settles_every_member() {
    let states = states(answer(&bundle(&[4, 5], 7), BundleVerdict::Done(reference("G1"))).0);
    assert!(states.iter().all(|(_, state)| matches!(state, DeliveryState::Done { .. })));
    assert_eq!(states.len(), 2);
}

#[test]
fn a_pause_holds_the_target_and_makes_no_exception() {
    let reason = "token expired".to_owned();
    let verdict = Verdict::Paused { after: Duration::from_secs(60), reason: reason.clone() };
    let (outcome, hold) = answer(&bundle(&[1], 7), BundleVerdict::Wait(verdict));
    assert_eq!(hold, Some(Hold::Paused { until: at(71), reason }));
    assert_eq!(states(outcome), [(id(1), DeliveryState::Due { at: at(71) })]);
}
