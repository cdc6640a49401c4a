//! One case each of what goes wrong between relay and target.

use std::sync::atomic::Ordering;

use jiff::SignedDuration;

use super::make::{at, bundle, delivery, id};
use super::memory::Fault;
use super::model::World;
use super::vendor::Mood;
use crate::connectors::{ExceptionClass, Mode};
use crate::dispatch::work::{WorkParts, work};
use crate::seams::Seams;
use crate::store::model::{Delivery, DeliveryState};

fn world(modes: &[Mode], moods: &[Mood]) -> World {
    let world = World::new(Seams::default());
    for (number, mode) in (1..).zip(modes) {
        world.store.add(delivery(number, *mode));
    }
    world.vendor.books().moods.extend(moods);
    world
}

fn class_of(world: &World, number: i64) -> Option<ExceptionClass> {
    match world.store.state(id(number)) {
        DeliveryState::Exception { class, .. } => Some(class),
        _ => None,
    }
}

#[test]
fn a_panic_of_a_connector_is_an_unknown_outcome_and_ends_well() {
    let world = world(&[Mode::Document], &[Mood::Panics]);
    world.run();
    assert_eq!(world.times_applied(1), 1);
    assert_eq!(world.store.rows().attempts.len(), 2);
}

#[test]
fn a_crash_after_the_call_leads_to_one_document() {
    let world = world(&[Mode::Document], &[Mood::Well]);
    world.store.rows().faults.extend([Fault::None, Fault::CrashBefore]);
    world.run();
    assert_eq!(world.times_applied(1), 1);
    assert_eq!(world.store.rows().attempts.len(), 1, "it was found, not sent again");
}

#[test]
fn goods_of_an_exchange_come_back_after_the_exchange_stands() {
    let world = World::new(Seams::default());
    let receipt = "transaction/0042/2/2026-11-22/000001";
    let mut comes_back = delivery(1, Mode::Document);
    comes_back.planned.depends_on = vec![format!("{receipt}/sale/0")];
    world.store.add(comes_back);
    let natural_key = format!("{receipt}/exchange/0");
    world.store.add(Delivery { natural_key, ..delivery(2, Mode::Document) });
    world.run();
    assert!((1..=2).all(|number| world.times_applied(number) == 1));
    let order: Vec<_> = world.store.rows().attempts.iter().map(|step| step.id).collect();
    assert_eq!(order, [id(2), id(1)]);
}

#[test]
fn a_target_that_takes_nothing_pauses_and_makes_no_exceptions() {
    let world = world(&[Mode::Document; 6], &[Mood::Closed]);
    world.run();
    assert!((1..=6).all(|number| world.times_applied(number) == 1));
    let paused = world.store.rows().paused.clone().unwrap();
    assert_eq!(paused.1, "closed for maintenance");
}

#[test]
fn one_refused_delta_does_not_hold_back_the_others_of_its_bundle() {
    let world = world(&[Mode::Delta; 5], &[Mood::Well, Mood::Refuses]);
    world.run();
    assert_eq!(class_of(&world, 1), Some(ExceptionClass::UnknownItem));
    assert_eq!(world.times_applied(1), 0);
    assert!((2..=5).all(|number| world.times_applied(number) == 1));
}

#[test]
fn deltas_without_an_answer_are_repeated_under_the_same_key() {
    let world = world(&[Mode::Delta; 2], &[Mood::Well, Mood::AnswerLost(0), Mood::NothingDone]);
    world.run();
    assert!((1..=2).all(|number| world.times_applied(number) == 1));
}

#[test]
fn deltas_whose_answer_is_lost_for_a_day_are_never_sent_again() {
    let world = world(&[Mode::Delta], &[Mood::Well, Mood::AnswerLost(0)]);
    world.run_until(|| world.store.rows().bundle.is_some());
    world.seconds.fetch_add(24 * 3_600, Ordering::Relaxed);
    world.run();
    assert_eq!(class_of(&world, 1), Some(ExceptionClass::UnknownOutcome));
    assert_eq!(world.times_applied(1), 1);
}

#[test]
fn an_outage_of_days_in_which_nothing_was_applied_makes_no_exceptions() {
    let world = world(&[Mode::Delta; 2], &[Mood::Well, Mood::Busy]);
    world.run_until(|| world.vendor.books().moods.is_empty());
    world.seconds.fetch_add(3 * 24 * 3_600, Ordering::Relaxed);
    world.run();
    assert!((1..=2).all(|number| world.times_applied(number) == 1));
}

#[test]
fn a_bundle_that_was_lost_from_the_store_becomes_an_exception() {
    let world = world(&[Mode::Delta], &[]);
    let key = bundle(&[1], 9).key;
    world.store.rows().deliveries.get_mut(&id(1)).unwrap().state = DeliveryState::Bundled { key };
    world.run();
    assert_eq!(class_of(&world, 1), Some(ExceptionClass::UnknownOutcome));
    assert_eq!(world.times_applied(1), 0);
}

#[test]
fn a_record_that_cannot_be_read_needs_a_person_and_stops_nobody() {
    let world = world(&[Mode::Document; 2], &[]);
    world.store.rows().deliveries.get_mut(&id(1)).unwrap().record = b"{".to_vec();
    world.run();
    assert_eq!(class_of(&world, 1), Some(ExceptionClass::Rejected));
    assert_eq!(world.times_applied(2), 1);
}

#[test]
fn a_return_of_another_lane_waits_until_its_limit() {
    let world = World::new(Seams::default());
    let mut refund = delivery(1, Mode::Document);
    refund.planned.depends_on = vec!["never seen".to_owned()];
    world.store.add(refund);
    world.run_until(|| matches!(world.store.state(id(1)), DeliveryState::Waiting { .. }));
    let wait = SignedDuration::from_hours(96).as_secs();
    world.seconds.store(wait, Ordering::Relaxed);
    world.run();
    assert_eq!(class_of(&world, 1), Some(ExceptionClass::MissingOriginal));
}

#[test]
fn workers_finish_what_is_due_and_end_when_told() {
    let world = world(&[Mode::Document; 9], &[Mood::AnswerLost(0)]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let settled = async {
        let mut changes = world.store.changes();
        while !world.store.is_settled() {
            world.seconds.fetch_add(60, Ordering::Relaxed);
            // Time goes on with each change, and by itself while the workers rest.
            tokio::select! {
                changed = changes.changed() => changed.unwrap(),
                () = tokio::task::yield_now() => {}
            }
        }
    };
    let parts: WorkParts = world.work_parts();
    runtime.block_on(async {
        // The deadline stands in for a hang.
        let deadline = std::time::Duration::from_secs(20);
        tokio::time::timeout(deadline, work(parts, settled)).await.expect("the workers end");
    });
    assert!((1..=9).all(|number| world.times_applied(number) == 1));
}

#[test]
fn a_lane_of_a_target_that_is_not_configured_waits() {
    let world = world(&[Mode::Document], &[]);
    let mut parts = world.work_parts();
    parts.targets.clear();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(work(parts, std::future::ready(())));
    assert_eq!(world.store.state(id(1)), DeliveryState::Due { at: at(0) });
}
