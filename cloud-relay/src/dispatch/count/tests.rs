//! A count waits for every device, and later movements stand on top of it.

use protocol::bytes::Bytes;
use protocol::id::DeviceId;

use super::*;
use crate::dispatch::tests::make::at;

fn device(name: &str, level_at: Option<i64>) -> Device {
    Device {
        device: DeviceId::new(name).unwrap(),
        store: StoreId::new("0042").unwrap(),
        public_key: Bytes([7; 32]),
        state: DeviceState::Active,
        agent_version: "1".to_owned(),
        enrolled_at: at(0),
        seen_at: None,
        level_at: level_at.map(at),
        ticket: None,
    }
}

fn judge(devices: &[Device], now: i64) -> Level {
    let limit = SignedDuration::from_secs(1_000);
    level(devices, &StoreId::new("0042").unwrap(), at(100), at(110), limit, at(now))
}

#[test]
fn a_count_is_ready_once_every_active_device_is_level_after_it() {
    let mut revoked = device("old", None);
    revoked.state = DeviceState::Revoked { since: at(0) };
    let mut elsewhere = device("d9", None);
    elsewhere.store = StoreId::new("0043").unwrap();
    let devices = [device("d1", Some(101)), device("d2", Some(105)), revoked, elsewhere];
    assert_eq!(judge(&devices, 120), Level::Yes);
}

#[test]
fn a_device_that_was_level_only_before_the_counting_is_waited_for_and_named() {
    let devices = [device("d1", Some(101)), device("d2", Some(100)), device("d3", None)];
    let Level::NotYet { at: again, reason } = judge(&devices, 120) else { panic!() };
    assert_eq!(again, at(135));
    assert!(reason.contains("d2, d3"), "{reason}");
}

#[test]
fn a_count_that_waited_too_long_needs_a_person() {
    let Level::Never { reason } = judge(&[device("d2", None)], 1_110) else { panic!() };
    assert!(reason.contains("d2") && reason.contains("revoke"), "{reason}");
}

#[test]
fn only_movements_of_that_item_and_place_after_the_counting_stand_on_top() {
    let moved = |item: &str, location: &str, quantity: &str, seconds| StockMoveRow {
        location: location.to_owned(),
        item: item.to_owned(),
        quantity: quantity.parse().unwrap(),
        occurred_at: at(seconds),
    };
    let line = |item: &str| CountLine {
        location: "floor".to_owned(),
        item: item.to_owned(),
        counted_at: at(100),
    };
    let moves = [
        moved("A", "floor", "-2", 101),
        moved("A", "floor", "0.5", 150),
        moved("A", "floor", "-9", 100),
        moved("A", "cellar", "-9", 101),
        moved("B", "floor", "-9", 101),
    ];
    let sums = moved_since(&[line("A"), line("C")], &moves).unwrap();
    assert_eq!(sums, ["-1.5".parse().unwrap(), Number::ZERO]);
}
