//! What people are told is what is known, and no more.

use protocol::handshake::HoldReason;
use protocol::money::Currency;

use super::*;
use crate::connectors::{Class, Mode};
use crate::ingest::tests::make::{at, device, shop};
use crate::store::model::{DeliveryId, Lane};

const NOW: i64 = 10_000;

fn heard(seen: Option<i64>, level: Option<i64>) -> Device {
    Device { seen_at: seen.map(at), level_at: level.map(at), entries: 5, ..device() }
}

fn hearing_of(devices: &[Device]) -> Hearing {
    hearing(&devices.iter().collect::<Vec<_>>(), at(NOW))
}

fn status(devices: Vec<Device>, lanes: &[LaneView], open: &[DeliveryView]) -> Status {
    of(&TenantId::new("acme").unwrap(), devices, lanes, open, true, at(NOW))
}

fn lane(target: &str, waiting: u64, oldest: Option<i64>) -> LaneView {
    LaneView {
        lane: Lane {
            store: device().store,
            target: TargetId::new(target).unwrap(),
            class: Class::Receipts,
        },
        waiting,
        exceptions: 1,
        done: 3,
        oldest_at: oldest.map(at),
        paused: None,
    }
}

fn exception(number: i64, class: ExceptionClass, since: i64, minor: i64) -> DeliveryView {
    DeliveryView {
        id: DeliveryId { lane_id: 1, number },
        lane: lane("shop", 0, None).lane,
        event_id: protocol::id::EventId(uuid::Uuid::from_u128(1)),
        natural_key: "key".to_owned(),
        action: "order.create".to_owned(),
        mode: Mode::Document,
        state: DeliveryState::Exception { class, reason: "why".to_owned(), since: at(since) },
        amount: Some(Money::new(minor, Currency::new("EUR").unwrap())),
        attempts: 1,
        created_at: at(0),
        history: Vec::new(),
    }
}

#[test]
fn a_store_whose_devices_were_heard_of_lately_is_level_or_still_sends() {
    assert_eq!(hearing_of(&[heard(Some(NOW - 60), Some(NOW - 60))]), Hearing::Level);
    assert_eq!(hearing_of(&[heard(Some(NOW), Some(0))]), Hearing::Sending);
}

#[test]
fn one_dark_device_makes_its_store_unknown_since_then() {
    let dark = NOW - DARK_AFTER.as_secs() - 1;
    let devices = vec![heard(Some(NOW), Some(NOW)), heard(Some(dark), Some(dark))];
    assert_eq!(hearing_of(&devices), Hearing::Unknown);
    let status = status(devices, &[], &[]);
    assert_eq!(status.stores[0].heard_at, Some(at(dark)));
    assert!(status.sentence.contains("1 store unknown"), "{}", status.sentence);
    assert!(!status.sentence.contains("nothing to do"), "{}", status.sentence);
}

#[test]
fn a_store_that_never_spoke_and_one_that_is_held_are_said_to_be_so() {
    assert_eq!(hearing_of(&[heard(None, None)]), Hearing::Never);
    let state = DeviceState::Held { reason: HoldReason::Fork, since: at(0) };
    let held = Device { state, ..heard(Some(NOW), Some(NOW)) };
    assert_eq!(hearing_of(&[held]), Hearing::Held);
}

#[test]
fn a_revoked_device_leaves_its_store_known() {
    let state = DeviceState::Revoked { since: at(0) };
    let gone = Device { state, ..heard(Some(0), None) };
    let status = status(vec![heard(Some(NOW), Some(NOW)), gone], &[], &[]);
    assert_eq!(status.stores[0].hearing, Hearing::Level);
    assert_eq!(status.entries, 10);
}

#[test]
fn lanes_are_summed_by_target_with_the_oldest_and_the_relays_own_last() {
    let mut paused = lane("shop", 2, Some(50));
    paused.paused = Some((at(NOW + 60), "a new token is needed".to_owned()));
    let lanes = [lane("relay", 0, None), lane("shop", 4, Some(100)), paused];
    let status = status(Vec::new(), &lanes, &[]);
    let names: Vec<_> = status.targets.iter().map(|target| target.target.as_str()).collect();
    assert_eq!(names, ["shop", "relay"]);
    let first = &status.targets[0];
    assert_eq!((first.waiting, first.done, first.oldest_at), (6, 6, Some(at(50))));
    assert_eq!(first.paused_because.as_deref(), Some("a new token is needed"));
    assert!(status.sentence.contains("shop takes nothing"), "{}", status.sentence);
    assert_eq!(first.target, shop());
}

#[test]
fn exceptions_are_grouped_by_class_with_amount_and_age() {
    let open = [
        exception(1, ExceptionClass::UnknownItem, 70, 149),
        exception(2, ExceptionClass::UnknownItem, 50, 51),
        exception(3, ExceptionClass::Conflict, 90, 100),
    ];
    let status = status(Vec::new(), &[], &open);
    let rows: Vec<_> = status
        .exceptions
        .iter()
        .map(|row| (row.code, row.count, row.oldest_at, row.at_risk[0].to_string()))
        .collect();
    assert_eq!(
        rows,
        [
            ("SK0060", 2, at(50), "2.00 EUR".to_owned()),
            ("SK0068", 1, at(90), "1.00 EUR".to_owned())
        ]
    );
    assert!(status.sentence.contains("3 exceptions for a person, 3.00 EUR at risk"));
}
