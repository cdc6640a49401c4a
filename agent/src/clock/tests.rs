//! What a jump of the host's clock changes, and what it does not.

use jiff::ToSpan;
use jiff::tz::TimeZone;

use super::*;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn reading(host: &str, steady: Duration) -> Reading {
    Reading { host: at(host), steady }
}

fn milliseconds(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Asked at ten o'clock by a clock that is three seconds behind; the answer took 200 ms.
fn reckoning() -> Reckoning {
    let asked = reading("2026-11-23T10:00:00Z", Duration::ZERO);
    let answered = reading("2026-11-23T10:00:00.200Z", milliseconds(200));
    Reckoning::measured(at("2026-11-23T10:00:03.100Z"), asked, answered)
}

#[test]
fn the_round_trip_bounds_how_wrong_a_measurement_can_be() {
    let skew = reckoning().skew(reading("2026-11-23T10:00:00.200Z", milliseconds(200)));
    assert_eq!((skew.ms, skew.uncertainty_ms, skew.even), (3_000, 100, true));
    assert_eq!(skew.to_string(), "3000 ms behind the relay, to within 100 ms");
    assert_eq!(skew.warning(), None);
    let slow = Reckoning::measured(
        at("2026-11-23T10:00:09Z"),
        reading("2026-11-23T10:00:00Z", Duration::ZERO),
        reading("2026-11-23T10:00:10Z", Duration::from_secs(10)),
    );
    let skew = slow.skew(reading("2026-11-23T10:00:10Z", Duration::from_secs(10)));
    assert_eq!((skew.ms, skew.uncertainty_ms), (4_000, 5_000), "the truth, 0 to 9 s, lies within");
}

#[test]
fn a_clock_that_jumps_back_ten_years_is_seen_at_once_and_changes_no_time_that_counts() {
    let jumped = reading("2016-11-23T10:00:00Z", DAY);
    let skew = reckoning().skew(jumped);
    assert!(!skew.even);
    assert_eq!(reckoning().relay_time(jumped), at("2026-11-24T10:00:03Z"));
    let warning = skew.warning().unwrap();
    assert!(warning.starts_with("The clock of this machine is 3653 d"), "{warning}");
    assert!(warning.ends_with("behind; tell your IT."), "{warning}");
}

#[test]
fn a_clock_that_jumps_forward_three_days_is_seen_at_once_and_changes_no_time_that_counts() {
    let jumped = reading("2026-11-26T10:00:00Z", Duration::from_secs(60));
    let skew = reckoning().skew(jumped);
    assert!(!skew.even);
    assert_eq!(reckoning().relay_time(jumped), at("2026-11-23T10:01:03Z"));
    assert!(skew.warning().unwrap().contains("2 d 23 h ahead"), "{skew}");
}

#[test]
fn a_clock_that_is_wrong_and_goes_evenly_can_be_corrected() {
    let later = reading("2026-11-24T10:00:00.200Z", DAY + milliseconds(200));
    let skew = reckoning().skew(later);
    assert_eq!((skew.ms, skew.even), (3_000, true));
    assert_eq!(skew.uncertainty_ms, 100 + 8_640, "a day's drift");
}

#[test]
fn summer_time_begins_and_ends_without_any_difference() {
    let berlin = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
    for change in ["2027-03-28T01:00:00Z", "2026-10-25T01:00:00Z"] {
        let change = at(change);
        let before = Reading { host: change - 1.minutes(), steady: Duration::ZERO };
        let after = Reading { host: change + 1.minutes(), steady: Duration::from_secs(120) };
        let offset = |reading: Reading| reading.host.to_zoned(berlin.clone()).offset();
        assert_ne!(offset(before), offset(after), "the wall clock is put by an hour");
        let skew = Reckoning::measured(before.host, before, before).skew(after);
        assert_eq!((skew.ms, skew.even), (0, true), "{change}");
    }
}

#[test]
fn a_page_sharpens_what_a_session_measured_and_never_turns_it_over() {
    let known = Reckoning {
        relay: at("2026-11-23T10:00:00Z"),
        reading: reading("2026-11-23T10:00:00Z", Duration::ZERO),
        uncertainty: Duration::from_secs(2),
    };
    let told = |relay: &str, round_trip: Duration| {
        let asked = reading("2026-11-23T10:01:00Z", Duration::from_secs(60) - round_trip);
        let answered = reading("2026-11-23T10:01:00Z", Duration::from_secs(60));
        Reckoning::measured(at(relay), asked, answered)
    };
    let sharper = told("2026-11-23T10:01:01Z", milliseconds(80));
    assert_eq!(known.sharpened_by(sharper), sharper);
    let vaguer = told("2026-11-23T10:00:50Z", Duration::from_secs(25));
    assert_eq!(known.sharpened_by(vaguer), known);
    let played_again = told("2026-11-23T09:00:00Z", milliseconds(80));
    assert_eq!(known.sharpened_by(played_again), known);
}
