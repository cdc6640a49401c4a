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
        entries: 0,
        epoch: None,
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

fn stock(kind: &str, lines: &str) -> Event {
    let event = format!(
        r#"{{"specversion":"1.0","id":"0192f0c1-0000-7000-8000-000000000001",
        "source":"/stores/0042/locations/floor","type":"storekeep.stock.v1",
        "subject":"0042/floor/C-7","time":"2026-11-23T17:04:11+01:00",
        "datacontenttype":"application/json","dataschema":"storekeep:stock:v1",
        "data":{{"kind":"{kind}","store":"0042","location":"floor","document":"C-7",
        "businessDate":"2026-11-23","occurredAt":"2026-11-23T17:04:11+01:00",
        "lines":[{lines}]}}}}"#
    );
    Event::parse(event.as_bytes()).unwrap()
}

#[test]
fn the_lines_of_a_count_are_read_in_their_order_with_place_name_and_time() {
    let event = stock(
        "count",
        r#"{"line":2,"item":{"gtin":"04006381333931"},"counted":"17",
            "countedAt":"2026-11-23T16:30:00+01:00"},
           {"line":1,"item":{"sku":"4711","gtin":"04006381333931"},"counted":"0",
            "countedAt":"2026-11-23T16:31:00+01:00"}"#,
    );
    let line = |item: &str, counted_at: &str| CountLine {
        location: "floor".to_owned(),
        item: item.to_owned(),
        counted_at: counted_at.parse().unwrap(),
    };
    assert_eq!(
        lines(&event),
        [line("04006381333931", "2026-11-23T15:30:00Z"), line("4711", "2026-11-23T15:31:00Z")]
    );
}

#[test]
fn a_change_of_stock_counts_nothing() {
    let event = stock("adjustment", r#"{"line":1,"item":{"sku":"4711"},"change":"-2"}"#);
    assert_eq!(lines(&event), []);
    let sale = crate::dispatch::read::event(&crate::dispatch::tests::make::record(1)).unwrap();
    assert_eq!(lines(&sale), []);
}
