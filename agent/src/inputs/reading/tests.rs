//! Numbers and times are read exactly, or not at all.

use jiff::tz::TimeZone;
use protocol::money::Currency;

use super::number::{DecimalMark, Minor, decimal, floating, implied, minor};
use super::shown;
use super::time::{date, date_by, moment, moment_by, offset, zone};

fn read(text: &str, mark: DecimalMark) -> Option<String> {
    decimal(text, mark).map(|value| value.to_string())
}

#[test]
fn numbers_are_read_as_vendors_write_them() {
    let point = [
        ("12", "12"),
        (" -1.50 ", "-1.50"),
        ("1.50-", "-1.50"),
        ("+3", "3"),
        (".5", "0.5"),
        ("1.", "1"),
        ("1,234.50", "1234.50"),
        ("99999999999999999999.999999", "99999999999999999999.999999"),
    ];
    for (text, expected) in point {
        assert_eq!(read(text, DecimalMark::Point).as_deref(), Some(expected), "{text}");
    }
    for (text, expected) in [("1234,50", "1234.50"), ("1.234,50", "1234.50"), ("1 234,5", "1234.5")]
    {
        assert_eq!(read(text, DecimalMark::Comma).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn what_is_no_number_is_none() {
    for text in ["", "-", ".", "1e5", "0x1", "NaN", "1.2.3", "1.000,5", "--1", ",5", "½", "１"] {
        assert_eq!(decimal(text, DecimalMark::Point), None, "{text}");
    }
    assert_eq!(decimal(&"9".repeat(41), DecimalMark::Point), None);
}

#[test]
fn implied_places_are_the_last_digits() {
    assert_eq!(implied("0001250", 2).unwrap().to_string(), "12.50");
    assert_eq!(implied("-5", 2).unwrap().to_string(), "-0.05");
    assert_eq!(implied("12.5", 2), None);
}

#[test]
fn minor_units_are_exact_or_said_to_be_rounded() {
    let (eur, clp) = (Currency::new("EUR").unwrap(), Currency::new("CLP").unwrap());
    let read = |text, currency| minor(decimal(text, DecimalMark::Point).unwrap(), currency);
    assert_eq!(read("26.990", eur), Some(Minor { units: 2699, is_exact: true }));
    assert_eq!(read("5.2339", eur), Some(Minor { units: 523, is_exact: false }));
    assert_eq!(read("-0.005", eur), Some(Minor { units: -1, is_exact: false }));
    assert_eq!(read("128980", clp), Some(Minor { units: 128_980, is_exact: true }));
    assert_eq!(read("99999999999999999999", eur), None);
}

#[test]
fn a_time_keeps_its_offset_or_gets_that_of_the_stores_zone() {
    let stockholm = zone("Europe/Stockholm").unwrap();
    let read = |text| moment(text, &stockholm).map(|time| time.to_string());
    assert_eq!(
        read("2016-08-22T15:21:49.45+01:00").as_deref(),
        Some("2016-08-22T15:21:49.45+01:00")
    );
    assert_eq!(read("2026-11-23T17:04:11").as_deref(), Some("2026-11-23T17:04:11+01:00"));
    assert_eq!(read("2026-07-01 17:04:11").as_deref(), Some("2026-07-01T17:04:11+02:00"));
    // The hour that the clock repeats: the first of the two.
    assert_eq!(read("2026-10-25T02:30:00").as_deref(), Some("2026-10-25T02:30:00+02:00"));
    assert_eq!(read("2026-11-23"), None, "a day is no moment");
    assert_eq!(read("yesterday"), None);
    let german = moment_by("23.11.2026 17:04", "%d.%m.%Y %H:%M", &TimeZone::UTC);
    assert_eq!(german.unwrap().to_string(), "2026-11-23T17:04:00+00:00");
}

#[test]
fn days_offsets_and_zones_are_read() {
    assert_eq!(date("2026-11-23").unwrap().to_string(), "2026-11-23");
    assert_eq!(date("2026-11-23+01:00").unwrap().to_string(), "2026-11-23");
    assert_eq!(date("2026-11-231"), None);
    assert_eq!(date("23.11.2026"), None);
    assert_eq!(date_by("20261123", "%Y%m%d").unwrap().to_string(), "2026-11-23");
    assert_eq!(offset("+05:30").unwrap().seconds(), 19_800);
    assert_eq!(offset("-0330").unwrap().seconds(), -12_600);
    assert!(offset("0100").is_none() && zone("Europe/Atlantis").is_none());
    assert!(zone("+03:00").is_some() && zone("system").is_some());
}

#[test]
fn floating_point_is_read_as_programs_print_it() {
    let read = |text: &str| floating(text).map(|value| value.round_dp(6).normalize().to_string());
    assert_eq!(read("0.30000000000000004").as_deref(), Some("0.3"));
    assert_eq!(read("-6.938893903907228e-17").as_deref(), Some("0"));
    assert_eq!(read("1.25E2").as_deref(), Some("125"));
    assert_eq!(read("5e-300").as_deref(), Some("0"));
    for text in ["", "inf", "NaN", "1e99", "1,5", "e5"] {
        assert_eq!(read(text), None, "{text}");
    }
}

#[test]
fn an_error_quotes_no_card_number() {
    assert_eq!(shown("card 4111 1111 1111 1111"), "card 4111 11** **** ****");
    assert_eq!(shown("receipt 187 of\t2026-11-23"), "receipt 187 of 2026-11-23");
}
