//! What counts, what survives a crash, and when a period begins anew.

use std::num::NonZeroU32;

use jiff::ToSpan;

use super::*;

fn budget(mb: u32, per: Period) -> Metered {
    Metered { mb: NonZeroU32::new(mb).unwrap(), per }
}

fn meter() -> Meter {
    Meter::new(budget(1, Period::Day), None)
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[test]
fn more_is_counted_than_the_bodies_have() {
    let mut meter = meter();
    meter.sends(1_600, seconds(0));
    assert_eq!(meter.used(), 1_700 + EXCHANGE_BYTES + CONNECT_BYTES);
    meter.sends(0, seconds(10));
    let signs = 10 * IDLE_BYTES_PER_SECOND;
    assert_eq!(meter.used(), 1_700 + 2 * EXCHANGE_BYTES + CONNECT_BYTES + signs);
    meter.received(160);
    assert_eq!(meter.used(), 1_870 + 2 * EXCHANGE_BYTES + CONNECT_BYTES + signs);
}

#[test]
fn a_crash_at_any_point_forgets_no_byte() {
    let mut meter = meter();
    let mut kept = None;
    for second in 0..200 {
        kept = meter.sends(700, seconds(second)).or(kept);
        let after_a_crash = Meter::new(meter.budget(), kept);
        assert!(after_a_crash.used() >= meter.used());
        assert!(after_a_crash.used() <= meter.used() + AHEAD_BYTES);
    }
}

#[test]
fn the_last_fifth_is_kept_for_receipts_and_then_it_is_spent() {
    let mut meter = meter();
    assert_eq!(meter.level(), Level::Plenty);
    meter.received(760_000);
    assert_eq!(meter.level(), Level::Near);
    meter.received(200_000);
    assert_eq!(meter.level(), Level::Spent);
}

#[test]
fn an_attempt_without_a_connection_costs_little_and_something() {
    let mut meter = meter();
    for second in 0..100 {
        let before = meter.used();
        meter.sends(1_000_000, seconds(second));
        meter.was_not_sent(meter.used() - before);
    }
    assert_eq!(meter.used(), 100 * ATTEMPT_BYTES);
}

#[test]
fn a_period_begins_anew_by_the_calendar_of_utc_and_only_forward() {
    for (per, same, next) in [
        (Period::Day, "2026-11-23T23:59:59Z", "2026-11-24T00:00:00Z"),
        (Period::Month, "2026-11-30T23:59:59Z", "2026-12-01T00:00:00Z"),
    ] {
        let mut meter = Meter::new(budget(1, per), None);
        meter.received(16_000);
        meter.time_is(at("2026-11-23T10:00:00Z"));
        meter.time_is(at(same));
        assert_eq!(meter.used(), 17_000, "what came before the time was known counts");
        meter.time_is(at(next));
        assert_eq!(meter.used(), 0);
        meter.received(16_000);
        meter.time_is(at("2016-01-01T00:00:00Z"));
        assert_eq!(meter.used(), 17_000, "time that goes back gives nothing away");
    }
}

#[test]
fn the_day_on_which_summer_time_begins_or_ends_has_one_budget() {
    for day in ["2027-03-28T00:00:00Z", "2026-10-25T00:00:00Z"] {
        let mut meter = meter();
        let mut begun = 0;
        for hour in 0..24 {
            let before = meter.used();
            meter.time_is(at(day) + hour.hours());
            begun += u32::from(meter.used() < before);
            meter.received(16_000);
        }
        assert_eq!((begun, meter.used()), (0, 24 * 17_000), "{day}");
    }
}

#[test]
fn a_restart_in_another_period_begins_anew_once_the_relay_tells_the_time() {
    let mut first = meter();
    first.time_is(at("2026-11-23T10:00:00Z"));
    let kept = first.received(900_000);
    let mut second = Meter::new(first.budget(), kept);
    assert_eq!(second.level(), Level::Spent, "until then what was kept counts");
    second.time_is(at("2026-11-24T10:00:00Z"));
    assert_eq!(second.level(), Level::Plenty);
}
